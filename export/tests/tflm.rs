//! Plans for TensorFlow Lite Micro.

mod common;

use common::python;
use cosma_export::{Error, Format, Names, Planned, Written, write};
use cosma_planner::testing::parse_program;
use cosma_planner::{Action, Problem, check};
use flatbuffers::{FlatBufferBuilder, TableFinishedWIPOffset, UnionWIPOffset, WIPOffset};
use std::fs;

type Table = WIPOffset<TableFinishedWIPOffset>;

/// A table with these fields, by the schema's numbers.
fn table(builder: &mut FlatBufferBuilder<'static>, fields: &[(u16, Field)]) -> Table {
    let start = builder.start_table();
    for (index, field) in fields {
        let slot = 4 + 2 * index;
        match field {
            Field::Byte(value) => builder.push_slot_always(slot, *value),
            Field::Word(value) => builder.push_slot_always(slot, *value),
            Field::Other(value) => builder.push_slot_always(slot, *value),
        }
    }
    builder.end_table(start)
}

enum Field {
    Byte(i8),
    Word(u32),
    Other(WIPOffset<UnionWIPOffset>),
}

fn tables(builder: &mut FlatBufferBuilder<'static>, tables: &[Table]) -> Field {
    Field::Other(builder.create_vector(tables).as_union_value())
}

fn numbers(builder: &mut FlatBufferBuilder<'static>, numbers: &[i32]) -> Field {
    Field::Other(builder.create_vector(numbers).as_union_value())
}

fn text(builder: &mut FlatBufferBuilder<'static>, text: &str) -> Field {
    Field::Other(builder.create_string(text).as_union_value())
}

/// x, w, a = ABS(x), b = NEG(a), c = ADD(b, w), 16 floats each, of which w is a constant; `second` is what NEG reads.
fn tflite(second: i32) -> Vec<u8> {
    let b = &mut FlatBufferBuilder::new();
    let data: Vec<u8> = (0..16).flat_map(|it| (it as f32).to_le_bytes()).collect();
    let data = Field::Other(b.create_vector(&data).as_union_value());
    let version = Field::Other(b.create_vector(b"1.14.0").as_union_value());
    let buffers = [table(b, &[]), table(b, &[(0, data)]), table(b, &[(0, version)])];
    let buffers = tables(b, &buffers);
    let mut codes = Vec::new();
    for (old, new) in [(101, 101), (59, 59), (0, 0)] {
        codes.push(table(b, &[(0, Field::Byte(old)), (2, Field::Word(1)), (3, Field::Word(new))]));
    }
    let codes = tables(b, &codes);
    let mut tensors = Vec::new();
    for (name, buffer) in [("x", 0), ("w", 1), ("model/a", 0), ("model/b", 0), ("c", 0)] {
        let (shape, name) = (numbers(b, &[1, 16]), text(b, name));
        tensors.push(table(b, &[(0, shape), (2, Field::Word(buffer)), (3, name)]));
    }
    let tensors = tables(b, &tensors);
    let mut operators = Vec::new();
    for (code, reads, writes) in [(0, vec![0], 2), (1, vec![second], 3), (2, vec![3, 1], 4)] {
        let (reads, writes) = (numbers(b, &reads), numbers(b, &[writes]));
        operators.push(table(b, &[(0, Field::Word(code)), (1, reads), (2, writes)]));
    }
    let operators = tables(b, &operators);
    let (inputs, outputs) = (numbers(b, &[0]), numbers(b, &[4]));
    let subgraph = table(b, &[(0, tensors), (1, inputs), (2, outputs), (3, operators)]);
    let subgraphs = tables(b, &[subgraph]);
    let name = text(b, "min_runtime_version");
    let metadata = table(b, &[(0, name), (1, Field::Word(2))]);
    let metadata = tables(b, &[metadata]);
    let description = text(b, "for tests");
    let root = [(0, Field::Word(3)), (1, codes), (2, subgraphs), (3, description), (4, buffers), (6, metadata)];
    let root = table(b, &root);
    b.finish(root, Some("TFL3"));
    b.finished_data().to_vec()
}

