//! The stripe plan that moves least: a dynamic program over cuts of the order.
//!
//! A state at a cut is which of the tensors that cross it lie whole on-chip; the others are in host memory. From
//! there a group of the next operators runs, in some number of stripes, and each tensor at its border comes, goes
//! or stays in one of the ways that `simulate.rs` counts. A state drops another one if it can become that one by
//! spilling and reloading, for no more. Of plans that move the same, the one of fewer tiles is taken.

use crate::TileError;
use crate::flow::Flow;
use crate::grid::{Grid, grids};
use crate::plan::{Group, StripePlan, Tiling};
use crate::simulate::{Input, Output, Simulation, simulate, tallest};
use crate::smallest::too_small;
use crate::weights::{WeightChoice, Work, choose_weights};
use cosma_planner::{Bytes, Deadline, TensorId};
use std::collections::BTreeMap;
use std::ops::Range;

/// Operators of a group, at most.
const MAX_GROUP: usize = 40;
/// How many lengths in a row have to fail before longer groups are given up.
const MAX_MISSES: usize = 2;
/// Combinations of ways of the tensors at a border that are tried, if all of them are.
const MAX_COMBINATIONS: usize = 96;
/// States of a cut, at most.
const MAX_STATES: usize = 48;

/// Divisors that are looked for.
const MAX_DIVISOR: u64 = 512;

/// A tensor that lies whole on-chip at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kept {
    pub tensor: TensorId,
    /// Whether host memory has it, too.
    pub has_copy: bool,
    /// What it takes in its pieces.
    pub room: u64,
}

/// The best way to a set of kept tensors.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub kept: Vec<Kept>,
    pub cost: u64,
    pub n_tiles: u64,
    /// The state of which cut it comes from, and by which group.
    from: Option<(usize, usize, Tiling)>,
}

/// What a border tensor does in a group.
#[derive(Clone, Copy, Debug)]
enum Border<'a> {
    /// It lies there, and is not read.
    Carried(TensorId),
    Input(&'a Input),
    Output(&'a Output),
}

/// Where a border tensor is after a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// Whole on-chip.
    Stays,
    /// Not on-chip: it leaves as it is no longer needed.
    Leaves,
    /// Not on-chip: it leaves before the group runs, and comes as it is needed.
    PutOut,
}

impl Border<'_> {
    fn tensor(&self) -> TensorId {
        match self {
            Border::Carried(tensor) => *tensor,
            Border::Input(it) => it.tensor,
            Border::Output(it) => it.tensor,
        }
    }
}

/// Chooses the plan.
///
/// Most states cost more than the best plan, so plans of little cost are looked for first.
pub(crate) fn choose(flow: &Flow, deadline: Deadline) -> Result<StripePlan, TileError> {
    let compulsory = flow.network.problem.compulsory().0;
    let limits = [0, compulsory / 256, compulsory / 16, compulsory, u64::MAX];
    let mut known: Vec<Option<Vec<Grid>>> = flow.nodes.iter().map(|_| None).collect();
    let plan = limits.into_iter().find_map(|limit| choose_within(flow, limit, &mut known, deadline));
    plan.ok_or_else(|| too_small(flow))
}

/// The plan that moves least, if it moves no more than the limit.
fn choose_within(flow: &Flow, limit: u64, known: &mut [Option<Vec<Grid>>], deadline: Deadline) -> Option<StripePlan> {
    let n = flow.nodes.len();
    let mut levels: Vec<BTreeMap<Vec<Kept>, State>> = vec![BTreeMap::new(); n + 1];
    levels[0].insert(Vec::new(), State { kept: Vec::new(), cost: 0, n_tiles: 0, from: None });
    let mut settled: Vec<Vec<State>> = Vec::with_capacity(n + 1);
    for cut in 0..n {
        let states = undominated(flow, std::mem::take(&mut levels[cut]));
        settled.push(states);
        let chooser = Chooser { flow, cut, states: &settled[cut], limit };
        chooser.groups(&mut levels, deadline);
        if 0 < limit {
            let grids = known[cut].get_or_insert_with(|| grids(flow, cut));
            grids.iter().for_each(|it| chooser.grid(it, &mut levels[cut + 1]));
        }
    }
    let last = undominated(flow, std::mem::take(&mut levels[n]));
    settled.push(last);
    trace(flow, &settled)
}

