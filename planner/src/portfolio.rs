//! From a problem to a plan: the turns of the solvers, and the use of their answers.

#[cfg(feature = "ilp")]
pub(crate) mod ilp;
#[cfg(not(feature = "ilp"))]
#[path = "portfolio/without_ilp.rs"]
pub(crate) mod ilp;

use crate::banks::{Banked, apart, unavoidable, wish};
use crate::baseline::{depth_first, outlines_until};
use crate::deadline::Race;
use crate::incumbent::Incumbent;
use crate::keep::plan_keeping;
use crate::passing::plan_with_choices;
use crate::progress::{Observer, Phase, Watcher};
use crate::restricted::Restricted;
use crate::search::{STATE_LIMIT, SearchOptions, search};
use crate::unpackable::plan_anyway;
use crate::{
    Apart, BankConflicts, Bytes, Deadline, Error, LeastScratchpad, OpId, Outline, Plan, Problem, address, greedy,
};
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

/// The share of the time limit after which addresses are assigned to the best outline.
const SHARE_OF_SEARCH: f64 = 0.8;

/// The same for a fixed order, where only replacement is decided before.
const SHARE_OF_REPLACEMENT: f64 = 0.3;

/// The share of the time limit before banks are chosen, if bank conflicts matter.
const SHARE_BEFORE_BANKS: f64 = 0.7;

/// The limits of states that the search keeps in its first turn, in all and per level, and its share of the remaining
/// time.
const STATES_AT_FIRST: usize = 1_280_000;
const WIDEST_AT_FIRST: usize = 16_000;
const SHARE_OF_FIRST: f64 = 0.5;

/// The number of states per level in the search's second turn.
const PROOF_WIDTH_AFTERWARDS: usize = 128_000;

/// The share of the remaining time for the backbone program beside the search: the solver may stop late.
const SHARE_OF_BACKBONE: f64 = 0.7;

/// The share of the remaining time for the best replacement for a known order.
const SHARE_OF_IMPROVING: f64 = 0.2;

/// The share of the remaining time for simple rules that choose an order.
const SHARE_OF_RULES: f64 = 0.2;

/// The number of sets of operators per level when the initial order with the least peak is chosen.
const WIDTH_OF_RULES: usize = 100;

/// The number of operators from which on problems that the search leaves open are divided for integer programming. The
/// search leaves smaller ones open only because of its limits.
const MIN_OPS_TO_DIVIDE: usize = 100;

/// The number of operators from which on simple orders are planned completely beside the search.
const MIN_OPS_TO_KEEP_ORDERS: usize = 200;

/// The number of operators from which on replacement starts from the farthest next use.
#[cfg(feature = "ilp")]
const MIN_OPS_TO_START_GREEDILY: usize = 400;

/// The share of the time limit for packing one outline.
pub(crate) const SHARE_OF_PACKING: f64 = 0.05;

/// The solver that decides order and residency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Solver {
    /// All of them, until one has a proof.
    #[default]
    Auto,
    /// The exact search.
    Search,
    /// Integer programming.
    Ilp,
    /// Source order, evicting the tensor with the farthest next use. No proof.
    Greedy,
}

impl Solver {
    /// The name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Solver::Auto => "auto",
            Solver::Search => "search",
            Solver::Ilp => "ilp",
            Solver::Greedy => "greedy",
        }
    }
}

/// The allowed orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// Any order that respects the dependences.
    #[default]
    Free,
    /// Source order.
    Source,
}

/// The objective on a machine with a clock. Without one it is always the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Objective {
    /// The traffic; then the time, among the programs of a plan with that traffic.
    #[default]
    Traffic,
    /// The time; traffic matters only as far as it takes time.
    Latency,
}

/// Options of planning.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The solver.
    pub solver: Solver,
    /// The allowed orders.
    pub order: Order,
    /// The objective of [`time::plan_in_time()`](crate::time::plan_in_time); all other functions minimise traffic.
    pub objective: Objective,
    /// The time limit of the search for something better. There is always a plan.
    pub time_limit: Duration,
    /// The number of states that the search may keep in all, which limits its memory: at most about 100 B for each, so
    /// 0.6 GB by default, and as much for the sets of operators that they belong to. Unlike the time limit, it does not
    /// make the result depend on the machine. The memory of integer programs is limited by their size: the largest take
    /// a few hundred megabytes.
    pub state_limit: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            solver: Solver::Auto,
            order: Order::Free,
            objective: Objective::Traffic,
            time_limit: Duration::from_secs(60),
            state_limit: STATE_LIMIT,
        }
    }
}

