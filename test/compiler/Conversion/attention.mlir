// Attention: q, k and v are views of the projection. Each part of a state is a global
// with one entry per slot of the plan, the decay slopes are a constant global, and a
// result that is a view of its buffer is copied to the output.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan="tokens=100 slots=3 length=200" --split-input-file | FileCheck %s

// CHECK: plan.symbols = {B = 3 : i64, T = 100 : i64}
// CHECK: plan.global "state" @s.keys : memref<3x2x1x8x16xbf16>
// CHECK: plan.global "state" @s.values : memref<3x2x16x8xbf16>
// CHECK: plan.global "state" @s.state : memref<3x2x8x8xf32>
// CHECK: plan.global "state" @s.image : memref<3x2x8x8xbf16>
// CHECK: plan.global "constant" @constant_1 : memref<2xf32> = dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32>
// CHECK-NOT: plan.program @init(
// CHECK-LABEL: plan.program @lightning(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x48xbf16> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?xi32> {plan.checks = [#plan.below<2147483648>, #plan.consecutive<2>], plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?xi32> {plan.checks = [#plan.offsets<T>], plan.name = "arg2", plan.rows = #plan.expr<B + 1>}
// CHECK-SAME: %[[ARG3:.*]]: memref<?xi32> {plan.checks = [#plan.below<3>, #plan.unique], plan.name = "arg3", plan.rows = #plan.expr<B>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x16xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[Q:.*]] = plan.view %[[ARG0]] at 0 : memref<?x48xbf16> to memref<?x2x8xbf16, strided<[48, 24, 1]>>
// CHECK: %[[K:.*]] = plan.view %[[ARG0]] at 8 : memref<?x48xbf16> to memref<?x2x8xbf16, strided<[48, 24, 1]>>
// CHECK: %[[V:.*]] = plan.view %[[ARG0]] at 16 : memref<?x48xbf16> to memref<?x2x8xbf16, strided<[48, 24, 1]>>
// CHECK: %[[KEYS:.*]] = plan.global_ref @s.keys : memref<3x2x1x8x16xbf16>
// CHECK: %[[VALUES:.*]] = plan.global_ref @s.values : memref<3x2x16x8xbf16>
// CHECK: %[[STATE:.*]] = plan.global_ref @s.state : memref<3x2x8x8xf32>
// CHECK: %[[IMAGE:.*]] = plan.global_ref @s.image : memref<3x2x8x8xbf16>
// CHECK: %[[RESULT:.*]] = plan.buffer rows T : memref<?x2x8xf32>
// CHECK: %[[SLOPES:.*]] = plan.global_ref @constant_1 : memref<2xf32>
// CHECK: plan.launch @lightning_2x8x3x1x16_bf16_f32 grid [B, 2, 1]
// CHECK-SAME: (q = %[[Q]] : memref<?x2x8xbf16, strided<[48, 24, 1]>>, k = %[[K]] : memref<?x2x8xbf16, strided<[48, 24, 1]>>,
// CHECK-SAME: v = %[[V]] : memref<?x2x8xbf16, strided<[48, 24, 1]>>, keys = %[[KEYS]] : memref<3x2x1x8x16xbf16> written,
// CHECK-SAME: values = %[[VALUES]] : memref<3x2x16x8xbf16> written, state = %[[STATE]] : memref<3x2x8x8xf32> written,
// CHECK-SAME: image = %[[IMAGE]] : memref<3x2x8x8xbf16> written, slopes = %[[SLOPES]] : memref<2xf32>,
// CHECK-SAME: positions = %[[ARG1]] : memref<?xi32>, cu_seqlens = %[[ARG2]] : memref<?xi32>,
// CHECK-SAME: slots = %[[ARG3]] : memref<?xi32>, result = %[[RESULT]] : memref<?x2x8xf32> written)
// CHECK: %[[VALUE:.*]] = plan.view %[[RESULT]] at 0 : memref<?x2x8xf32> to memref<?x16xf32>
// CHECK: plan.copy %[[VALUE]] to %[[RESULT0]] : memref<?x16xf32>

