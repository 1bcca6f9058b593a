//! Parts of a problem that are solved alone, for lower bounds on the whole.
//!
//! A part owns some tensors and looks at some operators. Its problem is what remains if
//!
//! - all other operators are left out of every schedule, while the dependences that run through
//!   them stay;
//! - tensors that it does not own cost nothing to put out and to bring in, so that they lie in the
//!   scratchpad only while one of its operators needs them: they count as its workspace, less what
//!   is saved where a result and an operand may share bytes; but for results that may do so with an
//!   operand that it owns, if that depends on the order;
//! - a tensor that it owns, but whose producer it does not look at, is an argument: it comes in
//!   for nothing the first time, and it need not be written back.
//!
//! Why the optimum of a part is a bound: take any plan of the whole, and leave out of it the
//! operators that the part does not look at. What stays fits, since less lies there. An owned
//! tensor then has a stay for each of those stays that contain a use in the part, or fewer, so it
//! comes in again no more often than in the whole, and is written back only if it is there, too:
//! what the part's plan moves of it, the whole's plan moves of it as well. So
//!
//! ```text
//! cost of a plan  =  Σ cost of each tensor  ≥  Σ over the parts:  Σ cost of the tensors that it owns
//!                 ≥  Σ over the parts:  optimum of the part
//! ```
//!
//! as long as no tensor is owned twice. Operators may be looked at by several parts.

use super::precedence::Precedence;
use crate::sub_problem::{SubProblem, SubProblemBuilder};
use crate::{Bytes, Dies, InPlace, OpId, Problem, TensorId, Use};

/// The part of a problem that looks at these operators, given in an order that respects the
/// dependences, and owns these tensors. Its own order is that order.
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
    // Owned, and touched twice at least, so that it can lie there in between.
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
        // What results and operands share, unless both are there: in the order that is best for it.
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
