//! Arrangements of the tensors at the border of a group: how each is on chip while the group runs, and where it is
//! afterwards.

use crate::flow::Flow;
use cosma_planner::TensorId;
use smallvec::{SmallVec, smallvec};
use std::ops::Range;

/// A tensor that is completely on chip at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kept {
    pub tensor: TensorId,
    /// Whether host memory also has it.
    pub has_copy: bool,
    /// The room of its pieces.
    pub room: u64,
}

/// Tensors that enter a group or leave it.
#[derive(Debug, Default)]
pub(crate) struct Border {
    pub inputs: Vec<Incoming>,
    pub outputs: Vec<Outgoing>,
}

/// A tensor that enters a group.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub tensor: TensorId,
    /// The bytes of it that are needed, and the bytes that are loaded if it is loaded as needed.
    pub needed: u64,
    pub loaded: u64,
    /// Its room at the end if it is loaded and stays.
    pub at_end: u64,
}

/// A tensor that is needed after a group.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub tensor: TensorId,
    /// Its room at the end if it stays.
    pub at_end: u64,
}

/// How a border tensor is on chip while a group runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Profile {
    /// Not, or with a constant room.
    Apart,
    /// It is loaded as needed, or stored as computed.
    Stream,
    /// It is complete on chip at first, and is freed as it is no longer needed.
    Dying,
    /// It is loaded as needed, and stays.
    Fetch,
    /// It is computed, and stays.
    Keep,
}

/// The arrangement of all tensors of a border.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrangement {
    /// Its non-compulsory bytes.
    pub cost: u64,
    /// Its room in each step, besides the profiles.
    pub constant: u64,
    /// Of the inputs, then of the outputs.
    pub profiles: Vec<Profile>,
    /// The tensors that are complete on chip afterwards, sorted.
    pub after: Vec<Kept>,
    /// The tensors that were complete on chip before, but are loaded as needed.
    pub put_out: Vec<TensorId>,
}

/// One option for a tensor of a border.
#[derive(Default)]
struct Way {
    cost: u64,
    constant: u64,
    /// `None` for a tensor that the group does not use.
    profile: Option<Profile>,
    kept: Option<Kept>,
    /// A tensor that it evicts first.
    put_out: Option<TensorId>,
}

/// All options for one tensor; the last one is that it is loaded from or stored to host memory.
type Ways = SmallVec<[Way; 3]>;

impl Border {
    /// The option that all of it is loaded from and stored to host memory.
    pub fn streamed(&self, flow: &Flow, nodes: &Range<usize>) -> Arrangement {
        let ways = ways(flow, self, nodes, &[]);
        Arrangement::of(ways.iter().map(|it| it.last().expect("everything may leave")))
    }
}

/// The arrangements of a group's border that move no more than a limit, given the tensors kept at its start. If there
/// are too many, only the likely ones.
pub(crate) fn arrangements(
    flow: &Flow,
    border: &Border,
    nodes: &Range<usize>,
    kept: &[Kept],
    limit: u64,
    most: usize,
) -> Vec<Arrangement> {
    let ways = ways(flow, border, nodes, kept);
    let room = Room { scratchpad: flow.scratchpad, limit };
    all(&ways, room, most).unwrap_or_else(|| likely(flow, &ways, nodes.end, room))
}

/// By tensor of the border, inputs, outputs and then unused tensors: its options.
fn ways(flow: &Flow, border: &Border, nodes: &Range<usize>, kept: &[Kept]) -> Vec<Ways> {
    let is_read = |tensor| border.inputs.iter().any(|it| it.tensor == tensor);
    let carried = kept.iter().filter(|it| !is_read(it.tensor)).map(|it| carried_ways(flow, it));
    let lies = |tensor| kept.iter().find(|it| it.tensor == tensor);
    let inputs = border.inputs.iter().map(|it| match lies(it.tensor) {
        Some(kept) => lying_ways(flow, it, kept, nodes.end),
        None => absent_ways(flow, it, nodes),
    });
    let outputs = border.outputs.iter().map(|it| outgoing_ways(flow, it, nodes.end));
    carried.chain(inputs).chain(outputs).collect()
}

