//! Lowering of operations on parts of tensors.
//!
//! - Concatenations: each operand is copied to its part of the result, unless it is already there.
//! - Slices in place of their source: nothing to do.

use super::INFO;
use super::buffer::Buffer;
use super::build::{Shape, insert};
use super::function::Lowering;
use cosma_ir::melior::ir::attribute::IntegerAttribute;
use cosma_ir::melior::ir::operation::{OperationLike, OperationResult};
use cosma_ir::melior::ir::{OperationRef, Value, ValueLike};
use cosma_ir::{Diagnostic, name, operand_at, result_at};

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    pub(super) fn concatenation(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let axis = ["axis", "dim"].into_iter().find_map(|it| operation.attribute(it).ok());
        let axis =
            axis.and_then(|it| IntegerAttribute::try_from(it).ok()).and_then(|it| usize::try_from(it.value()).ok());
        let mut operands: Vec<(Value, Buffer)> = Vec::new();
        for operand in operation.operands().collect::<Vec<_>>() {
            match self.buffer(operand)? {
                Some(buffer) => operands.push((operand, buffer)),
                // An operand without a buffer, such as `tensor.empty`.
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

/// Whether a slice is in place of its part of the source, so that nothing is left to do. `from` is the buffer of
/// the source.
pub(super) fn is_cut_in_place<'c, 'a>(
    operation: OperationRef<'c, 'a>,
    from: &Buffer<'c, 'a>,
    to: &Buffer<'c, 'a>,
) -> Option<bool> {
    let (source, result) = (operand_at(operation, 0)?, result_at(operation, 0)?);
    let start = match name(operation).as_str() {
        "tosa.slice" => {
            let start = OperationResult::try_from(operand_at(operation, 1)?).ok()?.owner();
            elements(&start.attribute("values").ok()?.to_string(), Shape::of(source.r#type())?.dimensions.len())?
        }
        _ => return None,
    };
    let (whole, part) = (Shape::of(source.r#type())?, Shape::of(result.r#type())?);
    // Dimensions of one, then a range of one dimension, then whole dimensions.
    let n_outer = part.dimensions.iter().take_while(|it| **it == 1).count();
    let inner = n_outer + 1..whole.dimensions.len();
    let is_one_piece = inner.clone().all(|it| part.dimensions[it] == whole.dimensions[it]);
    let first = whole.dimensions.iter().zip(&start).fold(0, |first, (size, start)| first * size + start);
    let first = from.start + u64::try_from(first).ok()? * whole.width;
    Some(is_one_piece && from.root == to.root && first == to.start)
}

/// The integers of a printed `dense<…>` with `n` elements.
fn elements(text: &str, n: usize) -> Option<Vec<i64>> {
    let (_, text) = text.split_once("dense<")?;
    let (text, _) = text.split_once('>')?;
    let elements: Option<Vec<i64>> = text.trim_matches(['[', ']']).split(", ").map(|it| it.parse().ok()).collect();
    let elements = elements?;
    // Equal elements are printed once.
    if elements.len() == 1 { Some(vec![elements[0]; n]) } else { Some(elements).filter(|it| it.len() == n) }
}

/// An operand of a concatenation, and its range along the axis.
struct Part<'c, 'a> {
    from: Buffer<'c, 'a>,
    offset: i64,
    size: i64,
    is_there: bool,
}
