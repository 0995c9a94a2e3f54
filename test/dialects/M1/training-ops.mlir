// Every operation of a training step, and its state type, reads back what it prints.
// RUN: m1-opt %s | m1-opt | FileCheck %s
// RUN: m1-opt %s --mlir-print-op-generic | m1-opt | FileCheck %s

// CHECK: m1.parameter @weight : tensor<64x32xbf16> from [#m1.source<"weight">]
m1.parameter @weight : tensor<64x32xbf16> from [#m1.source<"weight">]
// CHECK: m1.state @master : !m1.tensor_state<64x32xf32> from @weight
m1.state @master : !m1.tensor_state<64x32xf32> from @weight
// CHECK: m1.state @first : !m1.tensor_state<64x32xf32>
m1.state @first : !m1.tensor_state<64x32xf32>
// CHECK: m1.state @second : !m1.tensor_state<64x32xf32>
m1.state @second : !m1.tensor_state<64x32xf32>
// CHECK: m1.state @gradient : !m1.tensor_state<64x32xf32>
m1.state @gradient : !m1.tensor_state<64x32xf32>
// CHECK: m1.trained @weight master @master moments @first, @second gradient @gradient
m1.trained @weight master @master moments @first, @second gradient @gradient
// CHECK: m1.state @norm : !m1.tensor_state<32xf32>
m1.state @norm : !m1.tensor_state<32xf32>
// CHECK: m1.state @experts : !m1.tensor_state<4x64x32xf32>
m1.state @experts : !m1.tensor_state<4x64x32xf32>

// CHECK-LABEL: func.func @rows
// CHECK-SAME: (%[[DY:.*]]: tensor<?x32xf32>, %[[TOKENS:.*]]: tensor<?xi32>, %[[X:.*]]: tensor<?x32xbf16>, %[[N:.*]]: tensor<32xf32>, %[[COLUMN:.*]]: tensor<?x1xf32>)
func.func @rows(%dy: tensor<?x32xf32>, %tokens: tensor<?xi32>, %x: tensor<?x32xbf16>, %n: tensor<32xf32>, %column: tensor<?x1xf32>) {
  // CHECK: %[[S:.*]] = m1.read_state @master : !m1.tensor_state<64x32xf32>
  %s = m1.read_state @master : !m1.tensor_state<64x32xf32>
  // CHECK: %[[S2:.*]] = m1.embedding_gradient %[[DY]], %[[TOKENS]], %[[S]] : (tensor<?x32xf32>, tensor<?xi32>, !m1.tensor_state<64x32xf32>) -> !m1.tensor_state<64x32xf32>
  %s2 = m1.embedding_gradient %dy, %tokens, %s : (tensor<?x32xf32>, tensor<?xi32>, !m1.tensor_state<64x32xf32>) -> !m1.tensor_state<64x32xf32>
  // CHECK: m1.write_state %[[S2]], @master : !m1.tensor_state<64x32xf32>
  m1.write_state %s2, @master : !m1.tensor_state<64x32xf32>
  // CHECK: %[[R:.*]] = m1.rms_norm_gradient %[[DY]], %[[X]], %[[N]] eps 1.000000e-02 : (tensor<?x32xf32>, tensor<?x32xbf16>, tensor<32xf32>) -> tensor<?x32xf32>
  %r = m1.rms_norm_gradient %dy, %x, %n eps 0.01 : (tensor<?x32xf32>, tensor<?x32xbf16>, tensor<32xf32>) -> tensor<?x32xf32>
  // CHECK: %[[M:.*]] = m1.read_state @norm : !m1.tensor_state<32xf32>
  %m = m1.read_state @norm : !m1.tensor_state<32xf32>
  // CHECK: %[[M2:.*]] = m1.rms_norm_weight_gradient %[[DY]], %[[X]], %[[M]] eps 5.000000e-01 : (tensor<?x32xf32>, tensor<?x32xbf16>, !m1.tensor_state<32xf32>) -> !m1.tensor_state<32xf32>
  %m2 = m1.rms_norm_weight_gradient %dy, %x, %m eps 0.5 : (tensor<?x32xf32>, tensor<?x32xbf16>, !m1.tensor_state<32xf32>) -> !m1.tensor_state<32xf32>
  // CHECK: m1.write_state %[[M2]], @norm : !m1.tensor_state<32xf32>
  m1.write_state %m2, @norm : !m1.tensor_state<32xf32>
  // CHECK: %[[SCALED:.*]] = m1.scale %[[R]] by 3.5565588200778455 : (tensor<?x32xf32>) -> tensor<?x32xbf16>
  %scaled = m1.scale %r by 3.5565588200778455 : (tensor<?x32xf32>) -> tensor<?x32xbf16>
  // CHECK: %[[A:.*]] = m1.silu_gradient %[[DY]], %[[SCALED]] : (tensor<?x32xf32>, tensor<?x32xbf16>) -> tensor<?x32xf32>
  %a = m1.silu_gradient %dy, %scaled : (tensor<?x32xf32>, tensor<?x32xbf16>) -> tensor<?x32xf32>
  // CHECK: %[[B:.*]] = m1.sigmoid_gate_gradient %[[DY]], %[[SCALED]], %[[A]] : (tensor<?x32xf32>, tensor<?x32xbf16>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %b = m1.sigmoid_gate_gradient %dy, %scaled, %a : (tensor<?x32xf32>, tensor<?x32xbf16>, tensor<?x32xf32>) -> tensor<?x32xf32>
  // CHECK: %[[C:.*]] = m1.silu_mul_gradient %[[DY]], %[[B]], %[[SCALED]] : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xbf16>) -> tensor<?x32xf32>
  %c = m1.silu_mul_gradient %dy, %b, %scaled : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xbf16>) -> tensor<?x32xf32>
  // CHECK: %[[MOE:.*]], %[[SHARED:.*]], %[[COEFFICIENT:.*]] = m1.shared_mix_gradient %[[DY]], %[[C]], %[[SCALED]], %[[COLUMN]] : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xbf16>, tensor<?x1xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x1xf32>)
  %moe, %shared, %coefficient = m1.shared_mix_gradient %dy, %c, %scaled, %column : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xbf16>, tensor<?x1xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x1xf32>)
  return
}

