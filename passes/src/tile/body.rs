//! The bodies of tiles: operations that compute regions of an operator's results from pieces.
//!
//! A tile of an operator of linalg, TOSA or tensor, or of a group of them, is a `cosma.group`. Its body is built from
//! the results backwards, by the rules in `cut.rs`:
//!
//! 1. A region of a tensor of the network is a window: the pieces of it that the tile reads, sliced and assembled.
//! 2. A region of a value that no tile computes, such as a member of a group, a view or an initial value, is computed
//!    by an operation on that region, from the regions of its operands that it needs.
//! 3. Scalars, shapes and constants are copied.
//!
//! Regions follow from accesses. If MLIR's interface for tiling requires other regions than the access, or if a tile's
//! pieces do not contain what its body needs, there is no tile.

use super::check::region_of;
use crate::cut::{Cut, Rule, Scale, cut, padded_value, scales};
use crate::extract::{Extraction, key};
use crate::form::{defining, operations};
use crate::regions::are_disjoint;
use crate::role::{Role, reads, role};
use crate::slice::{signed, slice_attributes};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::{DenseI64ArrayAttribute, IntegerAttribute};
use cosma_ir::melior::ir::block::BlockArgument;
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::{IntegerType, RankedTensorType, ShapedTypeLike, TypeLike};
use cosma_ir::melior::ir::{
    Attribute, BlockLike, Identifier, Location, Operation, OperationRef, RegionLike, Type, Value, ValueLike,
};
use cosma_ir::{
    TensorRegion, as_mut, clear_operator_facts, erase, is_group, name, operand_at, result_at, set_type, slice_result,
    static_dimensions, uses,
};
use cosma_planner::{OpId, TensorId};
use cosma_tile::{Network, Region, Shape, TileProgram, kinds};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The reason why an operator cannot be tiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub op: OpId,
    pub why: String,
}

/// Checks that the body of each tile can be made, from regions alone.
pub(super) fn check(extraction: &Extraction, network: &Network, program: &TileProgram) -> Result<(), Refusal> {
    let runs: HashSet<OpId> = program.tiles.iter().map(|it| it.of).collect();
    for op in program.problem.graph.op_ids() {
        let of = program.tiles[op.index()].of;
        let operation = extraction.operators[of.index()];
        if cosma_ir::is_abstract(operation) {
            continue;
        }
        let tile = Tile::new(extraction, network, program, &runs, op);
        let mut seen = HashSet::new();
        let regions = tile.results();
        let checked = regions.iter().try_for_each(|(value, region)| tile.check(*value, region, &mut seen));
        checked.map_err(|why| Refusal { op: of, why })?;
    }
    Ok(())
}

/// A tile whose body is to be made.
pub(super) struct Tile<'e, 'c, 'a> {
    extraction: &'e Extraction<'c, 'a>,
    network: &'e Network,
    program: &'e TileProgram,
    /// The operators that have tiles.
    runs: &'e HashSet<OpId>,
    op: OpId,
}

/// The way to compute a region of a value.
enum Step<'c, 'a> {
    /// From pieces.
    Window(TensorId),
    /// The same region of another value.
    Same(Value<'c, 'a>),
    /// Nothing is computed.
    Empty(OperationRef<'c, 'a>),
    /// A region of a copy.
    Copy(OperationRef<'c, 'a>),
    /// From regions of operands: those, by map of the access.
    Cut { operation: OperationRef<'c, 'a>, cut: Cut, domain: Region, needs: Vec<Region> },
    /// By the whole operation.
    Whole(OperationRef<'c, 'a>),
}

impl<'e, 'c, 'a> Tile<'e, 'c, 'a> {
    pub(super) fn new(
        extraction: &'e Extraction<'c, 'a>,
        network: &'e Network,
        program: &'e TileProgram,
        runs: &'e HashSet<OpId>,
        op: OpId,
    ) -> Self {
        Tile { extraction, network, program, runs, op }
    }

    /// The values that the tile computes regions of.
    fn results(&self) -> Vec<(Value<'c, 'a>, Region)> {
        let tile = &self.program.tiles[self.op.index()];
        let written = &self.network.operator(tile.of).results;
        let regions = self.network.writes(tile.of, &tile.domain);
        let value = |it: &TensorId| self.extraction.carriers[it.index()].value();
        written.iter().map(value).zip(regions).filter(|it| !it.1.is_empty()).collect()
    }

