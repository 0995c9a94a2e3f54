//===- Register.h - dialects and passes of the tools ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_PIPELINES_REGISTER_H
#define M1C_COMPILER_PIPELINES_REGISTER_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace m1 {

/// Adds every dialect of the compiler's input and intermediate forms.
void registerDialects(mlir::DialectRegistry &Registry);

/// Registers the compiler's passes, and upstream's that it uses, by name. Call
/// once per process.
void registerPasses();

} // namespace m1

#endif // M1C_COMPILER_PIPELINES_REGISTER_H
