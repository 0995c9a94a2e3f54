// What a module cannot check is checked when it runs: one line that says what was expected and what was found.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as np; np.save('%t/i3.npy', np.arange(3)); np.save('%t/f3.npy', np.ones((3, 1))); np.save('%t/cu.npy', np.array([0, 2])); np.save('%t/cu3.npy', np.array([0, 3])); np.save('%t/zero.npy', np.array([0])); np.save('%t/p5.npy', np.arange(5, 8)); np.save('%t/gap.npy', np.array([0, 2, 3]))"

// RUN: not m1-interpret %s --entry embedding --arg %t/p5.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=TOKENS
// TOKENS: {{^.*}}errors.mlir:[[#]]:8: error: 'm1.embedding' op expected tokens from 0 to 3, found 5 at 0
// TOKENS-NOT: {{.}}
// RUN: test ! -e %t/out

// RUN: not m1-interpret %s --entry targets --arg %t/p5.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=TARGETS
// TARGETS: 'm1.token_log_prob' op expected targets from 0 to 0, found 5 at 0

// RUN: not m1-interpret %s --entry rules --arg %t/p5.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=RULES
// RULES: 'm1.adjust_logits' op expected rows from -1 to 1, found 5 at 0

// RUN: not m1-interpret %s --entry no_vocabulary --arg %t/i3.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=VOCABULARY
// VOCABULARY: 'm1.sample' op expected a vocabulary to draw from, found none

// RUN: not m1-interpret %s --entry infinite --arg %t/i3.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=INFINITE
// INFINITE: 'm1.sample' op expected logits below infinity, found infinity at 1, 0

// RUN: not m1-interpret %s --entry absent --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: m1-interpret: error: {{.*}}errors.mlir: expected a function 'absent', found none

// RUN: not m1-interpret %s --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=CHOICE
// CHOICE: errors.mlir: expected one function or one named main; name one of its functions with --entry

// RUN: not m1-interpret %s --entry embedding --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=COUNT
// COUNT: 'func.func' op expected 1 inputs, found 0

// RUN: not m1-interpret %s --entry embedding --arg %t/f3.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: 'func.func' op expected tokens of type 'tensor<?xi32>', found floats [3, 1]

// RUN: not m1-interpret %s --entry attention --arg %t/f3.npy --arg %t/cu3.npy --arg %t/cu3.npy --arg %t/zero.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=DIM
// DIM: 'func.func' op expected positions to have T = 3 rows, found 2

// RUN: not m1-interpret %s --entry attention --arg %t/f3.npy --arg %t/i3.npy --arg %t/i3.npy --arg %t/zero.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=SLOTS
// SLOTS: 'func.func' op expected slots to have B = 2 rows, found 1

// RUN: not m1-interpret %s --entry attention --arg %t/f3.npy --arg %t/i3.npy --arg %t/cu.npy --arg %t/zero.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=CU
// CU: 'm1.lightning_attention' op expected cu_seqlens from 0 to the 3 tokens, found 0 to 2

// RUN: not m1-interpret %s --entry attention --arg %t/f3.npy --arg %t/p5.npy --arg %t/cu3.npy --arg %t/zero.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=START
// START: expected sequence 0 at position 0, found 5

// RUN: not m1-interpret %s --entry attention --arg %t/f3.npy --arg %t/gap.npy --arg %t/cu3.npy --arg %t/zero.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=GAP
// GAP: expected consecutive positions in sequence 0, found 2 for token 1

// RUN: not m1-interpret %s --entry shared_slot --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=SHARED
// SHARED: expected a slot of its own for each sequence, found 4 for sequence 1

// RUN: not m1-interpret %s --entry load --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// WEIGHTS: 'm1.parameter' op needs a checkpoint, found none

// A checkpoint with the tensor in another type, and one without it.
// RUN: mkdir %t/typed %t/other
// RUN: %python -c "h = b'{\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}'; open('%t/typed/model.safetensors', 'wb').write(len(h).to_bytes(8, 'little') + h + bytes(8))"
// RUN: not m1-interpret %s --entry load --weights %t/typed --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=FOUND
// FOUND: 'm1.parameter' op expected "w" of BF16 [2, 1] in {{.*}}typed/model.safetensors, found F32 [2, 1]
// RUN: %python -c "h = b'{\"v\":{\"dtype\":\"BF16\",\"shape\":[2,1],\"data_offsets\":[0,4]}}'; open('%t/other/model.safetensors', 'wb').write(len(h).to_bytes(8, 'little') + h + bytes(4))"
// RUN: not m1-interpret %s --entry load --weights %t/other --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: 'm1.parameter' op expected the checkpoint to hold "w"
// RUN: test ! -e %t/out

// RUN: not m1-interpret %t/absent.mlir --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: m1-interpret: error: {{.*}}absent.mlir: No such file or directory

