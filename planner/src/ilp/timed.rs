//! Replacement in a fixed order for time, and bounds on time: the covering problem of an order, with the recursion for
//! divisible transfers as rows.
//!
//! A *line* is a sequence of steps: each is an operator, or all operators of a *cell*, which run in any order. It has a
//! gap for each tensor and each range between two of its uses. Times are those of the compute engine, and transfers are
//! measured in cycles of the channel. For step $s$, which begins at $B_s$ and ends at $E_s$,
//!
//! ```text
//! minimise   Z
//! such that  E(s) ≥ B(s) + cycles(s),   B(s) ≥ E(s−1)
//!            D(s) = D(s−1) + streams(s−1) + loads(s) + Σ load(g)·dropped[g] over the gaps g that end at s
//!            K(s) = K(s−1) + Σ room(g)·(1 − dropped[g]) over those that begin at s − the same over those that end at s
//!            loads begun before B(s) and E(s), P'(s) and P(s):
//!              P'(s) ≥ D(s),   P(s) ≥ P'(s) + streams(s),   P(s) ≤ D(s) + streams(s) + (capacity − own(s) − K(s))
//!            stores, Q'(s) and Q(s), where there is one channel both ways:
//!              Q(s) ≤ what was made before s,   Q'(s) ≥ what is written back of gaps that end until s
//!            (P' + Q')(s) − (P + Q)(s−1) ≤ B(s) − E(s−1),   (P + Q)(s) − (P' + Q')(s) ≤ E(s) − B(s)
//!            Z ≥ E(n) + what is still to be stored
//! ```
//!
//! A cell has no $K$: the contents of the scratchpad within it depend on its order. Its loads are due at its end.
//!
//! Every program of the order satisfies the rows with its own times: transfers that the rows do not count only occupy
//! the channel longer. So no program takes less than the relaxation. Addresses are ignored, as are all latencies except
//! those of the first load and the last store, and that each tensor must be written back before its reload: only the
//! bytes count.
//!
//! Two programs are solved: one for the least time, and one for the least traffic within that time.

use super::cover::LongCover;
use super::gap;
use super::solver::{Numbers, NumbersAnswer};
use crate::reach::{Reach, members};
use crate::time::{Filling, Units};
use crate::{Bytes, Cycles, Deadline, Error, MemoryId, OpId, Outline, Problem, TensorId};
use good_lp::{Expression, IntoAffineExpression, Variable, constraint};
use std::ops::Range;
use tracing::debug;

/// The relative tolerance for a relaxation.
const MARGIN: f64 = 1e-6;

/// The time of a program in units of the solver: small enough for the tolerances, and large enough to be precise.
const LENGTH: f64 = 1e5;

/// The relative gap at which the solver may stop.
const GAP: f64 = 1e-4;

/// The limit of gaps and steps of a line.
const MAX_LENGTH: usize = 20_000;

/// An outline for time, and a bound for all outlines of its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOutcome {
    /// The best outline that was found, if any.
    pub outline: Option<Outline>,
    /// A lower bound on the time of every program of the order.
    pub bound: Cycles,
}

/// The outline of an order whose programs take the least time with arbitrarily divisible transfers, with little traffic
/// among those. `start` is an outline of the order to improve on. Pins and addresses are ignored.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction, or if a
/// tensor starts or ends in the scratchpad; [`Error::Solver`].
pub fn replace_in_time(
    problem: &Problem,
    order: &[OpId],
    start: Option<&Outline>,
    max_nodes: i32,
    deadline: Deadline,
) -> Result<TimedOutcome, Error> {
    problem.check_ends()?;
    let line = Line::of_order(problem, order)?;
    let none = TimedOutcome { outline: None, bound: Cycles::ZERO };
    if MAX_LENGTH < line.gaps.len() + line.steps.len() {
        return Ok(none);
    }
    let bound = line.relaxation(deadline)?;
    debug!(%bound, "relaxation of time in an order");
    let cover = LongCover::new(problem, order, problem.capacity());
    let Some(rows) = cover.in_rows() else { return Ok(TimedOutcome { bound, ..none }) };
    let (choices, rows) = (cover.choices, rows);
    let start = start.filter(|it| it.order == order).map(|it| gap::dropped(&choices.gaps, it));
    let mut formula = Formula::new(&line, true);
    for row in &rows.rows {
        let scale = row.excess.0 as f64;
        let made: Expression = row.terms.iter().map(|it| it.1.0 as f64 / scale * formula.dropped[it.0]).sum();
        formula.numbers.constraints.push(made.geq(1.0));
    }
    let start = start.map_or(Ok(None), |it| formula.completed(&it, deadline))?;
    let Some(fastest) = formula.numbers.minimise(start.as_deref(), GAP, max_nodes, deadline)? else {
        return Ok(TimedOutcome { bound, ..none });
    };
    let bound = bound.max(line.bound(fastest.bound));
    let Some(values) = fastest.values else { return Ok(TimedOutcome { bound, ..none }) };
    let within = formula.value(&values) * (1.0 + GAP);
    let traffic = formula.least_traffic(within).minimise(Some(&values), GAP, max_nodes, deadline)?;
    let values = traffic.and_then(|it| it.values).unwrap_or(values);
    let mut dropped: Vec<bool> = values[..choices.gaps.len()].iter().map(|it| 0.5 < *it).collect();
    // Only repairs rounding errors of a solver; it could change other choices, too.
    if !rows.rows.iter().all(|row| row.excess <= row.terms.iter().filter(|it| dropped[it.0]).map(|it| it.1).sum()) {
        rows.complete(&mut dropped);
    }
    Ok(TimedOutcome { outline: Some(gap::outline(problem, order, &choices.gaps, &dropped)), bound })
}

