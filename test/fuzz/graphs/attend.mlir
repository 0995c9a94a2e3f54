m1.parameter @qkv : tensor<96x32xf32> from [#m1.source<"qkv.weight">]
m1.state @memory : !m1.lightning_state<2 x 16, chunk = 64, f32>

func.func @attend(
    %x: tensor<?x32xf32> {m1.name = "x"},
    %positions: tensor<?xi32> {m1.name = "positions"},
    %cu_seqlens: tensor<?xi32> {m1.name = "cu_seqlens", m1.dim = "B+1"},
    %slots: tensor<?xi32> {m1.name = "slots", m1.dim = "B"})
    -> (tensor<?x32xf32> {m1.name = "y"}) {
  %w = m1.load_parameter @qkv : tensor<96x32xf32>
  %rows = m1.linear %x, %w : (tensor<?x32xf32>, tensor<96x32xf32>) -> tensor<?x96xf32>
  %q, %k, %v = m1.split_qkv %rows : (tensor<?x96xf32>) -> (tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  %s = m1.read_state @memory : !m1.lightning_state<2 x 16, chunk = 64, f32>
  %o, %next = m1.lightning_attention %q, %k, %v, %s at (%positions, %cu_seqlens, %slots) slopes [0.5, 0.25]
    : (tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, !m1.lightning_state<2 x 16, chunk = 64, f32>,
       tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x2x16xf32>, !m1.lightning_state<2 x 16, chunk = 64, f32>)
  m1.write_state %next, @memory : !m1.lightning_state<2 x 16, chunk = 64, f32>
  %y = m1.merge_heads %o : (tensor<?x2x16xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
