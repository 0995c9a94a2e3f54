//===- Packed.h - values as bytes -------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_PACKED_H
#define M1C_RUNTIME_SUPPORT_PACKED_H

#include <cassert>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace m1 {

/// Appends values to bytes, for another process of the same program on a
/// machine of the same kind.
struct Packer {
  std::string Bytes;

  template <typename T> void add(const T &Value) {
    static_assert(std::is_trivially_copyable_v<T>);
    Bytes.append(reinterpret_cast<const char *>(&Value), sizeof Value);
  }
  template <typename T> void add(std::span<const T> Values) {
    static_assert(std::is_trivially_copyable_v<T>);
    add<uint64_t>(Values.size());
    Bytes.append(reinterpret_cast<const char *>(Values.data()),
                 Values.size_bytes());
  }
  template <typename T> void add(const std::vector<T> &Values) {
    add(std::span<const T>(Values));
  }
  void add(std::string_view Text) {
    add<uint64_t>(Text.size());
    Bytes += Text;
  }
  void add(const std::string &Text) { add(std::string_view(Text)); }
};

/// Takes the values out again, in the same order and of the same types.
class Unpacker {
public:
  explicit Unpacker(std::string_view Bytes) : Left(Bytes) {}

  template <typename T> T number() {
    T Value;
    std::memcpy(&Value, take(sizeof Value).data(), sizeof Value);
    return Value;
  }
  template <typename T> std::vector<T> numbers() {
    std::vector<T> Values(number<uint64_t>());
    std::string_view From = take(Values.size() * sizeof(T));
    if (!Values.empty())
      std::memcpy(Values.data(), From.data(), From.size());
    return Values;
  }
  std::string text() {
    const auto Size = number<uint64_t>();
    return std::string(take(Size));
  }
  bool isDone() const { return Left.empty(); }

private:
  std::string_view take(uint64_t Size) {
    assert(Size <= Left.size());
    std::string_view Taken = Left.substr(0, Size);
    Left.remove_prefix(Size);
    return Taken;
  }

  std::string_view Left;
};

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_PACKED_H
