//! What `cosma-opt` says to calls, modules and machines that are wrong, or only odd.

mod common;

use common::Run;
use std::process::Command;

/// What comes of a run of cosma-opt on a module.
fn opt(module: &str, flags: &[&str]) -> Run {
    Run::new(env!("CARGO_BIN_EXE_cosma-opt"), "mlir", module, flags)
}

const RELU: &str = "func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op \"Relu\"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
";
const PLAN: [&str; 3] = ["--schedule", "--allocate", "--scratchpad=128"];

#[test]
fn wrong_calls() {
    for (flags, text) in [
        (&["--frobnicate"][..], "unexpected argument '--frobnicate'"),
        (&["--allocate"], "the size of the scratchpad is not known"),
        (&["--allocate", "--scratchpad=0"], "a size is at least 1 B"),
        (&["--allocate", "--scratchpad=12XiB"], "'12XiB' has the unknown unit 'XiB'"),
        (&["--allocate", "--scratchpad=-5"], "'-5'"),
        (&["--allocate", "--scratchpad=0.5"], "'0.5'"),
        (&["--allocate", "--scratchpad=99999999999TiB"], "too large"),
        (&["--allocate", "--scratchpad=128", "--alignment=0"], "a size is at least 1 B"),
        (&["--allocate", "--scratchpad=128", "--time-limit=-1"], "not a number of seconds"),
        (&["--allocate", "--scratchpad=128", "--time-limit=NaN"], "not a number of seconds"),
        (&["--allocate", "--scratchpad=128", "--solver=oracle"], "oracle"),
        (&["--schedule", "--pass-pipeline=builtin.module()"], "cannot be used with"),
        (&["--pass-pipeline=builtin.module(nonsense)"], "'nonsense' does not refer to a registered pass"),
        (&["--schedule", "--verify", "--scratchpad=128"], "add --allocate"),
        (&["--allocate", "--scratchpad=128", "--alignment=9223372036854775808"], "a size is less than 2^63 B"),
        (&["--allocate", "--scratchpad=128", "--time-limit=inf"], "not a number of seconds"),
        (&["--allocate", "--scratchpad=128", "--weights=elsewhere"], "weights are resident, streamed or auto"),
        (&["--allocate", "--scratchpad=128", "--report=no/such/report.json"], "cannot write no/such/report.json"),
        (&["--pass-pipeline=builtin.module("], "error: "),
        (&["--pass-pipeline=func.func(cosma-verify"], "error: "),
    ] {
        opt(RELU, flags).fails(2, text);
    }
    let missing = Command::new(env!("CARGO_BIN_EXE_cosma-opt")).arg("no/such/file.mlir").output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot read no/such/file.mlir"));
    let folder = Command::new(env!("CARGO_BIN_EXE_cosma-opt")).arg(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert_eq!(folder.status.code(), Some(2));
}

#[test]
fn wrong_modules() {
    for (module, text) in [
        ("func.func @f(", "in.mlir:1:13: error: "),
        (
            "func.func @f(%x: tensor<?xi8>) -> tensor<?xi8> {\n  %0 = cosma.op \"A\"(%x) : (tensor<?xi8>) -> tensor<?xi8>\n  return %0 : tensor<?xi8>\n}",
            "in.mlir:",
        ),
        ("func.func @f(%x: tensor<*xf32>) -> tensor<*xf32> {\n  return %x : tensor<*xf32>\n}", "in.mlir:"),
        (
            "func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {\n  cf.br ^next\n^next:\n  return %x : tensor<8xi8>\n}",
            "in.mlir:1:1: error: ",
        ),
        (
            "func.func @f(%x: tensor<64xi8>) -> tensor<128xi8> {
  %0 = cosma.op \"A\"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op \"Large\"(%0) : (tensor<64xi8>) -> tensor<128xi8>
  return %1 : tensor<128xi8>
}",
            "in.mlir:3:8: error: operator needs 192 B at once, but the scratchpad has 128 B: 64 B too few (min_scratchpad = 192)",
        ),
        (
            "func.func @f(%x: tensor<9223372036854775807xi8>) -> tensor<9223372036854775807xi8> {
  %0 = cosma.op \"A\"(%x) : (tensor<9223372036854775807xi8>) -> tensor<9223372036854775807xi8>
  return %0 : tensor<9223372036854775807xi8>
}",
            "in.mlir:",
        ),
    ] {
        let run = opt(module, &PLAN);
        assert!(run.says().contains("error: "), "{}", run.says());
        run.fails(1, text);
    }
}

/// Whether a line is `in.mlir:LINE:COLUMN: error: ` and a text.
fn is_located(line: &str) -> bool {
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    match line.splitn(4, ':').collect::<Vec<_>>()[..] {
        ["in.mlir", line, column, text] => is_number(line) && is_number(column) && text.starts_with(" error: "),
        _ => false,
    }
}

