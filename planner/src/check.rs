//! The judge: whether a planned program solves its problem, and how many bytes it moves.
//!
//! The program runs on a machine whose memories hold names instead of data. A copy or a write puts the tensor's name
//! over its bytes and destroys whatever had a byte there; a read or a copy requires that the tensor is still complete
//! under its name. An issued copy is at neither place until it is waited for: its name appears at the destination only
//! with the wait, and until then nothing may overwrite either place, except later copies of the same channel
//! (`check/flight.rs`). So any two accesses to a byte, of which one is a write, are ordered by the program. A program
//! that is correct here is correct at any speed of the memories.
//!
//! The judge shares no code with any planner or with `Plan::actions`, and it is simple: it is the definition of a
//! correct program, short enough to read in one sitting. It does not rate programs, except that each copy must be used.
//! After a fault it continues as if the line had been correct, so that one mistake is not reported many times.

mod flight;

use crate::time::ChannelId;
use crate::{
    Action, Apart, Banks, Block, Bytes, Copy, Fault, InPlace, Keep, MemoryId, MemorySet, Moment, Moves, OpId, Origin,
    Overlay, Place, Problem, Slice, Slot, Step, TensorId, Traffic, Violation,
};
use flight::{Flight, Flights, Target};
use std::collections::BTreeMap;

/// Runs a planned program on a machine of names, and counts the bytes that it moves.
///
/// Accepts any program, including unknown ids and absurd offsets. Takes near-linear time in its lines and operands.
///
/// # Errors
/// All faults, in the order of their lines; then those of the whole program.
pub fn check(problem: &Problem, actions: &[Action]) -> Result<Traffic, Vec<Violation>> {
    check_with_prologue(problem, &[], actions)
}

/// The same for a program that runs repeatedly after a prologue, which runs once and loads the weights that the program
/// expects from the previous run. The traffic is that of each run, without the prologue.
///
/// At the start of a run, only what the prologue loaded is in the scratchpad; at its end, all of it must be there
/// again. So every run begins in the same state, and if one run is correct, all are. Lines are counted from the start
/// of the prologue.
///
/// # Errors
/// Those of [`check()`].
pub fn check_with_prologue(
    problem: &Problem,
    prologue: &[Action],
    actions: &[Action],
) -> Result<Traffic, Vec<Violation>> {
    check_with_ends(problem, prologue, actions, &[])
}

/// The same for a program with given places of tensors at its end, where the caller takes them.
///
/// # Errors
/// Those of [`check()`], and [`Fault::NotAtEnd`].
pub fn check_with_ends(
    problem: &Problem,
    prologue: &[Action],
    actions: &[Action],
    ends: &[Slot],
) -> Result<Traffic, Vec<Violation>> {
    let graph = &problem.graph;
    let n_tensors = graph.tensors().len();
    let mut judge = Judge {
        problem,
        moment: Moment { line: 0, step: Step(0) },
        memories: problem.machine.memories().iter().map(|_| Contents::default()).collect(),
        in_flight: Flights::default(),
        arrivals: Vec::new(),
        ran: vec![false; graph.ops().len()],
        before: vec![Vec::new(); graph.ops().len()],
        came_from_home: vec![false; n_tensors],
        went_home: vec![false; n_tensors],
        kept: Vec::new(),
        has_begun: false,
        has_started: vec![false; n_tensors],
        traffic: Traffic::default(),
        violations: Vec::new(),
    };
    for &(before, after) in graph.edges() {
        judge.before[after.index()].push(before);
    }
    // Where nothing moves, the program declares their places.
    let starts_at_home = !judge.moves_nothing();
    for tensor in graph.tensor_ids().filter(|it| starts_at_home && is_argument(problem, *it)) {
        judge.put(Slot::at_home(tensor), None);
    }
    for action in prologue {
        judge.moment.line += 1;
        judge.keep(action);
    }
    judge.begin_run();
    for action in actions {
        judge.moment.line += 1;
        judge.act(action);
    }
    judge.finish(ends);
    if judge.violations.is_empty() { Ok(judge.traffic) } else { Err(judge.violations) }
}

