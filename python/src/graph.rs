//! Graphs, made by hand or of a model.

use crate::convert::{named, size, weights};
use crate::error::{GraphError, raise};
use cosma_model::{ModelOptions, Network, Request};
use cosma_planner::{Bytes, Cycles, Keep, OpId, Problem, TensorId};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells graphs apart, so that a tensor of one is not taken for one of another.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A tensor of a graph.
#[pyclass(frozen, from_py_object, module = "cosma")]
#[derive(Clone, Debug)]
pub struct Tensor {
    graph: u64,
    id: TensorId,
    /// Its name, unique in its graph.
    #[pyo3(get)]
    name: String,
    /// Its size in bytes.
    #[pyo3(get)]
    size: u64,
}

#[pymethods]
impl Tensor {
    fn __repr__(&self) -> String {
        format!("Tensor('{}', {})", self.name, self.size)
    }

    fn __eq__(&self, other: &Tensor) -> bool {
        (self.graph, self.id) == (other.graph, other.id)
    }

    fn __hash__(&self) -> u64 {
        self.graph.rotate_left(32) ^ u64::from(self.id.0)
    }
}

/// Operators in an order that respects the dependences, and the tensors that they read and write.
///
/// Sizes are numbers of bytes, or texts such as ``"512KiB"``.
///
/// >>> graph = cosma.Graph("net")
/// >>> x = graph.argument("x", 64)
/// >>> [wide] = graph.op("expand", [x], {"wide": 128})
/// >>> [y] = graph.op("reduce", [wide, x], {"y": 64})
/// >>> graph.result(y)
#[pyclass(module = "cosma")]
#[derive(Debug)]
pub struct Graph {
    pub(crate) network: Network,
    identity: u64,
    tensors: Vec<Tensor>,
    by_name: HashMap<String, TensorId>,
    operators: Vec<String>,
    ops_by_name: HashMap<String, OpId>,
}

impl Graph {
    fn of(network: Network) -> Graph {
        Graph {
            network,
            identity: NEXT.fetch_add(1, Ordering::Relaxed),
            tensors: Vec::new(),
            by_name: HashMap::new(),
            operators: Vec::new(),
            ops_by_name: HashMap::new(),
        }
    }

    /// A network whose graph is there already.
    fn of_built(network: Network, graph: &cosma_planner::Graph) -> Graph {
        let mut made = Graph::of(network);
        for (id, tensor) in graph.tensor_ids().zip(graph.tensors()) {
            made.note(id, tensor.name.clone(), tensor.size);
        }
        for (id, op) in graph.op_ids().zip(graph.ops()) {
            made.operators.push(op.name.clone());
            made.ops_by_name.insert(op.name.clone(), id);
        }
        made
    }

    fn note(&mut self, id: TensorId, name: String, size: Bytes) -> Tensor {
        self.by_name.insert(name.clone(), id);
        let tensor = Tensor { graph: self.identity, id, name, size: size.0 };
        self.tensors.push(tensor.clone());
        tensor
    }

    /// A new tensor's name, if it can be one.
    fn check_name(&self, name: &str) -> PyResult<()> {
        check_word(name, "tensor")?;
        match self.by_name.contains_key(name) {
            true => Err(GraphError::new_err(format!("there is a tensor '{name}' already"))),
            false => Ok(()),
        }
    }

    fn id(&self, tensor: &Tensor) -> PyResult<TensorId> {
        match tensor.graph == self.identity {
            true => Ok(tensor.id),
            false => Err(GraphError::new_err(format!("tensor '{}' is of another graph", tensor.name))),
        }
    }

    fn ids(&self, tensors: &[Tensor]) -> PyResult<Vec<TensorId>> {
        tensors.iter().map(|it| self.id(it)).collect()
    }

    fn operator(&self, name: &str) -> PyResult<OpId> {
        let known = self.ops_by_name.get(name).copied();
        known.ok_or_else(|| GraphError::new_err(format!("there is no operator '{name}'")))
    }
}

/// Names are words of the text form.
fn check_word(name: &str, what: &str) -> PyResult<()> {
    let is_word = !name.is_empty() && !name.contains(|it: char| it.is_whitespace() || "@:,#|".contains(it));
    match is_word && name != "->" {
        true => Ok(()),
        false => Err(GraphError::new_err(format!(
            "'{name}' cannot be the name of {what}s: a name is not empty and has no white space and none of @ : , # |"
        ))),
    }
}