// CHECK-LABEL: func.func @products
// CHECK-SAME: (%[[DY:.*]]: tensor<?x64xf32>, %[[X:.*]]: tensor<?x32xbf16>, %[[W:.*]]: tensor<64x32xbf16>)
func.func @products(%dy: tensor<?x64xf32>, %x: tensor<?x32xbf16>, %w: tensor<64x32xbf16>) {
  // CHECK: %[[DX:.*]] = m1.linear_transposed %[[DY]], %[[W]] : (tensor<?x64xf32>, tensor<64x32xbf16>) -> tensor<?x32xf32>
  %dx = m1.linear_transposed %dy, %w : (tensor<?x64xf32>, tensor<64x32xbf16>) -> tensor<?x32xf32>
  // CHECK: %[[S:.*]] = m1.read_state @gradient : !m1.tensor_state<64x32xf32>
  %s = m1.read_state @gradient : !m1.tensor_state<64x32xf32>
  // CHECK: %[[S2:.*]] = m1.linear_weight_gradient %[[DY]], %[[X]], %[[S]] : (tensor<?x64xf32>, tensor<?x32xbf16>, !m1.tensor_state<64x32xf32>) -> !m1.tensor_state<64x32xf32>
  %s2 = m1.linear_weight_gradient %dy, %x, %s : (tensor<?x64xf32>, tensor<?x32xbf16>, !m1.tensor_state<64x32xf32>) -> !m1.tensor_state<64x32xf32>
  // CHECK: m1.write_state %[[S2]], @gradient : !m1.tensor_state<64x32xf32>
  m1.write_state %s2, @gradient : !m1.tensor_state<64x32xf32>
  return
}

