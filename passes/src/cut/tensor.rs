//! Operations of tensor, and elementwise operations on tensors of any dialect.

use super::{Loops, Rule, defining, dims, result_dims, shape, shifted};
use crate::form::operations;
use cosma_ir::melior::ir::attribute::{DenseI64ArrayAttribute, IntegerAttribute};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{OperationRef, RegionLike, Value};
use cosma_ir::{has_elementwise_trait, name, operand_at, result_at};
use cosma_tile::{Access, Expr, kinds};

pub(super) fn cut(operation: OperationRef) -> Option<(Access, Rule)> {
    match name(operation).as_str() {
        "tensor.pad" => Some((pad(operation)?, Rule::Pad)),
        "tensor.concat" => {
            let axis = IntegerAttribute::try_from(operation.attribute("dim").ok()?).ok()?.value();
            Some((concatenation(operation, usize::try_from(axis).ok()?)?, Rule::Concatenation))
        }
        "tensor.extract_slice" => Some((slice(operation)?, Rule::Slice)),
        "tensor.expand_shape" | "tensor.collapse_shape" | "tensor.reshape" => {
            Some((reshape(operation)?, Rule::Reshape))
        }
        _ if has_elementwise_trait(operation) => Some((elementwise(operation)?, Rule::Same)),
        _ => None,
    }
}

pub(super) fn reshape(operation: OperationRef) -> Option<Access> {
    let (from, to) = (shape(operand_at(operation, 0)?)?, shape(result_at(operation, 0)?)?);
    kinds::infer("Reshape", &[from], &[to])
}

/// Operands concatenated along an axis.
pub(super) fn concatenation(operation: OperationRef, axis: usize) -> Option<Access> {
    let mut loops = Loops::default();
    let indices = loops.parallel(&result_dims(operation)?);
    let mut offset = 0;
    let mut operands = Vec::new();
    for operand in 0..operation.operand_count() {
        let mut map = indices.clone();
        *map.get_mut(axis)? = shifted(indices.get(axis)?, -offset);
        operands.push(map);
        offset += i64::try_from(*dims(operation, operand)?.get(axis)?).ok()?;
    }
    Some(loops.access(operands, indices))
}

fn pad(operation: OperationRef) -> Option<Access> {
    padded_value(operation)?;
    let low = integers(operation, "static_low")?;
    let is_static = |it: &i64| 0 <= *it;
    if !low.iter().all(is_static) || !integers(operation, "static_high")?.iter().all(is_static) {
        return None;
    }
    let mut loops = Loops::default();
    let indices = loops.parallel(&result_dims(operation)?);
    let map = indices.iter().zip(&low).map(|(index, low)| shifted(index, -low)).collect();
    Some(loops.access(vec![map], indices))
}

/// The scalar that a `tensor.pad` pads with, if it is one.
pub(crate) fn padded_value<'c, 'a>(operation: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let block = operation.region(0).ok()?.first_block()?;
    let end = operations(block).last()?;
    let value = operand_at(end, 0)?;
    // In the region, a constant; or a value from outside.
    let is_outside = |it: OperationRef| it.block() != Some(block);
    defining(value).filter(|it| is_outside(*it) || it.operand_count() == 0).map(|_| value)
}

fn slice(operation: OperationRef) -> Option<Access> {
    let all = ["static_offsets", "static_sizes", "static_strides"].map(|it| integers(operation, it));
    let [Some(offsets), Some(sizes), Some(strides)] = all else { return None };
    if offsets.iter().chain(&sizes).chain(&strides).any(|it| *it < 0) {
        return None;
    }
    let to = result_dims(operation)?;
    let mut loops = Loops::default();
    let indices = loops.parallel(&to);
    let mut axes = to.iter().zip(&indices).peekable();
    let mut map = Vec::new();
    for (axis, size) in sizes.iter().enumerate() {
        // An axis of size one may be omitted.
        map.push(match axes.next_if(|it| Ok(*it.0) == u64::try_from(*size)) {
            Some((_, index)) => super::window(index, &Expr::constant(0), (strides[axis], 1, -offsets[axis])),
            None if *size == 1 => Expr::constant(offsets[axis]),
            None => return None,
        });
    }
    axes.next().is_none().then(|| loops.access(vec![map], indices.clone()))
}

/// On tensors of one shape.
fn elementwise(operation: OperationRef) -> Option<Access> {
    let result = result_dims(operation)?;
    let mut loops = Loops::default();
    let indices = loops.parallel(&result);
    let operands = (0..operation.operand_count()).map(|it| dims(operation, it));
    let is_alike = operands.into_iter().all(|it| it.is_none_or(|dims| dims == result));
    let maps = vec![indices.clone(); operation.operand_count()];
    is_alike.then(|| loops.access(maps, indices))
}

/// An attribute that is a list of numbers.
pub(super) fn integers(operation: OperationRef, name: &str) -> Option<Vec<i64>> {
    let array = DenseI64ArrayAttribute::try_from(operation.attribute(name).ok()?).ok()?;
    (0..array.len()).map(|it| array.element(it).ok()).collect()
}
