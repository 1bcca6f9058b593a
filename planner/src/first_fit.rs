//! The plan that always exists: greedy decisions, with addresses assigned on the way.
//!
//! Operators run in a given order. For each operator:
//!
//! 1. Operands that are in the scratchpad stay in place. Every other block that the operator needs (missing operands,
//!    results, the workspace) goes to the lowest address where it fits, the largest block first. If a block fits
//!    nowhere, the tensors with the farthest next use are evicted until it does.
//! 2. If there is still no space, the remaining tensors are in the way. Then the operator starts cold: all of its
//!    blocks are packed from the first address, and operands at other addresses are evicted and reloaded, since a
//!    tensor cannot move within the scratchpad.
//! 3. A tensor is only evicted if a block overwrites it.
//! 4. Nothing lies at reserved addresses, and a cold operator has the largest stretch between them. If that is not
//!    enough, or something has a pin, its blocks are packed exactly (`layout.rs`).
//! 5. A result that may share bytes with an operand which is not read afterwards does so. It goes to the operand's
//!    place, or it is placed around the operand if the space there is free; its missing parts are loaded there.
//! 6. A pinned block goes to its pin, and tensors there are evicted.
//!
//! Packed like this, cold blocks need [`Problem::working_set`] if the block with the most padding comes last. So step 2
//! succeeds whenever [`Problem::check`] does. The plan is not meant to be good: it is the fallback of the other
//! planners, and with other rules for eviction and holes the baseline for comparison ([`baseline`](crate::baseline)).

use crate::hole::{Fit, find_hole};
use crate::layout::Layout;
use crate::replacement::{Rank, ReplacementRule};
use crate::uses::Uses;
use crate::{Bytes, Error, InPlace, OpId, Plan, Problem, Residency, Step, TensorId, Weights};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// A plan in source order, which exists whenever there is any plan. Everything that may be streamed is streamed.
///
/// # Errors
/// Those of [`Problem::check`].
pub fn greedy_plan(problem: &Problem) -> Result<Plan, Error> {
    let order: Vec<OpId> = problem.graph.op_ids().collect();
    greedy_plan_in_order(problem, &order)
}

/// A plan in this order of all operators, which respects the dependences.
///
/// # Errors
/// Those of [`Problem::check`].
pub fn greedy_plan_in_order(problem: &Problem, order: &[OpId]) -> Result<Plan, Error> {
    place_on_demand(problem, order, ReplacementRule::FarthestNextUse, Fit::First)
}

