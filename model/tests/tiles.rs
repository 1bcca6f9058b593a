//! Networks whose operators are split into tiles.

use cosma_model::{Error, ModelOptions, Network, Planned, Request, Scratchpads, plan, sweep};
use cosma_planner::{Bytes, GraphBuilder, Machine, Options, Origin, Progress, preset};
use cosma_tile::{Piece, Region};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

const fn go_on(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// An example of one byte per element.
fn resnet18() -> Network {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/networks/resnet18.onnx");
    Network::read(&path, &ModelOptions { element_bytes: Some(1), ..ModelOptions::default() }).expect("it is a model")
}

fn request(kibibytes: u64) -> Request {
    let options = Options { time_limit: Duration::from_secs(20), ..Options::default() };
    Request { tiles: true, options, ..Request::for_scratchpad(Bytes(kibibytes << 10)) }
}

/// Tiles write the results of the network, each element once, and read of each operand all that they need.
fn expect_tiles_of(planned: &Planned) {
    let tiles = planned.tiles.as_ref().expect("it was asked");
    let program = tiles.program.as_ref().expect("it does not fit whole");
    let (graph, network) = (&program.problem.graph, &tiles.network);
    let mut stored: BTreeMap<u32, Vec<&Region>> = BTreeMap::new();
    for tensor in graph.tensor_ids().filter(|it| graph.is_stored(*it)) {
        let (of, region) = program.pieces[tensor.index()].region().expect("sums do not leave");
        stored.entry(of.0).or_default().push(region);
    }
    for (tensor, regions) in &stored {
        let bytes: u64 = regions.iter().map(|it| it.len()).sum();
        assert_eq!(bytes, network.shapes[*tensor as usize].whole().len());
        let meet = |one: &Region, other: &Region| !one.intersect(other).is_empty();
        assert!((0..regions.len()).all(|it| regions[it + 1..].iter().all(|other| !meet(regions[it], other))));
    }
    let mut n_read = 0;
    for op in graph.op_ids() {
        let tile = &program.tiles[op.index()];
        for (tensor, needed) in network.operator(tile.of).operands.iter().zip(network.reads(tile.of, &tile.domain)) {
            if network.problem.graph.producer(*tensor).is_some_and(|it| network.operator(it).is_view) {
                continue;
            }
            let read = graph.op(op).reads.iter().map(|it| &program.pieces[it.tensor.index()]);
            let held: u64 = read.filter_map(|it| it.region_of(*tensor)).map(|it| it.intersect(&needed).len()).sum();
            assert!(needed.len() <= held, "{}: {held} of {}", graph.op(op).name, needed.len());
            n_read += 1;
        }
    }
    assert!(graph.ops().len() < n_read);
}

#[test]
fn what_does_not_fit_whole_runs_in_tiles() {
    let network = resnet18();
    let whole = plan(&network, &Request { tiles: false, ..request(512) }, &go_on);
    let Err(Error::ScratchpadTooSmall { needed, .. }) = whole else { panic!("{whole:?}") };
    assert!(Bytes(512 << 10) < needed);
    let planned = plan(&network, &request(512), &go_on).expect("it fits in tiles");
    expect_tiles_of(&planned);
    let report = planned.report();
    // No tiling moves less.
    let least = report.traffic.least.expect("it is known");
    assert_eq!((report.traffic.non_compulsory, report.traffic.total), (0, least.all_tilings));
    assert_eq!((report.status.as_str(), report.proof.as_deref()), ("optimal", Some("all tilings")));
    assert!(least.all_tilings <= least.without_recomputation);
    let tiling = report.tiling.expect("it is split");
    let tiles = planned.tiles();
    assert_eq!((tiling.tiles, report.operators), (tiles.len() as u64, tiles.len() as u64));
    assert!(tiling.operators < tiling.tiles && tiling.tiled_operators <= tiling.operators);
    assert_eq!(tiling.operators as usize, network.operators.len());
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    tiles.iter().filter(|it| !it.sizes.is_empty()).for_each(|it| *counted.entry(&it.operator).or_default() += 1);
    let said: BTreeMap<&str, u64> = tiling.tiles_of.iter().map(|it| (it.operator.as_str(), it.tiles)).collect();
    assert_eq!(counted, said);
    // Its tiles compute what the operators compute.
    let macs = |it: &cosma_planner::Graph| it.ops().iter().filter_map(|it| it.macs).sum::<u64>();
    let before = macs(&planned.tiles.as_ref().expect("it was asked").network.problem.graph);
    assert!(tiling.recomputes || macs(&planned.exhibit.problem.graph).abs_diff(before) <= tiling.tiles);
    let text = cosma_show::explain(&planned.exhibit, None, None);
    assert!(text.contains("How it is cut into tiles"), "{text}");
}

#[test]
fn tiles_never_move_more() {
    let network = resnet18();
    for kibibytes in [1200, 4096] {
        let whole = plan(&network, &Request { tiles: false, ..request(kibibytes) }, &go_on).ok();
        let planned = plan(&network, &request(kibibytes), &go_on).expect("it fits");
        let report = planned.report();
        assert!(whole.is_none_or(|it| report.traffic.total <= it.report().traffic.total));
        assert!(report.traffic.least.is_some_and(|it| it.all_tilings <= report.traffic.total));
    }
    // With room for all, nothing is split, and that is the best.
    let report = plan(&network, &request(1 << 16), &go_on).expect("it fits").report();
    assert_eq!((report.tiling, report.proof.as_deref()), (None, Some("all tilings")));
}

/// Whatever is small: names of pieces and of tiles tell what they are of.
#[test]
fn pieces_have_names() {
    let planned = plan(&resnet18(), &request(384), &go_on).expect("it fits in tiles");
    expect_tiles_of(&planned);
    let exhibit = &planned.exhibit;
    let graph = &exhibit.problem.graph;
    let program = planned.tiles.as_ref().and_then(|it| it.program.as_ref()).expect("it is split");
    for tensor in graph.tensor_ids().filter(|it| graph.tensor(*it).origin == Origin::Argument) {
        let label = &exhibit.tensors[tensor.index()];
        let Piece::Region { region, .. } = &program.pieces[tensor.index()] else { panic!("sums are written") };
        assert!(label.name.ends_with(&format!("{:?} {:?}", region.offsets(), region.shape())), "{}", label.name);
        assert!(label.shape.ends_with("xi8"), "{}", label.shape);
    }
    let names: std::collections::BTreeSet<&str> = exhibit.operators.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), exhibit.operators.len());
    assert!(
        exhibit.is_tiled()
            && exhibit.families.operators.len() == planned.report().tiling.expect("it is").operators as usize
    );
}

