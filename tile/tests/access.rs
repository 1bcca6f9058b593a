//! Accesses against what their points touch, one by one.

use cosma_tile::{Access, AccessError, Dim, DimKind, Expr, Map, Member, Region, Shape, Source, Sums, compose};
use proptest::prelude::*;
use std::ops::Range;

const PARALLEL: DimKind = DimKind::Parallel;
const REDUCED: DimKind = DimKind::Reduced { splittable: true };

fn shape(dims: &[u64]) -> Shape {
    Shape { dims: dims.to_vec(), element_bits: 8 }
}

fn dim(size: u64, kind: DimKind) -> Dim {
    Dim { size, kind }
}

fn expr(terms: &[(usize, i64)], constant: i64, divisor: u64) -> Expr {
    Expr { terms: terms.to_vec(), constant, divisor }
}

/// A box of one dimension.
fn rows(range: Range<u64>) -> Region {
    Region::new(std::iter::once(range))
}

/// All points of a box.
fn points(region: &Region) -> Vec<Vec<u64>> {
    region.ranges().fold(vec![Vec::new()], |points, range| {
        points.iter().flat_map(|it| range.clone().map(move |index| [&it[..], &[index]].concat())).collect()
    })
}

/// The element that a point touches; none outside of the tensor.
fn touched(map: &Map, point: &[u64], shape: &Shape) -> Option<Vec<u64>> {
    let index = |(expr, size): (&Expr, &u64)| {
        let sum: i128 =
            expr.terms.iter().map(|&(dim, coefficient)| i128::from(coefficient) * i128::from(point[dim])).sum();
        let index = (sum + i128::from(expr.constant)).div_euclid(i128::from(expr.divisor));
        u64::try_from(index).ok().filter(|it| it < size)
    };
    map.0.iter().zip(&shape.dims).map(index).collect()
}

/// The least box of these points, and whether there is any.
fn hull(points: &[Vec<u64>], rank: usize) -> Region {
    let boxes = points.iter().map(|it| Region::new(it.iter().map(|index| *index..*index + 1)));
    boxes.reduce(|left, right| left.hull(&right)).unwrap_or_else(|| Region::new((0..rank).map(|_| 0..0)))
}

/// A convolution of rows: window, stride, padding before, dilation.
fn window(result: u64, kernel: u64, stride: i64, padding: i64, dilation: i64) -> Access {
    Access {
        domain: vec![dim(result, PARALLEL), dim(kernel, REDUCED)],
        operands: vec![Map(vec![expr(&[(0, stride), (1, dilation)], -padding, 1)])],
        results: vec![Map(vec![Expr::dim(0)])],
        sums: None,
    }
}

#[test]
fn a_window_needs_its_halo() {
    let access = window(8, 3, 2, 1, 1);
    let operands = [shape(&[16])];
    access.check(&operands, &[shape(&[8])]).expect("it fits");
    let needs = |from, to| access.needs(&operands, 0, &rows(from..to)).remove(0);
    assert_eq!(needs(0, 1), rows(0..2));
    assert_eq!(needs(3, 5), rows(5..10));
    assert_eq!(needs(7, 8), rows(13..16));
    assert!(needs(4, 4).is_empty());
}

#[test]
fn broadcasts_concatenations_and_upsampling() {
    let access = Access {
        domain: vec![dim(4, PARALLEL), dim(6, PARALLEL)],
        operands: vec![
            Map(vec![Expr::dim(1)]),                             // one row for all
            Map(vec![Expr::dim(0), expr(&[(1, 1)], -2, 1)]),     // columns 2 and further of a concatenation
            Map(vec![expr(&[(0, 1)], 0, 2), Expr::constant(0)]), // each row twice
        ],
        results: vec![Map(vec![Expr::dim(0), Expr::dim(1)])],
        sums: None,
    };
    let operands = [shape(&[6]), shape(&[4, 4]), shape(&[2, 1])];
    access.check(&operands, &[shape(&[4, 6])]).expect("it fits");
    let needs = access.needs(&operands, 0, &Region::new([1..3, 0..2]));
    assert_eq!(needs[0], rows(0..2));
    assert!(needs[1].is_empty(), "{}", needs[1]);
    assert_eq!(needs[2], Region::new([0..2, 0..1]));
}

