//! `cosma-group`: what an accelerator runs at once becomes one operator. Source form stays source form.
//!
//! It works on the operators of the function as the planner sees them, to whom views are nothing and
//! weights that are computed before the run are weights.
//!
//! 1. *Epilogues.* An operator takes in what follows: elementwise operators that read its result and
//!    nothing else but weights and, after an elementwise head, what that reads. More than one at once,
//!    where they part and come together again (`x · sigmoid(x)`), so that there always is one result. A
//!    reduction joins another one or an elementwise operator on one tensor, if its result is spread over
//!    the tensor again: so a chain of operations becomes the normalisation or softmax that it was. A
//!    residual addition reads another tensor and stays. Two transpositions are one.
//! 2. *Prologues.* What did not join its producer joins its only reader: elementwise operators on one
//!    tensor; a matrix that is transposed for a product; channels that change their place. What spreads a
//!    weight, such as a bias, joins each of its readers, and so do padding and cropping where all readers
//!    read windows.
//! 3. The operations of each group, with the views, constants, scalars and starting values between
//!    them, move into a `cosma.group`, called after its first operator that is no prologue.
//!
//! [`class`] is the table of who may join whom. `cosma-ungroup` takes groups apart again.

mod class;
mod epilogue;
mod outline;
mod prologue;

use crate::extract::{Carrier, Extraction, extract, n_elements};
use crate::form::{Form, body, expect, operations};
use crate::machine::Target;
pub(crate) use class::{Class, class};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{Diagnostic, IndexingMap, PassInfo, PassOptions, indexing_maps, is_group, kind, name};
use cosma_planner::{OpId, Origin, TensorId};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-group",
    description: "joins operators that an accelerator runs at once into a cosma.group; source form stays source form",
    anchor: "func.func",
    options: &[],
};

pub(crate) const UNGROUP: PassInfo = PassInfo {
    name: "cosma-ungroup",
    description: "puts what is in each cosma.group in its place; source form stays source form",
    anchor: "func.func",
    options: &[],
};

pub(crate) fn run<'c>(_: &'c Context, function: OperationRef<'c, '_>, _: &PassOptions) -> Result<(), Diagnostic<'c>> {
    group(function)
}

pub(crate) fn run_ungroup<'c>(
    _: &'c Context,
    function: OperationRef<'c, '_>,
    _: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    ungroup(function)
}

/// Joins the operators of a function in source form. A declaration stays as it is.
///
/// # Errors
/// At the function in another form, and at what cannot be planned.
pub fn group<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    if body(function).is_none() {
        return Ok(());
    }
    expect(function, INFO.name, Form::Source)?;
    // What joins what does not depend on the machine.
    let extraction = extract(function, Target::any())?;
    let mut groups = Groups::new(&extraction);
    epilogue::join(&mut groups);
    prologue::join(&mut groups);
    outline::outline(&groups);
    Ok(())
}

/// Takes the groups of a function in source form apart.
///
/// # Errors
/// At the function in another form: what is in a group has no place of its own.
pub fn ungroup<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let Some(block) = body(function) else { return Ok(()) };
    expect(function, UNGROUP.name, Form::Source)?;
    let groups: Vec<OperationRef> = operations(block).filter(|it| is_group(*it)).collect();
    groups.into_iter().for_each(cosma_ir::ungroup);
    Ok(())
}

/// Whether each element of the result of an operation depends on the same one of every operand of the
/// result's type.
pub(crate) fn is_elementwise(operation: OperationRef) -> bool {
    // What reads a tensor turned around is at hand to an accelerator, but at another place.
    let is_at_place = |it: &IndexingMap| match it {
        IndexingMap::Identity | IndexingMap::Projection => true,
        IndexingMap::Permutation => false,
        IndexingMap::Other => name(operation) == "linalg.generic",
    };
    class(operation) == Class::Elementwise && indexing_maps(operation).is_none_or(|it| it.iter().all(is_at_place))
}

/// Operators on the way to join each other.
struct Groups<'e, 'c, 'a> {
    extraction: &'e Extraction<'c, 'a>,
    /// By operator; one that joined another is gone.
    operators: Vec<Operator>,
    /// Who reads a tensor, in order.
    readers: Vec<Vec<usize>>,
    is_result: Vec<bool>,
    n_elements: Vec<u64>,
}

/// An operator, or several as one.
struct Operator {
    class: Class,
    kind: String,
    reads: Vec<TensorId>,
    /// What of its results is read or returned.
    writes: Vec<TensorId>,
    /// The operators that it is, in no order.
    members: Vec<usize>,
    /// Operators that it does for itself, as others do.
    copies: Vec<usize>,
    is_gone: bool,
}

impl<'e, 'c, 'a> Groups<'e, 'c, 'a> {
    fn new(extraction: &'e Extraction<'c, 'a>) -> Self {
        let graph = &extraction.problem.graph;
        let mut is_result = vec![false; graph.tensors().len()];
        graph.results().iter().for_each(|it| is_result[it.index()] = true);
        let readers: Vec<Vec<usize>> =
            graph.tensor_ids().map(|it| graph.readers(it).iter().map(|op| op.index()).collect()).collect();
        let n_elements = extraction.carriers.iter().map(|it| match *it {
            Carrier::Argument(value, _) | Carrier::Constant(value, _) | Carrier::Result(value, _) => {
                n_elements(value).unwrap_or_default()
            }
            Carrier::Scalar | Carrier::Order => 0,
        });
        let n_elements = n_elements.collect();
        let has_place = |it: &TensorId| extraction.carriers[it.index()].has_place();
        let operator = |op: OpId| {
            let (operation, plain) = (extraction.operators[op.index()], graph.op(op));
            let is_plain = plain.reads.iter().map(|it| &it.tensor).chain(&plain.writes).all(has_place);
            let is_live = |it: &&TensorId| !readers[it.index()].is_empty() || is_result[it.index()];
            Operator {
                class: if is_plain { class(operation) } else { Class::Opaque },
                kind: kind(operation),
                reads: plain.reads.iter().map(|it| it.tensor).collect(),
                writes: plain.writes.iter().filter(is_live).copied().collect(),
                members: vec![op.index()],
                copies: Vec::new(),
                is_gone: false,
            }
        };
        let operators = graph.op_ids().map(operator).collect();
        Groups { extraction, operators, readers, is_result, n_elements }
    }

    fn is_weight(&self, tensor: TensorId) -> bool {
        self.extraction.problem.graph.tensor(tensor).origin == Origin::Weight
    }

    fn n_elements(&self, tensor: TensorId) -> u64 {
        self.n_elements[tensor.index()]
    }

    fn is_result(&self, tensor: TensorId) -> bool {
        self.is_result[tensor.index()]
    }

    fn readers(&self, tensor: TensorId) -> &[usize] {
        &self.readers[tensor.index()]
    }

    /// The tensors among the operands of an operator that are no weights.
    fn tensors(&self, operator: usize) -> Vec<TensorId> {
        self.operators[operator].reads.iter().copied().filter(|it| !self.is_weight(*it)).collect()
    }
}
