//===- Executor.cpp - runs a plan's functions -------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Executor.h"

#include "runtime/plan/ParameterUse.h"

#include "runtime/session/Checks.h"

#include <algorithm>
#include <chrono>
#include <optional>

using namespace m1;

/// An argument as the inner loop wants it.
struct Executor::Argument {
  plan::ArgKind Kind;
  uint32_t Index;
  uint64_t Offset;
  plan::Expr Bytes, Value;
};

struct Executor::Operation {
  plan::Instruction Kind;
  uint32_t Kernel = 0;
  plan::Expr Grid[3];
  /// Of a copy: destination, source.
  std::vector<Argument> Args;
  std::string_view Name, Source;
};

struct Executor::Program {
  const plan::Function *Function;
  std::vector<Operation> Operations;
};

/// A function at certain symbols. What its steps do depends on nothing else:
/// inputs and outputs of equal sizes have equal addresses. `Number` is the
/// device's recording of the steps; there is none until the same call comes a
/// second time.
struct Executor::Recorded {
  uint32_t Function;
  std::vector<int64_t> Symbols;
  std::optional<uint32_t> Number;
};

/// How much of an argument may be touched: below 0 counts as 0 (plan.fbs).
static uint64_t bytesOf(const plan::Expr &Bytes,
                        std::span<const int64_t> Symbols) {
  return std::max<int64_t>(evaluate(Bytes, Symbols), 0);
}

Executor::Executor(const LoadedPlan &Plan, Device &TheDevice,
                   ParameterSource &Source, Profile *Trace)
    : Plan(Plan), TheDevice(TheDevice), Source(Source), Trace(Trace) {}
Executor::~Executor() = default;

absl::StatusOr<std::unique_ptr<Executor>>
Executor::create(const LoadedPlan &Plan, Device &TheDevice,
                 ParameterSource &Source, Profile *Trace) {
  std::unique_ptr<Executor> Result(
      new Executor(Plan, TheDevice, Source, Trace));
  M1_RETURN_IF_ERROR(Result->prepare());
  return Result;
}

Executor::Argument Executor::decode(const plan::Arg &Arg) const {
  Argument Result{Arg.kind(), Arg.index(), Arg.offset(),
                  plan::Expr(-1, 0, 0, 1), plan::Expr(-1, 0, 0, 1)};
  if (Arg.bytes())
    Result.Bytes = *Arg.bytes();
  if (Arg.value())
    Result.Value = *Arg.value();
  return Result;
}

Executor::Operation Executor::decode(const plan::Step &Step) const {
  Operation Op;
  Op.Kind = Step.instruction_type();
  Op.Source = view(Step.source());
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
    absl::StatusOr<Device::Address> Address =
        Arena.kind() == plan::ArenaKind::Constants
            ? TheDevice.load(Arena.data() ? Arena.data()->data() : nullptr,
                             Arena.bytes())
            : TheDevice.allocate(Arena.bytes(), Arena.kind());
    if (!Address.ok())
      return makeError(Plan.name(), ": arena '", view(Arena.name()),
                       "': ", std::string(Address.status().message()));
    Arenas.push_back(*Address);
  }
  Parameters.resize(length(Plan->parameters()));
  Symbols.resize(length(Plan->symbols()));
  for (uint32_t I = 0; I < length(Plan->functions()); ++I) {
    const plan::Function &Function = *Plan->functions()->Get(I);
    Program P{&Function, {}};
    for (uint32_t J = 0; J < length(Function.steps()); ++J)
      P.Operations.push_back(decode(*Function.steps()->Get(J)));
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

/// Runs `init`, with each parameter in memory no longer than ParameterUse says,
/// and binds what the other functions need.
absl::Status Executor::bindParameters() {
  std::vector<ParameterUse> Uses = parameterUses(*Plan);
  for (const Program &P : Programs) {
    if (view(P.Function->name()) != "init")
      continue;
    // By step: what is used for the first and for the last time.
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
      const Operation &Op = P.Operations[Step];
      M1_RETURN_IF_ERROR(Trace ? runTimed(Op) : run(Op));
      if (Last[Step].empty())
        continue;
      M1_RETURN_IF_ERROR(TheDevice.synchronize());
      for (uint32_t Index : Last[Step])
        M1_RETURN_IF_ERROR(releaseParameter(Index));
    }
  }
  for (uint32_t I = 0; I < Uses.size(); ++I)
    if (Uses[I].Kept && Uses[I].FirstInInit == ParameterUse::Never)
      M1_RETURN_IF_ERROR(bindParameter(I));
  return TheDevice.synchronize();
}

