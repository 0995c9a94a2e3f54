//===- Register.h - dialects and passes of the tools ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_COMPILER_PIPELINES_REGISTER_H
#define M1_COMPILER_PIPELINES_REGISTER_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace m1 {

/// Adds every dialect that the compiler's input and intermediate forms use.
void registerDialects(mlir::DialectRegistry &Registry);

/// Makes the compiler's passes, and the general ones that go with them,
/// known by name to `m1-opt`. Called once a process.
void registerPasses();

} // namespace m1

#endif // M1_COMPILER_PIPELINES_REGISTER_H
