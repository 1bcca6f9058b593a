//! What operators say of how they access their operands: what ONNX defines, and what their kinds and shapes tell.

mod common;

use common::{Model, int, ints, text};
use cosma_import::proto::AttributeProto;
use cosma_import::{Grouping, Network, Operator, Options, Splitting, TensorIndex, import};
use cosma_tile::{Region, Shape, kinds};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

fn shapes(network: &Network, tensors: &[TensorIndex]) -> Vec<Shape> {
    tensors.iter().map(|it| Shape { dims: network.tensors[it.0].shape.clone(), element_bits: 8 }).collect()
}

/// Whether, for slices of the first result, what kind and shapes tell has all that the operator says; none if one of
/// them does not tell anything.
fn covers(network: &Network, operator: &Operator) -> Option<bool> {
    let said = operator.access.as_ref()?;
    let (reads, writes) = (shapes(network, &operator.reads), shapes(network, &operator.writes));
    let inferred = kinds::infer(&operator.kind, &reads, &writes)?;
    let ways: Vec<Shape> = said.operands.iter().map(|it| reads[*it].clone()).collect();
    let whole = writes[0].whole();
    let mut is_covered = true;
    for (axis, size) in writes[0].dims.iter().enumerate() {
        for start in [0, size / 3, size / 2, size - 1] {
            let region = whole.clone().with_range(axis, start..start + 1);
            let needs = inferred.needs(&reads, 0, &region);
            let needed = said.access.needs(&ways, 0, &region);
            is_covered &= needed.iter().zip(&said.operands).all(|(it, operand)| needs[*operand].contains(it));
        }
    }
    Some(is_covered)
}

#[test]
fn networks_say_how_they_may_be_split() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/onnx");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        let is_allowed = std::env::var_os("COSMA_WITHOUT_SHARED").is_some_and(|it| it == "1");
        assert!(is_allowed, "there is no {}", folder.display());
        println!("skipped: there is no {}", folder.display());
        return;
    };
    let (mut n_operators, mut n_said, mut n_inferred) = (0, 0, 0);
    let mut less: BTreeMap<String, u32> = BTreeMap::new();
    for path in entries.map(|it| it.expect("an entry").path()) {
        let options = Options { element_bytes: Some(1), access: Splitting::Operators, ..Options::default() };
        let network = import(std::fs::read(&path).expect("a model"), &options).expect("it can be imported");
        for operator in &network.operators {
            n_operators += 1;
            n_said += u32::from(operator.access.is_some());
            let covers = covers(&network, operator);
            n_inferred += u32::from(covers.is_some());
            if covers == Some(false) {
                *less.entry(operator.kind.clone()).or_default() += 1;
            }
        }
    }
    let less: Vec<String> = less.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    // Dilations, large pools and padding cannot be inferred. What is composed of reshaped nodes may say more than
    // there is to read: the others.
    assert_eq!((n_operators, n_said, n_inferred), (15023, 14922, 14874));
    assert_eq!(less.join(", "), "AveragePool 3, Conv 92, Gemm 27, InstanceNormalization 61, MatMul 14, MaxPool 6");
}

/// A model as an accelerator runs it, or node by node.
#[track_caller]
fn network(model: &Model, grouping: Grouping) -> Network {
    let options = Options { access: Splitting::Operators, grouping, ..Options::default() };
    model.import(&options).unwrap_or_else(|error| panic!("{error}"))
}

/// What a region of a tensor needs of the operands of the operator that writes it, by their names; none if that is
/// not said.
fn needed(network: &Network, tensor: &str, region: &[Range<u64>]) -> Option<Vec<(String, Region)>> {
    let name = |it: &TensorIndex| network.tensors[it.0].name.clone();
    let writes = |it: &&Operator| it.writes.iter().any(|it| name(it) == tensor);
    let operator = network.operators.iter().find(writes).expect("an operator writes it");
    let result = operator.writes.iter().position(|it| name(it) == tensor).expect("it writes it");
    let said = operator.access.as_ref()?;
    let reads: Vec<TensorIndex> = said.operands.iter().map(|it| operator.reads[*it]).collect();
    let needs = said.access.needs(&shapes(network, &reads), result, &Region::new(region.iter().cloned()));
    Some(reads.iter().map(name).zip(needs).collect())
}

