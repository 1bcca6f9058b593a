//! Replacement in a fixed order where some uses may stream their tensor.
//!
//! The covering problem of [`cover`](super::cover), with more columns. A tensor that may be streamed in a step is
//! present in it only if it is kept before or after it: otherwise it is streamed, at the cost of a load. So
//!
//! - the gap between two uses has a column even if they are adjacent, since nothing has to stay;
//! - at its first and last use, a tensor that may be streamed is present if the gap beside that use is kept: the step
//!   belongs to the gap;
//! - in between, it is present if one of the two gaps beside a use is kept, so the step has a column of its own without
//!   cost, which can be dropped only together with both gaps: a [link](super::cover::Choices::links).

use super::cover::{Choices, LongCover};
use super::gap::Gap;
use super::relaxed::relaxed_bound;
use super::replace::{Outcome, attempt};
use crate::{Bytes, Deadline, Error, OpId, Outline, Problem, Stay, Step, TensorId, greedy};

/// A use of a tensor in the scratchpad.
#[derive(Clone, Copy)]
struct At {
    step: Step,
    /// Whether the tensor may be streamed instead.
    may_pass: bool,
}

/// The covering problem of an order, and the meaning of its columns.
struct Columns {
    cover: LongCover,
    /// By tensor: its uses, ascending.
    uses: Vec<Vec<At>>,
    /// By tensor, for each use except the last: the column of the gap after it; `None` if the tensor stays in any case.
    behind: Vec<Vec<Option<usize>>>,
}

/// See [`replace_within()`](super::replace_within()).
pub(super) fn replace_with_choices(
    problem: &Problem,
    order: &[OpId],
    capacity: Bytes,
    start: Option<&Outline>,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    let columns = Columns::new(problem, order, capacity);
    let by_rule = greedy(problem, order);
    let mut dropped = columns.dropped(start.filter(|it| it.order == order).unwrap_or(&by_rule));
    let mut lower_bound = problem.restreamed();
    match columns.cover.in_rows() {
        // Without its links the problem costs no more.
        None => lower_bound += relaxed_bound(&columns.cover, deadline)?,
        Some(cover) => {
            cover.complete(&mut dropped);
            lower_bound += attempt(&cover, &cover.choices.links, &mut dropped, i32::MAX, deadline)?;
        }
    }
    let outline = columns.outline(problem, order, &dropped);
    let proven = outline.non_compulsory(problem) == lower_bound;
    Ok(Outcome { outline, lower_bound, proven })
}

impl Columns {
    fn new(problem: &Problem, order: &[OpId], capacity: Bytes) -> Columns {
        let uses = uses(problem, order);
        let mut choices = Choices::default();
        let mut behind = Vec::with_capacity(uses.len());
        for (tensor, uses) in problem.graph.tensor_ids().zip(&uses) {
            behind.push(add_tensor(problem, tensor, uses, &mut choices));
        }
        Columns { cover: LongCover::of(problem, order, capacity, choices, |_| Bytes::ZERO), uses, behind }
    }

    /// The columns that an outline drops.
    fn dropped(&self, outline: &Outline) -> Vec<bool> {
        let mut stays: Vec<Vec<&Stay>> = vec![Vec::new(); self.uses.len()];
        outline.stays.iter().for_each(|it| stays[it.tensor.index()].push(it));
        let mut dropped = vec![true; self.cover.choices.gaps.len()];
        for ((uses, behind), stays) in self.uses.iter().zip(&self.behind).zip(&stays) {
            for (pair, column) in uses.windows(2).zip(behind) {
                let has = |it: &&Stay| it.steps.contains(&pair[0].step) && it.steps.contains(&pair[1].step);
                if let Some(column) = column {
                    dropped[*column] = !stays.iter().any(has);
                }
            }
        }
        // The column of a use is kept with either of the gaps that it is linked to.
        for &(own, gap) in &self.cover.choices.links {
            dropped[own] &= dropped[gap];
        }
        dropped
    }

    /// The outline that drops these columns.
    fn outline(&self, problem: &Problem, order: &[OpId], dropped: &[bool]) -> Outline {
        let mut stays: Vec<Stay> = Vec::new();
        for (tensor, (uses, behind)) in problem.graph.tensor_ids().zip(self.uses.iter().zip(&self.behind)) {
            let is_kept = |gap: Option<&Option<usize>>| gap.is_some_and(|it| it.is_none_or(|column| !dropped[column]));
            for (index, at) in uses.iter().enumerate() {
                let was_kept = is_kept(index.checked_sub(1).and_then(|it| behind.get(it)));
                match stays.last_mut().filter(|_| was_kept) {
                    Some(stay) => stay.steps.end = at.step.next(),
                    None if at.may_pass && !is_kept(behind.get(index)) => {}
                    None => stays.push(Stay { tensor, steps: at.step..at.step.next() }),
                }
            }
        }
        stays.sort_by_key(|it| (it.steps.start, it.tensor));
        Outline { order: order.to_vec(), stays }
    }
}

/// Adds the columns of a tensor; returns those of the gaps after each of its uses except the last.
fn add_tensor(problem: &Problem, tensor: TensorId, uses: &[At], choices: &mut Choices) -> Vec<Option<usize>> {
    let graph = &problem.graph;
    let (size, room) = (graph.tensor(tensor).size, problem.room(tensor));
    let written = Some(tensor).filter(|it| !graph.has_host_copy(*it));
    let n_uses = uses.len();
    let mut behind: Vec<Option<usize>> = Vec::with_capacity(n_uses.saturating_sub(1));
    let add = |inside, size, choices: &mut Choices| {
        choices.gaps.push(Gap { tensor, inside });
        choices.sizes.push(size);
        choices.rooms.push(room);
        choices.written.push(written);
        choices.gaps.len() - 1
    };
    for (index, pair) in uses.windows(2).enumerate() {
        let [before, after] = [pair[0], pair[1]];
        let starts_here = index == 0 && before.may_pass;
        let start = if starts_here { before.step } else { before.step.next() };
        let ends_here = index + 2 == n_uses && after.may_pass;
        let end = if ends_here { after.step.next() } else { after.step };
        // A tensor that must be present in two consecutive steps stays.
        let stays = !before.may_pass && !after.may_pass && start == end;
        behind.push((!stays).then(|| add(start..end, size, choices)));
    }
    for (index, at) in uses.iter().enumerate().filter(|it| it.1.may_pass && 0 < it.0 && it.0 + 1 < n_uses) {
        let own = add(at.step..at.step.next(), Bytes::ZERO, choices);
        choices.links.extend([index - 1, index].into_iter().filter_map(|it| behind[it]).map(|gap| (own, gap)));
    }
    behind
}

/// By tensor, the steps that use it in the scratchpad or may do so.
fn uses(problem: &Problem, order: &[OpId]) -> Vec<Vec<At>> {
    let mut uses: Vec<Vec<At>> = vec![Vec::new(); problem.graph.tensors().len()];
    for (step, &op) in (0..).map(Step).zip(order) {
        let must = problem.operands(op).map(|it| (it, false));
        let may = problem.graph.op(op).reads_either_way().map(|it| (it, true));
        must.chain(may).for_each(|(tensor, may_pass)| uses[tensor.index()].push(At { step, may_pass }));
    }
    uses
}
