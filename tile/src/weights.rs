//! Which weights of a group stay on chip, and in how many blocks the others are streamed.
//!
//! An operator's weights stay while the group runs, or are loaded once for each of its steps, in blocks of output
//! channels. Weights that stay take room in every step, a block only in its own operator's steps. The choice that
//! moves least is a knapsack problem for each limit on the room of the blocks.

use crate::flow::{Flow, Node};
use crate::lanes::Lanes;
use crate::simulate::Step;
use std::ops::Range;

/// The most choices that a knapsack keeps.
const MAX_CHOICES: usize = 512;

/// The choice for the weights of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WeightChoice {
    /// Bytes that are loaded again.
    pub cost: u64,
    /// By node of the group: the number of output channels of its steps; all if its weights stay.
    pub channels: Vec<u64>,
    pub n_tiles: u64,
}

/// Weights of a node.
struct Item {
    /// Room if they stay.
    room: u64,
    /// The traffic if they do not stay.
    gain: u64,
    /// The room of the node's steps with the smallest blocks.
    need: u64,
}

/// Properties of a group's nodes, by node.
pub(crate) struct Work {
    /// The number of steps in all lanes.
    pub n_steps: Vec<u64>,
    /// The most iterations of a step.
    pub widest: Vec<u64>,
    /// Whether tensors are split into rows.
    pub is_cut: bool,
    /// The least room of the weights, and the extra room of the results with it.
    pub least: Vec<u64>,
    /// The room of weights that stay, and the traffic that this saves.
    rooms: Vec<u64>,
    gains: Vec<u64>,
    /// Whether lanes cut the weights into blocks, of which one lies there at a time.
    is_in_lanes: Vec<bool>,
}

impl Work {
    /// The steps are those of one lane, if there are several.
    pub fn of(flow: &Flow, nodes: Range<usize>, steps: &[Step], lanes: Option<&Lanes>) -> Work {
        let n = nodes.len();
        let mut work = Work {
            n_steps: vec![0; n],
            widest: vec![0; n],
            is_cut: false,
            least: Vec::with_capacity(n),
            rooms: Vec::with_capacity(n),
            gains: Vec::with_capacity(n),
            is_in_lanes: Vec::with_capacity(n),
        };
        for Step { node, range } in steps {
            let local = node - nodes.start;
            work.n_steps[local] += 1;
            work.widest[local] = (range.end - range.start).max(work.widest[local]);
        }
        work.is_cut = lanes.is_some() || work.n_steps.iter().any(|it| 1 < *it);
        for (local, node) in flow.nodes[nodes].iter().enumerate() {
            work.note_weights(flow, node, local, lanes);
        }
        work
    }

    fn note_weights(&mut self, flow: &Flow, node: &Node, local: usize, lanes: Option<&Lanes>) {
        let in_a_lane = self.n_steps[local];
        self.n_steps[local] *= lanes.map_or(1, Lanes::len);
        let again = self.n_steps[local].saturating_sub(1);
        let block = lanes.and_then(|it| it.block(node, local));
        let cut: u64 = if block.is_some() { node.cut.iter().sum() } else { 0 };
        let room = block.map_or(node.whole_room, |it| node.weight_room(it, flow.alignment));
        self.rooms.push(room);
        self.gains.push(cut * in_a_lane.saturating_sub(1) + (node.weight_bytes - cut) * again);
        self.is_in_lanes.push(block.is_some());
        let least = || node.least_block(flow, self.widest[local], self.is_cut);
        self.least.push(if block.is_some() { room } else { least() });
    }
}

