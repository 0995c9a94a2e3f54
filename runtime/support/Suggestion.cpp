//===- Suggestion.cpp - the known name that was meant ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Suggestion.h"

#include "runtime/support/Error.h"

#include <algorithm>

using namespace m1;

size_t m1::editDistance(std::string_view A, std::string_view B) {
  std::vector<size_t> Row(B.size() + 1);
  for (size_t J = 0; J <= B.size(); ++J)
    Row[J] = J;
  for (size_t I = 1; I <= A.size(); ++I) {
    size_t Diagonal = Row[0];
    Row[0] = I;
    for (size_t J = 1; J <= B.size(); ++J) {
      size_t Replaced = Diagonal + (A[I - 1] != B[J - 1]);
      Diagonal = Row[J];
      Row[J] = std::min({Row[J] + 1, Row[J - 1] + 1, Replaced});
    }
  }
  return Row.back();
}

std::string m1::suggestion(std::string_view Found,
                           const std::vector<std::string> &Names) {
  auto Distance = [&](const std::string &Name) {
    return editDistance(Found, Name);
  };
  auto Best = std::min_element(
      Names.begin(), Names.end(),
      [&](const auto &A, const auto &B) { return Distance(A) < Distance(B); });
  if (Best == Names.end() || Distance(*Best) > 1 + Found.size() / 4)
    return "";
  return concat("; did you mean '", *Best, "'?");
}
