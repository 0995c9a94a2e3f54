// Experts and output. The sources of the experts' weights are one tensor per expert
// (w1), a slice of every expert's matrix in one tensor (w3), or one whole tensor (w2).
// One launch packs one expert's matrix.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan="tokens=100 slots=3 length=200" --split-input-file | FileCheck %s

// CHECK: plan.symbols = {T = 100 : i64}
// CHECK: plan.global "weights" @gate.panels16 : memref<1x8x16xf32>
// CHECK: plan.global "weights" @w1.panels32 : memref<2x2x8x32xbf16>
// CHECK: plan.global "weights" @w3.panels32 : memref<2x2x8x32xbf16>
// CHECK: plan.global "weights" @w2.panels32 : memref<2x1x33x32xbf16>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[PACKED:.*]] = plan.global_ref @gate.panels16 : memref<1x8x16xf32>
// CHECK: %[[SOURCE:.*]] = plan.parameter "gate" : memref<5x8xf32>
// CHECK: plan.launch @pack_5x8_f32 grid [1, 1, 1]
// CHECK-SAME: (source = %[[SOURCE]] : memref<5x8xf32>, packed = %[[PACKED]] : memref<1x8x16xf32> written)
// CHECK: %[[MEMORY:.*]] = plan.global_ref @w1.panels32 : memref<2x2x8x32xbf16>
// CHECK: %[[PACKED_2:.*]] = plan.view %[[MEMORY]] at 0 : memref<2x2x8x32xbf16> to memref<2x8x32xbf16>
// CHECK: %[[SOURCE_2:.*]] = plan.parameter "e.0.w1" : memref<33x8xbf16>
// CHECK: plan.launch @pack_33x8_bf16 grid [2, 1, 1]
// CHECK-SAME: (source = %[[SOURCE_2]] : memref<33x8xbf16>, packed = %[[PACKED_2]] : memref<2x8x32xbf16> written)
// CHECK: %[[PACKED_3:.*]] = plan.view %[[MEMORY]] at 512 : memref<2x2x8x32xbf16> to memref<2x8x32xbf16>
// CHECK: %[[SOURCE_3:.*]] = plan.parameter "e.1.w1" : memref<33x8xbf16>
// CHECK: plan.launch @pack_33x8_bf16 grid [2, 1, 1]
// CHECK-SAME: (source = %[[SOURCE_3]] : memref<33x8xbf16>, packed = %[[PACKED_3]] : memref<2x8x32xbf16> written)
// CHECK: %[[MEMORY_2:.*]] = plan.global_ref @w3.panels32 : memref<2x2x8x32xbf16>
// CHECK: %[[PACKED_4:.*]] = plan.view %[[MEMORY_2]] at 0 : memref<2x2x8x32xbf16> to memref<2x8x32xbf16>
// CHECK: %[[WHOLE:.*]] = plan.parameter "up" : memref<2x66x8xbf16>
// CHECK: %[[SOURCE_4:.*]] = plan.view %[[WHOLE]] at 264 : memref<2x66x8xbf16> to memref<33x8xbf16>
// CHECK: plan.launch @pack_33x8_bf16 grid [2, 1, 1]
// CHECK-SAME: (source = %[[SOURCE_4]] : memref<33x8xbf16>, packed = %[[PACKED_4]] : memref<2x8x32xbf16> written)
// CHECK: %[[PACKED_5:.*]] = plan.view %[[MEMORY_2]] at 512 : memref<2x2x8x32xbf16> to memref<2x8x32xbf16>
// CHECK: %[[WHOLE_2:.*]] = plan.parameter "up" : memref<2x66x8xbf16>
// CHECK: %[[SOURCE_5:.*]] = plan.view %[[WHOLE_2]] at 792 : memref<2x66x8xbf16> to memref<33x8xbf16>
// CHECK: plan.launch @pack_33x8_bf16 grid [2, 1, 1]
// CHECK-SAME: (source = %[[SOURCE_5]] : memref<33x8xbf16>, packed = %[[PACKED_5]] : memref<2x8x32xbf16> written)
// CHECK: %[[MEMORY_3:.*]] = plan.global_ref @w2.panels32 : memref<2x1x33x32xbf16>
// CHECK: %[[PACKED_6:.*]] = plan.view %[[MEMORY_3]] at 0 : memref<2x1x33x32xbf16> to memref<1x33x32xbf16>
// CHECK: %[[WHOLE_3:.*]] = plan.parameter "down" : memref<2x8x33xbf16>
// CHECK: %[[SOURCE_6:.*]] = plan.view %[[WHOLE_3]] at 0 : memref<2x8x33xbf16> to memref<8x33xbf16>
// CHECK: plan.launch @pack_8x33_bf16 grid [1, 1, 1]
// CHECK-SAME: (source = %[[SOURCE_6]] : memref<8x33xbf16>, packed = %[[PACKED_6]] : memref<1x33x32xbf16> written)
// CHECK: %[[PACKED_7:.*]] = plan.view %[[MEMORY_3]] at 1056 : memref<2x1x33x32xbf16> to memref<1x33x32xbf16>
// CHECK: %[[WHOLE_4:.*]] = plan.parameter "down" : memref<2x8x33xbf16>
// CHECK: %[[SOURCE_7:.*]] = plan.view %[[WHOLE_4]] at 264 : memref<2x8x33xbf16> to memref<8x33xbf16>
// CHECK: plan.launch @pack_8x33_bf16 grid [1, 1, 1]
// CHECK-SAME: (source = %[[SOURCE_7]] : memref<8x33xbf16>, packed = %[[PACKED_7]] : memref<1x33x32xbf16> written)
// CHECK-LABEL: plan.program @router(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x8xbf16> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x2xi32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT1:.*]]: memref<?x2xf32> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.global_ref @gate.panels16 : memref<1x8x16xf32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @router_8x2_bf16_f32_expert_count5 grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x8xbf16>, weight = %[[WEIGHT]] : memref<1x8x16xf32>,
// CHECK-SAME: experts = %[[RESULT0]] : memref<?x2xi32> written, weights = %[[RESULT1]] : memref<?x2xf32> written,
// CHECK-SAME: rows = %[[ROWS]] : index)
// CHECK-LABEL: plan.program @experts(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x8xbf16> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x2xi32> {plan.checks = [#plan.below<2>, #plan.unique], plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?x2xf32> {plan.name = "arg2", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x8xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[OUTPUTS:.*]] = plan.buffer rows T * 2 : memref<?x8xf32>
// CHECK: %[[W1:.*]] = plan.global_ref @w1.panels32 : memref<2x2x8x32xbf16>
// CHECK: %[[W3:.*]] = plan.global_ref @w3.panels32 : memref<2x2x8x32xbf16>
// CHECK: %[[W2:.*]] = plan.global_ref @w2.panels32 : memref<2x1x33x32xbf16>
// CHECK: %[[PAIRS:.*]] = plan.buffer : memref<2x100xi32>
// CHECK: %[[COUNTS:.*]] = plan.buffer : memref<2xi32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @route_2x2x100 grid [2, 1, 1]
// CHECK-SAME: (experts = %[[ARG1]] : memref<?x2xi32>, pairs = %[[PAIRS]] : memref<2x100xi32> written,
// CHECK-SAME: counts = %[[COUNTS]] : memref<2xi32> written, rows = %[[ROWS]] : index)
// CHECK: %[[HIDDEN:.*]] = plan.buffer rows T * 2 : memref<?x33xbf16>
// CHECK: plan.launch @experts_up_8x2x100x33_bf16_choices2 grid [T ceildiv 64, 1, 2]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x8xbf16>, w1 = %[[W1]] : memref<2x2x8x32xbf16>, w3 = %[[W3]] : memref<2x2x8x32xbf16>,
// CHECK-SAME: pairs = %[[PAIRS]] : memref<2x100xi32>, counts = %[[COUNTS]] : memref<2xi32>,
// CHECK-SAME: hidden = %[[HIDDEN]] : memref<?x33xbf16> written)
// CHECK: plan.launch @experts_down_33x2x100x8_bf16_f32 grid [T ceildiv 64, 1, 2]
// CHECK-SAME: (hidden = %[[HIDDEN]] : memref<?x33xbf16>, w2 = %[[W2]] : memref<2x1x33x32xbf16>,
// CHECK-SAME: pairs = %[[PAIRS]] : memref<2x100xi32>, counts = %[[COUNTS]] : memref<2xi32>,
// CHECK-SAME: outputs = %[[OUTPUTS]] : memref<?x8xf32> written)
// CHECK: %[[OUTPUTS_2:.*]] = plan.view %[[OUTPUTS]] at 0 rows T : memref<?x8xf32> to memref<?x2x8xf32>
// CHECK: %[[ALL:.*]] = plan.scalar T
// CHECK: plan.launch @combine_2x8_f32 grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (outputs = %[[OUTPUTS_2]] : memref<?x2x8xf32>, weights = %[[ARG2]] : memref<?x2xf32>,
// CHECK-SAME: result = %[[RESULT0]] : memref<?x8xf32> written, rows = %[[ALL]] : index)

