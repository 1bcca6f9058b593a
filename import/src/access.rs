//! How operators access their operands: which elements of the inputs an element of a result depends on, by the node's
//! own attributes. A node whose meaning is unknown has no access, and neither has a group that contains it.

use crate::class::{Class, class};
use crate::element::Element;
use crate::infer::{AutoPad, Call, Range, Window, axes, axis, permutation, ranges};
use crate::network::{Network, OperatorAccess, Tensor, TensorIndex};
use cosma_tile::kinds::broadcast;
use cosma_tile::{Access, Composed, Dim, DimKind, Expr, Map, Member, Shape, Source, Sums, compose, kinds};
use std::collections::HashMap;

/// How an operator of one node accesses tensors.
#[derive(Clone, Debug)]
pub struct TensorAccess {
    access: Access,
    /// By map of an operand: the tensor that it reads, and the shape in which the node reads it.
    reads: Vec<(TensorIndex, Vec<u64>)>,
    /// The shapes of the results.
    writes: Vec<Vec<u64>>,
}

/// How a node accesses the tensors that it reads and writes. A tensor that is several inputs is read in several ways,
/// and a tensor that is read only through a view is read whole.
pub fn tensor_access(
    call: &Call,
    kind: &str,
    (reads, inputs): (&[TensorIndex], &[Option<TensorIndex>]),
    (writes, tensors): (&[TensorIndex], &[Tensor]),
) -> Option<TensorAccess> {
    let NodeAccess { mut access, inputs: of_maps } = node_access(call, kind, writes.len())?;
    // A result that is not read would shift the others.
    if call.node.outputs.iter().flatten().count() != writes.len() {
        return None;
    }
    let mut maps = Vec::new();
    let mut tensor_reads = Vec::new();
    for (map, input) in std::mem::take(&mut access.operands).into_iter().zip(of_maps) {
        if let Some(tensor) = inputs.get(input).copied().flatten() {
            maps.push(map);
            tensor_reads.push((tensor, call.optional(input)?.shape.clone()));
        }
    }
    for tensor in reads {
        if tensor_reads.iter().any(|it| it.0 == *tensor) {
            continue;
        }
        let shape = tensors[tensor.0].shape.clone();
        let first = access.domain.len();
        let kind = DimKind::Reduced { splittable: false };
        access.domain.extend(shape.iter().map(|size| Dim { size: *size, kind }));
        maps.push(Map((first..access.domain.len()).map(Expr::dim).collect()));
        tensor_reads.push((*tensor, shape));
    }
    let multiplied = inputs.first().copied().flatten().filter(|_| kinds::adds_up(kind));
    let sums = multiplied.filter(|_| access.may_split_a_sum()).and_then(|it| sums_of(tensors[it.0].element));
    let access = Access { operands: maps, sums, ..access };
    let writes: Vec<Vec<u64>> = writes.iter().map(|it| tensors[it.0].shape.clone()).collect();
    let results: Vec<Shape> = writes.iter().map(|it| shape(it)).collect();
    let operands: Vec<Shape> = tensor_reads.iter().map(|it| shape(&it.1)).collect();
    access.check(&operands, &results).ok()?;
    Some(TensorAccess { access, reads: tensor_reads, writes })
}

/// The type of the sums of products of these elements.
fn sums_of(element: Element) -> Option<Sums> {
    match element {
        Element::Float(_) | Element::BFloat16 | Element::SmallFloat(..) => Some(Sums::of_floats(element.bits())),
        Element::Signed(_) | Element::Unsigned(_) | Element::Bool => Some(Sums::of_integers(element.bits())),
        Element::Complex(_) => None,
    }
}

