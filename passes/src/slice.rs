//! The attributes of MLIR's operations on static slices.

use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::{DenseI32ArrayAttribute, DenseI64ArrayAttribute};
use cosma_ir::melior::ir::{Attribute, Identifier};

/// The attributes of an operation that takes `n_operands` tensors or memrefs and a static slice: offsets, sizes and
/// strides in elements.
pub(crate) fn slice_attributes<'c>(
    context: &'c Context,
    n_operands: usize,
    (offsets, sizes, strides): (&[i64], &[i64], &[i64]),
) -> [(Identifier<'c>, Attribute<'c>); 4] {
    // None of the offsets, sizes and strides is an operand.
    let segments = [&vec![1; n_operands][..], &[0, 0, 0]].concat();
    let integers = |it: &[i64]| -> Attribute<'c> { DenseI64ArrayAttribute::new(context, it).into() };
    [
        (Identifier::new(context, "operandSegmentSizes"), DenseI32ArrayAttribute::new(context, &segments).into()),
        (Identifier::new(context, "static_offsets"), integers(offsets)),
        (Identifier::new(context, "static_sizes"), integers(sizes)),
        (Identifier::new(context, "static_strides"), integers(strides)),
    ]
}

/// Numbers in the type of the attributes.
pub(crate) fn signed(numbers: &[u64]) -> Vec<i64> {
    numbers.iter().map(|number| number.cast_signed()).collect()
}
