//! The lines of a program, once the step from which on each load has space is known.
//!
//! Only the order of transfers is left to decide: given the order, and the step from which on each has space, it is
//! best to begin each as soon as possible. Loads go in the order in which they are due. A rule ([`Turn`]) places
//! outgoing transfers among them, but never after a line that needs them ([`Order`]).
//!
//! Times are estimates here: [`simulate`](super::simulate()) is authoritative.

use super::Timing;
use super::order::Order;
use super::slices::LoadSlice;
use super::transfers::Transfers;
use crate::{Bytes, Cycles, Error};

/// The turn of outgoing transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// As soon as the tensor exists.
    AtOnce,
    /// When the channel would otherwise be idle before the next operator ends.
    WhenIdle,
    /// As late as possible.
    Last,
}

impl Turn {
    pub const ALL: [Turn; 3] = [Turn::WhenIdle, Turn::AtOnce, Turn::Last];
}

/// How far other slices are looked for if one has no space.
const MOST_OVERTAKEN: usize = 256;

/// A line, with the index of a slice, an outgoing transfer, a load or a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Load(usize),
    Back(usize),
    WaitForLoad(usize),
    WaitForBack(usize),
    Run(usize),
}

/// A program, and the expected times of its lines.
pub(super) struct Arrangement {
    pub lines: Vec<Line>,
    /// By step: the start and the end of its operator.
    pub steps: Vec<(Cycles, Cycles)>,
    pub makespan: Cycles,
}

impl Arrangement {
    /// By step: the start of the lines before its operator; and last, of those after all operators.
    pub fn begins(&self) -> Vec<Cycles> {
        [Cycles::ZERO].into_iter().chain(self.steps.iter().map(|it| it.1)).collect()
    }
}

/// The program in which each slice begins as soon as it can, but not before the operator of its step.
///
/// Slices are sorted by the step in which they are due. Each begins after those before it, except that with
/// [`Turn::WhenIdle`], others go first while one has no space, as long as the channel would otherwise be idle.
pub(super) fn arrange(
    transfers: &Transfers,
    slices: &[LoadSlice],
    since: &[usize],
    order: &Order,
    turn: Turn,
) -> Result<Arrangement, Error> {
    let n_backs = transfers.write_backs.len();
    let mut blocked: Vec<Vec<usize>> = vec![Vec::new(); transfers.steps.len()];
    for (back, step) in order.blocks.iter().enumerate() {
        step.iter().for_each(|it| blocked[*it].push(back));
    }
    let mut queue = Queue {
        transfers,
        slices,
        order,
        lines: Vec::with_capacity(slices.len() + 2 * transfers.loads.len() + 2 * n_backs + transfers.steps.len()),
        is_issued: vec![false; slices.len()],
        now: Cycles::ZERO,
        free: [Cycles::ZERO; 2],
        loaded: vec![Cycles::ZERO; transfers.loads.len()],
        backs: vec![None; n_backs],
        is_waited_for: vec![false; n_backs],
        pending: Vec::new(),
    };
    let mut steps = Vec::with_capacity(transfers.steps.len());
    let (mut next, mut made, mut loaded) = (0, 0, 0);
    for (step, time) in transfers.steps.iter().enumerate() {
        // The results of the previous operator.
        while transfers.write_backs.get(made).is_some_and(|it| it.made < step) {
            queue.pending.push(made);
            made += 1;
        }
        if turn == Turn::AtOnce {
            queue.issue_pending(|_| true)?;
        }
        while since.get(next).is_some_and(|it| *it <= step || queue.is_issued[next]) {
            queue.issue(next)?;
            next += 1;
        }
        let due = loaded;
        while transfers.loads.get(loaded).is_some_and(|it| it.due <= step) {
            loaded += 1;
        }
        let is_due = |it: &usize| {
            let back = &transfers.write_backs[*it];
            blocked[step].contains(it) || !time.streams.is_empty() && back.due.is_some_and(|it| it <= step)
        };
        queue.issue_pending(is_due)?;
        if turn == Turn::WhenIdle {
            let begin = (due..loaded).map(|it| queue.loaded[it]).max().unwrap_or_default().max(queue.now);
            let end = begin.plus(time.cycles)?;
            queue.issue_until(end)?;
            let others = (next + 1..since.len()).take(MOST_OVERTAKEN).filter(|it| since[*it] <= step);
            for slice in others {
                if end <= queue.free[INWARD] {
                    break;
                }
                queue.issue(slice)?;
            }
        }
        (due..loaded).for_each(|it| queue.wait_for_load(it));
        (0..made).filter(is_due).for_each(|it| queue.wait_for_back(it));
        steps.push(queue.run(step)?);
    }
    while made < n_backs {
        queue.pending.push(made);
        made += 1;
    }
    queue.issue_pending(|_| true)?;
    (0..n_backs).for_each(|it| queue.wait_for_back(it));
    Ok(Arrangement { lines: queue.lines, steps, makespan: queue.now })
}