const PROBLEM: &str = "\
machine scratchpad 256 alignment 64
argument x 64
weight w 64
op abs: x -> a 64
op neg: a -> b 64 over a
op add: b w@host -> c 64
return c
";

const PROGRAM: &str = "\
load x at 0
run abs: x@0 -> a@64
run neg: a@64 -> b@64
run add: b@64 w@host -> c@0
store c@0
";

fn parsed(problem: &str, program: &str) -> (Problem, Vec<Action>) {
    let problem: Problem = problem.parse().unwrap();
    let actions = parse_program(&problem, program).unwrap();
    check(&problem, &actions).expect("the judge believes it");
    (problem, actions)
}

fn names() -> Names {
    let tensors = ["x", "w", "model/a", "model/b", ""].map(String::from);
    Names { operators: Vec::new(), tensors: tensors.into() }
}

fn written(format: Format, problem: &str, program: &str) -> Result<Written, Error> {
    let (problem, actions) = parsed(problem, program);
    write(format, &Planned { names: names(), ..Planned::new("net", &problem, &actions) })
}

#[test]
fn headers_are_c() {
    let model = tflite(2);
    let header = written(Format::TflmHeader(&model), PROBLEM, PROGRAM).unwrap();
    let text = header.text();
    assert!(text.contains("#define COSMA_ARENA_BYTES 128\n"), "{text}");
    // Version, subgraphs, tensors; x, w, a, b, c.
    assert!(text.contains("int32_t cosma_offline_memory_plan[8] = {\n    1, 1, 5, 0, -1, 64, 64, 0,\n};\n"), "{text}");
    assert_eq!(header.warnings, [""; 0]);
}

#[test]
fn models_keep_all_else() {
    let model = tflite(2);
    let once = written(Format::TflmModel(&model), PROBLEM, PROGRAM).unwrap().bytes;
    assert!(once.ends_with(&model) && (once.len() - model.len()).is_multiple_of(64));
    // Its own reader finds the same, and a plan that is there already gives way.
    let (moved, list) = (PROGRAM.replace("@64", "@128"), "1 1 5 0 -1 128 128 0");
    let twice = written(Format::TflmModel(&once), PROBLEM, &moved).unwrap().bytes;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let models = [path("0.tflite", &model), path("1.tflite", &once), path("2.tflite", &twice)];
    for (before, after, list) in [(0, 1, "1 1 5 0 -1 64 64 0"), (1, 2, list)] {
        let list = path("list", list.as_bytes());
        python::run("check_tflm.py", &["numpy", "tflite"], &[&models[before], &models[after], &list]);
    }
}

fn refused(model: &[u8], problem: &str, program: &str) -> String {
    written(Format::TflmModel(model), problem, program).unwrap_err().to_string()
}

#[test]
fn what_moves_is_refused() {
    let spilled = "\
load x at 0
run abs: x@0 -> a@64
spill a@64
reload a at 128
run neg: a@128 -> b@128
run add: b@128 w@host -> c@0
store c@0
";
    assert_eq!(
        refused(&tflite(2), PROBLEM, spilled),
        "tensor 'model/a' leaves for host memory, but TensorFlow Lite Micro keeps each tensor at one address and moves \
         none: plan for a larger scratchpad"
    );
    // What comes into the scratchpad of weights is read where the model has it.
    let resident = PROGRAM.replace("w@host", "w@192").replace("run add", "load w at 192\nrun add");
    let header = written(Format::TflmHeader(&tflite(2)), &PROBLEM.replace("@host", ""), &resident).unwrap();
    assert!(header.text().contains("0, -1, 64, 64, 0"));
}

