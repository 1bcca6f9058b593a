//! One network for many scratchpads.
//!
//! Sizes are planned from the smallest to the largest, each starting from the previous plan, which remains valid. At
//! the end, a bound for a larger scratchpad also holds for smaller ones.

use crate::plan::{explain, judge};
use crate::{Error, Network, Request};
use cosma_planner::baseline::size_without_spills;
use cosma_planner::time::{Timed, plan_in_time, plan_in_time_from};
use cosma_planner::{
    Action, Bytes, Cycles, Error as PlannerError, MemoryId, Moves, Order, Problem, Progress, Solution, Watcher,
    plan_from, plan_watched,
};
use serde::Serialize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The scratchpads to plan for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scratchpads {
    /// These sizes.
    Sizes(Vec<Bytes>),
    /// This many, from the smallest with which the network runs to the peak, a size at which only compulsory traffic
    /// is left; each larger than the previous one by the same factor.
    Steps(u32),
}

/// The plans of one network for many scratchpads. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// The network's name.
    pub name: String,
    /// The compulsory traffic of every plan.
    pub compulsory: u64,
    /// The smallest scratchpad with which the network can run.
    pub min_scratchpad: u64,
    /// By scratchpad, ascending.
    pub points: Vec<Point>,
}

/// The result for one scratchpad.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Its size.
    pub scratchpad: u64,
    /// The outcome of planning.
    pub status: Verdict,
    /// All traffic; `None` if there is no plan.
    pub total: Option<u64>,
    /// Spills and reloads, and further uses of streamed weights; `None` if there is no plan.
    pub non_compulsory: Option<u64>,
    /// A proven lower bound on `non_compulsory` of any plan; `None` if there is no plan.
    pub lower_bound: Option<u64>,
    /// The solver that found the plan; `None` if there is no plan.
    pub solver: Option<&'static str>,
    /// How many cycles the program takes; absent without a clock, or if nothing overlaps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles: Option<u64>,
    /// No program of any order takes fewer; absent where `cycles` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_cycles: Option<u64>,
    /// How long planning took.
    pub seconds: f64,
}

/// The outcome of planning for a scratchpad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// The plan is proven optimal.
    #[serde(rename = "optimal")]
    Optimal,
    /// There is a plan, without a proof.
    #[serde(rename = "feasible")]
    Feasible,
    /// The scratchpad is too small for an operator.
    #[serde(rename = "too small")]
    TooSmall,
}

/// The most sizes in a sweep.
const MOST_STEPS: u32 = 10_000;

/// Plans a network for many scratchpads; the scratchpad of the request is ignored. The watcher receives the
/// scratchpad that is being planned for; if it stops the sweep, the remaining sizes are omitted.
///
/// # Errors
/// Those of [`plan`](crate::plan()), except that a scratchpad may be too small; [`Error::Option`] for too many or too few
/// sizes, for reserved addresses, for tiles, for several memories, and if nothing moves on the machine.
pub fn sweep(
    network: &Network,
    request: &Request,
    scratchpads: &Scratchpads,
    watcher: &(dyn Fn(Bytes, &Progress) -> ControlFlow<()> + Sync),
) -> Result<Sweep, Error> {
    let refuse = |why: &str| Err(Error::Option(why.into()));
    if request.tiles {
        return refuse("a sweep is of whole operators, not of tiles");
    }
    if let Some(machine) = &request.machine {
        if machine.has_tiers() {
            return refuse("a sweep is over the sizes of one scratchpad, and the machine has several memories");
        }
        if machine.moves() == Moves::None {
            return refuse("a sweep is about what moves, and on this machine nothing does");
        }
    }
    let scratchpad = request.machine.as_ref().map(|it| &it.memories()[MemoryId::SCRATCHPAD.index()]);
    if !request.reserved.is_empty() || scratchpad.is_some_and(|it| !it.reserved.is_empty()) {
        return refuse("a sweep takes no reserved addresses: they are of one scratchpad");
    }
    let mut problem = request.problem(network)?;
    problem.machine.set_scratchpad(problem.min_scratchpad());
    problem.check().map_err(|error| explain(network, &problem, error))?;
    let least = problem.least_scratchpad(request.options.order);
    let min = if least.is_exact { least.size } else { problem.min_scratchpad() };
    let sizes = sizes(&problem, request.options.order, min, scratchpads)?;
    let compulsory = problem.compulsory().0;
    let is_stopped = AtomicBool::new(false);
    let mut points: Vec<Point> = Vec::new();
    let mut best: Option<Solution> = None;
    for size in sizes {
        if is_stopped.load(Ordering::Relaxed) {
            break;
        }
        problem.machine.set_scratchpad(size);
        let watch = |progress: &Progress| {
            let answer = watcher(size, progress);
            is_stopped.fetch_or(answer.is_break(), Ordering::Relaxed);
            answer
        };
        let start = Instant::now();
        let found = find(&problem, request, best.as_ref(), &watch);
        let seconds = start.elapsed().as_secs_f64();
        let mut point = Point {
            scratchpad: size.0,
            status: Verdict::TooSmall,
            total: None,
            non_compulsory: None,
            lower_bound: None,
            solver: None,
            cycles: None,
            least_cycles: None,
            seconds,
        };
        match found {
            Ok(Found { solution, actions, cycles }) => {
                judge(&problem, &solution, &actions)?;
                (point.cycles, point.least_cycles) = cycles.map(|[it, least]| (it.0, least.0)).unzip();
                point.status = Verdict::Feasible;
                point.total = Some(compulsory + solution.non_compulsory.0);
                point.non_compulsory = Some(solution.non_compulsory.0);
                point.lower_bound = Some(solution.lower_bound.0);
                let is_same = best.as_ref().is_some_and(|it| it.non_compulsory == solution.non_compulsory);
                point.solver = if is_same { points.last().and_then(|it| it.solver) } else { None };
                point.solver = point.solver.or(Some(solution.solver.name()));
                best = Some(solution);
            }
            Err(PlannerError::ScratchpadTooSmall { .. }) => {}
            Err(error) => return Err(explain(network, &problem, error)),
        }
        points.push(point);
    }
    hand_down(&mut points);
    Ok(Sweep { name: network.name.clone(), compulsory, min_scratchpad: min.0, points })
}

