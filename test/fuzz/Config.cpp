//===- Config.cpp - fuzzes config.json ------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Target.h"

#include "frontends/huggingface/Config.h"
#include "frontends/huggingface/Import.h"
#include "mlir/IR/MLIRContext.h"

using namespace m1;

/// The input is the config.json of a checkpoint without weights.
bool fuzz::runInput(std::span<const uint8_t> Input) {
  static const Scratch Directory;
  std::string Path = Directory.write("config.json", textOf(Input));
  llvm::Expected<huggingface::Config> C = huggingface::readConfig(Path);
  if (!C) {
    llvm::consumeError(C.takeError());
    return false;
  }
  require(C->layers() > 0 && C->Vocabulary > 0 && C->Hidden > 0 &&
              C->Heads > 0 && C->HeadDim > 0 && C->Experts > 0,
          "the sizes of a configuration are positive");
  // A model of that size takes seconds to build.
  constexpr int64_t MaxExperts = 256;
  if (C->layers() * C->Experts > MaxExperts)
    return true;
  mlir::MLIRContext Context(mlir::MLIRContext::Threading::DISABLED);
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> Module =
      huggingface::importCheckpoint(Directory.path(""), {}, &Context);
  if (!Module) {
    std::string Message = llvm::toString(Module.takeError());
    require(Message.find("a defect of the importer") == std::string::npos,
            "a model that was built is valid");
    return false;
  }
  return true;
}
