//! Contraction: operators that can run one right after the other without loss become one.
//!
//! Operator *o* is glued to *p* if in every state right after *p* it loses nothing to run *o* at once, regardless of
//! what else has run or lies in the scratchpad. The argument is that of the search's eager operators, for all states
//! together:
//!
//! 1. *o* is ready: it comes right after *p*, each of its inputs was in the scratchpad during *p*, and all its other
//!    predecessors also precede *p*.
//! 2. *o* fits without an eviction: the tensors of *p* that others may still need, plus what *o* needs in addition,
//!    take no more space than *p* did. So everything that was present beside *p* may stay, and the pair needs no more
//!    than *p* alone.
//! 3. For every partition of the inputs that certainly die with *o* into kept and evicted ones, the results take no
//!    more space than the kept ones, or cost no more to evict than the evicted ones. An input that *p* wrote has no
//!    host copy yet (unless it is stored), so its eviction costs a write-back and a reload; one that *p* read may have
//!    one, and then costs only a reload.
//!
//! An optimum that does not run *o* right after *p* is changed into one that does, beginning with the first pair;
//! nothing before it changes, so this terminates. If more operators have run than 1 to 3 require, more inputs die, and
//! that only helps.
//!
//! With one dying input, it must be no smaller than the results. An expanding operator is not glued: its input takes
//! less space while it waits.

use super::precedence::Precedence;
use crate::sub_problem::{SubProblem, SubProblemBuilder};
use crate::{Bytes, Deadline, Dies, OpId, Problem, TensorId, Use};

/// The limit of dying inputs for which all subsets are checked.
const MAX_DYING: usize = 8;

/// A problem with fewer operators and the same optimum.
pub(super) struct Glued {
    /// Without streamed weights; tensors that only one operator touches are part of its workspace.
    pub part: SubProblem,
}

/// Operators that run one after the other.
struct Chain {
    members: Vec<OpId>,
    /// Its inputs from other chains, and its results for others.
    reads: Vec<TensorId>,
    writes: Vec<TensorId>,
    /// The most that lies in the scratchpad for it at once.
    total: Bytes,
}

/// Glues all operators that can be glued. `None` if the deadline passes first, or if the problem is too large.
pub(super) fn glue(problem: &Problem, deadline: Deadline) -> Option<Glued> {
    let precedence = Precedence::of(problem, deadline)?;
    let mut chains = chains(problem);
    let mut chain_of: Vec<usize> = (0..chains.len()).collect();
    // A chain grows as long as it can; the chains that it absorbed are left empty.
    for first in 0..chains.len() {
        while let Some(next) = next_of(problem, &precedence, &chains, &chain_of, first) {
            if deadline.has_passed() {
                return None;
            }
            let taken = std::mem::replace(&mut chains[next], Chain::empty());
            taken.members.iter().for_each(|it| chain_of[it.index()] = first);
            let merged = merged(problem, &chains[first], &taken);
            chains[first] = merged;
        }
    }
    chains.retain(|it| !it.members.is_empty());
    Some(rebuilt(problem, chains))
}

/// Each operator on its own.
pub(super) fn unglued(problem: &Problem) -> Glued {
    rebuilt(problem, chains(problem))
}

fn chains(problem: &Problem) -> Vec<Chain> {
    let crosses = |it: &TensorId| crosses(problem, *it);
    let chain = |op: OpId| Chain {
        members: vec![op],
        reads: problem.graph.op(op).reads_on_chip().filter(crosses).collect(),
        writes: problem.graph.op(op).writes.iter().copied().filter(crosses).collect(),
        total: problem.own_room(op),
    };
    problem.graph.op_ids().map(chain).collect()
}

impl Chain {
    fn empty() -> Chain {
        Chain { members: Vec::new(), reads: Vec::new(), writes: Vec::new(), total: Bytes::ZERO }
    }

    fn operands(&self) -> impl Iterator<Item = TensorId> {
        self.reads.iter().chain(&self.writes).copied()
    }

    fn room(&self, problem: &Problem) -> Bytes {
        self.operands().map(|it| problem.room(it)).sum()
    }
}

/// Whether several operators touch a tensor, so that it can stay in the scratchpad between steps; also true for results
/// that may take the place of an operand, and for these operands.
fn crosses(problem: &Problem, tensor: TensorId) -> bool {
    problem.is_tracked(tensor) || is_in_place(problem, tensor)
}

/// Whether a tensor is in a pair of a result and an operand that may share bytes.
fn is_in_place(problem: &Problem, tensor: TensorId) -> bool {
    let graph = &problem.graph;
    let mut touching = graph.touches(tensor);
    touching.any(|op| graph.op(op).in_place.iter().any(|it| it.result == tensor || it.operand == tensor))
}

/// The chain to append to this one, if there is one: the first in source order.
fn next_of(
    problem: &Problem,
    precedence: &Precedence,
    chains: &[Chain],
    chain_of: &[usize],
    first: usize,
) -> Option<usize> {
    let successors = chains[first].members.iter().flat_map(|it| problem.graph.successors(*it));
    let mut candidates: Vec<usize> = successors.map(|it| chain_of[it.index()]).filter(|it| *it != first).collect();
    candidates.sort_unstable();
    candidates.dedup();
    candidates.into_iter().find(|it| may_glue(problem, precedence, &chains[first], &chains[*it]))
}

