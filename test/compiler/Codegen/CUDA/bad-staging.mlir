// RUN: not m1-opt %s '--pass-pipeline=builtin.module(tile.kernel(tile-assign-products{depth=48}))' 2>&1 | FileCheck %s --check-prefix=DEPTH
// RUN: not m1-opt %s '--pass-pipeline=builtin.module(tile.kernel(tile-assign-products{stages=1}))' 2>&1 | FileCheck %s --check-prefix=STAGES

// DEPTH: cannot be staged in tiles of 48 in k, 4 at once: expected a power of two from 16 on, and at least 2
// STAGES: cannot be staged in tiles of 64 in k, 1 at once: expected a power of two from 16 on, and at least 2
tile.kernel @empty(%x: index, %y: index, %z: index) {
  tile.return
}
