//! The networks: files, kinds and planning problems.

use cosma::time::{Clock, Ratio};
use cosma::{MachineOptions, new_context, problems, read_module};
use cosma_planner::{Bytes, Problem, Weights};
use std::path::{Path, PathBuf};

/// The kind of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Hand-designed wiring, including chains of blocks whose sizes were searched for.
    HandDesigned,
    /// Wiring that was searched for or drawn at random.
    Searched,
    /// A training step: forward, backward and update.
    Training,
}

/// The prefixes of the names of searched networks.
const SEARCHED: [&str; 7] = ["amoebanet", "darts", "enas", "nasnet", "pnas", "randwire", "swiftnet"];

impl Kind {
    /// All kinds, in the order of the tables.
    pub const ALL: [Kind; 3] = [Kind::HandDesigned, Kind::Searched, Kind::Training];

    /// The kind of a network by its name.
    pub fn of(name: &str) -> Kind {
        if name.starts_with("train_") {
            Kind::Training
        } else if SEARCHED.iter().any(|it| name.starts_with(it)) {
            Kind::Searched
        } else {
            Kind::HandDesigned
        }
    }

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::HandDesigned => "hand-designed",
            Kind::Searched => "searched",
            Kind::Training => "training",
        }
    }
}

/// A function to plan.
pub struct Network {
    /// The file's name without its extension, and the function's if there are several.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The problem, with an arbitrary scratchpad size.
    pub problem: Problem,
}

impl Network {
    /// The problem with a scratchpad of the minimum size times a factor, rounded down to bytes.
    pub fn at(&self, weights: Weights, factor: f64) -> Problem {
        let mut problem = self.problem.clone();
        problem.graph = problem.graph.with_weights(weights);
        let Bytes(least) = problem.min_scratchpad();
        problem.machine.set_scratchpad(Bytes((least as f64 * factor).floor() as u64));
        problem
    }
}

/// The files among the paths, and the `*.mlir` files in the folders among them, sorted by name. If `only` is
/// not empty, only files whose name contains one of its parts.
///
/// # Errors
/// A message about a missing file. A folder may be missing.
pub fn files(paths: &[PathBuf], only: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        let is_file_name = path.extension().is_some();
        if path.is_dir() {
            let entries =
                std::fs::read_dir(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let found = entries.filter_map(|it| it.ok()).map(|it| it.path());
            let mut found: Vec<PathBuf> = found.filter(|it| it.extension().is_some_and(|it| it == "mlir")).collect();
            found.sort();
            files.extend(found);
        } else if path.is_file() {
            files.push(path.clone());
        } else if is_file_name {
            return Err(format!("{} does not exist", path.display()));
        }
    }
    files.retain(|it| only.is_empty() || only.iter().any(|part| stem(it).contains(part.as_str())));
    Ok(files)
}

/// Reads the networks of files, in order; if time matters, with how much their operators compute.
///
/// # Errors
/// The errors of the first file that cannot be planned.
pub fn read_all(files: &[PathBuf], is_timed: bool) -> Result<Vec<Network>, String> {
    let mut networks = Vec::new();
    for file in files {
        networks.extend(read(file, is_timed)?);
    }
    Ok(networks)
}

fn read(file: &Path, is_timed: bool) -> Result<Vec<Network>, String> {
    let text = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let context = new_context();
    let module = read_module(&context, &text, &file.display().to_string()).map_err(|error| error.to_string())?;
    let machine = MachineOptions {
        scratchpad: Some(Bytes::ZERO),
        alignment: Some(cosma_passes::DEFAULT_ALIGNMENT),
        weights: Some(Weights::Resident),
        keep: None,
        reserved: Vec::new(),
        // Any will do: each case has that of its machine.
        clock: is_timed.then(|| Clock::each_way(Ratio::ONE, Ratio::ONE)),
        memories: None,
    };
    let problems = problems(&module, &machine).map_err(|error| error.to_string())?;
    let is_alone = problems.len() == 1;
    let stem = stem(file);
    let network = |(function, problem): (String, Problem)| {
        let name = if is_alone { stem.clone() } else { format!("{stem}@{function}") };
        Network { kind: Kind::of(&name), name, problem }
    };
    Ok(problems.into_iter().map(network).collect())
}

/// A file's name without its extension.
pub fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn kinds_are_told_by_names() {
        assert_eq!(Kind::of("nasnet_a_large"), Kind::Searched);
        assert_eq!(Kind::of("randwire_ws_cifar"), Kind::Searched);
        assert_eq!(Kind::of("mnasnet1_0"), Kind::HandDesigned);
        assert_eq!(Kind::of("train_resnet18_b8"), Kind::Training);
    }
}
