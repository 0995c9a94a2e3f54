// Lightning attention whose chunks of 256 tokens by 7 columns stay in shared memory.
m1.state @s : !m1.lightning_state<1 x 7, chunk = 256, f32>

func.func @f(%q: tensor<?x1x7xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"}, %slots: tensor<?xi32> {m1.dim = "B"}) -> tensor<?x1x7xf32> {
  %s = m1.read_state @s : !m1.lightning_state<1 x 7, chunk = 256, f32>
  %o, %n = m1.lightning_attention %q, %q, %q, %s at (%p, %cu, %slots) slopes [0.5]
    : (tensor<?x1x7xf32>, tensor<?x1x7xf32>, tensor<?x1x7xf32>, !m1.lightning_state<1 x 7, chunk = 256, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x1x7xf32>, !m1.lightning_state<1 x 7, chunk = 256, f32>)
  m1.write_state %n, @s : !m1.lightning_state<1 x 7, chunk = 256, f32>
  return %o : tensor<?x1x7xf32>
}
