module attributes {m1.mesh = #m1.mesh<tensor = 4, expert = 2>} {
m1.parameter @table : tensor<2500x16xf32> from [#m1.source<"table">] sharding [#m1.sharding<0 over "tensor" unit 1024 short>]
m1.parameter @w1 : tensor<2x64x16xf32> from [#m1.source<"w1.0">, #m1.source<"w1.1">]
  sharding [#m1.sharding<0 over "expert" unit 1>, #m1.sharding<1 over "tensor" unit 16>]
m1.parameter @w2 : tensor<2x16x64xf32> from [#m1.source<"w2.0">, #m1.source<"w2.1">]
  sharding [#m1.sharding<0 over "expert" unit 1>, #m1.sharding<2 over "tensor" unit 16>]

func.func @score(
    %tokens: tensor<?xi32> {m1.name = "tokens"},
    %experts: tensor<?x2xi32> {m1.name = "experts"},
    %weights: tensor<?x2xf32> {m1.name = "weights"},
    %targets: tensor<?xi32> {m1.name = "targets"})
    -> (tensor<?xf32> {m1.name = "log_probs"}) {
  %t = m1.load_parameter @table : tensor<2500x16xf32>
  %1 = m1.load_parameter @w1 : tensor<2x64x16xf32>
  %2 = m1.load_parameter @w2 : tensor<2x16x64xf32>
  %x = m1.embedding %tokens, %t : (tensor<?xi32>, tensor<2500x16xf32>) -> tensor<?x16xf32>
  %y = m1.experts %x, %experts, %weights, %1, %1, %2 leaves 4
    : (tensor<?x16xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<2x64x16xf32>, tensor<2x64x16xf32>, tensor<2x16x64xf32>)
    -> tensor<?x16xf32>
  %p = m1.head_log_prob %y, %t, %targets : (tensor<?x16xf32>, tensor<2500x16xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %p : tensor<?xf32>
}
}
