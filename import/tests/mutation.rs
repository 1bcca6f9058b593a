//! Whatever is read: an error or a network that holds together, no panic, and no memory without end.

mod common;

use common::{FLOAT, Model, ints};
use cosma_import::proto::AttributeProto;
use cosma_import::{Network, Options, Origin, TensorIndex, import};
use proptest::prelude::*;
use proptest::sample::select;

/// Operators with a rule, and one without.
const KINDS: &[&str] = &[
    "Add",
    "ArgMax",
    "Attention",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "DepthToSpace",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "DynamicQuantizeLinear",
    "Einsum",
    "Equal",
    "Expand",
    "Flatten",
    "Gather",
    "GatherElements",
    "GatherND",
    "Gemm",
    "GlobalAveragePool",
    "GridSample",
    "Identity",
    "LSTM",
    "LayerNormalization",
    "MatMul",
    "Max",
    "MaxPool",
    "MaxRoiPool",
    "Mod",
    "Mul",
    "Neg",
    "NonZero",
    "OneHot",
    "Pad",
    "Pow",
    "QLinearConv",
    "QLinearMatMul",
    "QuantizeLinear",
    "RandomNormal",
    "Range",
    "ReduceMean",
    "ReduceProd",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "Shape",
    "Size",
    "Slice",
    "Softmax",
    "SpaceToDepth",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tile",
    "TopK",
    "Transpose",
    "Unsqueeze",
    "Upsample",
    "Where",
    "com.microsoft.Gelu",
    "com.microsoft.QLinearAdd",
    "org.example.Opaque",
];

const ATTRIBUTES: &[&str] = &[
    "axes",
    "axis",
    "blocksize",
    "dilations",
    "dtype",
    "end",
    "ends",
    "group",
    "k",
    "keepdims",
    "kernel_shape",
    "noop_with_empty_axes",
    "output_padding",
    "output_shape",
    "pads",
    "perm",
    "scales",
    "shape",
    "split",
    "start",
    "starts",
    "strides",
    "to",
    "transA",
    "transB",
    "value_int",
    "value_ints",
];

const TEXTS: &[(&str, &str)] = &[
    ("auto_pad", "SAME_UPPER"),
    ("auto_pad", "VALID"),
    ("equation", "ij,jk->ik"),
    ("equation", "ii"),
    ("direction", "bidirectional"),
    ("keep_aspect_ratio_policy", "not_larger"),
];

/// Mostly what means something, sometimes what should not be there.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => -3_i64..=8,
        1 => select(&[0, i64::MAX, i64::MIN, 1 << 32, 1 << 62, -(1 << 40)][..]),
    ]
}

fn attribute() -> impl Strategy<Value = AttributeProto> {
    let numbers = (select(ATTRIBUTES), prop::collection::vec(number(), 0..5))
        .prop_map(|(name, list)| AttributeProto { i: list.first().copied(), ..ints(name, &list) });
    prop_oneof![6 => numbers, 1 => select(TEXTS).prop_map(|(name, text)| common::text(name, text))]
}

