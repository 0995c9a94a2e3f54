//===- Plan.cpp - fuzzes plans --------------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/BoundsDevice.h"
#include "test/fuzz/Target.h"

#include "runtime/device/MemoryNeeds.h"
#include "runtime/engine/Generate.h"
#include "runtime/plan/Mesh.h"
#include "runtime/plan/ParameterUse.h"
#include "runtime/schema/Digest.h"
#include "runtime/schema/Version.h"
#include "runtime/session/Score.h"
#include "runtime/session/Signature.h"

#include <algorithm>
#include <numeric>

using namespace m1;
using namespace m1::fuzz;

namespace {
/// Calls with more bytes of inputs and outputs are left out.
constexpr uint64_t MaxCallBytes = 1 << 20;

/// Gives a damaged plan the version and the digest that it would have if it had
/// been written like this, so that the checks behind those are reached. Returns
/// false if it is not a FlatBuffer of plans.
bool seal(std::vector<uint8_t> &Bytes) {
  flatbuffers::Verifier Verifier(Bytes.data(), Bytes.size());
  if (Bytes.size() < 16 || !plan::VerifyPlanBuffer(Verifier))
    return false;
  auto *Root = flatbuffers::GetRoot<flatbuffers::Table>(Bytes.data());
  if (const uint8_t *Version =
          Root->GetAddressOf(plan::Plan::VT_FORMAT_VERSION))
    flatbuffers::WriteScalar(const_cast<uint8_t *>(Version),
                             uint32_t(plan::kFormatVersion));
  return plan::sealPlan(Bytes);
}

/// Parameters of the right size; the device does not read them.
class NoParameters : public ParameterSource {
public:
  explicit NoParameters(const LoadedPlan &Plan) : Plan(Plan) {}
  absl::StatusOr<std::span<const std::byte>> get(uint32_t Index) override {
    static const std::byte Anything{};
    return std::span(&Anything, localBytes(*Plan->parameters()->Get(Index)));
  }
  void release(uint32_t) override {}

private:
  const LoadedPlan &Plan;
};

/// The last rank of a plan's mesh. An exchange moves nothing; it checks that
/// all blocks are inside of one object.
class BoundsCommunicator : public Communicator {
public:
  BoundsCommunicator(const LoadedPlan &Plan, Device &Bounds)
      : Extents(meshExtents(*Plan)), Bounds(Bounds),
        Own(coordinatesOf(*Plan, rankCount(*Plan) - 1)) {}
  std::span<const int64_t> coordinates() const override { return Own; }
  absl::Status exchange(const Exchange &What) override {
    const uint64_t All = What.Bytes * Extents[What.Axis];
    const uint64_t Given =
        What.Kind == plan::CollectiveKind::AllGather ? What.Bytes : All;
    M1_RETURN_IF_ERROR(Bounds.copy(What.Destination, What.Destination, All));
    return Bounds.copy(What.Destination, What.Source, Given);
  }

private:
  std::vector<int64_t> Extents;
  Device &Bounds;
  std::vector<int64_t> Own;
};

/// The memory of a call's tensors.
struct Tensors {
  std::vector<std::vector<int64_t>> Memory; // for the alignment
  std::vector<HostTensor> List;

