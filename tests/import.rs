//! ONNX models through the programs: `cosma-import`, and `cosma-opt` on a model itself.

#[path = "../import/tests/common/mod.rs"]
mod common;

use common::{Model, ints};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Two convolutions with activations, and a residual addition.
fn residual() -> Model {
    let conv = |model: Model, input: &str, output: &str| {
        let weights = format!("{output}.weight");
        let model = model.weight(&weights, &[4, 4, 3, 3]);
        model.node("Conv", &[input, &weights], &[output], vec![ints("pads", &[1, 1, 1, 1])])
    };
    let model = conv(Model::new().input("image", &[1, 4, 8, 8]), "image", "/a");
    let model = conv(model.node("Relu", &["/a"], &["/b"], vec![]), "/b", "/c");
    model.node("Add", &["/c", "image"], &["sum"], vec![]).output("sum")
}

fn run(program: &str, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments).output().expect("it runs")
}

const IMPORT: &str = env!("CARGO_BIN_EXE_cosma-import");
const OPT: &str = env!("CARGO_BIN_EXE_cosma-opt");

#[track_caller]
fn check(output: &Output, code: i32, says: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(says), "{stderr}");
}

#[test]
fn a_model_becomes_source_form() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("net.onnx"), residual().encode()).expect("a file");
    let output = run(IMPORT, folder.path(), &["net.onnx", "--element-bytes=1"]);
    check(&output, 0, "");
    let expected = r#"func.func @"net"(
    %image: tensor<1x4x8x8xi8> loc("image"),
    %a.weight: tensor<4x4x3x3xi8> {cosma.weight} loc("/a.weight"),
    %c.weight: tensor<4x4x3x3xi8> {cosma.weight} loc("/c.weight")) -> (tensor<1x4x8x8xi8>) {
  %b = cosma.op "Conv"(%image, %a.weight) access <[1, 4, 8, 8, sum 4, sum 3, sum 3], (d0, d4, d2 + d5 - 1, d3 + d6 - 1), (d1, d4, d5, d6) -> (d0, d1, d2, d3), sums = i32> macs 9216 {nodes = ["node_/a", "node_/b"]} : (tensor<1x4x8x8xi8>, tensor<4x4x3x3xi8>) -> tensor<1x4x8x8xi8> loc("node_/a"("net.onnx":1:1))
  %c = cosma.op "Conv"(%b, %c.weight) access <[1, 4, 8, 8, sum 4, sum 3, sum 3], (d0, d4, d2 + d5 - 1, d3 + d6 - 1), (d1, d4, d5, d6) -> (d0, d1, d2, d3), sums = i32> macs 9216 {nodes = ["node_/c"]} : (tensor<1x4x8x8xi8>, tensor<4x4x3x3xi8>) -> tensor<1x4x8x8xi8> loc("node_/c"("net.onnx":3:1))
  %sum = cosma.op "Add"(%c, %image) access <[1, 4, 8, 8], (d0, d1, d2, d3), (d0, d1, d2, d3) -> (d0, d1, d2, d3)> in_place [[0, 0], [0, 1]] {nodes = ["node_sum"]} : (tensor<1x4x8x8xi8>, tensor<1x4x8x8xi8>) -> tensor<1x4x8x8xi8> loc("node_sum"("net.onnx":4:1))
  return %sum : tensor<1x4x8x8xi8>
}
"#;
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn a_model_is_planned_by_either_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    fs::write(path.join("net.onnx"), residual().encode()).expect("a file");
    check(&run(IMPORT, path, &["net.onnx", "--element-bytes=1", "-o", "net.mlir"]), 0, "");
    let plan = ["--schedule", "--allocate", "--scratchpad=1KiB", "--weights=streamed"];
    let first = run(OPT, path, &[&["net.mlir"], &plan[..]].concat());
    check(&first, 0, "");
    let second = run(OPT, path, &[&["net.onnx", "--element-bytes=1"], &plan[..]].concat());
    check(&second, 0, "");
    assert_eq!(first.stdout, second.stdout);
    assert!(String::from_utf8_lossy(&first.stdout).contains("cosma.load"));
    // By its content, if it has no name.
    let mut command = Command::new(OPT);
    command
        .args(["--element-bytes=1"])
        .args(plan)
        .stdin(Stdio::from(fs::File::open(path.join("net.onnx")).expect("it is there")));
    assert_eq!(command.output().expect("it runs").stdout, first.stdout);
}

