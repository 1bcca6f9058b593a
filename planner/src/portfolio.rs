//! From a problem to a plan: which solver is asked when, and what is done with its answer.

use crate::baseline::{depth_first, outlines_until};
use crate::deadline::Race;
use crate::incumbent::Incumbent;
use crate::progress::{Observer, Phase, Watcher};
use crate::search::{STATE_LIMIT, SearchOptions, search};
use crate::unpackable::plan_anyway;
use crate::{Bytes, Deadline, Error, LeastScratchpad, OpId, Outline, Plan, Problem, address, greedy};
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

/// The part of the time limit after which addresses are assigned to what there is.
const SHARE_OF_SEARCH: f64 = 0.8;

/// Likewise, where the order is fixed and replacement is all that is decided before.
const SHARE_OF_REPLACEMENT: f64 = 0.3;

/// States that the search may keep before the others begin, in all and of a level, and the part of the time left that it
/// may take.
const STATES_AT_FIRST: usize = 1_280_000;
const WIDEST_AT_FIRST: usize = 16_000;
const SHARE_OF_FIRST: f64 = 0.5;

/// States of each level with which the search goes on when it has its turn again.
const PROOF_WIDTH_AFTERWARDS: usize = 128_000;

/// The part of the time left that the program over the backbone may take beside the search: the solver may stop late.
const SHARE_OF_BACKBONE: f64 = 0.7;

/// The part of the time left that the best replacement for a known order may take.
const SHARE_OF_IMPROVING: f64 = 0.2;

/// The part of the time left that simple rules may take to choose an order.
const SHARE_OF_RULES: f64 = 0.2;

/// Sets of operators a level from which the order of least peak is chosen, to start from.
const WIDTH_OF_RULES: usize = 100;

/// Problems with so many operators, which the search leaves open, are divided for integer
/// programming; it leaves no smaller one open without being told to.
const MIN_OPS_TO_DIVIDE: usize = 100;

/// In orders of so many operators, replacement starts from what is needed last.
#[cfg(feature = "ilp")]
const MIN_OPS_TO_START_GREEDILY: usize = 400;

/// The part of the time limit that packing one outline may take.
pub(crate) const SHARE_OF_PACKING: f64 = 0.05;

/// Which solver decides order and residency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Solver {
    /// All of them, until one has a proof.
    #[default]
    Auto,
    /// The exact search.
    Search,
    /// Integer programming.
    Ilp,
    /// The order of the source, and what is needed last goes first. No proof.
    Greedy,
}

/// Which orders are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// Any that respects the dependences.
    #[default]
    Free,
    /// That of the source.
    Source,
}

/// How to plan.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Which solver decides.
    pub solver: Solver,
    /// Which orders are allowed.
    pub order: Order,
    /// When to stop looking for something better. A plan is found in any case.
    pub time_limit: Duration,
    /// States that the search may keep in all, which bounds its memory, however long it may take: at most some
    /// 100 B for each, so 0.6 GB by default, and as much for the sets of operators that they belong to. Unlike
    /// the time limit, it does not make the outcome depend on the machine. Integer programs are bounded by
    /// their size: the largest take a few hundred megabytes.
    pub state_limit: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            solver: Solver::Auto,
            order: Order::Free,
            time_limit: Duration::from_secs(60),
            state_limit: STATE_LIMIT,
        }
    }
}

/// A plan, and how good it is.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The plan.
    pub plan: Plan,
    /// Its non-compulsory bytes.
    pub non_compulsory: Bytes,
    /// A proven lower bound on the non-compulsory bytes of every plan with an allowed order.
    pub lower_bound: Bytes,
    /// What is owed to addresses: the non-compulsory bytes beyond those that order and residency
    /// were found to cost where only the sum of what is on-chip counts.
    pub fragmentation: Bytes,
    /// Which solver made the plan; never [`Solver::Auto`]. The plan that [`plan_from()`] was given counts as
    /// [`Solver::Greedy`].
    pub solver: Solver,
}

