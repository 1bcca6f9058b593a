//! Builders of operations on memrefs, which are inserted before another operation.

use super::INFO;
use crate::slice::{signed, slice_attributes};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::{DenseI32ArrayAttribute, FlatSymbolRefAttribute, IntegerAttribute};
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike};
use cosma_ir::melior::ir::r#type::{DimSize, IntegerType, MemRefType, RankedTensorType, ShapedTypeLike, TypeLike};
use cosma_ir::melior::ir::{
    Attribute, AttributeLike, Block, BlockLike, Identifier, Location, OperationRef, Region, RegionLike, Type, Value,
};
use cosma_ir::{Diagnostic, TensorRegion, Transfer, mark_transfer, tensor_type};

/// Builds operations of one context.
#[derive(Clone, Copy)]
pub(super) struct Builder<'c>(pub &'c Context);

impl<'c> Builder<'c> {
    pub(super) fn id(self, name: &str) -> Identifier<'c> {
        Identifier::new(self.0, name)
    }

    pub(super) fn i64(self) -> Type<'c> {
        IntegerType::new(self.0, 64).into()
    }

    /// The type `memref<Nxi8>` of `size` bytes in a memory space.
    pub(super) fn bytes(self, size: u64, space: Option<Attribute<'c>>) -> Type<'c> {
        MemRefType::new(IntegerType::new(self.0, 8).into(), &[size as i64], None, space).into()
    }

    /// The contiguous memref type for a tensor type.
    pub(super) fn memref(
        self,
        tensor: Type<'c>,
        space: Option<Attribute<'c>>,
        at: OperationRef<'c, '_>,
    ) -> Result<Type<'c>, Diagnostic<'c>> {
        let shape = Shape::of(tensor).ok_or_else(|| {
            // MLIR gives each element of less than a byte a whole byte, but the plan packs them.
            Diagnostic::at(at, format!("{} has no memref for {tensor}", INFO.name))
        })?;
        Ok(MemRefType::new(shape.element, &shape.dimensions, None, space).into())
    }

    pub(super) fn alloc(
        self,
        r#type: Type<'c>,
        alignment: Option<u64>,
        location: Location<'c>,
    ) -> OperationBuilder<'c> {
        let segments = DenseI32ArrayAttribute::new(self.0, &[0, 0]);
        let mut attributes = vec![(self.id("operandSegmentSizes"), segments.into())];
        if let Some(alignment) = alignment {
            attributes.push((self.id("alignment"), IntegerAttribute::new(self.i64(), alignment as i64).into()));
        }
        OperationBuilder::new("memref.alloc", location).add_attributes(&attributes).add_results(&[r#type])
    }

    pub(super) fn free(self, memref: Value<'c, '_>, before: OperationRef<'c, '_>) {
        place(before, OperationBuilder::new("memref.dealloc", before.location()).add_operands(&[memref]));
    }

    /// A constant number of bytes or elements.
    pub(super) fn index(self, value: u64, location: Location<'c>) -> OperationBuilder<'c> {
        let r#type = Type::index(self.0);
        OperationBuilder::new("arith.constant", location)
            .add_attributes(&[(self.id("value"), IntegerAttribute::new(r#type, value as i64).into())])
            .add_results(&[r#type])
    }

    /// A transfer: copies all elements of one memref to another.
    pub(super) fn transfer(self, from: Value<'c, '_>, to: Value<'c, '_>, way: Transfer, before: OperationRef<'c, '_>) {
        let copy = OperationBuilder::new("memref.copy", before.location()).add_operands(&[from, to]);
        mark_transfer(place(before, copy), way, false);
    }

    /// A copy, element by element, that does not count as a transfer.
    pub(super) fn copy(self, from: Value<'c, '_>, to: Value<'c, '_>, element: Type<'c>, before: OperationRef<'c, '_>) {
        self.elementwise("linalg.copy", from, to, element, before);
    }

    /// Writes one number to all elements.
    pub(super) fn fill(self, number: Attribute<'c>, to: Value<'c, '_>, before: OperationRef<'c, '_>) {
        let element = number.r#type();
        let constant = OperationBuilder::new("arith.constant", before.location())
            .add_attributes(&[(self.id("value"), number)])
            .add_results(&[element]);
        let number = place(before, constant).result(0).expect("it has one").into();
        self.elementwise("linalg.fill", number, to, element, before);
    }

    /// An operation of linalg that copies elements.
    fn elementwise(
        self,
        name: &str,
        from: Value<'c, '_>,
        to: Value<'c, '_>,
        element: Type<'c>,
        before: OperationRef<'c, '_>,
    ) {
        let location = before.location();
        let block = Block::new(&[(element, location), (element, location)]);
        let element = block.argument(0).expect("it has two").into();
        block.append_operation(
            OperationBuilder::new("linalg.yield", location).add_operands(&[element]).build().expect("it is whole"),
        );
        let region = Region::new();
        region.append_block(block);
        let segments = DenseI32ArrayAttribute::new(self.0, &[1, 1]);
        let operation = OperationBuilder::new(name, location)
            .add_operands(&[from, to])
            .add_attributes(&[(self.id("operandSegmentSizes"), segments.into())])
            .add_regions([region]);
        place(before, operation);
    }

    /// A tensor in host memory that begins at element `offset` of a memref.
    pub(super) fn reinterpret(
        self,
        base: Value<'c, '_>,
        shape: &Shape<'c>,
        offset: u64,
        location: Location<'c>,
    ) -> (OperationBuilder<'c>, Type<'c>) {
        let strides = strides(&shape.dimensions);
        // At offset zero, the identity layout suffices.
        let layout = (offset != 0).then(|| self.strided(&strides, offset));
        let r#type: Type = MemRefType::new(shape.element, &shape.dimensions, layout, None).into();
        let slice = (&[offset as i64][..], &shape.dimensions[..], &strides[..]);
        let builder = OperationBuilder::new("memref.reinterpret_cast", location)
            .add_operands(&[base])
            .add_attributes(&slice_attributes(self.0, 1, slice))
            .add_results(&[r#type]);
        (builder, r#type)
    }

    /// A subview of a tensor: a range of one dimension, and all of the others.
    pub(super) fn part(
        self,
        base: Value<'c, '_>,
        shape: &Shape<'c>,
        space: Option<Attribute<'c>>,
        (axis, offset, size): (usize, i64, i64),
        location: Location<'c>,
    ) -> OperationBuilder<'c> {
        let mut sizes = shape.dimensions.clone();
        sizes[axis] = size;
        let mut offsets = vec![0; sizes.len()];
        offsets[axis] = offset;
        self.subview(base, shape, space, 0, (&offsets, &sizes), location)
    }

    /// A region of a tensor in host memory that begins at an element of its memref.
    pub(super) fn region(
        self,
        base: Value<'c, '_>,
        shape: &Shape<'c>,
        start: u64,
        region: &TensorRegion,
        location: Location<'c>,
    ) -> OperationBuilder<'c> {
        let region = (&*signed(&region.offsets), &*signed(&region.sizes));
        self.subview(base, shape, None, start, region, location)
    }

    /// Offsets and sizes of a contiguous tensor that begins at an element of the source of its memref.
    fn subview(
        self,
        base: Value<'c, '_>,
        shape: &Shape<'c>,
        space: Option<Attribute<'c>>,
        start: u64,
        (offsets, sizes): (&[i64], &[i64]),
        location: Location<'c>,
    ) -> OperationBuilder<'c> {
        let strides = strides(&shape.dimensions);
        let skipped: i64 = offsets.iter().zip(&strides).map(|(offset, stride)| offset * stride).sum();
        let layout = self.strided(&strides, start + skipped.unsigned_abs());
        let part = MemRefType::new(shape.element, sizes, Some(layout), space);
        let ones = vec![1; sizes.len()];
        OperationBuilder::new("memref.subview", location)
            .add_operands(&[base])
            .add_attributes(&slice_attributes(self.0, 1, (offsets, sizes, &ones)))
            .add_results(&[part.into()])
    }

    fn strided(self, strides: &[i64], offset: u64) -> Attribute<'c> {
        let strides: Vec<String> = strides.iter().map(i64::to_string).collect();
        let text = format!("strided<[{}], offset: {offset}>", strides.join(", "));
        Attribute::parse(self.0, &text).expect("it is well-formed")
    }

    /// The memref of a constant in host memory.
    pub(super) fn get_global(self, symbol: &str, r#type: Type<'c>, location: Location<'c>) -> OperationBuilder<'c> {
        OperationBuilder::new("memref.get_global", location)
            .add_attributes(&[(self.id("name"), FlatSymbolRefAttribute::new(self.0, symbol).into())])
            .add_results(&[r#type])
    }

    pub(super) fn call(
        self,
        symbol: &str,
        operands: &[Value<'c, '_>],
        results: &[Type<'c>],
        location: Location<'c>,
    ) -> OperationBuilder<'c> {
        OperationBuilder::new("func.call", location)
            .add_attributes(&[(self.id("callee"), FlatSymbolRefAttribute::new(self.0, symbol).into())])
            .add_operands(operands)
            .add_results(results)
    }
}

/// Inserts an operation before another one.
pub(super) fn place<'c, 'a>(before: OperationRef<'c, 'a>, builder: OperationBuilder<'c>) -> OperationRef<'c, 'a> {
    let block = before.block().expect("it is in a block");
    block.insert_operation_before(before, builder.build().expect("nothing is inferred"))
}

/// Inserts an operation before another one and returns its result.
pub(super) fn insert<'c, 'a>(before: OperationRef<'c, 'a>, builder: OperationBuilder<'c>) -> Value<'c, 'a> {
    place(before, builder).result(0).expect("it has a result").into()
}

/// A static shape with elements of whole bytes.
pub(super) struct Shape<'c> {
    pub dimensions: Vec<i64>,
    pub element: Type<'c>,
    /// The size of an element in bytes.
    pub width: u64,
}

impl<'c> Shape<'c> {
    /// The shape of a ranked, static tensor of integers, floats or indices; `None` for other types.
    pub(super) fn of(tensor: Type<'c>) -> Option<Shape<'c>> {
        let ranked = RankedTensorType::try_from(tensor_type(tensor)).ok()?;
        let element = ranked.element();
        // Other elements have no memref, or another size in memory than in the plan.
        let is_plain = IntegerType::try_from(element).is_ok() || element.is_float() || element.is_index();
        let width = cosma_ir::size_in_bytes(RankedTensorType::new(&[8], element, None).into()).ok()? / 8;
        let has_bytes = matches!(width, 1 | 2 | 4 | 8 | 16) && !is_part_of_byte(element);
        let dimensions = dimensions(&ranked)?;
        (is_plain && has_bytes).then_some(Shape { dimensions, element, width })
    }
}

/// Whether elements are smaller than a byte, which the plan packs and MLIR does not.
fn is_part_of_byte(element: Type) -> bool {
    let bits = |it: u64| cosma_ir::size_in_bytes(RankedTensorType::new(&[it], element, None).into()).unwrap_or(0);
    bits(8) != 8 * bits(1)
}

/// The dimensions of a static shape.
pub(super) fn dimensions<'c>(shaped: &impl ShapedTypeLike<'c>) -> Option<Vec<i64>> {
    (0..shaped.rank())
        .map(|it| match shaped.dim_size(it) {
            Ok(DimSize::Static(size)) => i64::try_from(size).ok(),
            Ok(DimSize::Dynamic) | Err(_) => None,
        })
        .collect()
}

fn strides(dimensions: &[i64]) -> Vec<i64> {
    let mut strides = vec![1; dimensions.len()];
    for index in (1..dimensions.len()).rev() {
        strides[index - 1] = strides[index] * dimensions[index];
    }
    strides
}
