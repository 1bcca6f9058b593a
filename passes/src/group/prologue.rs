//! Operators take in what comes before them.

use super::{Class, Groups};

/// In the order of the block, what can runs with its only reader.
pub(super) fn join(groups: &mut Groups) {
    for index in 0..groups.operators.len() {
        if !groups.operators[index].is_gone
            && let Some(reader) = reader(groups, index)
        {
            take_in(groups, reader, index);
        }
    }
}

/// Who can take in an operator.
fn reader(groups: &Groups, index: usize) -> Option<usize> {
    let operator = &groups.operators[index];
    let &[result] = &operator.writes[..] else { return None };
    let &[reader] = groups.readers(result) else { return None };
    let tensors = groups.tensors(index);
    if groups.is_result(result) || 1 < tensors.len() {
        return None;
    }
    let at = groups.operators[reader].class;
    let keeps_size = tensors.iter().all(|it| groups.n_elements(*it) == groups.n_elements(result));
    let can_join = match operator.class {
        Class::Elementwise => keeps_size && !matches!(at, Class::Opaque | Class::Lookup),
        Class::Padding => at == Class::Window && groups.operators[reader].reads.first() == Some(&result) || at == Class::Padding,
        Class::Turn => at == Class::Compute,
        _ => false,
    };
    can_join.then_some(reader)
}

fn take_in(groups: &mut Groups, reader: usize, index: usize) {
    let first = &mut groups.operators[index];
    first.is_gone = true;
    let (reads, members, result) =
        (std::mem::take(&mut first.reads), std::mem::take(&mut first.members), first.writes[0]);
    for it in &reads {
        let readers = &mut groups.readers[it.index()];
        readers.retain(|it| *it != index && *it != reader);
        readers.push(reader);
        readers.sort_unstable();
    }
    let operator = &mut groups.operators[reader];
    // The operands take the place of the result.
    let at = operator.reads.iter().position(|it| *it == result).unwrap_or(operator.reads.len());
    let new: Vec<_> = reads.into_iter().filter(|it| !operator.reads.contains(it)).collect();
    operator.reads.splice(at..(at + 1).min(operator.reads.len()), new);
    operator.members.extend(members);
}
