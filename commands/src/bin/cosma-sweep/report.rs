//! The curves as a table, as CSV and as JSON. Sizes are bytes.

use crate::curve::{Known, Point, Verdict};
use crate::series::Series;
use cosma::Bytes;
use cosma::show::bytes_text;
use cosma_commands::table::{Column, Table};
use cosma_passes::{order_name, solver_name, weights_name};
use serde::Serialize;

/// The results of a sweep.
pub struct Sweep<'a> {
    /// The series, those of each network together.
    pub all: &'a [Series],
    /// The curve of each series.
    pub curves: &'a [Vec<Point>],
    /// The time limit of each plan in seconds.
    pub time_limit: f64,
    /// Whether to report planning times.
    pub with_times: bool,
}

/// The knee of a curve: larger sizes save little more.
struct Knee {
    size: Bytes,
    /// The saving compared with the smallest size.
    saved: Bytes,
    /// The saving of the largest size.
    of: Bytes,
}

/// The smallest size that saves nine tenths of what the largest one saves, if it is neither the smallest nor the
/// largest.
fn knee(points: &[Point]) -> Option<Knee> {
    let planned: Vec<(Bytes, Bytes)> =
        points.iter().filter_map(|it| Some((it.scratchpad, it.known()?.non_compulsory))).collect();
    let (first, last) = (planned.first()?.1, planned.last()?.1);
    let of = first.saturating_sub(last);
    let saves = |bytes: Bytes| first.saturating_sub(bytes);
    let is_enough = |it: &&(Bytes, Bytes)| 9 * u128::from(of.0) <= 10 * u128::from(saves(it.1).0);
    let &(size, bytes) = planned.iter().find(is_enough).filter(|_| of != Bytes::ZERO)?;
    (size != planned.last()?.0).then_some(Knee { size, saved: saves(bytes), of })
}

/// A row of the table.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip)]
    network: &'a str,
    weights: &'static str,
    order: &'static str,
    solver: &'static str,
    #[serde(flatten)]
    point: Cells,
}

#[derive(Serialize)]
struct Cells {
    scratchpad: u64,
    /// The size of the scratchpad as a multiple of the minimum.
    factor: f64,
    /// `optimal`, `feasible`, `too small` or `refused`.
    status: &'static str,
    total: Option<u64>,
    compulsory: u64,
    non_compulsory: Option<u64>,
    lower_bound: Option<u64>,
    gap: Option<f64>,
    /// The solver that made the plan.
    by: Option<&'static str>,
    /// With `--tile`: into how many tiles the plan cuts the network; none if it is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    tiles: Option<u64>,
    /// The smaller scratchpad for which the plan was made.
    plan_from: Option<u64>,
    /// The larger scratchpad for which the bound was proven.
    bound_from: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

#[derive(Serialize)]
struct Json<'a> {
    network: &'a str,
    operators: usize,
    time_limit: f64,
    series: Vec<JsonSeries>,
}

#[derive(Serialize)]
struct JsonSeries {
    weights: &'static str,
    order: &'static str,
    solver: &'static str,
    alignment: u64,
    min_scratchpad: u64,
    /// A size for which a plan with only compulsory traffic is known, if requested.
    peak: Option<u64>,
    points: Vec<Cells>,
}