/// A plan, its cost and a bound.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The plan.
    pub plan: Plan,
    /// Its non-compulsory bytes.
    pub non_compulsory: Bytes,
    /// A proven lower bound on the non-compulsory bytes of every plan with an allowed order.
    pub lower_bound: Bytes,
    /// The non-compulsory bytes caused by addresses: those beyond the cost of the best order and residency found
    /// without addresses.
    pub fragmentation: Bytes,
    /// The bank conflicts of the plan, if they are not allowed or have a price.
    pub bank_conflicts: BankConflicts,
    /// The solver that made the plan; never [`Solver::Auto`]. The plan given to [`plan_from()`] counts as
    /// [`Solver::Greedy`].
    pub solver: Solver,
}

impl Solution {
    /// Whether the plan is proven optimal: no plan has less traffic, and none has fewer bank conflicts.
    pub fn is_optimal(&self) -> bool {
        self.non_compulsory <= self.lower_bound && self.bank_conflicts.count <= self.bank_conflicts.least
    }
}

/// Plans a problem.
///
/// 1. Order and residency are decided with the sum of padded sizes as the only limit on space.
/// 2. The result is packed. If that succeeds, nothing is lost: the optimum of the first step is the optimum of the
///    whole.
/// 3. Otherwise, planning continues until there is a plan with addresses (`unpackable.rs`). The bound stays that of the
///    first step, unless a small problem is solved with addresses as a whole.
///
/// Search and integer programming take turns, at points counted in states and nodes instead of seconds, and exchange
/// plans and bounds; so the resulting plan does not depend on their speed. Problems that remain open are given to both
/// concurrently, until one of them has a proof. Then the choice among several plans with that traffic may depend on the
/// machine, as does any result that the time limit cuts short.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::Solver`] if a solver was requested by name and fails or is not built in.
pub fn plan(problem: &Problem, options: &Options) -> Result<Solution, Error> {
    plan_within(problem, options, Deadline::after(options.time_limit))
}

/// Likewise until a deadline, whose watcher stops it too.
pub(crate) fn plan_within(problem: &Problem, options: &Options, deadline: Deadline) -> Result<Solution, Error> {
    match problem.without_banks()? {
        None => plan_on_stretches(problem, options, None, deadline),
        Some(banked) => plan_in_banks(&banked, options, None, deadline),
    }
}

/// Plans a problem with banks: the traffic first, then the banks of tensors, if bank conflicts matter.
fn plan_in_banks(
    banked: &Banked<'_>,
    options: &Options,
    incumbent: Option<&Plan>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let problem = banked.original();
    let least = unavoidable(problem)?;
    let known = match incumbent {
        Some(it) => Some(Incumbent::new(banked.problem(), options.order, &banked.forth(it.clone()))?),
        None => None,
    };
    let (limited, end) = match wish(problem) {
        Apart::No => (*options, deadline),
        Apart::Must | Apart::Price(_) => {
            let time_limit = options.time_limit.mul_f64(SHARE_BEFORE_BANKS);
            (Options { time_limit, ..*options }, deadline.part(SHARE_BEFORE_BANKS))
        }
    };
    let solution = plan_on_stretches(banked.problem(), &limited, known.as_ref(), end);
    let solution = solution.map_err(|error| banked.error(error))?;
    let solution = Solution { plan: banked.back(solution.plan), ..solution };
    apart(problem, options.order, solution, incumbent, least, deadline)
}

