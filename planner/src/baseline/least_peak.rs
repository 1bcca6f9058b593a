//! The order with the fewest live bytes at once, by dynamic programming over sets of operators that have run.
//!
//! As in memory-aware schedulers (Ahn et al., *Ordering Chaos: Memory-Aware Scheduling of Irregularly Wired Neural
//! Networks for Edge Devices*, 2020, "Serenity"):
//!
//! 1. The bytes that are live after some operators have run depend on the set of these operators, and not on their
//!    order. So it is enough to keep, for each set, the order with the lowest peak so far.
//! 2. Sets are extended level by level, each by every operator that is ready. Sets whose peak exceeds the best of a few
//!    simple orders, the budget, are dropped.
//! 3. Where a network narrows to one operator there is only one set, so the problem divides into parts by itself.
//! 4. The number of sets is the product of the lengths of parallel branches. If a level has more sets than the width,
//!    those with the lowest peak are kept, and among these, those with the fewest live bytes. Then the peak is not
//!    proven to be the least.
//!
//! The size of the scratchpad and the traffic are ignored. The lifetime of an argument begins with its first use.

use super::order::{breadth_first, depth_first, peak};
use crate::{Bytes, Deadline, Graph, OpId, Problem, TensorId};
use fixedbitset::FixedBitSet;
use std::collections::{HashMap, hash_map};

/// The number of sets that a level may keep: enough for an exact answer wherever that takes seconds.
pub const DEFAULT_WIDTH: usize = 1000;

/// An order and its peak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeastPeak {
    /// Operator by step.
    pub order: Vec<OpId>,
    /// The most bytes live at once, workspaces included, without padding.
    pub peak: Bytes,
    /// Whether no order has a lower peak. False if a level had to drop sets.
    pub is_exact: bool,
}

/// An order with the least peak if no level has more than `width` sets, else one with a low peak.
pub fn least_peak(problem: &Problem, width: usize) -> LeastPeak {
    least_peak_until(problem, width, Deadline::NEVER)
}

/// The same with a deadline, after which it returns one of the simple orders.
pub(crate) fn least_peak_until(problem: &Problem, width: usize, deadline: Deadline) -> LeastPeak {
    let graph = &problem.graph;
    let known = [graph.op_ids().collect(), depth_first(graph), breadth_first(graph)];
    let known = known.map(|order: Vec<OpId>| (peak(problem, &order), order));
    let (budget, order) = known.into_iter().min_by_key(|(peak, _)| *peak).expect("there are three");
    let known = LeastPeak { order, peak: Bytes(budget), is_exact: true };

    let readers = Readers::new(graph);
    let mut is_exact = true;
    // By level: the index of the previous state, and the operator that was added.
    let mut steps: Vec<Vec<(usize, OpId)>> = Vec::new();
    let mut states = vec![State::start(problem)];
    for _ in graph.op_ids() {
        let mut level = Level::default();
        for (index, state) in states.iter().enumerate() {
            for &op in &state.ready {
                if deadline.has_passed() {
                    return LeastPeak { is_exact: false, ..known };
                }
                let (live, peak) = state.run(problem, &readers, op);
                if peak <= budget {
                    level.offer(&states, Entry { parent: index, op, live, peak });
                }
            }
        }
        is_exact &= level.narrow(width);
        if level.entries.is_empty() {
            // The best state within the budget was dropped.
            return LeastPeak { is_exact: false, ..known };
        }
        steps.push(level.entries.iter().map(|it| (it.parent, it.op)).collect());
        states = level.entries.into_iter().map(|it| it.state(&states, graph)).collect();
    }
    let peak = states.first().map_or(Bytes::ZERO, |it| Bytes(it.peak));
    let mut order = Vec::with_capacity(steps.len());
    let mut index = 0;
    for level in steps.iter().rev() {
        let (parent, op) = level[index];
        order.push(op);
        index = parent;
    }
    order.reverse();
    LeastPeak { order, peak, is_exact }
}

/// A set of operators that have run.
struct State {
    ran: FixedBitSet,
    /// The hash of the set.
    key: u64,
    /// The operators that can run next, in source order.
    ready: Vec<OpId>,
    /// Bytes that later operators need.
    live: u64,
    /// The most bytes live at once so far.
    peak: u64,
}

impl State {
    fn start(problem: &Problem) -> State {
        let is_ready = |it: &OpId| problem.graph.predecessors(*it).is_empty();
        State {
            ran: FixedBitSet::with_capacity(problem.graph.ops().len()),
            key: 0,
            ready: problem.graph.op_ids().filter(is_ready).collect(),
            live: 0,
            peak: 0,
        }
    }

