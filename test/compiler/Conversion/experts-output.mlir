// Experts and output. Sources are stacked, a range of each matrix of one tensor, or
// whole; each expert's matrix is packed by a launch of its own.
// RUN: m1-opt %s --m1-to-plan="tokens=100 slots=3 length=200" --split-input-file | FileCheck %s

// CHECK: plan.symbols = {T = 100 : i64}
// CHECK: plan.global "weights" @gate.panels16 : memref<1x8x16xf32>
// CHECK: plan.global "weights" @w1.panels32 : memref<2x2x8x32xbf16>
// CHECK: plan.global "weights" @w3.panels32 : memref<2x2x8x32xbf16>
// CHECK: plan.global "weights" @w2.panels32 : memref<2x1x33x32xbf16>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[V0:.*]] = plan.global_ref @gate.panels16 : memref<1x8x16xf32>
// CHECK: %[[V1:.*]] = plan.parameter "gate" : memref<5x8xf32>
// CHECK: plan.launch @pack_5x8_f32_panel16 grid [1, 1, 1] written [false, true](%[[V1]], %[[V0]]
// CHECK: %[[V2:.*]] = plan.global_ref @w1.panels32 : memref<2x2x8x32xbf16>
// CHECK: %[[V3:.*]] = plan.view %[[V2]] at 0 : memref<2x2x8x32xbf16> to memref<2x8x32xbf16>
// CHECK: %[[V4:.*]] = plan.parameter "e.0.w1" : memref<33x8xbf16>
// CHECK: plan.launch @pack_33x8_bf16_panel32 grid [2, 1, 1] written [false, true](%[[V4]], %[[V3]]
// CHECK: %[[V5:.*]] = plan.view %[[V2]] at 512 : memref<2x2x8x32xbf16> to memref<2x8x32xbf16>
// CHECK: %[[V6:.*]] = plan.parameter "e.1.w1" : memref<33x8xbf16>
// CHECK: plan.launch @pack_33x8_bf16_panel32 grid [2, 1, 1] written [false, true](%[[V6]], %[[V5]]
// CHECK: %[[V7:.*]] = plan.global_ref @w3.panels32 : memref<2x2x8x32xbf16>
// CHECK: %[[V8:.*]] = plan.view %[[V7]] at 0 : memref<2x2x8x32xbf16> to memref<2x8x32xbf16>
// CHECK: %[[V9:.*]] = plan.parameter "up" : memref<2x66x8xbf16>
// CHECK: %[[V10:.*]] = plan.view %[[V9]] at 264 : memref<2x66x8xbf16> to memref<33x8xbf16>
// CHECK: plan.launch @pack_33x8_bf16_panel32 grid [2, 1, 1] written [false, true](%[[V10]], %[[V8]]
// CHECK: %[[V11:.*]] = plan.view %[[V7]] at 512 : memref<2x2x8x32xbf16> to memref<2x8x32xbf16>
// CHECK: %[[V12:.*]] = plan.parameter "up" : memref<2x66x8xbf16>
// CHECK: %[[V13:.*]] = plan.view %[[V12]] at 792 : memref<2x66x8xbf16> to memref<33x8xbf16>
// CHECK: plan.launch @pack_33x8_bf16_panel32 grid [2, 1, 1] written [false, true](%[[V13]], %[[V11]]
// CHECK: %[[V14:.*]] = plan.global_ref @w2.panels32 : memref<2x1x33x32xbf16>
// CHECK: %[[V15:.*]] = plan.view %[[V14]] at 0 : memref<2x1x33x32xbf16> to memref<1x33x32xbf16>
// CHECK: %[[V16:.*]] = plan.parameter "down" : memref<2x8x33xbf16>
// CHECK: %[[V17:.*]] = plan.view %[[V16]] at 0 : memref<2x8x33xbf16> to memref<8x33xbf16>
// CHECK: plan.launch @pack_8x33_bf16_panel32 grid [1, 1, 1] written [false, true](%[[V17]], %[[V15]]
// CHECK: %[[V18:.*]] = plan.view %[[V14]] at 1056 : memref<2x1x33x32xbf16> to memref<1x33x32xbf16>
// CHECK: %[[V19:.*]] = plan.parameter "down" : memref<2x8x33xbf16>
// CHECK: %[[V20:.*]] = plan.view %[[V19]] at 264 : memref<2x8x33xbf16> to memref<8x33xbf16>
// CHECK: plan.launch @pack_8x33_bf16_panel32 grid [1, 1, 1] written [false, true](%[[V20]], %[[V18]]
// CHECK-LABEL: plan.program @router(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x8xbf16> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[V0:.*]]: memref<?x2xi32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[V1:.*]]: memref<?x2xf32> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V2:.*]] = plan.global_ref @gate.panels16 : memref<1x8x16xf32>
// CHECK: %[[V3:.*]] = plan.scalar T
// CHECK: plan.launch @router_8_2of5_bf16_f32 grid [T ceildiv 8, 1, 1] written [false, false, true, true, false](%[[ARG0]], %[[V2]], %[[V0]], %[[V1]], %[[V3]]
// CHECK-LABEL: plan.program @experts(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x8xbf16> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[V0:.*]]: memref<?x2xi32> {plan.checks = [#plan.below<2>, #plan.unique], plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[V1:.*]]: memref<?x2xf32> {plan.name = "arg2", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x8xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V4:.*]] = plan.buffer : memref<2x100xi32>
// CHECK: %[[V5:.*]] = plan.buffer : memref<2xi32>
// CHECK: %[[V6:.*]] = plan.scalar T
// CHECK: plan.launch @route_2of2_bound100 grid [2, 1, 1] written [false, true, true, false](%[[V0]], %[[V4]], %[[V5]], %[[V6]]
// CHECK: %[[V7:.*]] = plan.buffer rows T * 2 : memref<?x33xbf16>
// CHECK: %[[V8:.*]] = plan.global_ref @w1.panels32 : memref<2x2x8x32xbf16>
// CHECK: %[[V9:.*]] = plan.global_ref @w3.panels32 : memref<2x2x8x32xbf16>
// CHECK: plan.launch @experts_up_2x8x33_bf16_bf16_bf16_top2_bound100 grid [T ceildiv 64, 1, 2] written [false, false, false, false, false, true](%[[ARG0]], %[[V8]], %[[V9]], %[[V4]], %[[V5]], %[[V7]]
// CHECK: %[[V10:.*]] = plan.buffer rows T * 2 : memref<?x8xf32>
// CHECK: %[[V11:.*]] = plan.global_ref @w2.panels32 : memref<2x1x33x32xbf16>
// CHECK: plan.launch @experts_down_2x33x8_bf16_bf16_bound100 grid [T ceildiv 64, 1, 2] written [false, false, false, false, true](%[[V7]], %[[V11]], %[[V4]], %[[V5]], %[[V10]]
// CHECK: %[[V12:.*]] = plan.view %[[V10]] at 0 rows T : memref<?x8xf32> to memref<?x2x8xf32>
// CHECK: %[[V13:.*]] = plan.scalar T
// CHECK: plan.launch @combine_2x8_f32 grid [T ceildiv 8, 1, 1] written [false, false, true, false](%[[V12]], %[[V1]], %[[ARG1]], %[[V13]]

