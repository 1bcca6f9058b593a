//! Passes by name: what MLIR's pipelines do with them.

use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{BlockLike, Module, OperationRef, RegionLike};
use cosma_ir::melior::pass::PassManager;
use cosma_ir::melior::utility::{parse_pass_pipeline, register_all_passes};
use cosma_ir::{
    Diagnostic, OptionInfo, PassInfo, PassOptions, Reports, new_context, parse, register_pass, set_offsets,
};

const PLACE: PassInfo = PassInfo {
    name: "test-place",
    description: "puts every operator's result at one offset",
    anchor: "func.func",
    options: &[
        OptionInfo { name: "offset", description: "where", default: "64" },
        OptionInfo { name: "mood", description: "good, bad or broken", default: "good" },
    ],
};

fn place<'c>(_: &'c Context, function: OperationRef<'c, '_>, options: &PassOptions) -> Result<(), Diagnostic<'c>> {
    let offset = options.parse("offset").map_err(|error| Diagnostic::at(function, error))?;
    let block = function.region(0).ok().and_then(|it| it.first_block()).expect("functions here have bodies");
    let mut next = block.first_operation();
    while let Some(operation) = next {
        match options.get("mood") {
            "bad" => {
                let diagnostic = Diagnostic::at(operation, "no room today");
                return Err(diagnostic.note(function.location(), "in this function"));
            }
            "broken" => panic!("the sky falls"),
            _ => {}
        }
        next = operation.next_in_block();
        if 0 < operation.result_count() {
            set_offsets(operation, &[offset]);
        }
    }
    Ok(())
}

const SOURCE: &str = r#"func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = "cosma.op"(%x) {kind = "Relu"} : (tensor<8xi8>) -> tensor<8xi8>
  %1 = "cosma.op"(%0) {kind = "Tanh"} : (tensor<8xi8>) -> tensor<8xi8>
  return %1 : tensor<8xi8>
}
func.func @g(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = "cosma.op"(%x) {kind = "Relu"} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
"#;

/// The module after a pipeline; or what was said, a line each.
fn run(pipeline: &str) -> Result<String, String> {
    register_all_passes();
    register_pass(PLACE, place);
    // Harmless: the first counts.
    register_pass(PLACE, place);
    let context = new_context();
    let reports = Reports::attach(&context);
    let mut module: Module = parse(&context, SOURCE.as_bytes(), "in.mlir").expect("the source is well-formed");
    let manager = PassManager::new(&context);
    parse_pass_pipeline(manager.as_operation_pass_manager(), pipeline).map_err(|error| error.to_string())?;
    let result = manager.run(&mut module);
    let said: Vec<String> = reports.take().iter().map(ToString::to_string).collect();
    match result {
        Ok(()) => Ok(module.as_operation().to_string()),
        Err(_) => Err(said.join("\n")),
    }
}

#[test]
fn runs_on_each_function_with_its_options() {
    let module = run("builtin.module(canonicalize,func.func(test-place{offset=128}))").unwrap();
    assert_eq!(module.matches(r#"cosma.op "Relu"(%arg0) at [128]"#).count(), 2, "{module}");
    assert!(module.contains(r#"cosma.op "Tanh"(%0) at [128]"#), "{module}");
}

#[test]
fn options_have_defaults() {
    let module = run("builtin.module(func.func(test-place))").unwrap();
    assert!(module.contains("at [64]"), "{module}");
}

#[test]
fn errors_are_at_their_line() {
    // MLIR runs a function pass on every function, whatever becomes of the others.
    let said = run("builtin.module(func.func(test-place{mood=bad}))").unwrap_err();
    assert_eq!(
        said,
        "in.mlir:2:8: error: no room today
in.mlir:1:1: note: in this function
in.mlir:7:8: error: no room today
in.mlir:6:1: note: in this function"
    );
    let said = run("builtin.module(func.func(test-place{offset=far}))").unwrap_err();
    assert_eq!(
        said,
        "in.mlir:1:1: error: option offset cannot be 'far'\nin.mlir:6:1: error: option offset cannot be 'far'"
    );
}

#[test]
fn panics_become_errors() {
    let said = run("builtin.module(func.func(test-place{mood=broken}))").unwrap_err();
    assert_eq!(
        said,
        "in.mlir:1:1: error: internal error: the sky falls\nin.mlir:6:1: error: internal error: the sky falls"
    );
}

#[test]
fn wrong_results_are_found_by_the_verifier() {
    let said = run("builtin.module(func.func(test-place{offset=18446744073709551615}))").unwrap_err();
    let first = said.lines().next();
    assert_eq!(first, Some("in.mlir:2:8: error: 'cosma.op' op has result 0 at a negative offset: -1"));
}

#[test]
fn pipelines_are_checked_by_mlir() {
    let said = run("builtin.module(func.func(test-place{colour=red}))").unwrap_err();
    assert!(said.contains("no such option colour"), "{said}");
    let said = run("builtin.module(test-place)").unwrap_err();
    assert!(said.contains("test-place"), "{said}");
}
