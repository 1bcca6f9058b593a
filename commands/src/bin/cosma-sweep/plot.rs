//! The plot of traffic against the size of the scratchpad.
//!
//! A plan is valid for each larger size, and a bound holds for each smaller one. So the plot is valid for
//! *all* sizes: between two planned sizes, the line is the traffic of the smaller one's plan, and the band
//! below it reaches down to the bound of the larger one. The optimum of every size is in the band. Each
//! planned size has a mark: filled if the plan is proven optimal, otherwise with a whisker down to its
//! bound.
//!
//! Of several networks, what they move is compared with what they have to: traffic is a multiple of the compulsory. Their
//! curves are told apart by dashes and marks; the colours are equally light, and have a dark form.

mod axis;
mod canvas;

use crate::arguments::Axis;
use crate::curve::Point;
use crate::report::Sweep;
use crate::series::Series;
use axis::{Scale, Unit, size_ticks, traffic_ticks, unit_of, with_unit};
use canvas::{Canvas, Frame, Look, Mark, Sample};

/// Colours that are distinguishable with colour blindness and in print (Okabe and Ito).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// Colours of several networks with their dark forms: equally light in OKLCH, L = 0.58 and 0.76, 60 degrees of hue apart.
const EQUALLY_LIGHT: [(&str, &str); 6] = [
    ("#0d7dd4", "#70b6fd"),
    ("#c55123", "#fd8e67"),
    ("#119245", "#58cd78"),
    ("#ad51a7", "#e989e1"),
    ("#95760d", "#d7ab02"),
    ("#138b90", "#1ec8d0"),
];

/// Dashes of several networks.
const DASHES: [&str; 5] = ["", "8 3", "2 3", "8 3 2 3", "14 4"];

/// A planned size. Numbers are bytes, or multiples of the compulsory; `total` and `bound` include compulsory traffic.
struct Dot {
    size: f64,
    total: f64,
    bound: f64,
    is_proven: bool,
}

/// Draws the plot as SVG.
pub fn plot(sweep: &Sweep, axis: Axis) -> String {
    let several = sweep.has_several();
    let of_series = |(series, points): (&Series, &Vec<Point>)| -> Vec<Dot> {
        let compulsory = series.compulsory().0 as f64;
        let dots = points.iter().filter_map(|point| dot(point, compulsory));
        // A network without a tensor has to move nothing, and does.
        let part = |bytes: f64| if compulsory == 0.0 { 1.0 } else { bytes / compulsory };
        let relative = |it: Dot| Dot { total: part(it.total), bound: part(it.bound), ..it };
        if several { dots.map(relative).collect() } else { dots.collect() }
    };
    let curves: Vec<Vec<Dot>> = sweep.all.iter().zip(sweep.curves).map(of_series).collect();
    // Compulsory traffic depends on the graph only, so it is the same for all series.
    let bytes = sweep.all.first().map_or(0, |it| it.compulsory().0) as f64;
    let compulsory = if several { 1.0 } else { bytes };
    let (floor, top) = traffic_range(&curves, compulsory);
    let frame = Frame { x: size_scale(&curves, axis), y: Scale::linear(floor, top) };

    let mut canvas = Canvas::new(&frame);
    let tiled = if sweep.is_tiled() { ", in tiles" } else { "" };
    let facts = format!("{} operators{tiled}", sweep.operators());
    canvas.title(&format!("{}: traffic over scratchpad size", sweep.name()), &facts);
    if several {
        canvas.dark(&EQUALLY_LIGHT);
    }
    let unit = if several { Unit::ONE } else { unit_of(top, top - floor) };
    for (at, text) in traffic_ticks(floor, top, &unit) {
        canvas.y_tick(at, &text);
    }
    for (at, text) in size_ticks(&frame.x) {
        canvas.x_tick(at, &text);
    }
    let traffic = match several {
        true => "traffic to host memory / compulsory".into(),
        false => format!("traffic to host memory ({})", unit.name),
    };
    canvas.axes("scratchpad", &traffic, 0.0 < floor);
    let looks: Vec<Look> = (0..curves.len()).map(|it| look(it, several)).collect();
    for (dots, look) in curves.iter().zip(&looks) {
        draw_band(&mut canvas, dots, look.colour);
    }
    let baseline = if several { "compulsory".into() } else { format!("compulsory {}", with_unit(compulsory)) };
    canvas.baseline(compulsory, &baseline);
    for (dots, look) in curves.iter().zip(&looks) {
        draw_curve(&mut canvas, dots, look);
    }
    legend(&mut canvas, sweep, &curves, &looks);
    if curves.iter().all(Vec::is_empty) {
        canvas.note("no scratchpad is large enough");
    }
    canvas.finish()
}