impl Solution {
    /// Whether no plan is better.
    pub fn is_optimal(&self) -> bool {
        self.non_compulsory <= self.lower_bound
    }
}

/// Plans a problem.
///
/// 1. Order and residency are decided as if only the sum of what is on-chip counted.
/// 2. What came out is packed. If that succeeds, nothing was lost: the optimum of the first step
///    is the optimum of the whole.
/// 3. If not, planning goes on until there is a plan with addresses (`unpackable.rs`). The bound
///    stays that of the first step, unless a small problem is solved with addresses as a whole.
///
/// Search and integer programming take turns, at points that are counted in states and nodes and not in seconds, and
/// hand each other plans and bounds; so which plan comes out does not depend on which of them is faster. What they
/// leave open is looked at by both at once, until one of them has a proof: which of several plans of that traffic comes
/// out may depend on the machine, and so does what the time limit cuts off.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::Solver`] if a solver was asked for by name and fails or
/// is not built in.
pub fn plan(problem: &Problem, options: &Options) -> Result<Solution, Error> {
    plan_on_stretches(problem, options, None, Deadline::after(options.time_limit))
}

/// Plans a problem as [`plan()`] does, under the eyes of a watcher: it is told how far planning has
/// come, at each change of [`Phase`] and some ten times a second, and its answer stops it. Then the
/// best that was found so far becomes the plan, within some tenths of a second, and the bound is
/// what was proven until then.
///
/// A watcher that does not stop it changes nothing about the plan.
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
///     if progress.gap().is_some_and(|it| it < 0.01) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
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

/// Plans a problem as [`plan_watched()`] does, starting from a plan that the caller has already: what comes out
/// moves no more. A watcher that wants nothing says `&|_| ControlFlow::Continue(())`.
///
/// The incumbent also prunes: what cannot be better is not looked at. Where it moves no more than what every plan
/// moves ([`Problem::restreamed`]), it is returned as it is.
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
/// [`Error::Incumbent`] if the judge refuses the incumbent, or its order is not allowed; else those of [`plan()`].
pub fn plan_from(problem: &Problem, options: &Options, incumbent: &Plan, watcher: &Watcher) -> Result<Solution, Error> {
    let incumbent = Incumbent::new(problem, options.order, incumbent)?;
    watched(problem, options, Some(&incumbent), watcher)
}

fn watched(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    watcher: &Watcher,
) -> Result<Solution, Error> {
    let observer = Observer::new(watcher, problem.restreamed(), options.time_limit);
    let deadline = Deadline::after(options.time_limit).watched(&observer);
    let solution = plan_on_stretches(problem, options, incumbent, deadline)?;
    deadline.proved(solution.lower_bound);
    deadline.planned(solution.non_compulsory);
    deadline.enter(Phase::Done);
    Ok(solution)
}

/// Plans a problem of whose scratchpad something may be reserved: at either end, that is a smaller scratchpad.
fn plan_on_stretches(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let stretches = problem.machine.stretches();
    if problem.machine.reserved().is_empty() || 1 < stretches.len() {
        return plan_if_it_fits(problem, options, incumbent, deadline);
    }
    let stretch = problem.machine.largest_stretch();
    let free = Problem { graph: problem.graph.clone(), machine: problem.machine.with_stretch(&stretch) };
    let incumbent = incumbent.map(|it| Incumbent { plan: it.plan.clone().lowered(stretch.start), ..it.clone() });
    let solution = plan_if_it_fits(&free, options, incumbent.as_ref(), deadline)?;
    Ok(Solution { plan: solution.plan.shifted(stretch.start), ..solution })
}

