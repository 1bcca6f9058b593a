//! Reading the network as a planning problem.

use crate::Failure;
use crate::arguments::Arguments;
use cosma::time::{Clock, Ratio};
use cosma::{
    Bytes, Error, MachineOptions, Options, SourceNetwork, Stages, networks, new_context, optimize, read_module,
};
use cosma_commands::input::read as read_input;
use cosma_commands::model::is_model;
use cosma_planner::Problem;
use cosma_tile::Network as TileNetwork;
use std::path::Path;

/// A function to plan.
pub struct Network {
    /// The file's name without its extension, and the function's if it was requested.
    pub name: String,
    /// The problem, with an arbitrary scratchpad size.
    pub problem: Problem,
    /// The same, and how its operators may be cut.
    pub cuttable: TileNetwork,
}

/// Reads the requested networks. Those of one file name have the names of their files.
pub fn read_all(arguments: &Arguments) -> Result<Vec<Network>, Failure> {
    let inputs = &arguments.networks;
    for (index, input) in inputs.iter().enumerate() {
        if inputs[..index].contains(input) {
            return Err(Failure::Call(format!("{input} is given twice")));
        }
    }
    let alone = [("--function", arguments.function.is_some()), ("--rate", !arguments.rate.is_empty())];
    if let (Some((flag, _)), false) = (alone.iter().find(|it| it.1), inputs.len() == 1) {
        return Err(Failure::Call(format!("{flag} is of one network, but {} are given", inputs.len())));
    }
    let mut networks: Vec<Network> = inputs.iter().map(|it| read(arguments, it)).collect::<Result<_, _>>()?;
    let names: Vec<String> = networks.iter().map(|it| it.name.clone()).collect();
    for (network, input) in networks.iter_mut().zip(inputs) {
        if 1 < names.iter().filter(|it| **it == network.name).count() {
            network.name.clone_from(input);
        }
    }
    Ok(networks)
}

fn read(arguments: &Arguments, input: &str) -> Result<Network, Failure> {
    let bytes = read_input(input).map_err(|error| Failure::Call(format!("cannot read {input}: {error}")))?;
    let file = if input == "-" { "<stdin>" } else { input };
    let is_onnx = is_model(input, &bytes);
    let text = if is_onnx {
        arguments.model.read(bytes, file).map_err(|error| Failure::Run(vec![error]))?.into_bytes()
    } else {
        bytes
    };
    let context = new_context();
    let mut module = read_module(&context, &text, file).map_err(failure)?;
    if !is_onnx {
        arguments.model_options().write(module.as_operation());
        if arguments.model.groups_mlir() {
            let stages = Stages { group: true, ..Stages::default() };
            optimize(&mut module, &Options { stages, ..Options::default() }).map_err(failure)?;
        }
    }
    let machine = MachineOptions {
        // Arbitrary: the sweep sets it.
        scratchpad: Some(Bytes(1)),
        alignment: arguments.alignment.map(|it| it.0),
        weights: None,
        keep: None,
        reserved: Vec::new(),
        clock: arguments.machine.as_ref().and_then(|it| it.clock.clone()),
        memories: None,
    };
    let mut found = networks(&module, &machine).map_err(failure)?;
    // With a clock, it is known how much operators compute.
    if !arguments.rate.is_empty() && found.iter().all(|it| it.network.problem.machine.clock().is_none()) {
        let clock = Some(Clock::each_way(Ratio::ONE, Ratio::ONE));
        found = networks(&module, &MachineOptions { clock, ..machine }).map_err(failure)?;
    }
    let names: Vec<String> = found.iter().map(|it| it.function.clone()).collect();
    let at = match &arguments.function {
        Some(wanted) => names
            .iter()
            .position(|it| it == wanted)
            .ok_or_else(|| Failure::Call(format!("{file} has no function '{wanted}': {}", listed(&names))))?,
        None if names.len() == 1 => 0,
        None => return Err(Failure::Call(format!("select a function with --function=NAME: {}", listed(&names)))),
    };
    let SourceNetwork { function, network, .. } = found.swap_remove(at);
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    let name = match (&arguments.function, input) {
        (None, "-") => function,
        (None, _) => stem.into_owned(),
        (Some(_), _) => format!("{stem}@{function}"),
    };
    Ok(Network { name, problem: network.problem.clone(), cuttable: network })
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "there is none with a body".into() } else { format!("there is {}", names.join(", ")) }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Module(_) => Failure::Run(vec![error.to_string()]),
        _ => Failure::Call(error.to_string()),
    }
}
