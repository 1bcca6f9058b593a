//! The legend: the meaning of each mark that occurs in the picture.

use super::canvas::{Canvas, rectangle};
use super::frame::{Frame, LEFT};
use crate::colour::Kind;
use crate::{Exhibit, Picture};
use std::collections::BTreeSet;
use svg::node::element::Rectangle;

pub(super) fn draw(exhibit: &Exhibit, picture: &Picture, frame: &Frame, canvas: &mut Canvas) {
    let (_, bottom) = frame.size();
    let mut legend = Legend { canvas, x: LEFT, y: bottom - 42.0, right: frame.right() };
    let kinds: BTreeSet<Kind> = picture.blocks.iter().map(|it| Kind::of(exhibit, it.content)).collect();
    for kind in kinds {
        legend.kind(kind);
    }
    if picture.blocks.iter().any(|it| picture.is_moved(it)) {
        let (x, y) = legend.entry("non-compulsory transfers");
        legend.canvas.add(swatch(x, y).set("fill", "#e8604c").set("stroke", "#111").set("class", "swatch"));
    }
    if picture.links.iter().any(|it| it.is_spilled) {
        let (x, y) = legend.entry("spilled, reloaded");
        legend.canvas.path(format!("M{} {}h16", x, y - 4.0), "link key-line");
    }
    if picture.links.iter().any(|it| !it.is_spilled) {
        let (x, y) = legend.entry("evicted without a spill, reloaded");
        legend.canvas.path(format!("M{} {}h16", x, y - 4.0), "link free key-line");
    }
    if !exhibit.is_tiled() && picture.blocks.iter().any(|it| !it.in_place_of.is_empty()) {
        let (x, y) = legend.entry("in place of an operand");
        legend.canvas.path(format!("M{} {}l8 5l-8 5Z", x + 4.0, y - 9.0), "seam");
    }
    for (is_inward, way) in [(true, "in"), (false, "out")] {
        if picture.blocks.iter().flat_map(|it| &it.flights).any(|it| it.is_inward == is_inward) {
            let (x, y) = legend.entry(&format!("on its way {way}"));
            legend.canvas.add(swatch(x, y).set("class", "flight").set("fill", "#cfe0f5"));
            legend.canvas.add(swatch(x, y).set("class", "kind").set("fill", format!("url(#way-{way})")));
        }
    }
    for (class, text) in [("loaded", "load"), ("reloaded", "reload"), ("stored", "store"), ("spilled", "spill")] {
        let (x, y) = legend.entry(text);
        legend.canvas.add(swatch(x, y).set("class", class));
    }
    let (x, y) = legend.entry("in the scratchpad");
    legend.canvas.path(format!("M{x} {y}v-8h16v8Z"), "occupied");
    let (x, y) = legend.entry("live");
    legend.canvas.path(format!("M{x} {}h16", y - 4.0), "live");
}

/// Places entries from left to right, then on the next line.
struct Legend<'a> {
    canvas: &'a mut Canvas,
    x: f64,
    y: f64,
    right: f64,
}

impl Legend<'_> {
    /// Writes the text of an entry and returns where its mark goes: the left end of the base line.
    fn entry(&mut self, text: &str) -> (f64, f64) {
        let width = 38.0 + 6.0 * text.len() as f64;
        if self.right < self.x + width {
            (self.x, self.y) = (LEFT, self.y + 18.0);
        }
        let (x, y) = (self.x, self.y);
        self.canvas.text(x + 21.0, y, text, "key", "start");
        self.x += width;
        (x, y)
    }

    fn kind(&mut self, kind: Kind) {
        let (x, y) = self.entry(kind.name());
        let colour = match kind {
            Kind::Input => "#d6ecd6",
            Kind::Weight => "#d1d1d1",
            Kind::Activation => "#cfe0f5",
            Kind::Workspace => "#bdbdbd",
        };
        self.canvas.add(swatch(x, y).set("class", "swatch").set("fill", colour).set("stroke", "#444"));
        if kind != Kind::Activation {
            let pattern = format!("url(#{})", kind.name());
            self.canvas.add(swatch(x, y).set("class", "kind").set("fill", pattern));
        }
    }
}

fn swatch(x: f64, y: f64) -> Rectangle {
    rectangle(x, y - 9.0, 16.0, 11.0)
}
