//===- Memory.h - the emulated GPU's global memory --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_MEMORY_H
#define M1C_RUNTIME_EMULATORS_PTX_MEMORY_H

#include "runtime/support/Error.h"
#include "runtime/support/Pages.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace m1::ptx {

/// Width of a global address in bits.
constexpr unsigned AddressBits = 44;

/// A range of global memory, with a bit per byte that says whether it was
/// written.
class Allocation {
public:
  uint64_t Address = 0;
  uint64_t Bytes = 0;
  /// "allocation 3" or "variable 'table'".
  std::string Name;

  bool contains(uint64_t At, uint64_t Count) const {
    return Count <= Bytes && At - Address <= Bytes - Count;
  }
  std::byte *at(uint64_t At) const { return data() + (At - Address); }

  /// What an access needs of an allocation or a part of it; small enough for
  /// registers.
  struct View {
    uint64_t Address = 0, Bytes = 0;
    std::byte *Data = nullptr;
    unsigned char *Shadow = nullptr; // null: all bytes are written
    /// Bit in `Shadow` of the first byte.
    uint8_t FirstBit = 0;
    bool Writable = true;

    bool contains(uint64_t At, uint64_t Count) const {
      return Count <= Bytes && At - Address <= Bytes - Count;
    }
    std::byte *at(uint64_t At) const { return Data + (At - Address); }

    /// Whether all bytes of a naturally aligned access of at most 16 bytes are
    /// written.
    bool isWritten(uint64_t At, unsigned Count) const {
      if (!Shadow)
        return true;
      const uint64_t Offset = At - Address + FirstBit;
      const unsigned char *Bits = Shadow + Offset / 8;
      if (Count < 8) {
        const unsigned Wanted = ((1u << Count) - 1) << (Offset % 8);
        return (load(Bits) & Wanted) == Wanted;
      }
      return load(Bits) == 0xFF && (Count == 8 || load(Bits + 1) == 0xFF);
    }
    /// Marks the bytes of such an access as written. Thread-safe.
    void noteWritten(uint64_t At, unsigned Count) const {
      if (!Shadow)
        return;
      const uint64_t Offset = At - Address + FirstBit;
      unsigned char *Bits = Shadow + Offset / 8;
      if (Count < 8) {
        const unsigned char New = ((1u << Count) - 1) << (Offset % 8);
        if ((load(Bits) & New) != New)
          __atomic_fetch_or(Bits, New, __ATOMIC_RELAXED);
        return;
      }
      __atomic_store_n(Bits, 0xFF, __ATOMIC_RELAXED);
      if (Count == 16)
        __atomic_store_n(Bits + 1, 0xFF, __ATOMIC_RELAXED);
    }

  private:
    static unsigned char load(const unsigned char *Bits) {
      return __atomic_load_n(Bits, __ATOMIC_RELAXED);
    }
  };
  View view() const {
    return {Address, Bytes, data(), AllWritten ? nullptr : shadow()};
  }

  /// The part of `Count` bytes at `At`.
  View view(uint64_t At, uint64_t Count) const {
    const uint64_t Offset = At - Address;
    View Result = {At, Count, at(At)};
    if (!AllWritten) {
      Result.Shadow = shadow() + Offset / 8;
      Result.FirstBit = Offset % 8;
    }
    return Result;
  }

  /// Marks `Count` bytes from any address on as written.
  void noteRange(uint64_t At, uint64_t Count);
  /// The address of the first unwritten byte in the range, or the range's end.
  uint64_t firstUnwritten(uint64_t At, uint64_t Count) const;
  /// Copies the written state of a range.
  void copyWritten(uint64_t To, const Allocation &Source, uint64_t From,
                   uint64_t Count);

private:
  friend class GlobalMemory;
  std::byte *data() const { return reinterpret_cast<std::byte *>(Data.data()); }
  unsigned char *shadow() const {
    return reinterpret_cast<unsigned char *>(Shadow.data());
  }
  bool test(uint64_t Offset) const {
    return AllWritten || (shadow()[Offset / 8] >> (Offset % 8) & 1);
  }

  Pages Data;
  Pages Shadow; // one bit per byte
  bool AllWritten = false;
};

/// Global memory: allocations with gaps between them, at addresses that are
/// never reused and the same in each run. Only find() is thread-safe.
class GlobalMemory {
public:
  /// `Written`: the bytes are zero and count as written; otherwise reading a
  /// byte before it is written is an error. `Bytes` may be 0.
  absl::StatusOr<uint64_t> allocate(uint64_t Bytes, bool Written,
                                    std::string Name = "");
  absl::Status release(uint64_t Address);

  absl::Status write(uint64_t To, const void *From, uint64_t Bytes);
  absl::Status read(void *To, uint64_t From, uint64_t Bytes) const;
  absl::Status copy(uint64_t To, uint64_t From, uint64_t Bytes);

  /// The allocation that contains the address, or null.
  const Allocation *find(uint64_t Address) const;
  /// Describes an address outside all allocations: "beyond allocation 3 (400
  /// bytes)", "in allocation 2, which was released", ...
  std::string describe(uint64_t Address) const;

private:
  absl::StatusOr<Allocation *> range(std::string_view Action, uint64_t Address,
                                     uint64_t Bytes) const;

  struct Released {
    uint64_t Address, Bytes;
    std::string Name;
  };
  /// In order of addresses.
  std::vector<std::unique_ptr<Allocation>> Live;
  std::vector<Released> Gone;
  uint64_t Next = FirstAddress;
  uint64_t Number = 0;

  static constexpr uint64_t FirstAddress = 0x100000000;
};

/// "0x1f00".
std::string hex(uint64_t Value);

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_MEMORY_H
