//! From a network to a program in tiles: which plan becomes the program.

use crate::bound::{Bounds, bounds};
use crate::choose::choose;
use crate::expand::expand;
use crate::flow::Flow;
use crate::{Network, StripePlan, TileError, TileProgram};
use cosma_planner::{Bytes, Deadline, Options, Order, plan};
use std::time::Duration;

/// What a stripe plan leaves of the scratchpad, in 64ths: it counts rooms, and addresses may need a little more.
const SLACK: [u64; 6] = [0, 1, 2, 4, 8, 16];
/// The shares of the time left that a choice may take, and then the trial of its program.
const SHARE_OF_CHOICE: f64 = 0.5;
const SHARE_OF_TRIAL: f64 = 0.4;
/// How long a trial may take where there is no time limit.
const LONG: Duration = Duration::from_secs(60);

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

/// Cuts a network into tiles so that it moves least.
///
/// Stripe plans count rooms; a program's pieces also need addresses. So plans for a little less than the scratchpad
/// are tried as well, until one has addresses at its cost.
///
/// # Errors
/// [`TileError`].
pub fn tile(network: &Network, deadline: Deadline) -> Result<Tiled, TileError> {
    network.check()?;
    let scratchpad = network.problem.machine.scratchpad();
    let bounds = bounds(network);
    let mut best: Option<Tiled> = None;
    let mut error = None;
    for slack in SLACK {
        if best.is_some() && deadline.has_passed() {
            break;
        }
        let flow = Flow::new(network, Bytes(scratchpad.0 - scratchpad.0 / 64 * slack));
        let chosen = match choose(&flow, deadline.part(SHARE_OF_CHOICE)) {
            Ok(it) => it,
            Err(it) => {
                error = error.or(Some(it));
                break;
            }
        };
        let program = expand(&flow, &chosen);
        let time_limit = deadline.part(SHARE_OF_TRIAL).left().unwrap_or(LONG);
        let options = Options { order: Order::Source, time_limit, ..Options::default() };
        let Ok(solution) = plan(&program.problem, &options) else { continue };
        let non_compulsory = solution.non_compulsory;
        let has_settled = solution.fragmentation == Bytes::ZERO;
        if best.as_ref().is_none_or(|it| non_compulsory < it.non_compulsory) {
            best = Some(Tiled { plan: chosen, program, non_compulsory, bounds });
        }
        if has_settled {
            break;
        }
    }
    best.ok_or_else(|| error.unwrap_or(TileError::NoProgram { scratchpad }))
}
