//! The effort limit of the search for a faster program.

use crate::Deadline;
use std::cell::Cell;

/// A deadline, and a limit of lines of programs that are tried. Lines are counted, so that the result does not depend
/// on the speed of the machine, unless the deadline passes first.
pub(super) struct Effort<'a> {
    pub deadline: Deadline<'a>,
    left: Cell<u64>,
}

impl<'a> Effort<'a> {
    pub fn new(lines: u64, deadline: Deadline<'a>) -> Effort<'a> {
        Effort { deadline, left: Cell::new(lines) }
    }

    /// Counts a program of this many lines.
    pub fn spend(&self, lines: usize) {
        self.left.set(self.left.get().saturating_sub(lines as u64));
    }

    pub fn is_spent(&self) -> bool {
        self.left.get() == 0 || self.deadline.has_passed()
    }
}

#[cfg(test)]
mod tests {
    use super::Effort;
    use crate::Deadline;

    #[test]
    fn lines_add_up() {
        let effort = Effort::new(10, Deadline::NEVER);
        effort.spend(4);
        assert!(!effort.is_spent());
        effort.spend(7);
        assert!(effort.is_spent());
        assert!(Effort::new(10, Deadline::after(std::time::Duration::ZERO)).is_spent());
    }
}
