//! What holds of every picture, whatever the program: random problems, planned and shown.

use cosma_planner::testing::{Choices, Shape, noise, random_problem, seeded_problem};
use cosma_planner::{Bytes, Kind, Options, Problem, Solver, Step, TensorId, greedy_plan, plan};
use cosma_show::{Content, Exhibit, Line, Picture, Speed, dot, explain, memory_map, page, timing, trace};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::collections::HashMap;
use svg::parser::Event;

fn exhibits(problem: Problem) -> Vec<Exhibit> {
    // No limit of time: plans would depend on the machine.
    let options = Options { solver: Solver::Search, state_limit: 500, ..Options::default() };
    let best = plan(&problem, &options).expect("there is a plan").plan;
    // Greedy plans move more.
    let greedy = greedy_plan(&problem).expect("there is a plan");
    [best, greedy].map(|it| Exhibit::new("net", problem.clone(), it.actions(&problem))).into()
}

fn shown() -> impl Strategy<Value = Problem> {
    (any::<u64>(), any::<bool>()).prop_map(|(seed, is_large)| {
        let shape = if is_large { Shape::LARGE } else { Shape::SMALL };
        random_problem(shape, &mut Choices::new(&noise(seed, 3000)))
    })
}

/// The same problems each time.
fn config() -> Config {
    Config { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::with_cases(40) }
}

