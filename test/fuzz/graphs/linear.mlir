m1.parameter @weight : tensor<8x16xbf16> from [#m1.source<"weight">]

func.func @linear(%x: tensor<?x16xbf16> {m1.name = "x"}) -> (tensor<?x8xbf16> {m1.name = "y"}) {
  %w = m1.load_parameter @weight : tensor<8x16xbf16>
  %y = m1.linear %x, %w : (tensor<?x16xbf16>, tensor<8x16xbf16>) -> tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}
