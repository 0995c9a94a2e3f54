//===- Writer.cpp - a plan as a FlatBuffer --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Plan/Writer.h"

#include "compiler/Plan/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "dialects/Plan/IR/Plan.h"
#include "dialects/Tile/IR/Tile.h"
#include "runtime/schema/Digest.h"
#include "runtime/schema/Version.h"
#include "runtime/schema/plan_generated.h"
#include "runtime/support/ProjectVersion.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace m1;
namespace file = m1::plan; // the schema's types end in T, the dialect's in Op

static FailureOr<file::DType> dtypeOf(Operation *Op, Type T) {
  if (T.isF32())
    return file::DType::F32;
  if (T.isBF16())
    return file::DType::BF16;
  if (T.isF16())
    return file::DType::F16;
  if (T.isF64())
    return file::DType::F64;
  if (T.isInteger(32))
    return file::DType::I32;
  if (T.isInteger(64))
    return file::DType::I64;
  return Op->emitOpError("has a value of ")
         << T << ", which a plan file cannot hold";
}

static int64_t elementBytes(MemRefType Type) {
  return std::max(1u, Type.getElementTypeBitWidth() / 8);
}

/// Where the source line of a step comes from: the innermost name.
static std::string sourceOf(Location Loc) {
  if (auto Name = dyn_cast<NameLoc>(Loc))
    return Name.getName().str();
  if (auto Fused = dyn_cast<FusedLoc>(Loc))
    for (Location Part : Fused.getLocations())
      if (std::string Source = sourceOf(Part); !Source.empty())
        return Source;
  if (auto File = dyn_cast<FileLineColLoc>(Loc))
    return (File.getFilename().getValue() + ":" + Twine(File.getLine())).str();
  return "";
}

namespace {

class Writer {
public:
  Writer(ModuleOp Module, const KernelImage &Image)
      : Module(Module), Image(Image) {}

  LogicalResult run(file::PlanT &Out);

private:
  uint32_t addArena(StringRef Name, file::ArenaKind Kind, int64_t Bytes,
                    StringRef Source);
  void addGlobals();
  LogicalResult addProgram(file::ProgramOp Program);
  void addChecks(file::ProgramOp Program, file::FunctionT &F);
  FailureOr<std::unique_ptr<file::ArgT>> argument(Operation *Op, Value V,
                                                  bool Written);
  FailureOr<std::vector<std::unique_ptr<file::ArgT>>>
  arguments(Operation *Op, ValueRange Operands, ArrayRef<bool> Written);
  std::unique_ptr<file::Expr> expr(file::ExprAttr E);
  uint32_t kernel(tile::KernelOp Kernel);
  FailureOr<uint32_t> parameter(file::ParameterOp Op);

  ModuleOp Module;
  const KernelImage &Image;
  file::PlanT *Plan = nullptr;
  uint32_t ActivationArena = 0;
  llvm::StringMap<uint32_t> SymbolIndex, KernelIndex, ParameterIndex,
      GlobalArena;
};

} // namespace

std::unique_ptr<file::Expr> Writer::expr(file::ExprAttr E) {
  int32_t Symbol = -1;
  if (!E.getSymbol().empty())
    Symbol = SymbolIndex.lookup(E.getSymbol());
  return std::make_unique<file::Expr>(Symbol, E.getMultiply(), E.getAdd(),
                                      E.getDivide());
}

uint32_t Writer::kernel(tile::KernelOp Kernel) {
  auto [It, New] =
      KernelIndex.try_emplace(Kernel.getSymName(), Plan->kernels.size());
  if (New) {
    auto K = std::make_unique<file::KernelT>();
    K->name = Kernel.getSymName().str();
    K->image = 0;
    K->argument_count = Kernel.getNumArguments() - tile::KernelOp::kGridRank;
    K->scratch_bytes = Image.ScratchBytes.lookup(Kernel.getSymName());
    K->threads = Image.Threads;
    Plan->kernels.push_back(std::move(K));
  }
  return It->second;
}

FailureOr<uint32_t> Writer::parameter(file::ParameterOp Op) {
  auto [It, New] =
      ParameterIndex.try_emplace(Op.getTensor(), Plan->parameters.size());
  if (New) {
    auto Type = Op.getResult().getType();
    FailureOr<file::DType> Element = dtypeOf(Op, Type.getElementType());
    if (failed(Element))
      return failure();
    auto P = std::make_unique<file::ParameterT>();
    P->name = Op.getTensor().str();
    P->dtype = *Element;
    P->shape.assign(Type.getShape().begin(), Type.getShape().end());
    Plan->parameters.push_back(std::move(P));
  }
  return It->second;
}

