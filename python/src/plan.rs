//! Plans, and sweeps over many of them.

use crate::attend::attend;
use crate::convert::{keep, objective, order, seconds, size, solver, tiles, weights};
use crate::error::raise;
use crate::graph::Graph;
use crate::machine::Machine;
use cosma_model::{Planned, Request, Scratchpads};
use cosma_planner::{Bytes, Options};
use cosma_show::{Exhibit, larger_scratchpads};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::sync::atomic::Ordering;

/// A plan, as the package `cosma` wraps it.
#[pyclass(frozen, name = "RawPlan", module = "cosma._cosma")]
pub struct RawPlan(Planned);

/// How to plan, from the words of Python.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Effort {
    machine: Option<Machine>,
    alignment: Option<u64>,
    weights: Option<String>,
    keep: String,
    /// From each address to the one after the last.
    reserved: Vec<(Py<PyAny>, Py<PyAny>)>,
    order: String,
    solver: String,
    objective: String,
    overlap: bool,
    tiles: String,
    time_limit: f64,
}

impl Effort {
    fn request(&self, py: Python<'_>, scratchpad: Bytes) -> PyResult<Request> {
        let machine = self.machine.as_ref().map(|it| it.file.clone()).unwrap_or_default();
        let address = |it: &Py<PyAny>| size(it.bind(py), "an address");
        let reserved = self.reserved.iter().map(|(start, end)| Ok(address(start)?..address(end)?));
        let usual = match machine.memories {
            Some(memories) => Request::for_machine(match self.alignment {
                Some(alignment) => memories.with_alignment(Bytes(alignment)),
                None => memories,
            }),
            None => Request { clock: machine.clock, ..Request::for_scratchpad(scratchpad) },
        };
        Ok(Request {
            scratchpad,
            alignment: self.alignment.map(Bytes).or(machine.alignment).unwrap_or(usual.alignment),
            weights: match &self.weights {
                Some(word) => weights(word)?,
                None => machine.weights.unwrap_or_default(),
            },
            keep: keep(&self.keep)?,
            reserved: reserved.collect::<PyResult<_>>()?,
            overlaps: self.overlap,
            tiles: tiles(&self.tiles)?,
            options: Options {
                solver: solver(&self.solver)?,
                order: order(&self.order)?,
                objective: objective(&self.objective)?,
                time_limit: seconds(self.time_limit, "time_limit")?,
                ..Options::default()
            },
            ..usual
        })
    }

    /// The scratchpad that is given, or else that of the machine.
    fn scratchpad(&self, given: Option<&Bound<'_, PyAny>>) -> PyResult<Bytes> {
        match (given, self.machine.as_ref().and_then(Machine::scratchpad)) {
            (Some(given), _) => size(given, "scratchpad"),
            (None, Some(known)) => Ok(Bytes(known)),
            (None, None) => {
                let why = "the size of the scratchpad is not known: give scratchpad=, or a machine= that says it";
                Err(PyTypeError::new_err(why))
            }
        }
    }
}

/// Plans a graph.
#[pyfunction]
#[pyo3(signature = (graph, scratchpad, effort, progress))]
pub fn plan(
    py: Python<'_>,
    graph: &Bound<'_, Graph>,
    scratchpad: Option<&Bound<'_, PyAny>>,
    effort: Effort,
    progress: Option<Py<PyAny>>,
) -> PyResult<RawPlan> {
    let request = effort.request(py, effort.scratchpad(scratchpad)?)?;
    // Others may add to the graph meanwhile.
    let network = graph.borrow().network.clone();
    let planned = attend(py, progress.as_ref(), |desk| {
        cosma_model::plan(&network, &request, &|it| desk.watch(request.scratchpad.0, it))
    })?;
    planned.map(RawPlan).map_err(|error| raise(py, error))
}

/// Plans a graph for many scratchpads, either these or so many from the smallest to the peak; gives JSON.
#[pyfunction]
pub fn sweep(
    py: Python<'_>,
    graph: &Bound<'_, Graph>,
    scratchpads: Option<Vec<Bound<'_, PyAny>>>,
    steps: u32,
    effort: Effort,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let request = effort.request(py, Bytes::ZERO)?;
    let scratchpads = match scratchpads {
        Some(sizes) => Scratchpads::Sizes(sizes.iter().map(|it| size(it, "scratchpad")).collect::<PyResult<_>>()?),
        None => Scratchpads::Steps(steps),
    };
    let network = graph.borrow().network.clone();
    let swept = attend(py, progress.as_ref(), |desk| {
        cosma_model::sweep(&network, &request, &scratchpads, &|size, it| desk.watch(size.0, it))
    })?;
    json(&swept.map_err(|error| raise(py, error))?)
}

