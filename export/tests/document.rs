//! Plans as JSON: by the schema, and back.

mod common;

use common::cases;
use cosma_export::{Document, Error, Names, Planned, Proof};
use cosma_planner::testing::overlapped::{OVERLAPPED, PROBLEM};
use cosma_planner::testing::parse_program;
use cosma_planner::time::latency_bound;
use cosma_planner::{Action, Bytes, Problem, Solver, Traffic, check, greedy_plan};
use jsonschema::Validator;
use serde_json::{Value, json};

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(Document::SCHEMA).expect("the schema is JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("the schema is one");
    jsonschema::draft202012::new(&schema).expect("the schema is one")
}

fn value(document: &Document) -> Value {
    serde_json::from_str(&document.json()).expect("it is JSON")
}

#[test]
fn documents_are_as_the_schema_says_and_come_back() {
    let validator = validator();
    // Of each kind of action, and of fields that are there for some only.
    let mut met = std::collections::BTreeMap::new();
    for seed in 0..30 {
        for case in cases(seed) {
            let planned = Planned::new("net", &case.problem, &case.actions);
            let document = Document::of(&planned).expect("time can be counted");
            let errors: Vec<String> =
                validator.iter_errors(&value(&document)).map(|it| format!("{}: {it}", it.instance_path)).collect();
            assert!(errors.is_empty(), "{errors:?}\n{}", document.json());

            let again = Document::parse(&document.json()).expect("it was written");
            assert_eq!(again, document);
            let actions = again.actions(&case.problem).expect("it is of this problem");
            // The offset of a workspace without bytes means nothing.
            assert_eq!(value(&Document::of(&Planned::new("net", &case.problem, &actions)).unwrap()), value(&document));
            let traffic = check(&case.problem, &actions).expect("the judge believes it");
            assert_eq!(Bytes(document.traffic.total), traffic.total());

            let plan = again.plan(&case.problem).expect("it is of this problem");
            match &case.plan {
                Some(original) => {
                    assert_eq!(plan.order, original.order);
                    assert_eq!(plan.residencies, original.residencies, "{}", case.problem);
                }
                None => {
                    let actions = plan.actions(&case.problem);
                    assert_eq!(Traffic::of(&case.problem, &actions), traffic);
                }
            }
            let mut meet = |what: &str| *met.entry(what.to_owned()).or_insert(0) += 1;
            document.actions.iter().for_each(|it| meet(&it.kind));
            document.actions.iter().filter(|it| it.slice.is_some()).for_each(|_| meet("slice"));
            document.steps.iter().filter(|it| it.workspace.is_some()).for_each(|_| meet("workspace"));
            document.residencies.iter().filter(|it| !it.in_place_of.is_empty()).for_each(|_| meet("in place"));
            document.residencies.iter().filter(|it| it.ready.is_some()).for_each(|_| meet("ready"));
        }
    }
    let hard = ["load", "reload", "spill", "store", "run", "issue", "wait", "slice", "workspace", "in place", "ready"];
    assert!(hard.iter().all(|it| met.get(*it).is_some_and(|n| 5 <= *n)), "{met:?}");
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let problem: Problem = PROBLEM.parse().unwrap();
    let actions = parse_program(&problem, OVERLAPPED).unwrap();
    let right = value(&document(&problem, &actions));
    let validator = validator();
    assert!(validator.is_valid(&right));
    let damages: [fn(&mut Value); 8] = [
        |it| it["version"] = json!(2),
        |it| it["tensors"][0]["bytes"] = json!(-1),
        |it| it["tensors"][0]["origin"] = json!("parameter"),
        |it| it["surplus"] = json!(0),
        |it| it["actions"][0]["kind"] = json!("prefetch"),
        |it| it["actions"][1]["kind"] = json!("load"),
        |it| it["residencies"][0]["first"] = json!(0.5),
        |it| drop(it["traffic"].as_object_mut().unwrap().remove("total")),
    ];
    for (index, damage) in damages.iter().enumerate() {
        let mut wrong = right.clone();
        damage(&mut wrong);
        assert!(!validator.is_valid(&wrong), "damage {index}");
    }
}

