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

LLD_HAS_DRIVER(elf)

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr llvm::StringLiteral kTriple = "x86_64-unknown-linux-gnu";

//===----------------------------------------------------------------------===//
// Tile kernels to the LLVM dialect
//===----------------------------------------------------------------------===//

void m1::codegen::buildHostPipeline(OpPassManager &Passes) {
  // Blocks become loops over vectors and scalars.
  Passes.addPass(createTileToHost());
  Passes.addNestedPass<func::FuncOp>(createTileAssignScratch());
  buildLLVMPipeline(Passes);
}

//===----------------------------------------------------------------------===//
// LLVM dialect to machine code
//===----------------------------------------------------------------------===//

static std::unique_ptr<llvm::TargetMachine>
machineFor(tile::TargetAttr Target) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  return createMachine({kTriple, Target.getArchitecture(),
                        Target.getUnit() ? "+amx-tile,+amx-bf16" : "",
                        llvm::Reloc::PIC_});
}

std::unique_ptr<llvm::Module>
m1::codegen::translateHost(ModuleOp Module, llvm::LLVMContext &Context,
                           tile::TargetAttr Target) {
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
    F.addFnAttr("target-cpu", Target.getArchitecture());
    if (Target.getUnit())
      F.addFnAttr("target-features", Machine->getTargetFeatureString());
    F.addFnAttr("prefer-vector-width", std::to_string(Target.getLanes() * 32));
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
                                                   tile::TargetAttr Target) {
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
