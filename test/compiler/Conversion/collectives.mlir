// Exchanges of ranks. A sum of few rows gathers all partial sums; one of many rows is distributed.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan=gather-bytes=1000 --split-input-file | FileCheck %s

// CHECK: plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {T = 512 : i64, mesh.tensor = 2 : i64}
// CHECK-LABEL: plan.program @gather(
// CHECK: %[[ALL:.*]] = plan.buffer rows T * 3 : memref<?x5xf32>
// CHECK: plan.collective "all_gather" over "tensor" rows T %{{.*}} : memref<?x5xf32> to %[[ALL]] : memref<?x5xf32>
// CHECK-NOT: if <
// CHECK: plan.launch @place_columns_{{.*}} grid [T ceildiv 8, 1, 3] (gathered = %[[ALL]] :
module attributes {m1.mesh = #m1.mesh<data = 1, tensor = 3>} {
  func.func @gather(%x: tensor<?x5xf32>) -> tensor<?x11xf32> {
    %0 = m1.all_gather %x over "tensor" : (tensor<?x5xf32>) -> tensor<?x11xf32>
    return %0 : tensor<?x11xf32>
  }
}

// -----

// A row has (3 - 1) * 3 * 5 * 4 = 120 bytes in one exchange, and 80 / 3 fewer in two: 27 rows make 1000.
// CHECK-LABEL: plan.program @sum(
// CHECK: %[[PADDED:.*]] = plan.buffer rows T + 2 : memref<?x10xf32>
// CHECK: %[[X:.*]] = plan.view %[[PADDED]] at 0 rows T
// CHECK: plan.launch @elementwise{{.*}}result = %[[X]]
// CHECK: %[[SUMS:.*]] = plan.buffer rows T + 2 : memref<?x5xf32>
// CHECK: %[[RESULT:.*]] = plan.view %[[SUMS]] at 0 rows T
// CHECK: %[[ALL:.*]] = plan.buffer : memref<[[ALLROWS:.*]]x10xf32>
// CHECK: plan.view %[[ALL]] at 0 rows T * 3 : memref<[[ALLROWS]]x10xf32>
// CHECK: plan.collective "all_gather" over "tensor" rows T %[[X]] : {{.*}} if <"T" from 0 to [[FIRST:.*]]>
// CHECK: plan.launch @sum_partials_{{.*}} if <"T" from 0 to [[FIRST]]>
// CHECK: %[[OWN:.*]] = plan.buffer rows T + 2 : memref<?x10xf32>
// CHECK: plan.launch @clear_rows_10_f32 grid [2, 1, 1] (result = %[[PADDED]] :
// CHECK: plan.collective "all_to_all" over "tensor" rows T ceildiv 3 %[[PADDED]] : memref<?x10xf32> to %[[OWN]] : memref<?x10xf32> if <"T" from [[FIRST]] to 9223372036854775807>
// CHECK: plan.launch @sum_partials_{{.*}} grid [T ceildiv 24, 1, 1] {{.*}} if <"T" from [[FIRST]] to
// CHECK: plan.collective "all_gather" over "tensor" rows T ceildiv 3 %{{.*}} : memref<171x5xf32> to %[[SUMS]] : memref<?x5xf32> if <"T" from [[FIRST]] to
module attributes {m1.mesh = #m1.mesh<tensor = 3>} {
  func.func @sum(%x: tensor<?x10xf32>) -> tensor<?x5xf32> {
    %0 = m1.silu %x : (tensor<?x10xf32>) -> tensor<?x10xf32>
    %1 = m1.tree_sum %0 over "tensor" partials 2 : (tensor<?x10xf32>) -> tensor<?x5xf32>
    %2 = m1.silu %1 : (tensor<?x5xf32>) -> tensor<?x5xf32>
    return %2 : tensor<?x5xf32>
  }
}

// -----

