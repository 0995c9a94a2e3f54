//===- TileOps.cpp - the kernel dialect's verifiers and syntax ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/IR/Tile.h"

#include "dialects/FunctionSyntax.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace m1::tile;

#include "dialects/Tile/IR/TileDialect.cpp.inc"
#include "dialects/Tile/IR/TileEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Tile/IR/TileAttrs.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Tile/IR/TileOps.cpp.inc"

void TileDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Tile/IR/TileOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Tile/IR/TileAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

ParseResult KernelOp::parse(OpAsmParser &Parser, OperationState &Result) {
  SmallVector<OpAsmParser::Argument> Arguments;
  if (parseFunction<KernelOp>(Parser, Result, Arguments))
    return failure();
  SmallVector<Attribute> Names;
  for (const OpAsmParser::Argument &A : ArrayRef(Arguments).drop_front(
           std::min<size_t>(kGridRank, Arguments.size())))
    Names.push_back(
        Parser.getBuilder().getStringAttr(A.ssaName.name.drop_front()));
  Result.addAttribute(getArgNamesAttrName(Result.name),
                      Parser.getBuilder().getArrayAttr(Names));
  return success();
}

void KernelOp::print(OpAsmPrinter &Printer) {
  printFunction(*this, Printer, getArgNamesAttrName().getValue());
}

void KernelOp::getAsmBlockArgumentNames(Region &Body,
                                        OpAsmSetValueNameFn SetName) {
  const StringRef Position[] = {"cell_x", "cell_y", "cell_z"};
  for (auto [Argument, Name] : llvm::zip(Body.getArguments(), Position))
    SetName(Argument, Name);
  for (auto [Argument, Name] :
       llvm::zip(getParameters(), getArgNames().getAsValueRange<StringAttr>()))
    SetName(Argument, Name);
}

SmallVector<bool> KernelOp::getWritten() {
  return llvm::map_to_vector(getParameters(), [](BlockArgument Memory) {
    return llvm::any_of(Memory.getUsers(), [&](Operation *User) {
      auto Effects = dyn_cast<MemoryEffectOpInterface>(User);
      SmallVector<MemoryEffects::EffectInstance> OnMemory;
      if (Effects)
        Effects.getEffectsOnValue(Memory, OnMemory);
      return llvm::any_of(OnMemory, [](const auto &Effect) {
        return isa<MemoryEffects::Write>(Effect.getEffect());
      });
    });
  });
}

int64_t KernelOp::getThreads() {
  auto Threads = (*this)->getAttrOfType<IntegerAttr>(kThreadsAttr);
  return Threads ? Threads.getInt() : 0;
}

