//! Lower bounds from parts of the problem that are solved alone.
//!
//! A *group* owns some tensors and looks at some operators. Its problem is what remains if all
//! other operators are left out of every schedule, keeping the dependences that run through them,
//! and if tensors that it does not own are on-chip only while one of its operators needs them.
//! Whatever a plan of the whole problem charges for the group's tensors is charged by a plan of the
//! group's problem, so the group's optimum bounds it; and groups that own different tensors add up.
//!
//! Groups form a binary tree over the order of a known plan: leaves are short stretches of it. A
//! tensor belongs to the leaf in whose steps its fate is decided, and a leaf looks at its steps and
//! at all that touch its tensors. The search of a group, and of the whole problem at the root, adds
//! to what a state has been charged the bounds of all groups below of which no operator has run.

use super::bits::{has, put};
use super::explore::{Quest, explore};
use super::instance::{Instance, SearchOp, Tracked};
use super::node::{Node, State, TooWide};
use super::reach::Reach;
use crate::Deadline;
use std::ops::Range;

/// Steps of the plan in one leaf.
const LEAF: usize = 16;

pub(super) struct Group {
    /// What it looks at.
    ops: Box<[u64]>,
    owned: Vec<Tracked>,
    /// A lower bound on what any plan charges for its tensors.
    pub bound: u64,
    /// Whether `bound` is the group's optimum.
    solved: bool,
    /// What the known plan charges for them.
    paid: u64,
    pub children: Vec<Group>,
}

/// A known plan: its order, and what it charges for each tracked tensor.
pub(super) struct Known {
    pub order: Vec<u16>,
    /// The step in which each operator runs.
    pub step_of: Vec<usize>,
    pub charges: Vec<u64>,
    /// The step in which a tensor's fate is decided: where it is put out, or else where most lies
    /// in the scratchpad while it is live.
    pub decided: Vec<usize>,
}

/// What is still to be charged for the tensors of these groups, at least, once `executed` has run.
pub(super) fn to_go(groups: &[Group], executed: &[u64]) -> u64 {
    groups.iter().map(|it| it.to_go(executed)).sum()
}

impl Group {
    /// The root of the groups of a problem: it looks at everything and owns everything.
    pub fn root(instance: &Instance, known: &Known) -> Group {
        let mut tensors: Vec<Vec<Tracked>> = vec![Vec::new(); known.order.len()];
        for (tensor, &step) in known.decided.iter().enumerate() {
            tensors[step].push(tensor as Tracked);
        }
        Group::over(instance, known, &tensors, 0..known.order.len())
    }

    /// The group of some steps of the plan, and those below it. `tensors[step]` are those whose
    /// fate is decided there.
    fn over(instance: &Instance, known: &Known, tensors: &[Vec<Tracked>], steps: Range<usize>) -> Group {
        let mut group = Group {
            ops: vec![0; instance.n_words].into(),
            owned: Vec::new(),
            bound: 0,
            solved: false,
            paid: 0,
            children: Vec::new(),
        };
        if LEAF < steps.len() {
            let middle = (steps.start + steps.end) / 2;
            group.children =
                [steps.start..middle, middle..steps.end].map(|it| Group::over(instance, known, tensors, it)).into();
            for child in &group.children {
                group.ops.iter_mut().zip(&child.ops).for_each(|(own, child)| *own |= child);
                group.owned.extend(&child.owned);
                group.paid += child.paid;
            }
            return group;
        }
        let mut touches = Vec::new();
        for step in steps {
            put(&mut group.ops, known.order[step]);
            for &tensor in &tensors[step] {
                group.owned.push(tensor);
                group.paid += known.charges[usize::from(tensor)];
                touches.extend(instance.tracked[usize::from(tensor)].touches_around(step, &known.step_of));
            }
        }
        touches.into_iter().for_each(|op| put(&mut group.ops, op));
        group
    }

    fn to_go(&self, executed: &[u64]) -> u64 {
        if self.bound == 0 {
            return 0;
        }
        if self.ops.iter().zip(executed).all(|(ops, executed)| ops & executed == 0) {
            return self.bound;
        }
        to_go(&self.children, executed)
    }

    /// Improves the bounds of all groups below this one, each with so many states at most.
    pub fn solve_below<const W: usize>(
        &mut self,
        instance: &Instance,
        reach: &Reach,
        state_limit: usize,
        deadline: Deadline,
    ) -> Result<(), TooWide> {
        for child in &mut self.children {
            child.solve_below::<W>(instance, reach, state_limit, deadline)?;
            if child.bound < child.paid && !child.solved && !deadline.has_passed() {
                child.solve::<W>(instance, reach, state_limit, deadline)?;
            }
        }
        self.bound = self.bound.max(self.children.iter().map(|it| it.bound).sum());
        Ok(())
    }

