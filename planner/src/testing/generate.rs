//! Random problems that are valid by construction; half of them fit exactly.

use super::{Choices, noise};
use crate::{Bytes, Graph, GraphBuilder, Keep, Machine, MemorySet, OpId, Origin, Problem, Step, TensorId, Weights};
use std::ops::Range;

/// The size of random problems.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The maximum number of operators.
    pub ops: u64,
    /// The size of the largest tensor, in multiples of the alignment.
    pub units: u64,
}

impl Shape {
    /// Small enough to try every address.
    pub const TINY: Shape = Shape { ops: 6, units: 3 };
    /// Small enough to try every order and every set to evict.
    pub const SMALL: Shape = Shape { ops: 9, units: 5 };
    /// Large enough for errors that need many operators.
    pub const LARGE: Shape = Shape { ops: 40, units: 9 };
}

/// A problem with all features: shared arguments, weights, operators with several results or none, results that are
/// read repeatedly or never, arguments that are returned, tensors of size zero, workspaces, arguments that are read in
/// host memory, results in the place of operands, concatenations and splits, additional dependences of operators,
/// staged tensors, sizes and scratchpads off the alignment.
///
/// The scratchpad is the least one in half of all cases, and otherwise at most what source order needs to keep
/// everything. [`Problem::check`] succeeds.
pub fn random_problem(shape: Shape, choices: &mut Choices) -> Problem {
    let n_ops = 1 + choices.below(shape.ops).max(choices.below(shape.ops));
    let alignment = Bytes(choices.one_of(&[1, 1, 4, 64, 48]));
    let weights = choices.one_of(&[Weights::Resident, Weights::Streamed]);
    let is_exact = !choices.chance(50);
    // Few operands of similar sizes: then no single operator needs so much that everything else fits beside it.
    // Otherwise hardly any problem would need to spill.
    let is_narrow = choices.chance(60);
    let has_parts = choices.chance(35);
    let least_units = if choices.chance(50) { shape.units.div_ceil(2) } else { 1 };

    let mut graph = GraphBuilder::new();
    let size = |choices: &mut Choices| random_size(least_units..shape.units + 1, alignment, choices);
    let mut readable: Vec<TensorId> = Vec::new();
    for index in 0..choices.one_of(&[1, 1, 2, 2, 3, 0]) {
        readable.push(graph.argument(format!("x{index}"), size(choices)));
    }
    let mut weight_ids = Vec::new();
    for index in 0..choices.one_of(&[0, 1, 2, 3]) {
        weight_ids.push(graph.weight(format!("w{index}"), size(choices)));
    }
    for &argument in readable.iter().chain(&weight_ids) {
        if choices.chance(5) {
            graph.result(argument);
        }
    }

    let mut staging = staging(choices);
    let mut n_tensors = 0;
    let mut n_reads = vec![0; readable.len() + weight_ids.len()];
    for index in 0..n_ops {
        let mut reads = Vec::new();
        if !readable.is_empty() {
            for _ in 0..choices.one_of(if is_narrow { &[1, 2, 2] } else { &[1, 1, 1, 2, 2, 2, 3, 0] }) {
                // The newest tensor, as in a chain; any tensor; or the one that has waited longest for its first
                // reader, as where branches join.
                let waiting = readable.iter().copied().find(|it| n_reads[it.index()] == 0);
                let newest = readable.len() - 1;
                let any = readable[newest - choices.below(readable.len() as u64) as usize];
                let recent = readable[newest - choices.below(2.min(readable.len() as u64)) as usize];
                reads.push(choices.one_of(&[recent, recent, any, waiting.unwrap_or(any)]));
            }
        }
        if !weight_ids.is_empty() && choices.chance(if is_narrow { 15 } else { 50 }) {
            reads.push(choices.one_of(&weight_ids));
        }
        if let Some(staged) = stage(&mut graph, &readable, size, &mut staging) {
            reads.push(staged);
            n_reads.push(0);
            readable.push(staged);
        }
        let form = if has_parts { choices.one_of(&[Form::Any, Form::Concatenation, Form::Split]) } else { Form::Any };
        let parts = parts(&graph, form, &reads, alignment, choices);
        let sizes: Vec<Bytes> = if parts.is_empty() {
            let n_writes = choices.one_of(if is_narrow { &[1] } else { &[1, 1, 1, 1, 1, 2, 2, 3, 0] });
            (0..n_writes).map(|_| size(choices)).collect()
        } else if form == Form::Concatenation {
            parts.iter().map(|it| it.at + it.size).max().into_iter().collect()
        } else {
            parts.iter().map(|it| it.size).collect()
        };
        let writes: Vec<(String, Bytes)> =
            sizes.into_iter().zip(n_tensors..).map(|(size, it)| (format!("t{it}"), size)).collect();
        n_tensors += writes.len();
        let workspace = if !is_narrow && choices.chance(15) { size(choices) } else { Bytes::ZERO };
        let written = graph.op(format!("f{index}"), &reads, writes, workspace);
        for (part, index) in parts.into_iter().zip(0..) {
            if choices.chance(85) {
                let result = written[if form == Form::Split { index } else { 0 }];
                graph.in_place_at(result, part.operand, part.at);
            }
        }
        for tensor in reads {
            n_reads[tensor.index()] += 1;
        }
        n_reads.resize(n_reads.len() + written.len(), 0);
        readable.extend(written);
    }
    for tensor in readable {
        let is_read = n_reads[tensor.index()] != 0;
        let is_argument = tensor.index() < weight_ids.len() && weight_ids.contains(&tensor);
        let is_staged = graph.origin(tensor) == Origin::Staged;
        if !is_argument && !is_staged && choices.chance(if is_read { 12 } else { 75 }) {
            graph.result(tensor);
        }
    }

    declare_in_place(&mut graph, &mut choices.clone());
    add_edges(&mut graph, n_ops, &mut choices.clone());
    let graph = graph.build().expect("a few small tensors are not too large");
    let graph = mix_uses(&graph.with_weights(weights), &mut choices.clone());
    let mut problem = Problem { graph, machine: Machine::with_host(Bytes::ZERO, alignment) };
    let least = problem.min_scratchpad();
    let excess = peak_in_source_order(&problem).saturating_sub(least);
    problem.machine.set_scratchpad(least);
    if !is_exact {
        let spare = Bytes(choices.below(excess.0 + 1));
        problem.machine.set_scratchpad(least + spare);
    }
    problem
}

