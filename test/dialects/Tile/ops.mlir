// Every operation reads back what it prints.
// RUN: m1-opt %s | m1-opt | FileCheck %s
// RUN: m1-opt %s --mlir-print-op-generic | m1-opt | FileCheck %s

// CHECK-LABEL: tile.kernel @memory(
// CHECK-SAME: %[[X:.*]]: index, %[[Y:.*]]: index, %[[Z:.*]]: index,
// CHECK-SAME: %[[A:.*]]: memref<?x3x20xf32, strided<[180, 60, 1]>>, %[[B:.*]]: memref<?xi32>, %[[N:.*]]: index)
tile.kernel @memory(%x: index, %y: index, %z: index, %a: memref<?x3x20xf32, strided<[180, 60, 1]>>, %b: memref<?xi32>, %n: index) {
  // CHECK: %[[BLOCK:.*]] = tile.load %[[A]][%[[X]], %[[Y]], %[[Z]]] dims [0, 2] rows %[[N]] cols %[[X]] : memref<?x3x20xf32, strided<[180, 60, 1]>>, vector<8x20xf32>
  %0 = tile.load %a[%x, %y, %z] dims [0, 2] rows %n cols %x : memref<?x3x20xf32, strided<[180, 60, 1]>>, vector<8x20xf32>
  // CHECK: tile.load %[[A]][%[[X]], %[[Y]], %[[Z]]] dims [1, 2] cols %[[N]] : memref<?x3x20xf32, strided<[180, 60, 1]>>, vector<3x20xf32>
  %1 = tile.load %a[%x, %y, %z] dims [1, 2] cols %n : memref<?x3x20xf32, strided<[180, 60, 1]>>, vector<3x20xf32>
  // CHECK: %[[I:.*]] = tile.load %[[B]][%[[X]]] dims [0] : memref<?xi32>, vector<8xi32>
  %2 = tile.load %b[%x] dims [0] : memref<?xi32>, vector<8xi32>
  // CHECK: tile.store %[[BLOCK]], %[[A]][%[[X]], %[[Y]], %[[Z]]] dims [0, 2] rows %[[N]] : vector<8x20xf32>, memref<?x3x20xf32, strided<[180, 60, 1]>>
  tile.store %0, %a[%x, %y, %z] dims [0, 2] rows %n : vector<8x20xf32>, memref<?x3x20xf32, strided<[180, 60, 1]>>
  // CHECK: tile.store %[[BLOCK]], %[[A]][%[[X]], %[[Y]], %[[Z]]] dims [0, 2] cols %[[N]] : vector<8x20xf32>, memref<?x3x20xf32, strided<[180, 60, 1]>>
  tile.store %0, %a[%x, %y, %z] dims [0, 2] cols %n : vector<8x20xf32>, memref<?x3x20xf32, strided<[180, 60, 1]>>
  // CHECK: tile.store %[[I]], %[[B]][%[[X]]] dims [0] : vector<8xi32>, memref<?xi32>
  tile.store %2, %b[%x] dims [0] : vector<8xi32>, memref<?xi32>
  // CHECK: tile.return
  tile.return
}

// CHECK-LABEL: tile.kernel @rows(
// CHECK-SAME: %[[X:.*]]: index, %{{.*}}: index, %{{.*}}: index, %[[TABLE:.*]]: memref<97x16xbf16>, %[[I:.*]]: memref<?xi32>)
tile.kernel @rows(%x: index, %y: index, %z: index, %table: memref<97x16xbf16>, %i: memref<?xi32>) {
  %rows = tile.load %i[%x] dims [0] : memref<?xi32>, vector<8xi32>
  // CHECK: %[[R:.*]] = tile.load
  // CHECK: %[[G:.*]] = tile.gather %[[TABLE]][%[[R]], %[[X]]] rows %[[X]] : memref<97x16xbf16>, vector<8xi32>, vector<8x16xbf16>
  %g = tile.gather %table[%rows, %x] rows %x : memref<97x16xbf16>, vector<8xi32>, vector<8x16xbf16>
  // CHECK: tile.gather %[[TABLE]][%[[R]], %[[X]]] : memref<97x16xbf16>, vector<8xi32>, vector<8x4xbf16>
  %h = tile.gather %table[%rows, %x] : memref<97x16xbf16>, vector<8xi32>, vector<8x4xbf16>
  // CHECK: tile.gather %[[TABLE]][%[[R]], %[[X]]] cols %[[X]] : memref<97x16xbf16>, vector<8xi32>, vector<8x4xbf16>
  %k = tile.gather %table[%rows, %x] cols %x : memref<97x16xbf16>, vector<8xi32>, vector<8x4xbf16>
  // CHECK: tile.scatter %[[G]], %[[TABLE]][%[[R]], %[[X]]] rows %[[X]] cols %[[X]] : vector<8x16xbf16>, memref<97x16xbf16>, vector<8xi32>
  tile.scatter %g, %table[%rows, %x] rows %x cols %x : vector<8x16xbf16>, memref<97x16xbf16>, vector<8xi32>
  // CHECK: tile.scatter %[[G]], %[[TABLE]][%[[R]], %[[X]]] cols %[[X]] : vector<8x16xbf16>, memref<97x16xbf16>, vector<8xi32>
  tile.scatter %g, %table[%rows, %x] cols %x : vector<8x16xbf16>, memref<97x16xbf16>, vector<8xi32>
  tile.return
}