// Columns past the 5 experts only fill the panel; equals go to the lower index.
// CHECK-LABEL: tile.kernel @router_8_2of5_bf16_f32(
// CHECK: %[[DOT:.*]] = tile.dot
// CHECK: %[[COLUMN:.*]] = tile.iota 1 : vector<8x16xi32>
// CHECK: arith.constant dense<5> : vector<8x16xi32>
// CHECK: %[[REAL:.*]] = arith.cmpi slt, %[[COLUMN]]
// CHECK: arith.select %[[REAL]], %[[DOT]]
// CHECK: %[[P:.*]] = arith.divf
// CHECK: %[[LEFT:.*]] = arith.select %[[REAL]], %[[P]]
// CHECK: %[[BEST:.*]] = vector.multi_reduction <maxnumf>, %[[LEFT]]
// CHECK: %[[IS:.*]] = arith.cmpf oeq, %[[LEFT]]
// CHECK: %[[CANDIDATES:.*]] = arith.select %[[IS]], %[[COLUMN]]
// CHECK: %[[WHERE:.*]] = vector.multi_reduction <minsi>, %[[CANDIDATES]]
// CHECK: %[[SECOND:.*]] = vector.multi_reduction <maxnumf>
// CHECK: %[[TOTAL:.*]] = arith.addf %[[BEST]], %[[SECOND]]
// CHECK: tile.store %[[WHERE]], %arg5
// CHECK: %[[SHARE:.*]] = arith.divf %[[BEST]], %[[TOTAL]]
// CHECK: tile.store %[[SHARE]], %arg6

