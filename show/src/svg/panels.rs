//! The panels below the map: bytes moved, and bytes in use and live.

use super::canvas::{Canvas, rectangle, round, title};
use super::frame::{Frame, LEFT, Panel};
use crate::describe::Tips;
use crate::units::bytes_text;
use crate::{Moved, Picture};
use cosma_planner::{Bytes, Step};
use std::fmt::Write;

/// Draws bars for each step: transfers in upwards, transfers out downwards.
pub(super) fn draw_moved(picture: &Picture, frame: &Frame, canvas: &mut Canvas) {
    let panel = &frame.moved;
    let middle = panel.top + panel.height / 2.0;
    let scale = Panel { top: panel.top, height: panel.height / 2.0, most: panel.most };
    canvas.text(LEFT - 6.0, panel.top + 6.0, &bytes_text(panel.most), "tick", "end");
    canvas.text(LEFT - 6.0, middle - 4.0, "in", "tick", "end");
    canvas.text(LEFT - 6.0, middle + 12.0, "out", "tick", "end");
    canvas.upright(18.0, middle, "moved", "axis");
    for (index, moved) in picture.moved.iter().enumerate() {
        let step = Step(index as u32);
        let (x, width) = (frame.x(step), frame.x(step.next()) - frame.x(step));
        let Moved { loaded, reloaded, stored, spilled } = *moved;
        // Non-compulsory bars come last and have a minimum height, so that they are always visible.
        let bars = [
            (loaded, reloaded, 1.0, 0.0, "loaded"),
            (stored, spilled, -1.0, 0.0, "stored"),
            (reloaded, Bytes::ZERO, 1.0, 5.0, "reloaded"),
            (spilled, Bytes::ZERO, -1.0, 5.0, "spilled"),
        ];
        for (bytes, below, up, least, class) in bars {
            if bytes == Bytes::ZERO {
                continue;
            }
            let height = scale.pixels(bytes).max(least);
            let near = middle - up * scale.pixels(below);
            let top = if 0.0 < up { near - height } else { near };
            let bar = rectangle(x, top, width, height).set("class", class);
            canvas.add(bar.add(title(&format!("step {step}: {} {class}", bytes_text(bytes)))));
        }
    }
    canvas.line((LEFT, middle), (frame.right(), middle), "axis");
    canvas.line((LEFT, panel.top), (LEFT, panel.bottom()), "axis");
}

/// Draws bytes in use, bytes live, and the size of the scratchpad.
pub(super) fn draw_curves(tips: &Tips, frame: &Frame, canvas: &mut Canvas) {
    let Tips { exhibit, picture, .. } = tips;
    let panel = &frame.curves;
    canvas.axes(frame, panel, "bytes");
    canvas.steps(frame, panel);
    let right = frame.right();
    let area =
        format!("M{LEFT} {}{}V{}Z", round(panel.bottom()), stairs(&picture.occupied, frame), round(panel.bottom()));
    canvas.path(area, "occupied");
    let line = stairs(&picture.live, frame);
    if !line.is_empty() {
        canvas.path(format!("M{}", &line[1..]), "live");
    }
    let scratchpad = exhibit.problem.machine.scratchpad();
    for steps in picture.oversubscribed(scratchpad) {
        let (x, right) = (frame.x(steps.start), frame.x(steps.end));
        let band = rectangle(x, panel.top, right - x, panel.height).set("class", "over-band");
        canvas.add(band.add(title(&tips.oversubscribed(&steps))));
    }
    if scratchpad <= panel.most {
        let y = panel.y(scratchpad);
        canvas.line((LEFT, y), (right, y), "capacity");
    }
}

/// The path of a step function, one line segment to each corner.
fn stairs(values: &[Bytes], frame: &Frame) -> String {
    let mut data = String::new();
    let mut last = None;
    for (index, value) in values.iter().enumerate() {
        let step = Step(index as u32);
        let y = round(frame.curves.y(*value));
        if last != Some(*value) {
            write!(data, "L{} {y}", round(frame.x(step))).expect("a string takes all");
        }
        let is_end = values.get(index + 1).is_none_or(|it| it != value);
        if is_end {
            write!(data, "L{} {y}", round(frame.x(step.next()))).expect("a string takes all");
        }
        last = Some(*value);
    }
    data
}
