//! Operators take in what comes before them.
//!
//! - *Elementwise operators* on one tensor join what alone reads them. One that narrows belongs to what writes the
//!   wide tensor. Where it could not join that, it runs alone before windows and products, which read each element
//!   many times and would need room for the wide tensor beside their weights.
//! - *Padding and cropping* join each operator that reads windows of them. One that crops most of a tensor
//!   stays: what it leaves takes less room than all of it.
//! - *Channels that change their place*, and a matrix that is transposed for a product, join what alone reads
//!   them.
//! - *What spreads a weight*, such as a bias, joins each of its readers.

use crate::class::Class;
use crate::state::State;

/// In the order of the network, what can runs with what reads it. First what every reader can do for itself:
/// so what comes before that still has as many readers as need it.
pub(crate) fn join(state: &mut State) {
    for is_copied in [true, false] {
        for index in 0..state.operators.len() {
            if state.operators[index].is_gone || is_copied != can_be_copied(state, index) {
                continue;
            }
            if let Some(readers) = readers(state, index) {
                state.take_in_before(&readers, index, false);
            }
        }
    }
}

/// Whether several readers can each do what an operator does.
fn can_be_copied(state: &State, index: usize) -> bool {
    match state.operators[index].class {
        Class::Padding => true,
        Class::Elementwise => state.tensors(index).next().is_none(),
        _ => false,
    }
}

/// What can take in an operator: all that reads it, or nothing.
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
