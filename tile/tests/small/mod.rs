//! Small networks of channels, rows and columns.

use cosma_planner::{Bytes, GraphBuilder, Machine, Problem, TensorId};
use cosma_tile::{Access, Dim, DimKind, Expr, Map, Network, Operator, Shape, Sums};

/// A network under construction: tensors are `[channels, rows, columns]`, four columns unless said otherwise.
pub struct Small {
    graph: GraphBuilder,
    shapes: Vec<Shape>,
    operators: Vec<Operator>,
}

/// A convolution along the rows, and along the columns where that is said.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub kernel: u64,
    pub stride: u64,
    pub padding: u64,
}

const COLUMNS: u64 = 4;
const REDUCED: DimKind = DimKind::Reduced { splittable: true };

fn parallel(size: u64) -> Dim {
    Dim { size, kind: DimKind::Parallel }
}

fn identity() -> Map {
    Map((0..3).map(Expr::dim).collect())
}

impl Small {
    pub fn new() -> Small {
        Small { graph: GraphBuilder::new(), shapes: Vec::new(), operators: Vec::new() }
    }

    pub fn rows(&self, tensor: TensorId) -> u64 {
        self.shapes[tensor.index()].dims[1]
    }

    pub fn channels(&self, tensor: TensorId) -> u64 {
        self.shapes[tensor.index()].dims[0]
    }

    pub fn columns(&self, tensor: TensorId) -> u64 {
        self.shapes[tensor.index()].dims[2]
    }

    pub fn input(&mut self, channels: u64, rows: u64) -> TensorId {
        self.image(channels, rows, COLUMNS)
    }

    /// An input of so many columns.
    pub fn image(&mut self, channels: u64, rows: u64, columns: u64) -> TensorId {
        let shape = Shape { dims: vec![channels, rows, columns], element_bits: 8 };
        let id = self.graph.argument(format!("x{}", self.shapes.len()), shape.bytes());
        self.shapes.push(shape);
        id
    }

    /// A convolution with weights along the rows; none if its window is larger than the padded input.
    pub fn conv(&mut self, input: TensorId, channels: u64, window: Window) -> Option<TensorId> {
        self.convolve(input, channels, window, Window { kernel: 1, stride: 1, padding: 0 })
    }

    /// Likewise, along rows and columns.
    pub fn square(&mut self, input: TensorId, channels: u64, window: Window) -> Option<TensorId> {
        self.convolve(input, channels, window, window)
    }

    fn convolve(&mut self, input: TensorId, channels: u64, of_rows: Window, of_columns: Window) -> Option<TensorId> {
        let inner = self.channels(input);
        let size = |size: u64, Window { kernel, stride, padding }: Window| {
            Some((size + 2 * padding).checked_sub(kernel)? / stride + 1)
        };
        let (rows, columns) = (size(self.rows(input), of_rows)?, size(self.columns(input), of_columns)?);
        let taps = [of_rows.kernel, of_columns.kernel];
        let shape = Shape { dims: vec![channels, inner, taps[0], taps[1]], element_bits: 8 };
        let weight = self.graph.weight(format!("w{}", self.shapes.len()), shape.bytes());
        self.shapes.push(shape);
        let along = |dim: usize, tap: usize, window: Window| {
            let terms = vec![(dim, window.stride as i64), (tap, 1)];
            Expr { terms, constant: -(window.padding as i64), divisor: 1 }
        };
        let reduced = |size| Dim { size, kind: REDUCED };
        let of_result = [channels, rows, columns].map(parallel);
        let access = Access {
            domain: of_result.into_iter().chain([inner, taps[0], taps[1]].map(reduced)).collect(),
            operands: vec![
                Map(vec![Expr::dim(3), along(1, 4, of_rows), along(2, 5, of_columns)]),
                Map([0, 3, 4, 5].map(Expr::dim).to_vec()),
            ],
            results: vec![identity()],
            sums: (1 < inner * taps[0] * taps[1]).then_some(Sums::Integer(32)),
        };
        Some(self.op(vec![input, weight], vec![channels, rows, columns], Some(access), false))
    }

