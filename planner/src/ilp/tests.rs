//! Optimal replacement in a fixed order: by example, and compared with enumeration.

use super::cover::Cover;
use super::exchange::exchanges;
use super::replace::{Outcome, attempt, replace};
use crate::{Bytes, Deadline, GraphBuilder, Machine, OpId, Outline, Problem, TensorId, Weights};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;
use std::time::Duration;

/// Replaces in source order, and compares the evicted tensors with their stays, and the non-compulsory traffic.
fn check_replace(problem: &str, expected: &str) {
    let problem: Problem = problem.parse().expect("a problem");
    let outcome = replace_at_leisure(&problem, None);
    assert!(outcome.proven);
    let mut lines = Vec::new();
    for tensor in problem.graph.tensor_ids() {
        let stays = outcome.outline.stays.iter().filter(|it| it.tensor == tensor);
        let stays: Vec<String> = stays.map(|it| format!("{}..{}", it.steps.start, it.steps.end)).collect();
        if 1 < stays.len() {
            lines.push(format!("{} {}", problem.graph.tensor(tensor).name, stays.join(" ")));
        }
    }
    lines.push(format!("{} B", outcome.outline.non_compulsory(&problem)));
    let expected: Vec<&str> = expected.lines().map(str::trim).collect();
    assert_eq!(lines, expected);
}

fn replace_at_leisure(problem: &Problem, start: Option<&Outline>) -> Outcome {
    let order: Vec<OpId> = problem.graph.op_ids().collect();
    replace(problem, &order, start, in_a_minute()).expect("a plan")
}

pub(super) fn in_a_minute() -> Deadline<'static> {
    Deadline::after(Duration::from_secs(60))
}

#[test]
fn what_fits_stays() {
    check_replace(
        "machine scratchpad 3 alignment 1 weights resident
         op a: -> x 1
         op b: x -> y 1
         op c: y -> z 1
         op d: x z -> s 1
         return s",
        "0 B",
    );
}

/// Evicted in the first gap and again in the second: one spill, two reloads.
#[test]
fn a_write_back_is_paid_once() {
    check_replace(
        "machine scratchpad 2 alignment 1 weights resident
         op a: -> x 1
         op b: -> y 2
         op c: x -> z 1
         op d: -> t 2
         op e: x -> s 1
         return y z t s",
        "x 0..1 2..3 4..5
         3 B",
    );
}

/// The weight is used next, and yet it is evicted: host memory has it, whereas `x` would have to be written back.
#[test]
fn the_farthest_use_is_not_always_the_one_to_go() {
    check_replace(
        "machine scratchpad 6 alignment 1 weights resident
         weight w 2
         op a: w -> x 2
         op b: -> y 4
         op c: w -> z 1
         op d: x -> s 1
         return y z s",
        "w 0..1 2..3
         2 B",
    );
}

/// A result is stored as soon as it is written, so evicting it costs half.
#[test]
fn a_result_need_not_be_written_back() {
    check_replace(
        "machine scratchpad 3 alignment 1 weights resident
         op a: -> x 1, r 1
         op b: -> y 2
         op c: x r -> s 1
         return r y s",
        "r 0..1 2..3
         1 B",
    );
}

/// At step 1, dropping `b` or `c` would be enough, and cheaper; but step 2 needs more space, and `a` alone is enough
/// for both.
#[test]
fn one_tensor_makes_room_at_several_steps() {
    check_replace(
        "machine scratchpad 10 alignment 1 weights resident
         argument a 4
         argument b 3
         argument c 3
         op o0: a b c ->
         op o1: -> y 3
         op o2: -> z 4
         op o3: a b c ->
         return y z",
        "a 0..1 3..4
         4 B",
    );
}

/// Two tensors of 3 B with padded sizes of 4 B fit 7 B, since the upper one need not have its padding.
#[test]
fn the_block_at_the_top_needs_no_padding() {
    check_replace(
        "machine scratchpad 7 alignment 4 weights resident
         argument x 3
         op a: x ->
         op b: -> y 3
         op c: x ->
         return y",
        "0 B",
    );
}