/// Plans a problem that fits in every order that is allowed, or restricted to orders in which it does:
/// see [`least`](mod@crate::least).
fn plan_if_it_fits(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let error = match problem.check() {
        Ok(()) => return plan_until(problem, options, incumbent, deadline),
        Err(error) => error,
    };
    let Error::ScratchpadTooSmall { op, needed, scratchpad, .. } = error else { return Err(error) };
    let order = options.order;
    let Some(restricted) = problem.restricted(order) else {
        let LeastScratchpad { size, .. } = problem.least_scratchpad(order);
        // Where each operator fits in some order, but not all in one, it is the one that needs the most in another.
        let (op, needed) = match problem.most_demanding(order) {
            (of_all, least) if scratchpad < least => (of_all, least),
            _ => (op, needed),
        };
        return Err(Error::ScratchpadTooSmall { op, needed, scratchpad, min_scratchpad: size });
    };
    // What does not fit one stretch may fit several.
    let is_forced = restricted.is_forced && problem.machine.stretches().len() <= 1;
    let deadline = if is_forced { deadline } else { deadline.in_private() };
    let solution = plan_until(restricted.problem(), options, None, deadline)?;
    let lower_bound = if is_forced { solution.lower_bound } else { problem.restreamed() };
    let mut solution = Solution { plan: restricted.expand(solution.plan), lower_bound, ..solution };
    solution.offer_incumbent(incumbent);
    Ok(solution)
}

fn plan_until(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let solution = decide_and_place(problem, options, incumbent, deadline)?;
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
    // Addresses need some time too; most of it in a fixed order, where they are harder than all else.
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

/// Decides until one deadline, and finds addresses until another one.
fn decide_until(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    search_deadline: Deadline,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let known = incumbent.map(|it| &it.outline);
    let decision = decide(problem, options, known, search_deadline)?;
    let Decision { ref outline, lower_bound, solver } = decision;
    let non_compulsory = outline.non_compulsory(problem);
    deadline.found(non_compulsory);
    deadline.proved(lower_bound);
    if let Some(known) = incumbent.filter(|it| it.non_compulsory <= non_compulsory) {
        return Ok(known.solution(lower_bound));
    }
    deadline.enter(Phase::Packing);
    let packing_deadline = deadline.within(options.time_limit.mul_f64(SHARE_OF_PACKING)).with_grace();
    if let Some(plan) = address(problem, outline, packing_deadline) {
        return Ok(Solution { plan, non_compulsory, lower_bound, fragmentation: Bytes::ZERO, solver });
    }
    let solution = plan_anyway(problem, options, &decision, incumbent, deadline);
    Ok(Solution { fragmentation: solution.non_compulsory.saturating_sub(non_compulsory), ..solution })
}

/// Order and residency, a lower bound on what they cost, and which solver decided.
pub(crate) struct Decision {
    pub outline: Outline,
    pub lower_bound: Bytes,
    pub solver: Solver,
}

fn decide(
    problem: &Problem,
    options: &Options,
    known: Option<&Outline>,
    deadline: Deadline,
) -> Result<Decision, Error> {
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
            let state_limit = all.state_limit.min(STATES_AT_FIRST);
            let narrow = SearchOptions { state_limit, widest: WIDEST_AT_FIRST, ..all };
            let (best, can_go_on) = search_from(problem, options, &narrow, known, deadline.part(SHARE_OF_FIRST));
            if best.is_proven(problem) || deadline.has_passed() {
                return Ok(best);
            }
            Ok(side_by_side(problem, options, &all, best, can_go_on, deadline))
        }
    }
}

/// What is left open is left to two at once: the program over the backbone; and simple rules, the search, if it can go
/// on, and divide and conquer.
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

/// Searches from what is known; gives also whether the search could go on.
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
        // What integer programming found stays its own.
        Some(outline) if outline == known.outline && known.solver == Solver::Ilp => Decision { lower_bound, ..known },
        Some(outline) => {
            let solver = if outcome.is_improved { Solver::Ilp } else { Solver::Search };
            Decision { outline, lower_bound, solver }
        }
        None => Decision { lower_bound, ..known },
    };
    (decision, outcome.can_go_on)
}