struct Judge<'a> {
    problem: &'a Problem,
    moment: Moment,
    /// The intact contents of each memory.
    memories: Vec<Contents>,
    /// Copies that were issued and not waited for.
    in_flight: Flights,
    /// Events that must be used: each copy, and each run of an operator that ran before.
    arrivals: Vec<Arrival>,
    /// By operator: whether it ran, and the operators that must run before it regardless of data.
    ran: Vec<bool>,
    before: Vec<Vec<OpId>>,
    /// By tensor, for the count of traffic.
    came_from_home: Vec<bool>,
    went_home: Vec<bool>,
    /// The places of weights after the prologue; where nothing moves, their declared places.
    kept: Vec<Slot>,
    /// Whether there was a line other than a declaration, and by tensor whether its place was declared.
    has_begun: bool,
    has_started: Vec<bool>,
    traffic: Traffic,
    violations: Vec<Violation>,
}

/// The contents of a memory: disjoint blocks.
#[derive(Default)]
struct Contents {
    /// By offset.
    placed: BTreeMap<Bytes, Content>,
    /// Tensors without addresses: those without bytes, and all tensors of a memory without a size.
    apart: BTreeMap<TensorId, Content>,
}

struct Content {
    tensor: TensorId,
    /// One past its last byte.
    end: u128,
    /// The event that put it there, if that must be used.
    arrival: Option<usize>,
}

struct Arrival {
    moment: Moment,
    /// The fault if it is not used.
    fault: Fault,
    is_used: bool,
}

