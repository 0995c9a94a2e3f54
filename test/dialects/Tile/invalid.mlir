// What operations on blocks must be given; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

// expected-error@+1 {{C1: expected three leading index arguments, the position in the grid, found '(index, index) -> ()'}}
tile.kernel @k(%x: index, %y: index) {
  tile.return
}

// -----

// expected-error@+1 {{C1: expected three leading index arguments, the position in the grid, found '(index, index, memref<4xf32>) -> ()'}}
tile.kernel @k(%x: index, %y: index, %a: memref<4xf32>) {
  tile.return
}

// -----

// expected-error@+1 {{C2: expected index or a memref with static strides and offset 0 as argument 3, found 'i32'}}
tile.kernel @k(%x: index, %y: index, %z: index, %a: i32) {
  tile.return
}

// -----

// expected-error@+1 {{C2: expected index or a memref with static strides and offset 0 as argument 4, found 'memref<4x?x2xf32>'}}
tile.kernel @k(%x: index, %y: index, %z: index, %n: index, %a: memref<4x?x2xf32>) {
  tile.return
}

// -----

// expected-error@+1 {{C2: expected index or a memref with static strides and offset 0 as argument 3, found 'memref<4xf32, strided<[1], offset: 8>>'}}
tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<4xf32, strided<[1], offset: 8>>) {
  tile.return
}

// -----

// expected-error@+1 {{C3: expected no results, found 1}}
tile.kernel @k(%x: index, %y: index, %z: index) -> index {
  tile.return
}

// -----

// expected-error@+1 {{C5: expected a 32-bit multiple of 32 from 32 to 1024 as tile.threads, found 100 : i32}}
tile.kernel @k(%x: index, %y: index, %z: index) attributes {tile.threads = 100 : i32} {
  tile.return
}

// -----

