//===- CallCost.cpp - what a call of a plan's function costs --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/estimate/CallCost.h"

#include "runtime/plan/Mesh.h"

#include <algorithm>
#include <cmath>

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
  const std::pair<double, std::string_view> Parts[] = {{Memory, "memory"},
                                                       {Compute, "compute"},
                                                       {Launch, "launches"},
                                                       {Exchange, "exchanges"}};
  return std::ranges::max_element(Parts, {},
                                  &std::pair<double, std::string_view>::first)
      ->second;
}

double CallShape::keys() const {
  const auto New = static_cast<double>(Tokens);
  return static_cast<double>(Sequences) * New *
         (static_cast<double>(Context) + (New + 1) / 2);
}

double CallShape::positions() const {
  return static_cast<double>(Sequences) * static_cast<double>(Context + Tokens);
}

static double quantity(const plan::Term &Term, const CallShape &Shape,
                       std::span<const int64_t> Symbols) {
  const bool IsSingle = Shape.Tokens == 1;
  switch (Term.quantity()) {
  case plan::Quantity::Size: {
    const int64_t Size = std::max<int64_t>(evaluate(*Term.size(), Symbols), 0);
    return static_cast<double>(Term.most() > 0 ? std::min(Size, Term.most())
                                               : Size);
  }
  case plan::Quantity::Keys:
    return Shape.keys();
  case plan::Quantity::SingleKeys:
    return IsSingle ? Shape.keys() : 0;
  case plan::Quantity::OtherKeys:
    return IsSingle ? 0 : Shape.keys();
  case plan::Quantity::Positions:
    return Shape.positions();
  case plan::Quantity::SinglePositions:
    return IsSingle ? Shape.positions() : 0;
  case plan::Quantity::OtherPositions:
    return IsSingle ? 0 : Shape.positions();
  case plan::Quantity::Chosen: {
    // Of one token, exactly its choices.
    const double Share =
        static_cast<double>(Term.choices()) / static_cast<double>(Term.of());
    return Shape.tokens() == 1
               ? Share
               : 1 - std::pow(1 - Share, static_cast<double>(Shape.tokens()));
  }
  case plan::Quantity::Closed:
    return static_cast<double>(Shape.Sequences) *
           std::min(1.0, static_cast<double>(Shape.Tokens) /
                             static_cast<double>(Term.of()));
  }
  return 0;
}

double
m1::sumOf(const flatbuffers::Vector<flatbuffers::Offset<plan::Term>> &Terms,
          const CallShape &Shape, std::span<const int64_t> Symbols) {
  double Sum = 0;
  for (const plan::Term *Term : Terms)
    Sum += Term->factor() * quantity(*Term, Shape, Symbols);
  return Sum;
}

absl::StatusOr<std::vector<int64_t>> m1::symbolsOf(const plan::Plan &Plan,
                                                   const CallShape &Shape) {
  if (const plan::Model *Model = Plan.model();
      Model && Shape.Context + Shape.Tokens > Model->max_length())
    return makeError("the plan was compiled for sequences of at most ",
                     Model->max_length(), " tokens (m1c --max-length), found ",
                     Shape.Context + Shape.Tokens);
  std::vector<int64_t> Values;
  for (uint32_t I = 0; I < length(Plan.symbols()); ++I) {
    const plan::Symbol &Symbol = *Plan.symbols()->Get(I);
    if (isMeshSymbol(Plan, I)) {
      Values.push_back(0);
      continue;
    }
    // Rows of sampling rules, of which no sequence has any.
    if (view(Symbol.name()) == "R") {
      Values.push_back(0);
      continue;
    }
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

absl::StatusOr<double> m1::operationsOf(const plan::Plan &Plan,
                                        const plan::Function &Function,
                                        const CallShape &Shape) {
  M1_ASSIGN_OR_RETURN(const std::vector<int64_t> Symbols,
                      symbolsOf(Plan, Shape));
  double Sum = 0;
  for (uint32_t I = 0; I < length(Function.steps()); ++I) {
    const plan::Step &Step = *Function.steps()->Get(I);
    const plan::Launch *Launch = Step.instruction_as_Launch();
    if (Launch && Launch->operations() && isExecuted(Step, Symbols))
      Sum += sumOf(*Launch->operations(), Shape, Symbols);
  }
  return Sum;
}

namespace {
/// Sums over the steps of one call.
class Walk {
public:
  Walk(const plan::Plan &Plan, const Machine &M, const CallShape &Shape,
       std::vector<int64_t> Symbols)
      : Plan(Plan), M(M), Shape(Shape), Symbols(std::move(Symbols)) {
    const std::vector<int64_t> Mesh = meshExtents(Plan);
    for (size_t Axis = 0; Axis < Mesh.size(); ++Axis)
      OfAxis.push_back(peersOf(Mesh, Axis, M.RanksPerNode));
  }

  absl::Status add(const plan::Step &Step) {
    if (!isExecuted(Step, Symbols))
      return absl::OkStatus();
    if (const plan::Collective *Each = Step.instruction_as_Collective()) {
      const Traffic Sent = trafficOf(Plan, *Each, Symbols);
      Cost.Sent += Sent;
      Cost.SentByKind[{Each->kind(), Each->axis()}] += Sent;
      Cost.Exchange +=
          exchangeTime(M, OfAxis[Each->axis()],
                       static_cast<double>(blockBytes(*Each, Symbols)));
      return absl::OkStatus();
    }
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
  const CallShape &Shape;
  const std::vector<int64_t> Symbols;
  std::vector<Peers> OfAxis; ///< of the mesh
};
} // namespace

MovedBytes Walk::moved(const plan::Arg &Arg) const {
  MovedBytes Bytes;
  if (Arg.kind() == plan::ArgKind::Scalar)
    return Bytes;
  const double Extent = Arg.touched()
                            ? sumOf(*Arg.touched(), Shape, Symbols)
                            : static_cast<double>(std::max<int64_t>(
                                  evaluate(*Arg.bytes(), Symbols), 0));
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
  if (Launch.operations()) {
    Work.Operations = sumOf(*Launch.operations(), Shape, Symbols);
    Work.Type = elementType(Launch.operand());
  }
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
  if (const int64_t Ranks = rankCount(Plan); Ranks > M.ranks())
    return makeError("the plan is for ", Ranks, " ranks; ", M.Name, " has ",
                     M.ranks());
  M1_ASSIGN_OR_RETURN(std::vector<int64_t> Symbols, symbolsOf(Plan, Shape));
  Walk Steps(Plan, M, Shape, std::move(Symbols));
  for (uint32_t I = 0; I < length(Function.steps()); ++I)
    M1_RETURN_IF_ERROR(Steps.add(*Function.steps()->Get(I)));
  return std::move(Steps.Cost);
}
