//! Addresses for an outline: each stay is an interval to pack, and so is each workspace.
//!
//! A result that shares bytes with an operand forms one *shape* with it, as do all tensors that share bytes with them,
//! before and after: their relative offsets are fixed. A chain of tensors of one size is a plain interval. A chain of
//! concatenations grows: its shape is as large as the final result, but earlier only the existing parts are in use, and
//! other tensors may occupy the rest.
//!
//! Reserved addresses are blocks with fixed offsets, and so are shapes with a pinned stay.
//!
//! Two simultaneous stays of a shape must not overlap; otherwise the pair that would have joined them is dropped. If
//! shapes cannot be packed, stays are separated at each step that has space for both.

use crate::banks::in_other_banks;
use crate::pack::{Interval, Packing, Piece, pack_within};
use crate::{Bytes, Deadline, InPlace, Outline, Plan, Problem, Slice, Step, TensorId};
use std::ops::Range;

/// The number of attempts, each with other orders, to pack shapes that grow. If all fail, separating or evicting stays
/// is better than more attempts.
const ATTEMPTS: u64 = 256;

/// The plan that follows an outline, if its stays can be packed and the deadline allows. If bank conflicts matter,
/// it has as few as were found; `None` if they are not allowed and some remain.
pub fn address(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Plan> {
    if let Some(banked) = problem.without_banks().ok()? {
        let plan = banked.back(address(banked.problem(), outline, deadline)?);
        return in_other_banks(problem, &plan, deadline);
    }
    let mut in_place = problem.in_place_by_step(&outline.order);
    address_where(problem, outline, &mut in_place, &[], deadline)
}

/// The same with results beside operands that they could overlap, wherever both fit. `None` also if they fit nowhere.
pub(crate) fn address_separated(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Plan> {
    if let Some(banked) = problem.without_banks().ok()? {
        return address_separated(banked.problem(), outline, deadline).map(|it| banked.back(it));
    }
    let mut in_place = problem.in_place_by_step(&outline.order);
    let is_any = separate(problem, outline, &mut in_place);
    if is_any { address_sharing(problem, outline, &in_place, deadline).plan() } else { None }
}

/// The same for an outline with weights that lie in the scratchpad from their last stay to their first one in the next
/// run: all their stays at either end of the plan have one offset.
pub(crate) fn address_kept(
    problem: &Problem,
    outline: &Outline,
    kept: &[TensorId],
    deadline: Deadline,
) -> Option<Plan> {
    let is_kept = |tensor: TensorId| kept.binary_search(&tensor).is_ok();
    let mut outline = outline.clone();
    let mut in_place = problem.in_place_by_step(&outline.order);
    // A kept tensor does not die.
    in_place.iter_mut().for_each(|pairs| pairs.retain(|it| !is_kept(it.operand)));
    let end = Step(outline.order.len() as u32);
    for tensor in kept {
        let mut stays = outline.stays.iter_mut().filter(|it| it.tensor == *tensor);
        // Stays are sorted by their start.
        let first = stays.next()?;
        first.steps.start = Step(0);
        stays.next_back().unwrap_or(first).steps.end = end;
    }
    outline.stays.sort_by_key(|it| (it.steps.start, it.tensor));
    let mut ties = Vec::new();
    for tensor in kept {
        let mut stays = (0..outline.stays.len()).filter(|it| outline.stays[*it].tensor == *tensor);
        ties.extend(stays.next().zip(stays.next_back()));
    }
    address_where(problem, &outline, &mut in_place, &ties, deadline)
}

/// The outcome of assigning addresses.
#[derive(Clone, Debug)]
pub(crate) enum Addressed {
    /// All stays have an address.
    Placed(Plan),
    /// Proven impossible.
    Infeasible,
    /// Neither found nor proven impossible.
    Undecided,
}

impl Addressed {
    fn plan(self) -> Option<Plan> {
        match self {
            Addressed::Placed(plan) => Some(plan),
            Addressed::Infeasible | Addressed::Undecided => None,
        }
    }
}

/// Packs stays such that exactly these pairs share bytes. A pair that would make parts of a shape overlap is dropped.
pub(crate) fn address_sharing(
    problem: &Problem,
    outline: &Outline,
    in_place: &[Vec<InPlace>],
    deadline: Deadline,
) -> Addressed {
    pack_shapes(problem, outline, &Shapes::new(problem, outline, in_place, &[]), Ends::Exact, ATTEMPTS, deadline)
}

/// Packs stays; if that fails, packs them again without the pairs whose tensors have space apart.
fn address_where(
    problem: &Problem,
    outline: &Outline,
    in_place: &mut [Vec<InPlace>],
    ties: &[(usize, usize)],
    deadline: Deadline,
) -> Option<Plan> {
    let pack = |in_place: &[Vec<InPlace>]| {
        let mut shapes = Shapes::new(problem, outline, in_place, &[]);
        ties.iter().for_each(|(one, other)| shapes.tie(*one, *other));
        pack_shapes(problem, outline, &shapes, Ends::Units, ATTEMPTS, deadline).plan()
    };
    let plan = pack(in_place);
    if plan.is_some() {
        return plan;
    }
    if problem.graph.has_pins() {
        // A whole shape with a pinned part is fixed.
        let is_pinned = |it: &InPlace| [it.result, it.operand].map(|it| problem.graph.pinned(it).is_some());
        let mut apart = in_place.to_vec();
        apart.iter_mut().for_each(|it| it.retain(|it| matches!(is_pinned(it), [true, true] | [false, false])));
        if apart != in_place {
            let plan = pack(&apart);
            if plan.is_some() {
                return plan;
            }
        }
    }
    if separate(problem, outline, in_place) { pack(in_place) } else { None }
}

/// Bytes of a stay that are needed before it begins, since they are loaded in slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lead {
    /// The stay.
    pub stay: usize,
    /// The first step in which they are needed.
    pub since: Step,
    /// The bytes of the tensor.
    pub bytes: Slice,
}

/// The same where some stays need a part of their place before they begin; the leads of a stay are adjacent. It gives
/// up after `attempts` attempts.
pub(crate) fn address_with_leads(
    problem: &Problem,
    outline: &Outline,
    leads: &[Lead],
    attempts: u64,
    deadline: Deadline,
) -> Option<Plan> {
    let shapes = Shapes::new(problem, outline, &problem.in_place_by_step(&outline.order), leads);
    pack_shapes(problem, outline, &shapes, Ends::Units, attempts, deadline).plan()
}

/// The number of capacities between the least one and the whole scratchpad that are tried for a low packing.
const CAPACITIES: u64 = 8;

/// The same for some of the stays only, packed as low as can be found quickly.
pub(crate) fn address_low(problem: &Problem, outline: &Outline, attempts: u64, deadline: Deadline) -> Option<Plan> {
    let in_place = problem.in_place_by_step(&outline.order);
    let (rooms, all) = (outline.rooms(problem).into_iter().max().unwrap_or_default(), problem.machine.scratchpad());
    let capacity = |nth: u64| rooms + Bytes((all.saturating_sub(rooms).0 / CAPACITIES).saturating_mul(nth));
    let capacities = (0..CAPACITIES).map(capacity).chain([all]).filter(|it| *it <= all);
    let pack = |capacity| {
        let machine = problem.machine.with_scratchpad(capacity);
        let low = Problem { graph: problem.graph.clone(), machine };
        let shapes = Shapes::new(&low, outline, &in_place, &[]);
        pack_shapes(&low, outline, &shapes, Ends::Units, attempts, deadline).plan()
    };
    capacities.into_iter().find_map(pack)
}

/// The ends of stretches of the scratchpad for the packer, except the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Rounded down to the alignment: the rest of a unit is unused.
    Units,
    /// Exact, so that infeasibility is proven.
    Exact,
}

