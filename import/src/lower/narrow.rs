//! The weights of quantised models: constants that are stored with narrower elements than their readers use.
//!
//! A `DequantizeLinear` or a cast of a constant is not computed before the run, since that would widen the weight.
//! Its readers read the quantised tensor with its scales and zero points, and widen it themselves. Moving such a
//! constant, usually transposing it, is done before the run, on the narrow elements.

use super::{Lowering, view};
use crate::element::Element;
use crate::graph::n_elements;
use crate::infer::Call;
use crate::network::{Origin, Tensor, TensorIndex};

/// The stored form of a constant.
#[derive(Clone)]
pub struct Narrow {
    /// The value whose elements are stored.
    stored: usize,
    /// The type of the stored elements.
    element: Element,
    /// Its scales and zero points with more than one element.
    beside: Vec<usize>,
}

impl Lowering<'_> {
    /// Records the stored form of the results of a node that is computed before the run.
    pub fn keep_narrow(&mut self, call: &Call) {
        let Some(&Some(input)) = call.node.inputs.first() else { return };
        let is_own = matches!(call.node.domain.as_str(), "" | "com.microsoft");
        match call.node.kind.as_str() {
            "DequantizeLinear" | "Cast" | "CastLike" if is_own => self.widen(call, input),
            "Identity" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose" | "Slice" | "Split"
                if is_own =>
            {
                self.move_narrow(call, input);
            }
            _ => {}
        }
    }

    fn widen(&mut self, call: &Call, input: usize) {
        let Some(&Some(output)) = call.node.outputs.first() else { return };
        let values = &self.graph.values;
        let element = |value: usize| values[value].r#type.as_ref().expect("types were inferred").element;
        let mut narrow = self.narrow.get(&input).cloned().unwrap_or_else(|| Narrow {
            stored: self.source[input],
            element: element(input),
            beside: Vec::new(),
        });
        if self.deploy(element(output)).bits() <= self.deploy(narrow.element).bits() {
            return;
        }
        if call.node.kind == "DequantizeLinear" {
            let is_list = |value: &usize| {
                let r#type = values[*value].r#type.as_ref().expect("types were inferred");
                n_elements(&r#type.shape) != Some(1)
            };
            narrow.beside.extend(call.node.inputs.iter().skip(1).flatten().copied().filter(is_list));
        }
        self.narrow.insert(output, narrow);
    }

    fn move_narrow(&mut self, call: &Call, input: usize) {
        let Some(narrow) = self.narrow.get(&input).cloned() else { return };
        let is_view = view::is_view(call);
        for output in call.node.outputs.iter().flatten() {
            let stored = if is_view { narrow.stored } else { *output };
            self.narrow.insert(*output, Narrow { stored, ..narrow.clone() });
        }
    }

    /// The tensors that a node reads for an input.
    pub fn tensors_of(&mut self, input: usize) -> Vec<TensorIndex> {
        let Some(Narrow { stored, element, beside }) = self.narrow.get(&input).cloned() else {
            return vec![self.tensor(self.source[input])];
        };
        let mut tensors = vec![self.stored_tensor(stored, element)];
        tensors.extend(beside.into_iter().map(|value| self.tensor(self.source[value])));
        tensors
    }

    /// The tensor of a value, stored with another element type than in the model.
    fn stored_tensor(&mut self, value: usize, element: Element) -> TensorIndex {
        let of = &self.graph.values[value];
        let r#type = of.r#type.as_ref().expect("types were inferred");
        if r#type.element == element {
            return self.tensor(value);
        }
        if let Some(tensor) = self.of_narrow.get(&value) {
            return *tensor;
        }
        let index = TensorIndex(self.tensors.len());
        let (name, shape, element) = (of.name.clone(), r#type.shape.clone(), self.deploy(element));
        self.tensors.push(Tensor { name, element, shape, origin: Origin::Weight });
        self.weights.push(index);
        self.of_narrow.insert(value, index);
        index
    }
}
