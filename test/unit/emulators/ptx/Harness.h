//===- Harness.h - kernels in tests of the PTX emulator ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_EMULATORS_PTX_HARNESS_H
#define M1C_TEST_UNIT_EMULATORS_PTX_HARNESS_H

#include "runtime/emulators/ptx/Machine.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

namespace m1::ptx {

/// A module with the kernel "k" of this body. The parameters, of 64 bits, are
/// in %rd0, %rd1, ...; %tid.x is in %r0. Declared registers: predicates
/// %p0-%p15, %h0-%h31 of 16 bits, %r0-%r63, %f0-%f63 (f32), %rd0-%rd31 and
/// %fd0-%fd15. `Outside` precedes the kernel. If the environment variable
/// M1_PTXAS names NVIDIA's assembler, it must accept the text.
std::string kernel(unsigned Parameters, std::string_view Body,
                   std::string_view Outside = "");

/// The number of the line with the mark "//!".
uint32_t markedLine(std::string_view Text);

/// An emulated device for tests.
class Device {
public:
  explicit Device(unsigned Threads = 1, Machine::Limits Limits = {});

  template <typename T> uint64_t buffer(const std::vector<T> &Values) {
    uint64_t Address = undefined(Values.size() * sizeof(T));
    EXPECT_TRUE(
        M->write(Address, Values.data(), Values.size() * sizeof(T)).ok());
    return Address;
  }
  uint64_t undefined(uint64_t Bytes) {
    absl::StatusOr<uint64_t> Address = M->allocate(Bytes, false);
    EXPECT_TRUE(Address.ok()) << Address.status();
    return Address.ok() ? *Address : 0;
  }
  template <typename T> std::vector<T> values(uint64_t From, size_t Count) {
    std::vector<T> Values(Count);
    absl::Status Read = M->read(Values.data(), From, Count * sizeof(T));
    EXPECT_TRUE(Read.ok()) << Read;
    return Values;
  }

  struct Shape {
    std::array<uint32_t, 3> Grid = {1, 1, 1}, Block = {32, 1, 1};
    uint32_t SharedBytes = 0;
    std::vector<ArgumentExtent> Extents = {};
  };
  /// Loads a module and launches its kernel "k".
  absl::Status run(std::string_view Text, std::vector<uint64_t> Arguments,
                   const Shape &S);
  absl::Status run(std::string_view Text, std::vector<uint64_t> Arguments) {
    return run(Text, std::move(Arguments), Shape());
  }

  std::unique_ptr<Machine> M;
};

/// Executes instructions on lanes with the given operands, which are in
/// registers of each width: %A16, %A32, %A64, %AF, %AD and the same with B and
/// C. The result is taken from %O16, %O32, %O64, %OF, %OD or %OP, whichever the
/// instructions name.
std::vector<uint64_t>
evaluate(std::string_view Instructions,
         const std::vector<std::array<uint64_t, 3>> &Operands);

/// The same for one lane.
uint64_t evaluate(std::string_view Instructions, uint64_t A, uint64_t B = 0,
                  uint64_t C = 0);

inline uint64_t bits(float F) { return std::bit_cast<uint32_t>(F); }
inline uint64_t bits(double D) { return std::bit_cast<uint64_t>(D); }

} // namespace m1::ptx

#endif // M1C_TEST_UNIT_EMULATORS_PTX_HARNESS_H
