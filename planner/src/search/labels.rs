//! The fastest order and residencies, where transfers may be divided as one likes: a search with labels.
//!
//! # What is searched
//!
//! A path runs operators one by one. Before each, tensors that it does not touch may be dropped; what it reads and is not
//! there has to come in for it. A *label* is a path's pair of times: $T$, at which the last operator ended, and $F$, the
//! earliest moment from which on the channel inward, without ever standing still, would carry all that is due later. For
//! an operator that computes for $c$ cycles and for which loads that take the channel $w$ are due,
//!
//! $$F' = F + w \qquad T' = \max(T, F') + c \qquad F'' = \max(F' + s, T' - r - m)$$
//!
//! where $s$ is what it reads in host memory, which takes the channel while it runs; $r$ is how long loads can take the
//! channel until the room beside all that lies in the scratchpad with the operator is full; and $m$, where there is one
//! channel both ways, what was to be stored before it ran. At the begin, $T$ is zero and $F$ the latency of a load.
//!
//! # Why it is a bound on every program
//!
//! A program has one path: it drops a tensor where it brings it in again before the next use. Let $W(t)$ be the time for
//! which its channel carried loads, what operators read in host memory, and results, up to $t$, each tensor as often as the
//! path says; other transfers count as if the channel stood still. So $t - W(t)$ never falls. Let $D$ be
//! all of that but results that is due until an operator ends, at $E$. Then $E \ge T$ and $E - W(E) + D \ge F$, by induction
//! over operators:
//!
//! - Before the operator begins, at $b$, the channel has carried what is due, so $b \ge b - W(b) + D$ without what it reads
//!   in host memory, which is at least $F'$. That goes over the channel after $b$.
//! - When it ends, what was carried and is not due lies in the room beside what the operator needs and what stays, or is a
//!   result that was made before: $W(E) - D \le r + m$. (Of loads that have begun and are not complete, only one is under
//!   way, so their setups and bursts count no more than for those that fit, and one more.)
//! - Nothing is complete before it was carried and a latency has passed since the begin.
//!
//! What is written back to make room is left out, because it need not be complete when its room is needed, as long as there
//! is other room; so are latencies but the first, what parts of staged tensors wait for, and addresses. All these
//! only make programs slower. All is done once the last operator has ended, the channel has carried all, and after each
//! operator what it and later ones store has gone out. $T$ and $F$ of the path grow with those before it. So of two paths with
//! the same operators behind them, the one that has more in the scratchpad and neither time later leads to all that the
//! other one leads to, and no later; the other one is left out. (That is why there is no latency in the recursion: with it, to be later can be of
//! use, and labels could not be compared.)
//!
//! # Which labels are left out
//!
//! Those that take too long in any case: by what is left to compute, to carry and to store, and by what has to happen in
//! windows that begin with the operator that ran last ($B_1$ from there on, where the channel is no further ahead than
//! the label says). Where there are more than may go on, those that take longest by that; the bound is then what the first
//! of these takes.
//!
//! # Which tensors are dropped
//!
//! To drop more than is needed is of use only where $F''$ falls. So only sets are tried of which each tensor is needed for
//! the operator to fit, or for that.

use super::bits::Bits;
use super::explore::Trace;
use super::instance::Instance;
use super::node::{Demand, GONE, Node, Sizes, TooWide, Transition};
use super::outline_of;
use crate::time::{Filling, Remaining, Units, remaining};
use crate::{Bytes, Cycles, Deadline, Error, MemoryId, Order, Outline, Problem};
use std::collections::HashMap;
use tracing::debug;

/// What to look for, and with how much.
#[derive(Clone, Copy, Debug)]
pub struct LabelOptions {
    /// Which orders are allowed.
    pub order: Order,
    /// Only what takes less is of interest.
    pub below: Cycles,
    /// Labels that go on from each level.
    pub width: usize,
    /// Labels that go on in all.
    pub limit: usize,
}

/// What a search with labels found.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// No program takes less, or so long as [`LabelOptions::below`].
    pub bound: Cycles,
    /// The path that takes the least, and how long, if that is less than [`LabelOptions::below`].
    pub best: Option<(Cycles, Outline)>,
    /// Whether nothing was left out that could take less than the best path, or than [`LabelOptions::below`].
    pub is_complete: bool,
}

/// Operators and tensors of the largest problem.
const MAX_INDEX: usize = 60_000;

