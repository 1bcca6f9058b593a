//! Real models against the same networks as they were brought to an accelerator's granularity by hand
//! before: as many operators, the same scratchpad, the same peak, or fewer and less where it is said why. At most
//! 0.5 % of the operators and of the peak, and 0.01 % of the scratchpad, may be more.

mod common;

use common::shared;
use cosma::{MachineOptions, Options, Solver, Stages, Weights, optimize};
use cosma_import::{Options as ImportOptions, Sharing, import};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What differs, and why.
const EXPLAINED: &[(&str, &str)] = &[
    ("amoebanet_a_imagenet", CROPPED),
    ("amoebanet_d_l18_f190", CROPPED),
    ("bisenet_resnet18", "an addition to what the product before it reads is part of that product"),
    ("clip_vit_text_b32", "a comparison with a constant joins its only reader, as all elementwise operators do"),
    ("convnext_tiny", "channels change their place as they are written or read, and what has one dimension is a view"),
    ("darts_pcv_imagenet", CROPPED),
    ("darts_v1_imagenet", CROPPED),
    ("darts_v2_cifar", CROPPED),
    ("darts_v2_imagenet", CROPPED),
    ("llama_like_l12_d768", NORMALISED),
    ("llama_like_l12_d768_decode", NORMALISED),
    ("llama_like_l2_d2048", NORMALISED),
    ("mixnet_s", "pieces of a tensor that is there anyway are views"),
    ("mobilevit_s", "two transpositions, one after the other, are one"),
    ("nasnet_a_cifar", CROPPED),
    ("nasnet_a_large", CROPPED),
    ("nasnet_a_mobile", CROPPED),
    ("ofa_mbv3_w12_max", "sums along two axes, one after the other, are one"),
    ("ofa_mbv3_w12_rand0", "sums along two axes, one after the other, are one"),
    ("sd15_unet_64", "channels change their place as they are written or read, and pieces are views"),
    ("shufflenet_v2_x1_0", "pieces of a tensor that is there anyway are views"),
    ("ssd300_vgg16", "a bound on a norm joins the reduction that computes it"),
    ("t5_small_encdec", NORMALISED),
    ("transformer_encdec_base", "pieces of a tensor that is there anyway are views"),
    ("whisper_tiny_encoder", "the embedding of positions is added while transposing"),
];

const CROPPED: &str = "padding and cropping run with the windows that read it, so the copy is never there";
const NORMALISED: &str =
    "a sum that is normalised at once is two operators, the second of which may be part of a product";

/// The models, in the order of their names.
fn models(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("onnx")).expect("it is there");
    let mut models: Vec<PathBuf> = entries.map(|it| it.expect("it is there").path()).collect();
    models.retain(|it| it.extension().is_some_and(|it| it == "onnx"));
    models.sort();
    models
}

fn read(model: &Path, in_place: Sharing) -> String {
    let file = model.display().to_string();
    let options = ImportOptions { element_bytes: Some(1), file, in_place, ..ImportOptions::default() };
    let bytes = std::fs::read(model).expect("it is there");
    import(bytes, &options).unwrap_or_else(|error| panic!("{}: {error}", model.display())).to_string()
}

/// Without bound on memory: what a network needs at least, and the most that is live at once.
fn plan(text: &str, weights: Weights) -> cosma::FunctionReport {
    plan_within(text, weights, 1 << 40, Solver::Greedy)
}

fn plan_within(text: &str, weights: Weights, scratchpad: u64, solver: Solver) -> cosma::FunctionReport {
    let context = cosma::new_context();
    let mut module = cosma::parse(&context, text.as_bytes(), "network.mlir").expect("it is well-formed");
    let machine =
        MachineOptions { scratchpad: Some(scratchpad.into()), weights: Some(weights), ..MachineOptions::default() };
    let options = Options {
        machine,
        stages: Stages { schedule: true, allocate: true, ..Stages::default() },
        solver,
        time_limit: Duration::from_secs(2),
        ..Options::default()
    };
    optimize(&mut module, &options).expect("there is a plan").functions.remove(0)
}

