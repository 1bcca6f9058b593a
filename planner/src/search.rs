//! The exact search for order and residency, limited by the sum of padded sizes.

mod bits;
mod dominance;
mod executed;
mod expand;
mod explore;
mod groups;
mod instance;
mod labels;
mod node;
mod reach;

use crate::fate::fates;
use crate::{Bytes, Deadline, OpId, Order, Outline, Problem, TensorId};
use explore::{Exploration, Found, Subproblem, Trace, explore};
use groups::{Group, Known, Limits};
use instance::{Instance, MAX_EITHER_WAY};
pub use labels::{LabelOptions, Labelled, search_with_labels};
use node::{Node, State, TooWide};
use reach::Reach;
use std::cell::RefCell;
use tracing::debug;

/// The factor by which the states per level grow from one attempt at a proof to the next.
const GROWTH: usize = 8;

/// The states that a group may take for each one per level of the whole problem.
const GROUP_STATES: usize = 10;

/// The limit of operators: indices are small here; larger problems are left to other solvers.
const MAX_OPS: usize = 60_000;

/// The default limit of states that the search may keep in all: at most 0.6 GB.
pub(crate) const STATE_LIMIT: usize = 6_000_000;

/// The effort of the search.
#[derive(Clone, Copy, Debug)]
pub struct SearchOptions {
    /// The states kept per level of the first pass.
    pub beam: usize,
    /// Which orders are allowed.
    pub order: Order,
    /// The states kept per level of the first attempt at a proof; zero for no attempt.
    pub proof_width: usize,
    /// It gives up after an attempt with this many.
    pub widest: usize,
    /// The number of steps of the known plan in each of the smallest parts that are bounded alone.
    pub leaf: usize,
    /// The limit of states that the proof may keep in all.
    pub state_limit: usize,
    /// A known lower bound on the non-compulsory bytes.
    pub floor: Bytes,
    /// The shortcuts, which do not change the optimum.
    pub shortcuts: Shortcuts,
    /// The thresholds between strategies.
    pub thresholds: Thresholds,
}

/// Shortcuts of the search that do not change the optimum; each can be disabled.
#[derive(Clone, Copy, Debug)]
pub struct Shortcuts {
    /// An operator that can run at once without loss makes the others wait.
    pub eager: bool,
    /// Of two states with the same executed operators, one that the other can be turned into is dropped. If disabled,
    /// only equal states are.
    pub dominance: bool,
    /// Parts of the problem that are solved alone bound the whole.
    pub groups: bool,
    /// Parts are solved first without the tensors that hardly matter.
    pub coarse: bool,
}

impl Shortcuts {
    /// All of them.
    pub const ALL: Shortcuts = Shortcuts { eager: true, dominance: true, groups: true, coarse: true };
}

/// Thresholds between strategies of the search. They affect the time of a proof, and not its result; with small ones,
/// small problems use all strategies.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// A tensor is ignored in a first, coarse bound if this many of it fit the scratchpad.
    pub tiny: u64,
    /// The number of states of a node that later ones are compared with.
    pub rivals: usize,
    /// The limit of dying operands of an operator that may run at once without loss.
    pub eager_inputs: u32,
    /// 1, 4 or 16: the least number of words of 64 bits for the tensors that are live at once.
    pub least_words: usize,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { tiny: 512, rivals: 4096, eager_inputs: 8, least_words: 1 }
    }
}

impl Default for SearchOptions {
    fn default() -> SearchOptions {
        SearchOptions {
            order: Order::Free,
            beam: 200,
            proof_width: 2_000,
            widest: usize::MAX,
            leaf: 16,
            state_limit: STATE_LIMIT,
            floor: Bytes::ZERO,
            shortcuts: Shortcuts::ALL,
            thresholds: Thresholds::default(),
        }
    }
}

/// The result of the search.
#[derive(Clone, Debug)]
pub struct SearchOutcome {
    /// The best outline found; `None` only if the deadline passed before the first.
    pub outline: Option<Outline>,
    /// A proven lower bound on the non-compulsory bytes of every outline.
    pub lower_bound: Bytes,
    /// Whether the outline was made by `improve`.
    pub is_improved: bool,
    /// Whether more states, wider attempts or more time could lead further.
    pub can_go_on: bool,
}