impl Decision {
    fn is_proven(&self, problem: &Problem) -> bool {
        self.outline.non_compulsory(problem) <= self.lower_bound
    }

    /// Takes what simple rules for order lead to, each with its best replacement, if it is better.
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

    /// Takes from integer programming what is better, if it came to anything.
    fn take(&mut self, problem: &Problem, found: Option<(Outline, Bytes)>) {
        let Some((outline, lower_bound)) = found else { return };
        self.lower_bound = self.lower_bound.max(lower_bound);
        if outline.non_compulsory(problem) < self.outline.non_compulsory(problem) {
            (self.outline, self.solver) = (outline, Solver::Ilp);
        }
    }
}

/// What there is to begin with: the order of the source, or depth first if that is allowed and moves
/// less, or what is known if that does. It takes near-linear time.
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
    Decision { outline, lower_bound: problem.restreamed(), solver: Solver::Greedy }
}

pub(crate) fn source_order(problem: &Problem) -> Vec<OpId> {
    problem.graph.op_ids().collect()
}

/// What integer programming answers, if it is built in.
#[cfg(feature = "ilp")]
pub(crate) mod ilp {
    use super::{Decision, Options, Order, Solver, source_order};
    use crate::ilp::{
        Outcome, backbone as backbone_of, conquer, joint_at_first, joint_with_addresses, n_variables_with_addresses,
        replace, replace_within,
    };
    use crate::progress::Phase;
    use crate::search::{SearchOptions, search};
    use crate::{Bytes, Deadline, Error, Outline, Plan, Problem};
    use std::ops::Range;

    /// Addresses are decided with all else in problems of so many variables, in so many nodes.
    const MAX_VARIABLES_OF_WHOLE: usize = 700;
    const MAX_NODES_OF_WHOLE: i32 = 300;

    /// The part of the time left that the program over the backbone may take before divide and conquer.
    const SHARE_OF_BACKBONE: f64 = 0.2;

    pub const IS_BUILT_IN: bool = true;

    pub fn fixed_order(problem: &Problem, known: Option<&Outline>, deadline: Deadline) -> Result<Decision, Error> {
        let first = super::first(problem, Order::Source, known, deadline);
        deadline.enter(Phase::Replacement);
        // Where the solver may not come far, it starts from what simple rules lead to.
        let is_long = super::MIN_OPS_TO_START_GREEDILY <= problem.graph.ops().len();
        let start = if is_long { Some(&first.outline) } else { known };
        let Outcome { outline, lower_bound, .. } = replace(problem, &source_order(problem), start, deadline)?;
        // One that is stopped may not have come so far.
        let is_better = first.outline.non_compulsory(problem) < outline.non_compulsory(problem);
        Ok(if is_better {
            Decision { lower_bound, ..first }
        } else {
            Decision { outline, lower_bound, solver: Solver::Ilp }
        })
    }

    pub fn free_order(problem: &Problem, deadline: Deadline) -> Result<Decision, Error> {
        deadline.enter(Phase::Joint);
        let first = joint_at_first(problem, deadline)?;
        let Outcome { mut outline, lower_bound, proven } = first;
        if proven || deadline.has_passed() {
            return Ok(Decision { outline, lower_bound, solver: Solver::Ilp });
        }
        deadline.enter(Phase::Search);
        // A beam without a proof is an outline to begin with.
        let options = SearchOptions { proof_width: 0, ..SearchOptions::default() };
        let beam = search(problem, problem.capacity(), Some(&outline), &options, &|_| None, deadline);
        outline = beam.outline.unwrap_or(outline);
        deadline.enter(Phase::Backbone);
        let relaxed = backbone_of(problem, &outline, lower_bound, deadline.part(SHARE_OF_BACKBONE))?;
        deadline.enter(Phase::Conquer);
        let outcome = conquer(problem, &relaxed.outline, deadline)?;
        let lower_bound = lower_bound.max(relaxed.lower_bound).max(outcome.lower_bound);
        Ok(Decision { outline: outcome.outline, lower_bound, solver: Solver::Ilp })
    }

