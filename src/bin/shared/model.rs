//! Models of others, ONNX and MLIR's upstream dialects, and the flags that say how they are read.

use clap::{Args, ValueEnum};
use cosma_import::{Grouping, Options, Sharing, import};
use std::path::{Path, PathBuf};

/// How a model is read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Models")]
pub struct ModelArguments {
    /// The size of a symbolic dimension of an ONNX model; `INPUT[AXIS]` is one without a name. May be given several times
    #[arg(long = "dim", value_name = "NAME=SIZE", value_parser = dimension)]
    dimensions: Vec<(String, u64)>,

    /// Plan floats as integers of so many bytes, to which they will be quantised; otherwise as they are
    #[arg(long, value_name = "N", value_parser = ["1", "2", "4", "8"])]
    element_bytes: Option<String>,

    /// Which operators become one: those that an accelerator runs at once, or none. Unless said, so it is
    /// with ONNX models and nothing is grouped in MLIR; --group alone is --group=accelerator
    #[arg(long, value_name = "GROUP", value_enum, num_args = 0..=1, require_equals = true,
          default_missing_value = "accelerator")]
    group: Option<Group>,

    /// Which operators of an ONNX model may write results where operands lie that nobody else is still to
    /// read: those that can, or none
    #[arg(long, value_name = "WHICH", value_enum, default_value = "operators")]
    in_place: InPlace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InPlace {
    Operators,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    Accelerator,
    None,
}

impl ModelArguments {
    /// A model as text in source form, or what is wrong with it, and where.
    pub fn read(&self, model: Vec<u8>, name: &str) -> Result<String, String> {
        if is_tflite(name, &model) {
            return Err(format!("{name}:1:1: error: {TFLITE}"));
        }
        let options = Options {
            dimensions: self.dimensions.iter().cloned().collect(),
            element_bytes: self.element_bytes().and_then(|it| it.try_into().ok()),
            grouping: match self.group {
                None | Some(Group::Accelerator) => Grouping::Accelerator,
                Some(Group::None) => Grouping::None,
            },
            in_place: match self.in_place {
                InPlace::Operators => Sharing::Operators,
                InPlace::None => Sharing::None,
            },
            folder: folder(name),
            file: name.into(),
        };
        let network = import(model, &options);
        network.map(|it| it.to_string()).map_err(|error| format!("{name}:{}:1: error: {error}", error.position()))
    }

    /// Bytes of a float after quantisation.
    pub fn element_bytes(&self) -> Option<u64> {
        self.element_bytes.as_ref().and_then(|it| it.parse().ok())
    }

    /// Whether operators of MLIR become one as well.
    #[allow(dead_code)] // One of the programs reads no MLIR.
    pub fn groups_mlir(&self) -> bool {
        self.group == Some(Group::Accelerator)
    }
}

/// What is said of a model that is read by way of another form.
const TFLITE: &str = "a TFLite model has to be converted to TOSA first: pip install tosa-converter-for-tflite, then \
                      tosa-converter-for-tflite MODEL.tflite --text -o MODEL.mlir, then cosma-opt --group --inputs=0 \
                      MODEL.mlir";

/// Whether the input is a model: as its name says; or it begins with what no text and no bytecode
/// does, but every model that has the version of its format first, as all writers put it.
#[allow(dead_code)] // One of the programs reads nothing else.
pub fn is_model(input: &str, text: &[u8]) -> bool {
    input.ends_with(".onnx") || text.first() == Some(&8) || is_tflite(input, text)
}

/// Whether the input is a model of TFLite: as its name says, or the four bytes behind its first four.
fn is_tflite(input: &str, text: &[u8]) -> bool {
    input.ends_with(".tflite") || text.get(4..8) == Some(b"TFL3")
}

/// The folder of a model that comes from a file.
fn folder(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    // The standard input is called as no file is.
    let parent = path.is_file().then(|| path.parent())??;
    Some(if parent.as_os_str().is_empty() { ".".into() } else { parent.into() })
}

fn dimension(text: &str) -> Result<(String, u64), String> {
    let (name, size) = text.rsplit_once('=').ok_or("write it as NAME=SIZE")?;
    let size = size.parse().map_err(|_| format!("'{size}' is no size"))?;
    Ok((name.into(), size))
}
