//===- Printable.h - text from elsewhere, fit for a terminal ----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_PRINTABLE_H
#define M1C_RUNTIME_SUPPORT_PRINTABLE_H

#include <cstddef>
#include <string>
#include <string_view>

namespace m1 {

/// The longest path that Linux takes (PATH_MAX). Longer messages are not read.
inline constexpr size_t kMaxPrintableBytes = 4096;

/// `Text`, which may come from an untrusted file, as one line for a terminal.
///
/// Valid UTF-8 is kept, except for characters that a terminal obeys or does not
/// show: control characters (C0, DEL, C1), line separators, changes of the
/// writing direction, zero-width characters other than joiners, tags. Those
/// become \n, \u001b or \U000e0001, and bytes that are not UTF-8 \xff. If
/// the result would be longer than `MaxBytes`, its middle is replaced by
/// "...[N bytes]...". Applying the function twice changes nothing.
std::string printable(std::string_view Text,
                      size_t MaxBytes = kMaxPrintableBytes);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_PRINTABLE_H
