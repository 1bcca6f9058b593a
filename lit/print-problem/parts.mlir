// Floats that take one byte once deployed: the bytes before a part shrink as they do.
//
// RUN: cosma-opt --print-problem --element-bytes=1 --scratchpad=1KiB %s -o /dev/null 2>&1 | FileCheck --check-prefix=ELEMENT %s
// ELEMENT: op Concat_0: arg0 arg1 -> Concat_0 128 over arg0 arg1 at 64
func.func @g(%x: tensor<64xf32>, %y: tensor<64xf32>) -> tensor<128xf32> {
  %0 = cosma.op "Concat"(%x, %y) in_place [[0, 0], [0, 1, 256]] : (tensor<64xf32>, tensor<64xf32>) -> tensor<128xf32>
  return %0 : tensor<128xf32>
}
