//! Solves problems in text form by integer programming alone: `joint FILE…`; `LIMIT` is in seconds. `RUST_LOG=debug`
//! shows the progress.

use cosma_planner::{Options, Problem, Solver, plan};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_max_level(level()).with_writer(std::io::stderr).init();
    let limit: f64 = std::env::var("LIMIT").map_or(Ok(10.0), |it| it.parse())?;
    for path in std::env::args().skip(1) {
        let problem: Problem = std::fs::read_to_string(&path)?.parse()?;
        let start = Instant::now();
        let time_limit = Duration::from_secs_f64(limit);
        let solution = plan(&problem, &Options { solver: Solver::Ilp, time_limit, ..Options::default() })?;
        println!(
            "{} {} {} {} {:.3}",
            path.rsplit('/').next().unwrap_or(&path),
            solution.non_compulsory,
            solution.lower_bound,
            if solution.is_optimal() { "optimal" } else { "open" },
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn level() -> tracing::Level {
    std::env::var("RUST_LOG").ok().and_then(|it| it.parse().ok()).unwrap_or(tracing::Level::ERROR)
}
