//! Plans problems in text form, without MLIR: `replay FILE…`.

use cosma_planner::{Deadline, Problem, search};
use std::time::{Duration, Instant};

fn main() {
    let limit: f64 = std::env::var("LIMIT").ok().and_then(|it| it.parse().ok()).unwrap_or(10.0);
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).expect("a file that can be read");
        let problem: Problem = text.parse().expect("a problem");
        let start = Instant::now();
        let outcome = search::search(
            &problem,
            problem.capacity(),
            &Default::default(),
            Deadline::after(Duration::from_secs_f64(limit)),
        );
        let upper = outcome.outline.as_ref().map(|it| it.non_compulsory(&problem));
        println!(
            "{} {:?} {} {} {:.3}",
            path.rsplit('/').next().unwrap(),
            upper.map(|it| it.0),
            outcome.lower_bound,
            if upper == Some(outcome.lower_bound) { "optimal" } else { "open" },
            start.elapsed().as_secs_f64()
        );
    }
}
