//! Weights that stay in the scratchpad from one run to the next.

use cosma_planner::testing::{
    Choices, Shape, clocked, compute, interpret_runs, kept_optimum, noise, seeded_problem, with_kept_weights,
};
use cosma_planner::time::{Overlapped, plan_in_time, simulate};
use cosma_planner::{
    Action, Bytes, Copy, Error, Fault, Keep, Options, Order, Place, Plan, Problem, Solution, Solver, TensorId, Traffic,
    Violation, check_with_prologue, plan, program_text,
};
use std::ops::ControlFlow;

/// A random problem with weights that may be kept.
fn keepable(shape: Shape, seed: u64, percent_always: u64) -> Problem {
    let bytes = noise(seed + 77, 128);
    with_kept_weights(&seeded_problem(shape, seed), percent_always, &mut Choices::new(&bytes))
}

fn judged(problem: &Problem, plan: &Plan) -> Result<Traffic, String> {
    let (prologue, actions) = (plan.prologue(problem), plan.actions(problem));
    check_with_prologue(problem, &prologue, &actions).map_err(|violations| {
        let violations = violations.iter().map(|it| it.display(problem).to_string());
        let lines = program_text(problem, &prologue).into_iter().chain(program_text(problem, &actions));
        lines.chain(violations).collect::<Vec<_>>().join("\n")
    })
}

/// Judges a solution, runs its program three times, and returns the traffic of each run.
#[track_caller]
fn expect_right(problem: &Problem, solution: &Solution) -> Traffic {
    let plan = &solution.plan;
    let traffic = judged(problem, plan).unwrap_or_else(|error| panic!("{problem}{error}"));
    assert_eq!(traffic, Traffic::of(problem, &plan.actions(problem)), "{problem}");
    assert_eq!(traffic.non_compulsory, solution.non_compulsory, "{problem}");
    assert_eq!(traffic.compulsory, problem.compulsory(), "{problem}");
    let results = interpret_runs(problem, &plan.prologue(problem), &plan.actions(problem), 3);
    assert_eq!(results, Ok(vec![compute(problem); 3]), "{problem}");
    traffic
}

/// Over all sets of kept weights, in all orders.
#[test]
fn bounds_and_plans_surround_what_trying_everything_finds() {
    let (mut n_kept, mut n_optimal, mut n_saved, mut n_partly) = (0, 0, 0, 0);
    for seed in 0..400 {
        let problem = keepable(Shape { ops: 5, ..Shape::SMALL }, seed, 0);
        let optimum = kept_optimum(&problem).expect("it fits").expect("nothing has to be kept");
        for order in [Order::Free, Order::Source] {
            let solution = plan(&problem, &Options { order, ..Options::default() }).expect("there is a plan");
            expect_right(&problem, &solution);
            assert!(optimum <= solution.non_compulsory, "{problem}");
            // If nothing may be kept, the bound may be one with addresses, which can be higher.
            if order == Order::Free && problem.graph.keepable().next().is_some() {
                assert!(solution.lower_bound <= optimum, "{} B, {optimum} B\n{problem}", solution.lower_bound);
                n_optimal += usize::from(solution.is_optimal());
                let kept = solution.plan.kept(&problem);
                n_kept += kept.len();
                let stays = |it: &&TensorId| solution.plan.residencies.iter().filter(|of| of.tensor == **it).count();
                n_partly += kept.iter().filter(|it| 1 < stays(it)).count();
                let mut never = problem.clone();
                never.graph = problem.graph.with_keep(|_| Keep::Never);
                let without = plan(&never, &Options::default()).expect("there is a plan");
                let (before, now) =
                    (without.non_compulsory + never.compulsory(), solution.non_compulsory + problem.compulsory());
                assert!(now <= before, "{problem}");
                n_saved += usize::from(now < before);
            }
        }
    }
    assert!(100 < n_kept && 60 < n_saved && 200 < n_optimal, "{n_kept} {n_saved} {n_optimal} {n_partly}");
}

#[cfg(feature = "ilp")]
mod by_integer_programming {
    use super::*;
    use cosma_planner::ilp::{keep_bound, keep_in_order};
    use cosma_planner::{Deadline, OpId};

    fn all_orders(problem: &Problem) -> Vec<Vec<OpId>> {
        let mut orders = vec![Vec::new()];
        for _ in problem.graph.op_ids() {
            let longer = |order: Vec<OpId>| {
                let is_next = |op: &OpId| {
                    !order.contains(op) && problem.graph.predecessors(*op).iter().all(|it| order.contains(it))
                };
                let next: Vec<OpId> = problem.graph.op_ids().filter(is_next).collect();
                next.into_iter().map(move |op| order.iter().copied().chain([op]).collect()).collect::<Vec<Vec<OpId>>>()
            };
            orders = orders.into_iter().flat_map(longer).collect();
        }
        orders
    }

