//! The mapping from steps and bytes to coordinates of the picture.

use crate::units::{ticks, unit_of};
use crate::{Exhibit, Picture};
use cosma_planner::{Bytes, Step};

pub(super) const LEFT: f64 = 76.0;
const RIGHT: f64 = 20.0;
const MAP_TOP: f64 = 62.0;
const MAP_HEIGHT: f64 = 440.0;
/// The height of the strip above the map that marks operators that run together.
const STRIP: f64 = 14.0;
const MOVED_HEIGHT: f64 = 72.0;
const CURVES_HEIGHT: f64 = 120.0;

/// Three panels, one above the other, over the same steps.
pub(super) struct Frame {
    pub n_steps: usize,
    /// The width of all panels.
    pub width: f64,
    /// The memory map: addresses.
    pub map: Panel,
    /// Bytes moved: in above the middle, out below.
    pub moved: Panel,
    /// Bytes in use and bytes live.
    pub curves: Panel,
    /// The height of the area below the panels.
    pub legend: f64,
}

/// A panel whose vertical axis goes from zero bytes at its bottom to `most` at its top.
pub(super) struct Panel {
    pub top: f64,
    pub height: f64,
    pub most: Bytes,
}

impl Frame {
    /// Wide enough for the steps and for a line of text of this width above them.
    pub fn new(exhibit: &Exhibit, picture: &Picture, line: f64) -> Frame {
        let n_steps = picture.n_steps();
        let scratchpad = exhibit.problem.machine.scratchpad();
        let map = picture.top(scratchpad);
        let live = picture.live.iter().chain(&picture.occupied).copied().max().unwrap_or_default();
        let curves = if map < scratchpad { live } else { live.max(scratchpad) };
        let moved = picture.moved.iter().map(|it| (it.loaded + it.reloaded).max(it.stored + it.spilled)).max();
        let map_top = if exhibit.is_tiled() { MAP_TOP + STRIP } else { MAP_TOP };
        let moved_top = map_top + MAP_HEIGHT + 44.0;
        let curves_top = moved_top + MOVED_HEIGHT + 30.0;
        Frame {
            n_steps,
            width: (n_steps as f64 * 48.0).max(line).clamp(640.0, 1180.0),
            map: Panel { top: map_top, height: MAP_HEIGHT, most: map.max(Bytes(1)) },
            moved: Panel { top: moved_top, height: MOVED_HEIGHT, most: moved.unwrap_or_default().max(Bytes(1)) },
            curves: Panel { top: curves_top, height: CURVES_HEIGHT, most: curves.max(Bytes(1)) },
            legend: 0.0,
        }
    }

    /// Width and height of the whole picture.
    pub fn size(&self) -> (f64, f64) {
        (LEFT + self.width + RIGHT, self.below() + self.legend)
    }

    /// The top of the area below the panels and their axes.
    pub fn below(&self) -> f64 {
        self.curves.bottom() + 40.0
    }

    pub fn right(&self) -> f64 {
        LEFT + self.width
    }

    /// The x coordinate of the left edge of a step.
    pub fn x(&self, step: Step) -> f64 {
        LEFT + self.width * step.index() as f64 / self.n_steps.max(1) as f64
    }

    pub fn step_width(&self) -> f64 {
        self.width / self.n_steps.max(1) as f64
    }

    /// The steps to number, few enough that numbers do not touch.
    pub fn step_ticks(&self) -> Vec<Step> {
        let last = self.n_steps.saturating_sub(1) as u64;
        let at_most = (self.width / 46.0) as u64;
        ticks(last, at_most, false).into_iter().map(|it| Step(it as u32)).collect()
    }
}

impl Panel {
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub fn y(&self, bytes: Bytes) -> f64 {
        self.bottom() - self.pixels(bytes)
    }

    /// The height of a number of bytes.
    pub fn pixels(&self, bytes: Bytes) -> f64 {
        self.height * bytes.0 as f64 / self.most.0 as f64
    }

    /// The ticks of the vertical axis with their numbers, and the unit of the numbers.
    pub fn ticks(&self) -> (Vec<(Bytes, String)>, &'static str) {
        let (unit, bytes) = unit_of(self.most);
        let numbers = ticks(self.most.0 / bytes, (self.height / 40.0) as u64, true);
        (numbers.into_iter().map(|it| (Bytes(it * bytes), it.to_string())).collect(), unit)
    }
}