/// Improves an outline, if it can; best with the same order.
pub type Improve<'a> = dyn Fn(&Outline) -> Option<Outline> + 'a;

/// Searches all orders and residencies for the least non-compulsory traffic.
///
/// `capacity` limits the sum of padded sizes in the scratchpad, except while an operator runs that needs more by
/// itself. The scratchpad's size, rounded up to the alignment, excludes no plan, so proofs with it hold for all plans;
/// less leaves gaps between addresses.
///
/// Starts and ends of tensors in the scratchpad are ignored; conflicts of pins are not.
///
/// `start` is a known outline within the capacity.
///
/// `improve` is called for each outline that the search does not soon prove optimal: if many tensors must be evicted
/// and the order is almost forced, other solvers choose them better.
pub fn search(
    problem: &Problem,
    capacity: Bytes,
    start: Option<&Outline>,
    options: &SearchOptions,
    improve: &Improve,
    deadline: Deadline,
) -> SearchOutcome {
    let unproven =
        SearchOutcome { outline: None, lower_bound: problem.restreamed(), is_improved: false, can_go_on: false };
    let graph = &problem.graph;
    let has_too_many_choices = graph.ops().iter().any(|it| MAX_EITHER_WAY < it.reads_either_way().count());
    if MAX_OPS < graph.ops().len() || MAX_OPS < graph.tensors().len() || has_too_many_choices {
        return unproven;
    }
    let instance = Instance::new(problem, capacity, options.order);
    let start = start.map(|outline| Incumbent::new(problem, outline.clone()));
    let told = RefCell::new(Told { best: start, bound: options.floor });
    let is_wide_enough = |words: &usize| options.thresholds.least_words <= *words;
    let outcome = [1, 4, 16].into_iter().filter(is_wide_enough).find_map(|words| match words {
        1 => Search::<1>::run(problem, &instance, &told, options, improve, deadline).ok(),
        4 => Search::<4>::run(problem, &instance, &told, options, improve, deadline).ok(),
        _ => Search::<16>::run(problem, &instance, &told, options, improve, deadline).ok(),
    });
    outcome.unwrap_or_else(|| {
        let Told { best, bound } = told.into_inner();
        let lower_bound = unproven.lower_bound.max(bound);
        let is_improved = best.as_ref().is_some_and(|it| it.is_improved);
        SearchOutcome { outline: best.map(|it| it.outline), lower_bound, is_improved, ..unproven }
    })
}

/// The results so far, which a watcher may have been told, however the search ends.
struct Told {
    best: Option<Incumbent>,
    /// A lower bound on the non-compulsory bytes of every outline.
    bound: Bytes,
}

struct Search<'a, const W: usize> {
    problem: &'a Problem,
    instance: &'a Instance,
    options: &'a SearchOptions,
    improve: &'a Improve<'a>,
    deadline: Deadline<'a>,
    told: &'a RefCell<Told>,
}

/// The best known outline.
#[derive(Clone)]
struct Incumbent {
    cost: u64,
    outline: Outline,
    is_improved: bool,
}

impl Incumbent {
    fn new(problem: &Problem, outline: Outline) -> Incumbent {
        let cost = (outline.non_compulsory(problem) - problem.restreamed()).0;
        Incumbent { cost, outline, is_improved: false }
    }
}

/// The progress of a proof.
struct Proof {
    /// A lower bound on the charge.
    bound: u64,
    /// Whether more states, wider attempts or more time could lead further.
    can_go_on: bool,
}

