//! The contents of the scratchpad while a group of operators runs in stripes.
//!
//! Consecutive operators run depth first in stripes of a number of rows of the tallest tensor that leaves the group;
//! other tensors are in proportion. From the results backwards, each operator runs as far as its readers need. Rows
//! of a tensor stay from their computation or load until its last reader in the group no longer needs them. So halo
//! rows, the longer branch of a residual, strides, resizing, and barriers (all rows are needed before the first) need
//! no special rules.
//!
//! Tensors at the border of the group are on chip in different ways, which are counted in parallel: a tensor that is
//! loaded from or stored to host memory has a window; a tensor that stays is whole.

use crate::flow::{Flow, bytes_of_rows};
use crate::lanes::Lanes;
use cosma_planner::TensorId;
use std::ops::Range;

/// A step of a group: a node runs these iterations of its streamed loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub node: usize,
    pub range: Range<u64>,
}

/// What lies on-chip in each step, in rooms, without weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simulation {
    pub steps: Vec<Step>,
    pub inputs: Vec<Input>,
    /// The tensors that are needed after the group.
    pub outputs: Vec<TensorId>,
    /// By step, one [`Column`] after the other.
    rooms: Vec<u64>,
}

/// A tensor from outside of the group.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub tensor: TensorId,
    /// The bytes that are needed of it, and those that are loaded if it comes as it is needed.
    pub needed: u64,
    pub loaded: u64,
}

/// Of what the room of a step is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// Of the tensors that do not leave the group.
    Inner,
    /// Of an input that comes from host memory as it is needed.
    Stream(usize),
    /// Of an input that lies there whole at first, and leaves as it is no longer needed.
    Dying(usize),
    /// Of an input that comes from host memory as it is needed, and stays.
    Fetch(usize),
    /// Of an output that goes to host memory as it is made.
    Leave(usize),
    /// Of an output that stays.
    Keep(usize),
}

/// How rooms are put side by side.
#[derive(Clone, Copy, Debug, Default)]
struct Columns {
    inputs: usize,
    outputs: usize,
}

impl Columns {
    fn len(self) -> usize {
        1 + 3 * self.inputs + 2 * self.outputs
    }

    fn index(self, column: Column) -> usize {
        let of_output = |output: usize| 1 + 3 * self.inputs + 2 * output;
        match column {
            Column::Inner => 0,
            Column::Stream(input) => 1 + 3 * input,
            Column::Dying(input) => 2 + 3 * input,
            Column::Fetch(input) => 3 + 3 * input,
            Column::Leave(output) => of_output(output),
            Column::Keep(output) => of_output(output) + 1,
        }
    }
}

/// The steps of which nodes may need most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Corners {
    columns: Columns,
    /// By column, by step, those of a node together.
    rooms: Vec<u64>,
    /// By node: how many steps it has.
    counts: Vec<usize>,
}

impl Corners {
    pub fn n_inputs(&self) -> usize {
        self.columns.inputs
    }

    /// By node: the most room that its steps need, if these columns count.
    pub fn peaks(&self, columns: impl Iterator<Item = Column>) -> Vec<u64> {
        let n_steps: usize = self.counts.iter().sum();
        let mut rooms = vec![0; n_steps];
        for column in columns {
            let first = self.columns.index(column) * n_steps;
            rooms.iter_mut().zip(&self.rooms[first..first + n_steps]).for_each(|(room, it)| *room += it);
        }
        let mut rest = &rooms[..];
        let mut most = |count: &usize| {
            let (of_node, others) = rest.split_at(*count);
            rest = others;
            of_node.iter().copied().max().unwrap_or(0)
        };
        self.counts.iter().map(&mut most).collect()
    }
}

/// A tensor of the group while it runs.
struct Slot {
    tensor: TensorId,
    role: Role,
    room: u64,
    rows: u64,
    /// Rows from `low`, which the first of its readers still needs, to `top` lie there.
    low: u64,
    top: u64,
    /// The first row that any reader needs.
    start: u64,
    /// Readers: a node of the group, and which of its reads.
    readers: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Inner,
    Input(usize),
    Output(usize),
}

