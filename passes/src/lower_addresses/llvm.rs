//! Pipelines of MLIR's passes around the lowered form.

/// From operations on tensors in functions that take and give memrefs, to memrefs: what
/// `cosma-lower-addresses` runs on what operators compute.
pub(super) const TENSORS_TO_MEMREFS: &str = "builtin.module(\
    func.func(tosa-to-scf),cosma-prepare-bufferization,\
    func.func(tosa-to-linalg-named,tosa-to-linalg,tosa-to-arith{include-apply-rescale=true},tosa-to-tensor,\
    convert-elementwise-to-linalg),\
    canonicalize,cse,eliminate-empty-tensors,one-shot-bufferize,canonicalize,cse,\
    buffer-deallocation-pipeline,canonicalize,cse)";

/// From tensors to memrefs for a module in source form, functions included: the same steps as in
/// `cosma-lower-addresses`, so that what comes out computes the same, bit for bit. It goes before
/// [`MEMREFS_TO_LLVM`], and is what to compare the lowered form with.
pub const SOURCE_TO_MEMREFS: &str = "\
    tosa-to-mlprogram,func.func(tosa-to-scf),cosma-prepare-bufferization,\
    func.func(tosa-to-linalg-named,tosa-to-linalg,tosa-to-arith{include-apply-rescale=true},tosa-to-tensor,\
    convert-elementwise-to-linalg),\
    canonicalize,cse,\
    one-shot-bufferize{bufferize-function-boundaries=true function-boundary-type-conversion=identity-layout-map},\
    canonicalize,cse,buffer-deallocation-pipeline,convert-bufferization-to-memref,canonicalize,cse";

/// From lowered form to the dialect `llvm`.
pub const MEMREFS_TO_LLVM: &str = "\
    func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,convert-scf-to-cf,\
    convert-math-to-llvm,convert-math-to-libm,convert-to-llvm,reconcile-unrealized-casts";
