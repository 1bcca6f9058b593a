//! What no plan avoids, and for which plans that holds.

use crate::Network;
use cosma_planner::Bytes;

/// Which plans a bound covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of all tilings.
    AllTilings,
    /// All of all tilings in which no element is computed twice.
    NoRecomputation,
}

/// Non-compulsory bytes that every plan in a scope moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The bytes.
    pub bytes: Bytes,
    /// Which plans.
    pub scope: Scope,
}

/// The best bound that is known.
pub(crate) fn bound(_network: &Network) -> Bound {
    Bound { bytes: Bytes::ZERO, scope: Scope::AllTilings }
}
