//! From a problem to a plan: which solver is asked when, and what is done with its answer.

use crate::search::{SearchOptions, search};
use crate::{Bytes, Deadline, Error, OpId, Outline, Plan, Problem, Traffic, address, greedy, greedy_plan};
use std::time::Duration;
use tracing::debug;

/// The part of the time limit after which addresses are assigned to what there is.
const SHARE_OF_SEARCH: f64 = 0.8;

/// Windows slide over the plans of problems with so many operators. They take all the time there is,
/// and what they find depends on it; the search leaves no smaller problem open without being told to.
const MIN_OPS_TO_REFINE: usize = 100;

/// The part of the time limit that packing one outline may take.
const SHARE_OF_PACKING: f64 = 0.05;

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
    /// States that the search may keep in all, which bounds its memory: some 100 B each. Unlike the
    /// time limit, it does not make the outcome depend on the machine.
    pub state_limit: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            solver: Solver::Auto,
            order: Order::Free,
            time_limit: Duration::from_secs(60),
            state_limit: 20_000_000,
        }
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
/// 1. Order and residency are decided as if only the sum of what is on-chip counted.
/// 2. What came out is packed. If that succeeds, nothing was lost: the optimum of the first step
///    is the optimum of the whole.
/// 3. If not, order and residency are decided again with less and less capacity, which leaves gaps
///    between addresses, until packing succeeds. The bound stays that of the first step.
/// 4. The greedy planner decides addresses as it goes. Its plan always exists.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::Solver`] if a solver was asked for by name and fails or
/// is not built in.
pub fn plan(problem: &Problem, options: &Options) -> Result<Solution, Error> {
    problem.check()?;
    let deadline = Deadline::after(options.time_limit);
    // Addresses need some time too.
    let search_deadline = deadline.within(options.time_limit.mul_f64(SHARE_OF_SEARCH));
    let Decision { outline, lower_bound, solver } = decide(problem, options, search_deadline)?;
    let try_for = options.time_limit.mul_f64(SHARE_OF_PACKING);
    if let Some(plan) = address(problem, &outline, deadline.within(try_for)) {
        return Ok(Solution { plan, non_compulsory: outline.non_compulsory(problem), lower_bound, solver });
    }

    let plan = greedy_plan(problem)?;
    let non_compulsory = Traffic::of(problem, &plan.actions(problem)).non_compulsory;
    let mut best = Solution { plan, non_compulsory, lower_bound, solver: Solver::Greedy };
    for capacity in lesser_capacities(problem) {
        let mut outlines = outlines_within(problem, options, &outline, capacity, deadline);
        outlines.sort_by_key(|it| it.0.non_compulsory(problem));
        for (outline, solver) in outlines {
            let non_compulsory = outline.non_compulsory(problem);
            if best.non_compulsory <= non_compulsory {
                break;
            }
            debug!(%capacity, %non_compulsory, "packing with less capacity");
            if let Some(plan) = address(problem, &outline, deadline.within(try_for)) {
                best = Solution { plan, non_compulsory, lower_bound, solver };
            }
        }
        // Less capacity costs no less, or hardly ever.
        if best.solver != Solver::Greedy || deadline.has_passed() {
            break;
        }
    }
    Ok(best)
}

/// Order and residency, what they cost at least, and who decided.
struct Decision {
    outline: Outline,
    lower_bound: Bytes,
    solver: Solver,
}

fn decide(problem: &Problem, options: &Options, deadline: Deadline) -> Result<Decision, Error> {
    match (options.solver, options.order) {
        (Solver::Greedy, _) => Ok(greedily(problem)),
        (Solver::Ilp, Order::Source) => ilp::fixed_order(problem, deadline),
        (Solver::Ilp, Order::Free) => ilp::free_order(problem, deadline),
        (Solver::Auto, Order::Source) if ilp::IS_BUILT_IN => ilp::fixed_order(problem, deadline),
        (Solver::Search | Solver::Auto, order) => {
            let improve = |outline: &Outline| match options.solver {
                Solver::Auto => ilp::improve(problem, outline, deadline),
                _ => None,
            };
            let search_options = SearchOptions { order, state_limit: options.state_limit, ..SearchOptions::default() };
            let start = greedily(problem);
            let capacity = problem.capacity();
            let outcome = search(problem, capacity, Some(&start.outline), &search_options, &improve, deadline);
            let lower_bound = outcome.lower_bound;
            let mut best = match outcome.outline {
                Some(outline) => {
                    let solver = if outcome.is_improved { Solver::Ilp } else { Solver::Search };
                    Decision { outline, lower_bound, solver }
                }
                None => Decision { lower_bound, ..start },
            };
            let cost = best.outline.non_compulsory(problem);
            let is_large = MIN_OPS_TO_REFINE <= problem.graph.ops().len();
            if lower_bound < cost && options.solver == Solver::Auto && is_large && !deadline.has_passed() {
                let refined = ilp::refine(problem, &best.outline, deadline);
                if let Some(outline) = refined.filter(|it| it.non_compulsory(problem) < cost) {
                    best = Decision { outline, lower_bound, solver: Solver::Ilp };
                }
            }
            Ok(best)
        }
    }
}

