//! What is drawn, in the words of SVG. Numbers come as what they stand for; where they lie is decided here.

use super::axis::Scale;
use svg::node::element::path::Data;
use svg::node::element::{Circle, Element, Line, Path, Rectangle, Style, Text};
use svg::{Document, Node};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 58.0;

/// Width of a letter of the text beside, on average: there is no font to measure.
const LETTER: f64 = 6.3;

const STYLE: &str = "\
text { font: 12px 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #222 }
text.title { font-size: 15px; font-weight: 600 }
text.light { fill: #666 }
line.grid { stroke: #e8e8e8 }
line.axis { stroke: #222 }
line.base { stroke: #444; stroke-dasharray: 6 3 }
path.stairs { fill: none; stroke-width: 1.6; stroke-linejoin: round }
rect.legend { fill: #fff; fill-opacity: 0.88; stroke: #ccc }";

/// Where numbers lie.
pub struct Frame {
    /// Of the scratchpad's size.
    pub x: Scale,
    /// Of traffic.
    pub y: Scale,
}

impl Default for Frame {
    fn default() -> Frame {
        Frame { x: Scale::linear(0.0, 1.0), y: Scale::linear(0.0, 1.0) }
    }
}

impl Frame {
    fn x(&self, size: f64) -> f64 {
        round(LEFT + self.x.part(size) * (WIDTH - LEFT - RIGHT))
    }

    fn y(&self, traffic: f64) -> f64 {
        round(HEIGHT - BOTTOM - self.y.part(traffic) * (HEIGHT - TOP - BOTTOM))
    }
}

/// The shapes of curves' marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
}

impl Mark {
    /// In the order in which curves get them.
    pub const ALL: [Mark; 4] = [Mark::Circle, Mark::Square, Mark::Triangle, Mark::Diamond];
}

/// What stands before a line of the legend.
pub enum Sample {
    /// A piece of a curve.
    Curve(Mark, &'static str),
    /// A mark alone, filled or not.
    Mark(&'static str, bool),
    /// A piece of a band.
    Band(&'static str),
}

/// Where a text begins.
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture that is being drawn.
pub struct Canvas<'a> {
    frame: &'a Frame,
    document: Document,
}

impl Canvas<'_> {
    /// Nothing but a white ground.
    pub fn new(frame: &Frame) -> Canvas<'_> {
        let document = Document::new()
            .set("width", WIDTH)
            .set("height", HEIGHT)
            .set("viewBox", format!("0 0 {WIDTH} {HEIGHT}"))
            .add(Style::new(STYLE))
            .add(Rectangle::new().set("width", "100%").set("height", "100%").set("fill", "#fff"));
        Canvas { frame, document }
    }

    /// The text of the file.
    pub fn finish(self) -> String {
        let mut text = self.document.to_string();
        text.push('\n');
        text
    }

    /// Above all, to the left and to the right.
    pub fn title(&mut self, left: &str, right: &str) {
        self.text((LEFT, 26.0), left, &Anchor::Start, "title");
        self.text((WIDTH - RIGHT, 26.0), right, &Anchor::End, "light");
    }

    /// A number of the axis of traffic, with a line across.
    pub fn y_tick(&mut self, traffic: f64, text: &str) {
        let y = self.frame.y(traffic);
        self.line([LEFT, y, WIDTH - RIGHT, y], "grid");
        self.text((LEFT - 8.0, y + 4.0), text, &Anchor::End, "");
    }

    /// A number of the axis of sizes, with a line upwards.
    pub fn x_tick(&mut self, size: f64, text: &str) {
        let x = self.frame.x(size);
        self.line([x, TOP, x, HEIGHT - BOTTOM], "grid");
        self.line([x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 5.0], "axis");
        self.text((x, HEIGHT - BOTTOM + 20.0), text, &Anchor::Middle, "");
    }

    /// The axes and what they are; the one of traffic is broken where it does not begin at zero.
    pub fn axes(&mut self, x: &str, y: &str, is_broken: bool) {
        self.line([LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM], "axis");
        self.line([LEFT, TOP, LEFT, HEIGHT - BOTTOM], "axis");
        if is_broken {
            let y = HEIGHT - BOTTOM - 9.0;
            let gap = Rectangle::new().set("x", LEFT - 3.0).set("y", y - 2.0).set("width", 6).set("height", 4);
            self.add(gap.set("fill", "#fff"));
            for y in [y - 2.0, y + 2.0] {
                self.line([LEFT - 5.0, y + 2.0, LEFT + 5.0, y - 2.0], "axis");
            }
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        self.text((middle, HEIGHT - 16.0), x, &Anchor::Middle, "");
        let (x, middle) = (20.0, (TOP + HEIGHT - BOTTOM) / 2.0);
        let text = text((x, middle), y, &Anchor::Middle, "");
        self.add(text.set("transform", format!("rotate(-90 {x} {middle})")));
    }

    /// What moves in any case, with its name on the left, below.
    pub fn baseline(&mut self, traffic: f64, text: &str) {
        let y = self.frame.y(traffic);
        self.line([LEFT, y, WIDTH - RIGHT, y], "base");
        self.text((LEFT + 8.0, y + 15.0), text, &Anchor::Start, "light");
    }

    /// Rectangles: from and to as sizes, from and to as traffic.
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

    /// A line that keeps its height up to the next size, and past the last to the end of the axis.
    pub fn stairs(&mut self, dots: &[(f64, f64)], colour: &str) {
        let Some((first, rest)) = dots.split_first() else { return };
        let mut data = Data::new().move_to((self.frame.x(first.0), self.frame.y(first.1)));
        for dot in rest {
            data = data.horizontal_line_to(self.frame.x(dot.0)).vertical_line_to(self.frame.y(dot.1));
        }
        data = data.horizontal_line_to(WIDTH - RIGHT);
        self.add(Path::new().set("d", data).set("class", "stairs").set("stroke", colour));
    }

    /// From a bound up to a plan.
    pub fn whisker(&mut self, size: f64, low: f64, high: f64, colour: &str) {
        let (x, bottom, top) = (self.frame.x(size), self.frame.y(low), self.frame.y(high));
        let data = Data::new().move_to((x, top)).vertical_line_to(bottom);
        let data = data.move_to((x - 3.0, bottom)).horizontal_line_to(x + 3.0);
        self.add(Path::new().set("d", data).set("stroke", colour).set("fill", "none"));
    }

    /// A planned size.
    pub fn mark(&mut self, (size, traffic): (f64, f64), mark: Mark, colour: &str, is_filled: bool) {
        let at = (self.frame.x(size), self.frame.y(traffic));
        self.add(shape(at, mark, colour, is_filled));
    }

    /// Samples and what they stand for, above on the right, where curves that fall have left room.
    pub fn legend(&mut self, entries: &[(Sample, String)]) {
        let Some(longest) = entries.iter().map(|it| it.1.chars().count()).max() else { return };
        let (width, line) = (44.0 + LETTER * longest as f64, 18.0);
        let (x, y) = (WIDTH - RIGHT - width - 8.0, TOP + 8.0);
        let height = line * entries.len() as f64 + 8.0;
        let ground = Rectangle::new().set("x", x).set("y", y).set("width", round(width)).set("height", height);
        self.add(ground.set("class", "legend").set("rx", 3));
        for (index, (sample, text)) in entries.iter().enumerate() {
            let (x, y) = (round(x + 8.0), y + 13.0 + line * index as f64);
            match *sample {
                Sample::Curve(mark, colour) => {
                    let data = Data::new().move_to((x, y)).horizontal_line_to(x + 24.0);
                    self.add(Path::new().set("d", data).set("class", "stairs").set("stroke", colour));
                    self.add(shape((x + 12.0, y), mark, colour, true));
                }
                Sample::Mark(colour, is_filled) => {
                    if !is_filled {
                        let data = Data::new().move_to((x + 12.0, y)).vertical_line_to(y + 8.0);
                        let data = data.move_to((x + 9.0, y + 8.0)).horizontal_line_to(x + 15.0);
                        self.add(Path::new().set("d", data).set("stroke", colour).set("fill", "none"));
                    }
                    self.add(shape((x + 12.0, y), Mark::Circle, colour, is_filled));
                }
                Sample::Band(colour) => {
                    let area = Rectangle::new().set("x", x).set("y", y - 5.0).set("width", 24).set("height", 10);
                    self.add(area.set("fill", colour).set("fill-opacity", 0.18));
                }
            }
            self.text((x + 32.0, y + 4.0), text, &Anchor::Start, "");
        }
    }

    /// In the middle, where there is nothing else.
    pub fn note(&mut self, text: &str) {
        let at = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0);
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

/// To a tenth: what is finer nobody sees, and files stay small and the same everywhere.
fn round(number: f64) -> f64 {
    (10.0 * number).round() / 10.0
}