// Columns past the 5 experts only fill the panel; equals go to the lower index.
// CHECK-LABEL: tile.kernel @router_8x2_bf16_f32_expert_count5(
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
// CHECK: tile.store %[[WHERE]], %experts
// CHECK: %[[SHARE:.*]] = arith.divf %[[BEST]], %[[TOTAL]]
// CHECK: tile.store %[[SHARE]], %weights

// CHECK-LABEL: tile.kernel @route_2x2x100(
// CHECK: %[[COUNT:.*]] = scf.for %{{.*}} to %rows
// CHECK-COUNT-2: memref.store %{{.*}}, %pairs[%cell_x, %{{.*}}] : memref<2x100xi32>
// CHECK: memref.store %{{.*}}, %counts[%cell_x]

// Hidden rows are rounded to the type of x. Token t has the pairs 2t and 2t + 1.
// CHECK-LABEL: tile.kernel @experts_up_8x2x100x33_bf16_choices2(
// CHECK: %[[PAIRS:.*]] = tile.load %pairs[%cell_z, %{{.*}}] dims [1] rows %[[ROWS:.*]] : memref<2x100xi32>, vector<64xi32>
// CHECK: arith.constant dense<2> : vector<64xi32>
// CHECK: %[[TOKENS:.*]] = arith.divui %[[PAIRS]]
// CHECK: %[[X:.*]] = tile.gather %x[%[[TOKENS]], %{{.*}}] rows %[[ROWS]]
// CHECK: scf.for
// CHECK: %[[GATE:.*]] = tile.dot %[[X]]
// CHECK: %[[UP:.*]] = tile.dot %[[X]]
// CHECK: %[[SILU:.*]] = arith.mulf %[[GATE]]
// CHECK: %[[HIDDEN:.*]] = arith.mulf %[[SILU]], %[[UP]]
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[HIDDEN]]
// CHECK: tile.scatter %[[ROUNDED]], %hidden[%[[PAIRS]], %{{.*}}] rows %[[ROWS]] cols

