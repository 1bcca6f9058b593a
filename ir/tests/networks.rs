//! Every network in the shared folder reads with the dialect loaded, and prints as it reads.

use cosma_ir::{Reports, new_context, parse};
use std::fs;
use std::path::Path;

#[test]
fn networks_round_trip() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/networks");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: there is no {}", folder.display());
        return;
    };
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
    println!("{n_networks} networks");
    assert_ne!(n_networks, 0);
}
