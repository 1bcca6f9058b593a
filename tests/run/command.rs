//! The command `cosma-run`.

use std::process::{Command, Output};

const PROGRAM: &str = r#"
func.func @f(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = tosa.add %x, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = tosa.sub %0, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}"#;

fn run(input: &str, flags: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("in.mlir"), input).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosma-run"));
    command.current_dir(folder.path()).arg("in.mlir").args(flags).output().expect("it runs")
}

#[track_caller]
fn succeeds(input: &str, flags: &[&str]) -> String {
    let output = run(input, flags);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

#[track_caller]
fn fails(input: &str, flags: &[&str], code: i32, text: &str) {
    let output = run(input, flags);
    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{says}");
    assert!(says.contains(text) && !says.contains("panicked"), "expected: {text}\nfound: {says}");
}

#[test]
fn table() {
    let text = succeeds(PROGRAM, &["--scratchpad=384"]);
    assert!(text.contains("@f: all right"), "{text}");
    assert!(text.contains("1 outputs, 32 elements: the same bit for bit"), "{text}");
    assert!(text.contains("total                     384            384"), "{text}");
}

#[test]
fn json() {
    let text = succeeds(PROGRAM, &["--scratchpad=384", "--json", "--seed=7", "--effort=0"]);
    let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let function = &value["functions"][0];
    assert_eq!(function["moved"]["load"], 256);
    assert_eq!(function["report"]["traffic"]["total"], 384);
    assert_eq!(function["faults"], serde_json::json!([]));
    assert_eq!(function["difference"], serde_json::Value::Null);
}

#[test]
fn abstract_operators_have_nothing_to_run() {
    let text = "func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {\n  %0 = cosma.op \"A\"(%x) : (tensor<8xi8>) -> tensor<8xi8>\n  return %0 : tensor<8xi8>\n}";
    fails(text, &["--scratchpad=256"], 1, "in.mlir:2:8: error: cosma.op is abstract");
}

#[test]
fn errors() {
    fails(PROGRAM, &[], 2, "the size of the scratchpad is not known");
    fails(PROGRAM, &["--effort=4"], 2, "--effort");
    fails(PROGRAM, &["--scratchpad=64"], 1, "min_scratchpad = 256");
    fails(PROGRAM, &["--scratchpad=384", "--function=g"], 1, "there is no function @g");
    fails("func.func @f(", &["--scratchpad=384"], 1, "in.mlir:1:");
    fails(PROGRAM, &["--scratchpad=1TiB"], 1, "1099511627776 B cannot be allocated");
    let scalar = "func.func @f(%x: f32) -> f32 {\n  return %x : f32\n}";
    fails(scalar, &["--scratchpad=384"], 1, "argument 0 is f32, and only static memrefs");
    let complex =
        "func.func @f(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {\n  return %x : tensor<4xcomplex<f32>>\n}";
    fails(complex, &["--scratchpad=384"], 1, "argument 0 is memref<4xcomplex<f32>>");
    let planned = "func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {\n  %0 = cosma.load %x at 0 : tensor<8xi8>\n  %1 = cosma.store %0 : tensor<8xi8>\n  return %1 : tensor<8xi8>\n}";
    fails(planned, &["--scratchpad=384"], 1, "error:");
}

/// More than any machine has, asked for by code that has begun to run.
const HUGE: &str = "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<281474976710656xf32>
  %full = linalg.fill ins(%one : f32) outs(%empty : tensor<281474976710656xf32>) -> tensor<281474976710656xf32>
  %some = tensor.extract_slice %full[3] [4] [1] : tensor<281474976710656xf32> to tensor<4xf32>
  %sum = linalg.add ins(%x, %some : tensor<4xf32>, tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %sum : tensor<4xf32>
}";

#[test]
fn a_program_that_asks_for_too_much_is_an_error() {
    let message = "@f was aborted: a block of 1125899906842624 B, aligned to 64 B, cannot be allocated";
    fails(HUGE, &["--scratchpad=2000TiB"], 1, message);
}
