//! The region of each operand that a region of a result needs.
//!
//! An operator is a loop nest, as in linalg: a *domain* of dimensions, and for each operand and result a map from a
//! point of the domain to an element. Maps are affine with a final floor division, so they express windows with
//! strides, padding and dilation, broadcasts, transpositions, slices, concatenations (an offset), nearest resize and
//! transposed convolution (a divisor). Indices outside of an operand are padding.

use crate::{Region, Shape};
use std::collections::BTreeSet;
use std::ops::Range;

/// How an operator accesses its operands and results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The loops.
    pub domain: Vec<Dim>,
    /// For each operand: the element that a point of the domain reads. A point outside of the operand reads nothing.
    pub operands: Vec<Map>,
    /// For each result: the element that a point of the domain writes. A point outside of the result writes nothing.
    pub results: Vec<Map>,
    /// The type of partial sums, if a reduction may be split. There is one sum for each iteration of the loops that
    /// are not reduced. `None`: the type is unknown, so no reduction is split.
    pub sums: Option<Sums>,
}

/// The elements of partial sums, which are wider than the elements that are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// Integers of this many bits.
    Integer(u64),
    /// Floats of this many bits.
    Float(u64),
}

impl Sums {
    /// The sums that accelerators use for integers of this many bits: 32 bits, or the integers' width if that is
    /// greater.
    pub fn of_integers(bits: u64) -> Sums {
        Sums::Integer(bits.max(32))
    }

    /// The sums that accelerators use for floats of this many bits: 32 bits, or the floats' width if that is greater.
    pub fn of_floats(bits: u64) -> Sums {
        Sums::Float(bits.max(32))
    }

    /// The width of a sum in bits.
    pub fn bits(self) -> u64 {
        match self {
            Sums::Integer(bits) | Sums::Float(bits) => bits,
        }
    }
}

/// A loop of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim {
    /// Its number of iterations.
    pub size: u64,
    /// How it may be split.
    pub kind: DimKind,
}

/// How a loop may be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DimKind {
    /// Anywhere: each iteration writes different elements.
    Parallel,
    /// Its iterations add to the same elements.
    Reduced {
        /// Whether the sum may be computed in parts.
        splittable: bool,
    },
    /// Not at all, although results have it, as the axis of a softmax.
    Whole,
}

/// The element of a tensor that a point of the domain accesses: one expression for each dimension of the tensor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Map(pub Vec<Expr>);

/// ⌊(Σ coefficient · dimension + constant) / divisor⌋
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expr {
    /// Pairs of a dimension of the domain and its coefficient.
    pub terms: Vec<(usize, i64)>,
    /// The constant term.
    pub constant: i64,
    /// The divisor of the sum; the quotient is rounded down.
    pub divisor: u64,
}

/// An error in an access.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum AccessError {
    #[error("expected maps of {expected} {what}, found {found}")]
    Count { what: &'static str, expected: usize, found: usize },
    #[error("{tensor} has {rank} dimensions, but its map has {found} expressions")]
    Rank { tensor: Name, rank: usize, found: usize },
    #[error("the map of {tensor} names dimension {dim}, but the domain has {domain}")]
    NoSuchDim { tensor: Name, dim: usize, domain: usize },
    #[error("dimension {dim} of the domain has no iteration")]
    EmptyDim { dim: usize },
    #[error("the map of {tensor} divides by zero")]
    ZeroDivisor { tensor: Name },
    #[error("the map of {tensor} overflows 64 bits")]
    Overflow { tensor: Name },
    #[error("the map of {tensor} is not a projection: each expression is a dimension plus a constant, or a constant")]
    NoProjection { tensor: Name },
    #[error("the map of {tensor} names dimension {dim} twice")]
    Twice { tensor: Name, dim: usize },
    #[error("{tensor} is written with dimension {dim}, which is reduced")]
    Reduced { tensor: Name, dim: usize },
    #[error("iterations of dimension {dim} are parallel, but write the same elements of {tensor}")]
    Shared { tensor: Name, dim: usize },
    #[error("dimension {axis} of {tensor} has {size} indices, but the map writes {start}..{end}")]
    NotCovered { tensor: Name, axis: usize, size: u64, start: i128, end: i128 },
    #[error("the map of {tensor} reads none of its elements")]
    NeverRead { tensor: Name },
    #[error("sums are described, but no reduction may be split")]
    NothingToSplit,
}

/// A tensor of an operator, in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The operand with this index.
    Operand(usize),
    /// The result with this index.
    Result(usize),
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Name::Operand(index) => write!(f, "operand {index}"),
            Name::Result(index) => write!(f, "result {index}"),
        }
    }
}

impl AccessError {
    /// The access of an operator whose maps read these operands.
    pub fn of_operands(mut self, operands: &[usize]) -> AccessError {
        use AccessError::*;
        match &mut self {
            Rank { tensor, .. }
            | NoSuchDim { tensor, .. }
            | ZeroDivisor { tensor }
            | Overflow { tensor }
            | NoProjection { tensor }
            | Twice { tensor, .. }
            | Reduced { tensor, .. }
            | Shared { tensor, .. }
            | NotCovered { tensor, .. }
            | NeverRead { tensor } => {
                if let Name::Operand(index) = tensor
                    && let Some(operand) = operands.get(*index)
                {
                    *tensor = Name::Operand(*operand);
                }
            }
            Count { .. } | EmptyDim { .. } | NothingToSplit => {}
        }
        self
    }
}

