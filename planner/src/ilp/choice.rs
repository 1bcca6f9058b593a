//! Whether something lies somewhere: always, or if a variable says so.

use good_lp::Variable;

/// Whether an item lies in a bank, or a tensor in a memory.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    /// In every assignment.
    Always,
    /// If the variable with this index is one.
    Of(usize, Variable),
}

impl Choice {
    pub fn variable(self) -> Option<Variable> {
        match self {
            Choice::Always => None,
            Choice::Of(_, variable) => Some(variable),
        }
    }
}
