//! The memories that a tensor may lie in, and the cost of its accesses there.

use super::{Settled, no_place};
use crate::{Bytes, Error, MemoryId, Origin, Problem, TensorId};

/// By tensor: the memories that it may lie in, each with the cost of its accesses there; the cheapest first, then by
/// id.
#[derive(Clone, Debug)]
pub(crate) struct Accesses {
    /// Empty for a tensor that is neither read nor written nor a result, and needs no place.
    pub options: Vec<Vec<(MemoryId, u64)>>,
}

/// An upper bound on the sum of costs.
const MAX_COST: u128 = 1 << 62;

impl Accesses {
    /// For a problem whose uses are all in the scratchpad.
    ///
    /// # Errors
    /// [`Error::NoPlace`] for the first tensor without a memory; [`Error::TooLarge`] if the sum of costs is too large.
    pub(super) fn of(settled: &Settled<'_>) -> Result<Accesses, Error> {
        let problem = &settled.problem;
        let options = |tensor: TensorId| {
            if !needs_place(problem, tensor) {
                return Ok(Vec::new());
            }
            let mut options: Vec<(MemoryId, u128)> = (0..problem.machine.memories().len() as u32)
                .map(MemoryId)
                .filter(|it| may_lie(problem, tensor, *it) && settled.may_hold(tensor, *it))
                .map(|it| (it, cost(problem, tensor, it)))
                .collect();
            options.sort_by_key(|it| (it.1, it.0));
            if options.is_empty() { Err(no_place(settled.original(), tensor)) } else { Ok(options) }
        };
        let options = problem.graph.tensor_ids().map(options).collect::<Result<Vec<_>, _>>()?;
        let most: u128 = options.iter().filter_map(|it| it.last()).fold(0, |sum, it| sum.saturating_add(it.1));
        if MAX_COST <= most {
            return Err(Error::TooLarge);
        }
        let counted = |it: Vec<(MemoryId, u128)>| it.into_iter().map(|(memory, cost)| (memory, cost as u64)).collect();
        Ok(Accesses { options: options.into_iter().map(counted).collect() })
    }

    /// The cost of a tensor in a memory that it may lie in.
    pub fn cost(&self, tensor: TensorId, memory: MemoryId) -> u64 {
        let found = self.options[tensor.index()].iter().find(|it| it.0 == memory);
        found.expect("a tensor lies where it may").1
    }

    /// The cost of an assignment.
    pub fn sum(&self, assignment: &[Option<MemoryId>]) -> u64 {
        let costs = (0..).map(TensorId).zip(assignment).filter_map(|(tensor, it)| Some(self.cost(tensor, (*it)?)));
        costs.sum()
    }
}

/// Whether a tensor is read, written, or an argument or result of the network.
fn needs_place(problem: &Problem, tensor: TensorId) -> bool {
    let graph = &problem.graph;
    graph.touches(tensor).next().is_some() || graph.results().contains(&tensor)
}

/// Whether a tensor alone may lie in a memory.
fn may_lie(problem: &Problem, tensor: TensorId, memory: MemoryId) -> bool {
    let Problem { graph, machine } = problem;
    let size = graph.tensor(tensor).size;
    let of = &machine.memories()[memory.index()];
    let has_room =
        of.size.is_none() || size == Bytes::ZERO || of.stretches().iter().any(|it| size <= it.end - it.start);
    let is_read = graph.readers(tensor).is_empty() || machine.is_readable(memory);
    let is_written = graph.tensor(tensor).origin == Origin::Weight || machine.is_writable(memory);
    has_room && is_read && is_written
}

fn cost(problem: &Problem, tensor: TensorId, memory: MemoryId) -> u128 {
    let Problem { graph, machine } = problem;
    let size = graph.tensor(tensor).size;
    let read = machine.price(memory, MemoryId::SCRATCHPAD, size).saturating_mul(graph.readers(tensor).len() as u128);
    let is_written = graph.producer(tensor).is_some();
    let written = if is_written { machine.price(MemoryId::SCRATCHPAD, memory, size) } else { 0 };
    read.saturating_add(written)
}
