//===- Experts.cpp - routing and expert products --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Kernels.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace m1;
using llvm::formatv;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

tile::KernelOp m1::routerKernel(KernelCache &Cache, MemRefType X, MemRefType W,
                                int64_t Experts, int64_t K) {
  const int64_t D = X.getDimSize(1);
  const int64_t Width = PackedLayout(W.getShape()).Panel;
  const int64_t M = Cache.Blocks.FewRows;
  std::string Key =
      formatv("router_{0}_{1}of{2}_{3}_{4}", D, K, Experts,
              nameOf(X.getElementType()), nameOf(W.getElementType()));
  Type I32 = IntegerType::get(Cache.context(), 32);
  Type F32 = Float32Type::get(Cache.context());
  return Cache.get(
      Key,
      {X, W, memoryType({kDynamic, K}, I32), memoryType({kDynamic, K}, F32),
       IndexType::get(Cache.context())},
      [&](KernelBody &B) {
        Value Zero = B.index(0);
        Value First = B.times(B.X, M);
        Value Rows = B.smaller(B.index(M), B.minus(B.Args[4], First));
        Value Xs = B.load(B.Args[0], {First, Zero}, {0, 1}, {M, D}, Rows);
        Value Logits =
            B.dot(Xs, loadPanel(B, B.Args[1], Zero), B.zeros({M, Width}));

        // Softmax; columns that only fill the panel are no experts.
        Value Column = B.iota({M, Width}, 1);
        Value Real =
            B.cmpI(arith::CmpIPredicate::slt, Column, B.splat(Experts, Column));
        Logits = B.select(Real, Logits, B.splat(-1e30, Logits));
        Value Max = B.rowMax(Logits);
        Value Power = B.expF(B.subF(Logits, B.along(Max, 1, Width)));
        Value Sum = B.rowSum(Power);
        Value P = B.divF(Power, B.along(Sum, 1, Width));

        // The largest, K times; the lowest index among equals.
        SmallVector<Value> Chosen, Weight;
        Value Left = B.select(Real, P, B.splat(-1, P));
        for (int64_t I = 0; I < K; ++I) {
          Value Best = B.rowMax(Left);
          Value IsBest = B.create<arith::CmpFOp>(arith::CmpFPredicate::OEQ,
                                                 Left, B.along(Best, 1, Width));
          Value Where = B.rowMinIndex(
              B.select(IsBest, Column, B.splat(INT32_MAX, Column)));
          Chosen.push_back(Where);
          Weight.push_back(Best);
          Value Taken = B.cmpI(arith::CmpIPredicate::eq, Column,
                               B.along(Where, 1, Width));
          Left = B.select(Taken, B.splat(-1, Left), Left);
        }
        Value Total = Weight[0];
        for (int64_t I = 1; I < K; ++I)
          Total = B.addF(Total, Weight[I]);
        for (int64_t I = 0; I < K; ++I) {
          B.store(Chosen[I], B.Args[2], {First, B.index(I)}, {0}, Rows);
          B.store(B.divF(Weight[I], Total), B.Args[3], {First, B.index(I)}, {0},
                  Rows);
        }
      });
}

tile::KernelOp m1::routeKernel(KernelCache &Cache, MemRefType Lists,
                               int64_t K) {
  const int64_t E = Lists.getDimSize(0);
  Type I32 = IntegerType::get(Cache.context(), 32);
  std::string Key =
      formatv("route_{0}of{1}_bound{2}", K, E, Lists.getDimSize(1));
  return Cache.get(
      Key,
      {memoryType({kDynamic, K}, I32), Lists, memoryType({E}, I32),
       IndexType::get(Cache.context())},
      [&](KernelBody &B) {
        Value Zero = B.index(0);
        Value Mine = B.toI32(B.X);
        SmallVector<Value> Count =
            B.loop(Zero, B.Args[3], {Zero}, [&](Value T, ValueRange Carried) {
              Value Found = Carried[0];
              for (int64_t I = 0; I < K; ++I) {
                Value Expert = B.create<memref::LoadOp>(
                    B.Args[0], ValueRange{T, B.index(I)});
                Value Pair = B.plus(B.times(T, K), B.index(I));
                Value IsMine = B.equal(Expert, Mine);
                B.ifThen(IsMine, [&] {
                  B.create<memref::StoreOp>(B.toI32(Pair), B.Args[1],
                                            ValueRange{B.X, Found});
                });
                Found = B.create<arith::SelectOp>(
                    IsMine, B.plus(Found, B.index(1)), Found);
              }
              return SmallVector<Value>{Found};
            });
        B.create<memref::StoreOp>(B.toI32(Count[0]), B.Args[2],
                                  ValueRange{B.X});
      });
}

/// Runs `Body` for each panel of the cell's group with the pairs of its block
/// that chose expert Z: their rows t * K + k and how many there are.
static void forChosen(
    KernelBody &B, Value Lists, Value Counts, int64_t Panels,
    llvm::function_ref<Value(Value Pairs, Value Rows)> Load,
    llvm::function_ref<void(Value Block, Value Pairs, Value Rows, Value Panel)>
        Body,
    const Blocking &Blocks) {
  const int64_t M = Blocks.Rows;
  Value First = B.times(B.X, M);
  Value Count = B.at(Counts, B.Z);
  B.ifThen(B.less(First, Count), [&] {
    Value Rows = B.smaller(B.minus(Count, First), B.index(M));
    Value Pairs = B.load(Lists, {B.Z, First}, {1}, {M}, Rows);
    Value Block = Load(Pairs, Rows);
    Value From = B.times(B.Y, Blocks.PanelsPerCell);
    Value To =
        B.smaller(B.plus(From, B.index(Blocks.PanelsPerCell)), B.index(Panels));
    B.loop(From, To, [&](Value J) { Body(Block, Pairs, Rows, J); });
  });
}

