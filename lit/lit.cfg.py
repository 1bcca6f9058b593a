# How the tests in this folder run. `cargo test` starts them (see tests/lit.rs); to run some by hand:
#   /usr/lib/llvm-22/bin/lit -v lit --filter=ir/
#
# A test finds `cosma-opt`, and LLVM's `mlir-opt`, `FileCheck`, `not`, `split-file` and so on, by their
# names. `%cosma_plugin` are the flags with which stock `mlir-opt` knows COSMA's dialect and passes.
# `%libcosma` is the library in them, `%project` the project's folder.

import os

import lit.formats

lit_folder = os.path.dirname(os.path.abspath(__file__))
project = os.path.dirname(lit_folder)
target = os.path.join(project, "target", "debug")

llvm = lit_config.params.get("llvm", "/usr/lib/llvm-22")
cosma_opt = lit_config.params.get("cosma_opt", os.path.join(target, "cosma-opt"))
plugin = lit_config.params.get("plugin", os.path.join(target, "deps", "libcosma.so"))

config.name = "cosma"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = lit_folder
config.test_exec_root = lit_config.params.get("output", os.path.join(target, "lit"))

tools = [os.path.dirname(cosma_opt), os.path.join(llvm, "bin")]
config.environment["PATH"] = os.pathsep.join(tools + [config.environment["PATH"]])
config.substitutions.append(
    ("%cosma_plugin", f"--load-dialect-plugin={plugin} --load-pass-plugin={plugin}")
)
config.substitutions.append(("%libcosma", plugin))
config.substitutions.append(("%project", project))
