//! `cosma-allocate`: source form → allocated form.
//!
//! Decides when and at which address each tensor is in the scratchpad and, with `order=free`, the order of
//! the operators, jointly. The plan becomes attributes of operations and arguments (see
//! [`allocated`](crate::allocated)), its summary an attribute of the function (see [`Facts`]).
//! `cosma-insert-transfers` inserts the transfers.

use crate::allocated;
use crate::effort::{OBJECTIVE, OrderName, SOLVER, TIME_LIMIT, parse_effort, parse_objective};
use crate::extract::{Extraction, extract};
use crate::facts::Facts;
use crate::form::{Form, body, expect, symbol};
use crate::machine::{ALIGNMENT, KEEP, MachineOptions, SCRATCHPAD, WEIGHTS, note_target};
use crate::overlap::{OVERLAP, Overlap, parse_overlap};
use crate::placed;
use crate::session::session;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{Diagnostic, OptionInfo, PassInfo, PassOptions, tiling_bound};
use cosma_planner::tiers::{TieredPlan, plan_in_tiers_watched};
use cosma_planner::time::{Timed, bound_of_any_order, latency_bound, plan_in_time};
use cosma_planner::{
    Action, BankConflicts, Objective, Options, Problem, Progress, Solution, Solver, check_with_prologue, plan,
    plan_watched,
};

pub(crate) const ORDER: OptionInfo = OptionInfo {
    name: "order",
    description: "order of the operators: source, or free to let the planner reorder them",
    default: "source",
};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-allocate",
    description: "decides when and at which address each tensor is in the scratchpad: source to allocated form",
    anchor: "func.func",
    options: &[SCRATCHPAD, ALIGNMENT, WEIGHTS, KEEP, ORDER, SOLVER, TIME_LIMIT, OVERLAP, OBJECTIVE],
};

pub(crate) fn run<'c>(
    _: &'c Context,
    function: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    let (machine, mut effort) = parse_planning(function, options)?;
    let complain = |message: String| Diagnostic::at(function, message);
    let overlap = parse_overlap(options).map_err(complain)?;
    effort.objective = parse_objective(options).map_err(complain)?;
    allocate(function, &machine, &effort, overlap)
}

/// Parses the options of a pass that plans in any order: those of the machine, and how to plan.
///
/// # Errors
/// At the function, about the first option that does not parse.
pub(crate) fn parse_planning<'c>(
    function: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(MachineOptions, Options), Diagnostic<'c>> {
    let complain = |message: String| Diagnostic::at(function, message);
    let order = options.get(ORDER.name).parse::<OrderName>();
    let order = order.map_err(|error| complain(format!("option {}: {error}", ORDER.name)))?.0;
    let machine = MachineOptions::parse(options).map_err(complain)?;
    let effort = parse_effort(options, order).map_err(complain)?;
    Ok((machine, effort))
}

/// Converts a function from source to allocated form. A declaration is not changed.
///
/// # Errors
/// At a function in another form, at operations that cannot be planned, and at an operator for which the
/// scratchpad is too small; where cycles cannot be counted.
pub fn allocate<'c>(
    function: OperationRef<'c, '_>,
    machine: &MachineOptions,
    options: &Options,
    overlap: Overlap,
) -> Result<(), Diagnostic<'c>> {
    expect(function, INFO.name, Form::Source)?;
    if body(function).is_none() {
        return Ok(());
    }
    let extraction = extract(function, machine.resolve(function)?)?;
    let problem = &extraction.problem;
    if placed::moves_nothing(problem) {
        return placed::allocate(&extraction, options);
    }
    if problem.machine.has_tiers() {
        may_be_fast(function, problem, options, overlap)?;
        let planned = solve_in_tiers(&extraction, options)?;
        let facts = Facts::of_tiers(problem, options.order, &planned);
        let facts = facts.map_err(|message| Diagnostic::at(function, message))?;
        allocated::write(&extraction, &planned.plan);
        note_target(function, &extraction.target());
        facts.write(function);
        return Ok(());
    }
    let facts = |solution: &Solution| Facts::new(problem, options.order, solution, tiling_bound(function));
    let (plan, facts) = match problem.machine.clock() {
        Some(_) if overlap == Overlap::Auto => {
            let Timed { solution, overlapped, bound, any_order, .. } = solve_in_time(&extraction, options)?;
            let facts = facts(&solution).with_bounds_on_cycles([bound, any_order]);
            (overlapped.plan, facts)
        }
        clock => {
            may_be_fast(function, problem, options, overlap)?;
            let solution = solve(&extraction, options)?;
            let mut facts = facts(&solution);
            if clock.is_some() {
                let any_order = bound_of_any_order(problem, solution.lower_bound);
                let bound = latency_bound(problem, &solution.plan, solution.lower_bound);
                let bounds = bound.and_then(|it| Ok([it, any_order?])).map_err(|it| extraction.diagnose(&it))?;
                facts = facts.with_bounds_on_cycles(bounds);
            }
            (solution.plan, facts)
        }
    };
    allocated::write(&extraction, &plan);
    note_target(function, &extraction.target());
    facts.write(function);
    Ok(())
}

