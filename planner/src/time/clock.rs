//! The clock of a machine: the times of transfers and operators, in cycles of the compute engine.
//!
//! The model is documented in [`time`](super), where it is public.
//!
//! All times are integers, and overflow is an error.

use super::Ratio;
use crate::{Bytes, Cycles, Error, Link, Machine, MemoryId, OpId, Problem};

/// A channel of a [`Clock`], as an index into its list of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u32);

impl ChannelId {
    /// The index into a table with one entry per channel.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A queue of transfers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// For messages; unique within its machine, without white space.
    pub name: String,
}

/// The timing of transfers over a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The channel.
    pub channel: ChannelId,
    /// Bytes per cycle; not zero.
    pub rate: Ratio,
    /// Cycles of the channel before the first byte of each transfer.
    pub setup: Cycles,
    /// Cycles from when the channel is done with a transfer to when it is complete.
    pub latency: Cycles,
    /// A transfer of fewer bytes takes as long as one of this many.
    pub burst: Bytes,
}

impl Timing {
    /// The cycles for which a transfer of this many bytes keeps the channel busy.
    ///
    /// # Errors
    /// [`Error::TooManyCycles`].
    pub fn busy(&self, bytes: Bytes) -> Result<Cycles, Error> {
        let moving = self.rate.goes_into(bytes.max(self.burst).0).ok_or(Error::TooManyCycles)?;
        self.setup.plus(Cycles(moving))
    }

    /// The default price of a byte on a machine with several memories: the cycles of 65,536 bytes, without setup,
    /// latency and burst.
    pub fn price(&self) -> u64 {
        self.rate.goes_into(1 << 16).unwrap_or(u64::MAX)
    }
}

/// The times of operators without cycles of their own: the largest of three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compute {
    /// Cycles for each declared multiply-accumulate of an operator.
    pub cycles_per_mac: Ratio,
    /// Bytes per cycle of everything that an operator reads and writes; not zero. `None` if that is never the largest.
    pub bytes_per_cycle: Option<Ratio>,
    /// The least cycles of every operator.
    pub least_cycles: Cycles,
}

impl Default for Compute {
    /// One cycle for each operator.
    fn default() -> Compute {
        Compute { cycles_per_mac: Ratio::ZERO, bytes_per_cycle: None, least_cycles: Cycles(1) }
    }
}

/// The speed of a machine: see [`time`](mod@crate::time) for the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Queues of transfers.
    pub channels: Vec<Channel>,
    /// By link, in the order of [`Machine::links`].
    pub timings: Vec<Timing>,
    /// The speed of the compute engine.
    pub compute: Compute,
}

impl Clock {
    /// A clock for [`Machine::with_host`] with a channel in each direction, both at one rate in bytes per cycle, and
    /// operators that take these cycles per multiply-accumulate, at least one.
    pub fn each_way(rate: Ratio, cycles_per_mac: Ratio) -> Clock {
        let timing = |channel| Timing {
            channel: ChannelId(channel),
            rate,
            setup: Cycles::ZERO,
            latency: Cycles::ZERO,
            burst: Bytes::ZERO,
        };
        Clock {
            channels: ["in", "out"].map(|it| Channel { name: it.into() }).to_vec(),
            timings: vec![timing(0), timing(1)],
            compute: Compute { cycles_per_mac, ..Compute::default() },
        }
    }

    /// Checks that it is a clock for [`Machine::with_host`].
    ///
    /// # Errors
    /// Those of [`Machine::with_clock`].
    pub fn check_with_host(&self) -> Result<(), Error> {
        Machine::with_host(Bytes(1), Bytes(1)).with_clock(self.clone()).map(|_| ())
    }

    /// Checks that it can be the clock of a machine with these links.
    pub(crate) fn check(&self, links: &[Link], name: impl Fn(MemoryId) -> String) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::Machine(why));
        for (index, Channel { name }) in self.channels.iter().enumerate() {
            if name.is_empty() || name.contains(char::is_whitespace) {
                return refuse(format!("a channel cannot have the name '{name}'"));
            }
            if self.channels[..index].iter().any(|it| it.name == *name) {
                return refuse(format!("two channels have the name {name}"));
            }
        }
        if self.timings.len() != links.len() {
            return refuse("either each link has a rate or none".into());
        }
        for (link, timing) in links.iter().zip(&self.timings) {
            let way = || format!("the link from {} to {}", name(link.from), name(link.to));
            if timing.rate.is_zero() {
                return refuse(format!("{} has the rate 0", way()));
            }
            if self.channels.len() <= timing.channel.index() {
                return refuse(format!("{} is on a channel that does not exist", way()));
            }
        }
        if self.compute.bytes_per_cycle.is_some_and(Ratio::is_zero) {
            return refuse("operators move 0 bytes per cycle".into());
        }
        Ok(())
    }
}

impl Machine {
    /// The timing of transfers from one memory to another; `None` without a clock or a link.
    pub fn timing(&self, from: MemoryId, to: MemoryId) -> Option<&Timing> {
        let link = self.links().iter().position(|it| (it.from, it.to) == (from, to))?;
        self.clock()?.timings.get(link)
    }
}

impl Problem {
    /// The compute time of an operator: its own [`cycles`](crate::Op::cycles), or else the time by the machine's
    /// [`Compute`]. `None` without a clock.
    ///
    /// # Errors
    /// [`Error::TooManyCycles`].
    pub fn cycles(&self, op: OpId) -> Result<Option<Cycles>, Error> {
        let Some(clock) = self.machine.clock() else { return Ok(None) };
        let operator = self.graph.op(op);
        if operator.cycles.is_some() {
            return Ok(operator.cycles);
        }
        let Compute { cycles_per_mac, bytes_per_cycle, least_cycles } = clock.compute;
        let of_macs = cycles_per_mac.times(operator.macs.unwrap_or(0)).ok_or(Error::TooManyCycles)?;
        let tensors = operator.reads.iter().map(|it| it.tensor).chain(operator.writes.iter().copied());
        let bytes: Bytes = tensors.map(|it| self.graph.tensor(it).size).sum();
        let of_bytes = bytes_per_cycle.map_or(Some(0), |it| it.goes_into(bytes.0)).ok_or(Error::TooManyCycles)?;
        Ok(Some(Cycles(of_macs.max(of_bytes)).max(least_cycles)))
    }

    /// The number of operators with neither cycles nor multiply-accumulates: their time is that of the bytes that they
    /// access.
    pub fn ops_without_cycles(&self) -> usize {
        self.graph.ops().iter().filter(|it| it.macs.is_none() && it.cycles.is_none()).count()
    }
}
