//===- Json.h - JSON on standard output -------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1RUN_JSON_H
#define M1C_TOOLS_M1RUN_JSON_H

#include <nlohmann/json.hpp>

#include <string>

namespace m1::run {

using json = nlohmann::ordered_json;

/// The value as ASCII text, on one line or, with `Indent` >= 0, on several.
/// Other characters are escaped, and bytes of strings that are not UTF-8, which
/// JSON cannot have, become U+FFFD: names of files and names in plans may hold
/// any bytes.
inline std::string dump(const json &Value, int Indent = -1) {
  return Value.dump(Indent, ' ', /*ensure_ascii=*/true,
                    json::error_handler_t::replace);
}

} // namespace m1::run

#endif // M1C_TOOLS_M1RUN_JSON_H
