//===- InterpretedModel.cpp - a language model, interpreted ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1-interpret/InterpretedModel.h"

#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <numeric>

using namespace m1::reference;

static Tensor integers(llvm::ArrayRef<int64_t> Values) {
  Tensor Result = Tensor::integers({static_cast<int64_t>(Values.size())});
  llvm::copy(Values, Result.Integers.begin());
  return Result;
}

absl::Status m1::reference::writeTensor(const std::string &Path,
                                        const Tensor &Value,
                                        OutputFiles &Files) {
  M1_ASSIGN_OR_RETURN(Files.emplace_back(),
                      Value.IsInteger
                          ? prepareNpy(Path, ElementType::I64, Value.Shape,
                                       Value.Integers.data())
                          : prepareNpy(Path, ElementType::F64, Value.Shape,
                                       Value.Reals.data()));
  return absl::OkStatus();
}

absl::StatusOr<llvm::SmallVector<Tensor>>
InterpretedModel::call(llvm::StringRef Entry, llvm::ArrayRef<int64_t> Tokens,
                       int64_t Position, llvm::ArrayRef<Tensor> More) {
  int64_t Count = Tokens.size();
  Tensor Positions = Tensor::integers({Count});
  std::iota(Positions.Integers.begin(), Positions.Integers.end(), Position);
  llvm::SmallVector<Tensor> Inputs = {integers(Tokens), std::move(Positions),
                                      integers({0, Count}), integers({0})};
  // A sequence has the blocks in order.
  if (auto Function = Module.lookupSymbol<mlir::func::FuncOp>(Entry))
    for (unsigned I = 0; I < Function.getNumArguments(); ++I)
      if (mlir::StringAttr Name = m1::getName(Function.getArgAttrDict(I));
          Name && Name == "blocks") {
        auto Type =
            llvm::cast<mlir::RankedTensorType>(Function.getArgumentTypes()[I]);
        Tensor Blocks = Tensor::integers({1, Type.getDimSize(1)});
        std::iota(Blocks.Integers.begin(), Blocks.Integers.end(), 0);
        Inputs.push_back(std::move(Blocks));
      }
  llvm::append_range(Inputs, More);
  auto Results = interpret(Module, Entry, Inputs, Parameters, States);
  if (mlir::failed(Results))
    return makeError(); // reported
  return std::move(*Results);
}

/// Fails unless `Entry` returned `Count` results.
static absl::Status expectResults(llvm::StringRef Entry,
                                  llvm::ArrayRef<Tensor> Results,
                                  size_t Count) {
  if (Results.size() == Count)
    return absl::OkStatus();
  return m1::makeError(Entry.str(), ": expected ", Count,
                       Count == 1 ? " result" : " results", ", found ",
                       Results.size());
}

/// Fails unless `Result`, the result `What` of `Entry`, has `Size` elements of
/// the expected kind.
static absl::Status expectResult(llvm::StringRef Entry, llvm::StringRef What,
                                 const Tensor &Result, bool IsInteger,
                                 int64_t Size) {
  if (Result.IsInteger == IsInteger && Result.size() == Size)
    return absl::OkStatus();
  auto Kind = [](bool Integer) { return Integer ? "integers" : "floats"; };
  return m1::makeError(Entry.str(), ": expected ", What.str(), " to be ",
                       Kind(IsInteger), " of size ", Size, ", found ",
                       Kind(Result.IsInteger), " of size ", Result.size());
}

absl::StatusOr<Sequence> InterpretedModel::run(std::vector<int64_t> Prompt,
                                               int64_t MaxNewTokens,
                                               bool WithLogits) {
  std::vector<int64_t> Tokens = std::move(Prompt);
  std::vector<double> LogProbs;
  // The target of each token of the prompt but the last is the next one.
  if (int64_t Known = Tokens.size() - 1; Known > 0) {
    llvm::ArrayRef<int64_t> All(Tokens);
    M1_ASSIGN_OR_RETURN(auto Results, call("score", All.drop_back(), 0,
                                           integers(All.drop_front())));
    M1_RETURN_IF_ERROR(expectResults("score", Results, 1));
    M1_RETURN_IF_ERROR(expectResult("score", "log_probs", Results[0],
                                    /*IsInteger=*/false, Known));
    LogProbs = Results[0].Reals;
  }
  for (int64_t I = 0; I < MaxNewTokens; ++I) {
    int64_t Position = Tokens.size() - 1;
    Tensor Temperature = Tensor::reals({1}); // 0: greedy
    Tensor TopP = Temperature;
    TopP.Reals[0] = 1.0;
    Tensor None = integers({0});
    M1_ASSIGN_OR_RETURN(
        auto Results, call("next", llvm::ArrayRef(Tokens).take_back(), Position,
                           {Temperature, TopP, /*top_k=*/None, /*seeds=*/None,
                            integers({Position + 1})}));
    M1_RETURN_IF_ERROR(expectResults("next", Results, 3));
    const Tensor &Sampled = Results[0], &LogProb = Results[1];
    M1_RETURN_IF_ERROR(
        expectResult("next", "sampled", Sampled, /*IsInteger=*/true, 1));
    M1_RETURN_IF_ERROR(
        expectResult("next", "log_probs", LogProb, /*IsInteger=*/false, 1));
    Tokens.push_back(Sampled.Integers[0]);
    LogProbs.push_back(LogProb.Reals[0]);
  }

  Sequence Done;
  Done.Tokens = integers(Tokens);
  Done.LogProbs = Tensor::reals({static_cast<int64_t>(LogProbs.size())});
  Done.LogProbs.Reals = LogProbs;
  if (WithLogits) {
    M1_ASSIGN_OR_RETURN(auto Results, call("logits", Tokens, 0));
    M1_RETURN_IF_ERROR(expectResults("logits", Results, 1));
    Done.Logits = std::move(Results[0]);
  }
  return Done;
}
