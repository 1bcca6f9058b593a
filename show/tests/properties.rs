//! What holds of every picture, whatever the program: random problems, planned and shown.

mod common;

use common::holds_of_trace;
use cosma_planner::testing::{Choices, Shape, noise, random_problem, seeded_problem};
use cosma_planner::{Bytes, Kind, Options, Problem, Solver, Step, TensorId, greedy_plan, plan};
use cosma_show::{Content, Exhibit, Line, Picture, dot, explain, memory_map, page, trace};
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
            holds_of_trace(&trace(std::slice::from_ref(exhibit)))?;
        }
        prop_assert!(page(&exhibits).contains("</html>"));
    }
}
