//===- Program.cpp - a plan's functions for Python ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/python/bindings/Program.h"
#include "frontends/python/bindings/Errors.h"

#include "runtime/comm/Launcher.h"
#include "runtime/plan/Mesh.h"
#include "runtime/support/MappingFaults.h"
#include "runtime/support/Suggestion.h"

#include <algorithm>
#include <mutex>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <new>

namespace nb = nanobind;
using namespace m1;
using namespace m1::python;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

namespace {
/// The name that NumPy has for an element type of plans.
const char *numpyName(ElementType Type) {
  switch (Type) {
  case ElementType::F32:
    return "float32";
  case ElementType::BF16:
    return "bfloat16";
  case ElementType::F16:
    return "float16";
  case ElementType::F64:
    return "float64";
  case ElementType::I32:
    return "int32";
  case ElementType::I64:
    return "int64";
  default:
    return "uint8";
  }
}

nb::dlpack::dtype dlpackType(ElementType Type) {
  using Code = nb::dlpack::dtype_code;
  auto type = [](Code Kind, uint8_t Bits) {
    return nb::dlpack::dtype{static_cast<uint8_t>(Kind), Bits, 1};
  };
  switch (Type) {
  case ElementType::F32:
    return type(Code::Float, 32);
  case ElementType::BF16:
    return type(Code::Bfloat, 16);
  case ElementType::F16:
    return type(Code::Float, 16);
  case ElementType::F64:
    return type(Code::Float, 64);
  case ElementType::I32:
    return type(Code::Int, 32);
  case ElementType::I64:
    return type(Code::Int, 64);
  default:
    return type(Code::UInt, 8);
  }
}

/// "float32", "int64", "bool": as NumPy names it.
std::string nameOf(nb::dlpack::dtype Type) {
  using Code = nb::dlpack::dtype_code;
  if (Type.lanes != 1)
    return "vectors";
  const std::string Bits = std::to_string(Type.bits);
  switch (static_cast<Code>(Type.code)) {
  case Code::Int:
    return "int" + Bits;
  case Code::UInt:
    return "uint" + Bits;
  case Code::Float:
    return "float" + Bits;
  case Code::Bfloat:
    return "bfloat" + Bits;
  case Code::Complex:
    return "complex" + Bits;
  case Code::Bool:
    return "bool";
  default:
    return concat("DLPack type ", Type.code, " of ", Bits, " bits");
  }
}

/// Memory for a result, aligned to 64 bytes.
struct ResultMemory {
  explicit ResultMemory(uint64_t Bytes)
      : Data(::operator new(std::max<uint64_t>(Bytes, 1),
                            std::align_val_t(64))) {}
  ResultMemory(ResultMemory &&Other) noexcept
      : Data(std::exchange(Other.Data, nullptr)) {}
  ~ResultMemory() {
    if (Data)
      free(Data);
  }
  static void free(void *Data) noexcept {
    ::operator delete(Data, std::align_val_t(64));
  }

  void *Data;
};

/// A NumPy array that owns the memory. NumPy has no bfloat16: such an array has
/// the bits, as uint16.
nb::object toNumPy(ResultMemory Memory, const HostTensor &Tensor) {
  nb::capsule Owner(Memory.Data, ResultMemory::free);
  void *Data = std::exchange(Memory.Data, nullptr);
  const std::vector<size_t> Shape(Tensor.Shape.begin(), Tensor.Shape.end());
  nb::dlpack::dtype Type = dlpackType(Tensor.Type);
  if (Tensor.Type == ElementType::BF16)
    Type.code = static_cast<uint8_t>(nb::dlpack::dtype_code::UInt);
  return nb::cast(nb::ndarray<nb::numpy>(Data, Shape.size(), Shape.data(),
                                         Owner, nullptr, Type));
}
} // namespace

//===----------------------------------------------------------------------===//
// Descriptions
//===----------------------------------------------------------------------===//

