//! Allocated form: writes a plan as attributes, and reads it back.
//!
//! The order of the block is the schedule. The attribute `residencies` of an operation or an argument lists
//! the live intervals of each tensor with their addresses; `workspace_offset` is the address of a workspace.
//! Values that are not in the scratchpad, such as scalars, have no attribute.
//!
//! What starts or ends in the scratchpad may lie there in no step: gone before the first one, or back after the last one.
//! Then `cosma.offset` of the argument or the result says where.

use crate::extract::{Carrier, Extraction};
use crate::variable::settle;
use crate::weave::Weave;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::{BlockLike, OperationRef};
use cosma_ir::{
    Border, Diagnostic, argument_residencies, as_mut, border_offset, clear_argument_residencies, clear_residencies,
    is_abstract, residencies, result_at, set_argument_residencies, set_border_offset, set_residencies, set_workspace,
    set_workspace_offset, workspace_offset,
};
use cosma_planner::{Bytes, OpId, Plan, Residency, Step, TensorId};

/// Reorders the operators. Other operations come before them in their present order, views directly after their
/// sources, and operations that assemble results last. Those of tensors that are read in slices come as `weave.rs`
/// says.
pub(crate) fn reorder(extraction: &Extraction, order: &[OpId]) {
    settle(extraction);
    let end = extraction.end();
    let graph = &extraction.problem.graph;
    let mut weave = Weave::new(extraction);
    let mut views = vec![Vec::new(); order.len()];
    for view in extraction.views.iter().filter(|it| !weave.has(**it)) {
        let tensor = result_at(*view, 0).and_then(|it| extraction.tensor(it));
        if let Some(producer) = tensor.and_then(|it| graph.producer(it)) {
            views[producer.index()].push(*view);
        }
    }
    for op in order {
        weave.slices(*op, end);
        as_mut(extraction.operators[op.index()]).move_before(end);
        views[op.index()].iter().for_each(|it| as_mut(*it).move_before(end));
        weave.inserts(*op, end);
    }
    weave.finish(end);
    let returned = extraction.assemblies.iter().filter(|it| it.slices.is_empty());
    returned.flat_map(|it| &it.inserts).for_each(|it| as_mut(*it).move_before(end));
}

/// Hoists constants out of regions, so that they can be loaded.
pub(crate) fn hoist_constants(extraction: &Extraction) {
    let block = extraction.terminator.block();
    let Some(first) = block.and_then(|it| it.first_operation()) else { return };
    for carrier in &extraction.carriers {
        if let Carrier::Constant(_, operation) = *carrier
            && operation.block() != block
        {
            as_mut(operation).move_before(first);
        }
    }
}

/// Writes a plan to a function in source form.
pub(crate) fn write(extraction: &Extraction, plan: &Plan) {
    hoist_constants(extraction);
    reorder(extraction, &plan.order);
    let mut residencies = vec![Vec::new(); extraction.problem.graph.tensors().len()];
    let borders = borders(extraction);
    for (border, tensor) in &borders {
        let step = step_of(extraction, *border);
        let is_there_in_none = |it: &&Residency| it.tensor == *tensor && it.steps == (step..step);
        let offset = plan.residencies.iter().find(is_there_in_none).map(|it| it.offset.0);
        set_border_offset(extraction.function, *border, offset);
    }
    for residency in plan.residencies.iter().filter(|it| it.steps.start < it.steps.end) {
        let (memory, offset) = (None, residency.offset.0);
        let steps = u64::from(residency.steps.start.0)..u64::from(residency.steps.end.0);
        residencies[residency.tensor.index()].push(cosma_ir::Residency { memory, offset, steps });
    }
    write_residencies(extraction, &plan.order, &residencies, &plan.workspaces);
}

/// Writes residencies by tensor, and offsets of workspaces by step, to a function whose operators stand in this order.
pub(crate) fn write_residencies(
    extraction: &Extraction,
    order: &[OpId],
    residencies: &[Vec<cosma_ir::Residency>],
    workspaces: &[Bytes],
) {
    let graph = &extraction.problem.graph;
    for (carrier, residencies) in extraction.carriers.iter().zip(residencies) {
        match *carrier {
            Carrier::Argument(_, index) if !residencies.is_empty() => {
                set_argument_residencies(extraction.function, index, residencies);
            }
            Carrier::Constant(_, operation) | Carrier::Piece(.., operation) | Carrier::Staged(_, operation)
                if !residencies.is_empty() =>
            {
                set_residencies(operation, std::slice::from_ref(residencies));
            }
            _ => {}
        }
    }
    for (step, op) in order.iter().enumerate() {
        let operation = extraction.operators[op.index()];
        let workspace = graph.op(*op).workspace.0;
        if 0 < workspace {
            if cosma_ir::workspace(operation) != workspace {
                set_workspace(operation, workspace);
            }
            set_workspace_offset(operation, workspaces[step].0);
        }
        if lists_results(extraction, *op) {
            let of = |tensor: Option<TensorId>| tensor.map_or(Vec::new(), |it| residencies[it.index()].clone());
            let lists: Lists = extraction.results(*op).into_iter().map(of).collect();
            set_residencies(operation, &lists);
        }
    }
}

/// The borders of the function at which tensors are in the scratchpad.
fn borders(extraction: &Extraction) -> Vec<(Border, TensorId)> {
    extraction.said.iter().filter_map(|it| Some((it.on_chip?, it.tensor))).collect()
}

/// The step before which something comes in, or behind which it leaves.
fn step_of(extraction: &Extraction, border: Border) -> Step {
    match border {
        Border::Argument(_) => Step(0),
        Border::Result(_) => Step(extraction.operators.len() as u32),
    }
}

