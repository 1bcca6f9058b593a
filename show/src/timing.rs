//! Start and end of each line of a program on a machine that overlaps computation and transfers.
//!
//! There are three resources, each of which executes one line at a time in program order: the compute
//! unit, the inbound channel and the outbound channel. A line starts as soon as its resource is free, its
//! data is available and its addresses are free:
//!
//! - An *operator* waits for its operands, and for all earlier readers and transfers of the bytes that its
//!   results and its workspace overwrite.
//! - A transfer *in* waits for the copy in host memory, and for all earlier readers and transfers of the
//!   bytes that it overwrites.
//! - A transfer *out* waits for the operator that writes the tensor.
//! - A streamed weight is transferred while its operator runs, which takes at least as long.
//!
//! So a transfer overlaps with computation wherever addresses allow it, regardless of steps. The model
//! has no banks, bursts or latency.

use crate::{Exhibit, Line};
use cosma_planner::{Bytes, TensorId};
use std::ops::Range;

/// The speed of a machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Bytes that each channel moves per cycle; positive.
    pub dma_bytes_per_cycle: f64,
    /// Cycles per multiply-accumulate; not negative. An operator takes at least one cycle, and exactly
    /// one if it does not declare its multiply-accumulates.
    pub cycles_per_mac: f64,
}

/// The cycles, half-open, during which each line of [`Exhibit::lines`] runs.
pub fn timing(exhibit: &Exhibit, speed: &Speed) -> Vec<Range<u64>> {
    let mut clock = Clock { exhibit, speed, taken: Vec::new(), host: vec![0; exhibit.tensors.len()], free: [0; 3] };
    let lines = exhibit.lines();
    let mut times: Vec<Range<u64>> = Vec::with_capacity(lines.len());
    // The lines of streamed weights whose operator has not run yet.
    let mut streamed: Vec<usize> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let time = match line {
            Line::In { offset: None, .. } => {
                streamed.push(index);
                0..0
            }
            Line::In { tensor, offset: Some(offset), .. } => clock.bring_in(*tensor, *offset),
            Line::Out { tensor, offset, .. } => clock.take_out(*tensor, *offset),
            Line::Run { .. } => {
                let (start, mut end) = clock.may_run(line);
                let mut start = start;
                for (nth, passing) in streamed.drain(..).enumerate() {
                    let Line::In { tensor, .. } = lines[passing] else { continue };
                    let time = clock.pass_by(exhibit.size(tensor), start);
                    if nth == 0 {
                        end = end.saturating_add(time.start - start);
                        start = time.start;
                    }
                    end = end.max(time.end);
                    times[passing] = time;
                }
                clock.run(line, start..end);
                start..end
            }
        };
        times.push(time);
    }
    times
}

const COMPUTE: usize = 0;
const IN: usize = 1;
const OUT: usize = 2;

struct Clock<'a> {
    exhibit: &'a Exhibit,
    speed: &'a Speed,
    /// Disjoint ranges of addresses with their latest content.
    taken: Vec<Taken>,
    /// By tensor: the cycle in which its copy in host memory is complete.
    host: Vec<u64>,
    /// By resource: the cycle in which it becomes free.
    free: [u64; 3],
}

/// A range of addresses and the state of its content.
struct Taken {
    addresses: Range<u64>,
    /// The cycle in which the content is written.
    ready: u64,
    /// The cycle in which the last use so far ends.
    done: u64,
}

