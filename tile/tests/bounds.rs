//! Bounds over all tilings: against all programs of tiny networks, element by element, and against plans.

#[allow(dead_code, reason = "each test takes what it needs")]
mod small;

use cosma_planner::{Bytes, Deadline, GraphBuilder, Machine, Problem, TensorId};
use cosma_tile::{Access, Bounds, Dim, DimKind, Expr, Map, Network, Operator, Shape, bounds, tile};
use small::{Small, Window, on};
use std::collections::{HashMap, VecDeque};

/// A network of single elements: each step multiplies or adds some, and adds to one.
struct Elements {
    n_values: usize,
    arguments: u32,
    results: u32,
    /// The element that it adds to, and those that it reads.
    steps: Vec<(usize, u32)>,
}

/// What lies on-chip and in host memory, and which steps have run.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    here: u32,
    host: u32,
    done: u32,
}

fn has(set: u32, value: usize) -> bool {
    set & (1 << value) != 0
}

impl Elements {
    fn steps_of(&self, value: usize) -> u32 {
        let steps = self.steps.iter().enumerate().filter(|it| it.1.0 == value);
        steps.fold(0, |set, it| set | 1 << it.0)
    }

    fn is_final(&self, state: State, value: usize) -> bool {
        self.steps_of(value) & !state.done == 0
    }

    /// A state without a value on-chip; none if it would be lost. With `again`, what is lost may be computed again.
    fn without(&self, state: State, value: usize, again: bool) -> Option<State> {
        let here = state.here & !(1 << value);
        if has(state.host, value) {
            return Some(State { here, ..state });
        }
        if again {
            return Some(State { here, done: state.done & !self.steps_of(value), ..state });
        }
        let reads_left = self.steps.iter().enumerate().any(|(step, it)| has(it.1, value) && !has(state.done, step));
        let is_dead = !reads_left && !has(self.results, value) && self.is_final(state, value);
        is_dead.then_some(State { here, ..state })
    }

    /// States with room for one more value: as it is, or without another one.
    fn make_room(&self, state: State, scratchpad: u32, again: bool, kept: u32) -> Vec<State> {
        if state.here.count_ones() < scratchpad {
            return vec![state];
        }
        let may_go = (0..self.n_values).filter(|it| has(state.here & !kept, *it));
        may_go.filter_map(|it| self.without(state, it, again)).collect()
    }

    fn next(&self, state: State, scratchpad: u32, again: bool) -> Vec<(State, usize)> {
        let mut next = Vec::new();
        for value in 0..self.n_values {
            let bit = 1 << value;
            if has(state.here, value) && !has(state.host, value) {
                next.push((State { host: state.host | bit, ..state }, 1));
            }
            if !has(state.here, value) && has(state.host, value) {
                let with_room = self.make_room(state, scratchpad, again, 0);
                next.extend(with_room.into_iter().map(|it| (State { here: it.here | bit, ..it }, 1)));
            }
        }
        for (step, &(target, reads)) in self.steps.iter().enumerate() {
            let are_final = (0..self.n_values).filter(|it| has(reads, *it)).all(|it| self.is_final(state, it));
            if has(state.done, step) || reads & !state.here != 0 || !are_final {
                continue;
            }
            let bit = 1 << target;
            let run = |it: State| State { here: it.here | bit, host: it.host & !bit, done: it.done | 1 << step };
            if has(state.here, target) {
                next.push((run(state), 0));
            } else if self.steps_of(target) & state.done == 0 && !has(state.host, target) {
                next.extend(self.make_room(state, scratchpad, again, reads).into_iter().map(|it| (run(it), 0)));
                // In the place of what it reads.
                let replaced = (0..self.n_values).filter(|it| has(reads, *it));
                next.extend(replaced.filter_map(|it| Some((self.without(run(state), it, again)?, 0))));
            }
        }
        next.retain(|it| it.0.here.count_ones() <= scratchpad);
        next
    }

