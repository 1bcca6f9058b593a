//! Level by level, one operator each, through the states.

use super::bits::Bits;
use super::dominance::retain_undominated;
use super::expand::{evictions, is_eager, run};
use super::groups::{Group, to_go};
use super::instance::Instance;
use super::node::{Node, Sizes, State, TooWide, Transition};
use crate::Deadline;
use std::collections::HashMap;

/// What to look for, and with how much.
pub(super) struct Quest<'a> {
    /// The level at which to stop: so many operators have run.
    pub goal: usize,
    /// Only what charges less than this is of interest.
    pub below: u64,
    /// Bounds on what is still to be charged.
    pub groups: &'a [Group],
    /// States that go on from each level.
    pub beam: usize,
    /// Steps of the enumeration of evictions for one state and operator.
    pub eviction_limit: usize,
    /// States that may go on in all.
    pub state_limit: usize,
    /// Whether to remember the way to the best state.
    pub remember: bool,
    pub deadline: Deadline,
}

/// What was found.
pub(super) struct Exploration<const W: usize> {
    /// The cheapest state at the goal, if one charges less than [`Quest::below`].
    pub best: Option<Found>,
    /// A proven lower bound on the least charge at the goal; [`Quest::below`] at most.
    pub bound: u64,
    /// States that went on.
    pub n_states: usize,
    /// What was left out charges at least this; [`Quest::below`], if nothing was.
    left_out: u64,
    below: u64,
    pub traces: Vec<Trace<W>>,
}

impl<const W: usize> Exploration<W> {
    /// Whether `best` is the optimum, or there is nothing below [`Quest::below`].
    pub fn is_complete(&self) -> bool {
        self.bound <= self.left_out && (self.best.is_some() || self.bound == self.below)
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
    /// The operator that ran last; of no meaning at the start.
    pub op: u16,
    /// What is on-chip, as indices into the live list of its node.
    pub resident: Bits<W>,
}

/// Explores from the states of `start`, which has run `level` operators.
pub(super) fn explore<const W: usize>(
    instance: &Instance,
    start: Node<W>,
    quest: &Quest,
) -> Result<Exploration<W>, TooWide> {
    let mut level: usize = start.executed.iter().map(|it| it.count_ones() as usize).sum();
    let mut explorer = Explorer { instance, quest, traces: Vec::new(), n_states: 0, left_out: quest.below };
    let mut nodes = vec![start];
    while level < quest.goal {
        explorer.settle(&mut nodes);
        match explorer.advance(nodes)? {
            Some(next) => nodes = next,
            None => return Ok(explorer.finish(None)),
        }
        level += 1;
    }
    let goal = nodes.iter().flat_map(|it| &it.states).min_by_key(|it| (it.cost, it.peak));
    let found = match goal {
        Some(state) => {
            let trace = explorer.trace(state);
            Some(Found { cost: state.cost, trace })
        }
        None => None,
    };
    Ok(explorer.finish(found))
}

struct Explorer<'a, const W: usize> {
    instance: &'a Instance,
    quest: &'a Quest<'a>,
    traces: Vec<Trace<W>>,
    n_states: usize,
    left_out: u64,
}

