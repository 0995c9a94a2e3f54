//===- Config.cpp - the configuration of a model --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/Config.h"

#include "dialects/M1/IR/Sizes.h"
#include "runtime/support/File.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

using namespace m1::huggingface;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
using m1::ElementType;
using nlohmann::json;

namespace {

// Limits that no model reaches, small enough that the number of elements of a
// tensor does not overflow an int64.
constexpr int64_t MaxSize = int64_t(1) << 22;
constexpr int64_t MaxCount = int64_t(1) << 16;
constexpr int64_t MaxInt32 = std::numeric_limits<int32_t>::max();

// Experts in all layers. Compiler and runtime hold three tensors for each; the
// largest published models have some 25,000.
constexpr int64_t MaxLayerExperts = int64_t(1) << 18;
// Experts per token: code is generated for each choice. Published models have
// up to 22.
constexpr int64_t MaxExpertsPerToken = 64;

// Far more than a configuration with a list of 2^16 layers takes.
constexpr uint64_t MaxConfigBytes = uint64_t(16) << 20;

/// Reads the keys of one config.json. The first error is kept, and values read
/// after it are arbitrary, so that callers need no error handling for each key.
/// Callers must check takeError() before they use the values.
class Reader {
public:
  Reader(StringRef File, const json &Object) : File(File), Object(Object) {}

  void fail(StringRef Key, const Twine &Found, const Twine &Expected) {
    if (Message.empty())
      Message =
          (File + ": " + Key + " is " + Found + ", expected " + Expected).str();
  }

  Error takeError() {
    if (Message.empty())
      return Error::success();
    return llvm::createStringError(Message);
  }
  bool failed() const { return !Message.empty(); }

  /// The value of a key; nullptr if the key is missing or its value is null.
  const json *find(StringRef Key) const {
    auto It = Object.find(Key.str());
    return It == Object.end() || It->is_null() ? nullptr : &*It;
  }

  bool contains(StringRef Key) const { return Object.contains(Key.str()); }

  /// An integer in [Min, Max]. A missing key has the value Default; without a
  /// Default it is an error.
  int64_t integer(StringRef Key, int64_t Min, int64_t Max,
                  std::optional<int64_t> Default = std::nullopt) {
    std::string Range = Min == 1 && Max >= MaxCount
                            ? "a positive integer"
                            : "an integer of at least " + std::to_string(Min);
    const json *Value = find(Key);
    if (!Value) {
      if (!Default)
        fail(Key, "missing", Range);
      return Default.value_or(Min);
    }
    if (!Value->is_number_integer()) {
      fail(Key, shorten(*Value), Range);
      return Min;
    }
    // A value above the int64 range is stored as uint64.
    bool TooLarge =
        Value->is_number_unsigned() && Value->get<uint64_t>() > uint64_t(Max);
    int64_t Number = TooLarge ? Max : Value->get<int64_t>();
    if (TooLarge || Number > Max)
      fail(Key, shorten(*Value), "at most " + Twine(Max));
    else if (Number < Min)
      fail(Key, shorten(*Value), Range);
    return Number;
  }

  double number(StringRef Key, double Default) {
    const json *Value = find(Key);
    return Value ? number(Key, *Value) : Default;
  }

  double number(StringRef Key, const json &Value) {
    if (!Value.is_number() || !std::isfinite(Value.get<double>())) {
      fail(Key, shorten(Value), "a number");
      return 1;
    }
    return Value.get<double>();
  }

  double positive(StringRef Key, double Default) {
    double Value = number(Key, Default);
    if (!(Value > 0))
      fail(Key, std::to_string(Value), "a positive number");
    return Value;
  }

  bool boolean(StringRef Key, bool Default) {
    const json *Value = find(Key);
    if (!Value)
      return Default;
    if (!Value->is_boolean())
      fail(Key, shorten(*Value), "true or false");
    return Value->is_boolean() && Value->get<bool>();
  }

