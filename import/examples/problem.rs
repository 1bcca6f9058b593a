//! Prints the planner's problem of an ONNX model, as `cosma-opt --print-problem` does of its text:
//! `problem MODEL.onnx SCRATCHPAD [ELEMENT_BYTES]`.

use cosma_import::{Options, import};
use cosma_planner::{Bytes, Machine, Problem};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, scratchpad, rest @ ..] = &arguments[..] else { return Err("MODEL.onnx SCRATCHPAD".into()) };
    let element_bytes = rest.first().map(|it| it.parse()).transpose()?;
    let network = import(std::fs::read(model)?, &Options { element_bytes, ..Options::default() })?;
    let machine = Machine::with_host(Bytes(scratchpad.parse()?), Bytes(64));
    print!("{}", Problem { graph: network.extract().graph.build()?, machine });
    Ok(())
}
