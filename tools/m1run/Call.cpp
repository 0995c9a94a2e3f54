//===- Call.cpp - m1run call: one function of a plan ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/PrintArray.h"
#include "tools/m1run/Ranks.h"

#include "runtime/support/MappingFaults.h"
#include "runtime/support/OutputFile.h"
#include "runtime/support/Packed.h"
#include "runtime/weights/Npy.h"

#include <cstdio>

using namespace m1;
using namespace m1::run;

namespace {
struct CallOptions {
  CommonOptions Common;
  std::string Entry, OutDir;
  std::vector<std::string> Args;
};

/// "x, chosen": the names of a function's inputs.
std::string inputNames(const plan::Function &Function) {
  std::string Names;
  for (uint32_t I = 0; I < length(Function.inputs()); ++I)
    Names += concat(I ? ", " : "", view(Function.inputs()->Get(I)->name()));
  return Names;
}

absl::Status writeResults(const plan::Function &Function,
                          std::span<const NpyArray> Results,
                          const std::string &Directory) {
  M1_RETURN_IF_ERROR(createDirectories(Directory));
  OutputFiles Files(Results.size());
  for (size_t I = 0; I < Results.size(); ++I) {
    std::string Path = concat(Directory, "/",
                              view(Function.outputs()->Get(I)->name()), ".npy");
    M1_ASSIGN_OR_RETURN(Files[I],
                        prepareNpy(Path, Results[I].Type, Results[I].Shape,
                                   Results[I].Data.data()));
  }
  // The same command computes them again.
  return commit(Files, /*WaitForDisk=*/false);
}

/// Prints each result as a line with its name, type and shape, and its elements
/// below.
void printResults(const plan::Function &Function,
                  std::span<const NpyArray> Results) {
  for (size_t I = 0; I < Results.size(); ++I) {
    std::string Name(view(Function.outputs()->Get(I)->name()));
    std::string Type(name(Results[I].Type));
    std::printf("%s: %s%s\n%s\n", printable(Name).c_str(), Type.c_str(),
                formatShape(Results[I].Shape).c_str(),
                formatArray(Results[I]).c_str());
  }
}

/// The function's inputs, of its types, as bytes.
absl::StatusOr<std::string> readInputs(const CallOptions &Options,
                                       const plan::Function &Function) {
  if (Options.Args.size() != length(Function.inputs()))
    return makeError("function '", Options.Entry, "': expected ",
                     length(Function.inputs()), " --arg, one for each input (",
                     inputNames(Function), "), found ", Options.Args.size());

  Packer P;
  for (size_t I = 0; I < Options.Args.size(); ++I) {
    M1_ASSIGN_OR_RETURN(NpyArray Array, readNpy(Options.Args[I]));
    M1_ASSIGN_OR_RETURN(Array,
                        convert(std::move(Array),
                                elementType(Function.inputs()->Get(I)->dtype()),
                                Options.Args[I]));
    P.add(Array.Type);
    P.add(Array.Shape);
    P.add(std::span<const std::byte>(Array.Data));
  }
  return std::move(P.Bytes);
}

absl::Status call(const CallOptions &Options) {
  Ranks &Job = Ranks::get();
  M1_ASSIGN_OR_RETURN(std::unique_ptr<m1::Session> Session,
                      openSession(Options.Common));
  Executor &Program = *Session->Program;
  const absl::StatusOr<uint32_t> Found = Program.find(Options.Entry);
  M1_RETURN_IF_ERROR(Job.agree(Found.status()));
  const uint32_t Index = *Found;
  const plan::Function &Function = *(*Session->Plan)->functions()->Get(Index);
  M1_ASSIGN_OR_RETURN(std::string Packed, Job.fromRoot([&] {
    return readInputs(Options, Function);
  }));

  std::vector<NpyArray> Arrays;
  for (Unpacker U(Packed); !U.isDone();) {
    NpyArray Array;
    Array.Type = U.number<ElementType>();
    Array.Shape = U.numbers<int64_t>();
    Array.Data = U.numbers<std::byte>();
    Arrays.push_back(std::move(Array));
  }
  std::vector<HostTensor> Inputs, Outputs;
  for (NpyArray &Array : Arrays)
    Inputs.push_back({Array.Data.data(), Array.Type, Array.Shape});
  const absl::StatusOr<std::vector<int64_t>> Bound =
      Program.bindSymbols(Index, Inputs);
  M1_RETURN_IF_ERROR(Job.agree(Bound.status()));
  const std::vector<int64_t> &Symbols = *Bound;
  std::vector<NpyArray> Results(length(Function.outputs()));
  for (size_t I = 0; I < Results.size(); ++I) {
    Results[I].Type = elementType(Function.outputs()->Get(I)->dtype());
    Results[I].Shape = Program.outputShape(Index, I, Symbols);
    HostTensor Output{nullptr, Results[I].Type, Results[I].Shape};
    Results[I].Data.resize(Output.bytes());
    Output.Data = Results[I].Data.data();
    Outputs.push_back(Output);
  }
  M1_RETURN_IF_ERROR(Program.call(Index, Inputs, Outputs));

  if (!Job.isRoot()) {
    M1_RETURN_IF_ERROR(checkMappings());
    return printProfile(*Session);
  }
  if (Options.OutDir.empty())
    printResults(Function, Results);
  else
    M1_RETURN_IF_ERROR(writeResults(Function, Results, Options.OutDir));
  M1_RETURN_IF_ERROR(checkMappings());
  return printProfile(*Session);
}
} // namespace

void run::addCall(CLI::App &App, Action &Chosen) {
  auto Options = std::make_shared<CallOptions>();
  CLI::App *Command =
      App.add_subcommand("call", "Run one function of a plan on arrays");
  Options->Common.addTo(*Command, /*WeightsRequired=*/false);
  Command
      ->add_option("--entry", Options->Entry,
                   "the function to call; m1run inspect lists them")
      ->required()
      ->type_name("FUNCTION");
  Command
      ->add_option("--arg", Options->Args,
                   "a .npy file; give one --arg per input, in order. Elements "
                   "are converted to the input's type")
      ->allow_extra_args(false)
      ->type_name("FILE.npy");
  Command
      ->add_option("--out-dir", Options->OutDir,
                   "write each result to DIR/NAME.npy (default: print them)")
      ->type_name("DIR");
  Command->callback(
      [Options, &Chosen] { Chosen = [Options] { return call(*Options); }; });
}