/// Packs stays as parts of shapes.
fn pack_shapes(
    problem: &Problem,
    outline: &Outline,
    shapes: &Shapes,
    ends: Ends,
    attempts: u64,
    deadline: Deadline,
) -> Addressed {
    let graph = &problem.graph;
    let (mut intervals, bases): (Vec<Interval>, Vec<i128>) = shapes.intervals(problem).into_iter().unzip();
    let n_shapes = intervals.len();
    let workspaces = outline.order.iter().enumerate();
    let workspaces = workspaces.map(|(step, op)| Interval::new(step as u32, step as u32 + 1, graph.op(*op).workspace));
    intervals.extend(workspaces);
    let n_blocks = intervals.len();
    let stretches = problem.machine.stretches();
    let mut alignment = problem.machine.alignment();
    let end = stretches.last().map_or(Bytes::ZERO, |it| it.end);
    let is_cut = |it: &Range<Bytes>| it.end != end && !it.end.0.is_multiple_of(alignment.0);
    if ends == Ends::Exact && stretches.iter().any(is_cut) {
        // The packer requires obstacles at multiples of all alignments.
        intervals.iter_mut().for_each(|it| it.alignment = alignment);
        alignment = Bytes(1);
    }
    intervals.extend(between(&stretches, alignment, outline.order.len() as u32));
    match pack_within(&intervals, end, alignment, attempts, deadline) {
        Packing::Placed(offsets) => {
            let (placed, workspaces) = offsets[..n_blocks].split_at(n_shapes);
            let offset = |part: &Part| {
                let offset = i128::from(placed[part.shape].0) + part.low - bases[part.shape];
                Bytes(u64::try_from(offset).expect("a part lies within its shape"))
            };
            let stays: Vec<Bytes> = shapes.parts.iter().map(offset).collect();
            Addressed::Placed(outline.at(&stays, workspaces.to_vec()))
        }
        Packing::Infeasible => Addressed::Infeasible,
        Packing::Undecided => Addressed::Undecided,
    }
}

