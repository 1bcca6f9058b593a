//! Machines: by name, of a file, of text, and of two rates.

use crate::convert::named;
use cosma_model::Request;
use cosma_planner as planner;
use cosma_planner::preset::{self, MachineFile};
use cosma_planner::time::{Clock, Ratio};
use cosma_planner::{Bytes, Moves};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::path::PathBuf;

/// What is known of a machine: the size of its scratchpad, its alignment, how weights reach operators, and a clock; or all of
/// its memories and the links between them. What it does not say is for arguments of :func:`plan` to say, which count before
/// it.
///
/// ``Machine("ethos-u65-high-end")`` is one that comes with COSMA, see :meth:`names`; ``Machine("chip.txt")`` one of a
/// file with a machine's lines, and ``Machine("vela.ini,SYSTEM,MEMORY,ACCELERATOR")`` one of a configuration file of Vela.
#[pyclass(frozen, from_py_object, module = "cosma")]
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) file: MachineFile,
    name: String,
}

#[pymethods]
impl Machine {
    #[new]
    fn new(name: &Bound<'_, PyAny>) -> PyResult<Machine> {
        let path: PathBuf = name.extract().map_err(|_| {
            PyTypeError::new_err(format!("the machine is {}, not a name or the path of a file", named(name)))
        })?;
        let name = path.display().to_string();
        let file = preset::read(&name).map_err(PyValueError::new_err)?;
        Ok(Machine { file, name })
    }

    /// The names of the machines that come with COSMA.
    #[staticmethod]
    fn names() -> Vec<&'static str> {
        preset::names().collect()
    }

    /// A machine of the lines that a file has: ``machine``, or ``memory`` for each of several, ``channel``, ``link`` and
    /// ``compute``.
    #[staticmethod]
    #[pyo3(signature = (text, name = "machine"))]
    fn from_text(text: &str, name: &str) -> PyResult<Machine> {
        let file = text.parse().map_err(|error| PyValueError::new_err(format!("{error}")))?;
        Ok(Machine { file, name: name.into() })
    }

    /// A machine with a clock of two rates: bytes per cycle of transfers, each way on a channel of its own that runs
    /// beside operators, and cycles per multiply-accumulate. Rates are numbers, ``fractions.Fraction`` or texts such as
    /// ``"15/4"``.
    #[staticmethod]
    fn from_rates(dma_bytes_per_cycle: &Bound<'_, PyAny>, cycles_per_mac: &Bound<'_, PyAny>) -> PyResult<Machine> {
        let rate = ratio(dma_bytes_per_cycle, "dma_bytes_per_cycle")?;
        let clock = Clock::each_way(rate, ratio(cycles_per_mac, "cycles_per_mac")?);
        Ok(Machine { file: MachineFile { clock: Some(clock), ..MachineFile::default() }, name: "rates".into() })
    }

    /// The same machine, on which nothing moves, as for runtimes without DMA: each tensor has one place for good, in any of
    /// its memories, and operators read and write there. The price of a link to or from the scratchpad is then what each byte
    /// costs that is read or written at its other end.
    fn without_moves(&self) -> PyResult<Machine> {
        let machine = self.machine().ok_or_else(|| {
            PyValueError::new_err(format!("'{}' does not say the size of its scratchpad, nor any memory", self.name))
        })?;
        let machine = machine.without_moves().map_err(|error| PyValueError::new_err(error.to_string()))?;
        let file = MachineFile { memories: Some(machine), ..MachineFile::default() };
        Ok(Machine { file, name: self.name.clone() })
    }

    /// Its name, or the file that it is of.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The size of its scratchpad in bytes; None if that is not said.
    #[getter]
    pub(crate) fn scratchpad(&self) -> Option<u64> {
        let said = self.file.scratchpad;
        said.or(self.file.memories.as_ref().map(|it| it.scratchpad())).map(|it| it.0)
    }

    /// The alignment of all addresses in the scratchpad in bytes; None if that is not said.
    #[getter]
    fn alignment(&self) -> Option<u64> {
        let said = self.file.alignment;
        said.or(self.file.memories.as_ref().map(|it| it.alignment())).map(|it| it.0)
    }

    /// The names of its memories: home, the scratchpad, and then all others.
    #[getter]
    fn memories(&self) -> Vec<String> {
        let usual = planner::Machine::with_host(Bytes::ZERO, Bytes(1));
        let machine = self.file.memories.as_ref().unwrap_or(&usual);
        machine.memories().iter().map(|it| it.name.clone()).collect()
    }

    /// Whether tensors move from memory to memory; if not, each has one place for good.
    #[getter]
    fn moves(&self) -> bool {
        self.file.memories.as_ref().is_none_or(|it| it.moves() != Moves::None)
    }

    /// How weights reach their operators; None if that is not said.
    #[getter]
    fn weights(&self) -> Option<&'static str> {
        self.file.weights.map(|it| it.name())
    }

    /// Whether transfers and operators have times, so that plans have them.
    #[getter]
    fn has_clock(&self) -> bool {
        self.file.clock.is_some() || self.file.memories.as_ref().is_some_and(|it| it.clock().is_some())
    }

    fn __repr__(&self) -> String {
        let size = self.scratchpad().map_or(String::new(), |it| format!(", scratchpad {it} B"));
        let memories = match &self.file.memories {
            Some(_) => format!(", memories {}", self.memories().join(", ")),
            None => String::new(),
        };
        let clock = if self.has_clock() { ", with a clock" } else { "" };
        let moves = if self.moves() { "" } else { ", nothing moves" };
        format!("<Machine '{}'{size}{memories}{clock}{moves}>", self.name)
    }
}

impl Machine {
    /// All of it, if it says as much.
    fn machine(&self) -> Option<planner::Machine> {
        let usual = |size| planner::Machine::with_host(size, Request::ALIGNMENT);
        let machine = self.file.memories.clone().or_else(|| self.file.scratchpad.map(usual))?;
        self.file.join(&machine).ok()
    }
}

/// A ratio above zero, from what Python writes it as.
fn ratio(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Ratio> {
    let text = value.str()?.to_string();
    match text.trim().parse::<Ratio>() {
        Ok(ratio) if ratio.is_zero() => Err(PyValueError::new_err(format!("{what} is {text}: it must be above zero"))),
        Ok(ratio) => Ok(ratio),
        Err(error) => Err(PyValueError::new_err(format!("{what} is {text}: {error}"))),
    }
}
