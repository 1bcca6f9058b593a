//! One memory and one address for each tensor in the whole run: for runtimes without DMA, where nothing moves
//! ([`Moves::None`](crate::Moves::None)).
//!
//! Operators read and write their tensors in place. Placement chooses the memory of each tensor, weights included, and
//! its offset there, such that the total cost of all accesses, each byte at the price of its memory, is minimal.
//!
//! Lifetimes are steps, half-open:
//!
//! - a result of an operator lives from its step to its last reader; a result of the network, to the end;
//! - an argument is written before the first step by the caller, and lives to its last reader;
//! - a weight lives in all steps, since the next run needs it again.
//!
//! Tensors that share a step share no byte, except a result in the place of an operand that dies with its operator
//! ([`Op::in_place`](crate::Op::in_place)). Only arguments and results of operators may be such operands, and only if
//! they are not results of the network. Workspaces lie in the scratchpad.
//!
//! The steps below treat a bank as a memory of its own (`settled.rs`), and keep apart the operands that must lie in
//! different banks.
//!
//! 1. *Relaxation* (`bound.rs`): in each step and each memory, padded sizes add up to at most the capacity. Lagrange
//!    multipliers on these rows give a bound, assignments to start from, and the memories that no better placement
//!    uses.
//! 2. *Assignment* (`ilp/placement.rs`, with the feature `ilp`): a binary variable for each tensor and each memory that
//!    is left, and one for each pair that may share bytes; the rows are those of the relaxation.
//! 3. *Addresses* (`addresses.rs`): each memory is packed by itself. If that is impossible, a minimal set of tensors
//!    that do not fit together is excluded from that memory, and the program is solved again, so the bound stays valid.
//! 4. Without a given order, several orders are tried; a relaxation with rows that hold in all orders gives the bound.

mod access;
mod addresses;
mod bound;
mod fill;
mod in_order;
mod largest_first;
mod lives;
mod settled;

pub use largest_first::place_largest_first;

pub(crate) use access::Accesses;
#[cfg(feature = "ilp")]
pub(crate) use lives::is_aligned;
pub(crate) use lives::{Lives, Rooms};
use settled::{Settled, settled_order};

use crate::baseline::{breadth_first, depth_first, least_peak_until};
use crate::portfolio::Order;
use crate::progress::Observer;
use crate::{
    Action, Apart, Banks, Bytes, Deadline, Error, MemoryId, Moves, OpId, Origin, Phase, Place, Problem, Slot, Step,
    TensorId, Traffic, Watcher, When,
};
use in_order::{Best, InOrder};
use std::ops::Range;
use std::time::Duration;

/// The memory and the address of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Operator by step.
    pub order: Vec<OpId>,
    /// By tensor; `None` for a tensor that is neither read nor written nor a result.
    pub places: Vec<Option<Place>>,
    /// By step: offset of the workspace in the scratchpad; zero if there is none.
    pub workspaces: Vec<Bytes>,
}

/// A placement, its cost and bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementSolution {
    /// The placement.
    pub placement: Placement,
    /// The cost of all accesses of one run: [`Placement::cost`].
    pub cost: u128,
    /// A lower bound on the cost of every placement with an allowed order.
    pub lower_bound: u128,
    /// A lower bound on the cost of every placement with the order of this one.
    pub lower_bound_in_order: u128,
}

impl PlacementSolution {
    /// Whether no placement with an allowed order costs less.
    pub fn is_optimal(&self) -> bool {
        self.cost == self.lower_bound
    }

    /// Whether no placement with the order of this one costs less.
    pub fn is_optimal_in_order(&self) -> bool {
        self.cost == self.lower_bound_in_order
    }
}

/// The use of a memory by a placement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// The most bytes in use at once, without padding; bytes that tensors share count once.
    pub peak: Bytes,
    /// The end of the highest block; zero in a memory without a size, which has no addresses.
    pub height: Bytes,
}

/// Options of a search for a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacementOptions {
    /// Which orders are allowed.
    pub order: Order,
    /// The time limit of the search for something better.
    pub time_limit: Duration,
}

impl Default for PlacementOptions {
    fn default() -> PlacementOptions {
        PlacementOptions { order: Order::Free, time_limit: Duration::from_secs(10) }
    }
}

impl Placement {
    /// The steps in which each tensor needs its place, half-open; empty for a tensor without a place.
    pub fn lifetimes(&self, problem: &Problem) -> Vec<Range<Step>> {
        let lives = Lives::in_order(problem, &self.order);
        let steps = |rows: &Vec<Range<u32>>| rows.first().map_or(Step(0)..Step(0), |it| Step(it.start)..Step(it.end));
        lives.rows.iter().map(steps).collect()
    }

