//! The source as it runs without a plan.

use super::arguments::{argument, poisoned};
use super::compare::{self, Comparison, Difference};
use super::planned;
use super::{RunError, RunOptions};
use crate::optimize::{functions, has_body, inlined};
use crate::{FunctionReport, Options, Report, run_pipeline};
use cosma_ir::execute::{Buffer, ExecuteError, Outcome, Program};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::{BlockLike, Module, OperationRef, RegionLike};
use cosma_ir::{Diagnostic, Reports, as_mut, is_abstract, name, result_at};
use cosma_passes::{SOURCE_TO_MEMREFS, symbol};
use std::time::Duration;

/// What memory holds before a program writes to it, once and the other time: as floats of any width NaN,
/// most of them signalling, and as integers nothing that comes by itself.
const POISONS: [u64; 2] = [0x7FF4_7DA5_7FB4_7DA5, 0xFFF2_FD5A_FFA2_FD5A];

/// A module in source form that was compiled, and run on arguments of its own.
pub struct Original<'c> {
    context: &'c Context,
    module: Module<'c>,
    effort: u8,
    runs: Vec<Run>,
}

/// One function's run.
struct Run {
    function: String,
    arguments: Vec<Buffer>,
    results: Vec<Buffer>,
    seconds: f64,
}

impl<'c> Original<'c> {
    /// Compiles and runs the functions of a module in source form. The module stays as it is.
    ///
    /// # Errors
    /// Where there is a `cosma.op`, an operation that MLIR has no code for, or a function that takes or
    /// gives something else than static tensors; where results depend on what was never written.
    pub fn new(context: &'c Context, module: &Module<'c>, options: &RunOptions) -> Result<Original<'c>, RunError> {
        let module = copy(module);
        refuse_abstract(context, &module)?;
        // What is only called is planned as a part of what calls it, and is no program.
        let planned = inlined(&module)?;
        let mut names: Vec<String> =
            functions(planned.as_operation()).into_iter().filter(|it| has_body(*it)).map(symbol).collect();
        if let Some(only) = &options.function {
            names.retain(|it| it == only);
            if names.is_empty() {
                return Err(failed(SOURCE, ExecuteError::NoFunction(only.clone()), Vec::new()));
            }
        }
        let program = compile(context, &module, options.effort)?;
        let again = if keeps_state(&module) { Some(compile(context, &module, options.effort)?) } else { None };
        let mut runs = Vec::new();
        for function in names {
            let fail = |error| failed(SOURCE, error, Vec::new());
            let types = program.arguments(&function).map_err(fail)?;
            let arguments = types.iter().enumerate().map(|(index, it)| argument(options.seed, index, it));
            let arguments: Vec<Buffer> = arguments.collect::<Result<_, _>>().map_err(fail)?;
            let [first, second] =
                run([&program, again.as_ref().unwrap_or(&program)], &function, |_| Ok(arguments.clone()))
                    .map_err(fail)?;
            if let Some(fault) = depends(&first, &second).or_else(|| first.faults.first().cloned()) {
                return Err(RunError::Undefined { function, fault });
            }
            runs.push(Run {
                function,
                arguments,
                results: first.results,
                seconds: first.duration.min(second.duration).as_secs_f64(),
            });
        }
        Ok(Original { context, module, effort: options.effort, runs })
    }

    /// The results of a function on the arguments that it is given here.
    pub fn results(&self, function: &str) -> Option<&[Buffer]> {
        self.runs.iter().find(|it| it.function == function).map(|it| it.results.as_slice())
    }

    /// Plans and lowers the module as the options say, of whose stages the order and groups count, and
    /// runs it beside the source.
    ///
    /// # Errors
    /// Where there is no plan, or it cannot be lowered or compiled. What its run shows is not an error
    /// but among the [faults](Comparison::faults) of each comparison.
    pub fn compare(&self, options: &Options) -> Result<Vec<Comparison>, RunError> {
        let mut module = copy(&self.module);
        let report = planned::plan(&mut module, options)?;
        self.run(|| planned::compile(self.context, copy(&module), self.effort), &report)
    }

    /// Lowers a module that was planned before, in the same context, and runs it beside the source, of
    /// which it must have the functions.
    ///
    /// # Errors
    /// Where the judge finds its program wrong, and where it cannot be lowered or compiled.
    pub fn compare_planned(&self, planned: &Module<'c>) -> Result<Vec<Comparison>, RunError> {
        self.run(|| planned::compile(self.context, copy(planned), self.effort), &report(planned))
    }

    /// As [`compare_planned`](Original::compare_planned), but nothing judges the program first: to see that
    /// what the judge finds shows.
    ///
    /// # Errors
    /// Where it cannot be lowered or compiled.
    #[doc(hidden)]
    pub fn compare_unjudged(&self, planned: &Module<'c>) -> Result<Vec<Comparison>, RunError> {
        self.run(|| planned::compile_unjudged(self.context, copy(planned), self.effort), &report(planned))
    }

    fn run(
        &self,
        compile: impl Fn() -> Result<Program, RunError>,
        report: &Report,
    ) -> Result<Vec<Comparison>, RunError> {
        let program = compile()?;
        let again = if keeps_state(&self.module) { Some(compile()?) } else { None };
        let fail = |error| failed(PLANNED, error, Vec::new());
        let mut comparisons = Vec::new();
        for source in &self.runs {
            let types = program.arguments(&source.function).map_err(fail)?;
            // Beside what the source takes, the scratchpad.
            let arena = types.get(source.arguments.len());
            let arguments = |poison| {
                let mut arguments = source.arguments.clone();
                arguments.extend(arena.map(|it| poisoned(it, poison)).transpose()?);
                Ok(arguments)
            };
            let [first, second] =
                run([&program, again.as_ref().unwrap_or(&program)], &source.function, arguments).map_err(fail)?;
            comparisons.push(Comparison {
                function: source.function.clone(),
                report: report.functions.iter().find(|it| it.name == source.function).cloned(),
                outputs: first.results.len(),
                elements: first.results.iter().map(Buffer::len).sum(),
                nans: compare::nans(&source.results),
                difference: compare::difference(&source.results, &first.results),
                moved: first.moved,
                arena: arena.map(|it| it.shape.iter().product()),
                touched: arena.map(|_| touched([&first, &second])),
                misuse: misuse(source, &first, &second),
                source_seconds: source.seconds,
                planned_seconds: first.duration.min(second.duration).as_secs_f64(),
            });
        }
        Ok(comparisons)
    }
}

