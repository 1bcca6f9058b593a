//! The planned program: plans, lowers and compiles a module.

use super::RunError;
use super::original::{PLANNED, failed};
use crate::{Options, Report, Stages, optimize, run_pipeline};
use cosma_ir::Reports;
use cosma_ir::edit;
use cosma_ir::execute::{Program, count_transfers};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::Module;
use cosma_passes::{ArenaName, LowerOptions, lower_unjudged};

/// The scratchpad is an argument, so that it can be filled before and inspected after the run.
const LOWER: &str = "builtin.module(cosma-lower-addresses{arena=argument})";

/// Plans a module in source form. Of the stages, only `group`, `tile` and `schedule` are used.
pub(super) fn plan(module: &mut Module, options: &Options) -> Result<Report, RunError> {
    let Stages { group, tile, schedule, .. } = options.stages;
    let stages = Stages { group, tile, schedule, allocate: true, ..Stages::default() };
    Ok(optimize(module, &Options { stages, ..options.clone() })?)
}

/// Verifies, lowers and compiles a module in planned form.
pub(super) fn compile<'c>(context: &'c Context, mut module: Module<'c>, effort: u8) -> Result<Program, RunError> {
    run_pipeline(&mut module, LOWER, &Options::default())?;
    compile_lowered(context, module, effort)
}

/// Lowers and compiles a module in planned form without verification.
pub(super) fn compile_unjudged<'c>(
    context: &'c Context,
    mut module: Module<'c>,
    effort: u8,
) -> Result<Program, RunError> {
    let reports = Reports::attach(context);
    let options = LowerOptions { arena: ArenaName::Argument, memory_space: None };
    edit(&mut module, |module| lower_unjudged(context, module, options)).map_err(|it| {
        it.emit_error();
        RunError::Module(reports.take())
    })?;
    compile_lowered(context, module, effort)
}

fn compile_lowered<'c>(context: &'c Context, mut module: Module<'c>, effort: u8) -> Result<Program, RunError> {
    let reports = Reports::attach(context);
    count_transfers(context, &mut module)
        .and_then(|_| Program::compile(context, module, effort))
        .map_err(|error| failed(PLANNED, error, reports.take()))
}
