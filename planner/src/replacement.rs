//! Which tensor leaves when there is no room: rules that need not search.

use crate::uses::Uses;
use crate::{Bytes, Problem, Step, TensorId};

/// Which tensor leaves when there is no room for another. Where the rule knows no difference, the
/// largest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplacementRule {
    /// The one that was not used for the longest time, as in caches that do not know what comes.
    LeastRecentlyUsed,
    /// The one whose next use is the farthest: Belady's rule (*A Study of Replacement Algorithms for
    /// a Virtual-Storage Computer*, 1966), which is optimal for pages of one size that cost nothing
    /// to write back; tensors are neither.
    FarthestNextUse,
}

/// When a tensor leaves that is not used in a step, compared with others: the greatest leaves first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// How much the rule wants it to leave.
    urgency: u32,
    size: Bytes,
    pub(crate) tensor: TensorId,
}

impl ReplacementRule {
    /// The rank of a tensor from a step that uses it until the next one; none if there is no such step.
    pub(crate) fn rank(self, problem: &Problem, uses: &Uses, tensor: TensorId, step: Step) -> Option<Rank> {
        let next = uses.next(tensor, step)?;
        let urgency = match self {
            ReplacementRule::LeastRecentlyUsed => u32::MAX - step.0,
            ReplacementRule::FarthestNextUse => next.0,
        };
        Some(Rank { urgency, size: problem.graph.tensor(tensor).size, tensor })
    }
}
