//! From an arrangement to the lines of a program.

use super::arrange::{Arrangement, Line};
use super::slices::LoadSlice;
use super::transfers::Transfers;
use crate::{Action, Bytes, Copy, Place, Plan, Problem, Slice, Slot, TensorId};

/// The program of an arrangement at the addresses of a plan. An issue with an immediate wait becomes one line, and so
/// do consecutive adjacent slices.
pub(super) fn emit(
    problem: &Problem,
    plan: &Plan,
    transfers: &Transfers,
    slices: &[LoadSlice],
    arrangement: &Arrangement,
) -> Vec<Action> {
    let runs = plan.actions(problem).into_iter().filter(|it| matches!(it, Action::Run { .. }));
    let runs: Vec<Action> = runs.collect();
    let load = |load: usize| {
        let residency = &plan.residencies[transfers.loads[load].residency];
        Copy { tensor: residency.tensor, from: Place::HOME, to: Place::on_chip(residency.offset) }
    };
    let back = |back: usize| {
        let residency = &plan.residencies[transfers.write_backs[back].residency];
        Copy { tensor: residency.tensor, from: Place::on_chip(residency.offset), to: Place::HOME }
    };
    let wait = |copy: Copy| Action::Wait(Slot { tensor: copy.tensor, place: copy.to });
    let size = |it: TensorId| problem.graph.tensor(it).size;
    let mut actions: Vec<Action> = Vec::with_capacity(arrangement.lines.len());
    for line in &arrangement.lines {
        let action = match *line {
            Line::Load(slice) => match slices[slice] {
                LoadSlice { load: of, is_whole: true, .. } => Action::Issue(load(of)),
                LoadSlice { load: of, bytes, .. } => Action::IssueSlice(load(of), bytes),
            },
            Line::Back(of) => Action::Issue(back(of)),
            Line::WaitForLoad(of) => wait(load(of)),
            Line::WaitForBack(of) => wait(back(of)),
            Line::Run(step) => runs[step].clone(),
        };
        let joined = actions.last().and_then(|it| joined(it, &action, size));
        match (actions.last_mut(), joined) {
            (Some(last), Some(joined)) => *last = joined,
            _ => actions.push(action),
        }
    }
    actions
}

/// The line that does what two lines do.
fn joined(one: &Action, other: &Action, size: impl Fn(TensorId) -> Bytes) -> Option<Action> {
    match (one, other) {
        (Action::Issue(copy), Action::Wait(slot)) if (copy.tensor, copy.to) == (slot.tensor, slot.place) => {
            Some(Action::Copy(*copy))
        }
        (Action::IssueSlice(copy, one), Action::IssueSlice(next, other)) if copy == next => {
            let slice = Slice { low: one.low.min(other.low), high: one.high.max(other.high) };
            let is_whole = slice.size() == size(copy.tensor);
            let is_joined = one.high == other.low || other.high == one.low;
            is_joined.then_some(if is_whole { Action::Issue(*copy) } else { Action::IssueSlice(*copy, slice) })
        }
        _ => None,
    }
}