// expected-error@+1 {{C5: expected a 32-bit multiple of 32 from 32 to 1024 as tile.threads, found 128 : i64}}
tile.kernel @k(%x: index, %y: index, %z: index) attributes {tile.threads = 128 : i64} {
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  // expected-error@+1 {{C1: expected 2 indices, found 1}}
  %0 = tile.load %a[%x] dims [0] : memref<?x8xf32>, vector<4xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  // expected-error@+1 {{C2: expected 2 dims, found 1}}
  %0 = tile.load %a[%x, %x] dims [0] : memref<?x8xf32>, vector<4x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  // expected-error@+1 {{C2: expected ascending axes below 2 as dims, found 0}}
  %0 = tile.load %a[%x, %x] dims [1, 0] : memref<?x8xf32>, vector<4x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  // expected-error@+1 {{C2: expected ascending axes below 2 as dims, found 2}}
  %0 = tile.load %a[%x, %x] dims [2] : memref<?x8xf32>, vector<4xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  // expected-error@+1 {{C3: expected a block of 'f32', found 'vector<4x8xbf16>'}}
  %0 = tile.load %a[%x, %x] dims [0, 1] : memref<?x8xf32>, vector<4x8xbf16>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  // expected-error@+1 {{C4: expected a block of rank 2 with cols, found 'vector<8xf32>'}}
  %0 = tile.load %a[%x, %x] dims [1] cols %x : memref<?x8xf32>, vector<8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  // expected-error@+1 {{result #0 must be vector of floating-point or integer values of ranks 1/2, but got 'vector<1x4x8xf32>'}}
  %0 = tile.load %a[%x, %x] dims [0, 1] : memref<?x8xf32>, vector<1x4x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>, %b: memref<?x8x2xf32>) {
  %0 = tile.load %a[%x, %x] dims [0, 1] : memref<?x8xf32>, vector<4x8xf32>
  // expected-error@+1 {{C1: expected 3 indices, found 2}}
  tile.store %0, %b[%x, %x] dims [0, 1] : vector<4x8xf32>, memref<?x8x2xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  %0 = tile.load %a[%x, %x] dims [0, 1] : memref<?x8xf32>, vector<4x8xf32>
  // expected-error@+1 {{C2: expected ascending axes below 2 as dims, found 1}}
  tile.store %0, %a[%x, %x] dims [1, 1] : vector<4x8xf32>, memref<?x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>, %b: memref<?x8xf16>) {
  %0 = tile.load %a[%x, %x] dims [0, 1] : memref<?x8xf32>, vector<4x8xf32>
  // expected-error@+1 {{C3: expected a block of 'f16', found 'vector<4x8xf32>'}}
  tile.store %0, %b[%x, %x] dims [0, 1] : vector<4x8xf32>, memref<?x8xf16>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  %0 = tile.load %a[%x, %x] dims [1] : memref<?x8xf32>, vector<8xf32>
  // expected-error@+1 {{C4: expected a block of rank 2 with cols, found 'vector<8xf32>'}}
  tile.store %0, %a[%x, %x] dims [1] cols %x : vector<8xf32>, memref<?x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8x2xf32>) {
  %i = tile.iota 0 : vector<4xi32>
  // expected-error@+1 {{C1: expected a memref of rank 2, found 'memref<?x8x2xf32>'}}
  %0 = tile.gather %a[%i, %x] : memref<?x8x2xf32>, vector<4xi32>, vector<4x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  %i = tile.iota 0 : vector<4xi32>
  // expected-error@+1 {{C2: expected 5 row indices, found 4}}
  %0 = tile.gather %a[%i, %x] : memref<?x8xf32>, vector<4xi32>, vector<5x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  %i = tile.iota 0 : vector<4xi32>
  // expected-error@+1 {{C3: expected a block of 'f32', found 'vector<4x8xf64>'}}
  %0 = tile.gather %a[%i, %x] : memref<?x8xf32>, vector<4xi32>, vector<4x8xf64>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<8xi32>) {
  %i = tile.iota 0 : vector<4xi32>
  %0 = tile.iota 1 : vector<4x8xi32>
  // expected-error@+1 {{C1: expected a memref of rank 2, found 'memref<8xi32>'}}
  tile.scatter %0, %a[%i, %x] : vector<4x8xi32>, memref<8xi32>, vector<4xi32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xi32>) {
  %i = tile.iota 0 : vector<5xi32>
  %0 = tile.iota 1 : vector<4x8xi32>
  // expected-error@+1 {{C2: expected 4 row indices, found 5}}
  tile.scatter %0, %a[%i, %x] : vector<4x8xi32>, memref<?x8xi32>, vector<5xi32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<?x8xi64>) {
  %i = tile.iota 0 : vector<4xi32>
  %0 = tile.iota 1 : vector<4x8xi32>
  // expected-error@+1 {{C3: expected a block of 'i64', found 'vector<4x8xi32>'}}
  tile.scatter %0, %a[%i, %x] : vector<4x8xi32>, memref<?x8xi64>, vector<4xi32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<8x8xf32>) {
  %0 = tile.load %a[%x, %x] dims [0, 1] : memref<8x8xf32>, vector<4x8xf32>
  // expected-error@+1 {{C1: expected [M, K], [K, N] and [M, N], found 'vector<4x8xf32>', 'vector<4x8xf32>' and 'vector<4x8xf32>'}}
  %1 = tile.dot %0, %0, %0 : vector<4x8xf32>, vector<4x8xf32>, vector<4x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<8x8xf64>, %b: memref<8x8xf32>) {
  %0 = tile.load %a[%x, %x] dims [0, 1] : memref<8x8xf64>, vector<8x8xf64>
  %1 = tile.load %b[%x, %x] dims [0, 1] : memref<8x8xf32>, vector<8x8xf32>
  // expected-error@+1 {{C2: expected an f32 accumulator, or f64 for f64 operands, found 'vector<8x8xf64>'}}
  %2 = tile.dot %0, %1, %0 : vector<8x8xf64>, vector<8x8xf32>, vector<8x8xf64>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<8x8xbf16>) {
  %0 = tile.load %a[%x, %x] dims [0, 1] : memref<8x8xbf16>, vector<8x8xbf16>
  // expected-error@+1 {{C2: expected an f32 accumulator, or f64 for f64 operands, found 'vector<8x8xbf16>'}}
  %1 = tile.dot %0, %0, %0 : vector<8x8xbf16>, vector<8x8xbf16>, vector<8x8xbf16>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index) {
  // expected-error@+1 {{C1: expected an axis below 1, found 1}}
  %0 = tile.iota 1 : vector<8xi32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index) {
  %0 = tile.iota 0 : vector<8xi32>
  // expected-error@+1 {{C1: expected one element type, found 'vector<8xi32>' and 'vector<8x4xf32>'}}
  %1 = tile.broadcast %0 along 1 : vector<8xi32> to vector<8x4xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index) {
  %0 = tile.iota 0 : vector<8xi32>
  // expected-error@+1 {{C2: expected axis 0 or 1 with the operand's shape on the other, found 'vector<8xi32>' along 0 to 'vector<8x4xi32>'}}
  %1 = tile.broadcast %0 along 0 : vector<8xi32> to vector<8x4xi32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index) {
  %0 = tile.iota 0 : vector<8xi32>
  // expected-error@+1 {{C2: expected axis 0 or 1 with the operand's shape on the other, found 'vector<8xi32>' along 2 to 'vector<8x8xi32>'}}
  %1 = tile.broadcast %0 along 2 : vector<8xi32> to vector<8x8xi32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<4x8x2xf32>) {
  // expected-error@+1 {{C5: expected a block of rank 2 with an even number of rows for pairs, found 'vector<3x8xf32>'}}
  %0 = tile.load %a[%x, %x, %x] dims [0, 1] pairs : memref<4x8x2xf32>, vector<3x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<4x8x3xf32>) {
  // expected-error@+1 {{C5: expected a memref whose last axis has the extent 2 and is not in dims for pairs, found 'memref<4x8x3xf32>'}}
  %0 = tile.load %a[%x, %x, %x] dims [0, 1] pairs : memref<4x8x3xf32>, vector<4x8xf32>
  tile.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<4x2xf32>) {
  %0 = tile.load %a[%x, %x] dims [0, 1] : memref<4x2xf32>, vector<4x2xf32>
  // expected-error@+1 {{C5: expected a memref whose last axis has the extent 2 and is not in dims for pairs, found 'memref<4x2xf32>'}}
  tile.store %0, %a[%x, %x] dims [0, 1] pairs : vector<4x2xf32>, memref<4x2xf32>
  tile.return
}

// -----

func.func @scratch(%base: !llvm.ptr) {
  // expected-error@+1 {{C1: expected at least one byte, found 0}}
  %a = tile.scratch %base, 0 : !llvm.ptr
  return
}

// -----

// expected-error@+2 {{expected ::m1::tile::ProductMethod to be one of: matrix, registers, shared, split}}
// expected-error@+1 {{failed to parse Tile_ProductAttr parameter}}
func.func private @unit() attributes {a = #tile.product<vector>}