fn may_glue(problem: &Problem, precedence: &Precedence, p: &Chain, o: &Chain) -> bool {
    let graph = &problem.graph;
    let size = |it: TensorId| graph.tensor(it).size;
    let rooms = |set: &[TensorId]| -> Bytes { set.iter().map(|it| problem.room(*it)).sum() };
    let is_read_beyond = |it: TensorId, within: &[&Chain]| {
        graph.readers(it).iter().any(|reader| !within.iter().any(|chain| chain.members.contains(reader)))
    };

    // With shared bytes, the exact moment of each need matters.
    let has_pairs = |it: &Chain| it.members.iter().any(|op| !graph.op(*op).in_place.is_empty());
    if has_pairs(p) || has_pairs(o) {
        return false;
    }

    // 1. It is ready.
    let is_there = |it: &TensorId| p.operands().any(|other| other == *it);
    let has_run = |it: &OpId| {
        let is_inside = p.members.contains(it) || o.members.contains(it);
        is_inside || precedence.is_before(*it, p.members[0])
    };
    let mut predecessors = o.members.iter().flat_map(|it| graph.predecessors(*it));
    if !o.reads.iter().all(is_there) || !predecessors.all(has_run) {
        return false;
    }

    // 2. It fits, and the pair needs no more than the first.
    let left: Bytes = p.operands().filter(|it| is_read_beyond(*it, &[p])).map(|it| problem.room(it)).sum();
    let more = o.total - rooms(&o.reads);
    if p.total < left + more || p.total < merged(problem, p, o).room(problem) {
        return false;
    }

    // 3. Its results are no greater burden than the inputs that die with it.
    let written_room = rooms(&o.writes);
    let eviction = |it: TensorId, has_host_copy: bool| if has_host_copy { size(it).0 } else { 2 * size(it).0 };
    let written_cost: u64 = o.writes.iter().map(|it| eviction(*it, graph.is_written_back(*it))).sum();
    let dies = |it: &TensorId| !is_read_beyond(*it, &[p, o]);
    let dying = o.reads.iter().copied().filter(dies);
    let dying: Vec<(Bytes, u64)> =
        dying.map(|it| (problem.room(it), eviction(it, p.reads.contains(&it) || graph.is_written_back(it)))).collect();
    dying.len() <= MAX_DYING
        && (0_u32..1 << dying.len()).all(|evicted| {
            let is_evicted = |index: &usize| evicted & (1 << index) != 0;
            let kept_room: Bytes = (0..dying.len()).filter(|it| !is_evicted(it)).map(|it| dying[it].0).sum();
            let evicted_cost: u64 = (0..dying.len()).filter(is_evicted).map(|it| dying[it].1).sum();
            written_room <= kept_room || written_cost <= evicted_cost
        })
}

fn merged(problem: &Problem, p: &Chain, o: &Chain) -> Chain {
    let members: Vec<OpId> = p.members.iter().chain(&o.members).copied().collect();
    let is_read_elsewhere = |it: &TensorId| problem.graph.readers(*it).iter().any(|it| !members.contains(it));
    let mut reads = p.reads.clone();
    reads.extend(o.reads.iter().copied().filter(|it| !p.operands().any(|other| other == *it)));
    let writes = p.writes.iter().chain(&o.writes).copied().filter(is_read_elsewhere).collect();
    Chain { members, reads, writes, total: p.total }
}

/// The problem whose operators are these chains, in the order of their first members, which respects the dependences.
fn rebuilt(problem: &Problem, mut chains: Vec<Chain>) -> Glued {
    let graph = &problem.graph;
    chains.sort_by_key(|it| it.members[0]);
    let mut builder = SubProblemBuilder::new(problem);
    for chain in &chains {
        let name = &graph.op(chain.members[0]).name;
        let reads = chain.reads.iter().copied().map(Use::from);
        builder.op(name, &chain.members, reads, &chain.writes, chain.total - chain.room(problem));
        chain.writes.iter().filter(|it| graph.is_written_back(**it)).for_each(|it| builder.result(*it));
        // Only chains of one operator have pairs; tensors that it reads in host memory are in none.
        let pairs = chain.members.iter().flat_map(|it| problem.possible_pairs(*it));
        pairs.filter(|it| it.dies != Dies::Never).for_each(|it| builder.in_place(it));
    }
    Glued { part: builder.build_by_rooms() }
}

impl Glued {
    /// Converts an order and its kept tensors into those of the original.
    ///
    /// Within a chain, everything stays that was there before and is kept or needed.
    pub(super) fn expand(
        &self,
        original: &Problem,
        order: &[OpId],
        kept: &[Vec<TensorId>],
    ) -> (Vec<OpId>, Vec<Vec<TensorId>>) {
        let mut expanded = Vec::new();
        let mut expanded_kept = Vec::new();
        let mut before: Vec<TensorId> = Vec::new();
        for (op, kept) in order.iter().zip(kept) {
            let after: Vec<TensorId> = kept.iter().map(|it| self.part.tensor(*it)).collect();
            let members = self.part.members(*op);
            for (index, &member) in members.iter().enumerate() {
                expanded.push(member);
                let still = &members[index + 1..];
                if still.is_empty() {
                    expanded_kept.push(after.clone());
                    continue;
                }
                let touched = members[..=index].iter().flat_map(|it| original.operands(*it));
                let mut stays: Vec<TensorId> = before.iter().copied().chain(touched).collect();
                stays.sort_unstable();
                stays.dedup();
                let is_needed = |it: &TensorId| {
                    after.contains(it)
                        || still.iter().any(|op| original.graph.op(*op).reads_on_chip().any(|read| read == *it))
                };
                stays.retain(is_needed);
                expanded_kept.push(stays);
            }
            before = after;
        }
        (expanded, expanded_kept)
    }
}
