//! Operands of one operator in different banks, where tensors move.

mod common;

use common::*;
use cosma_planner::testing::{
    Choices, Shape, compute, interpret, interpret_runs, joint_optimum_if_any, noise, seeded_problem, with_kept_weights,
    with_pins,
};
use cosma_planner::{
    Apart, Banks, Bytes, Deadline, Error, Fault, Machine, Memory, Options, Order, Plan, Problem, Solution, Solver,
    Step, Traffic, address, check, check_with_prologue, plan, plan_from, program_text,
};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// The same problem on a scratchpad of so many banks of so many bytes.
fn in_banks(problem: &Problem, bank: u64, n_banks: u64, apart: Apart) -> Problem {
    let mut memories = problem.machine.memories().to_vec();
    let banks = Some(Banks { size: Bytes(bank), apart });
    memories[1] = Memory { size: Some(Bytes(bank * n_banks)), banks, ..memories[1].clone() };
    let machine = Machine::new(memories, problem.machine.links().to_vec()).expect("a machine");
    Problem { graph: problem.graph.clone(), machine }
}

/// The same problem, where conflicts are something else.
fn with(problem: &Problem, apart: Apart) -> Problem {
    let mut memories = problem.machine.memories().to_vec();
    memories[1].banks = memories[1].banks.map(|it| Banks { apart, ..it });
    let machine = Machine::new(memories, problem.machine.links().to_vec()).expect("a machine");
    Problem { graph: problem.graph.clone(), machine }
}

/// Banks that hold the largest block, and hardly more: some six units of the alignment in all.
fn in_small_banks(problem: &Problem, choices: &mut Choices, apart: Apart) -> Problem {
    let Bytes(unit) = problem.machine.alignment();
    let sizes = problem.graph.tensors().iter().map(|it| it.size);
    let Bytes(largest) = sizes.chain(problem.graph.ops().iter().map(|it| it.workspace)).max().unwrap_or_default();
    let units = (largest.div_ceil(unit).max(1) + choices.one_of(&[0, 0, 1])).min(3);
    let bank = units * unit + choices.one_of(&[0, 0, 0, unit / 2]);
    in_banks(problem, bank, choices.one_of(&[2, 2, 3, 4]).min(7 / units), apart)
}

/// The conflicts of a plan of another problem on the same machine.
fn conflicts(problem: &Problem, plan: &Plan) -> u64 {
    Traffic::of(&with(problem, Apart::Price(1)), &plan.actions(problem)).bank_conflicts
}

fn cost(price: u64, traffic: Bytes, conflicts: u64) -> u64 {
    traffic.0 + price * conflicts
}

/// What is said of a solution is true, as far as it can be seen from the plan.
fn expect_true(problem: &Problem, solution: &Solution) -> Result<Traffic, TestCaseError> {
    let traffic = verdict(problem, &solution.plan).map_err(TestCaseError::fail)?;
    prop_assert_eq!(interpret(problem, &solution.plan.actions(problem)), Ok(compute(problem)));
    prop_assert_eq!(traffic, Traffic::of(problem, &solution.plan.actions(problem)));
    prop_assert_eq!(traffic.non_compulsory, solution.non_compulsory);
    let found = solution.bank_conflicts;
    prop_assert_eq!(found.count, conflicts(problem, &solution.plan));
    prop_assert!(found.least <= found.least_here && found.least_here <= found.count, "{:?}", found);
    prop_assert!(solution.lower_bound <= solution.non_compulsory);
    prop_assert!(solution.cost_bound(problem) <= solution.cost(problem));
    Ok(traffic)
}

