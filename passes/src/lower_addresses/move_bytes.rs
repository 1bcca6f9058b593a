//! The lowering of a transfer: to a copy, a DMA of MLIR's, or a call.
//!
//! With `transfers=call` a module declares
//!
//! ```mlir
//! func.func private @cosma_dma_start(%channel: index, %to: index, %from: index, %bytes: index, %rows: index,
//!                                    %to_pitch: index, %from_pitch: index, %tag: index)
//! func.func private @cosma_dma_wait(%tag: index)
//! ```
//!
//! The first begins to copy `rows` rows of `bytes` bytes each; from row to row, each address advances by its pitch. The
//! second returns when all copies begun with the tag are complete. A channel executes its copies in order. Tags count
//! from 0 in each function.
//!
//! Slices of a tensor that is contiguous in host memory are separate transfers. Slices of a region that is not
//! contiguous are one transfer, where the last of them begins: then the destination of all of them is free.

use super::buffer::{Buffer, Root};
use super::build::{Shape, insert, place};
use super::carry::{is_one_run, start_of};
use super::function::Lowering;
use super::options::TransfersName;
use crate::form::defining;
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike};
use cosma_ir::melior::ir::r#type::{FunctionType, MemRefType};
use cosma_ir::melior::ir::{OperationRef, Type, Value, ValueLike};
use cosma_ir::{
    TensorRegion, Transfer, is_async, is_wait, machine, mark_transfer, operand_at, result_at, slice_of_transfer, uses,
};
use cosma_planner::{Machine, MemoryId};
use std::collections::HashMap;
use std::ops::Range;

/// The names of the functions that a runtime supplies.
const START: &str = "cosma_dma_start";
const WAIT: &str = "cosma_dma_wait";

/// The bytes of a transfer.
pub(super) struct Move<'c, 'a> {
    pub way: Transfer,
    pub from: Buffer<'c, 'a>,
    pub to: Buffer<'c, 'a>,
    /// The region, if only a region of the tensor in host memory is moved.
    pub part: Option<Part<'c, 'a>>,
}

/// A region of a tensor in host memory.
pub(super) struct Part<'c, 'a> {
    pub whole: Value<'c, 'a>,
    pub region: TensorRegion,
}

/// The transfers in flight.
#[derive(Default)]
pub(super) struct Flights<'c, 'a> {
    /// By value that stands for a transfer in the source: the tags to wait for. Only looked up, never iterated over.
    tags: HashMap<usize, Vec<Tag<'c, 'a>>>,
    n_tags: u64,
    /// With `transfers=dma`: the memref of tags, whose type is only known at the end.
    memref: Option<Value<'c, 'a>>,
}

/// A transfer, and the number of elements that it moves.
#[derive(Clone, Copy)]
struct Tag<'c, 'a> {
    number: Value<'c, 'a>,
    n_elements: u64,
}

