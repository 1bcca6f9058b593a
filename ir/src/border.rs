//! Declared places of a function's arguments and results: fixed addresses, and tensors that start and end in the
//! scratchpad.
//!
//! | attribute | on | form | meaning |
//! |---|---|---|---|
//! | `cosma.at` | argument, result, operation | all but lowered | whenever it is in the scratchpad, it lies there |
//! | `cosma.on_chip` | argument, result | all but lowered | it starts or ends in the scratchpad |
//! | `cosma.offset` | argument, result | allocated, planned | where it lies at the start or the end |
//! | `cosma.on_chip` | function | lowered | what is no argument and no result any more, and where it lies |
//!
//! In allocated form, `cosma.offset` is present only if no residency has the place: if the tensor is evicted before the
//! first operator runs, or loaded after the last one.

use crate::edit::as_mut;
use crate::fact::{read_array, read_integer, read_integers};
use crate::ffi::{
    NO_ATTRIBUTE, Text, cosmaArgumentAttribute, cosmaResultAttribute, cosmaSetArgumentAttribute,
    cosmaSetResultAttribute,
};
use crate::operation::maker;
use melior::ir::attribute::{DictionaryAttribute, TypeAttribute};
use melior::ir::operation::{OperationLike, OperationMutLike};
use melior::ir::r#type::FunctionType;
use melior::ir::{Attribute, AttributeLike, OperationRef, Type};
use mlir_sys::MlirAttribute;
use std::fmt;

pub(crate) const AT: &str = "cosma.at";
pub(crate) const ON_CHIP: &str = "cosma.on_chip";
pub(crate) const OFFSET: &str = "cosma.offset";

/// The entry for a result without a fixed offset, in a list of fixed offsets.
const ANYWHERE: i64 = -1;

const ARGUMENTS: &str = "arguments";
const RESULTS: &str = "results";

/// An argument or a result of a function, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Border {
    /// An argument.
    Argument(usize),
    /// A result.
    Result(usize),
}

impl fmt::Display for Border {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Border::Argument(index) => write!(f, "argument {index}"),
            Border::Result(index) => write!(f, "result {index}"),
        }
    }
}

/// Its fixed offset, in bytes from the start of the scratchpad.
pub fn fixed_offset(function: OperationRef, border: Border) -> Option<u64> {
    natural(get(function, border, AT)?)
}

/// Whether it starts in the scratchpad, if it is an argument, or ends there, if it is a result.
pub fn is_on_chip(function: OperationRef, border: Border) -> bool {
    get(function, border, ON_CHIP).is_some()
}

/// Its offset at the start or the end, if decided.
pub fn border_offset(function: OperationRef, border: Border) -> Option<u64> {
    natural(get(function, border, OFFSET)?)
}

/// Sets its offset at the start or the end; `None` removes it.
pub fn set_border_offset(function: OperationRef, border: Border, offset: Option<u64>) {
    let value = offset.map_or(NO_ATTRIBUTE, |it| maker(function).integer(it).to_raw());
    set(function, border, OFFSET, value);
}

/// The fixed offsets of an operation's results, by result; empty if it has none.
pub fn fixed_offsets(operation: OperationRef) -> Vec<Option<u64>> {
    let value = operation.attribute(AT).ok();
    value.and_then(|it| read_fixed(it, operation.result_count()).ok()).unwrap_or_default()
}

/// Sets the fixed offsets of an operation's results, one entry for each; if all are `None`, removes the attribute.
pub fn set_fixed_offsets(operation: OperationRef, offsets: &[Option<u64>]) {
    let maker = maker(operation);
    let mut operation = as_mut(operation);
    match offsets {
        [Some(offset)] => operation.set_attribute(AT, maker.integer(*offset)),
        _ if offsets.iter().any(Option::is_some) => {
            let all: Vec<u64> = offsets.iter().map(|it| it.unwrap_or(ANYWHERE.cast_unsigned())).collect();
            operation.set_attribute(AT, maker.integers(&all));
        }
        // It may be absent already.
        _ => _ = operation.remove_attribute(AT),
    }
}

/// The arguments and results of the planned function that a lowered function neither takes nor returns, since they are
/// in the arena: their indices and their offsets in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnChip {
    /// The tensors that the caller puts there before the call.
    pub arguments: Vec<(usize, u64)>,
    /// The tensors that the caller finds there after the call.
    pub results: Vec<(usize, u64)>,
}

impl OnChip {
    /// Those of a function in planned or lowered form.
    pub fn of(function: OperationRef) -> OnChip {
        if let Some(lowered) = function.attribute(ON_CHIP).ok().and_then(|it| read_on_chip(it).ok()) {
            return lowered;
        }
        let (n_arguments, n_results) = counts(function);
        let offset = |border| border_offset(function, border).filter(|_| is_on_chip(function, border));
        OnChip {
            arguments: (0..n_arguments).filter_map(|it| Some((it, offset(Border::Argument(it))?))).collect(),
            results: (0..n_results).filter_map(|it| Some((it, offset(Border::Result(it))?))).collect(),
        }
    }