/// The fewest conflicts of any addresses for the residencies of a plan, which has so many, by trying all of them.
fn fewest(problem: &Problem, plan: &Plan, known: u64) -> u64 {
    let graph = &problem.graph;
    let memory = &problem.machine.memories()[1];
    let (end, unit) = (memory.size.expect("it has a size").0, memory.alignment.0 as usize);
    let bank_size = memory.banks.expect("it has banks").size.0;
    // The steps, the size and whose it is.
    let mut blocks: Vec<(std::ops::Range<u32>, u64, Option<usize>)> = Vec::new();
    for (index, it) in plan.residencies.iter().enumerate() {
        blocks.push((it.steps.start.0..it.steps.end.0, graph.tensor(it.tensor).size.0, Some(index)));
    }
    for (step, op) in (0..).zip(&plan.order) {
        blocks.push((step..step + 1, graph.op(*op).workspace.0, None));
    }
    blocks.retain(|it| it.1 != 0 && !it.0.is_empty());
    let tensor = |it: Option<usize>| it.map(|it| plan.residencies[it].tensor);
    let may_share = |one: usize, at: u64, other: usize, other_at: u64| {
        let (a, b) = (&blocks[one], &blocks[other]);
        let fits = |(result, at): (usize, u64), (operand, operand_at): (usize, u64)| {
            let (result, operand) = (&blocks[result], &blocks[operand]);
            let step = Step(result.0.start);
            operand.0.end == result.0.start + 1
                && graph.op(plan.order[step.index()]).in_place.iter().any(|it| {
                    Some(it.result) == tensor(result.2)
                        && Some(it.operand) == tensor(operand.2)
                        && it.fits(Bytes(at), Bytes(operand_at))
                })
        };
        let is_apart = a.0.end <= b.0.start || b.0.end <= a.0.start || at + a.1 <= other_at || other_at + b.1 <= at;
        is_apart || fits((one, at), (other, other_at)) || fits((other, other_at), (one, at))
    };
    let reads_both = |one: usize, other: usize| -> u64 {
        let (Some(a), Some(b)) = (tensor(blocks[one].2), tensor(blocks[other].2)) else { return 0 };
        let steps = blocks[one].0.start.max(blocks[other].0.start)..blocks[one].0.end.min(blocks[other].0.end);
        let reads = |step: u32| {
            let reads = &graph.op(plan.order[step as usize]).reads;
            let is_read =
                |tensor| reads.iter().any(|it| it.tensor == tensor && it.from != cosma_planner::MemorySet::HOME);
            is_read(a) && is_read(b)
        };
        steps.filter(|it| reads(*it)).count() as u64
    };
    #[expect(clippy::too_many_arguments, reason = "a recursion over tables")]
    fn go(
        at: usize,
        so_far: u64,
        best: &mut u64,
        places: &mut Vec<u64>,
        options: &dyn Fn(usize) -> Vec<u64>,
        may_lie: &dyn Fn(usize, u64, usize, u64) -> bool,
        reads_both: &dyn Fn(usize, usize) -> u64,
        bank_size: u64,
        n_blocks: usize,
    ) {
        if *best <= so_far {
            return;
        }
        if at == n_blocks {
            *best = so_far;
            return;
        }
        for place in options(at) {
            if (0..at).all(|it| may_lie(at, place, it, places[it])) {
                let is_one = |it: &usize| places[*it] / bank_size == place / bank_size;
                let more: u64 = (0..at).filter(is_one).map(|it| reads_both(at, it)).sum();
                places.push(place);
                go(at + 1, so_far + more, best, places, options, may_lie, reads_both, bank_size, n_blocks);
                places.pop();
            }
        }
    }
    let options = |it: usize| {
        let size = blocks[it].1;
        let pin = tensor(blocks[it].2).and_then(|it| graph.tensor(it).pin);
        let all = (0..=end.saturating_sub(size)).step_by(unit);
        let is_in_one = |at: &u64| at / bank_size == (at + size - 1) / bank_size;
        all.filter(is_in_one).filter(|at| pin.is_none_or(|it| it.0 == *at)).collect::<Vec<u64>>()
    };
    let mut best = known;
    go(0, 0, &mut best, &mut Vec::new(), &options, &may_share, &reads_both, bank_size, blocks.len());
    best
}

const CASES: u32 = 300;

