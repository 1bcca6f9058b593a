//! One place for each tensor for the whole run.

mod common;

use common::*;
use cosma_planner::testing::{Choices, Shape, noise, orders, placement_optimum, random_problem, without_moves};
use cosma_planner::{
    Action, Bytes, Error, MemoryId, Options, Order, Place, PlacementOptions, PlacementSolution, Problem, check, place,
    place_in_order, place_largest_first, plan,
};
use std::time::Duration;

const IN_SOURCE_ORDER: PlacementOptions =
    PlacementOptions { order: Order::Source, time_limit: Duration::from_secs(30) };
const IN_ANY_ORDER: PlacementOptions = PlacementOptions { order: Order::Free, ..IN_SOURCE_ORDER };

/// A random problem on a random machine where nothing moves; `None` if it has staged tensors, which are not supported
/// there.
fn random(seed: u64, shape: Shape) -> Option<Problem> {
    let bytes = noise(seed, 64 + 64 * shape.ops as usize);
    let problem = random_problem(shape, &mut Choices::new(&bytes));
    let is_staged = problem.graph.tensor_ids().any(|it| !problem.graph.parts(it).is_empty());
    (!is_staged).then(|| without_moves(&problem, &mut Choices::new(&noise(seed ^ 0x5eed, 256))))
}

/// The judge accepts it, and its cost is as stated.
#[track_caller]
fn judge(problem: &Problem, solution: &PlacementSolution) {
    let PlacementSolution { placement, cost, lower_bound, lower_bound_in_order } = solution;
    let traffic = match check(problem, &placement.actions(problem)) {
        Ok(traffic) => traffic,
        Err(violations) => {
            let texts: Vec<String> = violations.iter().map(|it| it.display(problem).to_string()).collect();
            panic!("{problem}{}\n{}", placement.text(problem).join("\n"), texts.join("\n"))
        }
    };
    assert_eq!((traffic.cost, placement.cost(problem)), (*cost, *cost), "{problem}");
    assert!(lower_bound <= lower_bound_in_order && lower_bound_in_order <= cost, "{problem}{solution:?}");
    for (memory, used) in problem.machine.memories().iter().zip(placement.memory_uses(problem)) {
        assert!(memory.size.is_none_or(|it| used.height <= it && used.peak <= used.height), "{problem}");
    }
}

/// Counts of cases: a test proves nothing about cases that it never meets.
#[cfg(feature = "ilp")]
#[derive(Debug, Default)]
struct Met {
    placed: usize,
    infeasible: usize,
    above_least: usize,
    shared: usize,
}

#[cfg(feature = "ilp")]
fn hold_against_everything(seeds: impl Iterator<Item = u64>) -> Met {
    let mut met = Met::default();
    for seed in seeds {
        let Some(problem) = random(seed, Shape { ops: 4, units: 3 }) else { continue };
        let order = source_order(&problem);
        if 8 < problem.graph.tensors().len() {
            continue;
        }
        let optimum = placement_optimum(&problem, &order);
        match place(&problem, &IN_SOURCE_ORDER) {
            Ok(solution) => {
                judge(&problem, &solution);
                let found = (Some(solution.cost), solution.is_optimal());
                assert_eq!(
                    found,
                    (optimum, true),
                    "seed {seed}\n{problem}{}",
                    solution.placement.text(&problem).join("\n")
                );
                met.placed += 1;
                met.above_least += usize::from(0 < solution.cost);
                let uses = solution.placement.memory_uses(&problem);
                let sizes = problem.graph.tensors().iter().map(|it| it.size).sum::<Bytes>();
                met.shared += usize::from(uses.iter().map(|it| it.peak).sum::<Bytes>() < sizes);
            }
            Err(
                Error::NotPlaced { is_proven: true, .. } | Error::NoPlace { .. } | Error::ScratchpadTooSmall { .. },
            ) => {
                assert_eq!(optimum, None, "seed {seed}\n{problem}");
                met.infeasible += 1;
            }
            Err(error) => panic!("seed {seed}: {error}\n{problem}"),
        }
    }
    met
}