#[test]
fn what_is_whole_is_never_cut() {
    let access = Access {
        domain: vec![dim(4, PARALLEL), dim(6, DimKind::Whole)],
        operands: vec![Map(vec![Expr::dim(0), Expr::dim(1)])],
        results: vec![Map(vec![Expr::dim(0), Expr::dim(1)])],
        sums: None,
    };
    let needs = access.needs(&[shape(&[4, 6])], 0, &Region::new([1..2, 3..4]));
    assert_eq!(needs, [Region::new([1..2, 0..6])]);
}

#[test]
fn contradictions_are_found() {
    let good = window(8, 3, 2, 1, 1);
    let (operands, results) = ([shape(&[16])], [shape(&[8])]);
    let error = |change: &dyn Fn(&mut Access)| {
        let mut access = good.clone();
        change(&mut access);
        access.check(&operands, &results).expect_err("it is wrong").to_string()
    };
    assert_eq!(error(&|it| it.operands.clear()), "expected maps of 1 operands, found 0");
    assert_eq!(
        error(&|it| it.operands[0].0.push(Expr::dim(0))),
        "operand 0 has 1 dimensions, but its map has 2 expressions"
    );
    assert_eq!(
        error(&|it| it.operands[0].0[0] = Expr::dim(2)),
        "the map of operand 0 names dimension 2, but the domain has 2"
    );
    assert_eq!(error(&|it| it.domain[1].size = 0), "dimension 1 of the domain has no iteration");
    assert_eq!(error(&|it| it.operands[0].0[0].divisor = 0), "the map of operand 0 divides by zero");
    assert_eq!(error(&|it| it.operands[0].0[0].terms[0].1 = i64::MAX), "the map of operand 0 overflows 64 bits");
    assert_eq!(error(&|it| it.operands[0].0[0].constant = 16), "the map of operand 0 reads none of its elements");
    assert_eq!(
        error(&|it| it.results[0].0[0].terms[0].1 = 2),
        "the map of result 0 is not a projection: each expression is a dimension plus a constant, or a constant"
    );
    assert_eq!(
        error(&|it| it.results[0].0[0] = Expr::dim(1)),
        "result 0 is written with dimension 1, which is reduced"
    );
    assert_eq!(error(&|it| it.domain[0].size = 7), "dimension 0 of result 0 has 8 indices, but the map writes 0..7");
    assert_eq!(
        error(&|it| it.domain[1].kind = PARALLEL),
        "iterations of dimension 1 are parallel, but write the same elements of result 0"
    );
    let twice = Access { results: vec![Map(vec![Expr::dim(0), Expr::dim(0)])], ..good.clone() };
    assert!(matches!(twice.check(&operands, &[shape(&[8, 8])]), Err(AccessError::Twice { .. })));
}

/// A map of some random expressions over two loops of the result and one that is summed.
fn map_strategy() -> impl Strategy<Value = Map> {
    let term = |dim| (Just(dim), prop_oneof![Just(0), Just(1), -2..4i64]);
    let expr = (term(0), term(1), term(2), -4..5i64, 1..4u64).prop_map(|(a, b, c, constant, divisor)| Expr {
        terms: [a, b, c].into_iter().filter(|it| it.1 != 0).collect(),
        constant,
        divisor,
    });
    prop::collection::vec(expr, 1..3).prop_map(Map)
}

