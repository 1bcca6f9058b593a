//! The access of several operators that run as one.
//!
//! From the results backwards, the loops of each member are written as expressions of the group's loops, and the
//! member's reads follow by substitution. Loops that a member sums over become loops of the group. If a product of a
//! floor division appears, which no expression can hold, a reduced loop replaces the remainder; so the composed
//! access may read more than its members do, but never less. If members read a value in several ways, it is computed,
//! and its operands are read, in each of them: the group has a map for each way.
//!
//! One sum may be split: that of the member that makes the results, or of a member whose sums later members read only
//! at the position of the result, such as a convolution before an activation. Those members then run with the last
//! part.

use crate::{Access, Dim, DimKind, Expr, Map, Sums};

/// The most ways in which one value of a group may be read, and the most loops of a group; beyond, composition fails.
const MAX_WAYS: usize = 32;
const MAX_DIMS: usize = 128;

/// Where a member of a group takes an operand from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The group's operand with this index.
    Operand(usize),
    /// A result of an earlier member: the member's index, and the result's.
    Result(usize, usize),
}

/// An operator of a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its accesses; checked with the shapes of its tensors.
    pub access: Access,
    /// The source of each operand, in the order of the access.
    pub operands: Vec<Source>,
}

/// How a group accesses its tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// The access. It has a map for each way in which an operand is read.
    pub access: Access,
    /// By map: the operand of the group that it reads.
    pub operands: Vec<usize>,
}

/// The access of a group whose members run in this order and whose results are these results of members.
///
/// `None` if it cannot be determined: another result depends on a result in more than one way, or by a map that is
/// not a projection; a result is an operand; or there are too many ways to read.
pub fn compose(members: &[Member], results: &[Source]) -> Option<Composed> {
    let &Source::Result(first, first_result) = results.first()? else { return None };
    let mut group = Composer {
        members,
        domain: Vec::new(),
        sums: None,
        ways: members.iter().map(|it| vec![Vec::new(); it.access.results.len()]).collect(),
        reads: Vec::new(),
    };
    let access = &members.get(first)?.access;
    group.domain.clone_from(&access.domain);
    group.sums = access.sums;
    let own: Vec<Expr> = (0..access.domain.len()).map(Expr::dim).collect();
    for (ways, map) in group.ways[first].iter_mut().zip(&access.results) {
        ways.push(map.clone());
    }
    group.read_by(first, &own)?;
    (0..first).rev().try_for_each(|member| group.follow(member))?;
    let maps = results.iter().map(|it| group.result_map(*it)).collect::<Option<Vec<_>>>()?;
    debug_assert_eq!(maps[0], access.results[first_result]);
    let (operands, maps_of_operands) = group.reads.into_iter().unzip();
    let access = Access { domain: group.domain, operands: maps_of_operands, results: maps, sums: group.sums };
    Some(Composed { access, operands })
}

struct Composer<'a> {
    members: &'a [Member],
    domain: Vec<Dim>,
    /// Of the sum that may be split.
    sums: Option<Sums>,
    /// By member and result: the maps from the group's domain by which it is read.
    ways: Vec<Vec<Vec<Map>>>,
    /// The reads of the group's operands.
    reads: Vec<(usize, Map)>,
}