// An argument has no spare rows: it is copied. Two ranks with one partial sum each gain nothing by a second exchange.
// CHECK-LABEL: plan.program @copied(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x5xf32> {
// CHECK: plan.launch @sum_partials
// CHECK: plan.buffer rows T + 2
// CHECK: %[[COPY:.*]] = plan.buffer rows T + 2 : memref<?x5xf32>
// CHECK-NEXT: %[[ROWS:.*]] = plan.view %[[COPY]] at 0 rows T
// CHECK-NEXT: plan.copy %[[X]] to %[[ROWS]] : memref<?x5xf32> if <"T" from
// CHECK: plan.collective "all_to_all" over "tensor" rows T ceildiv 3 %[[COPY]] :
// CHECK: plan.collective "all_gather" over "expert" rows T
// CHECK-NOT: if <
// CHECK: plan.return
module attributes {m1.mesh = #m1.mesh<tensor = 3, expert = 2>} {
  func.func @copied(%x: tensor<?x5xf32>) -> (tensor<?x5xf32>, tensor<?x5xf32>) {
    %0 = m1.tree_sum %x over "tensor" partials 1 : (tensor<?x5xf32>) -> tensor<?x5xf32>
    %1 = m1.tree_sum %x over "expert" partials 1 : (tensor<?x5xf32>) -> tensor<?x5xf32>
    return %0, %1 : tensor<?x5xf32>, tensor<?x5xf32>
  }
}

// -----

// Slices of parameters: of a whole tensor, of a part of a fused one, along another dimension than the part's, and of a
// stack of experts.
// CHECK-LABEL: plan.program @init()
// CHECK-DAG: plan.parameter "w" slices [#plan.slice<0 over "tensor" step 4 from 0 to 6 of 6 replicas 1>] : memref<4x8xf32>
// CHECK-DAG: plan.parameter "fused" slices [#plan.slice<0 over "tensor" step 32 from 64 to 128 of 128 replicas 1>] : memref<32x8xf32>
// CHECK-DAG: %[[F:.*]] = plan.parameter "fused" slices [#plan.slice<1 over "tensor" step 4 from 0 to 8 of 8 replicas 1>] : memref<128x4xf32>
// CHECK-DAG: plan.view %[[F]] at 256 : memref<128x4xf32> to memref<64x4xf32>
// CHECK-DAG: plan.parameter "e.0" names "expert" ["e.0", "e.2"] : memref<16x8xf32>
// CHECK-DAG: plan.parameter "e.1" names "expert" ["e.1", "e.3"] : memref<16x8xf32>
module attributes {m1.mesh = #m1.mesh<tensor = 2, expert = 2>} {
  m1.parameter @w : tensor<4x8xf32> from [#m1.source<"w">] slices [#m1.slice<0 over "tensor" step 4 of 6>]
  m1.parameter @up : tensor<32x8xf32> from [#m1.source<"fused"[axis 0, 64 to 128 of 128]>]
      slices [#m1.slice<0 over "tensor" step 32 of 64>]
  m1.parameter @inner : tensor<64x4xf32> from [#m1.source<"fused"[axis 0, 64 to 128 of 128]>]
      slices [#m1.slice<1 over "tensor" step 4 of 8>]
  m1.parameter @e : tensor<2x16x8xf32> from [#m1.source<"e.0">, #m1.source<"e.1">, #m1.source<"e.2">, #m1.source<"e.3">]
      slices [#m1.slice<0 over "expert" step 2 of 4>]
  m1.parameter @d : tensor<2x8x16xf32> from [#m1.source<"d.0">, #m1.source<"d.1">, #m1.source<"d.2">, #m1.source<"d.3">]
      slices [#m1.slice<0 over "expert" step 2 of 4>]
  func.func @f(%x: tensor<?x8xf32>, %y: tensor<?x4xf32>, %chosen: tensor<?x2xi32>, %shares: tensor<?x2xf32>)
      -> (tensor<?x4xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>) {
    %w = m1.load_parameter @w : tensor<4x8xf32>
    %0 = m1.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
    %up = m1.load_parameter @up : tensor<32x8xf32>
    %1 = m1.linear %x, %up : (tensor<?x8xf32>, tensor<32x8xf32>) -> tensor<?x32xf32>
    %inner = m1.load_parameter @inner : tensor<64x4xf32>
    %2 = m1.linear %y, %inner : (tensor<?x4xf32>, tensor<64x4xf32>) -> tensor<?x64xf32>
    %e = m1.load_parameter @e : tensor<2x16x8xf32>
    %d = m1.load_parameter @d : tensor<2x8x16xf32>
    %3 = m1.experts %x, %chosen, %shares, %e, %e, %d : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<2x16x8xf32>, tensor<2x16x8xf32>, tensor<2x8x16xf32>) -> tensor<?x8xf32>
    return %0, %1, %2, %3 : tensor<?x4xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>
  }
}