#[test]
fn errors_speak_the_names_of_the_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    fs::write(path.join("net.onnx"), residual().encode()).expect("a file");
    let output = run(OPT, path, &["net.onnx", "--in-place=none", "--allocate", "--scratchpad=1KiB"]);
    check(&output, 1, "net.onnx:4:1: error: 'node_sum': operator needs 3072 B at once");
    // Also of what was written in between.
    check(&run(IMPORT, path, &["net.onnx", "-o", "net.mlir"]), 0, "");
    let output = run(OPT, path, &["net.mlir", "--allocate", "--scratchpad=1KiB"]);
    // The sum is written over one of what it adds.
    check(&output, 1, "net.onnx:1:1: error: 'node_/a': operator needs 2624 B at once");
}

#[test]
fn what_cannot_be_read_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let wrong = residual().node("Relu", &["nothing"], &["y"], vec![]);
    fs::write(path.join("wrong.onnx"), wrong.encode()).expect("a file");
    fs::write(path.join("text.onnx"), "func.func @f()").expect("a file");
    fs::write(path.join("cut.onnx"), &residual().encode()[..99]).expect("a file");
    for program in [IMPORT, OPT] {
        let run = |arguments: &[&str]| run(program, path, &[arguments, &["-o", "out.mlir"]].concat());
        check(&run(&["wrong.onnx"]), 1, "wrong.onnx:5:1: error: node 'node_y' (Relu): it reads 'nothing'");
        check(&run(&["text.onnx"]), 1, "text.onnx:1:1: error: not an ONNX model, or cut off");
        check(&run(&["cut.onnx"]), 1, "cut.onnx:1:1: error: not an ONNX model, or cut off");
        check(&run(&["none.onnx"]), 2, "error: cannot read none.onnx");
        check(&run(&["wrong.onnx", "--dim", "n"]), 2, "write it as NAME=SIZE");
        check(&run(&["wrong.onnx", "--element-bytes=3"]), 2, "possible values: 1, 2, 4, 8");
    }
    assert!(!path.join("out.mlir").exists());
}

#[test]
fn results_may_be_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Model::new()
        .input("x", &[2, 2])
        .weight("w", &[4])
        .node("Relu", &["x"], &["y"], vec![])
        .node("Flatten", &["y"], &["view"], vec![])
        .node("Identity", &["x"], &["same"], vec![]);
    // A tensor twice, an argument, a weight.
    let model = ["y", "view", "same", "w"].into_iter().fold(model, |model, it| model.output(it));
    fs::write(folder.path().join("net.onnx"), model.encode()).expect("a file");
    check(&run(OPT, folder.path(), &["net.onnx", "--schedule", "--allocate", "--scratchpad=1KiB"]), 0, "");
}

#[test]
fn names_are_whatever_a_model_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Model::new()
        .input("a b", &[4])
        .node("Exp", &["a b"], &["a/b"], vec![])
        .node("Relu", &["a/b"], &["\"ä\\\n%"], vec![])
        .output("\"ä\\\n%")
        .output("a/b");
    fs::write(folder.path().join("odd \"name.onnx"), model.encode()).expect("a file");
    let output = run(IMPORT, folder.path(), &["odd \"name.onnx", "-o", "out.mlir"]);
    check(&output, 0, "");
    check(&run(OPT, folder.path(), &["out.mlir", "--allocate", "--scratchpad=1KiB"]), 0, "");
}

/// What PyTorch writes today. Skipped where it is not installed.
#[test]
fn models_of_pytorch_are_planned_as_they_are() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/export_pytorch.py");
    let programs = Path::new(OPT).parent().expect("it is in a folder");
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("python3");
    command.arg(script).arg("--programs").arg(programs).arg("--folder").arg(folder.path());
    let Ok(output) = command.output() else {
        println!("skipped: there is no python3");
        return;
    };
    let says = String::from_utf8_lossy(&output.stdout);
    println!("{says}");
    assert!(output.status.success(), "{says}{}", String::from_utf8_lossy(&output.stderr));
}

