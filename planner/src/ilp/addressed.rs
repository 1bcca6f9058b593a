//! Order, residency and addresses in one integer program: the formulation of the COSMA paper.
//!
//! ```text
//! 0 ≤ offset[k][t] ≤ most(k)
//! offset[k][t] = offset[k][t-1]                        k was there in t-1, is in t, and did not come in
//! offset[k][t] + length(k) ≤ offset[l][t]  or          k and l are both there in step t
//! offset[l][t] + length(l) ≤ offset[k][t]  or          l shares bytes with k in step t, and
//! offset[k][t] = offset[l][t] + at(k, l)
//! ```
//!
//! If *k* has a pin, `offset[k][t]` is fixed to it. The rest is [`formula`](super::formula), here with variables for
//! every operand and workspace. A tensor that is evicted and reloaded may get another address.
//!
//! It is for a handful of operators: exact if addresses cost traffic, and a reference for the planner's other methods.
//! Elsewhere, an outline first and then its addresses give the same optimum in a fraction of the time.

use super::order::Order;
use super::precedence::Precedence;
use super::residency::{Presence, Residency};
use super::solver::Model;
use crate::divisor::gcd;
use crate::{Bytes, Deadline, Error, OpId, Plan, Problem, Residency as Placed, TensorId};
use good_lp::{Variable, constraint};
use std::ops::Range;

/// The result of the joint program.
///
/// Without a plan, a bound at the end of the range means that there is none within the range.
#[derive(Clone, Debug)]
pub struct Addressed {
    /// The best plan; `None` if the deadline passed before the first was found.
    pub plan: Option<Plan>,
    /// A lower bound on the non-compulsory traffic of every plan, repeated streaming of weights included.
    pub lower_bound: Bytes,
}

/// The plan with the least traffic over all residencies and addresses, and over all allowed orders.
///
/// Only plans with non-compulsory traffic less than `below` are considered; if there are none, the bound is `below`.
/// `at_least` is a known lower bound. The solver stops after `max_nodes` nodes. Unless it stops there or at the
/// deadline, there is a plan or the bound is `below`.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::NotPlanned`] if there are reserved addresses; [`Error::Solver`].
pub fn joint_with_addresses(
    problem: &Problem,
    order: crate::Order,
    range: Range<Bytes>,
    max_nodes: i32,
    deadline: Deadline,
) -> Result<Addressed, Error> {
    problem.check_is_settled()?;
    check_all_is_free(problem)?;
    if range.is_empty() || range.end <= problem.restreamed() {
        return Ok(Addressed { plan: None, lower_bound: range.end });
    }
    let Some(precedence) = precedence(problem, order, deadline) else {
        return Ok(Addressed { plan: None, lower_bound: range.start });
    };
    let mut formula = AddressedFormula::new(problem, &precedence);
    let counted = |it: Bytes| (it.saturating_sub(problem.restreamed()) + formula.residency.compulsory).0;
    let least = counted(range.start).div_ceil(formula.unit);
    let most = (counted(range.end) - 1) / formula.unit;
    formula.model.limit_objective(least, most);
    let answer = formula.model.minimise_cold(max_nodes, deadline)?;
    if answer.is_infeasible {
        return Ok(Addressed { plan: None, lower_bound: range.end });
    }
    let bound = Bytes(answer.bound * formula.unit).saturating_sub(formula.residency.compulsory);
    let plan = answer.values.map(|it| formula.read(&it));
    Ok(Addressed { plan, lower_bound: (problem.restreamed() + bound).max(range.start).min(range.end) })
}

/// Refuses reserved addresses, which the program does not support.
pub(super) fn check_all_is_free(problem: &Problem) -> Result<(), Error> {
    if problem.machine.reserved().is_empty() {
        return Ok(());
    }
    Err(Error::NotPlanned("addresses in an integer program where some are reserved".into()))
}

