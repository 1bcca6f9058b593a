//! The workspace of branches and loops, for the tensors that their regions compute.
//!
//! To the planner, an operation with regions is one operator. Its operands include the values that its regions
//! capture, and its results are planned as those of any operator. Its workspace holds the intermediate tensors of
//! its regions:
//!
//! 1. Each tensor computed in a block is live from the operation that defines it to its last reader, in the order
//!    of the block. A nested operation with regions needs its own workspace.
//! 2. A yielded tensor is computed directly in the buffer of the result, if the loop-carried value there is dead
//!    by then. Operations that may be in place of an operand are, if it is their operand's last use.
//! 3. All live intervals of a block are packed. Different regions do not run at the same time, so the largest
//!    packing counts.
//! 4. The result of a loop may be in place of its initial value; that of a branch in place of a tensor that no
//!    region reads after writing the result.
//!
//! Regions with several blocks are not analysed: each of their tensors gets its own buffer.

use crate::extract::{cannot, key, value_size};
use crate::form::operations;
use crate::role::{Role, nested, reads, role};
use crate::sharing::in_place;
use cosma_ir::melior::ir::operation::{OperationLike, OperationResult};
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{BlockLike, BlockRef, OperationRef, RegionLike, Value, ValueLike};
use cosma_ir::{Diagnostic, is_abstract, is_group, name, operand_at, result_at};
use cosma_planner::pack::{Interval, Lowest, pack_lowest};
use cosma_planner::{Bytes, Deadline};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// The workspace and in-place pairs of an operation with regions.
#[derive(Default)]
pub(crate) struct Inside<'c, 'a> {
    /// The size of its workspace.
    pub workspace: Bytes,
    /// The results that may be in place of a tensor that is read.
    pub over: Vec<Over<'c, 'a>>,
}

/// A result that may be in place of a tensor that is read.
#[derive(Clone, Copy)]
pub(crate) struct Over<'c, 'a> {
    pub result: usize,
    pub value: Value<'c, 'a>,
    /// Whether the operand must be the only use of the tensor: a loop overwrites it before it has read all other
    /// operands.
    pub only_reader: bool,
}

/// The tensors outside the operation, and the sizes on the machine.
pub(crate) struct Outside<'o, 'c, 'a> {
    pub element_bytes: Option<u64>,
    pub alignment: Bytes,
    /// The tensor of a value; `None` if it is not a tensor or has no bytes.
    pub tensor: &'o dyn Fn(Value<'c, 'a>) -> Option<usize>,
}

/// Analyses the regions of an operation, if it has any.
///
/// # Errors
/// At a tensor in a region without a static size.
pub(crate) fn inside<'c, 'a>(
    operation: OperationRef<'c, 'a>,
    outside: &Outside<'_, 'c, 'a>,
) -> Result<Inside<'c, 'a>, Diagnostic<'c>> {
    let flow = Flow::of(operation);
    // A group declares its workspace itself, and regions that compute scalars need none.
    let is_empty = || flow == Flow::Unknown && !makes_tensors(operation);
    if operation.region_count() == 0 || is_abstract(operation) || is_group(operation) || is_empty() {
        return Ok(Inside::default());
    }
    let mut workspace = Bytes::ZERO;
    let mut bodies = Vec::new();
    let mut is_known = true;
    for (index, region) in operation.regions().enumerate() {
        let Some(block) = region.first_block() else { continue };
        if block.next_in_region().is_some() {
            let blocks = std::iter::successors(Some(block), |it| it.next_in_region());
            let mut all = Bytes::ZERO;
            for block in blocks {
                all += Body::read(operation, Flow::Unknown, index, block, outside)?.total();
            }
            workspace = workspace.max(all);
            is_known = false;
            continue;
        }
        let mut body = Body::read(operation, flow, index, block, outside)?;
        body.join();
        body.bring_home();
        workspace = workspace.max(body.workspace(outside.alignment));
        bodies.push(body);
    }
    let mut over = Vec::new();
    for result in (0..operation.result_count()).filter(|_| is_known) {
        let value = result_at(operation, result).expect("it is counted");
        if let Some(start) = flow.start(operation, result).filter(|it| it.r#type() == value.r#type()) {
            over.push(Over { result, value: start, only_reader: true });
        } else if flow == Flow::Branch {
            let mut seen = HashSet::new();
            for read in reads(operation) {
                let Some(tensor) = (outside.tensor)(read.value).filter(|it| seen.insert(*it)) else { continue };
                let is_same = value_size(read.value, outside.element_bytes) == value_size(value, outside.element_bytes);
                if is_same && bodies.iter().all(|it| it.spares(tensor, result)) {
                    over.push(Over { result, value: read.value, only_reader: false });
                }
            }
        }
    }
    Ok(Inside { workspace, over })
}