// RUN: echo 'func.func @f() { m1.nothing }' > %t/syntax.mlir
// RUN: not m1-interpret %t/syntax.mlir --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=SYNTAX
// SYNTAX: {{^.*}}syntax.mlir:1:18: error: custom op 'm1.nothing' is unknown
// SYNTAX-NOT: {{.}}

// Extents that only a call knows must agree in each op, also without m1.dim.
// RUN: %python -c "import numpy as np; np.save('%t/r1.npy', np.ones((1, 1))); np.save('%t/many.npy', np.ones((100000, 1))); np.save('%t/r0.npy', np.ones((0, 1))); np.save('%t/i0.npy', np.arange(0))"
// RUN: not m1-interpret %s --entry sum --arg %t/many.npy --arg %t/r1.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=MANY
// MANY: {{^.*}}errors.mlir:[[#]]:8: error: 'm1.residual' op expected operand 1 to have 100000 rows, found 1
// RUN: not m1-interpret %s --entry sum --arg %t/r1.npy --arg %t/many.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=FEW
// FEW: 'm1.residual' op expected operand 1 to have 1 rows, found 100000
// RUN: not m1-interpret %s --entry sum --arg %t/f3.npy --arg %t/r0.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: 'm1.residual' op expected operand 1 to have 3 rows, found 0
// RUN: not m1-interpret %s --entry inner --arg %t/f3.npy --arg %t/f3.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=INNER
// INNER: 'm1.sigmoid_gate' op expected operand 1 to have 1 elements along axis 1, found 3
// RUN: not m1-interpret %s --entry mix --arg %t/f3.npy --arg %t/f3.npy --arg %t/r1.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=MIX
// MIX: 'm1.shared_mix' op expected operand 2 to have T = 3 rows, found 1
// RUN: not m1-interpret %s --entry free_attention --arg %t/f3.npy --arg %t/f3.npy --arg %t/i3.npy --arg %t/cu3.npy --arg %t/i3.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=BATCH
// BATCH: 'm1.softmax_attention' op expected operand 6 to have B = 1 rows, found 3
// RUN: not m1-interpret %s --entry free_attention --arg %t/f3.npy --arg %t/many.npy --arg %t/i3.npy --arg %t/cu3.npy --arg %t/zero.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=KEYS
// KEYS: 'm1.softmax_attention' op expected operand 1 to have T = 3 rows, found 100000
// RUN: not m1-interpret %s --entry last --arg %t/f3.npy --arg %t/i0.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=LAST
// LAST: 'm1.select_last' op expected operand 1 to have B+1 = 1 rows, found 0
// RUN: not m1-interpret %s --entry scored --arg %t/f3.npy --arg %t/zero.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=SCORED
// SCORED: 'm1.token_log_prob' op expected operand 1 to have T = 3 rows, found 1
// RUN: not m1-interpret %s --entry fused --arg %t/many.npy --arg %t/f3.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=FUSED
// FUSED: 'm1.silu_mul' op expected operand 1 to have 3 rows, found 100000
// Blocks of two positions: each sequence's own where it writes.
// RUN: %python -c "import numpy as np; [np.save('%t/' + n, np.array(v, 'i4')) for n, v in (('b2', [[3, 3], [4, 5]]), ('same', [[3, 4], [4, 5]]), ('less', [[3, 0], [-1, 5]]), ('p00', [0, 0]), ('p12', [2, 2]), ('p24', [2, 4]))]"
// RUN: not m1-interpret %s --entry paged --arg %t/same.npy --arg %t/p12.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=COMMON
// COMMON: 'm1.softmax_attention' op expected block 4, which sequence 0 writes, in no other, found it in sequence 1
// RUN: not m1-interpret %s --entry paged --arg %t/less.npy --arg %t/p00.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=NOBLOCK
// NOBLOCK: 'm1.softmax_attention' op expected block 0 of sequence 1 to be 0 or more, found -1
// RUN: not m1-interpret %s --entry paged --arg %t/b2.npy --arg %t/p24.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=PAST
// PAST: 'm1.softmax_attention' op expected positions of sequence 1 from 0 to 3, found 4
// RUN: test ! -e %t/out

// Options that would have no effect.
// RUN: not m1-interpret %s --tokens %t/i3.npy --entry load --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=ENTRY
// ENTRY: {{^}}m1-interpret: error: --entry: has no effect with --tokens{{$}}
// RUN: not m1-interpret %s --tokens %t/i3.npy --arg %t/i3.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=ARG
// ARG: --arg: has no effect with --tokens
// RUN: not m1-interpret %s --entry load --logits --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=LOGITS
// LOGITS: --logits: has no effect without --tokens
// RUN: not m1-interpret %s --entry load --max-new-tokens 3 --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=NEW
// NEW: --max-new-tokens: has no effect without --tokens
// RUN: not m1-interpret %s --entry load --init-seed 3 --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=SEED
// SEED: --init-seed: has no effect without --weights none