/// A plan, and its program.
struct Found {
    solution: Solution,
    actions: Vec<Action>,
    /// How long it takes, and what no program is faster than; none if that was not looked for.
    cycles: Option<[Cycles; 2]>,
}

/// Plans for one scratchpad, from the plan for a smaller one if there is one.
fn find(problem: &Problem, request: &Request, best: Option<&Solution>, watch: &Watcher) -> Result<Found, PlannerError> {
    let options = &request.options;
    if request.is_timed() {
        let Timed { solution, overlapped, any_order, .. } = match best {
            Some(best) => plan_in_time_from(problem, options, &best.plan, watch)?,
            None => plan_in_time(problem, options, watch)?,
        };
        let cycles = Some([overlapped.timeline.makespan, any_order.cycles]);
        return Ok(Found {
            solution: Solution { plan: overlapped.plan, ..solution },
            actions: overlapped.actions,
            cycles,
        });
    }
    let solution = match best {
        Some(best) => plan_from(problem, options, &best.plan, watch)?,
        None => plan_watched(problem, options, watch)?,
    };
    let actions = solution.plan.actions(problem);
    Ok(Found { solution, actions, cycles: None })
}

/// Bounds also hold for smaller scratchpads.
fn hand_down(points: &mut [Point]) {
    let mut bound = 0;
    for point in points.iter_mut().rev() {
        let (Some(bytes), Some(own)) = (point.non_compulsory, point.lower_bound) else { continue };
        bound = own.max(bound);
        point.lower_bound = Some(bound);
        point.status = if bytes <= bound { Verdict::Optimal } else { Verdict::Feasible };
    }
}

fn sizes(problem: &Problem, order: Order, min: Bytes, asked: &Scratchpads) -> Result<Vec<Bytes>, Error> {
    let mut sizes = match asked {
        Scratchpads::Sizes(sizes) => sizes.clone(),
        Scratchpads::Steps(0 | 1) => return Err(Error::Option("a sweep has at least 2 steps".into())),
        Scratchpads::Steps(n) if MOST_STEPS < *n => {
            return Err(Error::Option(format!("a sweep has at most {MOST_STEPS} steps, not {n}")));
        }
        Scratchpads::Steps(n) => {
            let (low, high) = (min, size_without_spills(problem, order).max(min));
            let factor = high.0 as f64 / low.0.max(1) as f64;
            let alignment = problem.machine.alignment();
            let size = |step: u32| match step {
                0 => low,
                step if step == n - 1 => high,
                step => {
                    let size = low.0 as f64 * factor.powf(f64::from(step) / f64::from(n - 1));
                    Bytes(size as u64).align_up(alignment).clamp(low, high)
                }
            };
            (0..*n).map(size).collect()
        }
    };
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.is_empty() { Err(Error::Option("a sweep needs a scratchpad".into())) } else { Ok(sizes) }
}
