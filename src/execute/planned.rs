//! The planned program: plans, lowers and compiles a module.

use super::RunError;
use super::original::{PLANNED, all, failed};
use crate::{Options, Report, Stages, optimize, run_pipeline};
use cosma_ir::execute::{Program, count_transfers};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::{Module, OperationRef};
use cosma_ir::{Reports, edit, is_async, marked_transfer, name};
use cosma_passes::{ArenaName, LowerOptions, TransfersName, lower_unjudged};

/// The options of the lowering. The scratchpad is an argument, so that it can be filled before and inspected after
/// the run. Asynchronous transfers are calls.
fn lower_options(module: &Module) -> LowerOptions {
    let transfers = if has_async(module) { TransfersName::Call } else { TransfersName::Copy };
    LowerOptions { arena: ArenaName::Argument, transfers, ..LowerOptions::default() }
}

/// Whether a planned or lowered module has asynchronous transfers.
pub(super) fn has_async(module: &Module) -> bool {
    let is_call = |it: OperationRef| name(it) == "func.call" && marked_transfer(it).is_some();
    all(module.as_operation()).into_iter().any(|it| is_async(it) || is_call(it))
}

/// Plans a module in source form. Of the stages, only `group`, `tile` and `schedule` are used.
pub(super) fn plan(module: &mut Module, options: &Options) -> Result<Report, RunError> {
    let Stages { group, tile, schedule, .. } = options.stages;
    let stages = Stages { group, tile, schedule, allocate: true, ..Stages::default() };
    Ok(optimize(module, &Options { stages, ..options.clone() })?)
}

/// Verifies, lowers and compiles a module in planned form.
pub(super) fn compile<'c>(context: &'c Context, mut module: Module<'c>, effort: u8) -> Result<Program, RunError> {
    let LowerOptions { arena, transfers, .. } = lower_options(&module);
    let pipeline = format!("builtin.module(cosma-lower-addresses{{arena={arena} transfers={transfers}}})");
    run_pipeline(&mut module, &pipeline, &Options::default())?;
    compile_lowered(context, module, effort)
}

/// Lowers and compiles a module in planned form without verification.
pub(super) fn compile_unjudged<'c>(
    context: &'c Context,
    mut module: Module<'c>,
    effort: u8,
) -> Result<Program, RunError> {
    let reports = Reports::attach(context);
    let options = lower_options(&module);
    edit(&mut module, |module| lower_unjudged(context, module, options)).map_err(|it| {
        it.emit_error();
        RunError::Module(reports.take())
    })?;
    compile_lowered(context, module, effort)
}

pub(super) fn compile_lowered<'c>(
    context: &'c Context,
    mut module: Module<'c>,
    effort: u8,
) -> Result<Program, RunError> {
    let reports = Reports::attach(context);
    count_transfers(context, &mut module)
        .and_then(|_| Program::compile(context, module, effort))
        .map_err(|error| failed(PLANNED, error, reports.take()))
}
