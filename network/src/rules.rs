//! The tables of allowed fusions.

use crate::class::Class;

/// For each class, the classes with which it may be fused.
pub type Table = &'static [(Class, &'static [Class])];

/// The fusions that an accelerator supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The classes of nodes that may run after an operator, by the class of the operator. A reduction also
    /// requires that the operator keeps its operands and reads only one tensor besides weights.
    pub epilogues: Table,
    /// The classes of operators that may run a node while reading its result, by the class of the node.
    pub prologues: Table,
    /// The classes of operators that may widen elements while reading.
    pub widen: &'static [Class],
    /// The most nodes to fuse into an operator at once, between two points with a single open tensor. A
    /// normalisation has about a dozen.
    pub most_members: usize,
}

use Class::*;

impl Rules {
    /// The rules of an accelerator with a unit for products and windows, followed by a vector unit.
    pub const ACCELERATOR: Rules = Rules {
        epilogues: &[
            // A convolution or a product writes tiles, so it has no complete rows to reduce.
            (Window, &[Elementwise, Layout]),
            (Compute, &[Elementwise]),
            (Elementwise, &[Elementwise, Layout, Reduction, Comparison]),
            (Layout, &[Elementwise, Layout, Reduction, Comparison]),
            (Reduction, &[Elementwise, Reduction, Comparison]),
            (Comparison, &[Elementwise, Reduction, Comparison]),
            (Turn, &[Elementwise, Layout]),
            (Transposition, &[Elementwise, Layout]),
            (Movement, &[Elementwise, Layout]),
            // Padding and cropping move data, too.
            (Padding, &[Elementwise]),
            // Only nodes that narrow, see `fits` in `epilogue.rs`.
            (Lookup, &[Elementwise]),
        ],
        prologues: &[
            (
                Elementwise,
                &[Elementwise, Reduction, Comparison, Padding, Window, Compute, Turn, Layout, Transposition, Movement],
            ),
            (Padding, &[Padding, Window]),
            (Layout, &[Window, Elementwise, Transposition, Movement, Padding]),
            (Turn, &[Compute]),
        ],
        widen: &[
            Elementwise,
            Reduction,
            Comparison,
            Padding,
            Window,
            Compute,
            Turn,
            Layout,
            Transposition,
            Movement,
            Lookup,
        ],
        most_members: 32,
    };

    /// Whether a node may run after an operator.
    pub(crate) fn follows(&self, operator: Class, node: Class) -> bool {
        contains(self.epilogues, operator, node)
    }

    /// Whether a node may run before an operator.
    pub(crate) fn precedes(&self, node: Class, operator: Class) -> bool {
        contains(self.prologues, node, operator)
    }
}

fn contains(table: Table, row: Class, class: Class) -> bool {
    table.iter().any(|(other, classes)| *other == row && classes.contains(&class))
}
