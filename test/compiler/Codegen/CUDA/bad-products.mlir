// RUN: m1-opt %s --tile-to-gpu --split-input-file --verify-diagnostics

tile.kernel @none(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{has no tile.product; tile-assign-products gives it one}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>]} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @in_registers(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{its sums lie in registers}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<shared>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @in_memory(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{its sums lie in shared memory}}
  %p = tile.dot %l, %r, %none {tile.product = #tile.product<registers>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @short(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{the sums are too many, or too short}}
  %p = tile.dot %l, %r, %none {tile.product = #tile.product<split>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @plain(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{sides, depth and stages are the matrix unit's}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<registers, depth = 64>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @side(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{a side is not given}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <evaluated>>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @doubles(%x: index, %y: index, %z: index, %a: memref<64x64xf64>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xf64>, vector<64x64xf64>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{matrix units multiply f32 or bf16 with bf16 into f32, a multiple of 16 in k}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <evaluated>, right = <shared>>} : vector<64x64xf64>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @nobody(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{the left side is not in registers}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <registers>, right = <shared>>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @wide(%x: index, %y: index, %z: index, %a: memref<64x64xf32>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xf32>, vector<64x64xf32>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{the left side is not bf16 of a multiple of 8 columns}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <shared>, right = <shared>>} : vector<64x64xf32>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @wide_staged(%x: index, %y: index, %z: index, %a: memref<64x64xf32>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xf32>, vector<64x64xf32>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{the left side cannot be copied as it lies}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <staged, pitch = 128, mask = 7>, right = <staged, pitch = 16>, depth = 64, stages = 1>} : vector<64x64xf32>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @unread(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{the right side is read from shared memory}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <evaluated>, right = <evaluated>>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @idle(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{nothing is staged}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <evaluated>, right = <shared>, depth = 64, stages = 1>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @depth(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{the depth is no multiple of 16 that divides k}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <evaluated>, right = <staged, pitch = 16>, depth = 48, stages = 1>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @stages(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{there are at least two stages, and no more than tiles}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <evaluated>, right = <staged, pitch = 16>, depth = 32, stages = 1>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @many(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{there are at least two stages, and no more than tiles}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <evaluated>, right = <staged, pitch = 16>, depth = 32, stages = 3>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @pitch(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{rows of chunks do not fit their pitch or their mask}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <staged, pitch = 64>, right = <staged, pitch = 16>, depth = 64, stages = 1>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @mask(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{rows of chunks do not fit their pitch or their mask}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <staged, pitch = 128, mask = 15>, right = <staged, pitch = 16>, depth = 64, stages = 1>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @crooked(%x: index, %y: index, %z: index, %a: memref<64x16xbf16>, %b: memref<16x9xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x16xbf16>, vector<64x16xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<16x9xbf16>, vector<16x8xbf16>
  // expected-error@+1 {{the right side cannot be copied as it lies}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <evaluated>, right = <staged, pitch = 16>, depth = 16, stages = 1>} : vector<64x16xbf16>, vector<16x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}
