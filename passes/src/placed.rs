//! One memory and one address for each tensor, for good: functions for machines on which nothing moves
//! (`moves = "none"` in `cosma.machine`).
//!
//! | form | what it says |
//! |---|---|
//! | allocated | one residency for each tensor, in its memory (`placed/allocated.rs`) |
//! | planned | `cosma.place` for arguments and constants, offsets and memories of results (`placed/rewrite.rs`) |
//! | lowered | an arena for each memory that has a size; what lies there is neither taken nor returned (`placed/handed.rs`) |
//!
//! Extraction makes no pieces of tensors there, and nothing is put together in host memory: slices and insertions are
//! operators or views. Nor is what depends on weights alone computed before the run.

mod allocated;
mod handed;
mod rewrite;

pub use handed::handed;

use crate::allocate::must_be_right;
use crate::allocated::reorder;
use crate::effort::solver_name;
use crate::extract::{Carrier, Extraction};
use crate::facts::Facts;
use crate::form::symbol;
use crate::machine::note_target;
use crate::session::session;
use crate::variable::access;
use cosma_ir::melior::ir::ValueLike;
use cosma_ir::{Cost, Diagnostic};
use cosma_planner::{
    Bytes, Keep, MemoryId, Moves, Objective, Options, Placement, PlacementOptions, Problem, Progress, Solver, Traffic,
    Weights, check_with_prologue, place_largest_first, place_watched,
};

/// Whether nothing moves on the machine of a problem.
pub(crate) fn moves_nothing(problem: &Problem) -> bool {
    problem.machine.moves() == Moves::None
}

/// Decides where each tensor lies, and brings a function from source to allocated form.
///
/// # Errors
/// At what is not planned where nothing moves; where tensors do not fit.
pub(crate) fn allocate<'c>(extraction: &Extraction<'c, '_>, options: &Options) -> Result<(), Diagnostic<'c>> {
    let (placement, facts) = solve(extraction, options)?;
    allocated::write(extraction, &placement);
    note_target(extraction.function, &extraction.target());
    facts.write(extraction.function);
    Ok(())
}

/// Orders the operators of a function in source form as the best placement has them.
///
/// # Errors
/// Those of [`allocate()`].
pub(crate) fn schedule<'c>(extraction: &Extraction<'c, '_>, options: &Options) -> Result<(), Diagnostic<'c>> {
    let (placement, facts) = solve(extraction, options)?;
    reorder(extraction, &placement.order);
    note_target(extraction.function, &extraction.target());
    facts.write(extraction.function);
    Ok(())
}

/// Brings a function from allocated into planned form.
///
/// # Errors
/// At tensors whose residencies are not one place for good; where they do not make a valid program.
pub(crate) fn insert_places<'c>(extraction: &Extraction<'c, '_>) -> Result<(), Diagnostic<'c>> {
    check(extraction)?;
    let placement = allocated::read(extraction)?;
    let actions = placement.actions(&extraction.problem);
    if let Err(violations) = check_with_prologue(&extraction.problem, &[], &actions) {
        return Err(crate::insert_transfers::wrong(extraction, violations));
    }
    crate::allocated::clear(extraction);
    rewrite::rewrite(extraction, &actions);
    Ok(())
}

fn solve<'c>(extraction: &Extraction<'c, '_>, options: &Options) -> Result<(Placement, Facts), Diagnostic<'c>> {
    check(extraction)?;
    let refuse = |message: String| Err(Diagnostic::at(extraction.function, message));
    if options.objective == Objective::Latency {
        return refuse("latency cannot be the objective where nothing moves (cosma.machine)".into());
    }
    let problem = &extraction.problem;
    let fail = |error| extraction.diagnose(&error);
    let (placement, lower_bound, solver) = match options.solver {
        Solver::Search => {
            return refuse(
                "solver=search plans what moves, and on this machine nothing does (cosma.machine): there are auto, ilp \
                 and greedy"
                    .into(),
            );
        }
        Solver::Greedy => (place_largest_first(problem).map_err(fail)?, 0, Solver::Greedy),
        Solver::Auto | Solver::Ilp => {
            let options = PlacementOptions { order: options.order, time_limit: options.time_limit };
            let session = session(extraction.function).unwrap_or_default();
            let name = symbol(extraction.function);
            let watch = |progress: &Progress| session.watch(&name, progress);
            let found = place_watched(problem, &options, &watch).map_err(fail)?;
            if !found.is_optimal() {
                let message = format!(
                    "the plan may not be optimal: its accesses cost {}, and the proven lower bound is {}",
                    found.cost, found.lower_bound
                );
                Diagnostic::at(extraction.function, message).emit_warning();
            }
            (found.placement, found.lower_bound, Solver::Ilp)
        }
    };
    must_be_right(problem, &[], &placement.actions(problem));
    let facts = facts(problem, &placement, lower_bound, solver);
    Ok((placement, facts.map_err(|message| Diagnostic::at(extraction.function, message))?))
}