namespace {
/// An extent: a number, or a text such as "T" or "B+1".
nb::object describe(const plan::Plan &Plan, const plan::Expr &Extent) {
  if (Extent.symbol() < 0)
    return nb::int_(evaluate(Extent, {}));
  std::string Text(view(Plan.symbols()->Get(Extent.symbol())->name()));
  if (Extent.multiply() != 1)
    Text = concat(Extent.multiply(), "*", Text);
  if (Extent.add())
    Text += concat(Extent.add() > 0 ? "+" : "", Extent.add());
  if (Extent.divide() != 1)
    Text = concat("ceil((", Text, ")/", Extent.divide(), ")");
  return nb::str(Text.data(), Text.size());
}

using Tensors = flatbuffers::Vector<flatbuffers::Offset<plan::Tensor>>;
nb::dict describe(const plan::Plan &Plan, const Tensors *List) {
  nb::dict Result;
  for (uint32_t I = 0; I < length(List); ++I) {
    const plan::Tensor &Tensor = *List->Get(I);
    nb::list Shape;
    for (uint32_t Axis = 0; Axis < length(Tensor.shape()); ++Axis)
      Shape.append(describe(Plan, *Tensor.shape()->Get(Axis)));
    const std::string_view Name = view(Tensor.name());
    Result[nb::str(Name.data(), Name.size())] = nb::make_tuple(
        numpyName(elementType(Tensor.dtype())), nb::tuple(Shape));
  }
  return Result;
}

/// Bytes of all states for one slot or one block.
uint64_t partBytes(const plan::Plan &Plan, plan::Division By) {
  uint64_t Sum = 0;
  for (uint32_t I = 0; I < length(Plan.arenas()); ++I) {
    const plan::Arena &Arena = *Plan.arenas()->Get(I);
    if (Arena.division() == By && Arena.parts() > 0)
      Sum += Arena.bytes() / static_cast<uint64_t>(Arena.parts());
  }
  return Sum;
}

nb::object describeModel(const plan::Plan &Plan) {
  const plan::Model *Model = Plan.model();
  if (!Model)
    return nb::none();
  nb::dict Result;
  Result["architecture"] =
      Model->architecture() ? Model->architecture()->c_str() : "";
  Result["vocabulary"] = Model->vocabulary();
  Result["slots"] = Model->slots();
  Result["max_length"] = Model->max_length();
  Result["layers"] = Model->layers();
  Result["slot_bytes"] = partBytes(Plan, plan::Division::Slot);
  Result["cache_blocks"] = Model->cache_blocks();
  Result["block_positions"] = Model->block_positions();
  Result["chunk"] = Model->chunk();
  Result["block_bytes"] = partBytes(Plan, plan::Division::Block);
  return Result;
}
} // namespace

nb::dict python::describePlan(const LoadedPlan &Plan) {
  nb::dict Functions, Symbols, Mesh, Result;
  for (const plan::Function *Each : *Plan->functions()) {
    if (view(Each->name()) == "init")
      continue;
    nb::dict Function;
    Function["inputs"] = describe(*Plan, Each->inputs());
    Function["outputs"] = describe(*Plan, Each->outputs());
    Functions[Each->name()->c_str()] = Function;
  }
  for (uint32_t I = 0; I < length(Plan->symbols()); ++I)
    Symbols[Plan->symbols()->Get(I)->name()->c_str()] =
        Plan->symbols()->Get(I)->max();
  for (uint32_t I = 0; I < length(Plan->mesh()); ++I)
    Mesh[Plan->mesh()->Get(I)->name()->c_str()] =
        Plan->mesh()->Get(I)->extent();
  Result["mesh"] = Mesh;
  Result["functions"] = Functions;
  Result["symbols"] = Symbols;
  Result["model"] = describeModel(*Plan);
  Result["parameters"] = length(Plan->parameters());
  nb::list Targets;
  for (uint32_t I = 0; I < length(Plan->images()); ++I)
    Targets.append(Plan->images()->Get(I)->target()->c_str());
  Result["targets"] = Targets;
  return Result;
}