proptest! {
    #[test]
    fn needs_is_the_hull_of_what_is_touched(
        map in map_strategy(), sizes in (1..6u64, 1..6u64, 1..4u64), offset in 0..3i64,
        bounds in (0..6u64, 0..6u64, 0..6u64, 0..6u64), operand in (1..9u64, 1..9u64),
    ) {
        let access = Access {
            domain: vec![dim(sizes.0, PARALLEL), dim(sizes.1, PARALLEL), dim(sizes.2, REDUCED)],
            operands: vec![map.clone()],
            results: vec![Map(vec![expr(&[(0, 1)], -offset, 1), Expr::dim(1)])],
            sums: None,
        };
        let result = shape(&[sizes.0.saturating_sub(offset as u64), sizes.1]);
        let region = Region::new([bounds.0..bounds.1, bounds.2..bounds.3]).intersect(&result.whole());
        let operand = shape(&[operand.0, operand.1][..map.0.len()]);
        let needs = access.needs(std::slice::from_ref(&operand), 0, &region).remove(0);

        let writes = |point: &&Vec<u64>| {
            let element = touched(&access.results[0], point, &result);
            element.is_some_and(|it| points(&region).contains(&it))
        };
        let all = points(&access.whole());
        let writers: Vec<&Vec<u64>> = all.iter().filter(writes).collect();
        let inside: Vec<Vec<u64>> = writers.iter().filter_map(|it| touched(&map, it, &operand)).collect();
        let hull = hull(&inside, map.0.len());
        prop_assert!(needs.contains(&hull), "{needs} needs {hull}");
        // Where nothing lies outside of the operand, the box is the least.
        if inside.len() == writers.len() {
            prop_assert_eq!(needs.is_empty(), hull.is_empty());
            prop_assert!(hull.is_empty() || needs == hull, "{} instead of {}", needs, hull);
        }
    }

    #[test]
    fn a_group_reads_what_its_members_read(
        first in (1..4u64, 1..3i64, 0..3i64, 1..3i64), second in (1..4u64, 1..3i64, 0..3i64, 1..3i64),
        divisor in 1..4u64, from in 0..5u64, length in 1..4u64,
    ) {
        let (n_last, n_middle, n_first) = (8, 14, 24);
        let mut inner = window(n_middle, first.0, first.1, first.2, first.3);
        inner.operands[0].0[0].divisor = divisor;
        let mut outer = window(n_last, second.0, second.1, second.2, second.3);
        outer.operands.push(Map(vec![Expr::dim(0)]));
        let members = [
            Member { access: inner.clone(), operands: vec![Source::Operand(0)] },
            Member { access: outer.clone(), operands: vec![Source::Result(0, 0), Source::Operand(0)] },
        ];
        let group = compose(&members, &[Source::Result(1, 0)]).expect("it can be told");
        prop_assert_eq!(&group.operands, &[0, 0]);
        let region = rows(from..from + length);
        let operand = shape(&[n_first]);
        let middle = outer.needs(&[shape(&[n_middle]), operand.clone()], 0, &region);
        let deep = inner.needs(std::slice::from_ref(&operand), 0, &middle[0]).remove(0);
        let composed = group.access.needs(&[operand.clone(), operand], 0, &region);
        prop_assert!(composed.contains(&middle[1]));
        prop_assert!(composed.iter().any(|it| it.contains(&deep)), "{:?} {}", composed, deep);
        // Nothing was clamped in between: then it is exact, but for remainders of divisions.
        let unclamped = outer.operands[0].0[0].range(&outer.domain_of(0, &region));
        if 0 <= unclamped.start && unclamped.end <= i128::from(n_middle) && divisor == 1 {
            prop_assert!(composed.contains(&deep), "{:?} {}", composed, deep);
        }
    }
}

#[test]
fn a_group_with_two_results() {
    // The first member's result is a result of the group as well, at the same elements.
    let scale = Access {
        domain: vec![dim(8, PARALLEL)],
        operands: vec![Map(vec![Expr::dim(0)])],
        results: vec![Map(vec![Expr::dim(0)])],
        sums: None,
    };
    let members = [
        Member { access: scale.clone(), operands: vec![Source::Operand(0)] },
        Member { access: scale.clone(), operands: vec![Source::Result(0, 0)] },
        Member { access: window(8, 3, 1, 1, 1), operands: vec![Source::Result(0, 0)] },
    ];
    let results = [Source::Result(1, 0), Source::Result(0, 0)];
    let group = compose(&members[..2], &results).expect("it can be told");
    assert_eq!(group.access, Access { results: vec![scale.results[0].clone(), scale.results[0].clone()], ..scale });
    // A convolution needs more of it than it gives.
    assert_eq!(compose(&members, &[Source::Result(2, 0), Source::Result(0, 0)]), None);
    assert_eq!(compose(&members, &[Source::Operand(0)]), None);
}

