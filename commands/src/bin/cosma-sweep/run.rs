//! Plans every size of every series, several in parallel, and verifies each plan.
//!
//! A plan is valid for each larger scratchpad, and a bound holds for each smaller one. So both ends of a
//! series are planned first, then the middle between two known sizes, and so on. If the plan of the smaller
//! of these two moves no more than the bound of the larger, all sizes between them are known. Whether a
//! size is planned depends only on these two, so outcomes do not depend on the number of jobs.

use crate::series::Series;
use crate::state::{Key, State};
use crate::tiled::plan_tiled;
use cosma::{Bytes, Progress, Solver};
use cosma_commands::judge::judge;
use cosma_planner::{Error, Options, Problem, plan_watched};
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The result of planning a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Non-compulsory bytes of the plan.
    pub non_compulsory: Bytes,
    /// A proven lower bound on the non-compulsory bytes of any plan.
    pub lower_bound: Bytes,
    /// The solver that made the plan.
    pub solver: Solver,
    /// Into how many tiles the network is cut; `None` if it is whole.
    pub n_tiles: Option<u64>,
    /// The planning time.
    pub seconds: f64,
}

/// The outcome for a size.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was planned, in this or an earlier run.
    Found(Found),
    /// The plan of a smaller size of the series meets the bound of a larger one; both are given by index.
    Between { plan_from: usize, bound_from: usize, non_compulsory: Bytes },
    /// Too small for an operator, or for its smallest tile.
    TooSmall,
    /// Planning or verification failed.
    Fault(String),
    /// The sweep was stopped before.
    Open,
}

/// How to plan.
pub struct Setting {
    /// The time limit of each plan.
    pub time_limit: Duration,
    /// The number of plans to compute in parallel.
    pub jobs: usize,
    /// Earlier results, and the file to append new ones to.
    pub state: Option<State>,
    /// Set to stop: running plans take the best found so far, and no others are begun.
    pub is_stopped: Arc<AtomicBool>,
}

/// A size to plan, after the two tasks for the sizes around it.
struct Task {
    series: usize,
    size: usize,
    between: Option<(usize, usize)>,
}

struct Shared {
    is_taken: Vec<bool>,
    outcomes: Vec<Option<Outcome>>,
    state: Option<State>,
    error: Option<String>,
}

/// Plans all sizes, and returns the outcomes by series and size.
///
/// # Errors
/// A message if the state cannot be written.
pub fn run(all: &[Series], setting: Setting) -> Result<Vec<Vec<Outcome>>, String> {
    let tasks: Vec<Task> = tasks(all);
    let keys: Vec<Key> = all.iter().map(Key::of).collect();
    let bar = ProgressBar::new(tasks.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} ({elapsed}, {eta} left)");
    bar.set_style(style.expect("the template is well-formed"));
    bar.enable_steady_tick(Duration::from_millis(200));
    let Setting { time_limit, jobs, state, is_stopped } = setting;
    let shared = Shared { is_taken: vec![false; tasks.len()], outcomes: vec![None; tasks.len()], state, error: None };
    let shared = (Mutex::new(shared), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(tasks.len()) {
            scope.spawn(|| work(all, &keys, &tasks, time_limit, &is_stopped, &bar, &shared));
        }
    });
    bar.finish_and_clear();
    let shared = shared.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = shared.error {
        return Err(error);
    }
    let mut outcomes: Vec<Vec<Outcome>> = all.iter().map(|it| vec![Outcome::TooSmall; it.sizes.len()]).collect();
    for (task, outcome) in tasks.iter().zip(shared.outcomes) {
        outcomes[task.series][task.size] = outcome.unwrap_or(Outcome::Open);
    }
    Ok(outcomes)
}

/// The tasks for all sizes that are large enough: the ends of each series, then the middles.
fn tasks(all: &[Series]) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut halves: Vec<(usize, usize)> = Vec::new();
    for (index, series) in all.iter().enumerate() {
        let first = series.sizes.partition_point(|it| *it < series.least());
        let Some(last) = series.sizes.len().checked_sub(1).filter(|it| first <= *it) else { continue };
        tasks.push(Task { series: index, size: first, between: None });
        if first < last {
            tasks.push(Task { series: index, size: last, between: None });
            halves.push((tasks.len() - 2, tasks.len() - 1));
        }
    }
    let mut next = 0;
    while let Some(&(low, high)) = halves.get(next) {
        next += 1;
        let size = tasks[low].size.midpoint(tasks[high].size);
        if size != tasks[low].size {
            tasks.push(Task { series: tasks[low].series, size, between: Some((low, high)) });
            halves.extend([(low, tasks.len() - 1), (tasks.len() - 1, high)]);
        }
    }
    tasks
}