LogicalResult KernelOp::verify() {
  ArrayRef<Type> Inputs = getFunctionType().getInputs();
  if (Inputs.size() < kGridRank ||
      !llvm::all_of(Inputs.take_front(kGridRank),
                    [](Type T) { return T.isIndex(); }))
    return emitOpError("C1: expected three leading index arguments, the "
                       "position in the grid, found ")
           << getFunctionType();
  for (auto [Number, T] : llvm::enumerate(Inputs)) {
    if (T.isIndex())
      continue;
    auto MemRef = dyn_cast<MemRefType>(T);
    int64_t Offset;
    SmallVector<int64_t> Strides;
    if (!MemRef || failed(getStridesAndOffset(MemRef, Strides, Offset)) ||
        llvm::is_contained(Strides, ShapedType::kDynamic) || Offset != 0)
      return emitOpError("C2: expected index or a memref with static strides "
                         "and offset 0 as argument ")
             << Number << ", found " << T;
  }
  if (!getFunctionType().getResults().empty())
    return emitOpError("C3: expected no results, found ")
           << getFunctionType().getResults().size();
  if (getArgNames().size() != Inputs.size() - kGridRank)
    return emitOpError("C4: expected ")
           << Inputs.size() - kGridRank << " argument names, found "
           << getArgNames().size();
  llvm::SmallDenseSet<Attribute> Names;
  for (Attribute Name : getArgNames())
    if (!Names.insert(Name).second)
      return emitOpError("C4: expected different argument names, found ")
             << Name << " twice";
  if (Attribute Threads = (*this)->getAttr(kThreadsAttr)) {
    auto Count = dyn_cast<IntegerAttr>(Threads);
    if (!Count || !Count.getType().isSignlessInteger(32) ||
        Count.getInt() < 32 || Count.getInt() > 1024 ||
        Count.getInt() % 32 != 0)
      return emitOpError("C5: expected a 32-bit multiple of 32 from 32 to "
                         "1024 as ")
             << kThreadsAttr << ", found " << Threads;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// The constraints that loads and stores share.
static LogicalResult verifyAccess(Operation *Op, MemRefType MemRef,
                                  size_t Indices, ArrayRef<int64_t> Dims,
                                  VectorType Block, bool HasCols, bool Pairs) {
  if (Indices != static_cast<size_t>(MemRef.getRank()))
    return Op->emitOpError("C1: expected ")
           << MemRef.getRank() << " indices, found " << Indices;
  if (Dims.size() != static_cast<size_t>(Block.getRank()))
    return Op->emitOpError("C2: expected ")
           << Block.getRank() << " dims, found " << Dims.size();
  for (auto [I, Dim] : llvm::enumerate(Dims))
    if (Dim < 0 || Dim >= MemRef.getRank() || (I && Dims[I - 1] >= Dim))
      return Op->emitOpError("C2: expected ascending axes below ")
             << MemRef.getRank() << " as dims, found " << Dim;
  if (MemRef.getElementType() != Block.getElementType())
    return Op->emitOpError("C3: expected a block of ")
           << MemRef.getElementType() << ", found " << Block;
  if (HasCols && Block.getRank() != 2)
    return Op->emitOpError("C4: expected a block of rank 2 with cols, found ")
           << Block;
  if (Pairs && (Block.getRank() != 2 || Block.getDimSize(0) % 2 != 0))
    return Op->emitOpError("C5: expected a block of rank 2 with an even number "
                           "of rows for pairs, found ")
           << Block;
  if (Pairs &&
      (MemRef.getShape().back() != 2 || Dims.back() == MemRef.getRank() - 1))
    return Op->emitOpError("C5: expected a memref whose last axis has the "
                           "extent 2 and is not in dims for pairs, found ")
           << MemRef;
  return success();
}

LogicalResult LoadOp::verify() {
  return verifyAccess(*this, getMemref().getType(), getIndices().size(),
                      getDims(), cast<VectorType>(getResult().getType()),
                      static_cast<bool>(getCols()), getPairs());
}

LogicalResult StoreOp::verify() {
  return verifyAccess(*this, getMemref().getType(), getIndices().size(),
                      getDims(), cast<VectorType>(getValue().getType()),
                      static_cast<bool>(getCols()), getPairs());
}

static LogicalResult verifyRowAccess(Operation *Op, MemRefType MemRef,
                                     VectorType RowIndex, VectorType Block) {
  if (MemRef.getRank() != 2)
    return Op->emitOpError("C1: expected a memref of rank 2, found ") << MemRef;
  if (RowIndex.getDimSize(0) != Block.getDimSize(0))
    return Op->emitOpError("C2: expected ")
           << Block.getDimSize(0) << " row indices, found "
           << RowIndex.getDimSize(0);
  if (MemRef.getElementType() != Block.getElementType())
    return Op->emitOpError("C3: expected a block of ")
           << MemRef.getElementType() << ", found " << Block;
  return success();
}

LogicalResult GatherOp::verify() {
  return verifyRowAccess(*this, getMemref().getType(), getRowIndex().getType(),
                         cast<VectorType>(getResult().getType()));
}

LogicalResult ScatterOp::verify() {
  return verifyRowAccess(*this, getMemref().getType(), getRowIndex().getType(),
                         cast<VectorType>(getValue().getType()));
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

LogicalResult DotOp::verify() {
  auto A = cast<VectorType>(getA().getType());
  auto B = cast<VectorType>(getB().getType());
  auto Acc = cast<VectorType>(getAcc().getType());
  if (A.getDimSize(1) != B.getDimSize(0) ||
      Acc.getDimSize(0) != A.getDimSize(0) ||
      Acc.getDimSize(1) != B.getDimSize(1))
    return emitOpError("C1: expected [M, K], [K, N] and [M, N], found ")
           << A << ", " << B << " and " << Acc;
  bool Double = A.getElementType().isF64() && B.getElementType().isF64();
  if (!Acc.getElementType().isF32() &&
      !(Double && Acc.getElementType().isF64()))
    return emitOpError("C2: expected an f32 accumulator, or f64 for f64 "
                       "operands, found ")
           << Acc;
  const int64_t Leaves = getLeaves();
  if (Leaves < 1 || A.getDimSize(1) % Leaves != 0)
    return emitOpError("C3: expected a positive number of leaves that divides "
                       "K = ")
           << A.getDimSize(1) << ", found " << Leaves;
  if (Leaves > 1 && !matchPattern(getAcc(), m_PosZeroFloat()))
    return emitOpError("C3: expected an accumulator that is a constant of "
                       "zeros with ")
           << Leaves << " leaves";
  return success();
}

LogicalResult IotaOp::verify() {
  int64_t Rank = cast<VectorType>(getResult().getType()).getRank();
  if (getAxis() >= static_cast<uint64_t>(Rank))
    return emitOpError("C1: expected an axis below ")
           << Rank << ", found " << getAxis();
  return success();
}

LogicalResult BroadcastOp::verify() {
  auto From = cast<VectorType>(getOperand().getType());
  auto To = cast<VectorType>(getResult().getType());
  if (From.getElementType() != To.getElementType())
    return emitOpError("C1: expected one element type, found ")
           << From << " and " << To;
  if (getAxis() > 1 || To.getDimSize(1 - getAxis()) != From.getDimSize(0))
    return emitOpError("C2: expected axis 0 or 1 with the operand's shape on "
                       "the other, found ")
           << From << " along " << getAxis() << " to " << To;
  return success();
}

LogicalResult ScratchOp::verify() {
  if (static_cast<int64_t>(getBytes()) < 1)
    return emitOpError("C1: expected at least one byte, found ")
           << static_cast<int64_t>(getBytes());
  return success();
}