    /// The program: the places of arguments and weights, and then only runs.
    pub fn actions(&self, problem: &Problem) -> Vec<Action> {
        let graph = &problem.graph;
        let slot = |tensor: TensorId| self.places[tensor.index()].map(|place| Slot { tensor, place });
        let starts = graph.tensor_ids().filter(|it| graph.producer(*it).is_none()).filter_map(slot);
        let place = |tensor: TensorId| slot(tensor).expect("what is read or written has a place");
        let run = |(&op, &workspace): (&OpId, &Bytes)| Action::Run {
            op,
            reads: graph.op(op).reads.iter().map(|it| place(it.tensor)).collect(),
            writes: graph.op(op).writes.iter().map(|it| place(*it)).collect(),
            workspace,
        };
        starts.map(Action::Start).chain(self.order.iter().zip(&self.workspaces).map(run)).collect()
    }

    /// The cost of all accesses of one run: the bytes of each tensor, for each operator that reads or writes it, at the
    /// price of its memory.
    pub fn cost(&self, problem: &Problem) -> u128 {
        Traffic::of(problem, &self.actions(problem)).cost
    }

    /// The use of each memory, by id.
    pub fn memory_uses(&self, problem: &Problem) -> Vec<MemoryUse> {
        let lifetimes = self.lifetimes(problem);
        let use_of = |memory: MemoryId| {
            let has_addresses = problem.machine.memories()[memory.index()].size.is_some();
            // By step: bytes in use, half-open; in a memory without addresses they follow each other.
            let mut blocks: Vec<Vec<(u64, u64)>> = vec![Vec::new(); self.order.len().max(1)];
            let mut end = 0;
            for (tensor, place) in problem.graph.tensors().iter().zip(&self.places).zip(&lifetimes) {
                let ((tensor, Some(place)), steps) = (tensor, place) else { continue };
                if place.memory != memory || tensor.size == Bytes::ZERO {
                    continue;
                }
                let low = if has_addresses { place.offset.0 } else { end };
                end = end.max(low + tensor.size.0);
                let during = &mut blocks[steps.start.index()..steps.end.index()];
                during.iter_mut().for_each(|it| it.push((low, low + tensor.size.0)));
            }
            for (step, (op, offset)) in self.order.iter().zip(&self.workspaces).enumerate() {
                let size = problem.graph.op(*op).workspace;
                if memory == MemoryId::SCRATCHPAD && size != Bytes::ZERO {
                    end = end.max((*offset + size).0);
                    blocks[step].push((offset.0, (*offset + size).0));
                }
            }
            let peak = blocks.into_iter().map(covered).max().unwrap_or(0);
            MemoryUse { peak: Bytes(peak), height: if has_addresses { Bytes(end) } else { Bytes::ZERO } }
        };
        (0..problem.machine.memories().len() as u32).map(MemoryId).map(use_of).collect()
    }

    /// As text: a line for each tensor with its memory, its offset if the memory has addresses, and its steps,
    /// half-open; and a line for each workspace.
    ///
    /// ```text
    /// x in sram at 64 during 0..3
    /// w in flash during 0..5
    /// workspace conv at 0 during 1..2
    /// ```
    pub fn text(&self, problem: &Problem) -> Vec<String> {
        let graph = &problem.graph;
        let mut lines = Vec::new();
        for ((tensor, place), steps) in graph.tensors().iter().zip(&self.places).zip(self.lifetimes(problem)) {
            let Some(place) = place else { continue };
            let memory = &problem.machine.memories()[place.memory.index()];
            let at = if memory.size.is_some() { format!(" at {}", place.offset) } else { String::new() };
            lines.push(format!("{} in {}{at} during {}..{}", tensor.name, memory.name, steps.start, steps.end));
        }
        for (step, (op, offset)) in self.order.iter().zip(&self.workspaces).enumerate() {
            let op = graph.op(*op);
            if op.workspace != Bytes::ZERO {
                lines.push(format!("workspace {} at {offset} during {step}..{}", op.name, step + 1));
            }
        }
        lines
    }
}

/// The number of bytes that these ranges cover, each counted once.
fn covered(mut blocks: Vec<(u64, u64)>) -> u64 {
    blocks.sort_unstable();
    let (mut sum, mut end) = (0, 0);
    for (low, high) in blocks {
        sum += high.max(end) - low.max(end);
        end = end.max(high);
    }
    sum
}