FailureOr<std::unique_ptr<file::ArgT>> Writer::argument(Operation *Op, Value V,
                                                        bool Written) {
  auto A = std::make_unique<file::ArgT>();
  A->written = Written;
  A->bytes = std::make_unique<file::Expr>(-1, 0, 0, 1);
  A->value = std::make_unique<file::Expr>(-1, 0, 0, 1);
  if (auto Scalar = V.getDefiningOp<file::ScalarOp>()) {
    A->kind = file::ArgKind::Scalar;
    A->value = expr(Scalar.getValue());
    return A;
  }
  // How far the argument reaches: to the last element of its last row.
  auto Type = cast<MemRefType>(V.getType());
  int64_t Offset;
  SmallVector<int64_t> Strides;
  (void)getStridesAndOffset(Type, Strides, Offset);
  int64_t Row = 1; // elements from the start of a row to its end
  for (int64_t Axis = 1; Axis < Type.getRank(); ++Axis)
    Row += (Type.getDimSize(Axis) - 1) * Strides[Axis];
  if (llvm::is_contained(Type.getShape(), 0))
    Row = 0;
  int64_t Stride = Type.getRank() ? Strides[0] : 1;
  file::ExprAttr Rows = file::rowsOf(V);
  int64_t Size = elementBytes(Type);
  // (rows - 1) * stride + row, with rows = symbol * multiply + add.
  if (Rows.getDivide() != 1)
    return Op->emitOpError("has an operand whose rows are not a plain sum: ")
           << Rows;
  auto Bytes =
      file::ExprAttr::get(Rows.getSymbol(), Rows.getMultiply() * Stride * Size,
                          ((Rows.getAdd() - 1) * Stride + Row) * Size, 1);
  A->bytes = expr(Bytes);

  int64_t Start = 0;
  while (auto View = V.getDefiningOp<file::ViewOp>()) {
    Start += View.getOffset() * Size;
    V = View.getSource();
  }
  if (auto Argument = dyn_cast<BlockArgument>(V)) {
    auto Program = cast<file::ProgramOp>(Argument.getOwner()->getParentOp());
    unsigned Number = Argument.getArgNumber();
    unsigned Inputs = 0;
    while (Inputs < Program.getNumArguments() && !Program.isOutput(Inputs))
      ++Inputs;
    A->kind = Number < Inputs ? file::ArgKind::Input : file::ArgKind::Output;
    A->index = Number < Inputs ? Number : Number - Inputs;
  } else if (auto Buffer = V.getDefiningOp<file::BufferOp>()) {
    A->kind = file::ArgKind::Arena;
    A->index = ActivationArena;
    Start += *Buffer.getOffset();
  } else if (auto Ref = V.getDefiningOp<file::GlobalRefOp>()) {
    auto Global = SymbolTable::lookupNearestSymbolFrom<file::GlobalOp>(
        Op, Ref.getGlobalAttr());
    A->kind = file::ArgKind::Arena;
    A->index = GlobalArena.lookup(Global.getSymName());
    Start += *Global.getOffset();
  } else {
    FailureOr<uint32_t> Index = parameter(V.getDefiningOp<file::ParameterOp>());
    if (failed(Index))
      return failure();
    A->kind = file::ArgKind::Parameter;
    A->index = *Index;
  }
  A->offset = Start;
  return A;
}

FailureOr<std::vector<std::unique_ptr<file::ArgT>>>
Writer::arguments(Operation *Op, ValueRange Operands, ArrayRef<bool> Written) {
  std::vector<std::unique_ptr<file::ArgT>> Arguments;
  for (auto [V, W] : llvm::zip(Operands, Written)) {
    FailureOr<std::unique_ptr<file::ArgT>> A = argument(Op, V, W);
    if (failed(A))
      return failure();
    Arguments.push_back(std::move(*A));
  }
  return Arguments;
}

