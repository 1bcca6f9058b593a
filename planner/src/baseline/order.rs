//! Orders that come from walking through the graph.

use crate::greedy::replace_on_demand;
use crate::replacement::ReplacementRule;
use crate::{Bytes, Graph, OpId, Problem};
use std::collections::VecDeque;

/// Each operator right after its operands: post-order from the operators that no other one waits for, with operands in
/// the order in which they are read. Compilers that traverse an expression graph from its results use this order.
pub fn depth_first(graph: &Graph) -> Vec<OpId> {
    let mut order = Vec::with_capacity(graph.ops().len());
    let mut is_met = vec![false; graph.ops().len()];
    for root in graph.op_ids().filter(|it| graph.successors(*it).is_empty()) {
        // Operators on the path, with the number of operands visited.
        let mut path = vec![(root, 0)];
        is_met[root.index()] = true;
        while let Some((op, n_visited)) = path.last_mut() {
            match graph.predecessors(*op).get(*n_visited) {
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

/// Each operator as soon as possible: ready operators wait in a queue (Kahn, *Topological Sorting of Large Networks*,
/// 1962). Runtimes that start ready operators use this order.
pub fn breadth_first(graph: &Graph) -> Vec<OpId> {
    let mut n_missing: Vec<usize> = graph.op_ids().map(|it| graph.predecessors(it).len()).collect();
    let mut ready: VecDeque<OpId> = graph.op_ids().filter(|it| n_missing[it.index()] == 0).collect();
    let mut order = Vec::with_capacity(n_missing.len());
    while let Some(op) = ready.pop_front() {
        order.push(op);
        for next in graph.successors(op) {
            n_missing[next.index()] -= 1;
            if n_missing[next.index()] == 0 {
                ready.push_back(*next);
            }
        }
    }
    order
}

/// The most bytes in the scratchpad at once if operators run in this order and nothing is evicted before its last use.
pub(super) fn peak(problem: &Problem, order: &[OpId]) -> u64 {
    replace_on_demand(problem, order, ReplacementRule::FarthestNextUse, Bytes(u64::MAX)).peak(problem).0
}
