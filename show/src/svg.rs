//! A memory map as SVG: one static picture, for papers and for eyes.
//!
//! Steps go across, addresses up. Each block is a box in the colour of its tensor; where a tensor
//! was away between two boxes, a line joins them: solid if it was written to host memory as it left,
//! dashed if there was a copy. A result in the place of an operand begins with an arrowhead in its
//! box. Below, in the same steps: what moves, and how full the scratchpad is beside what is live.
//!
//! Names are written where they fit, so that a picture of hundreds of operators shows what lies long
//! and what moves, and leaves the rest to the [page](crate::page()). Boxes have titles, which
//! browsers show.

mod boxes;
mod canvas;
mod frame;
mod legend;
mod panels;

use crate::units::{bytes_text, plain};
use crate::{Exhibit, Picture};
use canvas::Canvas;
use frame::Frame;

/// The memory map of a program.
pub fn memory_map(exhibit: &Exhibit) -> String {
    let picture = Picture::new(exhibit);
    let frame = Frame::new(exhibit, &picture);
    let mut canvas = Canvas::new(&frame);
    title(exhibit, &picture, &mut canvas);
    boxes::draw(exhibit, &picture, &frame, &mut canvas);
    panels::draw_moved(&picture, &frame, &mut canvas);
    panels::draw_curves(exhibit, &picture, &frame, &mut canvas);
    legend::draw(exhibit, &picture, &frame, &mut canvas);
    canvas.finish()
}

fn title(exhibit: &Exhibit, picture: &Picture, canvas: &mut Canvas) {
    canvas.text(frame::LEFT, 24.0, &format!("@{}", plain(&exhibit.function)), "title", "start");
    canvas.text(frame::LEFT, 42.0, &facts(exhibit, picture), "facts", "start");
}

/// One line about a program: size, status, traffic.
pub(crate) fn facts(exhibit: &Exhibit, picture: &Picture) -> String {
    let traffic = exhibit.traffic();
    let bound = match exhibit.proof {
        Some(proof) if proof.lower_bound < traffic.non_compulsory => {
            format!(" (proven: at least {})", bytes_text(proof.lower_bound))
        }
        _ => String::new(),
    };
    format!(
        "{} operators · scratchpad {} · {} · traffic {} = {} compulsory + {} spills and reloads{bound}",
        picture.n_steps(),
        bytes_text(exhibit.problem.machine.scratchpad()),
        exhibit.status(),
        bytes_text(traffic.total()),
        bytes_text(traffic.compulsory),
        bytes_text(traffic.non_compulsory),
    )
}
