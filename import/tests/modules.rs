//! Operators are named by the modules of the framework, where the model tells them.

mod common;

use common::Model;
use cosma_import::proto::{FunctionProto, NodeProto, StringStringEntryProto};
use cosma_import::{Network, Options, import};

const SCOPES: &str = "pkg.torch.onnx.name_scopes";

/// Notes an exporter's entry on the last node of a model.
fn noted(mut model: Model, key: &str, value: &str) -> Model {
    let node = model.graph().node.last_mut().expect("it was added");
    node.metadata_props.push(StringStringEntryProto { key: key.into(), value: value.into() });
    model
}

fn names(network: &Network) -> Vec<&str> {
    network.operators.iter().map(|it| it.name.as_str()).collect()
}

#[test]
fn operators_have_the_name_of_the_module_of_their_head() {
    let mut model = Model::new().input("x", &[1, 8]).weight("w", &[8, 8]);
    for (from, to, module) in [("x", "a", "layers.0"), ("a", "b", "layers.0"), ("b", "c", "layers.1")] {
        model = model.node("MatMul", &[from, "w"], &[to], vec![]);
        model = noted(model, SCOPES, &format!("['', '{module}', '{module}.proj', 'linear']"));
    }
    // It joins the product before it.
    model = noted(model.node("Relu", &["c"], &["d"], vec![]), SCOPES, "['', 'act', 'relu']");
    model = noted(model.node("Softmax", &["d"], &["e"], vec![]), SCOPES, "['', 'softmax']");
    let network = model.output("e").import(&Options::default()).expect("it is a model");
    let expected = ["layers.0/proj/MatMul", "layers.0/proj/MatMul_1", "layers.1/proj/MatMul", "Softmax"];
    assert_eq!(names(&network), expected);
    // What they stand for is known by the names in the model.
    assert_eq!(network.operators[2].nodes, ["node_c", "node_d"]);
    let text = network.to_string();
    assert!(text.contains("nodes = [\"node_a\"]"), "{text}");
    assert!(text.contains("loc(\"layers.0/proj/MatMul_1\"(\"\":2:1))"), "{text}");
}

#[test]
fn a_name_is_given_once() {
    let mut model = Model::new().input("x", &[8]);
    model = model.node("Exp", &["x"], &["a"], vec![]);
    model.graph().node[0].name = "m/Softmax_1".into();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "d")] {
        model = noted(model.node("Softmax", &[from], &[to], vec![]), SCOPES, "['', 'm', 'softmax']");
    }
    let network = model.output("d").import(&common::ungrouped()).expect("it is a model");
    assert_eq!(names(&network), ["m/Softmax_1", "m/Softmax", "m/Softmax_2", "m/Softmax_3"]);
}

#[test]
fn nodes_of_functions_are_of_the_module_of_the_call() {
    let node = |kind: &str, input: &str, output: &str| NodeProto {
        op_type: kind.into(),
        input: vec![input.into()],
        output: vec![output.into()],
        ..NodeProto::default()
    };
    let function = FunctionProto {
        name: "act".into(),
        domain: "mine".into(),
        input: vec!["in".into()],
        output: vec!["out".into()],
        node: vec![node("Exp", "in", "t"), node("Softmax", "t", "out")],
    };
    let mut model = Model::new().input("x", &[8]).node("mine.act", &["x"], &["y"], vec![]);
    model = noted(model, SCOPES, "['', 'block', 'act']").output("y");
    model.0.functions = vec![function];
    let network = model.import(&common::ungrouped()).expect("it is a model");
    assert_eq!(names(&network), ["block/Exp", "block/Softmax"]);
}

/// Written by PyTorch 2.15: a convolution with its normalisation, a layer of a transformer's encoder, and a product.
/// Stack traces were left out.
#[test]
fn a_model_of_pytorch() {
    let model = include_bytes!("models/torch.onnx");
    let network = import(&model[..], &Options::default()).expect("it is a model");
    // The exporter folded the normalisation into the convolution, and notes its module.
    let expected = [
        "stem/norm/Conv",
        "Transpose",
        "layers.0/self_attn/MatMul",
        "layers.0/self_attn/Transpose",
        "layers.0/self_attn/Transpose_1",
        "layers.0/self_attn/Transpose_2",
        "layers.0/self_attn/Transpose_3",
        "layers.0/self_attn/MatMul_1",
        "layers.0/self_attn/Softmax",
        "layers.0/self_attn/MatMul_2",
        "layers.0/self_attn/Transpose_4",
        "layers.0/self_attn/Gemm",
        "layers.0/Add",
        "layers.0/norm1/LayerNormalization",
        "layers.0/linear1/MatMul",
        "layers.0/linear2/MatMul",
        "layers.0/Add_1",
        "layers.0/norm2/LayerNormalization",
        "ReduceMean",
        "head/Gemm",
    ];
    assert_eq!(names(&network), expected);
}
