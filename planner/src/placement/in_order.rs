//! The best placement in one order.

use super::addresses::{Packed, Packers};
use super::bound::{Relaxation, relax};
use super::fill::{Assignment, by_regret, fill, lower};
use super::largest_first::largest_first;
use super::settled::Apart;
use super::{Accesses, Lives, Placement, Rooms, Settled};
use crate::{Bytes, Deadline, Error, MemoryId, OpId, Place, Problem, TensorId};
use std::ops::Range;
use std::time::Duration;

/// A placement that was found.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub cost: u64,
    pub places: Vec<Option<Place>>,
    pub workspaces: Vec<Bytes>,
}

impl Best {
    pub fn placement(self, order: &[OpId]) -> Placement {
        Placement { order: order.to_vec(), places: self.places, workspaces: self.workspaces }
    }
}

/// A problem with a fixed order.
pub(super) struct InOrder<'a> {
    problem: &'a Problem,
    accesses: &'a Accesses,
    apart: &'a Apart,
    order: &'a [OpId],
    lives: Lives,
    rooms: Rooms,
}

/// The usable shares of each capacity that are tried in turn if assignments cannot be packed.
const SHARES: [f64; 5] = [1.0, 0.98, 0.94, 0.88, 0.75];

/// The time limit for packing an assignment by rule: there are others.
const PACKING: Duration = Duration::from_millis(100);

impl<'a> InOrder<'a> {
    pub fn new(problem: &'a Problem, accesses: &'a Accesses, apart: &'a Apart, order: &'a [OpId]) -> InOrder<'a> {
        let lives = Lives::in_order(problem, order);
        let rooms = Rooms::of(problem, &lives);
        InOrder { problem, accesses, apart, order, lives, rooms }
    }

    /// A placement by rule, if it costs less than `upper`, and a bound.
    pub fn fill(&self, upper: Option<u64>, deadline: Deadline) -> (Option<Best>, u64) {
        let packers = Packers::new(self.problem, self.order, &self.lives);
        let rows = self.lives.without_inner(self.problem, self.accesses);
        let mut best = self.fill_by(&self.accesses.options, &rows, &packers, upper, deadline);
        if let Some(found) = self.largest_first(upper).filter(|it| best.as_ref().is_none_or(|best| it.cost < best.cost))
        {
            best = Some(found);
        }
        let least = |best: &Option<Best>| best.as_ref().map(|it| it.cost).or(upper);
        let relaxation = self.relax(least(&best), deadline);
        if least(&best).is_none_or(|it| relaxation.bound < it)
            && let Some(found) = self.fill_by(&relaxation.at_least, &rows, &packers, least(&best), deadline)
        {
            best = Some(found);
        }
        (best, relaxation.bound)
    }

    fn relax(&self, upper: Option<u64>, deadline: Deadline) -> Relaxation {
        relax(self.problem, self.accesses, &self.lives, &self.rooms, upper, deadline)
    }

    fn fill_by(
        &self,
        options: &[Vec<(MemoryId, u64)>],
        rows: &[Vec<Range<u32>>],
        packers: &Packers<'_>,
        upper: Option<u64>,
        deadline: Deadline,
    ) -> Option<Best> {
        let order = by_regret(options, &self.lives, &self.rooms);
        for share in SHARES {
            let Some(mut assignment) = fill(options, &order, rows, &self.rooms, self.apart, share) else { continue };
            lower(self.accesses, rows, &self.rooms, self.apart, share, &mut assignment);
            if upper.is_some_and(|it| it <= self.accesses.sum(&assignment)) {
                return None;
            }
            if let Ok(best) = self.pack(packers, &assignment, deadline.within(PACKING)) {
                return Some(best);
            }
            if deadline.has_passed() {
                break;
            }
        }
        None
    }

    /// The placement by ExecuTorch's rule, if it costs less than `upper`.
    fn largest_first(&self, upper: Option<u64>) -> Option<Best> {
        let places = largest_first(self.problem, self.accesses, self.apart, &self.lives)?;
        let assignment: Assignment = places.places.iter().map(|it| it.map(|it| it.memory)).collect();
        let cost = self.accesses.sum(&assignment);
        let best = Best { cost, places: places.places, workspaces: places.workspaces };
        upper.is_none_or(|it| cost < it).then_some(best)
    }

    /// Addresses for an assignment, or the memory that could not be packed and its tensors.
    fn pack(&self, packers: &Packers<'_>, assignment: &Assignment, deadline: Deadline) -> Result<Best, Unpacked> {
        let mut places = vec![None; assignment.len()];
        let mut workspaces = vec![Bytes::ZERO; self.order.len()];
        for memory in (0..self.problem.machine.memories().len() as u32).map(MemoryId) {
            let all = (0..).map(TensorId).zip(assignment);
            let tensors: Vec<TensorId> = all.filter(|it| *it.1 == Some(memory)).map(|it| it.0).collect();
            match packers.pack(memory, &tensors, deadline) {
                Packed::Placed(offsets, of_memory) => {
                    for (tensor, offset) in offsets {
                        places[tensor.index()] = Some(Place { memory, offset });
                    }
                    if memory == MemoryId::SCRATCHPAD {
                        workspaces = of_memory;
                    }
                }
                Packed::Infeasible => return Err(Unpacked { memory, tensors, is_proven: true }),
                Packed::Undecided => return Err(Unpacked { memory, tensors, is_proven: false }),
            }
        }
        Ok(Best { cost: self.accesses.sum(assignment), places, workspaces })
    }
}

