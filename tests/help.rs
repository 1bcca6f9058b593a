//! What the tools say of themselves: `--help`, whose examples are run; manual pages; completions.

mod common;
#[path = "../import/tests/common/mod.rs"]
mod models;

use common::BRANCHES;
use models::{Model, ints};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Every tool of ours, and where it lies; the language server is MLIR's.
fn tools() -> Vec<(String, PathBuf)> {
    let sources = fs::read_dir(common::project().join("commands/src/bin")).expect("there are tools");
    let names = sources.map(|it| it.expect("a folder").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|it| it != "cosma-lsp-server").collect();
    names.sort();
    assert!(5 <= names.len(), "{names:?}");
    let built = Path::new(env!("CARGO_BIN_EXE_cosma-opt"));
    names.into_iter().map(|it| (it.clone(), built.with_file_name(it))).collect()
}

fn run(tool: &Path, flags: &[&str]) -> Output {
    Command::new(tool).args(flags).output().expect("it runs")
}

fn says(tool: &Path, flag: &str) -> String {
    let output = run(tool, &[flag]);
    assert!(output.status.success(), "{flag}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

/// A flag of `--help`, and what is said of it.
struct Flag {
    name: String,
    description: String,
}

/// Descriptions stand beside the flag, or below and further to the right.
fn flags(help: &str) -> Vec<Flag> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    // What is said of a flag may begin a line with another one; examples come after.
    let is_flag = |line: &str| line.trim_start().starts_with('-') && indent(line) <= 6;
    let help = help.split("\nExamples:\n").next().unwrap_or_default();
    let lines: Vec<&str> = help.lines().collect();
    let mut flags = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|it| is_flag(it.1)) {
        let text = line.trim_start();
        let (head, beside) = text.split_once("  ").unwrap_or((text, ""));
        let Some(name) = head.split([' ', ',', '[', '=']).rfind(|it| it.starts_with("--")) else { continue };
        let below = lines[at + 1..].iter().take_while(|it| it.is_empty() || indent(line) + 4 <= indent(it));
        let below: Vec<&str> = below.map(|it| it.trim()).collect();
        let description = format!("{} {}", beside.trim(), below.join(" "));
        flags.push(Flag { name: name.into(), description: description.trim().into() });
    }
    flags
}

/// What flags of `cosma-opt` are to callers in C, who have modules and text in memory instead of files and
/// a terminal, and pipelines of MLIR's.
const NOT_FOR_C: [&str; 28] = [
    "access",
    "allow-unregistered-dialect",
    "buffers",
    "dim",
    "dot",
    "dump-lp",
    "dump-lp-addresses",
    "emit-bytecode",
    "executorch",
    "explain",
    "generate",
    "help",
    "in-place",
    "memory-map",
    "output",
    "pass-pipeline",
    "plan",
    "quiet",
    "report",
    "split-input-file",
    "stats",
    "summary",
    "tflite",
    "tflm",
    "time-chart",
    "trace",
    "verbose",
    "version",
];

#[test]
fn callers_in_c_can_say_what_flags_say() {
    let (_, tool) = tools().into_iter().find(|it| it.0 == "cosma-opt").expect("it is there");
    let mut flags: Vec<String> =
        flags(&says(&tool, "--help")).into_iter().map(|it| it.name.trim_start_matches('-').to_owned()).collect();
    flags.sort();
    let mut expected: Vec<&str> = cosma::option_words().into_iter().chain(NOT_FOR_C).collect();
    expected.sort_unstable();
    assert_eq!(flags, expected, "a flag is a word as well (src/words.rs), or is none for C");
}

#[test]
fn every_flag_is_described() {
    for (name, tool) in tools() {
        let help = says(&tool, "--help");
        let purpose = help.split("\n\n").next().unwrap_or_default();
        assert!(purpose.len() < 300 && !purpose.starts_with("Usage"), "{name} does not say what it is for: {purpose}");
        let found = flags(&help);
        assert!(found.iter().any(|it| it.name == "--generate"), "{name}: {help}");
        for Flag { name: flag, description } in found {
            let begins = description.chars().next().is_some_and(|it| it.is_uppercase() || it == '`');
            assert!(begins, "{name} {flag} is described by a sentence: {description}");
            assert!(2 <= description.split_whitespace().count(), "{name} {flag}: {description}");
            for word in ["Likewise", "As above", "The same", "See above", "Ditto"] {
                assert!(!description.starts_with(word), "{name} {flag} is described by itself: {description}");
            }
        }
        for section in ["\nExamples:\n", "\nExit status:\n", "\nEnvironment:\n"] {
            assert!(help.contains(section), "{name} has no section {section:?}");
        }
        // The short help has no others.
        let short = flags(&says(&tool, "-h"));
        let is_known = |it: &Flag| flags(&help).iter().any(|known| known.name == it.name);
        assert!(!short.is_empty() && short.iter().all(is_known), "{name}");
    }
}