/// How an operator of these nodes accesses its operands, if that is known for each node. The nodes are in order.
pub fn group_access(
    network: &Network,
    nodes: &[usize],
    accesses: &[Option<TensorAccess>],
    (reads, writes): (&[TensorIndex], &[TensorIndex]),
) -> Option<OperatorAccess> {
    let mut members: Vec<Member> = Vec::new();
    let mut made: HashMap<TensorIndex, Source> = HashMap::new();
    for node in nodes {
        let TensorAccess { access, reads: node_reads, writes: node_writes } = accesses[*node].clone()?;
        let mut operands = Vec::new();
        for (tensor, seen) in node_reads {
            let operand = || reads.iter().position(|it| *it == tensor).map(Source::Operand);
            let mut source = made.get(&tensor).copied().or_else(operand)?;
            let own = &network.tensors[tensor.0].shape;
            if *own != seen {
                let access = kinds::infer("Reshape", &[shape(own)], &[shape(&seen)])?;
                members.push(Member { access, operands: vec![source] });
                source = Source::Result(members.len() - 1, 0);
            }
            operands.push(source);
        }
        members.push(Member { access, operands });
        for (index, (written, shape)) in network.operators[*node].writes.iter().zip(node_writes).enumerate() {
            // A view of it is returned, in whose shape the tensor is.
            if network.tensors[written.0].shape != shape {
                return None;
            }
            made.insert(*written, Source::Result(members.len() - 1, index));
        }
    }
    let results = writes.iter().map(|it| made.get(it).copied()).collect::<Option<Vec<_>>>()?;
    let Composed { access, operands } = compose(&members, &results)?;
    let mut maps: Vec<(usize, Map)> = operands.into_iter().zip(access.operands).collect();
    maps.sort_by_key(|it| it.0);
    let (operands, maps): (Vec<usize>, Vec<Map>) = maps.into_iter().unzip();
    let access = Access { operands: maps, ..access };
    let shape_of = |it: &TensorIndex| shape(&network.tensors[it.0].shape);
    let read: Vec<Shape> = operands.iter().map(|it| shape_of(&reads[*it])).collect();
    access.check(&read, &writes.iter().map(shape_of).collect::<Vec<_>>()).ok()?;
    let is_read = |operand: usize| operands.contains(&operand);
    (0..reads.len()).all(is_read).then_some(OperatorAccess { access, operands })
}

/// A type for checking an access, which does not depend on the width of elements.
fn shape(dims: &[u64]) -> Shape {
    Shape { dims: dims.to_vec(), element_bits: 8 }
}

/// How a node accesses the values that it reads and writes.
struct NodeAccess {
    access: Access,
    /// By map of an operand: which input of the node it reads.
    inputs: Vec<usize>,
}

/// How a node accesses its inputs and its first results, if that is known. Inputs without a map are read whole.
fn node_access(call: &Call, kind: &str, n_results: usize) -> Option<NodeAccess> {
    let mut nest = Nest { call, domain: Vec::new(), inputs: Vec::new(), operands: Vec::new(), results: Vec::new() };
    match kind {
        "Conv" => nest.convolution()?,
        "ConvTranspose" => nest.transposed_convolution()?,
        "AveragePool" | "LpPool" | "MaxPool" => nest.pool()?,
        "GlobalAveragePool" | "GlobalMaxPool" => nest.global_pool()?,
        "Gemm" => nest.gemm()?,
        "MatMul" => nest.matmul()?,
        "LogSoftmax" | "Softmax" => nest.softmax()?,
        "LayerNormalization" | "RMSNormalization" | "SimplifiedLayerNormalization" => nest.layer_normalization()?,
        "InstanceNormalization" => nest.instance_normalization()?,
        "BatchNormalization" => nest.batch_normalization()?,
        "Concat" => nest.concatenation()?,
        "Split" => nest.split()?,
        "Slice" => nest.slice()?,
        "Pad" => nest.padding()?,
        "Transpose" => nest.transposition()?,
        "Gather" => nest.gather()?,
        "ReduceL1" | "ReduceL2" | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum"
        | "ReduceSumSquare" => nest.reduction(true)?,
        "ReduceLogSum" | "ReduceLogSumExp" => nest.reduction(false)?,
        "Expand" => nest.elementwise()?,
        "DequantizeLinear" | "QuantizeLinear" => nest.quantisation()?,
        _ if !kind.contains('.') && class(kind) == Class::Elementwise => nest.elementwise()?,
        _ => return None,
    }
    let Nest { domain, inputs, operands, results, .. } = nest;
    let access = Access { domain, operands, results, sums: None };
    (n_results == access.results.len()).then_some(NodeAccess { access, inputs })
}

