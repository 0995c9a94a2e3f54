//===- ProgramLowering.h - lowers a function to a program -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The walk over a function, and the interface that the lowerings of ops use.
// The lowerings themselves are next to their kernels, in Kernels/Lower*.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_PROGRAMLOWERING_H
#define M1C_COMPILER_CONVERSION_PROGRAMLOWERING_H

#include "compiler/Conversion/CallerChecks.h"
#include "compiler/Conversion/ModuleBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace m1 {
class ProgramLowering;
} // namespace m1

#include "compiler/Conversion/PlanLowering.h.inc"

namespace m1 {

/// Turns one function of m1 ops into a plan.program.
class ProgramLowering {
public:
  ProgramLowering(ModuleBuilder &Shared, mlir::func::FuncOp Function)
      : Shared(Shared), Checks(Function.getNumArguments()), Function(Function),
        B(Function), Loc(Function.getLoc()) {}

  /// Emits the program before the function, which is not erased. Fails with a
  /// diagnostic.
  llvm::LogicalResult run();

  /// What the programs of the module share.
  ModuleBuilder &Shared;
  /// What kernels rely on about the elements of the function's arguments.
  CallerChecks Checks;

  const Blocking &blocks() const { return Shared.Kernels.Blocks; }

  // --- memory of values ---

  /// The memory of a value that was computed, or of an argument.
  mlir::Value memory(mlir::Value Tensor) const { return Memory.lookup(Tensor); }
  /// Memory for a result with `Rows` rows: the caller's where the function
  /// returns it, otherwise a buffer, which has more rows if an exchange needs
  /// them (Collectives.h).
  mlir::Value allocate(mlir::Value Result, plan::ExprAttr Rows);
  /// Makes `View`, a view of other memory, the memory of `Result`.
  void setMemory(mlir::Value Result, mlir::Value View) {
    Memory[Result] = View;
  }
  /// A buffer for data between an op's launches.
  mlir::Value buffer(mlir::MemRefType Type, plan::ExprAttr Rows = {});
  mlir::Value global(plan::GlobalOp Global);
  /// `Memory` with another shape, as m1::view().
  mlir::Value view(mlir::Value Memory, llvm::ArrayRef<int64_t> Shape,
                   llvm::ArrayRef<int64_t> Strides = {}, int64_t Offset = 0,
                   plan::ExprAttr Rows = {}, plan::ExprAttr Shift = {});
  /// A parameter as the checkpoint stores it; null after a diagnostic.
  mlir::Value raw(mlir::Value Weight, mlir::Operation *User) {
    return Shared.raw(B, Weight, User);
  }
  /// The weight of a product with rows of `X`'s element type, whose sums have
  /// `Leaves` leaves, packed in panels of the target's width (0) or of `Panel`
  /// columns; null after a diagnostic.
  mlir::Value packed(mlir::Value Weight, mlir::Value X, mlir::Operation *User,
                     int64_t Leaves = 1, int64_t Panel = 0);

  /// The transpose of a weight, packed for products with rows of `X`'s element
  /// type in panels of the target's width, at this place of the program; null
  /// after a diagnostic. Ask for it just before the product: its buffer lives
  /// from here to there.
  mlir::Value packedTransposed(mlir::Value Weight, mlir::Value X,
                               mlir::Operation *User);

  // --- states ---

  /// The name of the state whose value is the operand `State` of an op that
  /// updates it; the updated value gets the same name.
  mlir::StringAttr updateState(mlir::OpOperand &State);
  /// The name of the state that has the value `V`.
  mlir::StringAttr stateOf(mlir::Value V) const { return States.lookup(V); }
  void setState(mlir::Value V, mlir::StringAttr Name) { States[V] = Name; }
  /// The memory of a tensor state that the owner of the operand `State`
  /// updates in place.
  mlir::Value updateTensorState(mlir::OpOperand &State);
  /// Makes the contents of a tensor state the value of a parameter.
  void updateParameter(mlir::StringAttr Parameter, mlir::StringAttr State) {
    Shared.updateParameter(B, Parameter, State,
                           global(Shared.tensorState(State)));
  }
  /// Says that launches have given a tensor state its new values part by part.
  void updatedInParts(mlir::StringAttr State,
                      llvm::ArrayRef<UpdatedPart> Parts) {
    Shared.updatedInParts(State, Parts);
  }
  /// The memory of one part of a state, with an index of axis 0 for each slot
  /// or block, as `Division` says (plan::kBySlot, plan::kByBlock).
  mlir::Value statePart(mlir::StringAttr State, llvm::StringRef Part,
                        mlir::MemRefType Type,
                        llvm::StringRef Division = plan::kBySlot);

  // --- sizes ---

