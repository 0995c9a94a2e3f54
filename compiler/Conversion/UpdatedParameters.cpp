//===- UpdatedParameters.cpp - weights after an update --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A parameter that is trained has master values in a state. What is derived
// from it, its packed copies and its copy row by row, is made anew when it is
// updated. Which copies there are is known when all functions are lowered.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "compiler/Conversion/ModuleBuilder.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static Value reference(OpBuilder &B, plan::GlobalOp Global) {
  return B.create<plan::GlobalRefOp>(Global.getLoc(), Global.getType(),
                                     Global.getSymName());
}

/// The last step of a program before the builder's place; null without one.
static Operation *lastStep(OpBuilder &B) {
  Block::iterator Place = B.getInsertionPoint();
  while (Place != B.getInsertionBlock()->begin())
    if (isa<plan::LaunchOp, plan::CopyOp, plan::CollectiveOp>(*--Place))
      return &*Place;
  return nullptr;
}

void ModuleBuilder::updateParameter(OpBuilder &B, StringAttr Parameter,
                                    StringAttr State, Value Master) {
  Update Of{Master.getDefiningOp(), Parameter, Master, {}};
  auto &[Updated, Parts] = LastParts;
  if (Updated == State && Parts.size() > 1 && lastStep(B) == Parts.back().After)
    Of.Parts = Parts;
  Updates.push_back(Of);
}

void ModuleBuilder::emitUpdates() {
  for (const Update &Each : Updates) {
    Derived &Copies = DerivedFrom[Each.Parameter.getValue()];
    for (const UpdatedPart &Part : Each.Parts)
      derivePart(Each, Copies, Part);
    if (!Each.Parts.empty())
      continue;
    OpBuilder B(Module.getContext());
    B.setInsertionPointAfter(Each.After);
    derive(B, Copies, Each.Master);
  }
}

void ModuleBuilder::derive(OpBuilder &B, Derived &Copies, Value Master) {
  auto Type = cast<MemRefType>(Master.getType());
  ArrayRef<int64_t> Matrix = Type.getShape().take_back(2);
  if (Copies.Rows)
    convert(B, Copies.Rows.getLoc(), Master, reference(B, Copies.Rows));
  for (const PackedCopy &Copy : Copies.Packed) {
    const int64_t Count = Type.getRank() == 3 ? Type.getDimSize(0) : int64_t(1);
    pack(B, Copy, Count, [&](size_t Number) {
      return m1::view(B, Copy.Global.getLoc(), Master, Matrix, {},
                      Number * Matrix[0] * Matrix[1]);
    });
  }
}

void ModuleBuilder::derivePart(const Update &Of, Derived &Copies,
                               const UpdatedPart &Part) {
  OpBuilder B(Module.getContext());
  B.setInsertionPointAfter(Part.After);
  auto Type = cast<MemRefType>(Of.Master.getType());
  const int64_t N = Type.getDimSize(Type.getRank() - 2);
  const int64_t K = Type.getShape().back();
  // Rows are numbered through all matrices.
  const int64_t Begin = Part.First / K, End = Begin + Part.Count / K;
  auto RowsOf = [&](Value Memory, int64_t First, int64_t Count) {
    return m1::view(B, Of.Master.getLoc(), Memory, {Count, K}, {}, First * K);
  };
  // The reference of the update comes later.
  Value Master = B.clone(*Of.Master.getDefiningOp())->getResult(0);
  if (Copies.Rows)
    convert(B, Copies.Rows.getLoc(), RowsOf(Master, Begin, End - Begin),
            RowsOf(reference(B, Copies.Rows), Begin, End - Begin));
  for (const PackedCopy &Copy : Copies.Packed)
    for (int64_t Matrix = Begin / N; Matrix * N < End; ++Matrix) {
      int64_t First = std::max(Begin - Matrix * N, int64_t(0));
      const int64_t Last = std::min(End - Matrix * N, N);
      Value Packed = reference(B, Copy.Global);
      auto All = cast<MemRefType>(Packed.getType());
      const PackedLayout Whole(All.getShape().drop_front(Copy.Stacked ? 1 : 0));
      if (First % Whole.Panel != 0 || (Last % Whole.Panel != 0 && Last < N)) {
        if (Last < N)
          continue; // not whole panels: with the last rows of the matrix
        First = 0;
      }
      const PackedLayout Layout(Last - First, K, Whole.Panel, Whole.Pairs);
      const int64_t Panel = Matrix * Whole.Panels + First / Whole.Panel;
      Value To = m1::view(B, Copy.Global.getLoc(), Packed, Layout.shape(), {},
                          Panel * K * Whole.Panel);
      launch(B, Copy.Global.getLoc(), packKernel(),
             {ExprAttr::constant(B.getContext(), Layout.Panels)},
             {{"source", RowsOf(Master, Matrix * N + First, Last - First)},
              {"packed", To}});
    }
}
