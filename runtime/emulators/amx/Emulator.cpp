//===- Emulator.cpp - AMX instructions in software ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/amx/Emulator.h"

#include <immintrin.h>
#include <signal.h>

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>

using namespace m1;

namespace {
constexpr unsigned MaxTiles = 8, MaxRows = 16, MaxRowBytes = 64;

/// The memory operand of ldtilecfg. All zero: not configured.
struct Configuration {
  uint8_t Palette;
  uint8_t StartRow;
  uint8_t Reserved0[14];
  uint16_t RowBytes[MaxTiles];
  uint8_t Reserved1[16];
  uint8_t Rows[MaxTiles];
  uint8_t Reserved2[8];
};
static_assert(sizeof(Configuration) == 64);

/// Rows of dwords. Data outside the configured shape is undefined here (AMX
/// keeps it zero): no instruction reads it, and reconfiguring clears all tiles.
using Tile = uint32_t[MaxRows][MaxRowBytes / 4];

struct Unit {
  Configuration Config;
  Tile Tiles[MaxTiles];
};
thread_local Unit ThisThread = {};

enum class Operation : uint8_t {
  LoadConfig,
  StoreConfig,
  Release,
  Zero,
  Load,
  Store,
  Dot
};

/// The implied prefix (66, F3 or F2) in the last byte of a VEX prefix.
enum Prefix : uint8_t { NP, P66, PF3, PF2 };

struct Encoding {
  Operation What;
  const char *Name;
  uint8_t Opcode; // in map 0F38
  Prefix Pp;
  bool RegistersOnly; // ModRM.mod is 3
};

constexpr Encoding Encodings[] = {
    {Operation::LoadConfig, "ldtilecfg", 0x49, NP, false},
    {Operation::StoreConfig, "sttilecfg", 0x49, P66, false},
    {Operation::Release, "tilerelease", 0x49, NP, true},
    {Operation::Zero, "tilezero", 0x49, PF2, true},
    {Operation::Load, "tileloadd", 0x4B, PF2, false},
    {Operation::Load, "tileloaddt1", 0x4B, P66, false},
    {Operation::Store, "tilestored", 0x4B, PF3, false},
    {Operation::Dot, "tdpbf16ps", 0x5C, PF3, true},
};

struct Instruction {
  const Encoding *Is;
  unsigned Length;  // bytes
  unsigned Reg, Rm; // of ModRM, with the VEX prefix's fourth bits
  unsigned Vvvv;    // 0 where the field is unused
  bool HasSib;      // base, index and scale are given
  uint64_t Address; // of the memory operand, without its index
  uint64_t Index;   // index << scale: the bytes from row to row
};

/// An AMX exception. The signal is raised by generated code, never inside the C
/// library, so its functions may be called here.
[[noreturn]] __attribute__((format(printf, 2, 3))) void
refuse(const char *Name, const char *Format, ...) {
  std::fprintf(stderr, "AMX emulator: %s: ", Name);
  va_list Arguments;
  va_start(Arguments, Format);
  std::vfprintf(stderr, Format, Arguments);
  va_end(Arguments);
  std::fputc('\n', stderr);
  std::abort();
}

/// A general-purpose register by its encoding.
uint64_t generalRegister(const ucontext_t &Context, unsigned Number) {
  constexpr int Places[] = {
      REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return Context.uc_mcontext.gregs[Places[Number]];
}

template <typename T> T take(const uint8_t *&Code) {
  T Value;
  std::memcpy(&Value, Code, sizeof(T));
  Code += sizeof(T);
  return Value;
}

const Encoding *find(uint8_t Opcode, uint8_t Pp, bool RegistersOnly) {
  const Encoding *Found =
      std::find_if(std::begin(Encodings), std::end(Encodings), [&](auto &E) {
        return E.Opcode == Opcode && E.Pp == Pp &&
               E.RegistersOnly == RegistersOnly;
      });
  return Found == std::end(Encodings) ? nullptr : Found;
}

/// Decodes the memory operand given by ModRM's `Mod` and `I.Rm`. `X` and `B`:
/// the high bits of index and base.
void decodeMemory(const ucontext_t &Context, const uint8_t *&Code, unsigned Mod,
                  unsigned X, unsigned B, Instruction &I) {
  I.HasSib = (I.Rm & 7) == 4;
  unsigned Base = I.Rm;
  if (I.HasSib) {
    uint8_t Sib = take<uint8_t>(Code);
    Base = (Sib & 7) | B << 3;
    if (unsigned Index = (Sib >> 3 & 7) | X << 3; Index != 4) // 4: no index
      I.Index = generalRegister(Context, Index) << (Sib >> 6);
  }
  // Without a displacement, base 5 (and 13) means no base and a 32-bit
  // displacement, relative to the next instruction if there is no SIB byte.
  bool NoBase = Mod == 0 && (Base & 7) == 5;
  int64_t Displacement = Mod == 1             ? take<int8_t>(Code)
                         : Mod == 2 || NoBase ? take<int32_t>(Code)
                                              : 0;
  I.Address = Displacement;
  if (!NoBase)
    I.Address += generalRegister(Context, Base);
  else if (!I.HasSib)
    I.Address += reinterpret_cast<uint64_t>(Code);
}

/// Read byte by byte: the following bytes may not be mapped.
std::optional<Instruction> decode(const ucontext_t &Context) {
  const auto *Begin =
      reinterpret_cast<const uint8_t *>(Context.uc_mcontext.gregs[REG_RIP]);
  const uint8_t *Code = Begin;
  if (take<uint8_t>(Code) != 0xC4) // VEX in three bytes
    return std::nullopt;
  uint8_t Fields = take<uint8_t>(Code);
  // R, X, B and vvvv are stored inverted.
  unsigned R = !(Fields >> 7 & 1), X = !(Fields >> 6 & 1),
           B = !(Fields >> 5 & 1);
  if ((Fields & 31) != 2) // map 0F38
    return std::nullopt;
  Fields = take<uint8_t>(Code);
  if (Fields & 0x84) // W0, 128 bits
    return std::nullopt;
  unsigned Vvvv = ~Fields >> 3 & 15, Pp = Fields & 3;
  uint8_t Opcode = take<uint8_t>(Code);
  if (!find(Opcode, Pp, false) && !find(Opcode, Pp, true))
    return std::nullopt;
  uint8_t ModRm = take<uint8_t>(Code);
  unsigned Mod = ModRm >> 6;
  Instruction I = {};
  I.Is = find(Opcode, Pp, Mod == 3);
  I.Reg = (ModRm >> 3 & 7) | R << 3;
  I.Rm = (ModRm & 7) | B << 3;
  I.Vvvv = Vvvv;
  if (!I.Is)
    return std::nullopt;
  if (Mod != 3)
    decodeMemory(Context, Code, Mod, X, B, I);
  I.Length = Code - Begin;
  return I;
}

/// Checks that unused fields have their fixed values.
void checkFields(const Instruction &I) {
  Operation What = I.Is->What;
  if (What != Operation::Dot && I.Vvvv != 0)
    refuse(I.Is->Name, "VEX.vvvv is %u, must be unused", I.Vvvv);
  if ((What == Operation::LoadConfig || What == Operation::StoreConfig ||
       What == Operation::Release) &&
      I.Reg != 0)
    refuse(I.Is->Name, "ModRM.reg is %u, must be 0", I.Reg);
  if ((What == Operation::Release || What == Operation::Zero) && I.Rm != 0)
    refuse(I.Is->Name, "ModRM.rm is %u, must be 0", I.Rm);
  if ((What == Operation::Load || What == Operation::Store) && !I.HasSib)
    refuse(I.Is->Name, "has no SIB byte");
}

void loadConfiguration(const Instruction &I) {
  Configuration C;
  std::memcpy(&C, reinterpret_cast<const void *>(I.Address + I.Index),
              sizeof(C));
  ThisThread = {};
  if (C.Palette == 0)
    return;
  const char *Name = I.Is->Name;
  if (C.Palette != 1)
    refuse(Name, "palette is %u, must be 0 or 1", C.Palette);
  if (C.StartRow != 0)
    refuse(Name, "start row is %u, only 0 is emulated", C.StartRow);
  auto Set = [](uint8_t Byte) { return Byte != 0; };
  if (std::any_of(std::begin(C.Reserved0), std::end(C.Reserved0), Set) ||
      std::any_of(std::begin(C.Reserved1), std::end(C.Reserved1), Set) ||
      std::any_of(std::begin(C.Reserved2), std::end(C.Reserved2), Set))
    refuse(Name, "a reserved byte is not 0");
  for (unsigned T = 0; T < MaxTiles; ++T) {
    if (C.Rows[T] > MaxRows)
      refuse(Name, "tmm%u has %u rows, the most is %u", T, C.Rows[T], MaxRows);
    if (C.RowBytes[T] > MaxRowBytes)
      refuse(Name, "tmm%u has rows of %u bytes, the most is %u", T,
             C.RowBytes[T], MaxRowBytes);
    if ((C.Rows[T] == 0) != (C.RowBytes[T] == 0))
      refuse(Name, "tmm%u has %u rows of %u bytes, must have both or neither",
             T, C.Rows[T], C.RowBytes[T]);
  }
  ThisThread.Config = C;
}

/// A tile operand, which must be configured. (Rows must be whole dwords,
/// although ldtilecfg accepts any number of bytes.)
struct Operand {
  Operand(const Instruction &I, unsigned Number) {
    const Configuration &C = ThisThread.Config;
    if (C.Palette == 0)
      refuse(I.Is->Name, "tiles are not configured");
    if (Number >= MaxTiles)
      refuse(I.Is->Name, "tmm%u does not exist", Number);
    if (C.Rows[Number] == 0)
      refuse(I.Is->Name, "tmm%u is not configured", Number);
    if (C.RowBytes[Number] % 4 != 0)
      refuse(I.Is->Name, "tmm%u has rows of %u bytes, not a multiple of 4",
             Number, C.RowBytes[Number]);
    Rows = C.Rows[Number];
    RowBytes = C.RowBytes[Number];
    Data = &ThisThread.Tiles[Number];
  }
  unsigned Rows, RowBytes;
  Tile *Data;
};

void load(const Instruction &I) {
  Operand To(I, I.Reg);
  for (unsigned Row = 0; Row < To.Rows; ++Row)
    std::memcpy((*To.Data)[Row],
                reinterpret_cast<const void *>(I.Address + Row * I.Index),
                To.RowBytes);
}

void store(const Instruction &I) {
  Operand From(I, I.Reg);
  for (unsigned Row = 0; Row < From.Rows; ++Row)
    std::memcpy(reinterpret_cast<void *>(I.Address + Row * I.Index),
                (*From.Data)[Row], From.RowBytes);
}

/// C[m][n] += sum over k of A[m][2k] B[k][2n] + the same sum of the odd
/// elements, for A of pairs along k and B of pairs along k in each column. The
/// manual's order: in each row one chain of FMAs over k for the even and one
/// for the odd elements, both from 0; then their sum; then that on C. (Intel's
/// intrinsics guide has one chain for both; the manual is newer.) Not inlined:
/// the caller sets the rounding mode.
__attribute__((noinline, target("avx2,fma"))) void
accumulate(const Operand &C, const Operand &A, const Operand &B) {
  const __m256i High = _mm256_set1_epi32(0xFFFF0000);
  for (unsigned M = 0; M < C.Rows; ++M)
    for (unsigned N = 0; N < MaxRowBytes / 4; N += 8) {
      __m256 Even = _mm256_setzero_ps(), Odd = _mm256_setzero_ps();
      for (unsigned K = 0; K < B.Rows; ++K) {
        __m256i Left = _mm256_set1_epi32((*A.Data)[M][K]);
        __m256i Right = _mm256_loadu_si256(
            reinterpret_cast<const __m256i *>(&(*B.Data)[K][N]));
        Even = _mm256_fmadd_ps(
            _mm256_castsi256_ps(_mm256_slli_epi32(Left, 16)),
            _mm256_castsi256_ps(_mm256_slli_epi32(Right, 16)), Even);
        Odd = _mm256_fmadd_ps(
            _mm256_castsi256_ps(_mm256_and_si256(Left, High)),
            _mm256_castsi256_ps(_mm256_and_si256(Right, High)), Odd);
      }
      auto *Sum = reinterpret_cast<float *>(&(*C.Data)[M][N]);
      _mm256_storeu_ps(
          Sum, _mm256_add_ps(_mm256_loadu_ps(Sum), _mm256_add_ps(Even, Odd)));
    }
}

void dot(const Instruction &I) {
  const char *Name = I.Is->Name;
  if (I.Reg == I.Rm || I.Reg == I.Vvvv || I.Rm == I.Vvvv)
    refuse(Name, "tmm%u, tmm%u and tmm%u must be three tiles", I.Reg, I.Rm,
           I.Vvvv);
  Operand C(I, I.Reg), A(I, I.Rm), B(I, I.Vvvv);
  if (C.Rows != A.Rows)
    refuse(Name, "the result has %u rows, the left operand %u", C.Rows, A.Rows);
  if (C.RowBytes != B.RowBytes)
    refuse(Name,
           "the result has rows of %u bytes, the right operand rows of %u",
           C.RowBytes, B.RowBytes);
  if (A.RowBytes / 4 != B.Rows)
    refuse(Name, "the left operand has %u pairs in a row, the right %u rows",
           A.RowBytes / 4, B.Rows);
  // Round to nearest even, denormals are zero, flush to zero, no exceptions.
  constexpr unsigned MaskAll = 0x1F80, FlushToZero = 0x8000,
                     DenormalsAreZero = 0x40;
  unsigned Before = _mm_getcsr();
  _mm_setcsr(MaskAll | FlushToZero | DenormalsAreZero);
  accumulate(C, A, B);
  _mm_setcsr(Before);
}

void handle(int, siginfo_t *, void *Context) {
  if (!amx::emulateAmx(*static_cast<ucontext_t *>(Context)))
    signal(SIGILL, SIG_DFL); // executed again, it ends the process
}
} // namespace

bool amx::emulateAmx(ucontext_t &Context) {
  std::optional<Instruction> I = decode(Context);
  if (!I)
    return false;
  checkFields(*I);
  switch (I->Is->What) {
  case Operation::LoadConfig:
    loadConfiguration(*I);
    break;
  case Operation::StoreConfig:
    std::memcpy(reinterpret_cast<void *>(I->Address + I->Index),
                &ThisThread.Config, sizeof(Configuration));
    break;
  case Operation::Release:
    ThisThread = {};
    break;
  case Operation::Zero:
    std::memset(*Operand(*I, I->Reg).Data, 0, sizeof(Tile));
    break;
  case Operation::Load:
    load(*I);
    break;
  case Operation::Store:
    store(*I);
    break;
  case Operation::Dot:
    dot(*I);
    break;
  }
  Context.uc_mcontext.gregs[REG_RIP] += I->Length;
  return true;
}

void amx::installAmxEmulator() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    refuse("start", "needs a CPU with AVX2 and FMA");
  struct sigaction Action = {};
  Action.sa_sigaction = handle;
  Action.sa_flags = SA_SIGINFO;
  if (sigaction(SIGILL, &Action, nullptr) != 0)
    refuse("start", "cannot handle SIGILL");
}
