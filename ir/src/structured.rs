//! The accesses of linalg operations to their operands, and operations for regions of their results.

use crate::TensorRegion;
use crate::access::read_map;
use crate::fact::{capped, read_array, read_integers};
use crate::ffi::{cosmaLoops, cosmaSliceResult};
use crate::operation::name;
use cosma_tile::{Access, Dim, DimKind, Map};
use melior::ir::operation::OperationLike;
use melior::ir::{Attribute, AttributeLike, OperationRef};
use mlir_sys::{
    mlirAffineMapAttrGetValue, mlirAttributeIsAAffineMap, mlirAttributeIsADenseElements,
    mlirDenseElementsAttrGetIndexValue, mlirElementsAttrGetNumElements, mlirLinalgGetIndexingMapsAttribute,
};

/// How an operation of linalg on static tensors accesses its operands, including destinations, and its results: a map
/// for each. Reductions are not splittable. `None` for any other operation, and for one whose indices are not sums.
pub fn structured_access(operation: OperationRef) -> Option<Access> {
    // SAFETY: the operation is alive, and the functions ask for its interface.
    let (loops, maps) = unsafe {
        let loops = Attribute::from_option_raw(cosmaLoops(operation.to_raw()))?;
        (loops, Attribute::from_option_raw(mlirLinalgGetIndexingMapsAttribute(operation.to_raw()))?)
    };
    let dim = |it: &[i64]| {
        let kind = if it[1] == 0 { DimKind::Parallel } else { DimKind::Reduced { splittable: false } };
        Some(Dim { size: u64::try_from(it[0]).ok()?, kind })
    };
    let domain = read_integers(loops)?.chunks_exact(2).map(dim).collect::<Option<Vec<Dim>>>()?;
    let map = |it: Attribute| {
        // SAFETY: the attribute is alive, and its map is asked for after its kind.
        unsafe {
            if !mlirAttributeIsAAffineMap(it.to_raw()) {
                return None;
            }
            read_map(mlirAffineMapAttrGetValue(it.to_raw())).ok()
        }
    };
    let operands = read_array(maps)?.into_iter().map(map).collect::<Option<Vec<Map>>>()?;
    let n_inputs = operands.len().checked_sub(operation.result_count())?;
    let results = operands[n_inputs..].to_vec();
    Some(Access { domain, operands, results, sums: None })
}

/// Inserts, before an operation, an operation that computes a region of a result of another operation of linalg. It
/// reads inserted `tensor.extract_slice` of the operands, or whole operands. `None` if MLIR cannot compute the
/// region; slices may have been inserted nevertheless.
pub fn slice_result<'c, 'a>(
    operation: OperationRef<'c, 'a>,
    result: usize,
    region: &TensorRegion,
    before: OperationRef<'c, 'a>,
) -> Option<OperationRef<'c, 'a>> {
    let numbers = |it: &[u64]| it.iter().map(|number| capped(*number)).collect::<Vec<i64>>();
    let (offsets, sizes) = (numbers(&region.offsets), numbers(&region.sizes));
    // SAFETY: both operations are alive, and the arrays have as many numbers.
    unsafe {
        OperationRef::from_option_raw(cosmaSliceResult(
            operation.to_raw(),
            result as isize,
            offsets.as_ptr(),
            sizes.as_ptr(),
            offsets.len() as isize,
            before.to_raw(),
        ))
    }
}

/// The numbers of a `tosa.const_shape`.
pub fn shape_values(operation: OperationRef) -> Option<Vec<i64>> {
    let values = operation.attribute("values").ok().filter(|_| name(operation) == "tosa.const_shape")?.to_raw();
    // SAFETY: the attribute is alive, holds elements of type index as the verifier has seen, and has so many.
    unsafe {
        if !mlirAttributeIsADenseElements(values) {
            return None;
        }
        let n_values = isize::try_from(mlirElementsAttrGetNumElements(values)).ok()?;
        Some((0..n_values).map(|it| mlirDenseElementsAttrGetIndexValue(values, it) as i64).collect())
    }
}
