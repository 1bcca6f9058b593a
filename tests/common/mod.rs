//! What tests of the commands share.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Two branches that widen and narrow, one written beside the other: 256 bytes are needed, and with 320
/// nothing is moved twice; in the order of the source, with 384.
pub const BRANCHES: &str = r#"
func.func @branches(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Expand"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %1 = cosma.op "Shift"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %2 = cosma.op "Reduce"(%0) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "Reduce"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  %4 = cosma.op "Add"(%2, %3, %x) : (tensor<64xi8>, tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %4 : tensor<64xi8>
}
"#;

/// The project's folder; tests run in that of the commands.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the commands lie in it")
}

/// The data beside the project, with these folders. Where it is missing, the test fails, unless
/// `COSMA_WITHOUT_SHARED=1` allows to skip it.
pub fn shared(folders: &[&str]) -> Option<PathBuf> {
    let shared = project().join("../shared");
    let missing = folders.iter().map(|it| shared.join(it)).find(|it| !it.exists());
    if let Some(missing) = missing {
        let missing = missing.display();
        let is_allowed = std::env::var_os("COSMA_WITHOUT_SHARED").is_some_and(|it| it == "1");
        assert!(is_allowed, "there is no {missing}; COSMA_WITHOUT_SHARED=1 skips what needs it");
        println!("skipped: there is no {missing}");
        return None;
    }
    Some(shared)
}

/// An input in a folder of its own, and what comes of a command's run on it.
pub struct Run {
    pub folder: tempfile::TempDir,
    pub output: Output,
    extension: &'static str,
}

impl Run {
    /// The command reads `in.EXTENSION` and is to write `out.EXTENSION`.
    pub fn new(command: &str, extension: &'static str, input: impl AsRef<[u8]>, flags: &[&str]) -> Run {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| format!("{name}.{extension}");
        std::fs::write(folder.path().join(file("in")), input).expect("a file");
        let output = Command::new(command)
            .current_dir(folder.path())
            .args([file("in"), "-o".into(), file("out")])
            .args(flags)
            .output()
            .expect("it runs");
        Run { folder, output, extension }
    }

    pub fn says(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    pub fn written(&self) -> PathBuf {
        self.folder.path().join(format!("out.{}", self.extension))
    }

    /// It fails with this code and says this, without a panic, and writes nothing.
    #[track_caller]
    pub fn fails(self, code: i32, text: &str) {
        let says = self.says();
        assert_eq!(self.output.status.code(), Some(code), "{says}");
        assert!(says.contains(text), "expected: {text}\nfound: {says}");
        assert!(!says.contains("panicked"), "{says}");
        assert!(self.output.stdout.is_empty());
        let left: Vec<_> = std::fs::read_dir(self.folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left, [format!("in.{}", self.extension).as_str()], "nothing else is left behind");
    }

    /// It succeeds; gives what was written.
    #[track_caller]
    pub fn succeeds(self) -> String {
        assert_eq!(self.output.status.code(), Some(0), "{}", self.says());
        std::fs::read_to_string(self.written()).expect("it was written")
    }

    /// Likewise, and says this.
    #[track_caller]
    pub fn succeeds_saying(self, text: &str) -> String {
        let says = self.says();
        let written = self.succeeds();
        assert!(says.contains(text), "expected: {text}\nfound: {says}");
        written
    }
}
