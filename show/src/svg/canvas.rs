//! Drawing primitives on an SVG document.

use super::frame::{Frame, LEFT, Panel};
use crate::colour::Tone;
use crate::units::{plain, plain_lines};
use svg::node::Value;
use svg::node::element::{self, Definitions, Element, Group, Line, Path, Pattern, Rectangle, Style, Title};
use svg::{Document, Node};

/// The style sheet. Fonts are those of the reader's system. Each tensor has its own colour for dark paper, as
/// `--dark`, so programs that do not support variables show the light form.
const STYLE: &str = "\
text { font: 11px 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #333 }
text.title { font-size: 17px; font-weight: 600; fill: #111 }
text.facts { font-size: 12px }
text.name { font-size: 9px; fill: #111; pointer-events: none }
.paper { fill: #fff }
rect.block, rect.swatch { stroke: #444; stroke-width: 0.5 }
rect.moved { stroke: #111; stroke-width: 1.2 }
rect.piece { stroke: none }
rect.piece.moved { stroke: #111; stroke-width: 0.6 }
rect.chain { fill: #dbe6f2; stroke: #fff; stroke-width: 0.8 }
rect.alone { fill: #f0f0f0 }
rect.plate { fill-opacity: 0.85; pointer-events: none }
rect.kind { stroke: none; pointer-events: none }
.ink { fill: none; stroke: #777; stroke-width: 0.8 }
.strong { stroke: #333 }
.dot { fill: #555 }
.band { fill: none; stroke: #fff; stroke-width: 3.2; stroke-opacity: 0.5 }
line.grid { stroke: #e6e6e6 }
line.axis { stroke: #333 }
line.capacity { stroke: #c62828; stroke-width: 1.5; stroke-dasharray: 7 3 }
path.link { fill: none; stroke-width: 1.6 }
path.halo { fill: none; stroke: #fff; stroke-width: 3.6; stroke-opacity: 0.75 }
path.free { stroke-dasharray: 4 2.5 }
path.spill, path.reload { stroke: #fff; stroke-width: 0.6 }
path.seam { fill: #333; stroke: #fff; stroke-width: 0.6 }
path.key-line { stroke: #333 }
path.occupied { fill: #9ec3e6; stroke: #2b6ca3; stroke-width: 1 }
path.live { fill: none; stroke: #e08214; stroke-width: 1.4 }
rect.over { fill: #c62828 }
rect.over-band { fill: #c62828; fill-opacity: 0.1 }
text.capacity { fill: #c62828 }
.loaded { fill: #b3b3b3 }
.reloaded { fill: #d7301f }
.stored { fill: #7f9fc4 }
.spilled { fill: #7a1fa2 }
@media screen and (prefers-color-scheme: dark) {
text { fill: #ccc }
text.title { fill: #fff }
text.name { fill: #fff }
.paper { fill: #16191d }
rect.block, rect.flight, rect.plate, rect.swatch, path.spill, path.reload { fill: var(--dark) }
path.link { stroke: var(--dark) }
rect.block, rect.swatch { stroke: #999 }
rect.piece { stroke: none }
rect.moved, rect.piece.moved { stroke: #fff }
rect.chain { fill: #2c3a4a; stroke: #16191d }
rect.alone { fill: #2a2d31 }
.ink { stroke: #aaa }
.strong { stroke: #eee }
.dot { fill: #ddd }
.band { stroke: #000; stroke-opacity: 0.3 }
line.grid { stroke: #30353b }
line.axis { stroke: #bbb }
line.capacity { stroke: #ff6b5e }
path.halo { stroke: #16191d }
path.spill, path.reload { stroke: #16191d }
path.seam { fill: #eee; stroke: #222 }
path.key-line { stroke: #ccc }
path.occupied { fill: #2f5f8a; stroke: #6ea8d8 }
path.live { stroke: #f0a040 }
rect.over { fill: #ff6b5e }
rect.over-band { fill: #ff6b5e; fill-opacity: 0.16 }
text.capacity { fill: #ff8a80 }
.loaded { fill: #6b6b6b }
.reloaded { fill: #ff7d60 }
.stored { fill: #3f6490 }
.spilled { fill: #d9a0f5 }
}";

/// The style of transfers in progress, for pictures that have some.
pub(super) const FLIGHT_STYLE: &str = "\
rect.flight { stroke: #444; stroke-width: 0.5; stroke-dasharray: 3 2; fill-opacity: 0.4 }
@media screen and (prefers-color-scheme: dark) {
rect.flight { stroke: #999 }
}";

pub(super) struct Canvas {
    document: Document,
    group: Group,
}

impl Canvas {
    pub fn new(frame: &Frame) -> Canvas {
        let (width, height) = frame.size();
        let document = Document::new()
            .set("width", round(width))
            .set("height", round(height))
            .set("viewBox", format!("0 0 {} {}", round(width), round(height)))
            .add(Style::new(STYLE))
            .add(patterns())
            .add(Rectangle::new().set("width", "100%").set("height", "100%").set("class", "paper"));
        Canvas { document, group: Group::new() }
    }

    pub fn finish(self) -> String {
        let mut text = self.document.add(self.group).to_string();
        text.push('\n');
        text
    }

    pub fn add(&mut self, node: impl Into<Box<dyn Node>>) {
        self.group.append(node);
    }

    pub fn text(&mut self, x: f64, y: f64, text: &str, class: &str, anchor: &str) {
        let node = element::Text::new(plain(text)).set("x", round(x)).set("y", round(y));
        self.add(node.set("class", class).set("text-anchor", anchor));
    }

    /// Writes text from bottom to top, centred at a point.
    pub fn upright(&mut self, x: f64, y: f64, text: &str, class: &str) {
        let turned = format!("rotate(-90 {} {})", round(x), round(y));
        let node = element::Text::new(plain(text)).set("x", round(x)).set("y", round(y));
        self.add(node.set("class", class).set("text-anchor", "middle").set("transform", turned));
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let line = Line::new().set("x1", round(from.0)).set("y1", round(from.1));
        self.add(line.set("x2", round(to.0)).set("y2", round(to.1)).set("class", class));
    }

    pub fn path(&mut self, data: String, class: &str) -> &mut Self {
        self.add(Path::new().set("d", data).set("class", class));
        self
    }

    /// Draws a panel's axes: ticks at the left, a grid, and a label with the unit.
    pub fn axes(&mut self, frame: &Frame, panel: &Panel, what: &str) {
        let (ticks, unit) = panel.ticks();
        for (bytes, number) in ticks {
            let y = panel.y(bytes);
            self.line((LEFT, y), (frame.right(), y), "grid");
            self.text(LEFT - 6.0, y + 4.0, &number, "tick", "end");
        }
        self.upright(18.0, panel.top + panel.height / 2.0, &format!("{what}, {unit}"), "axis");
        for step in frame.step_ticks() {
            let x = frame.x(step);
            self.line((x, panel.top), (x, panel.bottom()), "grid");
            self.line((x, panel.bottom()), (x, panel.bottom() + 4.0), "axis");
        }
        self.line((LEFT, panel.bottom()), (frame.right(), panel.bottom()), "axis");
        self.line((LEFT, panel.top), (LEFT, panel.bottom()), "axis");
    }

    /// Writes the step numbers below a panel.
    pub fn steps(&mut self, frame: &Frame, panel: &Panel) {
        let half = frame.step_width() / 2.0;
        for step in frame.step_ticks() {
            self.text(frame.x(step) + half, panel.bottom() + 16.0, &step.to_string(), "tick", "middle");
        }
        self.text(frame.right(), panel.bottom() + 30.0, "step", "axis", "end");
    }
}

/// A rectangle from its top left corner.
pub(crate) fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Rectangle {
    Rectangle::new().set("x", round(x)).set("y", round(y)).set("width", round(width)).set("height", round(height))
}

/// A tip. The length of names in it is already limited.
pub(crate) fn title(text: &str) -> Title {
    Title::new(plain_lines(text))
}

/// The same node with separate colours for light and dark paper.
pub(super) fn filled(node: Rectangle, tone: &Tone) -> Rectangle {
    node.set("fill", tone.light.as_str()).set("style", dark(tone))
}

/// The colour for dark paper, as the style sheet reads it.
pub(super) fn dark(tone: &Tone) -> String {
    format!("--dark:{}", tone.dark)
}

/// Patterns drawn over a block's colour: stripes for weights, bars for kept weights, dots for inputs, a grid for
/// workspaces, broad bands for tensors with non-compulsory transfers.
fn patterns() -> Definitions {
    let dot = element::Circle::new().set("cx", 2.5).set("cy", 2.5).set("r", 0.9).set("class", "dot");
    Definitions::new()
        .add(pattern("weight", 6.0, path("M0 6L6 0M-1 1L1 -1M5 7L7 5", "ink")))
        .add(pattern("kept", 6.0, path("M0 1.5H6M0 4.5H6", "ink")))
        .add(pattern("input", 5.0, dot.into()))
        .add(pattern("workspace", 5.0, path("M0 0L5 5M0 5L5 0", "ink")))
        .add(pattern("moved", 10.0, path("M0 0L10 10M-2 8L2 12M8 -2L12 2", "band")))
}

/// Rising stripes for incoming transfers, falling stripes for outgoing ones.
pub(super) fn flight_patterns() -> Definitions {
    Definitions::new().add(pattern("way-in", 8.0, path("M0 8L8 0M-1 1L1 -1M7 9L9 7", "ink strong"))).add(pattern(
        "way-out",
        8.0,
        path("M0 0L8 8M-1 7L1 9M7 -1L9 1", "ink strong"),
    ))
}

pub(crate) fn pattern(name: &str, size: f64, mark: Element) -> Pattern {
    let pattern = Pattern::new().set("id", name).set("width", size).set("height", size);
    pattern.set("patternUnits", "userSpaceOnUse").add(mark)
}

fn path(data: &str, class: &str) -> Element {
    Path::new().set("d", data).set("class", class).into()
}

/// Rounds to hundredths, which is finer than can be seen.
pub(crate) fn round(value: f64) -> Value {
    ((value * 100.0).round() / 100.0).into()
}
