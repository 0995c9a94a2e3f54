//===- Derived.h - tensors that follow from the configuration ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_HUGGINGFACE_DERIVED_H
#define M1C_FRONTENDS_HUGGINGFACE_DERIVED_H

#include "frontends/huggingface/Config.h"

namespace m1 {
class Checkpoint;
}

namespace m1::huggingface {

/// The endings of the names of derived tensors; see isDerived.
std::vector<std::string> derivedEndings(const Config &C);

/// Returns true if the checkpoint may hold `Tensor` although no parameter uses
/// it: a buffer that follows from the configuration.
bool isDerived(const Config &C, llvm::StringRef Tensor);

/// Compares the decay exponents (slope_rate) and the rotary frequencies
/// (inv_freq) that a checkpoint holds with those of the configuration, to the
/// precision of their type, and adds a warning about the first that differs to
/// C.Warnings. They differ if layers were removed from a model or its
/// configuration was edited. Reads a few hundred bytes for each layer.
llvm::Error checkDerived(Config &C, Checkpoint &Weights);

} // namespace m1::huggingface

#endif // M1C_FRONTENDS_HUGGINGFACE_DERIVED_H
