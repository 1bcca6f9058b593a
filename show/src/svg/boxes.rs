//! The map itself: boxes, their names, and the lines between boxes of one tensor.

use super::canvas::{Canvas, FLIGHT_STYLE, flight_patterns, rectangle, round, title};
use super::frame::{Frame, LEFT};
use crate::colour::{self, Kind};
use crate::describe::describe_block;
use crate::merge::{Area, areas, largest_of_patches};
use crate::units::{bytes_text, shortened};
use crate::{Block, Content, Exhibit, Link, Picture};
use cosma_planner::Bytes;
use std::collections::BTreeSet;
use svg::node::element::{Path, Style};

/// The average width of a letter in a box.
const LETTER_WIDTH: f64 = 5.0;
const LINE_HEIGHT: f64 = 10.0;

pub(super) fn draw(exhibit: &Exhibit, picture: &Picture, frame: &Frame, canvas: &mut Canvas) {
    canvas.axes(frame, &frame.map, "address");
    canvas.steps(frame, &frame.map);
    if exhibit.is_tiled() {
        draw_areas(exhibit, picture, frame, canvas);
    } else {
        draw_blocks(exhibit, picture, frame, canvas);
    }
    let scratchpad = exhibit.problem.machine.scratchpad();
    if scratchpad <= frame.map.most {
        let y = frame.map.y(scratchpad);
        canvas.line((LEFT, y), (frame.right(), y), "capacity");
        let label = format!("scratchpad {}", bytes_text(scratchpad));
        canvas.text(frame.right(), y - 4.0, &label, "capacity", "end");
    }
}

/// One box for each block, with its name.
fn draw_blocks(exhibit: &Exhibit, picture: &Picture, frame: &Frame, canvas: &mut Canvas) {
    let shown: Vec<&Block> = picture.blocks.iter().filter(|it| it.size != Bytes::ZERO).collect();
    for block in &shown {
        draw_box(exhibit, picture, frame, block, canvas);
    }
    draw_flights(exhibit, picture, frame, canvas);
    for block in shown.iter().filter(|it| !it.in_place_of.is_empty()) {
        draw_seam(frame, block, canvas);
    }
    for link in picture.links.iter().filter(|it| picture.blocks[it.from].size != Bytes::ZERO) {
        draw_link(exhibit, picture, frame, link, canvas);
    }
    let covered: BTreeSet<usize> = picture.blocks.iter().flat_map(|it| &it.in_place_of).copied().collect();
    for (index, block) in picture.blocks.iter().enumerate().filter(|it| it.1.size != Bytes::ZERO) {
        // The result in its place covers it in its last step.
        let hidden = if covered.contains(&index) { frame.step_width() } else { 0.0 };
        let (name, colour) = (name(exhibit, block), colour::fill(exhibit, picture, block));
        let (x, y, width, height) = area(frame, block);
        let label = Label { name, size: block.size, colour, is_moved: picture.is_moved(block) };
        draw_name(&label, (x, y, width - hidden, height), canvas);
    }
}

/// One box for what lies side by side of the pieces of a tensor, and one name for what touches. Arrowheads are left
/// out: there would be one for each row of a tensor that is overwritten.
fn draw_areas(exhibit: &Exhibit, picture: &Picture, frame: &Frame, canvas: &mut Canvas) {
    let areas = areas(exhibit, picture);
    for it in &areas {
        let merged = merged(picture, it);
        draw_box(exhibit, picture, frame, &merged, canvas);
    }
    for block in picture.blocks.iter().filter(|it| it.size != Bytes::ZERO && is_workspace(it)) {
        draw_box(exhibit, picture, frame, block, canvas);
    }
    draw_flights(exhibit, picture, frame, canvas);
    for link in picture.links.iter().filter(|it| picture.blocks[it.from].size != Bytes::ZERO) {
        draw_link(exhibit, picture, frame, link, canvas);
    }
    for index in largest_of_patches(exhibit, picture, &areas) {
        let block = merged(picture, &areas[index]);
        let Content::Tensor(tensor) = block.content else { continue };
        let name = exhibit.families.tensors[exhibit.tensor_family(tensor)].clone();
        let colour = colour::fill(exhibit, picture, &block);
        let label = Label { name, size: block.size, colour, is_moved: picture.is_moved(&block) };
        draw_name(&label, area(frame, &block), canvas);
    }
}

