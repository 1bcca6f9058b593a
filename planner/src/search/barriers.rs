//! Where a problem splits, and what each part costs at least.
//!
//! A *barrier* is an operator that is ordered against all others, and that reads all that is live
//! when it can run. Every schedule passes it at the same level, with the same operators behind it.
//! What comes after it costs no less than from the best state there can be: everything that is
//! live has been put out and paid for, for from there every other state can be reached for nothing.
//! So each segment between two barriers is explored alone from that state, and the sums of the
//! segments' bounds bound what is still to come.

use super::bits::{has, put};
use super::explore::{Quest, explore};
use super::instance::Instance;
use super::node::{Node, State, TooWide};
use crate::Deadline;

/// Ancestors and descendants of every operator.
pub(super) struct Reach {
    pub ancestors: Vec<Box<[u64]>>,
    pub descendants: Vec<Box<[u64]>>,
}

impl Reach {
    pub fn of(instance: &Instance) -> Reach {
        let n_ops = instance.ops.len();
        let closure = |order: &mut dyn Iterator<Item = usize>, neighbours: &dyn Fn(usize) -> Vec<u16>| {
            let mut closure: Vec<Box<[u64]>> = vec![vec![0; instance.n_words].into(); n_ops];
            for op in order {
                let mut own = std::mem::take(&mut closure[op]);
                for next in neighbours(op) {
                    put(&mut own, next);
                    own.iter_mut().zip(&closure[usize::from(next)]).for_each(|(own, next)| *own |= next);
                }
                closure[op] = own;
            }
            closure
        };
        Reach {
            ancestors: closure(&mut (0..n_ops), &|it| instance.ops[it].predecessors.clone()),
            descendants: closure(&mut (0..n_ops).rev(), &|it| instance.ops[it].successors.clone()),
        }
    }
}

/// The levels of all barriers, ascending.
pub(super) fn barriers(instance: &Instance, reach: &Reach) -> Vec<(usize, u16)> {
    let count = |set: &[u64]| set.iter().map(|it| it.count_ones() as usize).sum::<usize>();
    let n_ops = instance.ops.len();
    let mut barriers = Vec::new();
    for op in 0..n_ops as u16 {
        let before = count(&reach.ancestors[usize::from(op)]);
        if before + count(&reach.descendants[usize::from(op)]) + 1 != n_ops {
            continue;
        }
        let executed = &reach.ancestors[usize::from(op)];
        let crosses = |tensor: &&super::instance::TrackedTensor| {
            let touched = match tensor.producer {
                Some(producer) => has(executed, producer),
                None => tensor.readers.iter().any(|it| has(executed, *it)),
            };
            touched && tensor.readers.iter().any(|it| !has(executed, *it))
        };
        if instance.tracked.iter().filter(crosses).all(|it| it.readers.contains(&op)) {
            barriers.push((before, op));
        }
    }
    barriers.sort_unstable();
    barriers
}

/// By level: a lower bound on what is charged from the next barrier on. `charged` is what a known
/// plan has charged by each level: no segment is explored beyond what the plan pays in it.
pub(super) fn suffix_bounds<const W: usize>(
    instance: &Instance,
    reach: &Reach,
    charged: &[u64],
    state_limit: usize,
    deadline: Deadline,
) -> Result<Vec<u64>, TooWide> {
    let n_ops = instance.ops.len();
    let mut suffix = vec![0; n_ops + 1];
    let barriers = barriers(instance, reach);
    let none = vec![0; n_ops + 1];
    let mut end = n_ops;
    for &(level, op) in barriers.iter().rev() {
        let paid = charged[end] - charged[level];
        let mut least = 0;
        if 0 < paid {
            let mut start = Node::<W>::after(instance, reach.ancestors[usize::from(op)].clone())?;
            start.states.push(State::empty());
            let quest = Quest {
                goal: end,
                below: paid,
                suffix: &none,
                beam: None,
                eviction_limit: usize::MAX,
                state_limit,
                deadline,
            };
            least = explore(instance, start, &quest)?.bound;
        }
        let bound = suffix[end] + least;
        // Before the barrier and after the one before it, all of this segment is still to come.
        suffix[..=level].iter_mut().for_each(|it| *it = bound);
        end = level;
    }
    Ok(suffix)
}
