// Constants whose elements differ become globals.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v3" --tile-to-host --tile-assign-scratch --canonicalize --cse | FileCheck %s

// CHECK: llvm.mlir.global private constant @table.table0(dense<[1.000000e+00, 5.000000e-01, 2.500000e-01, 1.250000e-01]> : tensor<4xf64>)
// CHECK-SAME: !llvm.array<4 x f64>
// CHECK-LABEL: func.func @table(
// CHECK: %[[AT:.*]] = llvm.mlir.addressof @table.table0
// CHECK: llvm.load %[[AT]] {alignment = 8 : i64} : !llvm.ptr -> vector<4xf64>
tile.kernel @table(%x: index, %y: index, %z: index, %b: memref<4xf64>) {
  %c0 = arith.constant 0 : index
  %t = arith.constant dense<[1.0, 0.5, 0.25, 0.125]> : vector<4xf64>
  tile.store %t, %b[%c0] dims [0] : vector<4xf64>, memref<4xf64>
  tile.return
}
