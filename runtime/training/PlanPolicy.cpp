//===- PlanPolicy.cpp - a plan that is trained ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/PlanPolicy.h"

#include "runtime/schema/ElementTypes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace m1;

//===----------------------------------------------------------------------===//
// Functions of the plan
//===----------------------------------------------------------------------===//

/// A function whose tensors are set by name.
class PlanPolicy::Function {
public:
  static absl::StatusOr<const plan::Function *> find(const LoadedPlan &Plan,
                                                     std::string_view Name) {
    if (const plan::Function *Table = Plan.function(Name))
      return Table;
    return makeError(Plan.name(), ": no function '", Name,
                     "': the plan was not compiled for training; use m1c "
                     "--train");
  }
  static absl::StatusOr<std::unique_ptr<Function>> find(Executor &Program,
                                                        std::string_view Name) {
    M1_ASSIGN_OR_RETURN(const plan::Function *Table,
                        find(Program.plan(), Name));
    M1_ASSIGN_OR_RETURN(uint32_t Number, Program.find(Name));
    return std::unique_ptr<Function>(new Function(Program, Number, *Table));
  }

  const plan::Function &table() const { return Table; }

  template <typename T>
  absl::Status setInput(std::string_view Name, std::span<const T> Values) {
    // Functions only read their inputs.
    return set(Table.inputs(), Inputs, Name, const_cast<T *>(Values.data()),
               Values.size());
  }
  template <typename T>
  absl::Status setInput(std::string_view Name, const std::vector<T> &Values) {
    return setInput(Name, std::span<const T>(Values));
  }
  template <typename T>
  absl::Status setOutput(std::string_view Name, std::vector<T> &Values) {
    return set(Table.outputs(), Outputs, Name, Values.data(), Values.size());
  }

  absl::Status call() { return Program.call(Number, Inputs, Outputs); }

private:
  Function(Executor &Program, uint32_t Number, const plan::Function &Table)
      : Program(Program), Number(Number), Table(Table),
        Inputs(length(Table.inputs())), Outputs(length(Table.outputs())) {}

  /// The tensor's row size follows from the plan, the rows from `Count`.
  template <typename T, typename List>
  absl::Status set(const List *Declared, std::vector<HostTensor> &Tensors,
                   std::string_view Name, T *Data, size_t Count) {
    constexpr ElementType Type = sizeof(T) == 4 && std::is_integral_v<T>
                                     ? ElementType::I32
                                     : ElementType::F32;
    static_assert(sizeof(T) == 4);
    for (uint32_t I = 0; I < length(Declared); ++I) {
      const plan::Tensor &Tensor = *Declared->Get(I);
      if (view(Tensor.name()) != Name)
        continue;
      int64_t Row = 1;
      std::vector<int64_t> Shape{0};
      for (uint32_t Axis = 1; Axis < length(Tensor.shape()); ++Axis) {
        Shape.push_back(Tensor.shape()->Get(Axis)->add());
        Row *= Shape.back();
      }
      Shape[0] = static_cast<int64_t>(Count) / Row;
      Tensors[I] = {Data, Type, std::move(Shape)};
      return absl::OkStatus();
    }
    return makeError(Program.plan().name(), ": function '", view(Table.name()),
                     "' has no '", Name, "'");
  }

  Executor &Program;
  uint32_t Number;
  const plan::Function &Table;
  std::vector<HostTensor> Inputs, Outputs;
};

