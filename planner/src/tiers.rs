//! Planning for several memories between the operators and home.
//!
//! Operators work in the scratchpad. What does not fit there may lie in a memory that is larger and farther away before it
//! goes home. A byte costs as much as the links over which it goes ([`Link::price`](crate::Link::price)); the sum is to be
//! least.
//!
//! 1. *Outlines*: orders and residencies in the scratchpad that are good for its border, for the border of all memories
//!    together, or for both.
//! 2. *Levels*: around the program of an outline, each memory in turn decides what it holds between the copies from and to
//!    home (`tiers/level.rs`), exactly but for addresses.
//! 3. *Time*: where the machine has a clock, copies go on beside operators as far as addresses allow (`tiers/overlap.rs`), and
//!    what comes from home comes early to the memories between (`tiers/prefetch.rs`). Where latency is the objective, more of
//!    it comes over those, which costs more.
//! 4. *Bounds*: every border of nested memories has to be crossed by so many bytes, whatever the order
//!    (`tiers/bound.rs`).
//!
//! Staged tensors and their parts lie in host memory and in the scratchpad only.

mod bound;
mod level;
mod overlap;
mod prefetch;
pub(crate) mod program;

use crate::divisor::gcd;
use crate::time::{self, Clock, LatencyBound, Ratio, Timeline};
use crate::{
    Action, Bytes, Copy, Deadline, Error, Keep, Machine, Memory, MemoryId, Moves, Objective, Options, Order, Place,
    Plan, Problem, Solution, Solver, Traffic, plan, plan_in_order,
};
use bound::{Border, least_cost, least_cycles};
use level::Level;
pub use overlap::overlap;
use program::Program;

/// A plan for a machine of several memories.
#[derive(Clone, Debug)]
pub struct TieredPlan {
    /// The order, and what lies in the scratchpad. [`actions()`] has what lies elsewhere.
    pub plan: Plan,
    /// The program.
    pub actions: Vec<Action>,
    /// What it moves, and what that costs.
    pub traffic: Traffic,
    /// The least that the transfers of a plan cost that was found: less than this one's only if the objective is latency.
    pub cheapest: u128,
    /// No program costs less, in any order that is allowed.
    pub lower_bound: u128,
    /// No program moves fewer bytes over the border of the scratchpad, of it together with the memory nearest to it, and so
    /// on; the last border is that of home.
    pub least_bytes: Vec<Bytes>,
    /// Which solver made the plan.
    pub solver: Solver,
    /// How it goes, by the judge of time; none without a clock.
    pub timeline: Option<Timeline>,
    /// No program takes fewer cycles, in any order; none without a clock.
    pub least_cycles: Option<LatencyBound>,
}

impl TieredPlan {
    /// Whether no program costs less.
    pub fn is_optimal(&self) -> bool {
        self.traffic.cost <= self.lower_bound
    }

    /// Lets copies go on beside operators: at the addresses that there are, or at others that let them begin earlier.
    fn overlap(
        &mut self,
        problem: &Problem,
        inner: &Problem,
        memories: &[MemoryId],
        options: &Options,
    ) -> Result<(), Error> {
        let rank = |traffic: &Traffic, timeline: &Timeline| match options.objective {
            Objective::Traffic => (traffic.cost, timeline.makespan.0.into()),
            Objective::Latency => (timeline.makespan.0.into(), traffic.cost),
        };
        let (actions, mut timeline) = overlap(problem, &self.actions, options.objective)?;
        (self.traffic, self.actions) = (Traffic::of(problem, &actions), actions);
        let limit = Deadline::after(options.time_limit.mul_f64(SHARE_OF_TIME));
        let plan = apart_in_time(problem, inner, &self.plan, limit)?;
        let actions = serve(problem, memories, plan.actions(inner), limit.with_grace())?;
        let (actions, other) = overlap(problem, &actions, options.objective)?;
        let traffic = Traffic::of(problem, &actions);
        if rank(&traffic, &other) < rank(&self.traffic, &timeline) {
            (self.plan, self.actions, self.traffic) = (plan, actions, traffic);
            timeline = other;
        }
        self.cheapest = self.cheapest.min(self.traffic.cost);
        self.timeline = Some(timeline);
        Ok(())
    }
}

