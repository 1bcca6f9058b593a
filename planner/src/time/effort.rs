//! When to stop looking for a faster program.

use crate::Deadline;
use std::cell::Cell;

/// A deadline, and lines of programs that may be tried before it. They are counted, so what is found does not depend on
/// how fast a machine is, unless the deadline comes first.
pub(super) struct Effort<'a> {
    pub deadline: Deadline<'a>,
    left: Cell<u64>,
}

impl<'a> Effort<'a> {
    pub fn new(lines: u64, deadline: Deadline<'a>) -> Effort<'a> {
        Effort { deadline, left: Cell::new(lines) }
    }

    /// A program of so many lines was tried.
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
