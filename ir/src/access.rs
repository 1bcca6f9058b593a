//! `#cosma.access`: how an operator accesses its operands and results.

use crate::edit::as_mut;
use crate::fact::capped;
use crate::ffi::{CosmaAccess, cosmaAccessAttr, cosmaAccessMap, cosmaReadAccess};
use crate::operation::{is_abstract, is_group, maker};
use crate::region::static_dimensions;
use crate::tensor::bits_of_element;
use cosma_tile::{Access, Dim, DimKind, Expr, Map, Shape, Sums};
use melior::Context;
use melior::ir::operation::{OperationLike, OperationMutLike};
use melior::ir::r#type::{RankedTensorType, ShapedTypeLike, TypeLike};
use melior::ir::{Attribute, AttributeLike, OperationRef, Type, Value, ValueLike};
use mlir_sys::{
    MlirAffineExpr, MlirAffineMap, MlirContext, MlirType, mlirAffineAddExprGet, mlirAffineBinaryOpExprGetLHS,
    mlirAffineBinaryOpExprGetRHS, mlirAffineConstantExprGet, mlirAffineConstantExprGetValue, mlirAffineDimExprGet,
    mlirAffineDimExprGetPosition, mlirAffineExprIsAAdd, mlirAffineExprIsAConstant, mlirAffineExprIsADim,
    mlirAffineExprIsAFloorDiv, mlirAffineExprIsAMul, mlirAffineFloorDivExprGet, mlirAffineMapGet,
    mlirAffineMapGetNumResults, mlirAffineMapGetResult, mlirAffineMulExprGet, mlirF32TypeGet, mlirF64TypeGet,
    mlirFloatTypeGetWidth, mlirIntegerTypeGet, mlirIntegerTypeGetWidth, mlirTypeIsAComplex, mlirTypeIsAFloat,
    mlirTypeIsAInteger,
};

pub(crate) const ACCESS: &str = "access";

/// An operator's declared accesses to its operands and results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorAccess {
    /// It has a map for each way in which an operand is read.
    pub access: Access,
    /// By map: the index of the operand that it reads. Operands without a map are read whole.
    pub operands: Vec<usize>,
}

/// The accesses that an operator declares; `None` if it declares none, or invalid ones.
pub fn access(operation: OperationRef) -> Option<OperatorAccess> {
    read(operation.attribute(ACCESS).ok().filter(|_| is_abstract(operation) || is_group(operation))?).ok()
}

/// Declares how a `cosma.op` accesses its operands.
pub fn set_access(operation: OperationRef, access: &OperatorAccess) {
    let n_operands = operation.operand_count();
    as_mut(operation).set_attribute(ACCESS, make(maker(operation).context(), access, n_operands));
}

fn read(attribute: Attribute) -> Result<OperatorAccess, String> {
    let mut raw = CosmaAccess::unread();
    // SAFETY: the attribute is alive, and so are the arrays in it.
    let (sizes, kinds, ways) = unsafe {
        if !cosmaReadAccess(attribute.to_raw(), &mut raw) {
            return Err(format!("attribute '{ACCESS}' must be a #cosma.access"));
        }
        (slice(raw.sizes, raw.n_dims), slice(raw.kinds, raw.n_dims), slice(raw.ways, raw.n_ways))
    };
    let dim = |(size, kind): (&i64, &i64)| Dim { size: size.unsigned_abs(), kind: kind_of(*kind) };
    let domain = sizes.iter().zip(kinds).map(dim).collect();
    let operands: Vec<usize> = ways.iter().enumerate().flat_map(|(operand, n)| (0..*n).map(move |_| operand)).collect();
    // SAFETY: the attribute is alive, and has so many maps.
    let map = |index: isize| read_map(unsafe { cosmaAccessMap(attribute.to_raw(), index) });
    let mut maps = (0..raw.n_maps).map(map).collect::<Result<Vec<Map>, String>>()?;
    let results = maps.split_off(operands.len());
    let sums = Some(raw.sums).filter(|it| !it.ptr.is_null()).map(read_sums);
    Ok(OperatorAccess { access: Access { domain, operands: maps, results, sums }, operands })
}

/// # Safety
/// The pointer refers to this many numbers, for as long as the result is borrowed.
pub(crate) unsafe fn slice<'s>(data: *const i64, length: isize) -> &'s [i64] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the caller has promised it.
    unsafe { std::slice::from_raw_parts(data, length.unsigned_abs()) }
}

fn kind_of(code: i64) -> DimKind {
    match code {
        0 => DimKind::Parallel,
        1 => DimKind::Reduced { splittable: true },
        2 => DimKind::Reduced { splittable: false },
        _ => DimKind::Whole,
    }
}

