// On GPUs, single tokens share out the keys: in segments of 128, anchored at
// absolute positions, that thread blocks take in turn and another kernel joins
// in order. Longer runs of tokens sum the same segments one after the other.
// RUN: m1-opt %s --m1-to-plan="tokens=100 slots=3 length=200 gpu" | FileCheck %s
// RUN: m1-opt %s --m1-to-plan="tokens=100 slots=3 length=100000 gpu" | FileCheck %s --check-prefix=LONG

// CHECK-LABEL: plan.program @softmax(
// CHECK: plan.launch @softmax_4of2x8_f32_f32_f32
// CHECK: %[[SUMS:.*]] = plan.buffer {{.*}}memref<?x4x2x8xf32>
// CHECK: %[[MAXIMA:.*]] = plan.buffer {{.*}}memref<?x4x2xf32>
// CHECK: %[[POWERS:.*]] = plan.buffer {{.*}}memref<?x4x2xf32>
// CHECK: plan.launch @softmax_split128_4of2x8_f32_f32_slots3_length224_scale0p5 grid [B, 2, 2] written [false, false, false, false, false, false, true, true, true]({{.*}}, %[[SUMS]], %[[MAXIMA]], %[[POWERS]] :
// CHECK: plan.launch @softmax_join128_4x8of2_f32 grid [B, 4, 1] written [false, false, false, false, false, false, true](%[[SUMS]], %[[MAXIMA]], %[[POWERS]],

// Segments of the longest sequence are at most 256, and whole key blocks.
// LONG: plan.launch @softmax_split416_{{.*}} grid [B, 2, 64]
// LONG: plan.launch @softmax_join416_4x8of241_f32

// Several tokens: segments, in each its key blocks, then the two are joined.
// CHECK-LABEL: tile.kernel @softmax_4of2x8
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

// One token: its rows are the heads that share keys.
// CHECK-LABEL: tile.kernel @softmax_split128
// CHECK: %[[ONE:.*]] = arith.cmpi eq
// CHECK: scf.if %[[ONE]]
// CHECK: tile.load %{{.*}} dims [1, 2] rows %{{.*}} : memref<?x4x8xf32>, vector<64x8xf32>
// CHECK: scf.for %{{.*}} = %arg2 to
// CHECK: %[[PART:.*]]:3 = scf.for
// CHECK: tile.store %[[PART]]#0, %{{.*}} dims [1, 3]
// CHECK: tile.store %[[PART]]#1, %{{.*}} dims [1]
// CHECK: tile.store %[[PART]]#2, %{{.*}} dims [1]

// CHECK-LABEL: tile.kernel @softmax_join128
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