/// The gaps before and between stretches of a memory, in all steps, in whole units of the alignment.
pub(crate) fn between(stretches: &[Range<Bytes>], alignment: Bytes, n_steps: u32) -> impl Iterator<Item = Interval> {
    let ends = [Bytes::ZERO].into_iter().chain(stretches.iter().map(|it| it.end));
    ends.zip(stretches).map(move |(end, next)| {
        let start = Bytes(end.0 / alignment.0 * alignment.0);
        Interval { fixed: Some(start), ..Interval::new(0, n_steps, next.start - start) }
    })
}

/// A stay as a part of a shape.
struct Part {
    shape: usize,
    /// The steps in which it counts, half-open: those of its stay, except where it lies within another part.
    start: u32,
    end: u32,
    /// The offset of its first byte, relative to an origin that all parts of the shape share.
    low: i128,
    size: i128,
    /// Bytes that are needed earlier: the first step, and the bytes relative to `low`. They are needed until `start`.
    leads: Vec<(u32, i128, i128)>,
}

impl Part {
    /// The first step in which any part of it is needed.
    fn since(&self) -> u32 {
        self.leads.iter().map(|it| it.0).min().map_or(self.start, |it| it.min(self.start))
    }

    /// The bytes that are needed and their steps, both half-open.
    fn pieces(&self) -> impl Iterator<Item = (Range<u32>, Range<i128>)> {
        let whole = (self.start..self.end, self.low..self.low + self.size);
        let lead = |&(since, low, high): &(u32, i128, i128)| (since..self.start, self.low + low..self.low + high);
        [whole].into_iter().chain(self.leads.iter().map(lead))
    }

    fn meets(&self, other: &Part, moved: i128) -> bool {
        let meet = |a: &(Range<u32>, Range<i128>), b: &(Range<u32>, Range<i128>)| {
            a.0.start.max(b.0.start) < a.0.end.min(b.0.end)
                && a.1.start.max(b.1.start + moved) < a.1.end.min(b.1.end + moved)
        };
        self.pieces().any(|piece| other.pieces().any(|it| meet(&piece, &it)))
    }
}

/// The stays of an outline as parts of shapes.
struct Shapes {
    /// By stay.
    parts: Vec<Part>,
    /// The stays of each shape; empty if it was joined to another one.
    members: Vec<Vec<usize>>,
    /// By shape: a range that contains the steps of all of its parts, half-open.
    hulls: Vec<(u32, u32)>,
    /// By shape: the offset that corresponds to `low` zero, if a part has a pin.
    pins: Vec<Option<i128>>,
    /// The end of the scratchpad.
    end: i128,
}

