//! Helps to choose the size of a scratchpad: plots non-compulsory traffic against size.
//!
//! `scratchpad_sizes [NETWORK.mlir [OUT.svg]]` (default: NASNet-A). The table starts at the minimum size
//! with which the network can run, and ends at the first size without avoidable traffic.

use cosma::{Bytes, MachineOptions, problems};
use cosma_planner::{Options, Problem, Weights, plan};
use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

/// Sizes, as multiples of the minimum.
const FACTORS: [f64; 9] = [1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5];

/// The width of the longest bar in the table, in characters.
const BAR: u64 = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let network = arguments.next().unwrap_or_else(|| "examples/networks/nasnet_a_mobile.mlir".into());
    let points = run(&network, Duration::from_secs(10), &mut io::stdout())?;
    if let Some(path) = arguments.next() {
        std::fs::write(path, svg(&points))?;
    }
    Ok(())
}

/// A size of the scratchpad with its traffic.
pub struct Point {
    /// The size of the scratchpad.
    pub scratchpad: Bytes,
    /// Non-compulsory bytes of the plan.
    pub moved: Bytes,
    /// A proven lower bound on the non-compulsory bytes of any plan.
    pub least: Bytes,
}

/// Writes a table to `out` and returns its rows.
pub fn run(network: &str, time_limit: Duration, out: &mut dyn Write) -> Result<Vec<Point>, Box<dyn Error>> {
    let context = cosma::new_context();
    let module = cosma::parse(&context, &std::fs::read(network)?, network).ok_or("the network does not parse")?;
    let (alignment, weights) = (Bytes(64), Weights::Streamed);
    let said = MachineOptions {
        scratchpad: Some(Bytes(0)),
        alignment: Some(alignment),
        weights: Some(weights),
        ..MachineOptions::default()
    };
    // The planner needs no MLIR: one problem serves for all sizes.
    let (name, problem) = problems(&module, &said)?.into_iter().next().ok_or("the network has no function")?;
    let least = problem.min_scratchpad();
    writeln!(out, "@{name}: {} operators, {} B compulsory", problem.graph.ops().len(), problem.compulsory())?;
    writeln!(out, "{:>12} {:>6} {:>14} {:>14}", "scratchpad B", "x", "non-comp. B", "at least B")?;

    let mut points: Vec<Point> = Vec::new();
    for factor in FACTORS {
        let scratchpad = Bytes((least.0 as f64 * factor) as u64).align_up(alignment);
        let problem = Problem { machine: problem.machine.with_scratchpad(scratchpad), ..problem.clone() };
        let solution = plan(&problem, &Options { time_limit, ..Options::default() })?;
        let (moved, bound) = (solution.non_compulsory, solution.lower_bound);
        let most = points.first().map_or(moved, |it| it.moved).0.max(1);
        let bar = "#".repeat((moved.0.min(most) * BAR).div_ceil(most) as usize);
        writeln!(out, "{:>12} {factor:>6.2} {:>14} {:>14} {bar}", scratchpad.0, moved.0, bound.0)?;
        points.push(Point { scratchpad, moved, least: bound });
        // Weights are streamed once for each reader, whatever the size.
        if moved == problem.restreamed() {
            break;
        }
    }
    Ok(points)
}

/// Draws traffic as a line, and its lower bound as a dashed line.
pub fn svg(points: &[Point]) -> String {
    let (width, height, margin) = (640.0, 360.0, 40.0);
    let first = points.first().map_or(0.0, |it| it.scratchpad.0 as f64);
    let span = (points.last().map_or(1.0, |it| it.scratchpad.0 as f64) - first).max(1.0);
    let most = points.iter().map(|it| it.moved.0).max().unwrap_or(0).max(1) as f64;
    let line = |value: fn(&Point) -> Bytes| {
        points.iter().fold(String::new(), |mut text, point| {
            let x = margin + (point.scratchpad.0 as f64 - first) / span * (width - 2.0 * margin);
            let y = height - margin - value(point).0 as f64 / most * (height - 2.0 * margin);
            let _ = write!(text, "{x:.1},{y:.1} ");
            text
        })
    };
    let (moved, least) = (line(|it| it.moved), line(|it| it.least));
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">
<polyline points="{least}" fill="none" stroke="#999" stroke-dasharray="4"/>
<polyline points="{moved}" fill="none" stroke="#06c" stroke-width="2"/>
<text x="{margin}" y="20">non-compulsory bytes, at most {most}; dashed: proven</text>
<text x="{margin}" y="{bottom}">scratchpad from {first} B by {span} B</text>
</svg>
"##,
        bottom = height - 12.0
    )
}
