//===- Shared.h - shared and local memory -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_SHARED_H
#define M1C_RUNTIME_EMULATORS_PTX_SHARED_H

#include "runtime/emulators/ptx/Module.h"

#include <cstring>
#include <string>
#include <vector>

namespace m1::ptx {

/// The warp and lane that access memory.
struct Accessor {
  uint8_t Warp, Lane;
  /// Not all lanes of the warp that have not exited execute the instruction.
  bool Diverged;
};

/// The shared memory of one thread block. It tracks for each byte whether it
/// was written, who wrote and read it since the last barrier, and whether an
/// asynchronous copy to it is pending. Errors:
///
/// - reading an unwritten byte;
/// - accesses of two warps to a byte between barriers, at least one of them a
///   write (atomics may race with atomics; volatile accesses may not);
/// - access of a lane to a byte that another lane of its warp wrote while
///   diverged, or through an asynchronous copy, without a barrier or
///   bar.warp.sync in between. Converged lanes run in lockstep, as on devices,
///   although the ISA does not guarantee it: among them only writes of
///   different values by one instruction are a race. A write after a diverged
///   lane's read is not detected;
/// - access to a byte before the asynchronous copy to it was waited for.
class SharedMemory {
public:
  enum class Kind : uint8_t { Load, Store, Atomic };

  /// Starts a thread block: all bytes are unwritten.
  void reset(uint32_t StaticBytes, uint32_t DynamicBytes);
  /// All threads of the thread block reached a barrier.
  void barrier();
  /// The lanes in `Members` of a warp synchronised.
  void warpBarrier(uint8_t Warp, Mask Members);

  /// Index into data() of an access; NoIndex if it is out of bounds.
  uint32_t indexOf(uint64_t Offset, unsigned Bytes) const {
    if (uint64_t At = Offset - DynamicSharedBase;
        At < Dynamic && Bytes <= Dynamic - At)
      return Static + At;
    if (uint64_t At = Offset - StaticSharedBase;
        At < Static && Bytes <= Static - At)
      return At;
    return NoIndex;
  }
  std::string describeSize() const;
  std::byte *data() { return Data.data(); }

  /// Checks and records an access. Returns the error, or an empty string:
  /// "reads a byte that warp 1 ...".
  std::string access(Kind K, uint32_t Index, unsigned Bytes, Accessor Who);

  /// Fast path of access() for naturally aligned accesses; false: call
  /// access().
  template <typename T> bool quickAccess(Kind K, uint32_t Index, Accessor Who) {
    constexpr T Ones = T(~T(0)) / 0xFF;
    const T Mine = Ones * (Who.Warp + 1);
    const T S = get<T>(State, Index), W = get<T>(Writer, Index),
            R = get<T>(Reader, Index);
    if (W != 0 && W != Mine)
      return false;
    if (K == Kind::Load) {
      if (S != T(Ones * Written) ||
          (R != 0 && R != Mine && R != T(Ones * ByMany)))
        return false;
      if (R == 0)
        put(Reader, Index, Mine);
    } else {
      if (K != Kind::Store || Who.Diverged || (S & T(Ones * NotWritten)) != 0 ||
          (R != 0 && R != Mine))
        return false;
      put(State, Index, T(Ones * Written));
      put(Writer, Index, Mine);
    }
    Dirty[Index / Chunk] = 1;
    return true;
  }

  /// Record the start of an asynchronous copy, and its completion with these
  /// bytes.
  std::string beginCopy(uint32_t Index, unsigned Bytes, Accessor Who);
  void endCopy(uint32_t Index, unsigned Bytes, Accessor Who,
               const std::byte *From);

private:
  /// A byte's state: written, copy pending, or the lane + 1 that wrote it and
  /// has not synchronised since.
  enum : uint8_t {
    Written = 0x80,
    OnItsWay = 0x40,
    LaneBits = 0x3F,
    NotWritten = 0x7F
  };
  /// Writer and reader of a byte: warp + 1, or one of these.
  enum : uint8_t { Nobody = 0, ByAtomics = 0x7F, ByMany = 0xFF };
  static constexpr uint32_t Chunk = 256;

  std::string accessByte(Kind K, uint32_t Index, Accessor Who);
  /// Notes a byte whose state names a lane of the warp.
  void noteAlone(uint8_t Warp, uint32_t Index);

  template <typename T>
  static T get(const std::vector<uint8_t> &From, uint32_t Index) {
    T Value;
    std::memcpy(&Value, From.data() + Index, sizeof(T));
    return Value;
  }
  template <typename T>
  static void put(std::vector<uint8_t> &To, uint32_t Index, T Value) {
    std::memcpy(To.data() + Index, &Value, sizeof(T));
  }

  uint32_t Static = 0, Dynamic = 0;
  std::vector<std::byte> Data;
  std::vector<uint8_t> State, Writer, Reader;
  /// Chunks that were accessed since the last barrier.
  std::vector<uint8_t> Dirty;
  /// By warp: bytes whose state names a lane.
  std::array<std::vector<uint32_t>, Lanes> Unsynchronised;
};

/// Local memory of a thread block: stack variables and function parameters of
/// each thread.
class LocalMemory {
public:
  /// Starts a thread block: all bytes are unwritten.
  void reset(uint32_t Threads, uint32_t BytesEach);

  /// Index into data() of a thread's access; OutOfBounds if it is out of
  /// bounds.
  uint64_t indexOf(uint32_t Thread, uint64_t Offset, unsigned Bytes) const {
    uint64_t At = Offset - LocalBase;
    return At < Each && Bytes <= Each - At ? uint64_t(Thread) * Each + At
                                           : OutOfBounds;
  }
  static constexpr uint64_t OutOfBounds = ~uint64_t(0);
  uint32_t bytes() const { return Each; }

  std::byte *data() { return Data.data(); }
  uint8_t *written() { return Written.data(); }

private:
  uint32_t Each = 0;
  std::vector<std::byte> Data;
  std::vector<uint8_t> Written;
};

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_SHARED_H
