//===- Interpreter.cpp - runs functions of the m1 dialect -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Interpreter.h"

#include "dialects/M1/Reference/Frame.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cstring>

using namespace mlir;
using namespace m1::reference;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static LogicalResult interpretConstant(arith::ConstantOp Op, Frame &Values) {
  auto Elements = dyn_cast<DenseElementsAttr>(Op.getValue());
  if (!Elements)
    return Op.emitOpError("expected a dense tensor");
  if (failed(m1::verifySize([&] { return Op.emitOpError(); }, Op.getType())))
    return failure();
  std::vector<int64_t> Shape(Elements.getType().getShape());
  Type Element = Elements.getElementType();
  if (Element.isSignlessInteger(32) || Element.isSignlessInteger(64)) {
    Tensor Result = Tensor::integers(Shape);
    llvm::transform(Elements.getValues<APInt>(), Result.Integers.begin(),
                    [](const APInt &V) { return V.getSExtValue(); });
    return Values.set(Op.getResult(), std::move(Result));
  }
  if (!Element.isF32() && !Element.isBF16() && !Element.isF16() &&
      !Element.isF64())
    return Op.emitOpError(
               "expected i32, i64, f32, bf16, f16 or f64 elements, found ")
           << Element;
  Tensor Result = Tensor::reals(Shape);
  llvm::transform(Elements.getValues<APFloat>(), Result.Reals.begin(),
                  [](const APFloat &V) { return V.convertToDouble(); });
  return Values.set(Op.getResult(), std::move(Result));
}

//===----------------------------------------------------------------------===//
// The interpreter
//===----------------------------------------------------------------------===//

void m1::reference::registerInterpreter(DialectRegistry &Registry) {
  Registry.addExtension(+[](MLIRContext *Context, m1::M1Dialect *) {
    attachState(*Context);
    attachRows(*Context);
    attachAttention(*Context);
    attachExperts(*Context);
    attachOutput(*Context);
    attachSharding(*Context);
    attachAttentionGradients(*Context);
    attachExpertGradients(*Context);
    attachRowGradients(*Context);
    attachPolicyLoss(*Context);
    attachOptimizer(*Context);
  });
  Registry.addExtension(+[](MLIRContext *Context, arith::ArithDialect *) {
    attach<interpretConstant>(*Context);
  });
}

/// Whether two results have the same bits.
static bool same(const Tensor &A, const Tensor &B) {
  return A.Shape == B.Shape && A.Integers == B.Integers &&
         std::memcmp(A.Reals.data(), B.Reals.data(),
                     A.Reals.size() * sizeof(double)) == 0;
}

FailureOr<SmallVector<Tensor>>
m1::reference::interpret(ModuleOp Module, StringRef Entry,
                         ArrayRef<Tensor> Inputs, ParameterReader &Parameters,
                         StateStore &States) {
  auto Function = Module.lookupSymbol<func::FuncOp>(Entry);
  if (!Function)
    return Module.emitError()
           << "expected a function @" << Entry << ", found none";
  SmallVector<TensorPtr> Pointers;
  for (const Tensor &Input : Inputs)
    Pointers.push_back(std::make_shared<const Tensor>(Input));
  m1::MeshAttr Mesh = meshOf(Module);
  const int64_t Ranks = Mesh ? Mesh.getRanks() : 1;
  States.Others.resize(Ranks - 1);
  std::vector<Frame> Frames;
  for (int64_t Rank = 0; Rank < Ranks; ++Rank)
    Frames.emplace_back(Parameters,
                        Rank == 0 ? States : States.Others[Rank - 1], Rank);
  auto Results = Frame::run(
      Frames, Function, std::vector<SmallVector<TensorPtr>>(Ranks, Pointers));
  if (failed(Results))
    return failure();
  SmallVector<Tensor> Copies;
  for (auto [Number, First] : llvm::enumerate(Results->front())) {
    for (int64_t Rank = 1; Rank < Ranks; ++Rank)
      if (!same(*First, *(*Results)[Rank][Number]))
        return Function.emitOpError("expected the same results on all ranks, "
                                    "found another result ")
               << Number << " on rank " << Rank << " than on rank 0";
    Copies.push_back(*First);
  }
  return Copies;
}
