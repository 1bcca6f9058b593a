//! A memory map as a static SVG picture.
//!
//! Steps run from left to right, addresses from bottom to top. Each block is a box in the colour of its tensor, with
//! broad hatching if that has non-compulsory transfers. Transfers in progress are hatched: incoming ones slice by
//! slice and lighter; outgoing ones over their box. A line joins two boxes of a tensor that was evicted between them:
//! solid if it was spilled,
//! dashed if host memory had a copy. The box of a result in place of an operand begins with an arrowhead.
//! Steps in which more is live than fits are marked below the boxes. Further below, for the same steps: bytes moved,
//! bytes in use and bytes live.
//!
//! The pieces of a tensor have the same colour and, where they are adjacent, one name and no borders between. A strip
//! above marks operators in tiles that run together.
//!
//! Names are written where they fit. With hundreds of operators, only those of long or moved tensors remain; the
//! [page](crate::page()) shows the others. Labels omit common prefixes. Boxes, lines and marks have titles, which
//! browsers show as tooltips: whole names, and why a tensor was evicted.
//!
//! The picture is dark on dark screens, in viewers that support style sheets, and light on paper.

mod boxes;
pub(crate) mod canvas;
mod chains;
mod frame;
mod legend;
mod panels;

use crate::describe::Tips;
use crate::names::Names;
use crate::units::{bytes_text, counted_off, plain, shortened};
use crate::{Exhibit, Picture};
use canvas::Canvas;
use frame::Frame;
use legend::Legend;

/// Draws the memory map of a program as SVG.
pub fn memory_map(exhibit: &Exhibit) -> String {
    let picture = Picture::new(exhibit);
    let facts = facts(exhibit);
    let mut frame = Frame::new(exhibit, &picture, LETTER_OF_FACTS * facts.chars().count() as f64);
    let names = names(exhibit);
    let legend = Legend::new(exhibit, &picture, &names, &frame);
    frame.legend = legend.height();
    let mut canvas = Canvas::new(&frame);
    title(exhibit, &facts, &frame, &mut canvas);
    if exhibit.is_tiled() {
        chains::draw(exhibit, &picture, &frame, &mut canvas);
    }
    let tips = Tips::new(exhibit, &picture);
    boxes::draw(&tips, &names, &frame, &mut canvas);
    panels::draw_moved(&picture, &frame, &mut canvas);
    panels::draw_curves(&tips, &frame, &mut canvas);
    legend.draw(&frame, &mut canvas);
    canvas.finish()
}

/// The width of letters, an upper limit on average.
const LETTER_OF_FACTS: f64 = 6.4;
const LETTER_OF_TITLE: f64 = 11.0;

/// A note on the prefixes that labels omit.
pub(crate) fn names(exhibit: &Exhibit) -> Names {
    if exhibit.is_tiled() {
        Names::new(exhibit.families.tensors.iter().map(String::as_str))
    } else {
        Names::new(exhibit.tensors.iter().map(|it| it.name.as_str()))
    }
}

fn title(exhibit: &Exhibit, facts: &str, frame: &Frame, canvas: &mut Canvas) {
    let time = time_facts(exhibit).unwrap_or_default();
    let room = frame.width - LETTER_OF_FACTS * (time.chars().count() + 2) as f64;
    let letters = (room.max(0.0) / LETTER_OF_TITLE) as usize;
    if let Some(name) = shortened(&format!("@{}", plain(&exhibit.function)), letters, 5) {
        canvas.text(frame::LEFT, 24.0, &name, "title", "start");
    }
    canvas.text(frame::LEFT, 42.0, facts, "facts", "start");
    if !time.is_empty() {
        canvas.text(frame.right(), 24.0, &time, "facts", "end");
    }
}

/// The time of a program and its lower bound; `None` without a clock.
pub(crate) fn time_facts(exhibit: &Exhibit) -> Option<String> {
    let makespan = exhibit.timeline()?.makespan;
    let bound = match &exhibit.time {
        Some(proof) if proof.lower_bound < makespan => {
            format!(" (proven: at least {})", counted_off(proof.lower_bound.0))
        }
        Some(proof) => format!(" (no program of {} is faster)", plain(&proof.scope)),
        None => String::new(),
    };
    Some(format!("{} cycles{bound}", counted_off(makespan.0)))
}

/// One line about a program: all [`facts`], and its time if there is a clock.
pub(crate) fn all_facts(exhibit: &Exhibit) -> String {
    let time = time_facts(exhibit).map(|it| format!(" · {it}"));
    format!("{}{}", facts(exhibit), time.unwrap_or_default())
}

/// One line about a program: operators, scratchpad, status, traffic.
fn facts(exhibit: &Exhibit) -> String {
    let traffic = exhibit.traffic();
    let bound = match exhibit.proof {
        Some(proof) if proof.lower_bound < traffic.non_compulsory => {
            format!(" (proven: at least {})", bytes_text(proof.lower_bound))
        }
        _ => String::new(),
    };
    format!(
        "{} · scratchpad {} · {} · traffic {} = {} compulsory + {} spills and reloads{bound}",
        exhibit.counted_operators(),
        bytes_text(exhibit.problem.machine.scratchpad()),
        exhibit.status(),
        bytes_text(traffic.total()),
        bytes_text(traffic.compulsory),
        bytes_text(traffic.non_compulsory),
    )
}
