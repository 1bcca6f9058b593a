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
mod split;

use arguments::Arguments;
use cosma::{
    Error, Program, ProgramFormat, Report, Reports, integer_programs, new_context, optimize, parse, run_pipeline,
};
use input::read;
use model::is_onnx;
use output::Output;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

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
    let input = &arguments.input;
    let text = read(input).map_err(|error| Failure::Call(format!("cannot read {input}: {error}")))?;
    let name = if input == "-" { "<stdin>" } else { input };
    let is_onnx = is_onnx(input, &text);
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
    let mut report = Report::default();
    let mut modules = Vec::new();
    let mut programs = Vec::new();
    let mut is_right = true;
    for part in &parts {
        match process(arguments, part, name, is_onnx) {
            Ok(done) => {
                modules.push(done.module);
                programs.extend(done.programs);
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
        texts.extend(named(programs, path)?.into_iter().map(|(path, text)| ("integer program", path, text)));
    }
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
}

fn process(arguments: &Arguments, text: &[u8], name: &str, is_onnx: bool) -> Result<Done, Failure> {
    let context = new_context();
    let reports = Reports::attach(&context);
    let module = parse(&context, text, name);
    reports.take().iter().for_each(|it| say(&it.to_string()));
    drop(reports);
    let mut module = module.ok_or(Failure::Module)?;
    // Of a model, the import has made what it is.
    if !is_onnx {
        arguments.model_options().write(module.as_operation());
    }
    let options = arguments.options();
    let mut programs = Vec::new();
    if let Some(path) = &arguments.dump_lp {
        let is_mps = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("mps"));
        let format = if is_mps { ProgramFormat::Mps } else { ProgramFormat::Lp };
        programs =
            integer_programs(&context, &module, &options, format, arguments.dump_lp_addresses).map_err(failure)?;
    }
    let result = match &arguments.pass_pipeline {
        Some(pipeline) => run_pipeline(&context, &mut module, pipeline, &options),
        None => optimize(&context, &mut module, &options),
    };
    let report = result.map_err(failure)?;
    report.warnings.iter().for_each(|it| say(&it.to_string()));
    Ok(Done { module: format!("{}\n", module.as_operation()), report, programs })
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

/// Which program goes to which file: one goes where it was meant to, several to files with the names
/// of their functions before the ending.
fn named(programs: Vec<Program>, path: &Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    if programs.len() <= 1 {
        return Ok(programs.into_iter().map(|it| (path.to_owned(), it.text)).collect());
    }
    if path.starts_with("/dev") || path == Path::new("-") {
        let message = format!("{} integer programs cannot all go to {}", programs.len(), path.display());
        return Err(Failure::Call(message));
    }
    let plain = |it: char| if it.is_alphanumeric() || "._-$".contains(it) { it } else { '_' };
    let name = |program: &Program| -> PathBuf {
        let function: String = program.function.chars().map(plain).collect();
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!(".{function}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    Ok(programs.into_iter().map(|it| (name(&it), it.text)).collect())
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

/// To the standard error, if anybody listens.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
