//! From a problem with a clock to a program.
//!
//! 1. A plan with minimal traffic, as without a clock.
//! 2. Its overlapping program, and the bound for any order.
//! 3. If they differ: a bound over the cells between operators that have a fixed position in every order; and other
//!    orders and residencies with less idle time and no more traffic, with their addresses and programs. For few
//!    operators, a [search with labels](crate::search::search_with_labels) finds the best of all and proves it optimal;
//!    for many, orders are changed locally. The fastest program is taken, so the result is never slower than that of
//!    the plan.
//! 4. If the objective is latency: the same as in 3 with any traffic, and better residencies in the current order by an
//!    integer program.
//!
//! The residencies of a changed order follow a rule: the farthest next use is evicted. So if a plan with minimal
//! traffic has better residencies than that, such orders compete only if traffic does not count.

use super::bound::{BoundRule, LatencyBound, bound_of_any_order, bound_of_order};
use super::integer::{bound_of_cells, replace_in_time};
use super::kept::planned_beside_kept;
use super::overlap::{Overlapped, overlap};
use super::reorder::{Candidate, Goal, reordered};
use crate::baseline::depth_first;
use crate::incumbent::Incumbent;
use crate::portfolio::plan_on_stretches;
use crate::progress::{Observer, Phase, Watcher};
use crate::search::{LabelOptions, Labelled, search_with_labels};
use crate::{Bytes, Cycles, Deadline, Error, Objective, OpId, Options, Order, Plan, Problem, Solution, address};
use std::time::Duration;

/// The time for the overlap if planning uses up the time limit.
const LEAST_TIME_TO_OVERLAP: Duration = Duration::from_millis(500);

/// The number of orders from which better ones are looked for: that of the plan, and a simple one.
const STARTS: usize = 2;

/// The share of the remaining time for the first program.
const SHARE_OF_FIRST_OVERLAP: f64 = 0.4;

/// The share of the remaining time for other orders.
const SHARE_OF_REORDERING: f64 = 0.4;

/// The share of the remaining time for addresses of another order.
const SHARE_OF_PACKING: f64 = 0.4;

/// The share of the remaining time for a search with labels or an integer program.
const SHARE_OF_BOUNDS: f64 = 0.4;

/// The labels of the search before other orders are tried, and after that.
const FEW_LABELS: usize = 4_000;
const MANY_LABELS: usize = 60_000;

/// The number of levels that all labels of a search are divided by: the limit per level.
const LEVELS: usize = 8;

/// The inverse of the relative excess over a bound that is good enough.
const GOOD_ENOUGH: u64 = 2_000;

/// A program with bounds on its traffic and its time.
#[derive(Clone, Debug)]
pub struct Timed {
    /// The plan, with the bound on its traffic. Its addresses may differ from those of the program.
    pub solution: Solution,
    /// The program. Its order, residencies and traffic are those of the plan.
    pub overlapped: Overlapped,
    /// The largest known bound on the makespan, of any scope.
    pub bound: LatencyBound,
    /// The largest bound for any order: the program is within this distance of the fastest one.
    pub any_order: LatencyBound,
    /// The non-compulsory bytes of the plan with minimal traffic: the difference is the traffic spent for time.
    pub least_non_compulsory: Bytes,
}

impl Timed {
    /// Whether the program is proven fastest.
    pub fn is_fastest(&self) -> bool {
        self.overlapped.timeline.makespan <= self.any_order.cycles
    }
}

/// Plans a problem on a machine with a clock, up to the program with overlapping transfers. Depending on
/// [`Options::objective`], it is the fastest program found for a plan with minimal traffic, or the fastest one found at
/// all.
///
/// The watcher is as in [`plan_watched()`](crate::plan_watched). The time limit is for everything; the steps after the
/// plan have half a second even if the plan uses it up.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; those of [`plan()`](crate::plan).
pub fn plan_in_time(problem: &Problem, options: &Options, watcher: &Watcher) -> Result<Timed, Error> {
    planned(problem, options, None, watcher)
}

/// The same starting from an existing plan, as [`plan_from()`](crate::plan_from) does.
///
/// # Errors
/// [`Error::Incumbent`] if the judge rejects the incumbent, or its order is not allowed; otherwise those of
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