impl<const W: usize> Search<'_, W> {
    /// If more than one word of tensors is live at once, so many operators can run and so many sets can be evicted that
    /// wide beams are slow and find little.
    const IS_WIDE: bool = 1 < W;

    fn run(
        problem: &Problem,
        instance: &Instance,
        told: &RefCell<Told>,
        options: &SearchOptions,
        improve: &Improve,
        deadline: Deadline,
    ) -> Result<SearchOutcome, TooWide> {
        let search = Search::<W> { problem, instance, options, improve, deadline, told };
        let first = search.first()?;
        first.iter().for_each(|it| search.tell(it));
        let Some(mut known) = first else {
            return Ok(SearchOutcome {
                outline: None,
                lower_bound: problem.restreamed(),
                is_improved: false,
                can_go_on: false,
            });
        };
        let floor = told.borrow().bound.saturating_sub(problem.restreamed()).0;
        let mut proof = Proof { bound: floor.min(known.cost), can_go_on: false };
        if 0 < options.proof_width && proof.bound < known.cost {
            proof = search.prove(&mut known, floor)?;
        }
        let lower_bound = problem.restreamed() + Bytes(proof.bound);
        let Proof { can_go_on, .. } = proof;
        Ok(SearchOutcome { outline: Some(known.outline), lower_bound, is_improved: known.is_improved, can_go_on })
    }

    /// The best that can be found soon. `None` if there is no time even for that.
    fn first(&self) -> Result<Option<Incumbent>, TooWide> {
        let start = self.told.borrow().best.clone();
        let mut best =
            self.beam(self.options.beam / 25 + 1, u64::MAX)?.into_iter().chain(start).min_by_key(|it| it.cost);
        if let Some(known) = best.as_mut().filter(|it| 0 < it.cost) {
            self.tell(known);
            if Self::IS_WIDE {
                self.improve(known);
            } else if let Some(found) = self.beam(self.options.beam, known.cost)? {
                *known = found;
            }
        }
        Ok(best)
    }

    /// The best plan of a beam below some cost.
    fn beam(&self, beam: usize, below: u64) -> Result<Option<Incumbent>, TooWide> {
        let subproblem = Subproblem {
            goal: self.instance.ops.len(),
            below,
            groups: &[],
            shortcuts: self.options.shortcuts,
            thresholds: self.options.thresholds,
            beam,
            eviction_limit: beam,
            state_limit: usize::MAX,
            remember: true,
            deadline: self.deadline,
        };
        let exploration = explore(self.instance, self.start(), &subproblem)?;
        debug!(beam, best = ?exploration.best.map(|it| it.cost), generated = exploration.n_generated, "beam");
        Ok(self.incumbent(&exploration))
    }

    fn incumbent(&self, exploration: &Exploration<W>) -> Option<Incumbent> {
        let found = exploration.best?;
        Some(Incumbent { cost: found.cost, outline: self.outline(exploration, found), is_improved: false })
    }

    /// Lets `improve` try to improve the incumbent.
    fn improve(&self, known: &mut Incumbent) {
        if let Some(outline) = (self.improve)(&known.outline).filter(|it| self.cost(it) < known.cost) {
            *known = Incumbent { cost: self.cost(&outline), outline, is_improved: true };
            self.tell(known);
            debug!(cost = known.cost, "improved");
        }
    }

    fn tell(&self, known: &Incumbent) {
        self.told.borrow_mut().best = Some(known.clone());
        self.deadline.found(self.problem.restreamed() + Bytes(known.cost));
    }

    fn tell_bound(&self, known: &Incumbent, bound: u64) {
        let bound = self.problem.restreamed() + Bytes(bound.min(known.cost));
        self.told.borrow_mut().bound = bound;
        self.deadline.proved(bound);
    }

    /// Bounds the incumbent from below, and improves it, until both meet: by groups, and by beams that grow until
    /// nothing is dropped. `bound` is a known lower bound.
    fn prove(&self, known: &mut Incumbent, mut bound: u64) -> Result<Proof, TooWide> {
        let Search { instance, options, deadline, .. } = self;
        let Some(reach) = Reach::of(instance, *deadline) else {
            return Ok(Proof { bound: bound.min(known.cost), can_go_on: false });
        };
        let mut width = options.proof_width;
        let mut root = Group::root(instance, &self.known(&known.outline), options.leaf);
        loop {
            let group_states = (GROUP_STATES * width).min(options.state_limit);
            if options.shortcuts.groups {
                let SearchOptions { shortcuts, thresholds, .. } = **options;
                let limits = Limits { states: group_states, shortcuts, thresholds, deadline: *deadline };
                root.solve_below::<W>(instance, &reach, &limits)?;
                if root.bound < known.cost && options.shortcuts.coarse {
                    root.solve_coarsely::<W>(instance, &reach, &limits)?;
                }
                bound = root.bound.max(bound);
                self.tell_bound(known, bound);
            }
            debug!(width, cost = known.cost, bound, "groups");
            if known.cost <= bound || deadline.has_passed() || Self::IS_WIDE {
                let can_go_on = bound < known.cost && !Self::IS_WIDE;
                return Ok(Proof { bound: bound.min(known.cost), can_go_on });
            }
            let subproblem = Subproblem {
                goal: instance.ops.len(),
                below: known.cost,
                groups: if options.shortcuts.groups { &root.children } else { &[] },
                shortcuts: options.shortcuts,
                thresholds: options.thresholds,
                beam: width,
                eviction_limit: width,
                state_limit: options.state_limit,
                remember: true,
                deadline: *deadline,
            };
            let exploration = explore(instance, self.start(), &subproblem)?;
            bound = bound.max(exploration.bound);
            debug!(width, cost = known.cost, bound, states = exploration.n_states, "explored");
            let found = self.incumbent(&exploration);
            let is_new = found.is_some();
            *known = found.unwrap_or_else(|| known.clone());
            self.tell(known);
            self.tell_bound(known, bound);
            let is_last = options.widest <= width
                || options.state_limit <= GROUP_STATES.saturating_mul(width)
                || deadline.has_passed();
            if known.cost <= bound || is_last {
                return Ok(Proof { bound: bound.min(known.cost), can_go_on: bound < known.cost });
            }
            if is_new || width == options.proof_width {
                self.improve(known);
                root = Group::root(instance, &self.known(&known.outline), options.leaf);
            }
            width = width.saturating_mul(GROWTH);
        }
    }

    /// The charge of an outline in the search.
    fn cost(&self, outline: &Outline) -> u64 {
        (outline.non_compulsory(self.problem) - self.problem.restreamed()).0
    }

    fn start(&self) -> Node<W> {
        let mut root = Node::root(self.instance);
        root.states.push(State::empty());
        root
    }

    /// An outline in the form that groups need.
    fn known(&self, outline: &Outline) -> Known {
        let fates = fates(self.problem, outline);
        let tracked = || self.instance.tracked.iter().map(|it| &fates[it.id.index()]);
        let mut step_of = vec![0; outline.order.len()];
        outline.order.iter().enumerate().for_each(|(step, op)| step_of[op.index()] = step);
        Known {
            order: outline.order.iter().map(|it| it.0 as u16).collect(),
            step_of,
            charges: tracked().map(|it| it.charge.0).collect(),
            decided: tracked().map(|it| it.decided).collect(),
        }
    }

    /// The outline that led to `found` from the start.
    fn outline(&self, exploration: &Exploration<W>, found: Found) -> Outline {
        let mut path: Vec<Trace<W>> = Vec::new();
        let mut index = found.trace;
        while exploration.traces[index as usize].parent != index {
            path.push(exploration.traces[index as usize]);
            index = exploration.traces[index as usize].parent;
        }
        path.reverse();
        outline_of(self.problem, self.instance, &path)
    }
}