// CHECK-LABEL: func.func @attention
// CHECK-SAME: (%[[DY:.*]]: tensor<?x4x8xf32>, %[[Q:.*]]: tensor<?x4x8xbf16>, %[[K:.*]]: tensor<?x4x8xbf16>, %[[V:.*]]: tensor<?x4x8xbf16>, %[[KG:.*]]: tensor<?x2x8xbf16>, %[[VG:.*]]: tensor<?x2x8xbf16>, %[[Y:.*]]: tensor<?x4x8xbf16>, %[[POSITIONS:.*]]: tensor<?xi32>, %[[CU:.*]]: tensor<?xi32>)
func.func @attention(%dy: tensor<?x4x8xf32>, %q: tensor<?x4x8xbf16>, %k: tensor<?x4x8xbf16>, %v: tensor<?x4x8xbf16>, %kg: tensor<?x2x8xbf16>, %vg: tensor<?x2x8xbf16>, %y: tensor<?x4x8xbf16>, %positions: tensor<?xi32>, %cu: tensor<?xi32>) {
  // CHECK: %[[JOINED:.*]] = m1.merge_qkv %[[Q]], %[[K]], %[[V]] : (tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>) -> tensor<?x96xbf16>
  %joined = m1.merge_qkv %q, %k, %v : (tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>) -> tensor<?x96xbf16>
  // CHECK: %[[TURNED:.*]] = m1.rotary %[[DY]], %[[POSITIONS]] theta 1.000000e+07 dims 4 inverse : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x8xf32>
  %turned = m1.rotary %dy, %positions theta 1.0e7 dims 4 inverse : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x8xf32>
  // CHECK: %[[DQ:.*]], %[[DK:.*]], %[[DV:.*]] = m1.lightning_attention_gradient %[[DY]], %[[Q]], %[[K]], %[[V]] at %[[CU]] slopes [5.000000e-01, 2.500000e-01, 1.250000e-01, 0.000000e+00] chunk 64 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  %dq, %dk, %dv = m1.lightning_attention_gradient %dy, %q, %k, %v at %cu slopes [0.5, 0.25, 0.125, 0.0] chunk 64 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  // CHECK: %[[EQ:.*]], %[[EK:.*]], %[[EV:.*]] = m1.softmax_attention_gradient %[[DY]], %[[Q]], %[[KG]], %[[VG]], %[[Y]] at %[[CU]] scale 0.35355339059327379 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>)
  %eq, %ek, %ev = m1.softmax_attention_gradient %dy, %q, %kg, %vg, %y at %cu scale 0.35355339059327379 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>)
  return
}

