//! From a problem to a plan: which solver is asked when, and what is done with its answer.

use crate::search::{SearchOptions, search};
use crate::{Bytes, Deadline, Error, Outline, Plan, Problem, address};
use std::time::Duration;

/// Who decides order and residency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Solver {
    /// All of them, until one has a proof.
    #[default]
    Auto,
    /// The exact search.
    Search,
    /// Integer programming.
    Ilp,
    /// The order of the source, and what is needed last goes first. No proof.
    Greedy,
}

/// Which orders are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// Any that respects the dependences.
    #[default]
    Free,
    /// That of the source.
    Source,
}

/// How to plan.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Who decides.
    pub solver: Solver,
    /// Which orders are allowed.
    pub order: Order,
    /// When to stop looking for something better. A plan is found in any case.
    pub time_limit: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { solver: Solver::Auto, order: Order::Free, time_limit: Duration::from_secs(60) }
    }
}

/// A plan, and how good it is.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The plan.
    pub plan: Plan,
    /// Its non-compulsory bytes.
    pub non_compulsory: Bytes,
    /// A proven lower bound on the non-compulsory bytes of every plan with an allowed order.
    pub lower_bound: Bytes,
    /// Who made the plan; never [`Solver::Auto`].
    pub solver: Solver,
}

impl Solution {
    /// Whether no plan is better.
    pub fn is_optimal(&self) -> bool {
        self.non_compulsory == self.lower_bound
    }
}

/// Plans a problem.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::Solver`] if a solver fails that was asked for by name.
pub fn plan(problem: &Problem, options: &Options) -> Result<Solution, Error> {
    problem.check()?;
    let deadline = Deadline::after(options.time_limit);
    let outcome = search(problem, problem.capacity(), &SearchOptions::default(), deadline);
    let outline: Outline = outcome.outline.ok_or(Error::Solver("no plan in time".into()))?;
    let plan = address(problem, &outline, deadline).ok_or(Error::Solver("no addresses in time".into()))?;
    Ok(Solution {
        plan,
        non_compulsory: outline.non_compulsory(problem),
        lower_bound: outcome.lower_bound,
        solver: Solver::Search,
    })
}