/// The control flow through regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// One region runs once and yields the results.
    Branch,
    /// Regions run repeatedly. Loop-carried values start as operands and end as results.
    Loop,
    Unknown,
}

impl Flow {
    fn of(operation: OperationRef) -> Flow {
        match name(operation).as_str() {
            "scf.if" | "scf.index_switch" | "scf.execute_region" | "tosa.cond_if" => Flow::Branch,
            "scf.for" | "scf.forall" | "tosa.while_loop" => Flow::Loop,
            "scf.while" => {
                let types = operation.operands().map(|it| it.r#type());
                if types.eq(operation.results().map(|it| it.r#type())) { Flow::Loop } else { Flow::Unknown }
            }
            _ => Flow::Unknown,
        }
    }

    /// The initial value of a loop's result.
    fn start<'c, 'a>(self, operation: OperationRef<'c, 'a>, result: usize) -> Option<Value<'c, 'a>> {
        let n_others = operation.operand_count().checked_sub(operation.result_count())?;
        if self == Flow::Loop { operand_at(operation, n_others + result) } else { None }
    }

    /// The meaning of an argument of a region's block.
    fn argument<'c, 'a>(
        self,
        operation: OperationRef<'c, 'a>,
        block: BlockRef<'c, 'a>,
        index: usize,
    ) -> Argument<'c, 'a> {
        match self {
            Flow::Loop => {
                // After the induction variables.
                let n_others = block.argument_count().saturating_sub(operation.result_count());
                index.checked_sub(n_others).map_or(Argument::Own, Argument::Result)
            }
            // After the condition.
            Flow::Branch => operand_at(operation, index + 1).map_or(Argument::Own, Argument::Operand),
            Flow::Unknown => Argument::Own,
        }
    }

    /// The result that an operand of the terminator of region `region` becomes; `None` if none.
    fn yields(self, region: usize, terminator: OperationRef, operand: usize) -> Option<usize> {
        match name(terminator).as_str() {
            "scf.condition" if self == Flow::Loop => operand.checked_sub(1),
            // The first region of a TOSA loop yields the condition.
            "tosa.yield" if self == Flow::Loop && region == 0 => None,
            "scf.yield" | "tosa.yield" if self != Flow::Unknown => Some(operand),
            _ => None,
        }
    }
}

/// The meaning of an argument of a block.
enum Argument<'c, 'a> {
    /// The same as an operand.
    Operand(Value<'c, 'a>),
    /// The loop-carried value of a result, in its buffer.
    Result(usize),
    /// A tensor with its own buffer.
    Own,
}

/// The location of a tensor that an operation in a block reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// The buffer of a tensor outside.
    Outside(usize),
    /// The buffer of a result, which holds a loop-carried value.
    Carried(usize),
    /// A buffer in the workspace, by index.
    Room(usize),
}

/// The buffer of a tensor, from the operation that defines it to its last reader, by position in the block.
struct Room {
    size: Bytes,
    first: usize,
    last: usize,
    /// The buffer that it is in place of.
    before: Option<usize>,
    /// The result whose loop-carried value it is in place of.
    from_carried: Option<usize>,
    /// The result whose buffer it uses.
    home: Option<usize>,
}

/// The tensors of a block and their locations.
struct Body {
    rooms: Vec<Room>,
    /// Buffers that may be in place of an operand of the operation that defines them.
    pairs: Vec<(usize, Place)>,
    /// The last readers of outside tensors and loop-carried values, by position.
    last: HashMap<Place, usize>,
    /// By result: the location of the yielded tensor.
    yields: HashMap<usize, Place>,
    /// By result: its size.
    results: Vec<Bytes>,
    /// The position of the terminator.
    end: usize,
}

impl Body {
    fn read<'c, 'a>(
        operation: OperationRef<'c, 'a>,
        flow: Flow,
        region: usize,
        block: BlockRef<'c, 'a>,
        outside: &Outside<'_, 'c, 'a>,
    ) -> Result<Body, Diagnostic<'c>> {
        let members: Vec<OperationRef> = operations(block).collect();
        let end = members.len().saturating_sub(1);
        let size = |value: Value| value_size(value, outside.element_bytes);
        let mut body = Body {
            rooms: Vec::new(),
            pairs: Vec::new(),
            last: HashMap::new(),
            yields: HashMap::new(),
            results: operation.results().map(|it| size(it.into()).ok().flatten().unwrap_or(Bytes::ZERO)).collect(),
            end,
        };
        let mut places: HashMap<usize, Option<Place>> = HashMap::new();
        for index in 0..block.argument_count() {
            let argument: Value = block.argument(index).expect("it is counted").into();
            if !argument.r#type().is_tensor() {
                continue;
            }
            let place = match flow.argument(operation, block, index) {
                Argument::Operand(operand) => (outside.tensor)(operand).map(Place::Outside),
                Argument::Result(result) => {
                    body.last.insert(Place::Carried(result), 0);
                    Some(Place::Carried(result))
                }
                Argument::Own => {
                    let bytes = size(argument).map_err(|message| {
                        Diagnostic::at(
                            operation,
                            format!("argument {index} of region {region} cannot be planned: {message}"),
                        )
                    })?;
                    // It is live during the whole block.
                    Some(Place::Room(body.room(bytes.unwrap_or(Bytes::ZERO), 0, end)))
                }
            };
            places.insert(key(argument), place);
        }
        for (position, &member) in members.iter().enumerate() {
            let place = |value: Value<'c, 'a>, places: &HashMap<usize, Option<Place>>| {
                let known = places.get(&key(value)).copied();
                known.unwrap_or_else(|| (outside.tensor)(value).map(Place::Outside))
            };
            let read: Vec<Place> = reads(member).into_iter().filter_map(|it| place(it.value, &places)).collect();
            for place in &read {
                body.touch(*place, position);
            }
            if position == end {
                for (index, value) in member.operands().enumerate() {
                    let result = flow.yields(region, member, index);
                    if let (Some(result), Some(place)) = (result, place(value, &places)) {
                        body.yields.insert(result, place);
                    }
                }
                break;
            }
            match role(member, |_| false) {
                Role::View => {
                    let source = operand_at(member, 0).and_then(|it| place(it, &places));
                    places.insert(key(result_at(member, 0).expect("a view has a result")), source);
                }
                Role::Constant | Role::Preamble | Role::Transfer => {
                    for result in member.results() {
                        let result: Value = result.into();
                        places.insert(key(result), place(result, &places));
                    }
                }
                Role::Operator => {
                    let nested = inside(member, &Outside { tensor: &|_| None, ..*outside })?;
                    let said = Bytes(cosma_ir::workspace(member));
                    body.room(if said == Bytes::ZERO { nested.workspace } else { said }, position, position);
                    let mut pairs: Vec<(usize, Value)> = in_place(member)
                        .into_iter()
                        .filter(|it| it.at == 0)
                        .filter_map(|it| Some((it.result, operand_at(member, it.operand)?)))
                        .collect();
                    pairs.extend(nested.over.iter().map(|it| (it.result, it.value)));
                    for (index, value) in member.results().enumerate() {
                        let value: Value = value.into();
                        let bytes = size(value).map_err(|message| cannot(member, index, &message))?;
                        let Some(bytes) = bytes else { continue };
                        let room = body.room(bytes, position, position);
                        for (_, operand) in pairs.iter().filter(|it| it.0 == index) {
                            let Some(from) = place(*operand, &places) else { continue };
                            let n_pairs =
                                pairs.iter().filter(|it| it.0 == index && place(it.1, &places) == Some(from)).count();
                            let n_reads = read.iter().filter(|it| **it == from).count();
                            let is_same = size(*operand) == Ok(Some(bytes));
                            // A view of a part is smaller than its source.
                            let is_whole = match from {
                                Place::Room(from) => body.rooms[from].size == bytes,
                                Place::Outside(_) | Place::Carried(_) => is_same,
                            };
                            if n_pairs == n_reads && is_same && is_whole {
                                body.pairs.push((room, from));
                            }
                        }
                        places.insert(key(value), Some(Place::Room(room)));
                    }
                }
            }
        }
        Ok(body)
    }

