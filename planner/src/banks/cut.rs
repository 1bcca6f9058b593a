//! Plans with fewer bank conflicts and more traffic: some tensors are evicted once more and reloaded into another bank.
//!
//! 1. Of two operands in conflict, the cheaper one is evicted before or after their common operator. Then banks are chosen
//!    again.
//! 2. If conflicts are left and not allowed, their operators start *cold*: the scratchpad holds only the operator's own
//!    blocks while it runs, at places without conflicts.
//! 3. Residencies of one tensor are joined where that adds no conflict.

use super::alone::alone;
use super::blocks::Blocks;
use super::choose::{Chosen, Question};
use super::reads::{Together, together};
use crate::uses::Uses;
use crate::{Bytes, Deadline, OpId, Plan, Problem, Residency, Step, TensorId};
use std::cmp::Reverse;

/// How often banks are chosen again.
const ROUNDS: usize = 40;

/// After so many rounds without fewer conflicts, operators start cold.
const PATIENCE: usize = 4;

/// What is cut for what.
pub(super) struct Cutting<'a> {
    pub problem: &'a Problem,
    pub counts: &'a dyn Fn(OpId) -> bool,
    /// Only what moves less than this is worth a conflict; none where there must be none.
    pub price: Option<u64>,
}

impl Cutting<'_> {
    /// The residencies of the weights that are kept from run to run: the first and the last one of each.
    pub fn tied(&self, plan: &Plan) -> Vec<(usize, usize)> {
        let tie = |tensor: TensorId| {
            let mut all = (0..plan.residencies.len()).filter(|it| plan.residencies[*it].tensor == tensor);
            let first = all.next()?;
            all.next_back().map(|last| (first, last))
        };
        plan.kept(self.problem).into_iter().filter_map(tie).collect()
    }

    /// Banks for a plan as it is.
    pub fn choose(&self, plan: &Plan, enough: u64, deadline: Deadline) -> Chosen {
        let (together, tied) = (together(self.problem, plan, self.counts), self.tied(plan));
        Question { problem: self.problem, plan, together: &together, tied: &tied, enough }.search(deadline)
    }

    /// A plan from one, with fewer conflicts and more traffic. None, if there must be no conflict, if that was not to be found.
    pub fn cut(&self, chosen: Chosen, deadline: Deadline) -> Option<Chosen> {
        let Chosen { mut plan, mut conflicts } = chosen;
        let mut idle = 0;
        for _ in 0..ROUNDS {
            if conflicts == 0 || PATIENCE <= idle || deadline.has_passed() {
                break;
            }
            let Some(cut) = self.cut_all(&plan) else { break };
            let next = self.choose(&cut, 0, deadline);
            idle = if next.conflicts < conflicts { 0 } else { idle + 1 };
            (plan, conflicts) = (next.plan, next.conflicts);
        }
        if self.price.is_none() && conflicts != 0 {
            plan = self.cold(plan)?;
        }
        plan = self.joined(plan, deadline);
        Some(Chosen { conflicts: self.in_one_bank(&plan).len() as u64, plan })
    }

    /// Those operands that are in one bank.
    pub fn in_one_bank(&self, plan: &Plan) -> Vec<Together> {
        let memory = &self.problem.machine.memories()[crate::MemoryId::SCRATCHPAD.index()];
        let size = memory.banks.map_or(u64::MAX, |it| it.size.0);
        let bank = |it: usize| plan.residencies[it].offset.0 / size;
        let mut all = together(self.problem, plan, self.counts);
        all.retain(|it| bank(it.one) == bank(it.other));
        all
    }

    /// Cuts a residency of each pair in conflict; none if nothing is to be cut.
    fn cut_all(&self, plan: &Plan) -> Option<Plan> {
        let uses = Uses::new(self.problem, &plan.order);
        let mut cut = plan.clone();
        // By residency of the plan as it was.
        let mut is_done = vec![false; plan.residencies.len()];
        let mut is_any = false;
        for Together { step, one, other } in self.in_one_bank(plan) {
            if is_done[one] || is_done[other] {
                continue;
            }
            let mut ways: Vec<(u64, bool, usize, Step)> = Vec::new();
            for index in [one, other] {
                let Residency { tensor, ref steps, .. } = plan.residencies[index];
                let is_pinned = self.problem.graph.pinned(tensor).is_some();
                let price = self.price_of_cut(plan, tensor);
                if is_pinned || self.price.is_some_and(|most| most <= price) {
                    continue;
                }
                if !uses.within(tensor, &(steps.start..step)).is_empty() {
                    ways.push((price, false, index, step));
                }
                if !uses.within(tensor, &(step.next()..steps.end)).is_empty() {
                    ways.push((price, true, index, step.next()));
                }
            }
            if let Some(&(_, _, index, at)) = ways.iter().min() {
                let of = &plan.residencies[index];
                cut_at(&uses, &mut cut, of, at);
                (is_done[index], is_any) = (true, true);
            }
        }
        sort(&mut cut);
        is_any.then_some(cut)
    }

    /// What it costs that a tensor leaves and comes back, if it has not done so before.
    fn price_of_cut(&self, plan: &Plan, tensor: TensorId) -> u64 {
        let size = self.problem.graph.tensor(tensor).size.0;
        let leaves = || 1 < plan.residencies.iter().filter(|it| it.tensor == tensor).count();
        if self.problem.graph.has_host_copy(tensor) || leaves() { size } else { size.saturating_mul(2) }
    }

    /// Has all operators start cold that read two operands in one bank; none if it is not known how one of them can.
    fn cold(&self, mut plan: Plan) -> Option<Plan> {
        let uses = Uses::new(self.problem, &plan.order);
        let mut steps: Vec<Step> = self.in_one_bank(&plan).into_iter().map(|it| it.step).collect();
        steps.dedup();
        for step in steps {
            let op = plan.order[step.index()];
            let alone = alone(self.problem, op, &|it| uses.next(it.operand, step).is_none());
            let placed = alone.placed.filter(|_| alone.least == 0)?;
            for of in plan.residencies.clone().iter().filter(|it| it.steps.contains(&step)) {
                cut_at(&uses, &mut plan, of, step.next());
            }
            for of in plan.residencies.clone().iter().filter(|it| it.steps.contains(&step)) {
                cut_at(&uses, &mut plan, of, step);
            }
            plan.residencies.retain_mut(|it| {
                if !it.steps.contains(&step) {
                    return true;
                }
                let own = placed.iter().find(|own| own.tensor == Some(it.tensor));
                own.iter().for_each(|own| it.offset = own.offset);
                // What may pass by does.
                own.is_some()
            });
            let workspace = placed.iter().find(|it| it.tensor.is_none());
            plan.workspaces[step.index()] = workspace.map_or(Bytes::ZERO, |it| it.offset);
        }
        sort(&mut plan);
        Some(plan)
    }

    /// Joins residencies of a tensor that follow one another where there is room, the largest tensors first.
    fn joined(&self, mut plan: Plan, deadline: Deadline) -> Plan {
        let size = |it: TensorId| self.problem.graph.tensor(it).size;
        let tied = self.tied(&plan);
        // The tensor, and where the second one of the two begins.
        let mut gaps: Vec<(TensorId, Step)> = Vec::new();
        let mut last: Vec<Option<usize>> = vec![None; self.problem.graph.tensors().len()];
        for (index, it) in plan.residencies.iter().enumerate() {
            let before = last[it.tensor.index()].replace(index);
            let is_tied = |it: usize| tied.iter().any(|(one, other)| *one == it || *other == it);
            gaps.extend(before.filter(|it| !is_tied(*it) && !is_tied(index)).map(|_| (it.tensor, it.steps.start)));
        }
        gaps.sort_by_key(|it| (Reverse(size(it.0)), *it));
        let mut gaps = gaps.into_iter().peekable();
        while gaps.peek().is_some() && !deadline.has_passed() {
            let (together, tied) = (together(self.problem, &plan, self.counts), self.tied(&plan));
            let blocks = Blocks::new(self.problem, &plan, &together, &tied);
            let found = gaps.by_ref().find_map(|(tensor, start)| {
                let of_tensor = |it: &usize| plan.residencies[*it].tensor == tensor;
                let all: Vec<usize> = (0..plan.residencies.len()).filter(of_tensor).collect();
                let second = all.iter().position(|it| plan.residencies[*it].steps.start == start)?;
                let (one, other) = (all[second.checked_sub(1)?], all[second]);
                blocks.room_for_both(one, other).map(|offset| (one, other, offset))
            });
            let Some((one, other, offset)) = found else { break };
            plan.residencies[one].steps.end = plan.residencies[other].steps.end;
            plan.residencies[one].offset = Bytes(offset);
            plan.residencies.remove(other);
        }
        plan
    }
}

/// Ends a residency after its last use before a step, and begins another one at its first use from then on; either only
/// if there is one.
fn cut_at(uses: &Uses, plan: &mut Plan, of: &Residency, at: Step) {
    let Residency { tensor, ref steps, offset } = *of;
    if at <= steps.start || steps.end <= at {
        return;
    }
    let before = uses.within(tensor, &(steps.start..at)).last();
    let after = uses.within(tensor, &(at..steps.end)).first();
    plan.residencies.retain(|it| it != of);
    let first = before.map(|it| steps.start..it.next());
    let second = after.map(|it| *it..steps.end);
    let halves = first.into_iter().chain(second).map(|steps| Residency { tensor, steps, offset });
    plan.residencies.extend(halves);
}

fn sort(plan: &mut Plan) {
    plan.residencies.sort_by_key(|it| (it.steps.start, it.tensor));
}
