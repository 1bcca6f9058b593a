//! What widens elements belongs to what reads them.
//!
//! A quantised model says how wide its tensors are: a `DequantizeLinear`, a cast or a `tosa.rescale` before an
//! operator is how that operator reads eight bits, and not a tensor of 32. Each of several readers widens for
//! itself, which costs little beside moving four times the bytes.

use crate::class::Class;
use crate::state::State;

/// In the order of the network, each operator that reads what was widened takes in what widens it. Where
/// something needs the wide tensor itself (it is a result, or nothing is known of what reads it), the operator
/// stays for that.
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
            state.take_in_before(&takers, index, stays);
        }
    }
}

/// Whether a node writes the elements of a tensor at their places in more bytes, and more than it reads in all.
/// What an operator took in does not count: to widen costs little, but it may do more than that.
fn widens(state: &State, index: usize) -> bool {
    let (network, node) = (state.network, &state.network.nodes[index]);
    let &[result] = &node.writes[..] else { return false };
    let reads = || node.reads.iter().filter(|tensor| !network.is_weight(**tensor));
    let has_source = reads()
        .any(|tensor| network.n_elements(*tensor) == network.n_elements(result) && network.is_wider(result, *tensor));
    let read: u128 = reads().map(|tensor| u128::from(network.tensors[tensor.0].bytes)).sum();
    node.class == Class::Elementwise && has_source && read < u128::from(network.tensors[result.0].bytes)
}