/// The cheapest placement found within the time limit, on a machine where nothing moves. The memories of uses are
/// ignored there.
///
/// In a given order it is exact with the feature `ilp`, if there is enough time; without it the bound is that of the
/// relaxation. With a free order several orders are tried.
///
/// # Errors
/// [`Error::NotPlanned`] if the machine moves tensors, and for tensors that are staged, have pins, or start or end in
/// the scratchpad, and operators that may run again; [`Error::ZeroAlignment`], [`Error::AlignmentTooLarge`];
/// [`Error::TooLarge`] if the sum of sizes, padded sizes or costs is too large; [`Error::ScratchpadTooSmall`] if a
/// workspace does not fit; [`Error::NoPlace`] if a tensor fits none of the memories that it may lie in;
/// [`Error::NotPlaced`] if all tensors do not fit together, or no placement was found.
pub fn place(problem: &Problem, options: &PlacementOptions) -> Result<PlacementSolution, Error> {
    place_until(problem, options.order, Deadline::after(options.time_limit))
}

/// Likewise, under the eyes of a watcher, whose answer stops it: then the placement is the best that was found so far. What
/// it is told in bytes says nothing, since placements are not about traffic.
///
/// # Errors
/// Those of [`place()`].
pub fn place_watched(
    problem: &Problem,
    options: &PlacementOptions,
    watcher: &Watcher,
) -> Result<PlacementSolution, Error> {
    let observer = Observer::new(watcher, Bytes::ZERO, options.time_limit);
    let deadline = Deadline::after(options.time_limit).watched(&observer);
    let solution = place_until(problem, options.order, deadline.in_private())?;
    deadline.enter(Phase::Done);
    Ok(solution)
}

fn place_until(problem: &Problem, order: Order, deadline: Deadline) -> Result<PlacementSolution, Error> {
    let settled = Settled::new(problem)?;
    let graph = &settled.problem.graph;
    let source: Vec<OpId> = graph.op_ids().collect();
    let orders = match order {
        Order::Source => vec![source],
        Order::Free => {
            let mut orders = vec![source, depth_first(graph), breadth_first(graph)];
            if !deadline.has_passed() {
                orders.push(least_peak_until(&settled.problem, PEAK_WIDTH, deadline.part(0.1)).order);
            }
            let mut known: Vec<Vec<OpId>> = Vec::new();
            orders.retain(|order| {
                !known.contains(order) && {
                    known.push(order.clone());
                    true
                }
            });
            orders
        }
    };
    place_in_orders(&settled, orders, order, deadline)
}

/// The same in a given order; both bounds are then for this order.
///
/// # Errors
/// [`Error::Schedule`] if it is not an order of all operators that respects their dependences; those of [`place()`].
pub fn place_in_order(
    problem: &Problem,
    order: &[OpId],
    options: &PlacementOptions,
) -> Result<PlacementSolution, Error> {
    let deadline = Deadline::after(options.time_limit);
    problem.check_order(order)?;
    let settled = Settled::new(problem)?;
    place_in_orders(&settled, vec![settled_order(order)], Order::Source, deadline)
}

/// The number of sets per level of the search for the order with the least peak, one of several orders.
const PEAK_WIDTH: usize = 30;

