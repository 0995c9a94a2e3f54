//===- Names.h - a model's parameters and their tensors ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_FRONTENDS_HUGGINGFACE_NAMES_H
#define M1_FRONTENDS_HUGGINGFACE_NAMES_H

#include "frontends/huggingface/Config.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace m1::huggingface {

/// A tensor of the checkpoint, or with Axis >= 0 its part with indices Begin <=
/// i < End along that axis, whose full extent is Extent.
struct Source {
  std::string Tensor;
  int64_t Axis = -1, Begin = 0, End = 0, Extent = 0;
  ElementType Type =
      ElementType::F32; ///< as the tensor is stored; as Parameter::Type
};

/// A parameter of the model. If stacked, each source is one index of axis 0 of
/// Shape; otherwise there is one source.
struct Parameter {
  std::string Symbol; ///< "model.layers.3.self_attn.q_proj"
  llvm::SmallVector<int64_t, 3> Shape;
  std::vector<Source> Sources;
  bool Stacked = false;
  bool IsRouter = false;
  ElementType Type = ElementType::F32; ///< filled in by resolveTypes

  /// The full shape of the tensor that a source names.
  llvm::SmallVector<int64_t, 3> tensorShape(const Source &S) const;
};

/// How a checkpoint names the experts of a layer. The published checkpoints and
/// most files of the transformers package hold one tensor an expert below
/// `block_sparse_moe`; the package's modules are called `mlp`, with all experts
/// of a layer in one tensor, and some files keep those names.
struct ExpertNaming {
  std::string Block = "block_sparse_moe";
  bool Fused = false;
};

/// Finds out how a checkpoint names its experts from the names it holds.
ExpertNaming detectExpertNaming(const Config &C,
                                llvm::function_ref<bool(llvm::StringRef)> Has);

/// Every parameter of the model, in the order of the layers.
std::vector<Parameter> describeParameters(const Config &C,
                                          const ExpertNaming &Naming);

/// What the names end with of tensors that no parameter uses and that may still
/// be in the checkpoint; see isDerived.
std::vector<std::string> derivedEndings(const Config &C);

/// Whether a tensor that no parameter uses may be in the checkpoint: buffers
/// that follow from the configuration, and the head where it is tied.
bool isDerived(const Config &C, llvm::StringRef Tensor);

/// "model.layers.3"
std::string layerName(int64_t Layer);

} // namespace m1::huggingface

#endif // M1_FRONTENDS_HUGGINGFACE_NAMES_H