// CHECK-LABEL: tile.kernel @route_2of2_bound100(
// CHECK: %[[COUNT:.*]] = scf.for %{{.*}} to %arg6
// CHECK-COUNT-2: memref.store %{{.*}}, %arg4[%arg0, %{{.*}}] : memref<2x100xi32>
// CHECK: memref.store %{{.*}}, %arg5[%arg0]

// The hidden row is rounded to x's type; token t's pairs are 2t and 2t + 1.
// CHECK-LABEL: tile.kernel @experts_up_2x8x33_bf16_bf16_bf16_top2_bound100(
// CHECK: %[[PAIRS:.*]] = tile.load %arg6[%arg2, %{{.*}}] dims [1] rows %[[ROWS:.*]] : memref<2x100xi32>, vector<64xi32>
// CHECK: arith.constant dense<2> : vector<64xi32>
// CHECK: %[[TOKENS:.*]] = arith.divui %[[PAIRS]]
// CHECK: %[[X:.*]] = tile.gather %arg3[%[[TOKENS]], %{{.*}}] rows %[[ROWS]]
// CHECK: scf.for
// CHECK: %[[GATE:.*]] = tile.dot %[[X]]
// CHECK: %[[UP:.*]] = tile.dot %[[X]]
// CHECK: %[[SILU:.*]] = arith.mulf %[[GATE]]
// CHECK: %[[HIDDEN:.*]] = arith.mulf %[[SILU]], %[[UP]]
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[HIDDEN]]
// CHECK: tile.scatter %[[ROUNDED]], %arg8[%[[PAIRS]], %{{.*}}] rows %[[ROWS]] cols

// CHECK-LABEL: tile.kernel @experts_down_2x33x8_bf16_bf16_bound100(
// CHECK: %[[PAIRS:.*]] = tile.load %arg5
// CHECK: %[[H:.*]] = tile.gather %arg3[%[[PAIRS]], %{{.*}}] rows %[[ROWS:.*]] : memref<?x33xbf16>, vector<64xi32>, vector<64x33xbf16>
// CHECK: %[[Y:.*]] = tile.dot %[[H]]
// CHECK: tile.scatter %[[Y]], %arg7[%[[PAIRS]], %{{.*}}] rows %[[ROWS]] cols %{{.*}} : vector<64x32xf32>

// CHECK-LABEL: tile.kernel @combine_2x8_f32(
// CHECK: %[[A:.*]] = arith.mulf
// CHECK: %[[B:.*]] = arith.mulf
// CHECK: arith.addf %[[A]], %[[B]]

