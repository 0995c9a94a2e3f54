// RUN: not m1-opt %s '--pass-pipeline=builtin.module(tile.kernel(tile-assign-products{depth=48}))' 2>&1 | FileCheck %s --check-prefix=DEPTH
// RUN: not m1-opt %s '--pass-pipeline=builtin.module(tile.kernel(tile-assign-products{stages=1}))' 2>&1 | FileCheck %s --check-prefix=STAGES

// DEPTH: error: tile-assign-products: expected depth to be a power of two of at least 16 and at least 2 stages, found depth 48 and 4 stages
// STAGES: error: tile-assign-products: expected depth to be a power of two of at least 16 and at least 2 stages, found depth 64 and 1 stages
tile.kernel @empty(%x: index, %y: index, %z: index) {
  tile.return
}