#[test]
#[cfg(feature = "ilp")]
fn in_a_given_order_it_is_what_trying_everything_finds() {
    let met = hold_against_everything(0..400);
    assert!(150 < met.placed && 50 < met.infeasible && 80 < met.above_least && 100 < met.shared, "{met:?}");
}

/// In any order: the bound is valid, the result is optimal for its order, and if both meet it is optimal.
#[test]
fn in_any_order_the_bound_is_true() {
    let (mut n_placed, mut n_proven, mut n_better) = (0, 0, 0);
    for seed in 0..250 {
        let Some(problem) = random(seed, Shape { ops: 4, units: 3 }) else { continue };
        if 7 < problem.graph.tensors().len() {
            continue;
        }
        let orders = orders(&problem, 100);
        let optima: Vec<Option<u128>> = orders.iter().map(|it| placement_optimum(&problem, it)).collect();
        let least = optima.iter().flatten().min().copied();
        match place(&problem, &IN_ANY_ORDER) {
            Ok(solution) => {
                judge(&problem, &solution);
                let PlacementSolution { placement, cost, lower_bound, lower_bound_in_order } = &solution;
                let least = least.unwrap_or_else(|| panic!("seed {seed}: nothing can be placed\n{problem}"));
                let at = orders.iter().position(|it| *it == placement.order).expect("an order");
                assert!(*lower_bound <= least && least <= *cost, "seed {seed}\n{problem}");
                assert!(Some(*lower_bound_in_order) <= optima[at], "seed {seed}\n{problem}");
                let source = optima[orders.iter().position(|it| *it == source_order(&problem)).expect("an order")];
                n_placed += 1;
                n_proven += usize::from(solution.is_optimal());
                n_better += usize::from(source.is_none_or(|it| *cost < it));
            }
            Err(
                Error::NotPlaced { is_proven: true, .. } | Error::NoPlace { .. } | Error::ScratchpadTooSmall { .. },
            ) => assert_eq!(least, None, "seed {seed}\n{problem}"),
            Err(Error::NotPlaced { is_proven: false, .. }) => {}
            Err(error) => panic!("seed {seed}: {error}\n{problem}"),
        }
    }
    println!("{n_placed} placed, {n_proven} proven, {n_better} better than in the given order");
    assert!(80 < n_placed && n_placed / 2 < n_proven && 0 < n_better, "{n_placed} {n_proven} {n_better}");
}

/// ExecuTorch's rule makes correct placements, none of them better; text and order round-trip.
#[test]
fn the_largest_first_is_never_better() {
    let (mut n_worse, mut n_as_good) = (0, 0);
    for seed in 0..200 {
        let Some(problem) = random(seed, Shape { ops: 6, units: 4 }) else { continue };
        let again: Problem = problem.to_string().parse().expect("a problem");
        assert_eq!(again, problem);
        let Ok(placement) = place_largest_first(&problem) else { continue };
        let (cost, order) = (placement.cost(&problem), placement.order.clone());
        judge(&problem, &PlacementSolution { placement, cost, lower_bound: 0, lower_bound_in_order: 0 });
        let solution = place_in_order(&problem, &order, &IN_SOURCE_ORDER).expect("there is one");
        judge(&problem, &solution);
        assert!(solution.cost <= cost, "seed {seed}\n{problem}");
        n_worse += usize::from(solution.cost < cost);
        n_as_good += usize::from(solution.cost == cost);
    }
    assert!(10 < n_worse && 10 < n_as_good, "{n_worse} {n_as_good}");
}

/// A weight in flash, and a fast memory with space for two of three tensors.
const SMALL: &str = "
    memory flash alignment 1
    memory tcm 128 alignment 64
    memory sram 256 alignment 64
    link flash tcm price 10
    link sram tcm price 2
    link tcm sram price 3
    moves none
    argument x 64
    weight w 64
    op a: x w -> y 64
    op b: y x -> z 64
    return z
";

