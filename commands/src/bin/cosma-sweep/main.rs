//! `cosma-sweep`: plans networks for many scratchpad sizes and reports traffic against size, or cycles against size
//! and bandwidth.

mod arguments;
mod curve;
mod network;
mod plot;
mod rates;
mod report;
mod run;
mod series;
mod sizes;
mod state;
mod tiled;

use arguments::Arguments;
use cosma::Bytes;
use cosma_commands::command::say;
use cosma_commands::interrupt::on_control_c;
use cosma_commands::output::Output;
use curve::{Point, curve, faults};
use report::Sweep;
use run::{Outcome, Setting, run};
use series::all_series;
use state::State;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Why the command failed, which decides the exit code.
pub enum Failure {
    /// The network is invalid, or a plan is wrong: exit code 1.
    Run(Vec<String>),
    /// Usage error: exit code 2.
    Call(String),
}

fn main() -> ExitCode {
    // On wrong flags, clap prints an error and exits with 2.
    let arguments = cosma_commands::command::parse::<Arguments>();
    match sweep(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Run(messages)) => {
            messages.iter().for_each(|it| say(it));
            ExitCode::from(1)
        }
        Err(Failure::Call(message)) => {
            say(&format!("error: {message}"));
            ExitCode::from(2)
        }
    }
}

fn sweep(arguments: &Arguments) -> Result<(), Failure> {
    let networks = network::read_all(arguments)?;
    if !arguments.rate.is_empty() {
        check_outputs(arguments)?;
        return rates::sweep(&networks[0], arguments);
    }
    let mut all = Vec::new();
    for network in &networks {
        all.extend(all_series(network, arguments)?);
    }
    // Before planning, which may take long.
    check_outputs(arguments)?;
    let mut state = None;
    if let Some(path) = &arguments.state {
        let (opened, warning) = State::open(path).map_err(Failure::Call)?;
        warning.iter().for_each(|it| say(&format!("warning: {it}")));
        state = Some(opened);
    }
    let is_stopped = on_control_c();
    let setting = Setting { time_limit: arguments.time_limit.0, jobs: arguments.jobs(), state, is_stopped };
    let outcomes = run(&all, setting).map_err(Failure::Call)?;
    let n_open = outcomes.iter().flatten().filter(|it| **it == Outcome::Open).count();
    if 0 < n_open {
        say(&format!("stopped: {n_open} sizes were not planned"));
    }
    let curves: Vec<Vec<Point>> = all.iter().zip(&outcomes).map(|(series, outcomes)| curve(series, outcomes)).collect();
    let sweep = Sweep {
        all: &all,
        curves: &curves,
        time_limit: arguments.time_limit.0.as_secs_f64(),
        with_times: !arguments.no_times,
    };
    // What goes to standard output goes there alone.
    if !arguments.is_output_taken() {
        write(Path::new("-"), &sweep.text())?;
    }
    let csv = arguments.csv.as_ref().map(|path| (path, sweep.csv()));
    let json = arguments.json.as_ref().map(|path| (path, sweep.json()));
    let plot = arguments.plot.as_ref().map(|path| (path, plot::plot(&sweep, arguments.plot_axis)));
    for (path, text) in [csv, json, plot].into_iter().flatten() {
        write(path, &text)?;
    }
    let mut faults: Vec<String> = faults(&all, &curves).iter().map(|it| format!("error: {it}")).collect();
    if faults.is_empty() && n_open == 0 && curves.iter().flatten().all(|it| it.known().is_none()) {
        let least = all.iter().min_by_key(|it| it.min);
        let (name, least) = least.map_or(("the network", Bytes::ZERO), |it| (it.name.as_str(), it.min));
        let needed = if arguments.tile { "more for its smallest tiles".into() } else { format!("at least {least} B") };
        faults.push(format!("error: no scratchpad is large enough: {name} needs {needed}"));
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::Run(faults)) }
}

/// Fails if an output file cannot be written, or two outputs are the same file.
fn check_outputs(arguments: &Arguments) -> Result<(), Failure> {
    let named =
        [("state", &arguments.state), ("table", &arguments.csv), ("JSON", &arguments.json), ("plot", &arguments.plot)];
    if let Some(path) = arguments.plot.as_ref().filter(|it| it.extension().is_some_and(|it| it != "svg")) {
        return Err(Failure::Call(format!("--plot draws SVG: {} does not end in .svg", path.display())));
    }
    let mut outputs: Vec<(&str, Output)> = Vec::new();
    for (what, path) in named {
        let Some(path) = path else { continue };
        let output = Output::prepare(path, b"").map_err(|error| cannot_write(path, &error))?;
        if let Some((other, _)) = outputs.iter().find(|it| output.replaces(&it.1)) {
            return Err(Failure::Call(format!("{other} and {what} cannot both go to {}", path.display())));
        }
        outputs.push((what, output));
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    Output::prepare(path, text.as_bytes()).and_then(Output::put).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::Call(format!("cannot write {}: {error}", path.display()))
}
