//===- Writer.h - a plan as a FlatBuffer ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_PLAN_WRITER_H
#define M1C_COMPILER_PLAN_WRITER_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include <cstdint>
#include <string>
#include <vector>

namespace m1 {

/// How to launch a kernel.
struct KernelLaunch {
  int64_t ScratchBytes = 0; // per grid cell
  int64_t Threads = 1;      // per grid cell
};

/// The machine code of a module's kernels and how to launch them.
struct KernelImage {
  std::string Format; // "elf" or "ptx"
  std::string Target;
  std::vector<std::string> Features;
  std::vector<char> Data;
  llvm::StringMap<KernelLaunch> Kernels; // by name
};

/// A number about the plan, for reports.
struct PlanFigure {
  std::string Name;
  double Value;
  std::string Unit;
};

/// The bytes of a plan file. `Module` is as plan-verify leaves it, and every
/// kernel that it launches is in `Image`. `Slots` and `MaxLength` are bounds of
/// a language model's state.
std::vector<uint8_t> writePlan(mlir::ModuleOp Module, const KernelImage &Image,
                               int64_t Slots, int64_t MaxLength,
                               llvm::ArrayRef<PlanFigure> Figures);

} // namespace m1

#endif // M1C_COMPILER_PLAN_WRITER_H
