//! The tensors in the scratchpad in each step.

use super::order::Order;
use super::solver::Model;
use crate::{Bytes, Dies, InPlace, OpId, Outline, Problem, Step, TensorId};
use good_lp::{Expression, Variable, constraint};
use std::ops::{Range, RangeInclusive};

/// `on[k][t]`: tensor *k* lies in the scratchpad while step *t* runs.
/// `reload[k][t]`: it was loaded or reloaded just before.
/// `spill[k]`: it is written back, as soon as it exists: the cost does not depend on the time.
/// `in_place[k][l][t]`: a result and an operand share bytes in step *t*, if that depends on the order.
///
/// There are variables for the tensors that can be present between two steps: those that several operators touch. The
/// others are part of the needs of their operator.
pub(super) struct Residency {
    tensors: Vec<Tracked>,
    /// The index in the model of the first variable of the first tensor.
    first: usize,
    /// By operator: the padded size of what only it touches, workspace included, minus what it saves in every order.
    own: Vec<i128>,
    /// Results in the place of operands, if that is a decision.
    shared: Vec<Shared>,
    /// The bytes in the objective that are compulsory: arguments must be loaded once.
    pub compulsory: Bytes,
}

/// Steps in which a tensor is in the scratchpad without a break.
pub(super) struct Presence {
    /// The index of the tensor in the residency.
    pub index: usize,
    pub tensor: TensorId,
    pub steps: Range<Step>,
}

/// Whether a result and an operand share bytes in a step.
pub(super) struct Shared {
    pub pair: InPlace,
    pub step: usize,
    pub variable: Variable,
}

struct Tracked {
    tensor: TensorId,
    room: u64,
    /// The steps in which sharing is possible.
    steps: RangeInclusive<usize>,
    on: Vec<Variable>,
    reload: Vec<Variable>,
    spill: Option<Variable>,
}

impl Residency {
    /// Costs are in this unit, which divides every size.
    pub(super) fn new(problem: &Problem, order: &Order, start: &Outline, unit: u64, model: &mut Model) -> Residency {
        let own = problem.graph.op_ids().map(|op| own(problem, op)).collect();
        let mut residency = Residency::of(problem, order, start, unit, own, |it| problem.is_tracked(it), model);
        for op in problem.graph.op_ids() {
            if problem.graph.op(op).in_place.iter().any(|it| it.dies == Dies::Sometimes) {
                residency.share(problem, order, start, op, model);
            } else {
                residency.own[op.index()] -= i128::from(problem.saved_always(op).0);
            }
        }
        residency
    }

    /// The same with variables for everything in the scratchpad except workspaces.
    pub(super) fn of_all(problem: &Problem, order: &Order, start: &Outline, unit: u64, model: &mut Model) -> Residency {
        let graph = &problem.graph;
        let own = graph.op_ids().map(|it| problem.workspace_room(it)).collect();
        let is_meant = |it: TensorId| graph.producer(it).is_some() || !graph.readers(it).is_empty();
        let mut residency = Residency::of(problem, order, start, unit, own, is_meant, model);
        for op in problem.graph.op_ids() {
            residency.share(problem, order, start, op, model);
        }
        residency
    }

    fn of(
        problem: &Problem,
        order: &Order,
        start: &Outline,
        unit: u64,
        own: Vec<Bytes>,
        is_meant: impl Fn(TensorId) -> bool,
        model: &mut Model,
    ) -> Residency {
        let graph = &problem.graph;
        let first = model.n_variables();
        let (lies_there, comes_in) = steps_of(problem, start);
        let own = own.into_iter().map(|it| i128::from(it.0)).collect();
        let mut residency = Residency { tensors: Vec::new(), first, own, shared: Vec::new(), compulsory: Bytes::ZERO };
        for tensor in graph.tensor_ids().filter(|it| is_meant(*it)) {
            let weight = graph.tensor(tensor).size.0 / unit;
            let touching = graph.touches(tensor);
            let windows: Vec<RangeInclusive<usize>> = touching.map(|it| order.window(it)).collect();
            let earliest = windows.iter().map(|it| *it.start()).min().expect("a tracked tensor is touched");
            let latest = windows.iter().map(|it| *it.end()).max().expect("a tracked tensor is touched");
            let steps = earliest..=latest;
            let is_in = |set: &[usize], step: usize| set.binary_search(&step).is_ok();
            let (there, comes) = (&lies_there[tensor.index()], &comes_in[tensor.index()]);
            let on = steps.clone().map(|step| model.binary(0, is_in(there, step))).collect();
            let reload = steps.clone().map(|step| model.binary(weight, is_in(comes, step))).collect();
            let spill = (!graph.has_host_copy(tensor)).then(|| model.binary(weight, !comes.is_empty()));
            if graph.producer(tensor).is_none() {
                residency.compulsory += graph.tensor(tensor).size;
            }
            let tracked = Tracked { tensor, room: problem.room(tensor).0, steps, on, reload, spill };
            tracked.constrain(problem, order, model);
            residency.tensors.push(tracked);
        }
        residency
    }