/// Plans a problem as [`plan()`] does, with progress reports to a watcher: at each change of [`Phase`] and about ten
/// times a second. The watcher's answer can stop planning. Then the best result so far becomes the plan, within some
/// tenths of a second, with the bound proven so far.
///
/// A watcher that does not stop planning has no effect on the plan.
///
/// ```
/// # use cosma_planner::{Options, Problem, Progress, plan_watched};
/// # use std::ops::ControlFlow;
/// # let problem: Problem = "machine scratchpad 128 alignment 64 weights resident
/// # argument x 64
/// # op f: x -> y 64
/// # return y
/// # ".parse()?;
/// let watcher = |progress: &Progress| {
///     println!("{}: {:?}, at least {}", progress.phase, progress.best, progress.lower_bound);
///     // One per cent is good enough.
///     if progress.gap().is_some_and(|gap| gap < 0.01) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// };
/// let solution = plan_watched(&problem, &Options::default(), &watcher)?;
/// # assert!(solution.is_optimal());
/// # Ok::<(), cosma_planner::Error>(())
/// ```
///
/// # Errors
/// Those of [`plan()`].
pub fn plan_watched(problem: &Problem, options: &Options, watcher: &Watcher) -> Result<Solution, Error> {
    watched(problem, options, None, watcher)
}

/// Plans a problem as [`plan_watched()`] does, starting from an existing plan; the result moves no more. To ignore
/// progress, pass `&|_| ControlFlow::Continue(())`.
///
/// The incumbent also prunes the search. If it moves no more than every plan moves ([`Problem::restreamed`]), it is
/// returned unchanged.
///
/// ```
/// # use cosma_planner::{Options, Problem, greedy_plan, plan_from};
/// # use std::ops::ControlFlow;
/// # let problem: Problem = "machine scratchpad 128 alignment 64 weights resident
/// # argument x 64
/// # op f: x -> y 64
/// # return y
/// # ".parse()?;
/// let incumbent = greedy_plan(&problem)?;
/// let solution = plan_from(&problem, &Options::default(), &incumbent, &|_| ControlFlow::Continue(()))?;
/// assert!(solution.non_compulsory <= incumbent.non_compulsory(&problem));
/// # Ok::<(), cosma_planner::Error>(())
/// ```
///
/// # Errors
/// [`Error::Incumbent`] if the judge rejects the incumbent, or its order is not allowed; otherwise those of [`plan()`].
pub fn plan_from(problem: &Problem, options: &Options, incumbent: &Plan, watcher: &Watcher) -> Result<Solution, Error> {
    watched(problem, options, Some(incumbent), watcher)
}

fn watched(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Plan>,
    watcher: &Watcher,
) -> Result<Solution, Error> {
    let banked = problem.without_banks()?;
    let known = match incumbent.filter(|_| banked.is_none() || wish(problem) == Apart::Must) {
        Some(it) => Some(Incumbent::new(problem, options.order, it)?),
        None => None,
    };
    let observer = Observer::new(watcher, problem.restreamed(), options.time_limit);
    let deadline = Deadline::after(options.time_limit).watched(&observer);
    let solution = match &banked {
        None => plan_on_stretches(problem, options, known.as_ref(), deadline)?,
        Some(banked) => plan_in_banks(banked, options, incumbent, deadline)?,
    };
    deadline.proved(solution.lower_bound);
    deadline.planned(solution.non_compulsory);
    deadline.enter(Phase::Done);
    Ok(solution)
}

/// Plans a problem with weights that may be kept from run to run, or with reserved addresses. Reserved addresses at
/// either end make the scratchpad smaller.
pub(crate) fn plan_on_stretches(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    if problem.graph.keepable().next().is_some() {
        return plan_keeping(problem, options, incumbent, deadline);
    }
    if let Some(framed) = problem.framed() {
        problem.check_pins()?;
        let incumbent = match incumbent {
            Some(it) => Some(Incumbent::new(framed.problem(), options.order, &framed.lift(&it.plan))?),
            None => None,
        };
        let solution = plan_on_stretches(framed.problem(), options, incumbent.as_ref(), deadline);
        let solution = solution.map_err(|error| framed.error(error))?;
        return Ok(Solution { plan: framed.strip(&solution.plan), ..solution });
    }
    let stretches = problem.machine.stretches();
    // A pin is relative to the whole scratchpad.
    if problem.machine.reserved().is_empty() || 1 < stretches.len() || problem.graph.has_pins() {
        return plan_if_it_fits(problem, options, incumbent, deadline);
    }
    let stretch = problem.machine.largest_stretch();
    let free = Problem { graph: problem.graph.clone(), machine: problem.machine.with_stretch(&stretch) };
    let incumbent = incumbent.map(|it| Incumbent { plan: it.plan.clone().lowered(stretch.start), ..it.clone() });
    let solution = plan_if_it_fits(&free, options, incumbent.as_ref(), deadline)?;
    Ok(Solution { plan: solution.plan.shifted(stretch.start), ..solution })
}

