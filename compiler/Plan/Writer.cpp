//===- Writer.cpp - a plan as a FlatBuffer --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Plan/Writer.h"

#include "compiler/Plan/Memory.h"
#include "compiler/Plan/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "dialects/Plan/IR/Work.h"
#include "dialects/Tile/IR/Tile.h"
#include "runtime/schema/Digest.h"
#include "runtime/schema/Version.h"
#include "runtime/support/ProjectVersion.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace m1;
namespace file = m1::plan; // tables of the file end in T, ops in Op

/// The innermost name of a location, for reports: "model.layers.3.self_attn".
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

/// Copies the elements of a constant to `To`, in order.
static void copyElements(DenseElementsAttr Value, uint8_t *To) {
  ArrayRef<char> Raw = Value.getRawData(); // of a splat one element
  const int64_t Times = Value.isSplat() ? Value.getNumElements() : 1;
  for (int64_t I = 0; I < Times; ++I)
    To = llvm::copy(Raw, To);
}

namespace {

/// Adds a module's tables to a file, in the order in which its readers look at
/// them. Kernels and parameters are added when a step first uses them.
class Writer {
public:
  Writer(ModuleOp Module, const KernelImage &Image, file::PlanT &Plan)
      : Module(Module), Symbols(Module), Image(Image), Plan(Plan) {}

  void run() {
    addSymbols();
    addMesh();
    addArenas();
    addImage();
    for (file::ProgramOp Program : Module.getOps<file::ProgramOp>())
      addFunction(Program);
    for (file::TrainedOp Trained : Module.getOps<file::TrainedOp>())
      addTrained(Trained);
  }

private:
  void addSymbols();
  void addMesh();
  void addArenas();
  void addImage();
  void addFunction(file::ProgramOp Program);
  void addTrained(file::TrainedOp Trained);

  uint32_t addArena(StringRef Name, file::ArenaKind Kind, int64_t Bytes,
                    StringRef Source);
  std::unique_ptr<file::TensorT> tensor(file::ProgramOp Program,
                                        BlockArgument Argument);
  void addChecks(file::ProgramOp Program, file::FunctionT &Function);
  void addStep(Operation *Op, file::FunctionT &Function);
  file::LaunchT launch(file::LaunchOp Op);
  file::CopyT copy(file::CopyOp Op);
  file::CollectiveT collective(file::CollectiveOp Op);
  std::unique_ptr<file::ConditionT>
  condition(std::optional<file::ConditionAttr> Condition);
  std::unique_ptr<file::ArgT> argument(Operation *Step, Value Operand,
                                       bool Written);
  std::vector<std::unique_ptr<file::TermT>> terms(ArrayAttr Terms);
  uint32_t kernel(tile::KernelOp Kernel);
  /// The number of a parameter, and whether it is new.
  std::pair<uint32_t, bool> parameter(StringAttr Tensor, Type Element,
                                      ArrayRef<int64_t> Shape,
                                      ArrayAttr Slices);
  uint32_t parameter(file::ParameterOp Op);
  uint32_t axis(StringRef Name);
  std::unique_ptr<file::Expr> expr(file::ExprAttr E);

  ModuleOp Module;
  SymbolTable Symbols; // finds without a search through the module
  const KernelImage &Image;
  file::PlanT &Plan;
  // Numbers of tables, by name.
  uint32_t ActivationArena = 0;
  llvm::StringMap<uint32_t> SymbolIndex, KernelIndex, GlobalArena;
  llvm::DenseMap<std::pair<Attribute, Attribute>, uint32_t> ParameterIndex;
};

} // namespace

//===----------------------------------------------------------------------===//
// Symbols, arenas and the image
//===----------------------------------------------------------------------===//

void Writer::addSymbols() {
  for (NamedAttribute Symbol :
       Module->getAttrOfType<DictionaryAttr>(file::kSymbolsAttr)) {
    SymbolIndex[Symbol.getName()] = Plan.symbols.size();
    auto Table = std::make_unique<file::SymbolT>();
    Table->name = Symbol.getName().str();
    Table->max = cast<IntegerAttr>(Symbol.getValue()).getInt();
    Plan.symbols.push_back(std::move(Table));
  }
}

void Writer::addMesh() {
  auto Mesh = Module->getAttrOfType<file::MeshAttr>(file::kMeshAttr);
  if (!Mesh)
    return;
  for (auto [Axis, Extent] : llvm::zip(Mesh.getAxes(), Mesh.getExtents())) {
    auto Table = std::make_unique<file::MeshAxisT>();
    Table->name = Axis.str();
    Table->extent = Extent;
    Table->symbol = SymbolIndex.lookup(
        file::MeshAttr::symbolOf(Module.getContext(), Axis).getValue());
    Plan.mesh.push_back(std::move(Table));
  }
}

