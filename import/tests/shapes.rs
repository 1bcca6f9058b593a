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
        "node 'node_y' (NonZero): this operator is unknown, and the model does not declare the shape of its result 'y'; \
         onnx.shape_inference may be able to, or add it to value_info",
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
         shape of its result 'y'; onnx.shape_inference may be able to, or add it to value_info",
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

/// Past and present are as long as what was seen before, and what was seen before and now.
#[test]
fn attention_has_a_cache() {
    let model = Model::of_opset(23)
        .input("q", &[1, 1, 64])
        .input("k", &[1, 1, 64])
        .input("v", &[1, 1, 64])
        .input("pk", &[1, 4, 255, 16])
        .input("pv", &[1, 4, 255, 16])
        .node(
            "Attention",
            &["q", "k", "v", "", "pk", "pv"],
            &["y", "nk", "nv"],
            vec![int("q_num_heads", 4), int("kv_num_heads", 4)],
        )
        .output("y")
        .output("nk")
        .output("nv");
    check(&model, &["Attention(q, k, v, pk, pv) -> y: 1x1x64xf32, nk: 1x4x256x16xf32, nv: 1x4x256x16xf32"]);
    // Without a cache, values wider than keys, and the scores.
    let model = Model::of_opset(24)
        .input("q", &[2, 8, 5, 16])
        .input("k", &[2, 4, 7, 16])
        .input("v", &[2, 4, 7, 24])
        .node("Attention", &["q", "k", "v"], &["y", "", "", "scores"], vec![])
        .output("y")
        .output("scores");
    check(&model, &["Attention(q, k, v) -> y: 2x8x5x24xf32, scores: 2x8x5x7xf32"]);
    let model = Model::of_opset(23)
        .input("q", &[1, 1, 60])
        .node("Attention", &["q", "q", "q"], &["y"], vec![int("q_num_heads", 7), int("kv_num_heads", 7)])
        .output("y");
    check_error(&model, "node 'node_y' (Attention): 60 elements are not 7 heads");
}

/// As onnxruntime's optimiser writes it.
#[test]
fn attention_of_onnxruntime() {
    let heads = vec![int("num_heads", 8)];
    let grouped = [heads.clone(), vec![int("kv_num_heads", 2)]].concat();
    let packed = Model::new()
        .input("qkv", &[1, 5, 768])
        .node("com.microsoft.GroupQueryAttention", &["qkv"], &["y", "nk", "nv"], grouped)
        .output("y")
        .output("nk");
    check(&packed, &["com.microsoft.GroupQueryAttention(qkv) -> y: 1x5x512xf32, nk: 1x2x5x64xf32"]);
    let cross = Model::new()
        .input("q", &[2, 5, 64])
        .input("k", &[2, 8, 9, 8])
        .input("v", &[2, 8, 9, 8])
        .node("com.microsoft.MultiHeadAttention", &["q", "k", "v"], &["y"], heads.clone())
        .output("y");
    check(&cross, &["com.microsoft.MultiHeadAttention(q, k, v) -> y: 2x5x64xf32"]);
    let cached = Model::new()
        .input("q", &[1, 1, 64])
        .input("p", &[1, 8, 9, 8])
        .node(
            "com.microsoft.MultiHeadAttention",
            &["q", "q", "q", "", "", "", "p", "p"],
            &["y", "nk", "nv"],
            heads.clone(),
        )
        .output("y")
        .output("nk");
    check(&cached, &["com.microsoft.MultiHeadAttention(q, p) -> y: 1x1x64xf32, nk: 1x8x10x8xf32"]);
    let projected = Model::new()
        .input("x", &[1, 5, 32])
        .weight("w", &[32, 192])
        .weight("b", &[192])
        .input("past", &[2, 1, 8, 9, 8])
        .node("com.microsoft.Attention", &["x", "w", "b", "", "past"], &["y", "present"], heads)
        .output("y")
        .output("present");
    check(&projected, &["com.microsoft.Attention(x, w, b, past) -> y: 1x5x64xf32, present: 2x1x8x14x8xf32"]);
}

