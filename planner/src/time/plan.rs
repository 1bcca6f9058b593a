//! From a problem with a clock to a program: plan, overlap, bounds.

use super::bound::{LatencyBound, bound_of_any_order, latency_bound};
use super::overlap::{Overlapped, overlap};
use crate::incumbent::Incumbent;
use crate::portfolio::plan_on_stretches;
use crate::progress::{Observer, Phase, Watcher};
use crate::{Bytes, Deadline, Error, Options, Plan, Problem, Solution};
use std::time::Duration;

/// What is left for the overlap where planning takes all of its time.
const LEAST_TIME_TO_OVERLAP: Duration = Duration::from_millis(800);

/// A program, and how good it is: in traffic and in time.
#[derive(Clone, Debug)]
pub struct Timed {
    /// The plan and what is proven of its traffic. Its addresses may not be those of the program.
    pub solution: Solution,
    /// The program. Its order, residencies and traffic are those of the plan.
    pub overlapped: Overlapped,
    /// The largest bound on the makespan that is known, of whatever scope.
    pub bound: LatencyBound,
    /// The largest one that holds for any order: the program is within its distance from the fastest that there is.
    pub any_order: LatencyBound,
    /// The non-compulsory bytes of the plan that moves least: what time costs in traffic is the difference.
    pub least_non_compulsory: Bytes,
}

impl Timed {
    /// Whether no program is faster.
    pub fn is_fastest(&self) -> bool {
        self.overlapped.timeline.makespan <= self.any_order.cycles
    }
}

/// Plans a problem on a machine with a clock, to the program whose transfers go on beside its operators: by
/// [`Options::objective`], the fastest that is found of a plan of least traffic, or the fastest that is found at all.
///
/// The watcher is as for [`plan_watched()`](crate::plan_watched). The time limit is that of planning; what comes after it
/// has most of a second even where planning took all of it.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; those of [`plan()`](crate::plan).
pub fn plan_in_time(problem: &Problem, options: &Options, watcher: &Watcher) -> Result<Timed, Error> {
    planned(problem, options, None, watcher)
}

/// Likewise, starting from a plan that the caller has already, as [`plan_from()`](crate::plan_from) does.
///
/// # Errors
/// [`Error::Incumbent`] if the judge refuses the incumbent, or its order is not allowed; else those of
/// [`plan_in_time()`].
pub fn plan_in_time_from(
    problem: &Problem,
    options: &Options,
    incumbent: &Plan,
    watcher: &Watcher,
) -> Result<Timed, Error> {
    let incumbent = Incumbent::new(problem, options.order, incumbent)?;
    planned(problem, options, Some(&incumbent), watcher)
}

fn planned(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    watcher: &Watcher,
) -> Result<Timed, Error> {
    problem.machine.clock().ok_or(Error::NoClock)?;
    let observer = Observer::new(watcher, problem.restreamed(), options.time_limit);
    let deadline = Deadline::after(options.time_limit).watched(&observer);
    let end = Deadline::after(options.time_limit.saturating_add(LEAST_TIME_TO_OVERLAP)).watched(&observer);
    let solution = plan_on_stretches(problem, options, incumbent, deadline)?;
    deadline.proved(solution.lower_bound);
    deadline.planned(solution.non_compulsory);
    deadline.enter(Phase::Overlap);
    let overlapped = overlap(problem, &solution.plan, end)?;
    let any_order = bound_of_any_order(problem, solution.lower_bound)?;
    let bound = latency_bound(problem, &solution.plan, solution.lower_bound)?;
    deadline.enter(Phase::Done);
    let least_non_compulsory = solution.non_compulsory;
    Ok(Timed { solution, overlapped, bound, any_order, least_non_compulsory })
}
