//! Fuses nodes that widen elements into their readers.
//!
//! In a quantised model, a `DequantizeLinear`, a cast or a `tosa.rescale` before an operator means that the
//! operator reads elements of eight bits; the tensor with 32 bits does not exist in memory. Each of several
//! readers widens the elements itself, which is cheap compared with moving four times the bytes.

use crate::class::Class;
use crate::state::State;

/// Fuses each widening node into its readers, in the order of the network. If the wide tensor itself is needed
/// (it is a result, or a reader cannot widen), the node also remains.
pub(crate) fn join(state: &mut State) {
    for index in 0..state.operators.len() {
        if !widens(state, index) {
            continue;
        }
        let result = state.operators[index].writes[0];
        let readers = state.readers(result);
        let can_widen = |reader: &&usize| state.rules.widen.contains(&state.operators[**reader].class);
        let takers: Vec<usize> = readers.iter().filter(can_widen).copied().collect();
        let stays = state.is_result(result) || takers.len() < readers.len();
        if !takers.is_empty() {
            state.fuse_producer(&takers, index, stays);
        }
    }
}

/// Whether a node is elementwise with wider elements than an operand of the same shape, and its result is larger
/// than all its operands together. Fused nodes are not considered, since they may cost more than widening.
fn widens(state: &State, index: usize) -> bool {
    let (network, node) = (state.network, &state.network.nodes[index]);
    let &[result] = &node.writes[..] else { return false };
    let reads = || node.reads.iter().filter(|tensor| !network.is_weight(**tensor));
    let has_source = reads()
        .any(|tensor| network.n_elements(*tensor) == network.n_elements(result) && network.is_wider(result, *tensor));
    let read: u128 = reads().map(|tensor| u128::from(network.tensors[tensor.0].bytes)).sum();
    node.class == Class::Elementwise && has_source && read < u128::from(network.tensors[result.0].bytes)
}
