//! The successors of a state: an operator runs after minimal evictions.

use super::bits::Bits;
use super::node::{Demand, GONE, Sizes, State, Transition};

/// Whether running the operator at once, in this state, loses nothing.
///
/// It loses nothing if all of the following hold: it fits without evictions; the operands that others still need are
/// on-chip; and for every partition of the on-chip inputs that die with it into a kept part and a part that is evicted
/// before the operator runs, its results take no more space than the kept part, or cost no more to evict than the
/// evicted part. Then any continuation that runs it later can be imitated: keep the results where it kept the inputs,
/// and evict them when it first evicted an input without which the results have no space.
///
/// Results that share bytes with operands do not change this: another reader of an input finds it dying no later than
/// before, and the inputs that die with this operator have no other reader.
///
/// A tensor that may be streamed and has no later reader takes no space if it is not on-chip. If it is, it is an input
/// that dies: evicting it before the operator runs costs the same as streaming it.
///
/// If a pin of the operator's tensors conflicts with others, it is not eager.
///
/// For one dying input: the results are no larger. For an addition of equal sizes: always. For a concatenation: not,
/// since half of the inputs could be spilled for less than the whole result. With more than `max_inputs`, subsets are
/// not checked.
pub(super) fn is_eager<const W: usize>(state: &State<W>, demand: &Demand<W>, sizes: &Sizes, max_inputs: u32) -> bool {
    let missing = demand.reads.without(&state.resident);
    let missing_room = sizes.room_of(&missing);
    if missing.without(&demand.dying) != Bits::EMPTY
        || demand.either_way.iter().any(|it| !it.is_last && !it.is_resident(state))
        || demand.capacity < state.used + missing_room + demand.needs
        || demand.loads_shared
        || demand.is_in_the_way
    {
        return false;
    }
    if demand.written_room == 0 {
        return true;
    }
    let dying = demand.dying.and(&state.resident);
    let inputs: Vec<(u64, u64)> = dying.iter().map(|it| (sizes.room[it], sizes.eviction(&state.host, it))).collect();
    if max_inputs < inputs.len() as u32 {
        return false;
    }
    (0_u32..1 << inputs.len()).all(|evicted| {
        let mut kept_room = 0;
        let mut evicted_cost = 0;
        for (index, (room, cost)) in inputs.iter().enumerate() {
            if evicted & (1 << index) == 0 {
                kept_room += room;
            } else {
                evicted_cost += cost;
            }
        }
        demand.written_room <= kept_room || demand.written_cost <= evicted_cost
    })
}

/// The evictions for an operator.
#[derive(Clone, Copy)]
pub(super) struct Evicted<const W: usize> {
    /// Evicted before it runs: indices in the live list.
    pub live: Bits<W>,
    /// Streamed: see [`State::passed`].
    pub passed: u16,
}

impl<const W: usize> Evicted<W> {
    /// Only the tensors that are streamed in any case.
    pub fn least(state: &State<W>, demand: &Demand<W>) -> Evicted<W> {
        let passing = demand.either_way.iter().enumerate().filter(|it| it.1.must_pass(state));
        Evicted { live: Bits::EMPTY, passed: passing.map(|it| 1 << it.0).sum() }
    }

    fn passes(&self, nth: usize) -> bool {
        self.passed >> nth & 1 == 1
    }
}

/// The state after the operator has run, with `evicted` removed before.
pub(super) fn run<const W: usize>(
    state: &State<W>,
    demand: &Demand<W>,
    transition: &Transition<W>,
    sizes: &Sizes,
    evicted: &Evicted<W>,
    parent: u32,
) -> State<W> {
    let mut next = State {
        resident: transition.added,
        host: transition.added_host,
        cost: state.cost,
        used: transition.added_room,
        peak: state.peak,
        parent,
        op: demand.op,
        passed: evicted.passed,
    };
    for index in evicted.live.iter() {
        next.cost += sizes.eviction(&state.host, index);
    }
    let mut during = demand.needs;
    let stays = state.resident.without(&evicted.live).without(&demand.live_either_way);
    for index in stays.or(&demand.reads).iter() {
        during += sizes.room[index];
        let to = transition.map[index];
        if to == GONE {
            continue;
        }
        next.used += sizes.room[index];
        next.resident.insert(usize::from(to));
        // A tensor that was not on-chip was just loaded from host memory.
        if state.host.contains(index) || !state.resident.contains(index) {
            next.host.insert(usize::from(to));
        }
    }
    for (nth, it) in demand.either_way.iter().enumerate() {
        let to = transition.either_way[nth];
        if evicted.passes(nth) {
            next.cost += it.passing(state);
            continue;
        }
        during += it.room;
        if to != GONE {
            next.used += it.room;
            next.resident.insert(usize::from(to));
            next.host.insert(usize::from(to));
        }
    }
    next.peak = next.peak.max(during);
    next
}

/// The result of an enumeration.
pub(super) struct Enumerated {
    /// Whether it saw all sets.
    pub is_complete: bool,
    /// The number of its steps.
    pub n_steps: usize,
}

