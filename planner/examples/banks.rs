//! Operands of one operator in different banks: `banks SECONDS BANKS PERCENT PROBLEM...`.
//!
//! Each problem, as text, in the order of its source on a scratchpad of so many banks, which is so many percent of the least
//! with which it has a plan: a line with the conflicts without looking, with a price of 64 bytes each and at least so many, the traffic
//! of both, and that where there must be none, with the seconds; at the end what they come to.

use cosma_planner::{
    Apart, Banks, Bytes, Error, Machine, Memory, Options, Order, Problem, Solution, Solver, Traffic, check, plan,
};
use std::time::{Duration, Instant};

const PRICE: u64 = 64;

/// The same problem with a scratchpad in banks.
fn in_banks(problem: &Problem, bank: u64, n_banks: u64, apart: Apart) -> Result<Problem, Error> {
    let mut memories = problem.machine.memories().to_vec();
    let banks = Some(Banks { size: Bytes(bank), apart });
    memories[1] = Memory { size: Some(Bytes(bank * n_banks)), banks, ..memories[1].clone() };
    let machine = Machine::new(memories, problem.machine.links().to_vec())?;
    Ok(Problem { graph: problem.graph.clone(), machine })
}

fn options(solver: Solver, seconds: f64) -> Options {
    let time_limit = Duration::from_secs_f64(seconds);
    Options { solver, order: Order::Source, time_limit, ..Options::default() }
}

/// The least bank for which there is a plan.
fn least_bank(problem: &Problem, n_banks: u64) -> Result<u64, Error> {
    let Bytes(unit) = problem.machine.alignment();
    let has_plan = |units: u64| -> Result<bool, Error> {
        match plan(&in_banks(problem, units * unit, n_banks, Apart::No)?, &options(Solver::Greedy, 0.0)) {
            Ok(_) => Ok(true),
            Err(Error::ScratchpadTooSmall { .. } | Error::NoPlace { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    };
    let (mut low, mut high) = (0, 1);
    while !has_plan(high)? {
        (low, high) = (high, high * 2);
    }
    while low + 1 < high {
        let middle = (low + high) / 2;
        if has_plan(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high * unit)
}

fn timed(problem: &Problem, seconds: f64) -> (Result<Solution, Error>, f64) {
    let start = Instant::now();
    let solution = plan(problem, &options(Solver::Auto, seconds));
    (solution, start.elapsed().as_secs_f64())
}

/// What the judge says of a plan.
fn judged(problem: &Problem, solution: &Solution) -> Traffic {
    check(problem, &solution.plan.actions(problem)).unwrap_or_else(|it| panic!("{}", it[0].display(problem)))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().ok_or("seconds")?.parse()?;
    let n_banks: u64 = arguments.next().ok_or("banks")?.parse()?;
    let percent: u64 = arguments.next().ok_or("percent")?.parse()?;
    let (mut n_unseen, mut n_soft, mut n_least, mut n_clean, mut n_proven, mut n_refused) = (0, 0, 0, 0, 0, 0);
    let (mut all, mut n_hard, mut n_free) = (0, 0, 0);
    let (mut before, mut after, mut hard_seconds) = (Vec::new(), Vec::new(), Vec::new());
    for path in arguments {
        let problem: Problem = std::fs::read_to_string(&path)?.parse()?;
        let file = path.rsplit('/').next().unwrap_or(&path);
        let bank = least_bank(&problem, n_banks)? * percent / 100;
        let (free, soft, hard) = (
            in_banks(&problem, bank, n_banks, Apart::No)?,
            in_banks(&problem, bank, n_banks, Apart::Price(PRICE))?,
            in_banks(&problem, bank, n_banks, Apart::Must)?,
        );
        let (free_solution, free_seconds) = timed(&free, seconds);
        let free_solution = free_solution?;
        judged(&free, &free_solution);
        let unseen = Traffic::of(&soft, &free_solution.plan.actions(&soft)).bank_conflicts;
        let (soft_solution, soft_seconds) = timed(&soft, seconds);
        let soft_solution = soft_solution?;
        assert_eq!(judged(&soft, &soft_solution).bank_conflicts, soft_solution.bank_conflicts.count);
        let found = soft_solution.bank_conflicts;
        let (hard_solution, took) = timed(&hard, seconds);
        let said = match hard_solution {
            Ok(it) => {
                judged(&hard, &it);
                (n_hard, n_free) = (n_hard + it.non_compulsory.0, n_free + free_solution.non_compulsory.0);
                hard_seconds.push(took);
                format!("hard {} B {took:.2} s", it.non_compulsory)
            }
            Err(error) => {
                n_refused += 1;
                format!("hard: {error}")
            }
        };
        println!(
            "{file} {bank}: {unseen} conflicts {} B {free_seconds:.2} s, soft {} ({}, {}) {} B {soft_seconds:.2} s, {said}",
            free_solution.non_compulsory, found.count, found.least_here, found.least, soft_solution.non_compulsory
        );
        (n_unseen, n_soft, n_least) = (n_unseen + unseen, n_soft + found.count, n_least + found.least);
        n_clean += usize::from(found.count == found.least);
        n_proven += usize::from(found.count == found.least_here);
        all += 1;
        before.push(free_seconds);
        after.push(soft_seconds);
    }
    let median = |it: &mut Vec<f64>| {
        it.sort_by(f64::total_cmp);
        it.get(it.len() / 2).copied().unwrap_or_default()
    };
    println!(
        "{all} problems: {n_unseen} conflicts without looking, {n_soft} after, at least {n_least}; none but those in {n_clean}, \
         fewest for the residencies in {n_proven}; median {:.3} s before and {:.3} s after",
        median(&mut before),
        median(&mut after),
    );
    println!(
        "where there must be none: {n_refused} refused, {n_hard} B in the others, {n_free} B without looking, median {:.3} s",
        median(&mut hard_seconds)
    );
    Ok(())
}