/// Checks what a region of a tensor needs, as `x[0..1, 2..3]`, without operands of which it needs nothing.
#[track_caller]
fn check_needs(network: &Network, tensor: &str, region: &[Range<u64>], expected: &[&str]) {
    let needs = needed(network, tensor, region).expect("it says how it may be split");
    let text = |(name, region): &(String, Region)| {
        let ranges: Vec<String> = region.ranges().map(|it| format!("{it:?}")).collect();
        format!("{name}[{}]", ranges.join(", "))
    };
    let found: Vec<String> = needs.iter().filter(|it| !it.1.is_empty()).map(text).collect();
    assert_eq!(found, expected);
}

/// A node `y` on inputs `x0`, `x1`, … of these shapes.
fn model_of(kind: &str, inputs: &[&[i64]], attributes: Vec<AttributeProto>) -> Model {
    let names: Vec<String> = (0..inputs.len()).map(|it| format!("x{it}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let with_inputs = names.iter().zip(inputs).fold(Model::new(), |model, (name, shape)| model.input(name, shape));
    with_inputs.node(kind, &names, &["y"], attributes).output("y")
}

/// Checks what a region of the result of one node needs.
#[track_caller]
fn check_node(
    kind: &str,
    inputs: &[&[i64]],
    attributes: Vec<AttributeProto>,
    region: &[Range<u64>],
    expected: &[&str],
) {
    check_needs(&network(&model_of(kind, inputs, attributes), Grouping::None), "y", region, expected);
}

#[test]
fn convolutions() {
    // A row more above, two columns more on the right; 5 by 8 results.
    let windows = || vec![ints("strides", &[2, 1]), ints("pads", &[1, 0, 0, 2]), ints("dilations", &[1, 2])];
    let inputs: &[&[i64]] = &[&[1, 3, 10, 10], &[8, 3, 3, 3], &[8]];
    let inner = ["x0[0..1, 0..3, 3..6, 1..6]", "x1[5..6, 0..3, 0..3, 0..3]", "x2[5..6]"];
    check_node("Conv", inputs, windows(), &[0..1, 5..6, 2..3, 1..2], &inner);
    let corner = ["x0[0..1, 0..3, 0..2, 7..10]", "x1[0..2, 0..3, 0..3, 0..3]", "x2[0..2]"];
    check_node("Conv", inputs, windows(), &[0..1, 0..2, 0..1, 7..8], &corner);
    // One dimension.
    let line: &[&[i64]] = &[&[2, 3, 9], &[4, 3, 2]];
    let expected = ["x0[1..2, 0..3, 4..8]", "x1[0..4, 0..3, 0..2]"];
    check_node("Conv", line, vec![ints("strides", &[2])], &[1..2, 0..4, 2..4], &expected);
}

#[test]
fn convolutions_with_automatic_padding() {
    // Three rows and one column of padding.
    let inputs: &[&[i64]] = &[&[1, 1, 7, 8], &[1, 1, 4, 3]];
    let expected = [
        ("SAME_UPPER", "x0[0..1, 0..1, 1..5, 2..5]"),
        ("SAME_LOWER", "x0[0..1, 0..1, 0..4, 1..4]"),
        ("VALID", "x0[0..1, 0..1, 2..6, 2..5]"),
    ];
    for (padding, image) in expected {
        let attributes = vec![text("auto_pad", padding), ints("strides", &[2, 2])];
        let needs = [image, "x1[0..1, 0..1, 0..4, 0..3]"];
        check_node("Conv", inputs, attributes, &[0..1, 0..1, 1..2, 1..2], &needs);
    }
}

#[test]
fn convolutions_of_groups() {
    // Two filters for each channel.
    let depthwise: &[&[i64]] = &[&[1, 4, 5, 5], &[8, 1, 3, 3]];
    let group = |n| vec![int("group", n)];
    let expected = ["x0[0..1, 2..3, 0..3, 1..4]", "x1[5..6, 0..1, 0..3, 0..3]"];
    check_node("Conv", depthwise, group(4), &[0..1, 5..6, 0..1, 1..2], &expected);
    let expected = ["x0[0..1, 1..4, 0..3, 1..4]", "x1[3..7, 0..1, 0..3, 0..3]"];
    check_node("Conv", depthwise, group(4), &[0..1, 3..7, 0..1, 1..2], &expected);
    // Groups of two channels and three filters: a box may hold channels of other groups, but has all of its own.
    let model = model_of("Conv", &[&[1, 4, 5, 5], &[6, 2, 3, 3]], group(2));
    let grouped = network(&model, Grouping::None);
    for filter in 0..6 {
        let region = [0..1, filter..filter + 1, 2..3, 0..1];
        let needs = needed(&grouped, "y", &region).expect("it says how it may be split");
        let first = filter / 3 * 2;
        assert!(needs[0].1.contains(&Region::new([0..1, first..first + 2, 2..5, 0..3])), "{filter}: {needs:?}");
        assert_eq!(needs[1].1, Region::new([filter..filter + 1, 0..2, 0..3, 0..3]));
    }
}

#[test]
fn transposed_convolutions() {
    // Element i spreads over 2i - 1, 2i, 2i + 1.
    let attributes = || vec![ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1]), ints("output_padding", &[1, 1])];
    let inputs: &[&[i64]] = &[&[1, 3, 4, 4], &[3, 8, 3, 3]];
    let filter = "x1[0..3, 2..3, 0..3, 0..3]";
    let expected = ["x0[0..1, 0..3, 1..3, 3..4]", filter];
    check_node("ConvTranspose", inputs, attributes(), &[0..1, 2..3, 3..4, 7..8], &expected);
    let expected = ["x0[0..1, 0..3, 0..1, 0..4]", filter];
    check_node("ConvTranspose", inputs, attributes(), &[0..1, 2..3, 0..1, 1..6], &expected);
    // Side by side.
    let expected = ["x0[0..1, 0..3, 1..3, 2..3]", "x1[0..3, 0..8, 0..2, 0..2]"];
    let inputs: &[&[i64]] = &[&[1, 3, 4, 4], &[3, 8, 2, 2]];
    let strides = vec![ints("strides", &[2, 2])];
    check_node("ConvTranspose", inputs, strides, &[0..1, 0..8, 3..5, 4..5], &expected);
}

