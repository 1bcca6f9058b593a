//! The tables of the outcomes.

use crate::arguments::Arguments;
use crate::network::{Kind, Network};
use crate::rival::{Rival, main_rivals, rivals};
use crate::run::{Outcome, Setting};
use crate::statistics::{Reduction, reduction, reduction_of_case, spread};
use cosma_commands::table::{Column, Table};

/// The data of the report.
pub struct Shown<'a> {
    /// The command line.
    pub arguments: &'a Arguments,
    /// The networks.
    pub networks: &'a [Network],
    /// The cases of each network, and how they were planned.
    pub setting: &'a Setting,
    /// The outcomes of all cases.
    pub outcomes: &'a [Outcome],
}

impl Shown<'_> {
    /// The report as text.
    pub fn text(&self) -> String {
        let [networks, methods] = [self.by_network(), self.by_method()].map(|it| it.text());
        format!("{networks}\n{methods}\n{}", self.sentences().join("\n") + "\n")
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let [networks, methods] = [self.by_network(), self.by_method()].map(|it| it.markdown());
        let [command, sentences @ ..] = &self.sentences()[..] else { return String::new() };
        format!("```sh\n{command}\n```\n\n{}\n\n{methods}\n{networks}", sentences.join("\n"))
    }

    /// The traffic that COSMA saves against a competitor in networks of a kind, or in all.
    pub fn reduction(&self, rival: &Rival, kind: Option<Kind>) -> Reduction {
        let is_meant = |it: &&Outcome| kind.is_none_or(|kind| self.kind(it) == kind);
        reduction(&rival.pairs(self.outcomes.iter().filter(is_meant)))
    }

    /// The kind of a case's network.
    pub fn kind(&self, outcome: &Outcome) -> Kind {
        self.networks[outcome.network].kind
    }

    fn by_method(&self) -> Table {
        let mut columns: Vec<Column> = vec![("method".into(), false), ("all".into(), true)];
        columns.extend(Kind::ALL.map(|it| (it.name().into(), true)));
        columns.extend(["of the sum", "moves less"].map(|it| (it.into(), true)));
        if !self.arguments.no_times {
            columns.push(("median s".into(), true));
        }
        let row = |rival: Rival| {
            let kinds = std::iter::once(None).chain(Kind::ALL.map(Some));
            let mut cells = vec![rival.name.clone()];
            cells.extend(kinds.map(|kind| mean_and_count(&self.reduction(&rival, kind))));
            let all = self.reduction(&rival, None);
            cells.extend([all.of_sum.map_or(String::new(), percent), all.n_below.to_string()]);
            if !self.arguments.no_times {
                cells.push(seconds(
                    spread(self.outcomes.iter().map(|it| rival.seconds(it))).map_or(0.0, |it| it.median),
                ));
            }
            cells
        };
        Table { columns, rows: rivals(&self.setting.methods).into_iter().map(row).collect() }
    }

    fn by_network(&self) -> Table {
        let mut columns: Vec<Column> = vec![("network".into(), false), ("kind".into(), false)];
        columns.extend(["operators", "optimal", "worst gap"].map(|it| (it.into(), true)));
        if !self.arguments.no_times {
            columns.extend(["median s", "most s"].map(|it| (it.into(), true)));
        }
        let rivals = main_rivals(&self.setting.methods);
        for rival in &rivals {
            columns.push((format!("saved against {}", rival.name), true));
            columns.push(("least".into(), true));
        }
        let row = |(index, network): (usize, &Network)| {
            let outcomes: Vec<&Outcome> = self.outcomes.iter().filter(|it| it.network == index).collect();
            let n_optimal = outcomes.iter().filter(|it| it.is_optimal()).count();
            let gap = spread(outcomes.iter().map(|it| gap(it))).map_or(0.0, |it| it.most);
            let mut cells = vec![
                network.name.clone(),
                network.kind.name().into(),
                network.problem.graph.ops().len().to_string(),
                format!("{n_optimal}/{}", outcomes.len()),
                if gap == 0.0 { String::new() } else { percent(gap) },
            ];
            if !self.arguments.no_times {
                let spread = spread(outcomes.iter().map(|it| it.cosma.seconds));
                cells.extend(spread.map_or([0.0, 0.0], |it| [it.median, it.most]).map(seconds));
            }
            for rival in &rivals {
                let pairs = rival.pairs(outcomes.iter().copied());
                match spread(pairs.into_iter().map(reduction_of_case)) {
                    Some(spread) => cells.extend([percent(spread.median), percent(spread.least)]),
                    None => cells.extend([String::new(), String::new()]),
                }
            }
            cells
        };
        Table { columns, rows: self.networks.iter().enumerate().map(row).collect() }
    }
}

/// The relative gap between COSMA's plan and its lower bound, 0 to 1.
pub fn gap(outcome: &Outcome) -> f64 {
    let moved = outcome.cosma.non_compulsory.0;
    if moved == outcome.lower_bound.0 { 0.0 } else { 1.0 - outcome.lower_bound.0 as f64 / moved as f64 }
}

fn mean_and_count(reduction: &Reduction) -> String {
    let mean = reduction.mean.map_or(String::new(), |it| format!("{} ", percent(it)));
    format!("{mean}({})", reduction.n_above)
}

/// Formats a fraction as a percentage with one decimal.
pub fn percent(part: f64) -> String {
    // Adding zero removes the sign of a negative zero.
    let rounded = (1000.0 * part).round() / 10.0 + 0.0;
    format!("{rounded:.1} %")
}

/// Formats seconds with three decimals.
pub fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn percentages_have_one_digit_and_one_zero() {
        let shown = [0.8449, 1.0, 0.0, -0.0001, -0.25].map(percent);
        assert_eq!(shown, ["84.5 %", "100.0 %", "0.0 %", "0.0 %", "-25.0 %"]);
    }
}
