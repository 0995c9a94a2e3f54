//===- Targets.h - the targets that code is generated for -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_TARGETS_H
#define M1C_COMPILER_CODEGEN_TARGETS_H

#include "dialects/Tile/IR/Tile.h"
#include <string>
#include <vector>

namespace m1::codegen {

enum class MatrixUnit { None, Amx, Avx512Bf16, Mma };

/// A target with a name; everything after the name becomes its #tile.target.
struct KnownTarget {
  std::string Name; // "x86-64-v4+amx", "sm_80"
  tile::TargetKind Kind;
  std::string Architecture; // LLVM's name of the processor
  int64_t Lanes, Registers, Shared;
  MatrixUnit Unit;
  /// CPU features that generated code may use. A plan lists them.
  std::vector<std::string> Features;
  /// LLVM features beyond those of the architecture, as "+amx-tile,+amx-bf16".
  std::string ExtraFeatures;

  tile::TargetAttr attribute(mlir::MLIRContext *Context) const;
};

/// All known targets: CPUs, from the best to the least, then GPUs.
llvm::ArrayRef<KnownTarget> knownTargets();

/// The target of this name; null if there is none.
const KnownTarget *findTarget(llvm::StringRef Name);

/// The target that has this attribute; null if there is none.
const KnownTarget *findTarget(tile::TargetAttr Attribute);

/// The best CPU target whose features this machine has; null on a machine
/// without AVX2, FMA and F16C.
const KnownTarget *findNativeTarget();

/// The names of all targets of a kind, for error messages.
std::vector<std::string> targetNames(tile::TargetKind Kind);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_TARGETS_H
