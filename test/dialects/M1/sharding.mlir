// Meshes, shards and the ops of sharded modules.
// RUN: m1-opt %s | m1-opt | FileCheck %s

// CHECK: module attributes {m1.mesh = #m1.mesh<data = 2, tensor = 4, expert = 1>}
module attributes {m1.mesh = #m1.mesh<data = 2, "tensor" = 4, expert = 1>} {

// CHECK: m1.parameter @seed : tensor<8x64xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "expert" unit 1>, #m1.sharding<1 over "tensor" unit 16 replicable>]
m1.parameter @seed : tensor<8x64xf32> from [#m1.source<"a">]
    sharding [#m1.sharding<0 over "expert" unit 1>, #m1.sharding<1 over "tensor" unit 16 replicable>]

// CHECK: m1.parameter @table : tensor<2500x8xf32> from [#m1.source<"b">] sharding [#m1.sharding<0 over "tensor" unit 1024 short>]
m1.parameter @table : tensor<2500x8xf32> from [#m1.source<"b">] sharding [#m1.sharding<0 over "tensor" unit 1024 short>]

// CHECK: m1.parameter @part : tensor<16x8xf32> from [#m1.source<"c"[axis 0, 64 to 128 of 128]>] slices [#m1.slice<0 over "tensor" step 16 of 64>]
m1.parameter @part : tensor<16x8xf32> from [#m1.source<"c"[axis 0, 64 to 128 of 128]>]
    slices [#m1.slice<0 over "tensor" step 16 of 64 replicas 1>]

// CHECK: m1.parameter @stacked : tensor<1x16x8xf32> from [#m1.source<"d">, #m1.source<"e">] slices [#m1.slice<0 over "expert" step 1 of 2>, #m1.slice<1 over "tensor" step 16 of 32 replicas 2>]
m1.parameter @stacked : tensor<1x16x8xf32> from [#m1.source<"d">, #m1.source<"e">]
    slices [#m1.slice<0 over "expert" step 1 of 2>, #m1.slice<1 over "tensor" step 16 of 32 replicas 2>]

func.func @ops(%tokens: tensor<?xi32>, %table: tensor<1024x8xf32>, %x: tensor<?x8xf32>) -> tensor<?xf32> {
  // CHECK: m1.embedding %{{.*}}, %{{.*}} shard <"tensor", 1024 of 2500> :
  %0 = m1.embedding %tokens, %table shard <"tensor", 1024 of 2500> : (tensor<?xi32>, tensor<1024x8xf32>) -> tensor<?x8xf32>
  // CHECK: m1.tree_sum %{{.*}} over "tensor" partials 2 :
  %1 = m1.tree_sum %0 over "tensor" partials 2 : (tensor<?x8xf32>) -> tensor<?x4xf32>
  // CHECK: m1.all_gather %{{.*}} over "tensor" : (tensor<?x4xf32>) -> tensor<?x15xf32>
  %2 = m1.all_gather %1 over "tensor" : (tensor<?x4xf32>) -> tensor<?x15xf32>
  // CHECK: m1.log_prob_parts %{{.*}}, %{{.*}}, %{{.*}} shard <"tensor", 1024 of 2500> :
  %maxima, %others, %chosen = m1.log_prob_parts %x, %table, %tokens shard <"tensor", 1024 of 2500>
      : (tensor<?x8xf32>, tensor<1024x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  // CHECK: m1.join_log_prob
  %3 = m1.join_log_prob %maxima, %others, %chosen : (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?xf32>
  // CHECK: m1.tree_sum %{{.*}} over "tensor" groups 2 partials 4 :
  %4 = m1.tree_sum %x over "tensor" groups 2 partials 4 : (tensor<?x8xf32>) -> tensor<?x2xf32>
  return %3 : tensor<?xf32>
}

func.func @lightning(%q: tensor<?x1x8xf32>, %state: !m1.lightning_state<1 x 8, chunk = 64, f32>, %positions: tensor<?xi32>,
                     %ends: tensor<?xi32>, %slots: tensor<?xi32>)
    -> (tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>) {
  // CHECK: slopes [5.000000e-01, 2.500000e-01, 1.250000e-01, 1.000000e+00] shard <"tensor", 1 of 4> :
  %0, %1 = m1.lightning_attention %q, %q, %q, %state at (%positions, %ends, %slots) slopes [0.5, 0.25, 0.125, 1.0]
      shard <"tensor", 1 of 4>
      : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>,
         tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>)
  return %0, %1 : tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>
}
}
