//===- ElementwiseStep.cpp - elementwise ops inside kernels ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/ElementwiseStep.h"

using namespace mlir;
using namespace m1;

Attribute ElementwiseStep::describe(Operation *Op, OpOperand *Chained) {
  Builder B(Op->getContext());
  NamedAttrList Fields;
  Fields.set("op", B.getStringAttr(Op->getName().getStringRef()));
  Fields.set("attributes", Op->getAttrDictionary());
  Fields.set("operands", B.getI64IntegerAttr(Op->getNumOperands()));
  Fields.set("result",
             TypeAttr::get(getElementTypeOrSelf(Op->getResult(0).getType())));
  if (Chained)
    Fields.set("chained", B.getI64IntegerAttr(Chained->getOperandNumber()));
  return Fields.getDictionary(Op->getContext());
}

/// The interface of the op that a step names.
static const ElementwiseOpInterface::Concept &interfaceOf(Attribute Step) {
  auto Name = cast<DictionaryAttr>(Step).getAs<StringAttr>("op");
  auto Known =
      RegisteredOperationName::lookup(Name.getValue(), Name.getContext());
  assert(Known && "a step describes an op of a loaded dialect");
  return *Known->getInterface<ElementwiseOpInterface>();
}

ElementwiseStep::ElementwiseStep(Attribute Description)
    : Op(interfaceOf(Description)) {
  auto Fields = cast<DictionaryAttr>(Description);
  Attributes = Fields.getAs<DictionaryAttr>("attributes");
  Operands = Fields.getAs<IntegerAttr>("operands").getInt();
  Result = Fields.getAs<TypeAttr>("result").getValue();
  if (auto Number = Fields.getAs<IntegerAttr>("chained"))
    Chained = Number.getInt();
}

bool ElementwiseStep::isPerToken(unsigned Operand) const {
  return Op.isPerToken(Operand);
}

Value ElementwiseStep::emit(KernelBody &B, ValueRange Blocks) const {
  return B.widened(
      B.rounded(Op.emitElementwise(B, Attributes, Blocks), Result));
}

std::string m1::inputName(unsigned Number) {
  return "input" + std::to_string(Number);
}

SmallVector<std::string> m1::inputNames(size_t Count) {
  SmallVector<std::string> Names;
  for (size_t Number = 0; Number < Count; ++Number)
    Names.push_back(inputName(Number));
  return Names;
}

Value m1::loadOperand(KernelBody &B, Value Memory, bool IsPerToken,
                      const ElementwiseBlock &At) {
  if (!IsPerToken)
    return B.widened(B.load(Memory, {At.Row, At.Column}, {0, 1}, At.Shape,
                            At.Rows, At.Columns));
  Value One =
      B.load(Memory, {At.Row, B.index(0)}, {0}, At.Shape.front(), At.Rows);
  return B.along(B.widened(One), 1, At.Shape.back());
}
