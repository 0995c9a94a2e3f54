//===- Rows.cpp - kernels on whole rows -----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Rows.h"

#include "compiler/Conversion/Kernels/ElementwiseStep.h"
#include "dialects/Support/SumTree.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace m1;

KernelDeclaration m1::elementwiseKernel() {
  return {"elementwise",
          {{"input*", "memory [T, N], or [T, 1] if per token"},
           {"result", "[T, N]"},
           {"rows", "index"}},
          {"step"},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows, N = B.extent("N");
            const ElementwiseStep Step(B.constant("step"));
            auto [First, Rows] = B.rowBlock(M);
            const ElementwiseBlock At{First, B.index(0), Rows, {}, {M, N}};
            SmallVector<Value> Operands;
            for (unsigned I = 0; I < Step.operands(); ++I)
              Operands.push_back(
                  loadOperand(B, B[inputName(I)], Step.isPerToken(I), At));
            B.store(Step.emit(B, Operands), B["result"], {First, At.Column},
                    {0, 1}, Rows);
          }};
}

/// 1 / sqrt(Squares / Columns + eps), of a kernel with the constant `eps`.
static Value inverseRoot(KernelBody &B, Value Squares, int64_t Columns) {
  Value Mean = B.divF(Squares, B.splat(static_cast<double>(Columns), Squares));
  Value Root =
      B.create<math::SqrtOp>(B.addF(Mean, B.splat(B.number("eps"), Mean)));
  return B.divF(B.splat(1, Root), Root);
}

Value m1::inverseRoots(KernelBody &B, Value X) {
  return inverseRoot(B, B.rowSum(B.mulF(X, X)),
                     cast<VectorType>(X.getType()).getDimSize(1));
}

/// A norm of the kernel's block of few rows. `InverseRoots` returns the scale
/// of each row of a block, whose first row and number of rows it is given.
static void
buildNorm(KernelBody &B,
          llvm::function_ref<Value(Value X, const KernelBody::RowBlock &)>
              InverseRoots) {
  const int64_t M = B.Blocks.FewRows, N = B.extent("N");
  const KernelBody::RowBlock At = B.rowBlock(M);
  Value Zero = B.index(0);
  Value X =
      B.widened(B.load(B["x"], {At.First, Zero}, {0, 1}, {M, N}, At.Rows));
  Value W = B.widened(B.load(B["weight"], {Zero}, {0}, {N}));
  Value Scale = InverseRoots(X, At);
  Value Y = B.mulF(B.along(W, 0, M), B.mulF(X, B.along(Scale, 1, N)));
  B.store(Y, B["result"], {At.First, Zero}, {0, 1}, At.Rows);
}

KernelDeclaration m1::rmsNormKernel() {
  return {"rms_norm",
          {{"x", "[T, N]"},
           {"weight", "[N]"},
           {"result", "[T, N]"},
           {"rows", "index"}},
          {"eps"},
          [](KernelBody &B) {
            buildNorm(B, [&](Value X, const KernelBody::RowBlock &) {
              return inverseRoots(B, X);
            });
          }};
}

KernelDeclaration m1::squaresKernel() {
  return {"squares",
          {{"x", "[R, N]"}, {"result", "[R] f32"}, {"rows", "index"}},
          {},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows;
            auto [First, Rows] = B.rowBlock(M);
            Value X = B.widened(B.load(B["x"], {First, B.index(0)}, {0, 1},
                                       {M, B.extent("N")}, Rows));
            B.store(B.rowSum(B.mulF(X, X)), B["result"], {First}, {0}, Rows);
          }};
}

KernelDeclaration m1::normalizeKernel() {
  return {"normalize",
          {{"x", "[T, N]"},
           {"weight", "[N]"},
           {"squares", "[T, G] f32"},
           {"result", "[T, N]"},
           {"rows", "index"}},
          {"columns", "eps"},
          [](KernelBody &B) {
            buildNorm(B, [&](Value, const KernelBody::RowBlock &At) {
              Value Total = sumTree(
                  B.extent("G"),
                  [&](int64_t Group) {
                    return B.load(B["squares"], {At.First, B.index(Group)}, {0},
                                  {B.Blocks.FewRows}, At.Rows);
                  },
                  [&](Value A, Value C) { return B.addF(A, C); });
              return inverseRoot(B, Total, B.integer("columns"));
            });
          }};
}

KernelDeclaration m1::embeddingKernel() {
  return {"embedding",
          {{"tokens", "[T] i32"},
           {"table", "[V, D]"},
           {"result", "[T, D]"},
           {"rows", "index"}},
          {},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows, D = B.extent("D");
            auto [First, Rows] = B.rowBlock(M);
            Value Tokens = B.load(B["tokens"], {First}, {0}, {M}, Rows);
            Tokens = B.larger(Tokens, B.splat(0, Tokens));
            Value X = B.gather(B["table"], Tokens, B.index(0), {M, D}, Rows);
            B.store(X, B["result"], {First, B.index(0)}, {0, 1}, Rows);
          }};
}

