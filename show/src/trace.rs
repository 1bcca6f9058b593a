//! A timeline of a program in the Trace Event Format, which Perfetto and `chrome://tracing` read.
//!
//! Each function is a process with a track for operators and a counter of the bytes in use in the scratchpad. An arrow
//! leads from a spill to its reload.
//!
//! On a machine with a clock, a cycle is shown as a microsecond, and times are those of the planner's judge
//! (`trace/timed.rs`): there is a track for each channel and one for waits. Without, there is a track for each direction of
//! transfers, a step takes a millisecond and its transfers share it equally, so durations have no meaning.

mod timed;

use crate::timing::Timed;
use crate::units::plain;
use crate::{Exhibit, Line, Picture};
use cosma_planner::{Bytes, Kind, OpId, Slice, TensorId};
use serde::Serialize;
use serde_json::{Value, json};
use std::ops::Range;

/// The duration of a step without a clock, in microseconds.
const STEP: u64 = 1000;

const OPERATORS: u64 = 1;
const IN: u64 = 2;
const OUT: u64 = 3;

/// An event of the format.
#[derive(Serialize)]
struct Event {
    name: String,
    ph: &'static str,
    pid: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<u64>,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'static str>,
    args: Value,
}

/// Returns a trace of programs as JSON.
pub fn trace(exhibits: &[Exhibit]) -> String {
    let mut events = Vec::new();
    let mut n_timed = 0;
    for (index, exhibit) in exhibits.iter().enumerate() {
        match Timed::new(exhibit) {
            Some(timed) => {
                n_timed += 1;
                timed::write(index + 1, exhibit, &timed, &mut events);
            }
            None => {
                let seen = exhibit.seen_from_scratchpad();
                write(index + 1, &seen, &by_step(&seen), &mut events);
            }
        }
    }
    let unit = match n_timed {
        0 => "a millisecond is a step; the transfers of a step share it equally",
        _ if n_timed == exhibits.len() => "a microsecond is a cycle",
        _ => "a microsecond is a cycle where channels have tracks; elsewhere a millisecond is a step",
    };
    let trace = json!({ "displayTimeUnit": "ns", "otherData": { "time": unit }, "traceEvents": events });
    let mut text = serde_json::to_string(&trace).expect("strings and finite numbers are JSON");
    text.push('\n');
    text
}

/// The time of each line in microseconds if a step takes [`STEP`]: an operator takes its whole step, and
/// the transfers of a step share it equally, separately for each direction.
fn by_step(exhibit: &Exhibit) -> Vec<Range<f64>> {
    let mut step = 0;
    // By line: its step, and for a transfer whether it is inward.
    let mut places: Vec<(u64, Option<bool>)> = Vec::new();
    let mut counts: std::collections::BTreeMap<(u64, bool), (u64, u64)> = std::collections::BTreeMap::new();
    for line in exhibit.lines() {
        let place: (u64, Option<bool>) = match line {
            Line::Run { .. } => {
                step += 1;
                (step - 1, None)
            }
            // Nothing happens in no time.
            Line::Wait { .. } => (step, None),
            Line::In { .. } => (step, Some(true)),
            Line::Out { .. } => (step.max(1) - 1, Some(false)),
        };
        if let Some(inward) = place.1 {
            counts.entry((place.0, inward)).or_default().0 += 1;
        }
        places.push(place);
    }
    let mut times = Vec::with_capacity(places.len());
    for (step, way) in places {
        let start = (step * STEP) as f64;
        times.push(match way {
            None => start..start + STEP as f64,
            Some(way) => {
                let (all, nth) = counts.get_mut(&(step, way)).expect("it was counted");
                let share = STEP as f64 / *all as f64;
                *nth += 1;
                start + share * (*nth - 1) as f64..start + share * *nth as f64
            }
        });
    }
    times
}

/// Adds the names of a process and of its tracks.
fn name_tracks<'a>(
    pid: usize,
    exhibit: &Exhibit,
    tracks: impl IntoIterator<Item = (u64, &'a str)>,
    events: &mut Vec<Event>,
) {
    let name = |what: &'static str, tid: Option<u64>, name: String| Event {
        args: json!({ "name": name }),
        ..event(what, "M", pid, tid, 0.0)
    };
    events.push(name("process_name", None, format!("@{}", plain(&exhibit.function))));
    for (tid, track) in tracks {
        events.push(name("thread_name", Some(tid), track.into()));
        events
            .push(Event { args: json!({ "sort_index": tid }), ..event("thread_sort_index", "M", pid, Some(tid), 0.0) });
    }
}