/// Where operands must be apart: plans are right, bounds are true, and what is refused cannot be.
#[test]
fn hard_is_what_trying_every_address_allows() {
    let (planned, refused, reached, dearer) = (Tally::default(), Tally::default(), Tally::default(), Tally::default());
    let missed = Tally::default();
    hold(CASES, Shape::TINY, |Case { problem, bytes }| {
        let mut choices = Choices::new(bytes);
        let banked = in_small_banks(problem, &mut choices, Apart::Must);
        prop_assert_eq!(banked.to_string().parse::<Problem>().expect("a problem"), banked.clone());
        let optimum = joint_optimum_if_any(&banked);
        match plan(&banked, &Options::default()) {
            Ok(solution) => {
                expect_true(&banked, &solution)?;
                let optimum = optimum.expect("there is a plan");
                prop_assert!(solution.lower_bound <= optimum && optimum <= solution.non_compulsory);
                planned.count(true);
                reached.count(optimum == solution.non_compulsory);
                let free = plan(&with(&banked, Apart::No), &Options::default()).expect("there is a plan");
                dearer.count(free.non_compulsory < optimum);
                let watcher = |_: &cosma_planner::Progress| ControlFlow::Continue(());
                let again = plan_from(&banked, &Options::default(), &solution.plan, &watcher).expect("it is right");
                expect_true(&banked, &again)?;
                prop_assert!(again.non_compulsory <= solution.non_compulsory);
                if let Some(addressed) = address(&banked, &outline_of(&solution.plan), Deadline::NEVER) {
                    verdict(&banked, &addressed).map_err(TestCaseError::fail)?;
                }
            }
            Err(Error::NoPlace { .. } | Error::ScratchpadTooSmall { .. }) => {
                prop_assert_eq!(optimum, None);
                refused.count(true);
            }
            Err(Error::NotPlanned(_)) => missed.count(optimum.is_some()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
        Ok(())
    });
    planned.expect(CASES / 10);
    refused.expect(CASES / 10);
    reached.expect(CASES / 10);
    dearer.expect(2);
    assert!(missed.0.get() <= CASES / 100, "{} plans were not found", missed.0.get());
}

/// Where a conflict has a price: costs are between the bound and the optimum, and no worse than without looking.
#[test]
fn soft_is_what_trying_every_address_allows() {
    let (some, fewer, reached, optimal) = (Tally::default(), Tally::default(), Tally::default(), Tally::default());
    hold(CASES, Shape::TINY, |Case { problem, bytes }| {
        let mut choices = Choices::new(bytes);
        let Bytes(unit) = problem.machine.alignment();
        let price = choices.one_of(&[1, unit / 2, unit, 100 * unit]).max(1);
        let banked = in_small_banks(problem, &mut choices, Apart::Price(price));
        prop_assert_eq!(banked.to_string().parse::<Problem>().expect("a problem"), banked.clone());
        let optimum = joint_optimum_if_any(&banked);
        match plan(&banked, &Options::default()) {
            Ok(solution) => {
                expect_true(&banked, &solution)?;
                let Bytes(optimum) = optimum.expect("there is a plan");
                let found = cost(price, solution.non_compulsory, solution.bank_conflicts.count);
                prop_assert_eq!(u128::from(found), solution.cost(&banked));
                prop_assert!(optimum <= found, "{} {}", optimum, found);
                prop_assert!(solution.cost_bound(&banked) <= optimum.into());
                let free = plan(&with(&banked, Apart::No), &Options::default()).expect("there is a plan");
                let unseen = conflicts(&banked, &free.plan);
                prop_assert!(found <= cost(price, free.non_compulsory, unseen));
                let fewest = fewest(&banked, &solution.plan, solution.bank_conflicts.count);
                let claimed = solution.bank_conflicts;
                prop_assert!(claimed.least_here <= fewest && fewest <= claimed.count, "{fewest} {claimed:?}");
                some.count(0 < unseen);
                fewer.count(claimed.count < unseen);
                reached.count(found == optimum);
                optimal.count(solution.is_optimal());
            }
            Err(Error::NoPlace { .. } | Error::ScratchpadTooSmall { .. }) => prop_assert_eq!(optimum, None),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
        Ok(())
    });
    some.expect(CASES / 20);
    fewer.expect(CASES / 60);
    reached.expect(CASES / 4);
    optimal.expect(CASES / 10);
}

/// Beside weights that are kept from run to run, and with pins and tensors that start or end in the scratchpad.
#[test]
fn kept_and_pinned_tensors_lie_apart() {
    let (kept, pinned, ends) = (Tally::default(), Tally::default(), Tally::default());
    for seed in 0..200 {
        let shape = Shape { ops: 4, ..Shape::SMALL };
        let random = seeded_problem(shape, seed);
        let bytes = noise(seed ^ 0x5eed, 256);
        let mut choices = Choices::new(&bytes);
        let problem = match seed % 2 {
            0 => with_kept_weights(&random, if seed % 4 == 0 { 0 } else { 20 }, &mut choices),
            _ => with_pins(&random, &mut choices),
        };
        let Bytes(unit) = problem.machine.alignment();
        let bank = problem.machine.scratchpad().0.next_multiple_of(unit) / choices.one_of(&[1, 2]) + unit;
        for apart in [Apart::Must, Apart::Price(unit)] {
            let banked = in_banks(&problem, bank, choices.one_of(&[2, 3]), apart);
            let options = Options { state_limit: 500, ..Options::default() };
            let Ok(solution) = plan(&banked, &options) else { continue };
            let (prologue, actions) = (solution.plan.prologue(&banked), solution.plan.actions(&banked));
            let traffic = check_with_prologue(&banked, &prologue, &actions).unwrap_or_else(|violations| {
                let lines = program_text(&banked, &actions).join("\n");
                panic!("{banked}\n{lines}\n{}", violations[0].display(&banked))
            });
            assert_eq!(interpret_runs(&banked, &prologue, &actions, 2), Ok(vec![compute(&banked); 2]), "{banked}");
            assert_eq!(traffic.non_compulsory, solution.non_compulsory, "{banked}");
            assert_eq!(conflicts(&banked, &solution.plan), solution.bank_conflicts.count, "{banked}");
            kept.count(!solution.plan.kept(&banked).is_empty());
            pinned.count(banked.graph.tensors().iter().any(|it| it.pin.is_some()));
            ends.count(banked.graph.tensors().iter().any(|it| it.starts_on_chip || it.ends_on_chip));
        }
    }
    kept.expect(10);
    pinned.expect(10);
    ends.expect(10);
}

/// Larger ones, by each solver, in either order, hard and soft.
#[test]
fn plans_are_right() {
    let (hard, soft) = (Tally::default(), Tally::default());
    hold(200, Shape::SMALL, |Case { problem, bytes }| {
        let mut choices = Choices::new(bytes);
        let n_banks = choices.one_of(&[2, 3, 4]);
        let Bytes(unit) = problem.machine.alignment();
        let bank = problem.machine.scratchpad().0.max(1).next_multiple_of(unit) / choices.one_of(&[1, 2]) + unit / 2;
        let bank = bank.max(1);
        for apart in [Apart::Must, Apart::Price(unit)] {
            let banked = in_banks(problem, bank, n_banks, apart);
            for solver in [Solver::Auto, Solver::Search, Solver::Greedy] {
                for order in [Order::Free, Order::Source] {
                    let options = Options { solver, order, state_limit: 500, ..Options::default() };
                    let Ok(solution) = plan(&banked, &options) else { continue };
                    expect_true(&banked, &solution)?;
                    if apart == Apart::Must {
                        hard.count(solution.lower_bound < solution.non_compulsory);
                    } else {
                        soft.count(0 < solution.bank_conflicts.count);
                    }
                }
            }
        }
        Ok(())
    });
    hard.expect(3);
    soft.expect(10);
}

const THREE: &str = "
memory dram
memory l1 256 alignment 64 banks 2 apart
link dram l1
link l1 dram
argument x 64
argument u 64
op a: x u -> p 64
op b: u p -> q 64
op c: x q -> r 64
op d: p r -> y 64
return y
";

#[test]
fn operands_are_apart() {
    let problem: Problem = THREE.parse().expect("a problem");
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
    assert_eq!(solution.bank_conflicts.count, 0);
    // In one bank, each program is wrong, and says so.
    let mut together = solution.plan.clone();
    let at = |plan: &Plan, name: &str| {
        plan.residencies.iter().position(|it| problem.graph.tensor(it.tensor).name == name).expect("it is there")
    };
    let (x, u) = (at(&together, "x"), at(&together, "u"));
    let bank = together.residencies[x].offset.0 / 128 * 128;
    (together.residencies[x].offset, together.residencies[u].offset) = (Bytes(bank), Bytes(bank + 64));
    let violations = check(&problem, &together.actions(&problem)).expect_err("they are in one bank");
    assert!(violations.iter().any(|it| matches!(it.fault, Fault::OneBank(..))), "{violations:?}");
    let soft: Problem = THREE.replace("apart", "apart price 100").parse().expect("a problem");
    let solution = plan(&soft, &Options::default()).expect("there is a plan");
    assert_eq!((solution.bank_conflicts.count, solution.is_optimal()), (0, true));
}

/// Three operators read two each of three tensors: in two banks, one of these has to move, or two are in one bank.
const TRIANGLE: &str = "
memory dram
memory l1 512 alignment 64 banks 2 apart
link dram l1
link l1 dram
argument x 64
argument u 64
argument v 64
op a: x u -> p 64
op b: u v -> q 64
op c: v x -> r 64
op d: p q -> s 64
op e: s r -> y 64
return y
";

#[test]
fn a_conflict_is_avoided_where_that_costs_less() {
    let planned = |apart: &str| {
        let problem: Problem = TRIANGLE.replace("apart", apart).parse().expect("a problem");
        let solution = plan(&problem, &Options::default()).expect("there is a plan");
        check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
        let cost = solution.cost(&problem);
        (solution, cost)
    };
    let (hard, _) = planned("apart");
    assert_eq!((hard.non_compulsory, hard.bank_conflicts.count), (Bytes(64), 0));
    let (dear, cost) = planned("apart price 100");
    assert_eq!((dear.non_compulsory, dear.bank_conflicts.count, cost), (Bytes(64), 0, 64));
    let (cheap, cost) = planned("apart price 10");
    assert_eq!((cheap.non_compulsory, cheap.bank_conflicts.count, cost), (Bytes(0), 1, 10));
    assert!(!cheap.is_optimal(), "no operator has one alone");
    let least_here = if cfg!(feature = "ilp") { 1 } else { 0 };
    assert_eq!((cheap.bank_conflicts.least_here, cheap.bank_conflicts.least), (least_here, 0));
}

/// t3 can lie over t2, which lies beside it in the plan that moves least: a bound has to know that.
#[test]
fn bounds_hold_whatever_shares_bytes() {
    let text = "
memory dram
memory l1 6 alignment 1 banks 2 apart price 100
link dram l1
link l1 dram
argument x1 1
op f0: x1 -> t0 3
op f1: t0 -> t1 1 over t0, t2 2
op f2: t2 t1 -> t3 3 over t2 t1 at 2
";
    let problem: Problem = text.parse().expect("a problem");
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    assert_eq!(fewest(&problem, &solution.plan, solution.bank_conflicts.count), 0);
    assert_eq!(solution.bank_conflicts.least_here, 0);
}

#[test]
fn what_no_plan_avoids_is_known() {
    let text = |apart: &str| {
        format!(
            "
memory dram
memory l1 512 alignment 64 banks 2 {apart}
link dram l1
link l1 dram
argument x 64
argument u 64
argument v 64
op a: x u v -> y 64
return y
"
        )
    };
    let hard: Problem = text("apart").parse().expect("a problem");
    let refused = plan(&hard, &Options::default()).expect_err("three operands in two banks");
    assert_eq!(
        refused.to_string(),
        "a reads x of 64 B, u of 64 B, v of 64 B, which cannot lie in different banks beside y of 64 B: l1 has 2 of 256 B"
    );
    let soft: Problem = text("apart price 7").parse().expect("a problem");
    let solution = plan(&soft, &Options::default()).expect("there is a plan");
    let found = solution.bank_conflicts;
    assert_eq!((found.count, found.least_here, found.least), (1, 1, 1));
    assert!(solution.is_optimal());
    assert_eq!((solution.cost(&soft), solution.cost_bound(&soft)), (7, 7));
    let traffic = check(&soft, &solution.plan.actions(&soft)).expect("the judge accepts it");
    assert_eq!(traffic.bank_conflicts, 1);
}

/// Of sizes that leave one way to lie, in one bank.
#[test]
fn sizes_can_force_operands_together() {
    let text = "
memory dram
memory l1 256 alignment 64 banks 2 apart
link dram l1
link l1 dram
argument x 64
argument u 64
op a: x u -> y 128
return y
";
    let problem: Problem = text.parse().expect("a problem");
    let refused = plan(&problem, &Options::default()).expect_err("y takes a bank of its own");
    assert!(matches!(refused, Error::NoPlace { .. }), "{refused}");
    let soft: Problem = text.replace("apart", "apart price 1").parse().expect("a problem");
    let solution = plan(&soft, &Options::default()).expect("there is a plan");
    assert_eq!(solution.bank_conflicts.least, 1);
    assert!(solution.is_optimal());
}

#[test]
fn a_price_is_positive_and_where_tensors_move() {
    let parse = |text: &str| text.parse::<Problem>();
    let refused = parse(&THREE.replace("apart", "apart price 0")).expect_err("it costs nothing");
    assert_eq!(refused.to_string(), "operands in one bank of l1 cost at least 1 B");
    let refused = parse(&THREE.replace("apart", "apart price")).expect_err("it says no price");
    assert!(refused.to_string().starts_with("line 3: expected `banks NUMBER`"), "{refused}");
    let still = parse(&THREE.replace("apart", "apart price 9\nmoves none")).expect("a problem");
    let refused = cosma_planner::place(&still, &cosma_planner::PlacementOptions::default()).expect_err("nothing moves");
    assert_eq!(
        refused.to_string(),
        "this cannot be planned yet: a price of operands in one bank of l1, where nothing moves"
    );
}
