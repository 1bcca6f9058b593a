//! Programs with overlapping transfers: correct, with the same traffic, never slower than without overlap, never faster
//! than a bound.

mod common;

use common::{Case, Tally, hold, quick_planners};
use cosma_planner::baseline::{PrefetchRule, prefetch};
use cosma_planner::testing::{Answer, Choices, Shape, clocked, compute, interpret_with};
use cosma_planner::time::{
    Overlapped, bound_of_any_order, bound_of_plan, overlap, overlap_at_addresses, simulate, without_overlap,
};
use cosma_planner::{Action, Deadline, Problem, check, greedy_plan, plan, program_text};
use proptest::prelude::*;

#[test]
fn overlapped_programs_are_right_and_between_bounds() {
    let (faster, sliced, moved, at_bound, cases) =
        (Tally::default(), Tally::default(), Tally::default(), Tally::default(), Tally::default());
    for (shape, n_cases) in [(Shape::SMALL, 200), (Shape::LARGE, 20)] {
        hold(n_cases, shape, |Case { problem, bytes }| {
            let machine = clocked(&problem.machine, &mut Choices::new(bytes));
            let problem = Problem { machine, ..problem.clone() };
            for (name, planner) in quick_planners() {
                let plan = planner(&problem).expect("there is a plan");
                let actions = plan.actions(&problem);
                let synchronous = simulate(&problem, &actions).unwrap();
                let found = overlap(&problem, &plan, Deadline::NEVER).unwrap();
                let text = || format!("{name}\n{problem}\n{}", program_text(&problem, &found.actions).join("\n"));
                let verdict = check(&problem, &found.actions);
                if let Err(violations) = &verdict {
                    let said: Vec<String> = violations.iter().map(|it| it.display(&problem).to_string()).collect();
                    return Err(TestCaseError::fail(format!("{}\n{}", text(), said.join("\n"))));
                }
                prop_assert_eq!(verdict, check(&problem, &actions), "{}", text());
                for answer in [Answer::AtIssue, Answer::AtWait] {
                    prop_assert_eq!(
                        interpret_with(&problem, &found.actions, answer),
                        Ok(compute(&problem)),
                        "{}",
                        text()
                    );
                }
                prop_assert_eq!(&simulate(&problem, &found.actions), &Ok(found.timeline.clone()));
                prop_assert!(found.timeline.makespan <= synchronous.makespan, "{}", text());
                prop_assert!(
                    found.bound <= found.timeline.makespan,
                    "{} < {}\n{}",
                    found.timeline.makespan,
                    found.bound,
                    text()
                );
                prop_assert_eq!(bound_of_plan(&problem, &plan), Ok(found.bound));
                let restreamed = problem.restreamed();
                let any = bound_of_any_order(&problem, restreamed).unwrap().cycles;
                prop_assert!(any <= found.timeline.makespan, "{} < {}\n{}", found.timeline.makespan, any, text());
                prop_assert_eq!(
                    &overlap(&problem, &plan, Deadline::NEVER),
                    &Ok(found.clone()),
                    "same input, same output"
                );
                let again = overlap_at_addresses(&problem, &found.plan).unwrap();
                prop_assert!(again.timeline.makespan <= found.timeline.makespan, "{}", text());
                prop_assert_eq!(check(&problem, &again.actions), check(&problem, &actions), "{}", text());
                let without = without_overlap(&found.actions);
                prop_assert_eq!(check(&problem, &without), check(&problem, &actions), "{}", text());
                prop_assert!(!without.iter().any(|it| matches!(it, Action::Issue(_) | Action::Wait(_))));
                for (line, action) in found.actions.iter().enumerate() {
                    if matches!(action, Action::Wait(_)) {
                        let mut without = found.actions.clone();
                        without.remove(line);
                        prop_assert!(check(&problem, &without).is_err(), "a wait is missed\n{}", text());
                    }
                }
                for rule in PrefetchRule::ALL {
                    let by_rule = prefetch(&problem, &plan, rule, Deadline::NEVER).unwrap();
                    let lines = program_text(&problem, &by_rule).join("\n");
                    prop_assert_eq!(
                        check(&problem, &by_rule),
                        check(&problem, &actions),
                        "{}\n{}\n{}",
                        rule,
                        problem,
                        lines
                    );
                    let makespan = simulate(&problem, &by_rule).unwrap().makespan;
                    prop_assert!(found.bound.max(any) <= makespan, "{}\n{}\n{}", rule, problem, lines);
                }
                let order: Vec<_> = found.plan.residencies.iter().map(|it| (it.tensor, it.steps.clone())).collect();
                let before: Vec<_> = plan.residencies.iter().map(|it| (it.tensor, it.steps.clone())).collect();
                prop_assert_eq!((order, &found.plan.order), (before, &plan.order));
                faster.count(found.timeline.makespan < synchronous.makespan);
                sliced.count(found.actions.iter().any(|it| matches!(it, Action::IssueSlice(..))));
                moved.count(found.plan != plan);
                at_bound.count(found.timeline.makespan == found.bound.max(any));
                cases.count(true);
            }
            Ok(())
        });
    }
    let met = [&cases, &faster, &sliced, &moved, &at_bound].map(|it| it.0.get());
    assert!(met[1] > 100 && met[2] > 15 && met[3] > 15 && met[4] > 50, "{met:?}");
}

/// Also with more spills and better orders.
#[test]
fn optimal_plans_are_overlapped() {
    hold(60, Shape::SMALL, |Case { problem, bytes }| {
        let machine = clocked(&problem.machine, &mut Choices::new(bytes));
        let problem = Problem { machine, ..problem.clone() };
        let solution = plan(&problem, &Default::default()).unwrap();
        let Overlapped { actions, timeline, bound, .. } = overlap(&problem, &solution.plan, Deadline::NEVER).unwrap();
        prop_assert_eq!(check(&problem, &actions).map(|it| it.non_compulsory), Ok(solution.non_compulsory));
        let any = bound_of_any_order(&problem, solution.lower_bound).unwrap().cycles;
        prop_assert!(any <= timeline.makespan, "{} < {}\n{}", timeline.makespan, any, problem);
        prop_assert!(bound <= timeline.makespan, "{} < {}\n{}", timeline.makespan, bound, problem);
        // Another plan is not faster than any bound.
        let greedy = greedy_plan(&problem).unwrap();
        prop_assert!(any <= overlap(&problem, &greedy, Deadline::NEVER).unwrap().timeline.makespan);
        Ok(())
    });
}
