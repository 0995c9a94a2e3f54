//===- ModuleBuilder.cpp - what the programs of a module share ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/ModuleBuilder.h"

#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "runtime/schema/InitFunction.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

Value m1::view(OpBuilder &B, Location Loc, Value Memory,
               ArrayRef<int64_t> Shape, ArrayRef<int64_t> Strides,
               int64_t Offset, ExprAttr Rows) {
  auto Source = cast<MemRefType>(Memory.getType());
  MemRefLayoutAttrInterface Layout;
  if (!Strides.empty())
    Layout = StridedLayoutAttr::get(B.getContext(), 0, Strides);
  auto Type = MemRefType::get(Shape, Source.getElementType(), Layout);
  if (Type == Source && Offset == 0)
    return Memory;
  return B.create<plan::ViewOp>(Loc, Type, Memory, Offset, Rows);
}

void ModuleBuilder::launch(OpBuilder &B, Location Loc,
                           const KernelDeclaration &Declaration,
                           ArrayRef<ExprAttr> Grid,
                           ArrayRef<Named<Value>> Operands,
                           ArrayRef<Named<Attribute>> Constants) {
  auto Types = llvm::map_to_vector(Operands, [](const Named<Value> &Operand) {
    return Named<Type>{Operand.Name, Operand.Value.getType()};
  });
  tile::KernelOp Kernel = Kernels.get(Declaration, Types, Constants);
  SmallVector<Value> Ordered;
  for (StringRef Name : Kernel.getArgNames().getAsValueRange<StringAttr>())
    Ordered.push_back(llvm::find_if(Operands, [&](const auto &O) {
                        return O.Name == Name;
                      })->Value);
  SmallVector<Attribute> Sizes(Grid.begin(), Grid.end());
  Sizes.resize(tile::KernelOp::kGridRank,
               ExprAttr::constant(B.getContext(), 1));
  B.create<plan::LaunchOp>(Loc, FlatSymbolRefAttr::get(Kernel),
                           B.getArrayAttr(Sizes), Ordered, Kernel.getArgNames(),
                           B.getDenseBoolArrayAttr(Kernel.getWritten()));
}

ModuleBuilder::ModuleBuilder(ModuleOp Module, Bounds Limits, Blocking Blocks)
    : Limits(Limits), Kernels(Module, Blocks), Module(Module), Symbols(Module),
      Top(Module.getContext()), Init(Module.getContext()) {
  Top.setInsertionPointToStart(Module.getBody());
  InitProgram = Top.create<plan::ProgramOp>(
      Module.getLoc(), Top.getStringAttr(plan::kInitFunction),
      TypeAttr::get(Top.getFunctionType({}, {})), ArrayAttr(), ArrayAttr());
  InitProgram.getBody().push_back(new Block());
  Init.setInsertionPointToStart(&InitProgram.getBody().front());
  Top.setInsertionPoint(InitProgram);
}

void ModuleBuilder::finish() {
  if (Init.getInsertionBlock()->empty())
    return InitProgram.erase();
  Init.create<plan::ReturnOp>(Module.getLoc());
}

ParameterOp ModuleBuilder::parameterOf(Value Weight, Operation *User) {
  auto Load = Weight.getDefiningOp<LoadParameterOp>();
  if (!Load) {
    User->emitOpError("expected a parameter (m1.load_parameter) as weight, "
                      "found another value");
    return {};
  }
  return Symbols.lookup<ParameterOp>(Load.getParameter());
}

SmallVector<ModuleBuilder::Piece>
ModuleBuilder::piecesOf(ParameterOp Parameter) {
  auto Type = cast<RankedTensorType>(Parameter.getType());
  ArrayRef<Attribute> Sources = Parameter.getSources().getValue();
  ArrayRef<int64_t> Shape = Type.getShape();
  if (Parameter.isStacked())
    Shape = Shape.drop_front();
  SmallVector<Piece> Pieces;
  for (Attribute A : Sources) {
    auto Source = cast<SourceAttr>(A);
    mlir::Type Element =
        Source.getStored() ? Source.getStored() : Type.getElementType();
    SmallVector<int64_t> Stored(Shape);
    int64_t Offset = 0;
    MemRefType Part = memoryType(Shape, Element);
    if (int64_t Axis = Source.getAxis(); Axis >= 0) {
      Stored[Axis] = Source.getExtent();
      SmallVector<int64_t> Strides(Stored.size(), 1);
      for (int64_t I = Stored.size() - 2; I >= 0; --I)
        Strides[I] = Strides[I + 1] * Stored[I + 1];
      Offset = Source.getBegin() * Strides[Axis];
      if (Axis > 0) // a range of axis 0 is contiguous
        Part = MemRefType::get(
            Shape, Element,
            StridedLayoutAttr::get(Element.getContext(), 0, Strides));
    }
    Pieces.push_back(
        {Source.getTensor(), memoryType(Stored, Element), Offset, Part});
  }
  return Pieces;
}

