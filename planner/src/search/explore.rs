//! Breadth-first exploration of the states, one operator per level.

use super::bits::Bits;
use super::dominance::{retain_distinct, retain_undominated};
use super::executed::Executed;
use super::expand::{Evicted, evictions, is_eager, run};
use super::groups::{Group, to_go};
use super::instance::Instance;
use super::node::{Demand, Node, Sizes, State, TooWide, Transition};
use super::{Shortcuts, Thresholds};
use crate::Deadline;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of states that one thread expands in a row.
const SHARE: usize = 512;

/// The number of steps of the enumeration of evictions that count as a state for limits: there can be many for each
/// set.
const STEPS_PER_STATE: usize = 8;

/// The number of parts of a level, each with nodes of its own until they are merged.
const N_PARTS: usize = 4;

/// The limit of nodes of a part, of about 300 B each: 0.6 GB in all parts.
const MAX_NODES: usize = 500_000;

/// A goal, and limits.
pub(super) struct Subproblem<'a> {
    /// The level at which to stop: this many operators have run.
    pub goal: usize,
    /// Only states that charge less than this are of interest.
    pub below: u64,
    /// Bounds on the remaining charge.
    pub groups: &'a [Group],
    pub shortcuts: Shortcuts,
    pub thresholds: Thresholds,
    /// The states kept per level.
    pub beam: usize,
    /// The limit of enumeration steps for one state and operator.
    pub eviction_limit: usize,
    /// The limit of states kept in all.
    pub state_limit: usize,
    /// Whether to remember the path to the best state.
    pub remember: bool,
    pub deadline: Deadline<'a>,
}

/// The result.
pub(super) struct Exploration<const W: usize> {
    /// The cheapest state at the goal, if one charges less than [`Subproblem::below`].
    pub best: Option<Found>,
    /// A proven lower bound on the least charge at the goal; at most [`Subproblem::below`].
    pub bound: u64,
    /// The number of states that were kept.
    pub n_states: usize,
    /// The number of states that were generated, kept or not.
    pub n_generated: usize,
    /// A lower bound on the charge of everything that was dropped; [`Subproblem::below`] if nothing was.
    left_out: u64,
    below: u64,
    pub traces: Vec<Trace<W>>,
}

impl<const W: usize> Exploration<W> {
    /// Whether `best` is the optimum, or there is nothing below [`Subproblem::below`].
    pub fn is_complete(&self) -> bool {
        match self.best {
            Some(found) => found.cost <= self.left_out,
            None => self.left_out == self.below,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub cost: u64,
    pub trace: u32,
}

/// A state that was expanded, as its descendants remember it.
#[derive(Clone, Copy)]
pub(super) struct Trace<const W: usize> {
    /// The trace that it continues; its own index at the start.
    pub parent: u32,
    /// The operator that ran last; undefined at the start.
    pub op: u16,
    /// The tensors that were streamed then: see [`State::passed`].
    pub passed: u16,
    /// The tensors on-chip, as indices into the live list of its node.
    pub resident: Bits<W>,
}

/// Explores from the states of `start`.
pub(super) fn explore<const W: usize>(
    instance: &Instance,
    mut start: Node<W>,
    subproblem: &Subproblem,
) -> Result<Exploration<W>, TooWide> {
    let mut level = start.executed.count();
    start.to_go = to_go(subproblem.groups, &start.executed);
    let mut explorer =
        Explorer { instance, subproblem, traces: Vec::new(), n_states: 0, n_generated: 0, left_out: subproblem.below };
    let mut nodes = vec![start];
    while level < subproblem.goal {
        explorer.prune(&mut nodes);
        match explorer.expand_level(&nodes)? {
            Some(next) => nodes = next,
            None => {
                let waiting = nodes.iter().flat_map(|node| node.states.iter().map(|it| it.cost + node.to_go));
                explorer.left_out = waiting.fold(explorer.left_out, u64::min);
                return Ok(explorer.finish(None));
            }
        }
        level += 1;
    }
    let reached = nodes.iter().flat_map(|it| &it.states).filter(|it| it.cost < subproblem.below);
    let best = reached.min_by_key(|it| (it.cost, it.peak, it.parent)).cloned();
    let best = best.map(|state| Found { cost: state.cost, trace: explorer.remember(&[state]) });
    Ok(explorer.finish(best))
}

struct Explorer<'a, const W: usize> {
    instance: &'a Instance,
    subproblem: &'a Subproblem<'a>,
    traces: Vec<Trace<W>>,
    n_states: usize,
    n_generated: usize,
    left_out: u64,
}

impl<const W: usize> Explorer<'_, W> {
    /// Adds traces for consecutive states; returns the index of the first.
    fn remember(&mut self, states: &[State<W>]) -> u32 {
        self.n_states += states.len();
        if !self.subproblem.remember {
            return 0;
        }
        let first = self.traces.len() as u32;
        for (index, state) in (first..).zip(states) {
            let parent = if state.parent == u32::MAX { index } else { state.parent };
            self.traces.push(Trace { parent, op: state.op, passed: state.passed, resident: state.resident });
        }
        first
    }

