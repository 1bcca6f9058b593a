//! Networks from upstream dialects, planned and lowered, go through MLIR's passes down to LLVM.

mod common;

use common::shared;
use cosma::{MEMREFS_TO_LLVM, MachineOptions, ModelOptions, Options, Solver, Stages, optimize, run_pipeline};

/// Plans the text of a network and brings it to LLVM; gives the least scratchpad and the module.
fn lower(text: &[u8], inputs: &[usize], group: bool, scratchpad: Option<u64>) -> (u64, String) {
    let context = cosma::new_context();
    let mut module = cosma::parse(&context, text, "network.mlir").expect("it is well-formed");
    let model = ModelOptions { inputs: Some(inputs.to_vec()), ..ModelOptions::default() };
    model.write(module.as_operation());
    let machine =
        MachineOptions { scratchpad: Some(scratchpad.unwrap_or(1 << 40).into()), ..MachineOptions::default() };
    let stages = Stages { group, allocate: true, lower_addresses: scratchpad.is_some(), ..Stages::default() };
    let options = Options { machine, stages, solver: Solver::Greedy, ..Options::default() };
    let report = optimize(&context, &mut module, &options).expect("there is a plan");
    if scratchpad.is_some() {
        let pipeline = format!("builtin.module({MEMREFS_TO_LLVM})");
        run_pipeline(&context, &mut module, &pipeline, &Options::default()).expect("MLIR takes it");
    }
    (report.functions[0].min_scratchpad, module.as_operation().to_string())
}

#[test]
fn upstream_models_become_llvm() {
    let Some(folder) = shared(&["upstream"]) else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder.join("upstream")).expect("it is there").flatten().collect();
    files.sort_by_key(|it| it.file_name());
    for (index, file) in files.iter().map(std::fs::DirEntry::path).enumerate() {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // The others have the same operators, and take longer.
        if ["bert", "darts", "resnet50"].iter().any(|it| name.starts_with(it)) {
            continue;
        }
        let inputs: &[usize] = if name.starts_with("train_mlp") { &[12, 13] } else { &[0] };
        let text = std::fs::read(&file).expect("it is there");
        // Groups at the least scratchpad, and single operators with a quarter more, in turns.
        let group = (index + index / 2) % 2 == 0;
        let (least, _) = lower(&text, inputs, group, None);
        let (_, module) = lower(&text, inputs, group, Some(if group { least } else { least + least / 4 }));
        let left: Vec<&str> =
            module.lines().filter(|it| operation(it).is_some_and(|it| !it.starts_with("llvm."))).collect();
        assert!(left.is_empty() && module.contains("llvm.func @main"), "{name}: {left:#?}");
    }
}

/// The operation in a line of a module, if there is one.
fn operation(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let after_results = if line.starts_with('%') { line.split_once(" = ")?.1 } else { line };
    let name = after_results.trim_start_matches('"').split([' ', '(', '"']).next()?;
    (name.contains('.') && name.starts_with(|it: char| it.is_ascii_lowercase())).then_some(name)
}
