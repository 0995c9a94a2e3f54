//===- CallCost.cpp - what a call of a plan's function costs --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/estimate/CallCost.h"

#include <algorithm>

using namespace m1;

MovedBytes &MovedBytes::operator+=(const MovedBytes &Other) {
  Weights += Other.Weights;
  States += Other.States;
  Activations += Other.Activations;
  return *this;
}

double CallCost::operations() const {
  double Sum = 0;
  for (const auto &[Type, Count] : Operations)
    Sum += Count;
  return Sum;
}

std::string_view CallCost::bound() const {
  const std::pair<double, std::string_view> Parts[] = {
      {Memory, "memory"}, {Compute, "compute"}, {Launch, "launches"}};
  return std::ranges::max_element(Parts, {},
                                  &std::pair<double, std::string_view>::first)
      ->second;
}

absl::StatusOr<std::vector<int64_t>> m1::symbolsOf(const plan::Plan &Plan,
                                                   const CallShape &Shape) {
  std::vector<int64_t> Values;
  for (uint32_t I = 0; I < length(Plan.symbols()); ++I) {
    const plan::Symbol &Symbol = *Plan.symbols()->Get(I);
    const bool IsSequences = view(Symbol.name()) == "B";
    Values.push_back(IsSequences ? Shape.Sequences : Shape.tokens());
    if (Values.back() > Symbol.max())
      return makeError("the plan was compiled for at most ", Symbol.max(),
                       IsSequences
                           ? " sequences (m1c --slots), found "
                           : " tokens in a call (m1c --max-tokens), found ",
                       Values.back());
  }
  return Values;
}

namespace {
/// Sums over the steps of one call.
class Walk {
public:
  Walk(const plan::Plan &Plan, const Machine &M, std::vector<int64_t> Symbols)
      : Plan(Plan), M(M), Symbols(std::move(Symbols)) {}

  absl::Status add(const plan::Step &Step) {
    if (const plan::Launch *Launch = Step.instruction_as_Launch())
      return add(*Launch);
    if (const plan::Copy *Copy = Step.instruction_as_Copy())
      return add(*Copy);
    return absl::OkStatus();
  }

  CallCost Cost;

private:
  /// The bytes that a step reads or writes through an argument.
  MovedBytes moved(const plan::Arg &Arg) const;
  absl::Status add(const plan::Launch &Launch);
  absl::Status add(const plan::Copy &Copy);
  absl::Status add(std::string_view Kernel, const LaunchWork &Work,
                   const MovedBytes &Bytes);

  const plan::Plan &Plan;
  const Machine &M;
  const std::vector<int64_t> Symbols;
};
} // namespace

MovedBytes Walk::moved(const plan::Arg &Arg) const {
  MovedBytes Bytes;
  if (Arg.kind() == plan::ArgKind::Scalar)
    return Bytes;
  const auto Extent = static_cast<double>(
      std::max<int64_t>(evaluate(*Arg.bytes(), Symbols), 0));
  if (Arg.kind() == plan::ArgKind::Parameter) {
    Bytes.Weights = Extent;
    return Bytes;
  }
  if (Arg.kind() == plan::ArgKind::Arena) {
    const plan::ArenaKind Kind = Plan.arenas()->Get(Arg.index())->kind();
    if (Kind == plan::ArenaKind::Weights) {
      Bytes.Weights = Extent;
      return Bytes;
    }
    if (Kind == plan::ArenaKind::State) {
      Bytes.States = Extent;
      return Bytes;
    }
  }
  Bytes.Activations = Extent;
  return Bytes;
}

absl::Status Walk::add(const plan::Launch &Launch) {
  LaunchWork Work;
  for (const plan::Expr *Size :
       {Launch.grid_x(), Launch.grid_y(), Launch.grid_z()})
    Work.Cells *= static_cast<double>(evaluate(*Size, Symbols));
  MovedBytes Bytes;
  for (uint32_t I = 0; I < length(Launch.args()); ++I)
    Bytes += moved(*Launch.args()->Get(I));
  return add(view(Plan.kernels()->Get(Launch.kernel())->name()), Work, Bytes);
}

absl::Status Walk::add(const plan::Copy &Copy) {
  LaunchWork Work;
  Work.Cells = static_cast<double>(M.Units);
  MovedBytes Bytes = moved(*Copy.source());
  Bytes += moved(*Copy.destination());
  return add("copies", Work, Bytes);
}

absl::Status Walk::add(std::string_view Kernel, const LaunchWork &Given,
                       const MovedBytes &Bytes) {
  if (Given.Cells <= 0)
    return absl::OkStatus();
  LaunchWork Work = Given;
  Work.Bytes = Bytes.total();
  M1_ASSIGN_OR_RETURN(const LaunchTime Time, timeOf(M, Work));
  KernelCost &Of = Cost.Kernels[std::string(Kernel)];
  ++Of.Launches;
  Of.Operations += Work.Operations;
  Of.Bytes += Bytes;
  Of.Seconds += Time.total();
  ++Cost.Launches;
  if (Work.Operations > 0)
    Cost.Operations[Work.Type] += Work.Operations;
  Cost.Bytes += Bytes;
  Cost.Launch += Time.Launch;
  (Time.Compute > Time.Memory ? Cost.Compute : Cost.Memory) += Time.work();
  return absl::OkStatus();
}

absl::StatusOr<CallCost> m1::costOf(const plan::Plan &Plan,
                                    const plan::Function &Function,
                                    const CallShape &Shape, const Machine &M) {
  M1_ASSIGN_OR_RETURN(std::vector<int64_t> Symbols, symbolsOf(Plan, Shape));
  Walk Steps(Plan, M, std::move(Symbols));
  for (uint32_t I = 0; I < length(Function.steps()); ++I)
    M1_RETURN_IF_ERROR(Steps.add(*Function.steps()->Get(I)));
  return std::move(Steps.Cost);
}
