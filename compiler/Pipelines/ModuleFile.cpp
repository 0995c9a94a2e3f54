//===- ModuleFile.cpp - reads modules that are not trusted ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/ModuleFile.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "runtime/support/File.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/thread.h"
#include <cstdlib>
#include <semaphore>
#include <unistd.h>

using namespace mlir;
using namespace m1;

/// Only the pages that are used take memory.
static constexpr unsigned kStackBytes = 64u << 20;

//===----------------------------------------------------------------------===//
// Nesting
//===----------------------------------------------------------------------===//

static bool isBytecodeText(StringRef Text) {
  return isBytecode(llvm::MemoryBufferRef(Text, ""));
}

/// The offset after the string or comment at `At`, or `At` if there is none.
static size_t skipUnnested(StringRef Text, size_t At) {
  if (Text.substr(At).starts_with("//"))
    return std::min(Text.find('\n', At), Text.size());
  if (Text[At] != '"')
    return At;
  for (++At; At < Text.size() && Text[At] != '"'; ++At)
    if (Text[At] == '\n') // an error of the parser
      return At;
    else if (Text[At] == '\\')
      ++At;
  return std::min(At + 1, Text.size());
}

LogicalResult m1::verifyNesting(StringRef Text, StringRef Name,
                                MLIRContext *Context) {
  if (isBytecodeText(Text))
    return success();
  auto ErrorAt = [&](size_t At) {
    StringRef Before = Text.take_front(At);
    return emitError(FileLineColLoc::get(Context, Name, Before.count('\n') + 1,
                                         At - (Before.rfind('\n') + 1) + 1));
  };
  unsigned Depth = 0;
  size_t AffineBegin = 0;   // of the affine map around `At`
  unsigned AffineDepth = 0; // of what is in it; 0 outside one
  for (size_t At = 0; At < Text.size(); ++At) {
    if (AffineDepth && At - AffineBegin > kMaxAffineLength)
      return ErrorAt(AffineBegin)
             << "expected an affine map or set of at most " << kMaxAffineLength
             << " characters, found more";
    if (size_t After = skipUnnested(Text, At); After != At) {
      At = After - 1;
      continue;
    }
    const char C = Text[At];
    if (C == '(' || C == '[' || C == '{' || C == '<') {
      if (++Depth > kMaxNesting)
        return ErrorAt(At) << "expected brackets nested at most " << kMaxNesting
                           << " deep, found more";
      StringRef Before = Text.take_front(At).rtrim();
      if (!AffineDepth &&
          (Before.ends_with("affine_map") || Before.ends_with("affine_set"))) {
        AffineBegin = At;
        AffineDepth = Depth;
      }
      continue;
    }
    // `->` and `>=` are no brackets.
    const bool Closes = C == ')' || C == ']' || C == '}' ||
                        (C == '>' && (At == 0 || Text[At - 1] != '-') &&
                         !Text.substr(At + 1).starts_with("="));
    if (!Closes || Depth == 0)
      continue;
    if (Depth == AffineDepth)
      AffineDepth = 0;
    --Depth;
  }
  return success();
}

/// Verifies how deep regions are nested in what was read.
static LogicalResult verifyRegions(ModuleOp Module) {
  SmallVector<std::pair<Operation *, unsigned>> Work{{Module, 0}};
  while (!Work.empty()) {
    auto [Op, Depth] = Work.pop_back_val();
    if (Depth > kMaxNesting)
      return Op->emitOpError("expected regions nested at most ")
             << kMaxNesting << " deep, found more";
    for (Region &R : Op->getRegions())
      for (Block &B : R)
        for (Operation &Inner : B)
          Work.push_back({&Inner, Depth + 1});
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

std::unique_ptr<llvm::MemoryBuffer> m1::readModuleFile(StringRef Path,
                                                       MLIRContext *Context) {
  auto Text = readFileOrPipe(Path.str(), kMaxModuleBytes);
  if (!Text.ok()) {
    emitError(UnknownLoc::get(Context)) << std::string(Text.status().message());
    return nullptr;
  }
  StringRef Name = Path == "-" ? "<stdin>" : Path;
  if (failed(verifyNesting(*Text, Name, Context)))
    return nullptr;
  return llvm::MemoryBuffer::getMemBufferCopy(*Text, Name);
}

OwningOpRef<ModuleOp> m1::readModule(StringRef Path, MLIRContext *Context) {
  std::unique_ptr<llvm::MemoryBuffer> Buffer = readModuleFile(Path, Context);
  if (!Buffer)
    return nullptr;
  const bool FromBytecode = isBytecodeText(Buffer->getBuffer());
  auto Sources = std::make_shared<llvm::SourceMgr>();
  Sources->AddNewSourceBuffer(std::move(Buffer), llvm::SMLoc());
  OwningOpRef<ModuleOp> Module;
  auto Parse = [&] {
    Module = parseSourceFile<ModuleOp>(Sources, ParserConfig(Context));
  };
  if (!FromBytecode) {
    Parse();
    return Module;
  }
  // MLIR's reader of bytecode trusts its input in places.
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext Recovery;
  const bool Finished = Recovery.RunSafely(Parse);
  llvm::CrashRecoveryContext::Disable();
  if (!Finished) {
    emitError(FileLineColLoc::get(Context, Path, 0, 0))
        << "damaged bytecode: MLIR's reader crashed on it";
    std::_Exit(1); // the context may be in any state
  }
  if (!Module || failed(verifyRegions(*Module)))
    return nullptr;
  return Module;
}

int m1::runOnLargeStack(llvm::function_ref<int()> Run) {
  static std::binary_semaphore Finished(0);
  static int Result;
  llvm::thread Thread(std::optional<unsigned>(kStackBytes), [&] {
    Result = Run();
    Finished.release();
    // The thread lasts as long as the process. At its end the C library would
    // check its heap, which MLIR's parser damages in some of its errors: it
    // deletes values that are still in use.
    while (true)
      ::pause();
  });
  Thread.detach();
  Finished.acquire();
  return Result;
}
