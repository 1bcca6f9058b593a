//! Addresses for given lifetimes.

use crate::attend::attend;
use crate::convert::{MOST, seconds};
use crate::error::{Infeasible, Undecided};
use cosma_planner::pack::{
    Conflict, Gap, Interval, Lowest, Packing, check_packing, conflict, first_beyond_count, load, pack as pack_within,
    pack_lowest,
};
use cosma_planner::{Bytes, Deadline};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::time::Duration;

/// How long it may look for a reason after the time limit.
const GRACE: Duration = Duration::from_millis(500);

/// Steps during which others may use a buffer's memory, but for a window of its bytes.
type RawGap = (i64, i64, Option<(u64, u64)>);

/// A buffer as the package `cosma` hands it over.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct RawBuffer {
    lower: i64,
    upper: i64,
    size: u64,
    alignment: u64,
    offset: Option<u64>,
    gaps: Vec<RawGap>,
}

/// How packing went.
enum Outcome {
    /// Offsets, and what no packing is lower than.
    Placed(Vec<Bytes>, Bytes),
    Infeasible(Option<Conflict>),
    Undecided(Bytes),
}

/// Packs buffers within a capacity or, without one, as low as can be found; gives their offsets, where the highest ends,
/// and what no packing is lower than.
#[pyfunction]
pub fn pack(
    py: Python<'_>,
    buffers: Vec<RawBuffer>,
    capacity: Option<u64>,
    alignment: u64,
    time_limit: f64,
) -> PyResult<(Vec<u64>, u64, u64)> {
    let limit = seconds(time_limit, "time_limit")?;
    for (index, buffer) in buffers.iter().enumerate() {
        check(buffer).map_err(|why| PyValueError::new_err(format!("buffer {index}: {why}")))?;
    }
    if !(1..=1 << 32).contains(&alignment) {
        return Err(PyValueError::new_err(format!("alignment is {alignment}: it is 1 to 2^32 B")));
    }
    let (intervals, alignment) = (intervals(&buffers), Bytes(alignment));
    if let Some(at) = first_beyond_count(&intervals, alignment) {
        return Err(PyValueError::new_err(format!("buffer {at}: sizes up to here add up to 2^62 bytes or more")));
    }
    let capacity = capacity.map(Bytes);
    let outcome =
        attend(py, None, |desk| find(&intervals, capacity, alignment, Deadline::after(limit).unless(&desk.stop)))?;
    match outcome {
        Outcome::Placed(offsets, bound) => {
            let within = capacity.unwrap_or(Bytes(u64::MAX));
            if let Some(error) = check_packing(&intervals, &offsets, within, alignment).first() {
                return Err(PyRuntimeError::new_err(format!("the packing is wrong: {error}")));
            }
            let ends = intervals.iter().zip(&offsets).filter(|it| !it.0.is_empty()).map(|it| (*it.1 + it.0.size).0);
            let height = ends.max().unwrap_or(0);
            Ok((offsets.into_iter().map(|it| it.0).collect(), height, bound.0))
        }
        Outcome::Infeasible(conflict) => {
            let indices = conflict.map(|it| it.intervals).unwrap_or_default();
            let room = capacity.map_or(String::new(), |it| format!(" within {it} B"));
            let which = match &indices[..] {
                [] => "these buffers".into(),
                [one] => format!("buffer {one}"),
                many if many.len() <= 8 => format!("buffers {many:?} together"),
                many => format!("{} of the buffers together", many.len()),
            };
            let raised = Infeasible::new_err(format!("there is no packing: {which} cannot be placed{room}"));
            raised.value(py).setattr("buffers", indices)?;
            Err(raised)
        }
        Outcome::Undecided(bound) => {
            let raised = Undecided::new_err(format!("not decided in time; no packing needs less than {bound} B"));
            raised.value(py).setattr("lower_bound", bound.0)?;
            Err(raised)
        }
    }
}

fn find(intervals: &[Interval], capacity: Option<Bytes>, alignment: Bytes, deadline: Deadline) -> Outcome {
    let bound = load(intervals, alignment);
    let Some(capacity) = capacity else {
        return match pack_lowest(intervals, alignment, deadline) {
            Lowest::Placed(packing) => Outcome::Placed(packing.offsets, packing.lower_bound),
            Lowest::Infeasible => Outcome::Infeasible(conflict(intervals, Bytes(MOST), alignment, deadline)),
            Lowest::Undecided => Outcome::Undecided(bound),
        };
    };
    match pack_within(intervals, capacity, alignment, deadline) {
        Packing::Placed(offsets) => Outcome::Placed(offsets, bound),
        Packing::Infeasible => {
            let has_time = deadline.left().is_none_or(|it| GRACE < it);
            let deadline = if has_time { deadline } else { Deadline::after(GRACE) };
            Outcome::Infeasible(conflict(intervals, capacity, alignment, deadline))
        }
        Packing::Undecided => Outcome::Undecided(bound),
    }
}

/// What is wrong with a buffer.
fn check(buffer: &RawBuffer) -> Result<(), String> {
    let RawBuffer { lower, upper, size, alignment, offset, gaps } = buffer;
    if upper < lower {
        return Err(format!("upper is {upper}, before lower, {lower}"));
    }
    if MOST <= *size || offset.is_some_and(|it| MOST <= it) {
        return Err("sizes and offsets are less than 2^62".into());
    }
    if !(1..=1 << 32).contains(alignment) {
        return Err(format!("alignment is {alignment}: it is 1 to 2^32 B"));
    }
    let mut gaps: Vec<&RawGap> = gaps.iter().collect();
    gaps.sort();
    for (index, &&(start, end, window)) in gaps.iter().enumerate() {
        if start < *lower || end < start || *upper < end {
            return Err(format!("gap {start} to {end} is not within {lower} to {upper}"));
        }
        if let Some((next, next_end, _)) = gaps.get(index + 1)
            && *next < end
            && (start, end) != (*next, *next_end)
        {
            return Err(format!("gaps {start} to {end} and {next} to {next_end} overlap"));
        }
        if let Some((low, high)) = window
            && (high < low || *size < high)
        {
            return Err(format!("the window {low} to {high} of a gap is not within its {size} B"));
        }
    }
    Ok(())
}

/// Intervals whose steps are the numbers of those at which something begins or ends.
fn intervals(buffers: &[RawBuffer]) -> Vec<Interval> {
    let of_gap = |it: &RawGap| [it.0, it.1];
    let mut steps: Vec<i64> = Vec::new();
    for buffer in buffers {
        steps.extend([buffer.lower, buffer.upper]);
        steps.extend(buffer.gaps.iter().flat_map(of_gap));
    }
    steps.sort_unstable();
    steps.dedup();
    let number = |step: i64| steps.partition_point(|it| *it < step) as u32;
    let interval = |it: &RawBuffer| Interval {
        start: number(it.lower),
        end: number(it.upper),
        size: Bytes(it.size),
        alignment: Bytes(it.alignment),
        fixed: it.offset.map(Bytes),
        gaps: it
            .gaps
            .iter()
            .map(|(start, end, window)| Gap {
                start: number(*start),
                end: number(*end),
                window: window.map(|(low, high)| (Bytes(low), Bytes(high))),
            })
            .collect(),
    };
    buffers.iter().map(interval).collect()
}
