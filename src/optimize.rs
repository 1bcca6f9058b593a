//! From a module to a planned module.

use crate::pipeline::{check, function_pipeline, module_pipeline, source_pipeline};
use crate::report::{FunctionReport, Report};
use crate::{Error, Options};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::{OperationLike, OperationPrintingFlags};
use cosma_ir::melior::ir::{BlockLike, Module, OperationRef, RegionLike};
use cosma_ir::melior::pass::{PassIrPrintingOptions, PassManager};
use cosma_ir::melior::utility::{parse_pass_pipeline, register_all_passes};
use cosma_ir::{Reports, Severity, context_of, name, restore, run_passes};
use cosma_passes::{Session, states_machine};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// MLIR's table of passes is one for the process, and knows no threads.
static PASSES: Mutex<()> = Mutex::new(());

/// Makes MLIR know COSMA's passes by their names, for pipelines as text. Calling it again does no harm.
pub fn register_passes() {
    let _alone = PASSES.lock().unwrap_or_else(PoisonError::into_inner);
    cosma_passes::register();
}

/// Does what the options say with every function of a module, nested modules included.
///
/// Nothing is printed and nothing is kept: what stages print goes to [`Options::printer`], what there is
/// to say is in the report or the error. Several threads may call it, each for a module in a context
/// of its own.
///
/// If [`Options::watcher`] stops it, that is no error: what is still to be planned gets the best plan
/// that was found so far.
///
/// # Errors
/// [`Error::Conflict`] and [`Error::NoScratchpad`] before anything is done; [`Error::Module`] with
/// all that is wrong with its functions. Then the module is as it was before, but its operations are
/// new ones: handles into it are of no use any more.
pub fn optimize(module: &mut Module, options: &Options) -> Result<Report, Error> {
    check(&options.stages)?;
    let context = context_of(module);
    register_passes();
    if options.stages.tile || options.stages.schedule || options.stages.allocate {
        let is_unknown = |it: &OperationRef| has_body(*it) && options.machine.resolve_if_said(*it).is_none();
        if functions(module.as_operation()).iter().any(is_unknown) {
            return Err(Error::NoScratchpad);
        }
    }
    on_all(&context, module, options, |report| {
        options.model.write(module.as_operation());
        let mut is_right = true;
        if let Some(pipeline) = source_pipeline(options) {
            let manager = manager(&context, pipeline, options.print_ir_after_all)?;
            if !run_passes(&manager, module.as_operation()) {
                return Ok(false);
            }
        }
        // Not those from before, of which some may be gone.
        let functions = functions(module.as_operation());
        if let Some(pipeline) = function_pipeline(options) {
            let manager = manager(&context, &pipeline, options.print_ir_after_all)?;
            for &function in functions.iter().filter(|it| has_body(**it)) {
                let start = Instant::now();
                is_right &= run_passes(&manager, function);
                report.functions.extend(FunctionReport::read(function, start.elapsed()));
            }
        }
        if let Some(pipeline) = module_pipeline(options).filter(|_| is_right) {
            let manager = manager(&context, &pipeline, options.print_ir_after_all)?;
            is_right &= run_passes(&manager, module.as_operation());
        }
        Ok(is_right)
    })
}

/// Runs a pipeline of the caller's own on a module: COSMA's passes among MLIR's. Of the options,
/// machine, watcher, printer and printing count; the machine becomes `cosma.machine` of the module, so
/// that options of passes go before it.
///
/// # Errors
/// [`Error::Pipeline`] if it does not parse; [`Error::Module`] if a pass fails. Then the module is as
/// [`optimize`] leaves it.
pub fn run_pipeline(module: &mut Module, pipeline: &str, options: &Options) -> Result<Report, Error> {
    let context = context_of(module);
    {
        let _alone = PASSES.lock().unwrap_or_else(PoisonError::into_inner);
        register_all_passes();
        cosma_passes::register();
    }
    on_all(&context, module, options, |report| {
        options.model.write(module.as_operation());
        options.machine.write(module.as_operation());
        functions(module.as_operation())
            .into_iter()
            .filter(|it| states_machine(*it))
            .for_each(|it| options.machine.write(it));
        let manager = manager(&context, pipeline, options.print_ir_after_all)?;
        let start = Instant::now();
        let is_right = run_passes(&manager, module.as_operation());
        let duration = start.elapsed();
        let functions = if is_right { functions(module.as_operation()) } else { Vec::new() };
        report.functions = functions.into_iter().filter_map(|it| FunctionReport::read(it, duration)).collect();
        Ok(is_right)
    })
}

/// Does something with a module, in a session, and collects what was said. If it goes wrong, the module
/// becomes what it was.
fn on_all(
    context: &Context,
    module: &Module,
    options: &Options,
    run: impl FnOnce(&mut Report) -> Result<bool, Error>,
) -> Result<Report, Error> {
    let operation = module.as_operation();
    let before = (*operation).clone();
    let reports = Reports::attach(context);
    let mut report = Report::default();
    let session = Session::new(options.watcher.clone(), options.printer.clone());
    let outcome = session.accompany(operation, || run(&mut report));
    let said = reports.take();
    let error = match outcome {
        Ok(true) => {
            report.warnings = said.into_iter().filter(|it| it.severity != Severity::Error).collect();
            return Ok(report);
        }
        Ok(false) => Error::Module(said),
        Err(error) => error,
    };
    restore(operation, before);
    Err(error)
}

fn manager<'c>(context: &Context, pipeline: &str, print_ir_after_all: bool) -> Result<PassManager<'c>, Error> {
    let manager = PassManager::new(context);
    {
        let _alone = PASSES.lock().unwrap_or_else(PoisonError::into_inner);
        parse_pass_pipeline(manager.as_operation_pass_manager(), pipeline)
            .map_err(|error| Error::Pipeline(error.to_string()))?;
    }
    if print_ir_after_all {
        manager.enable_ir_printing(&PassIrPrintingOptions {
            before_all: false,
            after_all: true,
            module_scope: false,
            on_change: false,
            on_failure: false,
            flags: OperationPrintingFlags::new(),
            tree_printing_path: PathBuf::new(),
        });
    }
    Ok(manager)
}

/// A copy of a module in which functions are together with those that they call, as they are planned.
///
/// # Errors
/// [`Error::Module`] at calls that cannot be planned.
pub(crate) fn inlined<'c>(module: &Module<'c>) -> Result<Module<'c>, Error> {
    let context = context_of(module);
    let copy = Module::from_operation((*module.as_operation()).clone()).expect("a copy of a module is one");
    let reports = Reports::attach(&context);
    match cosma_passes::inline(copy.as_operation()) {
        Ok(()) => {}
        Err(diagnostic) => {
            diagnostic.emit_error();
            return Err(Error::Module(reports.take()));
        }
    }
    drop(reports);
    Ok(copy)
}

/// The functions of a module and of the modules in it, in order.
pub(crate) fn functions<'c, 'a>(module: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut functions = Vec::new();
    let Some(block) = module.region(0).ok().and_then(|it| it.first_block()) else { return functions };
    let mut next = block.first_operation();
    while let Some(operation) = next {
        match name(operation).as_str() {
            "func.func" => functions.push(operation),
            "builtin.module" => functions.extend(self::functions(operation)),
            _ => {}
        }
        next = operation.next_in_block();
    }
    functions
}

/// Whether there is something to plan.
pub(crate) fn has_body(function: OperationRef) -> bool {
    function.region(0).is_ok_and(|it| it.first_block().is_some())
}
