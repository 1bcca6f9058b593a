//! From a network to a program in tiles: which plan becomes the program.

use crate::bound::{Bounds, bounds};
use crate::choose::choose;
use crate::expand::expand;
use crate::flow::Flow;
use crate::stripes::Groups;
use crate::table::Table;
use crate::{Network, StripePlan, TileError, TileProgram};
use cosma_planner::{Bytes, Deadline, Options, Order, plan};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// What stripe plans leave of the scratchpad, in 64ths, in the order in which they are tried.
///
/// They count rooms, and addresses may need a little more. And where less is left, there are more and smaller pieces,
/// of which replacement can keep some: an eighth to a quarter less is often better than nothing.
const SLACK: [u64; 8] = [0, 1, 12, 4, 2, 8, 16, 6];
/// The shares of the time left that a choice may take, and then the trial of its program.
const SHARE_OF_CHOICE: f64 = 0.5;
const SHARE_OF_TRIAL: f64 = 0.5;
/// How many times as much as the chosen plan a plan by rule may move so that its program is tried, too.
const WORTH_A_TRIAL: f64 = 1.1;
/// How long all of it may take, however much time there is: later trials bring little.
const LONGEST: Duration = Duration::from_secs(8);

/// A network in tiles.
#[derive(Clone, Debug)]
pub struct Tiled {
    /// In which pieces it runs.
    pub plan: StripePlan,
    /// The same as a problem.
    pub program: TileProgram,
    /// Non-compulsory bytes of the program's plan in source order, as far as it was looked for.
    pub non_compulsory: Bytes,
    /// What no tiling avoids.
    pub bounds: Bounds,
}

impl Tiled {
    /// All that it moves.
    fn moved(&self) -> Bytes {
        self.program.problem.compulsory() + self.non_compulsory
    }

    /// Whether nothing better is to be found.
    fn is_best(&self) -> bool {
        self.non_compulsory == Bytes::ZERO || self.moved() <= self.bounds.all_tilings
    }
}

/// Cuts a network into tiles so that it moves least.
///
/// Plans for the scratchpad and for a little less are tried, as long as there is time for another one: one is chosen
/// while the program of the one before is planned.
///
/// # Errors
/// [`TileError`].
pub fn tile(network: &Network, deadline: Deadline) -> Result<Tiled, TileError> {
    network.check()?;
    let deadline = deadline.within(LONGEST);
    let flow = Flow::new(network);
    let is_best_known = AtomicBool::new(false);
    let (sender, receiver) = sync_channel(0);
    let (error, best) = thread::scope(|scope| {
        let trials = scope.spawn(|| {
            let trials = Trials { bounds: bounds(network), deadline };
            let best = trials.best(&flow, receiver);
            is_best_known.store(true, Ordering::Relaxed);
            best
        });
        let error = choose_some(&flow, deadline.unless(&is_best_known), sender);
        (error, trials.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let scratchpad = Bytes(flow.scratchpad);
    best.ok_or_else(|| error.unwrap_or(TileError::NoProgram { scratchpad }))
}

/// Chooses plans and hands them over, until nobody takes them any more or there is no time for another one. An
/// error if a share of the scratchpad is too small.
fn choose_some(flow: &Flow, deadline: Deadline, plans: SyncSender<StripePlan>) -> Option<TileError> {
    let groups = Groups::new(flow, deadline.part(SHARE_OF_CHOICE));
    let mut chosen: Vec<StripePlan> = Vec::new();
    let mut longest = Duration::ZERO;
    for slack in SLACK {
        if !chosen.is_empty() && deadline.left().is_some_and(|it| it <= longest) {
            break;
        }
        let start = Instant::now();
        let flow = flow.within(flow.scratchpad - flow.scratchpad / 64 * slack);
        let table = Table::new(&flow, &groups);
        let plan = match choose(&table, deadline.part(SHARE_OF_CHOICE)) {
            Ok(it) => it,
            Err(it) => return Some(it),
        };
        longest = longest.max(start.elapsed());
        // What replacement keeps is counted for none of them.
        let likely = Bytes((plan.non_compulsory.0 as f64 * WORTH_A_TRIAL) as u64);
        let by_rule: Vec<&StripePlan> = match plan.non_compulsory {
            Bytes::ZERO => Vec::new(),
            _ => table.by_rule().filter(|it| it.non_compulsory <= likely).collect(),
        };
        for plan in [&plan].into_iter().chain(by_rule) {
            if !chosen.contains(plan) {
                chosen.push(plan.clone());
                plans.send(plan.clone()).ok()?;
            }
        }
    }
    None
}

/// Programs of stripe plans, planned.
struct Trials<'a> {
    bounds: Bounds,
    deadline: Deadline<'a>,
}

impl Trials<'_> {
    /// The first of those that move least, as soon as there can be nothing better.
    fn best(&self, flow: &Flow, plans: Receiver<StripePlan>) -> Option<Tiled> {
        let mut best: Option<Tiled> = None;
        for plan in plans {
            let Some(tiled) = self.trial(flow, plan) else { continue };
            if best.as_ref().is_none_or(|it| tiled.moved() < it.moved()) {
                best = Some(tiled);
            }
            if best.as_ref().is_some_and(Tiled::is_best) {
                break;
            }
        }
        best
    }

    /// A stripe plan as a program; none if that has no plan with addresses.
    fn trial(&self, flow: &Flow, chosen: StripePlan) -> Option<Tiled> {
        let program = expand(flow, &chosen);
        let time_limit = self.deadline.part(SHARE_OF_TRIAL).left().unwrap_or(LONGEST);
        let options = Options { order: Order::Source, time_limit, ..Options::default() };
        let solution = plan(&program.problem, &options).ok()?;
        Some(Tiled { plan: chosen, program, non_compulsory: solution.non_compulsory, bounds: self.bounds })
    }
}
