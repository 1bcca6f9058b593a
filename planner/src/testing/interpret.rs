//! What programs compute, byte by byte: an oracle for the judge.
//!
//! A tensor's bytes are a hash of the operator that writes it and of all bytes that the operator
//! reads, so that a wrong byte anywhere changes the results. [`compute`] does without a scratchpad;
//! [`interpret`] executes a planned program on real memory, which holds garbage at first, and does
//! with it whatever the program says, right or wrong.

use super::choices::mix;
use crate::{Action, Bytes, MemoryId, OpId, Place, Problem, Slot, TensorId, Use};
use std::ops::Range;

/// What the results of a problem's function hold, in their order: all tensors, and no machine.
pub fn compute(problem: &Problem) -> Vec<Vec<u8>> {
    let graph = &problem.graph;
    let mut data: Vec<Vec<u8>> = graph.tensor_ids().map(|it| argument(problem, it)).collect();
    for op in graph.op_ids() {
        let inputs: Vec<&[u8]> = graph.op(op).reads.iter().map(|it| data[it.tensor.index()].as_slice()).collect();
        let hash = hash_inputs(op, &inputs);
        for (index, &tensor) in graph.op(op).writes.iter().enumerate() {
            data[tensor.index()] = bytes_of(hash, index, graph.tensor(tensor).size);
        }
    }
    graph.results().iter().map(|it| data[it.index()].clone()).collect()
}

/// What host memory has for each result after a planned program ran.
///
/// # Errors
/// The first thing that no machine could do: to touch what is outside of the scratchpad, or to
/// bring in or return what is not in host memory.
pub fn interpret(problem: &Problem, actions: &[Action]) -> Result<Vec<Vec<u8>>, String> {
    let graph = &problem.graph;
    let arguments = graph.tensor_ids().map(|it| graph.producer(it).is_none().then(|| argument(problem, it)));
    let mut host: Vec<Option<Vec<u8>>> = arguments.collect();
    let mut passing: Vec<Option<Vec<u8>>> = vec![None; graph.tensors().len()];
    let mut scratchpad = Scratchpad { bytes: garbage(problem.machine.scratchpad().0 as usize) };
    for action in actions {
        match action {
            Action::Load { tensor, place } | Action::Reload { tensor, place } => {
                let bytes = host[tensor.index()].as_ref().ok_or("what comes in is not in host memory")?;
                match place {
                    Place::Stream => passing[tensor.index()] = Some(bytes.clone()),
                    Place::Scratchpad(offset) => scratchpad.write(*offset, bytes)?,
                }
            }
            Action::Store(slot) | Action::Spill(slot) => {
                host[slot.tensor.index()] = Some(scratchpad.read(problem, slot)?.to_vec());
            }
            Action::Run { op, reads, writes, workspace } => {
                // An operator may use its workspace and begin to write before it has read all.
                let operator = graph.op(*op);
                scratchpad.write(*workspace, &garbage(operator.workspace.0 as usize))?;
                // But for what may lie over an operand.
                let is_in_place = |slot: &&Slot| {
                    let mut pairs = operator.in_place.iter().filter(|it| it.result == slot.tensor);
                    pairs.any(|pair| {
                        reads.iter().any(|it| it.tensor == pair.operand && pair.fits(slot.offset, it.offset))
                    })
                };
                for slot in writes.iter().filter(|it| !is_in_place(it)) {
                    scratchpad.write(slot.offset, &garbage(graph.tensor(slot.tensor).size.0 as usize))?;
                }
                let mut slots = reads.iter();
                let mut inputs = Vec::new();
                for &Use { tensor, from } in &operator.reads {
                    inputs.push(if from.contains(MemoryId::HOME) {
                        passing[tensor.index()].as_ref().ok_or("a weight does not pass by")?.as_slice()
                    } else {
                        scratchpad.read(problem, slots.next().ok_or("an operand is missing")?)?
                    });
                }
                let hash = hash_inputs(*op, &inputs);
                for (index, slot) in writes.iter().enumerate() {
                    scratchpad.write(slot.offset, &bytes_of(hash, index, graph.tensor(slot.tensor).size))?;
                }
                // What passed by is gone, and the workspace may have been used to the end.
                passing.fill(None);
                scratchpad.write(*workspace, &garbage(operator.workspace.0 as usize))?;
            }
        }
    }
    let returned = graph.results().iter().map(|it| host[it.index()].clone());
    returned.map(|it| it.ok_or_else(|| "a result is not in host memory".into())).collect()
}

struct Scratchpad {
    bytes: Vec<u8>,
}

impl Scratchpad {
    fn read(&self, problem: &Problem, slot: &Slot) -> Result<&[u8], &'static str> {
        let range = range(slot.offset, problem.graph.tensor(slot.tensor).size.0 as usize);
        self.bytes.get(range).ok_or("a read outside of the scratchpad")
    }

    fn write(&mut self, offset: Bytes, bytes: &[u8]) -> Result<(), &'static str> {
        let destination = self.bytes.get_mut(range(offset, bytes.len()));
        destination.ok_or("a write outside of the scratchpad")?.copy_from_slice(bytes);
        Ok(())
    }
}

/// No bytes are everywhere inside.
fn range(offset: Bytes, len: usize) -> Range<usize> {
    let start = if len == 0 { 0 } else { offset.0 as usize };
    start..start.saturating_add(len)
}

fn garbage(n_bytes: usize) -> Vec<u8> {
    vec![0xA5; n_bytes]
}

/// What an argument holds; for what an operator writes, nothing of use.
fn argument(problem: &Problem, tensor: TensorId) -> Vec<u8> {
    bytes_of(u64::from(tensor.0) << 32, 0, problem.graph.tensor(tensor).size)
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
