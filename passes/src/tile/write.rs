//! Replaces operators by the operations of a program in tiles.

use super::INFO;
use super::body::{Body, Tile};
use super::check::{is_whole, region_of};
use crate::extract::{Carrier, Extraction, value_size};
use crate::form::{address, defining, operations};
use crate::role::may_have_effects;
use crate::slice::{signed, slice_attributes};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::{RankedTensorType, ShapedTypeLike};
use cosma_ir::melior::ir::{
    Attribute, BlockLike, Identifier, Location, Operation, OperationRef, Type, Value, ValueLike,
};
use cosma_ir::{
    Diagnostic, InPlace, TensorRegion, TileOf, as_mut, erase, is_abstract, kind, macs, operand_at, operator,
    set_in_place, set_macs, set_tile, set_workspace, sums_type, uses,
};
use cosma_planner::{OpId, Origin, TensorId};
use cosma_tile::{Network, Piece, TileProgram};
use std::collections::{HashMap, HashSet};

/// Writes a program in tiles into the function of its network.
pub(super) fn write<'c>(
    context: &'c Context,
    extraction: &Extraction<'c, '_>,
    network: &Network,
    program: &TileProgram,
) -> Result<(), Diagnostic<'c>> {
    let runs = program.tiles.iter().map(|it| it.of).collect();
    let values = vec![None; program.pieces.len()];
    let mut made: HashMap<TensorId, Vec<TensorId>> = HashMap::new();
    for piece in program.problem.graph.ops().iter().flat_map(|it| &it.writes) {
        if let Some((of, _)) = program.pieces[piece.index()].region() {
            made.entry(of).or_default().push(*piece);
        }
    }
    let wholes = HashMap::new();
    let mut writer = Writer { context, extraction, network, program, runs, made, values, wholes };
    for op in program.problem.graph.op_ids() {
        writer.tile(op)?;
    }
    writer.results();
    let old: HashSet<usize> = extraction.operators.iter().chain(&extraction.views).map(|it| address(*it)).collect();
    let block = extraction.terminator.block().expect("it is in the function's block");
    for operation in operations(block).collect::<Vec<_>>().into_iter().rev() {
        // Constants and initial values that only they read.
        let is_beside = || operation.result_count() != 0 && !is_abstract(operation) && !may_have_effects(operation);
        let is_read = || operation.results().any(|it| !uses(it.into()).is_empty());
        if (old.contains(&address(operation)) || is_beside()) && !is_read() {
            erase(operation);
        }
    }
    Ok(())
}

struct Writer<'e, 'c, 'a> {
    context: &'c Context,
    extraction: &'e Extraction<'c, 'a>,
    network: &'e Network,
    program: &'e TileProgram,
    /// The operators that have tiles.
    runs: HashSet<OpId>,
    /// By tensor of the network: its pieces that tiles write, sorted by id.
    made: HashMap<TensorId, Vec<TensorId>>,
    /// By piece.
    values: Vec<Option<Value<'c, 'a>>>,
    /// Tensors that were assembled from their pieces.
    wholes: HashMap<TensorId, Value<'c, 'a>>,
}

