// Every operation and attribute reads back what it prints.
// RUN: m1-opt %s | m1-opt | FileCheck %s
// RUN: m1-opt %s --mlir-print-op-generic | m1-opt | FileCheck %s

// CHECK: module attributes {plan.symbols = {B = 4 : i64, T = 100 : i64}}
module attributes {plan.symbols = {B = 4 : i64, T = 100 : i64}} {
  // CHECK: plan.global "weights" @packed : memref<4x8x32xbf16> {offset = 128 : i64}
  plan.global "weights" @packed : memref<4x8x32xbf16> {offset = 128 : i64}
  // CHECK: plan.global "state" @layer.keys : memref<8x2x16xf32>
  plan.global "state" @layer.keys : memref<8x2x16xf32>
  // CHECK: plan.global "constant" @slopes : memref<2xf32> = dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32> {offset = 0 : i64}
  plan.global "constant" @slopes : memref<2xf32> = dense<[0.5, 0.25]> : tensor<2xf32> {offset = 0 : i64}

  // CHECK: plan.program @init() {
  plan.program @init() {
    // CHECK: %[[TO:.*]] = plan.global_ref @packed : memref<4x8x32xbf16>
    %to = plan.global_ref @packed : memref<4x8x32xbf16>
    // CHECK: %[[FROM:.*]] = plan.parameter "model.weight" : memref<128x8xbf16>
    %from = plan.parameter "model.weight" : memref<128x8xbf16>
    // CHECK: plan.launch @pack grid [#plan.expr<"" * 0 + 4 ceildiv 1>, #plan.expr<"" * 0 + 1 ceildiv 1>, #plan.expr<"" * 0 + 1 ceildiv 1>] written [false, true](%[[FROM]], %[[TO]] : memref<128x8xbf16>, memref<4x8x32xbf16>)
    plan.launch @pack grid [#plan.expr<"" * 0 + 4 ceildiv 1>, #plan.expr<"" * 0 + 1 ceildiv 1>, #plan.expr<"" * 0 + 1 ceildiv 1>]
      written [false, true](%from, %to : memref<128x8xbf16>, memref<4x8x32xbf16>)
    // CHECK: plan.return
    plan.return
  }

  // CHECK-LABEL: plan.program @main(
  // CHECK-SAME: %[[IN:.*]]: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<"T" * 1 + 0 ceildiv 1>}, %[[OUT:.*]]: memref<?xi32> {plan.name = "y", plan.output, plan.rows = #plan.expr<"B" * 1 + 1 ceildiv 1>})
  plan.program @main(%in: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<"T" * 1 + 0 ceildiv 1>},
                     %out: memref<?xi32> {plan.name = "y", plan.output, plan.rows = #plan.expr<"B" * 1 + 1 ceildiv 1>}) {
    // CHECK: %[[BUFFER:.*]] = plan.buffer rows <"T" * 2 + 3 ceildiv 1> : memref<?x8xf32> {offset = 64 : i64}
    %buffer = plan.buffer rows <"T" * 2 + 3 ceildiv 1> : memref<?x8xf32> {offset = 64 : i64}
    // CHECK: plan.buffer : memref<3xi32>
    %fixed = plan.buffer : memref<3xi32>
    // CHECK: plan.view %[[BUFFER]] at 8 rows <"T" * 1 + 0 ceildiv 1> : memref<?x8xf32> to memref<?x2x4xf32, strided<[16, 4, 1]>>
    %view = plan.view %buffer at 8 rows <"T" * 1 + 0 ceildiv 1> : memref<?x8xf32> to memref<?x2x4xf32, strided<[16, 4, 1]>>
    // CHECK: plan.view %[[IN]] at 0 : memref<?x8xf32> to memref<?x4x2xf32>
    %same = plan.view %in at 0 : memref<?x8xf32> to memref<?x4x2xf32>
    // CHECK: plan.scalar <"B" * 1 + 0 ceildiv 64>
    %size = plan.scalar <"B" * 1 + 0 ceildiv 64>
    // CHECK: plan.copy %[[IN]] to %{{.*}} : memref<?x8xf32>
    %rows = plan.buffer rows <"T" * 1 + 0 ceildiv 1> : memref<?x8xf32>
    plan.copy %in to %rows : memref<?x8xf32>
    plan.return
  }

  // CHECK-LABEL: plan.program @checks(
  // CHECK-SAME: {plan.checks = [#plan.below<97>, #plan.unique, #plan.consecutive<1>], plan.name = "a"}
  // CHECK-SAME: {plan.checks = [#plan.offsets<#plan.expr<"" * 0 + 4 ceildiv 1>>], plan.name = "b"}
  plan.program @checks(%a: memref<4xi32> {plan.checks = [#plan.below<97>, #plan.unique, #plan.consecutive<1>], plan.name = "a"},
                       %b: memref<3xi32> {plan.checks = [#plan.offsets<#plan.expr<"" * 0 + 4 ceildiv 1>>], plan.name = "b"}) {
    // CHECK: plan.launch @nothing grid [{{.*}}] written []() {note}
    plan.launch @nothing grid [#plan.expr<"" * 0 + 1 ceildiv 1>, #plan.expr<"" * 0 + 1 ceildiv 1>, #plan.expr<"" * 0 + 1 ceildiv 1>] written []() {note}
    plan.return
  }

  tile.kernel @nothing(%x: index, %y: index, %z: index) {
    tile.return
  }

  tile.kernel @pack(%x: index, %y: index, %z: index, %from: memref<128x8xbf16>, %to: memref<4x8x32xbf16>) {
    tile.return
  }
}
