//! `If`: the branch that is taken stands in its place, if that is known before the run.

mod common;

use common::{BOOL, Model, check, check_error, check_with, int, ungrouped};
use cosma_import::Options;
use cosma_import::proto::{AttributeProto, FunctionProto, NodeProto};

/// A branch that returns its last result.
fn branch(name: &str, model: Model, result: &str) -> AttributeProto {
    let graph = model.output(result).0.graph;
    AttributeProto { name: name.into(), g: graph, ..AttributeProto::default() }
}

/// `Exp` of `x` if `condition`, else `Neg`, both by the name `t`.
fn either(x: &str) -> Vec<AttributeProto> {
    let unary = |kind: &str| Model::new().node(kind, &[x], &["t"], vec![]);
    vec![branch("then_branch", unary("Exp"), "t"), branch("else_branch", unary("Neg"), "t")]
}

#[test]
fn what_sizes_decide() {
    // As exporters write `x.squeeze()`.
    let model = |rows: i64| {
        Model::new()
            .input("x", &[rows, 8])
            .ints("one", &[1])
            .ints("zero", &[0])
            .node("Relu", &["x"], &["e"], vec![])
            .node("Shape", &["x"], &["shape"], vec![])
            .node("Gather", &["shape", "zero"], &["n"], vec![int("axis", 0)])
            .node("Equal", &["n", "one"], &["condition"], vec![])
            .node("If", &["condition"], &["y"], either("e"))
            .node("Sigmoid", &["y"], &["z"], vec![])
            .output("z")
    };
    check(&model(1), &["Relu(x) -> e: 1x8xf32", "Exp(e) -> t: 1x8xf32", "Sigmoid(t) -> z: 1x8xf32"]);
    check(&model(2), &["Relu(x) -> e: 2x8xf32", "Neg(e) -> t: 2x8xf32", "Sigmoid(t) -> z: 2x8xf32"]);
}

#[test]
fn a_branch_may_return_what_is_around_it() {
    let model = |condition: i64| {
        let as_it_is = branch("else_branch", Model::new(), "x");
        let shifted = Model::new().floats("c", &[0.5]).node("Add", &["x", "c"], &["a"], vec![]);
        Model::new()
            .input("x", &[4])
            .ints("c", &[condition])
            .node("Cast", &["c"], &["is"], vec![int("to", BOOL.into())])
            .node("If", &["is"], &["y"], vec![branch("then_branch", shifted, "a"), as_it_is])
            .node("Tanh", &["y"], &["z"], vec![])
            .output("z")
    };
    check(&model(1), &["Add(x) -> a: 4xf32", "Tanh(a) -> z: 4xf32"]);
    check(&model(0), &["Tanh(x) -> z: 4xf32"]);
}

/// Branches within branches, which use the same names for what is theirs.
#[test]
fn names_within_branches_are_their_own() {
    let inner = Model::new().node("Exp", &["x"], &["s"], vec![]).node("If", &["yes"], &["t"], either("s")).node(
        "Abs",
        &["t"],
        &["u"],
        vec![],
    );
    let other = branch("else_branch", Model::new().node("Loop", &["", "", "x"], &["t"], vec![]), "t");
    let outer = vec![branch("then_branch", inner, "u"), other];
    let model = Model::new()
        .input("x", &[4])
        .ints("yes", &[1])
        .node("If", &["yes"], &["a"], outer.clone())
        .node("If", &["yes"], &["b"], outer)
        .node("Add", &["a", "b"], &["t"], vec![])
        .output("t");
    check(
        &model,
        &[
            "Exp(x) -> s: 4xf32",
            "Exp(s) -> node_a/t/t: 4xf32",
            "Abs(node_a/t/t) -> u: 4xf32",
            "Exp(x) -> node_b/s: 4xf32",
            "Exp(node_b/s) -> node_b/t/t: 4xf32",
            "Abs(node_b/t/t) -> node_b/u: 4xf32",
            "Add(u, node_b/u) -> t: 4xf32",
        ],
    );
}

/// A branch reads a result that only a later node of the model writes.
#[test]
fn what_a_branch_reads_comes_before() {
    let model = Model::new()
        .input("x", &[4])
        .ints("yes", &[1])
        .node("If", &["yes"], &["y"], either("e"))
        .node("Relu", &["x"], &["e"], vec![])
        .output("y");
    check(&model, &["Relu(x) -> e: 4xf32", "Exp(e) -> t: 4xf32"]);
    let cycle = Model::new().ints("yes", &[1]).node("If", &["yes"], &["y"], either("y")).output("y");
    check_error(&cycle, "node 'node_y' (If): it reads its own result");
}

