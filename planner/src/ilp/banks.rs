//! Which residency lies in which bank, as an integer program over sums of rooms.
//!
//! - `x[i][b]`: item `i` lies in bank `b`. One of its banks is one.
//! - `c[p]`: the two items of pair `p`, which some operators read beside each other, lie in one bank; it counts once for each
//!   of these operators: `x[i][b] + x[j][b] - 1 <= c[p]`.
//! - `y[s][b]`: a result and an operand lie in bank `b` and share bytes, which needs `x` of both.
//!
//! In each step and each bank, the rooms of what is there, less those of the inner ones of what shares bytes, are at most
//! that of the bank. Items that are tied lie in one bank.
//!
//! It is asked twice, where results lie over operands: once with blocks as items, which are what the packer is given; and
//! once with each residency by itself, of which the bound is true whatever shares bytes.

use super::choice::Choice;
use super::solver::{Answer, Model, is_time_for};
use crate::banks::{Blocks, Chosen, Together};
use crate::pack::{Interval, Piece};
use crate::{Bytes, Deadline, InPlace, Problem, Step, TensorId};
use good_lp::{Expression, Variable, constraint};
use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

/// Nodes of the solver.
const MAX_NODES: i32 = 500;

/// What it may take.
const TIME_LIMIT: Duration = Duration::from_secs(4);

/// A program with more variables is not asked.
const MAX_VARIABLES: usize = 20_000;

/// How often a bank that cannot be packed is cut off.
const MOST_CUTS: usize = 8;

/// What is asked.
pub(crate) struct Banking<'a> {
    pub problem: &'a Problem,
    pub together: &'a [Together],
    pub tied: &'a [(usize, usize)],
    /// There are no fewer conflicts in any case.
    pub least: u64,
}

/// What lies in one bank.
struct Item {
    /// The steps and the units of the alignment in them.
    loads: Vec<(Range<u32>, u64)>,
    banks: Vec<usize>,
}

/// A result and an operand that may share bytes in a step.
struct Shared {
    step: u32,
    result: usize,
    operand: usize,
    units: u64,
    is_part: bool,
}

/// A program in numbers.
struct Asked {
    items: Vec<Item>,
    /// By bank: the units that it has.
    units: Vec<u64>,
    n_steps: usize,
    /// How many operators read two items.
    beside: Vec<(usize, usize, u64)>,
    shared: Vec<Shared>,
    tied: Vec<(usize, usize)>,
    /// Items that do not go to a bank together.
    cuts: Vec<(usize, Vec<usize>)>,
    /// Of items that are one.
    always: u64,
    least: u64,
}

