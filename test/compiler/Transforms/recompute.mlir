// RUN: m1-opt %s --m1-recompute | FileCheck %s --check-prefix=KEEP
// RUN: m1-opt %s --m1-recompute=level=1 | FileCheck %s --check-prefixes=CHEAP,KEPT
// RUN: m1-opt %s --m1-recompute=level=2 | FileCheck %s --check-prefixes=CHEAP,EXPERTS
// RUN: m1-opt %s --m1-recompute=level=3 | FileCheck %s --check-prefix=ALL

m1.parameter @norm : tensor<8xf32> from [#m1.source<"norm">]
m1.parameter @w : tensor<8x8xf32> from [#m1.source<"w">]
m1.parameter @gate : tensor<4x8xf32> from [#m1.source<"gate">]
m1.state @w.gradient : !m1.tensor_state<8x8xf32>

// The residual stream (%x and %y) is kept at every level. At level 1 the norm and the activation are computed anew, the
// norm once for both of its uses; at level 3 the product as well.

// KEEP-LABEL: func.func @step(
// KEEP-COUNT-1: m1.rms_norm %
// KEEP-COUNT-1: m1.linear %
// KEEP-COUNT-1: m1.silu %
// KEEP-NOT: m1.silu %

// CHEAP-LABEL: func.func @step(
// CHEAP-SAME: %[[X:[^:]*]]: tensor<?x8xf32>
// CHEAP: %[[NORM:.*]] = m1.rms_norm %[[X]]
// CHEAP: %[[LINEAR:.*]] = m1.linear %[[NORM]]
// CHEAP: m1.silu %[[LINEAR]]
// CHEAP: %[[Y:.*]] = m1.residual
// CHEAP: m1.router_balance %[[Y]]
// CHEAP: m1.silu_gradient %{{.*}}, %[[LINEAR]]
// CHEAP: %[[AGAIN:.*]] = m1.rms_norm %[[X]]
// CHEAP: m1.linear_weight_gradient %{{.*}}, %[[AGAIN]],
// CHEAP: m1.silu_mul_gradient %{{.*}}, %[[AGAIN]]
// CHEAP-NOT: m1.rms_norm %

// ALL-LABEL: func.func @step(
// ALL-SAME: %[[X:[^:]*]]: tensor<?x8xf32>
// ALL: m1.router_balance
// ALL: %[[NORM:.*]] = m1.rms_norm %[[X]]
// ALL: %[[LINEAR:.*]] = m1.linear %[[NORM]]
// ALL: m1.silu_gradient %{{.*}}, %[[LINEAR]]
// ALL: m1.linear_weight_gradient %{{.*}}, %[[NORM]],
// ALL-NOT: m1.residual
func.func @step(%x: tensor<?x8xf32>, %c: tensor<4xf32>) -> (tensor<?xf32>, tensor<?x8xf32>) {
  %n = m1.load_parameter @norm : tensor<8xf32>
  %w = m1.load_parameter @w : tensor<8x8xf32>
  %g = m1.load_parameter @gate : tensor<4x8xf32>
  %h = m1.rms_norm %x, %n eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %a = m1.linear %h, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %s = m1.silu %a : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = m1.residual %x, %s alpha 1.0 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %loss, %dlogits = m1.router_balance %y, %g, %c
      : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  %dy = m1.linear_transposed %dlogits, %g : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %da = m1.silu_gradient %dy, %a : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %state = m1.read_state @w.gradient : !m1.tensor_state<8x8xf32>
  %state1 = m1.linear_weight_gradient %da, %h, %state
      : (tensor<?x8xf32>, tensor<?x8xf32>, !m1.tensor_state<8x8xf32>) -> !m1.tensor_state<8x8xf32>
  m1.write_state %state1, @w.gradient : !m1.tensor_state<8x8xf32>
  %last = m1.silu_mul_gradient %da, %h, %y
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %loss, %last : tensor<?xf32>, tensor<?x8xf32>
}

// At levels 0 and 1 experts return their products to their gradient; there are none to return to a gradient with other
// weights. From level 2 on the gradient computes them anew.

// KEEP-LABEL: func.func @experts(
// KEEP-SAME: %[[X:[^:]*]]: tensor<?x8xf32>
// KEEP: %[[Y:[^ ]*]], %[[P:[^ ]*]]:2 = m1.experts %[[X]], {{.*}} leaves 2 : {{.*}} -> (tensor<?x8xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
// KEEP: m1.router_balance %[[Y]]
// KEEP: m1.experts_gradient {{.*}} products %[[P]]#0, %[[P]]#1 :
// KEEP: m1.experts_gradient
// KEEP-NOT: products
// KEEP: return %[[Y]]

// KEPT-LABEL: func.func @experts(
// KEPT: m1.experts_gradient {{.*}} products %
// KEPT: m1.experts_gradient
// KEPT-NOT: products

// EXPERTS-LABEL: func.func @experts(
// EXPERTS: m1.experts %{{.*}} -> tensor<?x8xf32>
// EXPERTS-COUNT-2: m1.experts_gradient
// EXPERTS-NOT: products

// ALL-LABEL: func.func @experts(
// ALL-NOT: products
// ALL: return
func.func @experts(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %p: tensor<?x2xf32>, %w1: tensor<4x6x8xf32>, %w3: tensor<4x6x8xf32>,
                   %w2: tensor<4x8x6xf32>, %c: tensor<4xf32>) -> (tensor<?x8xf32>, tensor<?xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %g = m1.load_parameter @gate : tensor<4x8xf32>
  %y = m1.experts %x, %e, %p, %w1, %w3, %w2 leaves 2 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x8xf32>
  %loss, %dlogits = m1.router_balance %y, %g, %c
      : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  %dy = m1.linear_transposed %dlogits, %g : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %dx, %dp, %h, %da, %db = m1.experts_gradient %dy, %x, %e, %p, %w1, %w3, %w2
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>)
      -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  %dx1, %dp1, %h1, %da1, %db1 = m1.experts_gradient %dy, %x, %e, %p, %w3, %w3, %w2
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>)
      -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return %y, %loss, %dx, %dx1 : tensor<?x8xf32>, tensor<?xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