impl Expr {
    /// An expression that is a dimension of the domain.
    pub fn dim(dim: usize) -> Expr {
        Expr { terms: vec![(dim, 1)], constant: 0, divisor: 1 }
    }

    /// An expression that is a constant.
    pub fn constant(constant: i64) -> Expr {
        Expr { terms: Vec::new(), constant, divisor: 1 }
    }

    /// The dimension and the constant of an expression that is a dimension plus a constant, or only a constant.
    /// `None` for any other expression.
    pub fn projection(&self) -> Option<(Option<usize>, i64)> {
        match self.terms[..] {
            [] if self.divisor == 1 => Some((None, self.constant)),
            [(dim, 1)] if self.divisor == 1 => Some((Some(dim), self.constant)),
            _ => None,
        }
    }

    /// The range of indices, both ends included, that the expression takes on a non-empty box of the domain; `None`
    /// if an intermediate number has more than 128 bits.
    fn checked_range(&self, domain: &Region) -> Option<Range<i128>> {
        let (mut least, mut greatest) = (i128::from(self.constant), i128::from(self.constant));
        for &(dim, coefficient) in &self.terms {
            let range = domain.range(dim);
            let first = i128::from(coefficient).checked_mul(i128::from(range.start))?;
            let last = i128::from(coefficient).checked_mul(i128::from(range.end - 1))?;
            least = least.checked_add(first.min(last))?;
            greatest = greatest.checked_add(first.max(last))?;
        }
        let divisor = i128::from(self.divisor);
        Some(least.div_euclid(divisor)..greatest.div_euclid(divisor) + 1)
    }

    /// The most indices that the expression takes on a box of this shape, wherever it lies.
    pub fn extent(&self, domain: &Region) -> u64 {
        let numerator = Expr { divisor: 1, ..self.clone() }.range(domain);
        let span = numerator.end - numerator.start - 1;
        // Most if the box begins with the last number that is divided into an index.
        let divisor = i128::from(self.divisor);
        u64::try_from((span + divisor - 1).div_euclid(divisor) + 1).unwrap_or(u64::MAX)
    }

    /// The same for an access that was checked.
    pub fn range(&self, domain: &Region) -> Range<i128> {
        self.checked_range(domain).expect("the access was checked")
    }
}

impl Map {
    /// The smallest box that contains all elements of a tensor that a box of the domain accesses.
    pub fn region(&self, domain: &Region, shape: &Shape) -> Region {
        if domain.is_empty() {
            return Region::new(shape.dims.iter().map(|_| 0..0));
        }
        let clamp = |(expr, size): (&Expr, &u64)| {
            let range = expr.range(domain);
            let clamp = |index: i128| index.clamp(0, i128::from(*size)) as u64;
            clamp(range.start)..clamp(range.end)
        };
        Region::new(self.0.iter().zip(&shape.dims).map(clamp))
    }
}

impl Access {
    /// The box of all iterations.
    pub fn whole(&self) -> Region {
        Region::new(self.domain.iter().map(|it| 0..it.size))
    }

    /// The box of the domain whose iterations write a region of a result, with all iterations of reduced and
    /// unsplittable loops.
    pub fn domain_of(&self, result: usize, region: &Region) -> Region {
        let mut domain = self.whole();
        for (axis, expr) in self.results[result].0.iter().enumerate() {
            let Some((Some(dim), constant)) = expr.projection() else { continue };
            if self.domain[dim].kind == DimKind::Whole {
                continue;
            }
            let size = i128::from(self.domain[dim].size);
            let shifted = |index: u64| (i128::from(index) - i128::from(constant)).clamp(0, size) as u64;
            let range = region.range(axis);
            domain = domain.with_range(dim, shifted(range.start)..shifted(range.end));
        }
        let Some(any) = (0..domain.rank()).next().filter(|_| region.is_empty()) else { return domain };
        domain.with_range(any, 0..0)
    }

    /// By operand: the region that a box of the domain reads. An empty region is not read.
    pub fn reads(&self, operands: &[Shape], domain: &Region) -> Vec<Region> {
        self.operands.iter().zip(operands).map(|(map, shape)| map.region(domain, shape)).collect()
    }

    /// By result: the region that a box of the domain writes.
    pub fn writes(&self, results: &[Shape], domain: &Region) -> Vec<Region> {
        self.results.iter().zip(results).map(|(map, shape)| map.region(domain, shape)).collect()
    }

    /// By operand: the region that a region of a result needs, as the smallest box that contains it. An empty region
    /// is not read. If a map skips indices at the border of an operand, the box may contain a skipped index.
    ///
    /// The access must have been checked with these shapes.
    pub fn needs(&self, operands: &[Shape], result: usize, region: &Region) -> Vec<Region> {
        if region.is_empty() {
            return operands.iter().map(|it| Region::new(it.dims.iter().map(|_| 0..0))).collect();
        }
        self.reads(operands, &self.domain_of(result, region))
    }

