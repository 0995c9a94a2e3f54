// The examples in --help run.
// RUN: m1-opt --help | sed -n 's|^  m1-opt module.mlir|m1-opt "%s"|p' > %t.sh
// RUN: FileCheck %s --check-prefix=EXAMPLES < %t.sh
// RUN: sh -e %t.sh 2>&1 | FileCheck %s
// EXAMPLES-COUNT-3: m1-opt "
// CHECK: func.func @f
// CHECK: plan.program @f
// CHECK: plan.program @f
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %r = m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}
