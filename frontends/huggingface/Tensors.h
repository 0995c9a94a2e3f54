//===- Tensors.h - finds a model's parameters in a checkpoint ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_FRONTENDS_HUGGINGFACE_TENSORS_H
#define M1_FRONTENDS_HUGGINGFACE_TENSORS_H

#include "frontends/huggingface/Names.h"

namespace m1::huggingface {

/// The parameters of the model with the element types that the checkpoint in
/// `Directory` stores them in. Reads headers only, never weights.
///
/// - With safetensors files, every tensor's presence, shape and type is
/// checked,
///   and that there is no tensor which the model does not use.
/// - With only a model.safetensors.index.json, the names are.
/// - With neither, the configuration alone counts.
///
/// Without files the types are those of the published checkpoints: the
/// configuration's for all tensors, except f32 for the routers of the published
/// architectures.
///
/// Sets C.SharedWidth to what the checkpoint holds: the published code gives
/// the shared expert intermediate_size rows, other implementations
/// shared_intermediate_size.
llvm::Expected<std::vector<Parameter>>
resolveParameters(llvm::StringRef Directory, Config &C);

} // namespace m1::huggingface

#endif // M1_FRONTENDS_HUGGINGFACE_TENSORS_H
