//! Orders that come from walking through the graph.

use crate::greedy::replace_on_demand;
use crate::replacement::ReplacementRule;
use crate::{Bytes, Graph, OpId, Problem};
use std::collections::VecDeque;

/// Each operator right after what it needs: post-order from the operators that nobody waits for,
/// operands in the order in which they are read. So do compilers that visit a graph of expressions
/// from its results.
pub fn depth_first(graph: &Graph) -> Vec<OpId> {
    let Dependences { before, after } = Dependences::new(graph);
    let mut order = Vec::with_capacity(before.len());
    let mut is_met = vec![false; before.len()];
    for root in graph.op_ids().filter(|it| after[it.index()].is_empty()) {
        // Operators that wait for what they need, and how much of it was visited.
        let mut path = vec![(root, 0)];
        is_met[root.index()] = true;
        while let Some((op, n_visited)) = path.last_mut() {
            match before[op.index()].get(*n_visited) {
                Some(&needed) => {
                    *n_visited += 1;
                    if !std::mem::replace(&mut is_met[needed.index()], true) {
                        path.push((needed, 0));
                    }
                }
                None => {
                    order.push(*op);
                    path.pop();
                }
            }
        }
    }
    order
}

/// Each operator as soon as its turn comes: those that are ready wait in a queue (Kahn, *Topological
/// Sorting of Large Networks*, 1962). So do run-times that start what is ready.
pub fn breadth_first(graph: &Graph) -> Vec<OpId> {
    let Dependences { before, after } = Dependences::new(graph);
    let mut n_missing: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut ready: VecDeque<OpId> = graph.op_ids().filter(|it| n_missing[it.index()] == 0).collect();
    let mut order = Vec::with_capacity(before.len());
    while let Some(op) = ready.pop_front() {
        order.push(op);
        for next in &after[op.index()] {
            n_missing[next.index()] -= 1;
            if n_missing[next.index()] == 0 {
                ready.push_back(*next);
            }
        }
    }
    order
}

/// Which operators need which, each once.
pub(super) struct Dependences {
    /// By operator: the writers of what it reads, in the order in which it reads.
    pub before: Vec<Vec<OpId>>,
    /// By operator: the readers of what it writes, in source order.
    pub after: Vec<Vec<OpId>>,
}

impl Dependences {
    pub fn new(graph: &Graph) -> Dependences {
        let mut before: Vec<Vec<OpId>> = vec![Vec::new(); graph.ops().len()];
        let mut after = before.clone();
        for op in graph.op_ids() {
            for producer in graph.op(op).reads_on_chip().filter_map(|it| graph.producer(it)) {
                // Operators come one after the other, so one that was noted is the last.
                if after[producer.index()].last() != Some(&op) {
                    before[op.index()].push(producer);
                    after[producer.index()].push(op);
                }
            }
        }
        Dependences { before, after }
    }
}

/// The most bytes that lie in the scratchpad at once if operators run in this order and nothing
/// leaves before its last use.
pub(super) fn peak(problem: &Problem, order: &[OpId]) -> u64 {
    replace_on_demand(problem, order, ReplacementRule::FarthestNextUse, Bytes(u64::MAX)).peak(problem).0
}
