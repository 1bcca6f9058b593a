//! Planning with a watcher: its reports, and that it can stop planning.

mod common;

use common::{Tally, verdict};
use cosma_planner::testing::{Shape, outline_optimum, seeded_problem};
use cosma_planner::{Bytes, Options, Order, Phase, Problem, Progress, Solver, plan, plan_watched};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const GOES_ON: ControlFlow<()> = ControlFlow::Continue(());
const STOPS: ControlFlow<()> = ControlFlow::Break(());

fn in_short(solver: Solver, order: Order) -> Options {
    Options { solver, order, state_limit: 500, ..Options::default() }
}

/// Best costs never rise, bounds never fall, and the last report has the solution's numbers.
#[track_caller]
fn expect_monotone(events: &[Progress]) {
    for pair in events.windows(2) {
        let [before, after] = pair else { unreachable!() };
        let rises = |before: Option<Bytes>, after: Option<Bytes>| {
            before.is_some_and(|before| after.is_none_or(|after| before < after))
        };
        assert!(!rises(before.best, after.best), "{before:?} {after:?}");
        assert!(!rises(before.planned, after.planned), "{before:?} {after:?}");
        assert!(before.lower_bound <= after.lower_bound, "{before:?} {after:?}");
        assert!(before.elapsed <= after.elapsed, "{before:?} {after:?}");
    }
}

#[test]
fn who_only_watches_changes_nothing() {
    let repairs = Tally::default();
    for seed in 0..40 {
        let problem = seeded_problem(Shape { ops: 20, ..Shape::LARGE }, seed);
        for order in [Order::Free, Order::Source] {
            let options = in_short(Solver::Auto, order);
            let events = Mutex::new(Vec::new());
            let watch = |progress: &Progress| {
                events.lock().unwrap().push(*progress);
                GOES_ON
            };
            let watched = plan_watched(&problem, &options, &watch).expect("there is a plan");
            let alone = plan(&problem, &options).expect("there is a plan");
            assert_eq!(watched.plan, alone.plan);
            assert_eq!(watched.lower_bound, alone.lower_bound);
            let events = events.into_inner().unwrap();
            expect_monotone(&events);
            let [first, .., last] = events.as_slice() else { panic!("{events:?}") };
            assert_eq!((first.phase, last.phase), (Phase::Greedy, Phase::Done));
            assert_eq!(last.planned, Some(watched.non_compulsory));
            assert_eq!(last.lower_bound, watched.lower_bound);
            assert_eq!(last.gap() == Some(0.0), watched.is_optimal());
            repairs.count(events.iter().any(|it| it.phase == Phase::Repair));
        }
    }
    repairs.expect(1);
}

#[test]
fn whenever_it_stops_there_is_a_plan_and_a_true_bound() {
    let early = Tally::default();
    for seed in 0..100 {
        let problem = seeded_problem(Shape::SMALL, seed);
        // Without addresses, which can only cost more.
        let optimum = outline_optimum(&problem).expect("each operator fits");
        let moment = seed as usize % 5;
        let events = Mutex::new(Vec::new());
        let watch = |progress: &Progress| {
            let mut events = events.lock().unwrap();
            events.push(*progress);
            if moment < events.len() { STOPS } else { GOES_ON }
        };
        for solver in [Solver::Auto, Solver::Search, Solver::Greedy] {
            events.lock().unwrap().clear();
            let solution = plan_watched(&problem, &in_short(solver, Order::Free), &watch).expect("a plan");
            let traffic = verdict(&problem, &solution.plan).expect("the judge accepts it");
            assert_eq!(traffic.non_compulsory, solution.non_compulsory);
            assert!(optimum <= solution.non_compulsory);
            let events = events.lock().unwrap();
            expect_monotone(&events);
            // With addresses a proof may need more.
            let is_packed = !events.iter().any(|it| it.phase == Phase::Repair);
            assert!(!is_packed || solution.lower_bound <= optimum, "{problem}");
            early.count(!solution.is_optimal());
        }
    }
    early.expect(10);
}

/// Wide and large: no solver has a proof soon.
fn hard() -> Problem {
    seeded_problem(Shape { ops: 400, units: 9 }, 7)
}

/// Stops after a delay; returns how much later there was a plan, and the phase at that time.
fn stop_after(problem: &Problem, options: &Options, delay: Duration) -> (Duration, Option<Phase>) {
    let start = Instant::now();
    let stopped = Mutex::new(None);
    let watch = |progress: &Progress| {
        let mut stopped = stopped.lock().unwrap();
        if start.elapsed() < delay || stopped.is_some() {
            return GOES_ON;
        }
        *stopped = Some(progress.phase);
        STOPS
    };
    let solution = plan_watched(problem, options, &watch).expect("there is a plan");
    let late = start.elapsed().saturating_sub(delay);
    let traffic = verdict(problem, &solution.plan).expect("the judge accepts it");
    assert_eq!(traffic.non_compulsory, solution.non_compulsory);
    assert!(solution.lower_bound <= solution.non_compulsory);
    (late, stopped.into_inner().unwrap())
}

#[test]
fn it_stops_soon_whoever_decides() {
    let problem = hard();
    let stopped = Tally::default();
    let solvers =
        if cfg!(feature = "ilp") { &[Solver::Auto, Solver::Search, Solver::Ilp][..] } else { &[Solver::Search] };
    for (index, &solver) in solvers.iter().enumerate() {
        for delay in [0, 90, 700] {
            let options = Options { solver, ..Options::default() };
            let (late, phase) = stop_after(&problem, &options, Duration::from_millis(delay + 10 * index as u64));
            stopped.count(phase.is_some());
            println!("{solver:?} after {delay} ms: {late:?} later, from {phase:?}");
            // It takes some tenths of a second; other tests run at the same time.
            assert!(late < Duration::from_secs(3), "{solver:?} after {delay} ms: {late:?} later, from {phase:?}");
        }
    }
    stopped.expect(3);
}

#[test]
#[should_panic(expected = "seen enough")]
fn a_panic_of_the_watcher_goes_through() {
    let _ = plan_watched(&hard(), &Options::default(), &|progress: &Progress| {
        assert!(progress.elapsed < Duration::from_millis(150), "seen enough");
        GOES_ON
    });
}
