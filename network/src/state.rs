//! The state of grouping: operators that are fused step by step.

use crate::class::Class;
use crate::group::{Group, Kind};
use crate::network::{Network, NodeIndex, TensorIndex};
use crate::place;
use crate::rules::Rules;

/// The operators of a network during grouping. An operator has the index of its head node.
pub(crate) struct State<'n> {
    pub network: &'n Network,
    pub rules: &'n Rules,
    /// By head.
    pub operators: Vec<Operator>,
    /// By tensor: the operators that read it, ascending.
    readers: Vec<Vec<usize>>,
    is_result: Vec<bool>,
}

/// One or several nodes as one operator.
pub(crate) struct Operator {
    pub class: Class,
    pub kind: Kind,
    pub reads: Vec<TensorIndex>,
    pub writes: Vec<TensorIndex>,
    /// Its nodes, unordered.
    pub members: Vec<usize>,
    /// Further nodes that it computes redundantly, unordered.
    pub copies: Vec<usize>,
    /// Whether it was fused into another one.
    pub is_gone: bool,
}

impl<'n> State<'n> {
    pub fn new(network: &'n Network, rules: &'n Rules) -> State<'n> {
        let mut readers = vec![Vec::new(); network.tensors.len()];
        let mut is_result = vec![false; network.tensors.len()];
        let mut operators = Vec::with_capacity(network.nodes.len());
        for (index, node) in network.nodes.iter().enumerate() {
            for tensor in &node.reads {
                readers[tensor.0].push(index);
            }
            operators.push(Operator {
                class: node.class,
                kind: Kind::Head,
                reads: node.reads.clone(),
                writes: node.writes.clone(),
                members: vec![index],
                copies: Vec::new(),
                is_gone: false,
            });
        }
        for tensor in &network.results {
            is_result[tensor.0] = true;
        }
        State { network, rules, operators, readers, is_result }
    }

    pub fn readers(&self, tensor: TensorIndex) -> &[usize] {
        &self.readers[tensor.0]
    }

    pub fn is_result(&self, tensor: TensorIndex) -> bool {
        self.is_result[tensor.0]
    }

    /// The operands of an operator that are not weights.
    pub fn tensors(&self, operator: usize) -> impl Iterator<Item = TensorIndex> + '_ {
        self.operators[operator].reads.iter().copied().filter(|tensor| !self.network.is_weight(*tensor))
    }

    /// Removes an operator from the readers of a tensor.
    pub fn forget_reader(&mut self, tensor: TensorIndex, operator: usize) {
        self.readers[tensor.0].retain(|reader| *reader != operator);
    }

    /// Adds an operator to the readers of a tensor.
    pub fn add_reader(&mut self, tensor: TensorIndex, operator: usize) {
        let readers = &mut self.readers[tensor.0];
        if let Err(at) = readers.binary_search(&operator) {
            readers.insert(at, operator);
        }
    }

    /// Fuses an operator with one result into readers of it. If there are several, or if it `stays` for other
    /// readers, its nodes become copies.
    pub fn fuse_producer(&mut self, takers: &[usize], first: usize, stays: bool) {
        let result = self.operators[first].writes[0];
        let reads = self.operators[first].reads.clone();
        if !stays {
            self.operators[first].is_gone = true;
            for tensor in &reads {
                self.forget_reader(*tensor, first);
            }
        }
        for &taker in takers {
            for tensor in &reads {
                self.add_reader(*tensor, taker);
            }
            let operator = &self.operators[taker];
            let is_new = |tensor: &TensorIndex| !operator.reads.contains(tensor);
            let (weights, tensors): (Vec<TensorIndex>, Vec<TensorIndex>) =
                reads.iter().copied().filter(is_new).partition(|tensor| self.network.is_weight(*tensor));
            let (members, copies) = (self.operators[first].members.clone(), self.operators[first].copies.clone());
            // Its operands replace its result in the list of operands; further weights go to the end.
            let operator = &mut self.operators[taker];
            let at = operator.reads.iter().position(|tensor| *tensor == result).unwrap_or(operator.reads.len());
            operator.reads.splice(at..(at + 1).min(operator.reads.len()), tensors);
            operator.reads.extend(weights);
            operator.copies.extend(copies);
            if takers.len() == 1 && !stays {
                operator.members.extend(members);
            } else {
                operator.copies.extend(members);
            }
            self.forget_reader(result, taker);
        }
    }

    /// Fuses operators after an operator into it, in order. The caller sets the results.
    pub fn fuse_consumers(&mut self, head: usize, followers: &[usize]) {
        let mut inside = self.operators[head].writes.clone();
        for &index in followers {
            let follower = &mut self.operators[index];
            follower.is_gone = true;
            let (members, copies) = (std::mem::take(&mut follower.members), std::mem::take(&mut follower.copies));
            let (reads, writes) = (follower.reads.clone(), follower.writes.clone());
            for tensor in reads {
                self.forget_reader(tensor, index);
                if !inside.contains(&tensor) && !self.operators[head].reads.contains(&tensor) {
                    self.operators[head].reads.push(tensor);
                    self.add_reader(tensor, head);
                }
            }
            inside.extend(writes);
            self.operators[head].members.extend(members);
            self.operators[head].copies.extend(copies);
        }
    }

    /// The groups of the remaining operators, in the order of heads.
    pub fn finish(self) -> Vec<Group> {
        let mut groups = Vec::new();
        for (head, operator) in self.operators.into_iter().enumerate() {
            let Operator { kind, reads, writes, mut members, mut copies, is_gone, .. } = operator;
            if is_gone {
                continue;
            }
            members.sort_unstable();
            copies.sort_unstable();
            copies.dedup();
            copies.retain(|node| members.binary_search(node).is_err());
            let in_place = match (&members[..], &copies[..]) {
                ([node], []) => place::of_node(self.network, &self.network.nodes[*node]),
                _ => place::of_group(self.network, &members, &copies, &reads, &writes),
            };
            let indices = |nodes: Vec<usize>| nodes.into_iter().map(NodeIndex).collect();
            groups.push(Group {
                head: NodeIndex(head),
                kind,
                members: indices(members),
                copies: indices(copies),
                reads,
                writes,
                in_place,
            });
        }
        groups
    }
}
