// Passes as flags, of MLIR and of COSMA, in the order of the flags; what `mlir-opt` does besides.
//
// RUN: cosma-opt --canonicalize --cosma-allocate='scratchpad=256 order=free' --cosma-insert-transfers %s | FileCheck %s
// RUN: cosma-opt -canonicalize %s -o - | FileCheck --check-prefix=CLEAN %s
// RUN: cosma-opt --canonicalize --emit-bytecode %s | cosma-opt | FileCheck --check-prefix=CLEAN %s
// RUN: cosma-opt --canonicalize --cosma-allocate=scratchpad=1KiB --dump-pass-pipeline %s -o %t 2>&1 | FileCheck --check-prefix=PIPELINE %s
// RUN: cosma-opt --cosma-inline --mlir-print-ir-before=canonicalize --canonicalize %s -o %t 2>&1 | FileCheck --check-prefix=BEFORE %s
// RUN: cosma-opt --show-dialects | FileCheck --check-prefix=DIALECTS %s
// RUN: cosma-opt --list-passes | FileCheck --check-prefix=PASSES %s
// RUN: cosma-opt --load-pass-plugin=%t.none %s -o %t 2>&1 | FileCheck --check-prefix=PLUGIN %s
// RUN: not cosma-opt --canonicalize --allocate --scratchpad=256 %s 2>&1 | FileCheck --check-prefix=BOTH %s
// RUN: not cosma-opt --canonicalise %s 2>&1 | FileCheck --check-prefix=UNKNOWN %s

// CHECK-NOT: "Dead"
// CHECK: cosma.load %arg0 at
// CHECK: cosma.store
// CLEAN-NOT: "Dead"
// CLEAN: cosma.op "Keep"
// CLEAN-NOT: cosma.load
// PIPELINE: canonicalize{
// PIPELINE: func.func(
// PIPELINE-NEXT: cosma-allocate{{{.*}}scratchpad=1KiB
// BEFORE: IR Dump Before Canonicalizer
// BEFORE: "Dead"
// DIALECTS: cosma
// PASSES: --cosma-allocate
// PLUGIN: Failed to load passes from
// BOTH: error: --canonicalize is for passes one by one, as mlir-opt runs them, and --allocate for COSMA's stages
// UNKNOWN: error: unexpected argument '--canonicalise' found
// UNKNOWN-NOT: tip
func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Keep"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "Dead"(%x) : (tensor<64xi8>) -> tensor<192xi8>
  return %0 : tensor<64xi8>
}
