//! What `cosma-opt` says while it plans, and how Ctrl-C ends planning.

mod common;

use common::Run;
use std::fmt::Write;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

const OPT: &str = env!("CARGO_BIN_EXE_cosma-opt");

/// Layers whose operators read from all over the layer before: far too many orders to prove anything.
fn tangled() -> String {
    let (layers, width) = (10, 24);
    let size = |layer: usize, index: usize| 64 * (1 + (7 * layer + 13 * index + layer * index) % 17);
    let mut text = format!("func.func @tangled(%x: tensor<{}xi8>) -> tensor<64xi8> {{\n", 64);
    let name = |layer: usize, index: usize| match layer {
        0 => "%x".to_owned(),
        _ => format!("%t{layer}_{index}"),
    };
    let r#type = |layer: usize, index: usize| match layer {
        0 => "tensor<64xi8>".to_owned(),
        _ => format!("tensor<{}xi8>", size(layer, index)),
    };
    for layer in 1..=layers {
        for index in 0..width {
            let reads = [index, (5 * index + layer) % width, (11 * index + 3 * layer) % width];
            let mut reads = if layer == 1 { vec![0] } else { reads.to_vec() };
            reads.dedup();
            let names: Vec<String> = reads.iter().map(|it| name(layer - 1, *it)).collect();
            let types: Vec<String> = reads.iter().map(|it| r#type(layer - 1, *it)).collect();
            let (names, types) = (names.join(", "), types.join(", "));
            let (result, to) = (name(layer, index), r#type(layer, index));
            writeln!(text, "  {result} = cosma.op \"Mix\"({names}) : ({types}) -> {to}").expect("memory");
        }
    }
    let names: Vec<String> = (0..width).map(|it| name(layers, it)).collect();
    let types: Vec<String> = (0..width).map(|it| r#type(layers, it)).collect();
    let (names, types) = (names.join(", "), types.join(", "));
    writeln!(text, "  %y = cosma.op \"Sum\"({names}) : ({types}) -> tensor<64xi8>").expect("memory");
    text + "  return %y : tensor<64xi8>\n}\n"
}

/// Sends Ctrl-C to a process, which ends well; gives what it says from then on.
fn interrupt(mut child: Child, mut says: impl Read) -> String {
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is kill");
    assert!(kill.success());
    let mut rest = String::new();
    says.read_to_string(&mut rest).expect("text");
    assert!(child.wait().expect("it ends").success(), "{rest}");
    rest
}

#[test]
fn control_c_ends_planning_with_the_best_plan_so_far() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("in.mlir"), tangled()).expect("a file");
    let mut child = Command::new(OPT)
        .current_dir(folder.path())
        .args(["in.mlir", "--schedule", "--allocate", "--scratchpad=14KiB", "--time-limit=3600", "--verbose"])
        .args(["--report=report.json", "-o", "out.mlir"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("cosma-opt starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.starts_with("@tangled: search, best") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).expect("text"), 0, "planning ends by itself");
    }
    let rest = interrupt(child, lines);
    assert!(rest.contains("\nstopped: taking the best plans found so far") || rest.starts_with("stopped"), "{rest}");
    let report = std::fs::read_to_string(folder.path().join("report.json")).expect("a report");
    assert!(report.contains("\"status\": \"feasible\""), "{report}");
    let planned = std::fs::read(folder.path().join("out.mlir")).expect("a module");
    Run::new(OPT, "mlir", planned, &["--verify"]).succeeds();
}

/// It plans for them once more, for as long as the time limit says.
#[test]
fn control_c_ends_planning_for_larger_scratchpads_too() {
    let flags = ["--schedule", "--allocate", "--scratchpad=14KiB", "--time-limit=1"];
    let run = Run::new(OPT, "mlir", tangled(), &flags);
    let written = run.written();
    let mut child = Command::new(OPT)
        .arg(&written)
        .args(["--explain", "--time-limit=3600", "-o", "/dev/null"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("cosma-opt starts");
    // Before it minds the signal, the signal ends it.
    let status = format!("/proc/{}/status", child.id());
    let minds = |status: &str| {
        let caught = status.lines().find_map(|it| it.strip_prefix("SigCgt:")).expect("Linux tells");
        u64::from_str_radix(caught.trim(), 16).expect("a mask") & 0b10 != 0
    };
    while !minds(&std::fs::read_to_string(&status).expect("it runs")) {
        std::thread::yield_now();
    }
    let says = child.stderr.take().expect("a pipe");
    let rest = interrupt(child, says);
    assert!(rest.contains("What a larger scratchpad would save"), "{rest}");
}

#[test]
fn nothing_is_said_where_nobody_reads_it() {
    let says = |flags: &[&str]| {
        let flags = [&["--schedule", "--allocate", "--scratchpad=14KiB", "--time-limit=1.5"], flags].concat();
        let run = Run::new(OPT, "mlir", tangled(), &flags);
        let says = run.says();
        run.succeeds();
        says
    };
    assert_eq!(says(&["--quiet"]), "");
    let piped = says(&[]);
    // The warning, the line that it is about, and the caret.
    assert!(piped.contains("warning: the plan may not be optimal") && piped.lines().count() == 3, "{piped}");
    assert!(!piped.contains('\x1b'), "{piped:?}");
    let verbose = says(&["--verbose"]);
    assert!(verbose.contains("@tangled: done, best "), "{verbose}");
    Run::new(OPT, "mlir", tangled(), &["--quiet", "--verbose"]).fails(2, "cannot be used with");
}