// CHECK-LABEL: tile.kernel @experts_down_33x2x100x8_bf16_f32(
// CHECK: %[[PAIRS:.*]] = tile.load %pairs
// CHECK: %[[H:.*]] = tile.gather %hidden[%[[PAIRS]], %{{.*}}] rows %[[ROWS:.*]] : memref<?x33xbf16>, vector<64xi32>, vector<64x33xbf16>
// CHECK: %[[Y:.*]] = tile.dot %[[H]]
// CHECK: tile.scatter %[[Y]], %outputs[%[[PAIRS]], %{{.*}}] rows %[[ROWS]] cols %{{.*}} : vector<64x32xf32>

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
// CHECK: plan.global "weights" @head.panels32 : memref<35x8x32xf32>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[PACKED:.*]] = plan.global_ref @head.panels32 : memref<35x8x32xf32>
// CHECK: %[[SOURCE:.*]] = plan.parameter "head" : memref<1112x8xf32>
// CHECK: plan.launch @pack_1112x8_f32 grid [35, 1, 1]
// CHECK-SAME: (source = %[[SOURCE]] : memref<1112x8xf32>, packed = %[[PACKED]] : memref<35x8x32xf32> written)
// CHECK-LABEL: plan.program @output(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x8xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x1112xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?xi32> {plan.checks = [#plan.below<1112>], plan.name = "arg2", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT1:.*]]: memref<?xf32> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.global_ref @head.panels32 : memref<35x8x32xf32>
// CHECK: %[[MAXIMA:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[OTHERS:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[CHOSEN:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @head_parts_8x2_f32_vocabulary1112 grid [T ceildiv 64, 2, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x8xf32>, weight = %[[WEIGHT]] : memref<35x8x32xf32>,
// CHECK-SAME: targets = %[[ARG2]] : memref<?xi32>, maxima = %[[MAXIMA]] : memref<?x2xf32> written,
// CHECK-SAME: others = %[[OTHERS]] : memref<?x2xf32> written, chosen = %[[CHOSEN]] : memref<?x2xf32> written,
// CHECK-SAME: rows = %[[ROWS]] : index)
// CHECK: plan.launch @log_prob_2_f32 grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (maxima = %[[MAXIMA]] : memref<?x2xf32>, others = %[[OTHERS]] : memref<?x2xf32>,
// CHECK-SAME: chosen = %[[CHOSEN]] : memref<?x2xf32>, result = %[[RESULT0]] : memref<?xf32> written,
// CHECK-SAME: rows = %[[ROWS]] : index)
// CHECK: %[[MAXIMA_2:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[OTHERS_2:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[CHOSEN_2:.*]] = plan.buffer rows T : memref<?x2xf32>
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @logits_parts_1112x2_f32 grid [T ceildiv 64, 2, 1]
// CHECK-SAME: (logits = %[[ARG1]] : memref<?x1112xf32>, targets = %[[ARG2]] : memref<?xi32>,
// CHECK-SAME: maxima = %[[MAXIMA_2]] : memref<?x2xf32> written, others = %[[OTHERS_2]] : memref<?x2xf32> written,
// CHECK-SAME: chosen = %[[CHOSEN_2]] : memref<?x2xf32> written, rows = %[[ROWS_2]] : index)
// CHECK: plan.launch @log_prob_2_f32 grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (maxima = %[[MAXIMA_2]] : memref<?x2xf32>, others = %[[OTHERS_2]] : memref<?x2xf32>,
// CHECK-SAME: chosen = %[[CHOSEN_2]] : memref<?x2xf32>, result = %[[RESULT1]] : memref<?xf32> written,
// CHECK-SAME: rows = %[[ROWS_2]] : index)

