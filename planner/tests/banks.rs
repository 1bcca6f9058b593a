//! Memories with banks, which no block crosses.

mod common;

use common::*;
use cosma_planner::testing::{Choices, Shape, compute, interpret, joint_optimum_if_any};
use cosma_planner::{
    Apart, Banks, Bytes, Deadline, Error, Fault, Machine, Memory, MemoryId, Options, Order, PlacementOptions, Problem,
    Solver, address, check, greedy_plan, place, plan, plan_from,
};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// The same problem on a scratchpad with this many banks of this size in bytes.
fn in_banks(problem: &Problem, bank: u64, n_banks: u64) -> Problem {
    let mut memories = problem.machine.memories().to_vec();
    let banks = Some(Banks { size: Bytes(bank), apart: Apart::No });
    memories[1] = Memory { size: Some(Bytes(bank * n_banks)), banks, ..memories[1].clone() };
    let machine = Machine::new(memories, problem.machine.links().to_vec()).expect("a machine");
    Problem { graph: problem.graph.clone(), machine }
}

/// On banks of any size: plans are correct, bounds are valid, and refused problems have no plan.
#[test]
fn it_is_what_trying_every_address_allows() {
    let (planned, refused, reached) = (Tally::default(), Tally::default(), Tally::default());
    hold(3000, Shape::TINY, |Case { problem, bytes }| {
        let mut choices = Choices::new(bytes);
        let Bytes(unit) = problem.machine.alignment();
        let n_banks = choices.one_of(&[2, 2, 3]);
        let bank = (1 + choices.below(6 / n_banks)) * unit + choices.one_of(&[0, 0, 0, unit / 2]);
        let banked = in_banks(problem, bank, n_banks);
        prop_assert_eq!(banked.to_string().parse::<Problem>().expect("a problem"), banked.clone());
        let optimum = joint_optimum_if_any(&banked);
        match plan(&banked, &Options::default()) {
            Ok(solution) => {
                verdict(&banked, &solution.plan).map_err(TestCaseError::fail)?;
                prop_assert_eq!(interpret(&banked, &solution.plan.actions(&banked)), Ok(compute(&banked)));
                let optimum = optimum.expect("there is a plan");
                prop_assert!(solution.lower_bound <= optimum && optimum <= solution.non_compulsory);
                planned.count(banked.restreamed() < solution.non_compulsory);
                reached.count(optimum == solution.non_compulsory);
                let free = banked.machine.with_scratchpad(Bytes(bank * n_banks));
                prop_assert_eq!(&free, &banked.machine);
                // From an existing plan.
                let watcher = |_: &cosma_planner::Progress| ControlFlow::Continue(());
                let again = plan_from(&banked, &Options::default(), &solution.plan, &watcher).expect("it is right");
                verdict(&banked, &again.plan).map_err(TestCaseError::fail)?;
                prop_assert!(again.non_compulsory <= solution.non_compulsory);
                let outline = outline_of(&solution.plan);
                if let Some(addressed) = address(&banked, &outline, Deadline::NEVER) {
                    verdict(&banked, &addressed).map_err(TestCaseError::fail)?;
                }
            }
            Err(Error::NoPlace { .. } | Error::ScratchpadTooSmall { .. }) => {
                prop_assert_eq!(optimum, None);
                refused.count(true);
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
        Ok(())
    });
    planned.expect(20);
    refused.expect(20);
    reached.expect(100);
}

/// Larger problems, by each solver, with either order.
#[test]
fn plans_are_right() {
    let spilling = Tally::default();
    hold(200, Shape::SMALL, |Case { problem, bytes }| {
        let mut choices = Choices::new(bytes);
        let n_banks = choices.one_of(&[2, 3, 4]);
        let Bytes(unit) = problem.machine.alignment();
        let bank = problem.machine.scratchpad().0.next_multiple_of(unit) / choices.one_of(&[1, 2]) + unit / 2;
        let banked = in_banks(problem, bank, n_banks);
        for solver in [Solver::Auto, Solver::Search, Solver::Greedy] {
            for order in [Order::Free, Order::Source] {
                let options = Options { solver, order, state_limit: 500, ..Options::default() };
                let Ok(solution) = plan(&banked, &options) else { continue };
                verdict(&banked, &solution.plan).map_err(TestCaseError::fail)?;
                spilling.count(banked.restreamed() < solution.non_compulsory);
            }
        }
        Ok(())
    });
    spilling.expect(10);
}

const TWO: &str = "
memory dram
memory l1 256 alignment 64 banks 2
link dram l1
link l1 dram
argument x 64
argument u 96
op a: x u -> y 64
op b: y -> z 128
return z
";

/// y could lie at 96 to 160 if there were no banks.
#[test]
fn nothing_lies_across_banks() {
    let problem: Problem = TWO.parse().expect("a problem");
    assert_eq!(
        problem.to_string().trim(),
        TWO.trim()
            .replace("\nlink dram l1\nlink l1 dram", "\nlink dram l1 price 1\nlink l1 dram price 1")
            .replace("memory dram", "memory dram alignment 1")
    );
    assert_eq!(problem.machine.stretches(), [0..128, 128..256].map(|it| Bytes(it.start)..Bytes(it.end)));
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
    assert_eq!(solution.non_compulsory, Bytes::ZERO);
    let mut moved = solution.plan.clone();
    let z = moved.residencies.iter_mut().find(|it| problem.graph.tensor(it.tensor).name == "z").expect("it has one");
    z.offset = Bytes(64);
    let violations = check(&problem, &moved.actions(&problem)).expect_err("it lies across banks");
    assert!(violations.iter().any(|it| matches!(it.fault, Fault::AcrossBanks(_))), "{violations:?}");
    assert!(violations[0].display(&problem).to_string().contains("across two banks"));
}

#[test]
fn a_pin_lies_in_a_bank() {
    let pinned = |at: u64| format!("{TWO}pin z at {at}\n").parse::<Problem>().expect("a problem");
    let solution = plan(&pinned(128), &Options::default()).expect("there is a plan");
    check(&pinned(128), &solution.plan.actions(&pinned(128))).expect("the judge accepts it");
    let refused = plan(&pinned(64), &Options::default()).expect_err("it is across banks");
    assert_eq!(refused.to_string(), "z cannot lie at 64: that is across two banks");
}

#[track_caller]
fn expect_refused(text: &str, expected: &str) {
    let error = match text.parse::<Problem>() {
        Ok(problem) => plan(&problem, &Options::default()).expect_err("it is refused"),
        Err(error) => error,
    };
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_cannot_be_is_said() {
    expect_refused(
        &TWO.replace("banks 2", "banks 3"),
        "line 3: memory l1 cannot have 3 banks: 256 B are not that many equal parts",
    );
    expect_refused(
        &TWO.replace("banks 2", "banks 0"),
        "line 3: memory l1 cannot have 0 banks: there are 1 to 1024 of them",
    );
    expect_refused(&TWO.replace("banks 2", "banks two"), "line 3: expected a number of banks, not two");
    expect_refused(
        &TWO.replace("banks 2", "banks 2 2"),
        "line 3: expected `banks NUMBER`, `banks of BYTES`, `apart` and `price BYTES`, not `banks 2 2`",
    );
    expect_refused(
        &TWO.replace("memory dram", "memory dram banks 2"),
        "line 2: memory dram cannot have 2 banks: it has no size",
    );
    expect_refused(&TWO.replace("z 128", "z 129"), "b has no room for z of 129 B in banks of 128 B of l1");
    let problem: Problem = TWO.parse().expect("a problem");
    assert!(matches!(greedy_plan(&problem), Err(Error::NotPlanned(_))));
}

/// Where nothing moves, operands are in different banks.
#[test]
fn operands_are_apart() {
    let text = "
memory flash
memory l1 256 alignment 64 banks 2 apart
link flash l1
argument x 64
argument u 64
op a: x u -> y 64
return y
";
    let problem: Problem = text.replace("link flash", "moves none\nlink flash").parse().expect("a problem");
    let options = PlacementOptions { order: Order::Source, ..PlacementOptions::default() };
    let solution = place(&problem, &options).expect("there is a placement");
    let actions = solution.placement.actions(&problem);
    check(&problem, &actions).expect("the judge accepts it");
    let bank = |tensor: usize| solution.placement.places[tensor].expect("it has one").offset.0 / 128;
    assert_ne!(bank(0), bank(1));
    let mut together = solution.placement.clone();
    let offset = together.places[0].expect("it has one").offset.0;
    together.places[1].as_mut().expect("it has one").offset = Bytes(offset ^ 64);
    together.places[2].as_mut().expect("it has one").offset = Bytes((offset & 128) ^ 128);
    let violations = check(&problem, &together.actions(&problem)).expect_err("they are in one bank");
    assert!(violations.iter().all(|it| matches!(it.fault, Fault::OneBank(..))), "{violations:?}");
    assert_eq!(violations[0].display(&problem).to_string().matches("one bank").count(), 1);

    let three =
        problem.to_string().replace("argument u 64", "argument u 64\nargument v 64").replace("x u ->", "x u v ->");
    let refused = place(&three.parse().expect("a problem"), &options).expect_err("three operands in two banks");
    let said = match cfg!(feature = "ilp") {
        true => "4 tensors do not fit into the memories that they may lie in, operands in different banks: flash, l1",
        false => "no placement was found for 4 tensors in flash, l1, operands in different banks",
    };
    assert_eq!(refused.to_string(), said);
}

#[test]
fn machines_without_sense_are_refused() {
    let refused = |bank: u64, size: Option<u64>| {
        let banks = Some(Banks { size: Bytes(bank), apart: Apart::No });
        let mut memories = Machine::with_host(Bytes(64), Bytes(64)).memories().to_vec();
        let more = Memory { name: "l2".into(), size: size.map(Bytes), banks, ..memories[1].clone() };
        memories.push(more);
        Machine::new(memories, Vec::new()).expect_err("it is refused").to_string()
    };
    assert_eq!(refused(0, Some(64)), "l2 has 1 to 1024 banks");
    assert_eq!(refused(1, Some(1 << 40)), "l2 has 1 to 1024 banks");
    assert_eq!(refused(64, None), "l2 has banks, but no size");
    assert_eq!(MemoryId::SCRATCHPAD.index(), 1);
}