#[test]
fn what_is_read_most_lies_in_the_fastest_memory() {
    let problem: Problem = SMALL.parse().expect("a problem");
    let solution = place(&problem, &IN_SOURCE_ORDER).expect("there is one");
    judge(&problem, &solution);
    // x costs 2 * 64 * 2 in SRAM, y 64 * 5, w 64 * 2, z 64 * 3, which is written and never read.
    assert_eq!(solution.placement.text(&problem)[..2], ["x in tcm at 0 during 0..2", "w in sram at 0 during 0..2"]);
    assert_eq!(solution.cost, 64 * 2 + 64 * 3);
    assert_eq!(solution.is_optimal_in_order(), cfg!(feature = "ilp") || solution.lower_bound_in_order == solution.cost);
    assert_eq!(problem.to_string().parse::<Problem>().expect("a problem"), problem);
}

#[track_caller]
fn expect_error(text: &str, expected: &str) {
    let error = match text.parse::<Problem>() {
        Ok(problem) => place(&problem, &IN_SOURCE_ORDER).expect_err("it is refused").to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(error, expected);
}

#[test]
fn what_cannot_be_is_said() {
    expect_error(
        &SMALL.replace("y 64", "y 512"),
        "no memory can hold y of 512 B: flash is read-only; tcm has 128 B in one stretch, 384 B too few; \
         sram has 256 B in one stretch, 256 B too few",
    );
    expect_error(
        &SMALL.replace("sram 256", "sram 64").replace("link flash tcm price 10", ""),
        "256 B are needed at once when b runs, but there are 192 B in tcm, sram: x of 64 B, w of 64 B, y of 64 B, z of 64 B",
    );
    expect_error(&SMALL.replace("moves none", "moves some"), "line 8: moves are links or none, not some");
    expect_error(
        &SMALL.replace("moves none", ""),
        "this cannot be planned yet: one place for each tensor on a machine whose links move tensors",
    );
    let problem: Problem = SMALL.parse().expect("a problem");
    let refused = plan(&problem, &Options::default()).expect_err("nothing moves");
    assert!(refused.to_string().contains("nothing moves"), "{refused}");
}

/// The judge finds every mutation.
#[test]
fn damage_shows() {
    let problem: Problem = SMALL.parse().expect("a problem");
    let actions = place(&problem, &IN_SOURCE_ORDER).expect("there is one").placement.actions(&problem);
    let faults = |actions: &[Action]| {
        let found = check(&problem, actions).expect_err("it is wrong");
        found.iter().map(|it| it.display(&problem).to_string()).collect::<Vec<_>>().join("\n")
    };
    let home = Place { memory: MemoryId::HOME, offset: Bytes::ZERO };
    let damaged = |change: &dyn Fn(&mut Vec<Action>)| {
        let mut actions = actions.clone();
        change(&mut actions);
        faults(&actions)
    };
    let into_flash = damaged(&|it| {
        if let Action::Run { writes, .. } = &mut it[3] {
            writes[0].place = home;
        }
    });
    assert!(into_flash.contains("z"), "{into_flash}");
    let moved = damaged(&|it| {
        if let Action::Run { reads, .. } = &mut it[3] {
            reads[1].place.offset = Bytes(64);
        }
    });
    assert!(moved.contains("x is needed at 64"), "{moved}");
    let missing = damaged(&|it| {
        it.remove(1);
    });
    assert!(missing.contains("w is needed"), "{missing}");
    let argument_in_flash = damaged(&|it| {
        if let Action::Start(slot) = &mut it[0] {
            slot.place = home;
        }
    });
    assert!(argument_in_flash.contains("x"), "{argument_in_flash}");
    let copied = damaged(&|it| {
        let Action::Start(slot) = it[0] else { return };
        it.insert(2, Action::Copy(cosma_planner::Copy { tensor: slot.tensor, from: slot.place, to: home }));
    });
    assert!(copied.contains("x is copied, but nothing moves on this machine"), "{copied}");
}

/// `cargo test --test placement -- --ignored`, with `COSMA_SEEDS=FROM..TO`.
#[test]
#[cfg(feature = "ilp")]
#[ignore = "takes minutes"]
fn in_a_given_order_it_is_what_trying_everything_finds_for_long() {
    let seeds = std::env::var("COSMA_SEEDS").unwrap_or_else(|_| "1000..4000".into());
    let (from, to) = seeds.split_once("..").expect("FROM..TO");
    let met = hold_against_everything(from.parse().expect("a number")..to.parse().expect("a number"));
    println!("{met:?}");
}
