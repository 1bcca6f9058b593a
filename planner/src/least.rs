//! The least scratchpad with which a problem can be planned, and orders that fit it.
//!
//! The needs of an operator depend on the order if it may write over an operand that other operators read: it can do so
//! only after all of them. If the scratchpad is too small for some orders, some operator must wait for others, which is
//! an additional dependence. An operator may have several ways to fit; a choice of ways is possible if all dependences
//! together have no cycle.
//!
//! So a problem is *restricted*: with these dependences, all of its orders fit. It is an ordinary problem for the
//! solvers. If each operator has only one way, every order that fits has all of these dependences, and proofs for the
//! restricted problem hold for the original.

use crate::restricted::{Edges, Restricted, order_with};
use crate::{Bytes, Dies, Error, InPlace, OpId, Order, Problem, TensorId};
use std::cmp::Reverse;
use std::collections::HashSet;

/// The least scratchpad with which there is a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeastScratchpad {
    /// The size.
    pub size: Bytes,
    /// Whether there is a plan with it. If not, it is a lower bound: it is unknown which orders fit.
    pub is_exact: bool,
}

/// The limit of uncertain operands of an operator for which all ways are tried; beyond it, only none and all.
const MAX_OPERANDS: usize = 8;

/// The limit of choices of ways that are tried for one size of the scratchpad.
const MAX_CHOICES: usize = 2_000;

/// The limit of operators and dependences visited for one size of the scratchpad to see whether choices leave an order:
/// some tens of milliseconds. Problems of some thousands of operators reach it before the limit of choices.
const MAX_VISITS: usize = 10_000_000;

/// The orders that fit a scratchpad.
enum Orders {
    /// With these dependences, all orders fit. If they are forced, all orders that fit have them.
    Fit { edges: Edges, is_forced: bool },
    /// No order fits.
    None,
    /// Not known within the limits.
    Unknown,
}

impl Problem {
    /// The least scratchpad with which there is a plan with these orders. With reserved addresses or pins, it is a
    /// lower bound.
    pub fn least_scratchpad(&self, order: Order) -> LeastScratchpad {
        if let Some(framed) = self.framed() {
            return framed.problem().least_scratchpad(order);
        }
        let least = self.least_by_rooms(order);
        let pinned = self.graph.tensor_ids().filter_map(|it| self.graph.pinned(it));
        match pinned.map(|it| it.end).max() {
            Some(end) => LeastScratchpad { size: least.size.max(end), is_exact: false },
            None => least,
        }
    }

    /// The same by sums of padded sizes.
    fn least_by_rooms(&self, order: Order) -> LeastScratchpad {
        if order == Order::Source {
            return LeastScratchpad { size: self.least_in_source_order(), is_exact: true };
        }
        let (_, lower) = self.most_demanding(order);
        let upper = self.min_scratchpad();
        // Each size at which an operator fits in more ways, ascending.
        let ways = |op| self.ways(op).into_iter().map(move |way| self.working_set_with(op, &way));
        let mut sizes: Vec<Bytes> =
            if lower < upper { self.graph.op_ids().flat_map(ways).collect() } else { Vec::new() };
        sizes.extend([lower, upper]);
        sizes.retain(|it| lower <= *it && *it <= upper);
        sizes.sort_unstable();
        sizes.dedup();
        // More memory never hurts.
        let first = sizes.partition_point(|size| matches!(self.orders(&self.fits_in(*size)), Orders::None));
        let size = sizes.get(first).copied().unwrap_or(upper);
        LeastScratchpad {
            size,
            is_exact: size == upper || matches!(self.orders(&self.fits_in(size)), Orders::Fit { .. }),
        }
    }

    fn least_in_source_order(&self) -> Bytes {
        self.most_demanding(Order::Source).1
    }

    /// The operator that needs the most in the order that is best for it, and how much that is; the first of several.
    pub(crate) fn most_demanding(&self, order: Order) -> (OpId, Bytes) {
        let dies = |op: OpId, pair: &InPlace| match order {
            Order::Source => self.graph.readers(pair.operand).last() == Some(&op),
            Order::Free => pair.dies != Dies::Never,
        };
        let needs = self.graph.op_ids().map(|op| (op, self.working_set_where(op, |pair| dies(op, pair))));
        needs.max_by_key(|(op, needed)| (*needed, Reverse(*op))).unwrap_or((OpId(0), Bytes::ZERO))
    }

