//! The chooser against all fused stripe plans of small networks: each interval of the order as a group, in stripes of
//! each height, with each set of tensors kept. What is counted here is what such a plan takes without sharing places
//! and with all weights of a group on-chip, so the chooser, which knows more, moves no more.

#[allow(dead_code, reason = "each test takes what it needs")]
mod small;

use cosma_planner::{Bytes, Deadline, OpId, TensorId};
use cosma_tile::{Network, choose_stripes};
use proptest::prelude::*;
use small::{Small, Window, on};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The axis of rows, of tensors and of loops.
const ROWS: usize = 1;

struct Family<'a> {
    network: &'a Network,
    scratchpad: u64,
    n_ops: usize,
    /// The best from a cut on, by the tensors that are kept there and those that host memory has.
    known: BTreeMap<(usize, BTreeSet<TensorId>, BTreeSet<TensorId>), Option<u64>>,
}

/// What a group does with tensors from outside and tensors for outside.
struct Border<'s> {
    kept: &'s BTreeSet<TensorId>,
    keeps: &'s BTreeSet<TensorId>,
}

impl Family<'_> {
    fn rows(&self, tensor: TensorId) -> u64 {
        self.network.shape(tensor).dims[ROWS]
    }

    fn row_bytes(&self, tensor: TensorId) -> u64 {
        self.bytes(tensor) / self.rows(tensor)
    }

    fn bytes(&self, tensor: TensorId) -> u64 {
        self.network.shape(tensor).bytes().0
    }

    fn result(&self, op: usize) -> TensorId {
        self.network.operators[op].results[0]
    }

    /// What an operator reads for some rows of its result: tensors that have rows, and of those which.
    fn reads(&self, op: usize, rows: Range<u64>) -> Vec<(TensorId, Range<u64>)> {
        let operator = &self.network.operators[op];
        let access = operator.access.as_ref().expect("each operator has one");
        let regions = self.network.reads(OpId(op as u32), &access.whole().with_range(ROWS, rows));
        let streamed = operator.operands.iter().zip(regions).filter(|it| !self.is_weight(*it.0));
        streamed.map(|(tensor, region)| (*tensor, region.range(ROWS))).collect()
    }

    fn is_weight(&self, tensor: TensorId) -> bool {
        self.network.problem.graph.tensor(tensor).name.starts_with('w')
    }

    fn last_reader(&self, tensor: TensorId) -> Option<usize> {
        self.network.problem.graph.readers(tensor).iter().map(|it| it.index()).max()
    }

    /// Whether an operator from a cut on reads a tensor.
    fn crosses(&self, tensor: TensorId, cut: usize) -> bool {
        self.last_reader(tensor).is_some_and(|it| cut <= it)
    }

    fn leaves(&self, tensor: TensorId, end: usize) -> bool {
        self.network.problem.graph.is_stored(tensor) || self.last_reader(tensor).is_none_or(|it| end <= it)
    }

    /// The bytes that a group loads from host memory if it fits.
    fn run(&self, ops: Range<usize>, height: u64, border: &Border) -> Option<BTreeMap<TensorId, u64>> {
        let leaving: Vec<usize> = ops.clone().filter(|it| self.leaves(self.result(*it), ops.end)).collect();
        let tallest = leaving.iter().map(|it| self.rows(self.result(*it))).max()?;
        let mut done = vec![0; self.n_ops];
        let mut loaded: BTreeMap<TensorId, Range<u64>> = BTreeMap::new();
        let mut row = 0;
        while row < tallest {
            row = tallest.min(row + height);
            let mut need = done.clone();
            for op in ops.clone().rev() {
                if leaving.contains(&op) {
                    need[op] = need[op].max(self.rows(self.result(op)) * row / tallest);
                }
                let reads = if need[op] == 0 { Vec::new() } else { self.reads(op, 0..need[op]) };
                for (tensor, rows) in reads {
                    if let Some(made) = ops.clone().find(|it| self.result(*it) == tensor) {
                        need[made] = need[made].max(rows.end);
                    }
                }
            }
            for op in ops.clone() {
                if need[op] <= done[op] {
                    continue;
                }
                let own = self.reads(op, done[op]..need[op]);
                for (tensor, rows) in own {
                    let is_outside = !ops.clone().any(|it| self.result(it) == tensor);
                    if is_outside && !border.kept.contains(&tensor) {
                        let known = loaded.entry(tensor).or_insert(rows.clone());
                        *known = known.start.min(rows.start)..known.end.max(rows.end);
                    }
                }
                if self.scratchpad < self.room(&ops, &done, (op, need[op]), &loaded, border) {
                    return None;
                }
                done[op] = need[op];
            }
        }
        Some(
            loaded
                .into_iter()
                .map(|(tensor, rows)| (tensor, (rows.end - rows.start) * self.row_bytes(tensor)))
                .collect(),
        )
    }

    /// What lies on-chip while an operator of a group runs up to a row.
    fn room(
        &self,
        ops: &Range<usize>,
        done: &[u64],
        (running, to): (usize, u64),
        loaded: &BTreeMap<TensorId, Range<u64>>,
        border: &Border,
    ) -> u64 {
        let weights = ops.clone().flat_map(|it| &self.network.operators[it].operands);
        let weights: BTreeSet<TensorId> = weights.copied().filter(|it| self.is_weight(*it)).collect();
        let mut room: u64 = weights.iter().chain(border.kept).map(|it| self.bytes(*it)).sum();
        // The first row that the group still needs.
        let low = |tensor: TensorId, top: u64| {
            let readers = ops.clone().filter(|it| done[*it] < self.rows(self.result(*it)));
            let reads = readers.flat_map(|it| self.reads(it, done[it]..self.rows(self.result(it))));
            reads.filter(|it| it.0 == tensor).map(|it| it.1.start).min().unwrap_or(top).min(top)
        };
        for op in ops.clone() {
            let tensor = self.result(op);
            let top = if op == running { to } else { done[op] };
            let mut first = low(tensor, top);
            if op == running {
                first = first.min(done[op]);
            }
            let n_rows = if border.keeps.contains(&tensor) { top } else { top - first };
            room += n_rows * self.row_bytes(tensor);
        }
        room + loaded.iter().map(|(it, rows)| (rows.end - low(*it, rows.end)) * self.row_bytes(*it)).sum::<u64>()
    }

    /// The least that moves from a cut on beyond the compulsory.
    fn best(&mut self, cut: usize, kept: &BTreeSet<TensorId>, host: &BTreeSet<TensorId>) -> Option<u64> {
        if cut == self.n_ops {
            return Some(0);
        }
        let key = (cut, kept.clone(), host.clone());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let mut best: Option<u64> = None;
        for end in cut + 1..=self.n_ops {
            let crossing: Vec<TensorId> = (cut..end).map(|it| self.result(it)).chain(kept.iter().copied()).collect();
            let crossing: Vec<TensorId> = crossing.into_iter().filter(|it| self.crosses(*it, end)).collect();
            for set in 0u32..1 << crossing.len() {
                let keeps = (0..crossing.len()).filter(|it| set & (1 << it) != 0).map(|it| crossing[it]).collect();
                let cost = self.group(cut..end, (kept, &keeps, &crossing), host);
                best = [best, cost].into_iter().flatten().min();
            }
        }
        self.known.insert(key, best);
        best
    }

    /// Likewise, where these operators are a group, and these tensors are kept behind it of those that cross.
    fn group(
        &mut self,
        ops: Range<usize>,
        (kept, keeps, crossing): (&BTreeSet<TensorId>, &BTreeSet<TensorId>, &[TensorId]),
        host: &BTreeSet<TensorId>,
    ) -> Option<u64> {
        let tallest = ops.clone().map(|it| self.rows(self.result(it))).max()?;
        let heights: BTreeSet<u64> = (1..=tallest).map(|it| tallest.div_ceil(it)).collect();
        let graph = &self.network.problem.graph;
        let spilled: Vec<TensorId> =
            crossing.iter().copied().filter(|it| !keeps.contains(it) && !host.contains(it)).collect();
        let spills: u64 = spilled.iter().filter(|it| !graph.is_stored(**it)).map(|it| self.bytes(*it)).sum();
        let first_read = |it: TensorId| graph.readers(it).iter().all(|it| ops.start <= it.index());
        let loads = |loaded: BTreeMap<TensorId, u64>| -> u64 {
            let is_first = |it: TensorId| graph.producer(it).is_none() && first_read(it);
            loaded.into_iter().filter(|it| !is_first(it.0)).map(|it| it.1).sum()
        };
        let border = Border { kept, keeps };
        let runs = heights.into_iter().filter_map(|it| self.run(ops.clone(), it, &border)).map(loads);
        let loaded = runs.min()?;
        let mut host = host.clone();
        host.extend(spilled);
        Some(spills + loaded + self.best(ops.end, keeps, &host)?)
    }
}

