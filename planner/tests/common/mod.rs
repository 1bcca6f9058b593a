//! Shared code for the properties of all planners. A new planner is one more line in [`planners`].
#![allow(dead_code)]

use cosma_planner::search::{SearchOptions, search};
use cosma_planner::testing::{Choices, Shape, random_problem};
use cosma_planner::time::{ChannelId, Ratio, Timing};
use cosma_planner::{
    Bytes, Cycles, Deadline, Error, OpId, Options, Order, Outline, Plan, Problem, Solver, Stay, check, greedy,
    greedy_plan, plan, program_text,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner};
use std::cell::Cell;
use std::fmt;
use std::time::Duration;

/// Every planner that makes a complete plan, by name.
#[expect(clippy::type_complexity, reason = "a table")]
pub fn planners() -> Vec<(&'static str, fn(&Problem) -> Result<Plan, Error>)> {
    vec![
        ("greedy", greedy_plan),
        ("auto", |problem| Ok(plan(problem, &in_short(Solver::Auto, Order::Free))?.plan)),
        ("auto in source order", |problem| Ok(plan(problem, &in_short(Solver::Auto, Order::Source))?.plan)),
        ("search", |problem| Ok(plan(problem, &in_short(Solver::Search, Order::Free))?.plan)),
        ("out of time", |problem| {
            let options = Options { time_limit: Duration::ZERO, ..Options::default() };
            Ok(plan(problem, &options)?.plan)
        }),
    ]
}

/// The fast ones, for properties that need many plans.
#[expect(clippy::type_complexity, reason = "a table")]
pub fn quick_planners() -> Vec<(&'static str, fn(&Problem) -> Result<Plan, Error>)> {
    planners().into_iter().filter(|(name, _)| ["greedy", "out of time"].contains(name)).collect()
}

/// Large random problems can be hard, and here the plan matters, not the proof. A time limit would make the plan depend
/// on the machine.
fn in_short(solver: Solver, order: Order) -> Options {
    Options { solver, order, state_limit: 500, ..Options::default() }
}

/// Every planner without address assignment, by name.
#[expect(clippy::type_complexity, reason = "a table")]
pub fn outliners() -> Vec<(&'static str, fn(&Problem) -> Outline)> {
    vec![
        ("greedy", |problem| greedy(problem, &source_order(problem))),
        ("search", |problem| {
            let outcome =
                search(problem, problem.capacity(), None, &SearchOptions::default(), &|_| None, Deadline::NEVER);
            outcome.outline.expect("there is no deadline")
        }),
    ]
}

pub fn source_order(problem: &Problem) -> Vec<OpId> {
    problem.graph.op_ids().collect()
}

/// A random problem, which is shown as text if a property fails.
#[derive(Clone)]
pub struct Case {
    pub problem: Problem,
    /// For further choices.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}{:?}", self.problem, self.bytes)
    }
}

pub fn cases(shape: Shape) -> impl Strategy<Value = Case> {
    let most = 64 + 64 * shape.ops as usize;
    let bytes = proptest::collection::vec(any::<u8>(), most / 2..=most);
    (bytes, proptest::collection::vec(any::<u8>(), 32))
        .prop_map(move |(problem, bytes)| Case { problem: random_problem(shape, &mut Choices::new(&problem)), bytes })
}

/// This many random cases; always the same ones.
///
/// `PROPTEST_CASES` and `PROPTEST_RNG_SEED` choose more or others.
pub fn config(n_cases: u32) -> Config {
    let mut config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = n_cases;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(u64::from(n_cases));
    }
    config
}

/// Tests a property on this many random problems, those of [`config`].
#[track_caller]
pub fn hold(n_cases: u32, shape: Shape, property: impl Fn(&Case) -> TestCaseResult) {
    let config = Config { failure_persistence: None, max_shrink_iters: 20_000, ..config(n_cases) };
    if let Err(error) = TestRunner::new(config).run(&cases(shape), |case| property(&case)) {
        panic!("{error}");
    }
}

/// The judge's verdict, as text.
pub fn verdict(problem: &Problem, plan: &Plan) -> Result<cosma_planner::Traffic, String> {
    let actions = plan.actions(problem);
    check(problem, &actions).map_err(|violations| {
        let violations = violations.iter().map(|it| it.display(problem).to_string());
        program_text(problem, &actions).into_iter().chain(violations).collect::<Vec<_>>().join("\n")
    })
}

/// A plan without its addresses.
pub fn outline_of(plan: &Plan) -> Outline {
    let stays = plan.residencies.iter().map(|it| Stay { tensor: it.tensor, steps: it.steps.clone() });
    Outline { order: plan.order.clone(), stays: stays.collect() }
}

/// The judge's verdict on an outline if there is space for every stay at its own address, and whether the sum of its
/// padded sizes fits the scratchpad.
pub fn outline_verdict(problem: &Problem, outline: &Outline) -> Result<cosma_planner::Traffic, String> {
    let alignment = problem.machine.alignment();
    let mut end = Bytes::ZERO;
    let mut take = |size: Bytes| {
        let offset = end;
        end += size.align_up(alignment);
        offset
    };
    let offsets: Vec<Bytes> = outline.stays.iter().map(|it| take(problem.graph.tensor(it.tensor).size)).collect();
    let workspaces = outline.order.iter().map(|it| take(problem.graph.op(*it).workspace)).collect();
    let mut wide = problem.clone();
    wide.machine.set_scratchpad(end);
    let traffic = verdict(&wide, &outline.at(&offsets, workspaces))?;

    let mut rooms: Vec<Bytes> =
        outline.order.iter().map(|it| problem.graph.op(*it).workspace.align_up(alignment)).collect();
    for stay in &outline.stays {
        for taken in &mut rooms[stay.steps.start.index()..stay.steps.end.index()] {
            *taken += problem.room(stay.tensor);
        }
    }
    for (taken, pairs) in rooms.iter_mut().zip(problem.in_place_by_step(&outline.order)) {
        pairs.iter().for_each(|it| *taken -= problem.room(it.inner()));
    }
    let capacity = problem.machine.scratchpad().align_up(alignment);
    match rooms.iter().position(|it| capacity < *it) {
        Some(step) => Err(format!("step {step} takes {} B of {capacity} B", rooms[step])),
        None => Ok(traffic),
    }
}

/// A byte per cycle on this channel, without setup or latency.
pub fn byte_a_cycle(channel: u32) -> Timing {
    Timing {
        channel: ChannelId(channel),
        rate: Ratio::ONE,
        setup: Cycles::ZERO,
        latency: Cycles::ZERO,
        burst: Bytes::ZERO,
    }
}

/// Counts the cases of a property: one that never meets a hard case proves nothing.
#[derive(Default)]
pub struct Tally(pub Cell<u32>);

impl Tally {
    pub fn count(&self, happened: bool) {
        self.0.set(self.0.get() + u32::from(happened));
    }

    #[track_caller]
    pub fn expect(&self, at_least: u32) {
        assert!(at_least <= self.0.get(), "met {} times, expected {at_least}", self.0.get());
    }
}
