func.func @silu(%x: tensor<?x24xbf16> {m1.name = "x"}) -> (tensor<?x24xbf16> {m1.name = "y"}) {
  %y = m1.silu %x : (tensor<?x24xbf16>) -> tensor<?x24xbf16>
  return %y : tensor<?x24xbf16>
}
