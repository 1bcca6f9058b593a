//! Machines: by name, of a file, of text, and of two rates.

use crate::convert::named;
use cosma_planner::preset::{self, MachineFile};
use cosma_planner::time::{Clock, Ratio};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::path::PathBuf;

/// What is known of a machine: the size of its scratchpad, its alignment, how weights reach operators, and a clock. What
/// it does not say is for arguments of :func:`plan` to say, which count before it.
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
        Machine::of(file, name)
    }

    /// The names of the machines that come with COSMA.
    #[staticmethod]
    fn names() -> Vec<&'static str> {
        preset::names().collect()
    }

    /// A machine of the lines that a file has: ``machine``, ``channel``, ``link`` and ``compute``.
    #[staticmethod]
    #[pyo3(signature = (text, name = "machine"))]
    fn from_text(text: &str, name: &str) -> PyResult<Machine> {
        let file = text.parse().map_err(|error| PyValueError::new_err(format!("{error}")))?;
        Machine::of(file, name.into())
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

    /// Its name, or the file that it is of.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The size of its scratchpad in bytes; None if that is not said.
    #[getter]
    fn scratchpad(&self) -> Option<u64> {
        self.file.scratchpad.map(|it| it.0)
    }

    /// The alignment of all addresses in bytes; None if that is not said.
    #[getter]
    fn alignment(&self) -> Option<u64> {
        self.file.alignment.map(|it| it.0)
    }

    /// How weights reach their operators; None if that is not said.
    #[getter]
    fn weights(&self) -> Option<&'static str> {
        self.file.weights.map(|it| it.name())
    }

    /// Whether transfers and operators have times, so that plans have them.
    #[getter]
    fn has_clock(&self) -> bool {
        self.file.clock.is_some()
    }

    fn __repr__(&self) -> String {
        let size = self.file.scratchpad.map_or(String::new(), |it| format!(", scratchpad {it} B"));
        let clock = if self.has_clock() { ", with a clock" } else { "" };
        format!("<Machine '{}'{size}{clock}>", self.name)
    }
}

impl Machine {
    /// One with several memories is refused: plans of this module are for one scratchpad.
    fn of(file: MachineFile, name: String) -> PyResult<Machine> {
        match file.memories {
            Some(_) => {
                let message = format!("{name} has several memories, for which cosma-opt plans, but not this module");
                Err(PyValueError::new_err(message))
            }
            None => Ok(Machine { file, name }),
        }
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
