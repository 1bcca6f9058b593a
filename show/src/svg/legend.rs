//! What the marks mean; only of what there is in the picture.

use super::canvas::{Canvas, rectangle};
use super::frame::{Frame, LEFT};
use crate::colour::Kind;
use crate::{Exhibit, Picture};
use std::collections::BTreeSet;

pub(super) fn draw(exhibit: &Exhibit, picture: &Picture, frame: &Frame, canvas: &mut Canvas) {
    let (_, bottom) = frame.size();
    let mut cursor = Cursor { x: LEFT, y: bottom - 42.0, right: frame.right() };
    let kinds: BTreeSet<Kind> = picture.blocks.iter().map(|it| Kind::of(exhibit, it.content)).collect();
    for kind in kinds {
        let (x, y) = cursor.take(kind.name());
        let colour = match kind {
            Kind::Input => "#d6ecd6",
            Kind::Weight => "#d1d1d1",
            Kind::Activation => "#cfe0f5",
            Kind::Workspace => "#bdbdbd",
        };
        canvas.add(rectangle(x, y - 9.0, 16.0, 11.0).set("class", "swatch").set("fill", colour).set("stroke", "#444"));
        if kind != Kind::Activation {
            let marks = rectangle(x, y - 9.0, 16.0, 11.0).set("class", "kind");
            canvas.add(marks.set("fill", format!("url(#{})", kind.name())));
        }
        canvas.text(x + 21.0, y, kind.name(), "key", "start");
    }
    let is_moved = picture.blocks.iter().any(|it| picture.is_moved(it));
    if is_moved {
        let (x, y) = cursor.take("moved more often than it must be");
        let swatch = rectangle(x, y - 9.0, 16.0, 11.0).set("fill", "#e8604c").set("stroke", "#111");
        canvas.add(swatch.set("class", "swatch"));
        canvas.text(x + 21.0, y, "moved more often than it must be", "key", "start");
    }
    if picture.links.iter().any(|it| it.is_spilled) {
        let (x, y) = cursor.take("spilled, reloaded");
        canvas.path(format!("M{} {}h16", x, y - 4.0), "link key-line");
        canvas.text(x + 21.0, y, "spilled, reloaded", "key", "start");
    }
    if picture.links.iter().any(|it| !it.is_spilled) {
        let text = "left for free, reloaded";
        let (x, y) = cursor.take(text);
        canvas.path(format!("M{} {}h16", x, y - 4.0), "link free key-line");
        canvas.text(x + 21.0, y, text, "key", "start");
    }
    if picture.blocks.iter().any(|it| !it.in_place_of.is_empty()) {
        let text = "in the place of an operand";
        let (x, y) = cursor.take(text);
        canvas.path(format!("M{} {}l8 5l-8 5Z", x + 4.0, y - 9.0), "seam");
        canvas.text(x + 21.0, y, text, "key", "start");
    }
    for (class, text) in [("loaded", "load"), ("reloaded", "reload"), ("stored", "store"), ("spilled", "spill")] {
        let (x, y) = cursor.take(text);
        canvas.add(rectangle(x, y - 9.0, 16.0, 11.0).set("class", class));
        canvas.text(x + 21.0, y, text, "key", "start");
    }
    for (class, text) in [("occupied", "in the scratchpad"), ("live", "live, there or not")] {
        let (x, y) = cursor.take(text);
        let data = if class == "live" { format!("M{x} {}h16", y - 4.0) } else { format!("M{x} {y}v-8h16v8Z") };
        canvas.path(data, class);
        canvas.text(x + 21.0, y, text, "key", "start");
    }
}

/// Where the next key goes: from left to right, then to the next line.
struct Cursor {
    x: f64,
    y: f64,
    right: f64,
}

impl Cursor {
    fn take(&mut self, text: &str) -> (f64, f64) {
        let width = 38.0 + 6.0 * text.len() as f64;
        if self.right < self.x + width {
            (self.x, self.y) = (LEFT, self.y + 18.0);
        }
        let place = (self.x, self.y);
        self.x += width;
        place
    }
}
