//! Plans every size of every series, several at once, and judges each plan.
//!
//! A plan for one scratchpad is one for each that is larger, and a bound that is proven for one holds
//! for each that is smaller. So of each series both ends are planned first, then what lies halfway
//! between two that are known, and so on; and where the plan of the smaller of these two moves no more
//! than is proven for the larger, everything between them is known, too. Whether a size is planned
//! depends on these two alone, not on who is ready first: outcomes are the same with any number of jobs.

use crate::judge::judge;
use crate::series::Series;
use crate::state::{Key, State};
use cosma::{Bytes, Solver};
use cosma_planner::{Options, plan};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What planning came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Bytes besides what every plan moves.
    pub non_compulsory: Bytes,
    /// No plan moves less besides; proven.
    pub lower_bound: Bytes,
    /// Who made the plan.
    pub solver: Solver,
    /// What planning took.
    pub seconds: f64,
}

/// What became of a size.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was planned, now or before.
    Found(Found),
    /// All that lies between these two sizes of the series moves the same.
    Between { plan_from: usize, bound_from: usize, non_compulsory: Bytes },
    /// An operator alone needs more.
    TooSmall,
    /// The judge refuses the plan, or there is none.
    Fault(String),
}

/// How it is done.
pub struct Setting {
    /// For each plan.
    pub time_limit: Duration,
    /// Plans at once.
    pub jobs: usize,
    /// What was found before, and where to write what is found.
    pub state: Option<State>,
}

/// A size that is to be planned, when the two tasks between which it lies are done.
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

/// Outcomes by series and size.
///
/// # Errors
/// A sentence, where the state cannot be written.
pub fn run(all: &[Series], setting: Setting) -> Result<Vec<Vec<Outcome>>, String> {
    let tasks: Vec<Task> = tasks(all);
    let keys: Vec<Key> = all.iter().map(Key::of).collect();
    let bar = ProgressBar::new(tasks.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} ({elapsed}, {eta} left)");
    bar.set_style(style.expect("the template is well-formed"));
    bar.enable_steady_tick(Duration::from_millis(200));
    let Setting { time_limit, jobs, state } = setting;
    let shared = Shared { is_taken: vec![false; tasks.len()], outcomes: vec![None; tasks.len()], state, error: None };
    let shared = (Mutex::new(shared), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(tasks.len()) {
            scope.spawn(|| work(all, &keys, &tasks, time_limit, &bar, &shared));
        }
    });
    bar.finish_and_clear();
    let shared = shared.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = shared.error {
        return Err(error);
    }
    let mut outcomes: Vec<Vec<Outcome>> = all.iter().map(|it| vec![Outcome::TooSmall; it.sizes.len()]).collect();
    for (task, outcome) in tasks.iter().zip(shared.outcomes) {
        outcomes[task.series][task.size] = outcome.expect("all tasks are done");
    }
    Ok(outcomes)
}

/// The sizes that are large enough: of each series the ends, then what is halfway.
fn tasks(all: &[Series]) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut halves: Vec<(usize, usize)> = Vec::new();
    for (index, series) in all.iter().enumerate() {
        let first = series.sizes.partition_point(|it| *it < series.min);
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
    bar: &ProgressBar,
    shared: &(Mutex<Shared>, Condvar),
) {
    let lock = || shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut held = lock();
    while let Some((at, guard)) = next(tasks, held, &shared.1) {
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
                let outcome = plan_at(series, scratchpad, time_limit);
                held = lock();
                if let (Outcome::Found(found), Some(state)) = (&outcome, &mut held.state)
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

/// Takes the first task that is ready, waiting for others as long as need be; none if all are taken,
/// or there is no sense in going on.
fn next<'a>(
    tasks: &[Task],
    mut held: MutexGuard<'a, Shared>,
    changed: &Condvar,
) -> Option<(usize, MutexGuard<'a, Shared>)> {
    loop {
        if held.error.is_some() || held.is_taken.iter().all(|it| *it) {
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

/// What is known of all sizes between two, if the plan for the smaller is no worse than what is proven
/// for the larger.
fn known_between(tasks: &[Task], outcomes: &[Option<Outcome>], (low, high): (usize, usize)) -> Option<Outcome> {
    let (plan_from, non_compulsory) = match outcomes[low].as_ref()? {
        Outcome::Found(found) => (tasks[low].size, found.non_compulsory),
        Outcome::Between { plan_from, non_compulsory, .. } => (*plan_from, *non_compulsory),
        Outcome::TooSmall | Outcome::Fault(_) => return None,
    };
    let (bound_from, lower_bound) = match outcomes[high].as_ref()? {
        Outcome::Found(found) => (tasks[high].size, found.lower_bound),
        Outcome::Between { bound_from, non_compulsory, .. } => (*bound_from, *non_compulsory),
        Outcome::TooSmall | Outcome::Fault(_) => return None,
    };
    (non_compulsory == lower_bound).then_some(Outcome::Between { plan_from, bound_from, non_compulsory })
}

fn plan_at(series: &Series, scratchpad: Bytes, time_limit: Duration) -> Outcome {
    let problem = series.at(scratchpad);
    let options = Options { solver: series.solver, order: series.order, time_limit, ..Options::default() };
    let start = Instant::now();
    let solution = match plan(&problem, &options) {
        Ok(solution) => solution,
        Err(error) => return Outcome::Fault(error.to_string()),
    };
    let seconds = start.elapsed().as_secs_f64();
    let (claimed, lower_bound) = (solution.non_compulsory, solution.lower_bound);
    match judge(&problem, &solution.plan) {
        Ok(moved) if moved != claimed || claimed < lower_bound => {
            Outcome::Fault(format!("the plan moves {moved} B and claims {claimed} B, at least {lower_bound} B"))
        }
        Ok(_) => Outcome::Found(Found { non_compulsory: claimed, lower_bound, solver: solution.solver, seconds }),
        Err(fault) => Outcome::Fault(fault),
    }
}
