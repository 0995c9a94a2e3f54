//===- Import.h - imports a HuggingFace checkpoint --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_HUGGINGFACE_IMPORT_H
#define M1C_FRONTENDS_HUGGINGFACE_IMPORT_H

#include "frontends/huggingface/Builder.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <functional>

namespace m1::huggingface {

struct ImportOptions {
  ModelOptions Model;
  /// Is told what the user should know of a checkpoint that is imported: one
  /// line.
  std::function<void(llvm::StringRef)> Note;
  /// Is told what the model ignores and where implementations differ: one line
  /// each.
  std::function<void(llvm::StringRef)> Warn;
};

/// Builds the model (see buildModel) from the config.json of `Directory` and
/// the headers of its weights, if there are any. Of the tensors, only those
/// that follow from the configuration are read, to compare them, so that a
/// model of any size takes seconds. Loads the dialects of the module into
/// `Context`.
///
/// An error is one line with the file, the key or tensor, and what was found
/// and expected.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importCheckpoint(llvm::StringRef Directory, const ImportOptions &Options,
                 mlir::MLIRContext *Context);

} // namespace m1::huggingface

#endif // M1C_FRONTENDS_HUGGINGFACE_IMPORT_H