/// A memory that could not be packed.
#[cfg_attr(not(feature = "ilp"), expect(dead_code, reason = "integer programs alone read it"))]
struct Unpacked {
    memory: MemoryId,
    tensors: Vec<TensorId>,
    is_proven: bool,
}

#[cfg(not(feature = "ilp"))]
impl InOrder<'_> {
    /// Without integer programs there is nothing better.
    #[expect(clippy::unnecessary_wraps, reason = "as with integer programs")]
    pub fn improve(&self, _: Option<u64>, bound: u64, _: Deadline) -> Result<(Option<Best>, u64), Error> {
        Ok((None, bound))
    }
}

/// A better bound on placements in any order than that of the relaxation of these lives.
#[cfg(not(feature = "ilp"))]
pub(super) fn bound_by_assignment(_: &Settled<'_>, _: &Accesses, _: &Lives, _: u64, bound: u64, _: Deadline) -> u64 {
    bound
}

#[cfg(feature = "ilp")]
mod exact {
    use super::*;
    use crate::ilp::placement::{Assigned, Assigning, Together};

    /// The maximum number of assignments that are cut off because they cannot be packed.
    const MAX_CUTS: usize = 400;

    /// The node limit of each program.
    const MAX_NODES: i32 = 100_000;

    /// The maximum number of calls of the packer to reduce a set of tensors that do not fit together.
    const MAX_QUESTIONS: usize = 60;