/// A bound for every program in any order: over the operators that are ordered against all others, and the cells
/// between them.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction;
/// [`Error::Solver`].
pub fn bound_of_cells(problem: &Problem, deadline: Deadline) -> Result<Cycles, Error> {
    if let Some(framed) = problem.framed() {
        return bound_of_cells(framed.problem(), deadline);
    }
    let Some(line) = Line::of_cells(problem, deadline)? else { return Ok(Cycles::ZERO) };
    if MAX_LENGTH < line.gaps.len() + line.steps.len() {
        return Ok(Cycles::ZERO);
    }
    let bound = line.relaxation(deadline)?;
    debug!(%bound, steps = line.steps.len(), "cells");
    Ok(bound)
}

/// One operator, or several that run in any order. Transfers are measured in cycles.
#[derive(Clone, Debug)]
struct Step {
    cycles: f64,
    /// For operands that are read in host memory.
    streams: f64,
    /// For first loads.
    loads: f64,
    /// For stores.
    stores: f64,
    /// For an operator: the space beside its own needs, and the time that transfers can take beyond their bytes until
    /// it is full.
    room: Option<(f64, f64)>,
    /// For results of an operator that can be the last.
    tail: f64,
}

/// A gap between two uses.
#[derive(Clone, Debug)]
struct LineGap {
    tensor: TensorId,
    /// Half-open, not empty; the next use is in the step at the end.
    inside: Range<usize>,
    room: f64,
    load: f64,
    size: u64,
    /// If it must be written back: the step that writes the tensor, and the time of the write-back.
    write: Option<(usize, f64)>,
}

/// A sequence of steps.
#[derive(Clone, Debug)]
struct Line {
    steps: Vec<Step>,
    /// By tensor, then by step.
    gaps: Vec<LineGap>,
    /// Whether transfers in both directions use one channel.
    is_one_channel: bool,
    latency_in: f64,
    latency_out: f64,
}

impl Line {
    fn of_order(problem: &Problem, order: &[OpId]) -> Result<Line, Error> {
        let in_place = problem.in_place_by_step(order);
        let steps: Vec<Vec<OpId>> = order.iter().map(|it| vec![*it]).collect();
        let own = |step: usize| Some(problem.own_room(order[step]) - problem.saved(&in_place[step]));
        Line::new(problem, &steps, own)
    }

    /// `None` if the deadline passes before the order of operators is known.
    fn of_cells(problem: &Problem, deadline: Deadline) -> Result<Option<Line>, Error> {
        let graph = &problem.graph;
        let n_ops = graph.ops().len();
        let relations = Reach::ancestors(graph, deadline).zip(Reach::descendants(graph, deadline));
        let Some((before, after)) = relations else { return Ok(None) };
        let n_before = |op: OpId| members(before.row(op.index())).count();
        let is_ordered = |op: &OpId| n_before(*op) + members(after.row(op.index())).count() + 1 == n_ops;
        // The operators that run before each of these are exactly those that come before it in every order.
        let mut backbone: Vec<OpId> = graph.op_ids().filter(is_ordered).collect();
        backbone.sort_by_key(|it| n_before(*it));
        let mut steps: Vec<Vec<OpId>> = vec![Vec::new(); 2 * backbone.len() + 1];
        backbone.iter().enumerate().for_each(|(nth, op)| steps[2 * nth + 1].push(*op));
        for op in graph.op_ids().filter(|it| !is_ordered(it)) {
            let row = before.row(op.index());
            let cell = backbone.partition_point(|it| row[it.index() / 64] & (1 << (it.index() % 64)) != 0);
            steps[2 * cell].push(op);
        }
        let is_operator = (0..steps.len()).map(|it| it % 2 == 1).zip(&steps).filter(|it| !it.1.is_empty());
        let is_operator: Vec<bool> = is_operator.map(|it| it.0).collect();
        steps.retain(|it| !it.is_empty());
        let own = |step: usize| {
            let op = steps[step][0];
            is_operator[step].then(|| problem.own_room(op) - problem.saved_at_most(op))
        };
        Line::new(problem, &steps, own).map(Some)
    }