/// An access under construction.
struct Nest<'a> {
    call: &'a Call<'a>,
    domain: Vec<Dim>,
    inputs: Vec<usize>,
    operands: Vec<Map>,
    results: Vec<Map>,
}

impl<'a> Nest<'a> {
    fn dim(&mut self, size: u64, kind: DimKind) -> Expr {
        self.domain.push(Dim { size, kind });
        Expr::dim(self.domain.len() - 1)
    }

    fn sum(&mut self, size: u64) -> Expr {
        self.dim(size, DimKind::Reduced { splittable: true })
    }

    /// A dimension whose indices are all read at once.
    fn all(&mut self, size: u64) -> Expr {
        self.dim(size, DimKind::Reduced { splittable: false })
    }

    /// A loop for each axis of a result.
    fn result(&mut self, shape: &[u64], is_whole: impl Fn(usize) -> bool) -> Vec<Expr> {
        let kind = |axis| if is_whole(axis) { DimKind::Whole } else { DimKind::Parallel };
        shape.iter().enumerate().map(|(axis, size)| self.dim(*size, kind(axis))).collect()
    }

    fn read(&mut self, input: usize, indices: Vec<Expr>) {
        self.inputs.push(input);
        self.operands.push(Map(indices));
    }

    fn write(&mut self, indices: Vec<Expr>) {
        self.results.push(Map(indices));
    }

