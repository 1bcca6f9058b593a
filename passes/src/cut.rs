//! The ways to split operations of linalg, TOSA and tensor, and groups of them.
//!
//! Each has an access, that is the regions of its operands that a region of its result needs, and a rule that makes an
//! operation for the region from those. Accesses of linalg are its indexing maps; those of TOSA are in `tosa.rs`, from
//! the specification; that of a group is the composition of its members' accesses. Reductions are not split: tiles add
//! up in source order, so floats are equal bit for bit.
//!
//! Other operations stay whole, such as those with indices that are not affine (a reverse). An operand that is read in
//! the regions of an operation is read whole.

mod tensor;
mod tosa;

pub(crate) use tensor::padded_value;
pub(crate) use tosa::{Scale, scales};

use crate::form::{defining, operations};
use crate::role::{Role, role};
use cosma_ir::melior::ir::block::BlockArgument;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{OperationRef, RegionLike, Value, ValueLike};
use cosma_ir::{
    OperatorAccess, bits_of_element, is_group, name, operand_at, result_at, static_dimensions, structured_access,
};
use cosma_tile::{Access, Dim, DimKind, Expr, Map, Member, Shape, Source, compose};
use std::collections::HashMap;

/// An operation that can be split.
pub(crate) struct Cut {
    /// The access to its tensor operands and its results.
    pub access: Access,
    /// By map of the access: the index of the operand that it reads.
    pub operands: Vec<usize>,
    /// The rule that computes a region.
    pub rule: Rule,
}

/// The rule that computes a region of an operation's result from regions of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// MLIR's interface for tiling.
    Interface,
    /// The same operation.
    Same,
    /// The same operation with another attribute `pad`: for each axis of its windows, the distance by which they extend
    /// beyond the first operand.
    Window,
    /// The same operation with another padding: the required region outside of the first operand.
    Pad,
    /// The same operation on those operands of which some region is needed.
    Concatenation,
    /// No operation: it is the region of the first operand.
    Region,
    /// A slice of the first operand with these strides.
    Slice,
    /// A reshape.
    Reshape,
    /// The same operation with offsets and borders relative to its region of the image.
    Resize,
}

