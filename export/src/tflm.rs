//! Addresses for TensorFlow Lite Micro: its offline memory plan.
//!
//! A model may have metadata `OfflineMemoryAllocation`, whose buffer is a list of 32-bit integers: the version (1), the
//! number of subgraphs, the number of tensors of all subgraphs, and for each tensor its offset in the arena, or -1 where
//! the runtime decides (`tensorflow/lite/micro/docs/memory_management.md` of tflite-micro). The runtime respects the
//! offsets and places all other tensors around them. It does not check whether tensors overlap; this module does,
//! with the lifetimes that the runtime gives the model's tensors.
//!
//! Tensors of the first subgraph are matched by name. Three kinds are left to the runtime: constants, which it reads
//! from the model; variables; and tensors that are not in the plan, such as those within fused operators. The
//! runtime's kernels provide their own workspaces. Constants take no room, so start from a plan with weights in host
//! memory (`weights streamed`).

mod flat;
mod lifetime;
mod model;
mod patch;

use crate::fixed::{FixedPlaces, fixed_places};
use crate::{Error, Planned, Written};
use cosma_planner::{MemoryId, TensorId};
use model::Model;
use std::collections::HashMap;
use std::fmt::Write;

const RUNTIME: &str = "TensorFlow Lite Micro";

/// The name of the metadata.
const METADATA: &str = "OfflineMemoryAllocation";

/// The version of the list of offsets.
const VERSION: i32 = 1;

/// An offset that leaves the decision to the runtime.
const ONLINE: i32 = -1;

/// The alignment that kernels expect (`MicroArenaBufferAlignment`).
const ALIGNMENT: u64 = 16;

/// The most names in a warning.
const MOST_NAMES: usize = 8;

/// The list of integers for a model in a `.tflite` file, as a C header: an array, and the number of arena bytes used.
///
/// # Errors
/// Those of [`model()`].
pub fn header(model: &[u8], planned: &Planned<'_>) -> Result<Written, Error> {
    let Offsets { list, arena, warnings } = offsets(&Model::read(model)?, planned)?;
    let mut text = String::from(
        "// Offline memory plan for TensorFlow Lite Micro, made by COSMA: version, number of subgraphs, number of\n\
         // tensors, and the offset of each tensor in the arena, or -1 where the runtime decides.\n\
         #ifndef COSMA_OFFLINE_MEMORY_PLAN_H_\n#define COSMA_OFFLINE_MEMORY_PLAN_H_\n\n#include <stdint.h>\n\n",
    );
    let _ = writeln!(text, "// The bytes of the arena that the offsets take.\n#define COSMA_ARENA_BYTES {arena}\n");
    let _ = writeln!(text, "static const int32_t cosma_offline_memory_plan[{}] = {{", list.len());
    for numbers in list.chunks(8) {
        let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
        let _ = writeln!(text, "    {},", numbers.join(", "));
    }
    text += "};\n\n#endif  // COSMA_OFFLINE_MEMORY_PLAN_H_\n";
    Ok(Written { bytes: text.into_bytes(), warnings })
}

/// A copy of a model in a `.tflite` file with the plan in its metadata. The original bytes follow a new header
/// unchanged; an existing offline plan is replaced. Warnings list the plan's tensors that the model does not have,
/// and the model's tensors that are left to the runtime.
///
/// # Errors
/// [`Error::Malformed`] for a file that is not a model; [`Error::Moves`] and [`Error::NoRoom`] for a plan that needs
/// transfers; [`Error::Model`] if the model has no tensor of the plan, has another size for one, has two of one name,
/// runs its operators in an order in which tensors overlap, or is too large.
pub fn model(model: &[u8], planned: &Planned<'_>) -> Result<Written, Error> {
    let read = Model::read(model)?;
    let Offsets { list, warnings, .. } = offsets(&read, planned)?;
    let data: Vec<u8> = list.iter().flat_map(|it| it.to_le_bytes()).collect();
    Ok(Written { bytes: patch::with_metadata(&read, METADATA, &data)?, warnings })
}

struct Offsets {
    /// The offsets for the runtime.
    list: Vec<i32>,
    /// The end of the highest tensor.
    arena: u64,
    warnings: Vec<String>,
}

