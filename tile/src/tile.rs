//! From a network to a program in tiles: which plan becomes the program.

use crate::bound::{Bounds, bounds};
use crate::choose::choose;
use crate::expand::expand;
use crate::flow::Flow;
use crate::stripes::Groups;
use crate::{Network, StripePlan, TileError, TileProgram};
use cosma_planner::{Bytes, Deadline, Options, Order, plan};
use std::time::{Duration, Instant};

/// What stripe plans leave of the scratchpad, in 64ths, in the order in which they are tried.
///
/// They count rooms, and addresses may need a little more. And where less is left, there are more and smaller pieces,
/// of which replacement can keep some: an eighth to a quarter less is often better than nothing.
const SLACK: [u64; 8] = [0, 1, 12, 4, 2, 8, 16, 6];
/// The shares of the time left that a choice may take, and then the trial of its program.
const SHARE_OF_CHOICE: f64 = 0.5;
const SHARE_OF_TRIAL: f64 = 0.3;
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
/// Plans for the scratchpad and for a little less are tried, as long as there is time for another one.
///
/// # Errors
/// [`TileError`].
pub fn tile(network: &Network, deadline: Deadline) -> Result<Tiled, TileError> {
    network.check()?;
    let deadline = deadline.within(LONGEST);
    let flow = Flow::new(network);
    let groups = Groups::new(&flow, deadline.part(SHARE_OF_CHOICE));
    let bounds = bounds(network);
    let mut best: Option<Tiled> = None;
    let mut error = None;
    let mut longest = Duration::ZERO;
    for slack in SLACK {
        if best.is_some() && deadline.left().is_some_and(|it| it <= longest) {
            break;
        }
        let start = Instant::now();
        let flow = flow.within(flow.scratchpad - flow.scratchpad / 64 * slack);
        let chosen = match choose(&flow, &groups, deadline.part(SHARE_OF_CHOICE)) {
            Ok(it) => it,
            Err(it) => {
                error = error.or(Some(it));
                break;
            }
        };
        longest = longest.max(start.elapsed());
        let Some(tiled) = trial(&flow, chosen, bounds, deadline) else { continue };
        if best.as_ref().is_none_or(|it| tiled.moved() < it.moved()) {
            best = Some(tiled);
        }
        if best.as_ref().is_some_and(Tiled::is_best) {
            break;
        }
    }
    let scratchpad = Bytes(flow.scratchpad);
    best.ok_or_else(|| error.unwrap_or(TileError::NoProgram { scratchpad }))
}

/// A stripe plan as a program; none if that has no plan with addresses.
fn trial(flow: &Flow, chosen: StripePlan, bounds: Bounds, deadline: Deadline) -> Option<Tiled> {
    let program = expand(flow, &chosen);
    let time_limit = deadline.part(SHARE_OF_TRIAL).left().unwrap_or(LONGEST);
    let options = Options { order: Order::Source, time_limit, ..Options::default() };
    let solution = plan(&program.problem, &options).ok()?;
    Some(Tiled { plan: chosen, program, non_compulsory: solution.non_compulsory, bounds })
}
