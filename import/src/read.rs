//! From protobuf to a [`Graph`].
//!
//! 1. Calls of the model's own functions are replaced by their bodies ([`inline`]).
//! 2. Values are collected by name: initialisers, inputs, results of nodes. A name stands for one.
//! 3. Sizes of symbolic dimensions come from the options.
//! 4. Nodes are ordered: as in the model, except where one reads what a later one writes.

mod inline;
mod order;

use crate::attributes::Attributes;
use crate::content::Content;
use crate::element::Element;
use crate::error::Error;
use crate::graph::{Graph, Node, Type, Value, n_elements};
use crate::options::Options;
use crate::proto::{
    DimensionProto, GraphProto, ModelProto, NodeProto, TensorProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use bytes::Bytes;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The oldest set of operators that is read: before it, broadcasting was said with attributes.
const OLDEST_OPSET: i64 = 7;

/// Reads a model.
pub fn read(model: Bytes, options: &Options) -> Result<Graph, Error> {
    let model = ModelProto::decode(model).map_err(|error| Error::Decode(error.to_string()))?;
    let opset = opset(&model)?;
    let ModelProto { graph, functions, .. } = model;
    let graph = graph.ok_or_else(|| Error::Decode("there is no graph in it".into()))?;
    let GraphProto { node, name, initializer, input, output, value_info, sparse_initializer } = graph;
    if let Some(tensor) = sparse_initializer.first() {
        let value = tensor.values.as_ref().map(|it| it.name.clone()).unwrap_or_default();
        return Err(Error::Value { value, message: "sparse initialisers are not read".into() });
    }
    let nodes = inline::inline(node, &functions)?;
    check_dimensions(options, input.iter().chain(&value_info).chain(&output), input.len())?;
    let mut reader = Reader { options, values: Vec::new(), names: HashMap::new(), missing: Vec::new() };
    for tensor in &initializer {
        reader.read_initializer(tensor)?;
    }
    let mut inputs = Vec::new();
    for info in &input {
        inputs.extend(reader.read_input(info)?);
    }
    if !reader.missing.is_empty() {
        return Err(Error::Dimensions(reader.missing));
    }
    let declared = reader.declared(value_info.iter().chain(&output))?;
    let nodes = reader.read_nodes(nodes, declared)?;
    let nodes = order::order(nodes, &reader.values)?;
    let mut outputs = Vec::new();
    for info in &output {
        let value = reader.names.get(&info.name).ok_or_else(|| Error::Value {
            value: info.name.clone(),
            message: "it is an output of the model, but nothing computes it".into(),
        })?;
        outputs.push(*value);
    }
    Ok(Graph { name, opset, values: reader.values, nodes, inputs, outputs })
}

fn opset(model: &ModelProto) -> Result<i64, Error> {
    let own = model.opset_import.iter().find(|it| is_own(&it.domain));
    // A model of foreign operators alone need not name ONNX's.
    let version = match own {
        Some(it) => it.version,
        None if model.opset_import.is_empty() => {
            return Err(Error::Decode("it does not say which set of operators it uses".into()));
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

/// Refuses a size for a dimension that the model does not have: it is misspelt. The first `n_inputs` are the
/// model's inputs, whose dimensions without a name have one by their position.
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

/// The name of a dimension. Some exporters call all they do not know by one name.
fn name_of(dimension: &DimensionProto) -> Option<&str> {
    dimension.dim_param.as_deref().filter(|it| !matches!(*it, "" | "?"))
}

fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// Far more than there are in practice.
const MOST_DIMENSIONS: usize = 64;

struct Reader<'a> {
    options: &'a Options,
    values: Vec<Value>,
    names: HashMap<String, usize>,
    /// Symbolic dimensions without a size.
    missing: Vec<String>,
}

impl Reader<'_> {
    fn define(&mut self, value: Value) -> Result<usize, String> {
        let index = self.values.len();
        if self.names.insert(value.name.clone(), index).is_some() {
            return Err(format!("the name '{}' is given to two values", value.name));
        }
        self.values.push(value);
        Ok(index)
    }

    fn read_initializer(&mut self, tensor: &TensorProto) -> Result<(), Error> {
        let fail = |message: String| Error::Value { value: tensor.name.clone(), message };
        let r#type = tensor_type(tensor).map_err(fail)?;
        let n_elements = n_elements(&r#type.shape).expect("its type was checked");
        let content = Content::read(tensor, r#type.element, n_elements);
        let name = tensor.name.clone();
        let is_uniform = n_elements == 1;
        let value = Value { name, declared: None, r#type: Some(r#type), content, is_constant: true, is_uniform };
        self.define(value).map_err(fail)?;
        Ok(())
    }

    /// The value of an input; none if it is a name for an initialiser, as old models have it.
    fn read_input(&mut self, info: &ValueInfoProto) -> Result<Option<usize>, Error> {
        if self.names.get(&info.name).is_some_and(|it| self.values[*it].is_constant) {
            return Ok(None);
        }
        let fail = |message: String| Error::Value { value: info.name.clone(), message };
        let tensor = tensor(info.r#type.as_ref()).ok_or_else(|| fail("only tensors can be inputs".into()))?;
        let element = element(tensor.elem_type).map_err(fail)?;
        let shape = tensor.shape.as_ref().ok_or_else(|| fail("the rank of this input is not known".into()))?;
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
        let value = Value { name, declared: None, r#type, content: None, is_constant: false, is_uniform: false };
        self.define(value).map(Some).map_err(fail)
    }

    /// What the model declares about values, where all sizes are known.
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

    fn read_nodes(&mut self, nodes: Vec<NodeProto>, declared: BTreeMap<&str, Type>) -> Result<Vec<Node>, Error> {
        let mut names = HashSet::new();
        let mut read = Vec::with_capacity(nodes.len());
        // Results first: a node may read what a later one writes.
        for (index, proto) in nodes.iter().enumerate() {
            let first = proto.output.iter().find(|it| !it.is_empty()).cloned().unwrap_or_default();
            let is_free = |it: &String| !it.is_empty() && !names.contains(it);
            let name = [proto.name.clone(), first].into_iter().find(is_free);
            let name = name.unwrap_or_else(|| format!("{}#{}", proto.name, index + 1));
            names.insert(name.clone());
            let domain = if is_own(&proto.domain) { String::new() } else { proto.domain.clone() };
            let attributes = Attributes(proto.attribute.clone());
            let kind = proto.op_type.clone();
            let mut node =
                Node { name, kind, domain, attributes, inputs: Vec::new(), outputs: Vec::new(), position: index + 1 };
            if node.attributes.0.iter().any(|it| it.g.is_some() || !it.graphs.is_empty()) {
                return Err(node.error("it has a subgraph, and only models without control flow are read"));
            }
            for output in &proto.output {
                if output.is_empty() {
                    node.outputs.push(None);
                    continue;
                }
                let declared = declared.get(output.as_str()).cloned();
                let value = Value {
                    name: output.clone(),
                    declared,
                    r#type: None,
                    content: None,
                    is_constant: false,
                    is_uniform: false,
                };
                let value = self.define(value).map_err(|message| node.error(message))?;
                node.outputs.push(Some(value));
            }
            read.push(node);
        }
        for (node, proto) in read.iter_mut().zip(&nodes) {
            for input in &proto.input {
                let value = match input.as_str() {
                    "" => None,
                    name => Some(*self.names.get(name).ok_or_else(|| {
                        node.error(format!("it reads '{name}', which is no input, initialiser or result"))
                    })?),
                };
                node.inputs.push(value);
            }
        }
        Ok(read)
    }
}

/// The type of a tensor that is in the model.
pub fn tensor_type(tensor: &TensorProto) -> Result<Type, String> {
    let element = element(tensor.data_type)?;
    let size = |it: &i64| u64::try_from(*it).map_err(|_| format!("a dimension is negative: {it}"));
    let shape = tensor.dims.iter().map(size).collect::<Result<Vec<u64>, String>>()?;
    check_size(&shape, element)?;
    Ok(Type { element, shape })
}

/// The element type of a number.
pub fn element(number: i32) -> Result<Element, String> {
    Element::from_onnx(number).ok_or_else(|| match number {
        0 => "its element type is not known".into(),
        8 => "its elements are strings, which are not planned".into(),
        _ => format!("there is no element type {number}"),
    })
}

fn tensor(r#type: Option<&TypeProto>) -> Option<&TensorTypeProto> {
    r#type?.tensor_type.as_ref()
}

/// Refuses what has more bits than can be counted, or more dimensions than any tensor.
pub fn check_size(shape: &[u64], element: Element) -> Result<(), String> {
    if MOST_DIMENSIONS < shape.len() {
        return Err(format!("it has {} dimensions, and none has more than {MOST_DIMENSIONS}", shape.len()));
    }
    let bits = n_elements(shape).and_then(|it| it.checked_mul(element.bits()));
    match bits {
        Some(bits) if bits <= i64::MAX as u64 && shape.iter().all(|it| *it <= i64::MAX as u64) => Ok(()),
        _ => Err(format!("it is too large to be counted: {shape:?}")),
    }
}
