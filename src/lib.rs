//! COSMA: plans in which order a network's operators run, where its tensors lie in the scratchpad and
//! when, so that the traffic to host memory is least.
//!
//! As a shared library it is also a plugin for stock `mlir-opt`, with the dialect and the passes:
//! `mlir-opt --load-dialect-plugin=libcosma.so --load-pass-plugin=libcosma.so`.

mod plugin;