/// Steps of the enumeration of sets to drop, for one label and operator.
const MAX_DROPS: usize = 4096;

/// Labels of a node that later ones are compared with.
const MAX_RIVALS: usize = 512;

/// Times in fractions of a cycle beyond this are not counted.
const MOST_TIME: u128 = 1 << 60;

/// Searches orders and residencies for the fastest. None if the problem is too large for it.
///
/// Pins are not looked at, as addresses are not: the bound holds, but the path may have no addresses.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link each way, or if something starts
/// or ends in the scratchpad.
pub fn search_with_labels(
    problem: &Problem,
    options: &LabelOptions,
    deadline: Deadline,
) -> Result<Option<Labelled>, Error> {
    problem.machine.clock().ok_or(Error::NoClock)?;
    problem.check_ends()?;
    if MAX_INDEX < problem.graph.ops().len() || MAX_INDEX < problem.graph.tensors().len() {
        return Ok(None);
    }
    let way = |from, to| problem.machine.timing(from, to).ok_or(Error::NotPlanned("a machine without a link".into()));
    let units = Units::new(way(MemoryId::HOME, MemoryId::SCRATCHPAD)?, way(MemoryId::SCRATCHPAD, MemoryId::HOME)?);
    let instance = Instance::new(problem, problem.capacity(), options.order);
    let Some(remaining) = remaining(problem)? else { return Ok(None) };
    let Some(clockwork) = Clockwork::new(problem, &instance, units, remaining)? else { return Ok(None) };
    let run = |it: Result<Option<Labelled>, TooWide>| it.ok().flatten();
    Ok(run(Search::<1>::new(problem, &instance, &clockwork, options).run(deadline))
        .or_else(|| run(Search::<4>::new(problem, &instance, &clockwork, options).run(deadline))))
}

/// What operators and tensors take, in fractions of a cycle.
struct Clockwork<'a> {
    units: Units<'a>,
    works: Vec<Work>,
    /// By tracked tensor: to bring it in.
    loads: Vec<u64>,
    filling: Filling,
    remaining: Remaining,
    /// Whether all transfers go through one channel.
    is_one_channel: bool,
    /// Whether every program transfers something.
    transfers: bool,
}

/// What an operator takes.
#[derive(Clone, Copy, Default)]
struct Work {
    cycles: u64,
    /// Of the channel: for what it alone reads of all operators.
    loads: u64,
    /// Of the channel: for what it reads in host memory.
    streams: u64,
    /// Of the channel outward: for results that go out in any case.
    stores: u64,
}

/// What has still to be done, and what was.
#[derive(Clone, Copy, Default)]
struct Rest {
    cycles: u64,
    /// Loads of what was not touched yet.
    loads: u64,
    streams: u64,
    stores: u64,
    /// Of results that were made.
    made: u64,
}