// New tokens are appended to the open chunk before it is read. q S is computed with
// the bf16 image of the state. If the open chunk gets full, a loop over the following
// chunks carries the state, and the final state and its image are stored once. The
// tokens after the last full chunk are stored as the new open chunk.
// CHECK-LABEL: tile.kernel @lightning_2x8x3x1x16_bf16_f32
// CHECK-SAME: %keys: memref<3x2x1x8x16xbf16>, %values: memref<3x2x16x8xbf16>, %state: memref<3x2x8x8xf32>, %image: memref<3x2x8x8xbf16>
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[CHUNK:.*]], %{{.*}} : index
// CHECK: %[[K:.*]] = tile.load %k[%[[TOKEN:.*]], %cell_y, %{{.*}}] dims [0, 2] rows %[[NEW:.*]] : {{.*}}, vector<16x8xbf16>
// CHECK: %[[KT:.*]] = vector.transpose %[[K]], [1, 0]
// CHECK: tile.store %[[KT]], %keys[%[[SLOT:.*]], %cell_y, %cell_z, %{{.*}}, %[[R0:.*]]] dims [3, 4] cols %[[NEW]]
// CHECK: tile.store %{{.*}}, %values[%[[SLOT]], %cell_y, %[[R0]], %[[COLUMN:.*]]] dims [2, 3] rows %[[NEW]]
// CHECK: %[[Q:.*]] = tile.load %q
// CHECK: %[[INTER:.*]] = scf.if %[[FIRST]] -> (vector<16x8xf32>)
// CHECK: %[[IMAGE:.*]] = tile.load %image
// CHECK: tile.dot %[[Q]], %[[IMAGE]]
// CHECK: %[[KEYS:.*]] = tile.load %keys[%[[SLOT]], %cell_y, %cell_z, %{{.*}}, %{{.*}}] dims [3, 4] : {{.*}}, vector<8x16xbf16>
// CHECK: %[[VALUES:.*]] = tile.load %values[%[[SLOT]], %cell_y, %{{.*}}, %[[COLUMN]]] dims [2, 3] rows %[[R1:.*]] : {{.*}}, vector<16x8xbf16>
// CHECK: %[[SCORES:.*]] = tile.dot %[[Q]], %[[KEYS]], %{{.*}} : vector<16x8xbf16>, vector<8x16xbf16>, vector<16x16xf32>
// CHECK: %[[SEEN:.*]] = arith.cmpi sge
// CHECK: %[[DECAYED:.*]] = arith.mulf %[[SCORES]]
// CHECK: %[[P:.*]] = arith.select %[[SEEN]], %[[DECAYED]]
// CHECK: %[[O:.*]] = tile.dot %[[P]], %[[VALUES]], %[[INTER]]
// CHECK: tile.store %[[O]], %result[%[[TOKEN]], %cell_y, %[[COLUMN]]] dims [0, 2] rows %[[NEW]]
// CHECK: arith.cmpi eq, %[[R1]]
// CHECK: %[[KEPT:.*]] = arith.select %[[FIRST]]
// CHECK: %[[OLD:.*]] = tile.load %state[%[[SLOT]], %cell_y, %{{.*}}, %[[COLUMN]]] dims [2, 3] rows %[[KEPT]]
// CHECK: %[[ACC:.*]] = arith.mulf %[[OLD]]
// CHECK: %[[CLOSED:.*]] = tile.dot %{{.*}}, %{{.*}}, %[[ACC]]
// CHECK: %[[WALKED:.*]] = scf.for {{.*}} iter_args(%[[S:.*]] = %[[CLOSED]]) -> (vector<8x8xf32>)
// CHECK: %[[KS:.*]] = vector.transpose
// CHECK: %[[PREV:.*]] = arith.truncf %[[S]] : vector<8x8xf32> to vector<8x8xbf16>
// CHECK: tile.dot %[[QS:.*]], %[[PREV]]
// CHECK: tile.dot %[[QS]], %[[KS]]
// CHECK: tile.store %{{.*}}, %result
// CHECK: scf.if
// CHECK: %[[WHOLE:.*]] = arith.mulf %[[S]]
// CHECK: tile.dot %{{.*}}, %{{.*}}, %[[WHOLE]]
// CHECK: } else {
// CHECK: tile.store %{{.*}}, %keys
// CHECK: tile.store %{{.*}}, %values
// CHECK: scf.yield %[[S]]
// CHECK: tile.store %[[WALKED]], %state
// CHECK: tile.store %{{.*}}, %image[%[[SLOT]], {{.*}} vector<8x8xbf16>

