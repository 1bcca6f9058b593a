//! Problems with uses that may read their tensor in the scratchpad or stream it from host memory.
//!
//! A streamed use moves the tensor once and takes no space. A load also moves the tensor once, and then serves further
//! uses for as long as there is space. So the choice is part of replacement, except that a use does not require space:
//!
//! 1. Choices without any gain are settled first ([`Problem::with_fewer_choices`]). If every weight has one reader,
//!    none remain.
//! 2. The exact search and replacement in a fixed order decide the remaining choices together with everything else, and
//!    prove the result.
//! 3. An outline determines where each use reads its tensor ([`Problem::as_read_by`]). Everything that needs fixed
//!    uses, in particular address assignment, continues with that problem.
//! 4. If the result is not proven optimal, fixed uses are planned too: everything from host memory, everything in the
//!    scratchpad. The first also gives a bound: without the tensors that may be streamed, the others cost no more.

use crate::incumbent::Incumbent;
use crate::portfolio::{Decision, decide, greedily, ilp, place, plan_if_it_fits, plan_until};
use crate::uses::Uses;
use crate::{
    Bytes, Deadline, Dies, Error, MemorySet, OpId, Options, Order, Outline, Plan, Problem, Solution, Solver, Stay,
    Step, TensorId, Weights, greedy,
};
use std::collections::HashSet;

/// The share of the remaining time for the attempts with fixed uses.
const SHARE_OF_PLACES: f64 = 0.6;

impl Problem {
    /// The same problem in which tensors that gain nothing in the scratchpad are streamed: those without bytes, those
    /// with only one use there, and those that do not fit beside the needs of an operator. No optimum is lost: such a
    /// use moves the tensor once in either case, and takes no space in host memory.
    pub(crate) fn with_fewer_choices(&self) -> Problem {
        let capacity = self.capacity();
        let mut fewer = self.clone();
        if !self.graph.has_choices() {
            return fewer;
        }
        loop {
            let n_choices = fewer.n_choices();
            let is_needless = |op: OpId, tensor: TensorId| {
                let needed = self.own_room(op).saturating_sub(self.saved_at_most(op)) + self.room(tensor);
                let is_only = fewer.graph.readers(tensor).len() == 1;
                // Less is needed if a result may take its place.
                let gives_place = self.graph.op(op).in_place.iter().any(|it| it.operand == tensor);
                is_only || capacity < needed && !gives_place || self.graph.tensor(tensor).size == Bytes::ZERO
            };
            let graph = fewer.graph.with_uses(|op, it| match it.may_pass_by() && is_needless(op, it.tensor) {
                true => MemorySet::HOME,
                false => it.from,
            });
            fewer = Problem { graph, machine: fewer.machine };
            if fewer.n_choices() == n_choices {
                return fewer;
            }
        }
    }

    fn n_choices(&self) -> usize {
        self.graph.ops().iter().map(|it| it.reads_either_way().count()).sum()
    }

    /// The same problem in which each use reads its tensor where the plan has it. The plan is also a plan of this
    /// problem, with the same traffic.
    ///
    /// # Panics
    /// If the plan does not run every operator of the problem once.
    pub fn as_read_by(&self, plan: &Plan) -> Problem {
        self.as_read_in(&plan.outline())
    }

    /// The same for an outline.
    pub(crate) fn as_read_in(&self, outline: &Outline) -> Problem {
        let passing: HashSet<(Step, TensorId)> = outline.passing(self).collect();
        let mut steps = vec![Step(0); outline.order.len()];
        (0..).map(Step).zip(&outline.order).for_each(|(step, op)| steps[op.index()] = step);
        let graph = self.graph.with_uses(|op, it| match it.may_pass_by() {
            true if passing.contains(&(steps[op.index()], it.tensor)) => MemorySet::HOME,
            true => MemorySet::SCRATCHPAD,
            false => it.from,
        });
        Problem { graph, machine: self.machine.clone() }
    }

    /// The same problem in which all uses with a choice read their tensors in this way.
    pub(crate) fn all_read(&self, weights: Weights) -> Problem {
        let graph = self.graph.with_uses(|_, it| if it.may_pass_by() { weights.memories() } else { it.from });
        Problem { graph, machine: self.machine.clone() }
    }

    /// Whether a result may take the place of a tensor that may be streamed. Such savings are not counted while
    /// planning decides the uses, so its bounds do not hold for plans with such results.
    fn gives_places(&self) -> bool {
        let pairs = self.graph.ops().iter().flat_map(|it| &it.in_place);
        pairs.into_iter().any(|it| it.dies != Dies::Never && self.graph.may_pass_by(it.operand))
    }

    /// The outline in which an operator streams some of the tensors that it would read in the scratchpad, the smallest
    /// first, if its blocks do not fit although the sum of their padded sizes does.
    fn fitting(&self, outline: &Outline) -> Outline {
        let stretch = self.machine.largest_stretch();
        let size = |it: &TensorId| self.graph.tensor(*it).size;
        let mut outline = outline.clone();
        loop {
            let fixed = self.as_read_in(&outline);
            let is_too_much = |it: &(usize, &OpId)| stretch.end - stretch.start < fixed.working_set(*it.1);
            let Some((step, op)) = outline.order.iter().enumerate().find(is_too_much) else { return outline };
            let reads: Vec<TensorId> = fixed.graph.op(*op).reads_on_chip().collect();
            let either_way = self.graph.op(*op).reads_either_way().filter(|it| reads.contains(it));
            let Some(tensor) = either_way.min_by_key(|it| (size(it), *it)) else { return outline };
            outline = self.with_passing(&outline, Step(step as u32), tensor);
        }
    }

