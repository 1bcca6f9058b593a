//! How to read a model of upstream dialects: what its functions do not declare.

use crate::form::body;
use cosma_ir::melior::ir::{BlockLike, OperationRef};
use cosma_ir::{WeightComputation, machine, name, set_machine, set_weight};

/// How to read a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOptions {
    /// Indices of the arguments of each function that are inputs of the network; all others are weights. With
    /// `None`, arguments marked `cosma.weight` are weights.
    pub inputs: Option<Vec<usize>>,
    /// The size of a float element in bytes; `None` means that of its type.
    pub element_bytes: Option<u64>,
    /// Whether to plan operators that compute only from weights, instead of taking their results as weights.
    pub run_weights: bool,
}

impl ModelOptions {
    /// Writes the options to a module: to the `cosma.machine` of it and its functions, and to arguments.
    pub fn write(&self, module: OperationRef) {
        if self.element_bytes.is_some() || self.run_weights {
            self.write_machine(module);
        }
        let Some(block) = body(module) else { return };
        for operation in crate::form::operations(block) {
            match name(operation).as_str() {
                "func.func" => self.write_function(operation),
                "builtin.module" => self.write(operation),
                _ => {}
            }
        }
    }

    fn write_function(&self, function: OperationRef) {
        if crate::states_machine(function) && (self.element_bytes.is_some() || self.run_weights) {
            self.write_machine(function);
        }
        let (Some(inputs), Some(block)) = (&self.inputs, body(function)) else { return };
        (0..block.argument_count()).filter(|it| !inputs.contains(it)).for_each(|it| set_weight(function, it));
    }

    fn write_machine(&self, operation: OperationRef) {
        let before = machine(operation).unwrap_or_default();
        let weight_computation = self.run_weights.then_some(WeightComputation::Run).or(before.weight_computation);
        let element_bytes = self.element_bytes.or(before.element_bytes);
        set_machine(operation, &cosma_ir::Machine { weight_computation, element_bytes, ..before });
    }
}
