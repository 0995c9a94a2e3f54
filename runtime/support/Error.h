//===- Error.h - one-line errors --------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_ERROR_H
#define M1C_RUNTIME_SUPPORT_ERROR_H

#include "runtime/support/Printable.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <string>
#include <string_view>

namespace m1 {

namespace detail {
inline void appendPart(std::string &Out, std::string_view Part) { Out += Part; }
inline void appendPart(std::string &Out, const char *Part) { Out += Part; }
inline void appendPart(std::string &Out, const std::string &Part) {
  Out += Part;
}
template <typename T>
std::enable_if_t<std::is_arithmetic_v<T>> appendPart(std::string &Out, T Part) {
  Out += std::to_string(Part);
}
} // namespace detail

/// Concatenates the parts. (Abseil's StrCat does not take std::string_view if
/// Abseil was built for C++14.)
template <typename... Parts> std::string concat(const Parts &...P) {
  std::string Out;
  (detail::appendPart(Out, P), ...);
  return Out;
}

/// An error that a user can cause and fix: one line that says what is wrong,
/// where, what was found and what was expected. See printable().
template <typename... Parts> absl::Status makeError(const Parts &...P) {
  return absl::InvalidArgumentError(printable(concat(P...)));
}

} // namespace m1

/// Returns from the enclosing function if `Expr`, an absl::Status, is not OK.
#define M1_RETURN_IF_ERROR(Expr)                                               \
  do {                                                                         \
    if (absl::Status M1Status = (Expr); !M1Status.ok())                        \
      return M1Status;                                                         \
  } while (false)

#define M1_CONCAT_IMPL(A, B) A##B
#define M1_CONCAT(A, B) M1_CONCAT_IMPL(A, B)
/// Declares `Lhs` as the value of `Expr`, an absl::StatusOr, or returns its
/// error.
#define M1_ASSIGN_OR_RETURN(Lhs, Expr)                                         \
  M1_ASSIGN_OR_RETURN_IMPL(M1_CONCAT(M1StatusOr, __LINE__), Lhs, Expr)
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration and a name
#define M1_ASSIGN_OR_RETURN_IMPL(Tmp, Lhs, Expr)                               \
  auto Tmp = (Expr);                                                           \
  if (!Tmp.ok())                                                               \
    return Tmp.status();                                                       \
  Lhs = std::move(*Tmp)
// NOLINTEND(bugprone-macro-parentheses)

#endif // M1C_RUNTIME_SUPPORT_ERROR_H
