//! The latest start of each load without delay for anything.
//!
//! A load that begins as soon as possible occupies the scratchpad for long, and then hardly any addresses fit. So from
//! the end of the program backwards, each slice begins as late as the next transfer of its channel and its own operator
//! allow, given the start times of operators in the arrangement.

use super::arrange::{Arrangement, Line};
use super::order::Order;
use super::slices::LoadSlice;
use super::transfers::Transfers;
use crate::{Cycles, Error};

/// By slice: the latest step before whose operator it can begin. Only the starts of slices are delayed.
pub(super) fn latest(
    transfers: &Transfers,
    slices: &[LoadSlice],
    order: &Order,
    arrangement: &Arrangement,
) -> Result<Vec<usize>, Error> {
    let Transfers { inward, outward, steps, .. } = transfers;
    let n_steps = steps.len();
    let begin = |step: usize| arrangement.steps.get(step).map_or(arrangement.makespan, |it| it.0);
    let mut since = vec![0; slices.len()];
    // The times at which the inward and outward channels must have finished earlier transfers.
    let mut next = [arrangement.makespan; 2];
    // By outgoing transfer: the time at which it must be complete.
    let mut needed: Vec<Cycles> = order.blocks.iter().map(|it| it.map_or(arrangement.makespan, begin)).collect();
    for line in arrangement.lines.iter().rev() {
        match *line {
            Line::Load(slice) => {
                let LoadSlice { load, bytes, .. } = slices[slice];
                let due = transfers.loads[load].due;
                let end = next[0].min(begin(due).saturating_sub(inward.latency));
                let start = end.saturating_sub(inward.busy(bytes.size())?);
                next[0] = start;
                if transfers.is_one_channel() {
                    next[1] = start;
                }
                order.sources[load].iter().for_each(|it| needed[*it] = needed[*it].min(start));
                // Lines before the operator of a step begin when the operator of the previous step ends.
                let is_in_time = |step: &usize| *step == 0 || arrangement.steps[*step - 1].1 <= start;
                let (mut low, mut high) = (0, due.min(n_steps));
                while low < high {
                    let middle = (low + high).div_ceil(2);
                    if is_in_time(&middle) { low = middle } else { high = middle - 1 }
                }
                since[slice] = low;
            }
            Line::Back(back) => {
                let end = next[1].min(needed[back].saturating_sub(outward.latency));
                let start = end.saturating_sub(outward.busy(transfers.write_backs[back].size)?);
                next[1] = start;
                if transfers.is_one_channel() {
                    next[0] = start;
                }
            }
            Line::WaitForLoad(_) | Line::WaitForBack(_) | Line::Run(_) => {}
        }
    }
    Ok(since)
}
