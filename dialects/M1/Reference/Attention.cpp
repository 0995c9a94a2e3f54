//===- Attention.cpp - heads, rotary embedding, attention -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Operations.h"
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

using namespace m1::reference;

/// The sequences are well formed, apart from where they begin.
static std::string checkSequences(const RaggedBatch &In, int64_t Tokens) {
  if (std::string Wrong = checkCuSeqlens(In.CuSeqlens, Tokens); !Wrong.empty())
    return Wrong;
  std::set<int64_t> Seen;
  for (int64_t B = 0; B < In.Slots.Shape[0]; ++B) {
    int64_t Slot = In.Slots.Integers[B];
    if (Slot < 0 || !Seen.insert(Slot).second)
      return "expected a slot of its own for each sequence, found " +
             std::to_string(Slot) + " for sequence " + std::to_string(B);
    int64_t Begin = In.CuSeqlens.Integers[B];
    for (int64_t T = Begin; T < In.CuSeqlens.Integers[B + 1]; ++T)
      if (In.Positions.Integers[T] != In.Positions.Integers[Begin] + T - Begin)
        return "expected consecutive positions in sequence " +
               std::to_string(B) + ", found " +
               std::to_string(In.Positions.Integers[T]) + " for token " +
               std::to_string(T);
  }
  return "";
}

std::string m1::reference::checkBatch(const RaggedBatch &In, int64_t Tokens,
                                      const State &Before) {
  if (std::string Wrong = checkSequences(In, Tokens); !Wrong.empty())
    return Wrong;
  for (int64_t B = 0; B < In.Slots.Shape[0]; ++B) {
    int64_t Begin = In.CuSeqlens.Integers[B];
    if (Begin == In.CuSeqlens.Integers[B + 1])
      continue;
    int64_t First = In.Positions.Integers[Begin];
    auto Held = Before.find(In.Slots.Integers[B]);
    int64_t Length = Held == Before.end() ? 0 : Held->second->Length;
    if (First != 0 && First != Length)
      return "expected sequence " + std::to_string(B) + " at position 0" +
             (Length ? " or " + std::to_string(Length) : "") + ", found " +
             std::to_string(First);
  }
  return "";
}

std::string m1::reference::checkBatch(const RaggedBatch &In, int64_t Tokens,
                                      const Tensor &Blocks, int64_t Positions) {
  if (std::string Wrong = checkSequences(In, Tokens); !Wrong.empty())
    return Wrong;
  std::map<int64_t, int64_t> Writers; // of blocks
  for (bool Reads : {false, true})
    for (int64_t B = 0; B < In.Slots.Shape[0]; ++B) {
      int64_t Begin = In.CuSeqlens.Integers[B];
      int64_t End = In.CuSeqlens.Integers[B + 1];
      if (Begin == End)
        continue;
      const std::string Of = "of sequence " + std::to_string(B);
      int64_t First = In.Positions.Integers[Begin];
      int64_t Columns = (First + End - Begin + Positions - 1) / Positions;
      if (First < 0 || Columns > Blocks.Shape[1])
        return "expected positions " + Of + " from 0 to " +
               std::to_string(Blocks.Shape[1] * Positions - 1) + ", found " +
               std::to_string(First < 0 ? First : First + End - Begin - 1);
      for (int64_t J = Reads ? 0 : First / Positions; J < Columns; ++J) {
        int64_t Block = Blocks.Integers[B * Blocks.Shape[1] + J];
        if (Block < 0)
          return "expected block " + std::to_string(J) + " " + Of +
                 " to be 0 or more, found " + std::to_string(Block);
        auto Writer =
            Reads ? Writers.find(Block) : Writers.try_emplace(Block, B).first;
        if (Writer != Writers.end() && Writer->second != B)
          return "expected block " + std::to_string(Block) +
                 ", which sequence " + std::to_string(Writer->second) +
                 " writes, in no other, found "
                 "it in sequence " +
                 std::to_string(B);
      }
    }
  return "";
}

/// The state of a slot before a token at `Position`: empty at position 0.
static SlotState held(const State &Before, int64_t Slot, int64_t Position) {
  auto Held = Before.find(Slot);
  return Position == 0 || Held == Before.end() ? SlotState() : *Held->second;
}

