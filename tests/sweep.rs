//! What `cosma-sweep` prints and writes, on networks small enough to follow.

mod common;

use common::BRANCHES;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("branches.mlir"), BRANCHES).expect("a file");
    folder
}

fn run(folder: &TempDir, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosma-sweep"));
    command.current_dir(folder.path()).args(flags).output().expect("it runs")
}

#[track_caller]
fn succeeds(folder: &TempDir, flags: &[&str]) -> String {
    let output = run(folder, flags);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // Progress is for terminals.
    assert_eq!(said, "");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).expect("it was written")
}

#[test]
fn table_json_csv_and_plot() {
    let folder = folder();
    let sizes = "--scratchpad=0.5x,min..peak,448,1KiB";
    let flags = ["branches.mlir", "--no-times", "--order=free,source", "--steps=3", sizes];
    let files = ["--json=out.json", "--csv=out.csv", "--plot=out.svg"];
    let table = succeeds(&folder, &[&flags[..], &files].concat());
    insta::assert_snapshot!("table", table);
    insta::assert_snapshot!("csv", read(&folder, "out.csv"));
    let plot = read(&folder, "out.svg");
    insta::assert_snapshot!("plot", plot);

    let json: serde_json::Value = serde_json::from_str(&read(&folder, "out.json")).expect("it is JSON");
    assert_eq!(json["network"], "branches");
    assert_eq!(json["series"].as_array().map(Vec::len), Some(2));
    let points = &json["series"][0]["points"];
    assert_eq!((&json["series"][0]["order"], &json["series"][0]["min_scratchpad"]), (&"free".into(), &256.into()));
    assert_eq!((&points[0]["scratchpad"], &points[0]["status"]), (&128.into(), &"too small".into()));
    assert_eq!((&points[1]["non_compulsory"], &points[1]["lower_bound"]), (&64.into(), &64.into()));
    assert_eq!((&points[1]["status"], &points[1]["total"]), (&"optimal".into(), &192.into()));

    // Several at once are in the same order.
    for jobs in ["--jobs=1", "--jobs=2", "--jobs=7"] {
        let again = succeeds(&folder, &[&flags[..], &files, &[jobs]].concat());
        assert_eq!(again, table);
        assert_eq!(read(&folder, "out.svg"), plot);
    }
    let linear = succeeds(&folder, &[&flags[..], &files, &["--plot-axis=linear"]].concat());
    assert_eq!(linear, table);
    assert!(read(&folder, "out.svg") != plot);
}

