//! Weights resident, streamed, or either, use by use: `weights SECONDS FACTOR PROBLEM...`.
//!
//! Each problem, as text, with FACTOR times the least scratchpad that it needs with resident weights: a line with the
//! non-compulsory bytes, whether they are proven optimal, and the seconds of each of the three; at the end, totals.

use cosma_planner::{Bytes, Options, Order, Problem, Solution, Weights, check, plan};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().ok_or("seconds")?.parse()?;
    let factor: f64 = arguments.next().ok_or("a factor")?.parse()?;
    let (mut n_worse, mut n_better, mut n_proven) = (0, 0, 0);
    let mut ratios: Vec<f64> = Vec::new();
    for path in arguments {
        let mut problem: Problem = std::fs::read_to_string(&path)?.parse()?;
        problem.graph = problem.graph.with_weights(Weights::Resident);
        let Bytes(least) = problem.least_scratchpad(Order::Free).size;
        problem.machine.set_scratchpad(Bytes((least as f64 * factor) as u64).align_up(problem.machine.alignment()));
        let mut found: Vec<(Solution, f64)> = Vec::new();
        for weights in [Weights::Resident, Weights::Streamed, Weights::Auto] {
            let problem = Problem { graph: problem.graph.with_weights(weights), machine: problem.machine.clone() };
            let options = Options { time_limit: Duration::from_secs_f64(seconds), ..Options::default() };
            let start = Instant::now();
            let solution = plan(&problem, &options)?;
            let took = start.elapsed().as_secs_f64();
            check(&problem, &solution.plan.actions(&problem)).map_err(|_| "the judge refuses the plan")?;
            found.push((solution, took));
        }
        let [(resident, a), (streamed, b), (auto, c)] = &found[..] else { unreachable!("three were planned") };
        let best = resident.non_compulsory.min(streamed.non_compulsory);
        let is_better = auto.non_compulsory < best;
        let is_worse = best < auto.non_compulsory;
        n_better += usize::from(is_better);
        n_worse += usize::from(is_worse);
        n_proven += usize::from(auto.is_optimal());
        ratios.push(c / a.max(*b));
        let name = path.rsplit('/').next().unwrap_or(&path);
        let show = |it: &Solution| format!("{}{}", it.non_compulsory, if it.is_optimal() { "" } else { "?" });
        let verdict = if is_worse {
            "WORSE"
        } else if is_better {
            "better"
        } else {
            "as good"
        };
        println!(
            "{name} {factor}: resident {} {a:.2} s, streamed {} {b:.2} s, auto {} {c:.2} s, {verdict}",
            show(resident),
            show(streamed),
            show(auto)
        );
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    println!(
        "{n_better} better, {n_worse} worse, {n_proven} proven of {}; time {median:.2} of the slower",
        ratios.len()
    );
    Ok(())
}
