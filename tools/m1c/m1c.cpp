//===- m1c.cpp - compiles a checkpoint or a graph -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Targets.h"
#include "compiler/Pipelines/Compile.h"
#include "compiler/Pipelines/ModuleFile.h"
#include "compiler/Pipelines/Register.h"
#include "dialects/M1/IR/M1.h"
#include "frontends/huggingface/Import.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "runtime/support/Error.h"
#include "tools/CommandLine.h"
#include "tools/Diagnostics.h"
#include "tools/Failures.h"
#include "tools/OutputStream.h"
#include "tools/ToolProcess.h"
#include "tools/m1c/OptionParsers.h"
#include "llvm/Support/Format.h"

using namespace llvm;

namespace {

enum class Emit { File, Model, M1, Tile, Plan, Gpu, LLVM, Ptx };

cl::OptionCategory Options("m1c options");

cl::opt<std::string>
    Input(cl::Positional, cl::Required,
          cl::desc("<checkpoint directory, graph.mlir or graph.mlirbc>"),
          cl::cat(Options));
cl::opt<std::string> Output("o", cl::desc("Output file (text: - for stdout)"),
                            cl::value_desc("file"), cl::cat(Options));
cl::opt<Emit, false, m1::ChoiceParser<Emit>> EmitKind(
    "emit", cl::desc("What to write:"),
    cl::values(
        clEnumValN(Emit::File, "file", "the compiled plan (default)"),
        clEnumValN(Emit::Model, "model", "the model as imported or read"),
        clEnumValN(Emit::M1, "m1", "the model after the passes from m1 to m1"),
        clEnumValN(Emit::Tile, "tile", "the kernels in the tile dialect"),
        clEnumValN(Emit::Plan, "plan",
                   "programs and kernels, every buffer with its offset"),
        clEnumValN(Emit::Gpu, "gpu",
                   "the kernels as the code of a GPU's thread (with --target "
                   "cuda:ARCH)"),
        clEnumValN(Emit::LLVM, "llvm", "the kernels as LLVM IR"),
        clEnumValN(Emit::Ptx, "ptx",
                   "the kernels as PTX (with --target cuda:ARCH)")),
    cl::init(Emit::File), cl::cat(Options));
cl::opt<std::string> TargetName(
    "target",
    cl::desc("What to generate code for: cpu, or cuda:ARCH for a GPU, "
             "such as cuda:sm_80; default cpu"),
    cl::value_desc("cpu|cuda:ARCH"), cl::init("cpu"), cl::cat(Options));
cl::opt<std::string>
    TargetCpu("target-cpu",
              cl::desc("CPU to generate code for: native, x86-64-v3 (AVX2), "
                       "x86-64-v4 (AVX-512), each also with +amx (products of "
                       "bf16 on AMX tiles), and x86-64-v4+avx512bf16 (products "
                       "of bf16 by vdpbf16ps); default native"),
              cl::init("native"), cl::cat(Options));
cl::opt<m1::Count> Tokens("max-tokens",
                          cl::desc("Most tokens of one call, default 512"),
                          cl::init(512), cl::cat(Options));
cl::opt<m1::Count>
    Slots("slots", cl::desc("Sequences whose state is kept at once, default 8"),
          cl::init(8), cl::cat(Options));
cl::opt<m1::Count>
    Length("max-length",
           cl::desc("Most tokens of one sequence, prompt and response, default "
                    "4096"),
           cl::init(4096), cl::cat(Options));
cl::opt<bool> Train("train",
                    cl::desc("Also compile the functions of a training step "
                             "(m1run train and sft)"),
                    cl::cat(Options));
cl::opt<bool>
    Serve("serve",
          cl::desc("Compile for a server: sampling rules of each "
                   "request, log-probabilities after them, and keys "
                   "and values in blocks that the server distributes"),
          cl::cat(Options));
cl::opt<m1::Count> CacheBlocks(
    "cache-blocks",
    cl::desc("With --serve: blocks of 64 positions for the keys and values of "
             "all sequences; default as many as --slots sequences of "
             "--max-length need"),
    cl::init(0), cl::cat(Options));
cl::opt<m1::Count> TrainTokens(
    "train-tokens",
    cl::desc("Most tokens of one call that computes gradients, default the "
             "larger of --max-tokens and --max-length"),
    cl::init(0), cl::cat(Options));
cl::opt<m1::ByteCount> ActivationMemory(
    "activation-memory",
    cl::desc("Most bytes of activations: values of the forward pass are "
             "computed anew in the backward pass, as far as it takes; default "
             "no limit"),
    cl::value_desc("bytes"), cl::init(0), cl::cat(Options));
cl::opt<m1::ByteCount> GatherBytes(
    "gather-bytes",
    cl::desc("With many ranks: bytes that each may receive more to save an "
             "exchange, which is worth it for few tokens; default 262144"),
    cl::value_desc("bytes"), cl::init(256 << 10), cl::cat(Options));
cl::opt<std::string> MeshText(
    "mesh",
    cl::desc("Compile for several ranks: the extents of the axes data, tensor "
             "and expert; the last axis varies fastest in a rank's number"),
    cl::value_desc("tensor=4,expert=2,..."), cl::cat(Options));
cl::opt<bool> Locations("locations",
                        cl::desc("Print where each operation comes from (with "
                                 "--emit=model, m1, tile, plan or gpu)"),
                        cl::cat(Options));
cl::opt<bool> Report("report",
                     cl::desc("Print what was compiled and how long it took "
                              "(with --emit=file)"),
                     cl::cat(Options));

/// Copies of the options that are read after the kernels were linked: lld
/// resets LLVM's options.
struct {
  std::string Input, Output;
  bool Report;
} Chosen;

/// A failure whose reason is already on standard error.
Error alreadyReported() { return createStringError(""); }

Error toError(const absl::Status &Status) {
  return Status.ok() ? Error::success()
                     : createStringError(std::string(Status.message()));
}

/// Whether the input is a graph, not a checkpoint.
bool isGraph() {
  const StringRef Extension = sys::path::extension(Input);
  return Extension == ".mlir" || Extension == ".mlirbc";
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
readModule(mlir::MLIRContext *Context) {
  if (!isGraph()) {
    m1::huggingface::ImportOptions Import;
    Import.Model.Train = Train;
    Import.Model.Serve = Serve;
    Import.Model.MaxLength = Length;
    Import.Note = [](StringRef Text) {
      WithColor::note(errs(), "m1c") << m1::printable(Text) << '\n';
    };
    Import.Warn = [](StringRef Text) {
      WithColor::warning(errs(), "m1c") << Text << '\n';
    };
    return m1::huggingface::importCheckpoint(Input, Import, Context);
  }
  auto Module = m1::readModule(Input, Context);
  if (!Module)
    return alreadyReported();
  return Module;
}

/// Flushes the stream. Fails if anything could not be written.
Error finish(raw_fd_ostream &Stream, StringRef Name) {
  Stream.flush();
  std::error_code Code = Stream.error();
  Stream.clear_error();
  return Code ? createFileError(Name, Code) : Error::success();
}

/// Writes the output. A file appears when it is complete; a device or a pipe is
/// written directly. There is no file if `Last` fails, which is called when it
/// is complete.
Error writeOutput(function_ref<void(raw_ostream &)> Write,
                  function_ref<Error()> Last = Error::success) {
  if (Chosen.Output == "-") {
    Write(outs());
    return finish(outs(), "standard output");
  }
  auto Stream = m1::OutputStream::create(Chosen.Output);
  if (!Stream.ok())
    return toError(Stream.status());
  Write(**Stream);
  if (Error E = toError((*Stream)->close()))
    return E;
  if (Error E = Last())
    return E;
  return toError((*Stream)->commit());
}

void print(mlir::ModuleOp Module, raw_ostream &Stream) {
  Module->print(Stream, mlir::OpPrintingFlags().enableDebugInfo(Locations));
  Stream << '\n';
}

/// The name of a value of --emit.
StringRef nameOf(Emit Kind) {
  auto &Parser = EmitKind.getParser();
  for (unsigned I = 0; I < Parser.getNumOptions(); ++I) {
    const cl::GenericOptionValue &Value = Parser.getOptionValue(I);
    if (static_cast<const cl::OptionValue<Emit> &>(Value).getValue() == Kind)
      return Parser.getOption(I);
  }
  llvm_unreachable("a value of --emit without a name");
}

/// Reads --mesh.
Expected<m1::MeshAttr> readMesh(mlir::MLIRContext *Context) {
  const std::string Found = "--mesh: found '" + MeshText + "', ";
  SmallVector<mlir::StringAttr> Axes;
  SmallVector<int64_t> Extents;
  SmallVector<StringRef> Entries;
  StringRef(MeshText).split(Entries, ',');
  int64_t Ranks = 1;
  for (StringRef Entry : Entries) {
    auto [Axis, Number] = Entry.split('=');
    if (!m1::isMeshAxis(Axis))
      return createStringError(
          "--mesh: axis: " +
          m1::expectedOneOf(Axis, {m1::kDataAxis.str(), m1::kTensorAxis.str(),
                                   m1::kExpertAxis.str()}));
    mlir::StringAttr Name = mlir::StringAttr::get(Context, Axis);
    if (is_contained(Axes, Name))
      return createStringError(Found + "expected axis " + Axis + " once");
    int64_t Extent = 0;
    if (Number.getAsInteger(10, Extent) || Extent < 1)
      return createStringError(Found +
                               "expected an extent of at least 1, as "
                               "in " +
                               Axis + "=2");
    if (Extent > m1::kMaxRanks || (Ranks *= Extent) > m1::kMaxRanks)
      return createStringError(Found + "expected at most " +
                               Twine(m1::kMaxRanks) + " ranks");
    Axes.push_back(Name);
    Extents.push_back(Extent);
  }
  return m1::MeshAttr::get(Context, Axes, Extents);
}

/// Gives the module the mesh of --mesh.
Error setMesh(mlir::ModuleOp Module) {
  if (!MeshText.getNumOccurrences())
    return Error::success();
  if (auto Mesh = m1::meshOf(Module)) {
    std::string Text;
    raw_string_ostream(Text) << Mesh;
    return createStringError(
        "--mesh: expected a graph without m1.mesh, found " + Text + " in " +
        Input);
  }
  Expected<m1::MeshAttr> Mesh = readMesh(Module.getContext());
  if (!Mesh)
    return Mesh.takeError();
  Module->setAttr(m1::kMeshAttr, *Mesh);
  return Error::success();
}

/// Fails on options for training that have no effect.
Error checkTrain() {
  if (Train && MeshText.getNumOccurrences())
    return createStringError("--train: expected no --mesh beside it, found " +
                             MeshText + "; training has one rank");
  if (Train && isGraph())
    return createStringError(
        "--train: expected a checkpoint, found the graph " + Input +
        ", whose functions are compiled as they are");
  if (Train || isGraph())
    return Error::success();
  if (TrainTokens.getNumOccurrences())
    return createStringError("--train-tokens: expected --train beside it");
  if (ActivationMemory.getNumOccurrences())
    return createStringError("--activation-memory: expected --train beside it");
  return Error::success();
}

/// Fails on options for serving that have no effect.
Error checkServe() {
  if (Serve && isGraph())
    return createStringError(
        "--serve: expected a checkpoint, found the graph " + Input +
        ", whose functions are compiled as they are");
  // A graph may have caches in blocks.
  if (CacheBlocks.getNumOccurrences() && !Serve && !isGraph())
    return createStringError("--cache-blocks: expected --serve beside it");
  return Error::success();
}

/// Fails on options that have no effect with the chosen --emit.
Error checkEmit() {
  if (Report && EmitKind != Emit::File)
    return createStringError("--report: expected --emit=file, found --emit=" +
                             nameOf(EmitKind));
  if (Locations && is_contained({Emit::File, Emit::LLVM, Emit::Ptx}, EmitKind))
    return createStringError("--locations: expected --emit=model, m1, tile, "
                             "plan or gpu, found --emit=" +
                             nameOf(EmitKind));
  return Error::success();
}

Error checkOutput() {
  Chosen = {Input, Output, Report};
  if (Chosen.Output.empty()) {
    if (EmitKind == Emit::File)
      return createStringError("expected -o FILE for the plan");
    Chosen.Output = "-";
  }
  if (EmitKind == Emit::File && Chosen.Output == "-")
    return createStringError(
        "-o: expected a file for the plan, found - (stdout)");
  return Error::success();
}

/// The target of --target cuda:ARCH.
Expected<const m1::codegen::KnownTarget *> chooseGpu() {
  std::vector<std::string> Choices{"cpu"};
  for (const std::string &Name :
       m1::codegen::targetNames(m1::tile::TargetKind::Gpu))
    Choices.push_back("cuda:" + Name);
  if (!is_contained(Choices, TargetName))
    return createStringError("--target: " +
                             m1::expectedOneOf(TargetName, Choices));
  if (TargetCpu.getNumOccurrences())
    return createStringError("--target-cpu: expected --target cpu, found " +
                             TargetName);
  return m1::codegen::findTarget(StringRef(TargetName).split(':').second);
}

/// The target of --target-cpu.
Expected<const m1::codegen::KnownTarget *> chooseCpu() {
  if (EmitKind == Emit::Ptx || EmitKind == Emit::Gpu)
    return createStringError("--emit=" + nameOf(EmitKind) +
                             ": expected --target cuda:ARCH");
  if (TargetCpu == "native") {
    if (const auto *Native = m1::codegen::findNativeTarget())
      return Native;
    return createStringError(
        "--target-cpu: this CPU lacks AVX2, FMA or F16C, which all targets "
        "have; name a target to compile for another machine");
  }
  std::vector<std::string> Choices =
      m1::codegen::targetNames(m1::tile::TargetKind::Cpu);
  if (is_contained(Choices, TargetCpu))
    return m1::codegen::findTarget(TargetCpu);
  Choices.push_back("native");
  return createStringError("--target-cpu: " +
                           m1::expectedOneOf(TargetCpu, Choices));
}

void printReport(ArrayRef<m1::PlanFigure> Figures, const m1::PlanFile &File,
                 ArrayRef<m1::Phase> Phases, bool ForGpu) {
  for (const m1::PlanFigure &Figure : Figures)
    outs() << format("%-40s %22.0f %s\n", Figure.Name.c_str(), Figure.Value,
                     Figure.Unit.c_str());
  for (const auto &Kernel : File.Resources)
    outs() << "kernel " << Kernel.Kernel << ": " << Kernel.Registers
           << " registers, " << Kernel.SpilledBytes << " bytes spilled, "
           << File.Kernels.lookup(Kernel.Kernel).ScratchBytes
           << " bytes of shared memory\n";
  if (ForGpu && File.Resources.empty())
    outs() << "no ptxas here: the kernels were not assembled\n";
  for (const m1::Phase &Phase : Phases)
    outs() << format("%-40s %22.3f s\n",
                     ("compile time: " + Phase.Name).c_str(), Phase.Seconds);
}

/// A note if --max-length admits positions beyond those that the model's
/// config.json names, else empty.
std::string noteOnLength(mlir::ModuleOp Module) {
  auto Model = Module->getAttrOfType<m1::ModelAttr>(m1::kModelAttr);
  if (!Model || Length <= Model.getMaxPosition())
    return "";
  return ("--max-length " + Twine(int64_t(Length)) +
          " exceeds the max_position_embeddings of config.json, " +
          Twine(Model.getMaxPosition()) +
          ": results for longer sequences may be poor")
      .str();
}

Error compile(mlir::ModuleOp Module) {
  auto WriteModule = [](mlir::ModuleOp Written) {
    return writeOutput([&](raw_ostream &Stream) { print(Written, Stream); });
  };
  if (EmitKind == Emit::Model)
    return WriteModule(Module);

  const int64_t MostTrainTokens = TrainTokens.getNumOccurrences()
                                      ? int64_t(TrainTokens)
                                      : std::max<int64_t>(Tokens, Length);
  m1::CompileOptions Choices{"",     Tokens,          Slots,
                             Length, MostTrainTokens, ActivationMemory};
  Choices.GatherBytes = GatherBytes;
  Choices.CacheBlocks = CacheBlocks;
  bool ForGpu = false;
  if (EmitKind != Emit::M1) {
    auto Target = TargetName == "cpu" ? chooseCpu() : chooseGpu();
    if (!Target)
      return Target.takeError();
    Choices.Target = (*Target)->Name;
    ForGpu = (*Target)->Kind == m1::tile::TargetKind::Gpu;
  }
  if (Module.getOps<mlir::FunctionOpInterface>().empty())
    return createStringError(Chosen.Input + ": expected functions, found none");
  m1::Compilation Compilation(Module, Choices);
  if (failed(Compilation.toModel()))
    return alreadyReported();
  if (EmitKind == Emit::M1)
    return WriteModule(Module);
  auto Figures = Compilation.toPlan();
  if (failed(Figures))
    return alreadyReported();
  if (EmitKind == Emit::Plan)
    return WriteModule(Module);
  if (EmitKind == Emit::Tile)
    return WriteModule(*Compilation.kernels());
  if (EmitKind == Emit::Gpu) {
    auto Loops = Compilation.toLoops();
    return Loops ? WriteModule(*Loops) : alreadyReported();
  }
  if (EmitKind == Emit::LLVM) {
    auto Code = Compilation.toLLVM();
    if (failed(Code))
      return alreadyReported();
    return writeOutput(
        [&](raw_ostream &Stream) { Code->Module->print(Stream, nullptr); });
  }
  if (EmitKind == Emit::Ptx) {
    auto Text = Compilation.toPtx();
    if (failed(Text))
      return alreadyReported();
    return writeOutput([&](raw_ostream &Stream) { Stream << *Text; });
  }
  const std::string Note = noteOnLength(Module);
  auto File = Compilation.toFile(*Figures);
  if (failed(File))
    return alreadyReported();
  if (Error E = writeOutput(
          [&](raw_ostream &Stream) {
            Stream.write(reinterpret_cast<const char *>(File->Bytes.data()),
                         File->Bytes.size());
          },
          [&]() -> Error {
            if (!Chosen.Report)
              return Error::success();
            printReport(*Figures, *File, Compilation.phases(), ForGpu);
            return finish(outs(), "standard output");
          }))
    return E;
  if (!Note.empty())
    WithColor::note(errs(), "m1c") << Note << '\n';
  return Error::success();
}

Error run() {
  mlir::DialectRegistry Registry;
  m1::registerDialects(Registry);
  mlir::MLIRContext Context(Registry);
  Context.loadAllAvailableDialects();
  m1::printDiagnosticsBriefly(Context, "m1c");
  if (Error E = checkTrain())
    return E;
  if (Error E = checkServe())
    return E;
  if (Error E = checkEmit())
    return E;
  if (Error E = checkOutput())
    return E;
  auto Module = readModule(&Context);
  if (!Module)
    return Module.takeError();
  if (Error E = setMesh(Module->get()))
    return E;
  return compile(Module->get());
}

} // namespace

int main(int Argc, char **Argv) {
  m1::ToolProcess Process(Argc, Argv);
  m1::reportFailuresBriefly("m1c");
  m1::registerPasses(); // for options that name one
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  mlir::registerAsmPrinterCLOptions();
  cl::HideUnrelatedOptions(Options);
  m1::parseCommandLine(
      Argc, Argv,
      "Compiles a HuggingFace checkpoint of a hybrid-attention "
      "mixture-of-experts model, or a module of m1 operations, to a plan for "
      "m1run.\n\n  m1c CHECKPOINT_DIR -o model.m1plan\n  m1c graph.mlir -o "
      "graph.m1plan\n  m1c CHECKPOINT_DIR --emit=m1\n");
  return m1::runOnLargeStack([] {
    Error Failure = run();
    if (!Failure)
      return 0;
    if (std::string Why = toString(std::move(Failure)); !Why.empty())
      WithColor::error(errs(), "m1c") << m1::printable(Why) << '\n';
    return 1;
  });
}
