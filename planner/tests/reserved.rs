//! Scratchpads with reserved addresses.

mod common;

use common::*;
use cosma_planner::baseline::Baseline;
use cosma_planner::testing::{Choices, Shape, compute, interpret, joint_optimum, outline_optimum};
use cosma_planner::{Bytes, Link, Machine, Memory, MemoryId, Options, Order, Problem, Solver, check, plan};
use proptest::prelude::*;
use std::ops::Range;

/// The same problem on a scratchpad of another size with these reserved addresses.
fn reserve(problem: &Problem, size: Bytes, reserved: Vec<Range<Bytes>>) -> Problem {
    let memory =
        |name: &str, size, alignment| Memory { name: name.into(), size, alignment, reserved: Vec::new(), banks: None };
    let scratchpad = Memory { reserved, ..memory("l1", Some(size), problem.machine.alignment()) };
    let link = |from, to| Link { from, to, price: 3 };
    let (home, on_chip) = (MemoryId::HOME, MemoryId::SCRATCHPAD);
    let memories = vec![memory("dram", None, Bytes(1)), scratchpad];
    let machine = Machine::new(memories, vec![link(home, on_chip), link(on_chip, home)]).expect("a machine");
    Problem { graph: problem.graph.clone(), machine }
}

/// The same problem with as much free scratchpad, and reserved addresses at both ends.
fn at_the_ends(problem: &Problem, choices: &mut Choices) -> (Problem, Bytes) {
    let Bytes(alignment) = problem.machine.alignment();
    let low = choices.below(3 * alignment);
    let start = Bytes(low.next_multiple_of(alignment));
    let end = start + problem.machine.scratchpad();
    let size = Bytes(end.0 + choices.below(2 * alignment));
    // The upper one need not end at the end of the scratchpad.
    (reserve(problem, size, vec![end..size + Bytes(5), Bytes::ZERO..Bytes(low)]), start)
}

/// The same problem with a larger scratchpad, and reserved addresses in between.
fn in_the_middle(problem: &Problem, choices: &mut Choices) -> Problem {
    let Bytes(alignment) = problem.machine.alignment();
    let Bytes(scratchpad) = problem.machine.scratchpad();
    let low = choices.below(scratchpad + 1);
    let length = 1 + choices.below(2 * alignment);
    let after = (low + length).next_multiple_of(alignment);
    let range = |low: u64, high: u64| Bytes(low)..Bytes(high);
    match choices.chance(50) {
        true => reserve(problem, Bytes(after + scratchpad), vec![range(low, low + length)]),
        false => {
            let end = scratchpad + length;
            reserve(problem, Bytes(end.next_multiple_of(alignment) + low), vec![range(scratchpad, end)])
        }
    }
}

/// Each baseline and each planner makes a program that the judge accepts and that computes the right bytes.
fn expect_right_plans(problem: &Problem) -> Result<(), TestCaseError> {
    for (name, planner) in planners() {
        let plan = planner(problem).expect("there is a plan");
        verdict(problem, &plan).map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?;
        prop_assert_eq!(interpret(problem, &plan.actions(problem)), Ok(compute(problem)), "{}", name);
    }
    for baseline in Baseline::all() {
        let plan = baseline.plan(problem).expect("there is a plan");
        verdict(problem, &plan).map_err(|error| TestCaseError::fail(format!("{baseline}: {error}")))?;
    }
    Ok(())
}

/// Reserved addresses at either end make the scratchpad smaller and shift everything.
#[test]
fn at_the_ends_all_is_as_without() {
    let spilling = Tally::default();
    hold(60, Shape::SMALL, |Case { problem, bytes }| {
        let (reserved, start) = at_the_ends(problem, &mut Choices::new(bytes));
        prop_assert_eq!(reserved.check(), Ok(()));
        prop_assert_eq!(reserved.capacity(), problem.capacity());
        for (solver, order) in
            [(Solver::Auto, Order::Free), (Solver::Search, Order::Source), (Solver::Greedy, Order::Free)]
        {
            let options = Options { solver, order, state_limit: 500, ..Options::default() };
            let (own, free) = (plan(&reserved, &options).unwrap(), plan(problem, &options).unwrap());
            prop_assert_eq!((own.non_compulsory, own.lower_bound), (free.non_compulsory, free.lower_bound));
            prop_assert_eq!(outline_of(&own.plan), outline_of(&free.plan));
            let offsets = |plan: &cosma_planner::Plan| plan.residencies.iter().map(|it| it.offset).collect::<Vec<_>>();
            let shifted: Vec<Bytes> = offsets(&free.plan).into_iter().map(|it| it + start).collect();
            prop_assert_eq!(offsets(&own.plan), shifted);
            let traffic = check(&reserved, &own.plan.actions(&reserved)).expect("the judge accepts it");
            prop_assert_eq!(traffic.cost, 3 * u128::from(traffic.total().0));
            spilling.count(problem.restreamed() < own.non_compulsory);
        }
        expect_right_plans(&reserved)?;
        // With a byte less, it does not fit, except in some orders.
        let least = problem.least_scratchpad(Order::Free);
        if least.is_exact && least.size != Bytes::ZERO && least.size == problem.machine.scratchpad() {
            let (tight, _) = at_the_ends(&tighter(problem), &mut Choices::new(bytes));
            prop_assert!(plan(&tight, &Options::default()).is_err());
        }
        Ok(())
    });
    spilling.expect(10);
}

