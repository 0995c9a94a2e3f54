//===- Compile.h - the whole compilation ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_PIPELINES_COMPILE_H
#define M1C_COMPILER_PIPELINES_COMPILE_H

#include "compiler/Codegen/CPU/HostCompiler.h"
#include "compiler/Codegen/CUDA/Assemble.h"
#include "compiler/Codegen/Targets.h"
#include "compiler/Plan/Writer.h"
#include "mlir/Pass/PassManager.h"

namespace m1 {

struct CompileOptions {
  codegen::KnownTarget Target;
  int64_t Tokens = 512;  // most tokens of one call
  int64_t Slots = 8;     // sequences whose state is kept at once
  int64_t Length = 4096; // most tokens of one sequence
};

/// A phase of the compilation and how long it took, for the report.
struct Phase {
  std::string Name;
  double Seconds;
};

/// Compiles a module, one phase after the other; each leaves the module (or the
/// LLVM IR) for anyone who wants to look. Every function fails after a
/// diagnostic.
class Compilation {
public:
  Compilation(mlir::ModuleOp Module, CompileOptions Options)
      : Module(Module), Options(std::move(Options)) {}

  /// m1 to plan and tile, every buffer in its place. Changes the module.
  llvm::LogicalResult toPlan();
  /// The kernels, as a module of their own, in tile.
  mlir::OwningOpRef<mlir::ModuleOp> kernels();
  /// The kernels as code for a thread of a GPU. After toPlan(). Null
  /// after a diagnostic.
  mlir::OwningOpRef<mlir::ModuleOp> toThreads();
  /// The kernels to optimised LLVM IR. After toPlan().
  std::unique_ptr<llvm::Module> toLLVM(llvm::LLVMContext &Context);
  /// The kernels to PTX. After toPlan().
  llvm::FailureOr<std::string> toPtx();
  /// The plan file. After toPlan().
  llvm::FailureOr<std::vector<uint8_t>> toFile();

  const std::vector<Phase> &phases() const { return Phases; }
  /// What the model and its plan cost, for the report. After toPlan().
  const std::vector<PlanFigure> &figures() const { return Figures; }
  /// What ptxas says of each kernel, where there is a ptxas. After toFile() for
  /// a GPU.
  const std::vector<codegen::KernelResources> &resources() const {
    return Resources;
  }
  /// Memory that a kernel wants for its blocks. After toLLVM().
  int64_t scratchBytes(llvm::StringRef Kernel) const {
    return ScratchBytes.lookup(Kernel);
  }

private:
  bool isForGpu() const { return Options.Target.Kind == tile::TargetKind::Gpu; }
  template <typename Callable> auto timed(llvm::StringRef Name, Callable Run);
  llvm::FailureOr<KernelImage> hostImage();
  llvm::FailureOr<KernelImage> gpuImage();

  mlir::ModuleOp Module;
  CompileOptions Options;
  std::vector<Phase> Phases;
  llvm::StringMap<int64_t> ScratchBytes;
  int64_t Threads = 1; // of a cell
  std::vector<codegen::KernelResources> Resources;
  std::vector<PlanFigure> Figures;
};

} // namespace m1

#endif // M1C_COMPILER_PIPELINES_COMPILE_H
