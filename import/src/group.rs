//! Operators that an accelerator runs at once become one ([`class`] is the table).
//!
//! 1. *Epilogues.* An operator takes in what follows: elementwise operators that read its result and
//!    nothing else but weights and what it reads anyway. More than one at once, where they part and
//!    come together again (`x · sigmoid(x)`), so that there always is one result. A reduction is
//!    taken in if its result is spread over the tensor again: so a chain of nodes becomes the
//!    normalisation that it was before export. A residual addition reads another tensor and stays. Two
//!    transpositions are one.
//! 2. *Prologues.* What could not join its producer, since others read it too, joins its consumer:
//!    elementwise operators on one tensor with one reader, and padding.
//!
//! A group is called after its first operator; a prologue does not count.

mod class;
mod epilogue;
mod prologue;

use crate::network::{Network, Operator, Origin, TensorIndex};

pub use class::{Class, class};

/// Groups the operators of a network.
pub fn group(network: Network) -> Network {
    let mut groups = Groups::new(network);
    epilogue::join(&mut groups);
    prologue::join(&mut groups);
    groups.finish()
}

/// A network whose operators are on the way to join each other.
pub(crate) struct Groups {
    pub network: Network,
    /// Who reads a tensor, in order.
    readers: Vec<Vec<usize>>,
    is_result: Vec<bool>,
    /// Of each operator its class.
    classes: Vec<Class>,
    /// Of each operator what it only reads to reduce it.
    pub reduced: Vec<Vec<TensorIndex>>,
    /// Of each operator whether it joined another one, and is no longer there.
    is_gone: Vec<bool>,
}

impl Groups {
    fn new(network: Network) -> Groups {
        let n = network.tensors.len();
        let (mut readers, mut is_result) = (vec![Vec::new(); n], vec![false; n]);
        for (index, operator) in network.operators.iter().enumerate() {
            operator.reads.iter().for_each(|it| readers[it.0].push(index));
        }
        network.results.iter().for_each(|it| is_result[it.0] = true);
        let classes: Vec<Class> = network.operators.iter().map(|it| class(&it.kind)).collect();
        let reads = network.operators.iter().zip(&classes);
        let reads = reads.map(|(it, class)| if *class == Class::Reduction { it.reads.clone() } else { Vec::new() });
        let reduced = reads.collect();
        let is_gone = vec![false; network.operators.len()];
        Groups { network, readers, is_result, classes, reduced, is_gone }
    }

    pub fn operator(&self, index: usize) -> &Operator {
        &self.network.operators[index]
    }

    fn is_weight(&self, tensor: TensorIndex) -> bool {
        self.network.tensors[tensor.0].origin == Origin::Weight
    }

    fn n_elements(&self, tensor: TensorIndex) -> u64 {
        self.network.tensors[tensor.0].n_elements()
    }

    /// Without what joined another one.
    fn finish(mut self) -> Network {
        let mut is_gone = self.is_gone.iter();
        self.network.operators.retain(|_| !is_gone.next().copied().unwrap_or_default());
        // Inputs stay, read or not; a weight that was only read inside of a group is read by it.
        self.network
    }
}