    fn finish(self, best: Option<Found>) -> Exploration<W> {
        let Explorer { traces, n_states, n_generated, left_out, subproblem, .. } = self;
        let bound = left_out.min(best.map_or(u64::MAX, |it| it.cost));
        Exploration { best, bound, below: subproblem.below, n_states, n_generated, left_out, traces }
    }

    /// Prunes the states of a level: dominated ones within each node, and those beyond the beam.
    fn prune(&mut self, nodes: &mut Vec<Node<W>>) {
        self.compete(nodes);
        nodes.par_iter_mut().for_each(Node::unfold);
    }

    fn compete(&mut self, nodes: &mut Vec<Node<W>>) {
        let Subproblem { below, deadline, thresholds, .. } = *self.subproblem;
        nodes.par_iter_mut().for_each(|node| {
            let sizes = Sizes::of(self.instance, node);
            node.states.retain(|it| it.cost + node.to_go < below);
            match self.subproblem.shortcuts.dominance {
                true => retain_undominated(&mut node.states, &sizes, thresholds.rivals, deadline),
                false => retain_distinct(&mut node.states),
            }
        });
        nodes.retain(|it| !it.states.is_empty());
        nodes.sort_unstable_by(|a, b| a.executed.cmp(&b.executed));
        let beam = self.subproblem.beam;
        if nodes.iter().map(|it| it.states.len()).sum::<usize>() <= beam {
            return;
        }
        let rank = |node: &Node<W>, it: &State<W>| (it.cost + node.to_go, it.used, it.peak, it.resident, it.host);
        let mut ranks: Vec<_> = nodes
            .iter()
            .enumerate()
            .flat_map(|(index, node)| node.states.iter().map(move |it| (rank(node, it), index)))
            .collect();
        let (_, first_out, _) = ranks.select_nth_unstable(beam);
        let first_out = *first_out;
        self.left_out = self.left_out.min(first_out.0.0);
        for (index, node) in nodes.iter_mut().enumerate() {
            let mut states = std::mem::take(&mut node.states);
            states.retain(|it| (rank(node, it), index) < first_out);
            node.states = states;
        }
        nodes.retain(|it| !it.states.is_empty());
    }

    /// Runs another operator from every state. `None` if the subproblem's limits are exceeded.
    fn expand_level(&mut self, nodes: &[Node<W>]) -> Result<Option<Vec<Node<W>>>, TooWide> {
        let mut shares = Vec::new();
        for node in nodes {
            let first = self.remember(&node.states);
            for start in (0..node.states.len()).step_by(SHARE) {
                let states = &node.states[start..node.states.len().min(start + SHARE)];
                shares.push(Share { node, states, first_trace: first + start as u32 });
            }
        }
        // Whether the limit is reached does not depend on the order of counting: the total either exceeds the remainder
        // or does not.
        let left = self.subproblem.state_limit.saturating_sub(self.n_states);
        let generated = AtomicUsize::new(0);
        let n_parts = if shares.len() < 2 { 1 } else { N_PARTS };
        let parts: Vec<Result<Part<W>, TooWide>> = shares
            .par_chunks(shares.len().div_ceil(n_parts).max(1))
            .map(|shares| self.expand(shares, &generated, left))
            .collect();
        let generated = generated.into_inner();
        self.n_generated += generated;
        if left < generated {
            return Ok(None);
        }
        let Some(whole) = put_together(parts)? else { return Ok(None) };
        self.left_out = self.left_out.min(whole.left_out);
        Ok(Some(whole.level.nodes))
    }

    fn expand(&self, shares: &[Share<W>], generated: &AtomicUsize, limit: usize) -> Result<Part<W>, TooWide> {
        let mut part = Part { level: NextLevel::default(), left_out: u64::MAX, is_cut_off: false };
        for share in shares {
            let sizes = Sizes::of(self.instance, share.node);
            let demands: Vec<Demand<W>> =
                share.node.ready.list().iter().map(|it| share.node.demand(self.instance, *it)).collect();
            // Computed on first use: an eager operator makes the others unnecessary.
            let mut transitions: Vec<Option<Transition<W>>> = demands.iter().map(|_| None).collect();
            for (trace, state) in (share.first_trace..).zip(share.states) {
                let n_generated =
                    self.expand_state(share.node, state, trace, &sizes, &demands, &mut transitions, &mut part)?;
                let n_generated = generated.fetch_add(n_generated, Ordering::Relaxed) + n_generated;
                let is_full = limit < n_generated || MAX_NODES < part.level.nodes.len();
                if is_full || self.subproblem.deadline.has_passed() {
                    part.is_cut_off = true;
                    return Ok(part);
                }
            }
        }
        Ok(part)
    }