fn json(value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| PyRuntimeError::new_err(error.to_string()))
}

#[pymethods]
impl RawPlan {
    /// The report as JSON.
    fn report(&self) -> PyResult<String> {
        json(&self.0.report())
    }

    /// The program as JSON.
    fn program(&self) -> PyResult<String> {
        json(&self.0.program())
    }

    /// The residencies in the scratchpad, or in another memory, as JSON.
    #[pyo3(signature = (memory = None))]
    fn residencies(&self, py: Python<'_>, memory: Option<&str>) -> PyResult<String> {
        match memory {
            None => json(&self.0.residencies()),
            Some(memory) => json(&self.0.residencies_in(memory).map_err(|error| raise(py, error))?),
        }
    }

    /// The tiles as JSON.
    fn tiles(&self) -> PyResult<String> {
        json(&self.0.tiles())
    }

    /// Why operators could not be split, if they were to be; None if they could.
    fn obstacle(&self) -> Option<String> {
        self.0.tiles.as_ref().and_then(|it| it.obstacle.clone())
    }

    /// The names of the machine's memories: home, the scratchpad, and then all others.
    fn memories(&self) -> Vec<String> {
        self.0.exhibit.problem.machine.memories().iter().map(|it| it.name.clone()).collect()
    }

    /// The program as text, by the names of the problem; first what is kept, which is loaded once.
    fn program_text(&self) -> String {
        let exhibit = &self.0.exhibit;
        let (prologue, run) = exhibit.actions.split_at(exhibit.n_prologue);
        let kept = cosma_planner::program_text(&exhibit.problem, prologue);
        let kept = kept.iter().map(|it| it.replacen("load ", "keep ", 1));
        kept.chain(cosma_planner::program_text(&exhibit.problem, run)).collect::<Vec<_>>().join("\n")
    }

    /// The problem as text.
    fn problem(&self) -> String {
        self.0.exhibit.problem.to_string()
    }

    /// The plan in words. What larger scratchpads would save is looked for so many seconds, if any are given.
    fn explain(&self, py: Python<'_>, larger: Option<f64>) -> PyResult<String> {
        self.moving("explain")?;
        let Planned { request, exhibit, .. } = &self.0;
        let larger = match larger {
            None => None,
            Some(limit) => {
                let options = Options { time_limit: seconds(limit, "time_limit")?, ..request.options };
                let seen = exhibit.seen_from_scratchpad();
                Some(attend(py, None, |desk| {
                    let is_stopped = || desk.stop.load(Ordering::Relaxed);
                    larger_scratchpads(&seen.problem, seen.traffic().non_compulsory, &options, &is_stopped)
                })?)
            }
        };
        Ok(cosma_show::explain(exhibit, Some(request.options.order), larger.as_ref()))
    }

    /// When each line runs, as SVG: the compute engine and the channels.
    fn time_chart(&self) -> PyResult<String> {
        let exhibit = self.moving("time_chart")?;
        Ok(cosma_show::time_chart(&[(&exhibit.function, exhibit)]))
    }

    /// The memory map as SVG.
    fn svg(&self) -> PyResult<String> {
        Ok(cosma_show::memory_map(&self.moving("memory_map")?.seen_from_scratchpad()))
    }

    /// The memory map as an interactive page.
    fn html(&self) -> PyResult<String> {
        Ok(cosma_show::page(&[self.moving("memory_map")?.seen_from_scratchpad()]))
    }

    /// The program as a trace in Chrome's format.
    fn trace(&self) -> PyResult<String> {
        Ok(cosma_show::trace(&[self.moving("trace")?.seen_from_scratchpad()]))
    }

    /// The operators and what flows between them, in the language of Graphviz.
    fn dot(&self) -> PyResult<String> {
        Ok(cosma_show::dot(&self.moving("dot")?.seen_from_scratchpad()))
    }
}

impl RawPlan {
    /// The program, if tensors move in it, for a view that is about how they do.
    fn moving(&self, view: &str) -> PyResult<&Exhibit> {
        match self.0.placement {
            None => Ok(&self.0.exhibit),
            Some(_) => Err(PyValueError::new_err(format!(
                "{view}() is about what moves, and on this machine nothing does: residencies_in() says where all lies"
            ))),
        }
    }
}
