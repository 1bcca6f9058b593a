//! An interpreter of programs on bytes: an oracle for the judge.
//!
//! A tensor's bytes are a hash of the operator that writes it and of all bytes that the operator reads, so that a wrong
//! byte anywhere changes the results. [`compute`] works without a scratchpad; [`interpret`] executes a planned program
//! on real memories, which contain garbage at first, whether the program is right or wrong.

use super::choices::mix;
use crate::time::ChannelId;
use crate::{Action, Bytes, Copy, MemoryId, OpId, Origin, Place, Problem, Slice, Slot, TensorId, Use};
use std::ops::Range;

/// The contents of a problem's results, in order, computed without a machine.
pub fn compute(problem: &Problem) -> Vec<Vec<u8>> {
    let graph = &problem.graph;
    let mut data: Vec<Vec<u8>> = graph.tensor_ids().map(|it| argument(problem, it)).collect();
    for op in graph.op_ids() {
        for read in &graph.op(op).reads {
            let parts: Vec<&[u8]> = graph.parts(read.tensor).iter().map(|it| data[it.index()].as_slice()).collect();
            if !parts.is_empty() {
                data[read.tensor.index()] = bytes_of_parts(&parts, graph.tensor(read.tensor).size);
            }
        }
        let inputs: Vec<&[u8]> = graph.op(op).reads.iter().map(|it| data[it.tensor.index()].as_slice()).collect();
        let hash = hash_inputs(op, &inputs);
        for (index, &tensor) in graph.op(op).writes.iter().enumerate() {
            data[tensor.index()] = bytes_of(hash, index, graph.tensor(tensor).size);
        }
    }
    let ends = graph.tensor_ids().filter(|it| graph.tensor(*it).ends_on_chip);
    graph.results().iter().copied().chain(ends).map(|it| data[it.index()].clone()).collect()
}

/// When the memory performs a copy between its issue and its wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// At the issue.
    AtIssue,
    /// At the wait; until then the destination contains garbage.
    AtWait,
}

/// The contents of each result in host memory after a planned program, and then the contents of tensors that must be in
/// the scratchpad at the end; copies are performed at their issue.
///
/// # Errors
/// Those of [`interpret_with`].
pub fn interpret(problem: &Problem, actions: &[Action]) -> Result<Vec<Vec<u8>>, String> {
    interpret_with(problem, actions, Answer::AtIssue)
}

/// The same with this timing of copies.
///
/// # Errors
/// The first action that no machine could perform: accessing bytes outside of a memory, or reading a tensor that is not
/// in host memory.
pub fn interpret_with(problem: &Problem, actions: &[Action], answer: Answer) -> Result<Vec<Vec<u8>>, String> {
    let mut stores = Stores::new(problem)?;
    stores.run(actions, answer)?;
    stores.results()
}

/// The contents of each result in host memory after each of several runs of a planned program, with a prologue before
/// the first one. Between runs, the scratchpad only keeps what the prologue loaded.
///
/// # Errors
/// Those of [`interpret_with`].
pub fn interpret_runs(
    problem: &Problem,
    prologue: &[Action],
    actions: &[Action],
    n_runs: usize,
) -> Result<Vec<Vec<Vec<u8>>>, String> {
    let mut stores = Stores::new(problem)?;
    stores.run(prologue, Answer::AtIssue)?;
    let mut results = Vec::new();
    for _ in 0..n_runs {
        let kept = prologue.iter().filter_map(|it| match it {
            Action::Copy(copy) => Some(Slot { tensor: copy.tensor, place: copy.to }),
            _ => None,
        });
        let kept: Vec<(Slot, Vec<u8>)> =
            kept.map(|it| Ok((it, stores.read(it)?))).collect::<Result<Vec<_>, String>>()?;
        stores = Stores::new(problem)?;
        kept.into_iter().try_for_each(|(slot, bytes)| stores.write(slot.place, Some(slot.tensor), bytes))?;
        stores.run(actions, Answer::AtIssue)?;
        results.push(stores.results()?);
    }
    Ok(results)
}

