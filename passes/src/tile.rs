//! `cosma-tile`: replaces operators that do not fit, or that move less in tiles, by operators on pieces of tensors.
//! Takes and leaves source form.
//!
//! 1. The function becomes a network: its problem, and the access of each operator.
//! 2. The whole operators are planned, if each of them fits. If that plan is minimal, they stay.
//! 3. `cosma_tile` chooses pieces and order, and returns a problem whose operators are tiles.
//! 4. If whole operators have a plan, tiles are written only if they move less.
//! 5. Tiles are written in the order of that problem: pieces of an argument are `tensor.extract_slice`, a result is
//!    assembled by `tensor.insert_slice`, and each tile is a `cosma.op` with the operator that it is a part of, or, if
//!    the operator has a body, a `cosma.group` with a body (`body.rs`).
//!
//! Before that, the program is checked: each tile reads everything that it needs, the pieces of a tensor are disjoint,
//! and results are complete.

mod body;
mod check;
mod write;

use crate::allocate::{ORDER, parse_planning};
use crate::effort::{SOLVER, TIME_LIMIT};
use crate::extract::{Extraction, extract};
use crate::form::{Form, body, expect, operations};
use crate::help::help;
use crate::machine::{ALIGNMENT, KEEP, MachineOptions, SCRATCHPAD, Target, WEIGHTS, note_target};
use crate::network::{Unsaid, network};
use crate::role::may_have_effects;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{OperationRef, ValueLike};
use cosma_ir::{
    Diagnostic, LeastTraffic, PassInfo, PassOptions, TilingBound, is_abstract, is_group, is_tile, set_location_name,
    set_tiling_bound, tiling_bound,
};
use cosma_planner::{Bytes, Deadline, Error, Options, plan};
use cosma_tile::{Bounds, Network, TileError, TileProgram, Tiled, bounds};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-tile",
    description: "splits operators into tiles if they do not fit, or if tiles move less, in source form",
    anchor: "func.func",
    options: &[SCRATCHPAD, ALIGNMENT, WEIGHTS, KEEP, ORDER, SOLVER, TIME_LIMIT],
};

/// The share of the time limit for planning whole operators, for comparison.
const SHARE_OF_WHOLE: f64 = 0.25;

pub(crate) fn run<'c>(
    context: &'c Context,
    function: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    let (machine, effort) = parse_planning(function, options)?;
    tile(context, function, &machine, &effort)
}

/// Splits the operators of a function in source form into tiles, if that makes it fit or move less, and records that it
/// ran. A declaration is not changed.
///
/// # Errors
/// At a function in another form, or one that was tiled before; at operations that cannot be planned; at the operator
/// whose smallest tile exceeds the scratchpad.
pub fn tile<'c>(
    context: &'c Context,
    function: OperationRef<'c, '_>,
    machine: &MachineOptions,
    options: &Options,
) -> Result<(), Diagnostic<'c>> {
    expect(function, INFO.name, Form::Source)?;
    if body(function).is_none() {
        return Ok(());
    }
    refuse_tiled(function)?;
    let target = machine.resolve(function)?;
    // Tiles are chosen for the scratchpad, regardless of farther memories.
    let inner = match target.machine.has_tiers() {
        true => Target { machine: target.machine.without_tiers(), ..target.clone() },
        false => target.clone(),
    };
    let extraction = extract(function, inner)?;
    note_target(function, &target);
    let obstacle = obstacle(&extraction);
    if let Some(why) = obstacle.as_ref().filter(|_| extraction.problem.check().is_ok()) {
        return keep_whole(&extraction, true, why);
    }
    let deadline = Deadline::after(options.time_limit);
    let time_limit = deadline.part(SHARE_OF_WHOLE).left().unwrap_or(options.time_limit);
    let whole = match plan(&extraction.problem, &Options { time_limit, ..*options }) {
        Ok(solution) => Some(solution.non_compulsory),
        Err(Error::ScratchpadTooSmall { .. }) => None,
        Err(error) => return Err(extraction.diagnose(&error)),
    };
    if let Some(why) = obstacle {
        return keep_whole(&extraction, whole.is_some(), &why);
    }
    let mut network = network(&extraction, Unsaid::Inferred);
    keep_what_is_returned_as_view(&extraction, &mut network);
    if whole == Some(Bytes::ZERO) {
        set_tiling_bound(function, least(&network));
        return Ok(());
    }
    let tiled = match cut(&extraction, &mut network, deadline) {
        Ok(tiled) => tiled,
        Err(error) if whole.is_none() => {
            set_tiling_bound(function, TilingBound(None));
            return Err(diagnose(&extraction, &network, &error));
        }
        Err(_) => return keep_whole(&extraction, true, ""),
    };
    check::check(&network, &tiled.program).unwrap_or_else(|fault| {
        panic!("a program in tiles is wrong: {fault}\nof the problem:\n{}", extraction.problem);
    });
    // Loads of pieces that no tile reads are not even compulsory.
    let moved = tiled.program.problem.compulsory() + tiled.non_compulsory;
    let is_better = whole.is_none_or(|whole| moved < extraction.problem.compulsory() + whole);
    set_tiling_bound(function, least(&network));
    if !is_better {
        return Ok(());
    }
    write::write(context, &extraction, &network, &tiled.program)?;
    name_whole(function, &network, &tiled.program);
    Ok(())
}

