//! COSMA as a stage of a compiler, between passes of MLIR.
//!
//! Dead code and common subexpressions would take space and move bytes, so MLIR's passes remove them
//! first. MLIR's passes after COSMA preserve the plan: transfers have memory effects, so no pass removes or
//! moves them.

use cosma::melior::ir::Module;
use cosma::{MachineOptions, Options, Stages, Watcher, optimize, run_pipeline};
use std::error::Error;
use std::io::{self, Write};
use std::ops::ControlFlow;

const SOURCE: &str = r#"
func.func @cell(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Expand"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %1 = cosma.op "Shift"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %again = cosma.op "Shift"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %dead = cosma.op "Pool"(%again) : (tensor<128xi8>) -> tensor<64xi8>
  %2 = cosma.op "Reduce"(%0) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "Reduce"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  %4 = cosma.op "Add"(%2, %3, %x) : (tensor<64xi8>, tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %4 : tensor<64xi8>
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// Writes the number of operators and transfers after each stage.
pub fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    // ANCHOR: before
    let context = cosma::new_context();
    let mut module = cosma::parse(&context, SOURCE.as_bytes(), "cell.mlir").ok_or("the source does not parse")?;
    show(out, "source", &module)?;

    // A stage before: MLIR's own passes.
    run_pipeline(&mut module, "builtin.module(canonicalize,cse)", &Options::default())?;
    show(out, "clean", &module)?;
    // ANCHOR_END: before

    // ANCHOR: plan
    // COSMA, for a scratchpad of 256 bytes, with a limit on the time for small improvements.
    let options = Options {
        machine: MachineOptions { scratchpad: Some(256.into()), ..MachineOptions::default() },
        stages: Stages { schedule: true, allocate: true, ..Stages::default() },
        watcher: Some(Watcher::new(|_, progress| match progress.gap() {
            // After ten seconds, a gap below one per cent is good enough.
            Some(gap) if gap < 0.01 && 10.0 < progress.elapsed.as_secs_f64() => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })),
        ..Options::default()
    };
    let report = optimize(&mut module, &options)?;
    show(out, "planned", &module)?;
    // ANCHOR_END: plan
    for function in &report.functions {
        let traffic = &function.traffic;
        writeln!(
            out,
            "@{}: {}, {} B = {} compulsory + {} non-compulsory (at least {}), peak {} B of {} B",
            function.name,
            function.status,
            traffic.total,
            traffic.compulsory,
            traffic.non_compulsory,
            traffic.lower_bound,
            function.peak,
            function.scratchpad
        )?;
    }

    // ANCHOR: after
    // A stage after: the plan is unchanged.
    run_pipeline(&mut module, "builtin.module(canonicalize,cse,func.func(cosma-verify))", &Options::default())?;
    show(out, "kept", &module)?;
    // ANCHOR_END: after
    Ok(())
}

/// Writes the number of operators and transfers of a module.
fn show(out: &mut dyn Write, what: &str, module: &Module) -> io::Result<()> {
    let text = module.as_operation().to_string();
    let count = |name: &str| text.lines().filter(|it| it.contains(&format!(" = {name} "))).count();
    let transfers = ["cosma.load", "cosma.reload", "cosma.spill", "cosma.store"].map(count);
    let [loads, reloads, spills, stores] = transfers;
    let operators = count("cosma.op");
    writeln!(out, "{what}: {operators} operators, {loads} loads, {reloads} reloads, {spills} spills, {stores} stores")
}