  void add(const plan::Tensor &Tensor, std::span<const int64_t> Symbols) {
    Memory.emplace_back(bytesOf(Tensor, Symbols) / sizeof(int64_t) + 1);
    List.push_back({Memory.back().data(), elementType(Tensor.dtype()),
                    shapeOf(Tensor, Symbols)});
  }
};

/// Sets a function's inputs to values that satisfy its checks, if they are the
/// usual ones.
void satisfyChecks(const plan::Function &Function, Tensors &Inputs,
                   std::span<const int64_t> Symbols) {
  auto elements = [&](uint32_t Input) {
    const HostTensor &Tensor = Inputs.List[Input];
    return std::span(static_cast<int32_t *>(Tensor.Data),
                     Tensor.bytes() / sizeof(int32_t));
  };
  for (uint32_t I = 0; I < length(Function.checks()); ++I) {
    const plan::Check &Check = *Function.checks()->Get(I);
    std::span<int32_t> Values = elements(Check.input());
    if (Values.empty())
      continue;
    if (Check.kind() == plan::CheckKind::Offsets)
      Values.back() = evaluate(*Check.total(), Symbols);
    else if (Check.kind() != plan::CheckKind::Below &&
             Check.kind() != plan::CheckKind::RowOrNone)
      std::iota(Values.begin(), Values.end(), 0);
  }
}

void call(Executor &Program, const plan::Function &Function, uint32_t Number,
          std::span<const int64_t> Symbols) {
  Tensors Inputs, Outputs;
  uint64_t Bytes = 0;
  for (auto *List : {Function.inputs(), Function.outputs()})
    for (uint32_t I = 0; I < length(List); ++I)
      if ((Bytes += bytesOf(*List->Get(I), Symbols)) > MaxCallBytes)
        return;
  for (uint32_t I = 0; I < length(Function.inputs()); ++I)
    Inputs.add(*Function.inputs()->Get(I), Symbols);
  for (uint32_t I = 0; I < length(Function.outputs()); ++I)
    Outputs.add(*Function.outputs()->Get(I), Symbols);
  satisfyChecks(Function, Inputs, Symbols);
  (void)Program.call(Number, Inputs.List, Outputs.List);
}

/// Calls every function with few and with as many tokens as the plan allows.
void callAll(const LoadedPlan &Plan, Executor &Program) {
  for (int64_t Most : {int64_t(0), int64_t(1), int64_t(3), INT64_MAX}) {
    std::vector<int64_t> Symbols;
    for (uint32_t I = 0; I < length(Plan->symbols()); ++I)
      Symbols.push_back(std::min(Most, Plan->symbols()->Get(I)->max()));
    for (uint32_t I = 0; I < length(Plan->functions()); ++I)
      call(Program, *Plan->functions()->Get(I), I, Symbols);
  }
}

/// Runs a language model on two short sequences.
void generateAndScore(Executor &Program) {
  absl::StatusOr<std::unique_ptr<LanguageModel>> Model =
      LanguageModel::create(Program);
  if (!Model.ok())
    return;
  const std::vector<std::vector<int64_t>> Prompts = {{0, 0, 0}, {0}};
  GenerateOptions Options;
  Options.MaxNewTokens = 2;
  (void)generate(**Model, Prompts, Options,
                 [](size_t, const Generated &) { return absl::OkStatus(); });
  (void)score(**Model, Prompts, {},
              [](size_t, const auto &) { return absl::OkStatus(); });
}
} // namespace

/// The input is a plan. It is loaded as it is, and then with its digest put
/// right; then everything is done with it that needs no machine code.
bool fuzz::runInput(std::span<const uint8_t> Input) {
  std::vector<uint8_t> Bytes(Input.begin(), Input.end());
  (void)LoadedPlan::fromBytes(Bytes, "plan");
  if (!seal(Bytes))
    return false;
  absl::StatusOr<std::unique_ptr<LoadedPlan>> Loaded =
      LoadedPlan::fromBytes(std::move(Bytes), "plan");
  if (!Loaded.ok())
    return false;
  const LoadedPlan &Plan = **Loaded;
  (void)MemoryNeeds(*Plan, 64).total();
  (void)peakParameterBytes(*Plan);

  BoundsDevice Device;
  NoParameters Parameters(Plan);
  BoundsCommunicator Ranks(Plan, Device);
  absl::StatusOr<std::unique_ptr<Executor>> Program =
      Executor::create(Plan, Device, Parameters, /*Trace=*/nullptr, &Ranks);
  if (!Program.ok())
    return false;
  callAll(Plan, **Program);
  generateAndScore(**Program);
  return true;
}
