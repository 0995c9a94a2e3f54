//===- Matrix.cpp - matrix products and fragments -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Access.h"

using namespace m1;
using namespace m1::ptx;

// The layouts are those of the PTX ISA, "Warp Level Matrix Instructions": with
// g = lane / 4 and t = lane % 4,
//
//   A (16 x K): rows g and g + 8, two neighbouring 16-bit columns from 2t on in
//               a register (tf32: column t), then those eight (four) on;
//   B (K x 8):  column g, rows as A's columns;
//   C (16 x 8): rows g and g + 8, columns 2t and 2t + 1.
//
// Arithmetic: products are exact; their sum over increasing k, then C, is
// accumulated in double and rounded once. Devices round intermediate results
// differently: the last bits may differ.

namespace {
constexpr unsigned M = 16, N = 8;

/// The 16-bit half of a register.
template <typename T> double halfOf(uint32_t Register, unsigned Which) {
  return double(T{uint16_t(Register >> (16 * Which))});
}
/// The low bits of a tf32 are ignored.
double tf32Of(uint32_t Register) {
  return std::bit_cast<float>(Register & ~((1u << 13) - 1));
}

struct NumberTF32 {};

/// Elements of A or B in register R of lane L as (line, k, value); a line is a
/// row of A or a column of B, and a register spans 8 of them.
template <typename T, typename BodyT>
void forElements(uint32_t Register, unsigned L, unsigned R, bool IsA,
                 BodyT &&Body) {
  const unsigned G = L / 4, T4 = L % 4;
  const unsigned Line = IsA ? G + 8 * (R % 2) : G, Step = IsA ? R / 2 : R;
  if constexpr (std::is_same_v<T, NumberTF32>) {
    Body(Line, T4 + 4 * Step, tf32Of(Register));
  } else {
    for (unsigned H = 0; H < 2; ++H)
      Body(Line, 2 * T4 + H + 8 * Step, halfOf<T>(Register, H));
  }
}

/// More: registers of D, A, B and C. T: of A and B; Result: of C and D.
template <typename T, unsigned K, typename Result>
bool runProduct(Warp &W, const Instruction &I, Mask Active) {
  if (!needWholeWarp(W, I, Active))
    return false;
  constexpr unsigned PerRegister = std::is_same_v<T, NumberTF32> ? 4 : 8;
  constexpr unsigned CountA = 2 * K / PerRegister, CountB = K / PerRegister;
  constexpr unsigned CountC = std::is_same_v<Result, float> ? 4 : 2;
  const Operand *D = I.More.data(), *A = D + CountC, *B = A + CountA,
                *C = B + CountB;
  for (const Operand *O = A; O < C + CountC; ++O)
    if (!W.ready(I, Active, *O))
      return false;

  double RowsOfA[M][K], RowsOfB[K][N], Sums[M][N] = {};
  for (unsigned R = 0; R < CountA; ++R)
    for (unsigned L = 0; L < Lanes; ++L)
      forElements<T>(W.in<uint32_t>(A[R])[L], L, R, true,
                     [&](unsigned Row, unsigned Column, double V) {
                       RowsOfA[Row][Column] = V;
                     });
  for (unsigned R = 0; R < CountB; ++R)
    for (unsigned L = 0; L < Lanes; ++L)
      forElements<T>(W.in<uint32_t>(B[R])[L], L, R, false,
                     [&](unsigned Column, unsigned Row, double V) {
                       RowsOfB[Row][Column] = V;
                     });
  for (unsigned Row = 0; Row < M; ++Row)
    for (unsigned Inner = 0; Inner < K; ++Inner)
      for (unsigned Column = 0; Column < N; ++Column)
        Sums[Row][Column] += RowsOfA[Row][Inner] * RowsOfB[Inner][Column];

  for (unsigned L = 0; L < Lanes; ++L)
    for (unsigned R = 0; R < 2; ++R) {
      const size_t Column = 2 * (L % 4);
      const double *Sum = &Sums[L / 4 + 8 * R][Column];
      if constexpr (std::is_same_v<Result, float>) {
        for (unsigned H = 0; H < 2; ++H)
          W.out<float>(D[2 * R + H])[L] =
              canonical(float(Sum[H] + W.in<float>(C[2 * R + H])[L]));
      } else {
        const Pair<Half> Old = W.in<Pair<Half>>(C[R])[L];
        W.out<Pair<Half>>(D[R])[L] = {Half::round(Sum[0] + double(Old.Low)),
                                      Half::round(Sum[1] + double(Old.High))};
      }
    }
  for (unsigned R = 0; R < CountC; ++R)
    W.define(D[R], Active);
  return true;
}

bool decodeProduct(Decoder &D, Instruction &I) {
  if (!D.take("sync") || !D.take("aligned"))
    return false;
  const std::optional<unsigned> Shape =
      D.takeAny({"m16n8k4", "m16n8k8", "m16n8k16"});
  Type TypeD, TypeA, TypeB, TypeC;
  if (!Shape || !D.take("row") || !D.take("col") || !D.type(TypeD) ||
      !D.type(TypeA) || !D.type(TypeB) || !D.type(TypeC) || TypeA != TypeB ||
      TypeC != TypeD)
    return false;
  const unsigned K = 4 << *Shape;
  struct Row {
    Type A, C;
    unsigned K;
    Executor Run;
  };
  static constexpr Row Rows[] = {
      {Type::F16, Type::F32, 8, runProduct<Half, 8, float>},
      {Type::F16, Type::F32, 16, runProduct<Half, 16, float>},
      {Type::F16, Type::F16, 8, runProduct<Half, 8, Half>},
      {Type::F16, Type::F16, 16, runProduct<Half, 16, Half>},
      {Type::BF16, Type::F32, 8, runProduct<BFloat, 8, float>},
      {Type::BF16, Type::F32, 16, runProduct<BFloat, 16, float>},
      {Type::TF32, Type::F32, 4, runProduct<NumberTF32, 4, float>},
      {Type::TF32, Type::F32, 8, runProduct<NumberTF32, 8, float>},
  };
  for (const Row &R : Rows)
    if (R.A == TypeA && R.C == TypeC && R.K == K)
      I.Run = R.Run;
  if (!I.Run)
    return false;
  const unsigned PerRegister = TypeA == Type::TF32 ? 4 : 8;
  const unsigned CountC = TypeC == Type::F32 ? 4 : 2;
  const Type Accumulator = TypeC == Type::F32 ? Type::F32 : Type::B32;
  return D.outVector(I.More, CountC, 4) &&
         D.inVector(I.More, 2 * K / PerRegister, Type::B32) &&
         D.inVector(I.More, K / PerRegister, Type::B32) &&
         D.inVector(I.More, CountC, Accumulator);
}

/// ldmatrix: rows of eight 16-bit elements at the addresses in lanes 0-7 for
/// the first matrix, 8-15 for the second, ...; a lane gets elements 2t and 2t +
/// 1 of row g, or with .trans (Mode) of column g. Ops[0] is the address.
bool runLoadMatrix(Warp &W, const Instruction &I, Mask Active) {
  if (!needWholeWarp(W, I, Active) || !W.ready(I, Active, I.Ops[0]))
    return false;
  constexpr unsigned Rows = 8, RowBytes = 16;
  const unsigned Count = I.More.size();
  std::array<std::array<uint16_t, 8>, Lanes> Loaded; // a row each
  for (unsigned L = 0; L < Rows * Count; ++L) {
    const uint64_t Address = addressOf(W, I.Ops[0], I.Immediate, L);
    Found At;
    if (!findMemory(W, I, L, I.In, Address, RowBytes, false, At))
      return false;
    if (At.In != Space::Shared)
      return W.fail(I, L, " at ", hex(Address), " is not in shared memory");
    if (!noteAccess(W, I, L, Address, At, RowBytes, SharedMemory::Kind::Load))
      return false;
    std::memcpy(Loaded[L].data(), At.Data, RowBytes);
  }
  for (unsigned R = 0; R < Count; ++R) {
    uint32_t *Out = W.out<uint32_t>(I.More[R]);
    for (unsigned L = 0; L < Lanes; ++L) {
      const unsigned G = L / 4, T = 2 * (L % 4);
      const size_t First = Rows * R;
      const auto *Matrix = &Loaded[First];
      const uint16_t Low = I.Mode ? Matrix[T][G] : Matrix[G][T],
                     High = I.Mode ? Matrix[T + 1][G] : Matrix[G][T + 1];
      Out[L] = uint32_t(High) << 16 | Low;
    }
    W.define(I.More[R], Active);
  }
  return true;
}
bool decodeLoadMatrix(Decoder &D, Instruction &I) {
  if (!D.take("sync") || !D.take("aligned") || !D.take("m8n8"))
    return false;
  const std::optional<unsigned> Count = D.takeAny({"x1", "x2", "x4"});
  I.Mode = D.take("trans");
  I.In = D.takeAny({"shared", "shared::cta"}) ? Space::Shared : Space::Generic;
  I.Run = runLoadMatrix;
  return Count && D.take("b16") && D.outVector(I.More, 1 << *Count, 4) &&
         D.address(I.Ops[0], I.Immediate);
}

/// movmatrix: a fragment of one 8 x 8 matrix to that of its transpose.
bool runTransposeMatrix(Warp &W, const Instruction &I, Mask Active) {
  if (!needWholeWarp(W, I, Active) || !W.ready(I, Active, I.Ops[1]))
    return false;
  uint16_t Matrix[8][8];
  const uint32_t *A = W.in<uint32_t>(I.Ops[1]);
  for (unsigned L = 0; L < Lanes; ++L)
    for (unsigned H = 0; H < 2; ++H)
      Matrix[2 * (L % 4) + H][L / 4] = A[L] >> (16 * H);
  uint32_t *Out = W.out<uint32_t>(I.Ops[0]);
  for (unsigned L = 0; L < Lanes; ++L) {
    const size_t Column = 2 * (L % 4);
    Out[L] = uint32_t(Matrix[L / 4][Column + 1]) << 16 | Matrix[L / 4][Column];
  }
  W.define(I.Ops[0], Active);
  return true;
}
bool decodeTransposeMatrix(Decoder &D, Instruction &I) {
  I.Run = runTransposeMatrix;
  return D.take("sync") && D.take("aligned") && D.take("m8n8") &&
         D.take("trans") && D.take("b16") && decodeSame(D, I, Type::B32, 1);
}

constexpr Family Families[] = {
    {"mma", decodeProduct},
    {"ldmatrix", decodeLoadMatrix},
    {"movmatrix", decodeTransposeMatrix},
};
} // namespace

std::span<const Family> ptx::matrixFamilies() { return Families; }