/// The part of the time limit for what the scratchpad holds; of that, for each of the borders and orders.
const SHARE_OF_OUTLINES: f64 = 0.8;

/// The part of the time limit for copies beside operators.
const SHARE_OF_TIME: f64 = 0.2;

/// The part of the time limit for what one memory holds around one outline.
const SHARE_OF_LEVEL: f64 = 0.1;

/// Plans a problem whose machine has memories besides home and the scratchpad.
///
/// # Errors
/// Those of [`plan()`]; [`Error::Machine`] where no way leads from home to the scratchpad and back, or one through a memory
/// that is too small; [`Error::NotPlanned`] for what is planned with one memory only.
pub fn plan_in_tiers(problem: &Problem, options: &Options) -> Result<TieredPlan, Error> {
    check(problem)?;
    let memories = nearest_first(&problem.machine);
    let inner = inner_problem(problem);
    let deadline = Deadline::after(options.time_limit);
    let compulsory = inner.compulsory();
    let n_borders = memories.len() as u32;
    let share = options.time_limit.mul_f64(SHARE_OF_OUTLINES / f64::from(2 * n_borders));
    let within_share = Options { time_limit: share, ..*options };
    // The bytes over each border that nothing avoids, and plans for the scratchpad that come of them.
    let mut borders: Vec<Border> = Vec::new();
    let mut solutions: Vec<Solution> = Vec::new();
    for border in 1..=memories.len() {
        let inside = &memories[..border];
        let Some(merged) = merged(problem, inside) else {
            // Without end: only what no plan can avoid crosses the border.
            let non_compulsory = inner.restreamed();
            borders.push(Border { inside, merged: None, bytes: compulsory + non_compulsory, non_compulsory });
            continue;
        };
        let mut solution = plan(&merged, &within_share)?;
        let non_compulsory = solution.lower_bound;
        borders.push(Border { inside, merged: Some(merged), bytes: compulsory + non_compulsory, non_compulsory });
        if 1 < border {
            if options.order == Order::Source || solutions.iter().any(|it| it.plan.order == solution.plan.order) {
                continue;
            }
            solution = plan_in_order(&inner, &solution.plan.order, &within_share)?;
        }
        solutions.push(solution);
    }
    let least: Vec<Bytes> = borders.iter().map(|border| border.bytes).collect();
    let lower_bound = least_cost(&problem.machine, &memories, &least);
    let least_cycles = least_cycles(problem, &borders)?;
    let mut best: Option<TieredPlan> = None;
    let level_limit = options.time_limit.mul_f64(SHARE_OF_LEVEL);
    for Solution { plan, solver, .. } in solutions {
        if best.as_ref().is_some_and(|it| it.is_optimal() || deadline.has_passed()) {
            break;
        }
        let actions = serve(problem, &memories, plan.actions(&inner), deadline.within(level_limit).with_grace())?;
        let traffic = Traffic::of(problem, &actions);
        if best.as_ref().is_none_or(|it| traffic.cost < it.traffic.cost) {
            best = Some(TieredPlan {
                plan,
                actions,
                traffic,
                cheapest: traffic.cost,
                lower_bound,
                least_bytes: least.clone(),
                solver,
                timeline: None,
                least_cycles,
            });
        }
    }
    let mut best = best.expect("there is a plan for the scratchpad");
    if problem.machine.clock().is_some() {
        best.overlap(problem, &inner, &memories, options)?;
    }
    Ok(best)
}

/// The program of a plan for the scratchpad of a machine of several memories, one line after the other: the other memories
/// hold what is best for it.
///
/// # Errors
/// Those of [`plan_in_tiers()`] that are about the machine.
pub fn actions(problem: &Problem, plan: &Plan, deadline: Deadline) -> Result<Vec<Action>, Error> {
    check(problem)?;
    let inner = inner_problem(problem);
    serve(problem, &nearest_first(&problem.machine), plan.actions(&inner), deadline)
}

