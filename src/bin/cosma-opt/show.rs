//! Flags that show plans to people, and what they ask for.

use crate::{Failure, named};
use clap::Args;
use cosma::Options;
use cosma::show::{Exhibit, Speed, dot, explain, larger_scratchpads, memory_map, page, trace};
use cosma_planner::Order;
use std::path::{Path, PathBuf};

/// What is to be shown of each plan.
#[derive(Debug, Args)]
#[command(next_help_heading = "To look at")]
pub struct ShowArguments {
    /// Draw who lies where in the scratchpad and when: as a picture, or as a page to zoom into. Of
    /// several functions, each gets a picture with its name before the ending, and one page shows all
    #[arg(long, value_name = "FILE.svg|FILE.html")]
    memory_map: Option<PathBuf>,

    /// Write the program in time, for Perfetto or chrome://tracing: operators, transfers, what lies in
    /// the scratchpad. A step takes a millisecond, unless the next two flags say how fast the machine is
    #[arg(long, value_name = "FILE.json")]
    trace: Option<PathBuf>,

    /// That a trace's machine moves each way, beside computing; a cycle shows as a microsecond
    #[arg(long, value_name = "BYTES", requires_all = ["trace", "cycles_per_mac"], value_parser = above_zero)]
    dma_bytes_per_cycle: Option<f64>,

    /// That a trace's machine takes for a multiplication with addition, as operators' `macs` count them
    #[arg(long, value_name = "CYCLES", requires_all = ["trace", "dma_bytes_per_cycle"], value_parser = above_zero)]
    cycles_per_mac: Option<f64>,

    /// Write the graph with the schedule, for Graphviz. Of several functions, each gets a file
    #[arg(long, value_name = "FILE.dot")]
    dot: Option<PathBuf>,

    /// Explain the plans in words, to the standard error or a file: what is moved and why, how good
    /// that is, and what larger scratchpads would save. For these it plans again, for as long as
    /// --time-limit says once more
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    explain: Option<Option<PathBuf>>,
}

/// A text, what it is, and where it goes.
type Text = (&'static str, PathBuf, String);

impl ShowArguments {
    /// Whether there is anything to be shown.
    pub fn is_asked(&self) -> bool {
        self.memory_map.is_some() || self.trace.is_some() || self.dot.is_some() || self.explain.is_some()
    }

    /// Refuses what nothing could be written to, before anything is planned.
    ///
    /// # Errors
    /// A sentence about the first file whose ending does not say what it is to be.
    pub fn check(&self) -> Result<(), String> {
        let asked = [
            ("--memory-map", &self.memory_map, &["svg", "html"][..]),
            ("--trace", &self.trace, &["json"]),
            ("--dot", &self.dot, &["dot", "gv"]),
        ];
        for (flag, path, endings) in asked {
            let Some(path) = path else { continue };
            if !endings.iter().any(|it| ends_with(path, it)) {
                let endings: Vec<String> = endings.iter().map(|it| format!(".{it}")).collect();
                let path = path.display();
                return Err(format!(
                    "{flag} writes a file that ends in {}, and '{path}' does not",
                    endings.join(" or ")
                ));
            }
        }
        Ok(())
    }

    /// Whether something is to be planned for it.
    pub fn plans(&self) -> bool {
        self.explain.is_some()
    }

    /// All that was asked for; and what is to be said. Where that is planned for, it ends soon once
    /// `is_stopped`.
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
        let of_each = |what, write: fn(&Exhibit) -> String, path: &Path| {
            named(what, exhibits.iter().map(|it| (it.function.clone(), write(it))).collect(), path)
        };
        if let Some(path) = &self.memory_map {
            if ends_with(path, "html") {
                texts.push(("memory map", path.clone(), page(exhibits)));
            } else {
                let maps = of_each("memory maps", memory_map, path)?;
                texts.extend(maps.into_iter().map(|(path, text)| ("memory map", path, text)));
            }
        }
        if let Some(path) = &self.trace {
            let speed = self.dma_bytes_per_cycle.zip(self.cycles_per_mac);
            let speed =
                speed.map(|(dma_bytes_per_cycle, cycles_per_mac)| Speed { dma_bytes_per_cycle, cycles_per_mac });
            texts.push(("trace", path.clone(), trace(exhibits, speed.as_ref())));
        }
        if let Some(path) = &self.dot {
            let graphs = of_each("graphs", dot, path)?;
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

fn explained(exhibit: &Exhibit, options: &Options, is_stopped: &(dyn Fn() -> bool + Sync)) -> String {
    let order = match options.stages {
        it if it.allocate && it.schedule => Some(Order::Free),
        it if it.allocate => Some(Order::Source),
        _ => None,
    };
    let planning = cosma_planner::Options {
        solver: options.solver,
        // What was planned before is planned anew in the order that it has.
        order: order.unwrap_or(Order::Source),
        time_limit: options.time_limit,
        ..cosma_planner::Options::default()
    };
    let larger = larger_scratchpads(&exhibit.problem, exhibit.traffic().non_compulsory, &planning, is_stopped);
    explain(exhibit, order, Some(&larger))
}

fn ends_with(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(ending))
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|it| it.is_finite() && 0.0 < *it);
    number.ok_or_else(|| "it must be a number above zero".into())
}