/// The same problem in which most operators read an additional weight, some of them shared, and in which this
/// percentage of all weights must be kept from run to run, and most others may be. The scratchpad has space for the
/// needs of each operator, and for some of the weights beside them.
pub fn with_kept_weights(problem: &Problem, percent_always: u64, choices: &mut Choices) -> Problem {
    let Bytes(alignment) = problem.machine.alignment();
    let mut builder = problem.graph.to_builder();
    let mut weights: Vec<TensorId> = Vec::new();
    let percent_without = choices.one_of(&[20, 20, 50, 100]);
    for op in problem.graph.op_ids() {
        if choices.chance(percent_without) {
            continue;
        }
        let weight = match weights.last() {
            Some(_) if choices.chance(30) => choices.one_of(&weights),
            _ => {
                let size = random_size(1..5, Bytes(alignment), choices);
                builder.weight(format!("k{}", weights.len()), size)
            }
        };
        weights.push(weight);
        builder.also_reads(op, weight);
    }
    let graph = builder.build().expect("a few more weights are not too large");
    let graph = graph.with_keep(|_| match choices.below(100) {
        it if it < percent_always => Keep::Always,
        it if it < 90 => Keep::Auto,
        _ => Keep::Never,
    });
    let mut problem = Problem { graph, machine: problem.machine.clone() };
    let rooms: Bytes = problem.graph.keepable().map(|it| problem.room(it)).sum();
    let spare = choices.below(rooms.0 / alignment + 1) * alignment;
    let least = problem.min_scratchpad();
    problem.machine.set_scratchpad(least + Bytes(spare));
    problem
}

/// Separate choices for staging, independent of the rest of the problem; `None` in most cases.
fn staging<'a>(choices: &Choices<'a>) -> Option<Choices<'a>> {
    let mut staging = choices.clone();
    (0..23).for_each(|_| _ = staging.below(2));
    staging.chance(30).then_some(staging)
}

/// A new staged tensor with some of these parts, for some operators.
fn stage(
    graph: &mut GraphBuilder,
    readable: &[TensorId],
    size: impl Fn(&mut Choices) -> Bytes,
    staging: &mut Option<Choices>,
) -> Option<TensorId> {
    let choices = staging.as_mut()?;
    let written: Vec<TensorId> =
        readable.iter().copied().filter(|it| matches!(graph.origin(*it), Origin::Op(_))).collect();
    if written.is_empty() || !choices.chance(45) {
        return None;
    }
    let parts: Vec<TensorId> = (0..choices.one_of(&[1, 2, 2, 3])).map(|_| choices.one_of(&written)).collect();
    let size = size(choices);
    Some(graph.staged(format!("s{}", graph.n_tensors()), size, &parts))
}

/// The relation of an operator's results to its operands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Any,
    Concatenation,
    Split,
}

/// A part of the result of a concatenation, or of the operand of a split.
struct Part {
    operand: TensorId,
    at: Bytes,
    size: Bytes,
}

