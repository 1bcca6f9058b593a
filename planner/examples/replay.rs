//! Plans problems in text form, without MLIR: `replay [source] [SECONDS] FILE…`; `source` keeps source order.
//!
//! A line for each: non-compulsory bytes, the part of them that addresses cause, proven lower bound, solver, seconds.
//! `RUST_LOG=debug` shows the progress.

use cosma_planner::{Error, Options, Order, Problem, check, plan};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_max_level(level()).with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1).peekable();
    let order = arguments.next_if_eq("source").map_or(Order::Free, |_| Order::Source);
    let seconds = arguments.next_if(|it| it.parse::<f64>().is_ok()).map_or(Ok(10.0), |it| it.parse())?;
    for path in arguments {
        let problem: Problem = std::fs::read_to_string(&path)?.parse()?;
        let start = Instant::now();
        let options = Options { order, time_limit: Duration::from_secs_f64(seconds), ..Options::default() };
        let solution = match plan(&problem, &options) {
            Ok(solution) => solution,
            Err(error @ Error::ScratchpadTooSmall { .. }) => {
                println!("{path}: {error}");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let seconds = start.elapsed().as_secs_f64();
        let traffic = check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts the plan");
        assert_eq!(traffic.non_compulsory, solution.non_compulsory, "the machine counts what the plan says");
        let status = if solution.is_optimal() { "optimal" } else { "feasible" };
        let (moved, of_addresses, bound) = (solution.non_compulsory, solution.fragmentation, solution.lower_bound);
        println!("{path} {moved} {of_addresses} {bound} {status} {:?} {seconds:.3}", solution.solver);
    }
    Ok(())
}

fn level() -> tracing::Level {
    std::env::var("RUST_LOG").ok().and_then(|it| it.parse().ok()).unwrap_or(tracing::Level::ERROR)
}
