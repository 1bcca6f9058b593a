//! Lower bounds on the makespan, each by a named rule ([`BoundRule`]).
//!
//! Any order: [`sums`] over the whole program (B0), and [`windows`] between operators (B1). The order of a plan, with
//! any residencies: the same windows, with all operators on one chain (B3). The order and the residencies of a plan:
//! its transfers, [`divided`] arbitrarily (B2).
//!
//! Slower bounds are elsewhere: integer programs over an order (B3r) and over cells between operators (B4) in
//! [`ilp`](crate::ilp), and the search with labels (B5) in [`search`](crate::search).
//!
//! All times are in fractions of a cycle, in which a byte takes an integer time.

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
    /// The bound: no program in its scope takes less.
    pub cycles: Cycles,
    /// The rule, which determines the scope.
    pub rule: BoundRule,
}

/// The rule of a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoundRule {
    /// B0: all operators in sequence, all transfers of a channel, or the longest chain.
    Sums,
    /// B1: the work between operators of which one runs before the other in every order.
    Windows,
    /// B2: the transfers of a plan, divided arbitrarily: see [`bound_of_plan`].
    Divided,
    /// B3: the work between two operators in the order of a plan, with any residencies: see [`bound_of_order`].
    Order,
    /// B3r: replacement in the order of a plan with arbitrarily divisible transfers: an integer program or its
    /// relaxation.
    Replacement,
    /// B4: the same over operators that are ordered against all others, and the operators between them in any order.
    Cells,
    /// B5: a search over all orders and residencies with arbitrarily divisible transfers: see
    /// [`search_with_labels`](crate::search::search_with_labels).
    Search,
}

impl BoundRule {
    /// All rules.
    pub const ALL: [BoundRule; 7] = [
        BoundRule::Sums,
        BoundRule::Windows,
        BoundRule::Divided,
        BoundRule::Order,
        BoundRule::Replacement,
        BoundRule::Cells,
        BoundRule::Search,
    ];

    /// The programs that a bound by this rule holds for.
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

/// The programs that a bound holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// All programs of the problem.
    AnyOrder,
    /// Those in the order of a plan, with any transfers.
    ThisOrder,
    /// Those with the order and the residencies of a plan.
    ThisPlan,
}

/// The largest known bound, if every plan has at least `non_compulsory` non-compulsory bytes: for any order, for the
/// order of a plan, or for its residencies. Among equal bounds, the one with the largest scope.
///
/// # Errors
/// Those of the functions for the three scopes.
pub fn latency_bound(problem: &Problem, plan: &Plan, non_compulsory: Bytes) -> Result<LatencyBound, Error> {
    let any = bound_of_any_order(problem, non_compulsory)?;
    any.or_of(problem, plan, None, bound_of_plan(problem, plan)?)
}

/// A bound for every program of a problem, if every plan has at least `non_compulsory` non-compulsory bytes.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction.
pub fn bound_of_any_order(problem: &Problem, non_compulsory: Bytes) -> Result<LatencyBound, Error> {
    if let Some(framed) = problem.framed() {
        return bound_of_any_order(framed.problem(), non_compulsory);
    }
    let sums = LatencyBound { cycles: bound_of_sums(problem, non_compulsory)?, rule: BoundRule::Sums };
    match bound_of_windows(problem, non_compulsory) {
        Ok(cycles) => Ok(sums.or(LatencyBound { cycles, rule: BoundRule::Windows })),
        // The traffic of a program that moves too much may overflow.
        Err(Error::TooManyCycles) => Ok(sums),
        Err(error) => Err(error),
    }
}

impl LatencyBound {
    /// The largest of this bound, an optional one for the order of a plan, and those for the order and for the plan.
    /// Among equals, the first.
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

    /// The larger bound; this one, if they are equal.
    pub(crate) fn or(self, other: LatencyBound) -> LatencyBound {
        if self.cycles < other.cycles { other } else { self }
    }
}
