//! From the model's graph to operators on tensors: what an accelerator neither runs nor keeps goes.
//!
//! - *Constants that describe* an operator (a shape, an axis, a bound) are not read by it as tensors,
//!   and neither are constants that are one number: they are part of the operator ([`parameter`]).
//! - *Weight-only computation* is done before the run: what it computes is a weight itself. What only widens a
//!   weight ([`narrow`]), or moves what was widened, is not: the weight is what was quantised, and its scales.
//! - *Views* ([`view`]) are the tensor that they show: what reads a view reads its source, whose
//!   bytes are the same though its shape is another. Where the model returns a view, an operator's result
//!   takes on the shape of the view; another tensor, or one that is returned twice, keeps its shape, and
//!   the view of it is returned. So results have the types that the model declares.
//! - *Dead* nodes and results, which nothing reads, go. To look at a shape is not to read: a node whose
//!   result is only asked how large it is does not run.

mod macs;
mod narrow;
mod parameter;
mod view;

use crate::class::class_of;
use crate::element::Element;
use crate::error::Error;
use crate::graph::{Graph, Node};
use crate::in_place;
use crate::infer::{Call, picked};
use crate::network::{Network, Operator, Origin, Tensor, TensorIndex};
use crate::options::Options;
use narrow::Narrow;
use std::collections::HashMap;

/// A network with an operator for each node that is left, and what grouping needs to know of these.
pub struct Lowered {
    pub network: Network,
    /// By operator.
    pub nodes: Vec<cosma_network::Node>,
}

