//===- Executor.cpp - runs a plan's functions -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Executor.h"

#include "runtime/plan/Mesh.h"
#include "runtime/plan/ParameterUse.h"
#include "runtime/schema/InitFunction.h"
#include "runtime/session/Signature.h"

#include <algorithm>
#include <chrono>
#include <optional>

using namespace m1;

/// A decoded argument.
struct Executor::Argument {
  plan::ArgKind Kind;
  uint32_t Index;
  uint64_t Offset; ///< the rank's shift included
  plan::Expr Bytes, Value;
  bool Written;
};

struct Executor::Operation {
  plan::Instruction Kind;
  uint32_t Kernel = 0;
  plan::Expr Grid[3];
  /// Of a copy and a collective: destination, source.
  std::vector<Argument> Args;
  std::string_view Name, Source;
  const plan::Step *Step;
  const plan::Collective *Collective; ///< null for other kinds
  std::string_view Function;          ///< and the step's number in it, for
  uint32_t Number;                    ///< errors
};

struct Executor::Program {
  const plan::Function *Function;
  bool IsInit;
  std::vector<Operation> Operations;
  /// Arguments to be checked in each call.
  std::vector<TensorArgument> Unproven;
  bool Exchanges = false; ///< with other ranks
};

/// A function with given symbols, which determine its steps completely: inputs
/// and outputs of equal sizes have equal addresses. `Number` is the device's
/// recording of the steps, made at the second such call.
struct Executor::Recorded {
  uint32_t Function;
  std::vector<int64_t> Symbols;
  std::optional<uint32_t> Number;
};

Executor::Executor(const LoadedPlan &Plan, Device &TheDevice,
                   ParameterSource &Source, Profile *Trace, Communicator *Ranks)
    : Plan(Plan), TheDevice(TheDevice), Source(Source), Trace(Trace),
      Ranks(Ranks) {}
Executor::~Executor() = default;

absl::StatusOr<std::unique_ptr<Executor>>
Executor::create(const LoadedPlan &Plan, Device &TheDevice,
                 ParameterSource &Source, Profile *Trace, Communicator *Ranks) {
  std::unique_ptr<Executor> Result(
      new Executor(Plan, TheDevice, Source, Trace, Ranks));
  M1_RETURN_IF_ERROR(checkCoordinates(
      Plan, Ranks ? Ranks->coordinates() : std::span<const int64_t>()));
  M1_RETURN_IF_ERROR(Result->prepare());
  return Result;
}

Executor::Argument Executor::decode(const plan::Arg &Arg) const {
  Argument Result{Arg.kind(),
                  Arg.index(),
                  Arg.offset() + shiftOf(Arg, Symbols),
                  plan::Expr(-1, 0, 0, 1),
                  plan::Expr(-1, 0, 0, 1),
                  Arg.written()};
  if (Arg.bytes())
    Result.Bytes = *Arg.bytes();
  if (Arg.value())
    Result.Value = *Arg.value();
  return Result;
}

Executor::Operation Executor::decode(const plan::Function &Function,
                                     uint32_t Number) const {
  const plan::Step &Step = *Function.steps()->Get(Number);
  Operation Op;
  Op.Kind = Step.instruction_type();
  Op.Source = view(Step.source());
  Op.Step = &Step;
  Op.Collective = Step.instruction_as_Collective();
  Op.Function = view(Function.name());
  Op.Number = Number;
  switch (Op.Kind) {
  case plan::Instruction::Launch: {
    const plan::Launch &Launch = *Step.instruction_as_Launch();
    Op.Kernel = Launch.kernel();
    Op.Name = view(Plan->kernels()->Get(Op.Kernel)->name());
    Op.Grid[0] = *Launch.grid_x();
    Op.Grid[1] = *Launch.grid_y();
    Op.Grid[2] = *Launch.grid_z();
    for (uint32_t I = 0; I < length(Launch.args()); ++I)
      Op.Args.push_back(decode(*Launch.args()->Get(I)));
    break;
  }
  case plan::Instruction::Collective:
    Op.Name = nameOf(Op.Collective->kind());
    Op.Args = {decode(*Op.Collective->destination()),
               decode(*Op.Collective->source())};
    break;
  default:
    Op.Name = "copy";
    Op.Args = {decode(*Step.instruction_as_Copy()->destination()),
               decode(*Step.instruction_as_Copy()->source())};
    break;
  }
  return Op;
}