pub(super) fn planned(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    watcher: &Watcher,
) -> Result<Timed, Error> {
    problem.machine.clock().ok_or(Error::NoClock)?;
    if problem.graph.keepable().next().is_some() {
        return planned_beside_kept(problem, options, incumbent, watcher);
    }
    if let Some(framed) = problem.framed() {
        problem.check_pins()?;
        let incumbent = match incumbent {
            Some(it) => Some(Incumbent::new(framed.problem(), options.order, &framed.lift(&it.plan))?),
            None => None,
        };
        let timed = planned(framed.problem(), options, incumbent.as_ref(), watcher);
        let Timed { solution, overlapped, bound, any_order, least_non_compulsory } =
            timed.map_err(|error| framed.error(error))?;
        let solution = Solution { plan: framed.strip(&solution.plan), ..solution };
        let overlapped = overlapped.stripped(problem, &framed)?;
        return Ok(Timed { solution, overlapped, bound, any_order, least_non_compulsory });
    }
    let observer = Observer::new(watcher, problem.restreamed(), options.time_limit);
    let deadline = Deadline::after(options.time_limit).watched(&observer);
    let solution = plan_on_stretches(problem, options, incumbent, deadline)?;
    let is_late = deadline.left().is_some_and(|it| it < LEAST_TIME_TO_OVERLAP);
    let end = if is_late { deadline.without_end().within(LEAST_TIME_TO_OVERLAP) } else { deadline };
    deadline.proved(solution.lower_bound);
    deadline.planned(solution.non_compulsory);
    deadline.enter(Phase::Overlap);
    let timed = in_less_time(problem, options, solution, end)?;
    deadline.enter(Phase::Done);
    Ok(timed)
}

/// The fastest program found, with bounds, after the plan with minimal traffic.
fn in_less_time(problem: &Problem, options: &Options, solution: Solution, end: Deadline) -> Result<Timed, Error> {
    let mut any_order = bound_of_any_order(problem, solution.lower_bound)?;
    if options.order == Order::Source {
        let source: Vec<OpId> = problem.graph.op_ids().collect();
        any_order = any_order.or(LatencyBound { cycles: bound_of_order(problem, &source)?, rule: BoundRule::Order });
    }
    let least_non_compulsory = solution.non_compulsory;
    end.proved_in_time(any_order.cycles);
    let overlapped = overlap(problem, &solution.plan, end.part(SHARE_OF_FIRST_OVERLAP))?;
    end.timed(overlapped.timeline.makespan);
    let mut best = Best { solution, overlapped, any_order, this_order: None, is_searched: false };
    best.improve(problem, options.order, least_non_compulsory, end)?;
    if options.objective == Objective::Latency {
        best.improve_at_any_price(problem, options.order, end)?;
    }
    let Best { solution, overlapped, any_order, this_order, .. } = best;
    let this_order = this_order.filter(|it| it.0 == solution.plan.order).map(|it| it.1);
    let bound = any_order.or_of(problem, &solution.plan, this_order, overlapped.bound)?;
    Ok(Timed { solution, overlapped, bound, any_order, least_non_compulsory })
}

/// The best plan so far, and its program.
struct Best {
    solution: Solution,
    overlapped: Overlapped,
    /// For all programs in the allowed orders.
    any_order: LatencyBound,
    /// For those in this order.
    this_order: Option<(Vec<OpId>, Cycles)>,
    /// Whether a search with labels was complete: then another one finds no more.
    is_searched: bool,
}

impl Best {
    /// Looks for an order and residencies that take less time and move no more, and for better bounds.
    fn improve(&mut self, problem: &Problem, order: Order, most: Bytes, end: Deadline) -> Result<(), Error> {
        // Neither search nor integer programs support uses with a choice.
        if problem.graph.has_choices() {
            return if order == Order::Free { self.reorder(problem, most, end) } else { Ok(()) };
        }
        if order == Order::Free {
            self.search(problem, FEW_LABELS, most, end)?;
        }
        if !self.is_enough(end) {
            let cells = bound_of_cells(problem, end.part(SHARE_OF_BOUNDS))?;
            self.prove(LatencyBound { cycles: cells, rule: BoundRule::Cells }, end);
        }
        if order == Order::Free {
            self.reorder(problem, most, end)?;
            self.search(problem, MANY_LABELS, most, end)?;
        }
        Ok(())
    }

    /// The same with any traffic.
    fn improve_at_any_price(&mut self, problem: &Problem, order: Order, end: Deadline) -> Result<(), Error> {
        let most = Bytes(u64::MAX);
        if problem.graph.has_choices() {
            return if order == Order::Free { self.reorder(problem, most, end) } else { Ok(()) };
        }
        self.replace(problem, order, end)?;
        if order == Order::Free {
            self.reorder(problem, most, end)?;
            self.search(problem, MANY_LABELS, most, end)?;
            self.replace(problem, order, end)?;
        }
        Ok(())
    }