impl Slot {
    /// The first row that is still needed, if nodes have run so far and another one runs up to `to`.
    fn low_after(&self, flow: &Flow, first_node: usize, done: &[u64], node: usize, to: u64) -> u64 {
        let mut low = self.top;
        for &(reader, read) in &self.readers {
            let done = if reader == node { to } else { done[reader - first_node] };
            let reader = &flow.nodes[reader];
            if done < reader.extent {
                low = low.min(reader.reads[read].first(done));
            }
        }
        low.max(self.low)
    }
}

impl Simulation {
    /// A step for each of some moments that stand for all of an operator's: by moment, what else lies there, and each
    /// input streaming; and each output streaming and whole.
    pub fn of_moments(
        node: usize,
        inner: &[u64],
        inputs: Vec<(Input, Vec<u64>)>,
        outputs: &[(TensorId, [u64; 2])],
        whole: impl Fn(TensorId) -> u64,
    ) -> Simulation {
        let row = |(moment, inner): (usize, &u64)| {
            let of_inputs = inputs.iter().flat_map(|(input, streaming)| {
                let whole = whole(input.tensor);
                [streaming[moment], whole, whole]
            });
            [*inner].into_iter().chain(of_inputs).chain(outputs.iter().flat_map(|it| it.1)).collect::<Vec<u64>>()
        };
        Simulation {
            rooms: inner.iter().enumerate().flat_map(row).collect(),
            steps: (0..inner.len() as u64).map(|it| Step { node, range: it..it + 1 }).collect(),
            inputs: inputs.into_iter().map(|it| it.0).collect(),
            outputs: outputs.iter().map(|it| it.0).collect(),
        }
    }

    fn columns(&self) -> Columns {
        Columns { inputs: self.inputs.len(), outputs: self.outputs.len() }
    }

    /// All rooms of a step.
    pub fn row(&self, step: usize) -> &[u64] {
        let width = self.columns().len();
        &self.rooms[step * width..(step + 1) * width]
    }

    /// The room in the last step.
    pub fn at_end(&self, column: Column) -> u64 {
        self.steps.len().checked_sub(1).map_or(0, |last| self.row(last)[self.columns().index(column)])
    }

    /// Sets a room in all steps.
    pub fn set(&mut self, column: Column, room: u64) {
        let (width, index) = (self.columns().len(), self.columns().index(column));
        self.rooms.iter_mut().skip(index).step_by(width).for_each(|it| *it = room);
    }

    /// Adds a step with all of its rooms 0.
    fn add(&mut self, step: Step) {
        self.steps.push(step);
        self.rooms.resize(self.steps.len() * self.columns().len(), 0);
    }

    /// A room of the last step.
    fn last(&mut self, column: Column) -> &mut u64 {
        let index = self.rooms.len() - self.columns().len() + self.columns().index(column);
        &mut self.rooms[index]
    }

    /// The room of a step, without weights, if all that may be elsewhere is in host memory.
    fn least(&self, step: usize) -> u64 {
        let (of_inputs, of_outputs) = self.row(step)[1..].split_at(3 * self.inputs.len());
        let inputs = of_inputs.chunks_exact(3).map(|it| it[0].min(it[1]));
        self.row(step)[0] + inputs.chain(of_outputs.iter().copied().step_by(2)).sum::<u64>()
    }

    /// The most that a step takes if all that may be elsewhere is in host memory, and weights take so much, by node.
    pub fn least_room(&self, first: usize, weights: &[u64]) -> u64 {
        let room = |(index, step): (usize, &Step)| self.least(index) + weights[step.node - first];
        self.steps.iter().enumerate().map(room).max().unwrap_or(0)
    }

