//! The lines that must come after outgoing transfers.
//!
//! - A reload must come after the spill of its tensor.
//! - A load into the place of an outgoing transfer comes after it on the same channel, or waits for it.
//! - An operator that writes to its place waits for it.

use super::transfers::{Transfers, WriteBack};
use crate::{Bytes, Plan, Problem};

/// The dependences on outgoing transfers.
pub(super) struct Order {
    /// By load: the outgoing transfers that must be complete before it, as indices of [`Transfers::write_backs`].
    pub sources: Vec<Vec<usize>>,
    /// By load: the outgoing transfers of tensors at its destination.
    pub behind: Vec<Vec<usize>>,
    /// By outgoing transfer: the step whose operator overwrites it.
    pub blocks: Vec<Option<usize>>,
}

impl Order {
    /// The dependences at the addresses of a plan.
    pub fn by_addresses(problem: &Problem, plan: &Plan, transfers: &Transfers) -> Order {
        let extent = |residency: usize| {
            let it = &plan.residencies[residency];
            (it.offset, it.offset + problem.graph.tensor(it.tensor).size)
        };
        let meet = |a: (Bytes, Bytes), b: (Bytes, Bytes)| a.0.max(b.0) < a.1.min(b.1);
        let mut order = Order::of_tensors(problem, plan, transfers);
        for (load, it) in transfers.loads.iter().enumerate() {
            let place = extent(it.residency);
            let is_before = |back: &WriteBack| back.made < it.due && meet(place, extent(back.residency));
            let met = transfers.write_backs.iter().enumerate().filter(|it| is_before(it.1));
            order.behind[load] = met.map(|it| it.0).collect();
        }
        for (back, it) in transfers.write_backs.iter().enumerate() {
            let place = extent(it.residency);
            let is_written = |residency: &usize| {
                let start = plan.residencies[*residency].steps.start.index();
                let op = plan.order[start];
                let is_made = problem.graph.producer(plan.residencies[*residency].tensor) == Some(op);
                it.made < start && is_made && meet(place, extent(*residency))
            };
            let by_results = (0..plan.residencies.len()).filter(is_written);
            let by_results = by_results.map(|it| plan.residencies[it].steps.start.index()).min();
            let by_workspace = |step: &usize| {
                let start = plan.workspaces[*step];
                meet(place, (start, start + problem.graph.op(plan.order[*step]).workspace))
            };
            let by_workspace = (it.made + 1..plan.order.len()).find(by_workspace);
            order.blocks[back] = by_results.into_iter().chain(by_workspace).min();
        }
        order
    }

    /// Without addresses: an outgoing tensor keeps its space as long as there is space for it beside the residencies.
    pub fn by_rooms(problem: &Problem, plan: &Plan, transfers: &Transfers) -> Order {
        let mut order = Order::of_tensors(problem, plan, transfers);
        let is_full = |step: &usize, back: &WriteBack| {
            let room = back.size.align_up(problem.machine.alignment());
            problem.capacity() < transfers.steps[*step].room + room
        };
        let leaves =
            transfers.write_backs.iter().map(|it| (it.leaves..transfers.steps.len()).find(|step| is_full(step, it)));
        order.blocks = leaves.collect();
        order
    }

    fn of_tensors(problem: &Problem, plan: &Plan, transfers: &Transfers) -> Order {
        let mut back_of: Vec<Option<usize>> = vec![None; problem.graph.tensors().len()];
        for (back, it) in transfers.write_backs.iter().enumerate() {
            back_of[plan.residencies[it.residency].tensor.index()] = Some(back);
        }
        let sources = transfers.loads.iter().map(|it| {
            let tensor = plan.residencies[it.residency].tensor;
            let parts = problem.graph.parts(tensor).iter().chain([&tensor]);
            parts.filter_map(|it| back_of[it.index()]).collect()
        });
        let sources: Vec<Vec<usize>> = sources.collect();
        let n_backs = transfers.write_backs.len();
        Order { behind: vec![Vec::new(); sources.len()], sources, blocks: vec![None; n_backs] }
    }
}