/// Plans a problem that fits in every allowed order, or is restricted to orders in which it does: see
/// [`least`](mod@crate::least).
pub(crate) fn plan_if_it_fits(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let error = match problem.check() {
        Ok(()) => return plan_until(problem, options, incumbent, deadline),
        Err(error) => error,
    };
    if !matches!(error, Error::ScratchpadTooSmall { .. } | Error::NoPlace { .. }) {
        return Err(error);
    }
    let order = options.order;
    let Some(restricted) = problem.restricted(order) else {
        let Error::ScratchpadTooSmall { op, needed, scratchpad, .. } = error else {
            return Err(problem.no_place_in(order).unwrap_or(error));
        };
        let LeastScratchpad { size, .. } = problem.least_scratchpad(order);
        // If each operator fits in some order, but not all in one, the error names the one that needs the most in
        // another order.
        let (op, needed) = match problem.most_demanding(order) {
            (of_all, least) if scratchpad < least => (of_all, least),
            _ => (op, needed),
        };
        return Err(Error::ScratchpadTooSmall { op, needed, scratchpad, min_scratchpad: size });
    };
    let is_forced = restricted.is_forced;
    let deadline = if is_forced { deadline } else { deadline.in_private() };
    let solution = plan_until(restricted.problem(), options, None, deadline)?;
    let lower_bound = if is_forced { solution.lower_bound } else { problem.restreamed() };
    let mut solution = Solution { plan: restricted.expand(solution.plan), lower_bound, ..solution };
    solution.offer_incumbent(incumbent);
    Ok(solution)
}

pub(crate) fn plan_until(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let solution = match problem.graph.has_choices() {
        true => plan_with_choices(problem, options, incumbent, SHARE_OF_SEARCH, deadline)?,
        false => decide_and_place(problem, options, incumbent, deadline)?,
    };
    let Solution { non_compulsory, lower_bound, .. } = &solution;
    assert!(lower_bound <= non_compulsory, "a plan moves {non_compulsory} B, but at least {lower_bound} B:\n{problem}");
    Ok(solution)
}

fn decide_and_place(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    if let Some(known) = incumbent {
        deadline.found(known.outline.non_compulsory(problem));
        deadline.planned(known.non_compulsory);
        if known.non_compulsory <= problem.restreamed() {
            return Ok(known.solution(problem.restreamed()));
        }
    }
    // Addresses need some time too; most of it with a fixed order, where they are the hardest part.
    let is_fixed = options.order == Order::Source
        && (options.solver == Solver::Ilp || options.solver == Solver::Auto && ilp::IS_BUILT_IN);
    let share = if is_fixed { SHARE_OF_REPLACEMENT } else { SHARE_OF_SEARCH };
    let search_deadline = deadline.within(options.time_limit.mul_f64(share));
    let first = decide_until(problem, options, incumbent, search_deadline, deadline)?;
    let is_cut_off = !first.is_optimal() && search_deadline.has_passed() && !deadline.has_passed();
    if !is_fixed || first.fragmentation != Bytes::ZERO || !is_cut_off {
        return Ok(first);
    }
    let search_deadline = deadline.within(options.time_limit.mul_f64(SHARE_OF_SEARCH - share));
    let second = decide_until(problem, options, Some(&Incumbent::of(problem, &first)), search_deadline, deadline)?;
    Ok(Solution { lower_bound: first.lower_bound.max(second.lower_bound), ..second })
}

/// Decides until one deadline, and assigns addresses until another one.
fn decide_until(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    search_deadline: Deadline,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let known = incumbent.map(|it| &it.outline);
    let decision = decide(problem, options, known, search_deadline)?;
    place(problem, options, decision, incumbent, deadline)
}

