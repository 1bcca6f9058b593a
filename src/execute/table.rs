//! A comparison as a table.

use super::{Comparison, LinkTraffic};
use std::fmt::Write;

/// Formats a comparison: outputs, bytes moved and planned, memory, time and faults.
pub fn table(comparison: &Comparison) -> String {
    let Comparison { function, outputs, elements, nans, moved, .. } = comparison;
    let verdict = if comparison.faults().is_empty() { "all right" } else { "wrong" };
    let mut text = format!("@{function}: {verdict}\n");
    let same = match &comparison.difference {
        None => "the same bit for bit",
        Some(_) => "not the same",
    };
    let mut line = |line: String| writeln!(text, "  {line}").expect("text takes any line");
    line(format!("{outputs} outputs, {elements} elements: {same}"));
    if 0 < *nans {
        line(format!("{nans} elements are NaN, which proves little"));
    }
    line(format!("{:14} {:>14} {:>14}", "bytes", "moved", "planned"));
    let planned = comparison.report.as_ref().filter(|it| !it.moves_nothing()).map(|it| &it.traffic);
    // Where weights may be kept, to load one that is not is called a load, but is no compulsory traffic.
    let by_name = planned.filter(|_| comparison.report.as_ref().is_some_and(|it| it.keep.is_none()));
    let rows = [
        ("load", moved.load, None),
        ("store", moved.store, None),
        ("compulsory", moved.compulsory(), by_name.map(|it| it.compulsory)),
        ("reload", moved.reload, None),
        ("spill", moved.spill, None),
        ("non-compulsory", moved.non_compulsory(), by_name.map(|it| it.non_compulsory)),
        ("total", moved.total(), planned.map(|it| it.total)),
    ];
    for (what, moved, planned) in rows {
        let planned = planned.map(|it| it.to_string()).unwrap_or_default();
        line(format!("{what:14} {moved:>14} {planned:>14}").trim_end().into());
    }
    for LinkTraffic { from, to, moved, planned } in &comparison.links {
        let planned = planned.map(|it| it.to_string()).unwrap_or_default();
        line(format!("{:14} {moved:>14} {planned:>14}", format!("{from} to {to}")).trim_end().into());
    }
    if let Some(prologue) = comparison.prologue {
        line(format!("{:14} {prologue:>14}", "once before"));
    }
    if let (Some(arena), Some(touched)) = (comparison.arena, comparison.touched) {
        line(format!("scratchpad {arena} B, the first {touched} B of it used"));
    }
    let (source, planned) = (comparison.source_seconds, comparison.planned_seconds);
    line(format!("seconds: source {source:.6}, planned {planned:.6}"));
    for fault in comparison.faults() {
        line(format!("error: {fault}"));
    }
    text
}
