//! Addresses assigned afterwards, the largest block first.
//!
//! 1. Replacement is decided by rule, from the sum of sizes alone.
//! 2. Blocks are placed by decreasing size, each in the smallest hole that is large enough among the blocks of its
//!    steps, or above them all if there is none.
//! 3. A block that ends beyond the scratchpad has no place. Its steps become *cold*: nothing stays across them, and
//!    their operators have the whole scratchpad. Then step 2 is repeated.
//! 4. All this is repeated with less and less capacity for the replacement, which leaves gaps, until no step is cold.
//!    The plan with the least traffic is taken.
//!
//! The first two steps are the published algorithm (Pisarchyk and Lee, *Efficient Memory Management for Deep Neural Net
//! Inference*, 2020), where memory may grow. The other two adapt it to a memory of fixed size.

use crate::first_fit::place_cold;
use crate::greedy::replace_on_demand;
use crate::hole::{Fit, find_hole};
use crate::replacement::ReplacementRule;
use crate::uses::Uses;
use crate::{Bytes, Error, InPlace, OpId, Outline, Plan, Problem, Stay, Step, Weights};
use std::cmp::Reverse;

/// Each attempt has this fraction of the scratchpad less than the one before.
const PARTS: u64 = 8;

/// The plan for an order that respects the dependences.
///
/// # Errors
/// Those of [`Problem::check`].
pub(super) fn plan(problem: &Problem, order: &[OpId], rule: ReplacementRule) -> Result<Plan, Error> {
    if let Some(framed) = problem.framed() {
        let plan = plan_framed(framed.problem(), &framed.order(order), rule).map_err(|it| framed.error(it))?;
        return Ok(framed.strip(&plan));
    }
    plan_framed(problem, order, rule)
}

/// The plan if all tensors start and end in host memory.
fn plan_framed(problem: &Problem, order: &[OpId], rule: ReplacementRule) -> Result<Plan, Error> {
    problem.check()?;
    if problem.graph.has_choices() {
        return plan(&problem.all_read(Weights::Streamed), order, rule);
    }
    let mut best: Option<(Bytes, Plan)> = None;
    for part in (0..=PARTS).rev() {
        let capacity = Bytes((u128::from(problem.capacity().0) * u128::from(part) / u128::from(PARTS)) as u64);
        let outline = replace_on_demand(problem, order, rule, capacity);
        let (plan, traffic, is_whole) = place_with_cuts(problem, outline);
        if best.as_ref().is_none_or(|it| traffic < it.0) {
            best = Some((traffic, plan));
        }
        if is_whole {
            break;
        }
    }
    Ok(best.expect("there was an attempt").1)
}

/// The plan, its traffic, and whether no step had to become cold.
fn place_with_cuts(problem: &Problem, mut outline: Outline) -> (Plan, Bytes, bool) {
    let mut is_cold = vec![false; outline.order.len()];
    loop {
        let (plan, cold) = place(problem, &outline, &is_cold);
        if cold.is_empty() {
            return (plan, outline.non_compulsory(problem), !is_cold.contains(&true));
        }
        // No block without a place is in a cold step, so the number of cold steps grows.
        cold.into_iter().for_each(|it| is_cold[it.index()] = true);
        outline = cut(problem, &outline, &is_cold);
    }
}

/// The outline in which nothing stays into or out of a cold step.
fn cut(problem: &Problem, outline: &Outline, is_cold: &[bool]) -> Outline {
    let uses = Uses::new(problem, &outline.order);
    let mut stays: Vec<Stay> = Vec::new();
    for stay in &outline.stays {
        // The last use so far, if it is in this stay.
        let mut before: Option<Step> = None;
        for &step in uses.within(stay.tensor, &stay.steps) {
            match (before, stays.last_mut()) {
                (Some(before), Some(last)) if !is_cold[before.index()..=step.index()].contains(&true) => {
                    last.steps.end = step.next();
                }
                _ => stays.push(Stay { tensor: stay.tensor, steps: step..step.next() }),
            }
            before = Some(step);
        }
    }
    stays.sort_by_key(|it| (it.steps.start, it.tensor));
    Outline { order: outline.order.clone(), stays }
}

