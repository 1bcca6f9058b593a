//! The network to group: nodes and tensors.

use crate::class::Class;

/// The index of a tensor in [`Network::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorIndex(pub usize);

/// The index of a node in [`Network::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub usize);

/// A network: a directed acyclic graph of nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// The tensors.
    pub tensors: Vec<Tensor>,
    /// The nodes, in an order that respects the dependences.
    pub nodes: Vec<Node>,
    /// The tensors that are results of the network.
    pub results: Vec<TensorIndex>,
}

/// A tensor. The width of its elements is `bytes / n_elements`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The number of elements.
    pub n_elements: u64,
    /// The size of all elements in bytes. Elements of less than a byte are packed.
    pub bytes: u64,
    /// Whether it is constant at run time.
    pub is_weight: bool,
}

/// An operation of the front end.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its class.
    pub class: Class,
    /// Its operands, without duplicates.
    pub reads: Vec<TensorIndex>,
    /// Its results that are read, or are results of the network.
    pub writes: Vec<TensorIndex>,
    /// The pairs of result and operand that correspond element by element.
    pub aliases: Vec<Alias>,
}

/// A result and an operand of a node that correspond element by element. The smaller one is a contiguous
/// part of the larger one, and each element of the result in it depends only on the corresponding element of
/// the operand. Their elements may have different widths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The result.
    pub result: TensorIndex,
    /// The operand.
    pub operand: TensorIndex,
    /// The element of the larger one at which the smaller one begins; `None` if they have equally many
    /// elements.
    pub at: Option<u64>,
}

impl Network {
    /// Whether the elements of the first tensor are wider than those of the second.
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