#[pymethods]
impl Graph {
    /// A graph without operators.
    #[new]
    #[pyo3(signature = (name = "net"))]
    fn new(name: &str) -> Graph {
        Graph::of(Network::of_graph(name, Default::default(), Vec::new()))
    }

    /// The graph of an ONNX model: a path, the bytes of its file, or an ``onnx.ModelProto``.
    ///
    /// ``dimensions`` has the sizes of symbolic dimensions by name; an anonymous one is called ``INPUT[AXIS]``.
    /// ``element_bytes`` is the size of floats after quantisation: 1, 2, 4 or 8; without it, it is that of their type.
    /// ``group`` says whether nodes that an accelerator runs as one operator are grouped, and ``in_place`` whether
    /// results may lie where operands lie.
    #[staticmethod]
    #[pyo3(signature = (model, *, dimensions = None, element_bytes = None, group = true, in_place = true))]
    fn from_onnx(
        py: Python<'_>,
        model: &Bound<'_, PyAny>,
        dimensions: Option<BTreeMap<String, u64>>,
        element_bytes: Option<u64>,
        group: bool,
        in_place: bool,
    ) -> PyResult<Graph> {
        let dimensions = dimensions.unwrap_or_default();
        let options = ModelOptions { dimensions, element_bytes, groups: group, in_place };
        let network = if let Ok(path) = model.extract::<PathBuf>() {
            py.detach(|| Network::read(&path, &options))
        } else {
            let content = match model.hasattr("SerializeToString")? {
                true => model.call_method0("SerializeToString")?,
                false => model.clone(),
            };
            let bytes: Vec<u8> = content.extract().map_err(|_| {
                let message = format!("the model is {}, not a path, bytes or an onnx.ModelProto", named(model));
                PyTypeError::new_err(message)
            })?;
            py.detach(|| Network::import(bytes, None, &options))
        };
        let network = network.map_err(|error| raise(py, error))?;
        let graph = network.build().map_err(|error| raise(py, error))?;
        Ok(Graph::of_built(network, &graph))
    }

    /// The graph of a problem in COSMA's text form; the machine in it counts for nothing.
    #[staticmethod]
    #[pyo3(signature = (text, name = "net"))]
    fn from_text(text: &str, name: &str) -> PyResult<Graph> {
        let problem: Problem = text.parse().map_err(|error| GraphError::new_err(format!("{error}")))?;
        let names = problem.graph.tensors().iter().map(|it| it.name.clone()).collect();
        Ok(Graph::of_built(Network::of_graph(name, problem.graph.to_builder(), names), &problem.graph))
    }

    /// Adds a tensor that lies in host memory from the start.
    fn argument(&mut self, name: &str, size: &Bound<'_, PyAny>) -> PyResult<Tensor> {
        self.check_name(name)?;
        let bytes = crate::convert::size(size, "size")?;
        let id = self.network.graph.argument(name, bytes);
        self.network.name_tensor(name);
        Ok(self.note(id, name.into(), bytes))
    }

    /// Adds a weight that lies in host memory from the start. With ``keep`` it lies in the scratchpad at all times, from
    /// one run to the next, and is loaded once; else it is for ``keep`` of :func:`plan` to say.
    #[pyo3(signature = (name, size, *, keep = false))]
    fn weight(&mut self, name: &str, size: &Bound<'_, PyAny>, keep: bool) -> PyResult<Tensor> {
        self.check_name(name)?;
        let bytes = crate::convert::size(size, "size")?;
        let id = self.network.graph.weight(name, bytes);
        if keep {
            self.network.graph.keep(id, Keep::Always);
        }
        self.network.name_tensor(name);
        Ok(self.note(id, name.into(), bytes))
    }

    /// Adds a tensor that is a region of a larger one in host memory, to which these parts were written by operators.
    fn staged(&mut self, name: &str, size: &Bound<'_, PyAny>, parts: Vec<Tensor>) -> PyResult<Tensor> {
        self.check_name(name)?;
        let bytes = crate::convert::size(size, "size")?;
        let parts = self.ids(&parts)?;
        let id = self.network.graph.staged(name, bytes, &parts);
        self.network.name_tensor(name);
        Ok(self.note(id, name.into(), bytes))
    }

