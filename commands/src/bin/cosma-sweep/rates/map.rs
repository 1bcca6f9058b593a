//! A map of cycles: sizes upwards, rates to the right.
//!
//! Each cell has the time of the program as a multiple of the compute time of its operators, and is lighter the
//! smaller that is. Arrows point to a larger scratchpad or a higher rate that saves a given share of the time.

use super::{Cell, Grid};
use cosma::show::bytes_text;
use svg::node::element::{Element, Rectangle, Style, Text};
use svg::{Document, Node};

const CELL: (f64, f64) = (96.0, 34.0);
const LEFT: f64 = 96.0;
const TOP: f64 = 62.0;
const BELOW: f64 = 92.0;

/// The share of the time that one step must save for an arrow.
const PAYS: f64 = 0.03;

/// The multiple of the compute time that has the darkest shade.
const DARKEST: f64 = 4.0;

const STYLE: &str = "\
text { font: 12px 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #222 }
text.title { font-size: 15px; font-weight: 600 }
text.cell { text-anchor: middle }
text.onDark { fill: #fff }
text.light { fill: #666 }
text.row { text-anchor: end }";

/// Draws the map as SVG.
pub fn map(grid: &Grid) -> String {
    let (n_rates, n_sizes) = (grid.rates.len() as f64, grid.sizes.len() as f64);
    let width = (LEFT + n_rates * CELL.0 + 24.0).max(560.0);
    let height = TOP + n_sizes * CELL.1 + BELOW;
    let mut document = Document::new()
        .set("viewBox", (0.0, 0.0, width, height))
        .set("width", width)
        .set("height", height)
        .add(Style::new(STYLE))
        .add(Rectangle::new().set("width", width).set("height", height).set("fill", "#fff"))
        .add(text(&format!("{}: time by scratchpad and bandwidth", grid.name), 16.0, 24.0, "title"))
        .add(text("multiples of the compute time of all operators", 16.0, 44.0, "light"));
    let column = |index: usize| LEFT + index as f64 * CELL.0;
    // The largest size on top.
    let row = |index: usize| TOP + (grid.sizes.len() - 1 - index) as f64 * CELL.1;
    for (size_index, cells) in grid.cells.iter().enumerate() {
        let y = row(size_index);
        document.append(text(&bytes_text(grid.sizes[size_index]), LEFT - 8.0, y + 21.0, "row"));
        for (rate_index, cell) in cells.iter().enumerate() {
            let right = cells.get(rate_index + 1).copied().flatten();
            let up = grid.cells.get(size_index + 1).and_then(|it| it[rate_index]);
            for element in drawn(cell.as_ref(), right, up, (column(rate_index), y)) {
                document.append(element);
            }
        }
    }
    let floor = TOP + n_sizes * CELL.1;
    for (index, rate) in grid.rates.iter().enumerate() {
        document.append(text(&rate.to_string(), column(index) + CELL.0 / 2.0, floor + 18.0, "cell"));
    }
    document.append(text("bytes per cycle", LEFT + n_rates * CELL.0 / 2.0, floor + 36.0, "cell light"));
    let percent = 100.0 * PAYS;
    let legend = [
        format!("↑ the next scratchpad, → the next rate takes at least {percent:.0} % off the time"),
        "hover over a cell for its cycles and a proven lower bound".into(),
    ];
    for (line, y) in legend.iter().zip([62.0, 80.0]) {
        document.append(text(line, 16.0, floor + y, "light"));
    }
    format!("{document}\n")
}

fn drawn(cell: Option<&Cell>, right: Option<Cell>, up: Option<Cell>, (x, y): (f64, f64)) -> Vec<Element> {
    let base = Rectangle::new().set("x", x).set("y", y).set("width", CELL.0 - 2.0).set("height", CELL.1 - 2.0);
    let Some(cell) = cell else {
        let empty = base.set("fill", "none").set("stroke", "#ccc").set("stroke-dasharray", "3 3");
        return vec![empty.into(), text("too small", x + CELL.0 / 2.0, y + 21.0, "cell light").into()];
    };
    let ratio = cell.cycles.0 as f64 / cell.compute.0.max(1) as f64;
    let pays = |other: Option<Cell>| other.is_some_and(|it| it.cycles.0 as f64 <= (1.0 - PAYS) * cell.cycles.0 as f64);
    let arrows = format!("{}{}", if pays(up) { " ↑" } else { "" }, if pays(right) { " →" } else { "" });
    let dark = ((ratio.max(1.0)).ln() / DARKEST.ln()).clamp(0.0, 1.0);
    let class = if 0.5 < dark { "cell onDark" } else { "cell" };
    let tip = format!(
        "{} cycles; at least {} ({}); {} cycles of computing",
        cell.cycles, cell.bound.cycles, cell.bound.rule, cell.compute
    );
    let mut filled: Element = base.set("fill", shade(dark)).into();
    filled.append(svg::node::element::Title::new(tip));
    vec![filled, text(&format!("{ratio:.2}{arrows}"), x + CELL.0 / 2.0, y + 21.0, class).into()]
}

/// From a light to a dark blue, of falling lightness.
fn shade(dark: f64) -> String {
    let between = |light: f64, deep: f64| (light + (deep - light) * dark).round() as u8;
    format!("#{:02x}{:02x}{:02x}", between(226.0, 8.0), between(238.0, 48.0), between(249.0, 107.0))
}

fn text(content: &str, x: f64, y: f64, class: &str) -> Text {
    Text::new(content).set("x", x).set("y", y).set("class", class)
}
