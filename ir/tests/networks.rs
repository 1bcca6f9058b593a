//! Networks read with the dialect loaded, and print as they read: the small ones of the project, and every
//! one in the shared folder.

use cosma_ir::{Reports, new_context, parse};
use std::fs;
use std::path::Path;

#[test]
fn networks_round_trip() {
    assert_eq!(round_trip(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/small")), Some(3));
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/networks");
    let n_networks = round_trip(&shared);
    let is_allowed = std::env::var_os("COSMA_WITHOUT_SHARED").is_some_and(|it| it == "1");
    assert!(n_networks.is_some() || is_allowed, "there is no {}", shared.display());
    println!("{n_networks:?} networks");
    assert_ne!(n_networks, Some(0));
}

/// The number of networks in a folder, if there is one.
fn round_trip(folder: &Path) -> Option<usize> {
    let entries = fs::read_dir(folder).ok()?;
    let mut n_networks = 0;
    for path in entries.map(|it| it.expect("the folder can be read").path()) {
        if path.extension().is_none_or(|it| it != "mlir") {
            continue;
        }
        let name = path.display().to_string();
        let text = fs::read(&path).expect("the file can be read");
        let context = new_context();
        let reports = Reports::attach(&context);
        let print = |text: &[u8]| parse(&context, text, &name).map(|it| it.as_operation().to_string());
        let first = print(&text);
        assert_eq!(reports.take(), [], "{name}");
        let first = first.expect("what does not parse is reported");
        assert!(first.contains("= cosma.op \""), "{name}");
        assert_eq!(print(first.as_bytes()), Some(first), "{name}");
        n_networks += 1;
    }
    Some(n_networks)
}
