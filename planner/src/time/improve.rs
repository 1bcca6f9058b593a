//! Local search over places: some blocks around a stall are removed and placed again, and faster programs are kept.
//!
//! Ruin and recreate (Schrimpf and others, 2000), with the estimated makespan as the cost.

use super::arrange::{Arrangement, Turn, arrange};
use super::earliest::earliest_by_addresses;
use super::effort::Effort;
use super::order::Order;
use super::overlap::Found;
use super::place::{Side, Wishes, is_alone, place_again};
use super::transfers::Transfers;
use crate::pack::random::Random;
use crate::{Error, Plan, Problem};

/// The limit of consecutive programs without an improvement.
const MOST_IN_VAIN: usize = 300;

/// The maximum number of steps before a stall in which blocks are placed again.
const WIDEST: u64 = 24;

/// The blocks to place again.
#[derive(Clone, Copy)]
enum Scope {
    /// Loads that are due in some steps.
    Loads,
    /// Tensors that are loaded or computed in some steps.
    Blocks,
    /// Everything that is present in some steps.
    All,
}

/// Places blocks again around stalls, as long as that helps and is needed.
pub(super) fn improve(
    problem: &Problem,
    transfers: &Transfers,
    wishes: &Wishes<'_>,
    best: &mut Found,
    is_enough: impl Fn(&Found) -> bool,
    effort: &Effort,
) -> Result<(), Error> {
    let is_alone = is_alone(problem, &best.plan);
    let mut random = Random::new();
    let mut in_vain = 0;
    while in_vain < MOST_IN_VAIN && !is_enough(best) && !effort.is_spent() {
        in_vain += 1;
        let Some(step) = stall(&best.arrangement, &mut random) else { return Ok(()) };
        let width = 1 + random.below(WIDEST) as usize;
        let steps = step.saturating_sub(width)..=step + width / 2;
        let scope = [Scope::Loads, Scope::Loads, Scope::Blocks, Scope::All][random.below(4) as usize];
        let mut is_moved: Vec<bool> = vec![false; is_alone.len()];
        for (index, residency) in best.plan.residencies.iter().enumerate() {
            let (start, end) = (residency.steps.start.index(), residency.steps.end.index());
            is_moved[index] = is_alone[index]
                && match scope {
                    Scope::Loads => wishes.is_load(index) && steps.contains(&start),
                    Scope::Blocks => steps.contains(&start),
                    Scope::All => start <= *steps.end() && *steps.start() < end,
                };
        }
        let side = || Side::ALL[random.below(Side::ALL.len() as u64) as usize];
        let Some(plan) = place_again(problem, &best.plan, wishes, &is_moved, side) else { continue };
        if plan == best.plan {
            continue;
        }
        let found = arranged(problem, plan, transfers, wishes, best.turn)?;
        effort.spend(found.arrangement.lines.len());
        if found.arrangement.makespan < best.arrangement.makespan {
            in_vain = 0;
        }
        // An equally fast program may lead to a faster one.
        if found.arrangement.makespan <= best.arrangement.makespan {
            *best = found;
        }
    }
    Ok(())
}

/// The program at these addresses, by one rule for outgoing transfers.
fn arranged(
    problem: &Problem,
    plan: Plan,
    transfers: &Transfers,
    wishes: &Wishes<'_>,
    turn: Turn,
) -> Result<Found, Error> {
    let order = Order::by_addresses(problem, &plan, transfers);
    let (slices, since) = earliest_by_addresses(problem, &plan, transfers, wishes.slices);
    let arrangement = arrange(transfers, &slices, &since, &order, turn)?;
    Ok(Found { plan, slices, arrangement, turn })
}

/// A random step whose operator must wait; longer waits are more likely.
fn stall(arrangement: &Arrangement, random: &mut Random) -> Option<usize> {
    let begins = arrangement.begins();
    let waits = || arrangement.steps.iter().zip(&begins).map(|(step, begin)| step.0.saturating_sub(*begin).0);
    let sum: u64 = waits().fold(0, u64::saturating_add);
    if sum == 0 {
        return None;
    }
    let mut left = random.below(sum);
    waits().position(|it| {
        let is_it = left < it;
        left = left.saturating_sub(it);
        is_it
    })
}
