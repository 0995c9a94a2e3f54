//===- PairProducts.h - products of bf16 by vdpbf16ps -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_PAIRPRODUCTS_H
#define M1C_COMPILER_CODEGEN_CPU_PAIRPRODUCTS_H

#include "compiler/Codegen/CPU/RegisterBlocks.h"

namespace m1::codegen {

/// Products of bf16 by vdpbf16ps, two terms at a time. The left operand's rows
/// are contiguous, gathered or not, or with `Pairs` its terms are interleaved
/// in pairs: element [i, 2p + e] has the address base + i * strides[0] + p *
/// strides[1] + e. The right operand's rows are interleaved in pairs.
class PairProducts final : public RegisterBlocks {
public:
  using RegisterBlocks::RegisterBlocks;

  /// True for a product that the unit multiplies, with a number of columns that
  /// vectors cover.
  static bool supports(tile::DotOp Dot, tile::MatrixUnitAttrInterface Unit);

private:
  void multiplyPart(const HostProduct &P, const Part &Sums) override;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_PAIRPRODUCTS_H
