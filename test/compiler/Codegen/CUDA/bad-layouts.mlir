// RUN: m1-opt %s --tile-set-target="name=sm_80" --tile-to-gpu --split-input-file --verify-diagnostics

tile.kernel @shape(%x: index, %y: index, %z: index, %a: memref<64x4xf32>, %c: memref<64x4xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  // expected-error@+1 {{'tile.load' op has the register layout #tile.layout<4, 1>, which does not fit 'vector<64x4xf32>' in 128 threads}}
  %b = tile.load %a[%zero, %zero] dims [0, 1] {tile.layouts = [#tile.layout<4, 1>]} : memref<64x4xf32>, vector<64x4xf32>
  tile.store %b, %c[%zero, %zero] dims [0, 1] : vector<64x4xf32>, memref<64x4xf32>
  tile.return
}

// -----

tile.kernel @count(%x: index, %y: index, %z: index, %a: memref<64x8xf32>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  // expected-error@+1 {{'tile.load' op expected one entry of tile.layouts for each of 1 results, found 2}}
  %b = tile.load %a[%zero, %zero] dims [0, 1] {tile.layouts = [#tile.layout<4, 1>, unit]} : memref<64x8xf32>, vector<64x8xf32>
  tile.store %b, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

// expected-error@+1 {{'tile.kernel' op has no tile.threads; run tile-assign-layouts first}}
tile.kernel @threads(%x: index, %y: index, %z: index) {
  tile.return
}