/// The number of an axis of the mesh.
uint32_t Writer::axis(StringRef Name) {
  return *Module->getAttrOfType<file::MeshAttr>(file::kMeshAttr).find(Name);
}

uint32_t Writer::addArena(StringRef Name, file::ArenaKind Kind, int64_t Bytes,
                          StringRef Source) {
  auto Table = std::make_unique<file::ArenaT>();
  Table->name = Name.str();
  Table->kind = Kind;
  Table->bytes = Bytes;
  Table->source = Source.str();
  Plan.arenas.push_back(std::move(Table));
  return Plan.arenas.size() - 1;
}

void Writer::addArenas() {
  auto Bytes = [&](StringRef Name) {
    return Module->getAttrOfType<IntegerAttr>(Name).getInt();
  };
  ActivationArena =
      addArena("activations", file::ArenaKind::Activations,
               Bytes(kActivationBytesAttr), "buffers of one call");
  const uint32_t Weights = addArena("weights", file::ArenaKind::Weights,
                                    Bytes(kWeightBytesAttr), "packed weights");
  const uint32_t Constants =
      addArena("constants", file::ArenaKind::Constants,
               Bytes(kConstantBytesAttr), "constant vectors");
  std::vector<uint8_t> &Data = Plan.arenas[Constants]->data;
  Data.resize(Plan.arenas[Constants]->bytes);

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
      // Only a model says how many slots and blocks there are.
      if (std::optional<StringRef> Division = Global.getDivision();
          Division && Module->hasAttr(kModelAttr)) {
        Plan.arenas[Arena]->division = *Division == file::kBySlot
                                           ? file::Division::Slot
                                           : file::Division::Block;
        Plan.arenas[Arena]->parts = Type.getDimSize(0);
      }
    }
  }
}