/// The scale of sizes, with a margin on both sides.
fn size_scale(curves: &[Vec<Dot>], axis: Axis) -> Scale {
    const MARGIN: f64 = 0.03;
    let (least, most) = range(curves.iter().flatten().map(|it| it.size), (1.0, 2.0));
    let (least, most) = if least == most { (least * 0.8, most * 1.25) } else { (least, most) };
    match axis {
        Axis::Log => Scale::log(least / (most / least).powf(MARGIN), most * (most / least).powf(MARGIN)),
        Axis::Linear => Scale::linear((least - MARGIN * (most - least)).max(0.0), most + MARGIN * (most - least)),
    }
}

/// The ends of the traffic axis in bytes. It begins at zero unless the differences would be too small to see.
fn traffic_range(curves: &[Vec<Dot>], compulsory: f64) -> (f64, f64) {
    let (_, highest) = range(curves.iter().flatten().map(|it| it.total), (compulsory, compulsory));
    let rise = highest - compulsory;
    if rise == 0.0 {
        return (0.0, 1.25 * compulsory.max(1.0));
    }
    let floor = if 0.35 * compulsory <= rise { 0.0 } else { compulsory - 0.18 * rise };
    (floor, highest + 0.08 * (highest - floor))
}

/// How the curve of a series looks. Marks and dashes come together again after 20 curves, colours and marks after 12.
fn look(series: usize, several: bool) -> Look {
    let mark = Mark::ALL[series % Mark::ALL.len()];
    match several {
        true => {
            let (colour, dashes) = (EQUALLY_LIGHT[series % EQUALLY_LIGHT.len()].0, DASHES[series % DASHES.len()]);
            Look { mark, colour, dashes }
        }
        false => Look { mark, colour: COLOURS[series % COLOURS.len()], dashes: "" },
    }
}

/// Fills the area between the traffic of each size and the bound of the next one.
fn draw_band(canvas: &mut Canvas, dots: &[Dot], colour: &str) {
    let mut steps: Vec<[f64; 4]> = Vec::new();
    for pair in dots.windows(2) {
        steps.push([pair[0].size, pair[1].size, pair[1].bound, pair[0].total]);
    }
    canvas.band(&steps, colour);
}

fn draw_curve(canvas: &mut Canvas, dots: &[Dot], look: &Look) {
    let Look { mark, colour, .. } = *look;
    canvas.stairs(&dots.iter().map(|it| (it.size, it.total)).collect::<Vec<_>>(), look);
    for dot in dots.iter().filter(|it| !it.is_proven) {
        canvas.whisker(dot.size, dot.bound, dot.total, colour);
    }
    for dot in dots {
        canvas.mark((dot.size, dot.total), mark, colour, dot.is_proven);
    }
}

fn legend(canvas: &mut Canvas, sweep: &Sweep, curves: &[Vec<Dot>], looks: &[Look]) {
    let mut entries = Vec::new();
    if 1 < sweep.all.len() {
        for (series, look) in sweep.all.iter().zip(looks) {
            entries.push((Sample::Curve(*look), series.label(sweep.all)));
        }
    }
    let alone = if sweep.all.len() == 1 { COLOURS[0] } else { "#555" };
    let dots = || curves.iter().flatten();
    if dots().any(|it| it.is_proven) {
        entries.push((Sample::Mark(alone, true), "plan, proven optimal".into()));
    }
    if dots().any(|it| !it.is_proven) {
        entries.push((Sample::Mark(alone, false), "plan, and its proven bound".into()));
    }
    if curves.iter().any(|it| 1 < it.len()) {
        entries.push((Sample::Band(alone), "contains the optimum".into()));
    }
    canvas.legend(&entries);
}

fn dot(point: &Point, compulsory: f64) -> Option<Dot> {
    let known = point.known()?;
    Some(Dot {
        // At least 1, for the logarithm: a network without tensors needs 0 bytes.
        size: point.scratchpad.0.max(1) as f64,
        total: compulsory + known.non_compulsory.0 as f64,
        bound: compulsory + known.lower_bound.0 as f64,
        is_proven: known.is_optimal(),
    })
}

/// The least and the greatest value, or `of_nothing` if there are none.
fn range(values: impl Iterator<Item = f64>, of_nothing: (f64, f64)) -> (f64, f64) {
    let found = values.fold(None, |range: Option<(f64, f64)>, it| {
        Some(range.map_or((it, it), |range| (range.0.min(it), range.1.max(it))))
    });
    found.unwrap_or(of_nothing)
}
