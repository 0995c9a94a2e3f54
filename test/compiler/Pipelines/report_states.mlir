// Memory of states, by what they hold: of all parameters together.
// RUN: m1c %s -o %t.m1plan --report | FileCheck %s

// CHECK: {{^}}packed weights
// CHECK-NEXT: {{^}}states: count {{ *}}8 bytes
// CHECK-NEXT: {{^}}states: gradient {{ *}}320 bytes
// CHECK-NEXT: {{^}}states: master {{ *}}192 bytes
// CHECK-NEXT: {{^}}states: first {{ *}}192 bytes
// CHECK-NEXT: {{^}}states: second {{ *}}192 bytes
// CHECK-NEXT: {{^}}compile time

m1.parameter @w : tensor<8x4xbf16> from [#m1.source<"w">]
m1.state @w.gradient : !m1.tensor_state<8x4xf32>
m1.state @w.gradient.1 : !m1.tensor_state<8x4xf32>
m1.state @w.master : !m1.tensor_state<8x4xf32> from @w
m1.state @w.first : !m1.tensor_state<8x4xf32>
m1.state @w.second : !m1.tensor_state<8x4xf32>
m1.trained @w master @w.master moments @w.first, @w.second gradient @w.gradient further [@w.gradient.1]

m1.parameter @v : tensor<16xf32> from [#m1.source<"v">]
m1.state @v.gradient : !m1.tensor_state<16xf32>
m1.state @v.master : !m1.tensor_state<16xf32> from @v
m1.state @v.first : !m1.tensor_state<16xf32>
m1.state @v.second : !m1.tensor_state<16xf32>
m1.trained @v master @v.master moments @v.first, @v.second gradient @v.gradient

m1.state @count : !m1.tensor_state<2xf32>

func.func @counted() -> tensor<2xf32> {
  %s = m1.read_state @count : !m1.tensor_state<2xf32>
  %x, %next = m1.state_value %s : (!m1.tensor_state<2xf32>) -> (tensor<2xf32>, !m1.tensor_state<2xf32>)
  m1.write_state %next, @count : !m1.tensor_state<2xf32>
  return %x : tensor<2xf32>
}

func.func @main(%x: tensor<?x4xbf16>) -> tensor<?x8xf32> {
  %w = m1.load_parameter @w : tensor<8x4xbf16>
  %y = m1.linear %x, %w : (tensor<?x4xbf16>, tensor<8x4xbf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