impl<'a> Clockwork<'a> {
    /// None if times cannot be counted in so few bits.
    fn new(
        problem: &Problem,
        instance: &Instance,
        units: Units<'a>,
        remaining: Remaining,
    ) -> Result<Option<Clockwork<'a>>, Error> {
        let graph = &problem.graph;
        let size = |it| graph.tensor(it).size;
        let (mut works, mut sum) = (Vec::with_capacity(graph.ops().len()), 0_u128);
        let mut is_small = true;
        let mut short = |it: u128| {
            sum = sum.saturating_add(it);
            is_small &= sum < MOST_TIME;
            it as u64
        };
        short(units.cycles(units.inward.latency));
        short(units.cycles(units.outward.latency));
        let mut sizes = Vec::new();
        for op in graph.op_ids() {
            let operator = graph.op(op);
            let streamed = operator.reads_in(MemoryId::HOME).map(|it| units.inward(size(it)));
            let streamed: Vec<u128> = streamed.collect();
            let streams: u128 = streamed.iter().sum();
            let streaming = if streamed.is_empty() { 0 } else { streams + units.cycles(units.inward.latency) };
            let own = operator.reads_on_chip().filter(|it| !problem.is_tracked(*it) && size(*it) != Bytes::ZERO);
            let own: Vec<Bytes> = own.map(size).collect();
            let stores = operator.writes.iter().filter(|it| graph.is_written_back(**it) && size(**it) != Bytes::ZERO);
            works.push(Work {
                cycles: short(units.cycles(problem.cycles(op)?.unwrap_or_default()).max(streaming)),
                loads: short(own.iter().map(|it| units.inward(*it)).sum()),
                streams: short(streams),
                stores: short(stores.map(|it| units.outward(size(*it))).sum()),
            });
            // A tracked tensor comes in for each of those that read it, at most.
            operator.reads_on_chip().for_each(|it| _ = short(units.inward(size(it))));
            sizes.extend(own);
        }
        let loads = instance.tracked.iter().map(|it| units.inward(Bytes(it.size)) as u64).collect();
        if !is_small {
            return Ok(None);
        }
        sizes.extend(instance.tracked.iter().map(|it| Bytes(it.size)));
        let is_argument = |it: &super::instance::TrackedTensor| it.producer.is_none();
        let transfers = works.iter().any(|it: &Work| 0 < it.loads + it.streams + it.stores)
            || instance.tracked.iter().any(is_argument);
        Ok(Some(Clockwork {
            filling: Filling::inward(&units, sizes),
            is_one_channel: units.inward.channel == units.outward.channel,
            units,
            works,
            loads,
            remaining,
            transfers,
        }))
    }

    fn latency_in(&self) -> u64 {
        self.units.cycles(self.units.inward.latency) as u64
    }

    fn latency_out(&self) -> u64 {
        self.units.cycles(self.units.outward.latency) as u64
    }

    /// For how long loads can take the channel until so much room is full.
    fn filling(&self, room: u64) -> u64 {
        self.filling.most(Bytes(room)).min(MOST_TIME) as u64
    }

    /// When all is done, at least, where so much has still to come in and, of what the last operator makes or later ones do,
    /// to go out.
    fn end(&self, times: Times, rest: &Rest, loads: u64, stores: u64) -> u64 {
        let computed = times.time + rest.cycles;
        let stored = times.time + stores + if stores == 0 { 0 } else { self.latency_out() };
        let mut carried = times.free + loads + rest.streams;
        if self.is_one_channel {
            // The latency that the channel began with is not one of what comes last.
            carried += rest.made + rest.stores + self.latency_in().min(self.latency_out());
        }
        let carried = if self.transfers { carried - self.latency_in() } else { 0 };
        computed.max(stored).max(carried)
    }

    /// When all is done, at least, by what has to happen after an operator that has just ended, where loads of so much are
    /// spared because it is in the scratchpad.
    fn end_behind(&self, times: Times, op: u16, spared: u64) -> u64 {
        let Remaining { after, behind } = &self.remaining;
        let (after, behind) = (after[usize::from(op)] as u64, behind[usize::from(op)] as u64);
        // Before the first load, the channel may be later than the operator.
        let free = times.free.min(times.time);
        (times.time + after).max((free + behind).saturating_sub(spared))
    }

    /// The least whole number of cycles in which so much can be done.
    fn whole(&self, time: u64) -> Cycles {
        Cycles(u128::from(time).div_ceil(self.units.of_cycle) as u64)
    }
}

/// The times of a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Times {
    /// When the last operator ended.
    time: u64,
    /// From when on the channel, without ever standing still, would carry all that is due later.
    free: u64,
}

#[derive(Clone)]
struct Label<const W: usize> {
    times: Times,
    /// When all is done, at least, by the recursion: it never falls along a path.
    end: u64,
    /// The same by windows, too; and by what is known of labels that were left out for this one.
    least: u64,
    /// Bytes of spills and reloads so far.
    cost: u64,
    /// In the live list of its node.
    resident: Bits<W>,
    /// Of these, what has a copy in host memory.
    host: Bits<W>,
    parent: u32,
    op: u16,
}

/// All labels with the same operators behind them.
struct Labels<const W: usize> {
    node: Node<W>,
    rest: Rest,
    labels: Vec<Label<W>>,
}

struct Search<'a, const W: usize> {
    problem: &'a Problem,
    instance: &'a Instance,
    clockwork: &'a Clockwork<'a>,
    options: &'a LabelOptions,
    traces: Vec<Trace<W>>,
    /// What takes so long is of no interest.
    below: u64,
    /// What was left out takes at least so long.
    left_out: u64,
}