    /// Looks for faster orders: from that of the plan, and from simple ones.
    fn reorder(&mut self, problem: &Problem, most: Bytes, end: Deadline) -> Result<(), Error> {
        if self.is_enough(end) {
            return Ok(());
        }
        let goal = Goal { most, enough: self.enough() };
        let mut starts = vec![Candidate::new(problem, self.solution.plan.outline())?];
        let graph = &problem.graph;
        for order in [graph.op_ids().collect(), depth_first(graph)] {
            starts.extend(Candidate::of_order(problem, &order, most)?);
        }
        // The plan's own order goes first, and then the fastest other one.
        starts[1..].sort_by_key(|it| (it.cycles, it.non_compulsory));
        starts.truncate(STARTS);
        for (nth, start) in starts.into_iter().enumerate() {
            if self.is_enough(end) {
                break;
            }
            let share = end.part(1.0 / (STARTS - nth) as f64);
            let found = reordered(problem, start, goal, share.part(SHARE_OF_REORDERING))?;
            self.take(problem, &found, share)?;
        }
        Ok(())
    }

    /// Searches all orders and residencies with this limit of labels: for a faster program, and for a bound.
    fn search(&mut self, problem: &Problem, labels: usize, most: Bytes, end: Deadline) -> Result<(), Error> {
        if self.is_enough(end) || self.is_searched {
            return Ok(());
        }
        let below = self.overlapped.timeline.makespan;
        let options = LabelOptions { order: Order::Free, below, width: labels / LEVELS, limit: labels };
        let found = search_with_labels(problem, &options, end.part(SHARE_OF_BOUNDS))?;
        let Some(Labelled { bound, best, is_complete }) = found else { return Ok(()) };
        self.is_searched = is_complete;
        self.prove(LatencyBound { cycles: bound, rule: BoundRule::Search }, end);
        if let Some((_, outline)) = best {
            let candidate = Candidate::new(problem, outline)?;
            if candidate.non_compulsory <= most {
                self.take_if_promising(problem, &candidate, end)?;
            } else {
                self.is_searched = false;
            }
        }
        Ok(())
    }

    /// Looks for better residencies in the current order.
    fn replace(&mut self, problem: &Problem, order: Order, end: Deadline) -> Result<(), Error> {
        if self.is_enough(end) || self.this_order.as_ref().is_some_and(|it| it.0 == self.solution.plan.order) {
            return Ok(());
        }
        let outline = self.solution.plan.outline();
        let (found, cycles) = replace_in_time(problem, &outline, end.part(SHARE_OF_BOUNDS))?;
        if order == Order::Source {
            self.prove(LatencyBound { cycles, rule: BoundRule::Replacement }, end);
        }
        self.this_order = Some((outline.order, cycles));
        if let Some(outline) = found {
            self.take_if_promising(problem, &Candidate::new(problem, outline)?, end)?;
        }
        Ok(())
    }

    /// Takes a bound if it is better.
    fn prove(&mut self, bound: LatencyBound, end: Deadline) {
        self.any_order = self.any_order.or(bound);
        end.proved_in_time(self.any_order.cycles);
    }

    /// The cycles that are good enough.
    fn enough(&self) -> Cycles {
        let Cycles(bound) = self.any_order.cycles;
        Cycles(bound.saturating_add(bound / GOOD_ENOUGH))
    }

    fn is_enough(&self, end: Deadline) -> bool {
        self.overlapped.timeline.makespan <= self.enough() || end.has_passed()
    }

    /// Takes an outline if its program is faster. It only tries an outline whose arbitrarily divided transfers take
    /// less than those of the plan: others would need favourable addresses, which take long to find.
    fn take_if_promising(&mut self, problem: &Problem, candidate: &Candidate, end: Deadline) -> Result<(), Error> {
        if candidate.cycles < self.overlapped.bound { self.take(problem, candidate, end) } else { Ok(()) }
    }

    /// Takes an outline if its program is faster.
    fn take(&mut self, problem: &Problem, candidate: &Candidate, end: Deadline) -> Result<(), Error> {
        if self.overlapped.timeline.makespan <= candidate.cycles {
            return Ok(());
        }
        let Some(plan) = address(problem, &candidate.outline, end.part(SHARE_OF_PACKING)) else { return Ok(()) };
        let overlapped = overlap(problem, &plan, end)?;
        if overlapped.timeline.makespan < self.overlapped.timeline.makespan {
            end.timed(overlapped.timeline.makespan);
            let (non_compulsory, fragmentation) = (plan.non_compulsory(problem), Bytes::ZERO);
            self.solution = Solution { plan, non_compulsory, fragmentation, ..self.solution.clone() };
            self.overlapped = overlapped;
        }
        Ok(())
    }
}
