//! Orders to begin with, when nobody brought one.

use super::exact::keep_all;
use super::formula::mended;
use crate::{OpId, Outline, Problem};

/// The best of a few outlines that cost next to nothing to make: the order of the source, and the
/// one that always runs what leaves the least in the scratchpad.
pub(super) fn first(problem: &Problem) -> Outline {
    let orders = [problem.graph.op_ids().collect(), frugal(problem, &mut Chance(0))];
    let outlines = orders.into_iter().map(|it: Vec<OpId>| {
        let kept = keep_all(problem, &it);
        mended(problem, it, &kept)
    });
    outlines.min_by_key(|it| it.non_compulsory(problem)).expect("two outlines")
}

/// The best of many outlines whose orders are frugal now and follow what is newest then, as chance
/// has it; the same each time.
pub(super) fn best_by_chance(problem: &Problem, n_tries: u64) -> Outline {
    let outlines = (1..=n_tries).map(|seed| {
        let order = frugal(problem, &mut Chance(seed));
        let kept = keep_all(problem, &order);
        mended(problem, order, &kept)
    });
    outlines.min_by_key(|it| it.non_compulsory(problem)).unwrap_or_else(|| first(problem))
}

/// A generator of numbers that look random, after Steele, Lea and Flood (SplitMix). From zero on
/// it yields nothing but zeros.
struct Chance(u64);

impl Chance {
    /// A number below `limit`, which is not zero.
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

/// Of the operators that are ready, the one after which the least is live, compared with before;
/// then the one that became ready last. Chance may have it that what became ready last matters
/// first, or that growth is misjudged.
fn frugal(problem: &Problem, chance: &mut Chance) -> Vec<OpId> {
    let graph = &problem.graph;
    let mut waits_for: Vec<usize> = graph.op_ids().map(|it| graph.predecessors(it).len()).collect();
    let largest = graph.tensor_ids().map(|it| problem.room(it).0).max().unwrap_or(0);
    // Per mille: how often what is newest goes first, and by how much growth may be misjudged.
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