/// A plan in this order with any rule for eviction and for the choice of a hole.
pub(crate) fn place_on_demand(
    problem: &Problem,
    order: &[OpId],
    rule: ReplacementRule,
    fit: Fit,
) -> Result<Plan, Error> {
    if let Some(framed) = problem.framed() {
        let plan = place_on_demand(framed.problem(), &framed.order(order), rule, fit).map_err(|it| framed.error(it))?;
        return Ok(framed.strip(&plan));
    }
    problem.check()?;
    if problem.graph.has_choices() {
        return place_on_demand(&problem.all_read(Weights::Streamed), order, rule, fit);
    }
    let uses = Uses::new(problem, order);
    let in_place = problem.in_place_by_step(order);
    let mut residencies: Vec<Residency> = Vec::new();
    let mut workspaces: Vec<Bytes> = Vec::with_capacity(order.len());
    // Open residencies, each up to its tensor's latest use, by offset.
    let mut present: Vec<Residency> = Vec::new();
    // The rank of each present tensor since its latest use: by tensor, and in the order of eviction.
    let mut ranks: Vec<Option<Rank>> = vec![None; problem.graph.tensors().len()];
    let mut by_rank: BTreeSet<Rank> = BTreeSet::new();
    // Whether the operator reads or writes it.
    let mut is_used = vec![false; ranks.len()];
    for (index, &op) in order.iter().enumerate() {
        let step = Step(index as u32);
        problem.operands(op).for_each(|tensor| is_used[tensor.index()] = true);
        let pairs = &in_place[index];
        let mut evictable = by_rank.iter().rev().map(|rank| rank.tensor).filter(|tensor| !is_used[tensor.index()]);
        let placed = place_warm(problem, op, pairs, &present, &is_used, fit, &mut evictable);
        let dies = |it: &InPlace| uses.next(it.operand, step).is_none();
        let placed = placed.unwrap_or_else(|| place_cold(problem, op, pairs, &dies));
        let (stay, leave): (Vec<Residency>, Vec<Residency>) =
            present.into_iter().partition(|it| stays(problem, it, &placed, is_used[it.tensor.index()]));
        present = stay;
        for tensor in leave.iter().map(|it| it.tensor).chain(problem.operands(op)) {
            ranks[tensor.index()].take().iter().for_each(|rank| _ = by_rank.remove(rank));
        }
        residencies.extend(leave);
        workspaces.push(placed.iter().find(|it| it.tensor.is_none()).map_or(Bytes::ZERO, |it| it.offset));
        // Tensors that were present stay for this step; the other blocks are new.
        for residency in present.iter_mut().filter(|it| std::mem::take(&mut is_used[it.tensor.index()])) {
            residency.steps.end = step.next();
        }
        for Placed { tensor, offset, .. } in placed {
            if let Some(tensor) = tensor.filter(|it| std::mem::take(&mut is_used[it.index()])) {
                present.push(Residency { tensor, steps: step..step.next(), offset });
            }
        }
        for tensor in problem.operands(op) {
            ranks[tensor.index()] = rule.rank(problem, &uses, tensor, step);
            by_rank.extend(ranks[tensor.index()]);
        }
        let (live, dead): (Vec<Residency>, Vec<Residency>) =
            present.into_iter().partition(|it| ranks[it.tensor.index()].is_some());
        present = live;
        present.sort_by_key(|it| it.offset);
        residencies.extend(dead);
    }
    residencies.extend(present);
    residencies.sort_by_key(|it| (it.steps.start, it.tensor));
    Ok(Plan { order: order.to_vec(), residencies, workspaces })
}

/// A block that an operator needs: one of its tensors, or its workspace.
#[derive(Clone, Copy)]
pub(crate) struct Placed {
    /// `None` for the workspace.
    pub tensor: Option<TensorId>,
    pub offset: Bytes,
    pub size: Bytes,
}

impl Placed {
    fn covers(&self, offset: Bytes, size: Bytes) -> bool {
        self.offset.max(offset) < (self.offset + self.size).min(offset + size)
    }
}

/// Whether a residency survives the blocks of an operator: the operator uses the tensor at the same address, or no
/// block covers it.
fn stays(problem: &Problem, residency: &Residency, placed: &[Placed], is_used: bool) -> bool {
    if is_used && let Some(own) = placed.iter().find(|it| it.tensor == Some(residency.tensor)) {
        return own.offset == residency.offset;
    }
    let size = problem.graph.tensor(residency.tensor).size;
    placed.iter().all(|it| !it.covers(residency.offset, size))
}

