//! The events of a program on a machine with a clock.
//!
//! Besides the operators, there is a track for waits, in which nothing computes, and one for each channel, which
//! shows each slice of a transfer for as long as the channel is busy with it. A second counter has the bytes in
//! transit: from the time that a channel starts them to their completion. An arrow leads from each issued transfer to
//! its wait.

use super::{Event, OPERATORS, count, event, name_tracks, operator, slice, transfer};
use crate::Exhibit;
use crate::timing::{Timed, Transfer};
use crate::units::plain;
use cosma_planner::time::Reason;
use cosma_planner::{Action, Cycles, Kind, MemoryId, TensorId};
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::Range;

const WAITS: u64 = 2;
/// The track of the first channel.
const CHANNELS: u64 = 3;

pub(super) fn write(pid: usize, exhibit: &Exhibit, timed: &Timed, events: &mut Vec<Event>) {
    let channels = exhibit.problem.machine.clock().map_or(&[][..], |it| &it.channels);
    let names = channels.iter().enumerate().map(|(index, it)| (CHANNELS + index as u64, it.name.as_str()));
    name_tracks(pid, exhibit, [(OPERATORS, "operators"), (WAITS, "waits")].into_iter().chain(names), events);
    let runs: Vec<Range<f64>> = write_operators(pid, exhibit, timed, events);
    write_waits(pid, exhibit, timed, events);
    let mut arrows = Arrows { pid, n: 0 };
    // By tensor: where it was spilled.
    let mut spilled: Vec<Option<(u64, f64)>> = vec![None; exhibit.tensors.len()];
    for it in &timed.transfers {
        let track = track(it);
        events.push(shown(exhibit, pid, it));
        if let Some(wait) = it.wait {
            let end = timed.timeline.lines[wait].end.0 as f64;
            arrows.draw("issued", (track, it.busy.start.0 as f64), (WAITS, end), events);
        }
        match it.kind {
            Kind::Spill => spilled[it.tensor.index()] = Some((track, it.busy.start.0 as f64)),
            Kind::Load | Kind::Reload => {
                let parts = exhibit.problem.graph.parts(it.tensor).iter().copied();
                for part in parts.chain([it.tensor]) {
                    if let Some(from) = spilled[part.index()].take() {
                        arrows.draw("spilled", from, (track, it.busy.start.0 as f64), events);
                    }
                }
            }
            Kind::Store | Kind::Move => {}
        }
    }
    count(pid, &exhibit.seen_from_scratchpad(), runs.into_iter(), events);
    count_on_the_way(pid, timed, events);
}

/// Adds the operators, and returns when each runs.
fn write_operators(pid: usize, exhibit: &Exhibit, timed: &Timed, events: &mut Vec<Event>) -> Vec<Range<f64>> {
    let mut runs = Vec::new();
    for (action, time) in exhibit.actions.iter().zip(&timed.timeline.lines) {
        if let Action::Run { op, .. } = action {
            let time = micros(time);
            events.push(operator(exhibit, *op, pid, &time));
            runs.push(time);
        }
    }
    runs
}

/// Adds all waits of the program, and stalls at other lines.
fn write_waits(pid: usize, exhibit: &Exhibit, timed: &Timed, events: &mut Vec<Event>) {
    // By time and line: the tensor, until when, and why.
    let mut waits: BTreeMap<(Cycles, usize), (TensorId, Cycles, Option<Reason>)> = BTreeMap::new();
    for (line, action) in exhibit.actions.iter().enumerate() {
        if let Action::Wait(slot) = action {
            let time = &timed.timeline.lines[line];
            waits.insert((time.start, line), (slot.tensor, time.end, None));
        }
    }
    for stall in &timed.timeline.stalls {
        let wait = (stall.tensor, stall.cycles.end, Some(stall.reason));
        waits.insert((stall.cycles.start, stall.line), wait);
    }
    for ((start, _), (tensor, end, reason)) in waits {
        let name = format!("wait {}", plain(exhibit.tensor_name(tensor)));
        let args = json!({ "reason": reason.map(|it| it.to_string()) });
        events.push(Event { args, ..slice(name, "wait", pid, WAITS, &micros(&(start..end))) });
    }
}

fn shown(exhibit: &Exhibit, pid: usize, it: &Transfer) -> Event {
    let offset = match it.kind {
        Kind::Load | Kind::Reload | Kind::Move => it.copy.map(|copy| copy.to.offset),
        _ => None,
    };
    let mut shown = transfer(exhibit, it.kind, (it.tensor, it.slice), offset, pid, track(it), &micros(&it.busy));
    shown.args["complete"] = it.complete.0.into();
    let memory_name = |memory: MemoryId| plain(&exhibit.problem.machine.memories()[memory.index()].name);
    if let Some(copy) = it.copy.filter(|_| exhibit.problem.machine.has_tiers()) {
        shown.args["from"] = memory_name(copy.from.memory).into();
        shown.args["to"] = memory_name(copy.to.memory).into();
    }
    shown
}

/// Adds the counter of the bytes in transit.
fn count_on_the_way(pid: usize, timed: &Timed, events: &mut Vec<Event>) {
    let mut changes: BTreeMap<Cycles, i128> = BTreeMap::new();
    for it in &timed.transfers {
        *changes.entry(it.busy.start).or_default() += i128::from(it.slice.size().0);
        *changes.entry(it.complete).or_default() -= i128::from(it.slice.size().0);
    }
    let mut bytes = 0;
    for (time, change) in changes {
        bytes += change;
        let args = json!({ "bytes": u64::try_from(bytes).unwrap_or(u64::MAX) });
        events.push(Event { args, ..event("on the way", "C", pid, None, time.0 as f64) });
    }
}

/// Numbers arrows.
struct Arrows {
    pid: usize,
    n: u64,
}

impl Arrows {
    /// Draws an arrow from one track and time to another.
    fn draw(&mut self, name: &'static str, from: (u64, f64), to: (u64, f64), events: &mut Vec<Event>) {
        self.n += 1;
        let (id, cat) = (Some((self.pid as u64) << 32 | self.n), Some(if name == "spilled" { "spill" } else { name }));
        events.push(Event { cat, id, ..event(name, "s", self.pid, Some(from.0), from.1) });
        events.push(Event { cat, id, bp: Some("e"), ..event(name, "f", self.pid, Some(to.0), to.1) });
    }
}

fn track(transfer: &Transfer) -> u64 {
    CHANNELS + transfer.channel.index() as u64
}

fn micros(time: &Range<Cycles>) -> Range<f64> {
    time.start.0 as f64..time.end.0 as f64
}