/// Assigns addresses to a decision.
pub(crate) fn place(
    problem: &Problem,
    options: &Options,
    decision: Decision,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let Decision { ref outline, lower_bound, solver, .. } = decision;
    let in_simple_order = decision.in_simple_order.as_ref().map(|it| Incumbent::of(problem, it));
    let incumbent = incumbent.into_iter().chain(&in_simple_order).min_by_key(|it| it.non_compulsory);
    let non_compulsory = outline.non_compulsory(problem);
    deadline.found(non_compulsory);
    deadline.proved(lower_bound);
    if let Some(known) = incumbent.filter(|it| it.non_compulsory <= non_compulsory) {
        return Ok(known.solution(lower_bound));
    }
    deadline.enter(Phase::Packing);
    let packing_deadline = deadline.within(options.time_limit.mul_f64(SHARE_OF_PACKING)).with_grace();
    if let Some(plan) = address(problem, outline, packing_deadline) {
        return Ok(Solution {
            plan,
            non_compulsory,
            lower_bound,
            fragmentation: Bytes::ZERO,
            bank_conflicts: BankConflicts::default(),
            solver,
        });
    }
    let mut solution = plan_anyway(problem, options, &decision, incumbent, deadline);
    let is_free = options.solver == Solver::Auto && options.order == Order::Free;
    if is_free && decision.in_simple_order.is_none() && !solution.is_optimal() && !deadline.has_passed() {
        let simple = in_simple_orders(problem, options, deadline);
        solution.offer_incumbent(simple.map(|it| Incumbent::of(problem, &it)).as_ref());
    }
    Ok(Solution { fragmentation: solution.non_compulsory.saturating_sub(non_compulsory), ..solution })
}

/// Order and residency, a lower bound on their cost, and the solver that decided them.
pub(crate) struct Decision {
    pub outline: Outline,
    pub lower_bound: Bytes,
    pub solver: Solver,
    /// The best plan in a simple order, if any; its bound is only for that order.
    pub in_simple_order: Option<Solution>,
}

pub(crate) fn decide(
    problem: &Problem,
    options: &Options,
    known: Option<&Outline>,
    deadline: Deadline,
) -> Result<Decision, Error> {
    if problem.graph.has_choices() {
        return decide_with_choices(problem, options, known, deadline);
    }
    match (options.solver, options.order) {
        (Solver::Greedy, _) => Ok(first(problem, Order::Source, known, deadline)),
        (Solver::Ilp, Order::Source) => ilp::fixed_order(problem, known, deadline),
        (Solver::Ilp, Order::Free) => ilp::free_order(problem, deadline),
        (Solver::Auto, Order::Source) if ilp::IS_BUILT_IN => ilp::fixed_order(problem, known, deadline),
        (Solver::Search | Solver::Auto, order) => {
            let all = SearchOptions { order, state_limit: options.state_limit, ..SearchOptions::default() };
            if options.solver != Solver::Auto || order != Order::Free {
                return Ok(search_from(problem, options, &all, first(problem, order, known, deadline), deadline).0);
            }
            let known = first(problem, order, known, deadline);
            Ok(freely(problem, options, &all, known, deadline))
        }
    }
}

/// Decides a problem with choices, with the solvers that support them.
fn decide_with_choices(
    problem: &Problem,
    options: &Options,
    known: Option<&Outline>,
    deadline: Deadline,
) -> Result<Decision, Error> {
    if options.order == Order::Source
        && (options.solver == Solver::Ilp || options.solver == Solver::Auto && ilp::IS_BUILT_IN)
    {
        return ilp::fixed_order(problem, known, deadline);
    }
    let mut best = first(problem, options.order, known, deadline);
    if options.solver == Solver::Greedy || best.is_proven(problem) {
        return Ok(best);
    }
    if options.solver == Solver::Ilp {
        let improved = ilp::improve(problem, &best.outline, deadline).map(|it| (it, best.lower_bound));
        best.take(problem, improved);
        return Ok(best);
    }
    let state_limit = options.state_limit.min(STATES_AT_FIRST);
    let all = SearchOptions { order: options.order, state_limit, widest: WIDEST_AT_FIRST, ..SearchOptions::default() };
    // The other solvers, which do not support choices but do everything else, need time too.
    let deadline = if options.solver == Solver::Auto { deadline.part(SHARE_OF_FIRST) } else { deadline };
    Ok(search_from(problem, options, &all, best, deadline).0)
}

