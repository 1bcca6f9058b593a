//! Generates and compiles the dialect, and writes the C library of MLIR that Debian does not ship.
//!
//! 1. `mlir-tblgen` turns `dialect/cosma.td` into C++.
//! 2. clang compiles it with the other files in `dialect` (not g++: see `cosma.cpp`).
//! 3. mlir-sys links `MLIR-C`, which exists only as static archives beside `libMLIR.so`. A linker script of that
//!    name, in the output folder, joins them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const TABLES: [(&str, &[&str]); 10] = [
    ("cosma_enums.h.inc", &["-gen-enum-decls"]),
    ("cosma_enums.cpp.inc", &["-gen-enum-defs"]),
    ("cosma_attributes.h.inc", &["-gen-attrdef-decls", "-attrdefs-dialect=cosma"]),
    ("cosma_attributes.cpp.inc", &["-gen-attrdef-defs", "-attrdefs-dialect=cosma"]),
    ("cosma_types.h.inc", &["-gen-typedef-decls", "-typedefs-dialect=cosma"]),
    ("cosma_types.cpp.inc", &["-gen-typedef-defs", "-typedefs-dialect=cosma"]),
    ("cosma_dialect.h.inc", &["-gen-dialect-decls", "-dialect=cosma"]),
    ("cosma_dialect.cpp.inc", &["-gen-dialect-defs", "-dialect=cosma"]),
    ("cosma_ops.h.inc", &["-gen-op-decls"]),
    ("cosma_ops.cpp.inc", &["-gen-op-defs"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=dialect");
    println!("cargo:rerun-if-env-changed=MLIR_SYS_220_PREFIX");
    let prefix = PathBuf::from(env::var_os("MLIR_SYS_220_PREFIX").unwrap_or("/usr/lib/llvm-22".into()));
    // `libMLIR.so` is not on the loader's path; tests have to find it.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", prefix.join("lib").display());
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    generate(&prefix, &out)?;
    compile(&prefix, &out);
    write_linker_script(&prefix.join("lib"), &out)
}

fn generate(prefix: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    for (file, arguments) in TABLES {
        let program = prefix.join("bin/mlir-tblgen");
        let status = Command::new(&program)
            .args(arguments)
            .args(["dialect/cosma.td", "-I", "dialect", "-I"])
            .arg(prefix.join("include"))
            .arg("-o")
            .arg(out.join(file))
            .status()
            .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        if !status.success() {
            return Err(format!("mlir-tblgen: {status}").into());
        }
    }
    Ok(())
}

fn compile(prefix: &Path, out: &Path) {
    cc::Build::new()
        .cpp(true)
        .compiler(prefix.join("bin/clang++"))
        .std("c++17")
        .flag("-fno-exceptions")
        .flag("-fvisibility-inlines-hidden")
        // Other people's headers, and what is generated from them.
        .flag("-isystem")
        .flag(prefix.join("include"))
        .flag("-isystem")
        .flag(out)
        .opt_level(1)
        .files(["dialect/cosma.cpp", "dialect/slice.cpp", "dialect/tool.cpp"])
        .compile("cosma_dialect");
}

fn write_linker_script(libraries: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(libraries)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        if name.starts_with("libMLIRCAPI") && name.ends_with(".a") {
            parts.push(path.display().to_string());
        }
    }
    parts.sort();
    for shared in ["libMLIR.so", "libLLVM-22.so"] {
        parts.push(libraries.join(shared).display().to_string());
    }
    fs::write(out.join("libMLIR-C.so"), format!("GROUP( {} )\n", parts.join(" ")))?;
    println!("cargo:rustc-link-search=native={}", out.display());
    Ok(())
}
