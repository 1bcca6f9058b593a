//! A program in tiles becomes operations, in the place of the operators that it was made of.

use super::INFO;
use super::check::{is_whole, region_of};
use crate::extract::{Carrier, Extraction, value_size};
use crate::form::operations;
use crate::slice::{signed, slice_attributes};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::{RankedTensorType, ShapedTypeLike};
use cosma_ir::melior::ir::{
    Attribute, BlockLike, Identifier, Location, Operation, OperationRef, Type, Value, ValueLike,
};
use cosma_ir::{
    Diagnostic, InPlace, TensorRegion, TileOf, as_mut, erase, kind, macs, operand_at, operator, set_in_place, set_macs,
    set_tile, set_workspace, sums_type, uses,
};
use cosma_planner::{OpId, TensorId};
use cosma_tile::{Network, Piece, Region, TileProgram};
use std::collections::HashSet;

/// Writes a program in tiles into the function that its network was read from.
pub(super) fn write<'c>(
    context: &'c Context,
    extraction: &Extraction<'c, '_>,
    network: &Network,
    program: &TileProgram,
) -> Result<(), Diagnostic<'c>> {
    let mut writer = Writer { context, extraction, network, program, values: vec![None; program.pieces.len()] };
    writer.check_results()?;
    for op in program.problem.graph.op_ids() {
        writer.tile(op);
    }
    writer.results();
    let old: HashSet<usize> = extraction.operators.iter().chain(&extraction.views).map(|it| address(*it)).collect();
    let block = extraction.terminator.block().expect("it is in the function's block");
    for operation in operations(block).filter(|it| old.contains(&address(*it))).collect::<Vec<_>>().into_iter().rev() {
        if operation.results().all(|it| uses(it.into()).is_empty()) {
            erase(operation);
        }
    }
    Ok(())
}

fn address(operation: OperationRef) -> usize {
    operation.to_raw().ptr.addr()
}

struct Writer<'e, 'c, 'a> {
    context: &'c Context,
    extraction: &'e Extraction<'c, 'a>,
    network: &'e Network,
    program: &'e TileProgram,
    /// By piece.
    values: Vec<Option<Value<'c, 'a>>>,
}

