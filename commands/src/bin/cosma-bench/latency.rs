//! `--objective=latency` and `--objective=traffic-then-latency`: cycles of COSMA's programs, compared with programs
//! of the same plans whose transfers begin by rule.
//!
//! A case is a network on a machine with a scratchpad. Each program is checked for races and timed. With
//! `traffic-then-latency`, the traffic of COSMA's program is that of a plan for the same machine without a clock.

mod report;

use crate::Failure;
use crate::arguments::Arguments;
use crate::network::Network;
use cosma::preset;
use cosma_planner::baseline::{PrefetchRule, prefetch};
use cosma_planner::time::{LatencyBound, Timed, plan_in_time, simulate};
use cosma_planner::{
    Action, Bytes, Cycles, Deadline, Machine, Objective, Options, Plan, Problem, Weights, check, plan,
};
use report::report;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time limit of each rule's search for addresses.
const TIME_FOR_RULE: Duration = Duration::from_millis(100);

/// A machine by name.
pub struct Target {
    pub name: String,
    pub machine: Machine,
}

/// A network on a machine.
pub struct Case {
    /// Index of the network.
    pub network: usize,
    /// Index of the machine.
    pub target: usize,
    pub weights: Weights,
    pub factor: f64,
    pub scratchpad: Bytes,
    /// The outcome, or an error.
    pub outcome: Result<Outcome, String>,
}

/// The outcome of a case.
pub struct Outcome {
    pub cycles: Cycles,
    /// The largest bound of any scope, and the largest that holds for any order.
    pub bound: LatencyBound,
    pub any_order: LatencyBound,
    pub compute: Cycles,
    pub non_compulsory: Bytes,
    /// By rule of [`PrefetchRule::ALL`].
    pub rules: Vec<Cycles>,
    /// Seconds of planning with the clock, and without it.
    pub seconds: f64,
    pub seconds_without: f64,
}

impl Outcome {
    /// A number of cycles as a multiple of the bound.
    pub fn over(&self, cycles: Cycles) -> f64 {
        cycles.0 as f64 / self.bound.cycles.0.max(1) as f64
    }
}

/// Plans all cases and prints tables of them.
///
/// # Errors
/// An unknown machine, a wrong program, an output that cannot be written.
pub fn bench(arguments: &Arguments, networks: &[Network]) -> Result<(), Failure> {
    let targets = arguments.machines.iter().map(|name| target(name)).collect::<Result<Vec<Target>, String>>();
    let targets = targets.map_err(Failure::Call)?;
    let mut jobs = Vec::new();
    for network in 0..networks.len() {
        for target in 0..targets.len() {
            for weights in arguments.weights.iter().map(|it| it.0) {
                jobs.extend(arguments.scratchpad_factors.iter().map(|factor| (network, target, weights, *factor)));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let cases: Mutex<Vec<(usize, Case)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.get().min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&(network, target, weights, factor)) = jobs.get(index) else { break };
                    let problem = on(&targets[target], networks[network].at(weights, factor));
                    let scratchpad = problem.machine.scratchpad();
                    let outcome = outcome(&problem, arguments);
                    let case = Case { network, target, weights, factor, scratchpad, outcome };
                    cases.lock().unwrap_or_else(PoisonError::into_inner).push((index, case));
                }
            });
        }
    });
    let mut cases = cases.into_inner().unwrap_or_else(PoisonError::into_inner);
    cases.sort_by_key(|it| it.0);
    let cases: Vec<Case> = cases.into_iter().map(|it| it.1).collect();
    report(arguments, networks, &targets, &cases)?;
    let faults: Vec<String> = cases
        .iter()
        .filter_map(|it| {
            let fault = it.outcome.as_ref().err()?;
            let (network, machine) = (&networks[it.network].name, &targets[it.target].name);
            Some(format!("{network} on {machine} with {} B: {fault}", it.scratchpad))
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Failure::Run(faults)) }
}

fn target(name: &str) -> Result<Target, String> {
    let file = cosma::read_machine(name)?;
    let machine = file.join(&Machine::with_host(Bytes(1), Bytes(64))).map_err(|error| error.to_string())?;
    if machine.clock().is_none() {
        let known: Vec<&str> = preset::names().collect();
        return Err(format!("{name} has no clock; known machines: {}", known.join(", ")));
    }
    Ok(Target { name: name.into(), machine })
}

/// The problem on a machine with its clock; the scratchpad is that of the problem, and so is the alignment.
fn on(target: &Target, mut problem: Problem) -> Problem {
    let mut machine = target.machine.clone();
    machine.set_scratchpad(problem.machine.scratchpad());
    machine.set_alignment(problem.machine.alignment());
    problem.machine = machine;
    problem
}

fn outcome(problem: &Problem, arguments: &Arguments) -> Result<Outcome, String> {
    let text = |error: cosma_planner::Error| error.to_string();
    let options = Options {
        solver: arguments.solver.0,
        time_limit: arguments.time_limit.0,
        objective: arguments.objective.planned(),
        ..Options::default()
    };
    let start = Instant::now();
    let without = Problem { machine: problem.machine.without_clock(), ..problem.clone() };
    let least = plan(&without, &options).map_err(text)?;
    let seconds_without = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let timed = plan_in_time(problem, &options, &|_| ControlFlow::Continue(())).map_err(text)?;
    let seconds = start.elapsed().as_secs_f64();
    let Timed { solution, overlapped, bound, any_order, .. } = timed;
    let cycles = judged(problem, &overlapped.actions, solution.non_compulsory)?;
    if cycles != overlapped.timeline.makespan || cycles < bound.cycles || cycles < any_order.cycles {
        return Err(format!(
            "takes {cycles} cycles, which was to be {} and at least {}",
            overlapped.timeline.makespan, bound.cycles
        ));
    }
    let is_settled = least.is_optimal() && solution.is_optimal();
    if options.objective == Objective::Traffic && is_settled && least.non_compulsory != solution.non_compulsory {
        return Err(format!("moves {} B with a clock and {} B without", solution.non_compulsory, least.non_compulsory));
    }
    let rule = |rule: &PrefetchRule| by_rule(problem, &solution.plan, *rule, solution.non_compulsory);
    let rules = PrefetchRule::ALL.iter().map(rule).collect::<Result<Vec<Cycles>, String>>()?;
    if rules[0] < cycles {
        return Err(format!("takes {cycles} cycles, and {} without overlap", rules[0]));
    }
    let (compute, non_compulsory) = (overlapped.timeline.compute, solution.non_compulsory);
    Ok(Outcome { cycles, bound, any_order, compute, non_compulsory, rules, seconds, seconds_without })
}

fn by_rule(problem: &Problem, plan: &Plan, rule: PrefetchRule, moves: Bytes) -> Result<Cycles, String> {
    let actions = prefetch(problem, plan, rule, Deadline::after(TIME_FOR_RULE)).map_err(|error| error.to_string())?;
    judged(problem, &actions, moves).map_err(|fault| format!("{rule}: {fault}"))
}

/// The cycles of a program, after checking that it is correct and moves this many non-compulsory bytes.
fn judged(problem: &Problem, actions: &[Action], moves: Bytes) -> Result<Cycles, String> {
    match check(problem, actions) {
        Err(violations) => Err(violations.first().map_or(String::new(), |it| it.display(problem).to_string())),
        Ok(traffic) if traffic.non_compulsory != moves => {
            Err(format!("moves {} B, not {moves} B", traffic.non_compulsory))
        }
        Ok(_) => simulate(problem, actions).map(|it| it.makespan).map_err(|error| error.to_string()),
    }
}
