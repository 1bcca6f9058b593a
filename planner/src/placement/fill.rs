//! Assignments by rule: they put tensors into the better memories as long as the sum of padded sizes allows.

use super::settled::Apart;
use super::{Accesses, Lives, Rooms};
use crate::{MemoryId, TensorId};
use std::ops::Range;

/// By tensor: its memory; `None` for a tensor that needs no place.
pub(super) type Assignment = Vec<Option<MemoryId>>;

/// Assigns a memory to each tensor, in the given order of tensors: the first of its options that has space for it in
/// all of its rows and holds no tensor that must be in another bank. `rows` replace the rows of the lives. `None` if
/// some tensor fits nowhere.
///
/// `share` is the usable share of each capacity.
pub(super) fn fill(
    options: &[Vec<(MemoryId, u64)>],
    order: &[TensorId],
    rows: &[Vec<Range<u32>>],
    rooms: &Rooms,
    apart: &Apart,
    share: f64,
) -> Option<Assignment> {
    let mut filling = Filling::new(rows, rooms, share);
    let mut assignment = vec![None; options.len()];
    for &tensor in order.iter().filter(|it| !options[it.index()].is_empty()) {
        let may_lie = |it: &MemoryId| filling.has_room(tensor, *it) && apart.may_lie(tensor, *it, &assignment);
        let memory = options[tensor.index()].iter().map(|it| it.0).find(may_lie)?;
        filling.put(tensor, memory);
        assignment[tensor.index()] = Some(memory);
    }
    Some(assignment)
}

/// The same assignment, with tensors moved to cheaper memories as long as there is space, the largest savings first.
pub(super) fn lower(
    accesses: &Accesses,
    rows: &[Vec<Range<u32>>],
    rooms: &Rooms,
    apart: &Apart,
    share: f64,
    assignment: &mut Assignment,
) {
    let mut filling = Filling::new(rows, rooms, share);
    let all = || (0..assignment.len() as u32).map(TensorId);
    for (tensor, memory) in all().zip(assignment.iter()) {
        memory.iter().for_each(|it| filling.put(tensor, *it));
    }
    let saved = |it: &TensorId, memory: Option<MemoryId>| {
        memory.map_or(0, |memory| accesses.cost(*it, memory) - accesses.options[it.index()][0].1)
    };
    let mut order: Vec<TensorId> = all().filter(|it| 0 < saved(it, assignment[it.index()])).collect();
    order.sort_by_key(|it| (std::cmp::Reverse(saved(it, assignment[it.index()])), *it));
    for tensor in order {
        let Some(now) = assignment[tensor.index()] else { continue };
        let cost = accesses.cost(tensor, now);
        let cheaper = accesses.options[tensor.index()].iter().filter(|it| it.1 < cost).map(|it| it.0);
        let may_lie = |it: &MemoryId| filling.has_room(tensor, *it) && apart.may_lie(tensor, *it, assignment);
        let better = cheaper.into_iter().find(may_lie);
        if let Some(better) = better {
            filling.take(tensor, now);
            filling.put(tensor, better);
            assignment[tensor.index()] = Some(better);
        }
    }
}

/// The order in which tensors choose: those first whose second choice costs the most more per unit of size and row.
pub(super) fn by_regret(at_least: &[Vec<(MemoryId, u64)>], lives: &Lives, rooms: &Rooms) -> Vec<TensorId> {
    let regret = |tensor: &TensorId| {
        let options = &at_least[tensor.index()];
        let [first, second, ..] = options[..] else { return f64::INFINITY };
        let room = rooms.memories[first.0.index()].as_ref().map_or(0, |it| it.units[tensor.index()]);
        let length: u32 = lives.rows[tensor.index()].iter().map(|it| it.end - it.start).sum();
        (second.1 - first.1) as f64 / (room.max(1) as f64 * f64::from(length.max(1)))
    };
    let mut order: Vec<TensorId> = (0..at_least.len() as u32).map(TensorId).collect();
    let regrets: Vec<f64> = order.iter().map(regret).collect();
    order.sort_by(|a, b| regrets[b.index()].total_cmp(&regrets[a.index()]).then(a.cmp(b)));
    order
}

/// The remaining space of each memory in each row.
struct Filling<'a> {
    rows: &'a [Vec<Range<u32>>],
    rooms: &'a Rooms,
    left: Vec<Vec<u64>>,
}

impl<'a> Filling<'a> {
    fn new(rows: &'a [Vec<Range<u32>>], rooms: &'a Rooms, share: f64) -> Filling<'a> {
        let part = |it: &u64| if share < 1.0 { (*it as f64 * share) as u64 } else { *it };
        let left = |it: &Option<super::lives::Room>| {
            it.as_ref().map_or(Vec::new(), |it| it.capacity.iter().map(part).collect())
        };
        Filling { rows, rooms, left: rooms.memories.iter().map(left).collect() }
    }

    fn has_room(&self, tensor: TensorId, memory: MemoryId) -> bool {
        let Some(room) = &self.rooms.memories[memory.index()] else { return true };
        let (needed, left) = (room.units[tensor.index()], &self.left[memory.index()]);
        let mut rows = self.rows[tensor.index()].iter();
        needed == 0 || rows.all(|it| left[it.start as usize..it.end as usize].iter().all(|it| needed <= *it))
    }

    fn put(&mut self, tensor: TensorId, memory: MemoryId) {
        self.change(tensor, memory, |left, units| left.saturating_sub(units));
    }

    fn take(&mut self, tensor: TensorId, memory: MemoryId) {
        self.change(tensor, memory, |left, units| left + units);
    }

    fn change(&mut self, tensor: TensorId, memory: MemoryId, to: impl Fn(u64, u64) -> u64) {
        let Some(room) = &self.rooms.memories[memory.index()] else { return };
        let units = room.units[tensor.index()];
        for rows in &self.rows[tensor.index()] {
            let left = &mut self.left[memory.index()][rows.start as usize..rows.end as usize];
            left.iter_mut().for_each(|it| *it = to(*it, units));
        }
    }
}
