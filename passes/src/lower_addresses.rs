//! `cosma-lower-addresses`: planned form → lowered form, for all functions of a module.
//!
//! - The scratchpad becomes an arena, `memref<Nxi8>` with N its size: allocated at the beginning of the function
//!   and freed at its end, or the function's last argument (`arena=argument`), in any memory space
//!   (`memory-space=N`). Each tensor in it is a `memref.view` at its offset, and so are views of tensors.
//! - Arguments and results become memrefs in host memory. Each result has its own buffer that the caller frees, even
//!   if an argument or a constant is returned, or one tensor twice. Spilled tensors, and those computed from weights
//!   before the run, have buffers that the function frees.
//! - A transfer becomes a `memref.copy` with `cosma.transfer = "load"`, `"reload"`, `"spill"` or `"store"`; an
//!   asynchronous one where it begins, or where its last slice does. With `transfers=dma` it becomes a
//!   `memref.dma_start` with that attribute, and its wait a `memref.dma_wait`; with `transfers=call`, calls of two
//!   functions that a runtime supplies (`move_bytes.rs`). A streamed tensor is read in host memory, through a
//!   `memref.reinterpret_cast` with the same attribute and `cosma.streamed`. No other operation has these attributes,
//!   and there is no other `memref.copy`: the bytes of the marked memrefs are the traffic. The memref of a region of a
//!   tensor in host memory is a `memref.subview` with the strides of the whole.
//! - Loads of weights that stay in the arena from run to run become a separate function, `@NAME_prologue` for `@NAME`,
//!   with the same arguments and no results; it is called once, before the first run (`prologue.rs`). This requires
//!   `arena=argument`.
//! - An argument that starts in the scratchpad is a view of the arena, and no longer an argument; a result that ends
//!   there is no longer a result (`on_chip.rs`). The function's `cosma.on_chip` has their offsets. This requires
//!   `arena=argument`.
//! - Constants and variables become globals in host memory. Variables are written before the function returns.
//! - A `cosma.op` becomes a call of an external kernel with its operands, results and workspace. Kernels are named
//!   after kinds, one for each signature.
//! - An operation of linalg becomes the same operation on memrefs; a concatenation becomes copies of the operands
//!   that are not already in place. All other operators, including `cosma.group`, are lowered one by one by MLIR's own
//!   passes (`workshop.rs`), and the results replace them.
//!
//! Intermediate values of an operator, such as the tensors inside a group or the padded image of a convolution, get
//! private buffers. These stand for the accelerator's internal storage, and are neither in the plan nor in the
//! arena. A result whose bytes are still being read goes through a private buffer as well.
//!
//! MLIR's passes run inside this one, not after it: bufferization assumes that memrefs do not overlap, which holds
//! for a single operator with separate results, but not for a function with an arena. So the output consists of
//! memrefs only, and later pipelines cannot get this wrong.
//!
//! Each program is verified first, so that changes by passes since planning cannot lead to a wrong program.
//!
//! `llvm.rs` has the pipeline from lowered form to LLVM.

mod arena;
mod buffer;
mod build;
mod carry;
mod function;
mod llvm;
mod move_bytes;
mod on_chip;
mod options;
mod outline;
mod parts;
pub(crate) mod prepare;
mod prologue;
mod state;
mod structured;
mod symbols;
mod unwrap;
mod workshop;

pub use llvm::{MEMREFS_TO_LLVM, SOURCE_TO_MEMREFS};
pub use options::{ArenaName, LowerOptions, TransfersName};
pub use prologue::prologue_name;

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
    description: "lowers tensors to views of an arena, and transfers to copies: planned to lowered form",
    anchor: "builtin.module",
    options: &[
        OptionInfo {
            name: "arena",
            description: "allocate: the function allocates the arena; argument: it is the function's last argument",
            default: "allocate",
        },
        OptionInfo {
            name: "memory-space",
            description: "memory space of the arena, a number (default: that of host memory)",
            default: "",
        },
        OptionInfo {
            name: "transfers",
            description: "copy: memref.copy, complete where it stands; dma: memref.dma_start and dma_wait; call: calls of \
                          cosma_dma_start and cosma_dma_wait, which a runtime supplies",
            default: "copy",
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
    let transfers = options.parse("transfers").map_err(refuse)?;
    lower_addresses(context, module, LowerOptions { arena, memory_space, transfers })
}

/// Converts every function of a module with a body from planned to lowered form. Each is verified first, since
/// passes may have changed it after planning.
///
/// # Errors
/// At a function in another form, or whose program has violations, which are in the notes: then the module is
/// unchanged. At an operator that cannot be lowered, or a tensor that has no memref: then the module is left in an
/// invalid state.
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

/// As [`lower_addresses`], without verification, to run wrong programs in tests.
///
/// # Errors
/// At a function in another form, at an operator that cannot be lowered, or a tensor that has no memref. Then the
/// module is left in an invalid state.
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

/// The functions of a module with a body.
fn functions<'c, 'a>(module: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let block = body(module).expect("a module has a block");
    operations(block).filter(|it| name(*it) == "func.func" && body(*it).is_some()).collect()
}

/// Whether a function was planned. One without operators has no transfers, and stays in source form.
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
        let message = format!("{} refuses this function, since its program is invalid", INFO.name);
        let note = |diagnostic: Diagnostic<'c>, fault: Diagnostic<'c>| diagnostic.note(fault.location, fault.message);
        faults.into_iter().fold(Diagnostic::at(function, message), note)
    })
}

fn has_operators(function: OperationRef) -> bool {
    // If extraction fails, the function has operators.
    extract(function, Target::any()).map_or(true, |it| !it.operators.is_empty())
}
