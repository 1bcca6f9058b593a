//! The fastest order and residencies with arbitrarily divisible transfers: a label-setting search.
//!
//! # The search
//!
//! A path runs operators one by one. Before each, tensors that it does not touch may be dropped, and missing operands
//! are loaded. A *label* is a path's pair of times: $T$, the end of the last operator, and $F$, the earliest time from
//! which on the inward channel, without any idle time, would carry everything that is due later. For an operator that
//! computes for $c$ cycles and needs loads that occupy the channel for $w$,
//!
//! $$F' = F + w \qquad T' = \max(T, F') + c \qquad F'' = \max(F' + s, T' - r - m)$$
//!
//! where $s$ is the time of its operands in host memory, which occupy the channel while it runs; $r$ is the time that
//! loads can occupy the channel until the space beside the scratchpad's contents during the operator is full; and $m$,
//! if one channel serves both directions, the pending stores before it ran. At the start, $T$ is zero and $F$ the
//! latency of a load.
//!
//! # The bound holds for every program
//!
//! A program has one path: it drops a tensor if it reloads it before the next use. Let $W(t)$ be the time for which its
//! channel carried loads, operands in host memory and results up to $t$, each tensor as often as the path says; other
//! transfers count as idle time. So $t - W(t)$ never decreases. Let $D$ be all of these transfers, except results, that
//! are due before an operator ends, at $E$. Then $E \ge T$ and $E - W(E) + D \ge F$, by induction over operators:
//!
//! - Before the operator begins, at $b$, the channel has carried everything that is due, so $b \ge b - W(b) + D$
//!   without its operands in host memory, which is at least $F'$. Those are carried after $b$.
//! - When it ends, everything that was carried and is not due lies in the space beside the operator's needs and the
//!   tensors that stay, or is a result that was written before: $W(E) - D \le r + m$. (Of loads that have begun and are
//!   not complete, only one is active, so their setups and bursts count no more than for those that fit, and one more.)
//! - Nothing is complete before it was carried and a latency has passed since the start.
//!
//! The bound ignores write-backs for evictions, because a write-back need not be complete when its space is needed, as
//! long as there is other space; it also ignores all latencies except the first, the dependences of staged tensors on
//! their parts, and addresses. All these only make programs slower. A program is complete when the last operator has
//! ended, the channel has carried everything, and after each operator its own and later results were stored. $T$ and
//! $F$ of a path are monotone in those of its prefix. So if two paths have run the same operators, and one has more in
//! the scratchpad and neither time later, it reaches everything that the other reaches, and no later; the other is
//! dropped. (That is why the recursion has no latency: with it, a later time could be an advantage, and labels would
//! not be comparable.)
//!
//! # Dropped labels
//!
//! Labels that take too long in any case are dropped, by bounds on the remaining compute time, transfers and stores,
//! and on windows that begin with the operator that ran last ($B_1$ from there on, with the channel no further ahead
//! than the label says). If there are more labels than the width, those with the largest bounds are dropped; the bound
//! of the search is then the least bound of these.
//!
//! # Dropped tensors
//!
//! Dropping more than necessary only helps if $F''$ decreases. So only sets are tried in which each tensor is needed
//! for the operator to fit, or for that.

use super::bits::Bits;
use super::explore::Trace;
use super::instance::Instance;
use super::node::{Demand, GONE, Node, Sizes, TooWide, Transition};
use super::outline_of;
use crate::time::{Filling, Remaining, Units, remaining};
use crate::{Bytes, Cycles, Deadline, Error, MemoryId, Order, Outline, Problem};
use std::collections::HashMap;
use tracing::debug;

/// The goal and the limits of the search.
#[derive(Clone, Copy, Debug)]
pub struct LabelOptions {
    /// The allowed orders.
    pub order: Order,
    /// Only programs that take less are of interest.
    pub below: Cycles,
    /// The number of labels kept per level.
    pub width: usize,
    /// The number of labels kept in all.
    pub limit: usize,
}

/// The result of a search with labels.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// A lower bound on the time of every program; at most [`LabelOptions::below`].
    pub bound: Cycles,
    /// The fastest path and its time, if that is less than [`LabelOptions::below`].
    pub best: Option<(Cycles, Outline)>,
    /// Whether nothing was dropped that could take less than the best path, or than [`LabelOptions::below`].
    pub is_complete: bool,
}

/// The limit of operators and tensors.
const MAX_INDEX: usize = 60_000;

/// The limit of steps of the enumeration of dropped sets for one label and operator.
const MAX_DROPS: usize = 4096;

/// The number of labels of a node that later ones are compared with.
const MAX_RIVALS: usize = 512;

/// The limit of times in fractions of a cycle.
const MOST_TIME: u128 = 1 << 60;

/// Searches for the fastest order and residencies. `None` if the problem is too large.
///
/// Pins and addresses are ignored: the bound holds, but there may be no addresses for the path.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction, or if a
/// tensor starts or ends in the scratchpad.
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

/// The times of operators and tensors, in fractions of a cycle.
struct Clockwork<'a> {
    units: Units<'a>,
    works: Vec<Work>,
    /// By tracked tensor: the time to load it.
    loads: Vec<u64>,
    filling: Filling,
    remaining: Remaining,
    /// Whether all transfers use one channel.
    is_one_channel: bool,
    /// Whether every program transfers something.
    transfers: bool,
}

