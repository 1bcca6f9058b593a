//! The integer programs of a module's functions, for external solvers.

use crate::optimize::{functions, has_body, inlined};
use crate::{Error, Options};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::Module;

/// A file format of integer programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramFormat {
    /// The LP format.
    Lp,
    /// Free MPS.
    Mps,
}

/// The integer program of a function, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The function's name, without `@`.
    pub function: String,
    /// The program in the format. Its optimum is the minimum of non-compulsory traffic, in bytes.
    pub text: String,
}

/// Formulates the planning problem of [`optimize`](crate::optimize()) as an integer program for each
/// function with a body, together with the functions that it calls. The functions must be in source form;
/// the module is not changed.
///
/// Without [`Stages::schedule`](crate::Stages::schedule) the order is that of the source. The program
/// decides addresses only `with_addresses`, which is tractable only for small functions.
///
/// # Errors
/// [`Error::Conflict`] if neither stage is on, or integer programming is not built in;
/// [`Error::NoScratchpad`]; [`Error::Module`] with all errors in the functions.
pub fn integer_programs(
    module: &Module,
    options: &Options,
    format: ProgramFormat,
    with_addresses: bool,
) -> Result<Vec<Program>, Error> {
    if !options.stages.schedule && !options.stages.allocate {
        let message = "an integer program needs a decision to make: add --schedule, --allocate or both";
        return Err(Error::Conflict(message.into()));
    }
    let module = &inlined(module)?;
    let functions: Vec<_> = functions(module.as_operation()).into_iter().filter(|it| has_body(*it)).collect();
    if functions.iter().any(|it| !options.machine.says_scratchpad(*it)) {
        return Err(Error::NoScratchpad);
    }
    write(&cosma_ir::context_of(module), &functions, options, format, with_addresses)
}

#[cfg(feature = "ilp")]
fn write(
    context: &Context,
    functions: &[cosma_ir::melior::ir::OperationRef],
    options: &Options,
    format: ProgramFormat,
    with_addresses: bool,
) -> Result<Vec<Program>, Error> {
    use cosma_planner::Order;
    use cosma_planner::ilp::{Decisions, Format};

    let order = if options.stages.schedule { Order::Free } else { Order::Source };
    let decisions = Decisions { order, addresses: with_addresses };
    let format = match format {
        ProgramFormat::Lp => Format::Lp,
        ProgramFormat::Mps => Format::Mps,
    };
    let reports = cosma_ir::Reports::attach(context);
    let mut programs = Vec::new();
    let mut is_right = true;
    for &function in functions {
        match cosma_passes::program_text(function, &options.machine, decisions, format) {
            Ok(text) => programs.extend(text.map(|text| Program { function: cosma_passes::symbol(function), text })),
            Err(diagnostic) => {
                diagnostic.emit_error();
                is_right = false;
            }
        }
    }
    if is_right { Ok(programs) } else { Err(Error::Module(reports.take())) }
}

#[cfg(not(feature = "ilp"))]
fn write(
    _: &Context,
    _: &[cosma_ir::melior::ir::OperationRef],
    _: &Options,
    _: ProgramFormat,
    _: bool,
) -> Result<Vec<Program>, Error> {
    Err(Error::Conflict("no integer programs: built without integer programming".into()))
}
