//! The map itself: boxes, their names, and the lines between boxes of one tensor.

use super::canvas::{Canvas, FLIGHT_STYLE, dark, filled, flight_patterns, rectangle, round, title};
use super::frame::{Frame, LEFT};
use crate::colour::{self, Kind, Tone};
use crate::describe::{Tips, describe_block};
use crate::merge::{Area, areas, largest_of_patches};
use crate::names::Names;
use crate::units::{bytes_text, shortened};
use crate::{Block, Content, Exhibit, Link, Picture};
use cosma_planner::Bytes;
use std::collections::BTreeSet;
use svg::Node;
use svg::node::element::{Group, Path, Style};

/// The average width of a letter in a box.
const LETTER_WIDTH: f64 = 5.0;
const LINE_HEIGHT: f64 = 10.0;

/// The height of the marks of steps in which more is live than fits.
const OVER_HEIGHT: f64 = 4.0;

pub(super) fn draw(tips: &Tips, names: &Names, frame: &Frame, canvas: &mut Canvas) {
    let exhibit = tips.exhibit;
    canvas.axes(frame, &frame.map, "address");
    canvas.steps(frame, &frame.map);
    if exhibit.is_tiled() {
        draw_areas(tips, names, frame, canvas);
    } else {
        draw_blocks(tips, names, frame, canvas);
    }
    let scratchpad = exhibit.problem.machine.scratchpad();
    for steps in tips.picture.oversubscribed(scratchpad) {
        let (x, right) = (frame.x(steps.start), frame.x(steps.end));
        let mark = rectangle(x, frame.map.bottom() + 1.0, right - x, OVER_HEIGHT).set("class", "over");
        canvas.add(mark.add(title(&tips.oversubscribed(&steps))));
    }
    if scratchpad <= frame.map.most {
        let y = frame.map.y(scratchpad);
        canvas.line((LEFT, y), (frame.right(), y), "capacity");
        let label = format!("scratchpad {}", bytes_text(scratchpad));
        canvas.text(frame.right(), y - 4.0, &label, "capacity", "end");
    }
}

/// One box for each block, with its name above all lines.
fn draw_blocks(tips: &Tips, names: &Names, frame: &Frame, canvas: &mut Canvas) {
    let Tips { exhibit, picture, .. } = tips;
    let shown = || picture.blocks.iter().enumerate().filter(|it| it.1.size != Bytes::ZERO);
    for (index, block) in shown() {
        draw_box(exhibit, picture, frame, block, &tips.block(index), canvas);
    }
    draw_flights(tips, frame, canvas);
    for (_, block) in shown().filter(|it| !it.1.in_place_of.is_empty()) {
        draw_seam(frame, block, canvas);
    }
    for link in picture.links.iter().filter(|it| picture.blocks[it.from].size != Bytes::ZERO) {
        draw_link(tips, frame, link, canvas);
    }
    let covered: BTreeSet<usize> = picture.blocks.iter().flat_map(|it| &it.in_place_of).copied().collect();
    for (index, block) in shown() {
        // The result in its place covers it in its last step.
        let hidden = if covered.contains(&index) { frame.step_width() } else { 0.0 };
        let name = match block.content {
            Content::Tensor(it) => names.short(exhibit.tensor_name(it)),
            Content::Workspace(_) => "workspace",
        };
        let (x, y, width, height) = area(frame, block);
        let label = Label {
            name,
            size: block.size,
            plate: colour::fill(exhibit, picture, block),
            is_moved: picture.is_moved(block),
        };
        draw_name(&label, (x, y, width - hidden, height), canvas);
    }
}

/// One box for adjacent pieces of a tensor, and one name for pieces that touch. Arrowheads are omitted: there would
/// be one for each row of a tensor that is overwritten.
fn draw_areas(tips: &Tips, names: &Names, frame: &Frame, canvas: &mut Canvas) {
    let Tips { exhibit, picture, .. } = tips;
    let areas = areas(exhibit, picture);
    for it in &areas {
        let merged = merged(picture, it);
        let tip = if it.n_blocks == 1 { tips.block(it.block) } else { describe_block(exhibit, picture, &merged) };
        draw_box(exhibit, picture, frame, &merged, &tip, canvas);
    }
    for (index, block) in picture.blocks.iter().enumerate().filter(|it| it.1.size != Bytes::ZERO && is_workspace(it.1))
    {
        draw_box(exhibit, picture, frame, block, &tips.block(index), canvas);
    }
    draw_flights(tips, frame, canvas);
    for link in picture.links.iter().filter(|it| picture.blocks[it.from].size != Bytes::ZERO) {
        draw_link(tips, frame, link, canvas);
    }
    for index in largest_of_patches(exhibit, picture, &areas) {
        let block = merged(picture, &areas[index]);
        let Content::Tensor(tensor) = block.content else { continue };
        let name = names.short(&exhibit.families.tensors[exhibit.tensor_family(tensor)]);
        let label = Label {
            name,
            size: block.size,
            plate: colour::fill(exhibit, picture, &block),
            is_moved: picture.is_moved(&block),
        };
        draw_name(&label, area(frame, &block), canvas);
    }
}

fn is_workspace(block: &Block) -> bool {
    matches!(block.content, Content::Workspace(_))
}