fn code_of(kind: DimKind) -> i64 {
    match kind {
        DimKind::Parallel => 0,
        DimKind::Reduced { splittable: true } => 1,
        DimKind::Reduced { splittable: false } => 2,
        DimKind::Whole => 3,
    }
}

fn read_sums(r#type: MlirType) -> Sums {
    // SAFETY: the type is alive, as its context is, and each getter follows its check.
    unsafe {
        match mlirTypeIsAInteger(r#type) {
            true => Sums::Integer(mlirIntegerTypeGetWidth(r#type).into()),
            false => Sums::Float(mlirFloatTypeGetWidth(r#type).into()),
        }
    }
}

/// The type of sums of products of a tensor's elements; `None` if these are neither integers nor floats.
pub fn sums_of_products(tensor: Type) -> Option<Sums> {
    let element = RankedTensorType::try_from(tensor).ok()?.element().to_raw();
    let bits = bits_of_element(tensor)?;
    // SAFETY: the type is alive, as its context is.
    unsafe {
        if mlirTypeIsAFloat(element) {
            return Some(Sums::of_floats(bits));
        }
        (!mlirTypeIsAComplex(element)).then(|| Sums::of_integers(bits))
    }
}

/// The element type of partial sums.
pub fn sums_type<'c>(context: &'c Context, sums: Sums) -> Type<'c> {
    // SAFETY: the context is alive.
    unsafe { Type::from_raw(make_sums(context.to_raw(), sums)) }
}

fn make_sums(context: MlirContext, sums: Sums) -> MlirType {
    // SAFETY: the context is alive.
    unsafe {
        match sums {
            Sums::Integer(bits) => mlirIntegerTypeGet(context, u32::try_from(bits).unwrap_or(u32::MAX)),
            Sums::Float(..=32) => mlirF32TypeGet(context),
            Sums::Float(_) => mlirF64TypeGet(context),
        }
    }
}

pub(crate) fn read_map(map: MlirAffineMap) -> Result<Map, String> {
    // SAFETY: the map is alive, as its attribute is, and has so many results.
    let exprs = unsafe { (0..mlirAffineMapGetNumResults(map)).map(|it| read_expr(mlirAffineMapGetResult(map, it))) };
    exprs.collect::<Result<Vec<Expr>, String>>().map(Map)
}

/// An expression as a sum that is divided once.
fn read_expr(expr: MlirAffineExpr) -> Result<Expr, String> {
    let overflow = || "has an index that overflows 64 bits".to_owned();
    let unknown = || "has an index that is not a sum of loops divided by a number".to_owned();
    // SAFETY: the expression is alive, as its attribute is, and each getter follows its check.
    unsafe {
        if mlirAffineExprIsADim(expr) {
            return Ok(Expr::dim(mlirAffineDimExprGetPosition(expr).unsigned_abs()));
        }
        if mlirAffineExprIsAConstant(expr) {
            return Ok(Expr::constant(mlirAffineConstantExprGetValue(expr)));
        }
        let is_binary = mlirAffineExprIsAAdd(expr) || mlirAffineExprIsAMul(expr) || mlirAffineExprIsAFloorDiv(expr);
        if !is_binary {
            return Err(unknown());
        }
        let left = read_expr(mlirAffineBinaryOpExprGetLHS(expr))?;
        let right = read_expr(mlirAffineBinaryOpExprGetRHS(expr))?;
        if mlirAffineExprIsAAdd(expr) {
            // ⌊a / q⌋ + b = ⌊(a + q · b) / q⌋, for a whole b.
            let (divided, rest) = if right.divisor == 1 { (left, right) } else { (right, left) };
            if rest.divisor != 1 {
                return Err(unknown());
            }
            let factor = i64::try_from(divided.divisor).map_err(|_| overflow())?;
            let rest = scaled(rest, factor).ok_or_else(overflow)?;
            return sum(divided, rest).ok_or_else(overflow);
        }
        let (whole, factor) = if right.terms.is_empty() { (left, right) } else { (right, left) };
        if !factor.terms.is_empty() || factor.divisor != 1 {
            return Err(unknown());
        }
        if mlirAffineExprIsAMul(expr) {
            if whole.divisor != 1 {
                return Err(unknown());
            }
            return scaled(whole, factor.constant).ok_or_else(overflow);
        }
        let divisor = u64::try_from(factor.constant).ok().filter(|it| *it != 0);
        let divisor = divisor.ok_or_else(|| format!("divides an index by {}", factor.constant))?;
        Ok(Expr { divisor: whole.divisor.checked_mul(divisor).ok_or_else(overflow)?, ..whole })
    }
}

fn scaled(expr: Expr, factor: i64) -> Option<Expr> {
    let term = |(dim, coefficient): (usize, i64)| Some((dim, coefficient.checked_mul(factor)?));
    let terms = expr.terms.into_iter().map(term).collect::<Option<Vec<_>>>()?;
    Some(Expr { terms, constant: expr.constant.checked_mul(factor)?, divisor: expr.divisor })
}

/// The first expression, with the second one added to its dividend.
fn sum(mut expr: Expr, more: Expr) -> Option<Expr> {
    expr.constant = expr.constant.checked_add(more.constant)?;
    for (dim, coefficient) in more.terms {
        match expr.terms.iter_mut().find(|it| it.0 == dim) {
            Some(term) => term.1 = term.1.checked_add(coefficient)?,
            None => expr.terms.push((dim, coefficient)),
        }
    }
    expr.terms.retain(|it| it.1 != 0);
    Some(expr)
}

fn make<'c>(context: MlirContext, said: &OperatorAccess, n_operands: usize) -> Attribute<'c> {
    let OperatorAccess { access, operands } = said;
    let sizes: Vec<i64> = access.domain.iter().map(|it| capped(it.size)).collect();
    let kinds: Vec<i64> = access.domain.iter().map(|it| code_of(it.kind)).collect();
    let ways: Vec<i64> =
        (0..n_operands).map(|operand| operands.iter().filter(|it| **it == operand).count() as i64).collect();
    let mut reads: Vec<(usize, &Map)> = operands.iter().copied().zip(&access.operands).collect();
    reads.sort_by_key(|it| it.0);
    let maps = reads.into_iter().map(|it| it.1).chain(&access.results);
    let maps: Vec<MlirAffineMap> = maps.map(|it| make_map(context, sizes.len(), it)).collect();
    let raw = CosmaAccess {
        sizes: sizes.as_ptr(),
        kinds: kinds.as_ptr(),
        ways: ways.as_ptr(),
        maps: maps.as_ptr(),
        n_dims: sizes.len() as isize,
        n_ways: ways.len() as isize,
        n_maps: maps.len() as isize,
        sums: access.sums.map_or(MlirType { ptr: std::ptr::null() }, |it| make_sums(context, it)),
    };
    // SAFETY: the context is alive and copies the arrays.
    unsafe { Attribute::from_raw(cosmaAccessAttr(context, &raw)) }
}

fn make_map(context: MlirContext, n_dims: usize, map: &Map) -> MlirAffineMap {
    let mut exprs: Vec<MlirAffineExpr> = map.0.iter().map(|it| make_expr(context, it)).collect();
    // SAFETY: the context is alive and copies the expressions.
    unsafe { mlirAffineMapGet(context, n_dims as isize, 0, exprs.len() as isize, exprs.as_mut_ptr()) }
}

fn make_expr(context: MlirContext, expr: &Expr) -> MlirAffineExpr {
    // SAFETY: the context is alive, and so are its expressions.
    unsafe {
        let constant = |value| mlirAffineConstantExprGet(context, value);
        let mut sum = constant(expr.constant);
        for (dim, coefficient) in expr.terms.iter().rev() {
            let dim = mlirAffineDimExprGet(context, *dim as isize);
            sum = mlirAffineAddExprGet(mlirAffineMulExprGet(dim, constant(*coefficient)), sum);
        }
        mlirAffineFloorDivExprGet(sum, constant(capped(expr.divisor)))
    }
}

/// Checks that an operator's accesses match its operands and results.
pub(crate) fn verify_access(operation: OperationRef) -> Result<(), String> {
    let Ok(attribute) = operation.attribute(ACCESS) else { return Ok(()) };
    let complain = |message: String| format!("attribute '{ACCESS}': {message}");
    let mut raw = CosmaAccess::unread();
    // SAFETY: the attribute is alive.
    let is_access = unsafe { cosmaReadAccess(attribute.to_raw(), &mut raw) };
    let n_operands = operation.operand_count();
    if is_access && raw.n_ways.unsigned_abs() != n_operands {
        return Err(complain(format!("describes {} operands, but there are {n_operands}", raw.n_ways)));
    }
    let OperatorAccess { access, operands } = read(attribute).map_err(complain)?;
    let shape = |what: &str, index: usize, value: Value| {
        let r#type = value.r#type();
        let shape =
            static_dimensions(r#type).and_then(|dims| Some(Shape { dims, element_bits: bits_of_element(r#type)? }));
        shape.ok_or_else(|| complain(format!("{what} {index} is {}, not a ranked, static tensor", r#type)))
    };
    let read = |operand: &usize| {
        let value = operation.operand(*operand).map_err(|error| error.to_string())?;
        shape("operand", *operand, value)
    };
    let read = operands.iter().map(read).collect::<Result<Vec<_>, String>>()?;
    let results = operation.results().enumerate().map(|(index, value)| shape("result", index, value.into()));
    let results = results.collect::<Result<Vec<_>, String>>()?;
    access.check(&read, &results).map_err(|error| complain(error.of_operands(&operands).to_string()))
}