fn place_in_orders(
    settled: &Settled<'_>,
    orders: Vec<Vec<OpId>>,
    allowed: Order,
    deadline: Deadline,
) -> Result<PlacementSolution, Error> {
    let problem = &settled.problem;
    let accesses = Accesses::of(settled)?;
    let in_orders: Vec<InOrder> =
        orders.iter().map(|order| InOrder::new(problem, &accesses, &settled.apart, order)).collect();
    // The best placement so far, with the index of its order.
    let mut best: Option<(usize, Best)> = None;
    let mut bounds: Vec<u64> = Vec::new();
    for (index, in_order) in in_orders.iter().enumerate() {
        let (found, bound) = in_order.fill(best.as_ref().map(|it| it.1.cost), deadline);
        bounds.push(bound);
        if let Some(found) = found.filter(|it| best.as_ref().is_none_or(|best| it.cost < best.1.cost)) {
            best = Some((index, found));
        }
    }
    // A bound for any order; unused with a given order.
    let mut for_all = 0;
    let any = (allowed == Order::Free).then(|| Lives::in_any_order(problem, deadline));
    if let Some(any) = &any {
        let upper = best.as_ref().map(|it| it.1.cost);
        for_all = bound::relax(problem, &accesses, any, &Rooms::of(problem, any), upper, deadline).bound;
    }
    // The most promising order first.
    let mut turns: Vec<usize> = (0..orders.len()).collect();
    turns.sort_by_key(|it| (bounds[*it], *it));
    for (nth, &index) in turns.iter().enumerate() {
        let upper = best.as_ref().map(|it| it.1.cost);
        let is_done = upper.is_some_and(|it| it <= for_all || it <= bounds[index]);
        if is_done || deadline.has_passed() && best.is_some() {
            continue;
        }
        let share = 1.0 / (turns.len() - nth + usize::from(any.is_some())) as f64;
        let (found, bound) = in_orders[index].improve(upper, bounds[index], deadline.part(share))?;
        bounds[index] = bounds[index].max(bound);
        if let Some(found) = found {
            best = Some((index, found));
        }
    }
    let Some((index, best)) = best else {
        let is_proven = bounds.contains(&u64::MAX) && allowed == Order::Source || for_all == u64::MAX;
        let n_ops = problem.graph.ops().len();
        let crowd = match &any {
            None => crowd(settled, &accesses, &Lives::in_order(problem, &orders[0]), |row| orders[0].get(row).copied()),
            Some(any) => {
                crowd(settled, &accesses, any, |row| Some(OpId(row.checked_sub(1).filter(|it| *it < n_ops)? as u32)))
            }
        };
        return Err(match crowd {
            Some(why) => Error::NotPlaced { why, is_proven: true },
            None => not_placed(settled.original(), &accesses, is_proven),
        });
    };
    if let Some(any) = any.filter(|_| for_all < best.cost) {
        for_all = for_all.max(in_order::bound_by_assignment(settled, &accesses, &any, best.cost, for_all, deadline));
    }
    let in_order = bounds[index].min(best.cost);
    let lower_bound = if allowed == Order::Free { for_all.min(best.cost) } else { in_order };
    let cost = u128::from(best.cost);
    let placement = settled.back(best.placement(&orders[index]));
    debug_assert_eq!(cost, placement.cost(settled.original()));
    let lower_bound_in_order = u128::from(in_order.max(lower_bound));
    Ok(PlacementSolution { placement, cost, lower_bound: lower_bound.into(), lower_bound_in_order })
}

/// Whether the problem can be placed, and each tensor alone has a place.
fn check_is_placed(problem: &Problem) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::NotPlanned(why));
    let Problem { graph, machine } = problem;
    if machine.moves() != Moves::None {
        return refuse("one place for each tensor on a machine whose links move tensors".into());
    }
    for memory in machine.memories() {
        if memory.alignment == Bytes::ZERO {
            return Err(Error::ZeroAlignment);
        }
        if Bytes(1 << 32) < memory.alignment {
            return Err(Error::AlignmentTooLarge);
        }
        if memory.size.is_none() && !memory.reserved.is_empty() {
            return refuse(format!("reserved addresses in {}, which has no addresses", memory.name));
        }
    }
    problem.check_sizes()?;
    for tensor in graph.tensors() {
        let what = match tensor {
            it if it.origin == Origin::Staged => "is staged",
            it if it.pin.is_some() => "is pinned",
            it if it.starts_on_chip || it.ends_on_chip => "starts or ends in the scratchpad",
            _ => continue,
        };
        return refuse(format!("{} {what}, on a machine where nothing moves", tensor.name));
    }
    let is_priced = |it: &&crate::Memory| matches!(it.banks, Some(Banks { apart: Apart::Price(_), .. }));
    if let Some(memory) = problem.machine.memories().iter().find(is_priced) {
        return refuse(format!("a price of operands in one bank of {}, where nothing moves", memory.name));
    }
    if let Some(op) = graph.ops().iter().find(|it| it.may_rerun) {
        return refuse(format!("operators that may run again: {}", op.name));
    }
    let stretch = machine.largest_stretch();
    let scratchpad = stretch.end - stretch.start;
    let workspace = |op: OpId| graph.op(op).workspace;
    if let Some(op) = graph.op_ids().find(|it| scratchpad < workspace(*it)) {
        let most = graph.op_ids().map(workspace).max().unwrap_or_default();
        let op = graph.op_ids().find(|it| workspace(*it) == most).unwrap_or(op);
        return Err(Error::ScratchpadTooSmall { op, needed: most, scratchpad, min_scratchpad: most });
    }
    Ok(())
}

/// The maximum number of names in a message.
const MOST_NAMES: usize = 8;

