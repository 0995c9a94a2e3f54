//===- ModuleBuilder.h - what the programs of a module share ----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_MODULEBUILDER_H
#define M1C_COMPILER_CONVERSION_MODULEBUILDER_H

#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "dialects/M1/IR/M1.h"
#include "dialects/Plan/IR/Plan.h"

namespace m1 {

/// Bounds that a plan is compiled for.
struct Bounds {
  int64_t Tokens, Slots, Length, TrainTokens;
  /// Bytes that each rank may receive more to save an exchange.
  int64_t GatherBytes;
  /// Blocks of caches that are in blocks; 0: as many as all slots can need.
  int64_t CacheBlocks;
  /// The greatest value of a symbol: B and R are bounded by the slots, N by the
  /// tokens of a call that computes gradients, every other symbol by the tokens
  /// of any other call.
  int64_t of(llvm::StringRef Symbol) const {
    if (Symbol == kTrainTokensSymbol)
      return TrainTokens;
    return Symbol == "B" || Symbol == kRulesSymbol ? Slots : Tokens;
  }
};

/// Elements of a tensor state that have their new values after a launch.
struct UpdatedPart {
  mlir::Operation *After;
  int64_t First, Count;
};

/// What the programs of a module share: kernels, parameters of the checkpoint,
/// packed weights, states, and the program `init` that packs the weights.
class ModuleBuilder {
public:
  ModuleBuilder(mlir::ModuleOp Module, Bounds Limits, Blocking Blocks);

  const Bounds Limits;
  KernelCache Kernels;

  /// The weight of a product with rows of element type `X`, whose sums have
  /// `Leaves` leaves, in panels (PackedLayout), as a global; with a leading
  /// axis for experts if the parameter has one. Null after a diagnostic at
  /// `User` if the value is no parameter.
  plan::GlobalOp packed(mlir::Value Weight, mlir::Type X, int64_t Panel,
                        int64_t Leaves, mlir::Operation *User);
  /// Packs the transpose of each matrix of a parameter, for products with rows
  /// of element type `X`, in panels of `Panel` columns, at this place of a
  /// program, in a buffer. Only the backward pass
  /// needs transposes, one at a time: no copy is kept. Null after a diagnostic
  /// at `User`.
  mlir::Value packedTransposed(mlir::OpBuilder &B, mlir::Value Weight,
                               mlir::Type X, int64_t Panel,
                               mlir::Operation *User);
  /// A parameter row by row: as the checkpoint stores it, or the copy that is
  /// kept of one that is updated. Null after a diagnostic at `User`.
  mlir::Value raw(mlir::OpBuilder &B, mlir::Value Weight,
                  mlir::Operation *User);
  /// Memory that outlives calls, zero-initialised; one for each `Name`.
  /// `Division`, if not empty, is what its axis 0 is about (plan.global).
  plan::GlobalOp state(llvm::StringRef Name, mlir::MemRefType Type,
                       llvm::StringRef Division = {});
  /// The memory of a tensor state; `init` sets it if it begins as a parameter.
  plan::GlobalOp tensorState(mlir::StringAttr Name);
  /// Makes the contents of `Master` [shape of the parameter], f32, the value of
  /// `Parameter` at this place of a program: everything that is derived from
  /// the parameter is made anew. Emitted by `finish`.
  void updateParameter(mlir::OpBuilder &B, mlir::StringAttr Parameter,
                       mlir::StringAttr State, mlir::Value Master);
  /// Says that a tensor state of rank 2 or 3 has its new values part by part,
  /// each after a launch: whole matrices, or rows of one. If updateParameter
  /// follows at once, what is derived from a part is made right after it, while
  /// the part is in a cache.
  void updatedInParts(mlir::StringAttr State,
                      llvm::ArrayRef<UpdatedPart> Parts) {
    LastParts = {State, llvm::to_vector(Parts)};
  }
  /// Describes the states of a parameter, number `Group` of those that are
  /// trained, to callers (plan.trained).
  void declareTrained(TrainedOp Trained, int64_t Group);
  /// A constant vector, rounded to f32. Equal vectors are one constant.
  plan::GlobalOp constant(llvm::ArrayRef<double> Values);

