//! Attribute values as Rust's, both ways. Reading gives `None` for any other kind of attribute.

use crate::ffi::{Text, string};
use melior::ir::attribute::{ArrayAttribute, DenseI64ArrayAttribute, IntegerAttribute};
use melior::ir::r#type::IntegerType;
use melior::ir::{Attribute, AttributeLike, Identifier};
use mlir_sys::{
    MlirAttribute, MlirContext, MlirNamedAttribute, mlirArrayAttrGet, mlirDenseI64ArrayGet, mlirDictionaryAttrGet,
    mlirIdentifierGet, mlirIntegerAttrGet, mlirIntegerTypeGet, mlirStringAttrGet, mlirStringAttrGetValue,
    mlirUnitAttrGet,
};
use std::ops::Range;

/// Steps of a schedule during which a tensor lies at one offset, as an attribute says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residency {
    /// Of its first byte, from the start of the scratchpad.
    pub offset: u64,
    /// Half-open.
    pub steps: Range<u64>,
}

pub(crate) fn read_integer(attribute: Attribute) -> Option<i64> {
    let integer = IntegerAttribute::try_from(attribute).ok()?;
    let r#type = IntegerType::try_from(integer.r#type()).ok()?;
    (r#type.width() == 64 && r#type.is_signless()).then(|| integer.value())
}

pub(crate) fn read_integers(attribute: Attribute) -> Option<Vec<i64>> {
    let array = DenseI64ArrayAttribute::try_from(attribute).ok()?;
    (0..array.len()).map(|it| array.element(it).ok()).collect()
}

pub(crate) fn read_string(attribute: Attribute) -> Option<String> {
    if !attribute.is_string() {
        return None;
    }
    // SAFETY: a string attribute, whose text lives in its context.
    Some(unsafe { string(mlirStringAttrGetValue(attribute.to_raw())) })
}

pub(crate) fn read_array(attribute: Attribute) -> Option<Vec<Attribute>> {
    let array = ArrayAttribute::try_from(attribute).ok()?;
    (0..array.len()).map(|it| array.element(it).ok()).collect()
}

/// A list of `[result, operand]` and `[result, operand, byte]`; without a byte it is zero.
pub(crate) fn read_overlays(attribute: Attribute) -> Option<Vec<InPlace>> {
    let index = |it| usize::try_from(read_integer(it)?).ok();
    let overlay = |it| {
        let (result, operand, at) = match read_array(it)?[..] {
            [result, operand] => (result, operand, 0),
            [result, operand, at] => (result, operand, u64::try_from(read_integer(at)?).ok()?),
            _ => return None,
        };
        Some(InPlace { result: index(result)?, operand: index(operand)?, at })
    };
    read_array(attribute)?.into_iter().map(overlay).collect()
}

/// A list of `[offset, first step, end step]`.
pub(crate) fn read_residencies(attribute: Attribute) -> Option<Vec<Residency>> {
    read_array(attribute)?.into_iter().map(read_residency).collect()
}

fn read_residency(attribute: Attribute) -> Option<Residency> {
    let [offset, start, end] = read_integers(attribute)?[..] else { return None };
    let natural = |it| u64::try_from(it).ok();
    let residency = Residency { offset: natural(offset)?, steps: natural(start)?..natural(end)? };
    (!residency.steps.is_empty()).then_some(residency)
}

/// A result and an operand of an operator that may share bytes: the smaller one lies within the larger
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// Index of the result.
    pub result: usize,
    /// Index of the operand.
    pub operand: usize,
    /// How many bytes from the start of the larger one the smaller one begins.
    pub at: u64,
}

/// What makes attributes: they live in the context, which the caller's `'c` stands for.
#[derive(Clone, Copy)]
pub(crate) struct Maker(MlirContext);

impl Maker {
    pub(crate) fn new(context: MlirContext) -> Self {
        Maker(context)
    }

    pub(crate) fn name<'c>(self, name: &str) -> Identifier<'c> {
        // SAFETY: the context is alive and copies the text.
        unsafe { Identifier::from_raw(mlirIdentifierGet(self.0, Text::new(name).raw())) }
    }

    pub(crate) fn unit<'c>(self) -> Attribute<'c> {
        // SAFETY: the context is alive.
        unsafe { Attribute::from_raw(mlirUnitAttrGet(self.0)) }
    }

    pub(crate) fn integer<'c>(self, value: u64) -> Attribute<'c> {
        // SAFETY: the context is alive.
        unsafe { Attribute::from_raw(mlirIntegerAttrGet(mlirIntegerTypeGet(self.0, 64), signed(value))) }
    }

    pub(crate) fn string<'c>(self, value: &str) -> Attribute<'c> {
        // SAFETY: the context is alive and copies the text.
        unsafe { Attribute::from_raw(mlirStringAttrGet(self.0, Text::new(value).raw())) }
    }

    pub(crate) fn integers<'c>(self, values: &[u64]) -> Attribute<'c> {
        let values: Vec<i64> = values.iter().copied().map(signed).collect();
        // SAFETY: the context is alive and copies the values.
        unsafe { Attribute::from_raw(mlirDenseI64ArrayGet(self.0, values.len() as isize, values.as_ptr())) }
    }

    pub(crate) fn array<'c>(self, values: impl IntoIterator<Item = Attribute<'c>>) -> Attribute<'c> {
        let values: Vec<MlirAttribute> = values.into_iter().map(|it| it.to_raw()).collect();
        // SAFETY: the context is alive and copies the values.
        unsafe { Attribute::from_raw(mlirArrayAttrGet(self.0, values.len() as isize, values.as_ptr())) }
    }

    pub(crate) fn overlays<'c>(self, overlays: &[InPlace]) -> Attribute<'c> {
        self.array(overlays.iter().map(|it| {
            let indices = [it.result as u64, it.operand as u64];
            self.array(indices.into_iter().chain(Some(it.at).filter(|it| *it != 0)).map(|it| self.integer(it)))
        }))
    }

    pub(crate) fn dictionary<'c>(
        self,
        entries: impl IntoIterator<Item = (&'static str, Attribute<'c>)>,
    ) -> Attribute<'c> {
        let named = |(name, value): (&str, Attribute<'c>)| MlirNamedAttribute {
            name: self.name(name).to_raw(),
            attribute: value.to_raw(),
        };
        let entries: Vec<MlirNamedAttribute> = entries.into_iter().map(named).collect();
        // SAFETY: the context is alive and copies the entries.
        unsafe { Attribute::from_raw(mlirDictionaryAttrGet(self.0, entries.len() as isize, entries.as_ptr())) }
    }

    pub(crate) fn residencies<'c>(self, residencies: &[Residency]) -> Attribute<'c> {
        self.array(residencies.iter().map(|it| self.integers(&[it.offset, it.steps.start, it.steps.end])))
    }
}

/// MLIR's integers have a sign. What does not fit is no size that the planner lets through, and
/// becomes a negative one that the verifier refuses.
fn signed(value: u64) -> i64 {
    value.cast_signed()
}
