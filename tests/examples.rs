//! The examples in Rust, run: what they print is what their readers are promised.

// As they are compiled for themselves, too.
#[allow(dead_code)]
#[path = "../examples/scratchpad_sizes.rs"]
mod scratchpad_sizes;
#[allow(dead_code)]
#[path = "../examples/stage.rs"]
mod stage;

use std::time::Duration;

#[test]
fn a_stage_between_two_passes() {
    let mut text = Vec::new();
    stage::run(&mut text).expect("it works");
    let text = String::from_utf8(text).expect("it is text");
    let expected = "\
source: 7 operators, 0 loads, 0 reloads, 0 spills, 0 stores
clean: 5 operators, 0 loads, 0 reloads, 0 spills, 0 stores
planned: 5 operators, 1 loads, 1 reloads, 0 spills, 1 stores
@cell: optimal, 192 B = 128 compulsory + 64 non-compulsory (at least 64), peak 256 B of 256 B
kept: 5 operators, 1 loads, 1 reloads, 0 spills, 1 stores
";
    assert_eq!(text, expected);
}

#[test]
fn traffic_over_sizes() {
    let mut text = Vec::new();
    let network = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/networks/nasnet_a_mobile.mlir");
    let points = scratchpad_sizes::run(network, Duration::from_secs(10), &mut text).expect("it works");
    let text = String::from_utf8(text).expect("it is text");
    println!("{text}");
    assert!(1 < points.len() && text.starts_with('@') && text.lines().count() == 2 + points.len(), "{text}");
    assert!(points.is_sorted_by_key(|it| std::cmp::Reverse(it.moved)), "{text}");
    assert!(points.iter().all(|it| it.least <= it.moved), "{text}");
    assert!(scratchpad_sizes::svg(&points).contains("<polyline"));
}
