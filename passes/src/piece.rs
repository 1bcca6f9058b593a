//! Arguments that are read in pieces, and tensors that are assembled from pieces in host memory.
//!
//! - An argument or a constant is read in pieces if all its readers read disjoint regions of it: `tensor.extract_slice`
//!   in source form, transfers with regions in planned form. Each piece is a tensor of the problem with its own
//!   transfers, and elements outside of all pieces are never moved. Otherwise it is one tensor.
//! - A result is assembled from pieces if a chain of `tensor.insert_slice`, from a `tensor.empty` to the return, writes
//!   each of its elements once, with results of operators that are in no other chain. Each piece is stored separately.
//!   Otherwise the operations of the chain are operators.
//! - A tensor between operators is assembled, too, if a chain writes each of its elements at most once, and all its
//!   readers read regions, `tensor.extract_slice`, whose elements were written before. A region that equals one of the
//!   pieces is that tensor. Any other is a *staged* tensor: the pieces that it overlaps are its parts, which are
//!   written to host memory, and it is loaded from there. A result may be read like this as well.
//!
//! Regions are static and not empty, have strides of one, and their rows begin and end at byte boundaries.

use crate::form::{defining, operations};
use crate::regions::{Regions, are_disjoint, is_partition};
use crate::role::{Role, is_view, role};
use crate::variable::access;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{BlockRef, OperationRef, Value, ValueLike};
use cosma_ir::{
    TensorRegion, Transfer, bits_of_element, name, operand_at, region, result_at, static_dimensions, transfer, uses,
};
use std::collections::HashSet;

/// A piece of a tensor in host memory that is read.
pub(crate) struct ReadPiece<'c, 'a> {
    pub region: TensorRegion,
    /// The piece as a tensor.
    pub value: Value<'c, 'a>,
    /// The operation that extracts it from the whole: of equal ones, the first in the block.
    pub operation: OperationRef<'c, 'a>,
}

