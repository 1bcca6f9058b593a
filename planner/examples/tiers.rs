//! Networks on machines with several memories: `tiers SECONDS [latency] PROBLEM...`.
//!
//! Each problem, as text, on three machines: a line with the cost of its program relative to the bound for any order
//! and to a greedy rule that fills the nearest memory first, its cycles relative to the bound for any order and to the
//! same program without overlap, and the seconds; at the end, totals. If a network needs more scratchpad than the
//! machine has, all memories are scaled by the same factor.

use cosma_planner::tiers::{first_come, plan_in_tiers};
use cosma_planner::time::{Channel, ChannelId, Clock, Compute, Ratio, Timing, simulate, without_overlap};
use cosma_planner::{
    Bytes, Cycles, Link, Machine, Memory, MemoryId, Objective, Options, Order, Problem, Traffic, Weights, check,
    greedy_plan,
};
use std::time::{Duration, Instant};

struct Description {
    name: &'static str,
    /// The sizes of the scratchpad and of the next memory.
    sizes: [u64; 2],
    /// Bytes per cycle between these two, between the latter and home, and of a link past it, if any.
    rates: [Option<&'static str>; 3],
    macs_per_cycle: u64,
}

const KIB: u64 = 1024;

const MACHINES: [Description; 3] = [
    // Tightly coupled memory, SRAM at 2 GB/s, and external memory at 0.2 GB/s, with a core at 1 GHz, as in an i.MX
    // RT1170.
    Description {
        name: "mcu",
        sizes: [512 * KIB, 2048 * KIB],
        rates: [Some("2"), Some("1/5"), Some("1/5")],
        macs_per_cycle: 2,
    },
    // As in Siracusa: 256 KiB, 2 MiB, and external memory.
    Description {
        name: "siracusa",
        sizes: [256 * KIB, 2048 * KIB],
        rates: [Some("8"), Some("1/2"), None],
        macs_per_cycle: 64,
    },
    // An NPU with dedicated SRAM and a larger system cache.
    Description {
        name: "npu",
        sizes: [512 * KIB, 4096 * KIB],
        rates: [Some("15"), Some("15/4"), Some("15/4")],
        macs_per_cycle: 512,
    },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().ok_or("seconds")?.parse()?;
    let mut paths: Vec<String> = arguments.collect();
    let is_latency = paths.first().is_some_and(|path| path == "latency");
    let objective = if is_latency { Objective::Latency } else { Objective::Traffic };
    paths.drain(..usize::from(is_latency));
    for Description { name, sizes: [l1, l2], rates, macs_per_cycle } in MACHINES {
        let (mut of_bound, mut of_greedy, mut times, mut n_proven) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let (mut of_least_cycles, mut of_one_by_one) = (Vec::new(), Vec::new());
        for path in &paths {
            let problem: Problem = std::fs::read_to_string(path)?.parse()?;
            let graph = problem.graph.with_weights(Weights::Resident);
            let inner = Problem { graph: graph.clone(), machine: Machine::with_host(Bytes(l1), Bytes(64)) };
            let Bytes(least) = inner.least_scratchpad(Order::Free).size;
            let factor = (least as f64 / l1 as f64).max(1.0);
            let size = |size: u64| Bytes((size as f64 * factor) as u64).align_up(Bytes(64));
            let memory = |name: &str, size, alignment| Memory {
                name: name.into(),
                size,
                alignment,
                reserved: Vec::new(),
                banks: None,
            };
            let memories = vec![
                memory("dram", None, Bytes(1)),
                memory("l1", Some(size(l1)), Bytes(64)),
                memory("l2", Some(size(l2)), Bytes(64)),
            ];
            let mut links = Vec::new();
            let mut timings = Vec::new();
            for ((a, b), rate) in [(1, 2), (2, 0), (1, 0)].into_iter().zip(rates) {
                let Some(rate) = rate else { continue };
                for (from, to, channel) in [(a, b, 0), (b, a, 1)] {
                    let channel = ChannelId(channel + if b == 0 { 2 } else { 0 });
                    let rate = rate.parse()?;
                    let timing = Timing { channel, rate, setup: Cycles(0), latency: Cycles(0), burst: Bytes(0) };
                    links.push(Link { from: MemoryId(from), to: MemoryId(to), price: timing.price() });
                    timings.push(timing);
                }
            }
            let channels = ["near out", "near in", "far out", "far in"].map(|it| it.replace(' ', "_"));
            let channels = channels.into_iter().map(|name| Channel { name }).collect();
            let cycles_per_mac = Ratio::new(1, macs_per_cycle).expect("it is not 0");
            let compute = Compute { cycles_per_mac, ..Compute::default() };
            let machine = Machine::new(memories, links)?.with_clock(Clock { channels, timings, compute })?;
            let problem = Problem { graph: graph.clone(), machine };
            let options = Options { objective, time_limit: Duration::from_secs_f64(seconds), ..Options::default() };
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
            let makespan = planned.timeline.as_ref().map_or(0, |it| it.makespan.0) as f64;
            let one_by_one = simulate(&problem, &without_overlap(&planned.actions))?.makespan.0 as f64 / makespan;
            let cycles = makespan / planned.least_cycles.map_or(1, |it| it.cycles.0) as f64;
            let network = path.rsplit('/').next().unwrap_or(path);
            println!(
                "{name} {network}: {} = {bound:.4} bound, {by_greedy:.3} greedy, {took:.2} s; {makespan} cycles = \
                 {cycles:.3} bound, {one_by_one:.3} times as fast as without overlap",
                traffic.cost
            );
            of_least_cycles.push(cycles);
            of_one_by_one.push(one_by_one);
            of_bound.push(bound);
            of_greedy.extend(Some(by_greedy).filter(|it| !it.is_nan()));
            times.push(took);
        }
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let worst = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
        times.sort_by(f64::total_cmp);
        println!(
            "{name}: {n_proven} of {} proven, over the bound mean {:.4}, worst {:.4}; over greedy mean {:.3}, worst {:.3}; \
             median {:.3} s, worst {:.2} s; cycles over the bound mean {:.3}, worst {:.3}; {:.3} times as fast as without \
             overlap",
            of_bound.len(),
            mean(&of_bound),
            worst(&of_bound),
            mean(&of_greedy),
            worst(&of_greedy),
            times.get(times.len() / 2).copied().unwrap_or_default(),
            times.last().copied().unwrap_or_default(),
            mean(&of_least_cycles),
            worst(&of_least_cycles),
            mean(&of_one_by_one)
        );
    }
    Ok(())
}
