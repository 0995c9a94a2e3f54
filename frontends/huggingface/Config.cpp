//===- Config.cpp - the configuration of a model --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/Config.h"

#include "dialects/M1/IR/Sizes.h"
#include "frontends/huggingface/ConfigReader.h"
#include "runtime/support/Json.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace m1::huggingface;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
using m1::ElementType;
using nlohmann::json;

namespace {

// Experts in all layers. Compiler and runtime hold three tensors for each; the
// largest published models have some 25,000.
constexpr int64_t MaxLayerExperts = int64_t(1) << 18;
// Every layer has steps and memory of its own in a plan. Published models have
// up to 126.
constexpr int64_t MaxLayers = 1024;

const char ArchitectureNames[] =
    "MiniMaxM1ForCausalLM, MiniMaxText01ForCausalLM or MiniMaxForCausalLM";

void readArchitecture(ConfigReader &R, Config &C) {
  const json *Value = R.find("architectures");
  if (!Value)
    return R.fail("architectures", "missing",
                  Twine("a list with one of ") + ArchitectureNames);
  if (Value->is_array() && Value->size() == 1 && (*Value)[0].is_string()) {
    C.ArchitectureName = (*Value)[0].get<std::string>();
    auto Found =
        llvm::StringSwitch<std::optional<Architecture>>(C.ArchitectureName)
            .Case("MiniMaxM1ForCausalLM", Architecture::MiniMaxM1)
            .Case("MiniMaxText01ForCausalLM", Architecture::MiniMaxText01)
            .Case("MiniMaxForCausalLM", Architecture::MiniMax)
            .Default(std::nullopt);
    if (Found) {
      C.Architecture = *Found;
      return;
    }
  }
  R.fail("architectures", ConfigReader::shorten(*Value),
         Twine("a list with one of ") + ArchitectureNames);
}

/// How a configuration lists the kinds of layers.
struct LayerList {
  const char *Key;
  json Lightning, Softmax;
};

/// attn_type_list of the published code, or layer_types of the transformers
/// package.
LayerList layerList(bool Published) {
  return Published
             ? LayerList{"attn_type_list", 0, 1}
             : LayerList{"layer_types", "linear_attention", "full_attention"};
}

/// Rejects the list of the other implementation if it lists other kinds.
void checkOtherLayers(ConfigReader &R, const Config &C) {
  LayerList Other = layerList(!C.hasPublishedNames());
  const json *List = R.find(Other.Key);
  json Expected = json::array();
  for (bool Lightning : C.Lightning)
    Expected.push_back(Lightning ? Other.Lightning : Other.Softmax);
  if (List && *List != Expected)
    R.fail(Other.Key, ConfigReader::shorten(*List),
           "no such key: " + C.ArchitectureName + " reads " +
               layerList(C.hasPublishedNames()).Key + ", which differs");
}

/// The kind of each layer.
void readLayers(ConfigReader &R, Config &C) {
  int64_t Layers = R.integer("num_hidden_layers", 1, MaxLayers);
  if (R.failed())
    return;
  const auto [Key, Lightning, Softmax] = layerList(C.hasPublishedNames());
  const json *List = R.find(Key);
  if (!List && !C.hasPublishedNames()) {
    // The default of the transformers package.
    for (int64_t I = 0; I < Layers; ++I)
      C.Lightning.push_back(I % 2 == 1);
    return;
  }
  std::string Expected =
      "a list of " + std::to_string(Layers) + " entries (num_hidden_layers)";
  if (!List)
    return R.fail(Key, "missing", Expected);
  if (!List->is_array())
    return R.fail(Key, ConfigReader::shorten(*List), Expected);
  if (int64_t(List->size()) != Layers)
    return R.fail(Key, "a list of " + Twine(List->size()) + " entries",
                  Twine(Layers) + " (num_hidden_layers)");
  for (size_t I = 0; I < List->size(); ++I) {
    const json &Entry = (*List)[I];
    if (Entry.type() == json::value_t::number_float ||
        (Entry != Lightning && Entry != Softmax))
      return R.fail((Twine(Key) + "[" + Twine(I) + "]").str(),
                    ConfigReader::shorten(Entry),
                    Lightning.dump() + " (lightning) or " + Softmax.dump() +
                        " (softmax)");
    C.Lightning.push_back(Entry == Lightning);
  }
}

void readHeads(ConfigReader &R, Config &C) {
  C.Heads = R.integer("num_attention_heads", 1, MaxCount);
  // An explicit null means one key/value head per query head. A missing key is
  // an error: both published configurations have another default.
  std::optional<int64_t> Default;
  if (R.contains("num_key_value_heads"))
    Default = C.Heads;
  C.KeyValueHeads = R.integer("num_key_value_heads", 1, MaxCount, Default);
  if (R.failed())
    return;
  if (C.Heads % C.KeyValueHeads)
    R.fail("num_key_value_heads", Twine(C.KeyValueHeads),
           "a divisor of num_attention_heads (" + Twine(C.Heads) + ")");
  if (!R.find("head_dim") && C.Hidden % C.Heads)
    R.fail("head_dim", "missing",
           "it, or a hidden_size (" + Twine(C.Hidden) +
               ") that num_attention_heads (" + Twine(C.Heads) + ") divides");
  C.HeadDim = R.integer("head_dim", 1, MaxCount, C.Hidden / C.Heads);
  if (!R.failed() && C.Heads * C.HeadDim > MaxSize)
    R.fail("head_dim", Twine(C.HeadDim),
           "at most " + Twine(MaxSize) + " in all num_attention_heads (" +
               Twine(C.Heads) + ")");
}

/// The width of the shared expert; 0 if there is none. A list has an entry for
/// each layer (MiniMax-Text-01: [0]).
void readSharedWidth(ConfigReader &R, Config &C) {
  const StringRef Key = "shared_intermediate_size";
  C.SharedWidth = 0;
  const json *Mode = R.find("shared_moe_mode");
  const json *Shared = R.find(Key);
  if (!Shared)
    return;
  json Value = *Shared;
  if (Shared->is_array() && !Shared->empty()) {
    // All layers have the same width here, and no other layers follow.
    if (llvm::all_equal(*Shared) &&
        ((*Shared)[0] == 0 || int64_t(Shared->size()) == C.layers()))
      Value = (*Shared)[0];
  }
  if (!Value.is_number_unsigned() || Value.get<uint64_t>() > uint64_t(MaxSize))
    return R.fail(Key, ConfigReader::shorten(*Shared),
                  "an integer from 0 to " + Twine(MaxSize) +
                      ", or a list of one for each layer, all equal");
  C.SharedWidth = Value.get<int64_t>();
  if (C.SharedWidth > 0 && !C.hasPublishedNames())
    R.fail(Key, ConfigReader::shorten(*Shared),
           "0: " + C.ArchitectureName + " has no shared expert");
  if (C.SharedWidth > 0 && Mode && *Mode != "sigmoid")
    R.fail("shared_moe_mode", ConfigReader::shorten(*Mode), "\"sigmoid\"");
}

void readExperts(ConfigReader &R, Config &C) {
  // The configuration class of transformers takes either name.
  const json *Alias = C.hasPublishedNames() ? nullptr : R.find("num_experts");
  const json *Experts = R.find("num_local_experts");
  if (Alias && Experts && *Alias != *Experts)
    R.fail("num_experts", ConfigReader::shorten(*Alias),
           ConfigReader::shorten(*Experts) + " as in num_local_experts");
  C.Experts =
      R.integer(Alias ? "num_experts" : "num_local_experts", 1, MaxCount);
  C.ExpertsPerToken = R.integer("num_experts_per_tok", 1, MaxCount);
  C.ExpertWidth = R.integer("intermediate_size", 1, MaxSize);
  if (!R.failed() && C.ExpertsPerToken > C.Experts)
    R.fail("num_experts_per_tok", Twine(C.ExpertsPerToken),
           "at most num_local_experts (" + Twine(C.Experts) + ")");
  if (C.ExpertsPerToken > m1::kMaxChoices)
    R.fail("num_experts_per_tok", Twine(C.ExpertsPerToken),
           "at most " + Twine(m1::kMaxChoices));
  if (!R.failed() && C.Experts * C.layers() > MaxLayerExperts)
    R.fail("num_local_experts", Twine(C.Experts),
           "at most " + Twine(MaxLayerExperts) + " in all num_hidden_layers (" +
               Twine(C.layers()) + ")");
  // All experts of a layer are one tensor.
  if (!R.failed() && C.Experts * C.ExpertWidth > m1::kMaxElements / C.Hidden)
    R.fail("intermediate_size", Twine(C.ExpertWidth),
           "at most " + Twine(m1::kMaxElements) +
               " elements of a weight of all num_local_experts (" +
               Twine(C.Experts) + ") with hidden_size " + Twine(C.Hidden));
}

/// A weight of a residual connection, 1 by default. If the other
/// implementation's name for it is there too, it must have the same value.
double readWeight(ConfigReader &R, const Config &C, StringRef Published,
                  StringRef Transformers) {
  StringRef Own = Published, Other = Transformers;
  if (!C.hasPublishedNames())
    std::swap(Own, Other);
  double Value = R.number(Own, 1);
  const json *Unread = R.find(Other);
  if (Unread && *Unread != Value)
    R.fail(Other, ConfigReader::shorten(*Unread),
           ConfigReader::shorten(Value) + ": " + C.ArchitectureName +
               " reads " + Own + " instead");
  return Value;
}

void readMixes(ConfigReader &R, Config &C) {
  auto Read = [&](const Twine &Published, const Twine &Transformers) {
    auto Weight = [&](const char *Name) {
      return readWeight(R, C, (Published + "_" + Name).str(),
                        (Transformers + "_" + Name + "_factor").str());
    };
    return Mix{Weight("alpha"), Weight("beta")};
  };
  C.LightningMix = Read("layernorm_linear_attention", "linear_attn");
  C.SoftmaxMix = Read("layernorm_full_attention", "full_attn");
  C.MLPMix = Read("layernorm_mlp", "mlp");
  // The transformers package implements only true, and reads no key.
  C.Postnorm = R.boolean("postnorm", !C.hasPublishedNames());
  if (!C.Postnorm && !C.hasPublishedNames())
    R.fail("postnorm", "false",
           "true: " + C.ArchitectureName + " has no other form");
}

void readWeightType(ConfigReader &R, Config &C) {
  C.Weights = ElementType::BF16; // as published
  const json *Old = R.find("torch_dtype"), *New = R.find("dtype");
  StringRef Key = New ? "dtype" : "torch_dtype";
  const json *Value = New ? New : Old;
  if (!Value)
    return;
  if (*Value == "float32")
    C.Weights = ElementType::F32;
  else if (*Value == "float16")
    C.Weights = ElementType::F16;
  else if (*Value != "bfloat16")
    R.fail(Key, ConfigReader::shorten(*Value),
           "\"float32\", \"bfloat16\" or \"float16\"");
}

/// Rejects settings that would change the result and are not implemented.
void rejectUnsupported(ConfigReader &R) {
  const json *Activation = R.find("hidden_act");
  if (Activation && *Activation != "silu" && *Activation != "swish")
    R.fail("hidden_act", ConfigReader::shorten(*Activation), "\"silu\"");
  if (const json *Window = R.find("sliding_window"))
    R.fail("sliding_window", ConfigReader::shorten(*Window),
           "null: sliding windows are not supported");
  for (StringRef Key : {"quantization_config", "compression_config"})
    if (R.find(Key))
      R.fail(Key, "present",
             "none: only float32, bfloat16 and float16 weights are supported");
  // Settings of single layers, or of a model inside another.
  for (StringRef Key : {"per_layer_config", "text_config"})
    if (const json *Value = R.find(Key); Value && !Value->empty())
      R.fail(Key, ConfigReader::shorten(*Value),
             "no such key: all settings are at the top level");
}

/// ALiBi's slopes: those of the largest power of two up to `Heads`, then every
/// other one of the next power of two.
std::vector<double> alibiSlopes(int64_t Heads) {
  int64_t Power = 1;
  while (Power * 2 <= Heads)
    Power *= 2;
  std::vector<double> Slopes;
  for (int64_t I = 1; I <= Power; ++I)
    Slopes.push_back(std::exp2(-8.0 * I / Power));
  for (int64_t I = 1; int64_t(Slopes.size()) < Heads; I += 2)
    Slopes.push_back(std::exp2(-8.0 * I / (2 * Power)));
  return Slopes;
}

} // namespace

