//! The savings of weights that stay in the scratchpad from run to run: plans problems in text form with and without
//! them.
//!
//! `keep [--order=source] [--limit=SECONDS] FACTOR FILES`: FACTOR is the size of the scratchpad as a multiple of the
//! least one.

use cosma_planner::{Bytes, Keep, Options, Order, Problem, Traffic, check_with_prologue, plan};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::var("RUST_LOG").is_ok() {
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(std::io::stderr).init();
    }
    let mut options = Options { time_limit: Duration::from_secs(10), ..Options::default() };
    let mut factor: Option<f64> = None;
    let mut files = Vec::new();
    for argument in std::env::args().skip(1) {
        if argument == "--order=source" {
            options.order = Order::Source;
        } else if let Some(limit) = argument.strip_prefix("--limit=") {
            options.time_limit = Duration::from_secs_f64(limit.parse()?);
        } else if factor.is_none() {
            factor = Some(argument.parse()?);
        } else {
            files.push(argument);
        }
    }
    let factor = factor.ok_or("a factor is missing")?;
    println!(
        "name,ops,scratchpad,never_total,never_proven,never_ms,run,first_run,share,kept,bound,proven,fragmentation,ms"
    );
    for file in files {
        let mut problem: Problem = std::fs::read_to_string(&file)?.parse()?;
        let least = problem.least_scratchpad(options.order).size;
        let size = Bytes((least.0 as f64 * factor) as u64).align_up(problem.machine.alignment());
        problem.machine.set_scratchpad(size);
        let name = file.rsplit('/').next().unwrap_or(&file).trim_end_matches(".txt").to_owned();
        let start = Instant::now();
        let never = plan(&problem, &options)?;
        let of_never = start.elapsed();
        let total = problem.compulsory() + never.non_compulsory;
        problem.graph = problem.graph.with_keep(|_| Keep::Auto);
        let start = Instant::now();
        let solution = plan(&problem, &options)?;
        let time = start.elapsed();
        let prologue = solution.plan.prologue(&problem);
        let actions = solution.plan.actions(&problem);
        let traffic = match check_with_prologue(&problem, &prologue, &actions) {
            Ok(traffic) => traffic,
            Err(violations) => {
                let texts: Vec<String> = violations.iter().map(|it| it.display(&problem).to_string()).collect();
                return Err(format!("{name}: {}", texts.join("\n")).into());
            }
        };
        assert_eq!(traffic.non_compulsory, solution.non_compulsory, "{name}");
        let run = traffic.total();
        let first = run + Traffic::of(&problem, &prologue).total();
        println!(
            "{name},{},{},{total},{},{},{run},{first},{:.4},{},{},{},{},{}",
            problem.graph.ops().len(),
            problem.machine.scratchpad(),
            never.is_optimal(),
            of_never.as_millis(),
            (total.0 as f64 - run.0 as f64) / total.0.max(1) as f64,
            prologue.len(),
            problem.compulsory() + solution.lower_bound,
            solution.is_optimal(),
            solution.fragmentation,
            time.as_millis(),
        );
    }
    Ok(())
}
