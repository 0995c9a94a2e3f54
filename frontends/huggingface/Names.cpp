//===- Names.cpp - a model's parameters and their tensors -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/Names.h"

#include "dialects/M1/IR/Sharding.h"
#include "dialects/Support/SumTree.h"
#include "llvm/ADT/ArrayRef.h"

using namespace m1::huggingface;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

namespace {

constexpr char LayersPrefix[] = "model.layers.";

/// Rows or columns in units of whole heads, or of another size.
Spread overTensor(int64_t Dimension, int64_t Unit,
                  Spread::Kind Units = Spread::Even) {
  return {Dimension, m1::kTensorAxis, Unit, Units};
}

/// Dimension `Dimension` of extent `K`, the inner axis of a product, or the
/// axis that becomes one: in leaves of its sum.
Spread overLeaves(int64_t Dimension, int64_t K) {
  return overTensor(Dimension, K / m1::leavesFor(K));
}

/// The rows of the embedding and of the head.
Spread overVocabulary() {
  return overTensor(0, m1::kVocabularyGroup, Spread::Short);
}

Spread overExperts() { return {0, m1::kExpertAxis, 1}; }

/// Collects the parameters layer by layer.
class Collector {
public:
  Collector(const Config &C, const ExpertNaming &Naming)
      : C(C), Naming(Naming) {}

  std::vector<Parameter> run() {
    addFrom("model.embed_tokens", {C.Vocabulary, C.Hidden},
            {Source{C.EmbeddingTensor}})
        .Spreads = {overVocabulary()};
    for (int64_t Layer = 0; Layer < C.layers(); ++Layer)
      addLayer(Layer);
    add("model.norm", {C.Hidden});
    if (!C.TieEmbeddings)
      add("lm_head", {C.Vocabulary, C.Hidden}).Spreads = {overVocabulary()};
    return std::move(Parameters);
  }

private:
  /// A parameter that is the whole of the tensor "<Name>.weight".
  Parameter &add(const std::string &Name, ArrayRef<int64_t> Shape) {
    return addFrom(Name, Shape, {Source{Name + ".weight"}});
  }

  Parameter &addFrom(const std::string &Name, ArrayRef<int64_t> Shape,
                     std::vector<Source> Sources) {
    Parameter &P = Parameters.emplace_back();
    P.Symbol = Name;
    P.Shape.assign(Shape.begin(), Shape.end());
    P.Sources = std::move(Sources);
    return P;
  }

  void addLayer(int64_t Layer) {
    std::string Prefix = layerName(Layer);
    add(Prefix + ".input_layernorm", {C.Hidden});
    if (C.Lightning[Layer])
      addLightning(Prefix + ".self_attn");
    else
      addSoftmax(Prefix + ".self_attn");
    add(Prefix + ".post_attention_layernorm", {C.Hidden});
    std::string Block = Prefix + "." + Naming.Block;
    add(Block + ".gate", {C.Experts, C.Hidden}).IsRouter = true;
    addExperts(Block + ".experts");
    if (C.SharedWidth == 0)
      return;
    const int64_t Width = C.SharedWidth;
    for (StringRef Name : {".gate_proj", ".up_proj"})
      add(Prefix + ".shared_mlp" + Name.str(), {Width, C.Hidden}).Spreads = {
          overLeaves(0, Width)};
    add(Prefix + ".shared_mlp.down_proj", {C.Hidden, Width}).Spreads = {
        overLeaves(1, Width)};
    add(Prefix + ".coefficient", {1, C.Hidden});
  }

  void addLightning(const std::string &Prefix) {
    int64_t Width = C.Heads * C.HeadDim;
    const int64_t D = C.HeadDim;
    add(Prefix + ".qkv_proj", {3 * Width, C.Hidden}).Spreads = {
        overTensor(0, 3 * D)};
    add(Prefix + ".norm", {Width}).Spreads = {overTensor(0, D)};
    add(Prefix + ".output_gate", {Width, C.Hidden}).Spreads = {
        overTensor(0, D)};
    add(Prefix + ".out_proj", {C.Hidden, Width}).Spreads = {
        overLeaves(1, Width)};
  }

