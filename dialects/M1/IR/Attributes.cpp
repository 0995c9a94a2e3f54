//===- Attributes.cpp - discardable attributes ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/Attributes.h"

#include "dialects/M1/IR/M1.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace m1;

std::string Dim::str() const {
  return Added ? Symbol.str() + "+" + std::to_string(Added) : Symbol.str();
}

std::optional<Dim> m1::parseDim(StringRef Text) {
  Dim Result;
  StringRef Number;
  std::tie(Result.Symbol, Number) = Text.split('+');
  auto IsWord = [](char C) { return llvm::isAlnum(C) || C == '_'; };
  if (Result.Symbol.empty() || !llvm::all_of(Result.Symbol, IsWord) ||
      llvm::isDigit(Result.Symbol.front()))
    return std::nullopt;
  if (Result.Symbol.size() < Text.size() &&
      (!llvm::all_of(Number, llvm::isDigit) ||
       Number.getAsInteger(10, Result.Added)))
    return std::nullopt;
  return Result;
}

std::optional<Dim> m1::getDim(DictionaryAttr Attributes) {
  auto Text = Attributes ? Attributes.getAs<StringAttr>(kDimAttr) : nullptr;
  return Text ? parseDim(Text.getValue()) : std::nullopt;
}

StringAttr m1::getName(DictionaryAttr Attributes) {
  return Attributes ? Attributes.getAs<StringAttr>(kNameAttr) : StringAttr();
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

LogicalResult ModelAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                                StringAttr Architecture, int64_t Layers,
                                int64_t MaxPosition, int64_t Vocabulary,
                                ArrayAttr Derived) {
  std::pair<StringRef, int64_t> Numbers[] = {{"layers", Layers},
                                             {"max_position", MaxPosition},
                                             {"vocabulary", Vocabulary}};
  for (auto [Name, Number] : Numbers)
    if (Number < 1)
      return EmitError() << "expected a positive " << Name << ", found "
                         << Number;
  for (Attribute Ending : Derived)
    if (!llvm::isa<StringAttr>(Ending))
      return EmitError() << "expected derived to be a list of strings, found "
                         << Ending;
  return success();
}

LogicalResult M1Dialect::verifyOperationAttribute(Operation *Op,
                                                  NamedAttribute Attribute) {
  if (Attribute.getName() == kModelAttr) {
    if (!isa<ModuleOp>(Op))
      return Op->emitOpError() << kModelAttr << " is an attribute of modules";
    if (!isa<ModelAttr>(Attribute.getValue()))
      return Op->emitOpError()
             << "expected " << kModelAttr << " to be a #m1.model, found "
             << Attribute.getValue();
    return success();
  }
  if (Attribute.getName() == kMeshAttr) {
    if (!isa<ModuleOp>(Op))
      return Op->emitOpError() << kMeshAttr << " is an attribute of modules";
    if (!isa<MeshAttr>(Attribute.getValue()))
      return Op->emitOpError()
             << "expected " << kMeshAttr << " to be a #m1.mesh, found "
             << Attribute.getValue();
    return success();
  }
  for (StringRef Name : {kDimAttr, kNameAttr})
    if (Attribute.getName() == Name)
      return Op->emitOpError()
             << Name << " is an attribute of a function's arguments and "
             << "results";
  return Op->emitOpError() << "expected no attribute of m1 but " << kModelAttr
                           << " and " << kMeshAttr << ", found "
                           << Attribute.getName();
}

/// Verifies an attribute of argument or result (`Kind`) `Number` of a function.
static LogicalResult verifyPort(Operation *Op, StringRef Kind, unsigned Number,
                                Type Ty, NamedAttribute Attribute,
                                function_ref<StringAttr(unsigned)> NameOf) {
  auto Error = [&] {
    return Op->emitOpError() << Kind << ' ' << Number << ": ";
  };
  for (StringRef Name : {kModelAttr, kMeshAttr})
    if (Attribute.getName() == Name)
      return Error() << Name << " is an attribute of modules";
  auto Text = dyn_cast<StringAttr>(Attribute.getValue());
  if (Attribute.getName() == kDimAttr) {
    if (!Text || !parseDim(Text.getValue()))
      return Error() << "expected " << kDimAttr
                     << " to be \"symbol\" or \"symbol+number\", found "
                     << Attribute.getValue();
    if (parseDim(Text.getValue())->Added > kMaxExtent)
      return Error() << "expected a number of at most " << kMaxExtent << " in "
                     << kDimAttr << ", found " << Attribute.getValue();
    auto Tensor = dyn_cast<RankedTensorType>(Ty);
    if (!Tensor || Tensor.getRank() == 0)
      return Error() << "expected a tensor with an axis 0 for " << kDimAttr
                     << ", found " << Ty;
  } else if (Attribute.getName() == kNameAttr) {
    // The name is also used as a file name.
    auto IsAllowed = [](char C) {
      return llvm::isAlnum(C) || C == '_' || C == '-' || C == '.';
    };
    if (!Text || Text.empty() || Text.getValue().starts_with(".") ||
        !llvm::all_of(Text.getValue(), IsAllowed))
      return Error() << "expected " << kNameAttr
                     << " to be letters, digits, '_', '-' and '.', found "
                     << Attribute.getValue();
    for (unsigned Other = 0; Other < Number; ++Other)
      if (NameOf(Other) == Text)
        return Error() << "expected a " << kNameAttr << " of its own, found "
                       << Text << ", which " << Kind << ' ' << Other << " has";
  } else {
    return Error() << "expected no attribute of m1 but " << kDimAttr << " and "
                   << kNameAttr << ", found " << Attribute.getName();
  }
  return success();
}

LogicalResult M1Dialect::verifyRegionArgAttribute(Operation *Op, unsigned,
                                                  unsigned Number,
                                                  NamedAttribute Attribute) {
  auto Function = dyn_cast<FunctionOpInterface>(Op);
  if (!Function)
    return success();
  return verifyPort(
      Op, "argument", Number, Function.getArgumentTypes()[Number], Attribute,
      [&](unsigned Other) { return getName(Function.getArgAttrDict(Other)); });
}

LogicalResult M1Dialect::verifyRegionResultAttribute(Operation *Op, unsigned,
                                                     unsigned Number,
                                                     NamedAttribute Attribute) {
  auto Function = dyn_cast<FunctionOpInterface>(Op);
  if (!Function)
    return success();
  return verifyPort(Op, "result", Number, Function.getResultTypes()[Number],
                    Attribute, [&](unsigned Other) {
                      return getName(Function.getResultAttrDict(Other));
                    });
}
