//! The library as a compiler calls it: watched, stopped, from several threads, and when things go wrong.

use cosma::melior::ir::operation::OperationLike;
use cosma::{
    Error, MachineOptions, Options, Phase, Printer, Stages, Watcher, new_context, optimize, parse, run_pipeline,
};
use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

fn options(scratchpad: u64) -> Options {
    Options {
        machine: MachineOptions { scratchpad: Some(scratchpad.into()), ..MachineOptions::default() },
        stages: Stages { schedule: true, allocate: true, ..Stages::default() },
        ..Options::default()
    }
}

/// Branches side by side, summed up in pairs; `width` of them of several sizes.
fn branches(name: &str, width: usize) -> String {
    let mut text = format!("func.func @{name}(%x: tensor<64xi8>) -> tensor<64xi8> {{\n");
    for branch in 0..width {
        let size = 64 * (1 + branch % 3);
        let wide = format!("tensor<{size}xi8>");
        writeln!(text, "  %a{branch} = cosma.op \"Expand\"(%x) : (tensor<64xi8>) -> {wide}").unwrap();
        writeln!(text, "  %b{branch} = cosma.op \"Shift\"(%a{branch}, %x) : ({wide}, tensor<64xi8>) -> {wide}")
            .unwrap();
        writeln!(
            text,
            "  %c{branch} = cosma.op \"Reduce\"(%b{branch}, %a{branch}) : ({wide}, {wide}) -> tensor<64xi8>"
        )
        .unwrap();
    }
    let mut last = "%c0".to_owned();
    for branch in 1..width {
        let other = (branch * 7) % width;
        let types = "(tensor<64xi8>, tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>";
        writeln!(text, "  %s{branch} = cosma.op \"Add\"({last}, %c{branch}, %c{other}) : {types}").unwrap();
        last = format!("%s{branch}");
    }
    writeln!(text, "  return {last} : tensor<64xi8>\n}}").unwrap();
    text
}

#[test]
fn a_watcher_sees_each_function() {
    let context = new_context();
    let text = branches("first", 3) + &branches("second", 3);
    let mut module = parse(&context, text.as_bytes(), "two.mlir").expect("it is well-formed");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let events = Arc::clone(&seen);
    let watcher = Watcher::new(move |function, progress| {
        events.lock().unwrap().push((function.to_owned(), progress.phase));
        ControlFlow::Continue(())
    });
    let report = optimize(&mut module, &Options { watcher: Some(watcher), ..options(512) }).expect("there is a plan");
    assert_eq!(report.functions.len(), 2);
    let seen = seen.lock().unwrap();
    let ends: Vec<&str> = seen.iter().filter(|it| it.1 == Phase::Done).map(|it| it.0.as_str()).collect();
    assert_eq!(ends, ["first", "second"]);
}

#[test]
fn who_stops_gets_a_planned_module() {
    let context = new_context();
    let text = branches("first", 60) + &branches("second", 60);
    let mut module = parse(&context, text.as_bytes(), "two.mlir").expect("it is well-formed");
    let start = Instant::now();
    let watcher = Watcher::new(move |_, _| {
        if start.elapsed() < Duration::from_millis(200) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let report = optimize(&mut module, &Options { watcher: Some(watcher), ..options(640) }).expect("there is a plan");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(report.functions.len(), 2);
    for function in &report.functions {
        assert!(function.traffic.lower_bound <= function.traffic.non_compulsory);
    }
    // It was judged, and is a program like any other.
    let verify = Options { stages: Stages { verify: true, ..Stages::default() }, ..Options::default() };
    optimize(&mut module, &verify).expect("the judge accepts it");
}

#[test]
fn a_watcher_is_found_by_passes_on_other_threads() {
    let context = new_context();
    context.enable_multi_threading(true);
    let text: String = (0..6).map(|it| branches(&format!("f{it}"), 4)).collect();
    let mut module = parse(&context, text.as_bytes(), "six.mlir").expect("it is well-formed");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let events = Arc::clone(&seen);
    let watcher = Watcher::new(move |function, progress| {
        if progress.phase == Phase::Done {
            events.lock().unwrap().push(function.to_owned());
        }
        ControlFlow::Continue(())
    });
    let pipeline = "builtin.module(func.func(canonicalize,cosma-allocate{order=free},cosma-insert-transfers))";
    let options = Options { watcher: Some(watcher), ..options(512) };
    run_pipeline(&mut module, pipeline, &options).expect("there is a plan");
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(seen, ["f0", "f1", "f2", "f3", "f4", "f5"]);
}

#[test]
fn threads_do_not_meet() {
    let plan = |index: usize| {
        let context = new_context();
        let name = format!("f{index}");
        let text = branches(&name, 3 + index % 4);
        let mut module = parse(&context, text.as_bytes(), "one.mlir").expect("it is well-formed");
        let own = name.clone();
        let watcher = Watcher::new(move |function, _| {
            assert_eq!(function, own);
            ControlFlow::Continue(())
        });
        let printed = Arc::new(Mutex::new(String::new()));
        let text = Arc::clone(&printed);
        let printer = Printer::new(move |it| text.lock().unwrap().push_str(it));
        let mut options = Options { watcher: Some(watcher), printer: Some(printer), ..options(512) };
        options.stages.print_plan = true;
        let report = optimize(&mut module, &options).expect("there is a plan");
        assert!(printed.lock().unwrap().starts_with(&format!("# @{name}\n")));
        (module.as_operation().to_string(), report.functions[0].traffic)
    };
    let alone: Vec<_> = (0..8).map(plan).collect();
    let together: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|it| scope.spawn(move || plan(it))).collect();
        threads.into_iter().map(|it| it.join().expect("no thread fails")).collect()
    });
    for (alone, together) in alone.iter().zip(&together) {
        assert_eq!(alone.1, together.1);
        let body = |text: &str| text.split_once("cosma.plan").map(|it| it.1.len());
        assert_eq!(body(&alone.0), body(&together.0));
    }
}