  void addSoftmax(const std::string &Prefix) {
    int64_t Width = C.Heads * C.HeadDim;
    int64_t KeyWidth = C.KeyValueHeads * C.HeadDim;
    const int64_t D = C.HeadDim;
    add(Prefix + ".q_proj", {Width, C.Hidden}).Spreads = {overTensor(0, D)};
    for (StringRef Name : {".k_proj", ".v_proj"})
      add(Prefix + Name.str(), {KeyWidth, C.Hidden}).Spreads = {
          overTensor(0, D, Spread::Replicable)};
    add(Prefix + ".o_proj", {C.Hidden, Width}).Spreads = {overLeaves(1, Width)};
  }

  /// w1 and w3 [E, F, D], w2 [E, D, F].
  void addExperts(const std::string &Prefix) {
    int64_t E = C.Experts, F = C.ExpertWidth, D = C.Hidden;
    const std::vector<Spread> Rows{overExperts(), overLeaves(1, F)};
    const std::vector<Spread> Columns{overExperts(), overLeaves(2, F)};
    if (Naming.Fused) {
      // gate_up_proj is [E, 2F, D]: w1's rows, then w3's.
      std::string Both = Prefix + ".gate_up_proj";
      addFrom(Prefix + ".w1", {E, F, D}, {Source{Both, 1, 0, F, 2 * F}})
          .Spreads = Rows;
      addFrom(Prefix + ".w3", {E, F, D}, {Source{Both, 1, F, 2 * F, 2 * F}})
          .Spreads = Rows;
      addFrom(Prefix + ".w2", {E, D, F}, {Source{Prefix + ".down_proj"}})
          .Spreads = Columns;
      return;
    }
    for (StringRef Name : {"w1", "w3", "w2"}) {
      SmallVector<int64_t, 3> Shape{E, F, D};
      if (Name == "w2")
        Shape = {E, D, F};
      std::vector<Source> Sources;
      for (int64_t I = 0; I < E; ++I)
        Sources.push_back(
            {Prefix + "." + std::to_string(I) + "." + Name.str() + ".weight"});
      Parameter &P =
          addFrom(Prefix + "." + Name.str(), Shape, std::move(Sources));
      P.Stacked = true;
      P.Spreads = Name == "w2" ? Columns : Rows;
    }
  }

  const Config &C;
  const ExpertNaming &Naming;
  std::vector<Parameter> Parameters;
};

} // namespace

SmallVector<int64_t, 3> Parameter::tensorShape(const Source &S) const {
  ArrayRef<int64_t> Dims = Shape;
  SmallVector<int64_t, 3> Result(Stacked ? Dims.drop_front() : Dims);
  if (S.Axis >= 0)
    Result[S.Axis] = S.Extent;
  return Result;
}

ExpertNaming
m1::huggingface::detectExpertNaming(const Config &C,
                                    llvm::function_ref<bool(StringRef)> Has) {
  ExpertNaming Naming;
  if (C.hasPublishedNames())
    return Naming;
  std::string Layer = layerName(0);
  if (Has(Layer + ".mlp.gate.weight"))
    Naming.Block = "mlp";
  Naming.Fused = Has(Layer + "." + Naming.Block + ".experts.gate_up_proj");
  return Naming;
}

std::vector<Parameter>
m1::huggingface::describeParameters(const Config &C,
                                    const ExpertNaming &Naming) {
  return Collector(C, Naming).run();
}

std::string m1::huggingface::layerName(int64_t Layer) {
  return LayersPrefix + std::to_string(Layer);
}

std::optional<int64_t> m1::huggingface::layerOf(StringRef Name) {
  int64_t Layer;
  if (!Name.consume_front(LayersPrefix) || Name.consumeInteger(10, Layer) ||
      !Name.starts_with("."))
    return std::nullopt;
  return Layer;
}