/// What a plan of a model comes to: its report, as `operators, traffic, least scratchpad`.
#[track_caller]
fn figures(model: &str, arguments: &[&str]) -> (u64, u64, u64) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models");
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.json");
    let report_to = format!("--report={}", report.display());
    let plan = [model, "--alignment=1", "--schedule", "--allocate", "--verify", "--report-to", "-o", "-"];
    let plan = plan.map(|it| if it == "--report-to" { report_to.as_str() } else { it });
    let output = run(OPT, &models, &[&plan, arguments].concat());
    check(&output, 0, "");
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(report).expect("it is written")).expect("it is JSON");
    let function = &report["functions"][0];
    assert_eq!(function["status"], "optimal", "{model}");
    let number = |it: &serde_json::Value| it.as_u64().expect("it is a number");
    (number(&function["operators"]), number(&function["traffic"]["total"]), number(&function["min_scratchpad"]))
}

/// Models as exporters, optimisers and quantisers write them: what each needs at most, and moves.
#[test]
fn models_as_exporters_write_them() {
    for (model, arguments, expected) in [
        // Present keys and values are longer than past ones: two copies of a cache.
        ("attention_with_cache.onnx", &["--scratchpad=1MiB"][..], (1, 262_656, 262_656)),
        // The cache is empty, so the result is what it is joined with.
        ("concat_of_empty.onnx", &["--scratchpad=1MiB", "--dim=p=0"], (1, 4096, 2048)),
        // x 1280, weights 2048 and 4096, bias 1024, result 2560; scales and zero points are parameters.
        ("dynamic_quantize_lstm.onnx", &["--scratchpad=1MiB"], (1, 11_008, 11_008)),
        // 529,416 but for past keys and values, over which present ones are written.
        ("group_query_attention.onnx", &["--scratchpad=1MiB"], (1, 529_416, 529_416 - 262_144)),
        // x and y 1024 each, the weight as it is packed 2048, scales 512, zero points 64.
        // The condition follows from the size: Relu, which Sigmoid joins.
        ("if_of_constant.onnx", &["--scratchpad=1MiB", "--dim=b=2"], (1, 128, 64)),
        ("if_of_constant.onnx", &["--scratchpad=1MiB", "--dim=b=1"], (1, 64, 32)),
        ("matmul_n_bits.onnx", &["--scratchpad=1MiB"], (1, 4672, 4672)),
        // x and y are f32, 256 each; both weights int8, 16,384 each; between the products lie 256 of int8.
        ("qdq_w8a8.onnx", &["--scratchpad=1MiB"], (3, 33_280, 256 + 16_384 + 256)),
        // x and y 1024 each, the weight of int4 2048, its scales 1024.
        ("qdq_int4_blocks.onnx", &["--scratchpad=1MiB"], (1, 5120, 5120)),
        ("qlinear_concat.onnx", &["--scratchpad=1MiB"], (1, 512, 256)),
        // The convolution whose shape is asked for does not run.
        ("read_for_its_shape.onnx", &["--scratchpad=1MiB"], (1, 4096, 2048)),
        // Four pieces of 1024, as views of the 4096 that they overlap in, and a result of 1024.
        ("frames.onnx", &["--scratchpad=5120"], (2, 5120, 5120)),
        ("gather_rows.onnx", &["--scratchpad=1280"], (2, 1280, 1280)),
        ("view_as_output.onnx", &["--scratchpad=1MiB"], (0, 0, 0)),
        ("tensor_scatter.onnx", &["--scratchpad=1MiB"], (1, 262_664, 131_072 + 512 + 8)),
    ] {
        assert_eq!(figures(model, arguments), expected, "{model}");
    }
}

