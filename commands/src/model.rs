//! The flags that control how ONNX models and modules of upstream dialects are read.

use clap::{Args, ValueEnum};
use cosma_import::{Grouping, Options, Sharing, Splitting, import};
use std::path::{Path, PathBuf};

/// How to read a model.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Models")]
pub struct ModelArguments {
    /// Size of a symbolic dimension of an ONNX model; `INPUT[AXIS]` names an anonymous one. May be given several times
    #[arg(long = "dim", value_name = "NAME=SIZE", value_parser = dimension, hide_short_help = true)]
    dimensions: Vec<(String, u64)>,

    /// Count N bytes per float element, as after quantisation (default: the size of its type)
    #[arg(long, value_name = "N", value_parser = ["1", "2", "4", "8"])]
    element_bytes: Option<String>,

    /// Whether to group operations that an accelerator runs as one operator (default: accelerator for ONNX, none for
    /// MLIR); --group alone means --group=accelerator
    #[arg(long, value_name = "GROUP", value_enum, num_args = 0..=1, require_equals = true,
          default_missing_value = "accelerator")]
    group: Option<Group>,

    /// Whether operators of an ONNX model may overwrite an operand that is not read later
    #[arg(long, value_name = "WHICH", value_enum, default_value = "operators", hide_short_help = true)]
    in_place: InPlace,

    /// Whether operators of an ONNX model have the attribute `access`, which describes how they may be split
    #[arg(long, value_name = "WHICH", value_enum, default_value = "operators", hide_short_help = true)]
    access: Access,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Access {
    Operators,
    None,
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
    /// Converts a model to MLIR text in source form.
    ///
    /// # Errors
    /// A message that begins with `name` and the position in the model.
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
            access: match self.access {
                Access::Operators => Splitting::Operators,
                Access::None => Splitting::None,
            },
            folder: folder(name),
            file: name.into(),
        };
        let network = import(model, &options);
        network.map(|it| it.to_string()).map_err(|error| format!("{name}:{}:1: error: {error}", error.position()))
    }

    /// Bytes per float element after quantisation, if given.
    pub fn element_bytes(&self) -> Option<u64> {
        self.element_bytes.as_ref().and_then(|it| it.parse().ok())
    }

    /// Whether to group the operations of an MLIR module.
    #[allow(dead_code)] // cosma-import reads no MLIR.
    pub fn groups_mlir(&self) -> bool {
        self.group == Some(Group::Accelerator)
    }
}

/// The error for TFLite models, which COSMA reads only after conversion to TOSA.
const TFLITE: &str = "a TFLite model must be converted to TOSA first: pip install tosa-converter-for-tflite, then \
                      tosa-converter-for-tflite MODEL.tflite --text -o MODEL.mlir, then cosma-opt --group --inputs=0 \
                      MODEL.mlir";

/// Whether the input is an ONNX or TFLite model, by its extension or its first bytes. An ONNX file starts
/// with the tag of `ir_version` (byte 8), as all exporters write it; no MLIR text or bytecode does.
#[allow(dead_code)] // cosma-import reads nothing else.
pub fn is_model(input: &str, text: &[u8]) -> bool {
    input.ends_with(".onnx") || text.first() == Some(&8) || is_tflite(input, text)
}

/// Whether the input is a TFLite model, by its extension or its file identifier at byte 4.
fn is_tflite(input: &str, text: &[u8]) -> bool {
    input.ends_with(".tflite") || text.get(4..8) == Some(b"TFL3")
}

/// The folder of the model, or `None` if it was not read from a file.
fn folder(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    // The name of standard input is not that of a file.
    let parent = path.is_file().then(|| path.parent())??;
    Some(if parent.as_os_str().is_empty() { ".".into() } else { parent.into() })
}

fn dimension(text: &str) -> Result<(String, u64), String> {
    let (name, size) = text.rsplit_once('=').ok_or("write it as NAME=SIZE")?;
    let size = size.parse().map_err(|_| format!("'{size}' is not a size"))?;
    Ok((name.into(), size))
}
