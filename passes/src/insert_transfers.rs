//! `cosma-insert-transfers`: allocated form → planned form.
//!
//! 1. The plan is read back from the attributes, and becomes a list of actions. On a machine with a clock, transfers
//!    begin as soon as addresses allow it and go on beside operators, unless `overlap=none`. On one of several memories,
//!    it is decided what lies in those beside the scratchpad.
//! 2. Each transfer among them becomes an operation, before or after the operator that it serves.
//! 3. Each operator reads its operands from where they lie at its step, and says where its results do.
//!    Views are made again of what they look at, where that has moved.
//! 4. What starts in the scratchpad is read there as the argument that it is, and what ends there is returned as what it
//!    is there; `cosma.offset` says where they lie. Else the function returns host copies. What is put together in host
//!    memory is a chain of stores and spills, in the order of the plan, and regions of it come back.
//! 5. Operators of other dialects go into groups, which have effects on the scratchpad (`wrap.rs`).

use crate::allocated;
use crate::effort::{OBJECTIVE, Seconds, TIME_LIMIT, parse_objective};
use crate::extract::{Carrier, Extraction, extract, key, value_size};
use crate::facts::Facts;
use crate::form::{Form, body, expect, form};
use crate::machine::MachineOptions;
use crate::overlap::{OVERLAP, Overlap, parse_overlap};
use crate::role::{Read, reads};
use crate::wrap::{Overlay, Planned, wrap};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike, OperationResult};
use cosma_ir::melior::ir::{BlockLike, Location, Operation, OperationRef, Value, ValueLike};
use cosma_ir::{
    At, Border, Diagnostic, Ending, PassInfo, PassOptions, Piece, TensorRegion, as_mut, erase, is_abstract, is_group,
    is_on_chip, keep, load, region, reload, result_at, set_border_offset, set_offsets, spill, spill_into, store,
    store_into, tensor_type, uses, wait,
};
use cosma_planner::time::overlap_at_addresses;
use cosma_planner::{
    Action, Copy, Deadline, InPlace, Kind, Kinds, MemoryId, Objective, OpId, Place, Plan, Slot, TensorId, Traffic,
    check_with_prologue, tiers,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-insert-transfers",
    description: "makes transfers operations, and puts results at their offsets: from allocated to planned form",
    anchor: "func.func",
    options: &[OVERLAP, TIME_LIMIT, OBJECTIVE],
};

pub(crate) fn run<'c>(
    _: &'c Context,
    function: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    let overlap = parse_overlap(options).map_err(|message| Diagnostic::at(function, message))?;
    let time_limit = options.get(TIME_LIMIT.name).parse::<Seconds>();
    let time_limit =
        time_limit.map_err(|error| Diagnostic::at(function, format!("option {}: {error}", TIME_LIMIT.name)))?;
    let objective = parse_objective(options).map_err(|message| Diagnostic::at(function, message))?;
    insert_transfers(function, overlap, time_limit.0, objective)
}

/// The part of the time limit in which it is decided what lies in memories beside the scratchpad.
const SHARE_OF_LEVELS: f64 = 0.2;

/// Brings a function from allocated into planned form. A function that has nothing to plan stays
/// as it is. On a machine of several memories, it is decided here what lies in those beside the scratchpad, as planning
/// has decided it before, since allocated form says nothing of them.
///
/// # Errors
/// At the function in another form; at operators whose residencies make no program; where cycles cannot be counted.
pub fn insert_transfers<'c>(
    function: OperationRef<'c, '_>,
    overlap: Overlap,
    time_limit: Duration,
    objective: Objective,
) -> Result<(), Diagnostic<'c>> {
    if body(function).is_none() {
        return Ok(());
    }
    let extraction = extract(function, MachineOptions::default().resolve(function)?)?;
    if form(function) == Form::Source && extraction.is_trivial() {
        return Ok(());
    }
    expect(function, INFO.name, Form::Allocated)?;
    let plan = allocated::read(&extraction)?;
    let problem = &extraction.problem;
    let prologue = plan.prologue(problem);
    let mut actions = match problem.machine.has_tiers() {
        true => in_tiers(&extraction, &plan, time_limit)?,
        false => plan.actions(problem),
    };
    // Where they are wrong already, that is said of the plan.
    if overlap == Overlap::Auto
        && problem.machine.clock().is_some()
        && check_with_prologue(problem, &prologue, &actions).is_ok()
    {
        let overlapped = match problem.machine.has_tiers() {
            true => tiers::overlap(problem, &actions, objective).map(|(actions, _)| actions),
            false => overlap_at_addresses(problem, &plan).map(|overlapped| overlapped.actions),
        };
        actions = overlapped.map_err(|error| extraction.diagnose(&error))?;
    }
    if let Err(violations) = check_with_prologue(problem, &prologue, &actions) {
        let mut diagnostic = Diagnostic::at(function, "the residencies of this function do not make a valid program");
        for violation in violations {
            let step = violation.moment.map(|it| it.step.index());
            let operation = step.and_then(|it| extraction.operators.get(it)).unwrap_or(&extraction.function);
            diagnostic = diagnostic.note(operation.location(), violation.display(&extraction.problem).to_string());
        }
        return Err(diagnostic);
    }
    note_traffic(&extraction, &actions)?;
    allocated::clear(&extraction);
    rewrite(&extraction, &prologue, &actions);
    Ok(())
}

