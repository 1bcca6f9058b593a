//! Small models, built as messages, and networks as text that is easy to compare.

#![allow(dead_code)] // Each test uses a part.

use cosma_import::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use cosma_import::{Error, Grouping, Network, Operator, Options, Origin, TensorIndex, import};
use prost::Message;

pub const FLOAT: i32 = 1;
pub const INT8: i32 = 3;
pub const INT64: i32 = 7;
pub const UINT8: i32 = 2;
pub const BOOL: i32 = 9;

/// A model in the making.
#[derive(Clone, Debug)]
pub struct Model(pub ModelProto);

impl Model {
    pub fn new() -> Model {
        Model::of_opset(17)
    }

    pub fn of_opset(version: i64) -> Model {
        let opset = OperatorSetIdProto { domain: String::new(), version };
        let graph = GraphProto { name: "net".into(), ..GraphProto::default() };
        Model(ModelProto { ir_version: 8, graph: Some(graph), opset_import: vec![opset], functions: vec![] })
    }

    pub fn graph(&mut self) -> &mut GraphProto {
        self.0.graph.as_mut().expect("it has one")
    }

    pub fn input(mut self, name: &str, shape: &[i64]) -> Model {
        self.graph().input.push(info(name, FLOAT, shape));
        self
    }

    /// An input whose dimensions have names instead of sizes.
    pub fn symbolic_input(mut self, name: &str, dimensions: &[&str]) -> Model {
        let mut input = info(name, FLOAT, &vec![1; dimensions.len()]);
        let shape = input.r#type.as_mut().and_then(|it| it.tensor_type.as_mut()).and_then(|it| it.shape.as_mut());
        let shape = shape.expect("it has one");
        for (dimension, name) in shape.dim.iter_mut().zip(dimensions) {
            *dimension = DimensionProto { dim_value: None, dim_param: Some((*name).into()) };
        }
        self.graph().input.push(input);
        self
    }

    pub fn input_of(mut self, element: i32, name: &str, shape: &[i64]) -> Model {
        self.graph().input.push(info(name, element, shape));
        self
    }

    /// A weight whose data lies elsewhere.
    pub fn weight(self, name: &str, shape: &[i64]) -> Model {
        self.weight_of(FLOAT, name, shape)
    }

    pub fn weight_of(mut self, element: i32, name: &str, shape: &[i64]) -> Model {
        let tensor = TensorProto {
            name: name.into(),
            dims: shape.into(),
            data_type: element,
            data_location: 1,
            ..TensorProto::default()
        };
        self.graph().initializer.push(tensor);
        self
    }

    /// A constant whose data lies where `entries` say.
    pub fn external(mut self, element: i32, name: &str, shape: &[i64], entries: &[(&str, &str)]) -> Model {
        self = self.weight_of(element, name, shape);
        let entry = |(key, value): &(&str, &str)| StringStringEntryProto { key: (*key).into(), value: (*value).into() };
        let tensor = self.graph().initializer.last_mut().expect("it was added");
        tensor.external_data = entries.iter().map(entry).collect();
        self
    }

    /// A constant list of integers.
    pub fn ints(mut self, name: &str, ints: &[i64]) -> Model {
        let tensor = TensorProto {
            name: name.into(),
            dims: vec![ints.len() as i64],
            data_type: INT64,
            int64_data: ints.into(),
            ..TensorProto::default()
        };
        self.graph().initializer.push(tensor);
        self
    }

    /// A constant integer without dimensions.
    pub fn scalar(mut self, name: &str, integer: i64) -> Model {
        let tensor =
            TensorProto { name: name.into(), data_type: INT64, int64_data: vec![integer], ..TensorProto::default() };
        self.graph().initializer.push(tensor);
        self
    }

    /// A constant list of floats.
    pub fn floats(mut self, name: &str, floats: &[f32]) -> Model {
        let tensor = TensorProto {
            name: name.into(),
            dims: vec![floats.len() as i64],
            data_type: FLOAT,
            raw_data: floats.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>().into(),
            ..TensorProto::default()
        };
        self.graph().initializer.push(tensor);
        self
    }

