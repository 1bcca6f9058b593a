//! Lowering of linalg operations, which exist on memrefs as well.
//!
//! The initial value of a result is written to its buffer, unless it is already there. A result in place of an
//! operand is written directly only if that is safe: the operand is its initial value, or each of its elements
//! depends only on the corresponding element of the operand. Otherwise the operation writes to a private buffer,
//! from which the result is copied.

use super::buffer::Buffer;
use super::build::place;
use super::function::Lowering;
use crate::class::is_elementwise;
use crate::role::{reads, splat};
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationResult};
use cosma_ir::melior::ir::r#type::{IntegerType, TypeLike};
use cosma_ir::melior::ir::{
    Attribute, AttributeLike, BlockLike, Identifier, Operation, OperationRef, Region, Value, ValueLike,
};
use cosma_ir::{Diagnostic, erase, move_regions, name};

/// The initial value of a result.
#[derive(Clone, Copy)]
enum Start<'c, 'a> {
    Nothing,
    Fill(OperationRef<'c, 'a>),
    /// All elements have this value.
    Splat(Attribute<'c>),
    Tensor(Buffer<'c, 'a>),
}

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    /// Whether an operation of linalg can be lowered to the same on memrefs: all operands have buffers or are fills,
    /// and its region does not read tensors.
    pub(super) fn is_structured(&mut self, operation: OperationRef<'c, 'a>) -> Result<bool, Diagnostic<'c>> {
        let name = name(operation);
        if ["linalg.pack", "linalg.unpack", "linalg.softmax", "linalg.winograd"].iter().any(|it| name.starts_with(it)) {
            return Ok(false);
        }
        let inner = reads(operation).into_iter().any(|it| it.operation != operation && it.value.r#type().is_tensor());
        if inner || operation.results().any(|it| !it.r#type().is_tensor()) {
            return Ok(false);
        }
        let n_inputs = operation.operand_count() - operation.result_count();
        for (index, operand) in operation.operands().enumerate().collect::<Vec<_>>() {
            let is_known = !operand.r#type().is_tensor() || self.buffer(operand)?.is_some();
            if !is_known && (index < n_inputs || self.start(operand)?.is_none()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn start(&mut self, tensor: Value<'c, 'a>) -> Result<Option<Start<'c, 'a>>, Diagnostic<'c>> {
        if let Some(buffer) = self.buffer(tensor)? {
            return Ok(Some(Start::Tensor(buffer)));
        }
        let Some(operation) = OperationResult::try_from(tensor).ok().map(|it| it.owner()) else { return Ok(None) };
        Ok(match name(operation).as_str() {
            "tensor.empty" => Some(Start::Nothing),
            "linalg.fill" => Some(Start::Fill(operation)),
            _ => splat(operation).filter(is_number).map(Start::Splat),
        })
    }

    pub(super) fn structured(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let results = self.results(operation)?;
        let n_inputs = operation.operand_count() - results.len();
        let mut operands: Vec<Value> = Vec::new();
        for operand in operation.operands().take(n_inputs) {
            operands.push(self.buffer(operand)?.map_or(operand, |it| it.value));
        }
        let mut private = Vec::new();
        for (index, (tensor, result)) in (n_inputs..).zip(&results) {
            let first = operation.operand(index).expect("one for each result");
            let start = self.start(first)?.expect("it is structured");
            let mut to = *result;
            if !self.is_safe(operation, index, *tensor, result, start) {
                to = self.host(*tensor, operation)?;
                private.push((to, *result, tensor.r#type()));
            }
            match start {
                Start::Nothing => {}
                Start::Fill(fill) => self.fill(fill, to.value, operation),
                Start::Splat(element) => self.build.fill(element, to.value, operation),
                Start::Tensor(from) => self.copy(&from, &to, tensor.r#type(), operation),
            }
            operands.push(to.value);
        }
        let attributes: Vec<(Identifier, Attribute)> = operation
            .attributes()
            .filter(|(id, _)| !id.as_string_ref().as_str().is_ok_and(|it| it.starts_with("cosma.")))
            .collect();
        // The builder only borrows the name, in spite of its signature.
        let name = name(operation);
        let lowered = OperationBuilder::new(&name, operation.location())
            .add_operands(&operands)
            .add_attributes(&attributes)
            .add_regions_vec(operation.regions().map(|_| Region::new()).collect());
        move_regions(operation, place(operation, lowered));
        self.deliver(private, operation);
        for (tensor, buffer) in results {
            self.keep(tensor, buffer);
        }
        Ok(())
    }

    /// Whether a result can be written to its buffer while the operands are read.
    fn is_safe(
        &self,
        operation: OperationRef<'c, 'a>,
        index: usize,
        result: Value<'c, 'a>,
        to: &Buffer<'c, 'a>,
        start: Start<'c, 'a>,
    ) -> bool {
        let is_nothing = matches!(start, Start::Nothing);
        let is_safe = |(other, operand): (usize, Value<'c, 'a>)| {
            let Some(from) = self.known(operand).filter(|it| it.overlaps(to)) else { return true };
            let is_start = other == index;
            let is_plain = is_elementwise(operation) && operand.r#type() == result.r#type();
            from.is_at(to) && (is_start || is_plain && (is_nothing || self.starts_there(start, to)))
        };
        operation.operands().enumerate().all(is_safe)
    }

    fn starts_there(&self, start: Start<'c, 'a>, to: &Buffer<'c, 'a>) -> bool {
        matches!(start, Start::Tensor(from) if from.is_at(to))
    }

    /// Fills the buffer of a result as a `linalg.fill` does.
    fn fill(&self, fill: OperationRef<'c, 'a>, result: Value<'c, 'a>, before: OperationRef<'c, 'a>) {
        let filled = self.block.insert_operation_before(before, Operation::clone(&fill));
        // The form on memrefs has no result.
        let attributes: Vec<(Identifier, Attribute)> = fill.attributes().collect();
        let builder = OperationBuilder::new("linalg.fill", fill.location())
            .add_operands(&[fill.operand(0).expect("a fill has a value"), result])
            .add_attributes(&attributes)
            .add_regions_vec(filled.regions().map(|_| Region::new()).collect());
        move_regions(filled, place(before, builder));
        erase(filled);
    }
}

/// Whether an attribute is a float or a signless integer, which `arith.constant` accepts.
fn is_number(attribute: &Attribute) -> bool {
    let is_signless = || IntegerType::try_from(attribute.r#type()).is_ok_and(|it| it.is_signless());
    attribute.is_float() || attribute.is_integer() && is_signless()
}
