//! One more memory between those that are nearer to the operators and home.
//!
//! *The transfers of one level are the operators of the next*: a program that copies tensors between nearer memories and
//! home says, moment by moment, which tensor comes from home or goes there. This memory holds a tensor from one of its
//! moments to the next where that pays. It also lets a tensor through where no way leads past it.
//!
//! What is decided is the best for that program, as long as only sums of rooms count; addresses come after that.

use super::program::{Charge, Column, Condition, Program};
use crate::address::between;
use crate::pack::{Interval, Packing, conflict, pack_within};
use crate::portfolio::ilp;
use crate::{Action, Bytes, Copy, Deadline, Error, MemoryId, Origin, Place, Problem, TensorId};
use std::collections::BTreeMap;

/// How many orders the packer tries.
const ATTEMPTS: u64 = 256;

/// By how many moments a tensor may have its place earlier than it needs it, if there is room.
const LEADS: [usize; 4] = [16, 6, 2, 1];

/// How many sets that cannot be packed are cut off before the room is reduced.
const CUTS: usize = 12;

/// How often the room is reduced before nothing is held.
const REDUCTIONS: u64 = 16;

/// A copy from or to home.
struct Moment {
    /// The line of the program.
    line: usize,
    tensor: TensorId,
    /// The place at the other end.
    inside: Place,
    is_inward: bool,
}

/// What the ways of a copy between home and an inner memory cost, those that exist.
struct Ways {
    /// Past the memory.
    past: Option<u128>,
    /// Between home and the memory.
    outer: Option<u128>,
    /// Between the memory and the inner one.
    inner: Option<u128>,
}

/// A memory, and a program whose copies from and to home it may serve.
pub(super) struct Level<'a> {
    problem: &'a Problem,
    memory: MemoryId,
    /// The memories between this one and home.
    outer: &'a [MemoryId],
    actions: &'a [Action],
    moments: Vec<Moment>,
    /// By moment: the columns of the gaps that end and begin there.
    gaps: Vec<[Option<usize>; 2]>,
    pub program: Program,
}

/// Where a tensor lies in the memory, from one moment to another, both included.
struct Stay {
    tensor: TensorId,
    start: usize,
    end: usize,
}