impl Banking<'_> {
    /// A plan with fewer conflicts, if there is one and it is found, and a bound on those of any other banks.
    pub fn solve(&self, chosen: Chosen, deadline: Deadline) -> (Chosen, u64) {
        let deadline = deadline.within(TIME_LIMIT);
        let plan = chosen.plan.clone();
        let blocks = Blocks::new(self.problem, &plan, self.together, self.tied);
        let by_residency = self.of_residencies(&blocks, &plan);
        // Blocks are residencies, and cannot be anything else.
        let is_apart = by_residency.shared.is_empty();
        let mut bound = self.least;
        let mut best = chosen;
        let mut asked = self.of_blocks(&blocks);
        for nth in 0..=MOST_CUTS {
            if best.conflicts <= bound {
                break;
            }
            let Some(Solved { banks, least }) = asked.solve(best.conflicts, deadline) else { break };
            if nth == 0 && is_apart {
                bound = bound.max(least);
            }
            let Some(banks) = banks else { break };
            let mut placed = blocks.clone();
            match placed.put_all(&banks, deadline) {
                Ok(()) => {
                    if placed.conflicts < best.conflicts {
                        best = Chosen { plan: placed.plan_at(&placed.places_of_all()), conflicts: placed.conflicts };
                    }
                    break;
                }
                Err(bank) => {
                    let all = (0..banks.len()).filter(|it| banks[*it] == bank && 1 < asked.items[*it].banks.len());
                    asked.cuts.push((bank, all.collect()));
                }
            }
        }
        if !is_apart && bound < best.conflicts {
            let least = by_residency.solve(best.conflicts, deadline).map(|it| it.least);
            bound = bound.max(least.unwrap_or(0));
        }
        let bound = bound.min(best.conflicts);
        (best, bound)
    }

    fn of_blocks(&self, blocks: &Blocks) -> Asked {
        let alignment = Bytes(blocks.alignment());
        let banks = |it: usize| match blocks.list[it].bank {
            Some(bank) if blocks.is_pinned(it) => vec![bank],
            _ => (0..blocks.n_banks()).filter(|bank| blocks.fits(it, *bank)).collect(),
        };
        let item = |it: usize| {
            let room = |it: &Piece| Piece { high: it.low + (it.high - it.low).align_up(alignment), ..*it };
            let pieces: Vec<Piece> = blocks.pieces(it).iter().map(room).collect();
            let size = pieces.iter().map(|it| it.high).max().unwrap_or_default();
            let pieces = Interval::of_parts(size, pieces).pieces();
            let loads = pieces.iter().map(|it| (it.start..it.end, (it.high - it.low).0.div_ceil(alignment.0)));
            Item { loads: loads.collect(), banks: banks(it) }
        };
        let items: Vec<Item> = (0..blocks.list.len()).map(item).collect();
        let one_way =
            |it: usize| blocks.beside(it).iter().filter(move |other| it < other.0).map(move |o| (it, o.0, o.1));
        let beside: Vec<(usize, usize, u64)> = (0..items.len()).flat_map(one_way).collect();
        let always = blocks.inner_conflicts();
        Asked { shared: Vec::new(), tied: Vec::new(), always, beside, ..self.asked(blocks, items) }
    }

    fn asked(&self, blocks: &Blocks, items: Vec<Item>) -> Asked {
        Asked {
            items,
            units: (0..blocks.n_banks()).map(|it| blocks.units(it)).collect(),
            n_steps: blocks.n_steps(),
            beside: Vec::new(),
            shared: Vec::new(),
            tied: self.tied.to_vec(),
            cuts: Vec::new(),
            always: 0,
            least: self.least,
        }
    }

    fn of_residencies(&self, blocks: &Blocks, plan: &crate::Plan) -> Asked {
        let Problem { graph, .. } = self.problem;
        let unit = blocks.alignment();
        let memory = &self.problem.machine.memories()[crate::MemoryId::SCRATCHPAD.index()];
        let bank_size = memory.banks.map_or(u64::MAX, |it| it.size.0);
        let all = || 0..blocks.n_banks();
        let mut items: Vec<Item> = Vec::new();
        for it in &plan.residencies {
            let Bytes(size) = graph.tensor(it.tensor).size;
            let banks = match graph.pinned(it.tensor) {
                Some(pin) => vec![(pin.start.0 / bank_size) as usize],
                None => all().filter(|bank| blocks.holds(size, *bank)).collect(),
            };
            items.push(Item { loads: vec![(it.steps.start.0..it.steps.end.0, size.div_ceil(unit))], banks });
        }
        for (step, op) in (0..).zip(&plan.order) {
            let Bytes(size) = graph.op(*op).workspace;
            if size != 0 {
                let banks = all().filter(|bank| blocks.holds(size, *bank)).collect();
                items.push(Item { loads: vec![(step..step + 1, size.div_ceil(unit))], banks });
            }
        }
        let mut shared = Vec::new();
        let at = |tensor: TensorId, is_it: &dyn Fn(&Range<Step>) -> bool| {
            plan.residencies.iter().position(|it| it.tensor == tensor && is_it(&it.steps))
        };
        for (step, op) in (0..).map(Step).zip(&plan.order) {
            for pair in &graph.op(*op).in_place {
                let InPlace { result, operand, .. } = *pair;
                let result = at(result, &|it| it.start == step);
                let operand = at(operand, &|it| it.end == step.next() && it.start < it.end);
                if let (Some(result), Some(operand)) = (result, operand) {
                    let units = graph.tensor(pair.inner()).size.0.div_ceil(unit);
                    shared.push(Shared { step: step.0, result, operand, units, is_part: pair.is_part() });
                }
            }
        }
        let mut beside: Vec<(usize, usize)> = self.together.iter().map(|it| (it.one, it.other)).collect();
        beside.sort_unstable();
        let beside = beside.chunk_by(|a, b| a == b).map(|it| (it[0].0, it[0].1, it.len() as u64)).collect();
        Asked { shared, beside, ..self.asked(blocks, items) }
    }
}

