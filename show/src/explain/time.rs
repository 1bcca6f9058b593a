//! How long a program takes on a machine with a clock, and why it stalls.

use crate::Exhibit;
use crate::timing::{Advice, Timed};
use crate::units::{bytes_text, counted, counted_off, plain};
use cosma_planner::time::{Reason, Stall};
use cosma_planner::{Action, Bytes, Copy, Cycles, MemoryId, Slice, Slot};
use std::cmp::Reverse;
use std::fmt::{self, Write};
use std::ops::Range;

/// The most stalls to list.
const MOST_STALLS: usize = 10;

pub(super) fn write(exhibit: &Exhibit, timed: &Timed, f: &mut String) -> fmt::Result {
    let timeline = &timed.timeline;
    let all = timeline.makespan;
    writeln!(f, "  {}{}", cycles(all), bound(exhibit, all))?;
    let stalled: Cycles = Reason::ALL.iter().map(|it| timeline.lost(*it)).sum();
    let rest = if stalled == Cycles::ZERO { String::new() } else { format!(", {} stalled", share(stalled, all)) };
    writeln!(f, "  {} computing{rest}", share(timeline.compute, all))?;
    if let Some(hidden) = timeline.hidden() {
        writeln!(f, "  {:.1} % of the time of all transfers is hidden behind operators", 100.0 * hidden)?;
    }
    let channels = exhibit.problem.machine.clock().map_or(&[][..], |it| &it.channels);
    for (channel, used) in channels.iter().zip(&timeline.channels) {
        let (bytes, busy) = (bytes_text(used.bytes), share(used.busy, all));
        writeln!(f, "  channel {}: {bytes}, busy for {busy}", plain(&channel.name))?;
    }
    if timeline.stalls.is_empty() {
        return Ok(());
    }
    writeln!(f, "\nWhat operators wait for")?;
    let mut lost: Vec<(Reason, Cycles)> = Reason::ALL.iter().map(|it| (*it, timeline.lost(*it))).collect();
    lost.retain(|it| it.1 != Cycles::ZERO);
    lost.sort_by_key(|it| (Reverse(it.1), it.0));
    for (reason, lost) in &lost {
        writeln!(f, "  {:10}  {:>9} cycles  {}", reason.to_string(), counted_off(lost.0), Advice(*reason))?;
    }
    writeln!(f, "\nWorst stalls")?;
    let mut stalls: Vec<&Stall> = timeline.stalls.iter().collect();
    stalls.sort_by_key(|it| (Reverse(it.cycles.end - it.cycles.start), it.line));
    for stall in stalls.iter().take(MOST_STALLS) {
        write_stall(exhibit, timed, stall, f)?;
    }
    if let Some(rest) = stalls.get(MOST_STALLS..).filter(|it| !it.is_empty()) {
        let lost: Cycles = rest.iter().map(|it| it.cycles.end - it.cycles.start).sum();
        writeln!(f, "  and {} more stalls, {} in total", rest.len(), cycles(lost))?;
    }
    Ok(())
}

/// How the cycles compare with the lower bound.
fn bound(exhibit: &Exhibit, all: Cycles) -> String {
    let Some(proof) = &exhibit.time else { return String::new() };
    let bound = proof.lower_bound;
    if all <= bound {
        return format!(": optimal, no program of {} is faster", plain(&proof.scope));
    }
    let gap = 100.0 * (all.0 - bound.0) as f64 / bound.0.max(1) as f64;
    format!(", {gap:.1} % more than the lower bound of {} for {}", counted_off(bound.0), plain(&proof.scope))
}

fn write_stall(exhibit: &Exhibit, timed: &Timed, stall: &Stall, f: &mut String) -> fmt::Result {
    let who = match timed.kept(exhibit, stall) {
        Some((line, op)) => {
            let is_run = |it: &&Action| matches!(it, Action::Run { .. });
            let step = exhibit.actions[..line].iter().filter(is_run).count();
            format!("step {step} ({})", plain(exhibit.operator_name(op)))
        }
        None => "the end".to_owned(),
    };
    let lost = cycles(stall.cycles.end - stall.cycles.start);
    let name = plain(exhibit.tensor_name(stall.tensor));
    writeln!(f, "  {who}: {lost} for {name} ({}), from {} on", stall.reason, counted_off(stall.cycles.start.0))?;
    match stall.reason {
        Reason::Place => write_holder(exhibit, timed, stall, f),
        _ => Ok(()),
    }
}

