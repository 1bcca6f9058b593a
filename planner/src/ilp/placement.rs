//! The memory of each tensor, if nothing moves: an integer program over sums of padded sizes.
//!
//! - `x[t][m]`: tensor `t` lies in memory `m`. Exactly one of its options is one.
//! - `y[p][m]`: the result and the operand of pair `p` lie in memory `m` and share bytes, which requires `x` of both.
//!
//! In each row and each memory with addresses, the padded sizes of the live tensors, minus those of the inner tensors
//! of pairs that share bytes in this row, are at most the capacity. A result takes the place of at most one operand of
//! its size, and an operand shares with at most one result; parts all share. A set of tensors that has no packing in a
//! memory is not assigned to it as a whole.
//!
//! Costs are relative to the cheapest option of each tensor, in units of the greatest common divisor of the
//! differences. If many tensors are live in all rows, they are one sum for each memory, so that rows are short.

use super::choice::Choice;
use super::solver::{Answer, Model};
use crate::divisor::gcd;
use crate::placement::{Lives, Rooms, is_aligned};
use crate::{Deadline, Error, InPlace, MemoryId, Problem, TensorId};
use good_lp::{Expression, Variable, constraint};
use std::collections::HashMap;

/// Tensors that cannot all lie in one memory.
#[derive(Clone, Debug)]
pub(crate) struct Together {
    pub memory: MemoryId,
    pub tensors: Vec<TensorId>,
}

/// The problem.
#[derive(Clone, Debug)]
pub(crate) struct Assigning<'a> {
    pub problem: &'a Problem,
    /// By tensor: the memories that it may lie in, with costs; empty for a tensor that needs no place.
    pub options: &'a [Vec<(MemoryId, u64)>],
    pub lives: &'a Lives,
    pub rooms: &'a Rooms,
    pub cuts: &'a [Together],
    /// A known lower bound on the cost.
    pub least: u64,
    /// The highest cost of interest.
    pub most: Option<u64>,
}

/// The result when the solver stops.
#[derive(Clone, Debug)]
pub(crate) struct Assigned {
    /// The best assignment that was found.
    pub assignment: Option<Vec<Option<MemoryId>>>,
    /// A lower bound on the cost of every assignment.
    pub bound: u64,
    /// Whether there is no assignment with a cost of at most `most`.
    pub is_infeasible: bool,
}

/// The number of tensors from which on those that are live in all rows are one sum.
const MANY: usize = 24;

