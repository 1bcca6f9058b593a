//! Random machines with several memories, and the least cost of any program by enumeration.

use super::Choices;
use crate::{Bytes, Link, Machine, Memory, MemoryId, OpId, Origin, Problem, TensorId};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// The same problem with one or two memories between the scratchpad and home: of any size, with reserved addresses,
/// with or without links past them.
pub fn in_tiers(problem: &Problem, choices: &mut Choices) -> Problem {
    let Bytes(all) = problem.graph.tensors().iter().map(|it| it.size).sum();
    let mut memories = vec![problem.machine.memories()[0].clone(), problem.machine.memories()[1].clone()];
    let n_between = choices.one_of(&[1, 1, 2]);
    for nth in 0..n_between {
        let alignment = Bytes(choices.one_of(&[1, 4, 64]));
        let size = match choices.below(6) {
            0 => None,
            1 => Some(Bytes(0)),
            _ => Some(Bytes(choices.below(all + 2))),
        };
        let start = Bytes(choices.below(all + 1));
        let end = start + Bytes(1 + choices.below(64));
        let reserved = if choices.chance(25) && size.is_some() { vec![start..end] } else { Vec::new() };
        memories.push(Memory { name: format!("l{}", nth + 2), size, alignment, reserved, banks: None });
    }
    // Links between each memory and the next farther one, and most of the links past them.
    let chain = [1].into_iter().chain(2..memories.len() as u32).chain([0]).map(MemoryId).collect::<Vec<_>>();
    let mut links = Vec::new();
    let mut price = 1 + choices.below(4);
    for (nth, pair) in chain.windows(2).enumerate() {
        links.extend([Link { from: pair[0], to: pair[1], price }, Link { from: pair[1], to: pair[0], price }]);
        for far in chain[nth + 2..].iter().filter(|_| choices.chance(70)).collect::<Vec<_>>() {
            let price = price + choices.below(20);
            links.extend([Link { from: pair[0], to: *far, price }, Link { from: *far, to: pair[0], price }]);
        }
        price += choices.below(9);
    }
    // Tensors that must pass through a memory need space in it, and so do tensors that operators read at home.
    let is_past = links.iter().any(|it| (it.from, it.to) == (MemoryId::SCRATCHPAD, MemoryId::HOME));
    if !is_past {
        let (home, scratchpad) = (MemoryId::HOME, MemoryId::SCRATCHPAD);
        let price = 30;
        links.extend([(home, scratchpad), (scratchpad, home)].map(|(from, to)| Link { from, to, price }));
        if choices.chance(30) && problem.graph.ops().iter().all(|it| it.reads_in(home).next().is_none()) {
            links.truncate(links.len() - 2);
            let room = Bytes(all + 64 * problem.graph.tensors().len() as u64);
            memories[2..].iter_mut().for_each(|it| (it.size, it.reserved) = (Some(room), Vec::new()));
        }
    }
    let machine = Machine::new(memories, links).expect("these are memories and links");
    Problem { graph: problem.graph.clone(), machine }
}

/// The operators that ran, and the contents of each memory, as bits.
type State = (u32, Vec<u32>);

/// The least cost of any program, if in each memory only the sum of padded sizes counts, by enumeration (Dijkstra
/// 1959). `None` for problems with unsupported features: results in the place of operands, parts, uses in host memory,
/// tensors that start or end in the scratchpad; or with too many operators or tensors.
pub fn least_tiered_cost(problem: &Problem) -> Option<u128> {
    let (graph, machine) = (&problem.graph, &problem.machine);
    let is_plain = graph.ops().iter().all(|it| it.in_place.is_empty() && it.reads_in(MemoryId::HOME).next().is_none());
    let is_odd = |it: TensorId| {
        let tensor = graph.tensor(it);
        tensor.origin == Origin::Staged || graph.is_part(it) || tensor.starts_on_chip || tensor.ends_on_chip
    };
    if !is_plain || 4 < graph.ops().len() || 7 < graph.tensors().len() || graph.tensor_ids().any(is_odd) {
        return None;
    }
    let bit = |it: TensorId| 1_u32 << it.0;
    let memories: Vec<MemoryId> = (0..machine.memories().len() as u32).map(MemoryId).collect();
    let room = |memory: MemoryId, set: u32| -> u128 {
        let alignment = machine.memories()[memory.index()].alignment;
        let there = graph.tensor_ids().filter(|it| set & bit(*it) != 0);
        there.map(|it| u128::from(graph.tensor(it).size.align_up(alignment).0)).sum()
    };
    let fits = |memory: MemoryId, set: u32, more: u128| {
        machine.capacity_of(memory).is_none_or(|it| room(memory, set) + more <= u128::from(it.0))
    };
    let home = graph.tensor_ids().filter(|it| graph.producer(*it).is_none()).map(bit).sum::<u32>();
    let results = graph.tensor_ids().filter(|it| graph.is_stored(*it)).map(bit).sum::<u32>();
    let all_ran = (1_u32 << graph.ops().len()) - 1;
    let mut start = vec![0; memories.len()];
    start[0] = home;
    let mut costs: HashMap<State, u128> = HashMap::new();
    let mut queue = BinaryHeap::from([(Reverse(0_u128), (0_u32, start))]);
    while let Some((Reverse(cost), state)) = queue.pop() {
        if costs.get(&state).is_some_and(|it| *it <= cost) {
            continue;
        }
        let (ran, ref sets) = state;
        if ran == all_ran && sets[0] & results == results {
            return Some(cost);
        }
        let mut reach = |cost: u128, state: State| {
            if costs.get(&state).is_none_or(|it| cost < *it) {
                queue.push((Reverse(cost), state));
            }
        };
        for op in graph.op_ids().filter(|it| ran & 1 << it.0 == 0) {
            let operator = graph.op(op);
            let needed = operator.reads.iter().map(|it| bit(it.tensor)).fold(0, |a, b| a | b);
            let written = operator.writes.iter().map(|it| bit(*it)).sum::<u32>();
            let came_before = graph.predecessors(op).iter().all(|it: &OpId| ran & 1 << it.0 != 0);
            let workspace = u128::from(problem.workspace_room(op).0);
            if came_before && sets[1] & needed == needed && fits(MemoryId::SCRATCHPAD, sets[1] | written, workspace) {
                let mut sets = sets.clone();
                sets[1] |= written;
                reach(cost, (ran | 1 << op.0, sets));
            }
        }
        for tensor in graph.tensor_ids() {
            for link in machine.links().iter().filter(|it| sets[it.from.index()] & bit(tensor) != 0) {
                let to = link.to.index();
                if sets[to] & bit(tensor) == 0 && fits(link.to, sets[to] | bit(tensor), 0) {
                    let mut sets = sets.clone();
                    sets[to] |= bit(tensor);
                    let price = u128::from(link.price) * u128::from(graph.tensor(tensor).size.0);
                    reach(cost + price, (ran, sets));
                }
            }
            for memory in memories[1..].iter().filter(|it| sets[it.index()] & bit(tensor) != 0) {
                let mut sets = sets.clone();
                sets[memory.index()] &= !bit(tensor);
                reach(cost, (ran, sets));
            }
        }
        costs.insert(state, cost);
    }
    None
}
