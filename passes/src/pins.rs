//! What a function says of the places of tensors: fixed offsets (`cosma.at`), and what starts and ends in the scratchpad
//! (`cosma.on_chip`).
//!
//! 1. Of an argument or a result of the function it is said of the tensor that comes in or goes out, of an operator of
//!    what that writes, and of a view of what that looks at, if it looks at all of it.
//! 2. An argument of which something is said is one tensor, however it is read: slices of it are views or operators.
//! 3. What is said twice of a tensor has to be the same. What has no place of its own, such as a constant of one
//!    element or what is put together in host memory, is refused.

use crate::extract::Extraction;
use cosma_ir::melior::ir::Location;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::{Border, Diagnostic};
use cosma_planner::{Bytes, Error, Graph, Keep, Origin, TensorId, Weights, When};

/// What is said of the place of a tensor, and where that stands.
#[derive(Clone, Debug)]
pub(crate) struct Said<'c> {
    pub tensor: TensorId,
    /// What it is said of, in words.
    pub what: String,
    /// Whenever it is in the scratchpad, it lies at this offset.
    pub at: Option<Bytes>,
    /// Whether it starts or ends in the scratchpad: at the border of which it is said.
    pub on_chip: Option<Border>,
    pub location: Location<'c>,
}

impl<'c> Said<'c> {
    /// That it contradicts what was said before of the same tensor.
    ///
    /// # Errors
    /// At what is said now.
    pub(crate) fn agree(&self, all: &[Said<'c>]) -> Result<(), Diagnostic<'c>> {
        let differs = |it: &&Said| it.tensor == self.tensor && it.at.is_some() && it.at != self.at;
        match (self.at, all.iter().find(differs)) {
            (Some(at), Some(Said { what, at: Some(before), location, .. })) => {
                let message = format!("{} is to lie at {at}, but it is {what}, which is to lie at {before}", self.what);
                Err(Diagnostic::new(self.location, message).note(*location, format!("{what} is to lie at {before}")))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses what planning does not know together with places, before it is asked.
///
/// # Errors
/// At the first place of which it is said.
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
            return refuse("but weights = streamed pass by the scratchpad".into());
        }
        if is_weight && weights == Weights::Auto && tensor.starts_on_chip {
            return refuse("but with weights = auto it may pass by: say resident".into());
        }
        if let Some(passing) = graph.tensor_ids().find(|it| graph.may_pass_by(*it)).filter(|_| said.at.is_some()) {
            return refuse(format!(
                "which is not planned together with weights that may pass by: with weights = auto {} may; say resident or \
                 streamed",
                named(passing)
            ));
        }
        if let Some(kept) = graph.keepable().next() {
            let why = if graph.tensor(kept).keep == Keep::Always { "cosma.keep" } else { "keep = auto" };
            return refuse(format!(
                "which is not planned together with weights that stay from run to run: {} ({why})",
                named(kept)
            ));
        }
    }
    Ok(())
}

impl<'c> Extraction<'c, '_> {
    /// Why pins leave no plan, at the place of the first tensor that is in the way, and all others in notes.
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
                        (Some(at), _) => format!("{name} lies at {at}: {} says so (cosma.at)", it.what),
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