    fn room(&mut self, size: Bytes, first: usize, last: usize) -> usize {
        self.rooms.push(Room { size, first, last, before: None, from_carried: None, home: None });
        self.rooms.len() - 1
    }

    fn touch(&mut self, place: Place, position: usize) {
        match place {
            Place::Room(room) => self.rooms[room].last = position,
            Place::Outside(_) | Place::Carried(_) => {
                self.last.insert(place, position);
            }
        }
    }

    /// Puts buffers in place of others, where that is the last use of the other.
    fn join(&mut self) {
        let mut is_taken = vec![false; self.rooms.len()];
        for &(room, from) in &self.pairs {
            let first = self.rooms[room].first;
            if self.rooms[room].before.is_some() || self.rooms[room].from_carried.is_some() {
                continue;
            }
            match from {
                Place::Room(from) if self.rooms[from].last == first && !is_taken[from] => {
                    is_taken[from] = true;
                    self.rooms[room].before = Some(from);
                }
                Place::Carried(result) if self.last.get(&from) == Some(&first) => {
                    self.rooms[room].from_carried = Some(result);
                }
                Place::Room(_) | Place::Carried(_) | Place::Outside(_) => {}
            }
        }
    }

    /// Puts yielded tensors, and the tensors that these are in place of, into the buffers of results, as early as
    /// those are free.
    fn bring_home(&mut self) {
        let mut results: Vec<(usize, Place)> = self.yields.iter().map(|it| (*it.0, *it.1)).collect();
        results.sort_by_key(|it| it.0);
        let mut waiting = Bytes::ZERO;
        for (result, place) in results {
            let room = match place {
                Place::Room(room) => room,
                // Loop-carried values are permuted one after the other; the first of a cycle needs a buffer.
                Place::Carried(other) if other != result => {
                    waiting = waiting.max(self.results[result]);
                    continue;
                }
                Place::Carried(_) | Place::Outside(_) => continue,
            };
            let carried = self.last.get(&Place::Carried(result)).copied();
            let is_free = |room: &Room| {
                let is_over = |last| last < room.first || last == room.first && room.from_carried == Some(result);
                room.home.is_none() && carried.is_none_or(is_over)
            };
            let mut next = Some(room);
            while let Some(room) = next.filter(|it| is_free(&self.rooms[*it])) {
                self.rooms[room].home = Some(result);
                next = self.rooms[room].before;
            }
        }
        self.room(waiting, self.end, self.end);
    }