/// Writes which tensor occupied the destination of the transfer, and until when.
fn write_holder(exhibit: &Exhibit, timed: &Timed, stall: &Stall, f: &mut String) -> fmt::Result {
    let before = timed.transfers.iter().rev().find(|it| {
        let is_waited_for = it.wait == Some(stall.line) || it.line == stall.line;
        it.tensor == stall.tensor && is_waited_for
    });
    let Some((transfer, copy)) = before.and_then(|it| Some((it, it.copy?))) else { return Ok(()) };
    if copy.to.memory == MemoryId::HOME {
        return writeln!(f, "    it was still being copied out of its place, which was needed next");
    }
    let place = bytes_at(&copy, transfer.slice);
    let Some((holder, until)) = last_use(exhibit, timed, transfer.line, (copy.to.memory, &place)) else {
        return Ok(());
    };
    writeln!(f, "    its destination held {holder} until {}", counted_off(until.0))
}

/// The last use of some bytes of a memory before a line, and its end.
fn last_use(
    exhibit: &Exhibit,
    timed: &Timed,
    line: usize,
    (memory, place): (MemoryId, &Range<u64>),
) -> Option<(String, Cycles)> {
    let meets = |slot: &Slot| {
        let bytes = at(slot.offset().0, Slice { low: Bytes::ZERO, high: exhibit.size(slot.tensor) });
        slot.place.memory == memory && meet(&bytes, place)
    };
    let used = |(index, action): (usize, &Action)| {
        let end = timed.timeline.lines[index].end;
        match action {
            Action::Run { op, reads, writes, workspace } => {
                let size = exhibit.problem.graph.op(*op).workspace;
                let name = |it: &Slot| plain(exhibit.tensor_name(it.tensor));
                let tensor = writes.iter().chain(reads).find(|it| meets(it)).map(name);
                let space = || format!("the workspace of {}", plain(exhibit.operator_name(*op)));
                let is_space_met = memory == MemoryId::SCRATCHPAD
                    && meet(&at(workspace.0, Slice { low: Bytes::ZERO, high: size }), place);
                let holder = tensor.or_else(|| is_space_met.then(space));
                let by = plain(exhibit.operator_name(*op));
                holder.map(|it| (format!("{it}, used by {by},"), end))
            }
            Action::Wait(_) => {
                let gone = timed.transfers.iter().find(|it| it.wait == Some(index))?;
                let copy = gone.copy.filter(|copy| copy.from.memory == memory)?;
                meet(&bytes_from(&copy, gone.slice), place).then(|| (in_transit(exhibit, &copy), end))
            }
            Action::Copy(copy) if copy.from.memory == memory => {
                let whole = Slice { low: Bytes::ZERO, high: exhibit.size(copy.tensor) };
                meet(&bytes_from(copy, whole), place).then(|| (in_transit(exhibit, copy), end))
            }
            _ => None,
        }
    };
    exhibit.actions[..line].iter().enumerate().rev().find_map(used)
}

fn in_transit(exhibit: &Exhibit, copy: &Copy) -> String {
    let tensor = plain(exhibit.tensor_name(copy.tensor));
    match copy.to.memory {
        MemoryId::HOME => format!("{tensor}, in transit to host memory,"),
        memory => {
            format!("{tensor}, in transit to {},", plain(&exhibit.problem.machine.memories()[memory.index()].name))
        }
    }
}

fn bytes_at(copy: &Copy, slice: Slice) -> Range<u64> {
    at(copy.to.offset.0, slice)
}

fn bytes_from(copy: &Copy, slice: Slice) -> Range<u64> {
    at(copy.from.offset.0, slice)
}

fn at(offset: u64, slice: Slice) -> Range<u64> {
    offset.saturating_add(slice.low.0)..offset.saturating_add(slice.high.0)
}

fn meet(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start.max(other.start) < one.end.min(other.end)
}

fn cycles(number: Cycles) -> String {
    match number.0 {
        1 => counted(1, "cycle"),
        number => format!("{} cycles", counted_off(number)),
    }
}

/// Cycles, with their share of a total.
fn share(part: Cycles, all: Cycles) -> String {
    format!("{} ({:.1} %)", cycles(part), 100.0 * part.0 as f64 / all.0.max(1) as f64)
}
