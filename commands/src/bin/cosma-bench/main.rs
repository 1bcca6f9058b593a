//! `cosma-bench`: compares the traffic of COSMA's plans with that of other planning methods.

mod arguments;
mod json;
mod latency;
mod method;
mod network;
mod rival;
mod run;
mod statistics;
mod summary;
mod tables;
mod tiles;

use arguments::{Arguments, Compared};
use cosma_commands::command::say;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Why the command failed, which decides the exit code.
enum Failure {
    /// A network is invalid, or a plan is wrong: exit code 1.
    Run(Vec<String>),
    /// Usage error: exit code 2.
    Call(String),
}

fn main() -> ExitCode {
    // On wrong flags, clap prints an error and exits with 2.
    let arguments = cosma_commands::command::parse::<Arguments>();
    match bench(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Run(messages)) => {
            messages.iter().for_each(|it| say(&format!("error: {it}")));
            ExitCode::from(1)
        }
        Err(Failure::Call(message)) => {
            say(&format!("error: {message}"));
            ExitCode::from(2)
        }
    }
}

fn bench(arguments: &Arguments) -> Result<(), Failure> {
    let methods = method::select(&arguments.methods).map_err(Failure::Call)?;
    let files = network::files(&arguments.networks, &arguments.only).map_err(Failure::Call)?;
    if files.is_empty() {
        return Err(Failure::Call(format!("there is no network in {}", arguments.shown_networks())));
    }
    // Before planning, which may take long.
    for path in arguments.markdown.iter().chain(&arguments.json) {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.map_err(|error| cannot_write(path, &error))?;
    }
    if arguments.tiles {
        return tiles::bench(arguments, &files);
    }
    let is_timed = arguments.objective != Compared::Traffic;
    let networks = network::read_all(&files, is_timed).map_err(|message| Failure::Run(vec![message]))?;
    if is_timed {
        return latency::bench(arguments, &networks);
    }
    let setting = run::Setting {
        weights: arguments.weights.iter().map(|it| it.0).collect(),
        factors: arguments.scratchpad_factors.clone(),
        methods,
        solver: arguments.solver.0,
        time_limit: arguments.time_limit.0,
        jobs: arguments.jobs.get(),
    };
    let outcomes = run::run(&networks, &setting);
    let faults: Vec<String> = outcomes.iter().flat_map(|it| it.faults()).collect();
    let shown = tables::Shown { arguments, networks: &networks, setting: &setting, outcomes: &outcomes };
    print(&shown.text())?;
    if let Some(path) = &arguments.markdown {
        write(path, &shown.markdown())?;
    }
    if let Some(path) = &arguments.json {
        write(path, &json::json(&shown))?;
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::Run(faults)) }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::Call(format!("cannot write {}: {error}", path.display()))
}

fn print(text: &str) -> Result<(), Failure> {
    cosma_commands::command::print(text.as_bytes()).map_err(|error| Failure::Call(format!("cannot write: {error}")))
}
