//! Which results may be in place of operands.
//!
//! The accelerator works tile by tile: it reads all inputs of a tile of the result before it writes that tile.
//! So a result may overwrite an operand if each tile of the result depends only on the corresponding tile of
//! the operand. This holds for an operand of a group if each of its nodes that reads the operand
//!
//! - reads it elementwise, and so do all nodes from there to the result ([`Alias`] by alias);
//! - or reduces it, or a tensor computed from it elementwise: reductions are complete before anything is
//!   written.
//!
//! It does not hold for windows, which overlap, or rows, which are read for many tiles; nor for an operand that
//! corresponds to two parts of a result, since writing one would destroy the input of the other.
//!
//! Nodes within a group may widen and narrow; operand and result of the group may share bytes if their elements
//! have the same width. Whether this is the last use of the operand is not checked here: it depends on the
//! order.

use crate::group::InPlace;
use crate::network::{Alias, Network, Node, TensorIndex};
use std::collections::HashMap;

/// Which elements of the results depend on an element of a tensor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Only the corresponding element of a result. The tensor corresponds to all of the result, or to the part
    /// that begins at this element.
    Kept(TensorIndex, Option<u64>),
    /// Only through reductions, which are complete before anything is written.
    Reduced,
    /// Other elements, or several.
    Moved,
}

/// The pairs of a single node that may share bytes.
pub(crate) fn of_node(network: &Network, node: &Node) -> Vec<InPlace> {
    let is_listed = |alias: &&Alias| node.reads.contains(&alias.operand) && node.writes.contains(&alias.result);
    select(network, node.aliases.iter().filter(is_listed).copied())
}

/// The pairs of a group that may share bytes.
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
    select(network, aliases)
}

/// The place of an operand with respect to one node that reads it, given the places of the node's results.
fn place(node: &Node, operand: TensorIndex, places: &HashMap<TensorIndex, Place>) -> Place {
    if node.class.reduces() {
        return Place::Reduced;
    }
    let mut all: Option<Place> = None;
    for result in &node.writes {
        // A result without a place is not used.
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

/// The place of a tensor with two uses.
fn meet(first: Place, second: Place) -> Place {
    match (first, second) {
        (Place::Reduced, other) | (other, Place::Reduced) => other,
        _ if first == second => first,
        _ => Place::Moved,
    }
}

/// Selects pairs that can be in place at the same time: disjoint parts of one tensor in ascending order, or else
/// pairs of the same size.
fn select(network: &Network, aliases: impl Iterator<Item = Alias>) -> Vec<InPlace> {
    let mut wholes: Vec<InPlace> = Vec::new();
    let mut parts: Vec<InPlace> = Vec::new();
    let mut has_parts = false;
    // The end of the last part, in bytes, and the tensor that it is a part of.
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

/// The byte of a tensor at which an element begins; `None` if it does not begin at a whole byte.
fn offset(network: &Network, tensor: TensorIndex, element: u64) -> Option<u64> {
    let tensor = network.tensors[tensor.0];
    let bytes = u128::from(element) * u128::from(tensor.bytes);
    let n_elements = u128::from(tensor.n_elements);
    (n_elements != 0 && bytes.is_multiple_of(n_elements)).then(|| u64::try_from(bytes / n_elements).ok()).flatten()
}