/// The options of a tensor on chip that is not read.
fn carried_ways(flow: &Flow, kept: &Kept) -> Ways {
    smallvec![
        Way { constant: kept.room, kept: Some(*kept), ..Way::default() },
        Way { cost: spill(flow, kept), ..Way::default() },
    ]
}

/// The options of a tensor on chip that is read.
fn lying_ways(flow: &Flow, input: &Incoming, kept: &Kept, end: usize) -> Ways {
    let spill = spill(flow, kept);
    let is_needed_later = crosses(flow, kept.tensor, end);
    let mut ways = Ways::new();
    if is_needed_later {
        let constant = kept.room;
        ways.push(Way { constant, profile: Some(Profile::Apart), kept: Some(*kept), ..Way::default() });
    }
    let (cost, constant) = (if is_needed_later { spill } else { 0 }, kept.room - flow.whole_room(kept.tensor));
    ways.push(Way { cost, constant, profile: Some(Profile::Dying), ..Way::default() });
    let (profile, put_out) = (Some(Profile::Stream), Some(kept.tensor));
    ways.push(Way { cost: input.loaded + spill, profile, put_out, ..Way::default() });
    ways
}

/// The options of a tensor in host memory that is read.
fn absent_ways(flow: &Flow, input: &Incoming, nodes: &Range<usize>) -> Ways {
    let stream = flow.stream(input.tensor);
    let is_first = stream.producer.is_none() && nodes.start <= stream.readers[0];
    let cost = |loaded: u64| if is_first { loaded.saturating_sub(input.needed) } else { loaded };
    let mut ways = Ways::new();
    if crosses(flow, input.tensor, nodes.end) {
        // What stays is all there, though it is not all needed here.
        let whole = flow.whole_room(input.tensor);
        let kept = Kept { tensor: input.tensor, has_copy: true, room: whole.max(input.at_end) };
        let constant = whole.saturating_sub(input.at_end);
        let (cost, kept) = (cost(stream.bytes), Some(kept));
        ways.push(Way { cost, constant, profile: Some(Profile::Fetch), kept, ..Way::default() });
    }
    ways.push(Way { cost: cost(input.loaded), profile: Some(Profile::Stream), ..Way::default() });
    ways
}

/// The options of a tensor that the group computes.
fn outgoing_ways(flow: &Flow, output: &Outgoing, end: usize) -> Ways {
    let stream = flow.stream(output.tensor);
    let mut ways = Ways::new();
    let is_needed_later = crosses(flow, output.tensor, end);
    if is_needed_later {
        let room = flow.whole_room(output.tensor).max(output.at_end);
        let kept = Kept { tensor: output.tensor, has_copy: stream.is_result, room };
        ways.push(Way { profile: Some(Profile::Keep), kept: Some(kept), ..Way::default() });
    }
    let cost = if stream.is_result || !is_needed_later { 0 } else { stream.bytes };
    ways.push(Way { cost, profile: Some(Profile::Stream), ..Way::default() });
    ways
}

/// The traffic of evicting a tensor.
fn spill(flow: &Flow, kept: &Kept) -> u64 {
    if kept.has_copy { 0 } else { flow.stream(kept.tensor).bytes }
}

fn crosses(flow: &Flow, tensor: TensorId, end: usize) -> bool {
    flow.stream(tensor).readers.last().is_some_and(|it| end <= *it)
}

/// The limits on the traffic and the room of an arrangement.
#[derive(Clone, Copy, Debug)]
struct Room {
    scratchpad: u64,
    limit: u64,
}

/// The traffic and the room of all tensors of a border.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    cost: u64,
    constant: u64,
    /// The room of tensors that stay.
    left: u64,
}

impl Total {
    fn with(self, way: &Way) -> Total {
        Total {
            cost: self.cost.saturating_add(way.cost),
            constant: self.constant + way.constant,
            left: self.left + way.kept.map_or(0, |it| it.room),
        }
    }

