//! What is shown of the outcomes.

use crate::arguments::Arguments;
use crate::method::Method;
use crate::network::{Kind, Network};
use crate::run::{Outcome, Setting};
use crate::statistics::{Reduction, reduction, reduction_of_case, spread};
use crate::table::{Column, Table};
use cosma_planner::baseline::OrderRule;

/// All that there is to show.
pub struct Shown<'a> {
    /// The call.
    pub arguments: &'a Arguments,
    /// What was planned.
    pub networks: &'a [Network],
    /// How.
    pub setting: &'a Setting,
    /// What became of it.
    pub outcomes: &'a [Outcome],
}

/// One method, or the best of several in each case.
pub struct Rival {
    /// For tables.
    pub name: String,
    /// Which of the methods.
    methods: Vec<usize>,
}

impl Rival {
    /// Its bytes in a case.
    fn non_compulsory(&self, outcome: &Outcome) -> Option<u64> {
        let plans = self.methods.iter().map(|it| &outcome.others[*it]);
        plans.filter(|it| it.fault.is_none()).map(|it| it.non_compulsory.0).min()
    }

    /// Its seconds in a case.
    fn seconds(&self, outcome: &Outcome) -> f64 {
        self.methods.iter().map(|it| outcome.others[*it].seconds).sum()
    }

    /// COSMA's bytes and its own, in each of these cases.
    fn pairs<'a>(&self, outcomes: impl Iterator<Item = &'a Outcome>) -> Vec<(u64, u64)> {
        let planned = outcomes.filter(|it| it.cosma.fault.is_none());
        planned.filter_map(|it| Some((it.cosma.non_compulsory.0, self.non_compulsory(it)?))).collect()
    }
}