Value ModuleBuilder::locate(OpBuilder &B, Location Loc, const Piece &P) {
  Value Whole = B.create<plan::ParameterOp>(Loc, P.Stored, P.Tensor);
  if (P.Type == P.Stored && P.Offset == 0)
    return Whole;
  return B.create<plan::ViewOp>(Loc, P.Type, Whole, P.Offset, ExprAttr());
}

Value ModuleBuilder::raw(OpBuilder &B, Value Weight, Operation *User) {
  ParameterOp Parameter = parameterOf(Weight, User);
  if (!Parameter)
    return {};
  SmallVector<Piece> Pieces = piecesOf(Parameter);
  if (Pieces.size() != 1) {
    User->emitOpError("expected a parameter of one source, found ")
        << Pieces.size();
    return {};
  }
  if (mlir::Type Stored = Pieces[0].Type.getElementType();
      Stored != getElementTypeOrSelf(Weight)) {
    User->emitOpError("expected ")
        << Pieces[0].Tensor << " stored as " << getElementTypeOrSelf(Weight)
        << ", found " << Stored << "; only weights of products are widened";
    return {};
  }
  return locate(B, User->getLoc(), Pieces[0]);
}

plan::GlobalOp ModuleBuilder::state(StringRef Name, MemRefType Type) {
  plan::GlobalOp &Global = Globals[Name];
  if (!Global)
    Global = Top.create<plan::GlobalOp>(Module.getLoc(), Kernels.freeName(Name),
                                        Type, "state", nullptr, IntegerAttr());
  return Global;
}

plan::GlobalOp ModuleBuilder::constant(ArrayRef<double> Values) {
  SmallVector<float> Rounded(Values.begin(), Values.end());
  auto Type =
      RankedTensorType::get({int64_t(Rounded.size())}, Top.getF32Type());
  auto Value = DenseElementsAttr::get(Type, ArrayRef<float>(Rounded));
  plan::GlobalOp &Global = Constants[Value];
  if (!Global)
    Global = Top.create<plan::GlobalOp>(
        Module.getLoc(),
        Kernels.freeName("constant_" + std::to_string(Constants.size())),
        memoryType(Type.getShape(), Type.getElementType()), "constant", Value,
        IntegerAttr());
  return Global;
}

plan::GlobalOp ModuleBuilder::packed(Value Weight, Type X, int64_t Panel,
                                     Operation *User) {
  ParameterOp Parameter = parameterOf(Weight, User);
  if (!Parameter)
    return {};
  auto Type = cast<RankedTensorType>(Parameter.getType());
  ArrayRef<int64_t> Matrix = Type.getShape().take_back(2);
  const PackedLayout Layout(
      Matrix[0], Matrix[1], Panel,
      usesPairs(Kernels.Blocks, X, Type.getElementType(), Matrix[1]));
  std::string Name = (Parameter.getSymName() + ".panels" +
                      std::to_string(Panel) + (Layout.Pairs ? ".pairs" : ""))
                         .str();
  plan::GlobalOp &Global = Globals[Name];
  if (Global)
    return Global;

  const bool Stacked = Type.getRank() == 3;
  const int64_t Size = Layout.Panels * Layout.K * Panel;
  SmallVector<int64_t> Shape = Layout.shape();
  MemRefType One = memoryType(Shape, Type.getElementType());
  if (Stacked)
    Shape.insert(Shape.begin(), Type.getDimSize(0));
  MemRefType All = memoryType(Shape, Type.getElementType());
  Location Loc = Parameter.getLoc();
  Global = Top.create<plan::GlobalOp>(Loc, Kernels.freeName(Name), All,
                                      "weights", nullptr, IntegerAttr());
  Value Memory = Init.create<plan::GlobalRefOp>(Loc, All, Global.getSymName());

  auto Pack = [&](const Piece &P, int64_t Number) {
    Value To = Memory;
    if (Stacked)
      To = Init.create<plan::ViewOp>(Loc, One, Memory, Number * Size,
                                     ExprAttr());
    launch(Init, Loc, packKernel(),
           {ExprAttr::constant(Init.getContext(), Layout.Panels)},
           {{"source", locate(Init, Loc, P)}, {"packed", To}});
  };
  SmallVector<Piece> Pieces = piecesOf(Parameter);
  for (auto [Number, P] : llvm::enumerate(Pieces)) {
    if (P.Type.getRank() == 2) {
      Pack(P, Number);
      continue;
    }
    // One tensor holds all experts: pack each expert's matrix by itself.
    SmallVector<int64_t> Strides;
    int64_t Unused;
    (void)getStridesAndOffset(P.Type, Strides, Unused);
    for (int64_t Expert = 0; Expert < P.Type.getDimSize(0); ++Expert) {
      Piece Part = P;
      Part.Offset += Expert * Strides[0];
      Part.Type = memoryType(Matrix, P.Type.getElementType());
      if (Strides[1] != Matrix[1])
        Part.Type = MemRefType::get(
            Matrix, P.Type.getElementType(),
            StridedLayoutAttr::get(Init.getContext(), 0,
                                   ArrayRef<int64_t>(Strides).drop_front()));
      Pack(Part, Expert);
    }
  }
  return Global;
}
