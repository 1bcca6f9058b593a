//! The bounds over all orders are never above the optimum found by enumeration.

use super::precedence::Precedence;
use super::tests::{fits, in_a_minute};
use super::{backbone, forced};
use crate::testing::{Shape, outline_optimum, seeded_problem};
use crate::{Deadline, Outline, Problem, greedy};
use std::time::Duration;

const N_SEEDS: u64 = 1000;

fn start(problem: &Problem) -> Outline {
    greedy(problem, &problem.graph.op_ids().collect::<Vec<_>>())
}

#[test]
fn bounds_are_never_above_the_optimum_and_outlines_fit() {
    let (mut n_costly, mut n_forced, mut n_proven) = (0, 0, 0);
    for seed in 0..N_SEEDS {
        let problem = seeded_problem(Shape::SMALL, seed);
        let optimum = outline_optimum(&problem).expect("each operator fits");
        let precedence = Precedence::of(&problem, in_a_minute()).expect("it is small");
        let forced = forced::lower_bound(&problem, &precedence, in_a_minute()).expect("a bound");
        assert!(problem.restreamed() + forced <= optimum, "seed {seed}: {forced} is live for certain, {optimum}");

        let outcome = backbone(&problem, &start(&problem), problem.restreamed(), in_a_minute()).expect("a bound");
        let cost = outcome.outline.non_compulsory(&problem);
        assert!(outcome.lower_bound <= optimum, "seed {seed}: {} is above {optimum}", outcome.lower_bound);
        assert!(optimum <= cost && fits(&problem, &outcome.outline), "seed {seed}");
        assert_eq!(outcome.proven, outcome.lower_bound == cost, "seed {seed}");
        if problem.restreamed() < optimum {
            n_costly += 1;
            n_forced += u32::from(problem.restreamed() + forced == optimum);
            n_proven += u32::from(outcome.proven);
        }
    }
    // Otherwise this tests little. Proven optima are the strictest tests.
    assert!(
        100 < n_costly && n_costly < 3 * n_forced && n_costly < 2 * n_proven,
        "{n_forced}, {n_proven} of {n_costly}"
    );
}

#[test]
fn side_operators_move_to_where_there_is_room() {
    // x and m have the same size: m may be made at once, but w needs more space and should wait until the peak at c is
    // over.
    let problem: Problem = "machine scratchpad 6 alignment 1 weights resident
         op a: -> a 2
         op w: a -> w 3
         op b: a -> b 2
         op c: b -> c 3 workspace 1
         op d: c -> d 1
         op e: d a w ->"
        .parse()
        .expect("a problem");
    let optimum = outline_optimum(&problem).expect("each operator fits");
    let outcome = backbone(&problem, &start(&problem), problem.restreamed(), in_a_minute()).expect("a bound");
    assert_eq!((outcome.outline.non_compulsory(&problem), outcome.lower_bound), (optimum, optimum));
}

#[test]
fn at_the_deadline_the_start_is_what_there_is() {
    let problem = seeded_problem(Shape::LARGE, 7);
    let start = start(&problem);
    let outcome = backbone(&problem, &start, problem.restreamed(), Deadline::after(Duration::ZERO)).expect("a bound");
    assert_eq!(outcome.outline, start);
    assert!(outcome.lower_bound <= start.non_compulsory(&problem));
}
