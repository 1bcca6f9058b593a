//! A relaxation in which copies are free.
//!
//! A side operator that reads one tensor and writes another one of the same size, such as a transposition, or a copy
//! for the backward pass, can run at any time between the readers of both: often at hundreds of equally good places.
//! Without it, the two tensors are one, which is in the scratchpad while either of them is.
//!
//! No plan of the rest moves more than that of the whole: take any plan of the whole. The merged tensor takes no more
//! space than both; it is reloaded when one of them was and the other is absent; and it is written back only if one of
//! them is. That fails if a result may take the place of one of them, which the other would prevent: such tensors stay
//! separate.

use super::chain::Backbone;
use crate::sub_problem::{SubProblem, SubProblemBuilder};
use crate::{OpId, Origin, Problem, TensorId, Use};

/// The rest of a problem without such operators; `None` if it has none.
pub(super) fn merged(problem: &Problem, backbone: &Backbone) -> Option<SubProblem> {
    let graph = &problem.graph;
    // By tensor: the tensor that it is merged into.
    let mut same: Vec<TensorId> = graph.tensor_ids().collect();
    let mut is_left_out = vec![false; graph.ops().len()];
    for op in graph.op_ids().filter(|it| backbone.place(*it).is_none()) {
        if let Some((from, to)) = copied(problem, op) {
            same[to.index()] = same[from.index()];
            is_left_out[op.index()] = true;
        }
    }
    if !is_left_out.contains(&true) {
        return None;
    }
    let mut builder = SubProblemBuilder::new(problem);
    for op in graph.op_ids().filter(|it| !is_left_out[it.index()]) {
        let operator = graph.op(op);
        let staged = operator.reads.iter().filter(|it| graph.tensor(it.tensor).origin == Origin::Staged);
        staged.for_each(|it| builder.staged(it.tensor));
        let reads = operator.reads.iter().map(|it| Use { tensor: same[it.tensor.index()], from: it.from });
        builder.op(&operator.name, &[op], reads, &operator.writes, operator.workspace);
    }
    builder.results();
    graph.ops().iter().flat_map(|it| &it.in_place).for_each(|it| builder.in_place(it));
    builder.without_pins();
    Some(builder.build(problem.machine.clone()))
}

/// The operand and the result of a copy, if they may be merged.
fn copied(problem: &Problem, op: OpId) -> Option<(TensorId, TensorId)> {
    let graph = &problem.graph;
    let is_tracked = |it: &TensorId| problem.is_tracked(*it);
    let from = only(graph.op(op).reads_on_chip().filter(is_tracked))?;
    let to = only(graph.op(op).writes.iter().copied().filter(is_tracked))?;
    let may_lie_over =
        |reader: &OpId, operand: TensorId| graph.op(*reader).in_place.iter().any(|it| it.operand == operand);
    let is_apart = |it: TensorId| graph.readers(it).iter().all(|reader| *reader == op || !may_lie_over(reader, it));
    let is_written_in_part = graph.op(op).writes.iter().any(|it| graph.is_part(*it));
    let is_from_parts = graph.is_part(from) || graph.tensor(from).origin == Origin::Staged;
    let is_plain = !is_written_in_part && !is_from_parts && !graph.is_written_back(to);
    let is_alike = graph.tensor(from).size == graph.tensor(to).size;
    (is_alike && is_plain && is_apart(from) && is_apart(to)).then_some((from, to))
}

/// The tensor, if it is the only one.
fn only(mut tensors: impl Iterator<Item = TensorId>) -> Option<TensorId> {
    tensors.next().filter(|_| tensors.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::{Backbone, merged};
    use crate::testing::{Shape, outline_optimum, seeded_problem};
    use crate::{Bytes, Problem};

    #[test]
    fn no_optimum_is_above_that_of_the_whole() {
        let (mut n_merged, mut n_moving) = (0, 0);
        for seed in 0..4000 {
            let problem = seeded_problem(Shape::SMALL, seed);
            let Some(merged) = merged(&problem, &Backbone::of(&problem)) else { continue };
            let optimum = outline_optimum(&problem).expect("each operator fits");
            let of_merged = outline_optimum(&merged.problem).expect("less has to fit");
            assert!(
                of_merged <= optimum,
                "seed {seed}: {of_merged} B, but {optimum} B of\n{problem}{}",
                merged.problem
            );
            n_merged += 1;
            n_moving += usize::from(problem.restreamed() < of_merged);
        }
        assert!(100 < n_merged && 20 < n_moving, "{n_moving} of {n_merged}");
    }

    /// The copy of x that the last operator reads may run at four places, at the same cost.
    #[test]
    fn a_copy_is_what_it_copies() {
        let problem: Problem = "machine scratchpad 6 alignment 1 weights resident
             op f: -> x 2
             op copy: x -> y 2
             op g: x -> a 2
             op h: a -> b 3
             op i: b -> c 2
             op j: c y -> d 1
             return d"
            .parse()
            .expect("a problem");
        let merged = merged(&problem, &Backbone::of(&problem)).expect("it has a copy");
        assert_eq!(merged.problem.graph.ops().len(), 5);
        assert_eq!(outline_optimum(&merged.problem), outline_optimum(&problem));
        assert_eq!(outline_optimum(&problem), Ok(Bytes(4)));
    }
}