struct Block {
    start: usize,
    end: usize,
    size: Bytes,
    pin: Option<Bytes>,
}

/// The plan, and the steps of the blocks that end beyond the scratchpad.
fn place(problem: &Problem, outline: &Outline, is_cold: &[bool]) -> (Plan, Vec<Step>) {
    let graph = &problem.graph;
    let n_steps = outline.order.len();
    let in_place = problem.in_place_by_step(&outline.order);
    let stays = outline.stays.iter().map(|it| Block {
        start: it.steps.start.index(),
        end: it.steps.end.index(),
        size: graph.tensor(it.tensor).size,
        pin: graph.pinned(it.tensor).map(|it| it.start),
    });
    let workspaces = outline.order.iter().enumerate().map(|(step, op)| Block {
        start: step,
        end: step + 1,
        size: graph.op(*op).workspace,
        pin: None,
    });
    let blocks: Vec<Block> = stays.chain(workspaces).collect();

    let mut offsets = vec![Bytes::ZERO; blocks.len()];
    let mut by_size: Vec<usize> = (0..blocks.len()).filter(|it| !is_cold[blocks[*it].start]).collect();
    // A pinned block has only one place.
    by_size.sort_by_key(|it| (blocks[*it].pin.is_none(), Reverse(blocks[*it].size), blocks[*it].start, *it));
    let mut placed: Vec<Vec<usize>> = vec![Vec::new(); n_steps];
    let mut cold = Vec::new();
    let reserved: Vec<(Bytes, Bytes)> =
        problem.machine.reserved().into_iter().map(|it| (it.start, it.end - it.start)).collect();
    for index in by_size {
        let Block { start, end, size, pin } = blocks[index];
        let mut met: Vec<usize> = placed[start..end].iter().flatten().copied().collect();
        met.sort_unstable();
        met.dedup();
        let mut taken: Vec<(Bytes, Bytes)> = met.into_iter().map(|it| (offsets[it], blocks[it].size)).collect();
        taken.extend(&reserved);
        taken.sort_unstable();
        if let Some(pin) = pin {
            offsets[index] = pin;
            if taken.iter().any(|it| pin.max(it.0) < (pin + size).min(it.0 + it.1)) {
                cold.extend((start..end).map(|it| Step(it as u32)));
            }
            placed[start..end].iter_mut().for_each(|it| it.push(index));
            continue;
        }
        let offset = find_hole(&taken, size, problem.machine.alignment(), Bytes(u64::MAX), Fit::Best);
        offsets[index] = offset.expect("sizes add up to less than there are numbers");
        if problem.machine.scratchpad() < offsets[index] + size {
            cold.extend((start..end).map(|it| Step(it as u32)));
        }
        placed[start..end].iter_mut().for_each(|it| it.push(index));
    }
    let uses = Uses::new(problem, &outline.order);
    let dies = |it: &InPlace, step: usize| uses.next(it.operand, Step(step as u32)).is_none();
    for (index, stay) in outline.stays.iter().enumerate().filter(|(_, it)| is_cold[it.steps.start.index()]) {
        let step = stay.steps.start.index();
        let own = place_cold(problem, outline.order[step], &in_place[step], &|it| dies(it, step));
        let own = own.iter().find(|it| it.tensor == Some(stay.tensor));
        offsets[index] = own.expect("only operands are there in a cold step").offset;
    }
    let (stays, workspaces) = offsets.split_at(outline.stays.len());
    let mut workspaces = workspaces.to_vec();
    for step in (0..n_steps).filter(|it| is_cold[*it]) {
        let own = place_cold(problem, outline.order[step], &in_place[step], &|it| dies(it, step));
        workspaces[step] = own.iter().find(|it| it.tensor.is_none()).map_or(Bytes::ZERO, |it| it.offset);
    }
    (outline.at(stays, workspaces), cold)
}