/// A product of `[4, 6]` and `[6, 5]`, whose sums have 32 bits.
fn product() -> Access {
    let (row, column, inner) = (Expr::dim(0), Expr::dim(1), Expr::dim(2));
    Access {
        domain: vec![dim(4, PARALLEL), dim(5, PARALLEL), dim(6, REDUCED)],
        operands: vec![Map(vec![row.clone(), inner.clone()]), Map(vec![inner, column.clone()])],
        results: vec![Map(vec![row, column])],
        sums: Some(Sums::Integer(32)),
    }
}

/// A group of a product of operands 0 and 1, and a member that reads the product by a map, as well as operand 2.
fn product_before(reads: Vec<Expr>, sizes: &[u64]) -> Access {
    let indices = || Map((0..sizes.len()).map(Expr::dim).collect());
    let last = Access {
        domain: sizes.iter().map(|it| dim(*it, PARALLEL)).collect(),
        operands: vec![Map(reads), indices()],
        results: vec![indices()],
        sums: None,
    };
    let members = [
        Member { access: product(), operands: vec![Source::Operand(0), Source::Operand(1)] },
        Member { access: last, operands: vec![Source::Result(0, 0), Source::Operand(2)] },
    ];
    compose(&members, &[Source::Result(1, 0)]).expect("it can be told").access
}

#[test]
fn a_sum_may_be_split_before_what_reads_it_at_its_place() {
    let splittable =
        |it: &Access| it.domain.iter().filter(|it| it.kind == REDUCED).map(|it| it.size).collect::<Vec<_>>();
    let added = product_before(vec![Expr::dim(0), Expr::dim(1)], &[4, 5]);
    assert_eq!((splittable(&added), added.sums), (vec![6], Some(Sums::Integer(32))));
    let transposed = product_before(vec![Expr::dim(1), Expr::dim(0)], &[5, 4]);
    assert_eq!((splittable(&transposed), transposed.sums), (vec![6], Some(Sums::Integer(32))));
    // A part of the sums, each of them for several results, or each at two places.
    for (reads, sizes) in [
        (vec![expr(&[(0, 1)], 1, 1), Expr::dim(1)], &[3, 5][..]),
        (vec![Expr::dim(0), Expr::dim(1)], &[4, 5, 2]),
        (vec![Expr::dim(0), Expr::dim(0)], &[4]),
        (vec![expr(&[(0, 1)], 0, 2), Expr::dim(1)], &[8, 5]),
    ] {
        let group = product_before(reads.clone(), sizes);
        assert_eq!((splittable(&group), group.sums), (vec![], None), "{reads:?}");
    }
}

#[test]
fn one_sum_of_a_group_may_be_split() {
    let second = Access {
        domain: vec![dim(4, PARALLEL), dim(3, PARALLEL), dim(5, REDUCED)],
        operands: vec![Map(vec![Expr::dim(0), Expr::dim(2)]), Map(vec![Expr::dim(2), Expr::dim(1)])],
        results: vec![Map(vec![Expr::dim(0), Expr::dim(1)])],
        sums: Some(Sums::Float(32)),
    };
    let members = [
        Member { access: product(), operands: vec![Source::Operand(0), Source::Operand(1)] },
        Member { access: second, operands: vec![Source::Result(0, 0), Source::Operand(2)] },
    ];
    let group = compose(&members, &[Source::Result(1, 0)]).expect("it can be told").access;
    let kinds: Vec<(u64, DimKind)> = group.domain.iter().map(|it| (it.size, it.kind)).collect();
    let whole = DimKind::Reduced { splittable: false };
    assert_eq!(kinds, [(4, PARALLEL), (3, PARALLEL), (5, REDUCED), (6, whole)]);
    assert_eq!(group.sums, Some(Sums::Float(32)));
}

#[test]
fn sums_need_a_reduction_that_may_be_split() {
    let operands = [shape(&[4, 6]), shape(&[6, 5])];
    assert_eq!(product().check(&operands, &[shape(&[4, 5])]), Ok(()));
    let mut whole = product();
    whole.domain[2].kind = DimKind::Reduced { splittable: false };
    assert_eq!(whole.check(&operands, &[shape(&[4, 5])]), Err(AccessError::NothingToSplit));
}
