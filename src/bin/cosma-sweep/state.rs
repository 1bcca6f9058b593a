//! What was found before, and what is found now, in a file that a run that was stopped leaves behind.
//!
//! Each line is one plan's traffic, written at once and never changed. What a line is about is in it,
//! as a hash of the problem and of the options that decide who plans, so that one file may serve many
//! networks. Only the last line can be incomplete, where a run was killed as it wrote; it is dropped.

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

/// How every line begins, by which files of others are told.
const BEGINNING: &str = r#"{"sweep":1,"#;

#[derive(Serialize, Deserialize)]
struct Line {
    /// The version of the format.
    sweep: u32,
    /// Network, machine without scratchpad, options and version of COSMA, as a hash.
    problem: String,
    /// Beside the hash, for people.
    weights: String,
    order: String,
    solver: String,
    time_limit: f64,
    scratchpad: u64,
    non_compulsory: u64,
    lower_bound: u64,
    /// Who made the plan.
    by: String,
    seconds: f64,
}

/// The file, open for what is to come, and what was in it.
pub struct State {
    file: File,
    lines: HashMap<(String, u64), Vec<Line>>,
}

/// What the key of a line says of a series.
pub struct Key(String);

impl Key {
    /// Of a series, whatever the scratchpad and the time limit.
    pub fn of(series: &Series) -> Key {
        let mut hasher = FnvHasher::default();
        let (order, solver) = (order_name(series.order), solver_name(series.solver));
        hasher.write(format!("{} {order} {solver}\n", env!("CARGO_PKG_VERSION")).as_bytes());
        // Machine, tensors and operators.
        hasher.write(series.problem().to_string().as_bytes());
        Key(format!("{:016x}", hasher.finish()))
    }
}

impl State {
    /// Opens a file, or makes one; gives also a warning about what was left out.
    ///
    /// # Errors
    /// A sentence about a file that cannot be read or written, that another run has, or that is
    /// something else.
    pub fn open(path: &Path) -> Result<(State, Option<String>), String> {
        let name = path.display();
        let cannot = |error: io::Error| format!("cannot open {name}: {error}");
        let options = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = options.map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(format!("another sweep is writing to {name}")),
            // There are filesystems without locks.
            Err(TryLockError::Error(_)) => {}
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(cannot)?;
        let whole = bytes.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
        let mut lines: HashMap<(String, u64), Vec<Line>> = HashMap::new();
        let foreign = |number: usize| format!("{name}:{number}: this is no line of a sweep; say another file");
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
            warning = Some(format!("{name}:{}: the line is incomplete, and is left out", n_lines + 1));
        }
        Ok((State { file, lines }, warning))
    }

    /// What is known of a series at a scratchpad, if it is proven, or had at least as much time.
    pub fn find(&self, key: &Key, scratchpad: Bytes, time_limit: Duration) -> Option<Found> {
        let lines = self.lines.get(&(key.0.clone(), scratchpad.0))?;
        let serves = |it: &&Line| it.non_compulsory == it.lower_bound || time_limit.as_secs_f64() <= it.time_limit;
        let line = lines.iter().rfind(serves)?;
        Some(Found {
            non_compulsory: Bytes(line.non_compulsory),
            lower_bound: Bytes(line.lower_bound),
            solver: line.by.parse::<SolverName>().map_or(Solver::Auto, |it| it.0),
            seconds: line.seconds,
        })
    }

    /// Adds what was found.
    ///
    /// # Errors
    /// Where it cannot be written.
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
            seconds: found.seconds,
        };
        let mut text = serde_json::to_string(&line)?;
        debug_assert!(text.starts_with(BEGINNING));
        text.push('\n');
        self.file.write_all(text.as_bytes())
    }
}
