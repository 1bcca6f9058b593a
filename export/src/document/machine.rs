//! The machine, as JSON.

use cosma_planner::{Apart, Machine, Moves};
use serde::{Deserialize, Serialize};

/// The memories of a machine, and the links between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineDocument {
    /// The first is host memory, the second the scratchpad.
    pub memories: Vec<MemoryDocument>,
    /// The links that copies use.
    pub links: Vec<LinkDocument>,
    /// `none` if nothing moves: then operators access memories over the links, and each tensor keeps its place. Otherwise
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moves: Option<String>,
    /// The channels of transfers; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<String>>,
    /// The speed of operators; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute: Option<ComputeDocument>,
}

/// A memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryDocument {
    /// Its name, unique.
    pub name: String,
    /// The size in bytes; absent for a memory without addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Every offset is a multiple of this number of bytes.
    pub alignment: u64,
    /// Addresses that plans must not use, each range half-open.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reserved: Vec<[u64; 2]>,
    /// Its banks; absent for a memory without banks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banks: Option<BanksDocument>,
}

/// Equal parts of a memory; no block crosses the border between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanksDocument {
    /// The size of each, in bytes.
    pub bytes: u64,
    /// Whether the operands of one operator must lie in different banks.
    pub apart: bool,
    /// What two operands of one operator in one bank cost, in bytes of traffic; absent where they cost nothing or must not
    /// lie there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price: Option<u64>,
}

/// A link for copies from one memory to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkDocument {
    /// The source.
    pub from: String,
    /// The destination.
    pub to: String,
    /// The price of a byte.
    pub price: u64,
    /// How long transfers take; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<TimingDocument>,
}

/// The duration of transfers over a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingDocument {
    /// The channel that carries them.
    pub channel: String,
    /// Bytes per cycle, as `16` or `15/4`.
    pub rate: String,
    /// Cycles of the channel before the first byte of each transfer.
    pub setup: u64,
    /// Cycles from the end of a transfer on its channel to its completion.
    pub latency: u64,
    /// A transfer of fewer bytes takes as long as one of this many.
    pub burst: u64,
}

/// The duration of operators that do not declare their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeDocument {
    /// Cycles for each multiply-accumulate, as `1/512`.
    pub cycles_per_mac: String,
    /// Bytes per cycle of an operator's operands and results; absent if this never limits an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_cycle: Option<String>,
    /// The least duration of an operator.
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
            banks: it.banks.map(|it| BanksDocument {
                bytes: it.size.0,
                apart: it.apart == Apart::Must,
                price: match it.apart {
                    Apart::Price(price) => Some(price),
                    Apart::No | Apart::Must => None,
                },
            }),
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
