//! The stripe plan that moves least: a dynamic program over cuts of the order.
//!
//! A state at a cut is which of the tensors that cross it lie whole on-chip; the others are in host memory. From
//! there a group of the next operators runs, in some number of stripes, and each tensor at its border comes, goes
//! or stays in one of the ways that `border.rs` knows. A state drops another one if it can become that one by
//! spilling and reloading, for no more. Of plans that move the same, the one of fewer tiles is taken.

use crate::TileError;
use crate::border::{Arrangement, Kept, arrangements};
use crate::flow::Flow;
use crate::grid::{Grid, grids};
use crate::plan::{Group, StripePlan, Tiling};
use crate::smallest::too_small;
use crate::stripes::{StripeGroup, groups_from};
use crate::weights::{WeightChoice, choose_weights};
use cosma_planner::{Bytes, Deadline, TensorId};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;

/// States of a cut, at most.
const MAX_STATES: usize = 48;

/// The best way to a set of kept tensors.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub kept: Vec<Kept>,
    pub cost: u64,
    pub n_tiles: u64,
    from: Option<Arrival>,
}

/// How a state came to be.
#[derive(Clone, Debug)]
struct Arrival {
    /// The cut that it comes from, and which of its states.
    cut: usize,
    state: usize,
    /// By which group.
    tiling: Tiling,
    /// What that put out first.
    put_out: Vec<TensorId>,
}

/// Chooses the plan.
///
/// Most states cost more than the best plan, so plans of little cost are looked for first.
pub(crate) fn choose(flow: &Flow, deadline: Deadline) -> Result<StripePlan, TileError> {
    let compulsory = flow.network.problem.compulsory().0;
    let limits = [0, compulsory / 256, compulsory / 64, compulsory / 16, compulsory / 4, compulsory, u64::MAX];
    let table = Table::new(flow, deadline);
    limits.into_iter().find_map(|limit| choose_within(&table, limit)).ok_or_else(|| too_small(flow))
}

/// In what groups and pieces nodes can run, whatever is chosen for the others. It is filled as it is asked for.
struct Table<'a, 'b> {
    flow: &'b Flow<'a>,
    deadline: Deadline<'b>,
    /// By first node.
    groups: Vec<OnceCell<Vec<StripeGroup>>>,
    /// By node.
    grids: Vec<OnceCell<Vec<Grid>>>,
}

impl<'a, 'b> Table<'a, 'b> {
    fn new(flow: &'b Flow<'a>, deadline: Deadline<'b>) -> Table<'a, 'b> {
        let (groups, grids) = flow.nodes.iter().map(|_| (OnceCell::new(), OnceCell::new())).unzip();
        Table { flow, deadline, groups, grids }
    }

    fn groups(&self, start: usize) -> &[StripeGroup] {
        self.groups[start].get_or_init(|| groups_from(self.flow, start, self.deadline))
    }

    fn grids(&self, node: usize) -> &[Grid] {
        self.grids[node].get_or_init(|| grids(self.flow, node))
    }
}

