//! Groups in stripes, as the choice sees them: what each may take on-chip, counted once.

use crate::border::{Border, Incoming, Outgoing, Profile};
use crate::flow::Flow;
use crate::lanes::{self, Lanes};
use crate::plan::{self, Tiling};
use crate::simulate::{Simulation, simulate_within, tallest};
use crate::weights::Work;
use cosma_planner::Deadline;
use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

/// Operators of a group, at most.
const MAX_GROUP: usize = 40;
/// How many lengths in a row have to fail before longer groups are given up.
const MAX_MISSES: usize = 2;
/// Tiles of a group with halos, at most.
const MAX_TILES: u64 = 2048;
/// Divisors that are looked for.
const MAX_DIVISOR: u64 = 512;

/// A group of consecutive nodes, in lanes or not, and the heights of stripes in which it fits, the highest first.
pub(crate) struct StripeGroup {
    pub nodes: Range<usize>,
    pub lanes: Option<Lanes>,
    pub border: Border,
    pub heights: Vec<Stripes>,
}

/// A group in stripes of so many rows of the tallest tensor that leaves it.
pub(crate) struct Stripes {
    pub rows: u64,
    /// What it takes if all that may be elsewhere is in host memory.
    pub least_room: u64,
    pub work: Work,
    /// By profiles of the border: the most room that each node's steps need, without weights.
    peaks: RefCell<Vec<KnownPeaks>>,
    /// Kept while the group is looked at.
    simulation: RefCell<Option<Simulation>>,
}

type KnownPeaks = (Vec<Profile>, Rc<[u64]>);

/// All groups of a network that fit the scratchpad, as they are asked for: until the deadline has passed.
pub(crate) struct Groups<'a, 'b> {
    flow: &'b Flow<'a>,
    deadline: Deadline<'b>,
    /// By first node.
    groups: Vec<OnceCell<Vec<StripeGroup>>>,
    with_halos: Vec<OnceCell<Vec<StripeGroup>>>,
}

impl<'a, 'b> Groups<'a, 'b> {
    pub fn new(flow: &'b Flow<'a>, deadline: Deadline<'b>) -> Groups<'a, 'b> {
        let cells = || flow.nodes.iter().map(|_| OnceCell::new()).collect();
        Groups { flow, deadline, groups: cells(), with_halos: cells() }
    }

    /// Those that begin with a node, by length.
    pub fn from(&self, start: usize) -> &[StripeGroup] {
        self.groups[start].get_or_init(|| groups_from(self.flow, start, self.deadline))
    }

    /// Those in lanes with halos.
    pub fn with_halos_from(&self, start: usize) -> &[StripeGroup] {
        self.with_halos[start].get_or_init(|| {
            let ends = start + 2..=self.flow.nodes.len().min(start + lanes::MAX_GROUP);
            ends.take_while(|_| !self.deadline.has_passed())
                .flat_map(|end| groups_with_halos(self.flow, start..end))
                .collect()
        })
    }
}

/// All groups that begin with a node, by length, while they fit.
fn groups_from(flow: &Flow, start: usize, deadline: Deadline) -> Vec<StripeGroup> {
    let mut groups = Vec::new();
    let mut misses = 0;
    for end in start + 1..=flow.nodes.len().min(start + MAX_GROUP) {
        if start + 1 < end && (MAX_MISSES <= misses || deadline.has_passed()) {
            break;
        }
        let n_before = groups.len();
        groups.extend(groups_of(flow, start..end));
        misses = if n_before < groups.len() { 0 } else { misses + 1 };
    }
    groups
}

/// These nodes as a group, not in lanes and in lanes, where it fits.
pub(crate) fn groups_of(flow: &Flow, nodes: Range<usize>) -> impl Iterator<Item = StripeGroup> {
    let lanes = lanes::ways(flow, &nodes).into_iter().map(Some);
    [None].into_iter().chain(lanes).filter_map(move |it| StripeGroup::new(flow, nodes.clone(), it))
}

/// These nodes as a group in lanes with halos, where it fits.
pub(crate) fn groups_with_halos(flow: &Flow, nodes: Range<usize>) -> impl Iterator<Item = StripeGroup> {
    let lanes = lanes::ways_with_halos(flow, &nodes);
    lanes.into_iter().filter_map(move |it| StripeGroup::new(flow, nodes.clone(), Some(it)))
}

