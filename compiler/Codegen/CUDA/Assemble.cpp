//===- Assemble.cpp - ptxas on generated PTX ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/Assemble.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"

using namespace mlir;
using namespace m1::codegen;

std::string m1::codegen::findAssembler() {
  if (auto Path = llvm::sys::findProgramByName("ptxas"))
    return *Path;
  const StringRef Toolkit = "/usr/local/cuda/bin";
  if (auto Path = llvm::sys::findProgramByName("ptxas", Toolkit))
    return *Path;
  return "";
}

/// Parses what `ptxas -v` prints per kernel:
///   ptxas info    : Function properties for NAME
///       0 bytes stack frame, 8 bytes spill stores, 8 bytes spill loads
///   ptxas info    : Used 32 registers, used 1 barriers, 400 bytes cmem[0]
static std::vector<KernelResources> parseReport(StringRef Report) {
  std::vector<KernelResources> Kernels;
  auto NumberBefore = [](StringRef Line, StringRef Words) {
    int64_t Number = 0;
    StringRef Before = Line.substr(0, Line.find(Words)).rtrim();
    (void)Before.substr(Before.find_last_of(" ,") + 1).getAsInteger(10, Number);
    return Number;
  };
  for (StringRef Line : llvm::split(Report, '\n')) {
    constexpr llvm::StringLiteral Begin = "Function properties for ";
    if (size_t At = Line.find(Begin); At != StringRef::npos)
      Kernels.push_back({Line.substr(At + Begin.size()).trim().str()});
    else if (Line.contains("bytes spill stores") && !Kernels.empty())
      Kernels.back().SpilledBytes = NumberBefore(Line, "bytes spill stores");
    else if (Line.contains(" registers") && !Kernels.empty())
      Kernels.back().Registers = NumberBefore(Line, "registers");
  }
  return Kernels;
}

llvm::Expected<std::vector<KernelResources>>
m1::codegen::assemble(StringRef Ptx, tile::TargetAttr Target,
                      StringRef Assembler) {
  // Removed at the end, and also by the signals that end a process.
  llvm::SmallString<128> Source, Report;
  llvm::FileRemover RemoveSource, RemoveReport;
  int Descriptor = -1;
  auto Temporary = [&](StringRef Suffix, llvm::SmallString<128> &Path,
                       llvm::FileRemover &Remover, int *Opened) -> llvm::Error {
    std::error_code Code =
        Opened
            ? llvm::sys::fs::createTemporaryFile("m1c", Suffix, *Opened, Path)
            : llvm::sys::fs::createTemporaryFile("m1c", Suffix, Path);
    if (Code)
      return llvm::createStringError(
          "cannot make a temporary file to assemble the kernels in: " +
          Code.message());
    Remover.setFile(Path);
    llvm::sys::RemoveFileOnSignal(Path);
    return llvm::Error::success();
  };
  auto Forget = llvm::make_scope_exit([&] {
    llvm::sys::DontRemoveFileOnSignal(Source);
    llvm::sys::DontRemoveFileOnSignal(Report);
  });
  if (llvm::Error E = Temporary("ptx", Source, RemoveSource, &Descriptor))
    return E;
  llvm::raw_fd_ostream Stream(Descriptor, /*shouldClose=*/true);
  Stream << Ptx;
  Stream.close();
  if (Stream.has_error()) {
    std::string Why = Stream.error().message();
    Stream.clear_error();
    return llvm::createStringError("cannot write " + Source + ": " + Why);
  }
  if (llvm::Error E = Temporary("txt", Report, RemoveReport, nullptr))
    return E;

  std::string Why;
  std::optional<StringRef> Redirects[] = {StringRef(), Report.str(),
                                          Report.str()};
  int Code = llvm::sys::ExecuteAndWait(Assembler,
                                       {Assembler, "-v", "-arch",
                                        Target.getArchitecture(), "-o",
                                        "/dev/null", Source},
                                       std::nullopt, Redirects, 0, 0, &Why);
  auto Text = llvm::MemoryBuffer::getFile(Report);
  StringRef Said = Text ? (*Text)->getBuffer() : StringRef();
  if (Code != 0) {
    // The first error is the one to fix.
    for (StringRef Line : llvm::split(Said, '\n'))
      if (Line.contains("error") || Line.contains("fatal")) {
        Why = Line.trim().str();
        break;
      }
    return llvm::createStringError(Assembler + " refuses the kernels: " + Why);
  }
  return parseReport(Said);
}