impl<'a, const W: usize> Search<'a, W> {
    fn new(
        problem: &'a Problem,
        instance: &'a Instance,
        clockwork: &'a Clockwork<'a>,
        options: &'a LabelOptions,
    ) -> Search<'a, W> {
        // As many whole cycles are of no interest either.
        let most = u128::from(options.below.0.saturating_sub(1)).saturating_mul(clockwork.units.of_cycle);
        let below = if options.below == Cycles::ZERO { 0 } else { most.min(u128::from(u64::MAX - 1)) as u64 + 1 };
        Search { problem, instance, clockwork, options, traces: Vec::new(), below, left_out: u64::MAX }
    }

    fn run(mut self, deadline: Deadline) -> Result<Option<Labelled>, TooWide> {
        let n_ops = self.instance.ops.len();
        let mut level = vec![self.root()];
        let mut n_labels = 0;
        for n_executed in 1..=n_ops {
            n_labels += level.iter().map(|it| it.labels.len()).sum::<usize>();
            let next = if self.options.limit < n_labels { None } else { self.next_level(&level, deadline)? };
            let Some(mut next) = next else {
                let waiting = level.iter().flat_map(|it| it.labels.iter().map(|it| it.least));
                self.left_out = waiting.fold(self.left_out, u64::min);
                return Ok(Some(self.finish(None)));
            };
            // At the end it counts what the last operator stores, too.
            if n_executed < n_ops {
                self.narrow(&mut next);
            }
            level = next;
        }
        let best = level.into_iter().flat_map(|it| it.labels).min_by_key(|it| (it.end, it.cost));
        Ok(Some(self.finish(best)))
    }

    fn root(&self) -> Labels<W> {
        let mut rest = Rest::default();
        for it in &self.clockwork.works {
            rest.cycles += it.cycles;
            rest.loads += it.loads;
            rest.streams += it.streams;
            rest.stores += it.stores;
        }
        let arguments = self.instance.tracked.iter().zip(&self.clockwork.loads).filter(|it| it.0.producer.is_none());
        rest.loads += arguments.map(|it| it.1).sum::<u64>();
        let times = Times { time: 0, free: self.clockwork.latency_in() };
        let end = self.clockwork.end(times, &rest, rest.loads, rest.stores);
        let (resident, host) = (Bits::EMPTY, Bits::EMPTY);
        let start = Label { times, end, least: end, cost: 0, resident, host, parent: u32::MAX, op: 0 };
        Labels { node: Node::root(self.instance), rest, labels: vec![start] }
    }

    fn finish(self, best: Option<Label<W>>) -> Labelled {
        let Search { clockwork, .. } = self;
        let reached = best.as_ref().map_or(u64::MAX, |it| it.end);
        let bound = clockwork.whole(self.left_out.min(reached)).min(self.options.below);
        let is_complete = reached.min(self.below) <= self.left_out;
        debug!(labels = self.traces.len(), below = %self.options.below, %bound, is_complete, "labels");
        let best = best.map(|it| (clockwork.whole(it.end), self.outline(&it)));
        Labelled { bound, best, is_complete }
    }

    fn outline(&self, last: &Label<W>) -> Outline {
        let mut path = vec![Trace { parent: 0, op: last.op, passed: 0, resident: last.resident }];
        let mut index = last.parent;
        while index != u32::MAX {
            path.push(self.traces[index as usize]);
            index = self.traces[index as usize].parent;
        }
        // The root ran nothing.
        path.pop();
        path.reverse();
        outline_of(self.problem, self.instance, &path)
    }

    /// Lets the labels of a level compete: within each node, and for the places of the width.
    fn narrow(&mut self, level: &mut Vec<Labels<W>>) {
        level.iter_mut().for_each(|it| retain_undominated(&mut it.labels));
        level.sort_unstable_by(|a, b| a.node.executed.cmp(&b.node.executed));
        let width = self.options.width;
        if width < level.iter().map(|it| it.labels.len()).sum::<usize>() {
            let rank = |it: &Label<W>| (it.least, it.times, it.cost, it.resident);
            let mut ranks: Vec<_> = Vec::new();
            for (node, it) in level.iter().enumerate() {
                ranks.extend(it.labels.iter().map(|it| (rank(it), node)));
            }
            let (_, first_out, _) = ranks.select_nth_unstable(width);
            let first_out = *first_out;
            self.left_out = self.left_out.min(first_out.0.0);
            for (node, it) in level.iter_mut().enumerate() {
                it.labels.retain(|it| (rank(it), node) < first_out);
            }
        }
        level.retain(|it| !it.labels.is_empty());
        level.iter_mut().for_each(|it| it.node.unfold());
    }

    /// Runs one operator more from every label. None if the deadline has passed.
    fn next_level(&mut self, level: &[Labels<W>], deadline: Deadline) -> Result<Option<Vec<Labels<W>>>, TooWide> {
        let mut next: Vec<Labels<W>> = Vec::new();
        let mut places = HashMap::new();
        for from in level {
            if deadline.has_passed() {
                return Ok(None);
            }
            let sizes = Sizes::of(self.instance, &from.node);
            let first = self.traces.len() as u32;
            let trace = |it: &Label<W>| Trace { parent: it.parent, op: it.op, passed: 0, resident: it.resident };
            self.traces.extend(from.labels.iter().map(trace));
            for &op in from.node.ready.list() {
                let executed = from.node.executed.with(op);
                let place = match places.get(&executed) {
                    Some(place) => *place,
                    None => {
                        let node = from.node.child(self.instance, op, executed.clone())?;
                        let rest = self.rest(from, op);
                        next.push(Labels { node, rest, labels: Vec::new() });
                        places.insert(executed, next.len() - 1);
                        next.len() - 1
                    }
                };
                self.run_operator(from, first, op, &sizes, &mut next[place], place);
            }
        }
        Ok(Some(next))
    }

    /// What has to be done after an operator has run, too.
    fn rest(&self, from: &Labels<W>, op: u16) -> Rest {
        let work = self.clockwork.works[usize::from(op)];
        Rest {
            cycles: from.rest.cycles - work.cycles,
            loads: from.rest.loads - self.first_loads(from, op),
            streams: from.rest.streams - work.streams,
            stores: from.rest.stores - work.stores,
            made: from.rest.made + work.stores,
        }
    }

    /// Of the channel: for what an operator is the first to read.
    fn first_loads(&self, from: &Labels<W>, op: u16) -> u64 {
        let fresh = self.instance.ops[usize::from(op)].reads.iter().filter(|it| from.node.index_of(**it).is_none());
        let tracked: u64 = fresh.map(|it| self.clockwork.loads[usize::from(*it)]).sum();
        self.clockwork.works[usize::from(op)].loads + tracked
    }

    fn run_operator(
        &mut self,
        from: &Labels<W>,
        first_trace: u32,
        op: u16,
        sizes: &Sizes,
        to: &mut Labels<W>,
        place: usize,
    ) {
        let clockwork = self.clockwork;
        let demand = from.node.demand(self.instance, op);
        let transition = from.node.transition(self.instance, op, &to.node, place);
        let loads: Vec<u64> = from.node.live.iter().map(|it| clockwork.loads[usize::from(it.tensor)]).collect();
        let work = clockwork.works[usize::from(op)];
        let first_loads = self.first_loads(from, op);
        let waiting = if clockwork.is_one_channel { from.rest.made } else { 0 };
        // What is out after the operator and has to come back: of what was live before, as if all that can stay were out.
        let load_of = |set: &Bits<W>| set.iter().map(|it| loads[it]).sum::<u64>();
        for (label, trace) in from.labels.iter().zip(first_trace..) {
            let missing = demand.reads.without(&label.resident);
            let due = first_loads + load_of(&missing);
            let free = label.times.free + due;
            let begin = if due == 0 { label.times.time } else { label.times.time.max(free) };
            let (time, free) = (begin + work.cycles, free + work.streams);
            let may_drop = label.resident.without(&demand.reads);
            let during = sizes.room_of(&label.resident.or(&demand.reads)) + demand.needs;
            let running = Running { clockwork, demand: &demand, sizes, time, free, waiting };
            let (is_complete, drops) = running.drops(&may_drop, during);
            if !is_complete {
                self.left_out = self.left_out.min(label.least);
            }
            for (dropped, free) in drops {
                let mut next = Label {
                    times: Times { time, free },
                    end: 0,
                    least: 0,
                    cost: label.cost + sizes_of(sizes, &missing),
                    resident: transition.added,
                    host: transition.added_host,
                    parent: trace,
                    op,
                };
                next.cost += sizes_of(sizes, &dropped.without(&label.host));
                let stays = label.resident.without(&dropped).or(&demand.reads);
                pass_on(label, &stays, &transition, &mut next);
                let live = to.node.live.iter().zip(0..).filter(|it| !next.resident.contains(it.1));
                let out: u64 = live.map(|it| clockwork.loads[usize::from(it.0.tensor)]).sum();
                next.end = clockwork.end(next.times, &to.rest, to.rest.loads + out, to.rest.stores + work.stores);
                next.end = next.end.max(label.end);
                let spared = next.resident.iter().map(|it| clockwork.loads[usize::from(to.node.live[it].tensor)]).sum();
                let by_windows = clockwork.end_behind(next.times, op, spared);
                next.least = label.least.max(next.end).max(by_windows);
                if self.below <= next.least {
                    self.left_out = self.left_out.min(next.least);
                } else {
                    to.labels.push(next);
                }
            }
        }
    }
}

