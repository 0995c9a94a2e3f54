// m1-interpret runs a module's next, score and logits as a language model.
//
// This one likes the token after the last best (logit 3, the other three 0), but counts: every token that has passed
// before, this one included, adds a half to token 0. Lightning attention without decay is the counter. From 1, the
// logits of token 0 are 0.5, 1, 1.5, 2, ... so greedy decoding reads 2, 3, 0, 1, 2, 0: the sixth time token 0 has 3
// too, and the lower index wins.
//
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as np; np.save('%t/a.npy', np.array([1, 2])); np.save('%t/b.npy', np.array([3], np.int32))"
// RUN: m1-interpret %s --tokens %t/a.npy,%t/b.npy --max-new-tokens 5 --logits --out-dir %t/out
// RUN: %python %S/language_model.py %t/out | FileCheck %s
// CHECK: tokens.0 int64 [1, 2, 3, 0, 1, 2, 0]
// CHECK: tokens.1 int64 [3, 0, 1, 2, 3, 0]
// CHECK: log-probabilities agree with the logits

// Nothing to continue: score alone. A single token has no log-probability.
// RUN: m1-interpret %s --tokens %t/b.npy --out-dir %t/score
// RUN: %python -c "import numpy as np; print(np.load('%t/score/tokens.0.npy'), np.load('%t/score/logprobs.0.npy').shape)" | FileCheck %s --check-prefix=ONE
// ONE: [3] (0,)
// RUN: not ls %t/score/logits.0.npy

m1.state @count : !m1.lightning_state<1 x 1, chunk = 4, f32>

func.func private @model(%tokens: tensor<?xi32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) -> tensor<?x4xf32> {
  %ones = arith.constant dense<1.0> : tensor<4x1xf32>
  %likes = arith.constant dense<[[0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 3.0], [3.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  %half = arith.constant dense<[[0.5], [0.0], [0.0], [0.0]]> : tensor<4x1xf32>
  %one = m1.embedding %tokens, %ones : (tensor<?xi32>, tensor<4x1xf32>) -> tensor<?x1xf32>
  %next = m1.embedding %tokens, %likes : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %h = m1.split_heads %one : (tensor<?x1xf32>) -> tensor<?x1x1xf32>
  %s = m1.read_state @count : !m1.lightning_state<1 x 1, chunk = 4, f32>
  %c, %t = m1.lightning_attention %h, %h, %h, %s at (%p, %cu, %slots) slopes [0.0]
    : (tensor<?x1x1xf32>, tensor<?x1x1xf32>, tensor<?x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 4, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 4, f32>)
  m1.write_state %t, @count : !m1.lightning_state<1 x 1, chunk = 4, f32>
  %n = m1.merge_heads %c : (tensor<?x1x1xf32>) -> tensor<?x1xf32>
  %bias = m1.linear %n, %half : (tensor<?x1xf32>, tensor<4x1xf32>) -> tensor<?x4xf32>
  %logits = m1.residual %next, %bias alpha 1.0 beta 1.0 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %logits : tensor<?x4xf32>
}

func.func @next(%tokens: tensor<?xi32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>, %temperature: tensor<?xf32>,
                %top_p: tensor<?xf32>, %top_k: tensor<?xi32>, %seeds: tensor<?xi64>, %q: tensor<?xi32>) -> (tensor<?xi32>, tensor<?xf32>, tensor<?x4xf32>) {
  %all = func.call @model(%tokens, %p, %cu, %slots) : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x4xf32>
  %logits = m1.select_last %all, %cu : (tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x4xf32>
  %0 = m1.sample %logits temperature %temperature top_p %top_p top_k %top_k seeds %seeds positions %q
    : (tensor<?x4xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  %1 = m1.token_log_prob %logits, %0 : (tensor<?x4xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %0, %1, %logits : tensor<?xi32>, tensor<?xf32>, tensor<?x4xf32>
}

func.func @score(%tokens: tensor<?xi32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>, %targets: tensor<?xi32>) -> tensor<?xf32> {
  %logits = func.call @model(%tokens, %p, %cu, %slots) : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x4xf32>
  %0 = m1.token_log_prob %logits, %targets : (tensor<?x4xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

func.func @logits(%tokens: tensor<?xi32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) -> tensor<?x4xf32> {
  %logits = func.call @model(%tokens, %p, %cu, %slots) : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x4xf32>
  return %logits : tensor<?x4xf32>
}