impl Clock<'_> {
    fn bring_in(&mut self, tensor: TensorId, offset: Bytes) -> Range<u64> {
        let size = self.exhibit.size(tensor);
        let start = self.free[IN].max(self.host[tensor.index()]).max(self.place_free(offset, size));
        let time = start..start.saturating_add(self.duration(size));
        self.free[IN] = time.end;
        self.take(offset, size, time.end);
        time
    }

    fn pass_by(&mut self, size: Bytes, not_before: u64) -> Range<u64> {
        let start = self.free[IN].max(not_before);
        let time = start..start.saturating_add(self.duration(size));
        self.free[IN] = time.end;
        time
    }

    fn take_out(&mut self, tensor: TensorId, offset: Bytes) -> Range<u64> {
        let size = self.exhibit.size(tensor);
        let ready = self.holder(offset, size).map_or(0, |it| it.ready);
        let start = self.free[OUT].max(ready);
        let time = start..start.saturating_add(self.duration(size));
        self.free[OUT] = time.end;
        self.host[tensor.index()] = time.end;
        self.hold(offset, size, time.end);
        time
    }

    /// When an operator starts and ends if no weight is streamed to it.
    fn may_run(&mut self, line: &Line) -> (u64, u64) {
        let Line::Run { op, reads, writes, workspace } = line else { return (0, 0) };
        let mut start = self.free[COMPUTE];
        for slot in reads {
            let size = self.exhibit.size(slot.tensor);
            start = start.max(self.holder(slot.offset(), size).map_or(0, |it| it.ready));
        }
        // An operand that a result overwrites is not waited for: its last use is this operator.
        for slot in *writes {
            let size = self.exhibit.size(slot.tensor);
            start = start.max(self.place_free(slot.offset(), size));
        }
        start = start.max(self.place_free(*workspace, self.exhibit.problem.graph.op(*op).workspace));
        let macs = self.exhibit.operators[op.index()].macs.unwrap_or(0);
        let cycles = (macs as f64 * self.speed.cycles_per_mac).ceil().max(1.0);
        (start, start.saturating_add(cycles as u64))
    }

    fn run(&mut self, line: &Line, time: Range<u64>) {
        let Line::Run { op, reads, writes, workspace } = line else { return };
        self.free[COMPUTE] = time.end;
        for slot in reads {
            self.hold(slot.offset(), self.exhibit.size(slot.tensor), time.end);
        }
        for slot in *writes {
            self.take(slot.offset(), self.exhibit.size(slot.tensor), time.end);
        }
        let size = self.exhibit.problem.graph.op(*op).workspace;
        self.take(*workspace, size, time.end);
    }

    fn duration(&self, size: Bytes) -> u64 {
        (size.0 as f64 / self.speed.dma_bytes_per_cycle).ceil() as u64
    }

    /// The cycle in which the last use of a range of addresses ends.
    fn place_free(&self, offset: Bytes, size: Bytes) -> u64 {
        if size == Bytes::ZERO {
            return 0;
        }
        let end = offset.0 + size.0;
        let met = self.taken.iter().filter(|it| it.addresses.start < end && offset.0 < it.addresses.end);
        met.map(|it| it.done.max(it.ready)).max().unwrap_or(0)
    }

    fn holder(&mut self, offset: Bytes, size: Bytes) -> Option<&mut Taken> {
        let addresses = offset.0..offset.0 + size.0;
        self.taken.iter_mut().find(|it| it.addresses == addresses)
    }

    fn hold(&mut self, offset: Bytes, size: Bytes, until: u64) {
        if let Some(taken) = self.holder(offset, size) {
            taken.done = taken.done.max(until);
        }
    }

    /// Replaces the content of a range of addresses. Parts of older ranges outside it remain.
    fn take(&mut self, offset: Bytes, size: Bytes, ready: u64) {
        if size == Bytes::ZERO {
            return;
        }
        let end = offset.0 + size.0;
        let mut rest = Vec::new();
        self.taken.retain_mut(|it| {
            if it.addresses.end <= offset.0 || end <= it.addresses.start {
                return true;
            }
            let done = it.done.max(it.ready);
            for addresses in [it.addresses.start..offset.0, end..it.addresses.end] {
                if addresses.start < addresses.end {
                    rest.push(Taken { addresses, ready: done, done });
                }
            }
            false
        });
        self.taken.append(&mut rest);
        self.taken.push(Taken { addresses: offset.0..end, ready, done: ready });
    }
}
