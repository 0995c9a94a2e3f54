// The head with the policy loss reads back what it prints.
// RUN: m1-opt %s | m1-opt | FileCheck %s
// RUN: m1-opt %s --mlir-print-op-generic | m1-opt | FileCheck %s

// CHECK: m1.state @sum : !m1.tensor_state<9x8xf32>
m1.state @sum : !m1.tensor_state<9x8xf32>

func.func @head(%x: tensor<?x8xf32>, %w: tensor<9x8xbf16>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>,
                %t: tensor<1xf32>, %b: tensor<4xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>) {
  // CHECK: %[[S:.*]] = m1.read_state @sum : !m1.tensor_state<9x8xf32>
  %s = m1.read_state @sum : !m1.tensor_state<9x8xf32>
  // CHECK: %{{.*}}, %{{.*}}, %{{.*}}, %[[N:.*]] = m1.policy_head %{{.*}}, %{{.*}}, %{{.*}} old %{{.*}} advantages %{{.*}} weights %{{.*}} temperature %{{.*}} bounds %{{.*}}, %[[S]]
  // CHECK-SAME: : (tensor<?x8xf32>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
  // CHECK-SAME: -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  // CHECK: m1.write_state %[[N]], @sum
  m1.write_state %n, @sum : !m1.tensor_state<9x8xf32>
  return %p, %h, %dx : tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func.func @in_sequences
func.func @in_sequences(%x: tensor<?x8xf32>, %w: tensor<9x8xbf16>, %y: tensor<?xi32>, %o: tensor<?xf32>, %t: tensor<1xf32>,
                        %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>, %cu: tensor<?xi32>) {
  // CHECK: m1.policy_head {{.*}} bounds %arg5, %arg6 at %arg7 : ({{.*}}, !m1.tensor_state<9x8xf32>, tensor<?xi32>) ->
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %o weights %o temperature %t bounds %b, %s at %cu
    : (tensor<?x8xf32>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>, tensor<?xi32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}