fn greedily(problem: &Problem) -> Decision {
    let outline = greedy(problem, &source_order(problem));
    Decision { outline, lower_bound: problem.restreamed(), solver: Solver::Greedy }
}

fn source_order(problem: &Problem) -> Vec<OpId> {
    problem.graph.op_ids().collect()
}

/// Capacities to try when what fits as a sum cannot be packed: without the room that only the
/// padding of a highest block could give back, then less and less.
fn lesser_capacities(problem: &Problem) -> impl Iterator<Item = Bytes> {
    let Bytes(alignment) = problem.machine.alignment;
    let whole = problem.machine.scratchpad.0 / alignment;
    [0, 128, 64, 32, 16, 8, 4].into_iter().map(move |part| {
        let less = if part == 0 { 0 } else { whole.div_ceil(part) };
        Bytes((whole - less) * alignment)
    })
}

/// Outlines that leave some of the scratchpad empty at each step whose operator allows that, and
/// who made them.
fn outlines_within(
    problem: &Problem,
    options: &Options,
    outline: &Outline,
    capacity: Bytes,
    deadline: Deadline,
) -> Vec<(Outline, Solver)> {
    let mut outlines = Vec::new();
    if matches!(options.solver, Solver::Auto | Solver::Ilp)
        && let Some(outline) = ilp::within(problem, outline, capacity, deadline)
    {
        outlines.push((outline, Solver::Ilp));
    }
    if matches!(options.solver, Solver::Auto | Solver::Search) {
        let search_options = SearchOptions { order: options.order, proof_width: 0, ..SearchOptions::default() };
        let outcome = search(problem, capacity, None, &search_options, &|_| None, deadline);
        outlines.extend(outcome.outline.map(|it| (it, Solver::Search)));
    }
    if options.solver == Solver::Greedy {
        outlines.push((greedily(problem).outline, Solver::Greedy));
    }
    outlines
}

/// What integer programming answers, if it is built in.
#[cfg(feature = "ilp")]
mod ilp {
    use super::{Decision, Solver, source_order};
    use crate::ilp::{joint, replace, replace_within};
    use crate::{Bytes, Deadline, Error, Outline, Problem};

    pub const IS_BUILT_IN: bool = true;

    pub fn fixed_order(problem: &Problem, deadline: Deadline) -> Result<Decision, Error> {
        let outcome = replace(problem, &source_order(problem), None, deadline)?;
        Ok(Decision { outline: outcome.outline, lower_bound: outcome.lower_bound, solver: Solver::Ilp })
    }

    pub fn free_order(problem: &Problem, deadline: Deadline) -> Result<Decision, Error> {
        let outcome = joint(problem, None, deadline)?;
        Ok(Decision { outline: outcome.outline, lower_bound: outcome.lower_bound, solver: Solver::Ilp })
    }

    /// The best replacement for the order of an outline, or for that of the source if that is
    /// better. A failing solver improves nothing.
    pub fn improve(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Outline> {
        let order = source_order(problem);
        let own = replace(problem, &outline.order, Some(outline), deadline).ok();
        let of_source = replace(problem, &order, None, deadline).ok();
        let outlines = own.into_iter().chain(of_source).map(|it| it.outline);
        outlines.min_by_key(|it| it.non_compulsory(problem))
    }

    /// The best replacement for the order of an outline within less capacity.
    pub fn within(problem: &Problem, outline: &Outline, capacity: Bytes, deadline: Deadline) -> Option<Outline> {
        replace_within(problem, &outline.order, capacity, None, deadline).ok().map(|it| it.outline)
    }

    /// A better outline by windows that slide over this one and are solved again.
    pub fn refine(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Outline> {
        joint(problem, Some(outline), deadline).ok().map(|it| it.outline)
    }
}

#[cfg(not(feature = "ilp"))]
mod ilp {
    use super::Decision;
    use crate::{Bytes, Deadline, Error, Outline, Problem};

    pub const IS_BUILT_IN: bool = false;

    pub fn fixed_order(_: &Problem, _: Deadline) -> Result<Decision, Error> {
        Err(Error::Solver("built without integer programming".into()))
    }

    pub fn free_order(problem: &Problem, deadline: Deadline) -> Result<Decision, Error> {
        fixed_order(problem, deadline)
    }

    pub fn improve(_: &Problem, _: &Outline, _: Deadline) -> Option<Outline> {
        None
    }

    pub fn within(_: &Problem, _: &Outline, _: Bytes, _: Deadline) -> Option<Outline> {
        None
    }

    pub fn refine(_: &Problem, _: &Outline, _: Deadline) -> Option<Outline> {
        None
    }
}
