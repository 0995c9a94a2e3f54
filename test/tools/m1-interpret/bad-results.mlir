// Functions of a language model whose results are not what m1-interpret reads.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as np; np.save('%t/one.npy', [3]); np.save('%t/two.npy', [3, 4])"
// RUN: not m1-interpret %s --weights none --tokens %t/two.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=SCORE
// SCORE: score: expected log_probs to be floats of size 1, found integers of size 1
// RUN: not m1-interpret %s --weights none --tokens %t/one.npy --max-new-tokens 1 --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=NEXT
// NEXT: next: expected log_probs to be floats of size 1, found integers of size 2
// RUN: not m1-interpret %s --weights none --tokens %t/one.npy --logits --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=LOGITS
// LOGITS: logits: expected 1 result, found 2
func.func @score(%x: tensor<?xi32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"},
                 %targets: tensor<?xi32>) -> tensor<?xi32> {
  return %targets : tensor<?xi32>
}
func.func @next(%x: tensor<?xi32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"},
                %temperature: tensor<?xf32> {m1.dim = "B"}, %top_p: tensor<?xf32> {m1.dim = "B"}, %top_k: tensor<?xi32> {m1.dim = "B"},
                %seeds: tensor<?xi64> {m1.dim = "B"}, %positions: tensor<?xi32> {m1.dim = "B"})
    -> (tensor<?xi32>, tensor<?xi32> {m1.dim = "B+1"}, tensor<?xi32>) {
  return %x, %cu, %x : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>
}
func.func @logits(%x: tensor<?xi32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"})
    -> (tensor<?xi32>, tensor<?xi32>) {
  return %x, %p : tensor<?xi32>, tensor<?xi32>
}
