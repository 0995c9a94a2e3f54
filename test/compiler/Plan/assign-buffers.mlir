// Where plan-assign-buffers puts things.
// RUN: m1-opt %s --plan-assign-buffers --split-input-file | FileCheck %s

// A chain: the third buffer takes the place of the first, whose life is over,
// while the second, read by the same step that writes the third, keeps its own.
// CHECK: module attributes {plan.activation_bytes = 2048 : i64, plan.constant_bytes = 0 : i64, plan.symbols = {T = 10 : i64}, plan.weight_bytes = 0 : i64}
module attributes {plan.symbols = {T = 10 : i64}} {
  tile.kernel @step(%x: index, %y: index, %z: index, %a: memref<?x25xf32>, %b: memref<?x25xf32>) {
    tile.return
  }
  // CHECK-LABEL: plan.program @chain
  plan.program @chain(%in: memref<?x25xf32> {plan.name = "in", plan.rows = #plan.expr<T>},
                      %out: memref<?x25xf32> {plan.name = "out", plan.output, plan.rows = #plan.expr<T>}) {
    // 10 x 25 x 4 = 1000 bytes each, 1024 with their alignment.
    // CHECK: plan.buffer {{.*}} {offset = 0 : i64}
    %0 = plan.buffer rows T : memref<?x25xf32>
    plan.launch @step grid [1, 1, 1] (a = %in : memref<?x25xf32>, b = %0 : memref<?x25xf32>)
    // CHECK: plan.buffer {{.*}} {offset = 1024 : i64}
    %1 = plan.buffer rows T : memref<?x25xf32>
    plan.launch @step grid [1, 1, 1] (a = %0 : memref<?x25xf32>, b = %1 : memref<?x25xf32>)
    // CHECK: plan.buffer {{.*}} {offset = 0 : i64}
    %2 = plan.buffer rows T : memref<?x25xf32>
    plan.launch @step grid [1, 1, 1] (a = %1 : memref<?x25xf32>, b = %2 : memref<?x25xf32>)
    plan.launch @step grid [1, 1, 1] (a = %2 : memref<?x25xf32>, b = %out : memref<?x25xf32>)
    plan.return
  }
}

// -----

// A view, and a view of a view, keep the buffer they look at alive.
// CHECK: plan.activation_bytes = 192 : i64
module {
  tile.kernel @write(%x: index, %y: index, %z: index, %a: memref<8xf32>) {
    tile.return
  }
  tile.kernel @step(%x: index, %y: index, %z: index, %a: memref<8xf32>, %b: memref<8xf32>) {
    tile.return
  }
  tile.kernel @join(%x: index, %y: index, %z: index, %a: memref<2xf32>, %b: memref<8xf32>, %c: memref<8xf32>) {
    tile.return
  }
  // CHECK-LABEL: plan.program @views
  plan.program @views(%out: memref<8xf32> {plan.name = "out", plan.output}) {
    // CHECK: plan.buffer : memref<8xf32> {offset = 0 : i64}
    %0 = plan.buffer : memref<8xf32>
    plan.launch @write grid [1, 1, 1] (a = %0 : memref<8xf32>)
    %view = plan.view %0 at 4 : memref<8xf32> to memref<4xf32>
    %again = plan.view %view at 2 : memref<4xf32> to memref<2xf32>
    // CHECK: plan.buffer : memref<8xf32> {offset = 64 : i64}
    %1 = plan.buffer : memref<8xf32>
    plan.launch @write grid [1, 1, 1] (a = %1 : memref<8xf32>)
    // CHECK: plan.buffer : memref<8xf32> {offset = 128 : i64}
    %2 = plan.buffer : memref<8xf32>
    plan.launch @step grid [1, 1, 1] (a = %1 : memref<8xf32>, b = %2 : memref<8xf32>)
    plan.launch @join grid [1, 1, 1] (a = %again : memref<2xf32>, b = %2 : memref<8xf32>, c = %out : memref<8xf32>)
    plan.return
  }
}

// -----

// Small buffers go into the gap between large ones that outlive them; sizes come
// from the symbols' greatest values, rounded up after the division.
// CHECK: plan.activation_bytes = 2112 : i64
module attributes {plan.symbols = {T = 9 : i64, B = 2 : i64}} {
  tile.kernel @a(%x: index, %y: index, %z: index, %a: memref<256xf32>, %b: memref<255xf32>) {
    tile.return
  }
  tile.kernel @b(%x: index, %y: index, %z: index, %a: memref<256xf32>, %b: memref<255xf32>, %c: memref<?xf64>) {
    tile.return
  }
  tile.kernel @c(%x: index, %y: index, %z: index, %a: memref<256xf32>, %b: memref<?xi32>) {
    tile.return
  }
  tile.kernel @d(%x: index, %y: index, %z: index, %a: memref<64xi8>) {
    tile.return
  }
  // CHECK-LABEL: plan.program @gap
  plan.program @gap() {
    // Lives of steps 1 to 3, 1 to 2 and 2 to 3; the largest is placed first.
    // CHECK: plan.buffer : memref<256xf32> {offset = 0 : i64}
    %large = plan.buffer : memref<256xf32>
    // CHECK: plan.buffer : memref<255xf32> {offset = 1024 : i64}
    %other = plan.buffer : memref<255xf32>
    // CHECK: plan.buffer rows (T * 2) ceildiv 4 : memref<?xf64> {offset = 2048 : i64}
    %small = plan.buffer rows (T * 2) ceildiv 4 : memref<?xf64>
    plan.launch @a grid [1, 1, 1] (a = %large : memref<256xf32>, b = %other : memref<255xf32>)
    plan.launch @b grid [1, 1, 1] (a = %large : memref<256xf32>, b = %other : memref<255xf32>, c = %small : memref<?xf64>)
    // CHECK: plan.buffer rows B + 1 : memref<?xi32> {offset = 1024 : i64}
    %late = plan.buffer rows B + 1 : memref<?xi32>
    plan.launch @c grid [1, 1, 1] (a = %large : memref<256xf32>, b = %late : memref<?xi32>)
    plan.return
  }
  // Another program starts from 0 again: all use one arena.
  // CHECK-LABEL: plan.program @second
  plan.program @second() {
    // CHECK: plan.buffer : memref<64xi8> {offset = 0 : i64}
    %0 = plan.buffer : memref<64xi8>
    plan.launch @d grid [1, 1, 1] (a = %0 : memref<64xi8>)
    plan.return
  }
}

// -----

// Weights lie one after the other, and so do constants; each state is alone.
// CHECK: plan.constant_bytes = 192 : i64
// CHECK-SAME: plan.weight_bytes = 384 : i64
module {
  // CHECK: plan.global "weights" @a : memref<5x7xbf16> {offset = 0 : i64}
  plan.global "weights" @a : memref<5x7xbf16>
  // CHECK: plan.global "state" @s : memref<3xf32> {offset = 0 : i64}
  plan.global "state" @s : memref<3xf32>
  // CHECK: plan.global "constant" @k : memref<17xf32> = dense<0.000000e+00> : tensor<17xf32> {offset = 0 : i64}
  plan.global "constant" @k : memref<17xf32> = dense<0.0> : tensor<17xf32>
  // CHECK: plan.global "weights" @b : memref<2x16xf32> {offset = 128 : i64}
  plan.global "weights" @b : memref<2x16xf32>
  // CHECK: plan.global "state" @t : memref<3xf32> {offset = 0 : i64}
  plan.global "state" @t : memref<3xf32>
  // CHECK: plan.global "constant" @l : memref<2xi32> = dense<[1, 2]> : tensor<2xi32> {offset = 128 : i64}
  plan.global "constant" @l : memref<2xi32> = dense<[1, 2]> : tensor<2xi32>
  // CHECK: plan.global "weights" @c : memref<17xf32> {offset = 256 : i64}
  plan.global "weights" @c : memref<17xf32>
}
