//! Planning from an incumbent.

mod common;

use common::{Tally, hold, verdict};
use cosma_planner::testing::{FRAGMENTED, Shape};
use cosma_planner::{
    Bytes, Error, OpId, Options, Order, Plan, Problem, Residency, Solution, Solver, Step, TensorId, greedy_plan, plan,
    plan_from,
};
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::time::Duration;

fn from(problem: &Problem, options: &Options, incumbent: &Plan) -> Result<Solution, Error> {
    plan_from(problem, options, incumbent, &|_| ControlFlow::Continue(()))
}

/// The result is never worse than the incumbent, or than the result without it; without any time it is the incumbent,
/// if that is better than the instant plans.
#[test]
fn no_plan_gets_worse() {
    let (improved, kept) = (Tally::default(), Tally::default());
    hold(15, Shape { ops: 20, ..Shape::LARGE }, |case| {
        let problem = &case.problem;
        for order in [Order::Free, Order::Source] {
            let short = Options { order, state_limit: 500, ..Options::default() };
            let alone = plan(problem, &short).expect("there is a plan");
            let first = greedy_plan(problem).expect("there is a plan");
            let better = from(problem, &short, &first).expect("there is a plan");
            prop_assert!(better.non_compulsory <= alone.non_compulsory.min(first.non_compulsory(problem)));
            let traffic = verdict(problem, &better.plan).map_err(TestCaseError::fail)?;
            prop_assert_eq!(traffic.non_compulsory, better.non_compulsory);
            improved.count(better.non_compulsory < first.non_compulsory(problem));

            let at_once = Options { time_limit: Duration::ZERO, ..short };
            let in_no_time = plan(problem, &at_once).expect("there is a plan").non_compulsory;
            let same = from(problem, &at_once, &alone.plan).expect("there is a plan");
            prop_assert!(same.non_compulsory <= alone.non_compulsory);
            prop_assert!(same.lower_bound <= same.non_compulsory);
            verdict(problem, &same.plan).map_err(TestCaseError::fail)?;
            kept.count(same.plan == alone.plan && alone.non_compulsory < in_no_time);
        }
        Ok(())
    });
    improved.expect(10);
    kept.expect(5);
}

/// An incumbent with only compulsory traffic is returned unchanged.
#[test]
fn nothing_is_better_than_nothing() {
    let problem: Problem = "machine scratchpad 256 alignment 64 weights resident
argument x 64
op f: x -> y 64
return y
"
    .parse()
    .expect("a problem");
    let residency =
        |tensor, offset| Residency { tensor: TensorId(tensor), steps: Step(0)..Step(1), offset: Bytes(offset) };
    let high = Plan {
        order: vec![OpId(0)],
        residencies: vec![residency(0, 192), residency(1, 64)],
        workspaces: vec![Bytes::ZERO],
    };
    let solution = from(&problem, &Options::default(), &high).expect("there is a plan");
    assert_eq!((&solution.plan, solution.non_compulsory), (&high, Bytes::ZERO));
    assert!(solution.is_optimal());
    assert_eq!(solution.solver, Solver::Greedy);
}

/// The best plan with addresses, given to a planner without time to find addresses.
#[test]
fn addresses_that_are_known_need_not_be_found() {
    for case in FRAGMENTED {
        let problem: Problem = case.problem.parse().expect("a problem");
        let best = plan(&problem, &Options::default()).expect("there is a plan");
        let at_once = Options { time_limit: Duration::ZERO, ..Options::default() };
        let solution = from(&problem, &at_once, &best.plan).expect("there is a plan");
        assert_eq!(solution.non_compulsory, best.non_compulsory, "{}", case.name);
        assert_eq!(verdict(&problem, &solution.plan).map(|it| it.non_compulsory), Ok(best.non_compulsory));
    }
}

/// A scratchpad with reserved ends is planned as a smaller one, and so is the incumbent.
#[test]
fn reserved_ends() {
    let text = "memory dram
memory l1 384 alignment 64 reserved 0..64 320..384
link dram l1 price 1
link l1 dram price 1
argument x 64
op f: x -> y 128
op g: y -> z 128
op h: z x -> r 64
return r
";
    let problem: Problem = text.parse().expect("a problem");
    let best = plan(&problem, &Options::default()).expect("there is a plan");
    let at_once = Options { time_limit: Duration::ZERO, ..Options::default() };
    let solution = from(&problem, &at_once, &best.plan).expect("there is a plan");
    assert!(solution.non_compulsory <= best.non_compulsory);
    assert_eq!(verdict(&problem, &solution.plan).map(|it| it.non_compulsory), Ok(solution.non_compulsory));
}

#[track_caller]
fn expect_refusal(damage: impl Fn(&mut Plan), expected: &str) {
    let problem: Problem = "machine scratchpad 256 alignment 64 weights resident
argument x 64
op f: x -> y 64
op g: x -> z 64
op h: y z -> r 64
return r
"
    .parse()
    .expect("a problem");
    let mut wrong = greedy_plan(&problem).expect("there is a plan");
    damage(&mut wrong);
    let options = Options { order: Order::Source, ..Options::default() };
    let error = from(&problem, &options, &wrong).expect_err("it is not a plan");
    assert_eq!(error.to_string(), format!("the plan to start from is invalid: {expected}"));
}

#[test]
fn what_is_no_plan_is_an_error() {
    expect_refusal(|it| it.order[1] = OpId(7), "it runs operator 7 of 3");
    expect_refusal(|it| it.residencies[1].tensor = TensorId(9), "it has a residency of tensor 9 of 4");
    expect_refusal(|it| it.residencies[0].steps = Step(2)..Step(4), "x stays from step 2 to 4 of 3");
    expect_refusal(|it| it.residencies[0].steps = Step(1)..Step(1), "x stays from step 1 to 1 of 3");
    expect_refusal(|it| _ = it.workspaces.pop(), "it has 2 offsets of workspaces for 3 steps");
    expect_refusal(|it| it.order.swap(0, 1), "its order is not that of the source");
    expect_refusal(|it| _ = it.order.pop(), "it has 3 offsets of workspaces for 2 steps");
    expect_refusal(
        |it| it.residencies[1].offset = Bytes(32),
        "line 2, step 0: x@0 and y@32 overlap while f runs (and 3 more)",
    );
    expect_refusal(
        |it| _ = it.residencies.remove(0),
        "line 1, step 0: x is needed at 0, but does not lie there intact (and 1 more)",
    );
}
