// RUN: m1-opt %s --tile-to-gpu --split-input-file --verify-diagnostics

tile.kernel @shape(%x: index, %y: index, %z: index, %a: memref<64x4xf32>, %c: memref<64x4xf32>) {
  %zero = arith.constant 0 : index
  // expected-error@+1 {{'tile.load' op has the layout #tile.spread<4, 1>, which does not suit 'vector<64x4xf32>'}}
  %b = tile.load %a[%zero, %zero] dims [0, 1] {tile.layouts = [#tile.spread<4, 1>]} : memref<64x4xf32>, vector<64x4xf32>
  tile.store %b, %c[%zero, %zero] dims [0, 1] : vector<64x4xf32>, memref<64x4xf32>
  tile.return
}

// -----

tile.kernel @count(%x: index, %y: index, %z: index, %a: memref<64x8xf32>, %c: memref<64x8xf32>) {
  %zero = arith.constant 0 : index
  // expected-error@+1 {{'tile.load' op has 1 results and 2 tile.layouts}}
  %b = tile.load %a[%zero, %zero] dims [0, 1] {tile.layouts = [#tile.spread<4, 1>, unit]} : memref<64x8xf32>, vector<64x8xf32>
  tile.store %b, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}