impl Shapes {
    /// Stays are sorted by their start, then by tensor, and an operand's id is less than a result's. So the stay that a
    /// result shares bytes with comes before its own. The pairs of a step are sorted by their results.
    fn new(problem: &Problem, outline: &Outline, in_place: &[Vec<InPlace>], leads: &[Lead]) -> Shapes {
        let mut leads_of: Vec<Vec<(u32, i128, i128)>> = vec![Vec::new(); outline.stays.len()];
        for Lead { stay, since, bytes } in leads {
            leads_of[*stay].push((since.0, bytes.low.0.into(), bytes.high.0.into()));
        }
        let mut shapes = Shapes {
            parts: Vec::new(),
            members: Vec::new(),
            hulls: Vec::new(),
            pins: Vec::new(),
            end: problem.machine.scratchpad().0.into(),
        };
        let mut latest: Vec<Option<usize>> = vec![None; problem.graph.tensors().len()];
        for (index, stay) in outline.stays.iter().enumerate() {
            let size = i128::from(problem.graph.tensor(stay.tensor).size.0);
            let (start, end) = (stay.steps.start.0, stay.steps.end.0);
            let part = Part { shape: index, start, end, low: 0, size, leads: std::mem::take(&mut leads_of[index]) };
            shapes.hulls.push((part.since(), end));
            shapes.parts.push(part);
            shapes.members.push(vec![index]);
            shapes.pins.push(problem.graph.pinned(stay.tensor).map(|it| it.start.0.into()));
            latest[stay.tensor.index()] = Some(index);
            // A result that was evicted and reloaded shares nothing.
            let pairs = &in_place[stay.steps.start.index()];
            let first = pairs.partition_point(|it| it.result < stay.tensor);
            for pair in pairs[first..].iter().take_while(|it| it.result == stay.tensor) {
                let operand = latest[pair.operand.index()];
                let is_last = |it: &usize| outline.stays[*it].steps.end == stay.steps.start.next();
                operand.filter(is_last).into_iter().for_each(|operand| shapes.join(index, operand, pair));
            }
        }
        shapes
    }

    /// Joins the shapes of a result and an operand, unless parts of them would overlap.
    fn join(&mut self, result: usize, operand: usize, pair: &InPlace) {
        let at = i128::from(pair.at().0);
        let inner = if pair.inner() == pair.result { result } else { operand };
        let outer = if inner == result { operand } else { result };
        // In the step of the operator, the outer one counts for the inner one.
        let step = self.parts[result].start;
        let before = (self.parts[inner].start, self.parts[inner].end);
        if inner == result {
            self.parts[inner].start = step + 1;
        } else {
            self.parts[inner].end = step;
        }
        self.trim(inner);
        let moved = self.parts[outer].low + at - self.parts[inner].low;
        let (from, to) = (self.parts[inner].shape, self.parts[outer].shape);
        let is_possible = match from == to {
            true => moved == 0,
            false => self.do_pins_agree(from, to, moved) && !self.do_meet(to, from, moved),
        };
        if !is_possible {
            (self.parts[inner].start, self.parts[inner].end) = before;
            self.trim(inner);
        } else if from != to {
            // The smaller shape is merged into the larger one.
            let is_larger = self.members[from].len() <= self.members[to].len();
            let (from, to, moved) = if is_larger { (from, to, moved) } else { (to, from, -moved) };
            for member in std::mem::take(&mut self.members[from]) {
                self.parts[member].shape = to;
                self.parts[member].low += moved;
                self.members[to].push(member);
            }
            self.pins[to] = self.pins[to].or(self.pins[from].map(|it| it - moved));
            let (of_from, of_to) = (self.hulls[from], &mut self.hulls[to]);
            *of_to = (of_to.0.min(of_from.0), of_to.1.max(of_from.1));
        }
    }

    /// Places two stays of one tensor at one offset; each is a shape of one part.
    fn tie(&mut self, one: usize, other: usize) {
        let (from, to) = (self.parts[other].shape, self.parts[one].shape);
        let members = std::mem::take(&mut self.members[from]);
        members.iter().for_each(|it| self.parts[*it].shape = to);
        self.members[to].extend(members);
        let (of_from, of_to) = (self.hulls[from], &mut self.hulls[to]);
        *of_to = (of_to.0.min(of_from.0), of_to.1.max(of_from.1));
    }

