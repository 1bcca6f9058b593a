//! B1: the work between two operators of which one runs before the other in every order.
//!
//! Let $a$ run before $b$ in every order, and let $M$ be the operators that must run between them. Let $T_a$ be the
//! time at which $a$ ends. Then
//!
//! $$T_b \ge T_a + \sum_{x \in M} c_x + c_b, \qquad T_b \ge T_a + \Bigl(\sum_{w \in W} |w| - (S - s_a)\Bigr) / B +
//! \text{latency} + c_b$$
//!
//! where $W$ are the operands of $M$ and $b$ that no operator writes after $a$, without the operands of $a$. Those that
//! are in the scratchpad when $a$ ends, or are being loaded, lie beside what $a$ itself needs, $s_a$. All others must
//! be loaded before $b$ begins. That holds for any program, whatever it keeps, evicts and reloads. Operands of $M$ in
//! host memory use the channel in the same time. So do, if one channel serves both directions, the stores that are
//! required in it: parts of staged tensors for $M$ and $b$, and results of $M$ that do not fit beside the operands of
//! $b$.
//!
//! The start and the end of the program act as such operators, too: at the start, the scratchpad is empty; at the end,
//! all results are stored. So in any order, no program is faster than the longest path over such pairs. If all
//! operators are on one chain and only arguments are loaded, that is the recursion for divisible loads, unrolled.
//!
//! *Example.* Between two matrix products are 40 element-wise operators without loads: loads of the second product can
//! be hidden behind these, but only as far as there is space beside the operands of the first one; earlier operators
//! cannot hide the rest, however long they take. Sums over the whole program do not show that.

use super::units::{Filling, Units};
use crate::reach::ones;
use crate::restricted::Restricted;
use crate::{Bytes, Cycles, Error, MemoryId, OpId, Origin, Problem, TensorId};

/// The limit of words of joined sets in all: pairs of operators that are farther apart in the source than this allows
/// are ignored.
const MAX_WORDS: usize = 1 << 26;

/// A bound from windows for every program of a problem, if every plan has at least `non_compulsory` non-compulsory
/// bytes.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction.
pub(super) fn bound_of_windows(problem: &Problem, non_compulsory: Bytes) -> Result<Cycles, Error> {
    let ops = problem.graph.op_ids();
    let cycles = ops.map(|it| problem.cycles(it).map(Option::unwrap_or_default)).collect::<Result<Vec<_>, _>>()?;
    bound_by_windows(problem, &cycles, non_compulsory)
}

/// A bound for every program of a problem in a given order, whatever it keeps, evicts and reloads: there, all operators
/// are on one chain.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction;
/// [`Error::Schedule`] if it is not an order of all operators that respects their dependences.
pub fn bound_of_order(problem: &Problem, order: &[OpId]) -> Result<Cycles, Error> {
    problem.machine.clock().ok_or(Error::NoClock)?;
    if let Some(framed) = problem.framed() {
        return bound_of_order(framed.problem(), &framed.order(order));
    }
    let fixed = Restricted::in_order(problem, order)?;
    // The derived problem does not have the times of operators.
    let ops = order.iter();
    let cycles = ops.map(|it| problem.cycles(*it).map(Option::unwrap_or_default)).collect::<Result<Vec<_>, _>>()?;
    bound_by_windows(fixed.problem(), &cycles, problem.restreamed())
}

/// The remaining work after the end of each operator, whatever ran before it: by operator, in fractions of a cycle.
pub(crate) struct Remaining {
    /// The time until everything is done.
    pub after: Vec<u128>,
    /// The same from the time on from which the channel, without any idle time, would carry everything that is due
    /// later, if the scratchpad only has the operands of the operator.
    pub behind: Vec<u128>,
}

