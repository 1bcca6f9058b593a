//! Programs whose transfers go on beside operators, as people see them.

mod common;

use common::holds_of_trace;
use cosma_planner::testing::overlapped::{OVERLAPPED, PROBLEM};
use cosma_planner::testing::{Choices, Shape, clocked, noise, parse_program, random_problem};
use cosma_planner::time::{BoundRule, LatencyBound, latency_bound, overlap};
use cosma_planner::{Bytes, Cycles, Deadline, Problem, Step, check, greedy_plan, program_text};
use cosma_show::{Content, Exhibit, Line, Part, Picture, dot, explain, memory_map, page, time_chart, trace};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::cell::Cell;
use std::collections::HashMap;
use svg::parser::Event;

const SYNCHRONOUS: &str = "\
load x at 0
run A_0: x@0 -> a@64
spill a@64
run B_1: a@64 -> b@256
load w at 0
run C_2: b@256 w@0 -> c@128
reload a at 192
run D_3: c@128 a@192 -> d@0
store d@0
";

fn exhibit(program: &str) -> Exhibit {
    let problem: Problem = PROBLEM.parse().expect("it is a problem");
    let actions = parse_program(&problem, program).expect("it is a program");
    assert!(check(&problem, &actions).is_ok(), "{:?}", check(&problem, &actions));
    Exhibit::new("net", problem, actions)
}

/// The exhibit with a bound by a rule.
fn bounded(program: &str, cycles: u64, rule: BoundRule) -> Exhibit {
    let bound = LatencyBound { cycles: Cycles(cycles), rule };
    Exhibit { time: Some(bound.into()), ..exhibit(program) }
}

#[test]
fn a_transfer_is_issued_and_complete() {
    let exhibit = exhibit(OVERLAPPED);
    let parts: Vec<(bool, bool, u64)> = exhibit
        .lines()
        .iter()
        .filter_map(|it| match it {
            Line::In { part, .. } | Line::Out { part, .. } => {
                Some((part.is_first(), part.is_issued(), part.slice(Bytes(7)).size().0))
            }
            _ => None,
        })
        .collect();
    let expected =
        [(true, false, 7), (true, true, 7), (true, true, 64), (false, true, 64), (true, true, 7), (true, false, 7)];
    assert_eq!(parts, expected);
    assert_eq!(exhibit.lines().iter().filter(|it| matches!(it, Line::Wait { .. })).count(), 3);
    assert!(!Part::Complete.is_issued());
    // The first half of w is on its way in: step 1, where a is on its way out; all else is there as soon as it is
    // waited for.
    let picture = Picture::new(&exhibit);
    let flights: Vec<_> = picture.blocks.iter().flat_map(|it| &it.flights).collect();
    let shown: Vec<_> = flights.iter().map(|it| (it.is_inward, it.steps.clone(), it.offset.0, it.size.0)).collect();
    let step = Step(1)..Step(2);
    assert_eq!(shown, [(false, step.clone(), 64, 128), (true, step, 0, 64)]);
    assert_eq!(picture.occupied, [192, 320, 320, 256].map(Bytes));
    // However they are moved, the bytes are the same, and the steps in which they begin.
    let whole = Picture::new(&self::exhibit(SYNCHRONOUS));
    assert_eq!(picture.costs, whole.costs);
}

#[test]
fn views_of_overlap() {
    let exhibit = bounded(OVERLAPPED, 300, BoundRule::Divided);
    insta::assert_snapshot!("overlap_on_a_map", memory_map(&exhibit));
    insta::assert_snapshot!("overlap_explained", explain(&exhibit, None, None));
    let text = trace(std::slice::from_ref(&exhibit));
    let parsed: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let events = parsed["traceEvents"].as_array().expect("a list");
    let events = events.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("overlap_traced", events);
    let page = page(std::slice::from_ref(&exhibit));
    assert!(page.contains("on its way in: step") && page.contains("\"inward\":true"), "{page}");
    assert!(dot(&exhibit).contains("cycles (proven: at least 300)"), "{}", dot(&exhibit));
}

