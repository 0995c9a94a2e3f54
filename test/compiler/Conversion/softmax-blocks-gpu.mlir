// A block of 64 positions of the table is two key blocks of 32.
// RUN: m1-opt %s --tile-set-target=name=sm_80 --m1-to-plan="tokens=100 slots=3 length=200 cache-blocks=5" | FileCheck %s
// CHECK: plan.global "state" @pool.keys : memref<5x2x2x8x32xf32> {division = "block"}
// CHECK: plan.global "state" @pool.values : memref<5x2x64x8xf32> {division = "block"}
// CHECK-LABEL: plan.program @blocks(
// CHECK: plan.checks = [#plan.below<5>]
// CHECK: plan.launch @append_
// CHECK-SAME: blocks =
// CHECK: plan.launch @softmax_4x
// CHECK-SAME: blocks =
// CHECK: plan.launch @softmax_split_
// CHECK-SAME: blocks =
// CHECK: plan.launch @softmax_join_
// CHECK-NOT: blocks =
// CHECK: plan.return
// CHECK-LABEL: tile.kernel @softmax_split_{{[0-9a-z_]*}}(
// CHECK-SAME: %blocks: memref<?x4xi32>
// CHECK: scf.for %[[SEGMENT:.*]] = %cell_z to
// CHECK: scf.for %[[NUMBER:.*]] = %{{.*}} iter_args
// CHECK: %[[COLUMN:.*]] = arith.divui %[[NUMBER]], %c2
// CHECK: %[[INNER:.*]] = arith.remui %[[NUMBER]], %c2
// CHECK: %[[ENTRY:.*]] = memref.load %blocks[%cell_x, %[[COLUMN]]]
// CHECK: %[[AT:.*]] = arith.index_cast %[[ENTRY]]
// CHECK: %[[ROW:.*]] = arith.muli %[[INNER]], %c32
// CHECK: tile.load %keys[%[[AT]], %[[GROUP:.*]], %[[INNER]], %{{.*}}, %{{.*}}] dims [3, 4]
// CHECK: tile.load %values[%[[AT]], %[[GROUP]], %[[ROW]], %{{.*}}] dims [2, 3]

m1.state @pool : !m1.kv_cache<2 x 8, f32, block = 64>

func.func @blocks(%q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"},
                  %blocks: tensor<?x4xi32> {m1.dim = "B"}) -> tensor<?x4x8xf32> {
  %s = m1.read_state @pool : !m1.kv_cache<2 x 8, f32, block = 64>
  %o, %n = m1.softmax_attention %q, %k, %k, %s at (%p, %cu, %slots) blocks %blocks scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, !m1.kv_cache<2 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x4xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<2 x 8, f32, block = 64>)
  m1.write_state %n, @pool : !m1.kv_cache<2 x 8, f32, block = 64>
  return %o : tensor<?x4x8xf32>
}
