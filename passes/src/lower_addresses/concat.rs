//! Concatenations: each operand is copied to its part of the result, unless it lies there.

use super::INFO;
use super::buffer::Buffer;
use super::build::{Shape, insert};
use super::function::Lowering;
use cosma_ir::Diagnostic;
use cosma_ir::melior::ir::attribute::IntegerAttribute;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{OperationRef, Value, ValueLike};

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    pub(super) fn concatenation(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let axis = ["axis", "dim"].into_iter().find_map(|it| operation.attribute(it).ok());
        let axis =
            axis.and_then(|it| IntegerAttribute::try_from(it).ok()).and_then(|it| usize::try_from(it.value()).ok());
        let mut operands: Vec<(Value, Buffer)> = Vec::new();
        for operand in operation.operands().collect::<Vec<_>>() {
            match self.buffer(operand)? {
                Some(buffer) => operands.push((operand, buffer)),
                // Of no bytes that anybody wrote.
                None => return self.outline(operation),
            }
        }
        let (tensor, result) = self.results(operation)?[0];
        let shape = Shape::of(tensor.r#type()).expect("it has a memref");
        let axis = axis.filter(|it| *it < shape.dimensions.len());
        let axis = axis.ok_or_else(|| Diagnostic::at(operation, format!("{} finds no axis", INFO.name)))?;
        let before: u64 = shape.dimensions[..axis].iter().map(|it| it.unsigned_abs()).product();
        let mut parts: Vec<Part> = Vec::new();
        let mut offset: i64 = 0;
        let mut is_in_the_way = false;
        for (operand, from) in operands {
            let part = Shape::of(operand.r#type()).expect("it has a memref").dimensions[axis];
            let written = result.size.checked_div(shape.dimensions[axis].unsigned_abs() * before).unwrap_or(0);
            let start = result.start + offset.unsigned_abs() * written;
            let is_there = before == 1 && from.root == result.root && from.start == start;
            is_in_the_way |= from.overlaps(&result) && !is_there;
            parts.push(Part { from, offset, size: part, is_there });
            offset += part;
        }
        let to = if is_in_the_way { self.host(tensor, operation)? } else { result };
        let space = if is_in_the_way { None } else { self.space_of(&result) };
        for part in parts.iter().filter(|it| is_in_the_way || !it.is_there) {
            let place = (axis, part.offset, part.size);
            let place = insert(operation, self.build.part(to.value, &shape, space, place, operation.location()));
            self.build.copy(part.from.value, place, shape.element, operation);
        }
        if is_in_the_way {
            self.copy(&to, &result, tensor.r#type(), operation);
            self.build.free(to.value, operation);
        }
        self.keep(tensor, result);
        Ok(())
    }
}

/// An operand, and where it goes along the axis.
struct Part<'c, 'a> {
    from: Buffer<'c, 'a>,
    offset: i64,
    size: i64,
    is_there: bool,
}
