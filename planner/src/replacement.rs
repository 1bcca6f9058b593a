//! Rules that choose the tensor to evict, without a search.

use crate::uses::Uses;
use crate::{Bytes, Problem, Step, TensorId};

/// The choice of the tensor to evict when there is no space for another one. Among equals, the largest is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplacementRule {
    /// The least recently used one, as in caches without knowledge of the future.
    LeastRecentlyUsed,
    /// The one with the farthest next use: Belady's rule (*A Study of Replacement Algorithms for a Virtual-Storage
    /// Computer*, 1966), which is optimal for pages of one size that need no write-back; tensors are neither.
    FarthestNextUse,
}

/// The eviction rank of a tensor that a step does not use: the greatest is evicted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// The priority of the rule for evicting it.
    urgency: u32,
    size: Bytes,
    pub(crate) tensor: TensorId,
}

impl ReplacementRule {
    /// The rank of a tensor from a step that uses it until the next one; `None` if there is no next one.
    pub(crate) fn rank(self, problem: &Problem, uses: &Uses, tensor: TensorId, step: Step) -> Option<Rank> {
        let next = uses.next(tensor, step)?;
        let urgency = match self {
            ReplacementRule::LeastRecentlyUsed => u32::MAX - step.0,
            ReplacementRule::FarthestNextUse => next.0,
        };
        Some(Rank { urgency, size: problem.graph.tensor(tensor).size, tensor })
    }
}