/// The remaining work after the end of each operator, in every order. `None` if times overflow.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::NotPlanned`] if there is no link in each direction.
pub(crate) fn remaining(problem: &Problem) -> Result<Option<Remaining>, Error> {
    problem.machine.clock().ok_or(Error::NoClock)?;
    let way = |from, to| problem.machine.timing(from, to).ok_or(Error::NotPlanned("a machine without a link".into()));
    let inward = way(MemoryId::HOME, MemoryId::SCRATCHPAD)?;
    let outward = way(MemoryId::SCRATCHPAD, MemoryId::HOME)?;
    let units = Units::new(inward, outward);
    let ops = problem.graph.op_ids();
    let cycles = ops.map(|it| problem.cycles(it).map(Option::unwrap_or_default)).collect::<Result<Vec<_>, _>>();
    match cycles.and_then(|it| check_sums(problem, &it, &units).map(|()| it)) {
        Ok(cycles) => Ok(Some(Windows::new(problem, &cycles, units, problem.restreamed()).remaining())),
        Err(Error::TooManyCycles) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same with these times of operators.
fn bound_by_windows(problem: &Problem, cycles: &[Cycles], non_compulsory: Bytes) -> Result<Cycles, Error> {
    problem.machine.clock().ok_or(Error::NoClock)?;
    let way = |from, to| problem.machine.timing(from, to).ok_or(Error::NotPlanned("a machine without a link".into()));
    let inward = way(MemoryId::HOME, MemoryId::SCRATCHPAD)?;
    let outward = way(MemoryId::SCRATCHPAD, MemoryId::HOME)?;
    let units = Units::new(inward, outward);
    check_sums(problem, cycles, &units)?;
    let windows = Windows::new(problem, cycles, units, non_compulsory);
    let bound = windows.longest_path().div_ceil(units.of_cycle);
    u64::try_from(bound).ok().filter(|it| *it < 1 << 63).map(Cycles).ok_or(Error::TooManyCycles)
}

/// The times of an operator, in fractions of a cycle.
struct Work {
    cycles: u128,
    /// Channel time for its operands in host memory while it runs.
    streams: u128,
    /// For its stores, without parts.
    stores: u128,
    /// For its stores, with parts.
    all_stores: u128,
    /// From the start of the program to when all operands that it is the first to read can be there.
    loads: u128,
    /// The least padded size of its operands and its workspace in any order.
    own: Bytes,
}

/// Sums over the work after one operator up to another.
#[derive(Clone, Copy, Default)]
struct Sums {
    cycles: u128,
    streams: u128,
    stores: u128,
    all_stores: u128,
    /// For operands that are not written in the window.
    loads: u128,
    /// For parts that are written and then read again, staged.
    parts: u128,
    n_ops: usize,
}

struct Windows<'a> {
    problem: &'a Problem,
    units: Units<'a>,
    work: Vec<Work>,
    /// Spills and reloads that every program has.
    non_compulsory: u128,
    is_one_channel: bool,
}

/// The start of a window.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    OfProgram,
    EndOf(OpId),
}