/// The description of an operator.
fn operator(exhibit: &Exhibit, op: OpId, pid: usize, time: &Range<f64>) -> Event {
    let label = &exhibit.operators[op.index()];
    let step = exhibit.problem.graph.op(op);
    let mut args = json!({
        "kind": plain(&label.kind), "macs": label.macs, "in the plan": step.name, "source": plain(&label.location),
    });
    // Tiles of one operator have one name, which gives them one colour.
    if let Some(part) = &label.part {
        (args["tile"], args["part"]) = (plain(&label.name).into(), part.as_str().into());
    }
    Event { args, ..slice(plain(exhibit.family_of(op)), "operator", pid, OPERATORS, time) }
}

fn write(pid: usize, exhibit: &Exhibit, times: &[Range<f64>], events: &mut Vec<Event>) {
    name_tracks(pid, exhibit, [(OPERATORS, "operators"), (IN, "transfers in"), (OUT, "transfers out")], events);
    let mut n_arrows = 0;
    // By tensor: the arrow that leads from its spill, to where it or what it is a part of comes back.
    let mut spilled: Vec<Option<u64>> = vec![None; exhibit.tensors.len()];
    for (line, time) in exhibit.lines().into_iter().zip(times) {
        match line {
            Line::Wait { .. } => {}
            Line::Run { op, .. } => events.push(operator(exhibit, op, pid, time)),
            Line::In { kind, tensor, offset, part } => {
                let slice = part.slice(exhibit.size(tensor));
                events.push(transfer(exhibit, kind, (tensor, slice), offset, pid, IN, time));
                let parts = exhibit.problem.graph.parts(tensor).iter().copied();
                for arrow in parts.chain([tensor]).filter_map(|it| spilled[it.index()].take()).collect::<Vec<_>>() {
                    let end = event("spilled", "f", pid, Some(IN), time.start);
                    events.push(Event { cat: Some("spill"), id: Some(arrow), bp: Some("e"), ..end });
                }
            }
            Line::Out { kind, tensor, part, .. } => {
                let slice = part.slice(exhibit.size(tensor));
                events.push(transfer(exhibit, kind, (tensor, slice), None, pid, OUT, time));
                if kind != Kind::Spill || !part.is_first() {
                    continue;
                }
                n_arrows += 1;
                let id = (pid as u64) << 32 | n_arrows;
                spilled[tensor.index()] = Some(id);
                let start = event("spilled", "s", pid, Some(OUT), time.start);
                events.push(Event { cat: Some("spill"), id: Some(id), ..start });
            }
        }
    }
    let is_run = |it: &Line| matches!(it, Line::Run { .. });
    let lines = exhibit.lines();
    count(pid, exhibit, lines.iter().zip(times).filter(|it| is_run(it.0)).map(|it| it.1.clone()), events);
}

/// Adds the counter: the bytes in use while each operator runs.
fn count(pid: usize, exhibit: &Exhibit, runs: impl Iterator<Item = Range<f64>>, events: &mut Vec<Event>) {
    let picture = Picture::new(exhibit);
    let mut end = 0.0;
    let counter =
        |ts: f64, bytes: Bytes| Event { args: json!({ "bytes": bytes.0 }), ..event("scratchpad", "C", pid, None, ts) };
    for (time, bytes) in runs.zip(&picture.occupied) {
        events.push(counter(time.start, *bytes));
        end = time.end;
    }
    events.push(counter(end, Bytes::ZERO));
}

fn transfer(
    exhibit: &Exhibit,
    kind: Kind,
    (tensor, bytes): (TensorId, Slice),
    offset: Option<Bytes>,
    pid: usize,
    track: u64,
    time: &Range<f64>,
) -> Event {
    let offset = match (kind, offset) {
        (_, Some(offset)) => json!(offset.0),
        (Kind::Load | Kind::Reload, None) => json!("streamed"),
        (_, None) => Value::Null,
    };
    let what = kind.name();
    let mut args = json!({ "bytes": bytes.size().0, "offset": offset });
    if bytes.size() != exhibit.size(tensor) {
        args["slice"] = format!("{}..{}", bytes.low, bytes.high).into();
    }
    let (own, family) = (exhibit.tensor_name(tensor), &exhibit.families.tensors[exhibit.tensor_family(tensor)]);
    if exhibit.is_tiled() && own != family {
        args["piece"] = plain(own).into();
    }
    let name = format!("{what} {}", plain(family));
    Event { args, ..slice(name, what, pid, track, time) }
}

fn slice(name: String, cat: &'static str, pid: usize, track: u64, time: &Range<f64>) -> Event {
    Event { name, cat: Some(cat), dur: Some(time.end - time.start), ..event("", "X", pid, Some(track), time.start) }
}

fn event(name: &str, ph: &'static str, pid: usize, tid: Option<u64>, ts: f64) -> Event {
    Event { name: name.into(), ph, pid, tid, ts, dur: None, cat: None, id: None, bp: None, args: Value::Null }
}
