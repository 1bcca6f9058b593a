//! The number of multiply-accumulates of an operation.

use crate::class::{Class, class};
use crate::cut::cut;
use crate::role::nested;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{is_abstract, is_group};
use cosma_tile::DimKind;

/// The declared number; otherwise, for known operations that multiply and accumulate, the number of points of their
/// loops; for a group, the sum. `None` if unknown: for operations that move or compare elements, and unknown ones.
pub(crate) fn macs(operation: OperationRef) -> Option<u64> {
    if let Some(declared) = cosma_ir::macs(operation) {
        return Some(declared);
    }
    if is_group(operation) {
        return nested(operation).into_iter().filter_map(macs).reduce(u64::saturating_add);
    }
    if is_abstract(operation) || !matches!(class(operation), Class::Compute | Class::Window) {
        return None;
    }
    let access = cut(operation)?.access;
    let adds_up = access.domain.iter().any(|it| matches!(it.kind, DimKind::Reduced { .. }));
    let points = access.domain.iter().fold(1, |points: u64, it| points.saturating_mul(it.size));
    (adds_up && 1 < access.operands.len()).then_some(points)
}
