// A weight of more than 2^20 elements is updated in parts, and each is packed before the next is
// updated: whole matrices, or rows of one that are whole panels. A GPU updates it at once, and a
// function that does something else before it packs the weight packs it at once.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan | FileCheck %s
// RUN: m1-opt %s --tile-set-target=name=sm_80 --m1-to-plan | FileCheck %s --check-prefix=GPU

// CHECK-DAG: plan.global "state" @[[$ROWS:.*]] : memref<4096x512xf32>
// CHECK-DAG: plan.global "weights" @[[$PACKED:.*]] : memref<128x512x32xbf16>
// CHECK-DAG: plan.global "state" @[[$EXPERTS:.*]] : memref<3x1024x768xf32>
// CHECK-DAG: plan.global "weights" @[[$UP:.*]] : memref<3x32x768x32xbf16>

// CHECK-LABEL: plan.program @rows(
// CHECK: %[[STATE:.*]] = plan.global_ref @[[$ROWS]]
// CHECK: %[[PART:.*]] = plan.view %[[STATE]] at 0 rows 1048576 : memref<4096x512xf32> to memref<?xf32>
// CHECK: plan.launch @adamw_f32 grid [64, 1, 1] (master = %[[PART]] :
// CHECK: %[[STATE:.*]] = plan.global_ref @[[$ROWS]]
// CHECK-DAG: %[[FROM:.*]] = plan.view %[[STATE]] at 0 : memref<4096x512xf32> to memref<2048x512xf32>
// CHECK-DAG: %[[ALL:.*]] = plan.global_ref @[[$PACKED]]
// CHECK-DAG: %[[TO:.*]] = plan.view %[[ALL]] at 0 : memref<128x512x32xbf16> to memref<64x512x32xbf16>
// CHECK: plan.launch @pack_2048x512_f32_bf16 grid [64, 1, 1] (source = %[[FROM]] : {{.*}}, packed = %[[TO]] :
// CHECK: plan.view {{.*}} at 1048576 rows 1048576 : memref<4096x512xf32> to memref<?xf32>
// CHECK: plan.launch @adamw_f32 grid [64, 1, 1]
// CHECK: %[[STATE:.*]] = plan.global_ref @[[$ROWS]]
// CHECK-DAG: %[[FROM:.*]] = plan.view %[[STATE]] at 1048576 : memref<4096x512xf32> to memref<2048x512xf32>
// CHECK-DAG: %[[TO:.*]] = plan.view {{.*}} at 1048576 : memref<128x512x32xbf16> to memref<64x512x32xbf16>
// CHECK: plan.launch @pack_2048x512_f32_bf16 grid [64, 1, 1] (source = %[[FROM]] : {{.*}}, packed = %[[TO]] :
// CHECK-NOT: plan.launch @{{adamw|pack}}

// GPU-LABEL: plan.program @rows(
// GPU: plan.launch @adamw_f32 grid [128, 1, 1]
// GPU: plan.launch @pack_4096x512_f32_bf16
// GPU-NOT: plan.launch @{{adamw|pack}}
func.func @rows(%one: tensor<1xf32>, %flag: tensor<1xi32>, %five: tensor<5xf32>) {
  %m = m1.read_state @w.master : !m1.tensor_state<4096x512xf32>
  %f = m1.read_state @w.first : !m1.tensor_state<4096x512xf32>
  %s = m1.read_state @w.second : !m1.tensor_state<4096x512xf32>
  %g = m1.read_state @w.gradient : !m1.tensor_state<4096x512xf32>
  %n:4 = m1.adamw %m moments %f, %s gradient %g scale %one if %flag rates %one decays %one hyperparameters %five index 0
    : (!m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<5xf32>)
    -> (!m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>)
  m1.write_state %n#0, @w.master : !m1.tensor_state<4096x512xf32>
  m1.write_state %n#1, @w.first : !m1.tensor_state<4096x512xf32>
  m1.write_state %n#2, @w.second : !m1.tensor_state<4096x512xf32>
  m1.write_state %n#3, @w.gradient : !m1.tensor_state<4096x512xf32>
  m1.update_parameter @w from @w.master
  return
}

// CHECK-LABEL: plan.program @experts(
// CHECK: plan.launch @adamw_f32 grid [48, 1, 1]
// CHECK: plan.launch @pack_1024x768_f32_bf16 grid [32, 1, 1]
// CHECK: plan.view {{.*}} at 786432 rows 786432 : memref<3x1024x768xf32> to memref<?xf32>
// CHECK: plan.launch @adamw_f32 grid [48, 1, 1]
// CHECK: %[[STATE:.*]] = plan.global_ref @[[$EXPERTS]]
// CHECK-DAG: %[[FROM:.*]] = plan.view %[[STATE]] at 786432 : memref<3x1024x768xf32> to memref<1024x768xf32>
// CHECK-DAG: %[[ALL:.*]] = plan.global_ref @[[$UP]]
// CHECK-DAG: %[[TO:.*]] = plan.view %[[ALL]] at 786432 : memref<3x32x768x32xbf16> to memref<32x768x32xbf16>
// CHECK: plan.launch @pack_1024x768_f32_bf16 grid [32, 1, 1] (source = %[[FROM]] : {{.*}}, packed = %[[TO]] :
// CHECK: plan.launch @adamw_f32
// CHECK: plan.launch @pack_1024x768_f32_bf16
// CHECK-NOT: plan.launch @{{adamw|pack}}