void Writer::addChecks(file::ProgramOp Program, file::FunctionT &F) {
  std::vector<std::unique_ptr<file::CheckT>> Last;
  for (unsigned I = 0; I < F.inputs.size(); ++I)
    for (Attribute Check : Program.getChecks(I)) {
      auto C = std::make_unique<file::CheckT>();
      C->input = I;
      // Consecutive goes last: it rests on the offsets of another input.
      if (auto Consecutive = dyn_cast<file::ConsecutiveAttr>(Check)) {
        C->kind = file::CheckKind::Consecutive;
        C->offsets = Consecutive.getOffsets();
        Last.push_back(std::move(C));
        continue;
      }
      if (auto Below = dyn_cast<file::BelowAttr>(Check)) {
        C->kind = file::CheckKind::Below;
        C->limit = Below.getLimit();
      } else if (auto Offsets = dyn_cast<file::OffsetsAttr>(Check)) {
        C->kind = file::CheckKind::Offsets;
        C->total = expr(Offsets.getTotal());
      } else {
        C->kind = file::CheckKind::Unique;
      }
      F.checks.push_back(std::move(C));
    }
  std::move(Last.begin(), Last.end(), std::back_inserter(F.checks));
}

LogicalResult Writer::addProgram(file::ProgramOp Program) {
  auto F = std::make_unique<file::FunctionT>();
  F->name = Program.getSymName().str();
  for (unsigned I = 0; I < Program.getNumArguments(); ++I) {
    auto Type = cast<MemRefType>(Program.getArgumentTypes()[I]);
    FailureOr<file::DType> Element = dtypeOf(Program, Type.getElementType());
    if (failed(Element))
      return failure();
    auto T = std::make_unique<file::TensorT>();
    T->name = Program.getArgAttrOfType<StringAttr>(I, "plan.name").str();
    T->dtype = *Element;
    for (int64_t Axis = 0; Axis < Type.getRank(); ++Axis) {
      auto Extent = Axis == 0 ? file::rowsOf(Program.getArgument(I))
                              : file::ExprAttr::constant(Module.getContext(),
                                                         Type.getDimSize(Axis));
      T->shape.push_back(*expr(Extent));
    }
    if (Program.getArgAttr(I, "plan.drawn"))
      F->drawn.push_back(F->outputs.size());
    (Program.isOutput(I) ? F->outputs : F->inputs).push_back(std::move(T));
  }
  addChecks(Program, *F);
  for (Operation &Op : Program.getBody().front()) {
    auto Step = std::make_unique<file::StepT>();
    Step->source = sourceOf(Op.getLoc());
    if (auto Launch = dyn_cast<file::LaunchOp>(Op)) {
      auto L = file::LaunchT();
      L.kernel = kernel(SymbolTable::lookupNearestSymbolFrom<tile::KernelOp>(
          Launch, Launch.getKernelAttr()));
      ArrayRef<Attribute> Grid = Launch.getGrid().getValue();
      L.grid_x = expr(cast<file::ExprAttr>(Grid[0]));
      L.grid_y = expr(cast<file::ExprAttr>(Grid[1]));
      L.grid_z = expr(cast<file::ExprAttr>(Grid[2]));
      auto Args = arguments(Launch, Launch.getOperands(), Launch.getWritten());
      if (failed(Args))
        return failure();
      L.args = std::move(*Args);
      Step->instruction.Set(std::move(L));
    } else if (auto Copy = dyn_cast<file::CopyOp>(Op)) {
      auto Destination = argument(Copy, Copy.getDestination(), true);
      auto Source = argument(Copy, Copy.getSource(), false);
      if (failed(Destination) || failed(Source))
        return failure();
      auto C = file::CopyT();
      C.destination = std::move(*Destination);
      C.source = std::move(*Source);
      Step->instruction.Set(std::move(C));
    } else {
      continue; // the rest says where memory is
    }
    F->steps.push_back(std::move(Step));
  }
  Plan->functions.push_back(std::move(F));
  return success();
}

uint32_t Writer::addArena(StringRef Name, file::ArenaKind Kind, int64_t Bytes,
                          StringRef Source) {
  auto A = std::make_unique<file::ArenaT>();
  A->name = Name.str();
  A->kind = Kind;
  A->bytes = Bytes;
  A->source = Source.str();
  Plan->arenas.push_back(std::move(A));
  return Plan->arenas.size() - 1;
}

/// The bytes of a constant's elements in order, at `To`.
static void copyElements(DenseElementsAttr Value, uint8_t *To) {
  ArrayRef<char> Raw = Value.getRawData(); // one element if all are equal
  const int64_t Times = Value.isSplat() ? Value.getNumElements() : 1;
  for (int64_t I = 0; I < Times; ++I)
    To = llvm::copy(Raw, To);
}