/// The times of an operator.
#[derive(Clone, Copy, Default)]
struct Work {
    cycles: u64,
    /// On the channel: for operands that no other operator reads.
    loads: u64,
    /// On the channel: for operands in host memory.
    streams: u64,
    /// On the outward channel: for stores.
    stores: u64,
}

/// The remaining and the pending work.
#[derive(Clone, Copy, Default)]
struct Rest {
    cycles: u64,
    /// Loads of tensors that were not touched yet.
    loads: u64,
    streams: u64,
    stores: u64,
    /// Stores of results so far.
    made: u64,
}

impl<'a> Clockwork<'a> {
    /// `None` if times overflow.
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
            // A tracked tensor is loaded at most once for each of its readers.
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

    /// The time for which loads can occupy the channel until this much space is full.
    fn filling(&self, room: u64) -> u64 {
        self.filling.most(Bytes(room)).min(MOST_TIME) as u64
    }

    /// A lower bound on the end, given the times of the remaining loads, and of the stores of the last operator and of
    /// later ones.
    fn end(&self, times: Times, rest: &Rest, loads: u64, stores: u64) -> u64 {
        let computed = times.time + rest.cycles;
        let stored = times.time + stores + if stores == 0 { 0 } else { self.latency_out() };
        let mut carried = times.free + loads + rest.streams;
        if self.is_one_channel {
            // The initial latency of the channel is not that of the last transfer.
            carried += rest.made + rest.stores + self.latency_in().min(self.latency_out());
        }
        let carried = if self.transfers { carried - self.latency_in() } else { 0 };
        computed.max(stored).max(carried)
    }

    /// A lower bound on the end, by windows after an operator that has just ended, if its tensors in the scratchpad
    /// spare loads of this time.
    fn end_behind(&self, times: Times, op: u16, spared: u64) -> u64 {
        let Remaining { after, behind } = &self.remaining;
        let (after, behind) = (after[usize::from(op)] as u64, behind[usize::from(op)] as u64);
        // Before the first load, the channel may be later than the operator.
        let free = times.free.min(times.time);
        (times.time + after).max((free + behind).saturating_sub(spared))
    }

    /// The least integer number of cycles for this time.
    fn whole(&self, time: u64) -> Cycles {
        Cycles(u128::from(time).div_ceil(self.units.of_cycle) as u64)
    }
}

/// The times of a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Times {
    /// The end of the last operator.
    time: u64,
    /// The time from which on the channel, without any idle time, would carry everything that is due later.
    free: u64,
}

#[derive(Clone)]
struct Label<const W: usize> {
    times: Times,
    /// A lower bound on the end by the recursion: it never decreases along a path.
    end: u64,
    /// The same, including windows and the bounds of labels that were dropped in favour of this one.
    least: u64,
    /// Bytes of spills and reloads so far.
    cost: u64,
    /// As indices into the live list of its node.
    resident: Bits<W>,
    /// The resident tensors with a copy in host memory.
    host: Bits<W>,
    parent: u32,
    op: u16,
}

/// All labels with the same executed operators.
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
    /// Labels with at least this bound are of no interest.
    below: u64,
    /// The least bound of dropped labels.
    left_out: u64,
}

impl<'a, const W: usize> Search<'a, W> {
    fn new(
        problem: &'a Problem,
        instance: &'a Instance,
        clockwork: &'a Clockwork<'a>,
        options: &'a LabelOptions,
    ) -> Search<'a, W> {
        // Times that round up to the same number of cycles are of no interest either.
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
            // At the end, the stores of the last operator count, too.
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

    /// Prunes the labels of a level: dominated ones within each node, and those beyond the width.
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

    /// Runs another operator from every label. `None` if the deadline has passed.
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

    /// The remaining work after an operator has run, too.
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

    /// The channel time of the operands that an operator is the first to read.
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
        // The loads of live tensors that are absent after the operator, as if all tensors that may be dropped were.
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

/// The resident tensors and their copies, as indices into the live list of the next node.
fn pass_on<const W: usize>(label: &Label<W>, stays: &Bits<W>, transition: &Transition<W>, next: &mut Label<W>) {
    for index in stays.iter() {
        let to = transition.map[index];
        if to != GONE {
            next.resident.insert(usize::from(to));
            // A tensor that was absent was just loaded from host memory.
            if label.host.contains(index) || !label.resident.contains(index) {
                next.host.insert(usize::from(to));
            }
        }
    }
}

/// An operator that runs from a label, before the dropped set is chosen.
struct Running<'a, const W: usize> {
    clockwork: &'a Clockwork<'a>,
    demand: &'a Demand<W>,
    sizes: &'a Sizes,
    /// Its end.
    time: u64,
    /// The time from which on the channel would carry everything that is due after it, with unlimited space.
    free: u64,
    /// The pending stores of the channel.
    waiting: u64,
}

impl<const W: usize> Running<'_, W> {
    /// The time from which on the channel must carry what is due later, given the bytes in the scratchpad while it
    /// runs. `None` if those do not fit.
    fn free(&self, during: u64) -> Option<u64> {
        let room = self.demand.capacity.checked_sub(during)?;
        // An operator may need more by itself than may lie beside others.
        let ahead = self.clockwork.filling(room).saturating_add(self.waiting);
        Some(self.free.max(self.time.saturating_sub(ahead)))
    }

    /// The sets that can be dropped for it, each with the time from which on the channel must carry what is due later;
    /// and whether these are all sets. `during` is the size of the contents if nothing is dropped.
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

/// Drops labels that others dominate.
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
