//! Which results may lie where operands lie.

mod common;

use common::{Model, int, ints, ungrouped};
use cosma_import::{Options, Sharing};

/// Holds what a model's operators may share against lines as `r over x y at 64`.
#[track_caller]
fn check(model: &Model, options: &Options, expected: &[&str]) {
    let network = model.import(options).expect("it is a model");
    let name = |it: cosma_import::TensorIndex| network.tensors[it.0].name.as_str();
    let mut lines = Vec::new();
    for operator in &network.operators {
        for result in &operator.writes {
            let mut line = String::new();
            for pair in operator.in_place.iter().filter(|it| it.result == *result) {
                line += &format!(" {}", name(pair.operand));
                line += &pair.part.map_or(String::new(), |at| format!(" at {at}"));
            }
            lines.push(format!("{}{}{line}", name(*result), if line.is_empty() { "" } else { " over" }));
        }
    }
    assert_eq!(lines, expected);
}

fn image(name: &str) -> Model {
    Model::new().input(name, &[1, 4, 8, 8])
}

#[test]
fn elementwise_operators_write_where_they_read() {
    let model = image("x")
        .input("y", &[1, 4, 8, 8])
        .input("z", &[8])
        .node("Relu", &["x"], &["a"], vec![])
        .node("Add", &["a", "y"], &["b"], vec![])
        .node("Mul", &["b", "z"], &["c"], vec![])
        .node("Less", &["c", "y"], &["d"], vec![])
        .output("c")
        .output("d");
    check(&model, &ungrouped(), &["a over x", "b over a y", "c over b", "d"]);
    let apart = Options { in_place: Sharing::None, ..ungrouped() };
    check(&model, &apart, &["a", "b", "c", "d"]);
}

#[test]
fn rows_are_normalised_where_they_lie() {
    let model = Model::new()
        .input("x", &[2, 8])
        .weight("scale", &[8])
        .node("Softmax", &["x"], &["a"], vec![])
        .node("LayerNormalization", &["a", "scale"], &["b"], vec![])
        .node("ReduceMax", &["b"], &["c"], vec![int("keepdims", 1)])
        .output("c");
    check(&model, &ungrouped(), &["a over x", "b over a", "c"]);
}

#[test]
fn windows_overlap_and_rows_of_a_product_serve_many_tiles() {
    let model = image("x")
        .weight("w", &[4, 4, 1, 1])
        .node("Conv", &["x", "w"], &["a"], vec![])
        .node("MaxPool", &["a"], &["b"], vec![ints("kernel_shape", &[1, 1])])
        .node("Transpose", &["b"], &["c"], vec![ints("perm", &[0, 1, 3, 2])])
        .output("c");
    check(&model, &ungrouped(), &["a", "b", "c"]);
}

#[test]
fn concatenations_of_whole_pieces_move_nothing() {
    let model = image("x")
        .input("y", &[1, 2, 8, 8])
        .node("Concat", &["x", "y", "x"], &["a"], vec![int("axis", 1)])
        .node("Concat", &["a", "a"], &["b"], vec![int("axis", 2)])
        .output("b");
    // x once: it cannot be in two places. Rows of b are made of two pieces each.
    check(&model, &ungrouped(), &["a over x at 0 y at 1024", "b"]);
    let deployed = Options { element_bytes: Some(1), ..ungrouped() };
    check(&model, &deployed, &["a over x at 0 y at 256", "b"]);
    let text = model.import(&deployed).expect("it is a model").to_string();
    assert!(text.contains("cosma.op \"Concat\"(%x, %y) in_place [[0, 0], [0, 1, 256]] {nodes"), "{text}");
}

#[test]
fn splits_and_slices_take_pieces() {
    let model = image("x")
        .ints("sizes", &[1, 3])
        .ints("one", &[1])
        .ints("three", &[3])
        .ints("two", &[2])
        .node("Split", &["x", "sizes"], &["a", "b"], vec![int("axis", 1)])
        .node("Slice", &["b", "one", "three", "one"], &["c"], vec![])
        .node("Slice", &["b", "one", "three", "two"], &["d"], vec![])
        .output("a")
        .output("c")
        .output("d");
    check(&model, &ungrouped(), &["a over x at 0", "b over x at 256", "c over b at 256", "d"]);
}

#[test]
fn groups_write_where_all_members_read() {
    // x · sigmoid(x), a residual addition that is scaled, and a product, which reads rows.
    let model = Model::new()
        .input("x", &[8, 8])
        .input("y", &[8, 8])
        .weight("w", &[8, 8])
        .weight("v", &[8, 8])
        .node("Sigmoid", &["x"], &["a"], vec![])
        .node("Mul", &["x", "a"], &["b"], vec![])
        .node("MatMul", &["b", "w"], &["c"], vec![])
        .node("Relu", &["c"], &["d"], vec![])
        .node("Add", &["d", "y"], &["e"], vec![])
        .node("Mul", &["e", "v"], &["f"], vec![])
        .output("f");
    // The first two join the product as well.
    check(&model, &Options::default(), &["d", "f over d y v"]);
}

