//! When each transfer of a program is in progress on a machine with a clock, by channel: the result of the planner's
//! judge of time.

use crate::Exhibit;
use cosma_planner::time::{ChannelId, LatencyBound, Reason, Scope, Stall, Timeline, simulate};
use cosma_planner::{Action, Copy, Cycles, Kind, Kinds, MemoryId, OpId, Place, Slice, Slot, TensorId};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

/// A lower bound on the time of programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeProof {
    /// The least cycles of any program in `scope`.
    pub lower_bound: Cycles,
    /// The programs that the bound holds for, in words that follow "no program of".
    pub scope: String,
}

impl From<LatencyBound> for TimeProof {
    fn from(bound: LatencyBound) -> TimeProof {
        let scope = match bound.rule.scope() {
            Scope::AnyOrder => "any order",
            Scope::ThisOrder => "this order",
            Scope::ThisPlan => "this order and these residencies",
            _ => "this kind",
        };
        TimeProof { lower_bound: bound.cycles, scope: scope.into() }
    }
}

impl Exhibit {
    /// The timeline of the program; `None` without a clock, or if there are more cycles than can be counted.
    pub fn timeline(&self) -> Option<Timeline> {
        self.problem.machine.clock()?;
        simulate(&self.problem, &self.actions).ok()
    }
}

/// A timeline with its transfers.
pub(crate) struct Timed {
    pub timeline: Timeline,
    /// In the order of the program.
    pub transfers: Vec<Transfer>,
}

/// A transfer, or a slice of one, on its channel.
pub(crate) struct Transfer {
    /// The line that begins it; for a streamed tensor, that of the operator.
    pub line: usize,
    pub channel: ChannelId,
    pub kind: Kind,
    pub tensor: TensorId,
    /// The copy; `None` for a streamed tensor.
    pub copy: Option<Copy>,
    /// Its bytes.
    pub slice: Slice,
    /// When the channel is busy with it.
    pub busy: Range<Cycles>,
    /// When it is complete.
    pub complete: Cycles,
    /// The line of its wait; `None` if it has none of its own.
    pub wait: Option<usize>,
}

impl Timed {
    /// `None` if there is no [timeline](Exhibit::timeline).
    pub fn new(exhibit: &Exhibit) -> Option<Timed> {
        let timeline = exhibit.timeline()?;
        let mut kinds = Kinds::new(&exhibit.problem);
        let mut transfers: Vec<Transfer> = Vec::new();
        // By channel: when it is done with the transfers so far.
        let mut free: HashMap<ChannelId, Cycles> = HashMap::new();
        // By place: transfers that are to be waited for.
        let mut open: HashMap<Slot, Vec<usize>> = HashMap::new();
        for (line, action) in exhibit.actions.iter().enumerate() {
            let whole = |it: TensorId| Slice { low: Default::default(), high: exhibit.size(it) };
            let (copy, slice, kind) = match action {
                Action::Start(_) => continue,
                Action::Copy(copy) | Action::Issue(copy) => (copy, whole(copy.tensor), kinds.of(copy)),
                Action::IssueSlice(copy, slice) => (copy, *slice, kinds.of_slice(copy, *slice)),
                Action::Wait(slot) => {
                    for index in open.remove(slot).unwrap_or_default() {
                        transfers[index].wait = Some(line);
                    }
                    continue;
                }
                Action::Run { reads, .. } => {
                    let streamed = reads.iter().filter(|it| it.place.memory != MemoryId::SCRATCHPAD);
                    transfers.extend(stream(
                        exhibit,
                        (line, timeline.lines[line].start),
                        streamed,
                        &mut kinds,
                        &mut free,
                    ));
                    continue;
                }
            };
            let Copy { tensor, from, to } = *copy;
            let Some(timing) = exhibit.problem.machine.timing(from.memory, to.memory) else { continue };
            if !matches!(action, Action::Copy(_)) {
                open.entry(Slot { tensor, place: to }).or_default().push(transfers.len());
            }
            let Range { start, end: complete } = timeline.lines[line].clone();
            let busy = start..complete.saturating_sub(timing.latency).max(start);
            let channel = timing.channel;
            free.insert(channel, busy.end);
            transfers.push(Transfer {
                line,
                channel,
                kind,
                tensor,
                copy: Some(*copy),
                slice,
                busy,
                complete,
                wait: None,
            });
        }
        Some(Timed { timeline, transfers })
    }

    /// The operators with the cycles in which each computes, in the order of the program. An operator with streamed
    /// operands may end later than that.
    pub fn computing(&self, exhibit: &Exhibit) -> Vec<(OpId, Range<Cycles>)> {
        let run = |(action, time): (&Action, &Range<Cycles>)| {
            let Action::Run { op, .. } = action else { return None };
            let cycles = exhibit.problem.cycles(*op).ok()??;
            Some((*op, time.start..time.start.plus(cycles).ok()?))
        };
        exhibit.actions.iter().zip(&self.timeline.lines).filter_map(run).collect()
    }

    /// The operator that a stall delayed, and its line; `None` for a stall after the last operator.
    pub fn kept(&self, exhibit: &Exhibit, stall: &Stall) -> Option<(usize, OpId)> {
        let lines = exhibit.actions.iter().enumerate().skip(stall.line);
        lines.into_iter().find_map(|(line, action)| match action {
            Action::Run { op, .. } => Some((line, *op)),
            _ => None,
        })
    }
}

/// The tensors that an operator streams, one after another on each channel from its beginning on.
fn stream<'a>(
    exhibit: &Exhibit,
    (line, begin): (usize, Cycles),
    slots: impl Iterator<Item = &'a Slot>,
    kinds: &mut Kinds,
    free: &mut HashMap<ChannelId, Cycles>,
) -> Vec<Transfer> {
    let mut transfers = Vec::new();
    for Slot { tensor, place: Place { memory, .. } } in slots {
        let kind = if *memory == MemoryId::HOME { kinds.from_home(*tensor) } else { Kind::Move };
        let Some(timing) = exhibit.problem.machine.timing(*memory, MemoryId::SCRATCHPAD) else { continue };
        let size = exhibit.size(*tensor);
        let start = free.get(&timing.channel).copied().unwrap_or_default().max(begin);
        let times = timing.busy(size).and_then(|it| start.plus(it)).and_then(|it| Ok((it, it.plus(timing.latency)?)));
        let Ok((end, complete)) = times else { continue };
        free.insert(timing.channel, end);
        let slice = Slice { low: Default::default(), high: size };
        let channel = timing.channel;
        let (tensor, busy) = (*tensor, start..end);
        transfers.push(Transfer { line, channel, kind, tensor, copy: None, slice, busy, complete, wait: None });
    }
    transfers
}

/// A remedy for stalls, in words.
pub(crate) struct Advice(pub Reason);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Reason::Channel => "the channel was busy: more bandwidth would help",
            Reason::Place => "its destination was occupied: a larger scratchpad would help",
            Reason::Latency => "only the latency remained: an earlier transfer would help",
            Reason::WriteBack => "the transfer that it continues, such as its spill, was still in progress",
            Reason::Late => "the program begins it later than possible",
        })
    }
}
