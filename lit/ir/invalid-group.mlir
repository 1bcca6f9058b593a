// What is wrong with a group by itself.
//
// RUN: not cosma-opt --split-input-file %s 2>&1 | FileCheck %s

func.func @outside(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: invalid-group.mlir:[[@LINE+2]]:{{[0-9]+}}: error: use of undeclared SSA value name
  %0 = cosma.group "Norm"() : () -> tensor<8xi8> {
    %1 = tosa.abs %y : (tensor<8xi8>) -> tensor<8xi8>
    cosma.yield %1 : tensor<8xi8>
  }
  return %0 : tensor<8xi8>
}

// -----

func.func @captured(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = cosma.group "Norm"() : () -> tensor<8xi8> {
    // CHECK: invalid-group.mlir:[[@LINE+1]]:{{[0-9]+}}: error: 'tosa.abs' op using value defined outside the region
    %1 = tosa.abs %x : (tensor<8xi8>) -> tensor<8xi8>
    cosma.yield %1 : tensor<8xi8>
  }
  return %0 : tensor<8xi8>
}

// -----

func.func @arguments(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: invalid-group.mlir:[[@LINE+1]]:{{[0-9]+}}: error: 'cosma.group' op needs a body whose arguments have the types of its operands
  %0 = cosma.group "Norm"(%x) : (tensor<8xi8>) -> tensor<4xi8> {
  ^bb0(%a: tensor<4xi8>):
    cosma.yield %a : tensor<4xi8>
  }
  return %x : tensor<8xi8>
}

// -----

func.func @results(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: invalid-group.mlir:[[@LINE+1]]:{{[0-9]+}}: error: 'cosma.group' op needs a body that yields values of the types of its results
  %0 = cosma.group "Norm"(%x) : (tensor<8xi8>) -> tensor<4xi8> {
  ^bb0(%a: tensor<8xi8>):
    cosma.yield %a : tensor<8xi8>
  }
  return %x : tensor<8xi8>
}

// -----

func.func @kind(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: invalid-group.mlir:[[@LINE+1]]:{{[0-9]+}}: error: 'cosma.group' op attribute 'kind' failed to satisfy constraint: string attribute that is not empty
  %0 = cosma.group ""(%x) : (tensor<8xi8>) -> tensor<8xi8> {
  ^bb0(%a: tensor<8xi8>):
    cosma.yield %a : tensor<8xi8>
  }
  return %0 : tensor<8xi8>
}

// -----

func.func @two_blocks(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: invalid-group.mlir:[[@LINE+1]]:{{[0-9]+}}: error: 'cosma.group' op expects region #0 to have 0 or 1 blocks
  %0 = cosma.group "Norm"(%x) : (tensor<8xi8>) -> tensor<8xi8> {
  ^bb0(%a: tensor<8xi8>):
    cosma.yield %a : tensor<8xi8>
  ^bb1:
    cosma.yield
  }
  return %0 : tensor<8xi8>
}
