//! The source program, compiled without a plan, and its comparison with planned programs.

use super::arguments::{argument, poisoned};
use super::compare::{self, Comparison, Difference};
use super::handed::Handed;
use super::links;
use super::planned;
use super::{RunError, RunOptions};
use crate::optimize::{functions, has_body, inlined};
use crate::{FunctionReport, Options, Report, run_pipeline};
use cosma_ir::execute::{Buffer, ExecuteError, Mood, Outcome, Program};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::{BlockLike, Module, OperationRef, RegionLike};
use cosma_ir::{Diagnostic, Reports, as_mut, is_abstract, name, result_at};
use cosma_passes::{SOURCE_TO_MEMREFS, prologue_name, symbol};
use std::time::Duration;

/// The initial content of memory in each run, in turn: NaN as floats of any width, mostly signalling, and unlikely as
/// integers.
const POISONS: [u64; 2] = [0x7FF4_7DA5_7FB4_7DA5, 0xFFF2_FD5A_FFA2_FD5A];

/// When the asynchronous transfers of each run complete.
const MOODS: [Mood; 4] = [Mood::AtWait, Mood::AtOnce, Mood::AtRandom(1), Mood::AtRandom(2)];

/// A module in source form, compiled and run on random arguments.
pub struct Original<'c> {
    context: &'c Context,
    module: Module<'c>,
    effort: u8,
    runs: Vec<Run>,
}

/// The run of one function.
struct Run {
    function: String,
    arguments: Vec<Buffer>,
    results: Vec<Buffer>,
    seconds: f64,
}

impl<'c> Original<'c> {
    /// Compiles and runs the functions of a module in source form. The module is not changed.
    ///
    /// # Errors
    /// If there is a `cosma.op`, an operation that MLIR cannot compile, or a function whose arguments or
    /// results are not static tensors; and if results depend on uninitialised memory.
    pub fn new(context: &'c Context, module: &Module<'c>, options: &RunOptions) -> Result<Original<'c>, RunError> {
        let module = copy(module);
        refuse_abstract(context, &module)?;
        // Functions that are only called were inlined, and are not run on their own.
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
            let programs = Programs { first: &program, again: again.as_ref() };
            let ran = run(&programs, &function, &MOODS[..2], |_| Ok(arguments.clone()), None).map_err(fail)?;
            let outcomes: Vec<Outcome> = ran.into_iter().map(|it| it.last).collect();
            if let Some(fault) = depends(&outcomes).or_else(|| outcomes[0].faults.first().cloned()) {
                return Err(RunError::Undefined { function, fault });
            }
            let seconds = seconds(&outcomes);
            let results = outcomes.into_iter().next().expect("it ran").results;
            runs.push(Run { function, arguments, results, seconds });
        }
        Ok(Original { context, module, effort: options.effort, runs })
    }

    /// The results of a function of the source; `None` if it was not run.
    pub fn results(&self, function: &str) -> Option<&[Buffer]> {
        self.runs.iter().find(|it| it.function == function).map(|it| it.results.as_slice())
    }

    /// Plans, lowers and runs the module, and compares each function with the source. Of the stages, only
    /// `group`, `tile` and `schedule` are used.
    ///
    /// # Errors
    /// If the module cannot be planned, lowered, compiled or called. Wrong results are not errors but
    /// [faults](Comparison::faults).
    pub fn compare(&self, options: &Options) -> Result<Vec<Comparison>, RunError> {
        let mut module = copy(&self.module);
        let report = planned::plan(&mut module, options)?;
        self.run(|| planned::compile(self.context, copy(&module), self.effort), &module, &report)
    }

    /// Lowers and runs a planned module of the same context with the same functions, and compares each
    /// function with the source.
    ///
    /// # Errors
    /// If the planned module fails verification, or cannot be lowered, compiled or called.
    pub fn compare_planned(&self, planned: &Module<'c>) -> Result<Vec<Comparison>, RunError> {
        self.run(|| planned::compile(self.context, copy(planned), self.effort), planned, &report(planned))
    }

    /// As [`compare_planned`](Original::compare_planned), without verification. Tests use it to show that
    /// programs that fail verification compute wrong results.
    ///
    /// # Errors
    /// If it cannot be lowered, compiled or called.
    #[doc(hidden)]
    pub fn compare_unjudged(&self, planned: &Module<'c>) -> Result<Vec<Comparison>, RunError> {
        self.run(|| planned::compile_unjudged(self.context, copy(planned), self.effort), planned, &report(planned))
    }

    /// Runs a module in lowered form, and compares each function with the source; the arena is the last argument of each.
    /// Tests damage lowered programs. There is no plan to compare the bytes moved with.
    ///
    /// # Errors
    /// If it cannot be compiled or called.
    #[doc(hidden)]
    pub fn compare_lowered(&self, lowered: &Module<'c>) -> Result<Vec<Comparison>, RunError> {
        let compile = || planned::compile_lowered(self.context, copy(lowered), self.effort);
        self.run(compile, lowered, &Report::default())
    }

    fn run(
        &self,
        compile: impl Fn() -> Result<Program, RunError>,
        planned: &Module,
        report: &Report,
    ) -> Result<Vec<Comparison>, RunError> {
        let program = compile()?;
        let again = if keeps_state(&self.module) { Some(compile()?) } else { None };
        let fail = |error| failed(PLANNED, error, Vec::new());
        let moods = if planned::has_async(planned) { &MOODS[..] } else { &MOODS[..2] };
        let mut comparisons = Vec::new();
        for source in &self.runs {
            let types = program.arguments(&source.function).map_err(fail)?;
            let handed = Handed::new(planned, &source.function);
            // The arguments after those of the source are the memories that have a size, first the scratchpad.
            let passed = handed.passed(&source.arguments);
            let arenas = &types[passed.len().min(types.len())..];
            let arena = arenas.first();
            let arguments = |poison| {
                let mut arguments: Vec<Buffer> = passed.iter().map(|it| it.1.clone()).collect();
                for arena in arenas {
                    arguments.push(poisoned(arena, poison)?);
                }
                handed.fill(&mut arguments, passed.len(), &source.arguments, true)?;
                Ok(arguments)
            };
            let renew = |arguments: &mut [Buffer]| handed.fill(arguments, passed.len(), &source.arguments, false);
            let renew: Option<Renew> = if handed.has_arguments() { Some(&renew) } else { None };
            let programs = Programs { first: &program, again: again.as_ref() };
            let ran = run(&programs, &source.function, moods, arguments, renew).map_err(fail)?;
            let prologue = ran[0].prologue;
            let mut outcomes: Vec<Outcome> = ran.into_iter().map(|it| it.last).collect();
            outcomes.iter_mut().try_for_each(|it| handed.take(it, passed.len(), &source.results)).map_err(fail)?;
            let first = &outcomes[0];
            comparisons.push(Comparison {
                function: source.function.clone(),
                report: report.functions.iter().find(|it| it.name == source.function).cloned(),
                outputs: first.results.len(),
                elements: first.results.iter().map(Buffer::len).sum(),
                nans: compare::nans(&source.results),
                difference: compare::difference(&source.results, &first.results),
                moved: first.moved,
                links: links::of(planned, &source.function, &first.ways, passed.len()),
                prologue,
                arena: arena.map(|it| it.shape.iter().product()),
                touched: arena.map(|_| touched(&outcomes, passed.len())),
                misuse: misuse(&passed, &outcomes),
                source_seconds: source.seconds,
                planned_seconds: seconds(&outcomes),
            });
        }
        Ok(comparisons)
    }
}