fn offsets(model: &Model<'_>, planned: &Planned<'_>) -> Result<Offsets, Error> {
    let graph = &planned.problem.graph;
    let FixedPlaces { places, is_packed_anew } = fixed_places(planned, RUNTIME)?;
    if let Some(place) = places.iter().find(|it| it.memory != MemoryId::SCRATCHPAD) {
        let memory = &planned.problem.machine.memories()[place.memory.index()].name;
        let tensor = planned.tensor_name(place.tensor).into();
        return Err(Error::Moves { tensor, why: format!("lies in {memory} beside the arena"), runtime: RUNTIME });
    }
    let refuse = |why: String| Err(Error::Model(why));
    let tensors = model.subgraphs.first().map_or(&[][..], |it| &it.tensors);
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, tensor) in tensors.iter().enumerate().filter(|it| it.1.is_planned()) {
        by_name.entry(&*tensor.name).or_default().push(at);
    }
    let mut placed: Vec<Option<(TensorId, u64)>> = vec![None; tensors.len()];
    let (mut unknown, mut unaligned, mut arena) = (Vec::new(), Vec::new(), 0);
    for place in &places {
        let (name, size) = (planned.tensor_name(place.tensor), graph.tensor(place.tensor).size.0);
        let found = by_name.get(name).or_else(|| by_name.get(&*graph.tensor(place.tensor).name));
        let at = match found.map(|it| &it[..]) {
            None | Some([]) => {
                unknown.push(name);
                continue;
            }
            Some([at]) => *at,
            Some(_) => return refuse(format!("the model has several tensors '{name}'")),
        };
        if placed[at].is_some() {
            return refuse(format!("the plan has several tensors '{name}'"));
        }
        match tensors[at].bytes {
            Some(bytes) if bytes == size => {}
            Some(bytes) => {
                return refuse(format!("tensor '{name}' has {size} B in the plan and {bytes} B in the model"));
            }
            None => return refuse(format!("tensor '{name}' has no static size in the model")),
        }
        if !place.offset.0.is_multiple_of(ALIGNMENT) {
            unaligned.push(name);
        }
        placed[at] = Some((place.tensor, place.offset.0));
        arena = arena.max(place.offset.0 + size);
    }
    if placed.iter().all(Option::is_none) && !places.is_empty() {
        return refuse(format!("no tensor of the plan is in the model; one of the plan is '{}'", unknown[0]));
    }
    lifetime::check(model, &placed, planned)?;
    let left: Vec<&str> =
        tensors.iter().zip(&placed).filter(|it| it.0.is_planned() && it.1.is_none()).map(|it| &*it.0.name).collect();
    let mut warnings = Vec::new();
    if is_packed_anew {
        warnings.push(format!(
            "tensors have other addresses than in the plan: {RUNTIME} has arguments in memory from the start and results \
             to the end"
        ));
    }
    let mut warn = |names: &[&str], one: &str, many: &str| {
        if let Some(text) = listed(names, one, many) {
            warnings.push(text);
        }
    };
    warn(&unknown, "tensor of the plan is not in the model", "tensors of the plan are not in the model");
    warn(&left, "tensor of the model is left to the runtime", "tensors of the model are left to the runtime");
    warn(&unaligned, "tensor is not at a multiple of 16 B", "tensors are not at multiples of 16 B");
    Ok(Offsets { list: list(model, &placed)?, arena, warnings })
}

fn listed(names: &[&str], one: &str, many: &str) -> Option<String> {
    let shown: Vec<String> = names.iter().take(MOST_NAMES).map(|it| format!("'{it}'")).collect();
    let rest = names.len() - shown.len();
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    match names.len() {
        0 => None,
        n => Some(format!("{n} {}: {}{more}", if n == 1 { one } else { many }, shown.join(", "))),
    }
}

fn list(model: &Model<'_>, placed: &[Option<(TensorId, u64)>]) -> Result<Vec<i32>, Error> {
    let number = |it: usize| i32::try_from(it).map_err(|_| Error::Model("the model has too many tensors".into()));
    let n_tensors: usize = model.subgraphs.iter().map(|it| it.tensors.len()).sum();
    let mut list = vec![VERSION, number(model.subgraphs.len())?, number(n_tensors)?];
    for it in placed {
        list.push(match it {
            None => ONLINE,
            Some((_, offset)) => i32::try_from(*offset)
                .map_err(|_| Error::Model(format!("offset {offset} is 2^31 or more, which {RUNTIME} cannot have")))?,
        });
    }
    list.resize(3 + n_tensors, ONLINE);
    Ok(list)
}