/// The bound of the symbol that is the extent of axis 0 of input `Name`, or the
/// extent itself.
static int64_t boundOf(const LoadedPlan &Plan, const plan::Function &Function,
                       std::string_view Name) {
  for (uint32_t I = 0; I < length(Function.inputs()); ++I) {
    const plan::Tensor &Input = *Function.inputs()->Get(I);
    if (view(Input.name()) != Name || length(Input.shape()) == 0)
      continue;
    const plan::Expr &Extent = *Input.shape()->Get(0);
    return Extent.symbol() < 0 ? Extent.add()
                               : Plan->symbols()->Get(Extent.symbol())->max();
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

PlanPolicy::PlanPolicy(Session &Running) : Running(Running) {}
PlanPolicy::~PlanPolicy() = default;

absl::StatusOr<std::unique_ptr<PlanPolicy>>
PlanPolicy::create(Session &Running) {
  std::unique_ptr<PlanPolicy> Result(new PlanPolicy(Running));
  M1_RETURN_IF_ERROR(Result->bind());
  M1_RETURN_IF_ERROR(Result->bindTensors());
  return Result;
}

absl::StatusOr<PolicyLimits> PlanPolicy::limitsOf(const LoadedPlan &Plan) {
  M1_ASSIGN_OR_RETURN(const plan::Function *Step,
                      Function::find(Plan, "gradients"));
  M1_ASSIGN_OR_RETURN(const plan::Function *Experts,
                      Function::find(Plan, "routing"));
  M1_ASSIGN_OR_RETURN(const plan::Model *Model, languageModelOf(Plan));
  PolicyLimits Limits;
  Limits.Vocabulary = Model->vocabulary();
  Limits.MaxLength = Model->max_length();
  Limits.Slots = Model->slots();
  Limits.TrainTokens = boundOf(Plan, *Step, "tokens");
  Limits.TrainSequences = boundOf(Plan, *Step, "slots");
  Limits.Experts = boundOf(Plan, *Step, "balance");
  Limits.Layers = length(Experts->outputs());
  return Limits;
}

absl::Status PlanPolicy::bind() {
  Executor &Program = *Running.Program;
  M1_ASSIGN_OR_RETURN(Gradients, Function::find(Program, "gradients"));
  M1_ASSIGN_OR_RETURN(Routing, Function::find(Program, "routing"));
  M1_ASSIGN_OR_RETURN(Collect, Function::find(Program, "collect"));
  M1_ASSIGN_OR_RETURN(Update, Function::find(Program, "update"));
  M1_ASSIGN_OR_RETURN(Publish, Function::find(Program, "publish"));
  M1_ASSIGN_OR_RETURN(Model, LanguageModel::create(Program));
  const LoadedPlan &Plan = Program.plan();
  M1_ASSIGN_OR_RETURN(Limits, limitsOf(Plan));
  Limits.Slots = Model->maxSequences();
  Groups = boundOf(Plan, Update->table(), "learning_rates");
  return absl::OkStatus();
}

absl::Status PlanPolicy::bindTensors() {
  const plan::Plan &Plan = **Running.Plan;
  constexpr size_t Unknown = -1;
  std::vector<size_t> TensorOf(length(Plan.parameters()), Unknown);
  for (uint32_t I = 0; I < length(Plan.trained()); ++I) {
    const plan::Trained &Part = *Plan.trained()->Get(I);
    size_t &Tensor = TensorOf[Part.parameter()];
    if (Tensor == Unknown) {
      Tensor = Tensors.size();
      const plan::Parameter &Parameter =
          *Plan.parameters()->Get(Part.parameter());
      Tensors.push_back({std::string(view(Parameter.name())),
                         elementType(Parameter.dtype()), shapeOf(Parameter)});
      PartsOf.emplace_back();
    }
    PartsOf[Tensor].Numbers.push_back(I);
    if (Part.group() >= Groups)
      return makeError(Running.Plan->name(), ": tensor '", Tensors[Tensor].Name,
                       "' is in group ", Part.group(), ", 'update' has ",
                       Groups);
  }
  for (size_t Tensor = 0; Tensor < Tensors.size(); ++Tensor) {
    // Together the parts must be the tensor: what is saved would lack a piece.
    int64_t Covered = 0;
    for (uint32_t Number : PartsOf[Tensor].Numbers) {
      const plan::Trained &Part = *Plan.trained()->Get(Number);
      Covered += Part.end() - Part.begin();
      if (Covered == Tensors[Tensor].Shape[Part.axis()])
        break;
    }
    const uint32_t Axis =
        Plan.trained()->Get(PartsOf[Tensor].Numbers[0])->axis();
    if (Covered != Tensors[Tensor].Shape[Axis])
      return makeError(Running.Plan->name(), ": only a part of tensor '",
                       Tensors[Tensor].Name, "' is trained");
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

absl::Status PlanPolicy::generate(
    std::span<const std::vector<int64_t>> Prompts,
    const GenerateOptions &Options,
    const std::function<absl::Status(size_t, const Generated &)> &Finished) {
  GenerateOptions AtTemperature = Options;
  AtTemperature.AtTemperature = true;
  AtTemperature.PromptLogProbs = false;
  return m1::generate(*Model, Prompts, AtTemperature, Finished);
}

absl::Status PlanPolicy::set(Function &Callee, const TrainingBatch &Batch) {
  const size_t Sequences = Batch.CuSeqlens.size() - 1;
  if (static_cast<int64_t>(Batch.Tokens.size()) > Limits.TrainTokens ||
      static_cast<int64_t>(Sequences) > Limits.TrainSequences)
    return makeError("a training batch of ", Sequences, " sequences and ",
                     Batch.Tokens.size(), " tokens; the plan was compiled for ",
                     Limits.TrainSequences, " (--slots) and ",
                     Limits.TrainTokens, " (--train-tokens)");
  Positions.resize(Batch.Tokens.size());
  for (size_t B = 0; B < Sequences; ++B)
    std::iota(Positions.begin() + Batch.CuSeqlens[B],
              Positions.begin() + Batch.CuSeqlens[B + 1], 0);
  Slots.resize(Sequences);
  std::iota(Slots.begin(), Slots.end(), 0);
  M1_RETURN_IF_ERROR(Callee.setInput("tokens", Batch.Tokens));
  M1_RETURN_IF_ERROR(Callee.setInput("positions", Positions));
  M1_RETURN_IF_ERROR(Callee.setInput("cu_seqlens", Batch.CuSeqlens));
  if (Model->blocksPerSequence()) {
    M1_ASSIGN_OR_RETURN(std::span<const int32_t> Blocks,
                        Model->blocksOfSlots(Slots));
    M1_RETURN_IF_ERROR(Callee.setInput("blocks", Blocks));
  }
  return Callee.setInput("slots", Slots);
}

absl::StatusOr<TokenResults>
PlanPolicy::addGradients(const TrainingBatch &Batch, float Temperature,
                         const LossBounds &Bounds,
                         std::span<const float> Balance) {
  const std::vector<float> Temperatures{Temperature};
  const std::vector<float> BoundValues{Bounds.RatioMin, Bounds.RatioMax,
                                       Bounds.MaskBelow, Bounds.MaskAbove};
  const size_t Count = Batch.Tokens.size();
  TokenResults Results{std::vector<float>(Count), std::vector<float>(Count),
                       std::vector<float>(Count)};
  Function &Callee = *Gradients;
  M1_RETURN_IF_ERROR(set(Callee, Batch));
  M1_RETURN_IF_ERROR(Callee.setInput("targets", Batch.Targets));
  M1_RETURN_IF_ERROR(Callee.setInput("old_log_probs", Batch.OldLogProbs));
  M1_RETURN_IF_ERROR(Callee.setInput("advantages", Batch.Advantages));
  M1_RETURN_IF_ERROR(Callee.setInput("weights", Batch.Weights));
  M1_RETURN_IF_ERROR(Callee.setInput("temperature", Temperatures));
  M1_RETURN_IF_ERROR(Callee.setInput("bounds", BoundValues));
  M1_RETURN_IF_ERROR(Callee.setInput("balance", Balance));
  M1_RETURN_IF_ERROR(Callee.setOutput("log_probs", Results.LogProbs));
  M1_RETURN_IF_ERROR(Callee.setOutput("entropy", Results.Entropy));
  M1_RETURN_IF_ERROR(Callee.setOutput("balance_loss", Results.Balance));
  M1_RETURN_IF_ERROR(Callee.call());
  return Results;
}

absl::StatusOr<std::vector<int64_t>>
PlanPolicy::expertCounts(const TrainingBatch &Batch) {
  M1_RETURN_IF_ERROR(set(*Routing, Batch));
  const auto *Outputs = Routing->table().outputs();
  std::vector<std::vector<int32_t>> Chosen(length(Outputs));
  for (uint32_t Layer = 0; Layer < Chosen.size(); ++Layer) {
    const plan::Tensor &Output = *Outputs->Get(Layer);
    const int64_t Choices = Output.shape()->Get(1)->add();
    Chosen[Layer].resize(Batch.Tokens.size() * Choices);
    M1_RETURN_IF_ERROR(Routing->setOutput(view(Output.name()), Chosen[Layer]));
  }
  M1_RETURN_IF_ERROR(Routing->call());
  std::vector<int64_t> Counts(Limits.Layers * Limits.Experts);
  for (size_t Layer = 0; Layer < Chosen.size(); ++Layer)
    for (int32_t Expert : Chosen[Layer])
      ++Counts[Layer * Limits.Experts + Expert];
  return Counts;
}

absl::StatusOr<std::vector<float>>
PlanPolicy::groupDecays(std::span<const float> OfTensors) const {
  const plan::Plan &Plan = **Running.Plan;
  std::vector<float> Decays(Groups);
  std::vector<bool> Known(Groups);
  for (size_t Tensor = 0; Tensor < Tensors.size(); ++Tensor)
    for (uint32_t Number : PartsOf[Tensor].Numbers) {
      const uint32_t Group = Plan.trained()->Get(Number)->group();
      const float Decay = OfTensors[Tensor];
      if (Known[Group] && Decays[Group] != Decay)
        return makeError("weight_decay_exclude: tensor '", Tensors[Tensor].Name,
                         "' has the weight decay ", Decay,
                         ", others of its layer, which are one parameter of "
                         "the plan, have ",
                         Decays[Group]);
      Decays[Group] = Decay;
      Known[Group] = true;
    }
  return Decays;
}

absl::StatusOr<UpdateResults>
PlanPolicy::update(const UpdateSettings &Settings) {
  M1_ASSIGN_OR_RETURN(const std::vector<float> Decays,
                      groupDecays(Settings.WeightDecay));
  const std::vector<float> Rates(Groups,
                                 static_cast<float>(Settings.LearningRate));
  const auto Step = static_cast<double>(Settings.Step);
  const std::vector<float> Hyperparameters{
      static_cast<float>(Settings.Beta1), static_cast<float>(Settings.Beta2),
      static_cast<float>(Settings.Epsilon),
      static_cast<float>(1 - std::pow(Settings.Beta1, Step)),
      static_cast<float>(1 - std::pow(Settings.Beta2, Step))};
  const std::vector<float> MaxNorm{static_cast<float>(Settings.MaxGradNorm)};
  const std::vector<int32_t> Enabled{Settings.Apply};
  std::vector<float> Norm(1);
  std::vector<int32_t> Applied(1);
  Function &Callee = *Update;
  M1_RETURN_IF_ERROR(Callee.setInput("max_norm", MaxNorm));
  M1_RETURN_IF_ERROR(Callee.setInput("enabled", Enabled));
  M1_RETURN_IF_ERROR(Callee.setInput("learning_rates", Rates));
  M1_RETURN_IF_ERROR(Callee.setInput("weight_decays", Decays));
  M1_RETURN_IF_ERROR(Callee.setInput("hyperparameters", Hyperparameters));
  M1_RETURN_IF_ERROR(Callee.setOutput("grad_norm", Norm));
  M1_RETURN_IF_ERROR(Callee.setOutput("applied", Applied));
  M1_RETURN_IF_ERROR(Callee.call());
  return UpdateResults{Norm[0], Applied[0] != 0};
}

absl::Status PlanPolicy::publish() { return Publish->call(); }

//===----------------------------------------------------------------------===//
// The optimiser's tensors
//===----------------------------------------------------------------------===//

template <typename Copy>
absl::Status PlanPolicy::forParts(size_t Tensor, OptimizerTensor Kind,
                                  Copy CopyPart) {
  const plan::Plan &Plan = **Running.Plan;
  const std::vector<int64_t> &Shape = Tensors[Tensor].Shape;
  for (uint32_t Number : PartsOf[Tensor].Numbers) {
    const plan::Trained &Part = *Plan.trained()->Get(Number);
    const uint32_t Arena = Kind == OptimizerTensor::Master   ? Part.master()
                           : Kind == OptimizerTensor::First  ? Part.first()
                           : Kind == OptimizerTensor::Second ? Part.second()
                                                             : Part.gradient();
    int64_t Runs = 1, Inner = 1;
    for (uint32_t Axis = 0; Axis < Part.axis(); ++Axis)
      Runs *= Shape[Axis];
    for (size_t Axis = Part.axis() + 1; Axis < Shape.size(); ++Axis)
      Inner *= Shape[Axis];
    M1_RETURN_IF_ERROR(CopyPart(Arena, Part.offset() * sizeof(float), Runs,
                                (Part.end() - Part.begin()) * Inner,
                                Shape[Part.axis()] * Inner,
                                Part.begin() * Inner));
  }
  return absl::OkStatus();
}

absl::Status PlanPolicy::read(size_t Tensor, OptimizerTensor Kind,
                              std::span<float> To) {
  if (Kind == OptimizerTensor::Gradient)
    M1_RETURN_IF_ERROR(Collect->call());
  return forParts(
      Tensor, Kind,
      [&](uint32_t Arena, uint64_t Offset, int64_t Runs, int64_t Run,
          int64_t Distance, int64_t First) -> absl::Status {
        if (Runs == 1)
          return Running.Program->readArena(
              Arena, Offset, std::as_writable_bytes(To.subspan(First, Run)));
        std::vector<float> Part(Runs * Run);
        M1_RETURN_IF_ERROR(Running.Program->readArena(
            Arena, Offset, std::as_writable_bytes(std::span(Part))));
        for (int64_t I = 0; I < Runs; ++I)
          std::copy_n(Part.begin() + I * Run, Run,
                      To.begin() + First + I * Distance);
        return absl::OkStatus();
      });
}

absl::Status PlanPolicy::write(size_t Tensor, OptimizerTensor Kind,
                               std::span<const float> From) {
  return forParts(
      Tensor, Kind,
      [&](uint32_t Arena, uint64_t Offset, int64_t Runs, int64_t Run,
          int64_t Distance, int64_t First) -> absl::Status {
        if (Runs == 1)
          return Running.Program->writeArena(
              Arena, Offset, std::as_bytes(From.subspan(First, Run)));
        std::vector<float> Part(Runs * Run);
        for (int64_t I = 0; I < Runs; ++I)
          std::copy_n(From.begin() + First + I * Distance, Run,
                      Part.begin() + I * Run);
        return Running.Program->writeArena(Arena, Offset,
                                           std::as_bytes(std::span(Part)));
      });
}

absl::StatusOr<std::span<const float>>
PlanPolicy::inPlace(size_t Tensor, OptimizerTensor Kind) {
  std::span<const float> Whole;
  // The sum of several gradients exists only after `collect`.
  if (PartsOf[Tensor].Numbers.size() > 1 || Kind == OptimizerTensor::Gradient)
    return Whole;
  M1_RETURN_IF_ERROR(forParts(
      Tensor, Kind,
      [&](uint32_t Arena, uint64_t Offset, int64_t Runs, int64_t Run, int64_t,
          int64_t) -> absl::Status {
        // A single part is the whole tensor: its runs follow one another.
        M1_ASSIGN_OR_RETURN(std::span<const std::byte> Bytes,
                            Running.Program->viewArena(
                                Arena, Offset, Runs * Run * sizeof(float)));
        Whole = {reinterpret_cast<const float *>(Bytes.data()),
                 Bytes.size() / sizeof(float)};
        return absl::OkStatus();
      }));
  return Whole;
}
