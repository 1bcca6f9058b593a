//! The time of a program in numbers, as reports have it in JSON.

use cosma_planner::time::{Reason, simulate};
use cosma_planner::{Action, Cycles, Problem};
use serde::Serialize;

/// How long a planned program takes, in cycles.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeReport {
    /// The cycles of the whole program.
    pub cycles: u64,
    /// A proven lower bound for programs with this order and these residencies.
    pub lower_bound: u64,
    /// The name of that bound: `B0` to `B5`, see the book's chapter on time.
    pub bound: String,
    /// A proven lower bound for programs in any order.
    pub any_order_lower_bound: u64,
    /// The name of that bound.
    pub any_order_bound: String,
    /// The cycles of all operators.
    pub compute: u64,
    /// The stalls of the compute engine: with `compute`, they add up to `cycles`.
    pub stalls: StallReport,
    /// The share of the transfer time during which an operator computes; absent without transfers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<f64>,
    /// The channels of the machine.
    pub channels: Vec<ChannelReport>,
}

/// Cycles in which the compute engine stalls, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StallReport {
    /// A channel was busy with other transfers, or had too little time: more bandwidth would help.
    pub channel: u64,
    /// The destination of a transfer was occupied: a larger scratchpad would help.
    pub place: u64,
    /// The channel had already finished; only the latency remained.
    pub latency: u64,
    /// The spill of the tensor was still in progress.
    pub write_back: u64,
    /// A transfer begins later than possible, as without overlap.
    pub late: u64,
}

/// The use of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelReport {
    /// Its name.
    pub name: String,
    /// The bytes that it carries.
    pub bytes: u64,
    /// Cycles in which it is busy.
    pub busy: u64,
}

impl TimeReport {
    /// Times a program of a problem against the clock of its machine. The bounds are cycles and the names of their
    /// rules: of programs of this order and these residencies, and of all. `None` without a clock, and if the program
    /// takes more cycles than can be counted.
    pub fn new(
        problem: &Problem,
        actions: &[Action],
        bound: (Cycles, String),
        any_order: (Cycles, String),
    ) -> Option<TimeReport> {
        let clock = problem.machine.clock()?;
        let timeline = simulate(problem, actions).ok()?;
        let lost = |reason| timeline.lost(reason).0;
        let channels = clock.channels.iter().zip(&timeline.channels);
        Some(TimeReport {
            cycles: timeline.makespan.0,
            lower_bound: bound.0.0,
            bound: bound.1,
            any_order_lower_bound: any_order.0.0,
            any_order_bound: any_order.1,
            compute: timeline.compute.0,
            stalls: StallReport {
                channel: lost(Reason::Channel),
                place: lost(Reason::Place),
                latency: lost(Reason::Latency),
                write_back: lost(Reason::WriteBack),
                late: lost(Reason::Late),
            },
            hidden: timeline.hidden(),
            channels: channels
                .map(|(it, used)| ChannelReport { name: it.name.clone(), bytes: used.bytes.0, busy: used.busy.0 })
                .collect(),
        })
    }
}
