//! Converts a function to a planning problem, with the value of each tensor.
//!
//! 1. Each ranked tensor among the arguments, and each constant, is a tensor in host memory; equal constants are one
//!    (`equal.rs`). An argument marked `cosma.weight` and a constant are weights.
//! 2. Each operation that reads or writes a tensor is an operator. Shapes, `tensor.empty` and scalars that depend on no
//!    tensor are not: they can come before all operators.
//! 3. A scalar that an operator computes is not a tensor. Its readers are operators too, with an edge from the one that
//!    computes it, so that every order is legal SSA.
//! 4. Operators that may have effects besides their results keep their order: there is an edge from each of them to the
//!    next one.
//! 5. A transfer is not an operator. Its result is the tensor that it moves, in another place; so is the result of its
//!    wait. A view, such as a reshape, is not an operator either: its result is the tensor that it views.
//! 6. Computations from weights alone whose result is no larger than the weights are done before the run: they are not
//!    operators, and the result is a weight, unless `cosma.machine` has `weight_computation = "run"`. `cosma.op` and
//!    `cosma.group` always run on the accelerator and are never folded.
//! 7. A constant of one element, such as a zero point, is a parameter of the operators that read it.
//! 8. A variable that is read is an argument, and one that is written a result (`variable.rs`).
//! 9. Tensors that an operator's regions compute are in its workspace (`inside.rs`), unless it declares the size.
//!    Constants in regions are weights that it reads.
//! 10. Results may take the place of operands as operations declare, or by known rules (`sharing.rs`).
//! 11. An argument that is read in pieces is one tensor for each piece, and so is a tensor that is assembled from
//!     pieces in host memory. Slices of an assembled tensor are staged tensors (`piece.rs`).
//! 12. Attributes can give tensors fixed offsets, and make them start and end in the scratchpad (`pins.rs`). In planned
//!     form, tensors that start there are the arguments themselves, and those that end there are what the function
//!     returns.
//!
//! The function is not changed.

use crate::class::n_elements;
use crate::equal::Equals;
use crate::form::{address, body, defining, operations};
use crate::help::help;
use crate::inside::{Inside, Outside, inside};
use crate::machine::Target;
use crate::macs::macs;
use crate::piece::{Assembly, ReadPiece, assemblies, read_pieces};
use crate::pins::{self, Said};
use crate::role::{Read, Role, is_constant, may_have_effects, nested, reads, role};
use crate::sharing::in_place;
use crate::variable::{Access, access};
use crate::written::{AllWritten, Written};
pub(crate) use cosma_ir::key;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{BlockLike, BlockRef, OperationRef, Value, ValueLike};
use cosma_ir::{
    Border, Diagnostic, InPlace, TensorRegion, WeightComputation, cycles, destination, fixed_offset, fixed_offsets,
    is_abstract, is_always_kept, is_call, is_group, is_on_chip, is_tile, is_wait, is_weight, kind, name, operand_at,
    region, result_at, size_with, tensor_type, transfer, uses, workspace,
};
use cosma_planner::{Bytes, Cycles, Error, GraphBuilder, Keep, OpId, Problem, TensorId, Weights};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A function with a body, as a problem. Operators are numbered in the order of the block.
pub struct Extraction<'c, 'a> {
    /// The function.
    pub function: OperationRef<'c, 'a>,
    /// The return at its end.
    pub terminator: OperationRef<'c, 'a>,
    /// The planning problem.
    pub problem: Problem,
    /// Whether weights without their own setting may stay from run to run.
    pub keep: Keep,
    /// The way operators read weights.
    pub weights: Weights,
    /// By [`OpId`].
    pub operators: Vec<OperationRef<'c, 'a>>,
    /// By [`TensorId`].
    pub carriers: Vec<Carrier<'c, 'a>>,
    /// Operations that only change the type of a tensor, in the order of the block.
    pub views: Vec<OperationRef<'c, 'a>>,
    /// Operations that extract pieces of tensors in host memory, in the order of the block.
    pub slices: Vec<OperationRef<'c, 'a>>,
    /// Tensors that are assembled from pieces in host memory.
    pub assemblies: Vec<Assembly<'c, 'a>>,
    /// The last writes of variables, in the order of the block.
    pub writes: Vec<OperationRef<'c, 'a>>,
    /// The declared places of tensors.
    pub(crate) said: Vec<Said<'c>>,
    /// The tensor of each value of the block; `None` for scalars and shapes that depend on no tensor.
    tensors: HashMap<usize, Option<TensorId>>,
    /// The operator that computes a scalar.
    scalars: HashMap<usize, OpId>,
    /// Tensors that are assembled in host memory.
    written: AllWritten<'c, 'a>,
    /// Tensors in host memory that are read in pieces.
    cut: HashSet<usize>,
    /// The source of each view, through views of views.
    roots: HashMap<usize, Value<'c, 'a>>,
}

/// The value of a tensor of the planner.
#[derive(Clone, Copy, Debug)]
pub enum Carrier<'c, 'a> {
    /// An argument, with its index.
    Argument(Value<'c, 'a>, usize),
    /// The result of a constant, of a computation from weights before the run, or of a read of a variable. Of equal
    /// ones, the first in the block.
    Constant(Value<'c, 'a>, OperationRef<'c, 'a>),
    /// A piece of an argument or of a constant; the whole; and the operation that extracts it, a slice in source form.
    Piece(Value<'c, 'a>, Value<'c, 'a>, OperationRef<'c, 'a>),
    /// A region of a tensor that is assembled in host memory; and the operation that extracts it, a slice in source
    /// form. Of equal ones, the first in the block.
    Staged(Value<'c, 'a>, OperationRef<'c, 'a>),
    /// A tensor that an operator writes, with the index of the result.
    Result(Value<'c, 'a>, usize),
}