absl::StatusOr<uint32_t> Executor::find(std::string_view Name) const {
  std::string Known;
  for (uint32_t I = 0; I < Programs.size(); ++I) {
    std::string_view Candidate = view(Programs[I].Function->name());
    if (Candidate == "init")
      continue;
    if (Candidate == Name)
      return I;
    Known += concat(Known.empty() ? "" : ", ", Candidate);
  }
  if (Name == "init" && Plan.function(Name))
    return makeError(Plan.name(),
                     ": function 'init' ran when the plan was loaded and "
                     "cannot be called; expected one of ",
                     Known);
  return makeError(Plan.name(), ": no function '", Name, "'; it has ", Known);
}

absl::StatusOr<std::vector<int64_t>>
Executor::bindSymbols(uint32_t Function,
                      std::span<const HostTensor> Tensors) const {
  const plan::Function &F = *Programs[Function].Function;
  if (Tensors.size() != length(F.inputs()))
    return makeError("function '", view(F.name()), "' takes ",
                     length(F.inputs()), " inputs, found ", Tensors.size());
  constexpr int64_t Unknown = -1;
  std::vector<int64_t> Result(length(Plan->symbols()), Unknown);
  for (uint32_t I = 0; I < Tensors.size(); ++I) {
    const plan::Tensor &Input = *F.inputs()->Get(I);
    const HostTensor &Given = Tensors[I];
    std::string_view Name = view(Input.name());
    if (Given.Type != elementType(Input.dtype()))
      return makeError("input '", Name, "' of function '", view(F.name()),
                       "' is ", name(elementType(Input.dtype())), ", found ",
                       name(Given.Type));
    if (Given.Shape.size() != length(Input.shape()))
      return makeError("input '", Name, "' of function '", view(F.name()),
                       "' has ", length(Input.shape()),
                       " dimensions, found the shape ",
                       formatShape(Given.Shape));
    for (uint32_t J = 0; J < Given.Shape.size(); ++J) {
      const plan::Expr &Extent = *Input.shape()->Get(J);
      int64_t Expected = Extent.add();
      if (int S = Extent.symbol(); S >= 0) {
        const plan::Symbol &Symbol = *Plan->symbols()->Get(S);
        int64_t Value = Given.Shape[J] - Extent.add();
        if (Result[S] == Unknown && Value >= 0) {
          if (Value > Symbol.max())
            return makeError("input '", Name, "' of function '", view(F.name()),
                             "' has the shape ", formatShape(Given.Shape), ": ",
                             view(Symbol.name()), " is ", Value,
                             ", the plan was compiled for at most ",
                             Symbol.max());
          Result[S] = Value;
        }
        Expected = std::max<int64_t>(Result[S], 0) + Extent.add();
      } else {
        Expected = evaluate(Extent, {});
      }
      if (Given.Shape[J] != Expected)
        return makeError("input '", Name, "' of function '", view(F.name()),
                         "' has the shape ", formatShape(Given.Shape),
                         ", expected ", Expected, " as extent ", J);
    }
  }
  for (int64_t &Value : Result)
    Value = std::max<int64_t>(Value, 0); // symbols that this function lacks
  return Result;
}

std::vector<int64_t>
Executor::outputShape(uint32_t Function, uint32_t Output,
                      std::span<const int64_t> Values) const {
  const plan::Tensor &Tensor =
      *Programs[Function].Function->outputs()->Get(Output);
  std::vector<int64_t> Shape;
  for (uint32_t I = 0; I < length(Tensor.shape()); ++I)
    Shape.push_back(evaluate(*Tensor.shape()->Get(I), Values));
  return Shape;
}