pub(super) const SOURCE: &str = "the source";
pub(super) const PLANNED: &str = "the planned program";

pub(super) fn failed(what: &'static str, error: ExecuteError, reports: Vec<cosma_ir::Report>) -> RunError {
    RunError::Execute { what, error, reports }
}

/// The plans recorded in a planned module, with planning times of zero.
fn report(planned: &Module) -> Report {
    let functions = functions(planned.as_operation());
    let read = |it| FunctionReport::read(it, Duration::ZERO);
    Report { functions: functions.into_iter().filter_map(read).collect(), ..Report::default() }
}

/// Two copies of a program that keeps state from call to call, otherwise one.
struct Programs<'a> {
    first: &'a Program,
    again: Option<&'a Program>,
}

/// The outcome of one call, or of several in a row.
struct Ran {
    /// The bytes moved by the function that runs once; `None` if there is none.
    prologue: Option<u64>,
    last: Outcome,
}

/// How often to call a function in a row that keeps weights from run to run.
const RUNS_IN_A_ROW: usize = 3;

/// Calls a function that keeps weights from run to run, after its prologue. The results of all calls must agree,
/// unless the module keeps state: then there are two calls, as without kept weights.
///
/// # Safety
/// That of [`Program::call`].
#[allow(unsafe_code)]
unsafe fn call_in_a_row(
    program: &Program,
    [prologue, function]: [&str; 2],
    arguments: &[Buffer],
    poison: u64,
    mood: Mood,
    keeps_state: bool,
) -> Result<Ran, ExecuteError> {
    let mut functions = vec![prologue];
    functions.resize(1 + if keeps_state { 2 } else { RUNS_IN_A_ROW }, function);
    // SAFETY: guaranteed by the caller.
    let mut outcomes = unsafe { program.call_in_turn(&functions, arguments, poison, mood) }?;
    let mut last = outcomes.pop().expect("it was called");
    let prologue = Some(outcomes.remove(0).moved.total());
    for (index, outcome) in outcomes.iter().enumerate() {
        if (outcome.moved, &outcome.ways) != (last.moved, &last.ways) {
            last.faults.push(format!("run {} of {} in a row moves different bytes", index + 1, functions.len() - 1));
        }
        if !keeps_state && outcome.results != last.results {
            last.faults.push(format!("run {} of {} in a row has different results", index + 1, functions.len() - 1));
        }
    }
    Ok(Ran { prologue, last })
}