m1.state @s : !m1.lightning_state<2 x 8, chunk = 16, bf16>

func.func @lightning(%x: tensor<?x48xbf16>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"}) -> tensor<?x16xf32> {
  %q, %k, %v = m1.split_qkv %x : (tensor<?x48xbf16>) -> (tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16>)
  %s = m1.read_state @s : !m1.lightning_state<2 x 8, chunk = 16, bf16>
  %o, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25]
    : (tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, !m1.lightning_state<2 x 8, chunk = 16, bf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x2x8xf32>, !m1.lightning_state<2 x 8, chunk = 16, bf16>)
  m1.write_state %n, @s : !m1.lightning_state<2 x 8, chunk = 16, bf16>
  %m = m1.merge_heads %o : (tensor<?x2x8xf32>) -> tensor<?x16xf32>
  return %m : tensor<?x16xf32>
}

// -----

// CHECK: plan.symbols = {B = 3 : i64, T = 100 : i64}
// CHECK: plan.global "state" @s.keys : memref<3x2x4x8x64xf32>
// CHECK: plan.global "state" @s.values : memref<3x2x256x8xf32>
// CHECK-LABEL: plan.program @softmax(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x32xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x2x8xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?xi32> {plan.checks = [#plan.below<200>, #plan.consecutive<3>], plan.name = "arg2", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG3:.*]]: memref<?xi32> {plan.checks = [#plan.offsets<T>], plan.name = "arg3", plan.rows = #plan.expr<B + 1>}
// CHECK-SAME: %[[ARG4:.*]]: memref<?xi32> {plan.checks = [#plan.below<3>, #plan.unique], plan.name = "arg4", plan.rows = #plan.expr<B>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x4x8xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[X:.*]] = plan.view %[[ARG0]] at 0 : memref<?x32xf32> to memref<?x4x8xf32>
// CHECK: %[[RESULT:.*]] = plan.buffer rows T : memref<?x4x8xf32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @rotary_4x8_f32_dims6_theta10000 grid [T ceildiv 8, 4, 1]
// CHECK-SAME: (x = %[[X]] : memref<?x4x8xf32>, positions = %[[ARG2]] : memref<?xi32>,
// CHECK-SAME: result = %[[RESULT]] : memref<?x4x8xf32> written, rows = %[[ROWS]] : index)
// CHECK: %[[KEYS:.*]] = plan.global_ref @s.keys : memref<3x2x4x8x64xf32>
// CHECK: %[[VALUES:.*]] = plan.global_ref @s.values : memref<3x2x256x8xf32>
// CHECK: plan.launch @append_2x8x3x4x64x256_f32 grid [B, 2, (T + 64) ceildiv 64]
// CHECK-SAME: (k = %[[ARG1]] : memref<?x2x8xf32>, v = %[[ARG1]] : memref<?x2x8xf32>,
// CHECK-SAME: keys = %[[KEYS]] : memref<3x2x4x8x64xf32> written, values = %[[VALUES]] : memref<3x2x256x8xf32> written,
// CHECK-SAME: positions = %[[ARG2]] : memref<?xi32>, cu_seqlens = %[[ARG3]] : memref<?xi32>,
// CHECK-SAME: slots = %[[ARG4]] : memref<?xi32>)
// CHECK: plan.launch @softmax_4x8x3x2x4x64x256_f32_scale0p5_segment_keys0 grid [B, 4, T ceildiv 64]
// CHECK-SAME: (q = %[[RESULT]] : memref<?x4x8xf32>, keys = %[[KEYS]] : memref<3x2x4x8x64xf32>,
// CHECK-SAME: values = %[[VALUES]] : memref<3x2x256x8xf32>, positions = %[[ARG2]] : memref<?xi32>,
// CHECK-SAME: cu_seqlens = %[[ARG3]] : memref<?xi32>, slots = %[[ARG4]] : memref<?xi32>,
// CHECK-SAME: result = %[[RESULT0]] : memref<?x4x8xf32> written)