    /// The operand of the tiled group that an argument of its block stands for.
    fn group_operand(&self, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        let group = self.extraction.operators[self.program.tiles[self.op.index()].of.index()];
        let block = group.region(0).ok().filter(|_| is_group(group))?.first_block()?;
        let argument = BlockArgument::try_from(value).ok().filter(|it| it.owner() == block)?;
        operand_at(group, argument.argument_number())
    }

    fn step(&self, value: Value<'c, 'a>, region: &Region) -> Result<Step<'c, 'a>, String> {
        if let Some(operand) = self.group_operand(value) {
            return Ok(Step::Same(operand));
        }
        let own = self.program.tiles[self.op.index()].of;
        if let Some(tensor) = self.extraction.tensor(value).filter(|_| self.extraction.root(value).is_none()) {
            let producer = self.network.problem.graph.producer(tensor);
            if producer.is_none_or(|it| it != own && self.runs.contains(&it)) {
                return Ok(Step::Window(tensor));
            }
        }
        let operation = defining(value).ok_or("it reads something that no operation defines")?;
        if operation == self.extraction.operators[own.index()]
            && let Some(yielded) = yielded(operation, value)
        {
            return Ok(Step::Same(yielded));
        }
        if name(operation) == "tensor.empty" {
            return Ok(Step::Empty(operation));
        }
        if matches!(role(operation, |_| false), Role::Constant | Role::Preamble) && operation.operand_count() == 0 {
            return Ok(Step::Copy(operation));
        }
        match cut(operation) {
            Some(cut) => {
                let result = result_index(operation, value);
                let shapes = cut.operands.iter().map(|it| shape_of(operand_at(operation, *it))).collect::<Vec<_>>();
                let domain = cut.access.domain_of(result, region);
                let needs = cut.access.reads(&shapes, &domain);
                let is_whole = needs.iter().zip(&shapes).all(|(needed, shape)| *needed == shape.whole());
                if is_whole && *region == whole(value) {
                    return Ok(Step::Whole(operation));
                }
                Ok(Step::Cut { operation, cut, domain, needs })
            }
            None if *region == whole(value) => Ok(Step::Whole(operation)),
            None => Err(format!("COSMA does not know how {} may be split", name(operation))),
        }
    }

    /// Whether a region of a value can be computed from the tile's pieces.
    fn check(&self, value: Value<'c, 'a>, region: &Region, seen: &mut HashSet<(usize, Region)>) -> Result<(), String> {
        if !seen.insert((key(value), region.clone())) {
            return Ok(());
        }
        match self.step(value, region)? {
            Step::Window(tensor) => {
                let parts: Vec<Region> = self.pieces(tensor, region).into_iter().map(|it| it.1).collect();
                let of = &self.network.problem.graph.tensor(tensor).name;
                if covers(&parts, region) {
                    Ok(())
                } else {
                    Err(format!("its pieces of {of} do not contain all that it needs"))
                }
            }
            Step::Same(value) => self.check(value, region, seen),
            Step::Empty(_) | Step::Copy(_) => Ok(()),
            Step::Cut { operation, cut, needs, .. } => {
                if cut.rule == Rule::Reshape {
                    refolded(operation, region, &needs[0])?;
                }
                let read = cut.operands.iter().zip(&needs).filter(|it| !it.1.is_empty());
                for (operand, needed) in read {
                    self.check(operand_at(operation, *operand).expect("it has a map"), needed, seen)?;
                }
                self.check_captured(operation, seen)
            }
            Step::Whole(operation) => {
                for it in operation.operands().filter(|it| it.r#type().is_tensor()) {
                    self.check(it, &whole(it), seen)?;
                }
                self.check_captured(operation, seen)
            }
        }
    }

