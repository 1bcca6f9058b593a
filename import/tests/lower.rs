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

/// The views that a network shows, as `name of tensor at byte`.
fn views(network: &cosma_import::Network) -> Vec<String> {
    let view = |it: &cosma_import::Tensor| match it.origin {
        cosma_import::Origin::View { of, at } => Some(format!("{} of {} at {at}", it.name, network.tensors[of.0].name)),
        _ => None,
    };
    network.tensors.iter().filter_map(view).collect()
}

#[track_caller]
fn check_views(model: &Model, operators: &[&str], expected: &[&str]) {
    check(model, operators);
    assert_eq!(views(&model.import(&ungrouped()).expect("it is a model")), expected);
}

/// Four times 256 elements of 1024: copies would need as much room as what they are copied from.
#[test]
fn pieces_of_what_is_there_anyway_are_views() {
    let mut model = Model::new().input("x", &[1, 1024]).ints("axis", &[1]).node("Relu", &["x"], &["e"], vec![]);
    let names = ["a", "b", "c", "d"];
    for (index, name) in names.iter().enumerate() {
        let (start, end) = (format!("start{name}"), format!("end{name}"));
        let at = 128 * index as i64;
        model = model.ints(&start, &[at]).ints(&end, &[at + 256]);
        model = model.node("Slice", &["e", &start, &end, "axis"], &[name], vec![]);
    }
    let frames = model.node("Sum", &names, &["y"], vec![]).output("y");
    check_views(
        &frames,
        &["Relu(x) -> e: 1x1024xf32", "Sum(a, b, c, d) -> y: 1x256xf32"],
        &["a of e at 0", "b of e at 512", "c of e at 1024", "d of e at 1536"],
    );
    // Nothing is written over a piece, whose tensor others read.
    assert_eq!(frames.import(&ungrouped()).expect("it is a model").operators[1].in_place, []);
}

#[test]
fn rows_that_constants_pick_are_views() {
    let model = Model::new()
        .input("x", &[4, 64])
        .ints("first", &[0])
        .ints("last", &[-2, -1])
        .ints("apart", &[0, 2])
        .ints("nd", &[1, 63])
        .node("Relu", &["x"], &["e"], vec![])
        .node("Gather", &["e", "first"], &["a"], vec![])
        .node("Gather", &["e", "last"], &["b"], vec![])
        .node("Gather", &["e", "apart"], &["c"], vec![])
        .node("GatherND", &["e", "nd"], &["d"], vec![])
        .node("Opaque", &["a", "b", "c", "d", "e"], &["y"], vec![])
        .value_info("y", FLOAT, &[1])
        .output("y");
    check_views(
        &model,
        &[
            "Relu(x) -> e: 4x64xf32",
            // Rows that do not lie side by side are moved.
            "Gather(e, apart) -> c: 2x64xf32",
            "Opaque(a, b, c, d, e) -> y: 1xf32",
        ],
        &["a of e at 0", "b of e at 512", "d of e at 508"],
    );
}

/// A small piece that is read late would keep all of its tensor until then.
#[test]
fn a_view_never_keeps_a_tensor_longer() {
    let model = |last: &str| {
        Model::new()
            .input("x", &[64, 64])
            .ints("zero", &[0])
            .ints("one", &[1])
            .node("Relu", &["x"], &["e"], vec![])
            .node("Slice", &["e", "zero", "one", "zero"], &["row"], vec![])
            .node("ReduceMax", &["e"], &["max"], vec![int("keepdims", 0)])
            .node("Neg", &[last], &["y"], vec![])
            .node("Add", &["row", "y"], &["z"], vec![])
            .output("z")
    };
    let late = model("max").import(&ungrouped()).expect("it is a model");
    assert_eq!(views(&late), [""; 0]);
    assert!(late.operators[1].kind == "Slice" && late.operators[1].in_place.len() == 1);
    let early = model("e").node("Add", &["z", "e"], &["last"], vec![]).output("last");
    assert_eq!(views(&early.import(&ungrouped()).expect("it is a model")), ["row of e at 0"]);
}

/// What is returned is stored whole, so a piece of it that is returned is a copy.
#[test]
fn what_is_returned_is_no_piece() {
    let model = Model::new()
        .input("x", &[2, 64])
        .node("Relu", &["x"], &["e"], vec![])
        .node("Split", &["e"], &["a", "b"], vec![])
        .node("Exp", &["e"], &["f"], vec![])
        .output("a")
        .output("b")
        .output("f");
    assert_eq!(views(&model.import(&ungrouped()).expect("it is a model")), [""; 0]);
}

#[test]
fn a_view_of_an_argument_is_returned_in_its_shape() {
    let text = |model: Model| model.import(&ungrouped()).expect("it is a model").to_string();
    let model = Model::new().input("x", &[2, 3, 4, 5]).node("Flatten", &["x"], &["y"], vec![]).output("y");
    let expected = r#"func.func @"net"(
    %x: tensor<2x3x4x5xf32> loc("x")) -> (tensor<2x60xf32>) {
  %x.view1 = tensor.collapse_shape %x [[0, 1, 2, 3]] : tensor<2x3x4x5xf32> into tensor<120xf32> loc("x")
  %x.view = tensor.expand_shape %x.view1 [[0, 1]] output_shape [2, 60] : tensor<120xf32> into tensor<2x60xf32> loc("x")
  return %x.view : tensor<2x60xf32>
}
"#;
    assert_eq!(text(model), expected);
    // One that is returned in two shapes has one of them.
    let model = Model::new()
        .input("x", &[1, 1])
        .ints("scalar", &[])
        .node("Relu", &["x"], &["a"], vec![])
        .node("Reshape", &["a", "scalar"], &["b"], vec![])
        .output("a")
        .output("b");
    assert!(text(model).contains("%a.view = tensor.collapse_shape %a [] : tensor<1x1xf32> into tensor<f32>"));
}
