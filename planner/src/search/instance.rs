//! A problem in the form that the search uses: only the tensors that can be live between two steps.
//!
//! A tensor that only one operator touches is part of that operator's `need`: an argument with one reader, a result
//! without readers, a workspace. A tensor without bytes takes no space. All others are *tracked*: they are live from
//! their first touch to their last reader, and between two steps either on-chip or not.

use crate::in_place::most_pairs_and_parts;
use crate::{Bytes, Dies, OpId, Order, Problem, TensorId};

/// Index of a tracked tensor in [`Instance::tracked`].
pub(super) type Tracked = u16;

/// The limit of operands that an operator may stream: a state records which it did.
pub(super) const MAX_EITHER_WAY: usize = u16::BITS as usize;

pub(super) struct Instance {
    /// The limit of the sum of padded sizes in the scratchpad, except while an operator runs that needs more by itself.
    pub capacity: u64,
    pub ops: Vec<SearchOp>,
    pub tracked: Vec<TrackedTensor>,
    /// The number of words of a set of operators.
    pub n_words: usize,
}

#[derive(Default)]
pub(super) struct SearchOp {
    /// The padded size of everything that only this operator touches, workspace included.
    pub need: u64,
    /// The limit of the sum of padded sizes in the scratchpad while it runs.
    pub capacity: u64,
    /// Tracked tensors that it reads and writes; sorted.
    pub reads: Vec<Tracked>,
    pub writes: Vec<Tracked>,
    /// Its reads that may be streamed, sorted; at most [`MAX_EITHER_WAY`].
    pub either_way: Vec<Tracked>,
    /// Results and operands that may share bytes, if the operand dies with the operator.
    pub in_place: Vec<SearchPair>,
    /// Tracked tensors that cannot be present while it runs, since their pins conflict with its tensors; sorted.
    pub excluded: Vec<Tracked>,
    /// Whether a pin of its tensors conflicts with any other tensor.
    pub is_in_the_way: bool,
    /// Operators that must have run before; sorted.
    pub predecessors: Vec<u16>,
    /// Operators that wait for this one; sorted.
    pub successors: Vec<u16>,
}

/// A result and an operand that may share bytes, with their ids in the graph, tracked or not.
#[derive(Clone, Copy)]
pub(super) struct SearchPair {
    pub result: u32,
    pub operand: u32,
    /// The operand, if it is tracked; otherwise it dies with the operator.
    pub tracked: Option<Tracked>,
    /// The saving.
    pub room: u64,
    /// Whether one is a part of the other.
    pub is_part: bool,
}

impl SearchOp {
    /// The space saved by shared bytes, if `dies` says which of the tracked operands have no further readers.
    pub fn saved(&self, dies: impl Fn(Tracked) -> bool) -> u64 {
        if self.in_place.is_empty() {
            return 0;
        }
        let pairs: Vec<&SearchPair> = self.in_place.iter().filter(|it| it.tracked.is_none_or(&dies)).collect();
        let ids: Vec<(u32, u32)> = pairs.iter().map(|it| (it.result, it.operand)).collect();
        most_pairs_and_parts(&ids, |it| !pairs[*it].is_part).into_iter().map(|it| pairs[it].room).sum()
    }

    /// Records the tensors that cannot be present while it runs. Its own results and operands may share bytes.
    fn exclude(&mut self, problem: &Problem, index_of: &[Option<Tracked>], id: OpId, apart: &[Vec<TensorId>]) {
        let others: Vec<TensorId> = problem.operands(id).flat_map(|it| &apart[it.index()]).copied().collect();
        self.is_in_the_way = !others.is_empty();
        let own: Vec<TensorId> = problem.operands(id).collect();
        let others = others.into_iter().filter(|it| !own.contains(it));
        self.excluded = others.filter_map(|it| index_of[it.index()]).collect();
        self.excluded.sort_unstable();
        self.excluded.dedup();
    }
}

#[derive(Clone)]
pub(super) struct TrackedTensor {
    pub id: TensorId,
    /// The bytes of a transfer.
    pub size: u64,
    /// The padded size.
    pub room: u64,
    /// Whether host memory has it as soon as it exists: an argument, or a stored result.
    pub has_host_copy: bool,
    pub producer: Option<u16>,
    pub readers: Vec<u16>,
}

