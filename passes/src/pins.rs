//! Declared places of tensors: fixed offsets (`cosma.at`), and tensors that start and end in the scratchpad
//! (`cosma.on_chip`).
//!
//! 1. A place of an argument or a result of the function is that of its tensor; a place of an operator is that of its
//!    result; and a place of a view is that of its source, if it views all of it.
//! 2. An argument with a place is one tensor, however it is read: slices of it are views or operators.
//! 3. Several places of one tensor must agree. Values without a place of their own, such as constants of one element or
//!    tensors assembled in host memory, are refused.

use crate::extract::Extraction;
use cosma_ir::melior::ir::Location;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::{Border, Diagnostic};
use cosma_planner::{Bytes, Error, Graph, Keep, Origin, TensorId, Weights, When};

/// A declared place of a tensor, with its location.
#[derive(Clone, Debug)]
pub(crate) struct Said<'c> {
    pub tensor: TensorId,
    /// The value that has the declaration, in words.
    pub what: String,
    /// The offset of the tensor whenever it is in the scratchpad.
    pub at: Option<Bytes>,
    /// Whether it starts or ends in the scratchpad: as this argument or result.
    pub on_chip: Option<Border>,
    pub location: Location<'c>,
}

impl<'c> Said<'c> {
    /// Checks that it does not contradict an earlier declaration for the same tensor.
    ///
    /// # Errors
    /// At this declaration.
    pub(crate) fn agree(&self, all: &[Said<'c>]) -> Result<(), Diagnostic<'c>> {
        let differs = |it: &&Said| it.tensor == self.tensor && it.at.is_some() && it.at != self.at;
        match (self.at, all.iter().find(differs)) {
            (Some(at), Some(Said { what, at: Some(before), location, .. })) => {
                let message = format!("{} must lie at {at}, but it is {what}, which must lie at {before}", self.what);
                Err(Diagnostic::new(self.location, message).note(*location, format!("{what} must lie at {before}")))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses combinations with places that planning does not support.
///
/// # Errors
/// At the first such place.
pub(crate) fn check<'c>(all: &[Said<'c>], graph: &Graph, weights: Weights) -> Result<(), Diagnostic<'c>> {
    let named = |id: TensorId| &graph.tensor(id).name;
    for said in all {
        let what = match said.at {
            Some(_) => "has a fixed offset (cosma.at)",
            None => "is in the scratchpad (cosma.on_chip)",
        };
        let refuse = |why: String| Err(Diagnostic::new(said.location, format!("{} {what}, {why}", said.what)));
        let tensor = graph.tensor(said.tensor);
        let is_weight = tensor.origin == Origin::Weight;
        if is_weight && weights == Weights::Streamed && (tensor.starts_on_chip || !tensor.ends_on_chip) {
            return refuse("but weights = streamed bypass the scratchpad".into());
        }
        if is_weight && weights == Weights::Auto && tensor.starts_on_chip {
            return refuse("but with weights = auto it may be streamed: use resident".into());
        }
        if let Some(passing) = graph.tensor_ids().find(|it| graph.may_pass_by(*it)).filter(|_| said.at.is_some()) {
            return refuse(format!(
                "which cannot be combined with weights that may be streamed: with weights = auto {} may be; use resident or \
                 streamed",
                named(passing)
            ));
        }
        if let Some(kept) = graph.keepable().next() {
            let why = if graph.tensor(kept).keep == Keep::Always { "cosma.keep" } else { "keep = auto" };
            return refuse(format!(
                "which cannot be combined with weights that stay from run to run: {} ({why})",
                named(kept)
            ));
        }
    }
    Ok(())
}

impl<'c> Extraction<'c, '_> {
    /// Why there is no plan with these pins, at the first conflicting tensor, with all others in notes.
    pub(crate) fn diagnose_places(&self, error: &Error) -> Option<Diagnostic<'c>> {
        let said = |tensor: TensorId| self.said.iter().filter(move |it| it.tensor == tensor);
        match error {
            Error::Pin { tensor, why } => {
                let pinned = said(*tensor).find(|it| it.at.is_some())?;
                Some(Diagnostic::new(pinned.location, why.as_str()))
            }
            Error::NoPlace { when, tensors, why } => {
                let location = match when {
                    When::Run(op) => self.operators[op.index()].location(),
                    When::Start => said(*tensors.first()?).next()?.location,
                    When::End => self.terminator.location(),
                };
                let mut diagnostic = Diagnostic::new(location, why.as_str());
                let graph = &self.problem.graph;
                for it in tensors.iter().flat_map(|it| said(*it)) {
                    let name = &graph.tensor(it.tensor).name;
                    let note = match (it.at, it.on_chip) {
                        (Some(at), _) => format!("{name} has the fixed offset {at}: cosma.at of {}", it.what),
                        (None, Some(Border::Argument(_))) => format!("{name} starts in the scratchpad (cosma.on_chip)"),
                        (None, _) => format!("{name} ends in the scratchpad (cosma.on_chip)"),
                    };
                    diagnostic = diagnostic.note(it.location, note);
                }
                Some(diagnostic)
            }
            _ => None,
        }
    }
}
