//! Why a network cannot be split.

use crate::NetworkError;
use cosma_planner::{Bytes, OpId};

/// Why a network cannot be split so that it fits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The network contradicts itself.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// An operator does not fit, whatever its pieces.
    #[error("{name} needs {needed} B in its smallest tile, but the scratchpad has {scratchpad} B")]
    TooSmall {
        /// The operator.
        op: OpId,
        /// Its name.
        name: String,
        /// Bytes of its smallest tile.
        needed: Bytes,
        /// The size of the scratchpad in bytes.
        scratchpad: Bytes,
    },
    /// Each operator fits in pieces, but no plan for all of them was found.
    #[error("each operator fits in tiles, but together they do not fit {scratchpad} B in any plan that was tried")]
    NoProgram {
        /// The size of the scratchpad in bytes.
        scratchpad: Bytes,
    },
}
