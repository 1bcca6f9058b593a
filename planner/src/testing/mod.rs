//! What tests, fuzz targets and benchmarks share: random problems, programs as text, and oracles
//! that are too slow or too simple for anything else.

mod program;

pub use program::parse_program;