/// Calls `found` with each minimal set of evictions that lets the operator run and charges less than `budget`; stops
/// after `limit` steps of the enumeration.
///
/// Minimal: without any one of its tensors the operator would not fit. More is never needed, since the rest can just as
/// well be evicted when its space is needed; also a tensor that was loaded instead of being streamed, for the cost of
/// streaming it.
pub(super) fn evictions<const W: usize>(
    state: &State<W>,
    demand: &Demand<W>,
    sizes: &Sizes,
    budget: u64,
    limit: usize,
    found: &mut impl FnMut(Evicted<W>),
) -> Enumerated {
    // Tensors that pins exclude are evicted in any case.
    let excluded = state.resident.and(&demand.excluded);
    let cost: u64 = excluded.iter().map(|it| sizes.eviction(&state.host, it)).sum();
    if excluded != Bits::EMPTY && budget <= cost {
        return Enumerated { is_complete: true, n_steps: 1 };
    }
    let least = Evicted { live: excluded, ..Evicted::least(state, demand) };
    let either_way = || demand.either_way.iter().enumerate().filter(|it| !least.passes(it.0));
    let coming: u64 = either_way().filter(|it| !it.1.is_resident(state)).map(|it| it.1.room).sum();
    let used = state.used - sizes.room_of(&excluded);
    let missing_room = sizes.room_of(&demand.reads.without(&state.resident)) + coming;
    let deficit = (used + missing_room + demand.needs).saturating_sub(demand.capacity);
    if deficit == 0 {
        found(least);
        return Enumerated { is_complete: true, n_steps: 1 };
    }
    let idle = state.resident.without(&demand.reads).without(&demand.live_either_way).without(&excluded);
    let mut candidates: Vec<Candidate> = idle
        .iter()
        .map(|index| (Leaving::Evicted(index), sizes.room[index], sizes.eviction(&state.host, index)))
        .chain(either_way().map(|(nth, it)| (Leaving::Passing(nth), it.room, it.passing(state))))
        .map(|(leaving, room, cost)| Candidate { leaving, room, cost, rest: 0, cheapest: (cost, room) })
        .collect();
    // Largest first: a set that is sufficient only with its last, smallest tensor is minimal.
    candidates.sort_by_key(|it| (std::cmp::Reverse(it.room), it.cost, it.leaving));
    if candidates.iter().map(|it| it.room).sum::<u64>() < deficit {
        return Enumerated { is_complete: true, n_steps: candidates.len() };
    }
    let mut rest = 0;
    let mut cheapest = (u64::MAX, 1);
    for candidate in candidates.iter_mut().rev() {
        rest += candidate.room;
        candidate.rest = rest;
        let (own, least) = (candidate.cheapest, cheapest);
        if u128::from(own.0) * u128::from(least.1) < u128::from(least.0) * u128::from(own.1) {
            cheapest = own;
        }
        candidate.cheapest = cheapest;
    }
    // At least the first set is always found, however low the limit.
    let limit = limit.max(candidates.len());
    let mut enumeration = Enumeration { candidates, budget, left: limit, found };
    enumeration.extend(0, deficit, cost, least);
    Enumerated { is_complete: 0 < enumeration.left, n_steps: limit - enumeration.left }
}

/// The least cost of this much space if `cost` is paid for `room`.
fn share(deficit: u64, (cost, room): (u64, u64)) -> u128 {
    u128::from(deficit) * u128::from(cost) / u128::from(room.max(1))
}

/// The way a tensor makes space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Leaving {
    /// It is evicted: its index in the live list.
    Evicted(usize),
    /// It is streamed: its index among the tensors that may be.
    Passing(usize),
}

struct Candidate {
    leaving: Leaving,
    room: u64,
    cost: u64,
    /// The total size of this one and all after it.
    rest: u64,
    /// Cost and size of the one of these with the least cost for its size.
    cheapest: (u64, u64),
}

struct Enumeration<'a, const W: usize, F: FnMut(Evicted<W>)> {
    candidates: Vec<Candidate>,
    budget: u64,
    left: usize,
    found: &'a mut F,
}

impl<const W: usize, F: FnMut(Evicted<W>)> Enumeration<'_, W, F> {
    fn extend(&mut self, from: usize, deficit: u64, cost: u64, evicted: Evicted<W>) {
        for next in from..self.candidates.len() {
            let Candidate { leaving, room, cost: own, rest, cheapest } = self.candidates[next];
            // No set costs less for its size than the cheapest tensor does.
            let is_too_dear = u128::from(self.budget - cost) <= share(deficit, cheapest);
            if rest < deficit || self.left == 0 || is_too_dear {
                return;
            }
            self.left -= 1;
            if self.budget <= cost + own {
                continue;
            }
            let mut evicted = evicted;
            match leaving {
                Leaving::Evicted(index) => evicted.live.insert(index),
                Leaving::Passing(nth) => evicted.passed |= 1 << nth,
            }
            if deficit <= room {
                (self.found)(evicted);
            } else {
                self.extend(next + 1, deficit - room, cost + own, evicted);
            }
        }
    }
}
