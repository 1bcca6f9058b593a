//! Runs what a page says to type.
//!
//! The blocks of a page are gone through in order, in one folder that is new for each page and has the
//! project's `examples`, with the commands that were built, and LLVM's, on the path:
//!
//! - `sh` is run, and has to end well; `sh,exit=1` has to end with that code.
//! - `sh,skip=REASON` is not run; that is printed. The reasons are below.
//! - `…,file=NAME` is written to that file.
//! - `…,output` is what the last `sh` printed, errors included. A line of `…` alone stands for any
//!   lines, and within a line `…` for any characters: what differs from run to run.

use crate::common;
use crate::page::{Block, Page};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// Why blocks are not run.
const REASONS: [(&str, &str); 6] = [
    ("tflite", "it takes a converter from PyPI; tests/import.rs runs it where it is installed"),
    ("torch", "it takes PyTorch"),
    ("registry", "it downloads crates"),
    ("embed", "tests/embed.rs compiles and runs that program"),
    ("minutes", "it takes minutes; tests/sweep.rs runs it on a smaller network"),
    ("checkout", "it builds the project that is being tested"),
];

/// Runs a page; gives the number of blocks that were run, or what went wrong first.
pub fn run(page: &Page) -> Result<usize, String> {
    let folder = tempfile::tempdir().expect("a folder");
    prepare(folder.path());
    let mut n_run = 0;
    let mut printed = None;
    for block in page.blocks() {
        let fail = |what: String| Err(format!("book/src/{}:{}: {what}", page.name, block.line));
        if let Some(unknown) = block.words.iter().find(|it| !is_known(it)) {
            return fail(format!("no such word: {unknown}"));
        }
        if let Some(name) = word(&block, "file") {
            fs::write(folder.path().join(name), &block.text).expect("there is room");
        } else if block.language == "sh" {
            if let Some(reason) = word(&block, "skip") {
                let Some((_, why)) = REASONS.iter().find(|it| it.0 == reason) else {
                    return fail(format!("no such reason: {reason}"));
                };
                println!("skipped: book/src/{}:{}: {why}", page.name, block.line);
                printed = None;
                continue;
            }
            let (code, text) = shell(folder.path(), &block.text);
            let expected = word(&block, "exit").unwrap_or("0");
            if code.to_string() != expected {
                return fail(format!("exit code {code} instead of {expected}\n{text}"));
            }
            printed = Some(text);
            n_run += 1;
        } else if block.words.iter().any(|it| it == "output") {
            let Some(text) = &printed else { return fail("no command before this output".into()) };
            if !matches(&lines(&block.text), &lines(text)) {
                return fail(format!("expected\n{}\nbut it printed\n{text}", block.text));
            }
        }
    }
    Ok(n_run)
}

/// What the page's folder has: the examples, and COSMA's library where README says that it is.
fn prepare(folder: &Path) {
    let project = common::project();
    copy(&project.join("examples"), &folder.join("examples"));
    let name = format!("{}cosma{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = Path::new(env!("CARGO_BIN_EXE_cosma-opt")).with_file_name("deps").join(&name);
    fs::create_dir_all(folder.join("target/release")).expect("a folder");
    symlink(library, folder.join("target/release").join(name)).expect("a link");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("there is room");
        }
    }
}

/// The exit code, and both outputs in the order in which they were written.
fn shell(folder: &Path, commands: &str) -> (i32, String) {
    let programs = Path::new(env!("CARGO_BIN_EXE_cosma-opt")).parent().expect("a folder");
    let llvm = Path::new(env!("MLIR_SYS_220_PREFIX")).join("bin");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-e", "-c", &format!("exec 2>&1\n{commands}")])
        .current_dir(folder)
        .env("PATH", format!("{}:{}:{path}", programs.display(), llvm.display()))
        // In which order `sort` sorts.
        .env("LC_ALL", "C")
        // cargo's path leads to libraries of other builds first.
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .expect("there is a shell");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Words that mean something here, or to mdBook.
fn is_known(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    ["output", "ignore"].contains(&word) || ["exit", "skip", "file"].contains(&name)
}

/// The value of `NAME=VALUE` behind the fence.
fn word<'a>(block: &'a Block, name: &str) -> Option<&'a str> {
    block.words.iter().find_map(|it| it.strip_prefix(name)?.strip_prefix('='))
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

fn matches(expected: &[&str], found: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((&"…", rest)) => (0..=found.len()).any(|it| matches(rest, &found[it..])),
        Some((line, rest)) => {
            found.split_first().is_some_and(|(first, found)| line_matches(line, first) && matches(rest, found))
        }
    }
}

fn line_matches(expected: &str, found: &str) -> bool {
    match expected.split_once('…') {
        None => expected == found,
        Some((start, rest)) => found.strip_prefix(start).is_some_and(|found| {
            found.char_indices().map(|it| it.0).chain([found.len()]).any(|it| line_matches(rest, &found[it..]))
        }),
    }
}

#[test]
fn pages_that_are_wrong_fail() {
    let check = |text: &str, expected: &str| {
        let page = Page { name: "page.md".into(), text: text.into() };
        let found = run(&page).map_or_else(|failure| failure, |n| format!("{n} run"));
        assert!(found.contains(expected), "{found}");
    };
    check("```sh\ncat in\n```\n", "page.md:1: exit code 1 instead of 0\ncat: ");
    check("```sh,exit=1\ntrue\n```\n", "exit code 0 instead of 1");
    check("```sh\nfalse\ntrue\n```\n", "exit code 1");
    check("```sh\necho a\n```\n\n```text,output\nb\n```\n", "page.md:5: expected\nb");
    check("```text,output\nb\n```\n", "no command before");
    check("```sh,skip=boredom\ntrue\n```\n", "no such reason");
    check("```sh,twice\ntrue\n```\n", "no such word: twice");
    check("```text,file=in\na\n```\n```sh\ncat in; ls examples/cell.mlir\n```\n```text,output\na\n…\n```\n", "1 run");
}

#[test]
fn what_may_differ_is_left_open() {
    let check = |expected: &str, found: &str| matches(&lines(expected), &lines(found));
    assert!(check("a\n…\nb in … s\n", "a\nx\ny\nb in 0.1 s"));
    assert!(check("…\nb", "b") && check("a\n…", "a") && check("a … c …", "a b c d c "));
    assert!(!check("a\nb", "a\nx\nb") && !check("a …", "b") && !check("a", "a\nb") && !check("a … c", "a b d"));
}
