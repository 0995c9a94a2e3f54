//===- Compile.h - the whole compilation ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_PIPELINES_COMPILE_H
#define M1C_COMPILER_PIPELINES_COMPILE_H

#include "compiler/Codegen/CUDA/Assemble.h"
#include "compiler/Plan/Writer.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace m1 {

struct CompileOptions {
  std::string Target;         // a name in compiler/Codegen/Targets.h
  int64_t Tokens = 512;       // most tokens of one call
  int64_t Slots = 8;          // sequences whose state is kept at once
  int64_t Length = 4096;      // most tokens of one sequence
  int64_t TrainTokens = 4096; // most tokens of one call that computes gradients
  int64_t ActivationMemory = 0; // most bytes of activations; 0: no limit
  /// Bytes that a rank may receive more to save an exchange.
  int64_t GatherBytes = 256 << 10;
  /// Blocks of keys and values where caches are in blocks; 0: as many as all
  /// slots can need.
  int64_t CacheBlocks = 0;
};

/// A phase of the compilation and how long it took, for the report.
struct Phase {
  std::string Name;
  double Seconds;
};

/// The kernels on their way from the LLVM dialect to machine code.
struct KernelCode {
  /// In the LLVM dialect: each kernel's attributes and location.
  mlir::OwningOpRef<mlir::ModuleOp> Lowered;
  std::unique_ptr<llvm::TargetMachine> Machine;
  std::unique_ptr<llvm::LLVMContext> Context;
  std::unique_ptr<llvm::Module> Module; // the same, optimised
};

/// The kernels as a plan holds them.
struct MachineCode {
  KernelImage Image;
  /// Of each kernel; empty for a CPU and on machines without ptxas.
  std::vector<codegen::KernelResources> Resources;
};

/// A plan's bytes, and what the report prints about its kernels.
struct PlanFile {
  std::vector<uint8_t> Bytes;
  llvm::StringMap<KernelLaunch> Kernels;           // by name
  std::vector<codegen::KernelResources> Resources; // as of MachineCode
};

/// Compiles a module, one stage after the other. toModel and toPlan change the
/// module; the stages after them work on copies of its kernels. Every function
/// fails (or returns null) after a diagnostic.
class Compilation {
public:
  Compilation(mlir::ModuleOp Module, CompileOptions Options)
      : Module(Module), Options(std::move(Options)) {}

  /// From m1 to m1.
  llvm::LogicalResult toModel();
  /// From m1 to plan and tile, every buffer with its offset. Returns the
  /// figures of model and plan. After toModel().
  llvm::FailureOr<std::vector<PlanFigure>> toPlan();
  /// The kernels as a module of their own, in tile. After toPlan(), as all
  /// below.
  mlir::OwningOpRef<mlir::ModuleOp> kernels();
  /// The kernels as loops, vectors and scalars: code of one thread.
  mlir::OwningOpRef<mlir::ModuleOp> toLoops();
  /// The kernels as optimised LLVM IR.
  llvm::FailureOr<KernelCode> toLLVM();
  /// The kernels as PTX. The target must be a GPU.
  llvm::FailureOr<std::string> toPtx();
  /// The plan, with the figures that toPlan() returned.
  llvm::FailureOr<PlanFile> toFile(llvm::ArrayRef<PlanFigure> Figures);

  /// The phases so far.
  const std::vector<Phase> &phases() const { return Phases; }

private:
  template <typename Callable> auto timed(llvm::StringRef Name, Callable Run);
  template <typename Callable>
  llvm::LogicalResult run(llvm::StringRef Name, mlir::ModuleOp On,
                          Callable BuildPipeline);
  llvm::LogicalResult schedule(mlir::ModuleOp On, int64_t RecomputeLevel);
  llvm::FailureOr<int64_t> chooseRecomputeLevel();
  llvm::FailureOr<std::string> emitPtx(KernelCode &Code);
  llvm::FailureOr<MachineCode> makeHostCode(KernelCode &Code);
  llvm::FailureOr<MachineCode> makeGpuCode(KernelCode &Code);

  /// What depends on the kind of target.
  struct Backend {
    void (*BuildLoops)(mlir::OpPassManager &);
    std::unique_ptr<llvm::TargetMachine> (*CreateMachine)(tile::TargetAttr);
    std::unique_ptr<llvm::Module> (*Translate)(mlir::ModuleOp,
                                               llvm::LLVMContext &,
                                               llvm::TargetMachine &);
    llvm::FailureOr<MachineCode> (Compilation::*MakeCode)(KernelCode &);
  };
  Backend backend();

  mlir::ModuleOp Module;
  CompileOptions Options;
  std::vector<Phase> Phases;
};

} // namespace m1

#endif // M1C_COMPILER_PIPELINES_COMPILE_H