    /// Whether an expression takes all indices of an axis of this size over all iterations.
    pub(crate) fn takes_all(&self, expr: &Expr, size: u64) -> bool {
        let range = expr.range(&self.whole());
        self.has_no_gap(expr) && range.start <= 0 && i128::from(size) <= range.end
    }

    /// Whether an expression takes all values between its smallest and its largest.
    pub(crate) fn has_no_gap(&self, expr: &Expr) -> bool {
        let mut terms: Vec<(u64, u64)> =
            expr.terms.iter().map(|it| (it.1.unsigned_abs(), self.domain[it.0].size)).collect();
        terms.sort_unstable();
        let mut reach: u128 = u128::from(expr.divisor) - 1;
        terms.into_iter().all(|(coefficient, size)| {
            let joins = size == 1 || u128::from(coefficient) <= reach + 1;
            reach += u128::from(coefficient) * u128::from(size - 1);
            joins
        })
    }

    /// Whether a reduction may be split.
    pub fn may_split_a_sum(&self) -> bool {
        self.domain.iter().any(|it| it.kind == DimKind::Reduced { splittable: true })
    }

    /// Checks that the maps match these tensors and each other.
    ///
    /// # Errors
    /// The first error: wrong numbers or ranks of maps; dimensions that do not exist or are empty; a zero divisor;
    /// numbers of more than 64 bits; a result whose map is not a projection, omits a parallel dimension, has a
    /// reduced one, or does not cover the result; an operand that is never read; sums without a reduction that may be
    /// split.
    pub fn check(&self, operands: &[Shape], results: &[Shape]) -> Result<(), AccessError> {
        let count = |what, expected, found| {
            if expected == found { Ok(()) } else { Err(AccessError::Count { what, expected, found }) }
        };
        count("operands", operands.len(), self.operands.len())?;
        count("results", results.len(), self.results.len())?;
        if let Some(dim) = self.domain.iter().position(|it| it.size == 0) {
            return Err(AccessError::EmptyDim { dim });
        }
        for (index, (map, shape)) in self.operands.iter().zip(operands).enumerate() {
            self.check_map(Name::Operand(index), map, shape)?;
            if map.region(&self.whole(), shape).is_empty() {
                return Err(AccessError::NeverRead { tensor: Name::Operand(index) });
            }
        }
        for (index, (map, shape)) in self.results.iter().zip(results).enumerate() {
            self.check_map(Name::Result(index), map, shape)?;
            self.check_result(Name::Result(index), map, shape)?;
        }
        match self.sums {
            Some(_) if !self.may_split_a_sum() => Err(AccessError::NothingToSplit),
            _ => Ok(()),
        }
    }

    fn check_map(&self, tensor: Name, map: &Map, shape: &Shape) -> Result<(), AccessError> {
        if map.0.len() != shape.dims.len() {
            return Err(AccessError::Rank { tensor, rank: shape.dims.len(), found: map.0.len() });
        }
        let domain = self.whole();
        for expr in &map.0 {
            let mut seen = BTreeSet::new();
            for &(dim, _) in &expr.terms {
                if self.domain.len() <= dim {
                    return Err(AccessError::NoSuchDim { tensor, dim, domain: self.domain.len() });
                }
                if !seen.insert(dim) {
                    return Err(AccessError::Twice { tensor, dim });
                }
            }
            if expr.divisor == 0 {
                return Err(AccessError::ZeroDivisor { tensor });
            }
            let fits = |index: i128| i64::try_from(index).is_ok();
            if !expr.checked_range(&domain).is_some_and(|it| fits(it.start) && fits(it.end)) {
                return Err(AccessError::Overflow { tensor });
            }
        }
        Ok(())
    }

    fn check_result(&self, tensor: Name, map: &Map, shape: &Shape) -> Result<(), AccessError> {
        let domain = self.whole();
        let mut written = BTreeSet::new();
        for (axis, (expr, &size)) in map.0.iter().zip(&shape.dims).enumerate() {
            let (dim, _) = expr.projection().ok_or(AccessError::NoProjection { tensor })?;
            if let Some(dim) = dim {
                if !written.insert(dim) {
                    return Err(AccessError::Twice { tensor, dim });
                }
                if matches!(self.domain[dim].kind, DimKind::Reduced { .. }) {
                    return Err(AccessError::Reduced { tensor, dim });
                }
            }
            let range = expr.range(&domain);
            if 0 < range.start || range.end < i128::from(size) {
                return Err(AccessError::NotCovered { tensor, axis, size, start: range.start, end: range.end });
            }
        }
        let is_shared = |it: &usize| self.domain[*it].kind == DimKind::Parallel && !written.contains(it);
        match (0..self.domain.len()).find(is_shared) {
            Some(dim) if 1 < self.domain[dim].size => Err(AccessError::Shared { tensor, dim }),
            _ => Ok(()),
        }
    }
}