// CHECK-LABEL: func.func @mixture
// CHECK-SAME: (%[[DY:.*]]: tensor<?x32xf32>, %[[X:.*]]: tensor<?x32xbf16>, %[[E:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<?x2xf32>, %[[GATE:.*]]: tensor<4x32xf32>, %[[BALANCE:.*]]: tensor<4xf32>, %[[W1:.*]]: tensor<4x64x32xbf16>, %[[W2:.*]]: tensor<4x32x64xbf16>)
func.func @mixture(%dy: tensor<?x32xf32>, %x: tensor<?x32xbf16>, %e: tensor<?x2xi32>, %w: tensor<?x2xf32>, %gate: tensor<4x32xf32>, %balance: tensor<4xf32>, %w1: tensor<4x64x32xbf16>, %w2: tensor<4x32x64xbf16>) {
  // CHECK: %[[DX:.*]], %[[DW:.*]], %[[HIDDEN:.*]], %[[DA:.*]], %[[DB:.*]] = m1.experts_gradient %[[DY]], %[[X]], %[[E]], %[[W]], %[[W1]], %[[W1]], %[[W2]] : (tensor<?x32xf32>, tensor<?x32xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x64x32xbf16>, tensor<4x64x32xbf16>, tensor<4x32x64xbf16>) -> (tensor<?x32xf32>, tensor<?x2xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>)
  %dx, %dw, %hidden, %da, %db = m1.experts_gradient %dy, %x, %e, %w, %w1, %w1, %w2 : (tensor<?x32xf32>, tensor<?x32xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x64x32xbf16>, tensor<4x64x32xbf16>, tensor<4x32x64xbf16>) -> (tensor<?x32xf32>, tensor<?x2xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>)
  // CHECK: %[[S:.*]] = m1.read_state @experts : !m1.tensor_state<4x64x32xf32>
  %s = m1.read_state @experts : !m1.tensor_state<4x64x32xf32>
  // CHECK: %[[S2:.*]] = m1.experts_weight_gradient %[[DA]], %[[X]], %[[E]], %[[S]] : (tensor<?x2x64xf32>, tensor<?x32xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x64x32xf32>) -> !m1.tensor_state<4x64x32xf32>
  %s2 = m1.experts_weight_gradient %da, %x, %e, %s : (tensor<?x2x64xf32>, tensor<?x32xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x64x32xf32>) -> !m1.tensor_state<4x64x32xf32>
  // CHECK: m1.write_state %[[S2]], @experts : !m1.tensor_state<4x64x32xf32>
  m1.write_state %s2, @experts : !m1.tensor_state<4x64x32xf32>
  // CHECK: %[[LOGITS:.*]] = m1.router_gradient %[[DW]], %[[E]], %[[W]] : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %logits = m1.router_gradient %dw, %e, %w : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  // CHECK: %[[LOSS:.*]], %[[ADDED:.*]] = m1.router_balance %[[X]], %[[GATE]], %[[BALANCE]] : (tensor<?x32xbf16>, tensor<4x32xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  %loss, %added = m1.router_balance %x, %gate, %balance : (tensor<?x32xbf16>, tensor<4x32xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  return
}

// CHECK-LABEL: func.func @policy_head
// CHECK-SAME: (%[[X:.*]]: tensor<?x32xbf16>, %[[W:.*]]: tensor<64x32xbf16>, %[[TARGETS:.*]]: tensor<?xi32>, %[[OLD:.*]]: tensor<?xf32>, %[[ADVANTAGES:.*]]: tensor<?xf32>, %[[WEIGHTS:.*]]: tensor<?xf32>, %[[TEMPERATURE:.*]]: tensor<1xf32>, %[[BOUNDS:.*]]: tensor<4xf32>)
func.func @policy_head(%x: tensor<?x32xbf16>, %w: tensor<64x32xbf16>, %targets: tensor<?xi32>, %old: tensor<?xf32>, %advantages: tensor<?xf32>, %weights: tensor<?xf32>, %temperature: tensor<1xf32>, %bounds: tensor<4xf32>) {
  // CHECK: %[[S:.*]] = m1.read_state @gradient : !m1.tensor_state<64x32xf32>
  %s = m1.read_state @gradient : !m1.tensor_state<64x32xf32>
  // CHECK: %[[L:.*]], %[[H:.*]], %[[DX:.*]], %[[S2:.*]] = m1.policy_head %[[X]], %[[W]], %[[TARGETS]] old %[[OLD]] advantages %[[ADVANTAGES]] weights %[[WEIGHTS]] temperature %[[TEMPERATURE]] bounds %[[BOUNDS]], %[[S]] : (tensor<?x32xbf16>, tensor<64x32xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<64x32xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x32xf32>, !m1.tensor_state<64x32xf32>)
  %l, %h, %dx, %s2 = m1.policy_head %x, %w, %targets old %old advantages %advantages weights %weights temperature %temperature bounds %bounds, %s : (tensor<?x32xbf16>, tensor<64x32xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<64x32xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x32xf32>, !m1.tensor_state<64x32xf32>)
  // CHECK: m1.write_state %[[S2]], @gradient : !m1.tensor_state<64x32xf32>
  m1.write_state %s2, @gradient : !m1.tensor_state<64x32xf32>
  return
}