#[test]
fn pools() {
    let pool = |more: Vec<AttributeProto>| {
        [vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2]), int("ceil_mode", 1)], more].concat()
    };
    // The last window has one row and one column.
    let image: &[&[i64]] = &[&[1, 2, 7, 7]];
    check_node("MaxPool", image, pool(vec![]), &[0..1, 1..2, 3..4, 2..4], &["x0[0..1, 1..2, 6..7, 4..7]"]);
    let padded = || pool(vec![ints("pads", &[1, 1, 1, 1])]);
    let image: &[&[i64]] = &[&[1, 3, 6, 6]];
    check_node("AveragePool", image, padded(), &[0..1, 2..3, 0..1, 1..2], &["x0[0..1, 2..3, 0..1, 1..3]"]);
    check_node("AveragePool", image, padded(), &[0..1, 2..3, 3..4, 0..2], &["x0[0..1, 2..3, 5..6, 0..3]"]);
    let dilated = vec![ints("kernel_shape", &[3]), ints("dilations", &[2])];
    check_node("MaxPool", &[&[1, 1, 9]], dilated, &[0..1, 0..1, 3..4], &["x0[0..1, 0..1, 3..8]"]);
    let image: &[&[i64]] = &[&[2, 3, 4, 5]];
    check_node("GlobalAveragePool", image, vec![], &[1..2, 2..3, 0..1, 0..1], &["x0[1..2, 2..3, 0..4, 0..5]"]);
}

