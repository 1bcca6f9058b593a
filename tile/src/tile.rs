//! Converts a network to a program in tiles: chooses the plan to use.

use crate::bound::{Bounds, bounds};
use crate::candidates::candidates;
use crate::{Network, StripePlan, TileError, TileProgram, expand};
use cosma_planner::{Bytes, Deadline, Options, Order, plan};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// The share of the remaining time for the trial of a program.
const SHARE_OF_TRIAL: f64 = 0.5;
/// The limit on the time for all trials, however much time there is: later trials bring little.
const LONGEST: Duration = Duration::from_secs(8);

/// A network in tiles.
#[derive(Clone, Debug)]
pub struct Tiled {
    /// Its stripe plan.
    pub plan: StripePlan,
    /// The program as a problem.
    pub program: TileProgram,
    /// Non-compulsory bytes of the program's plan in source order, if one was made.
    pub non_compulsory: Bytes,
    /// The bytes that every tiling moves.
    pub bounds: Bounds,
}

impl Tiled {
    /// All bytes that the program moves.
    fn moved(&self) -> Bytes {
        self.program.problem.compulsory() + self.non_compulsory
    }

    /// Whether no better tiling exists.
    fn is_best(&self) -> bool {
        self.non_compulsory == Bytes::ZERO || self.moved() <= self.bounds.all_tilings
    }
}

/// Splits a network into the tiles that move least.
///
/// As long as there is time, plans in two orders are tried, for the whole scratchpad and for slightly less. The next
/// plan is chosen while the previous program is planned. Until a program has addresses, more are tried even after the
/// deadline.
///
/// # Errors
/// [`TileError`].
pub fn tile(network: &Network, deadline: Deadline) -> Result<Tiled, TileError> {
    network.check()?;
    let deadline = deadline.within(LONGEST);
    let is_best_known = AtomicBool::new(false);
    let ((plan_sender, plans), (verdict_sender, verdicts)) = (sync_channel(0), channel());
    let (error, best) = thread::scope(|scope| {
        let trials = scope.spawn(|| {
            let trials = Trials { network, bounds: bounds(network), deadline };
            let best = trials.best(plans, verdict_sender);
            is_best_known.store(true, Ordering::Relaxed);
            best
        });
        let error = candidates(network, deadline.unless(&is_best_known), &plan_sender, &verdicts).err();
        drop(plan_sender);
        (error, trials.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let scratchpad = network.problem.machine.scratchpad();
    best.ok_or_else(|| error.unwrap_or(TileError::NoProgram { scratchpad }))
}

/// Programs of stripe plans, planned.
struct Trials<'a> {
    network: &'a Network,
    bounds: Bounds,
    deadline: Deadline<'a>,
}

impl Trials<'_> {
    /// The first program that moves least, as soon as none can be better.
    ///
    /// Reports for each program whether it has addresses.
    fn best(&self, plans: Receiver<StripePlan>, verdicts: Sender<bool>) -> Option<Tiled> {
        let mut best: Option<Tiled> = None;
        for plan in plans {
            let tiled = self.trial(plan);
            let _ = verdicts.send(tiled.is_some());
            let Some(tiled) = tiled else { continue };
            if best.as_ref().is_none_or(|it| tiled.moved() < it.moved()) {
                best = Some(tiled);
            }
            if best.as_ref().is_some_and(Tiled::is_best) {
                break;
            }
        }
        best
    }

    /// A stripe plan as a program; `None` if that has no plan with addresses.
    fn trial(&self, chosen: StripePlan) -> Option<Tiled> {
        let program = expand(self.network, &chosen);
        let time_limit = self.deadline.part(SHARE_OF_TRIAL).left().unwrap_or(LONGEST);
        let options = Options { order: Order::Source, time_limit, ..Options::default() };
        let solution = plan(&program.problem, &options).ok()?;
        Some(Tiled { plan: chosen, program, non_compulsory: solution.non_compulsory, bounds: self.bounds })
    }
}