impl Stores<'_> {
    /// Arguments in host memory, and garbage elsewhere.
    fn new(problem: &Problem) -> Result<Stores<'_>, String> {
        let graph = &problem.graph;
        let memory = |size: Option<Bytes>| match size {
            Some(size) => Store::Addressed(garbage(size.0 as usize)),
            None => Store::Apart(vec![None; graph.tensors().len()]),
        };
        let left = vec![None; graph.tensors().len()];
        let stores = problem.machine.memories().iter().map(|it| memory(it.size)).collect();
        let mut stores = Stores { problem, stores, left };
        let is_argument = |it: &TensorId| matches!(graph.tensor(*it).origin, Origin::Argument | Origin::Weight);
        for tensor in graph.tensor_ids().filter(|it| is_argument(it) && !graph.tensor(*it).starts_on_chip) {
            stores.write(Place::HOME, Some(tensor), argument(problem, tensor))?;
        }
        Ok(stores)
    }

    /// The contents of each result in host memory, and then of the tensors that must be in the scratchpad.
    fn results(&self) -> Result<Vec<Vec<u8>>, String> {
        let graph = &self.problem.graph;
        let results = graph.results().iter().map(|it| self.read(Slot::at_home(*it)));
        let ends = graph.tensor_ids().filter(|it| graph.tensor(*it).ends_on_chip);
        let ends = ends.map(|it| self.read(self.left[it.index()].ok_or("what is to be in the scratchpad never was")?));
        results.chain(ends).collect()
    }

    /// Records where a tensor is put in the scratchpad.
    fn leave(&mut self, slot: Slot) {
        if slot.place.memory == MemoryId::SCRATCHPAD {
            self.left[slot.tensor.index()] = Some(slot);
        }
    }

    fn run(&mut self, actions: &[Action], answer: Answer) -> Result<(), String> {
        let graph = &self.problem.graph;
        let stores = self;
        let mut waiting: Vec<Waiting> = Vec::new();
        for action in actions {
            match action {
                Action::Start(slot) => stores.leave(*slot),
                Action::Copy(Copy { tensor, to, .. })
                | Action::Issue(Copy { tensor, to, .. })
                | Action::IssueSlice(Copy { tensor, to, .. }, _) => stores.leave(Slot { tensor: *tensor, place: *to }),
                Action::Wait(_) => {}
                Action::Run { writes, .. } => writes.iter().for_each(|it| stores.leave(*it)),
            }
            match action {
                Action::Start(slot) => {
                    stores.write(slot.place, Some(slot.tensor), argument(stores.problem, slot.tensor))?
                }
                Action::Copy(copy) => {
                    let slice = Slice { low: Bytes::ZERO, high: graph.tensor(copy.tensor).size };
                    stores.issue(*copy, slice, answer, &mut waiting)?;
                    stores.wait(Slot { tensor: copy.tensor, place: copy.to }, &mut waiting)?;
                }
                Action::Issue(copy) => {
                    let slice = Slice { low: Bytes::ZERO, high: graph.tensor(copy.tensor).size };
                    stores.issue(*copy, slice, answer, &mut waiting)?;
                }
                Action::IssueSlice(copy, slice) => stores.issue(*copy, *slice, answer, &mut waiting)?,
                Action::Wait(slot) => stores.wait(*slot, &mut waiting)?,
                Action::Run { op, reads, writes, workspace } => {
                    // An operator may use its workspace and begin to write before it has read everything.
                    let operator = graph.op(*op);
                    let workspace = Place::on_chip(*workspace);
                    let scratch = || garbage(operator.workspace.0 as usize);
                    stores.write(workspace, None, scratch())?;
                    // Except results that may lie over an operand.
                    let is_in_place = |slot: &&Slot| {
                        let mut pairs = operator.in_place.iter().filter(|it| it.result == slot.tensor);
                        pairs.any(|pair| {
                            let is_shared =
                                |it: &Slot| it.tensor == pair.operand && pair.fits(slot.offset(), it.offset());
                            reads.iter().any(is_shared)
                        })
                    };
                    for slot in writes.iter().filter(|it| !is_in_place(it)) {
                        stores.write(
                            slot.place,
                            Some(slot.tensor),
                            garbage(graph.tensor(slot.tensor).size.0 as usize),
                        )?;
                    }
                    let mut inputs = Vec::new();
                    for (index, &Use { tensor, .. }) in operator.reads.iter().enumerate() {
                        let slot = reads.get(index).ok_or("an operand is missing")?;
                        // Reads whatever lies there, regardless of its name.
                        inputs.push(stores.read(Slot { tensor, place: slot.place })?);
                    }
                    let inputs: Vec<&[u8]> = inputs.iter().map(|it| it.as_slice()).collect();
                    let hash = hash_inputs(*op, &inputs);
                    for (index, slot) in writes.iter().enumerate() {
                        let bytes = bytes_of(hash, index, graph.tensor(slot.tensor).size);
                        stores.write(slot.place, Some(slot.tensor), bytes)?;
                    }
                    // The workspace may be in use until the end.
                    stores.write(workspace, None, scratch())?;
                }
            }
        }
        Ok(())
    }
}

struct Stores<'a> {
    problem: &'a Problem,
    /// By memory.
    stores: Vec<Store>,
    /// By tensor: its last place in the scratchpad.
    left: Vec<Option<Slot>>,
}

/// A copy, or a slice of it, that has not been performed.
struct Waiting {
    copy: Copy,
    slice: Slice,
    channel: Option<ChannelId>,
}

enum Store {
    /// With addresses.
    Addressed(Vec<u8>),
    /// By tensor.
    Apart(Vec<Option<Vec<u8>>>),
}

