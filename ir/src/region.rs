//! Boxes of a tensor's elements, as slices and transfers have them.

use crate::fact::read_integers;
use crate::operation::{name, operand_at, result_at};
use crate::transfer::{Transfer, tensor_type, transfer};
use melior::ir::operation::OperationLike;
use melior::ir::r#type::{DimSize, RankedTensorType, ShapedTypeLike};
use melior::ir::{OperationRef, Type, Value, ValueLike};
use std::fmt;

pub(crate) const STATIC_OFFSETS: &str = "static_offsets";
pub(crate) const STATIC_SIZES: &str = "static_sizes";
const STATIC_STRIDES: &str = "static_strides";

/// A box of a tensor's elements: a range along each dimension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorRegion {
    /// The first element along each dimension.
    pub offsets: Vec<u64>,
    /// The number of elements along each dimension.
    pub sizes: Vec<u64>,
}

impl TensorRegion {
    /// Whether two regions of one tensor have an element in common.
    pub fn overlaps(&self, other: &TensorRegion) -> bool {
        let ends = |it: &TensorRegion, index: usize| it.offsets[index].saturating_add(it.sizes[index]);
        (0..self.offsets.len()).all(|it| self.offsets[it] < ends(other, it) && other.offsets[it] < ends(self, it))
    }

    /// The number of elements that two regions of one tensor have in common.
    pub fn n_common(&self, other: &TensorRegion) -> u128 {
        let along = |it: usize| {
            let end = |it: &TensorRegion, index: usize| it.offsets[index].saturating_add(it.sizes[index]);
            let start = self.offsets[it].max(other.offsets[it]);
            u128::from(end(self, it).min(end(other, it)).saturating_sub(start))
        };
        (0..self.offsets.len()).map(along).fold(1, u128::saturating_mul)
    }

    /// Whether it is not empty and lies within a tensor of these dimensions.
    pub fn is_within(&self, dimensions: &[u64]) -> bool {
        let has_rank = self.offsets.len() == dimensions.len() && self.sizes.len() == dimensions.len();
        let fits = |it: usize| {
            let end = self.offsets[it].checked_add(self.sizes[it]);
            0 < self.sizes[it] && end.is_some_and(|end| end <= dimensions[it])
        };
        has_rank && (0..dimensions.len()).all(fits)
    }

    /// Whether each run of contiguous elements begins and ends at a byte boundary, in a tensor of these dimensions
    /// with packed elements of this many bits.
    pub fn is_in_whole_bytes(&self, dimensions: &[u64], bits: u64) -> bool {
        let is_whole = |it: Option<&u64>| it.is_none_or(|it| it.wrapping_mul(bits).is_multiple_of(8));
        bits.is_multiple_of(8)
            || is_whole(self.offsets.last()) && is_whole(self.sizes.last()) && is_whole(dimensions.last())
    }

    /// The number of its elements.
    pub fn n_elements(&self) -> u128 {
        self.sizes.iter().fold(1, |product, it| product.saturating_mul(u128::from(*it)))
    }
}

impl fmt::Display for TensorRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |it: &[u64]| it.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        write!(f, "[{}] [{}]", list(&self.offsets), list(&self.sizes))
    }
}

/// The region of its first operand that a `tensor.extract_slice` or an inward transfer reads, or the region that a
/// `tensor.insert_slice` or an outward transfer writes. `None` if the operation has no region, or one that is
/// dynamic, has strides, is empty, or has another rank than its tensor.
pub fn region(operation: OperationRef) -> Option<TensorRegion> {
    let (whole, part) = whole_and_part(operation)?;
    let is_slice = transfer(operation).is_none();
    let strides = if is_slice { integers(operation, STATIC_STRIDES)? } else { Vec::new() };
    let natural = |name: &str| -> Option<Vec<u64>> {
        integers(operation, name)?.into_iter().map(|it| u64::try_from(it).ok()).collect()
    };
    let region = TensorRegion { offsets: natural(STATIC_OFFSETS)?, sizes: natural(STATIC_SIZES)? };
    let is_dense = strides.iter().all(|it| *it == 1);
    let fits = region.is_within(&static_dimensions(whole.r#type())?);
    (is_dense && fits && static_dimensions(part.r#type())? == region.sizes).then_some(region)
}

/// The tensor whose region an operation reads or writes, and the value that is the region.
fn whole_and_part<'c, 'a>(operation: OperationRef<'c, 'a>) -> Option<(Value<'c, 'a>, Value<'c, 'a>)> {
    match transfer(operation).map(Transfer::is_inward) {
        Some(true) => Some((operand_at(operation, 0)?, result_at(operation, 0)?)),
        Some(false) => Some((operand_at(operation, 1)?, operand_at(operation, 0)?)),
        None if name(operation) == "tensor.extract_slice" => {
            Some((operand_at(operation, 0)?, result_at(operation, 0)?))
        }
        None if name(operation) == "tensor.insert_slice" => {
            Some((operand_at(operation, 1)?, operand_at(operation, 0)?))
        }
        None => None,
    }
}

fn integers(operation: OperationRef, name: &str) -> Option<Vec<i64>> {
    operation.attribute(name).ok().and_then(read_integers)
}

/// The dimensions of a ranked, static tensor, also of a tensor in transit.
pub fn static_dimensions(r#type: Type) -> Option<Vec<u64>> {
    let tensor = RankedTensorType::try_from(tensor_type(r#type)).ok()?;
    let dimension = |it| match tensor.dim_size(it) {
        Ok(DimSize::Static(size)) => Some(size),
        _ => None,
    };
    (0..tensor.rank()).map(dimension).collect()
}
