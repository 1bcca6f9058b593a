//! The judge: whether a planned program does what its problem asks, and what it moves.
//!
//! The program runs on a machine whose memories hold names instead of data. What is copied or written puts a
//! tensor's name over its bytes, and whatever had a byte there is gone; what is read or copied must still lie whole
//! under its name. A copy that was issued and not waited for is at neither place for certain: its name is
//! where it goes only after the wait, and until then nothing may be put over either place. So no order in which
//! memories answer can make a program wrong that is right here.
//!
//! Nothing here is shared with any planner, nor with what derives a program from a plan, and
//! nothing is clever: it is the definition of a right program, to be read in one sitting. It does
//! not judge how good a program is, except that each copy must serve something. After a fault
//! it goes on as if the line had been meant well, so that one mistake is not reported many times.

use crate::{
    Action, Block, Bytes, Copy, Fault, InPlace, MemoryId, MemorySet, Moment, OpId, Origin, Overlay, Place, Problem,
    Slot, Step, TensorId, Traffic, Violation,
};
use std::collections::BTreeMap;

/// Runs a planned program on a machine of names, and counts what it moves.
///
/// Takes any program at all, unknown ids and absurd offsets included. Time is near-linear in its lines and operands.
///
/// # Errors
/// Everything that is wrong, in the order of the lines at fault; last what the program lacks.
pub fn check(problem: &Problem, actions: &[Action]) -> Result<Traffic, Vec<Violation>> {
    let graph = &problem.graph;
    let n_tensors = graph.tensors().len();
    let mut judge = Judge {
        problem,
        moment: Moment { line: 0, step: Step(0) },
        memories: problem.machine.memories().iter().map(|_| Contents::default()).collect(),
        in_flight: Vec::new(),
        arrivals: Vec::new(),
        ran: vec![false; graph.ops().len()],
        before: vec![Vec::new(); graph.ops().len()],
        came_from_home: vec![false; n_tensors],
        went_home: vec![false; n_tensors],
        traffic: Traffic::default(),
        violations: Vec::new(),
    };
    for &(before, after) in graph.edges() {
        judge.before[after.index()].push(before);
    }
    for tensor in graph.tensor_ids().filter(|it| is_argument(problem, *it)) {
        judge.put(Slot::at_home(tensor), None);
    }
    for action in actions {
        judge.moment.line += 1;
        judge.act(action);
    }
    judge.finish();
    if judge.violations.is_empty() { Ok(judge.traffic) } else { Err(judge.violations) }
}

struct Judge<'a> {
    problem: &'a Problem,
    moment: Moment,
    /// What lies intact in each memory.
    memories: Vec<Contents>,
    /// Copies that were issued and not waited for.
    in_flight: Vec<Flight>,
    /// What must serve something: each copy, and each run of an operator that ran before.
    arrivals: Vec<Arrival>,
    /// By operator: whether it ran, and which operators must run before it whatever they write.
    ran: Vec<bool>,
    before: Vec<Vec<OpId>>,
    /// By tensor, as far as it counts for traffic.
    came_from_home: Vec<bool>,
    went_home: Vec<bool>,
    traffic: Traffic,
    violations: Vec<Violation>,
}

/// What lies in a memory: no two of these have a byte in common.
#[derive(Default)]
struct Contents {
    /// By offset.
    placed: BTreeMap<Bytes, Content>,
    /// What needs no address: tensors without bytes, and all of a memory that is as large as it needs to be.
    apart: BTreeMap<TensorId, Content>,
}

struct Content {
    tensor: TensorId,
    /// Behind its last byte.
    end: u128,
    /// How it came there, if that must serve something.
    arrival: Option<usize>,
}

struct Flight {
    copy: Copy,
    moment: Moment,
    arrival: usize,
    /// Whether something was put in its way, which is said once.
    is_disturbed: bool,
}

struct Arrival {
    moment: Moment,
    /// That it served nothing.
    fault: Fault,
    is_used: bool,
}

