//! Groups in stripes and their use of the scratchpad, each computed once.

use crate::border::{Border, Incoming, Outgoing, Profile};
use crate::flow::Flow;
use crate::lanes::{self, Lanes};
use crate::plan::{self, Tiling};
use crate::simulate::{Column, Corners, Simulation, simulate_within, tallest};
use crate::weights::Work;
use cosma_planner::Deadline;
use std::ops::Range;
use std::sync::OnceLock;

/// Operators of a group, at most.
const MAX_GROUP: usize = 20;
/// How many lengths in a row have to fail before longer groups are given up.
const MAX_MISSES: usize = 2;
/// Tiles of a group in lanes with halos, at most.
const MAX_TILES: u64 = 2048;
/// Divisors that are looked for.
const MAX_DIVISOR: u64 = 512;

/// A group of consecutive nodes, in lanes or not.
pub(crate) struct StripeGroup {
    pub nodes: Range<usize>,
    pub lanes: Option<Lanes>,
    pub border: Border,
    /// Of the whole scratchpad.
    capacity: u64,
    /// By height, the highest first, as they are asked for: none where it does not fit.
    heights: Vec<(u64, OnceLock<Option<Box<Stripes>>>)>,
}

/// Which heights of stripes are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heights {
    All,
    /// Each no more than half of the one before, and the lowest.
    Halves,
}

/// A group in stripes of so many rows of the tallest tensor that leaves it.
pub(crate) struct Stripes {
    pub rows: u64,
    /// What it takes if all that may be elsewhere is in host memory.
    least_room: u64,
    pub work: Work,
    pub corners: Corners,
}

/// All groups of a network that fit the scratchpad, as they are asked for: longer ones until the deadline has passed.
pub(crate) struct Groups<'a, 'b> {
    flow: &'b Flow<'a>,
    deadline: Deadline<'b>,
    /// By first node: it alone, and with others.
    alone: Vec<OnceLock<Vec<StripeGroup>>>,
    longer: Vec<OnceLock<Vec<StripeGroup>>>,
    with_halos: Vec<OnceLock<Vec<StripeGroup>>>,
}

impl<'a, 'b> Groups<'a, 'b> {
    pub fn new(flow: &'b Flow<'a>, deadline: Deadline<'b>) -> Groups<'a, 'b> {
        let cells = || flow.nodes.iter().map(|_| OnceLock::new()).collect();
        Groups { flow, deadline, alone: cells(), longer: cells(), with_halos: cells() }
    }

    /// Those that begin with a node, by length.
    pub fn from(&self, start: usize) -> impl Iterator<Item = &StripeGroup> {
        self.alone(start).iter().chain(self.longer[start].get_or_init(|| self.longer_from(start)))
    }

    /// Those of one node.
    pub fn alone(&self, node: usize) -> &[StripeGroup] {
        self.alone[node].get_or_init(|| groups_of(self.flow, node..node + 1))
    }

    /// Those in lanes with halos or uneven ones, by length.
    pub fn with_halos(&self, start: usize) -> &[StripeGroup] {
        self.with_halos[start].get_or_init(|| {
            let ends = start + 1..=self.flow.nodes.len().min(start + lanes::MAX_GROUP);
            let ends = ends.take_while(|_| !self.deadline.has_passed());
            ends.flat_map(|end| groups_with_halos(self.flow, start..end)).collect()
        })
    }

    /// Those of several nodes that begin with this one, by length, while they fit.
    fn longer_from(&self, start: usize) -> Vec<StripeGroup> {
        let mut groups = Vec::new();
        let mut misses = usize::from(self.alone(start).is_empty());
        for end in start + 2..=self.flow.nodes.len().min(start + MAX_GROUP) {
            if MAX_MISSES <= misses || self.deadline.has_passed() {
                break;
            }
            let n_before = groups.len();
            groups.extend(groups_of(self.flow, start..end));
            misses = if n_before < groups.len() { 0 } else { misses + 1 };
        }
        groups
    }
}

/// These nodes as a group in lanes with halos, or in uneven ones, where it fits.
fn groups_with_halos(flow: &Flow, nodes: Range<usize>) -> Vec<StripeGroup> {
    let lanes = lanes::ways_with_halos(flow, &nodes).into_iter();
    lanes.map(|it| StripeGroup::new(flow, nodes.clone(), Some(it))).filter(|it| it.fits(flow)).collect()
}

/// These nodes as a group, not in lanes and in lanes; none if it fits in none of them.
fn groups_of(flow: &Flow, nodes: Range<usize>) -> Vec<StripeGroup> {
    let lanes = lanes::ways(flow, &nodes).into_iter().map(Some);
    let groups = [None].into_iter().chain(lanes).map(|it| StripeGroup::new(flow, nodes.clone(), it));
    let groups: Vec<StripeGroup> = groups.collect();
    // Where it fits without lanes, they are seldom asked for.
    let first = groups.iter().position(|it| it.fits(flow));
    first.map_or(Vec::new(), |first| groups.into_iter().skip(first).collect())
}