impl<'a> Windows<'a> {
    fn new(problem: &'a Problem, cycles: &[Cycles], units: Units<'a>, non_compulsory: Bytes) -> Windows<'a> {
        let graph = &problem.graph;
        let size = |it: TensorId| graph.tensor(it).size;
        let mut work = Vec::with_capacity(graph.ops().len());
        for (op, &cycles) in graph.op_ids().zip(cycles) {
            let operator = graph.op(op);
            let streamed = operator.reads.iter().filter(|it| !it.from.contains(MemoryId::SCRATCHPAD));
            let sizes: Vec<Bytes> = streamed.map(|it| size(it.tensor)).collect();
            let streams = sizes.iter().map(|it| units.inward(*it)).sum();
            let latency = if sizes.is_empty() { 0 } else { units.cycles(units.inward.latency) };
            let cycles = units.cycles(cycles).max(streams + latency);
            let stores = |parts: bool| -> u128 {
                let is_meant = |it: &&TensorId| if graph.is_part(**it) { parts } else { graph.is_stored(**it) };
                let out = operator.writes.iter().filter(is_meant);
                out.map(|it| units.outward(size(*it))).sum()
            };
            let arguments = problem.operands(op).filter(|it| is_argument(problem, *it) && size(*it) != Bytes::ZERO);
            let loads: u128 = arguments.map(|it| units.inward(size(it))).sum();
            let own = problem.own_room(op).saturating_sub(problem.saved_at_most(op));
            let (stores, all_stores) = (stores(false), stores(true));
            let latency = if loads == 0 { 0 } else { units.cycles(units.inward.latency) };
            work.push(Work { cycles, streams, stores, all_stores, loads: loads + latency, own });
        }
        let back = u128::from(non_compulsory.saturating_sub(problem.restreamed()).0);
        let non_compulsory = back.saturating_mul(units.of_byte_inward.min(units.of_byte_outward));
        let is_one_channel = units.inward.channel == units.outward.channel;
        Windows { problem, units, work, non_compulsory, is_one_channel }
    }

    /// The most that tensors of these sizes can fill, on their way in and out.
    fn fillings(&self) -> (Filling, Filling) {
        let tensors = self.problem.graph.tensors().iter();
        let sizes: Vec<Bytes> = tensors.map(|it| it.size).filter(|it| *it != Bytes::ZERO).collect();
        (Filling::inward(&self.units, sizes.clone()), Filling::outward(&self.units, sizes))
    }

    fn longest_path(&self) -> u128 {
        let graph = &self.problem.graph;
        let n_ops = graph.ops().len();
        let (inward, outward) = self.fillings();
        let mut after = After::new(self);
        let (heads, tails) = (self.heads(), self.tails());
        let mut ends: Vec<u128> = vec![0; n_ops];
        let mut of_program = 0;
        for begin in [Begin::OfProgram].into_iter().chain(graph.op_ids().map(Begin::EndOf)) {
            let (start, room, made) = match begin {
                Begin::OfProgram => (0, None, 0),
                Begin::EndOf(op) => {
                    let Work { own, all_stores, .. } = self.work[op.index()];
                    (ends[op.index()], Some(self.problem.capacity().saturating_sub(own)), all_stores)
                }
            };
            let held = room.map_or(0, |it| inward.most(it));
            let (sums, all) = after.sums(begin);
            for (op, sums) in sums {
                let Work { cycles, streams, own, stores, .. } = self.work[op.index()];
                let head = if begin == Begin::OfProgram { heads[op.index()] } else { 0 };
                let mut end = start + head + sums.cycles;
                let kept =
                    outward.most(self.problem.capacity().saturating_sub(own)).saturating_add(self.stores_read_by(op));
                let out = sums.parts + (sums.stores - stores).saturating_sub(kept);
                let again = if sums.n_ops == n_ops { self.non_compulsory } else { 0 };
                let moving = self.moving(sums.loads.saturating_sub(held) + sums.streams - streams, out, again);
                end = end.max(start + moving + cycles);
                ends[op.index()] = ends[op.index()].max(end);
            }
            if let Some(sums) = all {
                let tail = match begin {
                    Begin::OfProgram => tails.iter().copied().min().unwrap_or(0),
                    Begin::EndOf(op) => tails[op.index()],
                };
                let out = made + sums.all_stores;
                let moving = self.moving(sums.loads.saturating_sub(held) + sums.streams, out, 0);
                of_program = of_program.max(start + moving).max(start + sums.cycles + tail);
            }
        }
        ends.into_iter().fold(of_program, u128::max)
    }

    fn remaining(&self) -> Remaining {
        let graph = &self.problem.graph;
        let n_ops = graph.ops().len();
        let (inward, outward) = self.fillings();
        let mut next = After::new(self);
        let tails = self.tails();
        let (mut after, mut behind) = (vec![0; n_ops], vec![0; n_ops]);
        for begin in graph.op_ids().rev() {
            let Work { own, all_stores, .. } = self.work[begin.index()];
            let held = inward.most(self.problem.capacity().saturating_sub(own));
            let (sums, all) = next.sums(Begin::EndOf(begin));
            let (mut longest, mut longest_behind) = (0, 0);
            for (op, sums) in sums {
                let Work { cycles, streams, own, stores, .. } = self.work[op.index()];
                let kept =
                    outward.most(self.problem.capacity().saturating_sub(own)).saturating_add(self.stores_read_by(op));
                let out = sums.parts + (sums.stores - stores).saturating_sub(kept);
                let moving = self.moving(sums.loads.saturating_sub(held) + sums.streams - streams, out, 0);
                longest = longest.max(sums.cycles.max(moving + cycles) + after[op.index()]);
                longest_behind = longest_behind.max(sums.loads + sums.streams - streams + cycles + after[op.index()]);
            }
            if let Some(sums) = all {
                let out = all_stores + sums.all_stores;
                let moving = self.moving(sums.loads.saturating_sub(held) + sums.streams, out, 0);
                longest = longest.max(moving).max(sums.cycles + tails[begin.index()]);
            }
            (after[begin.index()], behind[begin.index()]) = (longest, longest_behind);
        }
        Remaining { after, behind }
    }

    /// From the start of transfers to when all of these are complete.
    fn moving(&self, inward: u128, outward: u128, whichever: u128) -> u128 {
        let Units { inward: way_in, outward: way_out, .. } = self.units;
        let (latency_in, latency_out) = (self.units.cycles(way_in.latency), self.units.cycles(way_out.latency));
        let complete = |work: u128, latency: u128| if work == 0 { 0 } else { work + latency };
        let alone = complete(inward, latency_in).max(complete(outward, latency_out));
        let together = complete(inward + outward + whichever, latency_in.min(latency_out));
        if self.is_one_channel { alone.max(together) } else { alone }
    }

    /// For the operands of an operator that must be stored, without parts.
    fn stores_read_by(&self, op: OpId) -> u128 {
        let graph = &self.problem.graph;
        let stored = self.problem.operands(op).filter(|it| graph.is_stored(*it) && !graph.is_part(*it));
        stored.map(|it| self.units.outward(graph.tensor(it).size)).sum()
    }

    /// The weight of each bit in the sums of windows with this start.
    fn weights(&self, begin: Begin) -> Weights<'_> {
        let Windows { problem, ref units, ref work, .. } = *self;
        let graph = &problem.graph;
        let mut is_before = vec![false; graph.ops().len()];
        let mut is_after = vec![begin == Begin::OfProgram; graph.ops().len()];
        let mut is_operand = vec![false; graph.tensors().len()];
        if let Begin::EndOf(start) = begin {
            (is_before[start.index()], is_after[start.index()]) = (true, true);
            for index in (0..=start.index()).rev() {
                if is_before[index] {
                    graph.predecessors(OpId(index as u32)).iter().for_each(|it| is_before[it.index()] = true);
                }
            }
            for op in graph.op_ids().skip(start.index()) {
                if is_after[op.index()] {
                    graph.successors(op).iter().for_each(|it| is_after[it.index()] = true);
                }
            }
            is_after[start.index()] = false;
            problem.operands(start).for_each(|it| is_operand[it.index()] = true);
        }
        let weigh = |tensor: TensorId| {
            let size = graph.tensor(tensor).size;
            // Tensors that may be written after the start need not be loaded.
            let is_there = graph.producer(tensor).is_none_or(|it| is_before[it.index()]);
            let comes_in = size != Bytes::ZERO && is_there && !is_operand[tensor.index()];
            let goes_out = graph.is_part(tensor) && graph.producer(tensor).is_some_and(|it| is_after[it.index()]);
            (if comes_in { units.inward(size) } else { 0 }, if goes_out { units.outward(size) } else { 0 })
        };
        let (loads, parts) = graph.tensor_ids().map(weigh).unzip();
        Weights { work, loads, parts }
    }

    /// By operator: the time until the first among it and its predecessors can have its arguments.
    fn heads(&self) -> Vec<u128> {
        let mut heads: Vec<u128> = Vec::with_capacity(self.work.len());
        for (op, work) in self.problem.graph.op_ids().zip(&self.work) {
            let before = self.problem.graph.predecessors(op).iter().map(|it| heads[it.index()]).min();
            heads.push(before.unwrap_or(work.loads));
        }
        heads
    }

    /// By operator: the least time to store the results of the last one among it and its successors.
    fn tails(&self) -> Vec<u128> {
        let mut tails = vec![0; self.work.len()];
        for op in self.problem.graph.op_ids().rev() {
            let after = self.problem.graph.successors(op).iter().map(|it| tails[it.index()]).min();
            let own = self.moving(0, self.work[op.index()].all_stores, 0);
            tails[op.index()] = after.unwrap_or(own);
        }
        tails
    }
}

