//! What is to be known of a model from upstream that its functions do not say.

use crate::form::body;
use cosma_ir::melior::ir::{BlockLike, OperationRef};
use cosma_ir::{WeightComputation, machine, name, set_machine, set_weight};

/// What a caller says of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOptions {
    /// Which arguments of each function are inputs of the network; all others are weights. Otherwise
    /// `cosma.weight` on arguments says.
    pub inputs: Option<Vec<usize>>,
    /// Bytes that an element of a float tensor takes, whatever its type says.
    pub element_bytes: Option<u64>,
    /// Whether what is computed from weights alone runs, instead of being computed before.
    pub run_weights: bool,
}

impl ModelOptions {
    /// Writes what is said to a module: to its `cosma.machine` and those of its functions, and to
    /// arguments.
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
