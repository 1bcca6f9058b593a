//! Parts of a problem that are solved alone, for lower bounds on the whole.
//!
//! A part owns some tensors and includes some operators. Its problem is the original one after these changes:
//!
//! - all other operators are removed from every schedule; the dependences through them stay;
//! - tensors that it does not own are evicted and loaded for free, so they are in the scratchpad only while one of its
//!   operators needs them. They count as its workspace, minus the savings of results and operands that may share bytes,
//!   except results that may share with an operand that it owns if that depends on the order;
//! - a tensor that it owns, but whose producer it does not include, is an argument: its first load is free, and it is
//!   never written back.
//!
//! The optimum of a part is a lower bound: take any plan of the whole, and remove the operators outside of the part.
//! The rest fits, since less is in the scratchpad. An owned tensor has at most one stay for each of its original stays
//! that contain a use in the part, so it is reloaded no more often than in the whole, and is written back only if it is
//! in the whole: the part's plan moves no more of it than the whole's plan. So
//!
//! ```text
//! cost of a plan  =  Σ cost of each tensor  ≥  Σ over the parts:  Σ cost of the tensors that it owns
//!                 ≥  Σ over the parts:  optimum of the part
//! ```
//!
//! as long as no tensor is owned twice. Several parts may include the same operators.

use super::precedence::Precedence;
use crate::sub_problem::{SubProblem, SubProblemBuilder};
use crate::{Bytes, Dies, InPlace, OpId, Problem, TensorId, Use};

/// The part of a problem that includes these operators, given in an order that respects the dependences, and owns these
/// tensors. That order is its source order.
pub(super) fn part(problem: &Problem, precedence: &Precedence, ops: &[OpId], is_owned: &[bool]) -> SubProblem {
    let graph = &problem.graph;
    let mut is_inside = vec![false; graph.ops().len()];
    let mut inside = vec![0_u64; is_inside.len().div_ceil(64)];
    let mut place = vec![0; is_inside.len()];
    for (index, op) in ops.iter().map(|it| it.index()).enumerate() {
        is_inside[op] = true;
        inside[op / 64] |= 1 << (op % 64);
        place[op] = index;
    }
    // Owned, and touched at least twice, so that it can stay in between.
    let counts = |tensor: TensorId| {
        let n_readers = graph.readers(tensor).iter().filter(|it| is_inside[it.index()]).count();
        let is_written = graph.producer(tensor).is_some_and(|it| is_inside[it.index()]);
        is_owned[tensor.index()]
            && problem.is_tracked(tensor)
            && 0 < n_readers
            && 1 < n_readers + usize::from(is_written)
    };
    let mut builder = SubProblemBuilder::new(problem);
    for tensor in graph.tensor_ids().filter(|it| counts(*it)) {
        if !graph.producer(tensor).is_some_and(|it| is_inside[it.index()]) {
            builder.argument(tensor);
        }
    }
    for &op in ops {
        let operator = graph.op(op);
        // A result that counts only here, but may share bytes with an operand that counts, in some orders.
        let shares = |tensor: TensorId| {
            let is_open = |it: &InPlace| it.result == tensor && it.dies == Dies::Sometimes && counts(it.operand);
            problem.possible_pairs(op).any(is_open)
        };
        let is_named = |it: TensorId| counts(it) || shares(it);
        let others = problem.operands(op).filter(|it| !is_named(*it)).map(|it| problem.room(it)).sum::<Bytes>();
        // The savings of results and operands, unless both count: in the order that is best for it.
        let is_split = |it: &InPlace| it.dies != Dies::Never && !(is_named(it.result) && counts(it.operand));
        let others = others - problem.saved(&problem.in_place(op, is_split));
        let reads = operator.reads_on_chip().filter(|it| counts(*it)).map(Use::from);
        let writes: Vec<TensorId> = operator.writes.iter().copied().filter(|it| is_named(*it)).collect();
        let own = builder.op(&operator.name, &[op], reads, &writes, problem.workspace_room(op) + others);
        for before in precedence.ancestors().nearest(op.index(), &inside) {
            builder.order(OpId(place[before] as u32), own);
        }
        writes.iter().filter(|it| graph.is_written_back(**it)).for_each(|it| builder.result(*it));
        let is_meant = |it: &&InPlace| it.dies != Dies::Never && counts(it.operand);
        operator.in_place.iter().filter(is_meant).for_each(|it| builder.in_place(it));
    }
    builder.build_by_rooms()
}
