// Functions keep their names, whatever kernels and memory would have been called.
// RUN: m1-opt %s --m1-to-plan | m1-opt | FileCheck %s
// RUN: rm -rf %t && mkdir %t && m1c %s -o %t/names.m1plan --max-tokens=8
// RUN: %python -c "import numpy as np; np.save('%t/x.npy', np.array([[1, -2, 3, 0]], 'f4')); np.save('%t/i.npy', np.array([0])); np.save('%t/cu.npy', np.array([0, 1]))"
// RUN: m1run call %t/names.m1plan --weights none --entry silu_f32_f32_4 --arg %t/x.npy --out-dir %t/out
// RUN: m1run call %t/names.m1plan --weights none --entry constant_1 --arg %t/x.npy --arg %t/i.npy --arg %t/cu.npy --arg %t/i.npy --out-dir %t/out

// CHECK-DAG: plan.global "weights" @w.panels32_ : memref<1x4x32xf32>
// CHECK-DAG: plan.global "state" @s.keys_ :
// CHECK-DAG: plan.global "constant" @[[SLOPES:constant_1_]] : memref<1xf32> = dense<5.000000e-01>
m1.parameter @w : tensor<4x4xf32> from [#m1.source<"w">]
m1.state @s : !m1.lightning_state<1 x 4, chunk = 16, f32>

// CHECK: plan.program @silu_f32_f32_4(
// CHECK: plan.launch @silu_f32_f32_4__ grid
func.func @silu_f32_f32_4(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = m1.silu %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK: plan.program @w.panels32(
// CHECK: plan.global_ref @w.panels32_ :
func.func @w.panels32(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = m1.load_parameter @w : tensor<4x4xf32>
  %0 = m1.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

func.func @s.keys() {
  return
}
func.func @silu_f32_f32_4_() {
  return
}

// CHECK: plan.program @constant_1(
// CHECK: plan.global_ref @s.keys_ :
// CHECK: plan.global_ref @[[SLOPES]] :
func.func @constant_1(%x: tensor<?x4xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"}) -> tensor<?x1x4xf32> {
  %h = m1.split_heads %x : (tensor<?x4xf32>) -> tensor<?x1x4xf32>
  %s = m1.read_state @s : !m1.lightning_state<1 x 4, chunk = 16, f32>
  %0, %s1 = m1.lightning_attention %h, %h, %h, %s at (%p, %cu, %slots) slopes [0.5]
    : (tensor<?x1x4xf32>, tensor<?x1x4xf32>, tensor<?x1x4xf32>, !m1.lightning_state<1 x 4, chunk = 16, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x4xf32>, !m1.lightning_state<1 x 4, chunk = 16, f32>)
  m1.write_state %s1, @s : !m1.lightning_state<1 x 4, chunk = 16, f32>
  return %0 : tensor<?x1x4xf32>
}
