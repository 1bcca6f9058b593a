//! One address for each tensor: for runtimes that move nothing.
//!
//! Such a runtime has arguments in memory before the first operator and results after the last one; the planner loads
//! and stores them. So their lifetimes are longer than in the plan:
//!
//! 1. Each tensor may be in the scratchpad only once. Weights are omitted: runtimes read them from the model.
//! 2. Arguments live from the first step on, results until the last.
//! 3. The plan's addresses are kept if the longer lifetimes fit. Otherwise the lifetimes are packed again; tensors
//!    that share bytes in place still do.

use crate::block::{Block, Blocks, reserved};
use crate::{Error, Planned};
use cosma_planner::pack::{Interval, Packing, check_packing, pack};
use cosma_planner::{Action, Bytes, Deadline, Kind, Kinds, MemoryId, Moves, Origin, Step, TensorId};
use std::ops::Range;
use std::time::Duration;

/// The time limit for packing again.
const PACKING: Duration = Duration::from_secs(5);

/// The address of a tensor for its whole lifetime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    pub tensor: TensorId,
    /// The scratchpad; where nothing moves, any memory with addresses.
    pub memory: MemoryId,
    pub offset: Bytes,
    /// Half-open.
    pub steps: Range<Step>,
}

/// All tensors in the scratchpad except weights, by id; if nothing moves, those in all memories.
#[derive(Clone, Debug)]
pub struct FixedPlaces {
    pub places: Vec<Fixed>,
    /// Whether the addresses differ from those of the program.
    pub is_packed_anew: bool,
}

/// Assigns one address to each tensor of a program.
///
/// # Errors
/// [`Error::Moves`], [`Error::NoRoom`].
pub fn fixed_places(planned: &Planned<'_>, runtime: &'static str) -> Result<FixedPlaces, Error> {
    let Planned { problem, actions, .. } = *planned;
    let graph = &problem.graph;
    if problem.machine.moves() == Moves::None {
        return Ok(FixedPlaces { places: placed(planned, runtime)?, is_packed_anew: false });
    }
    check_moves(planned, runtime)?;
    let mut found = Blocks::of(problem, actions);
    // Workspaces are the runtime's own.
    found.workspaces.clear();
    let end = Step(found.n_steps as u32);
    let mut is_weight = vec![false; found.blocks.len()];
    for (block, is_weight) in found.blocks.iter_mut().zip(&mut is_weight) {
        match graph.tensor(block.tensor).origin {
            Origin::Weight => *is_weight = true,
            Origin::Argument => block.steps.start = Step(0),
            Origin::Staged | Origin::Op(_) => {}
        }
        block.slices.clear();
        if graph.results().contains(&block.tensor) {
            // Behind the last step, so that not even the last operator writes over it.
            block.steps.end = end.next();
        }
    }
    let mut groups = found.groups(problem, MemoryId::SCRATCHPAD);
    groups.retain(|it| !it.members.iter().all(|it| is_weight[*it]));
    let (capacity, alignment) = (problem.machine.scratchpad(), problem.machine.alignment());
    let mut intervals: Vec<Interval> = groups.iter().map(|it| it.interval.clone()).collect();
    let mut offsets: Vec<Bytes> = groups.iter().map(|it| it.offset).collect();
    // Reserved addresses need not begin at a multiple of the alignment.
    intervals.iter_mut().for_each(|it| it.alignment = alignment);
    for range in reserved(&problem.machine) {
        let interval = Interval::new(0, end.next().0, range.end - range.start);
        intervals.push(Interval { fixed: Some(range.start), ..interval });
        offsets.push(range.start);
    }
    let is_packed_anew = !check_packing(&intervals, &offsets, capacity, Bytes(1)).is_empty();
    if is_packed_anew {
        // Borders of banks are no blocks that could be packed around.
        if problem.machine.memories()[MemoryId::SCRATCHPAD.index()].banks.is_some() {
            return Err(Error::NoRoom { runtime, scratchpad: capacity.0, is_proven: false });
        }
        let no_room = |is_proven| Error::NoRoom { runtime, scratchpad: capacity.0, is_proven };
        offsets = match pack(&intervals, capacity, Bytes(1), Deadline::after(PACKING)) {
            Packing::Placed(offsets) => offsets,
            Packing::Infeasible => return Err(no_room(true)),
            Packing::Undecided => return Err(no_room(false)),
        };
    }
    let mut places = Vec::new();
    for (group, offset) in groups.iter().zip(&offsets) {
        for at in group.members.iter().filter(|it| !is_weight[**it]) {
            let block = &found.blocks[*at];
            let offset = *offset + block.place.offset - group.offset;
            let (tensor, memory) = (block.tensor, block.place.memory);
            places.push(Fixed { tensor, memory, offset, steps: block.steps.start..block.steps.end.min(end) });
        }
    }
    places.sort_by_key(|it| it.tensor);
    if let Some(twice) = places.windows(2).find(|it| it[0].tensor == it[1].tensor) {
        let tensor = planned.tensor_name(twice[0].tensor).into();
        return Err(Error::Moves { tensor, why: "is computed twice".into(), runtime });
    }
    Ok(FixedPlaces { places, is_packed_anew })
}

