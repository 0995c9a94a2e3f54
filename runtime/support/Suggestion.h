//===- Suggestion.h - the known name that was meant -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_SUGGESTION_H
#define M1C_RUNTIME_SUPPORT_SUGGESTION_H

#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// How many characters to insert, delete or replace to turn one into the other.
size_t editDistance(std::string_view A, std::string_view B);

/// "; did you mean 'score'?" if one of the names is similar to `Found`, else
/// empty.
std::string suggestion(std::string_view Found,
                       const std::vector<std::string> &Names);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_SUGGESTION_H
