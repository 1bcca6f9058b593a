//! Which operators must come before or after which.

use super::bits::put;
use super::instance::Instance;

/// Ancestors and descendants of every operator, itself excepted.
pub(super) struct Reach {
    pub ancestors: Vec<Box<[u64]>>,
    pub descendants: Vec<Box<[u64]>>,
}

impl Reach {
    pub fn of(instance: &Instance) -> Reach {
        let ops = &instance.ops;
        Reach {
            ancestors: closure(instance, 0..ops.len(), |it| &ops[it].predecessors),
            descendants: closure(instance, (0..ops.len()).rev(), |it| &ops[it].successors),
        }
    }
}

/// All that can be reached by `neighbours`, which come earlier in `order`.
fn closure<'a>(
    instance: &Instance,
    order: impl Iterator<Item = usize>,
    neighbours: impl Fn(usize) -> &'a [u16],
) -> Vec<Box<[u64]>> {
    let mut closure: Vec<Box<[u64]>> = vec![vec![0; instance.n_words].into(); instance.ops.len()];
    for op in order {
        let mut own = std::mem::take(&mut closure[op]);
        for &next in neighbours(op) {
            put(&mut own, next);
            own.iter_mut().zip(&closure[usize::from(next)]).for_each(|(own, next)| *own |= next);
        }
        closure[op] = own;
    }
    closure
}
