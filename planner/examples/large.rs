//! Time beyond the time limit, and memory, for large problems: `large [OPERATORS] [SECONDS]`.
//!
//! A line for each shape and scratchpad: non-compulsory bytes, seconds to plan, seconds for the program and the judge,
//! and the peak memory of the process so far, if the system reports it.

use cosma_planner::testing::{Choices, noise};
use cosma_planner::{Bytes, GraphBuilder, Machine, Options, Problem, TensorId, check, plan};
use std::time::{Duration, Instant};

const SIZE: Bytes = Bytes(256);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let n_ops: usize = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let seconds: f64 = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    for (shape, reads) in [
        ("chain", chain(n_ops)),
        ("there and back", there_and_back(n_ops)),
        ("tree", tree(n_ops)),
        ("grid", grid(n_ops)),
        ("random", random(n_ops)),
    ] {
        for scratchpad in [32 << 10, 1 << 30] {
            let problem = problem(&reads, Bytes(scratchpad))?;
            let options = Options { time_limit: Duration::from_secs_f64(seconds), ..Options::default() };
            let start = Instant::now();
            let solution = plan(&problem, &options)?;
            let planned = start.elapsed().as_secs_f64();
            let start = Instant::now();
            check(&problem, &solution.plan.actions(&problem)).map_err(|_| "the judge refuses the plan")?;
            let judged = start.elapsed().as_secs_f64();
            let moved = solution.non_compulsory;
            println!("{shape}, {scratchpad} B: {moved} B, {planned:.2} s + {judged:.2} s, {}", peak_memory());
        }
    }
    Ok(())
}

/// The operands of each operator: results of others by index, or the argument. Results may take the place of operands.
type Reads = Vec<Vec<Option<usize>>>;

fn problem(reads: &Reads, scratchpad: Bytes) -> Result<Problem, cosma_planner::Error> {
    let mut graph = GraphBuilder::new();
    let argument = graph.argument("x", SIZE);
    let mut results: Vec<TensorId> = Vec::new();
    for read in reads {
        let mut operands: Vec<TensorId> = read.iter().map(|op| op.map_or(argument, |op| results[op])).collect();
        operands.dedup();
        let result = graph.op("op", &operands, [("result", SIZE)], Bytes::ZERO)[0];
        operands.into_iter().for_each(|operand| graph.in_place(result, operand));
        results.push(result);
    }
    results.last().into_iter().for_each(|last| graph.result(*last));
    Ok(Problem { graph: graph.build()?, machine: Machine::with_host(scratchpad, Bytes(64)) })
}

fn chain(n_ops: usize) -> Reads {
    (0..n_ops).map(|op| vec![op.checked_sub(1)]).collect()
}

/// The operators in the second half read the results of the first half, the last first.
fn there_and_back(n_ops: usize) -> Reads {
    let half = n_ops / 2;
    let back = (half..n_ops).map(|op| vec![op.checked_sub(1), (2 * half).checked_sub(op + 1)]);
    chain(half).into_iter().chain(back).collect()
}

/// Leaves first, then sums of two.
fn tree(n_ops: usize) -> Reads {
    let n_leaves = n_ops / 2 + 1;
    let sum = |op: usize| vec![Some(2 * (op - n_leaves)), Some(2 * (op - n_leaves) + 1)];
    (0..n_ops).map(|op| if op < n_leaves { vec![None] } else { sum(op) }).collect()
}

/// The results of the operators above and to the left, row by row.
fn grid(n_ops: usize) -> Reads {
    let width = n_ops.isqrt().max(1);
    let left = |op: usize| if op.is_multiple_of(width) { None } else { Some(op - 1) };
    (0..n_ops).map(|op| vec![op.checked_sub(width), left(op)]).collect()
}

/// One or two of the previous hundred operators.
fn random(n_ops: usize) -> Reads {
    let bytes = noise(7, 8 * n_ops);
    let mut choices = Choices::new(&bytes);
    let mut read = |op: usize| op.checked_sub(1 + choices.below(100) as usize);
    (0..n_ops).map(|op| if op % 2 == 0 { vec![read(op)] } else { vec![read(op), read(op)] }).collect()
}

/// As reported by Linux.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("memory unknown".into(), |peak| format!("peak {}", peak.trim()))
}
