//! Which operators join.

mod common;

use common::{Model, check, check_grouped, ints};

fn conv(model: Model, input: &str, output: &str) -> Model {
    let pads = ints("pads", &[1, 1, 1, 1]);
    let weights = format!("w_{output}");
    model.weight(&weights, &[4, 4, 3, 3]).node("Conv", &[input, &weights], &[output], vec![pads])
}

#[test]
fn activations_join_their_producers() {
    let model = conv(Model::new().input("x", &[1, 4, 8, 8]), "x", "a")
        .weight("scale", &[4])
        .node("BatchNormalization", &["a", "scale", "scale", "scale", "scale"], &["b"], vec![])
        .node("Relu", &["b"], &["c"], vec![])
        .output("c");
    check_grouped(&model, &["Conv(x, w_a, scale) -> c: 1x4x8x8xf32"]);
    let network = model.import(&cosma_import::Options::default()).expect("it is a model");
    assert_eq!(network.operators[0].nodes, ["node_a", "node_b", "node_c"]);
    assert_eq!(network.operators[0].macs, Some(4 * 4 * 9 * 64));
}

#[test]
fn what_parts_and_comes_together_joins() {
    // x · sigmoid(x), and GELU as exporters write it.
    let model = conv(Model::new().input("x", &[1, 4, 8, 8]), "x", "a")
        .node("Sigmoid", &["a"], &["b"], vec![])
        .node("Mul", &["a", "b"], &["c"], vec![])
        .floats("two", &[2.0])
        .node("Div", &["c", "two"], &["d"], vec![])
        .node("Erf", &["d"], &["e"], vec![])
        .node("Add", &["e", "two"], &["f"], vec![])
        .node("Mul", &["c", "f"], &["g"], vec![])
        .output("g");
    check_grouped(&model, &["Conv(x, w_a) -> g: 1x4x8x8xf32"]);
}

#[test]
fn a_residual_addition_is_an_operator() {
    let model = conv(Model::new().input("x", &[1, 4, 8, 8]), "x", "a")
        .node("Add", &["a", "x"], &["b"], vec![])
        .node("Relu", &["b"], &["c"], vec![])
        .output("c");
    // Even to a tensor that the convolution reads: it reads windows of it, which are gone by then.
    check_grouped(&model, &["Conv(x, w_a) -> a: 1x4x8x8xf32", "Add(a, x) -> c: 1x4x8x8xf32"]);
}

#[test]
fn what_others_read_stays() {
    let model = conv(Model::new().input("x", &[1, 4, 8, 8]), "x", "a")
        .node("Relu", &["a"], &["b"], vec![])
        .node("Concat", &["a", "b"], &["c"], vec![common::int("axis", 1)])
        .output("a")
        .output("c");
    // The activation runs with its only reader instead, which then reads one tensor.
    check_grouped(&model, &["Conv(x, w_a) -> a: 1x4x8x8xf32", "Concat(a) -> c: 1x8x8x8xf32"]);
}

#[test]
fn a_normalisation_of_single_nodes_is_one_operator() {
    let model = Model::new()
        .input("x", &[1, 16, 32])
        .floats("two", &[2.0])
        .floats("epsilon", &[1e-6])
        .weight("w", &[32])
        .node("Pow", &["x", "two"], &["a"], vec![])
        .node("ReduceMean", &["a"], &["b"], vec![ints("axes", &[-1])])
        .node("Add", &["b", "epsilon"], &["c"], vec![])
        .node("Sqrt", &["c"], &["d"], vec![])
        .node("Div", &["x", "d"], &["e"], vec![])
        .node("Mul", &["w", "e"], &["f"], vec![])
        .node("Neg", &["x"], &["g"], vec![])
        .output("f")
        .output("g");
    check_grouped(&model, &["Normalization(x, w) -> f: 1x16x32xf32", "Neg(x) -> g: 1x16x32xf32"]);
    assert_eq!(common::lines(&model.import(&common::ungrouped()).expect("it is a model")).len(), 7);
}

#[test]
fn a_reduction_alone_is_an_operator() {
    let model = conv(Model::new().input("x", &[1, 4, 8, 8]), "x", "a")
        .node("ReduceMean", &["a"], &["b"], vec![ints("axes", &[2, 3])])
        .node("Relu", &["b"], &["c"], vec![])
        .output("c");
    check_grouped(&model, &["Conv(x, w_a) -> a: 1x4x8x8xf32", "ReduceMean(a) -> c: 1x4x1x1xf32"]);
}

#[test]
fn padding_runs_with_the_window_that_reads_it() {
    let model = Model::new()
        .input("x", &[1, 4, 8, 8])
        .ints("pads", &[0, 0, 1, 1, 0, 0, 1, 1])
        .node("Pad", &["x", "pads"], &["a"], vec![])
        .node("MaxPool", &["a"], &["b"], vec![ints("kernel_shape", &[3, 3])])
        .output("b");
    check(&model, &["Pad(x) -> a: 1x4x10x10xf32", "MaxPool(a) -> b: 1x4x8x8xf32"]);
    check_grouped(&model, &["MaxPool(x) -> b: 1x4x8x8xf32"]);
}

#[test]
fn results_of_the_model_are_written() {
    let model = conv(Model::new().input("x", &[1, 4, 8, 8]), "x", "a")
        .node("Relu", &["a"], &["b"], vec![])
        .output("b")
        .output("a");
    check_grouped(&model, &["Conv(x, w_a) -> a: 1x4x8x8xf32", "Relu(a) -> b: 1x4x8x8xf32"]);
}

#[test]
fn two_transpositions_are_one() {
    let perm = |it: &[i64]| vec![ints("perm", it)];
    let model = Model::new()
        .input("x", &[2, 3, 4])
        .ints("to", &[2, 2, 2, 3])
        .node("Transpose", &["x"], &["a"], perm(&[0, 2, 1]))
        .node("Reshape", &["a", "to"], &["b"], vec![])
        .node("Transpose", &["b"], &["c"], perm(&[3, 2, 1, 0]))
        .output("c");
    check_grouped(&model, &["Transpose(x) -> c: 3x2x2x2xf32"]);
}
