//! The verifiers of asynchronous transfers and of waits.

use crate::edit::{Use, uses};
use crate::operation::{key, name, offsets, operand_at, result_at};
use crate::region::region;
use crate::transfer::{
    SLICE, Transfer, destination, is_async, is_streamed, is_wait, memory, slice_of_transfer, transfer,
};
use crate::verify::size_at;
use melior::ir::operation::{OperationLike, OperationResult};
use melior::ir::{OperationRef, ValueLike};
use std::ops::Range;

/// Verifies an asynchronous transfer of this many bytes.
pub(crate) fn verify_transit(operation: OperationRef, size: u64) -> Result<(), String> {
    if is_streamed(operation) {
        return Err("is async and streamed, but operators read streamed tensors directly from host memory".into());
    }
    if operation.has_attribute(SLICE) {
        match slice_of_transfer(operation) {
            Some(Range { start, end }) if start < end && end <= size => {}
            Some(Range { start, end }) => {
                return Err(format!("has a slice from {start} to {end} of a tensor of {size} B"));
            }
            None => return Err("needs a slice as [first byte, end byte]".into()),
        }
    }
    let result = result_at(operation, 0).ok_or("returns nothing")?;
    let is_outward = transfer(operation).is_some_and(Transfer::is_outward);
    let (mut n_waits, mut n_written) = (0, 0);
    for Use { operation: user, operand } in uses(result) {
        if is_wait(user) {
            n_waits += 1;
            if user.block() != operation.block() {
                return Err("is waited for in another block".into());
            }
        } else if operand == 1 && destination(user) == Some(result) {
            n_written += 1;
        } else if operand == 0 && transfer(user).is_some_and(|it| it.is_inward() == is_outward) {
            // It comes back, or goes on to a third memory, behind what brings it there.
        } else {
            return Err(format!("is read by {} before it is waited for", name(user)));
        }
    }
    match (n_waits, n_written) {
        (0, _) => Err("is not waited for".into()),
        (1, 0 | 1) => Ok(()),
        (1, _) => Err("is written into by two transfers".into()),
        _ => Err(format!("is waited for {n_waits} times")),
    }
}

/// Verifies a wait: its operands are slices of one tensor on the way to one place, or one whole transfer.
pub(crate) fn verify_wait(operation: OperationRef) -> Result<(), String> {
    let values = (0..operation.operand_count()).filter_map(|it| operand_at(operation, it));
    let transfers: Vec<OperationRef> =
        values.filter_map(|it| Some(OperationResult::try_from(it).ok()?.owner())).collect();
    if transfers.len() != operation.operand_count() || !transfers.iter().all(|it| is_async(*it)) {
        return Err("waits for a value that is not an async transfer".into());
    }
    let Some((first, others)) = transfers.split_first() else { return Err("waits for nothing".into()) };
    let slices: Vec<Option<Range<u64>>> = transfers.iter().map(|it| slice_of_transfer(*it)).collect();
    if others.is_empty() && slices[0].is_none() {
        return Ok(());
    }
    let is_alike = |it: &OperationRef| {
        transfer(*it) == transfer(*first)
            && operand_at(*it, 0).map(key) == operand_at(*first, 0).map(key)
            && region(*it) == region(*first)
            && offsets(*it) == offsets(*first)
            && memory(*it) == memory(*first)
    };
    if !others.iter().all(is_alike) {
        return Err("waits for slices of several tensors, or for several places, at once".into());
    }
    let Some(mut slices) = slices.into_iter().collect::<Option<Vec<Range<u64>>>>() else {
        return Err("waits for a whole tensor and for slices at once".into());
    };
    slices.sort_by_key(|it| it.start);
    let size = size_at(operation, result_at(operation, 0).ok_or("gives nothing")?.r#type())?;
    let mut end = 0;
    for slice in &slices {
        if slice.start != end {
            let what = if slice.start < end { "overlap" } else { "leave out" };
            let (low, high) = (slice.start.min(end), slice.start.max(end).min(slice.end.max(end)));
            return Err(format!("waits for slices that {what} the bytes from {low} to {high}"));
        }
        end = slice.end;
    }
    if end != size {
        return Err(format!("waits for slices that end at byte {end} of {size}"));
    }
    Ok(())
}
