//! A finished program, read back from planned form: what the operations say, and nothing else.
//!
//! Each value outside of host memory is a tensor at the offset, and in the memory, that the operation behind it says; an
//! argument that starts in the scratchpad, at its `cosma.offset`. So the reads of an operator are its operands, followed to
//! where they were put; no plan is asked. What cannot be an action at all, such as an operator that reads host memory, is
//! diagnosed here; whether the actions make a right program is for the judge to say.

use crate::allocated::runs_on_scratchpad;
use crate::extract::{Carrier, Extraction, extract, key};
use crate::form::{address, defining, operations};
use crate::machine::Target;
use crate::regions::is_partition;
use crate::role::{Read, reads as reads_of};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{BlockRef, OperationRef, Value, ValueLike};
use cosma_ir::{
    Border, Diagnostic, TensorRegion, Transfer, border_offset, destination, is_abstract, is_async, is_group, is_kept,
    is_on_chip, is_streamed, is_wait, memory, name, offsets, operand_at, region, result_at, slice_of_transfer,
    static_dimensions, transfer, uses, workspace, workspace_offset,
};
use cosma_planner::{Action, Bytes, Copy, Kind, Kinds, MemoryId, OpId, Place, Slice, Slot, TensorId, Use};
use std::collections::{HashMap, HashSet};

/// A program in planned form.
pub struct Program<'c, 'a> {
    /// The function as a problem; the order of operators is that of the block.
    pub extraction: Extraction<'c, 'a>,
    /// What it does, line by line, once before the first run and in each.
    pub actions: Vec<Action>,
    /// So many of the first lines run only once: they load what is kept from run to run.
    pub n_prologue: usize,
    /// Where tensors lie at the end that the function returns in the scratchpad.
    pub ends: Vec<Slot>,
    /// By action. A tensor that starts in the scratchpad has the function.
    pub operations: Vec<OperationRef<'c, 'a>>,
}

/// Reads a function in planned form.
///
/// # Errors
/// Everything that is no action of a planned program; or what [`extract`] says.
pub fn read_program<'c, 'a>(
    function: OperationRef<'c, 'a>,
    target: Target,
) -> Result<Program<'c, 'a>, Vec<Diagnostic<'c>>> {
    let extraction = extract(function, target).map_err(|it| vec![it])?;
    let kinds = Kinds::new(&extraction.problem);
    let block = extraction.terminator.block().expect("a terminator ends a block");
    let mut reader = Reader {
        extraction: &extraction,
        said: said_places(block, &extraction),
        slices: extraction.slices.iter().map(|it| address(*it)).collect(),
        n_ops: 0,
        kinds,
        streamed: Vec::new(),
        faults: Vec::new(),
    };
    let (mut actions, mut places) = (Vec::new(), Vec::new());
    let mut n_prologue = 0;
    for operation in operations(block) {
        if is_kept(operation) && n_prologue != actions.len() {
            reader.fault(operation, "runs once, before the first run, but comes after operations of each run".into());
        }
        let action = match transfer(operation) {
            Some(transfer) => reader.read_transfer(operation, transfer),
            None if is_wait(operation) => reader.read_wait(operation),
            None if extraction.operators.get(reader.n_ops) == Some(&operation) => reader.read_operator(operation),
            None => None,
        };
        if let Some(action) = action {
            n_prologue += usize::from(is_kept(operation) && n_prologue == actions.len());
            actions.push(action);
            places.push(operation);
        }
    }
    let starts = reader.read_starts();
    places.splice(n_prologue..n_prologue, starts.iter().map(|_| function));
    actions.splice(n_prologue..n_prologue, starts);
    let ends = reader.read_ends();
    let faults = reader.faults;
    if faults.is_empty() {
        Ok(Program { extraction, actions, n_prologue, ends, operations: places })
    } else {
        Err(faults)
    }
}

/// By value: the place that its operation says. Operations list the offsets of all their results, so each list is read
/// once.
fn said_places(block: BlockRef, extraction: &Extraction) -> HashMap<usize, Place> {
    let of_operation = |operation: OperationRef| {
        let results: Vec<usize> = operation.results().map(|it| key(it.into())).collect();
        let said = awaited(operation).unwrap_or(operation);
        let memory = memory_of(said, extraction);
        let place = |offset| memory.map(|memory| Place { memory, offset: Bytes(offset) });
        let places = offsets(said).unwrap_or_default().into_iter().map(place);
        results.into_iter().zip(places).filter_map(|(value, it)| Some((value, it?))).collect::<Vec<_>>()
    };
    operations(block).flat_map(of_operation).collect()
}