/// What came of it.
struct Solved {
    /// By item, if some are better than what is known.
    banks: Option<Vec<usize>>,
    least: u64,
}

impl Asked {
    /// Banks with fewer conflicts than `known`; none if nothing is known.
    fn solve(&self, known: u64, deadline: Deadline) -> Option<Solved> {
        let n_banks = self.units.len();
        if MAX_VARIABLES < self.items.len() * n_banks + self.beside.len() + self.shared.len() * n_banks {
            return None;
        }
        let nothing_better = Some(Solved { banks: None, least: known });
        let mut model = Model::default();
        let Some(x) = self.rows(&mut model) else { return nothing_better };
        let (least, most) = (self.least.saturating_sub(self.always), (known - 1).checked_sub(self.always));
        let Some(most) = most.filter(|most| least <= *most) else { return nothing_better };
        if !is_time_for(model.constraints.len(), deadline) {
            return None;
        }
        if model.n_variables() == 0 {
            let banks = self.items.iter().map(|it| it.banks[0]).collect();
            return Some(Solved { banks: Some(banks), least: self.always });
        }
        model.limit_objective(least, most);
        let Answer { values, bound, is_infeasible } = model.minimise_cold(MAX_NODES, deadline).ok()?;
        if is_infeasible {
            return nothing_better;
        }
        let is_set = |(_, choice): &&(usize, Choice)| match choice {
            Choice::Always => true,
            Choice::Of(at, _) => values.as_ref().is_some_and(|values| values[*at] == 1),
        };
        let banks = x.iter().map(|own| own.iter().find(is_set).map(|it| it.0)).collect::<Option<Vec<usize>>>();
        let banks = banks.filter(|_| values.is_some());
        Some(Solved { banks, least: bound.saturating_add(self.always).min(known) })
    }

    /// All variables and rows; none if there are no banks for certain.
    fn rows(&self, model: &mut Model) -> Option<Vec<Vec<(usize, Choice)>>> {
        let mut x: Vec<Vec<(usize, Choice)>> = Vec::with_capacity(self.items.len());
        for item in &self.items {
            let own: Vec<(usize, Choice)> = match item.banks[..] {
                [] => return None,
                [bank] => vec![(bank, Choice::Always)],
                _ => {
                    let choice = |bank: &usize| {
                        let at = model.n_variables();
                        (*bank, Choice::Of(at, model.binary(0, false)))
                    };
                    item.banks.iter().map(choice).collect()
                }
            };
            if 1 < own.len() {
                let sum: Expression = own.iter().filter_map(|it| it.1.variable()).sum();
                model.constraints.push(constraint!(sum == 1));
            }
            x.push(own);
        }
        let choice = |item: usize, bank: usize| x[item].iter().find(|it| it.0 == bank).map(|it| it.1);
        let term = |item: usize, bank: usize| -> Expression {
            match choice(item, bank) {
                None => Expression::from(0.0),
                Some(Choice::Always) => Expression::from(1.0),
                Some(Choice::Of(_, it)) => it.into(),
            }
        };
        // What is tied is in one bank.
        for &(one, other) in self.tied.iter().filter(|it| it.0 != it.1) {
            (0..self.units.len()).for_each(|bank| {
                model.constraints.push((term(one, bank) - term(other, bank)).eq(0.0));
            });
        }
        for (bank, items) in &self.cuts {
            let sum: Expression = items.iter().map(|it| term(*it, *bank)).sum();
            model.constraints.push(sum.leq(items.len() as f64 - 1.0));
        }
        for &(one, other, n_ops) in &self.beside {
            let c = model.binary(n_ops, false);
            for bank in 0..self.units.len() {
                if choice(one, bank).is_some() && choice(other, bank).is_some() {
                    model.constraints.push((term(one, bank) + term(other, bank) - c).leq(1.0));
                }
            }
        }
        let saved = self.shares(model, &term);
        self.rooms(model, &term, &saved);
        Some(x)
    }