/// Repeated streaming of a weight is traffic in any order, and part of the bound.
#[test]
fn streaming_again_counts() {
    check_replace(
        "machine scratchpad 3 alignment 1 weights streamed
         weight w 5
         op a: w -> x 1
         op b: w -> y 1
         op c: x w -> s 1
         return y s",
        "10 B",
    );
}

const SPILLS_IN_SOURCE_ORDER: &str = "machine scratchpad 2 alignment 1 weights resident
     op a: -> x 1
     op b: -> y 2
     op c: x -> s 1
     return y s";

#[test]
fn the_deadline_leaves_a_plan_and_a_bound() {
    let problem: Problem = SPILLS_IN_SOURCE_ORDER.parse().expect("a problem");
    let order: Vec<OpId> = problem.graph.op_ids().collect();
    let outcome = replace(&problem, &order, None, Deadline::after(Duration::ZERO)).expect("a plan");
    assert_eq!(outcome.outline.non_compulsory(&problem), Bytes(2));
    assert!(outcome.lower_bound <= Bytes(2));
}

#[test]
fn a_start_from_another_order_is_ignored() {
    let problem: Problem = SPILLS_IN_SOURCE_ORDER.parse().expect("a problem");
    let order = vec![OpId(1), OpId(0), OpId(2)];
    let x = TensorId(0);
    let start = Outline::new(&problem, order.clone(), &[vec![], vec![x]]);
    let outcome = replace_at_leisure(&problem, Some(&start));
    assert_eq!(outcome.outline.order, [OpId(0), OpId(1), OpId(2)]);
    assert_eq!((outcome.lower_bound, outcome.proven), (Bytes(2), true));
    let outcome = replace(&problem, &order, Some(&start), Deadline::after(Duration::ZERO)).expect("a plan");
    assert_eq!((outcome.outline, outcome.proven), (start, true));
}

/// Problems with few choices. Half of them have the least possible scratchpad, which gives the hard cases.
fn small_problem() -> impl Strategy<Value = Problem> {
    // A size, and whether the tensor is a result or a weight.
    let tensor = || (0_u64..=9, prop::bool::ANY);
    let arguments = prop::collection::vec(tensor(), 0..=3);
    let reads = prop::collection::vec(any::<prop::sample::Index>(), 0..=3);
    let workspace = prop_oneof![Just(0_u64), 1_u64..=4];
    let ops = prop::collection::vec((reads, prop::collection::vec(tensor(), 0..=2), workspace), 2..=9);
    let alignment = prop_oneof![Just(1_u64), Just(4)];
    let spare = prop_oneof![Just(0_u64), 0_u64..=8];
    let weights = prop_oneof![Just(Weights::Resident), Just(Weights::Streamed)];
    (arguments, ops, alignment, spare, weights).prop_map(|(arguments, ops, alignment, spare, weights)| {
        let mut graph = GraphBuilder::new();
        let mut tensors: Vec<TensorId> = Vec::new();
        for (index, (size, is_weight)) in arguments.into_iter().enumerate() {
            let (name, size) = (format!("a{index}"), Bytes(size));
            tensors.push(if is_weight { graph.weight(name, size) } else { graph.argument(name, size) });
        }
        for (index, (reads, writes, workspace)) in ops.into_iter().enumerate() {
            let reads =
                if tensors.is_empty() { Vec::new() } else { reads.iter().map(|it| *it.get(&tensors)).collect() };
            let names = writes.iter().enumerate().map(|(write, (size, _))| (format!("t{index}_{write}"), Bytes(*size)));
            let written = graph.op(format!("o{index}"), &reads, names, Bytes(workspace));
            for (&tensor, (_, is_result)) in written.iter().zip(&writes) {
                if *is_result {
                    graph.result(tensor);
                }
            }
            tensors.extend(written);
        }
        let machine = Machine::with_host(Bytes::ZERO, Bytes(alignment));
        let graph = graph.build().expect("small sizes").with_weights(weights);
        let mut problem = Problem { graph, machine };
        problem.machine.set_scratchpad(problem.min_scratchpad() + Bytes(spare));
        problem
    })
}

