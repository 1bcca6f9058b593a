//! What an operator is to its neighbours.

/// What an operator is to its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Each element of the result depends on one place of the operands: runs on what is at hand, after its
    /// producer (an *epilogue*) or before its consumer (a *prologue*).
    Elementwise,
    /// Sums up along axes. Within a normalisation it is part of it.
    Reduction,
    /// Looks for the greatest along axes: where a softmax begins.
    Comparison,
    /// Surrounds its operand with a constant, or takes a part of it: what reads windows can do that while
    /// reading.
    Padding,
    /// Reads its first operand as windows, and can do something to each element before and after.
    Window,
    /// A product of matrices, or what else computes: as a window, but without padding.
    Compute,
    /// Transposes a matrix.
    Turn,
    /// Brings the channels of an image to the front or to the end: what reads or writes windows, or element by
    /// element, can as well do it in the other order.
    Layout,
    /// Any other transposition.
    Transposition,
    /// Only moves data; can do something to each element before it writes it.
    Movement,
    /// Looks up rows of a table: what follows cannot run while it does, but rows can be narrowed.
    Lookup,
    /// Nothing is known about it: runs alone.
    Opaque,
}

impl Class {
    /// Whether a node reduces along axes.
    pub(crate) fn reduces(self) -> bool {
        matches!(self, Class::Reduction | Class::Comparison)
    }

    /// Whether a node transposes.
    pub(crate) fn transposes(self) -> bool {
        matches!(self, Class::Turn | Class::Layout | Class::Transposition)
    }

    /// Whether a node still has what it reads at hand when its result is there. A window is gone by then.
    pub(crate) fn keeps_operands(self) -> bool {
        matches!(self, Class::Elementwise | Class::Layout) || self.reduces()
    }
}
