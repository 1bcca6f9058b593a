//! Operators take in what comes before them.

use super::{Class, Groups};

/// In the order of the block, what can runs with who reads it. First what every reader can do for
/// itself: so what comes before that still has as many readers as need it.
pub(super) fn join(groups: &mut Groups) {
    for is_copied in [true, false] {
        for index in 0..groups.operators.len() {
            if groups.operators[index].is_gone || is_copied != can_be_copied(groups, index) {
                continue;
            }
            if let Some(readers) = readers(groups, index) {
                take_in(groups, &readers, index);
            }
        }
    }
}

/// Whether several readers can each do what an operator does: pad, or spread a weight.
fn can_be_copied(groups: &Groups, index: usize) -> bool {
    match groups.operators[index].class {
        Class::Padding => true,
        Class::Elementwise => groups.tensors(index).is_empty(),
        _ => false,
    }
}

/// Who takes in an operator: all who read it, or nobody.
fn readers(groups: &Groups, index: usize) -> Option<Vec<usize>> {
    let &[result] = &groups.operators[index].writes[..] else { return None };
    let readers = groups.readers(result);
    let is_free = !groups.is_result(result) && groups.tensors(index).len() <= 1;
    let is_few = readers.len() == 1 || !readers.is_empty() && can_be_copied(groups, index);
    (is_free && is_few && readers.iter().all(|it| can_join(groups, index, *it))).then(|| readers.to_vec())
}

fn can_join(groups: &Groups, index: usize, reader: usize) -> bool {
    let (operator, reader) = (&groups.operators[index], &groups.operators[reader]);
    // A group has one result.
    if reader.writes.len() != 1 {
        return false;
    }
    let result = operator.writes[0];
    let mut tensors = operator.reads.iter().filter(|it| !groups.is_weight(**it));
    match operator.class {
        Class::Elementwise => {
            let keeps_size = tensors.all(|it| groups.n_elements(*it) == groups.n_elements(result));
            keeps_size && !matches!(reader.class, Class::Opaque | Class::Lookup)
        }
        Class::Padding => {
            reader.class == Class::Padding || reader.class == Class::Window && reader.reads.first() == Some(&result)
        }
        Class::Layout => {
            matches!(reader.class, Class::Window | Class::Elementwise | Class::Movement | Class::Padding)
        }
        Class::Turn => reader.class == Class::Compute,
        _ => false,
    }
}

fn take_in(groups: &mut Groups, takers: &[usize], index: usize) {
    let first = &mut groups.operators[index];
    first.is_gone = true;
    let reads = std::mem::take(&mut first.reads);
    let members = std::mem::take(&mut first.members);
    let copies = std::mem::take(&mut first.copies);
    let result = first.writes[0];
    for it in &reads {
        let readers = &mut groups.readers[it.index()];
        readers.retain(|it| *it != index);
        readers.extend(takers);
        readers.sort_unstable();
        readers.dedup();
    }
    for &taker in takers {
        let operator = &mut groups.operators[taker];
        // The operands take the place of the result.
        let at = operator.reads.iter().position(|it| *it == result).unwrap_or(operator.reads.len());
        let new: Vec<_> = reads.iter().copied().filter(|it| !operator.reads.contains(it)).collect();
        operator.reads.splice(at..(at + 1).min(operator.reads.len()), new);
        operator.copies.extend(&copies);
        if let [_] = takers {
            operator.members.extend(&members);
        } else {
            operator.copies.extend(&members);
        }
    }
}