impl Stores<'_> {
    fn wait(&mut self, slot: Slot, waiting: &mut Vec<Waiting>) -> Result<(), String> {
        let is_meant = |it: &Waiting| (it.copy.tensor, it.copy.to) == (slot.tensor, slot.place);
        while let Some(found) = waiting.iter().position(is_meant) {
            // Earlier copies of its channel go first.
            let channel = waiting[found].channel;
            let first = waiting.iter().position(|it| channel.is_some() && it.channel == channel);
            let Waiting { copy, slice, .. } = waiting.remove(first.unwrap_or(found));
            self.copy_slice(&copy, slice)?;
        }
        Ok(())
    }

    fn issue(&mut self, copy: Copy, slice: Slice, answer: Answer, waiting: &mut Vec<Waiting>) -> Result<(), String> {
        if answer == Answer::AtIssue {
            return self.copy_slice(&copy, slice);
        }
        let machine = &self.problem.machine;
        let channel = machine.timing(copy.from.memory, copy.to.memory).map(|it| it.channel);
        // A copy that waits for its turn accesses nothing.
        if channel.is_none() || waiting.iter().all(|it| it.channel != channel) {
            self.write_slice(&copy, slice, garbage((slice.high - slice.low).0 as usize))?;
        }
        waiting.push(Waiting { copy, slice, channel });
        Ok(())
    }

    fn copy_slice(&mut self, copy: &Copy, slice: Slice) -> Result<(), String> {
        let bytes = self.read(Slot { tensor: copy.tensor, place: copy.from })?;
        let bytes = bytes.get(slice.low.0 as usize..slice.high.0 as usize).ok_or("a slice outside of a tensor")?;
        self.write_slice(copy, slice, bytes.to_vec())
    }

    fn write_slice(&mut self, copy: &Copy, slice: Slice, new: Vec<u8>) -> Result<(), String> {
        let Place { memory, offset } = copy.to;
        let size = self.problem.graph.tensor(copy.tensor).size.0 as usize;
        match &mut self.stores[memory.index()] {
            Store::Addressed(_) => {
                let offset = Bytes(offset.0.saturating_add(slice.low.0));
                self.write(Place { memory, offset }, Some(copy.tensor), new)
            }
            Store::Apart(tensors) => {
                let whole = tensors[copy.tensor.index()].get_or_insert_with(|| garbage(size));
                let bytes = whole.get_mut(slice.low.0 as usize..slice.high.0 as usize);
                bytes.ok_or("a slice outside of a tensor")?.copy_from_slice(&new);
                Ok(())
            }
        }
    }

    fn read(&self, slot: Slot) -> Result<Vec<u8>, String> {
        let size = self.problem.graph.tensor(slot.tensor).size.0 as usize;
        match &self.stores[slot.place.memory.index()] {
            Store::Addressed(bytes) => {
                let bytes = bytes.get(range(slot.place.offset, size)).ok_or("a read outside of a memory")?;
                Ok(bytes.to_vec())
            }
            Store::Apart(tensors) => {
                let there = |it: TensorId| tensors[it.index()].as_deref().ok_or("a read of what is not there");
                // In a memory other than host memory it may lie as a whole.
                let parts = self.problem.graph.parts(slot.tensor);
                if parts.is_empty() || slot.place.memory != MemoryId::HOME {
                    return Ok(there(slot.tensor)?.to_vec());
                }
                let parts = parts.iter().map(|it| there(*it)).collect::<Result<Vec<_>, _>>()?;
                Ok(bytes_of_parts(&parts, self.problem.graph.tensor(slot.tensor).size))
            }
        }
    }

    fn write(&mut self, place: Place, tensor: Option<TensorId>, new: Vec<u8>) -> Result<(), String> {
        match &mut self.stores[place.memory.index()] {
            Store::Addressed(bytes) => {
                let destination = bytes.get_mut(range(place.offset, new.len()));
                destination.ok_or("a write outside of a memory")?.copy_from_slice(&new);
            }
            Store::Apart(tensors) => tensors[tensor.ok_or("a workspace without a place")?.index()] = Some(new),
        }
        Ok(())
    }
}

/// An empty range is valid anywhere.
fn range(offset: Bytes, len: usize) -> Range<usize> {
    let start = if len == 0 { 0 } else { offset.0 as usize };
    start..start.saturating_add(len)
}

fn garbage(n_bytes: usize) -> Vec<u8> {
    vec![0xA5; n_bytes]
}

/// The contents of an argument; useless for a tensor that an operator writes.
fn argument(problem: &Problem, tensor: TensorId) -> Vec<u8> {
    bytes_of(u64::from(tensor.0) << 32, 0, problem.graph.tensor(tensor).size)
}

/// The contents of a staged tensor, which depend on every byte of its parts.
fn bytes_of_parts(parts: &[&[u8]], size: Bytes) -> Vec<u8> {
    bytes_of(hash_inputs(OpId(0), parts), 1, size)
}

fn hash_inputs(op: OpId, inputs: &[&[u8]]) -> u64 {
    let mut hash = u64::from(op.0) + 1;
    for input in inputs {
        hash = input.iter().fold(mix(hash), |hash, byte| mix(hash ^ u64::from(*byte)));
    }
    hash
}

fn bytes_of(hash: u64, index: usize, size: Bytes) -> Vec<u8> {
    (0..size.0).map(|position| mix(mix(hash + index as u64) ^ position) as u8).collect()
}
