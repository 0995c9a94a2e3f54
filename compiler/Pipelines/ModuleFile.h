//===- ModuleFile.h - reads modules that are not trusted --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's parsers recurse into what is nested, and so do its printer and passes.
// A module whose nesting would exhaust the stack is refused with an error.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_PIPELINES_MODULEFILE_H
#define M1C_COMPILER_PIPELINES_MODULEFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/MemoryBuffer.h"

namespace m1 {

/// The deepest nesting of brackets in the text of a module, and of regions in a
/// module from bytecode. The printed modules of m1c have less than 20.
inline constexpr unsigned kMaxNesting = 200;

/// The longest text of an affine map or set, whose parser recurses also for
/// chains of operators. m1c prints none.
inline constexpr size_t kMaxAffineLength = 20'000;

/// Verifies that the brackets in `Text` are nested at most kMaxNesting deep,
/// outside strings and comments, and that affine maps keep their limit. `Name`
/// is the file of the diagnostic. Bytecode passes.
mlir::LogicalResult verifyNesting(llvm::StringRef Text, llvm::StringRef Name,
                                  mlir::MLIRContext *Context);

/// The longest text or bytecode of a module that is read. A module holds no
/// weights: that of MiniMax-M1, of 80 layers, has less than 1 MB.
inline constexpr uint64_t kMaxModuleBytes = uint64_t(1) << 30;

/// Reads the file of a module, or a pipe that the shell made; "-" is standard
/// input. Into memory, because a mapped file may change. Verifies the nesting
/// of brackets. Returns null after a diagnostic.
std::unique_ptr<llvm::MemoryBuffer> readModuleFile(llvm::StringRef Path,
                                                   mlir::MLIRContext *Context);

/// Reads a module from text or bytecode. Returns null after a diagnostic. Ends
/// the process after one if MLIR's reader crashes on damaged bytecode.
mlir::OwningOpRef<mlir::ModuleOp> readModule(llvm::StringRef Path,
                                             mlir::MLIRContext *Context);

/// Calls `Run` on a thread whose stack is large enough for what these limits
/// allow. Returns what it returns. Call it once, from main: the thread stays.
int runOnLargeStack(llvm::function_ref<int()> Run);

} // namespace m1

#endif // M1C_COMPILER_PIPELINES_MODULEFILE_H
