//===- m1-interpret.cpp - runs a module in the reference interpreter ------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1-interpret/InterpretedModel.h"

#include "compiler/Pipelines/ModuleFile.h"
#include "compiler/Pipelines/Register.h"
#include "dialects/M1/IR/M1.h"
#include "dialects/M1/Reference/ParameterReader.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "runtime/support/MappingFaults.h"
#include "runtime/support/OutputFile.h"
#include "runtime/weights/Checkpoint.h"
#include "tools/CommandLine.h"
#include "tools/Diagnostics.h"
#include "tools/Failures.h"
#include "tools/ToolProcess.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace m1::reference;
using m1::makeError;

static cl::OptionCategory Category("m1-interpret options");
static cl::opt<std::string> Input(cl::Positional, cl::Required,
                                  cl::desc("<module.mlir>"), cl::cat(Category));
static cl::opt<std::string>
    WeightsPath("weights",
                cl::desc("Directory of safetensors files, or none for the "
                         "random weights of m1run --weights none"),
                cl::value_desc("dir"), cl::cat(Category));
static cl::opt<uint64_t>
    InitSeed("init-seed", cl::init(0),
             cl::desc("Seed of random weights (default 0)"),
             cl::value_desc("n"), cl::cat(Category));
static cl::opt<std::string>
    Entry("entry", cl::desc("Function to run (default: the only one, or main)"),
          cl::value_desc("name"), cl::cat(Category));
static cl::list<std::string>
    Args("arg", cl::desc("A .npy file; one --arg per argument, in order"),
         cl::value_desc("x.npy"), cl::cat(Category));
static cl::list<std::string>
    TokenFiles("tokens", cl::CommaSeparated,
               cl::desc("Token ids of one sequence each: runs the module as a "
                        "language model"),
               cl::value_desc("a.npy,b.npy"), cl::cat(Category));
static cl::opt<int64_t> MaxNewTokens(
    "max-new-tokens", cl::init(0),
    cl::desc("Continue each sequence greedily by this many tokens"),
    cl::value_desc("n"), cl::cat(Category));
static cl::opt<bool> Logits("logits",
                            cl::desc("Also write the logits of every token"),
                            cl::cat(Category));
static cl::opt<std::string> OutDir("out-dir", cl::Required,
                                   cl::desc("Directory for the results"),
                                   cl::value_desc("dir"), cl::cat(Category));

static cl::opt<std::string> StateDir(
    "state-dir",
    cl::desc("Directory for the tensor states that the function wrote, as "
             "STATE.npy"),
    cl::value_desc("dir"), cl::cat(Category));

static absl::StatusOr<Tensor> readTensor(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(m1::NpyArray Array, m1::readNpy(Path));
  bool IsFloat = Array.Type == m1::ElementType::F16 ||
                 Array.Type == m1::ElementType::F32 ||
                 Array.Type == m1::ElementType::F64;
  m1::ElementType Wide = IsFloat ? m1::ElementType::F64 : m1::ElementType::I64;
  M1_ASSIGN_OR_RETURN(Array, m1::convert(std::move(Array), Wide, Path));
  Tensor Result{Array.Shape, {}, {}, !IsFloat};
  if (IsFloat)
    Result.Reals.assign(Array.as<double>().begin(), Array.as<double>().end());
  else
    Result.Integers.assign(Array.as<int64_t>().begin(),
                           Array.as<int64_t>().end());
  return Result;
}

/// --entry, or the only function, or main.
static absl::StatusOr<mlir::func::FuncOp> findEntry(mlir::ModuleOp Module) {
  if (!Entry.empty()) {
    if (auto Function = Module.lookupSymbol<mlir::func::FuncOp>(Entry))
      return Function;
    return makeError(Input.getValue(), ": expected a function '",
                     Entry.getValue(), "', found none");
  }
  auto Functions = Module.getOps<mlir::func::FuncOp>();
  if (llvm::hasSingleElement(Functions))
    return *Functions.begin();
  if (auto Function = Module.lookupSymbol<mlir::func::FuncOp>("main"))
    return Function;
  return makeError(Input.getValue(),
                   ": expected one function or one named main; name one of "
                   "its functions with --entry");
}

