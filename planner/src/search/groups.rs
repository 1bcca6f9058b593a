//! Lower bounds from parts of the problem that are solved alone.
//!
//! A *group* owns some tensors and includes some operators. Its problem is the original one without all other
//! operators, but with the dependences through them, and in which tensors that it does not own are on-chip only while
//! one of its operators needs them. The charge of a plan of the whole problem for the group's tensors is also the
//! charge of a plan of the group's problem, so the group's optimum is a lower bound on it; and the bounds of groups
//! that own different tensors add up. A result may take the place of an operand unless the group knows that the operand
//! does not die.
//!
//! Groups form a binary tree over the order of a known plan: leaves are short ranges of it. A tensor belongs to the
//! leaf in whose steps its fate is decided, and a leaf includes its steps and all operators that touch its tensors. The
//! search of a group, and of the whole problem at the root, adds to the charge of a state the bounds of all groups
//! below of which no operator has run.

use super::bits::{has, put};
use super::executed::Executed;
use super::explore::{Exploration, Subproblem, explore};
use super::instance::{Instance, SearchOp, SearchPair, Tracked};
use super::node::{Node, State, TooWide};
use super::reach::Reach;
use super::{Shortcuts, Thresholds};
use crate::Deadline;
use crate::reach::{Reach as Relation, members};
use std::ops::Range;

/// An operator that needs this fraction of the scratchpad matters, whatever it touches.
const NEEDY: u64 = 4;

pub(super) struct Group {
    /// The operators that it includes.
    ops: Box<[u64]>,
    owned: Vec<Tracked>,
    /// A lower bound on the charge of any plan for its tensors.
    pub bound: u64,
    /// Whether `bound` is the group's optimum.
    solved: bool,
    /// The charge of the known plan for them.
    paid: u64,
    pub children: Vec<Group>,
}

/// The limits for solving a group.
pub(super) struct Limits<'a> {
    /// The limit of states kept.
    pub states: usize,
    pub shortcuts: Shortcuts,
    pub thresholds: Thresholds,
    pub deadline: Deadline<'a>,
}

/// A known plan: its order, and its charge for each tracked tensor.
pub(super) struct Known {
    pub order: Vec<u16>,
    /// The step in which each operator runs.
    pub step_of: Vec<usize>,
    pub charges: Vec<u64>,
    /// The step in which a tensor's fate is decided: where it is evicted, or else the fullest step while it is live.
    pub decided: Vec<usize>,
}

/// A lower bound on the remaining charge for the tensors of these groups after `executed` has run.
pub(super) fn to_go(groups: &[Group], executed: &Executed) -> u64 {
    groups.iter().map(|it| it.to_go(executed)).sum()
}

impl Group {
    /// The root of the groups of a problem: it includes and owns everything. The leaves are at most `leaf` steps long.
    pub fn root(instance: &Instance, known: &Known, leaf: usize) -> Group {
        let mut tensors: Vec<Vec<Tracked>> = vec![Vec::new(); known.order.len()];
        for (tensor, &step) in known.decided.iter().enumerate() {
            tensors[step].push(tensor as Tracked);
        }
        Group::over(instance, known, &tensors, leaf.max(1), 0..known.order.len())
    }

