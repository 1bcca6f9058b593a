//! Colours and patterns, on light and on dark paper.

use crate::svg::canvas::pattern;
use cosma_planner::time::Reason;
use svg::node::element::{Circle, Definitions, Element, Path};

/// The style sheet. Fonts are those of the reader's system; bars have the colours of transfers in memory maps.
pub(super) const STYLE: &str = "\
text { font: 11px 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #333 }
text.heading { font-size: 13px; font-weight: 600; fill: #111 }
text.name { font-size: 9px; fill: #111 }
text.on-reload, text.on-spill { fill: #fff }
.paper { fill: #fff }
.bar { stroke: #444; stroke-width: 0.5 }
.run { fill: #9ec3e6 }
.load { fill: #b3b3b3 }
.reload { fill: #d7301f }
.store { fill: #7f9fc4 }
.spill { fill: #7a1fa2 }
.move { fill: #8fbf8f }
.mark { pointer-events: none }
line.grid { stroke: #e6e6e6 }
line.axis { stroke: #333 }
line.end { stroke: #333; stroke-dasharray: 4 2.5 }
@media (prefers-color-scheme: dark) {
text { fill: #ddd }
text.heading { fill: #fff }
text.name { fill: #111 }
text.on-reload, text.on-spill { fill: #fff }
.paper { fill: #1c1f24 }
.bar { stroke: #ccc }
.spill { fill: #a45cc4 }
line.grid { stroke: #3a3f47 }
line.axis, line.end { stroke: #ccc }
}";

/// The class of a stall, which is also the name of its pattern.
pub(super) fn class_of(reason: Reason) -> &'static str {
    match reason {
        Reason::Channel => "by-channel",
        Reason::Place => "by-place",
        Reason::Latency => "by-latency",
        Reason::WriteBack => "by-write-back",
        Reason::Late => "by-late",
    }
}

/// The colour of a stall, distinguishable in colour deficiencies.
pub(super) fn colour_of(reason: Reason) -> &'static str {
    match reason {
        Reason::Channel => "#56b4e9",
        Reason::Place => "#e8743b",
        Reason::Latency => "#f0e442",
        Reason::WriteBack => "#cc79a7",
        Reason::Late => "#bbbbbb",
    }
}

/// The patterns of stalls, drawn over their colour.
pub(super) fn patterns() -> Definitions {
    let path = |data: &str| -> Element {
        Path::new().set("d", data).set("stroke", "#222").set("stroke-width", 0.9).set("fill", "none").into()
    };
    let mark = |reason: Reason| -> Element {
        match reason {
            Reason::Channel => path("M0 6L6 0M-1 1L1 -1M5 7L7 5"),
            Reason::Place => path("M0 0L6 6M0 6L6 0"),
            Reason::Latency => Circle::new().set("cx", 3).set("cy", 3).set("r", 1).set("fill", "#222").into(),
            Reason::WriteBack => path("M0 0L6 6M-1 5L1 7M5 -1L7 1"),
            Reason::Late => path("M0 3H6"),
        }
    };
    let add = |all: Definitions, reason: &Reason| all.add(pattern(class_of(*reason), 6.0, mark(*reason)));
    Reason::ALL.iter().fold(Definitions::new(), add)
}
