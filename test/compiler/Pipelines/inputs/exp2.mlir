tile.kernel @bad(%x: index, %y: index, %z: index, %a: memref<4x8xf32>) {
  %zero = arith.constant 0 : index
  %0 = tile.load %a[%zero, %zero] dims [0, 1] : memref<4x8xf32>, vector<4x8xf32>
  %1 = math.exp2 %0 : vector<4x8xf32>
  tile.store %1, %a[%zero, %zero] dims [0, 1] : vector<4x8xf32>, memref<4x8xf32>
  tile.return
}