absl::Status Executor::prepare() {
  M1_RETURN_IF_ERROR(TheDevice.loadKernels(Plan));
  for (uint32_t I = 0; I < length(Plan->arenas()); ++I) {
    const plan::Arena &Arena = *Plan->arenas()->Get(I);
    if (Arena.kind() == plan::ArenaKind::Constants) {
      M1_ASSIGN_OR_RETURN(
          Device::Address Address,
          TheDevice.load(Arena.data() ? Arena.data()->data() : nullptr,
                         Arena.bytes()));
      Arenas.push_back(Address);
      continue;
    }
    absl::StatusOr<Device::Address> Address = TheDevice.allocate(Arena);
    if (!Address.ok())
      return makeError(Plan.name(), ": arena '", view(Arena.name()),
                       "': ", std::string(Address.status().message()));
    Arenas.push_back(*Address);
  }
  findStateParts();
  Parameters.resize(length(Plan->parameters()));
  Symbols.resize(length(Plan->symbols()));
  if (Ranks)
    bindMesh(*Plan, Ranks->coordinates(), Symbols);
  for (uint32_t I = 0; I < length(Plan->functions()); ++I) {
    const plan::Function &Function = *Plan->functions()->Get(I);
    Program P{&Function,
              view(Function.name()) == plan::kInitFunction,
              {},
              unprovenArguments(*Plan, Function)};
    for (uint32_t J = 0; J < length(Function.steps()); ++J) {
      P.Operations.push_back(decode(Function, J));
      P.Exchanges |= P.Operations.back().Collective != nullptr;
    }
    Programs.push_back(std::move(P));
  }
  return bindParameters();
}

absl::Status Executor::bindParameter(uint32_t Index) {
  M1_ASSIGN_OR_RETURN(std::span<const std::byte> Data, Source.get(Index));
  M1_ASSIGN_OR_RETURN(Parameters[Index],
                      TheDevice.load(Data.data(), Data.size()));
  if (!TheDevice.usesHostMemory())
    Source.release(Index);
  return absl::OkStatus();
}

absl::Status Executor::releaseParameter(uint32_t Index) {
  M1_RETURN_IF_ERROR(TheDevice.unload(Parameters[Index]));
  if (TheDevice.usesHostMemory())
    Source.release(Index);
  return absl::OkStatus();
}

/// Runs `init`, keeping each parameter in memory only as long as ParameterUse
/// says, and binds what the other functions need.
absl::Status Executor::bindParameters() {
  std::vector<ParameterUse> Uses = parameterUses(*Plan);
  for (const Program &P : Programs) {
    if (!P.IsInit)
      continue;
    // By step: parameters that it uses first, and last.
    std::vector<std::vector<uint32_t>> First(P.Operations.size()),
        Last(P.Operations.size());
    for (uint32_t I = 0; I < Uses.size(); ++I) {
      if (Uses[I].FirstInInit == ParameterUse::Never)
        continue;
      First[Uses[I].FirstInInit].push_back(I);
      if (!Uses[I].Kept)
        Last[Uses[I].LastInInit].push_back(I);
    }
    for (size_t Step = 0; Step < P.Operations.size(); ++Step) {
      for (uint32_t Index : First[Step])
        M1_RETURN_IF_ERROR(bindParameter(Index));
      M1_RETURN_IF_ERROR(runStep(P.Operations[Step]));
      if (Last[Step].empty())
        continue;
      M1_RETURN_IF_ERROR(TheDevice.synchronize());
      for (uint32_t Index : Last[Step])
        M1_RETURN_IF_ERROR(releaseParameter(Index));
    }
    count(P);
  }
  for (uint32_t I = 0; I < Uses.size(); ++I)
    if (Uses[I].Kept && Uses[I].FirstInInit == ParameterUse::Never)
      M1_RETURN_IF_ERROR(bindParameter(I));
  return TheDevice.synchronize();
}

static std::string initCalled(const LoadedPlan &Plan) {
  return concat(Plan.name(), ": function '", plan::kInitFunction,
                "' ran when the plan was loaded and cannot be called");
}

absl::StatusOr<uint32_t> Executor::find(std::string_view Name) const {
  std::string Known;
  for (uint32_t I = 0; I < Programs.size(); ++I) {
    std::string_view Candidate = view(Programs[I].Function->name());
    if (Programs[I].IsInit)
      continue;
    if (Candidate == Name)
      return I;
    Known += concat(Known.empty() ? "" : ", ", Candidate);
  }
  if (Name == plan::kInitFunction && Plan.function(Name))
    return makeError(initCalled(Plan), "; expected one of ", Known);
  return makeError(Plan.name(), ": no function '", Name, "'; it has ", Known);
}