    /// Whether everything lies in host memory at the start and at the end.
    pub fn is_empty(&self) -> bool {
        self.arguments.is_empty() && self.results.is_empty()
    }

    /// Sets the attribute of a function in lowered form.
    pub fn write(&self, function: OperationRef) {
        let maker = maker(function);
        let pair = |(index, offset): &(usize, u64)| maker.array([*index as u64, *offset].map(|it| maker.integer(it)));
        let list = |pairs: &[(usize, u64)]| maker.array(pairs.iter().map(pair));
        let entries = [(ARGUMENTS, list(&self.arguments)), (RESULTS, list(&self.results))];
        as_mut(function).set_attribute(ON_CHIP, maker.dictionary(&entries));
    }
}

/// The numbers of arguments and results of a function.
fn counts(function: OperationRef) -> (usize, usize) {
    function_type(function).map_or((0, 0), |it| (it.input_count(), it.result_count()))
}

/// The type of an argument or a result of a function; `None` if it does not exist.
pub(crate) fn border_type<'c>(function: OperationRef<'c, '_>, border: Border) -> Option<Type<'c>> {
    let r#type = function_type(function)?;
    match border {
        Border::Argument(index) if index < r#type.input_count() => r#type.input(index).ok(),
        Border::Result(index) if index < r#type.result_count() => r#type.result(index).ok(),
        Border::Argument(_) | Border::Result(_) => None,
    }
}

fn function_type<'c>(function: OperationRef<'c, '_>) -> Option<FunctionType<'c>> {
    let attribute = TypeAttribute::try_from(function.attribute("function_type").ok()?).ok()?;
    FunctionType::try_from(attribute.value()).ok()
}

/// Parses the fixed offsets of this many results.
///
/// # Errors
/// A message that follows the attribute's name.
pub(crate) fn read_fixed(value: Attribute, n_results: usize) -> Result<Vec<Option<u64>>, String> {
    let offsets = match (read_integer(value), read_integers(value)) {
        (Some(offset), _) if n_results == 1 && 0 <= offset => vec![offset],
        (Some(offset), _) if n_results == 1 => return Err(format!("is negative: {offset}")),
        (_, Some(offsets)) if offsets.len() == n_results => offsets,
        (Some(_), _) => return Err(format!("is one offset for {n_results} results")),
        (_, Some(offsets)) => return Err(format!("has {} offsets for {n_results} results", offsets.len())),
        _ => return Err("must be a 64-bit integer, or an array<i64> with an offset for each result".into()),
    };
    if let Some(offset) = offsets.iter().find(|it| **it < ANYWHERE) {
        return Err(format!("has a negative offset: {offset}"));
    }
    Ok(offsets.into_iter().map(|it| u64::try_from(it).ok()).collect())
}

/// Parses the attribute of a lowered function.
///
/// # Errors
/// A message that follows the attribute's name.
pub(crate) fn read_on_chip(value: Attribute) -> Result<OnChip, String> {
    let pair = |it: Attribute| match read_array(it)?[..] {
        [index, offset] => Some((usize::try_from(read_integer(index)?).ok()?, natural(offset)?)),
        _ => None,
    };
    let list = |dictionary: &DictionaryAttribute, name: &str| {
        read_array(dictionary.element_by_name(name)?)?.into_iter().map(pair).collect::<Option<Vec<_>>>()
    };
    let read = || {
        let dictionary = DictionaryAttribute::try_from(value).ok()?;
        Some(OnChip { arguments: list(&dictionary, ARGUMENTS)?, results: list(&dictionary, RESULTS)? })
    };
    read().ok_or_else(|| "must be {arguments = [[number, offset], …], results = [[number, offset], …]}".into())
}

fn natural(attribute: Attribute) -> Option<u64> {
    u64::try_from(read_integer(attribute)?).ok()
}

/// An attribute of an argument or a result.
pub(crate) fn get<'c>(function: OperationRef<'c, '_>, border: Border, name: &str) -> Option<Attribute<'c>> {
    let name = Text::new(name);
    // SAFETY: the operation is alive; the result is null if it is not a function or has no such argument or result.
    unsafe {
        Attribute::from_option_raw(match border {
            Border::Argument(index) => cosmaArgumentAttribute(function.to_raw(), index as isize, name.raw()),
            Border::Result(index) => cosmaResultAttribute(function.to_raw(), index as isize, name.raw()),
        })
    }
}

/// Sets an attribute of an argument or a result; a null one removes it.
pub(crate) fn set(function: OperationRef, border: Border, name: &str, value: MlirAttribute) {
    let name = Text::new(name);
    // SAFETY: as above; the value lives in the operation's context.
    unsafe {
        match border {
            Border::Argument(index) => {
                cosmaSetArgumentAttribute(function.to_raw(), index as isize, name.raw(), value);
            }
            Border::Result(index) => cosmaSetResultAttribute(function.to_raw(), index as isize, name.raw(), value),
        }
    }
}
