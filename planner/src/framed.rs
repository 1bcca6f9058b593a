//! Tensors that start or end in the scratchpad, expressed as operators: one runs before all others and writes the
//! tensors that start there, and one runs after all others and reads the tensors that end there.
//!
//! This is equivalent. The result of an operator is in the scratchpad when the next operator runs, has no copy in host
//! memory, and needs a spill before it can be reloaded; so is a tensor that starts in the scratchpad. A tensor that is
//! read at the end has stayed since the last operator, or is reloaded. So solvers need to know neither: they get the
//! *framed* problem, and its plans lose the two steps again. A residency of such a plan may then have no steps: it ends
//! before the first operator runs, or begins after the last one has run.

use crate::sub_problem::{SubProblem, SubProblemBuilder};
use crate::{
    Action, Bytes, Copy, Cycles, Error, MemorySet, OpId, Plan, Problem, Residency, Slot, Step, TensorId, Use, When,
};

/// A problem whose operators express the tensors that start and end in the scratchpad of another problem, the
/// *original*.
pub(crate) struct Framed<'a> {
    original: &'a Problem,
    part: SubProblem,
    start: Option<OpId>,
    end: Option<OpId>,
}

impl Problem {
    /// The framed problem; `None` if all tensors start and end in host memory.
    pub(crate) fn framed(&self) -> Option<Framed<'_>> {
        self.graph.has_ends_on_chip().then(|| Framed::new(self))
    }
}

