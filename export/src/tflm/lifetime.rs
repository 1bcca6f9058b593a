//! Checks that planned tensors of a model do not overlap, with the lifetimes that the runtime gives them.
//!
//! The lifetimes are those of `AllocationInfoBuilder` of tflite-micro: a tensor lives from the operator that writes
//! it to the last one that reads it, both included; an input lives from before the first operator, and an output to
//! after the last one. The order is that of the file. A result may overlap an operand that is read for the last time
//! if the plan's operator allows it.

use super::model::{Model, Subgraph};
use crate::{Error, Planned};
use cosma_planner::TensorId;

/// Compares all planned tensors of the first subgraph. `placed` has the plan's tensor and offset for each of them.
///
/// # Errors
/// [`Error::Model`] with two tensors that overlap.
pub fn check(model: &Model<'_>, placed: &[Option<(TensorId, u64)>], planned: &Planned<'_>) -> Result<(), Error> {
    let Some(subgraph) = model.subgraphs.first() else { return Ok(()) };
    let lives = lives(subgraph);
    let mut blocks: Vec<(u64, usize, TensorId)> = Vec::new();
    for (at, place) in placed.iter().enumerate() {
        if let Some((tensor, offset)) = place {
            blocks.push((*offset, at, *tensor));
        }
    }
    blocks.sort_unstable();
    let size = |it: TensorId| planned.problem.graph.tensor(it).size.0;
    for (index, &(offset, at, tensor)) in blocks.iter().enumerate() {
        for &(other_offset, other_at, other) in &blocks[index + 1..] {
            if offset + size(tensor) <= other_offset {
                break;
            }
            let (Some(life), Some(other_life)) = (lives[at], lives[other_at]) else { continue };
            let meet = life.0.max(other_life.0) <= life.1.min(other_life.1);
            let in_place = |operand: (u32, u32), result: (u32, u32), pair: (TensorId, TensorId)| {
                operand.1 == result.0 && may_share(planned, pair.0, pair.1)
            };
            if meet && !in_place(life, other_life, (tensor, other)) && !in_place(other_life, life, (other, tensor)) {
                return Err(Error::Model(format!(
                    "tensors '{}' and '{}' would be in each other's way: the model runs its operators in another order \
                     than the plan, or reads tensors that the plan does not know it to read",
                    planned.tensor_name(tensor),
                    planned.tensor_name(other)
                )));
            }
        }
    }
    Ok(())
}

/// By tensor: the first and the last moment, both included; operators are at 1, 2 and so on. `None` if it is unused.
fn lives(subgraph: &Subgraph) -> Vec<Option<(u32, u32)>> {
    let mut lives: Vec<Option<(u32, u32)>> = vec![None; subgraph.tensors.len()];
    let mut touch = |at: &usize, now: u32| {
        let life = &mut lives[*at];
        *life = Some(life.map_or((now, now), |it| (it.0.min(now), it.1.max(now))));
    };
    subgraph.inputs.iter().for_each(|it| touch(it, 0));
    let mut now = 0;
    for operator in &subgraph.operators {
        now += 1;
        operator.inputs.iter().chain(&operator.outputs).for_each(|it| touch(it, now));
    }
    subgraph.outputs.iter().for_each(|it| touch(it, now + 1));
    lives
}

/// Whether an operator of the plan may write a result over an operand. If both have the same size, they have the same
/// address, since otherwise they would already overlap in the plan.
fn may_share(planned: &Planned<'_>, operand: TensorId, result: TensorId) -> bool {
    let graph = &planned.problem.graph;
    let Some(op) = graph.producer(result) else { return false };
    graph.op(op).in_place.iter().any(|it| (it.result, it.operand) == (result, operand))
}