    /// The outline in which a tensor is streamed in a step: its stay is divided into one before and one after, if they
    /// have uses.
    fn with_passing(&self, outline: &Outline, step: Step, tensor: TensorId) -> Outline {
        let uses = Uses::new(self, &outline.order);
        let mut stays = Vec::with_capacity(outline.stays.len() + 1);
        for stay in &outline.stays {
            if stay.tensor != tensor || !stay.steps.contains(&step) {
                stays.push(stay.clone());
                continue;
            }
            for steps in [stay.steps.start..step, step.next()..stay.steps.end] {
                if let [first, .., last] | [first @ last] = uses.within(tensor, &steps) {
                    stays.push(Stay { tensor, steps: *first..last.next() });
                }
            }
        }
        stays.sort_by_key(|it| (it.steps.start, it.tensor));
        Outline { order: outline.order.clone(), stays }
    }
}

/// Plans a problem with choices.
///
/// # Errors
/// Those of [`plan()`](crate::plan()).
pub(crate) fn plan_with_choices(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    search_share: f64,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let whole = problem;
    let problem = &whole.with_fewer_choices();
    let incumbent = incumbent.map(|it| it.without_needless(problem));
    if !problem.graph.has_choices() {
        return plan_until(problem, options, incumbent.as_ref(), deadline);
    }
    let known = incumbent.as_ref().map(|it| &it.outline);
    let deciding = deadline.within(options.time_limit.mul_f64(search_share));
    let is_bounded = !problem.gives_places();
    let mut decision = decide(problem, options, known, if is_bounded { deciding } else { deciding.in_private() })?;
    if !is_bounded {
        decision.lower_bound = problem.restreamed();
    }
    let mut best = Best { problem, options, solution: None, lower_bound: decision.lower_bound };
    if let Some(known) = &incumbent {
        best.solution = Some(known.solution(decision.lower_bound));
    }
    best.place(&decision, deadline)?;
    if options.solver != Solver::Greedy {
        best.try_places(deadline)?;
    }
    let fragmentation = |it: &Solution| it.non_compulsory.saturating_sub(decision.outline.non_compulsory(problem));
    let solution = best.solution.expect("there is always a plan of what was decided");
    Ok(Solution { lower_bound: best.lower_bound, fragmentation: fragmentation(&solution), ..solution })
}

/// The best plan so far.
struct Best<'a> {
    problem: &'a Problem,
    options: &'a Options,
    solution: Option<Solution>,
    lower_bound: Bytes,
}

impl Best<'_> {
    fn is_enough(&self, deadline: Deadline) -> bool {
        let is_proven = self.solution.as_ref().is_some_and(|it| it.non_compulsory <= self.lower_bound);
        is_proven || deadline.has_passed()
    }

    fn offer(&mut self, solution: Solution, deadline: Deadline) {
        deadline.found(solution.non_compulsory);
        deadline.planned(solution.non_compulsory);
        if self.solution.as_ref().is_none_or(|it| solution.non_compulsory < it.non_compulsory) {
            self.solution = Some(solution);
        }
    }

    /// Assigns addresses to a decision, unless it cannot be better.
    fn place(&mut self, decision: &Decision, deadline: Deadline) -> Result<(), Error> {
        let outline = self.problem.fitting(&decision.outline);
        let cost = outline.non_compulsory(self.problem);
        if self.solution.as_ref().is_none_or(|it| cost < it.non_compulsory) {
            let fixed = self.problem.as_read_in(&outline);
            let fixed_decision = Decision { outline, in_simple_order: None, ..*decision };
            let solution = place(&fixed, self.options, fixed_decision, None, deadline.in_private())?;
            self.offer(solution, deadline);
        }
        Ok(())
    }

    /// Plans with fixed uses, and improves the results by the choices.
    fn try_places(&mut self, deadline: Deadline) -> Result<(), Error> {
        let problem = self.problem;
        let mut ways = [Weights::Streamed, Weights::Resident].map(|it| (it, problem.all_read(it)));
        // The more promising one, by the greedy plan, goes first and gets more time.
        let at_first_sight = |it: &Problem| greedily(it).outline.non_compulsory(it);
        ways.sort_by_key(|(_, fixed)| at_first_sight(fixed));
        for (weights, fixed) in ways {
            if self.is_enough(deadline) {
                return Ok(());
            }
            let share = deadline.part(SHARE_OF_PLACES);
            let time_limit = share.left().unwrap_or(self.options.time_limit);
            let options = Options { time_limit, ..*self.options };
            let solution = match plan_if_it_fits(&fixed, &options, None, share.in_private()) {
                Ok(solution) => solution,
                // The tensors that may be streamed do not all fit.
                Err(Error::ScratchpadTooSmall { .. } | Error::NoPlace { .. } | Error::NotPlanned(_)) => continue,
                Err(error) => return Err(error),
            };
            if weights == Weights::Streamed && !problem.gives_places() {
                let others = solution.lower_bound.saturating_sub(fixed.restreamed());
                self.lower_bound = self.lower_bound.max(problem.restreamed() + others);
                deadline.proved(self.lower_bound);
            }
            let outline = solution.plan.outline();
            self.offer(solution, deadline);
            if self.is_enough(deadline) || self.options.order == Order::Source {
                continue;
            }
            let replaced = ilp::replaced(problem, &outline, deadline.part(SHARE_OF_PLACES));
            let (outline, solver) = match replaced {
                Some(outline) => (outline, Solver::Ilp),
                None => (greedy(problem, &outline.order), Solver::Greedy),
            };
            let decision = Decision { outline, lower_bound: self.lower_bound, solver, in_simple_order: None };
            self.place(&decision, deadline)?;
        }
        Ok(())
    }
}