// CHECK-LABEL: tile.kernel @blocks(
tile.kernel @blocks(%x: index, %y: index, %z: index, %m: memref<6x8xbf16>, %n: memref<8x4xf64>, %o: memref<6x4xf32>) {
  // CHECK: %[[A:.*]] = tile.load {{.*}} vector<6x8xbf16>
  %a = tile.load %m[%x, %x] dims [0, 1] : memref<6x8xbf16>, vector<6x8xbf16>
  // CHECK: %[[B:.*]] = tile.load {{.*}} vector<8x4xf64>
  %b = tile.load %n[%x, %x] dims [0, 1] : memref<8x4xf64>, vector<8x4xf64>
  // CHECK: %[[C:.*]] = tile.load {{.*}} vector<6x4xf32>
  %c = tile.load %o[%x, %x] dims [0, 1] : memref<6x4xf32>, vector<6x4xf32>
  // CHECK: tile.dot %[[A]], %[[B]], %[[C]] : vector<6x8xbf16>, vector<8x4xf64>, vector<6x4xf32>
  %d = tile.dot %a, %b, %c : vector<6x8xbf16>, vector<8x4xf64>, vector<6x4xf32>
  // CHECK: tile.iota 0 : vector<5xi32>
  %i = tile.iota 0 : vector<5xi32>
  // CHECK: tile.iota 1 : vector<5x7xi32>
  %j = tile.iota 1 : vector<5x7xi32>
  // CHECK: tile.broadcast %{{.*}} along 1 : vector<5xi32> to vector<5x7xi32>
  %k = tile.broadcast %i along 1 : vector<5xi32> to vector<5x7xi32>
  // CHECK: tile.broadcast %{{.*}} along 0 : vector<5xi32> to vector<7x5xi32>
  %l = tile.broadcast %i along 0 : vector<5xi32> to vector<7x5xi32>
  tile.return
}

// CHECK-LABEL: tile.kernel @pairs(
// CHECK-SAME: %[[X:.*]]: index, %{{.*}}: index, %{{.*}}: index, %[[W:.*]]: memref<4x32x16x2xbf16>)
tile.kernel @pairs(%x: index, %y: index, %z: index, %w: memref<4x32x16x2xbf16>) {
  // CHECK: %[[P:.*]] = tile.load %[[W]][%[[X]], %[[X]], %[[X]], %[[X]]] dims [1, 2] pairs rows %[[X]] : memref<4x32x16x2xbf16>, vector<64x16xbf16>
  %0 = tile.load %w[%x, %x, %x, %x] dims [1, 2] pairs rows %x : memref<4x32x16x2xbf16>, vector<64x16xbf16>
  // CHECK: tile.store %[[P]], %[[W]][%[[X]], %[[X]], %[[X]], %[[X]]] dims [1, 2] pairs : vector<64x16xbf16>, memref<4x32x16x2xbf16>
  tile.store %0, %w[%x, %x, %x, %x] dims [1, 2] pairs : vector<64x16xbf16>, memref<4x32x16x2xbf16>
  tile.return
}

// CHECK-LABEL: func.func @scratch(
func.func @scratch(%base: !llvm.ptr<3>) {
  // CHECK: tile.scratch %{{.*}}, 64 : !llvm.ptr<3>
  %a = tile.scratch %base, 64 : !llvm.ptr<3>
  return
}

// How a product is computed, with as much said as there is to say.
// CHECK-LABEL: func.func private @products()
// CHECK-SAME: a = #tile.product<registers>
// CHECK-SAME: b = #tile.product<matrix, left = <evaluated>, right = <shared>>
// CHECK-SAME: c = #tile.product<matrix, left = <staged, pitch = 128, mask = 7>, right = <staged, pitch = 48>, depth = 64, stages = 4>
func.func private @products() attributes {
  a = #tile.product<registers>,
  b = #tile.product<matrix, left = <evaluated>, right = <shared>>,
  c = #tile.product<matrix, left = <staged, pitch = 128, mask = 7>, right = <staged, pitch = 48>, depth = 64, stages = 4>
}
