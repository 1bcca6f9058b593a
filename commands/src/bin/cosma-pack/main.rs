//! `cosma-pack`: reads intervals as CSV, assigns offsets, and writes them back.

mod arguments;
mod table;

use arguments::Arguments;
use cosma::Bytes;
use cosma_commands::command::say;
use cosma_commands::input::read;
use cosma_commands::output::Output;
use cosma_planner::Deadline;
use cosma_planner::pack::{self, Conflict, Interval, Lowest, Packing};
use std::process::ExitCode;
use std::time::Duration;
use table::Table;

/// How long it may look for a reason after the time limit.
const GRACE: Duration = Duration::from_millis(500);

/// Why there is no packing, which decides the exit code.
enum Failure {
    /// The input is invalid or proven infeasible: exit code 1.
    Input(String),
    /// Usage error: exit code 2.
    Call(String),
    /// The time limit was reached before a decision: exit code 3.
    Undecided(String),
}

fn main() -> ExitCode {
    // On wrong flags, clap prints an error and exits with 2.
    let arguments = cosma_commands::command::parse::<Arguments>();
    let (code, message) = match run(&arguments) {
        Ok(message) => (0, message),
        Err(Failure::Input(message)) => (1, message),
        Err(Failure::Call(message)) => (2, format!("error: {message}")),
        Err(Failure::Undecided(message)) => (3, message),
    };
    say(&message);
    ExitCode::from(code)
}

fn run(arguments: &Arguments) -> Result<String, Failure> {
    let name = if arguments.input == "-" { "<stdin>" } else { &arguments.input };
    let text = read(&arguments.input).map_err(|error| Failure::Call(format!("cannot read {name}: {error}")))?;
    let table = Table::parse(&text).map_err(|error| Failure::Input(format!("{name}:{error}")))?;
    for warning in &table.warnings {
        say(&format!("{name}:{warning}"));
    }
    if let Some(at) = pack::first_beyond_count(&table.intervals, arguments.alignment()) {
        return Err(Failure::Input(format!("{name}:{}", table.too_large(at))));
    }
    let deadline = arguments.deadline();
    let (offsets, message) = match arguments.capacity() {
        Some(capacity) => within(arguments, name, &table, capacity, deadline)?,
        None => lowest(arguments, name, &table, deadline)?,
    };
    let output = Output::prepare(&arguments.output, table.with_offsets(&offsets).as_bytes());
    output
        .and_then(Output::put)
        .map_err(|error| Failure::Call(format!("cannot write {}: {error}", arguments.output.display())))?;
    Ok(format!("{name}: {message}"))
}

/// Packs within a capacity, and returns the offsets and a message.
fn within(
    arguments: &Arguments,
    name: &str,
    table: &Table,
    capacity: Bytes,
    deadline: Deadline,
) -> Result<(Vec<Bytes>, String), Failure> {
    let (intervals, alignment) = (&table.intervals, arguments.alignment());
    match pack::pack(intervals, capacity, alignment, deadline) {
        Packing::Placed(offsets) => {
            let height = height(intervals, &offsets);
            Ok((offsets, format!("placed: {} intervals, height {height} B of {capacity} B", intervals.len())))
        }
        Packing::Infeasible => {
            let conflict = pack::conflict(intervals, capacity, alignment, with_grace(deadline));
            let limit = format!("within {capacity} B");
            Err(Failure::Input(format!("{name}: {}", infeasible(table, conflict, &limit))))
        }
        Packing::Undecided => {
            let bound = pack::load(intervals, alignment);
            let best = match pack::pack_lowest(intervals, alignment, Deadline::after(Duration::ZERO)) {
                Lowest::Placed(packing) => format!("the best packing found needs {} B", packing.height),
                Lowest::Infeasible | Lowest::Undecided => "no packing was found".into(),
            };
            Err(Failure::Undecided(format!(
                "{name}: not decided in time: {best}, the capacity is {capacity} B, and no packing needs less than {bound} B"
            )))
        }
    }
}

/// The time that is left to find out why there is no packing: half a second at least.
fn with_grace(deadline: Deadline<'_>) -> Deadline<'_> {
    match deadline.left() {
        Some(left) if left < GRACE => Deadline::after(GRACE),
        _ => deadline,
    }
}

/// Packs as low as possible, and returns the offsets and a message.
fn lowest(
    arguments: &Arguments,
    name: &str,
    table: &Table,
    deadline: Deadline,
) -> Result<(Vec<Bytes>, String), Failure> {
    let (intervals, alignment) = (&table.intervals, arguments.alignment());
    match pack::pack_lowest(intervals, alignment, deadline) {
        Lowest::Placed(packing) => {
            let (height, bound) = (packing.height, packing.lower_bound);
            let proof = if height == bound { "proven minimal" } else { "not proven minimal" };
            Ok((
                packing.offsets,
                format!("placed: {} intervals, height {height} B, lower bound {bound} B: {proof}", intervals.len()),
            ))
        }
        Lowest::Infeasible => {
            let conflict = pack::conflict(intervals, Bytes(u64::MAX), alignment, with_grace(deadline));
            let message = infeasible(table, conflict, "at any height");
            Err(Failure::Input(format!("{name}: {message}")))
        }
        Lowest::Undecided => Err(Failure::Undecided(format!(
            "{name}: not decided in time: no packing was found, and none needs less than {} B",
            pack::load(intervals, alignment)
        ))),
    }
}

fn height(intervals: &[Interval], offsets: &[Bytes]) -> Bytes {
    let ends = intervals.iter().zip(offsets).filter(|it| !it.0.is_empty()).map(|it| it.0.size + *it.1);
    ends.max().unwrap_or(Bytes::ZERO)
}

/// The message that there is no packing, with the intervals that prove it.
fn infeasible(table: &Table, conflict: Option<Conflict>, limit: &str) -> String {
    let Some(conflict) = conflict else {
        return format!("infeasible: there is no packing {limit}; the reason was not found in time");
    };
    let all = table.intervals.len();
    let mut text = match (conflict.intervals.len(), conflict.irreducible) {
        (1, _) => format!("infeasible: there is no packing {limit}: 1 of {all} intervals does not fit even alone:"),
        (count, true) => format!(
            "infeasible: there is no packing {limit}: {count} of {all} intervals cannot be packed together, \
             but can without any one of them:"
        ),
        (count, false) => format!(
            "infeasible: there is no packing {limit}: {count} of {all} intervals cannot be packed together \
             (time ran out before a minimal set was found):"
        ),
    };
    for at in conflict.intervals {
        text += &format!("\n  {}", table.describe(at));
    }
    text
}
