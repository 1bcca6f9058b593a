//! The command line.

use clap::Parser;
use cosma::{Bytes, Seconds, Size};
use cosma_planner::Deadline;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Columns, in any order, as MiniMalloc has them:
  id         a name, not twice the same
  lower      the first step during which the interval lies in memory
  upper      the first step after that during which it no longer does; `end` is the last one during which it does
  size       bytes
  alignment  its offset is a multiple of so many bytes; optional
  offset     where it has to lie; optional, empty where that is open
  gaps       steps in between during which others may use its memory, as `3-5 7-9`; with `3-5@0:16` only what
             lies outside of its bytes 0 to 16 is free then; optional
Times are whole numbers, intervals half-open. Other columns are passed on as they are.

Examples:
  Within a capacity:
    cosma-pack in.csv --capacity=1MiB -o out.csv
  As low as can be found in five seconds:
    cosma-pack in.csv --alignment=64 --time-limit=5 > out.csv

SIZE is a number of bytes, or one with a unit B, KiB, MiB, GiB or TiB: 524288, 512KiB, 1.5MiB.

Exit status:
  0  placed
  1  the input is bad, or infeasible: proven that there is no packing; the reasons are on the standard error,
     nothing is written
  2  the call is wrong: flags, files
  3  not decided in time; nothing is written

Environment:
  RAYON_NUM_THREADS  how many threads may plan; unless set, as many as there are cores. Plans do not depend on it
  NO_COLOR           if set, there are no colours in what is said of wrong flags";

/// Gives intervals that lie in memory during some steps offsets, such that none overlap.
///
/// Without a capacity, as low as can be; height and proven lower bound are on the standard error.
#[derive(Debug, Parser)]
#[command(name = "cosma-pack", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// The intervals, one a line; `-` is the standard input
    #[arg(value_name = "IN.csv")]
    pub input: String,

    /// Where the intervals go with their offsets; `-` is the standard output. A file is replaced at once
    #[arg(short, long, value_name = "OUT.csv", default_value = "-")]
    pub output: PathBuf,

    /// Every interval ends within so many bytes
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    capacity: Option<Size>,

    /// Offsets are multiples of so many bytes, and of an interval's own alignment
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, default_value = "1")]
    alignment: Size,

    /// Stop after this long with the best packing found. To explain why there is none may take half a second more
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, default_value = "10")]
    time_limit: Seconds,
}

impl Arguments {
    /// Where the memory ends, if that is given.
    pub fn capacity(&self) -> Option<Bytes> {
        self.capacity.map(|it| it.0)
    }

    /// What offsets are multiples of.
    pub fn alignment(&self) -> Bytes {
        self.alignment.0
    }

    /// The time limit, from now.
    pub fn deadline(&self) -> Deadline<'static> {
        Deadline::after(self.time_limit.0)
    }
}