// CHECK-LABEL: func.func @optimizer
// CHECK-SAME: (%[[MOST:.*]]: tensor<1xf32>, %[[ENABLED:.*]]: tensor<1xi32>, %[[RATES:.*]]: tensor<3xf32>, %[[DECAYS:.*]]: tensor<3xf32>, %[[NUMBERS:.*]]: tensor<5xf32>)
func.func @optimizer(%most: tensor<1xf32>, %enabled: tensor<1xi32>, %rates: tensor<3xf32>, %decays: tensor<3xf32>, %numbers: tensor<5xf32>) {
  // CHECK: %[[M:.*]] = m1.read_state @master : !m1.tensor_state<64x32xf32>
  %m = m1.read_state @master : !m1.tensor_state<64x32xf32>
  // CHECK: %[[F:.*]] = m1.read_state @first : !m1.tensor_state<64x32xf32>
  %f = m1.read_state @first : !m1.tensor_state<64x32xf32>
  // CHECK: %[[S:.*]] = m1.read_state @second : !m1.tensor_state<64x32xf32>
  %s = m1.read_state @second : !m1.tensor_state<64x32xf32>
  // CHECK: %[[G:.*]] = m1.read_state @gradient : !m1.tensor_state<64x32xf32>
  %g = m1.read_state @gradient : !m1.tensor_state<64x32xf32>
  // CHECK: %[[TOTAL:.*]], %[[G2:.*]] = m1.squared_sum %[[G]] : (!m1.tensor_state<64x32xf32>) -> (tensor<1xf64>, !m1.tensor_state<64x32xf32>)
  %total, %g2 = m1.squared_sum %g : (!m1.tensor_state<64x32xf32>) -> (tensor<1xf64>, !m1.tensor_state<64x32xf32>)
  // CHECK: %[[NORM:.*]], %[[SCALE:.*]], %[[APPLIED:.*]] = m1.clip_norm %[[TOTAL]], %[[TOTAL]] max %[[MOST]] if %[[ENABLED]] : (tensor<1xf64>, tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %norm, %scale, %applied = m1.clip_norm %total, %total max %most if %enabled : (tensor<1xf64>, tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  // CHECK: %[[M2:.*]], %[[F2:.*]], %[[S2:.*]], %[[G3:.*]] = m1.adamw %[[M]] moments %[[F]], %[[S]] gradient %[[G2]] scale %[[SCALE]] if %[[APPLIED]] rates %[[RATES]] decays %[[DECAYS]] hyperparameters %[[NUMBERS]] index 2 : (!m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>) -> (!m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>)
  %m2, %f2, %s2, %g3 = m1.adamw %m moments %f, %s gradient %g2 scale %scale if %applied rates %rates decays %decays hyperparameters %numbers index 2 : (!m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>) -> (!m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>, !m1.tensor_state<64x32xf32>)
  // CHECK: %[[VALUE:.*]], %[[M3:.*]] = m1.state_value %[[M2]] : (!m1.tensor_state<64x32xf32>) -> (tensor<64x32xf32>, !m1.tensor_state<64x32xf32>)
  %value, %m3 = m1.state_value %m2 : (!m1.tensor_state<64x32xf32>) -> (tensor<64x32xf32>, !m1.tensor_state<64x32xf32>)
  // CHECK: m1.write_state %[[M3]], @master : !m1.tensor_state<64x32xf32>
  m1.write_state %m3, @master : !m1.tensor_state<64x32xf32>
  // CHECK: m1.write_state %[[F2]], @first : !m1.tensor_state<64x32xf32>
  m1.write_state %f2, @first : !m1.tensor_state<64x32xf32>
  // CHECK: m1.write_state %[[S2]], @second : !m1.tensor_state<64x32xf32>
  m1.write_state %s2, @second : !m1.tensor_state<64x32xf32>
  // CHECK: m1.write_state %[[G3]], @gradient : !m1.tensor_state<64x32xf32>
  m1.write_state %g3, @gradient : !m1.tensor_state<64x32xf32>
  // CHECK: m1.update_parameter @weight from @master
  m1.update_parameter @weight from @master
  return
}
