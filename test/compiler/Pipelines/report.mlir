// Figures of a model, from the costs that its ops state.
// RUN: m1c %s -o %t.m1plan --report | FileCheck %s

// The head is stored in half of its bytes; of the embedding a token reads one
// row, of the experts 2 of 4.
// CHECK: {{^}}parameters {{ *}}2272 {{$}}
// CHECK-NEXT: {{^}}parameter bytes {{ *}}8064 bytes
// CHECK-NEXT: {{^}}parameters read per token {{ *}}1360 {{$}}
// CHECK-NEXT: {{^}}bytes read per token {{ *}}5440 bytes
// CHECK-NEXT: {{^}}operations per token: router {{ *}}128 flop
// CHECK-NEXT: {{^}}operations per token: experts {{ *}}1536 flop
// CHECK-NEXT: {{^}}operations per token: linear {{ *}}1024 flop
// CHECK-NEXT: {{^}}kernels

m1.parameter @table : tensor<10x16xf32> from [#m1.source<"table">]
m1.parameter @gate : tensor<4x16xf32> from [#m1.source<"gate">]
m1.parameter @w1 : tensor<4x8x16xf32> from [#m1.source<"w1">]
m1.parameter @w3 : tensor<4x8x16xf32> from [#m1.source<"w3">]
m1.parameter @w2 : tensor<4x16x8xf32> from [#m1.source<"w2">]
m1.parameter @head : tensor<32x16xf32> from [#m1.source<"head" as bf16>]

func.func @main(%tokens: tensor<?xi32>) -> tensor<?x32xf32> {
  %table = m1.load_parameter @table : tensor<10x16xf32>
  %gate = m1.load_parameter @gate : tensor<4x16xf32>
  %w1 = m1.load_parameter @w1 : tensor<4x8x16xf32>
  %w3 = m1.load_parameter @w3 : tensor<4x8x16xf32>
  %w2 = m1.load_parameter @w2 : tensor<4x16x8xf32>
  %head = m1.load_parameter @head : tensor<32x16xf32>
  %x = m1.embedding %tokens, %table : (tensor<?xi32>, tensor<10x16xf32>) -> tensor<?x16xf32>
  %experts, %weights = m1.router %x, %gate : (tensor<?x16xf32>, tensor<4x16xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %y = m1.experts %x, %experts, %weights, %w1, %w3, %w2
    : (tensor<?x16xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x8x16xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) -> tensor<?x16xf32>
  %z = m1.linear %y, %head : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}