/// The program of a plan for several memories.
fn in_tiers<'c>(
    extraction: &Extraction<'c, '_>,
    plan: &Plan,
    time_limit: Duration,
) -> Result<Vec<Action>, Diagnostic<'c>> {
    let deadline = Deadline::after(time_limit.mul_f64(SHARE_OF_LEVELS));
    tiers::actions(&extraction.problem, plan, deadline).map_err(|error| extraction.diagnose(&error))
}

/// What the program of a plan for several memories moves, in its summary from now on.
fn note_traffic<'c>(extraction: &Extraction<'c, '_>, actions: &[Action]) -> Result<(), Diagnostic<'c>> {
    let (function, problem) = (extraction.function, &extraction.problem);
    if let Some(facts) = Facts::read(function).filter(|_| problem.machine.has_tiers()) {
        let facts = facts.with_traffic(Traffic::of(problem, actions));
        facts.map_err(|message| Diagnostic::at(function, message))?.write(function);
    }
    Ok(())
}

/// Writes actions, of the prologue and of each run, into a function whose operators stand in the order in which they
/// run.
fn rewrite<'c, 'a>(extraction: &Extraction<'c, 'a>, prologue: &[Action], actions: &[Action]) {
    let mut writer = Writer::new(extraction);
    for action in prologue {
        let Action::Copy(copy) = action else { unreachable!("a prologue loads, as the judge has seen") };
        writer.keep(copy);
    }
    let mut kinds = Kinds::new(&extraction.problem);
    for action in actions {
        writer.write(action, &mut kinds);
    }
    // The function returns, and variables become, what lies in host memory.
    for end in extraction.writes.iter().chain([&extraction.terminator]) {
        for (index, value) in end.operands().enumerate().collect::<Vec<_>>() {
            let border = Border::Result(index);
            let is_left = *end == extraction.terminator && is_on_chip(extraction.function, border);
            if let Some(tensor) = extraction.tensor(value).filter(|_| is_left) {
                // Where it came last.
                let mut there = writer.on_chip[tensor.index()].iter().rev();
                let there = there.find(|it| it.0.memory == MemoryId::SCRATCHPAD);
                let (place, left) = *there.expect("the judge has seen that it is there");
                set_border_offset(extraction.function, border, Some(place.offset.0));
                let value = writer.as_seen(value, left);
                as_mut(*end).set_operand(index, value);
            } else if let Some(put_together) = writer.put_together(value) {
                as_mut(*end).set_operand(index, put_together);
            } else if let Some(tensor) = extraction.tensor(value) {
                let host = writer.host[tensor.index()].expect("a result is stored");
                let host = writer.as_seen(value, host);
                as_mut(*end).set_operand(index, host);
            }
        }
    }
    let others = erase_assemblies(extraction);
    // Last, since what was extracted is known by its values, and groups have values of their own.
    wrap(extraction, &writer.foreign);
    // Of views, those remain that look at what did not move.
    others.into_iter().for_each(erase_unused);
}

/// Erases what puts tensors together and takes slices of them, which transfers do now. Gives all other views and
/// slices, each before what it looks at.
fn erase_assemblies<'c, 'a>(extraction: &Extraction<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let slices: Vec<OperationRef> = extraction.assemblies.iter().flat_map(|it| it.slices.iter().copied()).collect();
    let values: HashSet<usize> = slices.iter().filter_map(|it| result_at(*it, 0)).map(key).collect();
    let looks_at_slice = |view: &OperationRef<'c, 'a>| {
        let root = result_at(*view, 0).and_then(|it| extraction.root(it));
        root.is_some_and(|it| values.contains(&key(it)))
    };
    let (views, mut others): (Vec<_>, Vec<_>) = extraction.views.iter().rev().copied().partition(looks_at_slice);
    others.extend(extraction.slices.iter().filter(|it| !values.contains(&result_at(**it, 0).map_or(0, key))));
    views.into_iter().chain(slices).for_each(erase_unused);
    let inserts = extraction.assemblies.iter().flat_map(|it| it.inserts.iter().rev());
    inserts.for_each(|it| erase(*it));
    others
}