    /// Improves this group's bound by exploring its problem.
    fn solve<const W: usize>(
        &mut self,
        instance: &Instance,
        reach: &Reach,
        state_limit: usize,
        deadline: Deadline,
    ) -> Result<(), TooWide> {
        let part = part(instance, reach, self);
        let executed = (0..instance.n_words).map(|it| !self.ops[it] & full_word(instance, it)).collect();
        let mut start = Node::<W>::after(&part, executed)?;
        start.states.push(State::empty());
        let quest = Quest {
            goal: instance.ops.len(),
            below: self.paid,
            groups: &self.children,
            beam: usize::MAX,
            eviction_limit: state_limit,
            state_limit,
            remember: false,
            deadline,
        };
        let t = std::time::Instant::now();
        let exploration = explore(&part, start, &quest)?;
        if std::env::var("SHOW").is_ok() {
            let n = self.ops.iter().map(|it| it.count_ones()).sum::<u32>();
            eprintln!(
                "  group of {n} ops, {} tensors: paid {} children {} bound {} complete {} states {} {:?}",
                self.owned.len(),
                self.paid,
                self.bound,
                exploration.bound,
                exploration.is_complete(),
                exploration.n_states,
                t.elapsed()
            );
        }
        self.solved = exploration.is_complete();
        self.bound = self.bound.max(exploration.bound);
        Ok(())
    }
}

fn full_word(instance: &Instance, word: usize) -> u64 {
    let left = instance.ops.len() - 64 * word;
    if 64 <= left { u64::MAX } else { (1 << left) - 1 }
}

/// The group's problem: operators keep their indices; those that it does not look at are empty.
fn part(instance: &Instance, reach: &Reach, group: &Group) -> Instance {
    let mut new_index: Vec<Option<Tracked>> = vec![None; instance.tracked.len()];
    let mut tracked = Vec::new();
    for &tensor in &group.owned {
        let mut it = instance.tracked[usize::from(tensor)].clone();
        it.producer = it.producer.filter(|op| has(&group.ops, *op));
        it.readers.retain(|op| has(&group.ops, *op));
        if it.readers.len() + usize::from(it.producer.is_some()) < 2 || it.readers.is_empty() {
            continue;
        }
        // Who wrote it is not looked at: it may have a host copy.
        it.has_host_copy |= it.producer.is_none();
        new_index[usize::from(tensor)] = Some(tracked.len() as Tracked);
        tracked.push(it);
    }
    let ops = (0..instance.ops.len() as u16)
        .map(|op| {
            if !has(&group.ops, op) {
                return SearchOp::default();
            }
            let whole = &instance.ops[usize::from(op)];
            let mut need = whole.need;
            let mut owned = |tensors: &[Tracked]| {
                let mut owned = Vec::new();
                for &tensor in tensors {
                    match new_index[usize::from(tensor)] {
                        Some(index) => owned.push(index),
                        None => need += instance.tracked[usize::from(tensor)].room,
                    }
                }
                owned.sort_unstable();
                owned
            };
            let (reads, writes) = (owned(&whole.reads), owned(&whole.writes));
            SearchOp {
                need,
                reads,
                writes,
                predecessors: nearest(&reach.ancestors, &group.ops, op),
                successors: nearest(&reach.descendants, &group.ops, op),
            }
        })
        .collect();
    Instance { capacity: instance.capacity, ops, tracked, n_words: instance.n_words }
}

/// The operators of a group that are reached from `op`, without those that are reached from others
/// of them.
fn nearest(reach: &[Box<[u64]>], ops: &[u64], op: u16) -> Vec<u16> {
    let reached: Vec<u64> = reach[usize::from(op)].iter().zip(ops).map(|(reach, ops)| reach & ops).collect();
    let mut nearest = reached.clone();
    for word in 0..reached.len() {
        for bit in super::bits::ones(reached[word]) {
            let further = &reach[64 * word + bit];
            nearest.iter_mut().zip(further).for_each(|(nearest, further)| *nearest &= !further);
        }
    }
    let members = nearest.iter().enumerate();
    members.flat_map(|(word, bits)| super::bits::ones(*bits).map(move |bit| (64 * word + bit) as u16)).collect()
}
