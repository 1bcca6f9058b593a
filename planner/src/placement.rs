//! One memory and one address for each tensor, for good: for runtimes without DMA, where nothing moves
//! ([`Moves::None`](crate::Moves::None)).
//!
//! Operators read and write their tensors where these lie. What is decided is the memory of each tensor, weights
//! included, and its offset there, so that the bytes of all accesses, each at the price of its memory, cost least.
//!
//! Lifetimes are steps, half-open:
//!
//! - a result of an operator lives from its step to its last reader; one that the network returns, to the end;
//! - an argument is written before the first step by whoever runs the network, and lives to its last reader;
//! - a weight lives in all steps, since the next run needs it again.
//!
//! Those that share a step share no byte, but for a result in the place of an operand that dies with its operator
//! ([`Op::in_place`](crate::Op::in_place)). Only arguments and results of operators have a place to give, and only
//! where the network does not return them. Workspaces lie in the scratchpad.
//!
//! A bank is a memory of its own for all that follows (`settled.rs`), and operands that have to lie in different ones are kept
//! from lying together.
//!
//! 1. *Relaxation* (`bound.rs`): in each step and each memory, rooms add up to no more than the capacity. Multipliers on
//!    these rows (Lagrange) give a bound, assignments to start from, and the memories that no better placement uses.
//! 2. *Assignment* (`ilp/placement.rs`, with the feature `ilp`): a binary for each tensor and memory that is left, and one
//!    for each pair that may share bytes; the rows are those of the relaxation.
//! 3. *Addresses* (`addresses.rs`): each memory is packed by itself. Where that is impossible, as few tensors as are too
//!    many already are kept from lying there together, and the program is asked again: so the bound stays right.
//! 4. Without a given order, several orders are tried; a relaxation of rows that hold in all orders gives the bound.

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
use crate::{
    Action, Apart, Banks, Bytes, Deadline, Error, MemoryId, Moves, OpId, Origin, Place, Problem, Slot, Step, TensorId,
    Traffic, When,
};
use in_order::{Best, InOrder};
use std::ops::Range;
use std::time::Duration;

/// Where everything lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Operator by step.
    pub order: Vec<OpId>,
    /// By tensor; none for what is neither read nor written nor returned.
    pub places: Vec<Option<Place>>,
    /// By step: offset of the workspace in the scratchpad; zero where there is none.
    pub workspaces: Vec<Bytes>,
}

/// A placement, and how good it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementSolution {
    /// The placement.
    pub placement: Placement,
    /// What the accesses of one run cost: [`Placement::cost`].
    pub cost: u128,
    /// No placement with an allowed order costs less.
    pub lower_bound: u128,
    /// No placement with the order of this one costs less.
    pub lower_bound_in_order: u128,
}

impl PlacementSolution {
    /// Whether no placement with an allowed order costs less, and that is proven.
    pub fn is_optimal(&self) -> bool {
        self.cost == self.lower_bound
    }

    /// Whether no placement with the order of this one costs less, and that is proven.
    pub fn is_optimal_in_order(&self) -> bool {
        self.cost == self.lower_bound_in_order
    }
}

/// What a placement uses of a memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// The most bytes that are in use at once, without padding; bytes that tensors share count once.
    pub peak: Bytes,
    /// Where the highest block ends; zero in a memory without a size, where no addresses are decided.
    pub height: Bytes,
}

/// How to look for a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacementOptions {
    /// Which orders are allowed.
    pub order: Order,
    /// When to stop looking for something better.
    pub time_limit: Duration,
}

impl Default for PlacementOptions {
    fn default() -> PlacementOptions {
        PlacementOptions { order: Order::Free, time_limit: Duration::from_secs(10) }
    }
}

impl Placement {
    /// The steps in which each tensor needs its place, half-open; empty where it has none.
    pub fn lifetimes(&self, problem: &Problem) -> Vec<Range<Step>> {
        let lives = Lives::in_order(problem, &self.order);
        let steps = |rows: &Vec<Range<u32>>| rows.first().map_or(Step(0)..Step(0), |it| Step(it.start)..Step(it.end));
        lives.rows.iter().map(steps).collect()
    }

    /// The program: where arguments and weights lie, and then nothing but runs.
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

    /// What the accesses of one run cost: the bytes of each tensor, as often as operators read and write it, at the
    /// price of its memory beyond that of the scratchpad.
    pub fn cost(&self, problem: &Problem) -> u128 {
        Traffic::of(problem, &self.actions(problem)).cost
    }

