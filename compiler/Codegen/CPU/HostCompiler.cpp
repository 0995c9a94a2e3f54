//===- HostCompiler.cpp - tile kernels to an ELF shared object ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/HostCompiler.h"

#include "compiler/Codegen/LLVM/ToLLVM.h"
#include "compiler/Codegen/Passes.h"
#include "lld/Common/Driver.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/WithColor.h"
#include "llvm/TargetParser/Host.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr llvm::StringLiteral kTriple = "x86_64-unknown-linux-gnu";

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

static std::vector<HostTarget> knownTargets() {
  const std::vector<std::string> V3 = {"avx2", "fma",   "f16c", "bmi",
                                       "bmi2", "lzcnt", "movbe"};
  std::vector<std::string> V4 = V3;
  V4.insert(V4.end(),
            {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  // The best first: "native" takes the first that runs here.
  std::vector<HostTarget> Targets;
  for (bool Tiles : {true, false}) {
    Targets.push_back({"x86-64-v4", "x86-64-v4", V4, 16, 32, Tiles});
    Targets.push_back({"x86-64-v3", "x86-64-v3", V3, 8, 16, Tiles});
  }
  for (HostTarget &Target : Targets)
    if (Target.Tiles) {
      Target.Name += "+amx";
      Target.Features.insert(Target.Features.end(), {"amx-tile", "amx-bf16"});
    }
  return Targets;
}

llvm::Expected<HostTarget> m1::codegen::findHostTarget(StringRef Name) {
  llvm::StringMap<bool> Here = llvm::sys::getHostCPUFeatures();
  for (const HostTarget &Target : knownTargets()) {
    bool Runs = llvm::all_of(Target.Features, [&](const std::string &Feature) {
      return Here.lookup(Feature);
    });
    if (Target.Name == Name || (Name == "native" && Runs))
      return Target;
  }
  if (Name == "native")
    return llvm::createStringError(
        "--target-cpu: this CPU lacks AVX2, FMA or F16C, which is the least "
        "that code is generated for; name a target to compile for another "
        "machine");
  return llvm::createStringError("--target-cpu: found '" + Name +
                                 "', expected native, x86-64-v3 or x86-64-v4, "
                                 "each also with +amx");
}

//===----------------------------------------------------------------------===//
// Tile kernels to the LLVM dialect
//===----------------------------------------------------------------------===//

void m1::codegen::buildHostPipeline(OpPassManager &Passes,
                                    const HostTarget &Target) {
  // Blocks become loops over vectors and scalars.
  TileToHostOptions Shape;
  Shape.lanes = Target.Lanes;
  Shape.registers = Target.Registers;
  Shape.tiles = Target.Tiles;
  Passes.addPass(createTileToHost(Shape));
  Passes.addNestedPass<func::FuncOp>(createTilePlaceScratch());
  buildLLVMPipeline(Passes);
}

//===----------------------------------------------------------------------===//
// LLVM dialect to machine code
//===----------------------------------------------------------------------===//

static std::unique_ptr<llvm::TargetMachine>
machineFor(const HostTarget &Target) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  return createMachine({kTriple, Target.Processor,
                        Target.Tiles ? "+amx-tile,+amx-bf16" : "",
                        llvm::Reloc::PIC_});
}

std::unique_ptr<llvm::Module>
m1::codegen::translateHost(ModuleOp Module, llvm::LLVMContext &Context,
                           const HostTarget &Target) {
  std::unique_ptr<llvm::TargetMachine> Machine = machineFor(Target);
  if (!Machine)
    return nullptr;
  std::unique_ptr<llvm::Module> Translated =
      translate(Module, Context, *Machine);
  if (!Translated)
    return nullptr;
  for (llvm::Function &F : *Translated) {
    if (F.isDeclaration())
      continue;
    F.addFnAttr("target-cpu", Target.Processor);
    if (Target.Tiles)
      F.addFnAttr("target-features", Machine->getTargetFeatureString());
    F.addFnAttr("prefer-vector-width", std::to_string(Target.Lanes * 32));
    F.addFnAttr(llvm::Attribute::NoUnwind);
    for (llvm::Argument &Argument : F.args())
      Argument.addAttr(llvm::Attribute::NoAlias);
  }
  optimise(*Translated, *Machine);
  return Translated;
}

/// A temporary file that is gone when the object is.
namespace {
struct TemporaryFile {
  llvm::SmallString<128> Path;
  explicit TemporaryFile(StringRef Suffix) {
    if (llvm::sys::fs::createTemporaryFile("m1c", Suffix, Path))
      Path.clear();
  }
  ~TemporaryFile() {
    if (!Path.empty())
      llvm::consumeError(llvm::errorCodeToError(
          llvm::sys::fs::remove(Path))); // nobody is left to tell
  }
};
} // namespace

FailureOr<std::vector<char>> m1::codegen::linkHost(llvm::Module &Module,
                                                   const HostTarget &Target) {
  auto Fail = [](const llvm::Twine &Message) {
    llvm::WithColor::error(llvm::errs(), "m1c") << Message << "\n";
    return failure();
  };
  std::unique_ptr<llvm::TargetMachine> Machine = machineFor(Target);
  if (!Machine)
    return failure();
  TemporaryFile Object("o"), Shared("so");
  if (Object.Path.empty() || Shared.Path.empty())
    return Fail("cannot make a temporary file to link the kernels in");
  {
    std::error_code Error;
    llvm::raw_fd_ostream Stream(Object.Path, Error);
    llvm::legacy::PassManager Emit;
    if (Error || Machine->addPassesToEmitFile(
                     Emit, Stream, nullptr, llvm::CodeGenFileType::ObjectFile))
      return Fail("cannot write " + Object.Path);
    Emit.run(Module);
    Stream.close();
    if (Stream.has_error()) {
      Stream.clear_error();
      return Fail("cannot write " + Object.Path + ": " +
                  Stream.error().message());
    }
  }
  std::string Messages;
  llvm::raw_string_ostream MessageStream(Messages);
  const char *Arguments[] = {
      "ld.lld", "-shared",           "--no-undefined-version",
      "-z",     "noexecstack",       "--hash-style=gnu",
      "-o",     Shared.Path.c_str(), Object.Path.c_str()};
  lld::Result Result = lld::lldMain(Arguments, MessageStream, MessageStream,
                                    {{lld::Gnu, &lld::elf::link}});
  if (Result.retCode != 0)
    return Fail("cannot link the kernels: " + Messages);
  auto Buffer = llvm::MemoryBuffer::getFile(Shared.Path, false, false);
  if (!Buffer)
    return Fail("cannot read " + Shared.Path);
  return std::vector<char>((*Buffer)->getBufferStart(),
                           (*Buffer)->getBufferEnd());
}
