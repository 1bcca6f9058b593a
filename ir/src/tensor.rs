//! The size of tensors in bytes.

use melior::ir::Type;
use melior::ir::r#type::{DimSize, RankedTensorType, ShapedTypeLike, TypeLike};
use mlir_sys::{
    MlirType, mlirComplexTypeGetElementType, mlirFloatTypeGetWidth, mlirIntegerTypeGetWidth,
    mlirQuantizedTypeGetStorageTypeIntegralWidth, mlirTypeIsAComplex, mlirTypeIsAFloat, mlirTypeIsAIndex,
    mlirTypeIsAInteger, mlirTypeIsAQuantizedType,
};

/// Why a type has no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Not a tensor, or one of unknown rank.
    #[error("{0} is not a ranked tensor")]
    NotRankedTensor(String),
    /// A dimension is unknown.
    #[error("{0} has a dynamic dimension")]
    Dynamic(String),
    /// An encoding, for example of a sparse tensor, determines the layout of the elements.
    #[error("{0} has an encoding")]
    Encoded(String),
    /// An element type that is neither integer, float, index, complex nor quantised.
    #[error("{0} has elements of unknown width")]
    UnknownElement(String),
    /// The size overflows.
    #[error("{0} has more than 2^64 bits")]
    TooLarge(String),
}

/// The size of a ranked, static tensor in bytes: its elements packed by their width in bits, rounded up to a byte in
/// total. An index has 64 bits, a complex number twice the bits of its parts, a boolean (`i1`) 8, as in MLIR's
/// memory.
///
/// # Errors
/// [`SizeError`] if the type has no size.
pub fn size_in_bytes(r#type: Type) -> Result<u64, SizeError> {
    size_with(r#type, None)
}

/// The size of a tensor if each element of a float tensor takes this many bytes.
///
/// # Errors
/// [`SizeError`] if the type has no size.
pub fn size_with(r#type: Type, element_bytes: Option<u64>) -> Result<u64, SizeError> {
    let tensor = RankedTensorType::try_from(r#type).map_err(|_| SizeError::NotRankedTensor(r#type.to_string()))?;
    if tensor.encoding().is_some() {
        return Err(SizeError::Encoded(r#type.to_string()));
    }
    let width = match element_bytes.filter(|_| is_float(tensor)) {
        Some(bytes) => bytes.checked_mul(8).ok_or_else(|| SizeError::TooLarge(r#type.to_string()))?,
        None => bits_of_element(r#type).ok_or_else(|| SizeError::UnknownElement(r#type.to_string()))?,
    };
    let mut dimensions = Vec::new();
    for index in 0..tensor.rank() {
        match tensor.dim_size(index) {
            Ok(DimSize::Static(size)) => dimensions.push(size),
            _ => return Err(SizeError::Dynamic(r#type.to_string())),
        }
    }
    // A dimension of zero settles it, however large the others are.
    if dimensions.contains(&0) {
        return Ok(0);
    }
    let bits = dimensions.iter().try_fold(width, |bits, it| bits.checked_mul(*it));
    Ok(bits.ok_or_else(|| SizeError::TooLarge(r#type.to_string()))?.div_ceil(8))
}

/// The bits of each element in a tensor with packed elements.
pub fn bits_of_element(tensor: Type) -> Option<u64> {
    width_in_bits(RankedTensorType::try_from(tensor).ok()?.element().to_raw())
}

/// The bits of each element if each element of a float tensor takes this many bytes.
pub fn bits_of_element_with(tensor: Type, element_bytes: Option<u64>) -> Option<u64> {
    let is_float = RankedTensorType::try_from(tensor).is_ok_and(is_float);
    element_bytes.filter(|_| is_float).map_or_else(|| bits_of_element(tensor), |bytes| bytes.checked_mul(8))
}

fn is_float(tensor: RankedTensorType) -> bool {
    // SAFETY: the type is alive, as its context is.
    unsafe { mlirTypeIsAFloat(tensor.element().to_raw()) }
}

fn width_in_bits(element: MlirType) -> Option<u64> {
    // SAFETY: the type is alive, as its context is, and each getter follows its check.
    unsafe {
        if mlirTypeIsAInteger(element) {
            let width = mlirIntegerTypeGetWidth(element);
            Some(if width == 1 { 8 } else { width.into() })
        } else if mlirTypeIsAFloat(element) {
            Some(mlirFloatTypeGetWidth(element).into())
        } else if mlirTypeIsAIndex(element) {
            Some(64)
        } else if mlirTypeIsAComplex(element) {
            Some(2 * width_in_bits(mlirComplexTypeGetElementType(element))?)
        } else if mlirTypeIsAQuantizedType(element) {
            Some(mlirQuantizedTypeGetStorageTypeIntegralWidth(element).into())
        } else {
            None
        }
    }
}
