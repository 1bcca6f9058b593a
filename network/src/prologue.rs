//! Fuses nodes into the operators that read them.
//!
//! - An *elementwise operator* on one tensor is fused into its only reader. An exception is one that narrows
//!   and was not fused into its producer: it runs alone before windows and products, which read each element
//!   many times and would need space for the wide tensor beside their weights.
//! - *Padding and cropping* are fused into each operator that reads their windows, unless half of the tensor
//!   or more is cropped, since the rest takes less space.
//! - A *change of layout*, or a matrix transposition before a product, is fused into its only reader.
//! - A node that *broadcasts a weight*, such as a bias, is fused into each of its readers.

use crate::class::Class;
use crate::state::State;

/// Fuses nodes into their readers where possible, in the order of the network. Nodes that can be copied come
/// first, so that the nodes before these have their final readers.
pub(crate) fn join(state: &mut State) {
    for is_copied in [true, false] {
        for index in 0..state.operators.len() {
            if state.operators[index].is_gone || is_copied != can_be_copied(state, index) {
                continue;
            }
            if let Some(readers) = readers(state, index) {
                state.fuse_producer(&readers, index, false);
            }
        }
    }
}

/// Whether a node may be fused into several readers, which each compute it.
fn can_be_copied(state: &State, index: usize) -> bool {
    match state.operators[index].class {
        Class::Padding => true,
        Class::Elementwise => state.tensors(index).next().is_none(),
        _ => false,
    }
}

/// The operators into which a node is fused: all its readers, or `None`.
pub(crate) fn readers(state: &State, index: usize) -> Option<Vec<usize>> {
    let &[result] = &state.operators[index].writes[..] else { return None };
    let readers = state.readers(result);
    let is_free = !state.is_result(result) && state.tensors(index).count() <= 1;
    let is_few = readers.len() == 1 || !readers.is_empty() && can_be_copied(state, index);
    (is_free && is_few && readers.iter().all(|reader| can_join(state, index, *reader))).then(|| readers.to_vec())
}

fn can_join(state: &State, index: usize, reader: usize) -> bool {
    let network = state.network;
    let (operator, reader) = (&state.operators[index], &state.operators[reader]);
    if !state.rules.precedes(operator.class, reader.class) {
        return false;
    }
    let result = operator.writes[0];
    let n_elements = network.n_elements(result);
    match operator.class {
        Class::Elementwise => {
            let reads_often = matches!(reader.class, Class::Window | Class::Compute);
            let is_kept_narrow = |tensor| reads_often && network.is_wider(tensor, result);
            state.tensors(index).all(|tensor| network.n_elements(tensor) == n_elements && !is_kept_narrow(tensor))
        }
        Class::Padding => {
            let is_read_as_windows = reader.class == Class::Padding || reader.reads.first() == Some(&result);
            let is_most = |tensor| u128::from(network.n_elements(tensor)) < 2 * u128::from(n_elements);
            is_read_as_windows && state.tensors(index).all(is_most)
        }
        _ => true,
    }
}
