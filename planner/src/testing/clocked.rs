//! Random clocks.

use super::Choices;
use crate::time::{Channel, ChannelId, Clock, Compute, Ratio, Timing};
use crate::{Bytes, Cycles, Machine};

/// A machine with a clock with one channel or one in each direction, with small numbers, so that neither transfers nor
/// operators always dominate.
pub fn clocked(machine: &Machine, choices: &mut Choices) -> Machine {
    let n_channels = choices.one_of(&[1, 1, 2]);
    let mut timing = |channel| Timing {
        channel: ChannelId(channel),
        rate: choices
            .one_of(&[Ratio::new(1, 1), Ratio::new(4, 1), Ratio::new(16, 1), Ratio::new(15, 4), Ratio::new(1, 3)])
            .expect("no denominator is 0"),
        setup: Cycles(choices.one_of(&[0, 0, 2, 9])),
        latency: Cycles(choices.one_of(&[0, 0, 3, 20])),
        burst: Bytes(choices.one_of(&[0, 0, 16])),
    };
    let timings = machine.links().iter().enumerate().map(|(link, _)| timing(link as u32 % n_channels)).collect();
    let channels = (0..n_channels).map(|it| Channel { name: format!("c{it}") }).collect();
    let compute = Compute {
        cycles_per_mac: Ratio::ZERO,
        bytes_per_cycle: choices.one_of(&[Ratio::new(4, 1), Ratio::new(1, 1), Ratio::new(1, 5), None]),
        least_cycles: Cycles(choices.one_of(&[1, 0, 7])),
    };
    machine.clone().with_clock(Clock { channels, timings, compute }).expect("it is a clock")
}
