//! Weights that stay in the scratchpad from one run to the next, on a machine with a clock.
//!
//! The kept weights are chosen by traffic, as without a clock. Those that stay in all steps need no transfers in a run,
//! so the rest is a problem without them, in a smaller scratchpad; its program is that of the whole. Weights that would
//! be evicted in between are loaded in each run.

use super::bound::{BoundRule, LatencyBound, bound_of_any_order, bound_of_plan};
use super::overlap::Overlapped;
use super::plan::{Timed, planned};
use super::simulate::simulate;
use crate::incumbent::Incumbent;
use crate::keep::{Rest, without};
use crate::portfolio::plan_on_stretches;
use crate::progress::Watcher;
use crate::{
    Action, Bytes, Deadline, Error, Keep, MemoryId, Options, Plan, Problem, Slot, Solution, Step, TensorId, Use,
};

/// The share of the time limit for the choice of weights.
const SHARE_OF_CHOICE: f64 = 0.5;

/// The same as [`plan_in_time()`](super::plan_in_time) if some weights may be kept.
pub(super) fn planned_beside_kept(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    watcher: &Watcher,
) -> Result<Timed, Error> {
    let choosing = options.time_limit.mul_f64(SHARE_OF_CHOICE);
    let in_part = Options { time_limit: choosing, ..*options };
    let chosen = plan_on_stretches(problem, &in_part, incumbent, Deadline::after(choosing))?;
    let mut kept = throughout(problem, &chosen.plan);
    let timed = with_times(problem)?;
    let in_rest = Options { time_limit: options.time_limit.saturating_sub(choosing), ..*options };
    // Beside reserved addresses, or if only the highest block can do without its padding, some may not have a place.
    let (rest, found) = loop {
        let error = match Rest::new(&timed, &kept) {
            Some(rest) => match planned(&rest.problem, &in_rest, None, watcher) {
                Ok(found) => break (rest, found),
                Err(error @ (Error::ScratchpadTooSmall { .. } | Error::NoPlace { .. } | Error::NotPlanned(_))) => error,
                Err(error) => return Err(error),
            },
            None => Error::NotPlanned("kept weights beside reserved addresses".into()),
        };
        let tensor = |at: &usize| problem.graph.tensor(kept[*at]);
        let least = (0..kept.len()).filter(|it| tensor(it).keep == Keep::Auto).min_by_key(|it| tensor(it).size);
        kept.remove(least.ok_or(error)?);
    };

    let Overlapped { plan, actions, mut timeline, mut bound } = found.overlapped;
    let plan = rest.expand(plan);
    let mut actions: Vec<Action> = actions.into_iter().map(|it| beside(problem, &plan, &kept, it)).collect();
    // Weights that happen to have the same offset at the start and at the end of a run need not be loaded either.
    let others: Vec<TensorId> = plan.kept(problem).into_iter().filter(|it| kept.binary_search(it).is_err()).collect();
    if !others.is_empty() {
        actions = without_first_loads(actions, &others);
        (timeline, bound) = (simulate(problem, &actions)?, bound_of_plan(problem, &plan)?);
    }
    let non_compulsory = plan.non_compulsory(problem);
    let lower_bound = chosen.lower_bound;
    let solution = Solution { plan: plan.clone(), non_compulsory, lower_bound, ..found.solution };
    let any_order = bound_of_any_choice(problem, &timed, lower_bound)?;
    Ok(Timed {
        bound: any_order.or(LatencyBound { cycles: bound, rule: BoundRule::Divided }),
        any_order,
        least_non_compulsory: chosen.non_compulsory.min(non_compulsory),
        overlapped: Overlapped { plan, actions, timeline, bound },
        solution,
    })
}

/// A program without the lines that load these tensors for the first time.
fn without_first_loads(actions: Vec<Action>, tensors: &[TensorId]) -> Vec<Action> {
    let mut left = tensors.to_vec();
    let mut is_needed = |action: &Action| {
        let (tensor, is_last) = match action {
            Action::Copy(copy) => (copy.tensor, true),
            Action::Issue(copy) | Action::IssueSlice(copy, _) => (copy.tensor, false),
            Action::Wait(slot) => (slot.tensor, true),
            Action::Start(_) | Action::Run { .. } => return true,
        };
        let Some(at) = left.iter().position(|it| *it == tensor) else { return true };
        if is_last {
            left.remove(at);
        }
        false
    };
    actions.into_iter().filter(|it| is_needed(it)).collect()
}

/// The kept weights of a plan that are present in all steps; ascending.
fn throughout(problem: &Problem, plan: &Plan) -> Vec<TensorId> {
    let all = Step(0)..Step(plan.order.len() as u32);
    let is_whole = |tensor: &TensorId| plan.residencies.iter().any(|it| it.tensor == *tensor && it.steps == all);
    plan.kept(problem).into_iter().filter(is_whole).collect()
}

/// The same problem with explicit times of operators, which depend on their operands in any memory.
fn with_times(problem: &Problem) -> Result<Problem, Error> {
    let mut builder = problem.graph.to_builder();
    for op in problem.graph.op_ids() {
        if let Some(cycles) = problem.cycles(op)? {
            builder.cycles(op, cycles);
        }
    }
    Ok(Problem { graph: builder.build()?, machine: problem.machine.clone() })
}

/// A bound for every program with any kept weights: no program is faster than one that loads the weights that may be
/// kept at any time, and all of them move at least as much as each plan does.
fn bound_of_any_choice(problem: &Problem, timed: &Problem, lower_bound: Bytes) -> Result<LatencyBound, Error> {
    let all: Vec<TensorId> = problem.graph.keepable().collect();
    let relaxed = Problem { graph: without(&timed.graph, &all), machine: timed.machine.clone() };
    let least = problem.compulsory() + lower_bound;
    bound_of_any_order(&relaxed, least.saturating_sub(relaxed.compulsory()))
}

/// Converts a line of the rest's program to one of the whole: operators read the kept weights at their places.
fn beside(problem: &Problem, plan: &Plan, kept: &[TensorId], action: Action) -> Action {
    let Action::Run { op, reads, writes, workspace } = action else { return action };
    let place = |tensor: TensorId| plan.residencies.iter().find(|it| it.tensor == tensor).map(|it| it.offset);
    let mut others = reads.into_iter();
    let read = |it: &Use| {
        let is_kept = kept.binary_search(&it.tensor).is_ok() && it.from.contains(MemoryId::SCRATCHPAD);
        match place(it.tensor).filter(|_| is_kept) {
            Some(offset) => Some(Slot::on_chip(it.tensor, offset)),
            None => others.next(),
        }
    };
    Action::Run { op, reads: problem.graph.op(op).reads.iter().filter_map(read).collect(), writes, workspace }
}