/// Places everything that an operator needs, at its address or in a hole; `None` if other operands are in the way.
/// Present tensors are sorted by offset; those that the operator does not use are evicted in the order of `evictable`.
fn place_warm(
    problem: &Problem,
    op: OpId,
    in_place: &[InPlace],
    present: &[Residency],
    is_used: &[bool],
    fit: Fit,
    evictable: &mut dyn Iterator<Item = TensorId>,
) -> Option<Vec<Placed>> {
    let (scratchpad, alignment) = (problem.machine.scratchpad(), problem.machine.alignment());
    let size = |tensor: TensorId| problem.graph.tensor(tensor).size;
    let place = |it: &Residency| Placed { tensor: Some(it.tensor), offset: it.offset, size: size(it.tensor) };
    let (mut placed, others): (Vec<Placed>, Vec<Placed>) =
        present.iter().map(place).partition(|it| it.tensor.is_some_and(|tensor| is_used[tensor.index()]));
    let in_place = &as_pins_allow(problem, in_place, &placed);
    let pins = problem.pins_with(in_place)?;

    for pair in in_place.iter().filter(|it| it.outer() == it.result) {
        if placed.iter().all(|it| it.tensor != Some(pair.result)) {
            let result = around(problem, in_place, pair, &placed, &others);
            let pin = pins.get(&pair.result).copied().or(problem.graph.pinned(pair.result).map(|it| it.start));
            placed.extend(result.filter(|it| pin.is_none_or(|pin| pin == it.offset)));
        }
    }
    let mut needed = blocks(problem, op, in_place);
    let mut lying: Vec<Option<TensorId>> = placed.iter().map(|it| it.tensor).collect();
    lying.sort_unstable();
    needed.retain(|it| it.tensor.is_none() || lying.binary_search(&it.tensor).is_err());
    needed.sort_by_key(|it| Reverse(it.size));
    let reserved = || problem.machine.reserved().into_iter().map(|it| (it.start, it.end - it.start));
    let present = placed.iter().chain(&others).map(|it| (it.offset, it.size));
    let mut taken: Vec<(Bytes, Bytes)> = present.chain(reserved()).collect();
    taken.sort();
    // Pinned blocks go first, since they have only one place.
    let pin = |it: &Placed| {
        let tensor = it.tensor.filter(|_| it.size != Bytes::ZERO)?;
        pins.get(&tensor).copied().or(problem.graph.pinned(tensor).map(|it| it.start))
    };
    needed.sort_by_key(|it| pin(it).is_none());
    // The tensors evicted so far.
    let mut left: Vec<TensorId> = Vec::new();
    for mut block in needed {
        if let Some(offset) = pin(&block) {
            let is_met = |it: &Placed| it.covers(offset, block.size);
            let is_reserved = |it: &(Bytes, Bytes)| offset.max(it.0) < (offset + block.size).min(it.0 + it.1);
            if placed.iter().any(is_met) || reserved().any(|it| is_reserved(&it)) || scratchpad < offset + block.size {
                return None;
            }
            let leaving: Vec<&Placed> = others.iter().filter(|it| is_met(it)).collect();
            taken.retain(|it| !leaving.iter().any(|other| (other.offset, other.size) == *it));
            left.extend(leaving.iter().filter_map(|it| it.tensor));
            let at = taken.partition_point(|it| *it < (offset, block.size));
            taken.insert(at, (offset, block.size));
            placed.push(Placed { offset, ..block });
            continue;
        }
        block.offset = loop {
            if let Some(offset) = find_hole(&taken, block.size, alignment, scratchpad, fit) {
                break offset;
            }
            let evicted = evictable.next()?;
            if left.contains(&evicted) {
                continue;
            }
            let evicted = others.iter().find(|it| it.tensor == Some(evicted)).expect("what has a rank is present");
            let at = taken.binary_search(&(evicted.offset, evicted.size)).expect("what is present takes room");
            taken.remove(at);
        };
        let at = taken.partition_point(|it| *it < (block.offset, block.size));
        taken.insert(at, (block.offset, block.size));
        placed.push(block);
    }
    place_inner(problem, in_place, &mut placed);
    Some(placed)
}

/// The pairs that can share bytes given these blocks and the pins. A tensor cannot move within the scratchpad.
fn as_pins_allow(problem: &Problem, in_place: &[InPlace], placed: &[Placed]) -> Vec<InPlace> {
    if !problem.graph.has_pins() {
        return in_place.to_vec();
    }
    let lies = |tensor: TensorId| {
        let placed = placed.iter().find(|it| it.tensor == Some(tensor)).map(|it| it.offset);
        placed.or(problem.graph.pinned(tensor).map(|it| it.start))
    };
    let stretches = problem.machine.stretches();
    // The offsets that the inner tensors require of the outer ones so far.
    let mut asked: HashMap<TensorId, Bytes> = HashMap::new();
    let mut chosen = in_place.to_vec();
    chosen.retain(|pair| {
        let Some(inner) = lies(pair.inner()) else { return true };
        let Some(outer) = inner.0.checked_sub(pair.at().0).map(Bytes) else { return false };
        let size = problem.graph.tensor(pair.outer()).size;
        let is_inside = stretches.iter().any(|it| it.start <= outer && outer + size <= it.end);
        let known = lies(pair.outer()).or(asked.get(&pair.outer()).copied());
        let fits = is_inside && known.is_none_or(|it| it == outer);
        if fits {
            asked.insert(pair.outer(), outer);
        }
        fits
    });
    chosen
}

