//! A memory map as a static SVG picture.
//!
//! Steps run from left to right, addresses from bottom to top. Each block is a box in the colour of its
//! tensor. What is under way beside operators is hatched: on its way in, slice by slice and lighter; on its way out, over
//! its box. A line joins two boxes of a tensor that was evicted between them: solid if it was spilled,
//! dashed if host memory had a copy. The box of a result in place of an operand begins with an arrowhead.
//! Below, for the same steps: bytes moved, bytes in use and bytes live.
//!
//! Pieces of a tensor have one colour and, where they lie side by side, one name and no borders between. Operators in
//! tiles that run together are marked above.
//!
//! Names are written where they fit. With hundreds of operators those of long or moved tensors remain;
//! the [page](crate::page()) shows the others. Boxes have titles, which browsers show as tooltips.

mod boxes;
pub(crate) mod canvas;
mod chains;
mod frame;
mod legend;
mod panels;

use crate::units::{bytes_text, counted_off, plain};
use crate::{Exhibit, Picture, TimeProof};
use canvas::Canvas;
use frame::Frame;

/// Draws the memory map of a program as SVG.
pub fn memory_map(exhibit: &Exhibit) -> String {
    let picture = Picture::new(exhibit);
    let frame = Frame::new(exhibit, &picture);
    let mut canvas = Canvas::new(&frame);
    title(exhibit, &mut canvas);
    if exhibit.is_tiled() {
        chains::draw(exhibit, &picture, &frame, &mut canvas);
    }
    boxes::draw(exhibit, &picture, &frame, &mut canvas);
    panels::draw_moved(&picture, &frame, &mut canvas);
    panels::draw_curves(exhibit, &picture, &frame, &mut canvas);
    legend::draw(exhibit, &picture, &frame, &mut canvas);
    canvas.finish()
}

fn title(exhibit: &Exhibit, canvas: &mut Canvas) {
    canvas.text(frame::LEFT, 24.0, &format!("@{}", plain(&exhibit.function)), "title", "start");
    canvas.text(frame::LEFT, 42.0, &facts(exhibit), "facts", "start");
}

/// Of the time: what is proven of it, if that is something.
fn time_bound(exhibit: &Exhibit) -> String {
    let text = |it: &TimeProof| format!(" (proven: at least {})", counted_off(it.lower_bound.0));
    exhibit.time.as_ref().map_or(String::new(), text)
}

/// One line about a program: operators, scratchpad, status, traffic, and time where there is a clock.
pub(crate) fn facts(exhibit: &Exhibit) -> String {
    let traffic = exhibit.traffic();
    let bound = match exhibit.proof {
        Some(proof) if proof.lower_bound < traffic.non_compulsory => {
            format!(" (proven: at least {})", bytes_text(proof.lower_bound))
        }
        _ => String::new(),
    };
    let time = exhibit.timeline().map(|it| format!(" · {} cycles{}", counted_off(it.makespan.0), time_bound(exhibit)));
    let time = time.unwrap_or_default();
    format!(
        "{} · scratchpad {} · {} · traffic {} = {} compulsory + {} spills and reloads{bound}{time}",
        exhibit.counted_operators(),
        bytes_text(exhibit.problem.machine.scratchpad()),
        exhibit.status(),
        bytes_text(traffic.total()),
        bytes_text(traffic.compulsory),
        bytes_text(traffic.non_compulsory),
    )
}