#[test]
fn after_an_error_the_module_is_what_it_was() {
    let context = new_context();
    let text = branches("small", 2)
        + "func.func @large(%x: tensor<4096xi8>) -> tensor<4096xi8> {
             %0 = cosma.op \"Relu\"(%x) : (tensor<4096xi8>) -> tensor<4096xi8>
             return %0 : tensor<4096xi8>
           }";
    let mut module = parse(&context, text.as_bytes(), "two.mlir").expect("it is well-formed");
    let before = module.as_operation().to_string();
    // One function was planned by then.
    let Err(Error::Module(reports)) = optimize(&mut module, &options(512)) else {
        panic!("the scratchpad is too small")
    };
    assert!(reports[0].message.contains("8192 B"), "{}", reports[0]);
    assert_eq!((reports[0].file.as_str(), reports[0].line), ("two.mlir", 12));
    assert_eq!(module.as_operation().to_string(), before);
    assert!(module.as_operation().verify());
    let pipeline = "builtin.module(func.func(cosma-allocate,no-such-pass))";
    assert!(matches!(run_pipeline(&mut module, pipeline, &options(512)), Err(Error::Pipeline(_))));
    assert_eq!(module.as_operation().to_string(), before);
    // And can be planned.
    optimize(&mut module, &options(8192)).expect("there is a plan");
}

#[test]
fn a_watcher_that_panics_is_an_error() {
    let context = new_context();
    let mut module = parse(&context, branches("f", 3).as_bytes(), "f.mlir").expect("it is well-formed");
    let options = Options { watcher: Some(Watcher::new(|_, _| panic!("on purpose"))), ..options(512) };
    let error = optimize(&mut module, &options).expect_err("the watcher panics");
    assert!(error.to_string().contains("internal error: on purpose"), "{error}");
}

/// Words that stand in modules of the kinds that are planned.
const WORDS: [&str; 14] = [
    "tensor<64xi8>",
    "tensor<?xi8>",
    "tensor<*xf32>",
    "memref<4xf32>",
    "i1",
    "%x",
    "%0",
    "{",
    "}",
    "attributes",
    "cosma.in_place = []",
    "-1",
    "18446744073709551615",
    "dense<0>",
];

/// A text in which some words are gone, doubled, moved or others.
fn damaged(text: &str, seed: u64) -> String {
    // After Marsaglia's xorshift (2003); zero is the one state that it never leaves.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % limit
    };
    let mut words: Vec<&str> = text.split_inclusive([' ', '\n', ',', '(', ')']).collect();
    for _ in 0..1 + below(3) {
        let (at, other) = (below(words.len()), below(words.len()));
        match below(5) {
            0 => _ = words.remove(at),
            1 => words.insert(at, words[other]),
            2 => words.swap(at, other),
            3 => words[at] = WORDS[below(WORDS.len())],
            _ => words.insert(at, WORDS[below(WORDS.len())]),
        }
    }
    words.concat()
}

/// What MLIR reads of a damaged module is planned or refused, and no pass panics.
#[test]
fn no_module_makes_a_pass_panic() {
    let modules = [
        branches("f", 3),
        include_str!("../examples/cell.mlir").to_owned(),
        include_str!("../examples/residual.mlir").to_owned(),
    ];
    let (mut n_planned, mut n_refused) = (0, 0);
    let context = new_context();
    let _quiet = cosma::Reports::attach(&context);
    for seed in 0..2_000 {
        let text = damaged(&modules[seed as usize % modules.len()], seed);
        let Some(mut module) = parse(&context, text.as_bytes(), "damaged.mlir") else { continue };
        let options = Options { time_limit: Duration::from_millis(20), ..options(4096) };
        match optimize(&mut module, &options) {
            Ok(_) => n_planned += 1,
            Err(error) => {
                assert!(!error.to_string().contains("internal error"), "{error}\n{text}");
                n_refused += 1;
            }
        }
    }
    assert!(60 < n_planned && 10 < n_refused, "{n_planned} planned, {n_refused} refused");
}
