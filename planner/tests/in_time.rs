//! Problems planned with a clock: programs are correct, never slower than those of the plan with minimal traffic, and
//! within bounds.

mod common;

use common::{Case, Tally, hold};
use cosma_planner::testing::{Choices, Shape, clocked};
use cosma_planner::time::{BoundRule, Scope, Timed, bound_of_plan, overlap, plan_in_time, plan_in_time_from};
use cosma_planner::{
    Cycles, Deadline, Error, Objective, Options, Order, Phase, Problem, Progress, check, greedy_plan, plan,
    plan_watched,
};
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

fn timed(problem: &Problem, objective: Objective) -> Timed {
    let options = Options { objective, ..Options::default() };
    plan_in_time(problem, &options, &|_| ControlFlow::Continue(())).expect("there is a plan")
}

#[test]
fn time_is_won_and_traffic_is_not_lost_unknowingly() {
    let (faster, dearer, fastest, cases) = (Tally::default(), Tally::default(), Tally::default(), Tally::default());
    hold(150, Shape::SMALL, |Case { problem, bytes }| {
        let machine = clocked(&problem.machine, &mut Choices::new(bytes));
        let problem = Problem { machine, ..problem.clone() };
        let least = plan(&problem, &Options::default()).unwrap();
        let of_least = overlap(&problem, &least.plan, Deadline::NEVER).unwrap().timeline.makespan;
        let mut before = None;
        for objective in [Objective::Traffic, Objective::Latency] {
            let it = timed(&problem, objective);
            let makespan = it.overlapped.timeline.makespan;
            let traffic = check(&problem, &it.overlapped.actions).map(|it| it.non_compulsory);
            prop_assert_eq!(traffic, Ok(it.solution.non_compulsory), "{}", problem);
            prop_assert_eq!(it.least_non_compulsory, least.non_compulsory);
            prop_assert!(makespan <= of_least, "{} after {}\n{}", makespan, of_least, problem);
            prop_assert!(it.any_order.cycles <= it.bound.cycles && it.bound.cycles <= makespan, "{}", problem);
            prop_assert_eq!(bound_of_plan(&problem, &it.solution.plan), Ok(it.overlapped.bound));
            prop_assert_eq!(it.any_order.rule.scope(), Scope::AnyOrder);
            if objective == Objective::Traffic {
                prop_assert_eq!(it.solution.non_compulsory, least.non_compulsory, "{}", problem);
            }
            // If traffic does not count, nothing is lost.
            prop_assert!(before.is_none_or(|it| makespan <= it), "{} after {:?}\n{}", makespan, before, problem);
            before = Some(makespan);
            faster.count(makespan < of_least);
            dearer.count(least.non_compulsory < it.solution.non_compulsory);
            fastest.count(it.is_fastest());
            cases.count(true);
        }
        Ok(())
    });
    let met = [&cases, &faster, &dearer, &fastest].map(|it| it.0.get());
    assert!(20 < met[1] && 5 < met[2] && 30 < met[3], "{met:?}");
}

const STORES: &str = "machine scratchpad 1024 alignment 64
channel dma
link host scratchpad rate 1 on dma
link scratchpad host rate 1 on dma
argument x 64
op f: x -> y 64 cycles 100
op g: y -> a 64 cycles 200
op h: y -> b 128 cycles 100
return a b
";

/// The operator with the large store runs first.
#[test]
fn stores_go_on_beside_what_is_left_to_compute() {
    let problem: Problem = STORES.parse().unwrap();
    let it = timed(&problem, Objective::Traffic);
    let names: Vec<&str> = it.solution.plan.order.iter().map(|it| problem.graph.op(*it).name.as_str()).collect();
    assert_eq!(names, ["f", "h", "g"]);
    assert_eq!(it.overlapped.timeline.makespan.0, 64 + 100 + 100 + 200 + 64);
    assert!(it.is_fastest(), "{:?}", it.any_order);
}

#[test]
fn the_order_of_the_source_is_kept_where_it_is_asked_for() {
    let problem: Problem = STORES.parse().unwrap();
    let options = Options { order: Order::Source, ..Options::default() };
    let it = plan_in_time(&problem, &options, &|_| ControlFlow::Continue(())).unwrap();
    assert!(it.solution.plan.order.iter().copied().eq(problem.graph.op_ids()));
    assert_eq!(it.overlapped.timeline.makespan.0, 64 + 100 + 200 + 100 + 128);
    assert_eq!((it.any_order.rule, it.any_order.rule.to_string()), (BoundRule::Order, "B3".into()));
    assert!(it.is_fastest(), "no program of this order is faster");
}

#[test]
fn it_ends_in_time_starts_from_what_there_is_and_asks_for_a_clock() {
    let problem: Problem = STORES.parse().unwrap();
    let goes_on = |_: &cosma_planner::Progress| ControlFlow::Continue(());
    let start = Instant::now();
    let options = Options { time_limit: Duration::ZERO, objective: Objective::Latency, ..Options::default() };
    let incumbent = greedy_plan(&problem).unwrap();
    plan_in_time_from(&problem, &options, &incumbent, &goes_on).unwrap();
    plan_in_time(&problem, &options, &|_| ControlFlow::Break(())).unwrap();
    assert!(start.elapsed() < Duration::from_secs(2));
    let plain = Problem { machine: problem.machine.without_clock(), ..problem };
    assert_eq!(plan_in_time(&plain, &options, &goes_on).map(|_| ()), Err(Error::NoClock));
}

/// The reports to a watcher: cycles never rise, bounds never fall, and the last report is the result.
#[test]
fn a_watcher_sees_cycles_and_their_bound() {
    let problem: Problem = STORES.parse().unwrap();
    for objective in [Objective::Traffic, Objective::Latency] {
        let told = Mutex::new(Vec::new());
        let options = Options { objective, ..Options::default() };
        let watch = |it: &Progress| {
            told.lock().unwrap().push((it.phase, it.cycles, it.least_cycles));
            ControlFlow::Continue(())
        };
        let it = plan_in_time(&problem, &options, &watch).unwrap();
        let told = told.into_inner().unwrap();
        assert_eq!(told[0].1, None, "there is no program yet");
        for pair in told.windows(2) {
            let [(_, cycles, least), (_, fewer, more)] = [pair[0], pair[1]];
            assert!(cycles.is_none_or(|it| fewer.is_some_and(|fewer: Cycles| fewer <= it)), "{told:?}");
            assert!(least <= more, "{told:?}");
        }
        let last = told.last().unwrap();
        assert_eq!(*last, (Phase::Done, Some(it.overlapped.timeline.makespan), Some(it.any_order.cycles)));
    }
    // Without a clock there are no such reports.
    let plain = Problem { machine: problem.machine.without_clock(), ..problem };
    let watch = |it: &Progress| {
        assert_eq!((it.cycles, it.least_cycles), (None, None));
        ControlFlow::Continue(())
    };
    plan_watched(&plain, &Options::default(), &watch).unwrap();
}

#[test]
fn the_same_problem_has_the_same_program() {
    for seed in 0..30 {
        let problem = cosma_planner::testing::seeded_problem(Shape::SMALL, seed);
        let bytes: Vec<u8> = (0..32).map(|it| (7 * it + seed) as u8).collect();
        let machine = clocked(&problem.machine, &mut Choices::new(&bytes));
        let problem = Problem { machine, ..problem };
        let [one, other] = [(); 2].map(|()| timed(&problem, Objective::Latency));
        assert_eq!(one.overlapped.actions, other.overlapped.actions, "{problem}");
        assert_eq!((one.bound, one.any_order), (other.bound, other.any_order));
    }
}