    /// Adds the successors of one state to the next level; returns their number plus the effort to find them.
    #[expect(clippy::too_many_arguments, reason = "what a share's states have in common is made once for all")]
    fn expand_state(
        &self,
        node: &Node<W>,
        state: &State<W>,
        trace: u32,
        sizes: &Sizes,
        demands: &[Demand<W>],
        transitions: &mut [Option<Transition<W>>],
        part: &mut Part<W>,
    ) -> Result<usize, TooWide> {
        let groups = self.subproblem.groups;
        let mut eager = demands.iter().take(if self.subproblem.shortcuts.eager { demands.len() } else { 0 });
        if let Some(eager) = eager.position(|it| is_eager(state, it, sizes, self.subproblem.thresholds.eager_inputs)) {
            let demand = &demands[eager];
            let transition =
                part.level.transition_once(self.instance, groups, node, demand.op, &mut transitions[eager])?;
            let successor = run(state, demand, transition, sizes, &Evicted::least(state, demand), trace);
            part.level.nodes[transition.child].push(successor);
            return Ok(1);
        }
        let mut n_generated = 0;
        for (demand, transition) in demands.iter().zip(transitions) {
            let transition = part.level.transition_once(self.instance, groups, node, demand.op, transition)?;
            let child = &mut part.level.nodes[transition.child];
            let to_go = child.to_go;
            let budget = self.subproblem.below.saturating_sub(state.cost + to_go);
            let limit = self.subproblem.eviction_limit;
            let enumerated = evictions(state, demand, sizes, budget, limit, &mut |evicted| {
                child.push(run(state, demand, transition, sizes, &evicted, trace));
                n_generated += 1;
            });
            n_generated += enumerated.n_steps / STEPS_PER_STATE;
            if !enumerated.is_complete {
                part.left_out = part.left_out.min(state.cost + to_go);
            }
        }
        Ok(n_generated)
    }
}

/// States of one node to expand in a row.
struct Share<'a, const W: usize> {
    node: &'a Node<W>,
    states: &'a [State<W>],
    /// The trace of the first of them.
    first_trace: u32,
}

/// The results of some shares.
struct Part<const W: usize> {
    level: NextLevel<W>,
    left_out: u64,
    is_cut_off: bool,
}

/// All parts as one; `None` if one of them was cut off. That one may not have reached a state that is too wide, so such
/// an error counts only if none was cut off: which of them are depends on the speed of the threads.
fn put_together<const W: usize>(parts: Vec<Result<Part<W>, TooWide>>) -> Result<Option<Part<W>>, TooWide> {
    if parts.iter().flatten().any(|part| part.is_cut_off) {
        return Ok(None);
    }
    let mut whole = Part { level: NextLevel::default(), left_out: u64::MAX, is_cut_off: false };
    for part in parts {
        let part = part?;
        whole.left_out = whole.left_out.min(part.left_out);
        whole.level.take_over(part.level);
    }
    Ok(Some(whole))
}

/// The nodes of the next level, each executed set once.
struct NextLevel<const W: usize> {
    nodes: Vec<Node<W>>,
    places: HashMap<Executed, usize>,
}

impl<const W: usize> Default for NextLevel<W> {
    fn default() -> NextLevel<W> {
        NextLevel { nodes: Vec::new(), places: HashMap::new() }
    }
}

impl<const W: usize> NextLevel<W> {
    /// The change of states of `node` when `op` runs; computed once and then kept in `slot`.
    fn transition_once<'a>(
        &mut self,
        instance: &Instance,
        groups: &[Group],
        node: &Node<W>,
        op: u16,
        slot: &'a mut Option<Transition<W>>,
    ) -> Result<&'a Transition<W>, TooWide> {
        match slot {
            Some(transition) => Ok(transition),
            None => Ok(slot.insert(self.transition(instance, groups, node, op)?)),
        }
    }

    fn transition(
        &mut self,
        instance: &Instance,
        groups: &[Group],
        node: &Node<W>,
        op: u16,
    ) -> Result<Transition<W>, TooWide> {
        let executed = node.executed.with(op);
        let place = match self.places.get(&executed) {
            Some(&place) => place,
            None => {
                let mut child = node.child(instance, op, executed)?;
                child.to_go = to_go(groups, &child.executed);
                self.add(child)
            }
        };
        Ok(node.transition(instance, op, &self.nodes[place], place))
    }

    fn add(&mut self, node: Node<W>) -> usize {
        let place = self.nodes.len();
        self.places.insert(node.executed.clone(), place);
        self.nodes.push(node);
        place
    }

    fn take_over(&mut self, other: NextLevel<W>) {
        if self.nodes.is_empty() {
            *self = other;
            return;
        }
        for node in other.nodes {
            match self.places.get(&node.executed) {
                Some(&place) => self.nodes[place].states.extend(node.states),
                None => {
                    self.add(node);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(is_cut_off: bool) -> Result<Part<1>, TooWide> {
        Ok(Part { level: NextLevel::default(), left_out: u64::MAX, is_cut_off })
    }

    /// Regardless of which part comes first, and which thread was faster.
    #[test]
    fn a_part_that_is_cut_off_counts_before_one_that_is_too_wide() {
        assert!(matches!(put_together(vec![part(true), Err(TooWide)]), Ok(None)));
        assert!(matches!(put_together(vec![Err(TooWide), part(true)]), Ok(None)));
        assert!(matches!(put_together(vec![part(false), Err(TooWide)]), Err(TooWide)));
        assert!(matches!(put_together(vec![part(false), part(false)]), Ok(Some(_))));
    }
}
