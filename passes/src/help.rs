//! What may make an operator fit that needs more room than there is.

use crate::cut::access_of;
use crate::extract::Extraction;
use crate::placed::moves_nothing;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{OperationRef, Value, ValueLike};
use cosma_ir::{is_abstract, operand_at, size_in_bytes, size_with, tiling_bound};
use cosma_planner::{Origin, Weights};

/// Sentences on what would help an operator, the largest gain first.
pub(crate) fn help(extraction: &Extraction, operation: OperationRef) -> Vec<String> {
    let mut help = Vec::new();
    // Where nothing moves, there are neither tiles nor weights that pass by, and what is too large is a workspace.
    if moves_nothing(&extraction.problem) {
        return help;
    }
    let may_be_cut = || is_abstract(operation) || access_of(operation).is_ok();
    let may_be_tiled = tiling_bound(extraction.function).is_none() && extraction.said.is_empty();
    if may_be_tiled && may_be_cut() {
        help.push("it may fit in tiles: --tile".into());
    }
    let graph = &extraction.problem.graph;
    let operands = || (0..operation.operand_count()).filter_map(|it| operand_at(operation, it));
    let is_weight = |it: Value| extraction.tensor(it).is_some_and(|it| graph.tensor(it).origin == Origin::Weight);
    if extraction.weights == Weights::Resident && operands().any(is_weight) {
        help.push("streamed weights take no room: --weights=streamed".into());
    }
    let is_float = |it: Value| {
        let of = |bytes| size_with(it.r#type(), bytes).ok();
        of(Some(1)) < size_in_bytes(it.r#type()).ok() && of(Some(1)) != of(Some(2))
    };
    let element_bytes = cosma_ir::machine(extraction.function).and_then(|it| it.element_bytes);
    if element_bytes.is_none() && operands().any(is_float) {
        help.push("floats take less room once quantised: --element-bytes=1".into());
    }
    help
}
