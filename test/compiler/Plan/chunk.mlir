// The file says at which positions the states of lightning layers can serve other sequences: at the ends of chunks of all.
// RUN: m1c %s -o %t.m1plan --max-tokens=8 --max-length=100
// RUN: m1run inspect %t.m1plan --json | FileCheck %s
// CHECK: "chunk":{{ ?}}32

module attributes {m1.model = #m1.model<architecture = "Test", layers = 2, max_position = 100, vocabulary = 8, derived = []>} {
  m1.state @a : !m1.lightning_state<1 x 4, chunk = 16, f32>
  m1.state @b : !m1.lightning_state<1 x 4, chunk = 32, f32>
  func.func @f(%x: tensor<?x4xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"})
      -> tensor<?x1x4xf32> {
    %h = m1.split_heads %x : (tensor<?x4xf32>) -> tensor<?x1x4xf32>
    %a = m1.read_state @a : !m1.lightning_state<1 x 4, chunk = 16, f32>
    %0, %a1 = m1.lightning_attention %h, %h, %h, %a at (%p, %cu, %slots) slopes [0.5]
      : (tensor<?x1x4xf32>, tensor<?x1x4xf32>, tensor<?x1x4xf32>, !m1.lightning_state<1 x 4, chunk = 16, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
      -> (tensor<?x1x4xf32>, !m1.lightning_state<1 x 4, chunk = 16, f32>)
    m1.write_state %a1, @a : !m1.lightning_state<1 x 4, chunk = 16, f32>
    %b = m1.read_state @b : !m1.lightning_state<1 x 4, chunk = 32, f32>
    %1, %b1 = m1.lightning_attention %0, %0, %0, %b at (%p, %cu, %slots) slopes [0.5]
      : (tensor<?x1x4xf32>, tensor<?x1x4xf32>, tensor<?x1x4xf32>, !m1.lightning_state<1 x 4, chunk = 32, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
      -> (tensor<?x1x4xf32>, !m1.lightning_state<1 x 4, chunk = 32, f32>)
    m1.write_state %b1, @b : !m1.lightning_state<1 x 4, chunk = 32, f32>
    return %1 : tensor<?x1x4xf32>
  }
}