std::unique_ptr<Session> python::openSession(const std::string &Plan,
                                             const std::string &Weights,
                                             const OpenOptions &Options) {
  absl::StatusOr<std::unique_ptr<Session>> Opened;
  {
    nb::gil_scoped_release Unlocked;
    auto open = [&]() -> absl::StatusOr<std::unique_ptr<Session>> {
      M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Loaded,
                          LoadedPlan::load(Plan));
      if (rankCount(**Loaded) > 1)
        return makeError(Loaded->name(), ": compiled for ", rankCount(**Loaded),
                         " ranks (", describeMesh(**Loaded),
                         "), which LLM and m1 serve start; expected a plan "
                         "for one");
      SessionOptions How;
      How.Weights = Weights;
      How.InitSeed = Options.Seed;
      How.Device.Name = Options.Device;
      How.Device.Threads = Options.Threads;
      return Session::open(std::move(Loaded), How);
    };
    Opened = open();
  }
  return check(std::move(Opened));
}

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

namespace {
class Program {
public:
  Program(const std::string &Plan, const std::string &Weights,
          const std::string &Device, unsigned Threads, uint64_t Seed)
      : Opened(openSession(Plan, Weights, {Device, Threads, Seed})) {}

  nb::dict describe() const { return describePlan(*Opened->Plan); }
  std::string device() const { return Opened->TheDevice->description(); }
  nb::dict call(const std::string &Function, const nb::dict &Arguments);

private:
  using Array = nb::ndarray<nb::ro>;
  Array take(const plan::Function &Function, const plan::Tensor &Input,
             const nb::dict &Arguments) const;
  void checkNames(const plan::Function &Function,
                  const nb::dict &Arguments) const;

  std::unique_ptr<Session> Opened;
  std::mutex Calls; ///< held by the one call at a time
};

/// "function 'f': input 'x'"
std::string where(const plan::Function &Function, const plan::Tensor &Input) {
  return concat("function '", view(Function.name()), "': input '",
                view(Input.name()), "'");
}

/// Reports arguments that the function lacks.
void Program::checkNames(const plan::Function &Function,
                         const nb::dict &Arguments) const {
  std::vector<std::string> Names;
  std::string Known;
  for (uint32_t I = 0; I < length(Function.inputs()); ++I) {
    Names.emplace_back(view(Function.inputs()->Get(I)->name()));
    Known += (I ? ", " : "") + Names.back();
  }
  for (auto [Key, Value] : Arguments) {
    const std::string Name = nb::cast<std::string>(Key);
    if (std::find(Names.begin(), Names.end(), Name) == Names.end())
      check(makeError("function '", view(Function.name()), "' has no input '",
                      Name, "'", suggestion(Name, Names),
                      Names.empty() ? "; it has none" : "; it has " + Known));
  }
}

/// An argument as a contiguous array of the input's type in the memory of the
/// host; copied only if it is not contiguous.
Program::Array Program::take(const plan::Function &Function,
                             const plan::Tensor &Input,
                             const nb::dict &Arguments) const {
  const ElementType Type = elementType(Input.dtype());
  nb::str Name(Input.name()->c_str());
  if (!Arguments.contains(Name))
    check(makeError(where(Function, Input), " is missing, expected ",
                    numpyName(Type)));
  nb::object Given = Arguments[Name];
  Array Found;
  if (!nb::try_cast(Given, Found))
    check(makeError(where(Function, Input), ": expected an array of ",
                    numpyName(Type), ", found ",
                    nb::type_name(Given.type()).c_str()));
  if (Found.device_type() != nb::device::cpu::value)
    check(makeError(where(Function, Input),
                    ": expected an array in the memory of the host, found one "
                    "on a device"));
  nb::dlpack::dtype Bits = dlpackType(ElementType::BF16);
  Bits.code = static_cast<uint8_t>(nb::dlpack::dtype_code::UInt);
  const bool IsBits = Type == ElementType::BF16 && Found.dtype() == Bits;
  if (Found.dtype() != dlpackType(Type) && !IsBits)
    check(makeError(where(Function, Input), ": expected ", numpyName(Type),
                    ", found ", nameOf(Found.dtype())));
  nb::ndarray<nb::ro, nb::c_contig> Contiguous;
  if (!nb::try_cast(Given, Contiguous, /*convert=*/true))
    check(makeError(where(Function, Input),
                    ": the array is not contiguous, and cannot be copied"));
  return Array(Contiguous);
}

nb::dict Program::call(const std::string &Name, const nb::dict &Arguments) {
  Executor &Runner = *Opened->Program;
  const uint32_t Index = check(Runner.find(Name));
  const plan::Function &Function = *(*Opened->Plan)->functions()->Get(Index);
  checkNames(Function, Arguments);
  std::vector<Array> Arrays;
  std::vector<HostTensor> Inputs, Outputs;
  static uint64_t Nothing; // the address of arrays without elements
  for (uint32_t I = 0; I < length(Function.inputs()); ++I) {
    const plan::Tensor &Input = *Function.inputs()->Get(I);
    Arrays.push_back(take(Function, Input, Arguments));
    const Array &Given = Arrays.back();
    HostTensor Tensor;
    // Kernels do not write to inputs.
    Tensor.Data = const_cast<void *>(Given.data());
    if (!Tensor.Data)
      Tensor.Data = &Nothing;
    Tensor.Type = elementType(Input.dtype());
    for (size_t Axis = 0; Axis < Given.ndim(); ++Axis)
      Tensor.Shape.push_back(static_cast<int64_t>(Given.shape(Axis)));
    Inputs.push_back(std::move(Tensor));
  }
  std::vector<ResultMemory> Memory;
  absl::Status Done;
  {
    nb::gil_scoped_release Unlocked;
    auto run = [&]() -> absl::Status {
      const std::lock_guard Turn(Calls);
      M1_ASSIGN_OR_RETURN(std::vector<int64_t> Symbols,
                          Runner.bindSymbols(Index, Inputs));
      for (uint32_t I = 0; I < length(Function.outputs()); ++I) {
        HostTensor Output;
        Output.Type = elementType(Function.outputs()->Get(I)->dtype());
        Output.Shape = Runner.outputShape(Index, I, Symbols);
        Memory.emplace_back(Output.bytes());
        Output.Data = Memory.back().Data;
        Outputs.push_back(std::move(Output));
      }
      M1_RETURN_IF_ERROR(Runner.call(Index, Inputs, Outputs));
      return checkMappings();
    };
    Done = run();
  }
  check(Done);
  nb::dict Results;
  for (uint32_t I = 0; I < Outputs.size(); ++I)
    Results[Function.outputs()->Get(I)->name()->c_str()] =
        toNumPy(std::move(Memory[I]), Outputs[I]);
  return Results;
}
} // namespace