impl<'a> Level<'a> {
    /// The level of a memory. `outer` are those between it and home, which later levels serve.
    pub fn new(problem: &'a Problem, memory: MemoryId, outer: &'a [MemoryId], actions: &'a [Action]) -> Level<'a> {
        let moments: Vec<Moment> = actions.iter().enumerate().filter_map(|(line, it)| moment(line, it)).collect();
        let alignment = problem.machine.memories()[memory.index()].alignment;
        let program = Program {
            rooms: problem.graph.tensors().iter().map(|it| it.size.align_up(alignment)).collect(),
            capacity: problem.machine.capacity_of(memory),
            n_moments: moments.len(),
            ..Program::default()
        };
        let gaps = vec![[None; 2]; moments.len()];
        let mut level = Level { problem, memory, outer, actions, moments, gaps, program };
        let mut of_tensor: BTreeMap<TensorId, Vec<usize>> = BTreeMap::new();
        for (index, moment) in level.moments.iter().enumerate() {
            of_tensor.entry(moment.tensor).or_default().push(index);
        }
        of_tensor.into_iter().for_each(|(tensor, moments)| level.add_tensor(tensor, &moments));
        level
    }

    /// What it costs to bring a tensor from one memory to another, over outer ones where that is cheaper.
    fn way(&self, tensor: TensorId, from: MemoryId, to: MemoryId) -> Option<u128> {
        let size = self.problem.graph.tensor(tensor).size;
        let has_room = |memory: &MemoryId| self.room(*memory).is_none_or(|room| size <= room);
        let between: Vec<MemoryId> = self.outer.iter().copied().filter(has_room).collect();
        let price = self.problem.machine.price_over(from, to, &between)?;
        Some(u128::from(price) * u128::from(size.0))
    }

    /// The size of the largest tensor for which a memory has room; none where there is no end to it.
    fn room(&self, memory: MemoryId) -> Option<Bytes> {
        let memory = &self.problem.machine.memories()[memory.index()];
        memory.size?;
        let stretch = memory.largest_stretch();
        Some(stretch.end - stretch.start)
    }

    fn ways(&self, moment: &Moment) -> Ways {
        let way = |from, to| self.way(moment.tensor, from, to);
        let (home, here, inside) = (MemoryId::HOME, self.memory, moment.inside.memory);
        match moment.is_inward {
            true => Ways { past: way(home, inside), outer: way(home, here), inner: way(here, inside) },
            false => Ways { past: way(inside, home), outer: way(here, home), inner: way(inside, here) },
        }
    }

    /// Adds the columns and charges of a tensor with these moments.
    fn add_tensor(&mut self, tensor: TensorId, moments: &[usize]) {
        let graph = &self.problem.graph;
        // What is put together in host memory is whole nowhere else.
        let may_be_held = graph.tensor(tensor).origin != Origin::Staged && !graph.is_part(tensor);
        let is_written_back = graph.is_written_back(tensor);
        let n_gaps = moments.len() - 1;
        let mut prices: Vec<i128> = vec![0; n_gaps];
        // By gap: what it costs to begin there, if that is possible.
        let mut begins: Vec<Option<u128>> = vec![None; n_gaps];
        let mut is_reachable = vec![false; n_gaps];
        let mut to_home = None;
        for (nth, &index) in moments.iter().enumerate() {
            let moment = &self.moments[index];
            let Ways { past, outer, inner } = self.ways(moment);
            let through = outer.zip(inner).map(|(outer, inner)| outer + inner);
            let without = past.or(through).unwrap_or(0);
            if past.is_none() && through.is_some() {
                self.program.forced.push((index, tensor));
            }
            let mut held = without;
            if moment.is_inward {
                if let (Some(gap), Some(inner)) = (nth.checked_sub(1), inner) {
                    is_reachable[gap] = true;
                    prices[gap] += without as i128 - inner as i128;
                    held = inner;
                }
                if let Some(begin) = begins.get_mut(nth) {
                    let aside = past.zip(self.way(tensor, moment.inside.memory, self.memory)).map(|(a, b)| a + b);
                    let enter = through.into_iter().chain(aside).min();
                    // To go past it where going through costs less is not what this level decides.
                    *begin = enter.map(|it| it.saturating_sub(without));
                }
            } else if let (Some(inner), Some(begin)) = (inner, begins.get_mut(nth)) {
                *begin = Some(0);
                let home = past.into_iter().chain(outer).min().unwrap_or(0);
                held = if is_written_back { inner + home } else { inner };
                // If it is dropped later on, what brings it home is charged then.
                prices[nth] += if is_written_back { without as i128 } else { without as i128 - home as i128 };
                prices[nth] -= held as i128;
                to_home = (!is_written_back).then_some(home);
            }
            self.program.constant += held as i128;
        }
        let mut columns: Vec<Option<usize>> = Vec::with_capacity(n_gaps);
        for nth in 0..n_gaps {
            let (start, end) = (moments[nth], moments[nth + 1]);
            let is_possible = may_be_held && is_reachable[nth] && begins[nth].is_some();
            let column = is_possible.then_some(self.program.columns.len());
            match column {
                Some(_) => self.program.columns.push(Column { tensor, moments: start..=end, price: prices[nth] }),
                None => self.program.constant += prices[nth],
            }
            self.gaps[start][1] = column;
            self.gaps[end][0] = column;
            columns.push(column);
        }
        let mut charge = |price, when| self.program.charges.push(Charge { price, when });
        for (nth, column) in columns.iter().enumerate() {
            let price = begins[nth].unwrap_or(0);
            if let Some(column) = column.filter(|_| 0 < price) {
                charge(price, Condition::Begins(nth.checked_sub(1).and_then(|it| columns[it]), column));
            }
        }
        if let Some(price) = to_home {
            match columns.iter().copied().collect::<Option<Vec<usize>>>() {
                Some(columns) => self.program.charges.push(Charge { price, when: Condition::SomeDropped(columns) }),
                None => self.program.constant += price as i128,
            }
        }
    }

    /// The program, of which some copies lead to or from the memory now: those that hold the best there is.
    ///
    /// # Errors
    /// [`Error::Machine`] where a tensor has to pass through the memory and is larger than that.
    pub fn serve(self, deadline: Deadline) -> Result<Vec<Action>, Error> {
        self.serve_by(|program| ilp::hold(program, deadline), deadline)
    }

    /// Likewise, but what is held is chosen in another way.
    pub fn serve_by(
        mut self,
        choose: impl Fn(&Program) -> Vec<bool>,
        deadline: Deadline,
    ) -> Result<Vec<Action>, Error> {
        let capacity = self.program.capacity;
        for nth in 0..=REDUCTIONS {
            if let Some(Bytes(all)) = capacity {
                self.program.capacity = Some(Bytes(all - (u128::from(all) * u128::from(nth) / 32) as u64));
            }
            for _ in 0..CUTS {
                let held = choose(&self.program);
                let stays = self.stays(&held);
                match self.place(&stays, deadline) {
                    Ok(offsets) => return Ok(self.rewrite(&held, &stays, &offsets)),
                    Err(Some(stays)) if self.cut_off(&stays, &held) => {}
                    Err(_) => break,
                }
            }
        }
        let nothing = vec![false; self.program.columns.len()];
        let stays = self.stays(&nothing);
        match self.place(&stays, Deadline::NEVER) {
            Ok(offsets) => Ok(self.rewrite(&nothing, &stays, &offsets)),
            // What passes through does so by itself, so one of them is too large.
            Err(_) => Err(self.too_large()),
        }
    }

    /// The error of the largest tensor that has no way past the memory.
    fn too_large(&self) -> Error {
        let (graph, machine) = (&self.problem.graph, &self.problem.machine);
        let through = self.program.forced.iter().map(|it| graph.tensor(it.1));
        let largest = through.max_by_key(|it| it.size).expect("something passes through the memory");
        let memory = &machine.memories()[self.memory.index()].name;
        let room = self.room(self.memory).unwrap_or(Bytes(u64::MAX));
        let excess = largest.size.saturating_sub(room);
        Error::Machine(format!(
            "{} of {} B has no way between the scratchpad and {} but through {memory}, where {room} B are free: {excess} B too \
             few",
            largest.name,
            largest.size,
            machine.memories()[0].name
        ))
    }

    /// What lies in the memory, if these columns are held.
    fn stays(&self, held: &[bool]) -> Vec<Stay> {
        let mut stays: Vec<Stay> = Vec::new();
        let mut is_in = vec![false; self.moments.len()];
        let mut columns: Vec<&Column> =
            held.iter().zip(&self.program.columns).filter(|it| *it.0).map(|it| it.1).collect();
        columns.sort_by_key(|it| (it.tensor, *it.moments.start()));
        for Column { tensor, moments, .. } in columns {
            let (start, end) = (*moments.start(), *moments.end());
            (is_in[start], is_in[end]) = (true, true);
            match stays.last_mut().filter(|it| it.tensor == *tensor && it.end == start) {
                Some(last) => last.end = end,
                None => stays.push(Stay { tensor: *tensor, start, end }),
            }
        }
        let through = self.program.forced.iter().filter(|it| !is_in[it.0]);
        stays.extend(through.map(|&(moment, tensor)| Stay { tensor, start: moment, end: moment }));
        stays
    }

    /// An offset for each stay; else those that have none together, if that is known.
    fn place(&self, stays: &[Stay], deadline: Deadline) -> Result<Vec<Bytes>, Option<Vec<usize>>> {
        let machine = &self.problem.machine;
        let memory = &machine.memories()[self.memory.index()];
        if memory.size.is_none() {
            return Ok(vec![Bytes::ZERO; stays.len()]);
        }
        let size = |it: &Stay| self.problem.graph.tensor(it.tensor).size;
        let stretches = memory.stretches();
        let end = stretches.last().map_or(Bytes::ZERO, |it| it.end);
        let intervals = |lead: usize| -> Vec<Interval> {
            let stays = stays.iter().map(|it| (it.start.saturating_sub(lead), it.end, size(it)));
            let stays = stays.map(|(start, end, size)| Interval::new(start as u32, end as u32 + 1, size));
            stays.chain(between(&stretches, memory.alignment, self.moments.len() as u32)).collect()
        };
        // Where there is time, what comes in may begin to before it is needed.
        for lead in LEADS.into_iter().filter(|_| machine.clock().is_some()) {
            let intervals = intervals(lead);
            if let Packing::Placed(offsets) = pack_within(&intervals, end, memory.alignment, 1, deadline) {
                return Ok(offsets[..stays.len()].to_vec());
            }
        }
        let intervals = intervals(0);
        match pack_within(&intervals, end, memory.alignment, ATTEMPTS, deadline) {
            Packing::Placed(offsets) => Ok(offsets[..stays.len()].to_vec()),
            Packing::Undecided => Err(None),
            Packing::Infeasible => {
                let found = conflict(&intervals, end, memory.alignment, deadline);
                Err(found.map(|it| it.intervals.into_iter().filter(|it| *it < stays.len()).collect()))
            }
        }
    }

    /// Forbids to hold all of what makes up these stays. Gives whether that is less than before.
    fn cut_off(&mut self, stays: &[usize], held: &[bool]) -> bool {
        let all = self.stays(held);
        let is_part = |column: &Column| {
            let holds = |it: &Stay| {
                it.tensor == column.tensor && it.start <= *column.moments.start() && *column.moments.end() <= it.end
            };
            stays.iter().any(|it| holds(&all[*it]))
        };
        let columns = self.program.columns.iter().enumerate().filter(|it| held[it.0] && is_part(it.1));
        let columns: Vec<usize> = columns.map(|it| it.0).collect();
        let is_less = !columns.is_empty();
        self.program.conflicts.extend(is_less.then_some(columns));
        is_less
    }

    fn rewrite(&self, held: &[bool], stays: &[Stay], offsets: &[Bytes]) -> Vec<Action> {
        let mut place: Vec<Option<Place>> = vec![None; self.moments.len()];
        for (stay, offset) in stays.iter().zip(offsets) {
            let own = |it: &usize| self.moments[*it].tensor == stay.tensor;
            let here = Place { memory: self.memory, offset: *offset };
            (stay.start..=stay.end).filter(own).for_each(|it| place[it] = Some(here));
        }
        let is_held = |column: Option<usize>| column.is_some_and(|it| held[it]);
        let mut of_line = self.moments.iter().zip(place).zip(&self.gaps).peekable();
        let mut actions = Vec::with_capacity(self.actions.len());
        for (line, action) in self.actions.iter().enumerate() {
            let Some(((moment, here), [before, after])) = of_line.next_if(|it| it.0.0.line == line) else {
                actions.push(action.clone());
                continue;
            };
            let Moment { tensor, inside, is_inward, .. } = *moment;
            let Some(here) = here else {
                actions.push(action.clone());
                continue;
            };
            let mut copy = |from, to| actions.push(Action::Copy(Copy { tensor, from, to }));
            let Ways { past, outer, inner } = self.ways(moment);
            match is_inward {
                true if is_held(*before) => copy(here, inside),
                true => {
                    let aside = past.zip(self.way(tensor, inside.memory, self.memory)).map(|(a, b)| a + b);
                    let through = outer.zip(inner).map(|(outer, inner)| outer + inner);
                    if through.is_some_and(|it| aside.is_none_or(|aside| it <= aside)) {
                        copy(Place::HOME, here);
                        copy(here, inside);
                    } else {
                        copy(Place::HOME, inside);
                        copy(inside, here);
                    }
                }
                false => {
                    copy(inside, here);
                    if self.goes_home(tensor, is_held(*after), held) {
                        let is_past = past.is_some_and(|past| outer.is_none_or(|outer| past <= outer));
                        copy(if is_past { inside } else { here }, Place::HOME);
                    }
                }
            }
        }
        actions
    }

    /// Whether a tensor that leaves an inner memory goes home, too.
    fn goes_home(&self, tensor: TensorId, is_held: bool, held: &[bool]) -> bool {
        let is_dropped = || {
            let gaps = self.moments.iter().zip(&self.gaps).filter(|it| it.0.tensor == tensor);
            // The gap that ends at a moment: the first one has none, and it goes out there.
            gaps.skip(1).any(|it| it.1[0].is_none_or(|it| !held[it]))
        };
        !is_held || self.problem.graph.is_written_back(tensor) || is_dropped()
    }
}

fn moment(line: usize, action: &Action) -> Option<Moment> {
    let Action::Copy(Copy { tensor, from, to }) = *action else { return None };
    match (from.memory, to.memory) {
        (MemoryId::HOME, _) => Some(Moment { line, tensor, inside: to, is_inward: true }),
        (_, MemoryId::HOME) => Some(Moment { line, tensor, inside: from, is_inward: false }),
        _ => None,
    }
}
