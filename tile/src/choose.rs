//! The stripe plan that moves least, by a dynamic program over cuts of the order.
//!
//! A state at a cut is the set of crossing tensors that are complete on chip; the others are in host memory. From
//! there, a group of the next operators runs, in some number of stripes, and each tensor at its border is treated in
//! one of the ways of `border.rs`. A state dominates another one if it can become that one by spilling and reloading
//! at no higher cost. Among plans with the same traffic, the one with fewer tiles wins.

use crate::TileError;
use crate::border::{Arrangement, Border, Kept, arrangements};
use crate::flow::Flow;
use crate::grid::Grid;
use crate::plan::{Group, StripePlan, Tiling};
use crate::smallest::too_small;
use crate::stripes::{Heights, StripeGroup};
use crate::table::Table;
use crate::weights::{WeightChoice, choose_weights};
use cosma_planner::{Bytes, Deadline, TensorId};
use std::collections::BTreeMap;
use std::ops::Range;

/// Limits of a search.
#[derive(Clone, Copy, Debug)]
struct Breadth {
    /// The most states of a cut.
    states: usize,
    /// The most arrangements of a border for which all are tried.
    arrangements: usize,
    heights: Heights,
}

/// For a first plan, at any cost.
const NARROW: Breadth = Breadth { states: 4, arrangements: 12, heights: Heights::Halves };
/// For the plan that moves least.
const WIDE: Breadth = Breadth { states: 48, arrangements: 128, heights: Heights::All };
/// The share of the time for finding a plan that moves only the compulsory.
const SHARE_OF_COMPULSORY: f64 = 0.4;

/// The best way to reach a set of kept tensors.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub kept: Vec<Kept>,
    pub cost: u64,
    pub n_tiles: u64,
    from: Option<Arrival>,
}

/// How a state was reached.
#[derive(Clone, Debug)]
struct Arrival {
    /// The previous cut, and the index of its state.
    cut: usize,
    state: usize,
    /// The group that ran.
    tiling: Tiling,
    /// The tensors evicted before the group.
    put_out: Vec<TensorId>,
}

/// Chooses the plan. After the deadline, it is the best one so far.
///
/// Most states cost more than the best plan, so plans of low cost are searched first.
///
/// # Errors
/// [`TileError`].
pub(crate) fn choose(table: &Table, deadline: Deadline) -> Result<StripePlan, TileError> {
    if let Some(plan) = compulsory(table, deadline) {
        return Ok(plan);
    }
    let first = choose_first(table, deadline)?;
    Ok(improve(table, first, deadline))
}

/// A plan that moves only the compulsory, if a share of the time suffices to find one.
pub(crate) fn compulsory(table: &Table, deadline: Deadline) -> Option<StripePlan> {
    let deadline = deadline.part(SHARE_OF_COMPULSORY);
    Search { table, breadth: WIDE, limit: 0, with_halos: false, deadline }.run().unwrap_or_default()
}

/// A good plan, quickly, if no plan was found that moves only the compulsory.
///
/// Tilings by rule always exist and limit a narrow search. That search always ends, unless its result is no longer
/// needed.
///
/// # Errors
/// [`TileError`].
pub(crate) fn choose_first(table: &Table, deadline: Deadline) -> Result<StripePlan, TileError> {
    let by_rule = table.by_rule().min_by_key(|it| (it.non_compulsory, it.n_tiles)).cloned();
    let below = by_rule.as_ref().map_or(Some(u64::MAX), below);
    let narrow = |limit| {
        let deadline = deadline.without_end();
        Search { table, breadth: NARROW, limit, with_halos: false, deadline }.run().unwrap_or_default()
    };
    let found = limits(table, below).chain(below).find_map(narrow);
    found.or(by_rule).ok_or_else(|| too_small(table.flow))
}