impl Assigning<'_> {
    /// Solves it with a node limit.
    ///
    /// # Errors
    /// [`Error::Solver`].
    pub fn solve(&self, max_nodes: i32, deadline: Deadline) -> Result<Assigned, Error> {
        let base: u64 = self.options.iter().filter_map(|it| it.iter().map(|it| it.1).min()).sum();
        let unit = self.unit();
        let infeasible = Assigned { assignment: None, bound: u64::MAX, is_infeasible: true };
        let limits = match self.most {
            Some(most) if most < base => return Ok(infeasible),
            Some(most) => Some((self.least.saturating_sub(base).div_ceil(unit), (most - base) / unit)),
            None => None,
        };
        if limits.is_some_and(|it| it.1 < it.0) {
            return Ok(infeasible);
        }
        let mut model = Model::default();
        let Some(x) = self.rows(&mut model, unit) else { return Ok(infeasible) };
        if let Some((least, most)) = limits.filter(|_| 0 < model.n_variables()) {
            model.limit_objective(least, most);
        }
        let Answer { values, bound, is_infeasible } = model.minimise_cold(max_nodes, deadline)?;
        if is_infeasible {
            return Ok(infeasible);
        }
        let read = |values: Vec<u64>| -> Vec<Option<MemoryId>> {
            let is_set = |it: &(MemoryId, Choice)| match it.1 {
                Choice::Always => true,
                Choice::Of(index, _) => values[index] == 1,
            };
            x.iter().map(|it| it.iter().find(|it| is_set(it)).map(|it| it.0)).collect()
        };
        // The solver's choice may violate the rows within its tolerance.
        let is_whole = |it: &Vec<Option<MemoryId>>| it.iter().zip(&x).all(|it| it.0.is_some() || it.1.is_empty());
        let assignment = values.map(read).filter(is_whole);
        let bound = base.saturating_add(bound.saturating_mul(unit)).max(self.least);
        Ok(Assigned { assignment, bound, is_infeasible: false })
    }

    /// The greatest common divisor of all differences of costs.
    fn unit(&self) -> u64 {
        let differences = self.options.iter().flat_map(|it| {
            let least = it.iter().map(|it| it.1).min().unwrap_or(0);
            it.iter().map(move |it| it.1 - least)
        });
        differences.fold(0, gcd).max(1)
    }

    /// All variables and rows; `None` if there is provably no assignment.
    fn rows(&self, model: &mut Model, unit: u64) -> Option<Vec<Vec<(MemoryId, Choice)>>> {
        let mut x: Vec<Vec<(MemoryId, Choice)>> = Vec::with_capacity(self.options.len());
        for options in self.options {
            let least = options.iter().map(|it| it.1).min().unwrap_or(0);
            if let [(memory, _)] = options[..] {
                x.push(vec![(memory, Choice::Always)]);
                continue;
            }
            let mut own = Vec::with_capacity(options.len());
            for &(memory, cost) in options {
                let index = model.n_variables();
                own.push((memory, Choice::Of(index, model.binary((cost - least) / unit, false))));
            }
            let sum: Expression = own.iter().filter_map(|it| it.1.variable()).sum();
            if !own.is_empty() {
                model.constraints.push(constraint!(sum == 1));
            }
            x.push(own);
        }
        let choice =
            |tensor: TensorId, memory: MemoryId| x[tensor.index()].iter().find(|it| it.0 == memory).map(|it| it.1);
        for Together { memory, tensors } in self.cuts {
            let choices: Option<Vec<Choice>> = tensors.iter().map(|it| choice(*it, *memory)).collect();
            let Some(choices) = choices else { continue };
            let free: Vec<Variable> = choices.iter().filter_map(|it| it.variable()).collect();
            if free.is_empty() {
                return None;
            }
            let most = free.len() as f64 - 1.0;
            let sum: Expression = free.into_iter().sum();
            model.constraints.push(constraint!(sum <= most));
        }
        let mut by_row: Vec<Vec<TensorId>> = vec![Vec::new(); self.lives.n_rows];
        let mut always: Vec<TensorId> = Vec::new();
        for (tensor, rows) in (0..).map(TensorId).zip(&self.lives.rows) {
            let is_always = matches!(rows[..], [ref it] if it.len() == self.lives.n_rows);
            match is_always && self.options[tensor.index()].len() != 1 {
                true => always.push(tensor),
                false => rows.iter().for_each(|it| {
                    by_row[it.start as usize..it.end as usize].iter_mut().for_each(|it| it.push(tensor));
                }),
            }
        }
        if always.len() < MANY {
            by_row.iter_mut().for_each(|it| it.extend(&always));
            always.clear();
        }
        for (memory, room) in (0..).map(MemoryId).zip(&self.rooms.memories) {
            let Some(room) = room else { continue };
            let units = |it: TensorId| room.units[it.index()];
            let chosen: Vec<(u64, Variable)> =
                always.iter().filter_map(|it| Some((units(*it), choice(*it, memory)?.variable()?))).collect();
            let whole = chosen.iter().map(|it| it.0).sum::<u64>().min(room.capacity.iter().copied().max().unwrap_or(0));
            let all = (!chosen.is_empty()).then(|| model.integer(0, whole, 0));
            if let Some(all) = all {
                let sum: Expression = chosen.iter().map(|(units, it)| *units as f64 * *it).sum();
                model.constraints.push(constraint!(sum == all));
            }
            let shared = self.shared(model, memory, &choice);
            let mut last: Option<(HashMap<TensorId, u64>, u64)> = None;
            for (row, tensors) in by_row.iter().enumerate() {
                let (mut left, mut most) =
                    (i128::from(room.capacity[row]), i128::from(if all.is_some() { whole } else { 0 }));
                let mut terms: Vec<(TensorId, u64, Variable)> = Vec::new();
                for &tensor in tensors.iter().filter(|it| units(**it) != 0) {
                    match choice(tensor, memory) {
                        Some(Choice::Always) => left -= i128::from(units(tensor)),
                        Some(Choice::Of(_, variable)) => {
                            most += i128::from(units(tensor));
                            terms.push((tensor, units(tensor), variable));
                        }
                        None => {}
                    }
                }
                let saved = shared.get(&(row as u32)).map_or(&[][..], |it| &it[..]);
                if most <= left {
                    continue;
                }
                if saved.is_empty() && terms.is_empty() && all.is_none() {
                    return None;
                }
                // The previous row may imply this one.
                if let Some((before, capacity)) = &last
                    && saved.is_empty()
                    && i128::from(*capacity) <= left
                    && terms.iter().all(|it| before.contains_key(&it.0))
                {
                    continue;
                }
                last = (saved.is_empty() && 0 <= left)
                    .then(|| (terms.iter().map(|it| (it.0, it.1)).collect(), left as u64));
                let mut sum: Expression = terms.iter().map(|(_, units, it)| *units as f64 * *it).sum();
                all.iter().for_each(|it| sum += *it);
                saved.iter().for_each(|(inner, it)| sum -= units(*inner) as f64 * *it);
                model.constraints.push(constraint!(sum <= left as f64));
            }
        }
        Some(x)
    }

    /// The pairs that may share bytes in a memory, by row: the inner tensor and the variable.
    fn shared(
        &self,
        model: &mut Model,
        memory: MemoryId,
        choice: &dyn Fn(TensorId, MemoryId) -> Option<Choice>,
    ) -> HashMap<u32, Vec<(TensorId, Variable)>> {
        let mut shared: HashMap<u32, Vec<(TensorId, Variable)>> = HashMap::new();
        // By row and tensor: pairs of equal size.
        let mut of_result: HashMap<(u32, TensorId), Vec<Variable>> = HashMap::new();
        let mut of_operand = of_result.clone();
        for (row, pair) in &self.lives.pairs {
            let InPlace { result, operand, .. } = *pair;
            let (Some(one), Some(other)) = (choice(result, memory), choice(operand, memory)) else { continue };
            if !is_aligned(self.problem, pair, memory) {
                continue;
            }
            let y = model.binary(0, false);
            for it in [one, other].into_iter().filter_map(|it| it.variable()) {
                model.constraints.push(constraint!(y <= it));
            }
            shared.entry(*row).or_default().push((pair.inner(), y));
            if !pair.is_part() {
                of_result.entry((*row, result)).or_default().push(y);
                of_operand.entry((*row, operand)).or_default().push(y);
            }
        }
        for table in [of_result, of_operand] {
            let mut many: Vec<_> = table.into_iter().filter(|it| 1 < it.1.len()).collect();
            many.sort_by_key(|it| it.0);
            for (_, variables) in many {
                let sum: Expression = variables.into_iter().sum();
                model.constraints.push(constraint!(sum <= 1));
            }
        }
        shared
    }
}
