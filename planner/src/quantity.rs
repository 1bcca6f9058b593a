//! Indices and quantities as separate types: a tensor id cannot index operators, and bytes cannot be added to steps.

use crate::Error;
use derive_more::{Add, AddAssign, Display, From, Sub, SubAssign, Sum};

/// A number of bytes, or an offset in bytes from the start of the scratchpad.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Add,
    AddAssign,
    Sub,
    SubAssign,
    Sum,
    Display,
    From,
)]
pub struct Bytes(pub u64);

impl Bytes {
    /// No bytes; also the first offset.
    pub const ZERO: Bytes = Bytes(0);

    /// The least multiple of `alignment` that is not below it.
    pub fn align_up(self, alignment: Bytes) -> Bytes {
        Bytes(self.0.next_multiple_of(alignment.0))
    }

    /// The difference, or zero if `other` is larger.
    pub fn saturating_sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
}

/// A number of cycles of the compute engine, or a time, counted from the start of the program.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Add,
    AddAssign,
    Sub,
    SubAssign,
    Sum,
    Display,
    From,
)]
pub struct Cycles(pub u64);

impl Cycles {
    /// No time; also the start.
    pub const ZERO: Cycles = Cycles(0);

    /// The sum.
    ///
    /// # Errors
    /// [`Error::TooManyCycles`] if it is 2⁶³ or more.
    pub fn plus(self, other: Cycles) -> Result<Cycles, Error> {
        let sum = self.0.checked_add(other.0).filter(|it| *it < 1 << 63);
        sum.map(Cycles).ok_or(Error::TooManyCycles)
    }

    /// The difference, or zero if `other` is larger.
    pub fn saturating_sub(self, other: Cycles) -> Cycles {
        Cycles(self.0.saturating_sub(other.0))
    }
}

/// An operator of a [`Graph`](crate::Graph), as an index in source order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u32);

/// A tensor of a [`Graph`](crate::Graph).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorId(pub u32);

/// A position in a schedule: step *t* runs one operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Display)]
pub struct Step(pub u32);

impl OpId {
    /// The index into a table with one entry per operator.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl TensorId {
    /// The index into a table with one entry per tensor.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Step {
    /// The index into a schedule.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The step after this one.
    pub fn next(self) -> Step {
        Step(self.0 + 1)
    }
}
