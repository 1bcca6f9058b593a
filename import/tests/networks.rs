//! Real models: they are read, what is inferred is what their exporter said, and how long it takes.

mod common;

use cosma_import::proto::ModelProto;
use cosma_import::{Options, import};
use prost::Message;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The models, in the order of their names.
fn models() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/onnx");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        let is_allowed = std::env::var_os("COSMA_WITHOUT_SHARED").is_some_and(|it| it == "1");
        assert!(is_allowed, "there is no {}; COSMA_WITHOUT_SHARED=1 skips what needs it", folder.display());
        println!("skipped: there is no {}", folder.display());
        return Vec::new();
    };
    let mut models: Vec<PathBuf> = entries.map(|it| it.expect("it can be read").path()).collect();
    models.retain(|it| it.extension().is_some_and(|it| it == "onnx"));
    models.sort();
    models
}

/// Not asserted, since machines differ and tests run beside others; a release build says more.
#[test]
fn how_long_reading_takes() {
    let (mut n, mut duration) = (0, Duration::ZERO);
    for model in models() {
        let bytes = std::fs::read(&model).expect("it can be read");
        let start = Instant::now();
        let network = import(bytes.clone(), &Options::default()).expect("it is a model");
        let text = network.to_string();
        duration += start.elapsed();
        n += ModelProto::decode(&bytes[..]).expect("it is a model").graph.expect("it has one").node.len();
        assert!(!text.is_empty());
    }
    if n != 0 {
        println!("{n} nodes read in {duration:?}: {:.2} ms for a thousand", duration.as_secs_f64() * 1e6 / n as f64);
    }
}

/// Without what the model declares about values, everything is inferred, and comes out the same.
#[test]
fn what_is_inferred_is_what_exporters_declare() {
    for model in models() {
        let bytes = std::fs::read(&model).expect("it can be read");
        let mut stripped = ModelProto::decode(&bytes[..]).expect("it is a model");
        let graph = stripped.graph.as_mut().expect("it has one");
        let declared = std::mem::take(&mut graph.value_info);
        let network = common::Model(stripped).import(&common::ungrouped());
        let network = network.unwrap_or_else(|error| panic!("{}: {error}", model.display()));
        let mut n_compared = 0;
        for info in declared {
            let Some(index) = network.tensors.iter().position(|it| it.name == info.name) else { continue };
            // What is returned has the shape of the view that is.
            if network.results.iter().any(|it| it.0 == index) {
                continue;
            }
            let tensor = &network.tensors[index];
            let Some(shape) = info.r#type.and_then(|it| it.tensor_type).and_then(|it| it.shape) else { continue };
            let shape: Option<Vec<u64>> =
                shape.dim.iter().map(|it| it.dim_value.and_then(|it| u64::try_from(it).ok())).collect();
            if let Some(shape) = shape {
                assert_eq!(tensor.shape, shape, "{}: {}", model.display(), info.name);
                n_compared += 1;
            }
        }
        assert!(0 < n_compared, "{}", model.display());
    }
}
