//! The pages and pictures that are made from something else. They are in the repository, so that they
//! can be read there, and a change of a flag or an operation shows in review.

use crate::common;
use std::path::Path;
use std::process::Command;

const NOTE: &str = "<!-- Made by tests/book/generated.rs; edit what it is made from. -->";

/// The files that are not what would be made now.
pub fn stale(source: &Path) -> Vec<String> {
    let is_stale =
        |(name, text): &(String, String)| std::fs::read_to_string(source.join(name)).ok().as_ref() != Some(text);
    made().into_iter().filter(is_stale).map(|it| it.0).collect()
}

/// Writes all of them.
pub fn write(source: &Path) {
    for (name, text) in made() {
        let path = source.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("there is room");
    }
}

/// The files, by name, and what should be in them.
fn made() -> Vec<(String, String)> {
    let mut made = vec![("reference.md".to_owned(), dialect()), ("pictures/cell.svg".into(), cell())];
    made.push(("pictures/squeezenet.svg".into(), squeezenet()));
    made.extend(commands().into_iter().map(|it| (format!("commands/{it}.md"), command(&it))));
    made
}

/// The reference of the dialect, by MLIR's own generator.
fn dialect() -> String {
    let llvm = Path::new(env!("MLIR_SYS_220_PREFIX"));
    let include = llvm.join("include").display().to_string();
    let text = output(
        Command::new(llvm.join("bin/mlir-tblgen"))
            .args(["-gen-dialect-doc", "-dialect=cosma", "ir/dialect/cosma.td", "-I", &include, "-I", "ir/dialect"])
            .current_dir(common::project()),
    );
    // Its first line says that it is made, and `[TOC]` is for MLIR's own site. mdBook takes headings
    // that jump over a level as they are; the text below is left alone otherwise.
    let kept: Vec<&str> = text.lines().skip_while(|it| !it.starts_with('#')).filter(|it| *it != "[TOC]").collect();
    format!("{NOTE}\n\n{}\n", kept.join("\n").trim_end())
}

/// All commands there are: none can be forgotten.
fn commands() -> Vec<String> {
    let folder = common::project().join("commands/src/bin");
    let entries = std::fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|it| it.into_string().expect("text")).collect();
    // The language server is MLIR's, and so is what it says of itself.
    names.retain(|it| it != "cosma-lsp-server");
    names.sort();
    names
}

/// A page for a command: what it says of itself. Cargo puts all of them into one folder.
fn command(name: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_cosma-opt")).with_file_name(name);
    let help = output(Command::new(program).arg("--help"));
    format!("{NOTE}\n\n# {name}\n\n```text\n{}\n```\n", help.trim_end())
}

/// The memory map of the cell that the book speaks of.
fn cell() -> String {
    picture(&["--schedule", "--allocate", "--scratchpad=256", "examples/cell.mlir"])
}

/// The memory map of the network in tiles that the book speaks of. It moves only the compulsory, which is found long
/// before the time limit.
fn squeezenet() -> String {
    picture(&["--tile", "--allocate", "--scratchpad=256KiB", "examples/networks/squeezenet1_1.mlir"])
}

/// The memory map that these flags of `cosma-opt` draw.
fn picture(flags: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let map = folder.path().join("map.svg");
    output(
        Command::new(env!("CARGO_BIN_EXE_cosma-opt"))
            .args(flags)
            .args(["-o", "/dev/null"])
            .arg(format!("--memory-map={}", map.display()))
            .current_dir(common::project()),
    );
    std::fs::read_to_string(map).expect("it was drawn")
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}
