//! The flags that draw or explain plans, and the texts that they request.

use crate::{Failure, named};
use clap::Args;
use cosma::Options;
use cosma::show::{Exhibit, dot, explain, larger_scratchpads, memory_map, page, time_chart, trace};
use cosma::time::without_overlap;
use cosma_commands::command::say;
use cosma_planner::{Moves, Order};
use std::path::{Path, PathBuf};

/// The views of each plan to write.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct ShowArguments {
    /// Draw addresses over steps, as a picture or as a page with zoom; several functions get a picture each, with
    /// the function's name before the extension, or share one page
    #[arg(long, value_name = "FILE.svg|FILE.html")]
    memory_map: Option<PathBuf>,

    /// Write a timeline of operators, transfers and scratchpad use, for Perfetto or chrome://tracing. A
    /// step takes a millisecond; on a machine with a clock, a cycle takes a microsecond
    #[arg(long, value_name = "FILE.json", hide_short_help = true)]
    trace: Option<PathBuf>,

    /// Draw when operators and channels are busy and why operators wait, without overlap and as planned, on a machine
    /// with a clock; several functions get a file each
    #[arg(long, value_name = "FILE.svg", hide_short_help = true)]
    time_chart: Option<PathBuf>,

    /// Write the graph with the schedule for Graphviz; several functions get a file each
    #[arg(long, value_name = "FILE.dot", hide_short_help = true)]
    dot: Option<PathBuf>,

    /// Explain the plans in words, on standard error or in a file: what is moved and why, how far from optimal
    /// that is, and what larger scratchpads would save. For the last part, COSMA plans again, for up to another
    /// --time-limit
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    explain: Option<Option<PathBuf>>,
}

/// A description for messages, the file to write, and its content.
type Text = (&'static str, PathBuf, String);

impl ShowArguments {
    /// Whether any view is requested.
    pub fn is_asked(&self) -> bool {
        let files = [&self.memory_map, &self.trace, &self.time_chart, &self.dot];
        files.into_iter().any(Option::is_some) || self.explain.is_some()
    }

    /// Checks the extensions of all output files, before anything is planned.
    ///
    /// # Errors
    /// A message about the first file with a wrong extension.
    pub fn check(&self) -> Result<(), String> {
        let asked = [
            ("--memory-map", &self.memory_map, &["svg", "html"][..]),
            ("--trace", &self.trace, &["json"]),
            ("--time-chart", &self.time_chart, &["svg"]),
            ("--dot", &self.dot, &["dot", "gv"]),
        ];
        for (flag, path, endings) in asked {
            let Some(path) = path else { continue };
            if !endings.iter().any(|it| ends_with(path, it)) {
                let endings: Vec<String> = endings.iter().map(|it| format!(".{it}")).collect();
                let path = path.display();
                return Err(format!("{flag} needs a file name that ends in {}, not '{path}'", endings.join(" or ")));
            }
        }
        Ok(())
    }

    /// Whether a view plans again, which may take a long time.
    pub fn plans(&self) -> bool {
        self.explain.is_some()
    }

    /// The files to write, and the text to print to standard error if there is one. Planning for the
    /// explanation ends soon after `is_stopped` returns true.
    pub fn texts(
        &self,
        exhibits: &[Exhibit],
        options: &Options,
        is_stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Vec<Text>, Option<String>), Failure> {
        let mut texts: Vec<Text> = Vec::new();
        if !self.is_asked() {
            return Ok((texts, None));
        }
        if let Some(exhibit) = exhibits.iter().find(|it| it.problem.machine.moves() == Moves::None) {
            say(&format!(
                "error: @{}: pictures and explanations show what moves, and on this machine nothing does (cosma.machine): \
                 --plan=FILE.json has where each tensor lies",
                exhibit.function
            ));
            return Err(Failure::Module);
        }
        let of_each = |what, write: fn(&Exhibit) -> String, path: &Path| {
            named(what, exhibits.iter().map(|exhibit| (exhibit.function.clone(), write(exhibit))).collect(), path)
        };
        if let Some(path) = &self.memory_map {
            if ends_with(path, "html") {
                let seen: Vec<Exhibit> = exhibits.iter().map(Exhibit::seen_from_scratchpad).collect();
                texts.push(("memory map", path.clone(), page(&seen)));
            } else {
                let maps = of_each("memory maps", |exhibit| memory_map(&exhibit.seen_from_scratchpad()), path)?;
                texts.extend(maps.into_iter().map(|(path, text)| ("memory map", path, text)));
            }
        }
        if let Some(path) = &self.trace {
            texts.push(("trace", path.clone(), trace(exhibits)));
        }
        if let Some(path) = &self.time_chart {
            let charts = of_each("time charts", before_and_after, path)?;
            texts.extend(charts.into_iter().map(|(path, text)| ("time chart", path, text)));
        }
        if let Some(path) = &self.dot {
            let graphs = of_each("graphs", |exhibit| dot(&exhibit.seen_from_scratchpad()), path)?;
            texts.extend(graphs.into_iter().map(|(path, text)| ("graph", path, text)));
        }
        let mut said = None;
        if let Some(path) = &self.explain {
            let text = exhibits.iter().map(|it| explained(it, options, is_stopped)).collect::<Vec<_>>().join("\n");
            match path {
                Some(path) => texts.push(("explanation", path.clone(), text)),
                None => said = Some(text),
            }
        }
        Ok((texts, said))
    }
}

/// A chart of the program without overlap and as planned.
fn before_and_after(exhibit: &Exhibit) -> String {
    let before = Exhibit { actions: without_overlap(&exhibit.actions), ..exhibit.clone() };
    time_chart(&[("without overlap", &before), ("as planned", exhibit)])
}

fn explained(exhibit: &Exhibit, options: &Options, is_stopped: &(dyn Fn() -> bool + Sync)) -> String {
    let order = match options.stages {
        it if it.allocate && it.schedule => Some(Order::Free),
        it if it.allocate => Some(Order::Source),
        _ => None,
    };
    let planning = cosma_planner::Options {
        solver: options.solver,
        // A program that was planned before keeps its order.
        order: order.unwrap_or(Order::Source),
        time_limit: options.time_limit,
        ..cosma_planner::Options::default()
    };
    let seen = exhibit.seen_from_scratchpad();
    let larger = larger_scratchpads(&seen.problem, seen.traffic().non_compulsory, &planning, is_stopped);
    explain(exhibit, order, Some(&larger))
}

fn ends_with(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(ending))
}