std::array<Tensor, 3> m1::reference::splitQKV(const Tensor &X, int64_t Heads,
                                              int64_t HeadDim) {
  Tensor Part = Tensor::reals({X.Shape[0], Heads, HeadDim});
  std::array<Tensor, 3> Parts = {Part, Part, Part};
  for (int64_t T = 0; T < X.Shape[0]; ++T)
    for (int64_t H = 0; H < Heads; ++H)
      for (int64_t P = 0; P < 3; ++P)
        std::copy_n(X.row(T) + (H * 3 + P) * HeadDim, HeadDim,
                    Parts[P].row(T) + H * HeadDim);
  return Parts;
}

Tensor m1::reference::reshape(const Tensor &X, std::vector<int64_t> Shape) {
  Tensor Result = X;
  Result.Shape = std::move(Shape);
  return Result;
}

Tensor m1::reference::rotary(const Tensor &X, const Tensor &Positions,
                             double Theta, int64_t Dims, bool Inverse) {
  Tensor Result = X;
  int64_t HeadDim = X.Shape[2], Half = Dims / 2;
  for (int64_t T = 0; T < X.Shape[0]; ++T)
    for (int64_t H = 0; H < X.Shape[1]; ++H) {
      const double *In = X.row(T) + H * HeadDim;
      double *Out = Result.row(T) + H * HeadDim;
      for (int64_t I = 0; I < Half; ++I) {
        double Exponent =
            -2.0 * static_cast<double>(I) / static_cast<double>(Dims);
        double Angle = static_cast<double>(Positions.Integers[T]) *
                       std::pow(Theta, Exponent);
        double Cos = std::cos(Angle), Sin = std::sin(Inverse ? -Angle : Angle);
        Out[I] = In[I] * Cos - In[I + Half] * Sin;
        Out[I + Half] = In[I + Half] * Cos + In[I] * Sin;
      }
    }
  return Result;
}

std::pair<Tensor, State> m1::reference::lightningAttention(
    const Tensor &Q, const Tensor &K, const Tensor &V, const State &Before,
    const RaggedBatch &In, const std::vector<double> &Slopes) {
  int64_t Heads = Q.Shape[1], D = Q.Shape[2];
  Tensor Result = Tensor::reals(Q.Shape);
  State After = Before;
  for (int64_t B = 0; B < In.Slots.Shape[0]; ++B) {
    int64_t Begin = In.CuSeqlens.Integers[B];
    int64_t End = In.CuSeqlens.Integers[B + 1];
    if (Begin == End)
      continue;
    int64_t Slot = In.Slots.Integers[B];
    SlotState Now = held(Before, Slot, In.Positions.Integers[Begin]);
    Now.S.resize(Heads * D * D);
    for (int64_t T = Begin; T < End; ++T)
      for (int64_t H = 0; H < Heads; ++H) {
        const double *Query = Q.row(T) + H * D, *Key = K.row(T) + H * D,
                     *Value = V.row(T) + H * D;
        double *S = Now.S.data() + H * D * D, *Out = Result.row(T) + H * D;
        double Decay = std::exp(-Slopes[H]);
        for (int64_t I = 0; I < D; ++I)
          for (int64_t J = 0; J < D; ++J) {
            S[I * D + J] = Decay * S[I * D + J] + Key[I] * Value[J];
            Out[J] += Query[I] * S[I * D + J];
          }
      }
    Now.Length += End - Begin;
    After[Slot] = std::make_shared<const SlotState>(std::move(Now));
  }
  return {std::move(Result), std::move(After)};
}

/// Attention of token `T`, which is at position `Last`, over the rows of its
/// sequence: `KeyAt(J)` and `ValueAt(J)` are those of position J, [G, d].
template <typename RowAt>
static void attend(const Tensor &Q, int64_t T, int64_t Last, int64_t Groups,
                   double Scale, RowAt KeyAt, RowAt ValueAt, Tensor &Result) {
  int64_t Heads = Q.Shape[1], D = Q.Shape[2];
  for (int64_t H = 0; H < Heads; ++H) {
    int64_t Group = H / (Heads / Groups);
    const double *Query = Q.row(T) + H * D;
    std::vector<double> Weights(Last + 1);
    for (int64_t J = 0; J <= Last; ++J) {
      for (int64_t I = 0; I < D; ++I)
        Weights[J] += Query[I] * (KeyAt(J) + Group * D)[I];
      Weights[J] *= Scale;
    }
    double Largest = *std::max_element(Weights.begin(), Weights.end());
    double Sum = 0.0;
    for (double &Weight : Weights)
      Sum += Weight = std::exp(Weight - Largest);
    double *Out = Result.row(T) + H * D;
    for (int64_t J = 0; J <= Last; ++J)
      for (int64_t I = 0; I < D; ++I)
        Out[I] += Weights[J] / Sum * (ValueAt(J) + Group * D)[I];
  }
}

