//===- HostCompiler.cpp - kernels to an ELF shared object -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/HostCompiler.h"

#include "compiler/Codegen/LLVM/ToLLVM.h"
#include "compiler/Codegen/Targets.h"
#include "lld/Common/Driver.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/thread.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr llvm::StringLiteral kTriple = "x86_64-unknown-linux-gnu";

//===----------------------------------------------------------------------===//
// LLVM IR
//===----------------------------------------------------------------------===//

std::unique_ptr<llvm::TargetMachine>
m1::codegen::createHostMachine(tile::TargetAttr Target) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  return createMachine({kTriple, Target.getArchitecture(),
                        findTarget(Target)->ExtraFeatures, llvm::Reloc::PIC_});
}

std::unique_ptr<llvm::Module>
m1::codegen::translateHost(ModuleOp Kernels, llvm::LLVMContext &Context,
                           llvm::TargetMachine &Machine) {
  tile::TargetAttr Target = tile::targetOf(Kernels);
  std::unique_ptr<llvm::Module> Translated =
      translate(Kernels, Context, Machine);
  if (!Translated)
    return nullptr;
  for (llvm::Function &F : *Translated) {
    if (F.isDeclaration())
      continue;
    F.addFnAttr("target-cpu", Target.getArchitecture());
    if (Target.getUnit())
      F.addFnAttr("target-features", Machine.getTargetFeatureString());
    F.addFnAttr("prefer-vector-width", std::to_string(Target.getLanes() * 32));
    F.addFnAttr(llvm::Attribute::NoUnwind);
    for (llvm::Argument &Argument : F.args())
      Argument.addAttr(llvm::Attribute::NoAlias);
  }
  optimise(*Translated, Machine);
  return Translated;
}

//===----------------------------------------------------------------------===//
// Calls to libraries
//===----------------------------------------------------------------------===//

/// The function of `Object` whose code has `Offset` in `Section`, or "".
static StringRef functionAt(const llvm::object::ObjectFile &Object,
                            const llvm::object::SectionRef &Section,
                            uint64_t Offset) {
  for (llvm::object::ELFSymbolRef Symbol : Object.symbols()) {
    auto In = Symbol.getSection();
    auto At = Symbol.getAddress();
    auto Name = Symbol.getName();
    const bool IsHere = In && At && Name && *In == Section &&
                        Symbol.getELFType() == llvm::ELF::STT_FUNC &&
                        *At <= Offset && Offset < *At + Symbol.getSize();
    StringRef Found = IsHere ? *Name : StringRef();
    llvm::consumeError(In.takeError());
    llvm::consumeError(At.takeError());
    llvm::consumeError(Name.takeError());
    if (IsHere)
      return Found;
  }
  return "";
}

/// Fails if an object file imports a symbol that the loading process may lack.
static LogicalResult verifyImports(StringRef Bytes, ModuleOp Kernels) {
  auto Object = llvm::object::ObjectFile::createELFObjectFile(
      llvm::MemoryBufferRef(Bytes, "kernels"));
  if (!Object)
    return Kernels.emitError("cannot read the object file of the kernels: ")
           << llvm::toString(Object.takeError());
  for (const llvm::object::SectionRef &Section : (*Object)->sections()) {
    auto Patched = Section.getRelocatedSection();
    if (!Patched) {
      llvm::consumeError(Patched.takeError());
      continue;
    }
    for (const llvm::object::RelocationRef &Relocation :
         Section.relocations()) {
      auto Symbol = Relocation.getSymbol();
      if (Symbol == (*Object)->symbol_end())
        continue;
      auto Flags = Symbol->getFlags();
      auto Name = Symbol->getName();
      const bool IsImport =
          Flags && Name && (*Flags & llvm::object::SymbolRef::SF_Undefined) &&
          !llvm::is_contained({"", "memcpy", "memmove", "memset"}, *Name);
      const std::string Import = IsImport ? Name->str() : "";
      llvm::consumeError(Flags.takeError());
      llvm::consumeError(Name.takeError());
      if (IsImport)
        return emitKernelError(Kernels, functionAt(**Object, **Patched,
                                                   Relocation.getOffset()))
               << "calls the library function '" << Import
               << "'; kernels are linked without libraries";
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The shared object
//===----------------------------------------------------------------------===//

namespace {

/// A descriptor, and the path under which this process can open it.
struct Descriptor {
  int Number = -1;
  ~Descriptor() { close(); }
  void close() {
    if (Number >= 0)
      ::close(Number);
    Number = -1;
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(Number); }
};

} // namespace

/// Writes all of `Bytes`. Returns false with the reason in errno.
static bool writeAll(int To, StringRef Bytes) {
  while (!Bytes.empty()) {
    ssize_t Count = ::write(To, Bytes.data(), Bytes.size());
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count < 0)
      return false;
    Bytes = Bytes.drop_front(Count);
  }
  return true;
}

/// Reads until all writers have closed the pipe.
static std::vector<char> readAll(int From) {
  std::vector<char> Bytes;
  char Part[1 << 16];
  while (true) {
    ssize_t Count = ::read(From, Part, sizeof(Part));
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count <= 0)
      return Bytes;
    Bytes.insert(Bytes.end(), Part, Part + Count);
  }
}

FailureOr<std::vector<char>> m1::codegen::linkHost(llvm::Module &Module,
                                                   llvm::TargetMachine &Machine,
                                                   ModuleOp Kernels) {
  auto Fail = [&](const llvm::Twine &Message) {
    emitError(UnknownLoc::get(Kernels.getContext()))
        << "cannot link the kernels: " << Message;
    return failure();
  };
  auto Code = emit(Module, Machine, llvm::CodeGenFileType::ObjectFile, Kernels);
  if (failed(Code) || failed(verifyImports(*Code, Kernels)))
    return failure();

  // The object is a file in memory, and lld writes the shared object to a pipe:
  // no directory has either, so nothing is left if this process is killed.
  Descriptor Object{::memfd_create("m1c kernels", MFD_CLOEXEC)};
  if (Object.Number < 0 || !writeAll(Object.Number, *Code))
    return Fail("a file in memory: " + llvm::sys::StrError());
  int Ends[2];
  if (::pipe2(Ends, O_CLOEXEC) != 0)
    return Fail("a pipe: " + llvm::sys::StrError());
  Descriptor From{Ends[0]}, To{Ends[1]};
  std::vector<char> Shared;
  llvm::thread Reader([&] { Shared = readAll(From.Number); });

  std::string Messages;
  llvm::raw_string_ostream MessageStream(Messages);
  const std::string Input = Object.path(), Output = To.path();
  const char *Arguments[] = {"ld.lld", "-shared",      "--no-undefined-version",
                             "-z",     "noexecstack",  "--hash-style=gnu",
                             "-o",     Output.c_str(), Input.c_str()};
  lld::Result Result = lld::lldMain(Arguments, MessageStream, MessageStream,
                                    {{lld::Gnu, &lld::elf::link}});
  To.close(); // the last writer: the reader ends
  Reader.join();
  if (Result.retCode != 0)
    return Fail(StringRef(Messages).split('\n').first);
  if (Shared.empty())
    return Fail("lld wrote nothing");
  return Shared;
}