impl<'c, 'a> Carrier<'c, 'a> {
    /// Whether it is in host memory before the function runs: an argument, a constant, or a piece of one. Results of
    /// computations from weights are not yet there when kept weights are loaded.
    fn is_there_before(&self) -> bool {
        match *self {
            Carrier::Argument(..) => true,
            Carrier::Constant(value, _) | Carrier::Piece(_, value, _) => defining(value).is_none_or(is_constant),
            Carrier::Staged(..) | Carrier::Result(..) => false,
        }
    }

    /// Its value in host memory, if it is there from the start.
    pub fn source(&self) -> Option<Value<'c, 'a>> {
        match *self {
            Carrier::Argument(value, _) | Carrier::Constant(value, _) | Carrier::Piece(value, ..) => Some(value),
            Carrier::Staged(..) | Carrier::Result(..) => None,
        }
    }

    /// Its value in the source.
    pub fn value(&self) -> Value<'c, 'a> {
        match *self {
            Carrier::Argument(value, _)
            | Carrier::Constant(value, _)
            | Carrier::Piece(value, ..)
            | Carrier::Staged(value, _)
            | Carrier::Result(value, _) => value,
        }
    }
}

impl<'c, 'a> Extraction<'c, 'a> {
    /// The tensor of a value of the block; `None` for a scalar or a shape, and for values of regions in the block.
    pub fn tensor(&self, value: Value<'c, 'a>) -> Option<TensorId> {
        self.tensors.get(&key(value)).copied().flatten()
    }

    /// Whether a value of the block is a scalar, a shape, a parameter or an initial value that depends on no tensor:
    /// the planner ignores it.
    pub(crate) fn is_no_tensor(&self, value: Value<'c, 'a>) -> bool {
        matches!(self.tensors.get(&key(value)), Some(None))
    }

    /// Whether a value of the block is a scalar that an operator computes.
    pub(crate) fn is_scalar(&self, value: Value<'c, 'a>) -> bool {
        self.scalars.contains_key(&key(value))
    }

    /// By result of an operator: its tensor; `None` for a scalar.
    pub(crate) fn results(&self, op: OpId) -> Vec<Option<TensorId>> {
        let mut results = vec![None; self.operators[op.index()].result_count()];
        for &tensor in &self.problem.graph.op(op).writes {
            if let Carrier::Result(_, index) = self.carriers[tensor.index()] {
                results[index] = Some(tensor);
            }
        }
        results
    }

    /// The source of a view, through views of views; `None` for any other value.
    pub(crate) fn root(&self, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        self.roots.get(&key(value)).copied()
    }

    /// Whether a value is an argument or a constant that is read in pieces.
    pub(crate) fn is_cut(&self, value: Value<'c, 'a>) -> bool {
        self.cut.contains(&key(value))
    }

    /// The pieces that were written into a tensor in host memory, in that order; empty for a value that is not
    /// assembled.
    pub fn written(&self, value: Value<'c, 'a>) -> &[Written<'c, 'a>] {
        self.written.pieces(value)
    }

    /// The pieces that were written into a tensor in host memory and overlap a region.
    pub(crate) fn written_in(&self, value: Value<'c, 'a>, region: &TensorRegion) -> Vec<&Written<'c, 'a>> {
        self.written.pieces_in(value, region)
    }

    /// The first operation after all operators: the first remaining write of a variable, or the return.
    pub fn end(&self) -> OperationRef<'c, 'a> {
        let follows = |operation: OperationRef<'c, 'a>| operation.next_in_block();
        let mut end = self.terminator;
        for write in self.writes.iter().rev() {
            if follows(*write) != Some(end) {
                break;
            }
            end = *write;
        }
        end
    }

    /// Whether no tensor needs a place, so that all forms of the function are the same.
    pub fn is_trivial(&self) -> bool {
        let ops = self.problem.graph.ops();
        ops.iter().all(|op| op.workspace == Bytes::ZERO && op.reads.is_empty() && op.writes.is_empty())
    }

    /// The target that it was extracted for.
    pub fn target(&self) -> Target {
        Target { machine: self.problem.machine.clone(), weights: self.weights, keep: self.keep }
    }

    /// Converts an error of the planner to a diagnostic at the operation that causes it.
    pub fn diagnose(&self, error: &Error) -> Diagnostic<'c> {
        if let Some(diagnostic) = self.diagnose_places(error) {
            return diagnostic;
        }
        let operation = match error {
            Error::ScratchpadTooSmall { op, .. } => self.operators[op.index()],
            _ => return Diagnostic::at(self.function, error.to_string()),
        };
        let diagnostic = Diagnostic::at(operation, error.to_string());
        help(self, operation).into_iter().fold(diagnostic, |it, note| it.note(operation.location(), note))
    }
}