fn is_workspace(block: &Block) -> bool {
    matches!(block.content, Content::Workspace(_))
}

/// An area as a block: that of one of its pieces, as large as all.
fn merged(picture: &Picture, area: &Area) -> Block {
    let Area { steps, offset, size, .. } = area.clone();
    Block { steps, offset, size, in_place_of: Vec::new(), flights: Vec::new(), ..picture.blocks[area.block].clone() }
}

fn name(exhibit: &Exhibit, block: &Block) -> String {
    match block.content {
        Content::Tensor(it) => exhibit.tensor_name(it).to_owned(),
        Content::Workspace(_) => "workspace".to_owned(),
    }
}

/// What is written into a box.
struct Label {
    name: String,
    size: Bytes,
    /// That of the box.
    colour: String,
    is_moved: bool,
}

/// The rectangle of a block: x, y, width, height.
fn area(frame: &Frame, block: &Block) -> (f64, f64, f64, f64) {
    let (x, right) = (frame.x(block.steps.start), frame.x(block.steps.end));
    let height = frame.map.pixels(block.size);
    (x, frame.map.y(block.offset) - height, right - x, height)
}

fn draw_box(exhibit: &Exhibit, picture: &Picture, frame: &Frame, block: &Block, canvas: &mut Canvas) {
    let (x, y, width, height) = area(frame, block);
    let kind = Kind::of(exhibit, block.content);
    let moved = if picture.is_moved(block) { " moved" } else { "" };
    let in_place = if !block.in_place_of.is_empty() { " in-place" } else { "" };
    let piece = if exhibit.is_tiled() { " piece" } else { "" };
    let node = rectangle(x, y, width, height)
        .set("class", format!("block {}{moved}{in_place}{piece}", kind.name()))
        .set("fill", colour::fill(exhibit, picture, block));
    canvas.add(node.add(title(&describe_block(exhibit, picture, block))));
    if kind != Kind::Activation {
        let marks = rectangle(x, y, width, height).set("class", "kind");
        canvas.add(marks.set("fill", format!("url(#{})", kind.name())));
    }
}

/// What is under way: lighter and hatched while it comes in, slice by slice; hatched over its box while it goes out.
fn draw_flights(exhibit: &Exhibit, picture: &Picture, frame: &Frame, canvas: &mut Canvas) {
    if picture.blocks.iter().any(|it| !it.flights.is_empty()) {
        canvas.add(Style::new(FLIGHT_STYLE));
        canvas.add(flight_patterns());
    }
    for block in &picture.blocks {
        let described = if block.flights.is_empty() { String::new() } else { describe_block(exhibit, picture, block) };
        for flight in &block.flights {
            let (x, right) = (frame.x(flight.steps.start), frame.x(flight.steps.end));
            let height = frame.map.pixels(flight.size);
            let at = || rectangle(x, frame.map.y(flight.offset) - height, right - x, height);
            if flight.is_inward {
                let fill = colour::fill(exhibit, picture, block);
                canvas.add(at().set("class", "flight").set("fill", fill).add(title(&described)));
            }
            let way = if flight.is_inward { "way-in" } else { "way-out" };
            canvas.add(at().set("class", "kind").set("fill", format!("url(#{way})")));
        }
    }
}

/// An arrowhead at the start of a result in place of an operand.
fn draw_seam(frame: &Frame, block: &Block, canvas: &mut Canvas) {
    let (x, y, width, height) = area(frame, block);
    let half = (height / 2.0).min(5.0);
    let long = width.min(6.0);
    let middle = y + height / 2.0;
    let data = format!(
        "M{} {}L{} {}L{} {}Z",
        round(x),
        round(middle - half),
        round(x + long),
        round(middle),
        round(x),
        round(middle + half)
    );
    canvas.path(data, "seam");
}

