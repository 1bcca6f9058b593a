//! Tensors at fixed addresses, and tensors that start or end in the scratchpad.

mod common;

use common::*;
use cosma_planner::testing::{Choices, Shape, compute, interpret, joint_optimum_if_any, noise, seeded_problem, with_pins};
use cosma_planner::{Error, Options, Order, Problem, Solution, Solver, check, greedy_plan, plan};

/// So many random problems, unless `COSMA_PIN_CASES` asks for more.
fn n_cases(usual: u64) -> u64 {
    std::env::var("COSMA_PIN_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(usual)
}

fn random(shape: Shape, seed: u64) -> Problem {
    let problem = seeded_problem(shape, seed);
    with_pins(&problem, &mut Choices::new(&noise(seed ^ 0x5eed, 256)))
}

/// What the judge says of a plan, and that it computes the right bytes.
#[track_caller]
fn expect_right(problem: &Problem, plan: &cosma_planner::Plan) -> cosma_planner::Bytes {
    let traffic = verdict(problem, plan).unwrap_or_else(|error| panic!("{problem}\n{error}"));
    assert_eq!(interpret(problem, &plan.actions(problem)), Ok(compute(problem)), "{problem}");
    traffic.non_compulsory
}

fn is_impossible(error: &Error) -> bool {
    matches!(error, Error::Pin { .. } | Error::NoPlace { .. } | Error::ScratchpadTooSmall { .. })
}

/// Each plan is right, each bound is true, and each "infeasible" is, by trying every order and every address.
#[test]
fn as_trying_everything_says() {
    let (mut n_plans, mut n_proven, mut n_best, mut n_impossible, mut n_moving) = (0, 0, 0, 0, 0);
    for seed in 0..n_cases(600) {
        let shape = Shape { ops: 1 + seed % 4, units: 1 + seed % 3 };
        let problem = random(shape, seed);
        if 8 < problem.machine.scratchpad().0.div_ceil(problem.machine.alignment().0) {
            continue;
        }
        let optimum = match problem.check() {
            Err(Error::Pin { .. }) => None,
            _ => joint_optimum_if_any(&problem),
        };
        let text: Problem = problem.to_string().parse().expect("what is printed is read");
        assert_eq!(text, problem);
        for solver in [Solver::Auto, Solver::Search, Solver::Greedy] {
            let options = Options { solver, state_limit: 500, ..Options::default() };
            match (plan(&problem, &options), optimum) {
                (Ok(solution), Some(optimum)) => {
                    let Solution { ref plan, non_compulsory, lower_bound, .. } = solution;
                    assert_eq!(expect_right(&problem, plan), non_compulsory, "{solver:?}\n{problem}");
                    let is_true = lower_bound <= optimum && optimum <= non_compulsory;
                    assert!(is_true, "{solver:?}: {lower_bound} {optimum} {non_compulsory}\n{problem}");
                    n_plans += 1;
                    n_proven += u32::from(solution.is_optimal());
                    n_best += u32::from(optimum == non_compulsory);
                    n_moving += u32::from(problem.restreamed() < optimum);
                }
                (Err(error), None) => {
                    assert!(is_impossible(&error), "{error}\n{problem}");
                    n_impossible += 1;
                }
                (Ok(solution), None) => {
                    expect_right(&problem, &solution.plan);
                    panic!("{solver:?}: there is a plan after all\n{problem}");
                }
                (Err(error), Some(_)) => panic!("{solver:?}: {error}\n{problem}"),
            }
        }
    }
    println!("{n_plans} plans, {n_proven} proven, {n_best} best, {n_moving} moving, {n_impossible} impossible");
    assert!(200 < n_plans && 100 < n_impossible && 30 < n_moving, "{n_plans} {n_impossible} {n_moving}");
}
