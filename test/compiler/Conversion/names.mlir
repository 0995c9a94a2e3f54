// Programs keep the names of their functions. Kernels and globals whose names are
// taken get the first free suffix: _2, _3 and so on.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan | m1-opt | FileCheck %s
// RUN: rm -rf %t && mkdir %t && m1c %s -o %t/names.m1plan --max-tokens=8
// RUN: %python -c "import numpy as np; np.save('%t/x.npy', np.array([[1, -2, 3, 0]], 'f4')); np.save('%t/i.npy', np.array([0])); np.save('%t/cu.npy', np.array([0, 1]))"
// RUN: m1run call %t/names.m1plan --weights none --entry elementwise_4_f32_silu --arg %t/x.npy --out-dir %t/out
// RUN: m1run call %t/names.m1plan --weights none --entry constant_1 --arg %t/x.npy --arg %t/i.npy --arg %t/cu.npy --arg %t/i.npy --out-dir %t/out

// CHECK: module attributes {{.*}}plan.chunk = 16 : i64
// CHECK-DAG: plan.global "weights" @w.panels32_2 : memref<1x4x32xf32>
// CHECK-DAG: plan.global "state" @s.keys_2 :
// CHECK-DAG: plan.global "constant" @[[SLOPES:constant_1_2]] : memref<1xf32> = dense<5.000000e-01>
m1.parameter @w : tensor<4x4xf32> from [#m1.source<"w">]
m1.state @s : !m1.lightning_state<1 x 4, chunk = 16, f32>

// CHECK: plan.program @elementwise_4_f32_silu(
// CHECK: plan.launch @elementwise_4_f32_silu_3 grid
func.func @elementwise_4_f32_silu(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = m1.silu %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK: plan.program @w.panels32(
// CHECK: plan.global_ref @w.panels32_2 :
func.func @w.panels32(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = m1.load_parameter @w : tensor<4x4xf32>
  %0 = m1.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

func.func @s.keys() {
  return
}
func.func @elementwise_4_f32_silu_2() {
  return
}

// CHECK: plan.program @constant_1(
// CHECK: plan.global_ref @s.keys_2 :
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

// CHECK: tile.kernel @elementwise_4_f32_silu_3(