/// Places everything that an operator needs from the start of the largest stretch without reserved addresses. The block
/// with the most padding comes last, where it needs none. If that fails, places it exactly.
pub(crate) fn place_cold(
    problem: &Problem,
    op: OpId,
    in_place: &[InPlace],
    dies: &dyn Fn(&InPlace) -> bool,
) -> Vec<Placed> {
    if let Some(placed) = place_exactly(problem, op, dies) {
        return placed;
    }
    let mut placed = blocks(problem, op, in_place);
    let padding = |it: &Placed| it.size.align_up(problem.machine.alignment()) - it.size;
    placed.sort_by_key(padding);
    let mut end = problem.machine.largest_stretch().start;
    for block in &mut placed {
        block.offset = end.align_up(problem.machine.alignment());
        end = block.offset + block.size;
    }
    place_inner(problem, in_place, &mut placed);
    placed
}

/// Places everything that an operator needs if it has pins or needs more than the largest stretch without reserved
/// addresses.
fn place_exactly(problem: &Problem, op: OpId, dies: &dyn Fn(&InPlace) -> bool) -> Option<Vec<Placed>> {
    let has_pins = problem.operands(op).any(|it| problem.graph.pinned(it).is_some());
    let stretch = problem.machine.largest_stretch();
    if !has_pins && problem.working_set_where(op, dies) <= stretch.end - stretch.start {
        return None;
    }
    match problem.layout(op, dies) {
        Layout::Found(placed) => Some(placed),
        Layout::None | Layout::Unknown => None,
    }
}

/// Places a result around a part of it that is in the scratchpad, if the rest of its bytes are free.
fn around(
    problem: &Problem,
    in_place: &[InPlace],
    pair: &InPlace,
    placed: &[Placed],
    others: &[Placed],
) -> Option<Placed> {
    let size = problem.graph.tensor(pair.result).size;
    let part = placed.iter().find(|it| it.tensor == Some(pair.operand))?;
    let offset = Bytes(part.offset.0.checked_sub(pair.at().0)?);
    let is_part = |it: &Placed| {
        let mut pairs = in_place.iter().filter(|pair| Some(pair.operand) == it.tensor);
        pairs.any(|other| other.result == pair.result && other.fits(offset, it.offset))
    };
    let is_in_the_way = |it: &Placed| it.covers(offset, size) && !is_part(it);
    let is_inside = problem.machine.stretches().iter().any(|it| it.start <= offset && offset + size <= it.end);
    let is_free = is_inside && !placed.iter().chain(others).any(is_in_the_way);
    is_free.then_some(Placed { tensor: Some(pair.result), offset, size })
}

/// Places a block that lies within another one, unless it is placed already.
pub(crate) fn place_inner(problem: &Problem, in_place: &[InPlace], placed: &mut Vec<Placed>) {
    if in_place.is_empty() {
        return;
    }
    let mut offsets: HashMap<TensorId, Bytes> = placed.iter().filter_map(|it| Some((it.tensor?, it.offset))).collect();
    for pair in in_place {
        let inner = pair.inner();
        if let Some(outer) = offsets.get(&pair.outer()).copied().filter(|_| !offsets.contains_key(&inner)) {
            let offset = outer + pair.at();
            offsets.insert(inner, offset);
            placed.push(Placed { tensor: Some(inner), offset, size: problem.graph.tensor(inner).size });
        }
    }
}

/// The blocks that an operator needs, without those that lie within another one.
pub(crate) fn blocks(problem: &Problem, op: OpId, in_place: &[InPlace]) -> Vec<Placed> {
    let tensor = |it: TensorId| Placed { tensor: Some(it), offset: Bytes::ZERO, size: problem.graph.tensor(it).size };
    let workspace = Placed { tensor: None, offset: Bytes::ZERO, size: problem.graph.op(op).workspace };
    let workspace = (workspace.size != Bytes::ZERO).then_some(workspace);
    let mut inner: Vec<TensorId> = in_place.iter().map(InPlace::inner).collect();
    inner.sort_unstable();
    let is_apart = |tensor: &TensorId| inner.binary_search(tensor).is_err();
    problem.operands(op).filter(is_apart).map(tensor).chain(workspace).collect()
}