fn document(problem: &Problem, actions: &[Action]) -> Document {
    check(problem, actions).expect("the judge believes it");
    let bound = latency_bound(problem, &greedy_plan(problem).unwrap(), Bytes::ZERO).unwrap();
    let planned = Planned {
        names: Names { operators: vec![String::new(), "relu/1".into()], tensors: vec!["input:0".into()] },
        proof: Some(Proof { lower_bound: Bytes(256), fragmentation: Bytes::ZERO, solver: Solver::Search }),
        latency_bound: Some(bound),
        ..Planned::new("net", problem, actions)
    };
    Document::of(&planned).unwrap()
}

#[test]
fn transfers_beside_operators_have_channels_slices_and_cycles() {
    let problem: Problem = PROBLEM.parse().unwrap();
    let actions = parse_program(&problem, OVERLAPPED).unwrap();
    let it = value(&document(&problem, &actions));
    assert_eq!(it["tensors"][0]["label"], "input:0");
    assert_eq!(it["steps"][1], json!({"operator": "B_1", "label": "relu/1", "reads": ["a"], "writes": ["b"]}));
    // x is 4 + 32 cycles on its channel, and there 10 cycles later; then A computes for 60.
    assert_eq!(it["actions"][0]["cycles"], json!([0, 46]));
    assert_eq!(it["actions"][1]["cycles"], json!([46, 106]));
    assert_eq!(
        it["actions"][3],
        json!({
            "kind": "issue", "transfer": "load", "step": 1, "tensor": "w", "bytes": 64, "slice": [0, 64],
            "from": {"memory": "host"}, "to": {"memory": "scratchpad", "offset": 0},
            "channel": "in", "cycles": [106, 152]
        })
    );
    // It takes bytes from step 1 on, and can be read from step 2 on.
    let w = it["residencies"].as_array().unwrap().iter().find(|it| it["tensor"] == "w").unwrap();
    assert_eq!((&w["first"], &w["ready"], &w["end"], &w["came"]), (&json!(1), &json!(2), &json!(3), &json!(3)));
    assert_eq!(it["proof"]["is_optimal"], true);
    assert_eq!(it["machine"]["links"][0]["timing"]["rate"], "2");
    assert!(it["time"]["lower_bound"].as_u64() <= it["time"]["makespan"].as_u64());
}

#[test]
fn other_documents_are_refused() {
    let problem: Problem = PROBLEM.parse().unwrap();
    let actions = parse_program(&problem, OVERLAPPED).unwrap();
    let right = value(&document(&problem, &actions));
    let parse = |change: &dyn Fn(&mut Value)| {
        let mut it = right.clone();
        change(&mut it);
        Document::parse(&it.to_string())
    };
    let error = parse(&|it| it["version"] = json!(2)).unwrap_err();
    assert!(matches!(error, Error::Version { version: 2, .. }), "{error}");
    assert!(matches!(Document::parse("3"), Err(Error::Json(_))));
    assert!(matches!(Document::parse("{}"), Err(Error::Version { version: 0, .. })));
    assert!(matches!(parse(&|it| it["traffic"] = json!(3)), Err(Error::Json(_))));
    let refused = |change: &dyn Fn(&mut Value)| match parse(change).unwrap().actions(&problem) {
        Err(Error::OtherProblem(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&|it| it["actions"][0]["tensor"] = json!("q")), "action 0: there is no tensor 'q'");
    assert_eq!(refused(&|it| it["actions"][1]["operator"] = json!("q")), "action 1: there is no operator 'q'");
    assert_eq!(refused(&|it| it["actions"][0]["to"]["memory"] = json!("l2")), "action 0: there is no memory 'l2'");
    assert_eq!(
        refused(&|it| it["actions"][0]["to"] = json!({"memory": "scratchpad"})),
        "action 0: a place in scratchpad needs an offset"
    );
    assert_eq!(
        refused(&|it| it["actions"][0]["kind"] = json!("fetch")),
        "action 0: there is no action of the kind 'fetch'"
    );
}
