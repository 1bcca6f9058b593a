//! `cosma-tile`: source form → source form, in which operators on pieces of tensors take the places of operators
//! that do not fit, or that move less in pieces.
//!
//! 1. The function becomes a network: its problem, and how each operator reads and writes.
//! 2. The whole operators are planned, if each of them fits. What moves no more than it must, stays.
//! 3. `cosma_tile` chooses pieces and order, and gives a problem again, whose operators are tiles.
//! 4. Both are planned if there are both, and the tiles have to be better to be written.
//! 5. Tiles are written in the order of that problem: an argument's pieces are `tensor.extract_slice`, a result is
//!    put together by `tensor.insert_slice`, and each tile is a `cosma.op` that says of which operator it is a part.
//!
//! Before that, what is written is checked: each tile reads all that it needs, no piece of a tensor has an element in
//! common with another one, and results are complete.

mod check;
mod write;

use crate::allocate::{ORDER, parse_planning};
use crate::effort::{SOLVER, TIME_LIMIT};
use crate::extract::{Extraction, extract};
use crate::form::{Form, body, expect, operations};
use crate::help::help;
use crate::machine::{ALIGNMENT, MachineOptions, SCRATCHPAD, WEIGHTS, note_target};
use crate::network::{Unsaid, network};
use crate::role::may_have_effects;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{OperationRef, ValueLike};
use cosma_ir::{
    Diagnostic, PassInfo, PassOptions, TilingBound, is_abstract, is_group, is_tile, name, set_location_name,
    set_tiling_bound, tiling_bound,
};
use cosma_planner::{Bytes, Deadline, Error, Options, Problem, plan};
use cosma_tile::{Network, Scope, TileError, TileProgram, Tiled};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-tile",
    description: "cuts operators into tiles where that makes them fit, or moves less; source form stays source form",
    anchor: "func.func",
    options: &[SCRATCHPAD, ALIGNMENT, WEIGHTS, ORDER, SOLVER, TIME_LIMIT],
};

pub(crate) fn run<'c>(
    context: &'c Context,
    function: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    let (machine, effort) = parse_planning(function, options)?;
    tile(context, function, &machine, &effort)
}

/// Cuts the operators of a function in source form into tiles, if that makes it fit or move less, and notes that it
/// was looked at. A declaration stays as it is.
///
/// # Errors
/// At the function in another form, or that was tiled before; at what cannot be planned; at the operator whose
/// smallest tile exceeds the scratchpad.
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
    let extraction = extract(function, machine.resolve(function)?)?;
    note_target(function, &extraction.target());
    let obstacle = obstacle(&extraction);
    if let Some(why) = obstacle.as_ref().filter(|_| extraction.problem.check().is_ok()) {
        return keep_whole(&extraction, true, why);
    }
    let whole = match plan(&extraction.problem, options) {
        Ok(solution) => Some(solution.non_compulsory),
        Err(Error::ScratchpadTooSmall { .. }) => None,
        Err(error) => return Err(extraction.diagnose(&error)),
    };
    if let Some(why) = obstacle {
        return keep_whole(&extraction, whole.is_some(), &why);
    }
    let network = network(&extraction, Unsaid::Inferred);
    let bound = TilingBound(network.needs_everything().then_some(0));
    if whole == Some(Bytes::ZERO) {
        set_tiling_bound(function, bound);
        return Ok(());
    }
    let tiled = match cosma_tile::tile(&network, Deadline::after(options.time_limit)) {
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
    let is_better = match whole {
        None => true,
        Some(whole) => moves(&tiled.program.problem, options).is_some_and(|it| it < whole),
    };
    let bound = if bound.0.is_some() { TilingBound(all_tilings(&tiled)) } else { bound };
    set_tiling_bound(function, bound);
    if !is_better {
        return Ok(());
    }
    write::write(context, &extraction, &network, &tiled.program)?;
    name_whole(function, &network, &tiled.program);
    Ok(())
}

/// Names operators that stay whole by their locations: after this they are counted anew, but tiles tell the names of
/// the operators that they are of, and views of plans speak of both.
fn name_whole(function: OperationRef, network: &Network, program: &TileProgram) {
    let block = body(function).expect("it has a body");
    let made = operations(block).filter(|it| is_abstract(*it) || is_group(*it));
    for (operation, tile) in made.zip(&program.tiles).filter(|it| !is_tile(it.0)) {
        set_location_name(operation, &network.problem.graph.op(tile.of).name);
    }
}

/// The non-compulsory bytes that no tiling avoids, as far as they are known.
fn all_tilings(tiled: &Tiled) -> Option<u64> {
    let is_of_all = tiled.bound.scope == Scope::AllTilings;
    Some(if is_of_all { tiled.bound.bytes.0 } else { 0 })
}

/// The non-compulsory bytes of a plan, if there is one.
fn moves(problem: &Problem, options: &Options) -> Option<Bytes> {
    plan(problem, options).ok().map(|it| it.non_compulsory)
}

fn refuse_tiled<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let block = body(function).expect("it has a body");
    if let Some(tile) = operations(block).find(|it| is_tile(*it)) {
        let message = format!("{} takes whole operators, but this one is a tile already", INFO.name);
        return Err(Diagnostic::at(tile, message));
    }
    if tiling_bound(function).is_some() {
        let message = format!("{} takes a function once, but this one it has looked at before", INFO.name);
        return Err(Diagnostic::at(function, message));
    }
    Ok(())
}

/// Why a function cannot be cut, whatever its operators say.
fn obstacle(extraction: &Extraction) -> Option<String> {
    if let Some(operation) = extraction.operators.iter().find(|it| !is_abstract(**it)) {
        return Some(format!("it has {}, and only cosma.op can be cut", name(*operation)));
    }
    if !extraction.writes.is_empty() {
        return Some("it writes variables".into());
    }
    if !extraction.slices.is_empty() || !extraction.assemblies.is_empty() {
        return Some("it works on pieces of tensors already".into());
    }
    let computes_else =
        |it: &OperationRef| may_have_effects(*it) || it.results().any(|result| !result.r#type().is_tensor());
    let has_else = extraction.operators.iter().any(computes_else);
    has_else.then(|| "it has operators with effects, or that compute scalars".into())
}

/// Leaves a function as it is, if it can be planned so.
fn keep_whole<'c>(extraction: &Extraction<'c, '_>, fits: bool, why: &str) -> Result<(), Diagnostic<'c>> {
    let function = extraction.function;
    set_tiling_bound(function, TilingBound(None));
    if !fits {
        let message = format!("{} cannot cut this function: {why}", INFO.name);
        let error = extraction.problem.check().expect_err("it does not fit");
        let fault = extraction.diagnose(&error);
        return Err(fault.note(function.location(), message));
    }
    if !why.is_empty() {
        Diagnostic::at(function, format!("{} leaves this function as it is: {why}", INFO.name)).emit_warning();
    }
    Ok(())
}

/// Why a function does not fit even in tiles, at the operator that is to blame, and what would help.
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
        let note =
            format!("it stays whole, as nothing says how {kind} reads its operands: an attribute `access` would");
        diagnostic = diagnostic.note(operation.location(), note);
    }
    help(extraction, operation).into_iter().fold(diagnostic, |it, note| it.note(operation.location(), note))
}