#[test]
fn models_against_networks() {
    let Some(folder) = shared(&["onnx", "networks"]) else { return };
    let mut table = format!("{:28} {:>11} {:>24} {:>24}\n", "network", "operators", "min_scratchpad", "peak, streamed");
    let mut wrong = Vec::new();
    let change = |before: u64, after: u64| 100.0 * (after as f64 / before as f64 - 1.0);
    for model in models(&folder) {
        let name = model.file_stem().expect("it has one").to_string_lossy().into_owned();
        let network = std::fs::read_to_string(folder.join(format!("networks/{name}.mlir"))).expect("it is there");
        let text = read(&model, Sharing::None);
        let (before, after) = (plan(&network, Weights::Resident), plan(&text, Weights::Resident));
        let (before_peak, after_peak) = (plan(&network, Weights::Streamed).peak, plan(&text, Weights::Streamed).peak);
        let why = EXPLAINED.iter().find(|it| it.0 == name).map_or("", |it| it.1);
        writeln!(
            table,
            "{name:28} {:4} > {:4} {:10} > {:10} {:+5.1}% {:10} > {:10} {:+5.1}%  {why}",
            before.operators,
            after.operators,
            before.min_scratchpad,
            after.min_scratchpad,
            change(before.min_scratchpad, after.min_scratchpad),
            before_peak,
            after_peak,
            change(before_peak, after_peak),
        )
        .expect("text takes any line");
        let is_worse = 1.005 * (before.operators as f64) < after.operators as f64
            || 1.0001 * (before.min_scratchpad as f64) < after.min_scratchpad as f64
            || 1.005 * (before_peak as f64) < after_peak as f64;
        let differs = before.operators != after.operators
            || before.min_scratchpad != after.min_scratchpad
            || before_peak != after_peak;
        if is_worse || differs && why.is_empty() {
            wrong.push(name);
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{wrong:?} differ\n{table}");
}

/// Networks whose traffic is looked at as well: as many as take little time.
const PLANNED: &[&str] = &[
    "densenet121",
    "hardnet68",
    "mobilenet_v2",
    "peleenet",
    "resnet50",
    "shufflenet_v2_x1_0",
    "squeezenet1_1",
    "unet_256",
];

/// Where results may lie where operands lie, nothing takes more.
#[test]
fn sharing_never_costs_anything() {
    let Some(folder) = shared(&["onnx"]) else { return };
    let mut table =
        format!("{:28} {:>24} {:>24} {:>24}\n", "network", "min_scratchpad", "peak, streamed", "traffic at apart's");
    let mut wrong = Vec::new();
    let change = |before: u64, after: u64| 100.0 * (after as f64 - before as f64) / before.max(1) as f64;
    for model in models(&folder) {
        let name = model.file_stem().expect("it has one").to_string_lossy().into_owned();
        let (apart, sharing) = (read(&model, Sharing::None), read(&model, Sharing::Operators));
        let (before, after) = (plan(&apart, Weights::Resident), plan(&sharing, Weights::Resident));
        let peaks = [&apart, &sharing].map(|it| plan(it, Weights::Streamed).peak);
        let traffic = PLANNED.contains(&name.as_str()).then(|| {
            let plan = |text: &str| plan_within(text, Weights::Streamed, streamed_least(&apart), Solver::Auto);
            [&apart, &sharing].map(|it| plan(it).traffic.non_compulsory)
        });
        write!(
            table,
            "{name:28} {:10} > {:10} {:+5.1}% {:10} > {:10} {:+5.1}%",
            before.min_scratchpad,
            after.min_scratchpad,
            change(before.min_scratchpad, after.min_scratchpad),
            peaks[0],
            peaks[1],
            change(peaks[0], peaks[1]),
        )
        .expect("text takes any line");
        if let Some([before, after]) = traffic {
            write!(table, " {before:10} > {after:10} {:+5.1}%", change(before, after)).expect("text takes any line");
        }
        table.push('\n');
        let is_more = before.min_scratchpad < after.min_scratchpad || peaks[0] < peaks[1];
        if is_more || before.operators != after.operators || traffic.is_some_and(|it| it[0] < it[1]) {
            wrong.push(name);
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{wrong:?} take more\n{table}");
}

/// The least scratchpad where weights pass by.
fn streamed_least(text: &str) -> u64 {
    plan(text, Weights::Streamed).min_scratchpad
}
