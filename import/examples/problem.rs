//! Prints the planner's problem of an ONNX model, as `cosma-opt --print-problem` does of its text:
//! `problem MODEL.onnx SCRATCHPAD [ELEMENT_BYTES|none]`; `none` groups nothing, `group` as
//! without it.

use cosma_import::{Grouping, Options, import};
use cosma_planner::{Bytes, Machine, Problem};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, scratchpad, rest @ ..] = &arguments[..] else { return Err("MODEL.onnx SCRATCHPAD".into()) };
    let mut options = Options::default();
    for word in rest {
        match &word[..] {
            "none" => options.grouping = Grouping::None,
            "group" => options.grouping = Grouping::Accelerator,
            bytes => options.element_bytes = Some(bytes.parse()?),
        }
    }
    let network = import(std::fs::read(model)?, &options)?;
    let machine = Machine::with_host(Bytes(scratchpad.parse()?), Bytes(64));
    print!("{}", Problem { graph: network.extract().graph.build()?, machine });
    Ok(())
}
