//===- Import.h - reads a HuggingFace checkpoint as an m1 module *- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_FRONTENDS_HUGGINGFACE_IMPORT_H
#define M1_FRONTENDS_HUGGINGFACE_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace m1::huggingface {

struct ImportOptions {
  /// Tokens in a chunk of a lightning layer.
  int64_t Chunk = 64;
};

/// Reads the config.json of `Directory` and the headers of its weights (where
/// they are) and builds the model: see buildModel for the functions. Weights
/// are never read, so that a model of any size takes seconds. The dialects that
/// the module needs are loaded into `Context`.
///
/// An error is one line that names the file, the key or tensor, what was found
/// and what was expected.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importCheckpoint(llvm::StringRef Directory, const ImportOptions &Options,
                 mlir::MLIRContext *Context);

} // namespace m1::huggingface

#endif // M1_FRONTENDS_HUGGINGFACE_IMPORT_H