m1.parameter @gate : tensor<5x8xf32> from [#m1.source<"gate">]
m1.parameter @w1 : tensor<2x33x8xbf16> from [#m1.source<"e.0.w1">, #m1.source<"e.1.w1">]
m1.parameter @w3 : tensor<2x33x8xbf16> from [#m1.source<"up"[axis 1, 33 to 66 of 66]>]
m1.parameter @w2 : tensor<2x8x33xbf16> from [#m1.source<"down">]

func.func @router(%x: tensor<?x8xbf16>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %g = m1.load_parameter @gate : tensor<5x8xf32>
  %e, %p = m1.router %x, %g : (tensor<?x8xbf16>, tensor<5x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  return %e, %p : tensor<?x2xi32>, tensor<?x2xf32>
}

func.func @experts(%x: tensor<?x8xbf16>, %e: tensor<?x2xi32>, %p: tensor<?x2xf32>) -> tensor<?x8xf32> {
  %w1 = m1.load_parameter @w1 : tensor<2x33x8xbf16>
  %w3 = m1.load_parameter @w3 : tensor<2x33x8xbf16>
  %w2 = m1.load_parameter @w2 : tensor<2x8x33xbf16>
  %y = m1.experts %x, %e, %p, %w1, %w3, %w2 : (tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<2x33x8xbf16>, tensor<2x33x8xbf16>, tensor<2x8x33xbf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK: plan.symbols = {T = 100 : i64}
// CHECK: plan.global "weights" @head.panels32 : memref<19x8x32xf32>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[V0:.*]] = plan.global_ref @head.panels32 : memref<19x8x32xf32>
// CHECK: %[[V1:.*]] = plan.parameter "head" : memref<600x8xf32>
// CHECK: plan.launch @pack_600x8_f32_panel32 grid [19, 1, 1] written [false, true](%[[V1]], %[[V0]]
// CHECK-LABEL: plan.program @output(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x8xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x600xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?xi32> {plan.checks = [#plan.below<600>], plan.name = "arg2", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG3:.*]]: memref<?xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG4:.*]]: memref<?xf32> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.global_ref @head.panels32 : memref<19x8x32xf32>
// CHECK: %[[V1:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[V2:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[V3:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[V4:.*]] = plan.scalar T
// CHECK: plan.launch @head_parts_8x600_f32_f32 grid [T ceildiv 64, 2, 1] written [false, false, false, true, true, true, false](%[[ARG0]], %[[V0]], %[[ARG2]], %[[V1]], %[[V2]], %[[V3]], %[[V4]]
// CHECK: plan.launch @log_prob_2 grid [T ceildiv 8, 1, 1] written [false, false, false, true, false](%[[V1]], %[[V2]], %[[V3]], %[[ARG3]], %[[V4]]
// CHECK: %[[V5:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[V6:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[V7:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[V8:.*]] = plan.scalar T
// CHECK: plan.launch @logits_parts_600 grid [T ceildiv 64, 2, 1] written [false, false, true, true, true, false](%[[ARG1]], %[[ARG2]], %[[V5]], %[[V6]], %[[V7]], %[[V8]]
// CHECK: plan.launch @log_prob_2 grid [T ceildiv 8, 1, 1] written [false, false, false, true, false](%[[V5]], %[[V6]], %[[V7]], %[[ARG4]], %[[V8]]

// Columns from 600 on are in the last panel but not in the vocabulary.
// CHECK-LABEL: tile.kernel @head_parts_8x600_f32_f32(
// CHECK: %[[TARGET:.*]] = tile.load %arg5
// CHECK: %[[FINAL:.*]]:3 = scf.for {{.*}} iter_args(%[[M:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}}, %[[C:.*]] = %{{.*}})
// CHECK: %[[DOT:.*]] = tile.dot
// CHECK: arith.constant dense<600> : vector<64x32xi32>
// CHECK: %[[REAL:.*]] = arith.cmpi slt
// CHECK: %[[LOGITS:.*]] = arith.select %[[REAL]], %[[DOT]]
// CHECK: %[[MAX:.*]] = arith.maxnumf %[[M]]
// CHECK: arith.subf %[[M]], %[[MAX]]
// CHECK: %[[IS:.*]] = arith.cmpi eq
// CHECK: arith.select %[[IS]], %[[LOGITS]]
// CHECK: tile.store %[[FINAL]]#0, %arg6[%{{.*}}, %arg1] dims [0] rows
// CHECK: tile.store %[[FINAL]]#1, %arg7
// CHECK: tile.store %[[FINAL]]#2, %arg8
// CHECK-LABEL: tile.kernel @log_prob_2(
// CHECK: %[[MAX:.*]] = vector.multi_reduction <maxnumf>
// CHECK: %[[SUM:.*]] = vector.multi_reduction <add>
// CHECK: %[[CHOSEN:.*]] = vector.multi_reduction <add>
// CHECK: %[[LOG:.*]] = math.log %[[SUM]]
// CHECK: %[[LOGSUM:.*]] = arith.addf %[[MAX]], %[[LOG]]
// CHECK: arith.subf %[[CHOSEN]], %[[LOGSUM]]
// CHECK-LABEL: tile.kernel @logits_parts_600(
// CHECK: tile.load %arg3[%{{.*}}] dims [0, 1] rows %{{.*}} cols %{{.*}} : memref<?x600xf32>, vector<64x32xf32>

m1.parameter @head : tensor<600x8xf32> from [#m1.source<"head">]

func.func @output(%x: tensor<?x8xf32>, %logits: tensor<?x600xf32>, %targets: tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %w = m1.load_parameter @head : tensor<600x8xf32>
  %0 = m1.head_log_prob %x, %w, %targets : (tensor<?x8xf32>, tensor<600x8xf32>, tensor<?xi32>) -> tensor<?xf32>
  %1 = m1.token_log_prob %logits, %targets : (tensor<?x600xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %0, %1 : tensor<?xf32>, tensor<?xf32>
}

// -----

// Each row's search takes the same launches: of 32 bits, two a round, for top_k,
// top_p and the draw, and one round more. Only the first and the last write the
// result.
// CHECK: plan.symbols = {B = 3 : i64}
// CHECK-LABEL: plan.program @sample(
// CHECK-SAME: %[[LOGITS:.*]]: memref<?x97xf32> {plan.name = "arg0", plan.rows = #plan.expr<B>}, %[[T:.*]]: memref<?xf32> {{{.*}}}, %[[P:.*]]: memref<?xf32> {{{.*}}}, %[[K:.*]]: memref<?xi32> {{{.*}}}, %[[S:.*]]: memref<?xi64> {{{.*}}}, %[[Q:.*]]: memref<?xi32> {plan.name = "arg5", {{.*}}}, %[[RESULT:.*]]: memref<?xi32> {plan.drawn, plan.name = "result0", plan.output, plan.rows = #plan.expr<B>})
// CHECK-DAG: %[[MAXIMA:.*]] = plan.buffer rows B : memref<?x1xf32>
// CHECK-DAG: %[[WEIGHTS:.*]] = plan.buffer rows B : memref<?x97xf32>
// CHECK-DAG: %[[SUMS:.*]] = plan.buffer rows B : memref<?x3x1xf64>
// CHECK-DAG: %[[WORDS:.*]] = plan.buffer rows B : memref<?x4xi32>
// CHECK-DAG: %[[NUMBERS:.*]] = plan.buffer rows B : memref<?x6xf64>
// CHECK: plan.launch @sample_maxima_97 grid [B, 1, 1] written [false, true, true, true](%[[LOGITS]], %[[MAXIMA]], %[[WHERE:[^,]*]], %[[BAD:[^,]*]] :
// CHECK: plan.launch @sample_weights_97 {{.*}} written [false, false, false, true, true](%[[LOGITS]], %[[T]], %[[MAXIMA]], %[[WEIGHTS]], %[[MASSES:[^,]*]] :
// CHECK: plan.launch @sample_begin_97 grid [B, {{.*}} written [false, false, false, false, false, false, false, false, false, true, true, true](%[[T]], %[[P]], %[[K]], %[[S]], %[[Q]], %[[MAXIMA]], %[[WHERE]], %[[BAD]], %[[MASSES]], %[[WORDS]], %[[NUMBERS]], %[[RESULT]] :
// CHECK-COUNT-49: plan.launch @sample_count_97 {{.*}} written [false, false, false, true](%[[LOGITS]], %[[WEIGHTS]], %[[WORDS]], %[[SUMS]] :
// CHECK-NOT: plan.launch @sample_count
// CHECK: plan.launch @sample_narrow_97 grid [B, {{.*}} written [false, false, false, true, true](%[[T]], %[[P]], %[[SUMS]], %[[WORDS]], %[[NUMBERS]] :
// CHECK: plan.launch @sample_ties_97 {{.*}} written [false, false, true](%[[LOGITS]], %[[WORDS]], %[[TIES:[^,]*]] :
// CHECK-NEXT: plan.launch @sample_pick_97 {{.*}} written [false, false, false, true](%[[LOGITS]], %[[WORDS]], %[[TIES]], %[[RESULT]] :
// CHECK-NEXT: plan.return

func.func @sample(%l: tensor<?x97xf32> {m1.dim = "B"}, %t: tensor<?xf32> {m1.dim = "B"}, %p: tensor<?xf32> {m1.dim = "B"}, %k: tensor<?xi32> {m1.dim = "B"}, %s: tensor<?xi64> {m1.dim = "B"}, %q: tensor<?xi32> {m1.dim = "B"}) -> (tensor<?xi32> {m1.dim = "B"}) {
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<?x97xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  return %r : tensor<?xi32>
}
