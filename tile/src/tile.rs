//! From a network to a program in tiles: which plan becomes the program.

use crate::bound::{Bounds, bounds};
use crate::candidates::candidates;
use crate::{Network, StripePlan, TileError, TileProgram, expand};
use cosma_planner::{Bytes, Deadline, Options, Order, plan};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// The share of the time left that the trial of a program may take.
const SHARE_OF_TRIAL: f64 = 0.5;
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
/// Plans in two orders, for the scratchpad and for a little less, are tried as long as there is time for another
/// one: one is chosen while the program of the one before is planned. As long as no program has addresses, more are
/// tried however late it gets.
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
    /// The first of those that move least, as soon as there can be nothing better.
    ///
    /// Of each it says whether its program has addresses, if anybody wants to know.
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

    /// A stripe plan as a program; none if that has no plan with addresses.
    fn trial(&self, chosen: StripePlan) -> Option<Tiled> {
        let program = expand(self.network, &chosen);
        let time_limit = self.deadline.part(SHARE_OF_TRIAL).left().unwrap_or(LONGEST);
        let options = Options { order: Order::Source, time_limit, ..Options::default() };
        let solution = plan(&program.problem, &options).ok()?;
        Some(Tiled { plan: chosen, program, non_compulsory: solution.non_compulsory, bounds: self.bounds })
    }
}