impl<const W: usize> Explorer<'_, W> {
    fn trace(&mut self, state: &State<W>) -> u32 {
        self.n_states += 1;
        if !self.quest.remember {
            return 0;
        }
        let index = self.traces.len() as u32;
        let parent = if state.parent == u32::MAX { index } else { state.parent };
        self.traces.push(Trace { parent, op: state.op, resident: state.resident });
        index
    }

    fn finish(self, best: Option<Found>) -> Exploration<W> {
        let Explorer { traces, n_states, left_out, quest, .. } = self;
        let bound = left_out.min(best.map_or(u64::MAX, |it| it.cost));
        Exploration { best, bound, below: quest.below, n_states, left_out, traces }
    }

    /// Lets the states of a level compete: within each node, and for the places of the beam.
    fn settle(&mut self, nodes: &mut Vec<Node<W>>) {
        for node in nodes.iter_mut() {
            let sizes = Sizes::of(self.instance, node);
            node.states.retain(|it| it.cost + node.to_go < self.quest.below);
            retain_undominated(&mut node.states, &sizes);
        }
        nodes.retain(|it| !it.states.is_empty());
        let beam = self.quest.beam;
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

    /// Runs one operator more from every state. None if the quest's limits forbid to go on; what
    /// is left then counts in the bound.
    fn advance(&mut self, nodes: Vec<Node<W>>) -> Result<Option<Vec<Node<W>>>, TooWide> {
        let mut next = NextLevel { nodes: Vec::new(), places: HashMap::new() };
        let mut n_states = 0;
        let mut pending = nodes.into_iter();
        while let Some(node) = pending.next() {
            if self.quest.deadline.has_passed() || self.quest.state_limit < self.n_states + n_states {
                let left = pending.as_slice().iter().chain([&node]);
                let waiting = left.chain(&next.nodes);
                let waiting = waiting.flat_map(|node| node.states.iter().map(|it| it.cost + node.to_go));
                self.left_out = waiting.fold(self.left_out, u64::min);
                return Ok(None);
            }
            n_states += self.expand(&node, &mut next)?;
        }
        Ok(Some(next.nodes))
    }

    fn expand(&mut self, node: &Node<W>, next: &mut NextLevel<W>) -> Result<usize, TooWide> {
        let capacity = self.instance.capacity;
        let sizes = Sizes::of(self.instance, node);
        let mut transitions: Vec<Option<Transition<W>>> = node.ready.iter().map(|_| None).collect();
        let mut n_states = 0;
        for state in &node.states {
            let trace = self.trace(state);
            // Transitions are made when first asked for: an eager operator makes the others idle.
            let mut eager = None;
            for (slot, &op) in transitions.iter_mut().zip(&node.ready) {
                if slot.is_none() {
                    *slot = Some(next.transition(self.instance, self.quest.groups, node, op)?);
                }
                let transition = slot.as_ref().expect("it was just made");
                if is_eager(state, transition, &sizes, capacity) {
                    eager = Some((op, transition));
                    break;
                }
            }
            if let Some((op, transition)) = eager {
                let successor = run(state, transition, &sizes, &Bits::EMPTY, op, trace);
                next.nodes[transition.child as usize].states.push(successor);
                n_states += 1;
                continue;
            }
            for (transition, &op) in transitions.iter().zip(&node.ready) {
                let transition = transition.as_ref().expect("no operator was eager, so all were looked at");
                let child = &mut next.nodes[transition.child as usize];
                let limit = self.quest.eviction_limit;
                let to_go = child.to_go;
                let budget = self.quest.below.saturating_sub(state.cost + to_go);
                let complete = evictions(state, transition, &sizes, capacity, budget, limit, &mut |evicted| {
                    child.states.push(run(state, transition, &sizes, &evicted, op, trace));
                    n_states += 1;
                });
                if !complete {
                    self.left_out = self.left_out.min(state.cost + to_go);
                }
            }
        }
        Ok(n_states)
    }
}

/// The nodes of the next level, each executed set once.
struct NextLevel<const W: usize> {
    nodes: Vec<Node<W>>,
    places: HashMap<Box<[u64]>, u32>,
}

impl<const W: usize> NextLevel<W> {
    fn transition(
        &mut self,
        instance: &Instance,
        groups: &[Group],
        node: &Node<W>,
        op: u16,
    ) -> Result<Transition<W>, TooWide> {
        let executed = node.executed_with(op);
        let place = match self.places.get(&executed) {
            Some(&place) => place,
            None => {
                let place = self.nodes.len() as u32;
                let mut child = node.child(instance, op, executed.clone())?;
                child.to_go = to_go(groups, &child.executed);
                self.nodes.push(child);
                self.places.insert(executed, place);
                place
            }
        };
        Ok(node.transition(instance, op, &self.nodes[place as usize], place))
    }
}