    /// `own` is the padded size that the operator of a step needs by itself, if the step is one operator.
    fn new(problem: &Problem, steps: &[Vec<OpId>], own: impl Fn(usize) -> Option<Bytes>) -> Result<Line, Error> {
        let graph = &problem.graph;
        problem.machine.clock().ok_or(Error::NoClock)?;
        let way =
            |from, to| problem.machine.timing(from, to).ok_or(Error::NotPlanned("a machine without a link".into()));
        let units = Units::new(way(MemoryId::HOME, MemoryId::SCRATCHPAD)?, way(MemoryId::SCRATCHPAD, MemoryId::HOME)?);
        let in_cycles = |it: u128| it as f64 / units.of_cycle as f64;
        let (inward, outward) = (|it: Bytes| in_cycles(units.inward(it)), |it: Bytes| in_cycles(units.outward(it)));
        let size = |it: TensorId| graph.tensor(it).size;
        let sizes = graph.tensors().iter().map(|it| it.size).filter(|it| *it != Bytes::ZERO).collect();
        let filling = Filling::inward(&units, sizes);
        let of_room = |it: Bytes| in_cycles(u128::from(it.0) * units.of_byte_inward);
        let (latency_in, latency_out) = (units.inward.latency.0 as f64, units.outward.latency.0 as f64);

        let mut touches: Vec<Vec<usize>> = vec![Vec::new(); graph.tensors().len()];
        let mut line = Vec::with_capacity(steps.len());
        for (index, ops) in steps.iter().enumerate() {
            let mut step = Step { cycles: 0.0, streams: 0.0, loads: 0.0, stores: 0.0, room: None, tail: f64::MAX };
            for &op in ops {
                let streams: Vec<f64> = graph.op(op).reads_in(MemoryId::HOME).map(|it| inward(size(it))).collect();
                let streaming = streams.iter().sum::<f64>() + if streams.is_empty() { 0.0 } else { latency_in };
                step.cycles += (problem.cycles(op)?.unwrap_or_default().0 as f64).max(streaming);
                step.streams += streams.iter().sum::<f64>();
                let out = graph.op(op).writes.iter().copied();
                let out = out.filter(|it| graph.is_written_back(*it) && size(*it) != Bytes::ZERO);
                let stores: f64 = out.map(|it| outward(size(it))).sum();
                step.stores += stores;
                step.tail = step.tail.min(stores);
                for tensor in problem.operands(op) {
                    let touches = &mut touches[tensor.index()];
                    if touches.last() != Some(&index) {
                        if touches.is_empty() && graph.producer(tensor).is_none() && size(tensor) != Bytes::ZERO {
                            step.loads += inward(size(tensor));
                        }
                        touches.push(index);
                    }
                }
            }
            step.room = own(index).map(|own| {
                let room = problem.capacity().saturating_sub(own);
                (of_room(room), in_cycles(filling.most(room)) - of_room(room))
            });
            line.push(step);
        }
        let mut gaps = Vec::new();
        for (tensor, touches) in graph.tensor_ids().zip(&touches) {
            let is_empty = size(tensor) == Bytes::ZERO;
            let write = touches.first().filter(|_| !graph.has_host_copy(tensor) && !is_empty);
            for pair in touches.windows(2).filter(|it| it[0] + 1 < it[1]) {
                gaps.push(LineGap {
                    tensor,
                    inside: pair[0] + 1..pair[1],
                    room: of_room(problem.room(tensor)),
                    load: if is_empty { 0.0 } else { inward(size(tensor)) },
                    size: size(tensor).0,
                    write: write.map(|made| (*made, outward(size(tensor)))),
                });
            }
        }
        let is_one_channel = units.inward.channel == units.outward.channel;
        Ok(Line { steps: line, gaps, is_one_channel, latency_in, latency_out })
    }

    /// The number of cycles in a unit of the program.
    fn scale(&self) -> f64 {
        let steps: f64 = self.steps.iter().map(|it| it.cycles + it.loads + it.streams + it.stores).sum();
        (steps / LENGTH).max(1e-3)
    }