impl<'c, 'a> Writer<'_, 'c, 'a> {
    /// The value of a tensor of the network.
    fn whole(&self, tensor: TensorId) -> Value<'c, 'a> {
        self.extraction.carriers[tensor.index()].value()
    }

    /// The type of a piece.
    fn r#type(&self, piece: TensorId) -> Type<'c> {
        match &self.program.pieces[piece.index()] {
            Piece::Region { of, region } => {
                let whole = RankedTensorType::try_from(self.whole(*of).r#type()).expect("it was extracted");
                RankedTensorType::new(&region.shape(), whole.element(), None).into()
            }
            Piece::Sums { of, added } => {
                let said = "what is added up in parts says what sums are";
                let access = self.network.operator(*of).access.as_ref().expect(said);
                let (shape, sums) = access.shape_of_sums(added).zip(access.sums).expect(said);
                RankedTensorType::new(&shape.dims, sums_type(self.context, sums), None).into()
            }
        }
    }

    fn tile(&mut self, op: OpId) -> Result<(), Diagnostic<'c>> {
        let (tile, planned) = (&self.program.tiles[op.index()], self.program.problem.graph.op(op));
        let of = self.extraction.operators[tile.of.index()];
        let operands: Vec<Value> = planned.reads.iter().map(|it| self.read(it.tensor, of.location())).collect();
        let made = match is_abstract(of) {
            true => {
                let types: Vec<Type> = planned.writes.iter().map(|it| self.r#type(*it)).collect();
                self.insert(operator(&kind(of), &operands, &types, of.location()))
            }
            false => self.group(op, of, &operands)?,
        };
        for (piece, value) in planned.writes.iter().zip(made.results()) {
            self.values[piece.index()] = Some(value.into());
        }
        let access = self.network.operator(tile.of).access.as_ref();
        let n_iterations = access.map_or(1, |it| it.whole().len());
        if access.is_some_and(|it| it.whole() != tile.domain) {
            let operator = self.extraction.problem.graph.op(tile.of).name.clone();
            let TensorRegion { offsets, sizes } = region_of(&tile.domain);
            set_tile(made, &TileOf { operator, offsets, sizes });
        }
        let share = |all: u64| u128::from(all) * u128::from(tile.domain.len()) / u128::from(n_iterations.max(1));
        if let Some(macs) = macs(of).and_then(|it| u64::try_from(share(it)).ok()) {
            set_macs(made, macs);
        }
        if 0 < planned.workspace.0 {
            set_workspace(made, planned.workspace.0);
        }
        let in_place = self.in_place(op, &operands, made);
        if !in_place.is_empty() {
            set_in_place(made, &in_place);
        }
        Ok(())
    }

    /// A tile with a body.
    fn group(
        &self,
        op: OpId,
        of: OperationRef<'c, 'a>,
        operands: &[Value<'c, 'a>],
    ) -> Result<OperationRef<'c, 'a>, Diagnostic<'c>> {
        let reads = self.program.problem.graph.op(op).reads.iter().map(|it| it.tensor);
        let pieces = reads.zip(operands.iter().copied()).collect();
        let end = self.extraction.end();
        // Everything after it is the body.
        let mark = self.insert(
            OperationBuilder::new("tensor.empty", of.location())
                .add_results(&[RankedTensorType::new(&[1], Type::index(self.context), None).into()])
                .build()
                .expect("nothing is inferred"),
        );
        let tile = Tile::new(self.extraction, self.network, self.program, &self.runs, op);
        let mut body = Body::new(self.context, tile, pieces, end, of.location());
        let results =
            body.results().map_err(|why| Diagnostic::at(of, format!("{} made a wrong tile: {why}", INFO.name)))?;
        let inputs = [operands, &body.scalars].concat();
        let made = std::iter::successors(mark.next_in_block(), |it| it.next_in_block());
        let made: Vec<OperationRef> = made.take_while(|it| *it != end).collect();
        erase(mark);
        Ok(cosma_ir::group(&kind(of), &made, &inputs, &results, 0))
    }

    /// The results that may share bytes with operands; offsets are in bytes of the types, even if the machine has
    /// others.
    fn in_place(&self, op: OpId, operands: &[Value<'c, 'a>], made: OperationRef<'c, 'a>) -> Vec<InPlace> {
        let graph = &self.program.problem.graph;
        let planned = graph.op(op);
        let said = |value: Value| value_size(value, None).ok().flatten().map(|it| u128::from(it.0));
        let results: HashMap<TensorId, usize> = planned.writes.iter().copied().zip(0..).collect();
        let reads: HashMap<TensorId, usize> = planned.reads.iter().map(|it| it.tensor).zip(0..).collect();
        let pair = |it: &cosma_planner::InPlace| {
            let (result, operand) = (*results.get(&it.result)?, *reads.get(&it.operand)?);
            let outer = said(operands[operand])?.max(said(made.result(result).ok()?.into())?);
            let size = graph.tensor(it.operand).size.max(graph.tensor(it.result).size);
            let at = u64::try_from(u128::from(it.at().0) * outer / u128::from(size.0).max(1)).ok()?;
            Some(InPlace { result, operand, at })
        };
        planned.in_place.iter().filter_map(pair).collect()
    }

    /// The value of a piece. A piece of an argument, or of a staged tensor in host memory, is extracted before its
    /// first reader.
    fn read(&mut self, piece: TensorId, location: Location<'c>) -> Value<'c, 'a> {
        if let Some(value) = self.values[piece.index()] {
            return value;
        }
        let (of, region) = self.program.pieces[piece.index()].region().expect("sums are read after they are written");
        let is_staged = self.program.problem.graph.tensor(piece).origin == Origin::Staged;
        let whole = if is_staged { self.put_together(of) } else { self.whole(of) };
        let value = if !is_staged && is_whole(region, self.network.shape(of)) {
            whole
        } else {
            let attributes = self.slice_attributes(&region_of(region), 1);
            let slice = OperationBuilder::new("tensor.extract_slice", location)
                .add_operands(&[whole])
                .add_attributes(&attributes)
                .add_results(&[self.r#type(piece)]);
            self.first_result(slice)
        };
        self.values[piece.index()] = Some(value);
        value
    }

    /// Makes the function return the results of tiles.
    fn results(&mut self) {
        let terminator = self.extraction.terminator;
        for index in 0..terminator.operand_count() {
            let value = operand_at(terminator, index).expect("it is counted");
            let Some(tensor) = self.extraction.tensor(value) else { continue };
            if matches!(self.extraction.carriers[tensor.index()], Carrier::Result(..)) {
                let mut whole = self.result(tensor);
                for view in self.views_of(value, tensor) {
                    let copy = self.insert(Operation::clone(&view));
                    as_mut(copy).set_operand(0, whole);
                    whole = copy.result(0).expect("a view has a result").into();
                }
                as_mut(terminator).set_operand(index, whole);
            }
        }
    }

    /// The views between a tensor and a value, in order.
    fn views_of(&self, value: Value<'c, 'a>, tensor: TensorId) -> Vec<OperationRef<'c, 'a>> {
        let mut views = Vec::new();
        let mut value = value;
        while value != self.whole(tensor)
            && let Some(view) = defining(value)
        {
            views.push(view);
            value = operand_at(view, 0).expect("a view has a source");
        }
        views.reverse();
        views
    }

    /// A tensor that may have a single piece.
    fn result(&mut self, tensor: TensorId) -> Value<'c, 'a> {
        match self.made_pieces(tensor)[..] {
            [only] if !self.wholes.contains_key(&tensor) => self.values[only.index()].expect("a tile writes it"),
            _ => self.put_together(tensor),
        }
    }

    /// The pieces of a tensor that tiles write.
    fn made_pieces(&self, tensor: TensorId) -> &[TensorId] {
        self.made.get(&tensor).map_or(&[], Vec::as_slice)
    }

    /// A tensor assembled from its pieces, all of which were written.
    fn put_together(&mut self, tensor: TensorId) -> Value<'c, 'a> {
        if let Some(whole) = self.wholes.get(&tensor) {
            return *whole;
        }
        let location = self.extraction.terminator.location();
        let r#type = self.whole(tensor).r#type();
        let empty = OperationBuilder::new("tensor.empty", location).add_results(&[r#type]);
        let mut whole: Value = self.first_result(empty);
        for &piece in self.made_pieces(tensor) {
            let region =
                self.program.pieces[piece.index()].region_of(tensor).map(region_of).expect("it is a piece of it");
            let insert = OperationBuilder::new("tensor.insert_slice", location)
                .add_operands(&[self.values[piece.index()].expect("a tile writes it"), whole])
                .add_attributes(&self.slice_attributes(&region, 2))
                .add_results(&[r#type]);
            whole = self.first_result(insert);
        }
        self.wholes.insert(tensor, whole);
        whole
    }

    fn first_result(&self, builder: OperationBuilder<'c>) -> Value<'c, 'a> {
        let made = self.insert(builder.build().expect("nothing is inferred"));
        made.result(0).expect("it has one").into()
    }

    /// The attributes of a slice that reads or writes a region.
    fn slice_attributes(&self, region: &TensorRegion, n_operands: usize) -> [(Identifier<'c>, Attribute<'c>); 4] {
        let ones = vec![1; region.sizes.len()];
        slice_attributes(self.context, n_operands, (&signed(&region.offsets), &signed(&region.sizes), &ones))
    }

    fn insert(&self, operation: Operation<'c>) -> OperationRef<'c, 'a> {
        let end = self.extraction.end();
        end.block().expect("it is in the function's block").insert_operation_before(end, operation)
    }
}