/// The choice that moves least, given the room that each node's steps need for other tensors. `None` if nothing fits,
/// or if all choices that fit move more than `limit`.
pub(crate) fn choose_weights(
    flow: &Flow,
    nodes: Range<usize>,
    peaks: &[u64],
    work: &Work,
    capacity: u64,
    limit: u64,
) -> Option<WeightChoice> {
    let capacity = capacity / flow.alignment * flow.alignment;
    let peak = peaks.iter().copied().max().unwrap_or(0);
    let item = |local: usize| {
        let (room, gain) = (work.rooms[local], work.gains[local]);
        Item { room, gain, need: peaks[local] + work.least[local] }
    };
    let items: Vec<Item> = (0..nodes.len()).map(item).collect();
    let stays = choose_stays(&items, peak, capacity, limit)?;
    let staying: u64 = items.iter().zip(&stays).filter(|it| *it.1).map(|it| it.0.room).sum();
    let mut choice = WeightChoice { cost: 0, channels: Vec::with_capacity(items.len()), n_tiles: 0 };
    // What results in blocks take beyond their rows, they take while they are read, too.
    let mut padding = vec![0; items.len()];
    for (local, index) in nodes.clone().enumerate() {
        let node = &flow.nodes[index];
        let size = node.block.map_or(1, |it| it.1);
        let room = capacity.checked_sub(staying + peaks[local] + padding[local])?;
        let channels = if stays[local] { size } else { most_channels(flow, node, work, local, room)? };
        if channels < size {
            let own = node.padding(flow, work.widest[local], work.is_cut, channels);
            let readers = node.results.iter().flat_map(|it| &flow.stream(*it).readers);
            readers.filter(|it| nodes.contains(it)).for_each(|it| padding[it - nodes.start] += own);
        }
        choice.cost += if stays[local] { 0 } else { items[local].gain };
        choice.n_tiles += work.n_steps[local] * size.div_ceil(channels);
        choice.channels.push(channels);
    }
    (choice.cost <= limit).then_some(choice)
}

/// The nodes whose weights stay.
fn choose_stays(items: &[Item], peak: u64, capacity: u64, limit: u64) -> Option<Vec<bool>> {
    // Weights that pass once anyway need not stay.
    let least = items.iter().filter(|it| it.gain == 0).map(|it| it.need).fold(peak, u64::max);
    let all: Vec<bool> = items.iter().map(|it| 0 < it.gain).collect();
    let room: u64 = items.iter().filter(|it| 0 < it.gain).map(|it| it.room).sum();
    if least + room <= capacity {
        return Some(all);
    }
    let mut bounds: Vec<u64> = items.iter().map(|it| it.need.max(least)).chain([least]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let mut best: Option<(u64, Vec<bool>)> = None;
    for bound in bounds.into_iter().filter(|it| *it <= capacity) {
        // Whatever needs more than the bound stays.
        let forced: u64 = items.iter().filter(|it| 0 < it.gain && bound < it.need).map(|it| it.room).sum();
        if capacity - bound < forced {
            continue;
        }
        let free: Vec<usize> = (0..items.len()).filter(|it| 0 < items[*it].gain && items[*it].need <= bound).collect();
        let least = least_loss(items, &free, capacity - bound - forced);
        if limit < least || best.as_ref().is_some_and(|it| it.0 <= least) {
            continue;
        }
        let (lost, chosen) = knapsack(items, &free, capacity - bound - forced);
        if best.as_ref().is_none_or(|it| lost < it.0) {
            let is_forced = |it: &Item| 0 < it.gain && bound < it.need;
            let mut stays: Vec<bool> = items.iter().map(is_forced).collect();
            chosen.into_iter().for_each(|it| stays[it] = true);
            best = Some((lost, stays));
        }
    }
    best.map(|it| it.1)
}

/// A lower bound on the loss: the last item may be taken in part.
fn least_loss(items: &[Item], free: &[usize], mut capacity: u64) -> u64 {
    let mut order: Vec<&Item> = free.iter().map(|it| &items[*it]).collect();
    // Most gain for each byte of room first.
    order.sort_unstable_by(|left, right| {
        let ratio = |it: &Item, other: &Item| u128::from(it.gain) * u128::from(other.room);
        ratio(right, left).cmp(&ratio(left, right))
    });
    let mut lost = 0;
    for Item { room, gain, .. } in order {
        let taken = capacity.min(*room);
        capacity -= taken;
        lost += (u128::from(*gain) * u128::from(room - taken)).checked_div(u128::from(*room)).unwrap_or(0) as u64;
    }
    lost
}

/// The items to take into this much room so that the others lose least, and that loss.
fn knapsack(items: &[Item], free: &[usize], capacity: u64) -> (u64, Vec<usize>) {
    // Choices by room, each gaining more than those before; and what each took last, over which other one.
    let mut taken: Vec<(usize, usize)> = vec![(usize::MAX, usize::MAX)];
    let mut front: Vec<Choice> = vec![(0, 0, 0)];
    for &item in free {
        let Item { room, gain, .. } = items[item];
        let first = taken.len();
        let more = front.iter().filter(|it| it.0 + room <= capacity);
        let more: Vec<Choice> =
            more.zip(first..).map(|(&(used, gained, _), id)| (used + room, gained + gain, id)).collect();
        taken.extend(front[..more.len()].iter().map(|it| (item, it.2)));
        front = merge(&front, &more);
        thin(&mut front);
    }
    let &(_, gained, mut last) = front.last().expect("taking nothing is a choice");
    let mut chosen = Vec::new();
    while let (item, before) = taken[last]
        && item != usize::MAX
    {
        chosen.push(item);
        last = before;
    }
    (free.iter().map(|it| items[*it].gain).sum::<u64>() - gained, chosen)
}

/// Room, gain, and what was taken last.
type Choice = (u64, u64, usize);

/// Two fronts merged: by room, each choice gains more than the previous one.
fn merge(left: &[Choice], right: &[Choice]) -> Vec<Choice> {
    let mut merged: Vec<Choice> = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let is_left = match (left.peek(), right.peek()) {
            (Some(left), Some(right)) => left.0 <= right.0,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return merged,
        };
        let choice = if is_left { left.next() } else { right.next() };
        let choice = *choice.expect("it was peeked at");
        if merged.last().is_none_or(|it| it.1 < choice.1) {
            if merged.last().is_some_and(|it| it.0 == choice.0) {
                merged.pop();
            }
            merged.push(choice);
        }
    }
}

