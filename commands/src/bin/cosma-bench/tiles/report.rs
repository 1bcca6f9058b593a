//! The cases as a table that is printed line by line, as Markdown and as JSON.

use super::{Case, Outcome, RIVALS};
use crate::arguments::Arguments;
use crate::statistics::{reduction_of_case, spread};
use crate::tables::{percent, seconds};
use cosma_commands::table::{Column, Table, line};
use cosma_planner::Bytes;
use serde::Serialize;

/// The width of a column of bytes.
const WIDTH: usize = 10;

/// All cases. A case is printed once all earlier ones are known.
pub struct Report<'a> {
    arguments: &'a Arguments,
    columns: Vec<Column>,
    widths: Vec<usize>,
    /// By job.
    cases: Vec<Option<Vec<Case>>>,
    n_printed: usize,
}

#[derive(Serialize)]
struct Json {
    command: String,
    reductions: Vec<JsonReduction>,
    cases: Vec<JsonCase>,
}

#[derive(Serialize)]
struct JsonReduction {
    scratchpad: u64,
    networks: &'static str,
    /// The mean over the cases in which the better rule moves more than the compulsory.
    mean: Option<f64>,
    cases: usize,
}

#[derive(Serialize)]
struct JsonCase {
    network: String,
    is_cnn: bool,
    operators: usize,
    scratchpad: u64,
    lower_bound: u64,
    scope: &'static str,
    reduction: Option<f64>,
    cosma: JsonPlan,
    rules: Vec<JsonPlan>,
}

#[derive(Serialize)]
struct JsonPlan {
    name: &'static str,
    tiles: Option<u64>,
    non_compulsory: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl<'a> Report<'a> {
    /// A report on functions of these names, and so many jobs.
    pub fn new<'n>(arguments: &'a Arguments, names: impl Iterator<Item = &'n str>, n_jobs: usize) -> Report<'a> {
        let mut columns: Vec<Column> = vec![("network".into(), false), ("CNN".into(), false)];
        columns.extend(["operators", "scratchpad", "tiles"].map(|it| (it.into(), true)));
        columns.extend(RIVALS.map(|it| (it.name.into(), true)));
        columns.extend(["cosma", "bound"].map(|it| (it.into(), true)));
        columns.push(("over".into(), false));
        columns.push(("saved".into(), true));
        columns.extend((!arguments.no_times).then(|| ("s".into(), true)));
        let longest = names.map(str::len).max().unwrap_or(0);
        let width = |(index, (name, is_number)): (usize, &Column)| {
            let least = match (index, *is_number) {
                (0, _) => longest,
                (_, true) if 4 < index => WIDTH,
                (_, true) => 0,
                (_, false) => scope_name(false).len(),
            };
            if name == "CNN" { name.len() } else { least.max(name.chars().count()) }
        };
        let widths = columns.iter().enumerate().map(width).collect();
        Report { arguments, columns, widths, cases: (0..n_jobs).map(|_| None).collect(), n_printed: 0 }
    }

    /// The names of the columns.
    pub fn heading(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|it| it.0.clone()).collect();
        line(&self.columns, &self.widths, &names)
    }

    /// Takes the cases of a job, and prints all cases that are next.
    pub fn add(&mut self, job: usize, cases: Vec<Case>) {
        self.cases[job] = Some(cases);
        while let Some(Some(cases)) = self.cases.get(self.n_printed) {
            let lines: String = cases.iter().map(|it| line(&self.columns, &self.widths, &self.cells(it))).collect();
            // That it cannot be written is said at the end.
            let _ = crate::print(&lines);
            self.n_printed += 1;
        }
    }