fn draw_link(exhibit: &Exhibit, picture: &Picture, frame: &Frame, link: &Link, canvas: &mut Canvas) {
    let (from, to) = (&picture.blocks[link.from], &picture.blocks[link.to]);
    let Content::Tensor(tensor) = from.content else { return };
    let (x, y, width, height) = area(frame, from);
    let start = (x + width, y + height / 2.0);
    let (x, y, _, height) = area(frame, to);
    let end = (x, y + height / 2.0);
    let bend = ((end.0 - start.0) / 2.0).min(60.0);
    let data = format!(
        "M{} {}C{} {} {} {} {} {}",
        round(start.0),
        round(start.1),
        round(start.0 + bend),
        round(start.1),
        round(end.0 - bend),
        round(end.1),
        round(end.0),
        round(end.1)
    );
    let colour = colour::line(exhibit, tensor);
    let class = if link.is_spilled { "link" } else { "link free" };
    canvas.path(data.clone(), "halo");
    canvas.add(Path::new().set("d", data).set("class", class).set("stroke", colour.as_str()));
    // A triangle down where it is spilled, and one up where it is reloaded.
    let mark = |(x, y): (f64, f64), up: f64| {
        let data = format!(
            "M{} {}L{} {}L{} {}Z",
            round(x - 3.5),
            round(y + 2.5 * up),
            round(x + 3.5),
            round(y + 2.5 * up),
            round(x),
            round(y - 4.0 * up)
        );
        Path::new().set("d", data).set("fill", colour.as_str()).set("stroke", "#fff").set("stroke-width", 0.6)
    };
    if link.is_spilled {
        canvas.add(mark(start, -1.0).set("class", "spill"));
    }
    canvas.add(mark(end, 1.0).set("class", "reload"));
}

/// Writes the name into a rectangle (x, y, width, height), horizontally or vertically depending on the box, and the
/// size if it fits.
fn draw_name(label: &Label, (x, y, width, height): (f64, f64, f64, f64), canvas: &mut Canvas) {
    let (name, size) = (&label.name, bytes_text(label.size));
    let letters = |length: f64| ((length - 5.0).max(0.0) / LETTER_WIDTH) as usize;
    let fits_across = LINE_HEIGHT <= height;
    let fits_upright = LINE_HEIGHT <= width;
    // Short fragments of a name are shown only for moved tensors.
    let least = if label.is_moved { 5 } else { 7 };
    let across = shortened(name, letters(width), least).filter(|_| fits_across);
    let upright = shortened(name, letters(height), least).filter(|_| fits_upright);
    let class = if is_dark(&label.colour) { "name light" } else { "name" };
    let (middle_x, middle_y) = (x + width / 2.0, y + height / 2.0);
    let n_letters = |it: &Option<String>| it.as_ref().map_or(0, |it| it.chars().count());
    let is_across = n_letters(&upright) <= n_letters(&across);
    match (&across, &upright) {
        (Some(across), _) if is_across => {
            if 2.0 * LINE_HEIGHT + 2.0 <= height && size.len() <= letters(width) {
                canvas.text(middle_x, middle_y - 1.0, across, class, "middle");
                canvas.text(middle_x, middle_y + 9.0, &size, class, "middle");
            } else {
                canvas.text(middle_x, middle_y + 3.0, across, class, "middle");
            }
        }
        (_, Some(upright)) => canvas.upright(middle_x + 3.0, middle_y, upright, class),
        _ => {}
    }
}

/// Whether a colour `#rrggbb` needs white letters.
fn is_dark(colour: &str) -> bool {
    let channel = |at: usize| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap_or(255));
    0.299 * channel(1) + 0.587 * channel(3) + 0.114 * channel(5) < 120.0
}