/// The parts of a concatenation of all operands, or of a split of the first; `None` if there is nothing to concatenate
/// or split.
fn parts(graph: &GraphBuilder, form: Form, reads: &[TensorId], alignment: Bytes, choices: &mut Choices) -> Vec<Part> {
    let mut distinct: Vec<TensorId> = Vec::new();
    for &tensor in reads {
        if !distinct.contains(&tensor) && graph.size(tensor) != Bytes::ZERO {
            distinct.push(tensor);
        }
    }
    match form {
        Form::Concatenation if 1 < distinct.len() => {
            // Parts that are adjacent without padding are usually off the alignment, and need copies.
            let unit = if choices.chance(20) { Bytes(1) } else { alignment };
            let mut end = Bytes::ZERO;
            let part = |operand: TensorId| {
                let (at, size) = (end.align_up(unit), graph.size(operand));
                end = at + size;
                Part { operand, at, size }
            };
            distinct.into_iter().map(part).collect()
        }
        Form::Split => {
            let Some(operand) = distinct.first().copied() else { return Vec::new() };
            let size = graph.size(operand);
            let n_cuts = size.0.saturating_sub(1) / alignment.0;
            if n_cuts == 0 {
                return Vec::new();
            }
            let cut = Bytes(alignment.0 * (1 + choices.below(n_cuts)));
            let part = |at: Bytes, size: Bytes| Part { operand, at, size };
            vec![part(Bytes::ZERO, cut), part(cut, size - cut)]
        }
        Form::Any | Form::Concatenation => Vec::new(),
    }
}

/// Lets some results take the place of operands of the same size, in half of all cases.
fn declare_in_place(graph: &mut GraphBuilder, choices: &mut Choices) {
    if choices.chance(50) {
        return;
    }
    for (result, operand) in graph.pairs_of_a_size() {
        if choices.chance(70) {
            graph.in_place(result, operand);
        }
    }
}

/// Adds dependences between operators, in a third of all cases.
fn add_edges(graph: &mut GraphBuilder, n_ops: u64, choices: &mut Choices) {
    // Choices that differ from those for pairs.
    choices.below(2);
    let percent = if choices.chance(33) { choices.one_of(&[5, 15, 40]) } else { 0 };
    for after in 1..n_ops as u32 {
        // Far away or not: close operators are often ordered already.
        for before in [after - 1, choices.below(u64::from(after)) as u32] {
            if choices.chance(percent) {
                graph.order(OpId(before), OpId(after));
            }
        }
    }
}

/// Makes some operators read arguments in host memory that others read in the scratchpad, in a third of all cases.
fn mix_uses(graph: &Graph, choices: &mut Choices) -> Graph {
    let percent = if choices.chance(33) { 25 } else { 0 };
    graph.with_uses(|_, it| {
        let is_argument = graph.producer(it.tensor).is_none();
        if is_argument && choices.chance(percent) { MemorySet::HOME } else { it.from }
    })
}

/// The same problem in which planning decides for some uses, or for all that can have the choice, whether the tensor is
/// streamed; the scratchpad is the least one in half of all cases.
pub fn with_choices(problem: &Problem, choices: &mut Choices) -> Problem {
    let percent = choices.one_of(&[100, 100, 60]);
    let has_choice = |it: TensorId| matches!(problem.graph.tensor(it).origin, Origin::Argument | Origin::Weight);
    let graph = problem.graph.with_uses(|_, it| match has_choice(it.tensor) && choices.chance(percent) {
        true => MemorySet::EITHER,
        false => it.from,
    });
    let mut problem = Problem { graph, machine: problem.machine.clone() };
    let least = problem.min_scratchpad();
    let excess = problem.machine.scratchpad().saturating_sub(least);
    let spare = if choices.chance(50) { choices.below(excess.0 + 1) } else { 0 };
    problem.machine.set_scratchpad(least + Bytes(spare));
    problem
}

/// The random problem of a seed.
pub fn seeded_problem(shape: Shape, seed: u64) -> Problem {
    let bytes = noise(seed, 64 + 64 * shape.ops as usize);
    random_problem(shape, &mut Choices::new(&bytes))
}

fn random_size(units: Range<u64>, alignment: Bytes, choices: &mut Choices) -> Bytes {
    if choices.chance(6) {
        return Bytes::ZERO;
    }
    let units = units.start + choices.below(units.end - units.start);
    let padding = if choices.chance(50) { choices.below(alignment.0) } else { 0 };
    Bytes(units * alignment.0 - padding)
}

/// The padded size of everything that is live at once, if operators run in source order and nothing is evicted before
/// its last use.
fn peak_in_source_order(problem: &Problem) -> Bytes {
    let mut live = vec![Bytes::ZERO; problem.graph.ops().len()];
    for op in problem.graph.op_ids() {
        live[op.index()] += problem.graph.op(op).workspace.align_up(problem.machine.alignment());
    }
    for tensor in problem.graph.tensor_ids() {
        let uses = problem.graph.touches(tensor);
        let steps: Vec<Step> = uses.map(|OpId(index)| Step(index)).collect();
        if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
            for bytes in &mut live[first.index()..=last.index()] {
                *bytes += problem.room(tensor);
            }
        }
    }
    live.into_iter().max().unwrap_or(Bytes::ZERO)
}
