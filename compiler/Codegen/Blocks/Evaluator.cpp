//===- Evaluator.cpp - block expressions at one position ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/Evaluator.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

Value Evaluator::memoryRow(const Access &A, const Position &P) {
  return A.RowIndex ? B.toIndex(evaluateRowValue(A.RowIndex,
                                                 {P.Row, {}, 1, 1, P.Loop}))
                    : P.Row;
}

Value Evaluator::load(const Access &A, const Position &P) {
  return A.Layout ? loadSlots(B, A, P.Slot, P.Width)
                  : loadMemory(B, A, P, memoryRow(A, P));
}

void Evaluator::store(Value V, const Access &A, const Position &P) {
  V = B.convertFloat(V, A.Element);
  if (A.Layout)
    storeSlots(B, V, A, P.Slot);
  else
    storeMemory(B, V, A, P, memoryRow(A, P));
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

Value Evaluator::evaluate(Value Block, const Position &P) {
  Memo Known;
  return evaluateAt(Block, P, Known);
}

Value Evaluator::element(Value Block, Value Row, Value Col, Type Element) {
  return B.convertFloat(evaluate(Block, {Row, Col}), Element);
}

Value Evaluator::initial(Value Init, const Position &P) {
  return isa<VectorType>(Init.getType()) ? evaluate(Init, P)
                                         : Storage.scalar(Init);
}

Value Evaluator::combine(vector::CombiningKind Kind, Value A, Value C) {
  return vector::makeArithReduction(B, B.getLoc(), Kind, A, C);
}

Value Evaluator::evaluateAt(Value Block, const Position &P, Memo &Known) {
  if (Value V = Known.lookup(Block))
    return V;
  Value V = compute(Block, P, Known);
  Known[Block] = V;
  return V;
}

Value Evaluator::evaluateRowValue(Value Block, const Position &P) {
  Position Where;
  Where.Col = P.Row;
  if (P.Layout && P.Layout->OfRows) {
    Where.Layout = P.Layout->OfRows;
    Where.Slot = P.Layout->rowSlotOf(P.Slot);
  }
  Extent Rows;
  if (P.Loop) {
    Rows.Cols = P.Loop->Rows;
    Where.Loop = &Rows;
  }
  return evaluate(Block, Where);
}

Value Evaluator::evaluateTransposed(Value Block, const Position &P) {
  assert(P.Width == 1 && "transposes are evaluated element by element");
  Position Where{P.Col, P.Row};
  Extent Swapped;
  if (P.Loop) {
    Swapped.Rows = P.Loop->Cols;
    Swapped.Cols = P.Loop->Rows;
    Where.Loop = &Swapped;
  }
  return evaluate(Block, Where);
}

Value Evaluator::evaluateIota(tile::IotaOp Iota, const Position &P) {
  const bool AlongRow =
      Iota.getResult().getType().getRank() == 1 || Iota.getAxis() == 1;
  Value First = B.toI32(AlongRow ? P.Col : P.Row);
  if (P.Width == 1)
    return First;
  auto Wide = VectorType::get({P.Width}, B.getI32Type());
  Value Result = B.create<vector::SplatOp>(Wide, First);
  if (!AlongRow)
    return Result;
  SmallVector<int32_t> Steps(
      llvm::to_vector(llvm::seq<int32_t>(0, static_cast<int32_t>(P.Width))));
  Value Step =
      B.create<arith::ConstantOp>(DenseIntElementsAttr::get(Wide, Steps));
  return B.create<arith::AddIOp>(Result, Step);
}

Value Evaluator::compute(Value Block, const Position &P, Memo &Known) {
  const Type Element = getElementTypeOrSelf(Block.getType());
  const Type Wide = widened(Element, P.Width);
  auto Splat = [&](Value Scalar) -> Value {
    return P.Width == 1 ? Scalar
                        : B.create<vector::SplatOp>(Wide, Scalar).getResult();
  };

  if (const Access *From = Storage.readable(Block, P.Layout))
    return B.convertFloat(load(*From, P), Element);
  if (const Access *From = Storage.lazyLoad(Block))
    return load(*From, P);

  Operation *Op = Block.getDefiningOp();
  if (auto Constant = dyn_cast<arith::ConstantOp>(Op)) {
    auto Dense = cast<DenseElementsAttr>(Constant.getValue());
    return Splat(B.create<arith::ConstantOp>(
        cast<TypedAttr>(Dense.getSplatValue<Attribute>())));
  }
  if (auto FromScalar = dyn_cast<vector::SplatOp>(Op))
    return Splat(Storage.scalar(FromScalar.getInput()));
  if (auto Broadcast = dyn_cast<vector::BroadcastOp>(Op)) {
    if (!isa<VectorType>(Broadcast.getSource().getType()))
      return Splat(Storage.scalar(Broadcast.getSource()));
    return evaluate(Broadcast.getSource(),
                    {{}, P.Col, P.Width, P.Alignment, P.Loop});
  }
  if (auto Broadcast = dyn_cast<tile::BroadcastOp>(Op)) {
    if (Broadcast.getAxis() == 1)
      return Splat(evaluateRowValue(Broadcast.getOperand(), P));
    return evaluate(Broadcast.getOperand(),
                    {{}, P.Col, P.Width, P.Alignment, P.Loop});
  }
  if (auto Iota = dyn_cast<tile::IotaOp>(Op))
    return evaluateIota(Iota, P);
  if (auto Transpose = dyn_cast<vector::TransposeOp>(Op))
    return evaluateTransposed(Transpose.getVector(), P);

  // All others are elementwise: the same op on elements or vectors of them.
  SmallVector<Value> Operands;
  for (Value Operand : Op->getOperands())
    Operands.push_back(isa<VectorType>(Operand.getType())
                           ? evaluateAt(Operand, P, Known)
                           : Storage.scalar(Operand));
  return B
      .OpBuilder::create(B.getLoc(), Op->getName().getIdentifier(), Operands,
                         TypeRange{Wide}, Op->getAttrs())
      ->getResult(0);
}