  /// The extent of axis 0.
  plan::ExprAttr rows(mlir::Value Tensor) const {
    return plan::rowsOf(memory(Tensor));
  }
  plan::ExprAttr size(int64_t N) const {
    return plan::ExprAttr::constant(B.getContext(), N);
  }
  mlir::Value scalar(plan::ExprAttr Size);
  /// The greatest value that a size may have.
  int64_t most(plan::ExprAttr Size) const {
    return Size.evaluate(Shared.Limits.of(Size.getSymbol()));
  }
  /// The rank's coordinate on an axis of the mesh, times `Step`: of an op with
  /// `shard`, the index of the rank's first element. As the shift of a view, it
  /// makes the rank's part of a vector of all elements.
  plan::ExprAttr coordinate(mlir::StringAttr Axis, int64_t Step = 1) const {
    return plan::ExprAttr::get(plan::MeshAttr::symbolOf(B.getContext(), Axis),
                               Step);
  }
  plan::ExprAttr firstOf(ShardAttr Shard) const {
    return coordinate(Shard.getAxis(), Shard.getStep());
  }
  /// The index of a rank's first element, as a scalar.
  mlir::Value firstElement(ShardAttr Shard);
  /// Grid sizes that cover a tensor: blocks of few rows, blocks of a product's
  /// rows, groups of a product's panels.
  plan::ExprAttr fewRowBlocks(plan::ExprAttr Rows) const {
    return Rows.ceilDiv(blocks().FewRows);
  }
  plan::ExprAttr productBlocks(plan::ExprAttr Rows) const {
    return Rows.ceilDiv(blocks().Rows);
  }
  /// Blocks of `Block` indices, or of fewer, that cover a static extent.
  plan::ExprAttr blocksOf(int64_t Extent, int64_t Block) const {
    return size(llvm::divideCeil(Extent, Block));
  }
  plan::ExprAttr panelGroups(int64_t Panels) const {
    return size(llvm::divideCeil(Panels, blocks().PanelsPerCell));
  }

  // --- steps ---

  /// Marks the output `Result` as drawn tokens (`plan.drawn`): the runtime
  /// reports a NaN or infinite logit that it finds there. Fails with a
  /// diagnostic of `Op` if it is no output.
  llvm::LogicalResult markDrawn(mlir::Operation *Op, mlir::Value Result);

  /// Copies contiguous memory.
  plan::CopyOp copy(mlir::Value From, mlir::Value To) {
    return B.create<plan::CopyOp>(Loc, From, To);
  }
  plan::LaunchOp launch(const KernelDeclaration &Kernel,
                        llvm::ArrayRef<plan::ExprAttr> Grid,
                        llvm::ArrayRef<Named<mlir::Value>> Operands,
                        llvm::ArrayRef<Named<mlir::Attribute>> Constants = {});
  /// Exchanges blocks of `Rows` rows with the other ranks on an axis.
  plan::CollectiveOp exchange(llvm::StringRef Kind, mlir::StringAttr Axis,
                              plan::ExprAttr Rows, mlir::Value From,
                              mlir::Value To) {
    return B.create<plan::CollectiveOp>(Loc, B.getStringAttr(Kind), Axis, Rows,
                                        From, To, plan::ConditionAttr());
  }

  // --- checks ---

  /// `V`, called `Name` in messages, has `Expected` rows.
  llvm::LogicalResult expectRows(mlir::Operation *Op, llvm::StringRef Name,
                                 mlir::Value V, plan::ExprAttr Expected);
  /// All operands have `Expected` rows.
  llvm::LogicalResult expectOperandRows(mlir::Operation *Op,
                                        plan::ExprAttr Expected);
  /// `CuSeqlens` has the offsets of sequences of `T` tokens; their number.
  mlir::FailureOr<plan::ExprAttr>
  expectSequences(mlir::Operation *Op, mlir::Value CuSeqlens, plan::ExprAttr T);
  /// The batch of an attention op on T tokens at positions below `Length`.
  llvm::LogicalResult expectBatch(mlir::Operation *Op, plan::ExprAttr T,
                                  mlir::Value Positions, mlir::Value CuSeqlens,
                                  mlir::Value Slots, int64_t Length);

private:
  llvm::LogicalResult emitSignature();
  llvm::LogicalResult lower(mlir::Operation *Op);
  /// Appends to an error about the rows of `V` a hint to add `m1.dim`, if `V`
  /// is an argument with a dynamic axis 0 and without that attribute.
  void suggestDim(mlir::InFlightDiagnostic &Error, mlir::Value V,
                  plan::ExprAttr Expected);
  llvm::LogicalResult copyResult(mlir::func::ReturnOp Return, unsigned Number,
                                 mlir::Value To);

  mlir::func::FuncOp Function;
  mlir::OpBuilder B;
  mlir::Location Loc;
  plan::ProgramOp Program;
  llvm::DenseMap<mlir::Value, mlir::Value> Memory;
  /// Returned values to the caller's memory.
  llvm::DenseMap<mlir::Value, mlir::Value> Outputs;
  /// State values to the names of their states.
  llvm::DenseMap<mlir::Value, mlir::StringAttr> States;
};

//===----------------------------------------------------------------------===//
// Attaching lowerings
//===----------------------------------------------------------------------===//

namespace detail {
template <auto *Lower> struct Lowering;
template <typename Op, llvm::LogicalResult (*Lower)(Op, ProgramLowering &)>
struct Lowering<Lower> {
  struct Model : PlanLoweringOpInterface::ExternalModel<Model, Op> {
    llvm::LogicalResult lowerToPlan(mlir::Operation *Of,
                                    ProgramLowering &Program) const {
      return Lower(llvm::cast<Op>(Of), Program);
    }
  };
  static void attach(mlir::MLIRContext *Context) {
    Op::template attachInterface<Model>(*Context);
  }
};
} // namespace detail

/// Attaches each function (Op, ProgramLowering &) as the lowering of its op.
template <auto *...Lower> void attachLowerings(mlir::MLIRContext *Context) {
  (detail::Lowering<Lower>::attach(Context), ...);
}

/// m1.load_parameter, m1.read_state and m1.write_state.
void addStateLowerings(mlir::MLIRContext *Context);
void addAttentionGradientLowerings(mlir::MLIRContext *Context);
void addLinearGradientLowerings(mlir::MLIRContext *Context);
void addExpertGradientLowerings(mlir::MLIRContext *Context);
void addRowGradientLowerings(mlir::MLIRContext *Context);
void addPolicyHeadLowerings(mlir::MLIRContext *Context);
void addOptimizerLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_PROGRAMLOWERING_H