/// Decides over all orders. Concurrently, simple orders of a large problem are planned completely, addresses included,
/// since the search may find none that is better, or one that cannot be packed.
fn freely(problem: &Problem, options: &Options, all: &SearchOptions, known: Decision, deadline: Deadline) -> Decision {
    let is_large = MIN_OPS_TO_KEEP_ORDERS <= problem.graph.ops().len();
    if !is_large || known.is_proven(problem) {
        return in_turns(problem, options, all, known, deadline);
    }
    // A proof ends the race.
    let race = Race::new(known.outline.non_compulsory(problem), known.lower_bound);
    let deadline = deadline.in_race(&race);
    thread::scope(|scope| {
        let beside = scope.spawn(move || in_simple_orders(problem, options, deadline));
        let mut best = in_turns(problem, options, all, known, deadline);
        deadline.proved(best.lower_bound);
        deadline.found(best.outline.non_compulsory(problem));
        best.in_simple_order = beside.join().unwrap_or_else(|panic| resume_unwind(panic));
        best
    })
}

/// A first search, and then all other solvers if it leaves the problem open.
fn in_turns(
    problem: &Problem,
    options: &Options,
    all: &SearchOptions,
    known: Decision,
    deadline: Deadline,
) -> Decision {
    let state_limit = all.state_limit.min(STATES_AT_FIRST);
    let narrow = SearchOptions { state_limit, widest: WIDEST_AT_FIRST, ..*all };
    let (best, can_go_on) = search_from(problem, options, &narrow, known, deadline.part(SHARE_OF_FIRST));
    if best.is_proven(problem) || deadline.has_passed() {
        return best;
    }
    side_by_side(problem, options, all, best, can_go_on, deadline)
}

/// The best plan in source order, or in one of the orders of simple rules.
fn in_simple_orders(problem: &Problem, options: &Options, deadline: Deadline) -> Option<Solution> {
    let source = source_order(problem);
    let mut best = in_order(problem, options, &source, deadline);
    for outline in outlines_until(problem, WIDTH_OF_RULES, deadline.part(SHARE_OF_RULES)) {
        if outline.order != source && !deadline.has_passed() {
            let other = in_order(problem, options, &outline.order, deadline);
            best = best.into_iter().chain(other).min_by_key(|it| it.non_compulsory);
        }
    }
    best
}

/// The best plan in an order.
fn in_order(problem: &Problem, options: &Options, order: &[OpId], deadline: Deadline) -> Option<Solution> {
    let time_limit = deadline.left().unwrap_or(options.time_limit);
    let options = Options { order: Order::Source, time_limit, ..*options };
    let fixed = Restricted::in_order(problem, order).ok()?;
    let solution = plan_until(fixed.problem(), &options, None, deadline.in_private()).ok()?;
    deadline.found(solution.non_compulsory);
    deadline.planned(solution.non_compulsory);
    Some(Solution { plan: fixed.expand(solution.plan), ..solution })
}

/// Runs two groups of solvers concurrently on an open problem: the backbone program; and simple rules, the search, if
/// it can continue, and divide and conquer.
fn side_by_side(
    problem: &Problem,
    options: &Options,
    all: &SearchOptions,
    mut best: Decision,
    can_go_on: bool,
    deadline: Deadline,
) -> Decision {
    let (start, lower_bound) = (best.outline.clone(), best.lower_bound);
    let race = Race::new(start.non_compulsory(problem), lower_bound);
    let deadline = deadline.in_race(&race);
    thread::scope(|scope| {
        let of_backbone = deadline.part(SHARE_OF_BACKBONE);
        let backbone = scope.spawn(move || ilp::backbone(problem, &start, lower_bound, of_backbone));
        deadline.enter(Phase::Rules);
        best.take_rules(problem, deadline);
        deadline.found(best.outline.non_compulsory(problem));
        if can_go_on && STATES_AT_FIRST < all.state_limit && !deadline.has_passed() {
            let further = SearchOptions { beam: 1, proof_width: PROOF_WIDTH_AFTERWARDS, ..*all };
            (best, _) = search_from(problem, options, &further, best, deadline);
        }
        if MIN_OPS_TO_DIVIDE <= problem.graph.ops().len() && !deadline.has_passed() {
            deadline.enter(Phase::Conquer);
            best.take(problem, ilp::refine(problem, &best.outline, deadline));
        }
        deadline.enter(Phase::Backbone);
        best.take(problem, backbone.join().unwrap_or_else(|panic| resume_unwind(panic)));
        deadline.found(best.outline.non_compulsory(problem));
        best
    })
}