/// The work after an operator.
struct After<'a, 'b> {
    windows: &'b Windows<'a>,
    /// By operator, relative to the start of the window: bits for the operators that must run by then, itself included,
    /// their operands in the scratchpad, and the parts of their operands.
    sets: Vec<u64>,
    n_words: usize,
    /// The maximum distance of operators from the start of a window.
    span: usize,
}

impl<'a, 'b> After<'a, 'b> {
    fn new(windows: &'b Windows<'a>) -> After<'a, 'b> {
        let graph = &windows.problem.graph;
        let n_ops = graph.ops().len();
        let n_words = (n_ops + 2 * graph.tensors().len()).div_ceil(64);
        let span = (MAX_WORDS / n_words.max(1) / n_ops.max(1)).min(n_ops);
        After { windows, sets: vec![0; (span + 1) * n_words], n_words, span }
    }

    /// By operator that runs after the start in every order: the sums over the window that ends with it; and the sums
    /// over all of them, unless the end is too far away.
    fn sums(&mut self, begin: Begin) -> (Vec<(OpId, Sums)>, Option<Sums>) {
        let graph = &self.windows.problem.graph;
        let (n_ops, n_tensors) = (graph.ops().len(), graph.tensors().len());
        let first = match begin {
            Begin::OfProgram => 0,
            Begin::EndOf(op) => op.index() + 1,
        };
        let last = (first + self.span).min(n_ops);
        let n = last - first;
        self.sets[..(n + 1) * self.n_words].fill(0);
        let windows = self.windows;
        let weights = windows.weights(begin);
        let mut of_ops: Vec<Option<Sums>> = vec![None; n];
        let mut found = Vec::new();
        for index in first..last {
            let op = OpId(index as u32);
            let before = graph.predecessors(op);
            let near = || before.iter().filter_map(|it| it.index().checked_sub(first));
            let is_after = match begin {
                Begin::OfProgram => true,
                Begin::EndOf(start) => before.contains(&start) || near().any(|it| of_ops[it].is_some()),
            };
            if !is_after {
                continue;
            }
            let mut sums = Sums::default();
            for it in near() {
                if let Some(theirs) = of_ops[it] {
                    self.join(it, index - first, theirs, &mut sums, &weights);
                }
            }
            let mut bits = vec![index];
            for read in &graph.op(op).reads {
                if read.from.contains(MemoryId::SCRATCHPAD) && !read.may_pass_by() {
                    bits.push(n_ops + read.tensor.index());
                }
                bits.extend(graph.parts(read.tensor).iter().map(|it| n_ops + n_tensors + it.index()));
            }
            let set = &mut self.sets[(index - first) * self.n_words..(index - first + 1) * self.n_words];
            for bit in bits {
                if set[bit / 64] & (1 << (bit % 64)) == 0 {
                    set[bit / 64] |= 1 << (bit % 64);
                    sums.add(bit, &weights);
                }
            }
            of_ops[index - first] = Some(sums);
            found.push((op, sums));
        }
        if last < n_ops {
            return (found, None);
        }
        let mut all = Sums::default();
        for index in (0..n).rev() {
            if let Some(theirs) = of_ops[index] {
                self.join(index, n, theirs, &mut all, &weights);
            }
        }
        (found, Some(all))
    }

