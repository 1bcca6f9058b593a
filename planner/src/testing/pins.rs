//! Random pins, reserved addresses, and tensors that start and end in the scratchpad.

use super::Choices;
use crate::{Bytes, Link, Machine, Memory, MemoryId, MemorySet, Origin, Problem, TensorId};
use std::ops::Range;

/// The same problem with pins for some tensors, some arguments that start in the scratchpad, some tensors that end
/// there, and some reserved addresses, possibly in a larger scratchpad. Often there is no plan any more.
pub fn with_pins(problem: &Problem, choices: &mut Choices) -> Problem {
    let Bytes(alignment) = problem.machine.alignment();
    let mut builder = problem.graph.to_builder();
    let graph = &problem.graph;
    let more = choices.one_of(&[0, 0, 1, 2, 3]) * alignment;
    let size = Bytes(problem.machine.scratchpad().0 + more);
    let n_units = size.0.div_ceil(alignment);
    let chance = choices.one_of(&[0, 10, 30, 60]);
    let mut pins: Vec<Option<Bytes>> = vec![None; graph.tensors().len()];
    for tensor in graph.tensor_ids() {
        if !choices.chance(chance) {
            continue;
        }
        let room = graph.tensor(tensor).size.0.div_ceil(alignment);
        let mut at = choices.below(n_units.saturating_sub(room) + 1) * alignment;
        // A tensor that may share bytes with another one usually does.
        let partner = graph.producer(tensor).and_then(|op| {
            let pairs = graph.op(op).in_place.iter().filter(|it| it.result == tensor);
            pairs.filter_map(|it| Some((it, pins[it.operand.index()]?))).next()
        });
        let is_shared = choices.chance(70);
        if let Some((pair, pin)) = partner.filter(|_| is_shared) {
            at = if pair.inner() == tensor {
                pin.0.saturating_add(pair.at().0)
            } else {
                pin.0.saturating_sub(pair.at().0)
            };
        }
        if choices.chance(1) {
            at = at.saturating_add(choices.one_of(&[1, alignment * n_units, u64::MAX]));
        }
        pins[tensor.index()] = Some(Bytes(at));
        builder.pin(tensor, Bytes(at));
    }
    let is_streamed = |tensor: TensorId| {
        graph.ops().iter().any(|op| op.reads.iter().any(|it| it.tensor == tensor && it.from == MemorySet::HOME))
    };
    let (starts, ends) = (choices.one_of(&[0, 0, 30, 60]), choices.one_of(&[0, 0, 20, 40]));
    for tensor in graph.tensor_ids() {
        let is_argument = matches!(graph.tensor(tensor).origin, Origin::Argument | Origin::Weight);
        if is_argument && !is_streamed(tensor) && choices.chance(starts) {
            builder.starts_on_chip(tensor);
        }
        if graph.parts(tensor).is_empty() && choices.chance(ends) {
            builder.ends_on_chip(tensor);
        }
    }
    let mut reserved: Vec<Range<Bytes>> = Vec::new();
    for _ in 0..choices.one_of(&[0, 0, 0, 1, 1, 2]) {
        let low = choices.below(size.0 + 1);
        let length = 1 + choices.below(alignment + alignment / 2);
        reserved.push(Bytes(low)..Bytes(low + length));
    }
    let machine = match reserved.is_empty() {
        true => problem.machine.with_scratchpad(size),
        false => reserving(&problem.machine, size, reserved),
    };
    Problem { graph: builder.build().expect("the graph was built before"), machine }
}

/// A machine with a host and some reserved addresses.
fn reserving(machine: &Machine, size: Bytes, reserved: Vec<Range<Bytes>>) -> Machine {
    let memory =
        |name: &str, size, alignment| Memory { name: name.into(), size, alignment, reserved: Vec::new(), banks: None };
    let scratchpad = Memory { reserved, ..memory("l1", Some(size), machine.alignment()) };
    let link = |from, to| Link { from, to, price: 1 };
    let (home, on_chip) = (MemoryId::HOME, MemoryId::SCRATCHPAD);
    let memories = vec![memory("dram", None, Bytes(1)), scratchpad];
    Machine::new(memories, vec![link(home, on_chip), link(on_chip, home)]).expect("a machine")
}
