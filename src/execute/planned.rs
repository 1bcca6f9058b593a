//! The source, planned, lowered and compiled.

use super::RunError;
use super::original::{PLANNED, failed};
use crate::{Options, Report, Stages, optimize, run_pipeline};
use cosma_ir::Reports;
use cosma_ir::execute::{Program, count_transfers};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::Module;

/// The scratchpad is given to the program, so that there is a pattern in it before and it can be looked at
/// afterwards.
const LOWER: &str = "builtin.module(cosma-lower-addresses{arena=argument})";

/// A module's program, and what its plan says.
pub(super) fn compile<'c>(
    context: &'c Context,
    mut module: Module<'c>,
    options: &Options,
    effort: u8,
) -> Result<(Program, Report), RunError> {
    let Stages { group, schedule, .. } = options.stages;
    let stages = Stages { group, schedule, allocate: true, ..Stages::default() };
    let options = Options { stages, ..options.clone() };
    let report = optimize(context, &mut module, &options)?;
    run_pipeline(context, &mut module, LOWER, &Options::default())?;
    let reports = Reports::attach(context);
    let program = count_transfers(context, module.as_operation())
        .and_then(|_| Program::compile(context, module, effort))
        .map_err(|error| failed(PLANNED, error, reports.take()))?;
    Ok((program, report))
}