    /// The elements that are moved at least, by trying everything.
    fn least(&self, scratchpad: u32, again: bool) -> Option<usize> {
        let start = State { here: 0, host: self.arguments, done: 0 };
        let mut costs = HashMap::from([(start, 0)]);
        let mut waiting = VecDeque::from([(start, 0)]);
        while let Some((state, cost)) = waiting.pop_front() {
            if costs[&state] < cost {
                continue;
            }
            let is_there = |it: usize| !has(self.results, it) || has(state.host, it) && self.is_final(state, it);
            if (0..self.n_values).all(is_there) {
                return Some(cost);
            }
            for (other, step) in self.next(state, scratchpad, again) {
                if costs.get(&other).is_none_or(|it| cost + step < *it) {
                    costs.insert(other, cost + step);
                    if step == 0 { waiting.push_front((other, cost)) } else { waiting.push_back((other, cost + 1)) }
                }
            }
        }
        None
    }
}

fn parallel(size: u64) -> Dim {
    Dim { size, kind: DimKind::Parallel }
}

fn sum(size: u64) -> Dim {
    Dim { size, kind: DimKind::Reduced { splittable: true } }
}

fn map(dims: &[usize]) -> Map {
    Map(dims.iter().copied().map(Expr::dim).collect())
}

/// A network of tensors of one byte per element: arguments, and an operator for each other one.
struct Tensors {
    graph: GraphBuilder,
    shapes: Vec<Shape>,
    operators: Vec<Operator>,
}

impl Tensors {
    fn new() -> Tensors {
        Tensors { graph: GraphBuilder::new(), shapes: Vec::new(), operators: Vec::new() }
    }

    fn argument(&mut self, dims: &[u64]) -> TensorId {
        let shape = Shape { dims: dims.to_vec(), element_bits: 8 };
        let tensor = self.graph.argument(format!("x{}", self.shapes.len()), shape.bytes());
        self.shapes.push(shape);
        tensor
    }

    fn op(&mut self, operands: &[TensorId], dims: &[u64], access: Access) -> TensorId {
        let shape = Shape { dims: dims.to_vec(), element_bits: 8 };
        let name = format!("t{}", self.shapes.len());
        let result = self.graph.op(name.clone(), operands, [(name, shape.bytes())], Bytes::ZERO)[0];
        self.shapes.push(shape);
        let operands = operands.to_vec();
        self.operators.push(Operator { operands, results: vec![result], access: Some(access), is_view: false });
        result
    }

    fn finish(mut self, result: TensorId) -> Network {
        self.graph.result(result);
        let graph = self.graph.build().expect("it is well formed");
        let problem = Problem { graph, machine: Machine::with_host(Bytes(1 << 20), Bytes(1)) };
        let network = Network { problem, shapes: self.shapes, operators: self.operators };
        assert_eq!(network.check(), Ok(()));
        network
    }
}

/// A product of matrices of these sizes.
fn product(rows: u64, columns: u64, depth: u64) -> Network {
    let mut tensors = Tensors::new();
    let (left, right) = (tensors.argument(&[rows, depth]), tensors.argument(&[depth, columns]));
    let access = Access {
        domain: vec![parallel(rows), parallel(columns), sum(depth)],
        operands: vec![map(&[0, 2]), map(&[2, 1])],
        results: vec![map(&[0, 1])],
        sums: None,
    };
    let result = tensors.op(&[left, right], &[rows, columns], access);
    tensors.finish(result)
}

fn product_by_elements() -> Elements {
    // Of two by two: the left operand, the right one, the result.
    let mut steps = Vec::new();
    for (row, column, depth) in (0..8).map(|it| (it / 4, it / 2 % 2, it % 2)) {
        steps.push((8 + row * 2 + column, 1 << (row * 2 + depth) | 1 << (4 + depth * 2 + column)));
    }
    Elements { n_values: 12, arguments: 0xff, results: 0xf00, steps }
}

/// Windows of two elements along four.
fn convolution() -> Network {
    let mut tensors = Tensors::new();
    let (line, filter) = (tensors.argument(&[4]), tensors.argument(&[2]));
    let index = Expr { terms: vec![(0, 1), (1, 1)], constant: 0, divisor: 1 };
    let access = Access {
        domain: vec![parallel(3), sum(2)],
        operands: vec![Map(vec![index]), map(&[1])],
        results: vec![map(&[0])],
        sums: None,
    };
    let result = tensors.op(&[line, filter], &[3], access);
    tensors.finish(result)
}