absl::Status Executor::call(uint32_t Function,
                            std::span<const HostTensor> Given,
                            std::span<const HostTensor> Results) {
  const Program &P = Programs[Function];
  // The parameters that only `init` reads are gone, and it needs no second run.
  if (view(P.Function->name()) == "init")
    return makeError(Plan.name(), ": function 'init' ran when the plan was "
                                  "loaded and cannot be called");
  M1_ASSIGN_OR_RETURN(Symbols, bindSymbols(Function, Given));
  M1_RETURN_IF_ERROR(checkElements(*P.Function, Given, Symbols));
  if (Results.size() != length(P.Function->outputs()))
    return makeError("function '", view(P.Function->name()), "' has ",
                     length(P.Function->outputs()), " outputs, found ",
                     Results.size());
  for (uint32_t I = 0; I < Results.size(); ++I) {
    const plan::Tensor &Output = *P.Function->outputs()->Get(I);
    std::vector<int64_t> Shape = outputShape(Function, I, Symbols);
    if (Results[I].Shape != Shape ||
        Results[I].Type != elementType(Output.dtype()))
      return makeError("output '", view(Output.name()), "' of function '",
                       view(P.Function->name()), "' is ",
                       name(elementType(Output.dtype())), " ",
                       formatShape(Shape), ", found ", name(Results[I].Type),
                       " ", formatShape(Results[I].Shape));
  }
  // A size that fits at the symbols' bounds can still be too large for smaller
  // symbols, and these buffers are no larger than now.
  for (const Operation &Op : P.Operations)
    for (const Argument &Arg : Op.Args) {
      if (Arg.Kind != plan::ArgKind::Input && Arg.Kind != plan::ArgKind::Output)
        continue;
      bool IsInput = Arg.Kind == plan::ArgKind::Input;
      uint64_t Bytes = (IsInput ? Given : Results)[Arg.Index].bytes();
      if (Arg.Offset + bytesOf(Arg.Bytes, Symbols) > Bytes)
        return makeError(Plan.name(), ": invalid plan: function '",
                         view(P.Function->name()), "': ", Op.Name, " (",
                         Op.Source, ") reaches beyond ",
                         IsInput ? "an input" : "an output");
    }
  Inputs.clear();
  Outputs.clear();
  for (const HostTensor &Tensor : Given) {
    M1_ASSIGN_OR_RETURN(
        Device::Address Address,
        TheDevice.map(Tensor.Data, Tensor.bytes(), Device::HostAccess::Read));
    Inputs.push_back(Address);
  }
  for (const HostTensor &Tensor : Results) {
    M1_ASSIGN_OR_RETURN(
        Device::Address Address,
        TheDevice.map(Tensor.Data, Tensor.bytes(), Device::HostAccess::Write));
    Outputs.push_back(Address);
  }
  absl::Status Status = runSteps(Function);
  if (Status.ok())
    Status = TheDevice.synchronize();
  for (Device::Address Address : Inputs)
    Status.Update(TheDevice.unmap(Address));
  for (Device::Address Address : Outputs)
    Status.Update(TheDevice.unmap(Address));
  M1_RETURN_IF_ERROR(std::move(Status));
  return checkDrawn(*P.Function, Results);
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
  if (Recorder *Kept = Trace ? nullptr : TheDevice.recorder()) {
    auto Found = std::find_if(
        Recordings.begin(), Recordings.end(), [&](const Recorded &R) {
          return R.Function == Function && R.Symbols == Symbols;
        });
    if (Found != Recordings.end()) {
      Recordings.splice(Recordings.begin(), Recordings, Found);
      return replaySteps(P, *Kept, Recordings.front());
    }
    // Decoding repeats one call many times; prompts may all differ in length.
    constexpr size_t MaxRecordings = 32;
    Recordings.push_front({Function, Symbols, {}});
    if (Recordings.size() > MaxRecordings) {
      if (Recordings.back().Number)
        M1_RETURN_IF_ERROR(Kept->forget(*Recordings.back().Number));
      Recordings.pop_back();
    }
  }
  for (const Operation &Op : P.Operations)
    M1_RETURN_IF_ERROR(Trace ? runTimed(Op) : run(Op));
  return absl::OkStatus();
}

/// Does the steps of a call as a recording, which is made if there is none yet.
absl::Status Executor::replaySteps(const Program &P, Recorder &Kept,
                                   Recorded &Record) {
  if (!Record.Number) {
    M1_RETURN_IF_ERROR(Kept.beginRecording());
    absl::Status Status;
    for (auto Op = P.Operations.begin();
         Op != P.Operations.end() && Status.ok(); ++Op)
      Status = run(*Op);
    absl::StatusOr<uint32_t> Number = Kept.endRecording();
    M1_RETURN_IF_ERROR(std::move(Status));
    M1_RETURN_IF_ERROR(Number.status());
    Record.Number = *Number;
  }
  return Kept.replay(*Record.Number);
}

absl::Status Executor::run(const Operation &Op) {
  if (Op.Kind == plan::Instruction::Copy)
    return TheDevice.copy(resolve(Op.Args[0]), resolve(Op.Args[1]),
                          bytesOf(Op.Args[0].Bytes, Symbols));
  Values.clear();
  for (const Argument &Arg : Op.Args)
    Values.push_back(resolve(Arg));
  return TheDevice.launch(Op.Kernel, Values,
                          {evaluate(Op.Grid[0], Symbols),
                           evaluate(Op.Grid[1], Symbols),
                           evaluate(Op.Grid[2], Symbols)},
                          Op.Source);
}

absl::Status Executor::runTimed(const Operation &Op) {
  auto Start = std::chrono::steady_clock::now();
  M1_RETURN_IF_ERROR(run(Op));
  M1_RETURN_IF_ERROR(TheDevice.synchronize());
  Trace->record(Op.Name, std::chrono::duration<double>(
                             std::chrono::steady_clock::now() - Start)
                             .count());
  return absl::OkStatus();
}