/// By result of an operator: its residencies.
type Lists = Vec<Vec<cosma_ir::Residency>>;

/// Reads the plan of a function in allocated form.
///
/// # Errors
/// At an operation whose residencies do not fit the block, or whose workspace has no offset.
pub(crate) fn read<'c>(extraction: &Extraction<'c, '_>) -> Result<Plan, Diagnostic<'c>> {
    let graph = &extraction.problem.graph;
    let order: Vec<OpId> = graph.op_ids().collect();
    let n_steps = order.len() as u32;
    let mut plan = Plan { order, residencies: Vec::new(), workspaces: Vec::new() };
    for (tensor, (listed, operation)) in graph.tensor_ids().zip(listed(extraction)) {
        for residency in listed {
            if let Some(memory) = &residency.memory {
                let message = format!(
                    "a residency of {} is in '{memory}', but where tensors move, allocated form is about the scratchpad",
                    graph.tensor(tensor).name
                );
                return Err(Diagnostic::at(operation, message));
            }
            let step = |it: u64| u32::try_from(it).ok().filter(|it| *it <= n_steps).map(Step);
            let (Some(start), Some(end)) = (step(residency.steps.start), step(residency.steps.end)) else {
                let message = format!(
                    "a residency lasts until step {}, but the function has {n_steps} steps",
                    residency.steps.end
                );
                return Err(Diagnostic::at(operation, message));
            };
            plan.residencies.push(Residency { tensor, steps: start..end, offset: Bytes(residency.offset) });
        }
    }
    for (border, tensor) in borders(extraction) {
        if let Some(offset) = border_offset(extraction.function, border) {
            let step = step_of(extraction, border);
            let residency = Residency { tensor, steps: step..step, offset: Bytes(offset) };
            // One tensor may be several results.
            if !plan.residencies.contains(&residency) {
                plan.residencies.push(residency);
            }
        }
    }
    plan.residencies.sort_by_key(|it| (it.steps.start, it.tensor, it.steps.end));
    for op in graph.op_ids() {
        plan.workspaces.push(workspace_of(extraction, op)?);
    }
    Ok(plan)
}

/// By tensor: its residencies, and the operation that lists them; the function for an argument.
pub(crate) fn listed<'c, 'a>(extraction: &Extraction<'c, 'a>) -> Vec<(Vec<cosma_ir::Residency>, OperationRef<'c, 'a>)> {
    let graph = &extraction.problem.graph;
    // An operator of many results lists those of all, so each list is read once.
    let mut of_results: Vec<Lists> =
        extraction.operators.iter().map(|it| residencies(*it).unwrap_or_default()).collect();
    let mut of = |tensor: TensorId| match extraction.carriers[tensor.index()] {
        Carrier::Argument(_, index) => (argument_residencies(extraction.function, index), extraction.function),
        Carrier::Constant(_, operation) | Carrier::Piece(.., operation) | Carrier::Staged(_, operation) => {
            (first(residencies(operation)), operation)
        }
        Carrier::Result(_, index) => {
            let op = graph.producer(tensor).expect("an operator computes a result");
            (of_results[op.index()].get_mut(index).map(std::mem::take), extraction.operators[op.index()])
        }
    };
    graph.tensor_ids().map(&mut of).map(|(listed, operation)| (listed.unwrap_or_default(), operation)).collect()
}

/// Where the workspace of an operator lies; zero if it has none.
///
/// # Errors
/// At the operator, if it has one, but nothing says where.
pub(crate) fn workspace_of<'c>(extraction: &Extraction<'c, '_>, op: OpId) -> Result<Bytes, Diagnostic<'c>> {
    let operation = extraction.operators[op.index()];
    match workspace_offset(operation) {
        Some(offset) => Ok(Bytes(offset)),
        None if extraction.problem.graph.op(op).workspace == Bytes::ZERO => Ok(Bytes::ZERO),
        None => Err(Diagnostic::at(operation, "the workspace of this operator has no offset")),
    }
}

/// Removes the attributes of allocated form, once offsets and transfers replace them.
pub(crate) fn clear(extraction: &Extraction) {
    for carrier in &extraction.carriers {
        match *carrier {
            Carrier::Argument(_, index) => clear_argument_residencies(extraction.function, index),
            Carrier::Constant(_, operation) | Carrier::Piece(.., operation) | Carrier::Staged(_, operation) => {
                clear_residencies(operation);
            }
            Carrier::Result(..) => {}
        }
    }
    extraction.operators.iter().for_each(|it| clear_residencies(*it));
}

/// Whether an operator has the attribute `residencies`, with an entry for each result. An operator without
/// results has it too, to mark it as planned; one with only scalar results does not.
pub(crate) fn lists_results(extraction: &Extraction, op: OpId) -> bool {
    let results = extraction.results(op);
    results.is_empty() || results.iter().any(Option::is_some)
}

/// Whether an operator accesses the scratchpad or streamed tensors. In planned form, such an operator has an
/// offset for each result and effects on the scratchpad. So does one without results, which is kept for its
/// unknown effects.
pub(crate) fn runs_on_scratchpad(extraction: &Extraction, op: OpId) -> bool {
    let operator = extraction.problem.graph.op(op);
    let operation = extraction.operators[op.index()];
    let touches = !operator.reads.is_empty() || !operator.writes.is_empty();
    touches || operator.workspace != Bytes::ZERO || is_abstract(operation) && operation.result_count() == 0
}

fn first<T>(list: Option<Vec<T>>) -> Option<T> {
    list?.into_iter().next()
}