/// Whether to add or to convolve, which earlier tensor, and output channels and window of a convolution.
type Step = (bool, usize, u64, Window);

/// A network of convolutions, and of sums with an earlier tensor where one has the same shape.
fn network((rows, channels, steps): &(u64, u64, Vec<Step>)) -> Network {
    let mut small = Small::new();
    let mut tensors = vec![small.input(*channels, *rows)];
    let mut read = BTreeSet::new();
    for (adds, back, channels, window) in steps {
        let of = tensors[tensors.len() - 1 - back.min(&(tensors.len() - 1))];
        let last = tensors[tensors.len() - 1];
        let is_alike = (small.rows(of), small.channels(of)) == (small.rows(last), small.channels(last));
        if *adds && of != last && is_alike {
            read.extend([of, last]);
            tensors.push(small.add(last, of));
        } else if let Some(made) = small.conv(of, *channels, *window) {
            read.insert(of);
            tensors.push(made);
        }
    }
    let results: Vec<TensorId> = tensors[1..].iter().copied().filter(|it| !read.contains(it)).collect();
    small.finish(&results, 1 << 20, 1)
}

fn window() -> impl Strategy<Value = Window> {
    (1..4u64, 1..3u64).prop_map(|(kernel, stride)| Window { kernel, stride, padding: kernel / 2 })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_stripe_plan_moves_less(
        recipe in (2..7u64, 1..3u64, prop::collection::vec((any::<bool>(), 0..3usize, 1..2u64, window()), 2..6)),
        share in 10..70u64,
    ) {
        let network = network(&recipe);
        let n_ops = network.operators.len();
        let total: u64 = network.problem.graph.tensors().iter().map(|it| it.size.0).sum();
        let scratchpad = total * share / 100;
        let mut family = Family { network: &network, scratchpad, n_ops, known: BTreeMap::new() };
        if let Some(least) = family.best(0, &BTreeSet::new(), &BTreeSet::new()) {
            match choose_stripes(&on(&network, scratchpad), Deadline::NEVER) {
                Ok(plan) => prop_assert!(plan.non_compulsory <= Bytes(least), "{} B, not {least} B: {plan:?}", plan.non_compulsory),
                Err(error) => prop_assert!(false, "{error}, but there is a plan of {least} B"),
            }
        }
    }
}