impl Sweep<'_> {
    /// The report as text: a line on each network and each configuration of it, then a table.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let whole = if self.is_tiled() { " of whole operators" } else { "" };
        for (index, series) in self.all.iter().enumerate() {
            if !self.all[..index].iter().any(|it| it.name == series.name) {
                text += &format!("{}: {} operators\n", series.name, series.n_operators());
            }
            let is_same =
                |it: &Series| it.name == series.name && it.weights == series.weights && it.order == series.order;
            if self.all[..index].iter().any(is_same) {
                continue;
            }
            // In no scratchpad are these saved: weights that pass by once for each of their operators.
            let again = match series.problem().restreamed() {
                Bytes::ZERO => String::new(),
                again => format!(" but {again} B that stream again"),
            };
            let peak = series.peak.map_or(String::new(), |it| format!(", no other traffic{again} from {it} B on"));
            text += &format!(
                "{} weights, {} order: compulsory traffic {} B; minimum scratchpad{whole} {} B{peak}\n",
                weights_name(series.weights),
                order_name(series.order),
                series.compulsory(),
                series.min
            );
        }
        format!("{text}\n{}{}", self.table().text(), self.knees())
    }

    /// The knee of each curve, if more than two sizes were planned and differ.
    fn knees(&self) -> String {
        let mut text = String::new();
        for (series, points) in self.all.iter().zip(self.curves) {
            let Some(Knee { size, saved, of }) = knee(points) else { continue };
            let label = series.label(self.all);
            let name = if label.is_empty() { String::new() } else { format!("{label}: ") };
            let share = if saved == of { "all".into() } else { bytes_text(saved) };
            let (size, of) = (bytes_text(size), bytes_text(of));
            text += &format!("\n{name}{size} saves {share} of the {of} that larger scratchpads save");
        }
        if text.is_empty() { text } else { format!("{text}\n") }
    }

    fn table(&self) -> Table {
        let differs = |is_same: fn(&Series, &Series) -> bool| self.all.windows(2).any(|it| !is_same(&it[0], &it[1]));
        let with_network = self.has_several();
        let with_weights = differs(|a, b| a.weights == b.weights);
        let with_order = differs(|a, b| a.order == b.order);
        let with_solver = differs(|a, b| a.solver == b.solver);
        let left = |name: &str| -> Column { (name.into(), false) };
        let right = |name: &str| -> Column { (name.into(), true) };
        let mut columns = Vec::new();
        columns.extend(with_network.then(|| left("network")));
        columns.extend(with_weights.then(|| left("weights")));
        columns.extend(with_order.then(|| left("order")));
        columns.extend(with_solver.then(|| left("solver")));
        columns.extend(["scratchpad", "x min", "total", "non-compulsory", "bound", "gap"].map(right));
        columns.extend(["status", "by"].map(left));
        columns.extend(self.is_tiled().then(|| right("tiles")));
        columns.extend(self.with_times.then(|| right("s")));
        columns.push(left("from"));
        let row = |row: Row| {
            let Cells { scratchpad, factor, status, total, non_compulsory, lower_bound, gap, by, tiles, .. } =
                row.point;
            let number = |it: Option<u64>| it.map_or(String::new(), |it| it.to_string());
            let mut cells = Vec::new();
            cells.extend(with_network.then(|| row.network.into()));
            cells.extend(with_weights.then(|| row.weights.into()));
            cells.extend(with_order.then(|| row.order.into()));
            cells.extend(with_solver.then(|| row.solver.into()));
            cells.extend([scratchpad.to_string(), format!("{factor:.2}")]);
            cells.extend([total, non_compulsory, lower_bound].map(number));
            cells.push(gap.filter(|it| 0.0 < *it).map_or(String::new(), |it| format!("{:.1} %", 100.0 * it)));
            cells.extend([status.to_string(), by.unwrap_or_default().to_string()]);
            cells.extend(self.is_tiled().then(|| number(tiles)));
            if self.with_times {
                cells.push(row.point.seconds.map_or(String::new(), |it| format!("{it:.3}")));
            }
            let plan = row.point.plan_from.map(|it| format!("plan of {it}"));
            let bound = row.point.bound_from.map(|it| format!("bound of {it}"));
            cells.push(plan.into_iter().chain(bound).collect::<Vec<_>>().join(", "));
            cells
        };
        Table { columns, rows: self.rows().map(row).collect() }
    }

    /// The report as CSV: a header, then a line for each size.
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut names: Vec<&str> = self.has_several().then_some("network").into_iter().collect();
        names.extend(["weights", "order", "solver", "scratchpad", "factor", "status", "total", "compulsory"]);
        names.extend(["non_compulsory", "lower_bound", "gap", "by", "plan_from", "bound_from"]);
        names.extend(self.is_tiled().then_some("tiles"));
        names.extend(self.with_times.then_some("seconds"));
        let mut lines = vec![names.iter().map(ToString::to_string).collect::<Vec<_>>()];
        for Row { network, weights, order, solver, point } in self.rows() {
            let number = |it: Option<u64>| it.map_or(String::new(), |it| it.to_string());
            let mut cells: Vec<String> = self.has_several().then(|| network.into()).into_iter().collect();
            cells.extend([weights, order, solver].map(String::from));
            cells.extend([point.scratchpad.to_string(), point.factor.to_string(), point.status.into()]);
            cells.extend([point.total, Some(point.compulsory), point.non_compulsory, point.lower_bound].map(number));
            cells.push(point.gap.map_or(String::new(), |it| it.to_string()));
            cells.push(point.by.unwrap_or_default().into());
            cells.extend([point.plan_from, point.bound_from].map(number));
            cells.extend(self.is_tiled().then(|| number(point.tiles)));
            if self.with_times {
                cells.push(point.seconds.map_or(String::new(), |it| it.to_string()));
            }
            lines.push(cells);
        }
        for line in lines {
            writer.write_record(line).expect("memory takes what is written, and lines are equally long");
        }
        let bytes = writer.into_inner().expect("memory takes what is written");
        String::from_utf8(bytes).expect("strings were written")
    }

    /// The report as indented JSON, ending with a line break: of several networks a list.
    pub fn json(&self) -> String {
        let networks: Vec<Json> = self.networks().map(|it| self.json_of(it)).collect();
        let text = match &networks[..] {
            [network] => serde_json::to_string_pretty(network),
            _ => serde_json::to_string_pretty(&networks),
        };
        let mut text = text.expect("strings and finite numbers are JSON");
        text.push('\n');
        text
    }

    /// What is known of a network, which is told by one of its series.
    fn json_of<'b>(&self, network: &'b Series) -> Json<'b> {
        let of_network = self.all.iter().zip(self.curves).filter(|it| it.0.name == network.name);
        let series = of_network.map(|(series, points)| JsonSeries {
            weights: weights_name(series.weights),
            order: order_name(series.order),
            solver: solver_name(series.solver),
            alignment: series.problem().machine.alignment().0,
            min_scratchpad: series.min.0,
            peak: series.peak.map(|it| it.0),
            points: points.iter().map(|it| self.cells(series, it)).collect(),
        });
        Json {
            network: &network.name,
            operators: network.n_operators(),
            time_limit: self.time_limit,
            series: series.collect(),
        }
    }

    /// The first series of each network.
    fn networks(&self) -> impl Iterator<Item = &Series> {
        let is_first = |index: usize| self.all[..index].last().is_none_or(|it| it.name != self.all[index].name);
        self.all.iter().enumerate().filter(move |it| is_first(it.0)).map(|it| it.1)
    }

    /// Whether there are several networks.
    pub fn has_several(&self) -> bool {
        1 < self.networks().count()
    }

    /// The name of the network, or how many there are.
    pub fn name(&self) -> String {
        match self.has_several() {
            true => format!("{} networks", self.networks().count()),
            false => self.all.first().map_or(String::new(), |it| it.name.clone()),
        }
    }

    /// Whether networks are split into tiles.
    pub fn is_tiled(&self) -> bool {
        self.all.iter().any(|it| it.network.is_some())
    }

    /// The number of operators of all networks.
    pub fn operators(&self) -> usize {
        self.networks().map(Series::n_operators).sum()
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.all.iter().zip(self.curves).flat_map(move |(series, points)| {
            points.iter().map(move |point| Row {
                network: &series.name,
                weights: weights_name(series.weights),
                order: order_name(series.order),
                solver: solver_name(series.solver),
                point: self.cells(series, point),
            })
        })
    }

    fn cells(&self, series: &Series, point: &Point) -> Cells {
        let known = point.known();
        let compulsory = series.compulsory().0;
        Cells {
            scratchpad: point.scratchpad.0,
            // A network without a tensor needs no scratchpad.
            factor: if series.min.0 == 0 { 1.0 } else { point.scratchpad.0 as f64 / series.min.0 as f64 },
            status: match &point.verdict {
                Verdict::TooSmall => "too small",
                Verdict::Fault(_) => "refused",
                Verdict::Planned(known) if known.is_optimal() => "optimal",
                Verdict::Planned(_) => "feasible",
            },
            total: known.map(|it| compulsory + it.non_compulsory.0),
            compulsory,
            non_compulsory: known.map(|it| it.non_compulsory.0),
            lower_bound: known.map(|it| it.lower_bound.0),
            gap: known.map(Known::gap),
            by: known.and_then(|it| it.solver).map(solver_name),
            tiles: known.and_then(|it| it.n_tiles),
            plan_from: known.and_then(|it| it.plan_from).map(|it| it.0),
            bound_from: known.and_then(|it| it.bound_from).map(|it| it.0),
            seconds: known.and_then(|it| it.seconds).filter(|_| self.with_times),
            fault: match &point.verdict {
                Verdict::Fault(text) => Some(text.clone()),
                Verdict::TooSmall | Verdict::Planned(_) => None,
            },
        }
    }
}