std::vector<double> Config::slopes(int64_t Layer) const {
  std::vector<double> Slopes;
  double Factor;
  double Last = layers() - 1;
  // For a single layer the published rule divides by zero; the rule of the
  // transformers package is used instead.
  if (hasPublishedNames() && Last > 0) {
    Slopes = alibiSlopes(Heads);
    Factor = 1 - Layer / Last + 1e-5;
  } else {
    for (int64_t I = 1; I <= Heads; ++I)
      Slopes.push_back(std::exp2(-8.0 * I / Heads));
    Factor = 1 - Layer / (Last + 1e-5) + 1e-5;
  }
  for (double &Slope : Slopes)
    Slope *= Factor;
  return Slopes;
}

Expected<Config> m1::huggingface::readConfig(StringRef File) {
  auto Object = m1::readJson(File.str(), m1::MaxConfigBytes);
  if (!Object.ok())
    return llvm::createStringError(std::string(Object.status().message()));
  if (!Object->is_object())
    return llvm::createStringError(File + ": found " +
                                   ConfigReader::shorten(*Object) +
                                   ", expected a JSON object");

  ConfigReader R(File, *Object);
  Config C;
  readArchitecture(R, C);
  if (Error E = R.takeError())
    return E;
  C.Vocabulary = R.integer("vocab_size", 1, MaxInt32);
  C.Hidden = R.integer("hidden_size", 1, MaxSize);
  C.MaxPosition = R.integer("max_position_embeddings", 1, MaxInt32, 131072);
  C.NormEps = R.positive("rms_norm_eps", 1e-5);
  C.TieEmbeddings = R.boolean("tie_word_embeddings", false);
  readLayers(R, C);
  if (!R.failed())
    checkOtherLayers(R, C);
  readHeads(R, C);
  if (!R.failed())
    readRotary(R, C);
  readExperts(R, C);
  readSharedWidth(R, C);
  readMixes(R, C);
  readWeightType(R, C);
  rejectUnsupported(R);
  if (Error E = R.takeError())
    return E;
  warnUnused(R, C);
  C.Warnings = R.takeWarnings();
  return C;
}
