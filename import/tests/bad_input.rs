//! Models that are wrong: an error that says where, and never a panic.

mod common;

use common::{Model, check, check_error, int, ints, ungrouped};
use cosma_import::proto::{AttributeProto, DimensionProto, FunctionProto, GraphProto, NodeProto};
use cosma_import::{Error, Options, import};

#[test]
fn no_model() {
    for (bytes, expected) in [
        (&b""[..], "not an ONNX model, or cut off: it does not declare its operator sets"),
        (b"func.func @f()", "not an ONNX model, or cut off: "),
        (&[8, 8, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f][..], "not an ONNX model, or cut off: "),
    ] {
        let error = import(bytes, &Options::default()).expect_err("it is no model");
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn cut_off() {
    let bytes = relu().encode();
    for end in 0..bytes.len() {
        // Where a field ends, what is there may be a model.
        if let Ok(network) = import(bytes[..end].to_vec(), &Options::default()) {
            assert!(network.operators.len() < 2);
        }
    }
}

fn relu() -> Model {
    Model::new().input("x", &[4]).node("Relu", &["x"], &["y"], vec![]).output("y")
}

#[test]
fn old_operators() {
    let model = Model::of_opset(6).input("x", &[4]).node("Relu", &["x"], &["y"], vec![]).output("y");
    check_error(
        &model,
        "the model uses version 6 of ONNX's operators, but the oldest that is read is 7: convert it with \
         onnx.version_converter",
    );
    // A newer one than any is read as far as it is understood.
    check(
        &Model::of_opset(999).input("x", &[4]).node("Relu", &["x"], &["y"], vec![]).output("y"),
        &["Relu(x) -> y: 4xf32"],
    );
}

#[test]
fn names() {
    let twice = relu().node("Exp", &["x"], &["y"], vec![]);
    check_error(&twice, "node 'y' (Exp): the name 'y' is given to two values");
    let twice = relu().weight("x", &[1]).weight("x", &[1]);
    check_error(&twice, "'x': the name 'x' is given to two values");
    let twice = relu().input("x", &[3]);
    check_error(&twice, "'x': the name 'x' is given to two values");
    let nowhere = Model::new().input("x", &[4]).node("Add", &["x", "z"], &["y"], vec![]).output("y");
    check_error(&nowhere, "node 'node_y' (Add): it reads 'z', which is not an input, initialiser or result");
    check_error(&relu().output("z"), "'z': it is an output of the model, but nothing computes it");
}

#[test]
fn cycles() {
    let model = Model::new()
        .input("x", &[4])
        .node("Exp", &["c"], &["after"], vec![])
        .node("Add", &["x", "c"], &["a"], vec![])
        .node("Relu", &["a"], &["b"], vec![])
        .node("Neg", &["b"], &["c"], vec![])
        .output("after");
    check_error(&model, "node 'node_c' (Neg): it reads a result of node 'node_b', which depends on it: a cycle");
    let model = Model::new().node("Relu", &["x"], &["x"], vec![]).output("x");
    check_error(&model, "node 'node_x' (Relu): it reads its own result");
}

#[test]
fn control_flow() {
    let body = AttributeProto { name: "body".into(), g: Some(GraphProto::default()), ..AttributeProto::default() };
    let model = Model::new().input("x", &[4]).node("Loop", &["", "", "x"], &["y"], vec![body]).output("y");
    check_error(
        &model,
        "node 'node_y' (Loop): the number of iterations of its graph is known only at run time: export the model \
         without it, unrolled, or plan its body as a separate model",
    );
}

#[test]
fn symbolic_dimensions() {
    let mut model = relu();
    let tensor = model.graph().input[0].r#type.as_mut().and_then(|it| it.tensor_type.as_mut());
    let symbolic = |name: Option<&str>| DimensionProto { dim_value: None, dim_param: name.map(Into::into) };
    tensor.and_then(|it| it.shape.as_mut()).expect("it has one").dim = vec![symbolic(Some("batch")), symbolic(None)];
    check_error(
        &model,
        "the size of dimensions 'batch', 'x[1]' are not known: give --dim 'batch=SIZE' --dim 'x[1]=SIZE'",
    );
    let dimensions = [("batch".to_owned(), 2), ("x[1]".to_owned(), 3)].into();
    common::check_with(&model, &Options { dimensions, ..ungrouped() }, &["Relu(x) -> y: 2x3xf32"]);
    let fail = |model: &Model, name: &str, expected: &str| {
        let dimensions = [(name.to_owned(), 2)].into();
        let error = model.import(&Options { dimensions, ..ungrouped() }).expect_err("there is no such dimension");
        assert_eq!(error.to_string(), expected);
    };
    let has = "the model has no symbolic dimension";
    fail(&model, "bacth", &format!("{has} 'bacth': it has 'batch', 'x[1]'"));
    fail(&model, "x[2]", &format!("{has} 'x[2]': it has 'batch', 'x[1]'"));
    fail(&relu(), "x[0]", &format!("{has} 'x[0]': all its sizes are given"));
}

#[test]
fn shapes() {
    let node = |kind: &str, shapes: &[&[i64]], attributes| {
        let mut model = Model::new();
        let names = ["a", "b"];
        for (name, shape) in names.iter().zip(shapes) {
            model = model.input(name, shape);
        }
        model.node(kind, &names[..shapes.len()], &["y"], attributes).output("y")
    };
    let fail = |model: &Model, expected: &str| check_error(model, &format!("node 'node_y' {expected}"));
    fail(&node("Add", &[&[2], &[3]], vec![]), "(Add): shapes [2] and [3] do not match");
    fail(&node("MatMul", &[&[2, 3], &[2, 3]], vec![]), "(MatMul): [2, 3] and [2, 3] cannot be multiplied");
    fail(&node("Concat", &[&[2], &[2]], vec![]), "(Concat): it has no axis");
    fail(&node("Softmax", &[], vec![]), "(Softmax): input 0 is missing");
    fail(
        &node("Conv", &[&[1, 3, 2, 2], &[8, 3, 3, 3]], vec![]),
        "(Conv): a window of 3 does not fit into 2 elements and padding 0 and 0",
    );
    fail(
        &node("Conv", &[&[1, 3, 8, 8], &[8, 4, 3, 3]], vec![]),
        "(Conv): weights [8, 4, 3, 3] in 1 groups do not fit data [1, 3, 8, 8]",
    );
    fail(
        &node("MaxPool", &[&[1, 3, 8, 8]], vec![ints("kernel_shape", &[0, 0])]),
        "(MaxPool): the kernel must be positive: [0, 0]",
    );
    fail(&node("Split", &[&[4]], vec![int("axis", 1)]), "(Split): there is no axis 1 in a tensor of rank 1");
}

#[test]
fn sizes_beyond_all_measure() {
    let huge = Model::new().input("x", &[i64::MAX, i64::MAX]).output("x");
    assert!(matches!(huge.import(&ungrouped()), Err(Error::Value { .. })));
    let huge = Model::new().weight("w", &[1 << 40, 1 << 40]).output("w");
    assert!(matches!(huge.import(&ungrouped()), Err(Error::Value { .. })));
    check_error(&Model::new().weight("w", &[-1]).output("w"), "'w': a dimension is negative: -1");
    let huge = Model::new()
        .input("x", &[1 << 40])
        .ints("times", &[1 << 40])
        .node("Tile", &["x", "times"], &["y"], vec![])
        .output("y");
    assert!(matches!(huge.import(&ungrouped()), Err(Error::Node { .. })));
    // Data that would be there is not allocated.
    let huge = Model::new()
        .ints("shape", &[1 << 50])
        .node("ConstantOfShape", &["shape"], &["w"], vec![])
        .input("x", &[1])
        .node("Add", &["x", "w"], &["y"], vec![])
        .output("y");
    assert!(huge.import(&ungrouped()).is_ok());
}

#[test]
fn functions_of_the_model() {
    let node = |kind: &str, domain: &str, input: &str, output: &str| NodeProto {
        op_type: kind.into(),
        domain: domain.into(),
        input: vec![input.into()],
        output: vec![output.into()],
        ..NodeProto::default()
    };
    let function = |name: &str, nodes| FunctionProto {
        name: name.into(),
        domain: "mine".into(),
        input: vec!["in".into()],
        output: vec!["out".into()],
        node: nodes,
    };
    let mut model = Model::new().input("x", &[4]).node("mine.twice", &["x"], &["y"], vec![]).output("y");
    model.0.functions = vec![function("twice", vec![node("Exp", "", "in", "t"), node("Exp", "", "t", "out")])];
    check(&model, &["Exp(x) -> node_y/t: 4xf32", "Exp(node_y/t) -> y: 4xf32"]);
    model.0.functions =
        vec![function("twice", vec![node("twice", "mine", "in", "t"), node("twice", "mine", "t", "out")])];
    let error = model.import(&ungrouped()).expect_err("it never ends").to_string();
    assert!(error.contains("call each other recursively"), "{error}");
}
