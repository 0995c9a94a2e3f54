m1.parameter @weight : tensor<16xf32> from [#m1.source<"weight">]

func.func @norm(%x: tensor<?x16xf32> {m1.name = "x"}) -> (tensor<?x16xf32> {m1.name = "y"}) {
  %w = m1.load_parameter @weight : tensor<16xf32>
  %y = m1.rms_norm %x, %w eps 1.0e-6 : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