    /// The error of the first operator that has no place in any of these orders.
    pub(crate) fn no_place_in(&self, order: Order) -> Option<Error> {
        let dies = |op: OpId, pair: &InPlace| match order {
            Order::Source => self.graph.readers(pair.operand).last() == Some(&op),
            Order::Free => pair.dies != Dies::Never,
        };
        let op = self.graph.op_ids().find(|op| self.has_room(*op, |pair| dies(*op, pair)) != Some(true))?;
        Some(self.no_place(op, &|pair| dies(op, pair)))
    }

    /// The operands that die with an operator in some orders only.
    fn uncertain(&self, op: OpId) -> Vec<TensorId> {
        let pairs = self.possible_pairs(op).filter(|pair| pair.dies == Dies::Sometimes);
        let mut operands: Vec<TensorId> = pairs.map(|pair| pair.operand).collect();
        operands.sort_unstable();
        operands.dedup();
        operands
    }

    /// All subsets of these operands, the smallest first; if there are too many, only the empty one and the full one.
    fn ways(&self, op: OpId) -> Vec<Vec<TensorId>> {
        let operands = self.uncertain(op);
        if MAX_OPERANDS < operands.len() {
            return vec![Vec::new(), operands];
        }
        let mut sets: Vec<u32> = (0..1 << operands.len()).collect();
        sets.sort_by_key(|set| (set.count_ones(), *set));
        let members = |set: u32| operands.iter().enumerate().filter(move |it| set >> it.0 & 1 == 1).map(|it| *it.1);
        sets.into_iter().map(|set| members(set).collect()).collect()
    }

    /// The scratchpad with which an operator can run if these of its operands die with it, in addition to those that do
    /// so in every order.
    fn working_set_with(&self, op: OpId, dying: &[TensorId]) -> Bytes {
        self.working_set_where(op, |pair| dies_with(pair, dying))
    }

    /// Whether an operator fits a scratchpad of this size without reserved addresses, if these of its operands die.
    fn fits_in(&self, size: Bytes) -> impl Fn(OpId, &[TensorId]) -> Option<bool> {
        move |op, dying| Some(self.working_set_with(op, dying) <= size)
    }

    /// Dependences with which all orders fit. `fits` says whether an operator fits if these of its operands die with
    /// it, if known.
    fn orders(&self, fits: &dyn Fn(OpId, &[TensorId]) -> Option<bool>) -> Orders {
        let mut ways: Vec<(OpId, Vec<Vec<TensorId>>)> = Vec::new();
        let mut is_complete = true;
        for op in self.graph.op_ids() {
            if fits(op, &[]) == Some(true) {
                continue;
            }
            let mut least: Vec<Vec<TensorId>> = Vec::new();
            let mut is_known = true;
            for way in self.ways(op) {
                let fits = fits(op, &way);
                is_known &= fits.is_some();
                if fits != Some(true) {
                    continue;
                }
                if !least.iter().any(|known| known.iter().all(|it| way.contains(it))) {
                    least.push(way);
                }
            }
            if least.is_empty() {
                return if is_known { Orders::None } else { Orders::Unknown };
            }
            is_complete &= is_known && self.uncertain(op).len() <= MAX_OPERANDS;
            ways.push((op, least));
        }
        // The operator with the fewest ways goes first.
        ways.sort_by_key(|(op, ways)| (ways.len(), *op));
        let is_forced = is_complete && ways.iter().all(|(_, ways)| ways.len() == 1);
        let n_dependences: usize = self.graph.op_ids().map(|op| self.graph.successors(op).len()).sum();
        let n_visits = (self.graph.ops().len() + n_dependences).max(1);
        let mut n_choices = MAX_CHOICES.min(MAX_VISITS / n_visits);
        match self.choose(&ways, &mut Vec::new(), &mut HashSet::new(), &mut n_choices) {
            Some(edges) => Orders::Fit { edges, is_forced },
            None if is_complete && 0 < n_choices => Orders::None,
            None => Orders::Unknown,
        }
    }