    /// A lower bound on the time of any choice; zero if there is no time to solve the relaxation.
    fn relaxation(&self, deadline: Deadline) -> Result<Cycles, Error> {
        let answer = Formula::new(self, false).numbers.minimise(None, 0.0, i32::MAX, deadline)?;
        Ok(answer.map_or(Cycles::ZERO, |it| self.bound(it.bound)))
    }

    /// The least integer number of cycles that a bound within the solver's tolerances proves.
    fn bound(&self, bound: f64) -> Cycles {
        let cycles = bound * self.scale();
        // The cast saturates at zero.
        if cycles.is_finite() { Cycles((cycles * (1.0 - MARGIN) - MARGIN).ceil() as u64) } else { Cycles::ZERO }
    }
}

/// The program of a line.
struct Formula<'a> {
    line: &'a Line,
    numbers: Numbers,
    /// By gap; they are the first variables.
    dropped: Vec<Variable>,
    end: Variable,
    /// The index of `end` among the variables.
    index_of_end: usize,
    traffic: Expression,
}

impl<'a> Formula<'a> {
    /// `is_whole`: whether tensors are dropped entirely or not at all.
    fn new(line: &'a Line, is_whole: bool) -> Formula<'a> {
        let mut numbers = Numbers::default();
        let dropped: Vec<Variable> =
            line.gaps.iter().map(|_| if is_whole { numbers.binary() } else { numbers.number(1.0) }).collect();
        let index_of_end = numbers.n_variables();
        let end = numbers.number(f64::INFINITY);
        numbers.objective = end.into();
        let (traffic, written) = written_back(line, &mut numbers, &dropped);
        let mut formula = Formula { line, numbers, dropped, end, index_of_end, traffic };
        formula.steps(&written);
        formula
    }

    fn value(&self, values: &[f64]) -> f64 {
        values[self.index_of_end]
    }

    fn steps(&mut self, written: &Written) {
        let Formula { line, numbers, dropped, end, .. } = self;
        let scale = line.scale();
        let mut number = || numbers.number(f64::INFINITY);
        let (mut starting, mut ending) =
            (vec![Vec::new(); line.steps.len() + 1], vec![Vec::new(); line.steps.len() + 1]);
        for (gap, it) in line.gaps.iter().enumerate() {
            starting[it.inside.start].push(gap);
            ending[it.inside.end].push(gap);
        }
        let mut rows = Vec::new();
        let (mut before_end, mut loaded, mut stored, mut due, mut kept) = (
            Expression::default(),
            Expression::default(),
            Expression::default(),
            Expression::default(),
            Expression::default(),
        );
        let (mut made, mut all_due) = (Expression::default(), Expression::default());
        let mut to_make = written.all.clone();
        to_make.sort_by_key(|it| it.0);
        let mut to_make = to_make.into_iter().peekable();
        let mut is_first = true;
        for (index, step) in line.steps.iter().enumerate() {
            let [begin, ends, ahead, carried, due_now] = [number(), number(), number(), number(), number()];
            rows.push((begin - before_end.clone()).geq(0.0));
            rows.push((ends - begin).geq(step.cycles / scale));
            let mut new_due = due.clone();
            let mut new_kept = kept.clone();
            for gap in &ending[index] {
                let it = &line.gaps[*gap];
                new_due += it.load / scale * dropped[*gap];
                new_kept -= it.room / scale * (1.0 - dropped[*gap]);
            }
            for gap in &starting[index] {
                new_kept += line.gaps[*gap].room / scale * (1.0 - dropped[*gap]);
            }
            rows.push((due_now - new_due).eq(step.loads / scale));
            let streams = step.streams / scale;
            if step.room.is_some() {
                rows.push((ahead - due_now).geq(0.0));
                rows.push((carried - ahead).geq(streams));
            } else {
                rows.push((carried - due_now).geq(streams));
                rows.push((ahead - loaded.clone()).geq(0.0));
                rows.push((carried - ahead).geq(0.0));
            }
            if is_first && step.loads != 0.0 {
                // The first transfer completes only after the latency.
                is_first = false;
                let there = if step.room.is_some() { begin } else { ends };
                rows.push((there - due_now).geq(line.latency_in / scale));
            }
            let kept_now = number();
            rows.push((kept_now - new_kept).eq(0.0));
            if let Some((room, beyond)) = step.room {
                let most = (room + beyond) / scale + streams;
                rows.push((carried - due_now + kept_now).leq(most));
                rows.push(constraint!(kept_now <= room / scale));
            }
            // Outgoing transfers on the same channel.
            let (mut out_before, mut out) = (Expression::default(), Expression::default());
            if line.is_one_channel {
                let [before, after] = [number(), number()];
                rows.push((before - stored.clone()).geq(0.0));
                rows.push((after - before).geq(0.0));
                let due_here = &written.due[index];
                if due_here.linear_coefficients().next().is_some() {
                    let due_now = number();
                    rows.push((due_now - all_due - due_here.clone()).eq(0.0));
                    let what = if step.room.is_some() { before } else { after };
                    rows.push((what - due_now).geq(0.0));
                    all_due = due_now.into();
                }
                let made_now = number();
                let mut now = made.clone() + step.stores / scale;
                while let Some((_, variable, work)) = to_make.next_if(|it| it.0 == index) {
                    now += work / scale * variable;
                }
                rows.push((made_now - now).eq(0.0));
                // The results of an operator are stored after it has ended.
                let most = if step.room.is_some() { made } else { made_now.into() };
                rows.push((after - most).leq(0.0));
                made = made_now.into();
                out_before = before.into();
                out = after.into();
            }
            rows.push((ahead + out_before.clone() - loaded - stored - begin + before_end).leq(0.0));
            rows.push((carried + out.clone() - ahead - out_before - ends + begin).leq(0.0));
            before_end = ends.into();
            loaded = carried.into();
            stored = out;
            due = due_now + streams;
            kept = kept_now.into();
        }
        if let Some(last) = line.steps.last() {
            let tail = if last.tail == 0.0 { 0.0 } else { last.tail + line.latency_out };
            rows.push((*end - before_end.clone()).geq(tail / scale));
            if line.is_one_channel {
                let latency = if last.tail == 0.0 { 0.0 } else { line.latency_out };
                rows.push((*end - before_end - made + stored).geq(latency / scale));
            }
        }
        numbers.constraints.extend(rows);
    }

    /// The values of all variables if these gaps are dropped, if feasible.
    fn completed(&self, dropped: &[bool], deadline: Deadline) -> Result<Option<Vec<f64>>, Error> {
        let mut fixed = self.numbers.clone();
        for (variable, is_dropped) in self.dropped.iter().zip(dropped) {
            let value = if *is_dropped { 1.0 } else { 0.0 };
            fixed.constraints.push(constraint!(*variable == value));
        }
        let answer: Option<NumbersAnswer> = fixed.minimise(None, GAP, 1, deadline)?;
        Ok(answer.and_then(|it| it.values))
    }

    /// The program for the least traffic within this time.
    fn least_traffic(&self, most: f64) -> Numbers {
        let mut numbers = self.numbers.clone();
        numbers.objective = self.traffic.clone();
        numbers.constraints.push(constraint!(self.end <= most));
        numbers
    }
}

/// The write-backs.
struct Written {
    /// By step: the write-backs that are due before the gaps that end there.
    due: Vec<Expression>,
    /// The step that writes a tensor, whether it is written back, and the time of the write-back.
    all: Vec<(usize, Variable, f64)>,
}

/// The traffic as a share of the most possible, and the write-backs.
fn written_back(line: &Line, numbers: &mut Numbers, dropped: &[Variable]) -> (Expression, Written) {
    let scale = line.scale();
    let sizes: u64 = line.gaps.iter().map(|it| it.size).fold(0, u64::saturating_add);
    let weight = |it: &LineGap| it.size as f64 / sizes.max(1) as f64 * LENGTH;
    let mut traffic = Expression::default();
    let mut written = Written { due: vec![Expression::default(); line.steps.len() + 1], all: Vec::new() };
    let mut first = 0;
    for gaps in line.gaps.chunk_by(|one, other| one.tensor == other.tensor) {
        let mut last: Option<Variable> = None;
        for (gap, variable) in gaps.iter().zip(&dropped[first..]) {
            traffic += weight(gap) * *variable;
            let Some((_, work)) = gap.write else { continue };
            // From here on it has a copy in host memory.
            let has_copy = match last {
                None => *variable,
                Some(last) => {
                    let has_copy = numbers.number(1.0);
                    numbers.constraints.push(constraint!(has_copy >= last));
                    numbers.constraints.push(constraint!(has_copy >= *variable));
                    has_copy
                }
            };
            let due = &mut written.due[gap.inside.end];
            *due += work / scale * has_copy;
            last.into_iter().for_each(|last| *due -= work / scale * last);
            last = Some(has_copy);
        }
        if let (Some(variable), Some((made, work))) = (last, gaps[0].write) {
            traffic += weight(&gaps[0]) * variable;
            written.all.push((made, variable, work));
        }
        first += gaps.len();
    }
    (traffic, written)
}
