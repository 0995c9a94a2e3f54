//===- BuildOptimizer.cpp - adds the update of parameters -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace m1 {
#define GEN_PASS_DEF_BUILDOPTIMIZER
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1

namespace {

class OptimizerBuilder {
public:
  explicit OptimizerBuilder(ModuleOp Module)
      : Trained(Module.getOps<m1::TrainedOp>()), Symbols(Module),
        B(NameLoc::get(StringAttr::get(Module.getContext(), "optimizer")),
          Module.getContext()) {
    B.setInsertionPointToEnd(Module.getBody());
  }

  void buildCollect();
  void buildUpdate();
  void buildPublish();

private:
  /// A function with arguments and results of static shape, by name.
  func::FuncOp begin(StringRef Name,
                     ArrayRef<std::pair<StringRef, Type>> Arguments,
                     ArrayRef<std::pair<StringRef, Type>> Results);
  Value read(FlatSymbolRefAttr State) {
    auto Declaration = Symbols.lookup<m1::StateOp>(State.getAttr());
    return B.create<m1::ReadStateOp>(Declaration.getType(), State);
  }
  /// The gradient, with those of all uses of the parameter added.
  Value readGradient(m1::TrainedOp Of);
  Type vector(int64_t Extent, Type Element) {
    return RankedTensorType::get({Extent}, Element);
  }

  SmallVector<m1::TrainedOp> Trained;
  SymbolTable Symbols;
  ImplicitLocOpBuilder B;
};

func::FuncOp
OptimizerBuilder::begin(StringRef Name,
                        ArrayRef<std::pair<StringRef, Type>> Arguments,
                        ArrayRef<std::pair<StringRef, Type>> Results) {
  auto Types = [](ArrayRef<std::pair<StringRef, Type>> Ports) {
    return llvm::to_vector(llvm::make_second_range(Ports));
  };
  auto Attributes = [&](ArrayRef<std::pair<StringRef, Type>> Ports) {
    return llvm::map_to_vector(Ports, [&](const auto &Port) {
      return B.getDictionaryAttr(
          B.getNamedAttr(m1::kNameAttr, B.getStringAttr(Port.first)));
    });
  };
  auto Function = B.create<func::FuncOp>(
      Name, B.getFunctionType(Types(Arguments), Types(Results)));
  Function.setAllArgAttrs(Attributes(Arguments));
  Function.setAllResultAttrs(Attributes(Results));
  B.setInsertionPointToStart(Function.addEntryBlock());
  return Function;
}

Value OptimizerBuilder::readGradient(m1::TrainedOp Of) {
  Value Sum = read(Of.getGradientAttr());
  if (ArrayAttr Further = Of.getFurtherAttr())
    for (auto Name : Further.getAsRange<FlatSymbolRefAttr>()) {
      auto Move = B.create<m1::MoveStateOp>(
          TypeRange{Sum.getType(), Sum.getType()}, Sum, read(Name));
      B.create<m1::WriteStateOp>(Move.getNewFrom(), Name);
      Sum = Move.getNewTo();
    }
  return Sum;
}

void OptimizerBuilder::buildCollect() {
  OpBuilder::InsertionGuard Guard(B);
  begin("collect", {}, {});
  for (m1::TrainedOp Each : Trained)
    if (Each.getFurtherAttr())
      B.create<m1::WriteStateOp>(readGradient(Each), Each.getGradientAttr());
  B.create<func::ReturnOp>();
}

void OptimizerBuilder::buildUpdate() {
  OpBuilder::InsertionGuard Guard(B);
  const auto Count = static_cast<int64_t>(Trained.size());
  Type One = vector(1, B.getF32Type()), Flag = vector(1, B.getI32Type());
  Type Each = vector(Count, B.getF32Type());
  func::FuncOp Function =
      begin("update",
            {{"max_norm", One},
             {"enabled", Flag},
             {"learning_rates", Each},
             {"weight_decays", Each},
             {"hyperparameters", vector(5, B.getF32Type())}},
            {{"grad_norm", One}, {"applied", Flag}});
  auto [MaxNorm, Enabled, Rates, Decays, Hyperparameters] =
      std::array<Value, 5>{Function.getArgument(0), Function.getArgument(1),
                           Function.getArgument(2), Function.getArgument(3),
                           Function.getArgument(4)};
  SmallVector<Value> Gradients, Sums;
  for (m1::TrainedOp Each : Trained) {
    Value Gradient = readGradient(Each);
    auto Sum = B.create<m1::SquaredSumOp>(
        TypeRange{vector(1, B.getF64Type()), Gradient.getType()}, Gradient);
    Gradients.push_back(Sum.getNewState());
    Sums.push_back(Sum.getResult());
  }
  auto Clip = B.create<m1::ClipNormOp>(One, One, Flag, Sums, MaxNorm, Enabled);
  for (auto [Index, Each] : llvm::enumerate(Trained)) {
    B.setLoc(Each.getLoc());
    Type State = Gradients[Index].getType();
    auto Step = B.create<m1::AdamWOp>(
        TypeRange{State, State, State, State}, read(Each.getMasterAttr()),
        read(Each.getFirstAttr()), read(Each.getSecondAttr()), Gradients[Index],
        Clip.getScale(), Clip.getApplied(), Rates, Decays, Hyperparameters,
        Index);
    B.create<m1::WriteStateOp>(Step.getNewMaster(), Each.getMasterAttr());
    B.create<m1::WriteStateOp>(Step.getNewFirst(), Each.getFirstAttr());
    B.create<m1::WriteStateOp>(Step.getNewSecond(), Each.getSecondAttr());
    B.create<m1::WriteStateOp>(Step.getNewGradient(), Each.getGradientAttr());
    B.create<m1::UpdateParameterOp>(Each.getParameterAttr(),
                                    Each.getMasterAttr());
  }
  B.create<func::ReturnOp>(ValueRange{Clip.getNorm(), Clip.getApplied()});
}

void OptimizerBuilder::buildPublish() {
  OpBuilder::InsertionGuard Guard(B);
  begin("publish", {}, {});
  for (m1::TrainedOp Each : Trained)
    B.create<m1::UpdateParameterOp>(Each.getParameterAttr(),
                                    Each.getMasterAttr());
  B.create<func::ReturnOp>();
}

struct BuildOptimizer : m1::impl::BuildOptimizerBase<BuildOptimizer> {
  void runOnOperation() override {
    if (getOperation().getOps<m1::TrainedOp>().empty())
      return;
    for (StringRef Name : {"collect", "update", "publish"})
      if (Operation *Other = getOperation().lookupSymbol(Name)) {
        Other->emitOpError("'")
            << Name << "' is the name of a function of the optimiser; rename "
            << "this one";
        return signalPassFailure();
      }
    OptimizerBuilder Builder(getOperation());
    Builder.buildCollect();
    Builder.buildUpdate();
    Builder.buildPublish();
  }
};

} // namespace
