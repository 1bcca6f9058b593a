//! Which tensor leaves when there is no room: rules that need not search.

use crate::uses::Uses;
use crate::{Problem, Step, TensorId};
use std::cmp::Reverse;

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

impl ReplacementRule {
    /// The one of several tensors that leaves before a step. All of them have been used before, and
    /// none is used in it.
    pub(crate) fn choose(
        self,
        problem: &Problem,
        uses: &Uses,
        tensors: impl Iterator<Item = TensorId>,
        step: Step,
    ) -> Option<TensorId> {
        let size = |tensor: TensorId| problem.graph.tensor(tensor).size;
        match self {
            ReplacementRule::LeastRecentlyUsed => {
                tensors.max_by_key(|it| (Reverse(uses.previous(*it, step)), size(*it), *it))
            }
            ReplacementRule::FarthestNextUse => tensors.max_by_key(|it| {
                let next = uses.next(*it, step);
                // Nothing is farther than never.
                (next.is_none(), next, size(*it), *it)
            }),
        }
    }
}
