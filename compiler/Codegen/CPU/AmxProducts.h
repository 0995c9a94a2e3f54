//===- AmxProducts.h - products on AMX tiles --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_AMXPRODUCTS_H
#define M1C_COMPILER_CODEGEN_CPU_AMXPRODUCTS_H

#include "compiler/Codegen/CPU/RegisterBlocks.h"

namespace m1::codegen {

/// Products of bf16 on AMX tiles.
class AmxProducts {
public:
  explicit AmxProducts(LoweringContext &Context)
      : Context(Context), B(Context.B) {}

  /// True for a product that the unit multiplies, in whole tiles of columns,
  /// and whose right operand is loaded in pairs of rows.
  static bool supports(tile::DotOp Dot, tile::MatrixUnitAttrInterface Unit);
  /// The left operand's rows are contiguous, the right operand's rows are
  /// interleaved in pairs.
  void multiply(const HostProduct &P);

private:
  /// `Tall` tiles of rows from `Row`, of which `Used` rows are in use, by all
  /// columns.
  void multiplyRows(const HostProduct &P, mlir::Value Row, int64_t Tall,
                    mlir::Value Used);

  LoweringContext &Context;
  ScalarBuilder &B;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_AMXPRODUCTS_H