/// A better plan, if one is found before the deadline.
///
/// Groups in lanes with halos are numerous and seldom worthwhile: if a narrow search with them finds no better plan,
/// they are searched last.
pub(crate) fn improve(table: &Table, mut best: StripePlan, deadline: Deadline) -> StripePlan {
    let search = |breadth, limit: Option<u64>, with_halos| {
        limit.map_or(Ok(None), |limit| Search { table, breadth, limit, with_halos, deadline }.run())
    };
    let narrow = search(NARROW, below(&best), true).unwrap_or_default();
    let with_halos = narrow.is_some();
    best = narrow.unwrap_or(best);
    let known = below(&best);
    if known.is_none() && with_halos {
        // It may take fewer tiles.
        return search(WIDE, Some(0), true).unwrap_or_default().unwrap_or(best);
    }
    for limit in [known.map(|it| it / 4), known] {
        match search(WIDE, limit, with_halos) {
            Ok(Some(plan)) => {
                best = plan;
                break;
            }
            Ok(None) => {}
            Err(OutOfTime) => return best,
        }
    }
    let last = if with_halos { None } else { search(WIDE, below(&best), true).unwrap_or_default() };
    last.unwrap_or(best)
}

/// The most that a better plan moves; `None` if there is none.
fn below(plan: &StripePlan) -> Option<u64> {
    plan.non_compulsory.0.checked_sub(1)
}

/// The limits on the traffic of a plan that are tried in turn, up to this number.
fn limits(table: &Table, most: Option<u64>) -> impl Iterator<Item = u64> {
    let compulsory = table.flow.network.problem.compulsory().0;
    [256, 16, 1].into_iter().map(move |it| compulsory / it).filter(move |it| most.is_some_and(|most| *it < most))
}

/// The deadline passed before the search ended.
#[derive(Debug)]
struct OutOfTime;

/// States by the tensors that they keep.
type Level = BTreeMap<Vec<Kept>, State>;

/// A search for the plan that moves least.
struct Search<'a, 'b> {
    table: &'b Table<'a, 'b>,
    breadth: Breadth,
    /// The most bytes that the plan may move.
    limit: u64,
    /// Whether groups may run in lanes with halos.
    with_halos: bool,
    deadline: Deadline<'b>,
}

impl Search<'_, '_> {
    /// The plan that moves least among those searched, if it is within the limit.
    fn run(&self) -> Result<Option<StripePlan>, OutOfTime> {
        let flow = self.table.flow;
        let n = flow.nodes.len();
        let mut levels: Vec<Level> = vec![BTreeMap::new(); n + 1];
        levels[0].insert(Vec::new(), State { kept: Vec::new(), cost: 0, n_tiles: 0, from: None });
        let mut settled: Vec<Vec<State>> = Vec::with_capacity(n + 1);
        for cut in 0..n {
            settled.push(self.undominated(std::mem::take(&mut levels[cut])));
            if !settled[cut].is_empty() {
                self.leave(cut, &settled[cut], &mut levels)?;
            }
        }
        settled.push(self.undominated(std::mem::take(&mut levels[n])));
        Ok(trace(flow, &settled))
    }

    /// Runs all groups that begin at a cut.
    fn leave(&self, cut: usize, states: &[State], levels: &mut [Level]) -> Result<(), OutOfTime> {
        let chooser = Chooser { search: self, cut, states };
        for group in self.table.groups.from(cut) {
            chooser.stripes(group, &mut levels[group.nodes.end])?;
        }
        let with_halos: &[StripeGroup] = if self.with_halos { self.table.groups.with_halos(cut) } else { &[] };
        for group in with_halos {
            chooser.stripes(group, &mut levels[group.nodes.end])?;
        }
        if 0 < self.limit {
            self.table.grids(cut).iter().for_each(|it| chooser.grid(it, &mut levels[cut + 1]));
        }
        Ok(())
    }

    /// The states that are not dominated, by cost.
    fn undominated(&self, level: Level) -> Vec<State> {
        let mut states: Vec<State> = level.into_values().collect();
        states.sort_by_key(|it| (it.cost, it.n_tiles));
        let mut best: Vec<State> = Vec::new();
        for state in states {
            let is_dominated = |it: &State| {
                let cost = it.cost + price(self.table.flow, &it.kept, &state.kept);
                (cost, it.n_tiles) <= (state.cost, state.n_tiles)
            };
            if best.len() < self.breadth.states && !best.iter().any(is_dominated) {
                best.push(state);
            }
        }
        best
    }
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

/// The cost of becoming a state with these tensors: spills of tensors that it does not keep, and reloads.
fn price(flow: &Flow, own: &[Kept], other: &[Kept]) -> u64 {
    let bytes = |it: &Kept| flow.stream(it.tensor).bytes;
    let find = |kept: &[Kept], it: &Kept| kept.iter().find(|other| other.tensor == it.tensor).copied();
    // Also where the other one has a copy, and this one has none yet.
    let spills = own.iter().filter(|it| !it.has_copy && find(other, it).is_none_or(|it| it.has_copy));
    let reloads = other.iter().filter(|it| find(own, it).is_none_or(|own| it.room < own.room));
    spills.map(bytes).sum::<u64>() + reloads.map(bytes).sum::<u64>()
}

/// Extends the states of a cut.
struct Chooser<'a, 'b, 'c> {
    search: &'c Search<'a, 'b>,
    cut: usize,
    states: &'c [State],
}