/// Puts anew into arenas what a call may have written over.
type Renew<'r> = &'r dyn Fn(&mut [Buffer]) -> Result<(), ExecuteError>;

/// Calls a function whose arguments lie in arenas, where it may write over them: after its prologue, and once more with new
/// arguments, when what the prologue put there and weights are there still.
///
/// # Safety
/// That of [`Program::call`].
#[allow(unsafe_code)]
unsafe fn call_renewed(
    program: &Program,
    functions: [&str; 2],
    arguments: &[Buffer],
    (poison, mood): (u64, Mood),
    renew: Renew,
) -> Result<Ran, ExecuteError> {
    // SAFETY: guaranteed by the caller.
    let mut outcomes = unsafe { program.call_in_turn(&functions, arguments, poison, mood) }?;
    let first = outcomes.pop().expect("it was called");
    let prologue = outcomes.first().map(|it| it.moved.total());
    let mut again = first.arguments.clone();
    renew(&mut again)?;
    // SAFETY: guaranteed by the caller.
    let mut last = unsafe { program.call(functions[1], &again, poison, mood) }?;
    // What lies in arenas is no result yet.
    if last.results != first.results || last.arguments != first.arguments {
        last.faults.push("a second run leaves other bytes than the first one".into());
    }
    last.faults.splice(..0, first.faults);
    Ok(Ran { prologue, last })
}

/// Calls a function once for each timing of transfers, with the patterns of [`POISONS`] in turn. A module that keeps
/// state is compiled twice, and each program is called twice in a row, so that the second call shows the state that
/// the first leaves.
fn run(
    programs: &Programs,
    function: &str,
    moods: &[Mood],
    arguments: impl Fn(u64) -> Result<Vec<Buffer>, ExecuteError>,
    renew: Option<Renew>,
) -> Result<Vec<Ran>, ExecuteError> {
    let prologue = Some(prologue_name(function)).filter(|it| programs.first.arguments(it).is_ok());
    let call = |program: &Program, poison, mood| {
        let arguments = arguments(poison)?;
        // SAFETY: the program was lowered from operations on tensors, so indices are within their shapes,
        // unless the module computes indices itself, which is the user's responsibility.
        #[allow(unsafe_code)]
        unsafe {
            if let Some(prologue) = &prologue {
                let functions = [prologue.as_str(), function];
                if let Some(renew) = renew {
                    return call_renewed(program, functions, &arguments, (poison, mood), renew);
                }
                return call_in_a_row(program, functions, &arguments, poison, mood, programs.again.is_some());
            }
            if programs.again.is_some() {
                program.call(function, &arguments, poison, mood)?;
            }
            program.call(function, &arguments, poison, mood).map(|last| Ran { prologue: None, last })
        }
    };
    // The state would go on from one run to those that follow.
    let moods = if programs.again.is_some() { &moods[..2] } else { moods };
    let second = programs.again.unwrap_or(programs.first);
    let programs = [programs.first, second].into_iter().cycle();
    moods
        .iter()
        .zip(POISONS.into_iter().cycle())
        .zip(programs)
        .map(|((mood, poison), it)| call(it, poison, *mood))
        .collect()
}

/// The time of the fastest run.
fn seconds(outcomes: &[Outcome]) -> f64 {
    outcomes.iter().map(|it| it.duration).min().unwrap_or_default().as_secs_f64()
}

/// Whether a module writes variables, which the next call reads.
fn keeps_state(module: &Module) -> bool {
    all(module.as_operation()).into_iter().any(|it| WRITES.contains(&name(it).as_str()))
}

/// The first difference between runs of one program, as a message.
fn depends(outcomes: &[Outcome]) -> Option<String> {
    let (first, others) = outcomes.split_first()?;
    let differs = |(index, it): (usize, &Outcome)| Some((index, compare::difference(&first.results, &it.results)?));
    let (run, Difference { output, index, .. }) = others.iter().enumerate().find_map(differs)?;
    Some(match run {
        0 if others.len() == 1 => format!("result {output} at {index:?} depends on uninitialised memory"),
        0 => format!("result {output} at {index:?} depends on uninitialised memory, or on when transfers complete"),
        _ => format!("result {output} at {index:?} depends on when transfers complete"),
    })
}