#[test]
fn before_and_after_on_a_chart() {
    let (before, after) = (exhibit(SYNCHRONOUS), exhibit(OVERLAPPED));
    let chart = time_chart(&[("synchronous", &before), ("overlapped", &after)]);
    insta::assert_snapshot!("before_and_after", chart);
    // Nothing to be told.
    let plain = without_clock(&before);
    assert!(time_chart(&[("<plain>", &plain)]).contains("&lt;plain&gt;: no clock"));
    assert!(time_chart(&[]).starts_with("<svg"));
}

#[test]
fn a_program_at_its_bound_is_optimal() {
    let makespan = exhibit(OVERLAPPED).timeline().expect("there is a clock").makespan;
    let text = explain(&bounded(OVERLAPPED, makespan.0, BoundRule::Sums), None, None);
    assert!(text.contains("cycles: optimal, no program of any order is faster"), "{text}");
    // Without anybody who looked, nothing is said.
    let text = explain(&exhibit(OVERLAPPED), None, None);
    assert!(text.contains("How long it takes") && !text.contains("lower bound"), "{text}");
}

/// Sums of cycles that cannot be counted are no time.
#[test]
fn too_many_cycles_are_not_shown() {
    let most = format!("cycles {}", u64::MAX >> 1);
    let text = PROBLEM.replace("cycles 60", &most).replace("cycles 50", &most);
    let problem: Problem = text.parse().expect("it is a problem");
    let exhibit = Exhibit { problem, ..exhibit(OVERLAPPED) };
    assert_eq!(exhibit.timeline(), None);
    assert!(!explain(&exhibit, None, None).contains("How long it takes"));
    holds_of_trace(&trace(std::slice::from_ref(&exhibit))).expect("it is a trace by steps");
    assert!(time_chart(&[("it", &exhibit)]).contains("no clock"));
}

fn without_clock(exhibit: &Exhibit) -> Exhibit {
    let machine = exhibit.problem.machine.without_clock();
    Exhibit { problem: Problem { machine, ..exhibit.problem.clone() }, ..exhibit.clone() }
}

/// A random problem with a clock, synchronous and overlapped.
fn programs(seed: u64) -> Vec<Exhibit> {
    let noise = noise(seed, 3000);
    let mut choices = Choices::new(&noise);
    let mut problem = random_problem(Shape::SMALL, &mut choices);
    problem.machine = clocked(&problem.machine, &mut choices);
    let plan = greedy_plan(&problem).expect("there is a plan");
    let found = overlap(&problem, &plan, Deadline::NEVER).expect("small numbers can be counted");
    let bound = latency_bound(&problem, &plan, Bytes::ZERO).expect("likewise");
    let synchronous = Exhibit::new("net", problem.clone(), plan.actions(&problem));
    let overlapped = Exhibit { time: Some(bound.into()), ..Exhibit::new("net", problem, found.actions) };
    vec![synchronous, overlapped]
}

