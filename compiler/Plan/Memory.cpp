//===- Memory.cpp - where the operands of a program's steps are -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Plan/Memory.h"

#include "dialects/Support/ElementTypes.h"
#include "runtime/schema/ElementTypes.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using namespace m1::plan;

std::optional<DType> m1::dtypeOf(Type T) {
  std::optional<ElementType> Element = elementTypeOf(T);
  return Element ? planType(*Element) : std::nullopt;
}

int64_t m1::elementBytes(MemRefType Type) {
  return std::max(1u, Type.getElementTypeBitWidth() / 8);
}

InFlightDiagnostic m1::emitTooLarge(Operation *Owner, Type Type) {
  InFlightDiagnostic Error = Owner->emitOpError();
  if (auto Global = dyn_cast<GlobalOp>(Owner))
    Error << "'" << Global.getSymName() << "' ";
  Error << "is too large for any memory: " << Type;
  return Error;
}

FailureOr<int64_t> m1::bytesAtBound(Operation *Owner, MemRefType Type,
                                    int64_t Rows) {
  int64_t Bytes = elementBytes(Type);
  for (int64_t Axis = 0; Axis < Type.getRank(); ++Axis) {
    int64_t Extent = Type.isDynamicDim(Axis) ? Rows : Type.getDimSize(Axis);
    if (llvm::MulOverflow(Bytes, Extent, Bytes))
      return emitTooLarge(Owner, Type);
  }
  return Bytes;
}

FailureOr<int64_t> m1::sizeAtBound(Operation *User, ExprAttr Size) {
  if (Size.getSymbol().empty())
    return Size.evaluate(0);
  auto Symbols =
      User->getParentOfType<ModuleOp>()->getAttrOfType<DictionaryAttr>(
          kSymbolsAttr);
  auto Bound =
      Symbols ? Symbols.getAs<IntegerAttr>(Size.getSymbol()) : IntegerAttr();
  if (!Bound)
    return User->emitOpError("expected a bound for symbol ")
           << Size.getSymbol() << " in " << kSymbolsAttr;
  int64_t Most = Bound.getInt();
  if (auto Condition = User->getAttrOfType<ConditionAttr>("condition");
      Condition && Condition.getSymbol() == Size.getSymbol())
    Most = std::min(Most, Condition.getBelow() - 1);
  return Size.evaluate(Most);
}

FailureOr<MemoryRange> m1::rangeOf(Operation *User, Value Memory) {
  auto Type = dyn_cast<MemRefType>(Memory.getType());
  SmallVector<int64_t> Strides;
  int64_t LayoutOffset;
  if (!Type || failed(getStridesAndOffset(Type, Strides, LayoutOffset)) ||
      llvm::is_contained(Strides, ShapedType::kDynamic) || LayoutOffset != 0)
    return User->emitOpError("expected a memref with static strides and offset "
                             "0, found an operand of type ")
           << Memory.getType();
  ExprAttr Rows = rowsOf(Memory);
  if (!Rows || Rows.getDivide() != 1)
    return User->emitOpError("expected an operand of type ")
           << Type << " to have rows without a division, found " << Rows;

  // (rows - 1) * stride of a row + elements from the start of a row to its end
  int64_t InRow = 1;
  for (int64_t Axis = 1; Axis < Type.getRank(); ++Axis)
    InRow += (Type.getDimSize(Axis) - 1) * Strides[Axis];
  if (llvm::is_contained(Type.getShape(), 0))
    InRow = 0;
  const int64_t Stride = Type.getRank() > 0 ? Strides[0] : 1;
  ExprAttr Elements = Rows.plus(-1).times(Stride).plus(InRow);

  int64_t Offset = 0;
  ExprAttr Shift;
  for (auto View = Memory.getDefiningOp<ViewOp>(); View;
       View = View.getSource().getDefiningOp<ViewOp>()) {
    Offset += View.getOffset();
    if (std::optional<ExprAttr> Added = View.getShift()) {
      if (Shift)
        return User->emitOpError("expected an operand with one shift, found ")
               << Shift << " and " << *Added;
      Shift = *Added;
    }
  }
  Value Base = baseOf(Memory);
  Operation *Owner = Base.getDefiningOp();
  if (Owner && !isa<BufferOp, GlobalRefOp, ParameterOp>(Owner))
    return User->emitOpError("expected an operand in a buffer, a global, a "
                             "parameter or an argument, found a result of ")
           << Owner->getName();
  const int64_t Size = elementBytes(Type);
  return MemoryRange{Base, Offset * Size, Elements.times(Size),
                     Shift ? Shift.times(Size) : ExprAttr()};
}