#[test]
fn models_that_do_not_fit_are_refused() {
    let model = tflite(2);
    let larger = PROBLEM.replace("a 64", "a 128").replace(" over a", "").replace("256", "512");
    let program = PROGRAM.replace("b@64", "b@256");
    assert_eq!(refused(&model, &larger, &program), "tensor 'model/a' has 128 B in the plan and 64 B in the model");
    // Here NEG reads x, while a, which lies apart, is still to be overwritten: x and c are, since c lies where x does.
    let other = tflite(0);
    let apart = PROGRAM.replace("b@64", "b@0").replace("c@0", "c@64");
    let problem = PROBLEM.replace(" over a", "");
    let text = refused(&other, &problem, &apart);
    assert!(text.starts_with("tensors 'x' and 'model/b' would be in each other's way"), "{text}");
    assert!(written(Format::TflmModel(&model), &problem, &apart).is_ok());
    let (problem, actions) = parsed(
        "machine scratchpad 128 alignment 64\nargument p 64\nop f: p -> q 64\nreturn q\n",
        "load p at 0\nrun f: p@0 -> q@64\nstore q@64\n",
    );
    let error = write(Format::TflmModel(&model), &Planned::new("net", &problem, &actions));
    assert!(error.unwrap_err().to_string().contains("no tensor of the plan"));
}

#[test]
fn what_does_not_match_is_a_warning() {
    let (problem, actions) = parsed(PROBLEM, PROGRAM);
    // Without the names of the model.
    let it = write(Format::TflmHeader(&tflite(2)), &Planned::new("net", &problem, &actions)).unwrap();
    assert_eq!(
        it.warnings,
        [
            "2 tensors of the plan are not in the model: 'a', 'b'",
            "2 tensors of the model are left to the runtime: 'model/a', 'model/b'"
        ]
    );
    assert!(it.text().contains("0, -1, -1, -1, 0"));
}

#[test]
fn arguments_are_there_from_the_start_and_results_to_the_end() {
    // y comes in where a was.
    let problem = "\
machine scratchpad 192 alignment 64
argument x 64
argument y 64
op abs: x -> a 64
op neg: a -> b 64
op add: b y -> c 64
return c
";
    let program = "\
load x at 0
run abs: x@0 -> a@64
run neg: a@64 -> b@128
load y at 64
run add: b@128 y@64 -> c@0
store c@0
";
    let (problem, actions) = parsed(problem, program);
    let text = write(Format::ExecuTorch, &Planned::new("net", &problem, &actions)).unwrap().text();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["is_packed_anew"], true);
    let at = |name: &str| json["tensors"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    assert_eq!((&at("y")["first"], &at("y")["end"]), (&0.into(), &3.into()));
    assert!(["x", "a", "b"].iter().all(|it| at(it)["mem_offset"] != at("y")["mem_offset"]), "{text}");
    // A result may not be written over, not even by the last operator.
    let last = "\
machine scratchpad 192 alignment 64
argument x 64
op abs: x -> a 64
op neg: a -> b 64 over a
return a b
";
    let program = "load x at 0\nrun abs: x@0 -> a@64\nstore a@64\nrun neg: a@64 -> b@64\nstore b@64\n";
    let (both, actions) = parsed(last, program);
    let text = write(Format::ExecuTorch, &Planned::new("net", &both, &actions)).unwrap().text();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_ne!(json["tensors"][1]["mem_offset"], json["tensors"][2]["mem_offset"], "{text}");
    // With one block less there is no room for x, y and a.
    let tight = Problem { machine: problem.machine.with_scratchpad(cosma_planner::Bytes(128)), ..problem.clone() };
    let program = "\
load x at 0
run abs: x@0 -> a@64
run neg: a@64 -> b@0
load y at 64
";
    let actions = parse_program(&tight, program).unwrap();
    let error = write(Format::ExecuTorch, &Planned::new("net", &tight, &actions)).unwrap_err();
    assert!(matches!(error, Error::NoRoom { is_proven: true, scratchpad: 128, .. }), "{error}");
}

#[test]
fn damaged_models_are_errors_or_models() {
    let model = tflite(2);
    let (problem, actions) = parsed(PROBLEM, PROGRAM);
    let planned = Planned { names: names(), ..Planned::new("net", &problem, &actions) };
    let mut n_errors = 0;
    for len in 0..model.len() {
        n_errors += u32::from(write(Format::TflmModel(&model[..len]), &planned).is_err());
    }
    assert!(model.len() as u32 / 2 < n_errors);
    for at in 0..model.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, model[at] ^ 4] {
            let mut damaged = model.clone();
            damaged[at] = value;
            let _ = write(Format::TflmModel(&damaged), &planned);
        }
    }
}
