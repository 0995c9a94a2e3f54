// On GPUs, several thread blocks share the keys of a single query: each takes every
// n-th segment of 128 keys, counted from position 0, and a second kernel combines the
// segments in order. With several queries per sequence, one thread block visits the
// same segments one after the other.
// RUN: m1-opt %s --tile-set-target=name=sm_80 --m1-to-plan="tokens=100 slots=3 length=200" | FileCheck %s
// RUN: m1-opt %s --tile-set-target=name=sm_80 --m1-to-plan="tokens=100 slots=3 length=100000" | FileCheck %s --check-prefix=LONG

// CHECK-LABEL: plan.program @softmax(
// CHECK: plan.launch @softmax_4x8x3x2x7x32x224_f32_scale0p5_segment_keys128 grid [B, 4, T ceildiv 64]
// CHECK: %[[SUMS:.*]] = plan.buffer {{.*}}memref<?x4x2x8xf32>
// CHECK: %[[MAXIMA:.*]] = plan.buffer {{.*}}memref<?x4x2xf32>
// CHECK: %[[POWERS:.*]] = plan.buffer {{.*}}memref<?x4x2xf32>
// CHECK: plan.launch @softmax_split_4x8x3x2x7x32x224x2_f32_cells2_scale0p5_segment_keys128 grid [B, 2, 2]
// CHECK-SAME: sums = %[[SUMS]] : memref<?x4x2x8xf32> written, maxima = %[[MAXIMA]] : memref<?x4x2xf32> written,
// CHECK-SAME: powers = %[[POWERS]] : memref<?x4x2xf32> written)
// CHECK: plan.launch @softmax_join_4x2x8_f32_segment_keys128 grid [B, 4, 1]
// CHECK-SAME: (sums = %[[SUMS]] : memref<?x4x2x8xf32>, maxima = %[[MAXIMA]] : memref<?x4x2xf32>,
// CHECK-SAME: powers = %[[POWERS]] : memref<?x4x2xf32>, {{.*}}, result = %{{[^ ]*}} : memref<?x4x8xf32> written)

// The longest sequence has at most 256 segments, each a whole number of key blocks.
// LONG: plan.launch @softmax_split_{{.*}}_segment_keys416 grid [B, 2, 64]
// LONG: plan.launch @softmax_join_4x241x8_f32_segment_keys416 grid [B, 4, 1]

// Several queries: a loop over segments around a loop over the key blocks of each. The
// result of a segment is combined with that of the segments before it.
// CHECK-LABEL: tile.kernel @softmax_4x8x
// CHECK: %[[SEVERAL:.*]] = arith.cmpi slt, %c1{{.*}}, %{{.*}} : index
// CHECK: %[[MINE:.*]] = arith.andi %{{.*}}, %[[SEVERAL]] : i1
// CHECK: scf.if %[[MINE]]
// CHECK: %[[ALL:.*]]:3 = scf.for {{.*}} iter_args(%[[O:.*]] = %{{.*}}, %[[MAX:.*]] = %{{.*}}, %[[SUM:.*]] = %{{.*}})
// CHECK: %[[PART:.*]]:3 = scf.for
// CHECK: tile.dot
// CHECK: tile.dot
// CHECK: scf.yield
// CHECK: arith.maxnumf %[[MAX]], %[[PART]]#1
// CHECK: arith.mulf %[[O]],
// CHECK: arith.mulf %[[PART]]#0,
// CHECK: scf.yield

// A single query: the rows of the block are the heads that share keys.
// CHECK-LABEL: tile.kernel @softmax_split_
// CHECK: %[[ONE:.*]] = arith.cmpi eq
// CHECK: scf.if %[[ONE]]
// CHECK: tile.load %q[%{{.*}}] dims [1, 2] rows %{{.*}} : memref<?x4x8xf32>, vector<64x8xf32>
// CHECK: scf.for %{{.*}} = %cell_z to
// CHECK: %[[PART:.*]]:3 = scf.for
// CHECK: tile.store %[[PART]]#0, %sums[%{{.*}}] dims [1, 3]
// CHECK: tile.store %[[PART]]#1, %maxima[%{{.*}}] dims [1]
// CHECK: tile.store %[[PART]]#2, %powers[%{{.*}}] dims [1]

// CHECK-LABEL: tile.kernel @softmax_join_
// CHECK: scf.for {{.*}} iter_args
// CHECK: arith.divf

m1.state @s : !m1.kv_cache<2 x 8, f32>

func.func @softmax(%x: tensor<?x32xf32>, %y: tensor<?x2x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"}) -> tensor<?x4x8xf32> {
  %h = m1.split_heads %x : (tensor<?x32xf32>) -> tensor<?x4x8xf32>
  %q = m1.rotary %h, %p theta 1.0e4 dims 6 : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x8xf32>
  %s = m1.read_state @s : !m1.kv_cache<2 x 8, f32>
  %o, %n = m1.softmax_attention %q, %y, %y, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, !m1.kv_cache<2 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x4x8xf32>, !m1.kv_cache<2 x 8, f32>)
  m1.write_state %n, @s : !m1.kv_cache<2 x 8, f32>
  return %o : tensor<?x4x8xf32>
}
