//! What is checked in Python, with the packages that know the formats.

use std::path::Path;
use std::process::Command;

/// Runs a script of this folder with these arguments, if Python has all the modules, and says so where it has not.
/// `COSMA_PYTHON` is the interpreter, `python3` by default.
pub fn run(script: &str, modules: &[&str], arguments: &[&Path]) {
    let python = std::env::var_os("COSMA_PYTHON").unwrap_or_else(|| "python3".into());
    let imports = modules.iter().map(|it| format!("import {it}\n")).collect::<String>();
    let has_all = Command::new(&python).args(["-c", &imports]).output().is_ok_and(|it| it.status.success());
    if !has_all {
        eprintln!("SKIPPED: {script} takes Python with {modules:?}; COSMA_PYTHON says which Python");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    let output = Command::new(&python).arg(script).args(arguments).output().expect("Python runs");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{errors}");
    eprint!("{text}");
}
