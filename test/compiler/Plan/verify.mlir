// Plans in which buffers share bytes one after the other.
// RUN: m1-opt %s --plan-verify | FileCheck %s
// RUN: m1-opt %s --plan-assign-buffers --plan-verify | FileCheck %s

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 128 : i64} {
  plan.global "weights" @w : memref<8xf32> {offset = 0 : i64}
  plan.global "weights" @v : memref<8xf32> {offset = 64 : i64}
  plan.global "constant" @c : memref<8xf32> = dense<1.0> : tensor<8xf32> {offset = 0 : i64}
  plan.global "state" @s : memref<8xf32> {offset = 0 : i64}
  plan.global "state" @t : memref<800xf32> {offset = 0 : i64}

  // CHECK: tile.kernel @add
  tile.kernel @add(%x: index, %y: index, %z: index, %a: memref<?xf32>, %b: memref<8xf32>, %result: memref<?xf32>, %rows: index) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<?xf32>
    tile.return
  }
  tile.kernel @pack(%x: index, %y: index, %z: index, %source: memref<8xf32>, %packed: memref<8xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %packed[%x] : memref<8xf32>
    tile.return
  }

  plan.program @init() {
    %p = plan.parameter "p" : memref<8xf32>
    %w = plan.global_ref @w : memref<8xf32>
    plan.launch @pack grid [1, 1, 1] (source = %p : memref<8xf32>, packed = %w : memref<8xf32> written)
    plan.return
  }

  plan.program @main(%in: memref<?xf32> {plan.name = "in", plan.rows = #plan.expr<T>},
                     %out: memref<?xf32> {plan.name = "out", plan.output, plan.rows = #plan.expr<T>}) {
    %c = plan.global_ref @c : memref<8xf32>
    %w = plan.global_ref @w : memref<8xf32>
    %s = plan.global_ref @s : memref<8xf32>
    %rows = plan.scalar T
    %0 = plan.buffer rows T : memref<?xf32> {offset = 0 : i64}
    plan.launch @add grid [T ceildiv 8, 1, 1] (a = %in : memref<?xf32>, b = %c : memref<8xf32>, result = %0 : memref<?xf32> written, rows = %rows : index)
    %1 = plan.buffer rows T : memref<?xf32> {offset = 64 : i64}
    plan.launch @add grid [T ceildiv 8, 1, 1] (a = %0 : memref<?xf32>, b = %w : memref<8xf32>, result = %1 : memref<?xf32> written, rows = %rows : index)
    // A later buffer in the bytes of the first.
    %2 = plan.buffer rows T : memref<?xf32> {offset = 0 : i64}
    plan.launch @add grid [T ceildiv 8, 1, 1] (a = %1 : memref<?xf32>, b = %s : memref<8xf32>, result = %2 : memref<?xf32> written, rows = %rows : index)
    plan.launch @pack grid [1, 1, 1] (source = %c : memref<8xf32>, packed = %s : memref<8xf32> written)
    plan.copy %2 to %out : memref<?xf32>
    plan.return
  }
}