/// Refuses latency as the objective where nothing overlaps.
fn may_be_fast<'c>(
    function: OperationRef<'c, '_>,
    problem: &Problem,
    options: &Options,
    overlap: Overlap,
) -> Result<(), Diagnostic<'c>> {
    let why = match (problem.machine.clock(), overlap) {
        (None, _) => "the machine has no clock",
        (Some(_), Overlap::None) => "transfers do not overlap",
        (Some(_), Overlap::Auto) => return Ok(()),
    };
    if options.objective == Objective::Traffic {
        return Ok(());
    }
    Err(Diagnostic::at(function, format!("latency cannot be the objective if {why}")))
}

/// Operators that say neither how long they take nor how much they compute take as long as their bytes.
fn warn_of_unknown_times(extraction: &Extraction) {
    let problem = &extraction.problem;
    let (unknown, all) = (problem.ops_without_cycles(), problem.graph.ops().len());
    if 0 < unknown {
        let message = format!(
            "{unknown} of {all} operators have neither 'cycles' nor 'macs': each takes the cycles of the bytes that it \
             accesses"
        );
        Diagnostic::at(extraction.function, message).emit_warning();
    }
}

/// Plans a function, verifies the plan, and warns if optimality was not proven.
pub(crate) fn solve<'c>(extraction: &Extraction<'c, '_>, options: &Options) -> Result<Solution, Diagnostic<'c>> {
    let problem = &extraction.problem;
    let session = session(extraction.function).unwrap_or_default();
    let solution = if session.is_watched() {
        let name = symbol(extraction.function);
        plan_watched(problem, options, &|progress: &Progress| session.watch(&name, progress))
    } else {
        plan(problem, options)
    };
    let solution = solution.map_err(|error| extraction.diagnose(&error))?;
    must_be_right(problem, &solution.plan.prologue(problem), &solution.plan.actions(problem));
    warn_if_open(extraction, &solution, options);
    Ok(solution)
}

/// Likewise on a machine of several memories.
pub(crate) fn solve_in_tiers<'c>(
    extraction: &Extraction<'c, '_>,
    options: &Options,
) -> Result<TieredPlan, Diagnostic<'c>> {
    let problem = &extraction.problem;
    if problem.machine.clock().is_some() {
        warn_of_unknown_times(extraction);
    }
    let session = session(extraction.function).unwrap_or_default();
    let name = symbol(extraction.function);
    let watch = |progress: &Progress| session.watch(&name, progress);
    let planned = plan_in_tiers_watched(problem, options, &watch).map_err(|error| extraction.diagnose(&error))?;
    must_be_right(problem, &[], &planned.actions);
    let (cost, least) = (planned.traffic.cost, planned.lower_bound);
    let message = if planned.cheapest < cost {
        let more = cost - planned.cheapest;
        format!(
            "to save time, the plan's transfers cost {cost}, {more} more than those of a plan with cheaper transfers"
        )
    } else if !planned.is_optimal() && options.solver != Solver::Greedy && options.objective == Objective::Traffic {
        format!("the plan may not be optimal: its transfers cost {cost}, and the proven lower bound is {least}")
    } else {
        return Ok(planned);
    };
    Diagnostic::at(extraction.function, message).emit_warning();
    Ok(planned)
}

/// Likewise on a machine with a clock, to a program whose transfers go on beside operators.
fn solve_in_time<'c>(extraction: &Extraction<'c, '_>, options: &Options) -> Result<Timed, Diagnostic<'c>> {
    warn_of_unknown_times(extraction);
    let problem = &extraction.problem;
    let session = session(extraction.function).unwrap_or_default();
    let name = symbol(extraction.function);
    let watch = |progress: &Progress| session.watch(&name, progress);
    let timed = plan_in_time(problem, options, &watch).map_err(|error| extraction.diagnose(&error))?;
    must_be_right(problem, &timed.overlapped.plan.prologue(problem), &timed.overlapped.actions);
    warn_if_open(extraction, &timed.solution, options);
    let (moved, least) = (timed.solution.non_compulsory, timed.least_non_compulsory);
    if least < moved {
        let message = format!(
            "to save time, the plan moves {moved} B of non-compulsory traffic, {} B more than a plan with less traffic",
            moved - least
        );
        Diagnostic::at(extraction.function, message).emit_warning();
    }
    Ok(timed)
}

pub(crate) fn must_be_right(problem: &Problem, prologue: &[Action], actions: &[Action]) {
    if let Err(violations) = check_with_prologue(problem, prologue, actions) {
        let violations: Vec<String> = violations.iter().map(|it| it.display(problem).to_string()).collect();
        panic!("a plan is wrong:\n{}\nof the problem:\n{problem}", violations.join("\n"));
    }
}

fn warn_if_open(extraction: &Extraction, solution: &Solution, options: &Options) {
    let is_least_wanted = options.objective == Objective::Traffic && options.solver != Solver::Greedy;
    let BankConflicts { count, least, .. } = solution.bank_conflicts;
    if 0 < count {
        let message = format!(
            "bank conflicts: {count}, and at least {least} in any plan; in each, one operator reads two tensors in one bank of \
             the scratchpad"
        );
        Diagnostic::at(extraction.function, message).emit_warning();
    }
    if solution.lower_bound < solution.non_compulsory && is_least_wanted {
        let is_stopped = session(extraction.function).unwrap_or_default().is_stopped();
        let why = if is_stopped { "planning was stopped" } else { "a longer time limit may help" };
        let message = format!(
            "the plan may not be optimal: it moves {} B of non-compulsory traffic, and the proven lower bound is \
             {} B ({why})",
            solution.non_compulsory, solution.lower_bound
        );
        Diagnostic::at(extraction.function, message).emit_warning();
    }
}
