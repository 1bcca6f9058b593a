//! Properties of the baselines.

mod common;

use common::{Case, Tally, hold, outline_of, outline_verdict, source_order, verdict};
use cosma_planner::baseline::{AllocationRule, Baseline, OrderRule, ReplacementRule, best_outline};
use cosma_planner::testing::{FRAGMENTED, Shape, compute, interpret, outline_optimum};
use cosma_planner::{Bytes, Error, Problem, Traffic, greedy};
use proptest::prelude::*;

#[test]
fn every_baseline_is_right() {
    let (fragmented, by_size) = (Tally::default(), Tally::default());
    for (shape, n_cases) in [(Shape::SMALL, 200), (Shape::LARGE, 25)] {
        hold(n_cases, shape, |Case { problem, .. }| {
            // Only once for all baselines, since the least peak takes long.
            let orders = OrderRule::ALL.map(|it| (it, it.order(problem)));
            let again = OrderRule::ALL.map(|it| (it, it.order(problem)));
            prop_assert_eq!(&again, &orders);
            for baseline in Baseline::all() {
                let (_, order) = orders.iter().find(|it| it.0 == baseline.order).expect("all are there");
                let plan = baseline.plan_in_order(problem, order).expect("there is a plan");
                let actions = plan.actions(problem);
                let traffic = match verdict(problem, &plan) {
                    Ok(traffic) => traffic,
                    Err(error) => return Err(TestCaseError::fail(format!("{baseline}: {error}"))),
                };
                prop_assert_eq!(&plan.order, order);
                prop_assert_eq!(traffic, Traffic::of(problem, &actions), "{}", baseline);
                prop_assert_eq!(traffic.compulsory, problem.compulsory(), "{}", baseline);
                prop_assert!(plan.height(problem) <= problem.machine.scratchpad(), "{}", baseline);
                prop_assert_eq!(interpret(problem, &actions), Ok(compute(problem)), "{}", baseline);
                let again = baseline.plan_in_order(problem, order).expect("as before");
                prop_assert_eq!(&again, &plan, "{}", baseline);
                // Less traffic by the sum of sizes alone.
                let replaced = greedy(problem, order).non_compulsory(problem);
                let is_farthest = baseline.replacement == ReplacementRule::FarthestNextUse;
                let is_worse = is_farthest && replaced < traffic.non_compulsory;
                fragmented.count(is_worse);
                by_size.count(is_worse && baseline.allocation == AllocationRule::GreedyBySize);
            }
            Ok(())
        });
    }
    fragmented.expect(100);
    by_size.expect(20);
}

#[test]
fn the_best_outline_is_right_and_no_worse_than_any() {
    let better = Tally::default();
    hold(200, Shape::SMALL, |Case { problem, .. }| {
        let best = best_outline(problem, 100);
        match outline_verdict(problem, &best) {
            Ok(traffic) => prop_assert_eq!(traffic.non_compulsory, best.non_compulsory(problem)),
            Err(error) => return Err(TestCaseError::fail(error)),
        }
        for order in OrderRule::ALL {
            let outline = greedy(problem, &order.order(problem));
            prop_assert!(best.non_compulsory(problem) <= outline.non_compulsory(problem), "{:?}", order);
        }
        let source = greedy(problem, &source_order(problem));
        better.count(best.non_compulsory(problem) < source.non_compulsory(problem));
        Ok(())
    });
    better.expect(20);
}

#[test]
fn no_baseline_beats_the_optimum() {
    let (above, met) = (Tally::default(), Tally::default());
    hold(500, Shape::SMALL, |Case { problem, .. }| {
        let optimum = outline_optimum(problem).expect("each operator fits");
        for baseline in Baseline::all() {
            let plan = baseline.plan(problem).expect("there is a plan");
            let moved = outline_of(&plan).non_compulsory(problem);
            prop_assert!(optimum <= moved, "{}", baseline);
            above.count(optimum < moved);
            met.count(problem.restreamed() < optimum && optimum == moved);
        }
        Ok(())
    });
    above.expect(1000);
    met.expect(300);
}

/// Beyond the rules: the cheapest residencies cannot be packed.
#[test]
fn baselines_plan_what_does_not_pack() {
    for case in FRAGMENTED {
        let problem: Problem = case.problem.parse().expect("it is a problem");
        for baseline in Baseline::all() {
            let plan = baseline.plan(&problem).expect("there is a plan");
            let traffic = verdict(&problem, &plan).unwrap_or_else(|error| panic!("{baseline}: {error}"));
            assert!(case.joint_optimum <= traffic.non_compulsory.0, "{baseline}");
        }
    }
}

#[test]
fn too_small_a_scratchpad_is_refused() {
    hold(20, Shape::SMALL, |Case { problem, .. }| {
        let mut tight = problem.clone();
        tight.machine.set_scratchpad(problem.min_scratchpad().saturating_sub(Bytes(1)));
        if tight.machine.scratchpad() == problem.min_scratchpad() {
            return Ok(());
        }
        for baseline in Baseline::all() {
            let is_refused = matches!(baseline.plan(&tight), Err(Error::ScratchpadTooSmall { .. }));
            prop_assert!(is_refused, "{}", baseline);
        }
        Ok(())
    });
}
