//! Rules of other compilers for the start of transfers: for a plan whose order and residencies are given.
//!
//! All copy whole tensors, one at a time on each channel. If there is no address at the time that a rule asks for, the
//! copy begins later.

use crate::time::{Transfers, by_rule, earliest_steps};
use crate::{Action, Bytes, Deadline, Error, Plan, Problem};
use std::cmp::Reverse;
use std::fmt;

/// A rule for the start of incoming transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrefetchRule {
    /// Right before the operator, which waits: no overlap.
    Synchronous,
    /// During the previous operator, if there is space: double buffering.
    OneAhead,
    /// The largest first, early enough that the operators in between take twice as long as the transfer, or at least as
    /// long, and no cycle of them is used twice: after the public description of XLA's memory space assignment.
    Greedy,
    /// As soon as there is space, in order of use.
    AsSoonAsPossible,
}

impl PrefetchRule {
    /// All of them.
    pub const ALL: [PrefetchRule; 4] =
        [PrefetchRule::Synchronous, PrefetchRule::OneAhead, PrefetchRule::Greedy, PrefetchRule::AsSoonAsPossible];
}

/// The rules' names, as in `one-ahead`.
impl fmt::Display for PrefetchRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PrefetchRule::Synchronous => "synchronous",
            PrefetchRule::OneAhead => "one-ahead",
            PrefetchRule::Greedy => "greedy",
            PrefetchRule::AsSoonAsPossible => "as-soon-as-possible",
        })
    }
}

/// The program of a plan by a rule. Its traffic is that of the plan.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link each way.
pub fn prefetch(problem: &Problem, plan: &Plan, rule: PrefetchRule, deadline: Deadline) -> Result<Vec<Action>, Error> {
    if let Some(framed) = problem.framed() {
        let actions = prefetch(framed.problem(), &framed.lift(plan), rule, deadline)?;
        return Ok(framed.strip_actions(&actions));
    }
    match rule {
        PrefetchRule::Synchronous => Ok(plan.actions(problem)),
        PrefetchRule::OneAhead => by_rule(problem, plan, |it| one_ahead(problem, it), deadline),
        PrefetchRule::Greedy => by_rule(problem, plan, |it| greedy(problem, it), deadline),
        PrefetchRule::AsSoonAsPossible => by_rule(problem, plan, |it| earliest_steps(problem, it), deadline),
    }
}

fn one_ahead(problem: &Problem, transfers: &Transfers) -> Vec<usize> {
    let earliest = earliest_steps(problem, transfers).into_iter();
    earliest.zip(&transfers.loads).map(|(step, load)| step.max(load.due.saturating_sub(1))).collect()
}

/// The wanted ratio of the time of overlapping operators to that of the transfer; the minimum is 1.
const WANTED: u64 = 2;
const NEEDED: u64 = 1;

fn greedy(problem: &Problem, transfers: &Transfers) -> Vec<usize> {
    let mut since: Vec<usize> = transfers.loads.iter().map(|it| it.due).collect();
    let mut rooms: Vec<Bytes> = transfers.steps.iter().map(|it| it.room).collect();
    // By step: the cycles of its operator that no transfer uses yet.
    let mut left: Vec<u64> = transfers.steps.iter().map(|it| it.cycles.0).collect();
    let mut order: Vec<usize> = (0..since.len()).collect();
    order.sort_by_key(|it| Reverse(transfers.loads[*it].size));
    for load in order {
        let it = &transfers.loads[load];
        let room = it.size.align_up(problem.machine.alignment());
        let Ok(busy) = transfers.inward.busy(it.size) else { continue };
        let (mut overlap, mut found) = (0_u64, None);
        for step in (it.not_before..it.due).rev() {
            if problem.capacity() < rooms[step] + room || busy.0.saturating_mul(WANTED) <= overlap {
                break;
            }
            overlap = overlap.saturating_add(left[step]);
            if busy.0.saturating_mul(NEEDED) <= overlap {
                found = Some(step);
            }
        }
        let Some(step) = found else { continue };
        since[load] = step;
        let mut cycles = busy.0;
        for step in (step..it.due).rev() {
            rooms[step] += room;
            let taken = left[step].min(cycles);
            left[step] -= taken;
            cycles -= taken;
        }
    }
    since
}