/// Drops what is no operator.
pub fn lower(graph: &Graph, options: &Options) -> Result<Lowered, Error> {
    let is_live = live(graph);
    let mut lowering = Lowering {
        graph,
        options,
        source: (0..graph.values.len()).collect(),
        tensors: Vec::new(),
        weights: Vec::new(),
        of_value: HashMap::new(),
        narrow: HashMap::new(),
        of_narrow: HashMap::new(),
        nodes: Vec::new(),
    };
    let inputs: Vec<TensorIndex> = graph.inputs.iter().map(|it| lowering.add(*it, Origin::Input)).collect();
    let mut operators = Vec::new();
    for node in &graph.nodes {
        // What is known before the run is no operator.
        if node.outputs.iter().flatten().all(|it| graph.values[*it].is_constant) {
            lowering.keep_narrow(&Call { node, values: &graph.values, opset: graph.opset });
            continue;
        }
        if !node.outputs.iter().flatten().any(|it| is_live[*it]) {
            continue;
        }
        operators.extend(lowering.read(node, &is_live));
    }
    let (mut results, mut result_shapes) = (Vec::new(), Vec::new());
    for output in &graph.outputs {
        let source = lowering.source[*output];
        let tensor = lowering.tensor(source);
        let r#type = graph.values[*output].r#type.as_ref().expect("types were inferred");
        let tensor_of = &mut lowering.tensors[tensor.0];
        if tensor_of.origin == Origin::Operator && !results.contains(&tensor) {
            tensor_of.shape.clone_from(&r#type.shape);
        }
        results.push(tensor);
        result_shapes.push(r#type.shape.clone());
    }
    let arguments = inputs.into_iter().chain(lowering.weights).collect();
    let (tensors, nodes) = (lowering.tensors, lowering.nodes);
    let (name, file) = (graph.name.clone(), options.file.clone());
    let network = Network { name, file, tensors, arguments, operators, results, result_shapes };
    Ok(Lowered { network, nodes })
}

/// Which values lead to a result of the model.
fn live(graph: &Graph) -> Vec<bool> {
    let mut is_live = vec![false; graph.values.len()];
    graph.outputs.iter().for_each(|it| is_live[*it] = true);
    for node in graph.nodes.iter().rev() {
        // What is known before the run reads nothing then.
        let runs = !node.outputs.iter().flatten().all(|it| graph.values[*it].is_constant);
        if runs && node.outputs.iter().flatten().any(|it| is_live[*it]) {
            let inputs = node.inputs.iter().enumerate();
            let read = inputs.filter(|it| !parameter::is_read_for_its_type(node, it.0));
            read.filter_map(|it| *it.1).for_each(|it| is_live[it] = true);
        }
    }
    is_live
}

struct Lowering<'a> {
    graph: &'a Graph,
    options: &'a Options,
    /// Of each value the one that it is a view of, or itself.
    source: Vec<usize>,
    tensors: Vec<Tensor>,
    /// In the order of their first use.
    weights: Vec<TensorIndex>,
    of_value: HashMap<usize, TensorIndex>,
    /// Of constants that are wider to their readers than they are kept, how they are kept.
    narrow: HashMap<usize, Narrow>,
    /// Of such ones the tensors, where no value of the model has the type that they are kept in.
    of_narrow: HashMap<usize, TensorIndex>,
    /// By operator, for grouping.
    nodes: Vec<cosma_network::Node>,
}

impl Lowering<'_> {
    /// The operator that a node is; none if it is a view.
    fn read(&mut self, node: &Node, is_live: &[bool]) -> Option<Operator> {
        let values = &self.graph.values;
        let call = Call { node, values, opset: self.graph.opset };
        let others_are_dead = node.outputs.iter().skip(1).flatten().all(|it| !is_live[*it]);
        if others_are_dead && let (Some(Some(input)), Some(Some(output))) = (node.inputs.first(), node.outputs.first())
        {
            let deployed = |it: usize| {
                let r#type = values[it].r#type.as_ref().expect("types were inferred");
                self.deploy(r#type.element)
            };
            if deployed(*input) == deployed(*output) && view::is_view(&call) {
                self.source[*output] = self.source[*input];
                return None;
            }
        }
        let picks = node.domain.is_empty() && matches!(node.kind.as_str(), "Gather" | "GatherND");
        let mut reads = Vec::new();
        for (index, input) in node.inputs.iter().enumerate() {
            let Some(input) = *input else { continue };
            let value = &values[input];
            let is_parameter = value.is_constant && parameter::is_parameter(node, index, value);
            // Rows that lie side by side are told by where they begin.
            let is_range = index == 1 && picks && picked(&call).is_some();
            if is_parameter || is_range || parameter::is_read_for_its_type(node, index) {
                continue;
            }
            for tensor in self.tensors_of(input) {
                if !reads.contains(&tensor) {
                    reads.push(tensor);
                }
            }
        }
        let outputs = node.outputs.iter().flatten().filter(|it| is_live[**it]);
        let writes: Vec<TensorIndex> = outputs.map(|it| self.add(*it, Origin::Operator)).collect();
        let kind = if node.domain.is_empty() { node.kind.clone() } else { format!("{}.{}", node.domain, node.kind) };
        let nodes = vec![node.name.clone()];
        let tensor = |it: usize| self.of_value.get(&self.source[it]).copied();
        let aliases = in_place::aliases(&call, &kind, &self.tensors, &tensor);
        let class = class_of(&call, &kind);
        self.nodes.push(cosma_network::Node { class, reads: reads.clone(), writes: writes.clone(), aliases });
        let (position, macs) = (node.position, macs::macs(&call));
        Some(Operator { kind, nodes, position, reads, writes, macs, in_place: Vec::new() })
    }

    /// The tensor that a value is. What was not met before is a weight.
    fn tensor(&mut self, value: usize) -> TensorIndex {
        if let Some(tensor) = self.of_value.get(&value) {
            return *tensor;
        }
        let tensor = self.add(value, Origin::Weight);
        self.weights.push(tensor);
        tensor
    }

    fn add(&mut self, value: usize, origin: Origin) -> TensorIndex {
        let index = TensorIndex(self.tensors.len());
        let of = &self.graph.values[value];
        let r#type = of.r#type.as_ref().expect("types were inferred");
        let element = self.deploy(r#type.element);
        self.tensors.push(Tensor { name: of.name.clone(), element, shape: r#type.shape.clone(), origin });
        self.of_value.insert(value, index);
        index
    }

    /// What a float is after quantisation.
    fn deploy(&self, element: Element) -> Element {
        match self.options.element_bytes {
            Some(bytes) if element.will_be_quantised() => Element::Signed(8 * bytes),
            _ => element,
        }
    }
}
