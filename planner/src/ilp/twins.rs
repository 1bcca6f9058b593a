//! Symmetry: interchangeable operators run in source order.
//!
//! Two operators are twins if they read the same tensors, need the same space, write tensors of the same sizes that are
//! both stored or not and have the same readers, and come before and after the same operators. Exchanging them and
//! their results turns any plan into another one of the same cost; so an edge from each to the next loses nothing.

use super::precedence::direct;
use crate::{Bytes, OpId, Problem, TensorId};

/// The properties that twins share.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Looks {
    reads: Vec<TensorId>,
    own: Bytes,
    writes: Vec<(Bytes, bool, Vec<OpId>)>,
    /// The operators that run before, and those that run after.
    predecessors: Vec<OpId>,
    successors: Vec<OpId>,
    /// An operator with results in the place of operands has no twin.
    in_place: Option<OpId>,
}

/// The same problem, with an edge from each twin to the next.
pub(super) fn ordered(problem: &Problem) -> Problem {
    let mut looks: Vec<(Looks, OpId)> = problem.graph.op_ids().map(|op| (looks(problem, op), op)).collect();
    looks.sort();
    let twins = looks.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| (pair[0].1, pair[1].1));
    Problem { graph: problem.graph.with_edges(twins), machine: problem.machine.clone() }
}

fn looks(problem: &Problem, op: OpId) -> Looks {
    let graph = &problem.graph;
    let is_shared = |it: &TensorId| graph.producer(*it).is_some() || 1 < graph.readers(*it).len();
    let mut reads: Vec<TensorId> = graph.op(op).reads_on_chip().filter(is_shared).collect();
    reads.sort_unstable();
    let write = |it: &TensorId| (graph.tensor(*it).size, graph.is_written_back(*it), graph.readers(*it).to_vec());
    let mut writes: Vec<(Bytes, bool, Vec<OpId>)> = graph.op(op).writes.iter().map(write).collect();
    writes.sort();
    Looks {
        reads,
        own: super::residency::own(problem, op),
        writes,
        predecessors: direct(problem, op),
        successors: graph.successors(op).to_vec(),
        in_place: (!graph.op(op).in_place.is_empty()).then_some(op),
    }
}
