//! `libcosma.so` in stock `mlir-opt`: the dialect and the passes, among MLIR's own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const MODULE: &str = r#"
func.func @f(%x: tensor<64xi8>, %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
  %dead = cosma.op "Dead"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  %0 = cosma.op "Wide"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %1 = cosma.op "Narrow"(%0) : (tensor<128xi8>) -> tensor<64xi8>
  %2 = cosma.op "Add"(%1, %x, %w) : (tensor<64xi8>, tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %2 : tensor<64xi8>
}
"#;

fn run(program: &Path, flags: &[&str], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn mlir_opt(pipeline: &str, input: &str) -> Output {
    // As in tests/lit.rs: cargo leaves the library beside the dependencies.
    let cosma_opt = PathBuf::from(env!("CARGO_BIN_EXE_cosma-opt"));
    let name = format!("{}cosma{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let plugin = cosma_opt.with_file_name("deps").join(name);
    let plugin = plugin.to_str().expect("a path of text");
    let flags = [
        format!("--load-dialect-plugin={plugin}"),
        format!("--load-pass-plugin={plugin}"),
        format!("--pass-pipeline={pipeline}"),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    run(&Path::new(env!("MLIR_SYS_220_PREFIX")).join("bin/mlir-opt"), &flags, input)
}

#[test]
fn stock_mlir_opt_plans_and_keeps_the_plan() {
    // What is dead in the source is dropped before planning; what is planned stays as it is.
    let pipeline = "builtin.module(canonicalize,func.func(cosma-allocate{scratchpad=256 order=free},\
                    cosma-insert-transfers),canonicalize,cse,func.func(cosma-verify))";
    let output = mlir_opt(pipeline, MODULE);
    let planned = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!planned.contains("Dead"), "{planned}");
    for transfer in ["cosma.load", "cosma.store"] {
        assert!(planned.contains(transfer), "{planned}");
    }
    let judged = run(Path::new(env!("CARGO_BIN_EXE_cosma-opt")), &["--verify", "-"], &planned);
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
}

#[test]
fn passes_of_mlir_run_on_what_is_planned() {
    let pipeline = "builtin.module(func.func(cosma-allocate{scratchpad=1KiB order=free},\
                    cosma-insert-transfers,cosma-verify),canonicalize,cse)";
    let output = mlir_opt(pipeline, MODULE);
    let planned = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // It has a place and a step: once planned, it stays.
    assert!(planned.contains("Dead"), "{planned}");
    let judged = run(Path::new(env!("CARGO_BIN_EXE_cosma-opt")), &["--verify", "-"], &planned);
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
}

#[test]
fn stock_mlir_opt_lowers() {
    let pipeline = "builtin.module(func.func(cosma-allocate{scratchpad=1KiB weights=streamed},\
                    cosma-insert-transfers),cosma-lower-addresses)";
    let output = mlir_opt(pipeline, MODULE);
    let lowered = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(lowered.contains("memref<1024xi8>") && !lowered.contains("cosma.load"), "{lowered}");
}

#[test]
fn stock_mlir_opt_lowers_groups_of_tosa() {
    let module = "func.func @f(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = tosa.transpose %x {perms = array<i32: 1, 0>} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = tosa.exp %0 : (tensor<8x8xf32>) -> tensor<8x8xf32>
  return %1 : tensor<8x8xf32>
}";
    // What follows is the pipeline that book/src/programs.md has.
    let pipeline = format!(
        "builtin.module(func.func(cosma-group,cosma-allocate{{scratchpad=1KiB}},cosma-insert-transfers),\
         cosma-lower-addresses{{arena=argument}},{})",
        cosma::MEMREFS_TO_LLVM
    );
    let output = mlir_opt(&pipeline, module);
    let lowered = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(lowered.contains("llvm.func @f") && !lowered.contains("memref"), "{lowered}");
}

#[test]
fn mlir_knows_the_options() {
    let output = mlir_opt("builtin.module(func.func(cosma-allocate{colour=red}))", MODULE);
    assert!(!output.status.success());
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(says.contains("no such option colour"), "{says}");
    let output = mlir_opt("builtin.module(func.func(cosma-allocate{scratchpad=12XiB}))", MODULE);
    assert!(!output.status.success());
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(says.contains("12XiB"), "{says}");
}