    /// A node; an empty name leaves an input or a result out. It is called after its first result.
    pub fn node(mut self, kind: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> Model {
        let (domain, kind) = kind.rsplit_once('.').unwrap_or(("", kind));
        let node = NodeProto {
            input: inputs.iter().map(|it| (*it).into()).collect(),
            output: outputs.iter().map(|it| (*it).into()).collect(),
            name: format!("node_{}", outputs.first().unwrap_or(&"")),
            op_type: kind.into(),
            attribute: attributes,
            domain: domain.into(),
            ..NodeProto::default()
        };
        self.graph().node.push(node);
        self
    }

    /// A result, about whose type nothing is said.
    pub fn output(mut self, name: &str) -> Model {
        self.graph().output.push(ValueInfoProto { name: name.into(), r#type: None });
        self
    }

    pub fn value_info(mut self, name: &str, element: i32, shape: &[i64]) -> Model {
        self.graph().value_info.push(info(name, element, shape));
        self
    }

    pub fn encode(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    pub fn import(&self, options: &Options) -> Result<Network, Error> {
        import(self.encode(), options)
    }
}

fn info(name: &str, element: i32, shape: &[i64]) -> ValueInfoProto {
    let dimension = |it: &i64| DimensionProto { dim_value: Some(*it), dim_param: None };
    let shape = TensorShapeProto { dim: shape.iter().map(dimension).collect() };
    let tensor = TensorTypeProto { elem_type: element, shape: Some(shape) };
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

pub fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), ints: ints.into(), ..AttributeProto::default() }
}

pub fn int(name: &str, int: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(int), ..AttributeProto::default() }
}

pub fn text(name: &str, text: &str) -> AttributeProto {
    AttributeProto { name: name.into(), s: Some(text.to_owned().into()), ..AttributeProto::default() }
}

/// Nothing joins.
pub fn ungrouped() -> Options {
    Options { grouping: Grouping::None, ..Options::default() }
}

/// Checks an ungrouped network. A line for each operator, as `Conv(x, w) -> y: 1x8xf32`.
#[track_caller]
pub fn check(model: &Model, expected: &[&str]) {
    check_with(model, &ungrouped(), expected);
}

/// Checks a network as an accelerator runs it.
#[track_caller]
pub fn check_grouped(model: &Model, expected: &[&str]) {
    check_with(model, &Options::default(), expected);
}

#[track_caller]
pub fn check_with(model: &Model, options: &Options, expected: &[&str]) {
    match model.import(options) {
        Ok(network) => assert_eq!(lines(&network), expected),
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
pub fn check_error(model: &Model, expected: &str) {
    match model.import(&ungrouped()) {
        Ok(network) => panic!("{network}"),
        Err(error) => assert_eq!(error.to_string(), expected),
    }
}

/// A line for each operator.
pub fn lines(network: &Network) -> Vec<String> {
    let name = |it: &TensorIndex| network.tensors[it.0].name.clone();
    let typed = |it: &TensorIndex| {
        let tensor = &network.tensors[it.0];
        let shape: String = tensor.shape.iter().map(|it| format!("{it}x")).collect();
        format!("{}: {shape}{}", tensor.name, tensor.element)
    };
    let line = |it: &Operator| {
        let reads: Vec<String> = it.reads.iter().map(name).collect();
        let writes: Vec<String> = it.writes.iter().map(typed).collect();
        format!("{}({}) -> {}", it.kind, reads.join(", "), writes.join(", "))
    };
    network.operators.iter().map(line).collect()
}

/// The names of a network's weights.
pub fn weights(network: &Network) -> Vec<&str> {
    let tensors = network.arguments.iter().map(|it| &network.tensors[it.0]);
    tensors.filter(|it| it.origin == Origin::Weight).map(|it| it.name.as_str()).collect()
}
