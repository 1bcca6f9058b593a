//! The verifiers of sizes, regions and addresses: everything that one operation and its machine determine.
//!
//! Checks that need no sizes are in the dialect itself: constraints of attributes and types, and the verifiers of the
//! C++ classes. Sizes are in Rust, since passes count bytes in the same way, with sums that do not overflow.
//!
//! They look only at the operation itself and, for transfers, at the operation that defines their operand: the judge decides
//! whether a planned program is correct as a whole. MLIR calls them after its own checks of types and attributes.

use crate::Diagnostic;
use crate::access::verify_access;
use crate::border::{self, AT, Border, ON_CHIP, border_type, read_fixed, read_on_chip};
use crate::clock::list;
use crate::fact::{InPlace, read_array, read_integer, read_integers, read_overlays, read_residencies, read_string};
use crate::ffi::{guard, string};
use crate::function::{ARENA_OF, ARENAS, KEEP, WEIGHT, read_arenas};
use crate::machine::machine;
use crate::operation::{
    CYCLES, IN_PLACE, MACS, OFFSETS, RESIDENCIES, WORKSPACE, WORKSPACE_OFFSET, fact, name, offsets, operand_at,
    spelling,
};
use crate::region::{STATIC_OFFSETS, STATIC_SIZES, TensorRegion, static_dimensions};
use crate::tensor::{bits_of_element, size_in_bytes, size_with};
use crate::tile::{TILING, read_tiling};
use crate::transfer::{
    MARK, MEMORY, OFFSET, STREAMED_MARK, Transfer, destination, is_async, is_kept, is_streamed, is_transit, is_wait,
    memory, read_mark, tensor_type, transfer,
};
use crate::transit::{verify_transit, verify_wait};
use cosma_planner::MemoryId;
use melior::ir::operation::{OperationLike, OperationResult};
use melior::ir::r#type::{RankedTensorType, ShapedTypeLike, TypeLike};
use melior::ir::{Attribute, AttributeLike, OperationRef, Type, ValueLike};
use mlir_sys::{MlirAttribute, MlirOperation, MlirStringRef};
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

const FACTS: [&str; 7] = [MACS, CYCLES, WORKSPACE, IN_PLACE, OFFSETS, WORKSPACE_OFFSET, RESIDENCIES];

