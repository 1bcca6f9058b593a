//! `--tile`: a network in the tiles that suit a scratchpad best, as `cosma-opt --tile --allocate` makes them.

use crate::run::{Found, Outcome, plan_whole, until};
use crate::series::Series;
use cosma::Bytes;
use cosma_planner::{Deadline, Options, plan_watched};
use cosma_tile::{Network, TileError, bounds, tile};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Plans a network in tiles, and whole where that fits, and takes what moves less. The lower bound is one on all
/// tilings, so that it holds for other sizes of the scratchpad and their tiles, too.
pub fn plan_tiled(
    series: &Series,
    network: &Network,
    scratchpad: Bytes,
    time_limit: Duration,
    is_stopped: &AtomicBool,
) -> Outcome {
    let start = Instant::now();
    let mut network = network.clone();
    network.problem = series.at(scratchpad);
    let lower_bound = bounds(&network).all_tilings.saturating_sub(network.problem.compulsory());
    let whole = match plan_whole(series, &network.problem, time_limit, is_stopped) {
        Outcome::Found(found) => Some(Found { lower_bound, n_tiles: None, ..found }),
        Outcome::Fault(text) => return Outcome::Fault(text),
        Outcome::TooSmall | Outcome::Between { .. } | Outcome::Open => None,
    };
    if let Some(found) = whole.filter(|it| it.non_compulsory == lower_bound) {
        return checked(found);
    }
    let tiled = match (tile(&network, Deadline::after(time_limit)), whole) {
        (Ok(tiled), _) => tiled,
        (Err(_), Some(whole)) => return checked(whole),
        (Err(TileError::TooSmall { .. } | TileError::NoProgram { .. }), None) => return Outcome::TooSmall,
        (Err(error), None) => return Outcome::Fault(error.to_string()),
    };
    let problem = &tiled.program.problem;
    let options = Options { solver: series.solver, order: series.order, time_limit, ..Options::default() };
    let watcher = until(is_stopped);
    let solution = match plan_watched(problem, &options, &watcher) {
        Ok(solution) => solution,
        Err(error) => return Outcome::Fault(error.to_string()),
    };
    let found = Found {
        non_compulsory: solution.non_compulsory,
        lower_bound,
        solver: solution.solver,
        n_tiles: Some(problem.graph.ops().len() as u64),
        seconds: start.elapsed().as_secs_f64(),
    };
    match cosma_commands::judge::judge(problem, &solution.plan) {
        Ok(moved) if moved != found.non_compulsory => {
            Outcome::Fault(format!("the plan moves {moved} B and claims {} B", found.non_compulsory))
        }
        Ok(_) => checked(whole.filter(|it| it.non_compulsory <= found.non_compulsory).unwrap_or(found)),
        Err(fault) => Outcome::Fault(fault),
    }
}

/// A result, unless it moves less than is proven.
fn checked(found: Found) -> Outcome {
    let Found { non_compulsory, lower_bound, .. } = found;
    if lower_bound <= non_compulsory {
        return Outcome::Found(found);
    }
    Outcome::Fault(format!("the plan moves {non_compulsory} B, at least {lower_bound} B are proven"))
}