impl Judge<'_> {
    fn act(&mut self, action: &Action) {
        match *action {
            Action::Copy(copy) | Action::Issue(copy) if !self.is_known(copy.tensor) => {
                self.report(Fault::UnknownTensor(copy.tensor));
            }
            Action::Copy(copy) => {
                if let Some(arrival) = self.issue(copy) {
                    self.put(Slot { tensor: copy.tensor, place: copy.to }, Some(arrival));
                }
            }
            Action::Issue(copy) => {
                if let Some(arrival) = self.issue(copy) {
                    self.in_flight.push(Flight { copy, moment: self.moment, arrival, is_disturbed: false });
                }
            }
            Action::Wait(slot) => {
                let is_meant = |it: &Flight| (it.copy.tensor, it.copy.to) == (slot.tensor, slot.place);
                match self.in_flight.iter().position(is_meant) {
                    Some(found) => {
                        let arrival = self.in_flight.remove(found).arrival;
                        self.put(slot, Some(arrival));
                    }
                    None => self.report(Fault::NotIssued(slot)),
                }
            }
            Action::Run { op, ref reads, ref writes, workspace } => {
                if op.index() < self.ran.len() {
                    self.run(op, reads, writes, workspace);
                } else {
                    self.report(Fault::UnknownOp(op));
                }
                self.moment.step = self.moment.step.next();
            }
        }
    }

    /// A copy leaves one place, and the other is taken for it; none if there is no such place.
    fn issue(&mut self, copy: Copy) -> Option<usize> {
        let Copy { tensor, from, to } = copy;
        for place in [from, to] {
            if self.memories.len() <= place.memory.index() {
                self.report(Fault::UnknownMemory(place.memory));
                return None;
            }
        }
        if self.problem.machine.link(from.memory, to.memory).is_none() {
            self.report(Fault::NoLink(from.memory, to.memory));
        }
        self.expect_there(Slot { tensor, place: from });
        // A staged tensor is there as its parts are, and nothing but that.
        let is_staged = self.problem.graph.tensor(tensor).origin == Origin::Staged;
        let is_used = to.memory == MemoryId::HOME && (is_staged || self.memories[0].apart.contains_key(&tensor));
        if is_used {
            self.report(Fault::ThereAlready(tensor));
        }
        self.count(tensor, from.memory, to.memory);
        self.occupy(self.block(Slot { tensor, place: to }));
        let fault = Fault::NeverRead(Slot { tensor, place: to });
        self.arrivals.push(Arrival { moment: self.moment, fault, is_used });
        Some(self.arrivals.len() - 1)
    }

    fn run(&mut self, op: OpId, reads: &[Slot], writes: &[Slot], workspace: Bytes) {
        let graph = &self.problem.graph;
        let operator = graph.op(op);
        let again = std::mem::replace(&mut self.ran[op.index()], true);
        if again && !operator.may_rerun {
            self.report(Fault::RunsAgain(op));
        }
        for before in self.before[op.index()].clone() {
            if !self.ran[before.index()] {
                self.report(Fault::OutOfOrder { op, before });
            }
        }
        let found: Vec<TensorId> = reads.iter().map(|it| it.tensor).collect();
        if !operator.reads.iter().map(|it| &it.tensor).eq(&found) {
            self.report(Fault::WrongReads { op, found });
        }
        let found: Vec<TensorId> = writes.iter().map(|it| it.tensor).collect();
        if found != operator.writes {
            self.report(Fault::WrongWrites { op, found });
        }

        // A slot of an unknown tensor was reported as a wrong operand.
        let known = |it: &&Slot| self.is_known(it.tensor);
        let reads: Vec<Slot> = reads.iter().filter(known).copied().collect();
        let writes: Vec<Slot> = writes.iter().filter(known).copied().collect();
        let uses: BTreeMap<TensorId, MemorySet> = operator.reads.iter().map(|it| (it.tensor, it.from)).collect();
        for &slot in &reads {
            let memory = slot.place.memory;
            if uses.get(&slot.tensor).is_some_and(|it| !it.contains(memory)) {
                self.report(Fault::WrongMemory { op, slot });
            }
            self.expect_there(slot);
            if memory != MemoryId::SCRATCHPAD {
                self.count(slot.tensor, memory, MemoryId::SCRATCHPAD);
            }
        }
        for &slot in writes.iter().filter(|it| it.place.memory != MemoryId::SCRATCHPAD) {
            self.report(Fault::WrongMemory { op, slot });
        }
        // While it runs, an operator may touch all of its blocks at any time, so they must all be
        // disjoint, also those that nothing reads after: but for a result and an operand that may share
        // bytes.
        let place = Place::on_chip(workspace);
        let workspace = Block { tensor: None, place, size: operator.workspace };
        let blocks: Vec<Block> = reads.iter().chain(&writes).map(|it| self.block(*it)).chain([workspace]).collect();
        let both = |one: TensorId, other: TensorId| (one.min(other), one.max(other));
        let pairs: BTreeMap<_, &InPlace> =
            operator.in_place.iter().map(|it| (both(it.result, it.operand), it)).collect();
        for (a, b) in overlaps(&blocks) {
            let pair = a.tensor.zip(b.tensor).and_then(|it| pairs.get(&both(it.0, it.1)));
            if !pair.is_some_and(|it| may_overlap(it, a, b)) {
                self.report(Fault::Overlap(op, a, b));
            }
        }
        self.occupy(workspace);
        let arrival = again.then_some(self.arrivals.len());
        if again {
            let fault = Fault::RunsForNothing(op);
            self.arrivals.push(Arrival { moment: self.moment, fault, is_used: false });
        }
        for slot in writes.into_iter().filter(|it| it.place.memory == MemoryId::SCRATCHPAD) {
            self.occupy(self.block(slot));
            self.put(slot, arrival);
        }
    }

    fn finish(&mut self) {
        let graph = &self.problem.graph;
        for Flight { copy, moment, arrival, .. } in std::mem::take(&mut self.in_flight) {
            self.arrivals[arrival].is_used = true;
            let fault = Fault::NeverWaitedFor(Slot { tensor: copy.tensor, place: copy.to });
            self.violations.push(Violation { moment: Some(moment), fault });
        }
        let mut lacks: Vec<Fault> = graph.op_ids().filter(|it| !self.ran[it.index()]).map(Fault::NeverRuns).collect();
        for &tensor in graph.results() {
            match self.memories[0].apart.get(&tensor) {
                Some(Content { arrival, .. }) => arrival.iter().for_each(|it| self.arrivals[*it].is_used = true),
                None => lacks.push(Fault::NeverStored(tensor)),
            }
        }
        for Arrival { moment, fault, .. } in std::mem::take(&mut self.arrivals).into_iter().filter(|it| !it.is_used) {
            self.violations.push(Violation { moment: Some(moment), fault });
        }
        self.violations.sort_by_key(|it| it.moment);
        self.violations.extend(lacks.into_iter().map(|fault| Violation { moment: None, fault }));
    }

    /// Takes the bytes of a block for what is put there: whatever had one of them is gone.
    fn occupy(&mut self, block: Block) {
        let Block { place: Place { memory, offset }, .. } = block;
        let machine = self.problem.machine.memories();
        if self.is_apart(block) {
            // Of two copies to one such place, one is in the way of the other.
            let tensor = block.tensor;
            self.disturb(block, |it| it.to.memory == memory && Some(it.tensor) == tensor);
            return;
        }
        if machine[memory.index()].alignment != Bytes::ZERO
            && !offset.0.is_multiple_of(machine[memory.index()].alignment.0)
        {
            self.report(Fault::Misaligned(block));
        }
        if machine[memory.index()].size.is_some_and(|size| u128::from(size.0) < end(block)) {
            self.report(Fault::OutOfMemory(block));
        }
        let is_met = |start: u128, stop: u128| u128::from(offset.0) < stop && start < end(block);
        let reserved = machine[memory.index()].reserved.iter();
        if reserved.into_iter().any(|it| is_met(it.start.0.into(), it.end.0.into())) {
            self.report(Fault::Reserved(block));
        }
        let graph = &self.problem.graph;
        let is_at = |tensor, place: Place| {
            let has_address = machine[place.memory.index()].size.is_some();
            let start = u128::from(place.offset.0);
            has_address && place.memory == memory && is_met(start, start + u128::from(graph.tensor(tensor).size.0))
        };
        self.disturb(block, |it| is_at(it.tensor, it.from) || is_at(it.tensor, it.to));
        // Those that begin below the end of the block, from the highest down to the first that ends before it.
        let placed = &mut self.memories[memory.index()].placed;
        let last = Bytes(u64::try_from(end(block) - 1).unwrap_or(u64::MAX));
        while let Some((&start, content)) = placed.range(..=last).next_back() {
            if content.end <= u128::from(offset.0) {
                break;
            }
            placed.remove(&start);
        }
    }

    /// Something is put where a copy comes from or goes to.
    fn disturb(&mut self, block: Block, is_disturbed: impl Fn(&Copy) -> bool) {
        let mut flights = self.in_flight.iter_mut();
        if let Some(flight) = flights.find(|it| !it.is_disturbed && is_disturbed(&it.copy)) {
            flight.is_disturbed = true;
            let fault = Fault::InFlight(block, flight.copy);
            self.report(fault);
        }
    }

    /// A tensor lies at a place that was taken for it.
    fn put(&mut self, slot: Slot, arrival: Option<usize>) {
        let block = self.block(slot);
        let content = Content { tensor: slot.tensor, end: end(block), arrival };
        let is_apart = self.is_apart(block);
        let contents = &mut self.memories[slot.place.memory.index()];
        if is_apart {
            // What host memory has already stays.
            if slot.place.memory != MemoryId::HOME || !contents.apart.contains_key(&slot.tensor) {
                contents.apart.insert(slot.tensor, content);
            }
        } else {
            contents.placed.insert(slot.place.offset, content);
        }
    }

    fn expect_there(&mut self, slot: Slot) {
        if slot.place.memory == MemoryId::HOME && self.problem.graph.tensor(slot.tensor).origin == Origin::Staged {
            return self.expect_parts(slot.tensor);
        }
        let is_apart = self.is_apart(self.block(slot));
        let content = self.memories.get(slot.place.memory.index()).and_then(|it| match is_apart {
            true => it.apart.get(&slot.tensor),
            false => it.placed.get(&slot.place.offset).filter(|it| it.tensor == slot.tensor),
        });
        match content {
            Some(content) => content.arrival.iter().for_each(|it| self.arrivals[*it].is_used = true),
            None => self.report(Fault::NotThere(slot)),
        }
    }

    /// Host memory has a staged tensor if it has all of its parts.
    fn expect_parts(&mut self, tensor: TensorId) {
        for &part in self.problem.graph.parts(tensor) {
            match self.memories[0].apart.get(&part) {
                Some(content) => content.arrival.iter().for_each(|it| self.arrivals[*it].is_used = true),
                None => self.report(Fault::PartNotThere { tensor, part }),
            }
        }
    }

    /// Counts what it costs to bring a tensor from one memory to another, and its bytes if it passes a border of host
    /// memory. Its first way in is compulsory if it is an argument; its first way out if it is a result that an
    /// operator writes.
    fn count(&mut self, tensor: TensorId, from: MemoryId, to: MemoryId) {
        let graph = &self.problem.graph;
        let price =
            self.problem.machine.links().iter().find(|it| it.from == from && it.to == to).map_or(0, |it| it.price);
        let cost = u128::from(graph.tensor(tensor).size.0) * u128::from(price);
        self.traffic.cost = self.traffic.cost.saturating_add(cost);
        let is_first = match (from, to) {
            (MemoryId::HOME, _) => {
                let is_first = !std::mem::replace(&mut self.came_from_home[tensor.index()], true);
                is_first && is_argument(self.problem, tensor)
            }
            (_, MemoryId::HOME) => {
                let is_first = !std::mem::replace(&mut self.went_home[tensor.index()], true);
                is_first && graph.is_stored(tensor)
            }
            _ => return,
        };
        let Traffic { compulsory, non_compulsory, .. } = &mut self.traffic;
        let bytes = if is_first { compulsory } else { non_compulsory };
        // An absurd program may move more than can be counted; a right one cannot.
        bytes.0 = bytes.0.saturating_add(graph.tensor(tensor).size.0);
    }

    fn report(&mut self, fault: Fault) {
        self.violations.push(Violation { moment: Some(self.moment), fault });
    }

    fn is_known(&self, tensor: TensorId) -> bool {
        tensor.index() < self.problem.graph.tensors().len()
    }

    fn size(&self, tensor: TensorId) -> Bytes {
        self.problem.graph.tensor(tensor).size
    }

    fn block(&self, slot: Slot) -> Block {
        Block { tensor: Some(slot.tensor), place: slot.place, size: self.size(slot.tensor) }
    }

    /// Whether a block needs no address: it has no bytes, or its memory is as large as it needs to be.
    fn is_apart(&self, block: Block) -> bool {
        let memory = self.problem.machine.memories().get(block.place.memory.index());
        block.size == Bytes::ZERO || memory.is_none_or(|it| it.size.is_none())
    }
}

