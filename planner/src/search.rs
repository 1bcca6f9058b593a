//! The exact search for order and residency, with the capacity as a plain sum.

mod barriers;
mod bits;
mod dominance;
mod expand;
mod explore;
mod instance;
mod node;

use crate::{Bytes, Deadline, OpId, Outline, Problem, TensorId};
use barriers::{Reach, suffix_bounds};
use explore::{Exploration, Found, Quest, Trace, explore};
use instance::Instance;
use node::{Node, State, TooWide};

/// How hard the search tries.
#[derive(Clone, Copy, Debug)]
pub struct SearchOptions {
    /// States that go on from each level of the first pass.
    pub beam: usize,
    /// States that the proof may keep in all; it gives up beyond.
    pub state_limit: usize,
    /// Whether to look for a proof once the beam has found a plan.
    pub proof: bool,
}

impl Default for SearchOptions {
    fn default() -> SearchOptions {
        SearchOptions { beam: 200, state_limit: 20_000_000, proof: true }
    }
}

/// What the search found.
#[derive(Clone, Debug)]
pub struct SearchOutcome {
    /// The best outline found; none only if the deadline came before the first.
    pub outline: Option<Outline>,
    /// A proven lower bound on the non-compulsory bytes of every outline.
    pub lower_bound: Bytes,
}

/// Searches all orders and residencies for the least non-compulsory traffic.
pub fn search(problem: &Problem, options: &SearchOptions, deadline: Deadline) -> SearchOutcome {
    let capacity = problem.machine.scratchpad.align_up(problem.machine.alignment);
    let instance = Instance::new(problem, capacity);
    None.or_else(|| Search::<1>::run(problem, &instance, options, deadline).ok())
        .or_else(|| Search::<4>::run(problem, &instance, options, deadline).ok())
        .or_else(|| Search::<16>::run(problem, &instance, options, deadline).ok())
        .unwrap_or(SearchOutcome { outline: None, lower_bound: problem.restreamed() })
}

struct Search<'a, const W: usize> {
    problem: &'a Problem,
    instance: &'a Instance,
    options: &'a SearchOptions,
    deadline: Deadline,
}

impl<const W: usize> Search<'_, W> {
    fn run(
        problem: &Problem,
        instance: &Instance,
        options: &SearchOptions,
        deadline: Deadline,
    ) -> Result<SearchOutcome, TooWide> {
        let search = Search::<W> { problem, instance, options, deadline };
        let n_ops = instance.ops.len();
        let suffix = vec![0; n_ops + 1];
        let quest = Quest {
            goal: n_ops,
            below: u64::MAX,
            suffix: &suffix,
            beam: Some(options.beam),
            eviction_limit: 200,
            state_limit: usize::MAX,
            deadline,
        };
        let t = std::time::Instant::now();
        let beam = explore(instance, search.start(), &quest)?;
        let Some(found) = beam.best else {
            return Ok(SearchOutcome { outline: None, lower_bound: problem.restreamed() });
        };
        let mut outline = search.outline(&beam, found);
        let mut upper = found.cost;
        eprintln!("beam {} bound {} states {} in {:?}", upper, beam.bound, beam.traces.len(), t.elapsed());
        let mut lower = 0;
        if 0 < upper && options.proof {
            let reach = Reach::of(instance);
            let t = std::time::Instant::now();
            let charged = search.charged(&beam, found);
            let suffix = suffix_bounds::<W>(instance, &reach, &charged, options.state_limit, deadline)?;
            eprintln!("suffix {} in {:?}", suffix[0], t.elapsed());
            let t = std::time::Instant::now();
            let quest = Quest {
                goal: n_ops,
                below: upper,
                suffix: &suffix,
                beam: None,
                eviction_limit: usize::MAX,
                state_limit: options.state_limit,
                deadline,
            };
            let proof = explore(instance, search.start(), &quest)?;
            lower = proof.bound.max(suffix[0]);
            if let Some(found) = proof.best {
                upper = found.cost;
                outline = search.outline(&proof, found);
            }
            eprintln!("proof {} bound {} states {} in {:?}", upper, proof.bound, proof.traces.len(), t.elapsed());
        }
        let lower_bound = problem.restreamed() + Bytes(lower);
        Ok(SearchOutcome { outline: Some(outline), lower_bound })
    }

    fn start(&self) -> Node<W> {
        let mut root = Node::root(self.instance);
        root.states.push(State::empty());
        root
    }

    /// What had been charged by each level on the way to `found`.
    fn charged(&self, exploration: &Exploration<W>, found: Found) -> Vec<u64> {
        let mut charged = vec![0; self.instance.ops.len() + 1];
        let mut index = found.trace;
        for level in (0..charged.len()).rev() {
            charged[level] = exploration.traces[index as usize].cost;
            index = exploration.traces[index as usize].parent;
        }
        charged
    }

    /// The outline that led to `found` from the start.
    fn outline(&self, exploration: &Exploration<W>, found: Found) -> Outline {
        let mut path: Vec<&Trace<W>> = Vec::new();
        let mut index = found.trace;
        while exploration.traces[index as usize].parent != index {
            path.push(&exploration.traces[index as usize]);
            index = exploration.traces[index as usize].parent;
        }
        path.reverse();

        let graph = &self.problem.graph;
        let mut node = Node::<W>::root(self.instance);
        let mut before: Vec<TensorId> = Vec::new();
        let mut order = Vec::new();
        // Before each step: what stayed since the last one.
        let mut kept: Vec<Vec<TensorId>> = Vec::new();
        // Dependences of no size are never put out: their readers that are still to come.
        let mut unread: Vec<usize> = graph.tensor_ids().map(|it| graph.readers(it).len()).collect();
        let mut weightless: Vec<TensorId> = Vec::new();
        for trace in path {
            let op = OpId(u32::from(trace.op));
            let executed = node.executed_with(trace.op);
            node = node.child(self.instance, trace.op, executed).expect("the search went this way");
            let resident: Vec<TensorId> = trace
                .resident
                .iter()
                .map(|it| self.instance.tracked[usize::from(node.live[it].tensor)].id)
                .collect();
            if !order.is_empty() {
                let stays = |it: &TensorId| resident.contains(it) || graph.op(op).reads.contains(it);
                kept.push(before.iter().copied().filter(stays).chain(weightless.iter().copied()).collect());
            }
            order.push(op);
            for read in &graph.op(op).reads {
                unread[read.index()] -= 1;
            }
            weightless.extend(self.problem.operands(op).filter(|it| graph.tensor(*it).size == Bytes::ZERO));
            weightless.sort_unstable();
            weightless.dedup();
            weightless.retain(|it| 0 < unread[it.index()]);
            before = resident;
        }
        Outline::new(self.problem, order, &kept)
    }
}