    /// The best over all orders is that of enumeration; and no bound is above it.
    #[test]
    fn the_choice_in_an_order_is_exact() {
        let (mut n_kept, mut n_tight, mut n_spilling) = (0, 0, 0);
        for seed in 0..400 {
            let problem = keepable(Shape { ops: 5, ..Shape::SMALL }, seed, 0);
            // With results in the place of operands the sum of padded sizes is an estimate.
            let pairs = |op: &cosma_planner::Op| op.in_place.iter().any(|it| problem.graph.may_be_kept(it.operand));
            let is_exact = !problem.graph.ops().iter().any(pairs);
            let optimum = kept_optimum(&problem).expect("it fits").expect("nothing has to be kept");
            let bound = keep_bound(&problem, Deadline::NEVER).expect("the solver answers");
            assert!(bound <= optimum, "{bound} B, {optimum} B\n{problem}");
            n_tight += usize::from(bound == optimum);
            let mut best = None;
            let mut least_bound = None;
            for order in all_orders(&problem) {
                let Ok(found) = keep_in_order(&problem, &order, Deadline::NEVER) else { continue };
                let is_loaded = |it: &TensorId| !found.kept.contains(it);
                let loads: Bytes =
                    problem.graph.keepable().filter(is_loaded).map(|it| problem.graph.tensor(it).size).sum();
                let cost = found.outline.non_compulsory(&problem) + loads;
                assert!(found.lower_bound <= cost, "{problem}");
                if is_exact {
                    assert_eq!(found.lower_bound, cost, "{order:?}\n{problem}");
                }
                n_kept += found.kept.len();
                best = Some(best.unwrap_or(cost).min(cost));
                least_bound = Some(least_bound.unwrap_or(found.lower_bound).min(found.lower_bound));
            }
            if let (Some(best), Some(least_bound)) = (best, least_bound) {
                assert!(least_bound <= optimum && optimum <= best, "{optimum} B, {best} B\n{problem}");
                if is_exact {
                    assert_eq!(best, optimum, "{problem}");
                }
                n_spilling += usize::from(problem.restreamed() < best);
            }
        }
        assert!(200 < n_kept && 100 < n_tight && 50 < n_spilling, "{n_kept} {n_tight} {n_spilling}");
    }
}

/// Larger problems with weights that must be kept.
#[test]
fn every_planner_makes_a_right_plan() {
    let (mut n_too_large, mut n_kept) = (0, 0);
    for seed in 0..150 {
        let problem = keepable(Shape { ops: 12, ..Shape::SMALL }, seed, 20);
        for solver in [Solver::Auto, Solver::Search, Solver::Greedy] {
            let options = Options { solver, state_limit: 500, ..Options::default() };
            match plan(&problem, &options) {
                Ok(solution) => {
                    expect_right(&problem, &solution);
                    n_kept += solution.plan.kept(&problem).len();
                }
                Err(Error::KeptTooLarge { kept, needed, scratchpad, .. }) => {
                    assert!(scratchpad < kept + needed, "{kept} B + {needed} B in {scratchpad} B\n{problem}");
                    n_too_large += 1;
                }
                Err(error) => panic!("{error}\n{problem}"),
            }
        }
    }
    assert!(20 < n_too_large && 200 < n_kept, "{n_too_large} {n_kept}");
}

fn problem(scratchpad: u64, weights: &str) -> Problem {
    let text = format!(
        "machine scratchpad {scratchpad} alignment 64 weights resident\nargument x 128\n{weights}
         op f: x w -> y 64\nop g: y v -> z 64\nreturn z"
    );
    text.parse().expect("a problem")
}

fn program(problem: &Problem) -> (Vec<String>, Vec<String>) {
    let solution = plan(problem, &Options::default()).expect("there is a plan");
    expect_right(problem, &solution);
    let plan = solution.plan;
    (program_text(problem, &plan.prologue(problem)), program_text(problem, &plan.actions(problem)))
}

#[test]
fn a_weight_that_finds_room_is_loaded_once() {
    let both = problem(384, "weight w 128 keep auto\nweight v 64 keep auto");
    let (prologue, run) = program(&both);
    assert!(prologue.len() == 2 && prologue.iter().all(|it| it.starts_with("load ")), "{prologue:?}");
    assert!(!run.iter().any(|it| it.starts_with("load w") || it.starts_with("load v")), "{run:?}");
    assert_eq!(both.compulsory(), Bytes(192));

    // There is space for one of them beside the needs of each operator: for the larger one.
    let (prologue, run) = program(&problem(320, "weight w 128 keep auto\nweight v 64 keep auto"));
    assert_eq!(prologue.len(), 1, "{prologue:?} {run:?}");
    assert!(prologue[0].starts_with("load w"), "{prologue:?}");

    let (prologue, _) = program(&problem(320, "weight w 128\nweight v 64"));
    assert!(prologue.is_empty());
}

#[test]
fn what_has_to_be_kept_has_to_fit() {
    let error = |scratchpad| {
        let problem = problem(scratchpad, "weight w 128 keep always\nweight v 64 keep auto");
        plan(&problem, &Options::default()).map(|it| it.non_compulsory)
    };
    assert_eq!(error(320), Ok(Bytes(64)));
    let message = error(256).expect_err("it does not fit").to_string();
    let expected =
        "weights that are always kept take 128 B of 256 B, and an operator needs 192 B beside them: 64 B too many";
    assert_eq!(message, expected);
    let message = error(100).expect_err("it does not fit").to_string();
    assert!(message.ends_with("220 B too many"), "{message}");
}