/// Extracts the problem of a function.
///
/// # Errors
/// At anything that cannot be planned: a declaration, a second block, a tensor that is not ranked and static.
pub fn extract<'c, 'a>(function: OperationRef<'c, 'a>, target: Target) -> Result<Extraction<'c, 'a>, Diagnostic<'c>> {
    let block =
        body(function).ok_or_else(|| Diagnostic::at(function, "a function without a body cannot be planned"))?;
    let n_blocks = std::iter::successors(Some(block), |it| it.next_in_region()).count();
    if n_blocks != 1 {
        let message = format!("only a function of one block can be planned, but this one has {n_blocks}");
        return Err(Diagnostic::at(function, message));
    }
    let machine = cosma_ir::machine(function).unwrap_or_default();
    let assemblies = assemblies(block);
    let inserts = assemblies.iter().flat_map(|it| it.inserts.iter().map(|it| address(*it))).collect();
    let mut reader = Reader {
        block: Some(block),
        inserts,
        element_bytes: machine.element_bytes,
        alignment: target.machine.alignment().max(Bytes(1)),
        is_timed: target.machine.clock().is_some(),
        folds: machine.weight_computation != Some(WeightComputation::Run),
        ..Reader::default()
    };
    reader.read_arguments(function, block)?;
    let mut terminator = None;
    for operation in operations(block) {
        if operation.next_in_block().is_none() {
            terminator = Some(operation);
            break;
        }
        reader.read(operation)?;
        reader.read_fixed_offsets(operation)?;
    }
    if reader.carriers.is_empty()
        && let Some(what) = other_than_tensors(block)
    {
        let message = format!(
            "there is nothing to plan: this function computes on {what} and has no tensors; plan it before it is \
             lowered from tensors to {what}"
        );
        return Err(Diagnostic::at(function, message));
    }
    let terminator = terminator.filter(|it| name(*it) == "func.return");
    let terminator = terminator
        .ok_or_else(|| Diagnostic::at(function, "only a function that ends with func.return can be planned"))?;
    let mut writes: Vec<(usize, OperationRef)> = reader.writes.values().map(|it| (it.position, it.operation)).collect();
    writes.sort_by_key(|(position, _)| *position);
    let writes: Vec<OperationRef> = writes.into_iter().map(|(_, write)| write).collect();
    reader.read_results(function, terminator)?;
    writes.iter().filter_map(|it| operand_at(*it, 0)).for_each(|it| reader.read_end(it));
    let Reader { said, graph, operators, carriers, tensors, scalars, written, pieces, views, roots, slices, .. } =
        reader;
    let cut = pieces.into_keys().collect();
    let graph = graph.build().map_err(|error| Diagnostic::at(function, error.to_string()))?;
    let Target { machine, weights, keep } = target;
    let is_kept = |it: &cosma_planner::Tensor| it.keep == Keep::Always;
    if weights == Weights::Streamed
        && let Some(kept) = graph.tensors().iter().find(|it| is_kept(it))
    {
        let message =
            format!("{} must stay in the scratchpad (cosma.keep), but weights = streamed bypass it", kept.name);
        return Err(Diagnostic::at(function, message));
    }
    if weights == Weights::Auto && (keep != Keep::Never || graph.tensors().iter().any(is_kept)) {
        let message = "weights = auto cannot keep weights from run to run: use weights = resident";
        return Err(Diagnostic::at(function, message));
    }
    let graph = graph.with_weights(weights);
    // Some weights have their own setting; the machine's applies to the others.
    let graph = match keep {
        Keep::Never => graph,
        keep => graph.with_keep(|it| match graph.tensor(it).keep {
            Keep::Always => Keep::Always,
            _ if carriers[it.index()].is_there_before() => keep,
            _ => Keep::Never,
        }),
    };
    pins::check(&said, &graph, weights)?;
    let problem = Problem { graph, machine };
    let extraction = Extraction {
        function,
        terminator,
        problem,
        weights,
        keep,
        operators,
        carriers,
        views,
        slices,
        assemblies,
        writes,
        said,
        tensors,
        scalars,
        written,
        cut,
        roots,
    };
    match extraction.said.iter().find(|it| it.on_chip.is_some()) {
        Some(said) if extraction.is_trivial() => {
            let message = format!(
                "{} is in the scratchpad (cosma.on_chip), but this function has no operator that runs there",
                said.what
            );
            Err(Diagnostic::new(said.location, message))
        }
        _ => Ok(extraction),
    }
}

#[derive(Default)]
struct Reader<'c, 'a> {
    block: Option<BlockRef<'c, 'a>>,
    graph: GraphBuilder,
    operators: Vec<OperationRef<'c, 'a>>,
    carriers: Vec<Carrier<'c, 'a>>,
    tensors: HashMap<usize, Option<TensorId>>,
    scalars: HashMap<usize, OpId>,
    views: Vec<OperationRef<'c, 'a>>,
    equals: Equals<'c, 'a>,
    slices: Vec<OperationRef<'c, 'a>>,
    /// Insertions that assemble tensors from pieces, by address.
    inserts: HashSet<usize>,
    /// The pieces of tensors in host memory, by the whole and the region.
    pieces: HashMap<usize, BTreeMap<TensorRegion, TensorId>>,
    written: AllWritten<'c, 'a>,
    /// Staged tensors, by the assembled tensor and their region.
    staged: HashMap<(usize, TensorRegion), TensorId>,
    roots: HashMap<usize, Value<'c, 'a>>,
    /// The bytes of values that are known before the run and lie in host memory: weights and parameters.
    known: HashMap<usize, Bytes>,
    element_bytes: Option<u64>,
    /// Of addresses; at least 1.
    alignment: Bytes,
    /// Whether there is a clock, which needs the multiply-accumulates of operators.
    is_timed: bool,
    /// Whether computations from weights alone are done before the run.
    folds: bool,
    n_constants: usize,
    n_folded: usize,
    n_variables: usize,
    /// The last write of each variable so far.
    writes: BTreeMap<String, Write<'c, 'a>>,
    /// Writes of variables so far.
    n_writes: usize,
    /// The values of variables that were read before they were written.
    states: BTreeMap<String, Value<'c, 'a>>,
    /// The last operator with effects.
    last_effect: Option<OpId>,
    /// The declared places of tensors.
    said: Vec<Said<'c>>,
}

