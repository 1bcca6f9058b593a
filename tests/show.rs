//! What `cosma-opt` shows of plans: the flags, the files, and the page in a real browser.

mod common;

use common::{Run, shared};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two functions, of which the first has to move something at 256 B; and one with nothing to plan.
const TWO: &str = r#"
func.func @cell(%x: tensor<64xi8> loc("image"), %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "Expand"(%x) : (tensor<64xi8>) -> tensor<128xi8> loc("block.expand"("net.onnx":7:1))
  %1 = cosma.op "Shift"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %2 = cosma.op "Reduce"(%0) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "Conv"(%1, %w) macs 4096 : (tensor<128xi8>, tensor<64xi8>) -> tensor<64xi8>
  %4 = cosma.op "Add"(%2, %3, %x) : (tensor<64xi8>, tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %4 : tensor<64xi8>
}
func.func @relu(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Relu"(%x) {in_place = [[0, 0]]} : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
func.func @nothing() {
  return
}
"#;

fn run(flags: &[&str]) -> Run {
    let all: Vec<&str> = ["--schedule", "--allocate", "--scratchpad=256"].iter().chain(flags).copied().collect();
    Run::new(env!("CARGO_BIN_EXE_cosma-opt"), "mlir", TWO, &all)
}

fn read(run: &Run, name: &str) -> String {
    std::fs::read_to_string(run.folder.path().join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}\n{}", run.says()))
}

#[test]
fn each_function_has_a_picture_and_one_page_shows_all() {
    let shown = run(&["--memory-map=map.svg", "--dot=graph.dot", "--trace=trace.json", "--explain=why.txt"]);
    let map = read(&shown, "map.cell.svg");
    assert!(map.contains("\n@cell\n") && map.contains("block.expand") && map.contains("image"), "{map}");
    assert!(read(&shown, "map.relu.svg").contains("in-place"));
    assert!(read(&shown, "graph.cell.dot").contains("64 B of weights"));
    assert!(read(&shown, "graph.relu.dot").starts_with("digraph \"relu\" {"));
    let trace: serde_json::Value = serde_json::from_str(&read(&shown, "trace.json")).expect("it is JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let processes: Vec<_> = events.iter().filter(|it| it["name"] == "process_name").collect();
    assert_eq!(processes.iter().map(|it| it["args"]["name"].as_str().unwrap()).collect::<Vec<_>>(), ["@cell", "@relu"]);
    assert!(events.iter().any(|it| it["name"] == "block.expand" && it["args"]["source"] == "net.onnx:7:1"));
    let why = read(&shown, "why.txt");
    assert!(why.starts_with("@cell: 5 operators") && why.contains("\n@relu: 1 operator "), "{why}");
    assert!(why.contains("image, 64 B: 2 reloads") && why.contains("What a larger scratchpad would save"), "{why}");
    shown.succeeds();

    let shown = run(&["--memory-map=map.html", "--explain"]);
    let page = read(&shown, "map.html");
    assert!(page.contains("\"cell\"") && page.contains("\"relu\"") && !page.contains("\"nothing\""));
    assert!(!page.contains("http://") && !page.contains("https://"), "it stands alone");
    shown.succeeds_saying("@cell: 5 operators in a scratchpad of 256 B");
}

#[test]
fn a_machine_gives_durations() {
    let flags = ["--trace=trace.json", "--dma-bytes-per-cycle=32", "--cycles-per-mac=0.5"];
    let shown = run(&flags);
    let trace: serde_json::Value = serde_json::from_str(&read(&shown, "trace.json")).expect("it is JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let duration = |name: &str| events.iter().find(|it| it["name"] == name).map(|it| it["dur"].as_f64().unwrap());
    // 4096 MACs; 64 B.
    assert_eq!(duration("Conv_1").or(duration("Conv_2")).or(duration("Conv_3")), Some(2048.0));
    assert_eq!(duration("load image"), Some(2.0));
    shown.succeeds();
}

#[test]
fn what_was_planned_or_is_lowered_is_shown_too() {
    let planned = run(&["--lower-addresses", "--memory-map=map.html", "--report=report.json"]);
    assert!(read(&planned, "report.json").contains("\"cell\""));
    assert!(read(&planned, "map.html").contains("optimal"));
    assert!(planned.succeeds().contains("memref"));
    let planned = run(&[]).succeeds();
    let flags = ["--memory-map=map.html", "--explain"];
    let shown = Run::new(env!("CARGO_BIN_EXE_cosma-opt"), "mlir", &planned, &flags);
    assert!(read(&shown, "map.html").contains("optimal"));
    assert_eq!(shown.succeeds_saying("no choice of evictions moves less"), planned);
    let pipeline = "--pass-pipeline=builtin.module(func.func(cosma-allocate{order=free},cosma-insert-transfers))";
    let shown = Run::new(
        env!("CARGO_BIN_EXE_cosma-opt"),
        "mlir",
        TWO,
        &[pipeline, "--scratchpad=256", "--memory-map=map.html"],
    );
    assert!(read(&shown, "map.html").contains("optimal"));
    shown.succeeds();
}

#[test]
fn wrong_calls_are_refused() {
    run(&["--memory-map=map.png"]).fails(2, "--memory-map needs a file name that ends in .svg or .html, not 'map.png'");
    run(&["--memory-map=map"]).fails(2, "--memory-map needs a file name that ends in .svg or .html");
    run(&["--trace=trace.txt"]).fails(2, "--trace needs a file name that ends in .json");
    run(&["--dot=graph.svg"]).fails(2, "--dot needs a file name that ends in .dot or .gv");
    run(&["--trace=t.json", "--dma-bytes-per-cycle=32"]).fails(2, "--cycles-per-mac");
    run(&["--trace=t.json", "--dma-bytes-per-cycle=0", "--cycles-per-mac=1"]).fails(2, "above zero");
    run(&["--memory-map=no/such/map.svg"]).fails(2, "cannot write no/such/map.cell.svg");
    run(&["--trace=t.json", "--report=t.json"]).fails(2, "cannot both go to t.json");
    let source = |flags: &[&str]| Run::new(env!("CARGO_BIN_EXE_cosma-opt"), "mlir", TWO, flags);
    let text = "@cell has no plan to show: add --allocate, or pass a planned module";
    source(&["--memory-map=map.svg", "--scratchpad=256"]).fails(2, text);
    source(&["--explain"]).fails(2, "the size of the scratchpad is not known");
    let nothing = "func.func @nothing() {\n  return\n}\n";
    let nothing = Run::new(env!("CARGO_BIN_EXE_cosma-opt"), "mlir", nothing, &["--explain", "--scratchpad=256"]);
    nothing.fails(2, "there is no plan to show");
    let wrong = run(&[]).succeeds().replacen("at 64", "at 0", 1).replacen("at [64]", "at [0]", 1);
    Run::new(env!("CARGO_BIN_EXE_cosma-opt"), "mlir", wrong, &["--memory-map=map.svg"]).fails(1, "error:");
}

#[test]
fn graphviz_reads_graphs() {
    let shown = run(&["--dot=graph.dot"]);
    let mut graphviz = Command::new("dot");
    match graphviz.arg("-Tsvg").arg(shown.folder.path().join("graph.cell.dot")).output() {
        Err(_) => println!("skipped: there is no Graphviz"),
        Ok(output) => {
            let says = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && says.is_empty(), "{says}");
            let drawn = String::from_utf8_lossy(&output.stdout);
            assert_eq!(drawn.matches("block.expand").count(), 2, "its box, and the edge of what it writes");
        }
    }
    shown.succeeds();
}

/// Runs `scripts/browse.py` on a page; none if there is no browser.
fn browse(page: &Path) -> Option<serde_json::Value> {
    let script = common::project().join("scripts/browse.py");
    let output = Command::new("python3").arg(script).arg(page).output().expect("there is Python");
    let says = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        println!("{}", says.trim_end());
        return None;
    }
    assert!(output.status.success(), "{says}");
    Some(serde_json::from_slice(&output.stdout).expect("it is JSON"))
}

#[test]
fn pages_do_what_they_should_in_a_browser() {
    let small = run(&["--memory-map=map.html"]);
    let Some(measured) = browse(&small.folder.path().join("map.html")) else { return };
    assert_eq!(measured["steps"], 5);
    small.succeeds();
    let Some(shared) = shared(&["networks"]) else { return };
    let network: PathBuf = shared.join("networks/nasnet_a_cifar.mlir");
    let network = std::fs::read(network).expect("the network is there");
    let flags = ["--schedule", "--allocate", "--scratchpad=432537", "--memory-map=map.html"];
    let large = Run::new(env!("CARGO_BIN_EXE_cosma-opt"), "mlir", network, &flags);
    let measured = browse(&large.folder.path().join("map.html")).expect("there was a browser before");
    assert_eq!(measured["steps"], 629);
    // A sixtieth of a second is 16.7 ms; a machine that does other things as well may take some more.
    let draw = measured["draw_median"].as_f64().expect("a number");
    assert!(draw < 10.0, "{measured}");
    large.succeeds();
}

/// The book's example of tiles.
const STEM: &str = include_str!("../examples/stem.mlir");

#[test]
fn tiles_are_shown_as_their_operators() {
    let files = ["--memory-map=map.svg", "--dot=graph.dot", "--trace=trace.json", "--explain=why.txt"];
    let flags = [&["--tile", "--allocate", "--scratchpad=14KiB", "--report=report.json"], &files[..]].concat();
    let shown = Run::new(env!("CARGO_BIN_EXE_cosma-opt"), "mlir", STEM, &flags);
    let why = read(&shown, "why.txt");
    assert!(why.starts_with("@stem: 9 tiles of 3 operators in a scratchpad of 14 KiB"), "{why}");
    // Both weights, of 1,152 B and 2,304 B, are read in each band.
    let chain = "\n  Conv_0 to Conv_2 run in 3 bands (3 operators, 9 tiles); 3.38 KiB of weights stay\n";
    assert!(why.contains(chain), "{why}");
    // The image in its five pieces.
    assert!(why.contains("\n  arg0 ") && why.contains("5 loads of 8 KiB in 5 pieces"), "{why}");
    let map = read(&shown, "map.svg");
    assert!(map.contains("9 tiles of 3 operators") && map.contains("Conv_0 to Conv_2 ×3"), "{map}");
    let graph = read(&shown, "graph.dot");
    assert!(graph.contains("Conv_0\\nConv\\n3 tiles") && graph.contains("run in 3 bands"), "{graph}");
    assert_eq!(graph.matches("headlabel = \"Conv_0 16 KiB\"").count(), 1, "{graph}");
    let trace: serde_json::Value = serde_json::from_str(&read(&shown, "trace.json")).expect("it is JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let tiles: Vec<_> = events.iter().filter(|it| it["name"] == "Relu_1").map(|it| &it["args"]["tile"]).collect();
    assert_eq!(tiles, ["Relu_1/0", "Relu_1/1", "Relu_1/2"]);
    assert!(events.iter().any(|it| it["args"]["part"].as_str().is_some_and(|it| it.starts_with("[0, 0, "))));
    let report: serde_json::Value = serde_json::from_str(&read(&shown, "report.json")).expect("it is JSON");
    let tiling = &report["functions"][0]["tiling"];
    assert_eq!((&tiling["operators"], &tiling["tiled_operators"], &tiling["tiles"]), (&3.into(), &3.into(), &9.into()));
    let group = serde_json::json!({ "operators": ["Conv_0", "Relu_1", "Conv_2"], "bands": 3, "tiles": 9 });
    assert_eq!(tiling["groups"], serde_json::json!([group]));
    assert_eq!(tiling["tiles_of"][2], serde_json::json!({ "operator": "Conv_2", "tiles": 3 }));
    let planned = shown.succeeds();

    // What was planned before is shown alike.
    let again = Run::new(env!("CARGO_BIN_EXE_cosma-opt"), "mlir", &planned, &["--explain=why.txt"]);
    assert!(read(&again, "why.txt").contains(chain));
    again.succeeds();
    let whole = Run::new(
        env!("CARGO_BIN_EXE_cosma-opt"),
        "mlir",
        STEM,
        &["--tile", "--allocate", "--scratchpad=64KiB", "--report=report.json"],
    );
    assert!(!read(&whole, "report.json").contains("\"tiling\""), "nothing is cut");
    whole.succeeds();
}