impl StripeGroup {
    /// None if it fits in no height, though all that may be elsewhere is in host memory.
    fn new(flow: &Flow, nodes: Range<usize>, lanes: Option<Lanes>) -> Option<StripeGroup> {
        let mut border = Border::default();
        let mut heights = Vec::new();
        for rows in stripe_heights(tallest(flow, nodes.clone())) {
            let Some(simulation) = simulate_within(flow, &nodes, lanes.as_ref(), rows, flow.scratchpad) else {
                continue;
            };
            let work = Work::of(flow, nodes.clone(), &simulation.steps, lanes.as_ref());
            let least_room = simulation.least_room(nodes.start, &work.least);
            let has_many = lanes.as_ref().is_some_and(|it| it.with_halos) && MAX_TILES < work.n_steps.iter().sum();
            if has_many || flow.scratchpad < least_room {
                continue;
            }
            border = simulation.border();
            let simulation = RefCell::new(Some(simulation));
            heights.push(Stripes { rows, least_room, work, peaks: RefCell::default(), simulation });
        }
        (!heights.is_empty()).then_some(StripeGroup { nodes, lanes, border, heights })
    }

    /// By node: the most room that its steps need in stripes of one height, without weights, if border tensors lie
    /// there so.
    pub fn peaks(&self, flow: &Flow, stripes: &Stripes, profiles: &[Profile]) -> Rc<[u64]> {
        let known = stripes.peaks.borrow().iter().find(|it| it.0 == profiles).map(|it| it.1.clone());
        known.unwrap_or_else(|| {
            let mut simulation = stripes.simulation.borrow_mut();
            let simulation = simulation.get_or_insert_with(|| {
                let simulation = simulate_within(flow, &self.nodes, self.lanes.as_ref(), stripes.rows, u64::MAX);
                simulation.expect("no step needs more than all")
            });
            let peaks: Rc<[u64]> = simulation.peaks(&self.nodes, profiles).into();
            stripes.peaks.borrow_mut().push((profiles.to_vec(), peaks.clone()));
            peaks
        })
    }

    /// As a plan says it, in stripes of one height and so many output channels at a time, by node.
    pub fn tiling(&self, stripes: &Stripes, channels: Vec<u64>) -> Tiling {
        let lanes = self.lanes.as_ref().map(|it| plan::Lanes { n: it.len(), loops: it.loops.clone() });
        Tiling::Stripes { lanes, rows: stripes.rows, channels }
    }

    /// Drops what can be had again.
    pub fn forget(&self) {
        self.heights.iter().for_each(|it| drop(it.simulation.take()));
    }
}

impl Simulation {
    /// The tensors that come in and leave.
    pub fn border(&self) -> Border {
        let last = |profile: &[u64]| profile.last().copied().unwrap_or(0);
        let incoming = self.inputs.iter().map(|it| Incoming {
            tensor: it.tensor,
            needed: it.needed,
            loaded: it.loaded,
            at_end: last(&it.fetch),
        });
        let outgoing = self.outputs.iter().map(|it| Outgoing { tensor: it.tensor, at_end: last(&it.keep) });
        Border { inputs: incoming.collect(), outputs: outgoing.collect() }
    }

    /// By node: the most room that its steps need, without weights, if border tensors lie there so.
    pub fn peaks(&self, nodes: &Range<usize>, profiles: &[Profile]) -> Vec<u64> {
        let (of_inputs, of_outputs) = profiles.split_at(self.inputs.len());
        let inputs = self.inputs.iter().zip(of_inputs).filter_map(|(input, profile)| match profile {
            Profile::Stream => Some(&input.stream),
            Profile::Dying => Some(&input.dying),
            Profile::Fetch => Some(&input.fetch),
            Profile::Apart | Profile::Keep => None,
        });
        let outputs = self.outputs.iter().zip(of_outputs).map(|(output, profile)| match profile {
            Profile::Keep => &output.keep,
            _ => &output.stream,
        });
        let columns: Vec<&Vec<u64>> = inputs.chain(outputs).collect();
        let mut peaks = vec![0; nodes.len()];
        for (index, step) in self.steps.iter().enumerate() {
            let total = self.base[index] + columns.iter().map(|it| it[index]).sum::<u64>();
            let peak = &mut peaks[step.node - nodes.start];
            *peak = total.max(*peak);
        }
        peaks
    }
}

/// The heights of stripes that are tried, the highest first: those of one to eight stripes, then of a quarter more
/// each, and all divisors, which make stripes of one height.
pub(crate) fn stripe_heights(rows: u64) -> Vec<u64> {
    let counts = std::iter::successors(Some(1), |it: &u64| Some((it + 1).max(it * 5 / 4))).take_while(|it| *it <= rows);
    let divisors = (1..=rows.min(MAX_DIVISOR)).filter(|it| rows.is_multiple_of(*it));
    let mut heights: Vec<u64> = counts.map(|it| rows.div_ceil(it)).chain(divisors).collect();
    heights.sort_unstable_by(|left, right| right.cmp(left));
    heights.dedup();
    heights
}
