//! What came of a program that was run beside its source.

use crate::FunctionReport;
use cosma_ir::execute::{Buffer, Moved};
use serde::Serialize;
use std::fmt;

/// Where results first differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which result of the function.
    pub output: usize,
    /// Which element of it, along each dimension.
    pub index: Vec<u64>,
    /// What the source makes of it.
    pub source: String,
    /// What was planned makes of it.
    pub planned: String,
    /// How many elements of this result differ.
    pub elements: usize,
}

/// What came of one function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Without `@`.
    pub function: String,
    /// The plan; none if there is nothing to plan.
    #[serde(skip)]
    pub report: Option<FunctionReport>,
    /// Results that were compared.
    pub outputs: usize,
    /// Elements of all of them.
    pub elements: usize,
    /// How many of these are no numbers, which say little: what is computed from one is one.
    pub nans: usize,
    /// Where results first differ.
    pub difference: Option<Difference>,
    /// What transfers moved, in bytes.
    #[serde(serialize_with = "moved")]
    pub moved: Moved,
    /// Bytes of the scratchpad; none if the program needs none.
    pub arena: Option<u64>,
    /// The bytes from its beginning on that were written to.
    pub touched: Option<u64>,
    /// What else went wrong: memory that was misused, arguments that were changed.
    pub misuse: Vec<String>,
    /// What the source took, in seconds.
    pub source_seconds: f64,
    /// What the planned program took, in seconds.
    pub planned_seconds: f64,
}

fn moved<S: serde::Serializer>(moved: &Moved, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Kinds {
        load: u64,
        reload: u64,
        spill: u64,
        store: u64,
    }
    let Moved { load, reload, spill, store } = *moved;
    Kinds { load, reload, spill, store }.serialize(serializer)
}

impl Comparison {
    /// All that is wrong, a sentence each: different results, bytes that the plan does not know, misuse
    /// of memory.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(self.difference.as_ref().map(ToString::to_string));
        if let Some(report) = &self.report {
            let traffic = &report.traffic;
            let counts = [
                ("in all", self.moved.total(), traffic.total),
                ("compulsory", self.moved.compulsory(), traffic.compulsory),
                ("non-compulsory", self.moved.non_compulsory(), traffic.non_compulsory),
            ];
            let wrong = counts.iter().filter(|it| it.1 != it.2);
            faults.extend(
                wrong.map(|(what, moved, planned)| format!("{moved} B were moved {what}, planned {planned} B")),
            );
            if let Some(arena) = self.arena.filter(|it| *it != report.scratchpad) {
                faults.push(format!("the arena has {arena} B, the scratchpad {} B", report.scratchpad));
            }
        } else if self.moved.total() != 0 {
            faults.push(format!("{} B were moved without a plan", self.moved.total()));
        }
        faults.extend(self.misuse.iter().cloned());
        faults
    }
}

/// The first of two lists of results that differ.
pub(super) fn difference(source: &[Buffer], planned: &[Buffer]) -> Option<Difference> {
    source.iter().zip(planned).enumerate().find_map(|(output, (source, planned))| {
        if source == planned {
            return None;
        }
        let element = source.element();
        let differs: Vec<usize> = (0..source.len()).filter(|it| source.bits(*it) != planned.bits(*it)).collect();
        let first = *differs.first()?;
        let mut index = Vec::new();
        let mut rest = first as u64;
        for size in source.shape().iter().rev() {
            index.insert(0, rest % size);
            rest /= size;
        }
        Some(Difference {
            output,
            index,
            source: element.show(source.bits(first)),
            planned: element.show(planned.bits(first)),
            elements: differs.len(),
        })
    })
}

/// How many elements are no numbers.
pub(super) fn nans(buffers: &[Buffer]) -> usize {
    let count = |it: &Buffer| (0..it.len()).filter(|at| it.element().is_nan(it.bits(*at))).count();
    buffers.iter().map(count).sum()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { output, index, source, planned, elements } = self;
        write!(f, "result {output} at {index:?} is {planned}, of the source {source}; {elements} elements of it differ")
    }
}