/// An area as a block: that of one of its pieces, enlarged to the area.
fn merged(picture: &Picture, area: &Area) -> Block {
    let Area { steps, offset, size, .. } = area.clone();
    Block { steps, offset, size, in_place_of: Vec::new(), flights: Vec::new(), ..picture.blocks[area.block].clone() }
}

/// The text in a box.
struct Label<'a> {
    name: &'a str,
    size: Bytes,
    /// The colour behind the letters, over lines and marks: that of the box.
    plate: Tone,
    is_moved: bool,
}

/// The rectangle of a block: x, y, width, height.
fn area(frame: &Frame, block: &Block) -> (f64, f64, f64, f64) {
    let (x, right) = (frame.x(block.steps.start), frame.x(block.steps.end));
    let height = frame.map.pixels(block.size);
    (x, frame.map.y(block.offset) - height, right - x, height)
}

fn draw_box(exhibit: &Exhibit, picture: &Picture, frame: &Frame, block: &Block, tip: &str, canvas: &mut Canvas) {
    let (x, y, width, height) = area(frame, block);
    let kind = Kind::of(exhibit, block.content);
    let moved = if picture.is_moved(block) { " moved" } else { "" };
    let in_place = if !block.in_place_of.is_empty() { " in-place" } else { "" };
    let piece = if exhibit.is_tiled() { " piece" } else { "" };
    let kept = if block.is_kept { " kept" } else { "" };
    let node =
        rectangle(x, y, width, height).set("class", format!("block {}{moved}{in_place}{piece}{kept}", kind.name()));
    canvas.add(filled(node, &colour::fill(exhibit, picture, block)).add(title(tip)));
    let pattern = if block.is_kept { "kept" } else { kind.name() };
    let patterns = [(kind != Kind::Activation, pattern), (picture.is_moved(block), "moved")];
    for (_, pattern) in patterns.into_iter().filter(|it| it.0) {
        let marks = rectangle(x, y, width, height).set("class", "kind");
        canvas.add(marks.set("fill", format!("url(#{pattern})")));
    }
}

/// Transfers in progress: incoming ones lighter and hatched, slice by slice; outgoing ones hatched over their box.
fn draw_flights(tips: &Tips, frame: &Frame, canvas: &mut Canvas) {
    let Tips { exhibit, picture, .. } = tips;
    if picture.blocks.iter().any(|it| !it.flights.is_empty()) {
        canvas.add(Style::new(FLIGHT_STYLE));
        canvas.add(flight_patterns());
    }
    for (index, block) in picture.blocks.iter().enumerate().filter(|it| !it.1.flights.is_empty()) {
        let described = tips.block(index);
        for flight in &block.flights {
            let (x, right) = (frame.x(flight.steps.start), frame.x(flight.steps.end));
            let height = frame.map.pixels(flight.size);
            let at = || rectangle(x, frame.map.y(flight.offset) - height, right - x, height);
            if flight.is_inward {
                let node = filled(at().set("class", "flight"), &colour::fill(exhibit, picture, block));
                canvas.add(node.add(title(&described)));
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

fn draw_link(tips: &Tips, frame: &Frame, link: &Link, canvas: &mut Canvas) {
    let Tips { exhibit, picture, .. } = tips;
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
    let line = Path::new().set("d", data.clone()).set("class", class);
    // One group, so that all of it has the tip.
    let mut group = Group::new()
        .add(title(&tips.link(link)))
        .add(Path::new().set("d", data).set("class", "halo"))
        .add(line.set("stroke", colour.light.as_str()).set("style", dark(&colour)));
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
        Path::new().set("d", data).set("fill", colour.light.as_str()).set("style", dark(&colour))
    };
    if link.is_spilled {
        group.append(mark(start, -1.0).set("class", "spill"));
    }
    canvas.add(group.add(mark(end, 1.0).set("class", "reload")));
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
    let (middle_x, middle_y) = (x + width / 2.0, y + height / 2.0);
    let n_letters = |it: &Option<String>| it.as_ref().map_or(0, |it| it.chars().count());
    let is_across = n_letters(&upright) <= n_letters(&across);
    let mut write = |text: &str, x: f64, y: f64| {
        let (wide, high) = (LETTER_WIDTH * text.chars().count() as f64 + 4.0, LINE_HEIGHT);
        let (wide, high) = if is_across { (wide, high) } else { (high, wide) };
        let plate = rectangle(x - wide / 2.0, y - high / 2.0, wide, high).set("rx", 2).set("class", "plate");
        canvas.add(filled(plate, &label.plate));
        if is_across {
            canvas.text(x, y + 3.0, text, "name", "middle");
        } else {
            canvas.upright(x + 3.0, y, text, "name");
        }
    };
    match (&across, &upright) {
        (Some(across), _) if is_across => {
            if 2.0 * LINE_HEIGHT + 2.0 <= height && size.len() <= letters(width) {
                write(across, middle_x, middle_y - 4.0);
                write(&size, middle_x, middle_y + 6.0);
            } else {
                write(across, middle_x, middle_y);
            }
        }
        (_, Some(upright)) => write(upright, middle_x, middle_y),
        _ => {}
    }
}
