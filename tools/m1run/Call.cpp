//===- Call.cpp - m1run call: one function of a plan ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"

#include "runtime/support/File.h"
#include "runtime/weights/Npy.h"

using namespace m1;
using namespace m1::run;

namespace {
struct CallOptions {
  CommonOptions Common;
  std::string Entry, OutDir = ".";
  std::vector<std::string> Args;
};

absl::Status call(const CallOptions &Options) {
  M1_ASSIGN_OR_RETURN(
      std::unique_ptr<m1::Session> Session,
      m1::Session::open(Options.Common.PlanPath, Options.Common.Session));
  Executor &Program = *Session->Program;
  M1_ASSIGN_OR_RETURN(uint32_t Index, Program.find(Options.Entry));
  const plan::Function &Function = *(*Session->Plan)->functions()->Get(Index);
  if (Options.Args.size() != length(Function.inputs()))
    return makeError("function '", Options.Entry, "' takes ",
                     length(Function.inputs()), " inputs, found ",
                     Options.Args.size(), " --arg");

  std::vector<NpyArray> Arrays;
  std::vector<HostTensor> Inputs, Outputs;
  for (size_t I = 0; I < Options.Args.size(); ++I) {
    M1_ASSIGN_OR_RETURN(NpyArray Array, readNpy(Options.Args[I]));
    M1_ASSIGN_OR_RETURN(Array,
                        convert(std::move(Array),
                                elementType(Function.inputs()->Get(I)->dtype()),
                                Options.Args[I]));
    Arrays.push_back(std::move(Array));
  }
  for (NpyArray &Array : Arrays)
    Inputs.push_back({Array.Data.data(), Array.Type, Array.Shape});
  M1_ASSIGN_OR_RETURN(std::vector<int64_t> Symbols,
                      Program.bindSymbols(Index, Inputs));
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

  M1_RETURN_IF_ERROR(createDirectories(Options.OutDir));
  OutputFiles Files(Results.size());
  for (size_t I = 0; I < Results.size(); ++I) {
    std::string Path = concat(Options.OutDir, "/",
                              view(Function.outputs()->Get(I)->name()), ".npy");
    M1_ASSIGN_OR_RETURN(Files[I],
                        prepareNpy(Path, Results[I].Type, Results[I].Shape,
                                   Results[I].Data.data()));
  }
  M1_RETURN_IF_ERROR(commit(Files));
  printProfile(*Session);
  return absl::OkStatus();
}
} // namespace

void run::addCall(CLI::App &App, Action &Chosen) {
  auto Options = std::make_shared<CallOptions>();
  CLI::App *Command =
      App.add_subcommand("call", "Runs one function of a plan on arrays");
  Options->Common.addTo(*Command, /*WeightsRequired=*/false);
  Command->add_option("--entry", Options->Entry, "name of the function")
      ->required();
  Command
      ->add_option("--arg", Options->Args,
                   "a .npy file for each input, in order; elements are "
                   "converted to the input's type")
      ->allow_extra_args(false);
  Command->add_option("--out-dir", Options->OutDir,
                      "where OUTPUT.npy is written for each output");
  Command->callback(
      [Options, &Chosen] { Chosen = [Options] { return call(*Options); }; });
}
