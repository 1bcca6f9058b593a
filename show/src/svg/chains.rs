//! A strip above the map: which operators run together, and in how many bands.

use super::canvas::{Canvas, rectangle, title};
use super::frame::{Frame, LEFT};
use crate::units::{bytes_text, counted, shortened};
use crate::{Exhibit, Picture};
use cosma_planner::{Bytes, Step};

const TOP: f64 = 48.0;
const HEIGHT: f64 = 12.0;
const LETTER_WIDTH: f64 = 5.0;

pub(super) fn draw(exhibit: &Exhibit, picture: &Picture, frame: &Frame, canvas: &mut Canvas) {
    canvas.text(LEFT - 6.0, TOP + 9.0, "together", "tick", "end");
    let counts = exhibit.tile_counts();
    for chain in exhibit.chains() {
        let edge = |step: usize| frame.x(Step(step as u32));
        let (x, right) = (edge(chain.steps.start), edge(chain.steps.end));
        let n_tiles: usize = chain.families.iter().map(|it| counts[*it]).sum();
        let name = exhibit.chain_name(&chain);
        let mut text =
            format!("{name}\n{} in {}", counted(n_tiles as u64, "tile"), counted(chain.n_bands as u64, "band"));
        let weights = exhibit.chain_weights(picture, &chain);
        if weights.staying != Bytes::ZERO {
            text += &format!("\n{} of weights stay", bytes_text(weights.staying));
        }
        let class = if 1 < n_tiles { "chain" } else { "chain alone" };
        canvas.add(rectangle(x, TOP, right - x, HEIGHT).set("class", class).add(title(&text)));
        let letters = ((right - x - 4.0).max(0.0) / LETTER_WIDTH) as usize;
        let label = if 1 < chain.n_bands { format!("{name} ×{}", chain.n_bands) } else { name };
        if let Some(label) = shortened(&label, letters, 7) {
            canvas.text(x + (right - x) / 2.0, TOP + 9.0, &label, "name", "middle");
        }
    }
}
