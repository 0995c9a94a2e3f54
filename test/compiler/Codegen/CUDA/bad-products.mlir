// RUN: m1-opt %s --tile-set-target="name=sm_80" --tile-to-gpu --split-input-file --verify-diagnostics

tile.kernel @none(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{has no tile.product; run tile-assign-products first}}
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
  // expected-error@+1 {{its sums are in registers}}
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
  // expected-error@+1 {{its sums are in shared memory}}
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
  // expected-error@+1 {{expected f32 with at most 64 columns, one leaf, and k a multiple of 128 and at least 1024 for 128 threads, found 'vector<64x8xf32>', k = 64 and leaves = 1}}
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
  // expected-error@+1 {{operands, depth and stages need the method matrix}}
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
  // expected-error@+1 {{the method matrix needs left and right}}
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
  // expected-error@+1 {{the target's matrix unit cannot multiply 'f64' by 'bf16' into 'f32' with k = 64}}
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
  // expected-error@+1 {{the left operand is not in registers}}
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
  // expected-error@+1 {{the left operand is not bf16 with a multiple of 8 columns}}
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
  // expected-error@+1 {{the left operand cannot be staged}}
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
  // expected-error@+1 {{the right operand must be shared or staged}}
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
  // expected-error@+1 {{no operand is staged}}
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
  // expected-error@+1 {{expected a multiple of 16 that divides k = 64 as depth, found 48}}
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
  // expected-error@+1 {{expected 2 to 2 stages, found 1}}
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
  // expected-error@+1 {{expected 2 to 2 stages, found 3}}
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
  // expected-error@+1 {{the layout of the left operand does not fit rows of 8 chunks of 16 bytes: found pitch 64, mask 0 and shift 0}}
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
  // expected-error@+1 {{the layout of the left operand does not fit rows of 8 chunks of 16 bytes: found pitch 128, mask 15 and shift 0}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <staged, pitch = 128, mask = 15>, right = <staged, pitch = 16>, depth = 64, stages = 1>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @right_pitch(%x: index, %y: index, %z: index, %a: memref<64x64xbf16>, %b: memref<64x8xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x64xbf16>, vector<64x64xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<64x8xbf16>, vector<64x8xbf16>
  // expected-error@+1 {{the layout of the right operand does not fit rows of 1 chunks of 16 bytes: found pitch 24, mask 0 and shift 0}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <staged, pitch = 128>, right = <staged, pitch = 24>, depth = 64, stages = 1>} : vector<64x64xbf16>, vector<64x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

tile.kernel @crooked(%x: index, %y: index, %z: index, %a: memref<64x16xbf16>, %b: memref<16x9xbf16>, %c: memref<64x8xf32>) attributes {tile.threads = 128 : i32} {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x16xbf16>, vector<64x16xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<16x9xbf16>, vector<16x8xbf16>
  // expected-error@+1 {{the right operand cannot be staged}}
  %p = tile.dot %l, %r, %none {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <evaluated>, right = <staged, pitch = 16>, depth = 16, stages = 1>} : vector<64x16xbf16>, vector<16x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}
