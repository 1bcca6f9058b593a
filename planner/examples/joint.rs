//! Solves problems in text form by integer programming: `joint FILE…`; `LIMIT` is in seconds.

use cosma_planner::{Deadline, Problem, ilp};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limit: f64 = std::env::var("LIMIT").map_or(Ok(10.0), |it| it.parse())?;
    for path in std::env::args().skip(1) {
        let problem: Problem = std::fs::read_to_string(&path)?.parse()?;
        let start = Instant::now();
        let outcome = ilp::joint(&problem, None, Deadline::after(Duration::from_secs_f64(limit)))?;
        println!(
            "{} {} {} {} {:.3}",
            path.rsplit('/').next().unwrap_or(&path),
            outcome.outline.non_compulsory(&problem),
            outcome.lower_bound,
            if outcome.proven { "optimal" } else { "open" },
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}
