//! Programs over time as a small static SVG picture, one below the other on one axis of cycles: before and after.
//!
//! Each program has a row for the compute engine and one for each channel. Where the engine stalls, the colour and
//! the pattern give the reason. The picture has a dark form.

mod style;

use crate::Exhibit;
use crate::svg::canvas::{rectangle, round, title};
use crate::timing::Timed;
use crate::units::{counted_off, plain, shortened, ticks};
use cosma_planner::Cycles;
use cosma_planner::time::Reason;
use std::collections::BTreeSet;
use std::ops::Range;
use style::{STYLE, class_of, colour_of, patterns};
use svg::node::element::{self, Line, Rectangle, Style};
use svg::{Document, Node};

const LEFT: f64 = 100.0;
const WIDTH: f64 = 760.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 12.0;
/// A row of bars, and the gap between two rows.
const ROW: f64 = 16.0;
const GAP: f64 = 4.0;
const TITLE: f64 = 20.0;
/// Between two programs.
const APART: f64 = 14.0;
const LETTER_WIDTH: f64 = 5.0;

/// Draws programs with their labels on one axis of cycles. For a program without a clock, the picture says that it
/// has none.
pub fn time_chart(programs: &[(&str, &Exhibit)]) -> String {
    let timed: Vec<Option<Timed>> = programs.iter().map(|it| Timed::new(it.1)).collect();
    let makespans = timed.iter().flatten().map(|it| it.timeline.makespan.0);
    let mut chart = Chart { nodes: Vec::new(), y: TOP, most: makespans.max().unwrap_or(0).max(1) };
    let mut legend = Legend::default();
    for ((label, exhibit), timed) in programs.iter().zip(&timed) {
        match timed {
            Some(timed) => chart.program(label, exhibit, timed, &mut legend),
            None => chart.heading(&format!("{}: no clock", plain(label))),
        }
        chart.y += APART;
    }
    chart.axis();
    chart.legend(&legend);
    chart.finish()
}

/// The text to write.
#[derive(Default)]
struct Legend {
    kinds: BTreeSet<&'static str>,
    reasons: BTreeSet<Reason>,
}

struct Chart {
    nodes: Vec<Box<dyn Node>>,
    /// Where the next row begins.
    y: f64,
    /// The cycles at the right end; not zero.
    most: u64,
}

impl Chart {
    fn program(&mut self, label: &str, exhibit: &Exhibit, timed: &Timed, legend: &mut Legend) {
        let makespan = timed.timeline.makespan;
        let channels = exhibit.problem.machine.clock().map_or(&[][..], |it| &it.channels);
        let top = self.y + TITLE;
        self.heading(&format!("{}: {} cycles", plain(label), counted_off(makespan.0)));
        self.row_name("compute");
        for (op, time) in timed.computing(exhibit) {
            self.bar(&time, "run", exhibit.operator_name(op), "");
        }
        for stall in &timed.timeline.stalls {
            legend.reasons.insert(stall.reason);
            let tensor = exhibit.tensor_name(stall.tensor);
            let class = format!("stall {}", class_of(stall.reason));
            self.bar(&stall.cycles, &class, "", &format!("waits for {} ({})", plain(tensor), stall.reason));
            let (x, width) = (self.x(stall.cycles.start), self.x(stall.cycles.end) - self.x(stall.cycles.start));
            let fill = format!("url(#{})", class_of(stall.reason));
            self.add(rectangle(x, self.y, width, ROW).set("class", "mark").set("fill", fill));
        }
        self.y += ROW + GAP;
        for (index, channel) in channels.iter().enumerate() {
            self.row_name(&channel.name);
            for it in timed.transfers.iter().filter(|it| it.channel.index() == index) {
                legend.kinds.insert(it.kind.name());
                let name = exhibit.tensor_name(it.tensor);
                self.bar(&it.busy, it.kind.name(), name, it.kind.name());
            }
            self.y += ROW + GAP;
        }
        // Where it ends.
        let x = self.x(makespan);
        self.line((x, top), (x, self.y), "end");
    }

    fn heading(&mut self, text: &str) {
        self.text(LEFT, self.y + 13.0, text, "heading", "start");
        self.y += TITLE;
    }

    fn row_name(&mut self, name: &str) {
        let name = shortened(&plain(name), 15, 3).unwrap_or_default();
        self.text(LEFT - 8.0, self.y + 12.0, &name, "row", "end");
        self.line((LEFT, self.y + ROW), (LEFT + WIDTH, self.y + ROW), "grid");
    }

