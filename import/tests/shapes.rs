//! What shapes operators have, where the model does not say.

mod common;

use common::{INT8, INT64, Model, UINT8, check, check_error, int, ints, text};
use cosma_import::proto::AttributeProto;

/// One node on inputs of these shapes: the shape of its first result.
#[track_caller]
fn shape(kind: &str, inputs: &[&[i64]], attributes: Vec<AttributeProto>, expected: &str) {
    shape_of(Model::new(), kind, inputs, &[], attributes, expected);
}

/// As [`shape`], with constant inputs behind the others.
#[track_caller]
fn shape_of(
    mut model: Model,
    kind: &str,
    inputs: &[&[i64]],
    constants: &[&[i64]],
    attributes: Vec<AttributeProto>,
    expected: &str,
) {
    let mut names = Vec::new();
    for (index, shape) in inputs.iter().enumerate() {
        names.push(format!("x{index}"));
        // Not an input itself, which would keep its shape where it is viewed.
        let input = format!("input{index}");
        model = model.input(&input, shape).node("Relu", &[&input], &[&names[index]], vec![]);
    }
    for (index, constant) in constants.iter().enumerate() {
        // An empty one is left out.
        if constant.is_empty() {
            names.push(String::new());
            continue;
        }
        names.push(format!("c{index}"));
        model = model.ints(&format!("c{index}"), constant);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Views are seen through what reads them.
    let model = model.node(kind, &names, &["y"], attributes).node("Opaque", &["y"], &["z"], vec![]);
    let model = model.value_info("z", 1, &[1]).output("z").output("y");
    let network = model.import(&common::ungrouped()).unwrap_or_else(|error| panic!("{error}"));
    let tensor = &network.tensors[network.results[1].0];
    let found: Vec<String> = tensor.shape.iter().map(u64::to_string).collect();
    assert_eq!(found.join("x"), expected, "{kind}");
}

#[test]
fn windows() {
    let data: &[i64] = &[1, 3, 7, 7];
    let inputs: &[&[i64]] = &[data, &[8, 3, 3, 3]];
    shape("Conv", inputs, vec![], "1x8x5x5");
    shape("Conv", inputs, vec![ints("pads", &[1, 1, 1, 1]), ints("strides", &[2, 2])], "1x8x4x4");
    shape("Conv", inputs, vec![ints("dilations", &[3, 2])], "1x8x1x3");
    shape("Conv", inputs, vec![text("auto_pad", "SAME_UPPER"), ints("strides", &[2, 3])], "1x8x4x3");
    shape("Conv", inputs, vec![text("auto_pad", "VALID"), ints("strides", &[2, 2])], "1x8x3x3");
    shape("Conv", &[data, &[6, 1, 3, 3]], vec![int("group", 3)], "1x6x5x5");
    let pool =
        |more: Vec<AttributeProto>| [vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])], more].concat();
    shape("MaxPool", &[data], pool(vec![]), "1x3x3x3");
    shape("MaxPool", &[data], pool(vec![int("ceil_mode", 1)]), "1x3x4x4");
    // The last window would begin in the padding.
    let padded = vec![int("ceil_mode", 1), ints("pads", &[1, 1, 1, 1])];
    shape("AveragePool", &[&[1, 3, 6, 6]], pool(padded), "1x3x4x4");
    shape("GlobalAveragePool", &[data], vec![], "1x3x1x1");
    let up = vec![ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1]), ints("output_padding", &[1, 1])];
    shape("ConvTranspose", &[data, &[3, 8, 3, 3]], up, "1x8x14x14");
    shape("ConvTranspose", &[data, &[3, 8, 2, 2]], vec![ints("strides", &[2, 2])], "1x8x14x14");
}

#[test]
fn products() {
    shape("MatMul", &[&[2, 1, 4, 5], &[3, 5, 6]], vec![], "2x3x4x6");
    shape("MatMul", &[&[5], &[5, 6]], vec![], "6");
    shape("MatMul", &[&[4, 5], &[5]], vec![], "4");
    shape("Gemm", &[&[5, 4], &[6, 5]], vec![int("transA", 1), int("transB", 1)], "4x6");
    shape("Einsum", &[&[2, 3, 4], &[2, 4, 5]], vec![text("equation", "bij, bjk -> bik")], "2x3x5");
    shape("Einsum", &[&[3, 4]], vec![text("equation", "ba")], "4x3");
}

#[test]
fn elements() {
    shape("Add", &[&[2, 1, 4], &[3, 1]], vec![], "2x3x4");
    shape("Where", &[&[4], &[3, 1], &[1, 1]], vec![], "3x4");
    shape("Softmax", &[&[2, 3]], vec![], "2x3");
    shape("LayerNormalization", &[&[2, 3], &[3]], vec![], "2x3");
    shape("BatchNormalization", &[&[2, 3, 4], &[3], &[3], &[3], &[3]], vec![], "2x3x4");
}

