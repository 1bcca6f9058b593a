//! Classes of operators, which decide about fusion.

/// The class of an operator, which decides with which neighbours it is fused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Each element of the result depends on one element of each operand. Fused into its producer (as an
    /// *epilogue*) or its consumer (as a *prologue*).
    Elementwise,
    /// Sums along axes. Part of a normalisation.
    Reduction,
    /// Maximum along axes. The beginning of a softmax.
    Comparison,
    /// Pads its operand with a constant, or crops it. An operator that reads windows can do that while
    /// reading.
    Padding,
    /// Reads its first operand as windows. Can process each element before and after.
    Window,
    /// A matrix product or other computation. Like [`Class::Window`], but without padding.
    Compute,
    /// Transposes a matrix.
    Turn,
    /// Moves the channels of an image to the front or to the end. Window and elementwise operators can read
    /// and write in either layout.
    Layout,
    /// Any other transposition.
    Transposition,
    /// Only moves data. Can process each element before writing it.
    Movement,
    /// Looks up rows of a table. Only narrowing can be fused after it.
    Lookup,
    /// Unknown: runs alone.
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

    /// Whether an operator still has its operands at hand when it writes its result. A window does not.
    pub(crate) fn keeps_operands(self) -> bool {
        matches!(self, Class::Elementwise | Class::Layout) || self.reduces()
    }
}