/// Rows of elements, with the first one relative to the start of the tensor.
struct Rows {
    in_host: u64,
    on_chip: u64,
    length: u64,
    count: u64,
    /// From row to row in host memory; in the scratchpad they are contiguous.
    pitch: u64,
}

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    /// Lowers a transfer of a whole tensor or of a slice.
    pub(super) fn move_bytes(&mut self, operation: OperationRef<'c, 'a>, moved: &Move<'c, 'a>) {
        let Move { way, from, to, part } = moved;
        if self.options.transfers == TransfersName::Copy {
            let piece = part.as_ref().map(|it| {
                let whole = if way.is_inward() { from } else { to };
                self.piece(whole, it.whole, &it.region, operation)
            });
            let (from, to) = match (piece, way.is_inward()) {
                (Some(piece), true) => (piece, to.value),
                (Some(piece), false) => (from.value, piece),
                (None, _) => (from.value, to.value),
            };
            self.build.transfer(from, to, *way, operation);
            return;
        }
        // If neither memory is host memory, the source plays its role.
        let (host, chip) = if way.is_outward() { (to, from) } else { (from, to) };
        let moved_type = if way.is_outward() { operand_at(operation, 0) } else { result_at(operation, 0) };
        let tensor = cosma_ir::tensor_type(moved_type.expect("a transfer has both").r#type());
        let shape = Shape::of(tensor).expect("it has a buffer");
        let whole = match part {
            Some(it) => Shape::of(cosma_ir::tensor_type(it.whole.r#type())).expect("it has a buffer"),
            None => Shape::of(tensor).expect("it has a buffer"),
        };
        let mut rows = match part {
            Some(it) => rows_of(&whole, &it.region),
            None => {
                let length = shape.dimensions.iter().map(|it| it.unsigned_abs()).product();
                vec![Rows { in_host: 0, on_chip: 0, length, count: 1, pitch: length }]
            }
        };
        let is_run = part.as_ref().is_none_or(|it| is_one_run(&whole.dimensions, &it.region));
        if let Some(slice) = slice_of_transfer(operation) {
            let is_of_elements =
                |it: &Range<u64>| it.start.is_multiple_of(shape.width) && it.end.is_multiple_of(shape.width);
            match all_slices(operation).iter().all(is_of_elements) {
                true if is_run => {
                    let start = part.as_ref().map_or(0, |it| start_of(&whole, &it.region) / whole.width);
                    let (low, length) = (slice.start / shape.width, (slice.end - slice.start) / shape.width);
                    rows = vec![Rows { in_host: start + low, on_chip: low, length, count: 1, pitch: length }];
                }
                _ if is_last_slice(operation) => {}
                _ => return,
            }
        }
        let result = result_at(operation, 0).expect("a transfer has a result");
        let mut tags = Vec::new();
        for rows in &rows {
            tags.push(self.begin(operation, *way, (host, &whole), (chip, &shape), rows));
            // For calls, one tag for all of them is enough.
            if self.options.transfers == TransfersName::Call {
                tags.truncate(1);
            }
        }
        if self.options.transfers == TransfersName::Call {
            self.flights.n_tags += 1;
        }
        if is_async(operation) {
            self.flights.tags.insert(crate::extract::key(result), tags);
        } else {
            tags.iter().for_each(|it| self.wait_for(*it, operation));
        }
    }

    /// Lowers a wait: the tensor is at the destination of the transfers.
    pub(super) fn wait(&mut self, operation: OperationRef<'c, 'a>) {
        let transits: Vec<Value> = operation.operands().collect();
        for transit in &transits {
            for tag in self.flights.tags.remove(&crate::extract::key(*transit)).unwrap_or_default() {
                self.wait_for(tag, operation);
            }
        }
        let last = transits.into_iter().rev().find_map(|it| self.known(it));
        if let (Some(buffer), Some(result)) = (last, result_at(operation, 0)) {
            self.keep(result, buffer);
        }
    }

    /// Begins to move rows.
    fn begin(
        &mut self,
        operation: OperationRef<'c, 'a>,
        way: Transfer,
        (host, whole): (&Buffer<'c, 'a>, &Shape<'c>),
        (chip, shape): (&Buffer<'c, 'a>, &Shape<'c>),
        rows: &Rows,
    ) -> Tag<'c, 'a> {
        let n_elements = rows.length * rows.count;
        match self.options.transfers {
            TransfersName::Call => {
                let number = self.offset(self.flights.n_tags);
                let in_host = self.address(host, rows.in_host * whole.width, operation);
                let on_chip = self.address(chip, rows.on_chip * shape.width, operation);
                let (bytes, pitch) = (rows.length * shape.width, rows.pitch * shape.width);
                let ((to, to_pitch), (from, from_pitch)) = match way.is_outward() {
                    true => ((in_host, pitch), (on_chip, bytes)),
                    false => ((on_chip, bytes), (in_host, pitch)),
                };
                let numbers = [bytes, rows.count, to_pitch, from_pitch].map(|it| self.offset(it));
                let (from_memory, to_memory) = match way.is_outward() {
                    true => (chip.memory, host.memory),
                    false => (host.memory, chip.memory),
                };
                let channel = self.offset(self.channel(operation, from_memory, to_memory));
                let [bytes, count, to_pitch, from_pitch] = numbers;
                let operands = [channel, to, from, bytes, count, to_pitch, from_pitch, number];
                let call = self.call(START, &operands, operation);
                mark_transfer(call, way, false);
                Tag { number, n_elements }
            }
            _ => {
                let number = self.offset(self.flights.n_tags);
                self.flights.n_tags += 1;
                let tags = self.tags();
                let (from, to) = if way.is_outward() { (chip, host) } else { (host, chip) };
                let at = |it: &Buffer<'c, 'a>| match it.value == host.value {
                    true => (whole, rows.in_host),
                    false => (shape, rows.on_chip),
                };
                let mut operands = Vec::new();
                for buffer in [from, to] {
                    let (shape, start) = at(buffer);
                    operands.push(buffer.value);
                    let indices = indices(&shape.dimensions, start);
                    operands.extend(indices.into_iter().map(|it| self.offset(it)));
                }
                operands.push(self.offset(n_elements));
                operands.extend([tags, number]);
                if 1 < rows.count {
                    operands.extend([rows.pitch, rows.length].map(|it| self.offset(it)));
                }
                let start = OperationBuilder::new("memref.dma_start", operation.location()).add_operands(&operands);
                mark_transfer(place(operation, start), way, false);
                Tag { number, n_elements }
            }
        }
    }

    fn wait_for(&mut self, tag: Tag<'c, 'a>, before: OperationRef<'c, 'a>) {
        match self.options.transfers {
            TransfersName::Call => {
                self.call(WAIT, &[tag.number], before);
            }
            _ => {
                let operands = [self.tags(), tag.number, self.offset(tag.n_elements)];
                place(before, OperationBuilder::new("memref.dma_wait", before.location()).add_operands(&operands));
            }
        }
    }

    fn call(&mut self, name: &str, operands: &[Value<'c, 'a>], before: OperationRef<'c, 'a>) -> OperationRef<'c, 'a> {
        let types = vec![Type::index(self.build.0); operands.len()];
        let symbol = self.symbols.kernel(name, FunctionType::new(self.build.0, &types, &[]), before.location());
        place(before, self.build.call(&symbol, operands, &[], before.location()))
    }

    /// The address of a byte of a buffer.
    fn address(&mut self, buffer: &Buffer<'c, 'a>, byte: u64, before: OperationRef<'c, 'a>) -> Value<'c, 'a> {
        let root = match buffer.root {
            Root::Arena(memory) => self.arena(self.arena_of(memory)),
            Root::Host(root) => root,
        };
        let index = Type::index(self.build.0);
        let base = OperationBuilder::new("memref.extract_aligned_pointer_as_index", before.location())
            .add_operands(&[root])
            .add_results(&[index]);
        let base = insert(before, base);
        match buffer.start + byte {
            0 => base,
            start => {
                let start = self.offset(start);
                let sum = OperationBuilder::new("arith.addi", before.location())
                    .add_operands(&[base, start])
                    .add_results(&[index]);
                insert(before, sum)
            }
        }
    }

    /// The number of the channel of a transfer: 0 without a clock.
    fn channel(&self, operation: OperationRef<'c, 'a>, from: MemoryId, to: MemoryId) -> u64 {
        let said = machine(operation).unwrap_or_default();
        let timing = match &said.memories {
            Some(memories) => memories.timing(from, to).copied(),
            None => {
                let link = Machine::HOST_WAYS.iter().position(|it| *it == (from, to));
                link.zip(said.clock).and_then(|(link, clock)| clock.timings.get(link).copied())
            }
        };
        timing.map_or(0, |it| it.channel.0.into())
    }

    /// The tags of `memref.dma_start`, allocated at the beginning of the function.
    fn tags(&mut self) -> Value<'c, 'a> {
        if let Some(tags) = self.flights.memref {
            return tags;
        }
        let alloc = self.build.alloc(self.type_of_tags(), None, self.function.location());
        let tags = insert(self.first, alloc);
        self.flights.memref = Some(tags);
        tags
    }

    fn type_of_tags(&self) -> Type<'c> {
        let element = cosma_ir::melior::ir::r#type::IntegerType::new(self.build.0, 32).into();
        MemRefType::new(element, &[self.flights.n_tags.cast_signed()], None, None).into()
    }

    /// Sets the type of the tags, once they are counted, and frees them.
    pub(super) fn finish_tags(&self, terminator: OperationRef<'c, 'a>) {
        if let Some(tags) = self.flights.memref {
            cosma_ir::set_type(tags, self.type_of_tags());
            self.build.free(tags, terminator);
        }
    }
}

/// All slices of the tensor of an asynchronous transfer.
fn all_slices(operation: OperationRef) -> Vec<Range<u64>> {
    siblings(operation).into_iter().filter_map(slice_of_transfer).collect()
}

/// The transfers with the same wait, including this one.
fn siblings<'c, 'a>(operation: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let users = result_at(operation, 0).map(uses).unwrap_or_default();
    let wait = users.into_iter().find(|it| is_wait(it.operation));
    wait.map_or(vec![operation], |it| it.operation.operands().filter_map(defining).collect())
}

/// Whether no other slice of the same tensor begins later; a whole transfer is its only slice.
pub(super) fn is_last_slice(operation: OperationRef) -> bool {
    slice_of_transfer(operation).is_none()
        || siblings(operation).into_iter().all(|it| it == operation || it.is_before_in_block(operation))
}

/// A region as rows at a constant distance: inner dimensions that are whole form a row, and one of the others goes from
/// row to row.
fn rows_of(whole: &Shape, region: &TensorRegion) -> Vec<Rows> {
    let dimensions: Vec<u64> = whole.dimensions.iter().map(|it| it.unsigned_abs()).collect();
    let mut strides = vec![1; dimensions.len()];
    for index in (1..dimensions.len()).rev() {
        strides[index - 1] = strides[index] * dimensions[index];
    }
    // A row ends with the innermost dimension that is not whole.
    let mut outer = dimensions.len();
    let mut length = 1;
    while 0 < outer {
        outer -= 1;
        length *= region.sizes[outer];
        if region.sizes[outer] != dimensions[outer] {
            break;
        }
    }
    // Rows along one dimension, and along the dimensions around it as long as it is whole.
    let (mut count, mut pitch) = (1, length);
    let mut is_first = true;
    while 0 < outer {
        let index = outer - 1;
        if region.sizes[index] == 1 && is_first {
            outer -= 1;
            continue;
        }
        if is_first {
            pitch = strides[index];
        }
        is_first = false;
        count *= region.sizes[index];
        outer -= 1;
        if region.sizes[index] != dimensions[index] {
            break;
        }
    }
    let start: u64 = region.offsets.iter().zip(&strides).map(|(offset, stride)| offset * stride).sum();
    // The other dimensions, one by one.
    let n_blocks: u64 = region.sizes[..outer].iter().product();
    let block = |number: u64| {
        let (mut rest, mut in_host) = (number, start);
        for index in (0..outer).rev() {
            in_host += rest % region.sizes[index] * strides[index];
            rest /= region.sizes[index];
        }
        Rows { in_host, on_chip: number * length * count, length, count, pitch }
    };
    (0..n_blocks).map(block).collect()
}

/// The indices of an element of a contiguous tensor.
fn indices(dimensions: &[i64], mut element: u64) -> Vec<u64> {
    let mut indices = vec![0; dimensions.len()];
    for (index, size) in dimensions.iter().enumerate().rev() {
        let size = size.unsigned_abs().max(1);
        indices[index] = element % size;
        element /= size;
    }
    indices
}
