//===- Extents.cpp - whether arguments stay inside tensors ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Extents.h"

#include "runtime/plan/Traffic.h"
#include "runtime/session/Signature.h"

#include <algorithm>

using namespace m1;

namespace {
bool isLinear(const plan::Expr &E) { return E.symbol() < 0 || E.divide() == 1; }

/// The symbol that a tensor's size depends on, if the size is linear in it;
/// -1 for a constant size.
struct SizeForm {
  bool Linear = true;
  int32_t Symbol = -1;
};
SizeForm sizeForm(const plan::Tensor &Tensor) {
  SizeForm Form;
  for (uint32_t Axis = 0; Axis < length(Tensor.shape()); ++Axis) {
    const plan::Expr &Extent = *Tensor.shape()->Get(Axis);
    if (Extent.symbol() < 0)
      continue;
    Form.Linear &= Form.Symbol < 0 && isLinear(Extent);
    Form.Symbol = Extent.symbol();
  }
  return Form;
}

bool fits(const plan::Arg &Arg, const plan::Tensor &Tensor,
          std::span<const int64_t> Symbols) {
  uint64_t Extent = extentOf(*Arg.bytes(), Symbols);
  return Extent == 0 || Arg.offset() + shiftOf(Arg, Symbols) + Extent <=
                            bytesOf(Tensor, Symbols);
}

/// The values of an expression's symbol, 0 to `Max`, at which the expression is
/// positive; its multiplier is not 0.
struct Interval {
  int64_t First, Last;
};
Interval wherePositive(const plan::Expr &E, int64_t Max) {
  if (E.multiply() > 0)
    return {E.add() > 0 ? 0 : -E.add() / E.multiply() + 1, Max};
  return {0, E.add() > 0 ? std::min(Max, (E.add() - 1) / -E.multiply()) : -1};
}

/// Whether the argument fits its tensor for all values of the symbols.
/// `AtMax`: the symbols' bounds. `Symbols` is scratch memory for as many.
bool alwaysFits(const plan::Arg &Arg, const plan::Tensor &Tensor,
                std::span<const int64_t> AtMax, std::span<int64_t> Symbols) {
  if (Arg.shift())
    return false;
  const plan::Expr &Bytes = *Arg.bytes();
  SizeForm Form = sizeForm(Tensor);
  int32_t Symbol = Bytes.symbol() >= 0 ? Bytes.symbol() : Form.Symbol;
  std::fill(Symbols.begin(), Symbols.end(), 0);
  if (Symbol < 0)
    return fits(Arg, Tensor, Symbols);
  if (Form.Linear && isLinear(Bytes) &&
      (Form.Symbol < 0 || Form.Symbol == Symbol)) {
    // Both sizes are linear in one symbol: if the argument fits at both ends,
    // it fits in between.
    Interval Touched = {0, AtMax[Symbol]};
    if (Bytes.symbol() >= 0 && Bytes.multiply() != 0)
      Touched = wherePositive(Bytes, AtMax[Symbol]);
    if (Touched.First > Touched.Last)
      return true;
    Symbols[Symbol] = Touched.First;
    bool FitsFirst = fits(Arg, Tensor, Symbols);
    Symbols[Symbol] = Touched.Last;
    return FitsFirst && fits(Arg, Tensor, Symbols);
  }
  uint64_t Largest = std::max(extentOf(Bytes, Symbols), extentOf(Bytes, AtMax));
  uint64_t Smallest = byteSize(elementType(Tensor.dtype()));
  for (uint32_t Axis = 0; Axis < length(Tensor.shape()); ++Axis)
    Smallest *= std::min(evaluate(*Tensor.shape()->Get(Axis), Symbols),
                         evaluate(*Tensor.shape()->Get(Axis), AtMax));
  return Largest == 0 || Arg.offset() + Largest <= Smallest;
}
} // namespace

uint64_t m1::extentOf(const plan::Expr &Bytes,
                      std::span<const int64_t> Symbols) {
  return std::max<int64_t>(evaluate(Bytes, Symbols), 0);
}

int64_t m1::shiftOf(const plan::Arg &Arg, std::span<const int64_t> Symbols) {
  return Arg.shift() ? evaluate(*Arg.shift(), Symbols) : 0;
}

std::vector<TensorArgument>
m1::unprovenArguments(const plan::Plan &Plan, const plan::Function &Function) {
  std::vector<int64_t> Symbols(length(Plan.symbols())), AtMax;
  for (uint32_t I = 0; I < length(Plan.symbols()); ++I)
    AtMax.push_back(Plan.symbols()->Get(I)->max());
  std::vector<TensorArgument> Result;
  auto visit = [&](const plan::Step &Step, const plan::Arg &Arg,
                   std::string_view What) {
    const plan::Tensor *Tensor = Arg.kind() == plan::ArgKind::Input
                                     ? Function.inputs()->Get(Arg.index())
                                 : Arg.kind() == plan::ArgKind::Output
                                     ? Function.outputs()->Get(Arg.index())
                                     : nullptr;
    if (Tensor && !alwaysFits(Arg, *Tensor, AtMax, Symbols))
      Result.push_back({&Step, &Arg, Tensor, What, view(Step.source())});
  };
  for (uint32_t I = 0; I < length(Function.steps()); ++I) {
    const plan::Step &Step = *Function.steps()->Get(I);
    const plan::Launch *Launch = Step.instruction_as_Launch();
    const std::string_view What =
        Launch ? view(Plan.kernels()->Get(Launch->kernel())->name())
        : Step.instruction_type() == plan::Instruction::Copy ? "copy"
                                                             : "collective";
    forEachArgument(Step,
                    [&](const plan::Arg &Arg) { visit(Step, Arg, What); });
  }
  return Result;
}

absl::Status m1::checkArguments(std::span<const TensorArgument> Arguments,
                                std::span<const int64_t> Symbols) {
  for (const TensorArgument &A : Arguments)
    if (isExecuted(*A.Step, Symbols) && !fits(*A.Arg, *A.Tensor, Symbols))
      return makeError(
          A.What, A.Source.empty() ? "" : concat(" (", A.Source, ")"),
          " touches ", extentOf(*A.Arg->bytes(), Symbols), " bytes from byte ",
          A.Arg->offset() + shiftOf(*A.Arg, Symbols), " of ",
          A.Arg->kind() == plan::ArgKind::Input ? "input '" : "output '",
          view(A.Tensor->name()), "', which has ", bytesOf(*A.Tensor, Symbols));
  return absl::OkStatus();
}