#[test]
fn it_is_said_of_weights_alone() {
    let text = "machine scratchpad 64 alignment 64\nweight w 64 keep always\nweight v 1 keep auto\nop f: w v ->";
    let problem: Problem = text.parse().expect("a problem");
    let written = problem.to_string();
    assert!(written.contains("weight w 64 keep always\nweight v 1 keep auto\n"), "{written}");
    assert_eq!(written.parse::<Problem>().expect("a problem"), problem);
    assert!("machine scratchpad 64 alignment 64\nargument x 64 keep auto\n".parse::<Problem>().is_err());
    assert!("machine scratchpad 64 alignment 64\nweight w 64 keep maybe\n".parse::<Problem>().is_err());
    let mut builder = problem.graph.to_builder();
    let x = builder.argument("x", Bytes(1));
    builder.keep(x, Keep::Auto);
    assert_eq!(builder.build().expect_err("it is not a weight"), Error::Keep { tensor: x });
}

#[test]
fn the_judge_finds_what_is_lost_between_runs() {
    let problem = problem(384, "weight w 128 keep auto\nweight v 64 keep always");
    let plan = plan(&problem, &Options::default()).expect("there is a plan").plan;
    let (prologue, actions) = (plan.prologue(&problem), plan.actions(&problem));
    let faults = |prologue: &[Action], actions: &[Action]| -> Vec<Fault> {
        let violations = check_with_prologue(&problem, prologue, actions).expect_err("it is wrong");
        violations.into_iter().map(|Violation { fault, .. }| fault).collect()
    };
    assert!(check_with_prologue(&problem, &prologue, &actions).is_ok());
    let (x, v) = (TensorId(0), TensorId(2));
    assert!(faults(&[], &actions).contains(&Fault::NotKept(v)));
    let load = |tensor, at| Action::Copy(Copy { tensor, from: Place::HOME, to: Place::on_chip(Bytes(at)) });
    // Only weights are the same in each run.
    let more: Vec<Action> = prologue.iter().cloned().chain([load(x, 256)]).collect();
    assert!(faults(&more, &actions).contains(&Fault::NoPrologue));
    // Overwriting a weight after its last use is harmless in this run, but not in the next one.
    let w_at = prologue.iter().find_map(|it| match it {
        Action::Copy(copy) if copy.tensor == TensorId(1) => Some(copy.to.offset),
        _ => None,
    });
    let w_at = w_at.expect("it is kept");
    let mut moved = actions.clone();
    if let Some(Action::Run { writes, .. }) = moved.iter_mut().rev().find(|it| matches!(it, Action::Run { .. })) {
        writes[0].place.offset = w_at;
    }
    if let Some(Action::Copy(copy)) = moved.last_mut() {
        copy.from.offset = w_at;
    }
    let found = faults(&prologue, &moved);
    assert!(matches!(found[..], [Fault::Lost(slot)] if slot.tensor == TensorId(1)), "{found:?}");
    // Two of them at one place.
    let twice = [load(TensorId(1), 0), load(v, 64)];
    assert!(faults(&twice, &actions).iter().any(|it| matches!(it, Fault::NotThere(_))));
}

/// With a clock, the program finds the weights where the prologue put them, and no bound is above its time.
#[test]
fn programs_in_time_find_kept_weights() {
    let mut n_kept = 0;
    for seed in 0..60 {
        let bytes = noise(seed, 16);
        let mut problem = keepable(Shape::SMALL, seed, 5);
        problem.machine = clocked(&problem.machine, &mut Choices::new(&bytes));
        let options = Options { state_limit: 500, ..Options::default() };
        let timed = match plan_in_time(&problem, &options, &|_| ControlFlow::Continue(())) {
            Ok(timed) => timed,
            Err(Error::KeptTooLarge { .. }) => continue,
            Err(error) => panic!("{error}\n{problem}"),
        };
        let Overlapped { plan, actions, timeline, .. } = &timed.overlapped;
        let prologue = plan.prologue(&problem);
        let traffic = check_with_prologue(&problem, &prologue, actions);
        assert_eq!(traffic.map(|it| it.non_compulsory), Ok(timed.solution.non_compulsory), "{problem}");
        let results = interpret_runs(&problem, &prologue, actions, 2);
        assert_eq!(results, Ok(vec![compute(&problem); 2]), "{problem}");
        let simulated = simulate(&problem, actions).expect("cycles can be counted");
        assert_eq!(simulated.makespan, timeline.makespan, "{problem}");
        assert!(timed.any_order.cycles <= timeline.makespan && timed.bound.cycles <= timeline.makespan, "{problem}");
        n_kept += prologue.len();
    }
    assert!(60 < n_kept, "{n_kept}");
}