fn precedence(problem: &Problem, order: crate::Order, deadline: Deadline) -> Option<Precedence> {
    match order {
        crate::Order::Free => Precedence::of(problem, deadline),
        crate::Order::Source => Precedence::of_source(problem, deadline),
    }
}

/// A lower bound on the number of variables of [`joint_with_addresses`]. `None` if the deadline passes first, or if the
/// problem is far too large.
pub fn n_variables_with_addresses(problem: &Problem, order: crate::Order, deadline: Deadline) -> Option<usize> {
    let n_ops = problem.graph.ops().len();
    let precedence = precedence(problem, order, deadline)?;
    let mut live = vec![0_usize; n_ops];
    let is_meant = |it: &TensorId| problem.graph.tensor(*it).size != Bytes::ZERO;
    for tensor in problem.graph.tensor_ids().filter(is_meant) {
        let touching = problem.graph.touches(tensor);
        let windows: Vec<_> = touching.map(|op| precedence.window(op)).collect();
        let Some(first) = windows.iter().map(|it| *it.start()).min() else { continue };
        let last = windows.iter().map(|it| *it.end()).max().unwrap_or(first);
        live[first..=last].iter_mut().for_each(|it| *it += 1);
    }
    Some(live.into_iter().map(|it| it * it / 2 + 3 * it).sum())
}

/// The integer program of a problem.
pub(super) struct AddressedFormula<'a> {
    problem: &'a Problem,
    order: Order,
    residency: Residency,
    offsets: Offsets,
    pub model: Model,
    /// The unit of the objective, in bytes.
    pub unit: u64,
}

impl AddressedFormula<'_> {
    pub(super) fn new<'a>(problem: &'a Problem, precedence: &Precedence) -> AddressedFormula<'a> {
        let mut model = Model::default();
        let unit = problem.graph.tensors().iter().fold(0, |unit, it| gcd(unit, it.size.0)).max(1);
        let source: Vec<OpId> = problem.graph.op_ids().collect();
        let start = super::first::first(problem);
        let order = Order::new(problem, precedence, &source, &mut model);
        let residency = Residency::of_all(problem, &order, &start, unit, &mut model);
        residency.limit(problem, &order, true, &mut model);
        let offsets = Offsets::new(problem, &order, &residency, &mut model);
        AddressedFormula { problem, order, residency, offsets, model, unit }
    }

    fn read(&self, values: &[u64]) -> Plan {
        let order = self.order.read(values);
        let presences = self.residency.presences(values, self.problem, &order);
        self.offsets.read(self.problem, order, &presences, values)
    }

    /// The bytes in the objective that are compulsory: arguments must be loaded once.
    pub(super) fn compulsory(&self) -> Bytes {
        self.residency.compulsory
    }

    /// The names of all variables: those of [`Formula`](super::formula::Formula), and `at_x_4`,
    /// `at_workspace_conv1_4`, `below_x_y_4`.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.order.names(self.problem);
        names.extend(self.residency.names(self.problem));
        names.extend(self.offsets.names.iter().cloned());
        names
    }
}

/// `offset[k][t]`, by tensor in the numbering of the residency, and the offsets of workspaces.
struct Offsets {
    /// By tensor: its first step, and the index of its first offset among all variables.
    tensors: Vec<(usize, usize)>,
    /// The same by operator, if it has a workspace.
    workspaces: Vec<Option<(usize, usize)>>,
    /// The names of the variables, in their order.
    names: Vec<String>,
}

/// Something that may lie in the scratchpad in some step.
struct Block {
    /// `None` for a workspace.
    tensor: Option<TensorId>,
    name: String,
    is_there: Variable,
    offset: Variable,
    length: u64,
    /// The highest offset at which it fits.
    most: u64,
}

