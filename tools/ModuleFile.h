//===- ModuleFile.h - reads modules -----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_MODULEFILE_H
#define M1C_TOOLS_MODULEFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "runtime/support/File.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

namespace m1 {

/// The longest text or bytecode of a module that is read. A module holds no
/// weights: that of MiniMax-M1, of 80 layers, has less than 1 MB.
inline constexpr uint64_t kMaxModuleBytes = uint64_t(1) << 30;

/// The contents of a module's file, or of a pipe that the shell made; "-" is
/// standard input. In memory, not mapped: the file may change.
inline absl::StatusOr<std::unique_ptr<llvm::MemoryBuffer>>
readModuleFile(const std::string &Path) {
  if (Path != "-" && !llvm::sys::fs::exists(Path))
    return makeError(Path, ": no such file");
  M1_ASSIGN_OR_RETURN(std::string Text, readFileOrPipe(Path, kMaxModuleBytes));
  return llvm::MemoryBuffer::getMemBufferCopy(Text,
                                              Path == "-" ? "<stdin>" : Path);
}

/// Reads and parses a module. An empty error has been reported.
inline absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>>
parseModuleFile(const std::string &Path, mlir::MLIRContext *Context) {
  M1_ASSIGN_OR_RETURN(auto Buffer, readModuleFile(Path));
  llvm::SourceMgr Sources;
  Sources.AddNewSourceBuffer(std::move(Buffer), llvm::SMLoc());
  auto Module = mlir::parseSourceFile<mlir::ModuleOp>(
      Sources, mlir::ParserConfig(Context));
  if (!Module)
    return makeError();
  return Module;
}

} // namespace m1

#endif // M1C_TOOLS_MODULEFILE_H