    /// Adds an operator, and returns the tensors that it writes.
    ///
    /// ``writes`` has their sizes by name, or is a list of names and sizes. ``workspace`` is what the operator needs for
    /// itself while it runs, and ``macs`` the number of its multiply-accumulates. On a machine with a clock it computes for
    /// so many ``cycles``, or else for what its ``macs`` and bytes take.
    #[pyo3(signature = (name, reads, writes, *, workspace = None, macs = None, cycles = None))]
    #[allow(clippy::too_many_arguments)] // They are those of Python.
    fn op(
        &mut self,
        name: &str,
        reads: Vec<Tensor>,
        writes: &Bound<'_, PyAny>,
        workspace: Option<&Bound<'_, PyAny>>,
        macs: Option<u64>,
        cycles: Option<u64>,
    ) -> PyResult<Vec<Tensor>> {
        check_word(name, "operator")?;
        if self.ops_by_name.contains_key(name) {
            return Err(GraphError::new_err(format!("there is an operator '{name}' already")));
        }
        let reads = self.ids(&reads)?;
        let pairs = match writes.cast::<PyDict>() {
            Ok(sizes) => sizes.items().into_any(),
            Err(_) => writes.clone(),
        };
        let mut written: Vec<(String, Bytes)> = Vec::new();
        for pair in pairs.try_iter()? {
            let (tensor, bytes): (String, Bound<'_, PyAny>) = pair?.extract()?;
            self.check_name(&tensor)?;
            if written.iter().any(|it| it.0 == tensor) {
                return Err(GraphError::new_err(format!("operator '{name}' writes '{tensor}' twice")));
            }
            let bytes = size(&bytes, "size")?;
            written.push((tensor, bytes));
        }
        let workspace = workspace.map_or(Ok(Bytes::ZERO), |it| size(it, "workspace"))?;
        let op = OpId(self.operators.len() as u32);
        let ids = self.network.graph.op(name, &reads, written.clone(), workspace);
        if let Some(macs) = macs {
            self.network.graph.macs(op, macs);
        }
        if let Some(cycles) = cycles {
            self.network.graph.cycles(op, Cycles(cycles));
        }
        self.operators.push(name.into());
        self.ops_by_name.insert(name.into(), op);
        let noted = ids.into_iter().zip(written).map(|(id, (name, bytes))| {
            self.network.name_tensor(name.clone());
            self.note(id, name, bytes)
        });
        Ok(noted.collect())
    }

    /// Says that a result and an operand of one operator may share their bytes once nothing else reads the operand: the
    /// smaller one lies ``at`` bytes from the start of the larger one.
    #[pyo3(signature = (result, operand, at = 0))]
    fn in_place(&mut self, result: &Tensor, operand: &Tensor, at: u64) -> PyResult<()> {
        let (result, operand) = (self.id(result)?, self.id(operand)?);
        self.network.graph.in_place_at(result, operand, Bytes(at));
        Ok(())
    }

    /// Says that an operator has to run before another one, which was added after it.
    fn order(&mut self, before: &str, after: &str) -> PyResult<()> {
        let (first, second) = (self.operator(before)?, self.operator(after)?);
        if second <= first {
            let message = format!("'{before}' cannot come before '{after}', which was not added after it");
            return Err(GraphError::new_err(message));
        }
        self.network.graph.order(first, second);
        Ok(())
    }

    /// Says that host memory must have a tensor at the end.
    fn result(&mut self, tensor: &Tensor) -> PyResult<()> {
        let id = self.id(tensor)?;
        self.network.graph.result(id);
        Ok(())
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.network.name
    }

    /// Its tensors, in the order in which they were added.
    #[getter]
    fn tensors(&self) -> Vec<Tensor> {
        self.tensors.clone()
    }

    /// The names of its operators, in the order in which they were added.
    #[getter]
    fn operators(&self) -> Vec<String> {
        self.operators.clone()
    }

    /// The problem of planning it for a scratchpad, in COSMA's text form.
    #[pyo3(signature = (scratchpad, *, alignment = 64, weights = "resident"))]
    fn problem(
        &self,
        py: Python<'_>,
        scratchpad: &Bound<'_, PyAny>,
        alignment: u64,
        weights: &str,
    ) -> PyResult<String> {
        let request = Request {
            alignment: Bytes(alignment),
            weights: self::weights(weights)?,
            ..Request::for_scratchpad(size(scratchpad, "scratchpad")?)
        };
        request.problem(&self.network).map(|it| it.to_string()).map_err(|error| raise(py, error))
    }

    fn __repr__(&self) -> String {
        let (n_operators, n_tensors) = (self.operators.len(), self.tensors.len());
        format!("<Graph '{}' with {n_operators} operators and {n_tensors} tensors>", self.network.name)
    }
}
