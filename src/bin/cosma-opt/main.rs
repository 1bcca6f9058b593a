//! `cosma-opt`: reads modules, plans them, and writes them back.

mod arguments;
#[path = "../shared/command.rs"]
mod command;
#[path = "../shared/input.rs"]
mod input;
#[path = "../shared/model.rs"]
mod model;
#[path = "../shared/output.rs"]
mod output;
#[path = "../shared/planning.rs"]
mod planning;
mod progress;
mod show;
mod split;

use arguments::Arguments;
use command::say;
use cosma::show::Exhibit;
use cosma::{
    Error, Options, Printer, Program, ProgramFormat, Report, Reports, Stages, Watcher, exhibits, integer_programs,
    new_context, optimize, parse, run_pipeline,
};
use input::read;
use model::is_model;
use output::Output;
use progress::Detail;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the exit code says.
enum Failure {
    /// The module or the machine is at fault: 1. The reasons were printed.
    Module,
    /// The call is wrong: 2.
    Call(String),
}

fn main() -> ExitCode {
    // Where flags are wrong, clap says so and exits with 2.
    let arguments = command::parse::<Arguments>();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Module) => ExitCode::from(1),
        Err(Failure::Call(message)) => {
            say(&format!("error: {message}"));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.show.check().map_err(Failure::Call)?;
    let input = &arguments.input;
    let text = read(input).map_err(|error| Failure::Call(format!("cannot read {input}: {error}")))?;
    let name = if input == "-" { "<stdin>" } else { input };
    let is_onnx = is_model(input, &text);
    let parts = if is_onnx {
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
    let is_stopped = if arguments.plans() { progress::on_control_c() } else { Arc::default() };
    let watcher = progress::watcher(arguments.detail(), is_stopped.clone());
    let mut report = Report::default();
    let mut modules = Vec::new();
    let mut programs = Vec::new();
    let mut exhibits = Vec::new();
    let mut is_right = true;
    for part in &parts {
        match process(arguments, part, name, is_onnx, &watcher) {
            Ok(done) => {
                modules.push(done.module);
                programs.extend(done.programs);
                exhibits.extend(done.exhibits);
                report.functions.extend(done.report.functions);
            }
            // The other modules have something to say as well.
            Err(Failure::Module) => is_right = false,
            Err(call) => return Err(call),
        }
    }
    if !is_right {
        return Err(Failure::Module);
    }
    // All that is to be written is ready before the first file is replaced.
    let module = modules.join(&format!("{}\n", split::MARKER));
    let mut texts = vec![("module", arguments.output.clone(), module)];
    if let Some(path) = &arguments.report {
        texts.push(("report", path.clone(), report.to_json()));
    }
    if let Some(path) = &arguments.dump_lp {
        let programs = programs.into_iter().map(|it| (it.function, it.text)).collect();
        let programs = named("integer programs", programs, path)?;
        texts.extend(programs.into_iter().map(|(path, text)| ("integer program", path, text)));
    }
    let (shown, said) =
        arguments.show.texts(&exhibits, &arguments.options(), &|| is_stopped.load(Ordering::Relaxed))?;
    texts.extend(shown);
    let mut outputs: Vec<(&str, &Path, Output)> = Vec::new();
    for (what, path, text) in &texts {
        let output = Output::prepare(path, text.as_bytes()).map_err(|error| cannot_write(path, &error))?;
        if let Some((other, ..)) = outputs.iter().find(|it| output.replaces(&it.2)) {
            return Err(Failure::Call(format!("{other} and {what} cannot both go to {}", path.display())));
        }
        outputs.push((what, path, output));
    }
    for (_, path, output) in outputs {
        output.put().map_err(|error| cannot_write(path, &error))?;
    }
    if let Some(said) = said {
        say(said.trim_end());
    }
    if arguments.stats {
        say(summary(&report).trim_end());
    }
    Ok(())
}

/// What became of one module.
struct Done {
    /// Its text after all that was asked for.
    module: String,
    report: Report,
    programs: Vec<Program>,
    exhibits: Vec<Exhibit>,
}

fn process(arguments: &Arguments, text: &[u8], name: &str, is_onnx: bool, watcher: &Watcher) -> Result<Done, Failure> {
    let context = new_context();
    context.set_allow_unregistered_dialects(arguments.allow_unregistered_dialect);
    let reports = Reports::attach(&context);
    let module = parse(&context, text, name);
    reports.take().iter().for_each(|it| say(&it.to_string()));
    drop(reports);
    let mut module = module.ok_or(Failure::Module)?;
    // Of a model, the import has made what it is.
    if !is_onnx {
        arguments.model_options().write(module.as_operation());
    }
    let options = Options { printer: Some(Printer::new(tell)), watcher: Some(watcher.clone()), ..arguments.options() };
    let mut programs = Vec::new();
    if let Some(path) = &arguments.dump_lp {
        let is_mps = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("mps"));
        let format = if is_mps { ProgramFormat::Mps } else { ProgramFormat::Lp };
        programs = integer_programs(&module, &options, format, arguments.dump_lp_addresses).map_err(failure)?;
    }
    let report = match &arguments.pass_pipeline {
        Some(pipeline) => run_pipeline(&mut module, pipeline, &options),
        None => optimize(&mut module, &until_shown(arguments, &options)),
    };
    let mut report = report.map_err(failure)?;
    let mut shown = Vec::new();
    if arguments.show.is_asked() {
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
        report.warnings.iter().for_each(|it| say(&it.to_string()));
    }
    Ok(Done { module: format!("{}\n", module.as_operation()), report, programs, exhibits: shown })
}

/// What is to be done before plans are shown: of what is lowered, nothing is to be seen any more.
fn until_shown(arguments: &Arguments, options: &Options) -> Options {
    let mut options = options.clone();
    options.stages.lower_addresses &= !arguments.show.is_asked();
    options
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Module(_) => {
            say(&error.to_string());
            Failure::Module
        }
        Error::Conflict(_) | Error::NoScratchpad | Error::Pipeline(_) => Failure::Call(error.to_string()),
    }
}

/// Which of the texts of functions goes to which file: one goes where it was meant to, several to
/// files with the names of their functions before the ending.
fn named(what: &str, texts: Vec<(String, String)>, path: &Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    if texts.len() <= 1 {
        return Ok(texts.into_iter().map(|it| (path.to_owned(), it.1)).collect());
    }
    if path.starts_with("/dev") || path == Path::new("-") {
        let message = format!("{} {what} cannot all go to {}", texts.len(), path.display());
        return Err(Failure::Call(message));
    }
    let plain = |it: char| if it.is_alphanumeric() || "._-$".contains(it) { it } else { '_' };
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
            "@{}: {} operators, {} by {} in {:.3} s\n  traffic {} B = {} compulsory + {} non-compulsory (at least {})\n  \
             peak {} B of {} B (at least {})\n",
            function.name,
            function.operators,
            function.status,
            function.solver,
            function.seconds,
            traffic.total,
            traffic.compulsory,
            traffic.non_compulsory,
            traffic.lower_bound,
            function.peak,
            function.scratchpad,
            function.min_scratchpad,
        );
    }
    text
}

/// Likewise, lines that are whole.
fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