    fn shape(&self, input: usize) -> Option<&'a [u64]> {
        Some(&self.call.optional(input)?.shape)
    }

    fn output(&self, index: usize) -> Option<&'a [u64]> {
        let value = self.call.node.outputs.get(index).copied().flatten()?;
        Some(&self.call.values[value].r#type.as_ref()?.shape)
    }

    fn n_inputs(&self) -> usize {
        self.call.node.inputs.len()
    }

    /// Element by element, with operands broadcast as in NumPy.
    fn elementwise(&mut self) -> Option<()> {
        let result = self.output(0)?;
        let indices = self.result(result, |_| false);
        // The second input of an `Expand` is a shape.
        let n = if self.call.node.kind == "Expand" { 1 } else { self.n_inputs() };
        for input in 0..n {
            if let Some(shape) = self.shape(input) {
                let map = broadcast(&indices, result, shape)?;
                self.read(input, map);
            }
        }
        self.write(indices);
        Some(())
    }

    /// Scale and zero point, each one number, or a vector along an axis.
    fn quantisation(&mut self) -> Option<()> {
        let result = self.output(0)?;
        let indices = self.result(result, |_| false);
        self.read(0, indices.clone());
        let along = axis(self.call.attributes().int("axis").unwrap_or(1), result.len());
        for input in 1..self.n_inputs() {
            let map = match self.shape(input) {
                None => continue,
                Some([]) => Vec::new(),
                Some([1]) => vec![Expr::constant(0)],
                Some([_]) => vec![indices[along.clone().ok()?].clone()],
                Some(_) => return None,
            };
            self.read(input, map);
        }
        self.write(indices);
        Some(())
    }

    /// Normalisation with vectors along the second axis. In training, each element depends on all of its channel.
    fn batch_normalization(&mut self) -> Option<()> {
        if self.call.attributes().flag("training_mode") {
            return None;
        }
        let indices = self.result(self.output(0)?, |_| false);
        let channel = indices.get(1)?.clone();
        self.read(0, indices.clone());
        (1..5).for_each(|input| self.read(input, vec![channel.clone()]));
        self.write(indices);
        Some(())
    }

    fn convolution(&mut self) -> Option<()> {
        let (image, filter, result) = (self.shape(0)?, self.shape(1)?, self.output(0)?);
        let &[n_outputs, n_inputs, ref kernel @ ..] = filter else { return None };
        let window = Window::read(self.call, &signed(kernel)?).ok()?;
        let n_groups = image.get(1)?.checked_div(n_inputs)?;
        let indices = self.result(result, |_| false);
        let input = self.sum(n_inputs);
        let channel = match n_groups {
            1 => input.clone(),
            _ => {
                let channels = (n_inputs, n_outputs.checked_div(n_groups)?);
                kinds::input_channel(&indices[1], &input, channels, |size| self.all(size))?
            }
        };
        let mut map = vec![indices[0].clone(), channel];
        let mut taps = Vec::new();
        for (dimension, size) in kernel.iter().enumerate() {
            let tap = self.sum(*size);
            let before = begin(&window, dimension, *image.get(dimension + 2)?, self.call)?;
            map.push(strided(&indices[dimension + 2], &tap, (&window, dimension, before)));
            taps.push(tap);
        }
        self.read(0, map);
        self.read(1, [&[indices[1].clone(), input][..], &taps].concat());
        if self.shape(2).is_some() {
            self.read(2, vec![indices[1].clone()]);
        }
        self.write(indices);
        Some(())
    }

    /// Convolution in one group, with explicit padding.
    fn transposed_convolution(&mut self) -> Option<()> {
        let (filter, result) = (self.shape(1)?, self.output(0)?);
        let &[n_inputs, n_outputs, ref kernel @ ..] = filter else { return None };
        let window = Window::read(self.call, &signed(kernel)?).ok()?;
        let is_plain = self.call.attributes().ints("output_shape").is_none() && is_explicit(&window);
        if !is_plain || *result.get(1)? != n_outputs {
            return None;
        }
        let indices = self.result(result, |_| false);
        let input = self.sum(n_inputs);
        let mut map = vec![indices[0].clone(), input.clone()];
        for dimension in 0..kernel.len() {
            let (stride, span) = (window.strides[dimension], i64::try_from(window.span(dimension)).ok()?);
            // What begins at i · stride - padding reaches r if i is from ⌊(r + padding) / stride⌋ on as far back
            // as the window is long.
            let before = self.all(u64::try_from(span).ok()?.div_ceil(u64::try_from(stride).ok()?));
            let mut terms = indices[dimension + 2].terms.clone();
            terms.extend(before.terms.iter().map(|it| (it.0, -stride)));
            map.push(Expr { terms, constant: window.pads[dimension].0, divisor: u64::try_from(stride).ok()? });
        }
        let taps: Vec<Expr> = kernel.iter().map(|size| self.all(*size)).collect();
        self.read(0, map);
        self.read(1, [&[input, indices[1].clone()][..], &taps].concat());
        if self.shape(2).is_some() {
            self.read(2, vec![indices[1].clone()]);
        }
        self.write(indices);
        Some(())
    }

    fn pool(&mut self) -> Option<()> {
        let (image, result) = (self.shape(0)?, self.output(0)?);
        let kernel = self.call.attributes().ints("kernel_shape")?;
        let window = Window::read(self.call, kernel).ok()?;
        let indices = self.result(result, |_| false);
        let mut map = indices.get(..2)?.to_vec();
        for (dimension, size) in kernel.iter().enumerate() {
            let tap = self.sum(u64::try_from(*size).ok()?);
            let before = begin(&window, dimension, *image.get(dimension + 2)?, self.call)?;
            map.push(strided(&indices[dimension + 2], &tap, (&window, dimension, before)));
        }
        self.read(0, map);
        self.write(indices);
        Some(())
    }

    fn global_pool(&mut self) -> Option<()> {
        let image = self.shape(0)?;
        let indices = self.result(self.output(0)?, |_| false);
        let mut map = indices.get(..2)?.to_vec();
        for size in image.get(2..)? {
            map.push(self.sum(*size));
        }
        self.read(0, map);
        self.write(indices);
        Some(())
    }

    fn gemm(&mut self) -> Option<()> {
        let (first, result) = (self.shape(0)?, self.output(0)?);
        let turned = |name| self.call.attributes().flag(name);
        let (first_turned, second_turned) = (turned("transA"), turned("transB"));
        let indices = self.result(result, |_| false);
        let [row, column] = &indices[..] else { return None };
        let inner = self.sum(*first.get(usize::from(!first_turned))?);
        let pair = |left: &Expr, right: &Expr, is_turned: bool| {
            let (left, right) = (left.clone(), right.clone());
            if is_turned { vec![right, left] } else { vec![left, right] }
        };
        self.read(0, pair(row, &inner, first_turned));
        self.read(1, pair(&inner, column, second_turned));
        if let Some(shape) = self.shape(2) {
            let map = broadcast(&indices, result, shape)?;
            self.read(2, map);
        }
        self.write(indices);
        Some(())
    }

    /// Tensors of at least two dimensions.
    fn matmul(&mut self) -> Option<()> {
        let (first, second, result) = (self.shape(0)?, self.shape(1)?, self.output(0)?);
        let ([first_batch @ .., _, depth], [second_batch @ .., _, _], [batch @ .., _, _]) = (first, second, result)
        else {
            return None;
        };
        let indices = self.result(result, |_| false);
        let inner = self.sum(*depth);
        let (outer, [row, column]) = indices.split_last_chunk()?;
        let map = [broadcast(outer, batch, first_batch)?, vec![row.clone(), inner.clone()]].concat();
        self.read(0, map);
        let map = [broadcast(outer, batch, second_batch)?, vec![inner, column.clone()]].concat();
        self.read(1, map);
        self.write(indices);
        Some(())
    }

    /// Before operator set 13, along the axis and all later axes.
    fn softmax(&mut self) -> Option<()> {
        let shape = self.output(0)?;
        let default = if self.call.opset < 13 { 1 } else { -1 };
        let along = axis(self.call.attributes().int("axis").unwrap_or(default), shape.len()).ok()?;
        let is_old = self.call.opset < 13;
        let indices = self.result(shape, |it| it == along || is_old && along < it);
        self.read(0, indices.clone());
        self.write(indices);
        Some(())
    }

    fn layer_normalization(&mut self) -> Option<()> {
        let shape = self.output(0)?;
        let first = axis(self.call.attributes().int("axis").unwrap_or(-1), shape.len()).ok()?;
        let indices = self.result(shape, |it| first <= it);
        self.read(0, indices.clone());
        for input in 1..self.n_inputs() {
            if let Some(weight) = self.shape(input) {
                let map = broadcast(&indices, shape, weight)?;
                self.read(input, map);
            }
        }
        self.write(indices);
        Some(())
    }

    fn instance_normalization(&mut self) -> Option<()> {
        let indices = self.result(self.output(0)?, |it| 2 <= it);
        let channel = indices.get(1)?.clone();
        self.read(0, indices.clone());
        (1..3).for_each(|input| self.read(input, vec![channel.clone()]));
        self.write(indices);
        Some(())
    }

    fn concatenation(&mut self) -> Option<()> {
        let result = self.output(0)?;
        let along = axis(self.call.attributes().int("axis")?, result.len()).ok()?;
        let indices = self.result(result, |_| false);
        let mut at = 0i64;
        for input in 0..self.n_inputs() {
            let size = *self.shape(input)?.get(along)?;
            let mut map = indices.clone();
            map[along].constant = at.checked_neg()?;
            if size != 0 {
                self.read(input, map);
            }
            at = at.checked_add(i64::try_from(size).ok()?)?;
        }
        self.write(indices);
        Some(())
    }

    /// All of whose results are read.
    fn split(&mut self) -> Option<()> {
        let whole = self.shape(0)?;
        let along = axis(self.call.attributes().int("axis").unwrap_or(0), whole.len()).ok()?;
        let indices = self.result(whole, |_| false);
        self.read(0, indices.clone());
        let mut at = 0i64;
        for output in 0..self.call.node.outputs.len() {
            let mut map = indices.clone();
            map[along].constant = at.checked_neg()?;
            at = at.checked_add(i64::try_from(*self.output(output)?.get(along)?).ok()?)?;
            self.write(map);
        }
        Some(())
    }

    fn slice(&mut self) -> Option<()> {
        let ranges = ranges(self.call).ok()?;
        let indices = self.result(self.output(0)?, |_| false);
        let index = |(index, range): (&Expr, &Range)| Expr {
            terms: index.terms.iter().map(|it| (it.0, range.step)).collect(),
            constant: range.start,
            divisor: 1,
        };
        self.read(0, indices.iter().zip(&ranges).map(index).collect());
        self.write(indices);
        Some(())
    }

    /// Padding with a constant; negative padding crops.
    fn padding(&mut self) -> Option<()> {
        let (shape, result) = (self.shape(0)?, self.output(0)?);
        let pads = self.call.ints_of("pads", 1).ok()??;
        let padded = match self.call.ints(3).ok()? {
            Some(given) => axes(given, shape.len()).ok()?,
            None => (0..shape.len()).collect(),
        };
        let is_constant = matches!(self.call.attributes().text("mode"), "" | "constant");
        if !is_constant || pads.len() != 2 * padded.len() {
            return None;
        }
        let indices = self.result(result, |_| false);
        let mut map = indices.clone();
        for (axis, before) in padded.into_iter().zip(pads) {
            map[axis].constant = before.checked_neg()?;
        }
        self.read(0, map);
        self.write(indices);
        Some(())
    }

    fn transposition(&mut self) -> Option<()> {
        let order = permutation(self.call).ok()?;
        let indices = self.result(self.output(0)?, |_| false);
        let mut map = indices.clone();
        for (axis, from) in order.into_iter().enumerate() {
            map[from] = indices[axis].clone();
        }
        self.read(0, map);
        self.write(indices);
        Some(())
    }

    /// Rows of a table, any of which may be read.
    fn gather(&mut self) -> Option<()> {
        let (table, picked) = (self.shape(0)?, self.shape(1)?);
        let along = axis(self.call.attributes().int("axis").unwrap_or(0), table.len()).ok()?;
        let indices = self.result(self.output(0)?, |_| false);
        let (before, rest) = indices.split_at_checked(along)?;
        let (own, behind) = rest.split_at_checked(picked.len())?;
        let row = self.all(table[along]);
        self.read(0, [before, &[row], behind].concat());
        self.read(1, own.to_vec());
        self.write(indices);
        Some(())
    }

    fn reduction(&mut self, splittable: bool) -> Option<()> {
        let shape = self.shape(0)?;
        let given = self.call.ints_of("axes", 1).ok()?.unwrap_or(&[]);
        let is_nothing = given.is_empty() && self.call.attributes().flag("noop_with_empty_axes");
        let reduced = match given {
            [] if is_nothing => return None,
            [] => (0..shape.len()).collect(),
            given => axes(given, shape.len()).ok()?,
        };
        let keeps = self.call.attributes().int("keepdims").unwrap_or(1) != 0;
        let indices = self.result(self.output(0)?, |_| false);
        let mut kept = indices.iter();
        let mut map = Vec::new();
        for (axis, size) in shape.iter().enumerate() {
            let is_reduced = reduced.contains(&axis);
            let index = if is_reduced && !keeps { None } else { kept.next() };
            map.push(match index {
                Some(index) if !is_reduced => index.clone(),
                _ => self.dim(*size, DimKind::Reduced { splittable }),
            });
        }
        self.read(0, map);
        self.write(indices);
        Some(())
    }
}