impl Chooser<'_, '_, '_> {
    /// A group in stripes, from every state.
    fn stripes(&self, group: &StripeGroup, level: &mut Level) -> Result<(), OutOfTime> {
        let again = self.flow().again(&group.nodes);
        for (index, state) in self.states.iter().enumerate() {
            if self.search.deadline.has_passed() {
                return Err(OutOfTime);
            }
            let Some(limit) = self.search.limit.checked_sub(state.cost + again) else { continue };
            for arrangement in self.arrangements(&group.border, &group.nodes, &state.kept, limit) {
                self.heights(group, index, again, &arrangement, level);
            }
        }
        Ok(())
    }

    fn flow(&self) -> &Flow<'_> {
        self.search.table.flow
    }

    fn arrangements(&self, border: &Border, nodes: &Range<usize>, kept: &[Kept], limit: u64) -> Vec<Arrangement> {
        arrangements(self.flow(), border, nodes, kept, limit, self.search.breadth.arrangements)
    }

    /// A group in stripes of each height.
    fn heights(&self, group: &StripeGroup, index: usize, again: u64, arrangement: &Arrangement, level: &mut Level) {
        let flow = self.flow();
        let state = &self.states[index];
        let cost = state.cost + arrangement.cost + again;
        let capacity = flow.scratchpad - arrangement.constant;
        // By cost and tiles: the best that is known.
        let known = |level: &Level| {
            level.get(&arrangement.after).map_or((self.search.limit, u64::MAX), |it| (it.cost, it.n_tiles))
        };
        if known(level) <= (cost, state.n_tiles + group.least_tiles()) {
            return;
        }
        for stripes in group.heights(flow, self.search.breadth.heights) {
            let known = known(level);
            if known <= (cost, state.n_tiles + stripes.work.n_steps.iter().sum::<u64>()) {
                // Lower stripes are more.
                return;
            }
            let peaks = stripes.corners.peaks_of(&arrangement.profiles);
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

    /// The tensors that stay, with their room in blocks of channels.
    fn padded(&self, nodes: &Range<usize>, channels: &[u64], after: &[Kept]) -> Vec<Kept> {
        let flow = self.flow();
        let room = |kept: &Kept| {
            let stream = flow.stream(kept.tensor);
            let local = stream.producer.filter(|it| nodes.contains(it))? - nodes.start;
            let (_, size) = flow.nodes[nodes.start + local].block.filter(|it| channels[local] < it.1)?;
            Some(kept.room.max(stream.rows * stream.row_room_in(flow, size, channels[local])))
        };
        after.iter().map(|it| Kept { room: room(it).unwrap_or(it.room), ..*it }).collect()
    }

    /// One operator in a grid, from every state.
    fn grid(&self, grid: &Grid, level: &mut Level) {
        let flow = self.flow();
        let nodes = self.cut..self.cut + 1;
        let again = flow.again(&nodes);
        let border = grid.simulation.border();
        for (index, state) in self.states.iter().enumerate() {
            let Some(limit) = self.search.limit.checked_sub(state.cost + again + grid.passing) else { continue };
            for arrangement in self.arrangements(&border, &nodes, &state.kept, limit) {
                let room = arrangement.constant + grid.room(&arrangement.profiles);
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

/// Records a way to a state if it is better than the known one.
fn offer(level: &mut Level, kept: Vec<Kept>, cost: u64, n_tiles: u64, from: impl Fn() -> Arrival) {
    match level.get_mut(&kept) {
        Some(known) if (known.cost, known.n_tiles) <= (cost, n_tiles) => {}
        Some(known) => (known.cost, known.n_tiles, known.from) = (cost, n_tiles, Some(from())),
        None => {
            level.insert(kept.clone(), State { kept, cost, n_tiles, from: Some(from()) });
        }
    }
}
