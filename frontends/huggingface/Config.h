//===- Config.h - the configuration of a model ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_HUGGINGFACE_CONFIG_H
#define M1C_FRONTENDS_HUGGINGFACE_CONFIG_H

#include "runtime/support/DType.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace m1::huggingface {

/// The implementation that a checkpoint is for. It determines the keys of
/// config.json, the names of tensors and the decay of lightning layers.
enum class Architecture {
  MiniMaxM1,     ///< MiniMaxM1ForCausalLM, MiniMaxAI/MiniMax-M1
  MiniMaxText01, ///< MiniMaxText01ForCausalLM, MiniMaxAI/MiniMax-Text-01
  MiniMax,       ///< MiniMaxForCausalLM, the transformers package
};

/// The weights of a residual connection: residual * Alpha + branch * Beta.
struct Mix {
  double Alpha = 1;
  double Beta = 1;
};

/// A validated model configuration; sizes are in elements and positive.
struct Config {
  enum Architecture Architecture;
  std::string ArchitectureName; ///< as config.json spells it
  int64_t Vocabulary, Hidden, Heads, KeyValueHeads, HeadDim;
  int64_t Experts, ExpertsPerToken, ExpertWidth;
  int64_t SharedWidth; ///< of the shared expert; 0 if there is none
  int64_t RotaryDim;   ///< leading components of a head that rotate; even
  int64_t MaxPosition;
  double RotaryTheta, NormEps;
  Mix LightningMix, SoftmaxMix, MLPMix;
  bool Postnorm; ///< the residual is the normalised input, not the input
  /// The head is the embedding.
  bool TieEmbeddings;
  /// The tensor that holds the embedding.
  std::string EmbeddingTensor = "model.embed_tokens.weight";
  std::vector<bool> Lightning; ///< per layer: lightning or softmax attention
  /// The type of weights whose files are missing: F32, BF16 or F16.
  ElementType Weights;
  /// What is ignored, and where implementations differ: one line each.
  std::vector<std::string> Warnings;

  int64_t layers() const { return Lightning.size(); }
  bool hasPublishedNames() const {
    return Architecture != Architecture::MiniMax;
  }

  /// The decay exponents of layer `Layer`: the state of head h is multiplied by
  /// exp(-slopes[h]) per token.
  std::vector<double> slopes(int64_t Layer) const;
};

/// Reads and validates a config.json. An error states the file, the key, and
/// what was found and expected.
llvm::Expected<Config> readConfig(llvm::StringRef File);

} // namespace m1::huggingface

#endif // M1C_FRONTENDS_HUGGINGFACE_CONFIG_H