impl Offsets {
    fn new(problem: &Problem, order: &Order, residency: &Residency, model: &mut Model) -> Offsets {
        let machine = &problem.machine;
        let length = |size: Bytes| size.0.div_ceil(machine.alignment().0);
        let most = |size: Bytes| machine.scratchpad().saturating_sub(size).0 / machine.alignment().0;
        let mut blocks: Vec<Vec<Block>> = problem.graph.op_ids().map(|_| Vec::new()).collect();
        let mut offsets = Offsets { tensors: Vec::new(), workspaces: Vec::new(), names: Vec::new() };
        for (tensor, first, on, reload) in residency.variables() {
            let size = problem.graph.tensor(tensor).size;
            let most = most(size);
            offsets.tensors.push((first, model.n_variables()));
            let mut before: Option<(Variable, Variable)> = None;
            for (index, (&is_there, &comes_in)) in on.iter().zip(reload).enumerate() {
                let offset = model.integer(0, most, 0);
                if let Some(pin) = problem.graph.pinned(tensor) {
                    let pin = (pin.start.0 / machine.alignment().0) as f64;
                    model.constraints.push(constraint!(offset == pin));
                }
                if let Some((was_there, last)) = before {
                    // It keeps its offset, unless it was absent before, is absent now, or was loaded: M = most.
                    let most = most as f64;
                    let free = most * (2 - was_there - is_there + comes_in);
                    model.constraints.push(constraint!(offset <= last + free.clone()));
                    model.constraints.push(constraint!(last <= offset + free));
                }
                before = Some((is_there, offset));
                let name = problem.graph.tensor(tensor).name.clone();
                offsets.names.push(format!("at_{name}_{}", first + index));
                let length = length(size);
                blocks[first + index].push(Block { tensor: Some(tensor), name, is_there, offset, length, most });
            }
        }
        for op in problem.graph.op_ids() {
            let size = problem.graph.op(op).workspace;
            let window = order.window(op);
            offsets.workspaces.push((size != Bytes::ZERO).then(|| (*window.start(), model.n_variables())));
            for step in window.filter(|_| size != Bytes::ZERO) {
                let Some(is_there) = order.run(op, step) else { continue };
                let (most, length) = (most(size), length(size));
                let offset = model.integer(0, most, 0);
                let name = format!("workspace_{}", problem.graph.op(op).name);
                offsets.names.push(format!("at_{name}_{step}"));
                blocks[step].push(Block { tensor: None, name, is_there, offset, length, most });
            }
        }
        for (step, blocks) in blocks.iter().enumerate() {
            keep_apart(step, blocks, residency, machine.alignment(), model, &mut offsets.names);
        }
        offsets
    }

    fn read(&self, problem: &Problem, order: Vec<OpId>, presences: &[Presence], values: &[u64]) -> Plan {
        let alignment = problem.machine.alignment().0;
        let at = |first: usize, variable: usize, step: usize| Bytes(values[variable + step - first] * alignment);
        let mut residencies: Vec<Placed> = presences
            .iter()
            .map(|it| {
                let (first, variable) = self.tensors[it.index];
                let offset = at(first, variable, it.steps.start.index());
                Placed { tensor: it.tensor, steps: it.steps.clone(), offset }
            })
            .collect();
        residencies.sort_by_key(|it| (it.steps.start, it.tensor));
        let workspace = |(step, op): (usize, &OpId)| {
            self.workspaces[op.index()].map_or(Bytes::ZERO, |(first, variable)| at(first, variable, step))
        };
        let workspaces = order.iter().enumerate().map(workspace).collect();
        Plan { order, residencies, workspaces }
    }
}

