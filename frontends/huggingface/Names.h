//===- Names.h - a model's parameters and their tensors ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_HUGGINGFACE_NAMES_H
#define M1C_FRONTENDS_HUGGINGFACE_NAMES_H

#include "frontends/huggingface/Config.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace m1::huggingface {

/// A tensor of the checkpoint, or, if Axis >= 0, the slice with indices Begin
/// <= i < End along that axis, whose full extent is Extent.
struct Source {
  std::string Tensor;
  int64_t Axis = -1, Begin = 0, End = 0, Extent = 0;
  ElementType Type = ElementType::F32; ///< as stored; set by resolveParameters
};

/// How a dimension of a parameter can be spread over ranks: a #m1.sharding.
struct Spread {
  int64_t Dimension;
  llvm::StringRef Axis;
  int64_t Unit; ///< elements that one rank has whole
  enum Kind { Even, Replicable, Short } Units = Even;
};

/// A parameter of the model. If stacked, source i is index i of axis 0;
/// otherwise there is one source.
struct Parameter {
  std::string Symbol; ///< "model.layers.3.self_attn.q_proj"
  llvm::SmallVector<int64_t, 3> Shape;
  std::vector<Source> Sources;
  bool Stacked = false;
  bool IsRouter = false;
  std::vector<Spread> Spreads;
  ElementType Type = ElementType::F32; ///< set by resolveParameters

  /// The full shape of the tensor that a source names.
  llvm::SmallVector<int64_t, 3> tensorShape(const Source &S) const;
};

/// The names of a layer's experts in a checkpoint. The published checkpoints
/// and most files of the transformers package hold one tensor per expert below
/// `block_sparse_moe`. Some files keep the names of the package's modules:
/// `mlp`, with all experts of a layer in one tensor.
struct ExpertNaming {
  std::string Block = "block_sparse_moe";
  bool Fused = false;
};

/// Detects the naming from the tensors that a checkpoint has.
ExpertNaming detectExpertNaming(const Config &C,
                                llvm::function_ref<bool(llvm::StringRef)> Has);

/// Every parameter of the model, in the order of the layers.
std::vector<Parameter> describeParameters(const Config &C,
                                          const ExpertNaming &Naming);

/// "model.layers.3"
std::string layerName(int64_t Layer);
/// The layer of a name that begins with layerName and a dot.
std::optional<int64_t> layerOf(llvm::StringRef Name);

} // namespace m1::huggingface

#endif // M1C_FRONTENDS_HUGGINGFACE_NAMES_H
