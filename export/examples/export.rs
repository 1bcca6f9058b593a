//! Plans a problem given as text in source order, and writes the plan in one of the formats, without MLIR:
//!
//! ```text
//! cargo run -p cosma-export --example export -- json|csv|buffers|executorch PROBLEM.txt > OUT
//! cargo run -p cosma-export --example export -- tflm-header|tflm PROBLEM.txt MODEL.tflite > OUT
//! ```

use cosma_export::{Format, Planned, Proof, write};
use cosma_planner::{Options, Order, Problem, check, plan};
use std::error::Error;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (format, path, model) = match &arguments[..] {
        [format, problem] => (format.as_str(), problem, Vec::new()),
        [format, problem, model] => (format.as_str(), problem, std::fs::read(model)?),
        _ => return Err("usage: export FORMAT PROBLEM.txt [MODEL.tflite]".into()),
    };
    let format = match format {
        "json" => Format::Json,
        "csv" => Format::Csv,
        "buffers" => Format::Buffers,
        "tflm-header" => Format::TflmHeader(&model),
        "tflm" => Format::TflmModel(&model),
        "executorch" => Format::ExecuTorch,
        other => return Err(format!("there is no format '{other}'").into()),
    };
    let problem: Problem = std::fs::read_to_string(path)?.parse()?;
    let solution = plan(&problem, &Options { order: Order::Source, ..Options::default() })?;
    let actions = solution.plan.actions(&problem);
    check(&problem, &actions).map_err(|it| format!("the plan is wrong: {it:?}"))?;
    let planned = Planned { proof: Some(Proof::from(&solution)), ..Planned::new("main", &problem, &actions) };
    let written = write(format, &planned)?;
    written.warnings.iter().for_each(|it| eprintln!("warning: {it}"));
    std::io::stdout().write_all(&written.bytes)?;
    Ok(())
}