    /// The sum of two tensors of one shape, in the place of the first if it may.
    pub fn add(&mut self, left: TensorId, right: TensorId) -> TensorId {
        let dims = self.shapes[left.index()].dims.clone();
        let access = Access {
            domain: dims.iter().copied().map(parallel).collect(),
            operands: vec![identity(), identity()],
            results: vec![identity()],
            sums: None,
        };
        let result = self.op(vec![left, right], dims, Some(access), false);
        self.graph.in_place(result, left);
        result
    }

    /// The sum over all rows.
    pub fn pool(&mut self, input: TensorId) -> TensorId {
        let dims = self.shapes[input.index()].dims.clone();
        let access = Access {
            domain: vec![parallel(dims[0]), Dim { size: dims[1], kind: REDUCED }, parallel(dims[2])],
            operands: vec![identity()],
            results: vec![Map(vec![Expr::dim(0), Expr::constant(0), Expr::dim(2)])],
            sums: None,
        };
        self.op(vec![input], vec![dims[0], 1, dims[2]], Some(access), false)
    }

    /// One row whose elements each depend on all of another row.
    pub fn mix(&mut self, input: TensorId) -> TensorId {
        let dims = self.shapes[input.index()].dims.clone();
        let reduced = |size| Dim { size, kind: REDUCED };
        let access = Access {
            domain: vec![parallel(dims[0]), parallel(dims[2]), reduced(dims[0]), reduced(dims[2])],
            operands: vec![Map(vec![Expr::dim(2), Expr::constant(0), Expr::dim(3)])],
            results: vec![Map(vec![Expr::dim(0), Expr::constant(0), Expr::dim(1)])],
            sums: None,
        };
        self.op(vec![input], dims, Some(access), false)
    }

    /// Each row of a tensor by the one row of another.
    pub fn scale(&mut self, input: TensorId, by: TensorId) -> TensorId {
        let dims = self.shapes[input.index()].dims.clone();
        let access = Access {
            domain: dims.iter().copied().map(parallel).collect(),
            operands: vec![identity(), Map(vec![Expr::dim(0), Expr::constant(0), Expr::dim(2)])],
            results: vec![identity()],
            sums: None,
        };
        self.op(vec![input, by], dims, Some(access), false)
    }

    /// Both tensors, one after the other along the channels: a view.
    pub fn concat(&mut self, left: TensorId, right: TensorId) -> TensorId {
        let (first, second) = (self.channels(left), self.channels(right));
        let dims = vec![first + second, self.rows(left), self.columns(left)];
        let channel = Expr { terms: vec![(0, 1)], constant: -(first as i64), divisor: 1 };
        let access = Access {
            domain: dims.iter().copied().map(parallel).collect(),
            operands: vec![identity(), Map(vec![channel, Expr::dim(1), Expr::dim(2)])],
            results: vec![identity()],
            sums: None,
        };
        self.op(vec![left, right], dims, Some(access), true)
    }

    /// Something of which nothing is known.
    pub fn opaque(&mut self, input: TensorId) -> TensorId {
        let dims = self.shapes[input.index()].dims.clone();
        self.op(vec![input], dims, None, false)
    }

    fn op(&mut self, operands: Vec<TensorId>, dims: Vec<u64>, access: Option<Access>, is_view: bool) -> TensorId {
        let shape = Shape { dims, element_bits: 8 };
        let index = self.operators.len();
        let writes = [(format!("t{index}"), shape.bytes())];
        let result = self.graph.op(format!("op{index}"), &operands, writes, Bytes::ZERO)[0];
        self.shapes.push(shape);
        self.operators.push(Operator { operands, results: vec![result], access, is_view });
        result
    }

    pub fn finish(mut self, results: &[TensorId], scratchpad: u64, alignment: u64) -> Network {
        results.iter().for_each(|it| self.graph.result(*it));
        let machine = Machine::with_host(Bytes(scratchpad), Bytes(alignment));
        let problem = Problem { graph: self.graph.build().expect("it is well formed"), machine };
        Network { problem, shapes: self.shapes, operators: self.operators }
    }
}

/// The same network on another scratchpad.
pub fn on(network: &Network, scratchpad: u64) -> Network {
    let mut network = network.clone();
    network.problem.machine.set_scratchpad(Bytes(scratchpad));
    network
}