    /// Chooses a way for each of these operators such that an order remains with the dependences so far. No tensor can
    /// die with two operators; `dying` contains those that do so already.
    fn choose(
        &self,
        ways: &[(OpId, Vec<Vec<TensorId>>)],
        edges: &mut Edges,
        dying: &mut HashSet<TensorId>,
        n_choices: &mut usize,
    ) -> Option<Edges> {
        // The operators with a single way are one choice.
        let n_certain = ways.iter().take_while(|(_, ways)| ways.len() == 1).count().max(1);
        let Some((certain, rest)) = ways.split_at_checked(n_certain) else { return Some(edges.clone()) };
        let n_before = edges.len();
        for choice in 0..certain[0].1.len() {
            *n_choices = n_choices.checked_sub(1)?;
            let deaths: Vec<(OpId, TensorId)> =
                certain.iter().flat_map(|(op, ways)| ways[choice].iter().map(|tensor| (*op, *tensor))).collect();
            let n_possible = deaths.iter().take_while(|(_, tensor)| dying.insert(*tensor)).count();
            if n_possible == deaths.len() {
                for (op, tensor) in &deaths {
                    let others = self.graph.readers(*tensor).iter().filter(|it| *it != op);
                    edges.extend(others.map(|other| (*other, *op)));
                }
                if order_with(self, edges).is_some()
                    && let Some(found) = self.choose(rest, edges, dying, n_choices)
                {
                    return Some(found);
                }
                edges.truncate(n_before);
            }
            deaths[..n_possible].iter().for_each(|(_, tensor)| _ = dying.remove(tensor));
        }
        None
    }

    /// The same problem with dependences such that all of its orders fit, if it fits in some allowed orders, but not in
    /// all.
    pub(crate) fn restricted(&self, order: Order) -> Option<Restricted> {
        let (edges, is_forced) = match order {
            Order::Source => {
                let dies = |op: OpId, pair: &InPlace| self.graph.readers(pair.operand).last() == Some(&op);
                let fits = |op: OpId| self.has_room(op, |pair| dies(op, pair)) == Some(true);
                let following = self.graph.op_ids().zip(self.graph.op_ids().skip(1)).collect();
                self.graph.op_ids().all(fits).then_some((following, true))?
            }
            Order::Free => match self.orders(&|op, dying| self.has_room(op, |it| dies_with(it, dying))) {
                Orders::Fit { edges, is_forced } => (edges, is_forced),
                Orders::None | Orders::Unknown => return None,
            },
        };
        Some(Restricted::new(self, &edges, is_forced))
    }
}