    /// Only the steps of which a node may need most, whichever columns count.
    ///
    /// If a step has in each column no more than lies on the line between an earlier and a later step of its node,
    /// no sum of columns is more than those of both of them.
    pub fn corners(&self, nodes: &Range<usize>) -> Corners {
        let mut by_node: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (step, Step { node, .. }) in self.steps.iter().enumerate() {
            let kept = &mut by_node[node - nodes.start];
            while let [.., before, last] = kept[..]
                && self.lies_below([before, last, step])
            {
                kept.pop();
            }
            kept.push(step);
        }
        let columns = self.columns();
        let steps = || by_node.iter().flatten();
        let rooms = (0..columns.len()).flat_map(|column| steps().map(move |it| self.row(*it)[column]));
        Corners { columns, rooms: rooms.collect(), counts: by_node.iter().map(Vec::len).collect() }
    }

    /// Whether the second of three steps has no more than lies on the line between the others.
    fn lies_below(&self, steps: [usize; 3]) -> bool {
        let [start, between, end] = steps.map(|it| self.steps[it].range.end);
        let (before, after) = (u128::from(between - start), u128::from(end - between));
        let [first, second, third] = steps.map(|it| self.row(it));
        let mut columns = first.iter().zip(second).zip(third);
        columns.all(|((first, second), third)| {
            u128::from(*second) * (before + after) <= u128::from(*first) * after + u128::from(*third) * before
        })
    }
}

/// Runs the nodes in stripes of so many rows of the tallest tensor that leaves the group.
pub(crate) fn simulate(flow: &Flow, nodes: Range<usize>, rows: u64) -> Simulation {
    simulate_within(flow, &nodes, None, rows, u64::MAX).expect("no step needs more than all")
}

/// Likewise in lanes, if there are any, each as large as the largest. None once a step needs more than the capacity
/// though all that may be elsewhere is in host memory.
pub(crate) fn simulate_within(
    flow: &Flow,
    nodes: &Range<usize>,
    lanes: Option<&Lanes>,
    rows: u64,
    capacity: u64,
) -> Option<Simulation> {
    let one = Run::new(flow, nodes.clone(), lanes).run(rows, capacity)?;
    Some(match lanes {
        Some(lanes) => lanes.of_all(flow, one),
        None => one,
    })
}

/// The iterations of the node of a group whose loop is the longest of those that write what leaves the group.
pub(crate) fn tallest(flow: &Flow, nodes: Range<usize>) -> u64 {
    let leaves = |tensor: &TensorId| is_output(flow, *tensor, nodes.end);
    let writers = nodes.clone().filter(|it| flow.nodes[*it].results.iter().any(leaves));
    writers.map(|it| flow.nodes[it].extent).max().unwrap_or(1)
}

/// Whether a tensor that a group writes is needed after it, or by nobody.
pub(crate) fn is_output(flow: &Flow, tensor: TensorId, end: usize) -> bool {
    let stream = flow.stream(tensor);
    stream.is_result || stream.readers.last().is_none_or(|it| end <= *it)
}

struct Run<'a, 'b> {
    flow: &'b Flow<'a>,
    lanes: Option<&'b Lanes>,
    nodes: Range<usize>,
    slots: Vec<Slot>,
    /// By node of the group: the slots of its results, and of its reads.
    results: Vec<Vec<usize>>,
    reads: Vec<Vec<usize>>,
    done: Vec<u64>,
    inner: u64,
    simulation: Simulation,
}

impl<'a, 'b> Run<'a, 'b> {
    fn new(flow: &'b Flow<'a>, nodes: Range<usize>, lanes: Option<&'b Lanes>) -> Run<'a, 'b> {
        let n = nodes.len();
        let mut run = Run {
            flow,
            lanes,
            nodes: nodes.clone(),
            slots: Vec::new(),
            results: vec![Vec::new(); n],
            reads: vec![Vec::new(); n],
            done: vec![0; n],
            inner: 0,
            simulation: Simulation::default(),
        };
        for node in nodes.clone() {
            for read in 0..flow.nodes[node].reads.len() {
                let tensor = flow.nodes[node].reads[read].tensor;
                let slot = run.slot(tensor);
                run.slots[slot].readers.push((node, read));
                run.reads[node - nodes.start].push(slot);
            }
            for tensor in &flow.nodes[node].results {
                let slot = run.slot(*tensor);
                run.results[node - nodes.start].push(slot);
            }
        }
        for slot in run.slots.iter_mut().filter(|it| matches!(it.role, Role::Input(_))) {
            let first = slot.readers.iter().map(|(node, read)| flow.nodes[*node].reads[*read].first(0)).min();
            slot.start = first.unwrap_or(0);
            (slot.low, slot.top) = (slot.start, slot.start);
        }
        run
    }

