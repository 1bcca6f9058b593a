//! Quantised models: what lies between operators is as narrow as the model makes it.

mod common;

use common::{FLOAT, INT8, Model, UINT8, check, check_grouped, int, ints};
use cosma_import::{Options, Origin};

const INT4: i32 = 22;
const UINT4: i32 = 21;
const INT16: i32 = 5;
const INT32: i32 = 6;
const FLOAT16: i32 = 10;
const FLOAT8: i32 = 17;

/// A scale and a zero point for each element type, as `s`, `z8`, ….
fn start() -> Model {
    let zero = |model: Model, name: &str, element: i32| model.weight_of(element, name, &[]);
    let types = [("i8", INT8), ("u8", UINT8), ("i16", INT16), ("i4", INT4), ("u4", UINT4), ("f8", FLOAT8)];
    types.iter().fold(Model::of_opset(21).weight("s", &[]), |model, it| zero(model, it.0, it.1))
}

/// `x_q` is `x` quantised.
trait Quantised {
    fn q(self, x: &str, zero: &str) -> Self;
    fn d(self, x: &str, zero: &str) -> Self;
}

impl Quantised for Model {
    fn q(self, x: &str, zero: &str) -> Model {
        self.node("QuantizeLinear", &[x, "s", zero], &[&format!("{x}_q")], vec![])
    }

    /// And back again: `x_d`.
    fn d(self, x: &str, zero: &str) -> Model {
        self.node("DequantizeLinear", &[&format!("{x}_q"), "s", zero], &[&format!("{x}_d")], vec![])
    }
}

/// A weight `w_q` of eight bits, `w_d` to its readers.
fn weight(model: Model, shape: &[i64]) -> Model {
    model.weight_of(INT8, "w_q", shape).d("w", "i8")
}

#[test]
fn a_convolution_reads_and_writes_bytes() {
    let model = weight(start().input("x", &[1, 4, 8, 8]), &[4, 4, 1, 1])
        .weight_of(INT32, "bias_q", &[4])
        .node("DequantizeLinear", &["bias_q", "s"], &["bias"], vec![])
        .q("x", "i8")
        .d("x", "i8")
        .node("Conv", &["x_d", "w_d", "bias"], &["a"], vec![])
        .node("Relu", &["a"], &["b"], vec![])
        .q("b", "u8")
        .d("b", "u8")
        .node("MaxPool", &["b_d"], &["c"], vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])])
        .q("c", "u8")
        .output("c_q");
    check_grouped(
        &model,
        &[
            "QuantizeLinear(x) -> x_q: 1x4x8x8xi8",
            "Conv(x_q, w_q, bias) -> b_q: 1x4x8x8xui8",
            "MaxPool(b_q) -> c_q: 1x4x4x4xui8",
        ],
    );
    let network = model.import(&Options::default()).expect("it is a model");
    assert_eq!(network.operators[1].nodes, ["node_x_d", "node_a", "node_b", "node_b_q"]);
    assert_eq!(network.operators[1].macs, Some(4 * 4 * 64));
}

/// Each of both readers dequantises for itself, and the sum lies where an operand lies, byte over byte.
#[test]
fn a_residual_addition_is_of_bytes() {
    for (zero, bits) in [("i8", "i8"), ("u8", "ui8"), ("i16", "i16"), ("i4", "i4"), ("u4", "ui4"), ("f8", "f8E4M3FN")] {
        let model = weight(start().input("x", &[1, 4, 8, 8]), &[4, 4, 1, 1])
            .q("x", zero)
            .d("x", zero)
            .node("Conv", &["x_d", "w_d"], &["a"], vec![])
            .q("a", zero)
            .d("a", zero)
            .node("Add", &["a_d", "x_d"], &["b"], vec![])
            .node("Relu", &["b"], &["c"], vec![])
            .q("c", zero)
            .output("c_q");
        check_grouped(
            &model,
            &[
                &format!("QuantizeLinear(x) -> x_q: 1x4x8x8x{bits}"),
                &format!("Conv(x_q, w_q) -> a_q: 1x4x8x8x{bits}"),
                &format!("Add(a_q, x_q) -> c_q: 1x4x8x8x{bits}"),
            ],
        );
        let network = model.import(&Options::default()).expect("it is a model");
        let add = network.operators.last().expect("there are three");
        assert_eq!(add.in_place.iter().map(|pair| pair.operand).collect::<Vec<_>>(), add.reads, "{zero}");
        assert!(add.nodes.contains(&"node_x_d".into()) && network.operators[1].nodes.contains(&"node_x_d".into()));
    }
}

/// What a concatenation joins lies side by side in bytes, and moves nothing.
#[test]
fn a_concatenation_is_of_bytes() {
    let model = start()
        .input_of(INT8, "x_q", &[1, 4, 8, 8])
        .input_of(INT8, "y_q", &[1, 2, 8, 8])
        .d("x", "i8")
        .d("y", "i8")
        .node("Concat", &["x_d", "y_d"], &["a"], vec![int("axis", 1)])
        .q("a", "i8")
        .output("a_q");
    check_grouped(&model, &["Concat(x_q, y_q) -> a_q: 1x6x8x8xi8"]);
    let network = model.import(&Options::default()).expect("it is a model");
    let parts: Vec<Option<u64>> = network.operators[0].in_place.iter().map(|pair| pair.part).collect();
    assert_eq!(parts, [Some(0), Some(256)]);
}

