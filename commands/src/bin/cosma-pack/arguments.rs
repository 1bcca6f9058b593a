//! The command line.

use clap::Parser;
use cosma::{Bytes, Seconds, Size};
use cosma_commands::size::size;
use cosma_planner::Deadline;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Columns, in any order, in MiniMalloc's format:
  id         a unique name
  lower      the first step during which the interval is in memory
  upper      the first step after that; or `end` instead, the last step during which it is in memory
  size       in bytes
  alignment  optional: its offset is a multiple of this number of bytes
  offset     optional: its fixed offset; empty if it is free
  gaps       optional: steps during which other intervals may use its memory, as `3-5 7-9`; with
             `3-5@0:16`, they may use all of it except bytes 0 to 16
Steps are integers, and ranges are half-open. Other columns are copied to the output.

Examples:
  Within a capacity:
    cosma-pack in.csv --capacity=1MiB -o out.csv
  The lowest packing found in five seconds:
    cosma-pack in.csv --alignment=64 --time-limit=5 > out.csv

SIZE is a number of bytes, with or without a unit (B, KiB, MiB, GiB, TiB): 524288, 512KiB, 1.5MiB.

Exit status:
  0  placed
  1  the input is invalid, or proven infeasible; the reasons are on standard error, and nothing is
     written
  2  usage error: flags, files
  3  undecided when the time limit was reached; nothing is written

Environment:
  RAYON_NUM_THREADS  number of planning threads (default: one per core); plans do not depend on it
  NO_COLOR           if set, usage errors are printed without colour";

/// Assigns offsets to intervals that are in memory during given steps, so that no two overlap.
///
/// Without a capacity it packs as low as it can and prints the height and a proven lower bound to
/// standard error.
#[derive(Debug, Parser)]
#[command(name = "cosma-pack", version, after_long_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// Table of intervals, one per line; `-` is standard input
    #[arg(value_name = "IN.csv")]
    pub input: String,

    /// Output file; `-` is standard output. A file is replaced atomically
    #[arg(short, long, value_name = "OUT.csv", default_value = "-")]
    pub output: PathBuf,

    /// Size of the memory, within which every interval must end
    #[arg(long, value_name = "SIZE", value_parser = size, allow_hyphen_values = true)]
    capacity: Option<Size>,

    /// Alignment of all offsets, in addition to an interval's own
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, default_value = "1")]
    alignment: Size,

    /// Stop after SECONDS; explaining why there is no packing may take half a second more
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, default_value = "10")]
    time_limit: Seconds,
}

impl Arguments {
    /// The size of the memory, if given.
    pub fn capacity(&self) -> Option<Bytes> {
        self.capacity.map(|it| it.0)
    }

    /// The alignment of all offsets.
    pub fn alignment(&self) -> Bytes {
        self.alignment.0
    }

    /// The deadline of a run that starts now.
    pub fn deadline(&self) -> Deadline<'static> {
        Deadline::after(self.time_limit.0)
    }
}