    fn fits(self, room: Room) -> bool {
        self.cost <= room.limit && self.constant <= room.scratchpad && self.left <= room.scratchpad
    }
}

impl Arrangement {
    /// The arrangement for these options.
    fn of<'a>(ways: impl Iterator<Item = &'a Way>) -> Arrangement {
        let mut arrangement = Arrangement::default();
        let mut total = Total::default();
        for way in ways {
            total = total.with(way);
            arrangement.profiles.extend(way.profile);
            arrangement.after.extend(way.kept);
            arrangement.put_out.extend(way.put_out);
        }
        arrangement.after.sort_unstable();
        Arrangement { cost: total.cost, constant: total.constant, ..arrangement }
    }
}

/// All combinations of options that fit; `None` if there are too many.
fn all(ways: &[Ways], room: Room, most: usize) -> Option<Vec<Arrangement>> {
    let mut combinations = Combinations { ways, room, most, chosen: Vec::with_capacity(ways.len()), found: Vec::new() };
    combinations.extend(Total::default()).then_some(combinations.found)
}

/// A search for all combinations that fit, tensor by tensor.
struct Combinations<'a> {
    ways: &'a [Ways],
    room: Room,
    most: usize,
    /// The options of the first tensors.
    chosen: Vec<&'a Way>,
    found: Vec<Arrangement>,
}

impl Combinations<'_> {
    /// Adds all combinations that begin like this; false if there are too many.
    fn extend(&mut self, so_far: Total) -> bool {
        let Some(ways) = self.ways.get(self.chosen.len()) else {
            self.found.push(Arrangement::of(self.chosen.iter().copied()));
            return self.found.len() <= self.most;
        };
        ways.iter().all(|way| {
            let next = so_far.with(way);
            if !next.fits(self.room) {
                return true;
            }
            self.chosen.push(way);
            let is_complete = self.extend(next);
            self.chosen.pop();
            is_complete
        })
    }
}

/// If there are many combinations: those in which the first tensors of some orders stay.
fn likely(flow: &Flow, ways: &[Ways], end: usize, room: Room) -> Vec<Arrangement> {
    let staying = |it: &usize| ways[*it].iter().find_map(|way| way.kept);
    let free: Vec<usize> = (0..ways.len()).filter(|it| staying(it).is_some()).collect();
    let kept = |it: &usize| staying(it).expect("it may stay");
    let next_use = |it: &usize| {
        let readers = &flow.stream(kept(it).tensor).readers;
        readers.iter().copied().find(|it| end <= *it)
    };
    let bytes = |it: &usize| flow.stream(kept(it).tensor).bytes;
    let mut orders = [free.clone(), free.clone(), free];
    orders[0].sort_by_key(|it| (next_use(it), bytes(it)));
    orders[1].sort_by_key(bytes);
    orders[2].sort_by_key(|it| (kept(it).has_copy, next_use(it), bytes(it)));
    let mut choices: Vec<Vec<usize>> = Vec::new();
    // What does not stay leaves in the way that it may, the last of which is to be put out at once.
    for is_put_out in [false, true] {
        let leaving = |ways: &Ways| {
            let mut leaving = (0..ways.len()).filter(|it| ways[*it].kept.is_none());
            let first = leaving.next().expect("everything may leave");
            if is_put_out { leaving.next().unwrap_or(first) } else { first }
        };
        let first: Vec<usize> = ways.iter().map(leaving).collect();
        choices.push(first.clone());
        for order in &orders {
            let mut choice = first.clone();
            for &tensor in order {
                choice[tensor] = ways[tensor].iter().position(|it| it.kept.is_some()).expect("it may stay");
                choices.push(choice.clone());
            }
        }
    }
    choices.sort();
    choices.dedup();
    let combination = |choice: Vec<usize>| {
        let chosen = || choice.iter().zip(ways).map(|(way, ways)| &ways[*way]);
        chosen().fold(Total::default(), Total::with).fits(room).then(|| Arrangement::of(chosen()))
    };
    choices.into_iter().filter_map(combination).collect()
}