/// The plan that moves least, if it moves no more than the limit.
fn choose_within(table: &Table, limit: u64) -> Option<StripePlan> {
    let flow = table.flow;
    let n = flow.nodes.len();
    let mut levels: Vec<BTreeMap<Vec<Kept>, State>> = vec![BTreeMap::new(); n + 1];
    levels[0].insert(Vec::new(), State { kept: Vec::new(), cost: 0, n_tiles: 0, from: None });
    let mut settled: Vec<Vec<State>> = Vec::with_capacity(n + 1);
    for cut in 0..n {
        let states = undominated(flow, std::mem::take(&mut levels[cut]));
        settled.push(states);
        let chooser = Chooser { table, cut, states: &settled[cut], limit };
        if settled[cut].is_empty() {
            continue;
        }
        for group in table.groups(cut) {
            chooser.stripes(group, &mut levels[group.nodes.end]);
            group.forget();
        }
        if 0 < limit {
            table.grids(cut).iter().for_each(|it| chooser.grid(it, &mut levels[cut + 1]));
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
    let (mut end, mut state, mut put_out) = (settled.len() - 1, last, &Vec::new());
    while let Some(arrival) = &state.from {
        let ops = flow.nodes[arrival.cut..end].iter().map(|it| it.op).collect();
        // What the next group puts out need not stay.
        let keeps = state.kept.iter().map(|it| it.tensor).filter(|it| !put_out.contains(it)).collect();
        groups.push(Group { ops, tiling: arrival.tiling.clone(), keeps });
        (end, state, put_out) = (arrival.cut, &settled[arrival.cut][arrival.state], &arrival.put_out);
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
    table: &'b Table<'a, 'b>,
    cut: usize,
    states: &'b [State],
    /// What a plan may move at most.
    limit: u64,
}

impl Chooser<'_, '_> {
    /// A group in stripes, from every state.
    fn stripes(&self, group: &StripeGroup, level: &mut BTreeMap<Vec<Kept>, State>) {
        let again = self.table.flow.again(&group.nodes);
        for (index, state) in self.states.iter().enumerate() {
            let Some(limit) = self.limit.checked_sub(state.cost + again) else { continue };
            for arrangement in arrangements(self.table.flow, &group.border, &group.nodes, &state.kept, limit) {
                self.heights(group, index, again, &arrangement, level);
            }
        }
    }

    /// A group in stripes of each height.
    fn heights(
        &self,
        group: &StripeGroup,
        index: usize,
        again: u64,
        arrangement: &Arrangement,
        level: &mut BTreeMap<Vec<Kept>, State>,
    ) {
        let flow = self.table.flow;
        let state = &self.states[index];
        let cost = state.cost + arrangement.cost + again;
        let capacity = flow.scratchpad - arrangement.constant;
        for stripes in &group.heights {
            let known = level.get(&arrangement.after).map_or((self.limit, u64::MAX), |it| (it.cost, it.n_tiles));
            if known <= (cost, state.n_tiles + stripes.work.n_steps.iter().sum::<u64>()) {
                // Lower stripes are more.
                return;
            }
            let peaks = group.peaks(flow, stripes, &arrangement.profiles);
            let limit = known.0 - cost;
            let weights = choose_weights(flow, group.nodes.clone(), &peaks, &stripes.work, capacity, limit);
            let Some(weights) = weights else { continue };
            let WeightChoice { cost: passing, channels, n_tiles } = weights;
            let after = self.padded(&group.nodes, &channels, &arrangement.after);
            let has_settled = passing == 0 && after == arrangement.after;
            let from = || self.arrival(index, group.tiling(stripes, channels.clone()), arrangement);
            offer(level, after, cost + passing, state.n_tiles + n_tiles, from);
            if has_settled {
                return;
            }
        }
    }

    /// What stays, with what it takes in blocks of channels.
    fn padded(&self, nodes: &Range<usize>, channels: &[u64], after: &[Kept]) -> Vec<Kept> {
        let flow = self.table.flow;
        let room = |kept: &Kept| {
            let stream = flow.stream(kept.tensor);
            let local = stream.producer.filter(|it| nodes.contains(it))? - nodes.start;
            let (_, size) = flow.nodes[nodes.start + local].block.filter(|it| channels[local] < it.1)?;
            Some(kept.room.max(stream.rows * stream.row_room_in(flow, size, channels[local])))
        };
        after.iter().map(|it| Kept { room: room(it).unwrap_or(it.room), ..*it }).collect()
    }

    /// One operator in a grid, from every state.
    fn grid(&self, grid: &Grid, level: &mut BTreeMap<Vec<Kept>, State>) {
        let flow = self.table.flow;
        let nodes = self.cut..self.cut + 1;
        let again = flow.again(&nodes);
        let border = grid.simulation.border();
        for (index, state) in self.states.iter().enumerate() {
            let Some(limit) = self.limit.checked_sub(state.cost + again + grid.passing) else { continue };
            for arrangement in arrangements(flow, &border, &nodes, &state.kept, limit) {
                let room = arrangement.constant + grid.simulation.peaks(&nodes, &arrangement.profiles)[0];
                if room <= flow.scratchpad {
                    let cost = state.cost + arrangement.cost + again + grid.passing;
                    let from = || self.arrival(index, Tiling::Grid(grid.loops.clone()), &arrangement);
                    offer(level, arrangement.after.clone(), cost, state.n_tiles + grid.n_tiles, from);
                }
            }
        }
    }

    fn arrival(&self, state: usize, tiling: Tiling, arrangement: &Arrangement) -> Arrival {
        Arrival { cut: self.cut, state, tiling, put_out: arrangement.put_out.clone() }
    }
}

/// Takes a way to a state if it is better than the one known.
fn offer(level: &mut BTreeMap<Vec<Kept>, State>, kept: Vec<Kept>, cost: u64, n_tiles: u64, from: impl Fn() -> Arrival) {
    match level.get_mut(&kept) {
        Some(known) if (known.cost, known.n_tiles) <= (cost, n_tiles) => {}
        Some(known) => (known.cost, known.n_tiles, known.from) = (cost, n_tiles, Some(from())),
        None => {
            level.insert(kept.clone(), State { kept, cost, n_tiles, from: Some(from()) });
        }
    }
}
