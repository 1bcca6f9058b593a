//! The map itself: boxes, their names, and the lines between boxes of one tensor.

use super::canvas::{Canvas, rectangle, round, title};
use super::frame::{Frame, LEFT};
use crate::colour::{self, Kind};
use crate::describe::describe_block;
use crate::units::{bytes_text, shortened};
use crate::{Block, Content, Exhibit, Link, Picture};
use cosma_planner::Bytes;
use std::collections::BTreeSet;
use svg::node::element::Path;

/// The average width of a letter in a box.
const LETTER_WIDTH: f64 = 5.0;
const LINE_HEIGHT: f64 = 10.0;

pub(super) fn draw(exhibit: &Exhibit, picture: &Picture, frame: &Frame, canvas: &mut Canvas) {
    canvas.axes(frame, &frame.map, "address");
    canvas.steps(frame, &frame.map);
    let shown: Vec<&Block> = picture.blocks.iter().filter(|it| it.size != Bytes::ZERO).collect();
    for block in &shown {
        draw_box(exhibit, picture, frame, block, canvas);
    }
    for block in shown.iter().filter(|it| !it.in_place_of.is_empty()) {
        draw_seam(frame, block, canvas);
    }
    for link in picture.links.iter().filter(|it| picture.blocks[it.from].size != Bytes::ZERO) {
        draw_link(picture, frame, link, canvas);
    }
    let covered: BTreeSet<usize> = picture.blocks.iter().flat_map(|it| &it.in_place_of).copied().collect();
    for (index, block) in picture.blocks.iter().enumerate().filter(|it| it.1.size != Bytes::ZERO) {
        // The result in its place covers it in its last step.
        let hidden = if covered.contains(&index) { frame.step_width() } else { 0.0 };
        draw_name(exhibit, picture, frame, block, hidden, canvas);
    }
    let scratchpad = exhibit.problem.machine.scratchpad();
    if scratchpad <= frame.map.most {
        let y = frame.map.y(scratchpad);
        canvas.line((LEFT, y), (frame.right(), y), "capacity");
        let label = format!("scratchpad {}", bytes_text(scratchpad));
        canvas.text(frame.right(), y - 4.0, &label, "capacity", "end");
    }
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
    let node = rectangle(x, y, width, height)
        .set("class", format!("block {}{moved}{in_place}", kind.name()))
        .set("fill", colour::fill(exhibit, picture, block));
    canvas.add(node.add(title(&describe_block(exhibit, picture, block))));
    if kind != Kind::Activation {
        let marks = rectangle(x, y, width, height).set("class", "kind");
        canvas.add(marks.set("fill", format!("url(#{})", kind.name())));
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

fn draw_link(picture: &Picture, frame: &Frame, link: &Link, canvas: &mut Canvas) {
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
    let colour = colour::line(tensor);
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

/// Writes the name, horizontally or vertically depending on the box, and the size if it fits. `hidden`
/// is the width that a result covers at the right.
fn draw_name(exhibit: &Exhibit, picture: &Picture, frame: &Frame, block: &Block, hidden: f64, canvas: &mut Canvas) {
    let (x, y, width, height) = area(frame, block);
    let width = width - hidden;
    let (name, size) = match block.content {
        Content::Tensor(it) => (exhibit.tensor_name(it).to_owned(), bytes_text(block.size)),
        Content::Workspace(_) => ("workspace".to_owned(), bytes_text(block.size)),
    };
    let letters = |length: f64| ((length - 5.0).max(0.0) / LETTER_WIDTH) as usize;
    let fits_across = LINE_HEIGHT <= height;
    let fits_upright = LINE_HEIGHT <= width;
    // Short fragments of a name are shown only for moved tensors.
    let least = if picture.is_moved(block) { 5 } else { 7 };
    let across = shortened(&name, letters(width), least).filter(|_| fits_across);
    let upright = shortened(&name, letters(height), least).filter(|_| fits_upright);
    let class = if is_dark(&colour::fill(exhibit, picture, block)) { "name light" } else { "name" };
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
