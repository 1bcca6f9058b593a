//! The state file: results of this and earlier runs, so that an interrupted sweep can be resumed.
//!
//! Each line is the traffic of one plan, appended when it is known and never changed. It contains a hash of
//! the problem and the options, so one file can serve many networks. Only the last line can be incomplete,
//! if a run was killed while writing it; it is dropped.

use crate::run::Found;
use crate::series::Series;
use cosma::{Bytes, Solver};
use cosma_passes::{SolverName, order_name, solver_name, weights_name};
use fnv::FnvHasher;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::hash::Hasher;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

/// The beginning of every line, which identifies the format.
const BEGINNING: &str = r#"{"sweep":1,"#;

#[derive(Serialize, Deserialize)]
struct Line {
    /// The version of the format.
    sweep: u32,
    /// A hash of network, machine without scratchpad, options and version of COSMA.
    problem: String,
    /// In the hash as well; here for readers, like the two after it.
    weights: String,
    order: String,
    solver: String,
    time_limit: f64,
    scratchpad: u64,
    non_compulsory: u64,
    lower_bound: u64,
    /// The solver that made the plan.
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tiles: Option<u64>,
    seconds: f64,
}

/// An open state file with its lines by key and scratchpad.
pub struct State {
    file: File,
    lines: HashMap<(String, u64), Vec<Line>>,
}

/// The hash that identifies a series in a state file.
pub struct Key(String);

impl Key {
    /// The key of a series, which does not depend on scratchpad and time limit.
    pub fn of(series: &Series) -> Key {
        let mut hasher = FnvHasher::default();
        let (order, solver) = (order_name(series.order), solver_name(series.solver));
        hasher.write(format!("{} {order} {solver}\n", env!("CARGO_PKG_VERSION")).as_bytes());
        // Machine, tensors and operators.
        hasher.write(series.problem().to_string().as_bytes());
        if let Some(network) = &series.network {
            hasher.write(format!("{:?} {:?}", network.shapes, network.operators).as_bytes());
        }
        Key(format!("{:016x}", hasher.finish()))
    }
}

impl State {
    /// Opens or creates a file. Returns a warning if an incomplete line was dropped.
    ///
    /// # Errors
    /// A message if the file cannot be read or written, is in use by another run, or has another format.
    pub fn open(path: &Path) -> Result<(State, Option<String>), String> {
        let name = path.display();
        let cannot = |error: io::Error| format!("cannot open {name}: {error}");
        let options = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = options.map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(format!("another sweep is writing to {name}")),
            // Some file systems do not support locks.
            Err(TryLockError::Error(_)) => {}
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(cannot)?;
        let whole = bytes.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
        let mut lines: HashMap<(String, u64), Vec<Line>> = HashMap::new();
        let foreign = |number: usize| format!("{name}:{number}: not a line of a sweep; choose another file");
        let mut n_lines = 0;
        for line in bytes[..whole].split_inclusive(|it| *it == b'\n') {
            n_lines += 1;
            let line: Line = serde_json::from_slice(line).map_err(|_| foreign(n_lines))?;
            if line.sweep != 1 || line.non_compulsory < line.lower_bound {
                return Err(foreign(n_lines));
            }
            lines.entry((line.problem.clone(), line.scratchpad)).or_default().push(line);
        }
        let rest = &bytes[whole..];
        let mut warning = None;
        if !rest.is_empty() {
            let common = rest.len().min(BEGINNING.len());
            if rest[..common] != BEGINNING.as_bytes()[..common] {
                return Err(foreign(n_lines + 1));
            }
            file.set_len(whole as u64).and_then(|()| file.seek(io::SeekFrom::End(0))).map_err(cannot)?;
            warning = Some(format!("{name}:{}: the incomplete line is dropped", n_lines + 1));
        }
        Ok((State { file, lines }, warning))
    }

    /// The latest result for a series and a scratchpad that is proven optimal or had at least as much time.
    pub fn find(&self, key: &Key, scratchpad: Bytes, time_limit: Duration) -> Option<Found> {
        let lines = self.lines.get(&(key.0.clone(), scratchpad.0))?;
        let serves = |it: &&Line| it.non_compulsory == it.lower_bound || time_limit.as_secs_f64() <= it.time_limit;
        let line = lines.iter().rfind(serves)?;
        Some(Found {
            non_compulsory: Bytes(line.non_compulsory),
            lower_bound: Bytes(line.lower_bound),
            n_tiles: line.tiles,
            solver: line.by.parse::<SolverName>().map_or(Solver::Auto, |it| it.0),
            seconds: line.seconds,
        })
    }

    /// Appends a result.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(
        &mut self,
        key: &Key,
        series: &Series,
        scratchpad: Bytes,
        limit: Duration,
        found: &Found,
    ) -> io::Result<()> {
        let line = Line {
            sweep: 1,
            problem: key.0.clone(),
            weights: weights_name(series.weights).into(),
            order: order_name(series.order).into(),
            solver: solver_name(series.solver).into(),
            time_limit: limit.as_secs_f64(),
            scratchpad: scratchpad.0,
            non_compulsory: found.non_compulsory.0,
            lower_bound: found.lower_bound.0,
            by: solver_name(found.solver).into(),
            tiles: found.n_tiles,
            seconds: found.seconds,
        };
        let mut text = serde_json::to_string(&line)?;
        debug_assert!(text.starts_with(BEGINNING));
        text.push('\n');
        self.file.write_all(text.as_bytes())
    }
}
