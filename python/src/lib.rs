//! COSMA's planner as the Python module `cosma._cosma`, which the package `cosma` in `python/cosma` wraps.
//!
//! What is easier to read in Python is there: dataclasses of records, tables, what a notebook shows. Here is what takes
//! the planner: graphs (`graph.rs`), machines (`machine.rs`), plans (`plan.rs`) and packing (`pack.rs`); `attend.rs` lets go of the interpreter
//! while they are looked for, and listens to Ctrl-C and to a callback.

mod attend;
mod convert;
mod error;
mod graph;
mod machine;
mod pack;
mod plan;

/// The planner behind the package `cosma`.
#[pyo3::pymodule(gil_used = false)]
mod _cosma {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::attend::Progress;
    #[pymodule_export]
    use crate::error::{Error, GraphError, Infeasible, ModelError, ScratchpadTooSmall, Undecided};
    #[pymodule_export]
    use crate::graph::{Graph, Tensor};
    #[pymodule_export]
    use crate::machine::Machine;
    #[pymodule_export]
    use crate::pack::pack;
    #[pymodule_export]
    use crate::plan::{RawPlan, plan, sweep};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("has_ilp", cfg!(feature = "ilp"))
    }
}
