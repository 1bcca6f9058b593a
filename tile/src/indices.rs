//! Sets of indices along one axis, and sets of elements of a tensor.

use crate::{Access, DimKind, Expr, Map};
use std::ops::Range;

/// The most ranges of a set; a set with more is given up.
const MAX_RANGES: usize = 1 << 14;
/// The most boxes of a tensor that are kept.
const MAX_BOXES: usize = 8;

/// A set of indices: half-open ranges in ascending order, which neither overlap nor touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Indices(Vec<Range<i128>>);

impl Indices {
    /// All of an axis or loop of so many.
    pub fn all(size: u64) -> Indices {
        Indices::range(0..i128::from(size))
    }

    fn range(range: Range<i128>) -> Indices {
        Indices::of(vec![range])
    }

    fn of(mut ranges: Vec<Range<i128>>) -> Indices {
        ranges.retain(|it| it.start < it.end);
        ranges.sort_unstable_by_key(|it| it.start);
        let mut joined: Vec<Range<i128>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        Indices(joined)
    }

    pub fn len(&self) -> u64 {
        self.0.iter().map(|it| (it.end - it.start) as u64).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = i128> {
        self.0.iter().cloned().flatten()
    }

    /// The number of them in a range.
    pub fn n_within(&self, range: Range<i128>) -> u64 {
        self.intersect(&Indices::range(range)).len()
    }

    fn contains(&self, other: &Indices) -> bool {
        self.intersect(other) == *other
    }

    pub fn intersect(&self, other: &Indices) -> Indices {
        let (mut own, mut others) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Vec::new();
        while let (Some(left), Some(right)) = (own.peek(), others.peek()) {
            let common = left.start.max(right.start)..left.end.min(right.end);
            let is_left_first = left.end < right.end;
            if !common.is_empty() {
                both.push(common);
            }
            if is_left_first {
                own.next()
            } else {
                others.next()
            };
        }
        Indices(both)
    }

    fn union(&self, other: &Indices) -> Indices {
        Indices::of([&self.0[..], &other.0].concat())
    }

    /// Those of an axis of so many.
    fn clamp(&self, size: u64) -> Indices {
        self.intersect(&Indices::all(size))
    }

    fn shift(&self, by: i128) -> Indices {
        Indices(self.0.iter().map(|it| it.start + by..it.end + by).collect())
    }

    /// Sums of one of these and a multiple of one of the others; none if they are in too many ranges.
    fn plus(&self, coefficient: i128, others: &Indices) -> Option<Indices> {
        let step = coefficient.abs();
        let mut sums = Vec::new();
        for own in &self.0 {
            for other in &others.0 {
                let at = |index: i128| own.start + coefficient * index..own.end + coefficient * index;
                let ends = [at(other.start), at(other.end - 1)];
                if step <= own.end - own.start || other.end - other.start == 1 {
                    sums.push(ends[0].start.min(ends[1].start)..ends[0].end.max(ends[1].end));
                } else if other.end - other.start <= (MAX_RANGES - sums.len()) as i128 {
                    sums.extend((other.start..other.end).map(at));
                } else {
                    return None;
                }
                if MAX_RANGES < sums.len() {
                    return None;
                }
            }
        }
        Some(Indices::of(sums))
    }

    fn divide(&self, divisor: u64) -> Indices {
        let divisor = i128::from(divisor);
        Indices::of(
            self.0.iter().map(|it| it.start.div_euclid(divisor)..(it.end - 1).div_euclid(divisor) + 1).collect(),
        )
    }
}

/// The values of an expression where its loops take these; none if they are in too many ranges.
pub(crate) fn values(expr: &Expr, loops: &[Indices]) -> Option<Indices> {
    // ⌊(g · sum + constant) / (g · divisor)⌋ = ⌊(sum + ⌊constant / g⌋) / divisor⌋.
    let factor = expr.terms.iter().map(|it| it.1.unsigned_abs()).fold(expr.divisor, greatest_common_divisor);
    let scale = i128::from(factor.max(1));
    let mut terms: Vec<(usize, i128)> = expr.terms.iter().map(|it| (it.0, i128::from(it.1) / scale)).collect();
    // Small steps first: they join what larger ones repeat.
    terms.sort_unstable_by_key(|it| it.1.unsigned_abs());
    let mut sum = Indices::all(1).shift(i128::from(expr.constant).div_euclid(scale));
    for (dim, coefficient) in terms {
        sum = sum.plus(coefficient, &loops[dim])?;
    }
    Some(sum.divide(expr.divisor / factor.max(1)))
}

pub(crate) fn greatest_common_divisor(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { greatest_common_divisor(right, left % right) }
}

/// Elements of a tensor that each have one of some indices along every axis.
pub(crate) type IndexBox = Vec<Indices>;

/// How many elements a box has.
pub(crate) fn n_elements(of: &IndexBox) -> u64 {
    of.iter().map(Indices::len).fold(1, u64::saturating_mul)
}

/// The elements of a tensor that an operator touches by this map where its loops take these indices. None if they
/// are no box, or not known.
pub(crate) fn touched(map: &Map, dims: &[u64], loops: &[Indices]) -> Option<IndexBox> {
    let moving = map.0.iter().flat_map(|it| &it.terms).map(|it| it.0).filter(|it| 1 < loops[*it].len());
    let mut seen = std::collections::BTreeSet::new();
    if moving.into_iter().any(|it| !seen.insert(it)) {
        return None;
    }
    map.0.iter().zip(dims).map(|(expr, size)| Some(values(expr, loops)?.clamp(*size))).collect()
}

/// The iterations that write elements of a result: all of loops that the result does not have or that are not cut.
pub(crate) fn iterations(access: &Access, result: usize, elements: &IndexBox) -> Vec<Indices> {
    let mut loops: Vec<Indices> = access.domain.iter().map(|it| Indices::all(it.size)).collect();
    for (expr, indices) in access.results[result].0.iter().zip(elements) {
        let Some((Some(dim), constant)) = expr.projection() else { continue };
        if access.domain[dim].kind != DimKind::Whole {
            loops[dim] = indices.shift(-i128::from(constant)).clamp(access.domain[dim].size);
        }
    }
    loops
}

/// Elements of a tensor: those of some boxes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Elements(Vec<IndexBox>);

impl Elements {
    pub fn boxes(&self) -> &[IndexBox] {
        &self.0
    }