std::pair<Tensor, State>
m1::reference::softmaxAttention(const Tensor &Q, const Tensor &K,
                                const Tensor &V, const State &Before,
                                const RaggedBatch &In, double Scale) {
  int64_t Groups = K.Shape[1], D = Q.Shape[2];
  Tensor Result = Tensor::reals(Q.Shape);
  State After = Before;
  for (int64_t B = 0; B < In.Slots.Shape[0]; ++B) {
    int64_t Begin = In.CuSeqlens.Integers[B];
    int64_t End = In.CuSeqlens.Integers[B + 1];
    if (Begin == End)
      continue;
    int64_t Slot = In.Slots.Integers[B];
    SlotState Now = held(Before, Slot, In.Positions.Integers[Begin]);
    for (int64_t T = Begin; T < End; ++T) {
      Now.Keys.insert(Now.Keys.end(), K.row(T), K.row(T) + Groups * D);
      Now.Values.insert(Now.Values.end(), V.row(T), V.row(T) + Groups * D);
      Now.Length += 1;
      auto RowsOf = [Row = Groups * D](const std::vector<double> &Rows) {
        return [&Rows, Row](int64_t J) { return Rows.data() + J * Row; };
      };
      attend(Q, T, Now.Length - 1, Groups, Scale, RowsOf(Now.Keys),
             RowsOf(Now.Values), Result);
    }
    After[Slot] = std::make_shared<const SlotState>(std::move(Now));
  }
  return {std::move(Result), std::move(After)};
}

std::pair<Tensor, State>
m1::reference::softmaxAttention(const Tensor &Q, const Tensor &K,
                                const Tensor &V, const State &Before,
                                const RaggedBatch &In, const Tensor &Blocks,
                                int64_t Positions, double Scale) {
  int64_t Groups = K.Shape[1], D = Q.Shape[2], Row = Groups * D;
  Tensor Result = Tensor::reals(Q.Shape);
  std::map<int64_t, SlotState> Held; // the blocks that the batch uses
  auto blockAt = [&](int64_t B, int64_t Position) -> SlotState & {
    int64_t Number =
        Blocks.Integers[B * Blocks.Shape[1] + Position / Positions];
    auto [Block, IsNew] = Held.try_emplace(Number);
    if (auto Known = Before.find(Number); IsNew && Known != Before.end())
      Block->second = *Known->second;
    Block->second.Keys.resize(Positions * Row);
    Block->second.Values.resize(Positions * Row);
    return Block->second;
  };
  auto forTokens = [&](auto Visit) {
    for (int64_t B = 0; B < In.Slots.Shape[0]; ++B)
      for (int64_t T = In.CuSeqlens.Integers[B];
           T < In.CuSeqlens.Integers[B + 1]; ++T)
        Visit(B, T, In.Positions.Integers[T]);
  };
  forTokens([&](int64_t B, int64_t T, int64_t Position) {
    SlotState &Block = blockAt(B, Position);
    int64_t At = Position % Positions * Row;
    std::copy_n(K.row(T), Row, Block.Keys.data() + At);
    std::copy_n(V.row(T), Row, Block.Values.data() + At);
  });
  forTokens([&](int64_t B, int64_t T, int64_t Position) {
    auto RowsOf = [&, B](std::vector<double> SlotState::*Rows) {
      return [&, B, Rows](int64_t J) -> const double * {
        return (blockAt(B, J).*Rows).data() + J % Positions * Row;
      };
    };
    attend(Q, T, Position, Groups, Scale, RowsOf(&SlotState::Keys),
           RowsOf(&SlotState::Values), Result);
  });
  State After = Before;
  for (auto &[Number, Block] : Held)
    After[Number] = std::make_shared<const SlotState>(std::move(Block));
  return {std::move(Result), std::move(After)};
}