fn erase_unused(operation: OperationRef) {
    if operation.results().all(|it| uses(it.into()).is_empty()) {
        erase(operation);
    }
}

type BringIn<'c, 'a> = fn(Value<'c, 'a>, Option<Piece<'c, '_>>, Option<At>, &Ending, Location<'c>) -> Operation<'c>;

type TakeOutInto<'c, 'a> = fn(Value<'c, 'a>, Value<'c, 'a>, &TensorRegion, &Ending, Location<'c>) -> Operation<'c>;

struct Writer<'e, 'c, 'a> {
    extraction: &'e Extraction<'c, 'a>,
    /// The step that comes next.
    step: usize,
    /// By tensor: what it is in host memory.
    host: Vec<Option<Value<'c, 'a>>>,
    /// By tensor: what it is at each other place where it was put. What passes by has the place of what lies in host
    /// memory.
    on_chip: Vec<Vec<(Place, Value<'c, 'a>)>>,
    /// Of tensors that are regions of what is put together: of which, and where they go or come from.
    parts: BTreeMap<TensorId, (usize, TensorRegion)>,
    /// The tensors that are put together.
    wholes: Vec<Whole<'c, 'a>>,
    /// Of regions of what is put together, how many pieces that has with them.
    n_pieces: HashMap<TensorId, usize>,
    /// What is on its way, by where it goes.
    in_flight: HashMap<Slot, Flight<'c, 'a>>,
    /// Views that were made again: of which in the source, of what place of the tensor, and what came out.
    views: HashMap<(usize, usize), Value<'c, 'a>>,
    /// Operators of other dialects that run on the scratchpad.
    foreign: Vec<Planned<'c, 'a>>,
}

/// A tensor that is put together, by now.
#[derive(Clone, Copy)]
struct Whole<'c, 'a> {
    /// With all pieces so far, some of which may be on their way.
    latest: Value<'c, 'a>,
    /// How many those are.
    n_pieces: usize,
    /// The last one that is no longer in transit.
    complete: Value<'c, 'a>,
    /// How many pieces that has.
    n_complete: usize,
}

impl<'c, 'a> Whole<'c, 'a> {
    /// What it is with so many pieces, all of them there.
    fn complete(&mut self, value: Value<'c, 'a>, n_pieces: usize) {
        if self.n_complete <= n_pieces {
            (self.complete, self.n_complete) = (value, n_pieces);
        }
        if self.n_pieces == n_pieces {
            self.latest = value;
        }
    }
}

/// A tensor that is on its way.
struct Flight<'c, 'a> {
    /// Where it comes from.
    source: Value<'c, 'a>,
    /// Of each slice.
    transits: Vec<Value<'c, 'a>>,
    /// If it is a piece of what is put together: of which, and how many pieces that has then.
    whole: Option<(usize, usize)>,
}

impl<'e, 'c, 'a> Writer<'e, 'c, 'a> {
    fn new(extraction: &'e Extraction<'c, 'a>) -> Self {
        let host = extraction.carriers.iter().map(Carrier::source).collect();
        let on_chip = vec![Vec::new(); extraction.carriers.len()];
        let (mut parts, mut wholes) = (BTreeMap::new(), Vec::new());
        for (index, assembly) in extraction.assemblies.iter().enumerate() {
            let written = extraction.written(assembly.result());
            for it in written {
                parts.extend(it.tensor.map(|tensor| (tensor, (index, it.region.clone()))));
            }
            wholes.extend(written.first().map(|it| Whole {
                latest: it.before,
                n_pieces: 0,
                complete: it.before,
                n_complete: 0,
            }));
            for slice in &assembly.slices {
                let tensor = result_at(*slice, 0).and_then(|it| extraction.tensor(it));
                // One that is a piece as it was written is known.
                if let (Some(tensor), Some(region)) = (tensor, region(*slice)) {
                    parts.entry(tensor).or_insert((index, region));
                }
            }
        }
        let (n_pieces, in_flight) = (HashMap::new(), HashMap::new());
        let (views, foreign) = (HashMap::new(), Vec::new());
        Writer { extraction, step: 0, host, on_chip, parts, wholes, n_pieces, in_flight, views, foreign }
    }

    /// What a tensor that is put together is by now, where a value is one.
    fn put_together(&self, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        let index = self.extraction.assemblies.iter().position(|it| it.result() == value)?;
        Some(self.wholes[index].complete)
    }

    fn write(&mut self, action: &Action, kinds: &mut Kinds) {
        match action {
            Action::Start(slot) => self.start(slot),
            Action::Copy(copy) => self.copy(copy, kinds.of(copy), &Ending::AtOnce),
            Action::Issue(copy) => self.copy(copy, kinds.of(copy), &Ending::Awaited),
            Action::IssueSlice(copy, slice) => {
                self.copy(copy, kinds.of_slice(copy, *slice), &Ending::SliceAwaited(slice.low.0..slice.high.0));
            }
            Action::Wait(slot) => self.wait(slot),
            Action::Run { op, reads, writes, .. } => {
                for slot in reads.iter().filter(|it| it.place.memory == MemoryId::HOME) {
                    let way = if kinds.from_home(slot.tensor) == Kind::Load { load } else { reload };
                    let operation = self.bring_in(way, slot.tensor, None, &Ending::AtOnce);
                    let value = self.insert(operation);
                    self.lies(*slot, value);
                }
                self.run(*op, reads, writes);
            }
        }
    }

    /// Somebody else put an argument there.
    fn start(&mut self, slot: &Slot) {
        if let Carrier::Argument(value, index) = self.extraction.carriers[slot.tensor.index()] {
            self.host[slot.tensor.index()] = None;
            self.lies(*slot, value);
            set_border_offset(self.extraction.function, Border::Argument(index), Some(slot.offset().0));
        }
    }

    /// Loads what is kept from run to run.
    fn keep(&mut self, copy: &Copy) {
        let operation = self.bring_in(keep, copy.tensor, Some(copy.to), &Ending::AtOnce);
        let value = self.insert(operation);
        self.arrive(&Slot { tensor: copy.tensor, place: copy.to }, value, None);
    }

    fn copy(&mut self, copy: &Copy, kind: Kind, ending: &Ending) {
        let Copy { tensor, from, to } = *copy;
        let source = Slot { tensor, place: from };
        let location = self.previous().location();
        let is_part = self.parts.contains_key(&tensor);
        let (operation, whole) = match kind {
            Kind::Load => (self.bring_in(load, tensor, Some(to), ending), None),
            Kind::Reload => (self.bring_in(reload, tensor, Some(to), ending), None),
            Kind::Store if is_part => self.put_part(store_into, source, ending),
            Kind::Spill if is_part => self.put_part(spill_into, source, ending),
            Kind::Spill => (spill(self.there(source), ending, location), None),
            Kind::Store => (store(self.there(source), ending, location), None),
            Kind::Move => {
                let begun = self.in_flight.get(&Slot { tensor, place: to }).map(|it| it.source);
                let from = begun.unwrap_or_else(|| self.there(source));
                (cosma_ir::copy(from, self.at(to), ending, self.next().location()), None)
            }
        };
        let value = self.insert(operation);
        let made = OperationResult::try_from(value).expect("it was made").owner();
        let source = made.operand(0).expect("a transfer has one");
        if let Some((index, n_pieces)) = whole {
            (self.wholes[index].latest, self.wholes[index].n_pieces) = (value, n_pieces);
            self.n_pieces.insert(tensor, n_pieces);
        }
        let slot = Slot { tensor, place: to };
        if *ending == Ending::AtOnce {
            return self.arrive(&slot, value, whole);
        }
        let flight = self.in_flight.entry(slot).or_insert(Flight { source, transits: Vec::new(), whole });
        flight.transits.push(value);
    }

    /// Waits for a tensor that is on its way to a place.
    fn wait(&mut self, slot: &Slot) {
        let flight = self.in_flight.remove(slot).expect("the judge has seen that it is on its way");
        let value = self.insert(wait(&flight.transits, self.next().location()));
        self.arrive(slot, value, flight.whole);
    }

    /// A tensor is there.
    fn arrive(&mut self, slot: &Slot, value: Value<'c, 'a>, whole: Option<(usize, usize)>) {
        match whole {
            Some((index, n_pieces)) => self.wholes[index].complete(value, n_pieces),
            None if slot.place.memory == MemoryId::HOME => self.host[slot.tensor.index()] = Some(value),
            None => self.lies(*slot, value),
        }
    }

    /// Notes what a tensor is at a place.
    fn lies(&mut self, slot: Slot, value: Value<'c, 'a>) {
        let places = &mut self.on_chip[slot.tensor.index()];
        places.retain(|it| it.0 != slot.place);
        places.push((slot.place, value));
    }

    /// A place that is not in host memory, as operations say it.
    fn at(&self, place: Place) -> At<'e> {
        let is_named = place.memory != MemoryId::SCRATCHPAD;
        let memory = &self.extraction.problem.machine.memories()[place.memory.index()];
        At { offset: place.offset.0, memory: is_named.then_some(memory.name.as_str()) }
    }

    /// A load or reload: of a tensor, or of a region of an argument or of a tensor that is put together.
    fn bring_in(&self, way: BringIn<'c, 'a>, tensor: TensorId, to: Option<Place>, ending: &Ending) -> Operation<'c> {
        let location = self.next().location();
        // Slices come from one value.
        let begun = to.and_then(|place| self.in_flight.get(&Slot { tensor, place })).map(|it| it.source);
        let at = to.map(|it| self.at(it));
        let (whole, region, r#type) = match (self.extraction.carriers[tensor.index()], self.parts.get(&tensor)) {
            (Carrier::Piece(value, whole, slice), _) => (whole, region(slice), tensor_type(value.r#type())),
            (Carrier::Result(value, _) | Carrier::Staged(value, _), Some((index, region))) => {
                (self.whole(*index, tensor), Some(region.clone()), tensor_type(value.r#type()))
            }
            _ => return way(begun.unwrap_or_else(|| self.host(tensor)), None, at, ending, location),
        };
        let region = region.expect("it was extracted");
        way(begun.unwrap_or(whole), Some(Piece { region: &region, r#type }), at, ending, location)
    }

    /// What a tensor that is put together is by now, with all that a region of it is made of: complete, if those pieces
    /// are there; if one is still on its way, what comes back stands behind it in the queue.
    fn whole(&self, index: usize, region: TensorId) -> Value<'c, 'a> {
        let parts = self.extraction.problem.graph.parts(region).iter().chain([&region]);
        let n_pieces = parts.filter_map(|it| self.n_pieces.get(it)).max();
        let whole = self.wholes[index];
        if n_pieces.is_some_and(|it| whole.n_complete < *it) { whole.latest } else { whole.complete }
    }

    /// Puts out a piece of a tensor that is put together: which one, and how many pieces it has then.
    fn put_part(
        &self,
        way: TakeOutInto<'c, 'a>,
        source: Slot,
        ending: &Ending,
    ) -> (Operation<'c>, Option<(usize, usize)>) {
        let (index, region) = &self.parts[&source.tensor];
        let Whole { latest, n_pieces, .. } = self.wholes[*index];
        let location = self.previous().location();
        let operation = way(self.there(source), latest, region, ending, location);
        (operation, Some((*index, n_pieces + 1)))
    }

    fn run(&mut self, op: OpId, operands: &[Slot], results: &[Slot]) {
        let operation = self.extraction.operators[op.index()];
        let says_itself = is_abstract(operation) || is_group(operation);
        let overlays = if says_itself { Vec::new() } else { self.overlays(op, operands, results) };
        for it in reads(operation) {
            if let Some(tensor) = self.extraction.tensor(it.value) {
                let slot = operands.iter().find(|it| it.tensor == tensor).expect("what an operator reads is somewhere");
                let value = self.as_seen(it.value, self.there(*slot));
                as_mut(it.operation).set_operand(it.operand, value);
            }
        }
        for slot in results {
            let value = self.extraction.carriers[slot.tensor.index()].value();
            self.host[slot.tensor.index()] = None;
            self.on_chip[slot.tensor.index()] = vec![(slot.place, value)];
        }
        if allocated::runs_on_scratchpad(self.extraction, op) {
            let placed: HashMap<TensorId, u64> = results.iter().map(|it| (it.tensor, it.offset().0)).collect();
            let offset = |it: Option<TensorId>| it.and_then(|it| placed.get(&it).copied()).unwrap_or(0);
            let offsets: Vec<u64> = self.extraction.results(op).into_iter().map(offset).collect();
            if says_itself {
                set_offsets(operation, &offsets);
            } else {
                self.foreign.push(Planned { operation, offsets, overlays });
            }
        }
        self.step += 1;
    }

    /// Of what an operator may do in place, what it does: where a result lies on something that is read.
    fn overlays(&self, op: OpId, operands: &[Slot], results: &[Slot]) -> Vec<Overlay<'c, 'a>> {
        let graph = &self.extraction.problem.graph;
        let operation = self.extraction.operators[op.index()];
        let size = |tensor: TensorId| graph.tensor(tensor).size;
        let is_done = |pair: &&InPlace| {
            let at = |slots: &[Slot], tensor| {
                slots.iter().find(|it| **it == Slot::on_chip(tensor, it.offset())).map(|it| it.offset())
            };
            let places = (at(operands, pair.operand), at(results, pair.result));
            let (Some(from), Some(to)) = places else { return false };
            from < to + size(pair.result) && to < from + size(pair.operand)
        };
        let element_bytes = cosma_ir::machine(self.extraction.function).and_then(|it| it.element_bytes);
        let overlay = |pair: &InPlace| {
            let result = self.extraction.results(op).iter().position(|it| *it == Some(pair.result))?;
            let is_whole = |it: &Read| {
                let is_operand = self.extraction.tensor(it.value) == Some(pair.operand);
                is_operand && value_size(it.value, element_bytes) == Ok(Some(size(pair.operand)))
            };
            let read = reads(operation).into_iter().find(is_whole)?;
            // The plan counts bytes of elements as the machine has them, an attribute those of the type.
            let said = |value: Value| value_size(value, None).ok().flatten().map(|it| u128::from(it.0));
            let outer = said(read.value)?.max(said(result_at(operation, result)?)?);
            let planned = u128::from(size(pair.operand).max(size(pair.result)).0).max(1);
            let at = u64::try_from(u128::from(pair.at().0) * outer / planned).ok()?;
            Some(Overlay { result, reader: read.operation, operand: read.operand, at })
        };
        graph.op(op).in_place.iter().filter(is_done).filter_map(overlay).collect()
    }

    /// A value that is a tensor, or a view of one, where the tensor is now `place`.
    fn as_seen(&mut self, value: Value<'c, 'a>, place: Value<'c, 'a>) -> Value<'c, 'a> {
        match self.extraction.root(value) {
            None => return place,
            Some(root) if root == place => return value,
            Some(_) => {}
        }
        // The views that are still to be made of this place, from the last one to the first.
        let mut missing = Vec::new();
        let (mut source, mut seen) = (value, place);
        while self.extraction.root(source).is_some() {
            if let Some(made) = self.views.get(&(key(source), key(place))) {
                seen = *made;
                break;
            }
            let view = OperationResult::try_from(source).expect("a view is an operation").owner();
            missing.push((source, view));
            source = view.operand(0).expect("a view has a source");
        }
        for (value, view) in missing.into_iter().rev() {
            let mut made = Operation::clone(&view);
            made.set_operand(0, seen);
            seen = self.insert(made);
            self.views.insert((key(value), key(place)), seen);
        }
        seen
    }

    /// Puts an operation before the next operator; gives what it returns.
    fn insert(&self, operation: Operation<'c>) -> Value<'c, 'a> {
        let next = self.next();
        let block = next.block().expect("operators are in the function's block");
        block.insert_operation_before(next, operation).result(0).expect("it returns a tensor").into()
    }

    fn next(&self) -> OperationRef<'c, 'a> {
        self.extraction.operators.get(self.step).copied().unwrap_or_else(|| self.extraction.end())
    }

    /// What ran last; before anything does, what comes next.
    fn previous(&self) -> OperationRef<'c, 'a> {
        self.step.checked_sub(1).map_or_else(|| self.next(), |it| self.extraction.operators[it])
    }

    /// What a tensor is in host memory, or on its way there.
    fn host(&self, tensor: TensorId) -> Value<'c, 'a> {
        let in_flight = || Some(self.in_flight.get(&Slot::at_home(tensor))?.transits[0]);
        self.host[tensor.index()].or_else(in_flight).expect("what comes in has a host copy")
    }

    /// What a tensor is at a place where it lies, or on its way there.
    fn there(&self, slot: Slot) -> Value<'c, 'a> {
        let there = self.on_chip[slot.tensor.index()].iter().find(|it| it.0 == slot.place).map(|it| it.1);
        // The last slice: what reads it stands behind all of them.
        let in_flight = || self.in_flight.get(&slot)?.transits.last().copied();
        there.or_else(in_flight).expect("what is read or goes out was there")
    }
}