// GPU-LABEL: plan.program @experts(
// GPU: plan.launch @adamw_f32 grid [144, 1, 1]
// GPU: plan.launch @pack_1024x768_f32_bf16
// GPU: plan.launch @pack_1024x768_f32_bf16
// GPU: plan.launch @pack_1024x768_f32_bf16
// GPU-NOT: plan.launch @{{adamw|pack}}
func.func @experts(%one: tensor<1xf32>, %flag: tensor<1xi32>, %five: tensor<5xf32>) {
  %m = m1.read_state @e.master : !m1.tensor_state<3x1024x768xf32>
  %f = m1.read_state @e.first : !m1.tensor_state<3x1024x768xf32>
  %s = m1.read_state @e.second : !m1.tensor_state<3x1024x768xf32>
  %g = m1.read_state @e.gradient : !m1.tensor_state<3x1024x768xf32>
  %n:4 = m1.adamw %m moments %f, %s gradient %g scale %one if %flag rates %one decays %one hyperparameters %five index 0
    : (!m1.tensor_state<3x1024x768xf32>, !m1.tensor_state<3x1024x768xf32>, !m1.tensor_state<3x1024x768xf32>, !m1.tensor_state<3x1024x768xf32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<5xf32>)
    -> (!m1.tensor_state<3x1024x768xf32>, !m1.tensor_state<3x1024x768xf32>, !m1.tensor_state<3x1024x768xf32>, !m1.tensor_state<3x1024x768xf32>)
  m1.write_state %n#0, @e.master : !m1.tensor_state<3x1024x768xf32>
  m1.write_state %n#1, @e.first : !m1.tensor_state<3x1024x768xf32>
  m1.write_state %n#2, @e.second : !m1.tensor_state<3x1024x768xf32>
  m1.write_state %n#3, @e.gradient : !m1.tensor_state<3x1024x768xf32>
  m1.update_parameter @e from @e.master
  return
}

// CHECK-LABEL: plan.program @later(
// GPU-LABEL: plan.program @later(
// CHECK: plan.launch @adamw_f32
// CHECK-NOT: plan.launch @pack
// CHECK: plan.launch @adamw_f32
// CHECK-NOT: plan.launch @pack
// CHECK: plan.launch @squared_sums
// CHECK: plan.launch @pack_4096x512_f32_bf16 grid [128, 1, 1]
// CHECK-NOT: plan.launch @pack
// CHECK: plan.program @products(
func.func @later(%one: tensor<1xf32>, %flag: tensor<1xi32>, %five: tensor<5xf32>) -> tensor<1xf64> {
  %m = m1.read_state @w.master : !m1.tensor_state<4096x512xf32>
  %f = m1.read_state @w.first : !m1.tensor_state<4096x512xf32>
  %s = m1.read_state @w.second : !m1.tensor_state<4096x512xf32>
  %g = m1.read_state @w.gradient : !m1.tensor_state<4096x512xf32>
  %n:4 = m1.adamw %m moments %f, %s gradient %g scale %one if %flag rates %one decays %one hyperparameters %five index 0
    : (!m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<5xf32>)
    -> (!m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>, !m1.tensor_state<4096x512xf32>)
  %sum, %q = m1.squared_sum %n#0 : (!m1.tensor_state<4096x512xf32>) -> (tensor<1xf64>, !m1.tensor_state<4096x512xf32>)
  m1.write_state %q, @w.master : !m1.tensor_state<4096x512xf32>
  m1.write_state %n#1, @w.first : !m1.tensor_state<4096x512xf32>
  m1.write_state %n#2, @w.second : !m1.tensor_state<4096x512xf32>
  m1.write_state %n#3, @w.gradient : !m1.tensor_state<4096x512xf32>
  m1.update_parameter @w from @w.master
  return %sum : tensor<1xf64>
}

// Packed copies exist because products read them.
func.func @products(%x: tensor<?x512xbf16>, %t: tensor<?x768xbf16>, %chosen: tensor<?x2xi32>, %shares: tensor<?x2xf32>) -> (tensor<?x4096xf32>, tensor<?x768xf32>) {
  %w = m1.load_parameter @w : tensor<4096x512xbf16>
  %y = m1.linear %x, %w : (tensor<?x512xbf16>, tensor<4096x512xbf16>) -> tensor<?x4096xf32>
  %e = m1.load_parameter @e : tensor<3x1024x768xbf16>
  %d = m1.load_parameter @d : tensor<3x768x1024xbf16>
  %z = m1.experts %t, %chosen, %shares, %e, %e, %d : (tensor<?x768xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<3x1024x768xbf16>, tensor<3x1024x768xbf16>, tensor<3x768x1024xbf16>) -> tensor<?x768xf32>
  return %y, %z : tensor<?x4096xf32>, tensor<?x768xf32>
}

m1.parameter @w : tensor<4096x512xbf16> from [#m1.source<"w">]
m1.state @w.master : !m1.tensor_state<4096x512xf32> from @w
m1.state @w.first : !m1.tensor_state<4096x512xf32>
m1.state @w.second : !m1.tensor_state<4096x512xf32>
m1.state @w.gradient : !m1.tensor_state<4096x512xf32>
m1.parameter @e : tensor<3x1024x768xbf16> from [#m1.source<"e.0">, #m1.source<"e.1">, #m1.source<"e.2">]
m1.state @e.master : !m1.tensor_state<3x1024x768xf32> from @e
m1.state @e.first : !m1.tensor_state<3x1024x768xf32>
m1.state @e.second : !m1.tensor_state<3x1024x768xf32>
m1.state @e.gradient : !m1.tensor_state<3x1024x768xf32>
m1.parameter @d : tensor<3x768x1024xbf16> from [#m1.source<"d.0">, #m1.source<"d.1">, #m1.source<"d.2">]
