//! Reads a protobuf as a [`Graph`].
//!
//! 1. Calls of the model's own functions are inlined ([`inline`]).
//! 2. Values are collected by name: initialisers, inputs, results of nodes. Names are unique.
//! 3. Sizes of symbolic dimensions come from the options.
//! 4. Nodes are ordered as in the model, except where one reads a result of a later one.
//!
//! The branch that an `If` takes may depend on sizes, which are inferred later. So inference gets the [`Reader`]
//! together with the graph, to read the branch ([`take`]).

mod branch;
mod external;
mod inline;
mod module;
mod order;
mod scope;

use crate::attributes::Attributes;
use crate::content::Content;
use crate::element::Element;
use crate::error::Error;
use crate::graph::{Graph, Node, Type, Value, n_elements};
use crate::options::Options;
use crate::proto::{
    DimensionProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};
use bytes::Bytes;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The oldest supported operator set. Earlier ones declare broadcasting with attributes.
const OLDEST_OPSET: i64 = 7;

/// Reads a model except for branches.
pub fn read(model: Bytes, options: &Options) -> Result<(Graph, Reader<'_>), Error> {
    let model = ModelProto::decode(model).map_err(|error| Error::Decode(error.to_string()))?;
    let opset = opset(&model)?;
    let ModelProto { graph, functions, .. } = model;
    let graph = graph.ok_or_else(|| Error::Decode("there is no graph in it".into()))?;
    let GraphProto { node, name, initializer, input, output, value_info, sparse_initializer } = graph;
    if let Some(tensor) = sparse_initializer.first() {
        let value = tensor.values.as_ref().map(|it| it.name.clone()).unwrap_or_default();
        return Err(Error::Value { value, message: "sparse initialisers are not supported: make them dense".into() });
    }
    check_dimensions(options, input.iter().chain(&value_info).chain(&output), input.len())?;
    let mut reader = Reader {
        options,
        functions,
        names: HashMap::new(),
        node_names: HashSet::new(),
        n_seen: 0,
        missing: Vec::new(),
    };
    let mut values = Vec::new();
    let nodes = inline::inline(node, &reader.functions, &mut reader.n_seen)?;
    for tensor in initializer {
        reader.read_initializer(&mut values, tensor)?;
    }
    let mut inputs = Vec::new();
    for info in &input {
        inputs.extend(reader.read_input(&mut values, info)?);
    }
    if !reader.missing.is_empty() {
        return Err(Error::Dimensions(std::mem::take(&mut reader.missing)));
    }
    let declared = reader.declared(value_info.iter().chain(&output))?;
    let nodes = reader.read_nodes(&mut values, nodes, &declared, None)?;
    let nodes = order::order(nodes, &values)?;
    let mut outputs = Vec::new();
    for info in &output {
        let value = reader.names.get(&info.name).ok_or_else(|| Error::Value {
            value: info.name.clone(),
            message: "it is an output of the model, but nothing computes it".into(),
        })?;
        outputs.push(*value);
    }
    Ok((Graph { name, opset, values, nodes, inputs, outputs }, reader))
}

fn opset(model: &ModelProto) -> Result<i64, Error> {
    let own = model.opset_import.iter().find(|it| is_own(&it.domain));
    // A model without ONNX's own operators need not declare their version.
    let version = match own {
        Some(it) => it.version,
        None if model.opset_import.is_empty() => {
            return Err(Error::Decode("it does not declare its operator sets".into()));
        }
        None => i64::MAX,
    };
    if version < OLDEST_OPSET {
        return Err(Error::Model(format!(
            "the model uses version {version} of ONNX's operators, but the oldest that is read is {OLDEST_OPSET}: \
             convert it with onnx.version_converter"
        )));
    }
    Ok(version)
}

/// Fails if the options give a size for a dimension that the model does not have. The first `n_inputs` of the
/// infos are the model's inputs, whose anonymous dimensions are named by position.
fn check_dimensions<'a>(
    options: &Options,
    infos: impl Iterator<Item = &'a ValueInfoProto>,
    n_inputs: usize,
) -> Result<(), Error> {
    if options.dimensions.is_empty() {
        return Ok(());
    }
    let (mut known, mut positions) = (BTreeSet::new(), BTreeSet::new());
    for (index, info) in infos.enumerate() {
        let shape = tensor(info.r#type.as_ref()).and_then(|it| it.shape.as_ref());
        for (axis, dimension) in shape.iter().flat_map(|it| &it.dim).enumerate() {
            match (dimension.dim_value, name_of(dimension)) {
                (Some(0..), _) => {}
                (_, name) => {
                    let position = || (index < n_inputs).then(|| format!("{}[{axis}]", info.name));
                    known.extend(name.map(str::to_owned).or_else(position));
                    positions.extend(position());
                }
            }
        }
    }
    match options.dimensions.keys().find(|it| !known.contains(*it) && !positions.contains(*it)) {
        None => Ok(()),
        Some(name) => Err(Error::UnknownDimension { name: name.clone(), known: known.into_iter().collect() }),
    }
}

/// The name of a symbolic dimension. Some exporters write `?` for all unknown ones.
fn name_of(dimension: &DimensionProto) -> Option<&str> {
    dimension.dim_param.as_deref().filter(|it| !matches!(*it, "" | "?"))
}

fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// The most dimensions of a tensor, far more than in practice.
const MOST_DIMENSIONS: usize = 64;

/// The state of reading a model, which is needed again to read branches.
pub struct Reader<'a> {
    options: &'a Options,
    functions: Vec<FunctionProto>,
    /// The values by name.
    names: HashMap<String, usize>,
    /// The names of nodes in use.
    node_names: HashSet<String>,
    /// The number of nodes and calls read.
    n_seen: usize,
    /// Symbolic dimensions without a size.
    missing: Vec<String>,
}

