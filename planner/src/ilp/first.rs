//! Initial orders, if the caller has none.

use super::exact::keep_all;
use super::formula::mended;
use crate::{OpId, Outline, Problem};

/// The best of a few outlines that take almost no time: source order, and the order that always runs the operator that
/// leaves the least in the scratchpad.
pub(super) fn first(problem: &Problem) -> Outline {
    let orders = [problem.graph.op_ids().collect(), frugal(problem, &mut Chance(0))];
    let outlines = orders.into_iter().map(|it: Vec<OpId>| {
        let kept = keep_all(problem, &it);
        mended(problem, it, &kept)
    });
    outlines.min_by_key(|it| it.non_compulsory(problem)).expect("two outlines")
}

/// The best of many randomised outlines whose orders mix few live bytes with depth first; deterministic.
pub(super) fn best_by_chance(problem: &Problem, n_tries: u64) -> Outline {
    let outlines = (1..=n_tries).map(|seed| {
        let order = frugal(problem, &mut Chance(seed));
        let kept = keep_all(problem, &order);
        mended(problem, order, &kept)
    });
    outlines.min_by_key(|it| it.non_compulsory(problem)).unwrap_or_else(|| first(problem))
}

/// A pseudorandom number generator after Steele, Lea and Flood (SplitMix). With seed zero it returns only zeros.
struct Chance(u64);

impl Chance {
    /// A number below `limit`, which must not be zero.
    fn below(&mut self, limit: u64) -> u64 {
        if self.0 == 0 {
            return 0;
        }
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15).max(1);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Among the ready operators, the one with the least growth of live bytes; then the one that became ready last. Chance
/// may prefer the one that became ready last, or perturb the growth.
fn frugal(problem: &Problem, chance: &mut Chance) -> Vec<OpId> {
    let graph = &problem.graph;
    let mut waits_for: Vec<usize> = graph.op_ids().map(|it| graph.predecessors(it).len()).collect();
    let largest = graph.tensor_ids().map(|it| problem.room(it).0).max().unwrap_or(0);
    // Per mille: how often the newest operator goes first, and how much growth may be perturbed.
    let newest_first = chance.below(4) * 250;
    let misjudged = u128::from(largest) * u128::from(chance.below(4) * 100) / 1000;
    let misjudged = i128::try_from(misjudged).unwrap_or(0).max(1);
    let mut unread: Vec<usize> = graph.tensor_ids().map(|it| graph.readers(it).len()).collect();
    let mut is_live: Vec<bool> = vec![false; unread.len()];
    let mut ready: Vec<OpId> = graph.op_ids().filter(|it| waits_for[it.index()] == 0).collect();
    let mut order = Vec::with_capacity(waits_for.len());
    while !ready.is_empty() {
        let growth = |op: OpId| -> i128 {
            let operands = problem.operands(op).map(|it| {
                let room = i128::from(problem.room(it).0);
                let reads = usize::from(graph.producer(it) != Some(op));
                let stays = unread[it.index()] != reads;
                room * (i128::from(stays) - i128::from(is_live[it.index()]))
            });
            operands.sum()
        };
        let is_newest_first = chance.below(1000) < newest_first;
        let key = |it: usize, chance: &mut Chance| {
            let growth = growth(ready[it]) + i128::from(chance.below(misjudged as u64));
            let age = (ready.len() - it) as i128;
            if is_newest_first { (age, growth) } else { (growth, age) }
        };
        let next = (0..ready.len()).min_by_key(|&it| key(it, chance)).expect("one is ready");
        let op = ready.remove(next);
        order.push(op);
        for tensor in graph.op(op).reads_on_chip() {
            unread[tensor.index()] -= 1;
        }
        for tensor in problem.operands(op) {
            is_live[tensor.index()] = 0 < unread[tensor.index()];
        }
        for &next in graph.successors(op) {
            waits_for[next.index()] -= 1;
            if waits_for[next.index()] == 0 {
                ready.push(next);
            }
        }
    }
    order
}
