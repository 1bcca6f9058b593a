//! Which results may lie where operands lie: the accelerator writes where it reads.
//!
//! It works tile by tile: what it needs for a tile of the result it has read before it writes that tile. So a
//! result may lie over an operand wherever a tile of the result needs of that operand the tile at the same
//! place, and no other one from then on. A group reads an operand so if each of its nodes that reads it
//!
//! - reads it at the place of what the group writes in the end, through all nodes between ([`Alias`] by alias);
//! - or reduces it, or computes from it at the same place what is reduced: sums and the like are made first, and
//!   nothing is written on the way.
//!
//! What is read as windows or rows is neither: windows overlap, and rows serve many tiles. What is read for two
//! parts lies at neither: once something else than its bytes is written to the one, the other lacks it.
//!
//! Nodes within a group may widen and narrow; what shares bytes are the operand and the result of the whole, if
//! their elements are equally wide. Whether nothing else is still to read an operand is not looked at here: that
//! depends on the order.

use crate::group::InPlace;
use crate::network::{Alias, Network, Node, TensorIndex};
use std::collections::HashMap;

/// Where an element of a tensor ends up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At its own place in a result: in all of it, or in the piece that begins after so many elements.
    Kept(TensorIndex, Option<u64>),
    /// In what is reduced before anything is written.
    Reduced,
    /// Elsewhere, or at several places.
    Moved,
}

/// What a node by itself may share.
pub(crate) fn of_node(network: &Network, node: &Node) -> Vec<InPlace> {
    let is_listed = |alias: &&Alias| node.reads.contains(&alias.operand) && node.writes.contains(&alias.result);
    settle(network, node.aliases.iter().filter(is_listed).copied())
}

/// What a group may share.
pub(crate) fn of_group(
    network: &Network,
    members: &[usize],
    copies: &[usize],
    reads: &[TensorIndex],
    writes: &[TensorIndex],
) -> Vec<InPlace> {
    let mut places: HashMap<TensorIndex, Place> =
        writes.iter().map(|tensor| (*tensor, Place::Kept(*tensor, None))).collect();
    let mut nodes: Vec<usize> = members.iter().chain(copies).copied().collect();
    nodes.sort_unstable();
    for node in nodes.iter().rev().map(|node| &network.nodes[*node]) {
        for operand in &node.reads {
            let here = place(node, *operand, &places);
            let place = places.entry(*operand).or_insert(here);
            *place = meet(*place, here);
        }
    }
    let aliases = reads.iter().filter_map(|operand| match places.get(operand) {
        Some(Place::Kept(result, at)) => Some(Alias { result: *result, operand: *operand, at: *at }),
        _ => None,
    });
    settle(network, aliases)
}

/// Where the elements of an operand of a node end up, as far as that node reads it.
fn place(node: &Node, operand: TensorIndex, places: &HashMap<TensorIndex, Place>) -> Place {
    if node.class.reduces() {
        return Place::Reduced;
    }
    let mut all: Option<Place> = None;
    for result in &node.writes {
        // What nothing reads is written nowhere.
        let Some(result_place) = places.get(result) else { continue };
        let mut has_alias = false;
        for alias in node.aliases.iter().filter(|alias| alias.operand == operand && alias.result == *result) {
            has_alias = true;
            let through = match (*result_place, alias.at) {
                (Place::Kept(result, None), at) | (Place::Kept(result, at), None) => Place::Kept(result, at),
                (Place::Kept(..), Some(_)) => Place::Moved,
                (other, _) => other,
            };
            all = Some(all.map_or(through, |other| meet(other, through)));
        }
        if !has_alias {
            return Place::Moved;
        }
    }
    all.unwrap_or(Place::Moved)
}

fn meet(first: Place, second: Place) -> Place {
    match (first, second) {
        (Place::Reduced, other) | (other, Place::Reduced) => other,
        _ if first == second => first,
        _ => Place::Moved,
    }
}

/// Leaves what can be at once, if anything is to share: parts of one tensor, beside each other, or pairs of one
/// size.
fn settle(network: &Network, aliases: impl Iterator<Item = Alias>) -> Vec<InPlace> {
    let mut wholes: Vec<InPlace> = Vec::new();
    let mut parts: Vec<InPlace> = Vec::new();
    let mut has_parts = false;
    // Where the last part ends, in bytes, and what it is a part of.
    let mut last: Option<(u64, TensorIndex)> = None;
    for Alias { result, operand, at } in aliases {
        has_parts |= at.is_some();
        let (read, written) = (network.tensors[operand.0], network.tensors[result.0]);
        if network.is_wider(operand, result) || network.is_wider(result, operand) {
            continue;
        }
        let Some(at) = at else {
            let pair = InPlace { result, operand, part: None };
            let is_alike = read.n_elements == written.n_elements && read.bytes == written.bytes;
            if is_alike && !wholes.contains(&pair) {
                wholes.push(pair);
            }
            continue;
        };
        let is_operand_inner = read.bytes < written.bytes;
        let (inner, outer) = if is_operand_inner { (operand, result) } else { (result, operand) };
        let Some(begin) = offset(network, outer, at) else { continue };
        let (inner_bytes, outer_bytes) = (network.tensors[inner.0].bytes, network.tensors[outer.0].bytes);
        let Some(end) = begin.checked_add(inner_bytes).filter(|end| *end <= outer_bytes) else { continue };
        let is_new = !parts.iter().any(|pair| pair.operand == inner || pair.result == inner);
        let is_beside = last.is_none_or(|(end, whole)| end <= begin && whole == outer);
        if is_new && is_beside && 0 < inner_bytes && inner_bytes < outer_bytes && end <= i64::MAX as u64 {
            last = Some((end, outer));
            parts.push(InPlace { result, operand, part: Some(begin) });
        }
    }
    if has_parts { parts } else { wholes }
}

/// The byte of a tensor at which an element begins; none if it is not the first of a byte.
fn offset(network: &Network, tensor: TensorIndex, element: u64) -> Option<u64> {
    let tensor = network.tensors[tensor.0];
    let bytes = u128::from(element) * u128::from(tensor.bytes);
    let n_elements = u128::from(tensor.n_elements);
    (n_elements != 0 && bytes.is_multiple_of(n_elements)).then(|| u64::try_from(bytes / n_elements).ok()).flatten()
}
