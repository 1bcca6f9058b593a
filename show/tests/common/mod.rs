//! What holds of all traces.

use proptest::prelude::*;
use std::collections::HashMap;

/// It is JSON; durations are not negative; on a track, nothing overlaps; arrows have two ends.
pub fn holds_of_trace(text: &str) -> Result<(), TestCaseError> {
    let trace: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
    let mut ends: HashMap<u64, f64> = HashMap::new();
    let (mut starts, mut arrows) = (0, 0);
    for event in trace["traceEvents"].as_array().expect("a list") {
        match event["ph"].as_str() {
            Some("X") => {
                let (start, duration) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
                prop_assert!(0.0 <= duration);
                let end = ends.entry(event["tid"].as_u64().unwrap()).or_default();
                prop_assert!(*end <= start + 1e-6, "{event}");
                *end = start + duration;
            }
            Some("C") => prop_assert!(event["args"]["bytes"].is_u64()),
            Some("s") => starts += 1,
            Some("f") => arrows += 1,
            _ => {}
        }
    }
    prop_assert_eq!(starts, arrows);
    Ok(())
}