impl Judge<'_> {
    /// Runs a line of the prologue: it must load a weight that may be kept.
    fn keep(&mut self, action: &Action) {
        match *action {
            Action::Copy(copy) if !self.is_known(copy.tensor) => self.report(Fault::UnknownTensor(copy.tensor)),
            Action::Copy(copy)
                if copy.from == Place::HOME && self.problem.graph.tensor(copy.tensor).keep != Keep::Never =>
            {
                self.act(action);
                self.kept.push(Slot { tensor: copy.tensor, place: copy.to });
            }
            _ => self.report(Fault::NoPrologue),
        }
    }

    /// Begins a run with the contents that the prologue loaded. They do not count as traffic of the run.
    fn begin_run(&mut self) {
        for slot in self.kept.clone() {
            if !self.lies(slot) {
                self.report(Fault::NotThere(slot));
            }
        }
        let graph = &self.problem.graph;
        let is_missing = |it: &TensorId| !self.kept.iter().any(|kept| kept.tensor == *it);
        let must_be_kept =
            graph.keepable().filter(|it| graph.tensor(*it).keep == Keep::Always && !self.moves_nothing());
        let missing: Vec<TensorId> = must_be_kept.filter(is_missing).collect();
        let missing = missing.into_iter().map(|it| Violation { moment: None, fault: Fault::NotKept(it) });
        self.violations.extend(missing);
        self.came_from_home.fill(false);
        self.traffic = Traffic::default();
    }

    /// Whether a tensor is intact at a place.
    fn lies(&self, slot: Slot) -> bool {
        let is_apart = self.is_apart(self.block(slot));
        self.memories.get(slot.place.memory.index()).is_some_and(|it| match is_apart {
            true => it.apart.contains_key(&slot.tensor),
            false => it.placed.get(&slot.place.offset).is_some_and(|it| it.tensor == slot.tensor),
        })
    }

    fn act(&mut self, action: &Action) {
        self.has_begun |= !matches!(action, Action::Start(_));
        match *action {
            Action::Start(slot) if !self.is_known(slot.tensor) => self.report(Fault::UnknownTensor(slot.tensor)),
            Action::Start(slot) => self.start(slot),
            Action::Copy(copy) | Action::Issue(copy) | Action::IssueSlice(copy, _) if !self.is_known(copy.tensor) => {
                self.report(Fault::UnknownTensor(copy.tensor));
            }
            Action::Copy(Copy { tensor, .. })
            | Action::Issue(Copy { tensor, .. })
            | Action::IssueSlice(Copy { tensor, .. }, _)
            | Action::Wait(Slot { tensor, .. })
                if self.moves_nothing() =>
            {
                self.report(Fault::Moves(tensor));
            }
            Action::Copy(copy) => {
                if let Some((arrival, _)) = self.issue(copy, self.whole(copy.tensor)) {
                    self.put(Slot { tensor: copy.tensor, place: copy.to }, Some(arrival));
                    let channel = self.channel(copy);
                    self.in_flight.all_read(channel);
                }
            }
            Action::Issue(copy) => self.begin(copy, self.whole(copy.tensor)),
            Action::IssueSlice(copy, slice) => self.begin_slice(copy, slice),
            Action::Wait(slot) => self.wait(slot),
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

    /// Puts a tensor at a place before the first line.
    fn start(&mut self, slot: Slot) {
        let has_started = std::mem::replace(&mut self.has_started[slot.tensor.index()], true);
        let memory = slot.place.memory;
        let tensor = self.problem.graph.tensor(slot.tensor);
        let is_weight = tensor.origin == Origin::Weight;
        let starts_there = match self.moves_nothing() {
            // The caller writes arguments anew for each run; weights are permanent.
            true => tensor.origin == Origin::Argument && self.may_write(memory) || is_weight,
            false => tensor.starts_on_chip && memory == MemoryId::SCRATCHPAD,
        };
        let block = self.block(slot);
        let is_met =
            |it: (&Bytes, &Content)| u128::from(it.0.0) < end(block) && u128::from(block.place.offset.0) < it.1.end;
        let is_taken = |it: &Contents| !self.is_apart(block) && it.placed.iter().any(is_met);
        let is_there = self.memories.get(memory.index()).is_some_and(|it| !is_taken(it));
        if self.has_begun || has_started || !starts_there || !is_there {
            return self.report(Fault::WrongStart(slot));
        }
        self.occupy(block, Some(slot), None);
        self.put(slot, None);
        if self.moves_nothing() && is_weight {
            self.kept.push(slot);
        }
    }

    /// Whether operators access every memory that the machine has a link to, and nothing else moves bytes.
    fn moves_nothing(&self) -> bool {
        self.problem.machine.moves() == Moves::None
    }

    fn may_read(&self, memory: MemoryId) -> bool {
        memory == MemoryId::SCRATCHPAD || self.problem.machine.link(memory, MemoryId::SCRATCHPAD).is_some()
    }

    fn may_write(&self, memory: MemoryId) -> bool {
        memory == MemoryId::SCRATCHPAD || self.problem.machine.link(MemoryId::SCRATCHPAD, memory).is_some()
    }

    fn whole(&self, tensor: TensorId) -> Slice {
        Slice { low: Bytes::ZERO, high: self.size(tensor) }
    }

    fn begin(&mut self, copy: Copy, slice: Slice) {
        if let Some((arrival, is_compulsory)) = self.issue(copy, slice) {
            let channel = self.channel(copy);
            self.in_flight.begin(copy, slice, channel, (self.moment, arrival, is_compulsory));
        }
    }

    /// The slices of a copy are disjoint.
    fn begin_slice(&mut self, copy: Copy, slice: Slice) {
        let slot = Slot { tensor: copy.tensor, place: copy.to };
        let is_met = |it: &Flight| it.copy != copy || slice.low.max(it.slice.low) < slice.high.min(it.slice.high);
        let is_wrong = slice.high <= slice.low || self.size(copy.tensor) < slice.high;
        if is_wrong || self.in_flight.to(slot).any(is_met) {
            return self.report(Fault::WrongSlice(slot, slice));
        }
        let before = self.in_flight.to(slot).next();
        let Some((arrival, is_compulsory)) = before.map(|it| (it.arrival, it.is_compulsory)) else {
            return self.begin(copy, slice);
        };
        let channel = self.channel(copy);
        self.expect_there(Slot { tensor: copy.tensor, place: copy.from }, channel);
        self.count(slice.size(), is_compulsory, copy.from.memory, copy.to.memory);
        self.occupy(self.block_of(slot, slice), None, channel);
        self.in_flight.begin(copy, slice, channel, (self.moment, arrival, is_compulsory));
    }

    fn wait(&mut self, slot: Slot) {
        let arrived = self.in_flight.arrive(slot);
        let sum: Bytes = arrived.iter().map(|it| it.slice.size()).sum();
        match arrived.first() {
            Some(first) if sum == self.size(slot.tensor) => self.put(slot, Some(first.arrival)),
            Some(first) => {
                self.arrivals[first.arrival].is_used = true;
                self.report(Fault::NotWhole(slot));
            }
            None => self.report(Fault::NotIssued(slot)),
        }
    }

    /// The channel of a copy; `None` without a clock.
    fn channel(&self, copy: Copy) -> Option<ChannelId> {
        self.problem.machine.timing(copy.from.memory, copy.to.memory).map(|it| it.channel)
    }

    /// Takes the source and the destination of a copy or its first slice; `None` if there is no such place. Returns the
    /// event that must be used, and whether the copy counts as compulsory.
    fn issue(&mut self, copy: Copy, slice: Slice) -> Option<(usize, bool)> {
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
        let channel = self.channel(copy);
        self.expect_there(Slot { tensor, place: from }, channel);
        // A staged tensor is in host memory if and only if its parts are.
        let is_staged = self.problem.graph.tensor(tensor).origin == Origin::Staged;
        let is_used = to.memory == MemoryId::HOME && (is_staged || self.memories[0].apart.contains_key(&tensor));
        if is_used {
            self.report(Fault::ThereAlready(tensor));
        }
        let is_compulsory = self.is_first(tensor, from.memory, to.memory);
        self.count(slice.size(), is_compulsory, from.memory, to.memory);
        let slot = Slot { tensor, place: to };
        self.occupy(self.block_of(slot, slice), Some(slot), channel);
        let fault = Fault::NeverRead(slot);
        self.arrivals.push(Arrival { moment: self.moment, fault, is_used });
        Some((self.arrivals.len() - 1, is_compulsory))
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

        // A slot with an unknown tensor was reported as a wrong operand.
        let known = |it: &&Slot| self.is_known(it.tensor);
        let reads: Vec<Slot> = reads.iter().filter(known).copied().collect();
        let writes: Vec<Slot> = writes.iter().filter(known).copied().collect();
        let uses: BTreeMap<TensorId, MemorySet> = operator.reads.iter().map(|it| (it.tensor, it.from)).collect();
        for &slot in &reads {
            let memory = slot.place.memory;
            let may_read = match self.moves_nothing() {
                true => self.may_read(memory),
                false => uses.get(&slot.tensor).is_none_or(|it| it.contains(memory)),
            };
            if !may_read {
                self.report(Fault::WrongMemory { op, slot });
            }
            self.expect_there(slot, None);
            if memory != MemoryId::SCRATCHPAD {
                let is_compulsory = self.is_first(slot.tensor, memory, MemoryId::SCRATCHPAD);
                self.count(self.size(slot.tensor), is_compulsory, memory, MemoryId::SCRATCHPAD);
            }
        }
        for &slot in writes.iter().filter(|it| it.place.memory != MemoryId::SCRATCHPAD) {
            let memory = slot.place.memory;
            if !self.moves_nothing() || !self.may_write(memory) {
                self.report(Fault::WrongMemory { op, slot });
                continue;
            }
            let is_compulsory = self.is_first(slot.tensor, MemoryId::SCRATCHPAD, memory);
            self.count(self.size(slot.tensor), is_compulsory, MemoryId::SCRATCHPAD, memory);
        }
        // An operator may access any of its blocks at any time while it runs. So they must all be disjoint, including
        // unread results, except for a result and an operand that may share bytes.
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
        for (nth, one) in reads.iter().enumerate() {
            for other in &reads[..nth] {
                let (a, b) = (self.block(*other), self.block(*one));
                match self.of_one_bank(a, b) {
                    Apart::No => {}
                    Apart::Must => self.report(Fault::OneBank(op, a, b)),
                    Apart::Price(_) => self.traffic.bank_conflicts += 1,
                }
            }
        }
        self.occupy(workspace, None, None);
        let arrival = again.then_some(self.arrivals.len());
        if again {
            let fault = Fault::RunsForNothing(op);
            self.arrivals.push(Arrival { moment: self.moment, fault, is_used: false });
        }
        let is_written = |it: &Slot| {
            let memory = it.place.memory;
            memory == MemoryId::SCRATCHPAD || self.moves_nothing() && memory.index() < self.memories.len()
        };
        let written: Vec<Slot> = writes.into_iter().filter(is_written).collect();
        for slot in written {
            self.occupy(self.block(slot), Some(slot), None);
            self.put(slot, arrival);
        }
    }

    /// The consequence of two operands in one bank; none if their banks differ.
    fn of_one_bank(&self, a: Block, b: Block) -> Apart {
        let memory = self.problem.machine.memories().get(a.place.memory.index());
        let Some(Banks { size, apart }) = memory.and_then(|it| it.banks) else { return Apart::No };
        let has_bytes = a.size != Bytes::ZERO && b.size != Bytes::ZERO;
        let bank = |it: Block| it.place.offset.0 / size.0.max(1);
        let is_one = has_bytes && a.place.memory == b.place.memory && bank(a) == bank(b);
        if is_one { apart } else { Apart::No }
    }

    fn finish(&mut self, ends: &[Slot]) {
        let graph = &self.problem.graph;
        let mut last = None;
        for Flight { copy, moment, arrival, .. } in std::mem::take(&mut self.in_flight).left() {
            self.arrivals[arrival].is_used = true;
            if last.replace(arrival) == Some(arrival) {
                continue;
            }
            let fault = Fault::NeverWaitedFor(Slot { tensor: copy.tensor, place: copy.to });
            self.violations.push(Violation { moment: Some(moment), fault });
        }
        let mut lacks: Vec<Fault> = graph.op_ids().filter(|it| !self.ran[it.index()]).map(Fault::NeverRuns).collect();
        for tensor in graph.tensor_ids() {
            if graph.tensor(tensor).starts_on_chip && !self.has_started[tensor.index()] {
                lacks.push(Fault::NoStart(tensor));
            }
            if graph.tensor(tensor).ends_on_chip && !self.is_left(tensor) {
                lacks.push(Fault::NotLeft(tensor));
            }
        }
        for end in ends {
            let is_there = self.is_known(end.tensor) && self.lies(*end);
            if !is_there && !lacks.contains(&Fault::NotLeft(end.tensor)) {
                lacks.push(Fault::NotAtEnd(*end));
            }
        }
        for &tensor in graph.results() {
            let anywhere = self.moves_nothing();
            let memories = if anywhere { &self.memories[..] } else { &self.memories[..1] };
            let content = memories.iter().find_map(|it| {
                let placed = || it.placed.values().find(|it| it.tensor == tensor);
                it.apart.get(&tensor).or_else(|| placed().filter(|_| anywhere))
            });
            match content {
                Some(Content { arrival, .. }) => arrival.iter().for_each(|it| self.arrivals[*it].is_used = true),
                None => lacks.push(Fault::NeverStored(tensor)),
            }
        }
        let lost: Vec<Fault> = self.kept.iter().filter(|it| !self.lies(**it)).map(|it| Fault::Lost(*it)).collect();
        lacks.extend(lost);
        for Arrival { moment, fault, .. } in std::mem::take(&mut self.arrivals).into_iter().filter(|it| !it.is_used) {
            self.violations.push(Violation { moment: Some(moment), fault });
        }
        self.violations.sort_by_key(|it| it.moment);
        self.violations.extend(lacks.into_iter().map(|fault| Violation { moment: None, fault }));
    }

    /// Whether a tensor is in the scratchpad at the end, at any place. If so, the events that put it there are used.
    fn is_left(&mut self, tensor: TensorId) -> bool {
        let Contents { placed, apart } = &self.memories[MemoryId::SCRATCHPAD.index()];
        let there: Vec<Option<usize>> =
            placed.values().chain(apart.values()).filter(|it| it.tensor == tensor).map(|it| it.arrival).collect();
        there.iter().flatten().for_each(|it| self.arrivals[*it].is_used = true);
        !there.is_empty()
    }

    /// Takes the bytes of a block for an operator, or for a copy over a channel: whatever had one of them is destroyed.
    /// The alignment is checked for whole slots.
    fn occupy(&mut self, block: Block, slot: Option<Slot>, by: Option<ChannelId>) {
        let Block { place: Place { memory, offset }, .. } = block;
        let machine = self.problem.machine.memories();
        if self.is_apart(block) {
            // Two copies to the same place without addresses conflict.
            if let Some(slot) = slot {
                self.disturb(block, &Target::Apart(slot), None);
            }
            return;
        }
        let pin = slot.and_then(|it| self.problem.graph.tensor(it.tensor).pin);
        if let (Some(pin), Some(slot)) = (pin, slot)
            && memory == MemoryId::SCRATCHPAD
            && slot.place.offset != pin
        {
            self.report(Fault::NotAtPin(self.block(slot)));
        }
        // Slices need not be aligned.
        let aligned = match (slot, block.tensor) {
            (Some(slot), _) => Some(self.block(slot)),
            (None, tensor) => tensor.is_none().then_some(block),
        };
        let alignment = machine[memory.index()].alignment;
        let is_off = |it: &Block| alignment != Bytes::ZERO && !it.place.offset.0.is_multiple_of(alignment.0);
        if let Some(block) = aligned.filter(is_off) {
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
        let bank = |address: u128| Some(address / u128::from(machine[memory.index()].banks?.size.0.max(1)));
        if bank(offset.0.into()) != bank(end(block) - 1) {
            self.report(Fault::AcrossBanks(block));
        }
        self.disturb(block, &Target::Bytes(block.place, end(block)), by);
        // Contents that begin below the end of the block, from the highest down to the first one that ends before it.
        let placed = &mut self.memories[memory.index()].placed;
        let last = Bytes(u64::try_from(end(block) - 1).unwrap_or(u64::MAX));
        while let Some((&start, content)) = placed.range(..=last).next_back() {
            if content.end <= u128::from(offset.0) {
                break;
            }
            placed.remove(&start);
        }
    }

    /// Something is written to the source or the destination of a copy.
    fn disturb(&mut self, block: Block, target: &Target, by: Option<ChannelId>) {
        let machine = self.problem.machine.memories();
        let has_addresses = |it: Place| machine.get(it.memory.index()).is_some_and(|it| it.size.is_some());
        if let Some(copy) = self.in_flight.disturb(target, by, has_addresses) {
            self.report(Fault::InFlight(block, copy));
        }
    }

    /// Puts a tensor at a place that was taken for it.
    fn put(&mut self, slot: Slot, arrival: Option<usize>) {
        let block = self.block(slot);
        let content = Content { tensor: slot.tensor, end: end(block), arrival };
        let is_apart = self.is_apart(block);
        let contents = &mut self.memories[slot.place.memory.index()];
        if is_apart {
            // A tensor in host memory is not replaced.
            if slot.place.memory != MemoryId::HOME || !contents.apart.contains_key(&slot.tensor) {
                contents.apart.insert(slot.tensor, content);
            }
        } else {
            contents.placed.insert(slot.place.offset, content);
        }
    }

    /// Requires that a tensor is at a place where it is read: by an operator, or by a copy over a channel, which may
    /// also read what an earlier copy of the same channel puts there.
    fn expect_there(&mut self, slot: Slot, by: Option<ChannelId>) {
        if slot.place.memory == MemoryId::HOME && self.problem.graph.tensor(slot.tensor).origin == Origin::Staged {
            return self.expect_parts(slot.tensor, by);
        }
        let is_apart = self.is_apart(self.block(slot));
        let content = self.memories.get(slot.place.memory.index()).and_then(|it| match is_apart {
            true => it.apart.get(&slot.tensor),
            false => it.placed.get(&slot.place.offset).filter(|it| it.tensor == slot.tensor),
        });
        if self.uses(content.map(|it| it.arrival)) || self.uses_flight(slot, by) {
            return;
        }
        self.report(Fault::NotThere(slot));
    }

    /// Host memory has a staged tensor if it has all of its parts.
    fn expect_parts(&mut self, tensor: TensorId, by: Option<ChannelId>) {
        for &part in self.problem.graph.parts(tensor) {
            let content = self.memories[0].apart.get(&part).map(|it| it.arrival);
            if !self.uses(content) && !self.uses_flight(Slot::at_home(part), by) {
                self.report(Fault::PartNotThere { tensor, part });
            }
        }
    }

    /// Whether there is such a content; if so, the event that put it there is used.
    fn uses(&mut self, content: Option<Option<usize>>) -> bool {
        content.flatten().into_iter().for_each(|it| self.arrivals[it].is_used = true);
        content.is_some()
    }

    /// Whether the channel of a read copies the slot itself beforehand; if so, that copy is used.
    fn uses_flight(&mut self, slot: Slot, by: Option<ChannelId>) -> bool {
        let is_coming = self.is_known(slot.tensor) && self.in_flight.is_coming(slot, self.size(slot.tensor), by);
        if is_coming {
            let flights = self.in_flight.to(slot);
            flights.for_each(|it| self.arrivals[it.arrival].is_used = true);
        }
        is_coming
    }

    /// Whether a copy of a tensor is compulsory: the first from host memory, of an argument or a weight that may not be
    /// kept from run to run; or the first to host memory, of a result that an operator writes.
    fn is_first(&mut self, tensor: TensorId, from: MemoryId, to: MemoryId) -> bool {
        match (from, to) {
            (MemoryId::HOME, _) => {
                let is_first = !std::mem::replace(&mut self.came_from_home[tensor.index()], true);
                is_first && is_argument(self.problem, tensor) && !self.problem.graph.may_be_kept(tensor)
            }
            (_, MemoryId::HOME) => {
                let is_first = !std::mem::replace(&mut self.went_home[tensor.index()], true);
                is_first && self.problem.graph.is_stored(tensor)
            }
            _ => false,
        }
    }

    /// Counts the cost of moving bytes between two memories, and the bytes if one of them is host memory.
    fn count(&mut self, size: Bytes, is_compulsory: bool, from: MemoryId, to: MemoryId) {
        let price =
            self.problem.machine.links().iter().find(|it| it.from == from && it.to == to).map_or(0, |it| it.price);
        let cost = u128::from(size.0) * u128::from(price);
        self.traffic.cost = self.traffic.cost.saturating_add(cost);
        if from != MemoryId::HOME && to != MemoryId::HOME {
            return;
        }
        let Traffic { compulsory, non_compulsory, .. } = &mut self.traffic;
        let bytes = if is_compulsory { compulsory } else { non_compulsory };
        // An absurd program may overflow the count; a correct one cannot.
        bytes.0 = bytes.0.saturating_add(size.0);
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

    fn block_of(&self, slot: Slot, slice: Slice) -> Block {
        let Place { memory, offset } = slot.place;
        // An offset beyond all addresses is out of the memory in any case.
        let place = Place { memory, offset: Bytes(offset.0.saturating_add(slice.low.0)) };
        Block { tensor: Some(slot.tensor), place, size: slice.size() }
    }

    /// Whether a block has no address: it has no bytes, or its memory has no size.
    fn is_apart(&self, block: Block) -> bool {
        let memory = self.problem.machine.memories().get(block.place.memory.index());
        block.size == Bytes::ZERO || memory.is_none_or(|it| it.size.is_none())
    }
}

/// Whether a tensor is in host memory from the start.
fn is_argument(problem: &Problem, tensor: TensorId) -> bool {
    let tensor = problem.graph.tensor(tensor);
    matches!(tensor.origin, Origin::Argument | Origin::Weight) && !tensor.starts_on_chip
}

/// All pairs of blocks in one memory that have a byte in common, each in the order of the list.
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

/// Whether two blocks are a result and an operand that may share bytes, at the required distance: at the same offset,
/// or the smaller one at its offset within the larger one. The result then overwrites the operand, as any write does.
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

/// One past the last byte of a block.
fn end(block: Block) -> u128 {
    u128::from(block.place.offset.0) + u128::from(block.size.0)
}
