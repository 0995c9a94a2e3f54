// The constraints of m1.fused, each broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

func.func @f(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %y = m1.fused -> tensor<?x16xf32> {
    // expected-error@+1 {{C1: expected m1.fused to begin with an m1.linear of f32}}
    %0 = m1.silu %x : (tensor<?x16xf32>) -> tensor<?x16xf32>
    m1.yield %0 : tensor<?x16xf32>
  }
  return %y : tensor<?x16xf32>
}

// -----

func.func @f(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>) -> tensor<?x32xf32> {
  %y = m1.fused -> tensor<?x32xf32> {
    // expected-error@+1 {{C1: expected m1.fused to begin with an m1.linear of f32}}
    %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xbf16>
    %1 = m1.silu %0 : (tensor<?x32xbf16>) -> tensor<?x32xf32>
    m1.yield %1 : tensor<?x32xf32>
  }
  return %y : tensor<?x32xf32>
}

// -----

func.func @f(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %n: tensor<32xf32>) -> tensor<?x32xf32> {
  %y = m1.fused -> tensor<?x32xf32> {
    %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
    // expected-error@+1 {{C2: expected an elementwise op in the body of m1.fused}}
    %1 = m1.rms_norm %0, %n eps 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
    m1.yield %1 : tensor<?x32xf32>
  }
  return %y : tensor<?x32xf32>
}

// -----

func.func @f(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %a: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %y = m1.fused -> tensor<?x32xf32> {
    %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
    // expected-error@+1 {{C2: expected one operand to be the preceding op's result, found 0}}
    %1 = m1.silu %a : (tensor<?x32xf32>) -> tensor<?x32xf32>
    m1.yield %1 : tensor<?x32xf32>
  }
  return %y : tensor<?x32xf32>
}

// -----

func.func @f(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>) -> tensor<?x32xf32> {
  %y = m1.fused -> tensor<?x32xf32> {
    %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
    // expected-error@+1 {{C2: expected one operand to be the preceding op's result, found 2}}
    %1 = m1.silu_mul %0, %0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    m1.yield %1 : tensor<?x32xf32>
  }
  return %y : tensor<?x32xf32>
}

// -----

func.func @f(%x: tensor<?x16xf32>, %w: tensor<1x16xf32>, %a: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %y = m1.fused -> tensor<?x32xf32> {
    %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x1xf32>
    // expected-error@+1 {{C2: expected the preceding op's result as an operand that is not per token}}
    %1 = m1.shared_mix %a, %a, %0 : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
    m1.yield %1 : tensor<?x32xf32>
  }
  return %y : tensor<?x32xf32>
}

// -----

func.func @f(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>) -> tensor<?x32xf32> {
  %y = m1.fused -> tensor<?x32xf32> {
    // expected-error@+1 {{C3: expected one use of a result in the body of m1.fused, found 2}}
    %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
    %1 = m1.silu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
    %2 = m1.silu_mul %1, %0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    m1.yield %2 : tensor<?x32xf32>
  }
  return %y : tensor<?x32xf32>
}

// -----

func.func @f(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %a: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %y = m1.fused -> tensor<?x32xf32> {
    %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
    %1 = m1.silu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
    // expected-error@+1 {{C4: expected m1.yield of the preceding op's result}}
    m1.yield %a : tensor<?x32xf32>
  }
  return %y : tensor<?x32xf32>
}

// -----

func.func @f(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>) -> tensor<?x32xbf16> {
  // expected-error@+1 {{C5: expected a body that yields 'tensor<?x32xbf16>', found 'tensor<?x32xf32>'}}
  %y = m1.fused -> tensor<?x32xbf16> {
    %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
    %1 = m1.silu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
    m1.yield %1 : tensor<?x32xf32>
  }
  return %y : tensor<?x32xbf16>
}

// -----

func.func @f(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // expected-error@+1 {{expects parent op 'm1.fused'}}
  m1.yield %x : tensor<?x32xf32>
}
