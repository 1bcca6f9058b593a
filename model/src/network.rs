//! A graph with the names of a model.

use crate::Error;
use cosma_import::{Carrier, Cuts, Grouping, Options, Region, Sharing, Splitting, TensorIndex, import};
use cosma_planner::{Error as PlannerError, Graph, GraphBuilder};
use cosma_show::{OperatorLabel, TensorLabel};
use std::collections::BTreeMap;
use std::path::Path;

/// A network to plan, with its names.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// The graph, to which operators can still be added.
    pub graph: GraphBuilder,
    /// By operator: its name for display. Absent for operators added by hand.
    pub operators: Vec<OperatorLabel>,
    /// By tensor: its name for display. Absent for tensors added by hand.
    pub tensors: Vec<TensorLabel>,
    /// By tensor: its name in the graph, for errors.
    names: Vec<String>,
    /// How the operators of a model may be split. Nothing is said of what was added by hand.
    pub(crate) cuts: Cuts,
}

/// How to read an ONNX model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelOptions {
    /// The sizes of symbolic dimensions, by name. An anonymous dimension is called `INPUT[AXIS]`.
    pub dimensions: BTreeMap<String, u64>,
    /// The size of floats after quantisation in bytes, 1, 2, 4 or 8; `None` means that of their type.
    pub element_bytes: Option<u64>,
    /// Whether to group nodes that an accelerator runs as one operator.
    pub groups: bool,
    /// Whether results may be written over operands.
    pub in_place: bool,
}

impl Default for ModelOptions {
    fn default() -> ModelOptions {
        ModelOptions { dimensions: BTreeMap::new(), element_bytes: None, groups: true, in_place: true }
    }
}

impl Network {
    /// A graph that was made by hand. The names are those of its tensors, by id.
    pub fn of_graph(name: impl Into<String>, graph: GraphBuilder, names: Vec<String>) -> Network {
        Network { name: name.into(), graph, names, ..Network::default() }
    }

    /// Reads an ONNX model.
    ///
    /// # Errors
    /// [`Error::Read`]; those of [`Network::import`].
    pub fn read(path: &Path, options: &ModelOptions) -> Result<Network, Error> {
        let model = std::fs::read(path).map_err(|error| Error::Read { path: path.into(), error })?;
        Network::import(model, Some(path), options)
    }

    /// Imports an ONNX model from the content of its file. If the path is known, external files beside the model are
    /// read if they contain shapes.
    ///
    /// # Errors
    /// [`Error::Model`], with the node or value at which it occurred; [`Error::Option`].
    pub fn import(model: Vec<u8>, path: Option<&Path>, options: &ModelOptions) -> Result<Network, Error> {
        let element_bytes = match options.element_bytes {
            None => None,
            Some(bytes @ (1 | 2 | 4 | 8)) => Some(bytes as u16),
            Some(bytes) => return Err(Error::Option(format!("element_bytes is {bytes}: it can be 1, 2, 4 or 8"))),
        };
        let folder = path.and_then(Path::parent);
        let imported = import(
            model,
            &Options {
                dimensions: options.dimensions.clone(),
                element_bytes,
                grouping: if options.groups { Grouping::Accelerator } else { Grouping::None },
                in_place: if options.in_place { Sharing::Operators } else { Sharing::None },
                access: Splitting::Operators,
                folder: folder.map(|it| if it.as_os_str().is_empty() { Path::new(".").into() } else { it.into() }),
                file: path.map(|it| it.display().to_string()).unwrap_or_default(),
            },
        )?;
        Ok(Network::of_import(&imported))
    }

    /// An imported model.
    pub fn of_import(network: &cosma_import::Network) -> Network {
        let extraction = network.extract();
        let operators: Vec<OperatorLabel> = network.operators.iter().map(|it| operator_label(network, it)).collect();
        let mut writer = vec![None; network.tensors.len()];
        for (index, operator) in network.operators.iter().enumerate() {
            operator.writes.iter().for_each(|it| writer[it.0] = Some(index));
        }
        let tensors = extraction.carriers.iter().map(|carrier| match carrier {
            Carrier::Argument(tensor) => tensor_label(network, *tensor, network.tensors[tensor.0].name.clone()),
            Carrier::Piece(whole, view, Region { offsets, sizes }) => {
                let name = format!("{}{offsets:?} {sizes:?}", network.tensors[whole.0].name);
                tensor_label(network, *view, name)
            }
            Carrier::Result(tensor, index) => {
                let name = match writer[tensor.0] {
                    Some(op) if network.operators[op].writes.len() == 1 => operators[op].name.clone(),
                    Some(op) => format!("{}.{index}", operators[op].name),
                    None => network.tensors[tensor.0].name.clone(),
                };
                tensor_label(network, *tensor, name)
            }
        });
        let tensors: Vec<TensorLabel> = tensors.collect();
        let names = tensors.iter().map(|it| it.name.clone()).collect();
        let name = if network.name.is_empty() { "main" } else { &network.name };
        let cuts = network.cuts(&extraction);
        Network { name: name.into(), graph: extraction.graph, operators, tensors, names, cuts }
    }

    /// The present graph.
    ///
    /// # Errors
    /// [`Error::Graph`] if the descriptions of its tensors and operators contradict each other.
    pub fn build(&self) -> Result<Graph, Error> {
        let name = |it: cosma_planner::TensorId| self.names.get(it.index()).map_or("?", |it| it.as_str());
        self.graph.clone().build().map_err(|error| {
            Error::Graph(match error {
                PlannerError::InPlace { result, operand, why } => {
                    format!("'{}' cannot lie over '{}': {why}", name(result), name(operand))
                }
                PlannerError::Staged { tensor, why } => format!("'{}' cannot be staged: {why}", name(tensor)),
                error => error.to_string(),
            })
        })
    }

    /// Records the name of a tensor that was added to the graph.
    pub fn name_tensor(&mut self, name: impl Into<String>) {
        self.names.push(name.into());
    }
}

fn operator_label(network: &cosma_import::Network, operator: &cosma_import::Operator) -> OperatorLabel {
    let file = &network.file;
    OperatorLabel {
        name: if operator.name.is_empty() { operator.kind.clone() } else { operator.name.clone() },
        kind: operator.kind.clone(),
        macs: operator.macs,
        location: if file.is_empty() { String::new() } else { format!("{file}:{}:1", operator.position) },
        part: None,
    }
}

fn tensor_label(network: &cosma_import::Network, tensor: TensorIndex, name: String) -> TensorLabel {
    let tensor = &network.tensors[tensor.0];
    let shape: String = tensor.shape.iter().map(|it| format!("{it}x")).collect();
    TensorLabel { name, shape: format!("{shape}{}", tensor.element) }
}
