//! Networks are planned, judged, and told in numbers and records.

use cosma_import::proto::{
    DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use cosma_model::{Error, ModelOptions, Network, Request, Scratchpads, Verdict, plan, sweep};
use cosma_planner::time::{Clock, Ratio};
use cosma_planner::{Bytes, GraphBuilder, Keep, Objective, OpId, Options, Order, Progress, Weights};
use prost::Message;
use std::ops::ControlFlow;
use std::path::Path;

const fn go_on(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The network of the README: two branches, interleaved, that each expand and reduce a tensor.
fn cell() -> Network {
    let mut graph = GraphBuilder::new();
    let x = graph.argument("x", Bytes(64));
    let mut op =
        |name: &str, reads: &[_], result: &str, size| graph.op(name, reads, [(result, Bytes(size))], Bytes::ZERO)[0];
    let expanded = op("expand", &[x], "expanded", 128);
    let shifted = op("shift", &[x], "shifted", 128);
    let left = op("reduce_left", &[expanded], "left", 64);
    let right = op("reduce_right", &[shifted], "right", 64);
    let y = op("add", &[left, right, x], "y", 64);
    graph.result(y);
    let names = ["x", "expanded", "shifted", "left", "right", "y"].map(String::from);
    Network::of_graph("cell", graph, names.into())
}

#[test]
fn a_plan_is_what_the_readme_says() {
    let planned = plan(&cell(), &Request::for_scratchpad(Bytes(256)), &go_on).expect("it fits");
    let report = planned.report();
    assert_eq!((report.name.as_str(), report.operators, report.status.as_str()), ("cell", 5, "optimal"));
    let traffic = report.traffic;
    assert_eq!((traffic.total, traffic.compulsory, traffic.non_compulsory, traffic.lower_bound), (192, 128, 64, 64));
    let program = planned.program();
    let moved: Vec<_> = program.iter().filter(|it| it.kind != "run").collect();
    assert_eq!(moved.iter().filter_map(|it| it.bytes).sum::<u64>(), traffic.total);
    let kinds: Vec<&str> = moved.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, ["load", "reload", "store"]);
    let steps: Vec<usize> = program.iter().filter(|it| it.kind == "run").map(|it| it.step).collect();
    assert_eq!(steps, [0, 1, 2, 3, 4]);
    let residencies = planned.residencies();
    assert!(residencies.iter().all(|it| it.start < it.end && it.end <= 5 && it.offset + it.size <= 256));
    assert!(residencies.is_sorted_by_key(|it| it.start));
    assert!(cosma_show::explain(&planned.exhibit, Some(Order::Free), None).starts_with("@cell: 5 operators"));
}

/// The fields of `cosma-opt --report`, in its order.
#[test]
fn reports_have_the_fields_of_the_command() {
    let planned = plan(&cell(), &Request::for_scratchpad(Bytes(256)), &go_on).expect("it fits");
    let text = serde_json::to_string(&planned.report()).expect("it is JSON");
    let fields = ["name", "operators", "status", "traffic", "scratchpad", "alignment", "weights", "peak"];
    let fields = fields.into_iter().chain(["min_scratchpad", "seconds", "solver"]);
    let places: Vec<Option<usize>> = fields.map(|it| text.find(&format!("\"{it}\":"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
}

#[test]
fn errors_have_names() {
    let network = cell();
    let refused = plan(&network, &Request::for_scratchpad(Bytes(64)), &go_on).expect_err("it is too small");
    let expected = "operator 'add' needs 256 B at once, but the scratchpad has 64 B: 192 B too few; at least 256 B \
                    are needed";
    assert_eq!(refused.to_string(), expected);
    let mut network = cell();
    let ids: Vec<_> = (0..6).map(cosma_planner::TensorId).collect();
    network.graph.in_place(ids[0], ids[5]);
    let refused = plan(&network, &Request::for_scratchpad(Bytes(256)), &go_on).expect_err("an argument is no result");
    assert_eq!(refused.to_string(), "'x' cannot lie over 'y': they are not of one operator");
    let request = Request { alignment: Bytes::ZERO, ..Request::for_scratchpad(Bytes(256)) };
    assert!(matches!(plan(&cell(), &request, &go_on), Err(Error::Option(_))));
    let missing = Network::read(Path::new("no/such.onnx"), &ModelOptions::default());
    assert!(matches!(missing, Err(Error::Read { .. })));
}

#[test]
fn a_sweep_never_moves_more_with_more_room() {
    let request = Request::for_scratchpad(Bytes::ZERO);
    let swept = sweep(&cell(), &request, &Scratchpads::Steps(6), &|_, it| go_on(it)).expect("it can be planned");
    assert_eq!(swept.compulsory, 128);
    assert_eq!(swept.points.first().map(|it| it.scratchpad), Some(swept.min_scratchpad));
    assert_eq!(swept.points.last().and_then(|it| it.total), Some(128));
    assert!(swept.points.iter().all(|it| it.status == Verdict::Optimal));
    assert!(swept.points.windows(2).all(|it| it[1].total <= it[0].total && it[0].scratchpad < it[1].scratchpad));
    let sizes = Scratchpads::Sizes([512, 64, 256].map(Bytes).into());
    let swept = sweep(&cell(), &request, &sizes, &|_, it| go_on(it)).expect("it can be planned");
    let totals: Vec<_> = swept.points.iter().map(|it| it.total).collect();
    assert_eq!(totals, [None, Some(192), Some(128)]);
    assert_eq!(swept.points[0].status, Verdict::TooSmall);
    let stopped = sweep(&cell(), &request, &sizes, &|_, _| ControlFlow::Break(())).expect("it can be planned");
    assert!(stopped.points.len() < 3);
    for wrong in [Scratchpads::Steps(1), Scratchpads::Steps(1_000_000), Scratchpads::Sizes(Vec::new())] {
        assert!(matches!(sweep(&cell(), &request, &wrong, &|_, it| go_on(it)), Err(Error::Option(_))));
    }
}

/// A product and an activation, whose batch has a name.
fn model() -> Vec<u8> {
    let dimension = |it: i64| DimensionProto { dim_value: Some(it), dim_param: None };
    let batch = DimensionProto { dim_value: None, dim_param: Some("batch".into()) };
    let shape = TensorShapeProto { dim: vec![batch, dimension(8)] };
    let r#type = TypeProto { tensor_type: Some(TensorTypeProto { elem_type: 1, shape: Some(shape) }) };
    let node = |kind: &str, inputs: &[&str], output: &str| NodeProto {
        input: inputs.iter().map(|it| (*it).into()).collect(),
        output: vec![output.into()],
        name: format!("{kind} of net"),
        op_type: kind.into(),
        ..NodeProto::default()
    };
    let weight =
        TensorProto { name: "w".into(), dims: vec![8, 4], data_type: 1, data_location: 1, ..TensorProto::default() };
    let graph = GraphProto {
        name: "net".into(),
        node: vec![node("MatMul", &["x", "w"], "y"), node("Softmax", &["y"], "z")],
        input: vec![ValueInfoProto { name: "x".into(), r#type: Some(r#type) }],
        output: vec![ValueInfoProto { name: "z".into(), r#type: None }],
        initializer: vec![weight],
        ..GraphProto::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    ModelProto { ir_version: 8, graph: Some(graph), opset_import, functions: Vec::new() }.encode_to_vec()
}

#[test]
fn models_keep_their_names() {
    assert!(matches!(Network::import(model(), None, &ModelOptions::default()), Err(Error::Model(_))));
    let dimensions = [("batch".to_owned(), 2)].into();
    let options = ModelOptions { dimensions, element_bytes: Some(1), ..ModelOptions::default() };
    let network = Network::import(model(), Some(Path::new("net.onnx")), &options).expect("it is a model");
    let request = Request { weights: Weights::Streamed, ..Request::for_scratchpad(Bytes(1024)) };
    let planned = plan(&network, &request, &go_on).expect("it fits");
    let operators = &planned.exhibit.operators;
    assert_eq!((operators[0].name.as_str(), operators[0].kind.as_str()), ("MatMul of net", "MatMul"));
    assert_eq!((operators[0].macs, operators[0].location.as_str()), (Some(64), "net.onnx:1:1"));
    let labels: Vec<_> = planned.exhibit.tensors.iter().map(|it| (it.name.as_str(), it.shape.as_str())).collect();
    assert_eq!(labels[..2], [("x", "2x8xi8"), ("w", "8x4xi8")]);
    let loads: Vec<_> = planned.program().into_iter().filter(|it| it.kind == "load").collect();
    let streamed = loads.iter().find(|it| it.tensor.as_deref() == Some("w")).expect("it is read");
    assert_eq!((streamed.offset, streamed.bytes), (None, Some(32)));
    let wrong = ModelOptions { element_bytes: Some(3), ..options };
    assert!(matches!(Network::import(model(), None, &wrong), Err(Error::Option(_))));
}

/// Three products, the first and the last with one weight.
fn layers() -> Network {
    let mut graph = GraphBuilder::new();
    let x = graph.argument("x", Bytes(64));
    let (w, v) = (graph.weight("w", Bytes(256)), graph.weight("v", Bytes(512)));
    let mut op = |name: &str, reads: &[_], result: &str| graph.op(name, reads, [(result, Bytes(64))], Bytes::ZERO)[0];
    let a = op("first", &[x, w], "a");
    let b = op("second", &[a, v], "b");
    let y = op("third", &[b, w], "y");
    graph.result(y);
    (0..3).for_each(|it| graph.macs(OpId(it), 1000));
    Network::of_graph("layers", graph, ["x", "w", "v", "a", "b", "y"].map(String::from).into())
}

#[test]
fn kept_weights_are_a_prologue() {
    let request = Request { keep: Keep::Auto, ..Request::for_scratchpad(Bytes(1024)) };
    let planned = plan(&layers(), &request, &go_on).expect("it fits");
    let report = planned.report();
    assert_eq!((report.traffic.total, report.traffic.prologue, report.keep.as_deref()), (128, Some(768), Some("auto")));
    let program = planned.program();
    assert_eq!(program.iter().take_while(|it| it.kind == "keep").filter_map(|it| it.bytes).sum::<u64>(), 768);
    assert_eq!(program.iter().filter(|it| it.kind == "load").count(), 1);
    // Without it, neither is said.
    let report = plan(&layers(), &Request::for_scratchpad(Bytes(1024)), &go_on).expect("it fits").report();
    assert_eq!((report.traffic.total, report.traffic.prologue, report.keep), (896, None, None));
}

#[test]
fn a_clock_gives_times() {
    let clock = Some(Clock::each_way(Ratio::ONE, Ratio::ONE));
    let request = Request { clock, ..Request::for_scratchpad(Bytes(1024)) };
    let planned = plan(&layers(), &request, &go_on).expect("it fits");
    let time = planned.report().time.expect("there is a clock");
    let stalls = time.stalls;
    let lost = stalls.channel + stalls.place + stalls.latency + stalls.write_back + stalls.late;
    assert_eq!((time.compute, time.compute + lost), (3000, time.cycles));
    assert!(time.any_order_lower_bound <= time.lower_bound && time.lower_bound <= time.cycles);
    assert!(planned.program().iter().any(|it| it.kind == "wait"));
    let in_turn = plan(&layers(), &Request { overlaps: false, ..request.clone() }, &go_on).expect("it fits");
    assert!(time.cycles < in_turn.report().time.expect("there is a clock").cycles);
    assert!(in_turn.program().iter().all(|it| it.kind != "wait" && !it.overlaps));
    let swept = sweep(&layers(), &request, &Scratchpads::Steps(3), &|_, it| go_on(it)).expect("it can be planned");
    assert!(swept.points.iter().all(|it| it.least_cycles <= it.cycles && it.cycles.is_some()));
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    let usual = || Request::for_scratchpad(Bytes(1024));
    let refused = |request: Request| match plan(&layers(), &request, &go_on) {
        Err(Error::Option(why)) => why,
        other => panic!("{other:?}"),
    };
    let latency = Options { objective: Objective::Latency, ..Options::default() };
    assert_eq!(
        refused(Request { options: latency, ..usual() }),
        "latency cannot be the objective where the machine has no clock"
    );
    let beyond = vec![Bytes(0)..Bytes(64), Bytes(1000)..Bytes(1025)];
    assert_eq!(
        refused(Request { reserved: beyond, ..usual() }),
        "1000 to 1025 are reserved, but the scratchpad ends at 1024"
    );
    let none = Bytes(64)..Bytes(64);
    assert_eq!(refused(Request { reserved: vec![none], ..usual() }), "the reserved range 64 to 64 is empty");
    let either = Request { weights: Weights::Auto, keep: Keep::Auto, ..usual() };
    assert_eq!(refused(either), "weights 'auto' cannot keep weights from run to run: use 'resident'");
    let request = Request { reserved: vec![Bytes(0)..Bytes(64)], ..usual() };
    assert!(matches!(sweep(&layers(), &request, &Scratchpads::Steps(3), &|_, it| go_on(it)), Err(Error::Option(_))));
}

#[test]
fn reserved_addresses_stay_free() {
    let reserved = vec![Bytes(0)..Bytes(64), Bytes(512)..Bytes(576)];
    let request = Request { reserved: reserved.clone(), ..Request::for_scratchpad(Bytes(1024)) };
    let planned = plan(&cell(), &request, &go_on).expect("it fits");
    let is_free = |offset: u64, size: u64| reserved.iter().all(|it| it.end.0 <= offset || offset + size <= it.start.0);
    assert!(planned.residencies().iter().all(|it| is_free(it.offset, it.size)));
}
