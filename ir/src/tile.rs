//! The attributes of operators and functions that were split into tiles.

use crate::access::slice;
use crate::edit::as_mut;
use crate::fact::{capped, read_integer, read_string};
use crate::ffi::{CosmaTile, Text, cosmaReadTile, string};
use crate::operation::{OPERATOR, is_abstract, is_group, maker};
use melior::ir::attribute::DictionaryAttribute;
use melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use melior::ir::{Attribute, AttributeLike, Location, Operation, OperationRef, Type, Value};
use mlir_sys::{mlirAttributeParseGet, mlirLocationGetContext};

pub(crate) const TILING: &str = "cosma.tiling";
const TILE: &str = "tile";
const UNKNOWN: &str = "unknown";
const ALL_TILINGS: &str = "all_tilings";
const WITHOUT_RECOMPUTATION: &str = "without_recomputation";

/// The part of an operator's loops that a tile runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileOf {
    /// The operator's name.
    pub operator: String,
    /// The first iteration, by loop.
    pub offsets: Vec<u64>,
    /// The number of iterations, by loop.
    pub sizes: Vec<u64>,
}

/// Whether an operator is a tile of another operator.
pub fn is_tile(operation: OperationRef) -> bool {
    (is_abstract(operation) || is_group(operation)) && operation.has_attribute(TILE)
}

/// The operator that a tile belongs to, and its part; `None` if the operation is not a tile.
pub fn tile_of(operation: OperationRef) -> Option<TileOf> {
    let attribute = operation.attribute(TILE).ok().filter(|_| is_tile(operation))?;
    let mut raw = CosmaTile::unread();
    // SAFETY: the attribute is alive, and so are its name and its lists.
    let (operator, offsets, sizes) = unsafe {
        if !cosmaReadTile(attribute.to_raw(), &mut raw) {
            return None;
        }
        (string(raw.of), slice(raw.offsets, raw.n_loops), slice(raw.sizes, raw.n_loops))
    };
    let natural = |it: &[i64]| it.iter().map(|it| it.unsigned_abs()).collect();
    Some(TileOf { operator, offsets: natural(offsets), sizes: natural(sizes) })
}

/// A `cosma.op`.
pub fn operator<'c>(
    kind: &str,
    operands: &[Value<'c, '_>],
    results: &[Type<'c>],
    location: Location<'c>,
) -> Operation<'c> {
    // SAFETY: the location is alive.
    let maker = crate::fact::Maker::new(unsafe { mlirLocationGetContext(location.to_raw()) });
    let builder = OperationBuilder::new(OPERATOR, location)
        .add_operands(operands)
        .add_results(results)
        .add_attributes(&[(maker.name("kind"), maker.string(kind))]);
    builder.build().expect("nothing is inferred that could fail")
}

/// Records the operator that a tile belongs to, and its part.
pub fn set_tile(operation: OperationRef, tile: &TileOf) {
    let maker = maker(operation);
    let list = |it: &[u64]| it.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let (offsets, sizes) = (list(&tile.offsets), list(&tile.sizes));
    let text = format!("#cosma.tile<{}, [{offsets}] [{sizes}]>", maker.string(&tile.operator));
    // SAFETY: the context is alive.
    let attribute = unsafe {
        let raw = mlirAttributeParseGet(mlir_sys::mlirOperationGetContext(operation.to_raw()), Text::new(&text).raw());
        Attribute::from_raw(raw)
    };
    as_mut(operation).set_attribute(TILE, attribute);
}

/// Lower bounds on the bytes that programs in tiles of a function move, including compulsory ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeastTraffic {
    /// For every program.
    pub all_tilings: u64,
    /// For every program that computes each element once.
    pub without_recomputation: u64,
}

/// The lower bound that `cosma-tile` found for tilings of a function; `None` if it is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TilingBound(pub Option<LeastTraffic>);

/// The bound that `cosma-tile` recorded for a function, if it ran on it.
pub fn tiling_bound(function: OperationRef) -> Option<TilingBound> {
    read_tiling(function.attribute(TILING).ok()?)
}

/// Records that `cosma-tile` ran on a function, with its bound.
pub fn set_tiling_bound(function: OperationRef, bound: TilingBound) {
    let maker = maker(function);
    let attribute = match bound.0 {
        None => maker.string(UNKNOWN),
        Some(LeastTraffic { all_tilings, without_recomputation }) => {
            let (all, once) = (capped(all_tilings), capped(without_recomputation));
            let text = format!("{{{ALL_TILINGS} = {all} : i64, {WITHOUT_RECOMPUTATION} = {once} : i64}}");
            // SAFETY: the context is alive, and the text is a dictionary.
            unsafe { Attribute::from_raw(mlirAttributeParseGet(maker.context(), Text::new(&text).raw())) }
        }
    };
    as_mut(function).set_attribute(TILING, attribute);
}

pub(crate) fn read_tiling(attribute: Attribute) -> Option<TilingBound> {
    if read_string(attribute).is_some_and(|it| it == UNKNOWN) {
        return Some(TilingBound(None));
    }
    let dictionary = DictionaryAttribute::try_from(attribute).ok()?;
    let entry = |name: &str| u64::try_from(read_integer(dictionary.element_by_name(name)?)?).ok();
    let (all_tilings, without_recomputation) = (entry(ALL_TILINGS)?, entry(WITHOUT_RECOMPUTATION)?);
    let is_ordered = all_tilings <= without_recomputation;
    is_ordered.then_some(TilingBound(Some(LeastTraffic { all_tilings, without_recomputation })))
}
