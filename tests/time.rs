//! Machines with a clock on the command line: reports, charts, sweeps over bandwidth, the benchmark.

mod common;

use serde_json::Value;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The example of the book, whose times can be followed by hand.
fn example() -> String {
    fs::read_to_string(common::project().join("examples/prefetch.mlir")).expect("it is there")
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("prefetch.mlir"), example()).expect("a file");
    folder
}

fn run(folder: &TempDir, command: &str, flags: &[&str]) -> Output {
    Command::new(command).current_dir(folder.path()).args(flags).output().expect("it runs")
}

#[track_caller]
fn succeeds(folder: &TempDir, command: &str, flags: &[&str]) -> String {
    let output = run(folder, command, flags);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn fails(folder: &TempDir, command: &str, flags: &[&str], code: i32, text: &str) {
    let output = run(folder, command, flags);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(text), "{said}");
}

fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).expect("it was written")
}

const OPT: &str = env!("CARGO_BIN_EXE_cosma-opt");
const SWEEP: &str = env!("CARGO_BIN_EXE_cosma-sweep");
const BENCH: &str = env!("CARGO_BIN_EXE_cosma-bench");

/// The object `time` of a report.
fn time_of(folder: &TempDir, flags: &[&str]) -> Value {
    let all = [&["--allocate", "prefetch.mlir", "--report=out.json", "-o", "out.mlir"][..], flags].concat();
    succeeds(folder, OPT, &all);
    let report: Value = serde_json::from_str(&read(folder, "out.json")).expect("it is JSON");
    report["functions"][0]["time"].clone()
}

#[test]
fn stalls_and_computing_add_up() {
    let folder = folder();
    for (flags, cycles) in [(&[][..], 173), (&["--overlap=none"], 236), (&["--objective=latency"], 173)] {
        let time = time_of(&folder, flags);
        let stalls = time["stalls"].as_object().expect("reasons");
        let stalled: u64 = stalls.values().filter_map(Value::as_u64).sum();
        assert_eq!((time["cycles"].as_u64(), time["compute"].as_u64()), (Some(cycles), Some(120)), "{time}");
        assert_eq!(stalled + 120, cycles, "{time}");
        assert_eq!((time["lower_bound"].as_u64(), &time["bound"]), (Some(173), &"B0".into()), "{time}");
        assert_eq!(time["channels"], serde_json::json!([{ "name": "dma", "bytes": 384, "busy": 96 }]));
    }
    // What is planned is judged again, and told by what it says alone.
    succeeds(
        &folder,
        OPT,
        &["--verify", "--trace=trace.json", "--time-chart=chart.svg", "out.mlir", "-o", "again.mlir"],
    );
    assert!(read(&folder, "trace.json").contains("\"dma\""));
    let chart = read(&folder, "chart.svg");
    assert!(chart.contains("without overlap: 236 cycles") && chart.contains("as planned: 173 cycles"), "{chart}");
}

