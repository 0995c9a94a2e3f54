// RUN: m1-opt %s --tile-set-target="name=x86-64-v3" --tile-to-host -verify-diagnostics -split-input-file

tile.kernel @unknown(%x: index, %y: index, %z: index, %a: memref<4x8xf32>) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %a[%c0, %c0] dims [0, 1] : memref<4x8xf32>, vector<4x8xf32>
  // expected-error@+1 {{'vector.shape_cast' op is not known to the code generator}}
  %1 = vector.shape_cast %0 : vector<4x8xf32> to vector<8x4xf32>
  tile.return
}

// -----

tile.kernel @region(%x: index, %y: index, %z: index) {
  // expected-error@+1 {{'scf.execute_region' op is not known to the code generator}}
  scf.execute_region {
    scf.yield
  }
  tile.return
}

// -----

tile.kernel @columns(%x: index, %y: index, %z: index, %a: memref<4x8xf32>, %b: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : vector<8xf32>
  %0 = tile.load %a[%c0, %c0] dims [0, 1] : memref<4x8xf32>, vector<4x8xf32>
  // expected-error@+1 {{expected a reduction along the last axis only}}
  %1 = vector.multi_reduction <add>, %0, %zero [0] : vector<4x8xf32> to vector<8xf32>
  tile.store %1, %b[%c0] dims [0] : vector<8xf32>, memref<8xf32>
  tile.return
}
