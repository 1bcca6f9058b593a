//! The planning problems of a module's functions, for callers of the planner.

use crate::Error;
use crate::optimize::{functions, has_body, inlined};
use cosma_ir::melior::ir::Module;
use cosma_ir::{Reports, context_of, kind};
use cosma_passes::{Extraction, MachineOptions, Unsaid, extract, network, symbol};
use cosma_planner::Problem;
use cosma_tile::Network;

/// A function as a network that can be split into tiles.
#[derive(Clone, Debug)]
pub struct SourceNetwork {
    /// The function's name, without `@`.
    pub function: String,
    /// Its operators, and how they may be split: as they declare, or as their kinds and shapes imply.
    pub network: Network,
    /// The kind of each operator, by [`OpId`](cosma_planner::OpId).
    pub kinds: Vec<String>,
}

/// Returns the name and the planning problem of each function with a body, in order, including nested
/// modules. A function is one problem together with the functions that it calls. The default of a `None`
/// in `machine` is that of `cosma.machine` of the function or its module. Nothing that depends on the size
/// of the scratchpad is checked.
///
/// # Errors
/// [`Error::NoScratchpad`] if a size is neither given nor declared; [`Error::Module`] with all errors in
/// the functions.
pub fn problems(module: &Module, machine: &MachineOptions) -> Result<Vec<(String, Problem)>, Error> {
    extracted(module, machine, |function, extraction| (function, extraction.problem))
}

/// Returns the functions of [`problems`] as networks that can be split into tiles.
///
/// # Errors
/// Those of [`problems`].
pub fn networks(module: &Module, machine: &MachineOptions) -> Result<Vec<SourceNetwork>, Error> {
    extracted(module, machine, |function, extraction| SourceNetwork {
        function,
        network: network(&extraction, Unsaid::Inferred),
        kinds: extraction.operators.iter().map(|it| kind(*it)).collect(),
    })
}

/// The value made from each function with a body, and the function's name.
fn extracted<T>(
    module: &Module,
    machine: &MachineOptions,
    mut make: impl FnMut(String, Extraction) -> T,
) -> Result<Vec<T>, Error> {
    let context = context_of(module);
    let module = inlined(module)?;
    let reports = Reports::attach(&context);
    let mut made = Vec::new();
    let mut is_right = true;
    for function in functions(module.as_operation()).into_iter().filter(|it| has_body(*it)) {
        if !machine.says_scratchpad(function) {
            return Err(Error::NoScratchpad);
        }
        match machine.resolve(function).and_then(|it| extract(function, it)) {
            Ok(extraction) => made.push(make(symbol(function), extraction)),
            Err(diagnostic) => {
                diagnostic.emit_error();
                is_right = false;
            }
        }
    }
    if is_right { Ok(made) } else { Err(Error::Module(reports.take())) }
}