/// The faults of a planned program that its runs show, other than wrong results.
fn misuse(passed: &[(usize, Buffer)], outcomes: &[Outcome]) -> Vec<String> {
    let first = &outcomes[0];
    let mut misuse: Vec<String> = depends(outcomes).into_iter().collect();
    for ((index, before), after) in passed.iter().zip(&first.arguments) {
        if before != after {
            misuse.push(format!("argument {index} was changed"));
        }
    }
    if outcomes.iter().any(|it| (it.moved, &it.ways) != (first.moved, &first.ways)) {
        misuse.push("two runs move different bytes".into());
    }
    for fault in outcomes.iter().flat_map(|it| &it.faults) {
        if !misuse.contains(fault) {
            misuse.push(fault.clone());
        }
    }
    misuse
}

/// The end of the last byte of the scratchpad that one of the runs wrote; it is the argument of this index.
fn touched(runs: &[Outcome], scratchpad: usize) -> u64 {
    let of = |run: &Outcome, poison: u64| {
        let arena = run.arguments.get(scratchpad).map(Buffer::bytes).unwrap_or_default();
        let pattern = poison.to_le_bytes();
        let is_written = |it: &(usize, &u8)| *it.1 != pattern[it.0 % 8];
        arena.iter().enumerate().rfind(is_written).map_or(0, |it| it.0 as u64 + 1)
    };
    runs.iter().zip(POISONS.into_iter().cycle()).map(|(run, poison)| of(run, poison)).max().unwrap_or(0)
}

fn copy<'c>(module: &Module<'c>) -> Module<'c> {
    let operation = module.as_operation();
    Module::from_operation((*operation).clone()).expect("a copy of a module is one")
}

fn compile<'c>(context: &'c Context, module: &Module<'c>, effort: u8) -> Result<Program, RunError> {
    let mut module = copy(module);
    clear(module.as_operation());
    write_last(context, &module)?;
    // The caller owns the results: an argument that is returned is copied.
    let pipeline =
        format!("builtin.module(func.func(cosma-ungroup),{SOURCE_TO_MEMREFS},convert-bufferization-to-memref)");
    run_pipeline(&mut module, &pipeline, &Options::default())?;
    let reports = Reports::attach(context);
    Program::compile(context, module, effort).map_err(|error| failed(SOURCE, error, reports.take()))
}

const READS: [&str; 2] = ["ml_program.global_load", "tosa.variable_read"];
const WRITES: [&str; 2] = ["ml_program.global_store", "tosa.variable_write"];

/// Moves writes of variables to the end of functions. MLIR's bufferization takes the value read from a
/// variable for the variable itself, so an earlier write would change it.
///
/// # Errors
/// At a read after a write, and at a read whose value is returned while a variable is written: moving the
/// writes cannot fix these.
fn write_last(context: &Context, module: &Module) -> Result<(), RunError> {
    let reports = Reports::attach(context);
    let refuse = |operation, why: &str| {
        Diagnostic::at(operation, format!("MLIR's passes cannot compile this program: {why}")).emit_error();
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
                return refuse(read, "the value of a variable is returned after a variable is written");
            }
        }
        writes.into_iter().filter(|it| it.block() == end.block()).for_each(|it| as_mut(it).move_before(end));
    }
    Ok(())
}

/// Removes the attributes that only planning uses.
fn clear(module: OperationRef) {
    for operation in all(module) {
        let names: Vec<String> =
            operation.attributes().filter_map(|it| it.0.as_string_ref().as_str().map(str::to_owned).ok()).collect();
        // Attributes of groups have other names, but groups are dissolved.
        for name in
            names.iter().filter(|it| it.starts_with("cosma.") || matches!(it.as_str(), "arg_attrs" | "res_attrs"))
        {
            let _ = as_mut(operation).remove_attribute(name);
        }
    }
}

/// Fails if there is an abstract operator, which cannot run.
fn refuse_abstract(context: &Context, module: &Module) -> Result<(), RunError> {
    let reports = Reports::attach(context);
    if let Some(operation) = all(module.as_operation()).into_iter().find(|it| is_abstract(*it)) {
        let message = "cosma.op is abstract: it does not define what it computes, so it cannot run";
        Diagnostic::at(operation, message.to_owned()).emit_error();
        return Err(RunError::Module(reports.take()));
    }
    Ok(())
}

/// An operation and all operations in its regions, in textual order.
pub(super) fn all<'c, 'a>(operation: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![operation];
    for region in operation.regions() {
        for block in std::iter::successors(region.first_block(), |it| it.next_in_region()) {
            let inner = std::iter::successors(block.first_operation(), |it| it.next_in_block());
            inner.for_each(|it| found.extend(all(it)));
        }
    }
    found
}