    /// The best replacement for the order of an outline, or for that of the source if that is
    /// better. A failing solver improves nothing.
    pub fn improve(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Outline> {
        let order = source_order(problem);
        let own = replace(problem, &outline.order, Some(outline), deadline).ok();
        let of_source = replace(problem, &order, None, deadline).ok();
        let outlines = own.into_iter().chain(of_source).map(|it| it.outline);
        outlines.min_by_key(|it| it.non_compulsory(problem))
    }

    /// The best replacement for the order of an outline. A failing solver replaces nothing.
    pub fn replaced(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Outline> {
        replace(problem, &outline.order, Some(outline), deadline).ok().map(|it| it.outline)
    }

    /// The best replacement for the order of an outline within less capacity.
    pub fn within(problem: &Problem, outline: &Outline, capacity: Bytes, deadline: Deadline) -> Option<Outline> {
        replace_within(problem, &outline.order, capacity, None, deadline).ok().map(|it| it.outline)
    }

    /// The best plan of a small problem, addresses included, if it has less non-compulsory traffic
    /// than there is in `range`, and a bound.
    pub fn whole(
        problem: &Problem,
        options: &Options,
        range: Range<Bytes>,
        deadline: Deadline,
    ) -> Option<(Option<Plan>, Bytes)> {
        // With few states allowed, few variables are, too.
        let most = MAX_VARIABLES_OF_WHOLE.min(options.state_limit);
        let is_small = problem.graph.ops().len() <= most;
        if !is_small || most < n_variables_with_addresses(problem, options.order, deadline)? {
            return None;
        }
        let found = joint_with_addresses(problem, options.order, range, MAX_NODES_OF_WHOLE, deadline).ok()?;
        Some((found.plan, found.lower_bound))
    }

    /// A better outline by the program over the backbone, or the same, and a bound.
    pub fn backbone(
        problem: &Problem,
        outline: &Outline,
        lower_bound: Bytes,
        deadline: Deadline,
    ) -> Option<(Outline, Bytes)> {
        backbone_of(problem, outline, lower_bound, deadline).ok().map(|it| (it.outline, it.lower_bound))
    }

    /// A better outline by divide and conquer, or the same, and a bound.
    pub fn refine(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<(Outline, Bytes)> {
        conquer(problem, outline, deadline).ok().map(|it| (it.outline, it.lower_bound))
    }
}

#[cfg(not(feature = "ilp"))]
pub(crate) mod ilp {
    use super::Decision;
    use super::Options;
    use crate::{Bytes, Deadline, Error, Outline, Plan, Problem};
    use std::ops::Range;

    pub const IS_BUILT_IN: bool = false;

    pub fn fixed_order(_: &Problem, _: Option<&Outline>, _: Deadline) -> Result<Decision, Error> {
        Err(Error::Solver("built without integer programming".into()))
    }

    pub fn free_order(problem: &Problem, deadline: Deadline) -> Result<Decision, Error> {
        fixed_order(problem, None, deadline)
    }

    pub fn improve(_: &Problem, _: &Outline, _: Deadline) -> Option<Outline> {
        None
    }

    pub fn replaced(_: &Problem, _: &Outline, _: Deadline) -> Option<Outline> {
        None
    }

    pub fn within(_: &Problem, _: &Outline, _: Bytes, _: Deadline) -> Option<Outline> {
        None
    }

    pub fn whole(_: &Problem, _: &Options, _: Range<Bytes>, _: Deadline) -> Option<(Option<Plan>, Bytes)> {
        None
    }

    pub fn backbone(_: &Problem, _: &Outline, _: Bytes, _: Deadline) -> Option<(Outline, Bytes)> {
        None
    }

    pub fn refine(_: &Problem, _: &Outline, _: Deadline) -> Option<(Outline, Bytes)> {
        None
    }
}