    /// A bar in the row, with its name if it fits, and a tooltip.
    fn bar(&mut self, time: &Range<Cycles>, class: &str, name: &str, what: &str) {
        let (x, width) = (self.x(time.start), self.x(time.end) - self.x(time.start));
        let (start, end) = (counted_off(time.start.0), counted_off(time.end.0));
        let tip = format!("{} {}\ncycles {start} to {end}", what, plain(name));
        self.add(rectangle(x, self.y, width, ROW).set("class", format!("bar {class}")).add(title(tip.trim())));
        let letters = ((width - 4.0).max(0.0) / LETTER_WIDTH) as usize;
        if let Some(name) = shortened(name, letters, 5).filter(|it| !it.is_empty()) {
            self.text(x + width / 2.0, self.y + 11.5, &plain(&name), &format!("name on-{class}"), "middle");
        }
    }

    fn axis(&mut self) {
        self.y -= APART - 4.0;
        self.line((LEFT, self.y), (LEFT + WIDTH, self.y), "axis");
        for tick in ticks(self.most, 8, false) {
            let x = self.x(Cycles(tick));
            self.line((x, self.y), (x, self.y + 4.0), "axis");
            let label = counted_off(tick);
            let half = label.len() as f64 * LETTER_WIDTH / 2.0;
            let anchor = if LEFT + WIDTH + RIGHT < x + half + LETTER_WIDTH { "end" } else { "middle" };
            self.text(x, self.y + 16.0, &label, "tick", anchor);
        }
        self.text(LEFT - 8.0, self.y + 16.0, "cycles", "tick", "end");
        self.y += 36.0;
    }

    fn legend(&mut self, legend: &Legend) {
        let kinds = ["load", "reload", "store", "spill", "move"].into_iter().filter(|it| legend.kinds.contains(it));
        let kinds = kinds.map(|it| (it.to_owned(), it, None));
        let reasons = legend.reasons.iter().map(|it| (format!("stall: {it}"), "stall", Some(*it)));
        let mut x = LEFT;
        for (text, class, reason) in [("operator".to_owned(), "run", None)].into_iter().chain(kinds).chain(reasons) {
            let width = 38.0 + 6.0 * text.len() as f64;
            if LEFT + WIDTH < x + width {
                (x, self.y) = (LEFT, self.y + 18.0);
            }
            let swatch = |y: f64| rectangle(x, y - 9.0, 16.0, 11.0);
            let y = self.y;
            let class = reason.map_or(format!("bar {class}"), |it| format!("bar stall {}", class_of(it)));
            self.add(swatch(y).set("class", class));
            if let Some(reason) = reason {
                self.add(swatch(y).set("class", "mark").set("fill", format!("url(#{})", class_of(reason))));
            }
            self.text(x + 21.0, y, &text, "key", "start");
            x += width;
        }
        self.y += 14.0;
    }

    fn finish(self) -> String {
        let (width, height) = (LEFT + WIDTH + RIGHT, self.y);
        let reasons: String =
            Reason::ALL.iter().map(|it| format!("\n.{} {{ fill: {} }}", class_of(*it), colour_of(*it))).collect();
        let mut document = Document::new()
            .set("width", round(width))
            .set("height", round(height))
            .set("viewBox", format!("0 0 {} {}", round(width), round(height)))
            .add(Style::new(format!("{STYLE}{reasons}")))
            .add(patterns())
            .add(Rectangle::new().set("width", "100%").set("height", "100%").set("class", "paper"));
        for node in self.nodes {
            document.append(node);
        }
        let mut text = document.to_string();
        text.push('\n');
        text
    }

    fn x(&self, time: Cycles) -> f64 {
        LEFT + WIDTH * time.0 as f64 / self.most as f64
    }

    fn add(&mut self, node: impl Into<Box<dyn Node>>) {
        self.nodes.push(node.into());
    }

    fn text(&mut self, x: f64, y: f64, text: &str, class: &str, anchor: &str) {
        let node = element::Text::new(text).set("x", round(x)).set("y", round(y));
        self.add(node.set("class", class).set("text-anchor", anchor));
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let line = Line::new().set("x1", round(from.0)).set("y1", round(from.1));
        self.add(line.set("x2", round(to.0)).set("y2", round(to.1)).set("class", class));
    }
}
