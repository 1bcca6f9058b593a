//! A model becomes the problem that the passes make of its text. The expected problems in `problems/` were printed by
//! `cosma-opt --group --print-problem` from these models; `COSMA_WRITE_MODELS=FOLDER` writes the models, to print them
//! again.

mod common;

use common::{INT8, Model, int, ints, ungrouped};
use cosma_import::{Carrier, Options};
use cosma_planner::{Bytes, Machine, Problem, Weights};
use prost::Message;
use std::path::Path;

/// The problem of a model for a scratchpad of 1 MiB.
fn problem(model: &Model, options: &Options) -> Problem {
    let network = model.import(options).expect("it is a model");
    let graph = network.extract().graph.build().expect("it is a graph");
    Problem { graph, machine: Machine::with_host(Bytes(1 << 20), Bytes(64)) }
}

/// Holds the problem of a model, grouped as for an accelerator, against `problems/NAME.txt`.
#[track_caller]
fn check(name: &str, model: &Model) {
    if let Some(folder) = std::env::var_os("COSMA_WRITE_MODELS") {
        std::fs::write(Path::new(&folder).join(format!("{name}.onnx")), model.0.encode_to_vec())
            .expect("it is a folder");
    }
    let problem = problem(model, &Options::default());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems").join(format!("{name}.txt"));
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(problem.to_string(), expected, "{}", file.display());
}

/// A convolution, what is fused into it, a branch around it, and a product.
#[test]
fn operators_and_weights() {
    let model = Model::new()
        .input("x", &[1, 4, 8, 8])
        .weight("w", &[4, 4, 3, 3])
        .weight("b", &[4])
        .weight("v", &[256, 10])
        .node("Conv", &["x", "w", "b"], &["c"], vec![ints("pads", &[1, 1, 1, 1])])
        .node("Relu", &["c"], &["r"], vec![])
        .node("Add", &["r", "x"], &["s"], vec![])
        .node("MaxPool", &["s"], &["m"], vec![ints("kernel_shape", &[2, 2])])
        .node("Flatten", &["s"], &["f"], vec![])
        .node("MatMul", &["f", "v"], &["y"], vec![])
        .output("m")
        .output("y");
    check("operators", &model);
}

/// Elementwise operators lie where their operands lie, concatenations around them, and parts of a split within it.
#[test]
fn results_in_place() {
    let model = Model::new()
        .input("x", &[1, 4, 8, 8])
        .input("y", &[1, 2, 8, 8])
        .node("MaxPool", &["x"], &["a"], vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 1])])
        .node("Concat", &["a", "y"], &["b"], vec![int("axis", 1)])
        .node("Softmax", &["b"], &["c"], vec![])
        .ints("split", &[2, 4])
        .node("Split", &["c", "split"], &["d", "e"], vec![int("axis", 1)])
        .node("Softmax", &["d"], &["g"], vec![])
        .node("Softmax", &["e"], &["h"], vec![])
        .output("g")
        .output("h");
    check("in_place", &model);
}

/// An argument that is read in disjoint pieces only is as many tensors, in the order of the pieces.
#[test]
fn pieces_of_an_argument() {
    let model = Model::new()
        .input("x", &[6, 8])
        .input("u", &[6, 8])
        .ints("split", &[4, 2])
        .node("Split", &["x", "split"], &["a", "b"], vec![])
        .node("Softmax", &["b"], &["d"], vec![])
        .node("Softmax", &["a"], &["c"], vec![])
        // Another time the same piece, and a piece of it.
        .ints("from", &[4])
        .ints("to", &[6])
        .node("Slice", &["x", "from", "to"], &["e"], vec![])
        .node("Softmax", &["e"], &["f"], vec![])
        // Pieces that overlap.
        .ints("zero", &[0])
        .ints("two", &[2])
        .node("Slice", &["u", "zero", "from"], &["g"], vec![])
        .node("Slice", &["u", "two", "to"], &["h"], vec![])
        .node("Add", &["g", "h"], &["i"], vec![])
        .output("c")
        .output("d")
        .output("f")
        .output("i");
    check("pieces", &model);
}