    /// Merges one set into another, whose sums are updated.
    fn join(&mut self, from: usize, to: usize, theirs: Sums, sums: &mut Sums, weights: &Weights) {
        let (low, high) = self.sets.split_at_mut(to * self.n_words);
        let (from, to) = (&low[from * self.n_words..(from + 1) * self.n_words], &mut high[..self.n_words]);
        if sums.n_ops == 0 {
            to.copy_from_slice(from);
            *sums = theirs;
            return;
        }
        for (word, (to, from)) in to.iter_mut().zip(from).enumerate() {
            let new = from & !*to;
            *to |= new;
            ones(new).for_each(|bit| sums.add(64 * word + bit, weights));
        }
    }
}

/// The weight of each bit of a set: operators, operands, tensors as parts.
struct Weights<'a> {
    work: &'a [Work],
    loads: Vec<u128>,
    parts: Vec<u128>,
}

impl Sums {
    fn add(&mut self, bit: usize, weights: &Weights) {
        let (n_ops, n_tensors) = (weights.work.len(), weights.loads.len());
        if bit < n_ops {
            let Work { cycles, streams, stores, all_stores, .. } = weights.work[bit];
            self.cycles += cycles;
            self.streams += streams;
            self.stores += stores;
            self.all_stores += all_stores;
            self.n_ops += 1;
        } else if bit < n_ops + n_tensors {
            self.loads += weights.loads[bit - n_ops];
        } else {
            self.parts += weights.parts[bit - n_ops - n_tensors];
        }
    }
}

fn is_argument(problem: &Problem, tensor: TensorId) -> bool {
    matches!(problem.graph.tensor(tensor).origin, Origin::Argument | Origin::Weight)
}

/// Checks that a program has a time in range if each operator loads all of its operands and stores all of its results:
/// then all sums here are in range, too.
fn check_sums(problem: &Problem, cycles: &[Cycles], units: &Units) -> Result<(), Error> {
    let mut sum = Cycles::ZERO;
    for (operator, cycles) in problem.graph.ops().iter().zip(cycles) {
        sum = sum.plus(*cycles)?;
        let ways_in = operator.reads.iter().map(|it| (units.inward, it.tensor));
        let tensors = operator.reads.iter().map(|it| it.tensor).chain(operator.writes.iter().copied());
        for (way, tensor) in ways_in.chain(tensors.map(|it| (units.outward, it))) {
            sum = sum.plus(way.busy(problem.graph.tensor(tensor).size)?)?.plus(way.latency)?;
        }
    }
    Ok(())
}