/// The arenas that outlive a call: one for weights, one for constants, one for
/// each state.
void Writer::addGlobals() {
  auto Bytes = [&](StringRef Name) {
    return Module->getAttrOfType<IntegerAttr>(Name).getInt();
  };
  const uint32_t Weights = addArena("weights", file::ArenaKind::Weights,
                                    Bytes(kWeightBytesAttr), "packed weights");
  const uint32_t Constants =
      addArena("constants", file::ArenaKind::Constants,
               Bytes(kConstantBytesAttr), "constant vectors");
  std::vector<uint8_t> &Data = Plan->arenas[Constants]->data;
  Data.resize(Plan->arenas[Constants]->bytes);
  for (file::GlobalOp Global : Module.getOps<file::GlobalOp>()) {
    uint32_t &Arena = GlobalArena[Global.getSymName()];
    if (Global.getKind() == "weights") {
      Arena = Weights;
    } else if (Global.getKind() == "constant") {
      Arena = Constants;
      copyElements(*Global.getValue(), Data.data() + *Global.getOffset());
    } else {
      auto Type = cast<MemRefType>(Global.getType());
      Arena = addArena(Global.getSymName(), file::ArenaKind::State,
                       Type.getNumElements() * elementBytes(Type),
                       sourceOf(Global.getLoc()));
    }
  }
}

LogicalResult Writer::run(file::PlanT &Out) {
  Plan = &Out;
  for (NamedAttribute Symbol :
       Module->getAttrOfType<DictionaryAttr>(file::kSymbolsAttr)) {
    SymbolIndex[Symbol.getName()] = Plan->symbols.size();
    auto S = std::make_unique<file::SymbolT>();
    S->name = Symbol.getName().str();
    S->max = cast<IntegerAttr>(Symbol.getValue()).getInt();
    Plan->symbols.push_back(std::move(S));
  }
  ActivationArena = addArena(
      "activations", file::ArenaKind::Activations,
      Module->getAttrOfType<IntegerAttr>(kActivationBytesAttr).getInt(),
      "buffers of one call");
  addGlobals();

  auto I = std::make_unique<file::ImageT>();
  I->format = Image.Format;
  I->target = Image.Target;
  I->features = Image.Features;
  I->data.assign(Image.Data.begin(), Image.Data.end());
  Plan->images.push_back(std::move(I));

  for (file::ProgramOp Program : Module.getOps<file::ProgramOp>())
    if (failed(addProgram(Program)))
      return failure();
  return success();
}

FailureOr<std::vector<uint8_t>> m1::writePlan(ModuleOp Module,
                                              const KernelImage &Image,
                                              int64_t Slots, int64_t MaxLength,
                                              ArrayRef<PlanFigure> Figures) {
  file::PlanT Plan;
  Plan.format_version = file::kFormatVersion;
  Plan.producer = std::string("m1c ") + kProjectVersion;
  Plan.digest = 1; // present; sealPlan puts the real one
  if (failed(Writer(Module, Image).run(Plan)))
    return failure();
  if (auto Model = Module->getAttrOfType<ModelAttr>(kModelAttr)) {
    Plan.model = std::make_unique<file::ModelT>();
    Plan.model->architecture = Model.getArchitecture().str();
    Plan.model->vocabulary = Model.getVocabulary();
    Plan.model->layers = Model.getLayers();
    for (auto Ending : Model.getDerived().getAsRange<StringAttr>())
      Plan.model->derived.push_back(Ending.str());
    Plan.model->slots = Slots;
    Plan.model->max_length = MaxLength;
  }
  for (const PlanFigure &Figure : Figures) {
    auto F = std::make_unique<file::FigureT>();
    F->name = Figure.Name;
    F->value = Figure.Value;
    F->unit = Figure.Unit;
    Plan.figures.push_back(std::move(F));
  }
  flatbuffers::FlatBufferBuilder Builder(1 << 20);
  Builder.Finish(file::Plan::Pack(Builder, &Plan), file::PlanIdentifier());
  std::vector<uint8_t> Bytes(Builder.GetBufferPointer(),
                             Builder.GetBufferPointer() + Builder.GetSize());
  [[maybe_unused]] bool Sealed = file::sealPlan(Bytes);
  assert(Sealed && "the digest field is always written");
  return Bytes;
}
