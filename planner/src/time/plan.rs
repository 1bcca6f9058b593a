//! From a problem with a clock to a program.
//!
//! 1. A plan of the least traffic, as without a clock.
//! 2. Its program, whose transfers overlap, and the bound for any order.
//! 3. Where they are apart: a bound over the cells between operators that have one place in every order; and orders and residencies in which less time is lost, of no more traffic; their addresses, and their
//!    programs. A [search with labels](crate::search::search_with_labels) finds the best of all where there are few, and
//!    proves that there are no better ones; where there are many, orders are changed here and there. The fastest
//!    program is taken, so none is slower than that of the plan.
//! 4. If the objective is latency: the same as in 3, however much is moved, and residencies in the order that there is by
//!    an integer program.
//!
//! What the residencies of an order that was changed cost follows from a rule: the farthest next use leaves. So where a
//! plan of least traffic takes cleverer residencies than that, such orders compete only where traffic does not count.

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

/// What is left for the overlap where planning takes all of its time.
const LEAST_TIME_TO_OVERLAP: Duration = Duration::from_millis(500);

/// Orders from which better ones are looked for: that of the plan, and a simple one.
const STARTS: usize = 2;

/// The part of the time left that the first program may take.
const SHARE_OF_FIRST_OVERLAP: f64 = 0.4;

/// The part of the time left that other orders may take.
const SHARE_OF_REORDERING: f64 = 0.4;

/// The part of the time left that addresses for another order may take.
const SHARE_OF_PACKING: f64 = 0.4;

/// The part of the time left that a search with labels or an integer program may take.
const SHARE_OF_BOUNDS: f64 = 0.4;

/// Labels of the search before other orders are tried, and after that.
const FEW_LABELS: usize = 4_000;
const MANY_LABELS: usize = 60_000;

/// Into how many levels all labels of a search are divided: one level may have so many.
const LEVELS: usize = 8;

/// How much longer than a bound a program may take such that nothing better is looked for: one in so many.
const GOOD_ENOUGH: u64 = 2_000;

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
/// The watcher is as for [`plan_watched()`](crate::plan_watched). The time limit is that of all; what comes after the plan
/// has half a second even where that took all of it.
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

/// The fastest program that is found, and how good it is, once there is a plan of the least traffic that was found.
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
    /// Of all programs in the orders that are allowed.
    any_order: LatencyBound,
    /// Of those in this order.
    this_order: Option<(Vec<OpId>, Cycles)>,
    /// Whether a search with labels has left nothing out: then another one finds no more.
    is_searched: bool,
}

impl Best {
    /// Looks for an order and residencies that take less time, and move no more, and for better bounds.
    fn improve(&mut self, problem: &Problem, order: Order, most: Bytes, end: Deadline) -> Result<(), Error> {
        // Neither search nor integer programs know uses that may pass by.
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

    /// Likewise, however much they move.
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

    /// Looks for orders that take less time: from that of the plan, and from simple ones.
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

    /// Searches all orders and residencies with so many labels: for a faster program, and for a bound.
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

    /// Looks for better residencies in the order that there is.
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

    /// With how many cycles nothing better is looked for.
    fn enough(&self) -> Cycles {
        let Cycles(bound) = self.any_order.cycles;
        Cycles(bound.saturating_add(bound / GOOD_ENOUGH))
    }

    fn is_enough(&self, end: Deadline) -> bool {
        self.overlapped.timeline.makespan <= self.enough() || end.has_passed()
    }

    /// Takes an outline if its program is faster, but looks only at one whose transfers, divided as one likes, take less
    /// than those of the plan: others would have to be lucky with their addresses, and to find these takes long.
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
