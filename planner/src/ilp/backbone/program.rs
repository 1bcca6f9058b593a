//! The integer program of the relaxed problem.
//!
//! ```text
//! ran[w][I]    side operator w runs in cell I or before it; one in the last of its cells
//! on[t][p]     tensor t is on-chip while the backbone's operator p runs
//! kept[t][c]   t is on-chip all through cell c, both ends included
//! back[t][c]   t is reloaded in cell c, or just before the operator at its end
//! born[t][c]   likewise: t is written or loaded for the first time
//! gone[t]      t is written back
//!
//! minimise   Σ size(t)·back[t][c]  +  Σ size(t)·gone[t]
//! with       runs[w][I] = ran[w][I] - ran[w][the cell before I]
//! such that  0  ≤  runs[w][I]                                                  each w and I
//!            ran[w][I]  ≤  ran[v][last J that begins before I ends]            each v that w needs
//!            kept[t][c]  ≤  on[t][start of c],  on[t][end of c]
//!            on[t][end of c]  ≤  kept[t][c] + back[t][c] + born[t][c]
//!            runs[w][W]  ≤  on[t][start of W]  +  Σ over c in W:  back[t][c] + born[t][c]     w reads t
//!            back[t][c]  ≤  gone[t]                                            t has no host copy
//!            Σ room(t)·on[t][p] + own(p)  ≤  capacity                          each p of the backbone
//!            Σ room(t)·kept[t][c ⊇ W] + own(w)·runs[w][W]  ≤  capacity          each w and W
//!            Σ runs[w][I]  ≤  1                                              heavy w, each part I of a stretch but the last
//! ```
//!
//! W is a cell, or all cells of w from one on, with the sum of their `runs`: if w runs partially in each of many cells,
//! rows for single cells would only require a part of its operands and space (like the (l, S) inequalities of lot
//! sizing: Barany, Van Roy and Wolsey, 1984).
//!
//! The solver decides that an operator has run by some time, instead of the time when it runs, so each decision
//! excludes about half of the cells.
//!
//! A tensor has cells of its own: they are bounded by the operators of the backbone that touch it, and by the ends of
//! the cells of side operators that touch it. Within a cell, `kept` stands for `on`.

use super::chain::{Backbone, own};
use super::side::{Bound, Cell, Side, bound, is_tracked};
use crate::divisor::gcd;
use crate::ilp::precedence::Precedence;
use crate::ilp::solver::Model;
use crate::{Bytes, Deadline, Error, OpId, Problem, TensorId};
use good_lp::{Expression, Variable, constraint};
use std::collections::BTreeMap;
use std::ops::Range;

/// The node limit for one program: solutions rarely improve after that.
const MAX_NODES: i32 = 20_000;

/// The limit of the number of tensors times the operators and cells in which each may be present.
const MAX_PRESENCES: usize = 20_000_000;

pub(super) struct Program<'a> {
    problem: &'a Problem,
    backbone: &'a Backbone,
    sides: &'a [Side],
    /// By side operator and cell, except the last cell.
    ran: Vec<Vec<Variable>>,
    model: Model,
    unit: u64,
}

/// The ranges of cells, half-open, that have rows: each cell alone, and all suffixes.
fn windows(n_cells: usize) -> impl Iterator<Item = Range<usize>> {
    let last = (1..n_cells.saturating_sub(1)).map(move |it| it..n_cells);
    (0..n_cells).map(|it| it..it + 1).chain(last)
}

/// The presence of a tensor.
struct Presence {
    tensor: TensorId,
    cells: Vec<Cell>,
    kept: Vec<Expression>,
    /// At the end of each cell.
    on: Vec<Expression>,
}

