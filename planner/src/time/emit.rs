//! From an arrangement to the lines of a program.

use super::arrange::{Arrangement, Line};
use super::slices::LoadSlice;
use super::transfers::Transfers;
use crate::{Action, Copy, Place, Plan, Problem, Slot};

/// The program of an arrangement, at the addresses of a plan. What is waited for at once is one line.
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
        match (actions.last_mut(), &action) {
            (Some(Action::Issue(copy)), Action::Wait(slot)) if (copy.tensor, copy.to) == (slot.tensor, slot.place) => {
                let copy = *copy;
                *actions.last_mut().expect("it was there") = Action::Copy(copy);
            }
            _ => actions.push(action),
        }
    }
    actions
}