#[test]
fn products() {
    let region = [1..2, 2..4];
    let expected = ["x0[1..2, 0..5]", "x1[0..5, 2..4]", "x2[1..2, 0..1]"];
    check_node("Gemm", &[&[4, 5], &[5, 6], &[4, 1]], vec![], &region, &expected);
    let expected = ["x0[0..5, 1..2]", "x1[2..4, 0..5]", "x2[2..4]"];
    let turned = vec![int("transA", 1), int("transB", 1)];
    check_node("Gemm", &[&[5, 4], &[6, 5], &[6]], turned, &region, &expected);
    let expected = ["x0[1..2, 0..5]", "x1[2..4, 0..5]"];
    check_node("Gemm", &[&[4, 5], &[6, 5]], vec![int("transB", 1)], &region, &expected);
    // Both operands lack or repeat a batch dimension.
    let expected = ["x0[1..2, 0..1, 0..1, 0..5]", "x1[2..3, 0..5, 3..4]"];
    let inputs: &[&[i64]] = &[&[2, 1, 4, 5], &[3, 5, 6]];
    check_node("MatMul", inputs, vec![], &[1..2, 2..3, 0..1, 3..4], &expected);
    // Square, so that shapes do not tell which is which.
    let expected = ["x0[1..2, 0..4]", "x1[0..4, 2..3]"];
    check_node("MatMul", &[&[4, 4], &[4, 4]], vec![], &[1..2, 2..3], &expected);
}

#[test]
fn the_text_has_loops_and_maps() {
    let turned = vec![int("transA", 1), int("transB", 1)];
    let model = model_of("Gemm", &[&[5, 4], &[6, 5], &[6]], turned);
    let said = " access <[4, 6, sum 5], (d2, d0), (d1, d2), (d1) -> (d0, d1), sums = f32>";
    let with = network(&model, Grouping::None).to_string();
    assert!(with.contains(said), "{with}");
    let options = Options { element_bytes: Some(1), access: Splitting::Operators, ..Options::default() };
    let quantised = model.import(&options).expect("it is a model").to_string();
    assert!(quantised.contains(&said.replace("f32", "i32")), "{quantised}");
    let without = model.import(&Options::default()).expect("it is a model").to_string();
    assert!(!without.contains("access"), "{without}");
}

#[test]
fn a_group_may_split_the_sum_of_its_product() {
    let model = Model::new()
        .input("x", &[4, 6])
        .weight("w", &[6, 5])
        .node("MatMul", &["x", "w"], &["product"], vec![])
        .node("Relu", &["product"], &["z"], vec![])
        .output("z");
    let text = network(&model, Grouping::Accelerator).to_string();
    let said = " access <[4, 5, sum 6], (d0, d2), (d2, d1) -> (d0, d1), sums = f32>";
    assert!(text.contains(said), "{text}");
}

#[test]
fn elementwise_with_broadcasting() {
    let expected = ["x0[1..2, 0..1, 3..5]", "x1[2..3, 3..5]", "x2[]"];
    check_node("Sum", &[&[2, 1, 5], &[3, 5], &[]], vec![], &[1..2, 2..3, 3..5], &expected);
}

#[test]
fn transpositions() {
    // y[i, j, k] = x[j, k, i]
    let order = vec![ints("perm", &[2, 0, 1])];
    check_node("Transpose", &[&[2, 3, 4]], order, &[1..2, 0..1, 2..3], &["x0[0..1, 2..3, 1..2]"]);
    check_node("Transpose", &[&[2, 3, 4]], vec![], &[1..2, 0..1, 0..2], &["x0[0..2, 0..1, 1..2]"]);
}

#[test]
fn concatenations_and_splits() {
    let inputs: &[&[i64]] = &[&[2, 3], &[2, 4], &[2, 1]];
    let along = |axis| vec![int("axis", axis)];
    check_node("Concat", inputs, along(1), &[0..1, 2..5], &["x0[0..1, 2..3]", "x1[0..1, 0..2]"]);
    check_node("Concat", inputs, along(-1), &[1..2, 7..8], &["x2[1..2, 0..1]"]);
    let model = Model::new()
        .input("x", &[2, 7])
        .ints("sizes", &[3, 4])
        .node("Split", &["x", "sizes"], &["a", "b"], along(1))
        .output("a")
        .output("b");
    let split = network(&model, Grouping::None);
    check_needs(&split, "a", &[1..2, 1..3], &["x[1..2, 1..3]"]);
    check_needs(&split, "b", &[0..1, 1..2], &["x[0..1, 4..5]"]);
}

