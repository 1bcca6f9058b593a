//! The signatures of functions.

use super::buffer::write_type;
use super::{Buffer, Element, ExecuteError};
use crate::name;
use melior::ir::attribute::{StringAttribute, TypeAttribute};
use melior::ir::operation::OperationLike;
use melior::ir::r#type::{DimSize, FunctionType, MemRefType, ShapedTypeLike, TypeLike};
use melior::ir::{BlockLike, OperationRef, RegionLike, Type};
use mlir_sys::{mlirMemRefTypeGetStridesAndOffset, mlirShapedTypeGetDynamicStrideOrOffset};
use std::fmt;

/// The type of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferType {
    /// The type of the elements.
    pub element: Element,
    /// The dimensions.
    pub shape: Vec<u64>,
}

/// The types of a function's arguments and results.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub function: String,
    pub arguments: Vec<BufferType>,
    pub results: Vec<BufferType>,
}

impl Signature {
    /// The signature of a `func.func`.
    pub fn read(function: OperationRef) -> Result<Signature, ExecuteError> {
        let symbol = symbol(function);
        let r#type = function.attribute("function_type").ok().and_then(|it| TypeAttribute::try_from(it).ok());
        let r#type = r#type.and_then(|it| FunctionType::try_from(it.value()).ok());
        let Some(r#type) = r#type else { return Err(ExecuteError::NoFunction(symbol)) };
        let shape = |what: &str, index: usize, r#type: Type, is_argument: bool| {
            BufferType::read(r#type, is_argument).ok_or_else(|| ExecuteError::Type {
                function: symbol.clone(),
                what: format!("{what} {index}"),
                r#type: r#type.to_string(),
            })
        };
        let arguments = (0..r#type.input_count())
            .map(|it| shape("argument", it, r#type.input(it).expect("it is counted"), true))
            .collect::<Result<_, _>>()?;
        let results = (0..r#type.result_count())
            .map(|it| shape("result", it, r#type.result(it).expect("it is counted"), false))
            .collect::<Result<_, _>>()?;
        Ok(Signature { function: symbol, arguments, results })
    }

    /// Fails if buffers do not have the types of the arguments.
    pub fn check(&self, arguments: &[Buffer]) -> Result<(), ExecuteError> {
        let fits = |it: (&Buffer, &BufferType)| it.0.element() == it.1.element && it.0.shape() == it.1.shape;
        if arguments.len() == self.arguments.len() && arguments.iter().zip(&self.arguments).all(fits) {
            return Ok(());
        }
        let list = |it: Vec<String>| format!("({})", it.join(", "));
        Err(ExecuteError::Arguments {
            function: self.function.clone(),
            expected: list(self.arguments.iter().map(BufferType::to_string).collect()),
            given: list(arguments.iter().map(Buffer::to_string).collect()),
        })
    }
}

impl BufferType {
    /// The type of a static memref. An argument must be contiguous; the descriptor of a result gives its layout.
    fn read(r#type: Type, is_argument: bool) -> Option<BufferType> {
        let memref = MemRefType::try_from(r#type).ok()?;
        let dimension = |it| match memref.dim_size(it) {
            Ok(DimSize::Static(size)) => Some(size),
            _ => None,
        };
        let shape = (0..memref.rank()).map(dimension).collect::<Option<Vec<u64>>>()?;
        if is_argument && !is_contiguous(memref, &shape) {
            return None;
        }
        Some(BufferType { element: Element::parse(&memref.element().to_string())?, shape })
    }
}

fn is_contiguous(memref: MemRefType, dimensions: &[u64]) -> bool {
    let mut strides = vec![0i64; dimensions.len()];
    let mut offset = 0i64;
    // SAFETY: the type is alive, and there is room for as many strides as it has dimensions.
    let (is_strided, dynamic) = unsafe {
        let raw = mlirMemRefTypeGetStridesAndOffset(memref.to_raw(), strides.as_mut_ptr(), &raw mut offset);
        (raw.value != 0, mlirShapedTypeGetDynamicStrideOrOffset())
    };
    if !is_strided || (offset != 0 && offset != dynamic) {
        return false;
    }
    let mut expected = 1;
    for (stride, size) in strides.iter().zip(dimensions).rev() {
        if *stride != expected && *stride != dynamic && *size != 1 {
            return false;
        }
        expected *= *size as i64;
    }
    true
}

impl fmt::Display for BufferType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(f, self.element, &self.shape)
    }
}

/// The functions of a module with a body.
pub(super) fn functions<'c, 'a>(module: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let block = module.region(0).ok().and_then(|it| it.first_block());
    let operations = std::iter::successors(block.and_then(|it| it.first_operation()), |it| it.next_in_block());
    let has_body = |it: &OperationRef| it.region(0).is_ok_and(|it| it.first_block().is_some());
    operations.filter(|it| name(*it) == "func.func" && has_body(it)).collect()
}

pub(super) fn symbol(function: OperationRef) -> String {
    let symbol = function.attribute("sym_name").ok().and_then(|it| StringAttribute::try_from(it).ok());
    symbol.map(|it| it.value().to_owned()).unwrap_or_default()
}