/// As onnxruntime's quantiser writes them: of the type that is said by a zero point, a scale or the operands.
#[test]
fn quantised_operators_of_onnxruntime() {
    let shape = |kind: &str, model: Model, inputs: &[&str], attributes: Vec<AttributeProto>, expected: &str| {
        let kind = format!("com.microsoft.{kind}");
        let model =
            model.floats("s", &[0.5]).weight_of(UINT8, "z", &[]).node(&kind, inputs, &["y"], attributes).output("y");
        let network = model.import(&common::ungrouped()).unwrap_or_else(|error| panic!("{error}"));
        let tensor = &network.tensors[network.results[0].0];
        let sizes: String = tensor.shape.iter().map(|it| format!("{it}x")).collect();
        assert_eq!(format!("{sizes}{}", tensor.element), expected, "{kind}");
    };
    let bytes = |shapes: &[(&str, &[i64])]| {
        shapes.iter().fold(Model::new(), |model, (name, shape)| model.input_of(UINT8, name, shape))
    };
    let image: (&str, &[i64]) = ("a", &[1, 8, 4, 4]);
    let two = || bytes(&[image, ("b", &[1, 8, 4, 4])]);
    let joined = ["s", "z", "a", "s", "z", "b", "s", "z"];
    shape("QLinearConcat", two(), &joined, vec![int("axis", 1)], "1x16x4x4xui8");
    shape("QLinearMul", two(), &["a", "s", "z", "b", "s", "z", "s", "z"], vec![], "1x8x4x4xui8");
    let select = two().input_of(9, "c", &[4, 1]);
    shape("QLinearWhere", select, &["c", "a", "s", "z", "b", "s", "z", "s", "z"], vec![], "1x8x4x4xui8");
    let unary = ["a", "s", "z", "s", "z"];
    for kind in ["QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax"] {
        shape(kind, bytes(&[image]), &unary, vec![], "1x8x4x4xui8");
    }
    shape("QLinearGlobalAveragePool", bytes(&[image]), &unary, vec![], "1x8x1x1xui8");
    let last = vec![int("channels_last", 1)];
    shape("QLinearGlobalAveragePool", bytes(&[image]), &unary, last.clone(), "1x1x1x4xui8");
    let window = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
    shape("QLinearAveragePool", bytes(&[image]), &unary, window.clone(), "1x8x2x2xui8");
    shape("QLinearAveragePool", bytes(&[image]), &unary, [window, last.clone()].concat(), "1x4x2x4xui8");
    shape("QLinearReduceMean", bytes(&[image]), &unary, vec![ints("axes", &[2, 3])], "1x8x1x1xui8");
    let conv = bytes(&[("a", &[1, 6, 6, 8])]).weight_of(INT8, "w", &[16, 8, 3, 3]);
    shape("QLinearConv", conv, &["a", "s", "z", "w", "s", "z", "s", "z"], last, "1x4x4x16xui8");
    let product = || bytes(&[("a", &[4, 64])]).weight_of(INT8, "w", &[64, 32]).weight_of(INT8, "v", &[32, 64]);
    let transposed = vec![int("transB", 1)];
    shape("QGemm", product(), &["a", "s", "z", "v", "s", "z", "", "s", "z"], transposed.clone(), "4x32xui8");
    shape("QGemm", product(), &["a", "s", "z", "v", "s", "z"], transposed, "4x32xf32");
    shape("MatMulIntegerToFloat", product(), &["a", "w", "s", "s"], vec![], "4x32xf32");
    let product = || Model::new().input("x", &[4, 64]).weight_of(INT8, "w", &[64, 32]);
    shape("DynamicQuantizeMatMul", product(), &["x", "w", "s"], vec![], "4x32xf32");
    let packed = product().weight_of(UINT8, "packed", &[32, 2, 16]).weight("scales", &[64]);
    let of = |k| vec![int("K", k), int("N", 32), int("bits", 4), int("block_size", 32)];
    shape("MatMulNBits", packed.clone(), &["x", "packed", "scales"], of(64), "4x32xf32");
    let wrong = packed.node("com.microsoft.MatMulNBits", &["x", "packed", "scales"], &["y"], of(96)).output("y");
    check_error(&wrong, "node 'node_y' (MatMulNBits): [4, 64] and a weight of 96 by 32 cannot be multiplied");
    let lstm =
        Model::new().input("x", &[20, 1, 16]).weight_of(INT8, "w", &[1, 16, 128]).weight_of(INT8, "r", &[1, 32, 128]);
    let inputs = ["x", "w", "r", "", "", "", "", "", "s", "z", "s", "z"];
    shape("DynamicQuantizeLSTM", lstm, &inputs, vec![int("hidden_size", 32)], "20x1x1x32xf32");
}