struct Queue<'a> {
    transfers: &'a Transfers,
    slices: &'a [LoadSlice],
    order: &'a Order,
    lines: Vec<Line>,
    /// By slice.
    is_issued: Vec<bool>,
    now: Cycles,
    /// When the inward and outward channels finish what was issued; equal if they are one channel.
    free: [Cycles; 2],
    /// By load: when its last slice so far is complete.
    loaded: Vec<Cycles>,
    /// By outgoing transfer: when it is complete, once it was issued.
    backs: Vec<Option<Cycles>>,
    is_waited_for: Vec<bool>,
    /// Results that were written and not issued, in that order.
    pending: Vec<usize>,
}

const INWARD: usize = 0;
const OUTWARD: usize = 1;

impl Queue<'_> {
    fn issue(&mut self, slice: usize) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_issued[slice], true) {
            return Ok(());
        }
        let LoadSlice { load, bytes, .. } = self.slices[slice];
        let is_one_channel = self.transfers.is_one_channel();
        let mut data = Cycles::ZERO;
        for &source in &self.order.sources[load] {
            self.issue_pending(|it| *it == source)?;
            if !is_one_channel {
                self.wait_for_back(source);
            }
            data = data.max(self.backs[source].unwrap_or_default());
        }
        for &before in &self.order.behind[load] {
            self.issue_pending(|it| *it == before)?;
            if !is_one_channel {
                self.wait_for_back(before);
            }
        }
        let timing = self.transfers.inward;
        let complete = self.occupy(INWARD, &timing, bytes.size(), data)?;
        self.loaded[load] = self.loaded[load].max(complete);
        self.lines.push(Line::Load(slice));
        Ok(())
    }

    /// Issues the pending transfers that satisfy a predicate.
    fn issue_pending(&mut self, is_meant: impl Fn(&usize) -> bool) -> Result<(), Error> {
        if !self.pending.iter().any(&is_meant) {
            return Ok(());
        }
        let (meant, left): (Vec<usize>, Vec<usize>) = self.pending.iter().partition(|it| is_meant(it));
        self.pending = left;
        meant.into_iter().try_for_each(|it| self.issue_back(it))
    }

    /// Issues pending transfers as long as the channel is idle before some time.
    fn issue_until(&mut self, end: Cycles) -> Result<(), Error> {
        while self.free[OUTWARD] < end && !self.pending.is_empty() {
            let back = self.pending.remove(0);
            self.issue_back(back)?;
        }
        Ok(())
    }

    fn issue_back(&mut self, back: usize) -> Result<(), Error> {
        let timing = self.transfers.outward;
        let complete = self.occupy(OUTWARD, &timing, self.transfers.write_backs[back].size, Cycles::ZERO)?;
        self.backs[back] = Some(complete);
        self.lines.push(Line::Back(back));
        Ok(())
    }

    fn occupy(&mut self, way: usize, timing: &Timing, size: Bytes, data: Cycles) -> Result<Cycles, Error> {
        let read = self.now.max(self.free[way]).max(data).plus(timing.busy(size)?)?;
        self.free[way] = read;
        if self.transfers.is_one_channel() {
            self.free = [read; 2];
        }
        read.plus(timing.latency)
    }

    fn wait_for_load(&mut self, load: usize) {
        self.now = self.now.max(self.loaded[load]);
        self.lines.push(Line::WaitForLoad(load));
    }

    fn wait_for_back(&mut self, back: usize) {
        if let Some(complete) = self.backs[back].filter(|_| !self.is_waited_for[back]) {
            self.is_waited_for[back] = true;
            self.now = self.now.max(complete);
            self.lines.push(Line::WaitForBack(back));
        }
    }

    fn run(&mut self, step: usize) -> Result<(Cycles, Cycles), Error> {
        let time = &self.transfers.steps[step];
        let timing = self.transfers.inward;
        let begin = if time.streams.is_empty() { self.now } else { self.now.max(self.free[INWARD]) };
        let mut end = begin.plus(time.cycles)?;
        self.now = begin;
        for &size in &time.streams {
            end = end.max(self.occupy(INWARD, &timing, size, begin)?);
        }
        self.now = end;
        self.lines.push(Line::Run(step));
        Ok((begin, end))
    }
}
