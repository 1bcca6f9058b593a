//! The weights that stay in the scratchpad from one run to the next, decided together with replacement.
//!
//! In an order of the operators, a weight has one more gap than other tensors: over the end of a run and the beginning
//! of the next one, from its last use to its first. If it is kept, the weight occupies its space in the steps after its
//! last use and before its first; dropping it costs a load in each run. So the covering problem of an order
//! ([`LongCover`]), where `loaded[w]` means that the gap of weight *w* over the end is dropped, becomes
//! ```text
//! minimise   Σ size(g)·dropped[g]  +  Σ size(t)·written[t]  +  Σ size(w)·loaded[w]
//! such that  Σ over the gaps g across s: room(g)·dropped[g]
//!              + left  −  Σ over the weights w whose gap is not across s: room(w)·loaded[w]  ≥  excess(s)      each step s
//!            left = Σ room(w)·loaded[w]
//!            written[t] ≥ dropped[g]                                                                 each gap g of t
//! ```
//!
//! where `excess(s)` counts all weights as kept. Almost all weights have one use, so their gaps are across almost all
//! steps, and with `left` each row is as short as without them.
//!
//! A result may take the place of a weight that dies with its operator. A kept weight never dies: then `loaded[w]` also
//! frees space at its last use.
//!
//! **In any order**, the same program holds with a row for each operator, over the tensors that are certainly live
//! while it runs ([`forced`]). A kept weight with one reader is present while any other operator runs; for one with
//! several readers, that is certain only for operators that come before all of them or after all of them in every
//! order. Each plan with kept weights gives a choice that satisfies all rows and costs at most as much as the plan
//! moves. So the least cost of a choice is a lower bound on the traffic of each run.

use super::cover::{Choices, Cover, LongCover, Row};
use super::forced;
use super::gap;
use super::precedence::Precedence;
use super::replace::replace;
use super::solver::{self, Model};
use crate::divisor::gcd;
use crate::keep::{fits, keep_greedily, without_keep_of};
use crate::{Bytes, Deadline, Dies, Error, InPlace, OpId, Outline, Problem, TensorId};
use good_lp::{Expression, Variable, constraint};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// An order, the stays of a run, and the weights that are kept beside them.
#[derive(Clone, Debug)]
pub struct KeptOutline {
    /// Each stay from its first use to its last.
    pub outline: Outline,
    /// The weights that stay from their last stay to their first one in the next run; ascending.
    pub kept: Vec<TensorId>,
    /// A lower bound on the non-compulsory traffic of every choice in this order.
    pub lower_bound: Bytes,
}

/// The share of the remaining time for the initial replacement without kept weights.
const SHARE_OF_REPLACEMENT: f64 = 0.5;

/// A weight that may be kept.
#[derive(Clone, Debug)]
struct Wrap {
    tensor: TensorId,
    size: Bytes,
    room: Bytes,
}

/// A covering problem in which each weight also has a gap over the end of the run.
struct WrapCover {
    /// The excess of each row counts all weights as kept.
    cover: Cover,
    wraps: Vec<Wrap>,
    /// By row: the weights whose loading frees other than their own padded size, and how much; ascending.
    exceptions: Vec<Vec<(usize, Bytes)>>,
}

/// A solution.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Choice {
    /// By gap.
    dropped: Vec<bool>,
    /// By weight.
    loaded: Vec<bool>,
}