#[test]
fn movements() {
    let x: &[&[i64]] = &[&[2, 6, 4]];
    shape_of(Model::new(), "Reshape", x, &[&[0, 3, -1]], vec![], "2x3x8");
    shape("Flatten", x, vec![int("axis", 2)], "12x4");
    shape("Transpose", x, vec![], "4x6x2");
    shape("Concat", &[&[2, 6], &[2, 1]], vec![int("axis", -1)], "2x7");
    shape_of(Model::new(), "Split", x, &[&[6]], vec![int("axis", 1)], "2x6x4");
    shape_of(Model::new(), "Slice", x, &[&[-1], &[-100], &[1], &[-2]], vec![], "2x3x4");
    shape_of(Model::new(), "Pad", x, &[&[0, 1, 0, 0, 2, -1]], vec![], "2x9x3");
    shape_of(Model::new(), "Tile", x, &[&[1, 2, 3]], vec![], "2x12x12");
    shape_of(Model::new(), "Expand", &[&[6, 1]], &[&[2, 1, 4]], vec![], "2x6x4");
    shape_of(Model::new(), "Gather", x, &[&[0, 1, 2]], vec![int("axis", 1)], "2x3x4");
    shape_of(Model::new(), "Squeeze", &[&[1, 6, 1]], &[&[-1]], vec![], "1x6");
    shape_of(Model::new(), "Unsqueeze", &[&[6]], &[&[0, 2]], vec![], "1x6x1");
    shape_of(Model::of_opset(11), "Squeeze", &[&[1, 6, 1]], &[], vec![ints("axes", &[0])], "6x1");
    shape_of(Model::of_opset(9), "Slice", x, &[], vec![ints("starts", &[1]), ints("ends", &[9])], "1x6x4");
    shape("DepthToSpace", &[&[1, 8, 2, 3]], vec![int("blocksize", 2)], "1x2x4x6");
    shape_of(Model::new(), "ReduceSum", x, &[&[1]], vec![int("keepdims", 0)], "2x4");
    shape("ReduceMean", x, vec![ints("axes", &[-1])], "2x6x1");
    shape_of(Model::new(), "Resize", &[&[1, 3, 5, 5]], &[&[], &[], &[1, 3, 9, 8]], vec![], "1x3x9x8");
}

#[test]
fn results_of_more_than_one_kind() {
    let model = Model::new()
        .input("x", &[5, 1, 8])
        .weight("w", &[2, 64, 8])
        .weight("r", &[2, 64, 16])
        .node("LSTM", &["x", "w", "r"], &["all", "", "cell"], vec![text("direction", "bidirectional")])
        .output("all")
        .output("cell");
    check(&model, &["LSTM(x, w, r) -> all: 5x2x1x16xf32, cell: 2x1x16xf32"]);
    let model = Model::new()
        .input("x", &[1, 6, 4])
        .ints("sizes", &[1, 5])
        .node("Split", &["x", "sizes"], &["a", "b"], vec![int("axis", 1)])
        .output("a")
        .output("b");
    check(&model, &["Split(x) -> a: 1x1x4xf32, b: 1x5x4xf32"]);
}

#[test]
fn quantised_networks() {
    let model = Model::new()
        .input("x", &[1, 3, 8, 8])
        .floats("scale", &[0.5])
        .weight_of(UINT8, "zero", &[])
        .weight_of(INT8, "w", &[4, 3, 3, 3])
        .node("QuantizeLinear", &["x", "scale", "zero"], &["q"], vec![])
        .node("QLinearConv", &["q", "scale", "zero", "w", "scale", "zero", "scale", "zero"], &["y"], vec![])
        .node("DequantizeLinear", &["y", "scale", "zero"], &["z"], vec![])
        .output("z");
    check(
        &model,
        &[
            "QuantizeLinear(x) -> q: 1x3x8x8xui8",
            "QLinearConv(q, w) -> y: 1x4x6x6xui8",
            "DequantizeLinear(y) -> z: 1x4x6x6xf32",
        ],
    );
}

#[test]
fn shapes_that_depend_on_data_are_declared_or_refused() {
    let model = |declared: bool| {
        let model = Model::new().input("x", &[4]).node("NonZero", &["x"], &["y"], vec![]).output("y");
        if declared { model.value_info("y", INT64, &[1, 3]) } else { model }
    };
    check(&model(true), &["NonZero(x) -> y: 1x3xi64"]);
    check_error(
        &model(false),
        "node 'node_y' (NonZero): this operator is not known, and the model does not declare the shape of its result 'y'",
    );
    let model = Model::new()
        .input("x", &[4])
        .input_of(INT64, "to", &[2])
        .node("Reshape", &["x", "to"], &["y"], vec![])
        .node("Relu", &["y"], &["z"], vec![])
        .output("z");
    check_error(
        &model,
        "node 'node_y' (Reshape): the shape depends on the data of input 1 ('to'), and the model does not declare the \
         shape of its result 'y'",
    );
    check(&model.value_info("y", 1, &[2, 2]), &["Relu(x) -> z: 2x2xf32"]);
}

/// As exporters write "same" padding: an amount that is computed, and not less than nothing.
#[test]
fn amounts_are_computed_with_limits() {
    let padded = |limits: &[&str], expected: &str| {
        let model = Model::new()
            .input("x", &[2, 3])
            .ints("wanted", &[-3, 1, 8, 0])
            .ints("least", &[0])
            .ints("most", &[5])
            .node("Clip", &[&["wanted"], limits].concat(), &["amounts"], vec![])
            .node("Pad", &["x", "amounts"], &["y"], vec![])
            .output("y");
        check(&model, &[&format!("Pad(x) -> y: {expected}xf32")]);
    };
    padded(&["least", "most"], "7x4");
    padded(&["least"], "10x4");
    padded(&["", "most"], "4x4");
}
