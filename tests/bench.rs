//! What `cosma-bench` prints and writes, on networks small enough to follow.

mod common;

use common::BRANCHES;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A chain: every order and every rule does.
const CHAIN: &str = r#"
func.func @chain(%x: tensor<256xi8>, %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "Conv"(%x, %w) : (tensor<256xi8>, tensor<64xi8>) -> tensor<128xi8>
  %1 = cosma.op "Relu"(%0) : (tensor<128xi8>) -> tensor<64xi8>
  return %1 : tensor<64xi8>
}
"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("networks")).expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join("networks").join(name), text).expect("a file");
    }
    folder
}

fn run(folder: &TempDir, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosma-bench"));
    command.current_dir(folder.path()).args(flags).output().expect("it runs")
}

#[test]
fn two_networks_and_two_methods() {
    let folder = folder(&[("darts_branches.mlir", BRANCHES), ("chain.mlir", CHAIN)]);
    let methods = "--methods=source/farthest/first-fit,source/lru/greedy-by-size";
    let factors = "--scratchpad-factors=1,1.25,1.5";
    let flags = ["--no-times", factors, methods, "--markdown=out.md", "--json=out.json", "networks"];
    let output = run(&folder, &flags);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // Progress is for terminals.
    assert_eq!(said, "");
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout));
    let markdown = std::fs::read_to_string(folder.path().join("out.md")).expect("it was written");
    insta::assert_snapshot!(markdown);

    let json = std::fs::read_to_string(folder.path().join("out.json")).expect("it was written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    let cases = json["cases"].as_array().expect("there are cases");
    assert_eq!(cases.len(), 12);
    let branches = |it: &&serde_json::Value| it["network"] == "darts_branches" && it["scratchpad"] == 256;
    let case = cases.iter().find(branches).expect("it was planned at its least scratchpad");
    assert_eq!(case["kind"], "searched");
    assert_eq!(case["status"], "optimal");
    assert_eq!(case["cosma"]["non_compulsory"], 64);
    assert_eq!(case["methods"].as_array().map(Vec::len), Some(2));

    // The same again is the same, also when two cases run at once.
    let again = run(&folder, &flags);
    assert_eq!(again.stdout, output.stdout);
    let at_once = run(&folder, &[&["--jobs=2"], &flags[..]].concat());
    let text = String::from_utf8_lossy(&at_once.stdout).replace("--jobs=2", "--jobs=1");
    assert_eq!(text, String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_method_is_there_and_times_are() {
    let folder = folder(&[("branches.mlir", BRANCHES)]);
    let output = run(&folder, &["--scratchpad-factors=1", "--weights=resident", "networks/branches.mlir"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for expected in
        ["least-peak/lru/best-fit", "depth-first/optimal", "best of source/*/*", "median s", "29 plans by 28 methods"]
    {
        assert!(text.contains(expected), "no {expected} in\n{text}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let folder = folder(&[("open.mlir", "func.func @f("), ("branches.mlir", BRANCHES)]);
    let refused = |flags: &[&str], code: i32, expected: &str| {
        let output = run(&folder, flags);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {said}");
        assert!(said.contains(expected) && !said.contains("panicked"), "{flags:?}: {said}");
        assert!(output.stdout.is_empty());
    };
    refused(&["networks"], 1, "networks/open.mlir:1:");
    refused(&["networks/none.mlir"], 2, "networks/none.mlir does not exist");
    refused(&["--methods=belady", "networks"], 2, "no method matches 'belady'");
    refused(&["--scratchpad-factors=0.5", "networks"], 2, "a factor is a number from 1 on, not '0.5'");
    refused(&["--weights=heavy", "networks"], 2, "weights are resident, streamed or auto, not 'heavy'");
    refused(&["--jobs=0", "networks"], 2, "--jobs");
    refused(&["--json=none/out.json", "--only=branches", "networks"], 2, "cannot write none/out.json");
}

#[test]
fn nothing_to_compare_is_an_error() {
    let output = run(&folder(&[]), &["elsewhere"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "error: there is no network in elsewhere\n");
}

/// The two layers of the book's example of tiles.
const STEM: &str = include_str!("../examples/stem.mlir");

#[test]
fn tiles_beside_tilings_by_rule() {
    let folder = folder(&[("stem.mlir", STEM), ("train_stem.mlir", STEM)]);
    let files = ["--markdown=out.md", "--json=out.json", "networks"];
    let flags = [&["--tiles", "--no-times", "--scratchpad=8KiB,64KiB,3KiB"], &files[..]].concat();
    let output = run(&folder, &flags);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("network  CNN  operators  scratchpad  tiles      layers  layers, greedy"), "{text}");
    assert!(!text.contains("train_stem"), "{text}");
    let summary = "On 8192 B, 1 of 1 networks have a plan in tiles, and 1 move only the compulsory.";
    assert!(text.contains(summary), "{text}");
    let markdown = std::fs::read_to_string(folder.path().join("out.md")).expect("it was written");
    assert!(markdown.contains(summary) && markdown.contains("| stem | yes | 3 | 8192 | "), "{markdown}");

    let json = std::fs::read_to_string(folder.path().join("out.json")).expect("it was written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    let cases = json["cases"].as_array().expect("there are cases");
    let moved = |case: &serde_json::Value| -> Vec<u64> {
        let rules = case["rules"].as_array().expect("there are rules").iter();
        rules.map(|it| it["non_compulsory"].as_u64().expect("it has a plan")).collect()
    };
    // Layer by layer, two tensors of 16,384 B are written and read again.
    assert_eq!((&cases[0]["scratchpad"], moved(&cases[0])), (&8192.into(), vec![65536, 65536, 0, 0]));
    assert_eq!((&cases[0]["cosma"]["non_compulsory"], &cases[0]["scope"]), (&0.into(), &"all tilings".into()));
    // With all of it on-chip no tensor moves twice.
    assert_eq!(moved(&cases[1]), [0; 4]);
    // On less, none of them goes without.
    let own = cases[2]["cosma"]["non_compulsory"].as_u64().expect("it has a plan");
    let rule = moved(&cases[2]).into_iter().min().expect("there are four");
    assert!(0 < own && own <= rule, "{own} beside {rule}");
    let saved = cases[2]["reduction"].as_f64().expect("there is something to save");
    assert!((saved - (1.0 - own as f64 / rule as f64)).abs() < 1e-9);

    // The same again is the same, also when two cases run at once.
    let at_once = run(&folder, &[&["--jobs=2"], &flags[..]].concat());
    assert_eq!(String::from_utf8_lossy(&at_once.stdout).replace("--jobs=2", "--jobs=1"), text);
}

#[test]
fn tiles_that_do_not_fit() {
    let folder = folder(&[("stem.mlir", STEM)]);
    let output = run(&folder, &["--tiles", "--no-times", "--scratchpad=64", "networks"]);
    let text = String::from_utf8_lossy(&output.stdout);
    // It is no fault that nothing fits.
    assert!(output.status.success(), "{text}");
    assert!(text.contains("On 64 B, 0 of 1 networks have a plan in tiles"), "{text}");
    let output = run(&folder, &["--tiles", "--weights=streamed", "networks"]);
    assert_eq!(output.status.code(), Some(2));
    let output = run(&folder, &["--scratchpad=1KiB", "networks"]);
    assert_eq!(output.status.code(), Some(2));
}