impl Composer<'_> {
    /// Follows all ways in which a member's results are read to the member's own reads.
    fn follow(&mut self, member: usize) -> Option<()> {
        let access = &self.members[member].access;
        let ways = self.ways[member].clone();
        let is_split = self.may_split(access, &ways);
        if is_split {
            self.sums = access.sums;
        }
        for (result, ways) in ways.iter().enumerate() {
            for way in ways {
                let dims = self.member_dims(access, &access.results[result], way, is_split)?;
                self.read_by(member, &dims)?;
            }
        }
        Some(())
    }

    /// Whether a member's sum may be split: no other sum is split, and each result of the group needs one complete
    /// sum, at its own position.
    fn may_split(&self, access: &Access, ways: &[Vec<Map>]) -> bool {
        let [ways] = ways else { return false };
        let [Map(way)] = &ways[..] else { return false };
        let is_other = self.domain.iter().any(|it| it.kind == DimKind::Reduced { splittable: true });
        let read: Vec<usize> = way.iter().filter_map(|it| it.projection().filter(|it| it.1 == 0)?.0).collect();
        let is_at_place = way.iter().all(|it| it.projection().is_some_and(|it| it.1 == 0));
        let is_read_once = |(dim, it): (usize, &Dim)| {
            let times = read.iter().filter(|it| **it == dim).count();
            if matches!(it.kind, DimKind::Reduced { .. }) {
                times == 0
            } else {
                times == 1 || times == 0 && it.size == 1
            }
        };
        access.sums.is_some() && !is_other && is_at_place && self.domain.iter().enumerate().all(is_read_once)
    }

    /// A member's loops as expressions of the group's loops, for the iterations that write the element of this map.
    fn member_dims(&mut self, access: &Access, result: &Map, way: &Map, is_split: bool) -> Option<Vec<Expr>> {
        let mut dims: Vec<Option<Expr>> = vec![None; access.domain.len()];
        for (own, read) in result.0.iter().zip(&way.0) {
            let (dim, constant) = own.projection()?;
            let Some(dim) = dim.filter(|it| access.domain[*it].kind != DimKind::Whole) else { continue };
            let shift = i64::try_from(read.divisor).ok()?.checked_mul(constant)?;
            dims[dim] = Some(Expr { constant: read.constant.checked_sub(shift)?, ..read.clone() });
        }
        let is_part = |it: &Dim| is_split && it.kind == DimKind::Reduced { splittable: true };
        let reduced = |dim: usize| {
            let splittable = is_part(&access.domain[dim]);
            Dim { size: access.domain[dim].size, kind: DimKind::Reduced { splittable } }
        };
        dims.into_iter().enumerate().map(|(dim, expr)| expr.or_else(|| self.new_dim(reduced(dim)))).collect()
    }

    fn new_dim(&mut self, dim: Dim) -> Option<Expr> {
        self.domain.push(dim);
        (self.domain.len() <= MAX_DIMS).then(|| Expr::dim(self.domain.len() - 1))
    }

    /// Records the reads of a member whose loops are these expressions.
    fn read_by(&mut self, member: usize, dims: &[Expr]) -> Option<()> {
        let Member { access, operands } = &self.members[member];
        for (map, source) in access.operands.iter().zip(operands) {
            let exprs = map.0.iter().map(|expr| self.substitute(expr, dims)).collect::<Option<Vec<_>>>()?;
            let map = Map(exprs);
            match *source {
                Source::Operand(operand) if !self.reads.contains(&(operand, map.clone())) => {
                    self.reads.push((operand, map));
                }
                Source::Operand(_) => {}
                Source::Result(from, result) if from < member => {
                    let ways = &mut self.ways[from][result];
                    if !ways.contains(&map) {
                        ways.push(map);
                    }
                    if MAX_WAYS < ways.len() {
                        return None;
                    }
                }
                Source::Result(..) => return None,
            }
        }
        (self.reads.len() <= MAX_WAYS * self.members.len()).then_some(())
    }

    /// An expression of loops, with an expression substituted for each loop.
    fn substitute(&mut self, expr: &Expr, dims: &[Expr]) -> Option<Expr> {
        // ⌊(⌊E / q⌋ + rest) / d⌋ = ⌊(E + q · rest) / (q · d)⌋; with a coefficient, the remainder counts.
        let divided: Vec<usize> = expr.terms.iter().map(|it| it.0).filter(|it| dims[*it].divisor != 1).collect();
        let is_exact = |&(dim, coefficient): &(usize, i64)| coefficient == 1 && divided == [dim];
        let common = divided.iter().try_fold(1u64, |product, dim| lcm(product, dims[*dim].divisor))?;
        let scale = i64::try_from(common).ok()?;
        let mut sum = Sum { terms: Vec::new(), constant: expr.constant.checked_mul(scale)? };
        for term @ &(dim, coefficient) in &expr.terms {
            let inner = &dims[dim];
            let factor = coefficient.checked_mul(i64::try_from(common / inner.divisor).ok()?)?;
            sum.add(inner, factor)?;
            if inner.divisor != 1 && !is_exact(term) {
                let remainder =
                    self.new_dim(Dim { size: inner.divisor, kind: DimKind::Reduced { splittable: false } })?;
                sum.add(&remainder, factor.checked_neg()?)?;
            }
        }
        Some(Expr { terms: sum.terms, constant: sum.constant, divisor: common.checked_mul(expr.divisor)? })
    }

    /// The map of a result, if it is read in only one way, by a projection.
    fn result_map(&self, source: Source) -> Option<Map> {
        let Source::Result(member, result) = source else { return None };
        let [map] = &self.ways.get(member)?.get(result)?[..] else { return None };
        map.0.iter().all(|it| it.projection().is_some()).then(|| map.clone())
    }
}

struct Sum {
    terms: Vec<(usize, i64)>,
    constant: i64,
}

impl Sum {
    /// Adds a multiple of an expression's dividend.
    fn add(&mut self, expr: &Expr, factor: i64) -> Option<()> {
        self.constant = self.constant.checked_add(expr.constant.checked_mul(factor)?)?;
        for &(dim, coefficient) in &expr.terms {
            let coefficient = coefficient.checked_mul(factor)?;
            match self.terms.iter_mut().find(|it| it.0 == dim) {
                Some(term) => term.1 = term.1.checked_add(coefficient)?,
                None => self.terms.push((dim, coefficient)),
            }
        }
        self.terms.retain(|it| it.1 != 0);
        Some(())
    }
}

fn lcm(left: u64, right: u64) -> Option<u64> {
    let (mut larger, mut smaller) = (left, right);
    while smaller != 0 {
        (larger, smaller) = (smaller, larger % smaller);
    }
    (left / larger).checked_mul(right)
}
