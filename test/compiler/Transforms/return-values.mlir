// RUN: m1-opt %s --m1-return-values | FileCheck %s
// RUN: m1-opt %s --m1-fuse-elementwise --m1-return-values | FileCheck %s --check-prefix=FUSED

// Parameters, views and what is returned already are left out; rows keep their m1.dim.

m1.parameter @w : tensor<16x8xf32> from [#m1.source<"w">]

// CHECK-LABEL: func.func @values
// CHECK-SAME: -> (tensor<?x16xf32> {m1.dim = "B", m1.name = "y"},
// CHECK-SAME: tensor<?x8xf32> {m1.dim = "U", m1.name = "v0.silu.layer_0_act"},
// CHECK-SAME: tensor<?x8xf32> {m1.dim = "B", m1.name = "v1.select_last.line[[#@LINE + 7]]"})
// CHECK: return %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>
func.func @values(%x: tensor<?x8xf32> {m1.dim = "U"}, %cu: tensor<?xi32> {m1.dim = "B+1"}) -> (tensor<?x16xf32> {m1.dim = "B", m1.name = "y"}) {
  %w = m1.load_parameter @w : tensor<16x8xf32>
  %a = m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32> loc("layer 0/act")
  %h = m1.split_heads %a : (tensor<?x8xf32>) -> tensor<?x2x4xf32>
  %m = m1.merge_heads %h : (tensor<?x2x4xf32>) -> tensor<?x8xf32>
  %l = m1.select_last %m, %cu : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  %y = m1.linear %l, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// The results of one op have different numbers; rows without m1.dim are T.
// CHECK-LABEL: func.func @router
// CHECK-SAME: -> (tensor<?x2xi32>,
// CHECK-SAME: tensor<?x8xf32> {m1.dim = "T", m1.name = "v0.silu.line[[#@LINE + 4]]"},
// CHECK-SAME: tensor<?x2xf32> {m1.dim = "T", m1.name = "v1.router.line[[#@LINE + 4]]"})
func.func @router(%x: tensor<?x8xf32>) -> tensor<?x2xi32> {
  %w = m1.load_parameter @w : tensor<16x8xf32>
  %a = m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %e, %p = m1.router %a, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  return %e : tensor<?x2xi32>
}

// Of a fused op only the result is a value.
// CHECK-LABEL: func.func @fused
// CHECK-SAME: -> (tensor<?x8xf32>, tensor<?x16xf32> {m1.dim = "U", m1.name = "v0.linear.line[[#@LINE + 6]]"}, tensor<?x16xf32> {m1.dim = "U", m1.name = "v1.silu.line[[#@LINE + 7]]"})
// FUSED-LABEL: func.func @fused
// FUSED-SAME: -> (tensor<?x8xf32>, tensor<?x16xf32> {m1.dim = "U", m1.name = "v0.fused.line[[#@LINE + 5]]"})
func.func @fused(%x: tensor<?x8xf32> {m1.dim = "U"}, %z: tensor<?x8xf32> {m1.dim = "U"})
    -> tensor<?x8xf32> {
  %w = m1.load_parameter @w : tensor<16x8xf32>
  %p = m1.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %s = m1.silu %p : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %c = m1.residual %z, %x alpha 1.0 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %c : tensor<?x8xf32>
}
