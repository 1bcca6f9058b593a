//! Plans for ExecuTorch.

mod common;

use common::python;
use cosma_export::{Document, Error, Format, Planned, executorch, write};
use cosma_planner::testing::{Shape, parse_program, seeded_problem};
use cosma_planner::{Bytes, Machine, Order, PlacementOptions, Problem, check, greedy_plan, place};
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn the_pass_takes_what_is_written() {
    let problem: Problem = "\
machine scratchpad 256 alignment 64
argument x 64
op abs: x -> a 64
op tanh: a -> b 64 over a
op sigmoid: b -> c 64
return c
"
    .parse()
    .unwrap();
    let program = "\
load x at 0
run abs: x@0 -> a@64
run tanh: a@64 -> b@64
run sigmoid: b@64 -> c@0
store c@0
";
    let actions = parse_program(&problem, program).unwrap();
    check(&problem, &actions).expect("the judge believes it");
    let text = executorch(&Planned::new("net", &problem, &actions)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json");
    fs::write(&plan, text).unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    python::run("check_executorch.py", &[], &[&examples, &plan]);
}

/// Where nothing moves, each memory is a buffer.
#[test]
fn memories_are_buffers() {
    let text = "\
memory flash
memory tcm 128 alignment 64
memory sram 256 alignment 64 banks 2 apart
link flash tcm price 10
link sram tcm price 2
link tcm sram price 3
moves none
argument x 64
weight w 64
op a: x w -> y 64
op b: y x -> z 64
return z
";
    let problem: Problem = text.parse().unwrap();
    let options = PlacementOptions { order: Order::Source, ..PlacementOptions::default() };
    let placement = place(&problem, &options).unwrap().placement;
    let actions = placement.actions(&problem);
    check(&problem, &actions).expect("the judge believes it");
    let planned = Planned::new("net", &problem, &actions);
    let plan: Value = serde_json::from_str(&executorch(&planned).unwrap()).unwrap();
    let specs = plan["tensors"].as_array().unwrap();
    for (name, tensor) in [("x", 0), ("y", 2), ("z", 3)] {
        let place = placement.places[tensor].unwrap();
        let spec = specs.iter().find(|it| it["name"] == name).unwrap();
        assert_eq!(spec["mem_id"], place.memory.0);
        assert_eq!(spec["mem_offset"], place.offset.0);
    }
    assert_eq!(specs.len(), 3);
    assert!(specs.iter().any(|it| it["mem_id"] == 2), "{plan}");
    assert_eq!(plan["non_const_buffer_sizes"].as_array().unwrap().len(), 3);

    // As a document, with the memory of each operand, and back.
    let json = write(Format::Json, &planned).unwrap().text();
    let document = Document::parse(&json).unwrap();
    assert_eq!(document.actions(&problem).unwrap(), actions);
    let schema: Value = serde_json::from_str(Document::SCHEMA).unwrap();
    let value: Value = serde_json::from_str(&json).unwrap();
    assert!(jsonschema::is_valid(&schema, &value), "{json}");
    assert_eq!(value["machine"]["moves"], "none");
    assert_eq!(value["machine"]["memories"][2]["banks"], serde_json::json!({ "bytes": 128, "apart": true }));

    // What lies where there are no addresses cannot be said.
    let text = text
        .replace("link sram tcm price 2", "link tcm flash price 0")
        .replace("flash tcm price 10", "flash tcm price 0");
    let problem: Problem = text.replace("tcm 128", "tcm 64").parse().unwrap();
    let actions = place(&problem, &options).unwrap().placement.actions(&problem);
    let error = executorch(&Planned::new("net", &problem, &actions)).unwrap_err();
    assert!(error.to_string().contains("lies in flash, which has no addresses"), "{error}");
}

#[test]
fn nothing_is_in_the_way_of_anything() {
    let (mut n_written, mut n_moving, mut n_shared) = (0, 0, 0);
    for seed in 0..150 {
        let mut problem = seeded_problem(if seed % 3 == 0 { Shape::LARGE } else { Shape::SMALL }, seed);
        if seed % 2 == 0 {
            // As much as never needs a spill.
            let rooms: Bytes = problem.graph.tensor_ids().map(|it| problem.room(it)).sum();
            let workspaces: Bytes = problem.graph.ops().iter().map(|it| it.workspace).sum();
            let alignment = problem.machine.alignment();
            problem.machine = Machine::with_host(rooms + workspaces.align_up(alignment) + alignment, alignment);
        }
        let actions = greedy_plan(&problem).expect("there is a plan").actions(&problem);
        let text = match executorch(&Planned::new("net", &problem, &actions)) {
            Ok(text) => text,
            Err(Error::Moves { .. } | Error::NoRoom { .. }) => {
                n_moving += 1;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        n_written += 1;
        let json: Value = serde_json::from_str(&text).unwrap();
        let tensors = json["tensors"].as_array().unwrap();
        let number = |it: &Value, field: &str| it[field].as_u64().unwrap();
        let graph = &problem.graph;
        let named = |it: &Value| graph.tensor_ids().find(|id| graph.tensor(*id).name == it["name"]).unwrap();
        for (index, one) in tensors.iter().enumerate() {
            assert!(
                number(one, "mem_offset") + number(one, "bytes") <= json["non_const_buffer_sizes"][1].as_u64().unwrap()
            );
            assert!(number(one, "mem_offset").is_multiple_of(number(&json, "alignment")));
            for other in &tensors[index + 1..] {
                let low = number(one, "mem_offset").max(number(other, "mem_offset"));
                let end = |it: &Value| number(it, "mem_offset") + number(it, "bytes");
                if end(one).min(end(other)) <= low {
                    continue;
                }
                assert_eq!(one["mem_obj_id"], other["mem_obj_id"]);
                let first = number(one, "first").max(number(other, "first"));
                let last = number(one, "end").min(number(other, "end"));
                if last <= first {
                    continue;
                }
                // Only in place.
                n_shared += 1;
                let pair = [named(one), named(other)];
                let op = problem.graph.ops().iter().flat_map(|it| &it.in_place);
                let pairs: Vec<_> = op.filter(|it| pair.contains(&it.result) && pair.contains(&it.operand)).collect();
                assert_eq!((first + 1, pairs.len()), (last, 1), "{text}\n{problem}");
            }
        }
    }
    assert!(40 <= n_written && 20 <= n_moving && 10 <= n_shared, "{n_written} {n_moving} {n_shared}");
}