KernelDeclaration m1::embeddingShardKernel() {
  return {"embedding_shard",
          {{"tokens", "[T] i32"},
           {"table", "[V, D]"},
           {"result", "[T, D]"},
           {"rows", "index"},
           {"first", "index"}},
          {},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows, D = B.extent("D");
            const int64_t V = B.extent("V");
            auto [First, Rows] = B.rowBlock(M);
            Value Tokens = B.load(B["tokens"], {First}, {0}, {M}, Rows);
            Tokens = B.larger(Tokens, B.splat(0, Tokens));
            Value Number = B.create<arith::SubIOp>(
                Tokens, B.fill(B.toI32(B["first"]), {M}));
            Value Row = B.larger(Number, B.splat(0, Number));
            Row = B.smaller(Row, B.splat(V - 1, Row));
            Value X = B.gather(B["table"], Row, B.index(0), {M, D}, Rows);
            Value IsOwn = B.compare(arith::CmpIPredicate::eq,
                                    B.along(Row, 1, D), B.along(Number, 1, D));
            X = B.select(IsOwn, X, B.splat(-0.0, X));
            B.store(X, B["result"], {First, B.index(0)}, {0, 1}, Rows);
          }};
}

KernelDeclaration m1::selectLastKernel() {
  return {"select_last",
          {{"x", "[T, N]"}, {"cu_seqlens", "[B1] i32"}, {"result", "[B, N]"}},
          {},
          [](KernelBody &B) {
            const int64_t N = B.extent("N");
            Value Begin = B.at(B["cu_seqlens"], B.X);
            Value End = B.at(B["cu_seqlens"], B.plus(B.X, B.index(1)));
            Value Zero = B.index(0);
            // No row of an empty sequence is in bounds: the load is zero.
            Value Used = B.smaller(B.minus(End, Begin), B.index(1));
            Value Last = B.larger(B.minus(End, B.index(1)), Zero);
            Value Row = B.load(B["x"], {Last, Zero}, {0, 1}, {1, N}, Used);
            B.store(Row, B["result"], {B.X, Zero}, {0, 1});
          }};
}

template <bool Inverse> static void buildRotary(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows, D = B.extent("D");
  const int64_t Dims = B.integer("dims"), Half = Dims / 2;
  auto [First, Rows] = B.rowBlock(M);
  auto Part = [&, First = First, Rows = Rows](int64_t From, int64_t Count) {
    return B.widened(
        B.load(B["x"], {First, B.Y, B.index(From)}, {0, 2}, {M, Count}, Rows));
  };
  auto Write = [&, First = First, Rows = Rows](Value Block, int64_t From) {
    B.store(Block, B["result"], {First, B.Y, B.index(From)}, {0, 2}, Rows);
  };
  // Angles reach thousands of turns: they are computed and reduced to one
  // turn in f64.
  SmallVector<double> Frequencies;
  for (int64_t I = 0; I < Half; ++I)
    Frequencies.push_back(std::pow(B.number("theta"), -2.0 * I / Dims));
  Type F64 = B.getF64Type();
  Value Frequency = B.create<arith::ConstantOp>(DenseElementsAttr::get(
      B.block({Half}, F64), ArrayRef<double>(Frequencies)));
  Value Position = B.load(B["positions"], {First}, {0}, {M}, Rows);
  Position = B.create<arith::SIToFPOp>(B.block({M}, F64), Position);
  Value Angle = B.mulF(B.along(Position, 1, Half), B.along(Frequency, 0, M));
  Value Turns = B.create<math::RoundEvenOp>(
      B.mulF(Angle, B.splat(1 / (2 * M_PI), Angle)));
  Value Reduced = B.rounded(
      B.subF(Angle, B.mulF(Turns, B.splat(2 * M_PI, Turns))), B.getF32Type());
  Value Cos = B.create<math::CosOp>(Reduced);
  Value Sin = B.create<math::SinOp>(Reduced);
  if (Inverse)
    Sin = B.subF(B.splat(0, Sin), Sin);

  Value X1 = Part(0, Half), X2 = Part(Half, Half);
  Write(B.subF(B.mulF(X1, Cos), B.mulF(X2, Sin)), 0);
  Write(B.addF(B.mulF(X2, Cos), B.mulF(X1, Sin)), Half);
  if (Dims < D)
    Write(Part(Dims, D - Dims), Dims);
}

KernelDeclaration m1::rotaryKernel(bool Inverse) {
  KernelDeclaration Result = {"rotary",
                              {{"x", "[T, H, D]"},
                               {"positions", "[T] i32"},
                               {"result", "[T, H, D]"},
                               {"rows", "index"}},
                              {"theta", "dims"},
                              buildRotary<false>};
  if (Inverse) {
    Result.Name = "inverse_rotary";
    Result.Build = buildRotary<true>;
  }
  return Result;
}