impl Program<'_> {
    /// `None` if the program would be too large, or the deadline passes first.
    pub(super) fn new<'a>(
        problem: &'a Problem,
        precedence: &Precedence,
        backbone: &'a Backbone,
        sides: &'a [Side],
        tiny: u64,
        deadline: Deadline,
    ) -> Option<Program<'a>> {
        let graph = &problem.graph;
        let tracked: Vec<TensorId> = graph.tensor_ids().filter(|it| is_tracked(problem, *it, tiny)).collect();
        let n_places = backbone.len() + sides.iter().map(|it| it.cells().len()).sum::<usize>();
        if MAX_PRESENCES < tracked.len().saturating_mul(n_places) {
            return None;
        }
        let unit = tracked.iter().fold(0, |unit, it| gcd(unit, graph.tensor(*it).size.0)).max(1);
        let mut model = Model::default();
        let ran = sides.iter().map(|side| side.cells().skip(1).map(|_| model.binary(0, false)).collect()).collect();
        let mut program = Program { problem, backbone, sides, ran, model, unit };
        program.order_sides(precedence, deadline)?;
        let mut side_of: Vec<Option<usize>> = vec![None; graph.ops().len()];
        sides.iter().enumerate().for_each(|(index, it)| side_of[it.op.index()] = Some(index));
        let mut presences: Vec<Presence> = Vec::with_capacity(tracked.len());
        for tensor in tracked {
            if deadline.has_passed() {
                return None;
            }
            presences.push(program.presence(tensor, &side_of));
        }
        program.part_heavy();
        program.limit_backbone(&presences, deadline)?;
        program.limit_sides(&presences, deadline)?;
        Some(program)
    }

    /// Each side operator runs once, after its predecessors. `None` if the deadline passes first.
    fn order_sides(&mut self, precedence: &Precedence, deadline: Deadline) -> Option<()> {
        for ran in &self.ran {
            let steps = ran.windows(2).map(|it| constraint!(it[0] <= it[1]));
            self.model.constraints.extend(steps);
        }
        let ancestors = precedence.ancestors();
        let mut side_of = vec![0; ancestors.n_ops()];
        let mut is_side = vec![0_u64; ancestors.n_ops().div_ceil(64)];
        for (side, op) in self.sides.iter().map(|it| it.op.index()).enumerate() {
            side_of[op] = side;
            is_side[op / 64] |= 1 << (op % 64);
        }
        for (w, after) in self.sides.iter().enumerate() {
            if deadline.has_passed() {
                return None;
            }
            for v in ancestors.nearest(after.op.index(), &is_side).into_iter().map(|op| side_of[op]) {
                let before = &self.sides[v];
                let last = before.cells().last().map_or(0, |it| it.from);
                for (index, cell) in after.cells().enumerate().take_while(|it| it.1.to <= last) {
                    let w_ran = self.ran_in(w, index + 1);
                    let v_ran = self.ran_in(v, before.cells().take_while(|it| it.from < cell.to).count());
                    self.model.constraints.push(constraint!(w_ran <= v_ran));
                }
            }
        }
        Some(())
    }

    /// Whether a side operator runs in the first `n_cells` of its cells.
    fn ran_in(&self, side: usize, n_cells: usize) -> Expression {
        match n_cells.checked_sub(1) {
            None => Expression::default(),
            Some(last) => self.ran[side].get(last).map_or(1.0.into(), |it| (*it).into()),
        }
    }

    /// Whether a side operator runs in some of its cells, half-open.
    fn runs_in(&self, side: usize, window: &Range<usize>) -> Expression {
        self.ran_in(side, window.end) - self.ran_in(side, window.start)
    }

    /// The range from the first to the last of some cells of a side operator.
    fn span(&self, side: usize, window: &Range<usize>) -> Cell {
        let bounds = &self.sides[side].bounds;
        Cell { from: bounds[window.start], to: bounds[window.end] }
    }

    /// For each cell of a side operator: whether it runs there.
    fn runs(&self, side: usize) -> impl Iterator<Item = (Cell, Expression)> {
        let cells = self.sides[side].cells().enumerate();
        cells.map(move |(index, cell)| (cell, self.runs_in(side, &(index..index + 1))))
    }

    /// Where a tensor can be present, and the cost.
    fn presence(&mut self, tensor: TensorId, side_of: &[Option<usize>]) -> Presence {
        let graph = &self.problem.graph;
        let weight = graph.tensor(tensor).size.0 / self.unit;
        let producer = graph.producer(tensor);
        let touches: Vec<OpId> = graph.touches(tensor).collect();
        let mut touching: Vec<usize> = touches.iter().filter_map(|it| side_of[it.index()]).collect();
        touching.sort_unstable();
        let fixed: Vec<Bound> = touches.iter().filter_map(|it| Some(bound(self.backbone.place(*it)?))).collect();
        let mut bounds = fixed.clone();
        touching.iter().for_each(|it| bounds.extend(&self.sides[*it].bounds));
        bounds.sort_unstable();
        bounds.dedup();
        let gone = (!graph.has_host_copy(tensor)).then(|| self.model.binary(weight, false));
        // An argument that the backbone reads first is loaded there.
        let is_first_fixed = bounds.first().is_some_and(|it| fixed.contains(it));
        let mut first_loads: Vec<Variable> = Vec::new();

        let mut presence = Presence { tensor, cells: Vec::new(), kept: Vec::new(), on: Vec::new() };
        let mut back: Vec<Expression> = Vec::new();
        let mut born: Vec<Expression> = Vec::new();
        let mut on_before = Expression::from(f64::from(u8::from(is_first_fixed)));
        let mut can_be_before = is_first_fixed;
        for pair in bounds.windows(2) {
            let cell = Cell { from: pair[0], to: pair[1] };
            let is_last = pair[1] == *bounds.last().unwrap_or(&0);
            let arrives: Expression = match producer {
                Some(_) if is_first_fixed => Expression::default(),
                Some(op) if self.backbone.place(op).is_some_and(|it| bound(it) == cell.to) => 1.0.into(),
                Some(op) => self.born_beside(op, &cell),
                None if is_first_fixed => Expression::default(),
                None => {
                    let load = self.model.binary(0, false);
                    first_loads.push(load);
                    load.into()
                }
            };
            let returns: Expression = if can_be_before {
                let returns = self.model.binary(weight, false);
                if let Some(gone) = gone {
                    self.model.constraints.push(constraint!(returns <= gone));
                }
                returns.into()
            } else {
                Expression::default()
            };
            let is_fixed = fixed.contains(&cell.to);
            let kept: Expression = if !can_be_before || (is_last && !is_fixed) {
                Expression::default()
            } else {
                self.model.binary(0, false).into()
            };
            let on: Expression = if is_fixed {
                1.0.into()
            } else if is_last {
                Expression::default()
            } else {
                self.model.binary(0, false).into()
            };
            if can_be_before {
                self.model.constraints.push(constraint!(kept.clone() <= on_before.clone()));
            }
            if is_fixed || !is_last {
                self.model.constraints.push(constraint!(kept.clone() <= on.clone()));
                self.model
                    .constraints
                    .push(constraint!(on.clone() <= kept.clone() + returns.clone() + arrives.clone()));
            }
            presence.cells.push(cell);
            presence.kept.push(kept);
            presence.on.push(on.clone());
            back.push(returns);
            born.push(arrives);
            on_before = on;
            can_be_before = true;
        }
        if !first_loads.is_empty() {
            let sum: Expression = first_loads.into_iter().sum();
            self.model.constraints.push(constraint!(sum <= 1.0));
        }
        for &side in touching.iter().filter(|it| graph.readers(tensor).contains(&self.sides[**it].op)) {
            for window in windows(self.sides[side].cells().len()) {
                let span = self.span(side, &window);
                let mut there = Expression::default();
                for (index, own) in presence.cells.iter().enumerate() {
                    if own.to == span.from {
                        there += presence.on[index].clone();
                    }
                    if span.contains(own) {
                        there += back[index].clone() + born[index].clone();
                        if index == 0 && own.from == span.from && is_first_fixed {
                            there += 1.0;
                        }
                    }
                }
                self.model.constraints.push(constraint!(self.runs_in(side, &window) <= there));
            }
        }
        presence
    }

    /// Whether a side operator writes its result in a cell, or may have done so.
    fn born_beside(&self, producer: OpId, cell: &Cell) -> Expression {
        match self.sides.iter().position(|it| it.op == producer) {
            Some(side) => self.runs(side).find(|it| it.0.contains(cell)).map(|it| it.1).unwrap_or_default(),
            None => Expression::default(),
        }
    }

    /// Heavy side operators in one interval run in different parts of it.
    fn part_heavy(&mut self) {
        let mut of_part: BTreeMap<Bound, Expression> = BTreeMap::new();
        for index in (0..self.sides.len()).filter(|it| self.sides[*it].is_heavy) {
            for (cell, runs) in self.runs(index).filter(|it| it.0.is_part()) {
                *of_part.entry(cell.from).or_default() += runs;
            }
        }
        self.model.constraints.extend(of_part.into_values().map(|it| constraint!(it <= 1.0)));
    }

    /// `None` if the deadline passes first.
    fn limit_backbone(&mut self, presences: &[Presence], deadline: Deadline) -> Option<()> {
        let problem = self.problem;
        let capacity = problem.capacity();
        for (place, &op) in self.backbone.ops.iter().enumerate() {
            if deadline.has_passed() {
                return None;
            }
            let bound = bound(place);
            let mut held = Expression::default();
            let mut potential = Bytes::ZERO;
            for presence in presences.iter().filter(|it| !problem.operands(op).any(|operand| operand == it.tensor)) {
                let at = presence.cells.iter().position(|it| it.from < bound && bound <= it.to);
                if let Some(cell) = at {
                    let on = if presence.cells[cell].to == bound { &presence.on[cell] } else { &presence.kept[cell] };
                    held += problem.room(presence.tensor).0 as f64 * on.clone();
                    potential += problem.room(presence.tensor);
                }
            }
            let left = capacity.saturating_sub(own(problem, op));
            if left < potential {
                self.model.constraints.push(constraint!(held <= left.0 as f64));
            }
        }
        Some(())
    }

    /// `None` if the deadline passes first.
    fn limit_sides(&mut self, presences: &[Presence], deadline: Deadline) -> Option<()> {
        let problem = self.problem;
        let capacity = problem.capacity();
        for (index, side) in self.sides.iter().enumerate() {
            let needed = own(problem, side.op).min(capacity);
            for window in windows(side.cells().len()) {
                if deadline.has_passed() {
                    return None;
                }
                let span = self.span(index, &window);
                let runs = self.runs_in(index, &window);
                let mut held = Expression::default();
                let mut potential = needed;
                for presence in presences.iter().filter(|it| !problem.operands(side.op).any(|op| op == it.tensor)) {
                    if let Some(index) = presence.cells.iter().position(|it| it.contains(&span)) {
                        held += problem.room(presence.tensor).0 as f64 * presence.kept[index].clone();
                        potential += problem.room(presence.tensor);
                    }
                }
                if capacity < potential {
                    let sum = held + needed.0 as f64 * runs;
                    self.model.constraints.push(constraint!(sum <= capacity.0 as f64));
                }
            }
        }
        Some(())
    }

    /// The bound, and a solution if there is one.
    pub(super) fn minimise(&self, gap: f64, deadline: Deadline) -> Result<(Bytes, Option<Vec<u64>>), Error> {
        let answer = self.model.approach(gap, MAX_NODES, deadline)?;
        Ok((Bytes(answer.bound * self.unit), answer.values))
    }

    /// The cell in which each side operator runs in a solution.
    pub(super) fn chosen(&self, values: &[u64]) -> Vec<Cell> {
        // `ran` are the first variables.
        let mut rest = values;
        let mut chosen = Vec::with_capacity(self.sides.len());
        for side in self.sides {
            let (ran, others) = rest.split_at(side.cells().len() - 1);
            let n_before = ran.iter().take_while(|it| **it == 0).count();
            chosen.push(side.cells().nth(n_before).expect("it runs in the last cell if not before"));
            rest = others;
        }
        chosen
    }

    /// By operator: its time in a solution; for side operators, the middle of the chosen cells.
    pub(super) fn wishes(&self, chosen: &[Cell]) -> Vec<Option<usize>> {
        // Bounds are doubled, so that the backbone's operators have even times.
        let of_backbone = |op: OpId| Some(2 * bound(self.backbone.place(op)?));
        let mut wishes: Vec<Option<usize>> = self.problem.graph.op_ids().map(of_backbone).collect();
        for (side, cell) in self.sides.iter().zip(chosen) {
            let middle = |it: &Cell| it.from + it.to - (it.from + it.to + 1) % 2;
            wishes[side.op.index()] = Some(middle(cell));
        }
        wishes
    }
}
