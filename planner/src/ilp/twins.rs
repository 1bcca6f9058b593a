//! Symmetry: operators that could change places without anybody noticing run in source order.
//!
//! Two operators are twins if they read the same, need the same, and write tensors of the same
//! sizes that are stored alike and read by the same operators. Exchanging them, and what they
//! write, turns any plan into another one of the same cost; so a dependence of no size from each
//! to the next loses nothing.

use crate::{Bytes, GraphBuilder, OpId, Problem, TensorId, Use};

/// The same problem, with a dependence between each twin and the next.
///
/// Operators keep their ids, tensors do not.
pub(super) struct Ordered {
    pub problem: Problem,
    /// Per tensor, the original one; none for a new dependence.
    pub tensors: Vec<Option<TensorId>>,
}

/// All that must be alike.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Looks {
    reads: Vec<TensorId>,
    own: Bytes,
    writes: Vec<(Bytes, bool, Vec<OpId>)>,
    /// Who writes in the place of what it reads has no twin.
    in_place: Option<OpId>,
}

/// Puts twins in order.
pub(super) fn ordered(problem: &Problem) -> Ordered {
    let graph = &problem.graph;
    let mut looks: Vec<(Looks, OpId)> = graph.op_ids().map(|op| (looks(problem, op), op)).collect();
    looks.sort();
    let mut elder: Vec<Option<OpId>> = vec![None; looks.len()];
    for pair in looks.windows(2) {
        if pair[0].0 == pair[1].0 {
            elder[pair[1].1.index()] = Some(pair[0].1);
        }
    }
    let mut is_elder = vec![false; looks.len()];
    elder.iter().flatten().for_each(|it| is_elder[it.index()] = true);

    let mut builder = GraphBuilder::new();
    let mut new: Vec<Option<TensorId>> = vec![None; graph.tensors().len()];
    let mut token: Vec<Option<TensorId>> = vec![None; looks.len()];
    let mut tensors = Vec::new();
    for tensor in graph.tensor_ids().filter(|it| graph.producer(*it).is_none()) {
        new[tensor.index()] = Some(match graph.tensor(tensor).origin {
            crate::Origin::Weight => builder.weight(&graph.tensor(tensor).name, graph.tensor(tensor).size),
            _ => builder.argument(&graph.tensor(tensor).name, graph.tensor(tensor).size),
        });
        tensors.push(Some(tensor));
    }
    for id in graph.op_ids() {
        let op = graph.op(id);
        let here = |it: &Use| Some(Use { tensor: new[it.tensor.index()]?, from: it.from });
        let mut reads: Vec<Use> = op.reads.iter().filter_map(here).collect();
        reads.extend(elder[id.index()].and_then(|it| token[it.index()]).map(Use::from));
        let writes = op.writes.iter().map(|it| (graph.tensor(*it).name.clone(), graph.tensor(*it).size));
        let token_write = is_elder[id.index()].then(|| (format!("before_{}", op.name), Bytes::ZERO));
        let written = builder.op_with_uses(&op.name, &reads, writes.chain(token_write), op.workspace);
        for (&old, &id) in op.writes.iter().zip(&written) {
            new[old.index()] = Some(id);
            tensors.push(Some(old));
        }
        for pair in &op.in_place {
            builder.carry_in_place(pair, &new);
        }
        if is_elder[id.index()] {
            token[id.index()] = written.last().copied();
            tensors.push(None);
        }
    }
    for result in graph.results() {
        new[result.index()].into_iter().for_each(|it| builder.result(it));
    }
    let graph = builder.build().expect("no larger than the original");
    Ordered { problem: Problem { graph, machine: problem.machine.clone() }, tensors }
}

fn looks(problem: &Problem, op: OpId) -> Looks {
    let graph = &problem.graph;
    let is_shared = |it: &TensorId| graph.producer(*it).is_some() || 1 < graph.readers(*it).len();
    let mut reads: Vec<TensorId> = graph.op(op).reads_on_chip().filter(is_shared).collect();
    reads.sort_unstable();
    let write = |it: &TensorId| (graph.tensor(*it).size, graph.is_stored(*it), graph.readers(*it).to_vec());
    let mut writes: Vec<(Bytes, bool, Vec<OpId>)> = graph.op(op).writes.iter().map(write).collect();
    writes.sort();
    let in_place = (!graph.op(op).in_place.is_empty()).then_some(op);
    Looks { reads, own: super::residency::own(problem, op), writes, in_place }
}