/// Shortens the front: of two neighbours, the one that gains more remains.
fn thin(front: &mut Vec<Choice>) {
    if MAX_CHOICES < front.len() {
        let last = front.len() - 1;
        let mut index = 0usize;
        front.retain(|_| {
            index += 1;
            index.is_multiple_of(2) || index == 1 || index == last + 1
        });
    }
}

/// The most output channels for which a node's weights and results fit in this much room.
fn most_channels(flow: &Flow, node: &Node, work: &Work, local: usize, room: u64) -> Option<u64> {
    let fits = |it: &u64| {
        node.weight_room(*it, flow.alignment) + node.padding(flow, work.widest[local], work.is_cut, *it) <= room
    };
    if work.rooms[local] <= room {
        Some(node.block.map_or(1, |it| it.1))
    } else if work.is_in_lanes[local] {
        None
    } else {
        node.block_sizes.iter().copied().find(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least loss by trying every set.
    fn brute_force(items: &[Item], peak: u64, capacity: u64) -> Option<u64> {
        let loss = |set: u32| {
            let stays = |it: &usize| set & (1 << it) != 0;
            let room: u64 = (0..items.len()).filter(stays).map(|it| items[it].room).sum();
            let passing = || (0..items.len()).filter(|it| !stays(it)).map(|it| &items[it]);
            let most = passing().map(|it| it.need).fold(peak, u64::max);
            (room + most <= capacity).then(|| passing().map(|it| it.gain).sum::<u64>())
        };
        (0..1 << items.len()).filter_map(loss).min()
    }

    proptest::proptest! {
        #[test]
        fn the_choice_loses_least(
            items in proptest::collection::vec((1..40u64, 0..4u64, 0..40u64, 1..40u64), 0..7), capacity in 0..120u64,
        ) {
            let peak = items.iter().map(|it| it.2).max().unwrap_or(0);
            let items: Vec<Item> = items
                .into_iter()
                .map(|(room, passes, peak, block)| Item { room, gain: room * passes, need: peak + block.min(room) })
                .collect();
            let chosen = choose_stays(&items, peak, capacity, u64::MAX);
            let lost = |stays: Vec<bool>| items.iter().zip(stays).filter(|it| !it.1).map(|it| it.0.gain).sum::<u64>();
            proptest::prop_assert_eq!(chosen.map(lost), brute_force(&items, peak, capacity));
        }
    }
}
