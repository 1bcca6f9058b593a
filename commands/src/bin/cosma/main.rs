//! `cosma`: one name for all commands.

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Plans the memory of neural-network accelerators: the order of operators, the addresses of tensors, and which tensors
/// are evicted and reloaded, so that traffic to host memory is minimal.
#[derive(Debug, Parser)]
#[command(name = "cosma", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

const AFTER_HELP: &str = "\
Example:
  cosma plan net.onnx --scratchpad=512KiB

`cosma COMMAND --help` describes each. `cosma plan` is `cosma-opt --plan`; the others are the commands cosma-opt,
cosma-import, and so on, which can be called by these names too.";

#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
enum Task {
    /// Plan an ONNX model or an MLIR module and summarise the plan
    Plan(Words),
    /// Run COSMA's stages, or passes one by one
    Opt(Words),
    /// Convert an ONNX model to MLIR
    Import(Words),
    /// Run a network as planned and compare its results with those of the source
    Run(Words),
    /// Plan a network for many scratchpads and plot traffic against size
    Sweep(Words),
    /// Assign addresses to given lifetimes
    Pack(Words),
    /// Compare COSMA with other planning methods
    Bench(Words),
    /// Serve editors with MLIR's language server
    LspServer(Words),
}

/// What the command gets.
#[derive(Args, Debug)]
#[command(disable_help_flag = true, disable_version_flag = true)]
struct Words {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<OsString>,
}

fn main() -> ExitCode {
    let (tool, flag, Words { words }) = match cosma_commands::command::parse::<Arguments>().command {
        Task::Plan(words) => ("cosma-opt", Some("--plan"), words),
        Task::Opt(words) => ("cosma-opt", None, words),
        Task::Import(words) => ("cosma-import", None, words),
        Task::Run(words) => ("cosma-run", None, words),
        Task::Sweep(words) => ("cosma-sweep", None, words),
        Task::Pack(words) => ("cosma-pack", None, words),
        Task::Bench(words) => ("cosma-bench", None, words),
        Task::LspServer(words) => ("cosma-lsp-server", None, words),
    };
    // Beside this one, as they are installed; else wherever the shell would find it.
    let beside = std::env::current_exe().ok().map(|it| it.with_file_name(tool)).filter(|it| it.is_file());
    let error = Command::new(beside.unwrap_or(tool.into())).args(flag).args(words).exec();
    cosma_commands::command::say(&format!("error: cannot run {tool}: {error}"));
    ExitCode::from(2)
}