/// The tensors that were streamed when an operator ran.
fn passed<const W: usize>(instance: &Instance, trace: &Trace<W>) -> Vec<TensorId> {
    let either_way = instance.ops[usize::from(trace.op)].either_way.iter().enumerate();
    let passed = either_way.filter(|it| trace.passed >> it.0 & 1 == 1);
    passed.map(|it| instance.tracked[usize::from(*it.1)].id).collect()
}

/// The outline of a path: the operators that ran, and the contents of the scratchpad after each.
fn outline_of<const W: usize>(problem: &Problem, instance: &Instance, path: &[Trace<W>]) -> Outline {
    let graph = &problem.graph;
    let mut node = Node::<W>::root(instance);
    let mut before: Vec<TensorId> = Vec::new();
    let mut order = Vec::new();
    // Before each step: the tensors that stayed since the previous one.
    let mut kept: Vec<Vec<TensorId>> = Vec::new();
    for trace in path {
        let op = OpId(u32::from(trace.op));
        let executed = node.executed.with(trace.op);
        node = node.child(instance, trace.op, executed).expect("the search went this way");
        node.unfold();
        let resident: Vec<TensorId> =
            trace.resident.iter().map(|it| instance.tracked[usize::from(node.live[it].tensor)].id).collect();
        if !order.is_empty() {
            let passed = passed(instance, trace);
            let finds = |it: &TensorId| graph.op(op).reads_on_chip().any(|read| read == *it) && !passed.contains(it);
            let stays = |it: &TensorId| resident.contains(it) || finds(it);
            kept.push(before.iter().copied().filter(stays).collect());
        }
        order.push(op);
        before = resident;
    }
    Outline::new(problem, order, &kept)
}
