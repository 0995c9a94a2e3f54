// What a rank computes, op by op, and where collectives are inserted.
// RUN: m1-opt %s -m1-shard -split-input-file | FileCheck %s
// Twice is once.
// RUN: m1-opt %s -m1-shard -split-input-file | m1-opt -m1-shard -split-input-file | FileCheck %s

// Heads: columns of q and k, leaves of the inner axis of the product behind them. Four ranks have two key/value heads.
module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// CHECK-LABEL: m1.parameter @q : tensor<32x64xf32> from [#m1.source<"q">] slices [#m1.slice<0 over "tensor" step 32 of 128>]
m1.parameter @q : tensor<128x64xf32> from [#m1.source<"q">] sharding [#m1.sharding<0 over "tensor" unit 32>]
// CHECK: m1.parameter @k : tensor<32x64xf32> from [#m1.source<"k">] slices [#m1.slice<0 over "tensor" step 32 of 64 replicas 2>]
m1.parameter @k : tensor<64x64xf32> from [#m1.source<"k">] sharding [#m1.sharding<0 over "tensor" unit 32 replicable>]
// CHECK: m1.parameter @o : tensor<64x32xf32> from [#m1.source<"o">] slices [#m1.slice<1 over "tensor" step 32 of 128>]
m1.parameter @o : tensor<64x128xf32> from [#m1.source<"o">] sharding [#m1.sharding<1 over "tensor" unit 32>]
// CHECK: m1.parameter @router : tensor<8x64xf32> from [#m1.source<"router">]{{$}}
m1.parameter @router : tensor<8x64xf32> from [#m1.source<"router">]
// CHECK: m1.state @cache : !m1.kv_cache<1 x 32, f32>
m1.state @cache : !m1.kv_cache<2 x 32, f32>

// CHECK-LABEL: func.func @softmax(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>
func.func @softmax(%x: tensor<?x64xf32>, %positions: tensor<?xi32>, %ends: tensor<?xi32>, %slots: tensor<?xi32>)
    -> (tensor<?x64xf32>, tensor<?x2xi32>) {
  %wq = m1.load_parameter @q : tensor<128x64xf32>
  %wk = m1.load_parameter @k : tensor<64x64xf32>
  %wo = m1.load_parameter @o : tensor<64x128xf32>
  %wr = m1.load_parameter @router : tensor<8x64xf32>
  // CHECK: %[[Q:.*]] = m1.linear %[[X]], %{{.*}} : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %0 = m1.linear %x, %wq : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  // CHECK: m1.split_heads %[[Q]] : (tensor<?x32xf32>) -> tensor<?x1x32xf32>
  %q = m1.split_heads %0 : (tensor<?x128xf32>) -> tensor<?x4x32xf32>
  %1 = m1.linear %x, %wk : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %k = m1.split_heads %1 : (tensor<?x64xf32>) -> tensor<?x2x32xf32>
  // CHECK: m1.read_state @cache : !m1.kv_cache<1 x 32, f32>
  %cache = m1.read_state @cache : !m1.kv_cache<2 x 32, f32>
  // CHECK: m1.softmax_attention
  // CHECK-SAME: -> (tensor<?x1x32xf32>, !m1.kv_cache<1 x 32, f32>)
  %a, %new = m1.softmax_attention %q, %k, %k, %cache at (%positions, %ends, %slots) scale 0.5
      : (tensor<?x4x32xf32>, tensor<?x2x32xf32>, tensor<?x2x32xf32>, !m1.kv_cache<2 x 32, f32>, tensor<?xi32>, tensor<?xi32>,
         tensor<?xi32>) -> (tensor<?x4x32xf32>, !m1.kv_cache<2 x 32, f32>)
  m1.write_state %new, @cache : !m1.kv_cache<2 x 32, f32>
  %2 = m1.merge_heads %a : (tensor<?x4x32xf32>) -> tensor<?x128xf32>
  // CHECK: %[[O:.*]] = m1.linear %{{.*}}, %{{.*}} : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x64xf32>
  // CHECK-NEXT: %[[Y:.*]] = m1.tree_sum %[[O]] over "tensor" partials 1 : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = m1.linear %2, %wo leaves 4 : (tensor<?x128xf32>, tensor<64x128xf32>) -> tensor<?x64xf32>
  // CHECK: m1.router %[[Y]], %{{.*}} : (tensor<?x64xf32>, tensor<8x64xf32>)
  %experts, %weights = m1.router %y, %wr : (tensor<?x64xf32>, tensor<8x64xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  // CHECK-NOT: m1.all_gather
  // CHECK: return %[[Y]]
  return %y, %experts : tensor<?x64xf32>, tensor<?x2xi32>
}
}

// -----

// A cache in blocks has them on every rank, with the rank's heads.
module attributes {m1.mesh = #m1.mesh<tensor = 2>} {
m1.parameter @k : tensor<64x64xf32> from [#m1.source<"k">] sharding [#m1.sharding<0 over "tensor" unit 32>]
// CHECK: m1.state @pool : !m1.kv_cache<1 x 32, f32, block = 64>
m1.state @pool : !m1.kv_cache<2 x 32, f32, block = 64>
// CHECK-LABEL: func.func @blocks(
// CHECK-SAME: %[[BLOCKS:[a-z0-9]*]]: tensor<?x5xi32>)
func.func @blocks(%x: tensor<?x64xf32>, %positions: tensor<?xi32>, %ends: tensor<?xi32>, %slots: tensor<?xi32>, %blocks: tensor<?x5xi32>) -> tensor<?x2x32xf32> {
  %wk = m1.load_parameter @k : tensor<64x64xf32>
  %0 = m1.linear %x, %wk : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %k = m1.split_heads %0 : (tensor<?x64xf32>) -> tensor<?x2x32xf32>
  %pool = m1.read_state @pool : !m1.kv_cache<2 x 32, f32, block = 64>
  // CHECK: m1.softmax_attention {{.*}} blocks %[[BLOCKS]] scale
  // CHECK-SAME: -> (tensor<?x1x32xf32>, !m1.kv_cache<1 x 32, f32, block = 64>)
  %a, %new = m1.softmax_attention %k, %k, %k, %pool at (%positions, %ends, %slots) blocks %blocks scale 0.5
      : (tensor<?x2x32xf32>, tensor<?x2x32xf32>, tensor<?x2x32xf32>, !m1.kv_cache<2 x 32, f32, block = 64>, tensor<?xi32>, tensor<?xi32>,
         tensor<?xi32>, tensor<?x5xi32>) -> (tensor<?x2x32xf32>, !m1.kv_cache<2 x 32, f32, block = 64>)
  m1.write_state %new, @pool : !m1.kv_cache<2 x 32, f32, block = 64>
  return %a : tensor<?x2x32xf32>
}
}

// -----

// A lightning layer: slopes of all heads, and a norm whose squares are gathered. Three leaves stay three partial sums.
module attributes {m1.mesh = #m1.mesh<tensor = 2>} {
m1.parameter @qkv : tensor<576x64xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 96>]
m1.parameter @norm : tensor<192xf32> from [#m1.source<"b">] sharding [#m1.sharding<0 over "tensor" unit 32>]
m1.parameter @out : tensor<64x192xbf16> from [#m1.source<"c">] sharding [#m1.sharding<1 over "tensor" unit 32>]
// CHECK: m1.state @s : !m1.lightning_state<3 x 32, chunk = 64, f32>
m1.state @s : !m1.lightning_state<6 x 32, chunk = 64, f32>

// CHECK-LABEL: func.func @lightning(
func.func @lightning(%x: tensor<?x64xf32>, %positions: tensor<?xi32>, %ends: tensor<?xi32>, %slots: tensor<?xi32>)
    -> tensor<?x64xf32> {
  %wqkv = m1.load_parameter @qkv : tensor<576x64xf32>
  %wn = m1.load_parameter @norm : tensor<192xf32>
  %wo = m1.load_parameter @out : tensor<64x192xbf16>
  %0 = m1.linear %x, %wqkv : (tensor<?x64xf32>, tensor<576x64xf32>) -> tensor<?x576xf32>
  // CHECK: m1.silu %{{.*}} : (tensor<?x288xf32>) -> tensor<?x288xf32>
  %1 = m1.silu %0 : (tensor<?x576xf32>) -> tensor<?x576xf32>
  // CHECK: m1.split_qkv %{{.*}} : (tensor<?x288xf32>) -> (tensor<?x3x32xf32>, tensor<?x3x32xf32>, tensor<?x3x32xf32>)
  %q, %k, %v = m1.split_qkv %1 : (tensor<?x576xf32>) -> (tensor<?x6x32xf32>, tensor<?x6x32xf32>, tensor<?x6x32xf32>)
  %state = m1.read_state @s : !m1.lightning_state<6 x 32, chunk = 64, f32>
  // CHECK: m1.lightning_attention
  // CHECK-SAME: slopes [5.000000e-01, 4.000000e-01, 3.000000e-01, 2.000000e-01, 1.000000e-01, 5.000000e-02] shard <"tensor", 3 of 6>
  %a, %new = m1.lightning_attention %q, %k, %v, %state at (%positions, %ends, %slots) slopes [0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
      : (tensor<?x6x32xf32>, tensor<?x6x32xf32>, tensor<?x6x32xf32>, !m1.lightning_state<6 x 32, chunk = 64, f32>,
         tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x6x32xf32>, !m1.lightning_state<6 x 32, chunk = 64, f32>)
  m1.write_state %new, @s : !m1.lightning_state<6 x 32, chunk = 64, f32>
  // CHECK: %[[M:.*]] = m1.merge_heads
  %m = m1.merge_heads %a : (tensor<?x6x32xf32>) -> tensor<?x192xf32>
  // CHECK-NEXT: %[[S:.*]] = m1.squares %[[M]] : (tensor<?x96xf32>) -> tensor<?x3xf32>
  // CHECK-NEXT: %[[A:.*]] = m1.all_gather %[[S]] over "tensor" : (tensor<?x3xf32>) -> tensor<?x6xf32>
  // CHECK-NEXT: m1.normalize %[[M]], %{{.*}}, %[[A]] groups 3 eps 9.9{{.*}} : (tensor<?x96xf32>, tensor<96xf32>, tensor<?x6xf32>) -> tensor<?x96xf32>
  %n = m1.rms_norm %m, %wn eps 1.0e-6 groups 6 : (tensor<?x192xf32>, tensor<192xf32>) -> tensor<?x192xf32>
  // CHECK: %[[C:.*]] = m1.cast
  %c = m1.cast %n : tensor<?x192xf32> to tensor<?x192xbf16>
  // CHECK-NEXT: %[[P:.*]] = m1.linear %[[C]], %{{.*}} leaves 3 partials 3 : (tensor<?x96xbf16>, tensor<64x96xbf16>) -> tensor<?x192xf32>
  // CHECK-NEXT: m1.tree_sum %[[P]] over "tensor" partials 3 : (tensor<?x192xf32>) -> tensor<?x64xf32>
  %y = m1.linear %c, %wo leaves 6 : (tensor<?x192xbf16>, tensor<64x192xbf16>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
}

// -----

// Experts over both axes: pairs are summed over `tensor`, then over `expert`.
module attributes {m1.mesh = #m1.mesh<expert = 2, data = 2, tensor = 2>} {
// CHECK-LABEL: m1.parameter @w1 : tensor<2x32x16xf32> from [#m1.source<"a">, #m1.source<"b">, #m1.source<"c">, #m1.source<"d">] slices [#m1.slice<0 over "expert" step 2 of 4>, #m1.slice<1 over "tensor" step 32 of 64>]
m1.parameter @w1 : tensor<4x64x16xf32> from [#m1.source<"a">, #m1.source<"b">, #m1.source<"c">, #m1.source<"d">]
    sharding [#m1.sharding<0 over "expert" unit 1>, #m1.sharding<1 over "tensor" unit 32>]
// CHECK: m1.parameter @w3 : tensor<2x32x16xf32> from [#m1.source<"up"[axis 1, 64 to 128 of 128]>]
m1.parameter @w3 : tensor<4x64x16xf32> from [#m1.source<"up"[axis 1, 64 to 128 of 128]>]
    sharding [#m1.sharding<0 over "expert" unit 1>, #m1.sharding<1 over "tensor" unit 32>]
// CHECK: m1.parameter @w2 : tensor<2x16x32xf32>
m1.parameter @w2 : tensor<4x16x64xf32> from [#m1.source<"down">]
    sharding [#m1.sharding<0 over "expert" unit 1>, #m1.sharding<2 over "tensor" unit 32>]

// CHECK-LABEL: func.func @experts(
func.func @experts(%x: tensor<?x16xf32>, %e: tensor<?x3xi32>, %w: tensor<?x3xf32>) -> tensor<?x16xbf16> {
  %w1 = m1.load_parameter @w1 : tensor<4x64x16xf32>
  %w3 = m1.load_parameter @w3 : tensor<4x64x16xf32>
  %w2 = m1.load_parameter @w2 : tensor<4x16x64xf32>
  // CHECK: %[[P:.*]] = m1.expert_products %{{.*}} shard <"expert", 2 of 4> : (tensor<?x16xf32>, tensor<?x3xi32>, tensor<2x32x16xf32>, tensor<2x32x16xf32>, tensor<2x16x32xf32>) -> tensor<?x48xf32>
  // CHECK-NEXT: %[[T:.*]] = m1.tree_sum %[[P]] over "tensor" groups 3 partials 1
  // CHECK-NEXT: %[[E:.*]] = m1.tree_sum %[[T]] over "expert" groups 3 partials 1
  // CHECK-NEXT: m1.combine_experts %[[E]], %{{.*}} : (tensor<?x48xf32>, tensor<?x3xf32>) -> tensor<?x16xbf16>
  %y = m1.experts %x, %e, %w, %w1, %w3, %w2 leaves 2
      : (tensor<?x16xf32>, tensor<?x3xi32>, tensor<?x3xf32>, tensor<4x64x16xf32>, tensor<4x64x16xf32>, tensor<4x16x64xf32>)
      -> tensor<?x16xbf16>
  return %y : tensor<?x16xbf16>
}
}

// -----

// Experts that return their products, as only training asks for, are computed whole on every rank.
module attributes {m1.mesh = #m1.mesh<tensor = 2>} {
m1.parameter @w1 : tensor<4x64x16xf32> from [#m1.source<"gate">]
m1.parameter @w2 : tensor<4x16x64xf32> from [#m1.source<"down">]
m1.parameter @wx : tensor<16x16xf32> from [#m1.source<"x">] sharding [#m1.sharding<0 over "tensor" unit 8>]

// CHECK-LABEL: func.func @products(
func.func @products(%x: tensor<?x16xf32>, %e: tensor<?x3xi32>, %w: tensor<?x3xf32>) -> (tensor<?x16xf32>, tensor<?x3x64xf32>) {
  %w1 = m1.load_parameter @w1 : tensor<4x64x16xf32>
  %w2 = m1.load_parameter @w2 : tensor<4x16x64xf32>
  %wx = m1.load_parameter @wx : tensor<16x16xf32>
  %0 = m1.linear %x, %wx : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  // CHECK: %[[X:.*]] = m1.all_gather %{{.*}} over "tensor" : (tensor<?x8xf32>) -> tensor<?x16xf32>
  // CHECK-NEXT: m1.experts %[[X]], %{{.*}} -> (tensor<?x16xf32>, tensor<?x3x64xf32>, tensor<?x3x64xf32>)
  %y, %gate, %up = m1.experts %0, %e, %w, %w1, %w1, %w2
      : (tensor<?x16xf32>, tensor<?x3xi32>, tensor<?x3xf32>, tensor<4x64x16xf32>, tensor<4x64x16xf32>, tensor<4x16x64xf32>)
      -> (tensor<?x16xf32>, tensor<?x3x64xf32>, tensor<?x3x64xf32>)
  return %y, %up : tensor<?x16xf32>, tensor<?x3x64xf32>
}
}

// -----

// The vocabulary: rows of the tied embedding, logits that are gathered where they are returned, and the parts of
// log-probabilities elsewhere. Rank 1 has 452 of its 2,048 rows.
module attributes {m1.mesh = #m1.mesh<tensor = 2>} {
// CHECK-LABEL: m1.parameter @e : tensor<2048x16xbf16> from [#m1.source<"e">] slices [#m1.slice<0 over "tensor" step 2048 of 2500>]
m1.parameter @e : tensor<2500x16xbf16> from [#m1.source<"e">] sharding [#m1.sharding<0 over "tensor" unit 1024 short>]

// CHECK-LABEL: func.func @score(
func.func @score(%tokens: tensor<?xi32>, %targets: tensor<?xi32>) -> tensor<?xf32> {
  %t = m1.load_parameter @e : tensor<2500x16xbf16>
  // CHECK: %[[R:.*]] = m1.embedding %{{.*}} shard <"tensor", 2048 of 2500> : (tensor<?xi32>, tensor<2048x16xbf16>) -> tensor<?x16xf32>
  // CHECK-NEXT: %[[X:.*]] = m1.tree_sum %[[R]] over "tensor" partials 1
  %x = m1.embedding %tokens, %t : (tensor<?xi32>, tensor<2500x16xbf16>) -> tensor<?x16xf32>
  // CHECK-NEXT: %[[M:.*]], %[[O:.*]], %[[C:.*]] = m1.log_prob_parts %[[X]], %{{.*}} shard <"tensor", 2048 of 2500> : ({{.*}}) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>)
  // CHECK-NEXT: %[[MS:.*]] = m1.all_gather %[[M]] over "tensor" : (tensor<?x2xf32>) -> tensor<?x3xf32>
  // CHECK-NEXT: %[[OS:.*]] = m1.all_gather %[[O]]
  // CHECK-NEXT: %[[CS:.*]] = m1.all_gather %[[C]]
  // CHECK-NEXT: m1.join_log_prob %[[MS]], %[[OS]], %[[CS]]
  %p = m1.head_log_prob %x, %t, %targets : (tensor<?x16xf32>, tensor<2500x16xbf16>, tensor<?xi32>) -> tensor<?xf32>
  // CHECK-NOT: m1.all_gather
  return %p : tensor<?xf32>
}

// One gather serves both uses.
// CHECK-LABEL: func.func @next(
func.func @next(%x: tensor<?x16xf32>, %targets: tensor<?xi32>) -> (tensor<?x2500xf32>, tensor<?xf32>) {
  %t = m1.load_parameter @e : tensor<2500x16xbf16>
  // CHECK: %[[L:.*]] = m1.linear %{{.*}} -> tensor<?x2048xf32>
  // CHECK-NEXT: %[[G:.*]] = m1.all_gather %[[L]] over "tensor" : (tensor<?x2048xf32>) -> tensor<?x2500xf32>
  %l = m1.linear %x, %t : (tensor<?x16xf32>, tensor<2500x16xbf16>) -> tensor<?x2500xf32>
  // CHECK-NEXT: m1.token_log_prob %[[G]]
  %p = m1.token_log_prob %l, %targets : (tensor<?x2500xf32>, tensor<?xi32>) -> tensor<?xf32>
  // CHECK-NEXT: return %[[G]]
  return %l, %p : tensor<?x2500xf32>, tensor<?xf32>
}
}

// -----

// Ops with other operands than weights, and heads that are needed whole: they are gathered as columns.
module attributes {m1.mesh = #m1.mesh<tensor = 2>} {
m1.parameter @a : tensor<64x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 32>]
// CHECK-LABEL: func.func @heads(
func.func @heads(%x: tensor<?x16xf32>, %y: tensor<?x64xf32>) -> (tensor<?x2x32xf32>, tensor<?x64xf32>) {
  %w = m1.load_parameter @a : tensor<64x16xf32>
  // CHECK: %[[L:.*]] = m1.linear {{.*}} -> tensor<?x32xf32>
  // CHECK-NEXT: %[[G:.*]] = m1.all_gather %[[L]] over "tensor" : (tensor<?x32xf32>) -> tensor<?x64xf32>
  %l = m1.linear %x, %w : (tensor<?x16xf32>, tensor<64x16xf32>) -> tensor<?x64xf32>
  // CHECK-NEXT: %[[H:.*]] = m1.split_heads %[[L]] : (tensor<?x32xf32>) -> tensor<?x1x32xf32>
  // CHECK-NEXT: %[[M:.*]] = m1.merge_heads %[[H]] : (tensor<?x1x32xf32>) -> tensor<?x32xf32>
  // CHECK-NEXT: %[[A:.*]] = m1.all_gather %[[M]] over "tensor" : (tensor<?x32xf32>) -> tensor<?x64xf32>
  // CHECK-NEXT: %[[S:.*]] = m1.split_heads %[[A]] : (tensor<?x64xf32>) -> tensor<?x2x32xf32>
  %h = m1.split_heads %l : (tensor<?x64xf32>) -> tensor<?x2x32xf32>
  // CHECK-NEXT: %[[R:.*]] = m1.silu_mul %[[G]], %{{.*}} : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %r = m1.silu_mul %l, %y : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK-NEXT: return %[[S]], %[[R]]
  return %h, %r : tensor<?x2x32xf32>, tensor<?x64xf32>
}
}

// -----

// One rank, however it is called: nothing changes.
module attributes {m1.mesh = #m1.mesh<tensor = 1, data = 1>} {
// CHECK: m1.parameter @a : tensor<64x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 32>]
m1.parameter @a : tensor<64x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 32>]
}

// -----

// Ranks of `data` have all parameters.
module attributes {m1.mesh = #m1.mesh<data = 4>} {
// CHECK: m1.parameter @a : tensor<64x16xf32> from [#m1.source<"a">]{{$}}
m1.parameter @a : tensor<64x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 32>]
}
