//! Tilings by the rules of other compilers, for comparison.
//!
//! - *Layer by layer*: each operator runs alone, in the fewest tiles among those that move least.
//! - *Cascades*, as in Vela (the compiler of Arm's Ethos-U) and MCUNet: chains of operators run depth first in
//!   stripes as wide as the tensors. A chain continues as long as its last tensor has one reader, which reads it row
//!   by row and is next in the order. An operator that reads another tensor as well, as a residual does, ends the
//!   chain. All weights of a chain stay. A chain takes the next operator whenever it fits in stripes of one row, and
//!   then runs in the tallest stripes that fit. Operators outside of chains run layer by layer.
//!
//! The rules consider no trade-offs and never revise a choice. Tensors between groups go through host memory;
//! replacement in the order of the program then keeps what it can.

use crate::border::Border;
use crate::flow::Flow;
use crate::plan::{Group, StripePlan, Tiling};
use crate::simulate::{simulate, simulate_within, tallest};
use crate::stripes::{Heights, StripeGroup, Stripes, stripe_heights};
use crate::table::Table;
use crate::weights::choose_weights;
use cosma_planner::Bytes;
use std::ops::Range;

/// Nodes that run as a group, their pieces, and their traffic.
struct Layer {
    nodes: Range<usize>,
    tiling: Tiling,
    n_tiles: u64,
    /// Non-compulsory bytes if all tensors at the border are loaded from and stored to host memory.
    non_compulsory: u64,
}

/// Each operator alone; `None` if one does not fit.
pub(crate) fn layer_by_layer(table: &Table) -> Option<StripePlan> {
    let layers: Option<Vec<Layer>> = (0..table.flow.nodes.len()).map(|node| alone(table, node)).collect();
    Some(plan(table.flow, layers?))
}

/// Chains depth first, other operators alone; `None` if one does not fit.
pub(crate) fn cascades(table: &Table) -> Option<StripePlan> {
    let mut layers = Vec::new();
    let mut start = 0;
    while start < table.flow.nodes.len() {
        let layer = longest_cascade(table.flow, start).or_else(|| alone(table, start))?;
        start = layer.nodes.end;
        layers.push(layer);
    }
    Some(plan(table.flow, layers))
}

fn plan(flow: &Flow, layers: Vec<Layer>) -> StripePlan {
    let non_compulsory = Bytes(layers.iter().map(|it| it.non_compulsory).sum());
    let n_tiles = layers.iter().map(|it| it.n_tiles).sum();
    let group = |layer: Layer| {
        let ops = flow.nodes[layer.nodes].iter().map(|it| it.op).collect();
        Group { ops, tiling: layer.tiling, keeps: Vec::new() }
    };
    StripePlan { groups: layers.into_iter().map(group).collect(), non_compulsory, n_tiles }
}

/// The tiling of one operator that moves least, in the fewest tiles; `None` if nothing fits.
fn alone(table: &Table, node: usize) -> Option<Layer> {
    let flow = table.flow;
    let nodes = node..node + 1;
    let groups = table.groups.alone(node).iter();
    let stripes =
        groups.flat_map(|group| group.heights(flow, Heights::All).filter_map(|it| in_stripes(flow, group, it)));
    let grids = table.grids(node).iter().map(|grid| Layer {
        nodes: nodes.clone(),
        non_compulsory: streamed(flow, &nodes, &grid.simulation.border()) + grid.passing,
        tiling: Tiling::Grid(grid.loops.clone()),
        n_tiles: grid.n_tiles,
    });
    stripes.chain(grids).min_by_key(|it| (it.non_compulsory, it.n_tiles))
}

fn in_stripes(flow: &Flow, group: &StripeGroup, stripes: &Stripes) -> Option<Layer> {
    let nodes = group.nodes.clone();
    let peaks = stripes.corners.peaks_of(&group.border.streamed(flow, &nodes).profiles);
    let weights = choose_weights(flow, nodes.clone(), &peaks, &stripes.work, flow.scratchpad, u64::MAX)?;
    let non_compulsory = streamed(flow, &nodes, &group.border) + weights.cost;
    Some(Layer { nodes, tiling: group.tiling(stripes, weights.channels), n_tiles: weights.n_tiles, non_compulsory })
}

/// The longest chain that begins at a node and fits; `None` if it has no second operator.
fn longest_cascade(flow: &Flow, start: usize) -> Option<Layer> {
    let mut nodes = start..start + 1;
    while let Some(link) = link(flow, nodes.end - 1) {
        let longer = start..nodes.end + 1;
        if !fits(flow, longer.clone(), 1) {
            break;
        }
        nodes = longer;
        if link == Link::Last {
            break;
        }
    }
    if nodes.len() < 2 {
        return None;
    }
    let rows =
        stripe_heights(tallest(flow, nodes.clone())).into_iter().find(|rows| fits(flow, nodes.clone(), *rows))?;
    let simulation = simulate(flow, nodes.clone(), rows);
    let channels = flow.nodes[nodes.clone()].iter().map(|it| it.block.map_or(1, |block| block.1)).collect();
    let non_compulsory = streamed(flow, &nodes, &simulation.border());
    let n_tiles = simulation.steps.len() as u64;
    Some(Layer { nodes, tiling: Tiling::Stripes { lanes: None, rows, channels }, n_tiles, non_compulsory })
}

/// How the next node continues the chain of the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// It reads nothing else except weights.
    Inner,
    /// It also reads another tensor.
    Last,
}

/// Whether a chain may continue from a node to the next one in the order.
fn link(flow: &Flow, node: usize) -> Option<Link> {
    let next = flow.nodes.get(node + 1)?;
    let [tensor] = flow.nodes[node].results[..] else { return None };
    let stream = flow.stream(tensor);
    if stream.is_result || stream.readers != [node + 1] || flow.nodes[node].dim.is_none() || next.dim.is_none() {
        return None;
    }
    let rolls = next.reads.iter().filter(|it| it.tensor == tensor).all(|it| it.window.is_some());
    let reads_more = next.reads.iter().any(|it| it.tensor != tensor);
    rolls.then_some(if reads_more { Link::Last } else { Link::Inner })
}

/// Whether a chain fits in stripes of this many rows, with all of its weights.
fn fits(flow: &Flow, nodes: Range<usize>, rows: u64) -> bool {
    let weights: u64 = flow.nodes[nodes.clone()].iter().map(|it| it.whole_room).sum();
    let left = flow.scratchpad.checked_sub(weights);
    let Some(simulation) = left.and_then(|it| simulate_within(flow, &nodes, None, rows, it)) else { return false };
    let peaks = simulation.corners(&nodes).peaks_of(&simulation.border().streamed(flow, &nodes).profiles);
    peaks.iter().all(|it| it + weights <= flow.scratchpad)
}

/// The non-compulsory bytes of nodes if all tensors at their border are loaded from and stored to host memory.
fn streamed(flow: &Flow, nodes: &Range<usize>, border: &Border) -> u64 {
    flow.again(nodes) + border.streamed(flow, nodes).cost
}
