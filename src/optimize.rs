//! Runs the stages or a custom pipeline on a module.

use crate::pipeline::{check, function_pipeline, module_pipeline, source_pipeline};
use crate::report::{FunctionReport, Report};
use crate::{Error, Options};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::{OperationLike, OperationPrintingFlags};
use cosma_ir::melior::ir::{BlockLike, Module, OperationRef, RegionLike};
use cosma_ir::melior::pass::{PassIrPrintingOptions, PassManager};
use cosma_ir::melior::utility::{parse_pass_pipeline, register_all_passes};
use cosma_ir::tool::apply_flags;
use cosma_ir::{Reports, Severity, context_of, name, restore, run_passes};
use cosma_passes::{MachineOptions, Session, states_machine};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Guards MLIR's pass registry, which is global and not thread-safe.
static PASSES: Mutex<()> = Mutex::new(());

/// Registers COSMA's passes with MLIR by name, for textual pipelines. May be called repeatedly.
pub fn register_passes() {
    let _alone = PASSES.lock().unwrap_or_else(PoisonError::into_inner);
    cosma_passes::register();
}

/// Registers the passes of MLIR too.
pub(crate) fn register_all() {
    let _alone = PASSES.lock().unwrap_or_else(PoisonError::into_inner);
    register_all_passes();
    cosma_passes::register();
}

/// Runs the stages on every function of a module, including nested modules.
///
/// The output of stages that print goes to [`Options::printer`]; nothing else is printed, and no state is
/// kept. Several threads may call it, each for a module in its own context.
///
/// If [`Options::watcher`] stops planning, the best plans found so far are taken; that is not an error.
///
/// # Errors
/// [`Error::Conflict`], [`Error::Machine`] and [`Error::NoScratchpad`] before anything is done; [`Error::Module`] with all
/// errors in its functions. After an error the module is unchanged, but its operations are new: handles
/// into it are invalid.
pub fn optimize(module: &mut Module, options: &Options) -> Result<Report, Error> {
    check(&options.stages)?;
    check_clock(&options.machine)?;
    let context = context_of(module);
    register_passes();
    if options.stages.tile || options.stages.schedule || options.stages.allocate {
        let is_unknown = |function: &OperationRef| has_body(*function) && !options.machine.says_scratchpad(*function);
        if functions(module.as_operation()).iter().any(is_unknown) {
            return Err(Error::NoScratchpad);
        }
    }
    on_all(&context, module, options, |module, report| {
        options.model.write(module.as_operation());
        // Passes have no option for it.
        let MachineOptions { clock, reserved, memories, .. } = options.machine.clone();
        write_machine(module, &MachineOptions { clock, reserved, memories, ..MachineOptions::default() });
        let mut is_right = true;
        if let Some(pipeline) = source_pipeline(options) {
            let manager = manager(&context, pipeline, options.print_ir_after_all)?;
            if !run_passes(&manager, module.as_operation()) {
                return Ok(false);
            }
        }
        // Inlining may have erased functions, so list them only now.
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

/// Runs a pipeline of MLIR and COSMA passes on a module. It uses the machine, the model, the watcher, the
/// printer and `print_ir_after_all` of the options. The machine becomes the module's `cosma.machine`, so
/// pass options override it.
///
/// # Errors
/// [`Error::Machine`]; [`Error::Pipeline`] if it does not parse; [`Error::Module`] if a pass fails. After an error,
/// the module is in the same state as after an error of [`optimize`].
pub fn run_pipeline(module: &mut Module, pipeline: &str, options: &Options) -> Result<Report, Error> {
    check_clock(&options.machine)?;
    let context = context_of(module);
    register_all();
    on_all(&context, module, options, |module, report| {
        options.model.write(module.as_operation());
        write_machine(module, &options.machine);
        let manager = manager(&context, pipeline, options.print_ir_after_all)?;
        let start = Instant::now();
        let is_right = run_passes(&manager, module.as_operation());
        let duration = start.elapsed();
        let functions = if is_right { functions(module.as_operation()) } else { Vec::new() };
        report.functions = functions.into_iter().filter_map(|it| FunctionReport::read(it, duration)).collect();
        Ok(is_right)
    })
}

/// Writes a machine to a module, and to those of its functions that declare one.
fn write_machine(module: &Module, machine: &MachineOptions) {
    machine.write(module.as_operation());
    let functions = functions(module.as_operation()).into_iter();
    functions.filter(|it| states_machine(*it)).for_each(|it| machine.write(it));
}

/// Checks that the clock is one of a machine with one scratchpad.
fn check_clock(machine: &MachineOptions) -> Result<(), Error> {
    machine.clock.as_ref().map_or(Ok(()), |it| it.check_with_host().map_err(Error::Machine))
}

/// Calls `run` in a session with the watcher and the printer of the options. Collects diagnostics; warnings go into
/// the report. If `run` fails or returns false, restores the module.
fn on_all<'c>(
    context: &Context,
    module: &mut Module<'c>,
    options: &Options,
    run: impl FnOnce(&mut Module<'c>, &mut Report) -> Result<bool, Error>,
) -> Result<Report, Error> {
    let before = (*module.as_operation()).clone();
    let reports = Reports::attach(context);
    let mut report = Report::default();
    let session = Session::new(options.watcher.clone(), options.printer.clone());
    let outcome = session.accompany(module, |module| run(module, &mut report));
    let diagnostics = reports.take();
    let error = match outcome {
        Ok(true) => {
            report.warnings = diagnostics.into_iter().filter(|it| it.severity != Severity::Error).collect();
            return Ok(report);
        }
        Ok(false) => Error::Module(diagnostics),
        Err(error) => error,
    };
    restore(module, before);
    Err(error)
}

fn manager<'c>(context: &Context, pipeline: &str, print_ir_after_all: bool) -> Result<PassManager<'c>, Error> {
    let manager = PassManager::new(context);
    {
        let _alone = PASSES.lock().unwrap_or_else(PoisonError::into_inner);
        parse_pass_pipeline(manager.as_operation_pass_manager(), pipeline)
            .map_err(|error| Error::Pipeline(error.to_string()))?;
    }
    if !apply_flags(&manager) {
        return Err(Error::Pipeline("MLIR refuses the flags for its pass managers".into()));
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

/// A copy of a module with all calls inlined, as it will be planned.
///
/// # Errors
/// [`Error::Module`] at calls that cannot be inlined.
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

/// The functions of a module and its nested modules, in order.
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

/// Whether a function has a body; if not, there is nothing to plan.
pub(crate) fn has_body(function: OperationRef) -> bool {
    function.region(0).is_ok_and(|it| it.first_block().is_some())
}
