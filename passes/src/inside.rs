//! What branches and loops make in their regions, which lies in the scratchpad while they run.
//!
//! To the planner an operation with regions is one operator. What it reads from around it are operands, be
//! they read by the operation or in its regions, and its results have their places as those of any
//! operator. What is left is its workspace: room for what its regions compute in between.
//!
//! 1. Each tensor that is computed in a block needs room from the operation that makes it to its last reader,
//!    in the order of the block, and a nested operation with regions room for its own workspace.
//! 2. What a result is yielded from is computed where the result lies, if what a loop carries there is no longer
//!    read then. Operations that may write where an operand lies do so, where that operand is not read again.
//! 3. All rooms of a block are packed. Blocks of different regions do not run at once: the largest counts.
//! 4. A result of a loop may lie where it starts from; one of a branch on a tensor that no region reads
//!    after the result is written.
//!
//! Blocks that branch to each other are not looked into: all of their tensors have room of their own.

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

/// What an operation with regions needs and allows beside its operands and results.
#[derive(Default)]
pub(crate) struct Inside<'c, 'a> {
    /// Room for what its regions compute.
    pub workspace: Bytes,
    /// Results that may lie where a tensor lies that is read.
    pub over: Vec<Over<'c, 'a>>,
}

/// A result that may lie where a tensor lies that is read.
#[derive(Clone, Copy)]
pub(crate) struct Over<'c, 'a> {
    pub result: usize,
    pub value: Value<'c, 'a>,
    /// Whether the operand is all that may be read of the tensor: a loop writes over it before it reads
    /// other operands for the last time.
    pub only_reader: bool,
}

/// How tensors outside are told apart, and what the machine says of their sizes.
pub(crate) struct Outside<'o, 'c, 'a> {
    pub element_bytes: Option<u64>,
    pub alignment: Bytes,
    /// Which tensor a value is; none where it is none, or has no bytes.
    pub tensor: &'o dyn Fn(Value<'c, 'a>) -> Option<usize>,
}

/// Looks into the regions of an operation, if it has any.
///
/// # Errors
/// At a tensor in a region that has no size.
pub(crate) fn inside<'c, 'a>(
    operation: OperationRef<'c, 'a>,
    outside: &Outside<'_, 'c, 'a>,
) -> Result<Inside<'c, 'a>, Diagnostic<'c>> {
    let flow = Flow::of(operation);
    // What is in a group stands for itself, and what computes scalars needs no room.
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

/// How control goes through regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// One region runs, once, and yields the results.
    Branch,
    /// Regions run again and again; what they carry starts from operands and ends as results.
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

    /// What a result of a loop starts from.
    fn start<'c, 'a>(self, operation: OperationRef<'c, 'a>, result: usize) -> Option<Value<'c, 'a>> {
        let n_others = operation.operand_count().checked_sub(operation.result_count())?;
        if self == Flow::Loop { operand_at(operation, n_others + result) } else { None }
    }

    /// What an argument of a region's block is.
    fn argument<'c, 'a>(
        self,
        operation: OperationRef<'c, 'a>,
        block: BlockRef<'c, 'a>,
        index: usize,
    ) -> Argument<'c, 'a> {
        match self {
            Flow::Loop => {
                // After those that count.
                let n_others = block.argument_count().saturating_sub(operation.result_count());
                index.checked_sub(n_others).map_or(Argument::Own, Argument::Result)
            }
            // After the condition.
            Flow::Branch => operand_at(operation, index + 1).map_or(Argument::Own, Argument::Operand),
            Flow::Unknown => Argument::Own,
        }
    }

    /// Which result an operand of the terminator of the region of this index is; none if it is none.
    fn yields(self, region: usize, terminator: OperationRef, operand: usize) -> Option<usize> {
        match name(terminator).as_str() {
            "scf.condition" if self == Flow::Loop => operand.checked_sub(1),
            // A loop of TOSA yields its condition first.
            "tosa.yield" if self == Flow::Loop && region == 0 => None,
            "scf.yield" | "tosa.yield" if self != Flow::Unknown => Some(operand),
            _ => None,
        }
    }
}

/// What an argument of a block is.
enum Argument<'c, 'a> {
    /// An operand, under another name.
    Operand(Value<'c, 'a>),
    /// Where a result will lie.
    Result(usize),
    /// A tensor of its own.
    Own,
}

/// Where a tensor lies that an operation in a block reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// Where it does for the operation around.
    Outside(usize),
    /// In the place of a result, of what a loop carries.
    Carried(usize),
    /// In a room.
    Room(usize),
}

/// Room for a tensor, from the operation that makes it to the last that reads it, by their positions.
struct Room {
    size: Bytes,
    first: usize,
    last: usize,
    /// The room that it takes over.
    before: Option<usize>,
    /// Whether it takes over what a loop carries, and where.
    from_carried: Option<usize>,
    /// The result in whose place it is.
    home: Option<usize>,
}

/// A block, and what is where in it.
struct Body {
    rooms: Vec<Room>,
    /// A room that may be where an operand is, at the operation that makes it.
    pairs: Vec<(usize, Place)>,
    /// The last readers of what is outside, and of what is carried.
    last: HashMap<Place, usize>,
    /// By result, where what is yielded lies.
    yields: HashMap<usize, Place>,
    /// By result, its bytes.
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
                    // It comes from outside of the block, at whatever time.
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
                            // What looks at a part of a tensor has not all of its room.
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

    /// Lets rooms take over others, where nothing else is still to read what was there.
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

    /// Puts what is yielded, and what that took over, where results lie, as early as nothing else is there.
    fn bring_home(&mut self) {
        let mut results: Vec<(usize, Place)> = self.yields.iter().map(|it| (*it.0, *it.1)).collect();
        results.sort_by_key(|it| it.0);
        let mut waiting = Bytes::ZERO;
        for (result, place) in results {
            let room = match place {
                Place::Room(room) => room,
                // What is carried changes places, one after the other: the first of a circle waits elsewhere.
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

    /// Whether a result may lie on a tensor from outside: what is written there is written after the last
    /// time that the tensor is read.
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

    /// Room for all that is not where results lie.
    fn workspace(&self, alignment: Bytes) -> Bytes {
        // By the last room of those that take over each other.
        let mut blocks: Vec<Option<(usize, usize, Bytes)>> =
            self.rooms.iter().map(|it| it.home.is_none().then_some((it.first, it.last, it.size))).collect();
        for index in 0..self.rooms.len() {
            let room = &self.rooms[index];
            let Some(before) = room.before.filter(|_| room.home.is_none()) else { continue };
            // Rooms come after those that they take over.
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
            // More than can be counted is more than any scratchpad has.
            Lowest::Infeasible | Lowest::Undecided => self.total(),
        }
    }

    fn total(&self) -> Bytes {
        Bytes(self.rooms.iter().fold(0, |sum: u64, it| sum.saturating_add(it.size.0)))
    }
}

/// Whether something in the regions of an operation computes tensors.
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