  /// A value for an error message, in one line of limited length.
  static std::string shorten(const json &Value) {
    std::string Text =
        Value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (Text.size() > 40)
      Text = Text.substr(0, 37) + "...";
    return Text;
  }

private:
  StringRef File;
  const json &Object;
  std::string Message;
};

const char ArchitectureNames[] =
    "MiniMaxM1ForCausalLM, MiniMaxText01ForCausalLM or MiniMaxForCausalLM";

void readArchitecture(Reader &R, Config &C) {
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
  R.fail("architectures", Reader::shorten(*Value),
         Twine("a list with one of ") + ArchitectureNames);
}

/// The kind of each layer: attn_type_list (0: lightning, 1: softmax), or
/// layer_types of the transformers package.
void readLayers(Reader &R, Config &C) {
  int64_t Layers = R.integer("num_hidden_layers", 1, MaxCount);
  if (R.failed())
    return;
  bool Published = C.hasPublishedNames();
  StringRef Key = Published ? "attn_type_list" : "layer_types";
  const json *List = R.find(Key);
  if (!List && !Published) {
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
    return R.fail(Key, Reader::shorten(*List), Expected);
  if (int64_t(List->size()) != Layers)
    return R.fail(Key, "a list of " + Twine(List->size()) + " entries",
                  Twine(Layers) + " (num_hidden_layers)");
  const json Lightning = Published ? json(0) : json("linear_attention");
  const json Softmax = Published ? json(1) : json("full_attention");
  for (size_t I = 0; I < List->size(); ++I) {
    const json &Entry = (*List)[I];
    if (Entry.type() == json::value_t::number_float ||
        (Entry != Lightning && Entry != Softmax))
      return R.fail((Key + "[" + Twine(I) + "]").str(), Reader::shorten(Entry),
                    Lightning.dump() + " (lightning) or " + Softmax.dump() +
                        " (softmax)");
    C.Lightning.push_back(Entry == Lightning);
  }
}

void readHeads(Reader &R, Config &C) {
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

/// The number of components of a head that rotate: rotary_dim, or a fraction of
/// the head (`Factor` from rope_parameters, or partial_rotary_factor), or all.
void readRotaryDim(Reader &R, Config &C, const json *Factor) {
  if (!Factor)
    Factor = R.find("partial_rotary_factor");
  std::string Key = "head_dim", Unit;
  C.RotaryDim = C.HeadDim;
  if (R.find("rotary_dim")) {
    Key = "rotary_dim";
    C.RotaryDim = R.integer(Key, 1, MaxCount);
  } else if (Factor) {
    Key = "partial_rotary_factor";
    double Share = R.number(Key, *Factor);
    if (!(Share > 0 && Share <= 1))
      return R.fail(Key, Reader::shorten(*Factor),
                    "a number above 0 and at most 1");
    C.RotaryDim = int64_t(C.HeadDim * Share);
    Unit = " of head_dim " + std::to_string(C.HeadDim);
  }
  // Lightning layers have no rotary embedding.
  if (R.failed() || !llvm::is_contained(C.Lightning, false))
    return;
  std::string Found = std::to_string(C.RotaryDim) + Unit;
  if (C.RotaryDim > C.HeadDim)
    R.fail(Key, Found, "at most head_dim (" + Twine(C.HeadDim) + ")");
  if (C.RotaryDim % 2 || C.RotaryDim == 0)
    R.fail(Key, Found, "an even number of components to rotate");
}

/// rope_theta and related keys: at the top level in older files, in
/// rope_parameters in those of newer versions of transformers.
void readRotary(Reader &R, Config &C) {
  const json *Parameters = R.find("rope_parameters");
  if (Parameters && !Parameters->is_object())
    return R.fail("rope_parameters", Reader::shorten(*Parameters), "an object");
  auto InParameters = [&](const char *Key) -> const json * {
    if (!Parameters || !Parameters->contains(Key) ||
        Parameters->find(Key)->is_null())
      return nullptr;
    return &*Parameters->find(Key);
  };

  // Both published configuration classes have this default.
  C.RotaryTheta = R.positive("rope_theta", 1e6);
  if (const json *Theta = InParameters("rope_theta")) {
    C.RotaryTheta = R.number("rope_parameters.rope_theta", *Theta);
    if (!(C.RotaryTheta > 0))
      R.fail("rope_parameters.rope_theta", Reader::shorten(*Theta),
             "a positive number");
  }

  const json *Type = InParameters("rope_type");
  if (Type && *Type != "default")
    R.fail("rope_parameters.rope_type", Reader::shorten(*Type),
           "\"default\": no other rotary embedding is supported");
  if (const json *Scaling = R.find("rope_scaling")) {
    bool Default = Scaling->is_object();
    if (Default)
      for (const char *Key : {"rope_type", "type"})
        if (auto It = Scaling->find(Key); It != Scaling->end())
          Default &= *It == "default";
    if (!Default)
      R.fail("rope_scaling", Reader::shorten(*Scaling),
             "null: scaled rotary embeddings are not supported");
  }

  readRotaryDim(R, C, InParameters("partial_rotary_factor"));
}

void readExperts(Reader &R, Config &C) {
  C.Experts = R.integer("num_local_experts", 1, MaxCount);
  C.ExpertsPerToken = R.integer("num_experts_per_tok", 1, MaxCount);
  C.ExpertWidth = R.integer("intermediate_size", 1, MaxSize);
  if (!R.failed() && C.ExpertsPerToken > C.Experts)
    R.fail("num_experts_per_tok", Twine(C.ExpertsPerToken),
           "at most num_local_experts (" + Twine(C.Experts) + ")");
  if (C.ExpertsPerToken > MaxExpertsPerToken)
    R.fail("num_experts_per_tok", Twine(C.ExpertsPerToken),
           "at most " + Twine(MaxExpertsPerToken));
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
  C.SharedWidth = 0;
  if (!C.hasPublishedNames())
    return;
  // In MiniMax-Text-01 it is a list of one entry.
  const json *Shared = R.find("shared_intermediate_size");
  if (Shared && Shared->is_array() && Shared->size() == 1)
    Shared = &(*Shared)[0];
  if (Shared) {
    if (!Shared->is_number_unsigned() ||
        Shared->get<uint64_t>() > uint64_t(MaxSize))
      return R.fail("shared_intermediate_size", Reader::shorten(*Shared),
                    "an integer from 0 to " + Twine(MaxSize));
    C.SharedWidth = Shared->get<int64_t>();
  }
  const json *Mode = R.find("shared_moe_mode");
  if (C.SharedWidth > 0 && Mode && *Mode != "sigmoid")
    R.fail("shared_moe_mode", Reader::shorten(*Mode), "\"sigmoid\"");
}

/// The residual mixes. In both implementations the default is 1.
void readMixes(Reader &R, Config &C) {
  if (C.hasPublishedNames()) {
    C.LightningMix = {R.number("layernorm_linear_attention_alpha", 1),
                      R.number("layernorm_linear_attention_beta", 1)};
    C.SoftmaxMix = {R.number("layernorm_full_attention_alpha", 1),
                    R.number("layernorm_full_attention_beta", 1)};
    C.MLPMix = {R.number("layernorm_mlp_alpha", 1),
                R.number("layernorm_mlp_beta", 1)};
    C.Postnorm = R.boolean("postnorm", false);
    return;
  }
  C.LightningMix = {R.number("linear_attn_alpha_factor", 1),
                    R.number("linear_attn_beta_factor", 1)};
  C.SoftmaxMix = {R.number("full_attn_alpha_factor", 1),
                  R.number("full_attn_beta_factor", 1)};
  C.MLPMix = {R.number("mlp_alpha_factor", 1), R.number("mlp_beta_factor", 1)};
  // The transformers package implements only this form.
  C.Postnorm = true;
}

void readWeightType(Reader &R, Config &C) {
  C.Weights = ElementType::BF16; // as published
  StringRef Key = R.find("dtype") ? "dtype" : "torch_dtype";
  const json *Value = R.find(Key);
  if (!Value)
    return;
  if (*Value == "float32")
    C.Weights = ElementType::F32;
  else if (*Value == "float16")
    C.Weights = ElementType::F16;
  else if (*Value != "bfloat16")
    R.fail(Key, Reader::shorten(*Value),
           "\"float32\", \"bfloat16\" or \"float16\"");
}

/// Rejects settings that would change the result and are not implemented.
void rejectUnsupported(Reader &R) {
  const json *Activation = R.find("hidden_act");
  if (Activation && *Activation != "silu" && *Activation != "swish")
    R.fail("hidden_act", Reader::shorten(*Activation), "\"silu\"");
  if (const json *Window = R.find("sliding_window"))
    R.fail("sliding_window", Reader::shorten(*Window),
           "null: sliding windows are not supported");
  if (R.find("quantization_config"))
    R.fail("quantization_config", "present",
           "none: only float32, bfloat16 and float16 weights are supported");
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
  auto Text = readWholeFile(File.str(), MaxConfigBytes);
  if (!Text.ok())
    return llvm::createStringError(std::string(Text.status().message()));
  json Object = json::parse(*Text, nullptr, /*allow_exceptions=*/false);
  if (Object.is_discarded())
    return llvm::createStringError(File + ": not valid JSON");
  if (!Object.is_object())
    return llvm::createStringError(File + ": found " + Reader::shorten(Object) +
                                   ", expected a JSON object");

  Reader R(File, Object);
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
  readHeads(R, C);
  if (!R.failed())
    readRotary(R, C);
  readExperts(R, C);
  readMixes(R, C);
  readWeightType(R, C);
  rejectUnsupported(R);
  if (Error E = R.takeError())
    return E;
  return C;
}
