//! What holds of all networks: groups are made of all nodes, can run in their order, and share only what is alike.

use cosma_network::{Alias, Class, Group, Network, Node, NodeIndex, Rules, Tensor, TensorIndex, group, separate};
use proptest::prelude::*;
use std::collections::HashSet;

const CLASSES: [Class; 12] = [
    Class::Elementwise,
    Class::Reduction,
    Class::Comparison,
    Class::Padding,
    Class::Window,
    Class::Compute,
    Class::Turn,
    Class::Layout,
    Class::Transposition,
    Class::Movement,
    Class::Lookup,
    Class::Opaque,
];

/// A network from numbers: the first few tensors are inputs and weights, and each node reads what is there.
fn network(choices: &[u8]) -> Network {
    let mut choices = choices.iter().map(|choice| usize::from(*choice)).chain(std::iter::repeat(0));
    let mut next = |below: usize| choices.next().expect("there are always more") % below;
    let mut network = Network::default();
    let tensor = |network: &mut Network, n_elements: u64, bits: u64, is_weight: bool| {
        network.tensors.push(Tensor { n_elements, bytes: (n_elements * bits).div_ceil(8), is_weight });
        TensorIndex(network.tensors.len() - 1)
    };
    for is_weight in [false, true, false] {
        let bits = [8, 32][next(2)];
        tensor(&mut network, 64, bits, is_weight);
    }
    let n_nodes = 3 + next(40);
    for _ in 0..n_nodes {
        // Mostly elementwise, and mostly what was written last.
        let class = if next(2) == 0 { Class::Elementwise } else { CLASSES[next(CLASSES.len())] };
        let mut reads: Vec<TensorIndex> = Vec::new();
        for _ in 0..1 + next(2) {
            let n = network.tensors.len();
            let read = TensorIndex(if next(3) == 0 { next(n) } else { n - 1 - next(n.min(3)) });
            if !reads.contains(&read) {
                reads.push(read);
            }
        }
        let n_writes = if class == Class::Movement { 1 + next(2) } else { 1 };
        let n_elements = [64, 64, 64, 8][next(4)];
        let bits = [4, 8, 32, 32][next(4)];
        let writes: Vec<TensorIndex> = (0..n_writes).map(|_| tensor(&mut network, n_elements, bits, false)).collect();
        let is_alias = |read: &&TensorIndex| network.tensors[read.0].n_elements == n_elements;
        let operands = reads.iter().filter(|_| class == Class::Elementwise).filter(is_alias);
        let aliases = operands.map(|operand| Alias { result: writes[0], operand: *operand, at: None }).collect();
        network.nodes.push(Node { class, reads, writes, aliases });
    }
    // What nothing reads is a result, and so are a few others.
    let read: HashSet<TensorIndex> = network.nodes.iter().flat_map(|node| &node.reads).copied().collect();
    for index in 0..network.tensors.len() {
        let tensor = TensorIndex(index);
        if 3 <= index && (!read.contains(&tensor) || next(12) == 0) {
            network.results.push(tensor);
        }
    }
    network
}

fn check(network: &Network, groups: &[Group]) -> Result<(), TestCaseError> {
    // Each node is a member of one group, or others do it for themselves.
    let mut members: HashSet<NodeIndex> = HashSet::new();
    for group in groups {
        prop_assert!(group.members.contains(&group.head));
        for node in &group.members {
            prop_assert!(members.insert(*node), "{node:?} is in two groups");
            prop_assert!(!group.copies.contains(node));
        }
    }
    let copies: HashSet<NodeIndex> = groups.iter().flat_map(|group| &group.copies).copied().collect();
    for node in (0..network.nodes.len()).map(NodeIndex) {
        prop_assert!(members.contains(&node) || copies.contains(&node), "{node:?} is in no group");
    }
    // What a group reads is there by then.
    let written: HashSet<TensorIndex> = network.nodes.iter().flat_map(|node| &node.writes).copied().collect();
    let mut there: HashSet<TensorIndex> =
        (0..network.tensors.len()).map(TensorIndex).filter(|tensor| !written.contains(tensor)).collect();
    for group in groups {
        let nodes = || group.members.iter().chain(&group.copies).map(|node| &network.nodes[node.0]);
        let inside: HashSet<TensorIndex> = nodes().flat_map(|node| &node.writes).copied().collect();
        let reads: HashSet<TensorIndex> = nodes().flat_map(|node| &node.reads).copied().collect();
        let outside: HashSet<TensorIndex> = reads.difference(&inside).copied().collect();
        prop_assert_eq!(&outside, &group.reads.iter().copied().collect::<HashSet<_>>());
        for tensor in &group.reads {
            prop_assert!(there.contains(tensor), "{group:?} reads {tensor:?}, which is not there yet");
        }
        prop_assert!(group.writes.iter().all(|tensor| inside.contains(tensor)));
        there.extend(&group.writes);
    }
    prop_assert!(network.results.iter().all(|tensor| there.contains(tensor)), "a result is not written");
    for group in groups {
        for pair in &group.in_place {
            let (result, operand) = (network.tensors[pair.result.0], network.tensors[pair.operand.0]);
            prop_assert!(group.reads.contains(&pair.operand) && group.writes.contains(&pair.result));
            prop_assert_eq!((result.n_elements, result.bytes), (operand.n_elements, operand.bytes));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_are_networks(choices in proptest::collection::vec(any::<u8>(), 0..400)) {
        let network = network(&choices);
        check(&network, &separate(&network))?;
        let groups = group(&network, &Rules::ACCELERATOR);
        check(&network, &groups)?;
        prop_assert!(groups.len() <= network.nodes.len());
        prop_assert_eq!(groups, group(&network, &Rules::ACCELERATOR), "the same each time");
    }
}

/// The property means something: of each kind of group there are many.
#[test]
fn random_networks_have_groups_of_each_kind() {
    let mut random = 1_u64;
    let (mut n_copied, mut n_joined, mut n_shared, mut n_reduced) = (0, 0, 0, 0);
    for _ in 0..500 {
        let choices: Vec<u8> = (0..400)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 40) as u8
            })
            .collect();
        for it in group(&network(&choices), &Rules::ACCELERATOR) {
            n_copied += usize::from(!it.copies.is_empty());
            n_joined += usize::from(1 < it.members.len());
            n_shared += usize::from(1 < it.members.len() && !it.in_place.is_empty());
            n_reduced += usize::from(it.kind != cosma_network::Kind::Head);
        }
    }
    for n in [n_copied, n_joined, n_shared, n_reduced] {
        assert!(20 < n, "{n_copied} copied, {n_joined} joined, {n_shared} shared, {n_reduced} reduced");
    }
}