// Columns from 1112 on are in the last panel but not in the vocabulary.
// CHECK-LABEL: tile.kernel @head_parts_8x2_f32_vocabulary1112(
// CHECK: %[[TARGET:.*]] = tile.load %targets
// CHECK: %[[FINAL:.*]]:3 = scf.for {{.*}} iter_args(%[[M:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}}, %[[C:.*]] = %{{.*}})
// CHECK: %[[DOT:.*]] = tile.dot
// CHECK: arith.constant dense<1112> : vector<64x32xi32>
// CHECK: %[[REAL:.*]] = arith.cmpi slt
// CHECK: %[[LOGITS:.*]] = arith.select %[[REAL]], %[[DOT]]
// CHECK: %[[IS:.*]] = arith.cmpi eq
// CHECK: %[[MAX:.*]] = arith.maxnumf %[[M]]
// CHECK: %[[MASS:.*]] = math.exp
// CHECK: arith.subf %[[M]], %[[MAX]]
// The target has no part in the sum.
// CHECK: %[[OTHERS:.*]] = arith.select %[[IS]], %{{.*}}, %[[MASS]]
// CHECK: vector.multi_reduction <add>, %[[OTHERS]]
// CHECK: arith.select %[[IS]], %[[LOGITS]]
// CHECK: tile.store %[[FINAL]]#0, %maxima[%{{.*}}, %cell_y] dims [0] rows
// CHECK: tile.store %[[FINAL]]#1, %others
// CHECK: tile.store %[[FINAL]]#2, %chosen
// CHECK-LABEL: tile.kernel @log_prob_2_f32(
// CHECK: %[[MAX:.*]] = vector.multi_reduction <maxnumf>
// CHECK: %[[OTHERS:.*]] = vector.multi_reduction <add>
// CHECK: %[[CHOSEN:.*]] = vector.multi_reduction <add>
// CHECK: %[[ABOVE:.*]] = arith.subf %[[CHOSEN]], %[[MAX]]
// CHECK: %[[TARGET:.*]] = math.exp %[[ABOVE]]
// CHECK: %[[LESS:.*]] = arith.subf %[[TARGET]]
// CHECK: %[[SUM:.*]] = arith.addf %[[OTHERS]], %[[LESS]]
// CHECK: %[[LOG:.*]] = math.log1p %[[SUM]]
// CHECK: arith.subf %[[ABOVE]], %[[LOG]]
// CHECK-LABEL: tile.kernel @logits_parts_1112x2_f32(
// CHECK: tile.load %logits[%{{.*}}] dims [0, 1] rows %{{.*}} cols %{{.*}} : memref<?x1112xf32>, vector<64x32xf32>

