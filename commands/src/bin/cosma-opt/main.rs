//! `cosma-opt`: reads modules, plans them, and writes them back.

mod arguments;
mod driver;
mod export;
mod progress;
mod show;
mod split;

use arguments::{Arguments, Stream};
use cosma::show::Exhibit;
use cosma::{
    Error, Options, Printer, Program, ProgramFormat, Report, Reports, Stages, Watcher, bytecode, exhibits,
    integer_programs, new_context, optimize, parse, run_pipeline,
};
use cosma_commands::command::{print, say};
use cosma_commands::input::read;
use cosma_commands::interrupt::on_control_c;
use cosma_commands::model::is_model;
use cosma_commands::output::Output;
use cosma_commands::snippet;
use driver::Call;
use progress::Detail;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Why the command failed, which decides the exit code.
enum Failure {
    /// The module or the machine is invalid: exit code 1. The errors were printed.
    Module,
    /// Usage error: exit code 2.
    Call(String),
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let ended = match driver::call(&words, cosma::tool::is_pass) {
        Ok(Call::Mlir) => return ExitCode::from(u8::try_from(cosma::tool::opt_main(words)).unwrap_or(1)),
        Ok(Call::Stages { words, flags }) => {
            // On wrong flags, clap prints an error and exits with 2.
            let arguments = cosma_commands::command::parse_from::<Arguments>(words);
            if !cosma::tool::read_flags("cosma-opt", &flags) {
                return ExitCode::from(2);
            }
            run(&arguments)
        }
        Err(message) => Err(Failure::Call(message)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Module) => ExitCode::from(1),
        Err(Failure::Call(message)) => {
            say(&format!("error: {message}"));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.show.check().and_then(|()| arguments.export.check()).map_err(Failure::Call)?;
    let input = read_input(arguments)?;
    let is_stopped = if arguments.plans() { on_control_c() } else { Arc::default() };
    let done = process_all(arguments, &input, &progress::watcher(arguments.detail(), is_stopped.clone()))?;
    let (shown, explanation) =
        arguments.show.texts(&done.exhibits, &arguments.options(), &|| is_stopped.load(Ordering::Relaxed))?;
    let mut texts = Vec::new();
    texts.extend(arguments.output().map(|path| ("module", path, done.module)));
    if let Some(path) = &arguments.report {
        texts.push(("report", path.clone(), done.report.to_json().into_bytes()));
    }
    if let Some(path) = &arguments.dump_lp {
        let programs = done.programs.into_iter().map(|it| (it.function, it.text)).collect();
        let programs = named("integer programs", programs, path)?;
        texts.extend(programs.into_iter().map(|(path, text)| ("integer program", path, text.into_bytes())));
    }
    texts.extend(shown.into_iter().map(|(what, path, text)| (what, path, text.into_bytes())));
    texts.extend(arguments.export.files(&done.exhibits)?);
    write_all(&texts)?;
    if let Some(explanation) = explanation {
        say(explanation.trim_end());
    }
    let summary = summary(&done.report);
    match arguments.summary_stream() {
        Some(Stream::Output) => print(summary.as_bytes()).map_err(|error| cannot_write(Path::new("-"), &error))?,
        Some(Stream::Error) => say(summary.trim_end()),
        None => {}
    }
    if let Some(flag) = arguments.asked_of_plans().filter(|_| done.report.functions.iter().all(|it| it.operators == 0))
    {
        say(&format!("warning: {flag}: {}", nothing(arguments, &done.report)));
    }
    Ok(())
}

/// Why there is no plan, or an empty one.
fn nothing(arguments: &Arguments, report: &Report) -> &'static str {
    match (report.functions.is_empty(), arguments.plans()) {
        (false, _) => "no function of the module has an operator to plan: operators compute with tensors",
        (true, true) => "the module has no function to plan",
        (true, false) => "nothing was planned, and the module has no plan: use --schedule --allocate, or cosma plan",
    }
}

/// The input as modules in text or bytecode.
struct Input {
    /// The file name in locations.
    name: String,
    /// Whether the module was imported from an ONNX model.
    is_onnx: bool,
    modules: Vec<Vec<u8>>,
}

fn read_input(arguments: &Arguments) -> Result<Input, Failure> {
    let input = &arguments.input;
    let text = read(input).map_err(|error| Failure::Call(format!("cannot read {input}: {error}")))?;
    let name = if input == "-" { "<stdin>" } else { input };
    let is_onnx = is_model(input, &text);
    let modules = if is_onnx {
        let module = arguments.model.read(text, name).map_err(|error| {
            say(&error);
            Failure::Module
        })?;
        vec![module.into_bytes()]
    } else if arguments.split_input_file {
        split::split(&text)
    } else {
        vec![text]
    };
    Ok(Input { name: name.into(), is_onnx, modules })
}

/// The results for one module, or for all modules of the input.
struct Done {
    /// The module after all stages, as text or bytecode.
    module: Vec<u8>,
    report: Report,
    programs: Vec<Program>,
    exhibits: Vec<Exhibit>,
}

fn process_all(arguments: &Arguments, input: &Input, watcher: &Watcher) -> Result<Done, Failure> {
    let mut modules = Vec::new();
    let mut all = Done { module: Vec::new(), report: Report::default(), programs: Vec::new(), exhibits: Vec::new() };
    let mut is_right = true;
    for text in &input.modules {
        match process(arguments, text, input, watcher) {
            Ok(done) => {
                modules.push(done.module);
                all.programs.extend(done.programs);
                all.exhibits.extend(done.exhibits);
                all.report.functions.extend(done.report.functions);
            }
            // Go on, to print the errors of the other modules too.
            Err(Failure::Module) => is_right = false,
            Err(call) => return Err(call),
        }
    }
    all.module = modules.join(format!("{}\n", split::MARKER).as_bytes());
    if is_right { Ok(all) } else { Err(Failure::Module) }
}

/// Writes all files, given as description, path and content. All contents are complete on disk before the
/// first file is replaced.
fn write_all(texts: &[(&str, PathBuf, Vec<u8>)]) -> Result<(), Failure> {
    let mut outputs: Vec<(&str, &Path, Output)> = Vec::new();
    for (what, path, text) in texts {
        let output = Output::prepare(path, text).map_err(|error| cannot_write(path, &error))?;
        if let Some((other, ..)) = outputs.iter().find(|it| output.replaces(&it.2)) {
            return Err(Failure::Call(format!("{other} and {what} cannot both go to {}", path.display())));
        }
        outputs.push((what, path, output));
    }
    for (_, path, output) in outputs {
        output.put().map_err(|error| cannot_write(path, &error))?;
    }
    Ok(())
}

fn process(arguments: &Arguments, text: &[u8], input: &Input, watcher: &Watcher) -> Result<Done, Failure> {
    let context = new_context();
    context.set_allow_unregistered_dialects(arguments.allow_unregistered_dialect);
    let reports = Reports::attach(&context);
    let module = parse(&context, text, &input.name);
    snippet::print_all(&reports.take(), &input.name, text);
    drop(reports);
    let mut module = module.ok_or(Failure::Module)?;
    // The importer has already prepared an ONNX model.
    if !input.is_onnx {
        arguments.model_options().write(module.as_operation());
    }
    let printer = Printer::new(print_error);
    let options = Options { printer: Some(printer), watcher: Some(watcher.clone()), ..arguments.options() };
    let mut programs = Vec::new();
    if let Some(path) = &arguments.dump_lp {
        let is_mps = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("mps"));
        let format = if is_mps { ProgramFormat::Mps } else { ProgramFormat::Lp };
        programs = integer_programs(&module, &options, format, arguments.dump_lp_addresses)
            .map_err(|error| failure(error, &input.name, text))?;
    }
    let failure = |error| failure(error, &input.name, text);
    let report = match &arguments.pass_pipeline {
        Some(pipeline) => run_pipeline(&mut module, pipeline, &options),
        None => optimize(&mut module, &until_shown(arguments, &options)),
    };
    let mut report = report.map_err(failure)?;
    let mut shown = Vec::new();
    if arguments.shows() {
        shown = exhibits(&module, &options.machine).map_err(failure)?;
        if options.stages.lower_addresses {
            let stages = Stages { lower_addresses: true, ..Stages::default() };
            let lowered = optimize(&mut module, &Options { stages, ..options }).map_err(failure)?;
            report.warnings.extend(lowered.warnings);
            if report.functions.is_empty() {
                report.functions = lowered.functions;
            }
        }
    }
    if arguments.detail() != Detail::Quiet {
        snippet::print_all(&report.warnings, &input.name, text);
    }
    let module = match arguments.emit_bytecode {
        true => bytecode(&module),
        false => format!("{}\n", module.as_operation()).into_bytes(),
    };
    Ok(Done { module, report, programs, exhibits: shown })
}