    /// Operands of an operation's regions are read whole.
    fn check_captured(
        &self,
        operation: OperationRef<'c, 'a>,
        seen: &mut HashSet<(usize, Region)>,
    ) -> Result<(), String> {
        let inner = reads(operation).into_iter().filter(|it| it.operation != operation);
        let captured = inner.map(|it| it.value).filter(|it| it.r#type().is_tensor() && !is_within(*it, operation));
        captured.collect::<Vec<_>>().into_iter().try_for_each(|it| self.check(it, &whole(it), seen))
    }

    /// The pieces that the tile reads which overlap a region of a tensor, with the overlaps: only one if it contains
    /// the region. Pieces that were read back from host memory may overlap others.
    fn pieces(&self, tensor: TensorId, region: &Region) -> Vec<(TensorId, Region)> {
        let read = self.program.problem.graph.op(self.op).reads.iter().map(|it| it.tensor);
        let part = |it: TensorId| Some((it, self.program.pieces[it.index()].region_of(tensor)?.intersect(region)));
        let parts: Vec<(TensorId, Region)> = read.filter_map(part).filter(|it| !it.1.is_empty()).collect();
        match parts.iter().find(|it| it.1 == *region) {
            Some(all) => vec![all.clone()],
            None => parts,
        }
    }
}

/// Whether parts of a region contain all of its elements.
fn covers(parts: &[Region], region: &Region) -> bool {
    if are_disjoint(&parts.iter().map(region_of).collect::<Vec<_>>()) {
        return parts.iter().map(|it| u128::from(it.len())).sum::<u128>() == u128::from(region.len());
    }
    let cuts = |axis: usize| -> Vec<u64> {
        let ends = parts.iter().map(|it| it.range(axis)).flat_map(|it| [it.start, it.end]);
        let cuts: BTreeSet<u64> = ends.chain([region.range(axis).start, region.range(axis).end]).collect();
        cuts.into_iter().collect()
    };
    let mut cells = vec![Vec::new()];
    for axis in 0..region.rank() {
        let cuts = cuts(axis);
        let longer = |cell: &Vec<std::ops::Range<u64>>| {
            let ranges = cuts.windows(2).map(|it| it[0]..it[1]);
            ranges.map(|range| [&cell[..], &[range]].concat()).collect::<Vec<_>>()
        };
        cells = cells.iter().flat_map(longer).collect();
    }
    cells.into_iter().map(Region::new).all(|cell| parts.iter().any(|it| it.contains(&cell)))
}

/// The value in a group that one of its results is.
fn yielded<'c, 'a>(group: OperationRef<'c, 'a>, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
    let end = operations(group.region(0).ok().filter(|_| is_group(group))?.first_block()?).last()?;
    operand_at(end, result_index(group, value))
}

fn result_index<'c, 'a>(operation: OperationRef<'c, 'a>, value: Value<'c, 'a>) -> usize {
    (0..operation.result_count()).find(|it| result_at(operation, *it) == Some(value)).expect("it is a result")
}

fn shape_of(value: Option<Value>) -> Shape {
    value.and_then(crate::cut::shape).expect("what has a map is a static tensor")
}

fn whole(value: Value) -> Region {
    Region::whole(&static_dimensions(value.r#type()).expect("tensors are static"))
}

/// Whether a value is defined in the regions of an operation.
fn is_within<'c, 'a>(value: Value<'c, 'a>, operation: OperationRef<'c, 'a>) -> bool {
    if let Some(inner) = defining(value) {
        let around = std::iter::successors(inner.parent_operation(), |it| it.parent_operation());
        return around.into_iter().any(|it| it == operation);
    }
    let mut pending = vec![operation];
    while let Some(around) = pending.pop() {
        for region in around.regions() {
            for block in std::iter::successors(region.first_block(), |it| it.next_in_region()) {
                if BlockArgument::try_from(value).is_ok_and(|it| it.owner() == block) {
                    return true;
                }
                pending.extend(operations(block));
            }
        }
    }
    false
}

/// The region of a reshape's result that has the elements of a region of its operand, and contains the needed region of
/// the result.
fn refolded(operation: OperationRef, region: &Region, needed: &Region) -> Result<Region, String> {
    if region.len() == needed.len() {
        return Ok(region.clone());
    }
    let (from, to) = (shape_of(result_at(operation, 0)), shape_of(operand_at(operation, 0)));
    let back = kinds::infer("Reshape", std::slice::from_ref(&from), &[to]);
    let around = back.map(|it| it.needs(&[from], 0, needed).remove(0));
    let fits = around.filter(|it| it.len() == needed.len() && it.contains(region));
    fits.ok_or_else(|| format!("a region of the result of {} is not a region of its operand", name(operation)))
}

/// The body of a tile under construction, from the values of its pieces.
pub(super) struct Body<'e, 'c, 'a> {
    context: &'c Context,
    tile: Tile<'e, 'c, 'a>,
    pieces: HashMap<TensorId, Value<'c, 'a>>,
    /// Operations are inserted before it.
    before: OperationRef<'c, 'a>,
    location: Location<'c>,
    /// Only looked up, never iterated over.
    regions: HashMap<(usize, Region), Value<'c, 'a>>,
    copies: HashMap<usize, Value<'c, 'a>>,
    /// Scalars from outside of the tile.
    pub scalars: Vec<Value<'c, 'a>>,
}

impl<'e, 'c, 'a> Body<'e, 'c, 'a> {
    pub(super) fn new(
        context: &'c Context,
        tile: Tile<'e, 'c, 'a>,
        pieces: HashMap<TensorId, Value<'c, 'a>>,
        before: OperationRef<'c, 'a>,
        location: Location<'c>,
    ) -> Self {
        let (regions, copies, scalars) = (HashMap::new(), HashMap::new(), Vec::new());
        Body { context, tile, pieces, before, location, regions, copies, scalars }
    }

    /// The values of the pieces that the tile writes.
    pub(super) fn results(&mut self) -> Result<Vec<Value<'c, 'a>>, String> {
        let (program, op) = (self.tile.program, self.tile.op);
        let computed: HashMap<usize, (Value, Region)> = self
            .tile
            .results()
            .into_iter()
            .map(|(value, region)| Ok((key(value), (self.region(value, &region)?, region))))
            .collect::<Result<_, String>>()?;
        let mut results: Vec<Value> = Vec::new();
        for piece in &program.problem.graph.op(op).writes {
            let (of, written) = program.pieces[piece.index()].region().expect("a body is not added up in parts");
            let whole = self.tile.extraction.carriers[of.index()].value();
            let (value, region) = &computed[&key(whole)];
            let part = self.part(*value, region, written);
            // A value that is read is copied before it is returned, since it would have to lie at one place.
            let is_copied = results.contains(&part) || self.pieces.values().any(|it| *it == part);
            results.push(if is_copied { self.copied(part) } else { part });
        }
        Ok(results)
    }

    /// A region of a value.
    fn region(&mut self, value: Value<'c, 'a>, region: &Region) -> Result<Value<'c, 'a>, String> {
        if let Some(made) = self.regions.get(&(key(value), region.clone())) {
            return Ok(*made);
        }
        let made = match self.tile.step(value, region)? {
            Step::Window(tensor) => self.window(tensor, region)?,
            Step::Same(value) => self.region(value, region)?,
            Step::Empty(operation) => {
                let copy = self.clone(operation);
                set_type(copy.result(0).expect("it has one").into(), self.typed(value, &region.shape()));
                copy.result(0).expect("it has one").into()
            }
            Step::Copy(operation) => {
                let copy = self.clone(operation).result(0).expect("it has one").into();
                self.part(copy, &whole(value), region)
            }
            Step::Cut { operation, cut, domain, needs } => {
                self.cut(value, region, &At { operation, cut, domain, needs })?
            }
            Step::Whole(operation) => {
                let copy = self.clone(operation);
                self.connect(copy, &HashSet::new())?;
                self.note_results(operation, copy, |index| whole(result_at(operation, index).expect("counted")));
                result_at(copy, result_index(operation, value)).expect("it has as many")
            }
        };
        self.regions.insert((key(value), region.clone()), made);
        Ok(made)
    }

    /// A region of a tensor of the network, assembled from pieces.
    fn window(&mut self, tensor: TensorId, region: &Region) -> Result<Value<'c, 'a>, String> {
        let mut parts: Vec<(Region, Value)> = Vec::new();
        for (piece, part) in self.tile.pieces(tensor, region) {
            let of = self.tile.program.pieces[piece.index()].region_of(tensor).expect("it is a piece of it");
            parts.push((part.clone(), self.part(self.pieces[&piece], of, &part)));
        }
        parts.sort_by(|left, right| left.0.offsets().cmp(right.0.offsets()));
        if !covers(&parts.iter().map(|it| it.0.clone()).collect::<Vec<_>>(), region) {
            return Err("its pieces do not contain all that it needs".into());
        }
        if let [(_, only)] = parts[..] {
            return Ok(only);
        }
        let is_cut = |axis: &usize| parts.iter().any(|it| it.0.range(*axis) != region.range(*axis));
        let axes: Vec<usize> = (0..region.rank()).filter(is_cut).collect();
        let r#type = self.typed(parts[0].1, &region.shape());
        let are_disjoint = parts.iter().map(|it| it.0.len()).sum::<u64>() == region.len();
        if let [axis] = axes[..]
            && are_disjoint
        {
            let values: Vec<Value> = parts.iter().map(|it| it.1).collect();
            return Ok(self.concatenation("tensor.concat", "dim", axis, &values, r#type));
        }
        let empty = OperationBuilder::new("tensor.empty", self.location).add_results(&[r#type]);
        let mut whole = self.value(empty);
        for (part, value) in parts {
            let insert = OperationBuilder::new("tensor.insert_slice", self.location)
                .add_operands(&[value, whole])
                .add_attributes(&self.slice_attributes(&within(region, &part), 2))
                .add_results(&[r#type]);
            whole = self.value(insert);
        }
        Ok(whole)
    }

    /// A part of a region of a value.
    fn part(&self, value: Value<'c, 'a>, of: &Region, part: &Region) -> Value<'c, 'a> {
        if of == part {
            return value;
        }
        let slice = OperationBuilder::new("tensor.extract_slice", self.location)
            .add_operands(&[value])
            .add_attributes(&self.slice_attributes(&within(of, part), 1))
            .add_results(&[self.typed(value, &part.shape())]);
        self.value(slice)
    }

    fn copied(&self, value: Value<'c, 'a>) -> Value<'c, 'a> {
        self.concatenation("tensor.concat", "dim", 0, &[value], value.r#type())
    }

    fn concatenation(
        &self,
        name: &str,
        along: &str,
        axis: usize,
        values: &[Value<'c, 'a>],
        r#type: Type<'c>,
    ) -> Value<'c, 'a> {
        // TOSA's attribute has 32 bits.
        let bits = if along == "dim" { 64 } else { 32 };
        let axis = IntegerAttribute::new(IntegerType::new(self.context, bits).into(), axis as i64);
        let builder = OperationBuilder::new(name, self.location)
            .add_operands(values)
            .add_attributes(&[(Identifier::new(self.context, along), axis.into())])
            .add_results(&[r#type]);
        self.value(builder)
    }

    /// A region of an operation's result, from regions of its operands.
    fn cut(&mut self, value: Value<'c, 'a>, region: &Region, at: &At<'c, 'a>) -> Result<Value<'c, 'a>, String> {
        let At { operation, cut, domain, needs } = at;
        match cut.rule {
            Rule::Interface => self.by_interface(value, region, at),
            Rule::Region => self.operand(at, 0),
            Rule::Same => {
                let made = self.same(at)?;
                set_type(made, self.typed(value, &region.shape()));
                Ok(made)
            }
            Rule::Window => {
                let made = self.same(at)?;
                let image = static_dimensions(operand_at(*operation, 0).expect("it has a map").r#type());
                let image = image.expect("it is static");
                let n_axes = image.len() - 2;
                let axes = cut.access.operands[0].0[1..=n_axes].iter().zip(&image[1..]);
                let pads = axes.flat_map(|(expr, size)| outside(&expr.range(domain), *size)).collect::<Vec<_>>();
                self.set_integers(defining(made).expect("it was made"), "pad", &pads);
                set_type(made, self.typed(value, &region.shape()));
                Ok(made)
            }
            Rule::Pad => self.padded(value, region, at),
            Rule::Concatenation => {
                let mut values = Vec::new();
                for map in (0..needs.len()).filter(|it| !needs[*it].is_empty()) {
                    values.push(self.operand(at, map)?);
                }
                if let [only] = values[..] {
                    return Ok(only);
                }
                let name = name(*operation);
                let along = if name == "tosa.concat" { "axis" } else { "dim" };
                let axis = operation.attribute(along).ok().and_then(|it| IntegerAttribute::try_from(it).ok());
                let axis = axis.expect("it was read before").value() as usize;
                Ok(self.concatenation(&name, along, axis, &values, self.typed(value, &region.shape())))
            }
            Rule::Slice => {
                let from = self.operand(at, 0)?;
                let strides = operation.attribute("static_strides").ok();
                let strides = strides.and_then(|it| DenseI64ArrayAttribute::try_from(it).ok()).expect("it has some");
                let strides: Vec<i64> = (0..strides.len()).filter_map(|it| strides.element(it).ok()).collect();
                let sizes: Vec<i64> = needs[0]
                    .shape()
                    .iter()
                    .zip(&strides)
                    .map(|(size, stride)| (size.cast_signed() - 1) / stride + 1)
                    .collect();
                let attributes = slice_attributes(self.context, 1, (&vec![0; sizes.len()], &sizes, &strides));
                let slice = OperationBuilder::new("tensor.extract_slice", self.location)
                    .add_operands(&[from])
                    .add_attributes(&attributes)
                    .add_results(&[self.typed(value, &region.shape())]);
                Ok(self.value(slice))
            }
            Rule::Resize => self.resized(value, region, at),
            Rule::Reshape => {
                let around = refolded(*operation, region, &needs[0])?;
                let from = self.operand(at, 0)?;
                let made = self.reshape(from, &around.shape(), name(*operation) == "tosa.reshape");
                Ok(self.part(made, &around, region))
            }
        }
    }

    /// The region of an operand that a map of an operation's access reads.
    fn operand(&mut self, at: &At<'c, 'a>, map: usize) -> Result<Value<'c, 'a>, String> {
        let operand = operand_at(at.operation, at.cut.operands[map]).expect("it has a map");
        self.region(operand, &at.needs[map])
    }

    /// The same operation on regions of its operands; its one result still has the old type.
    fn same(&mut self, at: &At<'c, 'a>) -> Result<Value<'c, 'a>, String> {
        let copy = self.clone(at.operation);
        for (map, operand) in at.cut.operands.iter().enumerate() {
            let value = self.operand(at, map)?;
            as_mut(copy).set_operand(*operand, value);
        }
        let tensors: HashSet<usize> = at.cut.operands.iter().copied().collect();
        self.connect(copy, &tensors)?;
        Ok(copy.result(0).expect("it has one").into())
    }

    /// The tile made by MLIR's interface for tiling, if it requires the same regions.
    fn by_interface(
        &mut self,
        value: Value<'c, 'a>,
        region: &Region,
        at: &At<'c, 'a>,
    ) -> Result<Value<'c, 'a>, String> {
        let At { operation, cut, domain, needs } = at;
        let result = result_index(*operation, value);
        let made = slice_result(*operation, result, &region_of(region), self.before);
        let made = made.ok_or_else(|| format!("MLIR cannot tile {}", name(*operation)))?;
        for (map, index) in cut.operands.iter().enumerate() {
            let operand = operand_at(made, *index).ok_or("MLIR's tile of it has other operands")?;
            let slice = defining(operand).filter(|it| operand_at(*it, 0) == operand_at(*operation, *index));
            let slice = slice
                .filter(|it| name(*it) == "tensor.extract_slice" && Some(operand) != operand_at(*operation, *index));
            let wanted = slice.and_then(cosma_ir::region).unwrap_or_else(|| region_of(&whole(operand)));
            if wanted != region_of(&needs[map]) {
                return Err(format!("MLIR wants {wanted} of operand {index} of {}", name(*operation)));
            }
            let value = self.operand(at, map)?;
            as_mut(made).set_operand(*index, value);
            if let Some(slice) = slice.filter(|_| uses(operand).is_empty()) {
                erase(slice);
            }
        }
        let tensors: HashSet<usize> = cut.operands.iter().copied().collect();
        self.connect(made, &tensors)?;
        as_mut(made).move_before(self.before);
        let shapes: Vec<Shape> = operation.results().map(|it| shape_of(Some(it.into()))).collect();
        let written = cut.access.writes(&shapes, domain);
        self.note_results(*operation, made, |index| written[index].clone());
        result_at(made, result).ok_or_else(|| "MLIR's tile of it has other results".into())
    }

    /// Records the regions of an operation's results that another one computes.
    fn note_results(
        &mut self,
        operation: OperationRef<'c, 'a>,
        made: OperationRef<'c, 'a>,
        region: impl Fn(usize) -> Region,
    ) {
        for (index, (old, new)) in operation.results().zip(made.results()).enumerate() {
            let old: Value = old.into();
            if old.r#type().is_tensor() {
                self.regions.insert((key(old), region(index)), new.into());
            }
        }
    }

    /// A region of a padded tensor.
    fn padded(&mut self, value: Value<'c, 'a>, region: &Region, at: &At<'c, 'a>) -> Result<Value<'c, 'a>, String> {
        let At { operation, cut, domain, needs } = at;
        let is_tosa = name(*operation) == "tosa.pad";
        let r#type = self.typed(value, &region.shape());
        if needs[0].is_empty() {
            return self.splat(*operation, r#type);
        }
        let from = self.operand(at, 0)?;
        let image = static_dimensions(operand_at(*operation, 0).expect("it has a map").r#type()).expect("static");
        let axes = cut.access.operands[0].0.iter().zip(&image);
        let pads: Vec<i64> = axes.flat_map(|(expr, size)| outside(&expr.range(domain), *size)).collect();
        if pads.iter().all(|it| *it == 0) {
            return Ok(from);
        }
        let copy = self.clone(*operation);
        as_mut(copy).set_operand(0, from);
        if is_tosa {
            let pads = self.shape(&pads);
            as_mut(copy).set_operand(1, pads);
            let padding = self.operand(at, 1)?;
            as_mut(copy).set_operand(2, padding);
        } else {
            let every = |first: usize| pads.iter().skip(first).step_by(2).copied().collect::<Vec<_>>();
            self.set_integers(copy, "static_low", &every(0));
            self.set_integers(copy, "static_high", &every(1));
            self.connect(copy, &HashSet::from([0]))?;
        }
        as_mut(copy).move_before(self.before);
        let made: Value = copy.result(0).expect("it has one").into();
        set_type(made, r#type);
        Ok(made)
    }

    /// A region of a resized image.
    fn resized(&mut self, value: Value<'c, 'a>, region: &Region, at: &At<'c, 'a>) -> Result<Value<'c, 'a>, String> {
        let made = self.same(at)?;
        let scales = scales(at.operation).expect("they were read before");
        let (mut offsets, mut borders) = (Vec::new(), Vec::new());
        for (axis, Scale { up, down, offset }) in [1, 2].into_iter().zip(scales) {
            let (written, read) = (region.range(axis), at.needs[0].range(axis));
            let first = |range: &std::ops::Range<u64>| range.start.cast_signed();
            let last = |range: &std::ops::Range<u64>| (range.end - range.start).cast_signed() - 1;
            let offset = first(&written) * down + offset - first(&read) * up;
            offsets.push(offset);
            borders.push(last(&written) * down - last(&read) * up + offset);
        }
        let copy = defining(made).expect("it was made");
        for (operand, numbers) in [(2, offsets), (3, borders)] {
            as_mut(copy).set_operand(operand, self.shape(&numbers));
        }
        as_mut(copy).move_before(self.before);
        set_type(made, self.typed(value, &region.shape()));
        Ok(made)
    }

    /// A tensor filled with the padding value of an operation.
    fn splat(&mut self, operation: OperationRef<'c, 'a>, r#type: Type<'c>) -> Result<Value<'c, 'a>, String> {
        let scalar = match padded_value(operation) {
            Some(scalar) => self.scalar(scalar)?,
            None => {
                let padding = operand_at(operation, 2).ok_or("it pads with nothing")?;
                let padding = self.region(padding, &whole(padding))?;
                let index = Type::index(self.context);
                let zero = OperationBuilder::new("arith.constant", self.location)
                    .add_attributes(&[(Identifier::new(self.context, "value"), IntegerAttribute::new(index, 0).into())])
                    .add_results(&[index]);
                let zero = self.value(zero);
                let element = RankedTensorType::try_from(r#type).expect("it is one").element();
                let extract = OperationBuilder::new("tensor.extract", self.location)
                    .add_operands(&[padding, zero])
                    .add_results(&[element]);
                self.value(extract)
            }
        };
        let splat = OperationBuilder::new("tensor.splat", self.location).add_operands(&[scalar]).add_results(&[r#type]);
        Ok(self.value(splat))
    }

    /// The same elements in another shape.
    fn reshape(&self, value: Value<'c, 'a>, dims: &[u64], is_tosa: bool) -> Value<'c, 'a> {
        let from = static_dimensions(value.r#type()).expect("tensors are static");
        if from == dims {
            return value;
        }
        let r#type = self.typed(value, dims);
        if is_tosa {
            let shape = self.shape(&signed(dims));
            let builder = OperationBuilder::new("tosa.reshape", self.location)
                .add_operands(&[value, shape])
                .add_results(&[r#type]);
            return self.value(builder);
        }
        let n_elements = dims.iter().product();
        let all = |rank: usize| {
            let axes: Vec<String> = (0..rank).map(|it| it.to_string()).collect();
            let text = if rank == 0 { "[]".to_owned() } else { format!("[[{}]]", axes.join(", ")) };
            let attribute = Attribute::parse(self.context, &text).expect("it is a list of lists of integers");
            (Identifier::new(self.context, "reassociation"), attribute)
        };
        let mut flat = value;
        if from.len() != 1 {
            let collapse = if from.is_empty() { "tensor.expand_shape" } else { "tensor.collapse_shape" };
            let mut attributes = vec![all(from.len())];
            if from.is_empty() {
                attributes.push(self.integers("static_output_shape", &[1]));
            }
            let builder = OperationBuilder::new(collapse, self.location)
                .add_operands(&[value])
                .add_attributes(&attributes)
                .add_results(&[self.typed(value, &[n_elements])]);
            flat = self.value(builder);
        }
        if dims.len() == 1 {
            return flat;
        }
        let mut attributes = vec![all(dims.len())];
        let expand = if dims.is_empty() { "tensor.collapse_shape" } else { "tensor.expand_shape" };
        if !dims.is_empty() {
            attributes.push(self.integers("static_output_shape", &signed(dims)));
        }
        let builder = OperationBuilder::new(expand, self.location)
            .add_operands(&[flat])
            .add_attributes(&attributes)
            .add_results(&[r#type]);
        self.value(builder)
    }

    /// A shape of TOSA.
    fn shape(&self, numbers: &[i64]) -> Value<'c, 'a> {
        let n = numbers.len();
        let values = Attribute::parse(self.context, &format!("dense<{numbers:?}> : tensor<{n}xindex>"));
        let r#type = Type::parse(self.context, &format!("!tosa.shape<{n}>")).expect("the dialect is loaded");
        let builder = OperationBuilder::new("tosa.const_shape", self.location)
            .add_attributes(&[(Identifier::new(self.context, "values"), values.expect("it is a list of numbers"))])
            .add_results(&[r#type]);
        self.value(builder)
    }

    /// A copy of an operation, still with the original operands.
    fn clone(&self, operation: OperationRef<'c, 'a>) -> OperationRef<'c, 'a> {
        let copy = self.block_insert(Operation::clone(&operation));
        clear_operator_facts(copy);
        copy
    }

    /// Replaces the operands of a copy, except those that are done: whole tensors, and copies of scalars. Then moves it
    /// behind them.
    fn connect(&mut self, copy: OperationRef<'c, 'a>, done: &HashSet<usize>) -> Result<(), String> {
        for it in reads(copy) {
            if is_within(it.value, copy) || it.operation == copy && done.contains(&it.operand) {
                continue;
            }
            let is_tensor = it.value.r#type().is_tensor();
            let value = if is_tensor { self.region(it.value, &whole(it.value))? } else { self.scalar(it.value)? };
            as_mut(it.operation).set_operand(it.operand, value);
        }
        as_mut(copy).move_before(self.before);
        Ok(())
    }

    /// A scalar or a shape in the body.
    fn scalar(&mut self, value: Value<'c, 'a>) -> Result<Value<'c, 'a>, String> {
        if let Some(copy) = self.copies.get(&key(value)) {
            return Ok(*copy);
        }
        let copy = match (self.tile.group_operand(value), defining(value)) {
            (Some(outer), _) => self.scalar(outer)?,
            (None, Some(operation)) => {
                let copy = self.clone(operation);
                self.connect(copy, &HashSet::new())?;
                result_at(copy, result_index(operation, value)).expect("it has as many")
            }
            (None, None) => {
                self.scalars.push(value);
                value
            }
        };
        self.copies.insert(key(value), copy);
        Ok(copy)
    }

    /// The tensor type with the elements of another one and these dimensions.
    fn typed(&self, like: Value<'c, 'a>, dims: &[u64]) -> Type<'c> {
        let element = RankedTensorType::try_from(like.r#type()).expect("it is a tensor").element();
        RankedTensorType::new(dims, element, None).into()
    }

    fn slice_attributes(&self, region: &TensorRegion, n_operands: usize) -> [(Identifier<'c>, Attribute<'c>); 4] {
        let ones = vec![1; region.sizes.len()];
        slice_attributes(self.context, n_operands, (&signed(&region.offsets), &signed(&region.sizes), &ones))
    }

    fn integers(&self, name: &str, numbers: &[i64]) -> (Identifier<'c>, Attribute<'c>) {
        (Identifier::new(self.context, name), DenseI64ArrayAttribute::new(self.context, numbers).into())
    }

    fn set_integers(&self, operation: OperationRef<'c, 'a>, name: &str, numbers: &[i64]) {
        as_mut(operation).set_attribute(name, DenseI64ArrayAttribute::new(self.context, numbers).into());
    }

    fn value(&self, builder: OperationBuilder<'c>) -> Value<'c, 'a> {
        let made = self.block_insert(builder.build().expect("nothing is inferred"));
        made.result(0).expect("it has one").into()
    }

    fn block_insert(&self, operation: Operation<'c>) -> OperationRef<'c, 'a> {
        self.before.block().expect("it is in the function's block").insert_operation_before(self.before, operation)
    }
}

/// An operation restricted to a box of its loops.
struct At<'c, 'a> {
    operation: OperationRef<'c, 'a>,
    cut: Cut,
    domain: Region,
    needs: Vec<Region>,
}

/// How far a range of indices extends beyond both ends of an axis.
fn outside(range: &std::ops::Range<i128>, size: u64) -> [i64; 2] {
    let number = |it: i128| i64::try_from(it.max(0)).expect("windows are checked");
    [number(-range.start), number(range.end - i128::from(size))]
}

/// A part of a region, relative to the start of the region.
fn within(region: &Region, part: &Region) -> TensorRegion {
    let TensorRegion { offsets, sizes } = region_of(part);
    let offsets = offsets.iter().zip(region.offsets()).map(|(offset, first)| offset - first).collect();
    TensorRegion { offsets, sizes }
}
