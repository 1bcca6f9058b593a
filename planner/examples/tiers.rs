//! Networks on machines of several memories: `tiers SECONDS PROBLEM...`.
//!
//! Each problem, as text, on three machines; a line with what its program costs, over the bound for any order and over a
//! greedy that fills the nearest memory first, and the seconds; at the end, what they come to. Where a network needs more
//! scratchpad than the machine has, all memories are larger by the same factor.

use cosma_planner::tiers::{first_come, plan_in_tiers};
use cosma_planner::{
    Bytes, Link, Machine, Memory, MemoryId, Options, Order, Problem, Traffic, Weights, check, greedy_plan,
};
use std::time::{Duration, Instant};

/// Name; sizes of the scratchpad and of the memory behind it; prices between these, between the latter and home, and past
/// it, if there is a way.
type Description = (&'static str, u64, u64, u64, u64, Option<u64>);

const KIB: u64 = 1024;

const MACHINES: [Description; 3] = [
    // Tightly coupled memory, SRAM at 2 GB/s, and external memory at 0.2 GB/s, as an i.MX RT1170 has them.
    ("mcu", 512 * KIB, 2048 * KIB, 1, 10, Some(10)),
    // As Siracusa has them: 256 KiB, 2 MiB, and external memory behind that.
    ("siracusa", 256 * KIB, 2048 * KIB, 1, 16, None),
    // An NPU with dedicated SRAM and a larger system cache.
    ("npu", 512 * KIB, 4096 * KIB, 1, 4, Some(4)),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().ok_or("seconds")?.parse()?;
    let paths: Vec<String> = arguments.collect();
    for (name, l1, l2, near, far, past) in MACHINES {
        let (mut of_bound, mut of_greedy, mut times, mut n_proven) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for path in &paths {
            let problem: Problem = std::fs::read_to_string(path)?.parse()?;
            let graph = problem.graph.with_weights(Weights::Resident);
            let inner = Problem { graph: graph.clone(), machine: Machine::with_host(Bytes(l1), Bytes(64)) };
            let Bytes(least) = inner.least_scratchpad(Order::Free).size;
            let factor = (least as f64 / l1 as f64).max(1.0);
            let size = |size: u64| Bytes((size as f64 * factor) as u64).align_up(Bytes(64));
            let memory =
                |name: &str, size, alignment| Memory { name: name.into(), size, alignment, reserved: Vec::new() };
            let memories = vec![
                memory("dram", None, Bytes(1)),
                memory("l1", Some(size(l1)), Bytes(64)),
                memory("l2", Some(size(l2)), Bytes(64)),
            ];
            let ways = [(1, 2, Some(near)), (2, 0, Some(far)), (1, 0, past)];
            let both = |(a, b, price): (u32, u32, Option<u64>)| {
                let link = move |(from, to)| price.map(|price| Link { from: MemoryId(from), to: MemoryId(to), price });
                [(a, b), (b, a)].into_iter().filter_map(link)
            };
            let machine = Machine::new(memories, ways.into_iter().flat_map(both).collect())?;
            let problem = Problem { graph: graph.clone(), machine };
            let options = Options { time_limit: Duration::from_secs_f64(seconds), ..Options::default() };
            let start = Instant::now();
            let planned = plan_in_tiers(&problem, &options)?;
            let took = start.elapsed().as_secs_f64();
            let traffic = check(&problem, &planned.actions).map_err(|_| "the judge refuses the program")?;
            let inner = Problem { graph, machine: Machine::with_host(size(l1), Bytes(64)) };
            let greedy = greedy_plan(&inner).and_then(|it| first_come(&problem, &it));
            let greedy = greedy.map(|it| Traffic::of(&problem, &it).cost);
            let bound = traffic.cost as f64 / planned.lower_bound.max(1) as f64;
            let by_greedy = greedy.as_ref().map_or(f64::NAN, |it| traffic.cost as f64 / *it as f64);
            n_proven += u32::from(planned.is_optimal());
            let network = path.rsplit('/').next().unwrap_or(path);
            println!("{name} {network}: {} = {bound:.4} bound, {by_greedy:.3} greedy, {took:.2} s", traffic.cost);
            of_bound.push(bound);
            of_greedy.extend(Some(by_greedy).filter(|it| !it.is_nan()));
            times.push(took);
        }
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let worst = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
        times.sort_by(f64::total_cmp);
        println!(
            "{name}: {n_proven} of {} proven, over the bound mean {:.4}, worst {:.4}; over greedy mean {:.3}, worst {:.3}; \
             median {:.3} s, worst {:.2} s",
            of_bound.len(),
            mean(&of_bound),
            worst(&of_bound),
            mean(&of_greedy),
            worst(&of_greedy),
            times.get(times.len() / 2).copied().unwrap_or_default(),
            times.last().copied().unwrap_or_default()
        );
    }
    Ok(())
}