/// The options of the stages before plans are drawn: without the lowering, which removes the plan.
fn until_shown(arguments: &Arguments, options: &Options) -> Options {
    let mut options = options.clone();
    options.stages.lower_addresses &= !arguments.shows();
    options
}

/// Prints the diagnostics of a module, given its name and text.
fn failure(error: Error, name: &str, source: &[u8]) -> Failure {
    match error {
        Error::Module(messages) => {
            snippet::print_all(&messages, name, source);
            Failure::Module
        }
        Error::Conflict(_) | Error::Machine(_) | Error::NoScratchpad | Error::Pipeline(_) => {
            Failure::Call(error.to_string())
        }
    }
}

/// Assigns a file to the content for each function, given as name and content: `path` if there is only one,
/// otherwise `path` with the function's name before the extension. `what` describes them in errors.
fn named<T>(what: &str, texts: Vec<(String, T)>, path: &Path) -> Result<Vec<(PathBuf, T)>, Failure> {
    if texts.len() <= 1 {
        return Ok(texts.into_iter().map(|it| (path.to_owned(), it.1)).collect());
    }
    if path.starts_with("/dev") || path == Path::new("-") {
        let message = format!("{} {what} cannot all go to {}", texts.len(), path.display());
        return Err(Failure::Call(message));
    }
    let plain = |letter: char| if letter.is_alphanumeric() || "._-$".contains(letter) { letter } else { '_' };
    let name = |function: &str| -> PathBuf {
        let function: String = function.chars().map(plain).collect();
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!(".{function}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    Ok(texts.into_iter().map(|(function, text)| (name(&function), text)).collect())
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::Call(format!("cannot write {}: {error}", path.display()))
}

fn summary(report: &Report) -> String {
    let mut text = String::new();
    for function in &report.functions {
        let traffic = &function.traffic;
        text += &format!(
            "@{}: {} operators, {} by {} in {:.3} s\n",
            function.name, function.operators, function.status, function.solver, function.seconds,
        );
        text += &match function.moves_nothing() {
            true => format!("  nothing moves; {} B read and written in home\n", traffic.total),
            false => format!(
                "  traffic {} B = {} compulsory + {} non-compulsory (at least {})\n",
                traffic.total, traffic.compulsory, traffic.non_compulsory, traffic.lower_bound,
            ),
        };
        text += &format!(
            "  peak {} B of {} B (at least {})\n",
            function.peak, function.scratchpad, function.min_scratchpad
        );
        if let Some(prologue) = traffic.prologue {
            text += &format!("  once before the first run {prologue} B, of weights that stay\n");
        }
        if let Some(cost) = &function.cost {
            text += &format!("  cost {} (at least {})\n", cost.total, cost.lower_bound);
            for link in &cost.links {
                text +=
                    &format!("    {} to {}: {} B at {} = {}\n", link.from, link.to, link.bytes, link.price, link.cost);
            }
        }
        if let Some(time) = &function.time {
            text += &format!(
                "  time {} cycles (at least {}, by {}; in any order {}, by {}), {} of them computing\n",
                time.cycles,
                time.lower_bound,
                time.bound,
                time.any_order_lower_bound,
                time.any_order_bound,
                time.compute,
            );
        }
    }
    text
}

/// Prints whole lines to standard error. Errors are ignored: it may be closed.
fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