/// An error message that follows the operation's name.
type Verdict = Result<(), String>;

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaVerifyOperator(operation: MlirOperation) -> bool {
    // SAFETY: MLIR verifies what is alive.
    let operation = unsafe { OperationRef::from_raw(operation) };
    pronounce(operation, || verify_operator(operation))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaVerifyTransfer(operation: MlirOperation) -> bool {
    // SAFETY: MLIR verifies what is alive.
    let operation = unsafe { OperationRef::from_raw(operation) };
    pronounce(operation, || verify_transfer(operation))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaVerifyWait(operation: MlirOperation) -> bool {
    // SAFETY: MLIR verifies what is alive.
    let operation = unsafe { OperationRef::from_raw(operation) };
    pronounce(operation, || verify_wait(operation))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaVerifyAttribute(operation: MlirOperation, name: MlirStringRef, value: MlirAttribute) -> bool {
    // SAFETY: MLIR verifies what is alive.
    let (operation, name, value) =
        unsafe { (OperationRef::from_raw(operation), string(name), Attribute::from_raw(value)) };
    pronounce(operation, || verify_attribute(operation, &name, value))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaVerifyArgumentAttribute(
    operation: MlirOperation,
    argument: isize,
    name: MlirStringRef,
    value: MlirAttribute,
) -> bool {
    // SAFETY: MLIR verifies what is alive.
    let (operation, name, value) =
        unsafe { (OperationRef::from_raw(operation), string(name), Attribute::from_raw(value)) };
    pronounce(operation, || match usize::try_from(argument) {
        Ok(argument) if is_of_borders(&name) => verify_border(operation, Border::Argument(argument), &name, value),
        Ok(argument) => verify_argument_attribute(argument, &name, value),
        // The first result is -1.
        Err(_) if is_of_borders(&name) => {
            verify_border(operation, Border::Result((!argument).unsigned_abs()), &name, value)
        }
        Err(_) => Err(format!("attribute '{name}' does not belong on a result")),
    })
}

fn pronounce(operation: OperationRef, verify: impl FnOnce() -> Verdict) -> bool {
    let verdict = guard(verify).unwrap_or_else(|panic| Err(format!("internal error: {panic}")));
    let verdict = verdict.map_err(|it| Diagnostic::at(operation, format!("'{}' op {it}", name(operation))));
    verdict.inspect_err(Diagnostic::emit_error).is_ok()
}

fn verify_operator(operation: OperationRef) -> Verdict {
    for fact_name in FACTS {
        if let Some(value) = fact(operation, fact_name) {
            verify_fact(operation, fact_name, value)?;
        }
    }
    verify_access(operation)
}

fn verify_transfer(operation: OperationRef) -> Verdict {
    verify_region(operation)?;
    let result = operation.result(0).map_err(|error| error.to_string()).map(|it| it.r#type())?;
    let size = size_at(operation, tensor_type(result))?;
    match is_async(operation) {
        true if !is_transit(result) => {
            return Err(format!("is async, but returns {result}, which cannot be waited for"));
        }
        true => verify_transit(operation, size)?,
        false if is_transit(result) => return Err(format!("returns {result}, but is not async")),
        false if operation.has_attribute(crate::transfer::SLICE) => {
            return Err("moves a slice, but is not async".into());
        }
        false => {}
    }
    verify_way(operation)?;
    if transfer(operation).is_some_and(Transfer::is_outward) {
        return Ok(());
    }
    if is_kept(operation) && is_async(operation) {
        return Err("is kept from run to run, and cannot be async".into());
    }
    if is_kept(operation) && is_streamed(operation) {
        return Err("is kept from run to run, and cannot be streamed".into());
    }
    match operation.attribute(OFFSET).ok().and_then(read_integer) {
        Some(offset) => Block { memory: memory(operation), ..Block::new("result 0", offset, size) }.verify(operation),
        None if operation.has_attribute(MEMORY) => Err("is streamed, and lies in no memory".into()),
        None => Ok(()),
    }
}

/// Verifies that a transfer uses a link of the machine, if the machine describes its links.
fn verify_way(operation: OperationRef) -> Verdict {
    let Some(way) = transfer(operation) else { return Ok(()) };
    let Some(memories) = machine(operation).and_then(|it| it.memories) else {
        return match way {
            Transfer::Copy => Err("copies between memories, but 'cosma.machine' has no 'memories'".into()),
            _ => Ok(()),
        };
    };
    let machine = memories;
    let find = |name: Option<String>| match name {
        Some(name) => machine.memories().iter().position(|it| it.name == name).map(|it| MemoryId(it as u32)),
        None => Some(MemoryId::SCRATCHPAD),
    };
    // What the operation behind its source says, or host memory; another one, a view say, is looked through elsewhere.
    let from = if way.is_inward() { Some(MemoryId::HOME) } else { source_memory(operation).and_then(find) };
    let to = if way.is_outward() { Some(MemoryId::HOME) } else { find(memory(operation)) };
    let Some((from, to)) = from.zip(to) else { return Ok(()) };
    if machine.link(from, to).is_some() || is_streamed(operation) {
        return Ok(());
    }
    let [from, to] = [from, to].map(|it| &machine.memories()[it.index()].name);
    Err(format!("goes from {from} to {to}, but no link leads there"))
}

/// The memory of a transfer's operand: its name, or `None` for the scratchpad. `None` altogether if the operation that
/// defines the operand does not tell.
fn source_memory(operation: OperationRef) -> Option<Option<String>> {
    let mut source = OperationResult::try_from(operand_at(operation, 0)?).ok()?.owner();
    if is_wait(source) {
        source = OperationResult::try_from(operand_at(source, 0)?).ok()?.owner();
    }
    match transfer(source) {
        Some(it) if it.is_outward() => None,
        Some(_) => Some(memory(source)),
        None => offsets(source).map(|_| None),
    }
}

/// Verifies that a transfer of a whole tensor keeps its type, and that a region has the sizes of its type and lies
/// within the whole tensor.
fn verify_region(operation: OperationRef) -> Verdict {
    let source = tensor_type(operation.operand(0).map_err(|error| error.to_string())?.r#type());
    let target = tensor_type(operation.result(0).map_err(|error| error.to_string())?.r#type());
    let destination = destination(operation).map(|it| tensor_type(it.r#type()));
    let integers = |name| operation.attribute(name).ok().map(|it| read_integers(it).unwrap_or_default());
    let (offsets, sizes) = match (integers(STATIC_OFFSETS), integers(STATIC_SIZES)) {
        (Some(offsets), Some(sizes)) => (offsets, sizes),
        (None, None) if destination.is_some() => return Err("needs a region, [offsets] [sizes], to write into".into()),
        (None, None) if source == target => return Ok(()),
        (None, None) => return Err(format!("moves a whole tensor, but turns {source} into {target}")),
        _ => return Err("needs both offsets and sizes of a region, or neither".into()),
    };
    let is_inward = transfer(operation).is_some_and(|it| it.is_inward());
    let (whole, part) = match destination {
        None if is_inward => (source, target),
        None => return Err("has a region, but nothing to write it into".into()),
        Some(whole) if whole == target => (whole, source),
        Some(whole) => return Err(format!("writes into {whole}, but returns {target}")),
    };
    verify_part(whole, part, &offsets, &sizes)
}

fn verify_part(whole: Type, part: Type, offsets: &[i64], sizes: &[i64]) -> Verdict {
    let of = |it: Type| static_dimensions(it).ok_or_else(|| format!("{it} is not a ranked, static tensor"));
    let (dimensions, shape) = (of(whole)?, of(part)?);
    if offsets.len() != dimensions.len() || sizes.len() != dimensions.len() {
        let (n_offsets, n_sizes, rank) = (offsets.len(), sizes.len(), dimensions.len());
        return Err(format!("has {n_offsets} offsets and {n_sizes} sizes of a region of {rank} dimensions"));
    }
    for (index, ((offset, size), dimension)) in offsets.iter().zip(sizes).zip(&dimensions).enumerate() {
        let end = i128::from(*offset) + i128::from(*size);
        if *size < 1 || *offset < 0 || i128::from(*dimension) < end {
            return Err(format!(
                "has a region from {offset} to {end} along dimension {index}, which has {dimension} elements"
            ));
        }
    }
    let natural = |it: &[i64]| it.iter().map(|it| it.unsigned_abs()).collect::<Vec<u64>>();
    let region = TensorRegion { offsets: natural(offsets), sizes: natural(sizes) };
    if shape != region.sizes || element(whole) != element(part) {
        return Err(format!("has a region {region} of {whole}, which is not a {part}"));
    }
    if bits_of_element(whole).is_some_and(|bits| !region.is_in_whole_bytes(&dimensions, bits)) {
        return Err(format!("has a region {region} of {whole} that begins or ends within a byte"));
    }
    Ok(())
}

fn element<'c>(tensor: Type<'c>) -> Option<Type<'c>> {
    RankedTensorType::try_from(tensor).map(|it| it.element()).ok()
}

fn verify_attribute(operation: OperationRef, name: &str, value: Attribute) -> Verdict {
    match name {
        TILING if crate::operation::name(operation) != "func.func" => {
            Err(format!("attribute '{TILING}' belongs on a function"))
        }
        TILING if read_tiling(value).is_none() => Err(format!(
            "attribute '{TILING}' must have 64-bit integers 'all_tilings' and 'without_recomputation', neither \
                 negative nor the first one larger, or be \"unknown\""
        )),
        TILING => Ok(()),
        WEIGHT | KEEP => Err(format!("attribute '{name}' belongs on an argument of a function")),
        AT => verify_fixed_offsets(operation, value),
        // Of whatever dialect the function is by now.
        ON_CHIP if operation.has_attribute("sym_name") => {
            read_on_chip(value).map(|_| ()).map_err(|why| format!("attribute '{name}' of a lowered function {why}"))
        }
        ON_CHIP | border::OFFSET => Err(format!("attribute '{name}' belongs on an argument or a result of a function")),
        // Of whatever dialect the function is by now.
        ARENAS if !operation.has_attribute("sym_name") => Err(format!("attribute '{ARENAS}' belongs on a function")),
        ARENAS if read_arenas(value).is_none() => {
            Err(format!("attribute '{ARENAS}' must be a list of names of memories"))
        }
        ARENA_OF if read_string(value).is_none() => Err(format!("attribute '{ARENA_OF}' must be the name of a memory")),
        ARENAS | ARENA_OF => Ok(()),
        MARK if read_mark(value).is_none() => {
            Err(format!("attribute '{MARK}' must be \"load\", \"reload\", \"spill\", \"store\" or \"copy\""))
        }
        STREAMED_MARK if !value.is_unit() => Err(format!("attribute '{STREAMED_MARK}' has no value")),
        MARK | STREAMED_MARK => Ok(()),
        _ => {
            let fact = FACTS.into_iter().find(|it| name.strip_prefix("cosma.") == Some(it));
            let fact = fact.ok_or_else(|| format!("has an unknown attribute '{name}'"))?;
            if crate::operation::name(operation).starts_with("cosma.") {
                return Err(format!("attribute '{name}' is for operations of other dialects"));
            }
            if fact == OFFSETS {
                return Err(format!(
                    "attribute '{name}' may be dropped by other passes: put the operation into a cosma.group, which \
                     says 'at' which offsets its results lie"
                ));
            }
            verify_fact(operation, fact, value)
        }
    }
}

fn is_of_borders(name: &str) -> bool {
    matches!(name, AT | ON_CHIP | border::OFFSET)
}

/// What an argument or a result of a function says of its place.
fn verify_border(function: OperationRef, border: Border, name: &str, value: Attribute) -> Verdict {
    if let Some(other) = border_type(function, border).filter(|it| !may_have_place(*it)) {
        return Err(format!("attribute '{name}' of {border} is for tensors, but that is {other}"));
    }
    let has = |name| border::get(function, border, name).is_some();
    match name {
        ON_CHIP if !value.is_unit() => Err(format!("attribute '{name}' of {border} has no value")),
        ON_CHIP if has(KEEP) => Err(format!(
            "has '{name}' and '{KEEP}' on {border}: an argument that stays from run to run is not put there before each run"
        )),
        ON_CHIP => Ok(()),
        border::OFFSET if !has(ON_CHIP) => Err(format!(
            "attribute '{name}' of {border} says where it lies at the start or the end, but it has no '{ON_CHIP}'"
        )),
        _ => match read_integer(value) {
            Some(offset) if 0 <= offset => Ok(()),
            Some(offset) => Err(format!("attribute '{name}' of {border} is negative: {offset}")),
            None => Err(format!("attribute '{name}' of {border} must be a 64-bit integer")),
        },
    }
}

/// What an operation of a function's block says of the places of its results.
fn verify_fixed_offsets(operation: OperationRef, value: Attribute) -> Verdict {
    let is_symbol = operation.has_attribute("sym_name");
    let is_in_function = operation.parent_operation().is_none_or(|it| name(it) == "func.func");
    // Bufferization keeps the attributes of what has no results then.
    if operation.operands().any(|it| it.r#type().is_mem_ref()) {
        return Ok(());
    }
    if is_symbol || operation.result_count() == 0 || !is_in_function {
        return Err(format!(
            "attribute '{AT}' belongs on an argument or a result of a function, or on an operation of its block that has \
             results"
        ));
    }
    let offsets = read_fixed(value, operation.result_count()).map_err(|why| format!("attribute '{AT}' {why}"))?;
    for (index, (offset, result)) in offsets.into_iter().zip(operation.results()).enumerate() {
        let r#type = result.r#type();
        if offset.is_some() && !may_have_place(tensor_type(r#type)) {
            return Err(format!("attribute '{AT}' of result {index} is for tensors, but that is {type}"));
        }
    }
    if transfer(operation).is_some() || name(operation) == crate::transfer::WAIT {
        return Err(format!("attribute '{AT}' is for operators, not for transfers, which follow from a plan"));
    }
    Ok(())
}

/// Whether something of a type may lie in the scratchpad: a tensor, or what bufferization makes of one.
fn may_have_place(r#type: Type) -> bool {
    r#type.is_tensor() || r#type.is_mem_ref()
}

fn verify_argument_attribute(argument: usize, name: &str, value: Attribute) -> Verdict {
    match name {
        WEIGHT | KEEP if value.is_unit() => Ok(()),
        WEIGHT | KEEP => Err(format!("attribute '{name}' of argument {argument} has no value")),
        crate::function::RESIDENCIES => match read_residencies(value) {
            Some(_) => Ok(()),
            None => Err(format!("attribute '{name}' of argument {argument} must be a list of #cosma.residency")),
        },
        _ => Err(format!("has an unknown attribute '{name}' on argument {argument}")),
    }
}

fn verify_fact(operation: OperationRef, fact_name: &str, value: Attribute) -> Verdict {
    let spelling = spelling(operation, fact_name);
    match fact_name {
        OFFSETS => verify_offsets(operation, &spelling, value),
        RESIDENCIES => verify_residencies(operation, &spelling, value),
        IN_PLACE => verify_in_place(operation, &spelling, value),
        _ => {
            let integer =
                read_integer(value).ok_or_else(|| format!("attribute '{spelling}' must be a 64-bit integer"))?;
            if integer < 0 {
                return Err(format!("attribute '{spelling}' is negative: {integer}"));
            }
            if fact_name == WORKSPACE_OFFSET && fact(operation, WORKSPACE).is_none() {
                return Err(format!("has a '{spelling}', but no workspace"));
            }
            Ok(())
        }
    }
}

/// Verifies results and operands that may share bytes: the smaller one lies within the larger one, and parts of one
/// tensor do not overlap.
fn verify_in_place(operation: OperationRef, spelling: &str, value: Attribute) -> Verdict {
    let pairs = read_overlays(value).ok_or_else(|| {
        format!("attribute '{spelling}' must be a list of #cosma.alias, [result, operand] or [result, operand, byte]")
    })?;
    let mut parts: Vec<Part> = Vec::new();
    for InPlace { result, operand, at } in &pairs {
        let (n_results, n_operands) = (operation.result_count(), operation.operand_count());
        for (what, index, n) in [("result", *result, n_results), ("operand", *operand, n_operands)] {
            if n <= index {
                return Err(format!("attribute '{spelling}' names {what} {index}, but there are {n}"));
            }
        }
        let from = operation.operand(*operand).map_err(|error| error.to_string())?.r#type();
        let to = operation.result(*result).map_err(|error| error.to_string())?.r#type();
        if !from.is_tensor() || !to.is_tensor() {
            return Err(format!("attribute '{spelling}' names result {result} and operand {operand}, not two tensors"));
        }
        let size = |it| size_in_bytes(it).map_err(|error| error.to_string());
        let (from, to) = (size(from)?, size(to)?);
        let bytes = u128::from(*at)..u128::from(*at) + u128::from(from.min(to));
        if u128::from(from.max(to)) < bytes.end {
            return Err(format!(
                "has result {result} of {to} B over operand {operand} of {from} B, the smaller one at byte {at} of the \
                 larger one, where it does not end within it"
            ));
        }
        let (result, operand) = (Side::Result(*result), Side::Operand(*operand));
        match from.cmp(&to) {
            Ordering::Less => parts.push(Part { inner: operand, outer: result, bytes }),
            Ordering::Equal => {}
            Ordering::Greater => parts.push(Part { inner: result, outer: operand, bytes }),
        }
    }
    let n_pairs = |side: Side| pairs.iter().filter(|it| side.is_in(it)).count();
    for Part { inner, outer, bytes } in &parts {
        let is_beside = |it: &Part| it.bytes.end <= bytes.start || bytes.end <= it.bytes.start;
        let others = parts.iter().filter(|it| it.outer == *outer && it.inner != *inner && is_beside(it));
        if n_pairs(*inner) != 1 || n_pairs(*outer) != 1 + others.count() {
            return Err(format!(
                "has {inner} as a part of {outer}, but another pair of '{spelling}' conflicts with it"
            ));
        }
    }
    Ok(())
}

/// A tensor that is part of another one, and its bytes there.
struct Part {
    inner: Side,
    outer: Side,
    bytes: Range<u128>,
}

/// A result or an operand, by its index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Result(usize),
    Operand(usize),
}

impl Side {
    fn is_in(self, pair: &InPlace) -> bool {
        match self {
            Side::Result(index) => pair.result == index,
            Side::Operand(index) => pair.operand == index,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Side::Result(index) => write!(f, "result {index}"),
            Side::Operand(index) => write!(f, "operand {index}"),
        }
    }
}

/// Verifies the offsets of the results and the workspace: all within the scratchpad, and disjoint.
fn verify_offsets(operation: OperationRef, spelling: &str, value: Attribute) -> Verdict {
    let offsets = read_integers(value).ok_or_else(|| format!("attribute '{spelling}' must be an array<i64>"))?;
    let mut blocks = Vec::new();
    for (index, (result, offset)) in operation.results().zip(offsets).enumerate() {
        let size = result_size(operation, result.r#type())?;
        blocks.push(Block::new(format!("result {index}"), offset, size));
    }
    let integer = |name| fact(operation, name).and_then(read_integer);
    if let (Some(size), Some(offset)) = (integer(WORKSPACE), integer(WORKSPACE_OFFSET)) {
        blocks.push(Block::new("the workspace", offset, size.unsigned_abs()));
    }
    for (index, block) in blocks.iter().enumerate() {
        block.verify(operation)?;
        if let Some(other) = blocks[..index].iter().find(|it| it.overlaps(block)) {
            return Err(format!("has {} and {} at the same bytes", other.what, block.what));
        }
    }
    Ok(())
}

fn verify_residencies(operation: OperationRef, spelling: &str, value: Attribute) -> Verdict {
    let lists = read_array(value).ok_or_else(|| format!("attribute '{spelling}' must be an array"))?;
    let n_results = operation.result_count();
    if lists.len() != n_results {
        return Err(format!(
            "needs a list of residencies for each of its {n_results} results, but has {}",
            lists.len()
        ));
    }
    for (index, (list, result)) in lists.into_iter().zip(operation.results()).enumerate() {
        let residencies = read_residencies(list)
            .ok_or_else(|| format!("attribute '{spelling}' must have a list of #cosma.residency for result {index}"))?;
        let size = result_size(operation, result.r#type())?;
        for residency in residencies {
            Block::new(format!("result {index}"), residency.offset.cast_signed(), size).verify(operation)?;
        }
    }
    Ok(())
}

/// The bytes of an operator's result. A result that is not a tensor, such as a scalar, has none.
fn result_size(operation: OperationRef, r#type: Type) -> Result<u64, String> {
    if r#type.is_tensor() { size_at(operation, r#type) } else { Ok(0) }
}

/// The bytes of a tensor on the machine around an operation.
/// The bytes of a tensor on the machine of an operation.
pub(crate) fn size_at(operation: OperationRef, r#type: Type) -> Result<u64, String> {
    let element_bytes = machine(operation).and_then(|it| it.element_bytes);
    size_with(r#type, element_bytes).map_err(|error| error.to_string())
}

/// Something that has a place in the scratchpad, or in another memory.
struct Block {
    what: String,
    offset: i64,
    size: u64,
    /// The name of the memory in which it lies; none for the scratchpad.
    memory: Option<String>,
}

impl Block {
    fn new(what: impl Into<String>, offset: i64, size: u64) -> Self {
        Block { what: what.into(), offset, size, memory: None }
    }

    /// Verifies that the block fits the scratchpad of the enclosing machine.
    fn verify(&self, operation: OperationRef) -> Verdict {
        let Block { what, offset, size, memory } = self;
        let start = u64::try_from(*offset).map_err(|_| format!("has {what} at a negative offset: {offset}"))?;
        let machine = machine(operation).unwrap_or_default();
        let (name, room, alignment) = match (&machine.memories, memory) {
            (None, None) => ("the scratchpad", machine.scratchpad, machine.alignment),
            (Some(memories), None) => {
                let (room, alignment) = (memories.scratchpad(), memories.alignment());
                ("the scratchpad", Some(room.0), Some(alignment.0))
            }
            (None, Some(name)) => {
                return Err(format!("has {what} in '{name}', but 'cosma.machine' has no 'memories'"));
            }
            (Some(memories), Some(name)) => {
                let all = memories.memories();
                let Some(found) = all.iter().find(|it| it.name == *name) else {
                    let names: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
                    return Err(format!("has {what} in '{name}', but the memories are {}", list(&names)));
                };
                if found == &all[0] {
                    return Err(format!("has {what} at an offset in '{name}', which is home"));
                }
                if found.size.is_none() && start != 0 {
                    return Err(format!("has {what} at {start} in '{name}', which has no size and no addresses"));
                }
                (name.as_str(), found.size.map(|it| it.0), Some(found.alignment.0))
            }
        };
        if let Some(alignment) = alignment.filter(|it| !start.is_multiple_of(*it)) {
            let of = if memory.is_some() { format!(" of {name}") } else { String::new() };
            return Err(format!("has {what} at {offset}, which is not a multiple of the alignment{of}, {alignment}"));
        }
        let end = start.saturating_add(*size);
        if let Some(room) = room.filter(|it| *it < end) {
            return Err(format!("has {what} end at {end}, but {name} has {room} B"));
        }
        Ok(())
    }

    fn overlaps(&self, other: &Block) -> bool {
        // Sizes reach beyond the signed numbers that offsets are.
        let ends = |it: &Block| i128::from(it.offset) + i128::from(it.size);
        let is_empty = self.size == 0 || other.size == 0;
        !is_empty && i128::from(self.offset) < ends(other) && i128::from(other.offset) < ends(self)
    }
}