/// Views that drop a dimension, or take a piece out of a tensor that is made flat, are views of the whole argument.
#[test]
fn pieces_of_another_rank() {
    let model = Model::new()
        .input("x", &[2, 8])
        .input("v", &[16])
        .weight("w", &[3, 8])
        .scalar("zero", 0)
        .scalar("one", 1)
        .node("Gather", &["x", "zero"], &["a"], vec![])
        .node("Gather", &["x", "one"], &["b"], vec![])
        .node("Add", &["a", "b"], &["c"], vec![])
        .ints("halves", &[8, 8])
        .ints("square", &[2, 4])
        .node("Split", &["v", "halves"], &["e", "f"], vec![])
        .node("Reshape", &["e", "square"], &["e2"], vec![])
        .node("Reshape", &["f", "square"], &["f2"], vec![])
        .node("Add", &["e2", "f2"], &["g"], vec![])
        .ints("flat", &[16])
        .input("t", &[2, 8])
        .node("Reshape", &["t", "flat"], &["t2"], vec![])
        .ints("parts", &[5, 5, 6])
        .node("Split", &["t2", "parts"], &["t3", "t4", "t5"], vec![])
        .node("Add", &["t3", "t4"], &["h"], vec![])
        .node("Split", &["w"], &["i", "j", "k"], vec![])
        .ints("row", &[8])
        .node("Reshape", &["j", "row"], &["l"], vec![])
        .node("Add", &["c", "l"], &["m"], vec![])
        .output("g")
        .output("h")
        .output("m");
    check("ranks", &model);
}

/// Pieces of what an operator computes are views of it while it lives anyway.
#[test]
fn pieces_of_a_result() {
    let model = Model::new()
        .input("x", &[6, 8])
        .node("Softmax", &["x"], &["s"], vec![])
        .ints("split", &[4, 2])
        .node("Split", &["s", "split"], &["a", "b"], vec![])
        .node("Softmax", &["a"], &["c"], vec![])
        .node("Split", &["b"], &["d", "e"], vec![])
        .node("Softmax", &["d"], &["f"], vec![])
        .node("Softmax", &["e"], &["h"], vec![])
        .node("ReduceMax", &["s"], &["i"], vec![])
        .output("s")
        .output("i")
        .output("c")
        .output("f")
        .output("h");
    check("results", &model);
}

/// Quantised operators, one of another domain, and results that are arguments or views.
#[test]
fn domains_and_returned_views() {
    let model = Model::new()
        .input_of(INT8, "q", &[4, 8])
        .input("x", &[4, 8])
        .input("z", &[2, 4])
        .node("com.microsoft.Gelu", &["x"], &["a"], vec![])
        .ints("flat", &[32])
        .node("Reshape", &["a", "flat"], &["b"], vec![])
        .node("Reshape", &["z", "flat8"], &["c"], vec![])
        .ints("flat8", &[8])
        .node("Transpose", &["q"], &["t"], vec![])
        .output("b")
        .output("c")
        .output("t")
        .output("a");
    check("domains", &model);
}

#[test]
fn weights_stream_and_floats_are_quantised() {
    let model = Model::new()
        .input("x", &[8, 8])
        .weight("w", &[8, 8])
        .node("MatMul", &["x", "w"], &["y"], vec![])
        .node("MatMul", &["y", "w"], &["z"], vec![])
        .output("z");
    let mut problem = problem(&model, &Options { element_bytes: Some(1), ..ungrouped() });
    problem.graph = problem.graph.with_weights(Weights::Streamed);
    let expected = "machine scratchpad 1048576 alignment 64 weights streamed\n\
                    argument arg0 64\n\
                    weight arg1 64\n\
                    op MatMul_0: arg0 arg1 -> MatMul_0 64 macs 512\n\
                    op MatMul_1: MatMul_0 arg1 -> MatMul_1 64 macs 512\n\
                    return MatMul_1\n";
    assert_eq!(problem.to_string(), expected);
}

#[test]
fn tensors_are_known_by_what_they_are_in_the_network() {
    let model = Model::new()
        .input("x", &[4, 8])
        .ints("zero", &[0])
        .ints("two", &[2])
        .ints("four", &[4])
        .node("Slice", &["x", "zero", "two"], &["a"], vec![])
        .node("Slice", &["x", "two", "four"], &["b"], vec![])
        .node("Softmax", &["a"], &["c"], vec![])
        .node("Softmax", &["b"], &["d"], vec![])
        .output("c")
        .output("d");
    let network = model.import(&ungrouped()).expect("it is a model");
    let extraction = network.extract();
    let names = extraction.carriers.iter().map(|it| match it {
        Carrier::Argument(tensor) => network.tensors[tensor.0].name.clone(),
        Carrier::Piece(whole, view, region) => {
            let (whole, view) = (&network.tensors[whole.0].name, &network.tensors[view.0].name);
            format!("{view} = {whole}{:?}{:?}", region.offsets, region.sizes)
        }
        Carrier::Result(tensor, index) => format!("{}.{index}", network.tensors[tensor.0].name),
    });
    assert_eq!(names.collect::<Vec<_>>(), ["a = x[0, 0][2, 8]", "b = x[2, 0][2, 8]", "c.0", "d.0"]);
}
