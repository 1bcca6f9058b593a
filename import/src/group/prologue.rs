//! Operators take in what comes before them.

use super::{Class, Groups};
use crate::network::TensorIndex;

/// In the order of the network, what can runs with its only reader.
pub fn join(groups: &mut Groups) {
    for index in 0..groups.network.operators.len() {
        if !groups.is_gone[index]
            && let Some(reader) = reader(groups, index)
        {
            take_in(groups, reader, index);
        }
    }
}

/// Who can take in an operator.
fn reader(groups: &Groups, index: usize) -> Option<usize> {
    let operator = groups.operator(index);
    let &[result] = &operator.writes[..] else { return None };
    let mut tensors = operator.reads.iter().filter(|it| !groups.is_weight(**it));
    let (Some(source), None) = (tensors.next(), tensors.next()) else { return None };
    let &[reader] = &groups.readers[result.0][..] else { return None };
    if groups.is_result[result.0] {
        return None;
    }
    let can_join = match groups.classes[index] {
        Class::Elementwise => {
            let keeps_size = groups.n_elements(*source) == groups.n_elements(result);
            keeps_size && !matches!(groups.classes[reader], Class::Opaque | Class::Lookup)
        }
        // While its consumer reads windows, it can read a constant around the data.
        Class::Padding => {
            let kind = groups.operator(reader).kind.as_str();
            matches!(kind, "Conv" | "ConvInteger" | "QLinearConv" | "AveragePool" | "MaxPool")
                && groups.operator(reader).reads.first() == Some(&result)
        }
        _ => false,
    };
    can_join.then_some(reader)
}

fn take_in(groups: &mut Groups, reader: usize, index: usize) {
    let first = groups.operator(index).clone();
    let mut operator = groups.operator(reader).clone();
    groups.is_gone[index] = true;
    operator.in_place = crate::in_place::with_prologue(&operator, &first);
    let result = first.writes[0];
    let is_new = |it: &&TensorIndex| !operator.reads.contains(it);
    let (tensors, weights): (Vec<TensorIndex>, Vec<TensorIndex>) =
        first.reads.iter().filter(is_new).partition(|it| !groups.is_weight(**it));
    first.reads.iter().for_each(|it| groups.readers[it.0].retain(|it| *it != index));
    for it in tensors.iter().chain(&weights) {
        groups.readers[it.0].push(reader);
    }
    // The source takes the place of the result; further weights go to the end.
    let at = operator.reads.iter().position(|it| *it == result).unwrap_or(operator.reads.len());
    operator.reads.splice(at..(at + 1).min(operator.reads.len()), tensors);
    operator.reads.extend(weights);
    operator.nodes.splice(0..0, first.nodes);
    operator.position = first.position;
    groups.network.operators[reader] = operator;
}
