// Every operation, type and attribute reads back what it prints.
// RUN: m1-opt %s | m1-opt | FileCheck %s
// RUN: m1-opt %s --mlir-print-op-generic | m1-opt | FileCheck %s

// CHECK: m1.parameter @whole : tensor<64x32xbf16> from [#m1.source<"model.whole">]
m1.parameter @whole : tensor<64x32xbf16> from [#m1.source<"model.whole">]
// CHECK: m1.parameter @layers.0.range : tensor<64x32xf32> from [#m1.source<"model.fused"[axis 1, 32 to 64 of 128]>]
m1.parameter @layers.0.range : tensor<64x32xf32> from [#m1.source<"model.fused"[axis 1, 32 to 64 of 128]>]
// CHECK: m1.parameter @widened : tensor<64x32xf32> from [#m1.source<"model.widened"[axis 1, 32 to 64 of 128] as bf16>]
m1.parameter @widened : tensor<64x32xf32> from [#m1.source<"model.widened"[axis 1, 32 to 64 of 128] as bf16>]
// CHECK: m1.parameter @stacked : tensor<2x64x32xf16> from [#m1.source<"experts.0">, #m1.source<"experts.1"[axis 0, 0 to 64 of 65]>]
m1.parameter @stacked : tensor<2x64x32xf16> from [#m1.source<"experts.0">, #m1.source<"experts.1"[axis 0, 0 to 64 of 65]>]
// CHECK: m1.parameter @norm : tensor<32xf64> from [#m1.source<"norm">]
m1.parameter @norm : tensor<32xf64> from [#m1.source<"norm">]
// CHECK: m1.state @lightning : !m1.lightning_state<4 x 8, chunk = 64, bf16>
m1.state @lightning : !m1.lightning_state<4 x 8, chunk = 64, bf16>
// CHECK: m1.state @pool : !m1.kv_cache<2 x 8, f32, block = 64>
m1.state @pool : !m1.kv_cache<2 x 8, f32, block = 64>
// CHECK: m1.state @softmax : !m1.kv_cache<2 x 8, f32>
m1.state @softmax : !m1.kv_cache<2 x 8, f32>

// CHECK-LABEL: func.func @rows
// CHECK-SAME: (%[[TOKENS:.*]]: tensor<?xi32>, %[[CU:.*]]: tensor<?xi32>, %[[COEFFICIENT:.*]]: tensor<?x1xf32>)
func.func @rows(%tokens: tensor<?xi32>, %cu: tensor<?xi32>, %coefficient: tensor<?x1xf32>) -> tensor<?x64xbf16> {
  // CHECK: %[[TABLE:.*]] = m1.load_parameter @whole : tensor<64x32xbf16>
  %table = m1.load_parameter @whole : tensor<64x32xbf16>
  // CHECK: %[[NORM:.*]] = m1.load_parameter @norm : tensor<32xf64>
  %norm = m1.load_parameter @norm : tensor<32xf64>
  // CHECK: %[[X:.*]] = m1.embedding %[[TOKENS]], %[[TABLE]] : (tensor<?xi32>, tensor<64x32xbf16>) -> tensor<?x32xf32>
  %x = m1.embedding %tokens, %table : (tensor<?xi32>, tensor<64x32xbf16>) -> tensor<?x32xf32>
  // CHECK: %[[H:.*]] = m1.rms_norm %[[X]], %[[NORM]] eps 9.9999999999999995E-7 : (tensor<?x32xf32>, tensor<32xf64>) -> tensor<?x32xf32>
  %h = m1.rms_norm %x, %norm eps 1.0e-6 : (tensor<?x32xf32>, tensor<32xf64>) -> tensor<?x32xf32>
  // CHECK: %[[HB:.*]] = m1.cast %[[H]] : tensor<?x32xf32> to tensor<?x32xbf16>
  %hb = m1.cast %h : tensor<?x32xf32> to tensor<?x32xbf16>
  // CHECK: %[[S:.*]] = m1.silu %[[HB]] : (tensor<?x32xbf16>) -> tensor<?x32xf32>
  %s = m1.silu %hb : (tensor<?x32xbf16>) -> tensor<?x32xf32>
  // CHECK: %[[G:.*]] = m1.sigmoid_gate %[[S]], %[[H]] : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %g = m1.sigmoid_gate %s, %h : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  // CHECK: %[[M:.*]] = m1.silu_mul %[[G]], %[[S]] : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %m = m1.silu_mul %g, %s : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  // CHECK: %[[R:.*]] = m1.residual %[[M]], %[[X]] alpha 3.5565588200778455 beta 1.000000e+00 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %r = m1.residual %m, %x alpha 3.5565588200778455 beta 1.0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  // CHECK: %[[MIX:.*]] = m1.shared_mix %[[R]], %[[M]], %[[COEFFICIENT]] : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %mix = m1.shared_mix %r, %m, %coefficient : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  // CHECK: %[[LAST:.*]] = m1.select_last %[[MIX]], %[[CU]] : (tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  %last = m1.select_last %mix, %cu : (tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  // CHECK: %[[Y:.*]] = m1.linear %[[LAST]], %[[TABLE]] : (tensor<?x32xf32>, tensor<64x32xbf16>) -> tensor<?x64xf32>
  %y = m1.linear %last, %table : (tensor<?x32xf32>, tensor<64x32xbf16>) -> tensor<?x64xf32>
  // CHECK: %[[F:.*]] = m1.fused -> tensor<?x64xbf16> {
  // CHECK-NEXT: %[[L:.*]] = m1.linear %[[LAST]], %[[TABLE]] : (tensor<?x32xf32>, tensor<64x32xbf16>) -> tensor<?x64xf32>
  // CHECK-NEXT: %[[YL:.*]] = m1.silu_mul %[[Y]], %[[L]] : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xbf16>
  // CHECK-NEXT: m1.yield %[[YL]] : tensor<?x64xbf16>
  // CHECK-NEXT: }
  %f = m1.fused -> tensor<?x64xbf16> {
    %l = m1.linear %last, %table : (tensor<?x32xf32>, tensor<64x32xbf16>) -> tensor<?x64xf32>
    %yl = m1.silu_mul %y, %l : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xbf16>
    m1.yield %yl : tensor<?x64xbf16>
  }
  // CHECK: return %[[F]]
  return %f : tensor<?x64xbf16>
}

// CHECK-LABEL: func.func @attention
// CHECK-SAME: (%[[QKV:.*]]: tensor<?x96xbf16>, %[[X:.*]]: tensor<?x32xf32>, %[[Y:.*]]: tensor<?x16xf32>, %[[POSITIONS:.*]]: tensor<?xi32>, %[[CU:.*]]: tensor<?xi32>, %[[SLOTS:.*]]: tensor<?xi32>)
func.func @attention(%qkv: tensor<?x96xbf16>, %x: tensor<?x32xf32>, %y: tensor<?x16xf32>, %positions: tensor<?xi32>,
                     %cu: tensor<?xi32>, %slots: tensor<?xi32>) -> (tensor<?x32xf32>, tensor<?x4x8xf32>) {
  // CHECK: %[[Q:.*]], %[[K:.*]], %[[V:.*]] = m1.split_qkv %[[QKV]] : (tensor<?x96xbf16>) -> (tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>)
  %q, %k, %v = m1.split_qkv %qkv : (tensor<?x96xbf16>) -> (tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>)
  // CHECK: %[[S:.*]] = m1.read_state @lightning : !m1.lightning_state<4 x 8, chunk = 64, bf16>
  %s = m1.read_state @lightning : !m1.lightning_state<4 x 8, chunk = 64, bf16>
  // CHECK: %[[A:.*]], %[[S2:.*]] = m1.lightning_attention %[[Q]], %[[K]], %[[V]], %[[S]] at(%[[POSITIONS]], %[[CU]], %[[SLOTS]])
  // CHECK-SAME: slopes [5.000000e-01, 2.500000e-01, 1.250000e-01, 0.000000e+00]
  // CHECK-SAME: -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, bf16>)
  %a, %s2 = m1.lightning_attention %q, %k, %v, %s at (%positions, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, !m1.lightning_state<4 x 8, chunk = 64, bf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, bf16>)
  // CHECK: m1.write_state %[[S2]], @lightning : !m1.lightning_state<4 x 8, chunk = 64, bf16>
  m1.write_state %s2, @lightning : !m1.lightning_state<4 x 8, chunk = 64, bf16>
  // CHECK: %[[MERGED:.*]] = m1.merge_heads %[[A]] : (tensor<?x4x8xf32>) -> tensor<?x32xf32>
  %merged = m1.merge_heads %a : (tensor<?x4x8xf32>) -> tensor<?x32xf32>
  // CHECK: %[[XH:.*]] = m1.split_heads %[[X]] : (tensor<?x32xf32>) -> tensor<?x4x8xf32>
  %xh = m1.split_heads %x : (tensor<?x32xf32>) -> tensor<?x4x8xf32>
  // CHECK: %[[YH:.*]] = m1.split_heads %[[Y]] : (tensor<?x16xf32>) -> tensor<?x2x8xf32>
  %yh = m1.split_heads %y : (tensor<?x16xf32>) -> tensor<?x2x8xf32>
  // CHECK: %[[ROTATED:.*]] = m1.rotary %[[XH]], %[[POSITIONS]] theta 1.000000e+07 dims 4 : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x8xf32>
  %rotated = m1.rotary %xh, %positions theta 1.0e7 dims 4 : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x8xf32>
  // CHECK: %[[CACHE:.*]] = m1.read_state @softmax : !m1.kv_cache<2 x 8, f32>
  %cache = m1.read_state @softmax : !m1.kv_cache<2 x 8, f32>
  // CHECK: %[[B:.*]], %[[CACHE2:.*]] = m1.softmax_attention %[[ROTATED]], %[[YH]], %[[YH]], %[[CACHE]] at(%[[POSITIONS]], %[[CU]], %[[SLOTS]])
  // CHECK-SAME: scale 0.35355339059327379
  // CHECK-SAME: -> (tensor<?x4x8xf32>, !m1.kv_cache<2 x 8, f32>)
  %b, %cache2 = m1.softmax_attention %rotated, %yh, %yh, %cache at (%positions, %cu, %slots) scale 0.35355339059327379
    : (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, !m1.kv_cache<2 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<2 x 8, f32>)
  // CHECK: m1.write_state %[[CACHE2]], @softmax : !m1.kv_cache<2 x 8, f32>
  m1.write_state %cache2, @softmax : !m1.kv_cache<2 x 8, f32>
  return %merged, %b : tensor<?x32xf32>, tensor<?x4x8xf32>
}

// CHECK-LABEL: func.func @blocks
// CHECK-SAME: %[[BLOCKS:[^ ]*]]: tensor<?x3xi32>)
func.func @blocks(%q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, %positions: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>,
                  %blocks: tensor<?x3xi32>) -> tensor<?x4x8xf32> {
  %pool = m1.read_state @pool : !m1.kv_cache<2 x 8, f32, block = 64>
  // CHECK: m1.softmax_attention {{.*}} at(%{{.*}}, %{{.*}}, %{{.*}}) blocks %[[BLOCKS]] scale 5.000000e-01
  %r, %pool2 = m1.softmax_attention %q, %k, %k, %pool at (%positions, %cu, %slots) blocks %blocks scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, !m1.kv_cache<2 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x3xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<2 x 8, f32, block = 64>)
  m1.write_state %pool2, @pool : !m1.kv_cache<2 x 8, f32, block = 64>
  return %r : tensor<?x4x8xf32>
}

// CHECK-LABEL: func.func @experts
// CHECK-SAME: (%[[X:.*]]: tensor<?x32xbf16>, %[[GATE:.*]]: tensor<4x32xf32>, %[[W1:.*]]: tensor<4x64x32xbf16>, %[[W2:.*]]: tensor<4x32x64xbf16>)
func.func @experts(%x: tensor<?x32xbf16>, %gate: tensor<4x32xf32>, %w1: tensor<4x64x32xbf16>, %w2: tensor<4x32x64xbf16>) -> tensor<?x32xf32> {
  // CHECK: %[[E:.*]], %[[W:.*]] = m1.router %[[X]], %[[GATE]] : (tensor<?x32xbf16>, tensor<4x32xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %e, %w = m1.router %x, %gate : (tensor<?x32xbf16>, tensor<4x32xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  // CHECK: m1.experts %[[X]], %[[E]], %[[W]], %[[W1]], %[[W1]], %[[W2]] : (tensor<?x32xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x64x32xbf16>, tensor<4x64x32xbf16>, tensor<4x32x64xbf16>) -> tensor<?x32xf32>
  %y = m1.experts %x, %e, %w, %w1, %w1, %w2 : (tensor<?x32xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x64x32xbf16>, tensor<4x64x32xbf16>, tensor<4x32x64xbf16>) -> tensor<?x32xf32>
  // CHECK: %{{[^ ]*}}, %{{[^ ]*}}:2 = m1.experts %[[X]], %[[E]], %[[W]], %[[W1]], %[[W1]], %[[W2]] leaves 2 : ({{.*}}) -> (tensor<?x32xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>)
  %z, %products:2 = m1.experts %x, %e, %w, %w1, %w1, %w2 leaves 2 : (tensor<?x32xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x64x32xbf16>, tensor<4x64x32xbf16>, tensor<4x32x64xbf16>) -> (tensor<?x32xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>)
  return %y : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @output
// CHECK-SAME: (%[[X:.*]]: tensor<?x32xf32>, %[[HEAD:.*]]: tensor<97x32xf32>, %[[LOGITS:.*]]: tensor<?x97xf32>, %[[TARGETS:.*]]: tensor<?xi32>, %[[T:.*]]: tensor<?xf32>, %[[P:.*]]: tensor<?xf32>, %[[K:.*]]: tensor<?xi32>, %[[SEEDS:.*]]: tensor<?xi64>)
func.func @output(%x: tensor<?x32xf32>, %head: tensor<97x32xf32>, %logits: tensor<?x97xf32>, %targets: tensor<?xi32>, %t: tensor<?xf32>,
                  %p: tensor<?xf32>, %k: tensor<?xi32>, %seeds: tensor<?xi64>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xi32>) {
  // CHECK: m1.token_log_prob %[[LOGITS]], %[[TARGETS]] : (tensor<?x97xf32>, tensor<?xi32>) -> tensor<?xf32>
  %0 = m1.token_log_prob %logits, %targets : (tensor<?x97xf32>, tensor<?xi32>) -> tensor<?xf32>
  // CHECK: m1.token_log_prob %[[LOGITS]], %[[TARGETS]] temperature %[[T]] : (tensor<?x97xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?xf32>
  %3 = m1.token_log_prob %logits, %targets temperature %t : (tensor<?x97xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?xf32>
  // CHECK: m1.head_log_prob %[[X]], %[[HEAD]], %[[TARGETS]] : (tensor<?x32xf32>, tensor<97x32xf32>, tensor<?xi32>) -> tensor<?xf32>
  %1 = m1.head_log_prob %x, %head, %targets : (tensor<?x32xf32>, tensor<97x32xf32>, tensor<?xi32>) -> tensor<?xf32>
  // CHECK: m1.sample %[[LOGITS]] temperature %[[T]] top_p %[[P]] top_k %[[K]] seeds %[[SEEDS]] positions %[[TARGETS]]
  // CHECK-SAME: -> tensor<?xi32>
  %2 = m1.sample %logits temperature %t top_p %p top_k %k seeds %seeds positions %targets
    : (tensor<?x97xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  return %0, %1, %2 : tensor<?xf32>, tensor<?xf32>, tensor<?xi32>
}

// CHECK-LABEL: func.func @rules
// CHECK-SAME: (%[[LOGITS:.*]]: tensor<?x97xf32>, %[[ROWS:.*]]: tensor<?xi32>, %[[BIAS:.*]]: tensor<?x97xf32>, %[[T:.*]]: tensor<?xf32>, %[[SEEDS:.*]]: tensor<?xi64>)
func.func @rules(%logits: tensor<?x97xf32>, %rows: tensor<?xi32>, %bias: tensor<?x97xf32>, %t: tensor<?xf32>, %seeds: tensor<?xi64>) -> tensor<?xi32> {
  // CHECK: %[[L:.*]] = m1.adjust_logits %[[LOGITS]] rows %[[ROWS]] bias %[[BIAS]] repetition %[[BIAS]]
  // CHECK-SAME: : (tensor<?x97xf32>, tensor<?xi32>, tensor<?x97xf32>, tensor<?x97xf32>) -> tensor<?x97xf32>
  %l = m1.adjust_logits %logits rows %rows bias %bias repetition %bias
    : (tensor<?x97xf32>, tensor<?xi32>, tensor<?x97xf32>, tensor<?x97xf32>) -> tensor<?x97xf32>
  // CHECK: m1.sample %[[L]] temperature %[[T]] top_p %[[T]] top_k %[[ROWS]] seeds %[[SEEDS]] positions %[[ROWS]] min_p %[[T]]
  // CHECK-SAME: : (tensor<?x97xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>, tensor<?xf32>) -> tensor<?xi32>
  %r = m1.sample %l temperature %t top_p %t top_k %rows seeds %seeds positions %rows min_p %t
    : (tensor<?x97xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>, tensor<?xf32>) -> tensor<?xi32>
  return %r : tensor<?xi32>
}

// Extents of tokens and sequences may be known where they meet unknown ones.
// CHECK-LABEL: func.func @known_tokens
func.func @known_tokens(%x: tensor<4x8xf32>, %w: tensor<3x8xf32>) -> tensor<?x3xf32> {
  // CHECK: m1.linear {{.*}} : (tensor<4x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  %y = m1.linear %x, %w : (tensor<4x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
