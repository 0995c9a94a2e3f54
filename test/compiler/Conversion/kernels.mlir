// Launches share a kernel if and only if declaration, argument types and constants
// are equal. A kernel's name need not tell all constants: a second kernel with the
// same name gets the suffix _2.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan --split-input-file | FileCheck %s

// The constant is part of the name.
// CHECK-LABEL: plan.program @norms(
// CHECK: plan.launch @rms_norm_8_f32_eps1em06 grid
// CHECK: plan.launch @rms_norm_8_f32_eps1em05 grid
// CHECK: plan.launch @rms_norm_8_f32_eps1em06 grid
// CHECK: tile.kernel @rms_norm_8_f32_eps1em06(
// CHECK: arith.constant dense<9.99999997E-7> : vector<8xf32>
// CHECK: tile.kernel @rms_norm_8_f32_eps1em05(
// CHECK: arith.constant dense<9.99999974E-6> : vector<8xf32>
// CHECK-NOT: tile.kernel

m1.parameter @w : tensor<8xf32> from [#m1.source<"w">]

func.func @norms(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = m1.load_parameter @w : tensor<8xf32>
  %0 = m1.rms_norm %x, %w eps 1.0e-6 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %1 = m1.rms_norm %0, %w eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %2 = m1.rms_norm %1, %w eps 1.0e-6 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// -----

// Constants that differ after the sixth digit: equal names without the suffix.
// CHECK-LABEL: plan.program @close(
// CHECK: plan.launch @rms_norm_8_f32_eps0p1 grid
// CHECK: plan.launch @rms_norm_8_f32_eps0p1_2 grid
// CHECK: tile.kernel @rms_norm_8_f32_eps0p1(
// CHECK: arith.constant dense<1.000000e-01> : vector<8xf32>
// CHECK: tile.kernel @rms_norm_8_f32_eps0p1_2(
// CHECK: arith.constant dense<0.100000203> : vector<8xf32>
// CHECK-NOT: tile.kernel

m1.parameter @w : tensor<8xf32> from [#m1.source<"w">]

func.func @close(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = m1.load_parameter @w : tensor<8xf32>
  %0 = m1.rms_norm %x, %w eps 0.1 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %1 = m1.rms_norm %0, %w eps 0.1000002 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// -----

// Attributes of elementwise ops are part of the key but not of the name.
// CHECK-LABEL: plan.program @elementwise(
// CHECK: plan.launch @elementwise_8_f32_residual grid
// CHECK: plan.launch @elementwise_8_f32_residual_2 grid
// CHECK: plan.launch @elementwise_8_f32_residual grid
// CHECK: tile.kernel @elementwise_8_f32_residual(
// CHECK: arith.constant dense<2.500000e+00>
// CHECK: tile.kernel @elementwise_8_f32_residual_2(
// CHECK: arith.constant dense<3.500000e+00>
// CHECK-NOT: tile.kernel

func.func @elementwise(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = m1.residual %x, %y alpha 2.5 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = m1.residual %0, %y alpha 3.5 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %2 = m1.residual %1, %y alpha 2.5 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// -----

// The same in epilogues. Which operand of the op is the product is part of the key too.
// CHECK-LABEL: plan.program @epilogues(
// CHECK: plan.launch @linear_8x8_f32_residual grid
// CHECK: plan.launch @linear_8x8_f32_residual_2 grid
// CHECK: plan.launch @linear_8x8_f32_residual_3 grid
// CHECK: plan.launch @linear_8x8_f32_residual grid
// CHECK: tile.kernel @linear_8x8_f32_residual(
// CHECK: %[[PRODUCT:.*]] = tile.dot
// CHECK: %[[X:.*]] = tile.load %input0
// CHECK: %[[ALPHA:.*]] = arith.constant dense<2.500000e+00>
// CHECK: arith.mulf %[[X]], %[[ALPHA]]
// CHECK: tile.kernel @linear_8x8_f32_residual_2(
// CHECK: %[[PRODUCT:.*]] = tile.dot
// CHECK: %[[X:.*]] = tile.load %input0
// CHECK: %[[ALPHA:.*]] = arith.constant dense<3.500000e+00>
// CHECK: arith.mulf %[[X]], %[[ALPHA]]
// CHECK: tile.kernel @linear_8x8_f32_residual_3(
// CHECK: %[[PRODUCT:.*]] = tile.dot
// CHECK: %[[X:.*]] = tile.load %input0
// CHECK: %[[ALPHA:.*]] = arith.constant dense<2.500000e+00>
// CHECK: arith.mulf %[[PRODUCT]], %[[ALPHA]]
// CHECK-NOT: tile.kernel @linear

m1.parameter @w : tensor<8x8xf32> from [#m1.source<"w">]

func.func @epilogues(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = m1.load_parameter @w : tensor<8x8xf32>
  %0 = m1.fused -> tensor<?x8xf32> {
    %p = m1.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %r = m1.residual %x, %p alpha 2.5 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    m1.yield %r : tensor<?x8xf32>
  }
  %1 = m1.fused -> tensor<?x8xf32> {
    %p = m1.linear %0, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %r = m1.residual %0, %p alpha 3.5 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    m1.yield %r : tensor<?x8xf32>
  }
  %2 = m1.fused -> tensor<?x8xf32> {
    %p = m1.linear %1, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %r = m1.residual %p, %1 alpha 2.5 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    m1.yield %r : tensor<?x8xf32>
  }
  %3 = m1.fused -> tensor<?x8xf32> {
    %p = m1.linear %2, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %r = m1.residual %2, %p alpha 2.5 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    m1.yield %r : tensor<?x8xf32>
  }
  return %3 : tensor<?x8xf32>
}

// -----

// Argument types are part of the key: strides differ, names do not show them.
// CHECK-LABEL: plan.program @views(
// CHECK: plan.launch @rotary_2x4_f32_dims4_theta10000 grid
// CHECK: plan.launch @rotary_2x4_f32_dims4_theta10000_2 grid
// CHECK: tile.kernel @rotary_2x4_f32_dims4_theta10000({{.*}} %x: memref<?x2x4xf32>,
// CHECK: tile.kernel @rotary_2x4_f32_dims4_theta10000_2({{.*}} %x: memref<?x2x4xf32, strided<[24, 12, 1]>>,
// CHECK-NOT: tile.kernel

func.func @views(%x: tensor<?x8xf32>, %y: tensor<?x24xf32>, %p: tensor<?xi32>) -> (tensor<?x2x4xf32>, tensor<?x2x4xf32>) {
  %h = m1.split_heads %x : (tensor<?x8xf32>) -> tensor<?x2x4xf32>
  %q, %k, %v = m1.split_qkv %y : (tensor<?x24xf32>) -> (tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>)
  %0 = m1.rotary %h, %p theta 1.0e4 dims 4 : (tensor<?x2x4xf32>, tensor<?xi32>) -> tensor<?x2x4xf32>
  %1 = m1.rotary %q, %p theta 1.0e4 dims 4 : (tensor<?x2x4xf32>, tensor<?xi32>) -> tensor<?x2x4xf32>
  return %0, %1 : tensor<?x2x4xf32>, tensor<?x2x4xf32>
}