fn sizes_of<const W: usize>(sizes: &Sizes, set: &Bits<W>) -> u64 {
    set.iter().map(|it| sizes.size[it]).sum()
}

/// Says what stays, and has a copy, in the live list of the next node.
fn pass_on<const W: usize>(label: &Label<W>, stays: &Bits<W>, transition: &Transition<W>, next: &mut Label<W>) {
    for index in stays.iter() {
        let to = transition.map[index];
        if to != GONE {
            next.resident.insert(usize::from(to));
            // What was not there came from host memory just now.
            if label.host.contains(index) || !label.resident.contains(index) {
                next.host.insert(usize::from(to));
            }
        }
    }
}

/// An operator that runs from a label, before it is known what is dropped for it.
struct Running<'a, const W: usize> {
    clockwork: &'a Clockwork<'a>,
    demand: &'a Demand<W>,
    sizes: &'a Sizes,
    /// When it ends.
    time: u64,
    /// From when on the channel would carry all that is due after it, if there were room for all.
    free: u64,
    /// What of the channel can go out meanwhile.
    waiting: u64,
}

impl<const W: usize> Running<'_, W> {
    /// From when on the channel has to carry what is due later, where so much lies in the scratchpad while it runs. None if
    /// that does not fit.
    fn free(&self, during: u64) -> Option<u64> {
        let room = self.demand.capacity.checked_sub(during)?;
        // An operator may need more for itself than may lie beside others.
        let ahead = self.clockwork.filling(room).saturating_add(self.waiting);
        Some(self.free.max(self.time.saturating_sub(ahead)))
    }

    /// What can be dropped for it, and from when on the channel has to carry what is due later, then; and whether that is
    /// all. So much lies in the scratchpad if nothing is dropped.
    fn drops(&self, may_drop: &Bits<W>, during: u64) -> (bool, Vec<(Bits<W>, u64)>) {
        let candidates: Vec<usize> = may_drop.iter().filter(|it| self.sizes.room[*it] != 0).collect();
        let mut found = Vec::new();
        let mut left = MAX_DROPS;
        self.extend(&candidates, during, Bits::EMPTY, &mut found, &mut left);
        (0 < left, found)
    }

    fn extend(
        &self,
        candidates: &[usize],
        during: u64,
        dropped: Bits<W>,
        found: &mut Vec<(Bits<W>, u64)>,
        left: &mut usize,
    ) {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let free = self.free(during);
        found.extend(free.map(|it| (dropped, it)));
        if free == Some(self.free) {
            return;
        }
        for (nth, &index) in candidates.iter().enumerate() {
            let mut dropped = dropped;
            dropped.insert(index);
            self.extend(&candidates[nth + 1..], during - self.sizes.room[index], dropped, found, left);
        }
    }
}

/// Leaves out what others lead to all that it leads to, and no later.
fn retain_undominated<const W: usize>(labels: &mut Vec<Label<W>>) {
    labels.sort_unstable_by_key(|it| {
        let n_resident = it.resident.iter().count();
        (it.times, std::cmp::Reverse(n_resident), it.cost, it.end, it.resident, it.host, it.parent)
    });
    let mut kept: Vec<Label<W>> = Vec::new();
    for label in labels.drain(..) {
        let leads_there = |it: &&mut Label<W>| {
            it.times.free <= label.times.free
                && it.end <= label.end
                && label.resident.without(&it.resident) == Bits::EMPTY
        };
        match kept.iter_mut().take(MAX_RIVALS).find(leads_there) {
            // It stands for both.
            Some(it) => it.least = it.least.min(label.least),
            None => kept.push(label),
        }
    }
    *labels = kept;
}