// Angles are computed and reduced in f64; the last two components are copied.
// CHECK-LABEL: tile.kernel @rotary_4x8_f32_dims6_theta10000(
// CHECK: arith.constant dense<[1.000000e+00, 0.046415{{[0-9]*}}, 0.002154{{[0-9]*}}]> : vector<3xf64>
// CHECK: %[[TURNS:.*]] = math.roundeven %{{.*}} : vector<8x3xf64>
// CHECK: %[[ANGLE:.*]] = arith.truncf %{{.*}} : vector<8x3xf64> to vector<8x3xf32>
// CHECK: %[[COS:.*]] = math.cos %[[ANGLE]]
// CHECK: %[[SIN:.*]] = math.sin %[[ANGLE]]
// CHECK: %[[A:.*]] = arith.mulf %{{.*}}, %[[COS]]
// CHECK: %[[B:.*]] = arith.mulf %{{.*}}, %[[SIN]]
// CHECK: arith.subf %[[A]], %[[B]]
// CHECK: arith.addf
// CHECK: %[[REST:.*]] = tile.load {{.*}} vector<8x2xf32>
// CHECK: tile.store %[[REST]], %result

// CHECK-LABEL: tile.kernel @append_2x8x3x4x64x256_f32(
// CHECK: %[[K:.*]] = tile.load %k[%[[TOKEN:.*]], %cell_y, %{{.*}}] dims [0, 2] rows %[[ROWS:.*]] : memref<?x2x8xf32>, vector<64x8xf32>
// CHECK: %[[KT:.*]] = vector.transpose %[[K]], [1, 0]
// CHECK: tile.store %[[KT]], %keys[%[[SLOT:.*]], %cell_y, %[[BLOCK:.*]], %{{.*}}, %[[R0:.*]]] dims [3, 4] cols %[[ROWS]]
// CHECK: %[[V:.*]] = tile.load %v[%[[TOKEN]], %cell_y, %{{.*}}] dims [0, 2] rows %[[ROWS]]
// CHECK: tile.store %[[V]], %values[%[[SLOT]], %cell_y, %{{.*}}, %{{.*}}] dims [2, 3] rows %[[ROWS]]

// Query heads 2 and 3 read key/value head 1. The running maximum starts at a finite
// number whose exponential is 0.
// CHECK-LABEL: tile.kernel @softmax_4x8x3x2x4x64x256_f32_scale0p5_segment_keys0(
// CHECK: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: %[[GROUP:.*]] = arith.divui %cell_y, %[[TWO]]
// CHECK: %[[Q:.*]] = tile.load %q
// CHECK: arith.constant dense<-1.000000e+30> : vector<64xf32>
// CHECK: %[[FINAL:.*]]:3 = scf.for %[[BLOCK:.*]] = {{.*}} iter_args(%[[O:.*]] = %{{.*}}, %[[M:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}})
// CHECK: %[[KT:.*]] = tile.load %keys[%[[SLOT:.*]], %[[GROUP]], %[[BLOCK]], %{{.*}}, %{{.*}}] dims [3, 4]
// CHECK: %[[V:.*]] = tile.load %values[%[[SLOT]], %[[GROUP]], %{{.*}}, %{{.*}}] dims [2, 3] rows %{{.*}}
// CHECK: tile.dot %[[Q]], %[[KT]]
// CHECK: arith.constant dense<5.000000e-01>
// CHECK: %[[SEEN:.*]] = arith.cmpi sge
// CHECK: %[[MASKED:.*]] = arith.select %[[SEEN]]
// CHECK: %[[ROWMAX:.*]] = vector.multi_reduction <maxnumf>, %[[MASKED]]
// CHECK: %[[MAX:.*]] = arith.maxnumf %[[M]], %[[ROWMAX]]
// CHECK: %[[P:.*]] = math.exp
// CHECK: %[[LESS:.*]] = arith.subf %[[M]], %[[MAX]]
// CHECK: %[[SHRINK:.*]] = math.exp %[[LESS]]
// CHECK: %[[OLD:.*]] = arith.mulf %[[S]], %[[SHRINK]]
// CHECK: %[[SUM:.*]] = arith.addf %[[OLD]]
// CHECK: %[[ACC:.*]] = arith.mulf %[[O]]
// CHECK: %[[NEXT:.*]] = tile.dot %[[P]], %[[V]], %[[ACC]]
// CHECK: scf.yield %[[NEXT]], %[[MAX]], %[[SUM]]
// CHECK: arith.divf %{{.*}}, %[[FINAL]]#2

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