/// Follows the best state at the end back to the start.
fn trace(flow: &Flow, settled: &[Vec<State>]) -> Option<StripePlan> {
    let last = settled.last()?.first()?;
    let (non_compulsory, n_tiles) = (Bytes(last.cost), last.n_tiles);
    let mut groups = Vec::new();
    let (mut end, mut state) = (settled.len() - 1, last);
    while let Some((cut, index, tiling)) = &state.from {
        let ops = flow.nodes[*cut..end].iter().map(|it| it.op).collect();
        let keeps = state.kept.iter().map(|it| it.tensor).collect();
        groups.push(Group { ops, tiling: tiling.clone(), keeps });
        (end, state) = (*cut, &settled[*cut][*index]);
    }
    groups.reverse();
    Some(StripePlan { groups, non_compulsory, n_tiles })
}

/// The states that no other one can become for no more, by cost.
fn undominated(flow: &Flow, level: BTreeMap<Vec<Kept>, State>) -> Vec<State> {
    let mut states: Vec<State> = level.into_values().collect();
    states.sort_by_key(|it| (it.cost, it.n_tiles));
    let mut best: Vec<State> = Vec::new();
    for state in states {
        let is_dominated = |it: &State| {
            let cost = it.cost + price(flow, &it.kept, &state.kept);
            (cost, it.n_tiles) <= (state.cost, state.n_tiles)
        };
        if best.len() < MAX_STATES && !best.iter().any(is_dominated) {
            best.push(state);
        }
    }
    best
}

/// What it costs to become a state with these tensors: spills of those that are not kept, and reloads.
fn price(flow: &Flow, own: &[Kept], other: &[Kept]) -> u64 {
    let bytes = |it: &Kept| flow.stream(it.tensor).bytes;
    let find = |kept: &[Kept], it: &Kept| kept.iter().find(|other| other.tensor == it.tensor).copied();
    // Also where the other one has a copy, and this one has none yet.
    let spills = own.iter().filter(|it| !it.has_copy && find(other, it).is_none_or(|it| it.has_copy));
    let reloads = other.iter().filter(|it| find(own, it).is_none_or(|own| it.room < own.room));
    spills.map(bytes).sum::<u64>() + reloads.map(bytes).sum::<u64>()
}

struct Chooser<'a, 'b> {
    flow: &'b Flow<'a>,
    cut: usize,
    states: &'b [State],
    /// What a plan may move at most.
    limit: u64,
}

impl Chooser<'_, '_> {
    /// All groups that begin here.
    fn groups(&self, levels: &mut [BTreeMap<Vec<Kept>, State>], deadline: Deadline) {
        let mut misses = 0;
        for end in self.cut + 1..=self.flow.nodes.len().min(self.cut + MAX_GROUP) {
            if self.cut + 1 < end && (MAX_MISSES <= misses || deadline.has_passed()) {
                return;
            }
            let mut fits = false;
            let nodes = self.cut..end;
            for rows in stripe_heights(tallest(self.flow, nodes.clone())) {
                let simulation = simulate(self.flow, nodes.clone(), rows);
                if self.stripes(nodes.clone(), rows, &simulation, levels) {
                    fits = true;
                }
            }
            misses = if fits { 0 } else { misses + 1 };
        }
    }

    /// A group in stripes of so many rows, from every state; gives whether it fits at all.
    fn stripes(
        &self,
        nodes: Range<usize>,
        rows: u64,
        simulation: &Simulation,
        levels: &mut [BTreeMap<Vec<Kept>, State>],
    ) -> bool {
        let work = Work::of(self.flow, nodes.clone(), &simulation.steps);
        if !simulation.fits(self.flow, nodes.start, &work.least) {
            return false;
        }
        let (again, least_tiles) = (self.again(&nodes), work.n_steps.iter().sum::<u64>());
        let mut totals = Vec::new();
        let mut peaks = vec![0; nodes.len()];
        for (index, state) in self.states.iter().enumerate() {
            let borders = self.borders(simulation, state);
            for ways in self.choices(&borders, state, nodes.end) {
                totals.clone_from(&simulation.base);
                let Some((cost, mut after)) = self.add_borders(&borders, state, &ways, nodes.end, &mut totals) else {
                    continue;
                };
                let cost = state.cost + cost + again;
                let known = levels[nodes.end].get(&after).map_or((self.limit, u64::MAX), |it| (it.cost, it.n_tiles));
                if known <= (cost, state.n_tiles + least_tiles) || self.limit < cost {
                    continue;
                }
                peaks.fill(0);
                for (step, total) in simulation.steps.iter().zip(&totals) {
                    let peak = &mut peaks[step.node - nodes.start];
                    *peak = (*peak).max(*total);
                }
                let limit = known.0 - cost;
                let weights = choose_weights(self.flow, nodes.clone(), &peaks, &work, limit);
                let Some(weights) = weights else { continue };
                let WeightChoice { cost: passing, channels, n_tiles } = weights;
                let cost = cost + passing;
                self.pad(&nodes, &channels, &mut after);
                let n_tiles = state.n_tiles + n_tiles;
                let from = || Some((self.cut, index, Tiling::Stripes { rows, channels: channels.clone() }));
                offer(&mut levels[nodes.end], after, cost, n_tiles, from);
            }
        }
        true
    }

