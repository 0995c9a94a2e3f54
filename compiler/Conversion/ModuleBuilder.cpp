//===- ModuleBuilder.cpp - what the programs of a module share ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/ModuleBuilder.h"

#include "compiler/Conversion/KernelWork.h"
#include "runtime/schema/InitFunction.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

Value m1::view(OpBuilder &B, Location Loc, Value Memory,
               ArrayRef<int64_t> Shape, ArrayRef<int64_t> Strides,
               int64_t Offset, ExprAttr Rows, ExprAttr Shift) {
  auto Source = cast<MemRefType>(Memory.getType());
  MemRefLayoutAttrInterface Layout;
  if (!Strides.empty())
    Layout = StridedLayoutAttr::get(B.getContext(), 0, Strides);
  auto Type = MemRefType::get(Shape, Source.getElementType(), Layout);
  if (Type == Source && Offset == 0 && !Shift &&
      (!Rows || Rows == plan::rowsOf(Memory)))
    return Memory;
  return B.create<plan::ViewOp>(Loc, Type, Memory, Offset, Rows, Shift);
}

plan::LaunchOp ModuleBuilder::launch(OpBuilder &B, Location Loc,
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
  auto Launch = B.create<plan::LaunchOp>(
      Loc, FlatSymbolRefAttr::get(Kernel), B.getArrayAttr(Sizes), Ordered,
      Kernel.getArgNames(), B.getDenseBoolArrayAttr(Kernel.getWritten()));
  describeWork(Launch, Declaration.Name, Constants);
  return Launch;
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
  Module.walk([&](UpdateParameterOp Update) {
    Masters[Update.getParameter()] = Update.getStateAttr().getAttr();
  });
}

static Value reference(OpBuilder &B, plan::GlobalOp Global) {
  return B.create<plan::GlobalRefOp>(Global.getLoc(), Global.getType(),
                                     Global.getSymName());
}

