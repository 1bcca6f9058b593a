//! `cosma-lsp-server`: MLIR's language server with COSMA's dialect, for editors.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(u8::try_from(cosma::tool::lsp_server_main(std::env::args_os().collect())).unwrap_or(1))
}