#[test]
fn slices_and_padding() {
    // Rows 1, 4, 7; columns 7, 5, 3, 1.
    let model = Model::new()
        .input("x", &[10, 8])
        .ints("starts", &[-1, 1])
        .ints("ends", &[-100, 9])
        .ints("axes", &[1, 0])
        .ints("steps", &[-2, 3])
        .node("Slice", &["x", "starts", "ends", "axes", "steps"], &["y"], vec![])
        .output("y");
    check_needs(&network(&model, Grouping::None), "y", &[1..2, 1..3], &["x[4..5, 3..6]"]);
    // A row above and three below; without the first two columns.
    let pad = |mode| {
        let model = Model::new().input("x", &[4, 5]).ints("pads", &[1, -2, 3, 0]);
        network(&model.node("Pad", &["x", "pads"], &["y"], vec![text("mode", mode)]).output("y"), Grouping::None)
    };
    check_needs(&pad("constant"), "y", &[0..3, 0..1], &["x[0..2, 2..3]"]);
    check_needs(&pad("constant"), "y", &[4..6, 2..3], &["x[3..4, 4..5]"]);
    check_needs(&pad("constant"), "y", &[5..8, 0..3], &[]);
    assert_eq!(needed(&pad("edge"), "y", &[0..1, 0..1]), None);
}

#[test]
fn softmax_and_normalisation() {
    let data: &[i64] = &[2, 3, 4];
    let region = [1..2, 2..3, 3..4];
    check_node("Softmax", &[data], vec![int("axis", 1)], &region, &["x0[1..2, 0..3, 3..4]"]);
    check_node("Softmax", &[data], vec![], &region, &["x0[1..2, 2..3, 0..4]"]);
    // Before operator set 13, all behind the second axis is one.
    let old = Model::of_opset(11).input("x", data).node("Softmax", &["x"], &["y"], vec![]).output("y");
    check_needs(&network(&old, Grouping::None), "y", &region, &["x[1..2, 0..3, 0..4]"]);
    let expected = ["x0[1..2, 0..3, 0..4]", "x1[0..3, 0..4]"];
    check_node("LayerNormalization", &[data, &[3, 4]], vec![int("axis", 1)], &region, &expected);
    let expected = ["x0[1..2, 2..3, 0..4]", "x1[2..3]", "x2[2..3]"];
    check_node("InstanceNormalization", &[data, &[3], &[3]], vec![], &region, &expected);
    let inputs: &[&[i64]] = &[data, &[3], &[3], &[3], &[3]];
    let expected = ["x0[1..2, 2..3, 3..4]", "x1[2..3]", "x2[2..3]", "x3[2..3]", "x4[2..3]"];
    check_node("BatchNormalization", inputs, vec![], &region, &expected);
    // Invalid, but no reason to panic.
    check_node("BatchNormalization", &inputs[..4], vec![], &region, &expected[..4]);
    check_node("InstanceNormalization", &[data], vec![], &region, &["x0[1..2, 2..3, 0..4]"]);
    // In training, each element depends on all of its channel.
    let training = network(&model_of("BatchNormalization", inputs, vec![int("training_mode", 1)]), Grouping::None);
    assert_eq!(needed(&training, "y", &region), None);
}

#[test]
fn reductions_and_lookups() {
    let data: &[i64] = &[2, 3, 4];
    let without = vec![ints("axes", &[1]), int("keepdims", 0)];
    check_node("ReduceMean", &[data], without, &[1..2, 3..4], &["x0[1..2, 0..3, 3..4]"]);
    let kept = Model::of_opset(18)
        .input("x", data)
        .ints("axes", &[-1, 0])
        .node("ReduceMean", &["x", "axes"], &["y"], vec![])
        .output("y");
    check_needs(&network(&kept, Grouping::None), "y", &[0..1, 2..3, 0..1], &["x[0..2, 2..3, 0..4]"]);
    check_node("ReduceMax", &[data], vec![], &[0..1, 0..1, 0..1], &["x0[0..2, 0..3, 0..4]"]);
    // Any row of the table.
    let model = Model::new()
        .input("x", &[2, 9, 4])
        .input_of(common::INT64, "i", &[5, 6])
        .node("Gather", &["x", "i"], &["y"], vec![int("axis", 1)])
        .output("y");
    let region = [1..2, 2..3, 3..5, 0..1];
    check_needs(&network(&model, Grouping::None), "y", &region, &["x[1..2, 0..9, 0..1]", "i[2..3, 3..5]"]);
}

