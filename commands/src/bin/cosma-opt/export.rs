//! The flags that write plans as data, for scripts and runtimes.

use crate::{Failure, named};
use clap::Args;
use cosma::show::Exhibit;
use cosma_commands::command::say;
use cosma_export::{Format, Names, Planned, Proof, write};
use std::path::{Path, PathBuf};

/// The files to write.
#[derive(Debug, Args)]
#[command(next_help_heading = "Plans as data")]
pub struct ExportArguments {
    /// Write the plan as data: all of it as JSON with a published schema, or one CSV row per residency in the scratchpad.
    /// Several functions get a file each
    #[arg(long, value_name = "FILE.json|FILE.csv")]
    plan: Option<PathBuf>,

    /// Write the addresses as CSV in MiniMalloc's format, which `cosma-pack` reads
    #[arg(long, value_name = "FILE.csv", hide_short_help = true)]
    buffers: Option<PathBuf>,

    /// Write the addresses for TensorFlow Lite Micro: as a C header, or in a copy of the model. The plan must have no spills or reloads
    #[arg(long, value_name = "FILE.h|FILE.tflite", requires = "tflite", hide_short_help = true)]
    tflm: Option<PathBuf>,

    /// TensorFlow Lite model for --tflm
    #[arg(long, value_name = "MODEL.tflite", requires = "tflm", hide_short_help = true)]
    tflite: Option<PathBuf>,

    /// Write the addresses for ExecuTorch as JSON, which examples/executorch_plan.py applies. The plan
    /// must have no spills or reloads
    #[arg(long, value_name = "FILE.json", hide_short_help = true)]
    executorch: Option<PathBuf>,
}

/// A description for messages, the file to write, and its content.
type File = (&'static str, PathBuf, Vec<u8>);

/// A function that writes a plan in one format.
type Make<'a> = Box<dyn Fn(&Planned) -> Result<cosma_export::Written, cosma_export::Error> + 'a>;

impl ExportArguments {
    /// Whether any file is requested.
    pub fn is_asked(&self) -> bool {
        [&self.plan, &self.buffers, &self.tflm, &self.executorch].into_iter().any(Option::is_some)
    }

    /// Checks the extensions of all files, before anything is planned.
    ///
    /// # Errors
    /// A message about the first file with a wrong extension.
    pub fn check(&self) -> Result<(), String> {
        let asked = [
            ("--plan", &self.plan, &["json", "csv"][..]),
            ("--buffers", &self.buffers, &["csv"]),
            ("--tflm", &self.tflm, &["h", "tflite"]),
            ("--executorch", &self.executorch, &["json"]),
        ];
        for (flag, path, endings) in asked {
            let Some(path) = path.as_ref().filter(|it| it.as_path() != Path::new("-")) else { continue };
            if !endings.iter().any(|it| ends_with(path, it)) {
                let endings: Vec<String> = endings.iter().map(|it| format!(".{it}")).collect();
                let (endings, path) = (endings.join(" or "), path.display());
                return Err(format!("{flag} needs a file name that ends in {endings}, not '{path}'"));
            }
        }
        Ok(())
    }

    /// The files to write. The programs must have been verified.
    pub fn files(&self, exhibits: &[Exhibit]) -> Result<Vec<File>, Failure> {
        let model = match &self.tflite {
            None => Vec::new(),
            Some(path) => std::fs::read(path)
                .map_err(|error| Failure::Call(format!("cannot read {}: {error}", path.display())))?,
        };
        let plain = |format: Format<'static>| -> Make { Box::new(move |it| write(format, it)) };
        let mut asked: Vec<(&'static str, &PathBuf, Make)> = Vec::new();
        if let Some(path) = &self.plan {
            asked.push(("plan", path, plain(if ends_with(path, "csv") { Format::Csv } else { Format::Json })));
        }
        asked.extend(self.buffers.iter().map(|it| ("buffers", it, plain(Format::Buffers))));
        asked.extend(self.executorch.iter().map(|it| ("addresses for ExecuTorch", it, plain(Format::ExecuTorch))));
        if let Some(path) = &self.tflm {
            let format = if ends_with(path, "h") { Format::TflmHeader(&model) } else { Format::TflmModel(&model) };
            asked.push(("addresses for TensorFlow Lite Micro", path, Box::new(move |it| write(format, it))));
        }
        let mut files = Vec::new();
        for (what, path, make) in asked {
            let made = exhibits.iter().map(|it| Ok((it.function.clone(), made(it, &make)?)));
            let contents = named(what, made.collect::<Result<_, Failure>>()?, path)?;
            files.extend(contents.into_iter().map(|(path, content)| (what, path, content)));
        }
        Ok(files)
    }
}

/// Writes one program in the given format, and prints warnings.
fn made(exhibit: &Exhibit, make: &Make) -> Result<Vec<u8>, Failure> {
    let names = Names {
        operators: exhibit.operators.iter().map(|it| it.name.clone()).collect(),
        tensors: exhibit.tensors.iter().map(|it| it.name.clone()).collect(),
    };
    let proof = exhibit.proof.map(|it| Proof {
        lower_bound: it.lower_bound,
        fragmentation: it.fragmentation,
        solver: it.solver,
    });
    let planned = Planned { names, proof, ..Planned::new(&exhibit.function, &exhibit.problem, &exhibit.actions) };
    let written = make(&planned).map_err(|error| {
        say(&format!("error: @{}: {error}", exhibit.function));
        Failure::Module
    })?;
    written.warnings.iter().for_each(|it| say(&format!("warning: @{}: {it}", exhibit.function)));
    Ok(written.bytes)
}

fn ends_with(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(ending))
}