/// Searches from the best known outline; also returns whether the search could continue.
fn search_from(
    problem: &Problem,
    options: &Options,
    search_options: &SearchOptions,
    known: Decision,
    deadline: Deadline,
) -> (Decision, bool) {
    let improve = |outline: &Outline| match options.solver {
        Solver::Auto => ilp::improve(problem, outline, deadline.part(SHARE_OF_IMPROVING)),
        _ => None,
    };
    deadline.enter(Phase::Search);
    let search_options = SearchOptions { floor: known.lower_bound, ..*search_options };
    let outcome = search(problem, problem.capacity(), Some(&known.outline), &search_options, &improve, deadline);
    let lower_bound = outcome.lower_bound.max(known.lower_bound);
    let decision = match outcome.outline {
        // An outline of integer programming stays attributed to it.
        Some(outline) if outline == known.outline && known.solver == Solver::Ilp => Decision { lower_bound, ..known },
        Some(outline) => {
            let solver = if outcome.is_improved { Solver::Ilp } else { Solver::Search };
            Decision { outline, lower_bound, solver, ..known }
        }
        None => Decision { lower_bound, ..known },
    };
    (decision, outcome.can_go_on)
}

impl Decision {
    fn is_proven(&self, problem: &Problem) -> bool {
        self.outline.non_compulsory(problem) <= self.lower_bound
    }

    /// Takes the orders of simple rules, each with its best replacement, if that is better.
    fn take_rules(&mut self, problem: &Problem, deadline: Deadline) {
        let outlines = outlines_until(problem, WIDTH_OF_RULES, deadline.part(SHARE_OF_RULES));
        let improving = deadline.part(SHARE_OF_IMPROVING);
        for outline in outlines {
            if self.is_proven(problem) {
                return;
            }
            let improved = ilp::replaced(problem, &outline, improving).map(|outline| (outline, self.lower_bound));
            if outline.non_compulsory(problem) < self.outline.non_compulsory(problem) {
                (self.outline, self.solver) = (outline, Solver::Greedy);
            }
            self.take(problem, improved);
        }
    }

    /// Takes the result of integer programming, if it is better.
    fn take(&mut self, problem: &Problem, found: Option<(Outline, Bytes)>) {
        let Some((outline, lower_bound)) = found else { return };
        self.lower_bound = self.lower_bound.max(lower_bound);
        if outline.non_compulsory(problem) < self.outline.non_compulsory(problem) {
            (self.outline, self.solver) = (outline, Solver::Ilp);
        }
    }
}

/// The initial decision: source order, or depth first if that is allowed and moves less, or the known outline if that
/// moves less. It takes near-linear time.
fn first(problem: &Problem, order: Order, known: Option<&Outline>, deadline: Deadline) -> Decision {
    deadline.enter(Phase::Greedy);
    let mut decision = greedily(problem);
    let cost = decision.outline.non_compulsory(problem);
    if order == Order::Free && decision.lower_bound < cost {
        let other = greedy(problem, &depth_first(&problem.graph));
        if other.non_compulsory(problem) < cost {
            decision.outline = other;
        }
    }
    if let Some(known) = known.filter(|it| it.non_compulsory(problem) < decision.outline.non_compulsory(problem)) {
        decision.outline = known.clone();
    }
    deadline.found(decision.outline.non_compulsory(problem));
    decision
}

pub(crate) fn greedily(problem: &Problem) -> Decision {
    let outline = greedy(problem, &source_order(problem));
    Decision { outline, lower_bound: problem.restreamed(), solver: Solver::Greedy, in_simple_order: None }
}

pub(crate) fn source_order(problem: &Problem) -> Vec<OpId> {
    problem.graph.op_ids().collect()
}
