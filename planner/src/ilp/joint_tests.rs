//! The joint problem: by example, and compared with enumeration, without each reduction.

use super::glue::glue;
use super::joint::joint_with;
use super::precedence::Precedence;
use super::tests::{fits, in_a_minute};
use super::{Reductions, joint, twins};
use crate::testing::{Shape, outline_optimum, seeded_problem};
use crate::{Bytes, Deadline, Outline, Problem};
use std::time::Duration;

/// The number of random problems. With so few operators, hard ones are rare.
const N_SEEDS: u64 = 600;

fn problem(text: &str) -> Problem {
    text.parse().expect("a problem")
}

fn optimum(problem: &Problem) -> Bytes {
    outline_optimum(problem).expect("each operator fits")
}

#[test]
fn another_order_can_save_all_traffic() {
    // In source order a, b and c are five units at once; branch by branch it is never more than four.
    let problem = problem(
        "machine scratchpad 4 alignment 1 weights resident
         op a: -> a 2
         op b: -> b 2
         op f: a -> c 1
         op g: b -> d 1
         op join: c d ->",
    );
    let outcome = joint(&problem, None, in_a_minute()).expect("a plan");
    assert_eq!((outcome.outline.non_compulsory(&problem), outcome.proven), (Bytes::ZERO, true));
}

/// The pairwise sums of three products: one is written back and reloaded.
const PAIRS: &str = "machine scratchpad 2 alignment 1 weights resident
     op a: -> a 1
     op b: -> b 1
     op c: -> c 1
     op ab: a b ->
     op bc: b c ->
     op ca: c a ->";

#[test]
fn what_must_move_is_proven() {
    let problem = problem(PAIRS);
    let outcome = joint(&problem, None, in_a_minute()).expect("a plan");
    assert_eq!((outcome.lower_bound, outcome.proven), (Bytes(2), true));
}

#[test]
fn the_deadline_leaves_an_outline_and_a_bound() {
    let problem = problem(PAIRS);
    let outcome = joint(&problem, None, Deadline::after(Duration::ZERO)).expect("a plan");
    assert!(fits(&problem, &outcome.outline));
    assert!(Bytes(2) <= outcome.outline.non_compulsory(&problem) && outcome.lower_bound <= Bytes(2));
}

#[test]
fn it_is_never_worse_than_the_start() {
    let problem = problem(PAIRS);
    let best = joint(&problem, None, in_a_minute()).expect("a plan").outline;
    let outcome = joint(&problem, Some(&best), Deadline::after(Duration::ZERO)).expect("a plan");
    assert_eq!(outcome.outline.non_compulsory(&problem), Bytes(2));
}

/// Properties of an outline of any problem.
#[track_caller]
fn check_outline(problem: &Problem, outline: &Outline, cost: Bytes) {
    assert!(super::formula::is_order(problem, &outline.order), "{problem}");
    assert!(fits(problem, outline), "{problem}");
    assert_eq!(outline.non_compulsory(problem), cost, "{problem}");
}

/// Solves random problems, and counts those that must move something; the optimum must be that of enumeration.
#[track_caller]
fn check_optimal(reductions: Reductions, seeds: std::ops::Range<u64>) {
    let mut moving = 0;
    for seed in seeds.clone() {
        let problem = seeded_problem(Shape::SMALL, seed);
        let outcome = joint_with(&problem, None, reductions, in_a_minute()).expect("a plan");
        let optimum = optimum(&problem);
        assert_eq!((outcome.lower_bound, outcome.proven), (optimum, true), "seed {seed} {problem}");
        check_outline(&problem, &outcome.outline, optimum);
        moving += usize::from(problem.restreamed() < optimum);
    }
    assert!(seeds.count() < 12 * moving, "{moving} must move");
}

#[test]
fn the_joint_optimum_is_that_of_trying_everything() {
    check_optimal(Reductions::ALL, 0..N_SEEDS);
}

#[test]
fn nothing_hangs_on_gluing() {
    check_optimal(Reductions { glue: false, ..Reductions::ALL }, 0..N_SEEDS / 3);
}

