//===- ElementwiseStep.h - elementwise ops inside kernels -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_ELEMENTWISESTEP_H
#define M1C_COMPILER_CONVERSION_KERNELS_ELEMENTWISESTEP_H

#include "compiler/Conversion/Kernel.h"
#include "dialects/M1/IR/M1.h"

namespace m1 {

/// An elementwise op inside a kernel: what it computes, without its operands.
/// The attribute that describes it is a constant of the kernel.
class ElementwiseStep {
public:
  /// The attribute for `Op`. `Chained` is the operand that is the result of the
  /// step before in the same kernel; null if all operands are read from memory.
  static mlir::Attribute describe(mlir::Operation *Op,
                                  mlir::OpOperand *Chained = nullptr);
  explicit ElementwiseStep(mlir::Attribute Description);

  unsigned operands() const { return Operands; }
  bool isChained(unsigned Operand) const { return Chained == Operand; }
  /// Whether the operand is [T, 1].
  bool isPerToken(unsigned Operand) const;
  /// The op on f32 blocks. The result is rounded to the op's element type and
  /// widened again.
  mlir::Value emit(KernelBody &B, mlir::ValueRange Blocks) const;

private:
  const ElementwiseOpInterface::Concept &Op;
  mlir::DictionaryAttr Attributes;
  unsigned Operands;
  std::optional<unsigned> Chained;
  mlir::Type Result;
};

/// The rows and columns of its tensors that an elementwise op works on.
struct ElementwiseBlock {
  mlir::Value Row, Column;   // its first ones
  mlir::Value Rows, Columns; // how many are in bounds; null: all
  llvm::SmallVector<int64_t, 2> Shape;
};

/// "input0", "input1", ...: the kernel arguments of the operands that are read
/// from memory.
std::string inputName(unsigned Number);
llvm::SmallVector<std::string> inputNames(size_t Count);

/// An operand of a step in f32, read from memory; repeated along the columns if
/// it is per token.
mlir::Value loadOperand(KernelBody &B, mlir::Value Memory, bool IsPerToken,
                        const ElementwiseBlock &At);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_ELEMENTWISESTEP_H