    /// Whether the pins of two shapes agree, and an unpinned shape would lie within the scratchpad.
    fn do_pins_agree(&self, from: usize, to: usize, moved: i128) -> bool {
        let (of_from, of_to) = (self.pins[from].map(|it| it - moved), self.pins[to]);
        let lies_within = |shape: usize, base: i128| {
            let parts = self.members[shape].iter().map(|it| &self.parts[*it]);
            parts.into_iter().all(|it| 0 <= base + it.low && base + it.low + it.size <= self.end)
        };
        match (of_from, of_to) {
            (Some(of_from), Some(of_to)) => of_from == of_to,
            (Some(base), None) => lies_within(to, base),
            (None, Some(base)) => lies_within(from, base + moved),
            (None, None) => true,
        }
    }

    /// Removes the steps of a one-part shape's part in which it does not count.
    fn trim(&mut self, stay: usize) {
        let part = &self.parts[stay];
        if self.members[part.shape].len() == 1 {
            self.hulls[part.shape] = (part.since(), part.end);
        }
    }

    /// Whether parts of two shapes overlap if those of `from` are moved up by `moved`.
    ///
    /// A shape of thousands of parts mostly passes from operator to operator, and the shapes that it is joined with
    /// come before or after it. So only parts that share a step with the other shape are compared.
    fn do_meet(&self, to: usize, from: usize, moved: i128) -> bool {
        let steps = (self.hulls[to].0.max(self.hulls[from].0), self.hulls[to].1.min(self.hulls[from].1));
        let near = |shape: usize| {
            let parts = self.members[shape].iter().map(|member| &self.parts[*member]);
            parts.filter(|part| part.since().max(steps.0) < part.end.min(steps.1)).collect::<Vec<&Part>>()
        };
        if steps.1 <= steps.0 {
            return false;
        }
        let (of_to, of_from) = (near(to), near(from));
        of_to.iter().any(|part| of_from.iter().any(|other| part.meets(other, moved)))
    }

    /// Each shape as an interval, and the origin of its parts.
    ///
    /// Parts begin at multiples of the alignment, so no other block can use the padding of a part that ends below the
    /// top of the shape.
    fn intervals(&self, problem: &Problem) -> Vec<(Interval, i128)> {
        let interval = |(members, pin): (&Vec<usize>, &Option<i128>)| {
            let parts = || members.iter().map(|it| &self.parts[*it]).filter(|it| 0 < it.size);
            let base = parts().map(|it| it.low).min().unwrap_or(0);
            let top = parts().map(|it| it.low + it.size).max().unwrap_or(0);
            let byte =
                |it: i128| Bytes(u64::try_from(it - base).expect("a shape is no larger than all tensors together"));
            let alignment = i128::from(problem.machine.alignment().0);
            let piece = |(steps, bytes): (Range<u32>, Range<i128>)| {
                let high = bytes.start + (bytes.end - bytes.start + alignment - 1) / alignment * alignment;
                Piece { start: steps.start, end: steps.end, low: byte(bytes.start), high: byte(high.min(top)) }
            };
            let size = byte(top.max(base));
            let fixed = pin.map(|it| Bytes(u64::try_from(it + base).expect("parts lie within the scratchpad")));
            let interval = Interval::of_parts(size, parts().flat_map(Part::pieces).map(piece).collect());
            (Interval { fixed, ..interval }, base)
        };
        self.members.iter().zip(&self.pins).map(interval).collect()
    }
}

/// Separates results and operands where there is space; returns whether there was any.
fn separate(problem: &Problem, outline: &Outline, in_place: &mut [Vec<InPlace>]) -> bool {
    let mut is_separated = false;
    for (mut taken, pairs) in outline.rooms(problem).into_iter().zip(in_place) {
        pairs.retain(|it| {
            let apart = taken + problem.room(it.inner());
            if problem.graph.are_apart(it.result, it.operand) {
                return true;
            }
            if apart <= problem.capacity() {
                (taken, is_separated) = (apart, true);
            }
            problem.capacity() < apart
        });
    }
    is_separated
}