    /// Adds a box. Of many the largest are kept.
    pub fn add(&mut self, mut new: IndexBox) {
        if new.iter().any(Indices::is_empty) {
            return;
        }
        loop {
            if self.0.iter().any(|it| contains(it, &new)) {
                return;
            }
            self.0.retain(|it| !contains(&new, it));
            let joined = self.0.iter().enumerate().find_map(|(index, it)| Some((index, join(it, &new)?)));
            let Some((index, larger)) = joined else { break };
            self.0.swap_remove(index);
            new = larger;
        }
        self.0.push(new);
        if MAX_BOXES < self.0.len() {
            let smallest = (0..self.0.len()).min_by_key(|it| n_elements(&self.0[*it]));
            self.0.remove(smallest.expect("there are some"));
        }
    }

    /// How many they are, by inclusion and exclusion.
    pub fn len(&self) -> u64 {
        let mut total: i128 = 0;
        for set in 1u32..1 << self.0.len() {
            let members = (0..self.0.len()).filter(|it| set & (1 << it) != 0).map(|it| &self.0[it]);
            let common = members.cloned().reduce(|own, it| intersection(&own, &it)).expect("there are some");
            let sign = if set.count_ones() % 2 == 1 { 1 } else { -1 };
            total += sign * i128::from(n_elements(&common));
        }
        u64::try_from(total.max(0)).unwrap_or(u64::MAX)
    }
}

fn intersection(left: &IndexBox, right: &IndexBox) -> IndexBox {
    left.iter().zip(right).map(|(left, right)| left.intersect(right)).collect()
}

fn contains(outer: &IndexBox, inner: &IndexBox) -> bool {
    outer.iter().zip(inner).all(|(outer, inner)| outer.contains(inner))
}

/// Both as one box, if they differ along one axis only.
fn join(left: &IndexBox, right: &IndexBox) -> Option<IndexBox> {
    let mut differing = (0..left.len()).filter(|axis| left[*axis] != right[*axis]);
    let axis = differing.next()?;
    if differing.next().is_some() {
        return None;
    }
    let mut joined = left.clone();
    joined[axis] = left[axis].union(&right[axis]);
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn indices(set: &BTreeSet<i128>) -> Indices {
        Indices::of(set.iter().map(|it| *it..it + 1).collect())
    }

    fn elements(indices: &Indices) -> BTreeSet<i128> {
        indices.0.iter().cloned().flatten().collect()
    }

    fn set() -> impl Strategy<Value = BTreeSet<i128>> {
        prop::collection::btree_set(0..9i128, 1..6)
    }

    proptest! {
        #[test]
        fn values_are_those_of_all_points(
            loops in prop::collection::vec(set(), 2), factors in (-4..5i64, -4..5i64), constant in -9..9i64, divisor in 1..4u64,
        ) {
            let terms = vec![(0, factors.0), (1, factors.1)];
            let expr = Expr { terms, constant, divisor };
            let found = values(&expr, &loops.iter().map(indices).collect::<Vec<_>>()).expect("they are few");
            let mut expected = BTreeSet::new();
            for left in &loops[0] {
                for right in &loops[1] {
                    let sum = i128::from(factors.0) * left + i128::from(factors.1) * right + i128::from(constant);
                    expected.insert(sum.div_euclid(divisor.into()));
                }
            }
            prop_assert_eq!(elements(&found), expected);
        }

        #[test]
        fn boxes_are_counted_once(boxes in prop::collection::vec((set(), set()), 1..7)) {
            let mut all = Elements::default();
            let mut expected = BTreeSet::new();
            for (rows, columns) in &boxes {
                all.add(vec![indices(rows), indices(columns)]);
                expected.extend(rows.iter().flat_map(|row| columns.iter().map(move |column| (*row, *column))));
            }
            prop_assert_eq!(all.len(), expected.len() as u64);
        }
    }

    #[test]
    fn what_is_in_too_many_ranges_is_not_known() {
        let expr = Expr { terms: vec![(0, 2)], constant: 0, divisor: 1 };
        assert!(values(&expr, &[Indices::all(1 << 15)]).is_none());
        assert_eq!(values(&expr, &[Indices::all(1 << 10)]).map(|it| it.len()), Some(1 << 10));
    }

    #[test]
    fn a_common_factor_makes_no_ranges() {
        // The input channels of a grouped convolution, of which 432 are 48 to a group.
        let expr = Expr { terms: vec![(0, 48), (1, -48), (2, 48)], constant: 0, divisor: 48 };
        let loops = [Indices::all(432), Indices::all(48), Indices::all(48)];
        assert_eq!(values(&expr, &loops), Some(Indices::range(-47..479)));
    }

    #[test]
    fn of_many_boxes_the_largest_are_kept() {
        let mut all = Elements::default();
        for start in 0..10i128 {
            let square = Indices::range(start * 10..start * 10 + 1 + start);
            all.add(vec![square.clone(), square]);
        }
        assert_eq!(all.len(), (3..=10u64).map(|it| it * it).sum());
    }
}
