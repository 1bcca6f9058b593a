//! The indexing maps of linalg operations.

use crate::fact::read_array;
use melior::ir::operation::OperationLike;
use melior::ir::{AttributeLike, OperationRef};
use mlir_sys::{
    mlirAffineMapAttrGetValue, mlirAffineMapIsIdentity, mlirAffineMapIsPermutation,
    mlirAffineMapIsProjectedPermutation, mlirAttributeIsAAffineMap,
};

/// The kind of an operand's indexing map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexingMap {
    /// The identity.
    Identity,
    /// A permutation: the operand is transposed.
    Permutation,
    /// A projection to some of the dimensions: the operand is broadcast, or the result reduced.
    Projection,
    /// Anything else, such as sums of indices in windows, or constants.
    Other,
}

/// The kinds of the indexing maps of an operation, one for each operand; `None` if it has none.
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