    /// The live bytes after another operator, and the peak.
    fn run(&self, problem: &Problem, readers: &Readers, op: OpId) -> (u64, u64) {
        let graph = &problem.graph;
        let lives = |tensor: TensorId| match graph.producer(tensor) {
            Some(producer) => self.ran.contains(producer.index()),
            None => readers.has_any_run(graph, tensor, &self.ran),
        };
        let dies = |tensor: TensorId| readers.have_others_run(graph, tensor, op, &self.ran);
        let mut during = self.live;
        let mut freed = 0;
        for tensor in problem.operands(op) {
            let Bytes(size) = graph.tensor(tensor).size;
            if !lives(tensor) {
                during += size;
            }
            if dies(tensor) {
                freed += size;
            }
        }
        let in_place = problem.in_place(op, |it| dies(it.operand));
        let saved: u64 = in_place.iter().map(|it| graph.tensor(it.inner()).size.0).sum();
        (during - freed, self.peak.max(during - saved + graph.op(op).workspace.0))
    }
}

/// A tensor with more readers than this has them as a bit set, for set operations.
const MANY_READERS: usize = 64;

/// By tensor: the set of its readers, if they are many.
struct Readers(Vec<Option<FixedBitSet>>);

impl Readers {
    fn new(graph: &Graph) -> Readers {
        let set = |tensor: TensorId| {
            let readers = graph.readers(tensor).iter().map(|it| it.index());
            (MANY_READERS < readers.len()).then(|| readers.collect())
        };
        Readers(graph.tensor_ids().map(set).collect())
    }

    /// Whether one of a tensor's readers has run.
    fn has_any_run(&self, graph: &Graph, tensor: TensorId, ran: &FixedBitSet) -> bool {
        match &self.0[tensor.index()] {
            Some(readers) => !readers.is_disjoint(ran),
            None => graph.readers(tensor).iter().any(|it| ran.contains(it.index())),
        }
    }

    /// Whether all of a tensor's readers except this one have run.
    fn have_others_run(&self, graph: &Graph, tensor: TensorId, op: OpId, ran: &FixedBitSet) -> bool {
        match &self.0[tensor.index()] {
            Some(readers) => readers.difference(ran).all(|it| it == op.index()),
            None => graph.readers(tensor).iter().all(|it| *it == op || ran.contains(it.index())),
        }
    }
}

/// The states of a level, before their sets are built.
#[derive(Default)]
struct Level {
    entries: Vec<Entry>,
    /// By hash: an entry with it. It is never iterated over, since its order is undefined.
    by_key: HashMap<u64, usize>,
}

#[derive(Clone, Copy)]
struct Entry {
    parent: usize,
    op: OpId,
    live: u64,
    peak: u64,
}

impl Level {
    /// Adds a state if it is the first with its set, or better than the previous one.
    fn offer(&mut self, states: &[State], entry: Entry) {
        match self.by_key.entry(states[entry.parent].key ^ key(entry.op)) {
            hash_map::Entry::Occupied(found) => {
                let known = &mut self.entries[*found.get()];
                if !known.has_set_of(entry, states) {
                    // A hash collision. Keeping a set twice does no harm.
                    self.entries.push(entry);
                } else if entry.peak < known.peak {
                    *known = entry;
                }
            }
            hash_map::Entry::Vacant(place) => {
                place.insert(self.entries.len());
                self.entries.push(entry);
            }
        }
    }

    /// Drops states beyond the width; returns whether there were none.
    fn narrow(&mut self, width: usize) -> bool {
        if self.entries.len() <= width {
            return true;
        }
        self.entries.sort_by_key(|it| (it.peak, it.live));
        self.entries.truncate(width);
        false
    }
}

/// The hash of a set is the exclusive or of those of its operators: equal sets have equal hashes.
fn key(op: OpId) -> u64 {
    // SplitMix64, whose outputs are uncorrelated.
    let mut key = u64::from(op.0).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}

impl Entry {
    /// Whether two entries have the same set of operators.
    fn has_set_of(self, other: Entry, states: &[State]) -> bool {
        let (own, others) = (&states[self.parent].ran, &states[other.parent].ran);
        if self.parent == other.parent || self.op == other.op {
            return self.op == other.op && own == others;
        }
        // Each lacks the other's last operator; otherwise the sets differ in more than these two.
        let n_differing = own.symmetric_difference(others).count();
        n_differing == 2 && own.contains(other.op.index()) && others.contains(self.op.index())
    }

    fn state(self, states: &[State], graph: &Graph) -> State {
        let Entry { parent, op, live, peak } = self;
        let mut ran = states[parent].ran.clone();
        ran.insert(op.index());
        let mut ready: Vec<OpId> = states[parent].ready.iter().copied().filter(|it| *it != op).collect();
        let is_ready = |it: &&OpId| graph.predecessors(**it).iter().all(|it| ran.contains(it.index()));
        ready.extend(graph.successors(op).iter().filter(is_ready));
        ready.sort();
        State { ran, key: states[parent].key ^ key(op), ready, live, peak }
    }
}
