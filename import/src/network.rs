//! The result of the importer: operators on tensors.

use crate::element::Element;
use cosma_tile::Access;

pub use cosma_network::{InPlace, TensorIndex};

/// An imported network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The model's name.
    pub name: String,
    /// The name of its file, for locations.
    pub file: String,
    /// The tensors.
    pub tensors: Vec<Tensor>,
    /// The inputs of the model, then the weights that are used.
    pub arguments: Vec<TensorIndex>,
    /// The operators, in an order that respects the dependences.
    pub operators: Vec<Operator>,
    /// The results of the model, in its order.
    pub results: Vec<TensorIndex>,
    /// The declared shapes of the results. If one differs from that of its tensor, a view is returned.
    pub result_shapes: Vec<Vec<u64>>,
}

/// A tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The model's name for it, or for a view of it.
    pub name: String,
    /// The type of its elements.
    pub element: Element,
    /// The sizes of its dimensions.
    pub shape: Vec<u64>,
    /// Its origin.
    pub origin: Origin,
}

/// The origin of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An input of the model.
    Input,
    /// A constant of the model, or computed from constants before the run.
    Weight,
    /// A result of an operator.
    Operator,
    /// A contiguous part of another tensor.
    View {
        /// The other tensor, which may be a view as well.
        of: TensorIndex,
        /// The byte of it at which this one begins.
        at: u64,
    },
}

impl Origin {
    /// Whether it is a view.
    pub fn is_view(self) -> bool {
        matches!(self, Origin::View { .. })
    }
}

/// An operator that the accelerator runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// How it is shown. `MODULE/KIND`, numbered where there are several, if the model tells the framework's module;
    /// else the name of its first node.
    pub name: String,
    /// The path of the framework's module that its main node is of, as `layers.0/self_attn`; empty for the whole
    /// network. None if the model does not tell.
    pub module: Option<String>,
    /// The ONNX operator of its main node.
    pub kind: String,
    /// The unique names of its nodes, in order. A node that was fused into several readers is listed in each.
    pub nodes: Vec<String>,
    /// The first node's position in the model, from 1.
    pub position: usize,
    /// Its operands, without duplicates.
    pub reads: Vec<TensorIndex>,
    /// Its results.
    pub writes: Vec<TensorIndex>,
    /// The number of multiply-accumulates, if it is a product or convolution.
    pub macs: Option<u64>,
    /// The pairs of result and operand that may share bytes, provided that this is the operand's last use.
    pub in_place: Vec<InPlace>,
    /// Which elements of its operands each element of its results depends on, if known.
    pub access: Option<OperatorAccess>,
}

/// How an operator accesses its operands.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorAccess {
    /// It has a map for each way in which an operand is read.
    pub access: Access,
    /// By map of an operand: which of `reads` it reads. Each is read in at least one way.
    pub operands: Vec<usize>,
}

impl Operator {
    /// The number of multiply-accumulates, if it is known and fits MLIR's integers.
    pub(crate) fn countable_macs(&self) -> Option<u64> {
        self.macs.filter(|it| i64::try_from(*it).is_ok())
    }
}

impl Tensor {
    /// The number of elements; `u64::MAX` on overflow.
    pub fn n_elements(&self) -> u64 {
        crate::graph::n_elements(&self.shape).unwrap_or(u64::MAX)
    }

    /// The size in bytes, with elements packed; `u64::MAX` on overflow.
    pub fn size(&self) -> u64 {
        self.n_elements().checked_mul(self.element.bits()).map_or(u64::MAX, |bits| bits.div_ceil(8))
    }

    /// The element in which a byte lies.
    pub(crate) fn element_at(&self, byte: u64) -> u64 {
        u64::try_from(u128::from(byte) * 8 / u128::from(self.element.bits().max(1))).unwrap_or(u64::MAX)
    }

    /// The size of `n_elements` of its elements in bytes; `None` if that is not a whole number, or on overflow.
    pub(crate) fn bytes(&self, n_elements: u64) -> Option<u64> {
        let bits = n_elements.checked_mul(self.element.bits())?;
        bits.is_multiple_of(8).then_some(bits / 8)
    }
}
