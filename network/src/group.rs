//! Networks become groups.

use crate::network::{Network, NodeIndex, TensorIndex};
use crate::rules::Rules;
use crate::state::State;
use crate::{epilogue, place, prologue, widening};

/// Nodes that run at once, as one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The node after which it is called, and in whose place it runs.
    pub head: NodeIndex,
    /// What it is as a whole.
    pub kind: Kind,
    /// The nodes that it is, in order.
    pub members: Vec<NodeIndex>,
    /// Nodes that it runs for itself, as other groups do, in order; none is a member.
    pub copies: Vec<NodeIndex>,
    /// What it reads, each tensor once.
    pub reads: Vec<TensorIndex>,
    /// What it writes.
    pub writes: Vec<TensorIndex>,
    /// Which results may share bytes with which operands, if nothing else is still to read those.
    pub in_place: Vec<InPlace>,
}

/// What a group is as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What its head is.
    Head,
    /// A normalisation that was written as single nodes.
    Normalization,
    /// A softmax that was written as single nodes.
    Softmax,
}

/// A result and an operand that may share bytes: the smaller one lies within the larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// What is written.
    pub result: TensorIndex,
    /// What is read.
    pub operand: TensorIndex,
    /// How many bytes from the start of the larger one the smaller one begins; none if they are of one size.
    pub part: Option<u64>,
}

/// The groups of a network, in an order that respects the dependences.
///
/// Searching for epilogues takes each operator at most as many nodes as the rules allow, times how many of them
/// it takes in; all else is linear in the readers of each tensor.
///
/// # Panics
/// If an index is not one of the network.
pub fn group(network: &Network, rules: &Rules) -> Vec<Group> {
    let mut state = State::new(network, rules);
    widening::join(&mut state);
    epilogue::join(&mut state);
    prologue::join(&mut state);
    state.finish()
}

/// Each node by itself.
///
/// # Panics
/// If an index is not one of the network.
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