/// Adds the tensor states that are in `States` to `Files`.
static absl::Status writeStates(mlir::ModuleOp Module, const StateStore &States,
                                m1::OutputFiles &Files) {
  M1_RETURN_IF_ERROR(m1::createDirectories(StateDir));
  for (auto Declaration : Module.getOps<m1::StateOp>()) {
    StringRef Name = Declaration.getSymName();
    auto Type = dyn_cast<m1::TensorStateType>(Declaration.getType());
    auto Written = States.States.find(Name);
    if (!Type || Written == States.States.end())
      continue;
    if (Name.contains('/'))
      return makeError("state '", Name.str(),
                       "': a name with a slash cannot be a file's");
    Tensor Value = Tensor::reals(std::vector<int64_t>(Type.getShape()));
    if (auto Held = Written->second.find(0); Held != Written->second.end())
      Value.Reals = Held->second->Elements;
    M1_RETURN_IF_ERROR(
        writeTensor(m1::concat(StateDir.getValue(), "/", Name.str(), ".npy"),
                    Value, Files));
  }
  return absl::OkStatus();
}

static absl::Status runFunction(mlir::ModuleOp Module,
                                ParameterReader &Parameters) {
  M1_ASSIGN_OR_RETURN(mlir::func::FuncOp Function, findEntry(Module));
  SmallVector<Tensor> Inputs;
  for (const std::string &Path : Args) {
    M1_ASSIGN_OR_RETURN(Tensor Input, readTensor(Path));
    Inputs.push_back(std::move(Input));
  }
  StateStore States;
  auto Results =
      interpret(Module, Function.getName(), Inputs, Parameters, States);
  if (mlir::failed(Results))
    return makeError(); // reported
  M1_RETURN_IF_ERROR(m1::createDirectories(OutDir));
  m1::OutputFiles Files;
  for (auto [Index, Result] : llvm::enumerate(*Results)) {
    mlir::StringAttr Name = m1::getName(Function.getResultAttrDict(Index));
    std::string File = Name ? Name.str() : "result" + std::to_string(Index);
    M1_RETURN_IF_ERROR(
        writeTensor(OutDir + "/" + File + ".npy", Result, Files));
  }
  if (!StateDir.empty())
    M1_RETURN_IF_ERROR(writeStates(Module, States, Files));
  return commit(Files, /*WaitForDisk=*/false);
}

static absl::Status runLanguageModel(mlir::ModuleOp Module,
                                     ParameterReader &Parameters) {
  if (MaxNewTokens < 0)
    return makeError("--max-new-tokens: expected 0 or more, found ",
                     MaxNewTokens.getValue());
  M1_RETURN_IF_ERROR(m1::createDirectories(OutDir));
  m1::OutputFiles Files;
  for (auto [Index, Path] : llvm::enumerate(TokenFiles)) {
    M1_ASSIGN_OR_RETURN(std::vector<int64_t> Tokens, m1::readTokens(Path));
    if (Tokens.empty())
      return makeError(Path, ": expected at least one token, found none");
    InterpretedModel Model(Module, Parameters);
    M1_ASSIGN_OR_RETURN(Sequence Done,
                        Model.run(std::move(Tokens), MaxNewTokens, Logits));
    auto Write = [&](const char *Name, const Tensor &Value) {
      return writeTensor(
          m1::concat(OutDir.getValue(), "/", Name, ".", Index, ".npy"), Value,
          Files);
    };
    M1_RETURN_IF_ERROR(Write("tokens", Done.Tokens));
    M1_RETURN_IF_ERROR(Write("logprobs", Done.LogProbs));
    if (Logits)
      M1_RETURN_IF_ERROR(Write("logits", Done.Logits));
  }
  return commit(Files, /*WaitForDisk=*/false);
}