/// Views and transpositions between are of bytes as well, and so are pieces, pooling and softmax.
#[test]
fn what_lies_between_quantisation_and_its_end_is_of_bytes() {
    let model = start()
        .input_of(INT8, "x_q", &[1, 4, 8, 8])
        .ints("to", &[1, 4, 64])
        .node("Reshape", &["x_q", "to"], &["a_q"], vec![])
        .node("Transpose", &["a_q"], &["b_q"], vec![ints("perm", &[0, 2, 1])])
        .d("b", "i8")
        .node("Softmax", &["b_d"], &["c"], vec![])
        .q("c", "i8")
        .d("c", "i8")
        .node("Split", &["c_d"], &["e", "f"], vec![int("axis", 2), int("num_outputs", 2)])
        .q("e", "i8")
        .q("f", "i8")
        .output("e_q")
        .output("f_q");
    check_grouped(
        &model,
        &[
            "Transpose(x_q) -> b_q: 1x64x4xi8",
            "Softmax(b_q) -> c_q: 1x64x4xi8",
            "Split(c_q) -> e_q: 1x64x2xi8, f_q: 1x64x2xi8",
        ],
    );
}

#[test]
fn a_table_of_bytes_is_looked_up_in_bytes() {
    let model = weight(start().input_of(7, "ids", &[1, 16]), &[100, 32])
        .node("Gather", &["w_d", "ids"], &["a"], vec![])
        .q("a", "i8")
        .d("a", "i8")
        .node("Relu", &["a_d"], &["b"], vec![])
        .q("b", "i8")
        .output("b_q");
    check_grouped(&model, &["Gather(w_q, ids) -> a_q: 1x16x32xi8", "Relu(a_q) -> b_q: 1x16x32xi8"]);
}

/// The model asks for floats, so the last operator writes them.
#[test]
fn a_result_is_as_wide_as_the_model_says() {
    let model = weight(start().input_of(INT8, "x_q", &[4, 8]), &[8, 8])
        .d("x", "i8")
        .node("MatMul", &["x_d", "w_d"], &["a"], vec![])
        .q("a", "i8")
        .d("a", "i8")
        .output("a_d");
    check_grouped(&model, &["MatMul(x_q, w_q) -> a_d: 4x8xf32"]);
}

/// Scales and zero points of channels and of blocks are read beside the weight; a transposition of what was
/// dequantised is one of bytes, done before the run.
#[test]
fn weights_are_read_as_they_are_stored() {
    let model = Model::of_opset(21)
        .input("x", &[4, 64])
        .weight_of(INT4, "w", &[64, 64])
        .weight("s", &[4, 64])
        .weight_of(INT4, "z", &[4, 64])
        .node("DequantizeLinear", &["w", "s", "z"], &["a"], vec![int("axis", 0), int("block_size", 16)])
        .weight_of(INT8, "v", &[32, 64])
        .weight("t", &[32])
        .node("DequantizeLinear", &["v", "t"], &["b"], vec![int("axis", 0)])
        .node("Transpose", &["b"], &["c"], vec![ints("perm", &[1, 0])])
        .weight_of(FLOAT16, "u", &[32])
        .node("Cast", &["u"], &["d"], vec![int("to", FLOAT.into())])
        .node("MatMul", &["x", "a"], &["e"], vec![])
        .node("MatMul", &["e", "c"], &["f"], vec![])
        .node("Add", &["f", "d"], &["g"], vec![])
        .output("g");
    let expected = ["MatMul(x, w, s, z) -> e: 4x64xf32", "MatMul(e, c, t, u) -> g: 4x32xf32"];
    check_grouped(&model, &expected);
    check(&model, &[expected[0], "MatMul(e, c, t) -> f: 4x32xf32", "Add(f, u) -> g: 4x32xf32"]);
    let network = model.import(&Options::default()).expect("it is a model");
    let weights = network.tensors.iter().filter(|tensor| tensor.origin == Origin::Weight);
    let sizes: Vec<(&str, u64)> = weights.map(|tensor| (tensor.name.as_str(), tensor.size())).collect();
    assert_eq!(sizes, [("w", 2048), ("s", 1024), ("z", 128), ("c", 2048), ("t", 128), ("u", 64)]);
}

/// Without groups each node is an operator, but a weight is no wider for that.
#[test]
fn without_groups_each_node_is_an_operator() {
    let model = weight(start().input_of(INT8, "x_q", &[4, 8]), &[8, 8])
        .d("x", "i8")
        .node("MatMul", &["x_d", "w_d"], &["a"], vec![])
        .q("a", "i8")
        .output("a_q");
    check(
        &model,
        &[
            "DequantizeLinear(x_q) -> x_d: 4x8xf32",
            "MatMul(x_d, w_q) -> a: 4x8xf32",
            "QuantizeLinear(a) -> a_q: 4x8xi8",
        ],
    );
}