    /// What is used of each memory, by id.
    pub fn memory_uses(&self, problem: &Problem) -> Vec<MemoryUse> {
        let lifetimes = self.lifetimes(problem);
        let use_of = |memory: MemoryId| {
            let has_addresses = problem.machine.memories()[memory.index()].size.is_some();
            // By step: bytes in use, half-open; in a memory without addresses one after the other.
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

    /// As text: a line for each tensor with its memory, its offset where there are addresses, and its steps, half-open; and
    /// one for each workspace.
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

/// How many bytes these cover, each once.
fn covered(mut blocks: Vec<(u64, u64)>) -> u64 {
    blocks.sort_unstable();
    let (mut sum, mut end) = (0, 0);
    for (low, high) in blocks {
        sum += high.max(end) - low.max(end);
        end = end.max(high);
    }
    sum
}

/// The placement whose accesses cost least, as far as the time limit allows. On a machine where nothing moves; uses do not
/// say where tensors lie there.
///
/// In the given order it is exact with the feature `ilp`, if there is time; without it the bound is that of the relaxation.
/// Without a given order several are tried.
///
/// # Errors
/// [`Error::NotPlanned`] where the machine moves tensors, and for tensors that are staged, have pins, or start or end in the
/// scratchpad, and operators that may run again; [`Error::ZeroAlignment`], [`Error::AlignmentTooLarge`],
/// [`Error::TooLarge`] where sizes, rooms or costs cannot be counted; [`Error::ScratchpadTooSmall`] where a workspace does
/// not fit; [`Error::NoPlace`] where a tensor fits no memory in which it may lie; [`Error::NotPlaced`] where all together do
/// not fit, or were not found to.
pub fn place(problem: &Problem, options: &PlacementOptions) -> Result<PlacementSolution, Error> {
    let deadline = Deadline::after(options.time_limit);
    let settled = Settled::new(problem)?;
    let graph = &settled.problem.graph;
    let source: Vec<OpId> = graph.op_ids().collect();
    let orders = match options.order {
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
    place_in_orders(&settled, orders, options.order, deadline)
}

/// Likewise in a given order, about which both bounds are then.
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

/// Sets that the search for the least peak keeps at each level: it is one of several orders.
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
    // The best placement so far, and in which order.
    let mut best: Option<(usize, Best)> = None;
    let mut bounds: Vec<u64> = Vec::new();
    for (index, in_order) in in_orders.iter().enumerate() {
        let (found, bound) = in_order.fill(best.as_ref().map(|it| it.1.cost), deadline);
        bounds.push(bound);
        if let Some(found) = found.filter(|it| best.as_ref().is_none_or(|best| it.cost < best.1.cost)) {
            best = Some((index, found));
        }
    }
    // Of any order; nothing is asked of it where one is given.
    let mut for_all = 0;
    let any = (allowed == Order::Free).then(|| Lives::in_any_order(problem, deadline));
    if let Some(any) = &any {
        let upper = best.as_ref().map(|it| it.1.cost);
        for_all = bound::relax(problem, &accesses, any, &Rooms::of(problem, any), upper, deadline).bound;
    }
    // The most promising first.
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

/// Whether this is a problem of placement, and each tensor by itself has a place.
fn check_is_placed(problem: &Problem) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::NotPlanned(why));
    let Problem { graph, machine } = problem;
    if machine.moves() != Moves::None {
        return refuse("one place for good, on a machine whose links move tensors".into());
    }
    for memory in machine.memories() {
        if memory.alignment == Bytes::ZERO {
            return Err(Error::ZeroAlignment);
        }
        if Bytes(1 << 32) < memory.alignment {
            return Err(Error::AlignmentTooLarge);
        }
        if memory.size.is_none() && !memory.reserved.is_empty() {
            return refuse(format!("reserved addresses in {}, where none are decided", memory.name));
        }
    }
    problem.check_sizes()?;
    for tensor in graph.tensors() {
        let what = match tensor {
            it if it.origin == Origin::Staged => "staged",
            it if it.pin.is_some() => "pinned",
            it if it.starts_on_chip || it.ends_on_chip => "to start or end in the scratchpad",
            _ => continue,
        };
        return refuse(format!("what is more than a place, where nothing moves: {} is {what}", tensor.name));
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

/// Names that are said at most.
const MOST_NAMES: usize = 8;

/// What needs more room at once than there is in memories with addresses, where it is most; none if it is never too much.
/// That is no matter of alignment or of addresses.
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

/// That there is no room for all, or that none was found.
fn not_placed(problem: &Problem, accesses: &Accesses, is_proven: bool) -> Error {
    let needs_place = |it: &TensorId| !accesses.options[it.index()].is_empty();
    let n_tensors = problem.graph.tensor_ids().filter(needs_place).count();
    let is_apart = problem.machine.memories().iter().any(|it| it.banks.is_some_and(|it| it.apart == Apart::Must));
    let apart = if is_apart { ", operands in different banks" } else { "" };
    let names: Vec<&str> = problem.machine.memories().iter().map(|it| it.name.as_str()).collect();
    let names = names.join(", ");
    let why = match is_proven {
        true => {
            format!("{n_tensors} tensors do not fit together into the memories in which they may lie{apart}: {names}")
        }
        false => format!("{n_tensors} tensors were not found to fit together{apart} into {names}"),
    };
    Error::NotPlaced { why, is_proven }
}

/// That a tensor has no place by itself.
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