/// Which values a node reads, counted back from the last one.
type Node = (&'static str, Vec<usize>, usize, Vec<AttributeProto>);

fn model() -> impl Strategy<Value = Model> {
    let shape = || prop::collection::vec(prop_oneof![8 => 1_i64..6, 1 => Just(0), 1 => Just(1 << 31)], 0..5);
    let node =
        (select(KINDS), prop::collection::vec(0_usize..12, 0..5), 1_usize..4, prop::collection::vec(attribute(), 0..4));
    let constants = prop::collection::vec(prop::collection::vec(number(), 0..5), 1..4);
    let inputs = prop::collection::vec(shape(), 1..3);
    let opset = select(&[7_i64, 9, 10, 11, 13, 17, 22][..]);
    (inputs, constants, prop::collection::vec(node, 1..24), opset, any::<bool>()).prop_map(build)
}

type Parts = (Vec<Vec<i64>>, Vec<Vec<i64>>, Vec<Node>, i64, bool);

fn build((inputs, constants, nodes, opset, drops_wrong): Parts) -> Model {
    let mut model = Model::of_opset(opset);
    let mut names = Vec::new();
    for (index, list) in constants.iter().enumerate() {
        names.push(format!("c{index}"));
        model = model.ints(&names[index], list);
    }
    model = model.weight("w", &[4, 4, 3, 3]).floats("f", &[2.0]);
    names.extend(["w".to_owned(), "f".to_owned()]);
    for (index, shape) in inputs.iter().enumerate() {
        names.push(format!("x{index}"));
        model = model.input(&format!("x{index}"), shape);
    }
    for (index, (kind, reads, n_results, attributes)) in nodes.into_iter().enumerate() {
        let reads: Vec<&str> =
            reads.iter().map(|it| names.len().checked_sub(it + 1).map_or("", |it| names[it].as_str())).collect();
        let writes: Vec<String> = (0..n_results).map(|it| format!("n{index}_{it}")).collect();
        let results: Vec<&str> = writes.iter().map(String::as_str).collect();
        let before = model.clone();
        model = model.node(kind, &reads, &results, attributes).output(&writes[0]);
        // Of random nodes nearly all are wrong, and one is enough for the whole model to be.
        if drops_wrong && model.import(&common::ungrouped()).is_err() {
            model = before;
            continue;
        }
        // Some have to be believed.
        if index % 3 == 0 {
            model = writes.iter().fold(model, |model, it| model.value_info(it, FLOAT, &[2, 3]));
        }
        names.extend(writes);
    }
    model
}

/// The tensor that a view is a piece of, which it lies within.
fn viewed(network: &Network, mut tensor: TensorIndex) -> TensorIndex {
    let bits = |it: TensorIndex| network.tensors[it.0].n_elements() * network.tensors[it.0].element.bits();
    while let Origin::View { of, at } = network.tensors[tensor.0].origin {
        assert!(at * 8 + bits(tensor) <= bits(of), "a view ends behind its tensor: {network}");
        tensor = of;
    }
    tensor
}

/// What every network fulfils.
fn holds_together(network: &Network) {
    let mut is_there = vec![false; network.tensors.len()];
    network.arguments.iter().for_each(|it| is_there[it.0] = true);
    for operator in &network.operators {
        let is_read = |it: &TensorIndex| is_there[viewed(network, *it).0];
        assert!(operator.reads.iter().all(is_read), "read before it is written: {network}");
        for write in &operator.writes {
            assert!(!std::mem::replace(&mut is_there[write.0], true), "written twice: {network}");
            assert_eq!(network.tensors[write.0].origin, Origin::Operator);
        }
    }
    network.results.iter().for_each(|it| assert!(is_there[it.0], "returned, but not there: {network}"));
    assert!(network.to_string().starts_with("func.func @"));
    let extraction = network.extract();
    // Sizes may add up to more than can be planned; all else can be.
    match extraction.graph.build() {
        Ok(graph) => {
            assert_eq!(graph.ops().len(), network.operators.len());
            assert_eq!(graph.tensors().len(), extraction.carriers.len());
        }
        Err(error) => assert_eq!(error, cosma_planner::Error::TooLarge, "{network}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn models_of_random_nodes(model in model()) {
        for options in [common::ungrouped(), Options { element_bytes: Some(2), ..Options::default() }] {
            if let Ok(network) = model.import(&options) {
                holds_together(&network);
            }
        }
    }

    #[test]
    fn damaged_models(
        model in model(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = model.encode();
        for (at, with) in damage {
            let at = at.index(bytes.len());
            bytes[at] = with;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(network) = import(bytes, &Options::default()) {
            holds_together(&network);
        }
    }
}

/// A property that never meets a network proves nothing.
#[test]
fn random_models_are_networks_often_enough() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let n = (0..500).filter(|_| {
        let model = model().new_tree(&mut runner).expect("it can be generated").current();
        model.import(&Options::default()).is_ok()
    });
    let n = n.count();
    println!("{n} of 500 random models are networks");
    assert!(100 < n, "only {n} of 500");
}

/// Models as they are written, with branches, external data and packed weights: one byte at a time.
#[test]
fn damaged_files() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models");
    let (mut n, mut n_read) = (0, 0);
    for entry in std::fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        let bytes = std::fs::read(&path).expect("it can be read");
        if path.extension().is_none_or(|it| it != "onnx") {
            continue;
        }
        let dimensions = [("p".to_owned(), 0), ("b".to_owned(), 2)];
        for at in 0..bytes.len().min(700) {
            for with in [0, 1, 0x7f, bytes[at] ^ 0x10] {
                let mut damaged = bytes.clone();
                damaged[at] = with;
                for dimensions in [&dimensions[..0], &dimensions[..1], &dimensions[1..]] {
                    let dimensions = dimensions.iter().cloned().collect();
                    n += 1;
                    if let Ok(network) = import(damaged.clone(), &Options { dimensions, ..Options::default() }) {
                        holds_together(&network);
                        n_read += 1;
                    }
                }
            }
        }
    }
    assert!(10_000 < n && 1_000 < n_read, "{n_read} of {n}");
}
