//! The entry points, and the groups that they return.

use crate::network::{Network, NodeIndex, TensorIndex};
use crate::rules::Rules;
use crate::state::State;
use crate::{epilogue, place, prologue, widening};

/// Nodes that run as one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The node that gives the group its name and its position in the order.
    pub head: NodeIndex,
    /// The kind of the whole group.
    pub kind: Kind,
    /// Its nodes, ascending.
    pub members: Vec<NodeIndex>,
    /// Further nodes that it computes redundantly, as other groups do, ascending. None is a member.
    pub copies: Vec<NodeIndex>,
    /// Its operands, without duplicates.
    pub reads: Vec<TensorIndex>,
    /// Its results.
    pub writes: Vec<TensorIndex>,
    /// The pairs of result and operand that may share bytes, provided that this is the operand's last use.
    pub in_place: Vec<InPlace>,
}

/// The kind of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// That of its head.
    Head,
    /// A normalisation that was exported as single nodes.
    Normalization,
    /// A softmax that was exported as single nodes.
    Softmax,
}

/// A result and an operand that may share bytes: the smaller one is part of the larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// The result.
    pub result: TensorIndex,
    /// The operand.
    pub operand: TensorIndex,
    /// The byte of the larger one at which the smaller one begins; `None` if they have the same size.
    pub part: Option<u64>,
}

/// Groups a network by rules. Returns the groups in an order that respects the dependences.
///
/// The search for epilogues visits at most [`Rules::most_members`] nodes for each fusion; everything else is
/// linear in the number of readers of each tensor.
///
/// # Panics
/// If an index is out of range.
pub fn group(network: &Network, rules: &Rules) -> Vec<Group> {
    let mut state = State::new(network, rules);
    widening::join(&mut state);
    epilogue::join(&mut state);
    prologue::join(&mut state);
    state.finish()
}

/// Makes each node a group of its own.
///
/// # Panics
/// If an index is out of range.
pub fn separate(network: &Network) -> Vec<Group> {
    let alone = |(index, node): (usize, &crate::network::Node)| Group {
        head: NodeIndex(index),
        kind: Kind::Head,
        members: vec![NodeIndex(index)],
        copies: Vec::new(),
        reads: node.reads.clone(),
        writes: node.writes.clone(),
        in_place: place::of_node(network, node),
    };
    network.nodes.iter().enumerate().map(alone).collect()
}
