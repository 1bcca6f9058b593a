//! Runs what lies in `lit/`: MLIR files that say which commands to run on them, and what must come out.
//!
//! lit, FileCheck and stock `mlir-opt` are those of LLVM, which COSMA is built with anyway. How a test
//! finds them is in `lit/lit.cfg.py`. `LIT_FILTER=allocate cargo test --test lit` runs a part.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn lit() {
    let project = common::project();
    let llvm = Path::new(env!("MLIR_SYS_220_PREFIX"));
    let cosma_opt = Path::new(env!("CARGO_BIN_EXE_cosma-opt"));
    let parameter = |name: &str, value: &Path| format!("--param={name}={}", value.display());
    // LLVM's own installation leaves it out, other than Debian's.
    let shipped = llvm.join("bin/lit");
    let lit = if shipped.exists() { shipped } else { "lit".into() };
    let output = Command::new(&lit)
        // A line for each test, and all that a failing one said.
        .arg("--verbose")
        .arg(parameter("llvm", llvm))
        .arg(parameter("cosma_opt", cosma_opt))
        .arg(parameter("plugin", &plugin(cosma_opt)))
        .arg(parameter("output", &Path::new(env!("CARGO_TARGET_TMPDIR")).join("lit")))
        .arg(project.join("lit"))
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", lit.display()));
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "lit: {}\n{said}\n{complained}", output.status);
    println!("{said}");
}

/// The shared library. Cargo builds it whenever it builds this test, but only into `deps`: what lies
/// beside the binaries is from the last `cargo build`, if there was one.
fn plugin(cosma_opt: &Path) -> PathBuf {
    let name = format!("{}cosma{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let plugin = cosma_opt.with_file_name("deps").join(name);
    assert!(plugin.exists(), "there is no {}", plugin.display());
    plugin
}