pub(super) const SOURCE: &str = "the source";
pub(super) const PLANNED: &str = "what was planned";

pub(super) fn failed(what: &'static str, error: ExecuteError, reports: Vec<cosma_ir::Report>) -> RunError {
    RunError::Execute { what, error, reports }
}

/// What functions say of their plans.
fn report(planned: &Module) -> Report {
    let functions = functions(planned.as_operation());
    let read = |it| FunctionReport::read(it, Duration::ZERO);
    Report { functions: functions.into_iter().filter_map(read).collect(), ..Report::default() }
}

/// Calls a function once with each poison. Programs that keep state are two, and each is called twice: what
/// the first call leaves, the second one shows.
fn run(
    programs: [&Program; 2],
    function: &str,
    arguments: impl Fn(u64) -> Result<Vec<Buffer>, ExecuteError>,
) -> Result<[Outcome; 2], ExecuteError> {
    let keeps_state = !std::ptr::eq(programs[0], programs[1]);
    let call = |program: &Program, poison| {
        let arguments = arguments(poison)?;
        // SAFETY: the program was lowered from operations on tensors, and indices of what is read and written
        // follow from their shapes. A module that computes indices itself answers for them (see the module's
        // documentation).
        #[allow(unsafe_code)]
        unsafe {
            if keeps_state {
                program.call(function, &arguments, poison)?;
            }
            program.call(function, &arguments, poison)
        }
    };
    Ok([call(programs[0], POISONS[0])?, call(programs[1], POISONS[1])?])
}

/// Whether a call of a function leaves something to the next one.
fn keeps_state(module: &Module) -> bool {
    all(module.as_operation()).into_iter().any(|it| WRITES.contains(&name(it).as_str()))
}

/// What two runs of the same differ in.
fn depends(first: &Outcome, second: &Outcome) -> Option<String> {
    let Difference { output, index, .. } = compare::difference(&first.results, &second.results)?;
    Some(format!("result {output} at {index:?} depends on what was in memory before"))
}

/// What a planned program must not do, and did.
fn misuse(source: &Run, first: &Outcome, second: &Outcome) -> Vec<String> {
    let mut misuse: Vec<String> = depends(first, second).into_iter().collect();
    let arguments = source.arguments.iter().zip(&first.arguments).enumerate();
    misuse.extend(arguments.filter(|it| it.1.0 != it.1.1).map(|it| format!("argument {} was changed", it.0)));
    if first.moved != second.moved {
        misuse.push("two runs move different bytes".into());
    }
    misuse.extend(first.faults.iter().cloned());
    misuse
}