#[test]
fn whatever_overlaps_is_shown() {
    let config = Config { failure_persistence: None, rng_seed: RngSeed::Fixed(2), ..Config::with_cases(60) };
    let met = Cell::new([0; 3]);
    let shown = |seed: u64| {
        for exhibit in programs(seed) {
            let mut counts = met.get();
            let picture = Picture::new(&exhibit);
            let flights = || picture.blocks.iter().flat_map(|it| &it.flights);
            counts[0] += usize::from(flights().any(|it| it.is_inward));
            counts[1] += usize::from(flights().any(|it| !it.is_inward));
            counts[2] += usize::from(picture.blocks.iter().any(|it| 1 < it.flights_in().count()));
            met.set(counts);
            pictures_hold(&exhibit, &picture)?;
            holds_of_trace(&trace(std::slice::from_ref(&exhibit)))?;
            holds_of_trace(&trace(&[without_clock(&exhibit)]))?;
            prop_assert!(explain(&exhibit, None, None).contains("How long it takes"));
            prop_assert!(page(std::slice::from_ref(&exhibit)).contains("</html>"));
            prop_assert!(svg::read(&memory_map(&exhibit)).expect("it is SVG").all(|it| !matches!(it, Event::Error(_))));
            chart_holds(&exhibit)?;
        }
        Ok(())
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner.run(&any::<u64>(), shown).expect("it holds");
    assert!(met.get().iter().all(|it| 3 <= *it), "{:?}", met.get());
}

/// No two things share an address in a step, unless one is in place of the other; and all is counted.
fn pictures_hold(exhibit: &Exhibit, picture: &Picture) -> Result<(), TestCaseError> {
    let traffic = exhibit.traffic();
    let moved: Bytes = picture.moved.iter().map(|it| it.loaded + it.reloaded + it.stored + it.spilled).sum();
    prop_assert_eq!(moved, traffic.total());
    let graph = &exhibit.problem.graph;
    let costs: Bytes = graph.tensor_ids().map(|it| picture.costs[it.index()].total(graph.tensor(it).size)).sum();
    prop_assert_eq!(costs, traffic.total());
    let is_full = picture.occupied.iter().any(|it| exhibit.problem.machine.scratchpad() < *it);
    prop_assert!(
        !is_full,
        "{}\n{:#?}",
        program_text(&exhibit.problem, &exhibit.actions).join("\n"),
        (&exhibit.problem.to_string(), picture)
    );
    for step in (0..picture.n_steps() as u32).map(Step) {
        let mut here: Vec<(usize, u64, u64)> = Vec::new();
        for (index, block) in picture.blocks.iter().enumerate() {
            if block.steps.contains(&step) {
                here.push((index, block.offset.0, (block.offset + block.size).0));
            }
            for flight in block.flights.iter().filter(|it| it.steps.contains(&step)) {
                let is_within =
                    block.offset <= flight.offset && flight.offset + flight.size <= block.offset + block.size;
                prop_assert!(is_within, "{flight:?} {block:?}");
                if flight.is_inward {
                    here.push((index, flight.offset.0, (flight.offset + flight.size).0));
                } else {
                    prop_assert!(block.steps.contains(&step));
                }
            }
        }
        for (nth, one) in here.iter().enumerate() {
            for other in &here[..nth] {
                let is_in_place = |a: usize, b: usize| picture.blocks[a].in_place_of.contains(&b);
                let is_apart = one.2.min(other.2) <= one.1.max(other.1);
                prop_assert!(
                    is_apart || is_in_place(one.0, other.0) || is_in_place(other.0, one.0),
                    "{step}: {here:?}"
                );
            }
        }
    }
    for tensor in graph.tensor_ids() {
        let blocks: Vec<_> = picture.blocks.iter().filter(|it| it.content == Content::Tensor(tensor)).collect();
        let is_on_chip = |step: &&Step| exhibit.problem.operands(picture.order[step.index()]).any(|it| it == tensor);
        for step in picture.uses[tensor.index()].iter().filter(is_on_chip) {
            prop_assert!(blocks.iter().any(|it| it.steps.contains(step)), "{step}: {blocks:?}");
        }
    }
    Ok(())
}

/// Bars lie within the axis, and those of a row do not overlap.
fn chart_holds(exhibit: &Exhibit) -> Result<(), TestCaseError> {
    let mut ends: HashMap<String, f64> = HashMap::new();
    let chart = time_chart(&[("it", exhibit)]);
    // Computing and standing still make up all of the time.
    let mut computing = 0.0;
    for event in svg::read(&chart).expect("it is SVG") {
        let Event::Tag("rect", _, attributes) = event else { continue };
        let Some(class) = attributes.get("class").filter(|it| it.starts_with("bar ")) else { continue };
        let number = |name: &str| attributes[name].parse::<f64>().expect("a number");
        let (x, width, height) = (number("x"), number("width"), number("height"));
        // Swatches of the legend are lower.
        if height != 16.0 {
            continue;
        }
        prop_assert!(99.9 <= x && x + width <= 860.1, "{x} {width}");
        if class.contains("run") || class.contains("stall") {
            computing += width;
        } else {
            let end = ends.entry(attributes["y"].to_string()).or_default();
            prop_assert!(*end <= x + 0.05, "{x} {end}");
            *end = x + width;
        }
    }
    let makespan = exhibit.timeline().expect("there is a clock").makespan;
    prop_assert!(makespan == Cycles::ZERO || (computing - 760.0_f64).abs() < 5.0, "{computing}");
    Ok(())
}