/// Whether the operand of a pair dies with the operator if these do, in addition to those that do so in every order.
fn dies_with(pair: &InPlace, dying: &[TensorId]) -> bool {
    pair.dies == Dies::Always || pair.dies == Dies::Sometimes && dying.contains(&pair.operand)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shape, seeded_problem};
    use crate::{Options, Solver, check, plan};

    /// The least over all orders, by enumeration.
    fn by_trying(problem: &Problem) -> Bytes {
        fn extend(problem: &Problem, order: &mut Vec<OpId>, best: &mut Bytes) {
            let graph = &problem.graph;
            if order.len() == graph.ops().len() {
                let ran_before = |op: OpId, reader: &OpId| {
                    order.iter().position(|it| it == reader) <= order.iter().position(|it| *it == op)
                };
                let dies = |op: OpId, pair: &InPlace| graph.readers(pair.operand).iter().all(|it| ran_before(op, it));
                let needs = graph.op_ids().map(|op| problem.working_set_where(op, |pair| dies(op, pair)));
                *best = (*best).min(needs.max().unwrap_or(Bytes::ZERO));
                return;
            }
            for op in graph.op_ids().filter(|op| !order.contains(op)).collect::<Vec<_>>() {
                if graph.predecessors(op).iter().all(|it| order.contains(it)) {
                    order.push(op);
                    extend(problem, order, best);
                    order.pop();
                }
            }
        }
        let mut best = Bytes(u64::MAX);
        extend(problem, &mut Vec::new(), &mut best);
        best
    }

    #[test]
    fn it_is_the_least_over_all_orders_and_there_is_a_plan() {
        let (mut n_by_order, mut n_of_source) = (0, 0);
        for seed in 0..3000 {
            let mut problem = seeded_problem(Shape { ops: 5, ..Shape::TINY }, seed);
            let least = problem.least_scratchpad(Order::Free);
            assert_eq!(least, LeastScratchpad { size: by_trying(&problem), is_exact: true }, "{problem}");
            if least.size == problem.min_scratchpad() {
                continue;
            }
            n_by_order += 1;
            problem.machine = problem.machine.with_scratchpad(least.size);
            let mut costs = Vec::new();
            let solvers = [Solver::Auto, Solver::Search, Solver::Ilp];
            for solver in solvers.into_iter().filter(|it| cfg!(feature = "ilp") || *it != Solver::Ilp) {
                let solution = plan(&problem, &Options { solver, ..Options::default() }).expect("there is a plan");
                let traffic = check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
                assert_eq!(traffic.non_compulsory, solution.non_compulsory, "{problem}");
                costs.push((solution.non_compulsory, solution.lower_bound));
            }
            assert!(costs.iter().all(|a| costs.iter().all(|b| a.1 <= b.0)), "{costs:?}\n{problem}");

            let of_source = problem.least_scratchpad(Order::Source).size;
            problem.machine = problem.machine.with_scratchpad(of_source);
            for solver in [Solver::Auto, Solver::Greedy] {
                let options = Options { solver, order: Order::Source, ..Options::default() };
                let solution = plan(&problem, &options).expect("there is a plan");
                assert!(solution.plan.order.is_sorted(), "{problem}");
                check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
            }
            n_of_source += usize::from(of_source < problem.min_scratchpad());

            let too_small = Bytes(least.size.0 - 1);
            problem.machine = problem.machine.with_scratchpad(too_small);
            let error = plan(&problem, &Options::default()).expect_err("it is too small");
            let Error::ScratchpadTooSmall { min_scratchpad, .. } = error else { panic!("{error}\n{problem}") };
            assert_eq!(min_scratchpad, least.size, "{problem}");
        }
        assert!(20 < n_by_order && 5 < n_of_source, "{n_by_order} {n_of_source}");
    }

    /// Two operators that may each overwrite a tensor that both read, but not both.
    #[test]
    fn ways_that_exclude_each_other() {
        let text = "machine scratchpad 64 alignment 64 weights resident
             argument x 64
             op a: x -> p 64 over x
             op b: x -> q 64 over x
             return p q";
        let problem: Problem = text.parse().expect("a problem");
        assert_eq!(problem.least_scratchpad(Order::Free), LeastScratchpad { size: Bytes(128), is_exact: true });
        let error = plan(&problem, &Options::default()).expect_err("one of them needs a place beside it");
        assert!(matches!(error, Error::ScratchpadTooSmall { needed: Bytes(128), min_scratchpad: Bytes(128), .. }));
    }

    /// Operands may die with either of two operators; dying with both needs an order that the edges exclude.
    #[test]
    fn ways_that_edges_exclude() {
        let text = "machine scratchpad 5 alignment 1 weights resident
             argument x 1
             op m: x -> p 4
             op n: x -> r 4
             op a: p -> q 4 over p
             op c: r -> t 4 over r
             op b: p -> s 1
             op d: r -> u 1
             order c b
             order a d
             return q s t u";
        let problem: Problem = text.parse().expect("a problem");
        assert_eq!(by_trying(&problem), Bytes(8));
        assert_eq!(problem.least_scratchpad(Order::Free), LeastScratchpad { size: Bytes(8), is_exact: true });
        let error = plan(&problem, &Options::default()).expect_err("one of them needs a place beside it");
        assert!(
            matches!(error, Error::ScratchpadTooSmall { needed: Bytes(8), min_scratchpad: Bytes(8), .. }),
            "{error}"
        );
    }
}
