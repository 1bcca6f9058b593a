//! Concatenations and splits without copies.

use cosma_planner::{Bytes, Error, Options, Problem, Solver, check, plan};
use std::fmt::Write;

fn problem(text: &str) -> Problem {
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The least traffic, by every solver that proves it.
#[track_caller]
fn optimum(problem: &Problem) -> u64 {
    let solvers = [Solver::Search, Solver::Auto, Solver::Ilp];
    let solvers = solvers.into_iter().filter(|it| cfg!(feature = "ilp") || *it != Solver::Ilp);
    let solve = |solver| {
        let solution = plan(problem, &Options { solver, ..Options::default() }).expect("there is a plan");
        let traffic = check(problem, &solution.plan.actions(problem)).expect("the judge agrees");
        assert_eq!(traffic.non_compulsory, solution.non_compulsory);
        assert!(solution.is_optimal(), "{solver:?}\n{problem}");
        solution.non_compulsory.0
    };
    let found: Vec<u64> = solvers.map(solve).collect();
    assert!(found.iter().all(|it| *it == found[0]), "{found:?}\n{problem}");
    found[0]
}

/// A dense block: each layer reads all earlier results, and its own result is appended to them. Meanwhile `skip` waits
/// for the end.
///
/// As users write it, with a concatenation after each layer; and without copies, where layers read all parts.
fn dense_block(layers: u64, growth: u64, scratchpad: u64, as_users_have_it: bool) -> Problem {
    let mut text = format!("machine scratchpad {scratchpad} alignment 64 weights resident\n");
    text += "argument x 256\nop start: x -> c0 256 over x, skip 128\n";
    let mut parts = "c0".to_owned();
    for layer in 1..=layers {
        let (before, after) = (layer - 1, 256 + layer * growth);
        if as_users_have_it {
            let at = after - growth;
            writeln!(text, "op f{layer}: c{before} -> g{layer} {growth}").expect("text takes any line");
            writeln!(text, "op join{layer}: c{before} g{layer} -> c{layer} {after} over c{before} g{layer} at {at}")
                .expect("text takes any line");
        } else {
            writeln!(text, "op f{layer}: {parts} -> g{layer} {growth}").expect("text takes any line");
            write!(parts, " g{layer}").expect("text takes any word");
        }
    }
    let all = if as_users_have_it { format!("c{layers}") } else { parts };
    problem(&format!("{text}op end: {all} -> y 64\nop last: y skip -> z 64\nreturn z\n"))
}

/// With concatenations in place, a dense block needs no more than without them.
#[test]
fn a_dense_block_copies_nothing() {
    for (layers, growth) in [(1, 64), (3, 64), (4, 128), (6, 192)] {
        let least = dense_block(layers, growth, 0, false).min_scratchpad();
        assert_eq!(dense_block(layers, growth, 0, true).min_scratchpad(), least);
        // At the end, x and all appended results, and y.
        assert_eq!(least, Bytes(256 + layers * growth + 64));
        for more in [0, 64, 128, 192] {
            let of = |as_users_have_it| dense_block(layers, growth, least.0 + more, as_users_have_it);
            let (users, bare) = (optimum(&of(true)), optimum(&of(false)));
            assert_eq!(users, bare, "{layers} layers of {growth}, {more} more");
            // Only `skip` may be evicted.
            assert_eq!(users, if more < 128 { 256 } else { 0 });
        }
    }
}

/// Both halves of a tensor are processed, and concatenated in reverse. They cannot stay in place: a copy is needed, and
/// space for it.
#[test]
fn halves_that_change_places_need_a_copy() {
    let text = |scratchpad: u64, first: u64, second: u64| {
        problem(&format!(
            "machine scratchpad {scratchpad} alignment 64 weights resident
             argument x 128
             op split: x -> a 64 over x, b 64 over x at 64
             op join: a b -> y 128 over a at {first} b at {second}
             return y"
        ))
    };
    assert_eq!(text(128, 0, 64).min_scratchpad(), Bytes(128));
    assert_eq!(optimum(&text(128, 0, 64)), 0);
    // By the sum of padded sizes 128 would be enough here as well. But both halves must be evicted and reloaded.
    assert_eq!(text(128, 64, 0).min_scratchpad(), Bytes(128));
    let swapped = plan(&text(128, 64, 0), &Options::default()).expect("there is a plan");
    assert_eq!(swapped.non_compulsory, Bytes(256));
    assert_eq!(optimum(&text(192, 64, 0)), 0);
}

/// Other tensors may lie where the other part of a concatenation will be.
#[test]
fn others_lie_where_the_rest_will_be() {
    let text = "
machine scratchpad 192 alignment 64 weights resident
op a: -> a 64, first 0
op s: first -> s 64
op b: s -> b 64
op join: a b -> y 128 over a b at 64
op c: y -> c 64
return c
";
    assert_eq!(optimum(&problem(text)), 0);
    let lone = problem(&text.replace("s 64", "s 128"));
    assert_eq!(lone.min_scratchpad(), Bytes(192));
    // a, s and b: 256. a must be evicted and reloaded.
    assert_eq!(optimum(&lone), 128);
}

/// Parts that begin off the alignment cannot lie there.
#[test]
fn parts_off_the_alignment_are_copied() {
    let text = "
machine scratchpad 1024 alignment 64 weights resident
argument x 96
argument y 96
op join: x y -> z 192 over x y at 96
return z
";
    // x lies in z, y beside it.
    assert_eq!(problem(text).min_scratchpad(), Bytes(192 + 96));
    let fine = text.replace("alignment 64", "alignment 32");
    assert_eq!(problem(&fine).min_scratchpad(), Bytes(192));
}

#[test]
fn what_cannot_be_shared_is_refused() {
    let refused = |write: &str| {
        let text = format!(
            "machine scratchpad 64 alignment 1 weights resident
             argument x 4
             argument y 4
             argument z 8
             op f: x y z -> {write}"
        );
        match text.parse::<Problem>() {
            Ok(_) => String::new(),
            Err(Error::InPlace { why, .. }) => why.to_owned(),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(refused("r 8 over x y at 4"), "");
    assert_eq!(refused("r 4 over z at 4, s 4 over z"), "");
    assert_eq!(refused("r 8 over x at 5"), "one does not lie within the other");
    assert_eq!(refused("r 8 over z at 1"), "one does not lie within the other");
    assert_eq!(refused("r 8 over x at 18446744073709551615"), "one does not lie within the other");
    let in_the_way = "it conflicts with another pair of their operator";
    assert_eq!(refused("r 8 over x y at 3"), in_the_way);
    assert_eq!(refused("r 8 over x x at 4"), in_the_way);
    assert_eq!(refused("r 8 over x z"), in_the_way);
    assert_eq!(refused("r 8 over x, s 8 over x"), in_the_way);
    assert_eq!(refused("r 4 over z, s 8 over z"), in_the_way);
}

/// A tensor may be named `at`, or like a number.
#[test]
fn names_are_not_taken_for_bytes() {
    let text = "
machine scratchpad 64 alignment 1 weights resident
argument x 4
argument at 4
argument 4 4
op f: x at 4 -> r 12 over x at 0 at at 4 4 at 8
";
    let parsed = problem(text);
    assert_eq!(parsed.graph.ops()[0].in_place.len(), 3);
    assert_eq!(problem(&parsed.to_string()), parsed);
}
