//! Plans for ExecuTorch.

mod common;

use common::python;
use cosma_export::{Error, Planned, executorch};
use cosma_planner::testing::{Shape, parse_program, seeded_problem};
use cosma_planner::{Bytes, Machine, Problem, check, greedy_plan};
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