    fn slot(&mut self, tensor: TensorId) -> usize {
        if let Some(slot) = self.slots.iter().position(|it| it.tensor == tensor) {
            return slot;
        }
        let stream = self.flow.stream(tensor);
        let is_made_here = stream.producer.is_some_and(|it| self.nodes.contains(&it));
        let role = if !is_made_here {
            self.simulation.inputs.push(Input { tensor, needed: 0, loaded: 0 });
            Role::Input(self.simulation.inputs.len() - 1)
        } else if is_output(self.flow, tensor, self.nodes.end) {
            self.simulation.outputs.push(tensor);
            Role::Output(self.simulation.outputs.len() - 1)
        } else {
            Role::Inner
        };
        let room = self.lanes.map_or(stream.row_room, |it| it.row_room(self.flow, tensor));
        let rows = stream.rows;
        self.slots.push(Slot { tensor, role, room, rows, low: 0, top: 0, start: 0, readers: Vec::new() });
        self.slots.len() - 1
    }

    fn run(mut self, rows: u64, capacity: u64) -> Option<Simulation> {
        let mut need = vec![0; self.nodes.len()];
        let tallest = tallest(self.flow, self.nodes.clone());
        let mut row = 0;
        while row < tallest {
            row = tallest.min(row + rows);
            self.needs(row, tallest, &mut need);
            for node in self.nodes.clone() {
                let local = node - self.nodes.start;
                if self.done[local] < need[local] {
                    self.step(node, need[local]);
                    if capacity < self.simulation.least(self.simulation.steps.len() - 1) {
                        return None;
                    }
                }
            }
        }
        for slot in &self.slots {
            if let Role::Input(index) = slot.role {
                let stream = self.flow.stream(slot.tensor);
                let shape = self.flow.network.shape(slot.tensor);
                let needed = bytes_of_rows(shape, stream, slot.top - slot.start).0;
                let input = &mut self.simulation.inputs[index];
                (input.needed, input.loaded) = (needed, needed);
            }
        }
        Some(self.simulation)
    }

    /// How far each node has to run if so many rows of so many leave the group.
    fn needs(&self, row: u64, tallest: u64, need: &mut [u64]) {
        let first = self.nodes.start;
        need.copy_from_slice(&self.done);
        for node in self.nodes.clone().rev() {
            let flow = &self.flow.nodes[node];
            let local = node - first;
            for (result, slot) in self.results[local].iter().enumerate() {
                let slot = &self.slots[*slot];
                if matches!(slot.role, Role::Output(_)) {
                    let extent = u128::from(flow.extent) * u128::from(row) / u128::from(tallest);
                    need[local] = need[local].max(extent as u64);
                }
                for &(reader, read) in &slot.readers {
                    if 0 < need[reader - first] {
                        let rows = self.flow.nodes[reader].reads[read].last(need[reader - first]);
                        need[local] = need[local].max(flow.iterations_for(result, rows));
                    }
                }
            }
        }
    }

