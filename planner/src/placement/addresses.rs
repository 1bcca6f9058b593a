//! Addresses in one memory for the tensors that it holds.
//!
//! The packer takes the pairs of results and operands that share bytes as given. A maximum set almost always has a
//! packing; otherwise the other sets are tried, all of them if they are few, since only that proves that there is no
//! packing.

use super::Lives;
use super::lives::is_aligned;
use crate::address::{Addressed, address_sharing};
use crate::in_place::most_pairs_and_parts;
use crate::{Bytes, Deadline, InPlace, Machine, MemoryId, OpId, Outline, Plan, Problem, Stay, Step, TensorId};

/// The maximum number of sets of pairs that are tried.
const MAX_CHOICES: usize = 64;

/// The outcome of packing a memory.
#[derive(Clone, Debug)]
pub(super) enum Packed {
    /// An offset for each tensor, sorted by id, and for each workspace, by step.
    Placed(Vec<(TensorId, Bytes)>, Vec<Bytes>),
    /// It is proven that there is no packing.
    Infeasible,
    /// The deadline passed, or there are too many sets of pairs.
    Undecided,
}

/// The memories of a problem, each as a scratchpad.
#[derive(Debug)]
pub(super) struct Packers<'a> {
    lives: &'a Lives,
    order: &'a [OpId],
    problem: &'a Problem,
    /// By memory; `None` for one without addresses.
    of_memory: Vec<Option<Problem>>,
}

impl<'a> Packers<'a> {
    pub fn new(problem: &'a Problem, order: &'a [OpId], lives: &'a Lives) -> Packers<'a> {
        let has_workspaces = problem.graph.ops().iter().any(|it| it.workspace != Bytes::ZERO);
        let of = |(index, memory): (usize, &crate::Memory)| {
            let mut graph = problem.graph.clone();
            if has_workspaces && index != MemoryId::SCRATCHPAD.index() {
                let mut builder = graph.to_builder();
                graph.op_ids().for_each(|it| builder.workspace(it, Bytes::ZERO));
                graph = builder.build().expect("the graph was built before");
            }
            let machine = Machine::with_host(memory.size?, memory.alignment).with_reserved(memory.reserved.clone());
            Some(Problem { graph, machine })
        };
        let of_memory = problem.machine.memories().iter().enumerate().map(of).collect();
        Packers { lives, order, problem, of_memory }
    }

    /// The first row that a tensor lives in.
    #[cfg(feature = "ilp")]
    pub fn first_row(&self, tensor: TensorId) -> u32 {
        self.lives.rows[tensor.index()].first().map_or(0, |it| it.start)
    }

    /// Packs these tensors, which are ascending, into a memory.
    pub fn pack(&self, memory: MemoryId, tensors: &[TensorId], deadline: Deadline) -> Packed {
        let Some(problem) = &self.of_memory[memory.index()] else {
            let offsets = tensors.iter().map(|it| (*it, Bytes::ZERO)).collect();
            return Packed::Placed(offsets, vec![Bytes::ZERO; self.order.len()]);
        };
        let is_there = |it: TensorId| tensors.binary_search(&it).is_ok();
        let may_share = |it: &&(u32, InPlace)| {
            is_there(it.1.result) && is_there(it.1.operand) && is_aligned(self.problem, &it.1, memory)
        };
        let pairs: Vec<(u32, InPlace)> = self.lives.pairs.iter().filter(may_share).copied().collect();
        let ids: Vec<(u32, u32)> = pairs.iter().map(|(_, it)| (it.result.0, it.operand.0)).collect();
        let most = most_pairs_and_parts(&ids, |it| !pairs[*it].1.is_part());
        let mut is_proven = true;
        let mut n_tried = 0;
        let mut attempt = |chosen: &[usize]| {
            n_tried += 1;
            match address_sharing(problem, &self.outline(tensors), &self.by_step(&pairs, chosen), deadline) {
                Addressed::Placed(plan) => Some(plan),
                Addressed::Infeasible => None,
                Addressed::Undecided => {
                    is_proven = false;
                    None
                }
            }
        };
        let mut plan = attempt(&most);
        if plan.is_none() && !pairs.is_empty() {
            plan = plan.or_else(|| attempt(&[]));
            let mut choices = Vec::new();
            choose(&pairs, &mut Vec::new(), 0, &mut choices);
            let are_all = choices.len() <= MAX_CHOICES;
            choices.truncate(MAX_CHOICES);
            for chosen in choices.iter().filter(|it| **it != most && !it.is_empty()) {
                if plan.is_some() || deadline.has_passed() {
                    break;
                }
                plan = attempt(chosen);
            }
            is_proven &= are_all && !deadline.has_passed();
        }
        match plan {
            Some(plan) => placed(plan),
            None if is_proven => Packed::Infeasible,
            None => Packed::Undecided,
        }
    }

    fn outline(&self, tensors: &[TensorId]) -> Outline {
        let stay = |&tensor: &TensorId| {
            let rows = self.lives.rows[tensor.index()].first()?;
            Some(Stay { tensor, steps: Step(rows.start)..Step(rows.end) })
        };
        let mut stays: Vec<Stay> = tensors.iter().filter_map(stay).collect();
        stays.sort_by_key(|it| (it.steps.start, it.tensor));
        Outline { order: self.order.to_vec(), stays }
    }

    fn by_step(&self, pairs: &[(u32, InPlace)], chosen: &[usize]) -> Vec<Vec<InPlace>> {
        let mut by_step = vec![Vec::new(); self.order.len()];
        chosen.iter().for_each(|it| by_step[pairs[*it].0 as usize].push(pairs[*it].1));
        by_step.iter_mut().for_each(|it| it.sort_by_key(|it: &InPlace| it.result));
        by_step
    }
}

/// The sets of pairs that are possible at once, or only the first ones if there are many.
fn choose(pairs: &[(u32, InPlace)], chosen: &mut Vec<usize>, from: usize, found: &mut Vec<Vec<usize>>) {
    if MAX_CHOICES < found.len() {
        return;
    }
    let Some((_, pair)) = pairs.get(from) else { return found.push(chosen.clone()) };
    let is_beside = |it: &usize| {
        let other = &pairs[*it].1;
        pair.is_part() || other.is_part() || pair.result != other.result && pair.operand != other.operand
    };
    if chosen.iter().all(is_beside) {
        chosen.push(from);
        choose(pairs, chosen, from + 1, found);
        chosen.pop();
    }
    choose(pairs, chosen, from + 1, found);
}

fn placed(plan: Plan) -> Packed {
    let mut offsets: Vec<(TensorId, Bytes)> = plan.residencies.iter().map(|it| (it.tensor, it.offset)).collect();
    offsets.sort_unstable();
    Packed::Placed(offsets, plan.workspaces)
}
