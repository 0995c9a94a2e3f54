//===- HostLowering.cpp - kernels to loops for a CPU ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/HostLowering.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

void HostLowering::reduceRows(Value Source, const Extent &E,
                              vector::CombiningKind Kind, Value Init,
                              const Access &Result) {
  ScalarBuilder &B = Context.B;
  Evaluator &Eval = Context.Eval;
  const int64_t Lanes =
      Context.Storage.isVectorizable(Source) ? Target.getLanes() : 1;
  const bool IsRow = cast<VectorType>(Source.getType()).getRank() == 1;
  const int64_t Main = E.ColCount / Lanes * Lanes;
  auto At = [&](Value Row, Value Col, int64_t Width) {
    return Eval.evaluate(Source, {IsRow ? Value() : Row, Col, Width, 1, &E});
  };
  Loops.forEachRow(E, [&](Value Row) {
    // Lanes are combined at the end, in order, and then the columns past the
    // last whole vector: the order depends on the block's shape alone.
    Value Total;
    if (Main > 0) {
      Total = At(Row, B.index(0), Lanes);
      if (Main > Lanes)
        Total = B.loop(
            B.index(Lanes), B.index(Main), Total,
            [&](Value Col, ValueRange Sum) -> SmallVector<Value> {
              return {Eval.combine(Kind, Sum[0], At(Row, Col, Lanes))};
            },
            Lanes)[0];
      if (Lanes > 1)
        Total = B.create<vector::ReductionOp>(Kind, Total);
    }
    for (int64_t Col = Main; Col < E.ColCount; ++Col) {
      Value One = At(Row, B.index(Col), 1);
      Total = Total ? Eval.combine(Kind, Total, One) : One;
    }
    const Position Where{{}, Row};
    Eval.store(Eval.combine(Kind, Eval.initial(Init, Where), Total), Result,
               Where);
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

bool HostLowering::usesUnit(tile::DotOp Dot) const {
  tile::MatrixUnitAttrInterface Unit = Target.getUnit();
  if (!Unit)
    return false;
  return isa<tile::AmxAttr>(Unit) ? AmxProducts::supports(Dot, Unit)
                                  : PairProducts::supports(Dot, Unit);
}

/// True if the unit is that of PairProducts.
bool HostLowering::usesPairs(tile::DotOp Dot) const {
  return usesUnit(Dot) && !isa<tile::AmxAttr>(Target.getUnit());
}

Type HostLowering::operandType(tile::DotOp Dot, Side Which) const {
  Value Operand = Which == Side::Left ? Dot.getA() : Dot.getB();
  Type Element = getElementTypeOrSelf(Operand.getType());
  // Vector products broadcast single elements of the left operand, which is
  // only cheap if they need no conversion.
  const bool IsHalf = Element.isBF16() || Element.isF16();
  return Which == Side::Left && IsHalf && !usesUnit(Dot)
             ? Type(Context.B.getF32Type())
             : Element;
}

/// The number of leading rows of `Block` that may be other than zero; null: all
/// of them.
Value HostLowering::rowsOf(Value Block) const {
  if (auto Extend = Block.getDefiningOp<arith::ExtFOp>())
    return rowsOf(Extend.getIn());
  if (auto Round = Block.getDefiningOp<arith::TruncFOp>())
    return rowsOf(Round.getIn());
  const Access *A = Context.Storage.access(Block);
  return A ? A->Rows : Value();
}

/// Rows of the right operand that are zero need not be multiplied.
Value HostLowering::termsOf(tile::DotOp Dot) const {
  return Dot.getLeaves() == 1 ? rowsOf(Dot.getB()) : Value();
}

Access HostLowering::operand(tile::DotOp Dot, const Extent &E, Side Which) {
  const bool IsLeft = Which == Side::Left;
  Value Block = IsLeft ? Dot.getA() : Dot.getB();
  Type Element = operandType(Dot, Which);
  // The rows of a transposed left operand are copied as they are, or
  // interleaved in pairs, and its columns are read from the copy.
  if (auto Transpose = Block.getDefiningOp<vector::TransposeOp>();
      Transpose && IsLeft && (!usesUnit(Dot) || usesPairs(Dot)) &&
      !Context.Storage.buffer(Block)) {
    Value Rows = Transpose.getVector();
    Access A = usesUnit(Dot) ? Writer.materializePairs(Rows, termsOf(Dot))
                             : Writer.materialize(Rows, Element);
    std::swap(A.Strides[0], A.Strides[1]);
    return A;
  }
  auto IsReadable = [&](const Access &A) {
    if (A.Element != Element || A.Cols ||
        (A.RowIndex && !(IsLeft && usesPairs(Dot))))
      return false;
    if (IsLeft)
      return (!A.Rows || A.Rows == E.Rows) &&
             (!usesUnit(Dot) || A.Strides[1] == 1);
    return A.Pairs == usesUnit(Dot) && (A.Pairs || A.Strides[1] == 1) &&
           (!A.Rows || Dot.getLeaves() == 1);
  };
  if (const Access *A = Context.Storage.access(Block); A && IsReadable(*A))
    return *A;
  if (!IsLeft && usesUnit(Dot))
    return Writer.materializePairs(Block, termsOf(Dot));
  return Writer.materialize(Block, Element);
}

std::optional<Access> HostLowering::materializeLeft(tile::DotOp Dot,
                                                    const Access &Left) {
  Type Element = operandType(Dot, Side::Left);
  const bool CanGather = usesPairs(Dot);
  if ((!Left.RowIndex || CanGather) && Element == Left.Element)
    return std::nullopt;
  return Writer.materialize(Dot.getA(), Element);
}

void HostLowering::lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) {
  HostProduct P;
  P.K = Dot.getA().getType().getDimSize(1);
  P.Leaves = Dot.getLeaves();
  P.Depth = termsOf(Dot);
  if (!P.Depth)
    P.Depth = Context.B.index(P.K);
  P.Left = operand(Dot, E, Side::Left);
  P.Right = operand(Dot, E, Side::Right);
  P.Sums = C;
  if (auto Carried = dyn_cast<BlockArgument>(Dot.getAcc()))
    P.IsFarSums = static_cast<bool>(Materialization::storeOfSums(Carried));
  P.E = E;
  if (!usesUnit(Dot))
    Vectors.multiply(P);
  else if (isa<tile::AmxAttr>(Target.getUnit()))
    Amx.multiply(P);
  else
    Pairs.multiply(P);
}
