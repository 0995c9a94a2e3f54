// Ops for gradients of products, routers and experts read back what they print.
// RUN: m1-opt %s | m1-opt | FileCheck %s
// RUN: m1-opt %s --mlir-print-op-generic | m1-opt | FileCheck %s

// CHECK-LABEL: func.func @linear_transposed
func.func @linear_transposed(%a0: tensor<?x6xf32>, %a1: tensor<6x8xbf16>) {
  // CHECK: m1.linear_transposed %arg0, %arg1 : (tensor<?x6xf32>, tensor<6x8xbf16>) -> tensor<?x8xf32>
  %r = m1.linear_transposed %a0, %a1 : (tensor<?x6xf32>, tensor<6x8xbf16>) -> tensor<?x8xf32>
  return
}

// CHECK-LABEL: func.func @linear_weight_gradient
func.func @linear_weight_gradient(%a0: tensor<?x6xf32>, %a1: tensor<?x8xbf16>, %a2: !m1.tensor_state<6x8xf32>) {
  // CHECK: m1.linear_weight_gradient %arg0, %arg1, %arg2 : (tensor<?x6xf32>, tensor<?x8xbf16>, !m1.tensor_state<6x8xf32>) -> !m1.tensor_state<6x8xf32>
  %r = m1.linear_weight_gradient %a0, %a1, %a2 : (tensor<?x6xf32>, tensor<?x8xbf16>, !m1.tensor_state<6x8xf32>) -> !m1.tensor_state<6x8xf32>
  return
}

// CHECK-LABEL: func.func @router_gradient
func.func @router_gradient(%a0: tensor<?x2xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>) {
  // CHECK: m1.router_gradient %arg0, %arg1, %arg2 : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %r = m1.router_gradient %a0, %a1, %a2 : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: func.func @router_balance
func.func @router_balance(%a0: tensor<?x8xbf16>, %a1: tensor<4x8xf32>, %a2: tensor<4xf32>) {
  // CHECK: m1.router_balance %arg0, %arg1, %arg2 : (tensor<?x8xbf16>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  %r0, %r1 = m1.router_balance %a0, %a1, %a2 : (tensor<?x8xbf16>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  return
}

// CHECK-LABEL: func.func @experts_gradient
func.func @experts_gradient(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // CHECK: m1.experts_gradient %arg0, %arg1, %arg2, %arg3, %arg4, %arg5, %arg6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// CHECK-LABEL: func.func @experts_gradient_of_products
func.func @experts_gradient_of_products(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>, %a7: tensor<?x2x6xf32>) {
  // CHECK: m1.experts_gradient %arg0, %arg1, %arg2, %arg3, %arg4, %arg5, %arg6 products %arg7, %arg7 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>, tensor<?x2x6xf32>, tensor<?x2x6xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 products %a7, %a7 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>, tensor<?x2x6xf32>, tensor<?x2x6xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// CHECK-LABEL: func.func @experts_weight_gradient
func.func @experts_weight_gradient(%a0: tensor<?x2x6xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: !m1.tensor_state<4x6x8xf32>) {
  // CHECK: m1.experts_weight_gradient %arg0, %arg1, %arg2, %arg3 : (tensor<?x2x6xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x6x8xf32>) -> !m1.tensor_state<4x6x8xf32>
  %r = m1.experts_weight_gradient %a0, %a1, %a2, %a3 : (tensor<?x2x6xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x6x8xf32>) -> !m1.tensor_state<4x6x8xf32>
  return
}

// Rounded gradients, and sums that take the tokens of sequences in pairs.

// CHECK-LABEL: func.func @rounded
func.func @rounded(%dy: tensor<?x6xbf16>, %w: tensor<6x8xbf16>, %x: tensor<?x8xbf16>, %s: !m1.tensor_state<6x8xf32>, %cu: tensor<?xi32>) {
  // CHECK: m1.linear_transposed %arg0, %arg1 : (tensor<?x6xbf16>, tensor<6x8xbf16>) -> tensor<?x8xf32>
  %r = m1.linear_transposed %dy, %w : (tensor<?x6xbf16>, tensor<6x8xbf16>) -> tensor<?x8xf32>
  // CHECK: m1.linear_weight_gradient %arg0, %arg2, %arg3 at %arg4 : (tensor<?x6xbf16>, tensor<?x8xbf16>, !m1.tensor_state<6x8xf32>, tensor<?xi32>) -> !m1.tensor_state<6x8xf32>
  %n = m1.linear_weight_gradient %dy, %x, %s at %cu : (tensor<?x6xbf16>, tensor<?x8xbf16>, !m1.tensor_state<6x8xf32>, tensor<?xi32>) -> !m1.tensor_state<6x8xf32>
  return
}

// CHECK-LABEL: func.func @rounded_experts
func.func @rounded_experts(%dy: tensor<?x8xbf16>, %x: tensor<?x8xbf16>, %e: tensor<?x2xi32>, %p: tensor<?x2xf32>, %w1: tensor<4x6x8xbf16>, %w2: tensor<4x8x6xbf16>, %s: !m1.tensor_state<4x6x8xf32>, %cu: tensor<?xi32>) {
  // CHECK: -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xbf16>, tensor<?x2x6xbf16>, tensor<?x2x6xbf16>)
  %dx, %dp, %h, %da, %db = m1.experts_gradient %dy, %x, %e, %p, %w1, %w1, %w2 : (tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xbf16>, tensor<?x2x6xbf16>, tensor<?x2x6xbf16>)
  // CHECK: m1.experts_weight_gradient %{{.*}}, %arg1, %arg2, %arg6 at %arg7 : (tensor<?x2x6xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x6x8xf32>, tensor<?xi32>) -> !m1.tensor_state<4x6x8xf32>
  %n = m1.experts_weight_gradient %da, %x, %e, %s at %cu : (tensor<?x2x6xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x6x8xf32>, tensor<?xi32>) -> !m1.tensor_state<4x6x8xf32>
  return
}
