//===- Inspect.cpp - m1run inspect: a plan's contents ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/TrafficJson.h"

#include "runtime/device/MemoryNeeds.h"
#include "runtime/plan/Mesh.h"
#include "runtime/plan/Traffic.h"

#include <cmath>
#include <cstdio>
#include <set>

using namespace m1;
using namespace m1::run;

namespace {
std::string str(std::string_view Text) { return std::string(Text); }

/// "T", "B+1", "ceil(2*T/64)" or a number.
std::string extentText(const plan::Plan &Plan, const plan::Expr &E) {
  if (E.symbol() < 0)
    return std::to_string(evaluate(E, {}));
  std::string Text = Plan.symbols()->Get(E.symbol())->name()->str();
  if (E.multiply() != 1)
    Text = concat(E.multiply(), "*", Text);
  if (E.add() != 0)
    Text += concat(E.add() > 0 ? "+" : "", E.add());
  return E.divide() == 1 ? Text : concat("ceil((", Text, ")/", E.divide(), ")");
}

json tensorJson(const plan::Plan &Plan, const plan::Tensor &Tensor) {
  json Shape = json::array();
  for (uint32_t I = 0; I < length(Tensor.shape()); ++I) {
    const plan::Expr &E = *Tensor.shape()->Get(I);
    if (E.symbol() < 0)
      Shape.push_back(evaluate(E, {}));
    else
      Shape.push_back(extentText(Plan, E));
  }
  return {{"name", str(view(Tensor.name()))},
          {"dtype", str(name(elementType(Tensor.dtype())))},
          {"shape", Shape}};
}

/// What a function's kernels rely on about the elements of an input.
json checksJson(const plan::Plan &Plan, const plan::Function &Function,
                uint32_t Input) {
  json Checks = json::object();
  for (uint32_t I = 0; I < length(Function.checks()); ++I) {
    const plan::Check &Check = *Function.checks()->Get(I);
    if (Check.input() != Input)
      continue;
    switch (Check.kind()) {
    case plan::CheckKind::Below:
      Checks["below"] = Check.limit();
      break;
    case plan::CheckKind::RowOrNone:
      Checks["row_or_none"] = extentText(Plan, *Check.total());
      break;
    case plan::CheckKind::Unique:
      Checks["unique"] = true;
      break;
    case plan::CheckKind::Offsets:
      Checks["offsets"] = extentText(Plan, *Check.total());
      break;
    case plan::CheckKind::Consecutive:
      Checks["consecutive"] =
          str(view(Function.inputs()->Get(Check.offsets())->name()));
      break;
    }
  }
  return Checks;
}

/// The checkpoint's tensors that a plan reads.
json tensorList(const plan::Plan &Plan) {
  json List = json::array();
  for (uint32_t I = 0; I < length(Plan.parameters()); ++I) {
    const plan::Parameter &Parameter = *Plan.parameters()->Get(I);
    List.push_back({{"name", str(view(Parameter.name()))},
                    {"dtype", str(name(elementType(Parameter.dtype())))},
                    {"shape", shapeOf(Parameter)}});
    if (Plan.mesh() && Plan.mesh()->size())
      List.back()["rank_shape"] = localShape(Parameter);
    for (uint32_t J = 0; J < length(Parameter.slices()); ++J) {
      const plan::ParameterSlice &Slice = *Parameter.slices()->Get(J);
      List.back()["slices"].push_back(
          {{"dimension", Slice.dimension()},
           {"axis", str(view(Plan.mesh()->Get(Slice.axis())->name()))},
           {"step", Slice.step()},
           {"replicas", Slice.replicas()},
           {"begin", Slice.begin()},
           {"end", Slice.end()}});
    }
    if (length(Parameter.names())) {
      List.back()["names_axis"] =
          str(view(Plan.mesh()->Get(Parameter.names_axis())->name()));
      List.back()["names"] = json::array();
      for (const flatbuffers::String *Name : *Parameter.names())
        List.back()["names"].push_back(str(view(Name)));
    }
  }
  return List;
}

/// The mesh, what a rank has of the parameters, and what it sends in the
/// largest calls and in those of one token of one sequence.
void describeRanks(const plan::Plan &Plan, json &Result) {
  Result["ranks"] = rankCount(Plan);
  Result["mesh"] = json::array();
  std::vector<int64_t> Most(length(Plan.symbols())), One(Most.size(), 1);
  for (uint32_t I = 0; I < Most.size(); ++I)
    Most[I] = Plan.symbols()->Get(I)->max();
  for (uint32_t I = 0; I < length(Plan.mesh()); ++I) {
    const plan::MeshAxis &Axis = *Plan.mesh()->Get(I);
    Result["mesh"].push_back(
        {{"axis", str(view(Axis.name()))}, {"extent", Axis.extent()}});
  }
  uint64_t Bytes = 0;
  for (uint32_t I = 0; I < length(Plan.parameters()); ++I)
    Bytes += localBytes(*Plan.parameters()->Get(I));
  Result["rank_parameter_bytes"] = Bytes;
  for (uint32_t I = 0; I < length(Plan.functions()); ++I) {
    const plan::Function &Function = *Plan.functions()->Get(I);
    json &Described = Result["functions"][I];
    Described["sent_at_bounds"] =
        describe(Plan, trafficOf(Plan, Function, Most));
    Described["sent_for_one_token"] =
        describe(Plan, trafficOf(Plan, Function, One));
  }
}

json describePlan(const LoadedPlan &Loaded) {
  const plan::Plan &Plan = *Loaded;
  json Result;
  Result["file"] = Loaded.name();
  Result["file_bytes"] = Loaded.fileBytes();
  Result["format_version"] = Plan.format_version();
  Result["producer"] = str(view(Plan.producer()));
  char Digest[17];
  std::snprintf(Digest, sizeof Digest, "%016llx",
                static_cast<unsigned long long>(Plan.digest()));
  Result["digest"] = Digest;
  if (const plan::Model *Model = Plan.model())
    Result["model"] = {{"architecture", str(view(Model->architecture()))},
                       {"vocabulary", Model->vocabulary()},
                       {"layers", Model->layers()},
                       {"slots", Model->slots()},
                       {"max_length", Model->max_length()},
                       {"cache_blocks", Model->cache_blocks()},
                       {"block_positions", Model->block_positions()},
                       {"chunk", Model->chunk()}};
  // A tensor may be several parameters, and a parameter several tensors.
  int64_t Elements = 0, Bytes = 0;
  std::set<std::string_view> Tensors;
  auto addTensor = [&](const plan::Parameter &Parameter,
                       std::string_view Name) {
    if (!Tensors.insert(Name).second)
      return;
    Elements += *elementCount(Parameter);
    Bytes += bytesOf(Parameter);
  };
  for (uint32_t I = 0; I < length(Plan.parameters()); ++I) {
    const plan::Parameter &Parameter = *Plan.parameters()->Get(I);
    addTensor(Parameter, view(Parameter.name()));
    for (uint32_t J = 0; J < length(Parameter.names()); ++J)
      addTensor(Parameter, view(Parameter.names()->Get(J)));
  }
  Result["parameters"] = Elements;
  Result["tensors"] = Tensors.size();
  Result["parameter_bytes"] = Bytes;

  Result["targets"] = json::array();
  for (uint32_t I = 0; I < length(Plan.images()); ++I) {
    const plan::Image &Image = *Plan.images()->Get(I);
    json Features = json::array();
    for (uint32_t J = 0; J < length(Image.features()); ++J)
      Features.push_back(str(view(Image.features()->Get(J))));
    Result["targets"].push_back({{"target", str(view(Image.target()))},
                                 {"format", str(view(Image.format()))},
                                 {"bytes", Image.data()->size()},
                                 {"features", Features}});
  }
  Result["symbols"] = json::object();
  for (uint32_t I = 0; I < length(Plan.symbols()); ++I)
    Result["symbols"][Plan.symbols()->Get(I)->name()->str()] =
        Plan.symbols()->Get(I)->max();

  Result["arenas"] = json::array();
  for (uint32_t I = 0; I < length(Plan.arenas()); ++I) {
    const plan::Arena &Arena = *Plan.arenas()->Get(I);
    constexpr const char *Kinds[] = {"activations", "weights", "state",
                                     "constants"};
    Result["arenas"].push_back({{"name", str(view(Arena.name()))},
                                {"kind", Kinds[static_cast<int>(Arena.kind())]},
                                {"bytes", Arena.bytes()},
                                {"source", str(view(Arena.source()))}});
    if (Arena.division() != plan::Division::None) {
      Result["arenas"].back()["division"] =
          Arena.division() == plan::Division::Slot ? "slot" : "block";
      Result["arenas"].back()["parts"] = Arena.parts();
    }
  }
  const MemoryNeeds Needs(Plan, /*Alignment=*/1);
  Result["activation_bytes"] = Needs.Activations;
  Result["packed_weight_bytes"] = Needs.Weights;
  Result["state_bytes"] = Needs.States;
  Result["constant_bytes"] = Needs.Constants;

  Result["kernels"] = json::array();
  for (uint32_t I = 0; I < length(Plan.kernels()); ++I) {
    const plan::Kernel &Kernel = *Plan.kernels()->Get(I);
    Result["kernels"].push_back({{"name", str(view(Kernel.name()))},
                                 {"arguments", Kernel.argument_count()},
                                 {"threads", Kernel.threads()},
                                 {"scratch_bytes", Kernel.scratch_bytes()}});
  }
  Result["functions"] = json::array();
  for (uint32_t I = 0; I < length(Plan.functions()); ++I) {
    const plan::Function &Function = *Plan.functions()->Get(I);
    json Inputs = json::array(), Outputs = json::array();
    for (uint32_t J = 0; J < length(Function.inputs()); ++J) {
      Inputs.push_back(tensorJson(Plan, *Function.inputs()->Get(J)));
      if (json Checks = checksJson(Plan, Function, J); !Checks.empty())
        Inputs.back()["checks"] = Checks;
    }
    for (uint32_t J = 0; J < length(Function.outputs()); ++J)
      Outputs.push_back(tensorJson(Plan, *Function.outputs()->Get(J)));
    Result["functions"].push_back({{"name", str(view(Function.name()))},
                                   {"inputs", Inputs},
                                   {"outputs", Outputs},
                                   {"steps", length(Function.steps())}});
  }
  if (length(Plan.mesh()))
    describeRanks(Plan, Result);
  Result["figures"] = json::array();
  for (uint32_t I = 0; I < length(Plan.figures()); ++I) {
    const plan::Figure &Figure = *Plan.figures()->Get(I);
    Result["figures"].push_back({{"name", str(view(Figure.name()))},
                                 {"value", Figure.value()},
                                 {"unit", str(view(Figure.unit()))}});
  }
  return Result;
}

std::string signature(const json &Tensors) {
  std::string Text;
  for (const json &Tensor : Tensors) {
    Text += Text.empty() ? "" : ", ";
    Text += Tensor["name"].get<std::string>() + " " +
            Tensor["dtype"].get<std::string>() + "[";
    const char *Separator = "";
    for (const json &Extent : Tensor["shape"]) {
      Text += Separator +
              (Extent.is_string() ? Extent.get<std::string>() : dump(Extent));
      Separator = ", ";
    }
    Text += "]";
  }
  return Text;
}

void printText(const json &D) {
  auto number = [](const json &Value) { return dump(Value); };
  auto line = [](const std::string &Label, const std::string &Text) {
    std::printf("%-16s%s\n", Label.c_str(), printable(Text, SIZE_MAX).c_str());
  };
  line("plan", D["file"].get<std::string>() + " (" + number(D["file_bytes"]) +
                   " bytes, digest " + D["digest"].get<std::string>() + ")");
  line("producer", D["producer"].get<std::string>());
  if (D.contains("model"))
    line("model", D["model"]["architecture"].get<std::string>() + ", " +
                      number(D["model"]["layers"]) + " layers, vocabulary " +
                      number(D["model"]["vocabulary"]) + ", " +
                      number(D["model"]["slots"]) + " slots of " +
                      number(D["model"]["max_length"]) + " tokens");
  if (D.contains("model") && D["model"]["cache_blocks"] != 0)
    line("cache", number(D["model"]["cache_blocks"]) + " blocks of " +
                      number(D["model"]["block_positions"]) + " positions");
  line("parameters", number(D["parameters"]) + " in " + number(D["tensors"]) +
                         " tensors, " + number(D["parameter_bytes"]) +
                         " bytes");
  if (D.contains("tensor_list"))
    for (const json &Tensor : D["tensor_list"])
      line("tensor", signature(json::array({Tensor})));
  if (D.contains("mesh")) {
    std::string Axes;
    for (const json &Axis : D["mesh"])
      Axes += (Axes.empty() ? "" : " x ") + Axis["axis"].get<std::string>() +
              " " + number(Axis["extent"]);
    line("ranks", number(D["ranks"]) + " (" + Axes + ")");
    line("on each rank",
         number(D["rank_parameter_bytes"]) + " bytes of parameters, " +
             number(D["packed_weight_bytes"]) + " of packed weights, " +
             number(D["state_bytes"]) + " of states, " +
             number(D["activation_bytes"]) + " of activations");
  }
  for (const json &Target : D["targets"]) {
    std::string Features;
    for (const json &Feature : Target["features"])
      Features += " +" + Feature.get<std::string>();
    line("target", Target["target"].get<std::string>() + Features + ", " +
                       number(Target["bytes"]) + " bytes of code");
  }
  for (const auto &[Name, Max] : D["symbols"].items())
    line("symbol", Name + " <= " + number(Max));
  for (const json &Arena : D["arenas"]) {
    std::string Parts;
    if (Arena.contains("parts"))
      Parts = ", " + number(Arena["parts"]) + " parts, by " +
              Arena["division"].get<std::string>();
    line("arena", Arena["name"].get<std::string>() + ": " +
                      Arena["kind"].get<std::string>() + ", " +
                      number(Arena["bytes"]) + " bytes" + Parts);
  }
  line("kernels", std::to_string(D["kernels"].size()));
  // A GPU's occupancy depends on the resources of each thread block.
  for (const json &Target : D["targets"])
    if (Target["format"] == "ptx")
      for (const json &Kernel : D["kernels"])
        line("kernel", Kernel["name"].get<std::string>() + ": " +
                           number(Kernel["threads"]) + " threads, " +
                           number(Kernel["scratch_bytes"]) +
                           " bytes of shared memory");
  for (const json &Function : D["functions"])
    line("function", Function["name"].get<std::string>() + "(" +
                         signature(Function["inputs"]) + ") -> (" +
                         signature(Function["outputs"]) + "), " +
                         number(Function["steps"]) + " steps");
  auto sent = [&](const json &Function, const char *Key, const char *When) {
    if (Function.contains(Key))
      for (const json &Each : Function[Key])
        line("sent", Function["name"].get<std::string>() + ", " + When + ": " +
                         Each["kind"].get<std::string>() + " over " +
                         Each["axis"].get<std::string>() + ", " +
                         number(Each["bytes"]) + " bytes in " +
                         number(Each["messages"]) + " messages of " +
                         number(Each["exchanges"]) + " exchanges");
  };
  for (const json &Function : D["functions"]) {
    sent(Function, "sent_at_bounds", "largest call");
    sent(Function, "sent_for_one_token", "one token");
  }
  // Most figures are whole numbers, such as bytes.
  auto figure = [](const json &Value) {
    double Number = Value.get<double>();
    return Number == std::floor(Number) && std::fabs(Number) < 0x1p53
               ? std::to_string(static_cast<int64_t>(Number))
               : dump(Value);
  };
  for (const json &Figure : D["figures"])
    line("figure", Figure["name"].get<std::string>() + ": " +
                       figure(Figure["value"]) + " " +
                       Figure["unit"].get<std::string>());
}
} // namespace

void run::addInspect(CLI::App &App, Action &Chosen) {
  struct Options {
    std::string PlanPath;
    bool Json = false, Tensors = false;
  };
  auto Given = std::make_shared<Options>();
  CLI::App *Command = App.add_subcommand(
      "inspect", "Print a plan's functions, kernels, parameters and memory");
  Command
      ->add_option("PLAN", Given->PlanPath, "the plan: a model compiled by m1c")
      ->required()
      ->type_name("FILE.m1plan");
  Command->add_flag("--json", Given->Json,
                    "print a JSON object instead of text");
  Command->add_flag("--tensors", Given->Tensors,
                    "list the checkpoint's tensors, too");
  Command->callback([Given, &Chosen] {
    Chosen = [Given]() -> absl::Status {
      M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                          LoadedPlan::load(Given->PlanPath));
      json Description = describePlan(*Plan);
      if (Given->Tensors)
        Description["tensor_list"] = tensorList(**Plan);
      if (Given->Json)
        std::printf("%s\n", dump(Description, 2).c_str());
      else
        printText(Description);
      return absl::OkStatus();
    };
  });
}
