//! The networks: which there are, of which kind, and the problem that each of them is.

use cosma::{MachineOptions, new_context, problems, read_module};
use cosma_planner::{Bytes, Problem, Weights};
use std::path::{Path, PathBuf};

/// How a network came about, which says what is to be expected of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// People drew it. So are chains of blocks whose sizes alone were searched for.
    HandDesigned,
    /// A search, or chance, decided what is connected with what.
    Searched,
    /// Forward, backward and update in one graph.
    Training,
}

/// Names of networks whose wiring was searched for or drawn by lot begin like this.
const SEARCHED: [&str; 7] = ["amoebanet", "darts", "enas", "nasnet", "pnas", "randwire", "swiftnet"];

impl Kind {
    /// In the order in which tables have them.
    pub const ALL: [Kind; 3] = [Kind::HandDesigned, Kind::Searched, Kind::Training];

    fn of(name: &str) -> Kind {
        if name.starts_with("train_") {
            Kind::Training
        } else if SEARCHED.iter().any(|it| name.starts_with(it)) {
            Kind::Searched
        } else {
            Kind::HandDesigned
        }
    }

    /// For tables.
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
    /// The file's name without its ending, and the function's where there are several.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// For a machine that is yet to be decided, but for the alignment.
    pub problem: Problem,
}

impl Network {
    /// The problem on a machine whose scratchpad is the least, times a factor, rounded down.
    pub fn at(&self, weights: Weights, factor: f64) -> Problem {
        let mut problem = self.problem.clone();
        problem.graph = problem.graph.with_weights(weights);
        let Bytes(least) = problem.min_scratchpad();
        problem.machine.set_scratchpad(Bytes((least as f64 * factor).floor() as u64));
        problem
    }
}

/// Files that are named, and those in folders that are named, by name; only those whose name
/// contains one of these parts, if there are any.
///
/// # Errors
/// A sentence about a file that is named and not there. A folder may be missing.
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
            return Err(format!("there is no {}", path.display()));
        }
    }
    files.retain(|it| only.is_empty() || only.iter().any(|part| stem(it).contains(part.as_str())));
    Ok(files)
}

/// Reads files, in order.
///
/// # Errors
/// What is wrong with the first that cannot be planned.
pub fn read_all(files: &[PathBuf]) -> Result<Vec<Network>, String> {
    let mut networks = Vec::new();
    for file in files {
        networks.extend(read(file)?);
    }
    Ok(networks)
}

fn read(file: &Path) -> Result<Vec<Network>, String> {
    let text = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let context = new_context();
    let module = read_module(&context, &text, &file.display().to_string()).map_err(|error| error.to_string())?;
    let machine = MachineOptions {
        scratchpad: Some(Bytes::ZERO),
        alignment: Some(cosma_passes::DEFAULT_ALIGNMENT),
        weights: Some(Weights::Resident),
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

fn stem(file: &Path) -> String {
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
