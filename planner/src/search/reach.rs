//! The precedence between operators.

use super::instance::Instance;
use crate::Deadline;
use crate::reach::Reach as Relation;

/// Ancestors and descendants of every operator, without itself.
pub(super) struct Reach {
    pub ancestors: Relation,
    pub descendants: Relation,
}

impl Reach {
    /// `None` if the deadline passes first, or if it would be too large.
    pub fn of(instance: &Instance, deadline: Deadline) -> Option<Reach> {
        let ops = &instance.ops;
        let before = |op: usize| ops[op].predecessors.iter().map(|it| usize::from(*it));
        let after = |op: usize| ops[op].successors.iter().map(|it| usize::from(*it));
        Some(Reach {
            ancestors: Relation::of(ops.len(), 0..ops.len(), before, deadline)?,
            descendants: Relation::of(ops.len(), (0..ops.len()).rev(), after, deadline)?,
        })
    }
}