#[test]
fn branches_within_functions() {
    let choice = NodeProto {
        op_type: "If".into(),
        input: vec!["which".into()],
        output: vec!["out".into()],
        attribute: either("in"),
        ..NodeProto::default()
    };
    let function = FunctionProto {
        name: "choose".into(),
        domain: "mine".into(),
        input: vec!["which".into(), "in".into()],
        output: vec!["out".into()],
        node: vec![choice],
    };
    let mut model = Model::new().input("x", &[4]).ints("no", &[0]).node("mine.choose", &["no", "x"], &["y"], vec![]);
    model = model.output("y");
    model.0.functions = vec![function];
    check(&model, &["Neg(x) -> t: 4xf32"]);
}

#[test]
fn what_is_not_known_is_refused_where_it_is() {
    let model = |model: Model| model.input("x", &[4]).node("If", &["c"], &["y"], either("x")).output("y");
    check_error(
        &model(Model::new().input_of(BOOL, "c", &[])),
        "node 'node_y' (If): the branch taken depends on the data of 'c', and only one can be planned: export the \
         model with only that one",
    );
    check_error(
        &model(Model::new().weight_of(BOOL, "c", &[])),
        "node 'node_y' (If): its condition 'c' is a constant that is not evaluated, since its data is in an external \
         file, but the model does not name it: fold the model's constants first, with onnxruntime or onnxsim",
    );
    check_error(
        &model(Model::new().ints("c", &[1, 0])),
        "node 'node_y' (If): its condition 'c' is not a single boolean",
    );
    let one = vec![branch("then_branch", Model::new(), "nothing")];
    let model = |c: i64| Model::new().ints("c", &[c]).node("If", &["c"], &["y"], one.clone()).output("y");
    check_error(&model(0), "node 'node_y' (If): it needs its else_branch, but has none");
    check_error(&model(1), "node 'node_y' (If): its then_branch returns 'nothing', which nothing computes");
}

/// Shapes in a file beside the model, and what is wrong with such a file.
#[test]
fn shapes_in_other_files() {
    let folder = std::env::temp_dir().join(format!("cosma-external-{}", std::process::id()));
    let beside = folder.join("beside");
    std::fs::create_dir_all(&beside).expect("a folder");
    let shape: Vec<u8> = [99_i64, 4, 2].iter().flat_map(|it| it.to_le_bytes()).collect();
    std::fs::write(beside.join("shapes.bin"), &shape).expect("a file");
    std::fs::write(folder.join("outside.bin"), &shape).expect("a file");
    let import = |entries: &[(&str, &str)]| {
        let model = Model::new()
            .input("x", &[8])
            .external(common::INT64, "to", &[2], entries)
            .node("Identity", &["to"], &["shape"], vec![])
            .node("Reshape", &["x", "shape"], &["y"], vec![])
            .node("Relu", &["y"], &["z"], vec![])
            .output("z");
        let options = Options { folder: Some(beside.clone()), ..ungrouped() };
        model.import(&options).map(|it| common::lines(&it)).map_err(|it| it.to_string())
    };
    let fail = |entries: &[(&str, &str)], expected: &str| {
        let error = import(entries).expect_err("it cannot be read");
        let start = "node 'node_y' (Reshape): the shape depends on the data of input 1 ('shape'): its data is in ";
        assert!(error.starts_with(&format!("{start}{expected}")), "{error}");
    };
    let found = import(&[("location", "shapes.bin"), ("offset", "8"), ("length", "16")]);
    assert_eq!(found, Ok(vec!["Relu(y) -> z: 4x2xf32".replace("(y)", "(x)")]));
    fail(&[("location", "none.bin")], "'none.bin', which cannot be read: ");
    fail(&[("location", "shapes.bin"), ("offset", "16")], "'shapes.bin', which has fewer than 16 B from byte 16 on");
    fail(&[("location", "shapes.bin"), ("length", "8")], "'shapes.bin', but has 8 B there instead of 16 B");
    fail(&[("location", "shapes.bin"), ("offset", "x")], "'shapes.bin', but its offset is not a number");
    fail(&[("location", ".")], "'.', which has fewer than 16 B");
    for out in ["../outside.bin", "/etc/passwd", ""] {
        fail(&[("location", out)], &format!("'{out}', which is outside of the model's folder"));
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.join("outside.bin"), beside.join("link.bin")).expect("a link");
        fail(&[("location", "link.bin")], "'link.bin', which is outside of the model's folder");
    }
    std::fs::remove_dir_all(&folder).expect("it is there");
    // What no shape depends on need not be there.
    let model = Model::new()
        .input("x", &[8])
        .external(common::FLOAT, "w", &[8], &[("location", "none.bin")])
        .node("Add", &["x", "w"], &["y"], vec![])
        .output("y");
    check_with(&model, &ungrouped(), &["Add(x, w) -> y: 8xf32"]);
}