    /// What tensors that stay take in blocks of channels.
    fn pad(&self, nodes: &Range<usize>, channels: &[u64], after: &mut [Kept]) {
        for kept in after {
            let stream = self.flow.stream(kept.tensor);
            let Some(local) = stream.producer.filter(|it| nodes.contains(it)).map(|it| it - nodes.start) else {
                continue;
            };
            if let Some((_, size)) = self.flow.nodes[nodes.start + local].block.filter(|it| channels[local] < it.1) {
                kept.room = stream.rows * stream.row_room_in(self.flow, size, channels[local]);
            }
        }
    }

    /// One operator in a grid, from every state.
    fn grid(&self, grid: &Grid, level: &mut BTreeMap<Vec<Kept>, State>) {
        let again = self.again(&(self.cut..self.cut + 1));
        let mut total = Vec::new();
        for (index, state) in self.states.iter().enumerate() {
            let borders = self.borders(&grid.simulation, state);
            for ways in self.choices(&borders, state, self.cut + 1) {
                total.clone_from(&grid.simulation.base);
                let Some((cost, after)) = self.add_borders(&borders, state, &ways, self.cut + 1, &mut total) else {
                    continue;
                };
                let cost = state.cost + cost + again + grid.passing;
                if cost <= self.limit {
                    let from = || Some((self.cut, index, Tiling::Grid(grid.loops.clone())));
                    offer(level, after, cost, state.n_tiles + grid.n_tiles, from);
                }
            }
        }
    }

    /// Weights that an earlier operator read as well come in again.
    fn again(&self, nodes: &Range<usize>) -> u64 {
        let of_node = |node: usize| {
            let weights = self.flow.nodes[node].weights.iter().map(|it| self.flow.stream(*it));
            weights.filter(|it| it.readers[0] < node).map(|it| it.bytes).sum::<u64>()
        };
        nodes.clone().map(of_node).sum()
    }