    /// Lets results of an operator share bytes with operands that die with it.
    fn share(&mut self, problem: &Problem, order: &Order, start: &Outline, op: OpId, model: &mut Model) {
        let pairs: Vec<InPlace> = problem.possible_pairs(op).filter(|it| it.dies != Dies::Never).copied().collect();
        if pairs.is_empty() {
            return;
        }
        let step = start.order.iter().position(|it| *it == op);
        let dies_in = |operand: TensorId, step: usize| {
            problem.graph.readers(operand).iter().all(|it| start.order[..=step].contains(it))
        };
        let chosen = step.map_or(Vec::new(), |step| problem.in_place(op, |it| dies_in(it.operand, step)));
        for at in order.window(op) {
            let Some(run) = order.run(op, at) else { continue };
            let first = self.shared.len();
            for &pair in &pairs {
                let variable = model.binary(0, step == Some(at) && chosen.contains(&pair));
                self.shared.push(Shared { pair, step: at, variable });
                // All other readers have run.
                for &reader in problem.graph.readers(pair.operand).iter().filter(|it| **it != op) {
                    let has_run = order.ran_before(reader, at);
                    model.constraints.push(constraint!(variable <= has_run));
                }
            }
            // The operator runs, and no tensor is in two pairs, except one with several parts.
            let shared = &self.shared[first..];
            let mut limit = |belongs: &dyn Fn(&InPlace) -> bool| {
                let sum: Expression = shared.iter().filter(|it| belongs(&it.pair)).map(|it| it.variable).sum();
                model.constraints.push(constraint!(sum <= run));
            };
            for pair in &pairs {
                if pair.is_part() {
                    limit(&|it| it.inner() == pair.inner());
                } else {
                    limit(&|it| it.result == pair.result);
                    limit(&|it| it.operand == pair.operand);
                }
            }
        }
    }

    /// The pairs of result and operand that may share bytes in a step.
    pub(super) fn shared(&self, step: usize) -> impl Iterator<Item = &Shared> {
        self.shared.iter().filter(move |it| it.step == step)
    }

    /// In every step, the contents of the scratchpad fit.
    ///
    /// With `all_levels`, there are rows even for steps that could not exceed the capacity.
    pub(super) fn limit(&self, problem: &Problem, order: &Order, all_levels: bool, model: &mut Model) {
        if problem.graph.has_pins() {
            self.exclude(problem, order, model);
        }
        let capacity = problem.capacity().0;
        for step in 0..problem.graph.ops().len() {
            let ops = problem.graph.op_ids().filter_map(|op| Some((self.own[op.index()], order.run(op, step)?)));
            let ops: Vec<(i128, Variable)> = ops.collect();
            let tensors: Vec<(i128, Variable)> =
                self.tensors.iter().filter_map(|it| Some((i128::from(it.room), it.on(step)?))).collect();
            let shared = self.shared(step).map(|it| (-i128::from(problem.room(it.pair.inner()).0), it.variable));
            let shared: Vec<(i128, Variable)> = shared.collect();
            let most_own = ops.iter().map(|it| it.0).max().unwrap_or(0);
            let most = most_own + tensors.iter().map(|it| it.0).sum::<i128>();
            if !all_levels && most <= i128::from(capacity) {
                continue;
            }
            let terms = || ops.iter().chain(&tensors).chain(&shared);
            let unit = terms().fold(0, |unit, it| crate::divisor::gcd(unit, it.0.unsigned_abs() as u64)).max(1);
            let used: Expression = terms().map(|&(room, it)| (room / i128::from(unit)) as f64 * it).sum();
            model.constraints.push(used.leq((capacity / unit) as f64));
        }
    }

