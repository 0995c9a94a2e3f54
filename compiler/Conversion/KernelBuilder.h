//===- KernelBuilder.h - writing tile kernels -------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thin layer over OpBuilder in which a kernel reads like its equations.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELBUILDER_H
#define M1C_COMPILER_CONVERSION_KERNELBUILDER_H

#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

namespace m1 {

/// A memref [Shape] of `Element`; axis 0 may be dynamic.
mlir::MemRefType memoryType(llvm::ArrayRef<int64_t> Shape, mlir::Type Element);

/// How a target wants blocks cut. Kernels take every block size from here.
struct Blocking {
  int64_t Rows = 64;         // tokens of a product's block
  int64_t Panel = 32;        // columns of a packed weight that lie together
  int64_t PanelsPerCell = 4; // panels that one cell of a product computes
  int64_t FewRows = 8;    // tokens of a row kernel's block (norms and the like)
  int64_t QueryRows = 64; // queries of a softmax attention block
  int64_t KeyRows = 64;   // keys of one; anchored at absolute positions
  /// Elements of lightning attention's state that a cell can carry; 0: all.
  int64_t StateElements = 0;
  /// Keys of a softmax layer that single tokens share out to several cells, at
  /// least; 0: one cell walks over all.
  int64_t SegmentKeys = 0;
  /// The same for sequences of up to `Length` positions: not more than 256
  /// segments, each whole key blocks.
  int64_t segmentKeys(int64_t Length) const {
    if (SegmentKeys == 0)
      return 0;
    const int64_t Least = llvm::divideCeil(Length, 256);
    return llvm::alignTo(std::max(SegmentKeys, Least), KeyRows);
  }
  /// Columns of logits that a cell looks at to draw a token, and by how many
  /// bits one look narrows a search: more bits are fewer and longer launches.
  int64_t SampleColumns = 65536;
  int64_t SampleBits = 2;
  /// The target multiplies bf16 by matrix units that read a weight's rows k in
  /// pairs, `PairedRows` of them at a time.
  bool Pairs = false;
  static constexpr int64_t PairedRows = 32;

  /// For thread blocks whose values lie in registers.
  static Blocking forGpu() {
    Blocking Blocks;
    Blocks.Panel = 64;
    Blocks.PanelsPerCell = 1;
    Blocks.KeyRows = 32;
    Blocks.StateElements = 4096;
    Blocks.SegmentKeys = 128;
    Blocks.SampleColumns = 1024;
    Blocks.SampleBits = 4;
    return Blocks;
  }
};

class KernelBody : public mlir::ImplicitLocOpBuilder {
public:
  using mlir::ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  /// The cell's position in the grid.
  mlir::Value X, Y, Z;
  /// The kernel's arguments after it.
  llvm::SmallVector<mlir::Value> Args;

  // Scalars.
  mlir::Value index(int64_t Value);
  mlir::Value plus(mlir::Value A, mlir::Value C);
  mlir::Value minus(mlir::Value A, mlir::Value C);
  mlir::Value times(mlir::Value A, int64_t C);
  mlir::Value over(mlir::Value A, int64_t C); // rounded down, A >= 0
  mlir::Value smaller(mlir::Value A, mlir::Value C);
  mlir::Value larger(mlir::Value A, mlir::Value C);
  mlir::Value less(mlir::Value A, mlir::Value C);
  mlir::Value equal(mlir::Value A, mlir::Value C);
  /// An i32 element of memory, as an index.
  mlir::Value at(mlir::Value Memory, mlir::ValueRange Indices);
  mlir::Value toI32(mlir::Value Index);