/// Names the locations of operators that stay whole: later they are numbered anew, but tiles have the names of their
/// operators, and views of plans show both.
fn name_whole(function: OperationRef, network: &Network, program: &TileProgram) {
    let block = body(function).expect("it has a body");
    let made = operations(block).filter(|it| is_abstract(*it) || is_group(*it));
    for (operation, tile) in made.zip(&program.tiles).filter(|it| !is_tile(it.0)) {
        set_location_name(operation, &network.problem.graph.op(tile.of).name);
    }
}

/// The bounds for every tiling.
fn least(network: &Network) -> TilingBound {
    let Bounds { all_tilings, without_recomputation } = bounds(network);
    let least = LeastTraffic { all_tilings: all_tilings.0, without_recomputation: without_recomputation.0 };
    TilingBound(Some(least))
}

/// Tiles a network. An operator whose tiles cannot have bodies stays whole.
fn cut(extraction: &Extraction, network: &mut Network, deadline: Deadline) -> Result<Tiled, TileError> {
    loop {
        let tiled = cosma_tile::tile(network, deadline)?;
        let Err(body::Refusal { op, why }) = body::check(extraction, network, &tiled.program) else {
            return Ok(tiled);
        };
        let operator = &mut network.operators[op.index()];
        let operation = extraction.operators[op.index()];
        if operator.access.is_none() {
            return Err(TileError::NoProgram { scratchpad: network.problem.machine.scratchpad() });
        }
        (operator.access, operator.is_view) = (None, false);
        Diagnostic::at(operation, format!("{} leaves this operator whole: {why}", INFO.name)).emit_warning();
    }
}

/// Keeps operators whole whose results are returned through views: pieces of a view need not be regions.
fn keep_what_is_returned_as_view(extraction: &Extraction, network: &mut Network) {
    for value in extraction.terminator.operands().filter(|it| extraction.root(*it).is_some()) {
        let producer = extraction.tensor(value).and_then(|it| extraction.problem.graph.producer(it));
        if let Some(op) = producer {
            let operator = &mut network.operators[op.index()];
            (operator.access, operator.is_view) = (None, false);
        }
    }
}

fn refuse_tiled<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let block = body(function).expect("it has a body");
    if let Some(tile) = operations(block).find(|it| is_tile(*it)) {
        let message = format!("{} takes whole operators, but this one is already a tile", INFO.name);
        return Err(Diagnostic::at(tile, message));
    }
    if tiling_bound(function).is_some() {
        let message = format!("{} takes a function only once, and has already processed this one", INFO.name);
        return Err(Diagnostic::at(function, message));
    }
    Ok(())
}

/// Why a function cannot be tiled, regardless of its operators.
fn obstacle(extraction: &Extraction) -> Option<String> {
    if !extraction.writes.is_empty() {
        return Some("it writes variables".into());
    }
    if !extraction.said.is_empty() {
        return Some("it has tensors with declared places (cosma.at, cosma.on_chip)".into());
    }
    if !extraction.slices.is_empty() || !extraction.assemblies.is_empty() {
        return Some("it already works on pieces of tensors".into());
    }
    let computes_else =
        |it: &OperationRef| may_have_effects(*it) || it.results().any(|result| !result.r#type().is_tensor());
    let has_else = extraction.operators.iter().any(computes_else);
    has_else.then(|| "it has operators that have side effects or compute scalars".into())
}

/// Leaves a function unchanged, if it can be planned like this.
fn keep_whole<'c>(extraction: &Extraction<'c, '_>, fits: bool, why: &str) -> Result<(), Diagnostic<'c>> {
    let function = extraction.function;
    set_tiling_bound(function, TilingBound(None));
    if !fits {
        let message = format!("{} cannot split this function: {why}", INFO.name);
        let error = extraction.problem.check().expect_err("it does not fit");
        let fault = extraction.diagnose(&error);
        return Err(fault.note(function.location(), message));
    }
    if !why.is_empty() {
        Diagnostic::at(function, format!("{} does not split this function: {why}", INFO.name)).emit_warning();
    }
    Ok(())
}

/// Why a function does not fit even in tiles, at the responsible operator, with suggestions.
fn diagnose<'c>(extraction: &Extraction<'c, '_>, network: &Network, error: &TileError) -> Diagnostic<'c> {
    let TileError::TooSmall { op, needed, scratchpad, .. } = error else {
        return Diagnostic::at(extraction.function, error.to_string());
    };
    let operation = extraction.operators[op.index()];
    let excess = needed.saturating_sub(*scratchpad);
    let message = format!(
        "operator needs {needed} B at once in its smallest tile, but the scratchpad has {scratchpad} B: {excess} B too few"
    );
    let mut diagnostic = Diagnostic::at(operation, message);
    if network.operator(*op).access.is_none() {
        let kind = cosma_ir::kind(operation);
        let note = match crate::cut::access_of(operation) {
            _ if is_abstract(operation) => {
                format!(
                    "it stays whole, because nothing declares how {kind} reads its operands: add the attribute `access`"
                )
            }
            Err(why) => format!("it stays whole: {why}"),
            Ok(_) => "it stays whole, because the function returns a view of its result".into(),
        };
        diagnostic = diagnostic.note(operation.location(), note);
    }
    help(extraction, operation).into_iter().fold(diagnostic, |it, note| it.note(operation.location(), note))
}