/// A property that never meets a hard case proves nothing.
#[test]
fn pictures_are_of_hard_cases() {
    let mut met = [0; 4];
    for seed in 0..80 {
        for exhibit in exhibits(seeded_problem(Shape::SMALL, seed)) {
            let picture = Picture::new(&exhibit);
            let found = [
                picture.links.iter().any(|it| it.is_spilled),
                picture.links.iter().any(|it| !it.is_spilled),
                picture.blocks.iter().any(|it| !it.in_place_of.is_empty()),
                picture.blocks.iter().any(|it| matches!(it.content, Content::Workspace(_))),
            ];
            met.iter_mut().zip(found).for_each(|(met, found)| *met += usize::from(found));
        }
    }
    assert!(met.iter().all(|it| 8 <= *it), "{met:?}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn pictures_show_the_program(problem in shown()) {
        for exhibit in exhibits(problem) {
            let picture = Picture::new(&exhibit);
            let traffic = exhibit.traffic();
            let moved: Bytes = picture.moved.iter().map(|it| it.reloaded + it.spilled).sum();
            prop_assert_eq!(moved, traffic.non_compulsory);
            let moved: Bytes = picture.moved.iter().map(|it| it.loaded + it.stored).sum();
            prop_assert_eq!(moved, traffic.compulsory);
            let tensors = exhibit.problem.graph.tensor_ids();
            let costs: Bytes = tensors.map(|it| picture.costs[it.index()].total(exhibit.problem.graph.tensor(it).size)).sum();
            prop_assert_eq!(costs, traffic.total());
            // What lies there is live, and fits.
            for (occupied, live) in picture.occupied.iter().zip(&picture.live) {
                prop_assert!(occupied <= live);
                prop_assert!(*occupied <= exhibit.problem.machine.scratchpad());
            }
            // Each use of a tensor is within one of its blocks, and no two blocks that are not in
            // place share an address.
            for (index, block) in picture.blocks.iter().enumerate() {
                prop_assert!(block.steps.start < block.steps.end && block.steps.end.index() <= picture.n_steps());
                prop_assert!(block.offset + block.size <= exhibit.problem.machine.scratchpad());
                // What has no bytes is in nobody's way.
                for (nth, other) in picture.blocks.iter().enumerate().take(index).filter(|it| it.1.size != Bytes::ZERO) {
                    if block.size == Bytes::ZERO {
                        break;
                    }
                    let together = block.steps.start < other.steps.end && other.steps.start < block.steps.end;
                    let overlap = block.offset < other.offset + other.size && other.offset < block.offset + block.size;
                    prop_assert!(!together || !overlap || block.in_place_of.contains(&nth) || other.in_place_of.contains(&index));
                }
            }
            for tensor in exhibit.problem.graph.tensor_ids() {
                let blocks: Vec<_> = picture.blocks.iter().filter(|it| it.content == Content::Tensor(tensor)).collect();
                let is_on_chip = |step: &&Step| exhibit.problem.operands(picture.order[step.index()]).any(|it| it == tensor);
                for step in picture.uses[tensor.index()].iter().filter(is_on_chip) {
                    prop_assert_eq!(blocks.iter().filter(|it| it.steps.contains(step)).count(), 1);
                }
            }
            // A part goes out whether it comes back by itself or not.
            let comes_back = |it: &TensorId| {
                let blocks = picture.blocks.iter().filter(|block| block.content == Content::Tensor(*it));
                1 < blocks.count() || !exhibit.problem.graph.is_part(*it)
            };
            let spills = exhibit.lines().into_iter().filter(|it| match it {
                Line::Out { kind: Kind::Spill, tensor, .. } => comes_back(tensor),
                _ => false,
            });
            prop_assert_eq!(picture.links.iter().filter(|it| it.is_spilled).count(), spills.count());
        }
    }

    #[test]
    fn maps_have_a_box_for_each_block_within_the_axes(problem in shown()) {
        for exhibit in exhibits(problem) {
            let picture = Picture::new(&exhibit);
            let text = memory_map(&exhibit);
            let mut boxes = 0;
            let mut areas: Vec<([f64; 4], bool)> = Vec::new();
            for event in svg::read(&text).expect("it is SVG") {
                let Event::Tag("rect", _, attributes) = event else { continue };
                let attributes: HashMap<String, String> = attributes.into_iter().map(|it| (it.0, it.1.to_string())).collect();
                let Some(class) = attributes.get("class").filter(|it| it.starts_with("block ")) else { continue };
                let number = |name: &str| attributes[name].parse::<f64>().expect("a number");
                let [x, y, width, height] = ["x", "y", "width", "height"].map(number);
                // Of the panel for addresses.
                prop_assert!(75.9 <= x && x + width <= 76.1 + 1180.0, "{x} {width}");
                prop_assert!(61.9 <= y && y + height <= 502.1, "{y} {height}");
                for ([left, top, wide, high], in_place) in &areas {
                    let together = x + 0.02 < left + wide && left + 0.02 < x + width;
                    let overlap = y + 0.02 < top + high && top + 0.02 < y + height;
                    prop_assert!(!together || !overlap || *in_place || class.contains("in-place"));
                }
                areas.push(([x, y, width, height], class.contains("in-place")));
                boxes += 1;
            }
            prop_assert_eq!(boxes, picture.blocks.iter().filter(|it| it.size != Bytes::ZERO).count());
        }
    }

    #[test]
    fn times_keep_the_order_of_data_and_places(problem in shown(), fast in 1..100_u32, macs in 0..1000_u64) {
        for mut exhibit in exhibits(problem) {
            exhibit.operators.iter_mut().enumerate().for_each(|(index, it)| it.macs = Some(macs * index as u64 % 97));
            let speed = Speed { dma_bytes_per_cycle: f64::from(fast), cycles_per_mac: 0.5 };
            let times = timing(&exhibit, &speed);
            prop_assert_eq!(times.len(), exhibit.lines().len());
            // Each resource does one thing at a time, in order.
            for track in 0..3 {
                let mut end = 0;
                let lines = exhibit.lines();
                for (line, time) in lines.iter().zip(&times).filter(|it| track_of(it.0) == track) {
                    prop_assert!(end <= time.start && time.start <= time.end, "{line:?} {time:?}");
                    end = time.end;
                }
            }
            // A machine of names that runs line by line at their starts sees each place taken by one
            // tensor: whoever reads finds there what the program says, and it is all there.
            replay(&exhibit, &times)?;
            for text in [trace(std::slice::from_ref(&exhibit), Some(&speed)), trace(&[exhibit], None)] {
                holds_of_trace(&text)?;
            }
        }
    }

    #[test]
    fn everything_can_be_said(problem in shown()) {
        let exhibits = exhibits(problem);
        for exhibit in &exhibits {
            let text = explain(exhibit, None, None);
            prop_assert!(text.starts_with("@net: "));
            let graph = dot(exhibit);
            let is_whole = graph.starts_with("digraph \"net\" {\n") && graph.ends_with("}\n");
            prop_assert!(is_whole);
            prop_assert_eq!(&graph, &dot(exhibit));
            prop_assert_eq!(memory_map(exhibit), memory_map(exhibit));
        }
        prop_assert!(page(&exhibits).contains("</html>"));
    }
}

