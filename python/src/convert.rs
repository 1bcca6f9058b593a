//! Arguments from Python: sizes with units, and words.

use cosma_planner::{Bytes, Keep, Objective, Order, Size, Solver, Weights};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::time::Duration;

/// What sizes and addresses are less than, so that sums of a few of them can be counted.
pub(crate) const MOST: u64 = 1 << 62;

/// A size: a number of bytes, or a text such as `512KiB`. `what` is its name in errors.
pub(crate) fn size(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Bytes> {
    if let Ok(text) = value.extract::<String>() {
        let size = text.trim().parse::<Size>().map_err(|error| PyValueError::new_err(format!("{what}: {error}")))?;
        return if size.0.0 < MOST { Ok(size.0) } else { Err(too_large(what, &text)) };
    }
    // What is a whole number says so, in other libraries too.
    let whole = value.call_method0("__index__").map_err(|_| {
        PyTypeError::new_err(format!("{what} is {}, not a number of bytes or a text such as '512KiB'", named(value)))
    })?;
    let number = whole.extract::<i128>().map_err(|_| too_large(what, &whole.to_string()))?;
    match u64::try_from(number) {
        Ok(bytes) if bytes < MOST => Ok(Bytes(bytes)),
        Ok(_) => Err(too_large(what, &number.to_string())),
        Err(_) if number < 0 => Err(PyValueError::new_err(format!("{what} is {number}, and cannot be negative"))),
        Err(_) => Err(too_large(what, &number.to_string())),
    }
}

fn too_large(what: &str, text: &str) -> PyErr {
    PyValueError::new_err(format!("{what} is {text}, which is too large: it is less than 2^62"))
}

/// The name of a value's type, for errors.
pub(crate) fn named(value: &Bound<'_, PyAny>) -> String {
    let name = value.get_type().name().map(|it| it.to_string());
    name.map_or_else(|_| "an object".into(), |it| format!("of type {it}"))
}

/// Seconds as a duration.
pub(crate) fn seconds(seconds: f64, what: &str) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err(format!("{what} is {seconds}: it is a number of seconds, at least 0")))
}

/// How weights reach their operators, as a word.
pub(crate) fn weights(word: &str) -> PyResult<Weights> {
    match word {
        "resident" => Ok(Weights::Resident),
        "streamed" => Ok(Weights::Streamed),
        "auto" => Ok(Weights::Auto),
        _ => Err(no_such("weights", word, "'resident', 'streamed' and 'auto'")),
    }
}

/// Whether weights stay from run to run, as a word.
pub(crate) fn keep(word: &str) -> PyResult<Keep> {
    match word {
        "none" => Ok(Keep::Never),
        "auto" => Ok(Keep::Auto),
        _ => Err(no_such("keep", word, "'none' and 'auto'")),
    }
}

/// Whether operators are split into tiles, as a word.
pub(crate) fn tiles(word: &str) -> PyResult<bool> {
    match word {
        "none" => Ok(false),
        "auto" => Ok(true),
        _ => Err(no_such("tiles", word, "'none' and 'auto'")),
    }
}

/// What is minimised, as a word.
pub(crate) fn objective(word: &str) -> PyResult<Objective> {
    match word {
        "traffic" => Ok(Objective::Traffic),
        "latency" => Ok(Objective::Latency),
        _ => Err(no_such("objective", word, "'traffic' and 'latency'")),
    }
}

/// Which orders are allowed, as a word.
pub(crate) fn order(word: &str) -> PyResult<Order> {
    match word {
        "free" => Ok(Order::Free),
        "source" => Ok(Order::Source),
        _ => Err(no_such("order", word, "'free' and 'source'")),
    }
}

/// A solver, as a word.
pub(crate) fn solver(word: &str) -> PyResult<Solver> {
    match word {
        "auto" => Ok(Solver::Auto),
        "search" => Ok(Solver::Search),
        "ilp" => Ok(Solver::Ilp),
        "greedy" => Ok(Solver::Greedy),
        _ => Err(no_such("solver", word, "'auto', 'search', 'ilp' and 'greedy'")),
    }
}

fn no_such(what: &str, word: &str, all: &str) -> PyErr {
    PyValueError::new_err(format!("{what} is '{word}': there are {all}"))
}