/// The places of a program in which nothing moves: they are for good, whatever the memory.
fn placed(planned: &Planned<'_>, runtime: &'static str) -> Result<Vec<Fixed>, Error> {
    let Planned { problem, actions, .. } = *planned;
    let graph = &problem.graph;
    let is_weight = |it: TensorId| graph.tensor(it).origin == Origin::Weight;
    let slots = actions.iter().flat_map(|action| match action {
        Action::Start(slot) => std::slice::from_ref(slot),
        Action::Run { writes, .. } => writes,
        _ => &[],
    });
    let has_addresses = |it: MemoryId| problem.machine.memories()[it.index()].size.is_some();
    for slot in slots.filter(|it| !is_weight(it.tensor)) {
        if !has_addresses(slot.place.memory) {
            let memory = &problem.machine.memories()[slot.place.memory.index()].name;
            let tensor = planned.tensor_name(slot.tensor).into();
            return Err(Error::Moves { tensor, why: format!("lies in {memory}, which has no addresses"), runtime });
        }
    }
    let found = Blocks::of(problem, actions);
    let end = Step(found.n_steps as u32);
    let fixed = |block: &Block| {
        let start = if graph.producer(block.tensor).is_none() { Step(0) } else { block.steps.start };
        let end = if graph.results().contains(&block.tensor) { end } else { block.steps.end };
        Fixed { tensor: block.tensor, memory: block.place.memory, offset: block.place.offset, steps: start..end }
    };
    let mut places: Vec<Fixed> = found.blocks.iter().filter(|it| !is_weight(it.tensor)).map(fixed).collect();
    places.sort_by_key(|it| it.tensor);
    Ok(places)
}

/// Checks that only weights are reloaded, and that only results leave, at their end.
fn check_moves(planned: &Planned<'_>, runtime: &'static str) -> Result<(), Error> {
    let Planned { problem, actions, .. } = *planned;
    let moves = |tensor: TensorId, why: &str| {
        Err(Error::Moves { tensor: planned.tensor_name(tensor).into(), why: why.into(), runtime })
    };
    let mut kinds = Kinds::new(problem);
    let mut came = vec![false; problem.graph.tensors().len()];
    for action in actions {
        let (copy, kind) = match action {
            Action::Copy(copy) | Action::Issue(copy) => (copy, kinds.of(copy)),
            Action::IssueSlice(copy, slice) => {
                let is_first = slice.low == Bytes::ZERO;
                let kind = kinds.of_slice(copy, *slice);
                if !is_first {
                    continue;
                }
                (copy, kind)
            }
            Action::Start(_) | Action::Wait(_) => continue,
            Action::Run { reads, .. } => {
                for read in reads.iter().filter(|it| it.place.memory == MemoryId::HOME) {
                    kinds.from_home(read.tensor);
                }
                continue;
            }
        };
        let tensor = copy.tensor;
        if problem.graph.tensor(tensor).origin == Origin::Weight {
            continue;
        }
        let has_come = copy.to.memory == MemoryId::SCRATCHPAD && std::mem::replace(&mut came[tensor.index()], true);
        match kind {
            Kind::Reload => return moves(tensor, "comes back from host memory"),
            Kind::Spill => return moves(tensor, "leaves for host memory"),
            Kind::Move => return moves(tensor, "moves to another memory"),
            Kind::Load if has_come => return moves(tensor, "is loaded twice"),
            Kind::Load | Kind::Store => {}
        }
    }
    Ok(())
}
