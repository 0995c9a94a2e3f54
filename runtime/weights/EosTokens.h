//===- EosTokens.h - the tokens that end a text -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_EOSTOKENS_H
#define M1C_RUNTIME_WEIGHTS_EOSTOKENS_H

#include "runtime/support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace m1 {

struct EosTokens {
  std::vector<int64_t> Tokens; ///< none: the checkpoint names none
  std::string File;            ///< which names them
};

/// The tokens that end a text of the model at `Path`, a checkpoint's directory
/// or a file in it: the `eos_token_id` of generation_config.json, otherwise of
/// config.json. As in transformers it is a number, a list of numbers, or null
/// for none. Neither file is required.
absl::StatusOr<EosTokens> readEosTokens(const std::string &Path);

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_EOSTOKENS_H