#[test]
fn machines_by_name_and_by_file() {
    let folder = folder();
    let lines = "machine scratchpad 512 alignment 32\nchannel bus\nlink host scratchpad rate 1/2 on bus\n\
                 link scratchpad host rate 1/2 on bus\ncompute cycles_per_mac 1\n";
    fs::write(folder.path().join("slow.txt"), lines).expect("a file");
    let time = time_of(&folder, &["--machine=slow.txt"]);
    // 768 cycles of transfers, of which those of the first and the last tensor are not hidden.
    assert_eq!((&time["compute"], &time["channels"][0]["busy"]), (&240.into(), &768.into()));
    assert!(768 <= time["cycles"].as_u64().expect("a number"), "{time}");
    // Flags come before the file, and the file before the module.
    let problem = |flags: &[&str]| {
        let output = run(&folder, OPT, &[&["--print-problem", "prefetch.mlir", "-o", "out.mlir"][..], flags].concat());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(problem(&["--machine=slow.txt"]).contains("machine scratchpad 512 alignment 32"));
    let said = problem(&["--machine=slow.txt", "--scratchpad=1KiB", "--dma-bytes-per-cycle=7.5", "--cycles-per-mac=2"]);
    assert!(said.contains("machine scratchpad 1024 alignment 32") && said.contains("rate 15/2"), "{said}");

    fs::write(folder.path().join("wrong.txt"), "channel dma\nlink host scratchpad rate 0 on dma\n").expect("a file");
    fails(&folder, OPT, &["--machine=wrong.txt", "prefetch.mlir"], 2, "wrong.txt: line 2: ");
    fails(&folder, OPT, &["--machine=none.txt", "prefetch.mlir"], 2, "there is no machine or file 'none.txt'");
    fs::write(folder.path().join("vela.ini"), "[System_Config.A]\n").expect("a file");
    fails(
        &folder,
        OPT,
        &["--machine=vela.ini", "prefetch.mlir"],
        2,
        "needs a system, a memory mode and an accelerator",
    );
    fails(&folder, OPT, &["--machine=vela.ini,B,C,ethos-u65-512", "prefetch.mlir"], 2, "vela.ini: ");
    let without = ["--allocate", "--objective=latency", "--scratchpad=256", "cell.mlir"];
    fs::write(folder.path().join("cell.mlir"), common::BRANCHES).expect("a file");
    fails(&folder, OPT, &without, 1, "latency cannot be the objective if the machine has no clock");
}

#[test]
fn a_sweep_over_bandwidth() {
    let folder = folder();
    let sizes = ["prefetch.mlir", "--order=source", "--scratchpad=128,256,320,512", "--rate=2,8,1/2,2"];
    let files = ["--json=out.json", "--csv=out.csv", "--plot=out.svg"];
    let table = succeeds(&folder, SWEEP, &[&sizes[..], &files].concat());
    assert!(table.contains("layers: 3 operators") || table.contains("prefetch: 3 operators"), "{table}");
    assert!(table.contains("too small"), "{table}");
    let json: Value = serde_json::from_str(&read(&folder, "out.json")).expect("it is JSON");
    let points = json["points"].as_array().expect("points");
    // Four sizes, and three rates: one is given twice.
    assert_eq!(points.len(), 12);
    let cycles = |size: u64, rate: &str| {
        let is_it = |it: &&Value| it["scratchpad"] == size && it["rate"] == rate;
        points.iter().find(is_it).expect("it is there")["cycles"].as_u64()
    };
    assert_eq!(cycles(128, "2"), None);
    for rates in [["1/2", "2"], ["2", "8"]] {
        for size in [256, 320, 512] {
            assert!(cycles(size, rates[1]) < cycles(size, rates[0]), "{table}");
        }
    }
    for point in points.iter().filter(|it| !it["cycles"].is_null()) {
        assert!(point["lower_bound"].as_u64() <= point["cycles"].as_u64(), "{point}");
        assert_eq!(point["compute"].as_u64(), Some(120));
    }
    assert_eq!(read(&folder, "out.csv").lines().count(), 13);
    assert!(read(&folder, "out.svg").contains("bytes per cycle"));
    fails(&folder, SWEEP, &["prefetch.mlir", "--rate=0"], 2, "it must be above zero");
    fails(&folder, SWEEP, &["prefetch.mlir", "--rate=2", "--order=free,source"], 2, "--rate takes one treatment");
    fails(&folder, SWEEP, &["prefetch.mlir", "--rate=2", "--scratchpad=64"], 1, "no scratchpad is large enough");
}

#[test]
fn the_benchmark_on_time() {
    let folder = folder();
    let flags = ["prefetch.mlir", "--weights=resident", "--scratchpad-factors=1,1.5", "--no-times"];
    let objective = ["--objective=traffic-then-latency", "--json=out.json", "--markdown=out.md"];
    let table = succeeds(&folder, BENCH, &[&flags[..], &objective].concat());
    assert!(
        table.contains("6 cases; 30 programs were judged for races and for time, 0 of the cases have a fault"),
        "{table}"
    );
    assert!(read(&folder, "out.md").contains("| ethos-u65-high-end | inference | 2 |"), "{}", read(&folder, "out.md"));
    let json: Value = serde_json::from_str(&read(&folder, "out.json")).expect("it is JSON");
    let cases = json["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 6);
    for case in cases {
        let outcome = &case["outcome"];
        let cycles = outcome["cycles"].as_u64();
        assert!(outcome["lower_bound"].as_u64() <= cycles, "{case}");
        for rule in outcome["rules"].as_array().expect("rules") {
            assert!(cycles <= rule[1].as_u64(), "no rule is faster: {case}");
        }
    }
    succeeds(&folder, BENCH, &[&flags[..], &["--objective=latency", "--machines=soma-edge"]].concat());
    fails(&folder, BENCH, &["prefetch.mlir", "--objective=speed"], 2, "'speed' is not an objective");
    fails(
        &folder,
        BENCH,
        &["prefetch.mlir", "--objective=latency", "--machines=x"],
        2,
        "there is no machine or file 'x'",
    );
}

/// The runtime of the example compiles, and does what the header says.
#[test]
fn the_runtime_of_the_example_copies_rows() {
    let folder = folder();
    let examples = common::project().join("examples");
    let main = "#include \"dma.h\"\n#include <string.h>\nint main(void) {\n  char from[] = \"abcdefghi\", to[] = \"....\";\n  \
                cosma_dma_start(0, to, from + 1, 2, 2, 2, 3, 0);\n  cosma_dma_wait(0);\n  return strcmp(to, \"bcef\");\n}\n";
    fs::write(folder.path().join("main.c"), main).expect("a file");
    let source = examples.join("dma.c");
    let include = format!("-I{}", examples.display());
    let flags =
        ["-Wall", "-Wextra", "-Werror", "-std=c99", &include, "main.c", &source.display().to_string(), "-o", "main"];
    succeeds(&folder, "cc", &flags);
    succeeds(&folder, folder.path().join("main").to_str().expect("UTF-8"), &[]);
}