absl::StatusOr<std::vector<int64_t>>
Executor::bindSymbols(uint32_t Function,
                      std::span<const HostTensor> Given) const {
  std::vector<int64_t> Result(length(Plan->symbols()));
  M1_RETURN_IF_ERROR(
      m1::bindSymbols(*Plan, *Programs[Function].Function, Given, Result));
  if (Ranks)
    bindMesh(*Plan, Ranks->coordinates(), Result);
  return Result;
}

std::vector<int64_t>
Executor::outputShape(uint32_t Function, uint32_t Output,
                      std::span<const int64_t> Values) const {
  return shapeOf(*Programs[Function].Function->outputs()->Get(Output), Values);
}

absl::Status Executor::call(uint32_t Function,
                            std::span<const HostTensor> Given,
                            std::span<const HostTensor> Results) {
  const Program &P = Programs[Function];
  // The parameters that only `init` reads have been released.
  if (P.IsInit)
    return makeError(initCalled(Plan));
  M1_RETURN_IF_ERROR(m1::bindSymbols(*Plan, *P.Function, Given, Symbols));
  if (Ranks)
    bindMesh(*Plan, Ranks->coordinates(), Symbols);
  M1_RETURN_IF_ERROR(checkOutputs(*P.Function, Results, Symbols));
  if (absl::Status Status = checkArguments(P.Unproven, Symbols); !Status.ok())
    return makeError(Plan.name(), ": invalid plan: function '",
                     view(P.Function->name()),
                     "': ", std::string(Status.message()));
  M1_RETURN_IF_ERROR(Elements.check(*P.Function, Given, Symbols));
  absl::Status Status = mapTensors(P, Given, Results);
  if (Status.ok())
    Status = runSteps(Function);
  if (Status.ok() && P.Exchanges)
    Status = Ranks->wait(view(P.Function->name()));
  if (Status.ok())
    Status = TheDevice.synchronize();
  Status.Update(unmapTensors());
  M1_RETURN_IF_ERROR(std::move(Status));
  count(P);
  return checkDrawn(*P.Function, Results);
}

absl::Status Executor::readArena(uint32_t Arena, uint64_t Offset,
                                 std::span<std::byte> To) {
  return TheDevice.copyToHost(To.data(), Arenas[Arena] + Offset, To.size());
}

absl::Status Executor::writeArena(uint32_t Arena, uint64_t Offset,
                                  std::span<const std::byte> From) {
  return TheDevice.copyFromHost(Arenas[Arena] + Offset, From.data(),
                                From.size());
}

absl::StatusOr<std::span<const std::byte>>
Executor::viewArena(uint32_t Arena, uint64_t Offset, uint64_t Bytes) {
  if (!TheDevice.usesHostMemory())
    return std::span<const std::byte>();
  M1_RETURN_IF_ERROR(TheDevice.synchronize());
  return std::span(reinterpret_cast<const std::byte *>(Arenas[Arena] + Offset),
                   Bytes);
}

/// Maps all inputs and outputs, always in the same order.
absl::Status Executor::mapTensors(const Program &P,
                                  std::span<const HostTensor> Given,
                                  std::span<const HostTensor> Results) {
  using Access = Device::HostAccess;
  Inputs.clear();
  Outputs.clear();
  for (const HostTensor &Tensor : Given) {
    M1_ASSIGN_OR_RETURN(
        Device::Address Address,
        TheDevice.map(Tensor.Data, Tensor.bytes(), Access::Read));
    Inputs.push_back(Address);
  }
  for (uint32_t I = 0; I < Results.size(); ++I) {
    void *Data = Results[I].Data;
    M1_ASSIGN_OR_RETURN(
        Device::Address Address,
        TheDevice.map(Data, bytesOf(*P.Function->outputs()->Get(I), Symbols),
                      Data ? Access::Write : Access::None));
    Outputs.push_back(Address);
  }
  return absl::OkStatus();
}

absl::Status Executor::unmapTensors() {
  absl::Status Status;
  for (Device::Address Address : Inputs)
    Status.Update(TheDevice.unmap(Address));
  for (Device::Address Address : Outputs)
    Status.Update(TheDevice.unmap(Address));
  return Status;
}

uint64_t Executor::resolve(const Argument &Arg) const {
  switch (Arg.Kind) {
  case plan::ArgKind::Arena:
    return Arenas[Arg.Index] + Arg.Offset;
  case plan::ArgKind::Parameter:
    return Parameters[Arg.Index] + Arg.Offset;
  case plan::ArgKind::Input:
    return Inputs[Arg.Index] + Arg.Offset;
  case plan::ArgKind::Output:
    return Outputs[Arg.Index] + Arg.Offset;
  default:
    return evaluate(Arg.Value, Symbols);
  }
}