/// The columns of panel `J` that exist, or null if every panel is full.
static Value columnsOf(KernelBody &B, Value J, int64_t Panel, int64_t N) {
  if (N % Panel == 0)
    return {};
  return B.smaller(B.index(Panel), B.minus(B.index(N), B.times(J, Panel)));
}

tile::KernelOp m1::expertsUpKernel(KernelCache &Cache, MemRefType X,
                                   MemRefType W, MemRefType Lists, int64_t F,
                                   int64_t K, Type Hidden) {
  const int64_t M = Cache.Blocks.Rows, D = X.getDimSize(1);
  const PackedLayout Packed(W.getShape().drop_front());
  const int64_t Panels = Packed.Panels, Panel = Packed.Panel;
  std::string Key = formatv(
      "experts_up_{0}x{1}x{2}_{3}_{4}_{5}_top{6}_bound{7}", W.getDimSize(0), D,
      F, nameOf(X.getElementType()), nameOf(W.getElementType()), nameOf(Hidden),
      K, Lists.getDimSize(1));
  Type I32 = IntegerType::get(Cache.context(), 32);
  return Cache.get(
      Key,
      {X, W, W, Lists, memoryType({W.getDimSize(0)}, I32),
       memoryType({kDynamic, F}, Hidden)},
      [&](KernelBody &B) {
        Value Zero = B.index(0);
        forChosen(
            B, B.Args[3], B.Args[4], Panels,
            [&](Value Pairs, Value Rows) {
              Value Token = B.create<arith::DivUIOp>(Pairs, B.splat(K, Pairs));
              return B.gather(B.Args[0], Token, Zero, {M, D}, Rows);
            },
            [&](Value Xs, Value Pairs, Value Rows, Value J) {
              auto Product = [&](Value W) {
                return B.dot(Xs, loadPanel(B, W, {B.Z, J}),
                             B.zeros({M, Panel}));
              };
              Value Gate = Product(B.Args[1]);
              Value Up = Product(B.Args[2]);
              B.scatter(B.mulF(B.silu(Gate), Up), B.Args[5], Pairs,
                        B.times(J, Panel), Rows, columnsOf(B, J, Panel, F));
            },
            Cache.Blocks);
      });
}

tile::KernelOp m1::expertsDownKernel(KernelCache &Cache, MemRefType Hidden,
                                     MemRefType W, MemRefType Lists,
                                     int64_t D) {
  const int64_t M = Cache.Blocks.Rows, F = Hidden.getDimSize(1);
  const PackedLayout Packed(W.getShape().drop_front());
  const int64_t Panels = Packed.Panels, Panel = Packed.Panel;
  std::string Key =
      formatv("experts_down_{0}x{1}x{2}_{3}_{4}_bound{5}", W.getDimSize(0), F,
              D, nameOf(Hidden.getElementType()), nameOf(W.getElementType()),
              Lists.getDimSize(1));
  Type I32 = IntegerType::get(Cache.context(), 32);
  Type F32 = Float32Type::get(Cache.context());
  return Cache.get(
      Key,
      {Hidden, W, Lists, memoryType({W.getDimSize(0)}, I32),
       memoryType({kDynamic, D}, F32)},
      [&](KernelBody &B) {
        Value Zero = B.index(0);
        forChosen(
            B, B.Args[2], B.Args[3], Panels,
            [&](Value Pairs, Value Rows) {
              return B.gather(B.Args[0], Pairs, Zero, {M, F}, Rows);
            },
            [&](Value Hs, Value Pairs, Value Rows, Value J) {
              Value Y = B.dot(Hs, loadPanel(B, B.Args[1], {B.Z, J}),
                              B.zeros({M, Panel}));
              B.scatter(Y, B.Args[4], Pairs, B.times(J, Panel), Rows,
                        columnsOf(B, J, Panel, D));
            },
            Cache.Blocks);
      });
}

tile::KernelOp m1::combineKernel(KernelCache &Cache, int64_t K, int64_t D,
                                 Type Result) {
  const int64_t M = Cache.Blocks.FewRows;
  Type F32 = Float32Type::get(Cache.context());
  return Cache.get(
      formatv("combine_{0}x{1}_{2}", K, D, nameOf(Result)).str(),
      {memoryType({kDynamic, K, D}, F32), memoryType({kDynamic, K}, F32),
       memoryType({kDynamic, D}, Result), IndexType::get(Cache.context())},
      [&](KernelBody &B) {
        Value Zero = B.index(0);
        Value First = B.times(B.X, M);
        Value Rows = B.smaller(B.index(M), B.minus(B.Args[3], First));
        Value Sum;
        for (int64_t I = 0; I < K; ++I) {
          Value Y = B.load(B.Args[0], {First, B.index(I), Zero}, {0, 2}, {M, D},
                           Rows);
          Value Weight = B.load(B.Args[1], {First, B.index(I)}, {0}, {M}, Rows);
          Value Term = B.mulF(Y, B.along(Weight, 1, D));
          Sum = Sum ? B.addF(Sum, Term) : Term;
        }
        B.store(Sum, B.Args[2], {First, Zero}, {0, 1}, Rows);
      });
}
