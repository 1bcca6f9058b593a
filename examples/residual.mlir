// A small ResNet, with the structure of arXiv:1512.03385: three blocks on images of 12 x 12. It can be planned and run.
func.func @main(%x0: tensor<1x12x12x3xf32>, %w1: tensor<8x3x3x3xf32> {cosma.weight}, %w2: tensor<8xf32> {cosma.weight}, %w3: tensor<8x3x3x8xf32> {cosma.weight}, %w4: tensor<8xf32> {cosma.weight}, %w5: tensor<8x3x3x8xf32> {cosma.weight}, %w6: tensor<8xf32> {cosma.weight}, %w7: tensor<16x3x3x8xf32> {cosma.weight}, %w8: tensor<16xf32> {cosma.weight}, %w9: tensor<16x3x3x16xf32> {cosma.weight}, %w10: tensor<16xf32> {cosma.weight}, %w11: tensor<16x1x1x8xf32> {cosma.weight}, %w12: tensor<16xf32> {cosma.weight}, %w13: tensor<16x3x3x16xf32> {cosma.weight}, %w14: tensor<16xf32> {cosma.weight}, %w15: tensor<16x3x3x16xf32> {cosma.weight}, %w16: tensor<16xf32> {cosma.weight}, %w17: tensor<1x16x10xf32> {cosma.weight}, %w18: tensor<1x1x10xf32> {cosma.weight}) -> (tensor<1x1x10xf32>) {
  %v1 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %v2 = tosa.conv2d %x0, %w1, %w2, %v1, %v1 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x12x12x3xf32>, tensor<8x3x3x3xf32>, tensor<8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x12x12x8xf32>
  %v3 = tosa.clamp %v2 {max_val = 3.4e+38 : f32, min_val = 0.0 : f32} : (tensor<1x12x12x8xf32>) -> tensor<1x12x12x8xf32>
  %v4 = tosa.max_pool2d %v3 {kernel = array<i64: 3, 3>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x12x12x8xf32>) -> tensor<1x12x12x8xf32>
  %v5 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %v6 = tosa.conv2d %v4, %w3, %w4, %v5, %v5 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x12x12x8xf32>, tensor<8x3x3x8xf32>, tensor<8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x12x12x8xf32>
  %v7 = tosa.clamp %v6 {max_val = 3.4e+38 : f32, min_val = 0.0 : f32} : (tensor<1x12x12x8xf32>) -> tensor<1x12x12x8xf32>
  %v8 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %v9 = tosa.conv2d %v7, %w5, %w6, %v8, %v8 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x12x12x8xf32>, tensor<8x3x3x8xf32>, tensor<8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x12x12x8xf32>
  %v10 = tosa.add %v9, %v4 : (tensor<1x12x12x8xf32>, tensor<1x12x12x8xf32>) -> tensor<1x12x12x8xf32>
  %v11 = tosa.clamp %v10 {max_val = 3.4e+38 : f32, min_val = 0.0 : f32} : (tensor<1x12x12x8xf32>) -> tensor<1x12x12x8xf32>
  %v12 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %v13 = tosa.conv2d %v11, %w7, %w8, %v12, %v12 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 0, 1, 0>, stride = array<i64: 2, 2>} : (tensor<1x12x12x8xf32>, tensor<16x3x3x8xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x6x6x16xf32>
  %v14 = tosa.clamp %v13 {max_val = 3.4e+38 : f32, min_val = 0.0 : f32} : (tensor<1x6x6x16xf32>) -> tensor<1x6x6x16xf32>
  %v15 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %v16 = tosa.conv2d %v14, %w9, %w10, %v15, %v15 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x6x6x16xf32>, tensor<16x3x3x16xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x6x6x16xf32>
  %v17 = tosa.const_shape {values = dense<[0, 0, 0, 0]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %v18 = tosa.const_shape {values = dense<[1, 11, 12, 8]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %v19 = tosa.slice %v11, %v17, %v18 : (tensor<1x12x12x8xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x11x12x8xf32>
  %v20 = tosa.const_shape {values = dense<[0, 0, 0, 0]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %v21 = tosa.const_shape {values = dense<[1, 11, 11, 8]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %v22 = tosa.slice %v19, %v20, %v21 : (tensor<1x11x12x8xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x11x11x8xf32>
  %v23 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %v24 = tosa.conv2d %v22, %w11, %w12, %v23, %v23 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<1x11x11x8xf32>, tensor<16x1x1x8xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x6x6x16xf32>
  %v25 = tosa.add %v16, %v24 : (tensor<1x6x6x16xf32>, tensor<1x6x6x16xf32>) -> tensor<1x6x6x16xf32>
  %v26 = tosa.clamp %v25 {max_val = 3.4e+38 : f32, min_val = 0.0 : f32} : (tensor<1x6x6x16xf32>) -> tensor<1x6x6x16xf32>
  %v27 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %v28 = tosa.conv2d %v26, %w13, %w14, %v27, %v27 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x6x6x16xf32>, tensor<16x3x3x16xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x6x6x16xf32>
  %v29 = tosa.clamp %v28 {max_val = 3.4e+38 : f32, min_val = 0.0 : f32} : (tensor<1x6x6x16xf32>) -> tensor<1x6x6x16xf32>
  %v30 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %v31 = tosa.conv2d %v29, %w15, %w16, %v30, %v30 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x6x6x16xf32>, tensor<16x3x3x16xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x6x6x16xf32>
  %v32 = tosa.add %v31, %v26 : (tensor<1x6x6x16xf32>, tensor<1x6x6x16xf32>) -> tensor<1x6x6x16xf32>
  %v33 = tosa.clamp %v32 {max_val = 3.4e+38 : f32, min_val = 0.0 : f32} : (tensor<1x6x6x16xf32>) -> tensor<1x6x6x16xf32>
  %v34 = tosa.reduce_sum %v33 {axis = 1 : i32} : (tensor<1x6x6x16xf32>) -> tensor<1x1x6x16xf32>
  %v35 = tosa.reduce_sum %v34 {axis = 2 : i32} : (tensor<1x1x6x16xf32>) -> tensor<1x1x1x16xf32>
  %v36 = "tosa.const"() <{values = dense<0.027778> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %v37 = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %v38 = tosa.mul %v35, %v36, %v37 : (tensor<1x1x1x16xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x1x1x16xf32>
  %v39 = tosa.const_shape {values = dense<[1, 1, 16]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %v40 = tosa.reshape %v38, %v39 : (tensor<1x1x1x16xf32>, !tosa.shape<3>) -> tensor<1x1x16xf32>
  %v41 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %v42 = tosa.matmul %v40, %w17, %v41, %v41 : (tensor<1x1x16xf32>, tensor<1x16x10xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x10xf32>
  %v43 = tosa.add %v42, %w18 : (tensor<1x1x10xf32>, tensor<1x1x10xf32>) -> tensor<1x1x10xf32>
  return %v43 : tensor<1x1x10xf32>
}
