// Every operation and attribute reads back what it prints.
// RUN: m1-opt %s | m1-opt | FileCheck %s
// RUN: m1-opt %s --mlir-print-op-generic | m1-opt | FileCheck %s

// CHECK: module attributes {plan.symbols = {B = 4 : i64, T = 100 : i64}}
module attributes {plan.symbols = {B = 4 : i64, T = 100 : i64}} {
  // CHECK: plan.global "weights" @packed : memref<4x8x32xbf16> {offset = 128 : i64}
  plan.global "weights" @packed : memref<4x8x32xbf16> {offset = 128 : i64}
  // CHECK: plan.global "state" @layer.keys : memref<8x2x16xf32>
  plan.global "state" @layer.keys : memref<8x2x16xf32>
  // CHECK: plan.global "state" @layer.values : memref<8x16x2xf32> {division = "slot"}
  plan.global "state" @layer.values : memref<8x16x2xf32> {division = "slot"}
  // CHECK: plan.global "constant" @slopes : memref<2xf32> = dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32> {offset = 0 : i64}
  plan.global "constant" @slopes : memref<2xf32> = dense<[0.5, 0.25]> : tensor<2xf32> {offset = 0 : i64}

  // CHECK: plan.program @init() {
  plan.program @init() {
    // CHECK: %[[TO:.*]] = plan.global_ref @packed : memref<4x8x32xbf16>
    %to = plan.global_ref @packed : memref<4x8x32xbf16>
    // CHECK: %[[FROM:.*]] = plan.parameter "model.weight" : memref<128x8xbf16>
    %from = plan.parameter "model.weight" : memref<128x8xbf16>
    // CHECK: plan.launch @pack grid [4, 1, 1] (from = %[[FROM]] : memref<128x8xbf16>, to = %[[TO]] : memref<4x8x32xbf16>)
    plan.launch @pack grid [4, 1, 1] (from = %from : memref<128x8xbf16>, to = %to : memref<4x8x32xbf16>)
    // CHECK: plan.return
    plan.return
  }

  // CHECK-LABEL: plan.program @main(
  // CHECK-SAME: %[[IN:.*]]: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}, %[[OUT:.*]]: memref<?xi32> {plan.name = "y", plan.output, plan.rows = #plan.expr<B + 1>})
  plan.program @main(%in: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>},
                     %out: memref<?xi32> {plan.name = "y", plan.output, plan.rows = #plan.expr<B + 1>}) {
    // CHECK: %[[BUFFER:.*]] = plan.buffer rows T * 2 + 3 : memref<?x8xf32> {offset = 64 : i64}
    %buffer = plan.buffer rows T * 2 + 3 : memref<?x8xf32> {offset = 64 : i64}
    // CHECK: plan.buffer : memref<3xi32>
    %fixed = plan.buffer : memref<3xi32>
    // CHECK: plan.view %[[BUFFER]] at 8 rows T : memref<?x8xf32> to memref<?x2x4xf32, strided<[16, 4, 1]>>
    %view = plan.view %buffer at 8 rows T : memref<?x8xf32> to memref<?x2x4xf32, strided<[16, 4, 1]>>
    // CHECK: plan.view %[[IN]] at 0 : memref<?x8xf32> to memref<?x4x2xf32>
    %same = plan.view %in at 0 : memref<?x8xf32> to memref<?x4x2xf32>
    // CHECK: plan.scalar B ceildiv 64
    %size = plan.scalar B ceildiv 64
    // CHECK: plan.scalar (T * 2 - 1) ceildiv 64
    %sum = plan.scalar (T * 2 - 1) ceildiv 64
    // CHECK: plan.scalar T * 0 - 7
    %zero = plan.scalar T * 0 -7
    // CHECK: plan.scalar -7 ceildiv 2
    %constant = plan.scalar (-7) ceildiv 2
    // CHECK: plan.scalar "T + 1" + 1
    %quoted = plan.scalar "T + 1" + 1
    // CHECK: plan.scalar ceildiv ceildiv 3
    %keyword = plan.scalar "ceildiv" ceildiv 3
    // CHECK: plan.scalar T {note}
    %note = plan.scalar (T) ceildiv 1 {note}
    // CHECK: plan.copy %[[IN]] to %{{.*}} : memref<?x8xf32>
    %rows = plan.buffer rows T : memref<?x8xf32>
    plan.copy %in to %rows : memref<?x8xf32>
    plan.return
  }

  // CHECK-LABEL: plan.program @checks(
  // CHECK-SAME: {plan.checks = [#plan.below<97>, #plan.unique, #plan.consecutive<1>], plan.name = "a"}
  // CHECK-SAME: {plan.checks = [#plan.offsets<4>], plan.name = "b"}
  // CHECK-SAME: {plan.checks = [#plan.row_or_none<R>], plan.name = "c"}
  plan.program @checks(%a: memref<4xi32> {plan.checks = [#plan.below<97>, #plan.unique, #plan.consecutive<1>], plan.name = "a"},
                       %b: memref<3xi32> {plan.checks = [#plan.offsets<4>], plan.name = "b"},
                       %c: memref<2xi32> {plan.checks = [#plan.row_or_none<R>], plan.name = "c"}) {
    // CHECK: plan.launch @nothing grid [{{.*}}] () {note}
    plan.launch @nothing grid [1, 1, 1] () {note}
    plan.return
  }

  tile.kernel @nothing(%x: index, %y: index, %z: index) {
    tile.return
  }

  tile.kernel @pack(%x: index, %y: index, %z: index, %from: memref<128x8xbf16>, %to: memref<4x8x32xbf16>) {
    tile.return
  }
}
