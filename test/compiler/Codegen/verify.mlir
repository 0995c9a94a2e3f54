// What a kernel must be to be compiled; each rule broken once.
// RUN: m1-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-verify))' -verify-diagnostics -split-input-file

// Bounds that are not constant, and constant ones inside the memref.
tile.kernel @good(%x: index, %y: index, %z: index, %a: memref<?x3x8xf32>, %w: memref<2x4x32x2xbf16>, %n: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %hundred = arith.constant 100 : index
  %0 = tile.load %a[%hundred, %two, %one] dims [0, 2] rows %n cols %two : memref<?x3x8xf32>, vector<64x8xf32>
  %1 = tile.load %a[%x, %y, %zero] dims [0, 2] : memref<?x3x8xf32>, vector<64x8xf32>
  %2 = tile.load %a[%x, %one, %zero] dims [0, 1] rows %n cols %n : memref<?x3x8xf32>, vector<64x8xf32>
  %3 = tile.load %w[%one, %zero, %zero, %zero] dims [1, 2] pairs : memref<2x4x32x2xbf16>, vector<8x32xbf16>
  // Nothing is accessed.
  %4 = tile.load %a[%zero, %hundred, %zero] dims [0, 2] rows %zero : memref<?x3x8xf32>, vector<64x8xf32>
  %5 = math.exp %0 : vector<64x8xf32>
  %6 = math.sqrt %5 : vector<64x8xf32>
  %7 = arith.extf %6 : vector<64x8xf32> to vector<64x8xf64>
  %8 = math.roundeven %7 : vector<64x8xf64>
  tile.return
}

// -----

tile.kernel @axis(%x: index, %y: index, %z: index, %a: memref<?x3x8xf32>) {
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : index
  // expected-error@+1 {{'tile.load' op is out of bounds on axis 1: expected elements below 3, found 1 elements from 3}}
  %0 = tile.load %a[%x, %three, %zero] dims [0, 2] : memref<?x3x8xf32>, vector<64x8xf32>
  tile.return
}

// -----

tile.kernel @negative(%x: index, %y: index, %z: index, %a: memref<?x8xf32>, %n: index) {
  %zero = arith.constant 0 : index
  %less = arith.constant -1 : index
  // expected-error@+1 {{'tile.load' op is out of bounds on axis 0: expected an index and a count of at least 0, found -1}}
  %0 = tile.load %a[%less, %zero] dims [0, 1] rows %n : memref<?x8xf32>, vector<64x8xf32>
  tile.return
}

// -----

tile.kernel @rows(%x: index, %y: index, %z: index, %a: memref<60x8xf32>) {
  %zero = arith.constant 0 : index
  %rows = arith.constant 61 : index
  %v = arith.constant dense<0.0> : vector<64x8xf32>
  // expected-error@+1 {{'tile.store' op is out of bounds on axis 0: expected elements below 60, found 61 elements from 0}}
  tile.store %v, %a[%zero, %zero] dims [0, 1] rows %rows : vector<64x8xf32>, memref<60x8xf32>
  tile.return
}

// -----

tile.kernel @columns(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  %four = arith.constant 4 : index
  %five = arith.constant 5 : index
  %v = arith.constant dense<0.0> : vector<64x8xf32>
  // expected-error@+1 {{'tile.store' op is out of bounds on axis 1: expected elements below 8, found 5 elements from 4}}
  tile.store %v, %a[%x, %four] dims [0, 1] cols %five : vector<64x8xf32>, memref<?x8xf32>
  tile.return
}

// -----

// Wherever it begins.
tile.kernel @wide(%x: index, %y: index, %z: index, %a: memref<?x7xf32>) {
  // expected-error@+1 {{'tile.load' op is out of bounds on axis 1: expected elements below 7, found 8 elements}}
  %0 = tile.load %a[%x, %y] dims [0, 1] : memref<?x7xf32>, vector<64x8xf32>
  tile.return
}

// -----

