//! A problem in the form that placement solves: without uses and banks, and if there are banks, without workspaces.
//!
//! Each bank is a memory of its own with the same prices. Then no block lies across two banks, and the choice of
//! memories can keep operands apart. The first bank has the id of its memory; the others come after all memories. If
//! the scratchpad has banks, a workspace may lie in any of them: it becomes a result that nothing reads and that may
//! lie nowhere else.

use super::{Placement, check_is_placed};
use crate::{Bytes, Error, Graph, Link, Machine, Memory, MemoryId, MemorySet, OpId, Place, Problem, TensorId};
use std::collections::HashSet;

/// The problem to solve instead of the original one.
pub(super) struct Settled<'a> {
    original: &'a Problem,
    pub problem: Problem,
    /// By memory: the original memory, and the address of its first byte there.
    banks: Vec<(MemoryId, Bytes)>,
    /// Whether workspaces are results.
    has_workspaces: bool,
    pub apart: Apart,
}

/// The tensors that may not lie in one bank.
#[derive(Clone, Debug)]
pub(crate) struct Apart {
    /// By tensor: the tensors that some operator reads together with it.
    others: Vec<Vec<TensorId>>,
    /// By memory: whether it is a bank that may not hold two of them.
    memories: Vec<bool>,
}

impl Apart {
    /// Whether a tensor may lie in a memory, given an assignment of other tensors.
    pub fn may_lie(&self, tensor: TensorId, memory: MemoryId, assignment: &[Option<MemoryId>]) -> bool {
        let is_there = |it: &TensorId| assignment[it.index()] == Some(memory);
        !self.memories[memory.index()] || !self.others[tensor.index()].iter().any(is_there)
    }

    /// The pairs that may not lie in one memory, by memory.
    #[cfg(feature = "ilp")]
    pub fn pairs(&self) -> impl Iterator<Item = (MemoryId, [TensorId; 2])> {
        let memories = (0..).map(MemoryId).zip(&self.memories).filter(|it| *it.1).map(|it| it.0);
        let pairs = || (0..).map(TensorId).zip(&self.others).flat_map(|(a, all)| all.iter().map(move |b| [a, *b]));
        memories.flat_map(move |memory| pairs().filter(|it| it[0] < it[1]).map(move |it| (memory, it)))
    }
}

