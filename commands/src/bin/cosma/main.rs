//! `cosma`: runs any of the other commands.

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Plans the memory of neural-network accelerators: the order of operators, the addresses of tensors, and which tensors
/// are evicted and reloaded, so that traffic to host memory is minimal.
#[derive(Debug, Parser)]
#[command(name = "cosma", version, after_long_help = AFTER_HELP, arg_required_else_help = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    /// `None` only with `--generate`, which exits during parsing.
    command: Option<Task>,
}

const AFTER_HELP: &str = "\
Examples:
  Plan a network and summarise the plan:
    cosma plan --scratchpad=512KiB net.onnx
  See how its traffic depends on the scratchpad:
    cosma sweep --scratchpad=1x..2x net.mlir
  List the flags of a command:
    cosma plan --help

`cosma plan` runs `cosma-opt --summary`; each other command runs the tool of that name, as cosma-opt.

Exit status:
  that of the command, or 2 if the command cannot be run

Environment:
  PATH  searched for commands that are not in the same folder as `cosma`";

#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
enum Task {
    /// Plan an ONNX model or an MLIR module and summarise the plan
    Plan(Words),
    /// Run COSMA's stages or single passes on a module
    Opt(Words),
    /// Convert an ONNX model to MLIR
    Import(Words),
    /// Run the planned network and compare its results with those of the source
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

/// The arguments passed on to the command.
#[derive(Args, Debug)]
#[command(disable_help_flag = true, disable_version_flag = true)]
struct Words {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<OsString>,
}

fn main() -> ExitCode {
    let Some(task) = cosma_commands::command::parse::<Arguments>().command else { return ExitCode::from(2) };
    let (tool, flag, Words { words }) = match task {
        Task::Plan(words) => ("cosma-opt", Some("--summary"), words),
        Task::Opt(words) => ("cosma-opt", None, words),
        Task::Import(words) => ("cosma-import", None, words),
        Task::Run(words) => ("cosma-run", None, words),
        Task::Sweep(words) => ("cosma-sweep", None, words),
        Task::Pack(words) => ("cosma-pack", None, words),
        Task::Bench(words) => ("cosma-bench", None, words),
        Task::LspServer(words) => ("cosma-lsp-server", None, words),
    };
    // Prefer the tool installed in the same folder; otherwise search PATH.
    let beside = std::env::current_exe().ok().map(|it| it.with_file_name(tool)).filter(|it| it.is_file());
    let error = Command::new(beside.unwrap_or(tool.into())).args(flag).args(words).exec();
    cosma_commands::command::say(&format!("error: cannot run {tool}: {error}"));
    ExitCode::from(2)
}