impl Shown<'_> {
    /// For a terminal.
    pub fn text(&self) -> String {
        let [networks, methods] = [self.by_network(), self.by_method()].map(|it| it.text());
        format!("{networks}\n{methods}\n{}", self.sentences().join("\n") + "\n")
    }

    /// For a page.
    pub fn markdown(&self) -> String {
        let [networks, methods] = [self.by_network(), self.by_method()].map(|it| it.markdown());
        let [command, sentences @ ..] = &self.sentences()[..] else { return String::new() };
        format!("```sh\n{command}\n```\n\n{}\n\n{methods}\n{networks}", sentences.join("\n"))
    }

    /// Each method, and the best of some.
    pub fn rivals(&self) -> Vec<Rival> {
        let methods = &self.setting.methods;
        let alone = methods.iter().enumerate();
        let mut rivals: Vec<Rival> =
            alone.map(|(index, it)| Rival { name: it.to_string(), methods: vec![index] }).collect();
        rivals.extend(self.best_of_source());
        rivals.extend(self.best_of_all());
        rivals
    }

    /// The best that rules do in the order of the source, if there is more than one to choose from,
    /// and others besides.
    fn best_of_source(&self) -> Option<Rival> {
        let source = self.best_of("best of source/*/*", |order| order == OrderRule::Source)?;
        self.best_of_all().filter(|it| it.methods != source.methods).map(|_| source)
    }

    /// The best that rules do, if there is more than one to choose from.

    fn best_of_all(&self) -> Option<Rival> {
        self.best_of("best of */*/*", |_| true)
    }

    fn best_of(&self, name: &str, is_meant: impl Fn(OrderRule) -> bool) -> Option<Rival> {
        let is_meant = |it: &Method| matches!(it, Method::Baseline(baseline) if is_meant(baseline.order));
        let methods = self.setting.methods.iter().enumerate().filter(|it| is_meant(it.1)).map(|it| it.0);
        let methods: Vec<usize> = methods.collect();
        (1 < methods.len()).then(|| Rival { name: name.into(), methods })
    }

    /// What COSMA saves against a rival in networks of a kind, or in all.
    pub fn reduction(&self, rival: &Rival, kind: Option<Kind>) -> Reduction {
        let is_meant = |it: &&Outcome| kind.is_none_or(|kind| self.kind(it) == kind);
        reduction(&rival.pairs(self.outcomes.iter().filter(is_meant)))
    }

    fn kind(&self, outcome: &Outcome) -> Kind {
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
        Table { columns, rows: self.rivals().into_iter().map(row).collect() }
    }

    fn by_network(&self) -> Table {
        let mut columns: Vec<Column> = vec![("network".into(), false), ("kind".into(), false)];
        columns.extend(["operators", "optimal", "worst gap"].map(|it| (it.into(), true)));
        if !self.arguments.no_times {
            columns.extend(["median s", "most s"].map(|it| (it.into(), true)));
        }
        // Where only one method is asked for, it is the one to compare with.
        let only = || self.rivals().into_iter().next();
        let rivals: Vec<Rival> = match (self.best_of_source(), self.best_of_all()) {
            (None, None) => only().into_iter().collect(),
            (source, all) => source.into_iter().chain(all).collect(),
        };
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

    /// The call first.
    fn sentences(&self) -> Vec<String> {
        let Shown { networks, setting, outcomes, .. } = self;
        let n_networks = |kind| networks.iter().filter(|it| it.kind == kind).count();
        let kinds = Kind::ALL.map(|it| format!("{} {}", n_networks(it), it.name())).join(", ");
        let n_plans = outcomes.len() * (1 + setting.methods.len());
        let n_faults = outcomes.iter().flat_map(Outcome::faults).count();
        let mut sentences = vec![
            self.arguments.shown(),
            format!(
                "{} cases: {} networks ({kinds}), {} ways of weights, {} scratchpads; alignment {} B. \
                 {n_plans} plans by {} methods and COSMA were judged, {n_faults} of them refused.",
                outcomes.len(),
                networks.len(),
                setting.weights.len(),
                setting.factors.len(),
                cosma_passes::DEFAULT_ALIGNMENT,
                setting.methods.len(),
            ),
            format!("COSMA is proven optimal in {}.", self.shares()),
            "By method: the mean of 1 - COSMA / method over the cases in which the method moves more than COSMA, and how \
             many these are; what COSMA saves of the sum of all cases; in how many cases the method moves less. By \
             network: the same over all its cases, median and least."
                .into(),
        ];
        if !self.arguments.no_times {
            if let Some(spread) = spread(outcomes.iter().map(|it| it.cosma.seconds)) {
                sentences.push(format!(
                    "Seconds of COSMA: median {}, nine in ten below {}, most {}.",
                    seconds(spread.median),
                    seconds(spread.p90),
                    seconds(spread.most)
                ));
            }
            if let Some(mebibytes) = peak_memory() {
                sentences.push(format!("Peak memory of this process: {mebibytes} MiB."));
            }
        }
        sentences
    }

    fn shares(&self) -> String {
        let share = |kind: Option<Kind>| {
            let meant = || self.outcomes.iter().filter(|it| kind.is_none_or(|kind| self.kind(it) == kind));
            let (n, n_optimal) = (meant().count(), meant().filter(|it| it.is_optimal()).count());
            (0 < n).then(|| format!("{n_optimal} of {n} ({})", percent(n_optimal as f64 / n as f64)))
        };
        let all = share(None).unwrap_or_default();
        let kinds = Kind::ALL.into_iter().filter_map(|it| Some(format!("{} {}", it.name(), share(Some(it))?)));
        format!("{all}: {}", kinds.collect::<Vec<_>>().join(", "))
    }
}

/// How far COSMA's plan may be from the best, as a part of what it moves.
pub fn gap(outcome: &Outcome) -> f64 {
    let moved = outcome.cosma.non_compulsory.0;
    if moved == outcome.lower_bound.0 { 0.0 } else { 1.0 - outcome.lower_bound.0 as f64 / moved as f64 }
}

fn mean_and_count(reduction: &Reduction) -> String {
    let mean = reduction.mean.map_or(String::new(), |it| format!("{} ", percent(it)));
    format!("{mean}({})", reduction.n_above)
}

fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}

/// The most that this process had resident at once, where the system says so.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes / 1024)
}
