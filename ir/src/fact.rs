//! Conversion between attribute values and Rust's. Reading returns `None` for any other kind of attribute.

use crate::ffi::{
    CosmaAlias, CosmaMachine, CosmaPlan, CosmaResidency, NO_ATTRIBUTE, Text, cosmaAliasAttr, cosmaMachineAttr,
    cosmaPlanAttr, cosmaReadAlias, cosmaReadResidency, cosmaResidencyAttr, string,
};
use melior::ir::attribute::{ArrayAttribute, DenseI64ArrayAttribute, IntegerAttribute};
use melior::ir::r#type::IntegerType;
use melior::ir::{Attribute, AttributeLike, Identifier};
use mlir_sys::{
    MlirAttribute, MlirContext, MlirNamedAttribute, mlirArrayAttrGet, mlirDenseI64ArrayGet, mlirDictionaryAttrGet,
    mlirIdentifierGet, mlirIntegerAttrGet, mlirIntegerTypeGet, mlirStringAttrGet, mlirStringAttrGetValue,
    mlirUnitAttrGet,
};
use std::ops::Range;

/// A residency as an attribute: the steps during which a tensor is at one offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residency {
    /// The name of the memory; `None` for the scratchpad.
    pub memory: Option<String>,
    /// The offset of its first byte from the start of the memory.
    pub offset: u64,
    /// The steps, half-open.
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

/// A list of `#cosma.alias`, or its builtin spelling.
pub(crate) fn read_overlays(attribute: Attribute) -> Option<Vec<InPlace>> {
    let overlay = |element: Attribute| {
        let mut alias = CosmaAlias::default();
        // SAFETY: the attribute is alive.
        let is_alias = unsafe { cosmaReadAlias(element.to_raw(), &mut alias) };
        let CosmaAlias { result, operand, at } = alias;
        is_alias.then_some(InPlace {
            result: usize::try_from(result).ok()?,
            operand: usize::try_from(operand).ok()?,
            at: u64::try_from(at).ok()?,
        })
    };
    read_array(attribute)?.into_iter().map(overlay).collect()
}

/// A list of `#cosma.residency`, or its builtin spelling.
pub(crate) fn read_residencies(attribute: Attribute) -> Option<Vec<Residency>> {
    let residency = |element: Attribute| {
        let mut residency = CosmaResidency { start: 0, end: 0, offset: 0, memory: NO_ATTRIBUTE };
        // SAFETY: the attribute is alive.
        let is_residency = unsafe { cosmaReadResidency(element.to_raw(), &mut residency) };
        let CosmaResidency { start, end, offset, memory } = residency;
        // SAFETY: it lives in the attribute's context, or is null.
        let memory = unsafe { Attribute::from_option_raw(memory) };
        is_residency.then_some(Residency {
            memory: memory.and_then(read_string),
            offset: u64::try_from(offset).ok()?,
            steps: u64::try_from(start).ok()?..u64::try_from(end).ok()?,
        })
    };
    read_array(attribute)?.into_iter().map(residency).collect()
}

/// A result and an operand of an operator that may share bytes: the smaller one is within the larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// Index of the result.
    pub result: usize,
    /// Index of the operand.
    pub operand: usize,
    /// The offset in bytes of the smaller one in the larger one.
    pub at: u64,
}

/// Makes attributes: they live in the context, whose lifetime is the caller's `'c`.
#[derive(Clone, Copy)]
pub(crate) struct Maker(MlirContext);

impl Maker {
    pub(crate) fn new(context: MlirContext) -> Self {
        Maker(context)
    }

    pub(crate) fn context(self) -> MlirContext {
        self.0
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

    pub(crate) fn dictionary<'c>(self, entries: &[(&str, Attribute<'c>)]) -> Attribute<'c> {
        let named = |(name, value): &(&str, Attribute<'c>)| MlirNamedAttribute {
            name: self.name(name).to_raw(),
            attribute: value.to_raw(),
        };
        let entries: Vec<MlirNamedAttribute> = entries.iter().map(named).collect();
        // SAFETY: the context is alive and copies the entries.
        unsafe { Attribute::from_raw(mlirDictionaryAttrGet(self.0, entries.len() as isize, entries.as_ptr())) }
    }

    pub(crate) fn overlays<'c>(self, overlays: &[InPlace]) -> Attribute<'c> {
        self.array(overlays.iter().map(|overlay| {
            let alias = CosmaAlias {
                result: capped(overlay.result as u64),
                operand: capped(overlay.operand as u64),
                at: capped(overlay.at),
            };
            // SAFETY: the context is alive, and the numbers are not negative.
            unsafe { Attribute::from_raw(cosmaAliasAttr(self.0, &alias)) }
        }))
    }

    pub(crate) fn residencies<'c>(self, residencies: &[Residency]) -> Attribute<'c> {
        self.array(residencies.iter().map(|residency| {
            let residency = CosmaResidency {
                start: capped(residency.steps.start),
                end: capped(residency.steps.end),
                offset: capped(residency.offset),
                memory: residency.memory.as_ref().map_or(NO_ATTRIBUTE, |it| self.string(it).to_raw()),
            };
            // SAFETY: the context is alive, and the numbers are not negative.
            unsafe { Attribute::from_raw(cosmaResidencyAttr(self.0, &residency)) }
        }))
    }

    pub(crate) fn machine<'c>(self, machine: &CosmaMachine) -> Attribute<'c> {
        // SAFETY: the context is alive.
        unsafe { Attribute::from_raw(cosmaMachineAttr(self.0, machine)) }
    }

    pub(crate) fn plan<'c>(self, plan: &CosmaPlan) -> Attribute<'c> {
        // SAFETY: the context is alive and copies the text.
        unsafe { Attribute::from_raw(cosmaPlanAttr(self.0, plan)) }
    }
}

/// The number, or the largest one that an attribute of the dialect can hold: the planner accepts no larger size.
pub(crate) fn capped(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// MLIR's integers have a sign. A number that does not fit is larger than any size that the planner accepts, and
/// becomes a negative number that the verifier refuses.
fn signed(value: u64) -> i64 {
    value.cast_signed()
}
