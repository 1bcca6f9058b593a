//! Which results may be in place of operands, for operations that do not declare it.
//!
//! - *Elementwise operations* of any dialect: each operand of the result's shape with elements of the same width
//!   that is read at the corresponding element, since an element is read before it is overwritten.
//! - *Destinations* of linalg and `tensor.insert_slice`: the result is the destination with some elements updated.
//! - *Concatenations* whose dimensions before the axis are all one: operands are contiguous in the result.
//!
//! `cosma.op` and `cosma.group` declare their pairs; an attribute `cosma.in_place` on any other operation overrides
//! these rules. The planner checks that it is the operand's last use, which depends on the order. `cosma-group`
//! derives the pairs of groups from those of their members.

use crate::class::{Class, class};
use cosma_ir::melior::ir::attribute::IntegerAttribute;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::{DimSize, RankedTensorType, ShapedTypeLike, TypeLike};
use cosma_ir::melior::ir::{OperationRef, Value, ValueLike};
use cosma_ir::{
    InPlace, IndexingMap, indexing_maps, is_abstract, is_group, name, operand_at, result_at, size_in_bytes,
};

/// The in-place pairs of an operation, declared or derived.
pub(crate) fn in_place(operation: OperationRef) -> Vec<InPlace> {
    if let Some(said) = cosma_ir::in_place(operation) {
        return said;
    }
    if is_abstract(operation) || is_group(operation) {
        return Vec::new();
    }
    match name(operation).as_str() {
        "tensor.concat" => concatenation(operation, "dim").unwrap_or_default(),
        "tosa.concat" => concatenation(operation, "axis").unwrap_or_default(),
        "tensor.insert_slice" => of_one_type(operation, 0, 1).into_iter().collect(),
        // Only the input: the table is looked up at arbitrary elements.
        "tosa.table" => of_one_type(operation, 0, 0).into_iter().collect(),
        name => {
            let n_results = operation.result_count();
            let n_inputs = operation.operand_count().saturating_sub(n_results);
            // A generic operation that transposes some operands is movement, and may overwrite the others.
            let class = class(operation);
            let is_elementwise = class == Class::Elementwise || name == "linalg.generic" && class == Class::Movement;
            let is_linalg = name.starts_with("linalg.");
            // Named linalg operations that broadcast have no such map, but operands of another type.
            let maps = indexing_maps(operation);
            let keeps_place =
                |operand: usize| maps.as_ref().is_none_or(|it| it.get(operand) == Some(&IndexingMap::Identity));
            let mut pairs = Vec::new();
            for result in 0..n_results {
                let is_destination = |operand: usize| is_linalg && operand == n_inputs + result;
                let all_keep = !is_linalg || keeps_place(n_inputs + result);
                let operands = 0..if is_linalg { n_inputs } else { operation.operand_count() };
                let operands = operands.filter(|it| is_elementwise && all_keep && keeps_place(*it));
                let destinations = (n_inputs..operation.operand_count()).filter(|it| is_destination(*it));
                pairs.extend(operands.filter_map(|operand| of_one_layout(operation, result, operand)));
                pairs.extend(destinations.filter_map(|operand| of_one_type(operation, result, operand)));
            }
            pairs
        }
    }
}

fn of_one_type(operation: OperationRef, result: usize, operand: usize) -> Option<InPlace> {
    let (from, to) = (operand_at(operation, operand)?.r#type(), result_at(operation, result)?.r#type());
    (from.is_tensor() && from == to).then_some(InPlace { result, operand, at: 0 })
}

/// A pair, if result and operand have corresponding elements at the same bytes.
fn of_one_layout(operation: OperationRef, result: usize, operand: usize) -> Option<InPlace> {
    let (from, to) = (operand_at(operation, operand)?, result_at(operation, result)?);
    let (from_shape, to_shape) = (shape(from)?, shape(to)?);
    let size = size_in_bytes(to.r#type()).ok()?;
    let n: u64 = to_shape.iter().product();
    // Packed elements of less than a byte have the same layout only if the types are equal.
    let is_whole = from.r#type() == to.r#type() || 0 < n && size.is_multiple_of(n);
    let is_same = from_shape == to_shape && size_in_bytes(from.r#type()).ok()? == size;
    (is_same && is_whole).then_some(InPlace { result, operand, at: 0 })
}

fn shape(value: Value) -> Option<Vec<u64>> {
    let tensor = RankedTensorType::try_from(value.r#type()).ok()?;
    let size = |index| match tensor.dim_size(index) {
        Ok(DimSize::Static(size)) => Some(size),
        _ => None,
    };
    (0..tensor.rank()).map(size).collect()
}

fn concatenation(operation: OperationRef, along: &str) -> Option<Vec<InPlace>> {
    let along = usize::try_from(IntegerAttribute::try_from(operation.attribute(along).ok()?).ok()?.value()).ok()?;
    let result = RankedTensorType::try_from(result_at(operation, 0)?.r#type()).ok()?;
    let is_one = |it: usize| matches!(result.dim_size(it), Ok(DimSize::Static(1)));
    if !(0..along).all(is_one) {
        return None;
    }
    let mut pairs = Vec::new();
    let mut at = 0_u64;
    for (operand, value) in operation.operands().enumerate() {
        let size = size_in_bytes(value.r#type()).ok()?;
        if size != 0 {
            pairs.push(InPlace { result: 0, operand, at });
        }
        at = at.checked_add(size)?;
    }
    // With packed elements of less than a byte, operands may not be contiguous in bytes.
    (size_in_bytes(result_at(operation, 0)?.r#type()).ok()? == at).then_some(pairs)
}