    fn borders<'s>(&self, simulation: &'s Simulation, state: &State) -> Vec<Border<'s>> {
        let is_read = |tensor| simulation.inputs.iter().any(|it| it.tensor == tensor);
        let carried = state.kept.iter().filter(|it| !is_read(it.tensor)).map(|it| Border::Carried(it.tensor));
        let inputs = simulation.inputs.iter().map(Border::Input);
        carried.chain(inputs).chain(simulation.outputs.iter().map(Border::Output)).collect()
    }

    fn crosses(&self, tensor: TensorId, end: usize) -> bool {
        self.flow.stream(tensor).readers.last().is_some_and(|it| end <= *it)
    }

    /// What border tensors may do: all combinations, or of many those where the first ones of some orders stay.
    fn choices(&self, borders: &[Border], state: &State, end: usize) -> Vec<Vec<Way>> {
        let is_kept = |it: &Border| state.kept.iter().any(|kept| kept.tensor == it.tensor());
        let ways = |it: &Border| {
            let crosses = self.crosses(it.tensor(), end);
            let may_be_put_out = matches!(it, Border::Input(_)) && is_kept(it);
            let ways = [(Way::Leaves, true), (Way::Stays, crosses), (Way::PutOut, may_be_put_out)];
            ways.into_iter().filter(|it| it.1).map(|it| it.0).collect::<Vec<Way>>()
        };
        let ways: Vec<Vec<Way>> = borders.iter().map(ways).collect();
        if ways
            .iter()
            .try_fold(1usize, |product, it| product.checked_mul(it.len()))
            .is_some_and(|it| it <= MAX_COMBINATIONS)
        {
            return ways.iter().fold(vec![Vec::new()], |choices, ways| {
                choices.iter().flat_map(|it| ways.iter().map(move |way| [&it[..], &[*way]].concat())).collect()
            });
        }
        let free: Vec<usize> = (0..borders.len()).filter(|it| ways[*it].contains(&Way::Stays)).collect();
        let next_use = |it: &usize| {
            let readers = &self.flow.stream(borders[*it].tensor()).readers;
            readers.iter().copied().find(|it| end <= *it)
        };
        let bytes = |it: &usize| self.flow.stream(borders[*it].tensor()).bytes;
        let mut orders = [free.clone(), free.clone(), free];
        orders[0].sort_by_key(|it| (next_use(it), bytes(it)));
        orders[1].sort_by_key(bytes);
        orders[2].sort_by_key(|it| (!is_kept(&borders[*it]), next_use(it), bytes(it)));
        let mut choices = Vec::new();
        for is_put_out in [false, true] {
            let other = |it: &Vec<Way>| {
                if is_put_out && it.contains(&Way::PutOut) { Way::PutOut } else { Way::Leaves }
            };
            let first: Vec<Way> = ways.iter().map(other).collect();
            choices.push(first.clone());
            for order in &orders {
                let mut choice = first.clone();
                for &border in order {
                    choice[border] = Way::Stays;
                    choices.push(choice.clone());
                }
            }
        }
        choices.sort();
        choices.dedup();
        choices
    }

    /// Adds what border tensors take in each step, and gives what they cost and what is kept afterwards; none if
    /// that does not fit.
    fn add_borders(
        &self,
        borders: &[Border],
        state: &State,
        ways: &[Way],
        end: usize,
        totals: &mut [u64],
    ) -> Option<(u64, Vec<Kept>)> {
        let flow = self.flow;
        let (mut cost, mut constant, mut after) = (0, 0, Vec::new());
        for (border, &way) in borders.iter().zip(ways) {
            let stays = way == Way::Stays;
            let tensor = border.tensor();
            let stream = flow.stream(tensor);
            let lies = state.kept.iter().find(|it| it.tensor == tensor);
            let whole = flow.whole_room(tensor);
            let has_host = stream.producer.is_none() || stream.is_result;
            match (border, lies) {
                (Border::Carried(_) | Border::Input(_), Some(kept)) if stays => {
                    constant += kept.room;
                    after.push(*kept);
                }
                (Border::Carried(_), _) => cost += if lies.is_some_and(|it| it.has_copy) { 0 } else { stream.bytes },
                (Border::Input(input), Some(kept)) if way == Way::PutOut => {
                    add(totals, &input.stream);
                    cost += input.loaded + if kept.has_copy { 0 } else { stream.bytes };
                }
                (Border::Input(input), Some(kept)) => {
                    add(totals, &input.dying);
                    constant += kept.room - whole;
                    cost += if kept.has_copy || !self.crosses(tensor, end) { 0 } else { stream.bytes };
                }
                (Border::Input(input), None) => {
                    let is_first = stream.producer.is_none() && self.cut <= stream.readers[0];
                    // What stays is all there, though it is not all needed here.
                    let loaded = if stays { stream.bytes } else { input.loaded };
                    cost += if is_first { loaded.saturating_sub(input.needed) } else { loaded };
                    if stays {
                        let at_end = input.fetch.last().copied().unwrap_or(0);
                        constant += whole.saturating_sub(at_end);
                        add(totals, &input.fetch);
                        after.push(Kept { tensor, has_copy: true, room: whole.max(at_end) });
                    } else {
                        add(totals, &input.stream);
                    }
                }
                (Border::Output(output), _) if stays => {
                    add(totals, &output.keep);
                    let room = whole.max(output.keep.last().copied().unwrap_or(0));
                    after.push(Kept { tensor, has_copy: has_host, room });
                }
                (Border::Output(output), _) => {
                    add(totals, &output.stream);
                    cost += if has_host || !self.crosses(tensor, end) { 0 } else { stream.bytes };
                }
            }
        }
        totals.iter_mut().for_each(|it| *it += constant);
        after.sort_unstable();
        totals.iter().all(|it| *it <= flow.scratchpad).then_some((cost, after))
    }
}

fn add(totals: &mut [u64], profile: &[u64]) {
    totals.iter_mut().zip(profile).for_each(|(total, it)| *total += it);
}

/// Takes a way to a state if it is better than the one known.
fn offer(
    level: &mut BTreeMap<Vec<Kept>, State>,
    kept: Vec<Kept>,
    cost: u64,
    n_tiles: u64,
    from: impl Fn() -> Option<(usize, usize, Tiling)>,
) {
    match level.get_mut(&kept) {
        Some(known) if (known.cost, known.n_tiles) <= (cost, n_tiles) => {}
        Some(known) => (known.cost, known.n_tiles, known.from) = (cost, n_tiles, from()),
        None => {
            level.insert(kept.clone(), State { kept, cost, n_tiles, from: from() });
        }
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