/// Whether the padded sizes of operands, workspace and kept tensors fit at every step.
pub(super) fn fits(problem: &Problem, outline: &Outline) -> bool {
    let alignment = problem.machine.alignment();
    let workspaces = outline.order.iter().map(|it| problem.graph.op(*it).workspace.align_up(alignment));
    let mut rooms: Vec<Bytes> = workspaces.collect();
    for stay in &outline.stays {
        let steps = stay.steps.start.index()..stay.steps.end.index();
        rooms[steps].iter_mut().for_each(|it| *it += problem.room(stay.tensor));
    }
    for (room, pairs) in rooms.iter_mut().zip(problem.in_place_by_step(&outline.order)) {
        *room -= problem.saved(&pairs);
    }
    rooms.into_iter().all(|it| it <= problem.machine.scratchpad().align_up(alignment))
}

/// Enumerates all ways to keep or drop each tensor between two of its uses, if they are few.
fn try_everything(problem: &Problem) -> Option<Bytes> {
    let order: Vec<OpId> = problem.graph.op_ids().collect();
    let mut gaps: Vec<(TensorId, usize, usize)> = Vec::new();
    for tensor in problem.graph.tensor_ids() {
        let is_used = |it: &usize| problem.operands(order[*it]).any(|it| it == tensor);
        let uses: Vec<usize> = (0..order.len()).filter(is_used).collect();
        gaps.extend(uses.windows(2).map(|pair| (tensor, pair[0], pair[1])));
    }
    if 12 < gaps.len() {
        return None;
    }
    let outlines = (0_u32..1 << gaps.len()).map(|choice| {
        let mut kept = vec![Vec::new(); order.len()];
        for (_, &(tensor, from, to)) in gaps.iter().enumerate().filter(|(gap, _)| choice >> gap & 1 == 1) {
            (from..to).for_each(|boundary| kept[boundary].push(tensor));
        }
        Outline::new(problem, order.clone(), &kept)
    });
    outlines.filter(|it| fits(problem, it)).map(|it| it.non_compulsory(problem)).min()
}

#[test]
fn replacement_is_optimal() {
    let tried = Cell::new(0);
    let moving = Cell::new(0);
    let exchanging = Cell::new(0);
    let config = ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, rng).run(&small_problem(), |problem| {
        let outcome = replace_at_leisure(&problem, None);
        prop_assert!(outcome.proven, "{problem}");
        prop_assert!(fits(&problem, &outcome.outline), "{problem}");
        prop_assert_eq!(outcome.lower_bound, outcome.outline.non_compulsory(&problem), "{}", problem);
        prop_assert_eq!(&replace_at_leisure(&problem, None), &outcome, "{}", problem);
        let again = replace_at_leisure(&problem, Some(&outcome.outline));
        prop_assert_eq!((again.lower_bound, again.proven), (outcome.lower_bound, true), "{}", problem);
        let cover = Cover::new(&problem, &outcome.outline.order, problem.capacity()).expect("it is small");
        let exchanges = exchanges(&cover, Deadline::NEVER);
        let bound = attempt(&cover, &exchanges, &mut vec![true; cover.choices.gaps.len()], i32::MAX, in_a_minute());
        prop_assert_eq!(problem.restreamed() + bound.expect("a bound"), outcome.lower_bound, "{}", problem);
        exchanging.set(exchanging.get() + usize::from(!exchanges.is_empty()));
        if let Some(least) = try_everything(&problem) {
            prop_assert_eq!(outcome.lower_bound, least, "{}", problem);
            tried.set(tried.get() + 1);
            moving.set(moving.get() + usize::from(problem.restreamed() < least));
        }
        Ok(())
    });
    result.expect("optimal");
    assert!(100 < exchanging.get(), "{} can exchange", exchanging.get());
    assert!(100 < moving.get() && moving.get() < tried.get(), "{} of {} must move", moving.get(), tried.get());
}