  // Blocks.
  mlir::VectorType block(llvm::ArrayRef<int64_t> Shape,
                         mlir::Type Element = {});
  mlir::Value load(mlir::Value Memory, mlir::ValueRange Indices,
                   llvm::ArrayRef<int64_t> Dims, llvm::ArrayRef<int64_t> Shape,
                   mlir::Value Rows = {}, mlir::Value Cols = {});
  void store(mlir::Value Block, mlir::Value Memory, mlir::ValueRange Indices,
             llvm::ArrayRef<int64_t> Dims, mlir::Value Rows = {},
             mlir::Value Cols = {});
  mlir::Value gather(mlir::Value Memory, mlir::Value RowIndex, mlir::Value Col,
                     llvm::ArrayRef<int64_t> Shape, mlir::Value Rows);
  void scatter(mlir::Value Block, mlir::Value Memory, mlir::Value RowIndex,
               mlir::Value Col, mlir::Value Rows, mlir::Value Cols);
  mlir::Value dot(mlir::Value A, mlir::Value C, mlir::Value Acc);
  /// A block of one number, of `Like`'s shape and element type.
  mlir::Value splat(double Number, mlir::Value Like);
  mlir::Value zeros(llvm::ArrayRef<int64_t> Shape, mlir::Type Element = {},
                    double Number = 0);
  /// A block of one scalar value.
  mlir::Value fill(mlir::Value Scalar, llvm::ArrayRef<int64_t> Shape);
  mlir::Value iota(llvm::ArrayRef<int64_t> Shape, int64_t Axis);
  mlir::Value along(mlir::Value Block, int64_t Axis, int64_t Extent);
  mlir::Value transposed(mlir::Value Block);
  /// The same numbers in f32, or rounded to `Element`.
  mlir::Value widened(mlir::Value Block);
  mlir::Value rounded(mlir::Value Block, mlir::Type Element);
  mlir::Value rowSum(mlir::Value Block);
  mlir::Value rowMax(mlir::Value Block);
  mlir::Value rowMinIndex(mlir::Value Block); // of i32
  mlir::Value sigmoid(mlir::Value Block);
  mlir::Value silu(mlir::Value Block);

  mlir::Value addF(mlir::Value A, mlir::Value C);
  mlir::Value subF(mlir::Value A, mlir::Value C);
  mlir::Value mulF(mlir::Value A, mlir::Value C);
  mlir::Value divF(mlir::Value A, mlir::Value C);
  mlir::Value expF(mlir::Value A);
  mlir::Value select(mlir::Value Condition, mlir::Value A, mlir::Value C);
  mlir::Value cmpI(mlir::arith::CmpIPredicate P, mlir::Value A, mlir::Value C);

  // Control.
  void ifThen(mlir::Value Condition, llvm::function_ref<void()> Then);
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value From, mlir::Value To, mlir::ValueRange Carried,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           Body);
  void loop(mlir::Value From, mlir::Value To,
            llvm::function_ref<void(mlir::Value)> Body, int64_t Step = 1);

private:
  mlir::Value reduce(mlir::Value Block, mlir::vector::CombiningKind Kind,
                     mlir::Value Init);
};

/// Makes each kernel once, however many ops want it.
class KernelCache {
public:
  KernelCache(mlir::ModuleOp Module, Blocking Blocks);

  /// The kernel that `Key` describes completely; `Build` writes its body if
  /// there is none yet. Its symbol is `freeName(Key)`.
  tile::KernelOp get(llvm::StringRef Key, llvm::ArrayRef<mlir::Type> Arguments,
                     llvm::function_ref<void(KernelBody &)> Build);

  /// `Name`, with underscores behind it where the module that is compiled has a
  /// symbol of that name.
  std::string freeName(llvm::StringRef Name) const;

  const Blocking Blocks;
  mlir::MLIRContext *context() { return Module.getContext(); }

private:
  mlir::ModuleOp Module;
  llvm::StringSet<> Taken;
  llvm::StringMap<tile::KernelOp> Kernels;
};

/// "f32", "bf16": a type as part of a kernel's name.
std::string nameOf(mlir::Type Element);
/// A number as part of a kernel's name: letters, digits and underscores, exact.
std::string nameOf(double Number);
/// The strides of each as part of a kernel's name; empty where no type has gaps
/// between its rows.
std::string layoutName(llvm::ArrayRef<mlir::MemRefType> Types);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELBUILDER_H