/// How an operation of linalg, TOSA or tensor can be split; `None` if it stays whole.
pub(crate) fn cut(operation: OperationRef) -> Option<Cut> {
    let (access, rule) = match structured_access(operation) {
        Some(access) => (access, Rule::Interface),
        None => tosa::cut(operation).or_else(|| tensor::cut(operation))?,
    };
    let maps = access.operands.into_iter().enumerate();
    let is_tensor = |index: usize| operand_at(operation, index).is_some_and(|it| it.r#type().is_tensor());
    let (operands, maps): (Vec<usize>, Vec<Map>) = maps.filter(|it| is_tensor(it.0)).unzip();
    let access = Access { operands: maps, ..access };
    let read = operands.iter().map(|it| shape(operand_at(operation, *it)?)).collect::<Option<Vec<_>>>()?;
    let written = operation.results().map(|it| shape(it.into())).collect::<Option<Vec<_>>>()?;
    access.check(&read, &written).is_ok().then_some(Cut { access, operands, rule })
}

/// The access of an operation of linalg, TOSA or tensor, or of a group of them.
///
/// # Errors
/// The reason why it stays whole.
pub(crate) fn access_of(operation: OperationRef) -> Result<OperatorAccess, String> {
    let values = (0..operation.operand_count()).filter_map(|it| operand_at(operation, it));
    let values = values.chain((0..operation.result_count()).filter_map(|it| result_at(operation, it)));
    let is_packed = |it: Value| bits_of_element(it.r#type()).is_some_and(|bits| !bits.is_multiple_of(8));
    if values.into_iter().any(is_packed) {
        return Err("it has elements smaller than a byte".into());
    }
    if is_group(operation) {
        return group(operation);
    }
    let Cut { access, operands, .. } = cut(operation).ok_or_else(|| cannot(operation))?;
    Ok(OperatorAccess { access, operands })
}

fn cannot(operation: OperationRef) -> String {
    format!("COSMA does not know how {} may be split", name(operation))
}

/// Whether an operation only moves elements.
pub(crate) fn only_moves(operation: OperationRef) -> bool {
    let name = name(operation);
    matches!(&name[..], "tosa.concat" | "tosa.slice" | "tosa.transpose" | "tensor.concat" | "linalg.transpose")
}

/// The access of a group through its members.
fn group(group: OperationRef) -> Result<OperatorAccess, String> {
    let block = group.region(0).ok().and_then(|it| it.first_block()).ok_or_else(|| cannot(group))?;
    let body: Vec<OperationRef> = operations(block).collect();
    let (end, body) = body.split_last().ok_or_else(|| cannot(group))?;
    let mut members = Vec::new();
    let mut sources: HashMap<usize, Source> = HashMap::new();
    let source_of = |sources: &HashMap<usize, Source>, value: Value| match BlockArgument::try_from(value) {
        Ok(argument) => Some(Source::Operand(argument.argument_number())),
        Err(_) => sources.get(&crate::extract::key(value)).copied(),
    };
    for &member in body {
        if matches!(role(member, |_| false), Role::Constant | Role::Preamble) {
            continue;
        }
        let Cut { access, operands, .. } = cut(member).ok_or_else(|| cannot(member))?;
        let (mut maps, mut read) = (Vec::new(), Vec::new());
        for (map, operand) in access.operands.into_iter().zip(operands) {
            let value = operand_at(member, operand).expect("it has a map");
            if let Some(source) = source_of(&sources, value) {
                maps.push(map);
                read.push(source);
            }
        }
        for (index, result) in member.results().enumerate() {
            sources.insert(crate::extract::key(result.into()), Source::Result(members.len(), index));
        }
        members.push(Member { access: Access { operands: maps, ..access }, operands: read });
    }
    let results = end.operands().map(|it| source_of(&sources, it)).collect::<Option<Vec<Source>>>();
    let composed = results.and_then(|it| compose(&members, &it));
    let composed =
        composed.ok_or("its members depend on each other in too many ways, or one returns an operand unchanged")?;
    let mut reads: Vec<(usize, Map)> = composed.operands.into_iter().zip(composed.access.operands).collect();
    reads.sort_by_key(|it| it.0);
    let (operands, maps) = reads.into_iter().unzip();
    Ok(OperatorAccess { access: Access { operands: maps, ..composed.access }, operands })
}

pub(crate) fn shape(value: Value) -> Option<Shape> {
    Some(Shape { dims: static_dimensions(value.r#type())?, element_bits: bits_of_element(value.r#type())? })
}

/// The dimensions of an operand that is a static tensor.
fn dims(operation: OperationRef, operand: usize) -> Option<Vec<u64>> {
    static_dimensions(operand_at(operation, operand)?.r#type())
}

/// The dimensions of the one result.
fn result_dims(operation: OperationRef) -> Option<Vec<u64>> {
    if operation.result_count() != 1 {
        return None;
    }
    static_dimensions(result_at(operation, 0)?.r#type())
}

/// Loops under construction.
#[derive(Default)]
struct Loops(Vec<Dim>);

impl Loops {
    /// One for each axis of a result.
    fn parallel(&mut self, dims: &[u64]) -> Vec<Expr> {
        dims.iter().map(|size| self.add(*size, DimKind::Parallel)).collect()
    }

    /// One whose iterations are all read.
    fn reduced(&mut self, size: u64) -> Expr {
        self.add(size, DimKind::Reduced { splittable: false })
    }

    /// All elements of a tensor.
    fn whole(&mut self, dims: &[u64]) -> Vec<Expr> {
        dims.iter().map(|size| self.reduced(*size)).collect()
    }

    fn add(&mut self, size: u64, kind: DimKind) -> Expr {
        self.0.push(Dim { size, kind });
        Expr::dim(self.0.len() - 1)
    }

    fn access(self, operands: Vec<Vec<Expr>>, result: Vec<Expr>) -> Access {
        Access {
            domain: self.0,
            operands: operands.into_iter().map(Map).collect(),
            results: vec![Map(result)],
            sums: None,
        }
    }
}

/// An index plus an offset.
fn shifted(index: &Expr, by: i64) -> Expr {
    Expr { constant: index.constant + by, ..index.clone() }
}

/// Index · stride + tap · dilation - padding.
fn window(index: &Expr, tap: &Expr, (stride, dilation, padding): (i64, i64, i64)) -> Expr {
    let scaled = |expr: &Expr, by: i64| expr.terms.iter().map(|it| (it.0, it.1 * by)).collect::<Vec<_>>();
    Expr { terms: [scaled(index, stride), scaled(tap, dilation)].concat(), constant: -padding, divisor: 1 }
}
