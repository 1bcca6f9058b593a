//! Packs an allocation problem in minimalloc's format and prints the outcome.
//!
//! `pack FILE.csv [CAPACITY] [SECONDS]`; without a capacity it packs as low as it can.

use cosma_planner::pack::{Interval, Lowest, Packing, check_packing, load, pack, pack_lowest};
use cosma_planner::{Bytes, Deadline};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("pack FILE.csv [CAPACITY] [SECONDS]")?;
    let capacity: u64 = arguments.next().map_or(Ok(0), |it| it.parse())?;
    let seconds: f64 = arguments.next().map_or(Ok(10.0), |it| it.parse())?;
    let mut intervals = Vec::new();
    for line in std::fs::read_to_string(&path)?.lines().skip(1) {
        let numbers: Vec<&str> = line.split(',').collect();
        intervals.push(Interval::new(numbers[1].parse()?, numbers[2].parse()?, Bytes(numbers[3].parse()?)));
    }
    let start = Instant::now();
    let deadline = Deadline::after(Duration::from_secs_f64(seconds));
    let load = load(&intervals, Bytes(1));
    let outcome = if capacity == 0 {
        let Lowest::Placed(packing) = pack_lowest(&intervals, Bytes(1), deadline) else {
            return Err("no packing".into());
        };
        let found = check_packing(&intervals, &packing.offsets, packing.height, Bytes(1));
        format!("height {} lower bound {} violations {}", packing.height, packing.lower_bound, found.len())
    } else {
        match pack(&intervals, Bytes(capacity), Bytes(1), deadline) {
            Packing::Placed(offsets) => {
                format!("placed, violations {}", check_packing(&intervals, &offsets, Bytes(capacity), Bytes(1)).len())
            }
            other => format!("{other:?}"),
        }
    };
    println!("{path}: {} intervals, load {load}, {:.3} s: {outcome}", intervals.len(), start.elapsed().as_secs_f64());
    Ok(())
}
