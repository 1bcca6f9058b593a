//! What a model becomes: operators on tensors.

use crate::element::Element;

pub use cosma_network::{InPlace, TensorIndex};

/// Operators in an order that respects the dependences.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The model's name.
    pub name: String,
    /// The file that it comes from, for locations.
    pub file: String,
    /// All tensors.
    pub tensors: Vec<Tensor>,
    /// The tensors that are there from the start and are used, or are inputs of the model.
    pub arguments: Vec<TensorIndex>,
    /// Each reads tensors that come from operators before it, or are arguments.
    pub operators: Vec<Operator>,
    /// The results of the model, in its order.
    pub results: Vec<TensorIndex>,
    /// The shapes of the results, as the model declares them: where one is not that of its tensor, a view of
    /// it is returned.
    pub result_shapes: Vec<Vec<u64>>,
}

/// A tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The model's name for it, or for a view of it.
    pub name: String,
    /// Type of its elements.
    pub element: Element,
    /// Sizes of its dimensions.
    pub shape: Vec<u64>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a tensor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is an input of the model.
    Input,
    /// It is a constant of the model, or computed from such before the run.
    Weight,
    /// An operator writes it.
    Operator,
    /// It is a piece of another tensor without a break.
    View {
        /// The other tensor, which may be a view as well.
        of: TensorIndex,
        /// The byte of it with which it begins.
        at: u64,
    },
}

impl Origin {
    /// Whether it is a piece of another tensor.
    pub fn is_view(self) -> bool {
        matches!(self, Origin::View { .. })
    }
}

/// What an accelerator runs at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// ONNX's name for what it mostly does.
    pub kind: String,
    /// The nodes of the model that it stands for, in order; names are unique. A node that widens what several
    /// operators read is in each of these.
    pub nodes: Vec<String>,
    /// The first node's position in the model, counted from 1.
    pub position: usize,
    /// What it reads, each tensor once.
    pub reads: Vec<TensorIndex>,
    /// What it writes.
    pub writes: Vec<TensorIndex>,
    /// Multiply-accumulates, of what has them.
    pub macs: Option<u64>,
    /// Which results may share bytes with which operands, if no other operator is still to read those.
    pub in_place: Vec<InPlace>,
}

impl Tensor {
    /// How many elements it has, or the most that can be counted.
    pub fn n_elements(&self) -> u64 {
        crate::graph::n_elements(&self.shape).unwrap_or(u64::MAX)
    }

    /// The bytes that it takes, its elements packed, or the most that can be counted.
    pub fn size(&self) -> u64 {
        self.n_elements().checked_mul(self.element.bits()).map_or(u64::MAX, |bits| bits.div_ceil(8))
    }

    /// The bytes that so many of its elements take; none where they do not end with a byte, or cannot be
    /// counted.
    pub(crate) fn bytes(&self, n_elements: u64) -> Option<u64> {
        let bits = n_elements.checked_mul(self.element.bits())?;
        bits.is_multiple_of(8).then_some(bits / 8)
    }
}
