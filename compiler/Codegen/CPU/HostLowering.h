//===- HostLowering.h - kernels to loops for a CPU --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_HOSTLOWERING_H
#define M1C_COMPILER_CODEGEN_CPU_HOSTLOWERING_H

#include "compiler/Codegen/Blocks/BlockLowering.h"
#include "compiler/Codegen/CPU/AmxProducts.h"
#include "compiler/Codegen/CPU/HostLoops.h"
#include "compiler/Codegen/CPU/PairProducts.h"
#include "compiler/Codegen/CPU/VectorProducts.h"

namespace m1::codegen {

/// One core computes a grid cell.
class HostLowering final : public TargetLowering {
public:
  HostLowering(LoweringContext &Context, tile::TargetAttr Target)
      : Context(Context), Target(Target), Loops(Context, Target.getLanes()),
        Writer(Context, Loops),
        Vectors(Context, Target.getLanes(), Target.getRegisters()),
        Pairs(Context, Target.getLanes(), Target.getRegisters()), Amx(Context) {
  }

  Materializer &materializer() override { return Writer; }
  void reduceRows(mlir::Value Source, const Extent &E,
                  mlir::vector::CombiningKind Kind, mlir::Value Init,
                  const Access &Result) override;
  void lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) override;
  std::optional<Access> materializeLeft(tile::DotOp Dot,
                                        const Access &Left) override;

private:
  enum class Side { Left, Right };
  /// True if the target's matrix unit computes the product: its left operand
  /// is read as rows of bf16, its right operand in pairs of rows.
  bool usesUnit(tile::DotOp Dot) const;
  bool usesPairs(tile::DotOp Dot) const;
  /// The element type in which a product reads an operand.
  mlir::Type operandType(tile::DotOp Dot, Side Which) const;
  mlir::Value rowsOf(mlir::Value Block) const;
  /// The number of terms of a product that may be other than zero; null: all.
  mlir::Value termsOf(tile::DotOp Dot) const;
  /// An operand of `Dot` where it is, or copied to where it can be read.
  Access operand(tile::DotOp Dot, const Extent &E, Side Which);

  LoweringContext &Context;
  tile::TargetAttr Target;
  HostLoops Loops;
  Materializer Writer;
  VectorProducts Vectors;
  PairProducts Pairs;
  AmxProducts Amx;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_HOSTLOWERING_H
