//! Integer programs for time, if there is a solver.

use crate::{Cycles, Deadline, Error, Outline, Problem};

/// The node limit of one program.
#[cfg(feature = "ilp")]
const MAX_NODES: i32 = 2_000;

/// Better residencies than those of an outline in its order, if found, and a bound for every program of the order. A
/// solver that fails finds nothing.
///
/// # Errors
/// Those of [`replace_in_time`](crate::ilp::replace_in_time) except [`Error::Solver`].
#[cfg(feature = "ilp")]
pub(super) fn replace_in_time(
    problem: &Problem,
    start: &Outline,
    deadline: Deadline,
) -> Result<(Option<Outline>, Cycles), Error> {
    match crate::ilp::replace_in_time(problem, &start.order, Some(start), MAX_NODES, deadline) {
        Ok(found) => Ok((found.outline, found.bound)),
        Err(Error::Solver(_)) => Ok((None, Cycles::ZERO)),
        Err(error) => Err(error),
    }
}

/// A bound for every program in any order; zero if the solver fails.
///
/// # Errors
/// Those of [`bound_of_cells`](crate::ilp::bound_of_cells) except [`Error::Solver`].
#[cfg(feature = "ilp")]
pub(super) fn bound_of_cells(problem: &Problem, deadline: Deadline) -> Result<Cycles, Error> {
    match crate::ilp::bound_of_cells(problem, deadline) {
        Err(Error::Solver(_)) => Ok(Cycles::ZERO),
        other => other,
    }
}

/// Nothing without a solver.
#[cfg(not(feature = "ilp"))]
pub(super) fn replace_in_time(_: &Problem, _: &Outline, _: Deadline) -> Result<(Option<Outline>, Cycles), Error> {
    Ok((None, Cycles::ZERO))
}

/// Nothing without a solver.
#[cfg(not(feature = "ilp"))]
pub(super) fn bound_of_cells(_: &Problem, _: Deadline) -> Result<Cycles, Error> {
    Ok(Cycles::ZERO)
}