fn track_of(line: &Line) -> usize {
    match line {
        Line::Run { .. } => 0,
        Line::In { .. } => 1,
        Line::Out { .. } => 2,
    }
}

/// Every line that needs what lies somewhere runs after that came there and before anything else does.
fn replay(exhibit: &Exhibit, times: &[std::ops::Range<u64>]) -> Result<(), TestCaseError> {
    use cosma_planner::Slot;
    let graph = &exhibit.problem.graph;
    // Who comes to lie where from when until when: the line that puts it there, and those that need it.
    let mut open: HashMap<u32, usize> = HashMap::new();
    let mut lives: Vec<(u64, u64, u64, u64, u64)> = Vec::new(); // offset, end, from, ready, until
    let mut in_place: Vec<(usize, usize)> = Vec::new();
    for (line, time) in exhibit.lines().into_iter().zip(times) {
        let put = |slot: Slot, lives: &mut Vec<_>, open: &mut HashMap<u32, usize>| {
            let size = graph.tensor(slot.tensor).size.0;
            lives.push((slot.offset().0, slot.offset().0 + size, time.start, time.end, time.end));
            open.insert(slot.tensor.0, lives.len() - 1);
        };
        match line {
            Line::In { tensor, offset: Some(offset), .. } => put(Slot::on_chip(tensor, offset), &mut lives, &mut open),
            Line::In { .. } => {}
            Line::Out { tensor, .. } => {
                let life = &mut lives[open[&tensor.0]];
                prop_assert!(life.3 <= time.start || life.0 == life.1);
                life.4 = life.4.max(time.end);
            }
            Line::Run { op, reads, writes, workspace } => {
                for slot in reads {
                    let life = &mut lives[open[&slot.tensor.0]];
                    prop_assert!(life.3 <= time.start || life.0 == life.1);
                    life.4 = life.4.max(time.end);
                }
                for slot in writes {
                    put(*slot, &mut lives, &mut open);
                    let own = lives.len() - 1;
                    for pair in graph.op(op).in_place.iter().filter(|it| it.result == slot.tensor) {
                        in_place.extend(open.get(&pair.operand.0).map(|it| (*it, own)));
                    }
                }
                let size = graph.op(op).workspace.0;
                lives.push((workspace.0, workspace.0 + size, time.start, time.end, time.end));
            }
        }
    }
    for (index, one) in lives.iter().enumerate() {
        for (nth, other) in lives.iter().enumerate().skip(index + 1) {
            // What has no bytes is in nobody's way.
            let overlap = one.0.max(other.0) < one.1.min(other.1);
            let together = one.2 < other.4 && other.2 < one.4;
            prop_assert!(!overlap || !together || in_place.contains(&(index, nth)), "{one:?} {other:?}");
        }
    }
    Ok(())
}

/// It is JSON; durations are not negative; on a track, nothing overlaps.
fn holds_of_trace(text: &str) -> Result<(), TestCaseError> {
    let trace: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
    let mut ends: HashMap<u64, f64> = HashMap::new();
    let (mut starts, mut arrows) = (0, 0);
    for event in trace["traceEvents"].as_array().expect("a list") {
        match event["ph"].as_str() {
            Some("X") => {
                let (start, duration) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
                prop_assert!(0.0 <= duration);
                let end = ends.entry(event["tid"].as_u64().unwrap()).or_default();
                prop_assert!(*end <= start + 1e-6, "{event}");
                *end = start + duration;
            }
            Some("C") => prop_assert!(event["args"]["bytes"].is_u64()),
            Some("s") => starts += 1,
            Some("f") => arrows += 1,
            _ => {}
        }
    }
    prop_assert_eq!(starts, arrows);
    Ok(())
}