/// The summary of a placement. Its bytes are those that operators read and write in home.
///
/// # Errors
/// A message if accesses cost more than can be counted.
fn facts(problem: &Problem, placement: &Placement, lower_bound: u128, solver: Solver) -> Result<Facts, String> {
    let traffic = Traffic::of(problem, &placement.actions(problem));
    let lower_bound = u64::try_from(lower_bound).unwrap_or(u64::MAX);
    let workspace = problem.graph.ops().iter().map(|it| it.workspace).max().unwrap_or_default();
    let facts = Facts {
        operators: problem.graph.ops().len() as u64,
        status: String::new(),
        total: Bytes::ZERO,
        // Whatever lies in home could lie elsewhere, if there were room.
        compulsory: Bytes::ZERO,
        non_compulsory: Bytes::ZERO,
        lower_bound: Bytes::ZERO,
        fragmentation: Bytes::ZERO,
        prologue: Bytes::ZERO,
        peak: placement.memory_uses(problem)[MemoryId::SCRATCHPAD.index()].peak,
        min_scratchpad: workspace,
        is_min_exact: false,
        solver: solver_name(solver).into(),
        proof: None,
        cycles_bound: None,
        any_order_bound: None,
        cost: Some(Cost { total: 0, lower_bound }),
    };
    let all = Traffic { compulsory: Bytes::ZERO, non_compulsory: traffic.total(), ..traffic };
    facts.with_traffic(all)
}

/// Refuses what is not planned where nothing moves.
///
/// # Errors
/// At the place where it is said.
fn check<'c>(extraction: &Extraction<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let Extraction { function, problem, said, writes, carriers, .. } = extraction;
    let refuse = |message: &str| {
        Err(Diagnostic::at(*function, format!("{message}, and on this machine nothing moves (cosma.machine)")))
    };
    match extraction.weights {
        Weights::Resident => {}
        Weights::Streamed => return refuse("weights = streamed pass by the scratchpad"),
        Weights::Auto => return refuse("weights = auto may pass by the scratchpad"),
    }
    if extraction.keep != Keep::Never {
        return refuse("keep = auto loads weights once, before the first run");
    }
    for (tensor, carrier) in problem.graph.tensors().iter().zip(carriers) {
        if let (Keep::Always, Carrier::Argument(value, index)) = (tensor.keep, carrier) {
            let message = format!(
                "argument {index} is to stay in the scratchpad (cosma.keep), but on this machine nothing moves \
                 (cosma.machine): each weight stays where it is placed"
            );
            return Err(Diagnostic::new(value.location(), message));
        }
    }
    if let Some(said) = said.first() {
        let how =
            if said.at.is_some() { "has a fixed offset (cosma.at)" } else { "is in the scratchpad (cosma.on_chip)" };
        let message = format!(
            "{} {how}, which is not planned where nothing moves (cosma.machine): each tensor is placed anew",
            said.what
        );
        return Err(Diagnostic::new(said.location, message));
    }
    let reads = carriers.iter().filter_map(|it| match it {
        Carrier::Constant(_, operation) => Some(*operation),
        _ => None,
    });
    if let Some(variable) = reads.chain(writes.iter().copied()).find(|it| access(*it).is_some()) {
        let message = "accesses a variable, which is not planned where nothing moves (cosma.machine): make it an argument \
                       and a result";
        return Err(Diagnostic::at(variable, message));
    }
    Ok(())
}