  /// Emits the launch of a kernel, which is created if it does not exist yet.
  /// `Grid` may leave out sizes of 1 at its end.
  plan::LaunchOp launch(mlir::OpBuilder &B, mlir::Location Loc,
                        const KernelDeclaration &Kernel,
                        llvm::ArrayRef<plan::ExprAttr> Grid,
                        llvm::ArrayRef<Named<mlir::Value>> Operands,
                        llvm::ArrayRef<Named<mlir::Attribute>> Constants = {});

  /// Ends the program `init`; removes it if it has no steps.
  void finish();

private:
  /// A part of a tensor of the checkpoint.
  struct Piece {
    mlir::StringAttr Tensor;
    mlir::ArrayAttr Slices;     // of the tensor, that the rank has; may be null
    mlir::StringAttr NamesAxis; // the tensor depends on the rank's coordinate
    mlir::ArrayAttr Names;      // there, as plan.parameter; null: it does not
    mlir::MemRefType Stored;    // the whole tensor, or the rank's slices
    int64_t Offset;             // elements
    mlir::MemRefType Type;      // the part
  };
  ParameterOp parameterOf(mlir::Value Weight, mlir::Operation *User);
  /// The parts of the checkpoint's tensors that make up a parameter, in the
  /// order of its sources; with slices, those that the rank has.
  llvm::SmallVector<Piece> piecesOf(ParameterOp Parameter);
  /// A parameter in panels.
  struct PackedCopy {
    mutable plan::GlobalOp Global; // generated accessors are not const
    bool Stacked;                  ///< has an axis of experts
  };
  /// A parameter packed as `Layout` says and called `Name`.
  plan::GlobalOp pack(ParameterOp Parameter, const PackedLayout &Layout,
                      llvm::StringRef Name);
  /// The memory of a piece.
  mlir::Value locate(mlir::OpBuilder &B, mlir::Location Loc, const Piece &P);
  /// Packs the `Count` matrices of a parameter, of which `MatrixAt` returns the
  /// memory.
  void pack(mlir::OpBuilder &B, const PackedCopy &Copy, size_t Count,
            llvm::function_ref<mlir::Value(size_t)> MatrixAt);
  /// The pieces of a parameter matrix by matrix.
  llvm::SmallVector<Piece> matricesOf(ParameterOp Parameter);
  /// Emits in `init` the copy of a parameter to memory of its shape.
  void copyParameter(ParameterOp Parameter, mlir::Value To);
  /// Emits a copy that converts between element types. `To` is contiguous.
  void convert(mlir::OpBuilder &B, mlir::Location Loc, mlir::Value From,
               mlir::Value To);
  bool isUpdated(ParameterOp Parameter) const {
    return Masters.contains(Parameter.getSymName());
  }

  mlir::ModuleOp Module;
  mlir::SymbolTable Symbols;
  mlir::OpBuilder Top, Init;
  /// What is made of one parameter, for updates.
  struct Derived {
    llvm::SmallVector<PackedCopy> Packed;
    plan::GlobalOp Rows;
  };
  struct Update {
    mlir::Operation *After; ///< where its launches go
    mlir::StringAttr Parameter;
    mlir::Value Master;                   ///< a reference to the state
    llvm::SmallVector<UpdatedPart> Parts; ///< empty: all of it, there
  };
  /// Emits what the updates of parameters need.
  void emitUpdates();
  /// Makes anew what is derived from a parameter, from its master values.
  void derive(mlir::OpBuilder &B, Derived &Copies, mlir::Value Master);
  /// The same for a part of them.
  void derivePart(const Update &Of, Derived &Copies, const UpdatedPart &Part);

  llvm::StringMap<plan::GlobalOp> Globals;
  llvm::StringMap<Derived> DerivedFrom; ///< by parameter
  /// The state that a parameter that is updated gets its values from.
  llvm::StringMap<mlir::StringAttr> Masters;
  llvm::SmallVector<Update> Updates;
  std::pair<mlir::StringAttr, llvm::SmallVector<UpdatedPart>> LastParts;
  llvm::DenseMap<mlir::Attribute, plan::GlobalOp> Constants; // by value
  plan::ProgramOp InitProgram;
};

/// `Memory` from an element offset on with another shape, and with strides
/// (empty: contiguous).
mlir::Value view(mlir::OpBuilder &B, mlir::Location Loc, mlir::Value Memory,
                 llvm::ArrayRef<int64_t> Shape,
                 llvm::ArrayRef<int64_t> Strides = {}, int64_t Offset = 0,
                 plan::ExprAttr Rows = {}, plan::ExprAttr Shift = {});

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_MODULEBUILDER_H
