//===- ReturnValues.cpp - intermediate values as results ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "dialects/M1/IR/Attributes.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace m1 {
#define GEN_PASS_DEF_RETURNVALUES
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1

namespace {

/// True if an op computes nothing: its result is a view of other memory.
bool isView(Operation *Op) {
  return isa<m1::LoadParameterOp, m1::SplitQKVOp, m1::SplitHeadsOp,
             m1::MergeHeadsOp>(Op);
}

/// True if axis 0 of a tensor is dynamic.
bool hasRows(Type T) {
  auto Tensor = dyn_cast<RankedTensorType>(T);
  return Tensor && Tensor.getRank() > 0 && Tensor.isDynamicDim(0);
}

/// "model.layers.0.self_attn", or "line12" of a file.
std::string locationName(Location Loc) {
  if (auto Name = Loc->findInstanceOf<NameLoc>())
    return Name.getName().str();
  if (auto File = Loc->findInstanceOf<FileLineColLoc>())
    return "line" + std::to_string(File.getLine());
  return "unknown";
}

struct ReturnValues : m1::impl::ReturnValuesBase<ReturnValues> {
  /// The `m1.dim` of each value whose axis 0 is dynamic.
  llvm::DenseMap<Value, std::string> Dims;

  /// The dim of an op's rows: that of its first operand with rows, except for
  /// select_last, which has one row per sequence.
  std::string rowsOf(Operation &Op) {
    if (auto Select = dyn_cast<m1::SelectLastOp>(Op))
      return StringRef(Dims.lookup(Select.getCuSeqlens()))
          .split('+')
          .first.str();
    for (Value Operand : Op.getOperands())
      if (auto It = Dims.find(Operand); It != Dims.end())
        return It->second;
    return "";
  }

  /// Sets the dims of an op's results. A region yields its last op's rows.
  void inferDims(Operation &Op) {
    std::string Dim = rowsOf(Op);
    for (Region &Nested : Op.getRegions())
      for (Operation &Inner : Nested.getOps()) {
        inferDims(Inner);
        Dim = rowsOf(Inner);
      }
    for (Value Result : Op.getResults())
      if (hasRows(Result.getType()))
        Dims[Result] = Dim;
  }

  void runOnOperation() override {
    func::FuncOp Function = getOperation();
    if (!Function.getBody().hasOneBlock())
      return;
    Dims.clear();
    Builder B(Function);
    for (BlockArgument Argument : Function.getArguments()) {
      if (!hasRows(Argument.getType()))
        continue;
      auto Dim = Function.getArgAttrOfType<StringAttr>(Argument.getArgNumber(),
                                                       m1::kDimAttr);
      Dims[Argument] = Dim ? Dim.str() : "T";
    }

    Block &Body = Function.getBody().front();
    auto Return = cast<func::ReturnOp>(Body.getTerminator());
    SmallVector<Value> Results(Return.getOperands());
    SmallVector<DictionaryAttr> Attributes;
    Function.getAllResultAttrs(Attributes);
    int64_t Count = 0;
    for (Operation &Op : Body.without_terminator()) {
      inferDims(Op);
      if (isView(&Op))
        continue;
      for (Value Result : Op.getResults()) {
        if (!isa<RankedTensorType>(Result.getType()) ||
            llvm::is_contained(Results, Result))
          continue;
        std::string Name = "v" + std::to_string(Count++) + "." +
                           Op.getName().stripDialect().str() + "." +
                           locationName(Op.getLoc());
        for (char &C : Name)
          if (!llvm::isAlnum(C) && C != '.' && C != '-')
            C = '_';
        NamedAttrList List;
        List.set(m1::kNameAttr, B.getStringAttr(Name));
        if (hasRows(Result.getType()))
          List.set(m1::kDimAttr, B.getStringAttr(Dims.lookup(Result)));
        Results.push_back(Result);
        Attributes.push_back(List.getDictionary(B.getContext()));
      }
    }
    Return.getOperandsMutable().assign(Results);
    Function.setType(
        B.getFunctionType(Function.getArgumentTypes(),
                          SmallVector<Type>(Return.getOperandTypes())));
    Function.setAllResultAttrs(Attributes);
  }
};

} // namespace