fn signed(kernel: &[u64]) -> Option<Vec<i64>> {
    kernel.iter().map(|size| i64::try_from(*size).ok()).collect()
}

fn is_explicit(window: &Window) -> bool {
    window.auto_pad == AutoPad::Explicit
}

/// The number of elements before the first one at which the first window begins.
fn begin(window: &Window, dimension: usize, size: u64, call: &Call) -> Option<i64> {
    match window.auto_pad {
        AutoPad::Explicit => Some(window.pads[dimension].0),
        AutoPad::Valid => Some(0),
        AutoPad::Same => {
            let (size, stride) = (i128::from(size), i128::from(window.strides[dimension]));
            let n = (size + stride - 1) / stride;
            let padding = ((n - 1) * stride + window.span(dimension) - size).max(0);
            let is_lower = call.attributes().text("auto_pad") == "SAME_LOWER";
            i64::try_from(if is_lower { padding - padding / 2 } else { padding / 2 }).ok()
        }
    }
}

/// The index that a tap of a window reads.
fn strided(index: &Expr, tap: &Expr, (window, dimension, before): (&Window, usize, i64)) -> Expr {
    let (stride, dilation) = (window.strides[dimension], window.dilations[dimension]);
    let scaled = |expr: &Expr, factor: i64| expr.terms.iter().map(|it| (it.0, factor)).collect::<Vec<_>>();
    let terms = [scaled(index, stride), scaled(tap, dilation)].concat();
    Expr { terms, constant: before.saturating_neg(), divisor: 1 }
}
