//! Lower bounds on the makespan, each by a rule that has a name ([`BoundRule`]).
//!
//! Any order: [`sums`] over the whole program (B0), and [`windows`] between operators (B1). The order of a plan, whatever
//! stays: the same windows, where all operators are on one chain (B3). The order and the residencies of a plan: its
//! transfers, [`divided`] as one likes (B2).
//!
//! What takes longer to know is elsewhere: integer programs over an order (B3r) and over cells between operators (B4) in
//! [`ilp`](crate::ilp), and the search with labels (B5) in [`search`](crate::search).
//!
//! All is counted in fractions of a cycle of which a byte takes a whole number.

mod divided;
mod sums;
mod units;
mod windows;

pub use divided::bound_of_plan;
pub(super) use divided::bound_of_transfers;
pub(crate) use units::{Filling, Units};

use crate::{Bytes, Cycles, Error, Plan, Problem};
use std::fmt;
use sums::bound_of_sums;
pub use windows::bound_of_order;
use windows::bound_of_windows;
pub(crate) use windows::{Remaining, remaining};

/// A lower bound on the makespan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyBound {
    /// No program takes less.
    pub cycles: Cycles,
    /// How that is known, and of which programs.
    pub rule: BoundRule,
}

/// How a lower bound is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoundRule {
    /// B0: all operators one after the other, all that a channel has to carry, or the longest chain.
    Sums,
    /// B1: what has to happen between operators of which one runs before the other in every order.
    Windows,
    /// B2: what a plan transfers, divided as one likes: see [`bound_of_plan`].
    Divided,
    /// B3: what has to happen between two operators in the order of a plan, whatever stays in the scratchpad: see
    /// [`bound_of_order`].
    Order,
    /// B3r: replacement in the order of a plan, its transfers divided as one likes: an integer program, relaxed or not.
    Replacement,
    /// B4: the same over operators that are ordered against all others, and what runs between them in any order.
    Cells,
    /// B5: a search of all orders and residencies, transfers divided as one likes: see
    /// [`search_with_labels`](crate::search::search_with_labels).
    Search,
}

impl BoundRule {
    /// All of them.
    pub const ALL: [BoundRule; 7] = [
        BoundRule::Sums,
        BoundRule::Windows,
        BoundRule::Divided,
        BoundRule::Order,
        BoundRule::Replacement,
        BoundRule::Cells,
        BoundRule::Search,
    ];

    /// Of which programs a bound by this rule is said.
    pub fn scope(self) -> Scope {
        match self {
            BoundRule::Sums | BoundRule::Windows | BoundRule::Cells | BoundRule::Search => Scope::AnyOrder,
            BoundRule::Order | BoundRule::Replacement => Scope::ThisOrder,
            BoundRule::Divided => Scope::ThisPlan,
        }
    }
}

impl fmt::Display for BoundRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BoundRule::Sums => "B0",
            BoundRule::Windows => "B1",
            BoundRule::Divided => "B2",
            BoundRule::Order => "B3",
            BoundRule::Replacement => "B3r",
            BoundRule::Cells => "B4",
            BoundRule::Search => "B5",
        })
    }
}

/// What a bound holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// All programs of the problem.
    AnyOrder,
    /// Those of the order of a plan, whatever they transfer.
    ThisOrder,
    /// Those of the order and the residencies of a plan.
    ThisPlan,
}

/// The largest bound that is known, if no plan has less than so many non-compulsory bytes: for any order, for that of a
/// plan, or for its residencies, too. Where they are equal, it is said of as many programs as possible.
///
/// # Errors
/// Those of the three.
pub fn latency_bound(problem: &Problem, plan: &Plan, non_compulsory: Bytes) -> Result<LatencyBound, Error> {
    let any = bound_of_any_order(problem, non_compulsory)?;
    any.or_of(problem, plan, None, bound_of_plan(problem, plan)?)
}

/// A bound for every program of a problem, if no plan has less than so many non-compulsory bytes.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link each way.
pub fn bound_of_any_order(problem: &Problem, non_compulsory: Bytes) -> Result<LatencyBound, Error> {
    if let Some(framed) = problem.framed() {
        return bound_of_any_order(framed.problem(), non_compulsory);
    }
    let sums = LatencyBound { cycles: bound_of_sums(problem, non_compulsory)?, rule: BoundRule::Sums };
    match bound_of_windows(problem, non_compulsory) {
        Ok(cycles) => Ok(sums.or(LatencyBound { cycles, rule: BoundRule::Windows })),
        // What a program moves that moves too much may be more than can be counted.
        Err(Error::TooManyCycles) => Ok(sums),
        Err(error) => Err(error),
    }
}

impl LatencyBound {
    /// The largest one of this one, those for the order of a plan, of which one may be known, and this one for the plan.
    /// Where they are equal, the first of them.
    pub(super) fn or_of(
        self,
        problem: &Problem,
        plan: &Plan,
        of_order: Option<Cycles>,
        of_plan: Cycles,
    ) -> Result<LatencyBound, Error> {
        if of_plan <= self.cycles {
            return Ok(self);
        }
        let by_windows = match bound_of_order(problem, &plan.order) {
            Ok(cycles) => self.or(LatencyBound { cycles, rule: BoundRule::Order }),
            Err(Error::TooManyCycles) => self,
            Err(error) => return Err(error),
        };
        let replacement = of_order.map(|cycles| LatencyBound { cycles, rule: BoundRule::Replacement });
        let of_order = replacement.map_or(by_windows, |it| by_windows.or(it));
        Ok(of_order.or(LatencyBound { cycles: of_plan, rule: BoundRule::Divided }))
    }

    /// The larger one; this one, if they are equal.
    pub(crate) fn or(self, other: LatencyBound) -> LatencyBound {
        if self.cycles < other.cycles { other } else { self }
    }
}