/// A program without foresight, to compare with: the scratchpad holds what the plan says, and each farther memory what
/// comes to it, as long as there is room.
///
/// # Errors
/// Those of [`actions()`].
pub fn first_come(problem: &Problem, plan: &Plan) -> Result<Vec<Action>, Error> {
    check(problem)?;
    let inner = inner_problem(problem);
    let memories = nearest_first(&problem.machine);
    let mut actions = plan.actions(&inner);
    for nth in 1..memories.len() {
        let level = Level::new(problem, memories[nth], &memories[nth + 1..], &actions);
        actions = level.serve_by(Program::first_come, Deadline::NEVER)?;
    }
    Ok(actions)
}

/// The plan at addresses that let copies begin early, as if those from and to home took their time on the slowest link.
fn apart_in_time(problem: &Problem, inner: &Problem, plan: &Plan, deadline: Deadline) -> Result<Plan, Error> {
    let clock = problem.machine.clock().ok_or(Error::NoClock)?;
    let slowest = clock.timings.iter().min_by_key(|timing| timing.rate).expect("home has links");
    let ways = Clock { compute: clock.compute, ..Clock::each_way(slowest.rate, Ratio::ZERO) };
    let machine = inner.machine.clone().with_clock(ways)?;
    let inner = Problem { graph: inner.graph.clone(), machine };
    Ok(time::overlap(&inner, plan, deadline)?.plan)
}

/// A program as it looks from the scratchpad: a right one of the same graph on the machine with home and the scratchpad
/// alone, where all other memories are home. What copies between those moves is left out, and so is what goes out a second
/// time.
pub fn seen_from_scratchpad(problem: &Problem, actions: &[Action]) -> (Problem, Vec<Action>) {
    let inner = inner_problem(problem);
    let mut is_outside: Vec<bool> = inner.graph.tensor_ids().map(|it| inner.graph.starts_at_home(it)).collect();
    let mut seen = |copy: &Copy| {
        let outer = |place: Place| if place.memory == MemoryId::SCRATCHPAD { place } else { Place::HOME };
        let copy = Copy { from: outer(copy.from), to: outer(copy.to), ..*copy };
        let is_outward = copy.to == Place::HOME;
        let is_needless = copy.from == copy.to || is_outward && is_outside[copy.tensor.index()];
        is_outside[copy.tensor.index()] |= is_outward;
        (!is_needless).then_some(Action::Copy(copy))
    };
    // Where copies go on beside operators, they are there when they are waited for.
    let mut begun: Vec<Copy> = Vec::new();
    let mut program = Vec::new();
    for action in actions {
        match action {
            Action::Copy(copy) => program.extend(seen(copy)),
            Action::Issue(copy) | Action::IssueSlice(copy, _) => begun.push(*copy),
            Action::Wait(slot) => {
                let of_slot = |it: &Copy| (it.tensor, it.to) == (slot.tensor, slot.place);
                if let Some(copy) = begun.iter().copied().find(of_slot) {
                    begun.retain(|it| !of_slot(it));
                    program.extend(seen(&copy));
                }
            }
            Action::Start(_) | Action::Run { .. } => program.push(action.clone()),
        }
    }
    (inner, program)
}

/// Gives each memory but the scratchpad its turn, the nearest first.
fn serve(
    problem: &Problem,
    memories: &[MemoryId],
    mut actions: Vec<Action>,
    deadline: Deadline,
) -> Result<Vec<Action>, Error> {
    for nth in 1..memories.len() {
        actions = Level::new(problem, memories[nth], &memories[nth + 1..], &actions).serve(deadline)?;
    }
    Ok(actions)
}

/// All memories but home: the scratchpad, then those from which it is the cheapest to bring a byte there.
fn nearest_first(machine: &Machine) -> Vec<MemoryId> {
    let all: Vec<MemoryId> = (1..machine.memories().len() as u32).map(MemoryId).collect();
    let price = |it: &MemoryId| machine.price_over(*it, MemoryId::SCRATCHPAD, &all);
    let mut memories = all.clone();
    // What cannot be read is the farthest.
    memories[1..].sort_by_key(|it| (price(it).is_none(), price(it)));
    memories
}

