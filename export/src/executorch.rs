//! Addresses for ExecuTorch.
//!
//! ExecuTorch's memory planning gives each `TensorSpec` a `mem_id` (one of the program's buffers), a `mem_offset` in
//! that buffer, and a `mem_obj_id`, which specs that share bytes have in common. It also gives the program the sizes
//! of its buffers by `mem_id`; 0 is reserved for constants. `examples/executorch_plan.py` is a memory-planning pass
//! that sets them.

use crate::fixed::fixed_places;
use crate::{Error, Planned};
use cosma_planner::{Bytes, TensorId};
use serde::Serialize;

const RUNTIME: &str = "ExecuTorch";

/// The JSON that the pass reads.
#[derive(Serialize)]
struct Memory<'a> {
    format: &'static str,
    version: u64,
    name: &'a str,
    alignment: u64,
    non_const_buffer_sizes: Vec<u64>,
    is_packed_anew: bool,
    tensors: Vec<Spec<'a>>,
    order: Vec<&'a str>,
}

#[derive(Serialize)]
struct Spec<'a> {
    name: &'a str,
    bytes: u64,
    mem_id: u64,
    mem_offset: u64,
    mem_obj_id: u64,
    first: u64,
    end: u64,
}

/// Addresses for ExecuTorch, as JSON: `alignment`; `non_const_buffer_sizes`, by `mem_id`; `is_packed_anew`, if the
/// addresses differ from the program's, since arguments are in memory from the start and results until the end;
/// `tensors`, each with its `name` in the model, `bytes`, `mem_id`, `mem_offset`, `mem_obj_id`, and the steps `first`
/// to `end`, half-open; and `order`, the names of the operators in the model, as they run. Weights are omitted.
///
/// `mem_id` is 1, the scratchpad. In a program in which nothing moves, it is the number of the tensor's memory, where home,
/// which has no addresses, is 0; the alignment is still that of the scratchpad.
///
/// # Errors
/// [`Error::Moves`], also for what lies where there are no addresses; [`Error::NoRoom`].
pub fn executorch(planned: &Planned<'_>) -> Result<String, Error> {
    let graph = &planned.problem.graph;
    let fixed = fixed_places(planned, RUNTIME)?;
    let size = |it: TensorId| graph.tensor(it).size;
    // What shares bytes, whenever, is one object: sorted by offset, each stretch without a hole between its tensors.
    let mut by_offset: Vec<usize> = (0..fixed.places.len()).collect();
    by_offset.sort_by_key(|it| (fixed.places[*it].memory, fixed.places[*it].offset, *it));
    let mut objects = vec![0; fixed.places.len()];
    // By memory: where the highest tensor ends. The first one is that of constants.
    let n_memories = fixed.places.iter().map(|it| it.memory.index() + 1).max().unwrap_or(0).max(2);
    let mut ends = vec![Bytes::ZERO; n_memories];
    let (mut object, mut memory) = (0, None);
    for at in by_offset {
        let place = &fixed.places[at];
        let end = &mut ends[place.memory.index()];
        if memory.replace(place.memory) != Some(place.memory) || *end <= place.offset {
            object += 1;
        }
        *end = (*end).max(place.offset + size(place.tensor));
        objects[at] = object;
    }
    let tensors = fixed.places.iter().zip(objects).map(|(it, mem_obj_id)| Spec {
        name: planned.tensor_name(it.tensor),
        bytes: size(it.tensor).0,
        mem_id: it.memory.index() as u64,
        mem_offset: it.offset.0,
        mem_obj_id,
        first: u64::from(it.steps.start.0),
        end: u64::from(it.steps.end.0),
    });
    let memory = Memory {
        format: "cosma-executorch",
        version: 1,
        name: planned.name,
        alignment: planned.problem.machine.alignment().0,
        non_const_buffer_sizes: ends.iter().map(|it| it.0).collect(),
        is_packed_anew: fixed.is_packed_anew,
        tensors: tensors.collect(),
        order: planned.order().into_iter().map(|it| planned.operator_name(it)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&memory).expect("numbers, words and lists are JSON");
    text.push('\n');
    Ok(text)
}
