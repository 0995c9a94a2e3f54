//===- SampleBody.h - what the kernels that draw tokens share ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_SAMPLEBODY_H
#define M1C_COMPILER_CONVERSION_KERNELS_SAMPLEBODY_H

#include "compiler/Conversion/KernelBody.h"

namespace m1::sampling {

/// The most columns of logits that are looked at as one block.
inline constexpr int64_t kColumns = 1024;

/// What a row is about to do.
enum Phase : int32_t {
  None,  // nothing: its token is known
  TopK,  // to search for the last of top_k tokens
  Kept,  // to sum the weights of those with greater keys
  TopP,  // to search for the last token of the smallest set
  Draw,  // to search for the token
  Chosen // to find the token: number Which of those with the key Low
};

/// A row's state: its words,
enum Word : int64_t {
  Stage, // a Phase
  Low,   // S of this key passes the limit
  High,  // S of this key does not
  Which, // how many of those with a key belong to a place, or come before it
  WordCount
};
/// and its numbers.
enum Number : int64_t {
  Limit,
  AtLow,   // S(Low)
  AtHigh,  // S(High)
  Total,   // of all weights
  Uniform, // u
  Largest, // of the logits
  NumberCount
};

/// How a row's logits are cut: a cell has a group of columns and goes through
/// it block by block.
struct Cut {
  int64_t Vocabulary, Columns, Blocks, Groups;

  Cut(const Blocking &By, int64_t Vocabulary) : Vocabulary(Vocabulary) {
    Columns = std::min<int64_t>(kColumns, llvm::alignTo(Vocabulary, 64));
    Blocks = llvm::divideCeil(std::min(By.SampleColumns, Vocabulary), Columns);
    Groups = llvm::divideCeil(Vocabulary, Blocks * Columns);
  }
};

/// Blocks and scalars of a kernel whose x is a row of logits and whose y, if it
/// has a second grid axis, is a group of columns.
class SampleBody {
public:
  SampleBody(KernelBody &B, int64_t Vocabulary)
      : C(B.Blocks, Vocabulary), B(B) {}

  const Cut C;

  // Numbers of any type, like `Like` a scalar or a block.
  mlir::Value integer(int64_t N, mlir::Value Like);
  mlir::Value i32(int64_t N);
  mlir::Value f64(double N);
  mlir::Value f32(float N);
  mlir::Value toF64(mlir::Value Integer);
  /// Rounded towards 0; numbers outside [0, V] become the nearer end.
  mlir::Value toCount(mlir::Value Number);
  mlir::Value cmpF(mlir::arith::CmpFPredicate P, mlir::Value A, mlir::Value D);

  // Keys.
  mlir::Value flipped(mlir::Value Bits);
  mlir::Value keyOf(mlir::Value Logit);
  mlir::Value logitOf(mlir::Value Key);
  /// Key number `Step` of the 2^Bits that cut the way from Low to High.
  mlir::Value keyAt(mlir::Value LowKey, mlir::Value HighKey, mlir::Value Step,
                    int64_t Bits);

  // A row's state, which lies in the memory given.
  mlir::Value get(mlir::Value State, int64_t At);
  void set(mlir::Value State, int64_t At, mlir::Value New);
  mlir::Value isIn(mlir::Value Words, Phase P);
  mlir::Value ofRow(mlir::Value Memory);
  /// A part for each group, of the row.
  mlir::Value parts(mlir::Value Memory);

  /// Of a block of rank 1, a scalar.
  mlir::Value all(mlir::Value Block, mlir::vector::CombiningKind Kind);
  mlir::Value sum(mlir::Value Block);
  mlir::Value ones(mlir::Value Condition);

  /// A block of the cell's columns.
  struct Piece {
    mlir::Value First;  // its first column
    mlir::Value Bound;  // how many columns there are; null: all
    mlir::Value Column; // each column's number in the row, i32
  };
  mlir::Value load(mlir::Value Memory, const Piece &P);
  /// `Block`, with `Other` past the end of the row.
  mlir::Value inside(mlir::Value Block, const Piece &P, double Other);
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      const Piece &, mlir::ValueRange)>;
  /// Goes through the cell's columns. The last block of a row is apart, so that
  /// the others know no bounds.
  llvm::SmallVector<mlir::Value> forPieces(mlir::ValueRange Carried, Body Do);

  /// Philox4x32-10 (Salmon et al., SC 2011): the first word, times 2^-32.
  mlir::Value uniform(mlir::Value Seed, mlir::Value Position);

  /// Begins a search over all keys.
  void begin(mlir::Value Words, mlir::Value Numbers, Phase P,
             mlir::Value NewLimit);
  /// Goes on to top_p, or past it to the draw, among tokens of weight `Mass`.
  void beginAmong(mlir::Value Words, mlir::Value Numbers, mlir::Value TopPs,
                  mlir::Value Mass);

private:
  KernelBody &B;
};

} // namespace m1::sampling

#endif // M1C_COMPILER_CONVERSION_KERNELS_SAMPLEBODY_H
