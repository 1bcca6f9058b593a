//! A network as grouping sees it.

use crate::class::Class;

/// Which tensor of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorIndex(pub usize);

/// Which node of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub usize);

/// Nodes in an order that respects the dependences.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// All tensors.
    pub tensors: Vec<Tensor>,
    /// What a front end would run one by one.
    pub nodes: Vec<Node>,
    /// The tensors that have to be there at the end.
    pub results: Vec<TensorIndex>,
}

/// A tensor. Its elements are as wide as its bytes divided by their number say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// How many elements it has.
    pub n_elements: u64,
    /// What all of them take; those of less than a byte are packed.
    pub bytes: u64,
    /// Whether it is known before the run.
    pub is_weight: bool,
}

/// An operator of the front end.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is to its neighbours.
    pub class: Class,
    /// What it reads, each tensor once.
    pub reads: Vec<TensorIndex>,
    /// What it writes and is read, or is a result of the network.
    pub writes: Vec<TensorIndex>,
    /// Which elements of results depend on the elements of operands at the same places only.
    pub aliases: Vec<Alias>,
}

/// A result and an operand of a node, the smaller of which is a piece of the larger: each of its elements
/// depends, in that operand, on the one at its own place only. Whether they are equally wide does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    /// What is written.
    pub result: TensorIndex,
    /// What is read.
    pub operand: TensorIndex,
    /// How many elements from the start of the larger one the smaller one begins; none if they have equally
    /// many.
    pub at: Option<u64>,
}

impl Network {
    /// Whether an element of the first tensor is wider than one of the second.
    pub(crate) fn is_wider(&self, first: TensorIndex, second: TensorIndex) -> bool {
        let (first, second) = (&self.tensors[first.0], &self.tensors[second.0]);
        let product = |bytes: u64, n_elements: u64| u128::from(bytes) * u128::from(n_elements);
        product(second.bytes, first.n_elements) < product(first.bytes, second.n_elements)
    }

    pub(crate) fn n_elements(&self, tensor: TensorIndex) -> u64 {
        self.tensors[tensor.0].n_elements
    }

    pub(crate) fn is_weight(&self, tensor: TensorIndex) -> bool {
        self.tensors[tensor.0].is_weight
    }
}