    /// Whether a result may be in place of an outside tensor: its buffer is written only after the last read of the
    /// tensor.
    fn spares(&self, tensor: usize, result: usize) -> bool {
        let outside = Place::Outside(tensor);
        let Some(place) = self.yields.get(&result) else { return false };
        if *place == outside {
            return true;
        }
        let Some(&last) = self.last.get(&outside) else { return true };
        let Place::Room(mut room) = *place else { return last < self.end };
        if self.rooms[room].home != Some(result) {
            return last < self.end;
        }
        while let Some(before) = self.rooms[room].before.filter(|it| self.rooms[*it].home == Some(result)) {
            room = before;
        }
        let first = self.rooms[room].first;
        last < first || last == first && self.pairs.contains(&(room, outside))
    }

    /// The size of the packing of all buffers that are not those of results.
    fn workspace(&self, alignment: Bytes) -> Bytes {
        // Buffers in place of each other are one block, stored at the last of them.
        let mut blocks: Vec<Option<(usize, usize, Bytes)>> =
            self.rooms.iter().map(|it| it.home.is_none().then_some((it.first, it.last, it.size))).collect();
        for index in 0..self.rooms.len() {
            let room = &self.rooms[index];
            let Some(before) = room.before.filter(|_| room.home.is_none()) else { continue };
            // Buffers come after those that they are in place of.
            if let (Some((first, ..)), Some(block)) = (blocks[before].take(), &mut blocks[index]) {
                block.0 = first;
            }
        }
        let step = |position: usize| u32::try_from(position).unwrap_or(u32::MAX - 1);
        let intervals: Vec<Interval> = blocks
            .into_iter()
            .flatten()
            .map(|(first, last, size)| Interval::new(step(first), step(last) + 1, size))
            .collect();
        match pack_lowest(&intervals, alignment, Deadline::after(Duration::ZERO)) {
            Lowest::Placed(packing) => packing.height,
            // On overflow, the sum is larger than any scratchpad.
            Lowest::Infeasible | Lowest::Undecided => self.total(),
        }
    }

    fn total(&self) -> Bytes {
        Bytes(self.rooms.iter().fold(0, |sum: u64, it| sum.saturating_add(it.size.0)))
    }
}

/// Whether an operation in the regions computes tensors.
fn makes_tensors(operation: OperationRef) -> bool {
    let mut pending = nested(operation);
    while let Some(operation) = pending.pop() {
        if operation.results().any(|it: OperationResult| it.r#type().is_tensor()) {
            return true;
        }
        pending.extend(nested(operation));
    }
    false
}
