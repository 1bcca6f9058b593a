//! Models that are not MLIR yet, and the flags that say how they are read.

use clap::{Args, ValueEnum};
use cosma_import::{Grouping, Options, import};

/// How an ONNX model is read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "ONNX models")]
pub struct ModelArguments {
    /// The size of a symbolic dimension; `INPUT[AXIS]` is one without a name. May be given several times
    #[arg(long = "dim", value_name = "NAME=SIZE", value_parser = dimension)]
    dimensions: Vec<(String, u64)>,

    /// Plan floats as integers of so many bytes, to which they will be quantised; otherwise as they are
    #[arg(long, value_name = "N", value_parser = ["1", "2", "4", "8"])]
    element_bytes: Option<String>,

    /// Which operators become one: those that an accelerator runs at once, or none
    #[arg(long, value_name = "GROUP", value_enum, default_value = "accelerator")]
    group: Group,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Group {
    Accelerator,
    None,
}

impl ModelArguments {
    /// A model as text in source form, or what is wrong with it, and where.
    pub fn read(&self, model: Vec<u8>, name: &str) -> Result<String, String> {
        let options = Options {
            dimensions: self.dimensions.iter().cloned().collect(),
            element_bytes: self.element_bytes.as_ref().and_then(|it| it.parse().ok()),
            grouping: match self.group {
                Group::Accelerator => Grouping::Accelerator,
                Group::None => Grouping::None,
            },
            file: name.into(),
        };
        let network = import(model, &options);
        network.map(|it| it.to_string()).map_err(|error| format!("{name}:{}:1: error: {error}", error.position()))
    }
}

fn dimension(text: &str) -> Result<(String, u64), String> {
    let (name, size) = text.rsplit_once('=').ok_or("write it as NAME=SIZE")?;
    let size = size.parse().map_err(|_| format!("'{size}' is no size"))?;
    Ok((name.into(), size))
}
