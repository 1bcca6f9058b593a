//! Machines by name or by file.

use super::{MachineFile, named, names, text, vela};
use std::path::Path;

/// Reads a machine: one of [`names`]; a file with a machine's lines; or a configuration file of Vela with a system, a
/// memory mode and an accelerator from it, separated by commas, as
/// `vela.ini,Ethos_U65_High_End,Dedicated_Sram,ethos-u65-512`.
///
/// # Errors
/// If there is neither such a machine nor such a file, or the file is invalid: the error and its position.
pub fn read(name: &str) -> Result<MachineFile, String> {
    if text(name).is_some() {
        return named(name).map_err(|error| error.to_string());
    }
    let words: Vec<&str> = name.split(',').collect();
    let is_ini = Path::new(words[0]).extension().is_some_and(|it| it.eq_ignore_ascii_case("ini"));
    if !is_ini && !Path::new(name).exists() {
        let names: Vec<&str> = names().collect();
        return Err(format!("there is no machine or file '{name}'; the machines are {}", names.join(", ")));
    }
    let path = if is_ini { words[0] } else { name };
    let content = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let file = match words[..] {
        [_, system, memory, accelerator] if is_ini => vela::read(&content, system, memory, accelerator),
        _ if is_ini => {
            return Err(format!(
                "needs a system, a memory mode and an accelerator of it as well, as \
                 {path},Ethos_U65_High_End,Dedicated_Sram,ethos-u65-512"
            ));
        }
        _ => content.parse(),
    };
    file.map_err(|error| format!("{path}: {error}"))
}
