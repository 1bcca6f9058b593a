//! Plans and outlines of the greedy planners, by example.

use cosma_planner::testing::FRAGMENTED;
use cosma_planner::{Bytes, Error, Machine, OpId, Options, Problem, check, greedy, greedy_plan, plan, program_text};

#[track_caller]
fn check_plan(problem: &str, expected: &str) {
    let problem: Problem = problem.parse().expect("the problem parses");
    let actions = greedy_plan(&problem).expect("there is a plan").actions(&problem);
    assert!(check(&problem, &actions).is_ok(), "the judge believes it");
    let lines = program_text(&problem, &actions);
    assert_eq!(lines.join("\n"), expected.trim());
}

#[track_caller]
fn outline_cost(problem: &str) -> u64 {
    let problem: Problem = problem.parse().expect("the problem parses");
    let order: Vec<OpId> = problem.graph.op_ids().collect();
    greedy(&problem, &order).non_compulsory(&problem).0
}

#[test]
fn the_farthest_next_use_leaves() {
    let text = "
machine scratchpad 4 alignment 1 weights resident
argument x 1
op f: x -> a 1
op g: -> b 2
op h: b -> c 1
op i: a c ->
op j: x ->
";
    // x is used last, so it is evicted first: with 4 for c, and with 3 already for b, and then a must be evicted too.
    assert_eq!(outline_cost(&text.replace("4", "5")), 0);
    assert_eq!(outline_cost(text), 1);
    assert_eq!(outline_cost(&text.replace("4", "3")), 3);
    check_plan(
        &text.replace("4", "3"),
        "
load x at 0
run f: x@0 -> a@1
spill a@1
run g: -> b@0
run h: b@0 -> c@2
reload a at 0
run i: a@0 c@2 ->
reload x at 0
run j: x@0 ->
",
    );
}

#[test]
fn the_block_with_the_most_padding_comes_last() {
    // 64 + 64 + 1: only with b at the end, though a is the largest.
    check_plan(
        "
machine scratchpad 129 alignment 64 weights resident
argument x 60
op f: x -> a 61, b 1
",
        "
load x at 64
run f: x@64 -> a@0 b@128
",
    );
}

#[test]
fn what_lies_in_the_way_goes_out_and_comes_in_elsewhere() {
    let halves = FRAGMENTED[0].problem;
    check_plan(
        halves,
        "
run a: -> a@0
run b: a@0 -> b@3
spill b@3
reload b at 0
run c: b@0 -> c@2 d@4
spill c@2
run e: d@4 -> e@0
spill e@0
reload c at 0
reload e at 2
run g: c@0 e@2 -> g@3
run h: g@3 -> h@0
store h@0
",
    );
}

#[test]
fn absurd_machines_are_no_trouble() {
    let text = "machine scratchpad 1 alignment 1 weights resident\nargument x 1\nop f: x -> a 0\nreturn a";
    let mut problem: Problem = text.parse().expect("the problem parses");
    for alignment in [1, 3, 1 << 32] {
        for scratchpad in [1, u64::MAX - 1, u64::MAX] {
            let (scratchpad, alignment) = (Bytes(scratchpad), Bytes(alignment));
            problem.machine = Machine::with_host(scratchpad, alignment);
            let actions = greedy_plan(&problem).expect("there is a plan").actions(&problem);
            assert!(check(&problem, &actions).is_ok());
            assert!(plan(&problem, &Options::default()).expect("there is a plan").is_optimal());
            assert_eq!(greedy(&problem, &[OpId(0)]).non_compulsory(&problem), Bytes::ZERO);
        }
    }
    for alignment in [(1 << 32) + 1, u64::MAX / 2 + 2, u64::MAX] {
        problem.machine.set_alignment(Bytes(alignment));
        assert_eq!(greedy_plan(&problem), Err(Error::AlignmentTooLarge));
    }
}
