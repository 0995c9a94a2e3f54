//===- ScalarBuilder.cpp - building arithmetic and control flow -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Support/ScalarBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value ScalarBuilder::index(int64_t Value) {
  return create<arith::ConstantIndexOp>(Value);
}

Value ScalarBuilder::plus(Value A, Value C) {
  return create<arith::AddIOp>(A, C);
}

Value ScalarBuilder::plus(Value A, int64_t C) {
  return C == 0 ? A : plus(A, index(C));
}

Value ScalarBuilder::minus(Value A, Value C) {
  return create<arith::SubIOp>(A, C);
}

Value ScalarBuilder::times(Value A, Value C) {
  return create<arith::MulIOp>(A, C);
}

Value ScalarBuilder::times(Value A, int64_t C) {
  return C == 1 ? A : times(A, index(C));
}

Value ScalarBuilder::over(Value A, Value C) {
  return create<arith::DivUIOp>(A, C);
}

Value ScalarBuilder::over(Value A, int64_t C) { return over(A, index(C)); }

Value ScalarBuilder::modulo(Value A, Value C) {
  return create<arith::RemUIOp>(A, C);
}

Value ScalarBuilder::modulo(Value A, int64_t C) { return modulo(A, index(C)); }

Value ScalarBuilder::smaller(Value A, Value C) {
  return create<arith::MinSIOp>(A, C);
}

Value ScalarBuilder::larger(Value A, Value C) {
  return create<arith::MaxSIOp>(A, C);
}

Value ScalarBuilder::less(Value A, Value C) {
  return compare(arith::CmpIPredicate::slt, A, C);
}

Value ScalarBuilder::equal(Value A, Value C) {
  return compare(arith::CmpIPredicate::eq, A, C);
}

Value ScalarBuilder::equal(Value A, int64_t C) { return equal(A, index(C)); }

Value ScalarBuilder::compare(arith::CmpIPredicate P, Value A, Value C) {
  return create<arith::CmpIOp>(P, A, C);
}

Value ScalarBuilder::both(Value A, Value C) {
  if (!A || !C)
    return A ? A : C;
  return create<arith::AndIOp>(A, C);
}

Value ScalarBuilder::select(Value Condition, Value A, Value C) {
  return create<arith::SelectOp>(Condition, A, C);
}

Value ScalarBuilder::toI32(Value Index) {
  return create<arith::IndexCastOp>(getI32Type(), Index);
}

Value ScalarBuilder::toI64(Value Index) {
  return create<arith::IndexCastOp>(getI64Type(), Index);
}

Value ScalarBuilder::toIndex(Value Integer) {
  return create<arith::IndexCastOp>(getIndexType(), Integer);
}

Value ScalarBuilder::convertFloat(Value V, Type Element) {
  Type From = getElementTypeOrSelf(V.getType());
  if (From == Element)
    return V;
  Type To = Element;
  if (auto Vector = dyn_cast<VectorType>(V.getType()))
    To = Vector.clone(Element);
  const unsigned Have = From.getIntOrFloatBitWidth();
  const unsigned Want = Element.getIntOrFloatBitWidth();
  if (Have < Want)
    return create<arith::ExtFOp>(To, V);
  if (Have > Want)
    return create<arith::TruncFOp>(To, V);
  // There is no direct conversion between bf16 and f16.
  return convertFloat(convertFloat(V, getF32Type()), Element);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void ScalarBuilder::ifThen(Value Condition, llvm::function_ref<void()> Then) {
  if (!Condition)
    return Then();
  auto If = create<scf::IfOp>(Condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard Guard(*this);
  setInsertionPoint(If.thenBlock()->getTerminator());
  Then();
}

void ScalarBuilder::loop(Value From, Value To,
                         llvm::function_ref<void(Value)> Body, int64_t Step) {
  auto Loop = create<scf::ForOp>(From, To, index(Step));
  OpBuilder::InsertionGuard Guard(*this);
  setInsertionPoint(Loop.getBody()->getTerminator());
  Body(Loop.getInductionVar());
}

SmallVector<Value> ScalarBuilder::loop(
    Value From, Value To, ValueRange Carried,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> Body,
    int64_t Step) {
  auto Loop = create<scf::ForOp>(From, To, index(Step), Carried);
  OpBuilder::InsertionGuard Guard(*this);
  setInsertionPointToStart(Loop.getBody());
  SmallVector<Value> Next =
      Body(Loop.getInductionVar(), Loop.getRegionIterArgs());
  if (!Carried.empty()) // otherwise the loop has its terminator
    create<scf::YieldOp>(Next);
  return Loop.getResults();
}
