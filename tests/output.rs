//! How `cosma-opt` writes files: whole or not at all, and as their owner wants them.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const RELU: &str = "func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op \"Relu\"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
";

/// A run in a folder with a module `in.mlir`.
fn run(folder: &Path, flags: &[&str]) -> Output {
    fs::write(folder.join("in.mlir"), RELU).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosma-opt"));
    command.current_dir(folder).args(["in.mlir", "--allocate", "--scratchpad=128"]).args(flags);
    command.output().expect("it runs")
}

#[track_caller]
fn is_planned(path: &Path) {
    assert!(fs::read_to_string(path).expect("it was written").contains("cosma.load"));
}

#[test]
fn a_link_stays_and_its_target_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target.mlir");
    fs::write(&target, "old").unwrap();
    fs::set_permissions(&target, Permissions::from_mode(0o640)).unwrap();
    symlink("target.mlir", folder.path().join("link.mlir")).unwrap();
    assert!(run(folder.path(), &["-o", "link.mlir"]).status.success());
    is_planned(&target);
    assert!(fs::symlink_metadata(folder.path().join("link.mlir")).unwrap().is_symlink());
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    // Also where there is no target yet.
    symlink("new.mlir", folder.path().join("dangling.mlir")).unwrap();
    assert!(run(folder.path(), &["-o", "dangling.mlir"]).status.success());
    is_planned(&folder.path().join("new.mlir"));
    // But not in a circle.
    symlink("circle.mlir", folder.path().join("circle.mlir")).unwrap();
    let circle = run(folder.path(), &["-o", "circle.mlir"]);
    assert_eq!(circle.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&circle.stderr).contains("too many symbolic links"));
}

#[test]
fn the_input_can_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["-o", "in.mlir"]).status.success());
    is_planned(&folder.path().join("in.mlir"));
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    for (flags, text) in [
        (&["-o", "folder"][..], "cannot write folder"),
        (&["-o", "no/such/folder/out.mlir"], "cannot write no/such/folder/out.mlir"),
        // All is ready before anything is replaced.
        (&["-o", "out.mlir", "--report=no/such/folder/plan.json"], "cannot write no/such/folder/plan.json"),
        (&["-o", "out.mlir", "--report=folder/../out.mlir"], "cannot both go to folder/../out.mlir"),
    ] {
        let output = run(folder.path(), flags);
        let says = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{says}");
        assert!(says.contains(text), "{says}");
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["folder", "in.mlir"]);
    }
}

#[test]
fn devices_are_written_to_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["-o", "/dev/null"]).status.success());
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let output = run(folder.path(), &["-o", "/dev/stdout"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("cosma.load"), "{output:?}");
    if Path::new("/dev/full").exists() {
        assert_eq!(run(folder.path(), &["-o", "/dev/full"]).status.code(), Some(2));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // More than a pipe holds.
    let functions: String = (0..1000).map(|it| RELU.replace("@f", &format!("@f{it}"))).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.mlir");
    fs::write(&path, functions).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cosma-opt"))
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0; 10]).expect("it writes");
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

/// What is in a folder beside `in.mlir`, by name.
fn written(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|it| it != "in.mlir").collect();
    names.sort();
    names
}

fn dump(folder: &Path, module: &str, flags: &[&str]) -> Output {
    fs::write(folder.join("in.mlir"), module).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosma-opt"));
    command.current_dir(folder).args(["in.mlir", "--scratchpad=128", "-o", "/dev/null"]).args(flags);
    command.output().expect("it runs")
}

#[test]
fn an_integer_program_is_written_in_the_format_that_the_ending_names() {
    let folder = tempfile::tempdir().unwrap();
    for flags in [&["--allocate"][..], &["--schedule"], &["--schedule", "--allocate", "--dump-lp-addresses"]] {
        for (name, begins) in [("net.lp", "\\ The joint problem"), ("net.mps", "NAME"), ("net", "\\ The joint problem")]
        {
            let flags = [flags, &["--dump-lp", name]].concat();
            assert!(dump(folder.path(), RELU, &flags).status.success());
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(text.starts_with(begins), "{text}");
            assert_eq!(text.contains("at_arg0_0"), flags.contains(&"--dump-lp-addresses"), "{text}");
        }
    }
    let output = dump(folder.path(), RELU, &["--allocate", "--dump-lp=/dev/stdout"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("\nMinimize\n"), "{output:?}");
}

#[test]
fn each_of_several_functions_has_a_file_for_its_integer_program() {
    let folder = tempfile::tempdir().unwrap();
    let two = format!("{RELU}{}", RELU.replace("@f", "@g"));
    assert!(dump(folder.path(), &two, &["--allocate", "--dump-lp=net.lp"]).status.success());
    assert_eq!(written(folder.path()), ["net.f.lp", "net.g.lp"]);
    assert!(dump(folder.path(), "", &["--allocate", "--dump-lp=none.lp"]).status.success());
    assert_eq!(written(folder.path()), ["net.f.lp", "net.g.lp"]);
    let split = format!("{RELU}// -----\n{RELU}");
    for (module, flags, says) in [
        (&two, &["--allocate", "--dump-lp=/dev/stdout"][..], "2 integer programs cannot all go to /dev/stdout"),
        (&two, &["--dump-lp=new.lp"], "add --schedule, --allocate or both"),
        (&split, &["--allocate", "--split-input-file", "--dump-lp=new.lp"], "cannot both go to new.f.lp"),
    ] {
        let output = dump(folder.path(), module, flags);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
        assert_eq!(written(folder.path()), ["net.f.lp", "net.g.lp"]);
    }
    // What cannot be planned is the module's fault.
    let large = RELU.replace("64xi8", "65xi8");
    let output = dump(folder.path(), &large, &["--allocate", "--dump-lp=new.lp"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(written(folder.path()), ["net.f.lp", "net.g.lp"]);
}
