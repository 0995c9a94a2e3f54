//===- Builder.cpp - builds the model in the m1 dialect -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/Builder.h"

#include "dialects/M1/IR/M1.h"
#include "dialects/Support/ElementTypes.h"
#include "dialects/Support/SumTree.h"
#include "frontends/huggingface/Derived.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>

using namespace m1::huggingface;
using namespace mlir;
using m1::ElementType;

namespace {

/// Epsilon of the norm inside a lightning layer, which config.json does not
/// set.
constexpr double LightningNormEps = 1e-6;

/// The symbol of the number of tokens in a training batch; it has a bound of
/// its own.
constexpr StringRef kTrainTokens = m1::kTrainTokensSymbol;

/// The arguments that every function of the model takes.
struct RaggedBatch {
  Value Tokens, Positions, CuSeqlens, Slots;
  Value Blocks; ///< null if caches are not in blocks
};

/// An argument or result of a function: its m1.name, m1.dim and type.
struct Port {
  StringRef Name;
  StringRef Dim; ///< empty: the extent of axis 0 is Rows
  Type Element;
  int64_t Columns = 0; ///< of a tensor of rank 2; 0: rank 1
  int64_t Rows = ShapedType::kDynamic;
};

class ModelBuilder {
public:
  ModelBuilder(const Config &C, ArrayRef<Parameter> Parameters,
               const ModelOptions &Options, MLIRContext *Context)
      : C(C), Parameters(Parameters), Options(Options),
        B(UnknownLoc::get(Context), Context) {}

  OwningOpRef<ModuleOp> run();

private:
  /// Whether ranks may have parts of a product's inner axis.
  enum class Sharded { No, Yes };

  // Declarations.
  void declareParameters();
  void declareStates();
  void buildNext();
  void buildScore();
  void buildLogits();
  void buildGradients();
  void buildRouting();
  int64_t blockColumns() const;
  SmallVector<Port> batchPorts(StringRef Tokens = "T");
  RaggedBatch batchOf(func::FuncOp Function);
  func::FuncOp beginFunction(StringRef Name, ArrayRef<Port> Arguments,
                             ArrayRef<Port> Results);

  // The model; x and the results of the layers are [T, D] f32.
  Value buildLayers(const RaggedBatch &In);
  Value buildLightning(const std::string &Name, int64_t Layer, Value H,
                       const RaggedBatch &In);
  Value buildSoftmax(const std::string &Name, Value H, const RaggedBatch &In);
  Value buildMLP(const std::string &Name, Value H);
  Value buildHead(Value X);

  // Single ops. Their location is the name of what they compute.
  Value parameter(const std::string &Symbol);
  Value state(const std::string &Symbol);
  void writeState(Value State, const std::string &Symbol);
  Value norm(const std::string &Name, Value X, double Eps, int64_t Groups = 1);
  Value linear(const std::string &Name, Value X, Sharded Inner = Sharded::No);
  Value castFor(Value X, Type Element);
  Value splitHeads(Value X, int64_t Heads);
  Value mergeHeads(Value X);

  void at(const Twine &Name) { B.setLoc(NameLoc::get(B.getStringAttr(Name))); }
  /// The element type of the operand of a product with `Weight`.
  Type operandType(const std::string &Weight) {
    Type Element = Types.at(Weight).getElementType();
    return Element.isBF16() ? Element : B.getF32Type();
  }
  RankedTensorType rows(int64_t Columns, Type Element) {
    return RankedTensorType::get({ShapedType::kDynamic, Columns}, Element);
  }
  RankedTensorType heads(int64_t Count, Type Element) {
    return RankedTensorType::get({ShapedType::kDynamic, Count, C.HeadDim},
                                 Element);
  }
  RankedTensorType vector(Type Element) {
    return RankedTensorType::get({ShapedType::kDynamic}, Element);
  }
  RankedTensorType portType(const Port &P) {
    SmallVector<int64_t> Shape{P.Rows};
    if (P.Columns)
      Shape.push_back(P.Columns);
    return RankedTensorType::get(Shape, P.Element);
  }
  DictionaryAttr portAttrs(const Port &P) {
    NamedAttrList List;
    if (!P.Dim.empty())
      List.set(m1::kDimAttr, B.getStringAttr(P.Dim));
    List.set(m1::kNameAttr, B.getStringAttr(P.Name));
    return List.getDictionary(B.getContext());
  }
  Type elementType(ElementType E) { return m1::floatTypeOf(B.getContext(), E); }