/// The commands in the examples of `--help`. One in several lines is one command.
fn examples(help: &str) -> Vec<String> {
    let (_, examples) = help.split_once("\nExamples:\n").expect("there are examples");
    let lines = examples.lines().take_while(|it| it.starts_with(' '));
    let text = lines.collect::<Vec<&str>>().join("\n").replace("\\\n      ", "");
    text.lines().map(str::trim).filter(|it| it.starts_with("cosma")).map(str::to_owned).collect()
}

/// What can be run.
const PROGRAM: &str = r#"
func.func @net(%x: tensor<4x16xf32>, %w: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %0 = tosa.add %x, %w : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  %1 = tosa.tanh %0 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}
"#;

#[test]
fn examples_run() {
    // Where they are run, there is all that they read.
    let folder = tempfile::tempdir().expect("a folder");
    let (work, networks) = (folder.path().join("work"), folder.path().join("shared/networks"));
    for it in [&work, &networks] {
        fs::create_dir_all(it).expect("a folder");
    }
    let write = |path: PathBuf, content: &[u8]| fs::write(path, content).expect("a file");
    write(networks.join("net.mlir"), BRANCHES.as_bytes());
    write(work.join("net.tosa.mlir"), PROGRAM.as_bytes());
    write(work.join("in.csv"), b"id,lower,upper,size\na,0,2,64\nb,1,3,128\nc,2,4,64\n");
    let conv = vec![ints("pads", &[1, 1, 1, 1])];
    let model = Model::new().input("image", &[1, 4, 8, 8]).weight("weight", &[4, 4, 3, 3]);
    let model = model.node("Conv", &["image", "weight"], &["a"], conv).node("Add", &["a", "image"], &["sum"], vec![]);
    write(work.join("net.onnx"), &model.output("sum").encode());
    let text = Model::new().symbolic_input("words", &["batch", "sequence"]).node("Relu", &["words"], &["y"], vec![]);
    write(work.join("text.onnx"), &text.output("y").encode());

    let tools = tools();
    let programs = tools[0].1.parent().expect("they are in a folder");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    for (name, tool) in &tools {
        let help = says(tool, "--help");
        let commands = examples(&help);
        assert!(!commands.is_empty(), "{name} has no example");
        for command in commands {
            // Examples before may have written another one.
            write(work.join("net.mlir"), BRANCHES.as_bytes());
            let shell = Command::new("sh").args(["-e", "-c", &command]).current_dir(&work).env("PATH", &path).output();
            let output = shell.expect("there is a shell");
            assert!(output.status.success(), "{name}: {command}\n{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn every_tool_has_a_manual_page() {
    for (name, tool) in tools() {
        let page = says(&tool, "--generate=man");
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
        for section in
            ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "\"EXIT STATUS\"", "ENVIRONMENT", "VERSION"]
        {
            assert!(page.lines().any(|it| it == format!(".SH {section}")), "{name}: no {section} in\n{page}");
        }
        let plain = page.replace(r"\*(Aq", "'").replace("\\\\\n    ", "").replace('\\', "");
        for Flag { name: flag, .. } in flags(&says(&tool, "--help")) {
            assert!(plain.contains(&flag), "{name}: no {flag} in\n{page}");
        }
        for command in examples(&says(&tool, "--help")) {
            assert!(plain.contains(&command), "{name}: no {command} in\n{page}");
        }
    }
}

#[test]
fn every_tool_has_completions() {
    for (name, tool) in tools() {
        let help = flags(&says(&tool, "--help"));
        for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
            let text = says(&tool, &format!("--generate={shell}"));
            assert!(text.contains(&name), "{shell}: {text}");
            for Flag { name: flag, .. } in &help {
                let long = flag.trim_start_matches('-');
                assert!(text.contains(long), "{name}, {shell}: no {flag} in\n{text}");
            }
        }
    }
    let opt = Path::new(env!("CARGO_BIN_EXE_cosma-opt"));
    // Values, too, where they are few.
    let bash = says(opt, "--generate=bash");
    assert!(bash.contains(r#"compgen -W "auto search ilp greedy""#), "{bash}");
    let output = run(opt, &["--generate=tcsh"]);
    assert_eq!(output.status.code(), Some(2));
    let output = run(opt, &["--generate=man", "--schedule"]);
    assert_eq!(output.status.code(), Some(2), "nothing else is done");
}
