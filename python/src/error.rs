//! The exceptions of the module, and which error becomes which.

use cosma_import::Error as ImportError;
use pyo3::exceptions::{PyException, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::{PyErr, create_exception};

create_exception!(cosma, Error, PyException, "What COSMA cannot do. All its other exceptions are this one, too.");
create_exception!(
    cosma,
    ModelError,
    Error,
    "A model cannot be read: what is wrong with it, and at which node or value."
);
create_exception!(cosma, GraphError, Error, "A graph contradicts itself, or cannot be planned.");
create_exception!(
    cosma,
    ScratchpadTooSmall,
    Error,
    "An operator needs more at once than the scratchpad has.\n\nAttributes: operator (its name), needed, scratchpad and \
     min_scratchpad, in bytes."
);
create_exception!(
    cosma,
    Infeasible,
    Error,
    "Buffers have no packing, and that is proven.\n\nAttribute: buffers, the indices of buffers that cannot be packed \
     together; empty if which ones was not found in time."
);
create_exception!(
    cosma,
    Undecided,
    Error,
    "The time limit came before a packing or a proof that there is none.\n\nAttribute: lower_bound, the bytes that any \
     packing needs."
);

/// What went wrong, as an exception.
pub(crate) fn raise(py: Python<'_>, error: cosma_model::Error) -> PyErr {
    let text = error.to_string();
    match error {
        cosma_model::Error::Read { path, error } => {
            let path = path.display().to_string();
            match error.raw_os_error() {
                // Python makes a `FileNotFoundError` of it, and the like.
                Some(number) => PyOSError::new_err((number, error.to_string(), path)),
                None => PyOSError::new_err(text),
            }
        }
        cosma_model::Error::Option(text) => PyValueError::new_err(text),
        cosma_model::Error::Model(error) => model_error(py, &error),
        cosma_model::Error::Planner(cosma_planner::Error::Solver(_)) => Error::new_err(text),
        cosma_model::Error::Graph(_) | cosma_model::Error::Planner(_) => GraphError::new_err(text),
        cosma_model::Error::ScratchpadTooSmall { operator, needed, scratchpad, min_scratchpad } => {
            let raised = ScratchpadTooSmall::new_err(text);
            let value = raised.value(py);
            let numbers = [("needed", needed), ("scratchpad", scratchpad), ("min_scratchpad", min_scratchpad)];
            let set = value.setattr("operator", operator);
            let set = numbers.iter().fold(set, |set, (name, bytes)| set.and_then(|()| value.setattr(*name, bytes.0)));
            set.err().unwrap_or(raised)
        }
        cosma_model::Error::Judge(_) => PyRuntimeError::new_err(text),
    }
}

/// An error of the importer, which speaks of flags, in the words of Python.
fn model_error(py: Python<'_>, error: &ImportError) -> PyErr {
    let (text, dimensions, node) = match error {
        ImportError::Dimensions(names) => {
            let sizes: Vec<String> = names.iter().map(|it| format!("'{it}': SIZE")).collect();
            let what = if names.len() == 1 { "a dimension" } else { "some dimensions" };
            let text = format!("the size of {what} is not known: give dimensions={{{}}}", sizes.join(", "));
            (text, names.clone(), None)
        }
        ImportError::Node { node, .. } => (error.to_string(), Vec::new(), Some(node.clone())),
        _ => (error.to_string(), Vec::new(), None),
    };
    let raised = ModelError::new_err(text);
    let value = raised.value(py);
    let set = value.setattr("dimensions", dimensions).and_then(|()| value.setattr("node", node));
    set.err().unwrap_or(raised)
}