impl Framed<'_> {
    fn new(original: &Problem) -> Framed<'_> {
        let graph = &original.graph;
        let starts: Vec<TensorId> = graph.tensor_ids().filter(|it| graph.tensor(*it).starts_on_chip).collect();
        let ends: Vec<TensorId> = graph.tensor_ids().filter(|it| graph.tensor(*it).ends_on_chip).collect();
        let mut builder = SubProblemBuilder::new(original);
        let no_time = |builder: &mut SubProblemBuilder, op: OpId| builder.time(op, None, Some(Cycles::ZERO));
        let start = (!starts.is_empty()).then(|| builder.op("(start)", &[], [], &starts, Bytes::ZERO));
        start.iter().for_each(|it| no_time(&mut builder, *it));
        let is_argument = |it: &TensorId| graph.starts_at_home(*it) && graph.parts(*it).is_empty();
        graph.tensor_ids().filter(is_argument).for_each(|it| _ = builder.argument(it));
        let mut last: Vec<OpId> = Vec::new();
        for id in graph.op_ids() {
            let op = graph.op(id);
            op.reads.iter().filter(|it| !graph.parts(it.tensor).is_empty()).for_each(|it| builder.staged(it.tensor));
            let own = builder.op(&op.name, &[id], op.reads.iter().copied(), &op.writes, op.workspace);
            builder.time(own, op.macs, op.cycles);
            if op.may_rerun {
                builder.may_rerun(own);
            }
            if graph.predecessors(id).is_empty() {
                start.iter().for_each(|it| builder.order(*it, own));
            }
            if graph.successors(id).is_empty() {
                last.push(own);
            }
            op.in_place.iter().for_each(|it| builder.in_place(it));
        }
        let end = (!ends.is_empty()).then(|| {
            let reads = ends.iter().map(|it| Use { tensor: *it, from: MemorySet::SCRATCHPAD });
            let end = builder.op("(end)", &[], reads, &[], Bytes::ZERO);
            no_time(&mut builder, end);
            start.into_iter().chain(last).for_each(|it| builder.order(it, end));
            end
        });
        builder.results();
        Framed { original, part: builder.build(original.machine.clone()), start, end }
    }

    /// The problem with the additional operators.
    pub fn problem(&self) -> &Problem {
        &self.part.problem
    }

    /// The number of steps before the first one of the original.
    fn shift(&self) -> u32 {
        u32::from(self.start.is_some())
    }

    /// The moment in the original of an operator of the framed problem.
    pub fn when(&self, op: OpId) -> When {
        match self.part.members(op) {
            [op] => When::Run(*op),
            _ if self.start == Some(op) => When::Start,
            _ => When::End,
        }
    }

    /// Converts an error of the framed problem into one of the original.
    pub fn error(&self, error: Error) -> Error {
        match error {
            Error::NoPlace { when: When::Run(op), tensors, why } => {
                let tensors = tensors.into_iter().map(|it| self.part.tensor(it)).collect();
                Error::NoPlace { when: self.when(op), tensors, why: self.why(op, why) }
            }
            Error::ScratchpadTooSmall { op, needed, scratchpad, min_scratchpad } => match self.when(op) {
                When::Run(op) => Error::ScratchpadTooSmall { op, needed, scratchpad, min_scratchpad },
                when => {
                    let tensors = self.problem().operands(op).map(|it| self.part.tensor(it)).collect();
                    let excess = needed.saturating_sub(scratchpad);
                    let why = format!(
                        "{op} needs {needed} B at once, but it has {scratchpad} B: {excess} B too few",
                        op = self.name(op)
                    );
                    Error::NoPlace { when, tensors, why: self.why(op, why) }
                }
            },
            Error::Pin { tensor, why } => Error::Pin { tensor: self.part.tensor(tensor), why },
            other => other,
        }
    }

    fn name(&self, op: OpId) -> &str {
        &self.problem().graph.op(op).name
    }

    /// Rewrites a reason that begins with the name of an additional operator.
    fn why(&self, op: OpId, why: String) -> String {
        let rest = why.strip_prefix(self.name(op));
        match (self.when(op), rest.and_then(|it| it.strip_prefix(" needs "))) {
            (When::Start, Some(rest)) => format!("before the first operator runs, the scratchpad must hold {rest}"),
            (When::End, Some(rest)) => format!("after the last operator has run, the scratchpad must hold {rest}"),
            _ => why,
        }
    }

    /// Converts an order of the original's operators into one of the framed problem.
    pub fn order(&self, order: &[OpId]) -> Vec<OpId> {
        let own = order.iter().filter_map(|it| self.part.own_op(*it));
        self.start.into_iter().chain(own).chain(self.end).collect()
    }

    /// Converts a plan of the framed problem into one of the original.
    pub fn strip(&self, plan: &Plan) -> Plan {
        let n_steps = (plan.order.len() as u32) - self.shift() - u32::from(self.end.is_some());
        let step = |Step(it): Step| Step(it.saturating_sub(self.shift()).min(n_steps));
        let residencies = plan.residencies.iter().map(|it| Residency {
            tensor: self.part.tensor(it.tensor),
            steps: step(it.steps.start)..step(it.steps.end),
            offset: it.offset,
        });
        let mut residencies: Vec<Residency> = residencies.collect();
        residencies.sort_by_key(|it| (it.steps.start, it.tensor, it.steps.end));
        let order = plan.order.iter().flat_map(|op| self.part.members(*op)).copied().collect();
        let workspaces = plan.workspaces[self.shift() as usize..][..n_steps as usize].to_vec();
        Plan { order, residencies, workspaces }
    }

    /// Converts a plan of the original, with valid tensors and operators, into one of the framed problem.
    pub fn lift(&self, plan: &Plan) -> Plan {
        let graph = &self.original.graph;
        let n_steps = plan.order.len() as u32;
        let mut order: Vec<usize> = (0..plan.residencies.len()).collect();
        order.sort_by_key(|it| {
            let Residency { tensor, steps, .. } = &plan.residencies[*it];
            (*tensor, steps.start, steps.end)
        });
        let mut residencies = Vec::new();
        for (nth, &at) in order.iter().enumerate() {
            let Residency { tensor, ref steps, offset } = plan.residencies[at];
            let beside = |it: Option<&usize>| it.is_some_and(|it| plan.residencies[*it].tensor == tensor);
            let is_first = !beside(nth.checked_sub(1).and_then(|it| order.get(it)));
            let is_last = !beside(order.get(nth + 1));
            let is_at_start = is_first && graph.tensor(tensor).starts_on_chip && steps.start == Step(0);
            let is_at_end = is_last && graph.tensor(tensor).ends_on_chip && steps.end == Step(n_steps);
            let start = if is_at_start { 0 } else { steps.start.0 + self.shift() };
            let end = steps.end.0 + self.shift() + u32::from(is_at_end);
            // A residency without steps is useless.
            if let Some(own) = self.part.own_tensor(tensor).filter(|_| start < end) {
                residencies.push(Residency { tensor: own, steps: Step(start)..Step(end), offset });
            }
        }
        residencies.sort_by_key(|it| (it.steps.start, it.tensor));
        let none = |is_there: bool| is_there.then_some(Bytes::ZERO);
        let workspaces = none(self.start.is_some()).into_iter().chain(plan.workspaces.iter().copied());
        let workspaces = workspaces.chain(none(self.end.is_some())).collect();
        Plan { order: self.order(&plan.order), residencies, workspaces }
    }

    /// Converts a program of the framed problem into one of the original.
    pub fn strip_actions(&self, actions: &[Action]) -> Vec<Action> {
        let slot = |it: &Slot| Slot { tensor: self.part.tensor(it.tensor), ..*it };
        let slots = |it: &[Slot]| it.iter().map(slot).collect::<Vec<Slot>>();
        let copy = |it: &Copy| Copy { tensor: self.part.tensor(it.tensor), ..*it };
        let mut starts = Vec::new();
        let mut others = Vec::new();
        for action in actions {
            others.push(match action {
                Action::Run { op, writes, .. } if Some(*op) == self.start => {
                    starts.extend(writes.iter().map(|it| Action::Start(slot(it))));
                    continue;
                }
                Action::Run { op, .. } if Some(*op) == self.end => continue,
                Action::Run { op, reads, writes, workspace } => Action::Run {
                    op: self.part.members(*op)[0],
                    reads: slots(reads),
                    writes: slots(writes),
                    workspace: *workspace,
                },
                Action::Start(it) => Action::Start(slot(it)),
                Action::Copy(it) => Action::Copy(copy(it)),
                Action::Issue(it) => Action::Issue(copy(it)),
                Action::IssueSlice(it, slice) => Action::IssueSlice(copy(it), *slice),
                Action::Wait(it) => Action::Wait(slot(it)),
            });
        }
        starts.extend(others);
        starts
    }
}
