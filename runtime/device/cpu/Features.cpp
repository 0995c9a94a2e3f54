//===- Features.cpp - CPU feature detection -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cpu/Features.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace m1;

namespace {
std::vector<std::string> &assumedFeatures() {
  static std::vector<std::string> Names;
  return Names;
}

bool isAssumed(std::string_view Name) {
  const std::vector<std::string> &Names = assumedFeatures();
  return std::find(Names.begin(), Names.end(), Name) != Names.end();
}
} // namespace

void cpu::assumeFeature(std::string_view Name) {
  assumedFeatures().emplace_back(Name);
}

#if defined(__x86_64__)
namespace {
enum Register : uint8_t { EAX, EBX, ECX, EDX };
/// State that the operating system must save (bits of XCR0).
enum State : uint32_t {
  None = 0,
  YMM = 0x6,       // SSE and AVX registers
  ZMM = 0xE6,      // and masks and the AVX-512 registers
  Tiles = 0x60000, // AMX configuration and data
};

struct Feature {
  std::string_view Name;
  uint32_t Leaf, Subleaf;
  Register Where;
  uint8_t Bit;
  State Needs;
};

// Intel's Software Developer's Manual, volume 2A, CPUID; AMD's leaves from
// 0x80000000 on.
constexpr Feature Features[] = {
    {"cmov", 1, 0, EDX, 15, None},
    {"cx8", 1, 0, EDX, 8, None},
    {"fxsr", 1, 0, EDX, 24, None},
    {"mmx", 1, 0, EDX, 23, None},
    {"sse", 1, 0, EDX, 25, None},
    {"sse2", 1, 0, EDX, 26, None},
    {"sse3", 1, 0, ECX, 0, None},
    {"pclmul", 1, 0, ECX, 1, None},
    {"ssse3", 1, 0, ECX, 9, None},
    {"fma", 1, 0, ECX, 12, YMM},
    {"cx16", 1, 0, ECX, 13, None},
    {"sse4.1", 1, 0, ECX, 19, None},
    {"sse4.2", 1, 0, ECX, 20, None},
    {"crc32", 1, 0, ECX, 20, None},
    {"movbe", 1, 0, ECX, 22, None},
    {"popcnt", 1, 0, ECX, 23, None},
    {"aes", 1, 0, ECX, 25, None},
    {"xsave", 1, 0, ECX, 26, None},
    {"avx", 1, 0, ECX, 28, YMM},
    {"f16c", 1, 0, ECX, 29, YMM},
    {"rdrnd", 1, 0, ECX, 30, None},
    {"bmi", 7, 0, EBX, 3, None},
    {"avx2", 7, 0, EBX, 5, YMM},
    {"bmi2", 7, 0, EBX, 8, None},
    {"avx512f", 7, 0, EBX, 16, ZMM},
    {"avx512dq", 7, 0, EBX, 17, ZMM},
    {"rdseed", 7, 0, EBX, 18, None},
    {"adx", 7, 0, EBX, 19, None},
    {"avx512ifma", 7, 0, EBX, 21, ZMM},
    {"clflushopt", 7, 0, EBX, 23, None},
    {"clwb", 7, 0, EBX, 24, None},
    {"avx512cd", 7, 0, EBX, 28, ZMM},
    {"sha", 7, 0, EBX, 29, None},
    {"avx512bw", 7, 0, EBX, 30, ZMM},
    {"avx512vl", 7, 0, EBX, 31, ZMM},
    {"avx512vbmi", 7, 0, ECX, 1, ZMM},
    {"avx512vbmi2", 7, 0, ECX, 6, ZMM},
    {"gfni", 7, 0, ECX, 8, None},
    {"vaes", 7, 0, ECX, 9, YMM},
    {"vpclmulqdq", 7, 0, ECX, 10, YMM},
    {"avx512vnni", 7, 0, ECX, 11, ZMM},
    {"avx512bitalg", 7, 0, ECX, 12, ZMM},
    {"avx512vpopcntdq", 7, 0, ECX, 14, ZMM},
    {"amx-bf16", 7, 0, EDX, 22, Tiles},
    {"avx512fp16", 7, 0, EDX, 23, ZMM},
    {"amx-tile", 7, 0, EDX, 24, Tiles},
    {"amx-int8", 7, 0, EDX, 25, Tiles},
    {"avxvnni", 7, 1, EAX, 4, YMM},
    {"avx512bf16", 7, 1, EAX, 5, ZMM},
    {"amx-fp16", 7, 1, EAX, 21, Tiles},
    {"avxifma", 7, 1, EAX, 23, YMM},
    {"avxvnniint8", 7, 1, EDX, 4, YMM},
    {"avxneconvert", 7, 1, EDX, 5, YMM},
    {"sahf", 0x80000001, 0, ECX, 0, None},
    {"lzcnt", 0x80000001, 0, ECX, 5, None},
    {"prfchw", 0x80000001, 0, ECX, 8, None},
    {"64bit", 0x80000001, 0, EDX, 29, None},
};

uint64_t savedState() {
  unsigned A, B, C, D;
  if (!__get_cpuid(1, &A, &B, &C, &D) || !(C & (1u << 27)))
    return 0; // the operating system does not use XSAVE
  uint32_t Low, High;
  __asm__("xgetbv" : "=a"(Low), "=d"(High) : "c"(0));
  return static_cast<uint64_t>(High) << 32 | Low;
}

bool supported(const Feature &F) {
  unsigned Registers[4];
  if (!__get_cpuid_count(F.Leaf, F.Subleaf, &Registers[0], &Registers[1],
                         &Registers[2], &Registers[3]))
    return false;
  return (Registers[F.Where] >> F.Bit & 1) &&
         (savedState() & F.Needs) == F.Needs;
}

/// Linux grants AMX registers only on request.
bool requestTiles() {
  constexpr int RequestPermission = 0x1023, TileData = 18;
  return ::syscall(SYS_arch_prctl, RequestPermission, TileData) == 0;
}

absl::Status askCpu(std::string_view Name, std::string_view Where) {
  for (const Feature &F : Features) {
    if (F.Name != Name)
      continue;
    if (!supported(F))
      return makeError(Where, ": compiled for ", Name,
                       ", which this CPU lacks; compile with another "
                       "--target-cpu");
    if (F.Needs == Tiles && !requestTiles())
      return makeError(Where, ": compiled for ", Name,
                       ", which this operating system does not allow");
    return absl::OkStatus();
  }
  return makeError(Where, ": compiled for ", Name,
                   ", which this runtime does not know");
}
} // namespace
#else
namespace {
absl::Status askCpu(std::string_view Name, std::string_view Where) {
  return makeError(Where, ": compiled for ", Name,
                   ", which this runtime does not know");
}
} // namespace
#endif

absl::Status cpu::requireFeature(std::string_view Name,
                                 std::string_view Where) {
  if (isAssumed(Name))
    return absl::OkStatus();
  return askCpu(Name, Where);
}