/// The pieces of a tensor in host memory that are read, sorted by region; `None` if it is read in another way.
pub(crate) fn read_pieces<'c, 'a>(whole: Value<'c, 'a>, block: BlockRef<'c, 'a>) -> Option<Vec<ReadPiece<'c, 'a>>> {
    let uses = uses(whole);
    let mut pieces = Vec::new();
    for it in &uses {
        let is_inward = transfer(it.operation).is_some_and(Transfer::is_inward);
        let is_slice = name(it.operation) == "tensor.extract_slice";
        if it.operand != 0 || !(is_slice || is_inward) || it.operation.block() != Some(block) {
            return None;
        }
        let region = region_in_bytes(it.operation, whole)?;
        pieces.push(ReadPiece { region, value: result_at(it.operation, 0)?, operation: it.operation });
    }
    let regions: HashSet<&TensorRegion> = pieces.iter().map(|it| &it.region).collect();
    if regions.len() < pieces.len() {
        let in_order = |one: &ReadPiece, other: &ReadPiece| {
            let is_before = |it: &ReadPiece, other: &ReadPiece| it.operation.is_before_in_block(other.operation);
            is_before(other, one).cmp(&is_before(one, other))
        };
        pieces.sort_by(|one, other| one.region.cmp(&other.region).then_with(|| in_order(one, other)));
        pieces.dedup_by(|later, first| later.region == first.region);
    } else {
        pieces.sort_by(|one, other| one.region.cmp(&other.region));
    }
    let is_whole = |it: &ReadPiece| Some(&it.region.sizes) == static_dimensions(whole.r#type()).as_ref();
    let has_pieces = !pieces.is_empty() && !pieces.iter().any(is_whole);
    (has_pieces && are_disjoint(pieces.iter().map(|it| &it.region))).then_some(pieces)
}

/// A tensor that is assembled from pieces in host memory: a result of the function, or one that is read in slices, or
/// both.
#[derive(Clone, Debug)]
pub struct Assembly<'c, 'a> {
    /// The `tensor.insert_slice` operations, in order; the result of the last one is the whole.
    pub inserts: Vec<OperationRef<'c, 'a>>,
    /// The `tensor.extract_slice` operations that read it, or an earlier, incomplete state.
    pub slices: Vec<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Assembly<'c, 'a> {
    /// The whole.
    pub fn result(&self) -> Value<'c, 'a> {
        result_at(*self.inserts.last().expect("it has pieces"), 0).expect("an insertion has a result")
    }
}

/// The tensors of a block that are assembled from pieces.
pub(crate) fn assemblies<'c, 'a>(block: BlockRef<'c, 'a>) -> Vec<Assembly<'c, 'a>> {
    let begins = |it: &OperationRef<'c, 'a>| {
        let before = if name(*it) == "tensor.insert_slice" { operand_at(*it, 1).and_then(defining) } else { None };
        before.is_some_and(|it| it.block() == Some(block) && name(it) == "tensor.empty")
    };
    let mut found: Vec<Assembly> = operations(block).filter(begins).filter_map(|it| assembly(it, block)).collect();
    // A value that is a piece of two is inserted into neither.
    let sources = |it: &Assembly<'c, 'a>| it.inserts.iter().map(|it| source(*it).to_raw().ptr).collect::<Vec<_>>();
    let all: Vec<_> = found.iter().flat_map(sources).collect();
    let mut once = HashSet::new();
    let twice: HashSet<_> = all.into_iter().filter(|it| !once.insert(*it)).collect();
    found.retain(|it| sources(it).iter().all(|source| !twice.contains(source)));
    found
}

/// The assembly that begins with an insertion.
fn assembly<'c, 'a>(first: OperationRef<'c, 'a>, block: BlockRef<'c, 'a>) -> Option<Assembly<'c, 'a>> {
    let mut assembly = Assembly { inserts: Vec::new(), slices: Vec::new() };
    let mut written = Regions::default();
    let mut next = Some(first);
    let mut is_returned = false;
    while let Some(insert) = next.take() {
        if is_returned || !is_computed(source(insert), block) {
            return None;
        }
        let whole = result_at(insert, 0)?;
        written.push(region_in_bytes(insert, whole)?);
        assembly.inserts.push(insert);
        for it in uses(whole) {
            let (user, is_here) = (it.operation, it.operation.block() == Some(block));
            match name(user).as_str() {
                "tensor.insert_slice" if is_here && it.operand == 1 && next.is_none() => next = Some(user),
                "tensor.extract_slice" if is_here && it.operand == 0 => {
                    is_read(user, whole, &written).then_some(())?;
                    assembly.slices.push(user);
                }
                "func.return" if is_here && !is_returned => is_returned = true,
                _ => return None,
            }
        }
    }
    let dimensions = static_dimensions(assembly.result().r#type())?;
    let is_read_or_returned = match is_returned {
        true => is_partition(written.as_slice(), &dimensions),
        false => !assembly.slices.is_empty() && are_disjoint(written.as_slice()),
    };
    is_read_or_returned.then_some(assembly)
}

/// Whether a slice reads elements that were written before, for operators only. Written regions are assumed disjoint.
fn is_read(slice: OperationRef, whole: Value, written: &Regions) -> bool {
    let Some(region) = region_in_bytes(slice, whole) else { return false };
    let is_there = written.n_common(&region) == region.n_elements();
    let value = result_at(slice, 0).filter(|it| is_there && is_for_operators(*it, slice.block()));
    value.is_some_and(|it| !is_returned(it))
}

/// Whether only operators use a value, or a view of it.
fn is_for_operators<'c, 'a>(value: Value<'c, 'a>, block: Option<BlockRef<'c, 'a>>) -> bool {
    uses(value).into_iter().all(|it| {
        let seen = result_at(it.operation, 0).filter(|_| it.operand == 0 && is_view(it.operation));
        let is_read = it.operation.block() != block || role(it.operation, |_| false) != Role::Preamble;
        seen.map_or(is_read, |seen| is_for_operators(seen, block))
    })
}

/// Whether an operator computes a value, and the function does not also return it.
fn is_computed<'c, 'a>(value: Value<'c, 'a>, block: BlockRef<'c, 'a>) -> bool {
    let operation = defining(value).filter(|it| it.block() == Some(block) && access(*it).is_none());
    // A slice may be a piece of an argument.
    let is_operator = |it| name(it) != "tensor.extract_slice" && role(it, |_| false) == Role::Operator;
    operation.is_some_and(is_operator) && !is_returned(value)
}

fn is_returned(value: Value) -> bool {
    uses(value).into_iter().any(|it| {
        let is_end = it.operation.next_in_block().is_none() || access(it.operation).is_some();
        let seen = result_at(it.operation, 0).filter(|_| it.operand == 0 && is_view(it.operation));
        is_end || seen.is_some_and(is_returned)
    })
}

/// The inserted value.
pub(crate) fn source<'c, 'a>(insert: OperationRef<'c, 'a>) -> Value<'c, 'a> {
    operand_at(insert, 0).expect("an insertion has a source")
}

/// The region of a whole that an operation reads or writes, if it consists of whole bytes.
fn region_in_bytes(operation: OperationRef, whole: Value) -> Option<TensorRegion> {
    let (dimensions, bits) = (static_dimensions(whole.r#type())?, bits_of_element(whole.r#type())?);
    region(operation).filter(|it| it.is_in_whole_bytes(&dimensions, bits))
}