fn convolution_by_elements() -> Elements {
    let steps = (0..6).map(|it| (6 + it / 2, 1 << (it / 2 + it % 2) | 1 << (4 + it % 2))).collect();
    Elements { n_values: 9, arguments: 0x3f, results: 0x1c0, steps }
}

/// Four elements that are made, added up, and multiplied by their sum.
fn squeeze() -> Network {
    let mut tensors = Tensors::new();
    let line = tensors.argument(&[4]);
    let by_element = |operands| Access { domain: vec![parallel(4)], operands, results: vec![map(&[0])], sums: None };
    let made = tensors.op(&[line], &[4], by_element(vec![map(&[0])]));
    let constant = Map(vec![Expr::constant(0)]);
    let pool = Access { domain: vec![sum(4)], operands: vec![map(&[0])], results: vec![constant.clone()], sums: None };
    let pooled = tensors.op(&[made], &[1], pool);
    let scaled = tensors.op(&[made, pooled], &[4], by_element(vec![map(&[0]), constant]));
    tensors.finish(scaled)
}

fn squeeze_by_elements() -> Elements {
    let made = (0..4).map(|it| (4 + it, 1 << it));
    let pooled = (0..4).map(|it| (8, 1 << (4 + it)));
    let scaled = (0..4).map(|it| (9 + it, 1 << (4 + it) | 1 << 8));
    Elements { n_values: 13, arguments: 0xf, results: 0x1e00, steps: made.chain(pooled).chain(scaled).collect() }
}

/// Checks bounds against the least that any program moves, and gives that by scratchpad.
#[track_caller]
fn check(network: &Network, elements: &Elements, scratchpads: std::ops::Range<u32>, again: bool) -> Vec<usize> {
    let least = |scratchpad: u32| {
        let Bounds { all_tilings, without_recomputation } = bounds(&on(network, scratchpad.into()));
        let least = elements.least(scratchpad, again).expect("it fits");
        let bound = if again { all_tilings } else { without_recomputation };
        assert!(bound.0 <= least as u64, "{scratchpad}: {least} B are less than {bound} B");
        least
    };
    scratchpads.map(least).collect()
}

#[test]
fn no_program_of_a_product_moves_less() {
    assert_eq!(check(&product(2, 2, 2), &product_by_elements(), 3..5, false), [17, 14]);
    // Computing a sum again saves nothing.
    assert_eq!(check(&product(2, 2, 2), &product_by_elements(), 3..4, true), [17]);
}

#[test]
fn no_program_of_a_convolution_moves_less() {
    check(&convolution(), &convolution_by_elements(), 3..7, false);
    check(&convolution(), &convolution_by_elements(), 3..5, true);
}

#[test]
fn no_program_of_a_barrier_moves_less() {
    let network = squeeze();
    let least = check(&network, &squeeze_by_elements(), 2..7, false);
    let bound = |scratchpad| bounds(&on(&network, scratchpad)).without_recomputation;
    // Eight bytes are compulsory, and what does not fit goes and comes back.
    assert_eq!([bound(2), bound(3), bound(4)], [Bytes(12), Bytes(10), Bytes(8)]);
    assert_eq!(least, [14, 12, 10, 8, 8]);
    // Not so if elements may be made again: that costs one byte for each.
    assert_eq!(bounds(&on(&network, 2)).all_tilings, Bytes(8));
    assert!(squeeze_by_elements().least(2, true) < Some(14));
}

