//! Runs the example without MLIR.

// It is also compiled as an example.
#[allow(dead_code)]
#[path = "../examples/without_mlir.rs"]
mod without_mlir;

#[test]
fn planning_without_mlir() {
    let mut text = Vec::new();
    without_mlir::run(&mut text).expect("it works");
    let text = String::from_utf8(text).expect("it is text");
    assert!(text.contains("machine scratchpad 256"), "{text}");
    assert!(text.contains("reload x"), "{text}");
    assert!(text.ends_with("192 B moved, 64 B of it non-compulsory; no plan moves less than 64 B of that\n"), "{text}");
}
