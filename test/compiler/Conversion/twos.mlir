// Where the target's unit adds two terms at once, sums over tokens of bf16 get lists of
// the tokens of each sequence in twos, and transposed weights are packed in pairs of rows.
// Other targets add the same rounded rows one after the other.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4+avx512bf16" --m1-to-plan | FileCheck %s
// RUN: m1-opt %s --tile-set-target=name=x86-64-v4 --m1-to-plan | FileCheck %s --check-prefix=ONE
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4+amx" --m1-to-plan | FileCheck %s --check-prefix=ONE
// RUN: m1-opt %s --tile-set-target=name=sm_80 --m1-to-plan | FileCheck %s --check-prefix=ONE

m1.parameter @weight : tensor<6x40xbf16> from [#m1.source<"w">]
m1.state @matrix : !m1.tensor_state<6x40xf32>
m1.state @experts : !m1.tensor_state<3x6x40xf32>

// CHECK-LABEL: plan.program @gradients(
// CHECK: plan.launch @pack_transposed_{{.*}} : memref<1x2x3x32x2xbf16> written)
// CHECK: plan.launch @linear_{{.*}} : memref<2x3x32x2xbf16>
// CHECK: %[[LIST:.*]] = plan.buffer : memref<1x[[EXTENT:[0-9]+]]xi32>
// CHECK: %[[COUNTS:.*]] = plan.buffer : memref<1xi32>
// CHECK: plan.launch @list_tokens{{.*}} grid [1, 1, 1] (cu_seqlens = %[[CU:[^ ]*]] : memref<?xi32>, list = %[[LIST]] : memref<1x[[EXTENT]]xi32> written, counts = %[[COUNTS]] : memref<1xi32> written, sequences
// CHECK: plan.launch @linear_weight_gradient_{{.*}}list = %[[LIST]] : {{.*}}, counts = %[[COUNTS]]
// CHECK: %[[PAIRS:.*]] = plan.buffer : memref<3x[[EXTENT]]xi32>
// CHECK: plan.launch @route_{{.*}}pairs = %[[PAIRS]] : {{.*}}cu_seqlens = %[[CU]] : memref<?xi32>, sequences
// CHECK: plan.launch @experts_weight_gradient_{{.*}}_twos1 {{.*}}pairs = %[[PAIRS]]

// ONE-LABEL: plan.program @gradients(
// ONE: plan.launch @pack_transposed_{{.*}} written)
// ONE-NOT: list
// ONE-NOT: sequences
// ONE: plan.launch @linear_weight_gradient_
// ONE: plan.launch @route_
// ONE: plan.launch @experts_weight_gradient_{{.*}}_twos0
// ONE-NOT: list
// ONE-NOT: sequences

func.func @gradients(%dy: tensor<?x6xbf16>, %x: tensor<?x40xbf16>, %e: tensor<?x2xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}) -> tensor<?x40xf32> {
  %w = m1.load_parameter @weight : tensor<6x40xbf16>
  %r = m1.linear_transposed %dy, %w : (tensor<?x6xbf16>, tensor<6x40xbf16>) -> tensor<?x40xf32>
  %m0 = m1.read_state @matrix : !m1.tensor_state<6x40xf32>
  %m1 = m1.linear_weight_gradient %dy, %x, %m0 at %cu : (tensor<?x6xbf16>, tensor<?x40xbf16>, !m1.tensor_state<6x40xf32>, tensor<?xi32>) -> !m1.tensor_state<6x40xf32>
  m1.write_state %m1, @matrix : !m1.tensor_state<6x40xf32>
  %s0 = m1.read_state @experts : !m1.tensor_state<3x6x40xf32>
  %s1 = m1.experts_weight_gradient %dy, %x, %e, %s0 at %cu : (tensor<?x6xbf16>, tensor<?x40xbf16>, tensor<?x2xi32>, !m1.tensor_state<3x6x40xf32>, tensor<?xi32>) -> !m1.tensor_state<3x6x40xf32>
  m1.write_state %s1, @experts : !m1.tensor_state<3x6x40xf32>
  return %r : tensor<?x40xf32>
}
