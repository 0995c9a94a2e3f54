// A plan with kernels of different numbers of threads.
tile.kernel @narrow(%x: index, %y: index, %z: index, %a: memref<8x8xf32>, %b: memref<8x8xf32>) attributes {tile.threads = 64 : i32} {
  %zero = arith.constant 0 : index
  %0 = tile.load %a[%zero, %zero] dims [0, 1] : memref<8x8xf32>, vector<8x8xf32>
  tile.store %0, %b[%zero, %zero] dims [0, 1] : vector<8x8xf32>, memref<8x8xf32>
  tile.return
}
tile.kernel @wide(%x: index, %y: index, %z: index, %a: memref<8x8xf32>, %b: memref<8x8xf32>) {
  %zero = arith.constant 0 : index
  %0 = tile.load %a[%zero, %zero] dims [0, 1] : memref<8x8xf32>, vector<8x8xf32>
  tile.store %0, %b[%zero, %zero] dims [0, 1] : vector<8x8xf32>, memref<8x8xf32>
  tile.return
}
plan.program @main(%in: memref<8x8xf32> {plan.name = "in"},
                   %out: memref<8x8xf32> {plan.name = "out", plan.output}) {
  %0 = plan.buffer : memref<8x8xf32>
  plan.launch @wide grid [1, 1, 1] (a = %in : memref<8x8xf32>, b = %0 : memref<8x8xf32> written)
  plan.launch @narrow grid [1, 1, 1] (a = %0 : memref<8x8xf32>, b = %out : memref<8x8xf32> written)
  plan.return
}
