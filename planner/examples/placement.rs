//! One place for each tensor for the whole run, on machines on which nothing moves: `placement SECONDS PROBLEM...`.
//!
//! Each problem, as text, on three machines from data sheets and papers, in the given order and in any: a line with the
//! cost, the gap to the bound in percent, and the seconds. At the end, for each machine, the totals, and the extra cost
//! of ExecuTorch's rule (the largest tensor first, into the fastest memory with space).

use cosma_planner::{
    Machine, Order, PlacementOptions, PlacementSolution, Problem, Weights, check, place, place_largest_first,
};
use std::time::{Duration, Instant};

/// Prices are relative to a byte of the fastest memory: how many times slower the others are.
const MACHINES: [(&str, &str); 3] = [
    // i.MX RT1170: tightly coupled memory at the clock of the core, on-chip RAM behind a bus, and PSRAM.
    (
        "mcu",
        "memory psram alignment 32
         memory tcm 524288 alignment 32
         memory sram 1310720 alignment 32
         link psram tcm price 20
         link tcm psram price 20
         link sram tcm price 2
         link tcm sram price 2
         moves none",
    ),
    // Siracusa: L1 of the cluster, L2, and memory off-chip.
    (
        "siracusa",
        "memory l3 alignment 4
         memory l1 262144 alignment 4
         memory l2 2097152 alignment 4
         link l3 l1 price 16
         link l1 l3 price 16
         link l2 l1 price 4
         link l1 l2 price 4
         moves none",
    ),
    // Ethos-U65 with a dedicated SRAM, and DRAM.
    (
        "ethos-u65",
        "memory dram alignment 16
         memory sram 393216 alignment 16
         link dram sram price 4
         link sram dram price 4
         moves none",
    ),
];

/// Totals over all problems of a machine, in the given order and in any.
#[derive(Default)]
struct Sums {
    n_proven: usize,
    gaps: Vec<f64>,
    seconds: Vec<f64>,
    /// The savings compared with the rule, in percent.
    saved: Vec<f64>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().ok_or("seconds")?.parse()?;
    let paths: Vec<String> = arguments.collect();
    for (name, text) in MACHINES {
        let machine: Machine = text.parse::<Problem>()?.machine;
        let mut sums = [Sums::default(), Sums::default()];
        for path in &paths {
            let problem: Problem = std::fs::read_to_string(path)?.parse()?;
            let graph = problem.graph.with_weights(Weights::Resident);
            let problem = Problem { graph, machine: machine.clone() };
            let file = path.rsplit('/').next().unwrap_or(path);
            let by_rule = place_largest_first(&problem).ok().map(|it| it.cost(&problem));
            let mut line = format!("{name} {file}:");
            for (order, sums) in [Order::Source, Order::Free].into_iter().zip(&mut sums) {
                let options = PlacementOptions { order, time_limit: Duration::from_secs_f64(seconds) };
                let start = Instant::now();
                let solution = place(&problem, &options)?;
                let took = start.elapsed().as_secs_f64();
                let PlacementSolution { placement, cost, lower_bound, .. } = &solution;
                check(&problem, &placement.actions(&problem)).map_err(|_| "the judge refuses it")?;
                let gap = percent(*cost - *lower_bound, *cost);
                line += &format!(" {cost} gap {gap:.3} % {took:.2} s");
                sums.n_proven += usize::from(solution.is_optimal());
                sums.gaps.push(gap);
                sums.seconds.push(took);
                if let Some(by_rule) = by_rule {
                    sums.saved.push(percent(by_rule - by_rule.min(*cost), by_rule));
                }
            }
            println!("{line}");
        }
        for (what, mut sums) in ["in the given order", "in any order"].into_iter().zip(sums) {
            let mean = |it: &[f64]| it.iter().sum::<f64>() / it.len().max(1) as f64;
            sums.seconds.sort_by(f64::total_cmp);
            sums.gaps.sort_by(f64::total_cmp);
            let middle = sums.seconds.get(sums.seconds.len() / 2).copied().unwrap_or_default();
            println!(
                "{name} {what}: {} of {} proven, gap {:.3} % on average and {:.3} % at most, {middle:.3} s (median), \
                 {:.1} % less than by rule",
                sums.n_proven,
                paths.len(),
                mean(&sums.gaps),
                sums.gaps.last().copied().unwrap_or_default(),
                mean(&sums.saved),
            );
        }
    }
    Ok(())
}

fn percent(part: u128, whole: u128) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}
