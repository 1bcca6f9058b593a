//! The tables of who may join whom: to look at, and to change.

use crate::class::Class;

/// Classes, each with those that it may join or take in.
pub type Table = &'static [(Class, &'static [Class])];

/// Which operators an accelerator runs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What may run after an operator on what it has at hand, by the class of that operator. A reduction only
    /// does where the operator keeps what it reads, of one tensor.
    pub epilogues: Table,
    /// Which operators may do something while they read, by the class of what they do.
    pub prologues: Table,
    /// Which operators may widen elements while they read.
    pub widen: &'static [Class],
    /// How many nodes may follow an operator before they come together again. A normalisation has a dozen;
    /// what takes many more is none.
    pub most_members: usize,
}

use Class::*;

impl Rules {
    /// Those of an accelerator with a unit for products and windows, and a vector unit behind it.
    pub const ACCELERATOR: Rules = Rules {
        epilogues: &[
            // A convolution or a product writes tiles, and has no whole rows to reduce.
            (Window, &[Elementwise, Layout]),
            (Compute, &[Elementwise]),
            (Elementwise, &[Elementwise, Layout, Reduction, Comparison]),
            (Layout, &[Elementwise, Layout, Reduction, Comparison]),
            (Reduction, &[Elementwise, Reduction, Comparison]),
            (Comparison, &[Elementwise, Reduction, Comparison]),
            (Turn, &[Elementwise, Layout]),
            (Transposition, &[Elementwise, Layout]),
            (Movement, &[Elementwise, Layout]),
            // What pads or crops moves data as well.
            (Padding, &[Elementwise]),
            // Of these, only what narrows.
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