#[test]
fn a_normalisation_of_single_nodes_is_one_as_well() {
    let model = Model::new()
        .input("x", &[4, 8])
        .floats("epsilon", &[0.5])
        .weight("scale", &[8])
        .node("ReduceMean", &["x"], &["mean"], vec![ints("axes", &[-1]), int("keepdims", 1)])
        .node("Sub", &["x", "mean"], &["a"], vec![])
        .node("Mul", &["a", "a"], &["b"], vec![])
        .node("ReduceMean", &["b"], &["c"], vec![ints("axes", &[-1]), int("keepdims", 1)])
        .node("Add", &["c", "epsilon"], &["d"], vec![])
        .node("Sqrt", &["d"], &["e"], vec![])
        .node("Div", &["a", "e"], &["f"], vec![])
        .node("Mul", &["f", "scale"], &["g"], vec![])
        .output("g");
    check(&model, &Options::default(), &["g over x"]);
}

/// What comes before a concatenation, or follows it, changes no place.
#[test]
fn parts_stay_parts_within_groups() {
    let model = image("x")
        .input("y", &[1, 4, 8, 8])
        .node("Relu", &["x"], &["a"], vec![])
        .node("Concat", &["a", "y"], &["b"], vec![int("axis", 1)])
        .node("Relu", &["b"], &["c"], vec![])
        .output("c");
    check(&model, &Options::default(), &["c over x at 0 y at 1024"]);
}

/// Something else is written over what is read for another part as well.
#[test]
fn what_is_read_for_two_parts_lies_at_neither_within_groups() {
    let check_two = |first: &str, second: &str, last: Option<&str>| {
        let model = image("x").node("Relu", &["x"], &["positive"], vec![]);
        let model = model.node("Concat", &[first, second], &["b"], vec![int("axis", 1)]);
        let model = match last {
            Some(kind) => model.node(kind, &["b"], &["c"], vec![]).output("c"),
            None => model.output("b"),
        };
        let network = model.import(&Options::default()).expect("it is a model");
        for operator in network.operators.iter().filter(|it| it.kind.contains("Concat")) {
            assert_eq!(operator.in_place, [], "{first} {second} {last:?}");
        }
    };
    check_two("positive", "x", None);
    check_two("x", "positive", Some("Relu"));
    check_two("x", "x", Some("Relu"));
    check_two("positive", "positive", None);
}

/// What has no elements is not in the way.
#[test]
fn a_concatenation_with_nothing_lies_where_its_operand_lies() {
    let model = Model::new()
        .input("past", &[1, 0, 64])
        .input("k", &[1, 8, 64])
        .node("Concat", &["past", "k"], &["y"], vec![int("axis", 1)])
        .node("Concat", &["past", "y", "k", "past"], &["z"], vec![int("axis", 1)])
        .output("y")
        .output("z");
    check(&model, &ungrouped(), &["y over k", "z over y at 0 k at 2048"]);
    let split = Model::new()
        .input("x", &[1, 8])
        .ints("sizes", &[0, 8])
        .node("Split", &["x", "sizes"], &["a", "b"], vec![int("axis", 1)])
        .output("a")
        .output("b");
    check(&split, &ungrouped(), &["a", "b over x"]);
}

#[test]
fn a_cache_is_updated_where_it_lies() {
    let model = Model::of_opset(24)
        .input("past", &[1, 2, 256, 64])
        .input("k", &[1, 2, 1, 64])
        .input_of(common::INT64, "at", &[1])
        .node("TensorScatter", &["past", "k", "at"], &["present"], vec![int("axis", 2)])
        .output("present");
    check(&model, &ungrouped(), &["present over past"]);
    let model = |total: &str| {
        Model::new()
            .input("q", &[1, 1, 512])
            .input("k", &[1, 1, 128])
            .input("v", &[1, 1, 128])
            .input("pk", &[1, 2, 256, 64])
            .input("pv", &[1, 2, 256, 64])
            .input_of(6, "sl", &[1])
            .input_of(6, "tl", &[])
            .ints("longer", &[300])
            .node(
                "com.microsoft.GroupQueryAttention",
                &["q", "k", "v", "pk", "pv", "sl", total],
                &["y", "nk", "nv"],
                vec![int("num_heads", 8), int("kv_num_heads", 2)],
            )
            .output("y")
            .output("nk")
            .output("nv")
    };
    check(&model("tl"), &ungrouped(), &["y", "nk over pk", "nv over pv"]);
    // Also where only the cache is wanted.
    let mut alone = model("tl");
    alone.graph().output.remove(0);
    check(&alone, &ungrouped(), &["nk over pk", "nv over pv"]);
    // What no longer fits is another buffer.
    check(&model("longer"), &ungrouped(), &["y", "nk", "nv"]);
}

/// Where a slice begins may be more than can be counted.
#[test]
fn a_slice_of_nothing_at_the_end_of_everything() {
    let model = Model::new()
        .input("x", &[0, 5, 1 << 60])
        .ints("starts", &[0, 3, (1 << 60) - 1])
        .ints("ends", &[1, 4, 1 << 60])
        .node("Slice", &["x", "starts", "ends"], &["y"], vec![])
        .output("y");
    check(&model, &ungrouped(), &["y"]);
}
