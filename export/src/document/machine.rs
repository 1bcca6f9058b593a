//! The machine, as JSON.

use cosma_planner::{Machine, Moves};
use serde::{Deserialize, Serialize};

/// The memories of a machine, and the ways between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineDocument {
    /// The first is host memory, the second the scratchpad.
    pub memories: Vec<MemoryDocument>,
    /// The ways over which copies go.
    pub links: Vec<LinkDocument>,
    /// `none` where nothing moves: then links are ways for accesses of operators, and places are for good. Absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moves: Option<String>,
    /// The queues of transfers; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<String>>,
    /// How fast operators are; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute: Option<ComputeDocument>,
}

/// A memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryDocument {
    /// Its name, unique.
    pub name: String,
    /// In bytes; absent where each tensor lies apart, and no addresses are decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Every offset is a multiple of it.
    pub alignment: u64,
    /// Addresses that are not to be used, each half-open.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reserved: Vec<[u64; 2]>,
    /// Its banks; absent without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banks: Option<BanksDocument>,
}

/// Equal parts of a memory, across which nothing lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanksDocument {
    /// Of each.
    pub bytes: u64,
    /// Whether no two operands of one operator lie in one bank.
    pub apart: bool,
}

/// A way for copies from one memory to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkDocument {
    /// The memory where copies come from.
    pub from: String,
    /// The memory where they go.
    pub to: String,
    /// What a byte costs.
    pub price: u64,
    /// How long transfers take; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<TimingDocument>,
}

/// How long transfers over a link take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingDocument {
    /// The queue in which they go.
    pub channel: String,
    /// Bytes per cycle, as `16` or `15/4`.
    pub rate: String,
    /// Cycles of the channel before the first byte of each.
    pub setup: u64,
    /// Cycles from when the channel is done with a transfer to when it is complete.
    pub latency: u64,
    /// A transfer of fewer bytes takes as long as one of so many.
    pub burst: u64,
}

/// How long operators take that do not say so themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeDocument {
    /// Cycles for each multiply-accumulate, as `1/512`.
    pub cycles_per_mac: String,
    /// Bytes per cycle of all that an operator reads and writes; absent if that never is what takes longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_cycle: Option<String>,
    /// Every operator takes so many at least.
    pub least_cycles: u64,
}

impl MachineDocument {
    /// The document of a machine.
    pub(super) fn of(machine: &Machine) -> MachineDocument {
        let name = |it: cosma_planner::MemoryId| machine.memories()[it.index()].name.clone();
        let memories = machine.memories().iter().map(|it| MemoryDocument {
            name: it.name.clone(),
            size: it.size.map(|it| it.0),
            alignment: it.alignment.0,
            reserved: it.reserved.iter().map(|it| [it.start.0, it.end.0]).collect(),
            banks: it.banks.map(|it| BanksDocument { bytes: it.size.0, apart: it.apart }),
        });
        let links = machine.links().iter().map(|it| LinkDocument {
            from: name(it.from),
            to: name(it.to),
            price: it.price,
            timing: machine.clock().zip(machine.timing(it.from, it.to)).map(|(clock, timing)| TimingDocument {
                channel: clock.channels[timing.channel.index()].name.clone(),
                rate: timing.rate.to_string(),
                setup: timing.setup.0,
                latency: timing.latency.0,
                burst: timing.burst.0,
            }),
        });
        MachineDocument {
            memories: memories.collect(),
            links: links.collect(),
            moves: (machine.moves() == Moves::None).then(|| machine.moves().name().into()),
            channels: machine.clock().map(|it| it.channels.iter().map(|it| it.name.clone()).collect()),
            compute: machine.clock().map(|it| ComputeDocument {
                cycles_per_mac: it.compute.cycles_per_mac.to_string(),
                bytes_per_cycle: it.compute.bytes_per_cycle.map(|it| it.to_string()),
                least_cycles: it.compute.least_cycles.0,
            }),
        }
    }
}
