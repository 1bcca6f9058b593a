//! The same functions if integer programming is not built in: they find nothing.

use super::{Decision, Options, Solver};
use crate::keep::{Candidate, keep_by_rule};
use crate::tiers::program::Program;
use crate::{Bytes, Deadline, Error, OpId, Outline, Plan, Problem};
use std::ops::Range;

pub const IS_BUILT_IN: bool = false;

pub fn fixed_order(_: &Problem, _: Option<&Outline>, _: Deadline) -> Result<Decision, Error> {
    Err(Error::Solver("built without integer programming".into()))
}

pub fn free_order(problem: &Problem, deadline: Deadline) -> Result<Decision, Error> {
    fixed_order(problem, None, deadline)
}

pub fn improve(_: &Problem, _: &Outline, _: Deadline) -> Option<Outline> {
    None
}

pub fn replaced(_: &Problem, _: &Outline, _: Deadline) -> Option<Outline> {
    None
}

pub fn within(_: &Problem, _: &Outline, _: Bytes, _: Deadline) -> Option<Outline> {
    None
}

pub fn whole(_: &Problem, _: &Options, _: Range<Bytes>, _: Deadline) -> Option<(Option<Plan>, Bytes)> {
    None
}

pub fn backbone(_: &Problem, _: &Outline, _: Bytes, _: Deadline) -> Option<(Outline, Bytes)> {
    None
}

pub fn refine(_: &Problem, _: &Outline, _: Deadline) -> Option<(Outline, Bytes)> {
    None
}

pub fn keep_in_order(problem: &Problem, _: Solver, order: &[OpId], _: Deadline) -> Option<(Candidate, Bytes)> {
    Some((keep_by_rule(problem, order)?, problem.restreamed()))
}

pub fn keep_bound(problem: &Problem, _: Solver, _: Deadline) -> Bytes {
    problem.restreamed()
}

pub fn hold(program: &Program, _: Deadline) -> Vec<bool> {
    program.by_rule()
}