impl<'a> Settled<'a> {
    /// Settles a problem. If it has no operator, one that does nothing is added, so that there is a step.
    ///
    /// # Errors
    /// [`Error::NotPlanned`] for problems that cannot be placed; [`Error::Machine`] if there are more memories and
    /// banks than a machine can have.
    pub fn new(original: &'a Problem) -> Result<Settled<'a>, Error> {
        check_is_placed(original)?;
        let mut graph = original.graph.with_uses(|_, _| MemorySet::SCRATCHPAD);
        if graph.ops().is_empty() {
            let mut builder = graph.to_builder();
            builder.op("", &[], [("", Bytes::ZERO); 0], Bytes::ZERO);
            graph = builder.build().expect("the graph was built before");
        }
        let machine = &original.machine;
        let has_workspaces = machine.memories()[MemoryId::SCRATCHPAD.index()].banks.is_some();
        if has_workspaces {
            graph = with_workspaces(&graph);
        }
        let (machine, banks) = in_banks(machine)?;
        let is_apart = |it: &(MemoryId, Bytes)| {
            original.machine.memories()[it.0.index()].banks.is_some_and(|it| it.apart == crate::Apart::Must)
        };
        let memories: Vec<bool> = banks.iter().map(is_apart).collect();
        let mut others = vec![Vec::new(); graph.tensors().len()];
        if memories.contains(&true) {
            for op in graph.ops() {
                let reads: Vec<TensorId> =
                    op.reads.iter().map(|it| it.tensor).filter(|it| graph.tensor(*it).size != Bytes::ZERO).collect();
                for one in &reads {
                    others[one.index()].extend(reads.iter().filter(|it| *it != one));
                }
            }
            others.iter_mut().for_each(|it| {
                it.sort_unstable();
                it.dedup();
            });
        }
        let problem = Problem { graph, machine };
        Ok(Settled { original, problem, banks, has_workspaces, apart: Apart { others, memories } })
    }

    /// The original problem.
    pub fn original(&self) -> &Problem {
        self.original
    }

    /// Whether a memory may hold a tensor that stands for a workspace; true for other tensors.
    pub fn may_hold(&self, tensor: TensorId, memory: MemoryId) -> bool {
        let is_workspace = self.original.graph.tensors().len() <= tensor.index();
        !is_workspace || self.banks[memory.index()].0 == MemoryId::SCRATCHPAD
    }

    /// Converts a placement into one of the original problem.
    pub fn back(&self, Placement { mut order, mut places, mut workspaces }: Placement) -> Placement {
        for Place { memory, offset } in places.iter_mut().flatten() {
            let (of, start) = self.banks[memory.index()];
            (*memory, *offset) = (of, start + *offset);
        }
        if self.has_workspaces {
            let n_tensors = self.original.graph.tensors().len();
            for (step, op) in order.iter().enumerate() {
                let own = self.problem.graph.op(*op).writes.iter().find(|it| n_tensors <= it.index());
                let place = own.and_then(|it| places[it.index()]);
                workspaces[step] = place.map_or(Bytes::ZERO, |it| it.offset);
            }
            places.truncate(n_tensors);
        }
        let n_ops = self.original.graph.ops().len();
        order.truncate(n_ops);
        workspaces.truncate(n_ops);
        Placement { order, places, workspaces }
    }
}

/// The same graph with each workspace as a result.
fn with_workspaces(graph: &Graph) -> Graph {
    let mut names: HashSet<String> = graph.tensors().iter().map(|it| it.name.clone()).collect();
    let mut builder = graph.to_builder();
    for op in graph.op_ids().filter(|it| graph.op(*it).workspace != Bytes::ZERO) {
        let mut name = format!("{}-workspace", graph.op(op).name);
        while !names.insert(name.clone()) {
            name.push('\'');
        }
        builder.also_writes(op, name, graph.op(op).workspace);
        builder.workspace(op, Bytes::ZERO);
    }
    builder.build().expect("the graph was built before, and names are new")
}

/// The same machine with each bank as a memory; and for each, its original memory and start address.
fn in_banks(machine: &Machine) -> Result<(Machine, Vec<(MemoryId, Bytes)>), Error> {
    let mut memories: Vec<Memory> = Vec::new();
    let mut banks: Vec<(MemoryId, Bytes)> = Vec::new();
    let mut others: Vec<(Memory, MemoryId, Bytes)> = Vec::new();
    for (id, memory) in (0..).map(MemoryId).zip(machine.memories()) {
        let whole = Memory { banks: None, ..memory.clone() };
        if memory.banks.is_none() {
            memories.push(whole);
            banks.push((id, Bytes::ZERO));
            continue;
        }
        let ranges = memory.bank_ranges();
        let bank = |nth: usize, range: &std::ops::Range<Bytes>| {
            let clipped = memory.reserved.iter().map(|it| it.start.max(range.start)..it.end.min(range.end));
            let reserved = clipped.filter(|it| it.start < it.end);
            Memory {
                name: if nth == 0 { memory.name.clone() } else { format!("{}#{nth}", memory.name) },
                size: Some(range.end - range.start),
                reserved: reserved.map(|it| it.start - range.start..it.end - range.start).collect(),
                ..whole.clone()
            }
        };
        let nothing = Bytes::ZERO..Bytes::ZERO;
        let first = ranges.first().unwrap_or(&nothing);
        memories.push(bank(0, first));
        banks.push((id, first.start));
        others.extend(ranges.iter().enumerate().skip(1).map(|(nth, it)| (bank(nth, it), id, it.start)));
    }
    let mut links: Vec<Link> = machine.links().to_vec();
    for (mut memory, of, start) in others {
        let id = MemoryId(memories.len() as u32);
        while memories.iter().any(|it| it.name == memory.name) {
            memory.name.push('\'');
        }
        memories.push(memory);
        banks.push((of, start));
        let (scratchpad, is_first) = (MemoryId::SCRATCHPAD, of == MemoryId::SCRATCHPAD);
        for link in machine.links().iter().filter(|_| !is_first) {
            match (link.from == of, link.to == of) {
                (true, _) => links.push(Link { from: id, ..*link }),
                (_, true) => links.push(Link { to: id, ..*link }),
                _ => {}
            }
        }
        if is_first {
            links.push(Link { from: id, to: scratchpad, price: 0 });
            links.push(Link { from: scratchpad, to: id, price: 0 });
        }
    }
    Ok((Machine::new(memories, links)?.without_moves()?, banks))
}

/// The order of the settled problem: for a problem without operators, that of the additional one.
pub(super) fn settled_order(order: &[OpId]) -> Vec<OpId> {
    if order.is_empty() { vec![OpId(0)] } else { order.to_vec() }
}