/// The memory in which an operation's results lie, if it says their offsets; none where there is no such memory.
fn memory_of(operation: OperationRef, extraction: &Extraction) -> Option<MemoryId> {
    let Some(name) = memory(operation) else { return Some(MemoryId::SCRATCHPAD) };
    let memories = extraction.problem.machine.memories();
    memories.iter().position(|it| it.name == name).map(|it| MemoryId(it as u32))
}

/// The first of the transfers that an operation waits for; none if it waits for none.
fn awaited<'c, 'a>(operation: OperationRef<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    operand_at(operation, 0).filter(|_| is_wait(operation)).and_then(defining)
}

struct Reader<'e, 'c, 'a> {
    extraction: &'e Extraction<'c, 'a>,
    /// By value: the place that its operation says.
    said: HashMap<usize, Place>,
    /// Of what takes pieces out of tensors in host memory.
    slices: HashSet<usize>,
    /// That were read.
    n_ops: usize,
    kinds: Kinds<'e>,
    /// What passed by since the last operator.
    streamed: Vec<Streamed<'c, 'a>>,
    faults: Vec<Diagnostic<'c>>,
}

/// A weight that passes by.
struct Streamed<'c, 'a> {
    value: Value<'c, 'a>,
    operation: OperationRef<'c, 'a>,
    tensor: TensorId,
    is_read: bool,
}

/// Where a value of a planned function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Host,
    /// In another memory.
    OnChip(Place),
    Passing,
    /// In another memory, but nothing says where.
    Somewhere,
}

impl Program<'_, '_> {
    /// The lines that run once, and those of each run.
    pub fn parts(&self) -> (&[Action], &[Action]) {
        self.actions.split_at(self.n_prologue)
    }
}

