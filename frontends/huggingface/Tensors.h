//===- Tensors.h - finds a model's parameters in a checkpoint ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_HUGGINGFACE_TENSORS_H
#define M1C_FRONTENDS_HUGGINGFACE_TENSORS_H

#include "frontends/huggingface/Names.h"

namespace m1::huggingface {

/// The parameters of the model with the element types that the checkpoint in
/// `Directory` stores them in. Reads headers only, never weights.
///
/// - If there are safetensors files, they must hold every tensor of the model,
///   in the shape and with a type that it takes, and no other tensors.
/// - If there is only a model.safetensors.index.json, the names are checked.
/// - If there is neither, nothing is checked.
///
/// Which files are read is the choice of findCheckpointFiles, for m1run too.
/// Sets `Note` to its note.
///
/// Without files, the element types are those of the published checkpoints: f32
/// for the routers of the published architectures, else the configuration's.
///
/// Sets C.SharedWidth to the width in the checkpoint: in the published code it
/// is intermediate_size, in other implementations shared_intermediate_size.
llvm::Expected<std::vector<Parameter>>
resolveParameters(llvm::StringRef Directory, Config &C, std::string &Note);

} // namespace m1::huggingface

#endif // M1C_FRONTENDS_HUGGINGFACE_TENSORS_H
