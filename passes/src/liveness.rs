//! `cosma-liveness`: prints the live ranges of all tensors if the operators run in the order of the block and
//! nothing is evicted. Takes source form and does not change it.

use crate::extract::extract;
use crate::form::{Form, body, expect, symbol};
use crate::machine::{ALIGNMENT, KEEP, MachineOptions, SCRATCHPAD, WEIGHTS};
use crate::session::print;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{Diagnostic, PassInfo, PassOptions, kind};
use cosma_planner::{Bytes, Error, OpId, Problem, Step, TensorId};
use std::fmt;
use std::ops::Range;

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-liveness",
    description: "prints the live ranges of all tensors in the order of the block, in source form",
    anchor: "func.func",
    options: &[SCRATCHPAD, ALIGNMENT, WEIGHTS, KEEP],
};

pub(crate) fn run<'c>(
    _: &'c Context,
    function: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    let machine = MachineOptions::parse(options).map_err(|message| Diagnostic::at(function, message))?;
    if let Some(liveness) = liveness(function, &machine)? {
        print(function, &liveness.to_string());
    }
    Ok(())
}

/// The live ranges of a function's tensors in the order of its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// The function's name.
    pub function: String,
    /// The steps.
    pub steps: Vec<LiveStep>,
    /// The live range of every tensor that is ever in the scratchpad, by first step.
    pub lifetimes: Vec<Lifetime>,
    /// The smallest scratchpad with which the function can run.
    pub min_scratchpad: Bytes,
}

/// The live bytes in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveStep {
    /// The name of the operator.
    pub operator: String,
    /// The bytes of all tensors that are live while it runs, and of its workspace, without padding. Bytes that a
    /// result and an operand share count once.
    pub live: Bytes,
}

/// The live range of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The name of the tensor.
    pub tensor: String,
    /// Its size, without padding.
    pub size: Bytes,
    /// From the step that writes it, or the first that reads it, to the last that reads it, half-open.
    pub steps: Range<Step>,
}

/// Analyses a function in source form; `None` for a declaration.
///
/// Only the alignment and the treatment of weights matter; the size of the scratchpad may be unknown.
///
/// # Errors
/// At a function in another form, and at operations that cannot be planned.
pub fn liveness<'c>(
    function: OperationRef<'c, '_>,
    machine: &MachineOptions,
) -> Result<Option<Liveness>, Diagnostic<'c>> {
    if body(function).is_none() {
        return Ok(None);
    }
    expect(function, INFO.name, Form::Source)?;
    let machine = MachineOptions { scratchpad: machine.scratchpad.or(Some(Bytes::ZERO)), ..machine.clone() };
    let extraction = extract(function, machine.resolve(function)?)?;
    let problem = &extraction.problem;
    // A scratchpad that is too small is no error here; sizes that overflow are.
    if let Err(error @ (Error::ZeroAlignment | Error::AlignmentTooLarge | Error::TooLarge)) = problem.check() {
        return Err(extraction.diagnose(&error));
    }
    let graph = &problem.graph;
    let mut steps: Vec<LiveStep> = Vec::new();
    for (operation, op) in extraction.operators.iter().zip(graph.ops()) {
        steps.push(LiveStep { operator: kind(*operation), live: op.workspace });
    }
    let mut lifetimes = Vec::new();
    for tensor in graph.tensor_ids() {
        let Some(lifetime) = lifetime(problem, tensor) else { continue };
        for step in &mut steps[lifetime.start.index()..lifetime.end.index()] {
            step.live += graph.tensor(tensor).size;
        }
        let tensor = graph.tensor(tensor);
        lifetimes.push(Lifetime { tensor: tensor.name.clone(), size: tensor.size, steps: lifetime });
    }
    let order: Vec<OpId> = graph.op_ids().collect();
    for (step, pairs) in steps.iter_mut().zip(problem.in_place_by_step(&order)) {
        pairs.iter().for_each(|it| step.live -= graph.tensor(it.inner()).size);
    }
    lifetimes.sort_by_key(|it| it.steps.start);
    Ok(Some(Liveness { function: symbol(function), steps, lifetimes, min_scratchpad: problem.min_scratchpad() }))
}

/// The live range of a tensor, if it is ever in the scratchpad.
fn lifetime(problem: &Problem, tensor: TensorId) -> Option<Range<Step>> {
    let readers = problem.graph.readers(tensor);
    let first = problem.graph.producer(tensor).or(readers.first().copied())?;
    let last = readers.last().copied().unwrap_or(first);
    Some(Step(first.0)..Step(last.0).next())
}

impl Liveness {
    /// The most bytes live at once.
    pub fn peak(&self) -> Bytes {
        self.steps.iter().map(|it| it.live).max().unwrap_or(Bytes::ZERO)
    }
}

impl fmt::Display for Liveness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n_steps, peak, least) = (self.steps.len(), self.peak(), self.min_scratchpad);
        writeln!(f, "liveness of @{}: {n_steps} operators, peak {peak} B, min_scratchpad {least} B", self.function)?;
        writeln!(f, "{:>6} {:>12}  operator", "step", "live B")?;
        for (step, line) in self.steps.iter().enumerate() {
            writeln!(f, "{step:>6} {:>12}  {}", line.live.0, line.operator)?;
        }
        writeln!(f, "{:>12} {:>12}  tensor", "steps", "B")?;
        for line in &self.lifetimes {
            let steps = format!("{}..{}", line.steps.start, line.steps.end);
            writeln!(f, "{steps:>12} {:>12}  {}", line.size.0, line.tensor)?;
        }
        Ok(())
    }
}