#[test]
fn integers_and_what_is_quantised_as_it_runs() {
    let model = Model::new()
        .input("x", &[4, 64])
        .weight_of(INT8, "w", &[64, 32])
        .node("DynamicQuantizeLinear", &["x"], &["q", "s", "z"], vec![])
        .node("MatMulInteger", &["q", "w", "z"], &["y"], vec![])
        .node("Mul", &["s", "s"], &["t"], vec![])
        .output("y")
        .output("t");
    check(
        &model,
        &[
            "DynamicQuantizeLinear(x) -> q: 4x64xui8, s: f32, z: ui8",
            "MatMulInteger(q, w, z) -> y: 4x32xi32",
            "Mul(s) -> t: f32",
        ],
    );
}

/// Elements of less than a byte are packed, in the module as well, and are quantised already.
#[test]
fn elements_of_less_than_a_byte() {
    for (number, name) in [(21, "ui4"), (22, "i4"), (23, "f4E2M1FN"), (25, "ui2"), (26, "i2")] {
        let model = Model::of_opset(25)
            .input("x", &[8, 4])
            .weight_of(number, "table", &[16, 4])
            .input_of(INT64, "rows", &[3])
            .node("Gather", &["table", "rows"], &["y"], vec![])
            .output("y");
        check(&model, &[&format!("Gather(table, rows) -> y: 3x4x{name}")]);
        let deployed = cosma_import::Options { element_bytes: Some(1), ..common::ungrouped() };
        common::check_with(&model, &deployed, &[&format!("Gather(table, rows) -> y: 3x4x{name}")]);
    }
}

/// What onnxruntime computes of these has these shapes.
#[test]
fn signals() {
    shape("DFT", &[&[2, 10, 6, 1]], vec![int("axis", 1), int("onesided", 1)], "2x6x6x2");
    let x: &[&[i64]] = &[&[2, 10, 6, 2]];
    shape_of(Model::of_opset(20), "DFT", x, &[&[7], &[2]], vec![], "2x10x7x2");
    let signal: &[&[i64]] = &[&[1, 100, 1]];
    shape_of(Model::new(), "STFT", signal, &[&[8], &[], &[32]], vec![int("onesided", 0)], "1x9x32x2");
    shape_of(Model::new(), "AffineGrid", &[&[2, 2, 3]], &[&[2, 3, 5, 6]], vec![], "2x5x6x2");
    let window = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
    shape("MaxUnpool", &[&[1, 1, 2, 2], &[1, 1, 2, 2]], window, "1x1x4x4");
    shape_of(Model::new(), "CenterCropPad", &[&[1, 2, 8, 4]], &[&[5, 6]], vec![ints("axes", &[2, 3])], "1x2x5x6");
    shape_of(Model::new(), "Col2Im", &[&[1, 12, 9]], &[&[4, 4], &[2, 2]], vec![], "1x3x4x4");
    shape("Det", &[&[3, 4, 4]], vec![], "3");
    let model = Model::new().input("x", &[1, 8]).ints("step", &[0]).ints("frame", &[4]);
    let model = model.node("STFT", &["x", "step", "", "frame"], &["y"], vec![]).output("y");
    check_error(&model, "node 'node_y' (STFT): its frames do not move on");
}

/// Multiply-accumulates are counted of what optimisers make of products as well.
#[test]
fn products_are_measured() {
    let model = Model::new()
        .input("x", &[4, 64])
        .weight_of(UINT8, "packed", &[32, 2, 16])
        .weight("scales", &[64])
        .weight("w", &[32, 4])
        .node(
            "com.microsoft.MatMulNBits",
            &["x", "packed", "scales"],
            &["y"],
            vec![int("K", 64), int("N", 32), int("bits", 4), int("block_size", 32)],
        )
        .node("com.microsoft.FusedMatMul", &["w", "y"], &["z"], vec![int("transA", 1), int("transB", 1)])
        .output("z");
    let network = model.import(&common::ungrouped()).expect("4 by 32 and 32 by 4");
    let macs: Vec<Option<u64>> = network.operators.iter().map(|it| it.macs).collect();
    assert_eq!(macs, [Some(4 * 32 * 64), Some(4 * 4 * 32)]);
}

#[test]
fn operators_of_elsewhere_are_refused_by_name() {
    let model = Model::new().input("x", &[4]).node("mine.Special", &["x"], &["y"], vec![]).output("y");
    check_error(
        &model,
        "node 'node_y' (Special): this operator of 'mine' is not known, and the model does not declare the shape of its \
         result 'y'; onnx.shape_inference may be able to, or add it to value_info",
    );
}