#[test]
fn a_run_goes_on_where_another_was_stopped() {
    let folder = folder();
    let state = folder.path().join("state.jsonl");
    let flags = ["branches.mlir", "--no-times", "--scratchpad=256,288,320,352,384", "--state=state.jsonl"];
    let table = succeeds(&folder, &flags);
    let whole = read(&folder, "state.jsonl");
    // What lies between sizes with the same traffic was not planned.
    let sizes = |text: &str| -> Vec<u64> {
        let lines = text.lines().map(|it| serde_json::from_str::<serde_json::Value>(it).expect("it is JSON"));
        let mut sizes: Vec<u64> = lines.map(|it| it["scratchpad"].as_u64().expect("it is a size")).collect();
        sizes.sort();
        sizes
    };
    assert_eq!(sizes(&whole), [256, 288, 320, 384]);
    assert!(table.contains("plan of 320, bound of 384"), "{table}");

    // Nothing is planned again, so nothing is written.
    assert_eq!(succeeds(&folder, &flags), table);
    assert_eq!(read(&folder, "state.jsonl"), whole);

    // It is killed in the middle of a line, at any place.
    let begin = whole.trim_end().rfind('\n').expect("there are lines") + 1;
    for end in [begin + 1, begin + 12, whole.len() - 1] {
        fs::write(&state, &whole[..end]).expect("a file");
        let output = run(&folder, &flags);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "warning: state.jsonl:4: the incomplete line is dropped\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), table);
        assert_eq!(sizes(&read(&folder, "state.jsonl")), sizes(&whole));
    }

    // What is there is believed: this is where it came from.
    let other = whole.replace(r#""non_compulsory":64,"lower_bound":64"#, r#""non_compulsory":65,"lower_bound":65"#);
    fs::write(&state, &other).expect("a file");
    assert!(succeeds(&folder, &flags).contains("193"));
    // But not for another question: other options, or what is open and had less time.
    fs::write(&state, &whole).expect("a file");
    succeeds(&folder, &[&flags[..], &["--order=source"]].concat());
    assert_eq!(read(&folder, "state.jsonl").lines().count(), 9);
    let open = whole.replace(r#""lower_bound":64"#, r#""lower_bound":63"#);
    fs::write(&state, &open).expect("a file");
    assert!(succeeds(&folder, &flags).contains("feasible"));
    assert!(!succeeds(&folder, &[&flags[..], &["--time-limit=61"]].concat()).contains("feasible"));
}

#[test]
fn a_proof_that_a_plan_contradicts_is_an_error() {
    let folder = folder();
    let flags = ["branches.mlir", "--no-times", "--scratchpad=256,320", "--state=state.jsonl"];
    succeeds(&folder, &flags);
    let state = read(&folder, "state.jsonl");
    let state = state.replace(r#""non_compulsory":0,"lower_bound":0"#, r#""non_compulsory":100,"lower_bound":100"#);
    fs::write(folder.path().join("state.jsonl"), state).expect("a file");
    let output = run(&folder, &flags);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("moves 64 non-compulsory bytes, less than the lower bound"), "{said}");
}

#[test]
fn models_and_groups_are_swept() {
    let folder = folder();
    let chain = r#"func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = tosa.abs %x : (tensor<64xi8>) -> tensor<64xi8>
  %1 = tosa.bitwise_not %0 : (tensor<64xi8>) -> tensor<64xi8>
  return %1 : tensor<64xi8>
}
func.func @g(%x: tensor<32xi8>, %w: tensor<32xi8> {cosma.weight}) -> tensor<32xi8>
    attributes {cosma.machine = {alignment = 32, weights = "streamed"}} {
  %0 = tosa.bitwise_xor %x, %w : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
  %1 = tosa.clz %0 : (tensor<32xi8>) -> tensor<32xi8>
  return %1 : tensor<32xi8>
}"#;
    fs::write(folder.path().join("two.mlir"), chain).expect("a file");
    let output = run(&folder, &["two.mlir"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("select a function with --function=NAME: there is f, g"));
    // What only declares is no network, and has no say in those that are.
    let declared = format!(
        "func.func private @h(tensor<8xi8>)\nmodule {{\n{}\n}}",
        &chain[chain.find("func.func @g").expect("it is there")..]
    );
    fs::write(folder.path().join("inner.mlir"), declared).expect("a file");
    let table = succeeds(&folder, &["inner.mlir", "--no-times"]);
    assert!(table.starts_with("inner: 2 operators\nstreamed weights, free order"), "{table}");
    let table = succeeds(&folder, &["two.mlir", "--function=g", "--no-times"]);
    assert!(table.starts_with("two@g: 2 operators\nstreamed weights, free order"), "{table}");
    let table = succeeds(&folder, &["two.mlir", "--function=g", "--no-times", "--group"]);
    assert!(table.starts_with("two@g: 1 operators\n"), "{table}");
}

#[test]
fn nothing_is_a_network_too() {
    let folder = folder();
    fs::write(folder.path().join("empty.mlir"), "func.func @empty() { return }").expect("a file");
    for axis in ["log", "linear"] {
        let flags = ["empty.mlir", "--no-times", "--plot=out.svg", &format!("--plot-axis={axis}")];
        assert!(succeeds(&folder, &flags).contains("optimal"));
        assert!(!read(&folder, "out.svg").contains("NaN"));
        // Far apart, from below a byte on.
        let flags =
            ["branches.mlir", "--scratchpad=min..8388607TiB,1B", "--plot=out.svg", &format!("--plot-axis={axis}")];
        succeeds(&folder, &flags);
        assert!(!read(&folder, "out.svg").contains("NaN"));
    }
}

#[test]
fn what_is_wrong_is_said() {
    let folder = folder();
    fs::write(folder.path().join("open.mlir"), "func.func @f(").expect("a file");
    fs::write(folder.path().join("letter.txt"), "Dear all,").expect("a file");
    let refused = |flags: &[&str], code: i32, expected: &str| {
        let output = run(&folder, flags);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {said}");
        assert!(said.contains(expected) && !said.contains("panicked"), "{flags:?}: {said}");
    };
    let ok = "branches.mlir";
    refused(&["open.mlir"], 1, "open.mlir:1:");
    refused(&["none.mlir"], 2, "cannot read none.mlir");
    refused(&[ok, "--scratchpad=100,0.5x"], 1, "no scratchpad is large enough: branches needs at least 256 B");
    refused(&[ok, "--scratchpad=4KiB..1KiB"], 2, "the scratchpads 4096..1024 are in descending order");
    refused(&[ok, "--scratchpad="], 2, "'' is not a size");
    refused(&[ok, "--scratchpad=1KB"], 2, "the units are B, KiB, MiB, GiB and TiB");
    refused(&[ok, "--steps=1"], 2, "--steps");
    refused(&[ok, "--jobs=0"], 2, "--jobs");
    refused(&[ok, "--order=any"], 2, "the order is free or source, not 'any'");
    refused(&[ok, "--alignment=8GiB"], 1, "alignment must be at most 2^32 B");
    refused(&[ok, "--function=f"], 2, "branches.mlir has no function 'f': there is branches");
    refused(&[ok, "--plot-axis=linear"], 2, "--plot");
    refused(&[ok, "--json=none/out.json"], 2, "cannot write none/out.json");
    refused(&[ok, "--json=out", "--csv=out"], 2, "cannot both go to out");
    refused(&[ok, "--json=state", "--state=state"], 2, "state and JSON cannot both go to state");
    refused(&[ok, "--json=state", "--state=./state"], 2, "state and JSON cannot both go to state");
    refused(&[ok, "--state=letter.txt"], 2, "letter.txt:1: not a line of a sweep; choose another file");
    assert_eq!(read(&folder, "letter.txt"), "Dear all,");
    refused(&[ok, "--state=branches.mlir"], 2, "branches.mlir:1: not a line of a sweep");
    assert_eq!(read(&folder, "branches.mlir"), BRANCHES);
}

/// The two layers of the book's example of tiles; neither fits 14 KiB.
const STEM: &str = include_str!("../examples/stem.mlir");

#[test]
fn the_curve_in_tiles() {
    let folder = folder();
    fs::write(folder.path().join("stem.mlir"), STEM).expect("a file");
    let sizes = "--scratchpad=64,3KiB,8KiB,14KiB,64KiB";
    let files = ["--json=out.json", "--csv=out.csv", "--plot=out.svg", "--state=state.jsonl"];
    let flags = ["stem.mlir", "--tile", "--no-times", sizes];
    let table = succeeds(&folder, &[&flags[..], &files].concat());
    assert!(table.contains("minimum scratchpad of whole operators 25728 B"), "{table}");
    let json: serde_json::Value = serde_json::from_str(&read(&folder, "out.json")).expect("it is JSON");
    assert_eq!(json["series"][0]["order"], "source");
    let points = json["series"][0]["points"].as_array().expect("there are points");
    let statuses: Vec<&str> = points.iter().map(|it| it["status"].as_str().expect("text")).collect();
    assert_eq!(statuses, ["too small", "feasible", "optimal", "optimal", "optimal"]);
    let moved = |at: usize| points[at]["non_compulsory"].as_u64();
    assert!(moved(1) > Some(0) && [2, 3, 4].iter().all(|it| moved(*it) == Some(0)), "{table}");
    assert_eq!(points[1]["lower_bound"], 0, "nothing is proven of other tilings");
    // With 8 KiB in tiles; with 64 KiB whole, as it is planned first.
    assert!(points[2]["tiles"].as_u64() > Some(3) && points[4]["tiles"].is_null(), "{table}");
    assert!(read(&folder, "out.csv").lines().next().is_some_and(|it| it.ends_with(",tiles")));
    assert!(read(&folder, "out.svg").contains("3 operators, in tiles"));

    // A sweep that goes on gives the same, and whole operators are another network.
    assert_eq!(succeeds(&folder, &[&flags[..], &files].concat()), table);
    let n_lines = read(&folder, "state.jsonl").lines().count();
    succeeds(&folder, &["stem.mlir", "--no-times", "--scratchpad=64KiB", "--state=state.jsonl"]);
    assert_eq!(read(&folder, "state.jsonl").lines().count(), n_lines + 1);
    let output = run(&folder, &["stem.mlir", "--tile", "--scratchpad=64"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("no scratchpad is large enough: stem needs more for its smallest tiles"), "{said}");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let folder = folder();
    let output = run(&folder, &["branches.mlir", "--plot=out.png"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "error: --plot draws SVG: out.png does not end in .svg\n");
}

/// As other commands do.
#[test]
fn a_part_of_a_byte_is_left_out_and_said() {
    let folder = folder();
    let output = run(&folder, &["branches.mlir", "--no-times", "--scratchpad=1.1KiB"]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "warning: '1.1KiB' is not a whole number of bytes: it is taken as 1126 B\n");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\n      1126 "));
}

#[test]
fn standard_output_holds_one_thing() {
    let folder = folder();
    let json = succeeds(&folder, &["branches.mlir", "--no-times", "--json=-"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON alone");
    assert_eq!(json["network"], "branches");
}

/// Several networks are in one table, one plot, and a list of what each alone has.
#[test]
fn several_networks() {
    let folder = folder();
    let chain = r#"
func.func @main(%x: tensor<64xi8>, %w: tensor<256xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "Long"(%x, %w) : (tensor<64xi8>, tensor<256xi8>) -> tensor<64xi8>
  %1 = cosma.op "Short"(%0) : (tensor<64xi8>) -> tensor<512xi8>
  %2 = cosma.op "Again"(%1, %w) : (tensor<512xi8>, tensor<256xi8>) -> tensor<64xi8>
  return %2 : tensor<64xi8>
}
"#;
    fs::write(folder.path().join("chain.mlir"), chain).expect("a file");
    let flags = ["--no-times", "--steps=3", "--json=out.json", "--csv=out.csv", "--plot=out.svg"];
    let networks = ["branches.mlir", "chain.mlir"];
    let table = succeeds(&folder, &[&networks[..], &flags].concat());
    let found: serde_json::Value = serde_json::from_str(&read(&folder, "out.json")).expect("it is JSON");
    let (plot, csv) = (read(&folder, "out.svg"), read(&folder, "out.csv"));
    for (index, name) in ["branches", "chain"].into_iter().enumerate() {
        let alone = succeeds(&folder, &[&[networks[index]], &flags[..]].concat());
        let alone_json: serde_json::Value = serde_json::from_str(&read(&folder, "out.json")).expect("it is JSON");
        assert_eq!(found[index], alone_json);
        let headline = alone.split("\n\n").next().expect("a paragraph");
        assert!(table.contains(headline), "{table}");
        let rows = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        let of_network: Vec<String> = rows(&read(&folder, "out.csv")).iter().map(|it| format!("{name},{it}")).collect();
        assert!(!of_network.is_empty());
        let of_all: Vec<String> = rows(&csv).into_iter().filter(|it| it.starts_with(&format!("{name},"))).collect();
        assert_eq!(of_all, of_network);
        assert!(plot.contains(&format!("{name}</text>")) || plot.contains(&format!("\n{name}\n</text>")), "{plot}");
    }
    // One curve has no dashes, the other has some, in the plot and in the legend; and there is a dark form.
    assert_eq!(plot.matches("class=\"stairs\"").count(), 4);
    assert_eq!(plot.matches("stroke-dasharray=\"8 3\"").count(), 2, "{plot}");
    assert!(plot.contains("2 networks: traffic over scratchpad size") && plot.contains("prefers-color-scheme: dark"));
    assert!(plot.contains("traffic to host memory / compulsory"));

    let refused = |flags: &[&str], says: &str| {
        let output = run(&folder, flags);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(says), "{said}");
    };
    refused(&["chain.mlir", "chain.mlir"], "chain.mlir is given twice");
    refused(&["chain.mlir", "branches.mlir", "--function=main"], "--function is of one network, but 2 are given");
    refused(&["chain.mlir", "branches.mlir", "--rate=4"], "--rate is of one network, but 2 are given");
    // Files of one name keep apart.
    fs::create_dir(folder.path().join("other")).expect("a folder");
    fs::copy(folder.path().join("chain.mlir"), folder.path().join("other/chain.mlir")).expect("a file");
    let table = succeeds(&folder, &["chain.mlir", "other/chain.mlir", "--no-times", "--steps=2"]);
    assert!(table.contains("\nother/chain.mlir: 3 operators\n") && table.starts_with("chain.mlir: 3"), "{table}");
}

/// A weight that streams again for each of its operators does so in every scratchpad, and the headline says so.
#[test]
fn the_headline_agrees_with_the_table() {
    let folder = folder();
    let text = r#"
func.func @twice(%x: tensor<64xi8>, %w: tensor<32xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x, %w) : (tensor<64xi8>, tensor<32xi8>) -> tensor<64xi8>
  %1 = cosma.op "B"(%0, %w) : (tensor<64xi8>, tensor<32xi8>) -> tensor<64xi8>
  return %1 : tensor<64xi8>
}
"#;
    fs::write(folder.path().join("twice.mlir"), text).expect("a file");
    let table = succeeds(&folder, &["twice.mlir", "--no-times", "--weights=streamed", "--scratchpad=min,1KiB"]);
    assert!(table.contains("compulsory traffic 160 B"), "{table}");
    let table = succeeds(&folder, &["twice.mlir", "--no-times", "--weights=streamed"]);
    assert!(table.contains("no other traffic but 32 B that stream again from 128 B on"), "{table}");
    assert!(table.contains("192              32     32       optimal"), "{table}");
}

/// An interrupted sweep shows what it has.
#[test]
fn control_c_takes_what_is_planned() {
    use std::io::{BufRead, BufReader};
    let folder = folder();
    let network = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/networks/nasnet_a_mobile.mlir");
    let flags = [network, "--solver=ilp", "--steps=12", "--jobs=1", "--time-limit=600", "--state=state.jsonl"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_cosma-sweep"))
        .current_dir(folder.path())
        .args(flags)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    // The handler is there once the state is open, and planning of the first size takes longer than that.
    while !folder.path().join("state.jsonl").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("it runs");
    assert!(status.success());
    let says = child.stderr.take().expect("a pipe");
    let said: Vec<String> = BufReader::new(says).lines().map(|it| it.expect("it is text")).collect();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{said:?}");
    assert!(said.iter().any(|it| it.starts_with("stopped: ") && it.ends_with("were not planned")), "{said:?}");
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("nasnet_a_mobile: 546 operators"), "{table}");
    // What was cut off had less time than its line would say.
    assert_eq!(read(&folder, "state.jsonl"), "");
}