/// `Tanh` of a tensor `a` in another shape.
fn reshaped(from: &[i64], to: &[i64]) -> Network {
    let model = Model::new()
        .input("x", from)
        .ints("to", to)
        .node("Relu", &["x"], &["a"], vec![])
        .node("Reshape", &["a", "to"], &["b"], vec![])
        .node("Tanh", &["b"], &["y"], vec![])
        .output("y");
    network(&model, Grouping::None)
}

#[test]
fn views_are_read_as_they_lie() {
    check_needs(&reshaped(&[2, 12], &[2, 3, 4]), "y", &[1..2, 2..3, 0..2], &["a[1..2, 8..10]"]);
    check_needs(&reshaped(&[2, 3, 4], &[2, 12]), "y", &[1..2, 0..4], &["a[1..2, 0..1, 0..4]"]);
    // Rows of three among rows of four: no less than the rows with the elements from 3 · row on.
    let ragged = reshaped(&[6, 4], &[8, 3]);
    for row in 0..8 {
        let needs = needed(&ragged, "y", &[row..row + 1, 0..3]).expect("it says how it may be split");
        let (first, last) = (3 * row, 3 * row + 2);
        let columns = if first / 4 == last / 4 { first % 4..last % 4 + 1 } else { 0..4 };
        assert!(needs[0].1.contains(&Region::new([first / 4..last / 4 + 1, columns])), "{row}: {needs:?}");
    }
}

#[test]
fn groups_are_composed() {
    // x · sigmoid(x) joins the convolution, and `Relu` the residual addition.
    let model = Model::new()
        .input("x", &[1, 3, 8, 8])
        .input("z", &[1, 4, 8, 8])
        .weight("w", &[4, 3, 3, 3])
        .weight("bias", &[4])
        .node("Conv", &["x", "w", "bias"], &["a"], vec![ints("pads", &[1, 1, 1, 1])])
        .node("Sigmoid", &["a"], &["b"], vec![])
        .node("Mul", &["a", "b"], &["c"], vec![])
        .node("Add", &["z", "c"], &["d"], vec![])
        .node("Relu", &["d"], &["y"], vec![])
        .output("y");
    let network = network(&model, Grouping::Accelerator);
    assert_eq!(common::lines(&network), ["Conv(x, w, bias) -> c: 1x4x8x8xf32", "Add(z, c) -> y: 1x4x8x8xf32"]);
    let region = [0..1, 2..3, 0..1, 4..6];
    let expected = ["x[0..1, 0..3, 0..2, 3..7]", "w[2..3, 0..3, 0..3, 0..3]", "bias[2..3]"];
    check_needs(&network, "c", &region, &expected);
    check_needs(&network, "y", &region, &["z[0..1, 2..3, 0..1, 4..6]", "c[0..1, 2..3, 0..1, 4..6]"]);
}

#[test]
fn what_is_returned_in_another_shape_says_nothing() {
    let model = Model::new()
        .input("x", &[6, 1])
        .node("Relu", &["x"], &["a"], vec![])
        .node("Flatten", &["a"], &["b"], vec![int("axis", 0)])
        .node("Tanh", &["a"], &["y"], vec![])
        .output("b")
        .output("y");
    for grouping in [Grouping::None, Grouping::Accelerator] {
        let network = network(&model, grouping);
        assert_eq!(needed(&network, "a", &[0..1, 0..1]), None);
        // It reads what has the shape of `b`.
        check_needs(&network, "y", &[3..4, 0..1], &["a[0..1, 3..4]"]);
    }
}