/// The tensors whose sizes together exceed all memories with addresses, in the row where they do so the most; `None` if
/// there is no such row. Alignment and addresses play no role.
fn crowd(
    settled: &Settled<'_>,
    accesses: &Accesses,
    lives: &Lives,
    op_of_row: impl Fn(usize) -> Option<OpId>,
) -> Option<String> {
    let Problem { graph, machine } = &settled.problem;
    let has_addresses = |it: MemoryId| machine.memories()[it.index()].size.is_some();
    let stretches = machine.memories().iter().flat_map(|it| it.stretches());
    let there_is: u128 = stretches.map(|it| u128::from((it.end - it.start).0)).sum();
    let rows = lives.without_inner(&settled.problem, accesses);
    let mut needed: Vec<u128> = lives.workspaces.iter().map(|it| it.0.into()).collect();
    let mut crowds: Vec<Vec<TensorId>> = vec![Vec::new(); lives.n_rows];
    for tensor in graph.tensor_ids() {
        let (options, size) = (&accesses.options[tensor.index()], graph.tensor(tensor).size);
        if options.is_empty() || size == Bytes::ZERO || options.iter().any(|it| !has_addresses(it.0)) {
            continue;
        }
        for row in rows[tensor.index()].iter().cloned().flatten() {
            needed[row as usize] += u128::from(size.0);
            crowds[row as usize].push(tensor);
        }
    }
    let most = needed.iter().copied().max().filter(|it| there_is < *it)?;
    let row = needed.iter().position(|it| *it == most)?;
    let mut said: Vec<String> =
        crowds[row].iter().map(|it| format!("{} of {} B", graph.tensor(*it).name, graph.tensor(*it).size)).collect();
    if lives.workspaces[row] != Bytes::ZERO {
        said.push(format!("a workspace of {} B", lives.workspaces[row]));
    }
    let n_more = said.len().saturating_sub(MOST_NAMES);
    said.truncate(MOST_NAMES);
    if 0 < n_more {
        said.push(format!("{n_more} more"));
    }
    let when = op_of_row(row).map_or(String::new(), |it| format!(" when {} runs", graph.op(it).name));
    let memories = settled.original().machine.memories();
    let memories: Vec<&str> = memories.iter().filter(|it| it.size.is_some()).map(|it| it.name.as_str()).collect();
    let (said, memories) = (said.join(", "), memories.join(", "));
    Some(format!("{most} B are needed at once{when}, but there are {there_is} B in {memories}: {said}"))
}

/// The error that there is no place for all tensors, or that none was found.
fn not_placed(problem: &Problem, accesses: &Accesses, is_proven: bool) -> Error {
    let needs_place = |it: &TensorId| !accesses.options[it.index()].is_empty();
    let n_tensors = problem.graph.tensor_ids().filter(needs_place).count();
    let is_apart = problem.machine.memories().iter().any(|it| it.banks.is_some_and(|it| it.apart == Apart::Must));
    let apart = if is_apart { ", operands in different banks" } else { "" };
    let names: Vec<&str> = problem.machine.memories().iter().map(|it| it.name.as_str()).collect();
    let names = names.join(", ");
    let why = match is_proven {
        true => {
            format!("{n_tensors} tensors do not fit into the memories that they may lie in{apart}: {names}")
        }
        false => format!("no placement was found for {n_tensors} tensors in {names}{apart}"),
    };
    Error::NotPlaced { why, is_proven }
}

/// The error that a tensor alone has no place.
fn no_place(problem: &Problem, tensor: TensorId) -> Error {
    let Problem { graph, machine } = problem;
    let of = graph.tensor(tensor);
    let why_not = |(index, memory): (usize, &crate::Memory)| {
        let id = MemoryId(index as u32);
        let name = &memory.name;
        let stretch = memory.largest_stretch();
        let most = stretch.end - stretch.start;
        if !machine.is_readable(id) && !graph.readers(tensor).is_empty() {
            format!("operators do not read {name}")
        } else if !machine.is_writable(id) && of.origin != Origin::Weight {
            format!("{name} is read-only")
        } else {
            format!("{name} has {most} B in one stretch, {} B too few", of.size.saturating_sub(most))
        }
    };
    let whys: Vec<String> = machine.memories().iter().enumerate().map(why_not).collect();
    let why = format!("no memory can hold {} of {} B: {}", of.name, of.size, whys.join("; "));
    let op = graph.touches(tensor).next();
    Error::NoPlace { when: op.map_or(When::Start, When::Run), tensors: vec![tensor], why }
}