#[test]
fn shapes_may_lie_in_a_file_beside_the_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let model = Model::new()
        .input("x", &[8])
        .external(common::INT64, "to", &[2], &[("location", "net.bin")])
        .node("Reshape", &["x", "to"], &["y"], vec![])
        .node("Softmax", &["y"], &["z"], vec![])
        .output("z");
    fs::write(path.join("net.onnx"), model.encode()).expect("a file");
    let says = "net.onnx:1:1: error: node 'node_y' (Reshape): the shape depends on the data of input 1 ('to'): its data \
                is in 'net.bin', which cannot be read: ";
    check(&run(IMPORT, path, &["net.onnx"]), 1, says);
    let shape: Vec<u8> = [4_i64, 2].iter().flat_map(|it| it.to_le_bytes()).collect();
    fs::write(path.join("net.bin"), shape).expect("a file");
    let output = run(IMPORT, path, &["net.onnx"]);
    check(&output, 0, "");
    assert!(String::from_utf8_lossy(&output.stdout).contains("-> (tensor<4x2xf32>)"));
    // By another way to the same folder.
    let above = path.join("net.onnx");
    check(&run(IMPORT, Path::new("/"), &[above.to_str().expect("it is text")]), 0, "");
    let output = run(IMPORT, path, &["net.onnx", "--dim", "bacth=1"]);
    check(&output, 1, "net.onnx:1:1: error: the model has no symbolic dimension 'bacth': all its sizes are given");
}

#[test]
fn a_tflite_model_is_told_the_way() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("net.tflite"), b"\x1c\0\0\0TFL3").expect("a file");
    for program in [IMPORT, OPT] {
        let output = run(program, folder.path(), &["net.tflite"]);
        check(&output, 1, "net.tflite:1:1: error: a TFLite model must be converted to TOSA first: pip install tosa");
    }
}

/// The way that a TFLite model is told, gone. Skipped where the converter is not installed.
#[test]
fn a_tflite_model_is_planned_by_way_of_tosa() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models");
    let folder = tempfile::tempdir().expect("a folder");
    let converted = folder.path().join("net.mlir");
    let mut convert = Command::new("tosa-converter-for-tflite");
    convert.current_dir(&models).args(["two_convolutions.tflite", "--text", "-o"]).arg(&converted);
    let Ok(output) = convert.output() else {
        println!("skipped: there is no tosa-converter-for-tflite");
        return;
    };
    check(&output, 0, "");
    // 4 and 8 channels of 64 bytes in and out, weights of 9 times 4 and 8 bytes for each of 8 channels, and
    // each time 8 biases of four bytes.
    let traffic = 256 + 512 + (288 + 32) + (576 + 32);
    let file = converted.to_str().expect("it is text");
    let (operators, total, _) = figures(file, &["--group", "--inputs=0", "--scratchpad=64KiB"]);
    assert_eq!((operators, total), (2, traffic));
}

/// Elements of less than a byte take no more than they are: 64 by 64 of four bits, two bits, and one float.
#[test]
fn elements_are_packed() {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, bits) in [(22, 4), (21, 4), (23, 4), (25, 2), (26, 2)] {
        let model = Model::of_opset(25)
            .input_of(common::INT64, "rows", &[8])
            .weight_of(number, "table", &[64, 64])
            .node("Gather", &["table", "rows"], &["y"], vec![])
            .output("y");
        let file = folder.path().join("net.onnx");
        fs::write(&file, model.encode()).expect("a file");
        let (_, total, least) = figures(file.to_str().expect("it is text"), &["--scratchpad=1MiB"]);
        let expected = 8 * 8 + 64 * 64 * bits / 8 + 8 * 64 * bits / 8;
        assert_eq!((total, least), (expected, expected), "type {number}");
    }
}

/// Tensors of no elements, through all that is done with a model.
#[test]
fn nothing_is_no_trouble() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Model::new()
        .input("x", &[4, 8])
        .input("none", &[0, 8])
        .ints("zero", &[0])
        .ints("flat", &[0, 4, 2])
        .node("Relu", &["none"], &["a"], vec![])
        .node("Reshape", &["a", "flat"], &["b"], vec![])
        .node("Slice", &["x", "zero", "zero", "zero"], &["c"], vec![])
        .node("Concat", &["a", "c"], &["d"], vec![common::int("axis", 0)])
        .node("MatMul", &["x", "x_t"], &["e"], vec![])
        .node("Transpose", &["d"], &["f"], vec![])
        .node("Transpose", &["x"], &["x_t"], vec![])
        .node("Concat", &["x", "c"], &["h"], vec![common::int("axis", 0)])
        .output("b")
        .output("e")
        .output("f")
        .output("h");
    let file = folder.path().join("net.onnx");
    fs::write(&file, model.encode()).expect("a file");
    for group in ["--group=none", "--group=accelerator"] {
        figures(file.to_str().expect("it is text"), &["--scratchpad=1MiB", group]);
    }
}