// However little it is.
tile.kernel @begin(%x: index, %y: index, %z: index, %a: memref<?x8xf32>, %n: index) {
  %nine = arith.constant 9 : index
  // expected-error@+1 {{'tile.load' op is out of bounds on axis 1: expected elements below 8, found 9}}
  %0 = tile.load %a[%x, %nine] dims [0, 1] cols %n : memref<?x8xf32>, vector<64x8xf32>
  tile.return
}

// -----

// Five rows are three pairs.
tile.kernel @pairs(%x: index, %y: index, %z: index, %w: memref<2x2x32x2xbf16>) {
  %zero = arith.constant 0 : index
  %five = arith.constant 5 : index
  // expected-error@+1 {{'tile.load' op is out of bounds on axis 1: expected elements below 2, found 3 elements from 0}}
  %0 = tile.load %w[%x, %zero, %zero, %zero] dims [1, 2] pairs rows %five : memref<2x2x32x2xbf16>, vector<8x32xbf16>
  tile.return
}

// -----

tile.kernel @gather(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  %four = arith.constant 4 : index
  %rows = arith.constant dense<0> : vector<4xi32>
  // expected-error@+1 {{'tile.gather' op is out of bounds on axis 1: expected elements below 8, found 8 elements from 4}}
  %0 = tile.gather %a[%rows, %four] : memref<?x8xf32>, vector<4xi32>, vector<4x8xf32>
  tile.return
}

// -----

tile.kernel @gathered_columns(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  %four = arith.constant 4 : index
  %five = arith.constant 5 : index
  %rows = arith.constant dense<0> : vector<4xi32>
  %0 = tile.gather %a[%rows, %four] cols %four : memref<?x8xf32>, vector<4xi32>, vector<4x8xf32>
  // expected-error@+1 {{'tile.gather' op is out of bounds on axis 1: expected elements below 8, found 5 elements from 4}}
  %1 = tile.gather %a[%rows, %four] cols %five : memref<?x8xf32>, vector<4xi32>, vector<4x8xf32>
  tile.return
}

// -----

tile.kernel @scatter(%x: index, %y: index, %z: index, %a: memref<?x8xf32>) {
  %four = arith.constant 4 : index
  %rows = arith.constant dense<0> : vector<4xi32>
  %v = arith.constant dense<0.0> : vector<4x8xf32>
  tile.scatter %v, %a[%rows, %four] cols %four : vector<4x8xf32>, memref<?x8xf32>, vector<4xi32>
  // expected-error@+1 {{'tile.scatter' op is out of bounds on axis 1: expected elements below 8, found 8 elements from 4}}
  tile.scatter %v, %a[%rows, %four] : vector<4x8xf32>, memref<?x8xf32>, vector<4xi32>
  tile.return
}

// -----

tile.kernel @rank(%x: index, %y: index, %z: index) {
  // expected-error@+1 {{expected blocks of fixed shape and rank 1 or 2, found 'vector<2x4x8xf32>'}}
  %0 = arith.constant dense<0.0> : vector<2x4x8xf32>
  tile.return
}

// -----

tile.kernel @unknown(%x: index, %y: index, %z: index, %a: memref<4x8xf32>) {
  %zero = arith.constant 0 : index
  %0 = tile.load %a[%zero, %zero] dims [0, 1] : memref<4x8xf32>, vector<4x8xf32>
  // expected-error@+1 {{'vector.shape_cast' op is not known to the code generator}}
  %1 = vector.shape_cast %0 : vector<4x8xf32> to vector<8x4xf32>
  tile.return
}

// -----

tile.kernel @library(%x: index, %y: index, %z: index) {
  %0 = arith.constant dense<0.5> : vector<4x8xf32>
  // expected-error@+1 {{'math.exp2' op has neither an instruction nor an expansion}}
  %1 = math.exp2 %0 : vector<4x8xf32>
  tile.return
}

// -----

tile.kernel @double(%x: index, %y: index, %z: index) {
  %0 = arith.constant dense<0.5> : vector<4x8xf64>
  // expected-error@+1 {{'math.exp' op has an expansion for f32 only, found 'vector<4x8xf64>'}}
  %1 = math.exp %0 : vector<4x8xf64>
  tile.return
}
