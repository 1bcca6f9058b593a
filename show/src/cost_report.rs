//! What the transfers of a program cost by the prices of links, in numbers, as reports have it in JSON.

use cosma_planner::{Action, Bytes, Link, MemoryId, Problem, bytes_by_link};
use serde::Serialize;

/// What the transfers of a plan for several memories cost, or accesses where nothing moves, by the prices of links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CostReport {
    /// All of them.
    pub total: u64,
    /// No program costs less, in any order that is allowed.
    pub lower_bound: u64,
    /// Link by link, in the order of the machine; empty unless there is a program.
    pub links: Vec<LinkReport>,
}

/// What goes over a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkReport {
    /// The name of the memory from which it leads.
    pub from: String,
    /// The name of the one to which it leads.
    pub to: String,
    /// How many bytes go over it.
    pub bytes: u64,
    /// What a byte costs.
    pub price: u64,
    /// What all of them cost.
    pub cost: u64,
}

impl LinkReport {
    /// Counts what a program moves over each link of its machine; where nothing moves, what its operators access over it.
    pub fn of_each(problem: &Problem, actions: &[Action]) -> Vec<LinkReport> {
        let name = |it: MemoryId| problem.machine.memories()[it.index()].name.clone();
        let link = |(link, bytes): (&Link, Bytes)| {
            let (Bytes(bytes), price) = (bytes, link.price);
            LinkReport { from: name(link.from), to: name(link.to), bytes, price, cost: bytes.saturating_mul(price) }
        };
        problem.machine.links().iter().zip(bytes_by_link(problem, actions)).map(link).collect()
    }
}
