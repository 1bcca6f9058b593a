//! Drawing primitives of the plot on an SVG document. Arguments are sizes and traffic in bytes.

use super::axis::Scale;
use svg::node::element::path::Data;
use svg::node::element::{Circle, Element, Line, Path, Rectangle, Style, Text};
use svg::{Document, Node};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 44.0;
/// The y coordinate of the size axis.
const FLOOR: f64 = 402.0;
/// The y coordinate of the top of the legend.
const LEGEND: f64 = 456.0;
/// The height of a line of the legend.
const LINE: f64 = 20.0;

/// The average width of a letter.
const LETTER: f64 = 6.0;

const STYLE: &str = "\
text { font: 12px 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #222 }
text.title { font-size: 15px; font-weight: 600 }
text.light { fill: #666 }
text.base { fill: #444; stroke: #fff; stroke-width: 3; paint-order: stroke }
line.grid { stroke: #e8e8e8 }
line.axis { stroke: #222 }
line.base { stroke: #444; stroke-dasharray: 6 3 }
path.stairs { fill: none; stroke-width: 1.6; stroke-linejoin: round }";

/// The colours of all but the curves, where dark is preferred.
const DARK: &str = "\
[fill='#fff'] { fill: #1c1c1e }
[fill='#555'] { fill: #bbb } [stroke='#555'] { stroke: #bbb }
text { fill: #e4e4e6 }
text.light { fill: #a8a8ac }
text.base { fill: #c8c8cc; stroke: #1c1c1e }
line.grid { stroke: #36363a }
line.axis { stroke: #e4e4e6 }
line.base { stroke: #c8c8cc }";

/// The scales of the plot.
pub struct Frame {
    /// The scale of scratchpad sizes.
    pub x: Scale,
    /// The scale of traffic.
    pub y: Scale,
}

impl Frame {
    fn x(&self, size: f64) -> f64 {
        round(LEFT + self.x.part(size) * (WIDTH - LEFT - RIGHT))
    }

    fn y(&self, traffic: f64) -> f64 {
        round(FLOOR - self.y.part(traffic) * (FLOOR - TOP))
    }
}

/// The shape of a curve's marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
}

impl Mark {
    /// All marks, in the order in which curves get them.
    pub const ALL: [Mark; 4] = [Mark::Circle, Mark::Square, Mark::Triangle, Mark::Diamond];
}

/// How a curve looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The shape of its marks.
    pub mark: Mark,
    /// Its colour.
    pub colour: &'static str,
    /// Lengths of its dashes and of the gaps after them, as SVG has them; empty if it has none.
    pub dashes: &'static str,
}

/// The sample of a legend entry.
pub enum Sample {
    /// A piece of a curve.
    Curve(Look),
    /// A single mark: its colour, and whether it is filled.
    Mark(&'static str, bool),
    /// A piece of a band: its colour.
    Band(&'static str),
}

/// The alignment of a text.
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A plot that is being drawn.
pub struct Canvas<'a> {
    frame: &'a Frame,
    document: Document,
    height: f64,
}

impl Canvas<'_> {
    /// An empty plot on white.
    pub fn new(frame: &Frame) -> Canvas<'_> {
        let document = Document::new()
            .add(Style::new(STYLE))
            .add(Rectangle::new().set("width", "100%").set("height", "100%").set("fill", "#fff"));
        Canvas { frame, document, height: LEGEND }
    }

    /// The SVG document as text.
    pub fn finish(self) -> String {
        let Canvas { document, height, .. } = self;
        let document = document.set("width", WIDTH).set("height", height);
        let mut text = document.set("viewBox", format!("0 0 {WIDTH} {height}")).to_string();
        text.push('\n');
        text
    }

    /// Gives the plot a dark form for those who prefer that. Of each colour of curves it takes the dark one.
    pub fn dark(&mut self, colours: &[(&str, &str)]) {
        let mut rules = String::from(DARK);
        for (light, dark) in colours {
            rules += &format!("\n[stroke='{light}'] {{ stroke: {dark} }} [fill='{light}'] {{ fill: {dark} }}");
        }
        self.add(Style::new(format!("@media (prefers-color-scheme: dark) {{\n{rules}\n}}")));
    }

    /// Writes a title at the top left, and a note at the top right.
    pub fn title(&mut self, left: &str, right: &str) {
        self.text((LEFT, 26.0), left, &Anchor::Start, "title");
        self.text((WIDTH - RIGHT, 26.0), right, &Anchor::End, "light");
    }

    /// Draws a tick of the traffic axis with a grid line.
    pub fn y_tick(&mut self, traffic: f64, text: &str) {
        let y = self.frame.y(traffic);
        self.line([LEFT, y, WIDTH - RIGHT, y], "grid");
        self.text((LEFT - 8.0, y + 4.0), text, &Anchor::End, "");
    }

    /// Draws a tick of the size axis with a grid line.
    pub fn x_tick(&mut self, size: f64, text: &str) {
        let x = self.frame.x(size);
        self.line([x, TOP, x, FLOOR], "grid");
        self.line([x, FLOOR, x, FLOOR + 5.0], "axis");
        self.text((x, FLOOR + 20.0), text, &Anchor::Middle, "");
    }

    /// Draws the axes with their labels; `is_broken` if the traffic axis does not begin at zero.
    pub fn axes(&mut self, x: &str, y: &str, is_broken: bool) {
        self.line([LEFT, FLOOR, WIDTH - RIGHT, FLOOR], "axis");
        self.line([LEFT, TOP, LEFT, FLOOR], "axis");
        if is_broken {
            let y = FLOOR - 9.0;
            let gap = Rectangle::new().set("x", LEFT - 3.0).set("y", y - 2.0).set("width", 6).set("height", 4);
            self.add(gap.set("fill", "#fff"));
            for y in [y - 2.0, y + 2.0] {
                self.line([LEFT - 5.0, y + 2.0, LEFT + 5.0, y - 2.0], "axis");
            }
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        self.text((middle, FLOOR + 42.0), x, &Anchor::Middle, "");
        let (x, middle) = (20.0, (TOP + FLOOR) / 2.0);
        let text = text((x, middle), y, &Anchor::Middle, "");
        self.add(text.set("transform", format!("rotate(-90 {x} {middle})")));
    }

    /// Draws a line at the compulsory traffic with a label.
    pub fn baseline(&mut self, traffic: f64, text: &str) {
        let y = self.frame.y(traffic);
        self.line([LEFT, y, WIDTH - RIGHT, y], "base");
        let y = if y + 20.0 < FLOOR { y + 15.0 } else { y - 6.0 };
        self.text((LEFT + 8.0, y), text, &Anchor::Start, "base");
    }

    /// Fills rectangles, each given by two sizes and two amounts of traffic: left, right, low, high.
    pub fn band(&mut self, steps: &[[f64; 4]], colour: &str) {
        let mut data = Data::new();
        for [left, right, low, high] in steps {
            let ((x, end), (bottom, top)) =
                ((self.frame.x(*left), self.frame.x(*right)), (self.frame.y(*low), self.frame.y(*high)));
            data =
                data.move_to((x, top)).horizontal_line_to(end).vertical_line_to(bottom).horizontal_line_to(x).close();
        }
        if !steps.is_empty() {
            self.add(Path::new().set("d", data).set("fill", colour).set("fill-opacity", 0.18));
        }
    }

    /// Draws a step function through points of size and traffic, continued to the end of the axis.
    pub fn stairs(&mut self, dots: &[(f64, f64)], look: &Look) {
        let Some((first, rest)) = dots.split_first() else { return };
        let mut data = Data::new().move_to((self.frame.x(first.0), self.frame.y(first.1)));
        for dot in rest {
            data = data.horizontal_line_to(self.frame.x(dot.0)).vertical_line_to(self.frame.y(dot.1));
        }
        data = data.horizontal_line_to(WIDTH - RIGHT);
        self.add(stairs(data, look));
    }

    /// Draws a whisker from a plan at `high` down to its bound at `low`.
    pub fn whisker(&mut self, size: f64, low: f64, high: f64, colour: &str) {
        let (x, bottom, top) = (self.frame.x(size), self.frame.y(low), self.frame.y(high));
        self.foot((x, top), bottom, colour);
    }

    /// Draws the mark of a planned size.
    pub fn mark(&mut self, (size, traffic): (f64, f64), mark: Mark, colour: &str, is_filled: bool) {
        let at = (self.frame.x(size), self.frame.y(traffic));
        self.add(shape(at, mark, colour, is_filled));
    }

    /// Draws the legend below the axes, in as many lines as necessary.
    pub fn legend(&mut self, entries: &[(Sample, String)]) {
        let (mut x, mut y) = (LEFT, LEGEND + 8.0);
        for (sample, text) in entries {
            let sample_width = match sample {
                Sample::Curve(look) if !look.dashes.is_empty() => 51.0,
                _ => 31.0,
            };
            let width = sample_width + 1.0 + LETTER * text.chars().count() as f64;
            if LEFT < x && WIDTH - RIGHT < x + width {
                (x, y) = (LEFT, y + LINE);
            }
            self.sample(sample, (round(x), y));
            self.text((x + sample_width, y + 4.0), text, &Anchor::Start, "");
            x += width + 22.0;
        }
        if !entries.is_empty() {
            self.height = y + LINE;
        }
    }

    fn sample(&mut self, sample: &Sample, (x, y): (f64, f64)) {
        match *sample {
            Sample::Curve(look) => {
                // Dashes show on a longer piece.
                let length = if look.dashes.is_empty() { 24.0 } else { 44.0 };
                let data = Data::new().move_to((x, y)).horizontal_line_to(x + length);
                self.add(stairs(data, &look));
                self.add(shape((x + length / 2.0, y), look.mark, look.colour, true));
            }
            Sample::Mark(colour, is_filled) => {
                if !is_filled {
                    self.foot((x + 12.0, y - 4.0), y + 5.0, colour);
                }
                self.add(shape((x + 12.0, if is_filled { y } else { y - 4.0 }), Mark::Circle, colour, is_filled));
            }
            Sample::Band(colour) => {
                let area = Rectangle::new().set("x", x).set("y", y - 5.0).set("width", 24).set("height", 10);
                self.add(area.set("fill", colour).set("fill-opacity", 0.18));
            }
        }
    }

    /// Draws a vertical line with a short horizontal line at its lower end.
    fn foot(&mut self, (x, top): (f64, f64), bottom: f64, colour: &str) {
        let data = Data::new().move_to((x, top)).vertical_line_to(bottom);
        let data = data.move_to((round(x - 3.0), bottom)).horizontal_line_to(round(x + 3.0));
        self.add(Path::new().set("d", data).set("stroke", colour).set("fill", "none"));
    }

    /// Writes a note in the middle of an empty plot.
    pub fn note(&mut self, text: &str) {
        let at = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + FLOOR) / 2.0);
        self.text(at, text, &Anchor::Middle, "light");
    }

    fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], class: &str) {
        self.add(Line::new().set("x1", x1).set("y1", y1).set("x2", x2).set("y2", y2).set("class", class));
    }

    fn text(&mut self, at: (f64, f64), content: &str, anchor: &Anchor, class: &str) {
        self.add(text(at, content, anchor, class));
    }

    fn add(&mut self, node: impl Into<Element>) {
        self.document.append(node.into());
    }
}

fn text((x, y): (f64, f64), content: &str, anchor: &Anchor, class: &str) -> Text {
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let text = Text::new(content).set("x", round(x)).set("y", round(y)).set("text-anchor", anchor);
    if class.is_empty() { text } else { text.set("class", class) }
}

fn stairs(data: Data, look: &Look) -> Path {
    let path = Path::new().set("d", data).set("class", "stairs").set("stroke", look.colour);
    if look.dashes.is_empty() { path } else { path.set("stroke-dasharray", look.dashes) }
}

fn shape((x, y): (f64, f64), mark: Mark, colour: &str, is_filled: bool) -> Element {
    let fill = if is_filled { colour } else { "#fff" };
    let path = |corners: &[(f64, f64)]| {
        let mut data = Data::new().move_to((round(x + corners[0].0), round(y + corners[0].1)));
        for corner in &corners[1..] {
            data = data.line_to((round(x + corner.0), round(y + corner.1)));
        }
        Path::new().set("d", data.close()).set("fill", fill).set("stroke", colour).set("stroke-width", 1.3).into()
    };
    match mark {
        Mark::Circle => {
            let circle = Circle::new().set("cx", x).set("cy", y).set("r", 3.4).set("fill", fill);
            circle.set("stroke", colour).set("stroke-width", 1.3).into()
        }
        Mark::Square => path(&[(-3.2, -3.2), (3.2, -3.2), (3.2, 3.2), (-3.2, 3.2)]),
        Mark::Triangle => path(&[(0.0, -4.4), (4.2, 3.2), (-4.2, 3.2)]),
        Mark::Diamond => path(&[(0.0, -4.6), (4.6, 0.0), (0.0, 4.6), (-4.6, 0.0)]),
    }
}

/// Rounds to tenths, so that files are small and do not depend on the platform.
fn round(number: f64) -> f64 {
    (10.0 * number).round() / 10.0
}