/// Bytes from the beginning of the scratchpad on that were written to in one of the runs.
fn touched(runs: [&Outcome; 2]) -> u64 {
    let of = |run: &Outcome, poison: u64| {
        let arena = run.arguments.last().map(Buffer::bytes).unwrap_or_default();
        let pattern = poison.to_le_bytes();
        let is_written = |it: &(usize, &u8)| *it.1 != pattern[it.0 % 8];
        arena.iter().enumerate().rfind(is_written).map_or(0, |it| it.0 as u64 + 1)
    };
    runs.into_iter().zip(POISONS).map(|(run, poison)| of(run, poison)).max().unwrap_or(0)
}

fn copy<'c>(module: &Module<'c>) -> Module<'c> {
    let operation = module.as_operation();
    Module::from_operation((*operation).clone()).expect("a copy of a module is one")
}

fn compile<'c>(context: &'c Context, module: &Module<'c>, effort: u8) -> Result<Program, RunError> {
    let mut module = copy(module);
    clear(module.as_operation());
    write_last(context, &module)?;
    // The caller of a function owns what it gives, an argument that is given back as a copy.
    let pipeline =
        format!("builtin.module(func.func(cosma-ungroup),{SOURCE_TO_MEMREFS},convert-bufferization-to-memref)");
    run_pipeline(&mut module, &pipeline, &Options::default())?;
    let reports = Reports::attach(context);
    Program::compile(context, module, effort).map_err(|error| failed(SOURCE, error, reports.take()))
}

const READS: [&str; 2] = ["ml_program.global_load", "tosa.variable_read"];
const WRITES: [&str; 2] = ["ml_program.global_store", "tosa.variable_write"];

/// Puts writes of variables where functions end. MLIR's bufferization takes what was read of a variable for the
/// variable itself, and so what was written to it for what was read before.
///
/// # Errors
/// At what is read after a write, and at what is read and returned, which both are beyond it.
fn write_last(context: &Context, module: &Module) -> Result<(), RunError> {
    let reports = Reports::attach(context);
    let refuse = |operation, why: &str| {
        Diagnostic::at(operation, format!("MLIR's passes do not run this as a program: {why}")).emit_error();
        Err(RunError::Module(reports.take()))
    };
    for function in functions(module.as_operation()).into_iter().filter(|it| has_body(*it)) {
        let members: Vec<OperationRef> = all(function).split_off(1);
        let Some(end) = members.last().copied() else { continue };
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        for member in members.iter().copied() {
            let name = name(member);
            if READS.contains(&name.as_str()) {
                if !writes.is_empty() {
                    return refuse(member, "a variable is read after one was written");
                }
                reads.push(member);
            } else if WRITES.contains(&name.as_str()) {
                writes.push(member);
            }
        }
        for read in reads {
            let value = result_at(read, 0);
            if !writes.is_empty() && end.operands().any(|it| Some(it) == value) {
                return refuse(read, "what a variable was is returned where one is written");
            }
        }
        writes.into_iter().filter(|it| it.block() == end.block()).for_each(|it| as_mut(it).move_before(end));
    }
    Ok(())
}

/// Forgets what only planning is interested in.
fn clear(module: OperationRef) {
    for operation in all(module) {
        let names: Vec<String> =
            operation.attributes().filter_map(|it| it.0.as_string_ref().as_str().map(str::to_owned).ok()).collect();
        // Of groups, whose attributes have no such names, nothing is left.
        for name in
            names.iter().filter(|it| it.starts_with("cosma.") || matches!(it.as_str(), "arg_attrs" | "res_attrs"))
        {
            let _ = as_mut(operation).remove_attribute(name);
        }
    }
}

/// An operator that only says what it is has nothing to run.
fn refuse_abstract(context: &Context, module: &Module) -> Result<(), RunError> {
    let reports = Reports::attach(context);
    if let Some(operation) = all(module.as_operation()).into_iter().find(|it| is_abstract(*it)) {
        let message = "cosma.op only says what an operator is, not what it computes: there is nothing to run";
        Diagnostic::at(operation, message.to_owned()).emit_error();
        return Err(RunError::Module(reports.take()));
    }
    Ok(())
}

/// An operation and all in its regions, in the order of the text.
fn all<'c, 'a>(operation: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![operation];
    for region in operation.regions() {
        for block in std::iter::successors(region.first_block(), |it| it.next_in_region()) {
            let inner = std::iter::successors(block.first_operation(), |it| it.next_in_block());
            inner.for_each(|it| found.extend(all(it)));
        }
    }
    found
}