m1.parameter @w : tensor<2x1xbf16> from [#m1.source<"w">]
m1.state @cache : !m1.kv_cache<1 x 1, f32>
m1.state @s : !m1.lightning_state<1 x 1, chunk = 4, f32>
m1.state @pool : !m1.kv_cache<1 x 1, f32, block = 2>

func.func @embedding(%tokens: tensor<?xi32> {m1.name = "tokens", m1.dim = "T"}) -> tensor<?x1xf32> {
  %table = arith.constant dense<1.0> : tensor<4x1xf32>
  %0 = m1.embedding %tokens, %table : (tensor<?xi32>, tensor<4x1xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

func.func @targets(%targets: tensor<3xi32>) -> tensor<3xf32> {
  %logits = arith.constant dense<1.0> : tensor<3x1xf32>
  %0 = m1.token_log_prob %logits, %targets : (tensor<3x1xf32>, tensor<3xi32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

func.func @attention(%x: tensor<?x1xf32> {m1.dim = "T"}, %p: tensor<?xi32> {m1.name = "positions", m1.dim = "T"},
                     %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.name = "slots", m1.dim = "B"}) -> tensor<?x1x1xf32> {
  %h = m1.split_heads %x : (tensor<?x1xf32>) -> tensor<?x1x1xf32>
  %s = m1.read_state @s : !m1.lightning_state<1 x 1, chunk = 4, f32>
  %0, %t = m1.lightning_attention %h, %h, %h, %s at (%p, %cu, %slots) slopes [0.0]
    : (tensor<?x1x1xf32>, tensor<?x1x1xf32>, tensor<?x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 4, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 4, f32>)
  m1.write_state %t, @s : !m1.lightning_state<1 x 1, chunk = 4, f32>
  return %0 : tensor<?x1x1xf32>
}

func.func @shared_slot() -> tensor<?x1x1xf32> {
  %x = arith.constant dense<1.0> : tensor<2x1xf32>
  %p = arith.constant dense<0> : tensor<2xi32>
  %cu = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  %slots = arith.constant dense<4> : tensor<2xi32>
  %h = m1.split_heads %x : (tensor<2x1xf32>) -> tensor<?x1x1xf32>
  %s = m1.read_state @s : !m1.lightning_state<1 x 1, chunk = 4, f32>
  %0, %t = m1.lightning_attention %h, %h, %h, %s at (%p, %cu, %slots) slopes [0.0]
    : (tensor<?x1x1xf32>, tensor<?x1x1xf32>, tensor<?x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 4, f32>, tensor<2xi32>, tensor<3xi32>, tensor<2xi32>)
    -> (tensor<?x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 4, f32>)
  return %0 : tensor<?x1x1xf32>
}

func.func @load() -> tensor<2x1xbf16> {
  %0 = m1.load_parameter @w : tensor<2x1xbf16>
  return %0 : tensor<2x1xbf16>
}

func.func @infinite(%x: tensor<3xi32>) -> tensor<3xi32> {
  %logits = arith.constant dense<[[1.0, 0xFF800000], [0x7F800000, 1.0], [0x7FC00000, 1.0]]> : tensor<3x2xf32>
  %one = arith.constant dense<1.0> : tensor<3xf32>
  %seeds = arith.constant dense<1> : tensor<3xi64>
  %0 = m1.sample %logits temperature %one top_p %one top_k %x seeds %seeds positions %x
    : (tensor<3x2xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xi32>, tensor<3xi64>, tensor<3xi32>) -> tensor<3xi32>
  return %0 : tensor<3xi32>
}

func.func @no_vocabulary(%x: tensor<3xi32>) -> tensor<3xi32> {
  %logits = arith.constant dense<1.0> : tensor<3x0xf32>
  %one = arith.constant dense<1.0> : tensor<3xf32>
  %seeds = arith.constant dense<1> : tensor<3xi64>
  %0 = m1.sample %logits temperature %one top_p %one top_k %x seeds %seeds positions %x
    : (tensor<3x0xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xi32>, tensor<3xi64>, tensor<3xi32>) -> tensor<3xi32>
  return %0 : tensor<3xi32>
}

func.func @sum(%x: tensor<?x1xf32>, %y: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %0 = m1.residual %x, %y alpha 1.0 beta 1.0 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

func.func @inner(%x: tensor<3x?xf32>, %y: tensor<?x1xf32>) -> tensor<3x?xf32> {
  %wide = arith.constant dense<1.0> : tensor<3x3xf32>
  %z = m1.cast %wide : tensor<3x3xf32> to tensor<3x?xf32>
  %0 = m1.sigmoid_gate %x, %z : (tensor<3x?xf32>, tensor<3x?xf32>) -> tensor<3x?xf32>
  return %0 : tensor<3x?xf32>
}

func.func @mix(%x: tensor<?x1xf32>, %y: tensor<?x1xf32>, %c: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %0 = m1.shared_mix %x, %y, %c : (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

func.func @free_attention(%x: tensor<?x1xf32>, %y: tensor<?x1xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) -> tensor<?x1x1xf32> {
  %q = m1.split_heads %x : (tensor<?x1xf32>) -> tensor<?x1x1xf32>
  %k = m1.split_heads %y : (tensor<?x1xf32>) -> tensor<?x1x1xf32>
  %s = m1.read_state @cache : !m1.kv_cache<1 x 1, f32>
  %0, %t = m1.softmax_attention %q, %k, %k, %s at (%p, %cu, %slots) scale 1.0
    : (tensor<?x1x1xf32>, tensor<?x1x1xf32>, tensor<?x1x1xf32>, !m1.kv_cache<1 x 1, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x1xf32>, !m1.kv_cache<1 x 1, f32>)
  m1.write_state %t, @cache : !m1.kv_cache<1 x 1, f32>
  return %0 : tensor<?x1x1xf32>
}

func.func @last(%x: tensor<?x1xf32>, %cu: tensor<?xi32>) -> tensor<?x1xf32> {
  %0 = m1.select_last %x, %cu : (tensor<?x1xf32>, tensor<?xi32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

func.func @scored(%x: tensor<?x1xf32>, %targets: tensor<?xi32>) -> tensor<?xf32> {
  %0 = m1.token_log_prob %x, %targets : (tensor<?x1xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

func.func @fused(%x: tensor<?x1xf32>, %y: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<2.0> : tensor<1x1xf32>
  %0 = m1.fused -> tensor<?x1xf32> {
    %1 = m1.linear %x, %w : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    %2 = m1.silu_mul %y, %1 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
    m1.yield %2 : tensor<?x1xf32>
  }
  return %0 : tensor<?x1xf32>
}

// Without control flow, a function that calls itself never returns.
// RUN: not m1-interpret %s --entry again --arg %t/f3.npy --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=AGAIN
// AGAIN: {{^.*}}errors.mlir:[[#]]:8: error: 'func.call' op expected at most 100 calls inside one another, found a call of @again in as many
func.func @again(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %0 = call @again(%x) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// Constants that the interpreter's numbers cannot hold, or no memory.
// RUN: not m1-interpret %s --entry wide --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=WIDE
// WIDE: 'arith.constant' op expected i32, i64, f32, bf16, f16 or f64 elements, found 'i128'
func.func @wide() -> tensor<1xi128> {
  %0 = arith.constant dense<170141183460469231731687303715884105727> : tensor<1xi128>
  return %0 : tensor<1xi128>
}
// RUN: not m1-interpret %s --entry huge --out-dir %t/out 2>&1 | FileCheck %s --check-prefix=HUGE
// HUGE: 'arith.constant' op expected extents of at most 2147483647, found 'tensor<1000000000000xf32>'
func.func @huge() -> tensor<1000000000000xf32> {
  %0 = arith.constant dense<1.0> : tensor<1000000000000xf32>
  return %0 : tensor<1000000000000xf32>
}

func.func @rules(%rows: tensor<?xi32>) -> tensor<?x1xf32> {
  %l = arith.constant dense<0.0> : tensor<3x1xf32>
  %b = arith.constant dense<0.0> : tensor<2x1xf32>
  %r = m1.adjust_logits %l rows %rows bias %b repetition %b : (tensor<3x1xf32>, tensor<?xi32>, tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
  return %r : tensor<?x1xf32>
}

// One token of each of two sequences.
func.func @paged(%blocks: tensor<2x2xi32>, %p: tensor<2xi32>) -> tensor<2x1x1xf32> {
  %x = arith.constant dense<1.0> : tensor<2x1x1xf32>
  %cu = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  %slots = arith.constant dense<[0, 1]> : tensor<2xi32>
  %s = m1.read_state @pool : !m1.kv_cache<1 x 1, f32, block = 2>
  %0, %t = m1.softmax_attention %x, %x, %x, %s at (%p, %cu, %slots) blocks %blocks scale 1.0
    : (tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>, !m1.kv_cache<1 x 1, f32, block = 2>, tensor<2xi32>, tensor<3xi32>, tensor<2xi32>, tensor<2x2xi32>)
    -> (tensor<2x1x1xf32>, !m1.kv_cache<1 x 1, f32, block = 2>)
  m1.write_state %t, @pool : !m1.kv_cache<1 x 1, f32, block = 2>
  return %0 : tensor<2x1x1xf32>
}
