//===- Products.cpp - linear layers ---------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Kernels.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using llvm::formatv;

//===----------------------------------------------------------------------===//
// Packed weights
//===----------------------------------------------------------------------===//

PackedLayout::PackedLayout(int64_t N, int64_t K, int64_t Panel, bool Pairs)
    : Panels(llvm::divideCeil(N, Panel)), K(K), Panel(Panel), Pairs(Pairs) {}

PackedLayout::PackedLayout(ArrayRef<int64_t> Shape)
    : Panels(Shape[0]), K(Shape[1]), Panel(Shape[2]), Pairs(Shape.size() == 4) {
  if (Pairs)
    K *= 2;
}

SmallVector<int64_t> PackedLayout::shape() const {
  if (Pairs)
    return {Panels, K / 2, Panel, 2};
  return {Panels, K, Panel};
}

bool m1::usesPairs(const Blocking &Blocks, Type X, Type W, int64_t K) {
  return Blocks.Pairs && X.isBF16() && W.isBF16() &&
         K % Blocking::PairedRows == 0;
}

/// The axes of a packed weight's rows and columns after `Leading` others.
static SmallVector<int64_t> panelDims(int64_t Leading) {
  return {Leading, Leading + 1};
}

Value m1::loadPanel(KernelBody &B, Value W, ValueRange Where) {
  auto Type = cast<MemRefType>(W.getType());
  const int64_t Leading = Where.size();
  PackedLayout Layout(Type.getShape().drop_front(Leading - 1));
  SmallVector<Value> Indices(Where);
  Indices.resize(Type.getRank(), B.index(0));
  return B.create<tile::LoadOp>(
      B.block({Layout.K, Layout.Panel}, Type.getElementType()), W, Indices,
      Value(), Value(), panelDims(Leading), Layout.Pairs);
}

tile::KernelOp m1::packKernel(KernelCache &Cache, MemRefType Source,
                              Type Element, const PackedLayout &To) {
  int64_t N = Source.getDimSize(0), K = Source.getDimSize(1);
  const int64_t Panel = To.Panel;
  Type Stored = Source.getElementType();
  std::string Types = nameOf(Stored);
  if (Stored != Element)
    Types += "_" + nameOf(Element);
  std::string Key =
      formatv("pack_{0}x{1}_{2}_panel{3}{4}{5}", N, K, Types, Panel,
              To.Pairs ? "_pairs" : "", layoutName(Source));
  return Cache.get(
      Key, {Source, memoryType(To.shape(), Element)}, [&](KernelBody &B) {
        Value First = B.times(B.X, Panel);
        Value Zero = B.index(0);
        Value Rows;
        if (N % Panel != 0)
          Rows = B.smaller(B.index(Panel), B.minus(B.index(N), First));
        Value W = B.load(B.Args[0], {First, Zero}, {0, 1}, {Panel, K}, Rows);
        SmallVector<Value> Where(To.shape().size(), Zero);
        Where[0] = B.X;
        B.create<tile::StoreOp>(B.rounded(B.transposed(W), Element), B.Args[1],
                                Where, Value(), Value(), panelDims(1),
                                To.Pairs);
      });
}

//===----------------------------------------------------------------------===//
// Elementwise steps
//===----------------------------------------------------------------------===//

bool m1::isColumn(Operation *Op, unsigned Number) {
  return isa<SharedMixOp>(Op) && Number == 2;
}

std::string m1::nameOf(Operation *Op) {
  std::string Name = Op->getName().stripDialect().str();
  if (auto Residual = dyn_cast<ResidualOp>(Op))
    Name += "_" + nameOf(Residual.getAlpha().convertToDouble()) + "_" +
            nameOf(Residual.getBeta().convertToDouble());
  for (Type T : Op->getOperandTypes())
    Name += "_" + nameOf(getElementTypeOrSelf(T));
  return Name + "_" + nameOf(getElementTypeOrSelf(Op->getResult(0).getType()));
}

