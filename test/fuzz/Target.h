//===- Target.h - what every fuzz target shares --------------- -*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_FUZZ_TARGET_H
#define M1C_TEST_FUZZ_TARGET_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace m1::fuzz {

/// Each target defines this function: it gives an input to a reader of the
/// project and uses what the reader accepts. Returns whether the input was
/// accepted; a refusal with an error is as good. A defect ends the process, by
/// a sanitizer or by `require`.
bool runInput(std::span<const uint8_t> Input);

inline std::string_view textOf(std::span<const uint8_t> Input) {
  return {reinterpret_cast<const char *>(Input.data()), Input.size()};
}

/// Ends the process with a message unless a property holds.
void require(bool Holds, std::string_view Property);

/// A directory for the files of a target, for readers that take a path. It is
/// removed when the process exits normally.
class Scratch {
public:
  Scratch();
  ~Scratch();
  std::string path(std::string_view Name) const;
  /// Writes a file anew and returns its path. With `Bytes` larger than the
  /// contents, the file ends in a hole.
  std::string write(std::string_view Name, std::string_view Contents,
                    uint64_t Bytes = 0) const;

private:
  std::string Root;
};

} // namespace m1::fuzz

#endif // M1C_TEST_FUZZ_TARGET_H