/// Options that would have no effect are errors.
static absl::Status checkOptions() {
  auto Unused = [](const cl::Option &Option, const char *Why) {
    return Option.getNumOccurrences()
               ? makeError("--", std::string(Option.ArgStr), ": ", Why)
               : absl::OkStatus();
  };
  if (TokenFiles.empty()) {
    const char *Why = "has no effect without --tokens";
    M1_RETURN_IF_ERROR(Unused(MaxNewTokens, Why));
    M1_RETURN_IF_ERROR(Unused(Logits, Why));
  } else {
    const char *Why = "has no effect with --tokens";
    M1_RETURN_IF_ERROR(Unused(Entry, Why));
    M1_RETURN_IF_ERROR(Unused(Args, Why));
    M1_RETURN_IF_ERROR(Unused(StateDir, Why));
  }
  if (WeightsPath != "none")
    M1_RETURN_IF_ERROR(
        Unused(InitSeed, "has no effect without --weights none"));
  return absl::OkStatus();
}

/// Fails on a tensor that a language model has no use for: the checkpoint is of
/// another model. (A module that is no model may use a part of a checkpoint.)
static absl::Status checkSurplus(mlir::ModuleOp Module,
                                 const m1::Checkpoint &Weights) {
  auto Model = Module->getAttrOfType<m1::ModelAttr>(m1::kModelAttr);
  if (!Model)
    return absl::OkStatus();
  StringSet<> Used;
  for (auto Parameter : Module.getOps<m1::ParameterOp>())
    for (auto Source : Parameter.getSources().getAsRange<m1::SourceAttr>())
      Used.insert(Source.getTensor().getValue());
  for (const auto &[Name, Tensor] : Weights.tensors()) {
    auto IsEnding = [&Name = Name](mlir::StringAttr Ending) {
      return StringRef(Name).ends_with(Ending.getValue());
    };
    if (!Used.contains(Name) &&
        none_of(Model.getDerived().getAsRange<mlir::StringAttr>(), IsEnding))
      return makeError(Weights.fileOf(Tensor), ": tensor '", Name,
                       "' is not in ", Input.getValue());
  }
  return absl::OkStatus();
}

static absl::StatusOr<std::unique_ptr<TensorSource>>
openTensors(mlir::ModuleOp Module) {
  if (WeightsPath.empty())
    return noTensors();
  if (WeightsPath == "none")
    return randomTensors(InitSeed);
  M1_ASSIGN_OR_RETURN(auto Weights, m1::Checkpoint::open(WeightsPath));
  if (!Weights->note().empty())
    WithColor::note(errs(), "m1-interpret")
        << m1::printable(Weights->note()) << '\n';
  M1_RETURN_IF_ERROR(checkSurplus(Module, *Weights));
  return checkpointTensors(std::move(Weights));
}

static absl::Status run() {
  M1_RETURN_IF_ERROR(checkOptions());
  mlir::DialectRegistry Registry;
  m1::registerDialects(Registry);
  registerInterpreter(Registry);
  mlir::MLIRContext Context(Registry);
  m1::printDiagnosticsBriefly(Context, "m1-interpret");
  auto Module = m1::readModule(Input, &Context);
  if (!Module)
    return makeError(); // reported
  M1_ASSIGN_OR_RETURN(auto Tensors, openTensors(*Module));
  ParameterReader Parameters(std::move(Tensors));
  M1_RETURN_IF_ERROR(TokenFiles.empty()
                         ? runFunction(*Module, Parameters)
                         : runLanguageModel(*Module, Parameters));
  return m1::checkMappings();
}

int main(int Argc, char **Argv) {
  m1::ToolProcess Process(Argc, Argv);
  m1::reportFailuresBriefly("m1-interpret");
  cl::HideUnrelatedOptions(Category);
  m1::parseCommandLine(
      Argc, Argv,
      "Runs functions of m1 ops in double precision: the reference for "
      "compiled code.\n\n  m1-interpret MODULE.mlir "
      "--entry NAME --arg x.npy --arg y.npy --out-dir DIR\n  m1-interpret "
      "MODULE.mlir --weights CHECKPOINT_DIR --tokens a.npy,b.npy --out-dir "
      "DIR\n\nThe second form runs the module of a language model, from "
      "m1c --emit=m1, and writes the same files as m1run score and "
      "generate.\n");
  return m1::runOnLargeStack([] {
    absl::Status Status = run();
    if (Status.ok())
      return 0;
    if (!Status.message().empty()) // otherwise it was reported
      WithColor::error(errs(), "m1-interpret")
          << m1::printable(std::string(Status.message())) << "\n";
    return 1;
  });
}
