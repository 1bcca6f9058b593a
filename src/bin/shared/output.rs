//! Files that are written whole or not at all.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// A file whose content is ready, and which replaces what is there when it is put in place.
pub struct Output {
    target: PathBuf,
    content: Content,
}

enum Content {
    /// Beside the target, which it will replace.
    File(NamedTempFile),
    /// The target cannot be replaced: it is the standard output, a pipe or a device.
    Stream(Vec<u8>),
}

impl Output {
    /// Prepares a file. Nothing is to be seen of it before [`Output::put`].
    ///
    /// The target of a symbolic link is replaced, not the link; permissions stay, if there is a file.
    ///
    /// # Errors
    /// Where the folder cannot be written to.
    pub fn prepare(path: &Path, content: &[u8]) -> io::Result<Output> {
        let stream = |target: &Path| Output { target: target.into(), content: Content::Stream(content.into()) };
        if path == Path::new("-") {
            return Ok(stream(path));
        }
        // `/dev/stdout` leads to whatever the process was given, which is not ours to replace.
        if path.starts_with("/dev") || path.starts_with("/proc") {
            return Ok(stream(path));
        }
        let target = follow(path)?;
        let folder =
            target.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")).canonicalize()?;
        let target = folder.join(target.file_name().unwrap_or_default());
        let mode = match std::fs::metadata(&target) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => return Ok(stream(&target)),
            Ok(found) => {
                // Replacing needs no right to write the file; who took it away meant something.
                std::fs::OpenOptions::new().append(true).open(&target)?;
                Some(found.permissions())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // A new file gets what the process's mask leaves of these.
        let mut file =
            Builder::new().prefix(".cosma-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
        if let Some(mode) = mode {
            file.as_file().set_permissions(mode)?;
        }
        file.write_all(content)?;
        Ok(Output { target, content: Content::File(file) })
    }

    /// Whether one of the two would replace the other.
    #[allow(dead_code)] // Some of the programs write one file.
    pub fn replaces(&self, other: &Output) -> bool {
        let is_file = |it: &Output| matches!(it.content, Content::File(_));
        is_file(self) && is_file(other) && self.target == other.target
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Where it cannot be replaced or written to. A reader that has gone is none.
    pub fn put(self) -> io::Result<()> {
        let write =
            |stream: &mut dyn Write, content: &[u8]| match stream.write_all(content).and_then(|()| stream.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                result => result,
            };
        match self.content {
            Content::File(file) => file.persist(&self.target).map(|_| ()).map_err(|error| error.error),
            Content::Stream(content) if self.target == Path::new("-") => write(&mut io::stdout().lock(), &content),
            Content::Stream(content) => {
                write(&mut std::fs::OpenOptions::new().write(true).open(&self.target)?, &content)
            }
        }
    }
}

/// Where a chain of symbolic links ends, be there a file or not.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..40 {
        match std::fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}