#[test]
fn large_products_move_more_than_their_tensors() {
    // 64 × 64 × 64 iterations, of which 1600 bytes moved and 400 at either end allow 800 ^ 1.5 = 22627: eleven full
    // phases, and the rest.
    let network = on(&product(64, 64, 64), 400);
    let least = bounds(&network).all_tilings;
    assert!(Bytes(11 * 1600) <= least && least < Bytes(13 * 1600), "{least}");
    let tiled = tile(&network, Deadline::NEVER).expect("it fits");
    let total = tiled.program.problem.compulsory() + tiled.non_compulsory;
    assert!(least <= total, "{total} is less than {least}");
    // With room for all of it, nothing is left.
    assert_eq!(bounds(&on(&network, 1 << 14)).all_tilings, Bytes(3 * 4096));
    // Rows that a convolution pads do not count: three taps are read in 1·2 + 62·3 + 1·2 places.
    let mut small = Small::new();
    let x = small.input(64, 64);
    let made = small.conv(x, 64, Window { kernel: 3, stride: 1, padding: 1 }).expect("it fits");
    let network = on(&small.finish(&[made], 1 << 20, 1), 1 << 10);
    let iterations = 190.0 * 64.0 * 64.0 * 4.0;
    // A window of three reads each row three times.
    let asymptotic = 2f64.sqrt() * iterations / (3.0 * 1024.0f64).sqrt() - 4.0 * 1024.0;
    let least = bounds(&network).all_tilings.0 as f64;
    assert!(asymptotic * 0.99 < least && least < asymptotic + 16.0 * 1024.0, "{least} {asymptotic}");
}

#[test]
fn rows_that_are_skipped_need_not_come() {
    // Every other of nine rows of 2 × 4 B, and weights of 6 B; five rows of 3 × 4 B go out.
    let mut small = Small::new();
    let x = small.input(2, 9);
    let made = small.conv(x, 3, Window { kernel: 1, stride: 2, padding: 0 }).expect("it fits");
    let network = small.finish(&[made], 40, 1);
    assert_eq!(bounds(&network).all_tilings, Bytes(5 * 8 + 6 + 60));
    // A row at a time, nothing else is loaded.
    let tiled = tile(&network, Deadline::NEVER).expect("it fits");
    assert_eq!(tiled.program.problem.compulsory() + tiled.non_compulsory, Bytes(5 * 8 + 6 + 60));
    // Another reader needs the others, too.
    let mut small = Small::new();
    let x = small.input(2, 9);
    let skips = small.conv(x, 3, Window { kernel: 1, stride: 2, padding: 0 }).expect("it fits");
    let pooled = small.pool(x);
    let network = small.finish(&[skips, pooled], 40, 1);
    assert_eq!(bounds(&network).all_tilings, Bytes(9 * 8 + 6 + 60 + 8));
    // Behind a window of three, all rows but the last ones are needed: rows 0 to 8 of ten.
    let mut small = Small::new();
    let x = small.input(2, 10);
    let middle = small.conv(x, 2, Window { kernel: 3, stride: 2, padding: 0 }).expect("it fits");
    let last = small.conv(middle, 1, Window { kernel: 1, stride: 1, padding: 0 }).expect("it fits");
    let network = small.finish(&[last], 60, 1);
    assert_eq!(bounds(&network).all_tilings, Bytes(9 * 8 + 12 + 2 + 16));
}

#[test]
fn a_barrier_is_what_its_view_shows() {
    // Two tensors of 2 × 8 × 4 = 64 B that lie side by side, and are read again as one; or one of them as well.
    let network = |reads_one: bool| {
        let mut small = Small::new();
        let window = Window { kernel: 1, stride: 1, padding: 0 };
        let x = small.input(1, 8);
        let (left, right) = (small.conv(x, 2, window).expect("it fits"), small.conv(x, 2, window).expect("it fits"));
        let both = small.concat(left, right);
        let pooled = small.pool(both);
        let mixed = small.mix(pooled);
        let mut results = vec![small.scale(both, mixed)];
        if reads_one {
            let part = small.conv(mixed, 2, window).expect("it fits");
            results.push(small.scale(left, part));
        }
        small.finish(&results, 32, 1)
    };
    // 32 B and weights of 2 B come in twice, 128 B go out, and all but 32 B of as many go out and come back.
    let once = |reads_one| bounds(&network(reads_one)).without_recomputation;
    assert_eq!(once(false), Bytes(32 + 2 * 2 + 128 + 2 * 96));
    // The part is a part of both: it counts once.
    assert_eq!(once(true), Bytes(32 + 2 * 2 + 8 + 128 + 64 + 2 * 96));
}