#[test]
fn tiles_on_other_machines() {
    let network = resnet18();
    let file = preset::named("siracusa-like").expect("it comes with the planner");
    let machine: Machine = file.memories.expect("it has several");
    let on = |tiles| Request { tiles, options: request(0).options, ..Request::for_machine(machine.clone()) };
    assert!(matches!(plan(&network, &on(false), &go_on), Err(Error::ScratchpadTooSmall { .. })));
    let report = plan(&network, &on(true), &go_on).expect("it fits in tiles").report();
    let cost = report.cost.expect("there are several memories");
    assert!(cost.lower_bound <= cost.total && report.tiling.is_some() && report.proof.is_none());
    let file = preset::named("imx-rt1170").expect("it comes with the planner");
    let machine = file.memories.and_then(|machine| machine.without_moves().ok()).expect("it has no clock");
    let fixed = Request { tiles: true, ..Request::for_machine(machine) };
    assert!(matches!(plan(&network, &fixed, &go_on), Err(Error::Option(_))));
}

#[test]
fn what_cannot_be_split_is_said() {
    // A graph by hand says nothing of its operators, so they stay whole.
    let mut graph = GraphBuilder::new();
    let x = graph.argument("x", Bytes(64));
    let y = graph.op("square", &[x], [("y", Bytes(64))], Bytes::ZERO);
    graph.result(y[0]);
    let network = Network::of_graph("net", graph, vec!["x".into(), "y".into()]);
    let request = |bytes| Request { tiles: true, ..Request::for_scratchpad(Bytes(bytes)) };
    let report = plan(&network, &request(128), &go_on).expect("it fits").report();
    assert_eq!((report.traffic.total, report.tiling, report.proof.as_deref()), (128, None, Some("all tilings")));
    let refused = plan(&network, &request(64), &go_on).expect_err("it does not fit").to_string();
    assert!(refused.contains("operator 'square' needs 128 B at once"), "{refused}");
    let swept = sweep(&network, &request(128), &Scratchpads::Steps(3), &|_, it| go_on(it));
    assert_eq!(swept.expect_err("it is refused").to_string(), "a sweep is of whole operators, not of tiles");
    // The smallest tile of an operator of a model is still too large.
    let refused = plan(&resnet18(), &request(256), &go_on);
    assert!(matches!(refused, Err(Error::ScratchpadTooSmall { .. })), "{refused:?}");
}