void python::defineProgram(nb::module_ &Module) {
  Module.def(
      "describe_plan",
      [](const std::string &Path) {
        return describePlan(*check(LoadedPlan::load(Path)));
      },
      nb::arg("path"),
      "What a plan holds, without its weights: the functions with the types "
      "and shapes of their tensors, the bounds of its symbols, the model, and "
      "the mesh of its ranks, empty for one.");
  Module.def(
      "launched_rank",
      []() -> std::optional<std::pair<int, int>> {
        const std::optional<LaunchedRank> Own = check(launchedRank());
        if (!Own)
          return std::nullopt;
        return std::pair(Own->Rank, Own->Size);
      },
      "This process's rank, and how many there are, if a launcher such as "
      "mpirun has started several.");
  nb::class_<Program>(Module, "Program",
                      "A plan with its weights on a device. Calls from several "
                      "threads run one after the other.")
      .def(nb::init<const std::string &, const std::string &,
                    const std::string &, unsigned, uint64_t>(),
           nb::arg("plan"), nb::arg("weights") = "", nb::kw_only(),
           nb::arg("device") = "", nb::arg("threads") = 0, nb::arg("seed") = 0,
           "Loads the plan and its weights: the directory of a checkpoint, "
           "\"none\" for random ones, or \"\" for a plan without parameters.")
      .def("describe", &Program::describe, "As describe_plan.")
      .def_prop_ro("device", &Program::device, "The device, in words.")
      .def("call", &Program::call, nb::arg("function"), nb::arg("arguments"),
           "Runs a function. `arguments`: its inputs by name, arrays of "
           "exactly its types (NumPy, or anything with DLPack in the memory of "
           "the host). Returns its results by name as NumPy arrays. NumPy has "
           "no bfloat16: results are the bits, in uint16, and inputs may be.");
}
