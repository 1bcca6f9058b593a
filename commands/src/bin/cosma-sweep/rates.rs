//! `--rate`: cycles for each size of the scratchpad and each rate of transfers.

mod map;

use crate::arguments::Arguments;
use crate::network::Network;
use crate::series::{Series, all_series};
use crate::{Failure, write};
use cosma::Bytes;
use cosma::time::{Clock, LatencyBound, Ratio, plan_in_time, simulate};
use cosma_commands::table::{Column, Table};
use cosma_planner::{Cycles, Error, Options, Problem, check};
use map::map;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The cycles of a network by size and rate.
pub struct Grid {
    pub name: String,
    pub sizes: Vec<Bytes>,
    pub rates: Vec<Ratio>,
    /// By size, then by rate; none where the scratchpad is too small.
    pub cells: Vec<Vec<Option<Cell>>>,
}

/// A program on one machine.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub cycles: Cycles,
    pub bound: LatencyBound,
    /// The cycles of its operators.
    pub compute: Cycles,
}

/// `None` if the scratchpad is too small; or an error.
type Planned = Result<Option<Cell>, String>;

#[derive(Serialize)]
struct Json<'a> {
    network: &'a str,
    operators: usize,
    points: Vec<JsonPoint>,
}

#[derive(Serialize)]
struct JsonPoint {
    scratchpad: u64,
    /// Bytes per cycle.
    rate: String,
    /// None where the scratchpad is too small.
    cycles: Option<u64>,
    lower_bound: Option<u64>,
    bound: Option<String>,
    compute: Option<u64>,
}

/// Plans each size at each rate, and writes what was asked for.
///
/// # Errors
/// What [`all_series`] says; a wrong program; an output that cannot be written.
pub fn sweep(network: &Network, arguments: &Arguments) -> Result<(), Failure> {
    let all = all_series(network, arguments)?;
    let [series] = &all[..] else {
        return Err(Failure::Call("--rate takes one treatment of weights, one order and one solver".into()));
    };
    let clock = series.problem().machine.clock().cloned();
    let clock = clock.unwrap_or_else(|| Clock::each_way(Ratio::ONE, Ratio::ONE));
    let mut rates = arguments.rate.clone();
    // `a / b < c / d` in whole numbers.
    let is_less = |one: &Ratio, other: &Ratio| {
        let cross = |a: &Ratio, b: &Ratio| u128::from(a.numerator()) * u128::from(b.denominator());
        cross(one, other).cmp(&cross(other, one))
    };
    rates.sort_by(is_less);
    rates.dedup();
    let jobs: Vec<(Bytes, Ratio)> =
        series.sizes.iter().flat_map(|size| rates.iter().map(move |rate| (*size, *rate))).collect();
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Planned)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs().min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&(size, rate)) = jobs.get(index) else { break };
                    let cell = cell(series, size, at_rate(&clock, rate), arguments);
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((index, cell));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|it| it.0);
    let faults: Vec<String> = found
        .iter()
        .filter_map(|(index, it)| Some(format!("error: at {} B: {}", jobs[*index].0, it.as_ref().err()?)))
        .collect();
    if !faults.is_empty() {
        return Err(Failure::Run(faults));
    }
    let cells: Vec<Option<Cell>> = found.into_iter().map(|it| it.1.unwrap_or_default()).collect();
    if cells.iter().all(Option::is_none) {
        let message = format!("error: no scratchpad is large enough: {} needs at least {} B", network.name, series.min);
        return Err(Failure::Run(vec![message]));
    }
    let cells = cells.chunks(rates.len()).map(<[Option<Cell>]>::to_vec).collect();
    let grid = Grid { name: network.name.clone(), sizes: series.sizes.clone(), rates, cells };
    write(Path::new("-"), &grid.text(series))?;
    if let Some(path) = &arguments.json {
        write(path, &grid.json(series))?;
    }
    if let Some(path) = &arguments.csv {
        write(path, &grid.csv())?;
    }
    if let Some(path) = &arguments.plot {
        write(path, &map(&grid))?;
    }
    Ok(())
}