void Writer::addImage() {
  auto Table = std::make_unique<file::ImageT>();
  Table->format = Image.Format;
  Table->target = Image.Target;
  Table->features = Image.Features;
  Table->data.assign(Image.Data.begin(), Image.Data.end());
  Plan.images.push_back(std::move(Table));
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

void Writer::addFunction(file::ProgramOp Program) {
  auto Table = std::make_unique<file::FunctionT>();
  Table->name = Program.getSymName().str();
  for (BlockArgument Argument : Program.getArguments()) {
    const unsigned Number = Argument.getArgNumber();
    if (Program.getArgAttr(Number, plan::kDrawnAttr))
      Table->drawn.push_back(Table->outputs.size());
    (Program.isOutput(Number) ? Table->outputs : Table->inputs)
        .push_back(tensor(Program, Argument));
  }
  addChecks(Program, *Table);
  for (Operation &Op : Program.getBody().front())
    addStep(&Op, *Table);
  Plan.functions.push_back(std::move(Table));
}

void Writer::addTrained(file::TrainedOp Trained) {
  auto Table = std::make_unique<file::TrainedT>();
  auto Stored = cast<MemRefType>(Trained.getStored());
  Table->parameter = parameter(Trained.getTensorAttr(), Stored.getElementType(),
                               Stored.getShape(), ArrayAttr())
                         .first;
  Table->axis = Trained.getAxis();
  Table->begin = Trained.getBegin();
  Table->end = Trained.getEnd();
  Table->master = GlobalArena.lookup(Trained.getMaster());
  Table->first = GlobalArena.lookup(Trained.getFirst());
  Table->second = GlobalArena.lookup(Trained.getSecond());
  Table->gradient = GlobalArena.lookup(Trained.getGradient());
  Table->offset = Trained.getOffset();
  Table->group = Trained.getGroup();
  Plan.trained.push_back(std::move(Table));
}

std::unique_ptr<file::TensorT> Writer::tensor(file::ProgramOp Program,
                                              BlockArgument Argument) {
  auto Type = cast<MemRefType>(Argument.getType());
  auto Table = std::make_unique<file::TensorT>();
  Table->name = Program
                    .getArgAttrOfType<StringAttr>(Argument.getArgNumber(),
                                                  plan::kNameAttr)
                    .str();
  Table->dtype = *dtypeOf(Type.getElementType());
  for (int64_t Axis = 0; Axis < Type.getRank(); ++Axis) {
    auto Extent = Axis == 0 ? file::rowsOf(Argument)
                            : file::ExprAttr::constant(Module.getContext(),
                                                       Type.getDimSize(Axis));
    Table->shape.push_back(*expr(Extent));
  }
  return Table;
}

void Writer::addChecks(file::ProgramOp Program, file::FunctionT &Function) {
  // The offsets that a Consecutive relies on are checked before it.
  std::vector<std::unique_ptr<file::CheckT>> Last;
  for (unsigned Input = 0; Input < Function.inputs.size(); ++Input)
    for (Attribute Check : Program.getChecks(Input)) {
      auto Table = std::make_unique<file::CheckT>();
      Table->input = Input;
      if (auto Consecutive = dyn_cast<file::ConsecutiveAttr>(Check)) {
        Table->kind = file::CheckKind::Consecutive;
        Table->offsets = Consecutive.getOffsets();
        Last.push_back(std::move(Table));
        continue;
      }
      if (auto Below = dyn_cast<file::BelowAttr>(Check)) {
        Table->kind = file::CheckKind::Below;
        Table->limit = Below.getLimit();
      } else if (auto Row = dyn_cast<file::RowOrNoneAttr>(Check)) {
        Table->kind = file::CheckKind::RowOrNone;
        Table->total = expr(Row.getRows());
      } else if (auto Offsets = dyn_cast<file::OffsetsAttr>(Check)) {
        Table->kind = file::CheckKind::Offsets;
        Table->total = expr(Offsets.getTotal());
      } else {
        Table->kind = file::CheckKind::Unique;
      }
      Function.checks.push_back(std::move(Table));
    }
  llvm::move(Last, std::back_inserter(Function.checks));
}

void Writer::addStep(Operation *Op, file::FunctionT &Function) {
  auto Table = std::make_unique<file::StepT>();
  auto Set = [&](auto Step, auto Instruction) {
    Table->instruction.Set(std::move(Instruction));
    Table->condition = condition(Step.getCondition());
  };
  if (auto Launch = dyn_cast<file::LaunchOp>(Op))
    Set(Launch, launch(Launch));
  else if (auto Copy = dyn_cast<file::CopyOp>(Op))
    Set(Copy, copy(Copy));
  else if (auto Collective = dyn_cast<file::CollectiveOp>(Op))
    Set(Collective, collective(Collective));
  else
    return; // denotes memory, is no step
  Table->source = sourceOf(Op->getLoc());
  Function.steps.push_back(std::move(Table));
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

file::LaunchT Writer::launch(file::LaunchOp Op) {
  file::LaunchT Table;
  Table.kernel = kernel(Symbols.lookup<tile::KernelOp>(Op.getKernel()));
  auto Grid = llvm::to_vector(Op.getGrid().getAsRange<file::ExprAttr>());
  Table.grid_x = expr(Grid[0]);
  Table.grid_y = expr(Grid[1]);
  Table.grid_z = expr(Grid[2]);
  for (auto [Operand, Written] : llvm::zip(Op.getOperands(), Op.getWritten()))
    Table.args.push_back(argument(Op, Operand, Written));
  if (auto Operations = Op->getAttrOfType<ArrayAttr>(file::kOperationsAttr)) {
    Table.operations = terms(Operations);
    if (auto Operand = Op->getAttrOfType<TypeAttr>(file::kOperandAttr))
      Table.operand = *dtypeOf(Operand.getValue());
  }
  if (auto Touched = Op->getAttrOfType<DictionaryAttr>(file::kTouchedAttr))
    for (auto [Name, Argument] : llvm::zip(Op.getNames(), Table.args))
      if (auto Terms = Touched.getAs<ArrayAttr>(cast<StringAttr>(Name)))
        Argument->touched = terms(Terms);
  return Table;
}

static_assert(std::size(file::kQuantities) ==
              static_cast<size_t>(file::Quantity::MAX) + 1);

std::vector<std::unique_ptr<file::TermT>> Writer::terms(ArrayAttr Terms) {
  std::vector<std::unique_ptr<file::TermT>> Tables;
  for (Attribute Each : Terms) {
    const std::optional<file::WorkTerm> Term = file::WorkTerm::of(Each);
    if (!Term)
      continue;
    auto Table = std::make_unique<file::TermT>();
    const auto *Found = llvm::find(file::kQuantities, Term->Quantity);
    Table->quantity = static_cast<file::Quantity>(
        std::distance(std::begin(file::kQuantities), Found));
    Table->factor = Term->Factor;
    if (Term->Size)
      Table->size = expr(Term->Size);
    Table->most = Term->Most;
    Table->choices = Term->Choices;
    Table->of = Term->Of;
    Tables.push_back(std::move(Table));
  }
  return Tables;
}

file::CopyT Writer::copy(file::CopyOp Op) {
  file::CopyT Table;
  Table.destination = argument(Op, Op.getDestination(), /*Written=*/true);
  Table.source = argument(Op, Op.getSource(), /*Written=*/false);
  return Table;
}

file::CollectiveT Writer::collective(file::CollectiveOp Op) {
  file::CollectiveT Table;
  Table.kind = Op.isAllToAll() ? file::CollectiveKind::AllToAll
                               : file::CollectiveKind::AllGather;
  Table.axis = axis(Op.getAxis());
  Table.source = argument(Op, Op.getSource(), /*Written=*/false);
  Table.destination = argument(Op, Op.getDestination(), /*Written=*/true);
  Table.block = expr(Op.getRows());
  auto Type = cast<MemRefType>(Op.getSource().getType());
  Table.unit = elementBytes(Type);
  for (int64_t Extent : Type.getShape().drop_front())
    Table.unit *= Extent;
  return Table;
}

std::unique_ptr<file::ConditionT>
Writer::condition(std::optional<file::ConditionAttr> Condition) {
  if (!Condition)
    return nullptr;
  auto Table = std::make_unique<file::ConditionT>();
  Table->symbol = SymbolIndex.lookup(Condition->getSymbol());
  Table->at_least = Condition->getAtLeast();
  Table->below = Condition->getBelow();
  return Table;
}

std::unique_ptr<file::ArgT> Writer::argument(Operation *Step, Value Operand,
                                             bool Written) {
  auto Table = std::make_unique<file::ArgT>();
  if (auto Scalar = Operand.getDefiningOp<file::ScalarOp>()) {
    Table->kind = file::ArgKind::Scalar;
    Table->value = expr(Scalar.getValue());
    return Table;
  }
  const MemoryRange Range = *rangeOf(Step, Operand);
  Table->offset = Range.Offset;
  Table->bytes = expr(Range.Bytes);
  if (Range.Shift)
    Table->shift = expr(Range.Shift);
  Table->written = Written;
  if (auto Argument = dyn_cast<BlockArgument>(Range.Base)) {
    auto Program = cast<file::ProgramOp>(Argument.getOwner()->getParentOp());
    const unsigned Number = Argument.getArgNumber();
    const bool IsOutput = Program.isOutput(Number);
    Table->kind = IsOutput ? file::ArgKind::Output : file::ArgKind::Input;
    Table->index = IsOutput ? Number - Program.getNumInputs() : Number;
    return Table;
  }
  llvm::TypeSwitch<Operation *>(Range.Base.getDefiningOp())
      .Case([&](file::BufferOp Buffer) {
        Table->kind = file::ArgKind::Arena;
        Table->index = ActivationArena;
        Table->offset += *Buffer.getOffset();
      })
      .Case([&](file::GlobalRefOp Ref) {
        auto Global = Symbols.lookup<file::GlobalOp>(Ref.getGlobal());
        Table->kind = file::ArgKind::Arena;
        Table->index = GlobalArena.lookup(Global.getSymName());
        Table->offset += *Global.getOffset();
      })
      .Case([&](file::ParameterOp Parameter) {
        Table->kind = file::ArgKind::Parameter;
        Table->index = parameter(Parameter);
      });
  return Table;
}

uint32_t Writer::kernel(tile::KernelOp Kernel) {
  auto [Found, IsNew] =
      KernelIndex.try_emplace(Kernel.getSymName(), Plan.kernels.size());
  if (IsNew) {
    auto Table = std::make_unique<file::KernelT>();
    Table->name = Kernel.getSymName().str();
    Table->image = 0; // there is one
    Table->argument_count = Kernel.getParameters().size();
    const KernelLaunch &Launch = Image.Kernels.at(Kernel.getSymName());
    Table->scratch_bytes = Launch.ScratchBytes;
    Table->threads = Launch.Threads;
    Plan.kernels.push_back(std::move(Table));
  }
  return Found->second;
}

std::pair<uint32_t, bool> Writer::parameter(StringAttr Tensor, Type Element,
                                            ArrayRef<int64_t> Shape,
                                            ArrayAttr Slices) {
  // A tensor may be several parameters, with other slices each.
  auto [Found, IsNew] =
      ParameterIndex.try_emplace({Tensor, Slices}, Plan.parameters.size());
  if (IsNew) {
    auto Table = std::make_unique<file::ParameterT>();
    Table->name = Tensor.str();
    Table->dtype = *dtypeOf(Element);
    Table->shape.assign(Shape.begin(), Shape.end());
    Plan.parameters.push_back(std::move(Table));
  }
  return {Found->second, IsNew};
}

uint32_t Writer::parameter(file::ParameterOp Op) {
  auto [Number, IsNew] = parameter(
      Op.getTensorAttr(), cast<MemRefType>(Op.getType()).getElementType(),
      Op.getStoredShape(), Op.getSlicesAttr());
  if (!IsNew)
    return Number;
  file::ParameterT *Table = Plan.parameters.back().get();
  if (std::optional<ArrayAttr> Slices = Op.getSlices())
    for (auto Slice : Slices->getAsRange<file::SliceAttr>()) {
      auto Part = std::make_unique<file::ParameterSliceT>();
      Part->dimension = Slice.getDimension();
      Part->axis = axis(Slice.getAxis());
      Part->step = Slice.getStep();
      Part->replicas = Slice.getReplicas();
      Part->begin = Slice.getBegin();
      Part->end = Slice.getEnd();
      Table->slices.push_back(std::move(Part));
    }
  if (std::optional<ArrayAttr> Names = Op.getNames()) {
    Table->names_axis = axis(*Op.getNamesAxis());
    for (auto Name : Names->getAsValueRange<StringAttr>())
      Table->names.push_back(Name.str());
  }
  return Number;
}

std::unique_ptr<file::Expr> Writer::expr(file::ExprAttr E) {
  constexpr int32_t NoSymbol = -1;
  const int32_t Symbol = E.getSymbol().empty()
                             ? NoSymbol
                             : int32_t(SymbolIndex.lookup(E.getSymbol()));
  return std::make_unique<file::Expr>(Symbol, E.getMultiply(), E.getAdd(),
                                      E.getDivide());
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

static std::unique_ptr<file::ModelT> modelOf(ModelAttr Model, int64_t Slots,
                                             int64_t MaxLength) {
  auto Table = std::make_unique<file::ModelT>();
  Table->architecture = Model.getArchitecture().str();
  Table->vocabulary = Model.getVocabulary();
  Table->layers = Model.getLayers();
  for (auto Suffix : Model.getDerived().getAsValueRange<StringAttr>())
    Table->derived.push_back(Suffix.str());
  Table->slots = Slots;
  Table->max_length = MaxLength;
  return Table;
}

/// The bytes of a file, with its digest.
static std::vector<uint8_t> sealed(file::PlanT &Plan) {
  Plan.digest = 1; // any other than 0 makes the field present
  flatbuffers::FlatBufferBuilder Builder(1 << 20);
  Builder.Finish(file::Plan::Pack(Builder, &Plan), file::PlanIdentifier());
  std::vector<uint8_t> Bytes(Builder.GetBufferPointer(),
                             Builder.GetBufferPointer() + Builder.GetSize());
  [[maybe_unused]] bool HasDigest = file::sealPlan(Bytes);
  assert(HasDigest && "the digest field is present");
  return Bytes;
}

std::vector<uint8_t> m1::writePlan(ModuleOp Module, const KernelImage &Image,
                                   int64_t Slots, int64_t MaxLength,
                                   ArrayRef<PlanFigure> Figures) {
  file::PlanT Plan;
  Plan.format_version = file::kFormatVersion;
  Plan.producer = std::string("m1c ") + kProjectVersion;
  Writer(Module, Image, Plan).run();
  if (auto Model = Module->getAttrOfType<ModelAttr>(kModelAttr)) {
    Plan.model = modelOf(Model, Slots, MaxLength);
    if (auto Chunk = Module->getAttrOfType<IntegerAttr>(file::kChunkAttr))
      Plan.model->chunk = Chunk.getInt();
    if (auto Blocks =
            Module->getAttrOfType<IntegerAttr>(file::kCacheBlocksAttr)) {
      Plan.model->cache_blocks = Blocks.getInt();
      Plan.model->block_positions =
          Module->getAttrOfType<IntegerAttr>(file::kBlockPositionsAttr)
              .getInt();
    }
  }
  for (const PlanFigure &Figure : Figures) {
    auto Table = std::make_unique<file::FigureT>();
    Table->name = Figure.Name;
    Table->value = Figure.Value;
    Table->unit = Figure.Unit;
    Plan.figures.push_back(std::move(Table));
  }
  return sealed(Plan);
}