/// The limit of operators that touch a tensor, beyond which one group cannot include them all.
const MAX_TOUCHES: usize = 6;

impl TrackedTensor {
    /// The operators that touch it around a step of a plan: all of them, or the nearest before and after if there are
    /// many.
    pub fn touches_around(&self, step: usize, step_of: &[usize]) -> Vec<u16> {
        let mut touches: Vec<u16> = self.readers.iter().chain(&self.producer).copied().collect();
        if MAX_TOUCHES < touches.len() {
            touches.sort_unstable_by_key(|it| step_of[usize::from(*it)]);
            let after = touches.partition_point(|it| step_of[usize::from(*it)] <= step);
            touches.truncate((after + MAX_TOUCHES / 2).min(touches.len()));
            touches.drain(..after.saturating_sub(MAX_TOUCHES / 2).min(touches.len()));
        }
        touches
    }
}

impl Instance {
    pub fn new(problem: &Problem, capacity: Bytes, order: Order) -> Instance {
        let graph = &problem.graph;
        let mut index_of: Vec<Option<Tracked>> = vec![None; graph.tensors().len()];
        let mut tracked = Vec::new();
        for id in graph.tensor_ids().filter(|it| problem.is_tracked(*it)) {
            index_of[id.index()] = Some(tracked.len() as Tracked);
            tracked.push(TrackedTensor {
                id,
                size: graph.tensor(id).size.0,
                room: problem.room(id).0,
                has_host_copy: graph.has_host_copy(id),
                producer: graph.producer(id).map(|it| it.0 as u16),
                readers: graph.readers(id).iter().map(|it| it.0 as u16).collect(),
            });
        }
        let mut ops: Vec<SearchOp> = graph.op_ids().map(|op| search_op(problem, &index_of, op, capacity)).collect();
        if graph.has_pins() {
            let apart = graph.apart();
            for (id, op) in graph.op_ids().zip(&mut ops) {
                op.exclude(problem, &index_of, id, &apart);
            }
        }
        if order == Order::Source {
            let last = ops.len().saturating_sub(1) as u16;
            for (index, op) in (0_u16..).zip(&mut ops) {
                op.predecessors = index.checked_sub(1).into_iter().collect();
                op.successors = Some(index + 1).filter(|_| index < last).into_iter().collect();
            }
        }
        Instance { capacity: capacity.0, ops, tracked, n_words: graph.ops().len().div_ceil(64) }
    }
}

fn search_op(problem: &Problem, index_of: &[Option<Tracked>], id: OpId, capacity: Bytes) -> SearchOp {
    let graph = &problem.graph;
    let op = graph.op(id);
    let tracked = |tensors: &mut dyn Iterator<Item = TensorId>| {
        let mut tracked: Vec<Tracked> = tensors.filter_map(|it| index_of[it.index()]).collect();
        tracked.sort_unstable();
        tracked
    };
    let own: Bytes = problem.operands(id).filter(|it| index_of[it.index()].is_none()).map(|it| problem.room(it)).sum();
    let mut predecessors: Vec<u16> = graph.predecessors(id).iter().map(|it| it.0 as u16).collect();
    predecessors.sort_unstable();
    let successors: Vec<u16> = graph.successors(id).iter().map(|it| it.0 as u16).collect();
    let pairs = problem.possible_pairs(id).filter(|it| it.dies != Dies::Never);
    let in_place = pairs.map(|it| SearchPair {
        result: it.result.0,
        operand: it.operand.0,
        tracked: index_of[it.operand.index()],
        room: problem.room(it.inner()).0,
        is_part: it.is_part(),
    });
    SearchOp {
        capacity: capacity.max(problem.own_room(id) - problem.saved_always(id)).0,
        in_place: in_place.collect(),
        excluded: Vec::new(),
        is_in_the_way: false,
        need: (own + problem.workspace_room(id)).0,
        reads: tracked(&mut op.reads_on_chip()),
        either_way: tracked(&mut op.reads_either_way()),
        writes: tracked(&mut op.writes.iter().copied()),
        predecessors,
        successors,
    }
}
