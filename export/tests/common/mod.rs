//! What the tests export: random problems with programs of several kinds.
#![allow(dead_code, reason = "each test uses a part")]

pub mod python;

use cosma_planner::testing::{Choices, Shape, clocked, noise, random_problem};
use cosma_planner::time::overlap;
use cosma_planner::{Action, Deadline, Options, Plan, Problem, Solver, greedy_plan, plan};

/// A program, and the plan that it is made from if its transfers wait for nothing.
pub struct Case {
    pub problem: Problem,
    pub actions: Vec<Action>,
    pub plan: Option<Plan>,
}

/// Programs of random problems: of a good plan, of a greedy one, and one whose transfers go on beside operators.
pub fn cases(seed: u64) -> Vec<Case> {
    let bytes = noise(seed, 3000);
    let mut choices = Choices::new(&bytes);
    let shape = if seed.is_multiple_of(3) { Shape::LARGE } else { Shape::SMALL };
    let problem = random_problem(shape, &mut choices);
    let options = Options { solver: Solver::Search, state_limit: 500, ..Options::default() };
    let best = plan(&problem, &options).expect("there is a plan").plan;
    let greedy = greedy_plan(&problem).expect("there is a plan");
    let timed = Problem { machine: clocked(&problem.machine, &mut choices), ..problem.clone() };
    let overlapped = overlap(&timed, &greedy, Deadline::NEVER).expect("it has a clock").actions;
    let mut cases = vec![Case { problem: timed, actions: overlapped, plan: None }];
    for plan in [best, greedy] {
        cases.push(Case { problem: problem.clone(), actions: plan.actions(&problem), plan: Some(plan) });
    }
    cases
}
