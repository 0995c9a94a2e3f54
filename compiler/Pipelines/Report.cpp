//===- Report.cpp - figures of a model and its plan -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Report.h"

#include "compiler/Plan/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "dialects/Plan/IR/Plan.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace m1;

static double elementsOf(Type T) {
  return cast<RankedTensorType>(T).getNumElements();
}

static double bytesOf(Type T) {
  return elementsOf(T) * getElementTypeOrSelf(T).getIntOrFloatBitWidth() / 8;
}

std::vector<PlanFigure> m1::modelFigures(ModuleOp Module) {
  func::FuncOp Main;
  size_t Most = 0;
  for (func::FuncOp Function : Module.getOps<func::FuncOp>()) {
    size_t Count = 0;
    Function.walk([&](Operation *) { ++Count; });
    if (Count > Most) {
      Main = Function;
      Most = Count;
    }
  }
  std::vector<PlanFigure> Figures;
  if (!Main)
    return Figures;

  double Parameters = 0, Bytes = 0;
  for (ParameterOp Parameter : Module.getOps<ParameterOp>()) {
    const double Elements = elementsOf(Parameter.getType());
    Parameters += Elements;
    // In the element types of the checkpoint; all sources have the same shape.
    auto Sources = Parameter.getSources().getAsRange<SourceAttr>();
    for (SourceAttr Source : Sources) {
      Type Stored = Source.getStored()
                        ? Source.getStored()
                        : getElementTypeOrSelf(Parameter.getType());
      Bytes += Elements / Parameter.getSources().size() *
               Stored.getIntOrFloatBitWidth() / 8;
    }
  }
  double ActiveParameters = 0, ActiveBytes = 0;
  llvm::MapVector<StringRef, double> Operations;
  Main.walk([&](Operation *Op) {
    auto Cost = dyn_cast<CostOpInterface>(Op);
    if (double Count = Cost ? Cost.getOperationsPerToken() : 0; Count > 0)
      Operations[Cost.getCostKind()] += Count;
    for (OpOperand &Operand : Op->getOpOperands()) {
      if (!Operand.get().getDefiningOp<LoadParameterOp>())
        continue;
      const double Share = Cost ? Cost.getShareRead(Operand) : 1;
      Type T = Operand.get().getType();
      ActiveParameters += Share * elementsOf(T);
      ActiveBytes += Share * bytesOf(T);
    }
  });
  Figures.push_back({"parameters", Parameters, ""});
  Figures.push_back({"parameter bytes", Bytes, "bytes"});
  Figures.push_back({"parameters read per token", ActiveParameters, ""});
  Figures.push_back({"bytes read per token", ActiveBytes, "bytes"});
  for (auto [Kind, Count] : Operations)
    Figures.push_back({("operations per token: " + Kind).str(), Count, "flop"});
  return Figures;
}

/// What a state holds: "keys" of "model.layers.3.state.keys", and of tensor
/// states "gradient" of "model.norm.gradient.value" or ".gradient.1.value".
static StringRef kindOfState(StringRef Symbol) {
  Symbol.consume_back(".value");
  while (true) {
    StringRef Part = Symbol.substr(Symbol.rfind('.') + 1); // npos + 1 is 0
    unsigned Number;
    if (Part.size() == Symbol.size() || Part.getAsInteger(10, Number))
      return Part;
    Symbol = Symbol.drop_back(Part.size() + 1);
  }
}

std::vector<PlanFigure> m1::planFigures(ModuleOp Module) {
  std::vector<PlanFigure> Figures;
  auto Kernels = Module.getOps<tile::KernelOp>();
  Figures.push_back(
      {"kernels", double(std::distance(Kernels.begin(), Kernels.end())), ""});
  auto Bytes = [&](StringRef Attribute) {
    return double(Module->getAttrOfType<IntegerAttr>(Attribute).getInt());
  };
  Figures.push_back({"activations", Bytes(kActivationBytesAttr), "bytes"});
  Figures.push_back({"packed weights", Bytes(kWeightBytesAttr), "bytes"});
  llvm::MapVector<StringRef, double> States;
  for (plan::GlobalOp Global : Module.getOps<plan::GlobalOp>()) {
    if (Global.getKind() != "state")
      continue;
    auto Type = cast<MemRefType>(Global.getType());
    States[kindOfState(Global.getSymName())] +=
        double(Type.getNumElements()) * Type.getElementTypeBitWidth() / 8;
  }
  for (auto [Kind, Size] : States)
    Figures.push_back({("states: " + Kind).str(), Size, "bytes"});
  return Figures;
}
