//===- SupervisedData.h - prompts with responses to learn -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A folder with a ragged batch, which numpy reads:
//
//   tokens.npy      int64 [T]: sequences laid end to end, each a prompt and the
//                   response to it
//   mask.npy        uint8 [T]: 1 for the tokens of responses, which are to be
//                   learnt, 0 for those of prompts
//   cu_seqlens.npy  int64 [B+1]: sequence i is tokens cu_seqlens[i] to
//                   cu_seqlens[i+1] - 1
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_SUPERVISEDDATA_H
#define M1C_RUNTIME_TRAINING_SUPERVISEDDATA_H

#include "runtime/support/OutputFile.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace m1 {

class Environment;

struct SupervisedData {
  std::vector<int64_t> Tokens;          ///< [T]
  std::vector<uint8_t> Mask;            ///< [T]
  std::vector<int64_t> CuSeqlens = {0}; ///< [B+1]

  size_t sequences() const { return CuSeqlens.size() - 1; }
  void append(std::span<const int64_t> Prompt,
              std::span<const int64_t> Response);
};

/// Prompts `First` to `First` + `Count` - 1 and their solutions. An error if
/// the environment has none for one of them, or "cancelled" after a stop signal
/// (StopSignals.h).
absl::StatusOr<SupervisedData> solve(Environment &E, uint64_t First,
                                     uint64_t Count);

/// The files in `Directory`, which exists, complete but not committed yet.
absl::StatusOr<OutputFiles> prepareSupervised(const SupervisedData &Data,
                                              const std::string &Directory);

/// Reads the files. An error says which of them does not fit the others, or
/// where a token is negative, a sequence empty or a mask neither 0 nor 1.
absl::StatusOr<SupervisedData> readSupervised(const std::string &Directory);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_SUPERVISEDDATA_H