    fn step(&mut self, node: usize, to: u64) {
        let local = node - self.nodes.start;
        let from = self.done[local];
        let flow = &self.flow.nodes[node];
        for (index, &slot) in self.reads[local].iter().enumerate() {
            if matches!(self.slots[slot].role, Role::Input(_)) {
                let slot = &mut self.slots[slot];
                slot.top = slot.top.max(flow.reads[index].last(to));
            }
        }
        if from == 0 {
            self.inner += flow.sums.unwrap_or(0);
        }
        for (result, &slot) in self.results[local].iter().enumerate() {
            let top = flow.rows_made(result, to, self.slots[slot].rows);
            if self.slots[slot].role == Role::Inner {
                self.inner += (top - self.slots[slot].top) * self.slots[slot].room;
            }
            self.slots[slot].top = top;
        }
        self.record(node, from, to);
        self.done[local] = to;
        if to == flow.extent {
            self.inner -= flow.sums.unwrap_or(0);
        }
        for index in 0..self.reads[local].len() + self.results[local].len() {
            let n_reads = self.reads[local].len();
            let slot = if index < n_reads { self.reads[local][index] } else { self.results[local][index - n_reads] };
            let low = self.slots[slot].low_after(self.flow, self.nodes.start, &self.done, node, to);
            if self.slots[slot].role == Role::Inner {
                self.inner -= (low - self.slots[slot].low) * self.slots[slot].room;
            }
            self.slots[slot].low = low;
        }
    }

    fn record(&mut self, node: usize, from: u64, to: u64) {
        let flow = &self.flow.nodes[node];
        let local = node - self.nodes.start;
        let (part, all) = self.lanes.map_or((1, 1), |it| it.share(flow, local));
        let workspace = u128::from(flow.workspace) * u128::from(to - from) * u128::from(part);
        let workspace = workspace.div_ceil(u128::from(flow.extent) * u128::from(all)) as u64;
        let base = self.inner + self.flow.align(workspace);
        let simulation = &mut self.simulation;
        simulation.add(Step { node, range: from..to });
        *simulation.last(Column::Inner) = base;
        for slot in &self.slots {
            let window = (slot.top - slot.low) * slot.room;
            match slot.role {
                Role::Inner => {}
                Role::Input(index) => {
                    *simulation.last(Column::Stream(index)) = window;
                    *simulation.last(Column::Dying(index)) = (slot.rows - slot.low) * slot.room;
                    *simulation.last(Column::Fetch(index)) = (slot.top - slot.start) * slot.room;
                }
                Role::Output(index) => {
                    *simulation.last(Column::Leave(index)) = window;
                    *simulation.last(Column::Keep(index)) = slot.top * slot.room;
                }
            }
        }
        self.share(node, from, to);
    }

    /// Takes off what results save that lie over rows of operands that are needed for the last time.
    fn share(&mut self, node: usize, from: u64, to: u64) {
        let local = node - self.nodes.start;
        let flow = &self.flow.nodes[node];
        let mut has_place = vec![false; flow.results.len()];
        let mut taken: Vec<TensorId> = Vec::new();
        for &(result, operand) in &flow.in_place {
            // What is read after the group does not die in it, though it may leave.
            if self.flow.stream(operand).readers.last().is_some_and(|it| self.nodes.end <= *it) {
                continue;
            }
            let slot = self.slots.iter().find(|it| it.tensor == operand).expect("it is read");
            let result_slot = &self.slots[self.results[local][result]];
            let may_share = |it: &Lanes| it.may_share(self.flow, &self.nodes, result_slot.tensor, operand);
            if !self.lanes.is_none_or(may_share) {
                continue;
            }
            let end = flow.rows_made(result, to, slot.rows);
            let start = flow.rows_made(result, from, slot.rows);
            let low = slot.low_after(self.flow, self.nodes.start, &self.done, node, to);
            if has_place[result] || taken.contains(&operand) || low < end || slot.room != result_slot.room {
                continue;
            }
            has_place[result] = true;
            taken.push(operand);
            let saved = (end - start) * slot.room;
            let simulation = &mut self.simulation;
            match slot.role {
                Role::Inner => *simulation.last(Column::Inner) -= saved,
                Role::Input(index) => {
                    *simulation.last(Column::Stream(index)) -= saved;
                    *simulation.last(Column::Dying(index)) -= saved;
                }
                Role::Output(index) => *simulation.last(Column::Leave(index)) -= saved,
            }
        }
    }
}
