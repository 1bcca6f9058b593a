//! What is an operator, and what is not.

mod common;

use common::{FLOAT, INT64, Model, check, check_with, int, ints, ungrouped, weights};
use cosma_import::Options;

#[test]
fn views_are_their_source() {
    let model = Model::new()
        .input("x", &[2, 3, 4])
        .ints("to", &[2, -1])
        .ints("axes", &[0])
        .node("Relu", &["x"], &["a"], vec![])
        .node("Reshape", &["a", "to"], &["b"], vec![])
        .node("Unsqueeze", &["b", "axes"], &["c"], vec![])
        .node("Dropout", &["c"], &["d", "mask"], vec![])
        // Only a dimension of one moves.
        .node("Transpose", &["d"], &["e"], vec![ints("perm", &[1, 0, 2])])
        .node("Tanh", &["e"], &["f"], vec![])
        .node("Transpose", &["f"], &["g"], vec![ints("perm", &[2, 0, 1])])
        .output("g");
    check(&model, &["Relu(x) -> a: 2x3x4xf32", "Tanh(a) -> f: 2x1x12xf32", "Transpose(f) -> g: 12x2x1xf32"]);
}

#[test]
fn a_view_that_is_returned_gives_its_source_its_shape() {
    let model = Model::new()
        .input("x", &[2, 3])
        .node("Relu", &["x"], &["a"], vec![])
        .node("Flatten", &["a"], &["b"], vec![int("axis", 0)])
        .output("b");
    check(&model, &["Relu(x) -> a: 1x6xf32"]);
}

#[test]
fn what_depends_on_weights_alone_is_a_weight() {
    let model = Model::new()
        .input("x", &[2, 3])
        .weight("w", &[4, 3])
        .weight("unused", &[99])
        .node("Transpose", &["w"], &["v"], vec![])
        .node("Neg", &["v"], &["u"], vec![])
        .node("MatMul", &["x", "u"], &["y"], vec![])
        .output("y");
    check(&model, &["MatMul(x, u) -> y: 2x4xf32"]);
    let network = model.import(&ungrouped()).expect("it is a model");
    assert_eq!(weights(&network), ["u"]);
    assert_eq!(network.operators[0].macs, Some(24));
}

#[test]
fn computation_on_shapes_is_no_operator() {
    // As exporters write `x.view(x.size(0), -1)`.
    let model = Model::new()
        .input("x", &[2, 3, 4])
        .ints("zero", &[0])
        .ints("rest", &[-1])
        .ints("axis", &[0])
        .node("Shape", &["x"], &["shape"], vec![])
        .node("Gather", &["shape", "zero"], &["n"], vec![int("axis", 0)])
        .node("Concat", &["n", "rest"], &["to"], vec![int("axis", 0)])
        .node("Reshape", &["x", "to"], &["y"], vec![])
        .node("Softmax", &["y"], &["z"], vec![])
        .output("z");
    check(&model, &["Softmax(x) -> z: 2x12xf32"]);
}

#[test]
fn constants_that_describe_are_no_operands() {
    let model = Model::new()
        .input("x", &[8, 8])
        .ints("one", &[1])
        .ints("five", &[5])
        .floats("half", &[0.5])
        .node("Slice", &["x", "one", "five", "one"], &["a"], vec![])
        .node("Mul", &["a", "half"], &["b"], vec![])
        .node("Clip", &["b", "half", ""], &["c"], vec![])
        .output("c");
    check(&model, &["Slice(x) -> a: 8x4xf32", "Mul(a) -> b: 8x4xf32", "Clip(b) -> c: 8x4xf32"]);
}

#[test]
fn a_constant_that_is_one_number_is_no_operand() {
    // As exporters write a mask that masks nothing.
    let model = Model::new()
        .input("x", &[8, 8])
        .ints("shape", &[8, 8])
        .floats("half", &[0.5])
        .node("ConstantOfShape", &["shape"], &["zeros"], vec![])
        .node("Mul", &["zeros", "half"], &["a"], vec![])
        .node("Expand", &["half", "shape"], &["b"], vec![])
        .node("Add", &["x", "a"], &["c"], vec![])
        .node("Mul", &["b", "c"], &["d"], vec![])
        .output("d");
    check(&model, &["Add(x) -> c: 8x8xf32", "Mul(c) -> d: 8x8xf32"]);
}

#[test]
fn dead_nodes_and_results_go() {
    let model = Model::new()
        .input("x", &[1, 2, 8, 8])
        .input("y", &[3])
        .node("MaxPool", &["x"], &["a", "indices"], vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])])
        .node("Relu", &["y"], &["b"], vec![])
        .node("Exp", &["b"], &["c"], vec![])
        .output("a");
    check(&model, &["MaxPool(x) -> a: 1x2x4x4xf32"]);
    // The inputs stay: they are what callers pass.
    assert_eq!(model.import(&ungrouped()).expect("it is a model").arguments.len(), 2);
}

#[test]
fn floats_are_planned_as_deployed() {
    let model = Model::new()
        .input("x", &[2, 3])
        .input_of(INT64, "i", &[5])
        .node("Cast", &["x"], &["half"], vec![int("to", 10)])
        .node("Gather", &["half", "i"], &["y"], vec![int("axis", 1)])
        .output("y");
    check(&model, &["Cast(x) -> half: 2x3xf16", "Gather(half, i) -> y: 2x5xf16"]);
    // Two floats of one width are one type, and a cast between them is none.
    let deployed = Options { element_bytes: Some(1), ..ungrouped() };
    check_with(&model, &deployed, &["Gather(x, i) -> y: 2x5xi8"]);
}

#[test]
fn nodes_are_put_in_order() {
    let model = Model::new()
        .input("x", &[4])
        .node("Exp", &["a"], &["b"], vec![])
        .node("Relu", &["x"], &["a"], vec![])
        .output("b");
    check(&model, &["Relu(x) -> a: 4xf32", "Exp(a) -> b: 4xf32"]);
}

#[test]
fn an_initialiser_may_be_listed_as_an_input() {
    let model = Model::new()
        .input("x", &[2, 3])
        .input("w", &[3, 4])
        .weight_of(FLOAT, "w", &[3, 4])
        .node("MatMul", &["x", "w"], &["y"], vec![])
        .output("y");
    let network = model.import(&ungrouped()).expect("it is a model");
    assert_eq!(weights(&network), ["w"]);
}

/// To ask how large something is, it need not be computed.
#[test]
fn what_is_read_for_its_shape_alone_does_not_run() {
    let model = Model::new()
        .input("x", &[1, 16, 4, 8])
        .weight("w", &[16, 16, 3, 3])
        .node("Conv", &["x", "w"], &["c"], vec![ints("pads", &[1, 1, 1, 1])])
        .node("Shape", &["c"], &["s"], vec![])
        .node("Relu", &["x"], &["r"], vec![])
        .node("Reshape", &["r", "s"], &["y"], vec![])
        .node("ConstantOfShape", &["s"], &["zeros"], vec![])
        .node("Add", &["y", "zeros"], &["a"], vec![])
        .node("CastLike", &["a", "c"], &["b"], vec![])
        .output("b");
    check(&model, &["Relu(x) -> r: 1x16x4x8xf32", "Add(r) -> a: 1x16x4x8xf32"]);
    assert!(weights(&model.import(&ungrouped()).expect("it is a model")).is_empty());
}