fn work(
    all: &[Series],
    keys: &[Key],
    tasks: &[Task],
    time_limit: Duration,
    is_stopped: &AtomicBool,
    bar: &ProgressBar,
    shared: &(Mutex<Shared>, Condvar),
) {
    let lock = || shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut held = lock();
    while let Some((at, guard)) = next(tasks, held, is_stopped, &shared.1) {
        held = guard;
        let Task { series: index, size, between } = &tasks[at];
        let series = &all[*index];
        let scratchpad = series.sizes[*size];
        let known = between.and_then(|it| known_between(tasks, &held.outcomes, it)).or_else(|| {
            let found = held.state.as_ref()?.find(&keys[*index], scratchpad, time_limit)?;
            Some(Outcome::Found(found))
        });
        let outcome = match known {
            Some(known) => known,
            None => {
                drop(held);
                bar.set_message(format!("at {scratchpad} B"));
                let outcome = plan_at(series, scratchpad, time_limit, is_stopped);
                held = lock();
                // One that was stopped had less time than it says.
                if let (Outcome::Found(found), Some(state)) = (&outcome, &mut held.state)
                    && !is_stopped.load(Ordering::Relaxed)
                    && let Err(error) = state.add(&keys[*index], series, scratchpad, time_limit, found)
                {
                    held.error = Some(format!("cannot write the state: {error}"));
                }
                outcome
            }
        };
        held.outcomes[at] = Some(outcome);
        bar.inc(1);
        shared.1.notify_all();
    }
}

/// Takes the first task that is ready, after waiting for one if necessary. Returns `None` if all tasks are
/// taken, the sweep was stopped, or an error occurred.
fn next<'a>(
    tasks: &[Task],
    mut held: MutexGuard<'a, Shared>,
    is_stopped: &AtomicBool,
    changed: &Condvar,
) -> Option<(usize, MutexGuard<'a, Shared>)> {
    loop {
        if held.error.is_some() || is_stopped.load(Ordering::Relaxed) || held.is_taken.iter().all(|it| *it) {
            return None;
        }
        let is_done = |it: usize| held.outcomes[it].is_some();
        let is_ready =
            |it: &usize| !held.is_taken[*it] && tasks[*it].between.is_none_or(|it| is_done(it.0) && is_done(it.1));
        match (0..tasks.len()).find(is_ready) {
            Some(at) => {
                held.is_taken[at] = true;
                return Some((at, held));
            }
            None => held = changed.wait(held).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// The outcome for all sizes between two, if the plan for the smaller meets the bound for the larger.
fn known_between(tasks: &[Task], outcomes: &[Option<Outcome>], (low, high): (usize, usize)) -> Option<Outcome> {
    let (plan_from, non_compulsory) = match outcomes[low].as_ref()? {
        Outcome::Found(found) => (tasks[low].size, found.non_compulsory),
        Outcome::Between { plan_from, non_compulsory, .. } => (*plan_from, *non_compulsory),
        Outcome::TooSmall | Outcome::Fault(_) | Outcome::Open => return None,
    };
    let (bound_from, lower_bound) = match outcomes[high].as_ref()? {
        Outcome::Found(found) => (tasks[high].size, found.lower_bound),
        Outcome::Between { bound_from, non_compulsory, .. } => (*bound_from, *non_compulsory),
        Outcome::TooSmall | Outcome::Fault(_) | Outcome::Open => return None,
    };
    (non_compulsory == lower_bound).then_some(Outcome::Between { plan_from, bound_from, non_compulsory })
}

fn plan_at(series: &Series, scratchpad: Bytes, time_limit: Duration, is_stopped: &AtomicBool) -> Outcome {
    match &series.network {
        Some(network) => plan_tiled(series, network, scratchpad, time_limit, is_stopped),
        None => plan_whole(series, &series.at(scratchpad), time_limit, is_stopped),
    }
}

/// A watcher that stops planning once the flag is set.
pub fn until(is_stopped: &AtomicBool) -> impl Fn(&Progress) -> ControlFlow<()> + Sync {
    |_| if is_stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Plans whole operators.
pub fn plan_whole(series: &Series, problem: &Problem, time_limit: Duration, is_stopped: &AtomicBool) -> Outcome {
    let options = Options { solver: series.solver, order: series.order, time_limit, ..Options::default() };
    let start = Instant::now();
    let watcher = until(is_stopped);
    let solution = match plan_watched(problem, &options, &watcher) {
        Ok(solution) => solution,
        Err(Error::ScratchpadTooSmall { .. }) => return Outcome::TooSmall,
        Err(error) => return Outcome::Fault(error.to_string()),
    };
    let seconds = start.elapsed().as_secs_f64();
    let (claimed, lower_bound) = (solution.non_compulsory, solution.lower_bound);
    match judge(problem, &solution.plan) {
        Ok(moved) if moved != claimed || claimed < lower_bound => {
            Outcome::Fault(format!("the plan moves {moved} B and claims {claimed} B, at least {lower_bound} B"))
        }
        Ok(_) => {
            let solver = solution.solver;
            Outcome::Found(Found { non_compulsory: claimed, lower_bound, solver, n_tiles: None, seconds })
        }
        Err(fault) => Outcome::Fault(fault),
    }
}
