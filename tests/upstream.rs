//! Networks from upstream dialects against the same networks as they were brought to an accelerator's
//! granularity by hand before: as many operators, and the same scratchpad.

mod common;

use common::shared;
use cosma::{MachineOptions, ModelOptions, Options, Solver, Stages, optimize};
use std::fmt::Write;

/// File, network, inputs.
const MODELS: [(&str, &str, &[usize]); 14] = [
    ("bert_base_s128.linalg", "bert_base_s128", &[0]),
    ("bert_base_s128.tosa", "bert_base_s128", &[0]),
    ("darts_v2_cifar.linalg", "darts_v2_cifar", &[0]),
    ("darts_v2_cifar.tosa", "darts_v2_cifar", &[0]),
    ("googlenet.linalg", "googlenet", &[0]),
    ("googlenet.tosa", "googlenet", &[0]),
    ("mobilenet_v2.linalg", "mobilenet_v2", &[0]),
    ("mobilenet_v2.tosa", "mobilenet_v2", &[0]),
    ("resnet18.linalg", "resnet18", &[0]),
    ("resnet18.tosa", "resnet18", &[0]),
    ("resnet50.linalg", "resnet50", &[0]),
    ("resnet50.tosa", "resnet50", &[0]),
    ("train_mlp.linalg", "train_mlp_b64", &[12, 13]),
    ("train_mlp.tosa", "train_mlp_b64", &[12, 13]),
];

/// Where the operators differ by more than 1.5 % or the least scratchpad by more than 2 %, and why.
const EXPLAINED: [(&str, &str); 3] = [
    ("darts_v2_cifar.linalg", "what pads runs with the window that reads it"),
    ("train_mlp.linalg", "the step of the optimiser is two operators: the momentum joins the gradient"),
    ("train_mlp.tosa", "the step of the optimiser is two operators: the momentum joins the gradient"),
];

/// Without bound on memory: what a network needs at least. Every plan is judged.
fn plan(text: &[u8], inputs: Option<&[usize]>) -> cosma::FunctionReport {
    let context = cosma::new_context();
    let mut module = cosma::parse(&context, text, "network.mlir").expect("it is well-formed");
    let element_bytes = inputs.map(|_| 1);
    let model = ModelOptions { inputs: inputs.map(<[usize]>::to_vec), element_bytes, ..ModelOptions::default() };
    model.write(module.as_operation());
    let machine = MachineOptions { scratchpad: Some((1 << 40).into()), ..MachineOptions::default() };
    let stages = Stages { group: inputs.is_some(), schedule: true, allocate: true, ..Stages::default() };
    let options = Options { machine, stages, solver: Solver::Greedy, ..Options::default() };
    optimize(&mut module, &options).expect("there is a plan").functions.remove(0)
}

#[test]
fn upstream_models_against_networks() {
    let Some(folder) = shared(&["upstream", "networks"]) else { return };
    let mut table = format!("{:22} {:>11} {:>30}\n", "model", "operators", "min_scratchpad");
    let mut wrong = Vec::new();
    let change = |before: u64, after: u64| 100.0 * (after as f64 / before as f64 - 1.0);
    for (file, network, inputs) in MODELS {
        let read = |path: String| std::fs::read(folder.join(path)).expect("it is there");
        let before = plan(&read(format!("networks/{network}.mlir")), None);
        let after = plan(&read(format!("upstream/{file}.mlir")), Some(inputs));
        let why = EXPLAINED.iter().find(|it| it.0 == file).map_or("", |it| it.1);
        let operators = change(before.operators, after.operators);
        let scratchpad = change(before.min_scratchpad, after.min_scratchpad);
        writeln!(
            table,
            "{file:22} {:4} > {:4} {:10} > {:10} {scratchpad:+5.1}%  {why}",
            before.operators, after.operators, before.min_scratchpad, after.min_scratchpad,
        )
        .expect("text takes any line");
        if (1.5 < operators.abs() || 2.0 < scratchpad.abs()) && why.is_empty() || 1.7 < scratchpad {
            wrong.push(file);
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{wrong:?} differ\n{table}");
}