absl::Status Executor::runSteps(uint32_t Function) {
  const Program &P = Programs[Function];
  const bool MayRecord = !Trace && (!P.Exchanges || Ranks->isRecordable());
  if (Recorder *Kept = MayRecord ? TheDevice.recorder() : nullptr) {
    auto Found = std::find_if(
        Recordings.begin(), Recordings.end(), [&](const Recorded &R) {
          return R.Function == Function && R.Symbols == Symbols;
        });
    if (Found != Recordings.end()) {
      Recordings.splice(Recordings.begin(), Recordings, Found);
      return replaySteps(P, *Kept, Recordings.front());
    }
    // Decoding repeats the same call; prompts may all differ in length.
    constexpr size_t MaxRecordings = 32;
    Recordings.push_front({Function, Symbols, {}});
    if (Recordings.size() > MaxRecordings) {
      if (Recordings.back().Number)
        M1_RETURN_IF_ERROR(Kept->forget(*Recordings.back().Number));
      Recordings.pop_back();
    }
  }
  for (const Operation &Op : P.Operations)
    M1_RETURN_IF_ERROR(runStep(Op));
  return absl::OkStatus();
}

absl::Status Executor::runStep(const Operation &Op) {
  if (!isExecuted(*Op.Step, Symbols))
    return absl::OkStatus();
  return Trace ? runTimed(Op) : run(Op);
}

void Executor::count(const Program &P) {
  if (!P.Exchanges)
    return;
  for (const Operation &Op : P.Operations)
    if (Op.Collective && isExecuted(*Op.Step, Symbols))
      Sent += trafficOf(*Plan, *Op.Collective, Symbols);
}

/// Replays the recording of a call, after making it if there is none.
absl::Status Executor::replaySteps(const Program &P, Recorder &Kept,
                                   Recorded &Record) {
  if (!Record.Number) {
    M1_RETURN_IF_ERROR(Kept.beginRecording());
    absl::Status Status;
    for (auto Op = P.Operations.begin();
         Op != P.Operations.end() && Status.ok(); ++Op)
      Status = runStep(*Op);
    absl::StatusOr<uint32_t> Number = Kept.endRecording();
    if (!Status.ok()) {
      if (Number.ok())
        Status.Update(Kept.forget(*Number));
      return Status;
    }
    M1_RETURN_IF_ERROR(Number.status());
    Record.Number = *Number;
  }
  return Kept.replay(*Record.Number);
}

absl::Status Executor::exchange(const Operation &Op) {
  return Ranks->exchange({Op.Collective->kind(), Op.Collective->axis(),
                          resolve(Op.Args[1]), resolve(Op.Args[0]),
                          m1::blockBytes(*Op.Collective, Symbols), Op.Function,
                          Op.Number, Op.Source});
}

absl::Status Executor::run(const Operation &Op) {
  if (Op.Collective)
    return exchange(Op);
  if (Op.Kind == plan::Instruction::Copy)
    return TheDevice.copy(resolve(Op.Args[0]), resolve(Op.Args[1]),
                          extentOf(Op.Args[0].Bytes, Symbols));
  Values.clear();
  Extents.clear();
  for (const Argument &Arg : Op.Args)
    Values.push_back(resolve(Arg));
  if (TheDevice.checksExtents())
    for (const Argument &Arg : Op.Args) {
      using Access = ArgumentExtent::Access;
      Access Allowed = Arg.Kind == plan::ArgKind::Scalar ? Access::Scalar
                       : Arg.Written                     ? Access::ReadWrite
                                                         : Access::Read;
      Extents.push_back({Allowed, extentOf(Arg.Bytes, Symbols)});
    }
  return TheDevice.launch(Op.Kernel, Values, Extents,
                          {evaluate(Op.Grid[0], Symbols),
                           evaluate(Op.Grid[1], Symbols),
                           evaluate(Op.Grid[2], Symbols)},
                          Op.Source);
}

absl::Status Executor::runTimed(const Operation &Op) {
  auto Start = std::chrono::steady_clock::now();
  M1_RETURN_IF_ERROR(run(Op));
  if (Op.Collective)
    M1_RETURN_IF_ERROR(Ranks->wait(Op.Function));
  M1_RETURN_IF_ERROR(TheDevice.synchronize());
  Trace->record(
      Op.Name,
      std::chrono::duration<double>(std::chrono::steady_clock::now() - Start)
          .count(),
      Op.Collective ? Profile::Kind::Exchange : Profile::Kind::Kernel);
  return absl::OkStatus();
}