/// The best choice of kept weights and of stays in an order, which respects the dependences. No weight may be
/// [`Keep::Always`](crate::Keep::Always).
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::Solver`].
pub fn keep_in_order(problem: &Problem, order: &[OpId], deadline: Deadline) -> Result<KeptOutline, Error> {
    problem.check_is_combined()?;
    let of_all: Bytes = problem.graph.keepable().map(|it| problem.graph.tensor(it).size).sum();
    let uses = Uses::new(problem, order);
    let (wraps, never) = uses.wraps(problem, order);
    let candidates: Vec<TensorId> = wraps.iter().map(|it| it.tensor).collect();
    let bare = without_keep_of(problem, &candidates);
    // Without kept weights, it is replacement.
    let replaced = replace(&bare, order, None, deadline.part(SHARE_OF_REPLACEMENT))?;
    let kept = keep_greedily(&bare, &replaced.outline, &candidates);
    let cost = |outline: &Outline, kept: &[TensorId]| {
        let saved: Bytes = kept.iter().map(|it| problem.graph.tensor(*it).size).sum();
        outline.non_compulsory(&bare) + of_all - saved
    };
    let by_rule = KeptOutline { lower_bound: problem.restreamed() + never, outline: replaced.outline, kept };
    let Some(cover) = WrapCover::of_order(problem, &bare, order, &uses, wraps) else { return Ok(by_rule) };
    let dropped = gap::dropped(&cover.cover.choices.gaps, &by_rule.outline);
    let loaded = cover.wraps.iter().map(|it| by_rule.kept.binary_search(&it.tensor).is_err()).collect();
    let mut choice = Choice { dropped, loaded };
    let start = cover.fits(&choice).then_some(&choice);
    let (found, bound) = cover.minimise(start, deadline)?;
    if let Some(found) = found {
        choice = found;
    }
    let lower_bound = problem.restreamed() + never + bound;
    let outline = gap::outline(&bare, order, &cover.cover.choices.gaps, &choice.dropped);
    let kept: Vec<TensorId> = cover.wraps.iter().zip(&choice.loaded).filter(|it| !it.1).map(|it| it.0.tensor).collect();
    let is_better = cost(&outline, &kept) < cost(&by_rule.outline, &by_rule.kept);
    if is_better && fits_in_place(problem, &outline, &kept) {
        return Ok(KeptOutline { outline, kept, lower_bound });
    }
    Ok(KeptOutline { lower_bound, ..by_rule })
}

/// Whether an outline fits beside these weights by the sum of padded sizes, where other weights may share bytes with
/// results.
fn fits_in_place(problem: &Problem, outline: &Outline, kept: &[TensorId]) -> bool {
    let may_share = |it: &InPlace| kept.binary_search(&it.operand).is_err();
    let graph = problem.graph.with_less(|_| true, may_share);
    fits(&Problem { graph, machine: problem.machine.clone() }, outline, kept)
}

/// A lower bound on the non-compulsory traffic of each run in any order.
///
/// # Errors
/// [`Error::Solver`]; [`Error::NotPlanned`] if there are also pins, or a tensor starts or ends in the scratchpad.
pub fn keep_bound(problem: &Problem, deadline: Deadline) -> Result<Bytes, Error> {
    problem.check_is_combined()?;
    let Some((cover, never)) = WrapCover::of_any_order(problem, deadline) else { return Ok(problem.restreamed()) };
    let (_, bound) = cover.minimise(None, deadline)?;
    Ok(problem.restreamed() + never + bound)
}

/// By tensor: the first and the last step that uses it in an order.
struct Uses(Vec<Option<(usize, usize)>>);

impl Uses {
    fn new(problem: &Problem, order: &[OpId]) -> Uses {
        let mut uses: Vec<Option<(usize, usize)>> = vec![None; problem.graph.tensors().len()];
        for (step, op) in order.iter().enumerate() {
            for tensor in problem.operands(*op) {
                uses[tensor.index()].get_or_insert((step, step)).1 = step;
            }
        }
        Uses(uses)
    }

    /// Whether a step is before the first use of a weight, or after its last one.
    fn is_across(&self, weight: TensorId, step: usize) -> bool {
        self.0[weight.index()].is_some_and(|(first, last)| step < first || last < step)
    }

    fn is_last(&self, weight: TensorId, step: usize) -> bool {
        self.0[weight.index()].is_some_and(|it| it.1 == step)
    }

    /// The weights that can be kept in the order, and the cost of loading the others.
    fn wraps(&self, problem: &Problem, order: &[OpId]) -> (Vec<Wrap>, Bytes) {
        let in_place = problem.in_place_by_step(order);
        let own = |step: usize| problem.own_room(order[step]) - problem.saved(&in_place[step]);
        let own: Vec<Bytes> = (0..order.len()).map(own).collect();
        wraps(problem, &own, |tensor, step| self.is_across(tensor, step))
    }
}

/// The largest padded size of results in the place of a weight, if it dies with an operator.
fn shared(problem: &Problem, op: OpId, weight: TensorId, dies: impl Fn(&InPlace) -> bool) -> Bytes {
    let pairs = problem.possible_pairs(op).filter(|it| it.operand == weight && dies(it));
    let (parts, whole): (Vec<&InPlace>, Vec<&InPlace>) = pairs.partition(|it| it.is_part());
    let of_whole = whole.iter().map(|it| problem.room(it.inner())).max().unwrap_or_default();
    of_whole.max(parts.iter().map(|it| problem.room(it.inner())).sum())
}

impl WrapCover {
    /// The problem of an order. `None` if it would be too large.
    ///
    /// `bare` is the problem without results in the place of these weights.
    fn of_order(problem: &Problem, bare: &Problem, order: &[OpId], uses: &Uses, wraps: Vec<Wrap>) -> Option<WrapCover> {
        let mut beside = vec![Bytes::ZERO; order.len()];
        for wrap in &wraps {
            (0..order.len()).filter(|it| uses.is_across(wrap.tensor, *it)).for_each(|it| beside[it] += wrap.room);
        }
        let cover = LongCover::beside(bare, order, bare.capacity(), |step| beside[step]).in_all_rows()?;
        let worth = |row: &Row, wrap: &Wrap| {
            let step = row.step.index();
            let dies = uses.is_last(wrap.tensor, step);
            let worth = || if dies { shared(problem, order[step], wrap.tensor, |_| true) } else { Bytes::ZERO };
            if uses.is_across(wrap.tensor, step) { None } else { Some(worth()) }
        };
        Some(WrapCover::new(cover, wraps, worth))
    }

    /// The problem of all orders, and the cost of loading weights that cannot be kept in any. `None` if it would be too
    /// large, or if there is no time.
    fn of_any_order(problem: &Problem, deadline: Deadline) -> Option<(WrapCover, Bytes)> {
        let graph = &problem.graph;
        let precedence = Precedence::of(problem, deadline)?;
        let own = |op: OpId| problem.own_room(op) - problem.saved_at_most(op);
        let own: Vec<Bytes> = graph.op_ids().map(own).collect();
        let is_across = |tensor: TensorId, op: usize| {
            let op = OpId(op as u32);
            let readers = graph.readers(tensor);
            match readers {
                [only] => *only != op,
                _ => {
                    readers.iter().all(|it| precedence.is_before(*it, op))
                        || readers.iter().all(|it| precedence.is_before(op, *it))
                }
            }
        };
        let (wraps, never) = wraps(problem, &own, is_across);
        let mut beside = vec![Bytes::ZERO; own.len()];
        for wrap in &wraps {
            (0..own.len()).filter(|it| is_across(wrap.tensor, *it)).for_each(|it| beside[it] += wrap.room);
        }
        let kept: Vec<TensorId> = wraps.iter().map(|it| it.tensor).collect();
        let bare = without_keep_of(problem, &kept);
        let cover = forced::cover(&bare, &precedence, |op| beside[op.index()], deadline)?;
        let worth = |row: &Row, wrap: &Wrap| {
            let op = OpId(row.step.0);
            let worth = || shared(problem, op, wrap.tensor, |it| it.dies != Dies::Never);
            if is_across(wrap.tensor, op.index()) { None } else { Some(worth()) }
        };
        Some((WrapCover::new(cover, wraps, worth), never))
    }

    /// `worth` is the space that loading a weight frees, if that is not its padded size.
    fn new(mut cover: Cover, wraps: Vec<Wrap>, worth: impl Fn(&Row, &Wrap) -> Option<Bytes>) -> WrapCover {
        let exception = |row: &Row, (at, wrap): (usize, &Wrap)| Some((at, worth(row, wrap)?));
        let of_row = |row: &Row| wraps.iter().enumerate().filter_map(|it| exception(row, it)).collect();
        let mut exceptions: Vec<Vec<(usize, Bytes)>> = cover.rows.iter().map(of_row).collect();
        let is_implied = implied(&cover.rows, &exceptions, &wraps);
        let mut is_left = is_implied.iter().map(|it| !it);
        cover.rows.retain(|_| is_left.next() == Some(true));
        let mut is_left = is_implied.iter().map(|it| !it);
        exceptions.retain(|_| is_left.next() == Some(true));
        WrapCover { cover, wraps, exceptions }
    }

    /// By row: the space that a choice frees beyond its excess; `None` if it frees too little.
    fn spare(&self, choice: &Choice) -> Vec<Option<Bytes>> {
        let left: Bytes = self.wraps.iter().zip(&choice.loaded).filter(|it| *it.1).map(|it| it.0.room).sum();
        let spare = |(row, exceptions): (&Row, &Vec<(usize, Bytes)>)| {
            let by_gaps: Bytes = row.terms.iter().filter(|it| choice.dropped[it.0]).map(|it| it.1).sum();
            let loaded = exceptions.iter().filter(|it| choice.loaded[it.0]);
            let (more, less) = loaded.fold((Bytes::ZERO, Bytes::ZERO), |(more, less), (wrap, worth)| {
                (more + *worth, less + self.wraps[*wrap].room)
            });
            (by_gaps + left + more - less).0.checked_sub(row.excess.0).map(Bytes)
        };
        self.cover.rows.iter().zip(&self.exceptions).map(spare).collect()
    }

    fn fits(&self, choice: &Choice) -> bool {
        self.spare(choice).iter().all(Option::is_some)
    }

    fn cost(&self, choice: &Choice) -> Bytes {
        let loads = self.wraps.iter().zip(&choice.loaded).filter(|it| *it.1).map(|it| it.0.size);
        self.cover.choices.cost(&choice.dropped) + loads.sum::<Bytes>()
    }

    /// Keeps more of the gaps and weights that a choice drops or loads, the largest first, as far as there is space.
    fn complete(&self, choice: &mut Choice) {
        let Some(mut spare) = self.spare(choice).into_iter().collect::<Option<Vec<Bytes>>>() else { return };
        let mut by_size: Vec<usize> = (0..self.wraps.len()).filter(|it| choice.loaded[*it]).collect();
        by_size.sort_by_key(|it| (Reverse(self.wraps[*it].size), *it));
        for wrap in by_size {
            let needs = |row: usize| {
                let exception = self.exceptions[row].binary_search_by_key(&wrap, |it| it.0);
                exception.map_or(self.wraps[wrap].room, |it| self.exceptions[row][it].1)
            };
            if (0..spare.len()).all(|row| needs(row) <= spare[row]) {
                (0..spare.len()).for_each(|row| spare[row] -= needs(row));
                choice.loaded[wrap] = false;
            }
        }
    }

    /// The best choice that was found, if any, and a lower bound on the cost of any choice.
    fn minimise(&self, start: Option<&Choice>, deadline: Deadline) -> Result<(Option<Choice>, Bytes), Error> {
        let all = Choice { dropped: vec![true; self.cover.choices.gaps.len()], loaded: vec![true; self.wraps.len()] };
        let mut best = start.cloned().unwrap_or(all);
        self.complete(&mut best);
        let is_known = self.fits(&best);
        let n_terms = self.cover.rows.iter().zip(&self.exceptions).map(|(row, more)| row.terms.len() + more.len());
        if !solver::is_time_for(n_terms.sum::<usize>() + self.wraps.len(), deadline) {
            return Ok((is_known.then_some(best), Bytes::ZERO));
        }
        let sizes = self.cover.choices.sizes.iter().chain(self.wraps.iter().map(|it| &it.size));
        let unit = sizes.fold(0, |unit, it| gcd(unit, it.0)).max(1);
        let program = Program::new(self, unit, &best);
        let answer = match is_known {
            true => program.model.minimise(i32::MAX, deadline)?,
            false => program.model.minimise_cold(i32::MAX, deadline)?,
        };
        if let Some(values) = answer.values {
            let mut found = program.choice(self, &values);
            self.complete(&mut found);
            if self.fits(&found) && (!is_known || self.cost(&found) < self.cost(&best)) {
                best = found;
            }
        }
        let is_known = self.fits(&best);
        Ok((is_known.then_some(best), Bytes(answer.bound * unit)))
    }
}

/// The weights that can be kept, and the cost of loading the others: a weight that does not fit beside an operator is
/// loaded in each run. `own` is the least that each operator, or step, needs.
fn wraps(problem: &Problem, own: &[Bytes], is_across: impl Fn(TensorId, usize) -> bool) -> (Vec<Wrap>, Bytes) {
    let mut by_need: Vec<usize> = (0..own.len()).collect();
    by_need.sort_by_key(|it| Reverse(own[*it]));
    let mut never = Bytes::ZERO;
    let mut wraps = Vec::new();
    for tensor in problem.graph.keepable() {
        let (size, room) = (problem.graph.tensor(tensor).size, problem.room(tensor));
        let first = by_need.iter().find(|it| is_across(tensor, **it));
        if first.is_some_and(|it| problem.capacity() < own[*it] + room) {
            never += size;
        } else {
            wraps.push(Wrap { tensor, size, room });
        }
    }
    (wraps, never)
}

/// The rows that others imply: a row implies another if that has all of its gaps, and requires so much less that
/// weights which free less there do not matter.
fn implied(rows: &[Row], exceptions: &[Vec<(usize, Bytes)>], wraps: &[Wrap]) -> Vec<bool> {
    let less = |row: usize| -> Bytes { exceptions[row].iter().map(|it| wraps[it.0].room.saturating_sub(it.1)).sum() };
    let more = |row: usize| -> Bytes { exceptions[row].iter().map(|it| it.1.saturating_sub(wraps[it.0].room)).sum() };
    let asked: Vec<Bytes> = (0..rows.len()).map(|it| rows[it].excess + less(it)).collect();
    let given: Vec<Bytes> = (0..rows.len()).map(|it| rows[it].excess.saturating_sub(more(it))).collect();
    let gaps = |row: usize| rows[row].terms.iter().map(|it| it.0);
    let has_all = |row: usize, other: usize| {
        let mut own = gaps(row).peekable();
        gaps(other).all(|gap| {
            while own.next_if(|it| *it < gap).is_some() {}
            own.next_if_eq(&gap).is_some()
        })
    };
    let mut is_implied = vec![false; rows.len()];
    for row in 0..rows.len() {
        let implies = |other: &usize| {
            // An implied row is implied by one that is not; of rows that imply each other, the first stays.
            *other != row && !is_implied[*other] && asked[row] <= given[*other] && has_all(row, *other)
        };
        is_implied[row] = (0..rows.len()).any(|it| implies(&it));
    }
    is_implied
}

/// The program for the solver, and the meaning of its variables. First come `dropped[g]`, by gap.
struct Program {
    model: Model,
    /// Classes of weights with equal sizes in the same rows, each with the number of loaded ones.
    classes: Vec<(Vec<usize>, Variable)>,
    /// The variable index of each class.
    columns: Vec<usize>,
}

impl Program {
    fn new(cover: &WrapCover, unit: u64, start: &Choice) -> Program {
        let mut model = Model::default();
        let choices = &cover.cover.choices;
        let dropped: Vec<Variable> =
            choices.sizes.iter().zip(&start.dropped).map(|(size, start)| model.binary(size.0 / unit, *start)).collect();
        write_backs(&mut model, choices, &dropped, &start.dropped, unit);
        let mut is_told_apart = vec![false; cover.wraps.len()];
        cover.exceptions.iter().flatten().for_each(|it| is_told_apart[it.0] = true);
        let mut classes: BTreeMap<(Bytes, Bytes, Option<usize>), Vec<usize>> = BTreeMap::new();
        for (at, wrap) in cover.wraps.iter().enumerate() {
            let own = is_told_apart[at].then_some(at);
            classes.entry((wrap.size, wrap.room, own)).or_default().push(at);
        }
        let columns = (0..classes.len()).map(|it| model.n_variables() + it).collect();
        let variable = |members: Vec<usize>| {
            let n_loaded = members.iter().filter(|it| start.loaded[**it]).count() as u64;
            let size = cover.wraps[members[0]].size.0 / unit;
            let variable = model.integer(size, members.len() as u64, n_loaded);
            (members, variable)
        };
        let classes: Vec<(Vec<usize>, Variable)> = classes.into_values().map(variable).collect();
        let rooms = choices.rooms.iter().chain(cover.wraps.iter().map(|it| &it.room));
        let unit = rooms.fold(0, |unit, it| gcd(unit, it.0)).max(1);
        let loaded = |at: &usize| start.loaded[*at];
        let room = |at: usize| cover.wraps[at].room.0 / unit;
        let all: u64 = (0..cover.wraps.len()).map(room).sum();
        let now = (0..cover.wraps.len()).filter(loaded).map(room).sum();
        let left = model.integer(0, all, now);
        let sum: Expression = classes.iter().map(|(members, variable)| room(members[0]) as f64 * *variable).sum();
        model.constraints.push((sum - left).eq(0.0));
        let variable_of: BTreeMap<usize, Variable> = classes.iter().map(|it| (it.0[0], it.1)).collect();
        for (row, exceptions) in cover.cover.rows.iter().zip(&cover.exceptions) {
            let excess = row.excess.0.div_ceil(unit);
            let worth = |it: &Bytes| it.0.div_ceil(unit).min(excess) as f64;
            let made: Expression = row.terms.iter().map(|(gap, it)| worth(it) * dropped[*gap]).sum();
            let other: Expression = exceptions
                .iter()
                .map(|(wrap, worth)| (worth.0.div_ceil(unit) as f64 - room(*wrap) as f64) * variable_of[wrap])
                .sum();
            model.constraints.push((made + left + other).geq(excess as f64));
        }
        Program { model, classes, columns }
    }

    fn choice(&self, cover: &WrapCover, values: &[u64]) -> Choice {
        let dropped = values[..cover.cover.choices.gaps.len()].iter().map(|it| *it == 1).collect();
        let mut loaded = vec![false; cover.wraps.len()];
        for ((members, _), column) in self.classes.iter().zip(&self.columns) {
            members.iter().take(values[*column] as usize).for_each(|it| loaded[*it] = true);
        }
        Choice { dropped, loaded }
    }
}

/// Every evicted tensor is written back, unless host memory has it.
fn write_backs(model: &mut Model, choices: &Choices, dropped: &[Variable], start: &[bool], unit: u64) {
    let mut first = 0;
    for gaps in choices.written.chunk_by(|one, other| one == other) {
        let gaps_of = first..first + gaps.len();
        first = gaps_of.end;
        if gaps[0].is_none() {
            continue;
        }
        let leaves = gaps_of.clone().any(|it| start[it]);
        let written = model.binary(choices.sizes[gaps_of.start].0 / unit, leaves);
        gaps_of.for_each(|it| model.constraints.push(constraint!(written >= dropped[it])));
    }
}
