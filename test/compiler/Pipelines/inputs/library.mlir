// A kernel that LLVM compiles to a call of a library: kernels have none.
tile.kernel @good(%x: index, %y: index, %z: index) {
  tile.return
}
tile.kernel @bad(%x: index, %y: index, %z: index, %a: memref<4x8xf32>, %b: memref<4x8xi32>) {
  %zero = arith.constant 0 : index
  %0 = tile.load %a[%zero, %zero] dims [0, 1] : memref<4x8xf32>, vector<4x8xf32>
  %1 = arith.fptosi %0 : vector<4x8xf32> to vector<4x8xi128>
  %half = arith.constant dense<64> : vector<4x8xi128>
  %2 = arith.shrsi %1, %half : vector<4x8xi128>
  %3 = arith.trunci %2 : vector<4x8xi128> to vector<4x8xi32>
  tile.store %3, %b[%zero, %zero] dims [0, 1] : vector<4x8xi32>, memref<4x8xi32>
  tile.return
}
