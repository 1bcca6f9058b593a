//! Pipelines of MLIR's passes before and after lowered form.

/// Lowers operations on tensors in functions with memref arguments and results to memrefs.
/// `cosma-lower-addresses` runs it on single operators.
pub(super) const TENSORS_TO_MEMREFS: &str = "builtin.module(\
    func.func(tosa-to-scf),cosma-prepare-bufferization,\
    func.func(tosa-to-linalg-named,tosa-to-linalg,tosa-to-arith{include-apply-rescale=true},tosa-to-tensor,\
    convert-elementwise-to-linalg),\
    canonicalize,cse,eliminate-empty-tensors,one-shot-bufferize,canonicalize,cse,\
    buffer-deallocation-pipeline,canonicalize,cse)";

/// Lowers a module in source form from tensors to memrefs, including function signatures, by the same steps as
/// `cosma-lower-addresses`. So the results can be compared with those of lowered form, bit for bit.
/// [`MEMREFS_TO_LLVM`] follows.
pub const SOURCE_TO_MEMREFS: &str = "\
    tosa-to-mlprogram,func.func(tosa-to-scf),cosma-prepare-bufferization,\
    func.func(tosa-to-linalg-named,tosa-to-linalg,tosa-to-arith{include-apply-rescale=true},tosa-to-tensor,\
    convert-elementwise-to-linalg),\
    canonicalize,cse,\
    one-shot-bufferize{bufferize-function-boundaries=true function-boundary-type-conversion=identity-layout-map},\
    canonicalize,cse,buffer-deallocation-pipeline,convert-bufferization-to-memref,canonicalize,cse";

/// Lowers lowered form to the dialect `llvm`.
pub const MEMREFS_TO_LLVM: &str = "\
    func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,convert-scf-to-cf,\
    convert-math-to-llvm,convert-math-to-libm,convert-to-llvm,reconcile-unrealized-casts";