m1.parameter @head : tensor<1112x8xf32> from [#m1.source<"head">]

func.func @output(%x: tensor<?x8xf32>, %logits: tensor<?x1112xf32>, %targets: tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %w = m1.load_parameter @head : tensor<1112x8xf32>
  %0 = m1.head_log_prob %x, %w, %targets : (tensor<?x8xf32>, tensor<1112x8xf32>, tensor<?xi32>) -> tensor<?xf32>
  %1 = m1.token_log_prob %logits, %targets : (tensor<?x1112xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %0, %1 : tensor<?xf32>, tensor<?xf32>
}

// -----

// The temperature of each token divides differences of logits, in both kernels.
// CHECK-LABEL: plan.program @tempered(
// CHECK: plan.launch @logits_parts_97x1_f32
// CHECK-SAME: temperature = %{{.*}} : memref<?xf32>, maxima
// CHECK: plan.launch @log_prob_1_f32
// CHECK-SAME: temperature = %{{.*}} : memref<?xf32>, result
// CHECK-LABEL: tile.kernel @logits_parts_97x1_f32(
// CHECK: %[[GIVEN:.*]] = tile.load %temperature
// CHECK: %[[POSITIVE:.*]] = arith.cmpf ugt, %[[GIVEN]]
// CHECK: %[[T:.*]] = arith.select %[[POSITIVE]], %[[GIVEN]]
// CHECK: %[[COLUMNS:.*]] = tile.broadcast %[[T]] along 1
// CHECK: %[[OVER:.*]] = arith.divf %{{.*}}, %[[COLUMNS]]
// CHECK: math.exp %[[OVER]]
// CHECK-LABEL: tile.kernel @log_prob_1_f32(
// CHECK: arith.divf
// CHECK: math.log1p

func.func @tempered(%logits: tensor<?x97xf32>, %targets: tensor<?xi32>, %t: tensor<?xf32>) -> tensor<?xf32> {
  %0 = m1.token_log_prob %logits, %targets temperature %t : (tensor<?x97xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// A fixed sequence of launches draws the tokens of all rows: a search over 32 bits,
// two per round, for top_k, top_p and the draw, and one more round. The result is
// written by sample_begin and sample_pick.
// CHECK: plan.symbols = {B = 3 : i64}
// CHECK-LABEL: plan.program @sample(
// CHECK-SAME: %[[LOGITS:.*]]: memref<?x97xf32> {plan.name = "arg0", plan.rows = #plan.expr<B>}, %[[T:.*]]: memref<?xf32> {{{.*}}}, %[[P:.*]]: memref<?xf32> {{{.*}}}, %[[K:.*]]: memref<?xi32> {{{.*}}}, %[[S:.*]]: memref<?xi64> {{{.*}}}, %[[Q:.*]]: memref<?xi32> {plan.name = "arg5", {{.*}}}, %[[RESULT:.*]]: memref<?xi32> {plan.drawn, plan.name = "result0", plan.output, plan.rows = #plan.expr<B>})
// CHECK-DAG: %[[MASSES:.*]] = plan.buffer rows B : memref<?x1xf64>
// CHECK-DAG: %[[WEIGHTS:.*]] = plan.buffer rows B : memref<?x97xf32>
// CHECK-DAG: %[[SUMS:.*]] = plan.buffer rows B : memref<?x3x1xf64>
// CHECK-DAG: %[[WORDS:.*]] = plan.buffer rows B : memref<?x4xi32>
// CHECK-DAG: %[[NUMBERS:.*]] = plan.buffer rows B : memref<?x6xf64>
// CHECK: plan.launch @sample_maxima_97x1_f32 grid [B, 1, 1]
// CHECK-SAME: (logits = %[[LOGITS]] : memref<?x97xf32>, maxima = %[[MAXIMA:[^ ]*]] : memref<?x1xf32> written,
// CHECK-SAME: first_maxima = %[[FIRST_MAXIMA:[^ ]*]] : memref<?x1xi32> written, first_damaged = %[[FIRST_DAMAGED:[^ ]*]] : memref<?x1xi32> written)
// CHECK: plan.launch @sample_weights_97x1_f32_f64 grid [B, 1, 1]
// CHECK-SAME: (logits = %[[LOGITS]] : memref<?x97xf32>, temperature = %[[T]] : memref<?xf32>, maxima = %[[MAXIMA]] : memref<?x1xf32>,
// CHECK-SAME: weights = %[[WEIGHTS]] : memref<?x97xf32> written, masses = %[[MASSES]] : memref<?x1xf64> written)
// CHECK: plan.launch @sample_begin_1x4x6_f32_f64_vocabulary97 grid [B, 1, 1]
// CHECK-SAME: (temperature = %[[T]] : memref<?xf32>, top_p = %[[P]] : memref<?xf32>, top_k = %[[K]] : memref<?xi32>,
// CHECK-SAME: seeds = %[[S]] : memref<?xi64>, positions = %[[Q]] : memref<?xi32>, maxima = %[[MAXIMA]] : memref<?x1xf32>,
// CHECK-SAME: first_maxima = %[[FIRST_MAXIMA]] : memref<?x1xi32>, first_damaged = %[[FIRST_DAMAGED]] : memref<?x1xi32>,
// CHECK-SAME: masses = %[[MASSES]] : memref<?x1xf64>, words = %[[WORDS]] : memref<?x4xi32> written,
// CHECK-SAME: numbers = %[[NUMBERS]] : memref<?x6xf64> written, result = %[[RESULT]] : memref<?xi32> written)
// CHECK-COUNT-49: plan.launch @sample_count_97x{{.*}} (logits = %[[LOGITS]] : memref<?x97xf32>, weights = %[[WEIGHTS]] : memref<?x97xf32>, words = %[[WORDS]] : memref<?x4xi32>, sums = %[[SUMS]] : memref<?x3x1xf64> written)
// CHECK-NOT: plan.launch @sample_count
// CHECK: plan.launch @sample_narrow_{{.*}} grid [B, 1, 1]
// CHECK-SAME: (temperature = %[[T]] : memref<?xf32>, top_p = %[[P]] : memref<?xf32>, sums = %[[SUMS]] : memref<?x3x1xf64>,
// CHECK-SAME: words = %[[WORDS]] : memref<?x4xi32> written, numbers = %[[NUMBERS]] : memref<?x6xf64> written)
// CHECK-NEXT: %[[TIES:.*]] = plan.buffer rows B : memref<?x1xi32>
// CHECK-NEXT: plan.launch @sample_ties_97x4x1_f32 grid [B, 1, 1]
// CHECK-SAME: (logits = %[[LOGITS]] : memref<?x97xf32>, words = %[[WORDS]] : memref<?x4xi32>, ties = %[[TIES]] : memref<?x1xi32> written)
// CHECK-NEXT: plan.launch @sample_pick_97x4x1_f32 grid [B, 1, 1]
// CHECK-SAME: (logits = %[[LOGITS]] : memref<?x97xf32>, words = %[[WORDS]] : memref<?x4xi32>, ties = %[[TIES]] : memref<?x1xi32>,
// CHECK-SAME: result = %[[RESULT]] : memref<?xi32> written)
// CHECK-NEXT: plan.return

func.func @sample(%l: tensor<?x97xf32> {m1.dim = "B"}, %t: tensor<?xf32> {m1.dim = "B"}, %p: tensor<?xf32> {m1.dim = "B"}, %k: tensor<?xi32> {m1.dim = "B"}, %s: tensor<?xi64> {m1.dim = "B"}, %q: tensor<?xi32> {m1.dim = "B"}) -> (tensor<?xi32> {m1.dim = "B"}) {
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<?x97xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  return %r : tensor<?xi32>
}

// -----

// min_p goes to the two kernels that compute weights; logits under rules are a launch before the draw.
// CHECK-LABEL: plan.program @rules(
// CHECK-SAME: %[[LOGITS:.*]]: memref<?x97xf32> {{{.*}}}, %[[ROWS:.*]]: memref<?xi32> {{{.*}}}, %[[BIAS:.*]]: memref<?x97xf32> {{{.*}}}, %[[T:.*]]: memref<?xf32> {{{.*}}}, %[[M:.*]]: memref<?xf32> {plan.name = "arg4", {{.*}}}, %[[S:.*]]: memref<?xi64> {{{.*}}}, %[[RESULT:.*]]: memref<?xi32> {plan.drawn, {{.*}}})
// CHECK: %[[ADJUSTED:.*]] = plan.buffer rows B : memref<?x97xf32>
// CHECK: plan.launch @adjust_logits_97_f32 grid [B, 1, 1]
// CHECK-SAME: (logits = %[[LOGITS]] : memref<?x97xf32>, rows = %[[ROWS]] : memref<?xi32>, bias = %[[BIAS]] : memref<?x97xf32>,
// CHECK-SAME: repetition = %[[BIAS]] : memref<?x97xf32>, result = %[[ADJUSTED]] : memref<?x97xf32> written)
// CHECK: plan.launch @sample_maxima_97x1_f32 grid [B, 1, 1] (logits = %[[ADJUSTED]] : memref<?x97xf32>,
// CHECK: plan.launch @sample_weights_{{.*}} (logits = %[[ADJUSTED]] : memref<?x97xf32>, temperature = %[[T]] : memref<?xf32>, min_p = %[[M]] : memref<?xf32>,
// CHECK-NOT: min_p
// CHECK: plan.launch @sample_narrow_{{.*}} (temperature = %[[T]] : memref<?xf32>, top_p = %[[T]] : memref<?xf32>, min_p = %[[M]] : memref<?xf32>,
func.func @rules(%l: tensor<?x97xf32> {m1.dim = "B"}, %rows: tensor<?xi32> {m1.dim = "B"}, %b: tensor<?x97xf32> {m1.dim = "R"}, %t: tensor<?xf32> {m1.dim = "B"}, %m: tensor<?xf32> {m1.dim = "B"}, %s: tensor<?xi64> {m1.dim = "B"}) -> (tensor<?xi32> {m1.dim = "B"}) {
  %a = m1.adjust_logits %l rows %rows bias %b repetition %b : (tensor<?x97xf32>, tensor<?xi32>, tensor<?x97xf32>, tensor<?x97xf32>) -> tensor<?x97xf32>
  %r = m1.sample %a temperature %t top_p %t top_k %rows seeds %s positions %rows min_p %m
    : (tensor<?x97xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>, tensor<?xf32>) -> tensor<?xi32>
  return %r : tensor<?xi32>
}