impl<'c, 'a> Writer<'_, 'c, 'a> {
    /// That the function returns tensors as operators write them, and not views of them.
    fn check_results(&self) -> Result<(), Diagnostic<'c>> {
        for (index, value) in self.extraction.terminator.operands().enumerate() {
            let Some(tensor) = self.extraction.tensor(value) else { continue };
            let is_result = matches!(self.extraction.carriers[tensor.index()], Carrier::Result(..));
            if is_result && self.whole(tensor) != value {
                let message = format!("{} cannot put result {index} together, which is a view", INFO.name);
                return Err(Diagnostic::at(self.extraction.terminator, message));
            }
        }
        Ok(())
    }

    /// The value that is a tensor of the network.
    fn whole(&self, tensor: TensorId) -> Value<'c, 'a> {
        match self.extraction.carriers[tensor.index()] {
            Carrier::Argument(value, _)
            | Carrier::Constant(value, _)
            | Carrier::Piece(value, ..)
            | Carrier::Result(value, _) => value,
        }
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

    fn tile(&mut self, op: OpId) {
        let (tile, planned) = (&self.program.tiles[op.index()], self.program.problem.graph.op(op));
        let of = self.extraction.operators[tile.of.index()];
        let operands: Vec<Value> = planned.reads.iter().map(|it| self.read(it.tensor, of.location())).collect();
        let types: Vec<Type> = planned.writes.iter().map(|it| self.r#type(*it)).collect();
        let made = self.insert(operator(&kind(of), &operands, &types, of.location()));
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
    }

    /// Which results may lie over which operands; bytes are those of the types, where the machine may have others.
    fn in_place(&self, op: OpId, operands: &[Value<'c, 'a>], made: OperationRef<'c, 'a>) -> Vec<InPlace> {
        let graph = &self.program.problem.graph;
        let planned = graph.op(op);
        let said = |value: Value| value_size(value, None).ok().flatten().map(|it| u128::from(it.0));
        let pair = |it: &cosma_planner::InPlace| {
            let result = planned.writes.iter().position(|tensor| *tensor == it.result)?;
            let operand = planned.reads.iter().position(|read| read.tensor == it.operand)?;
            let outer = said(operands[operand])?.max(said(made.result(result).ok()?.into())?);
            let size = graph.tensor(it.operand).size.max(graph.tensor(it.result).size);
            let at = u64::try_from(u128::from(it.at().0) * outer / u128::from(size.0).max(1)).ok()?;
            Some(InPlace { result, operand, at })
        };
        planned.in_place.iter().filter_map(pair).collect()
    }

    /// The value of a piece: of an argument it is cut out where it is first read.
    fn read(&mut self, piece: TensorId, location: Location<'c>) -> Value<'c, 'a> {
        if let Some(value) = self.values[piece.index()] {
            return value;
        }
        let (of, region) = self.program.pieces[piece.index()].region().expect("sums are read after they are written");
        let whole = self.whole(of);
        let value = if is_whole(region, self.network.shape(of)) {
            whole
        } else {
            let attributes = self.slice_attributes(&region_of(region), 1);
            let slice = OperationBuilder::new("tensor.extract_slice", location)
                .add_operands(&[whole])
                .add_attributes(&attributes)
                .add_results(&[self.r#type(piece)]);
            let slice = self.insert(slice.build().expect("nothing is inferred"));
            slice.result(0).expect("a slice has a result").into()
        };
        self.values[piece.index()] = Some(value);
        value
    }

    /// Makes the function return what tiles write.
    fn results(&mut self) {
        let terminator = self.extraction.terminator;
        for index in 0..terminator.operand_count() {
            let value = operand_at(terminator, index).expect("it is counted");
            let Some(tensor) = self.extraction.tensor(value) else { continue };
            if matches!(self.extraction.carriers[tensor.index()], Carrier::Result(..)) {
                let whole = self.put_together(tensor);
                as_mut(terminator).set_operand(index, whole);
            }
        }
    }

    fn put_together(&self, tensor: TensorId) -> Value<'c, 'a> {
        let location = self.extraction.terminator.location();
        let graph = &self.program.problem.graph;
        let region = |it: TensorId| Some((it, self.program.pieces[it.index()].region_of(tensor)?));
        let pieces = graph.tensor_ids().filter(|it| graph.results().contains(it)).filter_map(region);
        let pieces: Vec<(TensorId, &Region)> = pieces.collect();
        let value = |it: TensorId| self.values[it.index()].expect("a tile writes it");
        if let [(only, _)] = pieces[..] {
            return value(only);
        }
        let r#type = self.whole(tensor).r#type();
        let empty = OperationBuilder::new("tensor.empty", location).add_results(&[r#type]);
        let mut whole: Value = self.first_result(empty);
        for (piece, region) in pieces {
            let region = region_of(region);
            let insert = OperationBuilder::new("tensor.insert_slice", location)
                .add_operands(&[value(piece), whole])
                .add_attributes(&self.slice_attributes(&region, 2))
                .add_results(&[r#type]);
            whole = self.first_result(insert);
        }
        whole
    }

    fn first_result(&self, builder: OperationBuilder<'c>) -> Value<'c, 'a> {
        let made = self.insert(builder.build().expect("nothing is inferred"));
        made.result(0).expect("it has one").into()
    }

    /// The attributes of a slice that takes or writes a region.
    fn slice_attributes(&self, region: &TensorRegion, n_operands: usize) -> [(Identifier<'c>, Attribute<'c>); 4] {
        let ones = vec![1; region.sizes.len()];
        slice_attributes(self.context, n_operands, (&signed(&region.offsets), &signed(&region.sizes), &ones))
    }

    fn insert(&self, operation: Operation<'c>) -> OperationRef<'c, 'a> {
        let end = self.extraction.end();
        end.block().expect("it is in the function's block").insert_operation_before(end, operation)
    }
}
