//! Reads data from external files, but only small tensors that shapes may depend on.
//!
//! A model gives a path relative to its folder. Paths that lead out of the folder, through links or otherwise, are
//! refused: models are untrusted input.

use crate::content::MOST_ELEMENTS;
use crate::graph::n_elements;
use crate::proto::TensorProto;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

/// Whether a tensor is in an external file and small enough for shape computations.
pub fn is_elsewhere(tensor: &TensorProto) -> bool {
    let shape: Option<Vec<u64>> = tensor.dims.iter().map(|it| u64::try_from(*it).ok()).collect();
    let n = shape.and_then(|it| n_elements(&it));
    tensor.data_location == 1 && n.is_some_and(|it| it <= MOST_ELEMENTS)
}

/// Reads the external data of a tensor, `n_bytes` long, into it.
///
/// # Errors
/// A message about why it cannot be read.
pub fn fetch(tensor: &mut TensorProto, n_bytes: u64, folder: Option<&Path>) -> Result<(), String> {
    let entry = |key: &str| tensor.external_data.iter().find(|it| it.key == key).map(|it| it.value.as_str());
    let Some(location) = entry("location") else {
        return Err("its data is in an external file, but the model does not name it".into());
    };
    let fail = |why: &str| format!("its data is in '{location}', {why}");
    let number = |key: &str| match entry(key).map(str::parse::<u64>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(fail(&format!("but its {key} is not a number"))),
    };
    let offset = number("offset")?.unwrap_or(0);
    if let Some(length) = number("length")?.filter(|it| *it != n_bytes) {
        return Err(fail(&format!("but has {length} B there instead of {n_bytes} B")));
    }
    let path = Path::new(location);
    let is_below = path.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir));
    if location.is_empty() || !is_below {
        return Err(fail("which is outside of the model's folder"));
    }
    let Some(folder) = folder else {
        return Err(fail("and the model was not read from a file, so it has no folder"));
    };
    let path = folder.join(path).canonicalize().map_err(|error| fail(&format!("which cannot be read: {error}")))?;
    if !folder.canonicalize().is_ok_and(|it| path.starts_with(it)) {
        return Err(fail("which is outside of the model's folder"));
    }
    let mut data = Vec::new();
    let mut read = || {
        // Reading from a pipe could block.
        let metadata = path.metadata()?;
        let is_long = offset.checked_add(n_bytes).is_some_and(|end| end <= metadata.len());
        if metadata.is_file() && is_long {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            file.take(n_bytes).read_to_end(&mut data)?;
        }
        std::io::Result::Ok(())
    };
    read().map_err(|error| fail(&format!("which cannot be read: {error}")))?;
    if data.len() as u64 != n_bytes {
        return Err(fail(&format!("which has fewer than {n_bytes} B from byte {offset} on")));
    }
    tensor.raw_data = data.into();
    tensor.data_location = 0;
    Ok(())
}