impl<'c, 'a> Reader<'_, 'c, 'a> {
    fn read_transfer(&mut self, operation: OperationRef<'c, 'a>, transfer: Transfer) -> Option<Action> {
        let source = operation.operand(0).expect("a transfer has one");
        // What comes in may be a piece of a tensor.
        let moved = if transfer.is_inward() { result_at(operation, 0) } else { Some(source) };
        let Some(tensor) = moved.and_then(|it| self.extraction.tensor(it)) else {
            self.fault(operation, self.no_tensor(operation, source));
            return None;
        };
        self.check_destination(operation);
        let standing = self.standing(source);
        if transfer.is_inward() {
            if standing != Standing::Host {
                self.fault(operation, "loads a value that is not in host memory".into());
            }
            if is_streamed(operation) {
                let kind = self.kinds.from_home(tensor);
                self.expect_kind(operation, transfer, tensor, kind);
                let value = operation.result(0).expect("a transfer has one").into();
                self.streamed.push(Streamed { value, operation, tensor, is_read: false });
                return None;
            }
            return Some(self.copy(
                operation,
                transfer,
                Copy { tensor, from: Place::HOME, to: self.target(operation)? },
            ));
        }
        let from = match standing {
            Standing::OnChip(place) => place,
            Standing::Host | Standing::Passing => {
                let message = match transfer {
                    Transfer::Copy => "copies a value in host memory",
                    _ => "moves a value to host memory that is not in the scratchpad",
                };
                self.fault(operation, message.into());
                return None;
            }
            // Said where it was put.
            Standing::Somewhere => return None,
        };
        let to = if transfer.is_outward() { Place::HOME } else { self.target(operation)? };
        Some(self.copy(operation, transfer, Copy { tensor, from, to }))
    }

    /// Where a transfer puts what does not go to host memory.
    fn target(&self, operation: OperationRef<'c, 'a>) -> Option<Place> {
        // The verifier of the operation has seen that there is an offset, and the memory.
        let offset = Bytes(first(offsets(operation)).unwrap_or_default());
        Some(Place { memory: memory_of(operation, self.extraction)?, offset })
    }

    /// Why a transfer moves no tensor of the program.
    fn no_tensor(&self, operation: OperationRef<'c, 'a>, source: Value<'c, 'a>) -> String {
        match region(operation) {
            Some(region) if !self.extraction.written(source).is_empty() => {
                format!("loads {region}, not all of which was written before")
            }
            Some(region) => format!(
                "loads {region} of a tensor that is also moved in other ways: all transfers of a tensor must be of the same \
                 disjoint regions"
            ),
            None => "moves a value that is not a tensor of the program".into(),
        }
    }

    /// That a tensor in host memory is put together in one place: it begins with a `tensor.empty`, each piece is
    /// written into what the piece before left, and none over another.
    fn check_destination(&mut self, operation: OperationRef<'c, 'a>) {
        let (Some(before), Some(region)) = (destination(operation), region(operation)) else { return };
        let is_into = |it: &cosma_ir::Use| destination(it.operation) == Some(before) && it.operand == 1;
        let pieces = self.extraction.written(before);
        let first = pieces.first().map_or(before, |it| it.before);
        let is_new = defining(first).is_some_and(|it| name(it) == "tensor.empty");
        let fault = if !is_new {
            Some("writes into a value that does not begin with a tensor.empty".into())
        } else if !pieces.is_empty() && 1 < uses(before).iter().filter(|it| is_into(it)).count() {
            Some("writes into a value that another transfer also writes into".into())
        } else {
            let over = self.extraction.written_in(before, &region);
            over.last().map(|it| format!("writes {region} over {}, which was written before", it.region))
        };
        if let Some(message) = fault {
            self.fault(operation, message);
        }
    }

    /// That what is put together and returned, or written to a variable, has all its pieces and stays as it is.
    fn check_put_together(&mut self, end: OperationRef<'c, 'a>, value: Value<'c, 'a>, what: &str) {
        let regions: Vec<TensorRegion> = self.extraction.written(value).iter().map(|it| it.region.clone()).collect();
        let dimensions = static_dimensions(value.r#type()).unwrap_or_default();
        if !is_partition(&regions, &dimensions) {
            self.fault(end, format!("{what} is assembled from pieces that are not all of {}", value.r#type()));
        }
        if uses(value).iter().any(|it| destination(it.operation) == Some(value)) {
            self.fault(end, format!("{what} is written into after it was assembled"));
        }
    }

    fn copy(&mut self, operation: OperationRef<'c, 'a>, transfer: Transfer, copy: Copy) -> Action {
        let slice = slice_of_transfer(operation).map(|it| Slice { low: Bytes(it.start), high: Bytes(it.end) });
        // In each run anew: what was loaded before it was not loaded in it.
        let kind = match slice {
            None if is_kept(operation) => Kind::Load,
            Some(slice) => self.kinds.of_slice(&copy, slice),
            None => self.kinds.of(&copy),
        };
        self.expect_kind(operation, transfer, copy.tensor, kind);
        match slice {
            Some(slice) => Action::IssueSlice(copy, slice),
            None if is_async(operation) => Action::Issue(copy),
            None => Action::Copy(copy),
        }
    }

    /// The wait for what an operation waits for; none where that is no transfer that was read.
    fn read_wait(&self, operation: OperationRef<'c, 'a>) -> Option<Action> {
        let transfer = awaited(operation)?;
        let is_outward = cosma_ir::transfer(transfer)?.is_outward();
        let moved = if is_outward { operand_at(transfer, 0) } else { result_at(transfer, 0) };
        let tensor = self.extraction.tensor(moved?)?;
        let place = if is_outward { Place::HOME } else { self.target(transfer)? };
        Some(Action::Wait(Slot { tensor, place }))
    }

    /// An operation's name says what it is for the count of traffic, and it has to be that.
    fn expect_kind(&mut self, operation: OperationRef<'c, 'a>, transfer: Transfer, tensor: TensorId, kind: Kind) {
        let said = match transfer {
            Transfer::Load => Kind::Load,
            Transfer::Reload => Kind::Reload,
            Transfer::Store => Kind::Store,
            Transfer::Spill => Kind::Spill,
            Transfer::Copy => Kind::Move,
        };
        // What is computed before the run may have become an equal constant in a pass of MLIR's, and the
        // two one: so that may be loaded a second time.
        let is_constant = matches!(self.extraction.carriers[tensor.index()], Carrier::Constant(..));
        if is_constant && (said, kind) == (Kind::Load, Kind::Reload) {
            return;
        }
        if let Some(message) = self.kinds.complain(tensor, said, kind) {
            self.fault(operation, message);
        }
    }

    /// What passed by is gone, and should have been read.
    fn forget_streamed(&mut self) {
        for it in std::mem::take(&mut self.streamed).into_iter().filter(|it| !it.is_read) {
            let name = &self.extraction.problem.graph.tensor(it.tensor).name;
            self.fault(it.operation, format!("{name} is copied to the scratchpad, but nothing reads it there"));
        }
    }

    fn read_operator(&mut self, operation: OperationRef<'c, 'a>) -> Option<Action> {
        let op = OpId(self.n_ops as u32);
        self.n_ops += 1;
        let operator = self.extraction.problem.graph.op(op);
        let mut reads = Vec::new();
        let mut ways = self.ways_to_read(operation);
        for &Use { tensor, .. } in &operator.reads {
            let mut place: Option<Place> = None;
            for Read { operation: reader, operand: index, value } in ways.remove(&tensor).unwrap_or_default() {
                let index =
                    if reader == operation { format!("operand {index}") } else { "what its region reads".into() };
                let seen = self.seen(value);
                match self.standing(value) {
                    Standing::OnChip(other) if place.is_none_or(|it| it == other) => place = Some(other),
                    Standing::OnChip(other) => {
                        let one = place.unwrap_or(other).display(&self.extraction.problem);
                        let other = other.display(&self.extraction.problem);
                        self.fault(operation, format!("reads one tensor at two offsets, {one} and {other}"));
                    }
                    Standing::Passing => match self.streamed.iter_mut().find(|it| it.value == seen) {
                        Some(streamed) => {
                            streamed.is_read = true;
                            place = Some(Place::HOME);
                        }
                        None => self.fault(operation, format!("{index} was not streamed just before this operator")),
                    },
                    Standing::Host => self.fault(operation, format!("{index} is in host memory")),
                    Standing::Somewhere => {}
                }
            }
            reads.extend(place.map(|place| Slot { tensor, place }));
        }
        self.forget_streamed();
        Some(Action::Run { op, reads, writes: self.read_results(operation, op), workspace: self.workspace(operation) })
    }

    /// By tensor: how an operator reads it, in the order of its operands.
    fn ways_to_read(&self, operation: OperationRef<'c, 'a>) -> HashMap<TensorId, Vec<Read<'c, 'a>>> {
        let mut ways: HashMap<TensorId, Vec<Read>> = HashMap::new();
        for read in reads_of(operation) {
            if let Some(tensor) = self.extraction.tensor(read.value) {
                ways.entry(tensor).or_default().push(read);
            }
        }
        ways
    }

    fn read_results(&mut self, operation: OperationRef<'c, 'a>, op: OpId) -> Vec<Slot> {
        let listed = offsets(operation);
        if runs_on_scratchpad(self.extraction, op) {
            if !is_abstract(operation) && !is_group(operation) {
                let name = name(operation);
                let message = format!("{name} runs on the scratchpad, so in planned form it must be in a cosma.group");
                self.fault(operation, message);
            } else if listed.is_none() {
                self.fault(operation, "has no offsets for its results".into());
            }
        }
        let listed = listed.unwrap_or_default();
        let results = self.extraction.results(op).into_iter().enumerate();
        let offset = |index: usize| Bytes(listed.get(index).copied().unwrap_or_default());
        results.filter_map(|(index, tensor)| Some(Slot::on_chip(tensor?, offset(index)))).collect()
    }

    fn workspace(&mut self, operation: OperationRef<'c, 'a>) -> Bytes {
        let offset = workspace_offset(operation);
        if offset.is_none() && 0 < workspace(operation) {
            self.fault(operation, "has no offset for its workspace".into());
        }
        Bytes(offset.unwrap_or_default())
    }

    /// The arguments that start in the scratchpad.
    fn read_starts(&mut self) -> Vec<Action> {
        let mut starts = Vec::new();
        for said in &self.extraction.said {
            let Some(border @ Border::Argument(_)) = said.on_chip else { continue };
            match border_offset(self.extraction.function, border) {
                Some(offset) => starts.push(Action::Start(Slot::on_chip(said.tensor, Bytes(offset)))),
                None => {
                    let message = format!("{border} starts in the scratchpad, but has no offset there (cosma.offset)");
                    self.faults.push(Diagnostic::new(said.location, message));
                }
            }
        }
        starts
    }

    /// A result that ends in the scratchpad: it is there where the function says it is.
    fn read_left(&mut self, index: usize, value: Value<'c, 'a>) -> Option<Slot> {
        let extraction = self.extraction;
        let tensor = extraction.tensor(value)?;
        let (border, end) = (Border::Result(index), extraction.terminator);
        let said = border_offset(extraction.function, border).map(Bytes);
        match (self.standing(value), said) {
            (_, None) => {
                self.fault(end, format!("{border} ends in the scratchpad, but has no offset there (cosma.offset)"));
            }
            (Standing::OnChip(place), Some(said)) if place.memory == MemoryId::SCRATCHPAD => {
                if place.offset == said {
                    return Some(Slot::on_chip(tensor, said));
                }
                let offset = place.offset;
                self.fault(end, format!("{border} is declared at {said}, but lies at {offset}"));
            }
            // Said where it was put.
            (Standing::Somewhere, _) => {}
            (Standing::OnChip(_) | Standing::Host | Standing::Passing, _) => {
                self.fault(end, format!("{border} ends in the scratchpad, but the returned value is not there"));
            }
        }
        None
    }

    /// What the function returns, and what it writes to variables; gives what it leaves in the scratchpad.
    fn read_ends(&mut self) -> Vec<Slot> {
        self.forget_streamed();
        let extraction = self.extraction;
        let mut left = Vec::new();
        for end in extraction.writes.iter().chain([&extraction.terminator]) {
            let what = if *end == extraction.terminator { "result" } else { "operand" };
            for (index, value) in end.operands().enumerate() {
                if *end == extraction.terminator && is_on_chip(extraction.function, Border::Result(index)) {
                    left.extend(self.read_left(index, value));
                    continue;
                }
                if !extraction.written(value).is_empty() {
                    self.check_put_together(*end, value, &format!("{what} {index}"));
                }
                if extraction.tensor(value).is_none() {
                    continue;
                }
                let definition = defining(value).map(|it| awaited(it).unwrap_or(it));
                let found = match definition.map(|it| (it, transfer(it))) {
                    Some((_, Some(Transfer::Store))) => continue,
                    None | Some((_, None)) if self.standing(value) == Standing::Host => continue,
                    None => "an argument in the scratchpad".into(),
                    Some((operation, _)) => name(operation),
                };
                self.fault(*end, format!("{what} {index} is not a result of cosma.store, but {found}"));
            }
        }
        left
    }

    /// What a view, or a view of one, looks at; any other value itself.
    fn seen(&self, value: Value<'c, 'a>) -> Value<'c, 'a> {
        self.extraction.root(value).unwrap_or(value)
    }

    fn standing(&self, value: Value<'c, 'a>) -> Standing {
        let value = self.seen(value);
        let Some(operation) = defining(value) else { return self.standing_of_argument(value) };
        if self.extraction.is_cut(value) || self.slices.contains(&address(operation)) {
            return Standing::Host;
        }
        match transfer(awaited(operation).unwrap_or(operation)) {
            Some(it) if it.is_outward() => return Standing::Host,
            Some(_) if is_streamed(operation) => return Standing::Passing,
            _ => {}
        }
        // Be it the first of equal constants or another one.
        let carrier = self.extraction.tensor(value).map(|tensor| &self.extraction.carriers[tensor.index()]);
        let is_moved = transfer(operation).is_some() || is_wait(operation);
        if !is_moved && matches!(carrier, Some(Carrier::Constant(..))) {
            return Standing::Host;
        }
        self.said.get(&key(value)).map_or(Standing::Somewhere, |it| Standing::OnChip(*it))
    }

    fn standing_of_argument(&self, value: Value<'c, 'a>) -> Standing {
        let carrier = self.extraction.tensor(value).map(|it| self.extraction.carriers[it.index()]);
        match carrier {
            Some(Carrier::Argument(_, index)) if is_on_chip(self.extraction.function, Border::Argument(index)) => {
                let offset = border_offset(self.extraction.function, Border::Argument(index));
                offset.map_or(Standing::Somewhere, |it| Standing::OnChip(Place::on_chip(Bytes(it))))
            }
            _ => Standing::Host,
        }
    }

    fn fault(&mut self, operation: OperationRef<'c, 'a>, message: String) {
        self.faults.push(Diagnostic::at(operation, message));
    }
}

fn first<T>(list: Option<Vec<T>>) -> Option<T> {
    list?.into_iter().next()
}