/// A clock whose links all have a rate.
fn at_rate(clock: &Clock, rate: Ratio) -> Clock {
    let mut clock = clock.clone();
    clock.timings.iter_mut().for_each(|it| it.rate = rate);
    clock
}

/// The verified program for a size and a clock; `None` if the scratchpad is too small.
fn cell(series: &Series, size: Bytes, clock: Clock, arguments: &Arguments) -> Planned {
    let text = |error: Error| error.to_string();
    let problem = series.at(size);
    let machine = problem.machine.without_clock().with_clock(clock).map_err(text)?;
    let problem = Problem { machine, ..problem };
    let options = Options {
        solver: series.solver,
        order: series.order,
        time_limit: arguments.time_limit.0,
        ..Options::default()
    };
    let timed = match plan_in_time(&problem, &options, &|_| ControlFlow::Continue(())) {
        Err(Error::ScratchpadTooSmall { .. }) => return Ok(None),
        other => other.map_err(text)?,
    };
    let actions = &timed.overlapped.actions;
    check(&problem, actions).map_err(|it| it.first().map_or(String::new(), |it| it.display(&problem).to_string()))?;
    let timeline = simulate(&problem, actions).map_err(text)?;
    let (cycles, bound) = (timeline.makespan, timed.bound);
    if cycles < bound.cycles {
        return Err(format!("a program takes {cycles} cycles, less than the proven {}", bound.cycles));
    }
    Ok(Some(Cell { cycles, bound, compute: timeline.compute }))
}

impl Grid {
    fn table(&self) -> Table {
        let mut columns: Vec<Column> = vec![("scratchpad".into(), true)];
        columns.extend(self.rates.iter().map(|it| (format!("{it} B/cycle"), true)));
        let cell = |it: &Option<Cell>| match it {
            None => "too small".into(),
            Some(Cell { cycles, bound, .. }) => {
                let over = 100.0 * (cycles.0 as f64 / bound.cycles.0.max(1) as f64 - 1.0);
                format!("{cycles} ({over:.1} %)")
            }
        };
        let row = |(size, cells): (&Bytes, &Vec<Option<Cell>>)| {
            std::iter::once(size.to_string()).chain(cells.iter().map(cell)).collect()
        };
        Table { columns, rows: self.sizes.iter().zip(&self.cells).map(row).collect() }
    }

    fn text(&self, series: &Series) -> String {
        let n_operators = series.problem().graph.ops().len();
        let compute = self.cells.iter().flatten().flatten().map(|it| it.compute).next().unwrap_or_default();
        format!(
            "{}: {n_operators} operators, {compute} cycles of computing; compulsory traffic {} B; minimum scratchpad {} B\n\
             cycles, and by how much they are above a proven lower bound\n\n{}",
            self.name,
            series.compulsory(),
            series.min,
            self.table().text()
        )
    }

    fn points(&self) -> Vec<JsonPoint> {
        let mut points = Vec::new();
        for (size, cells) in self.sizes.iter().zip(&self.cells) {
            for (rate, cell) in self.rates.iter().zip(cells) {
                points.push(JsonPoint {
                    scratchpad: size.0,
                    rate: rate.to_string(),
                    cycles: cell.map(|it| it.cycles.0),
                    lower_bound: cell.map(|it| it.bound.cycles.0),
                    bound: cell.map(|it| it.bound.rule.to_string()),
                    compute: cell.map(|it| it.compute.0),
                });
            }
        }
        points
    }

    fn json(&self, series: &Series) -> String {
        let operators = series.problem().graph.ops().len();
        let json = Json { network: &self.name, operators, points: self.points() };
        serde_json::to_string_pretty(&json).expect("strings and numbers are JSON") + "\n"
    }

    fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for point in self.points() {
            writer.serialize(point).expect("memory takes what is written, and lines are equally long");
        }
        let bytes = writer.into_inner().expect("memory takes what is written");
        String::from_utf8(bytes).expect("strings were written")
    }
}