#[test]
fn nothing_hangs_on_the_order_of_twins() {
    check_optimal(Reductions { twins: false, ..Reductions::ALL }, 0..N_SEEDS / 3);
}

#[test]
fn nothing_hangs_on_cuts() {
    check_optimal(Reductions { cuts: false, ..Reductions::ALL }, 0..N_SEEDS / 3);
}

#[test]
fn a_forced_order_is_but_a_special_case() {
    check_optimal(Reductions { forced: false, ..Reductions::ALL }, 0..N_SEEDS / 3);
}

#[test]
fn nothing_hangs_on_levels() {
    check_optimal(Reductions { levels: false, ..Reductions::ALL }, 0..N_SEEDS / 3);
}

#[test]
fn the_bare_formula_is_exact() {
    let none = Reductions { glue: false, twins: false, cuts: false, forced: false, levels: false };
    check_optimal(none, 0..N_SEEDS / 3);
}

#[test]
fn gluing_keeps_the_optimum() {
    let mut n_glued = 0;
    for seed in 0..4 * N_SEEDS {
        let problem = seeded_problem(Shape::SMALL, seed);
        let glued = glue(&problem, Deadline::NEVER).expect("it is small");
        if glued.part.problem.graph.ops().len() < problem.graph.ops().len() {
            let cost = problem.restreamed() + optimum(&glued.part.problem);
            assert_eq!(cost, optimum(&problem), "seed {seed} {problem} {}", glued.part.problem);
            n_glued += 1;
        }
    }
    assert!(N_SEEDS < 4 * n_glued, "{n_glued} have something to glue");
}

#[test]
fn an_expanded_outline_costs_what_the_glued_one_does() {
    for seed in 0..N_SEEDS {
        let problem = seeded_problem(Shape::SMALL, seed);
        let glued = glue(&problem, Deadline::NEVER).expect("it is small");
        let outline = super::first::first(&glued.part.problem);
        let (order, kept) = glued.expand(&problem, &outline.order, &super::splice::kept(&outline));
        let expanded = super::splice::outline(&problem, order, &kept);
        let cost = problem.restreamed() + outline.non_compulsory(&glued.part.problem);
        check_outline(&problem, &expanded, cost);
    }
}

#[test]
fn ordering_twins_keeps_the_optimum() {
    let mut n_ordered = 0;
    for seed in 0..4 * N_SEEDS {
        let problem = seeded_problem(Shape::SMALL, seed);
        let ordered = twins::ordered(&problem);
        if ordered.graph.edges() != problem.graph.edges() {
            assert_eq!(optimum(&ordered), optimum(&problem), "seed {seed} {problem}");
            n_ordered += 1;
        }
    }
    assert!(N_SEEDS < 50 * n_ordered, "{n_ordered} have twins");
}

/// A chain in which nothing grows is one operator. A growing operator is not glued, and neither is one that waits for
/// another input.
#[test]
fn what_is_glued() {
    let problem = problem(
        "machine scratchpad 9 alignment 1 weights resident
         argument x 4
         argument y 4
         op a: x -> a 2
         op b: a -> b 2
         op c: b -> c 1
         op d: c -> d 3
         op e: y -> e 3
         op f: d e -> f 3
         return f",
    );
    let names = |members: &[crate::OpId]| members.iter().map(|it| problem.graph.op(*it).name.as_str()).collect();
    let part = glue(&problem, Deadline::NEVER).expect("it is small").part;
    let members: Vec<String> = part.problem.graph.op_ids().map(|it| names(part.members(it))).collect();
    assert_eq!(members, ["abc", "d", "e", "f"]);
}

#[test]
fn windows_end_where_ancestors_and_descendants_begin() {
    let problem = problem(PAIRS);
    let precedence = Precedence::of(&problem, Deadline::NEVER).expect("it is small");
    let windows: Vec<_> = problem.graph.op_ids().map(|it| precedence.window(it)).collect();
    assert_eq!(windows, [0..=3, 0..=3, 0..=3, 2..=5, 2..=5, 2..=5]);
}
