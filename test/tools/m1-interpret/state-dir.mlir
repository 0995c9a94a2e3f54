// --state-dir writes the tensor states that the function wrote, and no others.
// RUN: rm -rf %t && m1-interpret %s --entry add --out-dir %t/out --state-dir %t/states
// RUN: ls %t/states | FileCheck %s --check-prefix=FILES
// FILES: {{^}}touched.npy{{$}}
// FILES-NEXT: {{^}}untouched.npy{{$}}
// FILES-NOT: {{.}}
// RUN: %python -c "import numpy as np; print(np.load('%t/states/touched.npy').tolist(), np.load('%t/states/untouched.npy').tolist())" | FileCheck %s
// CHECK: {{^\[\[}}0.0, 0.0], [4.0, 6.0]] [0.0, 0.0, 0.0]{{$}}
// RUN: not m1-interpret %s --entry slash --out-dir %t/out --state-dir %t/slash 2>&1 | FileCheck %s --check-prefix=SLASH
// SLASH: state 'a/b': a name with a slash cannot be a file's
// RUN: not ls %t/slash/a
// RUN: not m1-interpret %s --tokens %t/none.npy --out-dir %t/out --state-dir %t/states 2>&1 | FileCheck %s --check-prefix=TOKENS
// TOKENS: --state-dir: has no effect with --tokens

m1.state @touched : !m1.tensor_state<2x2xf32>
m1.state @untouched : !m1.tensor_state<3xf32>
m1.state @never_written : !m1.tensor_state<3xf32>
m1.state @"a/b" : !m1.tensor_state<2x2xf32>

func.func @add() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %tokens = arith.constant dense<1> : tensor<2xi32>
  %0 = m1.read_state @touched : !m1.tensor_state<2x2xf32>
  %1 = m1.embedding_gradient %x, %tokens, %0 : (tensor<2x2xf32>, tensor<2xi32>, !m1.tensor_state<2x2xf32>) -> !m1.tensor_state<2x2xf32>
  m1.write_state %1, @touched : !m1.tensor_state<2x2xf32>
  %2 = m1.read_state @untouched : !m1.tensor_state<3xf32>
  m1.write_state %2, @untouched : !m1.tensor_state<3xf32>
  return
}

func.func @slash() {
  %0 = m1.read_state @"a/b" : !m1.tensor_state<2x2xf32>
  m1.write_state %0, @"a/b" : !m1.tensor_state<2x2xf32>
  return
}
