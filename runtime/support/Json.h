//===- Json.h - JSON from files that are not trusted ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_JSON_H
#define M1C_RUNTIME_SUPPORT_JSON_H

#include "runtime/support/Error.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace m1 {

/// Arrays and objects inside each other that parseJson accepts. Files of
/// checkpoints have fewer than 10; printing and copying a value recurse once
/// for each.
constexpr int MaxJsonDepth = 100;

/// Most bytes of a config.json or generation_config.json: the largest published
/// ones have less than 1% of it.
constexpr uint64_t MaxConfigBytes = uint64_t(16) << 20;

/// The value in `Text`, the content of the file `Path`.
///
/// A duplicate key and nesting deeper than MaxJsonDepth are errors: one line
/// with the path, line and column, and for a key its path in the value.
///
/// Infinity, -Infinity and NaN are accepted, as Python's json writes them, and
/// become floats that are not finite: whoever uses the value must check.
absl::StatusOr<nlohmann::json> parseJson(std::string_view Text,
                                         const std::string &Path);

/// The same for a file of at most `MaxBytes` bytes.
absl::StatusOr<nlohmann::json> readJson(const std::string &Path,
                                        uint64_t MaxBytes);

/// "line 3, column 7" of the byte at `Offset`. Both count from 1, columns in
/// bytes.
std::string formatPosition(std::string_view Text, size_t Offset);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_JSON_H