impl StripeGroup {
    fn new(flow: &Flow, nodes: Range<usize>, lanes: Option<Lanes>) -> StripeGroup {
        let rows = tallest(flow, nodes.clone());
        let at_once = simulate_within(flow, &nodes, lanes.as_ref(), rows, u64::MAX);
        let border = at_once.expect("no step needs more than all").border();
        let n_lanes = lanes.as_ref().filter(|it| it.with_halos).map(Lanes::len);
        let n_tiles = |height: u64, n_lanes: u64| n_lanes * rows.div_ceil(height) * nodes.len() as u64;
        let may_be = |it: &u64| n_lanes.is_none_or(|n_lanes| n_tiles(*it, n_lanes) <= MAX_TILES);
        let heights = stripe_heights(rows).into_iter().filter(may_be).map(|it| (it, OnceLock::new())).collect();
        StripeGroup { nodes, lanes, border, capacity: flow.scratchpad, heights }
    }

    /// Whether it fits in some height, if all that may be elsewhere is in host memory.
    fn fits(&self, flow: &Flow) -> bool {
        // Each step of higher stripes takes what steps of one row take, and more. Where results of one operator lie
        // over its operands, it may be less. High stripes have few steps, and are looked at soon.
        let is_alone = self.nodes.len() == 1;
        let lowest = self.heights.len() - 1;
        let mut tried = (0..=lowest).filter(|it| is_alone || [lowest / 2, lowest].contains(it));
        tried.any(|it| self.stripes(flow, it).is_some())
    }

    /// In how many tiles it runs at least.
    pub fn least_tiles(&self) -> u64 {
        self.nodes.len() as u64 * self.lanes.as_ref().map_or(1, Lanes::len)
    }

    /// The heights in which it fits the scratchpad, the highest first: all of them, or few.
    pub fn heights(&self, flow: &Flow, choice: Heights) -> impl Iterator<Item = &Stripes> {
        let mut last = u64::MAX;
        let is_tried = move |index: &usize| {
            let rows = self.heights[*index].0;
            let is_tried = choice == Heights::All || rows <= last / 2 || *index + 1 == self.heights.len();
            last = if is_tried { rows } else { last };
            is_tried
        };
        let fitting = (0..self.heights.len()).filter(is_tried).filter_map(|it| self.stripes(flow, it));
        fitting.filter(|it| it.least_room <= flow.scratchpad)
    }

    fn stripes(&self, flow: &Flow, index: usize) -> Option<&Stripes> {
        let (rows, stripes) = &self.heights[index];
        stripes.get_or_init(|| self.in_stripes(flow, *rows).map(Box::new)).as_deref()
    }

    fn in_stripes(&self, flow: &Flow, rows: u64) -> Option<Stripes> {
        let simulation = simulate_within(flow, &self.nodes, self.lanes.as_ref(), rows, self.capacity)?;
        let work = Work::of(flow, self.nodes.clone(), &simulation.steps, self.lanes.as_ref());
        let least_room = simulation.least_room(self.nodes.start, &work.least);
        if self.capacity < least_room {
            return None;
        }
        Some(Stripes { rows, least_room, work, corners: simulation.corners(&self.nodes) })
    }

    /// As a plan says it, in stripes of one height and so many output channels at a time, by node.
    pub fn tiling(&self, stripes: &Stripes, channels: Vec<u64>) -> Tiling {
        let lanes = self.lanes.as_ref().map(|it| plan::Lanes { n: it.len(), loops: it.loops.clone() });
        Tiling::Stripes { lanes, rows: stripes.rows, channels }
    }
}

impl Simulation {
    /// The tensors that come in and leave.
    pub fn border(&self) -> Border {
        let inputs = self.inputs.iter().enumerate().map(|(index, it)| Incoming {
            tensor: it.tensor,
            needed: it.needed,
            loaded: it.loaded,
            at_end: self.at_end(Column::Fetch(index)),
        });
        let outputs = self.outputs.iter().enumerate();
        let outputs = outputs.map(|(index, it)| Outgoing { tensor: *it, at_end: self.at_end(Column::Keep(index)) });
        Border { inputs: inputs.collect(), outputs: outputs.collect() }
    }
}

impl Corners {
    /// By node: the most room that its steps need, without weights, if border tensors lie there so: inputs, then
    /// outputs.
    pub fn peaks_of(&self, profiles: &[Profile]) -> Vec<u64> {
        let (of_inputs, of_outputs) = profiles.split_at(self.n_inputs());
        let inputs = of_inputs.iter().enumerate().filter_map(|(index, profile)| match profile {
            Profile::Stream => Some(Column::Stream(index)),
            Profile::Dying => Some(Column::Dying(index)),
            Profile::Fetch => Some(Column::Fetch(index)),
            Profile::Apart | Profile::Keep => None,
        });
        let outputs = of_outputs.iter().enumerate().map(|(index, profile)| match profile {
            Profile::Keep => Column::Keep(index),
            _ => Column::Leave(index),
        });
        self.peaks([Column::Inner].into_iter().chain(inputs).chain(outputs))
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