/// Blocks that are present in the same step do not overlap.
fn keep_apart(
    step: usize,
    blocks: &[Block],
    residency: &Residency,
    alignment: Bytes,
    model: &mut Model,
    names: &mut Vec<String>,
) {
    let blocks: Vec<&Block> = blocks.iter().filter(|it| it.length != 0).collect();
    for (index, l) in blocks.iter().enumerate() {
        // Only one operator runs at a time, with one workspace.
        for k in blocks[..index].iter().filter(|it| it.tensor.or(l.tensor).is_some()) {
            let below = model.binary(0, false);
            names.push(format!("below_{}_{}_{step}", k.name, l.name));
            let (length_k, length_l) = (k.length as f64, l.length as f64);
            let (big_k, big_l) = ((k.most + k.length) as f64, (l.most + l.length) as f64);
            let mut absent = 2 - k.is_there - l.is_there;
            let shared = residency.shared(step).find(|it| {
                let pair = (Some(it.pair.result), Some(it.pair.operand));
                pair == (k.tensor, l.tensor) || pair == (l.tensor, k.tensor)
            });
            if let Some(shared) = shared {
                // If they share bytes, one lies over the other: the deviation from the required distance is at most the
                // offset of the one, or that of the other plus the distance.
                let (inner, outer) = if Some(shared.pair.inner()) == k.tensor { (k, l) } else { (l, k) };
                let at = (shared.pair.at().0 / alignment.0) as f64;
                let free = inner.most as f64 * (1 - shared.variable);
                model.constraints.push(constraint!(inner.offset <= outer.offset + at + free));
                let free = (outer.most as f64 + at) * (1 - shared.variable);
                model.constraints.push(constraint!(outer.offset + at <= inner.offset + free));
                absent += shared.variable;
            }
            // If k is below l, it ends before l begins; M disables this if l is below, or if one of them is absent.
            let off = big_k * (1 - below + absent.clone());
            model.constraints.push(constraint!(k.offset + length_k <= l.offset + off));
            // Otherwise, l ends before k begins.
            let off = big_l * (below + absent);
            model.constraints.push(constraint!(l.offset + length_l <= k.offset + off));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;
    use crate::testing::{FRAGMENTED, Shape, joint_optimum, seeded_problem};
    use std::time::Duration;

    #[track_caller]
    fn check_joint(problem: &Problem) -> Bytes {
        let deadline = Deadline::after(Duration::from_secs(120));
        let all = Bytes::ZERO..Bytes(1 << 40);
        let found = joint_with_addresses(problem, crate::Order::Free, all, i32::MAX, deadline).expect("it works");
        let actions = found.plan.expect("a plan").actions(problem);
        let traffic = check(problem, &actions).expect("the judge agrees");
        let optimum = joint_optimum(problem).expect("each operator fits");
        assert_eq!(traffic.non_compulsory, optimum, "{problem}");
        assert_eq!(found.lower_bound, optimum, "{problem}");
        let below = Bytes::ZERO..optimum;
        let found = joint_with_addresses(problem, crate::Order::Free, below, i32::MAX, deadline).expect("it works");
        assert!(found.plan.is_none() && found.lower_bound == optimum, "{problem}");
        optimum
    }

    #[test]
    fn it_is_exact_where_addresses_cost_traffic() {
        for it in FRAGMENTED {
            let problem: Problem = it.problem.parse().expect("a problem");
            assert_eq!(check_joint(&problem), Bytes(it.joint_optimum), "{}", it.name);
        }
    }

    #[test]
    fn it_is_exact_on_tiny_problems() {
        let mut moving = 0;
        for seed in 0..150 {
            let problem = seeded_problem(Shape { ops: 5, ..Shape::TINY }, seed);
            moving += usize::from(problem.restreamed() < check_joint(&problem));
        }
        assert!(5 < moving, "{moving} must move");
    }

    /// Three tensors of one unit, used in pairs, fit into two units only if a tensor may be reloaded to another
    /// address.
    #[test]
    fn a_tensor_may_come_back_to_another_address() {
        let text = "machine scratchpad 2 alignment 1 weights resident
             argument a 1
             argument b 1
             argument c 1
             op ab: a b ->
             op bc: b c ->
             op ca: c a ->";
        assert_eq!(check_joint(&text.parse().expect("a problem")), Bytes(1));
    }
}