    /// All cases, in order.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().flatten().flatten()
    }

    fn cells(&self, case: &Case) -> Vec<String> {
        let bytes = |it: &Outcome| it.planned().map_or_else(|| "-".into(), |it| it.non_compulsory.to_string());
        let mut cells = vec![case.network.clone(), if case.is_cnn { "yes".into() } else { String::new() }];
        cells.extend([case.operators.to_string(), case.scratchpad.to_string()]);
        cells.push(case.cosma.planned().map_or_else(|| "-".into(), |it| it.n_tiles.to_string()));
        cells.extend(case.rivals.iter().map(bytes));
        cells.extend([bytes(&case.cosma), case.bound.bytes.to_string(), scope_name(case.bound.of_all_tilings).into()]);
        cells.push(saved(case).map_or(String::new(), percent));
        if !self.arguments.no_times {
            cells.push(case.cosma.planned().map_or(String::new(), |it| seconds(it.seconds)));
        }
        cells
    }

    /// The command line, and the savings for each scratchpad.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![self.arguments.shown_tiles()];
        for (scratchpad, cases) in self.by_scratchpad() {
            let n_fitting = cases.iter().filter(|it| it.cosma.planned().is_some()).count();
            let is_compulsory = |it: &&&Case| it.cosma.planned().is_some_and(|it| it.non_compulsory == Bytes::ZERO);
            let n_compulsory = cases.iter().filter(is_compulsory).count();
            sentences.push(format!(
                "On {scratchpad} B, {n_fitting} of {} networks have a plan in tiles, and {n_compulsory} move only the \
                 compulsory.",
                cases.len()
            ));
            for (name, part) in [("CNNs", cnns(&cases)), ("all networks", cases.clone())] {
                sentences.extend(share(name, &part));
            }
            let is_behind = |it: &&&Case| saved(it).is_some_and(|it| it < 0.0);
            let behind: Vec<&str> = cases.iter().filter(is_behind).map(|it| it.network.as_str()).collect();
            if !behind.is_empty() {
                sentences.push(format!("  A rule moves less than COSMA in {}.", behind.join(", ")));
            }
        }
        sentences
    }

    fn by_scratchpad(&self) -> Vec<(Bytes, Vec<&Case>)> {
        let mut found: Vec<(Bytes, Vec<&Case>)> = Vec::new();
        for case in self.cases() {
            match found.iter_mut().find(|it| it.0 == case.scratchpad) {
                Some(known) => known.1.push(case),
                None => found.push((case.scratchpad, vec![case])),
            }
        }
        found
    }

    /// The table and the sentences as Markdown.
    pub fn markdown(&self) -> String {
        let rows = self.cases().map(|it| self.cells(it)).collect();
        let table = Table { columns: self.columns.clone(), rows };
        let [command, sentences @ ..] = &self.sentences()[..] else { return String::new() };
        let sentences: Vec<&str> = sentences.iter().map(|it| it.trim_start()).collect();
        format!("```sh\n{command}\n```\n\n{}\n\n{}", sentences.join("\n"), table.markdown())
    }

    /// All results as indented JSON, ending with a line break.
    pub fn json(&self) -> String {
        let mut reductions = Vec::new();
        for (scratchpad, cases) in self.by_scratchpad() {
            for (networks, part) in [("CNNs", cnns(&cases)), ("all", cases.clone())] {
                let values: Vec<f64> = part.iter().filter_map(|it| saved(it)).collect();
                let (mean, cases) = (mean(&values), values.len());
                reductions.push(JsonReduction { scratchpad: scratchpad.0, networks, mean, cases });
            }
        }
        let cases = self.cases().map(|it| self.json_case(it)).collect();
        let json = Json { command: self.arguments.shown_tiles(), reductions, cases };
        let mut text = serde_json::to_string_pretty(&json).expect("strings and finite numbers are JSON");
        text.push('\n');
        text
    }

    fn json_case(&self, case: &Case) -> JsonCase {
        let plan = |name: &'static str, outcome: &Outcome| JsonPlan {
            name,
            tiles: outcome.planned().map(|it| it.n_tiles),
            non_compulsory: outcome.planned().map(|it| it.non_compulsory.0),
            seconds: outcome.planned().filter(|_| !self.arguments.no_times).map(|it| it.seconds),
            fault: match outcome {
                Outcome::Planned(_) => None,
                Outcome::None(text) | Outcome::Fault(text) => Some(text.clone()),
            },
        };
        JsonCase {
            network: case.network.clone(),
            is_cnn: case.is_cnn,
            operators: case.operators,
            scratchpad: case.scratchpad.0,
            lower_bound: case.bound.bytes.0,
            scope: scope_name(case.bound.of_all_tilings),
            reduction: saved(case),
            cosma: plan("cosma", &case.cosma),
            rules: RIVALS.iter().zip(&case.rivals).map(|(rival, it)| plan(rival.name, it)).collect(),
        }
    }
}

fn cnns<'a>(cases: &[&'a Case]) -> Vec<&'a Case> {
    cases.iter().copied().filter(|it| it.is_cnn).collect()
}

/// The traffic that COSMA saves against the better rule; `None` if that moves only the compulsory, or either has no
/// plan.
fn saved(case: &Case) -> Option<f64> {
    let rule = case.better_rule()?;
    let own = case.cosma.planned()?.non_compulsory.0;
    (0 < rule || 0 < own).then(|| reduction_of_case((own, rule)))
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn share(name: &str, cases: &[&Case]) -> Option<String> {
    let values: Vec<f64> = cases.iter().filter_map(|it| saved(it)).collect();
    let (mean, spread) = (mean(&values)?, spread(values.iter().copied())?);
    Some(format!(
        "  {name}: COSMA moves {} less non-compulsory bytes than the better rule on average, over the {} of {} in which \
         that moves any (median {}, least {}).",
        percent(mean),
        values.len(),
        cases.len(),
        percent(spread.median),
        percent(spread.least),
    ))
}

/// The plans that a bound holds for.
fn scope_name(of_all_tilings: bool) -> &'static str {
    if of_all_tilings { "all tilings" } else { "no recomputation" }
}