/// The kind of an argument of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArgumentKind {
    Input,
    Weight,
    /// A weight that stays in the scratchpad from one run to the next.
    KeptWeight,
}

/// A write of a variable.
struct Write<'c, 'a> {
    value: Value<'c, 'a>,
    operation: OperationRef<'c, 'a>,
    /// Its index among all writes of variables, in the order of the block.
    position: usize,
}

impl<'c, 'a> Reader<'c, 'a> {
    fn read_arguments(
        &mut self,
        function: OperationRef<'c, 'a>,
        block: BlockRef<'c, 'a>,
    ) -> Result<(), Diagnostic<'c>> {
        for index in 0..block.argument_count() {
            let argument: Value = block.argument(index).expect("it is below the count").into();
            if is_always_kept(function, index) && !is_weight(function, index) {
                let message = format!(
                    "argument {index} has cosma.keep, but no cosma.weight: only weights are the same in each run"
                );
                return Err(Diagnostic::new(argument.location(), message));
            }
            let size = self.size(argument).map_err(|message| {
                Diagnostic::new(argument.location(), format!("argument {index} cannot be planned: {message}"))
            })?;
            let name = format!("arg{index}");
            let border = Border::Argument(index);
            let (at, is_on_chip) = (fixed_offset(function, border).map(Bytes), is_on_chip(function, border));
            // Computations before the run use values in host memory.
            if let Some(size) = size.filter(|_| is_weight(function, index) && !is_on_chip) {
                self.known.insert(key(argument), size);
            }
            let kind = match (is_weight(function, index), is_always_kept(function, index)) {
                (false, _) => ArgumentKind::Input,
                (true, false) => ArgumentKind::Weight,
                (true, true) => ArgumentKind::KeptWeight,
            };
            let has_place = at.is_some() || is_on_chip;
            if size.is_some() && !has_place && self.read_pieces(argument, &name, kind)? {
                continue;
            }
            let tensor = size.map(|size| self.argument(kind, name, size));
            if let Some(tensor) = tensor.filter(|_| has_place) {
                let on_chip = is_on_chip.then_some(border);
                let location = argument.location();
                self.say(Said { tensor, what: border.to_string(), at, on_chip, location })?;
            }
            self.carriers.extend(tensor.map(|_| Carrier::Argument(argument, index)));
            self.tensors.insert(key(argument), tensor);
        }
        Ok(())
    }

    /// An argument, or a piece of one.
    fn argument(&mut self, kind: ArgumentKind, name: String, size: Bytes) -> TensorId {
        match kind {
            ArgumentKind::Input => self.graph.argument(name, size),
            ArgumentKind::Weight => self.graph.weight(name, size),
            ArgumentKind::KeptWeight => {
                let tensor = self.graph.weight(name, size);
                self.graph.keep(tensor, Keep::Always);
                tensor
            }
        }
    }

    /// A tensor in host memory as pieces, each with its own name; returns whether it is read in pieces.
    fn read_pieces(&mut self, whole: Value<'c, 'a>, name: &str, kind: ArgumentKind) -> Result<bool, Diagnostic<'c>> {
        let Some(pieces) = self.block.and_then(|it| read_pieces(whole, it)) else { return Ok(false) };
        let mut tensors = BTreeMap::new();
        for (index, ReadPiece { region, value, operation }) in pieces.into_iter().enumerate() {
            let size = self.size(value).map_err(|message| cannot(operation, 0, &message))?.expect("it is a tensor");
            let name = format!("{name}.{index}");
            let tensor = self.argument(kind, name, size);
            tensors.insert(region, tensor);
            self.carriers.push(Carrier::Piece(value, whole, operation));
        }
        self.pieces.insert(key(whole), tensors);
        self.tensors.insert(key(whole), None);
        Ok(true)
    }

    /// The piece for a region of a tensor in host memory; `None` if the tensor is not read in pieces.
    fn piece(&self, operation: OperationRef<'c, 'a>) -> Option<TensorId> {
        let pieces = self.pieces.get(&key(operand_at(operation, 0)?))?;
        pieces.get(&region(operation)?).copied()
    }

    fn read_slice(&mut self, operation: OperationRef<'c, 'a>, tensor: TensorId) {
        let value = result_at(operation, 0).expect("a slice has a result");
        self.tensors.insert(key(value), Some(tensor));
        if operand_at(operation, 0).is_some_and(|it| self.known.contains_key(&key(it))) {
            self.known.insert(key(value), self.graph.size(tensor));
        }
        self.slices.push(operation);
    }

    /// A piece that is written into a tensor in host memory.
    fn read_written(&mut self, operation: OperationRef<'c, 'a>, before: Value<'c, 'a>) {
        let Some(region) = region(operation) else { return };
        let result = result_at(operation, 0).expect("it gives the whole");
        let tensor = operand_at(operation, 0).and_then(|it| self.tensor(it));
        self.written.write(Written { before, region, tensor }, result);
    }

    fn read_transfer(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let source = operation.operand(0).expect("a transfer has one");
        let result: Value = operation.result(0).expect("a transfer has one").into();
        let tensor = match (destination(operation), region(operation)) {
            (Some(before), _) => {
                self.read_written(operation, before);
                None
            }
            (None, Some(region)) => match self.piece(operation) {
                Some(piece) => Some(piece),
                None => self.read_staged(operation, source, region)?,
            },
            (None, None) => self.tensor(source),
        };
        self.tensors.insert(key(result), tensor);
        Ok(())
    }

    /// The result of a wait is the tensor of its transfer.
    fn read_wait(&mut self, operation: OperationRef<'c, 'a>) {
        let result = result_at(operation, 0).expect("it gives a tensor");
        let transit = operand_at(operation, 0).expect("the verifier has seen it");
        let tensor = self.tensor(transit);
        self.tensors.insert(key(result), tensor);
        self.written.is_also(transit, result);
    }

    /// The tensor that an operation extracts from an assembled tensor: a piece as it was written, or a staged tensor;
    /// `None` if parts of the region were not written.
    fn read_staged(
        &mut self,
        operation: OperationRef<'c, 'a>,
        whole: Value<'c, 'a>,
        region: TensorRegion,
    ) -> Result<Option<TensorId>, Diagnostic<'c>> {
        if let Some(piece) = self.written_as(whole, &region) {
            return Ok(Some(piece));
        }
        let Some(identity) = self.written.chain(whole).map(|it| (it, region.clone())) else { return Ok(None) };
        if let Some(known) = self.staged.get(&identity) {
            return Ok(Some(*known));
        }
        let met = self.written.pieces_in(whole, &region);
        let n_written = met.iter().map(|it| it.region.n_common(&region)).fold(0, u128::saturating_add);
        let Some(parts) = met.iter().map(|it| it.tensor).collect::<Option<Vec<TensorId>>>() else {
            return Ok(None);
        };
        if n_written != region.n_elements() {
            return Ok(None);
        }
        let value = result_at(operation, 0).expect("it gives a tensor");
        let size = self.size(value).map_err(|message| cannot(operation, 0, &message))?.expect("it is a tensor");
        let tensor = self.graph.staged(format!("staged{}", self.staged.len()), size, &parts);
        self.carriers.push(Carrier::Staged(value, operation));
        self.staged.insert(identity, tensor);
        Ok(Some(tensor))
    }

    /// The tensor of a slice of an assembled tensor; `None` for any other operation.
    fn slice_of_written(&mut self, operation: OperationRef<'c, 'a>) -> Result<Option<TensorId>, Diagnostic<'c>> {
        let whole = operand_at(operation, 0).filter(|it| !self.written.pieces(*it).is_empty());
        let Some(whole) = whole.filter(|_| name(operation) == "tensor.extract_slice") else { return Ok(None) };
        let Some(region) = region(operation) else { return Ok(None) };
        self.read_staged(operation, whole, region)
    }

    /// The tensor that was written to exactly a region of a tensor in host memory.
    fn written_as(&self, whole: Value<'c, 'a>, region: &TensorRegion) -> Option<TensorId> {
        let last = self.written.pieces_in(whole, region).pop()?;
        last.tensor.filter(|_| last.region == *region)
    }

    /// Records a declared place of a tensor.
    fn say(&mut self, said: Said<'c>) -> Result<(), Diagnostic<'c>> {
        said.agree(&self.said)?;
        said.at.into_iter().for_each(|at| self.graph.pin(said.tensor, at));
        match said.on_chip {
            Some(Border::Argument(_)) => self.graph.starts_on_chip(said.tensor),
            Some(Border::Result(_)) => self.graph.ends_on_chip(said.tensor),
            None => {}
        }
        self.said.push(said);
        Ok(())
    }

    /// The fixed offsets of an operation's results.
    fn read_fixed_offsets(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        for (index, at) in fixed_offsets(operation).into_iter().enumerate() {
            let (Some(at), Some(value)) = (at, result_at(operation, index)) else { continue };
            let refuse = |why: &str| {
                let message = format!("result {index} cannot have a fixed offset (cosma.at): {why}");
                Err(Diagnostic::at(operation, message))
            };
            if is_constant(operation) {
                return refuse("equal constants are merged, also by MLIR's passes; use an argument instead");
            }
            if access(operation).is_some() {
                return refuse("it is the state of a variable");
            }
            if self.slices.last() == Some(&operation) || !self.written.pieces(value).is_empty() {
                return refuse("it is a region of a tensor in host memory, or assembled there");
            }
            let Some(tensor) = self.tensor(value) else {
                return refuse("it does not lie in the scratchpad");
            };
            if self.roots.contains_key(&key(value)) && self.size(value) != Ok(Some(self.graph.size(tensor))) {
                return refuse("it is a view of a part of another tensor");
            }
            let what = format!("result {index} of {}", kind(operation));
            self.say(Said { tensor, what, at: Some(Bytes(at)), on_chip: None, location: operation.location() })?;
        }
        Ok(())
    }

    /// The results of the function: stored, or left in the scratchpad.
    fn read_results(
        &mut self,
        function: OperationRef<'c, 'a>,
        terminator: OperationRef<'c, 'a>,
    ) -> Result<(), Diagnostic<'c>> {
        for (index, value) in terminator.operands().enumerate() {
            let border = Border::Result(index);
            let (at, is_on_chip) = (fixed_offset(function, border).map(Bytes), is_on_chip(function, border));
            if !is_on_chip {
                self.read_end(value);
            }
            if at.is_none() && !is_on_chip {
                continue;
            }
            let refuse = |why: &str| {
                let message = format!("{border} cannot have a place in the scratchpad: {why}");
                Err(Diagnostic::at(terminator, message))
            };
            if !self.written.pieces(value).is_empty() {
                return refuse("it is assembled in host memory");
            }
            let Some(tensor) = self.tensor(value) else {
                return refuse("it is read in pieces, or a constant of one element");
            };
            if self.roots.contains_key(&key(value)) && self.size(value) != Ok(Some(self.graph.size(tensor))) {
                return refuse("it is a view of a part of another tensor");
            }
            let on_chip = is_on_chip.then_some(border);
            self.say(Said { tensor, what: border.to_string(), at, on_chip, location: terminator.location() })?;
        }
        Ok(())
    }

    /// A value that the function returns or writes to a variable: a tensor, or its pieces.
    fn read_end(&mut self, value: Value<'c, 'a>) {
        let mut tensors: Vec<TensorId> = self.written.pieces(value).iter().filter_map(|it| it.tensor).collect();
        tensors.extend(self.tensor(value));
        tensors.into_iter().for_each(|it| self.graph.result(it));
    }

    /// Refuses operators that read an assembled tensor in host memory.
    fn refuse_written(&self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let is_written = |it: &Read| !self.written.pieces(it.value).is_empty();
        if !self.written.is_empty() && reads(operation).iter().any(is_written) {
            let message = "reads a tensor that is assembled in host memory, which must be loaded by cosma.reload";
            return Err(Diagnostic::at(operation, message));
        }
        Ok(())
    }

    fn read(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        if self.inserts.contains(&address(operation)) {
            self.read_written(operation, operand_at(operation, 1).expect("an insertion has a destination"));
            return Ok(());
        }
        if transfer(operation).is_some() {
            return self.read_transfer(operation);
        }
        if is_wait(operation) {
            self.read_wait(operation);
            return Ok(());
        }
        let piece = self.piece(operation);
        if let Some(tensor) = if piece.is_some() { piece } else { self.slice_of_written(operation)? } {
            self.read_slice(operation, tensor);
            return Ok(());
        }
        if access(operation).is_none() {
            self.refuse_written(operation)?;
        }
        if let Some(access) = access(operation) {
            return self.read_access(operation, access);
        }
        if name(operation) == "tosa.variable" {
            return Ok(());
        }
        match role(operation, |it| self.scalars.contains_key(&key(it))) {
            Role::Operator if self.is_folded(operation) => self.read_known(operation, "folded"),
            Role::Operator => self.read_operator(operation),
            Role::Constant => self.read_known(operation, "const"),
            Role::View => self.read_view(operation),
            Role::Transfer => unreachable!("transfers were dealt with"),
            Role::Preamble => {
                for (index, value) in operation.results().enumerate() {
                    self.size(value.into()).map_err(|message| cannot(operation, index, &message))?;
                    self.tensors.insert(key(value.into()), None);
                }
                self.equals.before(operation);
                Ok(())
            }
        }
    }

    fn read_access(&mut self, operation: OperationRef<'c, 'a>, access: Access<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let Access { symbol, value, is_write } = access;
        if is_write {
            self.writes.insert(symbol, Write { value, operation, position: self.n_writes });
            self.n_writes += 1;
            return Ok(());
        }
        let size = self.size(value).map_err(|message| cannot(operation, 0, &message))?.expect("it is a tensor");
        let same = self.writes.get(&symbol).map(|it| it.value).or(self.states.get(&symbol).copied());
        let tensor = match same {
            Some(same) => self.tensor(same),
            None => {
                self.states.insert(symbol, value);
                self.carriers.push(Carrier::Constant(value, operation));
                self.n_variables += 1;
                Some(self.graph.argument(format!("var{}", self.n_variables - 1), size))
            }
        };
        self.tensors.insert(key(value), tensor);
        Ok(())
    }

    /// A value that is known before the run: a weight, or a parameter of one element.
    fn read_known(&mut self, operation: OperationRef<'c, 'a>, prefix: &str) -> Result<(), Diagnostic<'c>> {
        let value: Value = operation.result(0).expect("it has one").into();
        let size = self.size(value).map_err(|message| cannot(operation, 0, &message))?.expect("it is a tensor");
        self.known.insert(key(value), size);
        let equal = self.equals.before(operation).and_then(|first| result_at(first, 0));
        let tensor = if n_elements(value) == Some(1) {
            None
        } else if let Some(equal) = equal.and_then(|first| self.tensor(first)) {
            Some(equal)
        } else {
            let count = if prefix == "const" { &mut self.n_constants } else { &mut self.n_folded };
            let name = format!("{prefix}{count}");
            *count += 1;
            if self.read_pieces(value, &name, ArgumentKind::Weight)? {
                return Ok(());
            }
            self.carriers.push(Carrier::Constant(value, operation));
            Some(self.graph.weight(name, size))
        };
        self.tensors.insert(key(value), tensor);
        Ok(())
    }

    fn read_view(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let source = operation.operand(0).expect("a view has a source");
        let value: Value = operation.result(0).expect("a view has a result").into();
        self.size(value).map_err(|message| cannot(operation, 0, &message))?;
        // A view of a scalar that an operator computes, or of a value that is not a tensor of the block: it must run.
        let tensor = self.tensor(source);
        let depends = |it: Value| self.tensor(it).is_some() || self.scalars.contains_key(&key(it));
        if operation.operands().skip(1).any(depends) {
            return self.read_operator(operation);
        }
        self.tensors.insert(key(value), tensor);
        self.equals.before(operation);
        if let Some(size) = self.known.get(&key(source)) {
            self.known.insert(key(value), *size);
        }
        if tensor.is_some() {
            self.views.push(operation);
            self.roots.insert(key(value), self.roots.get(&key(source)).copied().unwrap_or(source));
        }
        Ok(())
    }

    /// Whether an operation is done before the run: it computes from weights alone, and its result is no larger.
    fn is_folded(&self, operation: OperationRef<'c, 'a>) -> bool {
        let is_ours = is_abstract(operation) || is_group(operation);
        if !self.folds || is_ours || operation.result_count() != 1 || may_have_effects(operation) {
            return false;
        }
        let Some(result) = result_at(operation, 0) else { return false };
        // A result that is stored as a piece is computed by an operator.
        if !self.inserts.is_empty() && uses(result).iter().any(|it| self.inserts.contains(&address(it.operation))) {
            return false;
        }
        let Ok(Some(size)) = self.size(result) else { return false };
        let mut read = Bytes::ZERO;
        for it in reads(operation) {
            match (self.known.get(&key(it.value)), self.tensor(it.value)) {
                (Some(size), _) => read += *size,
                (None, Some(_)) => return false,
                (None, None) if self.scalars.contains_key(&key(it.value)) => return false,
                (None, None) => {}
            }
        }
        Bytes::ZERO < read && size <= read
    }

    fn tensor(&self, value: Value<'c, 'a>) -> Option<TensorId> {
        self.tensors.get(&key(value)).copied().flatten()
    }

    /// The bytes of a value; `None` if it is not a tensor.
    fn size(&self, value: Value) -> Result<Option<Bytes>, String> {
        value_size(value, self.element_bytes)
    }

    /// Constants in the regions of an operator, which are weights that it reads.
    fn read_inner_constants(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        if is_abstract(operation) || is_group(operation) {
            return Ok(());
        }
        for inner in nested(operation) {
            match role(inner, |_| false) {
                Role::Constant => self.read_known(inner, "const")?,
                _ => self.read_inner_constants(inner)?,
            }
        }
        Ok(())
    }

    fn read_operator(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        refuse_unknown(operation)?;
        self.read_inner_constants(operation)?;
        let inside = self.look_inside(operation)?;
        let index = self.operators.len();
        let op = OpId(index as u32);
        let all_read = reads(operation);
        let read: Vec<TensorId> = all_read.iter().filter_map(|it| self.tensor(it.value)).collect();

        let name = format!("{}_{}", identifier(&kind(operation)), op.0);
        let n_results = operation.result_count();
        let mut writes = Vec::new();
        let mut results: Vec<(usize, Value)> = Vec::new();
        for (index, value) in operation.results().enumerate() {
            let Some(size) = self.size(value.into()).map_err(|message| cannot(operation, index, &message))? else {
                self.scalars.insert(key(value.into()), op);
                continue;
            };
            writes.push((if n_results == 1 { name.clone() } else { format!("{name}.{index}") }, size));
            results.push((index, value.into()));
            self.carriers.push(Carrier::Result(value.into(), index));
        }
        let said = Bytes(workspace(operation));
        let workspace = if said == Bytes::ZERO { inside.workspace } else { said };
        // By result; `None` for a scalar.
        let mut written: Vec<Option<TensorId>> = vec![None; n_results];
        for ((index, value), tensor) in results.into_iter().zip(self.graph.op(name, &read, writes, workspace)) {
            written[index] = Some(tensor);
            self.tensors.insert(key(value), Some(tensor));
        }
        if self.is_timed {
            macs(operation).into_iter().for_each(|it| self.graph.macs(op, it));
            cycles(operation).into_iter().for_each(|it| self.graph.cycles(op, Cycles(it)));
        }
        let before = all_read.iter().filter_map(|it| self.scalars.get(&key(it.value)));
        before.for_each(|it| self.graph.order(*it, op));
        if may_have_effects(operation) {
            self.last_effect.into_iter().for_each(|it| self.graph.order(it, op));
            self.last_effect = Some(op);
        }
        let pairs: Vec<(InPlace, TensorId)> = in_place(operation)
            .into_iter()
            .filter_map(|it| Some((it, self.tensor(operand_at(operation, it.operand)?)?)))
            .collect();
        let is_said = is_abstract(operation) || is_group(operation);
        let mut shared: Vec<(usize, TensorId)> = Vec::new();
        for &(pair, tensor) in &pairs {
            // A tensor that is read twice has one place, and each read must be there.
            let n_reads = read.iter().filter(|it| **it == tensor).count();
            let n_pairs = pairs.iter().filter(|it| (it.0.result, it.1) == (pair.result, tensor)).count();
            if !shared.contains(&(pair.result, tensor)) && (is_said || n_reads == n_pairs) {
                shared.push((pair.result, tensor));
                self.read_in_place(operation, pair, tensor, &written);
            }
        }
        for over in inside.over.iter().filter(|_| cosma_ir::in_place(operation).is_none()) {
            let Some(tensor) = self.tensor(over.value) else { continue };
            let is_read_else = over.only_reader && 1 < read.iter().filter(|it| **it == tensor).count();
            let Some(result) = written[over.result] else { continue };
            // A view of a part of a tensor does not have its whole place.
            let is_whole = self.graph.size(tensor) == self.graph.size(result);
            if !is_read_else && is_whole && !shared.contains(&(over.result, tensor)) {
                self.graph.in_place(result, tensor);
            }
        }
        self.operators.push(operation);
        Ok(())
    }

    fn look_inside(&self, operation: OperationRef<'c, 'a>) -> Result<Inside<'c, 'a>, Diagnostic<'c>> {
        let tensor = |value| self.tensor(value).map(TensorId::index);
        let outside = Outside { element_bytes: self.element_bytes, alignment: self.alignment, tensor: &tensor };
        inside(operation, &outside)
    }

    /// A result and an operand that may share bytes. If floats are planned with another size than that of their type,
    /// the byte offset of a part is scaled, too; if the two no longer fit, they share nothing.
    fn read_in_place(
        &mut self,
        operation: OperationRef<'c, 'a>,
        pair: InPlace,
        read: TensorId,
        written: &[Option<TensorId>],
    ) {
        let (operand, value) = (operand_at(operation, pair.operand), result_at(operation, pair.result));
        let result = written.get(pair.result).copied().flatten();
        let (Some(operand), Some(value), Some(result)) = (operand, value, result) else { return };
        let sizes =
            |it: Value| Some((size_with(it.r#type(), None).ok()?, size_with(it.r#type(), self.element_bytes).ok()?));
        let (Some(from), Some(to)) = (sizes(operand), sizes(value)) else { return };
        // As declared, and as planned.
        let (said, planned) = if from.0 < to.0 { to } else { from };
        let scaled = u128::from(pair.at) * u128::from(planned);
        let at = if pair.at == 0 { 0 } else { scaled / u128::from(said.max(1)) };
        let is_whole = pair.at == 0 || scaled.is_multiple_of(u128::from(said));
        // A view of a part of a tensor does not have its whole place.
        let has_place = self.graph.size(read) == Bytes(from.1);
        // Integer sums are as wide as their type; a tile reads each of them before it writes narrower floats over them.
        let is_of_sums = pair.at == 0 && from.0 == to.0 && to.1 < from.1 && is_tile(operation);
        let is_alike = is_of_sums || from.0.cmp(&to.0) == from.1.cmp(&to.1);
        let fits = is_alike && at + u128::from(from.1.min(to.1)) <= u128::from(planned);
        if let Ok(at) = u64::try_from(at)
            && has_place
            && is_whole
            && fits
        {
            self.graph.in_place_at(result, read, Bytes(at));
        }
    }
}

/// Refuses calls with tensors, in regions too, because the location of the callee's results is unknown; and variables
/// in regions, which may be accessed any number of times.
fn refuse_unknown<'c>(operation: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let mut pending = vec![operation];
    while let Some(operation) = pending.pop() {
        let mut types = operation.operands().map(|it| it.r#type()).chain(operation.results().map(|it| it.r#type()));
        if access(operation).is_some() {
            let message = "reads or writes a variable in a region, which cannot be planned: read it before the \
                           operation with the region, and write it after";
            return Err(Diagnostic::at(operation, message));
        }
        if is_call(operation) && types.any(|it| it.is_tensor()) {
            let message = "calls a function with tensors, which can only be planned together with it: cosma-inline \
                           brings them together, if the function has a body in this module";
            return Err(Diagnostic::at(operation, message));
        }
        pending.extend(nested(operation));
    }
    Ok(())
}

/// The kind of values that the operations of a block compute on, for code that a front end has already lowered from
/// tensors, without tensors and operations of COSMA.
fn other_than_tensors(block: BlockRef) -> Option<&'static str> {
    let mut found = None;
    for operation in operations(block) {
        let read = reads(operation).into_iter().map(|it| it.value.r#type());
        for r#type in read.chain(operation.results().map(|it| it.r#type())) {
            if r#type.is_tensor() {
                return None;
            }
            let what = match r#type {
                it if it.is_mem_ref() || it.is_unranked_mem_ref() => Some("memrefs"),
                it if it.is_vector() => Some("vectors"),
                _ => None,
            };
            found = if operation.next_in_block().is_some() { found.or(what) } else { found };
        }
        if is_abstract(operation) || is_group(operation) {
            return None;
        }
    }
    found
}

/// The bytes of a value if each element of a float tensor takes this many bytes; `None` if it is not a tensor.
pub(crate) fn value_size(value: Value, element_bytes: Option<u64>) -> Result<Option<Bytes>, String> {
    let r#type = tensor_type(value.r#type());
    if !r#type.is_tensor() {
        return Ok(None);
    }
    size_with(r#type, element_bytes).map(|it| Some(Bytes(it))).map_err(|error| error.to_string())
}

pub(crate) fn cannot<'c>(operation: OperationRef<'c, '_>, result: usize, why: &str) -> Diagnostic<'c> {
    Diagnostic::at(operation, format!("result {result} cannot be planned: {why}"))
}

/// A kind as part of a name in the planner's text form.
fn identifier(kind: &str) -> String {
    kind.chars().map(|it| if it.is_ascii_alphanumeric() || matches!(it, '.' | '-') { it } else { '_' }).collect()
}
