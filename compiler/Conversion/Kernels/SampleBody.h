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

/// The most columns of logits in one block.
inline constexpr int64_t kColumns = 1024;

/// The phases of a row; Sampling.cpp describes the search and S.
enum Phase : int32_t {
  None,  // done: the token is known
  TopK,  // searches for the key of the last of top_k tokens
  Kept,  // sums the weights of the tokens with greater keys
  TopP,  // searches for the key of the last token that top_p keeps
  Draw,  // searches for the key of the drawn token
  Chosen // knows it: the token is number Which of those with the key Low
};

/// The integers of a row's state.
enum Word : int64_t {
  Stage, // a Phase
  Low,   // a key whose S passes the limit
  High,  // a key whose S does not
  Which, // Kept: tokens kept of one key; Chosen: the token's number
  WordCount
};
/// The floating-point numbers of a row's state.
enum Number : int64_t {
  Limit,   // of the current search
  AtLow,   // S(Low)
  AtHigh,  // S(High)
  Total,   // of all weights
  Uniform, // u
  Largest, // of the logits
  NumberCount
};

/// How a row's logits are divided: a cell processes one group of columns, block
/// by block.
struct Cut {
  int64_t Vocabulary, Columns, Blocks, Groups;

  Cut(const Blocking &By, int64_t Vocabulary) : Vocabulary(Vocabulary) {
    Columns = std::min<int64_t>(kColumns, llvm::alignTo(Vocabulary, 64));
    Blocks = llvm::divideCeil(std::min(By.SampleColumns, Vocabulary), Columns);
    Groups = llvm::divideCeil(Vocabulary, Blocks * Columns);
  }
};

/// Writes the body of a kernel whose x is a row of logits and whose y, if the
/// grid has a second axis, is a group of columns.
class SampleBody {
public:
  SampleBody(KernelBody &B, int64_t Vocabulary)
      : C(B.Blocks, Vocabulary), B(B) {}

  const Cut C;

  // Constants and conversions. integer() has the type of `Like`, a scalar or a
  // block.
  mlir::Value integer(int64_t N, mlir::Value Like);
  mlir::Value i32(int64_t N);
  mlir::Value f64(double N);
  mlir::Value f32(float N);
  mlir::Value toF64(mlir::Value Integer);
  /// Rounded towards 0; numbers outside [0, V] become the nearer end.
  mlir::Value toCount(mlir::Value Number);
  mlir::Value cmpF(mlir::arith::CmpFPredicate P, mlir::Value A, mlir::Value D);

  // Keys; see Sampling.cpp.
  mlir::Value flipped(mlir::Value Bits);
  mlir::Value keyOf(mlir::Value Logit);
  mlir::Value logitOf(mlir::Value Key);
  /// The key at Step / 2^Bits of the way from Low to High.
  mlir::Value keyAt(mlir::Value LowKey, mlir::Value HighKey, mlir::Value Step,
                    int64_t Bits);

  // The row's state and operands. `State` is the memory of words or numbers.
  mlir::Value get(mlir::Value State, int64_t At);
  void set(mlir::Value State, int64_t At, mlir::Value New);
  mlir::Value isIn(mlir::Value Words, Phase P);
  mlir::Value ofRow(mlir::Value Memory);
  /// The row's values of all groups, as a block.
  mlir::Value parts(mlir::Value Memory);

  /// Reduces a block of rank 1 to a scalar.
  mlir::Value all(mlir::Value Block, mlir::vector::CombiningKind Kind);
  mlir::Value sum(mlir::Value Block);
  /// 1 where the condition holds, else 0, in i32.
  mlir::Value ones(mlir::Value Condition);

  /// A block of the cell's columns.
  struct Piece {
    mlir::Value First;  // its first column
    mlir::Value Bound;  // how many columns are in bounds; null: all
    mlir::Value Column; // each column's number in the row, i32
  };
  mlir::Value load(mlir::Value Memory, const Piece &P);
  /// `Block`, with `Other` past the end of the row.
  mlir::Value inside(mlir::Value Block, const Piece &P, double Other);
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      const Piece &, mlir::ValueRange)>;
  /// Loops over the blocks of the cell's columns. A row's partial last block is
  /// emitted separately, so that the others need no bounds.
  llvm::SmallVector<mlir::Value> forPieces(mlir::ValueRange Carried, Body Do);

  /// The least (logit - largest) / temperature that the row's min_p keeps; null
  /// if there is no min_p.
  mlir::Value floor();
  /// exp((Logit - Max) / Temperature), and 0 where that is below the floor;
  /// scalars or blocks of one shape.
  mlir::Value weight(mlir::Value Logit, mlir::Value Max,
                     mlir::Value Temperature, mlir::Value Floor);

  /// Philox4x32-10 (Salmon et al., SC 2011): the first word, times 2^-32.
  mlir::Value uniform(mlir::Value Seed, mlir::Value Position);

  /// Starts a search over all keys.
  void begin(mlir::Value Words, mlir::Value Numbers, Phase P,
             mlir::Value NewLimit);
  /// Starts the search for top_p or, if it keeps all, for the drawn token,
  /// among tokens with the total weight `Mass`.
  void beginAmong(mlir::Value Words, mlir::Value Numbers, mlir::Value TopPs,
                  mlir::Value Mass);

private:
  KernelBody &B;
};

} // namespace m1::sampling

#endif // M1C_COMPILER_CONVERSION_KERNELS_SAMPLEBODY_H