Value m1::emitElementwise(KernelBody &B, Operation *Op, ValueRange In) {
  Value Result =
      llvm::TypeSwitch<Operation *, Value>(Op)
          .Case([&](CastOp) { return In[0]; })
          .Case([&](SiluOp) { return B.silu(In[0]); })
          .Case([&](SigmoidGateOp) { return B.mulF(In[0], B.sigmoid(In[1])); })
          .Case([&](SiluMulOp) { return B.mulF(B.silu(In[0]), In[1]); })
          .Case([&](ResidualOp Mix) {
            Value Alpha = B.splat(Mix.getAlpha().convertToDouble(), In[0]);
            Value Beta = B.splat(Mix.getBeta().convertToDouble(), In[0]);
            return B.addF(B.mulF(In[0], Alpha), B.mulF(In[1], Beta));
          })
          .Case([&](SharedMixOp) {
            Value C = B.sigmoid(In[2]);
            Value Rest = B.subF(B.splat(1, C), C);
            return B.addF(B.mulF(In[0], Rest), B.mulF(In[1], C));
          })
          .Default([](Operation *) { return Value(); });
  Type Element = getElementTypeOrSelf(Op->getResult(0).getType());
  return B.widened(B.rounded(Result, Element));
}

//===----------------------------------------------------------------------===//
// Linear layers
//===----------------------------------------------------------------------===//

tile::KernelOp m1::linearKernel(KernelCache &Cache, MemRefType X, MemRefType W,
                                int64_t N, ArrayRef<ElementwiseStep> Steps,
                                Type Result) {
  const Blocking &Blocks = Cache.Blocks;
  const int64_t K = X.getDimSize(1);
  const PackedLayout Packed(W.getShape());
  const int64_t Panels = Packed.Panels, Panel = Packed.Panel;
  std::string Key =
      formatv("linear_{0}x{1}_{2}_{3}_{4}", K, N, nameOf(X.getElementType()),
              nameOf(W.getElementType()), nameOf(Result));
  SmallVector<Type> Arguments{X, W};
  for (const ElementwiseStep &Step : Steps) {
    Key += "_" + nameOf(Step.Op) + "_" + std::to_string(Step.Chained);
    for (auto [Number, Operand] : llvm::enumerate(Step.Op->getOperands()))
      if (Number != Step.Chained)
        Arguments.push_back(memoryType(
            {ShapedType::kDynamic, isColumn(Step.Op, Number) ? 1 : N},
            getElementTypeOrSelf(Operand.getType())));
  }
  Arguments.push_back(memoryType({ShapedType::kDynamic, N}, Result));
  Arguments.push_back(IndexType::get(Cache.context()));

  return Cache.get(Key, Arguments, [&](KernelBody &B) {
    const int64_t M = Blocks.Rows;
    const bool Double =
        X.getElementType().isF64() && W.getElementType().isF64();
    Type Sum = Double ? B.getF64Type() : B.getF32Type();
    Value Zero = B.index(0);
    Value First = B.times(B.X, M);
    Value Rows = B.smaller(B.index(M), B.minus(B.Args.back(), First));
    Value Xs = B.load(B.Args[0], {First, Zero}, {0, 1}, {M, K}, Rows);

    Value From = B.times(B.Y, Blocks.PanelsPerCell);
    Value To =
        B.smaller(B.plus(From, B.index(Blocks.PanelsPerCell)), B.index(Panels));
    B.loop(From, To, [&](Value J) {
      Value Column = B.times(J, Panel);
      Value Columns;
      if (N % Panel != 0)
        Columns = B.smaller(B.index(Panel), B.minus(B.index(N), Column));
      Value Y = B.dot(Xs, loadPanel(B, B.Args[1], J), B.zeros({M, Panel}, Sum));
      if (!Steps.empty())
        Y = B.widened(Y);

      unsigned Next = 2;
      for (const ElementwiseStep &Step : Steps) {
        SmallVector<Value> Operands;
        for (unsigned I = 0; I < Step.Op->getNumOperands(); ++I) {
          if (I == Step.Chained) {
            Operands.push_back(Y);
          } else if (isColumn(Step.Op, I)) {
            Value One = B.load(B.Args[Next++], {First, Zero}, {0}, {M}, Rows);
            Operands.push_back(B.along(B.widened(One), 1, Panel));
          } else {
            Operands.push_back(
                B.widened(B.load(B.Args[Next++], {First, Column}, {0, 1},
                                 {M, Panel}, Rows, Columns)));
          }
        }
        Y = emitElementwise(B, Step.Op, Operands);
      }
      B.store(Y, B.Args[Next], {First, Column}, {0, 1}, Rows, Columns);
    });
  });
}