/// Whether a tensor lies in host memory from the start.
fn is_argument(problem: &Problem, tensor: TensorId) -> bool {
    matches!(problem.graph.tensor(tensor).origin, Origin::Argument | Origin::Weight)
}

/// The pairs of blocks in one memory that have a byte in common, each in the order of the list.
fn overlaps(blocks: &[Block]) -> Vec<(Block, Block)> {
    let mut placed: Vec<usize> = (0..blocks.len()).filter(|it| blocks[*it].size != Bytes::ZERO).collect();
    placed.retain(|it| blocks[*it].place.memory != MemoryId::HOME);
    placed.sort_by_key(|it| blocks[*it].place);
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (index, &low) in placed.iter().enumerate() {
        for &high in &placed[index + 1..] {
            let is_met = blocks[low].place.memory == blocks[high].place.memory
                && u128::from(blocks[high].place.offset.0) < end(blocks[low]);
            if !is_met {
                break;
            }
            pairs.push((low.max(high), low.min(high)));
        }
    }
    pairs.sort_unstable();
    pairs.into_iter().map(|(later, earlier)| (blocks[earlier], blocks[later])).collect()
}

/// Whether two blocks are a result and an operand that the operator allows to share bytes, and lie as it says: at
/// the same offset, or the smaller one so many bytes from the start of the larger one. The operand is gone from
/// there then, as from any place where something is put.
fn may_overlap(pair: &InPlace, a: Block, b: Block) -> bool {
    let (result, operand) = match (a.tensor, b.tensor) {
        (Some(a_tensor), Some(b_tensor)) if (a_tensor, b_tensor) == (pair.operand, pair.result) => (b, a),
        (Some(a_tensor), Some(b_tensor)) if (a_tensor, b_tensor) == (pair.result, pair.operand) => (a, b),
        _ => return false,
    };
    let (result, operand) = (u128::from(result.place.offset.0), u128::from(operand.place.offset.0));
    match pair.overlay {
        Overlay::Whole => result == operand,
        Overlay::PartOfResult(at) => result + u128::from(at.0) == operand,
        Overlay::PartOfOperand(at) => operand + u128::from(at.0) == result,
    }
}

/// Behind the last byte of a block.
fn end(block: Block) -> u128 {
    u128::from(block.place.offset.0) + u128::from(block.size.0)
}
