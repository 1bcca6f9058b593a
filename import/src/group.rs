//! Grouping of nodes into the operators that an accelerator runs, by `cosma-network`.
//!
//! A group has the kind of its head. Its `nodes` include nodes that other groups compute, too.

use crate::access::{TensorAccess, group_access};
use crate::lower::Lowered;
use crate::network::{Network, Operator, Origin};
use crate::options::{Grouping, Options};
use cosma_network::{Group, Kind, Rules};

/// The kinds of groups that were recognised as a normalisation or softmax.
const NORMALIZATION: &str = "Normalization";
const SOFTMAX: &str = "Softmax";

/// Groups the nodes of a network.
pub fn group(lowered: Lowered, options: &Options) -> Network {
    let Lowered { mut network, nodes, accesses } = lowered;
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
    network.operators = groups.iter().map(|group| operator(&network, group, &accesses)).collect();
    network
}

fn operator(network: &Network, group: &Group, accesses: &[Option<TensorAccess>]) -> Operator {
    let head = &network.operators[group.head.0];
    let mut nodes: Vec<usize> = group.members.iter().chain(&group.copies).map(|node| node.0).collect();
    nodes.sort_unstable();
    let kind = match group.kind {
        Kind::Head => head.kind.clone(),
        Kind::Normalization => NORMALIZATION.into(),
        Kind::Softmax => SOFTMAX.into(),
    };
    let access = group_access(network, &nodes, accesses, (&group.reads, &group.writes));
    let nodes: Vec<&Operator> = nodes.into_iter().map(|node| &network.operators[node]).collect();
    Operator {
        name: nodes.first().map_or(head.name.clone(), |node| node.name.clone()),
        module: head.module.clone(),
        kind,
        nodes: nodes.iter().flat_map(|node| &node.nodes).cloned().collect(),
        position: nodes.first().map_or(head.position, |node| node.position),
        reads: group.reads.clone(),
        writes: group.writes.clone(),
        macs: head.macs,
        in_place: group.in_place.clone(),
        access,
    }
}
