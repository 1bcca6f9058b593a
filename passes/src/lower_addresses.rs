//! `cosma-lower-addresses`: planned form → lowered form, for all functions of a module.
//!
//! - The scratchpad becomes an arena, `memref<Nxi8>` with N its size: allocated where the function begins
//!   and freed where it ends, or the function's last argument (`arena=argument`), in a memory space of
//!   choice (`memory-space=N`). Each tensor in it is a `memref.view` at its offset, and so is what looks at
//!   a part of one or at all of it as another type.
//! - Arguments become memrefs in host memory, and results too: each result has a buffer of its own that
//!   the caller frees, even where an argument or a constant is returned, or one tensor twice. What was
//!   spilled, and what is computed from weights before the run, has one that the function frees.
//! - A transfer becomes a `memref.copy` that says which one it was: `cosma.transfer = "load"`,
//!   `"reload"`, `"spill"` or `"store"`. What is streamed is read where it lies, through a
//!   `memref.reinterpret_cast` with the same attribute and `cosma.streamed`. No other operation has
//!   them, and no other `memref.copy` is left: the bytes of the marked memrefs are the traffic. Of a region
//!   of a tensor, the memref in host memory is a `memref.subview` with the strides of the whole.
//! - Constants become globals in host memory, and so do variables, which are written before the function
//!   returns.
//! - A `cosma.op` becomes a call of an external kernel: what it reads, what it writes, its workspace.
//!   Kernels are named after kinds, one for each signature.
//! - An operation of linalg becomes the same on memrefs; a concatenation copies of its operands to their
//!   parts, where they do not lie there. All other operators, a `cosma.group` among them, go through
//!   MLIR's own passes, one by one (`workshop.rs`), and what comes out stands in their places.
//!
//! What an operator needs in between, such as the tensors inside a group or the padded image of a
//! convolution, is allocated and freed there: private buffers, that stand for what an accelerator has
//! inside, and are neither in the plan nor in the arena. So is a result that lies on what is still read.
//!
//! MLIR's passes run inside of this one, rather than after it: bufferization believes that memrefs
//! share no bytes, which is true for a single operator whose results are kept apart, and for no whole
//! function with an arena. So there is nothing left to go wrong in pipelines of others, and what comes
//! out is memrefs only.
//!
//! First of all each program is judged, so that what passes have done to it since it was planned cannot
//! become a program that computes something else.
//!
//! `llvm.rs` has the pipeline from there to LLVM.

mod arena;
mod buffer;
mod build;
mod carry;
mod function;
mod llvm;
mod options;
mod outline;
mod parts;
pub(crate) mod prepare;
mod state;
mod structured;
mod symbols;
mod unwrap;
mod workshop;

pub use llvm::{MEMREFS_TO_LLVM, SOURCE_TO_MEMREFS};
pub use options::{ArenaName, LowerOptions};

use crate::extract::extract;
use crate::form::{Form, body, expect, form, operations};
use crate::machine::{MachineOptions, Target};
use crate::verify::judge;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::{Location, Module, OperationRef};
use cosma_ir::{Diagnostic, OptionInfo, PassInfo, PassOptions, as_mut, name};
use function::Lowering;
use symbols::Symbols;
use workshop::Workshop;

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-lower-addresses",
    description: "turns tensors into views of an arena, and transfers into copies: from planned to lowered form",
    anchor: "builtin.module",
    options: &[
        OptionInfo {
            name: "arena",
            description: "where the arena comes from: the function allocates it, or it is its last argument (allocate, argument)",
            default: "allocate",
        },
        OptionInfo {
            name: "memory-space",
            description: "memory space of the arena, a number; unless said, that of host memory",
            default: "",
        },
    ],
};

pub(crate) fn run<'c>(
    context: &'c Context,
    module: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    let refuse = |message| Diagnostic::at(module, message);
    let memory_space = match options.get("memory-space") {
        "" => None,
        _ => Some(options.parse("memory-space").map_err(refuse)?),
    };
    let arena = options.parse("arena").map_err(refuse)?;
    lower_addresses(context, module, LowerOptions { arena, memory_space })
}

/// Brings every function of a module with a body from planned into lowered form. Each is judged first, as
/// whatever passes ran since it was planned may have changed it.
///
/// # Errors
/// At a function in another form, or whose program the judge finds wrong, which is in the notes: then
/// nothing was changed. At an operator that cannot be lowered, or a tensor that has no memref: then the
/// module is in pieces.
pub fn lower_addresses<'c>(
    context: &'c Context,
    module: OperationRef<'c, '_>,
    options: LowerOptions,
) -> Result<(), Diagnostic<'c>> {
    for function in functions(module) {
        if is_planned(function)? {
            judge_or_refuse(function)?;
        }
    }
    lower_unjudged(context, module, options)
}

/// As [`lower_addresses`], whatever the program does: for those who want to see what a wrong one does.
///
/// # Errors
/// At a function in another form, at an operator that cannot be lowered, or a tensor that has no memref.
/// The module is in pieces then.
#[doc(hidden)]
pub fn lower_unjudged<'c>(
    context: &'c Context,
    module: OperationRef<'c, '_>,
    options: LowerOptions,
) -> Result<(), Diagnostic<'c>> {
    let place = Module::new(Location::unknown(context));
    lower(context, module, options, &place)
}

fn lower<'c, 'a>(
    context: &'c Context,
    module: OperationRef<'c, 'a>,
    options: LowerOptions,
    place: &'a Module<'c>,
) -> Result<(), Diagnostic<'c>> {
    let block = body(module).expect("a module has a block");
    let mut symbols = Symbols::new(context, block);
    let mut workshop = Workshop::new(context, place);
    for function in functions(module) {
        let is_planned = is_planned(function)?;
        Lowering::new(context, function, options, &mut symbols, &mut workshop)?.function(is_planned)?;
    }
    workshop.finish(&mut symbols)?;
    symbols.finish_variables(module);
    if module.has_attribute("cosma.machine") {
        as_mut(module).remove_attribute("cosma.machine").expect("it is there");
    }
    Ok(())
}

/// The functions of a module that have a body.
fn functions<'c, 'a>(module: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let block = body(module).expect("a module has a block");
    operations(block).filter(|it| name(*it) == "func.func" && body(*it).is_some()).collect()
}

/// Whether a function was planned. What has nothing to plan has no transfer to be told by, and stays in
/// source form.
fn is_planned<'c>(function: OperationRef<'c, '_>) -> Result<bool, Diagnostic<'c>> {
    let is_planned = form(function) != Form::Source || has_operators(function);
    if is_planned {
        expect(function, INFO.name, Form::Planned)?;
    }
    Ok(is_planned)
}

fn judge_or_refuse<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let machine = MachineOptions::default().resolve(function)?;
    judge(function, machine).map(|_| ()).map_err(|faults| {
        let message = format!("{} refuses this function, as its program is wrong", INFO.name);
        let note = |diagnostic: Diagnostic<'c>, fault: Diagnostic<'c>| diagnostic.note(fault.location, fault.message);
        faults.into_iter().fold(Diagnostic::at(function, message), note)
    })
}

fn has_operators(function: OperationRef) -> bool {
    // What cannot be planned has something that should have been.
    extract(function, Target::any()).map_or(true, |it| !it.operators.is_empty())
}
