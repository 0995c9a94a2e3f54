// Functions that have no plan, one case per error.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan -verify-diagnostics -split-input-file

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) -> tensor<?x4xf32> {
  // expected-error@+1 {{expected a parameter (m1.load_parameter) as weight, found another value}}
  %r = m1.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<8xf32>) -> tensor<?x8xf32> {
  // expected-error@+1 {{expected a parameter (m1.load_parameter) as weight, found another value}}
  %r = m1.rms_norm %x, %w eps 1.0 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

m1.parameter @table : tensor<2x8xf32> from stacked [#m1.source<"a">, #m1.source<"b">]
func.func @f(%x: tensor<?xi32>) -> tensor<?x8xf32> {
  %t = m1.load_parameter @table : tensor<2x8xf32>
  // expected-error@+1 {{expected a parameter of one source, found 2}}
  %r = m1.embedding %x, %t : (tensor<?xi32>, tensor<2x8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

m1.state @a : !m1.kv_cache<1 x 8, f32>
m1.state @b : !m1.kv_cache<1 x 8, f32>
func.func @f() {
  %s = m1.read_state @a : !m1.kv_cache<1 x 8, f32>
  // expected-error@+1 {{expected an updated value of @b, found one of another state}}
  m1.write_state %s, @b : !m1.kv_cache<1 x 8, f32>
  return
}

// -----

// expected-error@+1 {{'init' is reserved for the program that packs weights; rename the function}}
func.func @init() {
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>) -> tensor<?x2x2xbf16> {
  %q, %k, %v = m1.split_qkv %x : (tensor<?x12xf32>) -> (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>)
  // expected-error@+1 {{expected contiguous operands, found a strided view}}
  %r = m1.cast %k : tensor<?x2x2xf32> to tensor<?x2x2xbf16>
  return %r : tensor<?x2x2xbf16>
}

// -----

// A contiguous view would show the wrong elements.
func.func @f(%x: tensor<?x12xf32>) -> tensor<?x4xf32> {
  %q, %k, %v = m1.split_qkv %x : (tensor<?x12xf32>) -> (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>)
  // expected-error@+1 {{expected a contiguous operand, found a strided view}}
  %r = m1.merge_heads %k : (tensor<?x2x2xf32>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

func.func @f(%x: tensor<?x12xf32>) -> tensor<?x2x2xf32> {
  %q, %k, %v = m1.split_qkv %x : (tensor<?x12xf32>) -> (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>)
  // expected-error@+1 {{cannot copy result 0 of type 'tensor<?x2x2xf32>': expected a contiguous value, found a strided view; return it from the op that computes it}}
  return %v : tensor<?x2x2xf32>
}

// -----

// expected-error@+1 {{expected one block}}
func.func @f() {
  llvm.br ^next
^next:
  return
}

// -----

// expected-error@+1 {{expected ranked tensors with at most axis 0 dynamic as arguments and results, found 'tensor<?x?xf32>'}}
func.func @f(%x: tensor<?x?xf32>) {
  return
}

// -----

// expected-error@+1 {{expected ranked tensors with at most axis 0 dynamic as arguments and results, found 'i32'}}
func.func @f(%x: i32) {
  return
}

// -----

func.func @f(%x: tensor<?x8xbf16>, %t: tensor<?xi32>) -> tensor<?xf32> {
  // expected-error@+1 {{expected f32 logits, found 'tensor<?x8xbf16>'}}
  %r = m1.token_log_prob %x, %t : (tensor<?x8xbf16>, tensor<?xi32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

func.func @f() -> tensor<8xf32> {
  // expected-error@+1 {{has no lowering to a plan}}
  %0 = arith.constant dense<0.0> : tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Indices that a kernel uses must be known to be in bounds.
m1.parameter @gate : tensor<5x2xf32> from [#m1.source<"gate">]
m1.parameter @up : tensor<4x3x2xf32> from [#m1.source<"up">]
m1.parameter @down : tensor<4x2x3xf32> from [#m1.source<"down">]
func.func @f(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %g = m1.load_parameter @gate : tensor<5x2xf32>
  %u = m1.load_parameter @up : tensor<4x3x2xf32>
  %d = m1.load_parameter @down : tensor<4x2x3xf32>
  %e, %p = m1.router %x, %g : (tensor<?x2xf32>, tensor<5x2xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  // expected-error@+1 {{expected experts below 4, found a result of m1.router that is below 5}}
  %r = m1.experts %x, %e, %p, %u, %u, %d
    : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x3x2xf32>, tensor<4x3x2xf32>, tensor<4x2x3xf32>) -> tensor<?x2xf32>
  return %r : tensor<?x2xf32>
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?xf32>, %k: tensor<?xi32>, %seeds: tensor<?xi64>) -> (tensor<?x8xf32>, tensor<?xi32>) {
  %drawn = m1.sample %x temperature %t top_p %t top_k %k seeds %seeds positions %k
    : (tensor<?x8xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  // expected-error@+1 {{expected cu_seqlens to be an argument of the function, found a result of m1.sample}}
  %r = m1.select_last %x, %drawn : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  return %r, %drawn : tensor<?x8xf32>, tensor<?xi32>
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?xf32>, %k: tensor<?xi32>, %seeds: tensor<?xi64>) -> tensor<?xf32> {
  // expected-error@+1 {{expected the function to return its result, through which NaN and infinite logits are reported}}
  %drawn = m1.sample %x temperature %t top_p %t top_k %k seeds %seeds positions %k
    : (tensor<?x8xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  %r = m1.token_log_prob %x, %drawn : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

func.func @f(%x: tensor<?x0xf32>, %t: tensor<?xf32>, %k: tensor<?xi32>, %seeds: tensor<?xi64>) -> tensor<?xi32> {
  // expected-error@+1 {{expected extents of at least 1 after axis 0, found 'tensor<?x0xf32>'}}
  %drawn = m1.sample %x temperature %t top_p %t top_k %k seeds %seeds positions %k
    : (tensor<?x0xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  return %drawn : tensor<?xi32>
}

// -----

// The operands of an elementwise op have the same number of rows.
func.func @f(%x: tensor<?x8xf32>, %y: tensor<?x8xf32> {m1.dim = "B+1"}) -> tensor<?x8xf32> {
  // expected-error@+1 {{expected operand 1 with T rows, found B+1}}
  %r = m1.residual %x, %y alpha 1.0 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @f(%x: tensor<?x2x8xf32>, %p: tensor<4xi32>) -> tensor<?x2x8xf32> {
  // expected-error@+1 {{expected positions with T rows, found 4}}
  %r = m1.rotary %x, %p theta 1.0e4 dims 8 : (tensor<?x2x8xf32>, tensor<4xi32>) -> tensor<?x2x8xf32>
  return %r : tensor<?x2x8xf32>
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?xi32> {m1.dim = "B"}) -> tensor<?xf32> {
  // expected-error@+1 {{expected targets with T rows, found B}}
  %r = m1.token_log_prob %x, %t : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

m1.state @s : !m1.kv_cache<1 x 8, f32>
func.func @f(%x: tensor<?x1x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "C"}) {
  %s = m1.read_state @s : !m1.kv_cache<1 x 8, f32>
  // expected-error@+1 {{expected cu_seqlens with C+1 rows, one more than slots, found B+1}}
  %r, %s1 = m1.softmax_attention %x, %x, %x, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32>)
  return
}

// -----

m1.state @s : !m1.lightning_state<1 x 8, chunk = 16, f32>
func.func @f(%x: tensor<?x1x8xf32>, %v: tensor<?x1x8xf32> {m1.dim = "U"}, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"},
             %slots: tensor<?xi32> {m1.dim = "B"}) {
  %s = m1.read_state @s : !m1.lightning_state<1 x 8, chunk = 16, f32>
  // expected-error@+1 {{expected v with T rows, found U}}
  %r, %s1 = m1.lightning_attention %x, %x, %v, %s at (%p, %cu, %slots) slopes [0.5]
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 16, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 16, f32>)
  return
}

// -----

// The message names what is missing: m1.dim of an argument of the function.
m1.state @s : !m1.kv_cache<1 x 8, f32>
func.func @f(%x: tensor<?x1x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32> {m1.dim = "B"}) {
  %s = m1.read_state @s : !m1.kv_cache<1 x 8, f32>
  // expected-error@+1 {{expected cu_seqlens with B+1 rows, one more than slots, found T; without m1.dim argument 2 has T rows: give it {m1.dim = "B+1"}}}
  %r, %s1 = m1.softmax_attention %x, %x, %x, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32> {m1.dim = "B"}, %t: tensor<?xi32>) -> (tensor<?xf32> {m1.dim = "B"}) {
  // expected-error@+1 {{expected targets with B rows, found T; without m1.dim argument 1 has T rows: give it {m1.dim = "B"}}}
  %r = m1.token_log_prob %x, %t : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

func.func @f(%x: tensor<?x8xf32>) -> (tensor<?x8xf32> {m1.dim = "U"}) {
  %r = m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // expected-error@+1 {{expected result 0 with U rows, found T}}
  return %r : tensor<?x8xf32>
}

// -----

// Kernels of elementwise ops compute in f32: f64 is not narrowed silently.
func.func @f(%x: tensor<?x8xf64>, %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error@+1 {{'m1.silu_mul' op does not support f64; cast its operands to f32}}
  %r = m1.silu_mul %y, %x : (tensor<?x8xf32>, tensor<?x8xf64>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

m1.parameter @w : tensor<8xf32> from [#m1.source<"w">]
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf64> {
  %w = m1.load_parameter @w : tensor<8xf32>
  // expected-error@+1 {{'m1.rms_norm' op does not support f64}}
  %r = m1.rms_norm %x, %w eps 1.0 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf64>
  return %r : tensor<?x8xf64>
}

// -----

m1.parameter @w : tensor<4x8xf64> from [#m1.source<"w">]
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x4xf64> {
  %w = m1.load_parameter @w : tensor<4x8xf64>
  // expected-error@+1 {{expected f64 on both sides or on none, found 'tensor<?x8xf32>' and 'tensor<4x8xf64>'}}
  %r = m1.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf64>) -> tensor<?x4xf64>
  return %r : tensor<?x4xf64>
}

// -----

// Through f32 the number would be rounded twice.
func.func @f(%x: tensor<?x8xf64>) -> tensor<?x8xbf16> {
  // expected-error@+1 {{expected a result of f64 or f32 from f64, found 'bf16'}}
  %r = m1.cast %x : tensor<?x8xf64> to tensor<?x8xbf16>
  return %r : tensor<?x8xbf16>
}

// -----

m1.parameter @table : tensor<2x8xf32> from [#m1.source<"a" as bf16>]
func.func @f(%x: tensor<?xi32>) -> tensor<?x8xf32> {
  %t = m1.load_parameter @table : tensor<2x8xf32>
  // expected-error@+1 {{expected "a" stored as 'f32', found 'bf16'; only weights of products are widened}}
  %r = m1.embedding %x, %t : (tensor<?xi32>, tensor<2x8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @f(%x: tensor<f32>) -> tensor<bf16> {
  // expected-error@+1 {{expected tensors with an axis 0, found 'tensor<f32>'}}
  %r = m1.cast %x : tensor<f32> to tensor<bf16>
  return %r : tensor<bf16>
}

// -----

m1.parameter @p : tensor<f32> from [#m1.source<"p">]
func.func @f() -> tensor<f32> {
  // expected-error@+1 {{expected tensors with an axis 0, found 'tensor<f32>'}}
  %p = m1.load_parameter @p : tensor<f32>
  return %p : tensor<f32>
}

// -----

// Compatible with a static extent, but not known.
func.func @f(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error@+1 {{expected extents of at least 1 after axis 0, found 'tensor<?x?xf32>'}}
  %a = m1.silu %x : (tensor<?x4xf32>) -> tensor<?x?xf32>
  %r = m1.silu %a : (tensor<?x?xf32>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

// expected-error@+1 {{expected extents of at most 2147483647, found 'tensor<?x2305843009213693952xf32>'}}
func.func @f(%x: tensor<?x2305843009213693952xf32>) -> tensor<?x2305843009213693952xf32> {
  return %x : tensor<?x2305843009213693952xf32>
}

// -----

// expected-error@+1 {{expected a body that ends with func.return, found llvm.unreachable}}
func.func @f(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  llvm.unreachable
}

// -----

m1.parameter @g : tensor<65x4xf32> from [#m1.source<"g">]
func.func @f(%x: tensor<?x4xf32>) -> (tensor<?x65xi32>, tensor<?x65xf32>) {
  %g = m1.load_parameter @g : tensor<65x4xf32>
  // expected-error@+1 {{expected at most 64 experts per token, found 'tensor<?x65xi32>'}}
  %e, %p = m1.router %x, %g : (tensor<?x4xf32>, tensor<65x4xf32>) -> (tensor<?x65xi32>, tensor<?x65xf32>)
  return %e, %p : tensor<?x65xi32>, tensor<?x65xf32>
}

// -----

m1.state @s : !m1.kv_cache<1 x 8, f32, block = 96>
func.func @f(%x: tensor<?x1x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"},
             %blocks: tensor<?x100xi32> {m1.dim = "B"}) {
  %s = m1.read_state @s : !m1.kv_cache<1 x 8, f32, block = 96>
  // expected-error@+1 {{expected a cache in blocks of a multiple of 64 positions for this target, found '!m1.kv_cache<1 x 8, f32, block = 96>'}}
  %r, %s1 = m1.softmax_attention %x, %x, %x, %s at (%p, %cu, %slots) blocks %blocks scale 0.5
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32, block = 96>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x100xi32>)
    -> (tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32, block = 96>)
  return
}

// -----

m1.state @s : !m1.kv_cache<1 x 8, f32, block = 64>
func.func @f(%x: tensor<?x1x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"},
             %blocks: tensor<?x63xi32> {m1.dim = "B"}) {
  %s = m1.read_state @s : !m1.kv_cache<1 x 8, f32, block = 64>
  // expected-error@+1 {{expected blocks with at least 64 columns for sequences of 4096 tokens, found 63}}
  %r, %s1 = m1.softmax_attention %x, %x, %x, %s at (%p, %cu, %slots) blocks %blocks scale 0.5
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x63xi32>)
    -> (tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32, block = 64>)
  return
}

// -----

m1.state @s : !m1.kv_cache<1 x 8, f32, block = 64>
func.func @f(%x: tensor<?x1x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"},
             %blocks: tensor<?x100xi32> {m1.dim = "C"}) {
  %s = m1.read_state @s : !m1.kv_cache<1 x 8, f32, block = 64>
  // expected-error@+1 {{expected blocks with B rows, found C}}
  %r, %s1 = m1.softmax_attention %x, %x, %x, %s at (%p, %cu, %slots) blocks %blocks scale 0.5
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x100xi32>)
    -> (tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32, block = 64>)
  return
}

// -----

m1.state @s : !m1.kv_cache<1 x 8, f32, block = 64>
// expected-error@+1 {{expected a cache in blocks of 64, as other states, found '!m1.kv_cache<1 x 8, f32, block = 128>'}}
m1.state @t : !m1.kv_cache<1 x 8, f32, block = 128>
func.func @f(%x: tensor<?x1x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"},
             %blocks: tensor<?x100xi32> {m1.dim = "B"}) {
  %s = m1.read_state @s : !m1.kv_cache<1 x 8, f32, block = 64>
  %r, %s1 = m1.softmax_attention %x, %x, %x, %s at (%p, %cu, %slots) blocks %blocks scale 0.5
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x100xi32>)
    -> (tensor<?x1x8xf32>, !m1.kv_cache<1 x 8, f32, block = 64>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %r: tensor<?xi32> {m1.dim = "B"}, %b: tensor<?x8xf32> {m1.dim = "R"}) -> tensor<?x8xf32> {
  // expected-error@+1 {{expected rows with T rows, found B}}
  %y = m1.adjust_logits %x rows %r bias %b repetition %b : (tensor<?x8xf32>, tensor<?xi32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

func.func @f(%x: tensor<?x8xf32>, %r: tensor<?xi32>, %b: tensor<?x8xf32> {m1.dim = "R"}) -> tensor<?x8xf32> {
  // expected-error@+1 {{expected repetition with R rows, found T}}
  %y = m1.adjust_logits %x rows %r bias %b repetition %x : (tensor<?x8xf32>, tensor<?xi32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A token is no row of rules.
func.func @f(%x: tensor<?x8xf32>, %t: tensor<?xf32>, %k: tensor<?xi32>, %seeds: tensor<?xi64>, %b: tensor<?x8xf32> {m1.dim = "R"}) -> (tensor<?x8xf32>, tensor<?xi32>) {
  %drawn = m1.sample %x temperature %t top_p %t top_k %k seeds %seeds positions %k
    : (tensor<?x8xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  // expected-error@+1 {{expected rows to be an argument of the function, found a result of m1.sample}}
  %y = m1.adjust_logits %x rows %drawn bias %b repetition %b : (tensor<?x8xf32>, tensor<?xi32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y, %drawn : tensor<?x8xf32>, tensor<?xi32>
}
