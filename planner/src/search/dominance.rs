//! Dominance: states of a node that can be dropped because another one is as good.

use super::node::{Sizes, State};
use crate::Deadline;

/// Keeps the states that no other one dominates, cheapest first.
///
/// P dominates Q if P can be turned into Q for at most the difference of their costs: by evicting what only P has
/// on-chip, and by writing back what both have and only Q has a copy of. Tensors that only Q has on-chip can be loaded
/// by P for free, since P paid for that when it evicted them, and since there is space for them, as in Q.
///
/// If there are more states than `max_rivals`, later ones are compared only with the first ones.
pub(super) fn retain_undominated<const W: usize>(
    states: &mut Vec<State<W>>,
    sizes: &Sizes,
    max_rivals: usize,
    deadline: Deadline,
) {
    states.sort_unstable_by_key(|it| (it.cost, it.peak, it.used, it.resident, it.host, it.parent, it.op));
    let mut kept: Vec<State<W>> = Vec::with_capacity(states.len());
    let mut is_late = false;
    for (index, state) in states.drain(..).enumerate() {
        is_late = is_late || index % 1024 == 1023 && deadline.has_passed();
        if is_late || !kept.iter().take(max_rivals).any(|it| dominates(it, &state, sizes)) {
            kept.push(state);
        }
    }
    *states = kept;
}

/// Keeps the cheapest of otherwise equal states, cheapest first.
pub(super) fn retain_distinct<const W: usize>(states: &mut Vec<State<W>>) {
    states.sort_unstable_by_key(|it| (it.resident, it.host, it.cost, it.peak, it.parent, it.op));
    states.dedup_by_key(|it| (it.resident, it.host));
    states.sort_unstable_by_key(|it| (it.cost, it.peak, it.used, it.resident, it.host, it.parent, it.op));
}

fn dominates<const W: usize>(p: &State<W>, q: &State<W>, sizes: &Sizes) -> bool {
    let Some(mut slack) = q.cost.checked_sub(p.cost) else { return false };
    for index in p.resident.without(&q.resident).iter() {
        match slack.checked_sub(sizes.eviction(&p.host, index)) {
            Some(rest) => slack = rest,
            None => return false,
        }
    }
    for index in q.host.and(&p.resident).without(&p.host).iter() {
        match slack.checked_sub(sizes.size[index]) {
            Some(rest) => slack = rest,
            None => return false,
        }
    }
    true
}
