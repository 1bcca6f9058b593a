//! The legend: the meaning of each mark that occurs in the picture.

use super::canvas::{Canvas, filled, rectangle};
use super::frame::{Frame, LEFT};
use crate::colour::{self, Kind};
use crate::names::Names;
use crate::units::shortened;
use crate::{Exhibit, Picture};
use std::collections::BTreeSet;
use svg::node::element::Rectangle;

const LINE: f64 = 18.0;
/// The width of a letter, an upper limit on average.
const LETTER_WIDTH: f64 = 6.4;

/// The entries, in lines of the width of the panels.
pub(super) struct Legend {
    /// Each entry with its line and its left end.
    entries: Vec<(Mark, String, usize, f64)>,
    n_lines: usize,
}

/// What an entry explains.
enum Mark {
    /// A box of a kind, and whether it has non-compulsory transfers.
    Box(Kind, bool),
    /// A weight that is kept from run to run.
    Kept,
    /// An incoming or outgoing transfer.
    Flight(&'static str),
    /// A rectangle of a class.
    Bar(&'static str),
    /// A line of classes.
    Line(&'static str),
    /// In place of an operand.
    Seam,
    /// The area of bytes in use.
    Area,
    /// Only the text.
    Nothing,
}

impl Legend {
    pub fn new(exhibit: &Exhibit, picture: &Picture, names: &Names, frame: &Frame) -> Legend {
        let mut legend = Legend { entries: Vec::new(), n_lines: 1 };
        let mut x = LEFT;
        for (mark, text) in entries(exhibit, picture, names) {
            let width = 38.0 + LETTER_WIDTH * text.chars().count() as f64;
            if frame.right() < x + width && LEFT < x {
                x = LEFT;
                legend.n_lines += 1;
            }
            legend.entries.push((mark, text, legend.n_lines - 1, x));
            x += width;
        }
        legend
    }

    /// The height that it needs.
    pub fn height(&self) -> f64 {
        LINE * self.n_lines as f64 + 14.0
    }

    pub fn draw(&self, frame: &Frame, canvas: &mut Canvas) {
        for (mark, text, line, x) in &self.entries {
            let (x, y) = (*x, frame.below() + 14.0 + LINE * *line as f64);
            let indent = if matches!(mark, Mark::Nothing) { 0.0 } else { 21.0 };
            canvas.text(x + indent, y, text, "key", "start");
            draw_mark(mark, x, y, canvas);
        }
    }
}

fn entries(exhibit: &Exhibit, picture: &Picture, names: &Names) -> Vec<(Mark, String)> {
    let blocks = || picture.blocks.iter();
    let kinds: BTreeSet<Kind> = blocks().map(|it| Kind::of(exhibit, it.content)).collect();
    let kinds = kinds.into_iter().map(|it| (true, Mark::Box(it, false), it.name()));
    let is_under_way = |is_inward: bool| blocks().flat_map(|it| &it.flights).any(|it| it.is_inward == is_inward);
    let is_out = |is_spilled: bool| picture.links.iter().any(|it| it.is_spilled == is_spilled);
    let is_in_place = !exhibit.is_tiled() && blocks().any(|it| !it.in_place_of.is_empty());
    let is_oversubscribed = !picture.oversubscribed(exhibit.problem.machine.scratchpad()).is_empty();
    let others = [
        (blocks().any(|it| it.is_kept), Mark::Kept, "weight, kept from run to run"),
        (blocks().any(|it| picture.is_moved(it)), Mark::Box(Kind::Activation, true), "spilled or reloaded"),
        (is_out(true), Mark::Line("link key-line"), "spilled, reloaded"),
        (is_out(false), Mark::Line("link free key-line"), "evicted without a spill, reloaded"),
        (is_in_place, Mark::Seam, "in place of an operand"),
        (is_under_way(true), Mark::Flight("way-in"), "on its way in"),
        (is_under_way(false), Mark::Flight("way-out"), "on its way out"),
        (is_oversubscribed, Mark::Bar("over"), "more live than fits"),
        (true, Mark::Bar("loaded"), "load"),
        (true, Mark::Bar("reloaded"), "reload"),
        (true, Mark::Bar("stored"), "store"),
        (true, Mark::Bar("spilled"), "spill"),
        (true, Mark::Area, "in the scratchpad"),
        (true, Mark::Line("live"), "live"),
    ];
    let shown = kinds.chain(others).filter(|it| it.0);
    let mut entries: Vec<(Mark, String)> = shown.map(|(_, mark, text)| (mark, text.to_owned())).collect();
    if !names.prefixes().is_empty() {
        let prefixes = names.prefixes().join(", ");
        let prefixes = shortened(&prefixes, 60, 5).unwrap_or_default();
        entries.push((Mark::Nothing, format!("names are without {prefixes}")));
    }
    entries
}

fn draw_mark(mark: &Mark, x: f64, y: f64, canvas: &mut Canvas) {
    let swatch = || rectangle(x, y - 9.0, 16.0, 11.0);
    let pattern = |name: &str| swatch().set("class", "kind").set("fill", format!("url(#{name})"));
    let boxed = |node: Rectangle, kind: Kind, is_moved: bool| filled(node, &colour::example(kind, is_moved));
    match mark {
        Mark::Box(kind, is_moved) => {
            let class = if *is_moved { "swatch moved" } else { "swatch" };
            canvas.add(boxed(swatch().set("class", class), *kind, *is_moved));
            if *kind != Kind::Activation {
                canvas.add(pattern(kind.name()));
            }
            if *is_moved {
                canvas.add(pattern("moved"));
            }
        }
        Mark::Kept => {
            canvas.add(boxed(swatch().set("class", "swatch"), Kind::Weight, false));
            canvas.add(pattern("kept"));
        }
        Mark::Flight(way) => {
            canvas.add(boxed(swatch().set("class", "flight"), Kind::Activation, false));
            canvas.add(pattern(way));
        }
        Mark::Bar("over") => canvas.add(rectangle(x, y - 6.0, 16.0, 4.0).set("class", "over")),
        Mark::Bar(class) => canvas.add(swatch().set("class", *class)),
        Mark::Line(class) => {
            canvas.path(format!("M{x} {}h16", y - 4.0), class);
        }
        Mark::Seam => {
            canvas.path(format!("M{} {}l8 5l-8 5Z", x + 4.0, y - 9.0), "seam");
        }
        Mark::Area => {
            canvas.path(format!("M{x} {y}v-8h16v8Z"), "occupied");
        }
        Mark::Nothing => {}
    }
}
