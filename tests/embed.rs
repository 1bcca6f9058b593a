//! COSMA in compilers that are not in Rust: the example in C++ and the refusals in C are built against
//! `include/cosma.h` and `libcosma.so`, and run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const MODULE: &str = r#"
func.func @cell(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Expand"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %1 = cosma.op "Shift"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %dead = cosma.op "Dead"(%x) : (tensor<64xi8>) -> tensor<192xi8>
  %2 = cosma.op "Reduce"(%0) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "Reduce"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  %4 = cosma.op "Add"(%2, %3, %x) : (tensor<64xi8>, tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %4 : tensor<64xi8>
}
"#;

fn llvm() -> &'static Path {
    Path::new(env!("MLIR_SYS_220_PREFIX"))
}

/// Where cargo leaves the library: as in tests/plugin.rs.
fn libraries() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_cosma-opt")).with_file_name("deps")
}

/// Compiles a program of ours against the header and the library, and parts of MLIR's C interface.
fn compile(compiler: &str, source: &str, name: &str, flags: &[&str], parts: &[&str]) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let libraries = libraries();
    let path = |it: &Path| it.to_str().expect("a path of text").to_owned();
    let output = Command::new(llvm().join("bin").join(compiler))
        // Tests run in the folder of the commands.
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["-Wall", "-Wextra", "-Werror", "-Iinclude", "-isystem"])
        .arg(llvm().join("include"))
        .args(flags)
        .arg(source)
        .arg("-o")
        .arg(&program)
        .args(["-L", &path(&libraries), "-lcosma", "-L", &path(&llvm().join("lib"))])
        .args(parts.iter().map(|it| llvm().join("lib").join(it)))
        .args(["-lMLIR", "-lLLVM-22", "-lstdc++"])
        .arg(format!("-Wl,-rpath,{}", path(&libraries)))
        .arg(format!("-Wl,-rpath,{}", path(&llvm().join("lib"))))
        .output()
        .expect("the compiler runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// The example compiler, built once.
fn embed(arguments: &[&str]) -> Output {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let flags = ["-std=c++17", "-fno-rtti", "-O0"];
    let program = PROGRAM.get_or_init(|| compile("clang++", "examples/embed.cpp", "embed", &flags, &[]));
    run(program, arguments)
}

/// Runs with the library that it was linked with: cargo's path leads to those of other builds first.
fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).env_remove("LD_LIBRARY_PATH").output().expect("it runs")
}

fn file(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("there is room");
    path.to_str().expect("a path of text").to_owned()
}

#[test]
fn a_compiler_in_cpp_plans() {
    let input = file("embed.mlir", MODULE);
    let output = embed(&[&input, "schedule allocate scratchpad=256"]);
    let (planned, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    // MLIR's pass ran before: what is dead was not planned.
    assert!(!planned.contains("Dead"), "{planned}");
    assert!(planned.contains("cosma.reload %arg0"), "{planned}");
    for text in ["@cell: done, best 64 B", "\"status\": \"optimal\"", "\"non_compulsory\": 64", "3 transfers"] {
        assert!(said.contains(text), "{text} in\n{said}");
    }
    // What came out is a program that the judge believes.
    let planned = file("embed.planned.mlir", &planned);
    let judged = Command::new(env!("CARGO_BIN_EXE_cosma-opt")).args(["--verify", &planned]).output().expect("it runs");
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
}

#[test]
fn a_compiler_in_cpp_stops() {
    let input = file("embed.stopped.mlir", MODULE);
    let output = embed(&[&input, "schedule allocate scratchpad=256", "0"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("greedy") && !said.contains("search,"), "{said}");
    assert!(said.contains("planning was stopped"), "{said}");
}

#[test]
fn a_compiler_in_cpp_hears_what_is_wrong() {
    let input = file("embed.small.mlir", MODULE);
    let output = embed(&[&input, "schedule allocate scratchpad=128"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("embed.small.mlir:8:8: error: operator needs 256 B") && output.stdout.is_empty(), "{said}");
    assert_eq!(embed(&[&input, "schedule swiftly"]).status.code(), Some(2));
}

#[test]
fn a_script_in_python_plans_text() {
    let input = file("text.mlir", MODULE);
    let library = libraries().join("libcosma.so");
    let script = |options: &str| {
        let mut command = Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/plan_text.py")).arg(&library);
        command.args([&input, options]).env_remove("LD_LIBRARY_PATH").output().expect("it runs")
    };
    let output = script("schedule allocate scratchpad=256");
    let (planned, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("@cell: "), "{said}");
    let planned = file("text.planned.mlir", &planned);
    let judged = Command::new(env!("CARGO_BIN_EXE_cosma-opt")).args(["--verify", &planned]).output().expect("it runs");
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    let output = script("schedule allocate scratchpad=128");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("text.mlir:5:11: error: operator needs 256 B"), "{said}");
}

/// Where `scripts/install` puts things, compilers, pkg-config and CMake find them.
#[test]
fn what_is_installed_is_found() {
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prefix");
    let _ = fs::remove_dir_all(&prefix);
    let built = libraries().parent().expect("it is in one").to_owned();
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let path = |it: &Path| it.to_str().expect("a path of text").to_owned();
    let call = |program: &str, arguments: &[String]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(project)
            .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"))
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).expect("it is text")
    };
    call("scripts/install", &[path(&built), path(&prefix)]);
    let version = call(&path(&prefix.join("bin/cosma")), &["--version".into()]);
    assert_eq!(version.trim(), concat!("cosma ", env!("CARGO_PKG_VERSION")));
    assert!(prefix.join("share/man/man1/cosma-opt.1").exists());
    let flags = call("pkg-config", &["--cflags".into(), "--libs".into(), "cosma".into()]);
    assert!(flags.contains(&format!("-I{}", path(&prefix.join("include")))) && flags.contains("-lcosma"), "{flags}");
    assert_eq!(call("pkg-config", &["--modversion".into(), "cosma".into()]).trim(), env!("CARGO_PKG_VERSION"));

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cmake");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(
        folder.join("main.c"),
        "#include <cosma.h>\nint main(void) { return cosmaAbiVersion() != COSMA_ABI_VERSION; }\n",
    )
    .expect("a file");
    let lists = format!(
        "cmake_minimum_required(VERSION 3.16)\nproject(caller C)\nfind_package(cosma 0.1 REQUIRED)\n\
         add_executable(caller main.c)\ntarget_link_libraries(caller cosma::cosma)\n\
         target_include_directories(caller SYSTEM PRIVATE {}/include)\n",
        llvm().display()
    );
    fs::write(folder.join("CMakeLists.txt"), lists).expect("a file");
    let build = folder.join("build");
    let prefixes = format!("-DCMAKE_PREFIX_PATH={}", path(&prefix));
    call("cmake", &["-S".into(), path(&folder), "-B".into(), path(&build), prefixes]);
    call("cmake", &["--build".into(), path(&build)]);
    assert!(run(&build.join("caller"), &[]).status.success());
}

#[test]
fn calls_from_c_are_refused_or_right() {
    let parts = ["libMLIRCAPIIR.a", "libMLIRCAPIFunc.a"];
    let program = compile("clang", "tests/c/refusals.c", "refusals", &["-std=c11"], &parts);
    let output = run(&program, &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim_end(), "ok", "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
}