    /// In every step, no two tensors with conflicting pins are present, except a result and an operand that share
    /// bytes; and no tensor is present while an operator runs that alone touches a tensor at its addresses.
    fn exclude(&self, problem: &Problem, order: &Order, model: &mut Model) {
        let apart = problem.graph.apart();
        let mut place: Vec<Option<usize>> = vec![None; apart.len()];
        self.tensors.iter().enumerate().for_each(|(index, it)| place[it.tensor.index()] = Some(index));
        for (index, tracked) in self.tensors.iter().enumerate() {
            for &other in &apart[tracked.tensor.index()] {
                match place[other.index()] {
                    Some(second) if second < index => {}
                    Some(second) => self.exclude_pair(tracked, &self.tensors[second], model),
                    None => {
                        for op in problem.graph.touches(other).filter(|op| !is_operand(problem, *op, tracked.tensor)) {
                            for step in order.window(op) {
                                if let (Some(on), Some(run)) = (tracked.on(step), order.run(op, step)) {
                                    model.constraints.push(constraint!(on + run <= 1));
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn exclude_pair(&self, a: &Tracked, b: &Tracked, model: &mut Model) {
        for step in a.steps.clone() {
            let (Some(on_a), Some(on_b)) = (a.on(step), b.on(step)) else { continue };
            let is_meant = |it: &&Shared| {
                let pair = (it.pair.result, it.pair.operand);
                pair == (a.tensor, b.tensor) || pair == (b.tensor, a.tensor)
            };
            let shared: Expression = self.shared(step).filter(is_meant).map(|it| it.variable).sum();
            model.constraints.push(constraint!(on_a + on_b <= 1 + shared));
        }
    }

    /// Adds a known bound: these tensors together cost at least this much, without first loads of arguments.
    pub(super) fn add_floor(
        &self,
        problem: &Problem,
        is_meant: impl Fn(TensorId) -> bool,
        least: Bytes,
        unit: u64,
        model: &mut Model,
    ) {
        let mut cost = Expression::default();
        let mut least = least.0.div_ceil(unit);
        for tracked in self.tensors.iter().filter(|it| is_meant(it.tensor)) {
            let weight = problem.graph.tensor(tracked.tensor).size.0 / unit;
            if problem.graph.producer(tracked.tensor).is_none() {
                least += weight;
            }
            let transfers: Expression = tracked.reload.iter().chain(&tracked.spill).sum();
            cost += weight as f64 * transfers;
        }
        model.constraints.push(cost.geq(least as f64));
    }

    /// The tensors that a solution keeps across the boundary after each step.
    pub(super) fn read(&self, values: &[u64], n_steps: usize) -> Vec<Vec<TensorId>> {
        let mut kept = vec![Vec::new(); n_steps];
        let mut values = &values[self.first..];
        for tracked in &self.tensors {
            let n = tracked.on.len();
            for (step, pair) in tracked.steps.clone().zip(values[..n].windows(2)) {
                if pair == [1, 1] {
                    kept[step].push(tracked.tensor);
                }
            }
            values = &values[2 * n + usize::from(tracked.spill.is_some())..];
        }
        kept
    }

    /// Each tensor, the first step in which it can be useful, and from there `on` and `reload`.
    pub(super) fn variables(&self) -> impl Iterator<Item = (TensorId, usize, &[Variable], &[Variable])> {
        self.tensors.iter().map(|it| (it.tensor, *it.steps.start(), it.on.as_slice(), it.reload.as_slice()))
    }

    /// The presences of each tensor in a solution, each from its load to its last use before its eviction.
    pub(super) fn presences(&self, values: &[u64], problem: &Problem, order: &[OpId]) -> Vec<Presence> {
        let mut presences: Vec<Presence> = Vec::new();
        let mut values = &values[self.first..];
        for (index, tracked) in self.tensors.iter().enumerate() {
            let tensor = tracked.tensor;
            let n = tracked.on.len();
            let mut open: Option<usize> = None;
            for (place, step) in tracked.steps.clone().enumerate() {
                let (is_on, comes_in) = (values[place] == 1, values[n + place] == 1);
                if !is_on || comes_in {
                    open = None;
                }
                if is_on && problem.operands(order[step]).any(|it| it == tensor) {
                    let step = Step(step as u32);
                    match open {
                        Some(presence) => presences[presence].steps.end = step.next(),
                        None => {
                            open = Some(presences.len());
                            presences.push(Presence { index, tensor, steps: step..step.next() });
                        }
                    }
                }
            }
            values = &values[2 * n + usize::from(tracked.spill.is_some())..];
        }
        presences
    }

    /// The names of the variables, in their order.
    pub(super) fn names(&self, problem: &Problem) -> Vec<String> {
        let mut names = Vec::new();
        for tracked in &self.tensors {
            let name = &problem.graph.tensor(tracked.tensor).name;
            names.extend(tracked.steps.clone().map(|step| format!("on_{name}_{step}")));
            names.extend(tracked.steps.clone().map(|step| format!("reload_{name}_{step}")));
            names.extend(tracked.spill.map(|_| format!("spill_{name}")));
        }
        for Shared { pair, step, .. } in &self.shared {
            let name = |it: TensorId| &problem.graph.tensor(it).name;
            names.push(format!("in_place_{}_{}_{step}", name(pair.result), name(pair.operand)));
        }
        names
    }
}

fn is_operand(problem: &Problem, op: OpId, tensor: TensorId) -> bool {
    problem.operands(op).any(|it| it == tensor)
}

impl Tracked {
    fn on(&self, step: usize) -> Option<Variable> {
        self.steps.contains(&step).then(|| self.on[step - self.steps.start()])
    }

    fn constrain(&self, problem: &Problem, order: &Order, model: &mut Model) {
        let graph = &problem.graph;
        let producer = graph.producer(self.tensor);
        let readers = graph.readers(self.tensor);
        for (index, step) in self.steps.clone().enumerate() {
            let (on, reload) = (self.on[index], self.reload[index]);
            let reads: Expression = readers.iter().filter_map(|it| order.run(*it, step)).sum();
            let made: Expression = producer.and_then(|it| order.run(it, step)).into_iter().sum();

            // It is present while an operator runs that reads or writes it.
            model.constraints.push(constraint!(on >= reads.clone() + made.clone()));
            // It is present because it stayed, was written, or was loaded.
            let stayed: Expression = self.on[..index].last().into_iter().sum();
            model.constraints.push(constraint!(on <= stayed + made + reload));
            // It is loaded only for an operator that reads it.
            model.constraints.push(constraint!(reload <= reads));
            // It is reloaded only after it was written back.
            if let Some(spill) = self.spill {
                model.constraints.push(constraint!(reload <= spill));
            }
        }
        let reloads: Expression = self.reload.iter().sum();
        match self.spill {
            // A tensor that is written back is reloaded at most once if it is read once.
            Some(spill) if readers.len() == 1 => model.constraints.push(reloads.leq(spill)),
            Some(_) => {}
            // An argument is loaded at least once.
            None if producer.is_none() => model.constraints.push(reloads.geq(1)),
            None => {}
        }
    }
}

/// The padded size of an operator's workspace and of the tensors that only it touches.
pub(super) fn own(problem: &Problem, op: OpId) -> Bytes {
    let alone = problem.operands(op).filter(|it| !problem.is_tracked(*it));
    problem.workspace_room(op) + alone.map(|it| problem.room(it)).sum()
}

/// By tensor: the steps in which an outline has it in the scratchpad, and those just before which it was loaded;
/// ascending.
fn steps_of(problem: &Problem, outline: &Outline) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut there = vec![Vec::new(); problem.graph.tensors().len()];
    let mut comes = there.clone();
    for stay in &outline.stays {
        let first = stay.steps.start.index();
        there[stay.tensor.index()].extend(first..stay.steps.end.index());
        if problem.graph.producer(stay.tensor) != Some(outline.order[first]) {
            comes[stay.tensor.index()].push(first);
        }
    }
    (there, comes)
}
