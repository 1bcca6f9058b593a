//! How an operation of linalg walks through its operands.

use crate::fact::read_array;
use melior::ir::operation::OperationLike;
use melior::ir::{AttributeLike, OperationRef};
use mlir_sys::{
    mlirAffineMapAttrGetValue, mlirAffineMapIsIdentity, mlirAffineMapIsPermutation,
    mlirAffineMapIsProjectedPermutation, mlirAttributeIsAAffineMap,
};

/// Which element of an operand belongs to a step of the loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexingMap {
    /// The one at the same place.
    Identity,
    /// The one at the same place of a tensor that was transposed.
    Permutation,
    /// One along some of the dimensions: the operand is spread, or the result reduced.
    Projection,
    /// Sums of indices, as of windows, or constants.
    Other,
}

/// The maps of a `linalg.generic`, one for each operand; none where there are none.
pub fn indexing_maps(operation: OperationRef) -> Option<Vec<IndexingMap>> {
    let maps = read_array(operation.attribute("indexing_maps").ok()?)?;
    let kind = |it: melior::ir::Attribute| {
        // SAFETY: the attribute is alive, and its map is asked for after its kind.
        unsafe {
            if !mlirAttributeIsAAffineMap(it.to_raw()) {
                return IndexingMap::Other;
            }
            let map = mlirAffineMapAttrGetValue(it.to_raw());
            if mlirAffineMapIsIdentity(map) {
                IndexingMap::Identity
            } else if mlirAffineMapIsPermutation(map) {
                IndexingMap::Permutation
            } else if mlirAffineMapIsProjectedPermutation(map) {
                IndexingMap::Projection
            } else {
                IndexingMap::Other
            }
        }
    };
    Some(maps.into_iter().map(kind).collect())
}