// -----

// With blocks of 64 positions, a key block is a block of the table, whose number of columns is that of the longest
// sequence's blocks. Nothing of a key block's address depends on the slot.
// CHECK: plan.block_positions = 64 : i64, plan.cache_blocks = 12 : i64
// CHECK: plan.global "state" @pool.keys : memref<12x2x1x8x64xf32> {division = "block"}
// CHECK: plan.global "state" @pool.values : memref<12x2x64x8xf32> {division = "block"}
// CHECK-LABEL: plan.program @blocks(
// CHECK-SAME: %[[BLOCKS:[a-z0-9]*]]: memref<?x4xi32> {plan.checks = [#plan.below<12>], plan.name = "blocks", plan.rows = #plan.expr<B>}
// CHECK: plan.launch @append_{{.*}} grid [B, 2, (T + 64) ceildiv 64]
// CHECK-SAME: blocks = %[[BLOCKS]] : memref<?x4xi32>
// CHECK: plan.launch @softmax_{{.*}} grid [B, 4, T ceildiv 64]
// CHECK-SAME: blocks = %[[BLOCKS]] : memref<?x4xi32>
// CHECK-LABEL: tile.kernel @append_
// CHECK: %[[NUMBER:.*]] = memref.load %blocks[%cell_x, %[[COLUMN:.*]]] : memref<?x4xi32>
// CHECK: %[[AT:.*]] = arith.index_cast %[[NUMBER]]
// CHECK: tile.store %{{.*}}, %keys[%[[AT]], %cell_y, %[[ZERO:[^,]*]], %{{.*}}, %{{.*}}] dims [3, 4]
// CHECK: tile.store %{{.*}}, %values[%[[AT]], %cell_y, %{{.*}}, %{{.*}}] dims [2, 3]
// CHECK-LABEL: tile.kernel @softmax_
// CHECK: scf.for %[[COLUMN:.*]] = %{{.*}} iter_args
// CHECK: %[[NUMBER:.*]] = memref.load %blocks[%cell_x, %[[COLUMN]]] : memref<?x4xi32>
// CHECK: %[[AT:.*]] = arith.index_cast %[[NUMBER]]
// CHECK: tile.load %keys[%[[AT]], %[[GROUP:.*]], %{{.*}}, %{{.*}}, %{{.*}}] dims [3, 4]
// CHECK: tile.load %values[%[[AT]], %[[GROUP]], %{{.*}}, %{{.*}}] dims [2, 3]

m1.state @pool : !m1.kv_cache<2 x 8, f32, block = 64>

func.func @blocks(%q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"},
                  %blocks: tensor<?x4xi32> {m1.dim = "B", m1.name = "blocks"}) -> tensor<?x4x8xf32> {
  %s = m1.read_state @pool : !m1.kv_cache<2 x 8, f32, block = 64>
  %o, %n = m1.softmax_attention %q, %k, %k, %s at (%p, %cu, %slots) blocks %blocks scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, !m1.kv_cache<2 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x4xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<2 x 8, f32, block = 64>)
  m1.write_state %n, @pool : !m1.kv_cache<2 x 8, f32, block = 64>
  return %o : tensor<?x4x8xf32>
}