impl Reader<'_> {
    fn define(&mut self, values: &mut Vec<Value>, value: Value) -> Result<usize, String> {
        let index = values.len();
        if self.names.insert(value.name.clone(), index).is_some() {
            return Err(format!("the name '{}' is given to two values", value.name));
        }
        values.push(value);
        Ok(index)
    }

    fn read_initializer(&mut self, values: &mut Vec<Value>, mut tensor: TensorProto) -> Result<(), Error> {
        let name = tensor.name.clone();
        let fail = |message: String| Error::Value { value: name.clone(), message };
        let r#type = tensor_type(&tensor).map_err(fail)?;
        let n_elements = n_elements(&r#type.shape).expect("its type was checked");
        let absent = self.fetch(&mut tensor);
        let content = Content::read(&tensor, r#type.element, n_elements);
        let is_uniform = n_elements == 1;
        let name = name.clone();
        let value =
            Value { name, declared: None, r#type: Some(r#type), content, absent, is_constant: true, is_uniform };
        self.define(values, value).map_err(fail)?;
        Ok(())
    }

    /// Reads the external data of a tensor if shapes may depend on it. Returns why it could not be read.
    fn fetch(&self, tensor: &mut TensorProto) -> Option<String> {
        if !external::is_elsewhere(tensor) {
            return None;
        }
        let r#type = tensor_type(tensor).ok()?;
        let n_bits = n_elements(&r#type.shape)?.checked_mul(r#type.element.bits())?;
        external::fetch(tensor, n_bits.div_ceil(8), self.options.folder.as_deref()).err()
    }

    /// Reads an input. Returns `None` if it is an initialiser, which old models list as inputs.
    fn read_input(&mut self, values: &mut Vec<Value>, info: &ValueInfoProto) -> Result<Option<usize>, Error> {
        if self.names.get(&info.name).is_some_and(|it| values[*it].is_constant) {
            return Ok(None);
        }
        let fail = |message: String| Error::Value { value: info.name.clone(), message };
        let tensor = tensor(info.r#type.as_ref())
            .ok_or_else(|| fail("inputs must be tensors, not sequences, maps or optional values".into()))?;
        let element = element(tensor.elem_type).map_err(fail)?;
        let shape = tensor.shape.as_ref().ok_or_else(|| fail("the rank of this input is unknown".into()))?;
        let mut sizes = Vec::new();
        for (axis, dimension) in shape.dim.iter().enumerate() {
            let param = name_of(dimension);
            let size = match (dimension.dim_value, param) {
                (Some(value), _) => u64::try_from(value).ok(),
                (None, Some(name)) => self.options.dimensions.get(name).copied(),
                (None, None) => None,
            };
            let positional = format!("{}[{axis}]", info.name);
            let size = size.or_else(|| self.options.dimensions.get(&positional).copied());
            if size.is_none() {
                let name = param.map_or(positional, str::to_owned);
                if !self.missing.contains(&name) {
                    self.missing.push(name);
                }
            }
            sizes.push(size.unwrap_or(0));
        }
        check_size(&sizes, element).map_err(fail)?;
        let r#type = Some(Type { element, shape: sizes });
        let name = info.name.clone();
        self.define(values, Value { r#type, ..Value::named(name) }).map(Some).map_err(fail)
    }

    /// The types that the model declares for values, by name, if all their sizes are known.
    fn declared<'a>(&self, infos: impl Iterator<Item = &'a ValueInfoProto>) -> Result<BTreeMap<&'a str, Type>, Error> {
        let mut declared = BTreeMap::new();
        for info in infos {
            let Some(tensor) = tensor(info.r#type.as_ref()) else { continue };
            let Ok(element) = element(tensor.elem_type) else { continue };
            let Some(shape) = &tensor.shape else { continue };
            let size = |it: &DimensionProto| match (it.dim_value, &it.dim_param) {
                (Some(value), _) => u64::try_from(value).ok(),
                (None, Some(name)) => self.options.dimensions.get(name).copied(),
                (None, None) => None,
            };
            let Some(shape) = shape.dim.iter().map(size).collect::<Option<Vec<u64>>>() else { continue };
            if check_size(&shape, element).is_ok() {
                declared.insert(info.name.as_str(), Type { element, shape });
            }
        }
        Ok(declared)
    }

    /// Reads the nodes of a graph. They have their own positions, or all the given one.
    fn read_nodes(
        &mut self,
        values: &mut Vec<Value>,
        nodes: Vec<NodeProto>,
        declared: &BTreeMap<&str, Type>,
        position: Option<usize>,
    ) -> Result<Vec<Node>, Error> {
        let mut read = Vec::with_capacity(nodes.len());
        // Results first: a node may read a result of a later one.
        for (index, proto) in nodes.iter().enumerate() {
            let position = position.unwrap_or(index + 1);
            let mut attributes = Attributes(proto.attribute.clone());
            let absent = attributes.0.iter_mut().filter_map(|it| it.t.as_mut()).find_map(|it| self.fetch(it));
            let domain = if is_own(&proto.domain) { String::new() } else { proto.domain.clone() };
            let mut node = Node {
                name: self.node_name(proto, position),
                module: module::module_of(proto),
                kind: proto.op_type.clone(),
                domain,
                attributes,
                inputs: Vec::new(),
                outputs: Vec::new(),
                captures: Vec::new(),
                position,
            };
            if scope::graphs(proto).next().is_some() && !branch::is_choice(&node) {
                return Err(node.error(
                    "the number of iterations of its graph is known only at run time: export the model without it, \
                     unrolled, or plan its body as a separate model",
                ));
            }
            for output in &proto.output {
                if output.is_empty() {
                    node.outputs.push(None);
                    continue;
                }
                let declared = declared.get(output.as_str()).cloned();
                let value = Value { declared, absent: absent.clone(), ..Value::named(output.clone()) };
                let value = self.define(values, value).map_err(|message| node.error(message))?;
                node.outputs.push(Some(value));
            }
            read.push(node);
        }
        for (node, proto) in read.iter_mut().zip(&nodes) {
            for input in &proto.input {
                let value = match input.as_str() {
                    "" => None,
                    name => Some(*self.names.get(name).ok_or_else(|| {
                        node.error(format!("it reads '{name}', which is not an input, initialiser or result"))
                    })?),
                };
                node.inputs.push(value);
            }
            let captures = scope::graphs(proto).flat_map(scope::free);
            node.captures = captures.filter_map(|it| self.names.get(&it).copied()).collect();
        }
        Ok(read)
    }

    /// A unique name for a node: its own, that of its first result, or a numbered one.
    fn node_name(&mut self, proto: &NodeProto, position: usize) -> String {
        let first = proto.output.iter().find(|it| !it.is_empty()).cloned().unwrap_or_default();
        let mut n = position;
        let numbered = std::iter::repeat_with(|| {
            n += 1;
            format!("{}#{}", proto.name, n - 1)
        });
        let names = [proto.name.clone(), first].into_iter().chain(numbered);
        let name = names.filter(|it| !it.is_empty()).find(|it| !self.node_names.contains(it));
        let name = name.expect("there is no end of numbers");
        self.node_names.insert(name.clone());
        name
    }
}

/// The nodes that replace a node: those of the branch taken if it is an `If`, otherwise `None`.
///
/// # Errors
/// If the condition is not known before the run, or the branch is invalid.
pub fn take(reader: &mut Reader, values: &mut Vec<Value>, node: &Node) -> Result<Option<Vec<Node>>, Error> {
    branch::is_choice(node).then(|| branch::take(reader, values, node)).transpose()
}

/// The type of a tensor in the model.
///
/// # Errors
/// A message if it is unknown or too large.
pub fn tensor_type(tensor: &TensorProto) -> Result<Type, String> {
    let element = element(tensor.data_type)?;
    let size = |it: &i64| u64::try_from(*it).map_err(|_| format!("a dimension is negative: {it}"));
    let shape = tensor.dims.iter().map(size).collect::<Result<Vec<u64>, String>>()?;
    check_size(&shape, element)?;
    Ok(Type { element, shape })
}

/// The element type with a number of ONNX's `DataType`.
///
/// # Errors
/// A message if it is not supported.
pub fn element(number: i32) -> Result<Element, String> {
    Element::from_onnx(number).ok_or_else(|| match number {
        0 => "its element type is unknown".into(),
        8 => "its elements are strings, which are not supported".into(),
        _ => format!("unknown element type {number}"),
    })
}

fn tensor(r#type: Option<&TypeProto>) -> Option<&TensorTypeProto> {
    r#type?.tensor_type.as_ref()
}

/// Fails if a tensor has more than `i64::MAX` bits or more than [`MOST_DIMENSIONS`].
pub fn check_size(shape: &[u64], element: Element) -> Result<(), String> {
    if MOST_DIMENSIONS < shape.len() {
        return Err(format!("it has {} dimensions, and none has more than {MOST_DIMENSIONS}", shape.len()));
    }
    let bits = n_elements(shape).and_then(|it| it.checked_mul(element.bits()));
    match bits {
        Some(bits) if bits <= i64::MAX as u64 && shape.iter().all(|it| *it <= i64::MAX as u64) => Ok(()),
        _ => Err(format!("its size overflows: {shape:?}")),
    }
}
