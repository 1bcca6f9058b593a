//! Atomic writing of files.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// A prepared output: its content is on disk, and replaces the target with [`Output::put`].
pub struct Output {
    target: PathBuf,
    content: Content,
}

enum Content {
    /// A temporary file beside the target.
    File(NamedTempFile),
    /// The content for a target that cannot be replaced: standard output, a pipe or a device.
    Stream(Vec<u8>),
}

impl Output {
    /// Prepares an output. The target does not change before [`Output::put`].
    ///
    /// If `path` is a symbolic link, its target is replaced. An existing file keeps its permissions.
    ///
    /// # Errors
    /// If the folder or an existing file is not writable, or `path` is a folder.
    pub fn prepare(path: &Path, content: &[u8]) -> io::Result<Output> {
        let stream = |target: &Path| Output { target: target.into(), content: Content::Stream(content.into()) };
        if path == Path::new("-") {
            return Ok(stream(path));
        }
        // `/dev/stdout` is a link to an open file of the process, which must not be replaced.
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
                // Replacing a file does not need write permission on it, but respect a missing one.
                std::fs::OpenOptions::new().append(true).open(&target)?;
                Some(found.permissions())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // The umask of the process applies to a new file.
        let mut file =
            Builder::new().prefix(".cosma-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
        if let Some(mode) = mode {
            file.as_file().set_permissions(mode)?;
        }
        file.write_all(content)?;
        Ok(Output { target, content: Content::File(file) })
    }

    /// Whether one of the two would replace the other.
    #[allow(dead_code)] // Not used by commands that write only one file.
    pub fn replaces(&self, other: &Output) -> bool {
        let is_file = |it: &Output| matches!(it.content, Content::File(_));
        is_file(self) && is_file(other) && self.target == other.target
    }

    /// Replaces the target, or writes to it if it is a stream.
    ///
    /// # Errors
    /// If it cannot be replaced or written to. A closed pipe is not an error.
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

/// Follows a chain of symbolic links to its end, which need not exist.
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