  const Config &C;
  ArrayRef<Parameter> Parameters;
  const ModelOptions &Options;
  ImplicitLocOpBuilder B;
  llvm::StringMap<RankedTensorType> Types; ///< of the parameters
  llvm::StringMap<Type> StateTypes;
  llvm::DenseMap<std::pair<Value, Type>, Value> Casts;
  /// The routers' coefficients of the auxiliary loss, and its sum so far, in
  /// the function that computes gradients; null elsewhere.
  Value BalanceCoefficients, Balance;
  SmallVector<Value> Chosen; ///< each layer's experts [T, K] in this function
};

OwningOpRef<ModuleOp> ModelBuilder::run() {
  OwningOpRef<ModuleOp> Module = ModuleOp::create(B.getLoc());
  B.setInsertionPointToEnd(Module->getBody());
  SmallVector<Attribute> Derived;
  for (const std::string &Ending : derivedEndings(C))
    Derived.push_back(B.getStringAttr(Ending));
  Module->getOperation()->setAttr(
      m1::kModelAttr,
      m1::ModelAttr::get(B.getContext(), B.getStringAttr(C.ArchitectureName),
                         C.layers(), C.MaxPosition, C.Vocabulary,
                         B.getArrayAttr(Derived)));
  declareParameters();
  declareStates();
  buildNext();
  buildScore();
  buildLogits();
  if (Options.Train) {
    buildGradients();
    buildRouting();
  }
  return Module;
}

void ModelBuilder::declareParameters() {
  for (const Parameter &P : Parameters) {
    auto Type = RankedTensorType::get(P.Shape, elementType(P.Type));
    Types[P.Symbol] = Type;
    SmallVector<Attribute> Sources;
    for (const Source &S : P.Sources)
      Sources.push_back(m1::SourceAttr::get(
          B.getContext(), B.getStringAttr(S.Tensor), S.Axis, S.Begin, S.End,
          S.Extent, S.Type == P.Type ? mlir::Type() : elementType(S.Type)));
    SmallVector<Attribute> Sharding;
    for (const Spread &S : P.Spreads)
      Sharding.push_back(m1::ShardingAttr::get(
          B.getContext(), S.Dimension, B.getStringAttr(S.Axis), S.Unit,
          S.Units == Spread::Replicable, S.Units == Spread::Short));
    at(P.Symbol);
    B.create<m1::ParameterOp>(P.Symbol, Type, B.getArrayAttr(Sources),
                              P.Stacked && Sources.size() == 1,
                              Sharding.empty() ? ArrayAttr()
                                               : B.getArrayAttr(Sharding));
  }
}

void ModelBuilder::declareStates() {
  for (int64_t Layer = 0; Layer < C.layers(); ++Layer) {
    std::string Name = layerName(Layer) + ".self_attn";
    Type Type;
    if (C.Lightning[Layer])
      Type = m1::LightningStateType::get(B.getContext(), C.Heads, C.HeadDim,
                                         Options.Chunk,
                                         operandType(Name + ".qkv_proj"));
    else
      Type = m1::KVCacheType::get(B.getContext(), C.KeyValueHeads, C.HeadDim,
                                  operandType(Name + ".k_proj"),
                                  blockColumns() ? Options.BlockPositions : 0);
    at(Name);
    StateTypes[Name + ".state"] = Type;
    B.create<m1::StateOp>(Name + ".state", Type, FlatSymbolRefAttr());
  }
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

func::FuncOp ModelBuilder::beginFunction(StringRef Name,
                                         ArrayRef<Port> Arguments,
                                         ArrayRef<Port> Results) {
  SmallVector<Type> Inputs, Outputs;
  SmallVector<DictionaryAttr> InputAttrs, OutputAttrs;
  for (const Port &P : Arguments) {
    Inputs.push_back(portType(P));
    InputAttrs.push_back(portAttrs(P));
  }
  for (const Port &P : Results) {
    Outputs.push_back(portType(P));
    OutputAttrs.push_back(portAttrs(P));
  }
  at(Name);
  auto Function =
      B.create<func::FuncOp>(Name, B.getFunctionType(Inputs, Outputs));
  Function.setAllArgAttrs(InputAttrs);
  Function.setAllResultAttrs(OutputAttrs);
  B.setInsertionPointToStart(Function.addEntryBlock());
  Casts.clear();
  Chosen.clear();
  return Function;
}

/// The blocks of a sequence of the greatest length; 0 if keys and values are
/// not in blocks.
int64_t ModelBuilder::blockColumns() const {
  const bool HasCaches =
      llvm::any_of(C.Lightning, [](bool Lightning) { return !Lightning; });
  return Options.Serve && HasCaches
             ? llvm::divideCeil(Options.MaxLength, Options.BlockPositions)
             : 0;
}

/// The first arguments of every function, for `Tokens` tokens.
SmallVector<Port> ModelBuilder::batchPorts(StringRef Tokens) {
  Type I32 = B.getI32Type();
  SmallVector<Port> Ports{{"tokens", Tokens, I32},
                          {"positions", Tokens, I32},
                          {"cu_seqlens", "B+1", I32},
                          {"slots", "B", I32}};
  if (const int64_t Columns = blockColumns())
    Ports.push_back({"blocks", "B", I32, Columns});
  return Ports;
}

/// The argument of the port `Name`, which must exist.
Value argument(func::FuncOp Function, StringRef Name) {
  for (BlockArgument Argument : Function.getArguments())
    if (m1::getName(Function.getArgAttrDict(Argument.getArgNumber())) == Name)
      return Argument;
  llvm_unreachable("the function has no such port");
}

RaggedBatch ModelBuilder::batchOf(func::FuncOp Function) {
  return {argument(Function, "tokens"), argument(Function, "positions"),
          argument(Function, "cu_seqlens"), argument(Function, "slots"),
          blockColumns() ? argument(Function, "blocks") : Value()};
}

void ModelBuilder::buildNext() {
  Type I32 = B.getI32Type(), F32 = B.getF32Type();
  SmallVector<Port> Arguments = batchPorts();
  Arguments.append({{"temperature", "B", F32},
                    {"top_p", "B", F32},
                    {"top_k", "B", I32},
                    {"seeds", "B", B.getI64Type()},
                    {"sample_positions", "B", I32}});
  if (Options.Serve)
    Arguments.append({{"min_p", "B", F32},
                      {"adjustments", "B", I32},
                      {"bias", m1::kRulesSymbol, F32, C.Vocabulary},
                      {"repetition", m1::kRulesSymbol, F32, C.Vocabulary}});
  OpBuilder::InsertionGuard Guard(B);
  SmallVector<Port> Results{{"sampled", "B", I32},
                            {"log_probs", "B", F32},
                            {"logits", "B", F32, C.Vocabulary}};
  const bool AtTemperature = Options.Train || Options.Serve;
  if (AtTemperature)
    Results.push_back({"policy_log_probs", "B", F32});
  func::FuncOp Function = beginFunction("next", Arguments, Results);
  RaggedBatch In = batchOf(Function);
  Value X = buildLayers(In);
  at("select_last");
  X = B.create<m1::SelectLastOp>(X.getType(), X, In.CuSeqlens);
  Value Logits = buildHead(X);
  // What tokens are drawn from; log_probs are those of the model.
  Value Adjusted = Logits, MinP;
  if (Options.Serve) {
    at("adjust_logits");
    Adjusted = B.create<m1::AdjustLogitsOp>(
        Logits.getType(), Logits, argument(Function, "adjustments"),
        argument(Function, "bias"), argument(Function, "repetition"));
    MinP = argument(Function, "min_p");
  }
  Value Temperature = argument(Function, "temperature");
  at("sample");
  Value Sampled = B.create<m1::SampleOp>(
      vector(I32), Adjusted, Temperature, argument(Function, "top_p"),
      argument(Function, "top_k"), argument(Function, "seeds"),
      argument(Function, "sample_positions"), MinP);
  at("log_probs");
  Value LogProbs =
      B.create<m1::TokenLogProbOp>(vector(F32), Logits, Sampled, Value());
  SmallVector<Value> Returned{Sampled, LogProbs, Logits};
  if (AtTemperature) {
    at("policy_log_probs");
    Returned.push_back(B.create<m1::TokenLogProbOp>(vector(F32), Adjusted,
                                                    Sampled, Temperature));
  }
  at("next");
  B.create<func::ReturnOp>(Returned);
}

void ModelBuilder::buildScore() {
  Type I32 = B.getI32Type(), F32 = B.getF32Type();
  SmallVector<Port> Arguments = batchPorts();
  Arguments.push_back({"targets", "T", I32});
  OpBuilder::InsertionGuard Guard(B);
  func::FuncOp Function =
      beginFunction("score", Arguments, {{"log_probs", "T", F32}});
  Value Logits = buildHead(buildLayers(batchOf(Function)));
  at("log_probs");
  Value LogProbs = B.create<m1::TokenLogProbOp>(
      vector(F32), Logits, argument(Function, "targets"), Value());
  at("score");
  B.create<func::ReturnOp>(LogProbs);
}

void ModelBuilder::buildLogits() {
  OpBuilder::InsertionGuard Guard(B);
  func::FuncOp Function = beginFunction(
      "logits", batchPorts(), {{"logits", "T", B.getF32Type(), C.Vocabulary}});
  Value Logits = buildHead(buildLayers(batchOf(Function)));
  at("logits");
  B.create<func::ReturnOp>(Logits);
}

/// The forward pass with the loss; m1-differentiate adds the backward pass.
void ModelBuilder::buildGradients() {
  Type I32 = B.getI32Type(), F32 = B.getF32Type();
  SmallVector<Port> Arguments = batchPorts(kTrainTokens);
  Arguments.append({{"targets", kTrainTokens, I32},
                    {"old_log_probs", kTrainTokens, F32},
                    {"advantages", kTrainTokens, F32},
                    {"weights", kTrainTokens, F32},
                    {"temperature", "", F32, 0, 1},
                    {"bounds", "", F32, 0, 4},
                    {"balance", "", F32, 0, C.Experts}});
  const std::string Head = C.TieEmbeddings ? "model.embed_tokens" : "lm_head";
  auto Gradient =
      m1::TensorStateType::get(B.getContext(), Types.at(Head).getShape(), F32);
  at(Head);
  B.create<m1::StateOp>(Head + m1::kGradientSuffix.str(), Gradient,
                        FlatSymbolRefAttr());
  OpBuilder::InsertionGuard Guard(B);
  func::FuncOp Function = beginFunction("gradients", Arguments,
                                        {{"log_probs", kTrainTokens, F32},
                                         {"entropy", kTrainTokens, F32},
                                         {"balance_loss", kTrainTokens, F32}});
  BalanceCoefficients = argument(Function, "balance");
  Value X = buildLayers(batchOf(Function));
  X = norm("model.norm", X, C.NormEps);
  Value Weight = parameter(Head);
  at("lm_head");
  Value State =
      B.create<m1::ReadStateOp>(Gradient, Head + m1::kGradientSuffix.str());
  auto Loss = B.create<m1::PolicyHeadOp>(
      vector(F32), vector(F32), X.getType(), Gradient, X, Weight,
      argument(Function, "targets"), argument(Function, "old_log_probs"),
      argument(Function, "advantages"), argument(Function, "weights"),
      argument(Function, "temperature"), argument(Function, "bounds"), State,
      argument(Function, "cu_seqlens"));
  at("gradients");
  B.create<func::ReturnOp>(
      ValueRange{Loss.getLogProbs(), Loss.getEntropy(), Balance});
  BalanceCoefficients = Balance = {};
}

/// The experts of each token, layer by layer.
void ModelBuilder::buildRouting() {
  SmallVector<std::string> Names;
  for (int64_t Layer = 0; Layer < C.layers(); ++Layer)
    Names.push_back("experts." + std::to_string(Layer));
  SmallVector<Port> Results;
  for (const std::string &Name : Names)
    Results.push_back({Name, kTrainTokens, B.getI32Type(), C.ExpertsPerToken});
  OpBuilder::InsertionGuard Guard(B);
  func::FuncOp Function =
      beginFunction("routing", batchPorts(kTrainTokens), Results);
  buildLayers(batchOf(Function));
  at("routing");
  B.create<func::ReturnOp>(Chosen);
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

Value ModelBuilder::buildLayers(const RaggedBatch &In) {
  Value Table = parameter("model.embed_tokens");
  Value X = B.create<m1::EmbeddingOp>(rows(C.Hidden, B.getF32Type()), In.Tokens,
                                      Table);
  for (int64_t Layer = 0; Layer < C.layers(); ++Layer) {
    std::string Name = layerName(Layer);
    Mix AttentionMix = C.Lightning[Layer] ? C.LightningMix : C.SoftmaxMix;
    Value H = norm(Name + ".input_layernorm", X, C.NormEps);
    Value Attention = C.Lightning[Layer]
                          ? buildLightning(Name + ".self_attn", Layer, H, In)
                          : buildSoftmax(Name + ".self_attn", H, In);
    at(Name + ".self_attn.residual");
    X = B.create<m1::ResidualOp>(X.getType(), C.Postnorm ? H : X, Attention,
                                 B.getF64FloatAttr(AttentionMix.Alpha),
                                 B.getF64FloatAttr(AttentionMix.Beta));
    H = norm(Name + ".post_attention_layernorm", X, C.NormEps);
    Value MLP = buildMLP(Name, H);
    at(Name + ".mlp.residual");
    X = B.create<m1::ResidualOp>(X.getType(), C.Postnorm ? H : X, MLP,
                                 B.getF64FloatAttr(C.MLPMix.Alpha),
                                 B.getF64FloatAttr(C.MLPMix.Beta));
  }
  return X;
}

/// [q | k | v] = silu(h qkvᵀ); out = (norm(attention) * sigmoid(h gateᵀ)) outᵀ.
Value ModelBuilder::buildLightning(const std::string &Name, int64_t Layer,
                                   Value H, const RaggedBatch &In) {
  Type F32 = B.getF32Type();
  Type Row = operandType(Name + ".qkv_proj");
  int64_t Width = C.Heads * C.HeadDim;

  Value QKV = linear(Name + ".qkv_proj", H);
  at(Name + ".qkv_act");
  QKV = B.create<m1::SiluOp>(rows(3 * Width, Row), QKV);
  Type Heads = heads(C.Heads, Row);
  auto Split = B.create<m1::SplitQKVOp>(Heads, Heads, Heads, QKV);

  Value State = state(Name + ".state");
  at(Name + ".lightning_attention");
  auto Attention = B.create<m1::LightningAttentionOp>(
      heads(C.Heads, F32), State.getType(), Split.getQ(), Split.getK(),
      Split.getV(), State, In.Positions, In.CuSeqlens, In.Slots,
      B.getDenseF64ArrayAttr(C.slopes(Layer)), m1::ShardAttr());
  writeState(Attention.getNewState(), Name + ".state");

  at(Name + ".lightning_attention");
  Value Y = mergeHeads(Attention.getResult());
  Y = norm(Name + ".norm", Y, LightningNormEps, C.Heads);
  Value Gate = linear(Name + ".output_gate", H);
  at(Name + ".gate");
  Y = B.create<m1::SigmoidGateOp>(rows(Width, operandType(Name + ".out_proj")),
                                  Y, Gate);
  return linear(Name + ".out_proj", Y, Sharded::Yes);
}

Value ModelBuilder::buildSoftmax(const std::string &Name, Value H,
                                 const RaggedBatch &In) {
  // q, k and v share a type even where a checkpoint mixes them.
  Type Row = B.getBF16Type();
  for (StringRef Weight : {".q_proj", ".k_proj", ".v_proj"})
    if (!operandType(Name + Weight.str()).isBF16())
      Row = B.getF32Type();

  auto Project = [&](StringRef Weight, int64_t Heads) {
    Value X = linear(Name + Weight.str(), H);
    return splitHeads(X, Heads);
  };
  auto Rotate = [&](StringRef Part, Value X, int64_t Heads) -> Value {
    at(Name + Part);
    return B.create<m1::RotaryOp>(heads(Heads, Row), X, In.Positions,
                                  B.getF64FloatAttr(C.RotaryTheta),
                                  B.getI64IntegerAttr(C.RotaryDim), UnitAttr());
  };
  Value Q = Rotate(".rotary_q", Project(".q_proj", C.Heads), C.Heads);
  Value K =
      Rotate(".rotary_k", Project(".k_proj", C.KeyValueHeads), C.KeyValueHeads);
  Value V = castFor(Project(".v_proj", C.KeyValueHeads), Row);

  Value Cache = state(Name + ".state");
  at(Name + ".softmax_attention");
  auto Attention = B.create<m1::SoftmaxAttentionOp>(
      heads(C.Heads, operandType(Name + ".o_proj")), Cache.getType(), Q, K, V,
      Cache, In.Positions, In.CuSeqlens, In.Slots, In.Blocks,
      B.getF64FloatAttr(1 / std::sqrt(double(C.HeadDim))));
  writeState(Attention.getNewCache(), Name + ".state");

  at(Name + ".softmax_attention");
  return linear(Name + ".o_proj", mergeHeads(Attention.getResult()),
                Sharded::Yes);
}

/// The routed experts, mixed with the shared expert where there is one.
Value ModelBuilder::buildMLP(const std::string &Name, Value H) {
  Type F32 = B.getF32Type();
  // The block has the checkpoint's name for it (ExpertNaming).
  std::string Block = Name + ".block_sparse_moe";
  if (!Types.contains(Block + ".gate"))
    Block = Name + ".mlp";
  Value RouterWeight = parameter(Block + ".gate");
  at(Block + ".gate");
  auto Router =
      B.create<m1::RouterOp>(rows(C.ExpertsPerToken, B.getI32Type()),
                             rows(C.ExpertsPerToken, F32), H, RouterWeight);
  Chosen.push_back(Router.getExperts());
  if (BalanceCoefficients) {
    auto Loss =
        B.create<m1::RouterBalanceOp>(vector(F32), rows(C.Experts, F32), H,
                                      RouterWeight, BalanceCoefficients);
    FloatAttr One = B.getF64FloatAttr(1);
    Balance = Balance ? B.create<m1::ResidualOp>(vector(F32), Balance,
                                                 Loss.getLoss(), One, One)
                            .getResult()
                      : Loss.getLoss();
  }
  std::string Experts = Block + ".experts";
  at(Experts);
  Value X = castFor(H, operandType(Experts + ".w1"));
  Value W1 = parameter(Experts + ".w1");
  Value W3 = parameter(Experts + ".w3");
  Value W2 = parameter(Experts + ".w2");
  at(Experts);
  auto Op = B.create<m1::ExpertsOp>(
      rows(C.Hidden, F32), /*products=*/TypeRange(), X, Router.getExperts(),
      Router.getWeights(), W1, W3, W2,
      m1::leavesFor(Types.at(Experts + ".w2").getDimSize(2)));
  Value Routed = Op.getResult();
  if (C.SharedWidth == 0)
    return Routed;

  std::string Shared = Name + ".shared_mlp";
  Value Gate = linear(Shared + ".gate_proj", H);
  Value Up = linear(Shared + ".up_proj", H);
  at(Shared + ".act");
  Value Inner = B.create<m1::SiluMulOp>(
      rows(C.SharedWidth, operandType(Shared + ".down_proj")), Gate, Up);
  Value Down = linear(Shared + ".down_proj", Inner, Sharded::Yes);
  // The published code computes the coefficient in f32 for every weight type.
  Value Weight = parameter(Name + ".coefficient");
  at(Name + ".coefficient");
  Value Coefficient = B.create<m1::LinearOp>(rows(1, F32), H, Weight);
  at(Name + ".shared_mix");
  return B.create<m1::SharedMixOp>(Routed.getType(), Routed, Down, Coefficient);
}

/// The final norm and the output head, whose operand is f32 for every weight
/// type.
Value ModelBuilder::buildHead(Value X) {
  X = norm("model.norm", X, C.NormEps);
  Value Weight = parameter(C.TieEmbeddings ? "model.embed_tokens" : "lm_head");
  at("lm_head");
  return B.create<m1::LinearOp>(rows(C.Vocabulary, B.getF32Type()), X, Weight);
}

//===----------------------------------------------------------------------===//
// Single operations
//===----------------------------------------------------------------------===//

Value ModelBuilder::parameter(const std::string &Symbol) {
  at(Symbol);
  return B.create<m1::LoadParameterOp>(Types.at(Symbol), Symbol);
}

Value ModelBuilder::state(const std::string &Symbol) {
  at(Symbol);
  return B.create<m1::ReadStateOp>(StateTypes.at(Symbol), Symbol);
}

void ModelBuilder::writeState(Value State, const std::string &Symbol) {
  at(Symbol);
  B.create<m1::WriteStateOp>(State, Symbol);
}

Value ModelBuilder::norm(const std::string &Name, Value X, double Eps,
                         int64_t Groups) {
  Value Weight = parameter(Name);
  int64_t Columns = cast<RankedTensorType>(X.getType()).getDimSize(1);
  return B.create<m1::RMSNormOp>(rows(Columns, B.getF32Type()), X, Weight,
                                 B.getF64FloatAttr(Eps),
                                 B.getI64IntegerAttr(Groups));
}

/// x weightᵀ in f32, with x rounded to the operand type of the weight.
Value ModelBuilder::linear(const std::string &Name, Value X, Sharded Inner) {
  at(Name);
  X = castFor(X, operandType(Name));
  Value Weight = parameter(Name);
  ArrayRef<int64_t> Shape = Types.at(Name).getShape();
  return B.create<m1::LinearOp>(rows(Shape[0], B.getF32Type()), X, Weight,
                                Inner == Sharded::Yes ? m1::leavesFor(Shape[1])
                                                      : 1);
}

Value ModelBuilder::castFor(Value X, Type Element) {
  auto Type = cast<RankedTensorType>(X.getType());
  if (Type.getElementType() == Element)
    return X;
  // Several products share an operand: it is rounded once.
  Value &Cast = Casts[{X, Element}];
  if (!Cast)
    Cast = B.create<m1::CastOp>(Type.clone(Element), X);
  return Cast;
}

Value ModelBuilder::splitHeads(Value X, int64_t Heads) {
  Type Element = cast<RankedTensorType>(X.getType()).getElementType();
  return B.create<m1::SplitHeadsOp>(heads(Heads, Element), X);
}

Value ModelBuilder::mergeHeads(Value X) {
  auto Type = cast<RankedTensorType>(X.getType());
  return B.create<m1::MergeHeadsOp>(
      rows(Type.getDimSize(1) * Type.getDimSize(2), Type.getElementType()), X);
}

} // namespace

OwningOpRef<ModuleOp>
m1::huggingface::buildModel(const Config &C, ArrayRef<Parameter> Parameters,
                            const ModelOptions &Options, MLIRContext *Context) {
  return ModelBuilder(C, Parameters, Options, Context).run();
}
