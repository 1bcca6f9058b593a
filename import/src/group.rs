//! Operators that an accelerator runs at once become one: `cosma-network` decides which.
//!
//! A group is called after its head; what runs before that does not count. `nodes` lists all that it stands
//! for, also those that it runs for itself as other groups do.

use crate::lower::Lowered;
use crate::network::{Network, Operator, Origin};
use crate::options::{Grouping, Options};
use cosma_network::{Group, Kind, Rules};

/// What a normalisation or a softmax that was written as single nodes is called.
const NORMALIZATION: &str = "Normalization";
const SOFTMAX: &str = "Softmax";

/// Groups the nodes of a network.
pub fn group(lowered: Lowered, options: &Options) -> Network {
    let Lowered { mut network, nodes } = lowered;
    let tensors = network.tensors.iter().map(|tensor| cosma_network::Tensor {
        n_elements: tensor.n_elements(),
        bytes: tensor.size(),
        is_weight: tensor.origin == Origin::Weight,
    });
    let classified = cosma_network::Network { tensors: tensors.collect(), nodes, results: network.results.clone() };
    let groups = match options.grouping {
        Grouping::None => cosma_network::separate(&classified),
        Grouping::Accelerator => cosma_network::group(&classified, &Rules::ACCELERATOR),
    };
    network.operators = groups.iter().map(|group| operator(&network, group)).collect();
    network
}

fn operator(network: &Network, group: &Group) -> Operator {
    let head = &network.operators[group.head.0];
    let mut nodes: Vec<usize> = group.members.iter().chain(&group.copies).map(|node| node.0).collect();
    nodes.sort_unstable();
    let kind = match group.kind {
        Kind::Head => head.kind.clone(),
        Kind::Normalization => NORMALIZATION.into(),
        Kind::Softmax => SOFTMAX.into(),
    };
    let nodes: Vec<&Operator> = nodes.into_iter().map(|node| &network.operators[node]).collect();
    Operator {
        kind,
        nodes: nodes.iter().flat_map(|node| &node.nodes).cloned().collect(),
        position: nodes.first().map_or(head.position, |node| node.position),
        reads: group.reads.clone(),
        writes: group.writes.clone(),
        macs: head.macs,
        in_place: group.in_place.clone(),
    }
}