fn tighter(problem: &Problem) -> Problem {
    let size = problem.machine.scratchpad() - Bytes(1);
    Problem { graph: problem.graph.clone(), machine: problem.machine.with_scratchpad(size) }
}

/// In between, plans are correct and bounds are valid; and a second stretch is useful.
#[test]
fn in_the_middle_plans_are_right_and_bounds_are_true() {
    let (spilling, proven, helped) = (Tally::default(), Tally::default(), Tally::default());
    hold(40, Shape::SMALL, |Case { problem, bytes }| {
        let reserved = in_the_middle(problem, &mut Choices::new(bytes));
        prop_assert_eq!(reserved.check(), Ok(()));
        expect_right_plans(&reserved)?;
        let optimum = outline_optimum(&reserved).expect("each operator fits one stretch");
        let of_one = outline_optimum(problem).expect("each operator fits");
        for solver in [Solver::Auto, Solver::Search, Solver::Greedy] {
            let options = Options { solver, state_limit: 500, ..Options::default() };
            let solution = plan(&reserved, &options).expect("there is a plan");
            prop_assert!(solution.lower_bound <= optimum && optimum <= solution.non_compulsory, "{:?}", solver);
            spilling.count(reserved.restreamed() < solution.non_compulsory);
            proven.count(solution.is_optimal());
            helped.count(solution.non_compulsory < of_one);
        }
        Ok(())
    });
    spilling.expect(3);
    proven.expect(40);
    helped.expect(5);
}

#[test]
fn bounds_are_true_of_plans_with_addresses() {
    let reached = Tally::default();
    hold(300, Shape::TINY, |Case { problem, bytes }| {
        let reserved = in_the_middle(problem, &mut Choices::new(bytes));
        if 8 < reserved.machine.scratchpad().0.div_ceil(reserved.machine.alignment().0) {
            return Ok(());
        }
        let optimum = joint_optimum(&reserved).expect("each operator fits one stretch");
        let solution = plan(&reserved, &Options::default()).expect("there is a plan");
        prop_assert!(solution.lower_bound <= optimum && optimum <= solution.non_compulsory);
        reached.count(optimum == solution.non_compulsory);
        Ok(())
    });
    reached.expect(40);
}

/// 64 bytes below and 128 above the reserved ones: x must lie below, where b has the space above.
#[test]
fn both_stretches_are_used() {
    let text = "
memory dram
memory l1 256 alignment 64 reserved 64..128
link dram l1
link l1 dram
argument x 64
op a: x -> y 64
op b: y -> z 64
op c: z x -> w 64
return w
";
    let problem: Problem = text.parse().expect("a problem");
    assert_eq!(problem.machine.stretches(), [0..64, 128..256].map(|it| Bytes(it.start)..Bytes(it.end)));
    assert_eq!(problem.capacity(), Bytes(192));
    // c needs 192 at once, which is more than either of them.
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
    let problem: Problem = text.replace("z x -> w 64", "x -> w 64").parse().expect("a problem");
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    assert_eq!((solution.non_compulsory, solution.lower_bound), (Bytes::ZERO, Bytes::ZERO));
    check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
}

/// An integer program with addresses is refused; all others are not.
#[cfg(feature = "ilp")]
#[test]
fn a_program_with_addresses_is_refused() {
    use cosma_planner::Error;
    use cosma_planner::ilp::{Decisions, Format, joint, joint_with_addresses, write_program};
    let text = "memory dram\nmemory l1 256 alignment 64 reserved 128..192\nlink dram l1\nlink l1 dram\n\
                argument x 64\nop a: x -> y 64\nreturn y";
    let problem: Problem = text.parse().expect("a problem");
    let deadline = cosma_planner::Deadline::NEVER;
    let refused = joint_with_addresses(&problem, Order::Free, Bytes::ZERO..Bytes(1000), 10, deadline);
    assert!(matches!(refused, Err(Error::NotPlanned(_))));
    let decisions = |addresses| Decisions { order: Order::Free, addresses };
    assert!(matches!(write_program(&problem, decisions(true), Format::Lp), Err(Error::NotPlanned(_))));
    assert!(write_program(&problem, decisions(false), Format::Lp).is_ok());
    assert!(joint(&problem, None, deadline).expect("a plan").proven);
}
