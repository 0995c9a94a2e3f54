//===- m1c.cpp - compiles a checkpoint or a graph -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Compile.h"
#include "compiler/Pipelines/Register.h"
#include "frontends/huggingface/Import.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "tools/CommandLine.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"

using namespace llvm;

namespace {

enum class Emit { File, M1, Tile, Plan, Gpu, LLVM, Ptx };

cl::OptionCategory Options("m1c options");

cl::opt<std::string> Input(cl::Positional, cl::Required,
                           cl::desc("<checkpoint directory or graph.mlir>"),
                           cl::cat(Options));
cl::opt<std::string> Output("o", cl::desc("Output file (text: - for stdout)"),
                            cl::value_desc("file"), cl::cat(Options));
cl::opt<Emit> EmitKind(
    "emit", cl::desc("What to write:"),
    cl::values(clEnumValN(Emit::File, "file", "the compiled plan (default)"),
               clEnumValN(Emit::M1, "m1", "the model in the m1 dialect"),
               clEnumValN(Emit::Tile, "tile",
                          "the kernels in the tile dialect"),
               clEnumValN(Emit::Plan, "plan",
                          "programs and kernels, every buffer in its place"),
               clEnumValN(Emit::Gpu, "gpu",
                          "the kernels as code for a GPU's thread (with "
                          "--target cuda:ARCH)"),
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
                       "bf16 on AMX tiles); default native"),
              cl::init("native"), cl::cat(Options));
cl::opt<int64_t> Tokens("max-tokens",
                        cl::desc("Most tokens of one call, default 512"),
                        cl::init(512), cl::cat(Options));
cl::opt<int64_t>
    Slots("slots", cl::desc("Sequences whose state is kept at once, default 8"),
          cl::init(8), cl::cat(Options));
cl::opt<int64_t>
    Length("max-length",
           cl::desc("Most tokens of one sequence, prompt and response, default "
                    "4096"),
           cl::init(4096), cl::cat(Options));
cl::opt<bool> Locations("locations",
                        cl::desc("Print where each operation comes from"),
                        cl::cat(Options));
cl::opt<bool> Report("report",
                     cl::desc("Print what was compiled and how long it took"),
                     cl::cat(Options));

/// What is still needed once the linker has run: it resets all options.
struct {
  std::string Input, Output;
  bool Report;
} Chosen;

/// Of a failure whose reason stands on standard error.
Error alreadySaid() { return createStringError(""); }

/// An error in one line, as all others of this program.
mlir::LogicalResult printDiagnostic(mlir::Diagnostic &D) {
  if (D.getSeverity() != mlir::DiagnosticSeverity::Error)
    return mlir::failure(); // MLIR prints it
  auto Print = [](raw_ostream &Stream, mlir::Diagnostic &Of) {
    if (auto At = Of.getLocation()->findInstanceOf<mlir::FileLineColLoc>())
      Stream << At.getFilename().getValue() << ':' << At.getLine() << ':'
             << At.getColumn() << ": ";
    Stream << Of.str() << '\n';
  };
  Print(WithColor::error(errs(), "m1c"), D);
  for (mlir::Diagnostic &Note : D.getNotes())
    Print(WithColor::note(errs(), "m1c"), Note);
  return mlir::success();
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
readModule(mlir::MLIRContext *Context) {
  if (!StringRef(Input).ends_with(".mlir"))
    return m1::huggingface::importCheckpoint(Input, {}, Context);
  if (!sys::fs::exists(Input))
    return createStringError(Input + ": no such file");
  auto Module =
      mlir::parseSourceFile<mlir::ModuleOp>(Input, mlir::ParserConfig(Context));
  if (!Module)
    return alreadySaid();
  return Module;
}

/// What was written must have arrived.
Error finish(raw_fd_ostream &Stream, StringRef Name) {
  Stream.flush();
  std::error_code Code = Stream.error();
  Stream.clear_error();
  return Code ? createFileError(Name, Code) : Error::success();
}

/// Writes aside first, so that a full disk leaves no half file under the real
/// name.
Error writeOutput(function_ref<void(raw_ostream &)> Write) {
  if (Chosen.Output == "-") {
    Write(outs());
    return finish(outs(), "standard output");
  }
  // A device or a pipe is written to, not replaced by a file.
  sys::fs::file_status Status;
  if (!sys::fs::status(Chosen.Output, Status) && sys::fs::is_other(Status)) {
    std::error_code Code;
    raw_fd_ostream Stream(Chosen.Output, Code, sys::fs::CD_OpenExisting);
    if (Code)
      return createFileError(Chosen.Output, Code);
    Write(Stream);
    return finish(Stream, Chosen.Output);
  }
  auto Temporary =
      sys::fs::TempFile::create(Chosen.Output + ".%%%%%%",
                                sys::fs::owner_read | sys::fs::owner_write |
                                    sys::fs::group_read | sys::fs::others_read);
  if (!Temporary)
    return createFileError(Chosen.Output, Temporary.takeError());
  {
    raw_fd_ostream Stream(Temporary->FD, /*shouldClose=*/false);
    Write(Stream);
    if (Error E = finish(Stream, Chosen.Output)) {
      consumeError(Temporary->discard());
      return E;
    }
  }
  return Temporary->keep(Chosen.Output);
}

void print(mlir::ModuleOp Module, raw_ostream &Stream) {
  Module->print(Stream, mlir::OpPrintingFlags().enableDebugInfo(Locations));
  Stream << '\n';
}

Error checkBounds() {
  for (const cl::opt<int64_t> *Option : {&Tokens, &Slots, &Length})
    if (*Option < 1 || *Option > std::numeric_limits<int32_t>::max())
      return createStringError("--" + Option->ArgStr +
                               ": expected 1 to 2147483647, found " +
                               Twine(Option->getValue()));
  Chosen = {Input, Output, Report};
  if (Chosen.Output.empty()) {
    if (EmitKind == Emit::File)
      return createStringError("expected -o FILE for the plan");
    Chosen.Output = "-";
  }
  if (EmitKind == Emit::File && Chosen.Output == "-")
    return createStringError("-o: a plan goes to a file, not to stdout");
  return Error::success();
}

/// The target of --target and --target-cpu.
Expected<m1::codegen::KnownTarget> chooseTarget() {
  using namespace m1::codegen;
  StringRef Name = TargetName;
  if (Name == "cpu") {
    if (EmitKind == Emit::Ptx || EmitKind == Emit::Gpu)
      return createStringError(Twine("--emit=") +
                               (EmitKind == Emit::Ptx ? "ptx" : "gpu") +
                               ": expected --target cuda:ARCH");
    if (TargetCpu != "native") {
      if (const KnownTarget *Cpu = findTarget(TargetCpu);
          Cpu && Cpu->Kind == m1::tile::TargetKind::Cpu)
        return *Cpu;
      return createStringError("--target-cpu: found '" + TargetCpu +
                               "', expected native or one of " +
                               targetNames(m1::tile::TargetKind::Cpu));
    }
    if (const KnownTarget *Cpu = findNativeTarget())
      return *Cpu;
    return createStringError(
        "--target-cpu: this CPU lacks AVX2, FMA or F16C, which is the least "
        "that code is generated for; name a target to compile for another "
        "machine");
  }
  if (TargetCpu.getNumOccurrences())
    return createStringError("--target-cpu: expected --target cpu, found " +
                             Name);
  if (Name.consume_front("cuda:"))
    if (const KnownTarget *Gpu = findTarget(Name);
        Gpu && Gpu->Kind == m1::tile::TargetKind::Gpu)
      return *Gpu;
  return createStringError("--target: found '" + TargetName +
                           "', expected cpu or cuda: and one of " +
                           targetNames(m1::tile::TargetKind::Gpu));
}

/// The report of a compilation: figures, kernels of a GPU, time.
void printReport(const m1::Compilation &Compilation, bool ForGpu) {
  for (const m1::PlanFigure &Figure : Compilation.figures())
    outs() << format("%-40s %22.0f %s\n", Figure.Name.c_str(), Figure.Value,
                     Figure.Unit.c_str());
  for (const auto &Kernel : Compilation.resources())
    outs() << "kernel " << Kernel.Kernel << ": " << Kernel.Registers
           << " registers, " << Kernel.SpilledBytes << " bytes spilled, "
           << Compilation.scratchBytes(Kernel.Kernel)
           << " bytes of shared memory\n";
  if (ForGpu && Compilation.resources().empty())
    outs() << "no ptxas here: the kernels were not assembled\n";
  for (const m1::Phase &Phase : Compilation.phases())
    outs() << format("%-40s %22.3f s\n",
                     ("compile time: " + Phase.Name).c_str(), Phase.Seconds);
}

Error compile(mlir::ModuleOp Module) {
  if (EmitKind == Emit::M1)
    return writeOutput([&](raw_ostream &Stream) { print(Module, Stream); });

  auto Target = chooseTarget();
  if (!Target)
    return Target.takeError();
  m1::Compilation Compilation(Module, {*Target, Tokens, Slots, Length});
  if (mlir::failed(Compilation.toPlan()))
    return alreadySaid();
  if (EmitKind == Emit::Plan)
    return writeOutput([&](raw_ostream &Stream) { print(Module, Stream); });
  if (EmitKind == Emit::Tile) {
    auto Kernels = Compilation.kernels();
    return writeOutput([&](raw_ostream &Stream) { print(*Kernels, Stream); });
  }
  if (EmitKind == Emit::Gpu) {
    auto Kernels = Compilation.toThreads();
    if (!Kernels)
      return alreadySaid();
    return writeOutput([&](raw_ostream &Stream) { print(*Kernels, Stream); });
  }
  if (EmitKind == Emit::LLVM) {
    LLVMContext Context;
    std::unique_ptr<llvm::Module> Code = Compilation.toLLVM(Context);
    if (!Code)
      return alreadySaid();
    return writeOutput(
        [&](raw_ostream &Stream) { Code->print(Stream, nullptr); });
  }
  if (EmitKind == Emit::Ptx) {
    FailureOr<std::string> Text = Compilation.toPtx();
    if (mlir::failed(Text))
      return alreadySaid();
    return writeOutput([&](raw_ostream &Stream) { Stream << *Text; });
  }
  FailureOr<std::vector<uint8_t>> File = Compilation.toFile();
  if (mlir::failed(File))
    return alreadySaid();
  if (Chosen.Report) {
    printReport(Compilation, Target->Kind == m1::tile::TargetKind::Gpu);
    if (Error E = finish(outs(), "standard output"))
      return E;
  }
  return writeOutput([&](raw_ostream &Stream) {
    Stream.write(reinterpret_cast<const char *>(File->data()), File->size());
  });
}

} // namespace

int main(int Argc, char **Argv) {
  InitLLVM Init(Argc, Argv);
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
  mlir::DialectRegistry Registry;
  m1::registerDialects(Registry);
  mlir::MLIRContext Context(Registry);
  Context.loadAllAvailableDialects();
  if (!cl::getRegisteredOptions()["mlir-print-op-on-diagnostic"]
           ->getNumOccurrences())
    Context.printOpOnDiagnostic(false);
  Context.getDiagEngine().registerHandler(printDiagnostic);
  auto Run = [&]() -> Error {
    if (Error E = checkBounds())
      return E;
    auto Module = readModule(&Context);
    return Module ? compile(Module->get()) : Module.takeError();
  };
  if (Error Failure = Run()) {
    if (std::string Why = toString(std::move(Failure)); !Why.empty())
      WithColor::error(errs(), "m1c") << Why << '\n';
    return 1;
  }
  return 0;
}