    /// By step and bank: the units that are saved, and whether they are.
    fn shares(
        &self,
        model: &mut Model,
        term: &dyn Fn(usize, usize) -> Expression,
    ) -> HashMap<(u32, usize), Vec<(u64, Variable)>> {
        let mut saved: HashMap<(u32, usize), Vec<(u64, Variable)>> = HashMap::new();
        let mut of_result: HashMap<usize, Vec<Variable>> = HashMap::new();
        let mut of_operand = of_result.clone();
        for it in &self.shared {
            for bank in 0..self.units.len() {
                let y = model.binary(0, false);
                for item in [it.result, it.operand] {
                    model.constraints.push((Expression::from(y) - term(item, bank)).leq(0.0));
                }
                saved.entry((it.step, bank)).or_default().push((it.units, y));
                if !it.is_part {
                    of_result.entry(it.result).or_default().push(y);
                    of_operand.entry(it.operand).or_default().push(y);
                }
            }
        }
        // A result takes the place of one operand, and that gives it to one result.
        for table in [of_result, of_operand] {
            let mut all: Vec<_> = table.into_iter().collect();
            all.sort_by_key(|it| it.0);
            for (_, variables) in all {
                let sum: Expression = variables.into_iter().sum();
                model.constraints.push(constraint!(sum <= 1));
            }
        }
        saved
    }

    /// What is in a bank in each step has room there.
    fn rooms(
        &self,
        model: &mut Model,
        term: &dyn Fn(usize, usize) -> Expression,
        saved: &HashMap<(u32, usize), Vec<(u64, Variable)>>,
    ) {
        let mut by_step: Vec<Vec<(usize, u64)>> = vec![Vec::new(); self.n_steps];
        for (index, item) in self.items.iter().enumerate() {
            for (steps, units) in item.loads.iter().filter(|it| it.1 != 0) {
                for there in &mut by_step[steps.start as usize..steps.end as usize] {
                    match there.last_mut().filter(|it| it.0 == index) {
                        Some(last) => last.1 += units,
                        None => there.push((index, *units)),
                    }
                }
            }
        }
        let mut last: HashMap<usize, u64> = HashMap::new();
        for (step, there) in by_step.iter().enumerate() {
            let step = step as u32;
            let shares = (0..self.units.len()).any(|bank| saved.contains_key(&(step, bank)));
            // The step before may say it all.
            if !shares && there.iter().all(|(item, units)| last.get(item).is_some_and(|it| units <= it)) {
                continue;
            }
            last = if shares { HashMap::new() } else { there.iter().copied().collect() };
            let all: u64 = there.iter().map(|it| it.1).sum();
            for (bank, units) in self.units.iter().enumerate().filter(|it| *it.1 < all) {
                let mut sum: Expression = there.iter().map(|(item, units)| *units as f64 * term(*item, bank)).sum();
                for (units, y) in saved.get(&(step, bank)).into_iter().flatten() {
                    sum -= *units as f64 * *y;
                }
                model.constraints.push(sum.leq(*units as f64));
            }
        }
    }
}