    /// The group of some steps of the plan, and those below it. `tensors[step]` are those whose fate is decided there.
    fn over(instance: &Instance, known: &Known, tensors: &[Vec<Tracked>], leaf: usize, steps: Range<usize>) -> Group {
        let mut group = Group {
            ops: vec![0; instance.n_words].into(),
            owned: Vec::new(),
            bound: 0,
            solved: false,
            paid: 0,
            children: Vec::new(),
        };
        if leaf < steps.len() {
            let middle = (steps.start + steps.end) / 2;
            group.children = [steps.start..middle, middle..steps.end]
                .map(|it| Group::over(instance, known, tensors, leaf, it))
                .into();
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

    fn to_go(&self, executed: &Executed) -> u64 {
        if self.bound == 0 {
            return 0;
        }
        if !executed.meets(&self.ops) {
            return self.bound;
        }
        to_go(&self.children, executed)
    }

    /// Improves the bounds of all groups below this one, each with this limit of states.
    pub fn solve_below<const W: usize>(
        &mut self,
        instance: &Instance,
        reach: &Reach,
        limits: &Limits,
    ) -> Result<(), TooWide> {
        for child in &mut self.children {
            child.solve_below::<W>(instance, reach, limits)?;
            if child.bound < child.paid && !child.solved && !limits.deadline.has_passed() {
                child.solve::<W>(instance, reach, limits)?;
            }
        }
        self.bound = self.bound.max(self.children.iter().map(|it| it.bound).sum());
        Ok(())
    }

    /// Improves this group's bound by exploring its problem, first without the tensors that hardly matter.
    fn solve<const W: usize>(&mut self, instance: &Instance, reach: &Reach, limits: &Limits) -> Result<(), TooWide> {
        if limits.shortcuts.coarse {
            self.solve_coarsely::<W>(instance, reach, limits)?;
        }
        if self.bound < self.paid {
            let Some(exploration) = self.explore::<W>(instance, reach, limits)? else { return Ok(()) };
            self.solved = exploration.is_complete();
            self.bound = self.bound.max(exploration.bound);
        }
        Ok(())
    }

    /// Improves this group's bound by exploring its problem without tiny tensors and the operators that touch nothing
    /// else. These hardly cost anything, but multiply the number of orders.
    pub fn solve_coarsely<const W: usize>(
        &mut self,
        instance: &Instance,
        reach: &Reach,
        limits: &Limits,
    ) -> Result<(), TooWide> {
        let room = |tensor: Tracked| u128::from(instance.tracked[usize::from(tensor)].room);
        let is_tiny =
            |tensor: &Tracked| room(*tensor) * u128::from(limits.thresholds.tiny) < u128::from(instance.capacity);
        let matters = |op: u16| {
            let op = &instance.ops[usize::from(op)];
            instance.capacity < op.need * NEEDY || op.reads.iter().chain(&op.writes).any(|it| !is_tiny(it))
        };
        let mut coarse = self.restricted_to(&|op| matters(op));
        coarse.owned.retain(|it| !is_tiny(it));
        if coarse.ops == self.ops {
            return Ok(());
        }
        if let Some(exploration) = coarse.explore::<W>(instance, reach, limits)? {
            self.bound = self.bound.max(exploration.bound);
        }
        Ok(())
    }

    /// This group and those below, including fewer operators. Their bounds stay valid: the charge for a group's tensors
    /// comes before its first remaining operator, and then it is counted nowhere else, or after it.
    fn restricted_to(&self, keeps: &impl Fn(u16) -> bool) -> Group {
        let mut ops: Box<[u64]> = vec![0; self.ops.len()].into();
        let members = members(&self.ops).map(|it| it as u16);
        members.filter(|it| keeps(*it)).for_each(|it| put(&mut ops, it));
        let children = self.children.iter().map(|it| it.restricted_to(keeps)).collect();
        Group { ops, owned: self.owned.clone(), children, ..*self }
    }

    /// `None` if the deadline passes before its problem is built.
    fn explore<const W: usize>(
        &self,
        instance: &Instance,
        reach: &Reach,
        limits: &Limits,
    ) -> Result<Option<Exploration<W>>, TooWide> {
        let Some(part) = part(instance, reach, &self.ops, &self.owned, limits.deadline) else { return Ok(None) };
        // Operators outside of the group have run from the start.
        let executed = (0..instance.n_words).map(|it| !self.ops[it] & full_word(instance, it)).collect();
        let mut start = Node::<W>::after(&part, executed)?;
        start.states.push(State::empty());
        let subproblem = Subproblem {
            goal: instance.ops.len(),
            below: self.paid,
            groups: &self.children,
            shortcuts: limits.shortcuts,
            thresholds: limits.thresholds,
            beam: usize::MAX,
            eviction_limit: limits.states,
            state_limit: limits.states,
            remember: false,
            deadline: limits.deadline,
        };
        explore(&part, start, &subproblem).map(Some)
    }
}

fn full_word(instance: &Instance, word: usize) -> u64 {
    let left = instance.ops.len() - 64 * word;
    if 64 <= left { u64::MAX } else { (1 << left) - 1 }
}

/// The group's problem: operators keep their indices; those outside of it are empty. `None` if the deadline passes
/// before it is built.
fn part(instance: &Instance, reach: &Reach, ops: &[u64], owned: &[Tracked], deadline: Deadline) -> Option<Instance> {
    let mut new_index: Vec<Option<Tracked>> = vec![None; instance.tracked.len()];
    let mut tracked = Vec::new();
    for &tensor in owned {
        let mut it = instance.tracked[usize::from(tensor)].clone();
        it.producer = it.producer.filter(|op| has(ops, *op));
        it.readers.retain(|op| has(ops, *op));
        if it.readers.len() + usize::from(it.producer.is_some()) < 2 || it.readers.is_empty() {
            continue;
        }
        // Its producer is not included: it may have a host copy.
        it.has_host_copy |= it.producer.is_none();
        new_index[usize::from(tensor)] = Some(tracked.len() as Tracked);
        tracked.push(it);
    }
    let operators = (0..instance.ops.len() as u16)
        .map(|op| {
            if !has(ops, op) {
                return Some(SearchOp::default());
            }
            if deadline.has_passed() {
                return None;
            }
            let whole = &instance.ops[usize::from(op)];
            let mut need = whole.need;
            let mut owned = |tensors: &[Tracked]| {
                let mut owned = Vec::new();
                for &tensor in tensors {
                    match new_index[usize::from(tensor)] {
                        Some(index) => owned.push(index),
                        // A tensor that it does not own takes no space if it may be streamed.
                        None if whole.either_way.binary_search(&tensor).is_ok() => {}
                        None => need += instance.tracked[usize::from(tensor)].room,
                    }
                }
                owned.sort_unstable();
                owned
            };
            let (reads, writes, either_way) = (owned(&whole.reads), owned(&whole.writes), owned(&whole.either_way));
            // A tensor that the group does not own, or whose readers it does not all include, may die here.
            let is_seen = |it: &SearchPair| it.tracked.and_then(|it| new_index[usize::from(it)]);
            let in_place = whole.in_place.iter().map(|it| SearchPair { tracked: is_seen(it), ..*it }).collect();
            let nearest =
                |reach: &Relation| reach.nearest(usize::from(op), ops).into_iter().map(|it| it as u16).collect();
            Some(SearchOp {
                need,
                capacity: whole.capacity,
                reads,
                writes,
                either_way,
                in_place,
                predecessors: nearest(&reach.ancestors),
                successors: nearest(&reach.descendants),
                // Groups ignore pins.
                excluded: Vec::new(),
                is_in_the_way: false,
            })
        })
        .collect::<Option<Vec<SearchOp>>>()?;
    Some(Instance { capacity: instance.capacity, ops: operators, tracked, n_words: instance.n_words })
}