#[test]
fn errors_say_what_and_where() {
    let huge = "tensor<1152921504606846975xi8>";
    for (module, flags, text) in [
        (
            "func.func @f(%x: tensor<?xi8>) {\n  return\n}".to_owned(),
            &PLAN[..],
            "argument 0 cannot be planned: tensor<?xi8> has a dynamic dimension",
        ),
        (
            "func.func @f(%x: tensor<*xi8>) {\n  return\n}".to_owned(),
            &PLAN,
            "argument 0 cannot be planned: tensor<*xi8> is not a ranked tensor",
        ),
        (
            "func.func @f(%x: tensor<8xi8>) {\n  cf.br ^next\n^next:\n  return\n}".to_owned(),
            &PLAN,
            "only a function of one block can be planned, but this one has 2",
        ),
        (
            format!("func.func @f(%x: {huge}, %y: {huge}, %z: {huge}) {{\n  return\n}}"),
            &PLAN,
            "tensor sizes, padded to the alignment, add up to more than 2^60 B",
        ),
        (RELU.to_owned(), &["--allocate", "--scratchpad=128", "--alignment=9223372036854775807"], "at most 2^32 B"),
        (RELU.to_owned(), &["--liveness", "--alignment=9223372036854775807"], "at most 2^32 B"),
    ] {
        let run = opt(&module, flags);
        let says = run.says();
        assert!(says.lines().any(|it| is_located(it) && it.contains(text)), "expected: {text}\nfound: {says}");
        run.fails(1, text);
    }
}

#[test]
fn one_function_that_fails_keeps_all_from_being_written() {
    let large = RELU.replace("@f", "@large").replace("64xi8", "512xi8");
    opt(&format!("{RELU}{large}"), &PLAN).fails(1, "in.mlir:6:8: error: operator needs 1024 B");
    let both = opt(&format!("{RELU}{}", RELU.replace("@f", "@g")), &PLAN).succeeds();
    assert_eq!(both.matches("cosma.store").count(), 2);
}

#[test]
fn an_existing_file_stays_when_planning_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.mlir");
    std::fs::write(&path, "precious").unwrap();
    let run = opt(RELU, &["--allocate", "--scratchpad=64", "-o", path.to_str().unwrap()]);
    // A second -o is a wrong call, and so is planning in too little room: neither touches the file.
    assert_ne!(run.output.status.code(), Some(0));
    let status = Command::new(env!("CARGO_BIN_EXE_cosma-opt"))
        .args(["--allocate", "--scratchpad=64", "in.mlir", "-o"])
        .arg(&path)
        .current_dir(run.folder.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn planned_input_is_not_planned_again() {
    let planned = opt(RELU, &PLAN).succeeds();
    opt(&planned, &PLAN).fails(1, "is already planned: it has cosma.load");
    // But judged, and lowered.
    opt(&planned, &["--verify"]).succeeds();
    assert!(opt(&planned, &["--lower-addresses"]).succeeds().contains("memref.view"));
}

#[test]
fn odd_modules_have_plans() {
    // No operator, an argument that is returned, a declaration.
    let identity = opt(
        "func.func private @declared(tensor<8xi8>)\nfunc.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {\n  return %x : tensor<8xi8>\n}",
        &PLAN,
    )
    .succeeds();
    assert!(!identity.contains("= cosma."), "{identity}");
    // Nothing at all.
    opt("", &PLAN).succeeds();
    // A value returned twice goes out once; an argument that nobody reads never comes in.
    let twice = opt(
        "func.func @f(%x: tensor<64xi8>, %unused: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>) {
  %0 = cosma.op \"Relu\"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0, %0 : tensor<64xi8>, tensor<64xi8>
}",
        &PLAN,
    )
    .succeeds();
    assert_eq!((twice.matches("cosma.store").count(), twice.matches("cosma.load").count()), (1, 1), "{twice}");
    // Tensors of nothing, and elements of less than a byte: three of four bits are two bytes.
    let small = opt(
        "func.func @f(%x: tensor<3xi4>, %n: tensor<0xi8>) -> tensor<3xi4> {
  %0 = cosma.op \"Not\"(%x, %n) : (tensor<3xi4>, tensor<0xi8>) -> tensor<3xi4>
  return %0 : tensor<3xi4>
}",
        &["--schedule", "--allocate", "--scratchpad=3", "--alignment=1"],
    );
    small.fails(1, "operator needs 4 B at once, but the scratchpad has 3 B: 1 B too few (min_scratchpad = 4)");
    // No time at all is enough for a plan.
    opt(RELU, &["--schedule", "--allocate", "--scratchpad=128", "--time-limit=0"]).succeeds();
}

#[test]
fn a_missing_folder_is_a_wrong_call() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.mlir"), RELU).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cosma-opt"))
        .current_dir(folder.path())
        .args(PLAN)
        .args(["in.mlir", "-o", "missing/out.mlir"])
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{says}");
    assert!(says.contains("cannot write missing/out.mlir"), "{says}");
    assert!(output.stdout.is_empty());
    assert!(!folder.path().join("missing").exists());
}

#[test]
fn elements_of_less_than_a_byte_are_rounded_up_by_tensor() {
    // 5 · 2 bits are 2 bytes, 3 · 4 bits are 2 bytes: not 5 and 3, and not 10 + 12 bits together, which are
    // 3. A truth value has a byte of its own.
    let module = "func.func @f(%x: tensor<5xi2>, %b: tensor<3xi1>) -> tensor<3xi4> {
  %0 = cosma.op \"Pack\"(%x, %b) : (tensor<5xi2>, tensor<3xi1>) -> tensor<3xi4>
  return %0 : tensor<3xi4>
}";
    let flags = ["--allocate", "--scratchpad=7", "--alignment=1", "--report=report.json"];
    let run = opt(module, &flags);
    let report = std::fs::read_to_string(run.folder.path().join("report.json")).unwrap_or_default();
    run.succeeds();
    let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    assert_eq!(report["functions"][0]["traffic"]["total"], 7, "{report}");
    assert_eq!(report["functions"][0]["min_scratchpad"], 7, "{report}");
}
