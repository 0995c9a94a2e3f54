// Transposed weights are packed just before their product, in a buffer: from the master
// values of a parameter that is updated, and from the checkpoint's tensors otherwise. The
// plan keeps no copy of them.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan | FileCheck %s

// CHECK: plan.global "state" @[[$MASTER:[a-z.]+]] : memref<6x40xf32>
// CHECK-NOT: plan.global "
// CHECK-LABEL: plan.program @gradients(
// CHECK: %[[PACKED:.*]] = plan.buffer : memref<1x2x6x32xbf16>
// CHECK: %[[STATE:.*]] = plan.global_ref @[[$MASTER]]
// CHECK: %[[FROM:.*]] = plan.view %[[STATE]] at 0 : memref<6x40xf32> to memref<1x6x40xf32>
// CHECK: plan.launch @pack_transposed_1x6x40_f32_bf16 grid [2, 1, 1] (source = %[[FROM]] : memref<1x6x40xf32>, packed = %[[PACKED]] : memref<1x2x6x32xbf16> written)
// CHECK: %[[PANELS:.*]] = plan.view %[[PACKED]] at 0
// CHECK: plan.launch @linear_6x40_f32_bf16 {{.*}}weight = %[[PANELS]] : memref<2x6x32xbf16>
// CHECK: %[[PACKED:.*]] = plan.buffer : memref<1x2x6x32xbf16>
// CHECK: %[[WHOLE:.*]] = plan.parameter "fused" : memref<6x100xbf16>
// CHECK: %[[PART:.*]] = plan.view %[[WHOLE]] at 20
// CHECK: %[[FROM:.*]] = plan.view %[[PART]] at 0 : {{.*}} to memref<1x6x40xbf16, strided<[600, 100, 1]>>
// CHECK: plan.launch @pack_transposed_1x6x40_bf16 grid [2, 1, 1] (source = %[[FROM]] : {{.*}}, packed = %[[PACKED]] : {{.*}} written)
// CHECK: plan.launch @linear_6x40_f32_bf16
// CHECK-LABEL: plan.program @publish(
// CHECK-NOT: plan.launch

m1.parameter @weight : tensor<6x40xbf16> from [#m1.source<"w">]
m1.parameter @fixed : tensor<6x40xbf16> from [#m1.source<"fused"[axis 1, 20 to 60 of 100]>]
m1.state @master : !m1.tensor_state<6x40xf32> from @weight

func.func @gradients(%dy: tensor<?x6xf32> {m1.name = "dy"}) -> (tensor<?x40xf32> {m1.name = "dx"}, tensor<?x40xf32> {m1.name = "other"}) {
  %w = m1.load_parameter @weight : tensor<6x40xbf16>
  %r = m1.linear_transposed %dy, %w : (tensor<?x6xf32>, tensor<6x40xbf16>) -> tensor<?x40xf32>
  %f = m1.load_parameter @fixed : tensor<6x40xbf16>
  %q = m1.linear_transposed %dy, %f : (tensor<?x6xf32>, tensor<6x40xbf16>) -> tensor<?x40xf32>
  return %r, %q : tensor<?x40xf32>, tensor<?x40xf32>
}

func.func @publish() {
  m1.update_parameter @weight from @master
  return
}
