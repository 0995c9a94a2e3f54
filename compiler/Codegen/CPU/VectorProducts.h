//===- VectorProducts.h - products by vector multiply-adds ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_VECTORPRODUCTS_H
#define M1C_COMPILER_CODEGEN_CPU_VECTORPRODUCTS_H

#include "compiler/Codegen/CPU/RegisterBlocks.h"

namespace m1::codegen {

/// Products by fused multiply-adds of vectors, one term at a time.
class VectorProducts final : public RegisterBlocks {
public:
  using RegisterBlocks::RegisterBlocks;

private:
  void multiplyPart(const HostProduct &P, const Part &Sums) override;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_VECTORPRODUCTS_H