/// The same with two memories: home and the scratchpad.
fn inner_problem(problem: &Problem) -> Problem {
    Problem { graph: problem.graph.clone(), machine: problem.machine.without_tiers() }
}

/// The same where these memories are one; none if that has no end.
fn merged(problem: &Problem, memories: &[MemoryId]) -> Option<Problem> {
    let machine = &problem.machine;
    let scratchpad = &machine.memories()[MemoryId::SCRATCHPAD.index()];
    // A memory that is smaller than all tensors holds none.
    let smallest = problem.graph.tensors().iter().map(|tensor| tensor.size).filter(|size| *size != Bytes::ZERO).min();
    let has_room = |memory: &MemoryId| {
        *memory == MemoryId::SCRATCHPAD || machine.capacity_of(*memory).is_none_or(|room| smallest <= Some(room))
    };
    let memories: Vec<MemoryId> = memories.iter().copied().filter(has_room).collect();
    if let [_] = memories[..] {
        return Some(inner_problem(problem));
    }
    let rooms = memories.iter().map(|it| machine.capacity_of(*it)).collect::<Option<Vec<Bytes>>>()?;
    // Padding to what alignments have in common is no more than that to any of them.
    let alignment = memories.iter().map(|it| machine.memories()[it.index()].alignment.0).fold(0, gcd);
    let size = Bytes(rooms.iter().fold(0, |sum: u64, it| sum.saturating_add(it.0)).min(MOST_ROOM));
    let memory = Memory {
        size: Some(size),
        alignment: Bytes(alignment),
        reserved: Vec::new(),
        banks: None,
        ..scratchpad.clone()
    };
    // Addresses are of no concern here.
    let mut graph = problem.graph.to_builder();
    graph.clear_pins();
    Some(Problem { graph: graph.build().ok()?, machine: machine.with_memory(memory) })
}

/// More room than any problem that can be planned needs.
const MOST_ROOM: u64 = 1 << 61;

/// Whether the machine is one of several memories that can be planned for.
fn check(problem: &Problem) -> Result<(), Error> {
    let (graph, machine) = (&problem.graph, &problem.machine);
    let name = |it: MemoryId| &machine.memories()[it.index()].name;
    let between: Vec<MemoryId> = (2..machine.memories().len() as u32).map(MemoryId).collect();
    for (from, to) in Machine::HOST_WAYS {
        if machine.price_over(from, to, &between).is_none() {
            return Err(Error::Machine(format!("no links lead from {} to {}", name(from), name(to))));
        }
    }
    if let Some(memory) = machine.memories().iter().find(|it| it.alignment == Bytes::ZERO) {
        return Err(Error::Machine(format!("the alignment of {} is 0", memory.name)));
    }
    let refuse = |why: String| Err(Error::NotPlanned(why));
    if machine.moves() == Moves::None {
        return refuse("transfers, on a machine on which nothing moves: there each tensor is placed for good".into());
    }
    if let Some(memory) = machine.memories().iter().find(|it| it.banks.is_some()) {
        return refuse(format!("banks beside several memories: {} has them", memory.name));
    }
    if let Some(kept) = graph.keepable().find(|it| graph.tensor(*it).keep != Keep::Never) {
        return refuse(format!(
            "weights that stay from run to run beside several memories: {}",
            graph.tensor(kept).name
        ));
    }
    let reads_home = |op: &&crate::Op| op.reads.iter().any(|it| it.from.contains(MemoryId::HOME));
    if let Some(op) = graph.ops().iter().find(reads_home)
        && machine.link(MemoryId::HOME, MemoryId::SCRATCHPAD).is_none()
    {
        let (home, scratchpad) = (name(MemoryId::HOME), name(MemoryId::SCRATCHPAD));
        return refuse(format!("{} reads in {home}, from where no link leads to {scratchpad}", op.name));
    }
    Ok(())
}
