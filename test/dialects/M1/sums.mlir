// Sums whose parts may be on different ranks: in text and back.
// RUN: m1-opt %s | m1-opt | FileCheck %s

module attributes {m1.mesh = #m1.mesh<tensor = 3, expert = 4>} {

// CHECK-LABEL: func.func @linear
// CHECK-SAME: (%[[X:.*]]: tensor<?x24xf32>, %[[W:.*]]: tensor<3x24xbf16>)
func.func @linear(%x: tensor<?x24xf32>, %w: tensor<3x24xbf16>) -> (tensor<?x3xf32>, tensor<?x9xf32>) {
  // CHECK: m1.linear %[[X]], %[[W]] leaves 12 : (tensor<?x24xf32>, tensor<3x24xbf16>) -> tensor<?x3xf32>
  %y = m1.linear %x, %w leaves 12 : (tensor<?x24xf32>, tensor<3x24xbf16>) -> tensor<?x3xf32>
  // CHECK: m1.linear %[[X]], %[[W]] leaves 6 partials 3 : (tensor<?x24xf32>, tensor<3x24xbf16>) -> tensor<?x9xf32>
  %z = m1.linear %x, %w leaves 6 partials 3 : (tensor<?x24xf32>, tensor<3x24xbf16>) -> tensor<?x9xf32>
  // CHECK: m1.linear %[[X]], %[[W]] : (
  %one = m1.linear %x, %w leaves 1 partials 1 : (tensor<?x24xf32>, tensor<3x24xbf16>) -> tensor<?x3xf32>
  return %y, %z : tensor<?x3xf32>, tensor<?x9xf32>
}

// CHECK-LABEL: func.func @experts
func.func @experts(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %p: tensor<?x2xf32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) -> tensor<?x8xf32> {
  // CHECK: m1.experts {{.*}} leaves 3 : (
  %y = m1.experts %x, %e, %p, %w1, %w1, %w2 leaves 3 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @norm
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xbf16>, %[[W:.*]]: tensor<8xbf16>, %[[ALL:.*]]: tensor<?x6xf32>)
func.func @norm(%x: tensor<?x8xbf16>, %w: tensor<8xbf16>, %all: tensor<?x6xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x8xf32>) {
  // CHECK: m1.rms_norm %[[X]], %[[W]] eps 5.000000e-01 groups 4 : (tensor<?x8xbf16>, tensor<8xbf16>) -> tensor<?x8xf32>
  %y = m1.rms_norm %x, %w eps 0.5 groups 4 : (tensor<?x8xbf16>, tensor<8xbf16>) -> tensor<?x8xf32>
  // CHECK: m1.squares %[[X]] : (tensor<?x8xbf16>) -> tensor<?x2xf32>
  %s = m1.squares %x : (tensor<?x8xbf16>) -> tensor<?x2xf32>
  // CHECK: m1.normalize %[[X]], %[[W]], %[[ALL]] groups 2 eps 5.000000e-01 : (tensor<?x8xbf16>, tensor<8xbf16>, tensor<?x6xf32>) -> tensor<?x8xf32>
  %z = m1.normalize %x, %w, %all groups 2 eps 0.5 : (tensor<?x8xbf16>, tensor<8xbf16>, tensor<?x6xf32>) -> tensor<?x8xf32>
  return %y, %s, %z : tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func.func @halves
func.func @halves(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %p: tensor<?x2xf32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) -> (tensor<?x48xf32>, tensor<?x8xf32>) {
  // CHECK: m1.expert_products {{.*}} leaves 6 partials 3 shard <"expert", 4 of 16> : (
  %y = m1.expert_products %x, %e, %w1, %w1, %w2 leaves 6 partials 3 shard <"expert", 4 of 16> : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x48xf32>
  // CHECK: %[[Z:.*]] = m1.expert_products %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{[^ ]*}} : (
  %z = m1.expert_products %x, %e, %w1, %w1, %w2 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x16xf32>
  // CHECK: m1.combine_experts %[[Z]], %{{.*}} : (tensor<?x16xf32>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %c = m1.combine_experts %z, %p : (tensor<?x16xf32>, tensor<?x2xf32>) -> tensor<?x8xf32>
  return %y, %c : tensor<?x48xf32>, tensor<?x8xf32>
}

}