void ModuleBuilder::finish() {
  emitUpdates();
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

/// The slices of a source's tensor that a rank has, and in `Stored` the shape
/// of the whole tensor, which becomes that of the slices. `Stacked`: the number
/// of axes of the parameter before those of its sources.
static ArrayAttr slicesOf(ParameterOp Parameter, SourceAttr Source,
                          int64_t Stacked, SmallVectorImpl<int64_t> &Stored) {
  SmallVector<Attribute> Slices;
  for (int64_t Axis = 0; Axis < int64_t(Stored.size()); ++Axis) {
    SliceAttr Of = Parameter.getSlice(Axis + Stacked);
    if (!Of)
      continue;
    // What is sliced is the source's part of the tensor.
    const bool IsPart = Source.getAxis() == Axis;
    Slices.push_back(
        plan::SliceAttr::get(Parameter.getContext(), Axis, Of.getAxis(),
                             Of.getStep(), IsPart ? Source.getBegin() : 0,
                             IsPart ? Source.getEnd() : Of.getExtent(),
                             Stored[Axis], Of.getReplicas()));
    Stored[Axis] = Of.getStep();
  }
  return Slices.empty() ? ArrayAttr()
                        : ArrayAttr::get(Parameter.getContext(), Slices);
}

SmallVector<ModuleBuilder::Piece>
ModuleBuilder::piecesOf(ParameterOp Parameter) {
  auto Type = cast<RankedTensorType>(Parameter.getType());
  ArrayRef<Attribute> Sources = Parameter.getSources().getValue();
  ArrayRef<int64_t> Shape = Type.getShape(); // of a source, for the rank
  RankedTensorType Whole = Parameter.getWholeType();
  const int64_t Stacked = Parameter.isStacked() ? 1 : 0;
  Shape = Shape.drop_front(Stacked);
  // The rank's sources: some of them if it has a slice of the stack.
  SliceAttr OfStack = Stacked ? Parameter.getSlice(0) : SliceAttr();
  SmallVector<Piece> Pieces;
  for (Attribute A :
       OfStack ? Sources.take_front(OfStack.getStep()) : Sources) {
    auto Source = cast<SourceAttr>(A);
    mlir::Type Element =
        Source.getStored() ? Source.getStored() : Type.getElementType();
    SmallVector<int64_t> Stored(Whole.getShape().drop_front(Stacked));
    const int64_t Axis = Source.getAxis();
    if (Axis >= 0)
      Stored[Axis] = Source.getExtent();
    Piece P;
    P.Tensor = Source.getTensor();
    P.Slices = slicesOf(Parameter, Source, Stacked, Stored);
    P.Offset = 0;
    P.Type = memoryType(Shape, Element);
    if (Axis >= 0 && !Parameter.getSlice(Axis + Stacked)) {
      SmallVector<int64_t> Strides(Stored.size(), 1);
      for (int64_t I = Stored.size() - 2; I >= 0; --I)
        Strides[I] = Strides[I + 1] * Stored[I + 1];
      P.Offset = Source.getBegin() * Strides[Axis];
      if (Axis > 0) // a range of axis 0 is contiguous
        P.Type = MemRefType::get(
            Shape, Element,
            StridedLayoutAttr::get(Element.getContext(), 0, Strides));
    }
    P.Stored = memoryType(Stored, Element);
    if (OfStack) {
      SmallVector<Attribute> Names;
      for (size_t I = Pieces.size(); I < Sources.size(); I += OfStack.getStep())
        Names.push_back(cast<SourceAttr>(Sources[I]).getTensor());
      P.NamesAxis = OfStack.getAxis();
      P.Names = ArrayAttr::get(Parameter.getContext(), Names);
    }
    Pieces.push_back(P);
  }
  return Pieces;
}

Value ModuleBuilder::locate(OpBuilder &B, Location Loc, const Piece &P) {
  Value Whole = B.create<plan::ParameterOp>(Loc, P.Stored, P.Tensor, P.Slices,
                                            P.NamesAxis, P.Names);
  if (P.Type == P.Stored && P.Offset == 0)
    return Whole;
  return B.create<plan::ViewOp>(Loc, P.Type, Whole, P.Offset, ExprAttr());
}

Value ModuleBuilder::raw(OpBuilder &B, Value Weight, Operation *User) {
  ParameterOp Parameter = parameterOf(Weight, User);
  if (!Parameter)
    return {};
  if (isUpdated(Parameter)) {
    Derived &Copies = DerivedFrom[Parameter.getSymName()];
    if (!Copies.Rows) {
      auto Type = cast<RankedTensorType>(Parameter.getType());
      MemRefType Memory = memoryType(Type.getShape(), Type.getElementType());
      Location Loc = Parameter.getLoc();
      Copies.Rows = Top.create<plan::GlobalOp>(
          Loc, Kernels.freeName((Parameter.getSymName() + ".rows").str()),
          Memory, "weights", nullptr, IntegerAttr());
      copyParameter(Parameter, Init.create<plan::GlobalRefOp>(
                                   Loc, Memory, Copies.Rows.getSymName()));
    }
    return reference(B, Copies.Rows);
  }
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

plan::GlobalOp ModuleBuilder::state(StringRef Name, MemRefType Type,
                                    StringRef Division) {
  plan::GlobalOp &Global = Globals[Name];
  if (Global)
    return Global;
  Global = Top.create<plan::GlobalOp>(Module.getLoc(), Kernels.freeName(Name),
                                      Type, "state", nullptr, IntegerAttr());
  if (!Division.empty())
    Global.setDivision(Division);
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
                                     int64_t Leaves, Operation *User) {
  ParameterOp Parameter = parameterOf(Weight, User);
  if (!Parameter)
    return {};
  auto Type = cast<RankedTensorType>(Parameter.getType());
  ArrayRef<int64_t> Matrix = Type.getShape().take_back(2);
  const PackedLayout Layout(
      Matrix[0], Matrix[1], Panel,
      usesPairs(Kernels.Blocks, X, Type.getElementType(), Matrix[1] / Leaves));
  std::string Name = (Parameter.getSymName() + ".panels" +
                      std::to_string(Panel) + (Layout.Pairs ? ".pairs" : ""))
                         .str();
  return pack(Parameter, Layout, Name);
}

Value ModuleBuilder::packedTransposed(OpBuilder &B, Value Weight, mlir::Type X,
                                      int64_t Panel, Operation *User) {
  ParameterOp Parameter = parameterOf(Weight, User);
  if (!Parameter)
    return {};
  Location Loc = User->getLoc();
  auto Type = cast<RankedTensorType>(Parameter.getType());
  const bool Stacked = Type.getRank() == 3;
  const int64_t Count = Stacked ? Type.getDimSize(0) : 1;
  ArrayRef<int64_t> Matrix = Type.getShape().take_back(2);
  const PackedLayout Layout(
      Matrix[1], Matrix[0], Panel,
      usesPairs(Kernels.Blocks, X, Type.getElementType(), Matrix[0]));
  SmallVector<int64_t> Shape = Layout.shape(), OfAll = Shape, OfOne = Shape;
  OfAll.insert(OfAll.begin(), Count);
  OfOne.insert(OfOne.begin(), 1);
  Value Buffer = B.create<plan::BufferOp>(
      Loc, memoryType(OfAll, Type.getElementType()), ExprAttr(), IntegerAttr());
  const Blocking &Blocks = Kernels.Blocks;
  auto Pack = [&](Value From, Value To, int64_t Matrices) {
    auto Number = [&](int64_t N) {
      return ExprAttr::constant(B.getContext(), N);
    };
    launch(B, Loc, packTransposedKernel(),
           {Number(packTransposedCells(Matrix[0], Layout.Panels, Blocks)),
            Number(1), Number(Matrices)},
           {{"source", From}, {"packed", To}});
  };
  const int64_t Size = Layout.Panels * Layout.K * Layout.Panel;
  if (StringAttr Master = Masters.lookup(Parameter.getSymName())) {
    Value From = reference(B, tensorState(Master));
    Pack(m1::view(B, Loc, From, {Count, Matrix[0], Matrix[1]}), Buffer, Count);
  } else {
    for (auto [Index, P] : llvm::enumerate(matricesOf(Parameter))) {
      SmallVector<int64_t> Strides;
      int64_t Unused;
      (void)getStridesAndOffset(P.Type, Strides, Unused);
      Value From =
          m1::view(B, Loc, locate(B, Loc, P), {1, Matrix[0], Matrix[1]},
                   {Matrix[0] * Strides[0], Strides[0], 1});
      Pack(From, m1::view(B, Loc, Buffer, OfOne, {}, Index * Size), 1);
    }
  }
  return Stacked ? Buffer : m1::view(B, Loc, Buffer, Shape);
}

plan::GlobalOp ModuleBuilder::pack(ParameterOp Parameter,
                                   const PackedLayout &Layout, StringRef Name) {
  plan::GlobalOp &Global = Globals[Name];
  if (Global)
    return Global;

  auto Type = cast<RankedTensorType>(Parameter.getType());
  const bool Stacked = Type.getRank() == 3;
  SmallVector<int64_t> Shape = Layout.shape();
  if (Stacked)
    Shape.insert(Shape.begin(), Type.getDimSize(0));
  MemRefType All = memoryType(Shape, Type.getElementType());
  Location Loc = Parameter.getLoc();
  Global = Top.create<plan::GlobalOp>(Loc, Kernels.freeName(Name), All,
                                      "weights", nullptr, IntegerAttr());
  const PackedCopy Copy{Global, Stacked};
  DerivedFrom[Parameter.getSymName()].Packed.push_back(Copy);
  const SmallVector<Piece> Matrices = matricesOf(Parameter);
  pack(Init, Copy, Matrices.size(),
       [&](size_t Number) { return locate(Init, Loc, Matrices[Number]); });
  return Global;
}

SmallVector<ModuleBuilder::Piece>
ModuleBuilder::matricesOf(ParameterOp Parameter) {
  SmallVector<Piece> Matrices;
  for (Piece &P : piecesOf(Parameter)) {
    if (P.Type.getRank() == 2) {
      Matrices.push_back(P);
      continue;
    }
    // One tensor holds all experts.
    SmallVector<int64_t> Strides;
    int64_t Unused;
    (void)getStridesAndOffset(P.Type, Strides, Unused);
    ArrayRef<int64_t> Matrix = P.Type.getShape().take_back(2);
    for (int64_t Expert = 0; Expert < P.Type.getDimSize(0); ++Expert) {
      Piece Part = P;
      Part.Offset += Expert * Strides[0];
      Part.Type = memoryType(Matrix, P.Type.getElementType());
      if (Strides[1] != Matrix[1])
        Part.Type = MemRefType::get(
            Matrix, P.Type.getElementType(),
            StridedLayoutAttr::get(Top.getContext(), 0,
                                   ArrayRef<int64_t>(Strides).drop_front()));
      Matrices.push_back(Part);
    }
  }
  return Matrices;
}

void ModuleBuilder::pack(OpBuilder &B, const PackedCopy &Copy, size_t Count,
                         llvm::function_ref<Value(size_t)> MatrixAt) {
  Value Packed = reference(B, Copy.Global);
  Location Loc = Packed.getLoc();
  auto All = cast<MemRefType>(Packed.getType());
  ArrayRef<int64_t> Shape = All.getShape();
  if (Copy.Stacked)
    Shape = Shape.drop_front();
  MemRefType One = memoryType(Shape, All.getElementType());
  for (size_t Number = 0; Number < Count; ++Number) {
    Value To = Packed;
    if (Copy.Stacked)
      To = B.create<plan::ViewOp>(Loc, One, Packed,
                                  Number * One.getNumElements(), ExprAttr());
    launch(B, Loc, packKernel(), {ExprAttr::constant(B.getContext(), Shape[0])},
           {{"source", MatrixAt(Number)}, {"packed", To}});
  }
}

//===----------------------------------------------------------------------===//
// Tensor states
//===----------------------------------------------------------------------===//

void ModuleBuilder::convert(OpBuilder &B, Location Loc, Value From, Value To) {
  auto Type = cast<MemRefType>(From.getType());
  // Rows that are next to each other are one row: vectors, whole matrices.
  const int64_t Columns = Type.getRank() ? Type.getShape().back() : 1;
  const int64_t Rows = Type.getNumElements() / Columns;
  SmallVector<int64_t> Strides{Columns, 1};
  if (!Type.getLayout().isIdentity()) {
    SmallVector<int64_t> Found;
    int64_t Unused;
    (void)getStridesAndOffset(Type, Found, Unused);
    assert(Type.getRank() == 2 && "strided parts are matrices");
    Strides = Found;
  }
  const int64_t Shape[] = {Rows, Columns};
  Value Source =
      m1::view(B, Loc, From, Shape,
               Type.getLayout().isIdentity() ? ArrayRef<int64_t>()
                                             : ArrayRef<int64_t>(Strides));
  launch(B, Loc, convertKernel(),
         {ExprAttr::constant(B.getContext(), Rows)
              .ceilDiv(Kernels.Blocks.FewRows)},
         {{"source", Source}, {"result", m1::view(B, Loc, To, Shape)}});
}

void ModuleBuilder::copyParameter(ParameterOp Parameter, Value To) {
  Location Loc = Parameter.getLoc();
  int64_t Offset = 0;
  auto CopyPart = [&](Value From) {
    auto Type = cast<MemRefType>(From.getType());
    convert(Init, Loc, From,
            m1::view(Init, Loc, To, Type.getShape(), {}, Offset));
    Offset += Type.getNumElements();
  };
  if (cast<RankedTensorType>(Parameter.getType()).getRank() >= 2) {
    for (const Piece &Matrix : matricesOf(Parameter))
      CopyPart(locate(Init, Loc, Matrix));
    return;
  }
  for (const Piece &P : piecesOf(Parameter))
    CopyPart(locate(Init, Loc, P));
}

plan::GlobalOp ModuleBuilder::tensorState(StringAttr Name) {
  if (auto Found = Globals.find(Name.getValue()); Found != Globals.end())
    return Found->second;
  auto Declaration = Symbols.lookup<StateOp>(Name);
  auto Type = cast<TensorStateType>(Declaration.getType());
  // The declaration has the name itself until it is erased.
  plan::GlobalOp Global =
      state((Name.getValue() + ".value").str(),
            memoryType(Type.getShape(), Type.getElementType()));
  Globals[Name.getValue()] = Global;
  if (std::optional<StringRef> From = Declaration.getParameter())
    copyParameter(Symbols.lookup<ParameterOp>(*From), reference(Init, Global));
  return Global;
}

void ModuleBuilder::declareTrained(TrainedOp Trained, int64_t Group) {
  auto Parameter = Symbols.lookup<ParameterOp>(Trained.getParameter());
  auto Type = cast<RankedTensorType>(Parameter.getType());
  ArrayRef<int64_t> Shape = Type.getShape();
  if (Parameter.isStacked())
    Shape = Shape.drop_front();
  auto NameOf = [&](FlatSymbolRefAttr State) {
    return FlatSymbolRefAttr::get(
        tensorState(State.getAttr()).getSymNameAttr());
  };
  const int64_t Size =
      RankedTensorType::get(Shape, Type.getElementType()).getNumElements();
  OpBuilder B = OpBuilder::atBlockEnd(Module.getBody());
  for (auto [Number, Attribute] : llvm::enumerate(Parameter.getSources())) {
    auto Source = cast<SourceAttr>(Attribute);
    SmallVector<int64_t> Stored(Shape);
    int64_t Axis = 0, Begin = 0, End = Shape[0];
    if (Source.getAxis() >= 0) {
      Axis = Source.getAxis();
      Begin = Source.getBegin();
      End = Source.getEnd();
      Stored[Axis] = Source.getExtent();
    }
    mlir::Type Element =
        Source.getStored() ? Source.getStored() : Type.getElementType();
    B.create<plan::TrainedOp>(
        Parameter.getLoc(), Source.getTensor(),
        TypeAttr::get(memoryType(Stored, Element)), B.getI64IntegerAttr(Axis),
        B.getI64IntegerAttr(Begin), B.getI64IntegerAttr(End),
        NameOf(Trained.getMasterAttr()), NameOf(Trained.getFirstAttr()),
        NameOf(Trained.getSecondAttr()), NameOf(Trained.getGradientAttr()),
        B.getI64IntegerAttr(static_cast<int64_t>(Number) * Size),
        B.getI64IntegerAttr(Group));
  }
}
