//! What is known of networks to split their operators fits their graphs, through views as well.

mod common;

use common::{Model, ints, ungrouped};
use cosma_import::{Cuts, Network, Options, Splitting, import};
use cosma_planner::{Bytes, Machine, OpId, Problem};
use cosma_tile::Region;
use std::path::Path;

/// One byte per element, each node an operator, which says how it may be split.
fn options() -> Options {
    Options { access: Splitting::Operators, element_bytes: Some(1), ..ungrouped() }
}

/// The network to split, which is checked.
fn to_split(network: &Network) -> Result<cosma_tile::Network, String> {
    let extraction = network.extract();
    let Cuts { shapes, operators, obstacle } = network.cuts(&extraction);
    if let Some(why) = obstacle {
        return Err(why);
    }
    let graph = extraction.graph.build().expect("it is a graph");
    let problem = Problem { graph, machine: Machine::with_host(Bytes(1 << 40), Bytes(64)) };
    let network = cosma_tile::Network { problem, shapes, operators };
    assert_eq!(network.check(), Ok(()));
    Ok(network)
}

/// By operand of an operator: its name, and the region of it that a region of its first result needs.
fn needs(network: &cosma_tile::Network, op: u32, region: &Region) -> Vec<(String, Region)> {
    let operator = network.operator(OpId(op));
    let access = operator.access.as_ref().expect("it has an access");
    let shapes = network.shapes_of(&operator.operands[..access.operands.len()]);
    let name = |it: &cosma_planner::TensorId| network.problem.graph.tensor(*it).name.clone();
    operator.operands.iter().map(name).zip(access.needs(&shapes, 0, region)).collect()
}

#[test]
fn operators_read_through_views() {
    let model = Model::new()
        .input("x", &[2, 4, 6])
        .weight("w", &[4, 6, 8])
        .ints("flat", &[8, 6])
        .ints("back", &[2, 4, 6])
        .node("Sin", &["x"], &["r"], vec![])
        .node("Reshape", &["r", "flat"], &["f"], vec![])
        .node("Softmax", &["f"], &["s"], vec![])
        .node("Reshape", &["s", "back"], &["b"], vec![])
        .node("Transpose", &["b"], &["t"], vec![ints("perm", &[0, 2, 1])])
        .output("t");
    let network = model.import(&options()).expect("it is a model");
    let network = to_split(&network).expect("it can be split");
    // Row 4 of the flat shape is row 0 of the second matrix; it is needed as a whole.
    let read = needs(&network, 1, &Region::new([4..5, 0..2]));
    assert!(read[0].0 == "Sin_0" && read[0].1.contains(&Region::new([1..2, 0..1, 0..6])), "{read:?}");
    assert_eq!(read[0].1.range(0), 1..2);
    let read = needs(&network, 2, &Region::new([1..2, 3..4, 0..4]));
    assert!(read[0].1.contains(&Region::new([4..8, 3..4])), "{read:?}");
    assert!(network.operator(OpId(2)).is_view && !network.operator(OpId(0)).is_view);
}

#[test]
fn what_is_returned_as_a_view_stays_whole() {
    let model = Model::new()
        .input("x", &[4, 6])
        .ints("flat", &[24])
        .node("Sin", &["x"], &["r"], vec![])
        .node("Cos", &["r"], &["c"], vec![])
        .node("Reshape", &["c", "flat"], &["y"], vec![])
        .output("y");
    let network = to_split(&model.import(&options()).expect("it is a model")).expect("it can be");
    let accesses: Vec<bool> = network.operators.iter().map(|it| it.access.is_some()).collect();
    assert_eq!(accesses, [true, false]);
}

/// All of the models there are.
#[test]
fn models_fit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/onnx");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        let is_allowed = std::env::var_os("COSMA_WITHOUT_SHARED").is_some_and(|it| it == "1");
        assert!(is_allowed, "there is no {}; COSMA_WITHOUT_SHARED=1 skips what needs it", folder.display());
        return println!("skipped: there is no {}", folder.display());
    };
    let grouped = Options { access: Splitting::Operators, element_bytes: Some(1), ..Options::default() };
    let (mut n_known, mut n_operators, mut n_views) = (0, 0, 0);
    for path in entries.map(|it| it.expect("it can be read").path()) {
        if path.extension().is_none_or(|it| it != "onnx") {
            continue;
        }
        let network = import(std::fs::read(&path).expect("it can be read"), &grouped).expect("it is a model");
        let Ok(split) = to_split(&network) else { continue };
        for (operator, known) in network.operators.iter().zip(&split.operators) {
            n_operators += 1;
            n_known += usize::from(known.access.is_some());
            n_views += usize::from(known.is_view);
            assert!(operator.access.is_some() || known.access.is_none(), "{}", path.display());
        }
    }
    println!("{n_known} of {n_operators} operators can be split, {n_views} only move elements");
    assert!(9 * n_operators < 10 * n_known && n_views != 0, "{n_known} of {n_operators}, {n_views}");
}