    impl InOrder<'_> {
        /// A placement that costs less than `upper`, if one is found, and a bound. `upper` is [`u64::MAX`] if there is
        /// no placement yet. The bound only holds for placements that cost less than `upper`.
        pub fn improve(
            &self,
            mut upper: Option<u64>,
            bound: u64,
            deadline: Deadline,
        ) -> Result<(Option<Best>, u64), Error> {
            let packers = Packers::new(self.problem, self.order, &self.lives);
            let relaxation = self.relax(upper, deadline);
            let mut bound = bound.max(relaxation.bound);
            // The least cost of the assignments that were given up without proof.
            let mut ceiling = u64::MAX;
            let mut best: Option<Best> = None;
            let mut cuts: Vec<Together> = apart_from_each_other(self.apart);
            let most_cuts = cuts.len() + MAX_CUTS;
            while upper.is_none_or(|it| bound.min(ceiling) < it) && cuts.len() < most_cuts && !deadline.has_passed() {
                let (options, rows) = (remaining(self.accesses, &relaxation, upper), &self.lives);
                let Some(options) = options else {
                    bound = upper.unwrap_or(u64::MAX);
                    break;
                };
                let assigning = Assigning {
                    problem: self.problem,
                    options: &options,
                    lives: rows,
                    rooms: &self.rooms,
                    cuts: &cuts,
                    least: bound.min(ceiling),
                    most: upper.map(|it| it - 1),
                };
                let Assigned { assignment, bound: known, is_infeasible } = assigning.solve(MAX_NODES, deadline)?;
                bound = if is_infeasible { upper.unwrap_or(u64::MAX) } else { bound.max(known) };
                let Some(assignment) = assignment else { break };
                match self.pack(&packers, &assignment, deadline.part(0.2)) {
                    Ok(found) => {
                        upper = Some(found.cost);
                        best = Some(found);
                    }
                    Err(unpacked) => {
                        let tensors = match unpacked.is_proven {
                            true => reduce(&packers, unpacked.memory, unpacked.tensors, deadline),
                            false => {
                                ceiling = ceiling.min(bound);
                                unpacked.tensors
                            }
                        };
                        cuts.push(Together { memory: unpacked.memory, tensors });
                    }
                }
            }
            Ok((best, bound.min(ceiling)))
        }
    }

    pub fn bound_by_assignment(
        settled: &Settled<'_>,
        accesses: &Accesses,
        lives: &Lives,
        upper: u64,
        bound: u64,
        deadline: Deadline,
    ) -> u64 {
        let problem = &settled.problem;
        let rooms = Rooms::of(problem, lives);
        let relaxation = relax(problem, accesses, lives, &rooms, Some(upper), deadline);
        let bound = bound.max(relaxation.bound);
        let Some(options) = remaining(accesses, &relaxation, Some(upper)) else { return upper };
        let (options, rooms) = (&options, &rooms);
        let most = Some(upper.saturating_sub(1));
        let cuts = &apart_from_each_other(&settled.apart);
        let assigning = Assigning { problem, options, lives, rooms, cuts, least: bound, most };
        match assigning.solve(MAX_NODES, deadline) {
            Ok(Assigned { is_infeasible: true, .. }) => upper,
            Ok(it) => bound.max(it.bound),
            Err(_) => bound,
        }
    }

    /// The pairs of tensors that may not lie in one bank.
    fn apart_from_each_other(apart: &Apart) -> Vec<Together> {
        apart.pairs().map(|(memory, tensors)| Together { memory, tensors: tensors.to_vec() }).collect()
    }

    /// The options of each tensor with which a placement may cost less than `upper`; `None` if some tensor has none.
    fn remaining(
        accesses: &Accesses,
        relaxation: &Relaxation,
        upper: Option<u64>,
    ) -> Option<Vec<Vec<(MemoryId, u64)>>> {
        let of = |(tensor, options): (usize, &Vec<(MemoryId, u64)>)| {
            let at_least = &relaxation.at_least[tensor];
            let may =
                |memory: MemoryId| at_least.iter().any(|it| it.0 == memory && upper.is_none_or(|upper| it.1 < upper));
            let left: Vec<(MemoryId, u64)> = options.iter().filter(|it| may(it.0)).copied().collect();
            (options.is_empty() || !left.is_empty()).then_some(left)
        };
        accesses.options.iter().enumerate().map(of).collect()
    }

    /// A minimal subset of these tensors without a packing, as far as can be found quickly: a deletion filter that
    /// first removes groups of neighbours in time.
    fn reduce(
        packers: &Packers<'_>,
        memory: MemoryId,
        mut tensors: Vec<TensorId>,
        deadline: Deadline,
    ) -> Vec<TensorId> {
        tensors.sort_by_key(|it| packers.first_row(*it));
        let mut n_questions = 0;
        let mut group = tensors.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < tensors.len() && n_questions < MAX_QUESTIONS && !deadline.has_passed() {
                let mut others = tensors.clone();
                others.drain(at..tensors.len().min(at + group));
                let mut sorted = others.clone();
                sorted.sort_unstable();
                n_questions += 1;
                match packers.pack(memory, &sorted, deadline.part(0.05)) {
                    Packed::Infeasible => tensors = others,
                    Packed::Placed(..) | Packed::Undecided => at += group,
                }
            }
            if group == 1 {
                break;
            }
            group = group.div_ceil(2);
        }
        tensors
    }
}
#[cfg(feature = "ilp")]
pub(super) use exact::bound_by_assignment;
