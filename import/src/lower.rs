//! Lowers the model's graph to operators on tensors, and removes what an accelerator neither runs nor stores.
//!
//! - *Constant parameters* of an operator (a shape, an axis, a bound), and constants that are a single number,
//!   are not operands ([`parameter`]).
//! - *Computations on weights alone* are done before the run, and their results are weights. Widening a weight
//!   is an exception ([`narrow`]): the weight is the quantised tensor with its scales.
//! - *Views* ([`view`]) are replaced by their source, which has the same bytes and another shape. If the model
//!   returns a view of an operator's result, that result takes the shape of the view. Another tensor, or one that
//!   is returned twice, keeps its shape, and a view of it is returned. So results have the declared types.
//! - *Dead* nodes and results are removed. Reading only the shape of a tensor does not keep it alive.

mod macs;
mod narrow;
mod parameter;
mod view;

use crate::access::{TensorAccess, tensor_access};
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

/// A network with an operator for each remaining node, and the description of these for grouping.
pub struct Lowered {
    pub network: Network,
    /// By operator: its description for grouping.
    pub nodes: Vec<cosma_network::Node>,
    /// By operator: how it accesses tensors, if that is known.
    pub accesses: Vec<Option<TensorAccess>>,
}

/// Lowers a graph.
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
        accesses: Vec::new(),
    };
    let inputs: Vec<TensorIndex> = graph.inputs.iter().map(|it| lowering.add(*it, Origin::Input)).collect();
    let mut operators = Vec::new();
    for node in &graph.nodes {
        // Computed before the run.
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
    let (tensors, nodes, accesses) = (lowering.tensors, lowering.nodes, lowering.accesses);
    let (name, file) = (graph.name.clone(), options.file.clone());
    let network = Network { name, file, tensors, arguments, operators, results, result_shapes };
    Ok(Lowered { network, nodes, accesses })
}

/// Whether each value contributes to a result of the model.
fn live(graph: &Graph) -> Vec<bool> {
    let mut is_live = vec![false; graph.values.len()];
    graph.outputs.iter().for_each(|it| is_live[*it] = true);
    for node in graph.nodes.iter().rev() {
        // Nodes that are computed before the run do not read at run time.
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
    /// By value: the value that it is a view of, or itself.
    source: Vec<usize>,
    tensors: Vec<Tensor>,
    /// In the order of their first use.
    weights: Vec<TensorIndex>,
    of_value: HashMap<usize, TensorIndex>,
    /// The stored form of constants that are widened before use.
    narrow: HashMap<usize, Narrow>,
    /// The tensors of such constants whose stored type is that of no value in the model.
    of_narrow: HashMap<usize, TensorIndex>,
    /// The description of each operator for grouping.
    nodes: Vec<cosma_network::Node>,
    /// How each operator accesses tensors, if that is known.
    accesses: Vec<Option<TensorAccess>>,
}

impl Lowering<'_> {
    /// Lowers a node to an operator; `None` if it is a view.
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
        let mut read_as = vec![None; node.inputs.len()];
        for (index, input) in node.inputs.iter().enumerate() {
            let Some(input) = *input else { continue };
            let value = &values[input];
            let is_parameter = value.is_constant && parameter::is_parameter(node, index, value);
            // Constant indices of contiguous rows are a parameter.
            let is_range = index == 1 && picks && picked(&call).is_some();
            if is_parameter || is_range || parameter::is_read_for_its_type(node, index) {
                continue;
            }
            let tensors = self.tensors_of(input);
            if let [tensor] = tensors[..] {
                read_as[index] = Some(tensor);
            }
            for tensor in tensors {
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
        self.accesses.push(tensor_access(&call, &kind, (&reads, &read_as), (&writes, &self.tensors)));
        let (position, macs) = (node.position, macs::macs(&call));
        let (name, module) = (node.name.clone(), node.module.clone());
        Some(Operator { name, module, kind, nodes, position, reads, writes, macs, in_place: Vec::new(), access: None })
    }

    /// The tensor of a value. A value without one is a new weight.
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

    /// The element type after quantisation.
    fn deploy(&self, element: Element) -> Element {
        match self.options.element_bytes {
            Some(bytes) if element.will_be_quantised() => Element::Signed(8 * bytes),
            _ => element,
        }
    }
}
